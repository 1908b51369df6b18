// SPDX-License-Identifier: Apache-2.0
// The gateway to a chain, path by path: ready, cold, batches; each fault by itself. Whatever happens, an
// order takes effect once at most and ends in a reply that says what was.
#include "gateway_rig.h"

static struct evm_gateway *inside(void)
{
    return (struct evm_gateway *)gw;
}

START_TEST(a_ready_order_leaves_at_once)
{
    rig_start(2, 1, false, 1);
    struct gateway_order o = order(3, 100);
    gateway_offer(gw, &o);
    turns(4);
    ck_assert(ready(1));
    submit(&o);
    uint64_t before = fc.sends;
    now += 3000; // until the thread sees it
    gateway_evm_turn(gw);
    ck_assert_uint_gt(fc.sends, before);
    ck_assert_int_eq(gateway_wait(gw, 0), -1);
    fc_mine();
    turns(4);
    ck_assert_int_eq(seen[1].told, TOLD_NOTHING); // its account's state comes first
    apply(fc.head - 1), turns(2);
    ck_assert_int_eq(seen[1].told, TOLD_NOTHING);
    apply(fc.head), turns(2);
    ck_assert_int_eq(seen[1].told, TOLD_DONE);
    ck_assert_uint_eq(seen[1].sent_after_ns, 3000);
    ck_assert_int_eq(gateway_wait(gw, 0), 0);
    struct gateway_evm_counters c = counters();
    ck_assert(c.offered == 1 && c.ready_sent == 1 && c.cold_sent == 0 && c.mined == 1 && c.flights == 1);
    settle();
    check_all("ready");
    ck_assert_uint_eq(counters().flights, 0);
    rig_stop();
}
END_TEST

START_TEST(a_cold_order_is_made_first)
{
    rig_start(2, 1, false, 2);
    turns(3);
    struct gateway_order a = order(1, 1 << 20), b = order(2, 1 << 20);
    gateway_offer(gw, &a);
    gateway_offer(gw, &b);
    turns(4);
    ck_assert(ready(1) && ready(2));
    uint32_t id = submit_new(5); // takes the key of one that is only ready
    turns(4);
    ck_assert(ready(1) != ready(2));
    block();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    ck_assert_uint_eq(counters().cold_sent, 1);
    gateway_drop(gw, &a.key);
    gateway_drop(gw, &b.key);
    settle();
    ck_assert(!ready(1) && !ready(2));
    check_all("cold");
    rig_stop();
}
END_TEST

// When all places are taken by what is only ready, the one of least worth makes room.
START_TEST(a_cold_order_finds_room)
{
    rig_start(2, 1, false, 27);
    for (uint32_t u = 0; u < 32; u++) {
        struct gateway_order o = order(u, 100 + u);
        gateway_offer(gw, &o);
    }
    turns(6);
    ck_assert_uint_eq(counters().offered, 32);
    uint32_t id = submit_new(40);
    turns(4);
    block();
    ck_assert_int_eq(seen[id].told, TOLD_DONE);
    turns(4);
    ck_assert(!ready(1) && (ready(32) || ready(31)));
    rig_stop();
}
END_TEST

START_TEST(an_offer_in_place_of_another)
{
    rig_start(1, 1, false, 3);
    struct gateway_order a = order(1, 5), b = order(1, 6);
    gateway_offer(gw, &a);
    turns(4);
    gateway_offer(gw, &b);
    turns(4);
    ck_assert(!ready(1) && ready(2));
    gateway_drop(gw, &a.key); // of another revision: nothing
    turns(2);
    ck_assert(ready(2));
    submit(&b);
    turns(2);
    block();
    ck_assert(seen[2].told == TOLD_DONE && counters().ready_sent == 1);
    settle();
    check_all("in place");
    rig_stop();
}
END_TEST

// Nothing leaves before the journal has it, nothing that is too old.
START_TEST(the_journal_comes_first)
{
    rig_start(1, 1, false, 4);
    durable = 0;
    struct gateway_order o = order(1, 5);
    gateway_offer(gw, &o);
    turns(4);
    submit(&o);
    turns(5);
    ck_assert_uint_eq(fc.sends, 0);
    durable = 1;
    turns(1);
    ck_assert_uint_gt(fc.sends, 0);
    struct gateway_counters g;
    gateway_counters(gw, &g);
    ck_assert(g.waited_durable == 1 && g.sent == 1 && g.submitted == 1);
    uint64_t sends = fc.sends;
    block();
    uint32_t id = submit_new(2);
    turn(900 * MS);
    ck_assert_int_eq(seen[id].told, TOLD_NOTHING);
    turn(200 * MS);
    ck_assert(seen[id].told == TOLD_REFUSED && strstr(seen[id].reason, "more than 1000 ms") &&
              strstr(seen[id].reason, "on disk"));
    durable = UINT64_MAX;
    settle();
    ck_assert_uint_eq(fc.sends, sends);
    check_all("journal");
    rig_stop();
}
END_TEST

