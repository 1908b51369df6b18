// SPDX-License-Identifier: Apache-2.0
// For test_cme.c and test_cme_source.c: lays down datagrams byte by byte, from the XML's offsets, and runs
// them through the protocol as the arbiter does. Shares nothing with the tables it tests.
#ifndef TRIPLINE_TEST_CME_RIG_H
#define TRIPLINE_TEST_CME_RIG_H

#include "base/bytes.h"
#include "base/prng.h"
#include "feed/cme_state.h"
#include "feed/protocol.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 8192, KEPT = 6000, END = 0x80, PORT = 14310 };

// ---- building datagrams

struct dgram {
    uint8_t b[ROOM];
    size_t len, msg; // msg: where the message under construction begins
};

static inline void begin(struct dgram *g, uint32_t seq)
{
    memset(g, 0, sizeof *g);
    le32_store(g->b, seq);
    le64_store(g->b + 4, 1000000 + seq);
    g->len = 12;
}
static inline uint8_t *add(struct dgram *g, size_t n)
{
    uint8_t *p = g->b + g->len;
    ck_assert_uint_le(g->len + n, ROOM);
    g->len += n;
    le16_store(g->b + g->msg, (uint16_t)(g->len - g->msg));
    return p;
}
// Header and root block of a message; further add() calls belong to it.
static inline uint8_t *message(struct dgram *g, uint16_t template_id, uint16_t version, uint16_t block)
{
    g->msg = g->len;
    uint8_t *h = add(g, 10);
    le16_store(h + 2, block);
    le16_store(h + 4, template_id);
    le16_store(h + 6, 1);
    le16_store(h + 8, version);
    return add(g, block);
}
static inline uint8_t *incremental(struct dgram *g, uint16_t template_id, uint8_t event)
{
    uint8_t *r = message(g, template_id, template_id >= 46 ? 9 : 8, 11);
    le64_store(r, 777);
    r[8] = event;
    return r;
}
static inline uint8_t *group(struct dgram *g, uint16_t block, uint8_t n)
{
    uint8_t *p = add(g, 3);
    le16_store(p, block);
    p[2] = n;
    return add(g, (size_t)block * n);
}
static inline void group8(struct dgram *g, uint16_t block, uint8_t n)
{
    uint8_t *p = add(g, 8);
    le16_store(p, block);
    p[7] = n;
    add(g, (size_t)block * n);
}

struct entry {
    int64_t px;
    int32_t size, id;
    uint32_t rpt;
    uint8_t level, action;
    char type;
};
static inline void put_book(uint8_t *p, struct entry e)
{
    le64_store(p, (uint64_t)e.px);
    le32_store(p + 8, (uint32_t)e.size);
    le32_store(p + 12, (uint32_t)e.id);
    le32_store(p + 16, e.rpt);
    le32_store(p + 20, 1);
    p[24] = e.level;
    p[25] = e.action;
    p[26] = (uint8_t)e.type;
}
static inline void book(struct dgram *g, uint16_t template_id, uint8_t event, const struct entry *e,
                        uint8_t n)
{
    incremental(g, template_id, event);
    uint8_t *p = group(g, 32, n);
    for (unsigned i = 0; i < n; i++)
        put_book(p + 32 * i, e[i]);
    group8(g, 24, 0);
}
static inline void book1(struct dgram *g, uint8_t event, struct entry e)
{
    book(g, 46, event, &e, 1);
}
static inline void summary(struct dgram *g, uint8_t event, struct entry e)
{
    incremental(g, 48, event);
    put_book(group(g, 32, 1), e);
    uint8_t *p = g->b + g->len - 32;
    p[24] = 1; // AggressorSide, where books have the level
    group8(g, 16, 2);
}
// A future's definition in v9+; factor at 1e-9, depth of its outright book.
static inline uint8_t *define(struct dgram *g, int32_t id, const char *symbol, int64_t factor, uint8_t depth,
                              char update)
{
    uint8_t *r = message(g, 54, 13, 224);
    r[0] = END;
    le32_store(r + 1, UINT32_MAX);
    r[5] = (uint8_t)update;
    r[14] = 17;
    memcpy(r + 23, "BTC", 3);
    memcpy(r + 29, "BTC", 3);
    memcpy(r + 35, symbol, strlen(symbol));
    le32_store(r + 55, (uint32_t)id);
    le64_store(r + 91, 5000000000);
    le64_store(r + 99, (uint64_t)factor);
    le64_store(r + 140, 5000000000);
    group(g, 9, 2);
    uint8_t *f = group(g, 4, 2);
    memcpy(f, "GBI\2", 4);
    memcpy(f + 4, "GBX", 3);
    f[7] = depth;
    group(g, 4, 1);
    group(g, 5, 0);
    return r;
}
static inline void status(struct dgram *g, const char *grp, int32_t id, uint8_t code, uint8_t event)
{
    uint8_t *r = message(g, 30, 9, 30);
    memcpy(r + 8, grp, strlen(grp));
    le32_store(r + 20, (uint32_t)id);
    r[26] = event;
    r[27] = code;
}

