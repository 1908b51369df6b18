// SPDX-License-Identifier: Apache-2.0
// Signed transactions on a chain: each path by itself. test_sender_faults.c has crashes and everything at
// random.
#include "sender_rig.h"

// ---- single paths

START_TEST(a_ready_order_is_sent_and_settled)
{
    start(1, 1, 1);
    uint32_t a = send_one(1);
    ck_assert_uint_eq(fc.sends, FC_NODES);
    ck_assert(fc.tx[0].tip == 2 * GWEI && fc.tx[0].fee == 4 * GWEI && fc.tx[0].nonce == 0);
    step(MS);
    ck_assert_int_eq(last_event[SENDER_STATE].to, FLIGHT_PENDING);
    block();
    step(MS), step(MS);
    ck_assert_int_eq(last_event[SENDER_STATE].to, FLIGHT_MINED);
    ck_assert_uint_eq(last_event[SENDER_STATE].block, fc.head);
    ck_assert_ptr_nonnull(last_event[SENDER_STATE].receipt.p);
    ck_assert_uint_eq(seen[a].ends, 0);
    for (int i = 1; i < CONFIRMATIONS; i++) {
        ck_assert_uint_eq(seen[a].ends, 0);
        block();
        step(MS), step(MS);
    }
    ck_assert(seen[a].ends == 1 && seen[a].outcome == OUTCOME_SUCCESS);
    ck_assert_uint_eq(sender_flights(sender), 0);
    stop();
}
END_TEST

START_TEST(nothing_leaves_when_it_must_not)
{
    start(1, 1, 2);
    uint32_t name = offer(1);
    ck_assert_int_eq(fire(name, 0), FIRE_NOT_READY); // no head yet
    step(MS), step(MS), step(MS), step(MS);
    ck_assert_int_eq(fire(name + 1, 0), FIRE_NO_ORDER);
    ck_assert_int_eq(fire(name, 3), FIRE_NOT_READY); // no such level
    fc.killed = true;
    ck_assert_int_eq(fire(name, 0), FIRE_REFUSED);
    fc.killed = false;
    for (int i = 0; i < FC_NODES; i++)
        fc.down[i] = true;
    ck_assert_int_eq(fire(name, 0), FIRE_NO_NODE);
    fc.down[1] = false;                             // the two that lag get nothing: fc_send checks
    sender_head(sender, fc.head, 3 * fc.base, now); // the base fee has left what its fee can pay
    ck_assert_int_eq(fire(name, 0), FIRE_NOT_READY);
    sender_head(sender, fc.head, fc.base, now);
    now += 6 * SECOND; // P5
    ck_assert_int_eq(fire(name, 0), FIRE_NOT_READY);
    now -= 6 * SECOND;
    sender_doubt(sender); // its nonce has to be read again
    ck_assert_int_eq(fire(name, 0), FIRE_NOT_READY);
    step(MS), step(MS);
    ck_assert_uint_eq(fc.sends, 0);
    ck_assert_int_eq(fire(name, 0), FIRE_SENT);
    ck_assert_uint_eq(fc.sends, 1);
    ck_assert_int_eq(fire(name, 0), FIRE_NO_ORDER);
    stop();
}
END_TEST

