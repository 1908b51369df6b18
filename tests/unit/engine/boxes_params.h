// SPDX-License-Identifier: Apache-2.0
// Parameters of the toy rules' instruments change between prices, by little or by much.
#ifndef TRIPLINE_TEST_BOXES_PARAMS_H
#define TRIPLINE_TEST_BOXES_PARAMS_H

#include "engine/boxes_rig.h"

enum { PARAM_LEAST = 300000, PARAM_MOST = 8000000 };

// The engine is told that the marked instruments are as the market has them, and reports what breaches by it.
static inline void params_tell(struct rig *r, const struct market *was, const uint16_t *asset, size_t n)
{
    struct err e = {{0}};
    memcpy(r->was, r->breach, r->cfg.accounts);
    for (size_t k = 0; k < n; k++)
        for (uint32_t h = 0; h < r->n_holders[asset[k]]; h++)
            rig_restate(r, r->side[r->holder[asset[k]][h]].account);
    for (uint32_t i = 0; i < r->cfg.accounts; i++)
        r->firsts += r->breach[i] & !r->was[i];
    rig_expect(r);
    must(engine_market_changed(r->g, was, asset, n, &e) == 0, "parameters: %s", e.msg);
    rig_same_set(r, "parameters");
    for (size_t k = 0; k < n; k++)
        rig_inside(r, asset[k]);
}

static inline uint32_t params_step(struct rig *r, uint32_t w, int64_t ppm)
{
    int64_t x = w + w * prng_between(&r->rng, -ppm, ppm) / 1000000 + prng_between(&r->rng, -1, 1);
    return (uint32_t)(x < PARAM_LEAST ? PARAM_LEAST : x > PARAM_MOST ? PARAM_MOST : x);
}

// One to three assets; mostly against their holders, by a hair, by percents, or by more than a bound is for.
static inline void params_change(struct rig *r)
{
    static struct market was;
    struct market *m = &r->book.market;
    struct prng *p = &r->rng;
    uint16_t asset[3];
    size_t n = 0, want = prng_chance(p, 1, 4) ? 3 : 1;
    int64_t ppm = prng_chance(p, 3, 4) ? 1 : prng_chance(p, 9, 10) ? 20000 : 700000;
    was = *m;
    for (size_t k = 0; k < want; k++) {
        uint16_t a = (uint16_t)prng_below(p, r->cfg.assets);
        struct instrument *in = &m->instrument[a];
        bool listed = false;
        for (size_t i = 0; i < n; i++)
            listed |= asset[i] == a;
        if (listed)
            continue;
        in->lt_bps = params_step(r, in->lt_bps, ppm);
        in->lb_bps = params_step(r, in->lb_bps, ppm);
        in->fee_bps = prng_chance(p, 1, 12) ? (uint32_t)prng_between(p, 1, 2) : 0;
        asset[n++] = a;
    }
    params_tell(r, prng_chance(p, 1, 40) ? NULL : &was, asset, n);
}

#endif
