// SPDX-License-Identifier: Apache-2.0
// Policies behind feed messages: which message reaches which source of which asset, what a source's gap and
// halt do to it alone, and what comes out as one group.
#include "oracle/oracle_three.h"
#include "run_suite.h"

// ---- who listens to what

START_TEST(test_three_venues_three_fields)
{
    three("");
    ck_assert_int_eq(price(X), 10100);
    cme_says(100, 101); // floor(100.5) is between 100 and 101
    ck_assert_int_eq(price(X), 10050);
    deribit_says(100.75);
    ck_assert_int_eq(price(X), 10075);
    cde_says(99);
    ck_assert_int_eq(price(X), 10050);
    ck_assert_uint_eq(live(X), 7);
}
END_TEST

// What another field of the instrument, another venue's instrument of that name or id, or a message of
// another kind says does not count.
START_TEST(test_nothing_else_is_taken)
{
    three("");
    uint64_t updates = oracle_counters(o)->updates;
    from(VENUE_CDE, 2);
    ticker(BIP, 1, 1, OPEN);
    quote_at(BIP, 1, 2, 0);
    ck_assert_uint_eq(end(), 0);
    from(VENUE_CME, 3);
    trade(BTCZ6, 1);
    ticker(BTC, 1, 1, OPEN);
    define(BTC, "BTC-PERPETUAL", SHUT); // CME's
    ck_assert_uint_eq(end(), 0);
    from(VENUE_DERIBIT, 1);
    trade(BTC, 1);
    quote_at(BTC, 1, 2, 0);
    ck_assert_uint_eq(end(), 0);
    ck_assert_uint_eq(oracle_counters(o)->updates, updates);
    ck_assert_uint_eq(live(X), 7);
}
END_TEST

// One message of one source feeds three assets, by one policy and two defaults; a second instrument in the
// same datagram adds to the group. Each asset stands in it once, ascending, reciprocals with their bases.
START_TEST(test_one_datagram_is_one_group)
{
    open_oracle("asset X\nsource deribit BTC-PERPETUAL index\n");
    define_all();
    from(VENUE_DERIBIT, 1);
    ticker(BTC, 300, 400, OPEN);
    ticker(BTC, 200, 400, OPEN);
    ck_assert_uint_eq(end(), 5);
    static const struct price_change want[] = {
        {INV_Y, 5000000000}, {X, 40000}, {Y, 20000}, {ALSO, 20000}, {INV_X, 2500000000}};
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(changed[i].asset, want[i].asset);
        ck_assert_int_eq(changed[i].price, want[i].price);
        ck_assert_int_eq(oracle_prices(o)[i], want[i].price);
    }
    ck_assert_uint_eq(oracle_counters(o)->updates, 2);
    ck_assert_uint_eq(oracle_counters(o)->groups, 1);
    ticker(BTC, 200, 401, OPEN);
    ck_assert_uint_eq(end(), 2);
    ck_assert_uint_eq(changed[0].asset, X);
    ck_assert_uint_eq(changed[1].asset, INV_X);
}
END_TEST

// A store's source may name its venue; without one it is Deribit's. CME has no mark: the middle decides.
START_TEST(test_a_default_with_a_venue)
{
    m.asset[X] = mark_asset("X", "cde:BIP");
    m.asset[Y] = mark_asset("Y", "cme:BTCZ6");
    m.asset[ALSO] = mark_asset("also", "cmex:BIP"); // no such venue: a name of Deribit's
    open_oracle(NULL);
    define_all();
    from(VENUE_CDE, 2);
    ticker(BIP, 100, 100, OPEN);
    ck_assert_uint_eq(end(), 2);
    ck_assert_int_eq(price(X), 10000);
    cme_says(200, 202);
    ck_assert_int_eq(price(Y), 20100);
    from(VENUE_DERIBIT, 1);
    define(3, "cmex:BIP", OPEN);
    ticker(3, 300, 300, OPEN);
    ck_assert_uint_eq(end(), 1);
    ck_assert_int_eq(price(ALSO), 30000);
}
END_TEST

START_TEST(test_an_id_means_what_was_defined_last)
{
    three("");
    from(VENUE_DERIBIT, 1);
    define(BTC, "ETH-PERPETUAL", OPEN); // the number is another instrument's now
    ticker(BTC, 1, 1, OPEN);
    ck_assert_uint_eq(end(), 0);
    define(55, "BTC-PERPETUAL", OPEN);
    ticker(55, 100.5, 1, OPEN);
    ck_assert_uint_gt(end(), 0);
    ck_assert_int_eq(price(X), 10100);
    ck_assert_int_eq(price(ALSO), 10050);
}
END_TEST

