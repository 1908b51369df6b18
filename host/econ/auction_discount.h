// SPDX-License-Identifier: Apache-2.0
// An auction that the price drives: the discount is how far an account is below the line, and grows as its
// collateral falls. Euler's vault kit. Source: euler-xyz/euler-vault-kit src/EVault/modules/Liquidation.sol.
// Values are the vault's unit of account, liability and repay are units of the debt's token, balance and
// yield shares of the collateral's vault; the factor and the discount are 1e18. Pure functions, no state; any
// thread.
#ifndef TRIPLINE_ECON_AUCTION_DISCOUNT_H
#define TRIPLINE_ECON_AUCTION_DISCOUNT_H

#include "base/checked.h"

struct discount {
    u256 adjusted;                   // the account's collateral, each at its liquidation LTV
    u256 liability_value, liability; // the debt, rounded up
    u256 collateral_value, balance;  // what of the collateral seized the account has
    uint32_t most;                   // maxLiquidationDiscount, 1e4, at most 10000
};
struct discount_out {
    bool violation; // adjusted is not above the debt
    u256 factor;    // paid / received: 1e18 less the discount
    u256 repay, yield;
};

// 1e18 less the discount for an account that is in violation.
u256 discount_factor(struct checked *c, u256 adjusted, u256 liability_value, uint32_t most);
// checkLiquidation: the most that can be repaid, and what that receives. All 0 without a violation.
struct discount_out discount_most(struct checked *c, const struct discount *d);
// liquidate(repay): the same share of the yield; "E_ExcessiveRepayAmount" above the most.
struct discount_out discount_part(struct checked *c, const struct discount *d, u256 repay);
// The way back: the largest adjusted value at which the factor is at or below `factor`, i.e. the price falls
// to it when the discount has grown to 1e18 - factor. The result is below the debt's value for a factor
// below 1e18. Fails when the cap of the discount keeps the factor above, at any price.
u256 discount_reached(struct checked *c, u256 liability_value, uint32_t most, u256 factor);

#endif
