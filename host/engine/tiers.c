// SPDX-License-Identifier: Apache-2.0
// Nested boxes: where an account belongs, by its row and the present boxes (docs/scale.md).
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/assets.h"
#include "engine/internal.h"

int tiers_open(struct engine *g, struct err *e)
{
    size_t n = g->accounts_max;
    if (n >= NO_ACCOUNT)
        return err_set(e, "%zu accounts: at most %u", n, NO_ACCOUNT - 1);
    if (far_open(&g->far, (uint32_t)n, e) != 0)
        return -1;
    g->free_row = calloc((g->rows_max + 63) / 64 + 1, sizeof *g->free_row);
    if (!g->free_row)
        return err_set(e, "out of memory for %u rows", (unsigned)g->rows_max);
    for (uint32_t i = 0; i < g->rows_max; i++)
        g->free_row[i / 64] |= UINT64_C(1) << i % 64;
    for (unsigned a = 0; a < MARKET_ASSETS_MAX; a++) {
        uint32_t spread = g->book->market.asset[a].spread_ppm;
        g->waiting[a] = NO_ACCOUNT;
        g->spread[a] = (double)(spread ? spread : 1000000) / 1e6;
    }
    g->box.eps_ppm = g->box.inner_ppm = g->cfg.box_ppm;
    g->crossed = calloc(n ? n : 1, sizeof *g->crossed); // taken as it is touched
    g->called = g->cfg.call_ppm[0] ? calloc(n ? n : 1, sizeof *g->called) : NULL;
    return g->crossed && (g->called || !g->cfg.call_ppm[0]) ? 0
                                                            : err_set(e, "out of memory for %zu accounts", n);
}

void tiers_close(struct engine *g)
{
    far_close(&g->far);
    free(g->free_row);
    free(g->crossed);
    free(g->called);
    g->free_row = NULL;
    g->crossed = NULL;
    g->called = NULL;
}

void tiers_centre_all(struct engine *g, uint16_t asset)
{
    for (unsigned k = 0; k < BOX_LEVELS; k++)
        box_centre(&g->box, asset, k, g->phat[asset], g->book->market.asset[asset].spread_ppm, false);
    box_unit(&g->box, asset, g->phat[asset], g->grid[asset].phat_lo, g->grid[asset].phat_hi, false);
}

int tiers_track(struct engine *g, uint16_t asset, struct err *e)
{
    const struct asset *a = &g->book->market.asset[asset];
    struct grid *n = &g->grid[asset];
    if (grid_centre(g->px[asset], g->cfg.band_ppm, n) != 0)
        return err_set(e, "asset %s: price %lld (1e-%u) cannot be put on the grid", a->name,
                       (long long)g->px[asset], a->decimals);
    g->phat[asset] = grid_phat(n, g->px[asset], NULL);
    g->band[asset] = n->band;
    g->full[asset] = *n;
    (void)grid_set_phat(&g->full[asset], 0, (UINT64_C(1) << PHAT_BITS) - 1);
    g->full_band[asset] = g->full[asset].band;
    g->tracked[asset] = true;
    g->unit_moves[asset] = false;
    tiers_centre_all(g, asset);
    if (asset < g->dev->info.assets) {
        const struct box_asset *x = &g->box.asset[asset];
        g->dev_lo[asset] = x->glo[0] > x->glo[BOX_UNIT] ? x->glo[0] : x->glo[BOX_UNIT];
        g->dev_hi[asset] = x->ghi[0] < x->ghi[BOX_UNIT] ? x->ghi[0] : x->ghi[BOX_UNIT];
        hot_band(g, asset, g->dev_lo[asset], g->dev_hi[asset], true);
    }
    return 0;
}

// ---- an account's line

// A row names only assets whose coefficient is not rounded to zero. The others' prices are in its constant,
// within their band and unit; so the account stays in their lists.
static void name_all(const struct affine *f, struct row *r)
{
    uint16_t n = r->n;
    for (uint16_t i = 0, k; i < f->n; i++) {
        for (k = 0; k < n && r->asset[k] != f->asset[i]; k++)
            ;
        if (k < n)
            continue;
        r->asset[r->n] = f->asset[i];
        r->coef[r->n++] = 0;
    }
}

