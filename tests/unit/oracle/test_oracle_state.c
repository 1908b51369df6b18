// SPDX-License-Identifier: Apache-2.0
// Instruments' states behind feed messages: halts, what a gap leaves unknown, and what tells it again (P5).
#include "oracle/oracle_three.h"
#include "run_suite.h"

START_TEST(test_halt_of_one_source)
{
    three("");
    from(VENUE_CME, 3);
    status(BTCZ6, SHUT);
    (void)end();
    ck_assert_uint_eq(live(X), 3);
    cme_says(100, 110); // a book without a state changes nothing about that
    ck_assert_uint_eq(live(X), 3);
    from(VENUE_CDE, 2);
    status(BIP, SHUT);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_HALTED);
    from(VENUE_CME, 3);
    status(0, OPEN); // every instrument of the channel
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_uint_eq(live(X), 5);
    from(VENUE_CDE, 2);
    status(BIP, OPEN);
    (void)end();
    ck_assert_uint_eq(live(X), 7);
}
END_TEST

// An index goes on when its instrument is halted.
START_TEST(test_halt_spares_the_index)
{
    open_oracle("asset X\nsource deribit BTC-PERPETUAL index\n");
    define_all();
    from(VENUE_DERIBIT, 1);
    ticker(BTC, 100, 200, SHUT);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(hold(Y), HOLD_HALTED);
}
END_TEST

// The end of a halt may be lost: a snapshot's definition ends it when it must be younger than the loss.
START_TEST(test_lost_end_of_a_halt)
{
    open_oracle("asset X\nsource cde BIP last\n");
    define_all();
    cde_says(100);
    status(BIP, SHUT);
    (void)end();
    p.snapshot = true;
    pass(120000);
    define(BIP, "BIP", OPEN); // nothing was lost: a live word stands over a snapshot's
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_HALTED);
    p.snapshot = false;
    p.gap = 1;
    (void)end();
    p.gap = 0;
    cde_says(100);
    ck_assert_int_eq(hold(X), HOLD_GAP); // open, or still halted: nobody knows
    p.snapshot = true;
    pass(60000);
    define(BIP, "BIP", OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_GAP);
    pass(1);
    define(BIP, "BIP", OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
}
END_TEST

// The start of a halt may be lost: nothing that the instrument trades at counts until its state is told, by
// whatever knows it for now. Its index, and an instrument of another stream, go on.
START_TEST(test_lost_start_of_a_halt)
{
    open_oracle("asset X\nsource cde BIP last\nasset Y\nsource cde BIP index\n"
                "asset also\nsource cme BTCZ6 mid\n");
    define_all();
    cme_says(100, 100);
    cde_says(100);
    ticker(BIP, 100, 100, OPEN);
    (void)end();
    p.gap = 1;
    (void)end();
    p.gap = 0;
    ck_assert_int_eq(hold(X), HOLD_GAP);
    ck_assert_int_eq(hold(Y), HOLD_GAP);
    ck_assert_int_eq(hold(ALSO), HOLD_NONE);
    cde_says(101);
    ck_assert_int_eq(hold(X), HOLD_GAP); // it trades, but is it still open?
    send((struct feed_msg){
        .kind = FEED_TICKER, .instrument_id = BIP, .has = HAS_INDEX, .index = num(101), .mark = num(NAN)});
    (void)end();
    ck_assert_int_eq(hold(Y), HOLD_NONE);
    ck_assert_int_eq(price(Y), 10100);
    p.snapshot = true; // taken before the loss, for all we know
    define(BIP, "BIP", OPEN);
    p.snapshot = false;
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_GAP);
    status(BIP, SHUT);
    (void)end();
    ck_assert(touched);
    ck_assert_int_eq(hold(X), HOLD_HALTED);
    status(BIP, OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(price(X), 10100);
}
END_TEST

static void lose(void)
{
    p.gap = 1;
    (void)end();
    p.gap = 0;
    cde_says(100);
    ck_assert_int_eq(hold(X), HOLD_GAP);
}

static void quote_with_state(double bid, double ask)
{
    send((struct feed_msg){.kind = FEED_QUOTE,
                           .instrument_id = BIP,
                           .has = HAS_STATE | (bid > 0 ? HAS_BID | HAS_ASK : 0u),
                           .state = OPEN,
                           .bid = num(bid),
                           .ask = num(ask)});
    (void)end();
}

// What ends the doubt: a live ticker, status or definition with the state, the quote of a whole book, and
// what snapshots say more than a minute after the loss.
START_TEST(test_what_tells_a_state)
{
    open_oracle("asset X\nsource cde BIP last\n");
    define_all();
    cde_says(100);
    lose();
    ticker(BIP, 1, 1, OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    lose();
    define(BIP, "BIP", OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    lose();
    quote_with_state(0, 0); // a book that was lost, with the state from before
    ck_assert_int_eq(hold(X), HOLD_GAP);
    quote_with_state(100, 101);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    lose();
    p.snapshot = true;
    quote_with_state(100, 101); // made whole by a snapshot: its stream is known up to here all the same
    ck_assert_int_eq(hold(X), HOLD_NONE);
    p.snapshot = false;
    lose();
    p.snapshot = true;
    status(BIP, OPEN); // no newer than what was heard, for all we know
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_GAP);
    send((struct feed_msg){
        .kind = FEED_STATUS, .instrument_id = BIP, .state = OPEN, .has = HAS_STATE, .ts_ns = p.ts_ns});
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    p.snapshot = false;
    lose();
    p.snapshot = true;
    pass(60000);
    ticker_at(BIP, 1, 1, OPEN, p.ts_ns);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_GAP);
    pass(1);
    ticker_at(BIP, 1, 1, OPEN, 1); // stamped with the state's last change, perhaps
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
    p.snapshot = false;
    p.restart = true; // begins anew: so does the doubt
    (void)end();
    p.restart = false;
    cde_says(100);
    ck_assert_int_eq(hold(X), HOLD_GAP);
}
END_TEST

