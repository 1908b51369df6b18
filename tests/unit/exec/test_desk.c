// SPDX-License-Identifier: Apache-2.0
// The desk: every answer, siblings, limits, kill switch, replies, and that no key ever occurs twice.
#include "base/prng.h"
#include "base/test_seed.h"
#include "run_suite.h"
#include "toy.h"

START_TEST(sends_exact_order)
{
    struct desk_config c = config();
    open_desk(&c);
    ck_assert_int_eq(fire(3, 9900, 1), DESK_SENT);
    ck_assert_uint_eq(gw.n, 1);
    char text[ORDER_KEY_TEXT];
    ck_assert_str_eq(order_key_format(&gw.last.key, text, sizeof text), "d1-a16-e0-r1");
    struct order o;
    ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &o), 0);
    // eq = 1e6 - 1e5 = 900000, req = 990000: 1000 * 90000 / 990000 = 90.9 -> 91
    ck_assert(o.n == 1 && o.leg[0].qty == 91 && !o.full);
    ck_assert_int_eq(o.value_e8, (int64_t)91 * 9900 * 100000000);
    ck_assert(gw.last.n_marks == 1 && gw.last.mark[0].asset == 0 && gw.last.mark[0].price == 9900);
    // The bytes logged are the bytes sent, under the LSN sent.
    ck_assert(wal.ready == 1 && wal.n_bytes == gw.last.n_bytes &&
              memcmp(wal.bytes, gw.last.bytes, wal.n_bytes) == 0);
    ck_assert(wal.orders == 1 && wal.ready_lsn == gw.last.lsn && !wal.order.ready &&
              wal.order.answer == DESK_SENT);
    ck_assert_int_eq(order_key_cmp(&wal.order.key, &gw.last.key), 0);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->cold == 1 && n->outstanding == 1 && n->answer[DESK_SENT] == 1 && n->value_e8 == o.value_e8);
}
END_TEST

START_TEST(siblings_give_one_order)
{
    struct desk_config c = config();
    open_desk(&c);
    ck_assert(!desk_in_flight(desk, 0));
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
    ck_assert_int_eq(fire(0, 9900, 1), DESK_BUSY);
    ck_assert_int_eq(fire(0, 9800, 2), DESK_BUSY);
    desk_prepare(desk, 0, px); // nor is another made ready meanwhile
    ck_assert(desk_in_flight(desk, 0) && gw.n == 1 && wal.ready == 1);
    ck_assert_int_eq(fire(1, 9900, 2), DESK_SENT); // another account
}
END_TEST

START_TEST(every_refusal)
{
    struct desk_config c = config();
    c.max_price_age_ns = 100;
    c.cost_e8 = 5;
    c.min_profit_e8 =
        (int64_t)9009 * 100000000; // reward at 9900 is 91 * 99 = 9009 units: 5 short by the cost
    open_desk(&c);
    px[0] = 9900;
    desk_kill(desk, true);
    ck_assert(desk_killed(desk));
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 101), DESK_KILLED);
    desk_kill(desk, false);
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 101), DESK_PRICE_AGE);
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 100), DESK_NO_PROFIT);
    px[0] = 0;
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_PRICE_AGE); // there is no price
    px[0] = 10000;
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_NO_SIZE); // healthy
    px[0] = 9900;
    desk_restore(desk, 0, 7, 3);
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_EPOCH);
    ck_assert_uint_eq(gw.n, 0);
    ck_assert_uint_eq(wal.ready + wal.orders, 0); // what does not leave is not logged and takes no key
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->answer[DESK_KILLED] == 1 && n->answer[DESK_PRICE_AGE] == 2 &&
              n->answer[DESK_NO_PROFIT] == 1 && n->answer[DESK_NO_SIZE] == 1 && n->answer[DESK_EPOCH] == 1 &&
              n->value_e8 == 0 && n->outstanding == 0);
    for (int i = 0; i < DESK_ANSWER_COUNT; i++)
        ck_assert_str_ne(desk_answer_name((enum desk_answer)i), "?");
    ck_assert_str_eq(desk_answer_name(DESK_ANSWER_COUNT), "?");
}
END_TEST

START_TEST(profit_edge)
{
    struct desk_config c = config();
    c.cost_e8 = 9;
    c.min_profit_e8 = (int64_t)9009 * 100000000 - 9;
    open_desk(&c);
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
}
END_TEST

