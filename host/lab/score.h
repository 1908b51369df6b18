// SPDX-License-Identifier: Apache-2.0
// How good probabilities were, once it is known what happened. Statistics, in doubles; offline, one thread.
#ifndef TRIPLINE_LAB_SCORE_H
#define TRIPLINE_LAB_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lab_case {
    double p; // 0 to 1
    bool happened;
};

enum { LAB_SCORE_BINS = 12 };
struct lab_score {
    size_t n, happened;
    double rate;                    // base rate: share of those that happened
    double brier, brier_base;       // mean (p - happened)^2; of the base rate for all (Brier 1950)
    double skill;                   // 1 - brier / brier_base; 0 where nothing can be gained
    double log_loss, log_loss_base; // mean -ln p of what happened, p held within 1e-6 of 0 and 1
    double reliability, resolution; // brier ~ reliability - resolution + brier_base (Murphy 1973), by bins
    struct lab_bin {
        double low, high; // of p; the last includes 1
        size_t n, happened;
        double mean_p, rate, error; // rate: share that happened; error: standard error of it
    } bin[LAB_SCORE_BINS];
};

// Bins: 0 to 0.1 %, 1 %, 5 %, 10 %, 20 % ... 70 %, 90 %, 100 %.
void lab_score(const struct lab_case *c, size_t n, struct lab_score *out);
// What always telling p would have scored on the same cases: a base rate known beforehand. 0 without cases.
double lab_constant_brier(const struct lab_score *s, double p);
double lab_constant_loss(const struct lab_score *s, double p); // p held within 1e-6 of 0 and 1

// Calibration of a result's page, as table and charts; name: of whose forecasts (risk_result.c).
struct lab_result;
void score_result(const struct lab_score *s, const char *caption, const char *name, struct lab_result *r);

// The interval of a share, k of n, that holds it in 95 of 100 samples of independent cases (Wilson 1927). 0
// to 1 where n is 0.
struct lab_interval {
    double low, high;
};
struct lab_interval lab_share(uint64_t k, uint64_t n);
// Of a day: how many of so many, with and without.
struct lab_paired {
    uint64_t all[2], hit[2];
};
// The share with ([1]) less that without ([0]), over all days, and what holds it in 95 of 100 draws of as
// many days with replacement: cases of one day are not independent. Deterministic under the seed. 0 .. 0
// where there is nothing.
struct lab_interval lab_paired_difference(const struct lab_paired *day, size_t n, uint64_t seed,
                                          double *difference);

#endif
