// SPDX-License-Identifier: Apache-2.0
// Sessions over a small paired book that a test takes step by step; each ends with a replay of its journal.
#ifndef TRIPLINE_TEST_RUN_PAIRSTEPS_H
#define TRIPLINE_TEST_RUN_PAIRSTEPS_H

#include <stdio.h>

#include "pairtest.h"

enum { EVEN = 0, ODD = 1, ID = 20 }; // the first account, id 10 of the store

static struct {
    size_t orders, ready, handed; // handed to the gateway; records J_READY; J_ORDER of ready ones
    struct gateway_order last;
} got;

static int take_order(const struct gateway_order *o)
{
    got.last = *o;
    got.orders++;
    return 0;
}

static void see(enum journal_type type, const uint8_t *data, size_t n)
{
    struct order_record rec;
    got.ready += type == J_READY;
    if (type != J_ORDER)
        return;
    ck_assert_int_eq(order_record_decode(data, n, &rec), 0);
    got.handed += rec.ready;
}

static inline void tell_all(double btc, double eth, double sol)
{
    add_told(BTC, HOLD_NONE, btc);
    add_told(ETH, HOLD_NONE, eth);
    add_told(SOL, HOLD_NONE, sol);
    chain_says(TOLD_PRICES);
}

// One borrower of SOL against ETH, 10 % above the threshold, and one far away.
static inline void open_rig(void)
{
    static struct account a;
    memset(&rig, 0, sizeof rig);
    memset(&got, 0, sizeof got);
    config_default(&rig.cfg);
    rig.cfg.engine.warn_ppm = 20000;
    rig_book();
    borrower(&a, 10, ETH, SOL, 1100000);
    rig_add(&a);
    borrower(&a, 11, BTC, SOL, 3000000);
    rig_add(&a);
}

static inline void begin(void)
{
    rig_start("model", 8, 16);
    define();
    tell_all(START[BTC], START[ETH], START[SOL]);
    block();
}

static inline void setup(void)
{
    open_rig();
    begin();
}

static inline void teardown(void)
{
    rig_end("model");
}

static inline bool flagged(size_t account)
{
    return engine_flagged(session_engine(rig.session), account);
}

static inline void pass(double seconds)
{
    rig.now += (uint64_t)(seconds * 1e9);
}

static inline uint64_t held(enum hold h)
{
    return session_counters(rig.session)->held[h];
}

static inline const struct account *of_book(size_t i)
{
    static struct account a;
    return book_account(&rig.book, i, &a);
}

static inline void same_pair(size_t even)
{
    static struct account a, b, odd;
    a = *book_account(&rig.book, even, &odd);
    b = *book_account(&rig.book, even + 1, &odd);
    account_odd(&rig.pair, &a, &odd);
    ck_assert_uint_eq(b.id, odd.id);
    ck_assert_uint_eq(b.epoch, odd.epoch);
    ck_assert_uint_eq(b.n_positions, odd.n_positions);
    ck_assert_int_eq(memcmp(b.position, odd.position, odd.n_positions * sizeof odd.position[0]), 0);
}

static inline void add_tests(Suite *su, const char *name, void (*start)(void), const TTest *const *tests,
                             size_t n)
{
    TCase *tc = tcase_create(name);
    tcase_add_checked_fixture(tc, start, teardown);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(su, tc);
}

#endif