// A concave term that has no weight in one band or unit, and so is not named, has some in another; two terms
// that cancel each other do not with other parameters: an account that may bend, or is crossed, stays in the
// lists of all its assets.
static int name_held(const struct engine *g, const struct account *a, struct row *r, struct err *e)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &g->book->market.instrument[a->position[i].instrument];
        uint16_t asset = in->kind == INST_INVERSE ? in->inverse : in->asset, k; // the two change together
        for (k = 0; k < r->n && r->asset[k] != asset; k++)
            ;
        if (k < r->n)
            continue;
        if (r->n == ROW_ASSETS_MAX)
            return err_set(e, "account %u (%s): more than %d assets", a->id, a->rule->name, ROW_ASSETS_MAX);
        r->asset[r->n] = asset;
        r->coef[r->n++] = 0;
    }
    return 0;
}

// The next rows (hot_rows) for the bands; their number in *n, 0 when there is nothing to watch.
static int compile(struct engine *g, uint32_t account, const struct account *a, const struct band *band,
                   const struct grid *grid, struct affine *f, struct row *out, unsigned *n, struct err *e)
{
    struct err why;
    *n = 0;
    int got = a->n_positions ? hot_rows(g, account, a, band, 0, f, &why) : 0;
    if (got < 0)
        return err_set(e, "account %u (%s): %.300s", a->id, a->rule->name, why.msg);
    for (int i = 0; i < got; i++) {
        if (row_compile(&f[i], grid, &out[i], &why) != 0)
            return err_set(e, "account %u (%s): %.300s", a->id, a->rule->name, why.msg);
        name_all(&f[i], &out[i]);
    }
    *n = (unsigned)got;
    return 0;
}

static bool same_form(const struct affine *x, const struct affine *y)
{
    if (x->n != y->n || i256_cmp(x->c, y->c) != 0)
        return false;
    for (unsigned i = 0; i < x->n; i++)
        if (x->asset[i] != y->asset[i] || i256_cmp(x->a[i], y->a[i]) != 0)
            return false;
    return true;
}

// Do the rows take another form in the narrower band? Then one for all prices would be right, and useless.
static int find_bends(struct engine *g, uint32_t account, const struct account *a, const struct affine *f,
                      unsigned n, bool *bent, struct err *e)
{
    struct affine narrow[RULE_ROWS_MAX];
    struct err why;
    int got = hot_rows(g, account, a, g->band, 0, narrow, &why);
    if (got < 0)
        return err_set(e, "account %u (%s): %.300s", a->id, a->rule->name, why.msg);
    *bent = (unsigned)got != n;
    for (unsigned i = 0; i < n && !*bent; i++)
        *bent = !same_form(&f[i], &narrow[i]) || i256_cmp(f[i].slack, narrow[i].slack) != 0;
    return 0;
}

static int set_line(struct engine *g, uint32_t account, const struct row *rows, unsigned n, bool bent,
                    struct err *e)
{
    if (far_set(&g->far, account, rows, n, bent) != 0)
        return err_set(e, "account %u: out of memory reserved for rows of many assets",
                       book_id(g->book, account));
    return 0;
}

// The account's line for all prices, out of every list; *any false when there is nothing to watch.
int tiers_compile(struct engine *g, uint32_t account, unsigned tier, bool *any, struct err *e)
{
    const struct account *a = book_account(g->book, account, &g->other);
    struct affine f[RULE_ROWS_MAX];
    struct row r[RULE_ROWS_MAX];
    unsigned n;
    bool bent = false, may_bend = !a->rule->bends || a->rule->bends(&g->book->market, a);
    far_take(&g->far, account);
    due_window(g, tier);
    if (compile(g, account, a, g->full_band, g->full, f, r, &n, e) != 0)
        return -1;
    *any = n > 0;
    if (n == 0)
        return 0;
    due_note(g, account, tier);
    change_note(g, account, a, tier);
    if (may_bend && find_bends(g, account, a, f, n, &bent, e) != 0)
        return -1;
    if ((may_bend || g->far.line[account].crossed == FAR_CROSSED) && name_held(g, a, &r[0], e) != 0)
        return -1;
    return set_line(g, account, r, n, bent, e);
}

