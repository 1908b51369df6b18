// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/comet/comet.h"

#include <string.h>

#define FACTOR_SCALE ((u256){{UINT64_C(1000000000000000000), 0, 0, 0}})
#define INDEX_SCALE  ((u256){{UINT64_C(1000000000000000), 0, 0, 0}})

enum { PRINCIPAL_BITS = 104, AMOUNT_BITS = 128, SIGNED_BITS = 255 };

static i256 positive(struct checked *k, u256 v) // signed256
{
    if (u256_bits(v) > SIGNED_BITS)
        ck_fail(k, "InvalidInt256");
    return k->why ? I256_ZERO : (i256){{v.w[0], v.w[1], v.w[2], v.w[3]}};
}

static u256 magnitude(i256 v)
{
    i256 a = i256_abs(v);
    return (u256){{a.w[0], a.w[1], a.w[2], a.w[3]}};
}

static u256 price_of(struct checked *k, i256 price) // getPrice
{
    if (i256_sign(price) <= 0)
        ck_fail(k, "BadPrice");
    return k->why ? U256_ZERO : magnitude(price);
}

static u256 mul_factor(struct checked *k, u256 n, u256 factor)
{
    return ck_mul_div(k, n, factor, FACTOR_SCALE);
}

// presentValueBorrow of a principal below zero: the debt, rounded down.
static u256 debt_of(const struct comet *c, struct checked *k)
{
    u256 owed = magnitude(c->principal);
    if (u256_bits(owed) == PRINCIPAL_BITS)
        ck_fail(k, "arithmetic overflow"); // -(-2^103) is no int104
    return ck_mul_div(k, owed, c->borrow_index, INDEX_SCALE);
}

// signedMulPrice of minus the debt: a product in int256, which goes down to -2^255, divided towards zero.
static i256 debt_value(const struct comet *c, struct checked *k)
{
    u256 debt = debt_of(c, k), product = ck_mul(k, debt, price_of(k, c->base_price));
    if (ck_lt(u256_shl(u256_from_u64(1), SIGNED_BITS), product))
        ck_fail(k, "arithmetic overflow");
    u256 v = ck_div(k, product, c->base_scale);
    return i256_neg((i256){{v.w[0], v.w[1], v.w[2], v.w[3]}});
}

static u256 value_of(const struct comet_asset *a, struct checked *k)
{
    return ck_mul_div(k, a->balance, price_of(k, a->price), a->scale);
}

const char *comet_sums(const struct comet *c, u256 *collateral, u256 *debt)
{
    struct checked k = {0};
    i256 owed = i256_sign(c->principal) < 0 ? debt_value(c, &k) : I256_ZERO;
    *collateral = U256_ZERO;
    *debt = magnitude(owed);
    for (unsigned i = 0; i < c->n; i++)
        if (!u256_is_zero(c->asset[i].balance))
            *collateral = ck_add(&k, *collateral,
                                 mul_factor(&k, value_of(&c->asset[i], &k), c->asset[i].liquidate_factor));
    return k.why;
}

bool comet_liquidatable(const struct comet *c, i256 *liquidity, const char **refused)
{
    struct checked k = {0};
    *liquidity = I256_ZERO;
    *refused = NULL;
    if (i256_sign(c->principal) >= 0)
        return false;
    i256 sum = debt_value(c, &k);
    for (unsigned i = 0; i < c->n && ck_ok(&k) && i256_sign(sum) < 0; i++)
        if (!u256_is_zero(c->asset[i].balance))
            sum = i256_add(
                sum, positive(&k, mul_factor(&k, value_of(&c->asset[i], &k), c->asset[i].liquidate_factor)));
    *refused = k.why;
    if (ck_ok(&k))
        *liquidity = sum; // of a negative and a positive number each time: in range
    return ck_ok(&k) && i256_sign(sum) < 0;
}