START_TEST(limits)
{
    const int64_t one = (int64_t)91 * 9900 * 100000000; // value of an order at 9900
    const uint64_t S = 1000000000;
    struct desk_config c = config();
    c.max_order_e8 = one;
    c.max_minute_e8 = 2 * one;
    c.max_total_e8 = 3 * one;
    open_desk(&c);
    ck_assert_int_eq(fire(0, 9899, 0), DESK_LIMIT_ORDER); // 92 lots
    ck_assert_int_eq(fire(0, 9900, 0), DESK_SENT);
    ck_assert_int_eq(fire(1, 9900, S), DESK_SENT);
    ck_assert_int_eq(fire(2, 9900, 60 * S - 1), DESK_LIMIT_MINUTE);
    ck_assert_int_eq(fire(2, 9900, 60 * S), DESK_SENT);
    ck_assert_int_eq(fire(3, 9900, 600 * S), DESK_LIMIT_TOTAL);
    ck_assert_int_eq(desk_counters(desk)->value_e8, 3 * one);
}
END_TEST

START_TEST(value_beyond_int64_is_refused)
{
    struct desk_config c = config();
    open_desk(&c);
    toy_value_factor = (i128)1 << 80;
    ck_assert_int_eq(fire(0, 9900, 1), DESK_LIMIT_ORDER);
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(wal.ready, 0);
}
END_TEST

// Whether there is one, of this state, and desk_prepare() would leave it: half the tolerance decides.
START_TEST(prepared_while_prices_are_near)
{
    struct desk_config c = config();
    open_desk(&c);
    px[0] = 10010;
    ck_assert(!desk_prepared(desk, 0, px));
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(wal.ready, 1);
    ck_assert(desk_prepared(desk, 0, px));
    ck_assert(!desk_prepared(desk, 1, px));
    const int64_t by = (int64_t)(10010 * (uint64_t)c.ready_tolerance_ppm / 2000000);
    px[0] = 10010 - by;
    ck_assert(desk_prepared(desk, 0, px));
    px[0] = 10010 - by - 1;
    ck_assert(!desk_prepared(desk, 0, px));
    px[0] = 10010;
    desk_retire(desk, 0);
    ck_assert(!desk_prepared(desk, 0, px));
}
END_TEST

START_TEST(not_logged_is_not_sent)
{
    struct desk_config c = config();
    open_desk(&c);
    wal.failed = true;
    px[0] = 10010;
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(desk_counters(desk)->ready_made, 0);
    ck_assert_int_eq(fire(0, 9900, 1), DESK_NOT_LOGGED);
    ck_assert(gw.n == 0 && !desk_in_flight(desk, 0));
    wal.failed = false;
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
    ck_assert_uint_gt(gw.last.lsn, 0);
}
END_TEST

START_TEST(gateway_room)
{
    struct desk_config c = config();
    open_desk(&c);
    for (size_t i = 0; i < GATEWAY_OUTSTANDING_MAX; i++)
        ck_assert_int_eq(fire(i, 9900, 1), DESK_SENT);
    ck_assert_int_eq(fire(GATEWAY_OUTSTANDING_MAX, 9900, 1), DESK_RING_FULL);
    ck_assert_uint_eq(gw.n, GATEWAY_OUTSTANDING_MAX);
    struct order_reply r = reply_to_last(ORDER_REFUSED);
    ck_assert_uint_eq(desk_reply(desk, &r), GATEWAY_OUTSTANDING_MAX - 1);
    ck_assert_int_eq(fire(GATEWAY_OUTSTANDING_MAX, 9900, 1), DESK_SENT);
}
END_TEST

START_TEST(gateway_that_refuses_all_the_same)
{
    struct desk_config c = config();
    open_desk(&c);
    gw.full = true;
    ck_assert_int_eq(fire(0, 9900, 1), DESK_RING_FULL);
    ck_assert(!desk_in_flight(desk, 0) && wal.order.answer == DESK_RING_FULL);
    struct order_key first = wal.order.key;
    gw.full = false;
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
    ck_assert_int_gt(order_key_cmp(&gw.last.key, &first), 0); // the key that was logged is not used again
}
END_TEST

