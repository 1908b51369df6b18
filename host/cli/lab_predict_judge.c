// SPDX-License-Identifier: Apache-2.0
// The fit on the first days and the judgement of the others, for `tripline lab predict`.
#include <stdlib.h>
#include <string.h>

#include "cli/lab_predict_report.h"

enum { FIT_MOST = 20000, CROSS_MOST = 5000, UNSEEN_MOST = 10000, FOLDS = 4 };
static const uint64_t SECOND_NS = 1000000000;

// Cases of days [from, to) that are of this kind, or are not; NULL: all of them. malloc'ed, at least one
// place; NULL: no memory.
static struct fit_case *cases(const struct predict_report *r, size_t from, size_t to, const char *kind,
                              bool of_it, size_t *n)
{
    size_t all = 1;
    for (size_t d = from; d < to; d++)
        all += r->day[d].n;
    struct fit_case *c = malloc(all * sizeof *c);
    *n = 0;
    for (size_t d = from; c && d < to; d++)
        for (size_t i = 0; i < r->day[d].n; i++)
            if (!kind || (strcmp(r->day[d].kind, kind) == 0) == of_it) {
                c[*n] = r->day[d].sample[i].seen;
                c[(*n)++].day = (uint32_t)d;
            }
    return c;
}

static int no_memory(struct err *e)
{
    return err_set(e, "out of memory for forecasts: take a longer --every or fewer accounts");
}

int predict_fit(const struct predict_options *o, struct predict_report *r, const volatile sig_atomic_t *stop,
                struct err *e)
{
    const uint64_t horizon = o->horizon_s * SECOND_NS;
    size_t n;
    struct fit_case *c = cases(r, 0, r->train, NULL, true, &n);
    if (!c)
        return no_memory(e);
    r->depth = FIT_CALIBRATED; // where there are too few days to hold some out
    r->crossed = fit_cross(c, n, CROSS_MOST, FOLDS, horizon, r->cross) == 0;
    for (int d = FIT_DEPTHS - 1; r->crossed && d >= 0; d--)
        if (r->cross[d] < r->cross[r->depth])
            r->depth = (enum fit_depth)d;
    r->model = fit_cases(c, n, FIT_MOST, horizon, r->depth);
    r->fitted = true;
    free(c);
    return *stop ? err_set(e, "interrupted") : 0;
}

// Scores of these cases; false: no memory.
static bool score(const struct fit_model *m, const struct fit_case *c, size_t n, uint64_t horizon,
                  struct lab_score *out)
{
    struct lab_case *l = malloc((n + 1) * sizeof *l);
    for (size_t i = 0; l && i < n; i++)
        l[i] = (struct lab_case){fit_chance(m, &c[i], horizon), c[i].happened};
    if (l)
        lab_score(l, n, out);
    free(l);
    return l != NULL;
}

static struct predict_kind *kind_of(struct predict_report *r, const char *name)
{
    for (size_t i = 0; i < r->kinds; i++)
        if (strcmp(r->kind[i].name, name) == 0)
            return &r->kind[i];
    r->kind[r->kinds] = (struct predict_kind){.name = name};
    return &r->kind[r->kinds++];
}

// By a fit of the first days without this kind; the depth is the one found for all of them.
static bool judge_unseen(const struct predict_report *r, struct predict_kind *k,
                         const struct fit_case *judged, size_t n, uint64_t horizon)
{
    size_t others;
    struct fit_case *c = cases(r, 0, r->train, k->name, false, &others);
    bool good = c != NULL;
    if (good && others) {
        const struct fit_model m = fit_cases(c, others, UNSEEN_MOST, horizon, r->depth);
        size_t hit = 0;
        for (size_t i = 0; i < others; i++)
            hit += c[i].happened;
        k->unseen_rate = (double)hit / (double)others;
        good = score(&m, judged, n, horizon, &k->unseen);
    }
    free(c);
    return good;
}

int predict_judge(const struct predict_options *o, struct predict_report *r,
                  const volatile sig_atomic_t *stop, struct err *e)
{
    const struct fit_model none = fit_none();
    const uint64_t horizon = o->horizon_s * SECOND_NS;
    size_t n, hit = 0;
    struct fit_case *c = cases(r, 0, r->train, NULL, true, &n);
    for (size_t i = 0; c && i < n; i++)
        hit += c[i].happened;
    r->train_rate = n ? (double)hit / (double)n : 0;
    free(c);
    c = cases(r, r->train, r->n_days, NULL, true, &n);
    bool good = c && score(&none, c, n, horizon, &r->normal) && score(&r->model, c, n, horizon, &r->adapted);
    free(c);
    if (good && n == 0)
        return err_set(e, "the judged days have no forecast: no account comes near (--within), or they are "
                          "shorter than --horizon");
    for (size_t d = r->train; d < r->n_days; d++)
        (void)kind_of(r, r->day[d].kind);
    for (size_t i = 0; good && i < r->kinds && !*stop; i++) {
        struct predict_kind *k = &r->kind[i];
        c = cases(r, r->train, r->n_days, k->name, true, &n);
        good = c && score(&r->model, c, n, horizon, &k->fitted) &&
               (!r->fitted || r->kinds < 2 || judge_unseen(r, k, c, n, horizon));
        free(c);
    }
    if (*stop)
        return err_set(e, "interrupted");
    return good ? 0 : no_memory(e);
}
