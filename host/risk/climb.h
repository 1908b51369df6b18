// SPDX-License-Identifier: Apache-2.0
// Maintenance rates of a perpetual that follow something: a factor on the configured rates, never below one,
// inside bounds, not faster than a rate in either direction, not for every small change; and the targets such
// a factor, or a reserve's threshold (risk/dynamic.h), may have beside a volatility: dYdX v4's open interest,
// Drift v2's root of the size, Mango v4's deposits, Aloe II's implied volatility. An instrument's tiers have
// no ramp of their own, so a ramp here is steps, each no larger than the rate has earned. The rule is
// dynamic_rule with factors in bps of the configured rates in place of thresholds. Integers only; pure.
#ifndef TRIPLINE_RISK_CLIMB_H
#define TRIPLINE_RISK_CLIMB_H

#include "base/wide.h"
#include "risk/dynamic.h"

enum {
    CLIMB_ONE = 10000,    // the configured rates
    CLIMB_MOST = 1000000, // a hundred times them
    CLIMB_TIERS_MAX = 16,
    CLIMB_ROOT = 1000000, // a whole share
    CLIMB_RATE_MOST = 999999
};

// NULL, or what is wrong: CLIMB_ONE <= min <= base <= max <= CLIMB_MOST, the rest as dynamic_check.
const char *climb_check(const struct dynamic_rule *r);
// ceil(base + k * (sigma - sigma0) / 10^6) inside the bounds: never falls with sigma.
uint32_t climb_target(const struct dynamic_rule *r, uint64_t sigma_ppm);
// dYdX v4's form, the rise cut as there: base + floor((max - base) * (value - lower) / (upper - lower)), base
// below `lower`, max above `upper`. lower < upper < 2^96.
uint32_t climb_open_interest(const struct dynamic_rule *r, u128 value, u128 lower, u128 upper);

struct climb {
    uint32_t at_bps;
    uint64_t since; // what it may move by counts from here, seconds
};
// Towards the target. True: at_bps is new. Between any two steps a <= b it moves by at most rate * (b - a) /
// 1000 + dead + 1 bps; inside [min, max] once it has been there.
bool climb_step(const struct dynamic_rule *r, struct climb *c, uint32_t target, uint64_t now);

// Shares of the factor's rise, by tier: floor(10^6 * sqrt(floor_k / floor_last)), as Drift's premium grows
// with the root of the size. Floors ascend from 0, n 2..CLIMB_TIERS_MAX, each < 2^120.
void climb_roots(const i128 *floor, unsigned n, uint32_t *root);
// rate + ceil(rate * (factor - one) / one * share): ascends where rates do, and never falls with the factor.
// root NULL: all whole.
uint32_t climb_rate(uint32_t rate, uint32_t factor, const uint32_t *root);
// The least factor in [lo, hi] that makes of all `rate` what is in `have`; false: none does.
bool climb_fit(const uint32_t *rate, const uint32_t *root, unsigned n, const uint32_t *have, uint32_t lo,
               uint32_t hi, uint32_t *factor);

// ---- thresholds of a reserve

// Mango v4's asset weight: floor(base * quote / deposits) above `quote`, base below it; inside the bounds.
uint32_t scaled_threshold(const struct dynamic_rule *r, u128 deposits, u128 quote);
// Aloe II's probe: floor(base * e^-(n * iv)), iv in 1e-12, n in tenths (Aloe's nSigma); inside the bounds.
// n < 2^16, iv < 2^63.
uint32_t implied_threshold(const struct dynamic_rule *r, uint64_t iv_e12, uint32_t n_tenths);

#endif
