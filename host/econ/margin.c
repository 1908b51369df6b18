// SPDX-License-Identifier: Apache-2.0
#include "econ/margin.h"

static i256 times(i128 a, i128 b)
{
    i256 p = i256_mul_u128((u128)econ_abs(a), (u128)econ_abs(b));
    return (a < 0) != (b < 0) ? i256_neg(p) : p;
}

i128 econ_part_floor(i128 a, i128 b, i128 c)
{
    return i256_to_i128(i256_div_floor(times(a, b), i256_from_i128(c)));
}

i128 econ_part_ceil(i128 a, i128 b, i128 c)
{
    return i256_to_i128(i256_div_ceil(times(a, b), i256_from_i128(c)));
}

i128 margin_need(i128 value, uint32_t ppm)
{
    return econ_part_ceil(econ_abs(value), ppm, ECON_PPM);
}

// a * b / c towards zero
static i128 part(i128 a, i128 b, i128 c)
{
    return i256_to_i128(i256_div_trunc(times(a, b), i256_from_i128(c)));
}

void margin_trade(struct margin *a, i128 d, i128 q)
{
    i128 size = a->size + d;
    if (a->size == 0 || econ_sign(a->size) == econ_sign(d))
        a->cost -= q;
    else if (econ_abs(d) <= econ_abs(a->size))
        a->cost = part(a->cost, econ_abs(size), econ_abs(a->size));
    else // through zero: only what is beyond it was opened
        a->cost = part(-q, econ_abs(size), econ_abs(d));
    a->size = size;
    a->cash += q;
}

bool margin_fits(const struct margin *a, i128 price, i128 per)
{
    return econ_abs(a->cash) <= ECON_MOST && econ_abs(a->size) <= ECON_MOST &&
           econ_abs(a->cost) <= ECON_MOST && price > 0 && price <= ECON_MOST && per > 0 && per <= ECON_MOST &&
           econ_abs(margin_value(a->size, price, per)) <= ECON_MOST;
}
