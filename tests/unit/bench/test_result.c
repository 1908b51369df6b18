// SPDX-License-Identifier: Apache-2.0
// What a benchmark writes, read back: JSON by the reader of imports, percentiles and curves against the
// sorted values, null where there are too few; the JSON writer's escapes, and calls that do not fit.
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/json.h"
#include "base/json_out.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "bench/result.h"
#include "run_suite.h"

enum { VALUES = 120000, FRAMES = 40, FEW = 500 };

static struct prng rng;
static struct bench_run run;
static struct bench_result result;
static struct load load;
static struct load_frame frame[FRAMES];
static uint8_t bytes[FRAMES * 128];
static uint64_t value[VALUES];
static char *text;
static size_t size;
static struct json_doc doc;

static int upwards(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static const struct json *member(const struct json *o, const char *key)
{
    ck_assert(o && o->type == JSON_OBJECT);
    for (const struct json *c = o->child; c; c = c->next)
        if (strcmp(c->key, key) == 0)
            return c;
    ck_abort_msg("no member %s", key);
    return NULL;
}

static const struct json *element(const struct json *a, size_t i)
{
    ck_assert(a && a->type == JSON_ARRAY);
    const struct json *c = a->child;
    while (c && i--)
        c = c->next;
    ck_assert(c != NULL);
    return c;
}

static size_t length(const struct json *a)
{
    size_t n = 0;
    for (const struct json *c = a->child; c; c = c->next)
        n++;
    return n;
}

static uint64_t number(const struct json *v)
{
    ck_assert_msg(v->type == JSON_NUMBER, "line %u: no number", v->line);
    return strtoull(v->text, NULL, 10);
}

static void parse(void)
{
    json_free(&doc);
    ck_assert_msg(json_parse(text, size, &doc) == 0, "line %u: %s", doc.error_line, doc.error);
}

static void write_result(void)
{
    struct err e;
    free(text);
    FILE *f = open_memstream(&text, &size);
    ck_assert_msg(result_json(&result, f, &e) == 0, "%s", e.msg);
    (void)fclose(f);
    parse();
}

static void begin(void)
{
    const struct pace_config p = {.mode = PACE_RATE, .rate_pps = 1000};
    memset(&result, 0, sizeof result);
    bench_run_begin(&run, &p, 7, 10);
    for (size_t i = 0; i < FRAMES; i++)
        frame[i] = (struct load_frame){
            .ts_ns = UINT64_C(1780272000000000000) + i, .at = i * 128, .caplen = 100, .wirelen = 110};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    load = (struct load){.kind = LOAD_T0,
                         .synthetic = true,
                         .frame = frame,
                         .n = FRAMES,
                         .bytes = bytes,
                         .n_bytes = sizeof bytes};
    (void)snprintf(run.name, sizeof run.name, "a run");
    result.title = "a \"title\"\\ with\ttabs";
    result.command = "bench";
    result.load = &load;
    result.n_runs = 1;
    result.run = &run;
    run.passes = 1;
}

static void setup(void)
{
    begin();
}

static void teardown(void)
{
    json_free(&doc);
    memset(&doc, 0, sizeof doc);
    free(text);
    text = NULL;
}

// n values into one stage, sorted beside.
static void measure(struct hist *h, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        value[i] = prng_chance(&rng, 1, 100) ? prng_below(&rng, 1u << 30) : 200 + prng_below(&rng, 3000);
        hist_record(h, value[i]);
    }
    qsort(value, n, sizeof value[0], upwards);
}

// Nearest rank; what is reported is that value's bucket's upper end, less than 1/128 above.
static void check_percentile(uint64_t got, double percent, size_t n)
{
    size_t rank = (size_t)ceil(percent * (double)n / 100 - 1e-6);
    uint64_t true_value = value[rank ? rank - 1 : 0];
    ck_assert_msg(got >= true_value && got <= true_value + true_value / 128,
                  "p%g: %" PRIu64 ", sorted %" PRIu64, percent, got, true_value);
}

static const struct json *stage(const char *name)
{
    const struct json *all = member(element(member(doc.root, "runs"), 0), "stages");
    for (const struct json *s = all->child; s; s = s->next)
        if (strcmp(member(s, "name")->text, name) == 0)
            return s;
    return NULL;
}

static void check_curve(const struct json *s, size_t n)
{
    const struct json *curve = member(s, "curve");
    double last_percent = -1;
    uint64_t last = 0;
    ck_assert(length(curve) >= 3 && length(curve) <= 200);
    for (const struct json *p = curve->child; p; p = p->next) {
        double percent = strtod(element(p, 0)->text, NULL);
        uint64_t v = number(element(p, 1));
        ck_assert(percent > last_percent && v >= last);
        check_percentile(v, percent, n);
        last_percent = percent;
        last = v;
    }
    ck_assert(last_percent > 99.9999 && last == value[n - 1]);
    ck_assert_uint_eq(number(element(curve->child, 1)), value[0]);
}