// The line of a bent account for one level's box (BOX_UNIT: for the band of rows on the device), out of every
// list.
static int compile_level(struct engine *g, uint32_t account, unsigned level, struct err *e)
{
    const struct account *a = book_account(g->book, account, &g->other);
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    struct band band[MARKET_ASSETS_MAX];
    struct grid grid[MARKET_ASSETS_MAX];
    struct affine f[RULE_ROWS_MAX];
    struct row r[RULE_ROWS_MAX];
    unsigned n;
    for (size_t k = account_assets(&g->book->market, a, assets); k--;) {
        uint16_t i = assets[k];
        grid[i] = g->full[i];
        (void)grid_set_phat(&grid[i], g->box.asset[i].lo[level],
                            g->box.asset[i].hi[level]); // holds the centre
        band[i] = grid[i].band;
    }
    unsigned tier = level == BOX_UNIT ? TIER_HOT : level + 1;
    far_take(&g->far, account);
    due_window(g, tier);
    if (compile(g, account, a, band, grid, f, r, &n, e) != 0 || (n && name_held(g, a, &r[0], e) != 0))
        return -1;
    due_note(g, account, tier);
    change_note(g, account, a, tier);
    return n ? set_line(g, account, r, n, true, e) : 0;
}

// Is the account, compiled for the level's box, safe inside of it?
static int safe_in(struct engine *g, uint32_t account, unsigned level, bool *safe, struct err *e)
{
    if (compile_level(g, account, level, e) != 0)
        return -1;
    *safe = far_least(&g->far, account, &g->box, level) >= 0;
    return 0;
}

// As far_tier(), each level with a line of its own; leaves the line for the level found.
static int bent_tier(struct engine *g, uint32_t account, unsigned from, unsigned *tier, struct err *e)
{
    unsigned t = from < 1 || from > TIER_FARTHEST ? 1 : from;
    bool safe;
    if (safe_in(g, account, t - 1, &safe, e) != 0)
        return -1;
    if (safe) {
        while (safe && t < TIER_FARTHEST) {
            if (safe_in(g, account, t, &safe, e) != 0)
                return -1;
            t += safe;
        }
        if (!safe && compile_level(g, account, t - 1, e) != 0)
            return -1;
    } else {
        while (!safe && --t > 0)
            if (safe_in(g, account, t - 1, &safe, e) != 0)
                return -1;
        if (t == 0 && compile_level(g, account, BOX_UNIT, e) != 0)
            return -1;
    }
    *tier = t;
    return 0;
}

// ---- places

void tiers_flag(struct engine *g, uint32_t account)
{
    far_put(&g->far, account, TIER_FLAGGED);
    g->count.host_flags++;
    watch_flag(g, account, LEVEL_LIQUIDATE);
}

// Columns that its rows need. Of all that the account holds: what one row does not name, the warning row may,
// and a row of another band or unit.
static uint32_t columns_of(struct engine *g, uint32_t account)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    uint32_t most = 0;
    const struct account *a = book_account(g->book, account, &g->account);
    for (size_t k = account_assets(&g->book->market, a, assets); k--;)
        if (assets[k] >= most)
            most = assets[k] + 1u;
    return most;
}

// Addresses for the first `n` rows, or none. Their number.
static unsigned take_all(struct engine *g, unsigned n, uint32_t columns, uint32_t at[RULE_ROWS_MAX])
{
    for (unsigned i = 0; i < n; i++) {
        at[i] = hot_take(g, columns);
        if (at[i] != NO_ROW)
            continue;
        while (i-- > 0)
            hot_give(g, at[i]);
        return 0;
    }
    return n;
}