START_TEST(made_anew_when_it_no_longer_fits)
{
    start(1, 1, 3);
    uint32_t name = offer(1);
    step(MS), step(MS), step(MS);
    const struct signed_tx *x = &signed_at(sender_orders(sender), name)->tx[0];
    ck_assert(x->state == SIGNED_MADE && x->base == GWEI && x->fee == 3 * GWEI);
    uint64_t was = x->serial;
    sender_head(sender, fc.head, GWEI * 14 / 10, now); // three blocks on: 1.99 gwei
    step(MS), step(MS);
    ck_assert_uint_eq(x->serial, was);
    sender_head(sender, fc.head, GWEI * 15 / 10, now); // 2.14 gwei
    step(MS), step(MS);
    ck_assert_uint_gt(x->serial, was);
    ck_assert(x->base == GWEI * 15 / 10 && x->fee == 4 * GWEI);
    was = x->serial;
    fc_foreign(0);
    now += 20 * SECOND; // nonce and balance are read again
    uint8_t call[8];
    struct signed_order o = order(1, 1, call);
    ck_assert_uint_eq(signed_offer(sender_orders(sender), name, &o, NULL), name); // a later expiry
    step(MS), step(MS), step(MS);
    ck_assert(x->serial > was && x->nonce == 1);
    was = x->serial;
    call[5] = 7; // other calldata
    ck_assert_uint_eq(signed_offer(sender_orders(sender), name, &o, NULL), name);
    ck_assert_int_eq(fire(name, 0), FIRE_NOT_READY);
    step(MS), step(MS);
    ck_assert(x->state == SIGNED_MADE && x->serial > was);
    stop();
}
END_TEST

START_TEST(the_most_valuable_are_heads)
{
    start(2, 1, 4);
    uint32_t low = offer(100), mid = offer(200), high = offer(300);
    step(MS), step(MS), step(MS);
    struct signed_pool *p = sender_orders(sender);
    ck_assert(signed_at(p, low)->sender < 0 && signed_at(p, mid)->sender >= 0 &&
              signed_at(p, high)->sender >= 0);
    uint8_t call[8];
    struct signed_order o = order(1, 210, call); // little more than mid: not worth signatures
    ck_assert_uint_eq(signed_offer(p, low, &o, NULL), low);
    step(2 * MS);
    ck_assert_int_lt(signed_at(p, low)->sender, 0);
    o.worth = 250;
    ck_assert_uint_eq(signed_offer(p, low, &o, NULL), low);
    step(2 * MS), step(2 * MS);
    ck_assert(signed_at(p, low)->sender >= 0 && signed_at(p, mid)->sender < 0);
    uint32_t name[3];
    ck_assert_uint_eq(signed_ranked(p, name, 3), 3);
    ck_assert(name[0] == high && name[1] == low && name[2] == mid);
    ck_assert_int_eq(fire(mid, 0), FIRE_NOT_READY);
    stop();
}
END_TEST

START_TEST(signatures_are_budgeted)
{
    start(4, 1, 5);
    sender_free(sender);
    config.signatures_per_s = 10;
    config.signatures_burst = 4;
    struct err e;
    sender = sender_new(&config, &FC_PORT, txlog, &e);
    sender_head(sender, fc.head, fc.base, now);
    for (int i = 0; i < 4; i++)
        (void)offer(1);
    for (int i = 0; i < 8; i++)
        step(MS);
    ck_assert_uint_eq(signed_counters(sender_orders(sender))->made, 4);
    ck_assert_uint_gt(signed_counters(sender_orders(sender))->no_budget, 0);
    for (int i = 0; i < 10; i++)
        step(50 * MS); // half a second: five more
    step(MS);
    ck_assert_uint_eq(signed_counters(sender_orders(sender))->made, 9);
    stop();
}
END_TEST

START_TEST(stuck_is_bumped_then_cancelled)
{
    start(1, 1, 6);
    uint32_t a = send_one(0);
    fc.mine_of_100 = 0; // it stays in the pools
    unsigned bumps = 0;
    for (int i = 0; i < 40 && seen[a].ends == 0; i++) {
        if (i == 25)
            fc.mine_of_100 = 100;
        block();
        step(SECOND), step(MS), step(MS), step(MS);
        bumps = n_events[SENDER_REPLACED];
    }
    ck_assert_uint_ge(bumps, 2);
    ck_assert_uint_ge(n_events[SENDER_CANCELS], 1);
    ck_assert_uint_eq(n_events[SENDER_NODE_SAYS], 0); // each raised by enough
    ck_assert(fc.tx[1].fee >= fee_bumped(fc.tx[0].fee, 10) && fc.tx[1].tip >= fee_bumped(fc.tx[0].tip, 10));
    ck_assert(seen[a].outcome == OUTCOME_SUCCESS || seen[a].outcome == OUTCOME_CANCELLED);
    ck_assert_int_eq(fc_winner(0, 0)->cancel, seen[a].outcome == OUTCOME_CANCELLED);
    stop();
}
END_TEST

