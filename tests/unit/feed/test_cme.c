// SPDX-License-Identifier: Apache-2.0
// CME MDP 3.0: framing, events, books, recovery. Bytes are laid down here by hand, from the XML's offsets; a
// venue that knows its own books is the judge of every price that comes out. SEED picks the random runs.
#include "base/test_seed.h"
#include "feed/cme_rig.h"

#include "feed/cme_bounds.h"
#include "feed/cme_many.h"
#include "feed/cme_venue.h"

// ---- framing

static void rich(struct dgram *g)
{
    begin(g, 5);
    struct entry e[] = {{100, 3, 7, 1, 1, 0, '0'}, {110, 4, 7, 2, 1, 0, '1'}};
    book(g, 46, 0, e, 2);
    summary(g, 0, e[0]);
    define(g, 7, "BTC Z6", FACTOR_1, 10, 'A');
    status(g, "BTC", INT32_MAX, 17, 0);
    message(g, 12, 9, 0);
    message(g, 99, 14, 5);
    book(g, 32, END, e, 1);
}

START_TEST(recognises)
{
    struct dgram g;
    rich(&g);
    ck_assert(cme_protocol.probe(g.b, g.len));
    ck_assert(!cme_protocol.probe(g.b, 21));
    static const struct {
        unsigned at, value;
    } bad[] = {{12, 9},    {12, 20}, {12, 65535}, {14, 10}, {14, 300}, {16, 3},
               {16, 1000}, {18, 0},  {18, 2},     {20, 0},  {20, 64}};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dgram h = g;
        le16_store(h.b + bad[i].at, (uint16_t)bad[i].value);
        ck_assert_msg(!cme_protocol.probe(h.b, h.len), "field %u", bad[i].at);
    }
    struct prng rng;
    prng_seed(&rng, 7);
    for (unsigned i = 0; i < test_rounds(300000); i++) {
        uint8_t b[64];
        for (unsigned k = 0; k < 8; k++)
            le64_store(b + 8 * k, prng_u64(&rng));
        ck_assert(!cme_protocol.probe(b, sizeof b));
    }
}
END_TEST

START_TEST(truncated)
{
    struct dgram g;
    rich(&g);
    struct rig *r = rig_new();
    for (size_t len = 0; len < g.len; len++) {
        // Whole messages are a whole datagram.
        bool boundary = false;
        for (size_t at = 12; at < g.len; at += le16_load(g.b + at))
            boundary |= at == len && at > 12;
        ck_assert_int_eq(run(r, g.b, len, 0, false) == DROP_NONE, boundary);
    }
    ck_assert_int_eq(run(r, g.b, g.len, 0, false), DROP_NONE);
    rig_free(r);
}
END_TEST

// A message that claims to be shorter than its groups, alone in its datagram.
START_TEST(short_messages)
{
    struct dgram g;
    struct rig *r = rig_new();
    struct entry e[] = {{100, 3, 7, 1, 1, 0, '0'}, {110, 4, 7, 2, 1, 0, '1'}};
    begin(&g, 5);
    book(&g, 46, END, e, 2);
    size_t full = g.len - 12, entries = 10 + 11 + 3 + 64;
    for (size_t size = 0; size < full; size++) {
        struct dgram h = g;
        le16_store(h.b + 12, (uint16_t)size);
        // Older versions end behind the entries.
        ck_assert_int_eq(run(r, h.b, 12 + size, 0, false) == DROP_NONE, size == entries);
    }
    for (unsigned count = 0; count < 256; count++)
        for (unsigned block = 0; block < 200; block++) {
            struct dgram h = g;
            h.b[12 + 10 + 11] = (uint8_t)block;
            h.b[12 + 10 + 11 + 2] = (uint8_t)count;
            size_t used = 10 + 11 + 3 + (size_t)count * block;
            if (used > full)
                ck_assert_int_eq(run(r, h.b, h.len, 0, false), DROP_BAD_MESSAGE);
            else
                (void)run(r, h.b, h.len, 0, false);
        }
    rig_free(r);
}
END_TEST

START_TEST(mutated)
{
    struct dgram g;
    rich(&g);
    struct rig *r = rig_new();
    for (size_t at = 0; at < g.len; at++)
        for (unsigned v = (unsigned)at % test_stride(5); v < 256; v += (at < 100 ? 1 : 5) * test_stride(5)) {
            struct dgram h = g;
            h.b[at] = (uint8_t)v;
            (void)run(r, h.b, h.len, v == 3, v == 4);
        }
    rig_free(r);
}
END_TEST

