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

#endif