START_TEST(the_kill_switch)
{
    rig_start(1, 1, false, 5);
    struct gateway_order o = order(1, 5);
    gateway_offer(gw, &o);
    turns(4);
    fc.killed = true;
    uint32_t id = submit(&o);
    turns(2);
    ck_assert(seen[id].told == TOLD_REFUSED && strstr(seen[id].reason, "kill switch"));
    uint32_t cold = submit_new(2);
    turns(2);
    ck_assert_int_eq(seen[cold].told, TOLD_REFUSED);
    fc.killed = false;
    uint32_t third = submit_new(1);
    turns(4);
    fc.mine_of_100 = 0;
    fc.killed = true;
    uint64_t orders = fc.sends;
    for (int i = 0; i < 20; i++)
        block(), turn(SECOND);
    ck_assert_uint_gt(counters().sender.gate_closed, 0); // not again and not replaced, but cancelled
    ck_assert_uint_gt(fc.sends, orders);
    fc.mine_of_100 = 100;
    settle();
    ck_assert(seen[third].told == TOLD_FAILED && !strcmp(seen[third].reason, "cancelled"));
    check_all("kill");
    rig_stop();
}
END_TEST

START_TEST(one_order_an_account_at_a_time)
{
    rig_start(3, 1, true, 6);
    turns(3);
    uint32_t a = submit_new(7), b = submit_new(7);
    turns(4);
    ck_assert(seen[b].told == TOLD_REFUSED && strstr(seen[b].reason, "on its way"));
    uint32_t c = submit_new(7);
    turns(2);
    ck_assert_int_eq(seen[c].told, TOLD_REFUSED);
    block();
    ck_assert_int_eq(seen[a].told, TOLD_DONE);
    uint32_t d = submit_new(7);
    turns(3);
    ck_assert_int_eq(seen[d].told, TOLD_NOTHING);
    block();
    ck_assert_int_eq(seen[d].told, TOLD_DONE);
    ck_assert_uint_eq(counters().busy, 2);
    settle();
    check_all("busy");
    rig_stop();
}
END_TEST

START_TEST(what_cannot_be_made_is_refused)
{
    rig_start(1, 1, false, 7);
    turns(3);
    struct gateway_order o = order(1, 1);
    o.bytes[0] = 9;
    uint32_t id = submit(&o);
    turns(2);
    ck_assert(seen[id].told == TOLD_REFUSED && strstr(seen[id].reason, "bytes"));
    o = order(1, 1);
    o.terms.n_via = 1;
    o.terms.via[0] = TOKENS;
    id = submit(&o);
    turns(2);
    ck_assert(seen[id].told == TOLD_REFUSED && strstr(seen[id].reason, "no token"));
    struct evm_address was = user[2];
    user[2] = (struct evm_address){{0}};
    id = submit_new(2);
    turns(2);
    ck_assert(seen[id].told == TOLD_REFUSED && strstr(seen[id].reason, "address"));
    user[2] = was;
    id = submit_new(USERS);
    turns(2);
    ck_assert_int_eq(seen[id].told, TOLD_REFUSED);
    settle();
    ck_assert_uint_eq(fc.sends, 0);
    check_all("refused");
    rig_stop();
}
END_TEST

START_TEST(without_batches_the_rest_waits_for_keys)
{
    rig_start(2, 1, false, 8);
    turns(3);
    for (uint32_t u = 0; u < 4; u++)
        submit_new(u);
    turns(4);
    block();
    ck_assert(seen[1].told == TOLD_DONE && seen[2].told == TOLD_DONE);
    turns(4);
    block();
    ck_assert(seen[3].told == TOLD_DONE && seen[4].told == TOLD_DONE);
    uint32_t first = submit_new(5);
    submit_new(6), submit_new(7);
    turns(4);
    turn(1100 * MS);
    ck_assert_int_eq(seen[first].told, TOLD_NOTHING);
    ck_assert(seen[first + 2].told == TOLD_REFUSED && strstr(seen[first + 2].reason, "no key was free"));
    settle();
    check_all("keys");
    rig_stop();
}
END_TEST

