// SPDX-License-Identifier: Apache-2.0
// CME's sources: which channel, line and feed a datagram is of, by address and by content, one datagram at a
// time as a live port hears them; and the bound of their table. Whole captures:
// tests/e2e/test_cme_captures.py.
#include "feed/cme_rig.h"

#include "feed/cme_frame.h"

struct from {
    uint32_t to_ip, from_ip;
    uint16_t port;
};
static const struct from A = {0xef010107, 0x0a000001, 30001}, B = {0xef010109, 0x0a000001, 30002},
                         C = {0xef01010b, 0x0a000001, 30003};

static struct frame_info placed(struct protocol_state *s, struct from f, const struct dgram *g)
{
    struct packet_udp u = {
        .dst_ip = f.to_ip, .src_ip = f.from_ip, .dst_port = f.port, .payload = g->b, .len = g->len};
    struct frame_info info = {0};
    ck_assert_int_eq(cme_place(s, g->b, g->len, &u, &info), DROP_NONE);
    ck_assert_uint_eq(info.seq, le32_load(g->b));
    return info;
}
// A live datagram of a channel: px tells its content from another's.
static struct frame_info live_at(struct protocol_state *s, struct from f, uint32_t seq, int64_t px,
                                 uint64_t sent)
{
    struct dgram g;
    begin(&g, seq);
    le64_store(g.b + 4, sent);
    book1(&g, END, (struct entry){px, 1, 7, seq, 1, 0, '0'});
    struct frame_info info = placed(s, f, &g);
    ck_assert(!info.snapshot && !info.unordered);
    return info;
}
static struct frame_info live(struct protocol_state *s, struct from f, uint32_t seq, int64_t px)
{
    return live_at(s, f, seq, px, 1000000 + seq);
}
static struct frame_info heartbeat(struct protocol_state *s, struct from f, uint32_t seq)
{
    struct dgram g;
    begin(&g, seq);
    message(&g, 12, 9, 0);
    return placed(s, f, &g);
}

START_TEST(lines_by_content)
{
    struct protocol_state *s = cme_state_new();
    // B is behind A, then before it: the first common datagram shows it.
    ck_assert_uint_eq(live(s, A, 100, 1).stream, 30001);
    ck_assert_uint_eq(live(s, B, 99, 2).stream, 30002);
    struct frame_info b = live(s, B, 100, 1);
    ck_assert(b.stream == 30001 && b.line == 1);
    ck_assert(live(s, B, 101, 3).line == 1 && live(s, A, 101, 3).line == 0);
    // What has agreed is not parted by a restart that one line tells later than the other.
    for (uint32_t seq = 200; seq < 210; seq++) {
        ck_assert_uint_eq(live_at(s, A, seq, 1, 1).stream, 30001);
        ck_assert_uint_eq(live_at(s, B, seq, 2, 2).stream, 30001);
    }
    // Another channel with the same numbers stays one.
    for (uint32_t seq = 100; seq < 500; seq++) {
        ck_assert_uint_eq(live(s, C, seq, 1000 + seq).stream, 30003);
        ck_assert_uint_eq(live(s, A, seq, seq).stream, 30001);
    }
    cme_state_free(s);
}
END_TEST

START_TEST(one_port)
{
    struct protocol_state *s = cme_state_new();
    struct from p = A, q = B, r = A;
    p.port = q.port = r.port = 14326;
    r.from_ip++;
    ck_assert_uint_eq(live(s, p, 100, 1).stream, 326);
    // Another group on its port is another channel until they agree; another sender to its group is a line of
    // it until they contradict each other, three times.
    ck_assert_uint_ge(live(s, q, 200, 2).stream, CME_KEY_FIRST);
    ck_assert_uint_eq(live(s, q, 100, 1).stream, 326);
    struct frame_info other = live(s, r, 100, 1);
    ck_assert_uint_eq(other.stream, 326);
    cme_state_free(s);
    s = cme_state_new();
    const struct cme_stream *st = cme_stream_get(s, 326);
    uint32_t epoch = st->epoch;
    for (uint32_t seq = 100; seq < 110; seq++) {
        struct frame_info first = live(s, p, seq, 1);
        struct dgram g;
        begin(&g, seq);
        le64_store(g.b + 4, 5);
        book1(&g, END, (struct entry){9, 1, 7, seq, 1, 0, '0'});
        other = placed(s, r, &g);
        ck_assert_uint_eq(first.stream, 326);
        ck_assert_int_eq(other.stream == 326, seq < 100 + CME_CONFLICTS - 1);
    }
    ck_assert_uint_eq(st->epoch, epoch + 1); // its books may hold what was the other's
    cme_state_free(s);
}
END_TEST

