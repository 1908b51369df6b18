// SPDX-License-Identifier: Apache-2.0
// The generator against the decoder: counts, reasons of damage, impairments, the price path; and the decoder
// against the generator's frames cut at every byte and mutated at random (meant for the sanitizer build).
#include "base/prng.h"
#include "base/test_seed.h"
#include "feed/feedtest.h"
#include "feed/gen.h"
#include "feed/names.h"
#include "feed/wire.h"

#include <stdio.h>

static struct gen *open_gen(const struct gen_config *c)
{
    struct err err = {""};
    struct gen *g = gen_open(c, &err);
    ck_assert_msg(g != NULL, "%s", err.msg);
    return g;
}

static struct gen_config config(uint64_t seed)
{
    struct gen_config c;
    gen_config_default(&c);
    c.seed = seed;
    return c;
}

// Feeds everything and compares both sides' counts. Returns packets not delivered for their sequence.
static void run_both(const struct gen_config *c)
{
    struct gen *g = open_gen(c);
    struct feed *f = feed_new();
    struct kept k;
    uint64_t ts, before = 0;
    const uint8_t *frame;
    size_t len;
    while (gen_next(g, &ts, &frame, &len)) {
        ck_assert_uint_ge(ts, before);
        before = test_ns = ts;
        feed_exact(f, frame, len, gen_wire_len(g), &k);
    }
    feed_wait(f, &k);
    const struct gen_stats *s = gen_stats(g);
    const struct feed_counters *n = feed_counters(f);
    ck_assert_uint_eq(n->frames, s->frames);
    ck_assert_uint_eq(n->packets, s->packets);
    ck_assert_uint_eq(n->messages, s->messages);
    ck_assert_uint_eq(n->tickers, s->tickers);
    ck_assert_uint_eq(n->indexes, s->indexes);
    ck_assert_uint_eq(n->instruments, s->instruments);
    ck_assert_uint_eq(n->other_messages, s->other_messages);
    ck_assert_uint_eq(n->bad_layouts, 0);
    ck_assert_uint_eq(n->restarts, 0);
    ck_assert_uint_eq(n->duplicates, s->duplicates);
    ck_assert_uint_eq(s->packets - s->duplicates + s->dropped, c->packets);
    for (unsigned d = 0; d < DROP_COUNT; d++)
        ck_assert_msg(n->drop[d] == s->damaged[d], "%s: %llu, expected %llu",
                      feed_drop_name((enum feed_drop)d), (unsigned long long)n->drop[d],
                      (unsigned long long)s->damaged[d]);
    // What was left out at a channel's very start or end cannot be missed by anyone.
    ck_assert_uint_le(n->missing, s->dropped);
    ck_assert_uint_ge(n->missing + 60, s->dropped);
    ck_assert_uint_eq(n->gaps != 0, c->drop_ppm != 0);
    gen_close(g);
    feed_free(f);
}

START_TEST(test_counts_agree)
{
    uint64_t seed = test_seed(20261120);
    for (unsigned path = GEN_CALM; path <= GEN_GAP; path++) {
        struct gen_config c = config(seed + path);
        c.path = (enum gen_path)path;
        run_both(&c);
    }
}
END_TEST

START_TEST(test_impairments_are_counted)
{
    struct gen_config c = config(test_seed(20261121));
    c.packets = 20000;
    c.drop_ppm = 30000;
    c.dup_ppm = 40000;
    c.corrupt_ppm = 300000;
    run_both(&c);
    c.drop_ppm = GEN_PPM; // nothing at all
    struct gen *g = open_gen(&c);
    uint64_t ts;
    const uint8_t *frame;
    size_t len;
    ck_assert(!gen_next(g, &ts, &frame, &len));
    ck_assert_uint_eq(gen_stats(g)->dropped, 20000);
    gen_close(g);
}
END_TEST