START_TEST(fees_have_a_limit)
{
    start(1, 1, 7);
    sender_free(sender);
    config.give_up_ns = 20 * SECOND;
    config.fee_max = 4 * GWEI;
    config.cancel_fee_max = 5 * GWEI;
    struct err e;
    sender = sender_new(&config, &FC_PORT, txlog, &e);
    sender_head(sender, fc.head, fc.base, now);
    (void)send_one(0);
    fc.mine_of_100 = 0;
    for (int i = 0; i < 40; i++) {
        block();
        step(SECOND), step(MS), step(MS), step(MS);
    }
    ck_assert_uint_eq(n_events[SENDER_STUCK], 1); // told once
    ck_assert(n_events[SENDER_REPLACED] >= 3 && n_events[SENDER_CANCELS] >= 1);
    for (size_t i = 0; i < fc.n; i++)
        ck_assert(fc.tx[i].fee <= (fc.tx[i].cancel ? 5 : 4) * GWEI);
    stop();
}
END_TEST

START_TEST(nonce_taken_by_another)
{
    start(1, 1, 8);
    for (int i = 0; i < FC_NODES; i++)
        fc.deaf[i] = true;
    uint32_t a = send_one(0);
    fc_foreign(0);
    sender_head(sender, fc.head, fc.base, now);
    step(MS), step(MS);
    ck_assert_int_eq(last_event[SENDER_STATE].to, FLIGHT_TAKEN);
    ck_assert_uint_eq(seen[a].ends, 0); // it may be reorganised away
    for (int i = 0; i < 4; i++) {
        block();
        step(MS), step(MS);
    }
    ck_assert(seen[a].ends == 1 && seen[a].outcome == OUTCOME_TAKEN);
    ck_assert_uint_eq(sender_wallet(sender)->s[0].next, 1);
    stop();
}
END_TEST

START_TEST(reverts_with_its_reason)
{
    start(1, 1, 9);
    fc.reverts = true;
    uint32_t a;
    do {
        a = send_one(0);
        for (int i = 0; i < 5; i++) {
            block();
            step(MS), step(MS), step(MS);
        }
    } while (seen[a].outcome != OUTCOME_REVERTED && a < 50);
    ck_assert_int_eq(seen[a].outcome, OUTCOME_REVERTED);
    ck_assert_str_eq(last_event[SENDER_REASON].text, "not liquidate");
    stop();
}
END_TEST

// Its block is replaced by another that has it too, and there it reverts.
START_TEST(mined_in_another_block)
{
    start(1, 1, 18);
    uint32_t a = send_one(0);
    block();
    step(MS), step(MS);
    ck_assert(last_event[SENDER_STATE].to == FLIGHT_MINED &&
              last_event[SENDER_STATE].outcome == OUTCOME_SUCCESS);
    fc.block[fc.head].salt++;
    fc.tx[0].success = false;
    step(SECOND), step(MS), step(MS);
    ck_assert_uint_eq(n_events[SENDER_REORGED], 1);
    ck_assert(last_event[SENDER_STATE].to == FLIGHT_MINED &&
              last_event[SENDER_STATE].outcome == OUTCOME_REVERTED);
    ck_assert_uint_eq(n_events[SENDER_REASON], 1);
    for (int i = 0; i < 4; i++) {
        block();
        step(MS), step(MS);
    }
    ck_assert(seen[a].ends == 1 && seen[a].outcome == OUTCOME_REVERTED);
    stop();
}
END_TEST

