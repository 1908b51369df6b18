// SPDX-License-Identifier: Apache-2.0
// What the versions of Aave v3 do otherwise, on cases computed by hand (docs/rules.md, "Aave"). The broad
// comparison with independent judges is tests/diff/rules_diff.py.
#include "accounts/moving.h"
#include "accounts/rules/rule.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

enum { ETH, BTC, USD, EUR, RESERVES }; // six decimals, price 1 each: a token unit is 100 base units

static const struct rule *const VERSIONS[] = {&rule_aave_1_19, &rule_aave_3_3, &rule_aave_3_4,
                                              &rule_aave_3_5,  &rule_aave_3_6, &rule_aave_3_7};
enum { V_1_19, V_3_3, V_3_4, V_3_5, V_3_6, V_3_7, N_VERSIONS };

static const u128 RAY = (u128)1000000000 * 1000000000 * 1000000000;
static struct market market;
static struct account account;
static int64_t px[MARKET_ASSETS_MAX];
static struct settlement flows;
static struct err error;

static void setup(void)
{
    memset(&market, 0, sizeof market);
    memset(&account, 0, sizeof account);
    market.n_assets = market.n_instruments = account.n_positions = RESERVES;
    account.id = 9;
    for (uint16_t i = 0; i < RESERVES; i++) {
        px[i] = 100000000;
        market.asset[i] = (struct asset){.kind = ASSET_INDEX, .decimals = 8};
        market.instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                                   .size_decimals = 6,
                                                   .asset = i,
                                                   .lt_bps = i == ETH ? 8300 : 8000,
                                                   .lb_bps = 10500,
                                                   .fee_bps = 1000,
                                                   .liquidity_index = RAY,
                                                   .borrow_index = RAY};
        account.position[i] = (struct position){.instrument = i, .collateral = i < USD};
    }
}

static bool bad(unsigned version)
{
    struct health h;
    account.rule = VERSIONS[version];
    ck_assert_msg(account.rule->validate(&market, &account, &error) == 0, "%s", error.msg);
    account.rule->health(&market, &account, px, &h);
    return h.liquidatable;
}

static int settle(unsigned version, uint16_t debt, i128 cover, uint16_t coll)
{
    struct order_leg leg[2] = {{.instrument = debt, .qty = cover}, {.instrument = coll, .qty = 0}};
    account.rule = VERSIONS[version];
    return account.rule->settle(&market, &account, px, leg, 2, &flows, &error);
}

static i256 flow_of(uint8_t party, int32_t instrument)
{
    i256 sum = i256_from_i64(0);
    for (unsigned i = 0; i < flows.n; i++)
        if (flows.flow[i].party == party && flows.flow[i].instrument == instrument)
            sum = i256_add(sum, flows.flow[i].amount);
    return sum;
}

static bool is(i256 got, int64_t want)
{
    return i256_cmp(got, i256_from_i64(want)) == 0;
}

// 1000 at 83 % and 2000 at 80 %: the average is 8100 bps to the last digit, and 2430 can be owed. One token
// unit more of the second brings it below: 8099 bps, 2429.70.
START_TEST(average)
{
    account.position[ETH].supply = 1000000000;
    account.position[BTC].supply = 2000000000;
    account.position[USD].debt = 2430000000;
    for (unsigned v = 0; v < N_VERSIONS; v++)
        ck_assert(!bad(v));
    account.position[BTC].supply++;
    for (unsigned v = 0; v < N_VERSIONS; v++)
        ck_assert_int_eq(bad(v), v < V_3_5);
    account.position[USD].debt = 2429700001;
    ck_assert(bad(V_3_4) && !bad(V_3_5));
    account.position[USD].debt--;
    ck_assert(!bad(V_3_4) && !bad(V_1_19));
}
END_TEST

// The rows of both: right at that price, and with the fall of an average inside the band.
START_TEST(average_rows)
{
    struct affine f[RULE_ROWS_MAX];
    struct band band[MARKET_ASSETS_MAX];
    account.position[ETH].supply = 1000000000;
    account.position[BTC].supply = 2000000000;
    account.position[USD].debt = 2429700000;
    for (unsigned i = 0; i < RESERVES; i++)
        band[i] = (struct band){px[i] - 10, px[i] + 10};
    account.rule = VERSIONS[V_3_4];
    ck_assert(account.rule->bends(&market, &account));
    ck_assert_int_eq(account.rule->rows(&market, &account, band, 0, f, &error), 1);
    ck_assert_uint_eq(f[0].n, 3); // 8099 bps of both collaterals, 1e4 of the debt
    ck_assert(is(f[0].a[0], INT64_C(1000000000) * 8099) && is(f[0].a[1], INT64_C(2000000000) * 8099));
    ck_assert(is(f[0].a[2], -INT64_C(2429700000) * 10000));
    for (unsigned i = 0; i < RESERVES; i++)
        band[i] = (struct band){px[i] / 2, px[i] * 2}; // 8059 to 8167 bps: S - C is nearer
    ck_assert_int_eq(account.rule->rows(&market, &account, band, 0, f, &error), 1);
    ck_assert(is(f[0].a[0], INT64_C(1000000000) * 8299) && is(f[0].a[1], INT64_C(2000000000) * 7999));
    market.instrument[ETH].lt_bps = 8000; // one threshold: exact, the same everywhere
    ck_assert(!account.rule->bends(&market, &account));
    ck_assert_int_eq(account.rule->rows(&market, &account, band, 0, f, &error), 1);
    ck_assert(is(f[0].a[0], INT64_C(1000000000) * 8000) && is(f[0].a[1], INT64_C(2000000000) * 8000));
    account.rule = VERSIONS[V_3_5];
    ck_assert(!account.rule->bends(&market, &account));
}
END_TEST