START_TEST(replies)
{
    struct desk_config c = config();
    open_desk(&c);
    ck_assert_int_eq(fire(4, 9900, 1), DESK_SENT);
    struct order_reply r = reply_to_last(ORDER_FILLED);
    r.account.position[0].size = 909;
    // not ours: other desk, other revision, other epoch, nobody's account
    for (int i = 0; i < 4; i++) {
        struct order_reply x = r;
        uint32_t *f[] = {&x.key.desk, &x.key.revision, &x.key.epoch, &x.key.account};
        *f[i] += 1;
        ck_assert_uint_eq(desk_reply(desk, &x), SIZE_MAX);
    }
    ck_assert(desk_in_flight(desk, 4));
    // a fill that does not hold up: account missing, of another, of the old epoch, against the rule
    struct order_reply bad[5] = {r, r, r, r, r};
    bad[0].has_account = false;
    bad[1].account.id++;
    bad[2].account.epoch = r.key.epoch;
    bad[3].account.cash_decimals = 3;
    memcpy(bad[4].account.currency, "BTC", 4);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(desk_reply(desk, &bad[i]), SIZE_MAX);
    ck_assert(desk_in_flight(desk, 4) && book.account[4].position[0].size == 1000);
    ck_assert_uint_eq(desk_counters(desk)->unknown, 9);

    ck_assert_uint_eq(desk_reply(desk, &r), 4);
    ck_assert(book.account[4].position[0].size == 909 && book.account[4].epoch == 1 &&
              !desk_in_flight(desk, 4));
    ck_assert_uint_eq(desk_reply(desk, &r), SIZE_MAX); // once only
    ck_assert_int_eq(fire(4, 9880, 1), DESK_SENT);     // again, of the new epoch, counting from 1
    ck_assert(gw.last.key.epoch == 1 && gw.last.key.revision == 1);
    r = reply_to_last(ORDER_REFUSED);
    ck_assert_uint_eq(desk_reply(desk, &r), 4);
    ck_assert(book.account[4].epoch == 1 && book.account[4].position[0].size == 909);
    ck_assert_int_eq(fire(4, 9880, 1 + 99999999), DESK_BACKOFF); // 0.1 s after the order that was refused
    ck_assert_int_eq(fire(4, 9880, 1 + 100000000), DESK_SENT);
    ck_assert_uint_eq(gw.last.key.revision, 2);
    r = reply_to_last(ORDER_UNKNOWN);
    ck_assert_uint_eq(desk_reply(desk, &r), 4);
    ck_assert_int_eq(fire(4, 9880, 1 + 299999999), DESK_BACKOFF); // twice as long the second time
    ck_assert_int_eq(fire(4, 9880, 1 + 300000000), DESK_SENT);
    r = reply_to_last(ORDER_REFUSED);
    ck_assert_uint_eq(desk_reply(desk, &r), 4);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->filled == 1 && n->refused == 2 && n->fenced == 1 && n->outstanding == 0);
}
END_TEST

// A state that no order brought: the ready order of the old one goes, the order in flight stays the account's
// only one until its own reply, and a fill that is older than what is known changes nothing.
START_TEST(states_without_an_order)
{
    struct desk_config c = config();
    size_t i;
    open_desk(&c);
    struct account a = book.account[4], b = a;
    desk_prepare(desk, 4, px);
    ck_assert_uint_eq(desk_counters(desk)->ready_made, 1);
    ck_assert_int_eq(desk_told(desk, &a, ACCOUNTS, &i), TOLD_TAKEN); // of the same epoch
    ck_assert_uint_eq(i, 4);
    ck_assert_uint_eq(desk_counters(desk)->ready_retired, 1);
    ck_assert_int_eq(fire(4, 9900, 1), DESK_SENT);
    struct order_reply late = reply_to_last(ORDER_FILLED); // epoch 1
    a.epoch = 2;
    a.cash += 5;
    ck_assert_int_eq(desk_told(desk, &a, ACCOUNTS, &i), TOLD_TAKEN);
    ck_assert(desk_in_flight(desk, 4));
    ck_assert_int_eq(fire(4, 9900, 1), DESK_BUSY);
    ck_assert_int_eq(desk_told(desk, &b, ACCOUNTS, &i), TOLD_OLD);
    ck_assert_uint_eq(desk_reply(desk, &late), 4);
    ck_assert(!desk_in_flight(desk, 4) && book.account[4].epoch == 2 && book.account[4].cash == a.cash);
    ck_assert_int_eq(fire(4, 9900, 1), DESK_SENT);
    ck_assert(gw.last.key.epoch == 2 && gw.last.key.revision == 1);
    a.epoch = 3; // and one that is refused because it was overtaken is no reason to wait with the next
    ck_assert_int_eq(desk_told(desk, &a, ACCOUNTS, &i), TOLD_TAKEN);
    struct order_reply refused = reply_to_last(ORDER_REFUSED);
    ck_assert_uint_eq(desk_reply(desk, &refused), 4);
    ck_assert_int_eq(fire(4, 9900, 1), DESK_SENT);
    a.id = 11;
    ck_assert_int_eq(desk_told(desk, &a, ACCOUNTS + 1, &i), TOLD_NO_ROOM); // an array does not grow
    a.rule = NULL;
    ck_assert_int_eq(desk_told(desk, &a, ACCOUNTS, &i), TOLD_BAD);
    ck_assert_uint_eq(desk_counters(desk)->filled, 1);
    ck_assert_uint_eq(desk_counters(desk)->unknown, 0);
}
END_TEST

