// SPDX-License-Identifier: Apache-2.0
// Orders of a session over a paired book: transactions mined, undone, refused, what they brought, what is
// left open after a crash; and orders on predicted prices.
#include "pairsteps.h"

#include "run/recover.h"

static void setup_predicting(void)
{
    open_rig();
    rig.cfg.desk.predicted_max_e8 = INT64_MAX;
    begin();
}

static void setup_boxed(void)
{
    open_rig();
    rig.cfg.desk.predicted_max_e8 = INT64_MAX;
    rig.cfg.engine.near_rows = 1;
    rig.cfg.engine.warn_ppm = 0;
    begin();
}

// ---- what becomes of orders

static struct order_reply answer;

static void mined(bool success, u128 profit, u128 gas)
{
    memset(&answer, 0, sizeof answer);
    answer.key = got.last.key;
    answer.status = ORDER_MINED;
    answer.mined = (struct order_mined){.success = success,
                                        .instrument = success ? SOL : 0,
                                        .block = 7,
                                        .profit = profit,
                                        .gas_wei = gas,
                                        .paid_wei = success ? 5 : 0};
    reply(&answer);
}

START_TEST(test_mined)
{
    static struct account a;
    const struct desk_counters *d = desk_counters(session_desk(rig.session));
    const struct session_money *m = session_money(rig.session);
    tell_all(START[BTC], 2600, START[SOL]);
    ck_assert_uint_eq(d->outstanding, 1);
    a = *of_book(EVEN);
    a.epoch++;
    a.position[1].debt /= 2;
    tell_state(&a);
    ck_assert(!flagged(EVEN)); // by its state, though its order has no answer yet
    mined(true, 1000, 300);
    ck_assert_uint_eq(d->outstanding, 0);
    ck_assert(!flagged(EVEN));
    ck_assert(m->profit[SOL] == 1000 && m->gas_wei == 300 && m->paid_wei == 5 && m->mined == 1);
    answer.status = ORDER_UNDONE;
    reply(&answer);
    ck_assert(m->profit[SOL] == 0 && m->gas_wei == 0 && m->paid_wei == 0 && m->mined == 0 && m->undone == 1);
    ck_assert_uint_eq(d->outstanding, 0);
    mined(false, 0, 200);
    ck_assert(m->profit[SOL] == 0 && m->gas_wei == 200 && m->paid_wei == 0 && m->reverted == 1);
    memset(&answer.key, 0, sizeof answer.key); // a nonce filled
    reply(&answer);
    ck_assert(m->gas_wei == 400 && m->reverted == 2);
    ck_assert_uint_eq(got.orders, 1);
}
END_TEST

// Its state of before stands: with the answer it is looked at anew.
START_TEST(test_mined_still_below)
{
    tell_all(START[BTC], 2600, START[SOL]);
    mined(true, 1, 1);
    ck_assert(flagged(EVEN));
    ck_assert_uint_eq(got.orders, 2);
    mined(false, 0, 1);
    ck_assert(flagged(EVEN));
    pass(10);
    block();
    ck_assert_uint_eq(got.orders, 3);
}
END_TEST

START_TEST(test_undone_ends_nothing)
{
    tell_all(START[BTC], 2600, START[SOL]);
    memset(&answer, 0, sizeof answer);
    answer.key = got.last.key;
    answer.status = ORDER_UNDONE;
    answer.mined = (struct order_mined){.success = true, .instrument = SOL, .profit = 9, .gas_wei = 1};
    reply(&answer); // of an earlier run
    ck_assert(session_money(rig.session)->profit[SOL] == -9);
    ck_assert_uint_eq(desk_counters(session_desk(rig.session))->outstanding, 1);
    pass(10);
    block();
    ck_assert_uint_eq(got.orders, 1);
}
END_TEST

static void undone(void)
{
    memset(&answer, 0, sizeof answer);
    answer.key = got.last.key;
    answer.status = ORDER_UNDONE;
    reply(&answer);
}

