// SPDX-License-Identifier: Apache-2.0
// Order of a stream by hand-made cases: copies, holes that fill and holes that do not, heartbeats, overlaps,
// time that was read and time that was not, and no state that lasts for ever.
#include "feed/arbitertest.h"

START_TEST(test_first_of_any_number)
{
    static const uint32_t firsts[] = {0, 1, 5000, UINT32_MAX, INT32_MAX, 0x80000000u};
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        char want[16];
        fresh();
        snprintf(want, sizeof want, "%u", firsts[i]);
        TAKE(0, firsts[i], 1, 10, want);
        snprintf(want, sizeof want, "%u", firsts[i] + 1);
        TAKE(1, firsts[i] + 1, 1, 10, want);
        ck_assert_uint_eq(counted.gaps + counted.duplicates, 0);
    }
}
END_TEST

START_TEST(test_first_copy_wins)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    now_ns += 700;
    TAKE(1, 100, 1, 10, "");
    TAKE(1, 101, 1, 11, "101");
    now_ns += 300;
    TAKE(0, 101, 1, 11, "");
    TAKE(0, 99, 1, 9, "");
    TAKE(0, 102, 1, 12, "102");
    struct arbiter_stream s = stream_at(0);
    ck_assert_uint_eq(counted.duplicates, 3);
    ck_assert_uint_eq(s.line[0].packets, 4);
    ck_assert_uint_eq(s.line[0].first, 2);
    ck_assert_uint_eq(s.line[0].copies, 2);
    ck_assert_uint_eq(s.line[1].first, 1);
    ck_assert_uint_eq(s.line[1].copies, 1);
    ck_assert_int_eq(s.line[1].lead_ns_max, 700);
    ck_assert_uint_eq(s.line[1].last_ns, now_ns - 300);
    ck_assert_uint_eq(s.line[0].lost + s.line[1].lost + s.lost, 0);
    ck_assert_uint_eq(s.next, 103);
}
END_TEST

START_TEST(test_hole_fills)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(0, 102, 1, 12, ""); // a single line: it may be out of order
    TAKE(0, 103, 1, 13, "");
    ck_assert(stream_at(0).broken);
    TAKE(0, 101, 1, 11, "101 102 103");
    ck_assert(!stream_at(0).broken);
    TAKE(0, 105, 1, 15, "");
    TAKE(1, 104, 1, 14, "104 105"); // or the other line has it
    ck_assert_uint_eq(counted.gaps, 0);
    ck_assert_uint_eq(counted.early, 3);
    ck_assert_uint_eq(stream_at(0).line[0].early, 3);
    ck_assert_uint_eq(stream_at(0).line[1].early, 0);
    ck_assert_uint_eq(stream_at(0).line[0].lost, 1); // 104, and what it brought late is not lost
    ck_assert_uint_eq(stream_at(0).line[0].gaps, 1);
}
END_TEST

// How far a line is behind is known also of what waits.
START_TEST(test_copies_of_what_waits_are_measured)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(0, 102, 3, 12, "");
    now_ns += 700;
    TAKE(1, 103, 1, 12, ""); // a part of it: says nothing
    ck_assert_int_eq(stream_at(0).line[1].lead_ns_max, 0);
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(0, 102, 3, 12, "");
    now_ns += 700;
    TAKE(1, 102, 3, 12, "");
    ck_assert_int_eq(stream_at(0).line[1].lead_ns_min, 700);
    ck_assert_int_eq(stream_at(0).line[1].lead_ns_max, 700);
    now_ns += 300;
    TAKE(1, 102, 3, 12, "");
    ck_assert_int_eq(stream_at(0).line[1].lead_ns_min, 700);
    ck_assert_int_eq(stream_at(0).line[1].lead_ns_max, 1000);
}
END_TEST

