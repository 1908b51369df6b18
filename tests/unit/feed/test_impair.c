// SPDX-License-Identifier: Apache-2.0
// Impairments of two lines: what the specification says happens, to as many packets as it says, and to
// nothing else.
#include "base/test_seed.h"
#include "feed/feedtest.h"
#include "feed/gen.h"
#include "feed/gen_impair.h"
#include "feed/gen_lines.h"
#include "feed/wire.h"

#include <stdio.h>

enum { PACKETS = 20000, STEP = 1000, LEN = 5 };

struct seen {
    uint64_t ts;
    unsigned line, number;
};
static struct seen got[4 * PACKETS];
static size_t n_got;

static void take_arrived(struct impair *i, bool over)
{
    struct impair_frame f;
    while (impair_next(i, over, &f)) {
        ck_assert_uint_eq(f.len, LEN);
        ck_assert_uint_eq(f.wire, LEN + 7);
        got[n_got++] = (struct seen){f.ts_ns, f.bytes[4], le32_load(f.bytes)};
    }
}

// Sends PACKETS numbered packets on both lines, one each STEP ns.
static void run(const char *text, uint64_t seed, struct impair_counters out[IMPAIR_LINES])
{
    struct impair_spec s;
    struct err e = {""};
    ck_assert_msg(impair_parse(text, &s, &e) == 0, "%s", e.msg);
    struct impair *i = impair_new(&s, seed);
    n_got = 0;
    for (unsigned k = 0; k < PACKETS; k++)
        for (uint8_t l = 0; l < IMPAIR_LINES; l++) {
            uint8_t frame[LEN] = {[4] = l};
            le32_store(frame, k);
            ck_assert_int_eq(impair_take(i, l, (uint64_t)k * STEP, frame, LEN, LEN + 7, &e), 0);
            take_arrived(i, false);
        }
    take_arrived(i, true);
    for (unsigned l = 0; l < IMPAIR_LINES; l++)
        out[l] = *impair_counters(i, l);
    impair_free(i);
    for (size_t k = 1; k < n_got; k++)
        ck_assert_uint_ge(got[k].ts, got[k - 1].ts);
}

static void about(uint64_t n, double share)
{
    double want = PACKETS * share;
    ck_assert_msg((double)n > want * 0.8 && (double)n < want * 1.2, "%llu, expected about %.0f",
                  (unsigned long long)n, want);
}

START_TEST(test_nothing)
{
    struct impair_counters n[IMPAIR_LINES];
    run("AB:", 1, n);
    ck_assert_uint_eq(n_got, 2 * PACKETS);
    for (unsigned k = 0; k < n_got; k++) {
        ck_assert_uint_eq(got[k].number, k / 2);
        ck_assert_uint_eq(got[k].line, k % 2);
        ck_assert_uint_eq(got[k].ts, k / 2 * STEP);
    }
}
END_TEST

START_TEST(test_drop_and_dup)
{
    struct impair_counters n[IMPAIR_LINES], again[IMPAIR_LINES];
    uint64_t seed = test_seed(20261120);
    run("A:drop=0.1;B:drop=20%,dup=0.05", seed, n);
    ck_assert_uint_eq(n[0].packets, PACKETS);
    about(n[0].dropped, 0.1);
    about(n[1].dropped, 0.2);
    about(n[1].duplicates, 0.8 * 0.05);
    ck_assert_uint_eq(n[0].duplicates + n[0].reordered + n[1].reordered, 0);
    ck_assert_uint_eq(n_got, 2 * PACKETS - n[0].dropped - n[1].dropped + n[1].duplicates);
    for (size_t k = 0; k < n_got; k++)
        ck_assert_uint_eq(got[k].ts, got[k].number * STEP);
    // A line's impairments do not move the other's, nor one kind of its own the other.
    run("A:drop=0.3;B:drop=20%,dup=0.05,reorder=0.5", seed, again);
    ck_assert_uint_eq(again[1].dropped, n[1].dropped);
    ck_assert_uint_eq(again[1].duplicates, n[1].duplicates);
}
END_TEST

START_TEST(test_delay)
{
    struct impair_counters n[IMPAIR_LINES];
    run("A:delay=2.5us;B:delay=1us..9us", test_seed(20261121), n);
    unsigned next[IMPAIR_LINES] = {0};
    bool early = false, late = false;
    ck_assert_uint_eq(n_got, 2 * PACKETS);
    for (size_t k = 0; k < n_got; k++) {
        uint64_t by = got[k].ts - got[k].number * STEP;
        ck_assert_uint_eq(got[k].number, next[got[k].line]++); // in order
        if (got[k].line == 0)
            ck_assert_uint_eq(by, 2500);
        else
            ck_assert(by >= 1000 && by <= 9000);
        early = early || (got[k].line && by < 2500);
        late = late || (got[k].line && by > 8500);
    }
    ck_assert(early && late);
}
END_TEST

// Each packet taken out comes exactly so many packets later, the others stay in order.
START_TEST(test_reorder)
{
    struct impair_counters n[IMPAIR_LINES];
    for (unsigned by = 1; by <= IMPAIR_REORDER_MAX; by = by * 3 - by / 2) {
        char text[64];
        snprintf(text, sizeof text, "A:reorder=0.02/%u", by);
        run(text, test_seed(20261122), n);
        about(n[0].reordered, 0.02);
        ck_assert_uint_eq(n_got, 2 * PACKETS);
        unsigned newest = 0, late = 0;
        for (size_t k = 0; k < n_got; k++) {
            if (got[k].line != 0)
                continue;
            if (got[k].number < newest) {
                unsigned behind = newest - got[k].number;
                late++;
                ck_assert_uint_le(behind, by);
                // The newest sent may itself be one that waits; the time says it exactly, but for the end.
                ck_assert(got[k].ts == (got[k].number + by) * STEP || newest == PACKETS - 1);
            } else {
                newest = got[k].number;
            }
        }
        ck_assert_uint_le(late, n[0].reordered);
        ck_assert_uint_ge(late * 10 + 50, n[0].reordered * (by == 1 ? 9 : 8));
    }
    run("AB:reorder=1/64", 3, n); // everything is late alike
    ck_assert_uint_eq(n_got, 2 * PACKETS);
}
END_TEST

