// SPDX-License-Identifier: Apache-2.0
// Stages of a liquidation and how much to close: the documented courses, step by step.
#include <check.h>

#include "econ/policy.h"
#include "econ/staged.h"
#include "run_suite.h"

#define USD INT64_C(1000000)
#define SEC UINT64_C(1000000000)

static struct staged_out step(struct staged_state *s, const struct staged_rule *r, int64_t value,
                              int64_t need, uint64_t now)
{
    struct staged_view v = staged_view_of(value * USD, need * USD, 200000 * USD, 0);
    struct staged_out out;
    staged_step(s, r, &v, now, &out);
    return out;
}

// Hyperliquid: a fifth, half a minute, the rest; the backstop below two thirds at any time.
START_TEST(test_fifth_then_rest)
{
    struct staged_state s = {0};
    struct staged_rule after = staged_hyperliquid; // the other reading than the announced one
    const struct staged_rule *r = &after;
    ck_assert(after.rest == REST_WITHIN);
    after.rest = REST_AFTER;
    ck_assert(!step(&s, r, 5000, 5000, 1).changed); // at maintenance: not below it
    struct staged_out o = step(&s, r, 4999, 5000, 2 * SEC);
    ck_assert(o.order && o.to == STAGED_PARTIAL && o.size == (i128)40000 * USD);
    ck_assert(!step(&s, r, 4900, 5000, 32 * SEC - 1).changed);
    o = step(&s, r, 4900, 5000, 32 * SEC);
    ck_assert(o.order && o.to == STAGED_FULL && o.size == (i128)200000 * USD);
    ck_assert(!step(&s, r, 4800, 5000, 40 * SEC).changed); // asked for once
    o = step(&s, r, 3333, 5000, 41 * SEC);
    ck_assert(o.order && o.to == STAGED_BACKSTOP);
    ck_assert(!step(&s, r, 4999, 5000, 42 * SEC).changed); // taken over: not back to the book
    o = step(&s, r, -1, 5000, 43 * SEC);
    ck_assert(o.order && o.to == STAGED_BANKRUPT);
    ck_assert_uint_eq(s.orders, 4);
}
END_TEST

START_TEST(test_backstop_within_the_cooldown)
{
    struct staged_state s = {0};
    ck_assert(step(&s, &staged_hyperliquid, 4000, 6000, SEC).to == STAGED_PARTIAL); // two thirds: not below
    ck_assert(step(&s, &staged_hyperliquid, 3999, 6000, 2 * SEC).to == STAGED_BACKSTOP);
}
END_TEST

START_TEST(test_cooldown_outlives_a_recovery)
{
    struct staged_rule r = staged_hyperliquid;
    struct staged_state s = {0};
    r.rest = REST_AFTER;
    ck_assert(step(&s, &r, 4999, 5000, SEC).order);
    ck_assert(step(&s, &r, 5000, 5000, 2 * SEC).to == STAGED_HEALTHY);
    struct staged_out o = step(&s, &r, 4999, 5000, 3 * SEC);
    ck_assert(o.to == STAGED_PARTIAL && !o.order); // waits
    ck_assert(step(&s, &r, 4999, 5000, 31 * SEC).to == STAGED_FULL);
    r.rest = REST_WITHIN;
    s = (struct staged_state){0};
    ck_assert(step(&s, &r, 4999, 5000, SEC).order);
    ck_assert(!step(&s, &r, 4999, 5000, SEC).changed);
    o = step(&s, &r, 4999, 5000, SEC + 1);
    ck_assert(o.order && o.to == STAGED_FULL);
}
END_TEST

// Mango and Drift: it ends higher than it began.
START_TEST(test_hysteresis_and_warning)
{
    const struct staged_rule r = {.warn_ppm = 1100000, .clear_ppm = 1200000};
    struct staged_state s = {0};
    struct staged_out o;
    ck_assert(step(&s, &r, 1100, 1000, 1).to == STAGED_HEALTHY);
    ck_assert(step(&s, &r, 1099, 1000, 2).to == STAGED_WARNED);
    ck_assert(!step(&s, &r, 1199, 1000, 3).changed);
    ck_assert(step(&s, &r, 1200, 1000, 4).to == STAGED_HEALTHY);
    struct staged_view v = staged_view_of(999, 1000, 5000, 20000); // 2 % of the notional: 1100
    ck_assert(v.end_need == 1100);
    staged_step(&s, &r, &v, 5, &o);
    ck_assert(o.order && o.to == STAGED_FULL);
    v.value = v.end_value = 1099;
    staged_step(&s, &r, &v, 6, &o);
    ck_assert(!o.changed);
    v.value = v.end_value = 1100;
    staged_step(&s, &r, &v, 7, &o);
    ck_assert(o.to == STAGED_HEALTHY);
    v.open = false;
    staged_step(&s, &r, &v, 8, &o);
    ck_assert(o.to == STAGED_CLOSED && !o.order);
}
END_TEST

START_TEST(test_policies)
{
    ck_assert(policy_part(11, 200000) == 3 && policy_part(7, 1000000) == 7);
    // Drift, math/liquidation/tests.rs: 49 dollars are freed at once
    ck_assert(policy_ramp_pct(&(struct policy_ramp){49 * USD, 0, 1, 10, 1000}) == 10000);
    ck_assert(policy_ramp_pct(&(struct policy_ramp){100 * USD, 0, 1, 10, 1000}) == 2000);
    ck_assert(policy_ramp_pct(&(struct policy_ramp){80 * USD, 20 * USD, 1, 10, 1000}) == 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("econ_staged");
    TCase *t = tcase_create("staged");
    tcase_add_test(t, test_fifth_then_rest);
    tcase_add_test(t, test_backstop_within_the_cooldown);
    tcase_add_test(t, test_cooldown_outlives_a_recovery);
    tcase_add_test(t, test_hysteresis_and_warning);
    tcase_add_test(t, test_policies);
    suite_add_tcase(s, t);
    return run_suite(s);
}
