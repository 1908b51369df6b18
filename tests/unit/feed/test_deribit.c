// SPDX-License-Identifier: Apache-2.0
// The Deribit decoder: fields of every layout, absent values, walking past what is not known, and refusing
// what does not add up.
#include "feed/deribit_wire.h"
#include "feed/feedtest.h"
#include "feed/wire.h"

#include <math.h>

static struct feed *feed;
static struct kept kept;
static struct builder b;

static void begin(uint32_t seq)
{
    if (!feed)
        feed = feed_new();
    ck_assert_ptr_nonnull(feed);
    build_begin(&b, 5, seq);
}

static enum feed_drop send(void)
{
    return build_feed(&b, feed, &kept);
}

static void send_ok(unsigned msgs)
{
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert_uint_eq(kept.ends, 1);
    ck_assert(!kept.after_end);
    ck_assert_uint_eq(kept.msgs, msgs);
}

static uint64_t bits(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

START_TEST(test_ticker_fields)
{
    struct deribit_ticker t = test_ticker(4242, 1700000000123);
    begin(9);
    deribit_put_ticker(&b.e, &t);
    send_ok(1);
    const struct feed_msg *m = &kept.msg[0];
    ck_assert_uint_eq(m->kind, FEED_TICKER);
    ck_assert_uint_eq(m->template_id, 1003);
    ck_assert_uint_eq(m->version, 2);
    ck_assert_uint_eq(m->msg_idx, 0);
    ck_assert_uint_eq(m->instrument_id, 4242);
    ck_assert_uint_eq(m->ts_ns, UINT64_C(1700000000123000000));
    ck_assert_uint_eq(m->state, INSTRUMENT_OPEN);
    ck_assert_uint_eq(m->has, HAS_MARK | HAS_INDEX | HAS_BID | HAS_ASK | HAS_LAST | HAS_STATE);
    ck_assert(num_is(m->mark, 100.5));
    ck_assert(num_is(m->index, 100.125));
    ck_assert(num_is(m->bid, 100.25));
    ck_assert(num_is(m->bid_amount, 7.0));
    ck_assert(num_is(m->ask, 100.75));
    ck_assert(num_is(m->ask_amount, 9.0));
    ck_assert(num_is(m->last, 100.625));
    ck_assert_str_eq(m->name, "");
    ck_assert_uint_eq(kept.last.channel, 5);
    ck_assert_uint_eq(kept.last.seq, 9);
    ck_assert_uint_eq(kept.last.dst_ip, TEST_IP);
    ck_assert_uint_eq(kept.last.dst_port, TEST_PORT);
    ck_assert_uint_eq(kept.last.ts_ns, 123456789);
    ck_assert_str_eq(feed_protocol(feed), "deribit");
}
END_TEST

// One ticker with one price field overwritten by raw bits.
static const struct feed_msg *ticker_with(uint32_t seq, size_t offset, uint64_t raw)
{
    struct deribit_ticker t = test_ticker(1, 5000);
    begin(seq);
    deribit_put_ticker(&b.e, &t);
    le64_store(b.bytes + FRAME_HEADER + MSG_HEADER + offset, raw);
    send_ok(1);
    return &kept.msg[0];
}

START_TEST(test_absent_values)
{
    static const struct {
        size_t offset;
        uint32_t bit;
        bool zero_is_absent;
    } fields[] = {{TICKER_MARK, HAS_MARK, false},
                  {TICKER_INDEX, HAS_INDEX, false},
                  {TICKER_LAST, HAS_LAST, false},
                  {TICKER_BID, HAS_BID, true},
                  {TICKER_ASK, HAS_ASK, true}};
    static const uint64_t absent[] = {UINT64_MAX,                   // what the venue sends
                                      UINT64_C(0x7ff8000000000000), // quiet NaN
                                      UINT64_C(0x7ff0000000000001), // signalling NaN
                                      UINT64_C(0xfff0000000000001), //
                                      UINT64_C(0x7ff0000000000000), // infinities are no prices either
                                      UINT64_C(0xfff0000000000000)};
    const uint32_t all = HAS_MARK | HAS_INDEX | HAS_BID | HAS_ASK | HAS_LAST | HAS_STATE;
    uint32_t seq = 1;
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        for (size_t a = 0; a < sizeof absent / sizeof absent[0]; a++)
            ck_assert_uint_eq(ticker_with(seq++, fields[f].offset, absent[a])->has, all & ~fields[f].bit);
        uint32_t zero = fields[f].zero_is_absent ? all & ~fields[f].bit : all;
        ck_assert_uint_eq(ticker_with(seq++, fields[f].offset, 0)->has, zero);
        ck_assert_uint_eq(ticker_with(seq++, fields[f].offset, UINT64_C(1) << 63)->has, zero);
        ck_assert_uint_eq(ticker_with(seq++, fields[f].offset, bits(-1.5))->has, all); // spreads have such
    }
    // Raw bits are kept, so that decodes can be compared.
    ck_assert_uint_eq(bits(ticker_with(seq++, TICKER_LAST, UINT64_MAX)->last.v.f), UINT64_MAX);
    ck_assert_uint_eq(bits(ticker_with(seq++, TICKER_MARK, 0x7ff0000000000001)->mark.v.f),
                      0x7ff0000000000001);
}
END_TEST

