// SPDX-License-Identifier: Apache-2.0
// Deribit's packets: walking past what is not known, refusing what does not add up, recognition, sequences
// and channels, the encoder's bounds.
#include "feed/deribittest.h"

// Templates with groups, nested groups and strings between prices: only their lengths are believed.
START_TEST(test_walks_past_everything)
{
    struct deribit_ticker t = test_ticker(1, 5000);
    struct deribit_level levels[3] = {{.bid = true, .price = 1}, {.price = 2}, {.price = 3}};
    struct deribit_trade trades[2] = {{.price = 4}, {.price = 5}};
    begin(1);
    deribit_put_trades(&b.e, 1, trades, 2);
    deribit_put_ticker(&b.e, &t);
    deribit_put_book(&b.e, 1, 5000, 1, 2, levels, 3);
    deribit_put_snapshot(&b.e, 1, 5000, 2, levels, 0);
    deribit_put_snapshot_start(&b.e, 200);
    deribit_put_snapshot_end(&b.e);
    deribit_put_message(&b.e, 60000, 9, 3, 2, 2);
    deribit_put_group(&b.e, 1, 2, 2, 1); // two entries, each with two groups and a string
    for (int entry = 0; entry < 2; entry++) {
        deribit_put_bytes(&b.e, 1);
        deribit_put_group(&b.e, 0, 0, 0, 0);
        deribit_put_group(&b.e, 0, 2, 0, 1); // entries of a string alone
        deribit_put_string(&b.e, "inner");
        deribit_put_string(&b.e, "");
        deribit_put_string(&b.e, "outer");
    }
    deribit_put_group(&b.e, 7, 0, 3, 3);
    deribit_put_string(&b.e, "one");
    deribit_put_string(&b.e, "two");
    deribit_put_index(&b.e, "eth_usd", 3200.0, 5001);
    send_ok(5); // two trades, the ticker, the quote of the empty snapshot, the index
    ck_assert_uint_eq(kept.msg[2].msg_idx, 1);
    ck_assert_uint_eq(kept.msg[3].kind, FEED_QUOTE);
    ck_assert_uint_eq(kept.msg[4].msg_idx, 7);
    ck_assert_str_eq(kept.msg[4].name, "eth_usd");
    const struct feed_counters *n = feed_counters(feed);
    ck_assert_uint_eq(n->messages, 8);
    ck_assert_uint_eq(n->other_messages, 6);
    ck_assert_uint_eq(n->unknown_templates, 1);
    ck_assert_uint_eq(n->bad_layouts, 0);
}
END_TEST

// A ticker, then a message made by `damage`; the whole packet must be refused and leave no trace but a count.
static void refused(void (*damage)(void))
{
    struct deribit_ticker t = test_ticker(1, 5000);
    begin(50);
    deribit_put_ticker(&b.e, &t);
    damage();
    ck_assert_int_eq(send(), DROP_BAD_MESSAGE);
    ck_assert_uint_eq(kept.msgs, 0);
    ck_assert_uint_eq(kept.ends, 0);
    ck_assert_uint_eq(feed_counters(feed)->messages, 0);
    ck_assert_uint_eq(feed_counters(feed)->drop[DROP_BAD_MESSAGE], 1);
    feed_free(feed);
    feed = NULL;
}

