// SPDX-License-Identifier: Apache-2.0
// The arithmetic of Aave V4's Spoke (_processUserAccountData) and LiquidationLogic. Every product that the
// contract forms in 256 bits is formed in 256 bits here, so what overflows there fails here.
#include "accounts/rules/aave_v4/aave_v4.h"

enum { BPS = 10000, WAD_DIGITS = 18, RAY_DIGITS = 27, DUST_DIGITS = 29, VIRTUAL = 1000000 };

static u256 bps(void)
{
    return ck_u64(BPS);
}
static u256 wad(void)
{
    return u256_pow10(WAD_DIGITS);
}
static u256 ray(void)
{
    return u256_pow10(RAY_DIGITS);
}
static u256 unit(const struct aave_v4_reserve *r)
{
    return u256_pow10(r->decimals);
}
static bool above(u256 a, u256 b)
{
    return u256_cmp(a, b) > 0;
}

// SharesMath: a million of each is added to the totals, so that the first supplier cannot set the price.
static u256 all_assets(struct checked *c, const struct aave_v4_reserve *r)
{
    return ck_add(c, r->added_assets, ck_u64(VIRTUAL));
}
static u256 all_shares(struct checked *c, const struct aave_v4_reserve *r)
{
    return ck_add(c, r->added_shares, ck_u64(VIRTUAL));
}
static u256 shares_up(struct checked *c, const struct aave_v4_reserve *r, u256 assets)
{
    return ck_mul_div_up(c, assets, all_shares(c, r), all_assets(c, r));
}
static u256 shares_down(struct checked *c, const struct aave_v4_reserve *r, u256 assets)
{
    return ck_mul_div(c, assets, all_shares(c, r), all_assets(c, r));
}

u256 aave_v4_supplied(struct checked *c, const struct aave_v4_reserve *r)
{
    return ck_mul_div(c, r->supplied_shares, all_assets(c, r), all_shares(c, r));
}

static u256 from_ray_up(u256 a)
{
    struct checked none = {NULL}; // ray is not 0, and nothing is multiplied
    return ck_div_up(&none, a, ray());
}

// Premium.calculatePremiumRay: shares * index - offset, which must not be negative.
u256 aave_v4_drawn(struct checked *c, const struct aave_v4_reserve *r, u256 *premium_ray)
{
    u256 grown = ck_mul(c, r->premium_shares, r->drawn_index);
    i256 abs = i256_abs(r->premium_offset);
    u256 offset = {{abs.w[0], abs.w[1], abs.w[2], abs.w[3]}};
    *premium_ray = i256_sign(r->premium_offset) < 0 ? ck_add(c, grown, offset) : ck_sub(c, grown, offset);
    return ck_mul_div_up(c, r->drawn_shares, r->drawn_index, ray());
}

u256 aave_v4_owed(struct checked *c, const struct aave_v4_reserve *r)
{
    u256 premium, drawn = aave_v4_drawn(c, r, &premium);
    return ck_add(c, drawn, from_ray_up(premium));
}

void aave_v4_account_data(struct checked *c, const struct aave_v4_state *s, struct aave_v4_account *out)
{
    *out = (struct aave_v4_account){.health = U256_MAX};
    for (unsigned i = 0; i < s->n; i++) {
        const struct aave_v4_reserve *r = &s->reserve[i];
        if (r->collateral && !u256_is_zero(r->collateral_factor) && !u256_is_zero(r->supplied_shares)) {
            u256 v = ck_mul_div(c, ck_mul(c, aave_v4_supplied(c, r), r->price), wad(), unit(r));
            out->collateral_value = ck_add(c, out->collateral_value, v);
            out->weighted = ck_add(c, out->weighted, ck_mul(c, v, r->collateral_factor));
            out->collaterals++;
        }
        if (!u256_is_zero(r->drawn_shares)) {
            u256 v = ck_mul_div_up(c, ck_mul(c, aave_v4_owed(c, r), r->price), wad(), unit(r));
            out->debt_value = ck_add(c, out->debt_value, v);
            out->borrows++;
        }
    }
    if (!u256_is_zero(out->debt_value)) // floored by the debt, then by 1e4: one floor by both
        out->health = ck_div(c, ck_mul_div(c, out->weighted, wad(), out->debt_value), bps());
}

