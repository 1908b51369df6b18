// SPDX-License-Identifier: Apache-2.0
// New parameters of instruments for test_rules_walk.c: interest told again, thresholds cut, margin rates
// raised, now and then anything else.
#ifndef TRIPLINE_TEST_WALK_PARAMS_H
#define TRIPLINE_TEST_WALK_PARAMS_H

#include "accounts/moving.h"
#include "engine/walk_book.h"

// An index as it has become, told once more with a small error or, rarely, a jump; it never falls below one.
static inline u128 walk_index(struct prng *r, u128 now)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    i128 step = (i128)(now / 1000000000) * prng_between(r, -20, 100);
    if (prng_chance(r, 1, 12))
        step = (i128)(now / 1000) * prng_between(r, -2, 10);
    u128 x = (u128)((i128)now + step);
    return x < ray ? ray : x;
}

static inline u128 walk_rate(struct prng *r, u128 was, unsigned most)
{
    const u128 thousandth = (u128)1000000000000000000ull * 1000000ull;
    if (prng_chance(r, 1, 20))
        return thousandth * (uint64_t)prng_between(r, 0, most);
    return was + was / 1000 * (uint64_t)prng_between(r, 0, 5);
}

static inline uint32_t walk_threshold(struct prng *r, uint32_t bps)
{
    if (bps == 0)
        return prng_chance(r, 1, 20) ? 5000 : 0;
    int64_t x = (int64_t)bps + prng_between(r, -100, 20);
    x = prng_chance(r, 1, 20) ? x / 2 : x;
    return x < 0 || prng_chance(r, 1, 60) ? 0 : x > 9500 ? 9500 : (uint32_t)x;
}

static inline void walk_reserve(struct prng *r, struct instrument *in, uint64_t now_s, bool moves)
{
    u128 li = liquidity_index_at(in, now_s), bi = borrow_index_at(in, now_s);
    if (prng_chance(r, 2, 3)) { // a block
        in->liquidity_index = walk_index(r, li);
        in->borrow_index = walk_index(r, bi);
        in->liquidity_rate = moves ? walk_rate(r, in->liquidity_rate, 300) : 0;
        in->borrow_rate = moves ? walk_rate(r, in->borrow_rate, 3000) : 0;
        in->told_at = moves ? now_s - (uint64_t)prng_between(r, 0, 30) : 0;
    } else if (prng_chance(r, 2, 3)) {
        in->ramp_from_bps = in->emode_ramp_from_bps = 0;
        in->ramp_start = in->ramp_end = 0;
        in->lt_bps = walk_threshold(r, in->lt_bps);
        if (in->emode)
            in->emode_lt_bps = walk_threshold(r, in->emode_lt_bps);
    } else if (moves && in->lt_bps > 200 && prng_chance(r, 1, 2)) {
        in->ramp_from_bps = in->lt_bps;
        in->lt_bps -= (uint32_t)prng_between(r, 1, in->lt_bps / 4);
        in->ramp_start = now_s + (uint64_t)prng_between(r, 0, 1000) - 200;
        in->ramp_end = in->ramp_start + (uint64_t)prng_between(r, 201, 1000000);
    } else if (prng_chance(r, 1, 4)) {
        in->emode = in->emode ? 0 : WALK_EMODE;
        in->emode_lt_bps = in->emode ? 9500 : 0;
        in->emode_lb_bps = in->emode ? 10100 : 0;
        in->emode_ramp_from_bps = 0;
    } else {
        in->lb_bps = 10400 + (uint32_t)prng_below(r, 100);
    }
}

static inline void walk_perpetual(struct prng *r, struct instrument *in, uint64_t now_s, bool moves)
{
    if (prng_chance(r, 2, 3)) {
        in->n_tiers = prng_chance(r, 1, 8) ? in->n_tiers : 1;
        uint32_t most = prng_chance(r, 1, 8) ? 20000 : 30;
        in->tier[0].rate_ppm += (uint32_t)prng_below(r, most);
        if (in->n_tiers > 1 && in->tier[0].rate_ppm >= in->tier[1].rate_ppm)
            in->tier[0].rate_ppm = in->tier[1].rate_ppm - 1;
        if (in->tier[0].rate_ppm > 300000)
            in->tier[0].rate_ppm = 10000;
    } else if (moves && prng_chance(r, 1, 2)) {
        in->funding_index += in->funding_rate * (i128)interest_seconds(in, now_s);
        in->funding_rate = prng_between(r, -1000000, 1000000);
        in->told_at = now_s;
    } else {
        in->fee_ppm = (uint32_t)prng_between(r, 100, 900);
    }
}

#endif
