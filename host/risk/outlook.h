// SPDX-License-Identifier: Apache-2.0
// How likely a breach is, by what past days have taught, on top of breach.h: variance of several memories
// mixed, a trend, jumps that come out of a calm sky, and a calibration of what is told. The coefficients are
// fitted offline (host/lab/fit.h, `tripline lab predict`) and taken as settings; all of them zero, but
// odds_e6, is breach_probability(). docs/lab/prediction.md has the formulas. Integers only, as a replay has
// to come to the same. Pure functions over the caller's memory, no errors; any thread.
#ifndef TRIPLINE_RISK_OUTLOOK_H
#define TRIPLINE_RISK_OUTLOOK_H

#include "risk/breach.h"

// Variances of a price by how long they remember: seconds, a minute, as long as there is anything.
enum outlook_memory { OUTLOOK_FAST, OUTLOOK_MIDDLE, OUTLOOK_LONG, OUTLOOK_MEMORIES };

struct outlook_asset {
    uint64_t vol_q48[OUTLOOK_MEMORIES]; // sigma over a root second
    int64_t drift_q64;                  // of the logarithm, a second; |.| < 2^56
};

// What an account looks like; made once, judged by any fit.
struct outlook_look {
    int64_t distance[OUTLOOK_MEMORIES]; // breach_distance() with the variance of that memory; 2^-24 sigmas
    int64_t drift;      // of H over the horizon in sigmas of OUTLOOK_MIDDLE, > 0 away; within +- 4
    uint32_t reach_ppm; // relative fall (side > 0) or rise (side < 0) of the account's most volatile price,
                        // the others with it as their long variance has it, that takes H to zero; UINT32_MAX
                        // where it cannot
    int8_t side;        // 0: no move of all takes H to zero
};

struct outlook_fit {
    uint32_t fast_ppm, long_ppm; // shares of these variances, together at most 1000000; the rest is MIDDLE's
    uint32_t drift_ppm;          // share of the trend that is believed, at most 1000000
    // Jumps of all prices together: how many a day, in thousandths, <= 10^9; their size's mean in ppm, <=
    // 1000000, exponentially distributed; 0: none.
    uint32_t falls_e3, rises_e3, jump_ppm;
    // Log odds told = const + odds * log odds of the model + far * ln(1 + distance in sigmas) + burst *
    // ln(fast sigma / long sigma) + trend * drift in sigmas. All in 10^-6, |.| <= 10^9; odds >= 0 and far <=
    // 0, so that less health is never less likely to breach.
    int64_t const_e6, odds_e6, far_e6, burst_e6, trend_e6;
};
enum { OUTLOOK_ONE = 1000000 };

// Nothing but breach_probability(): what was there before there was anything to fit.
bool outlook_plain(const struct outlook_fit *f);
// f, n assets as f->n, v as of breach_distance(); impact_ppm is 0.
void outlook_look(const struct breach_form *f, const struct outlook_asset *a, const struct breach_view *v,
                  struct outlook_look *out);
// The distance and the drift, in sigmas of the mixed variance, 2^-24.
int64_t outlook_distance(const struct outlook_look *l, const struct outlook_fit *f, int64_t *drift);
// P(H touches zero within the horizon) in 2^-32: with P' calibrated and J the chance of a jump that is large
// enough, 1 - (1 - P')(1 - J). horizon_ns <= 86,400 s. Never falls when less health leaves the rest as it is.
uint64_t outlook_probability(const struct outlook_look *l, uint64_t horizon_ns,
                             const struct breach_tail_fit *tail, const struct outlook_fit *f);
// The chance of a jump against the account within the horizon that reaches zero, 2^-32.
uint64_t outlook_jump(const struct outlook_look *l, uint64_t horizon_ns, const struct outlook_fit *f);

// What calibration looks at besides the log odds, in 2^-48: ln(1 + distance), ln(fast sigma / long sigma)
// within +- 8. Log odds of a chance in 2^-32, within +- 12.
struct outlook_features {
    int64_t odds, far, burst, trend; // 2^-48
};
void outlook_features(const struct outlook_look *l, const struct breach_tail_fit *tail,
                      const struct outlook_fit *f, struct outlook_features *out);

#endif
