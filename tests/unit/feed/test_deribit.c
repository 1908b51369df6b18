// SPDX-License-Identifier: Apache-2.0
// The Deribit decoder: fields of every layout, absent values, names, definitions, trades.
#include "feed/deribittest.h"

#include <math.h>

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

RUN_SUITE("deribit", test_ticker_fields, test_absent_values, test_quote_fields, test_ticker_layouts,
          test_index, test_names_are_checked, test_instruments, test_instrument_short_or_nameless,
          test_trades)
