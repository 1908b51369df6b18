// SPDX-License-Identifier: Apache-2.0
// Seeded, correlated price paths for the generator: one market factor times each asset's beta, plus noise of
// its own, times a scripted shape. Integers only, so that a seed gives the same prices on every machine. One
// thread per object; no allocation.
#ifndef TRIPLINE_FEED_GEN_PATH_H
#define TRIPLINE_FEED_GEN_PATH_H

#include "base/prng.h"

#include <stdint.h>

enum gen_path {
    GEN_CALM,  // small moves only: a market volatility of 1 bp per square-root second
    GEN_TREND, // steady decline of the market by 12 % over the run
    GEN_CRASH, // -25 % within three seconds (a tenth of a short run) from the middle on; 40 % of it comes
               // back
    GEN_GAP,   // -12 % at once in the middle
};

enum path_asset {
    ASSET_BTC,
    ASSET_ETH,
    ASSET_SOL,
    ASSET_XRP,
    ASSET_DOGE,
    ASSET_PEPE,
    ASSET_USDC,
    ASSET_COUNT
};

struct path {
    struct prng rng;
    enum gen_path shape_kind;
    int64_t steps, step;        // length of the run and position in it
    int64_t fall_steps;         // duration of the crash's fall
    int64_t sigma_e12;          // market's standard deviation per step, 1e-12
    int64_t shape_e9;           // market's scripted move so far, 1e-9
    int64_t level[ASSET_COUNT]; // random part, LEVEL_ONE = start
};

// steps >= 1 of step_ns nanoseconds each.
void path_init(struct path *p, uint64_t seed, enum gen_path kind, int64_t steps, uint64_t step_ns);
void path_step(struct path *p);
// Price of an asset whose price at the start is `start` (in any unit), in that unit, at least 1.
// start <= 2^40. in_usdc: divided by the price of USDC.
int64_t path_price(const struct path *p, enum path_asset asset, int64_t start, int in_usdc);

#endif