// To the device when it has room for all its liquidation rows, the warning row too where there is still some.
// False: not.
static int to_device(struct engine *g, uint32_t account, bool *there, struct err *e)
{
    struct row r[RULE_ROWS_MAX];
    uint32_t at[RULE_ROWS_MAX];
    unsigned n, first = 0;
    bool any;
    *there = false;
    uint32_t columns = columns_of(g, account);
    if (g->rows_used >= g->rows_max || columns > g->dev->info.assets)
        return 0;
    // Line and row for one span of time: whichever ends first would have to be minded otherwise.
    if (!g->far.line[account].bent && tiers_compile(g, account, TIER_HOT, &any, e) != 0)
        return -1;
    if (hot_compile(g, account, r, &n, e) != 0)
        return -1;
    while (first < n && r[first].level == LEVEL_LIQUIDATE)
        first++;
    if (take_all(g, first, columns, at) == 0)
        return 0;
    far_put(&g->far, account, TIER_HOT);
    for (unsigned i = 0; i < n; i++) {
        if (i >= first)
            at[i] = hot_take(g, columns);
        if (at[i] == NO_ROW)
            break;
        hot_join(g, account, r[i].level, at[i]);
        hot_load(g, at[i], account, &r[i], true);
    }
    *there = true;
    return 0;
}

// Something may happen inside the innermost box: to the device, else evaluated here. What is below zero
// already needs no device to say so.
static int to_front(struct engine *g, uint32_t account, struct err *e)
{
    const struct far_line *l = &g->far.line[account];
    bool there, any;
    bool below = far_eval(&g->far, account, g->phat) < 0;
    if (below && !l->bent && l->made != TIER_HOT) { // by what a lasting line leaves out?
        if (tiers_compile(g, account, TIER_HOT, &any, e) != 0)
            return -1;
        below = far_eval(&g->far, account, g->phat) < 0;
    }
    if (below) {
        tiers_flag(g, account);
        return 0;
    }
    if (to_device(g, account, &there, e) != 0)
        return -1;
    if (there)
        return 0;
    if (l->made != TIER_HOT && tiers_compile(g, account, TIER_HOT, &any, e) != 0)
        return -1;
    far_put(&g->far, account, TIER_HOST);
    return 0;
}

static bool crowded(const struct engine *g)
{
    return g->rows_used > g->rows_max / 4 * 3;
}

static int put(struct engine *g, uint32_t account, unsigned tier, struct err *e)
{
    if (tier == TIER_HOT)
        return to_front(g, account, e);
    far_put(&g->far, account, tier);
    return 0;
}

// May the account be put into the tier by the line it has? Not when that holds for longer than its like
// there, so that its worst is worse than need be; not when it was made for a row on the device, or parameters
// have changed since.
static bool line_serves(const struct engine *g, uint32_t account, unsigned tier)
{
    const struct far_line *l = &g->far.line[account];
    if (g->moves && tier + 1 < l->made && wheel_has(g->wheel, account))
        return false;
    return tier == TIER_HOT || (l->made != TIER_HOT && !change_stale(g, account, tier));
}

// Where a compiled account belongs; `from`: where a bent one is looked for first. A line that does not serve
// there is made anew, which may show it elsewhere: the second time for the shortest span that all tiers take.
static int find_tier(struct engine *g, uint32_t account, unsigned from, unsigned *tier, struct err *e)
{
    bool any = true;
    if (g->far.line[account].bent)
        return bent_tier(g, account, from, tier, e);
    *tier = far_tier(&g->far, account, &g->box);
    for (unsigned round = 0; !line_serves(g, account, *tier); round++) {
        if (tiers_compile(g, account, round < 2 ? *tier : 1, &any, e) != 0)
            return -1;
        *tier = any ? far_tier(&g->far, account, &g->box) : TIER_FARTHEST;
        if (!any)
            return 0;
    }
    return 0;
}

int tiers_arrive(struct engine *g, uint32_t account, struct err *e)
{
    unsigned tier;
    if (find_tier(g, account, g->moves ? TIER_FARTHEST : 1, &tier, e) != 0)
        return -1;
    return put(g, account, tier, e);
}