static int64_t recovered(size_t open)
{
    struct recover r;
    struct err e = {{0}};
    ck_assert_int_eq(journal_sync(rig.journal, &e), 0);
    ck_assert_msg(recover_scan(rig.path, &r, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(r.n_open, open);
    int64_t spent = r.spent_e8;
    recover_free(&r);
    return spent;
}

// After a crash: what a chain has said is an outcome. What it took back is on its way again, where the log of
// transactions has it.
START_TEST(test_recovered)
{
    static struct account a;
    ck_assert_int_eq(recovered(0), 0);
    tell_all(START[BTC], 2600, START[SOL]);
    int64_t first = recovered(1);
    ck_assert_int_gt(first, 0);
    a = *of_book(EVEN);
    a.epoch++;
    a.position[1].debt /= 2;
    tell_state(&a);
    mined(true, 5, 5);
    ck_assert_int_eq(recovered(0), first);
    answer.status = ORDER_UNDONE;
    reply(&answer);
    ck_assert_int_eq(recovered(0), first);
    tell_all(START[BTC], 1300, START[SOL]);
    ck_assert_int_gt(recovered(1), first);
    undone(); // by an earlier run: it is on its way as before
    ck_assert_int_gt(recovered(1), first);
    int64_t both = recovered(1);
    mined(false, 0, 5);
    ck_assert_int_eq(recovered(0), first);
    answer.status = ORDER_UNDONE; // its block had it fail; the next one may not
    reply(&answer);
    ck_assert_int_eq(recovered(0), both);
    mined(true, 5, 5);
    ck_assert_int_eq(recovered(0), both);
    answer.status = ORDER_UNDONE;
    reply(&answer);
    mined(false, 0, 5);
    ck_assert_int_eq(recovered(0), first);
    memset(&answer.key, 0, sizeof answer.key);
    reply(&answer);
    ck_assert_int_eq(recovered(0), first);
}
END_TEST

// Other ways out may make an account worth it: what waits is looked at, without a price and without time.
START_TEST(test_ways_out)
{
    static const uint8_t none[21] = {1}; // a record of no pools
    struct err e;
    tell_all(START[BTC], 2600, START[SOL]);
    pass(1);
    market_says(SOL, START[SOL], START[SOL]);
    memset(&answer, 0, sizeof answer);
    answer.key = got.last.key;
    answer.status = ORDER_REFUSED;
    reply(&answer);
    ck_assert_uint_eq(got.orders, 1);
    ck_assert_msg(session_input(rig.session, J_EXITS, none, sizeof none, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(got.orders, 2);
}
END_TEST

// A fill brings the state itself: both of the pair have it.
START_TEST(test_filled)
{
    tell_all(START[BTC], 2600, START[SOL]);
    memset(&answer, 0, sizeof answer);
    answer.key = got.last.key;
    answer.status = ORDER_FILLED;
    answer.has_account = true;
    answer.account = *of_book(EVEN);
    answer.account.epoch++;
    answer.account.position[1].debt /= 2;
    reply(&answer);
    ck_assert_uint_eq(of_book(EVEN)->epoch, 1);
    same_pair(EVEN);
    ck_assert(!flagged(EVEN) && !flagged(ODD));
}
END_TEST

// ---- orders on predicted prices

START_TEST(test_predicted_order)
{
    const struct session_counters *n = session_counters(rig.session);
    market_says(ETH, 2600, 2600);
    ck_assert_uint_eq(got.orders, 1);
    ck_assert_uint_eq(got.last.key.account, ID);
    ck_assert_int_eq(got.last.mark[0].price, quanta(2600));
    ck_assert_uint_lt(got.last.mark[0].asset, RESERVES);
    ck_assert_uint_eq(n->predicted[1], 1);
    ck_assert(flagged(ODD) && !flagged(EVEN));
    tell_all(START[BTC], 2600, START[SOL]); // decided now: the order under way is its order
    ck_assert(flagged(EVEN));
    ck_assert_uint_eq(got.orders, 1);
    ck_assert_uint_eq(n->refused_by_desk[DESK_BUSY], 1);
    memset(&answer, 0, sizeof answer); // the engine never saw it taken, and must not lose the account (P4)
    answer.key = got.last.key;
    answer.status = ORDER_REFUSED;
    reply(&answer);
    ck_assert(flagged(EVEN));
    pass(10);
    block();
    ck_assert_uint_eq(got.orders, 2);
    ck_assert_uint_eq(n->predicted[1], 1);
}
END_TEST

// It came to nothing before the price was told: the account is armed all the same.
START_TEST(test_predicted_order_failed)
{
    market_says(ETH, 2600, 2600);
    mined(false, 0, 5);
    ck_assert(!flagged(EVEN));
    pass(10);
    market_says(ETH, 3000, 3000);
    ck_assert(!flagged(ODD));
    tell_all(START[BTC], 2600, START[SOL]);
    block();
    ck_assert_uint_eq(got.orders, 2);
    ck_assert_uint_eq(session_counters(rig.session)->predicted[1], 1);
}
END_TEST

// Nothing may be held, of what decides or of what predicts, and there must be a prediction at all.
START_TEST(test_predicted_order_held)
{
    add_told(SOL, HOLD_GUARD, 150);
    chain_says(TOLD_PRICES);
    market_says(ETH, 2600, 2600);
    ck_assert(flagged(ODD));
    ck_assert_uint_eq(got.ready, 1);
    ck_assert_uint_eq(got.orders, 0);
    add_told(SOL, HOLD_NONE, 150);
    chain_says(TOLD_PRICES);
    ck_assert_uint_eq(got.orders, 1);
}
END_TEST

START_TEST(test_predicted_order_needs_prediction)
{
    add_told(ETH, HOLD_GUARD, 2600); // both of the pair are below water, at the told price, which is held
    chain_says(TOLD_PRICES);
    ck_assert(flagged(ODD) && flagged(EVEN));
    ck_assert_uint_eq(got.orders, 0);
    market_says(ETH, 2600, 2600); // the market says the same
    ck_assert_uint_eq(got.orders, 0);
    pass(61);
    market_says(ETH, 2590, 2590); // and something else, but what is told is stale and held
    ck_assert_uint_eq(got.orders, 0);
    add_told(ETH, HOLD_NONE, 3000);
    chain_says(TOLD_PRICES);
    ck_assert_uint_eq(got.orders, 0);
    block();
    ck_assert_uint_eq(got.orders, 1);
    ck_assert_uint_eq(session_counters(rig.session)->predicted[1], 1);
}
END_TEST

// The market's price has become too old, and the told one brings both below water, the odd one first: it is
// on the device, the other one beyond a box. That is no prediction.
START_TEST(test_told_is_no_prediction)
{
    market_says(ETH, 2760, 2760);
    pass(FEED_STALE_MS / 1000.0 + 1);
    add_told(ETH, HOLD_NONE, 2710);
    chain_says(TOLD_PRICES);
    ck_assert(flagged(ODD) && flagged(EVEN));
    ck_assert_uint_eq(got.orders, 1);
    ck_assert_uint_eq(session_counters(rig.session)->predicted[0], 1);
    ck_assert_uint_eq(session_counters(rig.session)->predicted[1], 0);
}
END_TEST

// What is decided comes before what is predicted, whatever it is worth.
START_TEST(test_decided_first)
{
    static struct account a;
    struct err e;
    borrower(&a, 40, BTC, SOL, 1100000);
    a.position[0].supply /= 100;
    a.position[1].debt /= 100;
    ck_assert_int_eq(account_even(&a), 0);
    tell_state(&a);
    market_says(ETH, 3000, 3000);
    ck_assert_int_eq(session_kill(rig.session, true, &e), 0);
    market_says(ETH, 2600, 2600);
    tell_all(50000, START[ETH], START[SOL]);
    ck_assert_uint_eq(got.orders, 0);
    ck_assert(flagged(ODD) && flagged(4) && !flagged(EVEN));
    ck_assert_int_eq(session_kill(rig.session, false, &e), 0);
    ck_assert_uint_eq(got.orders, 2);
    ck_assert_uint_eq(got.last.key.account, ID);
}
END_TEST

int main(void)
{
    const TTest *const plain[] = {test_mined,     test_mined_still_below, test_undone_ends_nothing,
                                  test_recovered, test_ways_out,          test_filled};
    const TTest *const predicting[] = {test_predicted_order, test_predicted_order_failed,
                                       test_predicted_order_held, test_predicted_order_needs_prediction,
                                       test_decided_first};
    const TTest *const boxed[] = {test_told_is_no_prediction};
    device_register(&device_ops_model);
    Suite *su = suite_create("pairs_orders");
    add_tests(su, "orders", setup, plain, sizeof plain / sizeof *plain);
    add_tests(su, "predicting", setup_predicting, predicting, sizeof predicting / sizeof *predicting);
    add_tests(su, "boxed", setup_boxed, boxed, sizeof boxed / sizeof *boxed);
    return run_suite(su);
}
