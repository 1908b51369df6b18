// SPDX-License-Identifier: Apache-2.0
// Rankings and the waterfall of each protocol on one small market, by hand.
#include <check.h>
#include <string.h>

#include "econ/waterfall.h"
#include "run_suite.h"

enum { N = 4 };

struct rig {
    struct margin account[N];
    struct adl_entry scratch[N];
    i128 share[2 * N];
    struct perp_market m;
};

// A long of 10 at 100 with 50 of its own money (0); shorts of 6 at 100 (1) and of 4 at 90 (2); one with cash
// only (3). Mark 90, before it 97: account 0 is worth -50.
static void lay(struct rig *r, i128 fund, i128 floor, bool whole)
{
    *r = (struct rig){.account = {{.cash = 50 - 1000, .size = 10, .cost = 1000},
                                  {.cash = 300 + 600, .size = -6, .cost = -600},
                                  {.cash = 200 + 360, .size = -4, .cost = -360},
                                  {.cash = 1000}}};
    r->m = (struct perp_market){.account = r->account, .n = N, .scratch = r->scratch, .share = r->share};
    r->m.price = 90;
    r->m.prior = 97;
    r->m.per = 1;
    r->m.maintenance_ppm = 50000;
    r->m.fund = (struct fund){.balance = fund, .floor = floor, .quota = FUND_NO_QUOTA, .whole = whole};
}

static bool cash(const struct rig *r, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t want[N] = {a, b, c, d};
    for (int i = 0; i < N; i++)
        if (r->account[i].cash != want[i])
            return false;
    return true;
}

START_TEST(test_ranks)
{
    struct rig r;
    lay(&r, 0, 0, false);
    struct adl_entry e[N];
    // 1: profit 60 of 600, leverage 540 / 360; 2: nothing made
    ck_assert_uint_eq(adl_order(r.account, N, 90, 1, -1, ADL_BITMEX, 0, e), 2);
    ck_assert_uint_eq(e[0].account, 1);
    // 540/600 * 540/360 = 1.35 and 360/360 * 360/200 = 1.8
    ck_assert_uint_eq(adl_order(r.account, N, 90, 1, -1, ADL_HYPERLIQUID, 0, e), 2);
    ck_assert_uint_eq(e[0].account, 2);
    // 600/360 = 1.67 and 360/200 = 1.8
    ck_assert_uint_eq(adl_order(r.account, N, 90, 1, -1, ADL_HYPERLIQUID_SIDED, 0, e), 2);
    ck_assert_uint_eq(e[0].account, 2);
    ck_assert_uint_eq(adl_order(r.account, N, 90, 1, -1, ADL_DYDX, 3, e), 2);
    ck_assert_uint_eq(e[0].account, 2);
    ck_assert_uint_eq(e[1].account, 1);
    ck_assert_uint_eq(adl_order(r.account, N, 90, 1, 1, ADL_BITMEX, 0, e), 0); // bankrupt itself
    ck_assert_uint_eq(adl_order(r.account, N, 90, 1, 1, ADL_DYDX, 0, e), 1);
}
END_TEST

START_TEST(test_equal_scores_lower_number)
{
    struct rig r;
    lay(&r, 0, 0, false);
    r.account[2] = r.account[1];
    struct adl_entry e[N];
    for (int rank = ADL_BITMEX; rank < ADL_DYDX; rank++) {
        ck_assert_uint_eq(adl_order(r.account, N, 90, 1, -1, (enum adl_rank)rank, 0, e), 2);
        ck_assert_uint_eq(e[0].account, 1);
    }
}
END_TEST

START_TEST(test_deleveraged_at_the_bankruptcy_price)
{
    struct rig r;
    struct loss l;
    lay(&r, 0, 0, true);
    i128 money = perp_market_money(&r.m);
    ck_assert_int_eq(waterfall_run(&r.m, &waterfall_dydx, 0, NULL, 0, 0, &l), 0);
    // its bankruptcy price is 95: the shorts buy back 5 above the mark
    ck_assert(l.deleveraged == 10 && l.left == 0 && l.adl_fills == 2);
    ck_assert(cash(&r, 0, 900 - 570, 560 - 380, 1000));
    ck_assert(r.account[1].size == 0 && r.account[1].cost == 0);
    ck_assert(perp_market_money(&r.m) == money);
}
END_TEST

START_TEST(test_fund_settles_a_fill)
{
    struct rig r;
    struct loss l;
    const struct offer bid = {.account = 3, .size = 4, .price = 90};
    lay(&r, 20, 0, true);
    ck_assert_int_eq(waterfall_run(&r.m, &waterfall_dydx, 0, &bid, 1, 0, &l), 0);
    ck_assert(l.sold == 4 && l.from_fund == 20 && l.deleveraged == 6); // 5 a piece
    ck_assert(r.m.fund.balance == 0 && r.account[0].cash == 0);
    lay(&r, 19, 0, true); // one unit short: the fill is not made
    ck_assert_int_eq(waterfall_run(&r.m, &waterfall_dydx, 0, &bid, 1, 0, &l), 0);
    ck_assert(l.sold == 0 && l.from_fund == 0 && l.deleveraged == 10 && r.m.fund.balance == 19);
}
END_TEST

