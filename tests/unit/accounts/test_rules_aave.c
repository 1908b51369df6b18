// SPDX-License-Identifier: Apache-2.0
// aave-3.5 on cases computed by hand from the contract's formulas (docs/rules.md). The broad comparison with
// an independent judge is tests/diff/rules_diff.py.
#include "accounts/rules/rule.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

enum { WETH, USDC }; // assets and reserves

static struct market market;
static struct account account;
static int64_t px[MARKET_ASSETS_MAX];
static struct settlement flows;
static struct err error;

static const u128 RAY = (u128)1000000000 * 1000000000 * 1000000000;

static i128 ether(int64_t milli)
{
    return (i128)milli * 1000000000000000;
}

// 10 WETH of collateral at 2000 (threshold 83 %, bonus 5 %, protocol fee 10 % of it) against 16,600 USDC: S
// equals 1e4 D exactly.
static void setup(void)
{
    memset(&market, 0, sizeof market);
    memset(&account, 0, sizeof account);
    market.n_assets = market.n_instruments = 2;
    for (unsigned i = 0; i < 2; i++) {
        market.asset[i] = (struct asset){.kind = ASSET_INDEX, .decimals = 8};
        market.instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                                   .size_decimals = i == WETH ? 18 : 6,
                                                   .asset = (uint16_t)i,
                                                   .lt_bps = 8300,
                                                   .lb_bps = 10500,
                                                   .fee_bps = 1000,
                                                   .liquidity_index = RAY,
                                                   .borrow_index = RAY};
    }
    account.id = 9;
    account.rule = &rule_aave_3_5;
    account.n_positions = 2;
    account.position[0] = (struct position){.instrument = WETH, .collateral = true, .supply = ether(10000)};
    account.position[1] = (struct position){.instrument = USDC, .debt = 16600000000};
    px[WETH] = 200000000000;
    px[USDC] = 100000000;
}

static struct health health(void)
{
    struct health h;
    ck_assert_msg(rule_aave_3_5.validate(&market, &account, &error) == 0, "%s", error.msg);
    rule_aave_3_5.health(&market, &account, px, &h);
    return h;
}

static bool bad(void)
{
    return health().liquidatable;
}

static bool is(i256 got, i128 want)
{
    return i256_cmp(got, i256_from_i128(want)) == 0;
}

static i256 flow_of(uint8_t party, int32_t instrument)
{
    i256 sum = i256_from_i64(0);
    for (unsigned i = 0; i < flows.n; i++)
        if (flows.flow[i].party == party && flows.flow[i].instrument == instrument)
            sum = i256_add(sum, flows.flow[i].amount);
    return sum;
}

static int settle(i128 cover)
{
    struct order_leg leg[2] = {{.instrument = USDC, .qty = cover}, {.instrument = WETH, .qty = 0}};
    return rule_aave_3_5.settle(&market, &account, px, leg, 2, &flows, &error);
}

START_TEST(threshold)
{
    struct health h = health();
    ck_assert(!h.liquidatable);
    // S = 20000e8 * 8300, D = 16600e8; equity = S 1e18 + D/2.
    i256 s = i256_mul_i64(i256_from_i64(2000000000000), 8300);
    ck_assert(i256_cmp(h.equity, i256_add(i256_mul(s, i256_pow10(18)), i256_from_i64(830000000000))) == 0);
    ck_assert(i256_cmp(h.requirement, i256_mul(i256_from_i64(1660000000000), i256_pow10(22))) == 0);
    account.position[1].debt++;
    ck_assert(bad());
    account.position[1].debt--;
    px[WETH]--;
    ck_assert(bad());
}
END_TEST

START_TEST(rounding_of_balances_and_values)
{
    // Debt of one scaled unit under an index barely above one ray is two units (ceil), worth ceil(2 * 50 /
    // 1e6).
    account.position[1].debt = 1;
    market.instrument[USDC].borrow_index = RAY + 1;
    px[USDC] = 50;
    ck_assert(i256_cmp(health().requirement, i256_pow10(22)) == 0);
    // Supply of 1e18 - 1 units at a price of one quantum is worth floor(0.99…) = 0.
    account.position[0].supply = ether(1000) - 1;
    px[WETH] = 1;
    ck_assert(i256_sign(health().equity) == 0);
    account.position[0].supply++;
    ck_assert(i256_cmp(health().equity, i256_mul(i256_from_i64(8300), i256_pow10(18))) == 0);
}
END_TEST

