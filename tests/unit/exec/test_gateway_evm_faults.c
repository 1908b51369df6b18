// SPDX-License-Identifier: Apache-2.0
// The gateway to a chain, each fault by itself. Whatever happens, an order takes effect once at most and ends
// in a reply that says what was.
#include "gateway_rig.h"

START_TEST(the_race_is_lost)
{
    rig_start(1, 1, false, 12);
    turns(3);
    model.may[3] = 0;
    uint32_t id = submit_new(3);
    turns(4);
    fc_mine();
    turns(8); // a failure has no state to wait for
    ck_assert_int_eq(seen[id].told, TOLD_FAILED);
    ck_assert_str_eq(seen[id].reason, "reverted: unknown: not liquidate");
    ck_assert(seen[id].mined.gas_wei == gas_of_tx(0));
    settle();
    check_all("race");
    rig_stop();
}
END_TEST

START_TEST(a_block_is_reorganised_away)
{
    rig_start(1, 1, false, 13);
    turns(3);
    uint32_t id = submit_new(3);
    turns(4);
    block();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    fc.mine_of_100 = 0;
    fc_reorg();
    for (int i = 0; i < 4; i++)
        turn(300 * MS);
    ck_assert_int_eq(seen[id].told, TOLD_UNDONE);
    ck_assert_int_eq(gateway_wait(gw, 0), -1); // outstanding again
    uint32_t other = submit_new(3);
    turns(3);
    ck_assert_int_eq(seen[other].told, TOLD_REFUSED);
    fc.mine_of_100 = 100;
    turn(300 * MS), turn(300 * MS);
    block();
    turn(300 * MS), turn(300 * MS);
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    ck_assert_uint_eq(counters().undone, 1);
    ck_assert(counters().gas_wei == gas_charged());
    settle();
    check_all("reorg");
    ck_assert_int_eq(gateway_wait(gw, 0), 0);
    rig_stop();
}
END_TEST

START_TEST(stuck_orders_are_replaced_or_cancelled)
{
    rig_start(1, 1, false, 14);
    turns(3);
    uint32_t id = submit_new(3);
    turns(4);
    fc.mine_of_100 = 0;
    for (int i = 0; i < 5; i++)
        turn(SECOND), turns(4);
    ck_assert_uint_gt(counters().sender.replaced, 0);
    fc.mine_of_100 = 100;
    block();
    turn(SECOND), turns(4);
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    id = submit_new(4);
    turns(4);
    fc.mine_of_100 = 0;
    for (int i = 0; i < 20; i++)
        turn(SECOND), turns(4);
    fc.mine_of_100 = 100;
    settle();
    ck_assert(seen[id].told == TOLD_FAILED && !strcmp(seen[id].reason, "cancelled"));
    check_all("stuck");
    rig_stop();
}
END_TEST

START_TEST(another_takes_the_nonce)
{
    rig_start(1, 1, false, 15);
    turns(3);
    fc.mine_of_100 = 0;
    uint32_t id = submit_new(3);
    turns(4);
    fc_foreign(0);
    fc.mine_of_100 = 100;
    for (int i = 0; i < 3; i++)
        turn(300 * MS);
    uint32_t other = submit_new(3); // not before it is certain
    turns(2);
    ck_assert_int_eq(seen[other].told, TOLD_REFUSED);
    settle();
    ck_assert(seen[id].told == TOLD_REFUSED && strstr(seen[id].reason, "nonce"));
    check_all("taken");
    rig_stop();
}
END_TEST

START_TEST(no_node)
{
    rig_start(1, 1, false, 16);
    struct gateway_order o = order(1, 5);
    gateway_offer(gw, &o);
    turns(4);
    memset(fc.down, 1, sizeof fc.down);
    uint32_t id = submit(&o);
    turns(3);
    ck_assert_int_eq(seen[id].told, TOLD_NOTHING);
    fc.down[2] = false; // one comes back
    turns(2);
    ck_assert_uint_gt(fc.sends, 0);
    memset(fc.down, 0, sizeof fc.down);
    block();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    memset(fc.down, 1, sizeof fc.down);
    id = submit_new(2);
    turn(1100 * MS);
    ck_assert(seen[id].told == TOLD_REFUSED);
    memset(fc.down, 0, sizeof fc.down);
    settle();
    check_all("no node");
    rig_stop();
}
END_TEST

