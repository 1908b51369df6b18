// SPDX-License-Identifier: Apache-2.0
// Variances are the marks' own, a step, as in cascade_reduce.c; the chance is breach.h's with a normal
// distribution, prices being looked at once a step. On the way to an account's edge the price meets those
// that are nearer to theirs: what they sell (short: buy) moves it along the coin's depth, from what has been
// sold so far. Two passes: who is near and how much he holds; then the forecasts, with that impact and
// without.
#include "lab/foresight.h"

#include <stdlib.h>
#include <string.h>

#include "econ/margin.h"
#include "lab/edge.h"
#include "lab/world.h"

enum { MEMORY_STEPS = 16, HORIZONS = 24, NEAR_PPM = 50000, RHO_PPM = 700000, MOVE_BITS = 32 };
enum { NEARS = 50, SIDES = 2, PPM = 1000000 }; // of sold: a thousandth of the way each; long, short
static const uint64_t STEP_NS = 1000000000;    // a step is the unit of time

struct sight {
    const struct lab_scenario *s;
    const struct book *b;
    const struct cascade_step *steps;
    unsigned assets;
    uint8_t coin[MARKET_ASSETS_MAX]; // of the scenario; SCENARIO_COINS_MAX: none
    int64_t *px;                     // [(steps + 1) * assets]
    uint64_t *vol;                   // [(steps + 1) * SCENARIO_COINS_MAX], breach_vol_q48()
    bool *breached;                  // [steps + 1] of the account that is looked at
    double *sold; // [moments][SCENARIO_COINS_MAX][SIDES][NEARS] of those so near, money at the start price
    double share; // of an account that its first order sells, times accounts for each that is looked at
    const int64_t *start;
    uint32_t horizon;
    bool counting;                 // the first pass
    struct lab_case *of, *pressed; // [n]; with impact
    size_t n, cap;
};

static void coins(struct sight *t)
{
    const struct market *m = &t->b->market;
    for (unsigned i = 0; i < t->assets; i++) {
        const unsigned a = m->asset[i].kind == ASSET_RECIPROCAL ? m->asset[i].base : i;
        t->coin[i] = SCENARIO_COINS_MAX;
        for (unsigned k = 0; k < t->s->n_coins; k++)
            for (unsigned j = 0; j < t->s->coin[k].n; j++)
                if (strcmp(t->s->coin[k].asset[j], m->asset[a].name) == 0 ||
                    strcmp(t->s->coin[k].asset[j], m->asset[a].source) == 0)
                    t->coin[i] = (uint8_t)k;
    }
}

static void prices(struct sight *t, const int64_t *start)
{
    for (uint32_t n = 0; n <= t->s->steps; n++) {
        int64_t *px = &t->px[(size_t)n * t->assets];
        for (unsigned i = 0; i < t->assets; i++) {
            const unsigned k = t->coin[i];
            i128 v =
                k == SCENARIO_COINS_MAX ? start[i] : (i128)start[i] * t->steps[n].mark[k] / SCENARIO_FACTOR;
            px[i] = v < 1 ? 1 : v > INT64_MAX ? INT64_MAX : (int64_t)v;
        }
        world_reciprocals(&t->b->market, px);
    }
}

// Mean of the squared relative moves of about so many steps up to each.
static void volatilities(struct sight *t)
{
    for (unsigned k = 0; k < t->s->n_coins; k++) {
        uint64_t variance = 0;
        for (uint32_t n = 1; n <= t->s->steps; n++) {
            const i128 most = (i128)1 << (MOVE_BITS - 1);
            const int64_t from = t->steps[n - 1].mark[k];
            const u128 memory = n - 1 < MEMORY_STEPS ? n - 1 : MEMORY_STEPS;
            i128 move = from > 0 ? ((i128)t->steps[n].mark[k] - from) * ((i128)1 << MOVE_BITS) / from : 0;
            move = move > most ? most : move < -most ? -most : move;
            variance = (uint64_t)((variance * memory + (u128)(move * move)) / (memory + 1));
            t->vol[(size_t)n * SCENARIO_COINS_MAX + k] = breach_vol_q48(variance);
        }
    }
}