// What a snapshot's definition says within the minute may be from before the loss: it closes, but a later
// one, surely from after it, may open again. So also where definitions are all that tells a state.
START_TEST(test_definitions_within_the_minute)
{
    open_oracle("asset X\nsource cde BIP last\n");
    define_all();
    cde_says(100);
    lose();
    p.snapshot = true;
    define(BIP, "BIP", SHUT);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_GAP);
    pass(60001);
    define(BIP, "BIP", OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);

    open_oracle("asset X\nsource cde BIP last\n");
    from(VENUE_CDE, 2);
    p.snapshot = true;
    define(BIP, "BIP", OPEN);
    p.snapshot = false;
    cde_says(100);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    lose();
    p.snapshot = true;
    define(BIP, "BIP", OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_GAP);
    pass(60001);
    define(BIP, "BIP", OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
}
END_TEST

// The state comes on one stream, the prices on another: a loss on either leaves it unknown.
START_TEST(test_state_on_a_stream_of_its_own)
{
    open_oracle("asset X\nsource cde BIP last\n");
    define_all();
    from(VENUE_CDE, 7);
    status(BIP, OPEN);
    (void)end();
    cde_says(100); // stream 2
    from(VENUE_CDE, 7);
    p.gap = 1;
    (void)end();
    p.gap = 0;
    ck_assert_int_eq(hold(X), HOLD_GAP);
    cde_says(100);
    ck_assert_int_eq(hold(X), HOLD_GAP);
    from(VENUE_CDE, 7);
    status(BIP, OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_NONE);
}
END_TEST

// A venue that has never told a state has none that could be lost.
START_TEST(test_no_state_to_lose)
{
    open_oracle("asset X\nsource cde BIP last\n");
    from(VENUE_CDE, 2);
    struct feed_msg def = {.kind = FEED_INSTRUMENT, .name = "BIP", .instrument_id = BIP};
    send(def);
    cde_says(100);
    p.gap = 1;
    (void)end();
    p.gap = 0;
    ck_assert_int_eq(hold(X), HOLD_GAP);
    cde_says(101);
    ck_assert_int_eq(hold(X), HOLD_NONE);
}
END_TEST

// Journals of the rules before: the next price heals, whatever was lost.
START_TEST(test_older_rules_know_no_doubt)
{
    struct err e = {{0}};
    static const char text[] = "asset X\nsource cde BIP last\n";
    const struct oracle_config c = {.text = text, .len = sizeof text - 1, .rules = ORACLE_RULES_1};
    oracle_free(o);
    o = oracle_new(&m, &c, &e);
    ck_assert(o != NULL);
    define_all();
    cde_says(100);
    p.gap = 1;
    (void)end();
    p.gap = 0;
    ck_assert_int_eq(hold(X), HOLD_GAP);
    cde_says(101);
    ck_assert_int_eq(hold(X), HOLD_NONE);
}
END_TEST

// What was told live stands over a snapshot again as soon as the state is sure.
START_TEST(test_sure_again)
{
    open_oracle("asset X\nsource cde BIP last\n");
    define_all();
    cde_says(100);
    lose();
    status(BIP, OPEN);
    status(BIP, SHUT);
    (void)end();
    p.snapshot = true;
    pass(60001);
    define(BIP, "BIP", OPEN);
    (void)end();
    ck_assert_int_eq(hold(X), HOLD_HALTED);
}
END_TEST

static void status_at(uint8_t state, uint64_t ts_ns)
{
    send((struct feed_msg){
        .kind = FEED_STATUS, .instrument_id = BIP, .state = state, .has = HAS_STATE, .ts_ns = ts_ns});
    (void)end();
}

// A state older than the newest by the exchange's clock is a replay, also after one without a stamp, and
// after a snapshot that is believed whatever its stamp.
START_TEST(test_old_states)
{
    open_oracle("asset X\nsource cde BIP last\n");
    define_all();
    cde_says(100);
    status_at(OPEN, 900 * MS);
    status_at(OPEN, 0);
    status_at(SHUT, 899 * MS);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_uint_eq(oracle_counters(o)->old, 1);
    lose();
    pass(60001);
    p.snapshot = true;
    status_at(OPEN, 500 * MS);
    p.snapshot = false;
    ck_assert_int_eq(hold(X), HOLD_NONE);
    status_at(SHUT, 899 * MS);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    status_at(SHUT, 900 * MS);
    ck_assert_int_eq(hold(X), HOLD_HALTED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("oracle_state");
    TCase *t = tcase_create("oracle_state");
    tcase_add_checked_fixture(t, set_market, close_oracle);
    tcase_add_test(t, test_halt_of_one_source);
    tcase_add_test(t, test_halt_spares_the_index);
    tcase_add_test(t, test_lost_end_of_a_halt);
    tcase_add_test(t, test_lost_start_of_a_halt);
    tcase_add_test(t, test_what_tells_a_state);
    tcase_add_test(t, test_definitions_within_the_minute);
    tcase_add_test(t, test_state_on_a_stream_of_its_own);
    tcase_add_test(t, test_no_state_to_lose);
    tcase_add_test(t, test_older_rules_know_no_doubt);
    tcase_add_test(t, test_sure_again);
    tcase_add_test(t, test_old_states);
    suite_add_tcase(s, t);
    return run_suite(s);
}