// Takes a row on the device from one that is safe there. Only with a level to spare, so that it does not come
// back at once; the look changes nothing about one that stays, whose row and line end together.
static int leave_front(struct engine *g, uint32_t account, struct err *e)
{
    const struct far_line *l = &g->far.line[account];
    unsigned spare = crowded(g) ? 1u : 2u, tier;
    if (!l->bent && far_tier(&g->far, account, &g->box) < spare)
        return 0;
    if (l->bent) {
        if (bent_tier(g, account, 1, &tier, e) != 0)
            return -1;
        if (tier < spare) {
            if (compile_level(g, account, BOX_UNIT, e) != 0)
                return -1;
            far_put(&g->far, account, TIER_HOT);
            return g->moves ? hot_reload(g, account, e) : 0;
        }
    }
    hot_leave(g, account);
    if (find_tier(g, account, 1, &tier, e) != 0 || put(g, account, tier, e) != 0)
        return -1;
    g->count.tier_changes += l->tier != TIER_HOT;
    return 0;
}

int tiers_place(struct engine *g, uint32_t account, struct err *e)
{
    const struct account_state *s = &g->acct[account];
    const struct far_line *l = &g->far.line[account];
    unsigned was = l->tier, tier;
    // What is flagged is evaluated exactly at every update.
    if (was >= TIER_FLAGGED || (was == TIER_HOT && (s->watched || s->in_flight)))
        return 0;
    if (was == TIER_HOT)
        return leave_front(g, account, e);
    if (!l->bent && change_stale(g, account, was)) {
        g->count.lines_stale++;
        return tiers_due(g, account, e);
    }
    if (find_tier(g, account, was <= TIER_FARTHEST ? was : 1, &tier, e) != 0)
        return -1;
    if (l->tier == TIER_HOST && tier == TIER_HOT && g->rows_used >= g->rows_max)
        return 0; // still no room
    if (put(g, account, tier, e) != 0)
        return -1;
    g->count.tier_changes += l->tier != was;
    return 0;
}

int tiers_due(struct engine *g, uint32_t account, struct err *e)
{
    const struct far_line *l = &g->far.line[account];
    unsigned was = l->tier, tier;
    bool any;
    if (was >= TIER_FLAGGED)
        return 0; // compiled when it is armed again
    if (was == TIER_HOT) {
        int rc =
            l->bent ? compile_level(g, account, BOX_UNIT, e) : tiers_compile(g, account, TIER_HOT, &any, e);
        far_put(&g->far, account, TIER_HOT);
        return rc != 0 ? -1 : hot_reload(g, account, e);
    }
    if (tiers_compile(g, account, was <= TIER_FARTHEST ? was : TIER_HOT, &any, e) != 0)
        return -1;
    if (!any)
        return 0;
    if (find_tier(g, account, was <= TIER_FARTHEST ? was : 1, &tier, e) != 0 || put(g, account, tier, e) != 0)
        return -1;
    g->count.tier_changes += l->tier != was;
    return 0;
}

void tiers_release(struct engine *g, uint32_t account)
{
    if (g->far.line[account].tier != TIER_HOT)
        return;
    hot_leave(g, account);
    far_put(&g->far, account, TIER_FLAGGED);
}

bool tiers_rearm(struct engine *g, uint32_t account)
{
    bool any;
    unsigned tier;
    const struct far_line *l = &g->far.line[account];
    if (tiers_compile(g, account, TIER_HOT, &any, &g->why) != 0)
        goto failed;
    if (!any)
        return true;
    bool below = !l->bent && far_eval(&g->far, account, g->phat) < 0;
    if (!below && find_tier(g, account, 1, &tier, &g->why) != 0)
        goto failed;
    if (below || (l->bent && far_eval(&g->far, account, g->phat) < 0)) {
        far_put(&g->far, account, TIER_FLAGGED);
        return false;
    }
    g->count.rearmed++;
    if (put(g, account, tier, &g->why) == 0)
        return true;
failed:
    g->failed = true;
    return false;
}