START_TEST(half_up_at_the_threshold)
{
    // Above D = 2e18 wadDiv's half-up lifts HF to 1 although S < 1e4 D by one: S 1e18 + D/2 >= 1e22 D.
    market.instrument[WETH].size_decimals = 0;
    market.instrument[WETH].lt_bps = 9999;
    market.instrument[USDC].size_decimals = 0;
    px[WETH] = px[USDC] = 1;
    // 9999 c = 1e4 d - 1 for c = 1 + 10000 k, d = 1 + 9999 k.
    i128 k = (i128)300000000000000; // d = 3e18
    account.position[0].supply = 1 + 10000 * k;
    account.position[1].debt = 1 + 9999 * k;
    ck_assert(!bad());
    account.position[1].debt++;
    ck_assert(bad());
    k /= 3; // d = 1e18: the same difference of one decides
    account.position[0].supply = 1 + 10000 * k;
    account.position[1].debt = 1 + 9999 * k;
    ck_assert(bad());
}
END_TEST

START_TEST(only_enabled_collateral_with_a_threshold)
{
    account.position[0].collateral = false;
    ck_assert(bad());
    account.position[0].collateral = true;
    ck_assert(!bad());
    market.instrument[WETH].lt_bps = 0;
    ck_assert(bad());
}
END_TEST

START_TEST(emode)
{
    market.instrument[WETH].emode = 3;
    market.instrument[WETH].emode_lt_bps = 9300;
    market.instrument[WETH].emode_lb_bps = 10100;
    account.position[1].debt = 18600000000;
    ck_assert(bad());
    account.emode = 2;
    ck_assert(bad());
    account.emode = 3;
    ck_assert(!bad());
    account.position[1].debt++;
    ck_assert(bad());
    account.position[1].debt = 18700000000; // HF 0.9946…: half of the debt, with the category's bonus of 1 %
    ck_assert_int_eq(settle(18700000000), 0);
    ck_assert(is(flow_of(PARTY_LIQUIDATOR, USDC), -9350000000));
    // base 4.675, seized 4.72175, bonus 0.04675, of which 10 % to the treasury
    ck_assert(is(flow_of(PARTY_VENUE, WETH), ether(4675) / 1000));
    ck_assert(is(flow_of(PARTY_ACCOUNT, WETH), -ether(472175) / 100));
}
END_TEST

// Aave v3.2 and later: a reserve may be collateral in several categories.
START_TEST(emode_of_several)
{
    struct instrument *in = &market.instrument[WETH];
    in->emode = 3;
    in->emode_lt_bps = 8500;
    in->emode_lb_bps = 10400;
    in->n_emodes = 2;
    in->emodes[0] = (struct emode){.id = 2, .lt_bps = 9000, .lb_bps = 10200};
    in->emodes[1] = (struct emode){.id = 7, .lt_bps = 9300, .lb_bps = 10100};
    static const struct {
        uint8_t emode;
        i128 debt; // the most that its threshold bears
    } cases[] = {{0, 16600000000}, {1, 16600000000}, {2, 18000000000}, {3, 17000000000}, {7, 18600000000}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        account.emode = cases[i].emode;
        account.position[1].debt = cases[i].debt;
        ck_assert(!bad());
        account.position[1].debt++;
        ck_assert(bad());
    }
    account.position[1].debt = 18700000000; // category 7: bonus of 1 %
    ck_assert_int_eq(settle(18700000000), 0);
    ck_assert(is(flow_of(PARTY_ACCOUNT, WETH), -ether(472175) / 100));
}
END_TEST

