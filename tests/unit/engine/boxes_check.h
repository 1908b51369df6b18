// SPDX-License-Identifier: Apache-2.0
// What must hold inside of an engine with nested boxes whenever it rests, judged in exact integers from the
// accounts themselves; the rows and lines that the engine keeps are what is judged.
#ifndef TRIPLINE_TEST_BOXES_CHECK_H
#define TRIPLINE_TEST_BOXES_CHECK_H

#include "engine/boxes_rig.h"

// All prices >= 1 whose P̂ is in [lo, hi]; false when there are none.
static inline bool prices_of(const struct grid *g, uint64_t lo, uint64_t hi, struct band *out)
{
    struct grid x = *g;
    if (grid_set_phat(&x, lo, hi) != 0)
        return false;
    *out = x.band;
    return true;
}

// Least exact health while every asset is inside the guard of this level: each term is concave, so at an
// edge.
static inline i128 exact_least(const struct rig *r, uint32_t i, unsigned level)
{
    const struct account *a = &r->account[i];
    i128 h = a->cash;
    for (uint16_t k = 0; k < a->n_positions; k++) {
        uint16_t asset = a->position[k].instrument;
        const struct box_asset *x = &r->g->box.asset[asset];
        struct toy_term t;
        struct band b;
        toy_term(&a->position[k], &t);
        must(prices_of(&r->g->grid[asset], x->glo[level], x->ghi[level], &b),
             "guard of asset %u holds no price", asset);
        i128 lo = toy_value(&t, b.lo), hi = toy_value(&t, b.hi);
        h += lo < hi ? lo : hi;
    }
    return h;
}

static inline int64_t least_at(const struct engine *g, uint32_t account, const uint64_t *phat)
{
    int64_t least = INT64_MAX;
    for (uint32_t at = g->acct[account].row[LEVEL_LIQUIDATE]; at != NO_ROW; at = g->row[at].sibling) {
        int64_t h = row_eval(&g->row[at].row, phat);
        least = h < least ? h : least;
    }
    return least;
}

static inline void check_hot(struct rig *r, uint32_t i)
{
    const struct engine *g = r->g;
    const struct account_state *s = &g->acct[i];
    uint32_t at = s->row[LEVEL_LIQUIDATE];
    must(at != NO_ROW && at < g->rows_max, "account %u is hot and has no row", (unsigned)i);
    must(g->row[at].account == i, "account %u: its row is another's", (unsigned)i);
    for (; at != NO_ROW; at = g->row[at].sibling) {
        must(g->row[at].armed || s->watched, "account %u: row neither armed nor watched", (unsigned)i);
        must(!g->row[at].armed || row_eval(&g->row[at].row, g->phat) >= 0, "account %u: armed below zero",
             (unsigned)i);
    }
    // Anywhere inside the compiled band's guard a breach is below zero in the row (P1).
    uint64_t phat[MARKET_ASSETS_MAX] = {0};
    int64_t px[MARKET_ASSETS_MAX] = {0};
    const struct account *a = &r->account[i];
    for (int shot = 0; shot < 3; shot++) {
        for (uint16_t k = 0; k < a->n_positions; k++) {
            uint16_t x = a->position[k].instrument;
            const struct box_asset *b = &g->box.asset[x];
            struct band band;
            must(prices_of(&g->grid[x], b->glo[BOX_UNIT], b->ghi[BOX_UNIT], &band), "an empty band");
            px[x] = shot == 0 ? band.lo : shot == 1 ? band.hi : prng_between(&r->rng, band.lo, band.hi);
            if (shot < 2 && prng_chance(&r->rng, 1, 2))
                px[x] = band.lo + band.hi - px[x];
            phat[x] = grid_phat(&g->grid[x], px[x], NULL);
        }
        must(toy_health(a, px) >= 0 || least_at(g, i, phat) < 0, "account %u: its row overstates its health",
             (unsigned)i);
    }
}

