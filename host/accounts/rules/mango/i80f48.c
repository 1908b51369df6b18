// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/mango/i80f48.h"

static const char overflow[] = "panic: overflow";
static const char by_zero[] = "panic: division by zero";

static fx fit(struct checked *c, i256 v)
{
    if (i256_fits_i128(v))
        return i256_to_i128(v);
    ck_fail(c, overflow);
    return 0;
}

i256 fx_wide(fx a)
{
    return i256_from_i128(a);
}

fx fx_add(struct checked *c, fx a, fx b)
{
    return fit(c, i256_add(fx_wide(a), fx_wide(b)));
}

fx fx_sub(struct checked *c, fx a, fx b)
{
    return fit(c, i256_sub(fx_wide(a), fx_wide(b)));
}

fx fx_neg(struct checked *c, fx a)
{
    return fx_sub(c, 0, a);
}

fx fx_mul(struct checked *c, fx a, fx b)
{
    return fit(c, i256_sar(i256_mul(fx_wide(a), fx_wide(b)), FX_FRACTION));
}

fx fx_div(struct checked *c, fx a, fx b)
{
    if (b == 0) {
        ck_fail(c, by_zero);
        return 0;
    }
    return fit(c, i256_div_trunc(i256_shl(fx_wide(a), FX_FRACTION), fx_wide(b)));
}

fx fx_abs(struct checked *c, fx a)
{
    return a < 0 ? fx_neg(c, a) : a;
}

fx fx_ceil(struct checked *c, fx a)
{
    fx low = fx_floor(a);
    return low == a ? a : fx_add(c, low, FX_ONE);
}

int64_t fx_to_i64(struct checked *c, fx a)
{
    fx whole = fx_floor(a) / FX_ONE;
    if (whole >= INT64_MIN && whole <= INT64_MAX)
        return (int64_t)whole;
    ck_fail(c, overflow);
    return 0;
}

uint64_t fx_to_u64(struct checked *c, fx a)
{
    fx whole = fx_floor(a) / FX_ONE;
    if (whole >= 0 && whole <= (fx)UINT64_MAX)
        return (uint64_t)whole;
    ck_fail(c, overflow);
    return 0;
}

int64_t fx_clamp_i64(fx a)
{
    fx whole = fx_floor(a) / FX_ONE;
    return whole < INT64_MIN ? INT64_MIN : whole > INT64_MAX ? INT64_MAX : (int64_t)whole;
}

static int64_t narrow(struct checked *c, i128 v)
{
    if (v >= INT64_MIN && v <= INT64_MAX)
        return (int64_t)v;
    ck_fail(c, overflow);
    return 0;
}

