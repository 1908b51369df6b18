// SPDX-License-Identifier: Apache-2.0
// A result keeps what is put into it: points beside a plain array, cells in their places, texts cut between
// characters, nothing that is not finite; and it stays usable, and says so, when memory is short.
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "lab/html/page.h"
#include "lab/result.h"
#include "run_suite.h"

static uint64_t seed;
static struct lab_result r;

static void setup(void)
{
    lab_result_init(&r);
}

static void teardown(void)
{
    lab_result_free(&r);
}

// The caller frees it.
static char *written(int (*write)(const struct lab_result *, FILE *), int want)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(write(&r, f), want);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

START_TEST(test_points)
{
    enum { N = 5000, SERIES = 9 };
    struct prng rng;
    static double x[SERIES][N], y[SERIES][N];
    prng_seed(&rng, seed);
    struct lab_chart *c = lab_chart(&r, LAB_MAP, "t", "c", "x", "y");
    for (size_t i = 0; i < SERIES; i++) {
        struct lab_series *s = lab_series(&r, c, "s", LAB_LINE);
        size_t n = prng_below(&rng, N), kept = 0;
        for (size_t k = 0; k < n; k++) {
            static const double odd[] = {NAN, INFINITY, -INFINITY};
            bool bad = prng_below(&rng, 10) == 0;
            double a = (double)prng_below(&rng, 1000), b = bad ? odd[prng_below(&rng, 3)] : a / 7;
            bool swap = prng_below(&rng, 2);
            lab_point(&r, s, swap ? b : a, swap ? a : b);
            if (bad)
                continue;
            x[i][kept] = swap ? b : a;
            y[i][kept++] = swap ? a : b;
        }
        ck_assert_uint_eq(s->n, kept);
        ck_assert_uint_eq(s->left_out, n - kept);
    }
    ck_assert(!r.failed && c->n_series == SERIES);
    for (size_t i = 0; i < SERIES; i++) {
        const struct lab_series *s = &c->series[i];
        ck_assert(s->n == 0 || memcmp(s->x, x[i], s->n * sizeof(double)) == 0);
        ck_assert(s->n == 0 || memcmp(s->y, y[i], s->n * sizeof(double)) == 0);
    }
}
END_TEST

START_TEST(test_cells)
{
    static const char *const heads[] = {"a", "b", "c"};
    struct lab_table *t = lab_table(&r, LAB_LOSSES, "t", "", 3, heads);
    ck_assert_uint_eq(t->rows, 0);
    for (unsigned i = 0; i < 1000; i++) {
        lab_cell(&r, t, "%u", i);
        ck_assert_uint_eq(t->rows, i / 3 + 1);
    }
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(atoi(lab_table_cell(t, i / 3, i % 3)), (int)i);
    ck_assert_str_eq(lab_table_cell(t, 333, 1), ""); // the last row is short
    ck_assert_str_eq(t->cell[2], "c");
}
END_TEST

START_TEST(test_many)
{
    static const char *const heads[] = {"h"};
    for (unsigned i = 0; i < 300; i++) {
        char name[8];
        snprintf(name, sizeof name, "%u", i);
        lab_fact(&r, LAB_MAP, name, "n", "%u", 2 * i);
        (void)lab_chart(&r, LAB_MAP, name, "", "", "");
        lab_cell(&r, lab_table(&r, LAB_MAP, name, "", 1, heads), "x");
    }
    ck_assert(!r.failed && r.n_facts == 300 && r.n_charts == 300 && r.n_tables == 300);
    for (unsigned i = 0; i < 300; i++) {
        ck_assert_int_eq(atoi(r.fact[i].value), 2 * (int)i);
        ck_assert_int_eq(atoi(r.chart[i].title), (int)i);
        ck_assert_int_eq(atoi(r.table[i].title), (int)i);
    }
}
END_TEST

// A title of 95 bytes' room, filled with characters of 1 to 4 bytes from any offset on.
START_TEST(test_cut)
{
    static const char *const letters[] = {"a", "\u00e9", "\u20ac", "\U0001F4A7"};
    for (size_t k = 0; k < 4; k++)
        for (size_t offset = 0; offset < 4; offset++) {
            char text[600] = "", want[600];
            memset(text, 'x', offset);
            while (strlen(text) < 200)
                memcpy(text + strlen(text), letters[k], strlen(letters[k]) + 1);
            size_t fit = offset + (95 - offset) / (k + 1) * (k + 1);
            snprintf(want, sizeof want, "%.*s", (int)fit, text);
            struct lab_chart *c = lab_chart(&r, LAB_MAP, text, "", "", "");
            ck_assert_str_eq(c->title, want);
            lab_fact(&r, LAB_MAP, text, NULL, "%s", text);
            ck_assert_uint_le(strlen(r.fact[r.n_facts - 1].value), 127);
            ck_assert_uint_eq((strlen(r.fact[r.n_facts - 1].value) - offset) % (k + 1), 0);
        }
    struct lab_chart *exact = lab_chart(&r, LAB_MAP, "a\u00e9", "", "", "");
    ck_assert_str_eq(exact->title, "a\u00e9");
}
END_TEST

