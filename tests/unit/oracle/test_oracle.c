// SPDX-License-Identifier: Apache-2.0
// Messages to prices: groups, reciprocals, and every reason to hold (P5), each entered and left.
#include "oracle/oracletest.h"
#include "run_suite.h"

enum { MARK = 0, INDEX = 1, RECIP = 2 };

static void setup(void)
{
    memset(&m, 0, sizeof m);
    m.n_assets = 3;
    m.asset[MARK] = (struct asset){.name = "BTC-PERPETUAL",
                                   .source = "BTC-PERPETUAL",
                                   .kind = ASSET_MARK,
                                   .decimals = 9,
                                   .stale_ms = 5000,
                                   .guard_ppm = 50000};
    m.asset[INDEX] =
        (struct asset){.name = "btc_usd", .source = "btc_usd", .kind = ASSET_INDEX, .decimals = 8};
    m.asset[RECIP] =
        (struct asset){.name = "1/BTC-PERPETUAL", .kind = ASSET_RECIPROCAL, .decimals = 18, .base = MARK};
    open_oracle(NULL);
}

static void good_price(void)
{
    define(7, "BTC-PERPETUAL", INSTRUMENT_OPEN);
    ticker(7, 50000.0, 50000.0, INSTRUMENT_OPEN);
    (void)end();
}

START_TEST(test_ticker_before_definition_is_counted)
{
    ticker(7, 50000.0, 50000.0, INSTRUMENT_OPEN);
    ck_assert_uint_eq(end(), 0);
    ck_assert_uint_eq(oracle_counters(o)->unknown, 1);
    ck_assert_int_eq(hold(MARK), HOLD_ABSENT);
    good_price();
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    define(8, "ETH-PERPETUAL", INSTRUMENT_OPEN); // not in the market
    ticker(8, 3000.0, 3000.0, INSTRUMENT_OPEN);
    ck_assert_uint_eq(end(), 0);
    ck_assert_uint_eq(oracle_counters(o)->unknown, 2);
}
END_TEST

START_TEST(test_group_has_mark_and_reciprocal_once)
{
    good_price();
    ticker(7, 50001.0, 50000.0, INSTRUMENT_OPEN);
    ticker(7, 40000.0, 40000.0, INSTRUMENT_OPEN); // same packet: only the last value counts
    ck_assert_uint_eq(end(), 2);
    ck_assert_uint_eq(changed[0].asset, MARK);
    ck_assert_int_eq(changed[0].price, INT64_C(40000000000000));
    ck_assert_uint_eq(changed[1].asset, RECIP);
    ck_assert_int_eq(changed[1].price, INT64_C(25000000000000)); // 1e18 / 40000
    ck_assert_int_eq(oracle_prices(o)[RECIP], INT64_C(25000000000000));
    ticker(7, 40000.0, 40000.0, INSTRUMENT_OPEN); // unchanged: no tick, but the watch list is told
    ck_assert_uint_eq(end(), 0);
    ck_assert(touched);
    ck_assert_uint_eq(end(), 0);
    ck_assert(!touched);
}
END_TEST

// Starbase's, CDE's and CME's prices carry no state: it comes by itself.
START_TEST(test_status_halts_and_opens)
{
    struct feed_msg st = {.kind = FEED_STATUS,
                          .venue = VENUE_DERIBIT,
                          .instrument_id = 7,
                          .state = INSTRUMENT_NOT_OPEN,
                          .has = HAS_STATE};
    struct feed_msg mark = {.kind = FEED_TICKER,
                            .venue = VENUE_DERIBIT,
                            .instrument_id = 7,
                            .has = HAS_MARK | HAS_INDEX,
                            .mark = num(50000.0),
                            .index = num(50000.0)};
    good_price();
    oracle_msg(o, &p, &st);
    oracle_msg(o, &p, &mark);
    (void)end();
    ck_assert(touched);
    ck_assert_int_eq(oracle_hold(o, MARK, SECOND), HOLD_HALTED);
    st.state = INSTRUMENT_OPEN;
    oracle_msg(o, &p, &st);
    (void)end();
    ck_assert_int_eq(oracle_hold(o, MARK, SECOND), HOLD_NONE);
    st.instrument_id = 0; // all of the channel
    st.state = INSTRUMENT_NOT_OPEN;
    oracle_msg(o, &p, &st);
    (void)end();
    ck_assert_int_eq(oracle_hold(o, MARK, SECOND), HOLD_HALTED);
}
END_TEST

START_TEST(test_ours_behind_thousands_of_options)
{
    for (uint64_t i = 0; i < 5000; i++)
        define(1000 + i, "BTC-27NOV26-90000-C", INSTRUMENT_OPEN);
    good_price();
    ck_assert_int_eq(oracle_hold(o, MARK, SECOND), HOLD_NONE);
    define(7, "BTC-27NOV26-90000-C", INSTRUMENT_OPEN); // the id goes to another
    ticker(7, 1.0, 1.0, INSTRUMENT_OPEN);
    ck_assert_uint_eq(end(), 0);
}
END_TEST

