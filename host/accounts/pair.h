// SPDX-License-Identifier: Apache-2.0
// Pairs: where the protocol's own oracle decides and the market's price predicts, each account is there
// twice, over two sets of assets. Its even one holds the instruments as they are, priced by assets that are
// told (ASSET_TOLD); its odd one the same positions in copies of these instruments, priced by the market. To
// the engine both are accounts like any other: rows, boxes, watch list, exact verdicts. What a breach of the
// odd one means is the session's business: a predicted breach of the even one.
//
// Ids: account n of the store is 2n, its odd one 2n + 1, so that new accounts keep coming at the end; in a
// book that has been paired the odd one's index is the even one's + 1. Instrument i's copy is i + half, where
// half is what the store has. Pure functions over the caller's memory; any thread.
#ifndef TRIPLINE_ACCOUNTS_PAIR_H
#define TRIPLINE_ACCOUNTS_PAIR_H

#include "accounts/account.h"
#include "base/err.h"

// What a told asset's stale_ms is (oracle.h): several blocks of 12 s. The store's stale_ms is the market's.
enum { PAIR_STALE_MS = 60000 };

struct pairing {
    uint16_t instruments;                 // half
    uint16_t assets;                      // of the store; those from here on are the market's (predicting)
    uint16_t predicts[MARKET_ASSETS_MAX]; // by deciding asset: the one that predicts it
};

// Turns a market of lending reserves into its pairs: each asset becomes ASSET_TOLD, and behind all of them
// comes its market's price: the kind and source it had, its name with '~' behind it (shortened to fit, a
// number behind it where the name is taken). 0, or -1 with *e set and *m as it was: an instrument that is no
// reserve, an asset that is no mark or index, no room.
int market_pair(struct market *m, struct err *e);
// The pairing of a market that market_pair has made; false: it has not. *m passes market_check.
bool market_pairing(const struct market *m, struct pairing *p);
// Has each copy the parameters of its instrument? Part of market_pairing; for new parameters of a market that
// has been paired and that they follow (market_follows).
bool market_mirrors(const struct market *m);
// An account of the store as the even one, in place: its id doubled. -1: the id is 2^31 or more.
int account_even(struct account *a);
// The odd one of an even account.
void account_odd(const struct pairing *p, const struct account *even, struct account *odd);
// Pairs a whole book (packed form), in place. 0, or -1 with *e set.
int book_pair(struct book *b, struct err *e);

static inline uint32_t pair_id(uint32_t id) // of the store, of either one
{
    return id / 2;
}
static inline bool pair_predicts(uint32_t id) // the odd one?
{
    return id & 1;
}

#endif