START_TEST(close_factor)
{
    // HF just below 1: half of the total debt, 8300.000000 of 16,600.000001.
    account.position[1].debt++;
    ck_assert_int_eq(settle(((i128)1 << 126)), 0);
    ck_assert(is(flow_of(PARTY_LIQUIDATOR, USDC), -8300000000));
    ck_assert(is(flow_of(PARTY_ACCOUNT, USDC), 8300000000));
    ck_assert(is(flow_of(PARTY_ACCOUNT, WETH), -ether(435750) / 100)); // 4.15 * 1.05
    ck_assert(is(flow_of(PARTY_VENUE, WETH), ether(2075) / 100));      // 10 % of 0.2075
    ck_assert(is(flow_of(PARTY_LIQUIDATOR, WETH), ether(433675) / 100));
    ck_assert(account.position[0].supply == ether(10000) - ether(435750) / 100);
    ck_assert(account.position[1].debt == 8300000001);
}
END_TEST

START_TEST(close_factor_boundary)
{
    // HF = 0.95 exactly: all of it may be repaid; one quantum of price above: half.
    account.position[1].debt = 16600000000;
    px[WETH] = 190000000000;
    ck_assert_int_eq(settle(16600000000), 0);
    ck_assert(is(flow_of(PARTY_LIQUIDATOR, USDC), -16600000000));
    setup();
    px[WETH] = 190000000001;
    ck_assert_int_eq(settle(16600000000), 0);
    ck_assert(is(flow_of(PARTY_LIQUIDATOR, USDC), -8300000000));
}
END_TEST

START_TEST(bad_debt)
{
    // At 1000 all collateral pays for ceil(10,000 / 1.05) USDC; the rest is the reserve's deficit.
    px[WETH] = 100000000000;
    ck_assert_int_eq(settle(16600000000), 0);
    ck_assert(is(flow_of(PARTY_LIQUIDATOR, USDC), -9523809524));
    ck_assert(is(flow_of(PARTY_DEFICIT, USDC), -7076190476));
    ck_assert(is(flow_of(PARTY_ACCOUNT, USDC), 16600000000));
    ck_assert(is(flow_of(PARTY_POOL, USDC), 0));
    ck_assert(is(flow_of(PARTY_VENUE, WETH), 47619047619047619));
    ck_assert(is(flow_of(PARTY_LIQUIDATOR, WETH), (i128)995238095238095238 * 10 + 1));
    ck_assert_int_eq(account.n_positions, 0);
}
END_TEST

START_TEST(dust_is_refused)
{
    account.position[0].supply = ether(1000);
    account.position[1].debt = 2500000000;
    struct account before = account;
    ck_assert_int_eq(settle(500000000), 0); // leaves 2000 of debt and 1475 of collateral
    account = before;
    ck_assert_int_eq(settle(1000000000), -1); // leaves 1500 of debt and 950 of collateral
    ck_assert_ptr_nonnull(strstr(error.msg, "dust"));
    ck_assert(memcmp(&account, &before, sizeof account) == 0);
    ck_assert_int_eq(settle(2500000000), 0); // takes all the collateral
}
END_TEST

START_TEST(settle_refuses)
{
    struct order_leg leg[2] = {{.instrument = USDC, .qty = 1000}, {.instrument = WETH, .qty = 0}};
    const struct rule *r = &rule_aave_3_5;
    ck_assert_int_eq(r->settle(&market, &account, px, leg, 2, &flows, &error), -1); // healthy
    ck_assert_ptr_nonnull(strstr(error.msg, "not liquidatable"));
    px[WETH]--;
    struct account before = account;
    ck_assert_int_eq(r->settle(&market, &account, px, leg, 1, &flows, &error), -1);
    leg[1].qty = 1;
    ck_assert_int_eq(r->settle(&market, &account, px, leg, 2, &flows, &error), -1);
    leg[1] = (struct order_leg){.instrument = USDC};
    ck_assert_int_eq(r->settle(&market, &account, px, leg, 2, &flows, &error), -1);
    leg[0].instrument = WETH;
    leg[1].instrument = WETH;
    ck_assert_int_eq(r->settle(&market, &account, px, leg, 2, &flows, &error), -1);
    leg[0].instrument = USDC;
    leg[0].qty = 0;
    ck_assert_int_eq(r->settle(&market, &account, px, leg, 2, &flows, &error), -1);
    ck_assert(memcmp(&account, &before, sizeof account) == 0);
    leg[0].qty = 1000000000;
    ck_assert_int_eq(r->settle(&market, &account, px, leg, 2, &flows, &error), 0);
}
END_TEST

