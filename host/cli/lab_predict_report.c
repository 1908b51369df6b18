// SPDX-License-Identifier: Apache-2.0
#include "cli/lab_predict_report.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PERCENT = 100, FIT_MOST = 40000 };
static const double E8 = 1e8;

static double chance(const struct predict_sample *s, const struct breach_tail_fit *fit)
{
    return (double)breach_probability_at(s->distance, s->drift, fit) / (double)BREACH_CERTAIN;
}

// Cases of days [from, to), every step-th; malloc'ed, NULL when there are none or no memory.
static struct lab_case *cases(const struct predict_report *r, size_t from, size_t to, size_t step,
                              const struct breach_tail_fit *fit, size_t *n)
{
    size_t all = 0, at = 0;
    for (size_t d = from; d < to; d++)
        all += r->day[d].n;
    *n = 0;
    struct lab_case *c = all ? malloc(all * sizeof *c) : NULL;
    for (size_t d = from; c && d < to; d++)
        for (size_t i = 0; i < r->day[d].n; i++)
            if (at++ % step == 0)
                c[(*n)++] =
                    (struct lab_case){chance(&r->day[d].sample[i], fit), r->day[d].sample[i].happened};
    return c;
}

static double loss_of(const struct predict_report *r, size_t step, const struct breach_tail_fit *fit)
{
    size_t n;
    struct lab_score s;
    struct lab_case *c = cases(r, 0, r->train, step, fit, &n);
    lab_score(c, n, &s);
    free(c);
    return s.log_loss;
}

struct breach_tail_fit predict_fit(struct predict_report *r)
{
    static const uint32_t scale[] = {300000,  400000,  500000,  600000,  700000,  800000,  900000,
                                     1000000, 1150000, 1300000, 1500000, 1750000, 2000000, 3000000};
    static const uint32_t weight[] = {0, 5000, 10000, 20000, 50000, 100000, 200000, 300000};
    static const uint32_t ratio[] = {2000000, 3000000, 5000000, 10000000};
    struct breach_tail_fit best = {1000000, 0, 1000000};
    size_t all = 0;
    for (size_t d = 0; d < r->train; d++)
        all += r->day[d].n;
    const size_t step = all / FIT_MOST + 1;
    r->train_loss = loss_of(r, step, &best);
    for (size_t i = 0; all && i < sizeof scale / sizeof *scale; i++)
        for (size_t j = 0; j < sizeof weight / sizeof *weight; j++)
            for (size_t k = 0; k < (weight[j] ? sizeof ratio / sizeof *ratio : 1); k++) {
                const struct breach_tail_fit fit = {scale[i], weight[j], weight[j] ? ratio[k] : 1000000};
                double loss = loss_of(r, step, &fit);
                if (loss < r->train_loss) {
                    best = fit;
                    r->train_loss = loss;
                }
            }
    return best;
}

int predict_judge(struct predict_report *r, struct err *e)
{
    static const struct breach_tail_fit normal = {1000000, 0, 1000000};
    size_t n;
    struct lab_case *c = cases(r, r->train, r->n_days, 1, &normal, &n);
    lab_score(c, n, &r->normal);
    free(c);
    c = cases(r, r->train, r->n_days, 1, &r->fit, &n);
    lab_score(c, n, &r->adapted);
    free(c);
    if (n == 0)
        return err_set(e, "the judged days have no forecast: no account comes near (--within), or they are "
                          "shorter than --horizon");
    return 0;
}

static struct predict_orders sum(const struct predict_report *r, int with)
{
    struct predict_orders all = {0};
    for (size_t d = r->train; d < r->n_days; d++) {
        all.orders += r->orders[with][d].orders;
        all.ready += r->orders[with][d].ready;
        all.reward_e8 += r->orders[with][d].reward_e8;
        all.ready_e8 += r->orders[with][d].ready_e8;
    }
    return all;
}

static double percent(double part, double of)
{
    return of > 0 ? PERCENT * part / of : 0;
}

static void print_days(const struct predict_report *r, FILE *to)
{
    for (size_t d = 0; d < r->n_days; d++) {
        const struct predict_day *y = &r->day[d];
        const struct predict_orders *o[2] = {&r->orders[0][d], &r->orders[1][d]};
        fprintf(to, "%s day %2zu  %s: %zu forecasts, %zu accounts breached", d < r->train ? "fit  " : "judge",
                d + 1, y->what, y->n, y->breached - y->began);
        if (d >= r->train)
            fprintf(to, "; ready %" PRIu64 " of %" PRIu64 " without predict, %" PRIu64 " of %" PRIu64 " with",
                    o[0]->ready, o[0]->orders, o[1]->ready, o[1]->orders);
        fputc('\n', to);
    }
}

static void print_score(const char *name, const struct lab_score *s, FILE *to)
{
    fprintf(to, "%-10s Brier %.5f (skill %+.3f), log loss %.5f, reliability %.5f, resolution %.5f\n", name,
            s->brier, s->skill, s->log_loss, s->reliability, s->resolution);
}