// Between the send and the receipt; the account is barred until it is known, and the outcome is told.
START_TEST(a_crash_between_send_and_receipt)
{
    rig_start(2, 1, true, 17);
    turns(3);
    uint32_t id = submit_new(3);
    turns(4);
    ck_assert_uint_gt(fc.sends, 0);
    crash();
    ck_assert_uint_eq(gateway_evm_open_flights(gw), 1);
    uint32_t again = submit_new(3), other = submit_new(4);
    turns(4);
    ck_assert(seen[again].told == TOLD_REFUSED && seen[other].told == TOLD_NOTHING);
    block();
    turn(300 * MS);
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    ck_assert_uint_eq(gateway_evm_open_flights(gw), 0);
    uint32_t later = submit_new(3);
    turns(4);
    block();
    ck_assert_int_eq(seen[later].told, TOLD_DONE);
    settle();
    check_all("crash");
    ck_assert_uint_eq(model.effects[id], 1);
    rig_stop();
}
END_TEST

START_TEST(a_crash_with_a_batch_on_its_way)
{
    rig_start(1, 1, true, 18);
    turns(3);
    for (uint32_t u = 0; u < 4; u++)
        submit_new(u);
    turns(4);
    ck_assert_uint_eq(counters().batched, 4);
    crash();
    for (uint32_t u = 0; u < 4; u++) {
        uint32_t id = submit_new(u);
        turns(2);
        ck_assert_msg(seen[id].told == TOLD_REFUSED, "account %u is not barred", u);
    }
    block();
    turn(300 * MS);
    for (uint32_t id = 1; id <= 4; id++)
        ck_assert_int_eq(seen[id].told, TOLD_DONE);
    settle();
    check_all("batch crash");
    rig_stop();
}
END_TEST

// What was only ready may have been sent, for all that the next run knows.
START_TEST(a_crash_before_the_trigger)
{
    rig_start(1, 1, false, 19);
    struct gateway_order o = order(1, 5);
    gateway_offer(gw, &o);
    turns(4);
    ck_assert(ready(1));
    crash();
    turns(4);
    settle();
    ck_assert(seen[1].told == TOLD_FAILED && !strcmp(seen[1].reason, "cancelled"));
    check_all("fenced");
    rig_stop();
}
END_TEST

START_TEST(a_clean_end_leaves_nothing)
{
    rig_start(1, 1, false, 20);
    struct gateway_order o = order(1, 5);
    gateway_offer(gw, &o);
    turns(4);
    gateway_close(gw);
    rig_open();
    ck_assert_uint_eq(gateway_evm_open_flights(gw), 0);
    settle();
    ck_assert_uint_eq(fc.sends, 0);
    rig_stop();
}
END_TEST

// A relay that is away: said at once, and the public pool takes over.
START_TEST(the_relay_is_down)
{
    static const struct rpc_config builder = {.url = "http://127.0.0.1:1"};
    uint8_t secret[WORD_BYTES] = {[31] = 77};
    rig_start(1, 1, false, 21);
    gateway_close(gw);
    struct private_key *id_key = key_from_bytes(secret, NULL);
    const struct relay_config relay = {.builder = &builder, .n = 1, .key = id_key, .one_thread = true};
    config.relay = &relay;
    rig_open();
    turns(3);
    uint32_t id = submit_new(3);
    turns(4);
    ck_assert_uint_gt(fc.sends, 0);
    block();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    gateway_close(gw);
    config.private_only = true;
    rig_open();
    uint64_t sends = fc.sends;
    turns(4);
    id = submit_new(4);
    turns(4), turn(1100 * MS);
    ck_assert(seen[id].told == TOLD_REFUSED && strstr(seen[id].reason, "no node"));
    ck_assert_uint_eq(fc.sends, sends);
    rig_stop();
    key_free(id_key);
}
END_TEST

// Why it reverted is asked of a node; a failure waits for the answer, but not for ever.
START_TEST(a_failure_waits_for_its_reason)
{
    for (int never = 0; never < 2; never++) {
        rig_start(1, 1, false, 24);
        turns(3);
        model.may[3] = 0;
        uint32_t id = submit_new(3);
        turns(4);
        fc.no_calls = true;
        fc_mine();
        for (int i = 0; i < 9; i++)
            turn(300 * MS);
        ck_assert_int_eq(seen[id].told, TOLD_NOTHING);
        fc.no_calls = never;
        for (int i = 0; i < 3; i++)
            turn(300 * MS);
        ck_assert_int_eq(seen[id].told, TOLD_FAILED);
        ck_assert_str_eq(seen[id].reason, never ? "reverted" : "reverted: unknown: not liquidate");
        settle();
        check_all("reason");
        rig_stop();
    }
}
END_TEST