// An index comes by name, or by the number that an instrument was defined with.
START_TEST(test_index_by_name_and_by_number)
{
    open_oracle("asset X\nsource starbase btc_usd index\nasset Y\nsource starbase BTC-PERP index\n"
                "asset also\nsource starbase BTC-FUT index\n");
    from(VENUE_STARBASE, 4);
    index_price("btc_usd", 31, 100);
    ck_assert_uint_eq(end(), 2);
    ck_assert_int_eq(price(X), 10000);
    struct feed_msg def = {
        .kind = FEED_INSTRUMENT, .name = "BTC-PERP", .instrument_id = 1, .index_id = 31, .has = 0};
    send(def);
    strcpy(def.name, "BTC-FUT");
    def.instrument_id = 2;
    send(def);
    index_price("btc_usd", 31, 101);
    ck_assert_uint_eq(end(), 5);
    index_price("", 31, 102); // its name is not known yet: still the instruments'
    ck_assert_uint_eq(end(), 3);
    ck_assert_int_eq(price(X), 10100);
    ck_assert_int_eq(price(Y), 10200);
    ck_assert_int_eq(price(ALSO), 10200);
    index_price("", 32, 1);
    from(VENUE_DERIBIT, 4);
    index_price("btc_usd", 31, 1);
    ck_assert_uint_eq(end(), 0);
    ck_assert_uint_eq(oracle_counters(o)->unknown, 2);
}
END_TEST

// Every asset with as many sources as there can be, all of different names: each is found, and ids beyond
// what the tables hold change nothing for those that are in.
START_TEST(test_full_tables)
{
    static char text[1 << 20];
    size_t at = 0;
    m.n_assets = MARKET_ASSETS_MAX;
    for (unsigned i = 0; i < MARKET_ASSETS_MAX; i++) {
        m.asset[i] = mark_asset("", "S");
        (void)snprintf(m.asset[i].name, NAME_LEN, "A%u", i);
        at += (size_t)snprintf(text + at, sizeof text - at, "asset A%u\naggregate median\nmin_live 1\n", i);
        for (unsigned k = 0; k < POLICY_SOURCES; k++)
            at +=
                (size_t)snprintf(text + at, sizeof text - at, "source cme N%u mid\n", i * POLICY_SOURCES + k);
    }
    open_oracle(text);
    from(VENUE_CME, 3);
    enum { ALL = MARKET_ASSETS_MAX * POLICY_SOURCES };
    char name[16];
    for (unsigned i = 0; i < 5 * ALL; i++) {
        (void)snprintf(name, sizeof name, "N%u", i % ALL);
        define(i + 1, name, OPEN);
    }
    for (unsigned i = 0; i < ALL; i++)
        quote_at(i + 1, i + 1, i + 1, 0);
    ck_assert_uint_eq(end(), MARKET_ASSETS_MAX);
    for (unsigned i = 0; i < MARKET_ASSETS_MAX; i++) {
        ck_assert_uint_eq(live((uint16_t)i), 0xffff);
        ck_assert_int_eq(price((uint16_t)i), 100 * (16 * i + 9)); // the upper of the two in the middle
    }
}
END_TEST

// ---- gaps

// A gap takes out the sources last heard on that stream, in each asset; they come back by what heals them.
START_TEST(test_gap_of_one_source)
{
    three("asset Y\nsource deribit BTC-PERPETUAL mark\n");
    from(VENUE_DERIBIT, 1);
    p.gap = 3;
    (void)end();
    p.gap = 0;
    ck_assert_uint_eq(live(X), 6);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(hold(Y), HOLD_GAP);
    ck_assert_int_eq(hold(ALSO), HOLD_GAP);
    ck_assert_int_eq(hold(INV_Y), HOLD_GAP);
    trade(BTC, 1); // not what it listens to
    (void)end();
    ck_assert_int_eq(hold(Y), HOLD_GAP);
    deribit_says(100);
    ck_assert_int_eq(hold(Y), HOLD_NONE);
    ck_assert_uint_eq(live(X), 7);
    ck_assert_uint_eq(held(HOLD_GAP), 2);
}
END_TEST

