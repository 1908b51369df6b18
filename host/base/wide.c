// SPDX-License-Identifier: Apache-2.0
// 256-bit integers. Signed operations work on two's complement directly where they can (add, mul, shifts);
// division goes through magnitudes: Knuth, TAOCP vol. 2, 4.3.1, algorithm D, on 64-bit limbs, with short cuts
// for what occurs nearly always (both operands within 128 bits, divisor within 64).
#include "base/wide.h"

#include <assert.h>
#include <string.h>

enum { LIMBS = 4 };

static bool is_neg(i256 a)
{
    return a.w[3] >> 63 != 0;
}

// Magnitudes are unsigned: |-2^255| = 2^255 is held correctly.
static bool mag_fits_u128(i256 a)
{
    return (a.w[2] | a.w[3]) == 0;
}
static u128 low128(i256 a)
{
    return (u128)a.w[1] << 64 | a.w[0];
}

static int mag_limbs(i256 a)
{
    int n = LIMBS;
    while (n > 0 && a.w[n - 1] == 0)
        n--;
    return n;
}

i256 i256_mul_limbs(i256 a, i256 b)
{
    if (mag_fits_u128(a) && mag_fits_u128(b))
        return i256_mul_u128(low128(a), low128(b));
    i256 r = I256_ZERO;
    for (int i = 0; i < LIMBS; i++) {
        u128 c = 0;
        for (int j = 0; i + j < LIMBS; j++) {
            c += (u128)a.w[i] * b.w[j] + r.w[i + j]; // < 2^128: (2^64-1)^2 + 2 (2^64-1)
            r.w[i + j] = (uint64_t)c;
            c >>= 64;
        }
    }
    return r;
}

i256 i256_shl(i256 a, unsigned n)
{
    if (n >= 256)
        return I256_ZERO;
    unsigned k = n / 64, s = n % 64;
    i256 r = I256_ZERO;
    for (unsigned i = k; i < LIMBS; i++) {
        r.w[i] = a.w[i - k] << s;
        if (s && i > k)
            r.w[i] |= a.w[i - k - 1] >> (64 - s);
    }
    return r;
}

i256 i256_sar(i256 a, unsigned n)
{
    uint64_t fill = is_neg(a) ? UINT64_MAX : 0;
    i256 r = {{fill, fill, fill, fill}};
    if (n >= 256)
        return r;
    unsigned k = n / 64, s = n % 64;
    for (unsigned i = 0; i + k < LIMBS; i++) {
        uint64_t hi = i + k + 1 < LIMBS ? a.w[i + k + 1] : fill;
        r.w[i] = s ? a.w[i + k] >> s | hi << (64 - s) : a.w[i + k];
    }
    return r;
}

// Quotient of an n-limb magnitude by one limb.
static i256 mag_div_limb(i256 u, uint64_t v, i256 *rem)
{
    u128 r = 0;
    for (int i = mag_limbs(u) - 1; i >= 0; i--) {
        r = r << 64 | u.w[i];
        u.w[i] = (uint64_t)(r / v);
        r %= v;
    }
    *rem = i256_from_u128(r);
    return u;
}

