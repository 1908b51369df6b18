// SPDX-License-Identifier: Apache-2.0
// Equal prices: the greatest price at which all paths together would take q is found by bisection, and each
// path gets what it takes there. Only the paths with books need that: the pools' share of the rest has a
// closed form (cpmm.c). Lots do not divide, so afterwards single lots are moved between paths.
#include "exec/exit/route_merge.h"

#include <string.h>

enum {
    MANTISSA = 48, // bits of a price; what they leave is shared in proportion: an error of their square
    EXPONENTS = 128,
    MOVES_MAX = 64,
};

static i256 wide(u128 v)
{
    return i256_from_u128(v);
}

static u128 least(u128 a, u128 b)
{
    return a < b ? a : b;
}

// ---- hops and paths

static u128 hop_out(const struct route_hop *h, u128 q)
{
    return h->book ? h->book->venue.out(&h->book->venue, q)
                   : cpmm_out(&h->pool, least(q, EXIT_AMOUNT_MAX - h->pool.in));
}

// The least quantity that brings `out`; false when none does.
static bool hop_least(const struct route_hop *h, u128 out, u128 *q)
{
    return h->book ? depth_least(h->book, out, q)
                   : cpmm_least(&h->pool, out, q) && *q <= EXIT_AMOUNT_MAX - h->pool.in;
}

static u128 hop_upto(const struct route_hop *h, struct exit_rate rate)
{
    return h->book ? h->book->venue.upto(&h->book->venue, rate)
                   : least(cpmm_upto(&h->pool, rate), EXIT_AMOUNT_MAX - h->pool.in);
}

static u128 path_out(const struct route_path *p, u128 q)
{
    for (unsigned i = 0; i < p->n; i++)
        q = hop_out(&p->hop[i], q);
    return q;
}

static bool path_least(const struct route_path *p, u128 out, u128 *q)
{
    for (unsigned i = p->n; i-- > 0;)
        if (!hop_least(&p->hop[i], out, &out))
            return false;
    *q = out;
    return true;
}

// The least quantity that brings what q does.
static u128 trim(const struct route_path *p, u128 q)
{
    u128 same;
    return path_least(p, path_out(p, q), &same) && same < q ? same : q;
}

// The book in front: behind it the rate is that of what a level's unit becomes. Up to which level all is sold
// falls with the levels, so it is searched by halves; of the next one, the part that brings what is asked
// for.
static u128 book_first(const struct route_path *p, const struct exit_rate *price, struct exit_rate rate)
{
    const struct depth *d = p->hop[0].book;
    u128 wanted = 0;
    unsigned lo = 0, hi = d->n;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        u128 y = hop_upto(&p->hop[1], exit_rate_div(rate, price[mid]));
        if (y < d->level[mid].out_upto) {
            hi = mid;
            wanted = y;
        } else {
            lo = mid + 1;
        }
    }
    u128 at = lo ? depth_units(d, lo - 1) : 0, got = lo ? d->level[lo - 1].out_upto : 0;
    if (lo == d->n || wanted <= got)
        return at;
    i256 more = i256_mul_u128(depth_units(d, lo) - at, wanted - got);
    return at + i256_lo(i256_div_floor(more, wide(d->level[lo].out_upto - got)));
}

// A pool in front: the level of the book behind says what a unit of the token between is worth.
static u128 pool_first(const struct route_path *p, const struct exit_rate *price, struct exit_rate rate)
{
    const struct depth *d = p->hop[1].book;
    u128 wanted = 0, at = 0, end;
    unsigned lo = 0, hi = d->n;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        u128 q = hop_upto(&p->hop[0], exit_rate_div(rate, price[mid]));
        if (!hop_least(&p->hop[0], depth_units(d, mid), &end) || q < end) {
            hi = mid;
            wanted = q;
        } else {
            lo = mid + 1;
            at = end;
        }
    }
    return lo < d->n && wanted > at ? wanted : at;
}

static u128 path_upto(const struct route_path *p, const struct exit_rate *price, struct exit_rate rate)
{
    if (p->n == 1)
        return hop_upto(&p->hop[0], rate);
    return p->hop[0].book ? book_first(p, price, rate) : pool_first(p, price, rate);
}