START_TEST(test_gap_of_a_book)
{
    three("min_live 3\n");
    from(VENUE_CME, 3);
    p.gap = 1;
    (void)end();
    p.gap = 0;
    ck_assert_int_eq(hold(X), HOLD_GAP);
    cme_says(0, 0); // the book is not whole: says nothing, heals nothing
    ck_assert_int_eq(hold(X), HOLD_RANGE);
    p.snapshot = true;
    cme_says(104, 106); // whole by a snapshot: the live book
    p.snapshot = false;
    ck_assert_int_eq(hold(X), HOLD_GAP); // but was the instrument halted meanwhile?
    status(BTCZ6, OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(price(X), 10100);
    ck_assert_uint_eq(live(X), 7);
    p.snapshot = true; // what snapshots lose breaks nothing
    p.gap = 5;
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
}
END_TEST

// The widest book that has a middle is the policy's, not the venue's.
START_TEST(test_wide_book)
{
    open_oracle("asset X\nsource cme BTCZ6 mid\nlimits max_spread_bps=100\nasset Y\nsource cme BTCZ6 mid\n");
    define_all();
    cme_says(100, 101);
    ck_assert_int_eq(price(X), 10050);
    cme_says(100, 101.01);
    ck_assert_int_eq(hold(X), HOLD_RANGE);
    ck_assert_int_eq(hold(Y), HOLD_NONE);
}
END_TEST

// A withdrawn book counts whatever its time says.
START_TEST(test_withdrawn_book_has_no_time)
{
    open_oracle("asset X\nsource cme BTCZ6 mid\n");
    define_all();
    quote_at(BTCZ6, 100, 102, 900 * MS);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    quote_at(BTCZ6, 0, 0, 100 * MS);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_RANGE);
    quote_at(BTCZ6, 100, 0, 901 * MS); // one side makes no middle
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_RANGE);
    quote_at(BTCZ6, 100, 104, 902 * MS);
    ck_assert_uint_eq(end(), 2);
    ck_assert_int_eq(price(X), 10200);
    ck_assert_uint_eq(oracle_counters(o)->bad_price, 2);
}
END_TEST

static void trade_at(uint64_t ts_ns)
{
    send((struct feed_msg){
        .kind = FEED_TRADE, .instrument_id = BIP, .has = HAS_LAST, .last = num(100), .ts_ns = ts_ns});
}

START_TEST(test_old_messages_are_counted)
{
    open_oracle("asset X\nsource cde BIP last\n");
    define_all();
    from(VENUE_CDE, 2);
    trade_at(900 * MS);
    ck_assert_uint_eq(oracle_counters(o)->old, 0);
    trade_at(899 * MS);
    ck_assert_uint_eq(oracle_counters(o)->old, 1);
    ck_assert_uint_eq(oracle_counters(o)->updates, 1);
}
END_TEST

// After a restart the venue's clock may begin anew, too.
START_TEST(test_restart_forgets_stamps)
{
    open_oracle(NULL);
    define_all();
    from(VENUE_DERIBIT, 1);
    ticker_at(BTC, 100, 100, OPEN, 900 * MS);
    (void)end();
    ticker_at(BTC, 101, 101, SHUT, 100 * MS); // a replay: nothing of it counts
    ck_assert_uint_eq(end(), 0);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    p.restart = true;
    (void)end();
    p.restart = false;
    ck_assert_int_eq(hold(X), HOLD_GAP);
    ticker_at(BTC, 101, 101, SHUT, 100 * MS);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_HALTED);
    ticker_at(BTC, 102, 102, OPEN, 101 * MS);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(price(X), 10200);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("oracle_policy");
    TCase *t = tcase_create("oracle_policy");
    tcase_add_checked_fixture(t, set_market, close_oracle);
    tcase_add_test(t, test_three_venues_three_fields);
    tcase_add_test(t, test_nothing_else_is_taken);
    tcase_add_test(t, test_one_datagram_is_one_group);
    tcase_add_test(t, test_a_default_with_a_venue);
    tcase_add_test(t, test_an_id_means_what_was_defined_last);
    tcase_add_test(t, test_index_by_name_and_by_number);
    tcase_add_test(t, test_full_tables);
    tcase_add_test(t, test_gap_of_one_source);
    tcase_add_test(t, test_gap_of_a_book);
    tcase_add_test(t, test_wide_book);
    tcase_add_test(t, test_withdrawn_book_has_no_time);
    tcase_add_test(t, test_old_messages_are_counted);
    tcase_add_test(t, test_restart_forgets_stamps);
    suite_add_tcase(s, t);
    return run_suite(s);
}
