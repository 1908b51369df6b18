// SPDX-License-Identifier: Apache-2.0
#include "base/i128_checked.h"

// The product modulo 2^128; true when it does not fit. By hand, because the compilers' builtin for 128 bits
// calls a function that not every runtime library has.
static bool mul_over(u128 a, u128 b, u128 *out)
{
    uint64_t ah = (uint64_t)(a >> 64), al = (uint64_t)a, bh = (uint64_t)(b >> 64), bl = (uint64_t)b;
    *out = a * b;
    if (ah && bh)
        return true;
    u128 cross = (u128)ah * bl + (u128)al * bh; // one of the two is 0
    return cross >> 64 != 0 || (u128)al * bl > U128_MAX - (cross << 64);
}

u128 ci_abs(i128 v)
{
    return v < 0 ? (u128)0 - (u128)v : (u128)v;
}

static i128 with_sign(struct checked *c, u128 magnitude, bool negative)
{
    u128 most = (u128)I128_MAX + (negative ? 1 : 0);
    if (magnitude > most) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return (i128)(negative ? (u128)0 - magnitude : magnitude);
}

i128 ci_add(struct checked *c, i128 a, i128 b)
{
    if (b > 0 ? a > I128_MAX - b : a < I128_MIN - b) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return a + b;
}

i128 ci_sub(struct checked *c, i128 a, i128 b)
{
    if (b < 0 ? a > I128_MAX + b : a < I128_MIN + b) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return a - b;
}

i128 ci_mul(struct checked *c, i128 a, i128 b)
{
    u128 m;
    if (mul_over(ci_abs(a), ci_abs(b), &m)) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return with_sign(c, m, (a < 0) != (b < 0) && m != 0);
}

i128 ci_div(struct checked *c, i128 a, i128 b)
{
    if (b == 0) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return with_sign(c, ci_abs(a) / ci_abs(b), (a < 0) != (b < 0));
}

i128 ci_div_floor(struct checked *c, i128 a, i128 b)
{
    i128 q = ci_div(c, a, b);
    return b != 0 && a % b != 0 && a < 0 ? q - 1 : q;
}

i128 ci_fit(struct checked *c, i128 v, unsigned bits)
{
    i128 most = (i128)(((u128)1 << (bits - 1)) - 1);
    if (v > most || v < -most - 1) {
        ck_fail(c, CI_CASTING);
        return 0;
    }
    return v;
}

u128 ci_to_u128(struct checked *c, i128 v)
{
    if (v < 0) {
        ck_fail(c, CI_CASTING);
        return 0;
    }
    return (u128)v;
}

i128 ci_sat_add(i128 a, i128 b)
{
    struct checked c = {NULL};
    i128 sum = ci_add(&c, a, b);
    if (ck_ok(&c))
        return sum;
    return b > 0 ? I128_MAX : I128_MIN;
}

u128 cu_add(struct checked *c, u128 a, u128 b)
{
    if (a > U128_MAX - b) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return a + b;
}

u128 cu_sub(struct checked *c, u128 a, u128 b)
{
    if (a < b) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return a - b;
}

u128 cu_mul(struct checked *c, u128 a, u128 b)
{
    u128 m;
    if (mul_over(a, b, &m)) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return m;
}

u128 cu_div(struct checked *c, u128 a, u128 b)
{
    if (b == 0) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return a / b;
}

u128 cu_div_up(struct checked *c, u128 a, u128 b)
{
    u128 q = cu_div(c, a, b);
    return b != 0 && a % b != 0 ? q + 1 : q;
}

u128 cu_fit(struct checked *c, u128 v, unsigned bits)
{
    if (v >> bits != 0) {
        ck_fail(c, CI_CASTING);
        return 0;
    }
    return v;
}

u128 cu_within(struct checked *c, u128 v, unsigned bits)
{
    if (v >> bits != 0) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    return v;
}

i128 cu_to_i128(struct checked *c, u128 v)
{
    if (v > (u128)I128_MAX) {
        ck_fail(c, CI_CASTING);
        return 0;
    }
    return (i128)v;
}

u128 cu_sat_sub(u128 a, u128 b)
{
    return a < b ? 0 : a - b;
}

u128 cu_sat_mul(u128 a, u128 b)
{
    u128 m;
    return mul_over(a, b, &m) ? U128_MAX : m;
}

u128 cu_sqrt(u128 v)
{
    u128 root = 0;
    for (u128 bit = (u128)1 << 63; bit != 0; bit >>= 1) {
        u128 next = root | bit;
        if (next <= v / next) // next * next <= v
            root = next;
    }
    return root;
}

u128 cu_pow10(unsigned n)
{
    u128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}
