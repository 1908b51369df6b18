// SPDX-License-Identifier: Apache-2.0
// Axes hold all values and their ticks are round, evenly spaced and named apart; labels are short whatever
// the value; a thinned series keeps its ends and its extremes in every column; a page has what the result
// has.
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "lab/html/chart.h"
#include "lab/html/page.h"
#include "run_suite.h"

static uint64_t seed;
static struct prng rng;

static double uniform(void)
{
    return (double)prng_below(&rng, 1u << 30) / (1u << 30);
}

// Any size and sign: half of them of ordinary size.
static double any_value(void)
{
    double power = prng_below(&rng, 2) ? 12 * uniform() - 4 : 610 * uniform() - 305;
    return (prng_below(&rng, 2) ? 1 : -1) * (1 + 9 * uniform()) * pow(10, power);
}

START_TEST(test_span)
{
    for (unsigned i = 0; i < 20000; i++) {
        double a = any_value(), b = prng_below(&rng, 3) ? any_value() : a * (1 + 1e-6 * uniform());
        double lo = fmin(fmax(fmin(a, b), -1e300), 1e300), hi = fmax(fmin(fmax(a, b), 1e300), -1e300),
               tick[32];
        struct axis x = {.from = 310, .to = 30};
        axis_span(&x, lo, hi);
        ck_assert_msg(isfinite(x.lo) && isfinite(x.hi) && x.lo < x.hi, "%g to %g", lo, hi);
        double slack = (x.hi - x.lo) * 1e-6;
        ck_assert_msg(x.lo <= lo + slack && x.hi >= hi - slack, "%.17g to %.17g: %.17g to %.17g", lo, hi,
                      x.lo, x.hi);
        size_t n = axis_ticks(&x, tick, 32);
        ck_assert_msg(n >= 3 && n <= 16, "%zu ticks, %g to %g", n, x.lo, x.hi);
        double step = axis_step(&x), lead = step / pow(10, floor(log10(step) + 1e-9));
        ck_assert_msg(fabs(lead - 1) < 1e-6 || fabs(lead - 2) < 1e-6 || fabs(lead - 5) < 1e-6, "step %g",
                      step);
        for (size_t k = 1; k < n; k++)
            ck_assert_msg(fabs(tick[k] - tick[k - 1] - step) < step * 1e-5, "step %g, %g to %g", step, lo,
                          hi);
        for (size_t k = 0; k < n; k++)
            ck_assert(axis_at(&x, tick[k]) < 310.01 && axis_at(&x, tick[k]) > 29.99);
    }
}
END_TEST

START_TEST(test_span_equal)
{
    static const double values[] = {0, 1, -1, 1e15, 1e-300, DBL_MAX, -DBL_MAX, 4e-310};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct axis x = {.from = 0, .to = 100};
        double tick[32];
        axis_span(&x, values[i], values[i]);
        ck_assert_msg(isfinite(x.lo) && isfinite(x.hi) && x.lo < x.hi, "%g", values[i]);
        double at = axis_at(&x, values[i]);
        ck_assert_msg(at >= 0 && at <= 100, "%g at %g", values[i], at);
        ck_assert_uint_ge(axis_ticks(&x, tick, 32), 2);
    }
}
END_TEST

START_TEST(test_log)
{
    for (unsigned i = 0; i < 20000; i++) {
        double a = fmax(fabs(any_value()), 1e-299), b = fmax(fabs(any_value()), 1e-299), tick[32];
        double lo = fmin(fmin(a, b), 1e299), hi = fmin(fmax(a, b), 1e299);
        struct axis x = {.from = 0, .to = 740};
        axis_log(&x, lo, hi);
        ck_assert_msg(x.lo > 0 && x.lo <= lo * 1.000001 && x.hi >= hi * 0.999999, "%g to %g", lo, hi);
        size_t n = axis_ticks(&x, tick, 32);
        ck_assert_msg(n >= 1 && n <= 14, "%zu ticks, %g to %g", n, x.lo, x.hi);
        for (size_t k = 1; k < n; k++)
            ck_assert_msg(axis_at(&x, tick[k]) - axis_at(&x, tick[k - 1]) > 40, "%g and %g", tick[k - 1],
                          tick[k]);
    }
}
END_TEST

