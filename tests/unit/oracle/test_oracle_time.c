// SPDX-License-Identifier: Apache-2.0
// Policies behind feed messages: the venue's clock, ours, and what time alone does to prices and holds.
#include "oracle/oracle_three.h"
#include "run_suite.h"

// ---- clocks

// One message from a year ahead: the source is heard again after a second at the latest.
START_TEST(test_a_stamp_from_the_future)
{
    open_oracle(NULL);
    define_all();
    from(VENUE_DERIBIT, 1);
    uint64_t t0 = p.ts_ns;
    ticker_at(BTC, 100, 100, OPEN, t0);
    (void)end();
    ticker_at(BTC, 101, 101, OPEN, t0 + 365 * 86400 * SECOND);
    (void)end();
    ck_assert_int_eq(price(X), 10100);
    pass(999);
    ticker_at(BTC, 102, 102, OPEN, p.ts_ns);
    ck_assert_uint_eq(end(), 0);
    pass(1);
    ticker_at(BTC, 103, 103, OPEN, p.ts_ns);
    ck_assert_uint_gt(end(), 0);
    pass(1);
    ticker_at(BTC, 104, 104, OPEN, p.ts_ns);
    (void)end();
    ck_assert_int_eq(price(X), 10400);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    // A clock that is always far ahead is no better than none, and no worse.
    for (int i = 0; i < 10; i++) {
        pass(100);
        ticker_at(BTC, 200 + i, 200 + i, OPEN, UINT64_MAX - (uint64_t)i);
        (void)end();
        ck_assert_int_eq(price(X), (200 + i) * 100);
    }
    ck_assert_uint_eq(oracle_price_time(o, X), p.ts_ns);
}
END_TEST

// Our own clock may step back (a capture's does): what was refused as a replay is then not.
START_TEST(test_receive_time_steps_back)
{
    open_oracle(NULL);
    define_all();
    from(VENUE_DERIBIT, 1);
    pass(10000);
    uint64_t t0 = p.ts_ns;
    ticker_at(BTC, 100, 100, OPEN, t0);
    (void)end();
    p.ts_ns -= 5 * SECOND;
    ticker_at(BTC, 101, 101, OPEN, t0 + 1);
    (void)end();
    ck_assert_int_eq(price(X), 10100);
    ck_assert_int_eq(oracle_hold(o, X, t0), HOLD_NONE);
    ck_assert_int_eq(oracle_hold(o, X, t0 + 1), HOLD_STALE); // and it is as old as it says
}
END_TEST

// ---- time

static size_t clock_to(uint64_t ns)
{
    return n_changed = oracle_time(o, ns, changed, &touched);
}

// A median loses a source by time alone; the default, which only goes stale, needs no second look.
START_TEST(test_time_moves_a_median)
{
    three("");
    uint64_t t0 = p.ts_ns;
    pass(1500);
    cde_says(105);
    cme_says(103, 103);
    ck_assert_int_eq(price(X), 10300);
    ck_assert_uint_eq(clock_to(t0 + 2000 * MS), 0);
    ck_assert_uint_eq(clock_to(t0 + 2000 * MS + 1), 0); // too old, but looked at less than a millisecond ago
    ck_assert_uint_eq(live(X), 7);
    ck_assert_uint_eq(clock_to(t0 + 2001 * MS), 2);
    ck_assert_uint_eq(changed[0].asset, X);
    ck_assert_int_eq(changed[0].price, 10500); // the upper of the two that live
    ck_assert_int_eq(oracle_hold(o, Y, t0 + 5001 * MS), HOLD_STALE);
    ck_assert_uint_eq(clock_to(t0 + 6000 * MS), 0);
    ck_assert(touched); // X has no live source any more
    ck_assert_int_eq(oracle_hold(o, X, t0 + 6000 * MS), HOLD_STALE);
    ck_assert_uint_eq(clock_to(t0 + 7000 * MS), 0);
    ck_assert(!touched);
}
END_TEST