START_TEST(test_index_price)
{
    index_price("btc_usd", 0, 25448.57);
    ck_assert_uint_eq(end(), 1);
    ck_assert_int_eq(changed[0].price, INT64_C(2544857000000));
    ck_assert_int_eq(oracle_hold(o, INDEX, UINT64_MAX), HOLD_NONE); // never stale when stale_ms is 0
}
END_TEST

START_TEST(test_gap_holds_until_the_next_message)
{
    good_price();
    struct feed_packet other = p;
    other.channel = other.stream = 2;
    other.gap = 3;
    (void)oracle_end(o, &other, SECOND, changed, &touched); // another channel's gap
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    p.gap = 1;
    (void)end();
    ck_assert(touched);
    ck_assert_int_eq(hold(MARK), HOLD_GAP);
    ck_assert_int_eq(hold(RECIP), HOLD_GAP);
    p.gap = 0;
    ticker(7, 50000.0, 50000.0, INSTRUMENT_OPEN);
    (void)end();
    ck_assert(touched);
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    p.gap = 2; // a packet that reveals the gap and carries the price heals it itself
    ticker(7, 50000.0, 50000.0, INSTRUMENT_OPEN);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    ck_assert_uint_eq(held(HOLD_GAP), 1);
}
END_TEST

static void snapshot_ticker(double mark, uint64_t ts_ns)
{
    struct feed_packet snap = p;
    snap.channel = 101;
    snap.snapshot = true;
    struct feed_msg msg = {.kind = FEED_TICKER,
                           .venue = VENUE_DERIBIT,
                           .instrument_id = 7,
                           .state = INSTRUMENT_OPEN,
                           .has = HAS_MARK | HAS_INDEX | HAS_STATE,
                           .ts_ns = ts_ns,
                           .mark = num(mark),
                           .index = num(mark)};
    oracle_msg(o, &snap, &msg);
    (void)oracle_end(o, &snap, SECOND, changed, &touched);
}

START_TEST(test_snapshot_is_no_news_unless_newer)
{
    good_price(); // exchange time 0
    snapshot_ticker(49000.0, 0);
    ck_assert_int_eq(oracle_prices(o)[MARK], INT64_C(50000000000000));
    ck_assert_uint_eq(oracle_counters(o)->old, 1);
    snapshot_ticker(49000.0, 5);
    ck_assert_int_eq(oracle_prices(o)[MARK], INT64_C(49000000000000));
    p.gap = 1; // the live channel breaks although the newest price came by snapshot
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_GAP);
    p.gap = 0;
    snapshot_ticker(49001.0, 6); // newer, but perhaps taken before what was lost
    ck_assert_int_eq(hold(MARK), HOLD_GAP);
    ck_assert_int_eq(oracle_prices(o)[MARK], INT64_C(49000000000000));
    ticker(7, 49002.0, 49002.0, INSTRUMENT_OPEN);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    struct feed_packet snap = p; // a gap of the snapshot channel breaks nothing
    snap.channel = 101;
    snap.snapshot = true;
    snap.gap = 9;
    (void)oracle_end(o, &snap, SECOND, changed, &touched);
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
}
END_TEST

START_TEST(test_halted_instrument)
{
    good_price();
    ticker(7, 50000.0, 50000.0, 2);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_HALTED);
    define(7, "BTC-PERPETUAL", INSTRUMENT_OPEN);
    (void)end();
    ck_assert(touched);
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
}
END_TEST

START_TEST(test_snapshot_definition_may_close_but_not_open)
{
    good_price();
    ticker(7, 50000.0, 50000.0, 2);
    (void)end();
    p.snapshot = true;
    define(7, "BTC-PERPETUAL", INSTRUMENT_OPEN); // taken before the halt, for all we know
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_HALTED);
    p.snapshot = false;
    define(7, "BTC-PERPETUAL", INSTRUMENT_OPEN);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    p.snapshot = true;
    define(7, "BTC-PERPETUAL", 2);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_HALTED);
}
END_TEST

START_TEST(test_guard_against_the_index)
{
    good_price();
    ticker(7, 52500.0, 50000.0, INSTRUMENT_OPEN); // exactly 5 %: still inside
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    ticker(7, 52501.0, 50000.0, INSTRUMENT_OPEN);
    ck_assert_uint_eq(end(), 0); // nor does it reach the device
    ck_assert(touched);
    ck_assert_int_eq(hold(MARK), HOLD_GUARD);
    ck_assert_int_eq(oracle_prices(o)[MARK], INT64_C(52500000000000));
    ticker(7, 47499.0, 50000.0, INSTRUMENT_OPEN);
    (void)end();
    ck_assert_int_eq(hold(RECIP), HOLD_GUARD);
    ticker(7, 50000.0, 50000.0, INSTRUMENT_OPEN);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    send((struct feed_msg){
        .kind = FEED_TICKER, .instrument_id = 7, .has = HAS_MARK, .mark = num(50000.0), .index = num(NAN)});
    // a guard that cannot be checked does not pass
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_GUARD);
    ticker(7, 50000.0, 50000.0, INSTRUMENT_OPEN);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
}
END_TEST