START_TEST(addresses)
{
    static const struct {
        uint32_t ip;
        uint16_t port, channel, stream;
        uint8_t line;
        bool snapshot;
    } heartbeats[] = {
        {0xe0001f0b, 14320, 320, 320, 0, false},     {0xe000200b, 15320, 320, 320, 1, false},
        {0xe0001f20, 14320, 320, 320, 0, true},      {0xe0002035, 15320, 10320, 320, 1, true},
        {0xe9484b0b, 23320, 20320, 320, 0, true},    {0xe9484b4a, 22320, 20320, 320, 1, true},
        {0xe0001f20, 14326, 326, 326, 0, false},     {0xef010101, 30001, 30001, 30001, 0, false},
        {0xe0002001, 40000, 40000, 40000, 1, false}, {0xe0001f01, 14999, 999, 999, 0, false},
    };
    struct frame_info f;
    struct dgram g;
    begin(&g, 4000000000u);
    message(&g, 12, 9, 0);
    for (unsigned i = 0; i < sizeof heartbeats / sizeof heartbeats[0]; i++) {
        ck_assert_int_eq(frame_of(g.b, g.len, heartbeats[i].ip, heartbeats[i].port, &f), DROP_NONE);
        ck_assert_uint_eq(f.channel, heartbeats[i].channel);
        ck_assert_uint_eq(f.stream, heartbeats[i].stream);
        ck_assert_uint_eq(f.line, heartbeats[i].line);
        ck_assert_uint_eq(f.snapshot, heartbeats[i].snapshot);
        // It has a number of its own, as in the capture.
        ck_assert(!f.heartbeat && f.count == 1 && f.seq == 4000000000u && f.seq_bits == 32 && f.addressed);
    }
    begin(&g, 1);
    define(&g, 7, "X", 1, 1, 'A');
    le32_store(g.b + 12 + 10 + 1, 5); // TotNumReports: the replay
    ck_assert_int_eq(frame_of(g.b, g.len, 0xe0001f01, PORT, &f), DROP_NONE);
    ck_assert(!f.snapshot); // the group is the live feed's
    ck_assert_int_eq(frame_of(g.b, g.len, 0xe0001f64, PORT, &f), DROP_NONE);
    ck_assert(f.snapshot && f.unordered && f.channel == 10310 && f.stream == 310);
    begin(&g, 1);
    uint8_t *root = message(&g, 4, 9, 9);
    root[8] = END;
    group(&g, 2, 1);
    ck_assert_int_eq(frame_of(g.b, g.len, 0xe0001f01, PORT, &f), DROP_NONE);
    ck_assert(f.reset && !f.snapshot && f.exchange_ns == 1000001);
}
END_TEST

// ---- events

START_TEST(event_holds)
{
    struct rig *r = rig_new();
    defined(r, 7, FACTOR_1, 10);
    started(r, 7, 100, 110);
    ck_assert_uint_eq(r->msgs, 1);
    assert_quote(&r->msg[0], 100, 110);
    ck_assert_int_eq(r->msg[0].bid.exp10, -9);
    ck_assert_int_eq(r->msg[0].bid_amount.v.m, 3);
    ck_assert_uint_eq(r->msg[0].ts_ns, 777);
    // Over three datagrams: a book, a trade and a status, then a message without entries ends it.
    struct dgram *g = next(r);
    book1(g, 4, (struct entry){101, 1, 7, 3, 1, 0, '0'});
    send(r, g);
    ck_assert_uint_eq(r->msgs, 0);
    g = next(r);
    summary(g, 1, (struct entry){105, 2, 7, 4, 0, 0, 0});
    status(g, "BTC", INT32_MAX, 2, 0);
    send(r, g);
    ck_assert_uint_eq(r->msgs, 0);
    g = next(r);
    book(g, 46, END, NULL, 0);
    send(r, g);
    ck_assert_uint_eq(r->msgs, 3);
    ck_assert_uint_eq(r->msg[0].kind, FEED_TRADE);
    ck_assert(r->msg[0].has == (HAS_LAST | HAS_AMOUNT) && r->msg[0].last.v.m == 105 &&
              r->msg[0].amount.v.m == 2);
    ck_assert_uint_eq(r->msg[0].template_id, 48);
    ck_assert_uint_eq(r->msg[1].kind, FEED_STATUS);
    ck_assert_uint_eq(r->msg[1].state, INSTRUMENT_NOT_OPEN);
    assert_quote(&r->msg[2], 101, 110);
    ck_assert(r->msg[2].has & HAS_STATE && r->msg[2].state == INSTRUMENT_NOT_OPEN);
    rig_free(r);
}
END_TEST

