// SPDX-License-Identifier: Apache-2.0
// Parameters of the paper venue that follow its own marks (risk/estimate.h, risk/dynamic.h, risk/climb.h;
// docs/lab/dynamic.md): a reserve's liquidation threshold with that of its first eMode category, or a
// perpetual's maintenance rates. Its marks are those that orders bring, at the second at which they
// were judged: where no order comes, nothing is known and nothing changes but ramps under way. New parameters
// go the way of an owner's: a version in its database, told to every client, so a keeper takes them like any
// others. What a venue has learnt of prices is not stored: started anew, it learns anew, from the parameters
// it has; a perpetual's rates are recognised as a multiple of the first version's. One thread.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_DYNAMIC_H
#define TRIPLINE_EXEC_PAPER_VENUE_DYNAMIC_H

#include "accounts/account.h"
#include "base/err.h"
#include "risk/climb.h"
#include "risk/dynamic.h"
#include "risk/estimate.h"
#include "risk/scaled.h"

enum { DYNAMIC_SPECS_MAX = 8 };

// What the target comes from.
enum dynamic_policy {
    DYNAMIC_VOLATILITY,    // the estimator's deviation
    DYNAMIC_OPEN_INTEREST, // perpetuals: dYdX v4's form, on the venue's own open interest
    DYNAMIC_SIZE,          // perpetuals: the deviation, a tier's part by the root of its floor (Drift v2)
    DYNAMIC_SCALED,        // reserves: Mango v4's form, on what is deposited at the venue
    DYNAMIC_IMPLIED,       // reserves: Aloe II's, its oracle's average over the estimator's deviation
    DYNAMIC_POLICIES
};

struct dynamic_spec {
    char instrument[NAME_LEN];
    enum dynamic_policy policy;
    enum estimate_kind estimator;
    struct dynamic_rule rule; // base_bps, max_bps 0: the instrument's threshold at the start; a perpetual's:
                              // factors on its rates, max_bps above 10000
    uint32_t lambda_ppm;      // of one period; 940000
    uint32_t period_s;        // 1
    uint32_t window;          // periods; 60, not of EWMA
    uint32_t least;           // returns or bars before anything is changed; 5
    uint64_t lower, upper;    // open interest, whole units of account
    uint64_t quote;           // deposits up to which the base applies, whole units of account
    uint32_t n_tenths;        // IMPLIED: deviations, in tenths; 50
};
// "instrument=WETH,k_bps=2000,min_bps=6000,...": name=value by commas. 0, or -1 with what is wrong.
int dynamic_spec_parse(const char *text, struct dynamic_spec *s, struct err *e);

struct dynamic_follow {
    const struct dynamic_spec *spec;
    struct dynamic_rule rule;
    uint16_t instrument;
    bool refused; // its last new parameters were; said once
    struct estimate vol;
    uint64_t looked; // second of the last count of what is held
    // reserves
    struct dynamic_state at;
    bool with_emode; // its eMode threshold keeps its distance
    int32_t emode_gap;
    struct aloe_iv iv;
    // perpetuals
    struct climb climb;
    unsigned n_tiers;
    uint32_t base[TIERS_MAX], root[TIERS_MAX]; // rates as configured; shares of the factor
    uint32_t goal;
};
// Finds the instrument and checks the rule against the market. `first`: its market at the beginning, whose
// rates are the base of a perpetual's where they fit (NULL: as m). 0, or -1 with *e set.
int dynamic_follow(struct dynamic_follow *f, const struct dynamic_spec *s, const struct market *m,
                   const struct market *first, struct err *e);
// Does it want what accounts hold, counted anew in this second?
bool dynamic_wants_held(const struct dynamic_follow *f, uint64_t second);

struct dynamic_seen {
    int64_t price;        // of the instrument's asset, quanta; 0: this order brings none
    uint64_t second, now; // at which it was judged; the venue's
    i256 held;            // where wanted: longs in size quanta, or deposits in token units; >= 0
    uint8_t price_decimals;
};
// True: *in is changed.
bool dynamic_mark(struct dynamic_follow *f, const struct dynamic_seen *seen, struct instrument *in);

#endif
