// SPDX-License-Identifier: Apache-2.0
// Volatility of a price, in integers, so that the same prices give the same parameters everywhere.
// Logarithms and returns: units of 2^-48 (int64_t). Variances: units of 2^-64 of a squared return over one
// period (u128, at most VOL_VAR_MAX; what would be more is that). Prices: integers 1..2^63 - 1 of any
// quantum. Times: milliseconds. Pure functions over the caller's memory: no allocation, no state of their
// own, one thread a struct. docs/lab/dynamic.md has the formulas, their sources and how the errors come
// about.
#ifndef TRIPLINE_RISK_VOL_H
#define TRIPLINE_RISK_VOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wide.h"

#define VOL_VAR_MAX     ((u128)1 << 96)       // a deviation of 65536 a period: no price does that
#define VOL_MS_MAX      (UINT64_C(1) << 40)   // 34 years
#define VOL_YEAR_MS     UINT64_C(31536000000) // 365 days
#define VOL_SAMPLES_MAX (UINT32_C(1) << 20)   // of a window: its sum of squares stays below 2^128

// ln(x), x > 0: never above the true value, below it by less than 1.01 units. Ascends with x; 0 at 1.
int64_t vol_ln(uint64_t x);
// ln(to / from): within 1.01 units. Telescopes exactly: a to b and b to c make a to c. |result| < 2^54.
int64_t vol_return(uint64_t from, uint64_t to);
// e^-x in units of 2^-64, x >= 0 in units of 2^-48: within 32 units, 2^64 at 0, never above 2^64.
u128 vol_exp_neg(uint64_t x);
// A return's square as a variance, rounded down. |r| < 2^55.
u128 vol_square(int64_t r);

// ---- exponentially weighted (RiskMetrics 1996: lambda 0.94 a day)

enum { VOL_LAMBDA_PPM = 940000 };

struct vol_ewma {
    uint32_t lambda_ppm; // what of the variance is left after one period, 1..999999
    uint64_t period_ms;  // 1..VOL_MS_MAX
    uint64_t cap_ms;     // a gap counts as this long at most (0: as it is): what a halt hides is one return
    u128 var;            // of one period
    uint64_t price;      // the last, 0: none yet
    uint64_t at_ms;      // of it
    uint64_t n;          // returns taken
};
// var' = floor(lambda * var + (1 - lambda) * r^2), lambda in ppm: one return of exactly one period.
u128 vol_ewma_step(u128 var, int64_t r, uint32_t lambda_ppm);
// The same for a return over dt_ms, 1..VOL_MS_MAX: w = lambda^(dt/period), var' = w * var + (1 - w) * r^2 *
// period / dt. Off by at most ((1 + dt/period) * w * 2^-47 + 2^-58) of the larger of var and r^2 * period /
// dt, and two units. At dt == period it is vol_ewma_step to the bit.
u128 vol_ewma_step_dt(u128 var, int64_t r, uint64_t dt_ms, uint32_t lambda_ppm, uint64_t period_ms);
// A price at a moment. The first, and the first after one that is not of use, begins anew; one that is not
// later than the last replaces it within the same millisecond and is ignored before. A first return is the
// variance. False: nothing has changed in var.
bool vol_ewma_price(struct vol_ewma *v, uint64_t price, uint64_t at_ms);

// ---- realised, over a window

struct vol_sample {
    int64_t r;
    uint64_t dt_ms;
};
struct vol_window {
    struct vol_sample *sample; // the caller's, `room` of them
    uint32_t room;             // 1..VOL_SAMPLES_MAX
    uint64_t window_ms;        // what is older leaves: 1..VOL_MS_MAX
    uint32_t first, n;         // 0 at first
    u128 squares;              // exact sum of r * r of what is inside, units of 2^-96
    uint64_t span_ms;          // sum of dt
};
// A return over dt_ms, 1..VOL_MS_MAX; |r| < 2^54. The oldest leave while room or window is exceeded, the
// newest never does.
void vol_window_add(struct vol_window *w, int64_t r, uint64_t dt_ms);
// Variance of one period: sum of r^2 * period / sum of dt, rounded down. 0 while nothing is inside.
u128 vol_window_var(const struct vol_window *w, uint64_t period_ms);

// ---- from the range of a bar

struct vol_bar {
    uint64_t open, high, low, close; // 0 < low <= open, close <= high < 2^63
};
enum vol_range { VOL_CLOSE, VOL_PARKINSON, VOL_GARMAN_KLASS, VOL_ROGERS_SATCHELL };
bool vol_bar_good(const struct vol_bar *b);
// Variance of the bar's time, rounded down: with u = ln(high/open), d = ln(low/open), c = ln(close/open)
//   close           c^2
//   Parkinson       (u - d)^2 / (4 ln 2)                     (1980; no drift)
//   Garman-Klass    (u - d)^2 / 2 - (2 ln 2 - 1) c^2         (1980, the practical one; no drift)
//   Rogers-Satchell u (u - c) + d (d - c)                    (1991; any drift)
// None is negative for a good bar; a bar that is not gives 0. Off by less than 2^-46 * (u - d) + 2^-64 +
// 2^-90.
u128 vol_bar_var(const struct vol_bar *b, enum vol_range how);
// A price into the bar that is being made; *n prices so far (0 begins a new one).
void vol_bar_add(struct vol_bar *b, uint64_t *n, uint64_t price);

// ---- deviation

// floor(10^6 * sqrt(var * horizon / period)): ppm of the price over `horizon_ms` (VOL_YEAR_MS: annualised).
// Exact. Both times 1..VOL_MS_MAX; var above VOL_VAR_MAX counts as that.
uint64_t vol_sigma_ppm(u128 var, uint64_t period_ms, uint64_t horizon_ms);

#endif
