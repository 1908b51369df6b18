// SPDX-License-Identifier: Apache-2.0
// What a feed context tells of itself: each protocol's own counters under their names, and up to when receive
// queues have been read.
#include "feed/starbasetest.h"

#include "feed/cme_state.h"
#include "feed/gen_frame.h"
#include "feed/rx_mark.h"
#include "run_suite.h"

static uint64_t value(const struct feed_count *count, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(count[i].name, name) == 0)
            return count[i].value;
    ck_abort_msg("no counter %s", name);
}

START_TEST(test_every_counter_has_its_name)
{
    const struct f24_book_counts f = {
        .joined = 1, .unjoined = 2, .broken = 3, .own_gaps = 4, .no_room = 5, .unmatched = 6, .visited = 7};
    struct feed_count c[FEED_COUNTS];
    size_t n = f24_named_counts(&f, c);
    ck_assert_uint_eq(n, sizeof f / sizeof(uint64_t));
    ck_assert_uint_eq(value(c, n, "joined"), 1);
    ck_assert_uint_eq(value(c, n, "unjoined"), 2);
    ck_assert_uint_eq(value(c, n, "broken"), 3);
    ck_assert_uint_eq(value(c, n, "own_gaps"), 4);
    ck_assert_uint_eq(value(c, n, "no_room"), 5);
    ck_assert_uint_eq(value(c, n, "unmatched"), 6);
    ck_assert_uint_eq(value(c, n, "visited"), 7);

    struct protocol_state *s = cme_state_new();
    ck_assert_ptr_nonnull(s);
    s->stats = (struct cme_stats){.joins = 1,
                                  .rpt_gaps = 2,
                                  .contradictions = 3,
                                  .trades_lost = 4,
                                  .streams_lost = 5,
                                  .walked = 6,
                                  .replayed = 7,
                                  .unknown_ids = 8};
    n = cme_named_counts(&(struct protocol_ctx){.state = s}, c);
    ck_assert_uint_eq(n, sizeof s->stats / sizeof(uint64_t) - 1); // unknown ids are the feed's
    ck_assert_uint_eq(value(c, n, "joins"), 1);
    ck_assert_uint_eq(value(c, n, "rpt_gaps"), 2);
    ck_assert_uint_eq(value(c, n, "contradictions"), 3);
    ck_assert_uint_eq(value(c, n, "trades_lost"), 4);
    ck_assert_uint_eq(value(c, n, "streams_lost"), 5);
    ck_assert_uint_eq(value(c, n, "walked"), 6);
    ck_assert_uint_eq(value(c, n, "replayed"), 7);
    cme_state_free(s);
}
END_TEST

// ---- through a feed context

static void no_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    (void)ctx;
    (void)p;
    (void)m;
}
static void no_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
}

// The datagram that the rig has had, in a frame.
static void pass_on(struct feed *f)
{
    static struct gen_frame g;
    const struct frame_options o = {0};
    const struct feed_sink sink = {NULL, no_msg, no_end};
    memcpy(frame_payload(&g, &o), pk.bytes, pk.len);
    frame_finish(&g, &o, 1, 6100, pk.len);
    ck_assert_int_eq(feed_frame(f, 1000, g.buf, g.len, g.wire, &sink), DROP_NONE);
}

START_TEST(test_counters_of_a_venue_that_was_heard)
{
    struct feed *f = feed_new();
    struct feed_count c[FEED_COUNTS];
    const char *name;
    for (size_t i = 0; feed_protocol_name(f, i, NULL); i++)
        ck_assert_uint_eq(feed_counts(f, i, c), 0);
    setup();
    whole_book();
    pass_on(f);
    live();
    order(24, BOTH, 99, PERP, 0, 0); // not there
    send();
    pass_on(f);
    const struct f24_book_counts *want = starbase_counts(&rig.c);
    ck_assert(want->joined == 1 && want->unmatched == 1);
    for (size_t i = 0; (name = feed_protocol_name(f, i, NULL)); i++) {
        size_t n = feed_counts(f, i, c);
        if (strcmp(name, "starbase") != 0) {
            ck_assert_uint_eq(n, 0);
            continue;
        }
        ck_assert_uint_eq(value(c, n, "joined"), 1);
        ck_assert_uint_eq(value(c, n, "unmatched"), 1);
        ck_assert_uint_eq(value(c, n, "broken"), want->broken);
    }
    ck_assert_uint_eq(feed_counts(f, 100, c), 0);
    teardown();
    feed_free(f);
}
END_TEST

