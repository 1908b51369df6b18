// SPDX-License-Identifier: Apache-2.0
// When a bid on an auction pays: prices, gas and limits turned into the terms that econ/bidder.h plans with,
// and a cheap bound below which it cannot. Pure functions over caller's memory, any thread.
#ifndef TRIPLINE_RUN_BIDS_PLAN_H
#define TRIPLINE_RUN_BIDS_PLAN_H

#include "econ/bidder.h"
#include "run/bids.h"

struct bids_sale {
    struct bidder_sale sale;       // first: linear, or by a way out
    struct bidder_pool pool;       // where a depth is set
    const struct exit_venue *exit; // NULL: linear
    u256 rate;                     // 1e-27 debt units for a unit of collateral, fee taken
    bool bounded;                  // no sale brings more for a unit than `rate`
};
struct bids_terms {
    struct bids_sale sale;
    struct bidder_terms t;
    struct bidder_budget room;
    struct clip_feed feed;
};
// At these prices, with this much left of the limit in all (1e-8 units; INT64_MAX: no limit). False: a price
// is missing or the numbers do not fit, so nothing is worth it. *out points into itself.
bool bids_terms(const struct bids_config *c, const struct market *m, const struct auction *a,
                const struct exit_venue *way, const int64_t *px, int64_t left_e8, struct bids_terms *out);
// A second from `now` on before which no purchase pays; UINT64_MAX: none before the auction is reset. With a
// sale that is not bounded: now.
uint64_t bids_not_before(const struct bids_terms *x, const struct auction *a, uint64_t now);
// bidder_first() from `now` on, with that bound.
struct bidder_plan bids_first(const struct bids_terms *x, const struct auction *a, uint64_t now);

#endif
