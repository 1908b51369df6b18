// SPDX-License-Identifier: Apache-2.0
#include "econ/bankruptcy.h"

bool bankruptcy_quote(i128 dvalue, i128 equity, i128 dneed, i128 need, i128 *quote)
{
    if (need <= 0 || dneed < 0 || dneed > need)
        return false;
    *quote = -dvalue - econ_part_floor(equity, dneed, need);
    return true;
}

i128 bankruptcy_of(const struct margin *a, i128 d, i128 price, i128 per, uint32_t maintenance_ppm)
{
    i128 before = margin_value(a->size, price, per), after = margin_value(a->size + d, price, per);
    i128 need = margin_need(before, maintenance_ppm), left = margin_need(after, maintenance_ppm), quote = 0;
    i128 equity = a->cash + before;
    if (!bankruptcy_quote(after - before, equity, need - left, need, &quote))
        quote = before - after - econ_part_floor(equity, econ_abs(d), econ_abs(a->size));
    return quote;
}

i128 insurance_delta(i128 fill, i128 bankrupt, uint32_t fee_ppm)
{
    i128 delta = fill - bankrupt;
    if (delta <= 0)
        return delta;
    return econ_min(delta, econ_part_floor(econ_abs(fill), fee_ppm, ECON_PPM));
}