static void other_schema(void)
{
    le16_store(deribit_put_message(&b.e, 1003, 2, 133, 0, 0) - 12 + MSG_SCHEMA, 2);
}
static void block_overrun(void)
{
    le16_store(deribit_put_message(&b.e, 1001, 2, 29, 0, 0) - 12 + MSG_BLOCK, 30);
}
static void header_cut(void)
{
    deribit_put_bytes(&b.e, MSG_HEADER - 1);
}
static void one_byte_over(void)
{
    deribit_put_bytes(&b.e, 1);
}
static void group_missing(void)
{
    deribit_put_message(&b.e, 1001, 2, 29, 1, 0);
}
static void string_missing(void)
{
    deribit_put_message(&b.e, 1000, 2, 140, 0, 1);
}
static void group_overrun(void)
{
    deribit_put_message(&b.e, 1001, 2, 29, 1, 0);
    deribit_put_group(&b.e, 18, 2, 0, 0);
    deribit_put_bytes(&b.e, 35);
}
static void string_overrun(void)
{
    deribit_put_message(&b.e, 1000, 2, 140, 0, 1);
    deribit_put_string(&b.e, "NAME");
    b.e.buf[b.e.len - 5]++;
}
static void empty_entries(void)
{
    deribit_put_message(&b.e, 1001, 2, 29, 1, 0);
    deribit_put_group(&b.e, 0, 65535, 0, 0);
}
// Groups in groups, `levels` of them; lengths are right.
static void nest(int levels)
{
    deribit_put_message(&b.e, 1042, 2, 0, 1, 0);
    for (int level = 1; level < levels; level++)
        deribit_put_group(&b.e, 0, 1, 1, 0);
    deribit_put_group(&b.e, 0, 0, 0, 0);
}
static void too_deep(void)
{
    nest(5);
}
static void nested_overrun(void)
{
    deribit_put_message(&b.e, 1042, 2, 0, 1, 0);
    deribit_put_group(&b.e, 1, 65535, 65535, 65535);
    deribit_put_bytes(&b.e, 200);
}

START_TEST(test_refuses_packets_that_do_not_add_up)
{
    void (*const damages[])(void) = {other_schema,  block_overrun,  header_cut,    one_byte_over,
                                     group_missing, string_missing, group_overrun, string_overrun,
                                     empty_entries, too_deep,       nested_overrun};
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        refused(damages[i]);
}
END_TEST

START_TEST(test_deepest_nesting)
{
    begin(1);
    nest(4);
    deribit_put_index(&b.e, "btc_usd", 1.0, 1);
    send_ok(1);
}
END_TEST

START_TEST(test_refused_packet_is_a_gap)
{
    struct deribit_ticker t = test_ticker(1, 5000);
    begin(1);
    deribit_put_ticker(&b.e, &t);
    send_ok(1);
    begin(2);
    deribit_put_ticker(&b.e, &t);
    one_byte_over();
    ck_assert_int_eq(send(), DROP_BAD_MESSAGE);
    begin(3);
    deribit_put_ticker(&b.e, &t);
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert_uint_eq(kept.ends, 0); // a good copy of 2 may still come
    feed_wait(feed, &kept);
    ck_assert_uint_eq(kept.msgs, 1);
    ck_assert_uint_eq(kept.last.gap, 1);
    ck_assert_uint_eq(feed_counters(feed)->missing, 1);
}
END_TEST

START_TEST(test_frame_length)
{
    for (int change = -3; change <= 3; change++) {
        struct deribit_ticker t = test_ticker(1, 5000);
        begin((uint32_t)(10 + change));
        deribit_put_ticker(&b.e, &t);
        size_t len = deribit_end(&b.e);
        le16_store(b.bytes + FRAME_LENGTH, (uint16_t)((int)(len - FRAME_HEADER) + change));
        struct gen_frame g = wrap(b.bytes, len, (struct frame_options){0});
        ck_assert_int_eq(feed_exact(feed, g.buf, g.len, g.wire, &kept), change ? DROP_BAD_LENGTH : DROP_NONE);
    }
}
END_TEST

START_TEST(test_not_recognised)
{
    // What the probe looks at, one field at a time.
    static const struct {
        size_t offset;
        uint16_t value;
    } changes[] = {{MSG_SCHEMA, 0},    {MSG_SCHEMA, 2},      {MSG_SCHEMA, 2102}, {MSG_TEMPLATE, 999},
                   {MSG_TEMPLATE, 36}, {MSG_TEMPLATE, 1100}, {MSG_VERSION, 0},   {MSG_VERSION, 64},
                   {MSG_GROUPS, 16},   {MSG_VARS, 16}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct deribit_ticker t = test_ticker(1, 5000);
        begin(1);
        deribit_put_ticker(&b.e, &t);
        le16_store(b.bytes + FRAME_HEADER + changes[i].offset, changes[i].value);
        ck_assert_int_eq(send(), DROP_UNKNOWN);
    }
    ck_assert_ptr_null(feed_protocol(feed));
    for (size_t len = 0; len < FRAME_HEADER + MSG_HEADER; len++) {
        struct gen_frame g = wrap(b.bytes, len, (struct frame_options){0});
        ck_assert_int_eq(feed_exact(feed, g.buf, g.len, g.wire, &kept), DROP_UNKNOWN);
    }
}
END_TEST

