// SPDX-License-Identifier: Apache-2.0
#include "lab/reach.h"

#include <string.h>

// Eight paths at once. The compiler makes of it what the machine has; each lane is the same IEEE arithmetic.
typedef double lanes __attribute__((vector_size(REACH_LANES * sizeof(double))));

struct block {
    const struct paths *p;
    const size_t *path;
    unsigned n;
    struct outcome *out;
    uint8_t *const *seen;
};

static void mark(const struct block *b, unsigned lane, uint32_t account)
{
    if (b->seen)
        b->seen[lane][account / 8] |= (uint8_t)(1u << account % 8);
}

// ---- singles

// How many of at[0..n), nearest first, are passed: price < at on the way down, price > at on the way up.
static size_t passed(const int64_t *at, size_t n, int64_t price, bool below)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (below ? price < at[mid] : price > at[mid])
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void side_at(const struct side *s, int64_t price, double x, bool below, const struct block *b,
                    unsigned lane)
{
    size_t k = passed(s->at, s->n, price, below), lost = passed(s->lost_at, s->n_lost, price, below);
    struct outcome *o = &b->out[lane];
    o->breached += k;
    o->value += s->value0[k] + s->value1[k] * x;
    o->loss += s->owed0[lost] + s->owed1[lost] * x;
    for (size_t i = 0; b->seen && i < k; i++)
        mark(b, lane, s->account[i]);
}

static void singles(const struct world *w, const struct block *b, unsigned lane)
{
    const int64_t *px = &b->p->px[b->path[lane] * b->p->assets];
    const double *x = &b->p->x[b->path[lane] * b->p->assets];
    for (unsigned k = 0; k < w->assets; k++) {
        if (px[k] < w->px0[k])
            side_at(&w->below[k], px[k], x[k], true, b, lane);
        else if (px[k] > w->px0[k])
            side_at(&w->above[k], px[k], x[k], false, b, lane);
    }
}

// ---- groups

static double at(const double *f, const double *x, unsigned n)
{
    double h = f[0];
    for (unsigned i = 0; i < n; i++)
        h += f[i + 1] * x[i];
    return h;
}

static void take(const struct group *g, size_t i, const double *x, const struct block *b, unsigned lane)
{
    const double *worth = &g->record[(i + 1) * g->stride] - 2 * (g->n + 1);
    struct outcome *o = &b->out[lane];
    double owed = at(worth + g->n + 1, x, g->n);
    o->breached++;
    o->value += at(worth, x, g->n);
    o->loss += owed > 0 ? owed : 0;
    mark(b, lane, g->account[i]);
}

static bool exactly(struct search *r, uint32_t account, const struct block *b, unsigned lane)
{
    struct health h;
    const struct account *a = book_account(r->w->book, account, &r->scratch);
    a->rule->health(&r->w->book->market, a, &b->p->px[b->path[lane] * b->p->assets], &h);
    r->exact++;
    return h.liquidatable;
}

// How far the prices have moved against the group's signs; *nest: the smallest that holds them.
static double distance(const struct world *w, const struct group *g, const double *x, unsigned *nest)
{
    enum { BOTH = 2 };
    double against = 0, most = 0;
    for (unsigned i = 0; i < g->n; i++) {
        double d = x[i] - 1, size = d < 0 ? -d : d;
        if (g->sign[i] == 0 || w->still[g->asset[i]])
            continue;
        double a = g->sign[i] == BOTH ? size : -d * g->sign[i];
        against = a > against ? a : against;
        most = size > most ? size : most;
    }
    for (*nest = 0; *nest < WORLD_NESTS - 1 && most > WORLD_NEST[*nest]; (*nest)++)
        ;
    return against;
}