// The same over a packed book; and a fill whose state finds no room is not applied and stays in flight.
START_TEST(packed_book)
{
    struct desk_config c = config();
    static struct account all[ACCOUNTS]; // too large for a stack
    struct account scratch;
    struct err e = {""};
    open_desk(&c);
    memcpy(all, book.account, sizeof all);
    size_t put = 0;
    for (size_t arena = 8; put < ACCOUNTS; arena += 8) { // no byte more than all of them take
        ck_assert_int_eq(book_packed(&book, arena, &e) || book_reserve(&book, ACCOUNTS, 0, &e), 0);
        for (put = 0; put < ACCOUNTS && book_add(&book, &all[put], &e) == 0;)
            put++;
    }
    desk_prepare(desk, 4, px);
    ck_assert_int_eq(fire(4, 9900, 1), DESK_SENT);
    struct order_reply r = {
        .key = gw.last.key, .status = ORDER_FILLED, .has_account = true, .account = all[4]};
    r.account.epoch++;
    r.account.position[0].size = 90;
    struct order_reply larger = r;
    larger.account.n_positions = 2;
    larger.account.position[1] = (struct position){.instrument = 1, .size = INT64_MAX, .entry = INT64_MAX};
    ck_assert_uint_eq(desk_reply(desk, &larger), SIZE_MAX);
    ck_assert(desk_in_flight(desk, 4) && desk_counters(desk)->unknown == 1 &&
              desk_counters(desk)->filled == 0);
    ck_assert(book_account(&book, 4, &scratch)->position[0].size == 1000 && scratch.n_positions == 1);
    ck_assert_uint_eq(desk_reply(desk, &r), 4);
    ck_assert(book_account(&book, 4, &scratch)->position[0].size == 90 && scratch.epoch == 1);
    ck_assert(!desk_in_flight(desk, 4) && desk_counters(desk)->filled == 1);
    ck_assert(book_account(&book, 3, &scratch)->position[0].size == 1000 && scratch.epoch == 0);
}
END_TEST

START_TEST(refused_value_counts_for_the_minute_only)
{
    struct desk_config c = config();
    c.max_total_e8 = (int64_t)100 * 9900 * 100000000; // one order of 91, not two
    open_desk(&c);
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
    ck_assert_int_eq(fire(1, 9900, 1), DESK_LIMIT_TOTAL);
    struct order_reply r = reply_to_last(ORDER_REFUSED);
    ck_assert_uint_eq(desk_reply(desk, &r), 0);
    ck_assert_int_eq(fire(1, 9900, 1), DESK_SENT); // what came to nothing is not spent
    desk_free(desk);
    open_desk(&c);
    desk_restore_spent(desk, (int64_t)10 * 9900 * 100000000); // of an earlier session
    ck_assert_int_eq(fire(0, 9900, 1), DESK_LIMIT_TOTAL);
}
END_TEST

START_TEST(restore_continues_revisions)
{
    struct desk_config c = config();
    open_desk(&c);
    desk_restore(desk, 0, 0, 5);
    desk_restore(desk, 0, 0, 3); // in any order
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
    ck_assert_uint_eq(gw.last.key.revision, 6);
    desk_restore(desk, 1, 2, 9);
    desk_restore(desk, 1, 1, 50);
    book.account[1].epoch = 2;
    ck_assert_int_eq(fire(1, 9900, 1), DESK_SENT);
    ck_assert(gw.last.key.epoch == 2 && gw.last.key.revision == 10);
    book.account[2].epoch = 3; // a newer epoch than any restored one starts anew
    desk_restore(desk, 2, 2, 9);
    ck_assert_int_eq(fire(2, 9900, 1), DESK_SENT);
    ck_assert(gw.last.key.epoch == 3 && gw.last.key.revision == 1);
}
END_TEST

static int by_key(const void *a, const void *b)
{
    return order_key_cmp(a, b);
}