// ---- what all take at a price

struct taken {
    u128 of[ROUTE_PATHS_MAX]; // by lots path
    u128 all;                 // the pools' too
};

static void take(const struct route *r, struct exit_rate rate, struct taken *t)
{
    t->all = r->has_pools ? r->pools.venue.upto(&r->pools.venue, rate) : 0;
    for (unsigned k = 0; k < r->n_lots; k++) {
        t->of[k] = path_upto(&r->path[r->lots[k]], r->rate[k], rate);
        t->all += t->of[k];
    }
}

// Prices in ascending order from 2^-64 to 2^64, even steps within each power of two.
static struct exit_rate price_of(uint64_t key)
{
    unsigned e = (unsigned)(key >> MANTISSA);
    uint64_t one = UINT64_C(1) << MANTISSA, m = key & (one - 1), up = 63 - MANTISSA;
    if (e < EXPONENTS / 2)
        return (struct exit_rate){UINT64_C(1) << e, (2 * one - 1 - m) << up};
    return (struct exit_rate){(one + m) << up, UINT64_C(1) << (EXPONENTS - 1 - e)};
}

// Real shares of the lots paths at the price where all take q, rounded down.
static void shares(const struct route *r, u128 q, u128 part[ROUTE_PATHS_MAX])
{
    uint64_t lo = 0, hi = (uint64_t)EXPONENTS << MANTISSA;
    struct taken more, less = {0}, t; // at lo, at hi: beyond all prices nothing is taken
    take(r, price_of(lo), &more);
    while (more.all >= q && hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        take(r, price_of(mid), &t);
        if (t.all >= q) {
            lo = mid;
            more = t;
        } else {
            hi = mid;
            less = t;
        }
    }
    for (unsigned k = 0; k < r->n_lots; k++) {
        part[k] = more.of[k];
        if (more.all <= q)
            continue;
        u128 span = more.of[k] > less.of[k] ? more.of[k] - less.of[k] : 0;
        i256 of = i256_mul_u128(q - less.all, span);
        part[k] = less.of[k] + i256_lo(i256_div_floor(of, wide(more.all - less.all)));
    }
}

// ---- whole lots

struct plan {
    u128 q;
    u128 part[ROUTE_PATHS_MAX]; // by lots path
    u128 pools;                 // what the pools get
    u128 out;
};

// The pools get what the others leave. False when there is less than nothing.
static bool settle(const struct route *r, struct plan *p)
{
    u128 used = 0;
    p->out = 0;
    for (unsigned k = 0; k < r->n_lots; k++) {
        used += p->part[k];
        if (p->part[k])
            p->out += path_out(&r->path[r->lots[k]], p->part[k]);
    }
    if (used > p->q)
        return false;
    p->pools = r->has_pools ? p->q - used : 0;
    if (r->has_pools)
        p->out += r->pools.venue.out(&r->pools.venue, p->pools);
    return true;
}

// What lots path j can have when the other paths and the pools keep theirs.
static bool give_rest(const struct route *r, struct plan *p, unsigned j)
{
    u128 others = p->pools;
    for (unsigned k = 0; k < r->n_lots; k++)
        others += k != j ? p->part[k] : 0;
    if (others - p->pools > p->q)
        return false;
    p->part[j] = others < p->q ? trim(&r->path[r->lots[j]], p->q - others) : 0;
    return true;
}

// One step of lots path i up or down, at the cost or for the good of lots path j, or (j = i) of the pools.
static bool moved(const struct route *r, const struct plan *from, unsigned i, bool up, unsigned j,
                  struct plan *to)
{
    const struct route_path *p = &r->path[r->lots[i]];
    *to = *from;
    if (up && !path_least(p, path_out(p, from->part[i]) + 1, &to->part[i]))
        return false;
    if (!up && from->part[i] == 0)
        return false;
    if (!up)
        to->part[i] = trim(p, from->part[i] - 1);
    if (j != i && !give_rest(r, to, j))
        return false;
    return settle(r, to) && to->out > from->out;
}

