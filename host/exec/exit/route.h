// SPDX-License-Identifier: Apache-2.0
// One token sold for another over several books and pools side by side, each way in one step or by a token in
// between (docs/worth.md, "Routing"). The shares are those at which all prices are equal; then whole lots are
// moved about until no move brings more. What comes out is what the venues' own integers give: getAmountOut
// of Uniswap V2's library, levels and fee of depth.h.
// Beside the best real split it costs at most venue.slop; no way by itself, and not the pools by themselves,
// bring more. Books of the same lot: nothing that brute force finds is better by more than the floors of the
// pools (cpmm.h). Where every way with a book is that book alone, the levels of all are merged by price
// (route_merge.c): route_set costs microseconds and so does a quote. A book with a token in between makes
// both a search by bisection, 0.5 ms and more, for prepare time. Pure functions over caller's memory; no
// allocation; any thread while nobody changes the route or its books.
#ifndef TRIPLINE_EXEC_EXIT_ROUTE_H
#define TRIPLINE_EXEC_EXIT_ROUTE_H

#include "base/err.h"
#include "exec/exit/cpmm.h"
#include "exec/exit/depth.h"

enum { ROUTE_HOPS_MAX = 2, ROUTE_PATHS_MAX = 8, ROUTE_RANKS_MAX = ROUTE_PATHS_MAX * DEPTH_LEVELS_MAX };

// A step of a way: a book or a pool.
struct route_hop {
    const struct depth *book; // after depth_end; not copied. NULL: the pool
    struct cpmm_pool pool;
};
struct route_path {
    uint8_t n; // hops
    struct route_hop hop[ROUTE_HOPS_MAX];
};

struct route {
    struct exit_venue venue; // first; what to hand on as the way out
    uint8_t n;
    struct route_path path[ROUTE_PATHS_MAX]; // the caller's, before route_set
    // Made by route_set.
    uint8_t n_lots, lots[ROUTE_PATHS_MAX]; // paths with a book, by their index
    bool has_pools;
    struct cpmm pools;                                        // the paths without; tag: their index
    struct exit_rate rate[ROUTE_PATHS_MAX][DEPTH_LEVELS_MAX]; // of the only or first book of a lots path
    // All levels by price, the best first, where no book has a token in between. A caller that clears
    // `merged` has the bisection in its place: the same answers, slowly.
    bool merged;
    uint16_t n_ranks;
    uint8_t rank[ROUTE_RANKS_MAX];                        // whose level it is, an index of lots[]
    uint8_t before[ROUTE_RANKS_MAX + 1][ROUTE_PATHS_MAX]; // levels of each among the ranks below
    u128 units[ROUTE_PATHS_MAX][DEPTH_LEVELS_MAX];        // sold down to a level
};

// Checks r->path[0..n-1] and makes what the quotes need; to be called again when a book has changed. No pool
// and no book may stand in two paths: each would be sold into as if alone. gas: of the whole sale. The
// version goes up by one. 0, or -1 with the reason.
int route_set(struct route *r, unsigned n, uint32_t gas, struct err *e);
// Shares q among the paths: part[i] goes into path[i], the return is what comes out of all. The parts sum to
// at most q: what no path can turn into another unit stays out.
u128 route_split(const struct route *r, u128 q, u128 part[ROUTE_PATHS_MAX]);
// What path i brings for q; whether the path takes all of it is not asked.
u128 route_path_out(const struct route *r, unsigned i, u128 q);

#endif
