// SPDX-License-Identifier: Apache-2.0
// What the arbiter holds is bounded: datagrams that wait, streams, lines; and what is full is not full for
// ever.
#include "base/prng.h"
#include "base/test_seed.h"
#include "feed/arbitertest.h"

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
        ck_assert_uint_eq(counted.early, 3);
        ck_assert_uint_eq(stream_at(0).line[0].early, 3);
        LATER(HOLD, more ? "g1:106" : "g1:102 g1:104 g1:106");
    }
    // Nothing is left to wait.
    fresh();
    TAKE(0, 100, 1, 10, "100");
    TAKE(0, 102, 1, 10, "");
    struct frame_info f = info(0, 103, 1, 10);
    ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + 1), DROP_NONE);
    ck_assert_str_eq(out_text, "g1:102 103");
    ck_assert(!arbiter_due(arb, UINT64_MAX));
    TAKE(0, 105, 1, 10, "");
    LATER(HOLD, "g1:105");
    ck_assert(!arbiter_due(arb, UINT64_MAX));
    // Cut otherwise than what waits.
    TAKE(0, 107, 2, 10, "");
    TAKE(0, 108, 3, 10, "");
    f = info(1, 107, 3, 10);
    ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + 1), DROP_NONE);
    ck_assert_str_eq(out_text, "g1:107x2 107x3-2 108x3-2");
    // A heartbeat that names what one that waits has brought.
    TAKE(0, 113, 4, 10, "");
    f = info(1, 115, 0, 0);
    ck_assert_int_eq(take_info(&f, ARBITER_PAYLOAD + 1), DROP_NONE);
    ck_assert_str_eq(out_text, "g2:113x4");
    ck_assert_uint_eq(counted.duplicates, 0);
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
    arbiter_bad(arb, &PROTO, &f); // a stream that there is not
    f.channel = 1;
    arbiter_bad(arb, &PROTO, &f);
    ck_assert_uint_eq(stream_at(0).line[0].bad, 1);
    ck_assert_uint_eq(counted.streams_evicted, 0);
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
    ck_assert_uint_eq(counted.lines_moved, 0);
}
END_TEST

// ---- more streams than there is room for

static enum feed_drop take_channel(uint16_t channel, bool snapshot, uint16_t of, uint64_t seq)
{
    struct frame_info f = info(0, seq, 1, 10);
    f.channel = channel;
    f.snapshot = snapshot;
    f.stream = of;
    return take_info(&f, 16);
}

static void use(uint16_t channel, bool snapshot, uint16_t of)
{
    const struct feed_packet p = {.channel = channel, .snapshot = snapshot, .stream = of};
    arbiter_use(arb, &PROTO, &p);
}

static bool has(uint16_t channel, bool snapshot)
{
    struct arbiter_stream s;
    for (size_t i = 0; arbiter_stream(arb, i, &s); i++)
        if (s.channel == channel && s.snapshot == snapshot)
            return true;
    return false;
}

// Channels 0, 1, ... each heard one microsecond after the one before.
static void fill(void)
{
    fresh();
    for (unsigned c = 0; c < ARBITER_STREAMS; c++, now_ns += 1000)
        ck_assert_int_eq(take_channel((uint16_t)c, false, (uint16_t)c, 1), DROP_NONE);
}

START_TEST(test_the_one_silent_longest_goes)
{
    fill();
    ck_assert_int_eq(take_channel(0, false, 0, 2), DROP_NONE);
    ck_assert_int_eq(take_channel(60000, false, 60000, 7), DROP_NONE);
    ck_assert_str_eq(out_text, "R7"); // it may have been here before
    ck_assert(has(0, false) && !has(1, false) && has(2, false) && has(60000, false));
    ck_assert_uint_eq(counted.streams_evicted, 1);
    ck_assert_int_eq(take_channel(60000, false, 60000, 8), DROP_NONE);
    ck_assert_str_eq(out_text, "8");
    ck_assert_int_eq(take_channel(1, false, 1, 5), DROP_NONE); // back, and nobody knows what it missed
    ck_assert_str_eq(out_text, "R5");
    ck_assert(!has(2, false));
    ck_assert_uint_eq(counted.streams_evicted, 2);
    ck_assert_uint_eq(counted.restarts, 2);
    struct frame_info f = info(0, 9, 1, 10); // the same for what has no place in a sequence
    f.channel = 60001;
    f.unordered = f.snapshot = true;
    ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
    ck_assert_str_eq(out_text, "R9");
    f.seq = 10;
    ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
    ck_assert_str_eq(out_text, "10");
    ck_assert_uint_eq(counted.restarts, 3);
}
END_TEST

