// SPDX-License-Identifier: Apache-2.0
// Sharing a sale: path i gives o_i q / (x_i + q), so its next unit gives o_i x_i / (x_i + q)^2. Equal prices
// everywhere: x_i + q_i = sqrt(o_i x_i) t, and the q_i sum to q for t = (q + sum x) / sum sqrt(o x), over
// the paths whose q_i is positive: those of the best prices at 0, a prefix of the order.
#include "exec/exit/cpmm.h"

#include <string.h>

static i256 wide(u128 v)
{
    return i256_from_u128(v);
}

u128 cpmm_out(const struct cpmm_pool *p, u128 in)
{
    i256 paid = i256_mul_i64(wide(in), p->keep);
    i256 all = i256_add(i256_mul_i64(wide(p->in), p->of), paid);
    return i256_lo(i256_div_floor(i256_mul(paid, wide(p->out)), all));
}

// What has to be paid in for `out`, as a fraction.
static i256 price_of(const struct cpmm_pool *p, u128 out, i256 *den)
{
    *den = i256_mul_i64(wide(p->out - out), p->keep);
    return i256_mul(i256_mul_u128(p->in, out), i256_from_i64(p->of));
}

u128 cpmm_in(const struct cpmm_pool *p, u128 out)
{
    i256 den, num = price_of(p, out, &den);
    return i256_lo(i256_div_floor(num, den)) + 1;
}

bool cpmm_least(const struct cpmm_pool *p, u128 out, u128 *in)
{
    if (out >= p->out)
        return false;
    // floor(y O / (X + y)) >= out exactly where y >= out X / (O - out)
    i256 den, num = price_of(p, out, &den), need = i256_div_ceil(num, den);
    if (i256_cmp(need, wide(EXIT_AMOUNT_MAX)) > 0)
        return false;
    *in = i256_lo(need);
    return true;
}

static u128 path_out(const struct cpmm_path *p, u128 q)
{
    q = q < p->most ? q : p->most;
    for (unsigned i = 0; i < p->n; i++)
        q = cpmm_out(&p->pool[i], q);
    return q;
}

// The least quantity for which path_out gives `out`; false when none does.
static bool path_in(const struct cpmm_path *p, u128 out, u128 *q)
{
    for (unsigned i = p->n; i-- > 0;)
        if (!cpmm_least(&p->pool[i], out, &out))
            return false;
    *q = out;
    return out <= p->most;
}

// Virtual reserves of pools [from, n) of a path.
static void reserves(const struct cpmm_path *p, unsigned from, u128 *o, u128 *x)
{
    *o = *x = 0;
    for (unsigned i = from; i < p->n; i++) {
        const struct cpmm_pool *k = &p->pool[i];
        u128 oi = k->out << CPMM_FRACTION;
        u128 xi = i256_lo(i256_div_floor(i256_shl(i256_mul_i64(wide(k->in), k->of), CPMM_FRACTION),
                                         i256_from_i64(k->keep)));
        if (i == from) {
            *o = oi;
            *x = xi;
            continue;
        }
        // o2 f / (x2 + f) of f = o1 q / (x1 + q)
        i256 den = wide(xi + *o);
        *x = i256_lo(i256_div_floor(i256_mul_u128(*x, xi), den));
        *o = i256_lo(i256_div_floor(i256_mul_u128(*o, oi), den));
    }
    *o += *o == 0;
    *x += *x == 0;
}

// More than what the floors of a path can cost: one unit at the end, and each unit lost between two pools at
// the best price of those behind.
static u128 path_slop(const struct cpmm_path *p)
{
    u128 slop = 1;
    for (unsigned i = 1; i < p->n; i++) {
        u128 o, x;
        reserves(p, i, &o, &x);
        slop += o / x + 2;
    }
    return slop;
}