START_TEST(test_sold_then_fund_then_others)
{
    struct rig r;
    struct loss l;
    const struct offer bid = {.account = 3, .size = 10, .price = 90};
    lay(&r, 21, 1, false);
    i128 money = perp_market_money(&r.m);
    ck_assert_int_eq(waterfall_run(&r.m, &waterfall_mango, 0, &bid, 1, 0, &l), 0);
    // 50 are missing: 20 from the fund; 30 by size of 6, 4 and 10
    ck_assert(l.sold == 10 && l.from_fund == 20 && l.from_others == 30 && l.booked == 0 && l.over == 0);
    ck_assert(cash(&r, 0, 900 - 9, 560 - 6, 1000 - 900 - 15));
    ck_assert(r.m.fund.balance == 1 && perp_market_money(&r.m) == money);
    lay(&r, 1, 1, false); // Drift: 2.5 for each unit of base
    ck_assert_int_eq(waterfall_run(&r.m, &waterfall_drift, 0, &bid, 1, 0, &l), 0);
    ck_assert(l.from_fund == 0 && l.from_others == 50 && l.booked == 0 &&
              perp_market_money(&r.m) == money - 20);
    ck_assert(cash(&r, 0, 900 - 15, 560 - 10, 1000 - 900 - 25));
}
END_TEST

START_TEST(test_at_the_prior_mark_and_booked)
{
    struct rig r;
    struct loss l;
    lay(&r, 0, 0, false);
    ck_assert_int_eq(waterfall_run(&r.m, &waterfall_hyperliquid, 0, NULL, 0, 0, &l), 0);
    ck_assert(cash(&r, 20, 900 - 582, 560 - 388, 1000) && l.booked == 0); // 97 was above 95
    lay(&r, 0, 0, false);
    r.m.prior = 94;
    i128 money = perp_market_money(&r.m);
    ck_assert_int_eq(waterfall_run(&r.m, &waterfall_hyperliquid, 0, NULL, 0, 0, &l), 0);
    ck_assert(l.booked == 10 && r.m.deficit == 10 && perp_market_money(&r.m) == money);
    ck_assert(perp_market_cover(&r.m, 4) == 4 && perp_market_cover(&r.m, 40) == 6);
    ck_assert(perp_market_money(&r.m) == money + 10);
}
END_TEST

// BitMEX, "Auto-Deleveraging Further Information": longs of 10, 10, 20, 30, 20, 10 with scores 3, 6, 1, 4, 5,
// 2; a short of 20 with a bankruptcy price of 650 (here in sixtieths). The second is closed, the fifth keeps
// 10 of 20.
START_TEST(test_bitmex_published)
{
    static const struct {
        int64_t size, score;
    } v[] = {{10, 3}, {10, 6}, {20, 1}, {30, 4}, {20, 5}, {10, 2}, {-20, 0}};
    enum { ALL = sizeof v / sizeof *v, AT = 650 * 60 };
    struct margin account[ALL];
    struct adl_entry scratch[ALL];
    i128 share[2 * ALL];
    for (int i = 0; i < ALL; i++) {
        int64_t value = v[i].size * AT; // entered at half of it: a profit of 100 %
        account[i] = (struct margin){
            .cash = v[i].score ? value / v[i].score - value : -value, .size = v[i].size, .cost = value / 2};
    }
    struct perp_market m = {.account = account, .n = ALL, .scratch = scratch, .share = share, .per = 1};
    m.price = m.prior = AT + 1;
    m.maintenance_ppm = 50000;
    struct loss l;
    const i128 before[2] = {account[1].cash, account[4].cash};
    ck_assert_int_eq(waterfall_run(&m, &waterfall_bitmex, ALL - 1, NULL, 0, 0, &l), 0);
    ck_assert(l.adl_fills == 2 && l.left == 0 && account[ALL - 1].cash == 0);
    ck_assert(account[1].size == 0 && account[4].size == 10);
    ck_assert(account[1].cash - before[0] == 10 * AT && account[4].cash - before[1] == 10 * AT);
}
END_TEST

START_TEST(test_out_of_range_changes_nothing)
{
    struct rig r, before;
    struct loss l;
    const struct offer bad[] = {{.account = N, .size = 1, .price = 1},
                                {.account = 3, .size = 0, .price = 1},
                                {.account = 3, .size = 1, .price = 0},
                                {.account = 3, .size = ECON_MOST, .price = 2}};
    lay(&r, 5, 0, false);
    memcpy(&before, &r, sizeof r);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(waterfall_run(&r.m, &waterfall_drift, 0, &bad[i], 1, 0, &l), -1);
    ck_assert_int_eq(waterfall_run(&r.m, &waterfall_drift, N, NULL, 0, 0, &l), -1);
    ck_assert(!perp_market_trade(&r.m, 0, 0, 1, 1) && !perp_market_trade(&r.m, 0, 1, 0, 1) &&
              !perp_market_funding(&r.m, ECON_MOST));
    ck_assert_mem_eq(before.account, r.account, sizeof r.account);
    ck_assert(r.m.fund.balance == 5 && r.m.deficit == 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("econ_waterfall");
    TCase *t = tcase_create("waterfall");
    tcase_add_test(t, test_ranks);
    tcase_add_test(t, test_equal_scores_lower_number);
    tcase_add_test(t, test_deleveraged_at_the_bankruptcy_price);
    tcase_add_test(t, test_fund_settles_a_fill);
    tcase_add_test(t, test_sold_then_fund_then_others);
    tcase_add_test(t, test_at_the_prior_mark_and_booked);
    tcase_add_test(t, test_bitmex_published);
    tcase_add_test(t, test_out_of_range_changes_nothing);
    suite_add_tcase(s, t);
    return run_suite(s);
}
