// SPDX-License-Identifier: Apache-2.0
// What sales and purchases do to the price of one coin: levels of an order book on both sides and a
// constant-product pool, as one curve from the net quantity sold to the price, relative to the price that
// comes from outside. Trades walk along the curve, so buying back what was sold costs exactly what it
// brought, and nothing is won or lost by splitting a trade. Replenishment lets the net quantity decay.
// Quantities and money are 1e-8 units of account at the start price (10 coins at 3,000 are 3e12 of either);
// prices are parts of 1e9 of the outside price. Pure functions; no allocation; any thread.
// Derivation and an example: docs/lab/scenarios.md, "Depth".
#ifndef TRIPLINE_LAB_DEPTH_CURVE_H
#define TRIPLINE_LAB_DEPTH_CURVE_H

#include "base/wide.h"

enum {
    CURVE_LEVELS_MAX = 16,
    CURVE_ONE = 1000000000,        // the outside price
    CURVE_LEAST = CURVE_ONE / 100, // no sale presses the price below a hundredth,
    CURVE_MOST = 2000000000,       // no purchase lifts it above the double
};
#define CURVE_AMOUNT_MAX ((i128)1 << 80) // of a level, a pool and a net quantity

struct curve_level {
    uint32_t away_ppm; // from the outside price, ascending, < 990000
    i128 size;         // on each side, > 0
};
struct depth_curve {
    unsigned n;
    struct curve_level level[CURVE_LEVELS_MAX];
    i128 pool;         // reserve of each side at the outside price; 0: none
    uint32_t keep_ppb; // what is left of a net quantity after one step
};

// Neither a book nor a pool: any quantity at the outside price.
bool curve_endless(const struct depth_curve *c);
// keep_ppb for this half-life in steps: the largest whose power, rounded down at each step, is at most half.
// 0 steps: nothing stays.
uint32_t curve_keep(uint32_t half_life);
// The most that can have been sold, net (and, negated, bought).
i128 curve_room(const struct depth_curve *c, bool sold);
// Price with `net` sold (< 0: bought), within curve_room: the greatest at which bids and pool take that much
// (the least at which asks and pool give it).
uint32_t curve_price_at(const struct depth_curve *c, i128 net);
// What selling from nothing to `net` brings in all; < 0 for net < 0: what it costs. Rounded against who
// trades.
i128 curve_value(const struct depth_curve *c, i128 net);
i128 curve_decay(const struct depth_curve *c, i128 net); // towards 0

#endif
