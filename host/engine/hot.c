// SPDX-License-Identifier: Apache-2.0
// Rows on the device: compiled, loaded, cleared; addresses.
#include <assert.h>
#include <string.h>

#include "engine/internal.h"

void hot_band(struct engine *g, uint16_t asset, uint64_t lo, uint64_t hi, bool set)
{
    struct abi_band b = {.asset = asset, .lo = lo, .hi = hi, .price = g->phat[asset], .set_price = set};
    struct beat beat;
    abi_pack_band(&beat, &b);
    engine_emit(g, &beat);
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
static void union_coefs(const struct row *was, const struct row *is, const bool *also, uint32_t columns,
                        struct pairs *p)
{
    p->n = 0;
    for (uint16_t i = 0; is && i < is->n; i++) {
        p->asset[p->n] = is->asset[i];
        p->coef[p->n++] = is->coef[i];
    }
    size_t fresh = p->n;
    for (uint16_t i = 0; !also && was && i < was->n; i++)
        clear_pair(p, fresh, was->asset[i]);
    for (uint16_t a = 0; also && a < MARKET_ASSETS_MAX && a < columns; a++)
        if (also[a])
            clear_pair(p, fresh, a);
}

// Loads `is` (NULL: clears) into an address, as the device will have it; the host's picture is updated by the
// caller.
static void load_row(struct engine *g, uint32_t address, const struct row *is, bool armed, const bool *also)
{
    const struct placed_row *was = &g->row[address];
    struct pairs p;
    union_coefs(&was->row, is, also, device_columns(g->dev, address), &p);
    struct abi_row head = {
        .row = address, .armed = armed, .n = (uint16_t)p.n, .h = is ? row_eval(is, g->phat) : 0};
    struct beat beat;
    for (size_t i = 0; i < p.n && i < ABI_ROW_PAIRS; i++) {
        head.asset[i] = p.asset[i];
        head.coef[i] = p.coef[i];
    }
    abi_pack_row(&beat, &head);
    g->loading = p.n > ABI_ROW_PAIRS;
    engine_emit(g, &beat);
    for (size_t i = ABI_ROW_PAIRS; i < p.n; i += ABI_COEF_PAIRS) {
        struct abi_coef c;
        memset(&c, 0, sizeof c);
        for (size_t k = 0; k < ABI_COEF_PAIRS && i + k < p.n; k++) {
            c.asset[k] = p.asset[i + k];
            c.coef[k] = p.coef[i + k];
        }
        abi_pack_coef(&beat, &c);
        g->loading = i + ABI_COEF_PAIRS < p.n;
        engine_emit(g, &beat);
    }
    g->count.rows_loaded++;
}

void hot_load(struct engine *g, uint32_t address, uint32_t account, const struct row *r, bool armed)
{
    struct placed_row *p = &g->row[address];
    load_row(g, address, r, armed, NULL);
    p->account = account;
    p->armed = armed;
    p->row = *r;
}

void hot_clear(struct engine *g, uint32_t address, uint8_t level)
{
    struct placed_row *p = &g->row[address];
    load_row(g, address, NULL, false, NULL);
    memset(&p->row, 0, sizeof p->row);
    p->row.level = level;
    p->armed = false;
}

void hot_again(struct engine *g, uint32_t address, const bool also[MARKET_ASSETS_MAX])
{
    const struct placed_row *p = &g->row[address];
    bool held = p->account != NO_ACCOUNT;
    load_row(g, address, held ? &p->row : NULL, held && p->armed, also);
}

int hot_rows_called(const struct engine *g, size_t account, const struct account *a, const struct band *band,
                    uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    const struct market *m = &g->book->market;
    unsigned level = g->called[account];
    uint32_t ppm = level < ENGINE_CALLS ? g->cfg.call_ppm[level] : 0;
    if (ppm == 0)
        return a->rule->rows(m, a, band, warn_ppm, out, e);
    if (a->rule->rows_at)
        return a->rule->rows_at(m, a, band, ppm, out, e);
    int n = a->rule->rows(m, a, band, ppm, out, e);
    if (n <= 0)
        return n;
    assert(n == 2 && out[1].level == LEVEL_WARN);
    out[0] = out[1];
    out[0].level = LEVEL_LIQUIDATE;
    return 1;
}

int hot_compile(struct engine *g, size_t account, struct row out[RULE_ROWS_MAX], unsigned *n, struct err *e)
{
    const struct account *a = book_account(g->book, account, &g->account);
    due_window(g, TIER_HOT);
    struct affine f[RULE_ROWS_MAX];
    struct err why;
    *n = 0;
    if (a->n_positions == 0)
        return 0;
    int got = hot_rows(g, account, a, g->band, g->cfg.warn_ppm, f, &why);
    if (got < 0)
        return err_set(e, "account %u (%s): %.300s", a->id, a->rule->name, why.msg);
    for (int i = 0; i < got; i++) {
        assert(f[i].level < ROW_LEVELS && (i == 0 || f[i].level >= f[i - 1].level));
        if (row_compile(&f[i], g->grid, &out[i], &why) != 0)
            return err_set(e, "account %u (%s): %.300s", a->id, a->rule->name, why.msg);
    }
    *n = (unsigned)got;
    if (!g->boxed)
        due_note(g, (uint32_t)account, TIER_HOT);
    return 0;
}

void hot_join(struct engine *g, uint32_t account, uint8_t level, uint32_t address)
{
    uint32_t *at = &g->acct[account].row[level];
    while (*at != NO_ROW)
        at = &g->row[*at].sibling;
    *at = address;
    g->row[address].sibling = NO_ROW;
}

int64_t hot_least(const struct engine *g, uint32_t account, unsigned level)
{
    int64_t least = INT64_MAX;
    for (uint32_t at = NO_ROW; (at = hot_row(g, account, level, at)) != NO_ROW;) {
        int64_t h = row_eval(&g->row[at].row, g->phat);
        least = h < least ? h : least;
    }
    return least;
}

// Which of an account's rows stands in which of its addresses makes no difference: one that has fired has the
// account watched, and then all of them are armed again together.
int hot_reload(struct engine *g, size_t account, struct err *e)
{
    struct row r[RULE_ROWS_MAX];
    uint32_t at[ROW_LEVELS] = {NO_ROW, NO_ROW};
    unsigned n;
    if (hot_compile(g, account, r, &n, e) != 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        uint8_t level = r[i].level;
        if (g->acct[account].row[level] == NO_ROW)
            continue; // no room for a warning row
        at[level] = hot_row(g, account, level, at[level]);
        if (at[level] == NO_ROW)
            return err_set(e, "account %u: its rule gives more rows than before", book_id(g->book, account));
        hot_load(g, at[level], (uint32_t)account, &r[i], g->row[at[level]].armed);
    }
    return 0;
}

// ---- addresses (nested boxes)

static uint32_t first_free(const struct engine *g, uint32_t from)
{
    for (uint32_t w = from / 64; w < (g->rows_max + 63) / 64; w++) {
        uint64_t bits = g->free_row[w];
        if (w == from / 64)
            bits &= ~UINT64_C(0) << from % 64;
        if (bits)
            return w * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return NO_ROW;
}

uint32_t hot_take(struct engine *g, uint32_t columns)
{
    if (g->rows_used >= g->rows_max)
        return NO_ROW;
    uint32_t at = first_free(g, 0);
    while (at != NO_ROW && columns > g->columns_least && device_columns(g->dev, at) < columns)
        at = first_free(g, at + 1);
    if (at == NO_ROW)
        return NO_ROW;
    g->free_row[at / 64] &= ~(UINT64_C(1) << at % 64);
    g->rows_used++;
    return at;
}

void hot_give(struct engine *g, uint32_t address)
{
    g->free_row[address / 64] |= UINT64_C(1) << address % 64;
    g->rows_used--;
}

// Disarmed, it cannot fire; what it holds is named, and so cleared, by the next load of the address.
static void leave_row(struct engine *g, uint32_t account, uint32_t at)
{
    struct placed_row *p = &g->row[at];
    if (p->armed) {
        struct abi_arm a = {.row = at, .armed = false};
        struct beat beat;
        abi_pack_arm(&beat, &a);
        engine_emit(g, &beat);
    }
    p->armed = false;
    p->before = account;
    p->account = NO_ACCOUNT;
    hot_give(g, at);
}

void hot_leave(struct engine *g, uint32_t account)
{
    struct account_state *s = &g->acct[account];
    for (unsigned l = 0; l < ROW_LEVELS; l++) {
        while (s->row[l] != NO_ROW) {
            uint32_t at = s->row[l];
            s->row[l] = g->row[at].sibling;
            leave_row(g, account, at);
        }
    }
    watch_cool(g, account);
}

// ---- order

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

// Heap sort by radius, then index. Not qsort: the library's allocates and makes system calls.
void hot_sort(struct engine *g, uint32_t n)
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
