// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/morpho/morpho_pre_liquidation.h"

const char *morpho_pre_refused(const struct morpho_pre *pre, u256 market_lltv)
{
    const u256 one = u256_from_u64(MORPHO_WAD);
    struct checked c = {0};
    if (!ck_lt(pre->lltv, market_lltv))
        return "PreLltvTooHigh";
    if (ck_lt(pre->lcf2, pre->lcf1))
        return "PreLCFDecreasing";
    if (ck_lt(one, pre->lcf1))
        return "PreLCFTooHigh";
    if (ck_lt(pre->lif1, one))
        return "PreLIFTooLow";
    if (ck_lt(pre->lif2, pre->lif1))
        return "PreLIFDecreasing";
    if (ck_lt(morpho_wdiv_down(&c, one, market_lltv), pre->lif2))
        return "PreLIFTooHigh";
    return NULL;
}

// From `low` at preLltv to `high` at lltv, rounded down.
static u256 between(struct checked *c, u256 quotient, u256 low, u256 high)
{
    return ck_add(c, morpho_wmul_down(c, quotient, ck_sub(c, high, low)), low);
}

const char *morpho_pre_terms(const struct morpho_pre *pre, const struct morpho_market *m,
                             const struct morpho_position *p, u256 price, struct morpho_pre_terms *out)
{
    struct checked c = {0};
    *out = (struct morpho_pre_terms){U256_ZERO, U256_ZERO, U256_ZERO, U256_ZERO,
                                     U256_ZERO, U256_ZERO, U256_ZERO};
    out->quoted = morpho_quoted(&c, p->collateral, price);
    out->borrowed = morpho_borrowed(&c, m, p->borrow_shares);
    if (ck_ok(&c) && ck_lt(morpho_wmul_down(&c, out->quoted, m->lltv), out->borrowed))
        return "LiquidatablePosition";
    if (ck_ok(&c) && !ck_lt(morpho_wmul_down(&c, out->quoted, pre->lltv), out->borrowed))
        return "NotPreLiquidatablePosition";
    out->ltv = morpho_wdiv_up(&c, out->borrowed, out->quoted);
    out->quotient = morpho_wdiv_down(&c, ck_sub(&c, out->ltv, pre->lltv), ck_sub(&c, m->lltv, pre->lltv));
    out->lif = between(&c, out->quotient, pre->lif1, pre->lif2);
    out->lcf = between(&c, out->quotient, pre->lcf1, pre->lcf2);
    out->repayable_shares = morpho_wmul_down(&c, p->borrow_shares, out->lcf);
    return c.why;
}

// Morpho's repay of shares, and in its callback withdrawCollateral; the health is asked at the market's
// price.
static void settle(struct checked *c, struct morpho_pre_liquidation *x, u256 market_price, bool authorized)
{
    struct morpho_market *m = &x->market;
    x->repaid_assets = morpho_borrowed(c, m, x->repaid_shares);
    u256 shares = morpho_to128(c, x->repaid_shares);
    x->left.borrow_shares = morpho_sub128(c, x->left.borrow_shares, shares);
    m->borrow_shares = morpho_sub128(c, m->borrow_shares, shares);
    u256 owed = m->borrow_assets;
    m->borrow_assets = ck_lt(owed, x->repaid_assets) ? U256_ZERO : ck_sub(c, owed, x->repaid_assets);
    if (u256_is_zero(x->seized))
        ck_fail(c, "zero assets");
    if (!authorized)
        ck_fail(c, "unauthorized");
    x->left.collateral = morpho_sub128(c, x->left.collateral, morpho_to128(c, x->seized));
    if (!ck_ok(c) || u256_is_zero(x->left.borrow_shares))
        return;
    u256 borrowed = morpho_borrowed(c, m, x->left.borrow_shares);
    u256 most = morpho_max_borrow(c, x->left.collateral, market_price, m->lltv);
    if (ck_ok(c) && ck_lt(most, borrowed))
        ck_fail(c, "insufficient collateral");
}

const char *morpho_pre_liquidate(const struct morpho_pre *pre, const struct morpho_market *m,
                                 const struct morpho_position *p, u256 price, u256 market_price,
                                 bool authorized, struct morpho_order order,
                                 struct morpho_pre_liquidation *out)
{
    struct checked c = {0};
    out->market = *m;
    out->left = *p;
    out->seized = order.seize;
    out->repaid_shares = order.repay_shares;
    if (u256_is_zero(order.seize) == u256_is_zero(order.repay_shares))
        return "InconsistentInput";
    const char *why = morpho_pre_terms(pre, m, p, price, &out->terms);
    if (why != NULL)
        return why;
    if (!u256_is_zero(order.seize)) {
        u256 quoted = morpho_up(&c, order.seize, price, morpho_price_scale());
        u256 assets = morpho_wdiv_up(&c, quoted, out->terms.lif);
        out->repaid_shares = morpho_shares_up(&c, assets, m->borrow_assets, m->borrow_shares);
    } else {
        u256 assets = morpho_assets_down(&c, order.repay_shares, m->borrow_assets, m->borrow_shares);
        u256 worth = morpho_wmul_down(&c, assets, out->terms.lif);
        out->seized = morpho_down(&c, worth, morpho_price_scale(), price);
    }
    if (ck_ok(&c) && ck_lt(out->terms.repayable_shares, out->repaid_shares))
        return "PreLiquidationTooLarge";
    settle(&c, out, market_price, authorized);
    return c.why;
}
