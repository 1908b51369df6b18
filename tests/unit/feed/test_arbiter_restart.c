// SPDX-License-Identifier: Apache-2.0
// A sequence that begins anew: by the venue's word, by a run of datagrams, on one line or both; what is new
// comes out once and in order, what is old is not taken for it.
#include "base/prng.h"
#include "base/test_seed.h"
#include "feed/arbitertest.h"

// Every datagram is counted once.
static void check_sums(void)
{
    struct arbiter_stream s = stream_at(0);
    uint64_t dropped = 0, kept = 0;
    for (unsigned l = 0; l < ARBITER_LINES; l++) {
        const struct line_counters *n = &s.line[l];
        dropped += n->copies + n->late;
        kept += n->packets - n->first - n->copies - n->late - n->heartbeats;
    }
    ck_assert_uint_eq(dropped, counted.duplicates);
    ck_assert_uint_eq(kept, s.kept);
}

START_TEST(test_restart_with_newer_times)
{
    fresh();
    TAKE(0, 900000, 1, 1000, "900000");
    TAKE(0, 1, 1, 1001, "");
    TAKE(0, 2, 1, 1002, "");
    ck_assert_uint_eq(stream_at(0).kept, 2);
    ck_assert_uint_eq(stream_at(0).line[0].copies + counted.duplicates, 0); // that is not decided yet
    TAKE(0, 3, 1, 1003, "R1 2 3");
    ck_assert_uint_eq(stream_at(0).kept, 0);
    TAKE(0, 4, 1, 1003, "4");
    TAKE(0, 900001, 1, 1004, "");
    LATER(HOLD, "g899996:900001");
    ck_assert_uint_eq(counted.restarts, 1);
    ck_assert_uint_eq(stream_at(0).line[0].first, 6);
    ck_assert_uint_eq(stream_at(0).line[0].lost, 899996); // counted in the new sequence
    check_sums();
}
END_TEST

START_TEST(test_restart_on_two_lines)
{
    fresh();
    TAKE(0, 900000, 1, 1000, "900000");
    TAKE(1, 900000, 1, 1000, "");
    for (unsigned i = 1; i <= 3; i++) {
        TAKE(0, i, 1, 1000 + i, i == 3 ? "R1 2 3" : "");
        TAKE(1, i, 1, 1000 + i, "");
    }
    TAKE(1, 900001, 1, 1000, ""); // the old sequence on the slower line: no gap of 899,997
    TAKE(0, 4, 1, 1004, "4");
    TAKE(1, 4, 1, 1004, "");
    LATER(HOLD, "");
    ck_assert_uint_eq(stream_at(0).line[0].first, 5);
    ck_assert_uint_eq(stream_at(0).line[1].copies, 5);
    ck_assert_uint_eq(stream_at(0).line[1].late, 1);
    ck_assert_uint_eq(counted.missing + counted.gaps, 0);
    check_sums();
}
END_TEST

START_TEST(test_restart_within_one_tick_of_the_clock)
{
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    for (uint32_t s = 1; s <= 6; s++)
        TAKE(0, s, 1, 1000, ""); // nothing says that these are not old
    TAKE(0, 7, 1, 1001, "Rg6:7");
    fresh();
    TAKE(0, 500, 3, 1000, "500x3"); // numbers, where messages are numbered
    TAKE(0, 1, 3, 1001, "");
    TAKE(0, 4, 4, 1001, "");
    TAKE(0, 8, 2, 1001, "R1x3 4x4 8x2");
}
END_TEST

START_TEST(test_lagging_copy_is_no_restart)
{
    // A second line that repeats everything 1000 packets later, also while the first one is silent.
    for (unsigned line = 0; line <= 1; line++) {
        fresh();
        for (uint32_t s = 1; s <= 2000; s++) {
            struct frame_info a = info(0, s, 1, 5000 + s), b = info(line, s - 1000, 1, 4000 + s);
            take_info(&a, 16);
            ck_assert_str_ne(out_text, "");
            if (s > 1000)
                take_info(&b, 16);
        }
        for (uint32_t s = 1001; s <= 2000; s++)
            TAKE(line, s, 1, 5000 + s, "");
        TAKE(0, 2001, 1, 7001, "2001");
        ck_assert_uint_eq(counted.duplicates, 2000);
        ck_assert_uint_eq(stream_at(0).line[1].lost + stream_at(0).lost, 0);
    }
}
END_TEST