static int check_path(const struct cpmm_path *p, unsigned i, struct err *e)
{
    if (p->n == 0 || p->n > CPMM_HOPS_MAX)
        return err_set(e, "path %u: 1 to %d pools", i, CPMM_HOPS_MAX);
    for (unsigned k = 0; k < p->n; k++) {
        const struct cpmm_pool *l = &p->pool[k];
        if (l->in == 0 || l->out == 0 || l->in > EXIT_AMOUNT_MAX || l->out > EXIT_AMOUNT_MAX)
            return err_set(e, "path %u, pool %u: reserves must be 1 to 2^112 - 1", i, k);
        if (l->keep == 0 || l->keep > l->of || l->of > CPMM_PARTS_MAX || (uint64_t)2 * l->keep < l->of)
            return err_set(e, "path %u, pool %u: the fee must be below half, in parts of at most %d", i, k,
                           CPMM_PARTS_MAX);
        // Uniswap V2 keeps a reserve in 112 bits and reverts beyond.
        if (k > 0 && p->pool[k - 1].out > EXIT_AMOUNT_MAX - l->in)
            return err_set(e, "path %u, pool %u: what the pool before holds does not fit", i, k);
    }
    return 0;
}

static bool better(const struct cpmm_path *a, const struct cpmm_path *b) // o_a / x_a > o_b / x_b
{
    return i256_cmp(i256_mul_u128(a->o, b->x), i256_mul_u128(b->o, a->x)) > 0;
}

static u128 venue_out(const struct exit_venue *v, u128 q)
{
    const struct cpmm *c = (const struct cpmm *)v;
    u128 part[CPMM_PATHS_MAX];
    return c->n == 1 ? path_out(&c->path[0], q) : cpmm_split(c, q, part);
}

// The last q of one pool at which the real price keep of in out / (of in + keep q)^2 is at least the rate.
u128 cpmm_upto(const struct cpmm_pool *p, struct exit_rate rate)
{
    i256 k = i256_mul_i64(i256_mul_u128(p->in, p->out), (int64_t)p->keep * p->of);
    i256 room = i256_sub(wide(exit_root(exit_div_rate(k, rate))), i256_mul_i64(wide(p->in), p->of));
    return i256_sign(room) > 0 ? i256_lo(i256_div_floor(room, i256_from_i64(p->keep))) : 0;
}

// The same of a path by its virtual reserves: (x + q)^2 = o x / rate.
static u128 path_upto(const struct cpmm_path *p, struct exit_rate rate)
{
    if (p->n == 1)
        return cpmm_upto(&p->pool[0], rate);
    u128 y = exit_root(exit_div_rate(i256_mul_u128(p->o, p->x), rate));
    return y > p->x ? (y - p->x) >> CPMM_FRACTION : 0;
}

static u128 venue_upto(const struct exit_venue *v, struct exit_rate rate)
{
    const struct cpmm *c = (const struct cpmm *)v;
    u128 sum = 0;
    for (unsigned i = 0; i < c->n; i++) {
        const struct cpmm_path *p = &c->path[i];
        u128 q = path_upto(p, rate);
        sum += q < p->most ? q : p->most;
    }
    return sum < EXIT_AMOUNT_MAX ? sum : EXIT_AMOUNT_MAX;
}

int cpmm_set(struct cpmm *c, unsigned n, uint32_t gas, struct err *e)
{
    if (n == 0 || n > CPMM_PATHS_MAX)
        return err_set(e, "1 to %d paths", CPMM_PATHS_MAX);
    u128 slop = n > 1 ? 1 : 0; // the shares themselves are whole units
    for (unsigned i = 0; i < n; i++)
        if (check_path(&c->path[i], i, e))
            return -1;
    for (unsigned i = 0; i < n; i++) {
        struct cpmm_path p = c->path[i];
        reserves(&p, 0, &p.o, &p.x);
        p.root = exit_root(i256_mul_u128(p.o, p.x));
        p.most = EXIT_AMOUNT_MAX - p.pool[0].in;
        slop += path_slop(&p);
        unsigned at = i;
        for (; at > 0 && better(&p, &c->path[at - 1]); at--)
            c->path[at] = c->path[at - 1];
        c->path[at] = p;
    }
    c->n = (uint8_t)n;
    c->venue = (struct exit_venue){
        .out = venue_out, .upto = venue_upto, .gas = gas, .version = c->venue.version + 1, .slop = slop};
    return 0;
}

// Of the paths that get something of q: how many, t = *all / *sum.
static unsigned using(const struct cpmm *c, u128 q, i256 *all, i256 *sum)
{
    i256 goal = i256_shl(wide(q), CPMM_FRACTION), roots = I256_ZERO;
    unsigned used = 0;
    while (used < c->n) { // one more as long as it would get something: root goal > x roots
        const struct cpmm_path *p = &c->path[used];
        i256 g = i256_add(goal, wide(p->x)), r = i256_add(roots, wide(p->root));
        if (i256_cmp(i256_mul(wide(p->root), g), i256_mul(wide(p->x), r)) <= 0)
            break;
        goal = g;
        roots = r;
        used++;
    }
    *all = goal;
    *sum = roots;
    return used;
}

