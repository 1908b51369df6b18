// SPDX-License-Identifier: Apache-2.0
// What past days teach of breaches: the settings of breach.h and outlook.h of least log loss on forecasts
// whose end is known. Statistics, in doubles; what comes out are the integers that the live path takes, and
// every loss is that of these integers. Deterministic; offline; one thread.
//
// Two steps by turns. The variances' shares, trend and tails: one after the other over a grid. Calibration
// and jumps: Newton steps with Fisher's information (Levenberg's damping), each coefficient drawn to what it
// is without a fit as if by a few forecasts. Formulas: docs/lab/prediction.md.
#ifndef TRIPLINE_LAB_FIT_H
#define TRIPLINE_LAB_FIT_H

#include <stddef.h>

#include "lab/score.h"
#include "risk/outlook.h"

struct fit_case {
    struct outlook_look look;
    uint32_t day; // any number: those with one number are held apart together
    bool happened;
};

// How much may be fitted; each has what is before it.
enum fit_depth {
    FIT_NOTHING, // the normal distribution, a minute's variance
    FIT_TAILS,   // scale, share of wild horizons, their sigma
    FIT_MIXED,   // shares of the variances, trend
    FIT_JUMPS,   // jumps out of a calm sky
    FIT_CALIBRATED,
    FIT_DEPTHS
};
const char *fit_depth_name(enum fit_depth d);

struct fit_model {
    struct breach_tail_fit tail;
    struct outlook_fit outlook;
};
struct fit_model fit_none(void);

// The chance that the model tells, 0 to 1.
double fit_chance(const struct fit_model *m, const struct fit_case *c, uint64_t horizon_ns);
// Mean log loss of every step-th case, chances held within 1e-6 of 0 and 1. 0 where there is none.
double fit_loss(const struct fit_model *m, const struct fit_case *c, size_t n, size_t step,
                uint64_t horizon_ns);
// At most `most` of the cases, evenly chosen, are looked at. The model before any fit where there is none, or
// no memory.
struct fit_model fit_cases(const struct fit_case *c, size_t n, size_t most, uint64_t horizon_ns,
                           enum fit_depth depth);
// Held-out log loss of each depth: days are dealt into `folds` (2 or more) by their order of appearance, each
// fold told by what the others teach. loss[FIT_NOTHING..]; the depth of least loss. -1: no memory, or fewer
// days than two.
int fit_cross(const struct fit_case *c, size_t n, size_t most, unsigned folds, uint64_t horizon_ns,
              double loss[FIT_DEPTHS]);

#endif
