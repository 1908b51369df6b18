// SPDX-License-Identifier: Apache-2.0
// The real optimum over levels and pools: all levels above some price whole, those below not at all, the
// pools up to that price. Levels end at whole lots, so at most one level, the marginal one, is cut inside a
// lot. Its lots are tried both ways (down, up), held, and what is left is shared anew among the others, whose
// marginal level may be cut by a smaller lot: a tree of at most LEAVES. Lots of different sizes are a
// knapsack; a few moves of single lots mend what the tree does not see.
#include "exec/exit/route_merge.h"

#include <string.h>

enum { LEAVES = 16, MOVES = 16 };

static u128 least(u128 a, u128 b)
{
    return a < b ? a : b;
}

static const struct depth *book_of(const struct route *r, unsigned k)
{
    return r->path[r->lots[k]].hop[0].book;
}

static u128 book_out(const struct route *r, unsigned k, u128 q)
{
    const struct depth *d = book_of(r, k);
    return q ? d->venue.out(&d->venue, q) : 0;
}

static bool above(struct exit_rate a, struct exit_rate b)
{
    return (u128)a.out * b.in > (u128)b.out * a.in;
}

void route_merge(struct route *r)
{
    unsigned levels = 0;
    r->merged = r->n_lots > 0;
    r->n_ranks = 0;
    for (unsigned k = 0; k < r->n_lots; k++) {
        if (r->path[r->lots[k]].n != 1) {
            r->merged = false;
            return;
        }
        const struct depth *d = book_of(r, k);
        levels += d->n;
        for (unsigned i = 0; i < d->n; i++)
            r->units[k][i] = depth_units(d, i);
    }
    memset(r->before[0], 0, sizeof r->before[0]);
    for (unsigned at = 0; at < levels; at++) {
        unsigned best = ROUTE_PATHS_MAX;
        const uint8_t *used = r->before[at];
        for (unsigned k = 0; k < r->n_lots; k++)
            if (used[k] < book_of(r, k)->n &&
                (best == ROUTE_PATHS_MAX || above(r->rate[k][used[k]], r->rate[best][used[best]])))
                best = k;
        memcpy(r->before[at + 1], used, sizeof r->before[0]);
        r->before[at + 1][best]++;
        r->rank[at] = (uint8_t)best;
    }
    r->n_ranks = (uint16_t)levels;
}

// ---- where a sale ends

struct held { // books whose parts are decided
    bool is[ROUTE_PATHS_MAX];
    u128 part[ROUTE_PATHS_MAX];
    u128 sum;
    u128 lot; // of the book held last; 0: none is
};

static u128 down_to(const struct route *r, unsigned k, unsigned at)
{
    unsigned n = r->before[at][k];
    return n ? r->units[k][n - 1] : 0;
}

// Units sold when every level of a rank below `at` is, in the books that are not held.
static u128 sold(const struct route *r, unsigned at, const struct held *h)
{
    u128 sum = h->sum;
    for (unsigned k = 0; k < r->n_lots; k++)
        sum += h->is[k] ? 0 : down_to(r, k, at);
    return sum;
}

static struct exit_rate rate_at(const struct route *r, unsigned at)
{
    unsigned k = r->rank[at];
    return r->rate[k][r->before[at][k]];
}

// The ranks below this are enough: all is sold, or the pools pay more for what is left than the next level.
static bool enough(const struct route *r, u128 q, unsigned at, const struct held *h)
{
    u128 done = sold(r, at, h);
    return done >= q || (r->has_pools && cpmm_pays(&r->pools, q - done, rate_at(r, at)));
}