START_TEST(more_orders_than_keys_share_a_transaction)
{
    rig_start(3, 1, true, 9);
    struct gateway_order o[2];
    for (uint32_t i = 0; i < 2; i++) {
        o[i] = order(20 + i, 1000);
        gateway_offer(gw, &o[i]);
    }
    turns(4);
    ck_assert(ready(1) && ready(2));
    model.may[4] = 0; // recovered meanwhile
    uint32_t first = next_id;
    for (uint32_t u = 0; u < 10; u++)
        submit_new(u);
    submit(&o[0]), submit(&o[1]);
    turns(1);
    ck_assert_uint_eq(counters().ready_sent, 2); // what is ready leaves by itself
    turns(4);
    ck_assert_uint_eq(counters().batched, 10);
    block();
    u128 gas = 0;
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_int_eq(seen[first + i].told, i == 4 ? TOLD_FAILED : TOLD_DONE);
        ck_assert(seen[first + i].mined.gas_wei == 0 || i == 0); // the first has it all
        gas += seen[first + i].mined.gas_wei;
    }
    ck_assert(gas > 0 && strstr(seen[first + 4].reason, "reverted"));
    ck_assert(seen[1].told == TOLD_DONE && seen[2].told == TOLD_DONE);
    settle();
    check_all("batch");
    rig_stop();
}
END_TEST

// 60 orders of 640,000 gas need three batches: all keys but none alone.
START_TEST(a_burst_goes_into_several_batches)
{
    rig_start(3, 1, true, 10);
    turns(3);
    for (uint32_t u = 0; u < 60; u++) {
        struct gateway_order o = order(u, 1);
        o.terms.gas = 640000;
        submit(&o);
    }
    turns(6);
    block();
    ck_assert_uint_eq(counters().batched, 60);
    for (uint32_t i = 1; i <= 60; i++)
        ck_assert_int_eq(seen[i].told, TOLD_DONE);
    settle();
    check_all("burst");
    rig_stop();
}
END_TEST

START_TEST(a_batch_that_cannot_leave)
{
    rig_start(1, 1, true, 11);
    turns(3);
    memset(fc.down, 1, sizeof fc.down);
    for (uint32_t u = 0; u < 3; u++)
        submit_new(u);
    turns(4);
    ck_assert_int_eq(seen[1].told, TOLD_NOTHING);
    turn(1100 * MS);
    turns(2);
    for (uint32_t i = 1; i <= 3; i++)
        ck_assert_int_eq(seen[i].told, TOLD_REFUSED);
    memset(fc.down, 0, sizeof fc.down);
    turns(3);
    for (uint32_t u = 0; u < 3; u++)
        submit_new(u);
    turns(1);
    fc.killed = true; // while the batch is being signed
    turns(2);
    for (uint32_t i = 4; i <= 6; i++)
        ck_assert(seen[i].told == TOLD_REFUSED && strstr(seen[i].reason, "kill"));
    fc.killed = false;
    settle();
    ck_assert_uint_eq(fc.sends, 0);
    check_all("batch stays");
    rig_stop();
}
END_TEST

// The desk does not know beforehand on which price a ready order will leave: handed over on a predicted one,
// it is made anew with the check.
START_TEST(a_ready_order_on_a_prediction)
{
    for (unsigned flags = FLASH_LOAN; flags <= (FLASH_LOAN | FLASH_CHECK_HEALTH);
         flags += FLASH_CHECK_HEALTH) {
        rig_start(1, 1, false, 40);
        gateway_close(gw);
        config.flags = (uint8_t)flags;
        rig_open();
        struct gateway_order o = order(1, 5);
        gateway_offer(gw, &o);
        turns(4);
        ck_assert(ready(1));
        o.terms.predicted = true;
        submit(&o);
        turns(4);
        ck_assert_uint_eq(fc.n, 1);
        ck_assert_uint_eq(model.tx[0].flags[0], FLASH_LOAN | FLASH_CHECK_HEALTH);
        ck_assert_uint_eq(counters().ready_sent,
                          flags & FLASH_CHECK_HEALTH ? 1 : 0); // as it was, if it has it
        settle();
        ck_assert_int_eq(seen[1].told, TOLD_DONE);
        check_all("ready, predicted");
        rig_stop();
    }
}
END_TEST

