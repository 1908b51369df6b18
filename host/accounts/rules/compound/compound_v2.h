// SPDX-License-Identifier: Apache-2.0
// Compound v2 and its forks: an account's liquidity, and what liquidateBorrow() gives or why it refuses.
// Formulas: docs/protocols/compound-v2.md. Factors, rates and prices are in 1e-18 ("mantissa"); a price is of
// one smallest unit of the underlying times 1e18, so that value = price * amount / 1e18. Refusals are the
// contracts' names of their errors, in static text; NULL: none. Pure functions; any thread.
#ifndef TRIPLINE_ACCOUNTS_RULES_COMPOUND_V2_H
#define TRIPLINE_ACCOUNTS_RULES_COMPOUND_V2_H

#include "base/checked.h"

enum { COMPOUND_V2_MARKETS_MAX = 24 };

struct compound_v2_market {
    const char *name;
    u256 price; // 0: the oracle has none
    u256 collateral_factor, reserve_factor, seize_share;
    u256 exchange_rate; // exchangeRateStored(), after accrueInterest()
    u256 tokens;        // cTokens of the account
    u256 borrow;        // borrowBalanceStored(), likewise
    bool listed;
    bool entered; // one of the account's assets: only those count for its liquidity
    bool borrow_paused;
};

struct compound_v2 {
    u256 close_factor, incentive;
    bool seize_paused;
    struct compound_v2_market market[COMPOUND_V2_MARKETS_MAX];
    unsigned n;
};

struct compound_v2_seized {
    u256 tokens;          // of the account's collateral
    u256 liquidator;      // what the liquidator gets of them
    u256 protocol;        // what the reserves keep of them,
    u256 protocol_amount; // and that in underlying
};

// Sums of collateral at its factor and of borrows. shortfall: borrows above collateral.
const char *compound_v2_liquidity(const struct compound_v2 *c, u256 *collateral, u256 *borrows);
// A market that is given up: all its borrows can be liquidated whole, at any health.
bool compound_v2_deprecated(const struct compound_v2_market *m);
// The most that may be repaid in a market with one call; not of the account's health.
u256 compound_v2_most(const struct compound_v2 *c, unsigned borrowed, struct checked *k);
// Repays `amount` of `borrowed` for `collateral`, both below c->n, for a borrower that is not the caller.
const char *compound_v2_liquidate(const struct compound_v2 *c, unsigned borrowed, unsigned collateral,
                                  u256 amount, struct compound_v2_seized *out);

#endif
