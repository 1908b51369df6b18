// SPDX-License-Identifier: Apache-2.0
// Prices that a chain's own oracle gives, as the session is told them (journal record J_TOLD): what decides
// on a protocol whose oracle is on chain. Little endian with a version byte; a decoder trusts nothing, and
// what decodes encodes to the same bytes. Pure functions, any thread, no allocation.
#ifndef TRIPLINE_ORACLE_TOLD_H
#define TRIPLINE_ORACLE_TOLD_H

#include "oracle/oracle.h"

enum told_kind {
    TOLD_PRICES = 1, // prices and holds that are new: one oracle transaction, or one reading of a block
    TOLD_BLOCK = 2,  // all of this block has been told and compared with the oracle's own answers; no changes
    // What assets would be at if a transaction that is waiting were in a block: a prediction. Price 0: none
    // is waiting for this asset any more.
    TOLD_CANDIDATE = 3,
};

struct told_price {
    uint16_t asset; // the market's; of those whose price decides (ASSET_TOLD)
    uint8_t hold; // enum hold: NONE, ABSENT, GAP (not read), GUARD (differs from the oracle). CANDIDATE: NONE
    int64_t price; // quanta; 0 when none is known
};
struct told_group {
    uint8_t kind;         // enum told_kind
    uint64_t block, time; // time: s, the block's timestamp
    uint64_t at_ns;       // stream time (wall clock) at which it was heard
    uint16_t n;
    struct told_price change[MARKET_ASSETS_MAX]; // ascending by asset
};
enum { TOLD_BYTES_MAX = 32 + MARKET_ASSETS_MAX * 11 };

// Sound: at least one change but for a block, which has none; ascending assets; no price below 0, and a price
// above 0 where PRICES say that there is no hold.
size_t told_encode(const struct told_group *g, uint8_t *buf, size_t size); // 0: does not fit, or not sound
int told_decode(const uint8_t *buf, size_t len, struct told_group *g);     // 0 or -1

#endif
