// SPDX-License-Identifier: Apache-2.0
// When a bid on an auction pays: prices, gas and limits turned into the terms that econ/bidder.h plans with,
// and a cheap bound below which it cannot. Pure functions over caller's memory, any thread.
#ifndef TRIPLINE_RUN_BIDS_PLAN_H
#define TRIPLINE_RUN_BIDS_PLAN_H

#include "econ/bidder.h"
#include "run/bids.h"

// What bids sell of an asset, in 10^-18 of a coin: those in flight; taken since the last look; taken while
// its book, or without one its price, was as it is. After that the market itself shows what they left.
struct bids_sold {
    u256 flight, fresh, gone;
    uint64_t book;
    int64_t px;
};
// Units (of 10^-decimals, at most 18; rounded up) that are sold before another bid's. book: the version of
// the asset's, 0: there is none.
u256 bids_sold_before(struct bids_sold *x, uint64_t book, int64_t px, uint8_t decimals);
// A bid leaves with so many units: what to hand in when its reply is here.
u256 bids_sold_leaves(struct bids_sold *x, uint8_t decimals, u256 units);
void bids_sold_settles(struct bids_sold *x, u256 left, bool taken);

struct bids_sale {
    struct bidder_sale sale;       // first: linear, or by a way out
    struct bidder_pool pool;       // where a depth is set
    const struct exit_venue *exit; // NULL: linear, or the pool
    bool any;                      // linear: each amount sells alike, whatever is sold before
    u256 gone, brought; // units sold there before this sale, and their proceeds: it gets what is left
    u256 rate;          // 1e-27 debt units for a unit of collateral, fee taken
    bool bounded;       // no sale brings more for a unit than `rate`
};
struct bids_terms {
    struct bids_sale sale;
    struct bidder_terms t;
    struct bidder_budget room;
    struct clip_feed feed;
};
// At these prices, where `gone` units of the collateral are sold before, with this much left of the limit in
// all (1e-8 units; INT64_MAX: no limit). False: a price is missing or the numbers do not fit, so nothing is
// worth it. *out points into itself.
bool bids_terms(const struct bids_config *c, const struct market *m, const struct auction *a,
                const struct exit_venue *way, u256 gone, const int64_t *px, int64_t left_e8,
                struct bids_terms *out);
// A second from `now` on before which no purchase pays; UINT64_MAX: none before the auction is reset. With a
// sale that is not bounded: now.
uint64_t bids_not_before(const struct bids_terms *x, const struct auction *a, uint64_t now);
// bidder_first() from `now` on, with that bound.
struct bidder_plan bids_first(const struct bids_terms *x, const struct auction *a, uint64_t now);

#endif