// bps. health < 1e18.
static u256 aave_v4_bonus(struct checked *c, const struct aave_v4_state *s, u256 health, u256 max_bonus)
{
    if (u256_cmp(health, s->max_bonus_health) <= 0)
        return max_bonus;
    u256 least = ck_add(c, ck_mul_div(c, ck_sub(c, max_bonus, bps()), s->bonus_factor, bps()), bps());
    return ck_add(c, least,
                  ck_mul_div(c, ck_sub(c, max_bonus, least), ck_sub(c, wad(), health),
                             ck_sub(c, wad(), s->max_bonus_health)));
}

// With d of debt repaid, bonus and collateral factor as fractions, health is
// (health * debt - d * bonus * factor) / (debt - d). Equal to the target for
// d = debt * (target - health) / (target - bonus * factor).
static u256 aave_v4_debt_to_target(struct checked *c, const struct aave_v4_state *s,
                                   const struct aave_v4_account *a, const struct aave_v4_order *o, u256 bonus)
{
    const struct aave_v4_reserve *d = &s->reserve[o->debt];
    // wad: bonus and factor are bps each
    u256 penalty =
        ck_mul(c, ck_mul(c, bonus, s->reserve[o->collateral].collateral_factor), u256_pow10(WAD_DIGITS - 8));
    return ck_mul_div_up(c, a->debt_value, ck_mul(c, unit(d), ck_sub(c, s->target_health, a->health)),
                         ck_mul(c, ck_sub(c, s->target_health, penalty), ck_mul(c, d->price, wad())));
}

// Are `left` token units worth less than the least that may stay behind, 1000 USD?
static bool dust(struct checked *c, const struct aave_v4_reserve *r, u256 left)
{
    return ck_lt(ck_mul_div(c, left, ck_mul(c, r->price, wad()), unit(r)), u256_pow10(DUST_DIGITS));
}

static u256 left_of(u256 all, u256 taken)
{
    u256 left;
    return u256_sub(all, taken, &left) ? U256_ZERO : left;
}

static u256 debt_to_liquidate(struct checked *c, const struct aave_v4_state *s, const struct aave_v4_order *o,
                              const struct aave_v4_call *x)
{
    u256 debt = ck_min(ck_min(x->owed, o->debt_to_cover), x->debt_to_target);
    return dust(c, &s->reserve[o->debt], left_of(x->owed, debt)) ? x->owed : debt;
}

// _calculateLiquidationAmounts: debt, then collateral; where too little or dust of the collateral would stay,
// all of it, and the debt that it pays for.
static bool amounts(struct checked *c, const struct aave_v4_state *s, const struct aave_v4_order *o,
                    struct aave_v4_call *x)
{
    const struct aave_v4_reserve *k = &s->reserve[o->collateral], *d = &s->reserve[o->debt];
    x->debt = debt_to_liquidate(c, s, o, x);
    x->collateral = ck_mul_div(c, x->debt, ck_mul(c, ck_mul(c, d->price, unit(k)), x->bonus),
                               ck_mul(c, ck_mul(c, unit(d), k->price), bps()));
    bool leaves_dust = ck_lt(x->collateral, x->supplied) && dust(c, k, left_of(x->supplied, x->collateral));
    if (above(x->collateral, x->supplied) || (leaves_dust && ck_lt(x->debt, x->owed))) {
        x->collateral = x->supplied;
        x->debt = ck_mul_div_up(c, x->collateral, ck_mul(c, ck_mul(c, k->price, unit(d)), bps()),
                                ck_mul(c, ck_mul(c, d->price, unit(k)), x->bonus));
    }
    if (ck_lt(o->debt_to_cover, x->debt))
        return false;
    u256 fee = ck_mul_div(c, x->collateral, ck_mul(c, k->fee, ck_sub(c, x->bonus, bps())),
                          ck_mul(c, x->bonus, bps()));
    x->received = ck_sub(c, x->collateral, fee);
    return true;
}