START_TEST(test_sequence_and_duplicates)
{
    static const struct {
        uint32_t seq, gap;
        unsigned delivered, later;
    } steps[] = {{100, 0, 1, 0}, {101, 0, 1, 0}, {101, 0, 0, 0}, {104, 2, 0, 1}, {103, 0, 0, 0},
                 {105, 0, 1, 0}, {100, 0, 0, 0}, {107, 0, 0, 0}, {106, 0, 2, 0}, {108, 0, 1, 0}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct deribit_ticker t = test_ticker(1, 5000);
        begin(steps[i].seq);
        deribit_put_ticker(&b.e, &t);
        ck_assert_int_eq(send(), DROP_NONE);
        ck_assert_uint_eq(kept.ends, steps[i].delivered);
        ck_assert_uint_eq(kept.msgs, steps[i].delivered);
        if (steps[i].later) {
            feed_wait(feed, &kept);
            ck_assert_uint_eq(kept.ends, steps[i].later);
            ck_assert_uint_eq(kept.last.gap, steps[i].gap);
        }
    }
    const struct feed_counters *n = feed_counters(feed);
    ck_assert_uint_eq(n->packets, 10);
    ck_assert_uint_eq(n->duplicates, 3);
    ck_assert_uint_eq(n->gaps, 1);
    ck_assert_uint_eq(n->missing, 2);
    ck_assert_uint_eq(n->early, 2);
    ck_assert_uint_eq(n->tickers, 7);
    ck_assert_uint_eq(n->messages, 7);
}
END_TEST

START_TEST(test_channels_are_apart)
{
    struct deribit_ticker t = test_ticker(1, 5000);
    for (uint16_t channel = 0; channel < 50; channel++) {
        begin(0);
        build_begin(&b, channel, 1000u * channel);
        deribit_put_ticker(&b.e, &t);
        send_ok(1);
    }
    ck_assert_uint_eq(feed_counters(feed)->gaps, 0);
}
END_TEST

START_TEST(test_restart_is_told)
{
    for (uint32_t k = 0; k < 4; k++) {
        static const uint32_t seqs[] = {700, 1, 2, 3};
        struct deribit_ticker t = test_ticker(1, 5000 + k);
        begin(seqs[k]);
        deribit_put_ticker(&b.e, &t);
        ck_assert_int_eq(send(), DROP_NONE);
        ck_assert_uint_eq(kept.ends, k == 0 ? 1 : k == 3 ? 3 : 0);
    }
    ck_assert_uint_eq(kept.msgs, 3); // the whole of the new sequence
    ck_assert_uint_eq(feed_counters(feed)->restarts, 1);
    ck_assert_uint_eq(feed_counters(feed)->gaps, 0);
}
END_TEST

// The exchange time that tells a restart from old copies is found in each kind of message that has one.
START_TEST(test_times_of_all_messages)
{
    for (int kind = 0; kind < 5; kind++) {
        feed = NULL;
        for (uint32_t k = 0; k < 4; k++) {
            static const uint32_t seqs[] = {700, 1, 2, 3};
            struct deribit_ticker t = test_ticker(1, 5000 + k);
            begin(seqs[k]);
            if (kind == 0)
                deribit_put_book(&b.e, 1, t.ts_ms, 1, 2, NULL, 0);
            else if (kind == 1)
                deribit_put_snapshot(&b.e, 1, t.ts_ms, 1, NULL, 0);
            else if (kind == 2)
                deribit_put_quote(&b.e, &t);
            else if (kind == 3)
                deribit_put_index(&b.e, "btc_usd", 1.0, t.ts_ms);
            else
                deribit_put_ticker(&b.e, &t);
            ck_assert_int_eq(send(), DROP_NONE);
        }
        ck_assert_uint_eq(feed_counters(feed)->restarts, 1);
        feed_free(feed);
    }
}
END_TEST