// Who is only taken for a line of a channel goes to where it belongs, whoever was heard first.
START_TEST(taken_for_another)
{
    struct protocol_state *s = cme_state_new();
    struct from p = A, d = A, c = A;
    d.from_ip++;
    c.from_ip += 2;
    (void)live_at(s, p, 80, 1, 1);
    ck_assert_uint_eq(live_at(s, d, 90, 5, 7).stream, 30001);
    uint16_t own = 30001;
    for (uint32_t seq = 100; seq < 105; seq++) {
        ck_assert_uint_eq(live_at(s, p, seq, 1, 1).stream, 30001);
        own = live_at(s, c, seq, 9, 2).stream;
    }
    ck_assert_uint_ge(own, CME_KEY_FIRST);
    ck_assert_uint_eq(live_at(s, d, 104, 9, 2).stream, own);
    ck_assert_uint_eq(live_at(s, c, 105, 9, 2).stream, own);
    ck_assert_uint_eq(live_at(s, p, 105, 1, 1).stream, 30001);
    cme_state_free(s);
}
END_TEST

START_TEST(far_numbers)
{
    struct from b = {0xe0002001, 9, 15310}, a = {0xe0001f01, 9, 14310};
    struct protocol_state *s = cme_state_new();
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(live(s, a, 100 + i, 1).stream, 310);
        ck_assert_int_eq(live(s, b, 101 + i + 65537, 1).stream == 310, i < CME_CONFLICTS);
    }
    cme_state_free(s);
    s = cme_state_new();
    for (uint32_t i = 0; i < 5; i++) { // as far as lines may be
        ck_assert_uint_eq(live(s, a, 100 + i, 1).stream, 310);
        ck_assert_uint_eq(live(s, b, 101 + i + 65536, 1).stream, 310);
    }
    cme_state_free(s);
    s = cme_state_new();
    struct from other = A; // takes over from A, which is silent from then on
    other.from_ip++;
    (void)live(s, A, 100, 1);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(live(s, other, 101 + i * (65536 + 7), 1).stream, 30001);
    cme_state_free(s);
}
END_TEST

START_TEST(heartbeats)
{
    struct protocol_state *s = cme_state_new();
    struct dgram g;
    // Of nobody knows what: not taken for the live feed's, whatever the port.
    struct from q = {0xef010101, 1, 14326};
    struct frame_info f = heartbeat(s, q, 5);
    ck_assert(f.snapshot && f.unordered && f.stream == 326);
    // Of a source of snapshots, of a source of live datagrams, and of one that sends both.
    snapshot(&g, 7, 1, 1, 1, 2);
    ck_assert(placed(s, q, &g).snapshot && heartbeat(s, q, 6).snapshot);
    ck_assert(!live(s, A, 10, 1).snapshot && !heartbeat(s, A, 11).snapshot && !heartbeat(s, A, 99).snapshot);
    ck_assert(!live(s, B, 50, 1).snapshot && placed(s, B, &g).snapshot);
    ck_assert(heartbeat(s, B, 3).snapshot && !heartbeat(s, B, 51).snapshot && !heartbeat(s, B, 52).snapshot);
    // CME's own groups tell.
    ck_assert(!heartbeat(s, (struct from){0xe0001f01, 1, 14310}, 5).snapshot);
    f = heartbeat(s, (struct from){0xe0002016, 1, 15310}, 5);
    ck_assert(f.snapshot && f.stream == 310 && f.line == 1);
    cme_state_free(s);
}
END_TEST

// A merge lets go of what the channel that is no more had kept.
START_TEST(merged_state)
{
    struct rig *r = rig_new();
    struct protocol_state *s = r->c.state;
    (void)live(s, A, 100, 1);
    (void)live(s, B, 99, 2);
    struct cme_stream *gone = cme_stream_get(s, 30002), *kept = cme_stream_get(s, 30001);
    (void)cme_get(s, gone, 7, CME_BY_UPDATE);
    (void)cme_get(s, kept, 7, CME_BY_UPDATE);
    (void)live(s, B, 100, 1);
    ck_assert(!cme_find(s, gone, 7) && cme_find(s, kept, 7));
    rig_free(r);
}
END_TEST

