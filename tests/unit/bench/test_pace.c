// SPDX-License-Identifier: Apache-2.0
// When frames are due: by their stamps, at an even rate, at random. The clock is set by hand.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/test_seed.h"
#include "bench/pace.h"
#include "run_suite.h"

enum { FRAMES = 200000, HZ = 1500000000 }; // 1.5 ticks a ns
#define MS UINT64_C(1000000)

static struct load_frame frame[FRAMES];
static struct load l = {.frame = frame};
static uint64_t due[FRAMES];

static void setup(void)
{
    clock_cal = (struct clock_cal){.tsc = true, .mult = UINT64_C(2863311531), .hz = HZ};
    for (size_t i = 0; i < FRAMES; i++)
        frame[i].ts_ns = UINT64_C(1780272000000000000) + i / 3 * MS; // three at a time
    memset(due, 0xff, sizeof due);
    l.n = test_rounds(FRAMES);
}

static void plan(struct pace_config c)
{
    pace_plan(&c, &l, due);
    ck_assert_uint_eq(due[0], 0);
    for (size_t i = 1; i < l.n; i++)
        if (due[i] < due[i - 1])
            ck_abort_msg("frame %zu is due before the one before it", i);
}

static void near(uint64_t is, double want, double within)
{
    if (!(fabs((double)is - want) <= within))
        ck_abort_msg("%.0f, not %.3f within %g", (double)is, want, within);
}

START_TEST(test_recorded)
{
    static const double times[] = {1, 2, 0.5, 7.3};
    plan((struct pace_config){.mode = PACE_RECORDED, .times = times[_i]});
    for (size_t i = 0; i < l.n; i++)
        near(due[i], (double)(i / 3) * 1.5e6 / times[_i], 1.0);
    ck_assert_uint_eq(due[2], 0);
    ck_assert_uint_gt(due[3], 0);
}
END_TEST

// A week of stream time to the tick, and what no counter holds is held.
START_TEST(test_recorded_long)
{
    l.n = 2;
    frame[1].ts_ns = frame[0].ts_ns + UINT64_C(604800) * 1000 * MS;
    plan((struct pace_config){.mode = PACE_RECORDED, .times = 1});
    ck_assert_uint_eq(due[1], UINT64_C(604800) * HZ);
    plan((struct pace_config){.mode = PACE_RECORDED, .times = 1e-12});
    ck_assert_uint_eq(due[1], UINT64_C(1) << 62);
}
END_TEST

START_TEST(test_even_rate)
{
    plan((struct pace_config){.mode = PACE_RATE, .rate_pps = 70000});
    for (size_t i = 0; i < l.n; i++)
        near(due[i], (double)i * HZ / 70000, 1.0);
}
END_TEST

// Gaps of an exponential distribution: mean and variance, the share that is longer than the mean and than
// three, and no memory: a gap says nothing about the next.
START_TEST(test_poisson)
{
    const double mean = (double)HZ / 20000;
    double sum = 0, squares = 0, beside = 0, last = 0;
    unsigned above[4] = {0};
    plan((struct pace_config){.mode = PACE_RATE, .rate_pps = 20000, .poisson = true, .seed = (uint64_t)_i});
    for (size_t i = 1; i < l.n; i++) {
        double gap = (double)(due[i] - due[i - 1]) / mean;
        sum += gap;
        squares += gap * gap;
        beside += (gap - 1) * (last - 1);
        last = gap;
        for (int k = 0; k < 4; k++)
            above[k] += gap > k;
    }
    const double n = (double)l.n - 1, sigma = 1 / sqrt(n);
    ck_assert_msg(fabs(sum / n - 1) < 5 * sigma, "mean %f", sum / n);
    ck_assert_msg(fabs(squares / n - 2) < 5 * sqrt(20) * sigma, "second moment %f", squares / n); // 24 - 2^2
    ck_assert_msg(fabs(beside / n) < 5 * sigma, "neighbours' covariance %f", beside / n);
    for (int k = 1; k < 4; k++) {
        double p = exp(-k), off = fabs(above[k] / n - p);
        ck_assert_msg(off < 5 * sqrt(p * (1 - p)) * sigma, "share above %d: %f", k, above[k] / n);
    }
}
END_TEST

START_TEST(test_the_seed_decides)
{
    static uint64_t other[FRAMES];
    struct pace_config c = {.mode = PACE_RATE, .rate_pps = 1000, .poisson = true, .seed = 9};
    plan(c);
    pace_plan(&c, &l, other);
    ck_assert_int_eq(memcmp(due, other, l.n * sizeof *due), 0);
    c.seed = 10;
    pace_plan(&c, &l, other);
    ck_assert_int_ne(memcmp(due, other, l.n * sizeof *due), 0);
}
END_TEST

START_TEST(test_loops)
{
    static const char *const name[] = {"recorded", "rate", "max", "closed"};
    static uint64_t before[FRAMES];
    memcpy(before, due, sizeof due);
    for (int m = PACE_RECORDED; m <= PACE_CLOSED; m++) {
        const struct pace_config c = {.mode = (enum pace_mode)m, .times = 1, .rate_pps = 1};
        ck_assert_str_eq(pace_name(c.mode), name[m]);
        ck_assert_int_eq(pace_open_loop(c.mode), m < PACE_MAX);
        if (!pace_open_loop(c.mode)) { // nothing is due at a time: nothing is written
            pace_plan(&c, &l, due);
            ck_assert_int_eq(memcmp(before, due, sizeof due), 0);
        }
    }
    ck_assert_str_eq(pace_name((enum pace_mode)9), "?");
    l.n = 0;
    pace_plan(&(struct pace_config){.mode = PACE_RECORDED, .times = 1}, &l, due);
    ck_assert_int_eq(memcmp(before, due, sizeof due), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pace");
    TCase *t = tcase_create("pace");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_recorded, 0, 4);
    tcase_add_test(t, test_recorded_long);
    tcase_add_test(t, test_even_rate);
    tcase_add_loop_test(t, test_poisson, 1, 6);
    tcase_add_test(t, test_the_seed_decides);
    tcase_add_test(t, test_loops);
    suite_add_tcase(s, t);
    return run_suite(s);
}
