// SPDX-License-Identifier: Apache-2.0
// Several nodes: which may be sent to while they lag, stall, sync, answer nonsense, die and come back. The
// nodes are scripted, the clock is made up; another thread asks meanwhile.
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "evm/nodes_rig.h"
#include "run_suite.h"

static const enum rpc_transport EACH[N] = {RPC_IPC, RPC_HTTP, RPC_WS};
static const enum rpc_transport TWO_WS[N] = {RPC_WS, RPC_WS, RPC_WS};

START_TEST(follows_the_head)
{
    start(3, EACH, NULL);
    settle();
    for (size_t i = 0; i < 3; i++)
        is(i, NODE_OK);
    ck_assert_int_eq(nodes_best(ns, now), 0);
    for (uint64_t b = 1001; b < 1021; b++) {
        for (size_t i = 0; i < 3; i++)
            set_head(i, b, 0);
        pass(300);
        for (size_t i = 0; i < 3; i++) {
            is(i, NODE_OK);
            ck_assert_uint_eq(last[i].number, b);
            ck_assert_uint_eq(last[i].timestamp, b * 12);
            ck_assert(last[i].has_base_fee && last[i].base_fee == 1000000000);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(heads[i], 21);
        ck_assert_uint_eq(counters(i).reorgs, 0);
        ck_assert_uint_eq(counters(i).by_poll, 0);
        ck_assert_uint_eq(node[i].m.accepts, 1);
    }
    ck_assert_uint_eq(nodes_failovers(ns), 0);
    stop();
}
END_TEST

START_TEST(wrong_chain)
{
    start(2, EACH, NULL);
    node[0].chain = 1;
    pass(500);
    is(0, NODE_WRONG_CHAIN);
    ck_assert_int_eq(nodes_best(ns, now), 1);
    pass(7000);
    ck_assert_uint_eq(node[0].m.accepts, 1); // asked again at the longest interval only
    node[0].chain = CHAIN;
    pass(5000);
    is(0, NODE_OK); // put right by its operator
    stop();
}
END_TEST

START_TEST(lags_by_blocks)
{
    start(2, TWO_WS, &(struct nodes_config){.lag_blocks = 2, .lag_ns = UINT64_MAX, .stall_ns = UINT64_MAX});
    settle();
    set_head(1, 1002, 0);
    settle();
    is(0, NODE_OK);
    set_head(1, 1003, 0);
    settle();
    is(0, NODE_LAGGING);
    ck_assert_int_eq(nodes_best(ns, now), 1);
    ck_assert_uint_eq(nodes_failovers(ns), 1);
    set_head(0, 1003, 0);
    settle();
    is(0, NODE_RECOVERING); // not trusted at once
    ck_assert_int_eq(nodes_best(ns, now), 1);
    pass(1950);
    is(0, NODE_RECOVERING);
    pass(50);
    is(0, NODE_OK);
    ck_assert_int_eq(nodes_best(ns, now), 0);
    stop();
}
END_TEST

START_TEST(lags_by_time)
{
    start(2, TWO_WS, &(struct nodes_config){.lag_blocks = 10, .lag_ns = 500 * MS});
    settle();
    set_head(1, 1001, 0);
    settle();
    pass(500);
    is(0, NODE_OK);
    set_head(1, 1002, 0); // the clock of 1001 counts, not that of the newest
    pass(50);
    is(0, NODE_LAGGING);
    is(1, NODE_OK);
    stop();
}
END_TEST

// The one that leads dies: the one that lags must not become the best by that.
START_TEST(leader_dies)
{
    start(2, TWO_WS, &(struct nodes_config){.forget_ns = 20000 * MS, .stall_ns = UINT64_MAX});
    settle();
    set_head(0, 1010, 0);
    settle();
    is(1, NODE_LAGGING);
    mock_stop(&node[0].m);
    settle();
    is(0, NODE_DOWN);
    is(1, NODE_LAGGING);
    ck_assert_int_eq(nodes_best(ns, now), -1);
    pass(19000);
    is(1, NODE_LAGGING);
    set_head(1, 1010, 0);
    pass(2100);
    is(1, NODE_OK);
    stop();
}
END_TEST

START_TEST(leader_is_forgotten)
{
    start(2, TWO_WS, &(struct nodes_config){.forget_ns = 5000 * MS, .stall_ns = UINT64_MAX});
    settle();
    set_head(0, 1010, 0);
    settle();
    mock_stop(&node[0].m);
    pass(3000);
    pass(1900);
    is(1, NODE_LAGGING);
    pass(200 + 2000);
    is(1, NODE_OK);
    stop();
}
END_TEST

START_TEST(stalls)
{
    start(1, EACH, &(struct nodes_config){.stall_ns = 5000 * MS});
    settle();
    pass(3000);
    pass(1950);
    is(0, NODE_OK);
    pass(50);
    is(0, NODE_STALLED);
    set_head(0, 1001, 0);
    settle();
    is(0, NODE_RECOVERING);
    stop();
}
END_TEST

START_TEST(syncs)
{
    start(2, TWO_WS, NULL);
    node[0].syncing = true;
    node[0].number = 5000;
    pass(500);
    is(0, NODE_SYNCING);
    is(1, NODE_OK); // a syncing node's head is not the best
    node[0].syncing = false;
    pass(1100);
    is(0, NODE_OK);
    is(1, NODE_LAGGING);
    stop();
}
END_TEST

START_TEST(silent_subscription)
{
    start(1, TWO_WS, NULL);
    settle();
    node[0].quiet_subscription = true;
    for (uint64_t b = 1001; b < 1004; b++) {
        is(0, NODE_OK);
        set_head(0, b, 0);
        pass(1000);
    }
    ck_assert_uint_eq(counters(0).silent, 1); // found by looking, made anew
    ck_assert_uint_eq(counters(0).by_poll, 2);
    pass(2500);
    ck_assert_uint_eq(node[0].m.accepts, 2);
    is(0, NODE_OK);
    ck_assert_uint_eq(last[0].number, 1003);
    stop();
}
END_TEST

START_TEST(without_subscriptions)
{
    start(1, TWO_WS, NULL);
    node[0].no_subscriptions = true;
    settle();
    is(0, NODE_OK);
    set_head(0, 1001, 0);
    pass(250);
    ck_assert_uint_eq(last[0].number, 1001);
    stop();
}
END_TEST

START_TEST(answers_nothing)
{
    start(2, (const enum rpc_transport[]){EACH[_i], RPC_WS}, NULL);
    settle();
    node[0].mute = true;
    set_head(1, 1001, 0);
    pass(1000);
    pass(3100);
    ck_assert_uint_eq(counters(0).unanswered, 1);
    ck_assert(health(0) != NODE_OK);
    ck_assert_int_eq(nodes_best(ns, now), 1);
    node[0].mute = false;
    set_head(0, 1001, 0);
    pass(7000);
    is(0, NODE_OK);
    stop();
}
END_TEST

START_TEST(answers_nonsense)
{
    start(2, (const enum rpc_transport[]){EACH[_i], RPC_WS}, NULL);
    settle();
    node[0].nonsense = true;
    pass(1500);
    ck_assert_uint_ge(counters(0).senseless, 1);
    ck_assert(health(0) != NODE_OK);
    node[0].nonsense = false;
    pass(13000);
    is(0, NODE_OK);
    stop();
}
END_TEST

START_TEST(dies_and_comes_back)
{
    start(2, (const enum rpc_transport[]){EACH[_i], RPC_WS}, NULL);
    settle();
    mock_stop(&node[0].m);
    settle();
    is(0, NODE_DOWN);
    ck_assert_int_eq(nodes_best(ns, now), 1);
    ck_assert_uint_eq(nodes_failovers(ns), 1);
    pass(30000);
    ck_assert_uint_le(counters(0).tries, 12); // the intervals grow
    ck_assert_uint_ge(counters(0).tries, 7);
    struct mock was = node[0].m;
    if (was.transport == RPC_IPC) { // a TCP port may be another's by now
        mock_listen(&node[0].m);
        set_head(1, 1001, 0);
        node[0].number = 1001;
        pass(10000);
        pass(2100);
        is(0, NODE_OK);
        ck_assert_int_eq(nodes_best(ns, now), 0);
    }
    stop();
}
END_TEST

START_TEST(reorganisations)
{
    start(1, TWO_WS, NULL);
    settle();
    set_head(0, 1001, 0);
    settle();
    ck_assert_uint_eq(counters(0).reorgs, 0);
    set_head(0, 1001, 5); // another block of the same number
    settle();
    ck_assert_uint_eq(counters(0).reorgs, 1);
    set_head(0, 1002, 5);
    settle();
    ck_assert_uint_eq(counters(0).reorgs, 1);
    set_head(0, 1003, 6); // its parent is not the one before
    settle();
    ck_assert_uint_eq(counters(0).reorgs, 2);
    set_head(0, 999, 7); // a lower head
    settle();
    ck_assert_uint_eq(counters(0).reorgs, 3);
    ck_assert_uint_eq(last[0].number, 999);
    is(0, NODE_OK); // the best head is its own
    stop();
}
END_TEST

// A look answered late, with a head from before the notice, is no reorganisation.
START_TEST(late_look)
{
    start(1, TWO_WS, NULL);
    settle();
    pass(1000); // from here on it looks once a second
    set_head(0, 1005, 0);
    settle();
    node[0].number = 1004;
    pass(1000);
    ck_assert_uint_eq(last[0].number, 1005);
    node[0].number = 1005;
    pass(1000);
    node[0].number = 1004;
    pass(1000);
    ck_assert_uint_eq(last[0].number, 1005);
    pass(1000); // seen twice in a row: it is so
    ck_assert_uint_eq(last[0].number, 1004);
    stop();
}
END_TEST

START_TEST(lease)
{
    start(1, EACH, &(struct nodes_config){.lease_ns = 400 * MS});
    settle();
    is(0, NODE_OK);
    ck_assert(nodes_usable(ns, 0, now + 400 * MS - 1));
    ck_assert(!nodes_usable(ns, 0, now + 400 * MS)); // nobody has looked since
    ck_assert_int_eq(nodes_best(ns, now + 400 * MS), -1);
    ck_assert(!nodes_usable(ns, 1, now));
    stop();
}
END_TEST

START_TEST(calls_of_the_user)
{
    start(1, (const enum rpc_transport[]){EACH[_i]}, NULL);
    settle();
    int64_t id = rpc_call(nodes_rpc(ns, 0), "eth_gasPrice", "[]", 77, now);
    ck_assert_int_gt(id, 0);
    settle();
    ck_assert(other.kind == RPC_EV_REPLY && other.id == (uint64_t)id && other.tag == 77);
    node[0].mute = true;
    (void)rpc_call(nodes_rpc(ns, 0), "eth_gasPrice", "[]", 78, now);
    settle();
    mock_stop(&node[0].m);
    settle();
    ck_assert(other.kind == RPC_EV_FAILED && other.tag == 78 && other.why == RPC_LOST);
    stop();
}
END_TEST

// Random lives of three nodes against a plain judge: whenever a node is usable it is within the limits of
// what was told.
START_TEST(random_lives)
{
    static struct prng r;
    prng_seed(&r, test_seed(20261121) + (uint64_t)_i);
    start(3, TWO_WS,
          &(struct nodes_config){
              .lag_blocks = 3, .lag_ns = UINT64_MAX, .stall_ns = UINT64_MAX, .forget_ns = UINT64_MAX});
    settle();
    uint64_t top = 1000;
    unsigned usable = 0, unusable = 0;
    for (unsigned k = 0; k < test_rounds(400); k++) {
        size_t i = prng_below(&r, 3);
        if (prng_chance(&r, 1, 3))
            top++;
        if (prng_chance(&r, 1, 40))
            mock_hang_up(&node[i].m);
        if (node[i].number < top && prng_chance(&r, 2, 3))
            set_head(i, prng_chance(&r, 1, 2) ? top : node[i].number + 1, 0);
        now += prng_below(&r, 200) * MS;
        settle();
        uint64_t best = 0;
        for (i = 0; i < 3; i++)
            best = last[i].number > best ? last[i].number : best;
        for (i = 0; i < 3; i++) {
            bool u = nodes_usable(ns, i, now);
            ck_assert_msg(!u || best - last[i].number <= 3, "node %zu is used %llu behind", i,
                          (unsigned long long)(best - last[i].number));
            usable += u;
            unusable += !u;
        }
    }
    ck_assert_uint_gt(usable, test_rounds(400) / 8);
    ck_assert_uint_gt(unusable, test_rounds(400) / 8);
    stop();
}
END_TEST

static atomic_bool asking;
static atomic_int answer_now = -2;

static void *asker(void *arg)
{
    (void)arg;
    while (atomic_load(&asking))
        atomic_store(&answer_now, nodes_best(ns, START_NS + 1));
    return NULL;
}

static void is_answered(int best) // only a hang waits for ever, and the runner ends it
{
    while (atomic_load(&answer_now) != best)
        (void)sched_yield();
}

START_TEST(asked_by_another_thread)
{
    pthread_t t;
    start(2, TWO_WS, NULL);
    atomic_store(&asking, true);
    ck_assert_int_eq(pthread_create(&t, NULL, asker, NULL), 0);
    is_answered(-1);
    settle();
    is_answered(0);
    node[0].chain = 2;
    mock_hang_up(&node[0].m);
    pass(1000);
    is_answered(1);
    atomic_store(&asking, false);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    stop();
}
END_TEST

START_TEST(refused)
{
    struct err e;
    struct rpc_config c[NODES_MAX + 1] = {{.url = "ftp://x"}};
    ck_assert_ptr_null(nodes_new(&(struct nodes_config){.node = c, .n = 0}, &e));
    ck_assert_ptr_null(nodes_new(&(struct nodes_config){.node = c, .n = NODES_MAX + 1}, &e));
    ck_assert_ptr_null(nodes_new(&(struct nodes_config){.node = c, .n = 1}, &e));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("nodes");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, follows_the_head);
    tcase_add_test(t, wrong_chain);
    tcase_add_test(t, lags_by_blocks);
    tcase_add_test(t, lags_by_time);
    tcase_add_test(t, leader_dies);
    tcase_add_test(t, leader_is_forgotten);
    tcase_add_test(t, stalls);
    tcase_add_test(t, syncs);
    tcase_add_test(t, silent_subscription);
    tcase_add_test(t, without_subscriptions);
    tcase_add_loop_test(t, answers_nothing, 0, N);
    tcase_add_loop_test(t, answers_nonsense, 0, N);
    tcase_add_loop_test(t, dies_and_comes_back, 0, N);
    tcase_add_test(t, reorganisations);
    tcase_add_test(t, late_look);
    tcase_add_test(t, lease);
    tcase_add_loop_test(t, calls_of_the_user, 0, N);
    tcase_add_loop_test(t, random_lives, 0, 3);
    tcase_add_test(t, asked_by_another_thread);
    tcase_add_test(t, refused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