START_TEST(test_percentiles)
{
    measure(&run.stage[STAGE_TO_COMMAND], VALUES);
    write_result();
    const struct json *s = stage("tick-to-command"), *p = member(s, "p");
    ck_assert_uint_eq(number(member(s, "count")), VALUES);
    ck_assert_uint_eq(number(member(s, "min")), value[0]);
    ck_assert_uint_eq(number(member(s, "max")), value[VALUES - 1]);
    ck_assert_uint_eq(length(p), BENCH_PERCENTILES);
    for (const struct json *x = p->child; x; x = x->next)
        check_percentile(number(x), strtod(x->key, NULL), VALUES);
    check_curve(s, VALUES);
    ck_assert_ptr_null(stage("decode")); // without values
}
END_TEST

START_TEST(test_too_few)
{
    measure(&run.stage[STAGE_DECODE], FEW);
    write_result();
    const struct json *p = member(stage("decode"), "p");
    check_percentile(number(member(p, "99")), 99, FEW);
    ck_assert_int_eq(member(p, "99.9")->type, JSON_NULL);
    ck_assert_int_eq(member(p, "99.999")->type, JSON_NULL);
    check_curve(stage("decode"), FEW);
}
END_TEST

// In what a simulated device is part of, the time of simulating counts.
START_TEST(test_simulated_left_out)
{
    static const enum stage whole[] = {STAGE_TO_COMMAND, STAGE_TO_FLAG, STAGE_TO_ORDER, STAGE_TO_COLD};
    for (size_t i = 0; i < 4; i++)
        hist_record(&run.stage[whole[i]], 5);
    hist_record(&run.stage[STAGE_DECODE], 5);
    hist_record(&run.cycles, 6);
    const struct frame_stamps at = {.at = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100}};
    for (unsigned w = 0; w < DRIVE_WAYS; w++)
        worst_take(&run.worst[w], &at, 3, 0, 0);
    write_result();
    ck_assert_uint_eq(length(member(element(member(doc.root, "runs"), 0), "stages")), 6);
    ck_assert_uint_eq(length(member(element(member(doc.root, "runs"), 0), "worst")), 3);
    result.device.simulated = true;
    write_result();
    ck_assert(stage("decode") && stage("device") && !stage("tick-to-command") && !stage("tick-to-flag") &&
              !stage("tick-to-order") && !stage("tick-to-order-cold"));
    ck_assert_str_eq(member(stage("device"), "kind")->text, "simulated");
    ck_assert_str_eq(member(stage("device"), "unit")->text, "cycles");
    ck_assert_uint_eq(length(member(element(member(doc.root, "runs"), 0), "worst")), 0);
    run.pace.mode = PACE_MAX; // nothing waits behind what is simulated
    write_result();
    ck_assert(stage("tick-to-command") && !stage("tick-to-flag"));
    ck_assert_uint_eq(length(member(element(member(doc.root, "runs"), 0), "worst")), 1);
}
END_TEST

START_TEST(test_worst_frame)
{
    const struct frame_stamps at = {
        .at = {[STAMP_ARRIVED] = 1000, [STAMP_TAKEN] = 1500, [STAMP_SUBMITTED] = 1700, [STAMP_DONE] = 2000},
        .flags = 3};
    worst_take(&run.worst[2], &at, 5, 1, 17);
    write_result();
    const struct json *w = element(member(element(member(doc.root, "runs"), 0), "worst"), 0);
    ck_assert_str_eq(member(w, "way")->text, "done");
    ck_assert_uint_eq(number(member(w, "ns")), 1000); // before clock_init() ticks are nanoseconds
    ck_assert_uint_eq(number(member(w, "frame")), 5);
    ck_assert_uint_eq(number(member(w, "pass")), 1);
    ck_assert_uint_eq(number(member(w, "behind")), 17);
    ck_assert_str_eq(member(w, "ts_ns")->text, "1780272000000000005");
    ck_assert_int_eq(member(w, "ts_ns")->type, JSON_STRING);
    const struct json *s = member(w, "stamps");
    ck_assert_uint_eq(length(s), 3); // those that were reached
    ck_assert_uint_eq(number(member(s, "taken")), 500);
    ck_assert_uint_eq(number(member(s, "submitted")), 700);
    const char *head = member(member(w, "packet"), "head")->text;
    ck_assert_uint_eq(strlen(head), 192);
    ck_assert_int_eq(strncmp(head, "80818283", 8), 0); // frame 5 begins at byte 640
    ck_assert_uint_eq(number(member(member(w, "packet"), "bytes")), 110);
}
END_TEST