START_TEST(test_what_is_used_stays)
{
    fill();
    use(0, false, 0);
    use(5, false, 5);
    use(40000, false, 40000);                                        // not there
    ck_assert_int_eq(take_channel(0, true, 0, 1), DROP_NONE);        // of a used one; 1 goes
    ck_assert_int_eq(take_channel(3000, false, 3000, 3), DROP_NONE); // waits for 2
    for (unsigned k = 0; k < 2 * ARBITER_STREAMS; k++, now_ns += 1000)
        ck_assert_int_eq(take_channel((uint16_t)(4000 + k), false, (uint16_t)(4000 + k), 1), DROP_NONE);
    ck_assert(has(0, false) && has(0, true) && has(5, false) && !has(1, false));
    unsigned used = 0;
    for (unsigned i = 0; i < ARBITER_STREAMS; i++)
        used += stream_at(i).used;
    ck_assert_uint_eq(used, 3);
    ck_assert_uint_eq(counted.streams_evicted, 2 * ARBITER_STREAMS + 1);
    ck_assert_int_eq(take_channel(5, false, 5, 2), DROP_NONE);
    ck_assert_str_eq(out_text, "2");
}
END_TEST

// A snapshot's use keeps its live stream, too, and the other snapshots of that.
START_TEST(test_use_reaches_all_of_a_channel)
{
    fresh();
    ck_assert_int_eq(take_channel(9, false, 9, 1), DROP_NONE);
    ck_assert_int_eq(take_channel(109, true, 9, 1), DROP_NONE);
    ck_assert_int_eq(take_channel(209, true, 9, 1), DROP_NONE);
    ck_assert_int_eq(take_channel(8, false, 8, 1), DROP_NONE);
    use(109, true, 9);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(stream_at(i).used, i < 3);
}
END_TEST

// What holds datagrams back does not go before they have.
START_TEST(test_what_waits_stays)
{
    fill();
    for (unsigned c = 0; c < ARBITER_STREAMS; c++)
        if (c != 7 && c != 8)
            use((uint16_t)c, false, (uint16_t)c);
    now_ns = UINT64_C(1000000000000) + ARBITER_STREAMS * 1000;
    ck_assert_int_eq(take_channel(7, false, 7, 3), DROP_NONE); // 7 waits for 2
    ck_assert_int_eq(take_channel(60000, false, 60000, 1), DROP_NONE);
    ck_assert(has(7, false) && !has(8, false));
    ck_assert_int_eq(take_channel(60000, false, 60000, 4), DROP_NONE); // this one, too
    ck_assert_int_eq(take_channel(60001, false, 60001, 1), DROP_CHANNELS);
    ck_assert_str_eq(out_text, "");
    LATER(HOLD, "g2:4 g1:3");
    struct frame_info f = info(0, 2, 1, 11); // a run
    f.channel = f.stream = 7;
    ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
    use(60000, false, 60000);
    ck_assert_int_eq(take_channel(60001, false, 60001, 1), DROP_CHANNELS);
    ck_assert_int_eq(take_channel(7, false, 7, 4), DROP_NONE); // it was none
    ck_assert_int_eq(take_channel(60001, false, 60001, 1), DROP_NONE);
    ck_assert(!has(7, false) && has(60001, false));
}
END_TEST