// A mean moves as time passes, with the clock and with other streams' datagrams, at most once a millisecond.
START_TEST(test_time_moves_a_mean)
{
    open_oracle("asset X\nsource deribit BTC-PERPETUAL mark\ntwap arithmetic window_ms=1000\npublish twap\n");
    define_all();
    deribit_says(100);
    ck_assert_int_eq(hold(X), HOLD_WARMUP);
    ck_assert_int_eq(hold(INV_X), HOLD_WARMUP);
    ck_assert_int_eq(price(X), 0);
    pass(1000);
    from(VENUE_CME, 3);
    ck_assert_uint_eq(end(), 2); // a heartbeat of somebody else
    ck_assert_int_eq(price(X), 10000);
    deribit_says(200);
    uint64_t t0 = p.ts_ns;
    ck_assert_int_eq(price(X), 10000);
    for (unsigned i = 1; i <= 1000; i++) {
        ck_assert_uint_eq(clock_to(t0 + i * MS - 1), 0);
        ck_assert_uint_eq(clock_to(t0 + i * MS), 2);
        ck_assert_int_eq(price(X), 10000 + 10 * i);
    }
    ck_assert_uint_eq(clock_to(t0 + 2000 * MS), 0);
}
END_TEST

// A cap grows and the stable price follows with the clock alone.
START_TEST(test_time_moves_limits)
{
    open_oracle("asset X\nsource deribit BTC-PERPETUAL mark\n"
                "guard cap snapshot=100 at=0 yearly_bps=1000000 then=clamp\n"
                "asset Y\nsource deribit BTC-PERPETUAL mark\nguard deviation bps=10 of=stable then=clamp\n");
    define_all();
    deribit_says(100);
    deribit_says(200);
    ck_assert_int_eq(price(X), 10000); // 10^6 quanta a year are none a second
    ck_assert_int_eq(price(Y), 10010);
    ck_assert_uint_gt(clock_to(p.ts_ns + 20 * SECOND), 0);
    ck_assert_int_gt(price(Y), 10010);
    m.asset[X].decimals = 8;
    open_oracle("asset X\nsource deribit BTC-PERPETUAL mark\n"
                "guard cap snapshot=100 at=0 yearly_bps=1000000 then=clamp\n");
    define_all();
    deribit_says(200); // 10^12 / 31536000 = 31709 quanta a second
    ck_assert_int_eq(price(X), INT64_C(10000031709));
    ck_assert_uint_eq(clock_to(2 * SECOND), 2);
    ck_assert_int_eq(price(X), INT64_C(10000063418));
}
END_TEST

START_TEST(test_fallback_and_return)
{
    open_oracle("asset X\nsource deribit BTC-PERPETUAL mark max_age_ms=1000\n"
                "fallback cme BTCZ6 mid max_age_ms=10000\ntoo_few fallback\n");
    define_all();
    deribit_says(100);
    cme_says(101, 101);
    ck_assert_int_eq(price(X), 10000);
    ck_assert_uint_eq(clock_to(p.ts_ns + 1001 * MS), 2);
    ck_assert_int_eq(price(X), 10100);
    ck_assert_int_eq(price(INV_X), INT64_C(1000000000000) / 101);
    ck_assert_int_eq(oracle_hold(o, X, p.ts_ns + 1001 * MS), HOLD_NONE);
    ck_assert_uint_eq(oracle_result(o, X)->by, BY_FALLBACK);
    pass(1100);
    deribit_says(99);
    ck_assert_int_eq(price(X), 9900);
    ck_assert_uint_eq(oracle_result(o, X)->by, BY_SOURCES);
}
END_TEST

