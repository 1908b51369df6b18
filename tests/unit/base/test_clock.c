// SPDX-License-Identifier: Apache-2.0
// Clock: monotonic, describes itself, and agrees with the system clock over the same stretch. Both clocks
// read the same stretch, so its length (which a busy machine changes at will) does not matter.
#include <check.h>
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

int main(void)
{
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");
    tcase_add_test(t, test_before_init_is_the_system_clock);
    tcase_add_test(t, test_describes_itself);
    tcase_add_test(t, test_monotonic);
    tcase_add_test(t, test_agrees_with_system_clock);
    tcase_add_test(t, test_conversion);
    suite_add_tcase(s, t);
    return run_suite(s);
}