START_TEST(test_impairments_leave_the_stream)
{
    struct gen_config plain = config(5), impaired = config(5);
    impaired.dup_ppm = 200000;
    impaired.corrupt_ppm = 200000;
    struct gen *a = open_gen(&plain), *b = open_gen(&impaired);
    uint64_t ts_a, ts_b;
    const uint8_t *fa, *fb;
    size_t len_a, len_b;
    for (unsigned n = 0; n < 5000; n++) {
        ck_assert(gen_next(a, &ts_a, &fa, &len_a));
        for (;;) { // skip what was added
            ck_assert(gen_next(b, &ts_b, &fb, &len_b));
            if (len_a == len_b && !memcmp(fa, fb, len_a))
                break;
        }
    }
    ck_assert(!gen_next(a, &ts_a, &fa, &len_a));
    gen_close(a);
    gen_close(b);
}
END_TEST

START_TEST(test_configuration_is_checked)
{
    for (int i = 0; i < 9; i++) {
        struct gen_config c = config(1);
        struct err err = {""};
        if (i == 0)
            c.packets = 0;
        else if (i == 1)
            c.packets = GEN_PACKETS_MAX + 1;
        else if (i == 2)
            c.rate_pps = 0;
        else if (i == 3)
            c.rate_pps = GEN_RATE_MAX + 1;
        else if (i == 4)
            c.instruments = 0;
        else if (i == 5)
            c.instruments = 1u << GEN_INSTRUMENT_MAX;
        else if (i == 6)
            c.drop_ppm = GEN_PPM + 1;
        else if (i == 7)
            c.dup_ppm = GEN_PPM + 1;
        else
            c.corrupt_ppm = GEN_PPM + 1;
        ck_assert_ptr_null(gen_open(&c, &err));
        ck_assert_str_ne(err.msg, "");
    }
    struct err err = {""};
    uint32_t mask = 0;
    ck_assert_int_eq(gen_parse_instruments("ETH-PERPETUAL,PEPE_USDC-PERPETUAL", &mask, &err), 0);
    ck_assert_uint_eq(mask, 0x82);
    ck_assert_int_eq(gen_parse_instruments("ETH-PERPETUAL,", &mask, &err), -1);
    ck_assert_int_eq(gen_parse_instruments("ETH-PERPETUA", &mask, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.msg, "'ETH-PERPETUA'"));
}
END_TEST

START_TEST(test_paths)
{
    enum { STEPS = 100000 };
    static const struct {
        enum gen_path path;
        double low, end_min, end_max;
    } cases[] = {{GEN_CALM, 0.98, 0.98, 1.02},
                 {GEN_TREND, 0.85, 0.85, 0.91},
                 {GEN_CRASH, 0.72, 0.83, 0.88},
                 {GEN_GAP, 0.86, 0.86, 0.90}};
    for (size_t i = 0; i < 4; i++) {
        struct path p;
        path_init(&p, test_seed(3), cases[i].path, STEPS, 1000000);
        int64_t start = 6400000, low = start, before = start, worst = 0;
        for (int k = 0; k < STEPS; k++) {
            path_step(&p);
            int64_t v = path_price(&p, ASSET_BTC, start, 0);
            worst = before - v > worst ? before - v : worst;
            low = v < low ? v : low;
            before = v;
            ck_assert_int_gt(path_price(&p, ASSET_PEPE, 110000, 1), 0);
        }
        double end = (double)before / (double)start;
        ck_assert_double_ge((double)low / (double)start, cases[i].low);
        ck_assert_double_ge(end, cases[i].end_min);
        ck_assert_double_le(end, cases[i].end_max);
        // Only the gap falls by more than a small step at once.
        ck_assert_int_eq(worst > start / 10, cases[i].path == GEN_GAP);
        ck_assert_int_eq(worst > start / 1000, cases[i].path == GEN_GAP);
    }
}
END_TEST

