// SPDX-License-Identifier: Apache-2.0
// Fits find what made the cases: cases are drawn with known chances, the model of least loss tells them
// nearly as well as who drew them; what was held out chooses the depth; the same cases give the same model.
#include "lab/fit.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "run_suite.h"

enum { CASES = 6000, DAYS = 8 };
static const uint64_t HORIZON = UINT64_C(10000000000);
static struct fit_case c[CASES];

static int64_t sigmas(double x)
{
    return (int64_t)(x * 16777216);
}

// Cases that happen as often as `truth` says.
static void draw(const struct fit_model *truth, uint64_t seed)
{
    struct prng r;
    prng_seed(&r, seed);
    for (size_t i = 0; i < CASES; i++) {
        const double d = exp(prng_unit(&r) * 3.5 - 1.5), regime = exp(prng_unit(&r) - 0.5);
        struct outlook_look *l = &c[i].look;
        *l = (struct outlook_look){.side = prng_below(&r, 2) ? 1 : -1};
        l->distance[OUTLOOK_FAST] = sigmas(d * regime);
        l->distance[OUTLOOK_MIDDLE] = sigmas(d);
        l->distance[OUTLOOK_LONG] = sigmas(d / regime);
        l->drift = sigmas(prng_unit(&r) * 4 - 2);
        l->reach_ppm = (uint32_t)(prng_unit(&r) * 50000);
        c[i].day = (uint32_t)(i * DAYS / CASES);
        c[i].happened = prng_unit(&r) < fit_chance(truth, &c[i], HORIZON);
    }
}

static double true_loss(const struct fit_model *truth)
{
    return fit_loss(truth, c, CASES, 1, HORIZON);
}

static void finds(const struct fit_model *truth, enum fit_depth depth)
{
    draw(truth, 11);
    struct fit_model got = fit_cases(c, CASES, CASES, HORIZON, depth);
    const struct fit_model none = fit_none();
    const double best = true_loss(truth), before = true_loss(&none);
    ck_assert_double_lt(true_loss(&got), best + 0.003); // nearly as good, or better by chance
    ck_assert_double_gt(before - best, 0.02);
    draw(truth, 12); // cases that it has not seen
    ck_assert_double_lt(true_loss(&got), true_loss(truth) + 0.01);
    ck_assert_double_lt(true_loss(&got), true_loss(&none) - 0.01);
}

START_TEST(test_tails)
{
    struct fit_model t = fit_none();
    t.tail = (struct breach_tail_fit){1500000, 50000, 5000000};
    finds(&t, FIT_TAILS);
}
END_TEST

START_TEST(test_mixed)
{
    struct fit_model t = fit_none();
    t.outlook.drift_ppm = 1000000;
    t.outlook.long_ppm = 500000;
    finds(&t, FIT_MIXED);
    struct fit_model got = fit_cases(c, CASES, CASES, HORIZON, FIT_MIXED);
    ck_assert_uint_ge(got.outlook.drift_ppm, 750000);
}
END_TEST

START_TEST(test_jumps)
{
    struct fit_model t = fit_none();
    t.outlook.falls_e3 = 1500000; // 0.17 in ten seconds, only falls
    t.outlook.jump_ppm = 90000;
    finds(&t, FIT_JUMPS);
    struct fit_model got = fit_cases(c, CASES, CASES, HORIZON, FIT_JUMPS);
    ck_assert_uint_gt(got.outlook.falls_e3, 8 * got.outlook.rises_e3);
    ck_assert(got.outlook.falls_e3 > 1000000 && got.outlook.falls_e3 < 2200000);
}
END_TEST

START_TEST(test_calibrated)
{
    struct fit_model t = fit_none();
    t.outlook.const_e6 = -700000;
    t.outlook.odds_e6 = 500000;
    t.outlook.burst_e6 = 1500000;
    t.outlook.trend_e6 = -400000;
    finds(&t, FIT_CALIBRATED);
    struct fit_model got = fit_cases(c, CASES, CASES, HORIZON, FIT_CALIBRATED);
    ck_assert_int_le(got.outlook.far_e6, 0); // never the wrong way
    ck_assert_int_ge(got.outlook.odds_e6, 0);
}
END_TEST

// Nothing to find: no depth is much better held out, and none does harm.
START_TEST(test_held_out)
{
    double loss[FIT_DEPTHS];
    struct fit_model t = fit_none();
    draw(&t, 21);
    ck_assert_int_eq(fit_cross(c, CASES, 3000, 4, HORIZON, loss), 0);
    for (int d = 0; d < FIT_DEPTHS; d++)
        ck_assert_double_eq_tol(loss[d], loss[FIT_NOTHING], 0.01);
    t.outlook.falls_e3 = 1500000;
    t.outlook.jump_ppm = 90000;
    draw(&t, 22);
    ck_assert_int_eq(fit_cross(c, CASES, 3000, 4, HORIZON, loss), 0);
    ck_assert_double_lt(loss[FIT_JUMPS], loss[FIT_MIXED] - 0.01);
    for (size_t i = 0; i < CASES; i++)
        c[i].day = 3; // one day alone cannot be held out
    ck_assert_int_eq(fit_cross(c, CASES, 3000, 4, HORIZON, loss), -1);
}
END_TEST

// Two days alike but for what happened, everything and nothing: whoever has seen only the other one is far
// off, whoever has seen both tells a half.
START_TEST(test_held_out_is_not_seen)
{
    double loss[FIT_DEPTHS];
    const struct fit_model none = fit_none();
    draw(&none, 31);
    for (size_t i = 0; i < CASES; i++) {
        c[i].look = c[i % (CASES / 2)].look;
        c[i].day = i >= CASES / 2;
        c[i].happened = i >= CASES / 2;
    }
    ck_assert_int_eq(fit_cross(c, CASES, CASES, 2, HORIZON, loss), 0);
    ck_assert_double_gt(loss[FIT_CALIBRATED], 3);
    const struct fit_model both = fit_cases(c, CASES, CASES, HORIZON, FIT_CALIBRATED);
    ck_assert_double_lt(fit_loss(&both, c, CASES, 1, HORIZON), 0.75);
}
END_TEST

START_TEST(test_nothing)
{
    const struct fit_model none = fit_none();
    struct fit_model m = fit_cases(c, 0, 10, HORIZON, FIT_CALIBRATED);
    ck_assert_int_eq(memcmp(&m, &none, sizeof m), 0);
    ck_assert_double_eq(fit_loss(&m, c, 0, 1, HORIZON), 0);
    for (int d = 0; d < FIT_DEPTHS; d++)
        ck_assert(fit_depth_name((enum fit_depth)d)[0] != 0);
    draw(&none, 41); // all of one kind: held within what the settings take
    for (size_t i = 0; i < CASES; i++)
        c[i].happened = false;
    m = fit_cases(c, CASES, 1000, HORIZON, FIT_CALIBRATED);
    ck_assert_double_lt(fit_loss(&m, c, CASES, 1, HORIZON), 0.05);
    ck_assert(m.outlook.const_e6 >= -20000000 && m.outlook.jump_ppm <= 1000000);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("fit");
    TCase *tc = tcase_create("fit");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_tails);
    tcase_add_test(tc, test_mixed);
    tcase_add_test(tc, test_jumps);
    tcase_add_test(tc, test_calibrated);
    tcase_add_test(tc, test_held_out);
    tcase_add_test(tc, test_held_out_is_not_seen);
    tcase_add_test(tc, test_nothing);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