START_TEST(test_quote_fields)
{
    struct deribit_ticker t = test_ticker(77, 1650000000000);
    t.ask = 0.0;
    begin(1);
    deribit_put_quote(&b.e, &t);
    send_ok(1);
    const struct feed_msg *m = &kept.msg[0];
    ck_assert_uint_eq(m->kind, FEED_TICKER);
    ck_assert_uint_eq(m->version, 1);
    ck_assert_uint_eq(m->instrument_id, 77);
    ck_assert_uint_eq(m->ts_ns, UINT64_C(1650000000000000000));
    ck_assert_uint_eq(m->has, HAS_BID);
    ck_assert(num_is(m->bid, 100.25));
    ck_assert(num_is(m->bid_amount, 7.0));
    ck_assert(num_is(m->ask, 0.0));
    ck_assert(num_is(m->ask_amount, 9.0));
    ck_assert_uint_eq(m->mark.form | m->index.form | m->last.form, NUM_NONE);
}
END_TEST

// A 1003 of any version and block length. Returns the number of messages delivered.
static unsigned ticker_block(uint32_t seq, uint16_t version, uint16_t block)
{
    begin(seq);
    uint8_t *at = deribit_put_message(&b.e, T_TICKER, version, block, 0, 0);
    if (block >= 4)
        le32_store(at, 31);
    struct deribit_ticker t = test_ticker(32, 5000);
    deribit_put_ticker(&b.e, &t); // what follows is found whatever the first one was
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert_uint_ge(kept.msgs, 1);
    ck_assert_uint_eq(kept.msg[kept.msgs - 1].instrument_id, 32);
    ck_assert_uint_eq(kept.msg[kept.msgs - 1].msg_idx, 1);
    ck_assert(num_is(kept.msg[kept.msgs - 1].mark, 100.5));
    return kept.msgs - 1;
}

START_TEST(test_ticker_layouts)
{
    uint32_t seq = 1;
    uint64_t refused = 0;
    for (uint16_t version = 1; version <= 4; version++) {
        for (uint16_t block = 0; block <= 200; block++) {
            bool quote = block == 44 || (version == 1 && block > 44 && block < 133);
            bool ticker = version >= 2 && block >= 133;
            unsigned got = ticker_block(seq++, version, block);
            ck_assert_uint_eq(got, quote || ticker);
            if (got)
                ck_assert_uint_eq(!!(kept.msg[0].has & HAS_STATE), ticker);
            refused += !got;
            ck_assert_uint_eq(feed_counters(feed)->bad_layouts, refused);
        }
    }
}
END_TEST

START_TEST(test_index)
{
    begin(1);
    deribit_put_index(&b.e, "btc_usd", 64000.25, 1700000000001);
    deribit_put_index(&b.e, "sixteen_chars_ab", 1.5, 1700000000002); // no NUL behind it
    send_ok(2);
    ck_assert_uint_eq(kept.msg[0].kind, FEED_INDEX);
    ck_assert_str_eq(kept.msg[0].name, "btc_usd");
    ck_assert(num_is(kept.msg[0].index, 64000.25));
    ck_assert_uint_eq(kept.msg[0].ts_ns, UINT64_C(1700000000001000000));
    ck_assert_uint_eq(kept.msg[0].has, HAS_INDEX);
    ck_assert_str_eq(kept.msg[1].name, "sixteen_chars_ab");
    ck_assert_uint_eq(kept.msg[1].msg_idx, 1);
}
END_TEST

START_TEST(test_names_are_checked)
{
    static const char *const bad[] = {"", "a,b", "a b", "a\"b", "\x7f", "\x80\xff", "line\nbreak"};
    uint32_t seq = 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct deribit_instrument d = {.name = bad[i], .base = "B", .quote = "Q", .settle = "S", .size = "Z"};
        begin(seq++);
        deribit_put_index(&b.e, bad[i], 1.0, 1);
        deribit_put_instrument(&b.e, &d);
        deribit_put_instrument_v2(&b.e, &d);
        send_ok(0);
        ck_assert_uint_eq(feed_counters(feed)->bad_layouts, 3 * (i + 1));
    }
    char longest[65] = {0};
    memset(longest, 'x', 63);
    for (int extra = 0; extra <= 1; extra++) {
        struct deribit_instrument d = {
            .name = longest, .base = "B", .quote = "Q", .settle = "S", .size = "Z"};
        longest[63] = extra ? 'x' : 0;
        begin(seq++);
        deribit_put_instrument(&b.e, &d);
        send_ok(!extra); // cut names would be taken for others
    }
}
END_TEST