static void print_orders(const struct predict_report *r, FILE *to)
{
    static const char *const name[2] = {"predict=0", "predict=1"};
    for (int with = 0; with < 2; with++) {
        struct predict_orders o = sum(r, with);
        fprintf(to,
                "%s  ready %" PRIu64 " of %" PRIu64
                " accounts that breached (%.1f %%), %.2f of %.2f reward (%.1f %%)\n",
                name[with], o.ready, o.orders, percent((double)o.ready, (double)o.orders),
                (double)o.ready_e8 / E8, (double)o.reward_e8 / E8,
                percent((double)o.ready_e8, (double)o.reward_e8));
    }
}

void predict_print(const struct predict_options *o, const struct predict_report *r, FILE *to)
{
    const struct lab_score *s = &r->adapted;
    print_days(r, to);
    fprintf(to,
            "horizon    %" PRIu64 " s, a forecast every %" PRIu64 " s for accounts within %" PRIu64 " ppm\n",
            o->horizon_s, o->every_s, o->within_ppm);
    fprintf(to, "fit        predict_scale_ppm=%u predict_wild_ppm=%u predict_ratio_ppm=%u%s\n",
            r->fit.scale_ppm, r->fit.weight_ppm, r->fit.ratio_ppm,
            r->fitted ? " (of the days marked fit)" : " (as set)");
    fprintf(to, "judged     %zu forecasts, %zu came true: base rate %.5f, its Brier %.5f, log loss %.5f\n",
            s->n, s->happened, s->rate, s->brier_base, s->log_loss_base);
    print_score("normal", &r->normal, to);
    print_score("fitted", s, to);
    fprintf(to, "calibration of the fitted forecasts\n  %-15s %9s %9s %9s %9s\n", "chance", "forecasts",
            "mean", "came true", "+-");
    for (size_t i = 0; i < LAB_SCORE_BINS; i++)
        if (s->bin[i].n)
            fprintf(to, "  %5.1f - %5.1f %% %9zu %8.2f%% %8.2f%% %8.2f%%\n", PERCENT * s->bin[i].low,
                    PERCENT * s->bin[i].high, s->bin[i].n, PERCENT * s->bin[i].mean_p,
                    PERCENT * s->bin[i].rate, PERCENT * s->bin[i].error);
    print_orders(r, to);
}

static void calibration(const struct lab_score *s, struct lab_result *out)
{
    struct lab_chart *c =
        lab_chart(out, LAB_PREDICTION, "Calibration",
                  "Share of forecasts that came true against the chance they told, on days that "
                  "the fit has not seen. On the diagonal a chance is what it says. Measured on the "
                  "days named; of generated days that is synthetic.",
                  "chance told", "share that came true");
    struct lab_series *line = lab_series(out, c, "what it should be", LAB_LINE);
    lab_point(out, line, 0, 0);
    lab_point(out, line, 1, 1);
    line = lab_series(out, c, "judged days", LAB_POINTS);
    for (size_t i = 0; i < LAB_SCORE_BINS; i++)
        if (s->bin[i].n)
            lab_point(out, line, s->bin[i].mean_p, s->bin[i].rate);
    c = lab_chart(out, LAB_PREDICTION, "Forecasts", "How many forecasts told such a chance.", "chance told",
                  "forecasts");
    c->log_y = true;
    line = lab_series(out, c, "forecasts", LAB_BARS);
    for (size_t i = 0; i < LAB_SCORE_BINS; i++)
        if (s->bin[i].n)
            lab_point(out, line, s->bin[i].mean_p, (double)s->bin[i].n);
}

void predict_result(const struct predict_report *r, struct lab_result *out)
{
    static const char *const heads[] = {"chance", "forecasts", "mean", "came true", "standard error"};
    const struct lab_score *s = &r->adapted;
    struct predict_orders without = sum(r, 0), with = sum(r, 1);
    lab_fact(out, LAB_PREDICTION, "Brier score", "of judged days; the base rate's beside it",
             "%.5f, base rate %.5f", s->brier, s->brier_base);
    lab_fact(out, LAB_PREDICTION, "Brier skill", "1 is perfect, 0 as good as the base rate", "%+.3f",
             s->skill);
    lab_fact(out, LAB_PREDICTION, "Log loss", "the base rate's beside it", "%.5f, base rate %.5f",
             s->log_loss, s->log_loss_base);
    lab_fact(out, LAB_PREDICTION, "Order ready", "accounts that breached, without and with predict=1",
             "%" PRIu64 " and %" PRIu64 " of %" PRIu64, without.ready, with.ready, with.orders);
    struct lab_table *t = lab_table(out, LAB_PREDICTION, "Calibration", "As in the chart.",
                                    sizeof heads / sizeof *heads, heads);
    for (size_t i = 0; i < LAB_SCORE_BINS; i++) {
        const struct lab_bin *b = &s->bin[i];
        if (b->n == 0)
            continue;
        lab_cell(out, t, "%.1f to %.1f %%", PERCENT * b->low, PERCENT * b->high);
        lab_cell(out, t, "%zu", b->n);
        lab_cell(out, t, "%.2f %%", PERCENT * b->mean_p);
        lab_cell(out, t, "%.2f %%", PERCENT * b->rate);
        lab_cell(out, t, "%.2f %%", PERCENT * b->error);
    }
    calibration(s, out);
}

void predict_report_free(struct predict_report *r)
{
    for (size_t d = 0; d < r->n_days; d++)
        free(r->day[d].sample);
    r->n_days = 0;
}
