// SPDX-License-Identifier: Apache-2.0
// Nested boxes: when they move (docs/scale.md). A level that is moved has the accounts of the tier behind it
// placed anew: in the background from list to list, a few after each update, while the price stays inside the
// old box and the new one; or at once when the price has jumped out of a guard.
#include <assert.h>

#include "engine/internal.h"

// A price below this many steps of P̂ gets another unit: it would be told too coarsely (docs/numerics.md,
// section 4).
#define PHAT_LOW (UINT64_C(1) << 27)
enum { LOAD_COST = 16 }; // a row that comes to the device, or is made anew, costs as much as so many looks
enum { INNER_LEAST = 8, INNER_MIN_PPM = 20, PENDING_MAX = MARKET_ASSETS_MAX * TIER_LISTS };

static unsigned list_of(unsigned level)
{
    return level == BOX_UNIT ? TIER_HOT : level + 1;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void move_band(struct engine *g, uint16_t asset)
{
    const struct box_asset *x = &g->box.asset[asset];
    uint64_t lo = most(x->glo[0], x->glo[BOX_UNIT]), hi = least(x->ghi[0], x->ghi[BOX_UNIT]);
    if (asset >= g->dev->info.assets || (g->dev_lo[asset] == lo && g->dev_hi[asset] == hi))
        return;
    g->dev_lo[asset] = lo;
    g->dev_hi[asset] = hi;
    hot_band(g, asset, lo, hi, false);
}

// ---- lists to walk

static void enqueue(struct engine *g, uint16_t asset, unsigned tier)
{
    far_walk(&g->far, asset, tier);
    if (g->is_pending[asset][tier])
        return;
    g->is_pending[asset][tier] = true;
    g->pending[(g->pending_first + g->n_pending++) % PENDING_MAX] = (struct pending){asset, (uint8_t)tier};
}

// Everything in the list has been placed by its present box.
static void walked(struct engine *g, uint16_t asset, unsigned tier)
{
    if (tier == TIER_HOT) {
        if (g->unit_moves[asset])
            box_done(&g->box, asset, BOX_UNIT);
        g->unit_moves[asset] = false;
    } else if (tier <= TIER_FARTHEST) {
        box_done(&g->box, asset, tier - 1);
    }
    move_band(g, asset);
}

// One account of a list that is walked. A row on the device is compiled anew when its band moves, flagged or
// not.
static int look(struct engine *g, uint16_t asset, unsigned tier, uint32_t account, struct err *e)
{
    if (tier == TIER_HOT && g->unit_moves[asset] && hot_reload(g, account, e) != 0)
        return -1;
    return tiers_place(g, account, e);
}

static int walk_all(struct engine *g, uint16_t asset, unsigned tier, struct err *e)
{
    uint32_t account;
    while (far_next(&g->far, asset, tier, &account)) {
        g->count.looked_foreground++;
        if (look(g, asset, tier, account, e) != 0)
            return -1;
    }
    walked(g, asset, tier);
    return 0;
}

// ---- boxes

// The compiled band around the price, in the same unit.
static void centre_unit(struct engine *g, uint16_t asset, bool background)
{
    struct grid *n = &g->grid[asset];
    u128 px = (u128)(uint64_t)g->px[asset], half = px * g->cfg.band_ppm / 1000000;
    u128 top = px + half, bottom = px > half ? px - half : 1;
    int rc = grid_set_band(n, (int64_t)bottom, top > INT64_MAX ? INT64_MAX : (int64_t)top);
    assert(rc == 0); // the price itself is on the grid
    (void)rc;
    g->band[asset] = n->band;
    g->unit_moves[asset] = true;
    box_unit(&g->box, asset, g->phat[asset], n->phat_lo, n->phat_hi, background);
}

static void centre(struct engine *g, uint16_t asset, unsigned level, bool background)
{
    if (level == BOX_UNIT)
        centre_unit(g, asset, background);
    else
        box_centre(&g->box, asset, level, g->phat[asset], g->book->market.asset[asset].spread_ppm,
                   background);
}

// Rows on the device may belong farther off by now; looked for only while their room may be wanted.
static void sweep(struct engine *g, uint16_t asset)
{
    if (g->rows_used > g->rows_max / 2 && !g->is_pending[asset][TIER_HOT])
        enqueue(g, asset, TIER_HOT);
}

static int begin(struct engine *g, uint16_t asset, unsigned level, struct err *e)
{
    g->count.boxes_background++;
    centre(g, asset, level, true);
    enqueue(g, asset, list_of(level));
    if (level == 0)
        sweep(g, asset);
    move_band(g, asset);
    if ((level != 0 && level != BOX_UNIT) || g->far.list[asset][TIER_HOST].n == 0)
        return 0;
    // Those evaluated here are placed at once: they cost something at every update, and bent ones are
    // compiled for the unit's band.
    far_walk(&g->far, asset, TIER_HOST);
    return walk_all(g, asset, TIER_HOST, e);
}

static bool moving(const struct engine *g, uint16_t asset, unsigned level)
{
    return level == BOX_UNIT ? g->unit_moves[asset] : g->is_pending[asset][list_of(level)];
}

// A level near its edge is moved with the next piece of background work: the update itself only notes the
// asset.
void move_look_ahead(struct engine *g, uint16_t asset)
{
    const struct box_asset *x = &g->box.asset[asset];
    if ((g->phat[asset] >= x->at_lo && g->phat[asset] <= x->at_hi) || g->is_near[asset])
        return;
    g->is_near[asset] = true;
    g->near[g->n_near++] = asset;
}

static int begin_noted(struct engine *g, struct err *e)
{
    while (g->n_near) {
        uint16_t asset = g->near[--g->n_near];
        const struct box_asset *x = &g->box.asset[asset];
        g->is_near[asset] = false;
        for (unsigned k = 0; k < BOX_ALL; k++)
            if (!moving(g, asset, k) && box_near_edge(x, k, g->phat[asset]) && begin(g, asset, k, e) != 0)
                return -1;
    }
    return 0;
}

void move_jump(struct engine *g, uint16_t asset, bool walk[TIER_LISTS])
{
    const struct box_asset *x = &g->box.asset[asset];
    for (unsigned k = 0; k < BOX_ALL; k++) {
        if (!box_left(x, k, g->phat[asset]))
            continue;
        g->count.boxes_foreground++;
        centre(g, asset, k, false);
        far_walk(&g->far, asset, list_of(k));
        walk[list_of(k)] = true;
        if (k == 0)
            sweep(g, asset);
        if (k == 0 || k == BOX_UNIT) {
            far_walk(&g->far, asset, TIER_HOST);
            walk[TIER_HOST] = true;
        }
    }
    move_band(g, asset);
}

int move_walk(struct engine *g, uint16_t asset, const bool walk[TIER_LISTS], struct err *e)
{
    for (unsigned t = 0; t < TIER_LISTS; t++)
        if (walk[t] && walk_all(g, asset, t, e) != 0)
            return -1;
    return 0;
}

int move_some(struct engine *g, uint32_t accounts, struct err *e)
{
    if (begin_noted(g, e) != 0)
        return -1;
    for (int64_t left = accounts; g->n_pending;) {
        struct pending p = g->pending[g->pending_first];
        uint32_t account;
        while (far_next(&g->far, p.asset, p.tier, &account)) {
            uint64_t made = g->count.rows_loaded + g->count.lines_stale;
            if (look(g, p.asset, p.tier, account, e) != 0)
                return -1;
            g->count.looked_background++;
            left -= 1 + (int64_t)(g->count.rows_loaded + g->count.lines_stale - made) * LOAD_COST;
            if (left <= 0)
                return 0;
        }
        walked(g, p.asset, p.tier);
        g->is_pending[p.asset][p.tier] = false;
        g->pending_first = (g->pending_first + 1) % PENDING_MAX;
        g->n_pending--;
    }
    return 0;
}

// ---- another unit of P̂

int move_recompile(struct engine *g, uint16_t asset, struct err *e)
{
    box_renew(&g->box, asset);
    g->fallen[asset] = 0;
    for (unsigned k = 0; k < BOX_LEVELS; k++)
        g->spent[asset][k] = 0;
    for (unsigned t = 0; t < TIER_LISTS; t++) {
        uint32_t account;
        far_walk(&g->far, asset, t);
        while (far_next(&g->far, asset, t, &account)) {
            bool any;
            g->count.looked_foreground++;
            if (t == TIER_HOT && hot_reload(g, account, e) != 0)
                return -1;
            if (tiers_compile(g, account, t <= TIER_FARTHEST ? t : TIER_HOT, &any, e) != 0)
                return -1;
            if (t == TIER_HOT)
                far_put(&g->far, account, TIER_HOT);
            else if (any && tiers_arrive(g, account, e) != 0)
                return -1;
        }
        walked(g, asset, t);
    }
    return 0;
}

static int change_unit(struct engine *g, uint16_t asset, struct err *e)
{
    g->count.units_changed++;
    if (tiers_track(g, asset, e) != 0)
        return -1;
    return move_recompile(g, asset, e);
}

// ---- after the ticks of a group

static bool needs_unit(const struct engine *g, const struct engine_price *p)
{
    bool fits;
    uint64_t phat = grid_phat(&g->grid[p->asset], p->price, &fits);
    return !fits || (phat < PHAT_LOW && g->grid[p->asset].shift > -31);
}

static void evaluate_here(struct engine *g, uint16_t asset)
{
    uint32_t account;
    if (g->far.list[asset][TIER_HOST].n == 0)
        return;
    far_walk(&g->far, asset, TIER_HOST);
    while (far_next(&g->far, asset, TIER_HOST, &account)) {
        g->count.host_evaluations++;
        if (far_eval(&g->far, account, g->phat) < 0)
            tiers_flag(g, account);
    }
}

// When the device is short of room the innermost boxes get narrower; with much room again, wider.
static int fit_room(struct engine *g, struct err *e)
{
    struct boxes *b = &g->box;
    if (g->n_pending || b->eps_ppm == 0)
        return 0;
    bool full = g->rows_used > g->rows_max - g->rows_max / 8;
    uint32_t least_ppm = b->eps_ppm / INNER_LEAST > INNER_MIN_PPM ? b->eps_ppm / INNER_LEAST : INNER_MIN_PPM;
    if (!full) {
        if (g->rows_used < g->rows_max / 4 && b->inner_ppm < b->eps_ppm)
            b->inner_ppm = b->inner_ppm / 3 * 4 < b->eps_ppm ? b->inner_ppm / 3 * 4 : b->eps_ppm;
        return 0;
    }
    uint32_t inner = b->inner_ppm / 4 * 3;
    if (inner < least_ppm)
        return 0;
    b->inner_ppm = inner;
    for (uint16_t a = 0; a < g->book->market.n_assets; a++)
        if (g->tracked[a] && !moving(g, a, 0) && begin(g, a, 0, e) != 0)
            return -1;
    return 0;
}

int move_after(struct engine *g, const struct engine_price *changed, size_t n, struct err *e)
{
    bool walk[MARKET_ASSETS_MAX][TIER_LISTS];
    uint16_t jumped[MARKET_ASSETS_MAX];
    size_t n_jumped = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t a = changed[i].asset;
        const struct box_asset *x = &g->box.asset[a];
        if (!g->tracked[a])
            continue;
        if (needs_unit(g, &changed[i])) {
            if (change_unit(g, a, e) != 0)
                return -1;
        } else if (g->phat[a] < x->in_lo || g->phat[a] > x->in_hi) {
            for (unsigned t = 0; t < TIER_LISTS; t++)
                walk[n_jumped][t] = false;
            jumped[n_jumped] = a;
            move_jump(g, a, walk[n_jumped++]);
        }
    }
    g->count.updates_foreground += n_jumped > 0;
    for (size_t k = 0; k < n_jumped; k++)
        if (move_walk(g, jumped[k], walk[k], e) != 0)
            return -1;
    for (size_t i = 0; i < n; i++)
        if (g->tracked[changed[i].asset]) {
            evaluate_here(g, changed[i].asset);
            move_look_ahead(g, changed[i].asset);
        }
    return fit_room(g, e);
}
