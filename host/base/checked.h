// SPDX-License-Identifier: Apache-2.0
// A contract's arithmetic: the first operation that would revert is remembered, and nothing after it counts.
// Formulas then read as they stand in the contract; the caller looks at `why` once, at the end.
// Unsigned results are 0 after a failure. Pure functions; any thread.
#ifndef TRIPLINE_BASE_CHECKED_H
#define TRIPLINE_BASE_CHECKED_H

#include "base/u256.h"

struct checked {
    const char *why; // NULL: no operation has failed. Static text
};

void ck_fail(struct checked *c, const char *why); // keeps the first
u256 ck_add(struct checked *c, u256 a, u256 b);
u256 ck_sub(struct checked *c, u256 a, u256 b); // fails when a < b
u256 ck_mul(struct checked *c, u256 a, u256 b);
u256 ck_div(struct checked *c, u256 a, u256 b);             // floor; fails when b is 0
u256 ck_div_up(struct checked *c, u256 a, u256 b);          // ceiling
u256 ck_mul_div(struct checked *c, u256 a, u256 b, u256 d); // floor(a * b / d); the product must fit 256 bits
u256 ck_mul_div_up(struct checked *c, u256 a, u256 b, u256 d); // ceiling; the product must fit 256 bits
u256 ck_full_div(struct checked *c, u256 a, u256 b, u256 d);   // floor, the product in 512 bits
u256 ck_full_div_up(struct checked *c, u256 a, u256 b, u256 d);
u256 ck_u64(uint64_t v);
u256 ck_min(u256 a, u256 b);
u256 ck_max(u256 a, u256 b);
static inline bool ck_lt(u256 a, u256 b)
{
    return u256_cmp(a, b) < 0;
}
static inline bool ck_ok(const struct checked *c)
{
    return c->why == NULL;
}

#endif