// Books that are held move the end by little: from `near` on in doubling steps, then by halves.
static unsigned ranks_used(const struct route *r, u128 q, const struct held *h, unsigned near)
{
    unsigned lo = 0, hi = r->n_ranks, step = 1;
    if (near < hi && !enough(r, q, near, h)) {
        lo = near + 1;
        for (; lo < hi && lo + step < hi && !enough(r, q, lo + step - 1, h); step *= 2)
            lo += step;
        hi = lo + step < hi ? lo + step - 1 : hi;
    } else {
        hi = near;
        for (; hi > step && enough(r, q, hi - step, h); step *= 2)
            hi -= step;
        lo = hi > step ? hi - step + 1 : 0;
    }
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (enough(r, q, mid, h))
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

// What the level of this rank gets, the ones above being whole: the pools take what pays them better.
static u128 marginal(const struct route *r, u128 q, unsigned at, const struct held *h)
{
    unsigned k = r->rank[at];
    u128 left = q - sold(r, at, h);
    u128 whole = r->units[k][r->before[at][k]] - down_to(r, k, at);
    u128 pools = r->has_pools ? r->pools.venue.upto(&r->pools.venue, rate_at(r, at)) : 0;
    return least(whole, left > pools ? left - pools : 0);
}

// ---- whole lots

struct plan {
    u128 part[ROUTE_PATHS_MAX], out[ROUTE_PATHS_MAX];
    u128 pools, pools_out, all; // all: what comes out of everything
};
struct tree {
    const struct route *r;
    u128 q;
    unsigned leaves; // left to be tried
    struct plan best;
};

static u128 pools_out(const struct route *r, u128 q)
{
    return r->has_pools && q ? r->pools.venue.out(&r->pools.venue, q) : 0;
}

static void settle(struct tree *t, const u128 *part)
{
    const struct route *r = t->r;
    struct plan p = {.all = 0};
    u128 used = 0;
    for (unsigned k = 0; k < r->n_lots; k++) {
        p.part[k] = part[k];
        p.out[k] = book_out(r, k, part[k]);
        p.all += p.out[k];
        used += part[k];
    }
    p.pools = r->has_pools ? t->q - used : 0;
    p.pools_out = pools_out(r, p.pools);
    p.all += p.pools_out;
    if (p.all > t->best.all)
        t->best = p;
    t->leaves--;
}

static void descend(struct tree *t, const struct held *h, unsigned near);

// Book k held at so much, if there is so much.
static void hold(struct tree *t, const struct held *before, unsigned near, unsigned k, u128 part)
{
    struct held h = *before;
    if (t->leaves == 0 || h.sum + part > t->q)
        return;
    h.is[k] = true;
    h.part[k] = part;
    h.sum += part;
    h.lot = book_of(t->r, k)->lot;
    descend(t, &h, near);
}

static void descend(struct tree *t, const struct held *h, unsigned near)
{
    const struct route *r = t->r;
    unsigned at = ranks_used(r, t->q, h, near), k = at ? r->rank[at - 1] : 0;
    u128 part[ROUTE_PATHS_MAX] = {0};
    for (unsigned i = 0; i < r->n_lots; i++)
        part[i] = h->is[i] ? h->part[i] : down_to(r, i, at);
    if (at == 0 || h->is[k]) {
        settle(t, part);
        return;
    }
    u128 whole = down_to(r, k, at - 1), more = marginal(r, t->q, at - 1, h), lot = book_of(r, k)->lot;
    u128 cut = more % lot;
    part[k] = whole + more;
    if (cut == 0) {
        settle(t, part);
        return;
    }
    hold(t, h, at, k, whole + more - cut);
    if (h->lot != 0 && lot >= h->lot && !r->has_pools)
        return; // a lot more here would cost one of those above it in price
    hold(t, h, at, k, least(whole + more - cut + lot, r->units[k][r->before[at][k] - 1]));
}

// What comes out when the parts of books i and j and of the pools are others.
static void sum_up(const struct tree *t, struct plan *p, unsigned i, unsigned j)
{
    const unsigned changed[] = {i, j};
    for (unsigned n = 0; n < (i == j ? 1 : 2); n++) {
        unsigned k = changed[n];
        p->all -= p->out[k];
        p->out[k] = book_out(t->r, k, p->part[k]);
        p->all += p->out[k];
    }
    if (p->pools == t->best.pools)
        return;
    p->all -= p->pools_out;
    p->pools_out = pools_out(t->r, p->pools);
    p->all += p->pools_out;
}

// One lot of book i more or less, at the cost or for the good of book j, or (j = i) of the pools alone. Book
// j gets whole lots of what is left beside the pools, or one more lot, which the pools give; they get the
// rest.
static bool moved(struct tree *t, unsigned i, bool up, unsigned j, bool more)
{
    const struct route *r = t->r;
    struct plan p = t->best;
    u128 lot = book_of(r, i)->lot, used = 0;
    if (!up && p.part[i] == 0)
        return false;
    p.part[i] = up ? p.part[i] + lot : p.part[i] - least(lot, p.part[i]);
    for (unsigned k = 0; k < r->n_lots; k++)
        used += k != j || j == i ? p.part[k] : 0;
    const struct depth *d = book_of(r, j);
    if (used > t->q || p.part[i] > EXIT_AMOUNT_MAX || d->n == 0)
        return false;
    u128 rest = t->q - used;
    if (j != i) {
        u128 room = rest - least(rest, p.pools);
        p.part[j] = least(room - room % d->lot + (more ? d->lot : 0), r->units[j][d->n - 1]);
        if (p.part[j] > rest)
            return false;
        rest -= p.part[j];
    }
    p.pools = r->has_pools ? rest : 0;
    sum_up(t, &p, i, j);
    if (p.all <= t->best.all)
        return false;
    t->best = p;
    return true;
}

static bool improve(struct tree *t)
{
    for (unsigned i = 0; i < t->r->n_lots; i++)
        for (unsigned j = 0; j < t->r->n_lots; j++)
            for (unsigned way = 0; (i != j || t->r->has_pools) && way < 4; way++)
                if (moved(t, i, way & 1, j, way & 2))
                    return true;
    return false;
}

// Whether a move may bring more. With one lot the levels leave nothing but what floors cost the pools, and
// that is worth more than a unit of what comes out only where the lot is a unit of what is sold.
static bool uneven(const struct route *r)
{
    for (unsigned k = 1; k < r->n_lots; k++)
        if (book_of(r, k)->lot != book_of(r, 0)->lot)
            return true;
    return r->has_pools && book_of(r, 0)->lot == 1;
}

u128 route_merge_split(const struct route *r, u128 q, u128 part[ROUTE_PATHS_MAX], u128 *pools)
{
    struct tree t = {.r = r, .q = q, .leaves = LEAVES};
    struct held h = {.sum = 0};
    descend(&t, &h, r->n_ranks / 2);
    for (unsigned n = 0; n < MOVES && uneven(r) && improve(&t); n++)
        ;
    memcpy(part, t.best.part, sizeof t.best.part);
    *pools = t.best.pools;
    return t.best.all;
}