START_TEST(one_on_its_way_unless_depth_says_more)
{
    for (unsigned depth = 1; depth <= 3; depth++) {
        start(1, depth, 19);
        fc.mine_of_100 = 0;
        unsigned sent = 0;
        for (int i = 0; i < 5; i++) {
            uint32_t name = offer(1);
            step(MS), step(MS), step(MS), step(MS);
            bool can = wallet_free_to_send(sender_wallet(sender), 0);
            ck_assert_int_eq(can, sent < depth);
            sent += fire(name, 0) == FIRE_SENT;
        }
        ck_assert_uint_eq(sent, depth);
        for (unsigned i = 0; i < sent; i++)
            ck_assert_uint_eq(fc.tx[i].nonce, i);
        stop();
    }
}
END_TEST

START_TEST(lost_in_a_reorganisation)
{
    start(1, 1, 10);
    uint32_t a = send_one(0);
    block();
    step(MS), step(MS);
    ck_assert_int_eq(last_event[SENDER_STATE].to, FLIGHT_MINED);
    uint64_t sends = fc.sends;
    fc.mine_of_100 = 0;
    fc_reorg(); // to an empty block
    for (size_t k = 0; k < FC_NODES; k++)
        fc.tx[0].pool[k] = false;
    sender_head(sender, fc.head, fc.base, now);
    step(SECOND), step(MS);
    ck_assert_uint_eq(n_events[SENDER_REORGED], 1);
    ck_assert_uint_eq(fc.sends, sends + FC_NODES);
    ck_assert_uint_eq(fc.n, 1); // identical bytes
    fc.mine_of_100 = 100;
    for (int i = 0; i < 4; i++) {
        block();
        step(MS), step(MS);
    }
    ck_assert(seen[a].ends == 1 && seen[a].outcome == OUTCOME_SUCCESS);
    stop();
}
END_TEST

// ---- by a relay

// Its account.
static uint32_t send_private(void)
{
    uint32_t account = next_account, name = offer(1);
    for (int i = 0; i < 4; i++)
        step(MS);
    ck_assert_int_eq(sender_fire(sender, name, 0, true, now), FIRE_SENT);
    return account;
}

START_TEST(bundles_then_the_public_pool)
{
    start(1, 1, 20);
    uint32_t a = send_private();
    for (unsigned i = 1; i <= 3; i++) {
        ck_assert(fr.submits == i && fr.block == fc.head + 1 && fc.sends == 0);
        block();
        step(MS), step(MS);
    }
    ck_assert_uint_eq(fr.submits, 3);
    ck_assert(fc.sends == FC_NODES && fc.n == 1); // the same bytes
    ck_assert(word_equal(&fr.hash, &fc.tx[0].hash));
    for (int i = 0; i < 4; i++) {
        block();
        step(MS), step(MS);
    }
    ck_assert(seen[a].outcome == OUTCOME_SUCCESS && fr.submits == 3);
    stop();
}
END_TEST

START_TEST(bundles_stop_with_the_kill_switch)
{
    start(1, 1, 21);
    uint32_t a = send_private();
    fc.killed = true;
    for (int i = 0; i < 30 && seen[a].ends == 0; i++) {
        block();
        step(SECOND), step(MS), step(MS), step(MS);
    }
    ck_assert(fr.submits == 1 && fr.cancels == 1);
    ck_assert(seen[a].ends == 1 && seen[a].outcome == OUTCOME_CANCELLED);
    stop();
}
END_TEST