START_TEST(test_kinds)
{
    lab_fact(&r, LAB_MAP, "a", "", "1");
    lab_kind(&r, KIND_MEASURED);
    lab_fact(&r, LAB_MAP, "b", "", "1");
    lab_kind(&r, KIND_SIMULATED);
    ck_assert_int_eq(lab_chart(&r, LAB_MAP, "", "", "", "")->kind, KIND_SIMULATED);
    ck_assert_int_eq(r.fact[0].kind, KIND_MODELLED);
    ck_assert_int_eq(r.fact[1].kind, KIND_MEASURED);
}
END_TEST

// As if memory were short: what callers get can be used, is not part of the result, and nothing is written.
START_TEST(test_failed)
{
    static const char *const heads[] = {"h"};
    lab_fact(&r, LAB_MAP, "a", "", "1");
    r.failed = true;
    struct lab_chart *c = lab_chart(&r, LAB_MAP, "", "", "", "");
    struct lab_series *s = lab_series(&r, c, "", LAB_BARS);
    struct lab_table *t = lab_table(&r, LAB_MAP, "", "", 1, heads);
    c->log_x = true;
    lab_point(&r, s, 1, 2);
    lab_cell(&r, t, "x");
    lab_fact(&r, LAB_MAP, "b", "", "1");
    ck_assert(r.n_charts == 0 && r.n_tables == 0 && r.n_facts == 1 && s->n == 0);
    char *page = written(lab_page_write, -1), *json = written(lab_result_json, -1);
    ck_assert_str_eq(page, "");
    ck_assert_str_eq(json, "");
    free(page);
    free(json);
}
END_TEST

START_TEST(test_json)
{
    static const char *const heads[] = {"h\"", "i"};
    snprintf(r.title, sizeof r.title, "T\"\\\n");
    r.seed = ~0ull;
    lab_source(&r, "first");
    lab_source(&r, "text: \"x\"\n");
    struct lab_chart *c = lab_chart(&r, LAB_AUCTIONS, "C", "", "x", "y");
    struct lab_series *s = lab_series(&r, c, "S", LAB_STEP);
    lab_point(&r, s, 1, 2.5);
    lab_point(&r, s, 2, NAN);
    lab_cell(&r, lab_table(&r, LAB_LOSSES, "L", "", 2, heads), "%d", 5);
    char *json = written(lab_result_json, 0);
    static const char *const want[] = {
        "\"tripline-lab-1\"",
        "T\\\"\\\\\\u000a",
        "\"18446744073709551615\"",
        "text: \\\"x\\\"\\u000a",
        "\"auctions\"",
        "\"step\"",
        "\"x\": [1]",
        "\"y\": [2.5]",
        "\"heads\": [\"h\\\"\"",
        "[\"5\",\"\"]",
        "\"left_out\": 1",
        "\"modelled\"",
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        ck_assert_msg(strstr(json, want[i]) != NULL, "%s in %s", want[i], json);
    ck_assert_ptr_null(strstr(json, "nan"));
    ck_assert_ptr_null(strstr(json, "first"));
    free(json);
}
END_TEST

START_TEST(test_full)
{
    FILE *f = fopen("/dev/full", "w");
    if (!f)
        return;
    ck_assert_int_eq(lab_page_write(&r, f), -1);
    fclose(f);
    f = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(lab_result_json(&r, f), -1);
    fclose(f);
}
END_TEST

int main(void)
{
    seed = test_seed(7);
    Suite *s = suite_create("result");
    TCase *t = tcase_create("result");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_points);
    tcase_add_test(t, test_cells);
    tcase_add_test(t, test_many);
    tcase_add_test(t, test_cut);
    tcase_add_test(t, test_kinds);
    tcase_add_test(t, test_failed);
    tcase_add_test(t, test_json);
    tcase_add_test(t, test_full);
    suite_add_tcase(s, t);
    return run_suite(s);
}
