// SPDX-License-Identifier: Apache-2.0
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/moving.h"
#include "lab/paths.h"

const double WORLD_NEST[WORLD_NESTS] = {0.03, 0.1, 0.3, 1e9};
static const double UPPER_AT[WORLD_UPPERS] = {0, 0.04, 0.12, 0.3}; // moves against the account
static const double ROUNDING =
    1e-10; // of the gross: far above what doubles lose, far below a price's quantum
enum { BOTH = 2 };

struct maker {
    struct world *w;
    struct account scratch;
    struct band band[WORLD_NESTS][MARKET_ASSETS_MAX], point[MARKET_ASSETS_MAX];
    struct affine nest[WORLD_NESTS][RULE_ROWS_MAX], upper[WORLD_UPPERS][RULE_ROWS_MAX];
    int rows;
    bool flat, convex;
    unsigned n; // assets of forms and worth, ascending
    uint16_t asset[WORLD_ASSETS];
    int8_t sign[WORLD_ASSETS];
    struct worth worth;
};

static void bands(struct maker *k)
{
    for (unsigned i = 0; i < k->w->assets; i++) {
        int64_t p = k->w->px0[i];
        for (unsigned j = 0; j < WORLD_NESTS; j++) {
            int64_t half = (int64_t)((double)p * WORLD_NEST[j]) + 1;
            bool last = j == WORLD_NESTS - 1; // reciprocals are rounded: a little more
            int64_t lo = last ? p / (WORLD_FACTOR + 1) : p - half,
                    hi = last ? p * (WORLD_FACTOR + 1) + 1 : p + half;
            k->band[j][i] = (struct band){lo < 1 ? 1 : lo, hi};
        }
        k->point[i] = (struct band){p, p};
    }
}

static bool moves(const struct world *w, unsigned asset)
{
    return !w->still[asset];
}

static unsigned base_of(const struct market *m, unsigned asset)
{
    return m->asset[asset].kind == ASSET_RECIPROCAL ? m->asset[asset].base : asset;
}

static bool same_form(const struct affine *a, const struct affine *b)
{
    if (a->n != b->n || i256_cmp(a->c, b->c) != 0)
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if (a->asset[i] != b->asset[i] || i256_cmp(a->a[i], b->a[i]) != 0)
            return false;
    return true;
}

// Up to 3.4 Aave rounds an average threshold to whole bps: the healthy set is not convex where thresholds
// differ. Nor where a profit is a product of two prices (USE_QUOTE).
static bool averages(const struct account *a)
{
    return a->rule == &rule_aave_1_19 || a->rule == &rule_aave_3_3 || a->rule == &rule_aave_3_4;
}

static bool any_grace(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        if (grace_now(&m->instrument[a->position[i].instrument]) ||
            term_get(&m->instrument[a->position[i].instrument].terms, TERM_COOL_OFF))
            return true;
    return false;
}

static int8_t sign_in(const struct affine *f, unsigned asset)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->asset[i] == asset)
            return (int8_t)i256_sign(f->a[i]);
    return 0;
}

static void note_asset(struct maker *k, uint16_t asset)
{
    unsigned at = k->n;
    for (unsigned i = 0; i < k->n; i++)
        if (k->asset[i] == asset)
            return;
    for (; at > 0 && k->asset[at - 1] > asset; at--)
        k->asset[at] = k->asset[at - 1];
    k->asset[at] = asset;
    k->n++;
}

// Forms of the widest nest and at the start price; whether they are the same; assets and signs.
static int first_forms(struct maker *k, const struct account *a, struct err *e)
{
    const struct market *m = &k->w->book->market;
    struct affine *wide = k->nest[WORLD_NESTS - 1];
    k->rows = a->rule->rows(m, a, k->band[WORLD_NESTS - 1], 0, wide, e);
    if (k->rows <= 0)
        return k->rows;
    if (a->rule->rows(m, a, k->point, 0, k->upper[0], e) != k->rows)
        return err_set(e, "account %u: its rows depend on the band: its rule is at fault", a->id);
    bool bends = (averages(a) || (a->rule->uses & USE_QUOTE)) && (!a->rule->bends || a->rule->bends(m, a));
    k->convex = !bends && !any_grace(m, a);
    k->flat = k->convex && k->rows == 1;
    k->n = 0;
    for (int r = 0; r < k->rows; r++) {
        k->flat = k->flat && same_form(&wide[r], &k->upper[0][r]);
        for (unsigned i = 0; i < wide[r].n; i++)
            note_asset(k, wide[r].asset[i]);
    }
    account_worth(m, a, &k->worth);
    for (unsigned i = 0; i < k->worth.n; i++)
        note_asset(k, k->worth.asset[i]);
    for (unsigned i = 0; i < k->n; i++) {
        k->sign[i] = sign_in(&wide[0], k->asset[i]);
        for (int r = 0; r < k->rows; r++)
            if (sign_in(&wide[r], k->asset[i]) != k->sign[i] ||
                sign_in(&k->upper[0][r], k->asset[i]) != k->sign[i])
                k->sign[i] = BOTH;
    }
    return k->rows;
}

