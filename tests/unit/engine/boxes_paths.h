// SPDX-License-Identifier: Apache-2.0
// Paths of prices that are hard on nested boxes.
#ifndef TRIPLINE_TEST_BOXES_PATHS_H
#define TRIPLINE_TEST_BOXES_PATHS_H

#include "engine/boxes_rig.h"

// How one asset moves for a while.
enum path { PATH_CALM, PATH_TREND, PATH_CRASH, PATH_SCALE, PATH_STILL, PATHS };

struct paths {
    enum path kind[MARKET_ASSETS_MAX];
    bool down[MARKET_ASSETS_MAX];
    uint32_t ppm[MARKET_ASSETS_MAX];
    uint32_t left[MARKET_ASSETS_MAX]; // groups until another one
    int64_t home[MARKET_ASSETS_MAX];  // where a crash began
    uint32_t corner, corner_left;     // account whose adverse corner is walked to
    unsigned wild;                    // 0..8: how often prices jump, of 256
    unsigned busy;                    // assets of a group, at most
};

// ---- one asset at a time

static inline void path_choose(struct rig *r, struct paths *p, uint16_t a)
{
    struct prng *q = &r->rng;
    unsigned x = (unsigned)prng_below(q, 100);
    p->kind[a] = x < 40                  ? PATH_CALM
                 : x < 75                ? PATH_TREND
                 : x < 85                ? PATH_CRASH
                 : x < 90 && p->wild > 2 ? PATH_SCALE
                                         : PATH_STILL;
    p->left[a] = (uint32_t)prng_between(q, 20, p->kind[a] == PATH_SCALE ? 30 : 2000);
    p->down[a] = prng_chance(q, 1, 2);
    p->ppm[a] = (uint32_t)(1 + (prng_u64(q) >> prng_between(q, 52, 60)));
    p->home[a] = r->now[a];
}

static inline i128 path_next(struct rig *r, struct paths *p, uint16_t a)
{
    struct prng *q = &r->rng;
    i128 now = r->now[a], step = now * p->ppm[a] / 1000000;
    if (p->left[a]-- == 0)
        path_choose(r, p, a);
    if (now <= 1 || now >= RIG_PRICE_MAX)
        p->down[a] = now > 1;
    switch (p->kind[a]) {
    case PATH_TREND:
        step += prng_between(q, 0, 1);
        return p->down[a] ? now - step : now + step;
    case PATH_CRASH: // down by up to a half within a few groups, slowly back
        if (now > p->home[a] / 2 && prng_chance(q, 1, 4))
            return now - now / (i128)prng_between(q, 3, 20);
        return now + (p->home[a] - now) / 8 + prng_between(q, -1, 1);
    case PATH_SCALE:
        return p->down[a] ? now / 16 : now * 16;
    case PATH_STILL:
        return now;
    default:
        step = step / 4 + 1;
        return now + (i128)prng_between(q, -1000, 1000) * step / 1000 + prng_between(q, -1, 1);
    }
}

static inline void path_walk(struct rig *r, struct paths *p)
{
    unsigned n = (unsigned)prng_between(&r->rng, 1, p->busy);
    for (unsigned k = 0; k < n; k++) {
        uint16_t a = (uint16_t)prng_below(&r->rng, r->cfg.assets);
        if (r->px[a])
            rig_put(r, a, path_next(r, p, a));
    }
}

// ---- against one account

// All that it holds moves against it together.
static inline void path_corner(struct rig *r, struct paths *p)
{
    const struct account *a = &r->account[p->corner];
    uint32_t ppm = (uint32_t)prng_between(&r->rng, 1, 2000);
    for (uint16_t k = 0; k < a->n_positions; k++) {
        struct toy_term t;
        uint16_t x = a->position[k].instrument;
        if (!r->px[x])
            continue;
        toy_term(&a->position[k], &t);
        i128 step = (i128)r->px[x] * ppm / 1000000 + 1;
        rig_put(r, x, toy_slope(&t, r->px[x]) > 0 ? r->px[x] - step : r->px[x] + step);
    }
}

