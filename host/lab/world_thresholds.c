// SPDX-License-Identifier: Apache-2.0
// Single accounts: the exact prices at which health ends, by the exact rule. Regula falsi on the health (it
// meets an affine health's threshold at once), then bisection.
#include <stdlib.h>
#include <string.h>

#include "accounts/reciprocal.h"
#include "lab/paths.h"
#include "lab/world.h"

struct entry { // while the world is made: in place of the running sums
    double value0, value1, owed0, owed1;
};

struct line {
    const struct market *m;
    const struct account *a;
    unsigned asset;
    int64_t px[MARKET_ASSETS_MAX];
};

void world_reciprocals(const struct market *m, int64_t *px)
{
    for (unsigned k = 0; k < m->n_assets; k++)
        if (m->asset[k].kind == ASSET_RECIPROCAL) {
            unsigned base = m->asset[k].base;
            int64_t r = reciprocal_price(px[base], m->asset[base].decimals, m->asset[k].decimals);
            px[k] = r < 1 ? 1 : r;
        }
}

// Equity less requirement; < 0 exactly where it may be liquidated.
static double surplus(struct line *l, int64_t price)
{
    struct health h;
    l->px[l->asset] = price;
    world_reciprocals(l->m, l->px);
    l->a->rule->health(l->m, l->a, l->px, &h);
    double s = i256_to_double(i256_sub(h.equity, h.requirement));
    return h.liquidatable ? (s < 0 ? s : -1) : s < 0 ? 0 : s;
}

// The last healthy price towards `end`; `end` itself when it is healthy.
static int64_t last_healthy(struct line *l, int64_t start, int64_t end, double at_start)
{
    enum { FALSI = 12 };
    double su = surplus(l, end), sh = at_start;
    int64_t h = start, u = end;
    if (su >= 0)
        return end;
    for (int i = 0; (u > h ? u - h : h - u) > 1; i++) {
        int64_t mid = h + (u - h) / 2;
        if (i < FALSI) {
            mid = h + (int64_t)((double)(u - h) * (sh / (sh - su)));
            int64_t lo = u > h ? h + 1 : u + 1, hi = u > h ? u - 1 : h - 1;
            mid = mid < lo ? lo : mid > hi ? hi : mid;
        }
        double s = surplus(l, mid);
        if (s >= 0) {
            h = mid;
            sh = s;
        } else {
            u = mid;
            su = s;
        }
    }
    return h;
}

static bool grow(struct side *s)
{
    if (s->n & (s->n - 1) || (s->n && s->n < 64))
        return true;
    size_t cap = s->n ? s->n * 2 : 64;
    int64_t *at = realloc(s->at, cap * sizeof *at);
    s->at = at ? at : s->at;
    uint32_t *account = realloc(s->account, cap * sizeof *account);
    s->account = account ? account : s->account;
    struct entry *entry = realloc(s->value0, cap * sizeof *entry);
    s->value0 = entry ? (double *)entry : s->value0;
    return at && account && entry;
}

static int put(struct side *s, int64_t at, uint32_t account, const struct entry *x)
{
    if (!grow(s))
        return -1;
    s->at[s->n] = at;
    s->account[s->n] = account;
    memcpy((char *)s->value0 + s->n * sizeof *x, x, sizeof *x);
    s->n++;
    return 0;
}

int world_single(struct world *w, uint32_t i, const struct account *a, unsigned asset)
{
    const struct market *m = &w->book->market;
    struct line l = {.m = m, .a = a, .asset = asset};
    struct worth v;
    struct entry x = {0};
    memcpy(l.px, w->px0, sizeof l.px);
    double start = surplus(&l, w->px0[asset]);
    if (start < 0)
        return false;
    account_worth(m, a, &v);
    x.value0 = v.value0;
    x.owed0 = v.owed0;
    for (unsigned k = 0; k < v.n; k++) {
        double value = v.value[k] * (double)w->px0[v.asset[k]], owed = v.owed[k] * (double)w->px0[v.asset[k]];
        *(v.asset[k] == asset ? &x.value1 : &x.value0) += value;
        *(v.asset[k] == asset ? &x.owed1 : &x.owed0) += owed;
    }
    int64_t p0 = w->px0[asset], low = p0 / WORLD_FACTOR < 1 ? 1 : p0 / WORLD_FACTOR, high = p0 * WORLD_FACTOR;
    int64_t lo = last_healthy(&l, p0, low, start), hi = last_healthy(&l, p0, high, start);
    bool falls = lo > low, rises = hi < high;
    // A debt that shrinks outwards, or is there at the threshold's healthy side: not by sorted sums.
    if ((falls && x.owed1 > 0 && x.owed0 + x.owed1 * (double)lo / (double)p0 > 0) ||
        (rises && x.owed1 < 0 && x.owed0 + x.owed1 * (double)hi / (double)p0 > 0))
        return false;
    if ((falls && put(&w->below[asset], lo, i, &x)) || (rises && put(&w->above[asset], hi, i, &x)))
        return -1;
    w->n_single++;
    return true;
}

