// SPDX-License-Identifier: Apache-2.0
// Clock: monotonic, describes itself, and agrees with the system clock over the same stretch. Both clocks
// read the same stretch, so its length (which a busy machine changes at will) does not matter.
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "run_suite.h"

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

START_TEST(test_before_init_is_the_system_clock)
{
    char text[160];
    ck_assert(!clock_cal.tsc);
    uint64_t a = clock_system_ns(), t = clock_ticks(), b = clock_system_ns();
    ck_assert(a <= t && t <= b);
    ck_assert_uint_eq(clock_ns(12345), 12345);
    ck_assert_ptr_nonnull(strstr(clock_describe(text, sizeof text), "CLOCK_MONOTONIC_RAW"));
}
END_TEST

START_TEST(test_describes_itself)
{
    char text[160], tiny[8];
    clock_init();
    clock_describe(text, sizeof text);
    printf("# %s\n", text);
    ck_assert_ptr_nonnull(strstr(text, clock_cal.tsc ? "TSC at " : "no constant-rate"));
    ck_assert_uint_lt(strlen(clock_describe(tiny, sizeof tiny)), sizeof tiny);
}
END_TEST

START_TEST(test_monotonic)
{
    clock_init();
    uint64_t last = clock_ticks_begin();
    for (int i = 0; i < 100000; i++) {
        uint64_t t = i % 2 ? clock_ticks_begin() : clock_ticks_end();
        ck_assert_msg(t >= last, "went back by %llu ticks", (unsigned long long)(last - t));
        last = t;
    }
}
END_TEST

START_TEST(test_agrees_with_system_clock)
{
    clock_init();
    // Brackets: the inner stretch lies within the outer one, whenever the machine takes us off the processor.
    uint64_t s0 = clock_system_ns(), t0 = clock_ticks_begin(), s1 = clock_system_ns();
    pause_ms(30);
    uint64_t s2 = clock_system_ns(), t1 = clock_ticks_end(), s3 = clock_system_ns();
    uint64_t ns = clock_ns(t1 - t0),
             slack = (s3 - s0) / 1000 + 100; // 1000 ppm: ten times any crystal's error
    ck_assert_msg(ns + slack >= s2 - s1 && ns <= s3 - s0 + slack, "%llu ns is not within [%llu, %llu]",
                  (unsigned long long)ns, (unsigned long long)(s2 - s1), (unsigned long long)(s3 - s0));
}
END_TEST

START_TEST(test_conversion)
{
    clock_init();
    // A second's worth of ticks is a second, to the rounding of mult and hz.
    uint64_t second = clock_ns(clock_cal.hz);
    ck_assert_msg(second >= 999999990 && second <= 1000000010, "%llu", (unsigned long long)second);
    ck_assert_uint_eq(clock_ns(0), 0);
    // A year does not overflow, and is a year of seconds.
    uint64_t year = clock_ns(clock_cal.hz * 31536000u);
    ck_assert(year / 31536000u >= second - 1 && year / 31536000u <= second + 1);
}
END_TEST

// ---- drift: a clock of 1 ns a tick, moments made by hand

static void one_tick_a_ns(void)
{
    clock_cal = (struct clock_cal){.tsc = true, .mult = UINT64_C(1) << 32, .hz = 1000000000};
}

START_TEST(test_drift_by_hand)
{
    static const struct {
        uint64_t ns, ticks, width;
        int64_t ppb;
        uint64_t error_ppb;
    } row[] = {
        {1000000000, 1000000000, 0, 0, 2},
        {1000000000, 1000000700, 0, 700, 2},
        {1000000000, 999999300, 0, -700, 2},
        {2000000000, 2000000700, 0, 350, 1},
        // A reading is taken to be in the middle of its bracket, and may be anywhere in it: half of both.
        {1000000000, 1000000000, 60, 30, 32},
        {UINT64_C(86400000000000), UINT64_C(86400000864000), 50, 10, 1},
    };
    one_tick_a_ns();
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct clock_moment a = {.ticks = 5000, .ns = 77}, b = {.ticks = a.ticks + row[i].ticks,
                                                                      .ns = a.ns + row[i].ns,
                                                                      .width = row[i].width};
        struct clock_drift d = clock_drift_between(&a, &b);
        ck_assert(d.known);
        ck_assert_msg(d.ppb == row[i].ppb && d.error_ppb == row[i].error_ppb, "row %zu: %lld within %llu", i,
                      (long long)d.ppb, (unsigned long long)d.error_ppb);
        ck_assert_uint_eq(d.span_ms, row[i].ns / 1000000);
    }
}
END_TEST

