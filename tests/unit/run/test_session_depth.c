// SPDX-License-Identifier: Apache-2.0
// The feed's books in a session's profit figures: an order's record has the slippage of the book as it was at
// that moment; a gap, a crossed book or none at all is not known, and with depth=required lets nothing go.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exec/desk_inside.h"
#include "run/inside.h"
#include "run/sessiontest.h"

static struct order_record order; // the last one of the log

static uint64_t keep_order(void *ctx, enum journal_type type, const void *a, size_t na, const void *b,
                           size_t nb)
{
    if (type == J_ORDER)
        ck_assert_int_eq(order_record_decode(a, na, &order), 0);
    return log_put(ctx, type, a, na, b, nb);
}

static uint32_t by = DESK_DEPTH_BY_REST;
static bool inverse; // the venue's market, whatever contract it prices here

static void define(void)
{
    uint8_t buf[512];
    struct deribit_encoder enc;
    const struct deribit_instrument i = {.id = ID,
                                         .name = "BTC_USDC-PERPETUAL",
                                         .base = "BTC",
                                         .quote = "USD",
                                         .settle = "BTC",
                                         .size = "USD",
                                         .state = INSTRUMENT_OPEN,
                                         .type = inverse ? 1 : 2};
    deribit_begin(&enc, buf, sizeof buf, CHANNEL, seq++);
    deribit_put_instrument_v2(&enc, &i);
    send_payload(buf, deribit_end(&enc));
}

static void begin(uint32_t mode, int64_t min_profit_e8)
{
    struct err e;
    session_free(s);
    config_default(&cfg);
    cfg.desk.depth.mode = mode;
    cfg.desk.depth.by = by;
    cfg.desk.depth.unknown_ppm = 100;
    cfg.desk.min_profit_e8 = min_profit_e8;
    s = session_new(&cfg, &book, dev, &gw.base, &(struct session_log){NULL, keep_order}, true, &e);
    ck_assert_msg(s != NULL, "%s", e.msg);
    ck_assert_int_eq(session_begin(s, &e), 0);
    memset(&order, 0, sizeof order);
    define();
}

static void send_book(bool snapshot, uint64_t change, const struct deribit_level *l, uint16_t n)
{
    static uint32_t of_snapshots = 1;
    static struct gen_frame f;
    uint8_t buf[1024];
    struct deribit_encoder enc;
    struct err e;
    const struct frame_options o = {.vlans = 1};
    deribit_begin(&enc, buf, sizeof buf, snapshot ? 100 + CHANNEL : CHANNEL,
                  snapshot ? of_snapshots++ : seq++);
    if (snapshot)
        deribit_put_snapshot(&enc, ID, now / 1000000, change, l, n);
    else
        deribit_put_book(&enc, ID, now / 1000000, change - 1, change, l, n);
    size_t len = deribit_end(&enc);
    memcpy(frame_payload(&f, &o), buf, len);
    frame_finish(&f, &o, CHANNEL, snapshot ? 6101 : 6100, len);
    ck_assert_msg(session_frame(s, now, f.buf, f.len, f.wire, &e) == 0, "%s", e.msg);
    now += SECOND / 100;
}

// 0.4 and 5 BTC bid below the mark of the breach, 57,000.
static const struct deribit_level BOOK[] = {
    {true, 0, 56990.0, 0.4}, {true, 0, 56950.0, 5.0}, {false, 0, 57010.0, 9.0}};

static void tell_book(void)
{
    send_book(true, 50, BOOK, 3); // the first may be the rest of another
    send_book(true, 50, BOOK, 3);
}

static void breach(void)
{
    send_ticker(60000.0);
    send_ticker(57000.0);
}

// What the order of `full` or the part of it loses, 1e-8, by the book above, and 500 ppm of a taker.
static int64_t lost(int64_t thousandths)
{
    int64_t first = thousandths < 400 ? thousandths : 400, second = thousandths - first;
    int64_t loss = (first * 10 + second * 50) * 100000; // of thousandths of a unit of account, in 1e-8
    i128 notional = (i128)(first * 56990 + second * 56950) * 100000;
    return loss + (int64_t)((notional * 500 + 999999) / 1000000);
}

static int64_t quantity(void)
{
    struct order o;
    ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &o), 0);
    ck_assert_int_eq(o.n, 1);
    return (int64_t)o.leg[0].qty;
}

START_TEST(test_the_book_of_the_moment)
{
    begin(DESK_DEPTH_FEED, 1);
    tell_book();
    breach();
    ck_assert_uint_eq(gw.orders, 1);
    ck_assert(order.has_slip && order.slip_known);
    ck_assert_int_eq(order.slip_e8, lost(quantity()));
    // penalty of 0.5 %, less that
    i128 reward = (i128)order.value_e8 * 5000 / 1000000;
    ck_assert(order.reward_e8 <= reward - order.slip_e8 && order.reward_e8 >= reward - order.slip_e8 - 2);
}
END_TEST

