// SPDX-License-Identifier: Apache-2.0
// With predict, what a told price may be next keeps an order ready, chooses the price that it is made for,
// and decides what it is expected to bring; every session is replayed.
#include "pairsteps.h"
#include "run/inside.h"

// The pair breaches at 2727.27; near is within 0.1 %, the oracle tells what has moved by 0.5 %.
static void open_keeping(uint32_t predict, uint32_t keep_ppm)
{
    open_rig();
    rig.cfg.engine.warn_ppm = 1000;
    rig.cfg.engine.predict = predict;
    rig.cfg.expect.keep_ppm = keep_ppm;
    rig.cfg.expect.deviation_ppm = 5000;
    rig.cfg.expect.due_ms = 0;
    begin();
}
static void keeping(void)
{
    open_keeping(1, 100000);
}
static void not_keeping(void)
{
    open_keeping(1, 0);
}
static void not_predicting(void)
{
    open_keeping(0, 100000);
}

static uint64_t retired(void)
{
    return desk_counters(session_desk(rig.session))->ready_retired;
}
static uint64_t kept(void)
{
    return session_counters(rig.session)->kept;
}

// The market comes near and leaves again, with an edge of the oracle's below the breach.
static void come_and_go(void)
{
    tell_all(START[BTC], 2740, START[SOL]);
    for (int i = 0; i < 4; i++) {
        pass(1);
        market_says(ETH, i % 2 ? 2734 : 2740, 2740); // so that there is some variance
    }
    pass(1);
    market_says(ETH, 2728.5, 2728.5);
    ck_assert_uint_eq(got.ready, 1);
    pass(1);
    market_says(ETH, 2734, 2734);
}

START_TEST(test_kept_for_what_comes_next)
{
    come_and_go();
    ck_assert_uint_eq(kept(), 1);
    ck_assert_uint_eq(retired(), 0);
    const int64_t *px = next_prices(rig.session, EVEN);
    ck_assert(px != NULL);
    ck_assert_int_eq(px[ETH], quanta(2726.3)); // 0.5 % below what is told
    ck_assert_int_eq(px[SOL], quanta(START[SOL]));
    ck_assert_int_eq(px[BTC], quanta(START[BTC]));
    tell_all(START[BTC], 2726.3, START[SOL]);
    ck_assert_uint_eq(got.orders, 1);
    ck_assert_uint_eq(got.handed, 1); // it was the one that was kept
}
END_TEST

START_TEST(test_given_up_when_nothing_threatens)
{
    come_and_go();
    ck_assert_uint_eq(retired(), 0);
    pass(1);
    tell_all(START[BTC], 3000, START[SOL]); // an edge at 2985 takes nobody to zero
    ck_assert_uint_eq(retired(), 1);
    ck_assert(next_prices(rig.session, EVEN) == NULL);
    ck_assert_uint_eq(kept(), 1);
}
END_TEST

// As before there were candidates.
START_TEST(test_retired_at_once)
{
    come_and_go();
    ck_assert_uint_eq(kept(), 0);
    ck_assert_uint_eq(retired(), 1);
}
END_TEST

// A new state ends the order; the pair is kept, so a new one is made with the next prices.
START_TEST(test_kept_over_a_new_state)
{
    static struct account a;
    come_and_go();
    a = *of_book(EVEN);
    a.epoch++;
    tell_state(&a);
    pass(1);
    market_says(ETH, 2733, 2733);
    ck_assert_uint_eq(got.ready, 2);
    tell_all(START[BTC], 2726.3, START[SOL]);
    ck_assert_uint_eq(got.handed, 1);
}
END_TEST

// An update that waits is a candidate with its chance, whatever the market says.
START_TEST(test_visible)
{
    tell_all(START[BTC], 2740, START[SOL]);
    pass(1);
    market_says(ETH, 2740, 2740);
    pass(1);
    add_told(ETH, HOLD_NONE, 2700);
    chain_says(TOLD_CANDIDATE);
    const int64_t *px = next_prices(rig.session, EVEN);
    ck_assert(px && px[ETH] == quanta(2700));
    rig.session->cfg.expect.visible_ppm = 50000; // less than is kept for
    px = next_prices(rig.session, EVEN);
    ck_assert(px == NULL || px[ETH] != quanta(2700));
    rig.session->cfg.expect.visible_ppm = 900000;
    rig.told.change[rig.told.n++] = (struct told_price){.asset = ETH};
    chain_says(TOLD_CANDIDATE);
}
END_TEST

// The chance of a told account is that of the price that is told next, not of a motion that nobody tells.
START_TEST(test_expected)
{
    const int64_t e = INT64_C(1) << 50;
    struct row r = {.n = 1, .asset = {ETH}, .coef = {1 << 20}};
    static uint64_t phat[MARKET_ASSETS_MAX];
    phat[ETH] = (uint64_t)e >> 20;
    tell_all(START[BTC], 2740, START[SOL]);
    pass(1);
    market_says(ETH, 2740, 2740);
    ck_assert(next_prices(rig.session, EVEN) == NULL); // samples, too
    const uint64_t calm = next_breach(rig.session, &r, e / 250, phat);
    ck_assert_uint_lt(calm, BREACH_CERTAIN / 100); // 0.4 % away, and so is the edge of 0.5 %
    add_told(ETH, HOLD_NONE, 2700);                // 1.46 % below
    chain_says(TOLD_CANDIDATE);
    const uint64_t waits = next_breach(rig.session, &r, e / 250, phat);
    ck_assert_uint_ge(waits, BREACH_CERTAIN / 10 * 9 - 10);
    ck_assert_uint_lt(waits, BREACH_CERTAIN / 10 * 9 + BREACH_CERTAIN / 100);
    ck_assert_uint_lt(next_breach(rig.session, &r, e / 50, phat), BREACH_CERTAIN / 100); // 2 % away
    rig.session->cfg.expect.visible_ppm = 0;
    ck_assert_uint_lt(next_breach(rig.session, &r, e / 250, phat), BREACH_CERTAIN / 100);
    // Due: whatever has not come, the market's price comes then.
    rig.session->cfg.expect.due_ms = 1000;
    rig.session->cfg.expect.visible_ppm = 900000;
    ck_assert_uint_gt(next_breach(rig.session, &r, e / 250, phat), waits - 10);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_kept_for_what_comes_next, test_given_up_when_nothing_threatens,
                                  test_kept_over_a_new_state, test_visible, test_expected};
    const TTest *const off[] = {test_retired_at_once};
    device_register(&device_ops_model);
    Suite *su = suite_create("next");
    add_tests(su, "kept", keeping, tests, sizeof tests / sizeof *tests);
    add_tests(su, "keep 0", not_keeping, off, 1);
    add_tests(su, "predict 0", not_predicting, off, 1);
    return run_suite(su);
}
