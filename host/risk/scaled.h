// SPDX-License-Identifier: Apache-2.0
// Parameters that a protocol itself scales. Aloe II's implied volatility is here; those that belong to an
// account's health stay with their protocol: dYdX v4's margin by open interest (dydx_position_risk), Drift
// v2's by size (drift_size_premium, drift_size_discount), Mango v4's weights by what is lent and borrowed
// (accounts/rules/mango/mango_v4_bank.c); docs/lab/dynamic.md names them side by side. Source of what is
// here: Aloe II, core/src/VolatilityOracle.sol, bit for bit. Pure; any thread.
#ifndef TRIPLINE_RISK_SCALED_H
#define TRIPLINE_RISK_SCALED_H

#include "base/u256.h"

// Aloe's own constants (Constants.sol). IV: 1e-12 over 24 hours.
#define ALOE_IV_COLD_START    UINT64_C(127921282726)
#define ALOE_IV_CHANGE_SECOND UINT64_C(115740)
#define ALOE_SAMPLE_PERIOD    UINT32_C(14400)
#define ALOE_AVERAGE_WINDOW   UINT32_C(259200)
#define ALOE_IV_CHANGE        (ALOE_IV_CHANGE_SECOND * ALOE_SAMPLE_PERIOD)

struct aloe_iv {      // of one pool
    uint64_t at;      // of the last sample, seconds
    u128 before, now; // 104 bits
};
// A sample at `at`, dt seconds of fee growth behind the estimate: nothing within ALOE_SAMPLE_PERIOD of the
// last (false). dt away from ALOE_AVERAGE_WINDOW by more than half a period: the moment only. Else the
// average, with 1/20 of a rise and 1/100 of a fall, by at most ALOE_IV_CHANGE.
bool aloe_update(struct aloe_iv *v, u256 estimate, uint32_t dt, uint64_t at);
// What the oracle answers at a moment: from before to now within ALOE_SAMPLE_PERIOD of the sample.
u128 aloe_at(const struct aloe_iv *v, uint64_t at);

#endif
