// SPDX-License-Identifier: Apache-2.0
// Rows on the device: bands, compilation, addresses.
#include <assert.h>
#include <string.h>

#include "accounts/assets.h"
#include "engine/internal.h"

static void emit_band(struct engine *g, uint16_t asset, uint64_t phat, bool set)
{
    const struct grid *n = &g->grid[asset];
    struct abi_band b = {.asset = asset, .lo = n->phat_lo, .hi = n->phat_hi, .price = phat, .set_price = set};
    struct beat beat;
    abi_pack_band(&beat, &b);
    engine_emit(g, &beat);
}

int place_centre(struct engine *g, uint16_t asset, struct err *e)
{
    const struct asset *a = &g->book->market.asset[asset];
    struct grid old = g->grid[asset];
    if (grid_centre(g->px[asset], g->cfg.band_ppm, &g->grid[asset]) != 0)
        return err_set(e, "asset %s: price %lld (1e-%u) cannot be put on the device's grid", a->name,
                       (long long)g->px[asset], a->decimals);
    const struct grid *n = &g->grid[asset];
    bool fits;
    uint64_t phat = grid_phat(n, g->px[asset], &fits);
    assert(fits);
    // A new unit changes what the number means, not the price: it is set without moving any row, and the rows
    // over it are loaded anew right after.
    bool set = !g->tracked[asset] || old.shift != n->shift || g->phat[asset] != phat;
    emit_band(g, asset, phat, set);
    g->band[asset] = n->band;
    g->phat[asset] = phat;
    g->tracked[asset] = true;
    return 0;
}

void place_band_again(struct engine *g, uint16_t asset)
{
    emit_band(g, asset, g->phat[asset], true);
}

// The pairs of a ROW and its COEF beats.
struct pairs {
    size_t n;
    uint16_t asset[MARKET_ASSETS_MAX];
    int32_t coef[MARKET_ASSETS_MAX];
};

// Names an asset that the new row, the first `fresh` pairs, does not have: 0 clears.
static void clear_pair(struct pairs *p, size_t fresh, uint16_t asset)
{
    for (size_t k = 0; k < fresh; k++)
        if (p->asset[k] == asset)
            return;
    p->asset[p->n] = asset;
    p->coef[p->n++] = 0;
}

// Every asset of the old and of the new row, with its new coefficient. With also[] those in it instead of the
// old row's.
static void union_coefs(const struct row *was, const struct row *is, const bool *also, struct pairs *p)
{
    p->n = 0;
    for (uint16_t i = 0; is && i < is->n; i++) {
        p->asset[p->n] = is->asset[i];
        p->coef[p->n++] = is->coef[i];
    }
    size_t fresh = p->n;
    for (uint16_t i = 0; !also && was && i < was->n; i++)
        clear_pair(p, fresh, was->asset[i]);
    for (uint16_t a = 0; also && a < MARKET_ASSETS_MAX; a++)
        if (also[a])
            clear_pair(p, fresh, a);
}

// Loads `is` (NULL: clears) into an address; the host's picture is updated by the caller.
static void load_row(struct engine *g, uint32_t address, const struct row *is, bool armed, const bool *also)
{
    const struct placed_row *was = &g->row[address];
    struct pairs p;
    union_coefs(was->account == NO_ACCOUNT ? NULL : &was->row, is, also, &p);
    struct abi_row head = {
        .row = address, .armed = armed, .n = (uint16_t)p.n, .h = is ? row_eval(is, g->phat) : 0};
    struct beat beat;
    for (size_t i = 0; i < p.n && i < ABI_ROW_PAIRS; i++) {
        head.asset[i] = p.asset[i];
        head.coef[i] = p.coef[i];
    }
    abi_pack_row(&beat, &head);
    engine_emit(g, &beat);
    for (size_t i = ABI_ROW_PAIRS; i < p.n; i += ABI_COEF_PAIRS) {
        struct abi_coef c;
        memset(&c, 0, sizeof c);
        for (size_t k = 0; k < ABI_COEF_PAIRS && i + k < p.n; k++) {
            c.asset[k] = p.asset[i + k];
            c.coef[k] = p.coef[i + k];
        }
        abi_pack_coef(&beat, &c);
        engine_emit(g, &beat);
    }
    g->count.rows_loaded++;
}

