// SPDX-License-Identifier: Apache-2.0
// Order of a stream by hand-made cases: copies, holes that fill and holes that do not, heartbeats, overlaps,
// restarts, limits, and no state that lasts for ever.
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
    ck_assert_uint_eq(stream_at(0).line[0].lost, 1); // 104, and what it brought late is not lost
    ck_assert_uint_eq(stream_at(0).line[0].gaps, 1);
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

// ---- restarts

START_TEST(test_restart_with_newer_times)
{
    fresh();
    TAKE(0, 900000, 1, 1000, "900000");
    TAKE(0, 1, 1, 1001, "");
    TAKE(0, 2, 1, 1002, "");
    TAKE(0, 3, 1, 1003, "Rg2:3"); // two packets of the new sequence were not used
    TAKE(0, 4, 1, 1003, "4");
    TAKE(0, 900001, 1, 1004, "");
    LATER(HOLD, "g899996:900001");
    ck_assert_uint_eq(counted.restarts, 1);
}
END_TEST

START_TEST(test_restart_on_two_lines)
{
    fresh();
    TAKE(0, 900000, 1, 1000, "900000");
    TAKE(1, 900000, 1, 1000, "");
    for (unsigned i = 1; i <= 3; i++) {
        TAKE(0, i, 1, 1000 + i, i == 3 ? "Rg2:3" : "");
        TAKE(1, i, 1, 1000 + i, "");
    }
    TAKE(1, 900001, 1, 1000, ""); // the old sequence on the slower line: no gap of 899,997
    TAKE(0, 4, 1, 1004, "4");
    TAKE(1, 4, 1, 1004, "");
    LATER(HOLD, "");
    ck_assert_uint_eq(stream_at(0).line[1].late, 1);
    ck_assert_uint_eq(counted.missing, 2);
}
END_TEST

START_TEST(test_restart_within_one_tick_of_the_clock)
{
    fresh();
    TAKE(0, 500, 1, 1000, "500");
    for (uint32_t s = 1; s <= 6; s++)
        TAKE(0, s, 1, 1000, ""); // nothing says yet that these are not old
    TAKE(0, 7, 1, 1001, "Rg6:7");
    fresh();
    TAKE(0, 500, 3, 1000, "500x3"); // numbers, where messages are numbered
    TAKE(0, 1, 3, 1001, "");
    TAKE(0, 4, 4, 1001, "");
    TAKE(0, 8, 2, 1001, "Rg7:8x2");
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
    TAKE(0, 14, 1, 1001, "Rg2:14");
    TAKE(0, 15, 1, 1001, "15");
}
END_TEST

START_TEST(test_no_times_or_wrong_times)
{
    for (int lie = 0; lie <= 1; lie++) {
        fresh();
        TAKE(0, 1000000, 1, lie ? UINT64_MAX : 0, "1000000");
        for (uint32_t s = 1; s < ARBITER_WEDGE_RUN; s++)
            TAKE(0, s, 1, lie ? 1000 + s : 0, "");
        TAKE(0, ARBITER_WEDGE_RUN, 1, lie ? 9999 : 0, "Rg4095:4096");
        TAKE(0, ARBITER_WEDGE_RUN + 1, 1, lie ? 9999 : 0, "4097");
        // The lie is forgotten: the next restart is seen at once.
        TAKE(0, 1, 1, 10000, "");
        TAKE(0, 2, 1, 10000, "");
        TAKE(0, 3, 1, 10000, "Rg2:3");
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

// ---- limits

START_TEST(test_kept_of_one_stream_are_bounded)
{
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(1, 100, 1, 10, ""); // a live line that says no more
    for (unsigned i = 1; i < ARBITER_KEPT; i++)
        TAKE(0, 101 + i, 1, 10, "");
    ck_assert_uint_eq(stream_at(0).kept, ARBITER_KEPT - 1);
    struct frame_info f = info(0, 101 + ARBITER_KEPT, 1, 10);
    ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
    ck_assert_int_eq(strncmp(out_text, "g1:102 103 104", 14), 0);
    ck_assert_uint_eq(stream_at(0).kept, 0);
}
END_TEST

START_TEST(test_pool_of_all_streams_is_bounded)
{
    enum { STREAMS = ARBITER_POOL / 3 + 10 };
    unsigned used = 0, forced = 0;
    fresh();
    for (unsigned c = 0; c < STREAMS; c++) {
        unsigned mine = 0;
        bool hole = true;
        for (unsigned k = 0; k < 4; k++) {
            struct frame_info f = info(0, k ? 10 + k : 1, 1, 10);
            f.channel = (uint16_t)c;
            ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
            if (k && hole &&
                used == ARBITER_POOL) { // no room: what the stream has goes at once, the hole is lost
                used -= mine;
                forced++;
                hole = false;
            } else if (k && hole) {
                used++;
                mine++;
            }
            ck_assert_msg((out_text[0] != 0) == (k == 0 || !hole), "stream %u, %u: \"%s\"", c, k, out_text);
        }
    }
    ck_assert_uint_gt(forced, 5);
    arbiter_time(arb, UINT64_MAX);
    for (unsigned c = 0; c < STREAMS; c++) {
        struct arbiter_stream s = stream_at(c);
        ck_assert_uint_eq(s.lost, 9);
        ck_assert_uint_eq(s.kept, 0);
        ck_assert_uint_eq(s.next, 14);
    }
}
END_TEST

START_TEST(test_too_long_to_be_kept)
{
    for (unsigned more = 0; more <= 1; more++) {
        fresh();
        TAKE(0, 100, 1, 10, "100");
        TAKE(0, 102, 1, 10, "");
        TAKE(0, 106, 1, 10, "");
        struct frame_info f = info(0, 104, 1, 10);
        ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + more), DROP_NONE);
        ck_assert_str_eq(out_text, more ? "g1:102 g1:104" : "");
        LATER(HOLD, more ? "g1:106" : "g1:102 g1:104 g1:106");
    }
}
END_TEST

