// SPDX-License-Identifier: Apache-2.0
// Morpho Blue's health and liquidation (docs/protocols/morpho-blue.md): one market, one position, one price.
// Amounts are the tokens' smallest units; a price is loan units for one collateral unit, times 10^36.
// Formulas: morpho-blue src/Morpho.sol (_accrueInterest, _isHealthy, liquidate). Pure functions over caller's
// memory; any thread.
#ifndef TRIPLINE_ACCOUNTS_RULES_MORPHO_BLUE_H
#define TRIPLINE_ACCOUNTS_RULES_MORPHO_BLUE_H

#include "accounts/rules/morpho/morpho_math.h"

struct morpho_market {
    u256 supply_assets, supply_shares, borrow_assets, borrow_shares; // < 2^128
    u256 fee;                                                        // of the interest, in WAD, <= 1/4
    u256 lltv;                                                       // in WAD, < 1
};

struct morpho_position {
    u256 borrow_shares, collateral; // < 2^128
};

struct morpho_interest {
    u256 interest, fee_shares;
};
// The market as of `seconds` later at borrow rate `rate` (per second, WAD; what the market's rate model
// answers).
void morpho_accrue(struct checked *c, struct morpho_market *m, u256 rate, u256 seconds,
                   struct morpho_interest *out);

// The debt in loan units, rounded up, and the most that the collateral allows at `lltv`.
u256 morpho_borrowed(struct checked *c, const struct morpho_market *m, u256 borrow_shares);
u256 morpho_quoted(struct checked *c, u256 collateral, u256 price);
u256 morpho_max_borrow(struct checked *c, u256 collateral, u256 price, u256 lltv);
// Liquidation incentive factor in WAD: min(1.15, 1 / (1 - 0.3 (1 - lltv))). lltv < WAD.
u256 morpho_lif(struct checked *c, u256 lltv);

// The least price at which `borrowed` is within `lltv` of `collateral`: healthy exactly where price >= *at.
// All floors of the contract are in it. False: no price of 256 bits is high enough. Where collateral * price
// needs more than 256 bits the contract reverts, so it cannot liquidate there either.
bool morpho_threshold(u256 borrowed, u256 collateral, u256 lltv, u256 *at);

struct morpho_order {
    u256 seize;        // collateral units; or
    u256 repay_shares; // exactly one is not 0
};

struct morpho_liquidation {
    u256 lif;
    u256 seized, repaid_assets, repaid_shares;
    u256 bad_debt_assets, bad_debt_shares;
    struct morpho_market market; // after it
    struct morpho_position left;
};
// What liquidate() would do, the market's interest having been added before. NULL: it goes through, and *out
// is whole. Otherwise the contract's words, or what arithmetic failed (static text); *out counts for nothing
// then.
const char *morpho_liquidate(const struct morpho_market *m, const struct morpho_position *p, u256 price,
                             struct morpho_order order, struct morpho_liquidation *out);
// The order that takes the whole position: all shares where the collateral suffices for them, all collateral
// otherwise (the rest is then written off). Never refused for its size, unless there is no collateral at all:
// then no order seizes anything.
struct morpho_order morpho_whole(const struct morpho_market *m, const struct morpho_position *p, u256 price);

#endif
