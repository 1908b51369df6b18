// SPDX-License-Identifier: Apache-2.0
#include "accounts/reciprocal.h"

#include "base/wide.h"

int64_t reciprocal_price(int64_t price, unsigned dec_p, unsigned dec_r)
{
    if (price <= 0 || dec_p > 18 || dec_r > 18)
        return 0;
    u128 num = 1; // 10^36 < 2^120
    for (unsigned i = 0; i < dec_p + dec_r; i++)
        num *= 10;
    u128 p = (u128)(uint64_t)price;
    u128 r = (num + p / 2) / p;
    return r > (u128)INT64_MAX ? 0 : (int64_t)r;
}
