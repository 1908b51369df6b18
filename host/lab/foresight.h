// SPDX-License-Identifier: Apache-2.0
// Forecasts of breaches on a scenario's own marks, held against what the marks then did. The accounts are
// those that the scenario begins with, untouched: that an account breaches is a matter of prices alone.
// Nothing of later steps is known to a forecast, and nothing is fitted. Offline; one thread.
#ifndef TRIPLINE_LAB_FORESIGHT_H
#define TRIPLINE_LAB_FORESIGHT_H

#include "lab/cascade.h"
#include "lab/score.h"

struct foresight {
    uint32_t horizon;                // steps of a forecast, and between two of one account
    uint32_t accounts;               // looked at: every k-th, at most FORESIGHT_ACCOUNTS
    struct lab_score score, pressed; // pressed: what those nearer to their edge would sell taken from the way
};
enum { FORESIGHT_ACCOUNTS = 4000 };

// steps: of a run of s (cascade_steps). b, start: a book and prices fresh from cascade_book_make(). 0, or -1
// with *e set (interrupted, no memory).
int foresight_make(const struct lab_scenario *s, const struct book *b, const int64_t *start,
                   const struct cascade_step *steps, const struct progress *p, struct foresight *out,
                   struct err *e);
// Facts and charts of a result's page (risk_result.c); none where there was no forecast.
void foresight_result(const struct foresight *f, struct lab_result *r);

#endif
