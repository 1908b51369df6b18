// SPDX-License-Identifier: Apache-2.0
// Mango v4: a token's debt taken over for another token (instructions/token_liq_with_token.rs), and what
// becomes of a debt that nothing stands against (instructions/token_liq_bankruptcy.rs).
#include "accounts/rules/mango/mango_v4.h"

static void require(struct checked *c, bool good, const char *why)
{
    if (!good)
        ck_fail(c, why);
}

// ---- one token for another

static void token_amounts(const struct mango_account *a, const struct mango_cache *h, unsigned asset,
                          unsigned liab, fx max_liab, struct mango_token_result *r, struct checked *c)
{
    const struct mango_bank *ab = &a->token[asset].bank, *lb = &a->token[liab].bank;
    fx asset_native = mango_native(ab, &a->token[asset].liqee, c);
    require(c, asset_native > 0, "RequireGtViolated");
    require(c, !ab->no_asset_liquidation, "TokenAssetLiquidationDisabled");
    fx liab_native = mango_native(lb, &a->token[liab].liqee, c);
    require(c, liab_native < 0, "RequireGtViolated");

    fx one_l = fx_add(c, FX_ONE, lb->liquidation_fee), one_a = fx_add(c, FX_ONE, ab->liquidation_fee);
    fx to_liqor = fx_mul(c, one_l, one_a);
    fx total = fx_mul(c, fx_add(c, one_l, lb->platform_liquidation_fee),
                      fx_add(c, one_a, ab->platform_liquidation_fee));
    fx adjusted = fx_mul(c, lb->oracle, total);

    // Only what is negative (positive) both as a position and together with the perps that settle in it.
    fx balance[MANGO_TOKENS_MAX];
    mango_balances(h, MANGO_LIQUIDATION_END, balance, c);
    fx most = fx_min(fx_min(max_liab, fx_neg(c, liab_native)), fx_neg(c, balance[liab]));
    fx max_asset = fx_min(asset_native, balance[asset]);
    require(c, most > 0, "RequireGtViolated");
    require(c, max_asset > 0, "RequireGtViolated");

    fx gain = fx_sub(c, fx_mul(c, lb->oracle, lb->init_liab), fx_mul(c, adjusted, ab->init_asset));
    r->needed = fx_div(c, fx_neg(c, mango_health(h, MANGO_LIQUIDATION_END, c)), gain);
    r->possible = fx_div(c, fx_mul(c, max_asset, ab->oracle), adjusted);
    r->liab = fx_max(fx_min(fx_min(r->needed, r->possible), most), 0);
    r->asset_base = fx_div(c, fx_mul(c, r->liab, lb->oracle), ab->oracle);
    r->asset_to_liqor = fx_mul(c, r->asset_base, to_liqor);
    r->asset_from_liqee = fx_mul(c, r->asset_base, total);
    r->platform_fee = fx_sub(c, r->asset_from_liqee, r->asset_to_liqor);
}

void mango_token_liq(struct mango_account *a, unsigned asset, unsigned liab, fx max_liab,
                     struct mango_token_result *r, struct checked *c)
{
    *r = (struct mango_token_result){0};
    require(c, asset != liab, "SomeError");
    struct mango_cache h;
    if (!mango_begin(a, &h, 1, &r->health, &r->status, c))
        return;
    token_amounts(a, &h, asset, liab, max_liab, r, c);
    if (!ck_ok(c))
        return;

    struct mango_token *at = &a->token[asset], *lt = &a->token[liab];
    fx liab_before = mango_native(&lt->bank, &lt->liqee, c),
       asset_before = mango_native(&at->bank, &at->liqee, c);
    at->bank.collected_fees = fx_add(c, at->bank.collected_fees, r->platform_fee);
    // The account's own positions are dusted even when in use: a small rest would hide a bankruptcy.
    mango_deposit(&lt->bank, &lt->liqee, r->liab, true, c);
    r->loan_fee = mango_withdraw(&lt->bank, &lt->liqor, r->liab, true, !lt->liqor.in_use, c);
    mango_deposit(&at->bank, &at->liqor, r->asset_to_liqor, !at->liqor.in_use, c);
    mango_withdraw(&at->bank, &at->liqee, r->asset_from_liqee, false, true, c);