static int more_forms(struct maker *k, const struct account *a, struct err *e)
{
    const struct market *m = &k->w->book->market;
    for (unsigned j = 0; j < WORLD_NESTS - 1; j++)
        if (a->rule->rows(m, a, k->band[j], 0, k->nest[j], e) != k->rows)
            return -1;
    struct band at[MARKET_ASSETS_MAX];
    for (unsigned u = 1; k->convex && u < WORLD_UPPERS; u++) {
        memcpy(at, k->point, sizeof at);
        for (unsigned i = 0; i < k->n; i++) {
            double move = k->sign[i] == BOTH ? 0 : -UPPER_AT[u] * k->sign[i];
            int64_t p = (int64_t)((double)k->w->px0[k->asset[i]] * (1 + move));
            at[k->asset[i]] = (struct band){p < 1 ? 1 : p, p < 1 ? 1 : p};
        }
        if (a->rule->rows(m, a, at, 0, k->upper[u], e) != k->rows)
            return -1;
    }
    for (unsigned j = 0; j < WORLD_NESTS - 1; j++)
        for (int r = 0; r < k->rows; r++)
            for (unsigned i = 0; i < k->n; i++)
                if (sign_in(&k->nest[j][r], k->asset[i]) != k->sign[i])
                    k->sign[i] = BOTH;
    return 0;
}

// ---- groups

static bool is_group(const struct group *g, const struct maker *k)
{
    return g->n == k->n && g->rows == (unsigned)k->rows && g->flat == k->flat && g->convex == k->convex &&
           memcmp(g->asset, k->asset, k->n * sizeof *g->asset) == 0 && memcmp(g->sign, k->sign, k->n) == 0;
}

static uint64_t hash_of(unsigned n, unsigned rows, bool flat, bool convex, const uint16_t *asset,
                        const int8_t *sign)
{
    uint64_t h = ((uint64_t)n << 16) + ((uint64_t)rows << 8) + (uint64_t)flat * 2 + convex;
    for (unsigned i = 0; i < n; i++) {
        h ^= (uint64_t)asset[i] * 4 + (uint64_t)(sign[i] + 1);
        h = splitmix64(&h);
    }
    return h;
}

static int more_slots(struct world *w)
{
    size_t n = w->n_slots ? w->n_slots * 2 : 1024;
    uint32_t *slot = calloc(n, sizeof *slot);
    if (!slot)
        return -1;
    for (size_t g = 0; g < w->n_groups; g++) {
        const struct group *x = &w->group[g];
        size_t s = hash_of(x->n, x->rows, x->flat, x->convex, x->asset, x->sign) & (n - 1);
        while (slot[s])
            s = (s + 1) & (n - 1);
        slot[s] = (uint32_t)g + 1;
    }
    free(w->slot);
    w->slot = slot;
    w->n_slots = n;
    return 0;
}

static struct group *new_group(struct world *w, const struct maker *k)
{
    if (w->n_groups == w->cap_groups) {
        size_t cap = w->cap_groups ? w->cap_groups * 2 : 64;
        struct group *g = realloc(w->group, cap * sizeof *g);
        if (!g)
            return NULL;
        w->group = g;
        w->cap_groups = cap;
    }
    struct group *g = &w->group[w->n_groups];
    unsigned each = WORLD_NESTS + (k->convex ? (unsigned)WORLD_UPPERS : 0),
             forms = k->flat ? 1 : (unsigned)k->rows * each;
    *g = (struct group){.n = k->n, .rows = (unsigned)k->rows, .flat = k->flat, .convex = k->convex};
    g->stride = 1 + (size_t)(forms + 2) * (k->n + 1);
    g->asset = malloc((k->n + 1) * sizeof *g->asset);
    g->sign = malloc(k->n + 1);
    w->n_groups++;
    if (!g->asset || !g->sign)
        return NULL;
    memcpy(g->asset, k->asset, k->n * sizeof *g->asset);
    memcpy(g->sign, k->sign, k->n);
    return g;
}

