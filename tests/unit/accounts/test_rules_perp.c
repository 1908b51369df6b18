// SPDX-License-Identifier: Apache-2.0
// perp-linear-1 and perp-inverse-1 on literal cases: published liquidation prices, hand-computed thresholds,
// sizes and settlements. The broad comparison with independent judges is tests/diff/rules_diff.py.
#include "accounts/reciprocal.h"
#include "accounts/rules/rule.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

enum { ETH, BTC, XBT, XBT_R }; // assets; XBT_R is the reciprocal of XBT
enum { ETH_PERP, BTC_PERP, XBT_INV };

static struct market market;
static int64_t px[MARKET_ASSETS_MAX];

static void set_tiers(struct instrument *in, unsigned n, const int64_t floor[], const uint32_t rate[])
{
    in->n_tiers = (uint16_t)n;
    for (unsigned t = 0; t < n; t++)
        in->tier[t] = (struct tier){.floor = floor[t], .rate_ppm = rate[t]};
}

// Binance's brackets of 2022 (notional in cents), from which its published examples were calculated: the
// deductions 135365 at 10 % and 16300 at 2.5 % must come out of the floors.
static void setup(void)
{
    memset(&market, 0, sizeof market);
    memset(px, 0, sizeof px);
    market.n_assets = 4;
    market.n_instruments = 3;
    for (unsigned i = 0; i < 3; i++)
        market.asset[i] = (struct asset){.kind = ASSET_MARK, .decimals = 2};
    market.asset[XBT_R] = (struct asset){.kind = ASSET_RECIPROCAL, .decimals = 16, .base = XBT};
    static const int64_t eth_floor[] = {0, 1000000, 10000000, 50000000, 100000000, 200000000, 500000000};
    static const uint32_t eth_rate[] = {5000, 6500, 10000, 20000, 50000, 100000, 125000};
    static const int64_t btc_floor[] = {0, 5000000, 25000000, 100000000, 500000000};
    static const uint32_t btc_rate[] = {4000, 5000, 10000, 25000, 50000};
    for (unsigned i = 0; i < 2; i++) {
        market.instrument[i] = (struct instrument){.kind = INST_LINEAR,
                                                   .size_decimals = 3,
                                                   .currency = "USDT",
                                                   .cash_decimals = 2,
                                                   .asset = (uint16_t)i};
    }
    set_tiers(&market.instrument[ETH_PERP], 7, eth_floor, eth_rate);
    set_tiers(&market.instrument[BTC_PERP], 5, btc_floor, btc_rate);
    market.instrument[XBT_INV] = (struct instrument){
        .kind = INST_INVERSE, .currency = "BTC", .cash_decimals = 8, .asset = XBT, .inverse = XBT_R};
    static const int64_t xbt_floor[] = {0, 1000000000};
    static const uint32_t xbt_rate[] = {5000, 10000};
    set_tiers(&market.instrument[XBT_INV], 2, xbt_floor, xbt_rate);
}

static struct account linear(i128 cash)
{
    return (struct account){
        .id = 7, .rule = &rule_perp_linear_1, .currency = "USDT", .cash_decimals = 2, .cash = cash};
}

static struct account inverse(i128 cash, i128 size, int64_t entry)
{
    return (struct account){.id = 8,
                            .rule = &rule_perp_inverse_1,
                            .currency = "BTC",
                            .cash_decimals = 8,
                            .cash = cash,
                            .n_positions = 1,
                            .position = {{.instrument = XBT_INV, .size = size, .entry = entry}}};
}

static void add(struct account *a, uint16_t instrument, i128 size, int64_t entry)
{
    a->position[a->n_positions++] = (struct position){.instrument = instrument, .size = size, .entry = entry};
}

static struct health health_of(const struct account *a)
{
    struct err e;
    struct health h;
    ck_assert_msg(a->rule->validate(&market, a, &e) == 0, "%s", e.msg);
    a->rule->health(&market, a, px, &h);
    return h;
}

static bool bad(const struct account *a)
{
    return health_of(a).liquidatable;
}

static void eq(i256 got, int64_t want)
{
    char buf[I256_DIGITS_MAX];
    i256_format(got, buf, sizeof buf);
    ck_assert_msg(i256_cmp(got, i256_from_i64(want)) == 0, "%s, wanted %lld", buf, (long long)want);
}

