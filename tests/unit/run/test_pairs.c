// SPDX-License-Identifier: Apache-2.0
// A session over a paired book, step by step: the market predicts and makes orders ready, the told price
// decides; holds, states, parameters, what is refused.
#include "pairsteps.h"

// The order is there before the price that decides, and that price sends it.
START_TEST(test_predicted_then_decided)
{
    market_says(ETH, 3000, 3000);
    ck_assert_uint_eq(got.ready, 0);
    pass(1);
    market_says(ETH, 2600, 2600);
    ck_assert(flagged(ODD) && !flagged(EVEN));
    ck_assert_uint_eq(got.ready, 1);
    ck_assert_uint_eq(got.orders, 0);
    ck_assert_uint_eq(session_counters(rig.session)->predicted[0], 1);
    pass(1);
    market_says(ETH, 2590, 2590); // watched still, and ready still
    ck_assert_uint_eq(session_counters(rig.session)->predicted[0], 1);
    ck_assert_uint_eq(got.ready, 1);
    tell_all(START[BTC], 2600, START[SOL]);
    ck_assert(flagged(EVEN));
    ck_assert_uint_eq(got.orders, 1);
    ck_assert_uint_eq(got.handed, 1);
    ck_assert_uint_eq(got.ready, 1);
    ck_assert_uint_eq(got.last.key.account, ID);
    for (unsigned i = 0; i < got.last.n_marks; i++)
        ck_assert_uint_lt(got.last.mark[i].asset, RESERVES);
    ck_assert_int_eq(got.last.mark[0].price, quanta(2600));
}
END_TEST

// A transaction that waits predicts too; that it is gone again ends it.
START_TEST(test_candidate)
{
    add_told(ETH, HOLD_NONE, 2600);
    chain_says(TOLD_CANDIDATE);
    ck_assert(flagged(ODD) && !flagged(EVEN));
    ck_assert_uint_eq(got.ready, 1);
    rig.told.change[rig.told.n++] = (struct told_price){.asset = ETH};
    chain_says(TOLD_CANDIDATE);
    ck_assert(!flagged(ODD));
    ck_assert_uint_eq(got.orders, 0);
}
END_TEST

// Near is enough; far away again it is retired.
START_TEST(test_near)
{
    const struct desk_counters *d = desk_counters(session_desk(rig.session));
    market_says(ETH, 2770, 2770); // 1.57 % above
    ck_assert(!flagged(ODD));
    ck_assert_uint_eq(got.ready, 1);
    ck_assert_uint_eq(d->ready_retired, 0);
    pass(1);
    market_says(ETH, 3000, 3000);
    ck_assert_uint_eq(d->ready_retired, 1);
    tell_all(START[BTC], 2770, START[SOL]); // now the one that decides is near itself
    ck_assert_uint_eq(got.ready, 2);
    market_says(ETH, 2765, 2765); // both
    pass(1);
    market_says(ETH, 3000, 3000); // one
    ck_assert_uint_eq(d->ready_retired, 1);
    tell_all(START[BTC], 3000, START[SOL]); // none
    ck_assert_uint_eq(d->ready_retired, 2);
}
END_TEST

// Beyond near: the order is made for what is predicted, also when the one that decides comes near itself.
START_TEST(test_near_and_predicted)
{
    market_says(ETH, 1500, 1500);
    ck_assert(flagged(ODD));
    ck_assert_uint_eq(got.ready, 1);
    tell_all(START[BTC], 2770, START[SOL]);
    ck_assert_uint_eq(got.ready, 1);
    tell_all(START[BTC], 1500, START[SOL]);
    ck_assert_uint_eq(got.handed, 1);
}
END_TEST

// With a new state, who was near may not be any more: the engine says so anew.
START_TEST(test_near_before_a_state)
{
    static struct account a;
    const struct desk_counters *d = desk_counters(session_desk(rig.session));
    tell_all(START[BTC], 2770, START[SOL]);
    a = *of_book(EVEN);
    a.epoch++;
    a.position[0].supply *= 2;
    tell_state(&a);
    ck_assert_uint_eq(d->ready_retired, 1);
    market_says(ETH, 1385, 1385);
    ck_assert_uint_eq(got.ready, 2);
    pass(1);
    market_says(ETH, 3000, 3000);
    ck_assert_uint_eq(d->ready_retired, 2);
}
END_TEST

