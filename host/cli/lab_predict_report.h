// SPDX-License-Identifier: Apache-2.0
// Inside of `tripline lab predict` only: the fit on the first days, the judgement of the others, and what is
// shown of them. Offline; one thread.
#ifndef TRIPLINE_CLI_LAB_PREDICT_REPORT_H
#define TRIPLINE_CLI_LAB_PREDICT_REPORT_H

#include <stdio.h>

#include "cli/lab_predict_inside.h"
#include "lab/result.h"

struct predict_report {
    size_t n_days, train;
    struct predict_day day[PREDICT_DAYS_MAX];
    struct predict_orders orders[2][PREDICT_DAYS_MAX]; // without predict, with; of judged days
    struct breach_tail_fit fit;
    bool fitted;
    double train_loss;                // log loss on the days of the fit, of that fit
    struct lab_score normal, adapted; // judged days: the normal distribution as it is, and with the fit
};

// The parameters of least log loss on the first days, of a grid: scale 0.3 to 3, wild horizons 0 to 30 % with
// 2 to 10 times the sigma. The normal distribution where those days have no forecast.
struct breach_tail_fit predict_fit(struct predict_report *r);
// Scores of the judged days. 0, or -1 with *e set: they have no forecast.
int predict_judge(struct predict_report *r, struct err *e);
void predict_print(const struct predict_options *o, const struct predict_report *r, FILE *to);
// Facts, table and charts of the page's part LAB_PREDICTION.
void predict_result(const struct predict_report *r, struct lab_result *out);
void predict_report_free(struct predict_report *r);

#endif