START_TEST(test_broken_run_is_no_restart)
{
    fresh();
    TAKE(0, 900, 1, 1000, "900");
    for (uint32_t k = 0; k < 100; k++)
        TAKE(0, 1 + 3 * k, 1, 1001, ""); // scattered numbers are damage
    TAKE(0, 700, 1, 1001, "");
    TAKE(0, 701, 1, 1001, "");
    TAKE(0, 901, 1, 1001, "901"); // the real sequence goes on: the run is over
    TAKE(0, 702, 1, 1002, "");
    TAKE(0, 703, 1, 1002, "");
    TAKE(0, 902, 1, 1002, "902");
}
END_TEST

START_TEST(test_one_wrong_number_does_not_kill_the_stream)
{
    fresh();
    TAKE(0, 10, 1, 1000, "10");
    TAKE(0, 10 + 1000000, 1, 1000, ""); // damaged, or a lie
    TAKE(0, 11, 1, 1000, "11");         // while it waits nothing is lost
    LATER(HOLD, "g999998:1000010");
    TAKE(0, 12, 1, 1000, "");
    TAKE(0, 13, 1, 1001, "");
    TAKE(0, 14, 1, 1001, "Rg1:13 14"); // 12 might have been old
    TAKE(0, 15, 1, 1001, "15");
}
END_TEST

// The next restart is seen at once.
static void check_awake(void)
{
    check_sums();
    TAKE(0, 1, 1, 10000, "");
    TAKE(0, 2, 1, 10000, "");
    TAKE(0, 3, 1, 10000, "R1 2 3");
}

START_TEST(test_no_times)
{
    fresh();
    TAKE(0, 1000000, 1, 0, "1000000");
    for (uint32_t s = 1; s < ARBITER_WEDGE_RUN; s++)
        TAKE(0, s, 1, 0, "");
    TAKE(0, ARBITER_WEDGE_RUN, 1, 0, "Rg4087:4088 4089 4090 4091 4092 4093 4094 4095 4096");
    TAKE(0, ARBITER_WEDGE_RUN + 1, 1, 0, "4097");
    check_awake();
}
END_TEST

START_TEST(test_wrong_time)
{
    fresh();
    TAKE(0, 1000000, 1, UINT64_MAX, "1000000");
    for (uint32_t s = 1; s <= ARBITER_WEDGE_RUN; s++)
        TAKE(0, s, 1, 1000 + s, "");
    now_ns += ARBITER_LINE_NS - 1;
    TAKE(0, ARBITER_WEDGE_RUN + 1, 1, 9998, ""); // may still be a recording
    now_ns++;
    TAKE(0, ARBITER_WEDGE_RUN + 2, 1, 9999, "Rg4097:4098");
    TAKE(0, ARBITER_WEDGE_RUN + 3, 1, 9999, "4099");
    check_awake();
    fresh();
    TAKE(0, 1000000, 1, UINT64_MAX, "1000000");
    for (uint32_t s = 1; s < ARBITER_WEDGE_RUN; s++) {
        now_ns += ARBITER_LINE_NS;
        TAKE(0, s, 1, 1000 + s, ""); // a short run is none, however long it takes
    }
}
END_TEST

static enum feed_drop reset(unsigned line, uint64_t seq, uint64_t exchange)
{
    struct frame_info f = info(line, seq, 1, exchange);
    f.reset = true;
    return take_info(&f, 16);
}

START_TEST(test_reset_of_the_venue)
{
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    TAKE(0, 502, 1, 1002, "");
    reset(0, 1, 1003);
    ck_assert_str_eq(out_text, "g1:502 R1"); // what waited goes first
    TAKE(1, 503, 1, 1002, "");               // the other line has not got there yet
    reset(1, 1, 1003);
    ck_assert_str_eq(out_text, "");
    TAKE(1, 2, 1, 1004, "2");
    ck_assert_uint_eq(counted.restarts, 1);
    reset(0, 3, 1005); // one that leaves the numbers as they are
    ck_assert_str_eq(out_text, "R3");
    TAKE(0, 4, 1, 1006, "4");
    reset(1, 3, 1005);
    ck_assert_str_eq(out_text, "");
    TAKE(1, 4, 1, 1006, "");
    reset(0, 6, 1007); // ahead: in its turn
    ck_assert_str_eq(out_text, "");
    TAKE(1, 5, 1, 1006, "5 R6");
    TAKE(0, 9, 1, 1010, "");
    LATER(HOLD, "g2:9");
    reset(0, 7, 1008); // late: its gap was declared
    ck_assert_str_eq(out_text, "");
    TAKE(0, 10, 1, 1010, "10");
    ck_assert_uint_eq(counted.restarts, 3);
}
END_TEST