// _liquidateCollateral: the shares that the hub books. True: the account has none left in this reserve.
static bool book_collateral(struct checked *c, const struct aave_v4_reserve *k, const struct aave_v4_order *o,
                            struct aave_v4_call *x)
{
    x->shares_taken = shares_up(c, k, x->collateral);
    x->shares_received = o->receive_shares ? shares_down(c, k, x->received) : shares_up(c, k, x->received);
    return u256_is_zero(ck_sub(c, k->supplied_shares, x->shares_taken));
}

// _liquidateDebt: the premium is repaid first. True: nothing drawn is left in this reserve.
static bool book_debt(struct checked *c, const struct aave_v4_reserve *d, struct aave_v4_call *x)
{
    u256 premium;
    (void)aave_v4_drawn(c, d, &premium);
    x->premium_ray = ck_min(ck_mul(c, x->debt, ray()), premium);
    u256 drawn = ck_sub(c, x->debt, from_ray_up(x->premium_ray));
    x->drawn_shares = ck_mul_div(c, drawn, ray(), d->drawn_index);
    return u256_is_zero(ck_sub(c, d->drawn_shares, x->drawn_shares));
}

static const char *refusal(const struct aave_v4_state *s, const struct aave_v4_account *a,
                           const struct aave_v4_order *o, const struct aave_v4_call *x)
{
    const struct aave_v4_reserve *k = &s->reserve[o->collateral];
    if (o->self)
        return "SelfLiquidation";
    if (u256_is_zero(o->debt_to_cover))
        return "InvalidDebtToCover";
    if (k->paused || s->reserve[o->debt].paused)
        return "ReservePaused";
    if (u256_is_zero(x->supplied))
        return "ReserveNotSupplied";
    if (u256_is_zero(x->owed))
        return "ReserveNotBorrowed";
    if (!ck_lt(a->health, wad()))
        return "HealthFactorNotBelowThreshold";
    if (u256_is_zero(k->collateral_factor) || !k->collateral)
        return "CollateralCannotBeLiquidated";
    return o->receive_shares && k->frozen ? "CannotReceiveShares" : "";
}

const char *aave_v4_liquidate(struct checked *c, const struct aave_v4_state *s,
                              const struct aave_v4_account *a, const struct aave_v4_order *o,
                              struct aave_v4_call *out)
{
    const struct aave_v4_reserve *k = &s->reserve[o->collateral];
    *out = (struct aave_v4_call){0};
    struct aave_v4_call x = {.supplied = aave_v4_supplied(c, k),
                             .owed = aave_v4_owed(c, &s->reserve[o->debt])};
    if (!ck_ok(c))
        return c->why;
    const char *why = refusal(s, a, o, &x);
    *out = x;
    if (why[0])
        return why;
    x.bonus = aave_v4_bonus(c, s, a->health, k->max_bonus);
    x.debt_to_target = aave_v4_debt_to_target(c, s, a, o, x.bonus);
    bool clean = amounts(c, s, o, &x);
    if (!ck_ok(c))
        return c->why;
    out->bonus = x.bonus;
    out->debt_to_target = x.debt_to_target;
    if (!clean)
        return "MustNotLeaveDust";
    bool emptied = book_collateral(c, k, o, &x);
    if (!ck_ok(c))
        return c->why;
    if (!o->receive_shares && above(x.received, k->liquidity))
        return "InsufficientLiquidity";
    bool repaid = book_debt(c, &s->reserve[o->debt], &x);
    if (!ck_ok(c))
        return c->why;
    x.deficit = emptied && a->collaterals <= 1 && (!repaid || a->borrows > 1);
    *out = x;
    return "";
}