START_TEST(test_stale_by_its_own_limit)
{
    good_price();
    ck_assert_int_eq(oracle_hold(o, MARK, SECOND + UINT64_C(5000000000)), HOLD_NONE);
    ck_assert_int_eq(oracle_hold(o, MARK, SECOND + UINT64_C(5000000001)), HOLD_STALE);
    ck_assert_int_eq(oracle_hold(o, RECIP, SECOND + UINT64_C(5000000001)), HOLD_STALE);
    p.ts_ns = 10 * SECOND;
    send((struct feed_msg){.kind = FEED_TICKER,
                           .instrument_id = 7,
                           .has = HAS_INDEX | HAS_STATE,
                           .state = 1,
                           .index = num(50000.0)}); // an absent mark is no news: the price keeps its age
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_STALE);
}
END_TEST

START_TEST(test_value_that_is_no_price)
{
    good_price();
    ticker(7, -1.0, 50000.0, INSTRUMENT_OPEN);
    ck_assert_uint_eq(end(), 0);
    ck_assert_int_eq(oracle_prices(o)[MARK], INT64_C(50000000000000)); // the last good one stays
    ck_assert_int_eq(hold(MARK), HOLD_RANGE);
    ck_assert_int_eq(hold(RECIP), HOLD_RANGE);
    ck_assert_uint_eq(oracle_counters(o)->bad_price, 1);
    ticker(7, 1e300, 50000.0, INSTRUMENT_OPEN);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_RANGE);
    ticker(7, 50000.0, 50000.0, INSTRUMENT_OPEN);
    (void)end();
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
}
END_TEST

START_TEST(test_bad_markets_are_refused)
{
    struct err e;
    m.asset[RECIP].base = 9;
    ck_assert_ptr_null(oracle_new(&m, NULL, &e));
    m.asset[RECIP].base = m.n_assets;
    ck_assert_ptr_null(oracle_new(&m, NULL, &e));
    m.asset[RECIP].base = RECIP;
    ck_assert_ptr_null(oracle_new(&m, NULL, &e));
    ck_assert_msg(strstr(e.msg, "1/BTC-PERPETUAL") != NULL, "%s", e.msg);
}
END_TEST

// Journals from before policies: what is held reached the device too, and no message was too old.
START_TEST(test_raw)
{
    struct err e = {{0}};
    const struct oracle_config raw = {.rules = ORACLE_RAW};
    oracle_free(o);
    o = oracle_new(&m, &raw, &e);
    ck_assert(o != NULL);
    define(7, "BTC-PERPETUAL", INSTRUMENT_OPEN);
    ticker_at(7, 50000.0, 50000.0, INSTRUMENT_OPEN, 1000 * MS);
    ck_assert_uint_eq(end(), 2);
    ticker_at(7, 60000.0, 50000.0, INSTRUMENT_OPEN, 1000 * MS);
    ck_assert_uint_eq(end(), 2);
    ck_assert_int_eq(changed[0].price, INT64_C(60000000000000));
    ck_assert_int_eq(hold(MARK), HOLD_GUARD);
    pass(4000);
    ticker_at(7, 51000.0, 51000.0, 2, 900 * MS); // older by the exchange's clock
    ck_assert_uint_eq(end(), 2);
    ck_assert_int_eq(changed[0].price, INT64_C(51000000000000));
    ck_assert_int_eq(hold(MARK), HOLD_HALTED);
    ticker_at(7, 51000.0, 51000.0, INSTRUMENT_OPEN, 900 * MS); // the same once more: young again
    ck_assert_uint_eq(end(), 0);
    pass(5000);
    ck_assert_int_eq(hold(MARK), HOLD_NONE);
    ck_assert_uint_eq(oracle_price_time(o, MARK), 5 * SECOND);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("oracle");
    TCase *t = tcase_create("oracle");
    tcase_add_checked_fixture(t, setup, close_oracle);
    tcase_add_test(t, test_ticker_before_definition_is_counted);
    tcase_add_test(t, test_group_has_mark_and_reciprocal_once);
    tcase_add_test(t, test_index_price);
    tcase_add_test(t, test_status_halts_and_opens);
    tcase_add_test(t, test_ours_behind_thousands_of_options);
    tcase_add_test(t, test_gap_holds_until_the_next_message);
    tcase_add_test(t, test_snapshot_is_no_news_unless_newer);
    tcase_add_test(t, test_halted_instrument);
    tcase_add_test(t, test_snapshot_definition_may_close_but_not_open);
    tcase_add_test(t, test_guard_against_the_index);
    tcase_add_test(t, test_stale_by_its_own_limit);
    tcase_add_test(t, test_value_that_is_no_price);
    tcase_add_test(t, test_bad_markets_are_refused);
    tcase_add_test(t, test_raw);
    suite_add_tcase(s, t);
    return run_suite(s);
}
