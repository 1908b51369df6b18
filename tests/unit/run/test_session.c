// SPDX-License-Identifier: Apache-2.0
// A whole session on the model device with packets made by hand and a gateway in the test's hands: no order
// rests on a price that must not be acted on (P5), every hold is shown, and each ends with an order once it
// is over (P4).
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "feed/arbiter.h"
#include "run/inside.h"
#include "run/live.h"
#include "run/sessiontest.h"

// So much later that what is missing is lost.
static void give_up_waiting(void)
{
    struct err e = {{0}};
    now += ARBITER_HOLD_NS;
    ck_assert(session_due(s, now) && !session_due(s, now - 1));
    ck_assert_int_eq(session_clock(s, now, &e), 0);
    ck_assert(!session_due(s, now));
}

static uint64_t held(enum hold h)
{
    return session_counters(s)->held[h];
}

START_TEST(test_breach_gives_one_order)
{
    send_definition();
    send_ticker(60000.0);
    send_ticker(57576.0);
    ck_assert_uint_eq(gw.orders, 0);
    send_ticker(57575.0);
    ck_assert_uint_eq(gw.orders, 1);
    ck_assert_uint_eq(gw.last.key.account, 5);
    send_ticker(57000.0); // its sibling and the next updates give no second one
    send_ticker(56000.0);
    ck_assert_uint_eq(gw.orders, 1);
}
END_TEST

// ---- the order of records

static const struct device_ops *under;
static uint64_t at_submit; // records when the device was first given something; UINT64_MAX: not yet

static size_t noting_submit(struct device *d, const struct beat *cmd, size_t n)
{
    if (at_submit == UINT64_MAX)
        at_submit = records;
    return under->submit(d, cmd, n);
}

static uint64_t first_of(enum journal_type type, uint64_t from)
{
    while (from < records && logged[from] != type)
        from++;
    return from;
}

// The device is given its commands before the frame and they are copied into the log, where they stand before
// all that follows from them.
START_TEST(test_a_tick_does_not_wait_for_the_log)
{
    static struct device_ops noting;
    under = dev->ops;
    noting = *under;
    noting.submit = noting_submit;
    dev->ops = &noting;
    send_definition();
    send_ticker(60000.0);
    uint64_t from = records;
    at_submit = UINT64_MAX;
    send_ticker(57575.0);
    ck_assert_uint_eq(gw.orders, 1);
    ck_assert_uint_eq(at_submit, from);
    ck_assert_int_eq(logged[from], J_FRAME);
    ck_assert_int_eq(logged[from + 1], J_COMMANDS);
    ck_assert_int_eq(logged[from + 2], J_EVENT);
    ck_assert_uint_lt(first_of(J_EVENT, from), first_of(J_ORDER, from));
    ck_assert_uint_lt(first_of(J_ORDER, from), records);
    ck_assert_uint_eq(first_of(J_FRAME, from + 1), records); // once
}
END_TEST

START_TEST(test_each_frame_of_the_feed_is_logged_once)
{
    struct err e = {{0}};
    const uint8_t other[64] = {0};
    send_definition();
    send_ticker(60000.0);
    uint64_t from = records;
    send_nothing_of_interest();
    ck_assert(records == from + 1 && logged[from] == J_FRAME);
    seq--; // a copy: it decides how long the feed waits for what is missing
    send_nothing_of_interest();
    ck_assert(records == from + 2 && logged[from + 1] == J_FRAME);
    seq++; // kept until the one before it comes
    send_nothing_of_interest();
    ck_assert(records == from + 3 && logged[from + 2] == J_FRAME);
    ck_assert_int_eq(session_frame(s, now, other, sizeof other, sizeof other, &e), 0);
    ck_assert_uint_eq(records, from + 3);
}
END_TEST

// What follows from no frame, as in a run whose prices are all told, is in the histograms at once.
START_TEST(test_measured_without_a_frame)
{
    ck_assert_uint_eq(session_stage(s, STAGE_ORDER)->count, 0);
    took(s, STAGE_ORDER, 1, 2);
    ck_assert_uint_eq(session_stage(s, STAGE_ORDER)->count, 1);
}
END_TEST

