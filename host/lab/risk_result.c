// SPDX-License-Identifier: Apache-2.0
// Map and losses as facts, charts and tables of a page. Apart from what calculates them: nothing else needs a
// page.
#include <stdlib.h>

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

static void tails(struct lab_result *r, const double *sorted, size_t n)
{
    static const char *const HEADS[] = {"level", "VaR", "95 % interval", "expected shortfall",
                                        "standard error"};
    static const double LEVELS[] = {0.95, 0.99, 0.999};
    struct lab_table *t =
        lab_table(r, LAB_LOSSES, "Bad debt at the horizon", "Over all paths; dollars.", 5, HEADS);
    for (unsigned i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++) {
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
    struct lab_series *s = lab_series(r, c, "paths above", LAB_STEP);
    size_t step = run->n > POINTS ? run->n / POINTS : 1;
    for (size_t i = 0; i < run->n; i += step)
        lab_point(r, s, loss[i], 1 - (double)(i + 1) / (double)run->n);
    lab_fact(r, LAB_LOSSES, "paths", "", "%zu", run->n);
    free(loss);
}