static inline void check_account(struct rig *r, uint32_t i)
{
    const struct engine *g = r->g;
    const struct account_state *s = &g->acct[i];
    unsigned tier = g->far.line[i].tier;
    must(s->in_flight == r->flight[i], "account %u: in flight?", (unsigned)i);
    must(engine_placed(g, i) == r->priced[i] || r->account[i].n_positions == 0, "account %u: placed?",
         (unsigned)i);
    must(!r->breach[i] || engine_flagged(g, i), "account %u: a breach that is not known", (unsigned)i);
    must(!(s->watched && s->in_flight), "account %u: watched with an order under way", (unsigned)i);
    if (!r->priced[i]) {
        must(tier == TIER_NONE, "account %u: tier %u without all prices", (unsigned)i, tier);
        return;
    }
    if (tier == TIER_HOT)
        check_hot(r, i);
    else
        must(s->row[0] == NO_ROW && s->row[1] == NO_ROW, "account %u: tier %u with a row on the device",
             (unsigned)i, tier);
    if (tier >= 1 && tier <= TIER_FARTHEST) {
        must(exact_least(r, i, tier - 1) >= 0, "account %u: not safe in tier %u", (unsigned)i, tier);
        must(!s->watched, "account %u: watched in tier %u", (unsigned)i, tier);
    }
    if (tier == TIER_HOST)
        must(far_eval(&g->far, i, g->phat) >= 0 && !s->watched, "account %u: below zero on the host",
             (unsigned)i);
    if (tier == TIER_FLAGGED)
        must(s->watched || s->in_flight, "account %u: flagged and forgotten", (unsigned)i);
    must(tier != TIER_NONE, "account %u: nowhere", (unsigned)i);
}

// Each asset that moves an account is an asset of its line.
static inline void check_lists(const struct rig *r)
{
    static uint32_t n[MARKET_ASSETS_MAX][TIER_LISTS];
    const struct engine *g = r->g;
    uint64_t in[TIER_NONE + 1] = {0};
    memset(n, 0, sizeof n);
    for (uint32_t i = 0; i < r->cfg.accounts; i++) {
        unsigned tier = g->far.line[i].tier;
        in[tier]++;
        if (tier >= TIER_LISTS || r->account[i].n_positions == 0)
            continue;
        for (uint16_t k = 0; k < r->account[i].n_positions; k++)
            n[r->account[i].position[k].instrument][tier]++;
    }
    for (unsigned t = 0; t <= TIER_NONE; t++)
        must(in[t] == g->far.in_tier[t], "tier %u: %llu accounts instead of %llu", t,
             (unsigned long long)g->far.in_tier[t], (unsigned long long)in[t]);
    // A term without weight (asset not named) is in no list.
    for (uint32_t a = 0; a < r->cfg.assets; a++)
        for (unsigned t = 0; t < TIER_LISTS; t++)
            must(g->far.list[a][t].n <= n[a][t] &&
                     (r->cfg.bent_pct || r->cfg.crossed_pct || g->far.list[a][t].n == n[a][t]),
                 "asset %u tier %u: %u accounts instead of %u", (unsigned)a, t, (unsigned)g->far.list[a][t].n,
                 (unsigned)n[a][t]);
}

static inline bool knows_row(const struct engine *g, uint32_t account, uint8_t level, uint32_t address)
{
    uint32_t at = NO_ROW;
    do
        at = hot_row(g, account, level, at);
    while (at != NO_ROW && at != address);
    return at == address;
}

static inline void check_rows(const struct rig *r)
{
    const struct engine *g = r->g;
    uint32_t used = 0;
    for (uint32_t at = 0; at < g->rows_max; at++) {
        const struct placed_row *p = &g->row[at];
        bool is_free = g->free_row[at / 64] >> at % 64 & 1;
        used += !is_free;
        must(is_free == (p->account == NO_ACCOUNT), "row %u: free?", (unsigned)at);
        if (is_free)
            must(!p->armed, "row %u: free and armed", (unsigned)at);
        else
            must(knows_row(g, p->account, p->row.level, at), "row %u: its account does not know",
                 (unsigned)at);
    }
    must(used == g->rows_used, "%u rows used, %u counted", (unsigned)used, (unsigned)g->rows_used);
}