// One digit of algorithm D (steps D3..D6): divides u[0..n] by v[0..n-1] (normalised, u's top n limbs < v),
// leaves the remainder in u and returns the digit.
static uint64_t knuth_digit(uint64_t *u, const uint64_t *v, int n)
{
    u128 num = (u128)u[n] << 64 | u[n - 1];
    u128 q = num / v[n - 1], r = num % v[n - 1];
    while (q >> 64 || q * v[n - 2] > (r << 64 | u[n - 2])) {
        q--;
        r += v[n - 1];
        if (r >> 64)
            break; // the test cannot hold any more
    }
    uint64_t borrow = 0;
    u128 carry = 0;
    for (int i = 0; i <= n; i++) {
        carry += i < n ? q * v[i] : 0; // q < 2^64 here
        uint64_t p = (uint64_t)carry;
        carry >>= 64;
        u128 d = (u128)u[i] - p - borrow;
        u[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    if (borrow) { // digit was one too large (probability about 2^-63): add the divisor back
        q--;
        u128 c = 0;
        for (int i = 0; i < n; i++) {
            c += (u128)u[i] + v[i];
            u[i] = (uint64_t)c;
            c >>= 64;
        }
        u[n] += (uint64_t)c;
    }
    return (uint64_t)q;
}

// Magnitudes, b > 0.
static i256 mag_divmod(i256 a, i256 b, i256 *rem)
{
    if (mag_fits_u128(a) && mag_fits_u128(b)) {
        u128 x = low128(a), y = low128(b);
        *rem = i256_from_u128(x % y);
        return i256_from_u128(x / y);
    }
    int n = mag_limbs(b), m = mag_limbs(a);
    if (n == 1)
        return mag_div_limb(a, b.w[0], rem);
    i256 q = I256_ZERO;
    *rem = a;
    if (m < n)
        return q;
    // D1: shift so that the divisor's top bit is set; the dividend gets one limb more.
    unsigned s = (unsigned)__builtin_clzll(b.w[n - 1]);
    i256 v = i256_shl(b, s); // does not touch limbs above n - 1
    i256 lo = i256_shl(a, s);
    uint64_t u[LIMBS + 1];
    memcpy(u, lo.w, sizeof lo.w);
    u[LIMBS] = s ? a.w[LIMBS - 1] >> (64 - s) : 0;
    for (int j = m - n; j >= 0; j--)
        q.w[j] = knuth_digit(u + j, v.w, n);
    for (int i = 0; i < LIMBS; i++) { // D8: undo the shift; the remainder has n limbs
        uint64_t hi = i + 1 < n ? u[i + 1] : 0;
        uint64_t x = i < n ? u[i] : 0;
        rem->w[i] = s ? x >> s | hi << (64 - s) : x;
    }
    return q;
}

// Quotient towards zero, *exact tells whether nothing was cut off, *neg the sign of the exact quotient.
static i256 div_parts(i256 a, i256 b, bool *exact, bool *neg)
{
    assert(i256_sign(b) != 0);
    i256 r;
    i256 q = mag_divmod(i256_abs(a), i256_abs(b), &r);
    *exact = i256_sign(r) == 0;
    *neg = is_neg(a) != is_neg(b);
    return *neg ? i256_neg(q) : q;
}

i256 i256_div_trunc(i256 a, i256 b)
{
    bool exact, neg;
    return div_parts(a, b, &exact, &neg);
}

i256 i256_div_floor(i256 a, i256 b)
{
    bool exact, neg;
    i256 q = div_parts(a, b, &exact, &neg);
    return !exact && neg ? i256_sub(q, i256_from_i64(1)) : q;
}

i256 i256_div_ceil(i256 a, i256 b)
{
    bool exact, neg;
    i256 q = div_parts(a, b, &exact, &neg);
    return !exact && !neg ? i256_add(q, i256_from_i64(1)) : q;
}

// Division by 10^n = 5^n 2^n without dividing: Moeller and Granlund, "Improved division by invariant
// integers", 2011, algorithm 4. d is 5^n shifted to its top bit (by at least 1), v = floor((2^128 - 1) / d) -
// 2^64.
static const struct inverse {
    uint64_t d, v;
    unsigned shift;
} INVERSE[I256_DIV10_MAX + 1] = {
    {UINT64_C(0x8000000000000000), UINT64_C(0xffffffffffffffff), 63}, // 5^0
    {UINT64_C(0xa000000000000000), UINT64_C(0x9999999999999999), 61}, // 5^1
    {UINT64_C(0xc800000000000000), UINT64_C(0x47ae147ae147ae14), 59}, // 5^2
    {UINT64_C(0xfa00000000000000), UINT64_C(0x0624dd2f1a9fbe76), 57}, // 5^3
    {UINT64_C(0x9c40000000000000), UINT64_C(0xa36e2eb1c432ca57), 54}, // 5^4
    {UINT64_C(0xc350000000000000), UINT64_C(0x4f8b588e368f0846), 52}, // 5^5
    {UINT64_C(0xf424000000000000), UINT64_C(0x0c6f7a0b5ed8d36b), 50}, // 5^6
    {UINT64_C(0x9896800000000000), UINT64_C(0xad7f29abcaf48578), 47}, // 5^7
    {UINT64_C(0xbebc200000000000), UINT64_C(0x5798ee2308c39df9), 45}, // 5^8
    {UINT64_C(0xee6b280000000000), UINT64_C(0x12e0be826d694b2e), 43}, // 5^9
    {UINT64_C(0x9502f90000000000), UINT64_C(0xb7cdfd9d7bdbab7d), 40}, // 5^10
    {UINT64_C(0xba43b74000000000), UINT64_C(0x5fd7fe17964955fd), 38}, // 5^11
    {UINT64_C(0xe8d4a51000000000), UINT64_C(0x19799812dea11197), 36}, // 5^12
    {UINT64_C(0x9184e72a00000000), UINT64_C(0xc25c268497681c26), 33}, // 5^13
    {UINT64_C(0xb5e620f480000000), UINT64_C(0x6849b86a12b9b01e), 31}, // 5^14
    {UINT64_C(0xe35fa931a0000000), UINT64_C(0x203af9ee756159b2), 29}, // 5^15
    {UINT64_C(0x8e1bc9bf04000000), UINT64_C(0xcd2b297d889bc2b6), 26}, // 5^16
    {UINT64_C(0xb1a2bc2ec5000000), UINT64_C(0x70ef54646d496892), 24}, // 5^17
    {UINT64_C(0xde0b6b3a76400000), UINT64_C(0x2725dd1d243aba0e), 22}, // 5^18
    {UINT64_C(0x8ac7230489e80000), UINT64_C(0xd83c94fb6d2ac34a), 19}, // 5^19
    {UINT64_C(0xad78ebc5ac620000), UINT64_C(0x79ca10c9242235d5), 17}, // 5^20
    {UINT64_C(0xd8d726b7177a8000), UINT64_C(0x2e3b40a0e9b4f7dd), 15}, // 5^21
    {UINT64_C(0x878678326eac9000), UINT64_C(0xe392010175ee5962), 12}, // 5^22
    {UINT64_C(0xa968163f0a57b400), UINT64_C(0x82db34012b25144e), 10}, // 5^23
    {UINT64_C(0xd3c21bcecceda100), UINT64_C(0x357c299a88ea76a5), 8},  // 5^24
    {UINT64_C(0x84595161401484a0), UINT64_C(0xef2d0f5da7dd8aa2), 5},  // 5^25
    {UINT64_C(0xa56fa5b99019a5c8), UINT64_C(0x8c240c4aecb13bb5), 3},  // 5^26
    {UINT64_C(0xcecb8f27f4200f3a), UINT64_C(0x3ce9a36f23c0fc90), 1},  // 5^27
};

// Digit of (*rem, next) / d, *rem < d; the remainder back in *rem.
static uint64_t digit_by(const struct inverse *k, uint64_t *rem, uint64_t next)
{
    u128 q = (u128)k->v * *rem + ((u128)*rem << 64 | next);
    uint64_t q1 = (uint64_t)(q >> 64) + 1;
    uint64_t r = next - q1 * k->d;
    if (r > (uint64_t)q) {
        q1--;
        r += k->d;
    }
    if (__builtin_expect(r >= k->d, 0)) {
        q1++;
        r -= k->d;
    }
    *rem = r;
    return q1;
}

static bool cut_off(uint64_t low, unsigned n, uint64_t rem)
{
    return rem != 0 || (low & (((uint64_t)1 << n) - 1)) != 0;
}

u128 u128_div10(u128 a, unsigned n, bool *exact)
{
    const struct inverse *k = &INVERSE[n];
    u128 x = a >> n; // by 2^n, then by 5^n
    uint64_t rem = (uint64_t)(x >> 64) >> (64 - k->shift);
    x <<= k->shift;
    uint64_t q1 = digit_by(k, &rem, (uint64_t)(x >> 64)), q0 = digit_by(k, &rem, (uint64_t)x);
    *exact = !cut_off((uint64_t)a, n, rem);
    return (u128)q1 << 64 | q0;
}

// The same of a magnitude, which may be 2^255.
static i256 mag_div10(i256 a, unsigned n, bool *exact)
{
    const struct inverse *k = &INVERSE[n];
    i256 q, x = i256_sar(a, n);
    if (is_neg(a))
        x.w[LIMBS - 1] &= UINT64_MAX >> n;
    uint64_t rem = x.w[LIMBS - 1] >> (64 - k->shift);
    x = i256_shl(x, k->shift);
    for (int i = LIMBS - 1; i >= 0; i--)
        q.w[i] = digit_by(k, &rem, x.w[i]);
    *exact = !cut_off(a.w[0], n, rem);
    return q;
}

i256 i256_div10_floor_long(i256 a, unsigned n)
{
    if (n > I256_DIV10_MAX)
        return i256_div_floor(a, i256_pow10(n));
    bool exact;
    i256 q = mag_div10(i256_abs(a), n, &exact);
    if (!is_neg(a))
        return q;
    return i256_neg(exact ? q : i256_add(q, i256_from_i64(1)));
}

i256 i256_div10_ceil_long(i256 a, unsigned n)
{
    if (n > I256_DIV10_MAX)
        return i256_div_ceil(a, i256_pow10(n));
    bool exact;
    i256 q = mag_div10(i256_abs(a), n, &exact);
    if (is_neg(a))
        return i256_neg(q);
    return exact ? q : i256_add(q, i256_from_i64(1));
}

static uint64_t pow10_u64(unsigned n) // n <= 19
{
    uint64_t r = 1;
    while (n--)
        r *= 10;
    return r;
}

i256 i256_pow10(unsigned n)
{
    assert(n <= 76); // 10^77 > 2^255
    i256 r = i256_from_i64(1);
    for (; n > 18; n -= 18)
        r = i256_mul_i64(r, (int64_t)pow10_u64(18));
    return i256_mul_i64(r, (int64_t)pow10_u64(n));
}

bool i256_add_ovf(i256 a, i256 b, i256 *out)
{
    *out = i256_add(a, b);
    return is_neg(a) == is_neg(b) && is_neg(*out) != is_neg(a);
}

bool i256_sub_ovf(i256 a, i256 b, i256 *out)
{
    *out = i256_sub(a, b);
    return is_neg(a) != is_neg(b) && is_neg(*out) != is_neg(a);
}

bool i256_mul_ovf(i256 a, i256 b, i256 *out)
{
    *out = i256_mul(a, b);
    if (i256_bits(a) + i256_bits(b) <= 255)
        return false;
    // Full product of the magnitudes. It fits when the high half is 0 and the wrapped result has the sign of
    // the true one (this lets -2^255 through and nothing else beyond).
    i256 x = i256_abs(a), y = i256_abs(b);
    uint64_t full[2 * LIMBS] = {0};
    for (int i = 0; i < LIMBS; i++) {
        u128 c = 0;
        for (int j = 0; j < LIMBS; j++) {
            c += (u128)x.w[i] * y.w[j] + full[i + j];
            full[i + j] = (uint64_t)c;
            c >>= 64;
        }
        full[i + LIMBS] = (uint64_t)c;
    }
    if ((full[4] | full[5] | full[6] | full[7]) != 0)
        return true;
    return i256_sign(a) != 0 && i256_sign(b) != 0 && is_neg(*out) != (is_neg(a) != is_neg(b));
}

unsigned i256_bits(i256 a)
{
    i256 m = i256_abs(a);
    int n = mag_limbs(m);
    if (n == 0)
        return 0;
    return (unsigned)n * 64 - (unsigned)__builtin_clzll(m.w[n - 1]);
}

double i256_to_double(i256 a)
{
    i256 m = i256_abs(a);
    double r = 0;
    for (int i = LIMBS - 1; i >= 0; i--)
        r = r * 18446744073709551616.0 + (double)m.w[i];
    return is_neg(a) ? -r : r;
}

int i256_parse(const char *s, i256 *out)
{
    bool neg = *s == '-';
    s += neg;
    if (!*s)
        return -1;
    i256 v = I256_ZERO; // built downwards, so that -2^255 is reached without overflow
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return -1;
        if (i256_mul_ovf(v, i256_from_i64(10), &v) || i256_sub_ovf(v, i256_from_i64(*s - '0'), &v))
            return -1;
    }
    if (!neg && i256_sub_ovf(I256_ZERO, v, &v))
        return -1;
    *out = v;
    return 0;
}

size_t i256_format(i256 a, char *buf, size_t size)
{
    char tmp[I256_DIGITS_MAX];
    size_t at = sizeof tmp;
    i256 m = i256_abs(a);
    tmp[--at] = '\0';
    do { // 19 digits a division
        i256 rem;
        m = mag_div_limb(m, pow10_u64(19), &rem);
        uint64_t d = rem.w[0];
        for (int k = 0; k < 19 && (d != 0 || mag_limbs(m) != 0 || k == 0); k++, d /= 10)
            tmp[--at] = (char)('0' + d % 10);
    } while (mag_limbs(m) != 0);
    if (is_neg(a))
        tmp[--at] = '-';
    size_t len = sizeof tmp - at;
    if (len > size) {
        if (size > 0)
            buf[0] = '\0';
        return 0;
    }
    memcpy(buf, tmp + at, len);
    return len - 1;
}
