// SPDX-License-Identifier: Apache-2.0
// Constant-product pools as a way out: as Uniswap V2 computes them, to the last unit. A path is pools one
// after the other; a sale is shared among paths side by side (docs/worth.md, "Pools"). cpmm_set and the
// quotes of several paths are for prepare time; the quote of one path costs one wide division a pool.
// Pure functions over caller's memory; no allocation; any thread.
#ifndef TRIPLINE_EXEC_EXIT_CPMM_H
#define TRIPLINE_EXEC_EXIT_CPMM_H

#include "base/err.h"
#include "exec/exit/exit.h"

enum {
    CPMM_HOPS_MAX = 4,
    CPMM_PATHS_MAX = 8,
    CPMM_PARTS_MAX = 10000, // of a fee: basis points and coarser
    CPMM_FRACTION = 8,      // fraction bits of virtual reserves
};

struct cpmm_pool {
    u128 in, out;      // reserves, 1..2^112-1, of the token sold and of the one bought
    uint32_t keep, of; // keep/of of what is paid in counts: 997/1000. of/2 <= keep <= of <= CPMM_PARTS_MAX
};

// getAmountOut: floor. in: 0..2^112-1.
u128 cpmm_out(const struct cpmm_pool *p, u128 in);
// getAmountIn as the router computes it, floor + 1. out < p->out.
u128 cpmm_in(const struct cpmm_pool *p, u128 out);

// The last quantity (real, floored) at which the pool's price is at least the rate.
u128 cpmm_upto(const struct cpmm_pool *p, struct exit_rate rate);
// The least input for which cpmm_out gives `out`; false when none below 2^112 does.
bool cpmm_least(const struct cpmm_pool *p, u128 out, u128 *in);

struct cpmm_path {
    uint8_t n;
    uint8_t tag; // the caller's: stays with the path when cpmm_set orders them
    struct cpmm_pool pool[CPMM_HOPS_MAX];
    // Made by cpmm_set. Without the rounding of its hops a path gives o q / (x + q).
    u128 o, x; // in 2^-CPMM_FRACTION units
    u128 root; // floor(sqrt(o x)), same
    u128 most; // the most it takes
};

struct cpmm {
    struct exit_venue venue; // first; what to hand on as the way out
    uint8_t n;
    struct cpmm_path path[CPMM_PATHS_MAX];
};

// Checks the pools of c->path[0..n-1] (no pool in two of them), orders the paths by their price, the best
// first, and makes what the quotes need. gas: of the whole sale. The version goes up by one. 0, or -1 with
// the reason.
int cpmm_set(struct cpmm *c, unsigned n, uint32_t gas, struct err *e);
// Shares q among the paths: part[i] goes into path[i]; returns what comes out in all. The parts sum to at
// most q: what no path can turn into another unit stays out.
u128 cpmm_split(const struct cpmm *c, u128 q, u128 part[CPMM_PATHS_MAX]);

// Would a further unit, after q shared among the paths, still bring at least the rate? By the paths' virtual
// reserves, without a root or a division: what the price of a search's next step is asked for.
bool cpmm_pays(const struct cpmm *c, u128 q, struct exit_rate rate);

#endif