// Two prices live side by side: a protocol's on-chain feed decides (X: heartbeat an hour, deviation 0.5 %, a
// minute for both), the market predicts (Y: 5 s). Each ages by its own rule and nothing of one holds the
// other.
START_TEST(test_two_prices_side_by_side)
{
    open_oracle("asset X\nsource deribit FEED index heartbeat_ms=3600000 threshold_bps=50 grace_ms=60000\n"
                "reference deribit BTC-PERPETUAL mark max_age_ms=5000\n");
    define_all();
    from(VENUE_DERIBIT, 1);
    index_price("FEED", 0, 100);
    ticker(BTC, 100, 100, OPEN);
    ck_assert_uint_eq(end(), 5); // both, both reciprocals and the third asset: one group
    pass(3000000);               // 50 minutes of silence
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(hold(Y), HOLD_STALE);
    deribit_says(99.6); // the market moves: inside the deviation, the feed need not follow
    ck_assert_int_eq(price(Y), 9960);
    ck_assert_int_eq(price(X), 10000);
    deribit_says(99.4); // it must, and has a minute
    ck_assert_uint_eq(n_changed, 3);
    ck_assert_int_eq(price(X), 10000);
    for (int i = 0; i < 60; i++) {
        pass(1000);
        deribit_says(99.4);
        ck_assert_int_eq(hold(X), HOLD_NONE);
    }
    pass(1);
    deribit_says(99.4);
    ck_assert_int_eq(hold(X), HOLD_STALE);
    ck_assert_int_eq(hold(INV_X), HOLD_STALE);
    ck_assert_int_eq(hold(Y), HOLD_NONE);
    ck_assert_int_eq(price(X), 10000);
    index_price("FEED", 0, 99.4);
    ck_assert_uint_eq(end(), 2);
    ck_assert_int_eq(price(X), 9940);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    uint64_t spoken = p.ts_ns;
    for (int i = 0; i < 3660; i += 4) { // heartbeat and grace, the market standing
        p.ts_ns = spoken + (uint64_t)i * SECOND;
        deribit_says(99.4);
        ck_assert_int_eq(hold(X), HOLD_NONE);
    }
    ck_assert_int_eq(oracle_hold(o, X, spoken + 3660 * SECOND), HOLD_NONE);
    ck_assert_int_eq(oracle_hold(o, X, spoken + 3660 * SECOND + 1), HOLD_STALE);
}
END_TEST

START_TEST(test_halt_until_resumed)
{
    open_oracle("asset X\nsource deribit BTC-PERPETUAL mark\nguard jump bps=5000 of=previous then=halt\n");
    define_all();
    deribit_says(100);
    deribit_says(40);
    ck_assert_int_eq(hold(X), HOLD_HALT);
    ck_assert_int_eq(hold(INV_X), HOLD_HALT);
    ck_assert_str_eq(hold_name(HOLD_HALT), "halt");
    ck_assert_str_eq(hold_name(HOLD_WARMUP), "warmup");
    deribit_says(100);
    ck_assert_int_eq(hold(X), HOLD_HALT);
    ck_assert_uint_eq(held(HOLD_HALT), 1);
    deribit_says(40);
    oracle_resume(o);
    ck_assert_uint_eq(clock_to(p.ts_ns), 2);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(price(X), 4000);
}
END_TEST

// A base whose reciprocal does not fit: its price goes on, the reciprocal keeps its last one and is held.
START_TEST(test_reciprocal_beyond_its_range)
{
    m.asset[INV_X].decimals = 18;
    m.asset[X].decimals = m.asset[Y].decimals = 2;
    open_oracle(NULL);
    define_all();
    deribit_says(100);
    ck_assert_int_eq(price(INV_X), INT64_C(10000000000000000));
    deribit_says(0.01); // 1e20 does not fit
    ck_assert_int_eq(price(X), 1);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(hold(INV_X), HOLD_RANGE);
    ck_assert_int_eq(price(INV_X), INT64_C(10000000000000000));
    deribit_says(100);
    ck_assert_int_eq(hold(INV_X), HOLD_NONE);
}
END_TEST

START_TEST(test_wrong_text)
{
    struct err e = {{0}};
    static const char text[] = "asset X\nsource deribit BTC-PERPETUAL bid\n";
    const struct oracle_config c = {.file = "f", .text = text, .len = sizeof text - 1};
    ck_assert_ptr_null(oracle_new(&m, &c, &e));
    ck_assert_msg(strncmp(e.msg, "f:2: ", 5) == 0, "%s", e.msg);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("oracle_time");
    TCase *t = tcase_create("oracle_time");
    tcase_add_checked_fixture(t, set_market, close_oracle);
    tcase_add_test(t, test_a_stamp_from_the_future);
    tcase_add_test(t, test_receive_time_steps_back);
    tcase_add_test(t, test_time_moves_a_median);
    tcase_add_test(t, test_time_moves_a_mean);
    tcase_add_test(t, test_time_moves_limits);
    tcase_add_test(t, test_fallback_and_return);
    tcase_add_test(t, test_two_prices_side_by_side);
    tcase_add_test(t, test_halt_until_resumed);
    tcase_add_test(t, test_reciprocal_beyond_its_range);
    tcase_add_test(t, test_wrong_text);
    suite_add_tcase(s, t);
    return run_suite(s);
}
