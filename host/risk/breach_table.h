// SPDX-License-Identifier: Apache-2.0
// Inside of the folder only: constants of breach_math.c.
#ifndef TRIPLINE_RISK_BREACH_TABLE_H
#define TRIPLINE_RISK_BREACH_TABLE_H

#include <stdint.h>

enum {
    BREACH_MILLS_BITS = 5, // 32 points to one sigma
    BREACH_MILLS = 514,    // up to 16 sigmas, and one
    BREACH_HALVES_BITS = 6,
    BREACH_HALVES = 1 << BREACH_HALVES_BITS,
};
extern const uint64_t breach_mills[BREACH_MILLS]; // N(-x) / phi(x) at i / 32, in 2^-62
extern const uint64_t breach_half[BREACH_HALVES]; // 2^(-i / 64), in 2^-63

#endif