START_TEST(test_assets_move_together)
{
    struct path p;
    path_init(&p, 11, GEN_CALM, 100000, 1000000);
    int64_t moves = 0, same = 0, btc = 0, eth = 0;
    for (int k = 1; k <= 100000; k++) {
        path_step(&p);
        if (k % 100)
            continue;
        int64_t b = path_price(&p, ASSET_BTC, 1000000000, 0), e = path_price(&p, ASSET_ETH, 1000000000, 0);
        same += (b > btc) == (e > eth);
        moves++;
        btc = b;
        eth = e;
    }
    ck_assert_int_gt(same * 100, moves * 70);
    ck_assert_int_lt(same, moves); // but not the same path
}
END_TEST

// ---- the decoder under damage

START_TEST(test_every_cut_of_real_frames)
{
    struct gen_config c = config(test_seed(20261122));
    struct gen *g = open_gen(&c);
    struct feed *f = feed_new();
    struct kept k;
    uint64_t ts;
    const uint8_t *frame;
    size_t len;
    for (unsigned n = 0; n < 300 && gen_next(g, &ts, &frame, &len); n++) {
        ck_assert_int_eq(feed_exact(f, frame, len, len, &k), DROP_NONE);
        size_t datagram = len; // padding may be cut off without harm
        while (datagram > 0 && feed_exact(f, frame, datagram - 1, len, &k) == DROP_NONE)
            datagram--;
        for (size_t cut = 0; cut < datagram; cut++) {
            ck_assert_int_eq(feed_exact(f, frame, cut, len, &k), DROP_TRUNCATED);
            ck_assert_int_ne(feed_exact(f, frame, cut, cut, &k), DROP_NONE);
            ck_assert_uint_eq(k.msgs + k.ends, 0);
        }
    }
    gen_close(g);
    feed_free(f);
}
END_TEST

// Cuts the UDP payload too, with all lengths around it made right: the decoder's own checks must hold alone.
START_TEST(test_every_cut_of_payloads)
{
    struct gen_config c = config(test_seed(20261123));
    struct gen *g = open_gen(&c);
    struct feed *f = feed_new();
    struct kept k;
    uint64_t ts;
    const uint8_t *frame;
    size_t len;
    uint32_t whole = 0;
    for (unsigned n = 0; n < 200 && gen_next(g, &ts, &frame, &len); n++) {
        kept_clear(&k);
        struct feed_sink sink = kept_sink(&k);
        ck_assert_int_eq(feed_frame(f, ts, frame, len, len, &sink), DROP_NONE);
        for (size_t cut = 0; cut < k.last.len; cut++) {
            uint8_t payload[FRAME_PAYLOAD_MAX];
            struct kept cut_kept;
            memcpy(payload, k.last.payload, cut);
            struct gen_frame w = wrap(payload, cut, (struct frame_options){0});
            ck_assert_int_ne(feed_exact(f, w.buf, w.len, w.wire, &cut_kept), DROP_NONE);
            if (cut < 8)
                continue;
            le16_store(payload, (uint16_t)(cut - 8));
            le16_store(payload + 2, 999); // a channel of its own, so that no sequence stands in the way
            le32_store(payload + 4, whole);
            w = wrap(payload, cut, (struct frame_options){0});
            enum feed_drop why = feed_exact(f, w.buf, w.len, w.wire, &cut_kept);
            // A cut between two messages leaves a packet that adds up; nothing else may.
            ck_assert(why != DROP_NONE || cut_kept.ends == 1);
            whole += why == DROP_NONE;
            if (why != DROP_NONE)
                ck_assert_uint_eq(cut_kept.msgs + cut_kept.ends, 0);
        }
    }
    gen_close(g);
    feed_free(f);
}
END_TEST

static void mutate(uint8_t *at, size_t len, struct prng *r)
{
    for (uint64_t changes = 1 + prng_below(r, 4); changes; changes--) {
        size_t i = prng_below(r, len);
        switch (prng_below(r, 4)) {
        case 0:
            at[i] = (uint8_t)prng_u64(r);
            break;
        case 1:
            at[i] ^= (uint8_t)(1u << prng_below(r, 8));
            break;
        case 2:
            at[i] = prng_chance(r, 1, 2) ? 0xff : 0;
            break;
        default:
            at[i]++;
            break;
        }
    }
}