// A frame's stamps stay as they are until the next one, whatever happens meanwhile.
START_TEST(test_stamps_are_of_the_frame)
{
    struct err e = {{0}};
    static struct order_reply r;
    send_definition();
    send_ticker(60000.0);
    const struct frame_stamps was = *session_stamps(s);
    memset(&r, 0, sizeof r);
    r.status = ORDER_STATE;
    r.key.account = account[0].id;
    r.has_account = true;
    r.account = account[0];
    r.account.epoch++;
    r.account.cash = 1;
    ck_assert_int_eq(session_reply(s, &r, &e), 0);
    ck_assert_uint_eq(engine_counters(session_engine(s))->flags[LEVEL_LIQUIDATE], 1);
    ck_assert_mem_eq(&was, session_stamps(s), sizeof was);
}
END_TEST

static uint64_t measured(enum stage st)
{
    return session_stage(s, st)->count;
}

// Commands of a frame that changes no price are no answer to a tick: here funding has moved the row.
START_TEST(test_commands_without_prices)
{
    teardown();
    fill_market();
    book.market.instrument[0].funding_rate = 100000000000000; // 0.0001 USDC a BTC and second
    book.market.instrument[0].told_at = 1000;
    start_filled(NULL);
    send_definition();
    send_ticker(60000.0);
    uint64_t from = records, before = measured(STAGE_TO_COMMAND), done = measured(STAGE_TO_DONE);
    now += 100000 * SECOND;
    send_nothing_of_interest();
    ck_assert_uint_lt(first_of(J_COMMANDS, from), records);
    ck_assert_uint_eq(session_stamps(s)->at[STAMP_DECODED], 0);
    ck_assert_uint_eq(measured(STAGE_TO_DONE), done + 1);
    ck_assert_uint_eq(measured(STAGE_TO_COMMAND), before);
}
END_TEST

START_TEST(test_gap_holds_then_orders)
{
    send_definition();
    send_ticker(60000.0);
    seq += 3; // lost packets; the next one tells, and carries nothing
    send_nothing_of_interest();
    give_up_waiting();
    ck_assert_int_eq(oracle_hold(session_oracle(s), 0, now), HOLD_GAP);
    send_ticker(57000.0); // whole again with its next message: acted on at once
    ck_assert_uint_eq(gw.orders, 1);
}
END_TEST

START_TEST(test_gap_while_breached)
{
    struct err e = {{0}};
    send_definition();
    send_ticker(60000.0);
    ck_assert_int_eq(session_kill(s, true, &e), 0);
    send_ticker(57000.0); // breached, but orders are switched off
    ck_assert_uint_eq(gw.orders, 0);
    ck_assert_uint_eq(session_counters(s)->refused_by_desk[DESK_KILLED], 1);
    seq += 1;
    send_nothing_of_interest();
    give_up_waiting();
    ck_assert_int_eq(session_kill(s, false, &e), 0); // the switch is off again, but now there is a gap
    ck_assert_uint_eq(gw.orders, 0);
    ck_assert_uint_eq(held(HOLD_GAP), 1);
    send_ticker(57000.0); // the same price: no tick, yet the hold is over
    ck_assert_uint_eq(gw.orders, 1);
}
END_TEST

static int64_t price(void)
{
    return oracle_prices(session_oracle(s))[0] / 1000000000;
}

static uint64_t came_under(enum hold h)
{
    return oracle_counters(session_oracle(s))->holds[h];
}

// A price that is held does not even reach the device; the one that ends the hold is acted on.
START_TEST(test_halted_and_guarded)
{
    send_definition();
    send_ticker(60000.0);
    send_ticker_state(57000.0, 57000.0, 2);
    ck_assert_uint_eq(came_under(HOLD_HALTED), 1);
    send_ticker_state(57000.0, 62000.0, INSTRUMENT_OPEN); // 8 % below its index
    ck_assert_uint_eq(came_under(HOLD_GUARD), 1);
    send_ticker_state(57001.0, 62000.0, INSTRUMENT_OPEN);
    ck_assert_uint_eq(came_under(HOLD_GUARD), 1);
    ck_assert_int_eq(price(), 60000);
    ck_assert_uint_eq(gw.orders, 0);
    send_ticker_state(57000.0, 58000.0, INSTRUMENT_OPEN);
    ck_assert_int_eq(price(), 57000);
    ck_assert_uint_eq(gw.orders, 1);
}
END_TEST

