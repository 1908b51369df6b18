// SPDX-License-Identifier: Apache-2.0
// What an asset's price is made of: sources, how they are aggregated, guards, and what happens when a guard
// fires or too few sources live. docs/oracle.md has the text format and every rule in words.
//
// One asset has a struct policy (constant after start-up), a struct policy_state, and one struct observation
// for each source, in the policy's order. The oracle fills observations as messages come and calls
// policy_eval() when a group ends or time matters; the result is what the device is told and whether an order
// may rest on it (P5). Units: prices are quanta of the asset, times ns of stream time (ts: of the exchange's
// clock), shares ppm. No allocation, no floating point, one thread per state. Division: by constants; beyond
// that only for a TWAP (one or two per evaluation), the rate guard (one per interval) and the stable price
// (every 10 s).
#ifndef TRIPLINE_ORACLE_POLICY_H
#define TRIPLINE_ORACLE_POLICY_H

#include "accounts/account.h"
#include "base/err.h"
#include "feed/feed.h"
#include "oracle/guard.h"
#include "oracle/median.h"
#include "oracle/twap.h"

enum { POLICY_SOURCES = MEDIAN_MAX, POLICY_GUARDS = 8, SOURCE_NAME_LEN = 64 };

enum policy_field { FIELD_MARK = 1, FIELD_INDEX, FIELD_MID, FIELD_LAST, FIELD_COUNT };
enum policy_role { ROLE_SOURCE = 1, ROLE_REFERENCE, ROLE_FALLBACK, ROLE_COUNT };
enum policy_aggregate {
    AGGREGATE_SINGLE = 1,
    AGGREGATE_MEDIAN,
    AGGREGATE_WEIGHTED,
    AGGREGATE_MAKER,
    AGGREGATE_PYTH
};
enum policy_mean { MEAN_NONE = 0, MEAN_GEOMETRIC, MEAN_ARITHMETIC };
enum policy_action { ACT_HOLD = 1, ACT_FALLBACK, ACT_LAST_GOOD, ACT_HALT, ACT_CLAMP };
enum guard_kind {
    GUARD_BAND = 1,
    GUARD_DEVIATION,
    GUARD_JUMP,
    GUARD_RATIO,
    GUARD_RATE,
    GUARD_CAP,
    GUARD_TREND,
    GUARD_UNCERTAIN
};
enum guard_ref { REF_NONE = 0, REF_REFERENCE, REF_PREVIOUS, REF_TWAP, REF_STABLE };

struct policy_source {
    uint8_t role, venue, field; // enum policy_role, feed_venue, policy_field
    uint32_t weight;            // AGGREGATE_WEIGHTED
    uint32_t conf_ppm; // AGGREGATE_PYTH: its price is known to within this; 0: FIELD_MID's half spread alone
    uint32_t max_age_ms; // 0: never stale
    // On-chain feed: it is due to update when a reference is further off than the threshold (0: no such
    // rule), and stale when it has been due for longer than the grace.
    uint32_t threshold_ppm, grace_ms;
    char name[SOURCE_NAME_LEN]; // instrument; for FIELD_INDEX an instrument or an index
};

struct policy_guard {
    uint8_t kind, ref, action; // enum guard_kind, guard_ref, policy_action
    uint32_t ppm;              // GUARD_DEVIATION, _JUMP, _UNCERTAIN; GUARD_RATE: per interval
    uint32_t ratio;            // GUARD_RATIO; GUARD_TREND: ticks
    uint32_t interval_ms;      // GUARD_RATE
    uint32_t confirm_ms;       // having fired for so long without a break it no longer does; 0: never
    int64_t low, high;         // GUARD_BAND
    struct price_cap cap;      // GUARD_CAP
};

struct policy {
    uint8_t n_sources, n_guards; // of all roles
    uint8_t aggregate, mean;     // enum policy_aggregate, policy_mean
    uint8_t min_live, quorum;    // live sources wanted (ROLE_SOURCE); AGGREGATE_MAKER: values of a poke
    uint8_t too_few;             // enum policy_action when fewer live
    bool publish_mean;           // the price is the TWAP, not the aggregate
    bool partial;                // a TWAP younger than its window is taken over what there is
    uint32_t window_ms;          // of the TWAP
    uint32_t max_spread_ppm;     // FIELD_MID; 0: any
    uint32_t return_ppm;         // back from the fallback only when both agree so well; 0: at once
    uint32_t last_good_ms;       // ACT_LAST_GOOD: for so long
    bool loose_last_good;        // it acts on broken channels and halted instruments too (ORACLE_RULES_1)
    // From policy_finish():
    uint16_t of_role[ROLE_COUNT]; // bit i: source i has that role
    uint8_t rate_guard;           // the guard that is a GUARD_RATE, or NO_GUARD
    bool past;                    // something looks at earlier aggregates: a mean, the stable price
    struct policy_source source[POLICY_SOURCES];
    struct policy_guard guard[POLICY_GUARDS];
};

enum observation_flag {
    OBS_BAD = 1, // the newest value cannot be a price: not positive, not a number, too large, a crossed book
    OBS_GAPPED = 2, // its channel lost packets and it has not healed
    OBS_HALTED = 4, // its instrument is not open
    OBS_UNSURE = 8, // a halt may have been among what its channel lost
};

