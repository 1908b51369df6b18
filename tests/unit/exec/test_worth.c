// SPDX-License-Identifier: Apache-2.0
// Is it worth it: a liquidation measured on the contracts, each reason for no, sizes inside and at the edges
// of what the rule allows. The broad comparison with brute force is tests/diff/worth_diff.py.
#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/exit/cpmm.h"
#include "exec/exit/depth.h"
#include "exec/exit/worth.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WETH, USDC, WBTC, RESERVES };

static struct market market;
static struct account account;
static int64_t px[MARKET_ASSETS_MAX];
static struct worth_params params;
static struct worth_gas gas;
static struct cpmm pools;
static struct depth book;
static const struct exit_venue *venue, *other; // of WETH and of WBTC, into USDC
static struct worth w;
static struct err error;

static const int64_t DOLLAR = 100000000; // 1e-8
static const i128 USD = 1000000;         // units of USDC

static i128 ether(int64_t milli)
{
    return (i128)milli * 1000000000000000;
}

static void pool(u128 in, u128 out)
{
    pools.path[0] = (struct cpmm_path){.n = 1, .pool = {{in, out, 997, 1000}}};
    ck_assert_int_eq(cpmm_set(&pools, 1, 0, &error), 0);
    venue = &pools.venue;
}

// 10 WETH at 2800 against 23,500 USDC: HF 0.983.
static void setup(void)
{
    const u128 ray = (u128)1000000000 * 1000000000 * 1000000000;
    static const uint8_t DECIMALS[RESERVES] = {18, 6, 8};
    static const int64_t PRICE[RESERVES] = {2800, 1, 90000};
    memset(&market, 0, sizeof market);
    memset(&account, 0, sizeof account);
    market.n_assets = market.n_instruments = RESERVES;
    for (unsigned i = 0; i < RESERVES; i++) {
        market.asset[i] = (struct asset){.kind = ASSET_INDEX, .decimals = 8};
        market.instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                                   .size_decimals = DECIMALS[i],
                                                   .asset = (uint16_t)i,
                                                   .lt_bps = 8250,
                                                   .lb_bps = 10500,
                                                   .fee_bps = 1000,
                                                   .liquidity_index = ray,
                                                   .borrow_index = ray};
        px[i] = PRICE[i] * DOLLAR;
    }
    account = (struct account){.id = 9, .rule = &rule_aave_3_5, .n_positions = 2};
    account.position[0] = (struct position){.instrument = WETH, .collateral = true, .supply = ether(10000)};
    account.position[1] = (struct position){.instrument = USDC, .debt = 23500 * USD};
    params = (struct worth_params){.way = {{307825, 142008, 0}, {458116, 113328, 5}, {300000, 0, 5}},
                                   .n_levels = 1,
                                   .level = {{0, 1000000}},
                                   .tip_cap = 1000000000,
                                   .min_profit = 1,
                                   .scan = 8};
    gas = (struct worth_gas){0, 3000 * DOLLAR};
    // One level at the oracle's price, 30 bp off: 2800 USDC units for 1e12 wei.
    ck_assert_int_eq(depth_begin(&book, 1, 1, 12, 3000, &error), 0);
    ck_assert_int_eq(depth_add(&book, 2800, 1, INT64_MAX, 1, &error), 0);
    depth_end(&book);
    venue = &book.venue;
    other = NULL;
}

static const struct exit_venue *find_exit(void *ctx, uint16_t coll, uint16_t debt)
{
    (void)ctx;
    return debt != USDC ? NULL : coll == WETH ? venue : coll == WBTC ? other : NULL;
}

static enum worth_reason best(enum worth_way way)
{
    struct worth_exits exits = {.find = find_exit};
    ck_assert_msg(worth_check(&params, &error) == 0, "%s", error.msg);
    ck_assert_msg(rule_aave_3_5.validate(&market, &account, &error) == 0, "%s", error.msg);
    int rc = worth_best(&params, way, &gas, &market, &account, px, &exits, &w);
    ck_assert((rc == 0) == (w.reason == WORTH_YES));
    return w.reason;
}

static struct worth_token token(unsigned i)
{
    return (struct worth_token){px[i], market.instrument[i].size_decimals, 8};
}

