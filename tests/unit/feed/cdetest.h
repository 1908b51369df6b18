// SPDX-License-Identifier: Apache-2.0
// Helpers of the tests of Coinbase Derivatives: datagrams, the context under test, a whole book, checks of
// what comes out. Offsets are written out from the schema, not taken from the decoder's table.
#ifndef TRIPLINE_TEST_CDETEST_H
#define TRIPLINE_TEST_CDETEST_H

#include "feed/cde.h"
#include "feed/frame24test.h"

enum { LIVE = 1, SNAPSHOT = 2, RETRANSMIT = 4, START = 1, END = 2, BOTH = 3, NANO = 44, DAY = 18806 };
#define T0   INT64_C(1790000000000000000)
#define NONE (-128)

static uint64_t live_seq;
static uint32_t own_seq;

static inline void setup(void)
{
    rig_open(&rig, &cde_protocol);
    live_seq = 1000;
    own_seq = 10;
}

static inline void teardown(void)
{
    rig_close(&rig);
}

static inline void begin(unsigned bits, uint64_t seq, int64_t inst)
{
    memset(&pk, 0, sizeof pk);
    put64(&pk, 0, T0 + 5);
    put64(&pk, 8, (int64_t)seq);
    put16(&pk, 16, 44849);
    put8(&pk, 18, bits);
    put32(&pk, 20, inst);
    pk.len = pk.msg = 24;
}

static inline void message(unsigned id, size_t block, unsigned version)
{
    size_t len = (10 + block + 7) & ~(size_t)7;
    pk.msg = pk.len;
    put16(&pk, 0, (int64_t)len);
    put16(&pk, 2, (int64_t)block);
    put16(&pk, 4, id);
    put16(&pk, 6, 1201);
    put16(&pk, 8, version);
    pk.len += len;
    pk.bytes[19]++;
}

static inline void live_message(unsigned id, size_t block, unsigned flags, int side, int64_t inst)
{
    message(id, block, 7);
    put8(&pk, 10, flags);
    put8(&pk, 11, side);
    put32(&pk, 12, inst);
    put32(&pk, 16, ++own_seq);
    put16(&pk, 20, DAY);
    put64(&pk, 24, T0);
}

static inline enum feed_drop send(void)
{
    if (pk.bytes[18] != SNAPSHOT)
        live_seq = le64_load(pk.bytes + 8) + pk.bytes[19];
    return rig_send(&rig, &pk);
}

static inline void live(void)
{
    begin(LIVE, live_seq, 0);
}

static inline void put_order(unsigned flags, int side, int64_t id, int64_t price, int64_t qty)
{
    live_message(20, 42, flags, side, NANO);
    put64(&pk, 32, id);
    put64(&pk, 40, price);
    put32(&pk, 48, qty);
}

static inline void delete_order(unsigned flags, int side, int64_t id)
{
    live_message(21, 30, flags, side, NANO);
    put64(&pk, 32, id);
}

static inline void snapshot_start(int64_t orders)
{
    message(110, 130, 7);
    put32(&pk, 12, own_seq);
    memcpy(pk.bytes + pk.msg + 16, "BITZ26", 6);
    put64(&pk, 80, 5000000000);
    put32(&pk, 108, 1);
    put32(&pk, 112, orders);
    put8(&pk, 123, 1);
    put64(&pk, 124, 1000000);
}

static inline void snapshot_order(unsigned k, int64_t id, int64_t price, int64_t qty)
{
    message(120, 30, 7);
    put16(&pk, 10, k);
    put32(&pk, 12, qty);
    put64(&pk, 24, id);
    put64(&pk, 32, price);
}

static inline void snapshot_end(unsigned k)
{
    message(122, 160, 7);
    put16(&pk, 10, k);
}

// Bid 100 x 5, ask 101 x 7, with the newest live message in it.
static inline void whole_book(void)
{
    begin(SNAPSHOT, live_seq - 1, NANO);
    snapshot_start(2);
    snapshot_order(1, 1, 100, 5);
    snapshot_order(2, 2, 101, -7);
    snapshot_end(3);
    ck_assert_int_eq(send(), DROP_NONE);
}

static inline void ck_quote(int64_t bid, int64_t bid_qty, int64_t ask, int64_t ask_qty)
{
    const struct feed_msg *m = only(FEED_QUOTE);
    ck_assert_uint_eq(m->instrument_id, NANO);
    ck_assert_uint_eq(m->has, (bid_qty ? HAS_BID : 0u) | (ask_qty ? HAS_ASK : 0u) | HAS_STATE);
    if (bid_qty) {
        ck_num(&m->bid, bid, -9);
        ck_num(&m->bid_amount, bid_qty, 0);
    }
    if (ask_qty) {
        ck_num(&m->ask, ask, -9);
        ck_num(&m->ask_amount, ask_qty, 0);
    }
}

#endif