    fx liab_change = fx_sub(c, mango_native(&lt->bank, &lt->liqee, c), liab_before);
    fx asset_change = fx_sub(c, mango_native(&at->bank, &at->liqee, c), asset_before);
    h.token[liab].balance_spot = fx_add(c, h.token[liab].balance_spot, liab_change);
    h.token[asset].balance_spot = fx_add(c, h.token[asset].balance_spot, asset_change);
    r->health = mango_health(&h, MANGO_LIQUIDATION_END, c);
    mango_maybe_recover(a, r->health);
}

// ---- bankruptcy

// What the depositors bear: the index of all deposits falls by the loss, and the debt is gone.
static void socialize(struct mango_token *t, fx loss, struct checked *c)
{
    struct mango_bank *b = &t->bank;
    b->deposit_index = fx_sub(c, b->deposit_index, fx_div(c, loss, b->indexed_deposits));
    fx credit = fx_min(loss, fx_mul(c, b->borrow_index, b->indexed_borrows));
    if (credit > 0)
        mango_deposit(b, &t->liqee, credit, true, c);
    require(c, t->liqee.indexed == 0, "RequireEqViolated");
}

// The fund's tokens go to the liquidator, who takes the debt over; a debt in the fund's own token it pays.
static void insure(struct mango_account *a, unsigned liab, struct mango_bankruptcy_result *r,
                   struct checked *c)
{
    struct mango_token *t = &a->token[liab];
    mango_deposit(&t->bank, &t->liqee, r->liab, true, c);
    if (t->index == MANGO_INSURANCE_TOKEN) {
        require(c, fx_u64(r->insurance) == r->liab, "RequireEqViolated");
        return;
    }
    struct mango_token *fund = mango_fund(a);
    mango_deposit(&fund->bank, &fund->liqor, fx_u64(r->insurance), !fund->liqor.in_use, c);
    r->loan_fee = mango_withdraw(&t->bank, &t->liqor, r->liab, true, !t->liqor.in_use, c);
}

// Quote for a unit of the debt, with the fee; 1 when the debt is in the fund's token.
static fx quote_of(struct mango_account *a, const struct mango_token *t, struct checked *c)
{
    if (t->index == MANGO_INSURANCE_TOKEN || a->fund_unknown)
        return FX_ONE;
    struct mango_token *fund = mango_fund(a);
    if (!fund) {
        ck_fail(c, "TokenPositionDoesNotExist");
        return FX_ONE;
    }
    fx fee = fx_add(c, FX_ONE, t->bank.liquidation_fee);
    return fx_div(c, fx_mul(c, t->bank.oracle, fee), fund->bank.oracle);
}

void mango_token_bankruptcy(struct mango_account *a, unsigned liab, fx max_liab,
                            struct mango_bankruptcy_result *r, struct checked *c)
{
    *r = (struct mango_bankruptcy_result){0};
    struct mango_cache h;
    mango_cache_set(&h, a, c);
    mango_require_after_phase2(&h, c);
    a->being_liquidated = true; // the program asks for no health here
    struct mango_token *t = &a->token[liab];
    fx before = mango_native(&t->bank, &t->liqee, c), balance[MANGO_TOKENS_MAX];
    mango_balances(&h, MANGO_LIQUIDATION_END, balance, c);
    require(c, before < 0 && balance[liab] < 0, "RequireGtViolated");
    fx left = fx_min(fx_neg(c, before), fx_neg(c, balance[liab]));
    r->loss = left;

    fx quote = quote_of(a, t, c);
    uint64_t vault = t->bank.insured ? a->insurance_vault : 0;
    uint64_t wanted = fx_to_u64(c, fx_ceil(c, fx_mul(c, fx_min(left, max_liab), quote)));
    r->insurance = wanted < vault ? wanted : vault;
    r->liab = fx_div(c, fx_u64(r->insurance), quote);
    if (!ck_ok(c))
        return;
    if (r->insurance > 0) {
        insure(a, liab, r, c);
        left = fx_sub(c, left, fx_sub(c, mango_native(&t->bank, &t->liqee, c), before));
    }
    if (r->insurance == vault && left > 0) {
        r->socialized = left;
        socialize(t, left, c);
    }
    fx change = fx_sub(c, mango_native(&t->bank, &t->liqee, c), before);
    h.token[liab].balance_spot = fx_add(c, h.token[liab].balance_spot, change);
    r->health = mango_health(&h, MANGO_LIQUIDATION_END, c);
    mango_maybe_recover(a, r->health);
    a->insurance_vault -= r->insurance;
}