static struct group *group_of(struct world *w, const struct maker *k)
{
    if (w->n_groups * 2 >= w->n_slots && more_slots(w))
        return NULL;
    size_t s = hash_of(k->n, (unsigned)k->rows, k->flat, k->convex, k->asset, k->sign) & (w->n_slots - 1);
    for (; w->slot[s]; s = (s + 1) & (w->n_slots - 1))
        if (is_group(&w->group[w->slot[s] - 1], k))
            return &w->group[w->slot[s] - 1];
    struct group *g = new_group(w, k);
    w->slot[s] = (uint32_t)w->n_groups;
    return g;
}

static double *put_form(const struct maker *k, const struct affine *f, double *to, double *margin)
{
    double gross = 0;
    memset(to, 0, (k->n + 1) * sizeof *to);
    to[0] = i256_to_double(f->c);
    gross += to[0] < 0 ? -to[0] : to[0];
    for (unsigned i = 0; i < k->n; i++)
        for (unsigned j = 0; j < f->n; j++)
            if (f->asset[j] == k->asset[i]) {
                double a = i256_to_double(f->a[j]) * (double)k->w->px0[k->asset[i]];
                to[i + 1] = a;
                gross += a < 0 ? -a : a;
            }
    double need = 2 * i256_to_double(f->slack) + ROUNDING * gross;
    *margin = *margin > need ? *margin : need;
    return to + k->n + 1;
}

// A move in no asset, against its sign, beyond which this form might be below the margin.
static double form_radius(const struct maker *k, const double *f, double margin)
{
    double h = f[0] - margin, sum = 0;
    for (unsigned i = 0; i < k->n; i++) {
        h += f[i + 1];
        if (moves(k->w, k->asset[i]))
            sum += f[i + 1] < 0 ? -f[i + 1] : f[i + 1];
    }
    return h <= 0 ? -1 : sum > 0 ? h / sum * (1 - 1e-9) : 1e9;
}

static void put_worth(const struct maker *k, double *to)
{
    double *owed = to + k->n + 1;
    memset(to, 0, 2 * (k->n + 1) * sizeof *to);
    to[0] = k->worth.value0;
    owed[0] = k->worth.owed0;
    for (unsigned i = 0; i < k->n; i++)
        for (unsigned j = 0; j < k->worth.n; j++)
            if (k->worth.asset[j] == k->asset[i]) {
                to[i + 1] = k->worth.value[j] * (double)k->w->px0[k->asset[i]];
                owed[i + 1] = k->worth.owed[j] * (double)k->w->px0[k->asset[i]];
            }
}

static int room_in(struct group *g)
{
    if (g->accounts < g->cap)
        return 0;
    size_t cap = g->cap ? g->cap + g->cap / 2 : 4;
    uint32_t *account = realloc(g->account, cap * sizeof *account);
    g->account = account ? account : g->account;
    double *radius = realloc(g->radius, cap * sizeof *radius);
    g->radius = radius ? radius : g->radius;
    double *record = realloc(g->record, cap * g->stride * sizeof *record);
    g->record = record ? record : g->record;
    g->cap = account && radius && record ? cap : g->cap;
    return g->cap == cap ? 0 : -1;
}

static int put_grouped(struct maker *k, uint32_t i)
{
    struct group *g = group_of(k->w, k);
    if (!g || room_in(g))
        return -1;
    double *margin = &g->record[g->accounts * g->stride], *to = margin + 1, r = -1;
    unsigned nests = k->flat ? 1 : WORLD_NESTS, from = k->flat ? WORLD_NESTS - 1 : 0;
    *margin = 0;
    for (unsigned j = 0; j < nests; j++)
        for (int row = 0; row < k->rows; row++)
            to = put_form(k, &k->nest[from + j][row], to, margin);
    for (unsigned u = 0; !k->flat && k->convex && u < WORLD_UPPERS; u++)
        for (int row = 0; row < k->rows; row++)
            to = put_form(k, &k->upper[u][row], to, margin);
    put_worth(k, to);
    for (unsigned j = 0; j < nests; j++) {
        double least = WORLD_NEST[from + j];
        for (int row = 0; row < k->rows; row++) {
            double x =
                form_radius(k, margin + 1 + (j * (unsigned)k->rows + (unsigned)row) * (k->n + 1), *margin);
            least = x < least ? x : least;
        }
        r = least > r ? least : r;
    }
    g->radius[g->accounts] = r;
    g->account[g->accounts++] = i;
    k->w->n_grouped++;
    return 0;
}

