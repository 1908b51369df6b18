// SPDX-License-Identifier: Apache-2.0
// Part of test_cme.c: the bounds of the tables, and who gives way when they are full.
#ifndef TRIPLINE_TEST_CME_BOUNDS_H
#define TRIPLINE_TEST_CME_BOUNDS_H

#include "feed/cme_rig.h"

// Ids that collide in a table, as a venue's do.
static int32_t scattered(int32_t k)
{
    uint64_t x = (uint64_t)k;
    return (int32_t)(splitmix64(&x) >> 33);
}

START_TEST(bounds)
{
    struct rig *r = rig_new();
    struct dgram g;
    struct entry e[200];
    // More instruments, trades and kept updates than there is room for.
    for (int32_t id = 1; id < 6001; id += 200) {
        for (int32_t i = 0; i < 200; i++)
            e[i] = (struct entry){100, 1, scattered(id + i), 3, 1, 0, '0'};
        begin(&g, r->next++);
        book(&g, 46, 0, e, 200);
        send(r, &g);
    }
    ck_assert_uint_eq(r->n.unknown_ids, 6000 - CME_INSTRUMENTS);
    for (uint32_t k = 0; k < 12000; k++) {
        begin(&g, r->next++);
        summary(&g, 0, (struct entry){100, 1, scattered(5), 4 + k, 0, 0, 0});
        send(r, &g);
    }
    ck_assert_uint_eq(cme_stats(r->c.state)->trades_lost, 12000 - CME_TRADES);
    begin(&g, r->next++);
    book(&g, 46, END, NULL, 0);
    send(r, &g);
    for (unsigned port = 30000; port < 30300; port++) {
        struct feed_packet p = {.stream = (uint16_t)port, .payload = g.b, .len = g.len};
        cme_protocol.deliver(&r->c, &p, 0, &r->sink);
        cme_protocol.broken(&r->c, (uint16_t)port);
    }
    ck_assert_uint_gt(cme_stats(r->c.state)->streams_lost, 0);
    // Whoever is deleted makes room.
    for (int32_t id = 1; id < 1500; id++) {
        begin(&g, r->next++);
        define(&g, scattered(id), "A", 1, 1, 'D');
        send(r, &g);
    }
    const struct cme_stream *st = cme_stream_get(r->c.state, 310);
    for (int32_t id = 1; id <= CME_INSTRUMENTS; id++)
        ck_assert_int_eq(cme_find(r->c.state, st, scattered(id)) != NULL, id >= 1500);
    uint64_t unknown = r->n.unknown_ids;
    begin(&g, r->next++);
    define(&g, scattered(5999), "A", FACTOR_1, 1, 'A');
    send(r, &g);
    ck_assert(r->msgs == 1 && r->n.unknown_ids == unknown);
    rig_free(r);
}
END_TEST

// How far a snapshot may be ahead of the live line: 4096 datagrams, and not one more.
START_TEST(snapshot_ahead)
{
    struct rig *r = rig_new();
    struct dgram g;
    r->next = 100000;
    defined(r, 7, FACTOR_1, 10);
    beat(r, 1);
    snapshot(&g, 7, r->next - 1 + 4097, 20, 99, 109);
    send(r, &g);
    beat(r, 0);
    ck_assert(cme_stats(r->c.state)->joins == 0 && r->msgs == 0);
    snapshot(&g, 7, r->next - 1 + 4096, 20, 99, 109);
    send(r, &g);
    ck_assert_uint_eq(cme_stats(r->c.state)->joins, 1);
    beat(r, 0);
    assert_quote(&r->msg[0], 99, 109);
    rig_free(r);
}
END_TEST

// n updates of instruments that nobody has defined, from `id` on; each its instrument's `rpt`th.
static void strangers(struct rig *r, int32_t id, int32_t n, uint32_t rpt)
{
    struct dgram g;
    struct entry e[200];
    for (int32_t at = 0; at < n; at += 200) {
        uint8_t k = 0;
        for (; k < 200 && at + k < n; k++)
            e[k] = (struct entry){100, 1, scattered(id + at + k), rpt, 1, 5, '0'};
        begin(&g, r->next++);
        book(&g, 46, END, e, k);
        send(r, &g);
    }
}
static struct cme_instrument *found(struct rig *r, int32_t id)
{
    return cme_find(r->c.state, cme_stream_get(r->c.state, 310), id);
}

