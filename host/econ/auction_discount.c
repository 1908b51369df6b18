// SPDX-License-Identifier: Apache-2.0
#include "econ/auction_discount.h"

enum { FACTOR_DIGITS = 18, CONFIG = 10000, ASSETS_BITS = 112 };

static u256 least_factor(uint32_t most)
{
    u256 one = u256_pow10(FACTOR_DIGITS), less;
    (void)u256_mul(one, u256_from_u64(most), &less);
    (void)u256_sub(one, u256_div(less, u256_from_u64(CONFIG), NULL), &less);
    return less;
}

u256 discount_factor(struct checked *c, u256 adjusted, u256 liability_value, uint32_t most)
{
    if (most > CONFIG)
        ck_fail(c, "a discount above 10000");
    u256 health = ck_mul_div(c, adjusted, u256_pow10(FACTOR_DIGITS), liability_value);
    return ck_ok(c) ? ck_max(health, least_factor(most)) : U256_ZERO;
}

static u256 to_assets(struct checked *c, u256 v)
{
    if (u256_bits(v) > ASSETS_BITS)
        ck_fail(c, "E_AmountTooLargeToEncode");
    return v;
}

struct discount_out discount_most(struct checked *c, const struct discount *d)
{
    struct discount_out o = {0};
    if (u256_is_zero(d->liability) || u256_is_zero(d->liability_value) ||
        u256_cmp(d->adjusted, d->liability_value) > 0)
        return o;
    o.violation = true;
    o.factor = discount_factor(c, d->adjusted, d->liability_value, d->most);
    if (u256_is_zero(d->collateral_value)) { // worth nothing, or too little to be told: free
        o.yield = d->balance;
        return o;
    }
    u256 one = u256_pow10(FACTOR_DIGITS), pays = d->liability_value,
         gets = ck_mul_div(c, pays, one, o.factor);
    if (ck_lt(d->collateral_value, gets)) {
        pays = ck_mul_div(c, d->collateral_value, o.factor, one);
        gets = d->collateral_value;
    }
    o.repay = to_assets(c, ck_mul_div(c, pays, d->liability, d->liability_value));
    o.yield = ck_mul_div(c, gets, d->balance, d->collateral_value);
    return ck_ok(c) ? o : (struct discount_out){0};
}

struct discount_out discount_part(struct checked *c, const struct discount *d, u256 repay)
{
    struct discount_out o = discount_most(c, d);
    if (u256_cmp(repay, o.repay) > 0)
        ck_fail(c, "E_ExcessiveRepayAmount");
    if (ck_ok(c) && !u256_is_zero(o.repay)) {
        o.yield = ck_mul_div(c, repay, o.yield, o.repay);
        o.repay = repay;
    }
    return ck_ok(c) ? o : (struct discount_out){0};
}

u256 discount_reached(struct checked *c, u256 liability_value, uint32_t most, u256 factor)
{
    if (most > CONFIG || ck_lt(factor, least_factor(most)))
        ck_fail(c, "the discount does not grow so far");
    // floor(adjusted 1e18 / debt) <= factor  <=>  adjusted 1e18 < (factor + 1) debt
    u256 edge = ck_mul(c, ck_add(c, factor, ck_u64(1)), liability_value);
    u256 at = ck_div(c, ck_sub(c, edge, ck_u64(1)), u256_pow10(FACTOR_DIGITS));
    return ck_min(at, liability_value); // above the debt there is no violation, whatever the factor
}
