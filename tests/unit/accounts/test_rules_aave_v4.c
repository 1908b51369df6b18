// SPDX-License-Identifier: Apache-2.0
// accounts/rules: Aave V4 by hand: the contract's own test EnoughCollateral, a premium that grows with the
// index alone, and which parameters an account can stand.
#include "accounts/rules/rule.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

static struct market market;
static struct account account;
static const i128 ETHER = (i128)1000000000 * 1000000000, DOLLAR = 1000000;
static const u128 RAY = (u128)1000000000 * 1000000000 * 1000000000;
enum { USDC, WETH, USDC_2, RESERVES };

static void reserve(unsigned i, const char *name, uint8_t decimals, uint16_t asset)
{
    struct instrument *in = &market.instrument[i];
    *in = (struct instrument){.kind = INST_RESERVE,
                              .size_decimals = decimals,
                              .asset = asset,
                              .lt_bps = 5000,
                              .lb_bps = 12000,
                              .fee_bps = 1000,
                              .liquidity_index = RAY,
                              .borrow_index = RAY};
    strcpy(in->name, name);
    ck_assert(term_set(&in->terms, TERM_TARGET_HEALTH, (u128)ETHER));
    ck_assert(term_set(&in->terms, TERM_MAX_BONUS_HEALTH, (u128)(ETHER / 10 * 8)));
    ck_assert(term_set(&in->terms, TERM_BONUS_FACTOR, 5000));
}

// 11,000 and 5,000 USDC at a factor of a half against 5 ETH of 2,000: health 0.8.
static void setup(void)
{
    memset(&market, 0, sizeof market);
    market.n_assets = 2;
    market.asset[0] = (struct asset){.kind = ASSET_INDEX, .decimals = 8};
    market.asset[1] = market.asset[0];
    market.n_instruments = RESERVES;
    reserve(USDC, "USDC", 6, 0);
    reserve(WETH, "WETH", 18, 1);
    reserve(USDC_2, "USDC-2", 6, 0);
    memset(&account, 0, sizeof account);
    account.id = 1;
    account.rule = &rule_aave_v4_1;
    account.n_positions = 3;
    account.position[0] = (struct position){.instrument = USDC, .collateral = true, .supply = 11000 * DOLLAR};
    account.position[1] = (struct position){.instrument = WETH, .debt = 5 * ETHER};
    account.position[2] =
        (struct position){.instrument = USDC_2, .collateral = true, .supply = 5000 * DOLLAR};
}

static const int64_t PX[] = {100000000, 200000000000};

static i256 flow_of(const struct settlement *s, unsigned party, int32_t instrument)
{
    i256 sum = I256_ZERO;
    for (unsigned k = 0; k < s->n; k++)
        if (s->flow[k].party == party && s->flow[k].instrument == instrument)
            sum = i256_add(sum, s->flow[k].amount);
    return sum;
}

static bool is(i256 v, i128 want)
{
    return i256_cmp(v, i256_from_i128(want)) == 0;
}

START_TEST(enough_collateral)
{
    static struct order_size o;
    static struct settlement s;
    struct err e;
    struct size_policy policy = {.target_ppm = 2000000};
    ck_assert_int_eq(rule_aave_v4_1.validate(&market, &account, &e), 0);
    ck_assert_int_eq(rule_aave_v4_1.size(&market, &account, PX, &policy, &o), 0);
    ck_assert(o.full && o.leg[0].qty == ETHER / 2 * 5 && o.leg[0].instrument == WETH);
    ck_assert_uint_eq(o.leg[1].instrument, USDC); // the other would leave less than the whole part
    ck_assert(is(o.value, (i128)5000 * PX[0]) && is(o.reward, (i128)900 * PX[0]));
    ck_assert_int_eq(rule_aave_v4_1.settle(&market, &account, PX, o.leg, o.n, &s, &e), 0);
    ck_assert(is(flow_of(&s, PARTY_LIQUIDATOR, USDC), 5900 * DOLLAR));
    ck_assert(is(flow_of(&s, PARTY_VENUE, USDC), 100 * DOLLAR));
    ck_assert(is(flow_of(&s, PARTY_ACCOUNT, USDC), -6000 * DOLLAR));
    ck_assert(account.position[0].supply == 5000 * DOLLAR && account.position[1].debt == o.leg[0].qty);
    struct health h;
    rule_aave_v4_1.health(&market, &account, PX, &h);
    ck_assert(!h.liquidatable && i256_cmp(h.equity, h.requirement) == 0); // at its target, 1
}
END_TEST

// Half a premium share for each drawn one, with nothing accrued at index 1.
START_TEST(premium_grows_with_the_index)
{
    struct position *p = &account.position[1];
    struct err e;
    p->size = p->debt / 2;
    p->funding = p->size; // 18 decimals, as the token's
    ck_assert_int_eq(rule_aave_v4_1.validate(&market, &account, &e), 0);
    ck_assert(is(rule_aave_v4_1.holding(&market, p), -5 * ETHER));
    market.instrument[WETH].borrow_index = RAY / 10 * 11;
    ck_assert(is(rule_aave_v4_1.holding(&market, p), -ETHER / 100 * 575));
    p->funding = p->size * 2; // of an index still to be told
    ck_assert(is(rule_aave_v4_1.holding(&market, p), -ETHER / 10 * 55));
}
END_TEST

// What is valid before is valid after, wherever `within` agrees: at the last bit and beside it.
START_TEST(parameters_within_range)
{
    struct err e;
    struct reach r = {.held = true, .debt_bits = 63};
    account.position[1].debt = INT64_MAX;
    struct instrument *in = &market.instrument[WETH];
    unsigned refused = 0;
    for (unsigned k = 0; k < 24; k++, in->borrow_index *= 2) {
        bool valid = rule_aave_v4_1.validate(&market, &account, &e) == 0;
        ck_assert(!rule_aave_v4_1.within(&market, WETH, &r) || valid);
        refused += !valid;
    }
    ck_assert_uint_eq(refused, 0);
    r.debt_bits = 100;
    account.position[1].debt = ((i128)1 << 100) - 1;
    ck_assert(!rule_aave_v4_1.within(&market, WETH, &r));
    ck_assert_int_ne(rule_aave_v4_1.validate(&market, &account, &e), 0);
    in->borrow_index = RAY;
    ck_assert(rule_aave_v4_1.within(&market, WETH, &r));
    ck_assert_int_eq(rule_aave_v4_1.validate(&market, &account, &e), 0);
    in->lt_bps = 8400; // times 1.2 is above 1
    ck_assert(!rule_aave_v4_1.within(&market, WETH, &r));
}
END_TEST

// A premium keeps an offset in its range through every repayment that the index allows.
START_TEST(premium_within_range)
{
    struct reach r = {.held = true, .debt_bits = 90, .size_bits = 90};
    ck_assert(rule_aave_v4_1.within(&market, WETH, &r));
    r.size_bits = 100;
    ck_assert(!rule_aave_v4_1.within(&market, WETH, &r));
    r.size_bits = 99;
    ck_assert(rule_aave_v4_1.within(&market, WETH, &r));
    market.instrument[WETH].borrow_index = RAY * 2;
    ck_assert(!rule_aave_v4_1.within(&market, WETH, &r));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accounts/rules/aave_v4");
    TCase *t = tcase_create("aave_v4");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, enough_collateral);
    tcase_add_test(t, premium_grows_with_the_index);
    tcase_add_test(t, parameters_within_range);
    tcase_add_test(t, premium_within_range);
    suite_add_tcase(s, t);
    return run_suite(s);
}
