// SPDX-License-Identifier: Apache-2.0
// Statements stand in the contract's order: when several would revert, the first one names the refusal.
#include "accounts/rules/morpho/morpho_blue.h"

static u256 n(uint64_t v)
{
    return u256_from_u64(v);
}

void morpho_accrue(struct checked *c, struct morpho_market *m, u256 rate, u256 seconds,
                   struct morpho_interest *out)
{
    *out = (struct morpho_interest){U256_ZERO, U256_ZERO};
    if (u256_is_zero(seconds))
        return;
    u256 interest = morpho_wmul_down(c, m->borrow_assets, morpho_taylor(c, rate, seconds));
    u256 narrow = morpho_to128(c, interest);
    m->borrow_assets = morpho_add128(c, m->borrow_assets, narrow);
    m->supply_assets = morpho_add128(c, m->supply_assets, narrow);
    out->interest = interest;
    if (u256_is_zero(m->fee))
        return;
    // The supply holds the whole interest already; the fee must not be part of the price of its own shares.
    u256 fee = morpho_wmul_down(c, interest, m->fee);
    out->fee_shares = morpho_shares_down(c, fee, ck_sub(c, m->supply_assets, fee), m->supply_shares);
    m->supply_shares = morpho_add128(c, m->supply_shares, morpho_to128(c, out->fee_shares));
}

u256 morpho_borrowed(struct checked *c, const struct morpho_market *m, u256 borrow_shares)
{
    return morpho_assets_up(c, borrow_shares, m->borrow_assets, m->borrow_shares);
}

u256 morpho_quoted(struct checked *c, u256 collateral, u256 price)
{
    return morpho_down(c, collateral, price, morpho_price_scale());
}

u256 morpho_max_borrow(struct checked *c, u256 collateral, u256 price, u256 lltv)
{
    return morpho_wmul_down(c, morpho_quoted(c, collateral, price), lltv);
}

u256 morpho_lif(struct checked *c, u256 lltv)
{
    const uint64_t most = MORPHO_WAD / 100 * 115, cursor = MORPHO_WAD / 10 * 3;
    u256 off = morpho_wmul_down(c, n(cursor), ck_sub(c, n(MORPHO_WAD), lltv));
    return ck_min(n(most), morpho_wdiv_down(c, n(MORPHO_WAD), ck_sub(c, n(MORPHO_WAD), off)));
}

// ceil(a b / d) with the product in 512 bits; false when it does not fit or d is 0.
static bool ceiling(u256 a, u256 b, u256 d, u256 *out)
{
    u256 rest;
    if (u256_mul_div(a, b, d, out, &rest))
        return false;
    return u256_is_zero(rest) || !u256_add(*out, n(1), out);
}

bool morpho_threshold(u256 borrowed, u256 collateral, u256 lltv, u256 *at)
{
    // floor(floor(c p / 1e36) lltv / 1e18) >= b  <=>  floor(c p / 1e36) >= K = ceil(b 1e18 / lltv)
    //                                            <=>  p >= ceil(K 1e36 / c)
    *at = U256_ZERO;
    if (u256_is_zero(borrowed))
        return true;
    u256 k;
    return ceiling(borrowed, n(MORPHO_WAD), lltv, &k) && ceiling(k, morpho_price_scale(), collateral, at);
}

static void repay(struct checked *c, struct morpho_liquidation *x)
{
    struct morpho_market *m = &x->market;
    u256 shares = morpho_to128(c, x->repaid_shares);
    x->left.borrow_shares = morpho_sub128(c, x->left.borrow_shares, shares);
    m->borrow_shares = morpho_sub128(c, m->borrow_shares, shares);
    // Rounding up may ask for one unit more than the market is owed.
    u256 owed = m->borrow_assets;
    m->borrow_assets = ck_lt(owed, x->repaid_assets) ? U256_ZERO : ck_sub(c, owed, x->repaid_assets);
}

static void write_off(struct checked *c, struct morpho_liquidation *x)
{
    struct morpho_market *m = &x->market;
    x->bad_debt_shares = x->left.borrow_shares;
    u256 assets = morpho_borrowed(c, m, x->bad_debt_shares);
    x->bad_debt_assets = ck_min(m->borrow_assets, assets);
    m->borrow_assets = morpho_sub128(c, m->borrow_assets, x->bad_debt_assets);
    m->supply_assets = morpho_sub128(c, m->supply_assets, x->bad_debt_assets);
    m->borrow_shares = morpho_sub128(c, m->borrow_shares, x->bad_debt_shares);
    x->left.borrow_shares = U256_ZERO;
}

const char *morpho_liquidate(const struct morpho_market *m, const struct morpho_position *p, u256 price,
                             struct morpho_order order, struct morpho_liquidation *out)
{
    struct checked c = {0};
    *out = (struct morpho_liquidation){.market = *m, .left = *p};
    if (u256_is_zero(order.seize) == u256_is_zero(order.repay_shares))
        return "inconsistent input";
    u256 borrowed = morpho_borrowed(&c, m, p->borrow_shares);
    u256 most = morpho_max_borrow(&c, p->collateral, price, m->lltv);
    if (ck_ok(&c) && !ck_lt(most, borrowed))
        return "position is healthy";
    out->lif = morpho_lif(&c, m->lltv);
    out->seized = order.seize;
    out->repaid_shares = order.repay_shares;
    if (!u256_is_zero(order.seize)) {
        u256 quoted = morpho_up(&c, order.seize, price, morpho_price_scale());
        u256 assets = morpho_wdiv_up(&c, quoted, out->lif);
        out->repaid_shares = morpho_shares_up(&c, assets, m->borrow_assets, m->borrow_shares);
    } else {
        u256 assets = morpho_assets_down(&c, order.repay_shares, m->borrow_assets, m->borrow_shares);
        out->seized = morpho_down(&c, morpho_wmul_down(&c, assets, out->lif), morpho_price_scale(), price);
    }
    out->repaid_assets = morpho_assets_up(&c, out->repaid_shares, m->borrow_assets, m->borrow_shares);
    repay(&c, out);
    out->left.collateral = morpho_sub128(&c, out->left.collateral, morpho_to128(&c, out->seized));
    if (ck_ok(&c) && u256_is_zero(out->left.collateral))
        write_off(&c, out);
    return c.why;
}

struct morpho_order morpho_whole(const struct morpho_market *m, const struct morpho_position *p, u256 price)
{
    struct checked c = {0};
    u256 assets = morpho_assets_down(&c, p->borrow_shares, m->borrow_assets, m->borrow_shares);
    u256 worth = morpho_wmul_down(&c, assets, morpho_lif(&c, m->lltv));
    u256 seized = morpho_down(&c, worth, morpho_price_scale(), price);
    // An order of shares would revert where this does.
    if (!ck_ok(&c) || ck_lt(p->collateral, seized))
        return (struct morpho_order){.seize = p->collateral};
    return (struct morpho_order){.repay_shares = p->borrow_shares};
}
