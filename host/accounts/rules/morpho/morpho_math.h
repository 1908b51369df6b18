// SPDX-License-Identifier: Apache-2.0
// The fixed point of Morpho's contracts (morpho-blue src/libraries/MathLib.sol, SharesMathLib.sol,
// UtilsLib.sol): WAD is 10^18, a price carries 10^36, shares are counted with 10^6 virtual ones against one
// virtual asset. Every function fails where the contract would revert; the first failure stays in the struct
// checked. Pure; any thread.
#ifndef TRIPLINE_ACCOUNTS_RULES_MORPHO_MATH_H
#define TRIPLINE_ACCOUNTS_RULES_MORPHO_MATH_H

#include "base/checked.h"

#define MORPHO_WAD UINT64_C(1000000000000000000)
#define MORPHO_WIDTH                                                                                         \
    "max uint128 exceeded" // the contract's words for an amount that needs more than 128 bits

u256 morpho_price_scale(void); // 10^36
// floor(a b / d), and its ceiling as the contract writes it: (a b + (d - 1)) / d, so that this sum has to fit
// too.
u256 morpho_down(struct checked *c, u256 a, u256 b, u256 d);
u256 morpho_up(struct checked *c, u256 a, u256 b, u256 d);
u256 morpho_wmul_down(struct checked *c, u256 a, u256 b); // floor(a b / WAD)
u256 morpho_wdiv_down(struct checked *c, u256 a, u256 b); // floor(a WAD / b)
u256 morpho_wdiv_up(struct checked *c, u256 a, u256 b);
// e^(rate seconds) - 1 by its first three terms, in WAD. rate: per second, in WAD.
u256 morpho_taylor(struct checked *c, u256 rate, u256 seconds);
// Assets to shares and back, in a pool of `assets` and `shares` in all.
u256 morpho_shares_down(struct checked *c, u256 amount, u256 assets, u256 shares);
u256 morpho_shares_up(struct checked *c, u256 amount, u256 assets, u256 shares);
u256 morpho_assets_down(struct checked *c, u256 amount, u256 assets, u256 shares);
u256 morpho_assets_up(struct checked *c, u256 amount, u256 assets, u256 shares);
// Solidity's arithmetic on uint128: fails (not with MORPHO_WIDTH) when the sum needs more or b > a.
u256 morpho_add128(struct checked *c, u256 a, u256 b);
u256 morpho_sub128(struct checked *c, u256 a, u256 b);
u256 morpho_to128(struct checked *c, u256 a); // toUint128: fails with MORPHO_WIDTH

#endif
