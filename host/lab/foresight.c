// SPDX-License-Identifier: Apache-2.0
// Variances are the marks' own, a step, as in cascade_reduce.c; the chance is breach.h's with a normal
// distribution, prices being looked at once a step.
#include "lab/foresight.h"

#include <stdlib.h>
#include <string.h>

#include "lab/edge.h"
#include "lab/world.h"

enum { MEMORY_STEPS = 16, HORIZONS = 24, NEAR_PPM = 50000, RHO_PPM = 700000, MOVE_BITS = 32 };
static const uint64_t STEP_NS = 1000000000; // a step is the unit of time

struct sight {
    const struct lab_scenario *s;
    const struct book *b;
    const struct cascade_step *steps;
    unsigned assets;
    uint8_t coin[MARKET_ASSETS_MAX]; // of the scenario; SCENARIO_COINS_MAX: none
    int64_t *px;                     // [(steps + 1) * assets]
    uint64_t *vol;                   // [(steps + 1) * SCENARIO_COINS_MAX], breach_vol_q48()
    bool *breached;                  // [steps + 1] of the account that is looked at
    struct lab_case *of;
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

static int add(struct sight *t, double p, bool happened, struct err *e)
{
    if (t->n == t->cap) {
        const size_t cap = t->cap ? 2 * t->cap : 4096;
        struct lab_case *more = realloc(t->of, cap * sizeof *more);
        if (!more)
            return err_set(e, "out of memory for %zu forecasts", cap);
        t->of = more;
        t->cap = cap;
    }
    t->of[t->n++] = (struct lab_case){.p = p, .happened = happened};
    return 0;
}

static int forecast(struct sight *t, const struct account *a, uint32_t at, uint32_t horizon, struct err *e)
{
    static struct edge g;
    struct breach_asset of[BREACH_ASSETS_MAX] = {{0}};
    const struct breach_view v = {.horizon_ns = horizon * STEP_NS, .step_ns = STEP_NS, .rho_ppm = RHO_PPM};
    bool happened = false;
    if (!edge_of(&t->b->market, a, &t->px[(size_t)at * t->assets], &g) || g.ppm > NEAR_PPM ||
        g.form.health <= 0)
        return 0;
    for (unsigned k = 0; k < g.form.n; k++) {
        const unsigned coin = t->coin[g.asset[k]];
        of[k].vol_q48 = coin == SCENARIO_COINS_MAX ? 0 : t->vol[(size_t)at * SCENARIO_COINS_MAX + coin];
    }
    for (uint32_t n = at + 1; n <= at + horizon; n++)
        happened |= t->breached[n];
    return add(t, (double)breach_probability(&g.form, of, &v) / (double)BREACH_CERTAIN, happened, e);
}

static int look(struct sight *t, size_t i, uint32_t horizon, struct err *e)
{
    const struct account *a = &t->b->account[i];
    const bool burst = i >= t->b->n_accounts - t->s->burst_events;
    const uint32_t from = burst && t->s->burst_at > MEMORY_STEPS ? t->s->burst_at : MEMORY_STEPS;
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
    t.px = malloc(n * t.assets * sizeof *t.px);
    t.vol = calloc(n * SCENARIO_COINS_MAX, sizeof *t.vol);
    t.breached = malloc(n * sizeof *t.breached);
    int rc = t.px && t.vol && t.breached ? 0 : err_set(e, "out of memory for %u steps", s->steps);
    if (rc == 0) {
        coins(&t);
        prices(&t, start);
        volatilities(&t);
    }
    for (size_t i = 0; rc == 0 && i < b->n_accounts; i += stride) {
        rc = progress_at(p, "forecasts", i, b->n_accounts, e) ? -1 : look(&t, i, out->horizon, e);
        out->accounts++;
    }
    if (rc == 0)
        lab_score(t.of, t.n, &out->score);
    free(t.px);
    free(t.vol);
    free(t.breached);
    free(t.of);
    return rc;
}