START_TEST(test_too_many_channels)
{
    struct deribit_ticker t = test_ticker(1, 5000);
    for (uint32_t channel = 0; channel < 4000; channel++) {
        begin(0);
        build_begin(&b, (uint16_t)channel, 1);
        deribit_put_ticker(&b.e, &t);
        // Of the four that are not used (100 + N belongs to N) one goes for each new one; then none is left.
        ck_assert_int_eq(send(), channel < ARBITER_STREAMS + 4 ? DROP_NONE : DROP_CHANNELS);
        ck_assert_uint_eq(kept.msgs, channel < ARBITER_STREAMS + 4);
        if (kept.msgs && kept.last.stream % 1000 != 0)
            feed_use(feed, &kept.last);
    }
    ck_assert_uint_eq(feed_counters(feed)->streams_evicted, 4);
    ck_assert_uint_eq(feed_counters(feed)->restarts, 4);
    ck_assert_uint_eq(feed_counters(feed)->drop[DROP_CHANNELS], 4000 - ARBITER_STREAMS - 4);
}
END_TEST

START_TEST(test_encoder_stays_inside)
{
    struct deribit_instrument d = {
        .name = "BTC-PERPETUAL", .base = "BTC", .quote = "USD", .settle = "BTC", .size = "USD"};
    struct deribit_ticker t = test_ticker(1, 5000);
    for (size_t cap = FRAME_HEADER; cap < 600; cap++) {
        struct deribit_encoder e;
        uint8_t *buf = malloc(cap);
        deribit_begin(&e, buf, cap, 1, 1);
        deribit_put_ticker(&e, &t);
        deribit_put_instrument(&e, &d);
        deribit_put_instrument_v2(&e, &d);
        size_t need = FRAME_HEADER + 3 * MSG_HEADER + 133 + 140 + 139 + 2 * 14 + 24;
        ck_assert_uint_eq(deribit_end(&e), cap >= need ? need : 0);
        free(buf);
    }
}
END_TEST

// Which channels are the snapshots': by number, but for one with a group of its own number on the events'
// port.
START_TEST(test_snapshot_channels)
{
    static const struct {
        uint16_t channel, group, port;
        bool snapshot;
        uint16_t stream;
    } cases[] = {{5, 5, 6100, false, 5},       {99, 99, 6100, false, 99},    {105, 5, 6101, true, 5},
                 {105, 5, 6100, true, 5},      {105, 105, 6101, true, 5},    {105, 5, 6201, true, 5},
                 {150, 150, 6100, false, 150}, {150, 150, 6200, false, 150}, {150, 150, 6101, true, 50},
                 {250, 150, 6101, true, 150},  {263, 7, 6100, true, 163},    {100, 0, 6101, true, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct deribit_ticker t = test_ticker(1, 5000);
        struct frame_info info = {0};
        build_begin(&b, cases[i].channel, 1);
        deribit_put_ticker(&b.e, &t);
        size_t len = deribit_end(&b.e);
        struct packet_udp u = {.dst_ip = 0xef6f6f00u + cases[i].group, .dst_port = cases[i].port};
        ck_assert_int_eq(deribit_protocol.frame(b.bytes, len, &u, &info), DROP_NONE);
        ck_assert_msg(info.snapshot == cases[i].snapshot && info.stream == cases[i].stream, "case %zu", i);
    }
}
END_TEST

RUN_SUITE("deribit_packets", test_walks_past_everything, test_refuses_packets_that_do_not_add_up,
          test_deepest_nesting, test_refused_packet_is_a_gap, test_frame_length, test_not_recognised,
          test_sequence_and_duplicates, test_channels_are_apart, test_restart_is_told,
          test_times_of_all_messages, test_too_many_channels, test_snapshot_channels,
          test_encoder_stays_inside)
