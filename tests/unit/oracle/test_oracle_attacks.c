// SPDX-License-Identifier: Apache-2.0
// The cases of test_manipulation.c from the wire's side: what reaches the device (price_change) when the
// messages of venues say so. Stated before each case, then shown.
#include "oracle/oracle_three.h"
#include "run_suite.h"

// Honest prices 500.00, 500.01, 500.02.
static void honest(const char *more)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s", THREE, more);
    open_oracle(text);
    define_all();
    deribit_says(500);
    cde_says(500.01);
    cme_says(500.01, 500.03);
    ck_assert_int_eq(price(X), 50001);
}

// The one source, with the index of the same ticker: asset Y by the store's guard of 2 %.
static void one(void)
{
    m.asset[Y].guard_ppm = 20000;
    open_oracle(NULL);
    define_all();
    from(VENUE_DERIBIT, 1);
    ticker(BTC, 500, 500, OPEN);
    (void)end();
    ck_assert_int_eq(price(Y), 50000);
}

static bool reached(uint16_t asset, int64_t *px)
{
    for (size_t i = 0; i < n_changed; i++)
        if (changed[i].asset == asset) {
            *px = changed[i].price;
            return true;
        }
    return false;
}

static const char *const HOW[] = {"", "aggregate weighted\n"};

// One venue prints twice the price. The device gets the next honest price and goes back; nothing is held.
START_TEST(test_spike)
{
    int64_t px = 0;
    honest(HOW[_i]);
    deribit_says(1000);
    ck_assert(reached(X, &px) && px == 50002);
    deribit_says(500);
    ck_assert(reached(X, &px) && px == 50001);
    ck_assert_int_eq(hold(X), HOLD_NONE);
}
END_TEST

// The only source does. The device gets nothing, nor does its reciprocal; no order rests on it until the
// price is back within 2 %.
START_TEST(test_spike_of_the_only_source)
{
    int64_t px = 0;
    one();
    ticker(BTC, 1000, 500, OPEN);
    (void)end();
    ck_assert(!reached(Y, &px) && !reached(INV_Y, &px));
    ck_assert_int_eq(hold(Y), HOLD_GUARD);
    ck_assert_int_eq(hold(INV_Y), HOLD_GUARD);
    ticker(BTC, 501, 500, OPEN);
    (void)end();
    ck_assert(reached(Y, &px) && px == 50100 && reached(INV_Y, &px));
    ck_assert_int_eq(hold(Y), HOLD_NONE);
}
END_TEST

// One venue is dragged away by 0.02 % every 10 ms. The device gets 500.01 and 500.02 only.
START_TEST(test_drag)
{
    int64_t px = 0;
    honest(HOW[_i]);
    for (int i = 1; i <= 2000; i++) {
        pass(10);
        cde_says(500.01);
        cme_says(500.01, 500.03);
        deribit_says(500 + 0.1 * i);
        ck_assert(!reached(X, &px) || px == 50002 || px == 50001);
        ck_assert_int_eq(hold(X), HOLD_NONE);
    }
}
END_TEST

// The only source is. The device follows to exactly 2 % above its index, then gets nothing.
START_TEST(test_drag_of_the_only_source)
{
    one();
    for (int cents = 50001; cents <= 52000; cents++) {
        int64_t px = 0;
        pass(10);
        ticker(BTC, cents / 100.0, 500, OPEN);
        (void)end();
        ck_assert(reached(Y, &px) == (cents <= 51000));
        ck_assert_int_eq(hold(Y), cents <= 51000 ? HOLD_NONE : HOLD_GUARD);
    }
    ck_assert_int_eq(price(Y), 51000);
}
END_TEST

// The one book is crossed: the device gets the upper of the two others. Uncrossed, all three count again.
START_TEST(test_crossed_book)
{
    int64_t px = 0;
    honest("");
    cme_says(600, 400);
    ck_assert(!reached(X, &px)); // 500.00 and 500.01
    ck_assert_uint_eq(live(X), 3);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    cme_says(500.03, 500.05);
    ck_assert_uint_eq(live(X), 7);
    // A crossed book as the only source: nothing reaches the device.
    open_oracle("asset X\nsource cme BTCZ6 mid\n");
    define_all();
    cme_says(500, 500.02);
    cme_says(500.03, 500);
    ck_assert_uint_eq(n_changed, 0);
    ck_assert_int_eq(hold(X), HOLD_RANGE);
    ck_assert_int_eq(price(X), 50001);
}
END_TEST