START_TEST(test_during)
{
    struct impair_counters n[IMPAIR_LINES];
    run("AB:drop=1,during=5ms..6ms", 1, n);
    ck_assert_uint_eq(n[0].dropped, 1000);
    ck_assert_uint_eq(n[1].dropped, 1000);
    for (size_t k = 0; k < n_got; k++)
        ck_assert(got[k].number < 5000 || got[k].number >= 6000);
    run("A:drop=1", 1, n);
    ck_assert_uint_eq(n[0].dropped, PACKETS);
    ck_assert_uint_eq(n_got, PACKETS);
}
END_TEST

START_TEST(test_texts)
{
    static const char *const BAD[] = {
        "",           "A",           ":drop=1",         "C:drop=1",       "BA:drop=1",       "AA:drop=1",
        "A:drop",     "A:drop=",     "A:drop=2",        "A:drop=101%",    "A:drop=1%%",      "A:drop=-0.1",
        "A:drop=nan", "A:drop=inf",  "A:drop=1e400",    "A:drop= 1",      "A:drop=0.1,",     "A:drop=0.1;",
        "A:dropp=1",  "A:delay=5",   "A:delay=61s",     "A:delay=2s..1s", "A:delay=1s..",    "A:delay=1e30s",
        "A:dup=1;A:", "A:;AB:dup=0", "A:reorder=1/0",   "A:reorder=1/65", "A:reorder=1/1.5", "A:reorder=/3",
        "A:=1",       "A:,",         "A:during=1s..1s", "A:during=1s",    "A:drop=0x1p-1x",  ";A:drop=1",
    };
    struct impair_spec s;
    struct err e;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        e.msg[0] = 0;
        ck_assert_msg(impair_parse(BAD[i], &s, &e) == -1, "'%s' was taken", BAD[i]);
        ck_assert_str_ne(e.msg, "");
    }
    ck_assert_int_eq(impair_parse("B:delay=3us,drop=0.5%,reorder=0.25/9,during=1s..2s,dup=.125;A:", &s, &e),
                     0);
    const struct impair_line *b = &s.line[1];
    ck_assert(s.line[0].named && b->named && b->drop_ppm == 5000 && b->dup_ppm == 125000);
    ck_assert(b->reorder_ppm == 250000 && b->reorder_by == 9 && b->delay_low_ns == 3000);
    ck_assert(b->delay_high_ns == 3000 && b->from_ns == 1000000000 && b->to_ns == 2000000000);
    ck_assert(s.line[0].drop_ppm == 0 && s.line[0].to_ns == UINT64_MAX);
}
END_TEST

// A decoder takes what line B was made of for the same channel's second line, checksums and all.
START_TEST(test_line_b)
{
    struct gen_config c;
    struct err e;
    uint64_t ts;
    const uint8_t *frame;
    size_t len;
    gen_config_default(&c);
    struct gen *g = gen_open(&c, &e);
    struct gen_lines *lines = gen_lines_new();
    struct feed *f = feed_new();
    struct kept k;
    enum feed_venue venue;
    for (unsigned n = 0; n < 2000 && gen_next(g, &ts, &frame, &len); n++) {
        struct gen_frame b;
        memcpy(b.buf, frame, len);
        ck_assert(gen_line_b(b.buf, len));
        ck_assert_uint_eq(gen_line_of(lines, LINK_ETHERNET, frame, len, len, &venue), 0);
        ck_assert_uint_eq(gen_line_of(lines, LINK_ETHERNET, b.buf, len, len, &venue), 1);
        ck_assert_int_eq(venue, VENUE_DERIBIT);
        test_ns = ts;
        ck_assert_int_eq(feed_exact(f, frame, len, len, &k), DROP_NONE);
        ck_assert_int_eq(feed_exact(f, b.buf, len, len, &k), DROP_NONE);
        for (size_t cut = 0; cut < len; cut++) { // never beyond
            uint8_t *copy = malloc(cut ? cut : 1);
            memcpy(copy, frame, cut);
            (void)gen_line_b(copy, cut);
            free(copy);
            cut += n > 20 ? 40 : 0;
        }
    }
    ck_assert_uint_eq(feed_counters(f)->duplicates, 2000);
    struct arbiter_stream s;
    for (size_t i = 0; arbiter_stream(feed_arbiter(f), i, &s); i++)
        ck_assert(s.line[0].first == s.line[0].packets && s.line[1].copies == s.line[1].packets);
    uint8_t noise[60] = {0};
    ck_assert_uint_eq(gen_line_of(lines, LINK_ETHERNET, noise, 60, 60, NULL), IMPAIR_NO_LINE);
    ck_assert(!gen_line_b(noise, 60));
    gen_lines_free(lines);
    feed_free(f);
    gen_close(g);
}
END_TEST

RUN_SUITE("impair", test_nothing, test_drop_and_dup, test_delay, test_reorder, test_during, test_texts,
          test_line_b)