START_TEST(instruments_give_way)
{
    struct rig *r = rig_new();
    strangers(r, 1, CME_INSTRUMENTS, 3);
    ck_assert(r->n.no_room == 0 && r->n.evicted == 0);
    // Who was heard since the search came by stays: it takes some rounds until one is found that was not.
    unsigned tries = 0;
    for (uint64_t before = r->n.instruments; r->n.instruments == before; tries++) {
        ck_assert_uint_lt(tries, 2 * CME_INSTRUMENTS / 64);
        ck_assert_uint_eq(r->n.no_room, tries);
        struct dgram *g = next(r);
        define(g, -5, "NEW", FACTOR_1, 10, 'A');
        send(r, g);
    }
    ck_assert_uint_gt(tries, CME_INSTRUMENTS / 64);
    ck_assert_uint_eq(r->n.evicted, 1);
    ck_assert_ptr_nonnull(found(r, -5));
    started(r, -5, 100, 110);
    assert_quote(&r->msg[0], 100, 110);
    strangers(r, 1, CME_INSTRUMENTS, 4);
    ck_assert_ptr_nonnull(found(r, -5));
    rig_free(r);
}
END_TEST

// An instrument that is defined and heard keeps its place whatever comes; one that was only defined gives way
// to one that trades.
START_TEST(defined_stay)
{
    struct rig *r = rig_new();
    defined(r, -7, FACTOR_1, 10);
    started(r, -7, 100, 110);
    for (int32_t id = 1; id < CME_INSTRUMENTS; id++)
        defined(r, scattered(id), FACTOR_1, 10);
    uint64_t refused = r->n.no_room;
    for (int32_t id = 0; id < 3000; id++) { // the replay goes on: nobody has the place of another definition
        struct dgram *g = next(r);
        define(g, scattered(9000 + id), "LATE", FACTOR_1, 10, 'A');
        send(r, g);
        ck_assert_uint_eq(r->msgs, 0);
    }
    ck_assert_uint_eq(r->n.no_room, refused + 3000);
    ck_assert_uint_eq(r->n.evicted, 0);
    for (int32_t k = 0; k < 100; k++) {
        strangers(r, 20000 + 200 * k, 200, 3);
        for (unsigned i = 0; i < CME_INSTRUMENTS; i++) // whoever went has left no hole on the way to others
            ck_assert_ptr_eq(found(r, r->c.state->inst[i].id), &r->c.state->inst[i]);
    }
    ck_assert_uint_gt(r->n.evicted, CME_INSTRUMENTS);
    struct dgram *g = next(r);
    book1(g, END, (struct entry){101, 1, -7, 3, 1, 0, '0'});
    send(r, g);
    ck_assert_uint_eq(r->msgs, 1);
    assert_quote(&r->msg[0], 101, 110);
    // Behind a restart even that one has yet to be heard.
    g = next(r);
    message(g, 12, 9, 0);
    ck_assert_int_eq(run(r, g->b, g->len, 1, true), DROP_NONE);
    strangers(r, 50000, 20000, 3);
    ck_assert_ptr_null(found(r, -7));
    rig_free(r);
}
END_TEST

static void channel_heard(struct rig *r, uint16_t stream, uint64_t ts_ns)
{
    struct dgram g;
    begin(&g, 5);
    book(&g, 46, END, &(struct entry){100, 1, stream == 2000 ? 8 : 7, 3, 1, 0, '0'}, 1);
    struct feed_packet p = {.stream = stream, .payload = g.b, .len = g.len, .seq = 5, .ts_ns = ts_ns};
    r->msgs = 0;
    cme_protocol.deliver(&r->c, &p, 0, &r->sink);
}

START_TEST(streams_give_way)
{
    struct rig *r = rig_new();
    const uint64_t second = 1000000000;
    for (uint16_t k = 0; k < CME_STREAMS; k++)
        channel_heard(r, (uint16_t)(1000 + k), (k ? 150 : 100) * second);
    channel_heard(r, 2000, 190 * second); // the oldest is silent for exactly the time
    ck_assert(r->n.no_room == 1 && r->n.evicted == 0 && cme_stats(r->c.state)->streams_lost == 1);
    for (uint16_t k = 1; k < CME_STREAMS; k++)
        channel_heard(r, (uint16_t)(1000 + k), 400 * second);
    channel_heard(r, 2000, 400 * second + 1);
    ck_assert(r->n.no_room == 1 && r->n.evicted == 1);
    // It is found again, and so are the others; the first one's instrument has gone with it.
    channel_heard(r, 2000, 401 * second);
    for (uint16_t k = 1; k < CME_STREAMS; k++)
        channel_heard(r, (uint16_t)(1000 + k), 401 * second);
    ck_assert(r->n.no_room == 1 && r->n.evicted == 1);
    unsigned used = 0;
    for (unsigned i = 0; i < CME_INSTRUMENTS; i++)
        used += r->c.state->inst[i].stream != 0;
    ck_assert_uint_eq(used, CME_STREAMS);
    rig_free(r);
}
END_TEST

#endif