// Rows over an hour: interest on the second collateral takes a bps off the average, and a threshold that ends
// at 0 may take nearly any, so that S - C is what remains.
START_TEST(average_rows_in_time)
{
    const uint64_t t0 = 1790000000, ns = 1000000000;
    struct affine f[RULE_ROWS_MAX];
    struct band band[MARKET_ASSETS_MAX];
    struct instrument *btc = &market.instrument[BTC];
    account.position[ETH].supply = 1000000000;
    account.position[BTC].supply = 2000000000;
    account.position[USD].debt = 2000000000;
    for (unsigned i = 0; i < RESERVES; i++)
        band[i] = (struct band){px[i], px[i]};
    btc->liquidity_rate = RAY / 10;
    btc->told_at = t0;
    account.rule = VERSIONS[V_3_4];
    market_window(&market, t0 * ns, t0 * ns);
    ck_assert_int_eq(account.rule->rows(&market, &account, band, 0, f, &error), 1);
    ck_assert(is(f[0].a[0], INT64_C(1000000000) * 8100) && is(f[0].a[1], INT64_C(2000000000) * 8100));
    market_window(&market, t0 * ns, (t0 + 3600) * ns);
    ck_assert_int_eq(account.rule->rows(&market, &account, band, 0, f, &error), 1);
    ck_assert(is(f[0].a[0], INT64_C(1000000000) * 8099) && is(f[0].a[1], INT64_C(2000000000) * 8099));
    btc->lt_bps = 0;
    btc->ramp_from_bps = 8000;
    btc->ramp_start = t0;
    btc->ramp_end = t0 + 3600;
    market_window(&market, t0 * ns, (t0 + 3600) * ns);
    ck_assert_int_eq(account.rule->rows(&market, &account, band, 0, f, &error), 1);
    ck_assert(f[0].asset[0] == ETH && is(f[0].a[0], INT64_C(1000000000) * 8299));
    ck_assert(f[0].n == 2 && f[0].asset[1] == USD);
}
END_TEST

// A debt of one unit of an 18-decimal token is worth nothing up to 3.4, and 1e-8 from 3.5 on.
START_TEST(debt_of_nothing)
{
    market.instrument[USD].size_decimals = 18;
    account.position[USD].debt = 1;
    for (unsigned v = 0; v < N_VERSIONS; v++)
        ck_assert_int_eq(bad(v), v >= V_3_5);
}
END_TEST

// 2600 + 2600 owed, health 0.96: half of the reserve's debt in 1.19, from 3.3 on half of all.
START_TEST(close_factor)
{
    account.position[ETH].supply = 6014000000; // 4991.62 of 5200: 0.95993
    account.position[USD].debt = account.position[EUR].debt = 2600000000;
    struct account before = account;
    for (unsigned v = 0; v < N_VERSIONS; v++) {
        account = before;
        ck_assert_msg(settle(v, USD, INT64_C(99000000000), ETH) == 0, "%s", error.msg);
        ck_assert(is(flow_of(PARTY_LIQUIDATOR, USD), v == V_1_19 ? -1300000000 : -2600000000));
    }
}
END_TEST

// Half of all debts would leave 800 of the greater one: dust. What is left is worth 1000 with a unit more
// where its value is floored. 1.19 leaves what its close factor leaves.
START_TEST(leftover)
{
    struct order_size s;
    px[USD] = 99999999;
    account.position[ETH].supply = 4164000000; // 3456.12 of 3600: 0.96
    account.position[USD].debt = 2600000000;
    account.position[EUR].debt = 1000000000;
    for (unsigned v = 0; v < N_VERSIONS; v++) {
        ck_assert(bad(v));
        ck_assert_int_eq(VERSIONS[v]->size(&market, &account, px, &(struct size_policy){1200000, 0}, &s), 0);
        ck_assert_uint_eq(s.leg[0].instrument, USD);
        int64_t left = v == V_1_19 ? 1300000000 : v < V_3_5 ? 1000000011 : 1000000010;
        ck_assert_int_eq((int64_t)s.leg[0].qty, 2600000000 - left);
    }
}
END_TEST

