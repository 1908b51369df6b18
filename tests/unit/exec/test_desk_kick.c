// SPDX-License-Identifier: Apache-2.0
// Orders that start an auction are judged by what that pays, with numbers that can be followed by hand: at
// the least profit and one below it, by rule, without a way out, made ready beforehand; and rules that pay
// themselves.
#include <check.h>
#include <string.h>

#include "accounts/book.h"
#include "exec/desk_inside.h"
#include "exec/one_borrower.h"
#include "run_suite.h"

#define E8 INT64_C(100000000)
static const uint64_t S = UINT64_C(1000000000);

static struct {
    struct gateway base;
    struct gateway_order last;
    unsigned n;
} gw;
static uint64_t lsn;
static struct order_record told;
static struct book book;
static struct desk *desk;
static struct desk_config cfg;
static int64_t px[MARKET_ASSETS_MAX];

static int take_order(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    gw.last = *o;
    gw.n++;
    return 0;
}
static const struct gateway_ops ops = {.submit = take_order};

static uint64_t log_put(void *ctx, enum journal_type type, const void *data, size_t len)
{
    (void)ctx;
    if (type == J_ORDER)
        ck_assert_int_eq(order_record_decode(data, len, &told), 0);
    return ++lsn;
}

static void open_desk(void)
{
    const struct desk_log log = {NULL, log_put};
    struct err e;
    desk_free(desk);
    desk = desk_new(&cfg, &book, &gw.base, &log, &e);
    ck_assert_msg(desk != NULL, "%s", e.msg);
}

// 120,000 of collateral at a threshold of 80 %, a spread of 5 %, 100,000 of debt, of which 50,000 may be
// repaid. Tab 50,000 at 113 %, of that 2 %, and 7 dollars: 1137 for who starts it, where the bonus would be
// 2500.
static void setup(void)
{
    memset(&gw, 0, sizeof gw);
    gw.base.ops = &ops;
    one_borrower(&book, px);
    cfg = (struct desk_config){.desk = 1,
                               .size = {1100000, 100},
                               .ready_tolerance_ppm = 50000,
                               .ready_by = DESK_READY_BY_PRICE,
                               .kick = {11300, 200, 0, 7 * E8}};
}
static void teardown(void)
{
    desk_free(desk);
    desk = NULL;
    book_free(&book);
}

static enum desk_answer fire(int64_t min_profit_e8)
{
    cfg.min_profit_e8 = min_profit_e8;
    open_desk();
    return desk_fire(desk, 0, px, S, 0);
}

START_TEST(the_starters_reward)
{
    ck_assert_int_eq(fire(1137 * E8), DESK_SENT);
    ck_assert_int_eq(told.value_e8, 50000 * E8);
    ck_assert_int_eq(told.reward_e8, 1137 * E8);
    ck_assert_int_eq(fire(1137 * E8 + 1), DESK_NO_PROFIT);
    cfg.cost_e8 = 5;
    ck_assert_int_eq(fire(1137 * E8 - 5), DESK_SENT);
    ck_assert_int_eq(fire(1137 * E8 - 4), DESK_NO_PROFIT);
}
END_TEST

START_TEST(none_of_it)
{
    cfg.kick = (struct kick_terms){.chop_bps = 10000};
    ck_assert_int_eq(fire(1), DESK_NO_PROFIT); // nobody pays for it, whatever the bonus
    ck_assert_int_eq(fire(0), DESK_SENT);
    cfg.kick = (struct kick_terms){.chop_bps = 0}; // sold at once
    ck_assert_int_eq(fire(2500 * E8), DESK_SENT);
    ck_assert_int_eq(told.reward_e8, 2500 * E8);
}
END_TEST

START_TEST(of_one_rule)
{
    cfg.kick.rule = kick_rule("aave-3.5");
    ck_assert_int_eq(fire(0), DESK_SENT);
    ck_assert_int_eq(told.reward_e8, 1137 * E8);
    cfg.kick.rule = kick_rule("aave-3.6");
    ck_assert_int_eq(fire(0), DESK_SENT);
    ck_assert_int_eq(told.reward_e8, 2500 * E8);
    ck_assert(kick_rule("") == 0 && kick_rule("aave-3.5") != kick_rule("aave-3.6"));
}
END_TEST

// Who starts it has nothing to sell, so it needs no way out; the size is the rule's.
START_TEST(with_worth)
{
    cfg.worth = (struct desk_worth_config){.mode = DESK_WORTH_DIRECT, .gas = 1, .level = {{0, 500000}}};
    cfg.worth.tip_cap = 1;
    ck_assert_int_eq(fire(1137 * E8), DESK_SENT);
    ck_assert_int_eq(told.reward_e8, 1137 * E8);
    cfg.kick.chop_bps = 0;
    ck_assert_int_eq(fire(1137 * E8), DESK_NO_PROFIT);
}
END_TEST

START_TEST(made_ready)
{
    int64_t reward, cost;
    cfg.min_profit_e8 = 1130 * E8;
    open_desk();
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(desk_counters(desk)->ready_made, 1);
    desk_reward(desk, 0, px, &reward, &cost);
    ck_assert(reward > 1130 * E8 && reward <= 1137 * E8);
    ck_assert_int_eq(desk_fire(desk, 0, px, S, 0), DESK_SENT);
    ck_assert(told.ready && told.reward_e8 == reward);
    cfg.stages = STAGES_SPLIT;
    cfg.stage = (struct stage_params)STAGE_PARAMS_DEFAULT;
    cfg.min_profit_e8 = 0;
    open_desk();
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_SENT);
    ck_assert_int_eq(told.reward_e8 / 1000, (7 * E8 + told.value_e8 * 226 / 10000) / 1000);
    cfg.stages = STAGES_NONE;
    open_desk(); // none is ready: roughly, of all that is owed
    desk_reward(desk, 0, px, &reward, &cost);
    ck_assert_int_eq(reward, 2267 * E8);
}
END_TEST

START_TEST(rules_that_pay_themselves)
{
    const struct kick_terms k = {11300, 200, 0, 7 * E8};
    ck_assert(kick_of(&k, &rule_aave_3_5) && !kick_of(&k, &rule_perp_linear_1));
    ck_assert(!kick_of(&k, &rule_maker_dog_1) && !kick_of(&k, &rule_liquity_1));
    const struct kick_terms most = {100000, 10000, 0, INT64_MAX};
    i256 v = kick_reward(&most, i256_from_i64(INT64_MAX));
    ck_assert_int_eq(i256_cmp(v, i256_mul_i64(i256_from_i64(INT64_MAX), 11)), 0);
    v = kick_reward(&k, i256_from_i64(99)); // 111 after chop, 2 of it
    ck_assert_int_eq(i256_to_i64(v), 7 * E8 + 2);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("desk_kick");
    TCase *t = tcase_create("kick");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_starters_reward);
    tcase_add_test(t, none_of_it);
    tcase_add_test(t, of_one_rule);
    tcase_add_test(t, with_worth);
    tcase_add_test(t, made_ready);
    tcase_add_test(t, rules_that_pay_themselves);
    suite_add_tcase(su, t);
    return run_suite(su);
}