// The same book of a market that counts in dollars: 0.4 coins at 56,990 are 22,796 of them, 5 at 56,950
// 284,750.
static void dollars(void)
{
    static const struct deribit_level book_usd[] = {
        {true, 0, 56990.0, 22796.0}, {true, 0, 56950.0, 284750.0}, {false, 0, 57010.0, 513090.0}};
    inverse = true;
    begin(DESK_DEPTH_FEED, 1);
    send_book(true, 50, book_usd, 3);
    send_book(true, 50, book_usd, 3);
    breach();
    ck_assert_uint_eq(gw.orders, 1);
    ck_assert(order.slip_known);
}

START_TEST(test_an_inverse_market_in_coins)
{
    dollars();
    ck_assert_int_gt(quantity(), 400); // thousandths: through both levels
    ck_assert_int_eq(order.slip_e8, lost(quantity()));
}
END_TEST

// Journals from before took dollars for coins: all of it at the first level.
START_TEST(test_an_inverse_market_as_before)
{
    by = DESK_DEPTH_BY_BOTH;
    dollars();
    i128 notional = (i128)quantity() * 56990 * 100000;
    ck_assert_int_eq(order.slip_e8, quantity() * 1000000 + (int64_t)((notional * 500 + 999999) / 1000000));
}
END_TEST

// A linear market's coins for a contract in dollars.
START_TEST(test_a_linear_market_in_dollars)
{
    begin(DESK_DEPTH_FEED, 1);
    tell_book();
    const struct slip_side *b = s->desk->books.side(s, 0, true, false);
    ck_assert(b && b->n == 2 && b->level[0].amount == INT64_C(2279600000000));
    ck_assert_int_eq(b->level[1].amount, INT64_C(28475000000000));
    const struct slip_side *coins = s->desk->books.side(s, 0, true, true);
    ck_assert(coins && coins != b && coins->level[0].amount == 40000000);
    // crumbs: less than 1e-8 of a coin is no level
    const struct deribit_level crumbs[] = {
        {true, 0, 56990.0, 0.0005}, {true, 0, 56950.0, 5.0}, {false, 0, 57010.0, 9.0}};
    inverse = true;
    begin(DESK_DEPTH_FEED, 1);
    send_book(true, 50, crumbs, 3);
    send_book(true, 50, crumbs, 3);
    coins = s->desk->books.side(s, 0, true, true);
    ck_assert(coins && coins->n == 1 && coins->level[0].price == INT64_C(56950000000000));
}
END_TEST

START_TEST(test_off_writes_what_it_wrote)
{
    begin(DESK_DEPTH_NONE, 1);
    tell_book();
    breach();
    ck_assert_uint_eq(gw.orders, 1);
    ck_assert(!order.has_slip && s->books == NULL);
}
END_TEST

static void not_known(void)
{
    ck_assert_uint_eq(gw.orders, 1);
    ck_assert(order.has_slip && !order.slip_known);
    ck_assert(order.slip_e8 >= order.value_e8 / 10000 && order.slip_e8 <= order.value_e8 / 10000 + 1);
}

START_TEST(test_no_book)
{
    begin(DESK_DEPTH_FEED, 1);
    breach();
    not_known();
}
END_TEST

START_TEST(test_no_book_is_no_order)
{
    begin(DESK_DEPTH_REQUIRED, 1);
    breach();
    ck_assert_uint_eq(gw.orders, 0);
    ck_assert_uint_eq(session_counters(s)->refused_by_desk[DESK_NO_PROFIT], 1);
    tell_book();
    send_ticker(56999.0); // the next update looks again
    ck_assert_uint_eq(gw.orders, 1);
    ck_assert(order.slip_known);
}
END_TEST

START_TEST(test_a_gap_and_a_crossed_book)
{
    const struct deribit_level over[] = {{true, 0, 57020.0, 1.0}};
    begin(DESK_DEPTH_FEED, 1);
    tell_book();
    send_book(false, 51, over, 1); // above the ask
    breach();
    not_known();
}
END_TEST

START_TEST(test_a_book_in_a_gap)
{
    const struct deribit_level more[] = {{true, 0, 56980.0, 1.0}};
    struct err e;
    begin(DESK_DEPTH_REQUIRED, 1);
    tell_book();
    send_book(false, 53, more, 1); // two changes are missing
    breach();
    ck_assert_uint_eq(gw.orders, 0);
    ck_assert_int_eq(session_verdict(s, &e), 0);
}
END_TEST

START_TEST(test_too_thin)
{
    const struct deribit_level gone[] = {{true, 2, 56950.0, 0.0}};
    begin(DESK_DEPTH_FEED, 1);
    tell_book();
    send_book(false, 51, gone, 1); // 0.4 BTC are left
    breach();
    ck_assert_uint_eq(gw.orders, 0);
    ck_assert_uint_eq(session_counters(s)->refused_by_desk[DESK_NO_PROFIT], 1);
}
END_TEST

