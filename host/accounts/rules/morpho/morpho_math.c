// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/morpho/morpho_math.h"

static u256 wad(void)
{
    return u256_from_u64(MORPHO_WAD);
}

u256 morpho_price_scale(void)
{
    return u256_pow10(36);
}

u256 morpho_down(struct checked *c, u256 a, u256 b, u256 d)
{
    return ck_div(c, ck_mul(c, a, b), d);
}

u256 morpho_up(struct checked *c, u256 a, u256 b, u256 d)
{
    // Not ck_mul_div_up: the contract's sum can overflow where the quotient does not.
    u256 product = ck_mul(c, a, b);
    return ck_div(c, ck_add(c, product, ck_sub(c, d, u256_from_u64(1))), d);
}

u256 morpho_wmul_down(struct checked *c, u256 a, u256 b)
{
    return morpho_down(c, a, b, wad());
}

u256 morpho_wdiv_down(struct checked *c, u256 a, u256 b)
{
    return morpho_down(c, a, wad(), b);
}

u256 morpho_wdiv_up(struct checked *c, u256 a, u256 b)
{
    return morpho_up(c, a, wad(), b);
}

u256 morpho_taylor(struct checked *c, u256 rate, u256 seconds)
{
    u256 first = ck_mul(c, rate, seconds);
    u256 second = morpho_down(c, first, first, u256_from_u64(2 * MORPHO_WAD));
    u256 third = morpho_down(c, second, first, u256_from_u64(3 * MORPHO_WAD));
    return ck_add(c, ck_add(c, first, second), third);
}

// What the contract adds so that an empty pool has a price too.
static u256 with_virtual_shares(struct checked *c, u256 shares)
{
    return ck_add(c, shares, u256_from_u64(1000000));
}

static u256 with_virtual_assets(struct checked *c, u256 assets)
{
    return ck_add(c, assets, u256_from_u64(1));
}

u256 morpho_shares_down(struct checked *c, u256 amount, u256 assets, u256 shares)
{
    return morpho_down(c, amount, with_virtual_shares(c, shares), with_virtual_assets(c, assets));
}

u256 morpho_shares_up(struct checked *c, u256 amount, u256 assets, u256 shares)
{
    return morpho_up(c, amount, with_virtual_shares(c, shares), with_virtual_assets(c, assets));
}

u256 morpho_assets_down(struct checked *c, u256 amount, u256 assets, u256 shares)
{
    return morpho_down(c, amount, with_virtual_assets(c, assets), with_virtual_shares(c, shares));
}

u256 morpho_assets_up(struct checked *c, u256 amount, u256 assets, u256 shares)
{
    return morpho_up(c, amount, with_virtual_assets(c, assets), with_virtual_shares(c, shares));
}

u256 morpho_add128(struct checked *c, u256 a, u256 b)
{
    u256 sum = ck_add(c, a, b);
    if (!u256_fits_u128(sum)) {
        ck_fail(c, "uint128 overflow");
        return U256_ZERO;
    }
    return sum;
}

u256 morpho_sub128(struct checked *c, u256 a, u256 b)
{
    return ck_sub(c, a, b);
}

u256 morpho_to128(struct checked *c, u256 a)
{
    if (u256_fits_u128(a))
        return a;
    ck_fail(c, MORPHO_WIDTH);
    return U256_ZERO;
}
