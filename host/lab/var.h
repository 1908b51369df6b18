// SPDX-License-Identifier: Apache-2.0
// Value at risk of bad debt: outcomes over many paths, quantiles and expected shortfall with standard errors,
// Kupiec's test. Offline only. Sources: Acerbi and Tasche, J. Banking & Finance 26 (2002), for the shortfall
// of a discrete distribution; Manistre and Hancock, North American Actuarial Journal 9 (2005), for its error;
// Kupiec, J. Derivatives 3 (1995), for the proportion of failures.
#ifndef TRIPLINE_LAB_VAR_H
#define TRIPLINE_LAB_VAR_H

#include <signal.h>

#include "lab/reach.h"

enum { VAR_THREADS_MAX = 64 };

struct var_run {
    size_t n;
    struct outcome *outcome; // by path; malloc'ed
    uint64_t looked, exact;
    double seconds;
};
// threads 1..VAR_THREADS_MAX; the outcomes do not depend on it. 0, or -1 with *e set (out of memory, stopped
// by p).
int var_run(const struct world *w, const struct paths *p, unsigned threads, const struct progress *progress,
            struct var_run *out, struct err *e);
void var_run_free(struct var_run *r);

// The naive way for `n` paths spread over all, held against a run. 0, or -1 with *e set.
struct var_check {
    size_t paths;
    double seconds,
        fast_seconds; // of the naive way; of these paths the fast way, with maps of accounts, one thread
    uint64_t accounts, differ; // account x path compared, and breached in one of the two only
    double worst;              // largest relative difference of value or loss
};
int var_check(const struct world *w, const struct paths *p, const struct var_run *run, size_t n,
              const struct progress *progress, struct var_check *out, struct err *e);

// Losses, a larger one worse. Quantile q is the ceil(q n)-th smallest; the shortfall is the mean of the worst
// (1 - q) n, the quantile's own weight cut to fit; lo..hi is a 95 % interval of the quantile by order
// statistics.
struct tail {
    double q, var, lo, hi, es, es_error;
};
// sorted ascending, n >= 1, 0 < q < 1.
void tail_of(const double *sorted, size_t n, double q, struct tail *out);
void losses_sort(double *v, size_t n);
double losses_mean(const double *v, size_t n, double *error); // and its standard error

// LR = -2 ln[(1-p)^(T-x) p^x / ((1-x/T)^(T-x) (x/T)^x)], chi2 of one degree; <= 3.841 at 95 %. 0 <= x <= T, 0
// < p < 1.
#define KUPIEC_95 3.841458820694124
double kupiec_pof(size_t exceeded, size_t days, double p);

// Facts, chart and table of a result's page (risk_result.c).
struct lab_result;
void var_result(const struct var_run *run, struct lab_result *r);

#endif