// What one source said last. Zero at start. Flags but BAD are the oracle's to set and clear.
struct observation {
    int64_t price;    // 0: none yet
    int64_t conf;     // FIELD_MID: half of the spread, rounded up; else 0
    uint64_t time_ns; // newest message that said something new
    uint64_t ts_ns;   // exchange time of the newest; 0 = none
    uint8_t flags;    // enum observation_flag
};

// Why no order may rest on the price. The first six are enum hold's (oracle.h) in the same order.
enum policy_reason {
    REASON_NONE = 0,
    REASON_ABSENT,
    REASON_RANGE,
    REASON_GAP,
    REASON_HALTED,
    REASON_GUARD,
    REASON_STALE,
    REASON_WARMUP, // the TWAP has not seen its window yet
    REASON_HALT,   // a guard halted the asset until the operator's policy_resume()
    REASON_COUNT
};
const char *policy_reason_name(enum policy_reason r);

enum policy_by { BY_NOBODY = 0, BY_SOURCES, BY_FALLBACK, BY_LAST_GOOD };
enum { NO_GUARD = 0xff };

struct policy_result {
    int64_t price;    // what the device is told; 0: nothing yet. Unchanged while held
    int64_t conf;     // AGGREGATE_PYTH: the aggregate's confidence; 0 while too few live, and for others
    uint64_t time_ns; // since then at least min_live sources (one fallback) have spoken: the price's age
    uint32_t live;    // bit i: source i lives
    uint8_t reason;   // enum policy_reason: REASON_NONE, or no order may rest on it
    uint8_t by;       // enum policy_by: whose price it is now; BY_NOBODY while held
    uint8_t guard;    // the guard that fired, or NO_GUARD
};

struct policy_state {
    int64_t good, previous;    // last price accepted; the same as a reference (0: none yet)
    uint64_t good_ns, time_ns; // when it was accepted; its policy_result.time_ns
    int64_t anchor;            // GUARD_RATE
    uint64_t anchor_ns;
    bool halted, fallen; // until policy_resume(); on the fallback
    uint8_t halted_by;
    struct poke poke;
    uint64_t due_ns[POLICY_SOURCES];  // on-chain feed: off its threshold since then; 0: not
    uint64_t fired_ns[POLICY_GUARDS]; // firing since then; 0: not
    uint64_t fired[POLICY_GUARDS];    // counters: times it began to fire
    uint64_t fallbacks, halts;        // times it fell back, was halted
    uint64_t mean_ns;                 // newest write to twap
    struct twap twap;
    struct stable_price stable;
};

// ---- text

// The policy of an asset for which none is written: its one source ("venue:NAME", or Deribit's NAME; mark or
// index, CME: mid), stale_ms, and guard_ppm of the index in the same instrument's ticker, as struct asset
// says. Not for ASSET_RECIPROCAL.
void policy_default(const struct asset *a, struct policy *p);
// Reads a policy file. p[m->n_assets] holds defaults; those of assets with a section are replaced. 0, or -1
// with "file:line: what is wrong; what to write" in *e (p is then of no use).
int policy_parse(const char *file, const char *text, size_t len, const struct market *m, struct policy *p,
                 struct err *e);
// What policy_parse() checks once a section is whole, and fills in: min_live and quorum where they are 0, and
// what an evaluation would else look for each time; sources and guards must not change after it. 0 or -1.
int policy_finish(struct policy *p, struct err *e);

// ---- observations

// A value came, received at time_ns with exchange time ts_ns (0: it has none). False, and nothing happens,
// when it is older than the newest by the exchange's own clock: a replay. With an equal exchange time the
// price is taken (the channel's sequence says it is newer) but it does not make the source any younger.
bool observation_take(struct observation *o, int64_t price, uint64_t time_ns, uint64_t ts_ns);
// The same for a value that cannot be a price: the last price stays, flagged OBS_BAD until a good one comes.
bool observation_bad(struct observation *o, uint64_t ts_ns);
// FIELD_MID: both sides of the book (0: empty). Crossed, one-sided or wider than max_spread_ppm counts as
// bad.
bool observation_mid(struct observation *o, int64_t bid, int64_t ask, uint32_t max_spread_ppm,
                     uint64_t time_ns, uint64_t ts_ns);

// ---- evaluation

void policy_start(const struct policy *p, struct policy_state *s);
// now_ns never decreases from call to call.
void policy_eval(const struct policy *p, struct policy_state *s, const struct observation *obs,
                 uint64_t now_ns, struct policy_result *out);
// What the result of the last evaluation is worth at a later time when no message has come since: its reason,
// or REASON_STALE (REASON_GUARD) once too few of the sources (references) that made it are young enough. Of
// what time alone can do only ageing is looked at: a policy that publishes a TWAP is to be evaluated instead.
enum policy_reason policy_still(const struct policy *p, const struct policy_state *s,
                                const struct observation *obs, const struct policy_result *last,
                                uint64_t now_ns);
// The operator says go on: ends a halt, and forgets what "previous" and the rate guard compare with.
void policy_resume(struct policy_state *s);

#endif