START_TEST(test_reset_without_time)
{
    fresh();
    reset(0, 1, 0);
    ck_assert_str_eq(out_text, "1"); // the stream's first: nothing to begin anew
    reset(1, 1, 0);
    ck_assert_str_eq(out_text, "");
    TAKE(0, 2, 1, 0, "2");
    reset(0, 2, 0);
    ck_assert_str_eq(out_text, "R2");
    // As old as what was carried is late, not new.
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    reset(0, 1, 1000);
    ck_assert_str_eq(out_text, "");
    reset(0, 2, 1001);
    ck_assert_str_eq(out_text, "R2");
}
END_TEST

// After a restart old data is told by its time, but not for ever: a wrong time must not silence gaps.
START_TEST(test_old_sequence_is_told_for_a_while_only)
{
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    reset(0, 1, 1000000);
    TAKE(0, 5, 1, 2000, "");
    LATER(HOLD, "");
    ck_assert_uint_eq(stream_at(0).line[0].late, 1);
    now_ns += ARBITER_LINE_NS;
    TAKE(0, 5, 1, 2000, "");
    LATER(HOLD, "g3:5");
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    reset(0, 1, 1000000);
    TAKE(0, 3, 1, 1000000, ""); // as new as the restart
    LATER(HOLD, "g1:3");
}
END_TEST

// ---- what a run holds

START_TEST(test_run_begins_with_what_is_kept)
{
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    TAKE(0, 1, 1, 1001, "");
    TAKE(0, 2, 1, 999, ""); // old by its time: what was before it may not come out over this hole
    ck_assert_uint_eq(counted.duplicates, 2);
    TAKE(0, 3, 1, 1003, "Rg2:3");
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    TAKE(0, 1, 1, 0, ""); // without a time, and not one that is known
    TAKE(0, 2, 1, 1001, "");
    TAKE(0, 3, 1, 0, "");
    TAKE(0, 4, 1, 1004, "R1 2 3 4");
    fresh();
    TAKE(0, 2, 1, 1000, "2");
    TAKE(0, 3, 1, 1000, "3");
    TAKE(0, 4, 1, 1000, "4");
    TAKE(0, 2, 1, 0, ""); // may be the one that was there: lost rather than twice
    ck_assert_uint_eq(counted.duplicates, 1);
    TAKE(0, 3, 1, 1001, "");
    TAKE(0, 4, 1, 1002, "Rg1:3 4");
    check_sums();
}
END_TEST

// The numbers of the new sequence are those of the newest old ones: by their times they are new.
START_TEST(test_restart_onto_known_numbers)
{
    fresh();
    for (unsigned i = 1; i <= 10; i++) {
        struct frame_info f = info(0, i, 1, 1000 + i);
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
    }
    TAKE(1, 3, 1, 1003, ""); // an old copy
    ck_assert_uint_eq(counted.duplicates, 1);
    TAKE(0, 1, 1, 2001, "");
    TAKE(1, 1, 1, 2001, "");
    TAKE(1, 2, 1, 2002, "");
    TAKE(0, 2, 1, 2002, "");
    TAKE(1, 3, 1, 2003, "R1 2 3");
    TAKE(0, 3, 1, 2003, "");
    TAKE(0, 4, 1, 2004, "4");
    ck_assert_uint_eq(counted.missing, 0);
    check_sums();
}
END_TEST

