// SPDX-License-Identifier: Apache-2.0
#include "econ/auction_curve.h"

const char *const CURVE_NAMES[CURVE_KINDS] = {"linear", "stairstep", "exponential"};

u256 auction_wmul(struct checked *c, u256 x, u256 y)
{
    return ck_mul_div(c, x, y, u256_pow10(WAD_DIGITS));
}

u256 auction_rmul(struct checked *c, u256 x, u256 y)
{
    return ck_mul_div(c, x, y, u256_pow10(RAY_DIGITS));
}

u256 auction_rdiv(struct checked *c, u256 x, u256 y)
{
    return ck_mul_div(c, x, u256_pow10(RAY_DIGITS), y);
}

static u256 times(struct checked *c, u256 x, u256 y, u256 half, u256 base)
{
    return ck_div(c, ck_add(c, ck_mul(c, x, y), half), base);
}

u256 auction_rpow(struct checked *c, u256 x, u256 n, u256 base)
{
    if (u256_is_zero(n))
        return base;
    if (u256_is_zero(x))
        return U256_ZERO;
    u256 half = u256_shr(base, 1), z = (n.w[0] & 1) ? x : base;
    for (n = u256_shr(n, 1); !u256_is_zero(n) && ck_ok(c); n = u256_shr(n, 1)) {
        x = times(c, x, x, half, base);
        if (n.w[0] & 1)
            z = times(c, z, x, half, base);
    }
    return ck_ok(c) ? z : U256_ZERO;
}

u256 curve_price(struct checked *c, const struct curve *k, u256 top, uint64_t dur)
{
    u256 ray = u256_pow10(RAY_DIGITS);
    if (k->kind == CURVE_LINEAR) {
        if (dur >= k->tau)
            return U256_ZERO;
        return auction_rmul(c, top, ck_mul_div(c, ck_u64(k->tau - dur), ray, ck_u64(k->tau)));
    }
    if (k->kind == CURVE_STAIRSTEP && k->step == 0) {
        ck_fail(c, "division by zero");
        return U256_ZERO;
    }
    uint64_t n = k->kind == CURVE_STAIRSTEP ? dur / k->step : dur;
    return auction_rmul(c, top, auction_rpow(c, k->cut, ck_u64(n), ray));
}

// First of 0..last with a linear price at or below the limit.
static struct curve_hit linear_first(struct checked *c, const struct curve *k, u256 top, u256 limit,
                                     uint64_t last)
{
    uint64_t hi = k->tau < last ? k->tau : last, lo = 0;
    if (u256_cmp(curve_price(c, k, top, hi), limit) > 0)
        return (struct curve_hit){0};
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (u256_cmp(curve_price(c, k, top, mid), limit) <= 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return (struct curve_hit){.found = true, .first = true, .at = hi};
}

static bool above(const struct curve *k, uint64_t n, u256 power) // cut^n > power?
{
    struct checked c = {0};
    return u256_cmp(auction_rpow(&c, k->cut, ck_u64(n), u256_pow10(RAY_DIGITS)), power) > 0;
}

// An exponent below hi before which no power is at or below `power`: the computed cut^n is within n units of
// the true one (each product adds half a unit, a square doubles what was there, factors are at most 1), and
// the true one only falls. So computed(n) > power + 2 hi proves it for all up to n. Steps back get longer.
static uint64_t clear_below(const struct curve *k, u256 power, uint64_t hi, bool *proved)
{
    u256 margin = power;
    *proved = true;
    if (u256_add(power, u256_from_u128((u128)hi * 2), &margin))
        return 0;
    for (uint64_t back = 1; back <= CURVE_SCAN_MAX; back *= 2) {
        if (back >= hi)
            return 0;
        if (above(k, hi - back, margin))
            return hi - back;
    }
    *proved = false;
    return hi > CURVE_SCAN_MAX ? hi - CURVE_SCAN_MAX : 0;
}

// First exponent of 0..last with cut^n at or below `power`.
static struct curve_hit power_first(const struct curve *k, u256 power, uint64_t last)
{
    if (!above(k, 0, power))
        return (struct curve_hit){.found = true, .first = true};
    bool any = !above(k, last, power), proved;
    uint64_t lo = 0, hi = any ? last : last + 1; // above at lo; not above at hi, or hi is behind the last
    while (any && hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (above(k, mid, power))
            lo = mid;
        else
            hi = mid;
    }
    for (uint64_t n = clear_below(k, power, hi, &proved) + 1; n < hi; n++)
        if (!above(k, n, power))
            return (struct curve_hit){.found = true, .first = proved, .at = n};
    return (struct curve_hit){.found = any, .first = proved, .at = any ? hi : 0};
}

struct curve_hit curve_first(struct checked *c, const struct curve *k, u256 top, u256 limit, uint64_t last)
{
    u256 ray = u256_pow10(RAY_DIGITS);
    (void)ck_mul(c, top, ray); // else the price at the start would revert
    bool wrong = k->kind != CURVE_LINEAR &&
                 (u256_cmp(k->cut, ray) > 0 || (k->kind == CURVE_STAIRSTEP && k->step == 0));
    if (wrong)
        ck_fail(c, "no curve: cut above 1e27 or step 0");
    if (!ck_ok(c))
        return (struct curve_hit){0};
    if (u256_cmp(top, limit) <= 0) // never above it; of a linear one with tau 0 neither
        return (struct curve_hit){.found = true, .first = true};
    if (k->kind == CURVE_LINEAR)
        return linear_first(c, k, top, limit, last);
    // floor(top z / ray) <= limit  <=>  top z < (limit + 1) ray  <=>  z <= ((limit + 1) ray - 1) / top
    u256 power = ck_mul(c, ck_add(c, limit, ck_u64(1)), ray); // limit < top: it fits
    power = ck_div(c, ck_sub(c, power, ck_u64(1)), top);
    uint64_t step = k->kind == CURVE_STAIRSTEP ? k->step : 1, most = last / step;
    struct curve_hit h = power_first(k, power, most < UINT64_MAX ? most : UINT64_MAX - 1);
    h.at *= step;
    return h;
}