START_TEST(test_streams)
{
    fresh();
    for (unsigned k = 0; k < 3; k++) {
        struct frame_info f = info(0, 1000 * k, 1, 10);
        f.snapshot = k == 1;
        f.channel = k == 2 ? 2 : 1;
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
        ck_assert_uint_eq(stream_at(k).snapshot, k == 1);
    }
    ck_assert_uint_eq(counted.early + counted.duplicates, 0);
    uint16_t c = 3;
    for (unsigned k = 3; k < ARBITER_STREAMS; k++, c++) {
        struct frame_info f = info(0, k, 1, 10);
        f.channel = c;
        ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
    }
    struct arbiter_stream s;
    ck_assert(!arbiter_stream(arb, ARBITER_STREAMS, &s));
    struct frame_info f = info(0, 1, 1, 10);
    f.channel = c;
    ck_assert_int_eq(take_info(&f, 16), DROP_CHANNELS);
    ck_assert_str_eq(out_text, "");
    TAKE(0, 1, 1, 10, "1"); // those that are in stay
    arbiter_bad(arb, &PROTO, &f);
    f.channel = 1;
    arbiter_bad(arb, &PROTO, &f);
    ck_assert_uint_eq(stream_at(0).line[0].bad, 1);
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
    now_ns += ARBITER_LINE_NS + 1;
    ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + 1), DROP_NONE);
    ck_assert_str_eq(out_text, "77x2");
}
END_TEST

START_TEST(test_lines_by_group)
{
    static const struct {
        uint32_t ip;
        uint64_t seq;
        const char *want;
    } steps[] = {{1, 100, "100"}, {2, 100, ""}, {1, 102, ""}, {1, 103, ""},
                 {1, 104, ""},    {1, 105, ""}, {3, 99, ""},  {2, 101, "101 102 103 104 105"}};
    uint8_t payload[16];
    fresh();
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct frame_info f = info(0, steps[i].seq, 1, 10);
        struct feed_packet p = {
            .ts_ns = now_ns, .dst_ip = steps[i].ip, .payload = payload, .len = sizeof payload};
        f.line_by_group = true;
        le64_store(payload, f.seq);
        out_text[0] = '\0';
        ck_assert_int_eq(arbiter_take(arb, &PROTO, &f, &p), DROP_NONE);
        ck_assert_str_eq(out_text, steps[i].want); // one line's loss waits for the other
    }
    ck_assert_uint_eq(stream_at(0).line[1].packets, 2);
    ck_assert_uint_eq(stream_at(0).line[0].packets, 6);
}
END_TEST

RUN_SUITE("arbiter", test_first_of_any_number, test_first_copy_wins, test_hole_fills,
          test_single_line_waits_for_so_many, test_single_line_waits_for_so_long,
          test_lost_only_when_both_lines_have_passed, test_a_line_that_lags_is_waited_for,
          test_a_lag_is_forgotten, test_dead_line_is_not_waited_for, test_several_holes, test_wrap_around,
          test_64_bits, test_widest_jump, test_overlap_by_messages, test_heartbeats,
          test_restart_with_newer_times, test_restart_on_two_lines, test_restart_within_one_tick_of_the_clock,
          test_lagging_copy_is_no_restart, test_broken_run_is_no_restart,
          test_one_wrong_number_does_not_kill_the_stream, test_no_times_or_wrong_times,
          test_reset_of_the_venue, test_reset_without_time, test_old_sequence_is_told_for_a_while_only,
          test_silence_of_all_lines_kills_none, test_kept_of_one_stream_are_bounded,
          test_pool_of_all_streams_is_bounded, test_too_long_to_be_kept, test_streams, test_unordered,
          test_lines_by_group)
