// SPDX-License-Identifier: Apache-2.0
// One estimate of a price's volatility from prices as they come, by a choice of estimators (risk/vol.h has
// their formulas, sources and errors). Variances: units of 2^-64 of one period_ms. Times: milliseconds;
// prices 1..2^63 - 1. Integers only; no allocation; copied as a whole; one thread.
#ifndef TRIPLINE_RISK_ESTIMATE_H
#define TRIPLINE_RISK_ESTIMATE_H

#include "risk/vol.h"

enum estimate_kind {
    ESTIMATE_EWMA,     // of returns, irregular in time
    ESTIMATE_REALISED, // squared returns of the last `window` periods by their time
    ESTIMATE_PARKINSON,
    ESTIMATE_GARMAN_KLASS,
    ESTIMATE_ROGERS_SATCHELL, // these three: mean of the last `window` bars of a period each
    ESTIMATE_KINDS
};
enum { ESTIMATE_WINDOW_MAX = 256 };

struct estimate {
    enum estimate_kind kind;
    uint32_t window;      // periods, 1..ESTIMATE_WINDOW_MAX; not of EWMA
    struct vol_ewma ewma; // period_ms and lambda_ppm are the caller's; other kinds keep price and time here
    uint64_t n;           // returns or bars taken so far
    struct vol_window past;
    struct vol_sample sample[ESTIMATE_WINDOW_MAX];
    u128 of_bar[ESTIMATE_WINDOW_MAX]; // the last `window`, a ring by n
    struct vol_bar bar;               // being made
    uint64_t bar_prices, bar_number;
};

// Their names, "ewma", "realised", "parkinson", "garman-klass", "rogers-satchell"; -1: there is none.
int estimate_find(const char *name);
// window and period as above; *e is empty after it.
void estimate_begin(struct estimate *e, enum estimate_kind kind, uint32_t window, uint64_t period_ms,
                    uint32_t lambda_ppm);
// A price at a moment; times do not go back (what does is ignored). True: the variance may be new.
// A bar is the prices of one period counted from the epoch; it is taken when a later one begins, and only
// if it has had two prices or more: of one nothing is known.
bool estimate_price(struct estimate *e, uint64_t price, uint64_t at_ms);
// Of one period, rounded down; 0 before the first return or bar.
u128 estimate_var(const struct estimate *e);

#endif