// The figures of a call for `qty` of USDC, by the rule.
static struct worth at(enum worth_way way, i128 qty)
{
    struct account copy = account;
    struct order_leg leg[2] = {{.instrument = USDC, .qty = qty}, {.instrument = WETH, .qty = 0}};
    struct settlement s;
    ck_assert_msg(rule_aave_3_5.settle(&market, &copy, px, leg, 2, &s, &error) == 0, "%s", error.msg);
    struct worth_amounts x = {0, 0, 0};
    for (unsigned i = 0; i < s.n; i++) {
        u128 v = i256_lo(i256_abs(s.flow[i].amount));
        if (s.flow[i].party == PARTY_LIQUIDATOR)
            *(s.flow[i].instrument == USDC ? &x.paid : &x.got) = v;
        else if (s.flow[i].party == PARTY_VENUE)
            x.fee = v;
    }
    struct worth y;
    struct worth_token debt = token(USDC), coll = token(WETH);
    worth_value(&params, way, &gas, &debt, &coll, venue, &x, &y);
    return y;
}

START_TEST(as_measured_on_the_contracts)
{
    // docs/worth.md: half of the debt, 11,750 USDC for 4.385267857142857142 WETH; by flash loan (5 bp) and a
    // sale at the oracle's price less 30 bp 486.04 USDC remain.
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(w.full && w.debt == USDC && w.coll == WETH && w.slack < 10);
    ck_assert(w.x.paid == (u128)(11750 * USD) && w.x.got == UINT64_C(4385267857142857142));
    ck_assert(w.premium == 5875000 && w.gas == 458116);
    ck_assert(w.out - w.x.paid - w.premium == 486038749);
    ck_assert(w.profit == (i128)486038749 * 100);
    ck_assert(w.bonus == 58749999999 && w.fee == 5875000000 && w.premium_value == 587500000);
    ck_assert(w.bonus - w.fee - w.premium_value - w.slippage - w.gas_cost == w.profit);
}
END_TEST

START_TEST(gas_and_bids)
{
    gas.base_fee = UINT64_C(20000000000);
    best(WORTH_DIRECT);
    // 307825 * 20 gwei = 0.0061565 coins of 3000: 18.4695
    ck_assert(w.gas == 307825 && w.gas_cost == 1846950000 && w.premium == 0 && w.tip == 0);
    i128 room = w.profit;
    params.n_levels = 3;
    params.level[0] = (struct worth_level){0, 100000};
    params.level[1] = (struct worth_level){500000, 800000};
    params.level[2] = (struct worth_level){990000, 1000000};
    params.tip_cap = UINT64_C(10000000000000);
    best(WORTH_DIRECT);
    ck_assert(w.level == 1 && w.profit >= room / 2 && w.profit < room / 2 + 1000000);
    // Expected: 0.8 profit - 0.2 * 142008 units at the same price.
    i128 lost = ((i128)142008 * (gas.base_fee + w.tip) * 3000 * DOLLAR) / 1000000000000000000;
    ck_assert(w.expected <= (8 * w.profit - 2 * lost) / 10 &&
              w.expected > (8 * w.profit - 2 * lost) / 10 - 3);
    params.tip_cap = UINT64_C(30000000000); // all levels bid the same now: the surest is best
    best(WORTH_DIRECT);
    ck_assert(w.level == 2 && w.tip == params.tip_cap);
    params.tip_floor = params.tip_cap;
    params.n_levels = 1;
    best(WORTH_DIRECT);
    ck_assert(w.tip == params.tip_floor && w.gas_cost == 4617375000);
}
END_TEST

START_TEST(every_reason)
{
    venue = NULL;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_NO_EXIT);
    venue = &book.venue;
    params.way[WORTH_FLASH].premium_bps = 460;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_PREMIUM);
    params.way[WORTH_FLASH].premium_bps = 440; // 30 bp of the sale are more than what is left
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_SLIPPAGE);
    params.way[WORTH_FLASH].premium_bps = 5;
    gas.base_fee = UINT64_C(353645000000); // 458116 of it are 486.04
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(w.profit > 0 && w.profit < DOLLAR);
    params.min_profit = DOLLAR;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_MINIMUM);
    params.min_profit = 1;
    params.min_expected = DOLLAR;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_MINIMUM);
    gas.base_fee += 1000000000;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_GAS);
    ck_assert(w.profit < 0 && w.x.paid == (u128)(11750 * USD)); // a no has figures too
    market.instrument[WETH].fee_bps = 10000;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_BONUS);
    px[WETH] = 3000 * DOLLAR;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_NO_PAIR);
    for (int r = 0; r <= WORTH_REASONS; r++)
        for (int q = 0; q < r; q++)
            ck_assert_str_ne(worth_reason_name((enum worth_reason)r),
                             worth_reason_name((enum worth_reason)q));
}
END_TEST