static void kill_switch(bool on)
{
    struct err e = {{0}};
    ck_assert_int_eq(session_kill(s, on, &e), 0);
}

// Breached at a good price while orders are off, then held: counted once, and anew with the next flag.
START_TEST(test_holds_of_breached_accounts_are_counted)
{
    send_definition();
    for (unsigned i = 1; i <= 2; i++) {
        send_ticker(60000.0); // healthy: armed again
        kill_switch(true);
        send_ticker(57000.0);
        send_ticker_state(56000.0, 56000.0, 2);
        send_ticker_state(56000.0, 56000.0, 2);
        ck_assert_uint_eq(held(HOLD_HALTED), i);
        send_ticker_state(57000.0, 62000.0, INSTRUMENT_OPEN);
        ck_assert_uint_eq(held(HOLD_GUARD), i);
        kill_switch(false);
        ck_assert_uint_eq(gw.orders, 0);
    }
}
END_TEST

// ---- policies

static void restart(const char *policy)
{
    session_free(s);
    device_close(dev);
    start(policy);
}

// The mean of a second goes on falling while nothing is heard: the clock alone brings the order.
START_TEST(test_a_mean_moves_with_the_clock)
{
    struct err e = {{0}};
    restart("asset BTC_USDC-PERPETUAL\nsource deribit BTC_USDC-PERPETUAL mark max_age_ms=5000\n"
            "twap arithmetic window_ms=1000\npublish twap\n");
    send_definition();
    for (int i = 0; i < 10; i++) {
        send_ticker(60000.0); // at 0, 100, ... 900 ms
        ck_assert_int_eq(oracle_hold(session_oracle(s), 0, now), HOLD_WARMUP);
    }
    send_ticker(60000.0);
    ck_assert_int_eq(price(), 60000);
    send_ticker(57000.0); // at 1100 ms
    ck_assert_int_eq(price(), 60000);
    now += SECOND * 6 / 10; // 1800 ms: 0.7 s of it
    ck_assert_int_eq(session_clock(s, now, &e), 0);
    ck_assert_int_eq(price(), 57900);
    ck_assert_uint_eq(gw.orders, 0);
    now += SECOND / 10;
    ck_assert_int_eq(session_clock(s, now, &e), 0);
    ck_assert_int_eq(price(), 57600);
    now += SECOND / 100;
    ck_assert_int_eq(session_clock(s, now, &e), 0);
    ck_assert_int_eq(price(), 57570);
    ck_assert_uint_eq(gw.orders, 1);
}
END_TEST

// A guard that halts: until the operator has switched the kill switch on and off.
START_TEST(test_a_halt_ends_with_the_kill_switch)
{
    restart("asset BTC_USDC-PERPETUAL\nsource deribit BTC_USDC-PERPETUAL mark max_age_ms=5000\n"
            "guard band low=59000 high=70000 then=halt\n"
            "guard deviation bps=200 of=previous then=hold\n");
    send_definition();
    send_ticker(60000.0);
    send_ticker(58000.0);
    ck_assert_uint_eq(came_under(HOLD_HALT), 1);
    send_ticker(60000.0);
    ck_assert_int_eq(oracle_hold(session_oracle(s), 0, now), HOLD_HALT);
    send_ticker(62000.0);
    kill_switch(true);
    ck_assert_int_eq(oracle_hold(session_oracle(s), 0, now), HOLD_HALT);
    kill_switch(false);
    ck_assert_int_eq(oracle_hold(session_oracle(s), 0, now), HOLD_NONE);
    ck_assert_int_eq(price(), 62000); // "previous" is forgotten
}
END_TEST

START_TEST(test_a_wrong_policy_is_named)
{
    struct err e = {{0}};
    struct session_config bad = cfg;
    const struct session_log log = {NULL, log_put};
    bad.policy = "# mine\nasset ETH\n";
    bad.policy_len = strlen(bad.policy);
    ck_assert_ptr_null(session_new(&bad, &book, dev, &gw.base, &log, true, &e));
    ck_assert_msg(strncmp(e.msg, "p.conf:2: ", 10) == 0, "%s", e.msg);
}
END_TEST

