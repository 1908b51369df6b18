// SPDX-License-Identifier: Apache-2.0
#include "base/checked.h"

static const char OVERFLOW[] = "arithmetic overflow", UNDERFLOW[] = "arithmetic underflow",
                  BY_ZERO[] = "division by zero";

void ck_fail(struct checked *c, const char *why)
{
    if (!c->why)
        c->why = why;
}

// What an operation gave: 0 once something has failed.
static u256 given(struct checked *c, bool bad, const char *why, u256 v)
{
    if (bad)
        ck_fail(c, why);
    return c->why ? U256_ZERO : v;
}

u256 ck_add(struct checked *c, u256 a, u256 b)
{
    u256 r;
    bool bad = u256_add(a, b, &r);
    return given(c, bad, OVERFLOW, r);
}

u256 ck_sub(struct checked *c, u256 a, u256 b)
{
    u256 r;
    bool bad = u256_sub(a, b, &r);
    return given(c, bad, UNDERFLOW, r);
}

u256 ck_mul(struct checked *c, u256 a, u256 b)
{
    u256 r;
    bool bad = u256_mul(a, b, &r);
    return given(c, bad, OVERFLOW, r);
}

u256 ck_div(struct checked *c, u256 a, u256 b)
{
    if (u256_is_zero(b))
        return given(c, true, BY_ZERO, a);
    return given(c, false, NULL, u256_div(a, b, NULL));
}

u256 ck_div_up(struct checked *c, u256 a, u256 b)
{
    if (u256_is_zero(b))
        return given(c, true, BY_ZERO, a);
    u256 rest, q = u256_div(a, b, &rest);
    if (!u256_is_zero(rest))
        (void)u256_add(q, u256_from_u64(1), &q); // b > 1 here, so q is no more than half the range
    return given(c, false, NULL, q);
}

u256 ck_mul_div(struct checked *c, u256 a, u256 b, u256 d)
{
    return ck_div(c, ck_mul(c, a, b), d);
}

u256 ck_mul_div_up(struct checked *c, u256 a, u256 b, u256 d)
{
    return ck_div_up(c, ck_mul(c, a, b), d);
}

static u256 full(struct checked *c, u256 a, u256 b, u256 d, u256 *rest)
{
    u256 q;
    bool bad = u256_mul_div(a, b, d, &q, rest);
    return given(c, bad, u256_is_zero(d) ? BY_ZERO : OVERFLOW, q);
}

u256 ck_full_div(struct checked *c, u256 a, u256 b, u256 d)
{
    u256 rest;
    return full(c, a, b, d, &rest);
}

u256 ck_full_div_up(struct checked *c, u256 a, u256 b, u256 d)
{
    u256 rest, q = full(c, a, b, d, &rest);
    return u256_is_zero(rest) || c->why ? q : ck_add(c, q, u256_from_u64(1));
}

u256 ck_u64(uint64_t v)
{
    return u256_from_u64(v);
}

u256 ck_min(u256 a, u256 b)
{
    return ck_lt(b, a) ? b : a;
}

u256 ck_max(u256 a, u256 b)
{
    return ck_lt(a, b) ? b : a;
}
