// SPDX-License-Identifier: Apache-2.0
// Compound III (Comet): when an account may be absorbed, what absorbing it does, and what a buyer of its
// collateral gets. Formulas: docs/protocols/comet.md. Values are in 1e-8 of the market's unit of account
// (usually USD), balances in the tokens' smallest units, factors in 1e-18. Refusals are the contract's names
// of its errors, in static text; NULL: none. Pure functions; any thread.
#ifndef TRIPLINE_ACCOUNTS_RULES_COMET_H
#define TRIPLINE_ACCOUNTS_RULES_COMET_H

#include "base/checked.h"

enum { COMET_ASSETS_MAX = 24 }; // MAX_ASSETS_FOR_ASSET_LIST; 15 where the market has the older contract

struct comet_asset {
    const char *name;
    u256 balance;            // the account's, < 2^128; 0: the account is not in this asset
    i256 price;              // as the feed says, 1e-8; 0 and less are refused where they are read
    u256 scale;              // 10^decimals
    u256 liquidate_factor;   // of the test
    u256 liquidation_factor; // of what absorbing credits
};

struct comet {
    i256 principal;                  // [-2^103, 2^103); below zero it is a debt
    u256 supply_index, borrow_index; // 1e-15, of the block in question
    i256 base_price;
    u256 base_scale;
    bool absorb_paused, buy_paused;
    struct comet_asset asset[COMET_ASSETS_MAX]; // in the contract's order
    unsigned n;
    bool with_pool;                  // the following are given
    u256 balance;                    // base tokens that the contract holds, < 2^128
    u256 total_supply, total_borrow; // principals, < 2^104
    u256 target_reserves, store_front_factor;
};

struct comet_absorbed {
    i256 balance;                 // the account's base balance before, below zero
    u256 value[COMET_ASSETS_MAX]; // of what is seized of each asset: always all
    u256 credit_value, credit;    // by liquidation factors; in base tokens
    u256 new_balance, new_principal;
    u256 paid_out, paid_out_value;   // by the reserves
    u256 total_supply, total_borrow; // of the pool afterwards, when it is given
};

// All of both sides of the test, without its early end: liquidatable exactly where *collateral < *debt,
// unless a price behind that end is refused.
const char *comet_sums(const struct comet *c, u256 *collateral, u256 *debt);
// *liquidity is what the loop had summed up when it stopped: it stops at the first asset behind which the
// debt is covered, and reads no price of those behind that. 0 without a debt.
bool comet_liquidatable(const struct comet *c, i256 *liquidity, const char **refused);
const char *comet_absorb(const struct comet *c, struct comet_absorbed *out);
// Base tokens above what is owed to suppliers, by the indexes given.
i256 comet_reserves(const struct comet *c, u256 total_supply, u256 total_borrow);
// The price, 1e-8, at which the market sells the asset: its own less the store front's share of the penalty.
u256 comet_ask(const struct comet *c, unsigned asset, struct checked *k);
u256 comet_quote(const struct comet *c, unsigned asset, u256 base, struct checked *k);
// Selling `base` units for *out of the asset. asset >= c->n: one that the market does not have.
const char *comet_buy(const struct comet *c, unsigned asset, u256 base, u256 least, i256 reserves,
                      u256 collateral_reserves, u256 *out);

#endif