START_TEST(test_stale_price_is_not_acted_on)
{
    struct err e = {{0}};
    send_definition();
    send_ticker(60000.0);
    ck_assert_int_eq(session_kill(s, true, &e), 0);
    send_ticker(57000.0);
    now += 10 * SECOND;
    ck_assert_int_eq(session_clock(s, now, &e), 0);
    ck_assert_int_eq(session_kill(s, false, &e), 0);
    ck_assert_uint_eq(gw.orders, 0);
    ck_assert_uint_eq(held(HOLD_STALE), 1);
    send_ticker(57000.0);
    ck_assert_uint_eq(gw.orders, 1);
}
END_TEST

// Funding alone brings a second account below maintenance in an hour without a price; what is known of the
// price is from when the first account got its order.
START_TEST(test_due_by_time_on_a_stale_price)
{
    struct err e = {{0}};
    session_free(s);
    device_close(dev);
    fill_market();
    book.market.instrument[0].told_at = 1000;
    book.market.instrument[0].funding_rate = INT64_C(95000000000000000); // 0.095 a second, 342 an hour
    account[1] = account[0];
    account[1].id = 6;
    account[1].cash = INT64_C(3500000000); // 326 above maintenance at 57,400
    book.n_accounts = 2;
    start_filled(NULL);
    send_definition();
    send_ticker(60000.0);
    send_ticker(57400.0);
    ck_assert_uint_eq(gw.orders, 1);
    now += 3600 * SECOND;
    ck_assert_int_eq(session_clock(s, now, &e), 0);
    ck_assert_uint_eq(gw.orders, 1);
    ck_assert_uint_eq(held(HOLD_STALE), 1);
    send_ticker(57400.0);
    ck_assert_uint_eq(gw.orders, 2);
    ck_assert_uint_eq(gw.last.key.account, 6);
}
END_TEST

START_TEST(test_reply_rearms_and_refusal_is_tried_again)
{
    static struct order_reply r;
    struct err e = {{0}};
    send_definition();
    send_ticker(60000.0);
    send_ticker(57000.0);
    ck_assert_uint_eq(gw.orders, 1);
    memset(&r, 0, sizeof r);
    r.key = gw.last.key;
    r.status = ORDER_REFUSED;
    ck_assert_int_eq(session_reply(s, &r, &e), 0);
    ck_assert_uint_eq(gw.orders, 1); // not within the same update
    send_ticker(57001.0);
    ck_assert_uint_eq(gw.orders, 2);
    ck_assert(order_key_cmp(&gw.last.key, &r.key) != 0); // never the same key for a new order
    r.key = gw.last.key;
    r.status = ORDER_FILLED;
    r.has_account = true;
    r.account = account[0];
    r.account.epoch++;
    r.account.cash += INT64_C(2000000000); // 2,000 more: safe down to 55,555.5
    ck_assert_int_eq(session_reply(s, &r, &e), 0);
    send_ticker(55556.0);
    ck_assert_uint_eq(gw.orders, 2);
    send_ticker(55555.0);
    ck_assert_uint_eq(gw.orders, 3);
    ck_assert_uint_eq(gw.last.key.epoch, 1);
}
END_TEST

// A back-off that ends by the time that a frame of no interest told, which no look followed yet: switching
// orders off must not look first, switching them on again must.
START_TEST(test_kill_switch_goes_before_the_time_heard)
{
    static const uint8_t arp[60] = {[12] = 0x08, [13] = 0x06};
    static struct order_reply r;
    struct err e = {{0}};
    send_definition();
    send_ticker(60000.0);
    uint64_t fired = now;
    send_ticker(57000.0);
    memset(&r, 0, sizeof r);
    r.key = gw.last.key;
    r.status = ORDER_REFUSED;
    ck_assert_int_eq(session_reply(s, &r, &e), 0);
    now = fired + SECOND / 20; // logged, and says nothing
    send_nothing_of_interest();
    now = fired + SECOND / 8; // not logged: not far enough ahead
    ck_assert_int_eq(session_frame(s, now, arp, sizeof arp, sizeof arp, &e), 0);
    ck_assert_uint_eq(gw.orders, 1);
    kill_switch(true);
    ck_assert_uint_eq(gw.orders, 1);
    kill_switch(false);
    ck_assert_uint_eq(gw.orders, 2);
}
END_TEST

