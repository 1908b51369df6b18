// SPDX-License-Identifier: Apache-2.0
#include "chain/adapter.h"

static struct answer reverts(void)
{
    return (struct answer){I256_ZERO, true};
}
static struct answer is(i256 v)
{
    return (struct answer){v, false};
}

// The highest ratio that counts at `time` (s). Before the snapshot the contract reverts.
static struct answer ratio_cap_at(const struct ratio_cap *c, uint64_t time)
{
    i256 grown, cap;
    if (time < c->since || c->scale == 0)
        return reverts();
    if (i256_mul_ovf(c->growth, i256_from_u128(time - c->since), &grown))
        return reverts();
    if (i256_add_ovf(c->snapshot, i256_div_floor(grown, i256_from_u128(c->scale)), &cap))
        return reverts();
    return is(cap);
}

struct answer adapter_capped_ratio(const struct ratio_cap *c, i256 base, i256 ratio, uint64_t time)
{
    if (i256_sign(base) <= 0 || i256_sign(ratio) <= 0)
        return is(I256_ZERO);
    struct answer cap = ratio_cap_at(c, time);
    i256 product;
    if (cap.reverts || i256_mul_ovf(base, i256_min(cap.value, ratio), &product))
        return reverts();
    return is(i256_div10_floor(product, c->decimals));
}

struct answer adapter_capped_stable(i256 price, i256 cap)
{
    if (i256_cmp(price, cap) > 0)
        return is(cap);
    return is(i256_sign(price) <= 0 ? I256_ZERO : price);
}

struct answer adapter_product(i256 asset, i256 peg, uint32_t decimals, uint32_t feed_decimals)
{
    if (i256_sign(asset) <= 0 || i256_sign(peg) <= 0)
        return is(I256_ZERO);
    i256 product;
    if (i256_mul_ovf(asset, peg, &product) || i256_mul_ovf(product, i256_pow10(decimals), &product))
        return reverts();
    return is(i256_div10_floor(product, feed_decimals));
}