START_TEST(trades_only_new)
{
    struct rig *r = rig_new();
    defined(r, 7, FACTOR_1, 10);
    for (uint8_t action = 0; action < 6; action++) {
        struct dgram *g = next(r);
        summary(g, END, (struct entry){-5, 2, 7, action + 1u, 0, action, 0});
        send(r, g);
        unsigned trades = 0;
        for (unsigned i = 0; i < r->msgs; i++)
            trades += r->msg[i].kind == FEED_TRADE;
        ck_assert_uint_eq(trades, action == 0);
    }
    struct dgram *g = next(r);
    summary(g, END, (struct entry){INT64_MAX, 2, 7, 7, 0, 0, 0});
    send(r, g);
    ck_assert_uint_eq(r->msgs, 0);
    rig_free(r);
}
END_TEST

START_TEST(definitions)
{
    struct rig *r = rig_new();
    // 0.01: the exponent moves. 0.25: the mantissa is multiplied. A price that does not fit is none.
    defined(r, 7, 10000000, 10);
    ck_assert_str_eq(r->msg[0].name, "BTCZ6");
    ck_assert(r->msg[0].kind == FEED_INSTRUMENT && r->msg[0].instrument_id == 7 &&
              r->msg[0].state == INSTRUMENT_OPEN);
    ck_assert(r->msg[0].tick.v.m == 5000000000 && r->msg[0].tick.exp10 == -11 &&
              r->msg[0].contract_size.exp10 == -9);
    started(r, 7, -100, 110);
    ck_assert(r->msg[0].bid.v.m == -100 && r->msg[0].bid.exp10 == -11);
    defined(r, 8, 250000000, 10);
    started(r, 8, 100, 110);
    ck_assert(r->msg[0].bid.v.m == 2500 && r->msg[0].bid.exp10 == -11);
    struct dgram *g = next(r);
    book1(g, END, (struct entry){INT64_MAX / 2, 1, 8, 3, 1, 0, '0'});
    send(r, g);
    assert_quote(&r->msg[0], 0, 0);
    // Not defined: counted, not published; a factor that is none defines nothing.
    uint64_t unknown = r->n.unknown_ids;
    started(r, 9, 100, 110);
    ck_assert_uint_eq(r->msgs, 0);
    ck_assert_uint_gt(r->n.unknown_ids, unknown);
    for (unsigned i = 0; i < 3; i++) {
        g = next(r);
        define(g, 9, "X", (const int64_t[]){0, -1, INT64_MAX}[i], 10, 'A');
        send(r, g);
        ck_assert_uint_eq(r->msgs, 0);
    }
    g = next(r);
    define(g, 9, ",", FACTOR_1, 10, 'A');
    send(r, g);
    ck_assert_uint_eq(r->n.bad_layouts, 4);
    // Deleted: no longer open, and nothing after.
    g = next(r);
    define(g, 7, "BTCZ6", FACTOR_1, 10, 'D');
    send(r, g);
    ck_assert(r->msgs == 1 && r->msg[0].kind == FEED_STATUS && r->msg[0].state == INSTRUMENT_NOT_OPEN);
    g = next(r);
    book1(g, END, (struct entry){101, 1, 7, 3, 1, 0, '0'});
    send(r, g);
    ck_assert_uint_eq(r->msgs, 0);
    rig_free(r);
}
END_TEST

START_TEST(statuses)
{
    struct rig *r = rig_new();
    defined(r, 7, FACTOR_1, 10);
    for (unsigned code = 0; code < 256; code++) {
        struct dgram *g = next(r);
        status(g, "", 7, (uint8_t)code, END);
        send(r, g);
        if (code == 103 || code == 255) {
            ck_assert_uint_eq(r->msgs, 0);
            continue;
        }
        ck_assert_uint_eq(r->msgs, 1);
        ck_assert_uint_eq(r->msg[0].state, code == 17 ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN);
    }
    struct dgram *g = next(r);
    status(g, "ETH", INT32_MAX, 17, END);
    send(r, g);
    ck_assert_uint_eq(r->msgs, 0);
    g = next(r);
    status(g, "BTC", INT32_MAX, 17, END);
    send(r, g);
    ck_assert(r->msgs == 1 && r->msg[0].instrument_id == 7 && r->msg[0].state == INSTRUMENT_OPEN);
    // Whatever has no definition may be of any group: it stops, but does not go on.
    started(r, 8, 100, 110);
    g = next(r);
    status(g, "ETH", INT32_MAX, 21, END);
    send(r, g);
    g = next(r);
    status(g, "ETH", INT32_MAX, 17, END);
    send(r, g);
    g = next(r);
    define(g, 8, "ETHZ6", FACTOR_1, 10, 'A')[14] = 255;
    send(r, g);
    ck_assert(r->msgs == 1 && r->msg[0].state == INSTRUMENT_NOT_OPEN);
    g = next(r);
    define(g, 8, "ETHZ6", FACTOR_1, 10, 'M');
    send(r, g);
    ck_assert(r->msgs == 1 && r->msg[0].state == INSTRUMENT_OPEN);
    rig_free(r);
}
END_TEST