START_TEST(test_least_profit_is_after_slippage)
{
    // 5 % of a BTC and more at 0.5 % less slippage and fee
    begin(DESK_DEPTH_FEED, 1);
    tell_book();
    breach();
    int64_t profit = order.reward_e8;
    for (int more = 0; more < 2; more++) {
        teardown();
        setup();
        begin(DESK_DEPTH_FEED, profit + more);
        tell_book();
        breach();
        ck_assert_uint_eq(gw.orders, more ? 0 : 1);
    }
}
END_TEST

// What an order of `quantity()` loses with so many thousandths of the bids gone before.
static int64_t lost_behind(int64_t gone, int64_t thousandths)
{
    int64_t first = gone < 400 ? 400 - gone : 0;
    first = thousandths < first ? thousandths : first;
    int64_t second = thousandths - first;
    i128 notional = (i128)(first * 56990 + second * 56950) * 100000;
    return (first * 10 + second * 50) * 100000 + (int64_t)((notional * 500 + 999999) / 1000000);
}

static struct order_record orders[MANY];
static int64_t sent_qty[MANY];
static size_t n_orders;

static uint64_t keep_all(void *ctx, enum journal_type type, const void *a, size_t na, const void *b,
                         size_t nb)
{
    if (type == J_ORDER) { // handed over just now
        sent_qty[n_orders] = quantity();
        ck_assert_int_eq(order_record_decode(a, na, &orders[n_orders++]), 0);
    }
    return log_put(ctx, type, a, na, b, nb);
}

// Three accounts of one position each, longs of 1 BTC; the breach of all at once.
static void three(uint32_t rule)
{
    struct err e;
    by = rule;
    session_free(s);
    for (uint32_t i = 1; i < 3; i++) {
        account[i] = account[0];
        account[i].id = account[0].id + i;
    }
    book.n_accounts = 3;
    config_default(&cfg);
    cfg.desk.depth.mode = DESK_DEPTH_FEED;
    cfg.desk.depth.by = by;
    cfg.desk.min_profit_e8 = 1;
    s = session_new(&cfg, &book, dev, &gw.base, &(struct session_log){NULL, keep_all}, true, &e);
    ck_assert_msg(s != NULL, "%s", e.msg);
    ck_assert_int_eq(session_begin(s, &e), 0);
    n_orders = 0;
    define();
}

static void reply(size_t i, uint8_t status)
{
    struct err e;
    static struct order_reply r;
    memset(&r, 0, sizeof r);
    r.status = status;
    r.key = orders[i].key;
    ck_assert_msg(session_reply(s, &r, &e) == 0, "%s", e.msg);
}

// Each gets what the ones before it leave; a change of the book does not give back what is in flight, a
// refusal does.
START_TEST(test_orders_of_one_moment)
{
    three(DESK_DEPTH_BY_REST);
    tell_book();
    breach();
    ck_assert_uint_eq(n_orders, 3);
    int64_t gone = 0;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(orders[i].slip_e8, lost_behind(gone, sent_qty[i]));
        gone += sent_qty[i];
    }
    ck_assert_int_gt(orders[1].slip_e8, orders[0].slip_e8);
    ck_assert_int_gt(gone, 400);
    reply(1, ORDER_REFUSED);
    now += SECOND;
    send_ticker(57000.0);
    ck_assert_uint_eq(n_orders, 4);
    ck_assert_int_eq(orders[3].slip_e8, lost_behind(gone - sent_qty[1], sent_qty[3]));
}
END_TEST

START_TEST(test_a_thin_book_is_there_once)
{
    const struct deribit_level thin[] = {{true, 0, 56990.0, 1.0}, {false, 0, 57010.0, 9.0}};
    for (int i = 0; i < 2; i++) {
        teardown();
        setup();
        three(i ? DESK_DEPTH_BY_REST : DESK_DEPTH_BY_UNIT);
        send_book(true, 50, thin, 2);
        send_book(true, 50, thin, 2);
        breach();
        ck_assert_uint_eq(n_orders, i ? 1 : 3);
    }
}
END_TEST

int main(void)
{
    Suite *su = suite_create("session_depth");
    TCase *t = tcase_create("depth");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_the_book_of_the_moment);
    tcase_add_test(t, test_an_inverse_market_in_coins);
    tcase_add_test(t, test_an_inverse_market_as_before);
    tcase_add_test(t, test_a_linear_market_in_dollars);
    tcase_add_test(t, test_off_writes_what_it_wrote);
    tcase_add_test(t, test_no_book);
    tcase_add_test(t, test_no_book_is_no_order);
    tcase_add_test(t, test_a_gap_and_a_crossed_book);
    tcase_add_test(t, test_a_book_in_a_gap);
    tcase_add_test(t, test_too_thin);
    tcase_add_test(t, test_least_profit_is_after_slippage);
    tcase_add_test(t, test_orders_of_one_moment);
    tcase_add_test(t, test_a_thin_book_is_there_once);
    suite_add_tcase(su, t);
    return run_suite(su);
}
