// SPDX-License-Identifier: Apache-2.0
// Inside of `tripline lab predict` only: the fit on the first days, the judgement of the others, and what is
// shown of them. Offline; one thread.
#ifndef TRIPLINE_CLI_LAB_PREDICT_REPORT_H
#define TRIPLINE_CLI_LAB_PREDICT_REPORT_H

#include <stdio.h>

#include "cli/lab_predict_inside.h"
#include "lab/result.h"

// Judged days of one kind.
struct predict_kind {
    const char *name;
    struct lab_score fitted;
    // By a fit that has seen no day of this kind, and the base rate of those that it has seen; n 0: none was
    // made.
    struct lab_score unseen;
    double unseen_rate;
};
struct predict_report {
    size_t n_days, train;
    struct predict_day day[PREDICT_DAYS_MAX];
    struct predict_orders orders[2][PREDICT_DAYS_MAX]; // without predict, with; of judged days
    struct fit_model model;
    bool fitted, crossed;
    enum fit_depth depth;             // chosen by cross[]: log loss of days held out among those that fit
    double cross[FIT_DEPTHS];         // known when crossed
    double train_rate;                // share of the forecasts of the days that fit that came true
    struct lab_score normal, adapted; // judged days: the normal distribution as it is, and with the model
    size_t kinds;
    struct predict_kind kind[PREDICT_DAYS_MAX];
};

// Depth and model by the first days alone. 0, or -1 with *e set: interrupted, no memory.
int predict_fit(const struct predict_options *o, struct predict_report *r, const volatile sig_atomic_t *stop,
                struct err *e);
// Scores of the judged days. 0, or -1 with *e set: they have no forecast; interrupted, no memory.
int predict_judge(const struct predict_options *o, struct predict_report *r,
                  const volatile sig_atomic_t *stop, struct err *e);
void predict_print(const struct predict_options *o, const struct predict_report *r, FILE *to);
// Facts, table and charts of the page's part LAB_PREDICTION.
void predict_result(const struct predict_report *r, struct lab_result *out);
void predict_report_free(struct predict_report *r);

#endif