static inline void snapshot(struct dgram *g, int32_t id, uint32_t last_seq, uint32_t rpt, int64_t bid,
                            int64_t ask)
{
    begin(g, 1);
    uint8_t *root = message(g, 52, 9, 59);
    le32_store(root, last_seq);
    le32_store(root + 8, (uint32_t)id);
    le32_store(root + 12, rpt);
    root[34] = 17;
    uint8_t *p = group(g, 22, 3);
    int64_t px[] = {bid, ask, INT64_MAX};
    for (unsigned i = 0; i < 3; i++, p += 22) {
        le64_store(p, (uint64_t)px[i]);
        le32_store(p + 8, 9);
        p[16] = i == 2 ? 127 : 1;
        p[21] = (uint8_t) "01C"[i];
    }
}

// ---- running them

struct rig {
    struct protocol_ctx c;
    struct feed_counters n;
    struct feed_sink sink;
    struct feed_msg msg[KEPT];
    unsigned msgs;
    uint32_t next;  // MsgSeqNum of the live stream
    uint64_t ts_ns; // receive time
    FILE *null;
};

static inline void keep(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct rig *r = ctx;
    (void)p;
    ck_assert_uint_lt(r->msgs, KEPT);
    r->msg[r->msgs++] = *m;
}
static inline void ended(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
}

static inline struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    r->c = (struct protocol_ctx){cme_protocol.state_new(), &r->n};
    r->sink = (struct feed_sink){r, keep, ended};
    r->next = 1000;
    return r;
}
static inline void rig_free(struct rig *r)
{
    cme_protocol.state_free(r->c.state);
    if (r->null)
        fclose(r->null);
    free(r);
}

static inline enum feed_drop frame_of(const uint8_t *b, size_t len, uint32_t ip, uint16_t port,
                                      struct frame_info *f)
{
    struct packet_udp u = {.dst_ip = ip, .dst_port = port, .payload = b, .len = len};
    *f = (struct frame_info){0};
    return cme_protocol.frame(b, len, &u, f);
}

// As the arbiter does: an accepted datagram, in a copy that is exactly as long. gap: numbers lost before it.
static inline enum feed_drop run(struct rig *r, const uint8_t *b, size_t len, uint64_t gap, bool restart)
{
    struct frame_info f;
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, b, len);
    r->msgs = 0;
    bool mine = cme_protocol.probe(copy, len);
    enum feed_drop why = mine ? frame_of(copy, len, 0xe0001f64, PORT, &f) : DROP_UNKNOWN;
    if (why == DROP_NONE) {
        struct feed_packet p = {.stream = f.stream,
                                .channel = f.channel,
                                .snapshot = f.snapshot,
                                .seq = f.seq,
                                .count = 1,
                                .gap = gap,
                                .restart = restart,
                                .payload = copy,
                                .len = len,
                                .ts_ns = r->ts_ns};
        if (gap || restart)
            cme_protocol.broken(&r->c, f.stream);
        cme_protocol.deliver(&r->c, &p, 0, &r->sink);
        if (!r->null)
            r->null = fopen("/dev/null", "w");
        cme_protocol.rows(&r->c, &p, 0, r->null);
    }
    free(copy);
    return why;
}
static inline void send(struct rig *r, struct dgram *g)
{
    ck_assert_int_eq(run(r, g->b, g->len, 0, false), DROP_NONE);
}
static inline struct dgram *next(struct rig *r)
{
    static struct dgram g;
    begin(&g, r->next++);
    return &g;
}
static inline void defined(struct rig *r, int32_t id, int64_t factor, uint8_t depth)
{
    struct dgram *g = next(r);
    define(g, id, "BTCZ6", factor, depth, 'A');
    send(r, g);
    ck_assert_uint_eq(r->msgs, 1);
}
// Both sides from nothing: RptSeq 1 and 2.
static inline void started(struct rig *r, int32_t id, int64_t bid, int64_t ask)
{
    struct dgram *g = next(r);
    struct entry e[] = {{bid, 3, id, 1, 1, 0, '0'}, {ask, 4, id, 2, 1, 0, '1'}};
    book(g, 46, END, e, 2);
    send(r, g);
}
static inline void beat(struct rig *r, uint64_t gap)
{
    struct dgram *g = next(r);
    message(g, 12, 9, 0);
    ck_assert_int_eq(run(r, g->b, g->len, gap, false), DROP_NONE);
}

#define FACTOR_1 1000000000

static inline void assert_quote(const struct feed_msg *m, int64_t bid, int64_t ask)
{
    ck_assert_uint_eq(m->kind, FEED_QUOTE);
    ck_assert_uint_eq(!!(m->has & HAS_BID), bid != 0);
    ck_assert_uint_eq(!!(m->has & HAS_ASK), ask != 0);
    if (bid)
        ck_assert_int_eq(m->bid.v.m, bid);
    if (ask)
        ck_assert_int_eq(m->ask.v.m, ask);
}

#endif