START_TEST(part_of_what_is_allowed)
{
    pool((u128)ether(70000), (u128)(70 * 2800 * USD)); // half of the debt would move its price by 12 %
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(!w.full && w.x.paid == (u128)w.qty);
    struct worth found = w;
    i128 step = found.qty / 1000;
    ck_assert(at(WORTH_FLASH, found.qty).profit == found.profit);
    ck_assert(at(WORTH_FLASH, found.qty - step).profit < found.profit);
    ck_assert(at(WORTH_FLASH, found.qty + step).profit < found.profit);
    ck_assert(at(WORTH_FLASH, 11750 * USD).profit < found.profit / 2);
}
END_TEST

// 3,000 USDC against 1.2 WETH, HF 0.92: all may be repaid, or any amount that leaves 1,000 of both.
static void small_account(void)
{
    account.position[0].supply = ether(1200);
    account.position[1].debt = 3000 * USD;
}

START_TEST(dust_forbids_the_best)
{
    small_account();
    pool((u128)ether(42000), (u128)(42 * 2800 * USD)); // best would be about 2,300
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    struct worth found = w, edge = at(WORTH_FLASH, 2000 * USD), all = at(WORTH_FLASH, 3000 * USD);
    ck_assert(found.qty == 2000 * USD && found.profit == edge.profit && edge.profit > all.profit);
    // Between the two something would earn more than either: wanting that is answered by `dust`.
    params.min_profit = (int64_t)found.profit + DOLLAR / 100;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_DUST);
    ck_assert(w.profit == found.profit);
    params.min_profit = 1000 * DOLLAR;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_MINIMUM);
}
END_TEST

START_TEST(dust_forbids_the_most)
{
    // Half of all debts is 1,750: of 2,500 USDC it would leave 750. Up to 1,500 are legal.
    account.n_positions = 3;
    account.position[0].supply = ether(1490);
    account.position[1].debt = 2500 * USD;
    account.position[2] = (struct position){.instrument = WBTC, .debt = 1111111};
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(w.debt == USDC && !w.full && w.qty == 1500 * USD && w.x.paid == (u128)w.qty);
    params.min_profit = (int64_t)w.profit + DOLLAR;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_DUST);
    ck_assert(w.debt == USDC);
}
END_TEST

START_TEST(best_of_several_pairs)
{
    // 13,944 in WETH, 14,040 in WBTC: either covers the half that may be repaid; WBTC's bonus is twice as
    // large.
    static struct depth wbtc;
    account.n_positions = 3;
    account.position[0].supply = ether(4980);
    account.position[2] = (struct position){.instrument = WBTC, .collateral = true, .supply = 15600000};
    market.instrument[WBTC].lb_bps = 11000;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(w.coll == WETH); // no way out of WBTC
    ck_assert_int_eq(depth_begin(&wbtc, 1, 1, 0, 0, &error), 0);
    ck_assert_int_eq(depth_add(&wbtc, 900, 1, INT64_MAX, 1, &error), 0); // 900 units of USDC for one of WBTC
    depth_end(&wbtc);
    other = &wbtc.venue;
    struct worth weth = w;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(w.coll == WBTC && w.expected > weth.expected);
    venue = NULL;
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(w.coll == WBTC);
    venue = &book.venue;
    ck_assert_int_eq(depth_begin(&wbtc, 1, 1, 0, 60000, &error), 0); // 6 % to sell it
    ck_assert_int_eq(depth_add(&wbtc, 900, 1, INT64_MAX, 1, &error), 0);
    depth_end(&wbtc);
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(w.coll == WETH && w.expected == weth.expected);
}
END_TEST

START_TEST(same_token)
{
    account.n_positions = 1;
    account.position[0] = (struct position){
        .instrument = WETH, .collateral = true, .supply = ether(10000), .debt = ether(8300)};
    venue = NULL; // not asked
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    ck_assert(w.debt == WETH && w.coll == WETH && w.out == w.x.got && w.slippage <= 1);
    // Half of 8.3, with 5 % less the protocol's tenth of them.
    ck_assert(w.x.paid == (u128)ether(4150) && w.x.got == (u128)ether(4150) * 1045 / 1000);
}
END_TEST