START_TEST(test_instruments)
{
    struct deribit_instrument d = {.id = 210838,
                                   .name = "BTC-PERPETUAL",
                                   .base = "BTC",
                                   .quote = "USD",
                                   .settle = "BTC",
                                   .size = "USD",
                                   .state = 1,
                                   .kind = 0,
                                   .type = 1,
                                   .contract_size = 10.0,
                                   .tick = 0.5};
    begin(1);
    deribit_put_instrument(&b.e, &d);
    deribit_put_instrument_v2(&b.e, &d);
    send_ok(2);
    for (unsigned i = 0; i < 2; i++) {
        const struct feed_msg *m = &kept.msg[i];
        ck_assert_uint_eq(m->kind, FEED_INSTRUMENT);
        ck_assert_uint_eq(m->template_id, i ? 1010 : 1000);
        ck_assert_uint_eq(m->version, i ? 3 : 2);
        ck_assert_uint_eq(m->instrument_id, 210838);
        ck_assert_uint_eq(m->state, 1);
        ck_assert_uint_eq(m->inst_kind, 0);
        ck_assert_uint_eq(m->inst_type, 1);
        ck_assert(num_is(m->contract_size, 10.0));
        ck_assert(num_is(m->tick, 0.5));
        ck_assert_str_eq(m->name, "BTC-PERPETUAL");
    }
    ck_assert_uint_eq(feed_counters(feed)->instruments, 2);
}
END_TEST

START_TEST(test_instrument_short_or_nameless)
{
    begin(1);
    deribit_put_message(&b.e, T_INSTRUMENT, 2, INSTRUMENT_BLOCK - 1, 0, 1);
    deribit_put_string(&b.e, "SHORT");
    deribit_put_message(&b.e, T_INSTRUMENT_V2, 3, INSTRUMENT_V2_BLOCK - 1, 0, 1);
    deribit_put_string(&b.e, "SHORT");
    deribit_put_message(&b.e, T_INSTRUMENT, 2, INSTRUMENT_BLOCK, 0, 0);
    deribit_put_message(&b.e, T_PRICE_INDEX, 2, INDEX_BLOCK - 1, 0, 0);
    deribit_put_message(&b.e, T_INSTRUMENT_V2, 3, INSTRUMENT_V2_BLOCK, 0, 0);
    send_ok(0);
    ck_assert_uint_eq(feed_counters(feed)->bad_layouts, 5);
    // A longer block and more strings are a later version's.
    begin(2);
    deribit_put_message(&b.e, T_INSTRUMENT, 7, INSTRUMENT_BLOCK + 9, 1, 2);
    deribit_put_group(&b.e, 2, 3, 0, 0);
    deribit_put_bytes(&b.e, 6);
    deribit_put_string(&b.e, "LATER");
    deribit_put_string(&b.e, "more");
    send_ok(1);
    ck_assert_str_eq(kept.msg[0].name, "LATER");
}
END_TEST

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

START_TEST(test_trades)
{
    struct deribit_trade trades[2] = {{.price = 4.5, .amount = 30, .ts_ms = 7000},
                                      {.price = 4.25, .amount = 10, .ts_ms = 7001, .liquidation = 2}};
    begin(1);
    deribit_put_trades(&b.e, 9, trades, 2);
    send_ok(2);
    for (unsigned i = 0; i < 2; i++) {
        const struct feed_msg *m = &kept.msg[i];
        ck_assert_uint_eq(m->kind, FEED_TRADE);
        ck_assert_uint_eq(m->instrument_id, 9);
        ck_assert(num_is(m->last, trades[i].price) && num_is(m->amount, trades[i].amount));
        ck_assert_uint_eq(m->ts_ns, trades[i].ts_ms * 1000000);
        ck_assert_uint_eq(m->has, HAS_LAST | HAS_AMOUNT | (i ? (uint32_t)HAS_LIQUIDATION : 0));
    }
    ck_assert_uint_eq(feed_counters(feed)->trades, 2);
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
        ck_assert_uint_eq(kept.ends, k == 0 || k == 3);
    }
    ck_assert(kept.last.restart);
    ck_assert_uint_eq(kept.last.gap, 2);
    ck_assert_uint_eq(feed_counters(feed)->restarts, 1);
    ck_assert_uint_eq(feed_counters(feed)->gaps, 1);
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
    uint64_t refused_packets = 0;
    for (uint32_t channel = 0; channel < 4000; channel++) {
        begin(0);
        build_begin(&b, (uint16_t)channel, 1);
        deribit_put_ticker(&b.e, &t);
        enum feed_drop why = send();
        ck_assert_int_eq(why, channel < 3072 ? DROP_NONE : DROP_CHANNELS);
        refused_packets += why == DROP_CHANNELS;
        ck_assert_uint_eq(kept.msgs, why == DROP_NONE);
    }
    ck_assert_uint_eq(feed_counters(feed)->drop[DROP_CHANNELS], refused_packets);
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

RUN_SUITE("deribit", test_ticker_fields, test_absent_values, test_quote_fields, test_ticker_layouts,
          test_index, test_names_are_checked, test_instruments, test_instrument_short_or_nameless,
          test_walks_past_everything, test_trades, test_refuses_packets_that_do_not_add_up,
          test_deepest_nesting, test_refused_packet_is_a_gap, test_frame_length, test_not_recognised,
          test_sequence_and_duplicates, test_channels_are_apart, test_restart_is_told,
          test_times_of_all_messages, test_too_many_channels, test_encoder_stays_inside)