// The device holds what the host thinks it does.
static inline void check_device(const struct rig *r)
{
    struct engine *g = r->g;
    for (uint32_t at = 0; at < g->rows_max; at++) {
        struct abi_read ask = {.row = at};
        struct abi_read_data got;
        struct beat beat;
        abi_pack_read(&beat, &ask);
        must(device_submit(r->dev, &beat, 1) == 1 && device_poll(r->dev, &beat, 1) == 1,
             "device does not answer");
        abi_unpack_read_data(&beat, &got);
        const struct placed_row *p = &g->row[at];
        must(got.armed == p->armed, "row %u: armed on one side only", (unsigned)at);
        must(p->account == NO_ACCOUNT || got.h == row_eval(&p->row, g->phat),
             "row %u: another H on the device", (unsigned)at);
    }
}

static inline void check_watch(const struct rig *r)
{
    static uint8_t seen[RIG_ACCOUNTS_MAX];
    const struct engine *g = r->g;
    size_t watched = 0;
    memset(seen, 0, sizeof seen);
    for (size_t k = 0; k < g->n_watch; k++) {
        must(!seen[g->watch[k]], "account %u is on the watch list twice", (unsigned)g->watch[k]);
        seen[g->watch[k]] = 1;
        must(g->acct[g->watch[k]].watched, "account %u is on the watch list", (unsigned)g->watch[k]);
    }
    for (uint32_t i = 0; i < r->cfg.accounts; i++)
        watched += g->acct[i].watched;
    must(watched == g->n_watch, "%zu watched, %zu on the list", watched, g->n_watch);
    for (size_t k = 0; k < g->n_warm; k++)
        must(g->acct[g->warm[k]].row[LEVEL_WARN] != NO_ROW, "warm without a row");
}

// The device's own band is what the innermost box and the compiled band allow, both while they move.
static inline void check_band(const struct rig *r, uint16_t a)
{
    const struct engine *g = r->g;
    const struct box_asset *x = &g->box.asset[a];
    rig_inside(r, a);
    if (!g->tracked[a] || a >= g->dev->info.assets)
        return;
    must(g->dev_lo[a] == (x->glo[0] > x->glo[BOX_UNIT] ? x->glo[0] : x->glo[BOX_UNIT]) &&
             g->dev_hi[a] == (x->ghi[0] < x->ghi[BOX_UNIT] ? x->ghi[0] : x->ghi[BOX_UNIT]),
         "asset %u: another band on the device", a);
}

// After a review: nobody is on the watch list whose row, compiled for the band now, is at or above zero.
static inline void check_reasons(const struct rig *r)
{
    struct engine *g = r->g;
    for (size_t k = 0; k < g->n_watch; k++) {
        uint32_t i = g->watch[k], at = g->acct[i].row[LEVEL_LIQUIDATE];
        struct row row[RULE_ROWS_MAX];
        unsigned n;
        struct err e;
        if (r->breach[i] || (at == NO_ROW && !g->far.line[i].bent)) // a line for all prices
            continue;
        int64_t least = least_at(g, i, g->phat);
        if (at == NO_ROW) {
            must(hot_compile(g, i, row, &n, &e) == 0, "%s", e.msg);
            for (unsigned x = 0; x < n && row[x].level == LEVEL_LIQUIDATE; x++) {
                int64_t h = row_eval(&row[x], g->phat);
                least = h < least ? h : least;
            }
        }
        must(least < 0, "account %u is watched without a reason", (unsigned)i);
    }
}

static inline void rig_check(struct rig *r)
{
    r->checks++;
    for (uint32_t i = 0; i < r->cfg.accounts; i++) {
        must(r->h[i] == toy_health(&r->account[i], r->px) || !r->priced[i], "the rig's own sum is wrong");
        must(!r->breach[i] || engine_flagged(r->g, i), "account %u: a breach that is not known", (unsigned)i);
        if (r->g->boxed)
            check_account(r, i);
    }
    check_watch(r);
    if (!r->g->boxed)
        return;
    for (uint16_t a = 0; a < r->cfg.assets; a++)
        check_band(r, a);
    check_lists(r);
    check_rows(r);
    check_device(r);
}

#endif
