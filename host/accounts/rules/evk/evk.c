// SPDX-License-Identifier: Apache-2.0
// The arithmetic of EVK's LiquidityUtils, LTVConfig and Liquidation. Solidity 0.8: each product is checked
// against 256 bits, so what reverts there fails here.
#include "accounts/rules/evk/evk.h"

enum { SCALE = 10000, LEAST_SOCIALISED = 1000000 };

static u256 one(void)
{
    return u256_pow10(18);
}
static u256 scale(void)
{
    return ck_u64(SCALE);
}

uint64_t evk_ltv(const struct evk_collateral *k, uint64_t now)
{
    if (now >= k->target_timestamp || k->liquidation_ltv >= k->initial_ltv)
        return k->liquidation_ltv;
    uint64_t left = k->target_timestamp - now; // < 2^32, the LTVs at most 1e4
    return k->liquidation_ltv + (k->initial_ltv - k->liquidation_ltv) * left / k->ramp_duration;
}

void evk_health_at(struct checked *c, const struct evk_state *s, uint64_t now, struct evk_health *out)
{
    *out = (struct evk_health){.liability = u256_is_zero(s->liability) ? U256_ZERO : s->liability_value};
    for (unsigned i = 0; i < s->n; i++) {
        const struct evk_collateral *k = &s->collateral[i];
        uint64_t ltv = evk_ltv(k, now);
        if (k->enabled && ltv != 0 && !u256_is_zero(k->balance))
            out->adjusted = ck_add(c, out->adjusted, ck_mul_div(c, k->value, ck_u64(ltv), scale()));
    }
    out->violation = u256_cmp(out->adjusted, out->liability) <= 0 && !u256_is_zero(out->liability);
}

// LTVs only fall as time goes on, so the adjusted value does: a search by halves.
uint64_t evk_violation_at(const struct evk_state *s)
{
    struct checked c = {NULL};
    struct evk_health h;
    uint64_t lo = s->now, hi = s->now;
    for (unsigned i = 0; i < s->n; i++)
        if (s->collateral[i].enabled && s->collateral[i].target_timestamp > hi)
            hi = s->collateral[i].target_timestamp;
    evk_health_at(&c, s, hi, &h);
    if (!h.violation)
        return 0;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        evk_health_at(&c, s, mid, &h);
        if (h.violation)
            hi = mid;
        else
            lo = mid + 1;
    }
    return hi;
}

bool evk_cooling(const struct evk_state *s)
{
    return s->now < s->last_status_check + s->cool_off;
}

static const char *refusal(const struct evk_state *s, const struct evk_order *o)
{
    static const char *const controller[] = {"", "E_NoLiability", "E_NotController", "E_TransientState"};
    const struct evk_collateral *k = &s->collateral[o->collateral];
    if (!o->liquidator_enabled)
        return "E_ControllerDisabled";
    if (s->disabled)
        return "E_OperationDisabled";
    if (o->self)
        return "E_SelfLiquidation";
    if (k->target_timestamp == 0)
        return "E_BadCollateral";
    if (s->controller != EVK_THIS)
        return controller[s->controller];
    if (!k->enabled)
        return "E_CollateralDisabled";
    if (s->deferred)
        return "E_ViolatorLiquidityDeferred";
    return evk_cooling(s) ? "E_LiquidationCoolOff" : "";
}

// calculateMaxLiquidation.
static void most(struct checked *c, const struct evk_state *s, const struct evk_health *h,
                 const struct evk_collateral *k, struct evk_call *x)
{
    if (!h->violation)
        return;
    u256 least = ck_sub(c, one(), ck_mul_div(c, one(), ck_u64(s->max_discount), scale()));
    u256 df = ck_max(ck_mul_div(c, h->adjusted, one(), h->liability), least);
    x->discount_factor = df;
    if (u256_is_zero(k->value)) { // what is worth nothing may be taken for nothing
        x->max_yield = k->balance;
        return;
    }
    u256 repay_value = h->liability, yield_value = ck_mul_div(c, repay_value, one(), df);
    if (ck_lt(k->value, yield_value)) {
        repay_value = ck_mul_div(c, k->value, df, one());
        yield_value = k->value;
    }
    x->max_repay = ck_mul_div(c, repay_value, s->liability, h->liability);
    x->max_yield = ck_mul_div(c, yield_value, k->balance, k->value);
}

// The liquidator's own choice, pro rata. False: it asks for more than there is.
static bool choose(struct checked *c, const struct evk_order *o, struct evk_call *x)
{
    x->repay = x->max_repay;
    x->yield = x->max_yield;
    if (u256_cmp(o->repay, U256_MAX) == 0)
        return true;
    if (ck_lt(x->max_repay, o->repay))
        return false;
    if (!u256_is_zero(x->max_repay)) {
        x->yield = ck_mul_div(c, o->repay, x->max_yield, x->max_repay);
        x->repay = o->repay;
    }
    return true;
}

// checkNoCollateral, after the yield has left. What the vault does not recognise does not count.
static bool nothing_left(struct checked *c, const struct evk_state *s, const struct evk_order *o, u256 yield)
{
    for (unsigned i = 0; i < s->n; i++) {
        const struct evk_collateral *k = &s->collateral[i];
        u256 left = i == o->collateral ? ck_sub(c, k->balance, yield) : k->balance;
        if (k->enabled && k->target_timestamp != 0 && !u256_is_zero(left))
            return false;
    }
    return true;
}

const char *evk_liquidate(struct checked *c, const struct evk_state *s, const struct evk_health *h,
                          const struct evk_order *o, struct evk_call *out)
{
    struct evk_call x = {0};
    *out = x;
    const char *why = refusal(s, o);
    if (why[0])
        return why;
    bool indebted = !u256_is_zero(s->liability);
    if (indebted && !s->oracle)
        return "E_NoPriceOracle";
    if (indebted) { // without a debt even a wish to repay is no error
        most(c, s, h, &s->collateral[o->collateral], &x);
        if (!ck_ok(c))
            return c->why;
        *out = x;
        if (!choose(c, o, &x))
            return "E_ExcessiveRepayAmount";
    }
    if (!ck_ok(c))
        return c->why;
    if (ck_lt(x.yield, o->min_yield))
        return "E_MinYield";
    if (!ck_lt(h->liability, ck_u64(LEAST_SOCIALISED)) && !s->keep_debt && ck_lt(x.repay, s->liability) &&
        nothing_left(c, s, o, x.yield))
        x.socialised = ck_sub(c, s->liability, x.repay);
    if (!ck_ok(c))
        return c->why;
    *out = x;
    return "";
}
