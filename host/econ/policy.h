// SPDX-License-Identifier: Apache-2.0
// How much of an account may be closed, by rule. Pure functions in exact integers; any thread.
// Sources: docs/econ/staged.md. Amounts >= 0 and < 2^100 unless said otherwise.
#ifndef TRIPLINE_ECON_POLICY_H
#define TRIPLINE_ECON_POLICY_H

#include "econ/margin.h"

// A fixed part, rounded up, at most all (Hyperliquid: 20 %).
i128 policy_part(i128 size, uint32_t ppm);

// Drift's ramp (math/liquidation.rs, calculate_max_pct_to_liquidate): how much of the shortage may be freed
// now, in 1 / POLICY_RAMP_ONE. Below 50e6 of shortage everything. `elapsed`, `duration` in slots; duration 0:
// everything.
struct policy_ramp {
    i128 shortage, freed; // quote units 1e-6; freed: by this liquidation so far
    uint64_t elapsed, duration;
    uint32_t initial; // of POLICY_RAMP_ONE
};
enum { POLICY_RAMP_ONE = 10000 };
i128 policy_ramp_pct(const struct policy_ramp *x);

// Aave v3.3 to v3.7: what may be repaid of one reserve's debt, in the debt's smallest units.
struct policy_aave {
    i128 debt;                                // the user's debt in that reserve, smallest units
    i128 debt_value, coll_value, total_value; // of the two reserves, and of all the user's debt: 1e-8 of base
    i128 price, unit; // of the debt: 1e-8 of base for `unit` (10^decimals) smallest units
    i128 health;      // wad
};
i128 policy_aave_most(const struct policy_aave *x);
// What would be left of either side, in 1e-8 of base: false where Aave reverts with MustNotLeaveDust.
bool policy_aave_leaves_no_dust(i128 debt_left, i128 coll_left);

// Aave V4: the debt that brings health to `target`, and what is then repaid of one reserve. False: out of
// range (target not above the penalty, or below health; a product beyond 255 bits).
struct policy_target {
    i128 total_value;    // of all the user's debt, 1e-26 of base
    i128 health, target; // wad; health <= target
    i128 bonus, factor;  // liquidation bonus (with its 10000) and collateral factor, bps
    i128 price, unit;    // of the debt: 1e-8 of base for `unit` smallest units
    i128 debt, asked;    // in the reserve; what the liquidator offers
};
bool policy_target_debt(const struct policy_target *x, i128 *debt); // rounded up
// min(asked, debt, that); all of `debt` where less than 1000 would be left (1e26 each).
bool policy_target_repay(const struct policy_target *x, i128 *repay);

// Two liquidations instead of one (Qin, Zhou, Gamito, Jovanovic, Gervais, "An Empirical Study of DeFi
// Liquidations", IMC 2021, "optimal fixed spread liquidation strategy"): the first leaves the account just
// below the threshold, so that the close factor applies a second time. Values in one unit, < 2^80, bps.
struct policy_split {
    i128 collateral, debt;
    uint32_t threshold, spread,
        close; // bps: liquidation threshold, liquidator's spread, close factor; each <= 10000
};
// Collateral seized for a repayment of r is floor(r * (10000 + spread) / 10000); liquidatable while
// collateral * threshold < debt * 10000. first <= floor(debt * close / 10000) is the largest that leaves the
// account liquidatable, second the close factor of what is left. False: not liquidatable, or the collateral
// does not pay for all of the debt with its spread (then the order of repayments does not matter).
bool policy_split_two(const struct policy_split *x, i128 *first, i128 *second);

#endif