static int64_t cut(i128 v)
{
    return v < INT64_MIN ? INT64_MIN : v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

int64_t i64_add(struct checked *c, int64_t a, int64_t b)
{
    return narrow(c, (i128)a + b);
}

int64_t i64_sub(struct checked *c, int64_t a, int64_t b)
{
    return narrow(c, (i128)a - b);
}

int64_t i64_mul(struct checked *c, int64_t a, int64_t b)
{
    return narrow(c, (i128)a * b);
}

int64_t i64_abs(struct checked *c, int64_t a)
{
    return a < 0 ? narrow(c, -(i128)a) : a;
}

int64_t i64_sat_add(int64_t a, int64_t b)
{
    return cut((i128)a + b);
}

int64_t i64_sat_sub(int64_t a, int64_t b)
{
    return cut((i128)a - b);
}

// ---- f64 in integers

enum { PRECISION = 53, ADD_REACH = 200 };

static unsigned bits_of(u128 v)
{
    return i256_bits(i256_from_u128(v));
}

// v * 2^e, v >= 0, to 53 bits; more: something below v's last bit was cut off.
static struct soft rounded(bool neg, i256 v, bool more, int e)
{
    unsigned n = i256_bits(v);
    if (n == 0)
        return (struct soft){0};
    if (n <= PRECISION)
        return (struct soft){neg, (uint64_t)i256_lo(i256_shl(v, PRECISION - n)), e - (int)(PRECISION - n)};
    unsigned cut_bits = n - PRECISION;
    uint64_t m = (uint64_t)i256_lo(i256_sar(v, cut_bits));
    i256 rest = i256_sub(v, i256_shl(i256_from_u128(m), cut_bits));
    int half = i256_cmp(rest, i256_shl(i256_from_i64(1), cut_bits - 1));
    if (half > 0 || (half == 0 && (more || (m & 1))))
        m++;
    e += (int)cut_bits;
    if (m >> PRECISION) {
        m >>= 1;
        e++;
    }
    return (struct soft){neg, m, e};
}

bool soft_of_bits(uint64_t bits, struct soft *out)
{
    int biased = (int)(bits >> 52 & 0x7ff);
    uint64_t m = bits & (((uint64_t)1 << 52) - 1);
    if (biased == 0x7ff)
        return false;
    if (biased)
        m |= (uint64_t)1 << 52;
    *out = rounded(bits >> 63, i256_from_u128(m), false, (biased ? biased : 1) - 1075);
    return true;
}

bool soft_of_bits32(uint32_t bits, struct soft *out)
{
    int biased = (int)(bits >> 23 & 0xff);
    uint32_t m = bits & ((1u << 23) - 1);
    if (biased == 0xff)
        return false;
    if (biased)
        m |= 1u << 23;
    *out = rounded(bits >> 31, i256_from_u128(m), false, (biased ? biased : 1) - 150);
    return true;
}

struct soft soft_of_fx(fx a)
{
    return rounded(a < 0, i256_abs(fx_wide(a)), false, -FX_FRACTION);
}

struct soft soft_of_u64(uint64_t v)
{
    return rounded(false, i256_from_u128(v), false, 0);
}

struct soft soft_add(struct checked *c, struct soft a, struct soft b)
{
    if (a.m == 0 || b.m == 0)
        return a.m ? a : b;
    if (a.e < b.e) {
        struct soft t = a;
        a = b;
        b = t;
    }
    if (a.e - b.e > ADD_REACH) { // no such numbers come from an I80F48 and a u64
        ck_fail(c, overflow);
        return (struct soft){0};
    }
    i256 x = i256_shl(i256_from_u128(a.m), (unsigned)(a.e - b.e)), y = i256_from_u128(b.m);
    i256 sum = i256_add(a.neg ? i256_neg(x) : x, b.neg ? i256_neg(y) : y);
    return rounded(i256_sign(sum) < 0, i256_abs(sum), false, b.e);
}

struct soft soft_mul(struct soft a, struct soft b)
{
    if (a.m == 0 || b.m == 0)
        return (struct soft){0};
    return rounded(a.neg != b.neg, i256_from_u128((u128)a.m * b.m), false, a.e + b.e);
}

struct soft soft_div(struct checked *c, struct soft a, struct soft b)
{
    if (b.m == 0) { // infinite or no number: no I80F48 comes of it
        ck_fail(c, by_zero);
        return (struct soft){0};
    }
    u128 num = (u128)a.m << 64;
    return rounded(a.neg != b.neg, i256_from_u128(num / b.m), num % b.m != 0, a.e - 64 - b.e);
}

static int cmp_abs(struct soft a, struct soft b)
{
    if (a.m == 0 || b.m == 0)
        return (a.m != 0) - (b.m != 0);
    if (a.e != b.e) // both have 53 bits
        return a.e < b.e ? -1 : 1;
    return (a.m > b.m) - (a.m < b.m);
}

int soft_cmp(struct soft a, struct soft b)
{
    bool an = a.neg && a.m, bn = b.neg && b.m;
    if (an != bn)
        return an ? -1 : 1;
    return an ? -cmp_abs(a, b) : cmp_abs(a, b);
}

fx fx_of_soft(struct checked *c, struct soft a)
{
    int up = a.e + FX_FRACTION;
    u128 v;
    if (a.m == 0 || up < -PRECISION)
        return 0;
    if (up >= 0) {
        if (up + (int)bits_of(a.m) > 127) {
            ck_fail(c, overflow);
            return 0;
        }
        v = (u128)a.m << up;
    } else {
        u128 unit = (u128)1 << -up, rest = a.m & (unit - 1);
        v = a.m >> -up;
        if (rest * 2 > unit || (rest * 2 == unit && (v & 1)))
            v++;
    }
    return a.neg ? -(fx)v : (fx)v;
}

int64_t soft_clamp_i64(struct soft a)
{
    if (a.m == 0 || a.e < -PRECISION)
        return 0;
    if (a.e + PRECISION > 63)
        return a.neg ? INT64_MIN : INT64_MAX;
    int64_t v = a.e >= 0 ? (int64_t)(a.m << a.e) : (int64_t)(a.m >> -a.e);
    return a.neg ? -v : v;
}
