// SPDX-License-Identifier: Apache-2.0
#include "econ/auction_time.h"

enum { OUT_DIGITS = 16 }; // a share times a close factor

// S + R / (N - t) - Q / (M + 1e6 t), each term floored.
static const uint64_t CURVE_S = 950000000000, CURVE_R = 103567889099532000, CURVE_M = 20405429,
                      CURVE_STEP = 1000000;
static const uint64_t CURVE_Q_HIGH = 22881182707500, CURVE_Q_LOW = 1000000; // their product: 22.8811827075e18

u256 time_curve(struct checked *c, uint64_t t)
{
    if (t >= TIME_ALL) {
        ck_fail(c, "the auction gives everything");
        return U256_ZERO;
    }
    u128 q = (u128)CURVE_Q_HIGH * CURVE_Q_LOW;
    u128 share = CURVE_S + CURVE_R / (TIME_ALL - t) - q / (CURVE_M + CURVE_STEP * t);
    return u256_from_u128(share);
}

uint64_t time_elapsed(struct checked *c, uint64_t warned, uint64_t now)
{
    if (warned > UINT64_MAX - TIME_GRACE || now < warned + TIME_GRACE) {
        ck_fail(c, "Aloe: grace");
        return 0;
    }
    return now - warned - TIME_GRACE;
}

static u256 value_up(struct checked *c, u256 in0, u256 in1, u256 price) // of both, in token 1
{
    return ck_add(c, in1, ck_full_div_up(c, in0, price, u256_shl(ck_u64(1), 128)));
}

struct time_amounts time_amounts(struct checked *c, u256 price_x128, u256 assets0, u256 assets1, u256 debt0,
                                 u256 debt1, uint64_t t, uint32_t close)
{
    struct time_amounts a = {.out0 = assets0, .out1 = assets1};
    if (close == 0 || close > TIME_CLOSE)
        ck_fail(c, "Aloe: close");
    u256 part = ck_u64(close), all = ck_u64(TIME_CLOSE);
    if (t < TIME_ALL) {
        u256 debt = ck_mul(c, value_up(c, debt0, debt1, price_x128), ck_mul(c, time_curve(c, t), part));
        u256 assets = ck_mul(c, value_up(c, assets0, assets1, price_x128), u256_pow10(OUT_DIGITS));
        a.out0 = ck_min(ck_full_div(c, debt, assets0, assets), assets0);
        a.out1 = ck_min(ck_full_div(c, debt, assets1, assets), assets1);
    } else {
        a.out0 = ck_mul_div(c, assets0, part, all);
        a.out1 = ck_mul_div(c, assets1, part, all);
    }
    a.repay0 = ck_mul_div(c, debt0, part, all);
    a.repay1 = ck_mul_div(c, debt1, part, all);
    if (u256_is_zero(a.repay0) && u256_is_zero(a.repay1))
        ck_fail(c, "Aloe: zero impact");
    return ck_ok(c) ? a : (struct time_amounts){0};
}

uint64_t time_first(u256 share)
{
    uint64_t lo = 0, hi = TIME_ALL;
    while (lo < hi) {
        struct checked c = {0};
        uint64_t mid = lo + (hi - lo) / 2;
        if (ck_lt(time_curve(&c, mid), share))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}