static bool improve(const struct route *r, struct plan *p)
{
    struct plan to;
    for (unsigned i = 0; i < r->n_lots; i++)
        for (unsigned j = 0; j < r->n_lots; j++)
            for (int up = 0; up < 2; up++)
                if (moved(r, p, i, up, j, &to)) {
                    *p = to;
                    return true;
                }
    return false;
}

// All into one lots path (k < n_lots), or into the pools: where this is better to begin with.
static void alone(const struct route *r, unsigned k, struct plan *best)
{
    struct plan p = {.q = best->q};
    if (k < r->n_lots)
        p.part[k] = trim(&r->path[r->lots[k]], p.q);
    if (settle(r, &p) && p.out > best->out)
        *best = p;
}

// Among pools the shares' floors can cost more than sharing brings: then one path takes all.
static u128 outdone(const struct route *r, const struct plan *p, u128 part[ROUTE_PATHS_MAX])
{
    u128 best = p->out;
    for (unsigned i = 0; i < r->n; i++) {
        u128 out = path_out(&r->path[i], p->q);
        if (out <= best)
            continue;
        best = out;
        memset(part, 0, ROUTE_PATHS_MAX * sizeof part[0]);
        part[i] = trim(&r->path[i], p->q);
    }
    return best;
}

static void search(const struct route *r, struct plan *p)
{
    if (r->n_lots)
        shares(r, p->q, p->part);
    for (unsigned k = 0; k < r->n_lots; k++)
        p->part[k] = trim(&r->path[r->lots[k]], p->part[k]);
    if (!settle(r, p))
        *p = (struct plan){.q = p->q};
    for (unsigned k = 0; k <= r->n_lots; k++)
        alone(r, k, p);
    for (unsigned n = 0; n < MOVES_MAX && improve(r, p); n++)
        ;
}

u128 route_split(const struct route *r, u128 q, u128 part[ROUTE_PATHS_MAX])
{
    struct plan p = {.q = least(q, EXIT_AMOUNT_MAX)};
    u128 pools[CPMM_PATHS_MAX] = {0};
    if (r->merged) {
        p.out = route_merge_split(r, p.q, p.part, &p.pools);
        alone(r, r->n_lots, &p);
    } else {
        search(r, &p);
    }
    memset(part, 0, ROUTE_PATHS_MAX * sizeof part[0]);
    for (unsigned k = 0; k < r->n_lots; k++)
        part[r->lots[k]] = p.part[k];
    if (r->has_pools)
        cpmm_split(&r->pools, p.pools, pools);
    for (unsigned k = 0; r->has_pools && k < r->pools.n; k++)
        part[r->pools.path[k].tag] = pools[k];
    return outdone(r, &p, part);
}

u128 route_path_out(const struct route *r, unsigned i, u128 q)
{
    return path_out(&r->path[i], q);
}

static u128 venue_out(const struct exit_venue *v, u128 q)
{
    u128 part[ROUTE_PATHS_MAX];
    return route_split((const struct route *)v, q, part);
}

static u128 venue_upto(const struct exit_venue *v, struct exit_rate rate)
{
    struct taken t;
    take((const struct route *)v, rate, &t);
    return least(t.all, EXIT_AMOUNT_MAX);
}

static struct exit_rate hop_best(const struct route_hop *h)
{
    if (h->book)
        return h->book->n ? depth_rate(h->book, 0) : (struct exit_rate){0, 1};
    return exit_rate_near(i256_mul_i64(wide(h->pool.out), h->pool.keep),
                          i256_mul_i64(wide(h->pool.in), h->pool.of));
}

// Prices fall with what is sold, so none is above that of some path's first unit.
static struct exit_rate venue_best(const struct exit_venue *v)
{
    const struct route *r = (const struct route *)v;
    struct exit_rate best = {0, 1};
    for (unsigned i = 0; i < r->n; i++) {
        struct exit_rate one = hop_best(&r->path[i].hop[0]);
        for (unsigned k = 1; k < r->path[i].n && one.out; k++) {
            struct exit_rate next = hop_best(&r->path[i].hop[k]);
            one = next.out ? exit_rate_div(one, (struct exit_rate){next.in, next.out}) : next;
        }
        if ((u128)one.out * best.in > (u128)best.out * one.in)
            best = one;
    }
    return best;
}

