// SPDX-License-Identifier: Apache-2.0
// From feed messages to prices: which message moves which asset, whether that price may be acted on (P5), and
// which prices change together (one venue event, i.e. one datagram, is one group).
// Time is stream time: the receive timestamps of packets (and clock inputs), never the wall clock, so that a
// replay decides the same. One thread; no allocation after oracle_new().
#ifndef TRIPLINE_ORACLE_ORACLE_H
#define TRIPLINE_ORACLE_ORACLE_H

#include "accounts/account.h"
#include "base/err.h"
#include "feed/feed.h"

// Why no order may rest on an asset's price. Ordered: the first that applies is reported.
enum hold {
    HOLD_NONE = 0,
    HOLD_ABSENT, // no price yet
    HOLD_RANGE,  // newest value cannot be a price: NaN, not positive, too large
    HOLD_GAP,    // its channel lost packets and it has not been heard since
    HOLD_HALTED, // its instrument is not open
    HOLD_GUARD,  // further from its index than guard_ppm
    HOLD_STALE,  // older than stale_ms
    HOLD_COUNT
};
const char *hold_name(enum hold h);

struct price_change {
    uint16_t asset;
    int64_t price; // quanta of the asset, > 0
};

struct oracle_counters {
    uint64_t updates;           // messages that set a price
    uint64_t unknown;           // tickers of instruments not defined yet or not in the market
    uint64_t old;               // snapshots not newer than what the live channel said
    uint64_t bad_price;         // values refused by price_from_num
    uint64_t groups;            // groups with at least one changed price
    uint64_t holds[HOLD_COUNT]; // transitions into each hold by a message (stale: seen when asked)
};

struct oracle;
// The market stays the caller's and must outlive the oracle. NULL with *e set when an asset refers to
// nothing.
struct oracle *oracle_new(const struct market *m, struct err *e);
void oracle_free(struct oracle *o);
// Takes one message; its effect becomes visible in prices at once, the group is closed by oracle_end().
void oracle_msg(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m);
// Closes the group of this packet. Fills changed[] (MARKET_ASSETS_MAX entries) with every asset whose price
// changed, reciprocals included, ascending by asset. *touched: some source was heard or broken (holds may
// have ended even though no price changed).
size_t oracle_end(struct oracle *o, const struct feed_packet *p, struct price_change *changed, bool *touched);

const int64_t *oracle_prices(const struct oracle *o); // by asset; 0 = none yet
// Receive time of the newest message that carried the asset's price, ns; 0 = none.
uint64_t oracle_price_time(const struct oracle *o, uint16_t asset);
// Whether an order may rest on the asset at stream time now_ns.
enum hold oracle_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns);
const struct oracle_counters *oracle_counters(const struct oracle *o);

#endif