START_TEST(test_single_line_waits_for_so_many)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(0, 103, 1, 13, "");
    TAKE(0, 104, 1, 14, "");
    TAKE(0, 105, 1, 15, "");
    TAKE(0, 106, 1, 16, "g2:103 104 105 106");
    TAKE(0, 102, 1, 12, ""); // late: using it now would turn time back
    TAKE(0, 107, 1, 17, "107");
    struct arbiter_stream s = stream_at(0);
    ck_assert_uint_eq(s.line[0].late, 1);
    ck_assert_uint_eq(s.line[0].lost, 1); // 101
    ck_assert_uint_eq(s.lost, 2);
    ck_assert_uint_eq(s.gaps, 1);
    ck_assert_uint_eq(counted.missing, 2);
    ck_assert_uint_eq(counted.duplicates, 1);
}
END_TEST

START_TEST(test_single_line_waits_for_so_long)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(0, 102, 1, 12, "");
    ck_assert(!arbiter_due(arb, now_ns + HOLD - 1) && arbiter_due(arb, now_ns + HOLD));
    LATER(HOLD - 1, "");
    LATER(1, "g1:102");
    ck_assert(!arbiter_due(arb, UINT64_MAX));
    TAKE(0, 104, 1, 14, "");
    now_ns += HOLD;
    TAKE(0, 103, 1, 13, "g1:104"); // due before it came
    ck_assert_uint_eq(stream_at(0).line[0].late, 1);
    TAKE(0, 106, 1, 16, "");
    LATER(UINT64_MAX - now_ns, "g1:106");                // the input is over
    ck_assert_uint_eq(stream_at(0).line[0].stale_ns, 0); // and no line was silent for ages
}
END_TEST

START_TEST(test_lost_only_when_both_lines_have_passed)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(1, 100, 1, 10, "");
    for (unsigned i = 0; i < 20; i++)
        TAKE(0, 102 + i, 1, 12, "");
    TAKE(1, 102, 1, 12, ""); // B has lost it too, it seems
    TAKE(1, 103, 1, 12, "");
    TAKE(1, 104, 1, 12, "");
    TAKE(1, 101, 1, 11,
         "101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116 117 118 119 120 121");
    for (unsigned i = 0; i < 5; i++)
        TAKE(0, 123 + i, 1, 12, "");
    for (unsigned i = 0; i < 3; i++)
        TAKE(1, 123 + i, 1, 12, "");
    TAKE(1, 126, 1, 12, "g1:123 124 125 126 127");
    TAKE(1, 127, 1, 12, "");
    struct arbiter_stream s = stream_at(0);
    ck_assert_uint_eq(s.lost, 1);
    ck_assert_uint_eq(s.line[0].lost, 2);  // 101 and 122
    ck_assert_uint_eq(s.line[1].lost, 18); // 105 to 121, 122
    for (unsigned l = 0; l < 2; l++)
        ck_assert_uint_eq(s.line[l].packets, s.line[l].first + s.line[l].copies);
}
END_TEST

// Where lines may lag, a gap is none before the slow line has passed it, too.
START_TEST(test_a_line_that_lags_is_waited_for)
{
    enum { LAG = 48000000, STEP = 1000000, LOST = 70 };
    PROTO.lines_lag = true;
    fresh();
    unsigned slow = 0;
    uint64_t begin = now_ns;
    for (unsigned i = 0; i < 200; i++) { // B brings each 48 ms after A; A loses 70
        now_ns = begin + (uint64_t)i * STEP;
        struct frame_info f = info(0, 100 + i, 1, 10 + i);
        if (i != LOST)
            ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        for (; (uint64_t)slow * STEP + LAG <= (uint64_t)i * STEP; slow++) {
            f = info(1, 100 + slow, 1, 10 + slow);
            ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        }
    }
    ck_assert_uint_eq(counted.gaps, 0);
    ck_assert_uint_eq(stream_at(0).line[1].first, 1);
    ck_assert_uint_eq(stream_at(0).next, 300);
    // Both lose 301: as long as B may bring it, and no longer.
    now_ns = begin + 400 * UINT64_C(1000000);
    TAKE(0, 300, 1, 500, "300");
    TAKE(0, 302, 1, 502, "");
    LATER(ARBITER_LAG_NS - 1, "");
    ck_assert(arbiter_due(arb, now_ns + 1));
    LATER(1, "g1:302");
    PROTO.lines_lag = false;
}
END_TEST

