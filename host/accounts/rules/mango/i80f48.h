// SPDX-License-Identifier: Apache-2.0
// I80F48: signed fixed point of 128 bits, 48 of them the fraction, as the `fixed` crate (1.11) calculates it.
// Held as its bits: the value is bits / 2^48. Multiplication rounds to minus infinity, division towards zero
// (crate: src/arith.rs; mango-v4: src/i80f48.rs, test_i80f48_mul_rounding, test_i80f48_div). What does not
// fit is a panic of the program and fails *c; the result is 0 then. Pure functions; any thread.
// The few steps that a program takes through f64 (weights scaled by deposits, prices of extreme orders) are
// here too, in integers: round to nearest, ties to even, which is what IEEE 754 has and the crate's
// conversions do (src/float_helper.rs).
#ifndef TRIPLINE_PROTOCOLS_I80F48_H
#define TRIPLINE_PROTOCOLS_I80F48_H

#include "base/checked.h"

enum { FX_FRACTION = 48 };
typedef i128 fx;
#define FX_ONE ((fx)1 << FX_FRACTION)
#define FX_MAX ((fx)(((u128)1 << 127) - 1))

fx fx_add(struct checked *c, fx a, fx b);
fx fx_sub(struct checked *c, fx a, fx b);
fx fx_neg(struct checked *c, fx a);
fx fx_mul(struct checked *c, fx a, fx b); // floor
fx fx_div(struct checked *c, fx a, fx b); // towards zero
fx fx_abs(struct checked *c, fx a);
fx fx_ceil(struct checked *c, fx a); // to a whole number
static inline fx fx_floor(fx a)
{
    return (fx)((u128)a & ~(u128)(FX_ONE - 1));
}
static inline fx fx_min(fx a, fx b)
{
    return a < b ? a : b;
}
static inline fx fx_max(fx a, fx b)
{
    return a > b ? a : b;
}
static inline fx fx_i64(int64_t v)
{
    return (fx)v * FX_ONE;
}
static inline fx fx_u64(uint64_t v)
{
    return (fx)v * FX_ONE;
}
int64_t fx_to_i64(struct checked *c, fx a);  // floor
uint64_t fx_to_u64(struct checked *c, fx a); // floor
int64_t fx_clamp_i64(fx a);                  // floor, cut to the range
i256 fx_wide(fx a);

// Whole numbers as the program has them in i64, checked.
int64_t i64_add(struct checked *c, int64_t a, int64_t b);
int64_t i64_sub(struct checked *c, int64_t a, int64_t b);
int64_t i64_mul(struct checked *c, int64_t a, int64_t b);
int64_t i64_abs(struct checked *c, int64_t a);
int64_t i64_sat_add(int64_t a, int64_t b);
int64_t i64_sat_sub(int64_t a, int64_t b);

// An f64 as m * 2^e, m of 53 bits or 0. The exponent has no limits, so nothing becomes infinite or
// subnormal; both lie far outside what an I80F48 can bring in or take out.
struct soft {
    bool neg;
    uint64_t m;
    int e;
};
#define F64_MAX_BITS 0x7fefffffffffffffu            // f64::MAX
bool soft_of_bits(uint64_t bits, struct soft *out); // false: infinite or no number
bool soft_of_bits32(uint32_t bits, struct soft *out);
struct soft soft_of_fx(fx a);
struct soft soft_of_u64(uint64_t v);
struct soft soft_add(struct checked *c, struct soft a, struct soft b);
struct soft soft_mul(struct soft a, struct soft b);
struct soft soft_div(struct checked *c, struct soft a, struct soft b);
int soft_cmp(struct soft a, struct soft b); // <0, 0, >0
fx fx_of_soft(struct checked *c, struct soft a);
int64_t soft_clamp_i64(struct soft a); // towards zero, cut to the range

#endif