// Totals of the market: totalSupplyBase and totalBorrowBase, both uint104.
static void move_totals(const struct comet *c, struct checked *k, struct comet_absorbed *out)
{
    if (!c->with_pool)
        return;
    out->total_supply = ck_add(k, c->total_supply, out->new_principal);
    if (u256_bits(out->total_supply) > PRINCIPAL_BITS)
        ck_fail(k, "arithmetic overflow");
    out->total_borrow = ck_sub(k, c->total_borrow, magnitude(c->principal));
}

const char *comet_absorb(const struct comet *c, struct comet_absorbed *out)
{
    struct checked k = {0};
    i256 liquidity;
    const char *refused;
    memset(out, 0, sizeof *out);
    if (c->absorb_paused)
        return "Paused";
    if (!comet_liquidatable(c, &liquidity, &refused))
        return refused ? refused : "NotLiquidatable";
    u256 debt = debt_of(c, &k), price = price_of(&k, c->base_price);
    for (unsigned i = 0; i < c->n; i++) {
        if (u256_is_zero(c->asset[i].balance))
            continue;
        out->value[i] = value_of(&c->asset[i], &k);
        out->credit_value =
            ck_add(&k, out->credit_value, mul_factor(&k, out->value[i], c->asset[i].liquidation_factor));
    }
    out->balance = i256_neg(positive(&k, debt));
    out->credit = ck_mul_div(&k, out->credit_value, c->base_scale, price);
    (void)positive(&k, out->credit);
    if (ck_lt(debt, out->credit))
        out->new_balance = ck_sub(&k, out->credit, debt);
    out->new_principal = ck_mul_div(&k, out->new_balance, INDEX_SCALE, c->supply_index);
    if (u256_bits(out->new_principal) > PRINCIPAL_BITS)
        ck_fail(&k, "InvalidUInt104");
    else if (u256_bits(out->new_principal) == PRINCIPAL_BITS)
        ck_fail(&k, "InvalidInt104");
    move_totals(c, &k, out);
    out->paid_out = ck_add(&k, out->new_balance, debt);
    out->paid_out_value = ck_mul_div(&k, out->paid_out, price, c->base_scale);
    return k.why;
}

static u256 present(u256 principal, u256 index)
{
    struct checked k = {0}; // 104 and 64 bits: in range
    return ck_mul_div(&k, principal, index, INDEX_SCALE);
}

i256 comet_reserves(const struct comet *c, u256 total_supply, u256 total_borrow)
{
    struct checked k = {0}; // 128 bits each at most: in range
    u256 in = ck_add(&k, c->balance, present(total_borrow, c->borrow_index));
    return i256_sub(positive(&k, in), positive(&k, present(total_supply, c->supply_index)));
}

u256 comet_ask(const struct comet *c, unsigned asset, struct checked *k)
{
    const struct comet_asset *a = &c->asset[asset];
    u256 price = price_of(k, a->price);
    u256 discount = mul_factor(k, c->store_front_factor, ck_sub(k, FACTOR_SCALE, a->liquidation_factor));
    return mul_factor(k, price, ck_sub(k, FACTOR_SCALE, discount));
}

u256 comet_quote(const struct comet *c, unsigned asset, u256 base, struct checked *k)
{
    u256 discounted = comet_ask(c, asset, k);
    u256 worth = ck_mul(k, price_of(k, c->base_price), base);
    return ck_div(k, ck_mul_div(k, worth, c->asset[asset].scale, discounted), c->base_scale);
}

const char *comet_buy(const struct comet *c, unsigned asset, u256 base, u256 least, i256 reserves,
                      u256 collateral_reserves, u256 *out)
{
    struct checked k = {0};
    *out = U256_ZERO;
    if (c->buy_paused)
        return "Paused";
    if (i256_sign(reserves) >= 0 && !ck_lt(magnitude(reserves), c->target_reserves))
        return "NotForSale";
    if (asset >= c->n)
        return "BadAsset";
    *out = comet_quote(c, asset, base, &k);
    if (k.why)
        return k.why;
    if (ck_lt(*out, least))
        return "TooMuchSlippage";
    if (ck_lt(collateral_reserves, *out))
        return "InsufficientReserves";
    return u256_bits(*out) > AMOUNT_BITS ? "InvalidUInt128" : NULL;
}
