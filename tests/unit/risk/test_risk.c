// SPDX-License-Identifier: Apache-2.0
// Volatility, thresholds, Aloe's average: hand-made cases at the ends of the ranges (tests/diff/vol_diff.py
// judges the rest).
#include <check.h>

#include "risk/dynamic.h"
#include "risk/scaled.h"
#include "risk/vol.h"
#include "run_suite.h"

START_TEST(test_logarithms)
{
    ck_assert_int_eq(vol_ln(1), 0);
    ck_assert_int_eq(vol_ln(2), INT64_C(195103586505167)); // floor(ln 2 * 2^48)
    ck_assert_int_lt(vol_ln(UINT64_MAX >> 1), INT64_C(1) << 54);
    ck_assert_int_eq(vol_return(100, 100), 0);
    ck_assert_int_eq(vol_return(3, 7) + vol_return(7, 1000), vol_return(3, 1000));
    ck_assert_int_eq(vol_return(7, 3), -vol_return(3, 7));
    ck_assert(vol_exp_neg(0) == (u128)1 << 64);
    ck_assert(vol_exp_neg(UINT64_MAX) == 0);
}
END_TEST

START_TEST(test_extremes_stay_inside)
{
    int64_t most = vol_return(1, UINT64_MAX >> 1);
    u128 v = vol_ewma_step_dt(VOL_VAR_MAX, most, 1, 1, VOL_MS_MAX);
    ck_assert(v <= VOL_VAR_MAX);
    ck_assert(vol_ewma_step(~(u128)0, most, 999999) <= VOL_VAR_MAX);
    ck_assert(vol_sigma_ppm(~(u128)0, 1, VOL_MS_MAX) < UINT64_C(1) << 57);
    static struct vol_sample sample[2];
    struct vol_window w = {.sample = sample, .room = 2, .window_ms = 10};
    ck_assert(vol_window_var(&w, 1) == 0);
    for (int i = 0; i < 5; i++)
        vol_window_add(&w, i % 2 ? most : -most, VOL_MS_MAX);
    ck_assert_uint_eq(w.n, 1);
    ck_assert(w.squares == (u128)((i128)most * most));
}
END_TEST

START_TEST(test_prices_of_no_use)
{
    struct vol_ewma v = {.lambda_ppm = VOL_LAMBDA_PPM, .period_ms = 1000};
    ck_assert(!vol_ewma_price(&v, 0, 5));
    ck_assert(!vol_ewma_price(&v, 100, 1000)); // the first has no return
    ck_assert(!vol_ewma_price(&v, 200, 1000)); // the first of a millisecond counts
    ck_assert(!vol_ewma_price(&v, 200, 999));
    ck_assert(vol_ewma_price(&v, 101, 2000));
    ck_assert(v.var == vol_square(vol_return(100, 101))); // the first return is the variance
}
END_TEST

START_TEST(test_threshold)
{
    const struct dynamic_rule r = {8000, 5000, 8500, 500000, 2000, 10, 1000}; // 1 bps a second
    struct dynamic_state s;
    dynamic_start(&s, 8000, 100);
    ck_assert(!dynamic_step_to(&r, &s, dynamic_target(&r, 504999), 101)); // 10 lower: within the dead band
    ck_assert(dynamic_step_to(&r, &s, dynamic_target(&r, 1000000), 200));
    ck_assert_uint_eq(s.from_bps, 8000);
    ck_assert_uint_eq(s.to_bps, 7000);
    ck_assert_uint_eq(s.end, 1200);
    ck_assert_uint_eq(dynamic_at(&s, 700), 7500);
    ck_assert(
        dynamic_step_to(&r, &s, dynamic_target(&r, 500000), 700)); // back: the ramp stops, it does not jump
    ck_assert_uint_eq(dynamic_at(&s, 700), 7500);
    ck_assert_uint_eq(dynamic_at(&s, 5000), 7500);
    ck_assert(!dynamic_step_to(&r, &s, dynamic_target(&r, 500000), 705)); // 5 only
    ck_assert(dynamic_step_to(&r, &s, dynamic_target(&r, 500000), 720));
    ck_assert_uint_eq(dynamic_at(&s, 720), 7520);
    ck_assert_uint_eq(dynamic_target(&r, UINT64_MAX), 5000);
    ck_assert_uint_eq(dynamic_target(&r, 0), 8500);
}
END_TEST

// A ramp rounds down: told anew each second it may not fall by 1 bps each time.
START_TEST(test_many_ramps_keep_the_rate)
{
    const struct dynamic_rule r = {8000, 1000, 8000, 0, 1000000, 0, 1}; // 1/1000 bps a second
    struct dynamic_state s;
    dynamic_start(&s, 8000, 0);
    for (uint64_t t = 1; t <= 2000; t++)
        (void)dynamic_step_to(&r, &s, dynamic_target(&r, 1 + t % 2), t);
    ck_assert_uint_ge(dynamic_at(&s, 2000), 7997);
}
END_TEST

START_TEST(test_aloe)
{
    struct aloe_iv v = {.at = 0, .before = ALOE_IV_COLD_START, .now = ALOE_IV_COLD_START};
    ck_assert(!aloe_update(&v, u256_from_u64(0), ALOE_AVERAGE_WINDOW, ALOE_SAMPLE_PERIOD - 1));
    ck_assert(aloe_update(&v, u256_from_u64(0), ALOE_AVERAGE_WINDOW, ALOE_SAMPLE_PERIOD));
    ck_assert(v.now == ALOE_IV_COLD_START - ALOE_IV_COLD_START / 100); // a hundredth of the way down
    ck_assert(aloe_at(&v, ALOE_SAMPLE_PERIOD) == ALOE_IV_COLD_START);
    ck_assert(aloe_update(&v, u256_shl(u256_from_u64(1), 100), ALOE_AVERAGE_WINDOW, 2 * ALOE_SAMPLE_PERIOD));
    ck_assert(v.now == v.before + ALOE_IV_CHANGE);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("risk");
    TCase *t = tcase_create("risk");
    tcase_add_test(t, test_logarithms);
    tcase_add_test(t, test_extremes_stay_inside);
    tcase_add_test(t, test_prices_of_no_use);
    tcase_add_test(t, test_threshold);
    tcase_add_test(t, test_many_ramps_keep_the_rate);
    tcase_add_test(t, test_aloe);
    suite_add_tcase(s, t);
    return run_suite(s);
}
