// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/compound/compound_v2.h"

#include <string.h>

#define ONE ((u256){{UINT64_C(1000000000000000000), 0, 0, 0}})

// Exp times Exp, and Exp times an integer truncated: both are one product and one floor.
static u256 mul_exp(struct checked *k, u256 a, u256 b)
{
    return ck_mul_div(k, a, b, ONE);
}

const char *compound_v2_liquidity(const struct compound_v2 *c, u256 *collateral, u256 *borrows)
{
    struct checked k = {0};
    *collateral = *borrows = U256_ZERO;
    for (unsigned i = 0; i < c->n; i++) {
        const struct compound_v2_market *m = &c->market[i];
        if (!m->entered)
            continue;
        if (u256_is_zero(m->price))
            ck_fail(&k, "PRICE_ERROR");
        u256 of_token = mul_exp(&k, mul_exp(&k, m->collateral_factor, m->exchange_rate), m->price);
        *collateral = ck_add(&k, *collateral, mul_exp(&k, of_token, m->tokens));
        *borrows = ck_add(&k, *borrows, mul_exp(&k, m->price, m->borrow));
    }
    if (k.why)
        *collateral = *borrows = U256_ZERO;
    return k.why;
}

bool compound_v2_deprecated(const struct compound_v2_market *m)
{
    return u256_is_zero(m->collateral_factor) && m->borrow_paused && u256_cmp(m->reserve_factor, ONE) == 0;
}

u256 compound_v2_most(const struct compound_v2 *c, unsigned borrowed, struct checked *k)
{
    const struct compound_v2_market *m = &c->market[borrowed];
    return compound_v2_deprecated(m) ? m->borrow : mul_exp(k, c->close_factor, m->borrow);
}

// Comptroller.liquidateBorrowAllowed
static const char *allowed(const struct compound_v2 *c, const struct compound_v2_market *b,
                           const struct compound_v2_market *s, u256 amount)
{
    struct checked k = {0};
    u256 collateral, borrows;
    if (!b->listed || !s->listed)
        return "MARKET_NOT_LISTED";
    if (compound_v2_deprecated(b))
        return ck_lt(b->borrow, amount) ? "Can not repay more than the total borrow" : NULL;
    const char *why = compound_v2_liquidity(c, &collateral, &borrows);
    if (why)
        return why;
    if (!ck_lt(collateral, borrows))
        return "INSUFFICIENT_SHORTFALL";
    u256 most = mul_exp(&k, c->close_factor, b->borrow);
    return k.why ? k.why : ck_lt(most, amount) ? "TOO_MUCH_REPAY" : NULL;
}

// Comptroller.liquidateCalculateSeizeTokens: two rounded prices, a rounded ratio, a rounded product.
static u256 seize_tokens(const struct compound_v2 *c, const struct compound_v2_market *b,
                         const struct compound_v2_market *s, u256 amount, struct checked *k)
{
    if (u256_is_zero(b->price) || u256_is_zero(s->price))
        ck_fail(k, "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED");
    u256 numerator = mul_exp(k, c->incentive, b->price);
    u256 denominator = mul_exp(k, s->price, s->exchange_rate);
    return mul_exp(k, ck_mul_div(k, numerator, ONE, denominator), amount);
}

const char *compound_v2_liquidate(const struct compound_v2 *c, unsigned borrowed, unsigned collateral,
                                  u256 amount, struct compound_v2_seized *out)
{
    const struct compound_v2_market *b = &c->market[borrowed], *s = &c->market[collateral];
    struct checked k = {0};
    memset(out, 0, sizeof *out);
    const char *why = allowed(c, b, s, amount);
    if (why)
        return why;
    if (u256_is_zero(amount))
        return "LiquidateCloseAmountIsZero";
    if (u256_cmp(amount, U256_MAX) == 0)
        return "LiquidateCloseAmountIsUintMax";
    (void)ck_sub(&k, b->borrow, amount); // repayBorrowFresh: a close factor above 1 does not help
    out->tokens = seize_tokens(c, b, s, amount, &k);
    if (ck_lt(s->tokens, out->tokens))
        ck_fail(&k, "LIQUIDATE_SEIZE_TOO_MUCH");
    if (c->seize_paused)
        ck_fail(&k, "seize is paused");
    out->protocol = mul_exp(&k, out->tokens, s->seize_share);
    out->liquidator = ck_sub(&k, out->tokens, out->protocol);
    out->protocol_amount = mul_exp(&k, s->exchange_rate, out->protocol);
    if (k.why)
        memset(out, 0, sizeof *out);
    return k.why;
}
