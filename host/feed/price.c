// SPDX-License-Identifier: Apache-2.0
#include "feed/price.h"

#include "base/wide.h"

#include <assert.h>
#include <string.h>

enum { MANTISSA_BITS = 52, EXPONENT_MASK = 0x7ff, EXPONENT_BIAS = 1023 + MANTISSA_BITS, DECIMALS_MAX = 18 };

static_assert(sizeof(double) == 8, "IEEE 754 binary64 assumed");

static const int64_t POW10[] = {
    INT64_C(1),
    INT64_C(10),
    INT64_C(100),
    INT64_C(1000),
    INT64_C(10000),
    INT64_C(100000),
    INT64_C(1000000),
    INT64_C(10000000),
    INT64_C(100000000),
    INT64_C(1000000000),
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
    INT64_C(10000000000000),
    INT64_C(100000000000000),
    INT64_C(1000000000000000),
    INT64_C(10000000000000000),
    INT64_C(100000000000000000),
    INT64_C(1000000000000000000),
};
static_assert(sizeof POW10 / sizeof POW10[0] == DECIMALS_MAX + 1, "10^0 .. 10^18");

// |v| * 10^decimals = p * 2^e with p < 2^53 * 10^18 < 2^113, so every step below is exact.
static int scale_up(u128 p, unsigned e, int64_t *out)
{
    if (e > 62 || p > (u128)INT64_MAX >> e)
        return -1;
    *out = (int64_t)(p << e);
    return 0;
}

// s >= 1
static int scale_down(u128 p, unsigned s, int64_t *out)
{
    if (s > 127) // p / 2^s < 2^-14
        return -1;
    u128 q = p >> s;
    u128 rest = p - (q << s);
    u128 half = (u128)1 << (s - 1);
    if (rest > half || (rest == half && (q & 1)))
        q++;
    if (q == 0 || q > (u128)INT64_MAX)
        return -1;
    *out = (int64_t)q;
    return 0;
}

int price_from_double(double v, unsigned decimals, int64_t *out)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    unsigned exponent = (unsigned)(bits >> MANTISSA_BITS) & EXPONENT_MASK;
    if (bits >> 63 || exponent == EXPONENT_MASK || decimals > DECIMALS_MAX)
        return -1;
    if (exponent == 0) // zero and subnormals, all below 10^-307: they round to 0
        return -1;
    uint64_t mantissa = (bits & ((UINT64_C(1) << MANTISSA_BITS) - 1)) | UINT64_C(1) << MANTISSA_BITS;
    u128 p = (u128)mantissa * (uint64_t)POW10[decimals];
    if (exponent >= EXPONENT_BIAS)
        return scale_up(p, exponent - EXPONENT_BIAS, out);
    return scale_down(p, EXPONENT_BIAS - exponent, out);
}

int price_from_decimal(int64_t mantissa, int exp10, unsigned decimals, int64_t *out)
{
    if (mantissa <= 0 || exp10 < -DECIMALS_MAX || exp10 > DECIMALS_MAX || decimals > DECIMALS_MAX)
        return -1;
    int shift = exp10 + (int)decimals;
    if (shift >= 0) {
        int64_t r;
        if (shift > DECIMALS_MAX || __builtin_mul_overflow(mantissa, POW10[shift], &r))
            return -1;
        *out = r;
        return 0;
    }
    // Only where the venue's step is finer than the asset's quantum: the one place with a division.
    int64_t d = POW10[-shift], q = mantissa / d, rest = mantissa % d, half = d / 2; // d is even
    if (rest > half || (rest == half && (q & 1)))
        q++;
    if (q == 0)
        return -1;
    *out = q;
    return 0;
}

int price_from_num(const struct feed_num *n, unsigned decimals, int64_t *out)
{
    switch (n->form) {
    case NUM_DOUBLE:
        return price_from_double(n->v.f, decimals, out);
    case NUM_DECIMAL:
        return price_from_decimal(n->v.m, n->exp10, decimals, out);
    default:
        return -1;
    }
}
