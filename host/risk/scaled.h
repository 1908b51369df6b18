// SPDX-License-Identifier: Apache-2.0
// Parameters that a protocol itself scales. Aloe II's implied volatility is here; those that belong to an
// account's health stay with their protocol: dYdX v4's margin by open interest (dydx_position_risk), Drift
// v2's by size (drift_size_premium, drift_size_discount), Mango v4's weights by what is lent and borrowed
// (accounts/rules/mango/mango_v4_bank.c); docs/lab/dynamic.md names them side by side. Source of what is
// here: Aloe II, core/src/libraries/Volatility.sol and core/src/VolatilityOracle.sol, bit for bit. Pure; any
// thread.
#ifndef TRIPLINE_RISK_SCALED_H
#define TRIPLINE_RISK_SCALED_H

#include "base/checked.h"

// Aloe's own constants (Constants.sol). IV: 1e-12 over 24 hours.
#define ALOE_IV_SCALE         UINT32_C(86400)
#define ALOE_IV_COLD_START    UINT64_C(127921282726)
#define ALOE_IV_CHANGE_SECOND UINT64_C(115740)
#define ALOE_SAMPLE_PERIOD    UINT32_C(14400)
#define ALOE_AVERAGE_WINDOW   UINT32_C(259200)
#define ALOE_IV_CHANGE        (ALOE_IV_CHANGE_SECOND * ALOE_SAMPLE_PERIOD)

struct aloe_pool {
    uint32_t gamma0, gamma1; // fee less the protocol's part, 1e-6, 24 bits
    int32_t tick_spacing;    // > 0
    u256 sqrt_price;         // mean, 2^-96, 160 bits, > 0
};
struct aloe_growth { // fee growth of a pool up to a moment, 2^-128 a unit of liquidity, modulo 2^256
    u256 fees0, fees1;
    uint32_t at; // seconds, modulo 2^32
};
// IV = 2 sqrt(20000 (fgg0 gamma1 sqrt(P) + fgg1 gamma0 / sqrt(P)) / tickSpacing * scale / dt), 1e-12 over
// `scale` seconds; 0 where no time has gone by. Reverts (c) where the contract does: a growth that does not
// fit 256 bits, a price or spacing of 0.
u256 aloe_estimate(struct checked *c, const struct aloe_pool *p, const struct aloe_growth *a,
                   const struct aloe_growth *b, uint32_t scale);

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
