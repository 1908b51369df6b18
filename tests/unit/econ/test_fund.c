// SPDX-License-Identifier: Apache-2.0
// Insurance fund, bankruptcy price, spreading: hand-made cases and the protocols' published numbers.
#include <check.h>

#include "econ/bankruptcy.h"
#include "econ/socialise.h"
#include "run_suite.h"

static bool same(i128 a, i128 b)
{
    return a == b;
}

START_TEST(test_fund_floor_quota_whole)
{
    struct fund f = {.balance = 100, .floor = 1, .quota = FUND_NO_QUOTA};
    ck_assert(same(fund_room(&f), 99));
    ck_assert(same(fund_draw(&f, 40), 40));
    ck_assert(same(fund_draw(&f, 100), 59)); // Drift: all but one unit
    ck_assert(same(f.balance, 1));
    ck_assert(same(fund_draw(&f, 1), 0));
    ck_assert(same(fund_draw(&f, -5), 0));
    ck_assert(same(fund_withdraw(&f, 1), 0));
    fund_add(&f, 10);
    ck_assert(same(fund_withdraw(&f, 100), 10));

    struct fund limited = {.balance = 100, .quota = 30};
    ck_assert(same(fund_draw(&limited, 20), 20));
    ck_assert(same(fund_draw(&limited, 20), 10));
    ck_assert(same(fund_withdraw(&limited, 20), 20)); // the quota is no limit to the owners
    ck_assert(same(limited.quota, 0));

    struct fund whole = {.balance = 100, .quota = FUND_NO_QUOTA, .whole = true};
    ck_assert(same(fund_draw(&whole, 101), 0)); // dYdX: all of it or nothing
    ck_assert(same(fund_draw(&whole, 100), 100));
    ck_assert(same(whole.balance, 0));

    struct fund below = {.balance = 5, .floor = 9, .quota = FUND_NO_QUOTA};
    ck_assert(same(fund_room(&below), 0));
    ck_assert(same(fund_withdraw(&below, 3), 0));
}
END_TEST

// dYdX v4, x/clob/keeper/liquidations_test.go: BTC at 50,000, 10 % maintenance, quote quantums of 1e-6, base
// quantums of 1e-8: 500 quote a base quantum.
START_TEST(test_bankruptcy_dydx)
{
    static const struct {
        int64_t cash, size, delta, want;
    } v[] = {
        {-4501000000, 10000000, -10000000, 4501000000}, {5499000000, -10000000, 10000000, -5499000000},
        {-5000000000, 10000000, -10000000, 5000000000}, {-5000000000, 10000000, -5000000, 2500000000},
        {-13000000, 100000000, -21347, 2776},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        struct margin a = {.cash = v[i].cash, .size = v[i].size};
        ck_assert(same(bankruptcy_of(&a, v[i].delta, 500, 1, 100000), v[i].want));
    }
    // Two positions, 0.004 BTC and 0.1 ETH: 10 left of a requirement of 50, of which ETH is 30.
    i128 q;
    ck_assert(bankruptcy_quote(-300000000, 10000000, 30000000, 50000000, &q) && same(q, 294000000));
    ck_assert(bankruptcy_quote(300000000, 10000000, 30000000, 50000000, &q) && same(q, -306000000));
    ck_assert(!bankruptcy_quote(-5, 5, 0, 0, &q));
    ck_assert(!bankruptcy_quote(-5, 5, 3, 2, &q));
    ck_assert(!bankruptcy_quote(-5, 5, -1, 2, &q));
}
END_TEST

START_TEST(test_insurance_delta)
{
    ck_assert(same(insurance_delta(12500000000, 0, 5000), 62500000)); // 0.5 % of the fill
    ck_assert(same(insurance_delta(1000, 997, 5000), 3));
    ck_assert(same(insurance_delta(-1000, -1010, 5000), 5));
    ck_assert(same(insurance_delta(1000, 1010, 5000), -10));
    ck_assert(same(insurance_delta(1000, 1000, 5000), 0));
}
END_TEST

START_TEST(test_socialise)
{
    i128 rate, share[3];
    const i128 weight[3] = {1, 0, 2}, none[3] = {0, 0, 0};
    ck_assert(socialise_rate(100000000, 11000000000, &rate)); // Drift, math/liquidation/tests.rs
    ck_assert(same(rate, 9090910000));
    ck_assert(same(socialise_rate_pay(rate, -7000000000), 63636370));
    ck_assert(!socialise_rate(1, 0, &rate));
    ck_assert(same(socialise_drift_index(10000000000, 11000000, 120000000, false), 916666667));
    ck_assert(same(socialise_drift_index(10000000000, 100000001, 100000000, true), 9999999999));
    ck_assert(same(socialise_drift_index(10000000000, 1, 0, true), 0));
    ck_assert(socialise_exact(10, weight, 3, share));
    ck_assert(same(share[0], 4) && same(share[1], 0) && same(share[2], 6));
    ck_assert(!socialise_exact(10, none, 3, share));
    ck_assert(socialise_mango_index((i128)2 << 48, 1, 2, &rate));
    ck_assert(same(rate, ((i128)2 << 48) - ((i128)1 << 47)));
    ck_assert(!socialise_mango_index(1, 1, 0, &rate));
}
END_TEST

START_TEST(test_pool)
{
    struct lend_pool p = {.cash = 100, .borrowed = 50, .supplied = 150};
    struct fund f = {.balance = 8, .floor = 1, .quota = FUND_NO_QUOTA};
    struct pool_result r = pool_bad_debt(&p, &f, 10, POOL_DEFICIT);
    ck_assert(same(r.from_fund, 7) && same(r.booked, 3) && same(r.from_suppliers, 0));
    ck_assert(same(p.cash, 107) && same(p.borrowed, 40) && same(p.supplied, 150) && same(p.deficit, 3));
    r = pool_bad_debt(&p, NULL, 20, POOL_SUPPLIERS);
    ck_assert(same(r.from_suppliers, 20) && same(p.supplied, 130) && same(p.borrowed, 20));
    ck_assert(same(pool_cover(&p, 2), 2));
    ck_assert(same(pool_cover(&p, 9), 1));
    ck_assert(same(p.cash + p.borrowed + p.deficit, p.supplied));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("econ_fund");
    TCase *t = tcase_create("fund");
    tcase_add_test(t, test_fund_floor_quota_whole);
    tcase_add_test(t, test_bankruptcy_dydx);
    tcase_add_test(t, test_insurance_delta);
    tcase_add_test(t, test_socialise);
    tcase_add_test(t, test_pool);
    suite_add_tcase(s, t);
    return run_suite(s);
}
