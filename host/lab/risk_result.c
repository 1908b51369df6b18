// SPDX-License-Identifier: Apache-2.0
// Map, losses and forecasts as facts, charts and tables of a page. Apart from what calculates them: nothing
// else needs a page.
#include <stdlib.h>

#include "lab/foresight.h"
#include "lab/map.h"
#include "lab/result.h"
#include "lab/var.h"

void map_result(const struct liq_map *m, struct lab_result *r)
{
    struct lab_chart *c =
        lab_chart(r, LAB_MAP, m->start_px ? m->what : "All coins by one factor",
                  "Value that may be liquidated after one move, nothing liquidated on the way: perpetuals' "
                  "notional and lending's collateral. Bad debt: what liquidation there leaves unpaid.",
                  "move, %", "dollars");
    struct lab_series *s = lab_series(r, c, "liquidatable", LAB_AREA);
    for (size_t i = 0; i < m->n; i++)
        lab_point(r, s, m->point[i].move * 100, m->point[i].all.value);
    s = lab_series(r, c, "bad debt", LAB_LINE);
    for (size_t i = 0; i < m->n; i++)
        lab_point(r, s, m->point[i].move * 100, m->point[i].all.loss);
}

static const double LEVELS[] = {0.95, 0.99, 0.999};
enum { N_LEVELS = sizeof LEVELS / sizeof *LEVELS };

static void tails(struct lab_result *r, const double *sorted, size_t n)
{
    static const char *const HEADS[] = {"level", "VaR", "95 % interval", "expected shortfall",
                                        "standard error"};
    struct lab_table *t =
        lab_table(r, LAB_LOSSES, "Bad debt at the horizon", "Over all paths; dollars.", 5, HEADS);
    for (unsigned i = 0; i < N_LEVELS; i++) {
        struct tail x;
        tail_of(sorted, n, LEVELS[i], &x);
        lab_cell(r, t, "%.1f %%", x.q * 100);
        lab_cell(r, t, "%.0f", x.var);
        lab_cell(r, t, "%.0f .. %.0f", x.lo, x.hi);
        lab_cell(r, t, "%.0f", x.es);
        lab_cell(r, t, "%.0f", x.es_error);
    }
}

void var_result(const struct var_run *run, struct lab_result *r)
{
    enum { POINTS = 400 };
    double *loss = malloc((run->n + 1) * sizeof *loss);
    if (!loss || run->n == 0) {
        r->failed = r->failed || !loss;
        free(loss);
        return;
    }
    for (size_t i = 0; i < run->n; i++)
        loss[i] = run->outcome[i].loss;
    losses_sort(loss, run->n);
    tails(r, loss, run->n);
    struct lab_chart *c =
        lab_chart(r, LAB_LOSSES, "Distribution of bad debt",
                  "Share of paths whose bad debt is above this; no liquidation before the horizon's end.",
                  "bad debt, dollars", "share of paths");
    c->log_y = true; // the tail is what it is about
    struct lab_series *s = lab_series(r, c, "paths above", LAB_STEP);
    size_t tail = run->n < POINTS ? 0 : run->n - POINTS, step = tail / POINTS + 1;
    for (size_t i = 0; i + 1 < run->n; i += i < tail ? step : 1)
        lab_point(r, s, loss[i], (double)(run->n - 1 - i) / (double)run->n);
    lab_point(r, s, loss[run->n - 1], 1 / (double)run->n); // where the last path ends
    s = lab_series(r, c, "value at risk", LAB_POINTS);
    for (unsigned i = 0; i < N_LEVELS; i++) {
        struct tail x;
        tail_of(loss, run->n, LEVELS[i], &x);
        lab_point(r, s, x.var, 1 - LEVELS[i]);
    }
    lab_fact(r, LAB_LOSSES, "Paths", "", "%zu", run->n);
    free(loss);
}

static void calibration_table(const struct lab_score *s, struct lab_result *r)
{
    static const char *const HEADS[] = {"chance", "forecasts", "mean", "came true", "standard error"};
    struct lab_table *t =
        lab_table(r, LAB_PREDICTION, "Calibration", "As in the chart.", sizeof HEADS / sizeof *HEADS, HEADS);
    for (size_t i = 0; i < LAB_SCORE_BINS; i++) {
        const struct lab_bin *b = &s->bin[i];
        if (b->n == 0)
            continue;
        lab_cell(r, t, "%.1f to %.1f %%", b->low * 100, b->high * 100);
        lab_cell(r, t, "%zu", b->n);
        lab_cell(r, t, "%.2f %%", b->mean_p * 100);
        lab_cell(r, t, "%.2f %%", b->rate * 100);
        lab_cell(r, t, "%.2f %%", b->error * 100);
    }
}

void score_result(const struct lab_score *s, const char *caption, const char *name, struct lab_result *r)
{
    calibration_table(s, r);
    struct lab_chart *c =
        lab_chart(r, LAB_PREDICTION, "Calibration", caption, "chance told", "share that came true");
    struct lab_series *line = lab_series(r, c, "what it should be", LAB_LINE);
    lab_point(r, line, 0, 0);
    lab_point(r, line, 1, 1);
    line = lab_series(r, c, name, LAB_POINTS);
    for (size_t i = 0; i < LAB_SCORE_BINS; i++)
        if (s->bin[i].n)
            lab_point(r, line, s->bin[i].mean_p, s->bin[i].rate);
    c = lab_chart(r, LAB_PREDICTION, "Forecasts", "How many forecasts told such a chance.", "chance told",
                  "forecasts");
    c->log_y = true;
    line = lab_series(r, c, "forecasts", LAB_BARS);
    for (size_t i = 0; i < LAB_SCORE_BINS; i++)
        if (s->bin[i].n)
            lab_point(r, line, s->bin[i].mean_p, (double)s->bin[i].n);
}

void foresight_result(const struct foresight *f, struct lab_result *r)
{
    const struct lab_score *s = &f->score;
    if (s->n == 0)
        return;
    lab_fact(r, LAB_PREDICTION, "Forecasts", "of accounts near the edge, each so many steps ahead",
             "%zu, %u steps, %u accounts", s->n, f->horizon, f->accounts);
    lab_fact(r, LAB_PREDICTION, "Came true", "the account breached within the steps", "%zu, %.2f %%",
             s->happened, s->rate * 100);
    lab_fact(r, LAB_PREDICTION, "Brier score", "beside it that of the share that came true for all",
             "%.5f, base rate %.5f", s->brier, s->brier_base);
    lab_fact(r, LAB_PREDICTION, "Brier skill", "1 is perfect, 0 as good as that share; below 0 worse",
             "%+.3f", s->skill);
    lab_fact(r, LAB_PREDICTION, "Brier score with depth",
             "and skill: what those nearer to their edge would sell into the depth taken from the way",
             "%.5f, %+.3f", f->pressed.brier, f->pressed.skill);
    score_result(s,
                 "Share of forecasts that came true against the chance they told, on the scenario's marks: "
                 "a normal distribution with the variance of the steps before, nothing fitted. A crash that "
                 "nothing announces comes true more often than told. Days not seen: tripline lab predict.",
                 "this scenario", r);
}