static int more(struct lab_case **of, size_t cap, struct err *e)
{
    struct lab_case *grown = realloc(*of, cap * sizeof *grown);
    if (!grown)
        return err_set(e, "out of memory for %zu forecasts", cap);
    *of = grown;
    return 0;
}

static int add(struct sight *t, double p, double pressed, bool happened, struct err *e)
{
    if (t->n == t->cap) {
        const size_t cap = t->cap ? 2 * t->cap : 4096;
        if (more(&t->of, cap, e) != 0 || more(&t->pressed, cap, e) != 0)
            return -1;
        t->cap = cap;
    }
    t->of[t->n] = (struct lab_case){.p = p, .happened = happened};
    t->pressed[t->n++] = (struct lab_case){.p = pressed, .happened = happened};
    return 0;
}

static double *sold_at(struct sight *t, uint32_t at, unsigned coin, unsigned side)
{
    return &t->sold[(((size_t)at / t->horizon * SCENARIO_COINS_MAX + coin) * SIDES + side) * NEARS];
}

static unsigned nearness(const struct edge *g)
{
    return g->ppm < NEAR_PPM ? g->ppm / (NEAR_PPM / NEARS) : NEARS - 1;
}

// Of each coin what the account would lose by its fall: 0, by its rise: 1.
static void sides(const struct sight *t, const struct edge *g, unsigned side[SCENARIO_COINS_MAX + 1])
{
    double e[SCENARIO_COINS_MAX + 1] = {0};
    for (unsigned k = 0; k < g->form.n; k++)
        e[t->coin[g->asset[k]]] += (double)g->form.exposure[k];
    for (unsigned k = 0; k <= SCENARIO_COINS_MAX; k++)
        side[k] = e[k] < 0;
}

// What it holds of each coin; an inverse contract's size is of the first.
static void count(struct sight *t, const struct account *a, uint32_t at, const struct edge *g)
{
    struct worth w;
    unsigned side[SCENARIO_COINS_MAX + 1];
    sides(t, g, side);
    account_worth(&t->b->market, a, &w);
    for (unsigned k = 0; k < w.n; k++) {
        const unsigned coin = t->coin[w.asset[k]];
        if (coin == SCENARIO_COINS_MAX)
            continue;
        const double v = w.value[k] * (double)t->start[w.asset[k]] + (k == 0 ? w.value0 : 0);
        sold_at(t, at, coin, side[coin])[nearness(g)] += v * t->share;
    }
}

static uint32_t impact(struct sight *t, uint32_t at, unsigned coin, unsigned side, unsigned near)
{
    const struct depth_curve *d = &t->s->coin[coin].depth;
    const i128 net = t->steps[at].net[coin];
    const double *sold = sold_at(t, at, coin, side);
    double sum = 0;
    if (curve_endless(d))
        return 0;
    for (unsigned k = 0; k < near; k++)
        sum += sold[k];
    i128 q = sum < 1e20 ? (i128)(sum * (double)SCENARIO_MONEY) : (i128)1 << 90;
    const i128 to = side ? econ_max(net - q, -curve_room(d, false)) : econ_min(net + q, curve_room(d, true));
    const int64_t from = curve_price_at(d, net), by = (int64_t)curve_price_at(d, to) - from;
    return (uint32_t)((by < 0 ? -by : by) * PPM / from);
}

static double chance(const struct edge *g, const struct breach_asset *of, const struct breach_view *v)
{
    return (double)breach_probability(&g->form, of, v) / (double)BREACH_CERTAIN;
}

