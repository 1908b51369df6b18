// SPDX-License-Identifier: Apache-2.0
#include "cli/lab_predict_report.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PERCENT = 100 };
static const double E8 = 1e8;

static struct predict_orders sum(const struct predict_report *r, int with)
{
    struct predict_orders all = {0};
    for (size_t d = r->train; d < r->n_days; d++) {
        all.orders += r->orders[with][d].orders;
        all.ready += r->orders[with][d].ready;
        for (int c = 0; c < COLDS; c++)
            all.cold[c] += r->orders[with][d].cold[c];
        all.reward_e8 += r->orders[with][d].reward_e8;
        all.ready_e8 += r->orders[with][d].ready_e8;
    }
    return all;
}

static double percent(double part, double of)
{
    return of > 0 ? PERCENT * part / of : 0;
}

static const char *const COLD[COLDS] = {
    [COLD_SUDDEN] = "not warned before the update of the breach",
    [COLD_UNMADE] = "none made yet",
    [COLD_GIVEN_UP] = "given up",
    [COLD_DEEPER] = "deeper than sized for",
    [COLD_OTHER] = "otherwise not as sized",
};

static void print_cold(const struct predict_orders *o, FILE *to)
{
    fprintf(to, "           not ready:");
    for (int c = 0; c < COLDS; c++)
        fprintf(to, " %" PRIu64 " %s%s", o->cold[c], COLD[c], c + 1 < COLDS ? "," : "\n");
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

static double skill(double brier, double base)
{
    return base > 0 ? 1 - brier / base : 0;
}

// base: the rate that was known beforehand
static void print_score(const char *name, const struct lab_score *s, double base, FILE *to)
{
    fprintf(to,
            "%-10s Brier %.5f (skill %+.3f, in hindsight %+.3f), log loss %.5f, reliability %.5f, resolution "
            "%.5f\n",
            name, s->brier, skill(s->brier, lab_constant_brier(s, base)), s->skill, s->log_loss,
            s->reliability, s->resolution);
}

static void print_kinds(const struct predict_report *r, FILE *to)
{
    fprintf(to, "by kind of day, Brier score of the rate that fits, of the day's own in hindsight, of the "
                "forecasts;\nof forecasts and rate that have seen no day of this kind\n");
    for (size_t i = 0; i < r->kinds; i++) {
        const struct predict_kind *k = &r->kind[i];
        const struct lab_score *s = &k->fitted;
        if (s->n == 0)
            continue;
        double base = lab_constant_brier(s, r->train_rate);
        fprintf(to, "  %-8s %7zu forecasts %6.2f%% true  %.5f  %.5f  %.5f (skill %+.3f)", k->name, s->n,
                PERCENT * s->rate, base, s->brier_base, s->brier, skill(s->brier, base));
        base = lab_constant_brier(&k->unseen, k->unseen_rate);
        if (k->unseen.n)
            fprintf(to, "  unseen %.5f, rate %.5f (skill %+.3f)", k->unseen.brier, base,
                    skill(k->unseen.brier, base));
        fputc('\n', to);
    }
}

static void print_model(const struct predict_options *o, const struct predict_report *r, FILE *to)
{
    const struct fit_model *m = &r->model;
    const struct outlook_fit *f = &m->outlook;
    if (r->crossed) {
        fprintf(to, "held out   log loss of days held out among those that fit:");
        for (int d = 0; d < FIT_DEPTHS; d++)
            fprintf(to, " %s %.5f%s", fit_depth_name((enum fit_depth)d), r->cross[d],
                    d + 1 < FIT_DEPTHS ? "," : "\n");
    }
    fprintf(to, "fit        predict_horizon_ms=%" PRIu64, o->horizon_s * 1000);
    fprintf(to, " predict_scale_ppm=%u predict_wild_ppm=%u predict_ratio_ppm=%u %s\n", m->tail.scale_ppm,
            m->tail.weight_ppm, m->tail.ratio_ppm, r->fitted ? "(of the days marked fit)" : "(as set)");
    fprintf(to, "           predict_fast_ppm=%u predict_long_ppm=%u predict_drift_ppm=%u\n", f->fast_ppm,
            f->long_ppm, f->drift_ppm);
    fprintf(to, "           predict_falls_e3=%u predict_rises_e3=%u predict_jump_ppm=%u\n", f->falls_e3,
            f->rises_e3, f->jump_ppm);
    fprintf(to,
            "           predict_const_e6=%" PRId64 " predict_odds_e6=%" PRId64 " predict_far_e6=%" PRId64
            " predict_burst_e6=%" PRId64 " predict_trend_e6=%" PRId64 "\n",
            f->const_e6, f->odds_e6, f->far_e6, f->burst_e6, f->trend_e6);
}

static struct lab_interval gained(const struct predict_report *r, uint64_t seed, double *more)
{
    struct lab_paired day[PREDICT_DAYS_MAX];
    size_t n = 0;
    for (size_t d = r->train; d < r->n_days; d++, n++)
        for (int w = 0; w < 2; w++) {
            day[n].all[w] = r->orders[w][d].orders;
            day[n].hit[w] = r->orders[w][d].ready;
        }
    return lab_paired_difference(day, n, seed, more);
}

static void print_orders(const struct predict_report *r, uint64_t seed, FILE *to)
{
    static const char *const name[2] = {"predict=0", "predict=1"};
    for (int with = 0; with < 2; with++) {
        struct predict_orders o = sum(r, with);
        struct lab_interval i = lab_share(o.ready, o.orders);
        fprintf(to,
                "%s  ready %" PRIu64 " of %" PRIu64
                " accounts that breached (%.1f %%; %.1f to %.1f), %.2f of %.2f reward (%.1f %%)\n",
                name[with], o.ready, o.orders, percent((double)o.ready, (double)o.orders), PERCENT * i.low,
                PERCENT * i.high, (double)o.ready_e8 / E8, (double)o.reward_e8 / E8,
                percent((double)o.ready_e8, (double)o.reward_e8));
        print_cold(&o, to);
    }
    double more;
    struct lab_interval i = gained(r, seed, &more);
    fprintf(to, "difference %+.1f points; %+.1f to %+.1f in 95 %% of draws of as many of these days\n",
            PERCENT * more, PERCENT * i.low, PERCENT * i.high);
}

void predict_print(const struct predict_options *o, const struct predict_report *r, FILE *to)
{
    const struct lab_score *s = &r->adapted;
    print_days(r, to);
    fprintf(to,
            "horizon    %" PRIu64 " s, a forecast every %" PRIu64 " s for accounts within %" PRIu64 " ppm\n",
            o->horizon_s, o->every_s, o->within_ppm);
    print_model(o, r, to);
    fprintf(to,
            "judged     %zu forecasts, %zu came true: base rate %.5f (of the days that fit %.5f), its Brier "
            "%.5f (%.5f), log loss %.5f (%.5f)\n",
            s->n, s->happened, s->rate, r->train_rate, s->brier_base, lab_constant_brier(s, r->train_rate),
            s->log_loss_base, lab_constant_loss(s, r->train_rate));
    print_score("normal", &r->normal, r->train_rate, to);
    print_score(r->fitted ? "fitted" : "as set", s, r->train_rate, to);
    print_kinds(r, to);
    fprintf(to, "calibration of the fitted forecasts\n  %-15s %9s %9s %9s %9s\n", "chance", "forecasts",
            "mean", "came true", "+-");
    for (size_t i = 0; i < LAB_SCORE_BINS; i++)
        if (s->bin[i].n)
            fprintf(to, "  %5.1f - %5.1f %% %9zu %8.2f%% %8.2f%% %8.2f%%\n", PERCENT * s->bin[i].low,
                    PERCENT * s->bin[i].high, s->bin[i].n, PERCENT * s->bin[i].mean_p,
                    PERCENT * s->bin[i].rate, PERCENT * s->bin[i].error);
    print_orders(r, o->seed, to);
}

void predict_result(const struct predict_report *r, struct lab_result *out)
{
    const struct lab_score *s = &r->adapted;
    struct predict_orders without = sum(r, 0), with = sum(r, 1);
    lab_fact(out, LAB_PREDICTION, "Brier score",
             "of judged days; beside it that of the rate of the days that fit", "%.5f, base rate %.5f",
             s->brier, lab_constant_brier(s, r->train_rate));
    lab_fact(out, LAB_PREDICTION, "Brier skill", "1 is perfect, 0 as good as the rate of the days that fit",
             "%+.3f", skill(s->brier, lab_constant_brier(s, r->train_rate)));
    lab_fact(out, LAB_PREDICTION, "Log loss", "beside it that of the rate of the days that fit",
             "%.5f, base rate %.5f", s->log_loss, lab_constant_loss(s, r->train_rate));
    lab_fact(out, LAB_PREDICTION, "Order ready", "accounts that breached, without and with predict=1",
             "%" PRIu64 " and %" PRIu64 " of %" PRIu64, without.ready, with.ready, with.orders);
    for (int c = 0; c < COLDS; c++)
        lab_fact(out, LAB_PREDICTION, "Order not ready", COLD[c], "%" PRIu64 " and %" PRIu64, without.cold[c],
                 with.cold[c]);
    score_result(s,
                 "Share of forecasts that came true against the chance they told, on days that "
                 "the fit has not seen. On the diagonal a chance is what it says. Measured on the "
                 "days named; of generated days that is synthetic.",
                 "judged days", out);
}

void predict_report_free(struct predict_report *r)
{
    for (size_t d = 0; d < r->n_days; d++)
        free(r->day[d].sample);
    r->n_days = 0;
}