START_TEST(test_filled_but_still_below_fires_at_once)
{
    static struct order_reply r;
    struct err e = {{0}};
    send_definition();
    send_ticker(60000.0);
    send_ticker(57000.0);
    memset(&r, 0, sizeof r);
    r.key = gw.last.key;
    r.status = ORDER_FILLED;
    r.has_account = true;
    r.account = account[0];
    r.account.epoch++;
    ck_assert_int_eq(session_reply(s, &r, &e), 0); // nothing changed but the epoch: still breached
    ck_assert_uint_eq(gw.orders, 2);
}
END_TEST

// ---- the live loop, with a source in the test's hands

static uint64_t source_lag; // how long after the source was last seen empty its frames are taken
static int source_step;

static size_t poll_source(void *ctx, live_frame *cb, void *cb_ctx)
{
    static struct gen_frame f;
    const struct frame_options o = {.vlans = 1};
    uint8_t buf[512];
    struct deribit_encoder enc;
    (void)ctx;
    deribit_begin(&enc, buf, sizeof buf, CHANNEL, seq++);
    if (source_step++ == 0) {
        put_definition(&enc);
    } else {
        double mark = source_step == 2 ? 60000.0 : 57000.0;
        const struct deribit_ticker t = {
            .id = ID, .state = INSTRUMENT_OPEN, .ts_ms = 1, .mark = mark, .index = mark};
        deribit_put_ticker(&enc, &t);
    }
    size_t len = deribit_end(&enc);
    memcpy(frame_payload(&f, &o), buf, len);
    frame_finish(&f, &o, CHANNEL, 6100, len);
    cb(cb_ctx, clock_stream_ns() + source_lag, f.buf, f.len, f.wire);
    return 1;
}

static uint64_t read_to_now(void *ctx)
{
    (void)ctx;
    return clock_stream_ns();
}

static void run_live(uint64_t lag)
{
    struct err e = {{0}};
    const volatile sig_atomic_t never = 0;
    const struct live_config lc = {.max_frames = 3, .idle_ns = SECOND / 10, .stop = &never};
    const struct live_source src = {.poll = poll_source, .read_until = read_to_now};
    source_lag = lag;
    source_step = 0;
    ck_assert_msg(live_run(&lc, &src, s, &gw.base, &e) == LIVE_DONE, "%s", e.msg);
}

START_TEST(test_live_frames_give_an_order)
{
    run_live(0);
    ck_assert_uint_eq(gw.orders, 1);
}
END_TEST

START_TEST(test_live_frames_that_waited_are_stale)
{
    run_live(10 * SECOND);
    ck_assert_uint_eq(gw.orders, 0);
    ck_assert_int_eq(oracle_hold(session_oracle(s), 0, clock_stream_ns() + 10 * SECOND), HOLD_STALE);
    ck_assert_uint_eq(came_under(HOLD_STALE), 1);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("session");
    TCase *t = tcase_create("session");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_breach_gives_one_order);
    tcase_add_test(t, test_a_tick_does_not_wait_for_the_log);
    tcase_add_test(t, test_each_frame_of_the_feed_is_logged_once);
    tcase_add_test(t, test_measured_without_a_frame);
    tcase_add_test(t, test_stamps_are_of_the_frame);
    tcase_add_test(t, test_commands_without_prices);
    tcase_add_test(t, test_gap_holds_then_orders);
    tcase_add_test(t, test_gap_while_breached);
    tcase_add_test(t, test_halted_and_guarded);
    tcase_add_test(t, test_holds_of_breached_accounts_are_counted);
    tcase_add_test(t, test_a_mean_moves_with_the_clock);
    tcase_add_test(t, test_a_halt_ends_with_the_kill_switch);
    tcase_add_test(t, test_a_wrong_policy_is_named);
    tcase_add_test(t, test_stale_price_is_not_acted_on);
    tcase_add_test(t, test_due_by_time_on_a_stale_price);
    tcase_add_test(t, test_reply_rearms_and_refusal_is_tried_again);
    tcase_add_test(t, test_kill_switch_goes_before_the_time_heard);
    tcase_add_test(t, test_live_frames_give_an_order);
    tcase_add_test(t, test_live_frames_that_waited_are_stale);
    tcase_add_test(t, test_filled_but_still_below_fires_at_once);
    suite_add_tcase(su, t);
    return run_suite(su);
}
