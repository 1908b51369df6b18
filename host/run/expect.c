// SPDX-License-Identifier: Apache-2.0
#include "run/expect.h"

#include "base/wide.h"

enum {
    SECOND_NS = 1000000000,
    MEMORY_S = 60,
    LEAST_MOVE_BITS = 31, // a move counts as at most half
    MS_NS = 1000000,
};
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

static void learn(struct expect *x, unsigned i, int64_t px, uint64_t dt_ns)
{
    uint64_t was = x->variance_q64[i] ? x->variance_q64[i] : USUAL_VARIANCE;
    const u128 all = (u128)dt_ns + (u128)MEMORY_S * SECOND_NS;
    // (was * memory + move^2 / dt * dt) / (memory + dt)
    u128 v = ((u128)was * ((u128)MEMORY_S * SECOND_NS) + (u128)squared(x->px[i], px) * SECOND_NS) / all;
    x->variance_q64[i] = v > UINT64_MAX ? UINT64_MAX : v ? (uint64_t)v : 1;
    x->vol_q48[i] = breach_vol_q48(x->variance_q64[i]);
}

void expect_sample(struct expect *x, const int64_t *px, unsigned n, uint64_t now_ns)
{
    const uint64_t dt = now_ns - x->at_ns;
    if (x->at_ns && (now_ns < x->at_ns || dt < SECOND_NS))
        return;
    for (unsigned i = 0; i < n; i++) {
        if (px[i] <= 0)
            continue;
        if (x->px[i] > 0 && x->at_ns)
            learn(x, i, px[i], dt);
        else if (!x->vol_q48[i])
            x->vol_q48[i] = breach_vol_q48(USUAL_VARIANCE);
        x->px[i] = px[i];
    }
    x->at_ns = now_ns;
}

uint64_t expect_breach(const struct expect *x, const struct row *r, int64_t h, const uint64_t *phat)
{
    struct breach_form f = {.health = h, .n = r->n};
    struct breach_asset a[BREACH_ASSETS_MAX] = {{0}};
    const struct breach_view v = {
        .horizon_ns = (uint64_t)x->cfg.horizon_ms * MS_NS, .rho_ppm = EXPECT_RHO_PPM, .fit = x->cfg.fit};
    for (unsigned i = 0; i < r->n; i++) {
        f.exposure[i] = r->coef[i] * (int64_t)phat[r->asset[i]]; // 26 bits by 34
        a[i].vol_q48 = x->vol_q48[r->asset[i]];
    }
    return breach_probability(&f, a, &v);
}