// A line that was behind once and leads now is waited for no longer than any.
START_TEST(test_a_lag_is_forgotten)
{
    enum { MS = 1000000, BEHIND = 48, TOGETHER = 60, LAST = 20 + TOGETHER };
    PROTO.lines_lag = true;
    fresh();
    for (unsigned i = 0; i < LAST; i++) { // first B is 48 ms late, then it is first
        unsigned lead = i < 20 ? 0 : 1;
        struct frame_info f = info(lead, 100 + i, 1, 10 + i);
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        now_ns += i < 20 ? (uint64_t)BEHIND * MS : 0;
        f = info(1 - lead, 100 + i, 1, 10 + i);
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        now_ns += MS;
    }
    ck_assert_uint_eq(stream_at(0).line[1].first, TOGETHER);
    TAKE(1, 181, 1, 500, ""); // 180 is lost on both
    LATER(ARBITER_HOLD_NS - 1, "");
    LATER(1, "g1:181");
    PROTO.lines_lag = false;
}
END_TEST

START_TEST(test_dead_line_is_not_waited_for)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(1, 100, 1, 10, "");
    now_ns += ARBITER_LINE_NS / 2; // the other one goes on
    TAKE(0, 101, 1, 10, "101");
    now_ns += ARBITER_LINE_NS / 2 + 1;
    TAKE(0, 102, 1, 10, "102");
    for (unsigned i = 0; i < 3; i++)
        TAKE(0, 104 + i, 1, 12, "");
    TAKE(0, 107, 1, 12, "g1:104 105 106 107");
    ck_assert_uint_eq(stream_at(0).line[1].stale_ns, ARBITER_LINE_NS + 1 - PROTO.quiet_ns);
    ck_assert(!stream_at(0).stale);
    LATER(PROTO.quiet_ns + 1, "");
    ck_assert(stream_at(0).stale);
    ck_assert_uint_eq(stream_at(0).line[0].stale_ns, ARBITER_LINE_NS + 1 - 2 * PROTO.quiet_ns + 1);
}
END_TEST

START_TEST(test_several_holes)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(0, 102, 1, 12, "");
    now_ns += HOLD / 2;
    TAKE(0, 104, 1, 12, "");
    TAKE(0, 106, 1, 12, "");
    LATER(HOLD / 2, "g1:102"); // the later holes are younger
    TAKE(0, 103, 1, 12, "103 104");
    LATER(HOLD / 2, "g1:106");
}
END_TEST

START_TEST(test_wrap_around)
{
    fresh();
    TAKE(0, UINT32_MAX - 1, 1, 10, "4294967294");
    TAKE(0, 0, 1, 10, "");
    TAKE(0, UINT32_MAX, 1, 10, "4294967295 0");
    TAKE(1, UINT32_MAX, 1, 10, "");
    TAKE(1, 1, 1, 10, "1");
    fresh();
    TAKE(0, UINT32_MAX - 2, 1, 10, "4294967293");
    TAKE(0, 3, 1, 10, "");
    LATER(HOLD, "g5:3");
    ck_assert_uint_eq(stream_at(0).line[0].lost, 5);
    fresh();
    TAKE(0, UINT32_MAX - 2, 5, 10, "4294967293x5");
    TAKE(0, 1, 4, 10, "1x4-1");
}
END_TEST

START_TEST(test_64_bits)
{
    fresh();
    for (unsigned k = 0; k < 3; k++) {
        static const uint64_t seq[] = {UINT64_MAX - 1, 2, UINT64_MAX};
        static const char *const want[] = {"18446744073709551614", "", "18446744073709551615x3 2"};
        struct frame_info f = info(0, seq[k], k == 2 ? 3 : 1, 1);
        f.seq_bits = 64;
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        ck_assert_str_eq(out_text, want[k]);
    }
    fresh();
    for (unsigned k = 0; k < 2; k++) {
        struct frame_info f = info(0, k ? UINT64_C(1) << 40 : 7, 1, 1);
        f.seq_bits = 64;
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
    }
    LATER(HOLD, "g1099511627768:1099511627776");
}
END_TEST

