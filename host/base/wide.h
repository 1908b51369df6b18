// SPDX-License-Identifier: Apache-2.0
// Exact integers wider than the machine's: 128 bits from the compiler, 256 bits here. All rules, the row
// compiler and settlement calculate in these; no floating point decides anything.
// i256 is two's complement, w[0] the least significant limb. Arithmetic wraps modulo 2^256; callers keep
// inside by the bounds they state; where a bound comes from outside, the checked forms (_ovf) report a result
// that does not fit. Pure functions, no state, no allocation; any thread.
#ifndef TRIPLINE_BASE_WIDE_H
#define TRIPLINE_BASE_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

typedef struct {
    uint64_t w[4];
} i256;

enum {
    I256_DIGITS_MAX = 80, // sign, 77 digits, terminator
    I256_DIV10_MAX = 27,  // 5^27 < 2^64
};

static inline i256 i256_from_i128(i128 v)
{
    uint64_t s = v < 0 ? UINT64_MAX : 0;
    return (i256){{(uint64_t)(u128)v, (uint64_t)((u128)v >> 64), s, s}};
}
static inline i256 i256_from_u128(u128 v)
{
    return (i256){{(uint64_t)v, (uint64_t)(v >> 64), 0, 0}};
}
static inline i256 i256_from_i64(int64_t v)
{
    return i256_from_i128(v);
}

#define I256_ZERO ((i256){{0, 0, 0, 0}})