START_TEST(size_to_target)
{
    // HF 0.98 at 1960: target 1.02 needs (1.02 * 16600 - 16268) / (1.02 - 1.05 * 0.83) = 4471.38….
    px[WETH] = 196000000000;
    struct size_policy p = {.target_ppm = 1020000};
    struct order_size s;
    ck_assert_int_eq(rule_aave_3_5.size(&market, &account, px, &p, &s), 0);
    ck_assert(!s.full && s.n == 2 && s.leg[0].instrument == USDC && s.leg[1].instrument == WETH);
    ck_assert(s.leg[0].qty > 4471370000 && s.leg[0].qty < 4471400000 && s.leg[1].qty == 0);
    ck_assert_int_eq(settle(s.leg[0].qty), 0);
    struct health h = health();
    ck_assert(i256_cmp(i256_mul_i64(h.equity, 50), i256_mul_i64(h.requirement, 51)) >= 0);
    setup();
    px[WETH] = 196000000000;
    p.target_ppm = 1200000; // out of reach of the close factor
    ck_assert_int_eq(rule_aave_3_5.size(&market, &account, px, &p, &s), 0);
    ck_assert(s.full && s.leg[0].qty == 8300000000);
}
END_TEST

START_TEST(size_prefers_the_larger_reward)
{
    market.n_assets = market.n_instruments = 3;
    market.asset[2] = market.asset[WETH];
    market.instrument[2] = market.instrument[WETH];
    market.instrument[2].asset = 2;
    market.instrument[2].lb_bps = 11000;
    account.position[2] = (struct position){.instrument = 2, .collateral = true, .supply = ether(5000)};
    account.n_positions = 3;
    account.position[0].supply = ether(5000);
    px[2] = px[WETH] = 196000000000;
    struct size_policy p = {.target_ppm = 1020000};
    struct order_size s;
    ck_assert_int_eq(rule_aave_3_5.size(&market, &account, px, &p, &s), 0);
    ck_assert_int_eq(s.leg[1].instrument, 2);
    market.instrument[2].lb_bps = 10500; // a tie: the lower instrument
    ck_assert_int_eq(rule_aave_3_5.size(&market, &account, px, &p, &s), 0);
    ck_assert_int_eq(s.leg[1].instrument, WETH);
}
END_TEST

START_TEST(rows)
{
    struct band band[MARKET_ASSETS_MAX] = {{1, 1000000000000}, {1, 1000000000}};
    struct affine r[RULE_ROWS_MAX];
    account.position[0].supply++; // so that values are really floored
    ck_assert_int_eq(rule_aave_3_5.rows(&market, &account, band, 20000, r, &error), 2);
    ck_assert_int_eq(r[0].n, 2);
    // 1e-12 * 10^-18: LT (1 - 1e-18) + 1e4 (1 - 1e-6)
    i256 slack = i256_sub(i256_mul_i64(i256_pow10(18), 8300 + 10000),
                          i256_add(i256_from_i64(8300), i256_mul_i64(i256_pow10(12), 10000)));
    ck_assert(i256_cmp(r[0].slack, slack) == 0);
    account.position[1].debt = 0;
    ck_assert_int_eq(rule_aave_3_5.rows(&market, &account, band, 20000, r, &error), 0);
    account.position[1].debt = 1;
    band[USDC].lo = 0;
    ck_assert_int_eq(rule_aave_3_5.rows(&market, &account, band, 20000, r, &error), -1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {threshold,
                                  rounding_of_balances_and_values,
                                  half_up_at_the_threshold,
                                  only_enabled_collateral_with_a_threshold,
                                  emode,
                                  emode_of_several,
                                  close_factor,
                                  close_factor_boundary,
                                  bad_debt,
                                  dust_is_refused,
                                  settle_refuses,
                                  size_to_target,
                                  size_prefers_the_larger_reward,
                                  rows};
    Suite *s = suite_create("accounts/rules/aave");
    TCase *tc = tcase_create("aave-3.5");
    tcase_add_checked_fixture(tc, setup, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
