// SPDX-License-Identifier: Apache-2.0
// Inside of the generator: what sizes are drawn from. They use + - * / alone, which IEEE 754 fixes to the
// bit; libm differs between platforms. Pure but for the generator's state; only generate.c.
#ifndef TRIPLINE_ACCOUNTS_GEN_DRAW_H
#define TRIPLINE_ACCOUNTS_GEN_DRAW_H

#include "base/prng.h"

// Log-uniform in a range whose ends are given as log2: their bisection would take longer than all else of an
// account.
struct log_range {
    double lo, hi;
};

// 2^x for |x| < 1000 to about 1e-15, by the series of e^(f ln 2).
static inline double exp2_exact_steps(double x)
{
    const double ln2 = 0.693147180559945309417;
    enum { TERMS = 18 };
    int n = (int)x - (x < 0);
    double f = (x - n) * ln2, term = 1, sum = 1;
    for (int k = 1; k < TERMS; k++) {
        term = term * f / k;
        sum += term;
    }
    for (; n > 0; n--)
        sum *= 2;
    for (; n < 0; n++)
        sum /= 2;
    return sum;
}

// log2 of a value >= 1e-6, by bisection on exp2: needed a few times at most.
static inline double log2_exact_steps(double v)
{
    double lo = -20, hi = 40;
    for (int i = 0; i < 60; i++) {
        double mid = (lo + hi) / 2;
        if (exp2_exact_steps(mid) < v)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static inline struct log_range log_range(double lo, double hi)
{
    return (struct log_range){log2_exact_steps(lo), log2_exact_steps(hi)};
}

static inline double draw_log_uniform(struct prng *r, const struct log_range *l)
{
    return exp2_exact_steps(l->lo + (l->hi - l->lo) * prng_unit(r));
}

// Sum of twelve uniforms: mean 0, variance 1, close to normal within three deviations.
static inline double draw_normal(struct prng *r)
{
    double s = -6;
    for (int i = 0; i < 12; i++)
        s += prng_unit(r);
    return s;
}

#endif