START_TEST(binance_isolated)
{
    // Liquidation prices 1114.78 and 18778.73 (wallet 1,535,443.01).
    struct account a = linear(153544301);
    add(&a, ETH_PERP, 3683979, 145684);
    px[ETH] = 111479;
    ck_assert(!bad(&a));
    px[ETH] = 111478;
    ck_assert(bad(&a));
    struct account b = linear(153544301);
    add(&b, BTC_PERP, 109488, 3248198);
    px[BTC] = 1877873;
    ck_assert(!bad(&b));
    px[BTC] = 1877872;
    ck_assert(bad(&b));
}
END_TEST

START_TEST(binance_cross)
{
    // 1153.26 for ETH with BTC at 31967.27, and 26316.89 for BTC with ETH at 1335.18.
    struct account a = linear(153544301);
    add(&a, ETH_PERP, 3683979, 145684);
    add(&a, BTC_PERP, 109488, 3248198);
    px[BTC] = 3196727;
    px[ETH] = 115326;
    ck_assert(!bad(&a));
    px[ETH] = 115325;
    ck_assert(bad(&a));
    px[ETH] = 133518;
    px[BTC] = 2631690;
    ck_assert(!bad(&a));
    px[BTC] = 2631689;
    ck_assert(bad(&a));
}
END_TEST

START_TEST(linear_equality_is_healthy)
{
    // Long 10 at 100.00, mark 91.00: E = cash - 90, M = 910 * 0.5 % = 4.55.
    struct account a = linear(9455);
    add(&a, ETH_PERP, 10000, 10000);
    px[ETH] = 9100;
    struct health h = health_of(&a);
    ck_assert(!h.liquidatable);
    eq(h.equity, 455000000000); // 4.55 in 10^-11: K = 3 + 2 decimals, 6 more for ppm
    eq(h.requirement, 455000000000);
    a.cash = 9454;
    ck_assert(bad(&a));
    a.position[0] = (struct position){.instrument = ETH_PERP, .size = -10000, .entry = 8200};
    a.cash = 9455; // a short loses the same by the rise from 82 to 91
    ck_assert(!bad(&a));
    a.cash = 9454;
    ck_assert(bad(&a));
}
END_TEST

START_TEST(no_position_no_requirement)
{
    struct account a = linear(-5);
    struct health h = health_of(&a);
    ck_assert(!h.liquidatable);
    eq(h.requirement, 0);
    struct affine rows[RULE_ROWS_MAX];
    struct band band[MARKET_ASSETS_MAX] = {{0}};
    ck_assert_int_eq(rule_perp_linear_1.rows(&market, &a, band, 1000, rows, NULL), 0);
    struct size_policy p = {.target_ppm = 1100000};
    struct order_size s;
    ck_assert_int_eq(rule_perp_linear_1.size(&market, &a, px, &p, &s), -1);
}
END_TEST

START_TEST(inverse_threshold)
{
    // Long 100,000 USD at 50,000, mark 40,000: pnl 2 - 2.5 = -0.5 BTC, N = 2.5, M = 0.0125.
    px[XBT] = 4000000;
    struct account a = inverse(51250000, 100000, 5000000);
    struct health h = health_of(&a);
    ck_assert(!h.liquidatable);
    ck_assert(i256_cmp(h.equity, i256_mul_i64(i256_pow10(20), 125)) >= 0);
    ck_assert(i256_cmp(h.requirement, i256_mul_i64(i256_pow10(20), 125)) == 0); // 10^-24 BTC
    a.cash--;
    ck_assert(bad(&a));
    // Short at 40,000, mark 50,000: pnl 2 - 2.5, N = 2, M = 0.01.
    px[XBT] = 5000000;
    a = inverse(51000000, -100000, 4000000);
    ck_assert(!bad(&a));
    a.cash--;
    ck_assert(bad(&a));
}
END_TEST

START_TEST(inverse_rounds_against_the_account)
{
    // 1 USD at 3.00: 1/3 BTC is floored where it is owed to the account and ceiled where it owes it.
    px[XBT] = 300;
    struct account a = inverse(0, 1, 300);
    eq(health_of(&a).equity, -1000000); // -1 in 10^-18, times 1e6
    a.position[0].size = -1;
    eq(health_of(&a).equity, -1000000);
    i256 need = i256_mul_i64(i256_from_i64(333333333333333334), 5000); // notional ceiled, 0.5 %
    ck_assert(i256_cmp(health_of(&a).requirement, need) == 0);
}
END_TEST