START_TEST(test_drift_unknown)
{
    char text[160];
    const struct clock_moment a = {.ticks = 10, .ns = 10}, b = {.ticks = 20, .ns = 20};
    ck_assert(!clock_cal.tsc);
    struct clock_drift d = clock_drift_between(&a, &b);
    ck_assert(!d.known);
    ck_assert_ptr_nonnull(strstr(clock_drift_describe(&d, text, sizeof text), "system clock"));
    ck_assert_uint_eq(clock_spread().cpus, 0);
    one_tick_a_ns();
    d = clock_drift_between(&b, &b);
    ck_assert(!d.known);
    ck_assert_ptr_nonnull(strstr(clock_drift_describe(&d, text, sizeof text), "no time"));
    d = clock_drift_between(&a, &b);
    ck_assert(d.known);
}
END_TEST

START_TEST(test_drift_of_this_clock)
{
    char text[160];
    clock_init();
    struct clock_moment a = clock_drift_begin();
    pause_ms(30);
    struct clock_drift d = clock_drift_end(&a);
    printf("# %s\n", clock_drift_describe(&d, text, sizeof text));
    ck_assert_int_eq(d.known, clock_cal.tsc);
    int64_t slack = (int64_t)d.error_ppb + 1000000; // 1000 ppm: as above
    ck_assert(d.ppb <= slack && d.ppb >= -slack);
    ck_assert_ptr_nonnull(strstr(text, d.known ? "ppb" : "not compared"));
}
END_TEST

START_TEST(test_spread_leaves_the_thread_where_it_was)
{
    cpu_set_t before, after;
    clock_init();
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    struct clock_spread x = clock_spread();
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    printf("# %u CPUs, %llu ns apart (within %llu)\n", x.cpus, (unsigned long long)x.ns,
           (unsigned long long)x.error_ns);
    ck_assert(CPU_EQUAL(&before, &after));
    ck_assert_uint_eq(x.cpus, clock_cal.tsc ? (unsigned)CPU_COUNT(&before) : 0);
    ck_assert_int_eq(x.error_ns > 0, x.cpus > 0);
}
END_TEST

START_TEST(test_spread_in_words)
{
    char text[160];
    struct clock_spread x = {.cpus = 0};
    ck_assert_ptr_nonnull(strstr(clock_spread_describe(&x, text, sizeof text), "not compared"));
    x = (struct clock_spread){.cpus = 3, .ns = 40, .error_ns = 40};
    ck_assert_ptr_nonnull(
        strstr(clock_spread_describe(&x, text, sizeof text), "3 CPUs agree (within 40 ns)"));
    x.ns = 41;
    ck_assert_ptr_nonnull(strstr(clock_spread_describe(&x, text, sizeof text), "3 CPUs differ by 41 ns"));
}
END_TEST

START_TEST(test_what_a_reading_costs)
{
    enum { READINGS = 100000 };
    clock_init();
    double ns = clock_read_ns();
    uint64_t from = clock_ticks(), last = from;
    for (int i = 0; i < READINGS; i++)
        last = clock_ticks();
    double mean = (double)clock_ns(last - from) / READINGS;
    printf("# a reading costs %.1f ns (mean of many: %.1f)\n", ns, mean);
    // The least is at most what any others take, as far as the core's own speed stays what it is.
    ck_assert(ns > 0 && ns < 4 * mean);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");
    tcase_add_test(t, test_before_init_is_the_system_clock);
    tcase_add_test(t, test_describes_itself);
    tcase_add_test(t, test_monotonic);
    tcase_add_test(t, test_agrees_with_system_clock);
    tcase_add_test(t, test_conversion);
    tcase_add_test(t, test_drift_by_hand);
    tcase_add_test(t, test_drift_unknown);
    tcase_add_test(t, test_drift_of_this_clock);
    tcase_add_test(t, test_spread_leaves_the_thread_where_it_was);
    tcase_add_test(t, test_spread_in_words);
    tcase_add_test(t, test_what_a_reading_costs);
    suite_add_tcase(s, t);
    return run_suite(s);
}
