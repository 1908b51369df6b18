// SPDX-License-Identifier: Apache-2.0
// The mathematics of breach.h in integers, so that two machines rank orders alike: a normal tail from a table
// and the chance that a drifted Brownian motion comes down to zero. Distances are in sigmas, in 2^-24;
// probabilities in 2^-60 and never above BREACH_SURE. No memory, no errors; any thread.
#ifndef TRIPLINE_RISK_BREACH_MATH_H
#define TRIPLINE_RISK_BREACH_MATH_H

#include <stdint.h>

#define BREACH_SURE (UINT64_C(1) << 60)
enum {
    BREACH_SIGMA_BITS = 24,
    BREACH_SIGMA = 1 << BREACH_SIGMA_BITS,
    BREACH_FAR = 12 * BREACH_SIGMA,  // beyond it nothing is reached: the chance is below 2^-49
    BREACH_DRIFT = 4 * BREACH_SIGMA, // a drift of more sigmas over the horizon counts as that many
};

// N(-x), the normal distribution's weight above x; -16 <= x <= 16 sigmas (clipped). Off by less than 2^-27 of
// itself for x >= 0: Mills' ratio from a table of 32 points to the sigma by cubic Hermite interpolation (its
// derivative is x R - 1), which is off by h^4/384 times the fourth derivative, times an exponential to 2^-58.
// Never rises with x.
uint64_t breach_tail(int64_t x);
// The chance that a Brownian motion which begins d sigmas above zero, and drifts by m sigmas over the
// horizon, has touched zero by its end:
//   N(-d - m) + exp(-2 m d) N(-d + m)
// (Karatzas and Shreve, Brownian Motion and Stochastic Calculus, 3.5.C; without drift the reflection
// principle's 2 N(-d)). d <= 0: BREACH_SURE. m > 0 leads away from zero.
uint64_t breach_first_passage(int64_t d, int64_t m);

#endif
