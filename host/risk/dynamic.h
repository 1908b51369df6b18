// SPDX-License-Identifier: Apache-2.0
// A liquidation threshold that follows a volatility: lower where prices move more, inside bounds, never
// faster than a rate, and not for every small change. It falls by ramps (accounts/moving.h: an instrument's
// ramp_from_bps, ramp_start, ramp_end), which give owners time and rows their horizon; a ramp only goes down,
// so it rises in steps. Thresholds are in bps (1e-4), deviations in ppm, times whole seconds of any epoch
// that do not go back (one that does counts as the last). Integers only. Pure; the caller's struct, one
// thread.
#ifndef TRIPLINE_RISK_DYNAMIC_H
#define TRIPLINE_RISK_DYNAMIC_H

#include <stdbool.h>
#include <stdint.h>

struct dynamic_rule {
    uint32_t base_bps;         // at sigma0
    uint32_t min_bps, max_bps; // 1 <= min <= base <= max <= 10000
    uint64_t sigma0_ppm;       // deviation at which the base applies, < 2^32
    uint64_t k_bps;            // bps lower for each 1000000 ppm of deviation above it, < 2^31
    uint32_t dead_bps;  // a target this near to where it is going changes nothing; 0: every change does
    uint32_t rate_mbps; // 1/1000 bps in a second at most, > 0
};
// Where it stands: at from_bps until start, at to_bps from end on, between them as accounts/moving.c has it.
struct dynamic_state {
    uint32_t from_bps, to_bps; // from >= to
    uint64_t start, end;       // start < end; equal: no ramp (its next begins no earlier)
    uint64_t since;            // what it may rise by counts from here
};

// NULL, or what is wrong with the rule (static text).
const char *dynamic_check(const struct dynamic_rule *r);
// Stands at lt_bps from `now` on. Brought inside the bounds only by steps and ramps.
void dynamic_start(struct dynamic_state *s, uint32_t lt_bps, uint64_t now);
// floor(base - k * (sigma - sigma0) / 10^6) inside the bounds: never rises with sigma.
uint32_t dynamic_target(const struct dynamic_rule *r, uint64_t sigma_ppm);
// The threshold at a moment: to + floor((from - to) * time left / duration).
uint32_t dynamic_at(const struct dynamic_state *s, uint64_t at);
// Towards a target inside [min, max], dynamic_target()'s or another's, as it is now. True: from, to, start
// and end are new, and whoever has them has to be told. Between any two moments a <= b it falls by at most
// rate * (b - a) / 1000 + 1 bps; between any two steps it rises by at most rate * (b - a) / 1000 + dead + 1
// bps. Inside [min, max] once it has been there.
bool dynamic_step_to(const struct dynamic_rule *r, struct dynamic_state *s, uint32_t target, uint64_t now);

#endif
