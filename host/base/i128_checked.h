// SPDX-License-Identifier: Apache-2.0
// Integers of 128 bits as a Rust program has them that checks every operation: a result that does not fit, a
// division by zero and a cast that loses something are errors, of which the first is kept (checked.h). Names
// of the errors are those of the programs on Solana that calculate so. A failed operation gives 0, so code
// may go on and look once, where it would branch on what it got.
// ci_: signed, cu_: unsigned. Pure functions; any thread.
#ifndef TRIPLINE_PROTOCOLS_I128_CHECKED_H
#define TRIPLINE_PROTOCOLS_I128_CHECKED_H

#include "base/checked.h"

#define CI_MATH    "MathError"      // overflow, or a division by 0
#define CI_CASTING "CastingFailure" // a value that the narrower type does not hold

#define I128_MAX ((i128)(~(u128)0 >> 1))
#define I128_MIN (-I128_MAX - 1)
#define U128_MAX (~(u128)0)

i128 ci_add(struct checked *c, i128 a, i128 b);
i128 ci_sub(struct checked *c, i128 a, i128 b);
i128 ci_mul(struct checked *c, i128 a, i128 b);
i128 ci_div(struct checked *c, i128 a, i128 b);       // toward 0
i128 ci_div_floor(struct checked *c, i128 a, i128 b); // toward minus infinity; b > 0
i128 ci_fit(struct checked *c, i128 v,
            unsigned bits);                 // v as a signed integer of 32, 64 bits; else CI_CASTING
u128 ci_to_u128(struct checked *c, i128 v); // CI_CASTING when negative
u128 ci_abs(i128 v);                        // |v|, for every v
i128 ci_sat_add(i128 a, i128 b);            // the nearest that fits

u128 cu_add(struct checked *c, u128 a, u128 b);
u128 cu_sub(struct checked *c, u128 a, u128 b);
u128 cu_mul(struct checked *c, u128 a, u128 b);
u128 cu_div(struct checked *c, u128 a, u128 b);           // floor
u128 cu_div_up(struct checked *c, u128 a, u128 b);        // ceiling
u128 cu_fit(struct checked *c, u128 v, unsigned bits);    // v as an unsigned integer of 32, 64 bits
u128 cu_within(struct checked *c, u128 v, unsigned bits); // the same, of an addition or product: CI_MATH
i128 cu_to_i128(struct checked *c, u128 v);
u128 cu_sat_sub(u128 a, u128 b); // 0 when a < b
u128 cu_sat_mul(u128 a, u128 b); // U128_MAX when it does not fit
u128 cu_sqrt(u128 v);            // floor
u128 cu_pow10(unsigned n);       // n <= 38
static inline u128 cu_min(u128 a, u128 b)
{
    return a < b ? a : b;
}
static inline u128 cu_max(u128 a, u128 b)
{
    return a > b ? a : b;
}

#endif
