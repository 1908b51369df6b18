// SPDX-License-Identifier: Apache-2.0
#include "lab/depth_curve.h"

#include "exec/exit/cpmm.h"

enum { PPB_A_PPM = 1000 };

bool curve_endless(const struct depth_curve *c)
{
    return c->n == 0 && c->pool == 0;
}

uint32_t curve_keep(uint32_t half_life)
{
    uint32_t lo = 0, hi = CURVE_ONE;
    if (half_life == 0)
        return 0;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        uint64_t x = CURVE_ONE;
        for (uint32_t i = 0; i < half_life; i++)
            x = x * mid / CURVE_ONE;
        if (x <= CURVE_ONE / 2)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static uint32_t level_price(const struct curve_level *l, bool sold)
{
    uint32_t away = l->away_ppm * PPB_A_PPM;
    return sold ? CURVE_ONE - away : CURVE_ONE + away;
}

// What the pool has taken (given) when its price has come to t: (R + n)^2 <= R^2 1e9 / t.
static i128 pool_at(const struct depth_curve *c, uint32_t t, bool sold)
{
    if (c->pool == 0 || t == CURVE_ONE)
        return 0;
    i256 square = i256_mul_i64(i256_mul(i256_from_i128(c->pool), i256_from_i128(c->pool)), CURVE_ONE);
    i128 root = (i128)exit_root(i256_div_floor(square, i256_from_i64(t)));
    if (sold)
        return root - c->pool;
    return c->pool - root > 0 ? c->pool - root - 1 : 0;
}

static i128 levels_at(const struct depth_curve *c, uint32_t t, bool sold)
{
    i128 sum = 0;
    for (unsigned i = 0; i < c->n; i++)
        if (sold ? level_price(&c->level[i], true) >= t : level_price(&c->level[i], false) <= t)
            sum += c->level[i].size;
    return sum;
}

static i128 taken_at(const struct depth_curve *c, uint32_t t, bool sold)
{
    return levels_at(c, t, sold) + pool_at(c, t, sold);
}

i128 curve_room(const struct depth_curve *c, bool sold)
{
    return curve_endless(c) ? CURVE_AMOUNT_MAX : taken_at(c, sold ? CURVE_LEAST : CURVE_MOST, sold);
}

uint32_t curve_price_at(const struct depth_curve *c, i128 net)
{
    bool sold = net > 0;
    i128 q = sold ? net : -net;
    if (q == 0 || curve_endless(c) || taken_at(c, CURVE_ONE, sold) >= q)
        return CURVE_ONE;
    // `near` is too near to the outside price, `far` is far enough.
    uint32_t near = CURVE_ONE, far = sold ? CURVE_LEAST : CURVE_MOST;
    while (far > near ? far - near > 1 : near - far > 1) {
        uint32_t mid = near / 2 + far / 2 + (near & far & 1);
        if (taken_at(c, mid, sold) >= q)
            far = mid;
        else
            near = mid;
    }
    return far;
}

// Proceeds of (cost of) the first `q` of the levels: each rounded against who trades.
static i128 levels_value(const struct depth_curve *c, i128 q, bool sold)
{
    i128 sum = 0;
    for (unsigned i = 0; i < c->n && q > 0; i++) {
        i128 part = q < c->level[i].size ? q : c->level[i].size;
        i128 money = part * level_price(&c->level[i], sold);
        sum += sold ? money / CURVE_ONE : (money + CURVE_ONE - 1) / CURVE_ONE;
        q -= part;
    }
    return sum;
}

i128 curve_value(const struct depth_curve *c, i128 net)
{
    bool sold = net > 0;
    i128 q = sold ? net : -net;
    if (curve_endless(c) || q == 0)
        return net;
    const struct cpmm_pool pool = {.in = (u128)c->pool, .out = (u128)c->pool, .keep = 1, .of = 1};
    // Better levels first, then the pool down to the price, then what is at it: the best that routing gets.
    const uint32_t t = curve_price_at(c, net);
    const i128 most = pool_at(c, t, sold), rest = q - levels_at(c, sold ? t + 1 : t - 1, sold);
    const i128 into = most < rest ? most : rest;
    i128 money = levels_value(c, q - into, sold);
    if (into > 0)
        money += (i128)(sold ? cpmm_out(&pool, (u128)into) : cpmm_in(&pool, (u128)into));
    return sold ? money : -money;
}

i128 curve_decay(const struct depth_curve *c, i128 net)
{
    return net * c->keep_ppb / CURVE_ONE;
}
