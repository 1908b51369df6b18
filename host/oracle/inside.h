// SPDX-License-Identifier: Apache-2.0
// Inside of the oracle: what listen.c (messages to observations) and oracle.c (observations to prices) share.
#ifndef TRIPLINE_ORACLE_INSIDE_H
#define TRIPLINE_ORACLE_INSIDE_H

#include "accounts/pair.h"
#include "oracle/oracle.h"
#include "oracle/sources.h"

// An asset with a policy. A reciprocal has none of its own: it follows its base.
struct priced {
    struct policy policy;
    struct policy_state state;
    struct policy_result result;
    struct observation obs[POLICY_SOURCES];
    uint32_t stream[POLICY_SOURCES]; // venue and live channel last heard on (stream_of())
};

struct inverse {
    uint16_t asset, base;
    bool bad; // no reciprocal of the base's price fits
};

// A told asset (ASSET_TOLD); its price is oracle.price's.
struct decided {
    enum hold hold;        // as told; ABSENT before
    int64_t candidate;     // what a waiting transaction would make the price; 0: none waits
    uint64_t candidate_ns; // when that was told
};

// A set of assets.
enum { SET_WORDS = MARKET_ASSETS_MAX / 64 };
struct set {
    uint64_t bits[SET_WORDS];
};

struct oracle {
    const struct market *m;
    struct oracle_counters count;
    int64_t price[MARKET_ASSETS_MAX];
    struct priced *asset; // by asset
    struct inverse inverse[MARKET_ASSETS_MAX];
    size_t n_inverse;
    struct sources *sources;
    unsigned words;     // of a set that the market's assets need
    struct set dirty;   // to be evaluated when the group ends
    struct set timed;   // their price or hold may change by time alone
    struct set changed; // within the open group
    uint64_t now_ns, stepped_ns;
    // told prices, and assets that predict them
    struct decided decided[MARKET_ASSETS_MAX];
    uint8_t basis[MARKET_ASSETS_MAX]; // enum oracle_basis, of predicting assets
    uint16_t half;                    // predicting assets are this far behind those they predict; 0: no pairs
    struct set predict;               // their price is to be chosen anew when the group ends
    struct set fed;                   // predicting, by their own policy: they fall back when that becomes old
    uint64_t block_ns;                // the newest TOLD_BLOCK was heard then; 0: none
    enum oracle_rules rules;
    bool packet_open; // the gap of this packet has been taken into account
    bool touched;
    bool taken, refused; // by the message at work: some observation was newer, was not
};

static inline void set_add(struct set *s, uint16_t i)
{
    s->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static inline void set_remove(struct set *s, uint16_t i)
{
    s->bits[i / 64] &= ~(UINT64_C(1) << i % 64);
}

static inline bool set_has(const struct set *s, uint16_t i)
{
    return s->bits[i / 64] >> i % 64 & 1;
}

// The asset is to be evaluated when the group ends.
static inline void oracle_touch(struct oracle *o, uint16_t asset)
{
    set_add(&o->dirty, asset);
    o->touched = true;
}

// ---- predict.c

static inline bool oracle_predicts(const struct oracle *o, uint16_t asset)
{
    return o->half && asset >= o->half;
}
// A predicting asset takes the best there is: a candidate, its own policy's price, or the told one.
void oracle_choose(struct oracle *o, uint16_t asset);
// Predicting assets whose own price has become too old are to choose anew.
void oracle_look_at_fed(struct oracle *o);
enum hold oracle_told_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns); // ASSET_TOLD
enum hold oracle_predicting_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns);
uint64_t oracle_predicting_time(const struct oracle *o, uint16_t asset);
// oracle.c: ends the open group (oracle_end() without a packet).
size_t oracle_end_group(struct oracle *o, uint64_t now_ns, struct price_change *changed, bool *touched);

// The first call for a packet: a gap breaks every source last heard on that stream.
void oracle_open_packet(struct oracle *o, const struct feed_packet *p);

#endif