// The last price of one of its assets, up to twice or down to half of it, before it changes sides; or the
// next one.
static inline void path_threshold(struct rig *r)
{
    uint32_t i = (uint32_t)prng_below(&r->rng, r->cfg.accounts);
    const struct account *a = &r->account[i];
    if (!r->priced[i] || a->n_positions == 0)
        return;
    uint16_t k = (uint16_t)prng_below(&r->rng, a->n_positions), x = a->position[k].instrument;
    struct toy_term t;
    toy_term(&a->position[k], &t);
    i128 rest = r->h[i] - toy_value(&t, r->px[x]);
    i128 near = r->px[x], far = prng_chance(&r->rng, 1, 2) ? near / 2 + 1 : near + near / 2 + 1;
    bool now = r->h[i] < 0;
    if (far > RIG_PRICE_MAX || (rest + toy_value(&t, (int64_t)far) < 0) == now)
        return;
    while (far - near > 1 || near - far > 1) {
        i128 middle = near + (far - near) / 2;
        if ((rest + toy_value(&t, (int64_t)middle) < 0) == now)
            near = middle;
        else
            far = middle;
    }
    rig_put(r, x, prng_chance(&r->rng, 1, 2) ? near : far);
}

// ---- onto edges

// The price of some level's edge (box or guard), or one step beside it.
static inline void path_edge(struct rig *r, uint16_t a)
{
    const struct engine *g = r->g;
    if (!g->boxed || !g->tracked[a])
        return;
    const struct box_asset *x = &g->box.asset[a];
    unsigned k = (unsigned)prng_below(&r->rng, BOX_ALL);
    const uint64_t edges[] = {x->lo[k], x->hi[k], x->glo[k], x->ghi[k],    x->in_lo,
                              x->in_hi, x->at_lo, x->at_hi,  g->dev_lo[a], g->dev_hi[a]};
    uint64_t phat = edges[prng_below(&r->rng, sizeof edges / sizeof *edges)];
    i128 at = (i128)phat + prng_between(&r->rng, -1, 1);
    int shift = g->grid[a].shift;
    at = shift > 0 ? at * ((i128)1 << shift) : at >> -shift;
    if (prng_chance(&r->rng, 1, 4)) // between two steps, or at their border
        at += shift > 0
                  ? ((i128)1 << (shift - 1)) * prng_between(&r->rng, -1, 1) - prng_between(&r->rng, 0, 1)
                  : 1;
    rig_put(r, a, at);
    r->edges++;
}

static inline void path_edges(struct rig *r)
{
    if (prng_chance(&r->rng, 1, 3)) {
        for (uint16_t a = 0; a < r->cfg.assets; a++)
            path_edge(r, a);
        return;
    }
    path_edge(r, (uint16_t)prng_below(&r->rng, r->cfg.assets));
}

// Any distance, some or all assets at once.
static inline void path_jump(struct rig *r)
{
    bool all = prng_chance(&r->rng, 1, 4);
    i128 share = prng_between(&r->rng, 1, prng_chance(&r->rng, 1, 2) ? 20000 : 900000);
    for (uint16_t a = 0; a < r->cfg.assets; a++) {
        if (!r->px[a] || (!all && !prng_chance(&r->rng, 1, r->cfg.assets)))
            continue;
        i128 now = r->px[a], step = now * share / 1000000 + 1;
        if (prng_chance(&r->rng, 1, 16))
            rig_put(r, a,
                    prng_chance(&r->rng, 1, 2) ? now << prng_between(&r->rng, 1, 40)
                                               : now >> prng_between(&r->rng, 1, 40));
        else
            rig_put(r, a, prng_chance(&r->rng, 1, 2) ? now + step : now - step);
    }
}

// ---- a group

static inline void path_group(struct rig *r, struct paths *p)
{
    struct prng *q = &r->rng;
    unsigned x = (unsigned)prng_below(q, 256);
    if (p->corner_left == 0 && prng_chance(q, 1, 500)) {
        p->corner = (uint32_t)prng_below(q, r->cfg.accounts);
        p->corner_left = (uint32_t)prng_between(q, 20, 400);
    }
    if (p->corner_left) {
        p->corner_left--;
        path_corner(r, p);
    }
    if (x < p->wild)
        path_jump(r);
    else if (x < 3 * p->wild)
        path_edges(r);
    else if (x < 3 * p->wild + 10)
        path_threshold(r);
    else
        path_walk(r, p);
}

// Prices that are there from the first group on; the others come one by one.
static inline void path_first(struct rig *r, unsigned of_8)
{
    for (uint16_t a = 0; a < r->cfg.assets; a++)
        if (prng_below(&r->rng, 8) < of_8)
            rig_put(r, a, r->now[a]);
    rig_send(r);
}

static inline void path_late(struct rig *r)
{
    uint16_t a = (uint16_t)prng_below(&r->rng, r->cfg.assets);
    if (!r->px[a])
        rig_put(r, a, r->now[a]);
}

#endif