// Collateral and debt fall alike: in one group that is nothing, one after the other it is a breach.
START_TEST(test_one_group)
{
    const struct engine_counters *n = engine_counters(session_engine(rig.session));
    tell_all(START[BTC], 2400, 120);
    ck_assert_uint_eq(n->flags[LEVEL_LIQUIDATE] + n->host_flags, 0);
    ck_assert_uint_eq(got.orders, 0);
    tell_all(START[BTC], START[ETH], START[SOL]);
    add_told(ETH, HOLD_NONE, 2400);
    chain_says(TOLD_PRICES);
    ck_assert_uint_eq(got.orders, 1);
    // Both accounts of the pair saw it: the told price is the prediction while there is no other.
    ck_assert_uint_eq(session_counters(rig.session)->predicted[0], 1);
}
END_TEST

START_TEST(test_holds)
{
    add_told(ETH, HOLD_GUARD, 2600);
    chain_says(TOLD_PRICES);
    ck_assert(flagged(EVEN));
    ck_assert_uint_eq(got.orders, 0);
    ck_assert_uint_eq(held(HOLD_GUARD), 1);
    add_told(SOL, HOLD_GAP, 0);
    chain_says(TOLD_PRICES);
    add_told(ETH, HOLD_NONE, 2600);
    chain_says(TOLD_PRICES);
    ck_assert_uint_eq(got.orders, 0);
    ck_assert_uint_eq(held(HOLD_GAP), 1);
    add_told(SOL, HOLD_NONE, 150); // the same price: the hold's end alone
    chain_says(TOLD_PRICES);
    ck_assert_uint_eq(got.orders, 1);
}
END_TEST

START_TEST(test_stale)
{
    pass(60.001);
    tell_all(START[BTC], 2600, START[SOL]); // logs, and no block that was compared since
    ck_assert_uint_eq(got.orders, 0);
    ck_assert_uint_eq(held(HOLD_STALE), 1);
    block();
    ck_assert_uint_eq(got.orders, 1);
}
END_TEST

// What is told late is as old as when it was heard; stream time does not step back.
START_TEST(test_heard_earlier)
{
    pass(100);
    market_says(ETH, 3000, 3000);
    rig.now -= 70 * SECOND;
    tell_all(START[BTC], 2600, START[SOL]);
    block();
    ck_assert_uint_eq(held(HOLD_STALE), 1);
    rig.now += 70 * SECOND;
    ck_assert_uint_eq(got.orders, 0);
    block();
    ck_assert_uint_eq(got.orders, 1);
}
END_TEST

// A frame of no interest tells the time too, and that time counts before what the chain says.
START_TEST(test_heard_before)
{
    static const uint8_t arp[60] = {[12] = 0x08, [13] = 0x06};
    struct err e;
    pass(59.95);
    ck_assert_int_eq(session_frame(rig.session, rig.now, arp, sizeof arp, sizeof arp, &e), 0);
    pass(0.09);
    ck_assert_int_eq(session_frame(rig.session, rig.now, arp, sizeof arp, sizeof arp, &e), 0);
    rig.now -= SECOND / 20; // 59.99 s: not stale by itself
    tell_all(START[BTC], 2600, START[SOL]);
    ck_assert_uint_eq(got.orders, 0);
    ck_assert_uint_eq(held(HOLD_STALE), 1);
}
END_TEST

// The other way round: what the chain says moves stream time, and what the market said is older for it.
START_TEST(test_told_moves_time)
{
    market_says(ETH, 2900, 2900);
    ck_assert_int_eq(oracle_basis(session_oracle(rig.session), RESERVES + ETH), BASIS_FEED);
    pass(FEED_STALE_MS / 1000.0 + 0.001);
    block();
    ck_assert_int_eq(oracle_basis(session_oracle(rig.session), RESERVES + ETH), BASIS_TOLD);
    ck_assert_int_eq(oracle_prices(session_oracle(rig.session))[RESERVES + ETH], quanta(3000));
}
END_TEST

// ---- states and parameters

START_TEST(test_states)
{
    static struct account a;
    market_says(ETH, 2500, 2500);
    ck_assert(flagged(ODD));
    a = *of_book(EVEN);
    a.epoch++;
    a.position[0].supply *= 2;
    tell_state(&a);
    same_pair(EVEN);
    ck_assert(!flagged(ODD));
    ck_assert_uint_eq(desk_counters(session_desk(rig.session))->ready_retired, 1);
    // A new one, below water by the market's price alone.
    borrower(&a, 30, ETH, SOL, 1100000);
    ck_assert_int_eq(account_even(&a), 0);
    tell_state(&a);
    ck_assert_uint_eq(rig.book.n_accounts, 6);
    same_pair(4);
    ck_assert(flagged(5) && !flagged(4));
    tell_all(START[BTC], 2500, START[SOL]);
    ck_assert_uint_eq(got.orders, 1);
    ck_assert_uint_eq(got.last.key.account, 60);
}
END_TEST