START_TEST(private_only_costs_nothing)
{
    start(1, 1, 22);
    sender_free(sender);
    config.private_only = true;
    struct err e;
    sender = sender_new(&config, &FC_PORT, txlog, &e);
    sender_head(sender, fc.head, fc.base, now);
    uint32_t a = send_private();
    for (int i = 0; i < 10 && seen[a].ends == 0; i++) {
        ck_assert_uint_eq(sender_wallet(sender)->s[0].next, 1);
        block();
        step(MS), step(MS);
    }
    // Three blocks were aimed at, the last lies CONFIRMATIONS deep.
    ck_assert(seen[a].outcome == OUTCOME_NOT_INCLUDED && fr.submits == 3 && fc.sends == 0);
    ck_assert_uint_eq(fc.head, fr.block + CONFIRMATIONS);
    ck_assert_uint_eq(sender_wallet(sender)->s[0].next, 0);
    fr.down = true;
    uint32_t name = offer(1);
    step(MS), step(MS), step(MS), step(MS);
    ck_assert_int_eq(sender_fire(sender, name, 0, true, now), FIRE_NO_NODE);
    ck_assert_int_eq(fire(name, 0), FIRE_SENT); // the same nonce, by the public pool
    ck_assert_uint_eq(fc.tx[fc.n - 1].nonce, 0);
    stop();
}
END_TEST

// Nor after a restart: what builders alone were given stays with them, also where the log alone knows of it.
START_TEST(private_only_lasts_beyond_a_restart)
{
    struct err e;
    start(1, 1, 23);
    sender_free(sender);
    config.private_only = true;
    sender = sender_new(&config, &FC_PORT, txlog, &e);
    sender_head(sender, fc.head, fc.base, now);
    (void)send_private();
    sender_free(sender);
    ck_assert_int_eq(txlog_close(txlog, &e), 0);
    open_all();
    for (int i = 0; i < 6; i++) {
        step(MS), step(SECOND), step(MS);
        for (size_t t = 0; t < fc.n; t++)
            ck_assert_msg(fc.tx[t].cancel || fc.tx[t].handed == 0, "it went to the public pool");
        block();
    }
    stop();
}
END_TEST

// ---- fees

START_TEST(the_bump_rule)
{
    ck_assert(fee_bumped(100, 10) == 110 && fee_bumped(101, 10) == 112 && fee_bumped(0, 10) == 1);
    ck_assert(fee_bumped(1, 10) == 2 && fee_bumped(9, 10) == 10 && fee_bumped(10, 10) == 11);
    struct prng r;
    prng_seed(&r, test_seed(3));
    for (int i = 0; i < 100000; i++) {
        u128 v = (u128)prng_u64(&r) << (i % 36), up = fee_bumped(v, 10);
        ck_assert(up * 100 >= v * 110);                // taken
        ck_assert((up - 1) * 100 < v * 110 || v < 10); // by the least
    }
    ck_assert(fee_has_room(100, 100, 5) && !fee_has_room(100, 100, 6));
    ck_assert(fee_has_room(1000, 2000, 0) && !fee_has_room(1000, 2001, 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sender");
    TCase *c = tcase_create("sender");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, the_bump_rule);
    tcase_add_test(c, a_ready_order_is_sent_and_settled);
    tcase_add_test(c, nothing_leaves_when_it_must_not);
    tcase_add_test(c, made_anew_when_it_no_longer_fits);
    tcase_add_test(c, the_most_valuable_are_heads);
    tcase_add_test(c, signatures_are_budgeted);
    tcase_add_test(c, stuck_is_bumped_then_cancelled);
    tcase_add_test(c, fees_have_a_limit);
    tcase_add_test(c, nonce_taken_by_another);
    tcase_add_test(c, reverts_with_its_reason);
    tcase_add_test(c, lost_in_a_reorganisation);
    tcase_add_test(c, mined_in_another_block);
    tcase_add_test(c, one_on_its_way_unless_depth_says_more);
    tcase_add_test(c, bundles_then_the_public_pool);
    tcase_add_test(c, bundles_stop_with_the_kill_switch);
    tcase_add_test(c, private_only_costs_nothing);
    tcase_add_test(c, private_only_lasts_beyond_a_restart);
    suite_add_tcase(s, c);
    return run_sender_suite(s);
}
