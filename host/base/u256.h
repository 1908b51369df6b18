// SPDX-License-Identifier: Apache-2.0
// Unsigned integers of 256 bits, the word of the EVM: what a contract's arithmetic gives, bit for bit. Every
// operation that a contract would revert on says so instead of wrapping. base/wide.h has the signed kind,
// which the hot path uses. Pure functions, no state, no allocation; any thread.
#ifndef TRIPLINE_BASE_U256_H
#define TRIPLINE_BASE_U256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wide.h"

typedef struct {
    uint64_t w[4]; // w[0] the least significant
} u256;

enum { U256_DIGITS_MAX = 79 }; // 78 digits and a terminator

#define U256_ZERO ((u256){{0, 0, 0, 0}})
#define U256_MAX  ((u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}})

static inline u256 u256_from_u64(uint64_t v)
{
    return (u256){{v, 0, 0, 0}};
}
static inline u256 u256_from_u128(u128 v)
{
    return (u256){{(uint64_t)v, (uint64_t)(v >> 64), 0, 0}};
}
static inline bool u256_is_zero(u256 a)
{
    return (a.w[0] | a.w[1] | a.w[2] | a.w[3]) == 0;
}
int u256_cmp(u256 a, u256 b); // <0, 0, >0
unsigned u256_bits(u256 a);   // 0 for 0
bool u256_fits_u128(u256 a);
u128 u256_to_u128(u256 a);   // the low 128 bits
u256 u256_pow10(unsigned n); // n <= 77

// The result modulo 2^256 in *out; true when it does not fit (then a contract reverts).
bool u256_add(u256 a, u256 b, u256 *out);
bool u256_sub(u256 a, u256 b, u256 *out); // true when a < b
bool u256_mul(u256 a, u256 b, u256 *out);
// Floor; *rest may be NULL. b is not 0.
u256 u256_div(u256 a, u256 b, u256 *rest);
// floor(a * b / c) with the product exact in 512 bits; *rest likewise. True: it does not fit, or c is 0.
bool u256_mul_div(u256 a, u256 b, u256 c, u256 *out, u256 *rest);
u256 u256_shl(u256 a, unsigned n); // n < 256, modulo 2^256
u256 u256_shr(u256 a, unsigned n);
u256 u256_sqrt(u256 a); // floor

// Decimal digits only (no sign, no exponent, no blanks) or 0x and hexadecimal ones. False: text is none, or
// the number does not fit.
bool u256_parse(const char *text, u256 *out);
void u256_format(u256 a, char out[U256_DIGITS_MAX]); // decimal

#endif