void place_again(struct engine *g, uint32_t address, const bool also[MARKET_ASSETS_MAX])
{
    const struct placed_row *p = &g->row[address];
    bool held = p->account != NO_ACCOUNT;
    load_row(g, address, held ? &p->row : NULL, held && p->armed, also);
}

// Rows of an account by level; returns how many, levels without a row have n_out[level] false.
static int compile_account(const struct engine *g, size_t account, struct row out[RULE_ROWS_MAX],
                           bool have[RULE_ROWS_MAX], struct err *e)
{
    const struct account *a = &g->book->account[account];
    struct affine f[RULE_ROWS_MAX];
    struct err why;
    have[LEVEL_LIQUIDATE] = have[LEVEL_WARN] = false;
    if (a->n_positions == 0)
        return 0;
    int n = a->rule->rows(&g->book->market, a, g->band, g->cfg.warn_ppm, f, &why);
    if (n < 0)
        return err_set(e, "account %u (%s): %.300s", a->id, a->rule->name, why.msg);
    for (int i = 0; i < n; i++) {
        uint8_t level = f[i].level;
        assert(level < RULE_ROWS_MAX && !have[level]);
        if (row_compile(&f[i], g->grid, &out[level], &why) != 0)
            return err_set(e, "account %u (%s): %.300s", a->id, a->rule->name, why.msg);
        have[level] = true;
    }
    return 0;
}

static void set_row(struct engine *g, uint32_t address, uint32_t account, const struct row *r, bool armed)
{
    struct placed_row *p = &g->row[address];
    p->account = account;
    p->armed = armed;
    p->row = *r;
}

int place_reload(struct engine *g, const bool *marked, struct err *e)
{
    for (size_t i = 0; i < g->book->n_accounts; i++) {
        const struct account_state *s = &g->acct[i];
        uint16_t assets[ACCOUNT_ASSETS_MAX];
        bool hit = false;
        if (!s->placed)
            continue;
        for (size_t k = account_assets(&g->book->market, &g->book->account[i], assets); k-- && !hit;)
            hit = marked[assets[k]];
        if (!hit)
            continue;
        struct row r[RULE_ROWS_MAX];
        bool have[RULE_ROWS_MAX];
        if (compile_account(g, i, r, have, e) != 0)
            return -1;
        for (int l = 0; l < RULE_ROWS_MAX; l++) {
            uint32_t at = s->row[l];
            if (at == NO_ROW || !have[l])
                continue;
            bool armed = g->row[at].armed;
            load_row(g, at, &r[l], armed, NULL);
            set_row(g, at, (uint32_t)i, &r[l], armed);
        }
    }
    return 0;
}

static int no_room(const struct engine *g, size_t account, struct err *e)
{
    return err_set(e, "account %u needs a row, but device %s holds %u, all in use",
                   g->book->account[account].id, g->dev->info.backend, (unsigned)g->rows_max);
}

// The lowest address that holds no row. Addresses in use have no gaps: one taken stays its account's.
static uint32_t free_address(const struct engine *g)
{
    for (uint32_t at = 0; at < g->rows_max; at++)
        if (g->row[at].account == NO_ACCOUNT)
            return at;
    return NO_ROW;
}

