// SPDX-License-Identifier: Apache-2.0
#include "run/expect.h"

#include "base/wide.h"

enum {
    SECOND_NS = 1000000000,
    MEMORY_S = 60,
    FAST_S = 5,
    LONG_S = 3600,
    TREND_S = 10,
    TREND_SURE = 5, // seconds: half of what a trend's mean counts for, over four for four variances
    MOST_DRIFT_BITS = 56,
    LEAST_MOVE_BITS = 31, // a move counts as at most half
    MS_NS = 1000000,
    FAR_BITS = 30,
};
static const int64_t NO_CHANCE = INT64_MIN / 2;
static const u128 FAR_MOST = (u128)1 << 60, VALUE_MOST = (u128)1 << 61;
// Before anything is known: 56 % a year.
static const uint64_t USUAL_VARIANCE = UINT64_C(184467440737); // 1e-8 a second, in 2^-64

// Squared relative move, 2^-64.
static uint64_t squared(int64_t from, int64_t to)
{
    i128 r = ((i128)to - from) * ((i128)1 << 32) / from;
    i128 most = (i128)1 << LEAST_MOVE_BITS;
    r = r < 0 ? -r : r;
    r = r > most ? most : r;
    return (uint64_t)(r * r);
}

// (was * memory + square / dt * dt) / (memory + dt), at least 1
static uint64_t mixed(uint64_t was, u128 square, uint64_t dt_ns, uint64_t memory_ns)
{
    u128 v = ((u128)was * memory_ns + square * SECOND_NS) / ((u128)memory_ns + dt_ns);
    return v > UINT64_MAX ? UINT64_MAX : v ? (uint64_t)v : 1;
}

// Relative move in 2^-32, at most half.
static int64_t move_of(int64_t from, int64_t to)
{
    const i128 most = (i128)1 << LEAST_MOVE_BITS;
    i128 r = ((i128)to - from) * ((i128)1 << 32) / from;
    return (int64_t)(r > most ? most : r < -most ? -most : r);
}

// What of a mean of moves is more than chance would have it.
static int64_t trend(int64_t mean, uint64_t variance)
{
    const int64_t most = (INT64_C(1) << MOST_DRIFT_BITS) - 1;
    if (mean == 0)
        return 0;
    i128 chance = (i128)(((u128)variance << 64) / ((u128)TREND_SURE * (u128)(mean < 0 ? -(i128)mean : mean)));
    i128 left = (mean < 0 ? -(i128)mean : (i128)mean) - chance;
    left = left < 0 ? 0 : left > most ? most : left;
    return (int64_t)(mean < 0 ? -left : left);
}

static void learn_more(struct expect_more *m, int64_t from, int64_t to, uint64_t dt_ns)
{
    const u128 square = squared(from, to);
    const uint64_t cap = (uint64_t)LONG_S * SECOND_NS, trend_ns = (uint64_t)TREND_S * SECOND_NS;
    uint64_t seen = m->seen_ns + (uint64_t)FAST_S * SECOND_NS;
    m->fast_q64 = mixed(m->fast_q64, square, dt_ns, (uint64_t)FAST_S * SECOND_NS);
    m->long_q64 = mixed(m->long_q64, square, dt_ns, seen < cap ? seen : cap);
    i128 step = (i128)move_of(from, to) * ((i128)1 << 32) * SECOND_NS;
    m->mean_q64 = (int64_t)(((i128)m->mean_q64 * trend_ns + step) / ((i128)trend_ns + dt_ns));
    m->seen_ns += dt_ns < cap ? dt_ns : cap;
    m->seen_ns = m->seen_ns < cap ? m->seen_ns : cap;
    m->asset.vol_q48[OUTLOOK_FAST] = breach_vol_q48(m->fast_q64);
    m->asset.vol_q48[OUTLOOK_LONG] = breach_vol_q48(m->long_q64);
    m->asset.drift_q64 = trend(m->mean_q64, m->fast_q64);
}

static void learn(struct expect *x, unsigned i, int64_t px, uint64_t dt_ns)
{
    uint64_t was = x->variance_q64[i] ? x->variance_q64[i] : USUAL_VARIANCE;
    x->variance_q64[i] = mixed(was, squared(x->px[i], px), dt_ns, (uint64_t)MEMORY_S * SECOND_NS);
    x->vol_q48[i] = breach_vol_q48(x->variance_q64[i]);
    learn_more(&x->more[i], x->px[i], px, dt_ns);
    x->more[i].asset.vol_q48[OUTLOOK_MIDDLE] = x->vol_q48[i];
}