START_TEST(test_runs_are_bounded)
{
    fresh();
    TAKE(0, 5000, 1, 1000, "5000");
    for (uint64_t i = 1; i <= ARBITER_RUN_KEPT + 3; i++)
        TAKE(0, i, 1, 0, "");
    ck_assert_uint_eq(stream_at(0).kept, ARBITER_RUN_KEPT);
    TAKE(0, ARBITER_RUN_KEPT + 4, 1, 1001, "Rg3:4 5 6 7 8 9 10 11 12");
    check_sums();
    // One that is too long to be kept, and what was before it.
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    TAKE(0, 1, 1, 1001, "");
    struct frame_info f = info(0, 2, 1, 1002);
    ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + 1), DROP_NONE);
    ck_assert_uint_eq(stream_at(0).kept, 0);
    TAKE(0, 3, 1, 1003, "Rg2:3");
    check_sums();
}
END_TEST

// Runs of many streams leave room for holes. Where one finds no room, what it had goes, too: that is one
// place for the next.
START_TEST(test_runs_leave_room_for_holes)
{
    enum { SHORT = 10, STREAMS = ARBITER_RUN_POOL / 2 + SHORT, WHOLE = STREAMS - 2 * SHORT };
    unsigned lost = 0;
    fresh();
    for (unsigned step = 0; step < 4; step++)
        for (unsigned c = 1; c <= STREAMS; c++) {
            static const uint64_t seqs[] = {500, 1, 2, 3};
            struct frame_info f = info(0, seqs[step], 1, 1000 + step);
            f.channel = f.stream = (uint16_t)c;
            ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
            if (step == 3 && c > WHOLE && strcmp(out_text, "Rg2:3") == 0)
                lost++;
            else
                ck_assert_str_eq(out_text, step == 3 ? "R1 2 3" : step ? "" : "500");
        }
    ck_assert_uint_eq(lost, SHORT);
    ck_assert_uint_eq(counted.restarts, STREAMS);
    ck_assert_uint_eq(counted.missing, 2 * SHORT);
    for (unsigned c = 0; c < STREAMS; c++)
        ck_assert_uint_eq(stream_at(c).kept, 0);
}
END_TEST

// What the other line has of the new sequence beyond this line's run waits for what precedes it.
START_TEST(test_lines_cut_differently_restart)
{
    fresh();
    TAKE(0, 900, 2, 1000, "900x2");
    TAKE(1, 1, 6, 1003, "");
    TAKE(0, 1, 2, 1001, "");
    TAKE(1, 7, 2, 1004, "");
    TAKE(0, 3, 2, 1002, "");
    TAKE(0, 5, 1, 1003, "R1x2 3x2 5 1x6-5 7x2");
    TAKE(0, 6, 3, 1004, "");
    ck_assert_uint_eq(counted.missing, 0);
    ck_assert_uint_eq(stream_at(0).line[1].first, 2);
    check_sums();
    fresh();
    TAKE(0, 900, 1, 1000, "900");
    TAKE(1, 5, 1, 1005, ""); // B has lost 1 to 4
    TAKE(1, 6, 1, 1006, "");
    TAKE(0, 1, 1, 1001, "");
    TAKE(0, 2, 1, 1002, "");
    TAKE(0, 3, 1, 1003, "R1 2 3");
    ck_assert_uint_eq(stream_at(0).kept, 2);
    ck_assert(stream_at(0).broken);
    TAKE(0, 4, 1, 1004, "4 5 6");
    check_sums();
    fresh();
    TAKE(0, 900, 1, 1000, "900");
    TAKE(1, 5, 1, 1005, "");
    now_ns += HOLD;
    TAKE(0, 1, 1, 1001, "");
    TAKE(0, 2, 1, 1002, "");
    TAKE(0, 3, 1, 1003, "R1 2 3");
    LATER(HOLD - 1, ""); // it waits from now on, not since it came
    LATER(1, "g1:5");
}
END_TEST