START_TEST(row_is_exact_without_a_tier_edge)
{
    struct account a = linear(10000);
    add(&a, ETH_PERP, 10000, 10000);
    px[ETH] = 9100;
    struct band band[MARKET_ASSETS_MAX] = {{9000, 9200}};
    struct affine r[RULE_ROWS_MAX];
    ck_assert_int_eq(rule_perp_linear_1.rows(&market, &a, band, 100000, r, NULL), 2);
    ck_assert_int_eq(r[0].level, LEVEL_LIQUIDATE);
    ck_assert_int_eq(r[1].level, LEVEL_WARN);
    eq(r[0].slack, 0);
    for (int64_t p = 9000; p <= 9200; p++) {
        px[ETH] = p;
        struct health h = health_of(&a);
        i256 hr = i256_add(r[0].c, i256_mul_i64(r[0].a[0], p));
        ck_assert(i256_cmp(hr, i256_sub(h.equity, h.requirement)) == 0);
        i256 warn = i256_sub(i256_mul_i64(h.equity, 1000000), i256_mul_i64(h.requirement, 1100000));
        ck_assert(i256_cmp(i256_add(r[1].c, i256_mul_i64(r[1].a[0], p)), warn) == 0);
    }
}
END_TEST

START_TEST(row_over_a_tier_edge_is_a_chord)
{
    // 100 at 100: notional 10,000.00, the edge of the second bracket, in the middle of the band.
    struct account a = linear(100000);
    add(&a, ETH_PERP, 100000, 10000);
    struct band band[MARKET_ASSETS_MAX] = {{9900, 10100}};
    struct affine r[RULE_ROWS_MAX];
    ck_assert_int_eq(rule_perp_linear_1.rows(&market, &a, band, 0, r, NULL), 1);
    for (int64_t p = 9900; p <= 10100; p++) {
        px[ETH] = p;
        struct health h = health_of(&a);
        i256 exact = i256_sub(h.equity, h.requirement);
        i256 row = i256_add(r[0].c, i256_mul_i64(r[0].a[0], p));
        int cmp = i256_cmp(row, exact);
        ck_assert(p == 9900 || p == 10100 ? cmp == 0 : cmp < 0);
    }
}
END_TEST

START_TEST(rows_need_bands)
{
    struct account a = linear(0);
    add(&a, ETH_PERP, 1, 1);
    struct band band[MARKET_ASSETS_MAX] = {{0}};
    struct affine r[RULE_ROWS_MAX];
    struct err e;
    ck_assert_int_eq(rule_perp_linear_1.rows(&market, &a, band, 0, r, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "band"));
}
END_TEST

START_TEST(size_restores_the_target)
{
    // E = 4.50, M = 4.55, T = 1.5: f = (6.825 - 4.5) / 6.825 = 0.3406…, of 10 in thousandths; the allowance
    // for rounding (three cents and a little) adds 0.0044….
    struct account a = linear(9450);
    add(&a, ETH_PERP, 10000, 10000);
    px[ETH] = 9100;
    struct size_policy p = {.target_ppm = 1500000};
    struct order_size s;
    ck_assert_int_eq(rule_perp_linear_1.size(&market, &a, px, &p, &s), 0);
    ck_assert(!s.full && s.n == 1 && s.leg[0].instrument == ETH_PERP);
    ck_assert_int_eq((int)s.leg[0].qty, 3451); // 10000 * (6.825 - 4.5 + 0.03 + 0.00002 + 0.0000075) / 6.825
    eq(s.value, 31404100000);                  // 3.451 * 91 = 314.041
    eq(s.reward, 0);
    struct settlement f;
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, s.leg, s.n, &f, NULL), 0);
    struct health h = health_of(&a);
    ck_assert(i256_cmp(i256_mul_i64(h.equity, 2), i256_mul_i64(h.requirement, 3)) >= 0);
    // Half of the position would be worth less than 700 whole units: all of it goes.
    a = linear(9450);
    add(&a, ETH_PERP, 10000, 10000);
    p.dust = 700;
    ck_assert_int_eq(rule_perp_linear_1.size(&market, &a, px, &p, &s), 0);
    ck_assert(s.full && s.leg[0].qty == 10000);
}
END_TEST