// ---- making it

static int check_hop(const struct route_hop *h, unsigned i, unsigned k, struct err *e)
{
    const struct cpmm_pool *p = &h->pool;
    if (h->book)
        return 0; // depth.h has checked it
    if (p->in == 0 || p->out == 0 || p->in > EXIT_AMOUNT_MAX || p->out > EXIT_AMOUNT_MAX)
        return err_set(e, "path %u, pool %u: reserves must be 1 to 2^112 - 1", i, k);
    if (p->keep == 0 || p->keep > p->of || p->of > CPMM_PARTS_MAX || (uint64_t)2 * p->keep < p->of)
        return err_set(e, "path %u, pool %u: the fee must be below half, in parts of at most %d", i, k,
                       CPMM_PARTS_MAX);
    return 0;
}

static const struct depth *book_of(const struct route_path *p)
{
    return p->hop[0].book ? p->hop[0].book : p->n > 1 ? p->hop[1].book : NULL;
}

static int check(const struct route *r, unsigned n, struct err *e)
{
    if (n == 0 || n > ROUTE_PATHS_MAX)
        return err_set(e, "1 to %d paths", ROUTE_PATHS_MAX);
    for (unsigned i = 0; i < n; i++) {
        const struct route_path *p = &r->path[i];
        if (p->n == 0 || p->n > ROUTE_HOPS_MAX)
            return err_set(e, "path %u: 1 to %d hops", i, ROUTE_HOPS_MAX);
        for (unsigned k = 0; k < p->n; k++) {
            if (check_hop(&p->hop[k], i, k, e))
                return -1;
            for (unsigned j = 0; p->hop[k].book && j < i * ROUTE_HOPS_MAX + k; j++)
                if (j % ROUTE_HOPS_MAX < r->path[j / ROUTE_HOPS_MAX].n &&
                    r->path[j / ROUTE_HOPS_MAX].hop[j % ROUTE_HOPS_MAX].book == p->hop[k].book)
                    return err_set(e, "path %u: its book stands in path %u already", i, j / ROUTE_HOPS_MAX);
        }
    }
    return 0;
}

// Units that the hop's rounding and lots cost at most.
static u128 hop_slop(const struct route_hop *h)
{
    return h->book ? h->book->venue.slop : 1;
}

// The same of a path: what is lost between is worth at most the best price of the hop behind.
static u128 path_slop(const struct route_path *p)
{
    u128 slop = hop_slop(&p->hop[0]);
    const struct route_hop *h = &p->hop[1];
    if (p->n == 1 || (h->book && h->book->n == 0))
        return slop;
    struct exit_rate best = hop_best(h);
    i256 lost = exit_div_rate(wide(slop), (struct exit_rate){best.in, best.out});
    return hop_slop(h) + i256_lo(i256_min(lost, wide(EXIT_AMOUNT_MAX))) + 2;
}

int route_set(struct route *r, unsigned n, uint32_t gas, struct err *e)
{
    unsigned pools = 0;
    u128 slop = n; // floors of the shares
    if (check(r, n, e))
        return -1;
    r->n_lots = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct route_path *p = &r->path[i];
        const struct depth *d = book_of(p);
        if (d) {
            depth_rates(d, r->rate[r->n_lots]);
            r->lots[r->n_lots++] = (uint8_t)i;
            slop += path_slop(p);
            continue;
        }
        struct cpmm_path *c = &r->pools.path[pools++];
        c->n = p->n;
        c->tag = (uint8_t)i;
        for (unsigned k = 0; k < p->n; k++)
            c->pool[k] = p->hop[k].pool;
    }
    r->has_pools = pools > 0;
    if (pools > 0 && cpmm_set(&r->pools, pools, gas, e))
        return -1;
    r->n = (uint8_t)n;
    route_merge(r);
    r->venue = (struct exit_venue){.out = venue_out,
                                   .upto = venue_upto,
                                   .best = venue_best,
                                   .gas = gas,
                                   .version = r->venue.version + 1,
                                   .slop = slop + (pools ? r->pools.venue.slop : 0)};
    return 0;
}