static int forecast(struct sight *t, const struct account *a, uint32_t at, uint32_t horizon, struct err *e)
{
    static struct edge g;
    struct breach_asset of[BREACH_ASSETS_MAX] = {{0}};
    const struct breach_view v = {.horizon_ns = horizon * STEP_NS, .step_ns = STEP_NS, .rho_ppm = RHO_PPM};
    unsigned side[SCENARIO_COINS_MAX + 1];
    bool happened = false;
    if (!edge_of(&t->b->market, a, &t->px[(size_t)at * t->assets], &g) || g.ppm > NEAR_PPM ||
        g.form.health <= 0)
        return 0;
    if (t->counting) {
        count(t, a, at, &g);
        return 0;
    }
    sides(t, &g, side);
    for (unsigned k = 0; k < g.form.n; k++) {
        const unsigned coin = t->coin[g.asset[k]];
        of[k].vol_q48 = coin == SCENARIO_COINS_MAX ? 0 : t->vol[(size_t)at * SCENARIO_COINS_MAX + coin];
    }
    const double plain = chance(&g, of, &v);
    for (unsigned k = 0; k < g.form.n; k++) {
        const unsigned coin = t->coin[g.asset[k]];
        of[k].impact_ppm = coin == SCENARIO_COINS_MAX ? 0 : impact(t, at, coin, side[coin], nearness(&g));
    }
    for (uint32_t n = at + 1; n <= at + horizon; n++)
        happened |= t->breached[n];
    return add(t, plain, chance(&g, of, &v), happened, e);
}

static int look(struct sight *t, size_t i, uint32_t horizon, struct err *e)
{
    const struct account *a = &t->b->account[i];
    const bool burst = i >= t->b->n_accounts - t->s->burst_events;
    uint32_t from = MEMORY_STEPS;
    while (burst && from < t->s->burst_at)
        from += horizon;
    for (uint32_t n = 0; n <= t->s->steps; n++) {
        struct health h;
        a->rule->health(&t->b->market, a, &t->px[(size_t)n * t->assets], &h);
        t->breached[n] = h.liquidatable;
    }
    for (uint32_t at = from; at + horizon <= t->s->steps; at += horizon)
        if (!t->breached[at] && forecast(t, a, at, horizon, e) != 0)
            return -1;
    return 0;
}

int foresight_make(const struct lab_scenario *s, const struct book *b, const int64_t *start,
                   const struct cascade_step *steps, const struct progress *p, struct foresight *out,
                   struct err *e)
{
    const size_t n = (size_t)s->steps + 1;
    struct sight t = {.s = s, .b = b, .steps = steps, .assets = b->market.n_assets};
    const size_t stride = b->n_accounts / FORESIGHT_ACCOUNTS + 1;
    memset(out, 0, sizeof *out);
    out->horizon = s->steps < HORIZONS ? 1 : s->steps / HORIZONS;
    t.start = start;
    t.horizon = out->horizon;
    const bool part = s->policy == POLICY_CLOSE_FACTOR || s->policy == POLICY_STAGED;
    t.share = (double)stride * (part ? (double)s->close_ppm / PPM : 1);
    t.sold = calloc((n / t.horizon + 1) * SCENARIO_COINS_MAX * SIDES * NEARS, sizeof *t.sold);
    t.px = malloc(n * t.assets * sizeof *t.px);
    t.vol = calloc(n * SCENARIO_COINS_MAX, sizeof *t.vol);
    t.breached = malloc(n * sizeof *t.breached);
    int rc = t.sold && t.px && t.vol && t.breached ? 0 : err_set(e, "out of memory for %u steps", s->steps);
    if (rc == 0) {
        coins(&t);
        prices(&t, start);
        volatilities(&t);
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        t.counting = pass == 0;
        for (size_t i = 0; rc == 0 && i < b->n_accounts; i += stride) {
            rc = progress_at(p, t.counting ? "who is near" : "forecasts", i, b->n_accounts, e)
                     ? -1
                     : look(&t, i, out->horizon, e);
            out->accounts += !t.counting;
        }
    }
    if (rc == 0) {
        lab_score(t.of, t.n, &out->score);
        lab_score(t.pressed, t.n, &out->pressed);
    }
    free(t.sold);
    free(t.px);
    free(t.vol);
    free(t.breached);
    free(t.of);
    free(t.pressed);
    return rc;
}