START_TEST(size_is_full_when_the_cost_exceeds_the_margin)
{
    market.instrument[ETH_PERP].penalty_ppm = 20000; // 2 % against T * 0.5 %
    struct account a = linear(9450);
    add(&a, ETH_PERP, 10000, 10000);
    px[ETH] = 9100;
    struct size_policy p = {.target_ppm = 1500000};
    struct order_size s;
    ck_assert_int_eq(rule_perp_linear_1.size(&market, &a, px, &p, &s), 0);
    ck_assert(s.full && s.leg[0].qty == 10000);
    eq(s.reward, 1820000000); // 2 % of 910
}
END_TEST

static i256 flow_of(const struct settlement *s, uint8_t party)
{
    i256 sum = i256_from_i64(0);
    for (unsigned i = 0; i < s->n; i++) {
        ck_assert_int_eq(s->flow[i].instrument, -1);
        if (s->flow[i].party == party)
            sum = i256_add(sum, s->flow[i].amount);
    }
    return sum;
}

START_TEST(settle_part)
{
    market.instrument[ETH_PERP].penalty_ppm = 5000;
    market.instrument[ETH_PERP].fee_ppm = 500;
    struct account a = linear(9450);
    add(&a, ETH_PERP, 10000, 10000);
    px[ETH] = 9100;
    struct order_leg leg = {.instrument = ETH_PERP, .qty = 3333}; // notional 303.303, loss 29.997
    struct settlement f;
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, &leg, 1, &f, NULL), 0);
    eq(flow_of(&f, PARTY_POOL), 3000);      // loss of 29.997, rounded against the account
    eq(flow_of(&f, PARTY_LIQUIDATOR), 152); // 1.516515
    eq(flow_of(&f, PARTY_VENUE), 16);       // 0.1516515
    eq(flow_of(&f, PARTY_ACCOUNT), -3168);
    eq(flow_of(&f, PARTY_DEFICIT), 0);
    ck_assert(a.cash == 9450 - 3168 && a.n_positions == 1);
    ck_assert(a.position[0].size == 6667 && a.position[0].entry == 10000);
}
END_TEST

START_TEST(settle_with_deficit)
{
    struct account a = linear(5000); // loss of 90 against 50
    market.instrument[ETH_PERP].penalty_ppm = 5000;
    add(&a, ETH_PERP, 10000, 10000);
    px[ETH] = 9100;
    struct order_leg leg = {.instrument = ETH_PERP, .qty = 10000};
    struct settlement f;
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, &leg, 1, &f, NULL), 0);
    eq(flow_of(&f, PARTY_POOL), 9000);
    eq(flow_of(&f, PARTY_LIQUIDATOR), 455);
    eq(flow_of(&f, PARTY_ACCOUNT), -5000);
    eq(flow_of(&f, PARTY_DEFICIT), -4455);
    ck_assert(a.cash == 0 && a.n_positions == 0);
}
END_TEST

START_TEST(settle_refuses)
{
    struct account a = linear(9450), before;
    add(&a, ETH_PERP, 10000, 10000);
    px[ETH] = 9100;
    before = a;
    struct settlement f;
    struct err e;
    struct order_leg leg[2] = {{.instrument = ETH_PERP, .qty = 10001}, {.instrument = ETH_PERP, .qty = 1}};
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, leg, 1, &f, &e), -1);
    leg[0].qty = 0;
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, leg, 1, &f, &e), -1);
    leg[0].qty = 1;
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, leg, 2, &f, &e), -1);
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, leg, 0, &f, &e), -1);
    leg[0].instrument = BTC_PERP;
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, leg, 1, &f, &e), -1);
    leg[0].instrument = ETH_PERP;
    px[ETH] = 9200;
    ck_assert_int_eq(rule_perp_linear_1.settle(&market, &a, px, leg, 1, &f, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "not liquidatable"));
    ck_assert(memcmp(&a, &before, sizeof a) == 0);
}
END_TEST

START_TEST(validate_names_the_remedy)
{
    struct account a = linear(0);
    struct err e;
    add(&a, XBT_INV, 1, 100);
    ck_assert_int_eq(rule_perp_linear_1.validate(&market, &a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "choose the rule"));
    a.position[0] = (struct position){.instrument = ETH_PERP, .size = (i128)1 << 100, .entry = 1};
    ck_assert_int_eq(rule_perp_linear_1.validate(&market, &a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "out of range"));
}
END_TEST