START_TEST(table_is_full)
{
    struct protocol_state *s = cme_state_new();
    struct from f = {0xef010101, 1, 40000};
    (void)live(s, A, 100, 1);
    (void)live(s, B, 100, 1);
    for (unsigned i = 0; i < 5000; i++) {
        f.from_ip = i + 2;
        f.port = (uint16_t)(40000 + i % 7000);
        struct frame_info info = heartbeat(s, f, i);
        ck_assert_uint_eq(info.stream, f.port);
        // Who goes on sending is not forgotten.
        struct frame_info b = live(s, B, 200 + i, 1), a = live(s, A, 200 + i, 1);
        ck_assert(a.stream == 30001 && b.stream == 30001 && a.line == 0 && b.line == 1);
    }
    ck_assert_uint_gt(s->sources.room.evicted, 3000);
    ck_assert_uint_eq(s->sources.used, CME_SOURCES);
    // Nobody gives way who was just heard.
    for (unsigned i = 0; i < CME_SOURCES; i++)
        s->sources.source[i].recent = true;
    uint64_t evicted = s->sources.room.evicted, refused = s->sources.room.refused;
    f.from_ip = 99999;
    ck_assert_uint_eq(live(s, f, 1, 1).stream, f.port);
    ck_assert(s->sources.room.evicted == evicted && s->sources.room.refused == refused + 1);
    cme_state_free(s);
}
END_TEST

// Recovery feeds on ports that say nothing: their instruments tell whose they are, whichever comes first.
static void deliver(struct rig *r, struct from f, const struct dgram *g)
{
    struct frame_info info = placed(r->c.state, f, g);
    struct feed_packet p = {.stream = info.stream,
                            .channel = info.channel,
                            .snapshot = info.snapshot,
                            .seq = info.seq,
                            .count = 1,
                            .payload = g->b,
                            .len = g->len};
    r->msgs = 0;
    cme_protocol.deliver(&r->c, &p, 0, &r->sink);
}
static void replayed(struct rig *r, struct from f, int32_t id)
{
    struct dgram g;
    begin(&g, 1);
    define(&g, id, "BTCZ6", FACTOR_1, 10, 'A');
    le32_store(g.b + 12 + 10 + 1, 5); // TotNumReports
    deliver(r, f, &g);
    ck_assert_uint_eq(r->msgs, 1);
}
static void updated(struct rig *r, struct from f, uint32_t seq, int32_t id, uint32_t rpt)
{
    struct dgram g;
    struct entry e[] = {{100, 3, id, rpt, 1, 0, '0'}, {110, 4, id, rpt + 1, 1, 0, '1'}};
    begin(&g, seq);
    book(&g, 46, END, e, 2);
    deliver(r, f, &g);
}

START_TEST(recovery_on_unknown_ports)
{
    for (unsigned first = 0; first < 2; first++) {
        struct rig *r = rig_new();
        struct dgram g;
        // C is another channel, with instruments of its own.
        updated(r, C, 5, 77, 1);
        if (first) {
            replayed(r, B, 7);
            replayed(r, B, 8);
        }
        updated(r, A, 100, 7, 1);
        ck_assert_uint_eq(r->msgs, first);
        for (unsigned i = 0; !first && i < CME_STREAMS / 8; i++) { // the search goes round
            replayed(r, B, 7);
            replayed(r, B, 8);
        }
        begin(&g, 101);
        book1(&g, END, (struct entry){101, 3, 7, 3, 1, 5, '0'});
        deliver(r, A, &g);
        ck_assert_uint_eq(r->msgs, 1);
        assert_quote(&r->msg[0], 101, 110);
        updated(r, A, 102, 8, 1);
        ck_assert_uint_eq(r->msgs, 1);
        assert_quote(&r->msg[0], 100, 110);
        ck_assert_uint_eq(r->n.unknown_ids, 1 + !first);
        // Its snapshots are A's, too: they join with what A has missed.
        begin(&g, 105);
        message(&g, 12, 9, 0);
        struct feed_packet p = {.stream = 30001,
                                .channel = 30001,
                                .seq = 105,
                                .count = 1,
                                .gap = 3,
                                .payload = g.b,
                                .len = g.len};
        cme_protocol.deliver(&r->c, &p, 0, &r->sink);
        snapshot(&g, 7, 105, 9, 90, 120);
        deliver(r, B, &g);
        updated(r, A, 106, 8, 3);
        ck_assert_uint_eq(r->msgs, 2);
        assert_quote(&r->msg[0], 90, 120);
        rig_free(r);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        lines_by_content, one_port,     taken_for_another, far_numbers,
        heartbeats,       merged_state, table_is_full,     recovery_on_unknown_ports};
    Suite *suite = suite_create("cme_source");
    TCase *t = tcase_create("cme_source");
    for (unsigned i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