static size_t within(const struct group *g, double distance)
{
    size_t lo = 0, hi = g->accounts;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (g->radius[mid] < distance)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct lane_prices {
    lanes v[WORLD_ASSETS];
    double x[REACH_LANES][WORLD_ASSETS];
    unsigned nest[REACH_LANES];
    double distance[REACH_LANES];
};

static double gather(const struct world *w, const struct group *g, const struct block *b,
                     struct lane_prices *l)
{
    double most = -1;
    for (unsigned lane = 0; lane < REACH_LANES; lane++) {
        const double *x = &b->p->x[b->path[lane < b->n ? lane : 0] * b->p->assets];
        for (unsigned i = 0; i < g->n; i++)
            l->v[i][lane] = l->x[lane][i] = x[g->asset[i]];
        l->distance[lane] = distance(w, g, l->x[lane], &l->nest[lane]);
        most = l->distance[lane] > most ? l->distance[lane] : most;
    }
    return most;
}

static void flat_group(struct search *r, const struct group *g, const struct block *b,
                       const struct lane_prices *l, size_t reached)
{
    r->looked += reached * b->n;
    for (size_t i = 0; i < reached; i++) {
        const double *rec = &g->record[i * g->stride];
        lanes h = rec[1] - (lanes){0};
        for (unsigned k = 0; k < g->n; k++)
            h += rec[k + 2] * l->v[k];
        double least = h[0];
        for (unsigned lane = 1; lane < REACH_LANES; lane++)
            least = h[lane] < least ? h[lane] : least;
        if (least >= rec[0])
            continue;
        for (unsigned lane = 0; lane < b->n; lane++)
            if (h[lane] < rec[0] && (h[lane] < -rec[0] || exactly(r, g->account[i], b, lane)))
                take(g, i, l->x[lane], b, lane);
    }
}

static bool breached(struct search *r, const struct group *g, size_t i, const struct block *b,
                     const struct lane_prices *l, unsigned lane)
{
    size_t form = g->n + 1;
    const double *rec = &g->record[i * g->stride], *f = rec + 1 + l->nest[lane] * g->rows * form;
    double least = 1e300;
    for (unsigned row = 0; row < g->rows; row++, f += form) {
        double h = at(f, l->x[lane], g->n);
        least = h < least ? h : least;
    }
    if (least >= rec[0])
        return false;
    f = rec + 1 + WORLD_NESTS * g->rows * form;
    for (unsigned u = 0; g->convex && u < WORLD_UPPERS * g->rows; u++, f += form)
        if (at(f, l->x[lane], g->n) < -rec[0])
            return true;
    return exactly(r, g->account[i], b, lane);
}

static void bent_group(struct search *r, const struct group *g, const struct block *b,
                       const struct lane_prices *l, size_t reached)
{
    for (size_t i = 0; i < reached; i++)
        for (unsigned lane = 0; lane < b->n; lane++) {
            if (g->radius[i] >= l->distance[lane])
                continue;
            r->looked++;
            if (breached(r, g, i, b, l, lane))
                take(g, i, l->x[lane], b, lane);
        }
}

void reach_paths(struct search *r, const struct paths *p, const size_t *path, unsigned n, struct outcome *out,
                 uint8_t *const *seen)
{
    const struct block b = {.p = p, .path = path, .n = n, .out = out, .seen = seen};
    struct lane_prices l;
    for (unsigned lane = 0; lane < n; lane++) {
        out[lane] = (struct outcome){0};
        singles(r->w, &b, lane);
    }
    for (size_t k = 0; k < r->w->n_groups; k++) {
        const struct group *g = &r->w->group[k];
        double most = gather(r->w, g, &b, &l);
        size_t reached = within(g, most);
        if (g->flat)
            flat_group(r, g, &b, &l, reached);
        else
            bent_group(r, g, &b, &l, reached);
    }
}

// ---- the naive way

void naive_path(const struct world *w, const struct paths *p, size_t path, struct account *scratch,
                struct outcome *out, uint8_t *seen)
{
    const struct market *m = &w->book->market;
    const int64_t *px = &p->px[path * p->assets];
    *out = (struct outcome){0};
    for (size_t i = 0; i < w->book->n_accounts; i++) {
        struct health h;
        struct worth v;
        const struct account *a = book_account(w->book, i, scratch);
        a->rule->health(m, a, px, &h);
        if (!h.liquidatable)
            continue;
        account_worth(m, a, &v);
        double value = v.value0, owed = v.owed0;
        for (unsigned k = 0; k < v.n; k++) {
            value += v.value[k] * (double)px[v.asset[k]];
            owed += v.owed[k] * (double)px[v.asset[k]];
        }
        out->breached++;
        out->value += value;
        out->loss += owed > 0 ? owed : 0;
        if (seen)
            seen[i / 8] |= (uint8_t)(1u << i % 8);
    }
}