START_TEST(test_mutations)
{
    const unsigned rounds = test_rounds(200000);
    uint64_t seed = test_seed(20261124);
    struct prng r;
    prng_seed(&r, seed);
    struct gen_config c = config(seed);
    struct feed *f = feed_new();
    struct gen *g = open_gen(&c);
    struct kept k;
    uint64_t ts, whole = 0, ends = 0;
    const uint8_t *frame;
    size_t len;
    for (unsigned n = 0; n < rounds; n++) {
        uint8_t copy[FRAME_ROOM];
        if (!gen_next(g, &ts, &frame, &len)) {
            gen_close(g);
            c.seed++;
            g = open_gen(&c);
            ck_assert(gen_next(g, &ts, &frame, &len));
        }
        memcpy(copy, frame, len);
        // Mostly behind the network headers, where the lengths of the feed itself are.
        size_t from = prng_chance(&r, 1, 4) ? 0 : 42;
        mutate(copy + from, len - from, &r);
        test_ns += prng_below(&r, ARBITER_HOLD_NS / 2);
        enum feed_drop why = feed_exact(f, copy, len, len, &k);
        ck_assert_int_lt(why, DROP_COUNT);
        ends += k.ends;
        whole += why == DROP_NONE;
        if (why != DROP_NONE)
            ck_assert_uint_eq(k.msgs + k.ends, 0);
    }
    kept_clear(&k);
    struct feed_sink sink = kept_sink(&k);
    feed_time(f, UINT64_MAX, &sink); // what waits, and what may have been a new sequence's
    ends += k.ends;
    const struct feed_counters *n = feed_counters(f);
    uint64_t dropped = 0;
    ck_assert_uint_eq(n->packets, ends + n->duplicates);
    for (unsigned d = 0; d < DROP_COUNT; d++)
        dropped += n->drop[d];
    ck_assert_uint_eq(n->frames, rounds);
    ck_assert_uint_eq(n->packets, whole);
    ck_assert_uint_eq(dropped + whole, rounds);
    ck_assert_uint_gt(whole, rounds / 10); // the mutations reached the inside
    ck_assert_uint_gt(n->drop[DROP_BAD_MESSAGE], 100);
    gen_close(g);
    feed_free(f);
}
END_TEST

START_TEST(test_names)
{
    struct names *n = names_new();
    char name[64];
    ck_assert_str_eq(names_get(n, 5), "");
    for (uint64_t i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "N-%llu", (unsigned long long)i);
        ck_assert_int_eq(names_put(n, i * UINT64_C(0x100000001), name), 0);
    }
    ck_assert_int_eq(names_put(n, 0, "NEWER"), 0);
    ck_assert_str_eq(names_get(n, 0), "NEWER");
    for (uint64_t i = 1; i < 5000; i++) {
        snprintf(name, sizeof name, "N-%llu", (unsigned long long)i);
        ck_assert_str_eq(names_get(n, i * UINT64_C(0x100000001)), name);
    }
    ck_assert_str_eq(names_get(n, 7), "");
    ck_assert_int_eq(names_put(n, 7, ""), -1);
    memset(name, 'x', sizeof name);
    ck_assert_int_eq(names_put(n, 7, name), -1);
    names_free(n);
    names_free(NULL);
}
END_TEST

START_TEST(test_drop_names)
{
    for (unsigned d = 0; d < DROP_COUNT; d++) {
        ck_assert_ptr_nonnull(feed_drop_name((enum feed_drop)d));
        for (unsigned e = 0; e < d; e++)
            ck_assert_str_ne(feed_drop_name((enum feed_drop)d), feed_drop_name((enum feed_drop)e));
    }
}
END_TEST

RUN_SUITE("gen", test_counts_agree, test_impairments_are_counted, test_impairments_leave_the_stream,
          test_configuration_is_checked, test_paths, test_assets_move_together, test_every_cut_of_real_frames,
          test_every_cut_of_payloads, test_mutations, test_names, test_drop_names)
