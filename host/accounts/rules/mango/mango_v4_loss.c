// SPDX-License-Identifier: Apache-2.0
// Mango v4: a perp's loss settled with the liquidator, paid by the insurance fund, or borne by the market
// (instructions/perp_liq_negative_pnl_or_bankruptcy.rs, PerpMarket::socialize_loss).
#include "accounts/rules/mango/mango_v4.h"

static void require(struct checked *c, bool good, const char *why)
{
    if (!good)
        ck_fail(c, why);
}

static fx unsettled(const struct mango_perp *p, struct checked *c)
{
    fx base = fx_i64(i64_mul(c, p->base_lots, p->base_lot_size));
    return fx_add(c, p->quote, fx_mul(c, base, p->oracle));
}

// The loss that may be settled in this window, >= 0.
static fx settleable(const struct mango_perp *p, fx pnl, struct checked *c)
{
    if (p->settle_limit_factor.neg && p->settle_limit_factor.m)
        return fx_neg(c, pnl);
    int64_t limit[2];
    mango_settle_limit(p, limit, c);
    int64_t least = i64_sat_sub(limit[0], p->settled_in_window);
    return fx_neg(c, fx_max(pnl, fx_i64(least < 0 ? least : 0)));
}

// What a settled loss uses of the one-time allowance. The other limits are bookkeeping that decides nothing
// in this call.
static void record_settle(struct mango_perp *p, fx loss, struct checked *c)
{
    p->quote = fx_add(c, p->quote, loss);
    fx used = fx_min(fx_max(fx_neg(c, loss), p->oneshot), 0);
    p->oneshot = fx_sub(c, p->oneshot, used);
}

static void settle(struct mango_account *a, struct mango_perp *p, struct mango_cache *h, fx amount,
                   struct checked *c)
{
    struct mango_token *t = &a->token[p->settle];
    p->liqor_quote = fx_sub(c, p->liqor_quote, amount);
    record_settle(p, amount, c);
    mango_deposit(&t->bank, &t->liqor, amount, false, c);
    mango_withdraw(&t->bank, &t->liqee, amount, false, !t->liqee.in_use, c);
    h->token[p->settle].balance_spot = fx_sub(c, h->token[p->settle].balance_spot, amount);
}

// All longs and shorts pay by the lot, through funding.
static void socialize(struct mango_perp *p, fx loss, struct checked *c)
{
    fx each = p->open_interest == 0 ? 0 : fx_div(c, fx_neg(c, loss), fx_i64(p->open_interest));
    p->long_funding = fx_sub(c, p->long_funding, each);
    p->short_funding = fx_add(c, p->short_funding, each);
    record_settle(p, loss, c);
}

// health and balance: of before the settlement, as the program has them.
static void bankrupt(struct mango_account *a, struct mango_perp *p, fx health, fx balance, fx max_liab,
                     struct mango_loss_result *r, struct checked *c)
{
    const struct mango_bank *b = &a->token[p->settle].bank;
    struct mango_token *fund = mango_fund(a);
    if (!fund && !a->fund_unknown) {
        ck_fail(c, "TokenPositionDoesNotExist");
        return;
    }
    fx fund_price = a->fund_unknown ? FX_ONE : fund->bank.oracle;
    fx pnl = unsettled(p, c);
    fx for_health = mango_given_for_zero(health, balance, fx_mul(c, b->oracle, b->init_asset),
                                         fx_mul(c, b->oracle, b->init_liab), c);
    fx from_liqee = fx_max(fx_min(fx_neg(c, pnl), for_health), 0);
    fx to_liqor = fx_max(fx_min(from_liqee, max_liab), 0);
    uint64_t vault = p->insured ? a->insurance_vault : 0;
    fx with_fee = fx_mul(c, b->oracle, fx_add(c, FX_ONE, p->base_liquidation_fee));
    fx wanted = fx_div(c, fx_mul(c, to_liqor, with_fee), fund_price);
    uint64_t most = fx_to_u64(c, fx_ceil(c, wanted));
    r->insurance = most < vault ? most : vault;
    fx paid = fx_u64(r->insurance);
    r->insured = fx_min(fx_div(c, fx_mul(c, paid, fund_price), with_fee), to_liqor);
    if (!ck_ok(c))
        return;
    if (r->insurance > 0) {
        mango_deposit(&fund->bank, &fund->liqor, paid, !fund->liqor.in_use, c);
        record_settle(p, r->insured, c);
        p->liqor_quote = fx_sub(c, p->liqor_quote, r->insured);
    }
    fx left = fx_sub(c, from_liqee, r->insured);
    if (r->insurance == vault && left > 0) {
        r->socialized = left;
        socialize(p, left, c);
    }
    a->insurance_vault -= r->insurance;
}

void mango_perp_loss(struct mango_account *a, unsigned perp, uint64_t max_liab, struct mango_loss_result *r,
                     struct checked *c)
{
    *r = (struct mango_loss_result){0};
    struct mango_cache h;
    if (!mango_begin(a, &h, 2, &r->health, &r->status, c))
        return;
    fx before = r->health;
    struct mango_perp *p = &a->perp[perp];
    a->token[p->settle].liqor.in_use = true; // by the perp position that it has now
    fx most = mango_max_settle(&h, p->settle, c), balance[MANGO_TOKENS_MAX];
    mango_balances(&h, MANGO_LIQUIDATION_END, balance, c);
    mango_settle_funding(p, c);
    fx pnl = unsettled(p, c);
    require(c, pnl < 0, "ProfitabilityMismatch");
    mango_update_window(p, a->now, c);
    r->max_settle = fx_max(fx_min(most, settleable(p, pnl, c)), 0);
    r->settlement = fx_max(fx_min(r->max_settle, fx_u64(max_liab)), 0);
    if (!ck_ok(c))
        return;
    if (r->settlement > 0)
        settle(a, p, &h, r->settlement, c);
    pnl = fx_add(c, pnl, r->settlement);
    if (r->settlement == r->max_settle && pnl < 0)
        bankrupt(a, p, before, balance[p->settle], fx_sub(c, fx_u64(max_liab), r->settlement), r, c);
    mango_cache_perp(&h.perp[perp], p, c);
    r->health = mango_health(&h, MANGO_LIQUIDATION_END, c);
    mango_maybe_recover(a, r->health);
}
