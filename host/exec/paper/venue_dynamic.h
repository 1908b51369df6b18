// SPDX-License-Identifier: Apache-2.0
// Liquidation thresholds of the paper venue that follow the volatility of its own marks (risk/vol.h,
// risk/dynamic.h; docs/lab/dynamic.md). Its marks are those that orders bring, at the second at which they
// were judged: where no order comes, nothing is known and nothing changes but ramps under way. New parameters
// go the way of an owner's: a version in its database, told to every client, so a keeper takes them like any
// others. What a venue has learnt of prices is not stored: started anew, it learns anew, from the thresholds
// it has. One thread.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_DYNAMIC_H
#define TRIPLINE_EXEC_PAPER_VENUE_DYNAMIC_H

#include "accounts/account.h"
#include "base/err.h"
#include "risk/dynamic.h"
#include "risk/vol.h"

enum { DYNAMIC_SPECS_MAX = 8 };

struct dynamic_spec {
    char instrument[NAME_LEN]; // a reserve
    struct dynamic_rule rule;  // base_bps, max_bps 0: the instrument's threshold at the start
    uint32_t lambda_ppm;       // of one period; 940000
    uint32_t period_s;         // 1
    uint32_t least;            // returns before anything is changed; 5
};
// "instrument=WETH,k_bps=2000,min_bps=6000,...": name=value by commas, whole numbers; instrument, k_bps,
// min_bps are needed. 0, or -1 with what is wrong.
int dynamic_spec_parse(const char *text, struct dynamic_spec *s, struct err *e);

struct dynamic_follow {
    const struct dynamic_spec *spec;
    struct dynamic_rule rule;
    uint16_t instrument;
    bool refused; // its last new parameters were; said once
    struct vol_ewma vol;
    struct dynamic_state at;
};
// Finds the instrument and checks the rule against the market. 0, or -1 with *e set.
int dynamic_follow(struct dynamic_follow *f, const struct dynamic_spec *s, const struct market *m,
                   struct err *e);
// A mark of the instrument's asset, judged at `second`; `now` is the venue's second. True: *in is changed.
bool dynamic_mark(struct dynamic_follow *f, int64_t price, uint64_t second, uint64_t now,
                  struct instrument *in);

#endif
