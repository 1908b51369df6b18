// SPDX-License-Identifier: Apache-2.0
// Several accounts breach at one price: their orders leave by value, and what a limit leaves room for goes to
// the most valuable.
#include "run/sessiontest.h"

// Six accounts that breach at one price, ids 1 to 6, with 3, 1, 6, 2, 5 and 4 BTC.
static void restart_with_many(int64_t max_minute)
{
    static const uint32_t btc[MANY] = {3, 1, 6, 2, 5, 4};
    struct err e = {{0}};
    const struct session_log log = {NULL, log_put};
    session_free(s);
    for (uint32_t i = MANY; i-- > 0;) {
        account[i] = account[0];
        account[i].id = i + 1;
        account[i].cash *= btc[i];
        account[i].position[0].size *= btc[i];
    }
    book.n_accounts = MANY;
    cfg.desk.max_minute_e8 = max_minute;
    device_close(dev);
    const struct device_config dc = {.backend = "model"};
    ck_assert_int_eq(device_open(&dc, &dev, &e), 0);
    s = session_new(&cfg, &book, dev, &gw.base, &log, true, &e);
    ck_assert_msg(s != NULL && session_begin(s, &e) == 0, "%s", e.msg);
    send_definition();
    send_ticker(60000.0);
}

static void check_orders(size_t n, const uint32_t *ids)
{
    ck_assert_uint_eq(gw.orders, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(gw.of[i], ids[i]);
}

START_TEST(test_most_valuable_first)
{
    static const uint32_t all[MANY] = {3, 5, 6, 1, 4, 2};
    struct err e = {{0}};
    restart_with_many(0);
    if (_i == 1) // they wait, and go when they may
        ck_assert_int_eq(session_kill(s, true, &e), 0);
    send_ticker(57000.0);
    if (_i == 1) {
        ck_assert_uint_eq(gw.orders, 0);
        ck_assert_int_eq(session_kill(s, false, &e), 0);
    }
    check_orders(MANY, all);
}
END_TEST

// What the limit leaves room for goes to the most valuable, then to whoever still fits; the others follow
// when there is room again.
START_TEST(test_limit_goes_to_the_most_valuable)
{
    static const uint32_t in_turn[MANY] = {3, 5, 2, 6, 1, 4};
    restart_with_many(0);
    send_ticker(57000.0);
    int64_t each = desk_counters(session_desk(s))->value_e8 / 21; // 1 + 2 + ... + 6 BTC
    memset(gw.of, 0, sizeof gw.of);
    gw.orders = 0;
    fill_market();
    restart_with_many(each * 12 + each / 2); // 6 + 5 + 1 of 12.5
    send_ticker(57000.0);
    check_orders(3, in_turn);
    ck_assert_uint_eq(session_counters(s)->refused_by_desk[DESK_LIMIT_MINUTE], 3);
    now += 60 * SECOND;
    send_ticker(57000.5);
    check_orders(MANY, in_turn);
}
END_TEST

// A size that was worked out ahead is not used once the market has other parameters, though prices and state
// are the same.
START_TEST(test_sized_ahead_for_old_parameters)
{
    struct err e = {{0}};
    restart_with_many(1);
    send_ticker(57500.0); // nothing may leave
    ck_assert_uint_eq(gw.orders, 0);
    struct desk *d = session_desk(s);
    const int64_t *px = oracle_prices(session_oracle(s));
    desk_ahead(d, 0, px);
    const int64_t before = desk_stake(d, 0, px, now);
    ck_assert_int_gt(before, 0);
    static struct market next;
    next = book.market;
    next.instrument[0].tier[0].rate_ppm *= 2;
    ck_assert_int_eq(session_market(s, &next, &e), 0);
    const int64_t after = desk_stake(d, 0, px, now);
    desk_ahead_forget(d);
    ck_assert_int_eq(after, desk_stake(d, 0, px, now));
    ck_assert_int_gt(after, before);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("session_ranked");
    TCase *t = tcase_create("session_ranked");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_most_valuable_first, 0, 2);
    tcase_add_test(t, test_limit_goes_to_the_most_valuable);
    tcase_add_test(t, test_sized_ahead_for_old_parameters);
    suite_add_tcase(su, t);
    return run_suite(su);
}