// Two inverse perpetuals with the same decimals, one in BTC, one in ETH: adding them up would be nonsense.
START_TEST(validate_refuses_two_currencies)
{
    struct account a = inverse(100000000, -15000, 6400000);
    struct err e;
    market.instrument[XBT_INV + 1] = market.instrument[XBT_INV];
    memcpy(market.instrument[XBT_INV].name, "BTC-PERP", 9);
    memcpy(market.instrument[XBT_INV + 1].name, "ETH-PERP", 9);
    market.n_instruments++;
    add(&a, XBT_INV + 1, 10, 320000);
    ck_assert_int_eq(rule_perp_inverse_1.validate(&market, &a, &e), 0); // two of one currency
    memcpy(market.instrument[XBT_INV + 1].currency, "ETH", 4);
    ck_assert_int_eq(rule_perp_inverse_1.validate(&market, &a, &e), -1);
    ck_assert_str_eq(e.msg, "account 8: instrument ETH-PERP settles in ETH, the account's cash is in BTC");
    a.n_positions = 1;
    memcpy(a.currency, "ETH", 4);
    ck_assert_int_eq(rule_perp_inverse_1.validate(&market, &a, &e), -1);
    ck_assert_str_eq(e.msg, "account 8: instrument BTC-PERP settles in BTC, the account's cash is in ETH");
    memset(market.instrument[XBT_INV].currency, 0, CURRENCY_LEN);
    memset(a.currency, 0, CURRENCY_LEN);
    ck_assert_int_eq(rule_perp_inverse_1.validate(&market, &a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "without a settlement currency"));
    a.cash = 0;
    ck_assert_int_eq(rule_perp_inverse_1.validate(&market, &a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "no settlement currency"));
    a.n_positions = 0; // an empty account needs none
    ck_assert_int_eq(rule_perp_inverse_1.validate(&market, &a, &e), 0);
}
END_TEST

START_TEST(registry)
{
    ck_assert_ptr_eq(rule_find("perp-linear-1"), &rule_perp_linear_1);
    ck_assert_ptr_eq(rule_find("perp-inverse-1"), &rule_perp_inverse_1);
    ck_assert_ptr_eq(rule_find("perp-portfolio-1"), &rule_perp_portfolio_1);
    ck_assert_ptr_eq(rule_find("aave-3.5"), &rule_aave_3_5);
    ck_assert_ptr_null(rule_find("aave"));
    size_t n = 0;
    while (rule_at(n)) {
        ck_assert_ptr_eq(rule_find(rule_at(n)->name), rule_at(n));
        n++;
    }
    ck_assert_uint_ge(n, 14);
    ck_assert_ptr_null(rule_at(n + 1));
}
END_TEST

START_TEST(reciprocals)
{
    ck_assert_int_eq(reciprocal_price(4000000, 2, 16), 250000000000); // 1 / 40,000 in 10^-16
    ck_assert_int_eq(reciprocal_price(3, 0, 1), 3);                   // 3.33…
    ck_assert_int_eq(reciprocal_price(6, 0, 1), 2);                   // 1.66…
    ck_assert_int_eq(reciprocal_price(4, 0, 1), 3);                   // 2.5: ties up
    ck_assert_int_eq(reciprocal_price(21, 0, 1), 0);                  // 0.47…: no such price
    ck_assert_int_eq(reciprocal_price(0, 2, 16), 0);
    ck_assert_int_eq(reciprocal_price(-1, 2, 16), 0);
    ck_assert_int_eq(reciprocal_price(1, 18, 18), 0); // beyond int64
    ck_assert_int_eq(reciprocal_price(1, 0, 18), 1000000000000000000);
    ck_assert_int_eq(reciprocal_price(INT64_MAX, 18, 18), 108420217248550443);
    ck_assert_int_eq(reciprocal_price(1, 19, 0), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {binance_isolated,
                                  binance_cross,
                                  linear_equality_is_healthy,
                                  no_position_no_requirement,
                                  inverse_threshold,
                                  inverse_rounds_against_the_account,
                                  row_is_exact_without_a_tier_edge,
                                  row_over_a_tier_edge_is_a_chord,
                                  rows_need_bands,
                                  size_restores_the_target,
                                  size_is_full_when_the_cost_exceeds_the_margin,
                                  settle_part,
                                  settle_with_deficit,
                                  settle_refuses,
                                  validate_names_the_remedy,
                                  validate_refuses_two_currencies,
                                  registry,
                                  reciprocals};
    Suite *s = suite_create("accounts/rules/perp");
    TCase *tc = tcase_create("perp");
    tcase_add_checked_fixture(tc, setup, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
