// SPDX-License-Identifier: Apache-2.0
// What an account's order would bring, roughly: by hand, at the ends of its ranges.
#include "exec/estimate.h"

#include <check.h>
#include <string.h>

#include "accounts/rules/rule.h"
#include "run_suite.h"

enum { LINEAR, INVERSE, ETH, USD, NONE, COINS = 3 };
#define RAY ((u128)1000000000 * 1000000000 * 1000000000)

static struct market m;
static struct account a;
static int64_t px[MARKET_ASSETS_MAX];
static const struct kick_terms at_once; // no auctions

static void setup(void)
{
    memset(&m, 0, sizeof m);
    memset(&a, 0, sizeof a);
    m.n_assets = COINS;
    m.n_instruments = NONE;
    for (unsigned i = 0; i < COINS; i++)
        m.asset[i].decimals = 8;
    m.instrument[LINEAR] =
        (struct instrument){.kind = INST_LINEAR, .asset = 0, .size_decimals = 3, .penalty_ppm = 5000};
    m.instrument[INVERSE] =
        (struct instrument){.kind = INST_INVERSE, .asset = 0, .size_decimals = 0, .penalty_ppm = 10000};
    m.instrument[ETH] = (struct instrument){.kind = INST_RESERVE,
                                            .asset = 1,
                                            .size_decimals = 18,
                                            .lb_bps = 10500,
                                            .emode_lb_bps = 10100,
                                            .emode = 1,
                                            .liquidity_index = RAY,
                                            .borrow_index = RAY};
    m.instrument[USD] = m.instrument[ETH];
    m.instrument[USD].asset = 2;
    m.instrument[USD].size_decimals = 6;
    m.instrument[USD].lb_bps = 10300;
    px[0] = 2000 * INT64_C(100000000);
    px[1] = 3000 * INT64_C(100000000);
    px[2] = INT64_C(100000000);
}
static void teardown(void) {}

START_TEST(test_perpetual)
{
    a.rule = &rule_perp_linear_1;
    a.n_positions = 1;
    a.position[0] = (struct position){.instrument = LINEAR, .size = -1500}; // 1.5 coins of 2000
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 15 * INT64_C(100000000));
    a.position[0].size = 1500;
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 15 * INT64_C(100000000));
    a.n_positions = 2;
    a.position[1] = (struct position){.instrument = INVERSE, .size = 700}; // of 700 in the quote
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 22 * INT64_C(100000000));
    px[0] = 0; // neither has a price
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 0);
}
END_TEST

START_TEST(test_without_a_penalty)
{
    a.rule = &rule_hyperliquid_1;
    a.n_positions = 1;
    a.position[0] = (struct position){.instrument = LINEAR, .size = -1500}; // 3000
    m.instrument[LINEAR].penalty_ppm = 0;
    m.instrument[LINEAR].fee_ppm = 500;
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 150000000);
    m.instrument[LINEAR].fee_ppm = 0;
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 300000);
    a.position[0].size = 3000;
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 600000);
}
END_TEST

START_TEST(test_saturates)
{
    a.rule = &rule_perp_linear_1;
    a.n_positions = 1;
    a.position[0] = (struct position){.instrument = LINEAR, .size = (i128)1 << 100};
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), INT64_MAX);
    a.position[0].size = -a.position[0].size;
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), INT64_MAX);
    a.position[0].size = 1;
    px[0] = 1; // 10^-11 of a unit
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 0);
}
END_TEST

static void borrow(i128 eth, i128 usd_supply, i128 usd_debt)
{
    a.rule = &rule_aave_3_5;
    a.n_positions = 2;
    a.position[0] = (struct position){.instrument = ETH, .collateral = true, .supply = eth};
    a.position[1] = (struct position){
        .instrument = USD, .collateral = usd_supply > 0, .supply = usd_supply, .debt = usd_debt};
}

START_TEST(test_lending)
{
    const i128 coin = (i128)1000000000 * 1000000000;
    borrow(coin, 0, 1000000000); // one of 3000 against 1000: 5 % of 1000
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 50 * INT64_C(100000000));
    borrow(coin / 10, 0, 1000000000); // collateral of 300 is all there is
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 15 * INT64_C(100000000));
    a.emode = 1;
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 3 * INT64_C(100000000));
    a.emode = 2; // another one
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 15 * INT64_C(100000000));
    a.position[0].collateral = false;
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 0);
    borrow(coin, 0, 0);
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 0);
    borrow(coin, 0, 1000000000);
    px[1] = 0;
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 0);
    px[1] = 3000 * INT64_C(100000000);
    m.instrument[ETH].lb_bps = 10000; // no bonus
    ck_assert_int_eq(estimate_reward_e8(&m, &a, px, &at_once), 0);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("estimate");
    TCase *tc = tcase_create("estimate");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_perpetual);
    tcase_add_test(tc, test_without_a_penalty);
    tcase_add_test(tc, test_saturates);
    tcase_add_test(tc, test_lending);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