// ---- receive queues

START_TEST(test_a_queue_is_read_at_its_end)
{
    struct rx_mark m = {0};
    rx_mark_poll(&m, 10, 32, 32, 100); // 68 more may have come before 10
    rx_mark_poll(&m, 20, 32, 32, 100);
    ck_assert_uint_eq(m.until_ns, 0);
    rx_mark_poll(&m, 30, 31, 32, 100);
    ck_assert_uint_eq(m.until_ns, 30);
    rx_mark_poll(&m, 40, 0, 32, 100);
    ck_assert_uint_eq(m.until_ns, 40);
    // Never at its end: each time after as many as it holds.
    for (uint64_t t = 50; t < 80; t += 10)
        rx_mark_poll(&m, t, 32, 32, 100); // 96 since 50
    ck_assert_uint_eq(m.until_ns, 40);
    rx_mark_poll(&m, 80, 32, 32, 100);
    ck_assert_uint_eq(m.until_ns, 50);
    for (uint64_t t = 90; t < 120; t += 10)
        rx_mark_poll(&m, t, 32, 32, 100);
    ck_assert_uint_eq(m.until_ns, 50);
    rx_mark_poll(&m, 120, 32, 32, 100);
    ck_assert_uint_eq(m.until_ns, 90);
    // The end is seen amid that: what was waited for is over.
    rx_mark_poll(&m, 130, 32, 32, 100);
    rx_mark_poll(&m, 140, 1, 32, 100);
    rx_mark_poll(&m, 150, 32, 32, 64);
    ck_assert_uint_eq(m.until_ns, 140);
    rx_mark_poll(&m, 160, 32, 32, 64);
    ck_assert_uint_eq(m.until_ns, 150);
}
END_TEST

// Against a queue of plain arrival times: what is said to be read has been, and it is said soon enough.
START_TEST(test_a_queue_against_its_arrivals)
{
    enum { RING = 64, BURST = 8, FRAMES = 4000 };
    uint64_t came[FRAMES], seed = test_seed(20261120), now = 1000;
    for (unsigned round = 0; round < 50; round++) {
        struct rx_mark m = {0};
        size_t arrived = 0, taken = 0;
        uint64_t begun[2 * RING / BURST] = {0}; // the last polls
        unsigned polls = 0;
        while (taken < FRAMES) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            for (uint64_t k = seed >> 58; k-- && arrived < FRAMES && arrived - taken < RING;)
                came[arrived++] = now++;
            uint64_t begin_ns = now++;
            for (unsigned k = (unsigned)(seed >> 40 & 3); k-- && arrived < FRAMES && arrived - taken < RING;)
                came[arrived++] = now++; // between the clock and the poll
            uint32_t got = (uint32_t)(arrived - taken < BURST ? arrived - taken : BURST);
            taken += got;
            rx_mark_poll(&m, begin_ns, got, BURST, RING);
            ck_assert(taken == arrived || came[taken] >= m.until_ns);
            // At most two rings behind.
            uint64_t *oldest = &begun[polls++ % (sizeof begun / sizeof *begun)];
            ck_assert_uint_ge(m.until_ns, *oldest);
            *oldest = begin_ns;
            if (got < BURST)
                ck_assert_uint_eq(m.until_ns, begin_ns);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("feed");
    TCase *t = tcase_create("feed");
    tcase_add_test(t, test_every_counter_has_its_name);
    tcase_add_test(t, test_counters_of_a_venue_that_was_heard);
    tcase_add_test(t, test_a_queue_is_read_at_its_end);
    tcase_add_test(t, test_a_queue_against_its_arrivals);
    suite_add_tcase(s, t);
    return run_suite(s);
}