static void begin(struct expect *x, unsigned i)
{
    x->vol_q48[i] = breach_vol_q48(USUAL_VARIANCE);
    x->more[i].fast_q64 = x->more[i].long_q64 = USUAL_VARIANCE;
    for (unsigned k = 0; k < OUTLOOK_MEMORIES; k++)
        x->more[i].asset.vol_q48[k] = x->vol_q48[i];
}

void expect_sample(struct expect *x, const int64_t *px, unsigned n, uint64_t now_ns)
{
    const uint64_t dt = now_ns - x->at_ns;
    if (x->at_ns && (now_ns < x->at_ns || dt < SECOND_NS))
        return;
    for (unsigned i = 0; i < n; i++) {
        if (px[i] <= 0)
            continue;
        if (!x->vol_q48[i])
            begin(x, i);
        if (x->px[i] > 0 && x->at_ns)
            learn(x, i, px[i], dt);
        if (x->px[i] != px[i])
            x->changed_ns[i] = now_ns;
        x->px[i] = px[i];
    }
    x->at_ns = now_ns;
}

void expect_turn(struct expect *x, uint64_t turns, uint64_t rounds)
{
    const uint64_t most = (uint64_t)x->cfg.horizon_ms * MS_NS;
    if (x->at_ns != x->paced_ns) {
        if (x->paced_ns && rounds > x->rounds)
            x->round_ns = (x->at_ns - x->paced_ns) / (rounds - x->rounds);
        x->paced_ns = x->at_ns;
        x->rounds = rounds;
    }
    x->within_ns = x->round_ns && turns < most / x->round_ns ? turns * x->round_ns : 0;
}

uint64_t expect_horizon_ns(const struct expect *x)
{
    return x->within_ns ? x->within_ns : (uint64_t)x->cfg.horizon_ms * MS_NS;
}

static struct breach_view view_of(const struct expect *x)
{
    return (struct breach_view){
        .horizon_ns = expect_horizon_ns(x), .rho_ppm = EXPECT_RHO_PPM, .fit = x->cfg.fit};
}

void expect_look(const struct expect *x, const struct breach_form *f, const uint16_t *asset,
                 const uint16_t *by, struct outlook_look *out)
{
    struct outlook_asset a[BREACH_ASSETS_MAX];
    const struct breach_view v = view_of(x);
    for (unsigned i = 0; i < f->n; i++)
        a[i] = x->more[by ? by[asset[i]] : asset[i]].asset;
    outlook_look(f, a, &v, out);
}

uint64_t expect_form(const struct expect *x, const struct breach_form *f, const uint16_t *asset,
                     const uint16_t *by)
{
    struct breach_asset a[BREACH_ASSETS_MAX] = {{0}};
    const struct breach_view v = view_of(x);
    struct outlook_look l;
    if (!outlook_plain(&x->cfg.outlook)) {
        expect_look(x, f, asset, by, &l);
        return outlook_probability(&l, v.horizon_ns, &v.fit, &x->cfg.outlook);
    }
    for (unsigned i = 0; i < f->n; i++)
        a[i].vol_q48 = x->vol_q48[by ? by[asset[i]] : asset[i]];
    return breach_probability(f, a, &v);
}

void expect_row(const struct row *r, int64_t h, const uint64_t *phat, struct breach_form *f, uint16_t *asset)
{
    *f = (struct breach_form){.health = h, .n = r->n};
    for (unsigned i = 0; i < r->n; i++) {
        f->exposure[i] = r->coef[i] * (int64_t)phat[r->asset[i]]; // 26 bits by 34
        asset[i] = r->asset[i];
    }
}

uint64_t expect_breach(const struct expect *x, const struct row *r, int64_t h, const uint64_t *phat)
{
    struct breach_form f;
    uint16_t asset[BREACH_ASSETS_MAX];
    expect_row(r, h, phat, &f, asset);
    return expect_form(x, &f, asset, NULL);
}

int64_t expect_value(const struct expect *x, const struct row *r, int64_t h, const uint64_t *phat,
                     uint64_t probability, int64_t reward, int64_t cost)
{
    u128 gross = 0;
    if (probability || x->cfg.by == EXPECT_BY_HORIZON) {
        int64_t v = breach_value(probability, reward, cost);
        return v > INT64_MIN ? v : INT64_MIN + 1;
    }
    for (unsigned i = 0; i < r->n; i++)
        gross += (u128)(r->coef[i] < 0 ? -(i128)r->coef[i] : r->coef[i]) * phat[r->asset[i]];
    u128 far = 1 + (h > 0 ? ((u128)h << FAR_BITS) / (gross ? gross : 1) : 0);
    if (far > FAR_MOST || reward <= 0)
        return NO_CHANCE;
    u128 v = ((u128)reward << FAR_BITS) / (far * far);
    return NO_CHANCE + (v > VALUE_MOST ? (int64_t)VALUE_MOST : (int64_t)v);
}
