// SPDX-License-Identifier: Apache-2.0
// Which price an oracle may tell next.
#include "base/wide.h"
#include "risk/breach.h"

enum { PPM = 1000000 };

// The chance that the market touches `edge`, and how far it is. Over the small way to a threshold the price
// itself, not its logarithm, is taken as the Brownian motion.
static uint64_t touches(const struct breach_feed *f, const struct breach_view *v, int64_t edge, bool above,
                        int64_t *distance)
{
    const struct breach_asset a = {.vol_q48 = f->vol_q48};
    struct breach_form one = {.n = 1, .exposure = {f->market}};
    one.health = above ? edge - f->market : f->market - edge;
    struct breach_view always = *v;
    always.rho_q30 = NULL;
    *distance = breach_distance(&one, &a, &always, NULL);
    return breach_probability_at(*distance, 0, &v->fit);
}

static void put(struct breach_candidate *out, unsigned *n, struct breach_candidate c)
{
    unsigned at = *n;
    if (c.probability == 0)
        return;
    for (; at > 0 && out[at - 1].probability < c.probability; at--)
        out[at] = out[at - 1];
    out[at] = c;
    ++*n;
}

static uint64_t share(uint64_t of, uint64_t p)
{
    return (uint64_t)(((u128)of * p) >> 32);
}

// Both edges, of what remains; returns what remains then.
static uint64_t deviations(const struct breach_feed *f, const struct breach_view *v, uint64_t rest,
                           struct breach_candidate *out, unsigned *n)
{
    int64_t by = (int64_t)((i128)f->told * f->deviation_ppm / PPM), edge[2], distance[2];
    uint64_t p[2], both, left = rest;
    if (f->deviation_ppm == 0 || f->told > INT64_MAX - by)
        return rest;
    edge[0] = f->told - by;
    edge[1] = f->told + by;
    for (unsigned i = 0; i < 2; i++)
        p[i] = touches(f, v, edge[i], i == 1, &distance[i]);
    both = p[0] + p[1];
    for (unsigned i = 0; i < 2; i++) {
        uint64_t q = both > BREACH_CERTAIN ? (uint64_t)(((u128)p[i] << 32) / both) : p[i];
        bool past = i ? f->market >= edge[1] : f->market <= edge[0];
        q = share(rest, q);
        put(out, n, (struct breach_candidate){past ? f->market : edge[i], q, distance[i], BREACH_DEVIATION});
        left -= q;
    }
    return left;
}

unsigned breach_candidates(const struct breach_feed *f, const struct breach_view *v,
                           struct breach_candidate out[BREACH_CANDIDATES_MAX])
{
    unsigned n = 0;
    uint64_t rest = BREACH_CERTAIN;
    if (f->visible > 0) {
        uint64_t p = f->visible_q32 < BREACH_CERTAIN ? f->visible_q32 : BREACH_CERTAIN;
        put(out, &n, (struct breach_candidate){f->visible, p, 0, BREACH_VISIBLE});
        rest -= p;
    }
    rest = deviations(f, v, rest, out, &n);
    if (f->due_in_ns <= v->horizon_ns)
        put(out, &n, (struct breach_candidate){f->market, rest, 0, BREACH_DUE});
    return n;
}

// The exposure is what it gains when the price doubles.
int64_t breach_at_price(const struct breach_form *f, uint32_t which, int64_t told, int64_t price)
{
    i128 gain = (i128)f->exposure[which] * (price - told);
    i128 h = f->health + (gain >= 0 ? gain / told : -((-gain + told - 1) / told));
    return h > INT64_MAX ? INT64_MAX : h < INT64_MIN ? INT64_MIN : (int64_t)h;
}

uint64_t breach_with_candidates(const struct breach_form *f, const struct breach_asset *a,
                                const struct breach_view *v, uint32_t which, int64_t told,
                                const struct breach_candidate *c, unsigned n)
{
    u128 p = 0;
    uint64_t rest = BREACH_CERTAIN;
    if (f->health <= 0)
        return BREACH_CERTAIN;
    for (unsigned i = 0; i < n; i++) {
        struct breach_form at = *f;
        at.health = breach_at_price(f, which, told, c[i].price);
        p += (u128)c[i].probability * breach_probability(&at, a, v);
        rest -= c[i].probability;
    }
    p += (u128)rest * breach_probability(f, a, v);
    return (uint64_t)(p >> 32);
}