// A long random life with restarts: the desk is thrown away and restored from the J_READY keys alone.
START_TEST(no_key_twice)
{
    struct desk_config c = config();
    struct prng r;
    prng_seed(&r, test_seed(33));
    open_desk(&c);
    struct order_reply *pending = calloc(ACCOUNTS, sizeof *pending);
    for (unsigned step = 0; step < 60000 && wal.ready < SEEN_MAX - 2; step++) {
        size_t i = prng_below(&r, 40);
        px[0] = prng_between(&r, 9700, 10100);
        switch (prng_below(&r, 5)) {
        case 0:
            desk_prepare(desk, i, px);
            break;
        case 1:
            desk_retire(desk, i);
            break;
        case 2:
            if (desk_fire(desk, i, px, step, 0) == DESK_SENT)
                pending[i] = reply_to_last((uint8_t)(prng_chance(&r, 1, 2) ? ORDER_FILLED : ORDER_REFUSED));
            break;
        case 3:
            if (desk_in_flight(desk, i))
                ck_assert_uint_eq(desk_reply(desk, &pending[i]), i);
            break;
        default:
            if (!prng_chance(&r, 1, 200))
                break;
            desk_free(desk);
            open_desk(&c);
            for (unsigned k = 0; k < wal.ready; k++)
                desk_restore(desk, (wal.key[k].account - 10) / 2, wal.key[k].epoch, wal.key[k].revision);
        }
    }
    ck_assert_uint_gt(wal.ready, 5000);
    ck_assert_uint_gt(gw.n, 2000);
    qsort(wal.key, wal.ready, sizeof *wal.key, by_key);
    for (unsigned k = 1; k < wal.ready; k++)
        ck_assert_msg(order_key_cmp(&wal.key[k - 1], &wal.key[k]) < 0, "key twice in the log");
    qsort(gw.key, gw.n, sizeof *gw.key, by_key);
    for (unsigned k = 1; k < gw.n; k++)
        ck_assert_msg(order_key_cmp(&gw.key[k - 1], &gw.key[k]) < 0, "key sent twice");
    for (unsigned k = 0; k < gw.n; k++) // nothing is sent that was not logged
        ck_assert_ptr_nonnull(bsearch(&gw.key[k], wal.key, wal.ready, sizeof *wal.key, by_key));
    free(pending);
}
END_TEST

START_TEST(bad_configurations)
{
    struct desk_log log = {NULL, log_put};
    struct err e;
    struct desk_config c = config();
    desk = NULL;
    c.max_minute_e8 = -1;
    ck_assert_ptr_null(desk_new(&c, &book, &gw.base, &log, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "0 for no limit"));
    c = config();
    c.ready_tolerance_ppm = 1000001;
    ck_assert_ptr_null(desk_new(&c, &book, &gw.base, &log, &e));
    c = config();
    c.cost_e8 = -1;
    ck_assert_ptr_null(desk_new(&c, &book, &gw.base, &log, &e));
}
END_TEST

START_TEST(null_gateway)
{
    struct gateway *g = gateway_null_open();
    struct gateway_counters n;
    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(gateway_submit(g, &gw.last), 0);
    ck_assert_int_eq(gateway_poll(g, &(struct order_reply){0}), 0);
    ck_assert_int_eq(gateway_wait(g, 1000), 0);
    gateway_counters(g, &n);
    ck_assert_uint_eq(n.submitted, 1);
    gateway_close(g);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("desk");
    TCase *t = tcase_create("desk");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, sends_exact_order);
    tcase_add_test(t, siblings_give_one_order);
    tcase_add_test(t, every_refusal);
    tcase_add_test(t, profit_edge);
    tcase_add_test(t, limits);
    tcase_add_test(t, value_beyond_int64_is_refused);
    tcase_add_test(t, prepared_while_prices_are_near);
    tcase_add_test(t, not_logged_is_not_sent);
    tcase_add_test(t, gateway_room);
    tcase_add_test(t, gateway_that_refuses_all_the_same);
    tcase_add_test(t, replies);
    tcase_add_test(t, states_without_an_order);
    tcase_add_test(t, packed_book);
    tcase_add_test(t, refused_value_counts_for_the_minute_only);
    tcase_add_test(t, restore_continues_revisions);
    tcase_add_test(t, no_key_twice);
    tcase_add_test(t, bad_configurations);
    tcase_add_test(t, null_gateway);
    suite_add_tcase(s, t);
    return run_suite(s);
}