// States of odd accounts are nobody's; nor has an even one positions in copies.
START_TEST(test_states_refused)
{
    static struct account a;
    a = *of_book(ODD);
    a.epoch++;
    tell_state(&a);
    a.id = ID;
    tell_state(&a);
    a = *of_book(EVEN);
    a.id = ID + 1;
    a.epoch++;
    tell_state(&a);
    ck_assert_uint_eq(session_counters(rig.session)->unpaired, 3);
    ck_assert_uint_eq(of_book(EVEN)->epoch, 0);
    ck_assert_uint_eq(of_book(ODD)->epoch, 0);
}
END_TEST

static void setup_room(void)
{
    open_rig();
    rig.cfg.spare_accounts = 3;
    begin();
}

// Accounts are taken while both of a pair have room.
START_TEST(test_room)
{
    static struct account a;
    const struct desk_counters *d = desk_counters(session_desk(rig.session));
    for (uint32_t id = 30; id < 33; id++) {
        borrower(&a, id, BTC, SOL, 2000000);
        ck_assert_int_eq(account_even(&a), 0);
        tell_state(&a);
    }
    ck_assert_uint_eq(d->told[TOLD_ADDED], 1); // 4 + 3 spare
    ck_assert_uint_eq(d->told[TOLD_NO_ROOM], 2);
    ck_assert_uint_eq(rig.book.n_accounts, 6);
}
END_TEST

START_TEST(test_market)
{
    static struct market next;
    struct err e;
    const struct session_counters *n = session_counters(rig.session);
    next = rig.book.market;
    next.instrument[ETH].lt_bps = 7200;
    ck_assert_int_eq(session_market(rig.session, &next, &e), 0); // the copy is as it was
    ck_assert_uint_eq(n->markets[1], 1);
    ck_assert(!flagged(EVEN) && !flagged(ODD));
    next.instrument[RESERVES + ETH].lt_bps = 7200;
    ck_assert_int_eq(session_market(rig.session, &next, &e), 0);
    ck_assert_uint_eq(n->markets[0], 1);
    ck_assert(flagged(EVEN) && flagged(ODD));
    ck_assert_uint_eq(got.orders, 1);
}
END_TEST

// ---- what is refused

START_TEST(test_bad_input)
{
    struct err e;
    uint8_t buf[TOLD_BYTES_MAX];
    rig.told = (struct told_group){.kind = TOLD_PRICES, .n = 1, .change = {{RESERVES, HOLD_NONE, 5}}};
    size_t n = told_encode(&rig.told, buf, sizeof buf);
    ck_assert_int_eq(session_input(rig.session, J_TOLD, buf, n, &e), -1);
    ck_assert_int_eq(session_input(rig.session, J_TOLD, buf, n - 1, &e), -1);
    ck_assert_int_eq(session_input(rig.session, J_CLOCK, buf, n, &e), -1);
    static struct order_reply answer;
    answer.status = ORDER_MARKET; // has no encoding: nothing of it is journalled
    ck_assert_int_eq(session_reply(rig.session, &answer, &e), -1);
}
END_TEST

START_TEST(test_not_in_pairs)
{
    static struct account a;
    static struct book b;
    struct err e;
    const struct session_log log = {NULL, rig_put};
    b.market = rig.book.market;
    for (int wrong = 0; wrong < 3; wrong++) {
        ck_assert_int_eq(book_packed(&b, 0, &e), 0);
        b.n_accounts = 0;
        borrower(&a, wrong == 1 ? 21 : 20, ETH, SOL, 2000000);
        ck_assert_int_eq(book_append(&b, &a, &e), 0);
        a.id = wrong == 2 ? 23 : a.id + 1;
        if (wrong)
            ck_assert_int_eq(book_append(&b, &a, &e), 0);
        ck_assert(session_new(&rig.cfg, &b, rig.dev, &rig_gateway, &log, true, &e) == NULL);
        ck_assert_msg(strstr(e.msg, "not paired") != NULL, "%s", e.msg);
    }
    book_free(&b);
}
END_TEST

int main(void)
{
    const TTest *const plain[] = {test_predicted_then_decided,
                                  test_candidate,
                                  test_near,
                                  test_near_and_predicted,
                                  test_near_before_a_state,
                                  test_one_group,
                                  test_holds,
                                  test_stale,
                                  test_heard_earlier,
                                  test_heard_before,
                                  test_told_moves_time,
                                  test_states,
                                  test_states_refused,
                                  test_market,
                                  test_bad_input,
                                  test_not_in_pairs};
    const TTest *const room[] = {test_room};
    device_register(&device_ops_model);
    Suite *su = suite_create("pairs");
    add_tests(su, "pairs", setup, plain, sizeof plain / sizeof *plain);
    add_tests(su, "room", setup_room, room, sizeof room / sizeof *room);
    return run_suite(su);
}
