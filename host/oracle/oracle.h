// SPDX-License-Identifier: Apache-2.0
// From feed messages to prices: which message speaks to which sources, what each asset's policy (policy.h,
// docs/oracle.md) makes of them, whether that price may be acted on (P5), and which prices change together
// (one venue event, i.e. one datagram, is one group).
// Time is stream time: the receive timestamps of packets (and clock inputs), never the wall clock, so that a
// replay decides the same. One thread; no allocation after oracle_new().
#ifndef TRIPLINE_ORACLE_ORACLE_H
#define TRIPLINE_ORACLE_ORACLE_H

#include "accounts/account.h"
#include "base/err.h"
#include "feed/feed.h"
#include "oracle/policy.h"

// Why no order may rest on an asset's price: enum policy_reason, of which it has all in the same order.
enum hold {
    HOLD_NONE = 0,
    HOLD_ABSENT, // too few sources have a price yet
    HOLD_RANGE,  // newest value cannot be a price: NaN, not positive, too large, a crossed book
    HOLD_GAP,    // its channel lost packets, and since then it or its instrument's state has not been heard
    HOLD_HALTED, // its instrument is not open
    HOLD_GUARD,  // a guard fired
    HOLD_STALE,  // too old
    HOLD_WARMUP, // its TWAP has not seen a whole window yet
    HOLD_HALT,   // a guard halted it: until oracle_resume()
    HOLD_COUNT
};
const char *hold_name(enum hold h);

// An exchange time further than this ahead of stream time is taken as that far ahead: a stamp from the
// future would have all later messages of its source taken for replays of old ones.
#define ORACLE_AHEAD_NS UINT64_C(1000000000)
// An asset whose price or hold may change by time alone is looked at again after this much of it, when a
// datagram or clock input comes.
#define ORACLE_STEP_NS UINT64_C(1000000)
// What a snapshot says an instrument's state to be is believed over a halt told live once something was lost
// so long ago: its snapshots are then younger than the loss.
#define ORACLE_DOUBT_NS UINT64_C(60000000000)

struct price_change {
    uint16_t asset;
    int64_t price; // quanta of the asset, > 0
};

struct oracle_counters {
    uint64_t updates;           // messages that set a price of a source
    uint64_t unknown;           // tickers and indexes of what is not defined yet or no policy names
    uint64_t old;               // messages not newer than what was heard: snapshots, replays
    uint64_t bad_price;         // values refused: no price, or a book without a middle
    uint64_t groups;            // groups with at least one changed price
    uint64_t holds[HOLD_COUNT]; // times an asset came under each hold (by age alone: seen when asked)
};

// By which rules prices are made: a journal is replayed by those of its time.
enum oracle_rules {
    ORACLE_RULES_NOW = 0,
    ORACLE_RAW,     // from before policies: defaults, and what is held reaches the device too
    ORACLE_RULES_1, // a gap leaves states sure; last_good acts on broken channels and halted instruments too
};

struct oracle_config {
    const char *file, *text; // policies (policy_parse()) and their file's name for errors; NULL: none
    size_t len;
    enum oracle_rules rules;
};

struct oracle;
// The market stays the caller's and must outlive the oracle. c may be NULL: policy_default() for every asset.
// NULL with *e set when an asset refers to nothing or the text is wrong ("file:line: ...").
struct oracle *oracle_new(const struct market *m, const struct oracle_config *c, struct err *e);
void oracle_free(struct oracle *o);
// Between two packets: has what the next one will need fetched into the cache (base/warm.h), of the market's
// first assets.
void oracle_warm(const struct oracle *o);
// Takes one message. It counts at the end of its packet. True when it told something new that is used.
bool oracle_msg(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m);
// Closes the group of this packet at stream time now_ns. Fills changed[] (MARKET_ASSETS_MAX entries) with
// every asset whose price changed, reciprocals included, ascending by asset. *touched: some source was heard
// or broken, or time changed a hold (holds may have ended even though no price changed). Prices that are held
// do not change: the last good one stands.
size_t oracle_end(struct oracle *o, const struct feed_packet *p, uint64_t now_ns,
                  struct price_change *changed, bool *touched);
// The same without a packet: stream time has moved on.
size_t oracle_time(struct oracle *o, uint64_t now_ns, struct price_change *changed, bool *touched);
struct told_group; // told.h
// Whether the market has what is told: every asset is one of its ASSET_TOLD.
bool oracle_knows(const struct oracle *o, const struct told_group *g);
// Takes what a chain's oracle says (oracle_knows) and closes the group: all of it is one, with the predicting
// assets that follow. A told price counts whatever its hold is; 0 leaves the last one. Told assets are
// HOLD_ABSENT until told and HOLD_STALE once no TOLD_BLOCK has been heard for their stale_ms.
size_t oracle_tell(struct oracle *o, const struct told_group *g, uint64_t now_ns,
                   struct price_change *changed, bool *touched);
// The operator says go on: HOLD_HALT ends at the next oracle_end() or oracle_time().
void oracle_resume(struct oracle *o);

const int64_t *oracle_prices(const struct oracle *o); // by asset; 0 = none yet
// Age of the asset's price: receive time since which as many of its sources have spoken as must live, ns; 0 =
// none. A told price's: of the newest TOLD_BLOCK; a candidate's: when it was told, or since then that.
uint64_t oracle_price_time(const struct oracle *o, uint16_t asset);
// Whether an order may rest on the asset at stream time now_ns.
enum hold oracle_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns);
// What the asset's policy said last (a reciprocal's: its base's): live sources, the guard that fired.
const struct policy_result *oracle_result(const struct oracle *o, uint16_t asset);
// Of a paired market (accounts/pair.h): what the price of a predicting asset rests on. In this order of
// preference: a transaction that waits, the asset's own policy while it is not held, the told price of the
// asset that it predicts. The last is no prediction, and no reason for a hold.
enum oracle_basis {
    BASIS_NONE,
    BASIS_TOLD,
    BASIS_FEED,
    BASIS_CANDIDATE
}; // NONE: no price, or not predicting
enum oracle_basis oracle_basis(const struct oracle *o, uint16_t asset);
// The i-th instrument, of those that the asset's policy names (an index has no market), and its number at its
// venue; a reciprocal's: its base's. False: there are no more, or it is not defined yet and *id is 0.
// inverse: a future whose amounts are in its quote, by its definition.
struct oracle_instrument {
    enum feed_venue venue;
    uint64_t id;
    bool inverse;
};
bool oracle_instrument(const struct oracle *o, uint16_t asset, unsigned i, struct oracle_instrument *out);
const struct oracle_counters *oracle_counters(const struct oracle *o);

#endif
