// SPDX-License-Identifier: Apache-2.0
#include "risk/breach_math.h"

#include <stdbool.h>

#include "base/wide.h"
#include "risk/breach_table.h"

enum {
    MILLS_BITS = 62,
    CELL_BITS = BREACH_SIGMA_BITS - BREACH_MILLS_BITS,
    SQUARE_BITS = 2 * BREACH_SIGMA_BITS + 1, // x * x is x^2 / 2 in that many
    HALF_BITS = 63,
    SURE_BITS = 60,
    MOST = 16 * BREACH_SIGMA,
};
static const uint64_t LOG2_E = 0x5c551d94ae0bf85d;       // log2(e), in 2^-62
static const uint64_t LN_2 = 0xb17217f7d1cf79ab;         // in 2^-64
static const uint64_t INV_ROOT_2PI = 0x662114cf50d94234; // 1 / sqrt(2 pi), in 2^-64

static uint64_t mul_hi(uint64_t a, uint64_t b)
{
    return (uint64_t)(((u128)a * b) >> 64);
}

// 2^-f, f in 2^-64, as 2^-63: from the table, then e^-u for the rest, u < ln 2 / 64, by five terms of its
// series (the sixth is below 2^-48 of the fifth's last bit).
static uint64_t half_to(uint64_t f)
{
    enum { REST = 64 - BREACH_HALVES_BITS };
    uint64_t u = mul_hi(f & ((UINT64_C(1) << REST) - 1), LN_2); // 2^-64
    uint64_t u2 = mul_hi(u, u), u3 = mul_hi(u2, u), u4 = mul_hi(u3, u), u5 = mul_hi(u4, u);
    uint64_t u6 = mul_hi(u5, u), u7 = mul_hi(u6, u);
    uint64_t less = u - u2 / 2 + u3 / 6 - u4 / 24 + u5 / 120 - u6 / 720 + u7 / 5040; // 1 - e^-u
    uint64_t whole = breach_half[f >> REST];
    return whole - mul_hi(whole, less);
}

// e^-y as 2^-63, shifted down by *down more; y in 2^-SQUARE_BITS, at most 2^58.
static uint64_t exp_minus(uint64_t y, unsigned *down)
{
    u128 z = (u128)y * LOG2_E; // 2^-(SQUARE_BITS + 62)
    enum { WHOLE = SQUARE_BITS + 62 };
    *down = (unsigned)(z >> WHOLE);
    return half_to((uint64_t)(z >> (WHOLE - 64)));
}

// N(-x) / phi(x) for 0 <= x <= MOST, in 2^-62.
static uint64_t mills(int64_t x)
{
    const int64_t i = x >> CELL_BITS, s = x & ((1 << CELL_BITS) - 1);
    const int64_t r0 = (int64_t)breach_mills[i], r1 = (int64_t)breach_mills[i + 1];
    const int64_t one = INT64_C(1) << MILLS_BITS;
    // Slopes times the cell's width: R' = x R - 1.
    const int64_t d0 = ((int64_t)(((i128)r0 * i) >> BREACH_MILLS_BITS) - one) >> BREACH_MILLS_BITS;
    const int64_t d1 = ((int64_t)(((i128)r1 * (i + 1)) >> BREACH_MILLS_BITS) - one) >> BREACH_MILLS_BITS;
    const int64_t up = r1 - r0;
    int64_t v = d0 + d1 - 2 * up;
    v = (int64_t)(((i128)v * s) >> CELL_BITS) + 3 * up - 2 * d0 - d1;
    v = (int64_t)(((i128)v * s) >> CELL_BITS) + d0;
    return (uint64_t)((int64_t)(((i128)v * s) >> CELL_BITS) + r0);
}

// e^-y times a (2^-62), in 2^-60.
static uint64_t times_exp(uint64_t y, uint64_t a)
{
    unsigned down;
    u128 p = (u128)exp_minus(y, &down) * a;
    down += HALF_BITS + MILLS_BITS - SURE_BITS;
    return down < 128 ? (uint64_t)(p >> down) : 0;
}

// phi(x) R(r), r >= 0.
static uint64_t phi_mills(int64_t x, int64_t r)
{
    return times_exp((uint64_t)(x * x), mul_hi(mills(r), INV_ROOT_2PI));
}

static int64_t clip(int64_t x, int64_t most)
{
    return x > most ? most : x < -most ? -most : x;
}

uint64_t breach_tail(int64_t x)
{
    x = clip(x, MOST);
    return x < 0 ? BREACH_SURE - phi_mills(-x, -x) : phi_mills(x, x);
}

// exp(-2 m d) N(m - d). Both factors of phi(d - m) R(d - m) are small or large together where the drift leads
// to zero: exp(-2 m d) phi(d - m) is phi(d + m).
static uint64_t reflected(int64_t d, int64_t m)
{
    if (d >= m)
        return phi_mills(d + m, d - m);
    uint64_t tail = breach_tail(d - m);
    return times_exp((uint64_t)(4 * m * d), tail << (MILLS_BITS - SURE_BITS));
}

uint64_t breach_first_passage(int64_t d, int64_t m)
{
    if (d <= 0)
        return BREACH_SURE;
    if (d > BREACH_FAR)
        return 0;
    m = clip(m, BREACH_DRIFT);
    uint64_t p = breach_tail(d + m) + reflected(d, m);
    return p < BREACH_SURE ? p : BREACH_SURE;
}
