// SPDX-License-Identifier: Apache-2.0
// The paper venue: a process of its own that takes orders over a local socket and settles them against marks.
// Single-threaded. kill -9 at any instant leaves a consistent state; see docs/execution.md.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_H
#define TRIPLINE_EXEC_PAPER_VENUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "exec/paper/auction_spec.h"
#include "exec/paper/venue_dynamic.h"

struct venue_options {
    const char *socket;
    const char *accounts; // store, read when the state is new
    const char *state;
    bool sync;                                      // a reply means on disk
    struct dynamic_spec dynamic[DYNAMIC_SPECS_MAX]; // thresholds that follow volatility
    unsigned n_dynamic;
    const struct auction_spec *auctions; // collateral is sold by auction; NULL: at once
    // test aids, all off by default
    uint32_t delay_us;    // before each reply to an order
    uint32_t refuse_pct;  // refuse this share of orders, chosen by seed and key
    uint64_t seed;        // of this and the churn
    uint32_t churn;       // states a second that owners change
    uint64_t crash_after; // kill this process after so many fills, before the reply; 0 = never
};
// Serves until SIGTERM or SIGINT. 0, or -1 with *e set.
int venue_serve(const struct venue_options *o, struct err *e);

#endif