START_TEST(test_widest_jump)
{
    fresh();
    TAKE(0, 0, 1, 10, "0");
    TAKE(0, INT32_MAX, 1, 10, "");
    LATER(HOLD, "g2147483646:2147483647");
    fresh();
    TAKE(0, 0, 1, 10, "0");
    TAKE(0, 0x80000001u, 1, 10, ""); // as far behind as ahead of the next one: behind
    LATER(HOLD, "");
    ck_assert_uint_eq(counted.duplicates, 1);
}
END_TEST

START_TEST(test_overlap_by_messages)
{
    fresh();
    TAKE(0, 100, 3, 10, "100x3");
    TAKE(1, 98, 4, 10, "");
    TAKE(1, 102, 4, 10, "102x4-1");
    TAKE(0, 103, 2, 10, "");
    TAKE(0, 105, 4, 10, "105x4-1");
    TAKE(1, 111, 4, 10, ""); // kept: 111 to 114
    TAKE(0, 112, 2, 10, ""); // part of it
    TAKE(0, 113, 4, 10, ""); // 113 to 116
    TAKE(0, 109, 3, 10, "109x3 111x4-1 113x4-2");
    TAKE(0, 120, 2, 10, "");
    TAKE(1, 119, 5, 10, "");
    LATER(HOLD, "g2:119x5");
    struct arbiter_stream s = stream_at(0);
    ck_assert_uint_eq(s.line[0].packets, s.line[0].first + s.line[0].copies);
    ck_assert_uint_eq(s.line[1].packets, s.line[1].first + s.line[1].copies);
    ck_assert_uint_eq(counted.duplicates, 4);
}
END_TEST

START_TEST(test_heartbeats)
{
    fresh();
    TAKE(0, 100, 0, 0, "h100"); // the next number, before there was any
    TAKE(0, 100, 2, 10, "100x2");
    TAKE(0, 102, 0, 0, "h102");
    TAKE(1, 102, 0, 0, "h102");
    TAKE(0, 101, 0, 0, ""); // of a slower line
    ck_assert_uint_eq(counted.duplicates, 0);
    TAKE(0, 104, 0, 0, ""); // 102 and 103 have been sent
    ck_assert(stream_at(0).broken);
    LATER(HOLD, "g2:h104");
    TAKE(1, 102, 1, 10, "");
    ck_assert_uint_eq(stream_at(0).line[1].late, 1);
    TAKE(0, 106, 0, 0, "");
    TAKE(1, 104, 2, 10, "104x2 h106");
    TAKE(0, 108, 0, 0, "");
    TAKE(0, 107, 1, 10, "");
    TAKE(0, 108, 1, 10, "");
    LATER(HOLD, "g1:107 h108 108");
    struct arbiter_stream s = stream_at(0);
    ck_assert_uint_eq(s.line[0].heartbeats, 6);
    ck_assert_uint_eq(s.line[0].packets, s.line[0].first + s.line[0].heartbeats);
    ck_assert_uint_eq(s.next, 109);
}
END_TEST

// Both lines may be silent for long: the first to speak again does not decide alone.
START_TEST(test_silence_of_all_lines_kills_none)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(1, 100, 1, 10, "");
    now_ns += 6 * ARBITER_LINE_NS;
    for (uint64_t i = 102; i < 102 + 2 * ARBITER_REORDER; i++)
        TAKE(0, i, 1, 10, "");
    TAKE(1, 101, 1, 10, "101 102 103 104 105 106 107 108 109");
    // But one that stays silent while the other speaks is dead, also after the next silence.
    for (uint64_t i = 110; i < 116; i++) {
        now_ns += ARBITER_LINE_NS / 4;
        struct frame_info f = info(0, i, 1, 10);
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
    }
    now_ns += 6 * ARBITER_LINE_NS;
    TAKE(0, 117, 1, 10, "");
    TAKE(0, 118, 1, 10, "");
    TAKE(0, 119, 1, 10, "");
    TAKE(0, 120, 1, 10, "g1:117 118 119 120");
}
END_TEST