// A label tells each tick from the next, and is short.
START_TEST(test_labels)
{
    for (unsigned i = 0; i < 20000; i++) {
        struct axis x = {.from = 0, .to = 740};
        double a = any_value(), b = a * (1 + uniform()), tick[32];
        bool log = prng_below(&rng, 2);
        if (log)
            axis_log(&x, fmin(fmax(fabs(a), 1e-299), 1e299), fmin(fmax(fabs(b), 1e-299), 1e299));
        else
            axis_span(&x, fmin(a, b), fmax(a, b));
        size_t n = axis_ticks(&x, tick, 32);
        for (size_t k = 0; k < n; k++) {
            struct num t = num_of_axis(&x, tick[k]);
            ck_assert_msg(text_columns(t.text) <= 16, "%s of %g", t.text, tick[k]);
            ck_assert_msg(k == 0 || strcmp(t.text, num_of_axis(&x, tick[k - 1]).text) != 0,
                          "twice %s, %.17g to %.17g", t.text, x.lo, x.hi);
        }
        ck_assert_uint_le(text_columns(num_value(a).text), 16);
    }
}
END_TEST

START_TEST(test_values)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1, "\u22121"},
        {0.0312, "0.0312"},
        {3.14159, "3.142"},
        {99.99, "99.99"},
        {12345.6, "12,346"},
        {1234, "1,234"},
        {999949, "999,949"},
        {1e6, "1.00 M"},
        {-2.5e6, "\u22122.50 M"},
        {1.25e9, "1.25 bn"},
        {7e12, "7.00 tn"},
        {1e15, "1\u00d710\u00b9\u2075"},
        {3.1e-7, "3.1\u00d710\u207b\u2077"},
        {DBL_MAX, "1.8\u00d710\u00b3\u2070\u2078"},
        {NAN, "\u2013"},
        {INFINITY, "\u2013"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(num_value(cases[i].v).text, cases[i].text);
    struct axis x = {.from = 0, .to = 1};
    axis_span(&x, 0, 2e6);
    ck_assert_str_eq(num_of_axis(&x, 0).text, "0");
    ck_assert_str_eq(num_of_axis(&x, 5e5).text, "0.5 M");
    axis_span(&x, -0.3, 0.3);
    ck_assert_str_eq(num_of_axis(&x, -0.1).text, "\u22120.1");
    axis_log(&x, 0.01, 1e9);
    ck_assert_str_eq(num_of_axis(&x, 0.01).text, "0.01");
    ck_assert_str_eq(num_of_axis(&x, 1e4).text, "10 k");
}
END_TEST

// ---- thinning

static struct lab_series *random_series(struct lab_result *r, enum lab_shape shape, size_t n)
{
    struct lab_series *s = lab_series(r, lab_chart(r, LAB_MAP, "", "", "", ""), "s", shape);
    double x = 0;
    for (size_t i = 0; i < n; i++) {
        x += prng_below(&rng, 50) ? uniform() : 1000 * uniform();
        lab_point(r, s, shape == LAB_POINTS ? 1e5 * uniform() : x,
                  prng_below(&rng, 1000) ? uniform() : 40 * (uniform() - .5));
    }
    return s;
}

// Lowest and highest pixel of each column, and where a line enters and leaves it, as without thinning.
struct column {
    double low, high, first, last;
    bool any;
};

static void columns_of(const struct lab_frame *g, const struct lab_series *s, const size_t *at, size_t n,
                       struct column *out)
{
    memset(out, 0, CHART_WIDTH * sizeof *out);
    for (size_t k = 0; k < n; k++) {
        size_t i = at ? at[k] : k;
        struct column *c = &out[(size_t)axis_at(&g->x, s->x[i])];
        double y = axis_at(&g->y, s->y[i]);
        *c = (struct column){c->any ? fmin(c->low, y) : y, c->any ? fmax(c->high, y) : y,
                             c->any ? c->first : y, y, true};
    }
}