// ---- recovery

START_TEST(rpt_gap_and_refresh)
{
    struct rig *r = rig_new();
    defined(r, 7, FACTOR_1, 10);
    started(r, 7, 100, 110);
    // A number is missing: what was published is withdrawn, and the level that was named is known, but the
    // other not.
    struct dgram *g = next(r);
    book1(g, END, (struct entry){99, 1, 7, 5, 1, 5, '0'});
    send(r, g);
    ck_assert_uint_eq(r->msgs, 1);
    assert_quote(&r->msg[0], 0, 0);
    g = next(r);
    book1(g, END, (struct entry){111, 1, 7, 6, 1, 1, '1'});
    send(r, g);
    assert_quote(&r->msg[0], 99, 111);
    // A loss that the instrument did not suffer: the next number goes on.
    beat(r, 3);
    g = next(r);
    book1(g, END, (struct entry){100, 1, 7, 7, 1, 0, '0'});
    send(r, g);
    assert_quote(&r->msg[0], 100, 111);
    // A Delete of a price that does not stand there shows the book to be wrong.
    g = next(r);
    book1(g, END, (struct entry){98, 1, 7, 8, 1, 2, '0'});
    send(r, g);
    assert_quote(&r->msg[0], 0, 0);
    ck_assert_uint_eq(cme_stats(r->c.state)->contradictions, 1);
    rig_free(r);
}
END_TEST

START_TEST(snapshot_join)
{
    struct rig *r = rig_new();
    struct dgram g, *l;
    defined(r, 7, FACTOR_1, 10);
    started(r, 7, 100, 110);
    beat(r, 5); // lost: rpt 3..10
    uint32_t since = r->next - 1;
    l = next(r);
    book1(l, END, (struct entry){90, 1, 7, 11, 2, 0, '0'});
    send(r, l);
    assert_quote(&r->msg[0], 0, 0);
    // From before the loss ended; then from behind it, one update old: kept updates are applied on top.
    snapshot(&g, 7, since - 2, 20, 80, 120);
    send(r, &g);
    beat(r, 0);
    ck_assert_uint_eq(r->msgs, 0);
    snapshot(&g, 7, since, 9, 99, 109);
    send(r, &g);
    beat(r, 0);
    ck_assert_uint_eq(r->msgs, 0);
    l = next(r);
    book1(l, END, (struct entry){89, 1, 7, 12, 2, 1, '1'}); // named after the snapshot, before it arrives
    l->b[12 + 10 + 11 + 3 + 24] = 3;
    l->b[12 + 10 + 11 + 3 + 25] = 4; // DeleteFrom 3
    send(r, l);
    snapshot(&g, 7, since, 10, 99, 109);
    send(r, &g);
    ck_assert_uint_eq(r->msgs, 0); // goes out in the live stream's order
    beat(r, 0);
    ck_assert_uint_eq(r->msgs, 1);
    assert_quote(&r->msg[0], 99, 109);
    l = next(r);
    book1(l, END, (struct entry){99, 9, 7, 13, 1, 2, '0'});
    send(r, l);
    assert_quote(&r->msg[0], 90, 109); // the level that had been kept
    // Not whole any more, then a snapshot that has the first of two kept updates.
    l = next(r);
    struct entry k[] = {{90, 8, 7, 15, 1, 5, '0'}, {91, 8, 7, 16, 1, 0, '0'}};
    book(l, 46, END, k, 2);
    send(r, l);
    assert_quote(&r->msg[0], 0, 0);
    snapshot(&g, 7, r->next - 1, 15, 90, 109);
    send(r, &g);
    beat(r, 0);
    assert_quote(&r->msg[0], 91, 109);
    // Ahead of the live line: what it includes is passed over.
    beat(r, 1);
    snapshot(&g, 7, r->next + 1, 18, 70, 130);
    send(r, &g);
    l = next(r);
    struct entry e[] = {{60, 1, 7, 17, 1, 1, '0'}, {61, 1, 7, 18, 1, 1, '0'}};
    book(l, 46, END, e, 2);
    send(r, l);
    assert_quote(&r->msg[0], 70, 130);
    l = next(r);
    book1(l, END, (struct entry){71, 1, 7, 19, 1, 0, '0'});
    send(r, l);
    assert_quote(&r->msg[0], 71, 130);
    ck_assert_uint_eq(cme_stats(r->c.state)->joins, 3);
    rig_free(r);
}
END_TEST