START_TEST(test_unordered)
{
    fresh();
    for (unsigned k = 0; k < 6; k++) { // whatever its number; exact copies are left out
        struct frame_info f = info(k & 1, 77 - k / 2, 2, 10);
        f.unordered = f.snapshot = true;
        ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + 1), DROP_NONE);
        ck_assert_str_eq(out_text, k == 0 ? "77x2" : k == 2 ? "76x2" : k == 4 ? "75x2" : "");
    }
    ck_assert_uint_eq(stream_at(0).line[0].packets, 3);
    ck_assert_uint_eq(stream_at(0).line[0].first, 3);
    ck_assert_uint_eq(stream_at(0).line[1].copies, 3);
    struct frame_info f = info(0, 77, 2, 10);
    f.unordered = f.snapshot = true;
    now_ns += ARBITER_LINE_NS;
    ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + 1), DROP_NONE);
    ck_assert_str_eq(out_text, "");
    now_ns++;
    ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + 1), DROP_NONE);
    ck_assert_str_eq(out_text, "77x2");
}
END_TEST

// A line that lags by hundreds of them; those of another stream are no copies.
START_TEST(test_unordered_of_many)
{
    enum { MANY = 1000 };
    fresh();
    for (unsigned k = 0; k < 4 * MANY; k++) {
        struct frame_info f = info(k / 2 / MANY, 1000 + k / 2 % MANY, 1, 10);
        f.channel = f.stream = (uint16_t)(1 + k % 2);
        f.unordered = true;
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        ck_assert_msg((out_text[0] != 0) == (k < 2 * MANY), "%u: \"%s\"", k, out_text);
    }
    for (size_t i = 0; i < 2; i++)
        ck_assert(stream_at(i).line[0].first == MANY && stream_at(i).line[1].copies == MANY);
    ck_assert_uint_eq(counted.duplicates, 2 * MANY);
}
END_TEST

static struct feed_packet last_out;
static void keep_out(void *ctx, const struct feed_protocol *proto, struct feed_packet *p, uint32_t skip)
{
    (void)ctx;
    (void)proto;
    (void)skip;
    last_out = *p;
}

START_TEST(test_what_a_packet_says)
{
    fresh();
    arbiter_free(arb);
    arb = arbiter_new(&counted, keep_out, NULL);
    for (uint8_t line = 0; line <= ARBITER_LINES + 1; line++) {
        struct frame_info f = info(line, 100 + line, 1, 10);
        f.channel = 4;
        f.stream = 3;
        f.snapshot = true;
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        ck_assert_uint_eq(last_out.line, line < ARBITER_LINES ? line : 0);
        ck_assert_uint_eq(last_out.venue, PROTO.venue);
        ck_assert(last_out.channel == 4 && last_out.stream == 3 && last_out.snapshot);
        ck_assert(last_out.seq == 100u + line && last_out.count == 1 && !last_out.heartbeat);
    }
}
END_TEST

// ---- ports that are polled

// So much was read.
#define READ(until, want)                                                                                    \
    do {                                                                                                     \
        out_text[0] = '\0';                                                                                  \
        arbiter_read(arb, until);                                                                            \
        ck_assert_str_eq(out_text, want);                                                                    \
    } while (0)

