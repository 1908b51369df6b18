// SPDX-License-Identifier: Apache-2.0
// Every account has its rows on the device: bands, and rows in order of distance.
#include <assert.h>
#include <string.h>

#include "accounts/assets.h"
#include "engine/internal.h"

static void emit_band(struct engine *g, uint16_t asset, bool set)
{
    hot_band(g, asset, g->grid[asset].phat_lo, g->grid[asset].phat_hi, set);
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
    g->phat[asset] = phat;
    emit_band(g, asset, set);
    g->band[asset] = n->band;
    g->tracked[asset] = true;
    return 0;
}

void place_band_again(struct engine *g, uint16_t asset)
{
    if (g->boxed)
        hot_band(g, asset, g->dev_lo[asset], g->dev_hi[asset], true);
    else
        emit_band(g, asset, true);
}

int place_reload(struct engine *g, const bool *marked, struct err *e)
{
    for (size_t i = 0; i < g->book->n_accounts; i++) {
        uint16_t assets[ACCOUNT_ASSETS_MAX];
        if (!g->acct[i].placed)
            continue;
        const struct account *a = book_account(g->book, i, &g->other);
        bool hit = a->rule->uses & USE_MARKET;
        for (size_t k = account_assets(&g->book->market, a, assets); k-- && !hit;)
            hit = marked[assets[k]];
        if (hit && hot_reload(g, i, e) != 0)
            return -1;
    }
    return 0;
}

static int no_room(const struct engine *g, size_t account, struct err *e)
{
    return err_set(e, "account %u needs a row, but device %s holds %u, all in use", book_id(g->book, account),
                   g->dev->info.backend, (unsigned)g->rows_max);
}

static void give_back(struct engine *g, uint32_t at)
{
    hot_clear(g, at, LEVEL_LIQUIDATE);
    g->row[at].before = g->row[at].account;
    g->row[at].account = NO_ACCOUNT;
}

void place_lift(struct engine *g, size_t account)
{
    struct account_state *s = &g->acct[account];
    for (unsigned l = 0; l < ROW_LEVELS; l++) {
        while (s->row[l] != NO_ROW) {
            uint32_t at = s->row[l];
            s->row[l] = g->row[at].sibling;
            give_back(g, at);
        }
    }
    s->placed = false;
}

// The lowest address that holds no row.
static uint32_t free_address(const struct engine *g)
{
    for (uint32_t at = 0; at < g->rows_max; at++)
        if (g->row[at].account == NO_ACCOUNT)
            return at;
    return NO_ROW;
}

// The account's next address of the level; a free one when the rule gives this row for the first time:
// somebody who lent borrows now. NO_ROW: no room.
static uint32_t own_address(struct engine *g, uint32_t account, uint8_t level, uint32_t after)
{
    uint32_t at = hot_row(g, account, level, after);
    if (at != NO_ROW)
        return at;
    at = free_address(g);
    if (at != NO_ROW)
        hot_join(g, account, level, at);
    return at;
}

int place_account(struct engine *g, size_t account, struct err *e)
{
    struct row r[RULE_ROWS_MAX];
    uint32_t at[ROW_LEVELS] = {NO_ROW, NO_ROW};
    bool some[ROW_LEVELS] = {false};
    unsigned n;
    if (hot_compile(g, account, r, &n, e) != 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        uint8_t l = r[i].level;
        at[l] = own_address(g, (uint32_t)account, l, at[l]);
        if (at[l] == NO_ROW)
            return no_room(g, account, e);
        hot_load(g, at[l], (uint32_t)account, &r[i], true);
        some[l] = true;
    }
    for (uint8_t l = 0; l < ROW_LEVELS; l++) // nothing left to watch there: the addresses stay the account's
        for (uint32_t rest = some[l] ? at[l] : NO_ROW; (rest = hot_row(g, account, l, rest)) != NO_ROW;)
            hot_clear(g, rest, l);
    return 0;
}

static bool all_priced(struct engine *g, size_t account)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    const struct account *a = book_account(g->book, account, &g->other);
    size_t k = account_assets(&g->book->market, a, assets);
    if (k == 0)
        return false;
    while (k--)
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

// All rows of an account into `next`, from *n on; 0, or -1 with *e set.
static int gather(struct engine *g, size_t account, uint32_t *n, struct err *e)
{
    struct account_state *s = &g->acct[account];
    struct row r[RULE_ROWS_MAX];
    unsigned rows;
    if (s->placed) {
        for (unsigned l = 0; l < ROW_LEVELS; l++)
            for (uint32_t at = NO_ROW; (at = hot_row(g, account, l, at)) != NO_ROW;)
                g->next[(*n)++] = g->row[at];
        return 0;
    }
    if (hot_compile(g, account, r, &rows, e) != 0)
        return -1;
    if (*n + rows > g->rows_max)
        return no_room(g, account, e);
    for (unsigned i = 0; i < rows; i++)
        g->next[(*n)++] = (struct placed_row){.account = (uint32_t)account, .armed = true, .row = r[i]};
    s->placed = true;
    return 0;
}

int place_new(struct engine *g, struct err *e)
{
    uint32_t n = 0;
    size_t placed_now = 0;
    engine_drain(g); // rows change their addresses below: what fires at the old ones must have been heard
    for (size_t i = 0; i < g->book->n_accounts; i++) {
        struct account_state *s = &g->acct[i];
        if (!s->placed && !all_priced(g, i))
            continue;
        placed_now += !s->placed;
        if (gather(g, i, &n, e) != 0)
            return -1;
    }
    if (!placed_now)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        struct account_state *s = &g->acct[g->next[i].account];
        g->order[i] = i;
        g->radius[i] = radius_of(g, &g->next[i].row);
        for (unsigned l = 0; l < ROW_LEVELS; l++)
            s->row[l] = NO_ROW;
    }
    hot_sort(g, n);
    for (uint32_t at = 0; at < n; at++) {
        const struct placed_row *p = &g->next[g->order[at]];
        hot_load(g, at, p->account, &p->row, p->armed);
        hot_join(g, p->account, p->row.level, at);
    }
    for (uint32_t at = n; at < g->rows_max; at++) // rows that were lifted in between have left gaps
        if (g->row[at].account != NO_ACCOUNT)
            give_back(g, at);
    return 0;
}