// ---- one account, the whole book

// The one price that moves and that a form depends on; -1: none or several.
static int single_asset(const struct maker *k)
{
    const struct market *m = &k->w->book->market;
    int found = -1;
    for (unsigned i = 0; i < k->n; i++) {
        int base = (int)base_of(m, k->asset[i]);
        if (!moves(k->w, (unsigned)base) || base == found)
            continue;
        if (found >= 0)
            return -1;
        found = base;
    }
    return found;
}

static int place(struct maker *k, uint32_t i, struct err *e)
{
    const struct account *a = book_account(k->w->book, i, &k->scratch);
    int rc = first_forms(k, a, e);
    if (rc < 0)
        return -1;
    if (rc == 0) {
        k->w->n_never++;
        return 0;
    }
    int only = single_asset(k);
    if (only >= 0 && k->convex && !(a->rule->crossed && a->rule->crossed(&k->w->book->market, a))) {
        rc = world_single(k->w, i, a, (unsigned)only);
        if (rc)
            return rc < 0 ? err_set(e, "out of memory") : 0;
    }
    if (!k->flat && more_forms(k, a, e))
        return -1;
    return put_grouped(k, i) ? err_set(e, "out of memory") : 0;
}

struct rank {
    double radius;
    uint32_t at, account;
};

static int by_radius(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->radius < y->radius || x->radius > y->radius)
        return x->radius < y->radius ? -1 : 1;
    return (x->account > y->account) - (x->account < y->account);
}

static int sort_group(struct group *g)
{
    struct rank *r = malloc((g->accounts + 1) * sizeof *r);
    double *record = malloc((g->accounts * g->stride + 1) * sizeof *record);
    if (!r || !record) {
        free(r);
        free(record);
        return -1;
    }
    for (size_t i = 0; i < g->accounts; i++)
        r[i] = (struct rank){g->radius[i], (uint32_t)i, g->account[i]};
    qsort(r, g->accounts, sizeof *r, by_radius);
    for (size_t i = 0; i < g->accounts; i++) {
        memcpy(&record[i * g->stride], &g->record[r[i].at * g->stride], g->stride * sizeof *record);
        g->radius[i] = r[i].radius;
        g->account[i] = r[i].account;
    }
    free(g->record);
    g->record = record;
    g->cap = g->accounts;
    free(r);
    return 0;
}

static int make_all(struct maker *k, const struct progress *p, struct err *e)
{
    struct world *w = k->w;
    for (size_t i = 0; i < w->book->n_accounts; i++)
        if (progress_at(p, "finding thresholds", i, w->book->n_accounts, e) || place(k, (uint32_t)i, e))
            return -1;
    for (size_t g = 0; g < w->n_groups; g++)
        if (sort_group(&w->group[g]))
            return err_set(e, "out of memory");
    return world_single_sort(w) ? err_set(e, "out of memory") : 0;
}

int world_make(struct world *w, const struct book *b, const int64_t *px0, const bool *still,
               const struct progress *p, struct err *e)
{
    *w = (struct world){.book = b, .assets = b->market.n_assets};
    memcpy(w->px0, px0, w->assets * sizeof *px0);
    memcpy(w->still, still, w->assets * sizeof *still);
    for (unsigned i = 0; i < w->assets; i++)
        if (px0[i] <= 0 || px0[i] >> 57)
            return err_set(e, "asset %s has no start price, or one above 2^57 quanta: give it by --price",
                           b->market.asset[i].name);
    if (b->n_accounts > UINT32_MAX)
        return err_set(e, "more than 2^32 accounts");
    struct maker *k = calloc(1, sizeof *k);
    if (!k)
        return err_set(e, "out of memory");
    k->w = w;
    bands(k);
    int rc = make_all(k, p, e);
    free(k);
    return rc;
}

static void side_free(struct side *s)
{
    free(s->at);
    free(s->account);
    free(s->value0);
    free(s->value1);
    free(s->lost_at);
    free(s->owed0);
    free(s->owed1);
}

void world_free(struct world *w)
{
    for (unsigned i = 0; i < w->assets; i++) {
        side_free(&w->below[i]);
        side_free(&w->above[i]);
    }
    for (size_t g = 0; g < w->n_groups; g++) {
        free(w->group[g].asset);
        free(w->group[g].sign);
        free(w->group[g].account);
        free(w->group[g].radius);
        free(w->group[g].record);
    }
    free(w->group);
    free(w->slot);
    *w = (struct world){0};
}
