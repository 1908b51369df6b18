// SPDX-License-Identifier: Apache-2.0
// Scores by hand: Brier and its parts, log loss, a base rate known beforehand, intervals.
#include "lab/score.h"

#include <check.h>
#include <math.h>

#include "run_suite.h"

static struct lab_score s;

START_TEST(test_scores)
{
    const struct lab_case c[] = {{0.8, true}, {0.8, true}, {0.8, false}, {0.0, false}, {1.0, true}};
    lab_score(c, 5, &s);
    ck_assert_uint_eq(s.n, 5);
    ck_assert_uint_eq(s.happened, 3);
    ck_assert_double_eq_tol(s.brier, (0.04 + 0.04 + 0.64) / 5, 1e-12);
    ck_assert_double_eq_tol(s.brier_base, 0.24, 1e-12);
    ck_assert_double_eq_tol(s.skill, 1 - 0.144 / 0.24, 1e-12);
    ck_assert_double_eq_tol(s.log_loss, -(2 * log(0.8) + log(0.2)) / 5, 1e-12);
    ck_assert_double_eq_tol(s.reliability, 3.0 / 5 * (0.8 - 2.0 / 3) * (0.8 - 2.0 / 3) + 0, 1e-2);
    ck_assert_uint_eq(s.bin[0].n, 1);
    ck_assert_uint_eq(s.bin[10].n, 3);
    ck_assert_uint_eq(s.bin[11].n, 1); // 1 is in the last
    ck_assert_double_eq_tol(s.bin[10].mean_p, 0.8, 1e-12);
    ck_assert_double_eq_tol(s.bin[10].rate, 2.0 / 3, 1e-12);
    ck_assert_double_eq_tol(s.bin[10].error, sqrt(2.0 / 9 / 3), 1e-12);
}
END_TEST

// Told one chance a bin, Murphy's parts make the score exactly.
START_TEST(test_parts)
{
    static struct lab_case c[1000];
    for (unsigned i = 0; i < 1000; i++)
        c[i] = (struct lab_case){i % 2 ? 0.25 : 0.65, i % 7 < 3};
    lab_score(c, 1000, &s);
    ck_assert_double_eq_tol(s.brier, s.reliability - s.resolution + s.brier_base, 1e-12);
    ck_assert_double_eq_tol(lab_constant_brier(&s, s.rate), s.brier_base, 1e-12);
    ck_assert_double_gt(lab_constant_brier(&s, s.rate + 0.1), s.brier_base);
    ck_assert_double_eq_tol(lab_constant_brier(&s, 0), s.rate, 1e-12);
    ck_assert_double_eq_tol(lab_constant_loss(&s, s.rate), s.log_loss_base, 1e-12);
    ck_assert_double_eq_tol(lab_constant_loss(&s, 0), -s.rate * log(1e-6), 1e-4);
}
END_TEST

START_TEST(test_nothing)
{
    lab_score(NULL, 0, &s);
    ck_assert_uint_eq(s.n, 0);
    ck_assert_double_eq(s.skill, 0);
    ck_assert_double_eq(lab_constant_brier(&s, 0.5), 0);
    const struct lab_case c[] = {{0.0, true}};
    lab_score(c, 1, &s); // nothing to gain against a certainty; the loss is held
    ck_assert_double_eq(s.skill, 0);
    ck_assert_double_eq_tol(s.log_loss, -log(1e-6), 1e-9);
}
END_TEST

START_TEST(test_share)
{
    struct lab_interval i = lab_share(50, 100); // Wilson 1927
    ck_assert_double_eq_tol(i.low, 0.40383, 1e-5);
    ck_assert_double_eq_tol(i.high, 0.59617, 1e-5);
    i = lab_share(0, 10);
    ck_assert_double_eq(i.low, 0);
    ck_assert_double_eq_tol(i.high, 0.27754, 1e-5);
    i = lab_share(10, 10);
    ck_assert_double_eq_tol(i.low, 0.72246, 1e-5);
    ck_assert_double_eq(i.high, 1);
    i = lab_share(0, 0);
    ck_assert_double_eq(i.high - i.low, 1);
}
END_TEST

START_TEST(test_difference)
{
    double d;
    const struct lab_paired same[] = {{{100, 100}, {40, 50}}, {{100, 100}, {40, 50}}, {{100, 100}, {40, 50}}};
    struct lab_interval i = lab_paired_difference(same, 3, 1, &d);
    ck_assert_double_eq_tol(d, 0.1, 1e-12); // days alike: nothing to doubt
    ck_assert_double_eq_tol(i.low, 0.1, 1e-12);
    ck_assert_double_eq_tol(i.high, 0.1, 1e-12);
    const struct lab_paired mixed[] = {{{100, 100}, {40, 90}}, {{100, 100}, {50, 10}}};
    i = lab_paired_difference(mixed, 2, 1, &d);
    ck_assert_double_eq_tol(d, 0.05, 1e-12);
    ck_assert_double_eq_tol(i.low, -0.4, 1e-12); // one day twice is a draw in four
    ck_assert_double_eq_tol(i.high, 0.5, 1e-12);
    const struct lab_paired three[] = {{{9, 9}, {4, 5}}, {{9, 9}, {1, 2}}, {{90, 90}, {40, 42}}};
    struct lab_interval a = lab_paired_difference(three, 3, 7, &d),
                        b = lab_paired_difference(three, 3, 7, &d);
    ck_assert_double_eq(a.low, b.low);
    ck_assert_double_eq(a.high, b.high);
    i = lab_paired_difference(three, 0, 7, &d);
    ck_assert_double_eq(i.high, 0);
    ck_assert_double_eq(d, 0);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("score");
    TCase *tc = tcase_create("score");
    tcase_add_test(tc, test_scores);
    tcase_add_test(tc, test_parts);
    tcase_add_test(tc, test_nothing);
    tcase_add_test(tc, test_share);
    tcase_add_test(tc, test_difference);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