// Last week's snapshot on a slow line, behind the week's restart: taken, the book would stand still, whole,
// until the numbers of last week came again.
START_TEST(snapshot_of_last_week)
{
    struct rig *r = rig_new();
    struct dgram g, *l;
    r->next = 5000000;
    defined(r, 7, FACTOR_1, 10);
    started(r, 7, 100, 110);
    r->next = 3;
    l = next(r);
    message(l, 12, 9, 0);
    ck_assert_int_eq(run(r, l->b, l->len, 2, true), DROP_NONE);
    snapshot(&g, 7, 5000001, 2000, 99, 109);
    send(r, &g);
    beat(r, 0);
    ck_assert_uint_eq(r->msgs, 0);
    started(r, 7, 50, 60);
    assert_quote(&r->msg[0], 50, 60);
    rig_free(r);
}
END_TEST

START_TEST(resets)
{
    struct rig *r = rig_new();
    defined(r, 7, FACTOR_1, 10);
    started(r, 7, 100, 110);
    struct dgram *g = next(r);
    book1(g, END, (struct entry){INT64_MAX, 0, 7, 3, 1, 0, 'J'});
    send(r, g);
    assert_quote(&r->msg[0], 0, 0);
    g = next(r);
    book1(g, END, (struct entry){101, 1, 7, 4, 1, 0, '0'});
    send(r, g);
    assert_quote(&r->msg[0], 101, 0); // an empty side is known to be empty
    g = next(r);
    uint8_t *root = message(g, 4, 9, 9);
    root[8] = END;
    group(g, 2, 1);
    ck_assert_int_eq(run(r, g->b, g->len, 0, true), DROP_NONE);
    assert_quote(&r->msg[0], 0, 0);
    started(r, 7, 50, 60);
    assert_quote(&r->msg[0], 50, 60);
    // Once more, without a word from the arbiter; its numbers begin at 1 all the same.
    g = next(r);
    root = message(g, 4, 9, 9);
    root[8] = END;
    group(g, 2, 1);
    send(r, g);
    uint64_t holes = cme_stats(r->c.state)->rpt_gaps;
    started(r, 7, 51, 61);
    assert_quote(&r->msg[0], 51, 61);
    ck_assert_uint_eq(cme_stats(r->c.state)->rpt_gaps, holes);
    // A 1 while the numbers go on is no beginning.
    g = next(r);
    book1(g, END, (struct entry){55, 1, 7, 1, 1, 0, '0'});
    send(r, g);
    assert_quote(&r->msg[0], 0, 0);
    g = next(r);
    root = message(g, 4, 9, 9);
    root[8] = END;
    group(g, 2, 1);
    send(r, g);
    started(r, 7, 50, 60);
    // The week's restart says nothing but begins at 1.
    r->next = 1;
    g = next(r);
    book1(g, END, (struct entry){70, 1, 7, 3, 1, 0, '0'}); // would follow the old numbers by chance
    ck_assert_int_eq(run(r, g->b, g->len, 0, true), DROP_NONE);
    assert_quote(&r->msg[0], 0, 0);
    rig_free(r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {recognises,      truncated,
                                  short_messages,  mutated,
                                  addresses,       event_holds,
                                  trades_only_new, definitions,
                                  statuses,        rpt_gap_and_refresh,
                                  snapshot_join,   snapshot_of_last_week,
                                  resets,          bounds,
                                  snapshot_ahead,  instruments_give_way,
                                  defined_stay,    streams_give_way,
                                  many_resets,     many_statuses,
                                  many_random,     many_at_once,
                                  many_snapshots,  random_venue};
    Suite *s = suite_create("cme");
    TCase *t = tcase_create("cme");
    tcase_set_timeout(t, 120);
    for (unsigned i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