// The venue's reset comes by the slower line: what follows it has come already, and what has no time stays
// out.
START_TEST(test_run_before_the_reset)
{
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    TAKE(0, 2, 1, 1002, "");
    TAKE(0, 3, 1, 1003, "");
    TAKE(1, 7, 1, 0, "");
    reset(1, 1, 1001);
    ck_assert_str_eq(out_text, "R1 2 3");
    ck_assert_uint_eq(stream_at(0).line[1].late, 1);
    TAKE(0, 4, 1, 1004, "4");
    LATER(HOLD, "");
    check_sums();
    // Older than the reset: of the old sequence, and no hole before it. Its place in the pool is free again.
    fresh();
    for (uint64_t i = 0; i < ARBITER_POOL / 2 + 1; i++) {
        uint64_t ns = 1000 + 10 * i;
        struct frame_info f = info(0, 500, 1, ns);
        f.channel = (uint16_t)i;
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        for (uint64_t seq = 7; seq <= 8; seq++) {
            f = info(1, seq, 1, ns + 1);
            f.channel = (uint16_t)i;
            ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        }
        f = info(0, 1, 1, ns + 2);
        f.channel = (uint16_t)i;
        f.reset = true;
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        ck_assert_str_eq(out_text, "R1");
        ck_assert_uint_eq(stream_at(i).line[1].late, 2);
        ck_assert_uint_eq(stream_at(i).kept, 0);
    }
    TAKE(0, 3, 1, 20000, "");
    ck_assert_uint_eq(stream_at(1).kept, 1);
}
END_TEST

START_TEST(test_run_that_is_none)
{
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    TAKE(1, 1, 1, 1001, "");
    TAKE(1, 2, 1, 1002, "");
    TAKE(0, 501, 1, 1003, "501"); // the real sequence goes on
    ck_assert_uint_eq(stream_at(0).line[1].copies, 2);
    ck_assert_uint_eq(stream_at(0).kept, 0);
    TAKE(1, 3, 1, 1004, "");
    TAKE(1, 7, 1, 1005, ""); // another run
    ck_assert_uint_eq(stream_at(0).line[1].copies, 3);
    LATER(UINT64_MAX - now_ns, ""); // the input is over
    ck_assert_uint_eq(stream_at(0).line[1].copies, 4);
    check_sums();
    // A heartbeat ends none.
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    TAKE(1, 1, 1, 1001, "");
    TAKE(0, 501, 0, 0, "h501");
    TAKE(1, 2, 1, 1002, "");
    TAKE(1, 3, 1, 1003, "R1 2 3");
    check_sums();
}
END_TEST

// What waits for a hole of the old sequence goes before the new one.
START_TEST(test_run_while_a_hole_is_open)
{
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    TAKE(1, 500, 1, 1000, "");
    TAKE(0, 502, 1, 1001, "");
    TAKE(1, 1, 1, 1002, "");
    TAKE(1, 2, 1, 1003, "");
    TAKE(1, 3, 1, 1004, "g1:502 R1 2 3");
    ck_assert(!stream_at(0).broken);
    check_sums();
}
END_TEST

// ---- random sequences on two lines

enum { ERAS = 6, ERA_MAX = 60, ERA_STEP = 100, SENT_MAX = 2 * ERAS * ERA_MAX };

struct sent {
    uint64_t at, seq, exchange_ns;
    uint32_t count;
    unsigned line, era, order;
};

static struct prng rnd;
static struct sent sent[SENT_MAX];
static unsigned n_sent;
static unsigned era_at;      // of the newest delivered
static uint64_t next_number; // in it
static uint64_t delivered;

static void in_order(void *ctx, const struct feed_protocol *proto, struct feed_packet *p, uint32_t skip)
{
    unsigned era = (unsigned)le64_load(p->payload + 8);
    (void)ctx;
    (void)proto;
    ck_assert_uint_eq(le64_load(p->payload), p->seq);
    ck_assert_uint_ge(era, era_at);
    ck_assert_uint_eq(p->restart, era != era_at);
    if (p->restart) // what came before the first number of a new sequence is lost, or never was
        next_number = p->seq - p->gap;
    era_at = era;
    ck_assert_uint_eq(p->seq + skip, next_number + p->gap);
    next_number = p->seq + p->count;
    delivered += p->count - skip;
}

static int by_time(const void *a, const void *b)
{
    const struct sent *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : (x->order > y->order) - (x->order < y->order);
}

// First number of an era: all of a new sequence is behind the old one, whatever is lost of either.
static uint64_t first_of(unsigned era)
{
    return (uint64_t)(ERAS - era) * ERA_STEP;
}

