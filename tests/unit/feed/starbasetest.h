// SPDX-License-Identifier: Apache-2.0
// Helpers of the tests of Deribit Starbase: datagrams, the context under test, a whole book, checks of what
// comes out. Offsets are written out from the schema, not taken from the decoder's table.
#ifndef TRIPLINE_TEST_STARBASETEST_H
#define TRIPLINE_TEST_STARBASETEST_H

#include "feed/frame24test.h"
#include "feed/starbase.h"

enum { LIVE = 1, SNAPSHOT = 2, RETRANSMIT = 4, START = 1, END = 2, BOTH = 3, PERP = 7001 };
#define T0 INT64_C(1790000000000000000)

static uint64_t live_seq, snap_seq;

static inline void setup(void)
{
    rig_open(&rig, &starbase_protocol);
    live_seq = 1000;
    snap_seq = 5;
}

static inline void teardown(void)
{
    rig_close(&rig);
}

static inline void begin(unsigned type, uint64_t seq)
{
    memset(&pk, 0, sizeof pk);
    put64(&pk, 0, T0 + 5);
    put64(&pk, 8, (int64_t)seq);
    put32(&pk, 16, 44849);
    put16(&pk, 20, type);
    pk.len = pk.msg = 24;
}

static inline void message(unsigned id, size_t len, unsigned version, unsigned flags)
{
    pk.msg = pk.len;
    put16(&pk, 0, (int64_t)len);
    put16(&pk, 2, id);
    put16(&pk, 4, version);
    put16(&pk, 6, flags);
    put64(&pk, 8, T0);
    pk.len += len;
    le16_store(pk.bytes + 22, (uint16_t)(le16_load(pk.bytes + 22) + 1));
}

static inline enum feed_drop send(void)
{
    unsigned n = le16_load(pk.bytes + 22);
    if (le16_load(pk.bytes + 20) == SNAPSHOT)
        snap_seq += n;
    else
        live_seq = le64_load(pk.bytes + 8) + n;
    return rig_send(&rig, &pk);
}

static inline void live(void)
{
    begin(LIVE, live_seq);
}

static inline void order(unsigned id, unsigned flags, int64_t order_id, int64_t inst, int64_t qty,
                         int64_t price)
{
    message(id, id <= 21 ? 56 : id <= 23 ? 40 : 32, 1, flags);
    put64(&pk, 16, order_id);
    put64(&pk, 24, inst);
    if (id <= 23)
        put64(&pk, 32, qty);
    if (id <= 21)
        put64(&pk, 40, price);
}

static inline void snapshot_mark(unsigned id, int64_t inst, uint64_t anchor)
{
    message(id, 40, 1, BOTH); // of no live transaction
    put64(&pk, 16, inst);
    put64(&pk, 24, T0);
    put64(&pk, 32, (int64_t)anchor);
}

static inline void define(int64_t inst, int exponent)
{
    message(10, 284, 1, BOTH);
    put64(&pk, 16, inst);
    memcpy(pk.bytes + pk.msg + 24, "BTC-PERPETUAL", 13);
    put64(&pk, 152, 77);
    put64(&pk, 264, 500000000);
    put8(&pk, 272, exponent);
    put8(&pk, 273, 0);
    put8(&pk, 274, 5); // reversed, perpetual
    put8(&pk, 275, 0);
    put16(&pk, 276, 16);
    put16(&pk, 280, 9);
}

// A whole book of PERP: bid 100 x 5, ask 101 x 7, anchored at the newest live message.
static inline void whole_book(void)
{
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, live_seq - 1);
    define(PERP, -1);
    order(20, 0, 1, PERP, 5, 100);
    order(21, 0, 2, PERP, 7, 101);
    snapshot_mark(101, PERP, live_seq - 1);
    ck_assert_int_eq(send(), DROP_NONE);
}

static inline void ck_quote(int64_t bid, int64_t bid_qty, int64_t ask, int64_t ask_qty)
{
    const struct feed_msg *m = only(FEED_QUOTE);
    ck_assert_uint_eq(m->has, (bid ? HAS_BID : 0u) | (ask ? HAS_ASK : 0u) | HAS_STATE);
    if (bid) {
        ck_num(&m->bid, bid, -9);
        ck_num(&m->bid_amount, bid_qty, -1);
    }
    if (ask) {
        ck_num(&m->ask, ask, -9);
        ck_num(&m->ask_amount, ask_qty, -1);
    }
}

#endif