// What every rule does thousands of times is inline: in halves of 128 bits, which the compiler turns into
// carries.
static inline u128 i256_lo(i256 a)
{
    return (u128)a.w[1] << 64 | a.w[0];
}
static inline u128 i256_hi(i256 a)
{
    return (u128)a.w[3] << 64 | a.w[2];
}
static inline i256 i256_join(u128 lo, u128 hi)
{
    return (i256){{(uint64_t)lo, (uint64_t)(lo >> 64), (uint64_t)hi, (uint64_t)(hi >> 64)}};
}
static inline i256 i256_add(i256 a, i256 b)
{
    u128 lo = i256_lo(a) + i256_lo(b);
    return i256_join(lo, i256_hi(a) + i256_hi(b) + (lo < i256_lo(a)));
}
static inline i256 i256_sub(i256 a, i256 b)
{
    u128 lo = i256_lo(a) - i256_lo(b);
    return i256_join(lo, i256_hi(a) - i256_hi(b) - (i256_lo(a) < i256_lo(b)));
}
static inline i256 i256_neg(i256 a)
{
    return i256_sub(I256_ZERO, a);
}
static inline int i256_cmp(i256 a, i256 b) // <0, 0, >0
{
    i128 ah = (i128)i256_hi(a), bh = (i128)i256_hi(b);
    if (ah != bh)
        return ah < bh ? -1 : 1;
    return i256_lo(a) == i256_lo(b) ? 0 : i256_lo(a) < i256_lo(b) ? -1 : 1;
}
static inline int i256_sign(i256 a) // -1, 0, 1
{
    if (a.w[3] >> 63)
        return -1;
    return (a.w[0] | a.w[1] | a.w[2] | a.w[3]) != 0;
}
static inline i256 i256_abs(i256 a)
{
    return a.w[3] >> 63 ? i256_neg(a) : a;
}
static inline bool i256_fits_i64(i256 a)
{
    uint64_t s = a.w[0] >> 63 ? UINT64_MAX : 0;
    return a.w[1] == s && a.w[2] == s && a.w[3] == s;
}
static inline bool i256_fits_i128(i256 a)
{
    uint64_t s = a.w[1] >> 63 ? UINT64_MAX : 0;
    return a.w[2] == s && a.w[3] == s;
}
static inline int64_t i256_to_i64(i256 a) // low 64 bits; check i256_fits_i64 first
{
    return (int64_t)a.w[0];
}
static inline i128 i256_to_i128(i256 a) // low 128 bits; check i256_fits_i128 first
{
    return (i128)i256_lo(a);
}
static inline i256 i256_mul_u128(u128 a, u128 b) // exact
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    u128 low = (u128)a0 * b0, x = (u128)a0 * b1, y = (u128)a1 * b0;
    u128 mid = (low >> 64) + (uint64_t)x + (uint64_t)y; // < 3 * 2^64
    return i256_join(mid << 64 | (uint64_t)low, (u128)a1 * b1 + (x >> 64) + (y >> 64) + (mid >> 64));
}
i256 i256_mul_limbs(i256 a, i256 b);        // i256_mul's long way
static inline i256 i256_mul(i256 a, i256 b) // low 256 bits
{
    if (i256_fits_i64(a) && i256_fits_i64(b))
        return i256_from_i128((i128)(int64_t)a.w[0] * (int64_t)b.w[0]);
    return i256_mul_limbs(a, b);
}
static inline i256 i256_mul_i64(i256 a, int64_t b) // low 256 bits
{
    if (i256_fits_i64(a))
        return i256_from_i128((i128)(int64_t)a.w[0] * b);
    uint64_t m = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    u128 p0 = (u128)a.w[0] * m;
    u128 p1 = (u128)a.w[1] * m + (uint64_t)(p0 >> 64);
    u128 p2 = (u128)a.w[2] * m + (uint64_t)(p1 >> 64);
    uint64_t top = a.w[3] * m + (uint64_t)(p2 >> 64);
    i256 r = {{(uint64_t)p0, (uint64_t)p1, (uint64_t)p2, top}};
    return b < 0 ? i256_neg(r) : r;
}
i256 i256_shl(i256 a, unsigned n);   // n >= 256 gives 0
i256 i256_sar(i256 a, unsigned n);   // floor(a / 2^n), n >= 256 gives 0 or -1
i256 i256_div_trunc(i256 a, i256 b); // towards zero; b must not be 0
i256 i256_div_floor(i256 a, i256 b); // towards minus infinity
i256 i256_div_ceil(i256 a, i256 b);  // towards plus infinity
i256 i256_pow10(unsigned n);         // n <= 76
// Checked: true when the exact result does not fit i256 (*out then holds its low 256 bits).
bool i256_add_ovf(i256 a, i256 b, i256 *out);
bool i256_sub_ovf(i256 a, i256 b, i256 *out);
bool i256_mul_ovf(i256 a, i256 b, i256 *out);
unsigned i256_bits(i256 a);    // bit length of |a|; 0 for 0
double i256_to_double(i256 a); // for display only
// Decimal text: optional '-', digits only; the whole string must be consumed and fit. 0 or -1.
int i256_parse(const char *s, i256 *out);
// Writes decimal text and a terminator into buf (I256_DIGITS_MAX bytes are enough); returns its length. When
// it does not fit: 0 and, if size > 0, the empty string.
size_t i256_format(i256 a, char *buf, size_t size);
// a / 10^n, n <= 76: what i256_div_floor and i256_div_ceil give, without a division up to I256_DIV10_MAX.
u128 u128_div10(u128 a, unsigned n, bool *exact); // floor, n <= I256_DIV10_MAX; *exact: nothing was cut off
i256 i256_div10_floor_long(i256 a, unsigned n);   // the long way of any a
i256 i256_div10_ceil_long(i256 a, unsigned n);
static inline i256 i256_div10_floor(i256 a, unsigned n)
{
    bool exact;
    if ((a.w[2] | a.w[3]) == 0 && n <= I256_DIV10_MAX)
        return i256_from_u128(u128_div10(i256_lo(a), n, &exact));
    return i256_div10_floor_long(a, n);
}
static inline i256 i256_div10_ceil(i256 a, unsigned n)
{
    if ((a.w[2] | a.w[3]) == 0 && n <= I256_DIV10_MAX) {
        bool exact;
        i256 q = i256_from_u128(u128_div10(i256_lo(a), n, &exact));
        return i256_add(q, i256_from_i64(!exact));
    }
    return i256_div10_ceil_long(a, n);
}
static inline i256 i256_min(i256 a, i256 b)
{
    return i256_cmp(a, b) <= 0 ? a : b;
}
static inline i256 i256_max(i256 a, i256 b)
{
    return i256_cmp(a, b) >= 0 ? a : b;
}

#endif