// A batch whose transaction has expired unsent: its place among what is signed may be another order's by
// then.
START_TEST(a_batch_that_has_expired)
{
    rig_start(1, 1, true, 28);
    gateway_close(gw);
    config.expires_ns = SECOND;
    config.max_wait_ms = 20000;
    rig_open();
    turns(3);
    memset(fc.down, 1, sizeof fc.down);
    uint32_t first = next_id;
    for (uint32_t u = 0; u < 3; u++)
        submit_new(u);
    turns(4);
    turn(1100 * MS); // it is dropped
    struct gateway_order o = order(9, 100);
    gateway_offer(gw, &o);
    turns(4);
    memset(fc.down, 0, sizeof fc.down);
    turns(6);
    ck_assert_uint_eq(counters().ready_sent, 0);
    gateway_drop(gw, &o.key);
    settle();
    ck_assert_uint_eq(model.effects[o.key.revision], 0); // nobody has handed it over
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_eq(seen[first + i].told, TOLD_DONE);
    check_all("expired batch");
    rig_stop();
}
END_TEST

// An order on a predicted price is checked by the contract itself; tips are parts of what the order bids.
START_TEST(terms_become_the_transaction)
{
    rig_start(1, 1, false, 22);
    gateway_close(gw);
    config.n_tips = 2;
    config.tip_ppm[0] = 500000;
    config.tip_ppm[1] = 1500000;
    config.level = 1;
    rig_open();
    for (int predicted = 0; predicted < 2; predicted++) {
        struct gateway_order o = order(1 + (uint32_t)predicted, 5);
        o.terms.predicted = predicted;
        o.terms.tip = 3 * GWEI;
        gateway_offer(gw, &o);
        turns(4);
        const struct signed_entry *en = signed_at(sender_orders(inside()->sender), 0);
        ck_assert_uint_eq(word_at(en->o.data + 4 + WORD_BYTES, 8),
                          FLASH_LOAN | (predicted ? FLASH_CHECK_HEALTH : 0u));
        ck_assert_uint_eq(word_at(en->o.data + 4 + WORD_BYTES, 4), 1000);
        ck_assert(en->o.gas == 600000 && en->o.tip[0] == 3 * (u128)GWEI / 2 && word_is_zero(&en->o.value));
        submit(&o);
        turns(2);
        ck_assert(fc.tx[fc.n - 1].tip == 9 * (u128)GWEI / 2);
        settle();
    }
    struct gateway_order o = order(9, 5);
    struct order full;
    ck_assert_int_eq(order_decode(o.bytes, o.n_bytes, &full), 0);
    full.full = true;
    full.leg[0].qty = (i128)1 << 120;
    o.n_bytes = (uint16_t)order_encode(&full, o.bytes, sizeof o.bytes);
    gateway_offer(gw, &o);
    turns(4);
    const struct word all = FLASH_ALL;
    const struct signed_entry *en = signed_at(sender_orders(inside()->sender), 0);
    ck_assert(!memcmp(en->o.data + 4 + WORD_BYTES + 4 * WORD_BYTES, all.b, WORD_BYTES));
    check_all("terms");
    rig_stop();
}
END_TEST

START_TEST(configurations_that_cannot_be)
{
    struct err e;
    rig_start(1, 1, false, 23);
    struct gateway_evm_config c = config;
    c.n_tips = 2;
    c.tip_ppm[0] = 2, c.tip_ppm[1] = 1;
    ck_assert_ptr_null(gateway_evm_open_on(&c, &ground, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "ascend"));
    c = config;
    c.level = 1;
    ck_assert_ptr_null(gateway_evm_open_on(&c, &ground, &e));
    c = config;
    c.flags = 64;
    ck_assert_ptr_null(gateway_evm_open_on(&c, &ground, &e));
    c = config;
    c.private_only = true;
    ck_assert_ptr_null(gateway_evm_open_on(&c, &ground, &e));
    ck_assert_ptr_null(gateway_evm_open_on(&config, &ground, &e)); // its log is taken
    rig_stop();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway-evm");
    TCase *c = tcase_create("gateway-evm");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_ready_order_leaves_at_once);
    tcase_add_test(c, a_cold_order_is_made_first);
    tcase_add_test(c, a_cold_order_finds_room);
    tcase_add_test(c, an_offer_in_place_of_another);
    tcase_add_test(c, the_journal_comes_first);
    tcase_add_test(c, the_kill_switch);
    tcase_add_test(c, one_order_an_account_at_a_time);
    tcase_add_test(c, what_cannot_be_made_is_refused);
    tcase_add_test(c, without_batches_the_rest_waits_for_keys);
    tcase_add_test(c, more_orders_than_keys_share_a_transaction);
    tcase_add_test(c, a_burst_goes_into_several_batches);
    tcase_add_test(c, a_batch_that_cannot_leave);
    tcase_add_test(c, a_ready_order_on_a_prediction);
    tcase_add_test(c, a_batch_that_has_expired);
    tcase_add_test(c, terms_become_the_transaction);
    tcase_add_test(c, configurations_that_cannot_be);
    suite_add_tcase(s, c);
    return run_gateway_suite(s);
}
