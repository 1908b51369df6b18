// SPDX-License-Identifier: Apache-2.0
// Liquidation map: what becomes liquidatable against price. One asset's coin alone, or all by one factor
// times each coin's beta (1: jointly). Each point is one price vector asked of the world; breaches grow with
// the move (the healthy set is convex: docs/lab/risk.md, section 1). Source: Perez et al., arXiv 2009.13235,
// figure of sensitivity. Offline.
#ifndef TRIPLINE_LAB_MAP_H
#define TRIPLINE_LAB_MAP_H

#include "lab/reach.h"

enum { MAP_POINTS_MAX = 2001 };

struct liq_point {
    double move; // of the coin or factor: -0.1 is 10 % down
    struct outcome all;
};
struct liq_map {
    char what[NAME_LEN]; // coin, or "all"
    int64_t start_px;    // of a coin's first asset, quanta; 0: all
    unsigned decimals;
    size_t n;
    struct liq_point *point; // by move, ascending; malloc'ed
};
// points >= 2 from move `from` to `to` (> -1), evenly, with 0 among them where it is on the grid. coin:
// index, or -1: all, each by beta[coin] (NULL: 1). A move m of beta b is max(1 + b m, 1 / WORLD_FACTOR). 0,
// or -1 with *e set.
int map_make(const struct world *w, const struct coins *c, int coin, const double *beta, double from,
             double to, size_t points, struct liq_map *out, struct err *e);
void map_free(struct liq_map *m);

// Chart and facts of a result's page (risk_result.c).
struct lab_result;
void map_result(const struct liq_map *m, struct lab_result *r);

#endif