// Each line carries every era's numbers, cut in its own way, behind the venue by its own lag, which
// changes without turning the order round. Returns the numbers sent.
static uint64_t send_eras(unsigned packet_max, uint64_t lag, unsigned loss_ppm)
{
    unsigned length[ERAS];
    uint64_t total = 0;
    for (unsigned e = 0; e < ERAS; e++)
        total += length[e] = 4 * packet_max + (unsigned)prng_below(&rnd, ERA_MAX - 4 * packet_max);
    n_sent = 0;
    for (unsigned l = 0; l < ARBITER_LINES; l++) {
        uint64_t at = 0, venue = 1000000000;
        for (unsigned e = 0; e < ERAS; e++, venue += 1000000)
            for (uint64_t q = 1; q <= length[e];) {
                uint32_t n = 1 + (uint32_t)prng_below(&rnd, packet_max);
                if (n > length[e] - q + 1)
                    n = (uint32_t)(length[e] - q + 1);
                uint64_t sent_ns = venue + (q + n - 1) * 1000, came = sent_ns + prng_below(&rnd, lag + 1);
                at = came > at ? came : at;
                if (!prng_chance(&rnd, loss_ppm, 1000000)) {
                    sent[n_sent] = (struct sent){at, first_of(e) + q - 1, sent_ns, n, l, e, n_sent};
                    n_sent++;
                }
                q += n;
            }
    }
    qsort(sent, n_sent, sizeof *sent, by_time);
    return total;
}

static void take_sent(void)
{
    memset(&counted, 0, sizeof counted);
    arbiter_free(arb);
    arb = arbiter_new(&counted, in_order, NULL);
    era_at = 0;
    next_number = sent[0].seq;
    delivered = 0;
    for (unsigned i = 0; i < n_sent; i++) {
        const struct sent *x = &sent[i];
        uint8_t payload[16];
        le64_store(payload, x->seq);
        le64_store(payload + 8, x->era);
        struct frame_info f = info(x->line, x->seq, x->count, x->exchange_ns);
        struct feed_packet p = {.ts_ns = x->at, .payload = payload, .len = sizeof payload};
        ck_assert_int_eq(arbiter_take(arb, &PROTO, &f, &p), DROP_NONE);
    }
    arbiter_time(arb, UINT64_MAX);
    check_sums();
    ck_assert_uint_eq(stream_at(0).kept, 0);
}

// Without loss every number of every sequence comes out, once.
START_TEST(test_nothing_of_a_new_sequence_is_lost)
{
    prng_seed(&rnd, test_seed(20261128));
    for (unsigned round = 0; round < test_rounds(2000); round++) {
        uint64_t total = send_eras(1 + (unsigned)prng_below(&rnd, 4), prng_below(&rnd, 20000), 0);
        uint64_t before =
            sent[0].seq - first_of(0); // what the first to come had overtaken is before the stream
        take_sent();
        ck_assert_uint_eq(delivered + before, total);
        ck_assert_uint_eq(counted.restarts, ERAS - 1);
        ck_assert_uint_eq(counted.missing, 0);
    }
}
END_TEST

// With loss: none twice, none out of order, none of an old sequence behind a new one.
START_TEST(test_whatever_is_lost_order_holds)
{
    prng_seed(&rnd, test_seed(20261129));
    for (unsigned round = 0; round < test_rounds(2000); round++) {
        (void)send_eras(1 + (unsigned)prng_below(&rnd, 4), prng_below(&rnd, 20000),
                        (unsigned)prng_below(&rnd, 400000));
        take_sent();
        ck_assert_uint_gt(delivered, 0);
    }
}
END_TEST

RUN_SUITE("arbiter_restart", test_restart_with_newer_times, test_restart_on_two_lines,
          test_restart_within_one_tick_of_the_clock, test_lagging_copy_is_no_restart,
          test_broken_run_is_no_restart, test_one_wrong_number_does_not_kill_the_stream, test_no_times,
          test_wrong_time, test_reset_of_the_venue, test_reset_without_time,
          test_old_sequence_is_told_for_a_while_only, test_run_begins_with_what_is_kept,
          test_restart_onto_known_numbers, test_runs_are_bounded, test_runs_leave_room_for_holes,
          test_lines_cut_differently_restart, test_run_before_the_reset, test_run_that_is_none,
          test_run_while_a_hole_is_open, test_nothing_of_a_new_sequence_is_lost,
          test_whatever_is_lost_order_holds)