// No node knows it any more: it is sent again, and until then nothing says that it is there.
START_TEST(a_block_is_gone_and_all_pools_lost_it)
{
    rig_start(1, 1, false, 25);
    turns(3);
    uint32_t id = submit_new(3);
    turns(4);
    block();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    fc.mine_of_100 = 0;
    fc_reorg();
    for (size_t i = 0; i < fc.n; i++)
        memset(fc.tx[i].pool, 0, sizeof fc.tx[i].pool);
    memset(fc.deaf, 1, sizeof fc.deaf); // and none takes it
    for (int i = 0; i < 3; i++)
        turn(300 * MS);
    ck_assert_int_eq(seen[id].told, TOLD_UNDONE);
    memset(fc.deaf, 0, sizeof fc.deaf);
    fc.mine_of_100 = 100;
    settle();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    check_all("lost");
    rig_stop();
}
END_TEST

// The same block again, with the same transaction in it: what was told of the one is not told of the other.
START_TEST(a_block_in_place_of_another)
{
    rig_start(1, 1, false, 26);
    turns(3);
    uint32_t id = submit_new(3);
    turns(4);
    block();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    for (size_t i = 0; i < 50 && counters().undone == 0; i++) {
        fc_reorg();
        for (int k = 0; k < 4; k++)
            turn(300 * MS);
    }
    ck_assert_uint_gt(counters().undone, 0);
    settle();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    check_all("in place");
    rig_stop();
}
END_TEST

// After a restart nobody but the gateway knows that an earlier order has just had its effect: until the
// account's state of that block has been taken, what is asked for it is asked of what was.
START_TEST(an_earlier_order_bars_until_its_state_is_taken)
{
    rig_start(2, 1, false, 29);
    turns(3);
    uint32_t first = submit_new(3);
    turns(4);
    crash();
    turns(3);
    fc_mine();
    turns(4);
    turn(SECOND); // its receipt is here, its block's states are not
    ck_assert_uint_eq(model.effects[first], 1);
    ck_assert_int_eq(seen[first].told, TOLD_NOTHING);
    uint32_t id = submit_new(3);
    turns(4);
    block();
    turns(4);
    ck_assert(seen[id].told == TOLD_REFUSED && strstr(seen[id].reason, "on its way"));
    ck_assert_uint_eq(model.effects[id], 0);
    uint32_t next = submit_new(3); // of the new state
    turns(4);
    settle();
    ck_assert_int_eq(seen[next].told, TOLD_DONE);
    check_all("earlier");
    rig_stop();
}
END_TEST

// Its block is replaced by one that lies deep when it is heard of: that it is mined anew is news, which must
// be told before the log forgets the transaction.
START_TEST(a_crash_with_deep_news)
{
    for (uint64_t seed = 30; seed < 90; seed++) { // answers come in any order
        rig_start(1, 1, false, seed);
        turns(3);
        uint32_t id = submit_new(3);
        turns(4);
        block();
        turn(SECOND), turns(20); // nothing is asked now
        ck_assert_int_eq(seen[id].told, TOLD_DONE);
        fc_reorg();
        for (int i = 0; i < 10; i++)
            fc_mine();
        apply(1); // its states are still to come
        fc.faults = 12;
        for (int i = 0; i < 4; i++)
            turn(300 * MS);
        fc.faults = 0;
        turn(MS);
        crash();
        settle();
        ck_assert_int_eq(seen[id].told, TOLD_DONE);
        check_all("deep news");
        rig_stop();
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway-evm-faults");
    TCase *c = tcase_create("gateway-evm-faults");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, the_race_is_lost);
    tcase_add_test(c, a_block_is_reorganised_away);
    tcase_add_test(c, stuck_orders_are_replaced_or_cancelled);
    tcase_add_test(c, another_takes_the_nonce);
    tcase_add_test(c, no_node);
    tcase_add_test(c, a_crash_between_send_and_receipt);
    tcase_add_test(c, a_crash_with_a_batch_on_its_way);
    tcase_add_test(c, a_crash_before_the_trigger);
    tcase_add_test(c, a_clean_end_leaves_nothing);
    tcase_add_test(c, the_relay_is_down);
    tcase_add_test(c, a_failure_waits_for_its_reason);
    tcase_add_test(c, a_block_is_gone_and_all_pools_lost_it);
    tcase_add_test(c, a_block_in_place_of_another);
    tcase_add_test(c, an_earlier_order_bars_until_its_state_is_taken);
    tcase_add_test(c, a_crash_with_deep_news);
    suite_add_tcase(s, c);
    return run_gateway_suite(s);
}