bool cpmm_pays(const struct cpmm *c, u128 q, struct exit_rate rate)
{
    enum { BITS = 94 }; // of each, so that a square of it times a side of the rate fits
    i256 goal, roots;
    const struct cpmm_path *p = &c->path[0];
    if (using(c, q, &goal, &roots) == 0) { // q = 0: the best path's first unit
        goal = wide(p->x);
        roots = wide(p->root);
    }
    unsigned a = i256_bits(goal), b = i256_bits(roots), bits = a > b ? a : b;
    unsigned cut = bits > BITS ? bits - BITS : 0;
    u128 g = i256_lo(i256_sar(goal, cut)), s = i256_lo(i256_sar(roots, cut));
    return i256_cmp(i256_mul(i256_mul_u128(s, s), i256_from_u128(rate.in)),
                    i256_mul(i256_mul_u128(g, g), i256_from_u128(rate.out))) >= 0;
}

// Shares in real numbers, rounded down.
static void shares(const struct cpmm *c, u128 q, u128 part[CPMM_PATHS_MAX])
{
    i256 goal, roots;
    unsigned used = using(c, q, &goal, &roots);
    for (unsigned i = 0; i < used; i++) {
        const struct cpmm_path *p = &c->path[i];
        i256 share = i256_sub(i256_div_floor(i256_mul(wide(p->root), goal), roots), wide(p->x));
        u128 s = i256_sign(share) > 0 ? i256_lo(share) >> CPMM_FRACTION : 0;
        part[i] = s < p->most ? s : p->most;
    }
}

// Shares while they are improved: units put into each path and got out of it, and units still to be spent.
struct deal {
    u128 part[CPMM_PATHS_MAX], out[CPMM_PATHS_MAX], left;
};

// The next unit of a path's output: the input that takes, and all that comes with it. gain 0: not to be had.
struct step {
    u128 extra, gain;
};

static struct step next_step(const struct cpmm_path *p, u128 part, u128 out, u128 left)
{
    u128 need;
    if (!path_in(p, out + 1, &need) || need - part > left)
        return (struct step){0, 0};
    return (struct step){need - part, path_out(p, need) - out};
}

// Spends what is left where it gives most. The floors leave at most a unit or two a path to be had, so that
// many rounds are enough.
static void spend(const struct cpmm *c, struct deal *d)
{
    struct step step[CPMM_PATHS_MAX];
    for (unsigned i = 0; i < c->n; i++)
        step[i] = next_step(&c->path[i], d->part[i], d->out[i], d->left);
    for (unsigned round = 0; round < 4u * c->n; round++) {
        unsigned best = c->n;
        for (unsigned i = 0; i < c->n; i++) {
            if (step[i].gain == 0 || step[i].extra > d->left)
                continue;
            if (best == c->n || i256_cmp(i256_mul_u128(step[i].gain, step[best].extra),
                                         i256_mul_u128(step[best].gain, step[i].extra)) > 0)
                best = i;
        }
        if (best == c->n)
            break;
        d->part[best] += step[best].extra;
        d->out[best] += step[best].gain;
        d->left -= step[best].extra;
        step[best] = next_step(&c->path[best], d->part[best], d->out[best], d->left);
    }
}

u128 cpmm_split(const struct cpmm *c, u128 q, u128 part[CPMM_PATHS_MAX])
{
    struct deal d = {.left = q < EXIT_AMOUNT_MAX ? q : EXIT_AMOUNT_MAX};
    shares(c, d.left, d.part);
    for (unsigned i = 0; i < c->n; i++) { // what a path cannot turn into a unit comes back
        d.out[i] = path_out(&c->path[i], d.part[i]);
        if (!path_in(&c->path[i], d.out[i], &d.part[i]))
            d.part[i] = 0; // cannot be: out[i] came from it
        d.left -= d.part[i];
    }
    spend(c, &d);
    u128 sum = 0;
    for (unsigned i = 0; i < c->n; i++)
        sum += d.out[i];
    memcpy(part, d.part, sizeof d.part);
    return sum;
}