START_TEST(test_thin)
{
    static struct column all[CHART_WIDTH], thin[CHART_WIDTH];
    for (unsigned i = 0; i < 40; i++) {
        struct lab_result r;
        struct lab_frame g;
        lab_result_init(&r);
        size_t n = 1 + prng_below(&rng, 60000), *at = malloc(n * sizeof *at);
        enum lab_shape shape = (enum lab_shape[]){LAB_LINE, LAB_STEP, LAB_BARS, LAB_AREA}[i % 4];
        struct lab_series *s = random_series(&r, shape, n);
        ck_assert(at && lab_frame_fit(&g, &r.chart[0], 0));
        size_t kept = lab_thin(&g, s, at);
        ck_assert_msg(kept <= n && kept <= 4 * CHART_WIDTH && kept > 0, "%zu of %zu", kept, n);
        ck_assert(n > 1200 || kept == n);
        for (size_t k = 1; k < kept; k++)
            ck_assert(at[k] > at[k - 1]);
        columns_of(&g, s, NULL, n, all);
        columns_of(&g, s, at, kept, thin);
        for (size_t k = 0; k < CHART_WIDTH; k++)
            ck_assert_msg(all[k].any == thin[k].any && all[k].low == thin[k].low &&
                              all[k].high == thin[k].high && all[k].first == thin[k].first &&
                              all[k].last == thin[k].last,
                          "column %zu, seed %llu", k, (unsigned long long)seed);
        free(at);
        lab_result_free(&r);
    }
}
END_TEST

START_TEST(test_thin_cloud)
{
    for (unsigned i = 0; i < 10; i++) {
        struct lab_result r;
        struct lab_frame g;
        lab_result_init(&r);
        size_t n = 3001 + prng_below(&rng, 60000), *at = malloc(n * sizeof *at), low = 0, high = 0, seen = 0;
        struct lab_series *s = random_series(&r, LAB_POINTS, n);
        for (size_t k = 0; k < n && i % 2; k++) // so dense that an end shares its cell
            s->y[k] = uniform();
        ck_assert(at && lab_frame_fit(&g, &r.chart[0], 0));
        size_t kept = lab_thin(&g, s, at);
        for (size_t k = 0; k < n; k++) {
            low = s->y[k] < s->y[low] ? k : low;
            high = s->y[k] > s->y[high] ? k : high;
        }
        for (size_t k = 0; k < kept; k++)
            seen += (size_t)(at[k] == low) + (size_t)(at[k] == high);
        ck_assert_uint_eq(seen, 2);
        ck_assert_uint_lt(kept, n);
        // Each point has one that stands for it within a cell.
        for (size_t k = 0; k < n; k += 97) {
            double best = 1e9;
            for (size_t j = 0; j < kept; j++)
                best = fmin(best, fmax(fabs(axis_at(&g.x, s->x[k]) - axis_at(&g.x, s->x[at[j]])),
                                       fabs(axis_at(&g.y, s->y[k]) - axis_at(&g.y, s->y[at[j]]))));
            ck_assert_double_le(best, 4);
        }
        free(at);
        lab_result_free(&r);
    }
}
END_TEST

// Sections stand in their order, those without content are left out.
START_TEST(test_sections)
{
    static const char *const ids[] = {"summary", "map",      "cascade",   "waterfall",
                                      "losses",  "auctions", "prediction"};
    for (unsigned set = 0; set < 1u << LAB_SECTIONS; set++) {
        struct lab_result r;
        char *page = NULL, mark[32];
        size_t len, last = 0;
        lab_result_init(&r);
        for (unsigned s = LAB_SECTIONS; s-- > 0;)
            if (set >> s & 1)
                lab_fact(&r, (enum lab_section)s, "n", "", "v");
        FILE *f = open_memstream(&page, &len);
        ck_assert(f && lab_page_write(&r, f) == 0 && fclose(f) == 0);
        for (unsigned s = 0; s < LAB_SECTIONS; s++) {
            snprintf(mark, sizeof mark, "<section id=\"%s\">", ids[s]);
            const char *at = strstr(page, mark);
            ck_assert_msg((at != NULL) == (set >> s & 1), "%s of %x", ids[s], set);
            ck_assert(!at || (size_t)(at - page) > last);
            last = at ? (size_t)(at - page) : last;
            snprintf(mark, sizeof mark, "href=\"#%s\"", ids[s]);
            ck_assert((strstr(page, mark) != NULL) == (set >> s & 1));
        }
        ck_assert(strstr(page + last, "<section id=\"scenario\">") != NULL);
        free(page);
        lab_result_free(&r);
    }
}
END_TEST

int main(void)
{
    seed = test_seed(7);
    prng_seed(&rng, seed);
    Suite *s = suite_create("lab page");
    TCase *t = tcase_create("page");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_span);
    tcase_add_test(t, test_span_equal);
    tcase_add_test(t, test_log);
    tcase_add_test(t, test_labels);
    tcase_add_test(t, test_values);
    tcase_add_test(t, test_thin);
    tcase_add_test(t, test_thin_cloud);
    tcase_add_test(t, test_sections);
    suite_add_tcase(s, t);
    return run_suite(s);
}
