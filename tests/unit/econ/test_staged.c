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
    ck_assert_uint_eq(staged_due(&s, r), 32 * SEC);
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
    ck_assert(policy_aave_leaves_no_dust(0, 1) && !policy_aave_leaves_no_dust(99999999999, 100000000000));
    i128 first, second;
    // 100 of debt, 120 of collateral at 80 %: short of 4; a unit repaid mends 0.16 of it, and what the
    // seizure's floor leaves: 24 would leave 95 * 0.8 = 76 against 76
    ck_assert(policy_split_two(&(struct policy_split){120, 100, 8000, 500, 5000}, &first, &second));
    ck_assert(first == 23 && second == 38);
    ck_assert(!policy_split_two(&(struct policy_split){126, 100, 8000, 500, 5000}, &first, &second));
    ck_assert(!policy_split_two(&(struct policy_split){104, 100, 8000, 500, 5000}, &first, &second));
}
END_TEST

// A close factor of half, unless one side is under 2,000 dollars or health is at 0.95 or below; half of all
// the debt.
START_TEST(test_aave)
{
    const i128 wad = (i128)1000000000000000000, usd = 100000000;
    struct policy_aave x = {3000 * USD, 3000 * usd, 9000 * usd, 4000 * usd, usd, USD, wad * 96 / 100};
    ck_assert(policy_aave_most(&x) == 2000 * USD);
    x.health = wad * 95 / 100;
    ck_assert(policy_aave_most(&x) == x.debt);
    x.health = wad - 1;
    x.coll_value = 2000 * usd - 1;
    ck_assert(policy_aave_most(&x) == x.debt);
    // Aave V4: a debt of 10,000 at health 0.9, 80 % and 5 %: 1,000 / (1 - 0.84) to come to 1
    struct policy_target t = {.total_value = 10000 * usd * wad,
                              .health = wad * 9 / 10,
                              .target = wad,
                              .bonus = 10500,
                              .factor = 8000,
                              .price = usd,
                              .unit = USD,
                              .debt = 10000 * USD,
                              .asked = 10000 * USD};
    i128 pay;
    ck_assert(policy_target_repay(&t, &pay) && pay == 6250 * USD);
    t.debt = 7250 * USD - 1; // less than 1,000 would stay
    ck_assert(policy_target_repay(&t, &pay) && pay == t.debt);
    t.factor = 9600; // every unit repaid makes it worse
    ck_assert(!policy_target_repay(&t, &pay));
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
    tcase_add_test(t, test_aave);
    suite_add_tcase(s, t);
    return run_suite(s);
}