START_TEST(at_the_trigger)
{
    gas.base_fee = UINT64_C(20000000000);
    pool((u128)ether(7000000), (u128)(7000 * (i128)2800 * USD));
    ck_assert_int_eq(best(WORTH_FLASH), WORTH_YES);
    struct worth_token usdc = token(USDC);
    ck_assert(worth_again(&w, &params, WORTH_FLASH, &gas, &usdc, venue, w.x.paid, w.x.got));
    ck_assert(worth_again(&w, &params, WORTH_FLASH, &gas, &usdc, venue, w.x.paid / 2, w.x.got / 2));
    ck_assert(!worth_again(&w, &params, WORTH_FLASH, &gas, &usdc, venue, w.x.paid, w.x.got * 95 / 100));
    ck_assert(!worth_again(&w, &params, WORTH_FLASH, &gas, &usdc, venue, w.out, w.x.got));
    struct worth_gas dear = {gas.base_fee * 20, gas.native};
    ck_assert(!worth_again(&w, &params, WORTH_FLASH, &dear, &usdc, venue, w.x.paid, w.x.got));
    // The least profit is the border, but for the venue's slop of a unit.
    params.min_profit = (int64_t)w.profit - 200;
    ck_assert(worth_again(&w, &params, WORTH_FLASH, &gas, &usdc, venue, w.x.paid, w.x.got));
    params.min_profit = (int64_t)w.profit + 1;
    ck_assert(!worth_again(&w, &params, WORTH_FLASH, &gas, &usdc, venue, w.x.paid, w.x.got));
    params.min_profit = 1;
    pool((u128)ether(7000000), (u128)(7000 * (i128)2800 * USD)); // told again: another version
    ck_assert(!worth_again(&w, &params, WORTH_FLASH, &gas, &usdc, venue, w.x.paid, w.x.got));
}
END_TEST

// docs/worth.md: where win (1 - share) >= (1 - win) share revert_gas / gas at every level, more before gas is
// never worth less.
START_TEST(more_is_worth_more)
{
    struct prng r;
    prng_seed(&r, test_seed(1));
    struct worth_token usdc = token(USDC), weth = token(WETH);
    for (int n = 0; n < 20000; n++) {
        params.level[0].share_ppm = (uint32_t)prng_below(&r, 1000000);
        params.level[0].win_ppm = (uint32_t)prng_below(&r, 1000001);
        const struct worth_level *l = &params.level[0];
        uint64_t revert = prng_below(&r, 400000), units = 307825;
        params.way[WORTH_DIRECT].revert_gas = (uint32_t)revert;
        params.tip_floor = prng_below(&r, 1000000000);
        params.tip_cap = params.tip_floor + prng_below(&r, UINT64_C(100000000000000));
        gas.base_fee = prng_below(&r, 100000000000);
        if ((u128)l->win_ppm * (1000000 - l->share_ppm) * units <
            (u128)(1000000 - l->win_ppm) * l->share_ppm * revert)
            continue;
        struct worth_amounts x = {(u128)(10000 * USD), (u128)ether(3700), 0};
        struct worth less, more;
        worth_value(&params, WORTH_DIRECT, &gas, &usdc, &weth, venue, &x, &less);
        x.paid -= 1 + prng_below(&r, 500000000);
        worth_value(&params, WORTH_DIRECT, &gas, &usdc, &weth, venue, &x, &more);
        // Rounding: a wei of tip more on the units of gas, and a unit each of three roundings.
        i128 wei = (i128)(units + revert) * gas.native / 1000000000000000000 + 3;
        ck_assert_msg(more.expected >= less.expected - wei, "case %d", n);
        ck_assert_msg(more.profit >= less.profit - wei, "case %d", n);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("worth");
    TCase *t = tcase_create("worth");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, as_measured_on_the_contracts);
    tcase_add_test(t, gas_and_bids);
    tcase_add_test(t, every_reason);
    tcase_add_test(t, part_of_what_is_allowed);
    tcase_add_test(t, dust_forbids_the_best);
    tcase_add_test(t, dust_forbids_the_most);
    tcase_add_test(t, best_of_several_pairs);
    tcase_add_test(t, same_token);
    tcase_add_test(t, at_the_trigger);
    tcase_add_test(t, more_is_worth_more);
    suite_add_tcase(s, t);
    return run_suite(s);
}
