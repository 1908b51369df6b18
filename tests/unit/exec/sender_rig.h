// SPDX-License-Identifier: Apache-2.0
// A sender on the chain of fake_chain.h, its log in a folder of the test's own, and what became of each
// order. A test program includes it once.
#ifndef TRIPLINE_TEST_EXEC_SENDER_RIG_H
#define TRIPLINE_TEST_EXEC_SENDER_RIG_H

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test_seed.h"
#include "evm/keccak.h"
#include "exec/evm/fees.h"
#include "fake_chain.h"
#include "journal/journal.h"
#include "run_suite.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)
#define GWEI   ((u128)1000000000)

enum { ORDERS = 4000, CONFIRMATIONS = 3 };

static char dir[64] = "/tmp/tripline-sender-XXXXXX", path[96];
static unsigned n_logs;
static struct private_key *key[FC_SENDERS];
static struct sender *sender;
static struct txlog *txlog;
static struct sender_config config;
static uint64_t now;
static unsigned asked_gate;

// What became of each order, by account (one order an account).
static struct {
    bool fired;
    unsigned ends;
    enum flight_outcome outcome;
    size_t sender;
    uint64_t nonce;
} seen[ORDERS];
static uint32_t next_account = 1;
static struct sender_event last_event[SENDER_STUCK + 10];
static unsigned n_events[SENDER_STUCK + 10];

static bool gate(void *ctx, const struct order_key *k, bool again, uint64_t at)
{
    (void)ctx, (void)k, (void)again, (void)at;
    asked_gate++;
    return !fc.killed;
}

// A relay that only remembers.
static struct {
    bool down;
    unsigned submits, cancels;
    uint64_t block;
    struct word hash; // of what it was given last
} fr;

static int fr_submit(void *ctx, uint64_t serial, const uint8_t *raw, size_t n, uint64_t at, uint64_t t)
{
    (void)ctx, (void)serial, (void)t;
    if (fr.down)
        return -1;
    ck_assert_msg(!fc.killed, "a bundle left with the kill switch on");
    fr.submits++;
    fr.block = at;
    keccak256(raw, n, &fr.hash);
    return 0;
}

static void fr_cancel(void *ctx, uint64_t serial, uint64_t t)
{
    (void)ctx, (void)serial, (void)t;
    fr.cancels++;
}

static void open_all(void)
{
    struct err e;
    ck_assert_msg(txlog_open(path, FC_CHAIN_ID, &txlog, &e) == 0, "%s", e.msg);
    sender = sender_new(&config, &FC_PORT, txlog, &e);
    ck_assert_msg(sender != NULL, "%s", e.msg);
    sender_head(sender, fc.head, fc.base, now);
}

static void start(unsigned n_keys, unsigned depth, uint64_t seed)
{
    fc_start(seed);
    now = 1000 * SECOND;
    fc.killed = false;
    asked_gate = 0;
    memset(seen, 0, sizeof seen);
    memset(&fr, 0, sizeof fr);
    memset(n_events, 0, sizeof n_events);
    next_account = 1;
    for (unsigned i = 0; i < n_keys; i++) {
        uint8_t secret[WORD_BYTES] = {[30] = 1, [31] = (uint8_t)(i + 1)};
        key[i] = key_from_bytes(secret, NULL);
        fc.sender[i] = *key_address(key[i]);
    }
    fc.n_senders = n_keys;
    (void)snprintf(path, sizeof path, "%s/%d-%u", dir, (int)getpid(), n_logs++);
    config = (struct sender_config){.chain_id = FC_CHAIN_ID,
                                    .key = (const struct private_key *const *)key,
                                    .n_keys = n_keys,
                                    .depth = depth,
                                    .orders_max = 16,
                                    .bytes_max = 1024,
                                    .bump_after_ns = 3 * SECOND,
                                    .give_up_ns = 12 * SECOND,
                                    .confirmations = CONFIRMATIONS,
                                    .one_thread = true,
                                    .gate = {NULL, gate},
                                    .relay = {NULL, NULL, fr_submit, fr_cancel}};
    open_all();
}

static void stop(void)
{
    struct err e;
    sender_free(sender);
    ck_assert_msg(txlog_close(txlog, &e) == 0, "%s", e.msg);
    for (unsigned i = 0; i < fc.n_senders; i++)
        key_free(key[i]);
    fc_forget_answers();
    (void)unlink(path);
}

static uint32_t account_of(const struct sender_event *ev)
{
    ck_assert_uint_lt(ev->key.account, ORDERS);
    return ev->key.account;
}

static void take_events(void)
{
    struct sender_event ev;
    while (sender_poll(sender, &ev)) {
        last_event[ev.kind] = ev;
        n_events[ev.kind]++;
        if (ev.kind != SENDER_STATE || ev.to != FLIGHT_ENDED)
            continue;
        uint32_t a = account_of(&ev);
        if (a == 0)
            continue; // a nonce that was left out, filled
        // A crash may make it be told twice, but never otherwise.
        ck_assert(seen[a].ends == 0 || seen[a].outcome == ev.outcome);
        seen[a].ends++;
        seen[a].outcome = ev.outcome;
        seen[a].sender = ev.sender;
        seen[a].nonce = ev.nonce;
    }
}

// Everything put so far is on disk first, so that a run depends on its seed alone.
static void step(uint64_t ns)
{
    now += ns;
    ck_assert_int_eq(txlog_sync(txlog, NULL), 0);
    sender_step(sender, now);
    take_events();
}

static void block(void)
{
    fc_mine();
    sender_head(sender, fc.head, fc.base, now);
}

static struct signed_order order(uint32_t account, uint64_t worth, uint8_t call[static 8])
{
    le32_store(call, account);
    le32_store(call + 4, 99);
    return (struct signed_order){.key = {1, account, 1, 1},
                                 .to = {{0x11}},
                                 .gas = 300000,
                                 .data = call,
                                 .n_data = 8,
                                 .worth = worth,
                                 .expires_ns = now + 5 * SECOND,
                                 .tip = {GWEI, 2 * GWEI, 4 * GWEI},
                                 .n_tips = 3};
}

static uint32_t offer(uint64_t worth)
{
    uint8_t call[8];
    struct signed_order o = order(next_account, worth, call);
    struct err e = {""};
    uint32_t name = signed_offer(sender_orders(sender), SIGNED_NONE, &o, &e);
    if (name != SIGNED_NONE)
        next_account++;
    return name;
}

static enum fire_answer fire(uint32_t name, unsigned level)
{
    const struct signed_entry *en = signed_at(sender_orders(sender), name);
    uint32_t account = en ? en->o.key.account : 0;
    enum fire_answer a = sender_fire(sender, name, level, false, now);
    if (a == FIRE_SENT)
        seen[account].fired = true;
    return a;
}

// Offers one and has it sent; its account.
static uint32_t send_one(unsigned level)
{
    uint32_t account = next_account, name = offer(1);
    for (int i = 0; i < 4; i++)
        step(MS);
    ck_assert_int_eq(fire(name, level), FIRE_SENT);
    return account;
}

static int run_sender_suite(Suite *s)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    int rc = run_suite(s);
    (void)rmdir(dir);
    return rc;
}

#endif