START_TEST(test_whole_document)
{
    run.counts.frames = UINT64_C(1) << 53;
    write_result();
    ck_assert_str_eq(member(doc.root, "format")->text, "tripline-bench-1");
    ck_assert_str_eq(member(doc.root, "title")->text, result.title);
    ck_assert_int_eq(member(doc.root, "timeline")->type, JSON_NULL);
    const struct json *r = element(member(doc.root, "runs"), 0);
    ck_assert_int_eq(member(member(r, "counts"), "frames")->type, JSON_STRING); // no double holds it
    ck_assert_str_eq(member(member(r, "counts"), "frames")->text, "9007199254740992");
    ck_assert_int_eq(member(r, "offered_pps")->type, JSON_NULL);
    ck_assert_str_eq(member(member(r, "pace"), "arrivals")->text, "even");
    run.pace.mode = PACE_CLOSED;
    write_result();
    r = element(member(doc.root, "runs"), 0);
    ck_assert_int_eq(member(r, "backlog_max")->type, JSON_NULL);
    ck_assert_int_eq(member(member(r, "pace"), "arrivals")->type, JSON_NULL);
}
END_TEST

START_TEST(test_hits_hold)
{
    ck_assert(bench_hits_hold(&result));
    run.hits.missed = 1;
    ck_assert(!bench_hits_hold(&result));
    run.hits.missed = 0;
    run.hits.extra = 1;
    ck_assert(!bench_hits_hold(&result));
}
END_TEST

// ---- the writer alone

static int write_with(void (*calls)(struct json_out *))
{
    struct json_out j;
    struct err e;
    free(text);
    FILE *f = open_memstream(&text, &size);
    json_out_begin(&j, f);
    calls(&j);
    int rc = json_out_end(&j, &e);
    (void)fclose(f);
    return rc;
}

static void odd_texts(struct json_out *j)
{
    json_open(j, NULL, '[');
    json_text(j, NULL, "\x01\"\\/\n\x7f");
    json_text(j, NULL, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    json_text(j, NULL, "\xff|\xc0\x80|\xe2\x82|\xed\xa0\x80|\xf4\x90\x80\x80|\xe0\x80\x80|\xf0\x80\x80\x80");
    json_text(j, NULL, NULL);
    json_signed(j, NULL, -5);
    json_signed(j, NULL, INT64_MIN);
    json_real(j, NULL, 0.125);
    json_real(j, NULL, HUGE_VAL);
    json_close(j, ']');
}

START_TEST(test_texts)
{
    ck_assert_int_eq(write_with(odd_texts), 0);
    parse();
    ck_assert_str_eq(element(doc.root, 0)->text, "\x01\"\\/\n\x7f");
    ck_assert_str_eq(element(doc.root, 1)->text, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
#define BAD "\xef\xbf\xbd"
    ck_assert_str_eq(element(doc.root, 2)->text, BAD "|" BAD BAD "|" BAD BAD "|" BAD BAD BAD
                                                     "|" BAD BAD BAD BAD "|" BAD BAD BAD "|" BAD BAD BAD BAD);
    ck_assert_int_eq(element(doc.root, 3)->type, JSON_NULL);
    ck_assert_str_eq(element(doc.root, 4)->text, "-5");
    ck_assert_str_eq(element(doc.root, 5)->text, "-9223372036854775808");
    ck_assert_int_eq(element(doc.root, 5)->type, JSON_STRING);
    ck_assert_str_eq(element(doc.root, 6)->text, "0.125");
    ck_assert_int_eq(element(doc.root, 7)->type, JSON_NULL);
}
END_TEST

static void nothing(struct json_out *j)
{
    (void)j;
}
static void nameless(struct json_out *j)
{
    json_open(j, NULL, '{');
    json_whole(j, NULL, 1);
    json_close(j, '}');
}
static void named(struct json_out *j)
{
    json_open(j, NULL, '[');
    json_whole(j, "a", 1);
    json_close(j, ']');
}
static void not_closed(struct json_out *j)
{
    json_open(j, NULL, '[');
}
static void crossed(struct json_out *j)
{
    json_open(j, NULL, '[');
    json_close(j, '}');
}
static void two(struct json_out *j)
{
    json_whole(j, NULL, 1);
    json_whole(j, NULL, 2);
}
static void too_deep(struct json_out *j)
{
    for (int i = 0; i <= JSON_OUT_DEPTH; i++)
        json_open(j, NULL, '[');
    for (int i = 0; i <= JSON_OUT_DEPTH; i++)
        json_close(j, ']');
}
static void closed_twice(struct json_out *j)
{
    json_open(j, NULL, '[');
    json_close(j, ']');
    json_close(j, ']');
}

START_TEST(test_calls_that_do_not_fit)
{
    void (*const wrong[])(struct json_out *) = {nothing, nameless, named,    not_closed,
                                                crossed, two,      too_deep, closed_twice};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(write_with(wrong[i]) == -1, "case %zu", i);
}
END_TEST

int main(void)
{
    prng_seed(&rng, test_seed(20261121));
    Suite *s = suite_create("result");
    TCase *t = tcase_create("result");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_percentiles);
    tcase_add_test(t, test_too_few);
    tcase_add_test(t, test_simulated_left_out);
    tcase_add_test(t, test_worst_frame);
    tcase_add_test(t, test_whole_document);
    tcase_add_test(t, test_hits_hold);
    tcase_add_test(t, test_texts);
    tcase_add_test(t, test_calls_that_do_not_fit);
    suite_add_tcase(s, t);
    return run_suite(s);
}