// One venue falls by 30 % within 3 s and recovers: the device never gets anything below 500.
START_TEST(test_flash_crash)
{
    int64_t px = 0;
    honest(HOW[_i]);
    for (int i = 0; i <= 600; i++) {
        pass(10);
        deribit_says(500 - (i < 300 ? i : 600 - i) * 0.5);
        ck_assert(!reached(X, &px) || (px >= 50000 && px <= 50002));
        cde_says(500.01);
        ck_assert(!reached(X, &px) || (px >= 50000 && px <= 50002));
        cme_says(500.01, 500.03);
        ck_assert(!reached(X, &px) || (px >= 50000 && px <= 50002));
        ck_assert_int_eq(hold(X), HOLD_NONE);
    }
}
END_TEST

// All fall: with the second venue's word each step reaches the device.
START_TEST(test_crash_of_the_market)
{
    honest(HOW[_i]);
    for (int cents = 49900; cents > 30000; cents -= 100) {
        int64_t px = 0;
        pass(1);
        deribit_says(cents / 100.0);
        cde_says(cents / 100.0);
        ck_assert(reached(X, &px) && px == cents);
        cme_says(cents / 100.0, cents / 100.0);
        ck_assert(!reached(X, &px));
    }
}
END_TEST

// One venue falls silent, or repeats its last message: for 2 s it counts, then the two others decide. With a
// second one silent the device gets nothing.
START_TEST(test_freeze)
{
    int64_t px = 0;
    honest("");
    uint64_t stamp = p.ts_ns;
    from(VENUE_DERIBIT, 1);
    ticker_at(BTC, 500, 500, OPEN, stamp);
    (void)end();
    for (int i = 0; i < 20; i++) {
        pass(100);
        from(VENUE_DERIBIT, 1);
        if (_i)
            ticker_at(BTC, 500, 500, OPEN, stamp);
        (void)end();
        cde_says(501);
        cme_says(502, 502);
        ck_assert_int_eq(price(X), 50100); // the middle one
    }
    pass(1);
    cme_says(502, 502);
    ck_assert(reached(X, &px) && px == 50200);
    pass(2000);
    cme_says(503, 503);
    ck_assert(!reached(X, &px));
    ck_assert_int_eq(hold(X), HOLD_STALE);
    cde_says(503);
    ck_assert(reached(X, &px) && px == 50300);
}
END_TEST

// Yesterday's messages once more, with their own times: none reaches the device, none opens or halts the
// instrument, none keeps the source alive.
START_TEST(test_replay)
{
    int64_t px = 0;
    honest("");
    uint64_t stamp = p.ts_ns;
    from(VENUE_DERIBIT, 1);
    ticker_at(BTC, 500, 500, OPEN, stamp);
    (void)end();
    for (uint64_t i = 1; i <= 1000; i++) {
        pass(1);
        from(VENUE_DERIBIT, 1);
        ticker_at(BTC, 250, 250, i % 2 ? SHUT : OPEN, stamp - i);
        ck_assert_uint_eq(end(), 0);
        ck_assert_uint_eq(live(X), 7);
    }
    ck_assert_uint_eq(oracle_counters(o)->old, 1000);
    pass(1001);
    cde_says(500.01);
    cme_says(500.01, 500.03);
    ck_assert_uint_eq(live(X), 6);
    ck_assert(reached(X, &px) && px == 50002);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("oracle_attacks");
    TCase *t = tcase_create("oracle_attacks");
    tcase_add_checked_fixture(t, set_market, close_oracle);
    tcase_add_loop_test(t, test_spike, 0, 2);
    tcase_add_test(t, test_spike_of_the_only_source);
    tcase_add_loop_test(t, test_drag, 0, 2);
    tcase_add_test(t, test_drag_of_the_only_source);
    tcase_add_test(t, test_crossed_book);
    tcase_add_loop_test(t, test_flash_crash, 0, 2);
    tcase_add_loop_test(t, test_crash_of_the_market, 0, 2);
    tcase_add_loop_test(t, test_freeze, 0, 2);
    tcase_add_test(t, test_replay);
    suite_add_tcase(s, t);
    return run_suite(s);
}