// 10000.00001 repaid, 5 % bonus, 10 % of it to the protocol. Half up: 10500.000011 of which 500.000001 is
// bonus, fee 50.000000. In 3.7: 10500.000010, without the bonus 10000.000009, fee 50.000001.
START_TEST(amounts)
{
    account.position[ETH].supply = INT64_C(20000000000);
    account.position[USD].debt = INT64_C(19000000000);
    struct account before = account;
    for (unsigned v = 0; v < N_VERSIONS; v++) {
        account = before;
        ck_assert_msg(settle(v, USD, INT64_C(10000000010), ETH) == 0, "%s", error.msg);
        ck_assert(
            is(flow_of(PARTY_LIQUIDATOR, ETH), v == V_3_7 ? INT64_C(10450000009) : INT64_C(10450000011)));
        ck_assert(is(flow_of(PARTY_VENUE, ETH), v == V_3_7 ? 50000001 : 50000000));
    }
}
END_TEST

// All collateral seized: the debt that is left stays in 1.19, and is burnt as a deficit from 3.3 on. A rest
// below 1000 on both sides is refused from 3.3 on.
START_TEST(deficit_and_dust)
{
    account.position[ETH].supply = 2100000000;
    account.position[USD].debt = INT64_C(3000000000);
    struct account before = account;
    for (unsigned v = 0; v < N_VERSIONS; v++) {
        account = before;
        ck_assert_int_eq(settle(v, USD, INT64_C(1500000000), ETH), v == V_1_19 ? 0 : -1);
        account = before;
        ck_assert_msg(settle(v, USD, INT64_C(3000000000), ETH) == 0, "%s", error.msg);
        ck_assert(is(flow_of(PARTY_LIQUIDATOR, USD), -2000000000));
        ck_assert(is(flow_of(PARTY_DEFICIT, USD), v == V_1_19 ? 0 : -1000000000));
        ck_assert_uint_eq(account.n_positions, v == V_1_19 ? 1 : 0);
    }
}
END_TEST

// Two scaled units of five each: 8 to the liquidator and 1 as a fee burn 2 + 1, that is all of it, though one
// of the ten is not spoken for. Only 3.7 looks at that: the other debt becomes a deficit.
START_TEST(burnt_by_rounding)
{
    market.instrument[ETH].liquidity_index = 5 * RAY;
    market.instrument[USD].borrow_index = 9 * RAY;
    account.position[ETH].supply = 2;
    account.position[USD].debt = account.position[EUR].debt = 1;
    struct account before = account;
    for (unsigned v = 0; v < N_VERSIONS; v++) {
        account = before;
        ck_assert_msg(settle(v, USD, 9, ETH) == 0, "%s", error.msg);
        ck_assert(is(flow_of(PARTY_LIQUIDATOR, ETH), v == V_3_7 ? 8 : 9));
        ck_assert(is(flow_of(PARTY_DEFICIT, EUR), v == V_3_7 ? -1 : 0));
        ck_assert_uint_eq(account.n_positions, v == V_3_7 ? 0 : 1);
    }
}
END_TEST

// Collateral in an eMode alone: no threshold and no bonus of its own. It counts from 3.6 on, for who is in
// the eMode; for the others it is worth nothing there, and cannot be seized.
START_TEST(emode_alone)
{
    struct instrument *in = &market.instrument[ETH];
    in->lt_bps = in->lb_bps = 0;
    in->emode = 2;
    in->emode_lt_bps = 9000;
    in->emode_lb_bps = 10100;
    account.emode = 2;
    account.position[ETH].supply = 1000000000;
    account.position[USD].debt = 900000000;
    for (unsigned v = 0; v < N_VERSIONS; v++)
        ck_assert_int_eq(bad(v), v < V_3_6);
    account.emode = 0;
    struct order_size s;
    for (unsigned v = V_3_6; v < N_VERSIONS; v++) {
        ck_assert(bad(v));
        ck_assert_int_eq(settle(v, USD, 900000000, ETH), -1);
        ck_assert_int_eq(VERSIONS[v]->size(&market, &account, px, &(struct size_policy){1050000, 0}, &s), -1);
    }
    in->lb_bps = 5;
    ck_assert_int_eq(rule_aave_3_6.validate(&market, &account, &error), -1);
    ck_assert_int_eq(rule_aave_3_5.validate(&market, &account, &error), 0); // never read
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accounts/rules/aave_versions");
    TCase *tc = tcase_create("versions");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, average);
    tcase_add_test(tc, average_rows);
    tcase_add_test(tc, average_rows_in_time);
    tcase_add_test(tc, debt_of_nothing);
    tcase_add_test(tc, close_factor);
    tcase_add_test(tc, leftover);
    tcase_add_test(tc, amounts);
    tcase_add_test(tc, deficit_and_dust);
    tcase_add_test(tc, burnt_by_rounding);
    tcase_add_test(tc, emode_alone);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
