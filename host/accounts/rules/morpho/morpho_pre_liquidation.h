// SPDX-License-Identifier: Apache-2.0
// Morpho's pre-liquidation contracts (docs/protocols/morpho-pre-liquidation.md): a borrower opts in, and part
// of the debt may be repaid before Morpho itself would liquidate, at a price oracle of the contract's own.
// Factors are in WAD. Formulas: pre-liquidation src/PreLiquidation.sol (constructor, preLiquidate) over
// morpho-blue's repay and withdrawCollateral. Pure functions over caller's memory; any thread.
#ifndef TRIPLINE_PROTOCOLS_MORPHO_PRE_LIQUIDATION_H
#define TRIPLINE_PROTOCOLS_MORPHO_PRE_LIQUIDATION_H

#include "accounts/rules/morpho/morpho_blue.h"

struct morpho_pre {
    u256 lltv;       // preLltv, below the market's
    u256 lcf1, lcf2; // close factors at preLltv and at the market's lltv; above WAD: everything
    u256 lif1, lif2; // incentive factors at the same two
};
// What the constructor says of them; NULL: nothing.
const char *morpho_pre_refused(const struct morpho_pre *pre, u256 market_lltv);

struct morpho_pre_terms {
    u256 quoted, borrowed; // the collateral's worth at the contract's oracle, and the debt
    u256 ltv, quotient;    // quotient: how far from preLltv (0) to lltv (WAD)
    u256 lif, lcf;
    u256 repayable_shares; // the most that one order may repay
};
// The terms of the moment. NULL: the position may be pre-liquidated and *out is whole; else the contract's
// error.
const char *morpho_pre_terms(const struct morpho_pre *pre, const struct morpho_market *m,
                             const struct morpho_position *p, u256 price, struct morpho_pre_terms *out);

struct morpho_pre_liquidation {
    struct morpho_pre_terms terms;
    u256 seized, repaid_assets, repaid_shares;
    struct morpho_market market; // after it
    struct morpho_position left;
};
// preLiquidate(), the market's interest having been added before. price: of the contract's oracle;
// market_price: of the market's, which Morpho asks when the collateral leaves. authorized: the borrower lets
// the contract manage the position. NULL: it goes through; else the error's name, or what arithmetic failed.
const char *morpho_pre_liquidate(const struct morpho_pre *pre, const struct morpho_market *m,
                                 const struct morpho_position *p, u256 price, u256 market_price,
                                 bool authorized, struct morpho_order order,
                                 struct morpho_pre_liquidation *out);

#endif