// ---- sorting

struct item {
    int64_t at;
    uint32_t account;
    struct entry x;
};

static int down(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return x->at != y->at ? (x->at > y->at ? -1 : 1) : (x->account > y->account) - (x->account < y->account);
}

static int up(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : (x->account > y->account) - (x->account < y->account);
}

// First price at which the account owes, on this side and not before it is breached. False: never within
// reach.
static bool owes_from(const struct item *it, int64_t p0, bool below, int64_t *at)
{
    if (below ? it->x.owed1 >= 0 : it->x.owed1 <= 0) {
        *at = it->at; // a constant debt from the threshold on, or none
        return it->x.owed1 == 0 && it->x.owed0 > 0;
    }
    double x = -it->x.owed0 / it->x.owed1 * (double)p0, far = (double)p0 * WORLD_FACTOR * 2;
    if (below && x < 1)
        return false;
    if (!below && x > far)
        return false;
    int64_t t = x < 1 ? 1 : x > far ? (int64_t)far : (int64_t)x;
    t += !below && (double)t < x; // above the exact crossing, whichever way it was rounded
    t += below;
    *at = below ? (t < it->at ? t : it->at) : (t > it->at ? t : it->at);
    return true;
}

static int running(struct side *s, const struct item *it, size_t n)
{
    s->value0 = calloc(n + 1, sizeof(double));
    s->value1 = calloc(n + 1, sizeof(double));
    if (!s->value0 || !s->value1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        s->at[i] = it[i].at;
        s->account[i] = it[i].account;
        s->value0[i + 1] = s->value0[i] + it[i].x.value0;
        s->value1[i + 1] = s->value1[i] + it[i].x.value1;
    }
    return 0;
}

static int running_lost(struct side *s, struct item *it, int64_t p0, bool below)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (owes_from(&it[i], p0, below, &it[i].at))
            it[n++] = it[i];
    qsort(it, n, sizeof *it, below ? down : up);
    s->n_lost = n;
    s->lost_at = calloc(n + 1, sizeof *s->lost_at);
    s->owed0 = calloc(n + 1, sizeof(double));
    s->owed1 = calloc(n + 1, sizeof(double));
    if (!s->lost_at || !s->owed0 || !s->owed1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        s->lost_at[i] = it[i].at;
        s->owed0[i + 1] = s->owed0[i] + it[i].x.owed0;
        s->owed1[i + 1] = s->owed1[i] + it[i].x.owed1;
    }
    return 0;
}

static int sort_side(struct side *s, int64_t p0, bool below)
{
    struct item *it = malloc((s->n + 1) * sizeof *it);
    if (!it)
        return -1;
    for (size_t i = 0; i < s->n; i++) {
        it[i] = (struct item){.at = s->at[i], .account = s->account[i]};
        memcpy(&it[i].x, (char *)s->value0 + i * sizeof it[i].x, sizeof it[i].x);
    }
    free(s->value0);
    s->value0 = NULL;
    qsort(it, s->n, sizeof *it, below ? down : up);
    int rc = running(s, it, s->n) || running_lost(s, it, p0, below) ? -1 : 0;
    free(it);
    return rc;
}

int world_single_sort(struct world *w)
{
    for (unsigned k = 0; k < w->assets; k++)
        if (sort_side(&w->below[k], w->px0[k], true) || sort_side(&w->above[k], w->px0[k], false))
            return -1;
    return 0;
}