int place_account(struct engine *g, size_t account, struct err *e)
{
    struct account_state *s = &g->acct[account];
    struct row r[RULE_ROWS_MAX];
    bool have[RULE_ROWS_MAX];
    if (compile_account(g, account, r, have, e) != 0)
        return -1;
    for (int l = 0; l < RULE_ROWS_MAX; l++) {
        uint32_t at = s->row[l];
        if (at == NO_ROW && !have[l])
            continue;
        if (at == NO_ROW) { // the rule gives this row for the first time: somebody who lent borrows now
            at = free_address(g);
            if (at == NO_ROW)
                return no_room(g, account, e);
            s->row[l] = at;
        }
        if (have[l]) {
            load_row(g, at, &r[l], true, NULL);
            set_row(g, at, (uint32_t)account, &r[l], true);
        } else {
            load_row(g, at, NULL, false, NULL); // nothing left to watch: the address stays the account's
            memset(&g->row[at].row, 0, sizeof g->row[at].row);
            g->row[at].row.level = (uint8_t)l;
            g->row[at].armed = false;
        }
    }
    return 0;
}

static bool all_priced(const struct engine *g, size_t account)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    for (size_t k = account_assets(&g->book->market, &g->book->account[account], assets); k--;)
        if (!g->tracked[assets[k]])
            return false;
    return true;
}

// Distance to the row's breach as a fraction of its exposure; orders rows only, decides nothing.
static double radius_of(const struct engine *g, const struct row *r)
{
    double gross = 1.0;
    for (uint16_t i = 0; i < r->n; i++)
        gross += (double)(r->coef[i] < 0 ? -r->coef[i] : r->coef[i]) * (double)g->phat[r->asset[i]];
    return (double)row_eval(r, g->phat) / gross;
}

static bool farther(const struct engine *g, uint32_t a, uint32_t b)
{
    return g->radius[a] > g->radius[b] || (!(g->radius[a] < g->radius[b]) && a > b);
}

static void sift_down(struct engine *g, uint32_t at, uint32_t n)
{
    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && farther(g, g->order[child + 1], g->order[child]))
            child++;
        if (!farther(g, g->order[child], g->order[at]))
            return;
        uint32_t t = g->order[at];
        g->order[at] = g->order[child];
        g->order[child] = t;
    }
}

// Heap sort of order[0, n) by radius, then index. Not qsort: the library's allocates and makes system calls.
static void sort_by_radius(struct engine *g, uint32_t n)
{
    for (uint32_t i = n / 2; i-- > 0;)
        sift_down(g, i, n);
    for (uint32_t end = n; end > 1; end--) {
        uint32_t t = g->order[0];
        g->order[0] = g->order[end - 1];
        g->order[end - 1] = t;
        sift_down(g, 0, end - 1);
    }
}

int place_new(struct engine *g, struct err *e)
{
    uint32_t n = 0;
    size_t placed_now = 0;
    engine_drain(g); // rows change their addresses below: what fires at the old ones must have been heard
    for (size_t i = 0; i < g->book->n_accounts; i++) {
        struct account_state *s = &g->acct[i];
        bool was = s->placed;
        if (!was && (g->book->account[i].n_positions == 0 || !all_priced(g, i)))
            continue;
        struct row r[RULE_ROWS_MAX];
        bool have[RULE_ROWS_MAX];
        if (was) {
            for (int l = 0; l < RULE_ROWS_MAX; l++)
                if (s->row[l] != NO_ROW)
                    g->next[n++] = g->row[s->row[l]];
            continue;
        }
        if (compile_account(g, i, r, have, e) != 0)
            return -1;
        if (n + have[LEVEL_LIQUIDATE] + have[LEVEL_WARN] > g->rows_max)
            return no_room(g, i, e);
        for (int l = 0; l < RULE_ROWS_MAX; l++)
            if (have[l])
                g->next[n++] = (struct placed_row){(uint32_t)i, true, r[l]};
        s->placed = true;
        placed_now++;
    }
    if (!placed_now)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        g->order[i] = i;
        g->radius[i] = radius_of(g, &g->next[i].row);
    }
    sort_by_radius(g, n);
    for (uint32_t at = 0; at < n; at++) {
        const struct placed_row *p = &g->next[g->order[at]];
        load_row(g, at, &p->row, p->armed, NULL);
        set_row(g, at, p->account, &p->row, p->armed);
        g->acct[p->account].row[p->row.level] = at;
    }
    return 0;
}