START_TEST(test_only_what_was_read_is_lost)
{
    fresh();
    arbiter_polled(arb);
    TAKE(0, 100, 1, 10, "100");
    TAKE(1, 100, 1, 10, "");
    uint64_t came = now_ns;
    TAKE(0, 102, 1, 12, "");
    LATER(10 * HOLD, ""); // neither times
    TAKE(0, 103, 1, 13, "");
    ck_assert(!arbiter_due(arb, came + HOLD - 1) && arbiter_due(arb, came + HOLD));
    READ(came + HOLD - 1, "");
    TAKE(1, 101, 1, 11, "101 102 103"); // nor stamps: here it is
    TAKE(0, 105, 1, 15, "");
    came = now_ns;
    LATER(10 * HOLD, "");
    TAKE(0, 106, 1, 16, "");
    READ(came + HOLD, "g1:105 106"); // 106 is not held up by what was lost
    ck_assert_uint_eq(counted.gaps, 1);
    // What was read already does not count again.
    TAKE(0, 108, 1, 18, "");
    READ(came, "");
    READ(now_ns, "");
    ck_assert(!arbiter_due(arb, now_ns + HOLD - 1));
    READ(now_ns + HOLD, "g1:108");
    LATER(UINT64_MAX - now_ns, "");
}
END_TEST

START_TEST(test_a_line_is_dead_only_as_far_as_it_was_read)
{
    fresh();
    arbiter_polled(arb);
    TAKE(1, 100, 1, 10, "100");
    uint64_t last = now_ns;
    TAKE(0, 100, 1, 10, "");
    now_ns += ARBITER_LINE_NS;
    TAKE(0, 101, 1, 11, "101");
    now_ns += HOLD / 2;
    TAKE(0, 103, 1, 13, "");
    TAKE(0, 104, 1, 13, "");
    TAKE(0, 105, 1, 13, "");
    TAKE(0, 106, 1, 13, "");
    ck_assert(!arbiter_due(arb, last + ARBITER_LINE_NS) && arbiter_due(arb, last + ARBITER_LINE_NS + 1));
    READ(last + ARBITER_LINE_NS, "");
    READ(last + ARBITER_LINE_NS + 1, "g1:103 104 105 106");
    TAKE(0, 108, 1, 13, ""); // and from now on one line decides
    TAKE(0, 109, 1, 13, "");
    TAKE(0, 110, 1, 13, "");
    TAKE(0, 111, 1, 13, "g1:108 109 110 111");
    LATER(UINT64_MAX - now_ns, "");
}
END_TEST

START_TEST(test_the_end_lets_all_go_unread)
{
    fresh();
    arbiter_polled(arb);
    TAKE(0, 100, 1, 10, "100");
    TAKE(0, 102, 1, 12, "");
    LATER(UINT64_MAX - now_ns, "g1:102");
}
END_TEST

START_TEST(test_line_b_behind_line_a_in_a_file)
{
    fresh();
    for (unsigned line = 0; line < 2; line++) {
        now_ns = UINT64_C(1000000000000);
        for (uint32_t s = 1; s <= 2 * ARBITER_WEDGE_RUN; s++) {
            struct frame_info f = info(line, s, 1, 5000 + s);
            now_ns += 10000000;
            ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
            ck_assert_msg((out_text[0] != 0) == (line == 0), "line %u, %" PRIu32 ": \"%s\"", line, s,
                          out_text);
        }
    }
    ck_assert_uint_eq(counted.duplicates, 2 * ARBITER_WEDGE_RUN);
    ck_assert_uint_eq(counted.gaps + counted.restarts, 0);
    ck_assert_uint_eq(stream_at(0).line[1].copies, 2 * ARBITER_WEDGE_RUN);
}
END_TEST

RUN_SUITE("arbiter", test_first_of_any_number, test_first_copy_wins, test_hole_fills,
          test_copies_of_what_waits_are_measured, test_single_line_waits_for_so_many,
          test_single_line_waits_for_so_long, test_lost_only_when_both_lines_have_passed,
          test_a_line_that_lags_is_waited_for, test_a_lag_is_forgotten, test_dead_line_is_not_waited_for,
          test_several_holes, test_wrap_around, test_64_bits, test_widest_jump, test_overlap_by_messages,
          test_heartbeats, test_silence_of_all_lines_kills_none, test_unordered, test_unordered_of_many,
          test_what_a_packet_says, test_only_what_was_read_is_lost,
          test_a_line_is_dead_only_as_far_as_it_was_read, test_the_end_lets_all_go_unread,
          test_line_b_behind_line_a_in_a_file)