// Random arrivals against a plain list: who goes is the one silent longest, and every stream that has a place
// is found, with its own number.
START_TEST(test_places_change_hands)
{
    enum { CHANNELS = 1 << 13 };
    static uint64_t next[CHANNELS], heard[CHANNELS]; // heard 0: has no place
    struct prng rnd;
    unsigned places = 0, gone = 0;
    prng_seed(&rnd, test_seed(20261127));
    fresh();
    for (unsigned i = 0; i < 60000; i++, now_ns += 1000) {
        uint16_t c = (uint16_t)prng_below(&rnd, CHANNELS);
        char want[32];
        bool is_new = heard[c] == 0;
        if (is_new && places++ == ARBITER_STREAMS) {
            unsigned first = 0;
            for (unsigned k = 0; k < CHANNELS; k++)
                if (heard[k] && (!heard[first] || heard[k] < heard[first]))
                    first = k;
            heard[first] = 0;
            gone++;
            places--;
        }
        if (is_new)
            next[c] = 1 + prng_below(&rnd, 1000);
        heard[c] = now_ns;
        ck_assert_int_eq(take_channel(c, false, c, next[c]), DROP_NONE);
        (void)snprintf(want, sizeof want, "%s%" PRIu64, is_new && gone ? "R" : "", next[c]++);
        ck_assert_str_eq(out_text, want);
    }
    ck_assert_uint_gt(gone, 1000);
    ck_assert_uint_eq(counted.streams_evicted, gone);
    for (unsigned i = 0; i < ARBITER_STREAMS; i++) {
        struct arbiter_stream s = stream_at(i);
        ck_assert(heard[s.channel] != 0);
        ck_assert_uint_eq(s.next, next[s.channel]);
        heard[s.channel] = 0;
    }
}
END_TEST

static void take_group(uint32_t ip, uint64_t seq, const char *want)
{
    uint8_t payload[16] = {0};
    struct frame_info f = info(0, seq, 1, 10);
    struct feed_packet p = {.ts_ns = now_ns, .dst_ip = ip, .payload = payload, .len = sizeof payload};
    f.line_by_group = true;
    le64_store(payload, f.seq);
    out_text[0] = '\0';
    ck_assert_int_eq(arbiter_take(arb, &PROTO, &f, &p), DROP_NONE);
    ck_assert_str_eq(out_text, want);
}

// A destination that is heard no more gives its line to a new one; one that is heard does not.
START_TEST(test_a_silent_line_is_given_away)
{
    fresh();
    take_group(1, 100, "100");
    take_group(9, 100, ""); // a stray one, before the real line B
    now_ns += ARBITER_LINE_NS;
    take_group(1, 101, "101");
    take_group(2, 101, ""); // not yet
    ck_assert_uint_eq(stream_at(0).line[0].packets, 3);
    now_ns += 1;
    take_group(1, 102, "102");
    take_group(2, 102, "");
    ck_assert_uint_eq(counted.lines_moved, 1);
    ck_assert_uint_eq(stream_at(0).line[1].packets, 2);
    ck_assert_uint_eq(stream_at(0).line[1].lost, 0); // what the stray one did not bring is not its
    take_group(1, 104, "");
    take_group(1, 105, "");
    take_group(1, 106, "");
    take_group(1, 107, "");
    take_group(2, 103, "103 104 105 106 107");
    // After a silence of both, neither has lost its claim.
    now_ns += 6 * ARBITER_LINE_NS;
    take_group(3, 100, "");
    ck_assert_uint_eq(counted.lines_moved, 1);
}
END_TEST

RUN_SUITE("arbiter_limits", test_kept_of_one_stream_are_bounded, test_pool_of_all_streams_is_bounded,
          test_too_long_to_be_kept, test_streams, test_lines_by_group, test_the_one_silent_longest_goes,
          test_what_is_used_stays, test_use_reaches_all_of_a_channel, test_what_waits_stays,
          test_places_change_hands, test_a_silent_line_is_given_away)
