// SPDX-License-Identifier: Apache-2.0
// Aave V4's liquidation: health, the bonus that grows as health falls, the debt that brings the account back
// to the target health, dust, the protocol's fee and the deficit, as the Spoke and its LiquidationLogic have
// them (docs/protocols/aave-v4.md has formulas, sources and commit). Values are USD with 26 decimals: token
// amount * price with 8 decimals * 1e18 / token unit. Pure functions over the caller's memory, no allocation;
// any thread.
#ifndef TRIPLINE_PROTOCOLS_AAVE_V4_H
#define TRIPLINE_PROTOCOLS_AAVE_V4_H

#include "base/checked.h"

enum { AAVE_V4_RESERVES_MAX = 32, AAVE_V4_DECIMALS_MAX = 18 };

// One reserve of the spoke with the account's position in it. Ranges are those of the contract's storage.
struct aave_v4_reserve {
    u256 price;        // of a whole token, USD with 8 decimals; > 0, < 2^128
    unsigned decimals; // <= AAVE_V4_DECIMALS_MAX
    bool paused, frozen;
    // the hub's asset
    u256 added_assets, added_shares; // totals, without the virtual million that the hub adds to each; < 2^128
    u256 drawn_index;                // ray, at the block of the call; < 2^120, >= 1e27
    u256 liquidity;                  // token units that can leave; U256_MAX when it is not known
    // the dynamic configuration that the account's position is bound to
    u256 collateral_factor; // bps, < 1e4
    u256 max_bonus;         // bps, >= 1e4: 10500 pays 5 % on top
    u256 fee;               // bps of the bonus, <= 1e4
    // the account's position
    bool collateral;      // used as collateral
    u256 supplied_shares; // < 2^120
    u256 drawn_shares;    // < 2^120; the account borrows here when it is not 0
    u256 premium_shares;  // < 2^120
    i256 premium_offset;  // ray, int200
};

struct aave_v4_state {
    u256 target_health;    // wad, >= 1e18
    u256 max_bonus_health; // wad, < 1e18: at or below it the bonus is at its greatest
    u256 bonus_factor;     // bps, <= 1e4: the share of the greatest bonus that is paid just below 1
    unsigned n;
    struct aave_v4_reserve reserve[AAVE_V4_RESERVES_MAX];
};

// getUserAccountData, without the risk premium.
struct aave_v4_account {
    u256 collateral_value, debt_value; // 1e-26 USD
    u256 weighted;                     // sum of value * collateral factor, 1e-30 USD
    u256 health;                       // wad; U256_MAX without debt
    unsigned collaterals, borrows;     // that count
};

struct aave_v4_order {
    unsigned collateral, debt; // < n
    u256 debt_to_cover;        // U256_MAX: whatever is needed
    bool receive_shares;       // the collateral stays in the hub, as shares of the liquidator
    bool self;                 // the caller is the borrower
};

// What a call moves. Token units, but for the shares.
struct aave_v4_call {
    u256 supplied, owed; // what the account has in the two reserves
    u256 bonus;          // bps
    u256 debt_to_target; // unbounded by what is owed
    u256 debt;           // repaid by the liquidator
    u256 collateral;     // taken from the account
    u256 received;       // by the liquidator; the rest is the protocol's fee
    u256 shares_taken, shares_received;
    u256 drawn_shares, premium_ray; // repaid
    bool deficit;                   // all remaining debt of the account is written off
};

// Each leaves *c as it found it or with the reason of the first operation that the contract would revert on.
void aave_v4_account_data(struct checked *c, const struct aave_v4_state *s, struct aave_v4_account *out);
u256 aave_v4_supplied(struct checked *c, const struct aave_v4_reserve *r);
u256 aave_v4_drawn(struct checked *c, const struct aave_v4_reserve *r, u256 *premium_ray);
u256 aave_v4_owed(struct checked *c, const struct aave_v4_reserve *r); // drawn and premium, token units
// "" or the contract's name of the error, or c->why when *c has failed; what was found until then is in
// *out, the rest is 0. `a` is aave_v4_account_data of the same state.
const char *aave_v4_liquidate(struct checked *c, const struct aave_v4_state *s,
                              const struct aave_v4_account *a, const struct aave_v4_order *o,
                              struct aave_v4_call *out);

#endif
