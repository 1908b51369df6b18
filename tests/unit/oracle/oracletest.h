// SPDX-License-Identifier: Apache-2.0
// Feed messages by hand into an oracle, and what comes out of it.
#ifndef TRIPLINE_TEST_ORACLE_H
#define TRIPLINE_TEST_ORACLE_H

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/oracle.h"

#define MS UINT64_C(1000000)
static const uint64_t SECOND = UINT64_C(1000000000);

static struct market m;
static struct oracle *o;
static struct feed_packet p; // of the next message
static struct price_change changed[MARKET_ASSETS_MAX];
static size_t n_changed;
static bool touched;

static inline void open_oracle(const char *policy)
{
    struct err e = {{0}};
    const struct oracle_config c = {.file = "p.conf", .text = policy, .len = policy ? strlen(policy) : 0};
    oracle_free(o);
    o = oracle_new(&m, &c, &e);
    ck_assert_msg(o != NULL, "%s", e.msg);
    p = (struct feed_packet){.ts_ns = SECOND, .venue = VENUE_DERIBIT, .channel = 1, .stream = 1};
}

static inline void close_oracle(void)
{
    oracle_free(o);
    o = NULL;
}

static inline struct feed_num num(double v)
{
    return (struct feed_num){.v.f = v, .form = NUM_DOUBLE};
}

// The venue and stream of the packets to come.
static inline void from(uint8_t venue, uint16_t stream)
{
    p.venue = venue;
    p.channel = p.stream = stream;
}

static inline void send(struct feed_msg msg)
{
    msg.venue = p.venue;
    oracle_msg(o, &p, &msg);
}

static inline void define(uint64_t id, const char *name, uint8_t state)
{
    struct feed_msg msg = {.kind = FEED_INSTRUMENT, .instrument_id = id, .state = state, .has = HAS_STATE};
    strcpy(msg.name, name);
    send(msg);
}

static inline void ticker_at(uint64_t id, double mark, double index, uint8_t state, uint64_t ts_ns)
{
    send((struct feed_msg){.kind = FEED_TICKER,
                           .instrument_id = id,
                           .ts_ns = ts_ns,
                           .state = state,
                           .has = HAS_MARK | HAS_INDEX | HAS_STATE,
                           .mark = num(mark),
                           .index = num(index)});
}

static inline void ticker(uint64_t id, double mark, double index, uint8_t state)
{
    ticker_at(id, mark, index, state, 0);
}

// 0: that side is empty.
static inline void quote_at(uint64_t id, double bid, double ask, uint64_t ts_ns)
{
    send((struct feed_msg){.kind = FEED_QUOTE,
                           .instrument_id = id,
                           .ts_ns = ts_ns,
                           .has = (bid > 0 ? (uint32_t)HAS_BID : 0) | (ask > 0 ? (uint32_t)HAS_ASK : 0),
                           .bid = num(bid),
                           .ask = num(ask)});
}

static inline void trade(uint64_t id, double price)
{
    send((struct feed_msg){.kind = FEED_TRADE, .instrument_id = id, .has = HAS_LAST, .last = num(price)});
}

static inline void status(uint64_t id, uint8_t state)
{
    send((struct feed_msg){.kind = FEED_STATUS, .instrument_id = id, .state = state, .has = HAS_STATE});
}

static inline void index_price(const char *name, uint64_t id, double price)
{
    struct feed_msg msg = {.kind = FEED_INDEX, .instrument_id = id, .has = HAS_INDEX, .index = num(price)};
    strcpy(msg.name, name);
    send(msg);
}

static inline size_t end(void)
{
    return n_changed = oracle_end(o, &p, p.ts_ns, changed, &touched);
}

static inline void pass(unsigned ms)
{
    p.ts_ns += ms * MS;
}

static inline enum hold hold(uint16_t asset)
{
    return oracle_hold(o, asset, p.ts_ns);
}

static inline uint64_t held(enum hold h)
{
    return oracle_counters(o)->holds[h];
}

#endif
