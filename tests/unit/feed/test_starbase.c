// SPDX-License-Identifier: Apache-2.0
// Deribit Starbase: recognition, framing, layouts told by length and version, every kind of message, damage.
#include "base/prng.h"
#include "feed/starbase_wire.h"
#include "feed/starbasetest.h"
#include "run_suite.h"

START_TEST(test_framing)
{
    live();
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert(rig.info.heartbeat && rig.info.seq == 1000 && rig.info.count == 0 && rig.info.exchange_ns == 0);
    live();
    order(24, BOTH, 1, 2, 0, 0);
    order(24, BOTH, 1, 2, 0, 0);
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert(!rig.info.heartbeat && rig.info.seq == 1000 && rig.info.count == 2 && !rig.info.snapshot);
    ck_assert_uint_eq(rig.info.exchange_ns, (uint64_t)T0);
    ck_assert_uint_eq(rig.info.channel, 44849);
    ck_assert_uint_eq(rig.info.seq_bits, 64);
    begin(LIVE | RETRANSMIT, 77);
    order(24, BOTH, 1, 2, 0, 0);
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert(!rig.info.snapshot && rig.info.seq == 77);
    begin(SNAPSHOT, 88);
    order(20, BOTH, 1, 2, 0, 0);
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert(rig.info.snapshot && !rig.info.unordered && rig.info.stream == 44849);
    ck_assert_uint_eq(rig.info.exchange_ns, (uint64_t)T0 + 5);
}
END_TEST

START_TEST(test_lines)
{
    static const struct {
        uint32_t ip;
        unsigned line;
    } cases[] = {{0xe0000cc0, 0}, {0xe0000ccf, 0}, {0xe0000cd0, 1}, {0xe0000cdf, 1}, {0xe0000ce0, 0},
                 {0xe0000cf0, 1}, {0xe0000cff, 1}, {0xe0000cb0, 0}, {0xe0000bd0, 0}, {0x0a000cd0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig.ip = cases[i].ip;
        live();
        send();
        ck_assert_uint_eq(rig.info.line, cases[i].line);
    }
}
END_TEST

START_TEST(test_count_and_lengths)
{
    for (int wrong = -1; wrong <= 1; wrong += 2) {
        live();
        order(24, BOTH, 1, 2, 0, 0);
        order(24, BOTH, 1, 2, 0, 0);
        le16_store(pk.bytes + 22, (uint16_t)(2 + wrong));
        ck_assert_int_eq(rig_send(&rig, &pk), DROP_BAD_LENGTH);
        ck_assert(rig.info.addressed);
    }
    for (unsigned len = 0; len < 64; len++) {
        live();
        order(24, BOTH, 1, 2, 0, 0);
        order(24, BOTH, 1, 2, 0, 0);
        put16(&pk, 0, len);
        enum feed_drop why = rig_send(&rig, &pk);
        ck_assert(len == 32 ? why == DROP_NONE : why == DROP_BAD_MESSAGE || why == DROP_BAD_LENGTH);
    }
    // Every length of the datagram but its own.
    live();
    order(20, BOTH, 1, 2, 3, 4);
    order(24, BOTH, 1, 2, 0, 0);
    for (size_t len = 0; len < pk.len; len++) {
        rig_take(&rig, pk.bytes, len, &(struct taking){0});
        ck_assert_int_ne(rig.why, DROP_NONE);
        ck_assert_uint_eq(rig.kept.n, 0);
    }
    ck_assert(!rig_take(&rig, pk.bytes, 24, &(struct taking){0}));
}
END_TEST

START_TEST(test_probe_ranges)
{
    static const struct {
        size_t at, size;
        uint64_t bad;
    } cases[] = {{16, 4, 0},     {16, 4, 0x10000}, {20, 2, 0},         {20, 2, 3},         {20, 2, 8},
                 {20, 2, 0x101}, {26, 2, 0},       {26, 2, 1000},      {26, 2, 200},       {26, 2, 202},
                 {28, 2, 64},    {30, 2, 256},     {8, 8, 1ull << 48}, {8, 8, 1ull << 63}, {0, 8, 1ull << 63},
                 {24, 2, 15},    {22, 2, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        live();
        order(24, BOTH, 1, 2, 0, 0);
        memcpy(pk.bytes + cases[i].at, &cases[i].bad, cases[i].size);
        ck_assert_msg(!starbase_protocol.probe(pk.bytes, pk.len), "case %zu", i);
        ck_assert(!cde_protocol.probe(pk.bytes, pk.len));
    }
}
END_TEST

START_TEST(test_random_bytes)
{
    struct prng g;
    prng_seed(&g, test_seed(20261120));
    uint8_t bytes[256];
    for (unsigned i = 0; i < 2000000; i++) {
        size_t len = prng_below(&g, sizeof bytes);
        if (i % 4 == 0)
            len = 24;
        for (size_t k = 0; k < 40 && k < len; k += 8) {
            uint64_t v = prng_u64(&g);
            memcpy(bytes + k, &v, 8);
        }
        ck_assert(!starbase_protocol.probe(bytes, len) && !cde_protocol.probe(bytes, len));
    }
}
END_TEST

START_TEST(test_info_layouts)
{
    static const struct {
        unsigned id, len, version;
        bool ok, index;
        unsigned mark_at, index_at;
    } cases[] = {
        {14, 48, 1, true, false, 40, 0}, {14, 56, 1, true, true, 48, 40}, {13, 56, 0, true, true, 48, 40},
        {14, 48, 2, true, false, 40, 0}, {14, 56, 2, false, false, 0, 0}, {14, 40, 1, false, false, 0, 0},
        {14, 64, 1, false, false, 0, 0}, {14, 52, 1, false, false, 0, 0}, {13, 48, 0, false, false, 0, 0},
        {14, 48, 3, true, false, 40, 0}, {14, 56, 3, true, false, 40, 0}, {14, 47, 3, false, false, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bad = rig.n.bad_layouts;
        live();
        message(cases[i].id, cases[i].len, cases[i].version, BOTH);
        put64(&pk, 16, PERP);
        if (cases[i].mark_at)
            put64(&pk, cases[i].mark_at, 111);
        if (cases[i].index_at)
            put64(&pk, cases[i].index_at, 222);
        ck_assert_int_eq(send(), DROP_NONE);
        ck_assert_uint_eq(rig.kept.n, cases[i].ok);
        ck_assert_uint_eq(rig.n.bad_layouts - bad, !cases[i].ok);
        if (!cases[i].ok)
            continue;
        const struct feed_msg *m = only(FEED_TICKER);
        ck_assert_uint_eq(m->has, HAS_MARK | HAS_STATE | (cases[i].index ? HAS_INDEX : 0u));
        ck_assert_uint_eq(m->instrument_id, PERP);
        ck_assert_uint_eq(m->ts_ns, (uint64_t)T0);
        ck_num(&m->mark, 111, -9);
        if (cases[i].index)
            ck_num(&m->index, 222, -9);
    }
    // What the message does not have is absent, whatever came before it in the packet.
    live();
    message(12, 32, 1, BOTH);
    message(31, 60, 1, BOTH);
    put64(&pk, 24, PERP);
    message(14, 48, 1, BOTH);
    put64(&pk, 16, PERP);
    send();
    ck_assert_uint_eq(only(FEED_TICKER)->index.form, NUM_NONE);
    ck_assert_uint_eq(only(FEED_TICKER)->last.form, NUM_NONE);
    // Version 0's 14 is the reference data, version 1's 13 nothing that is known.
    live();
    message(14, 64, 0, BOTH);
    message(13, 56, 1, BOTH);
    uint64_t bad = rig.n.bad_layouts;
    send();
    ck_assert(rig.kept.n == 0 && rig.n.bad_layouts == bad && rig.n.unknown_templates == 1);
}
END_TEST

START_TEST(test_index_and_names)
{
    for (unsigned named = 0; named < 2; named++) {
        live();
        if (named) {
            message(11, 152, 1, BOTH);
            put64(&pk, 16, 9);
            memcpy(pk.bytes + pk.msg + 24, "btc_usd", 7);
        }
        message(12, 32, 1, BOTH);
        put64(&pk, 16, 9);
        put64(&pk, 24, 65000000000000);
        send();
        const struct feed_msg *m = only(FEED_INDEX);
        ck_assert_str_eq(m->name, named ? "btc_usd" : "");
        ck_assert_uint_eq(m->instrument_id, 9);
        ck_assert_uint_eq(m->has, HAS_INDEX);
        ck_num(&m->index, 65000000000000, -9);
    }
    live();
    message(12, 32, 1, BOTH);
    put64(&pk, 24, INT64_MIN);
    send();
    ck_assert_uint_eq(only(FEED_INDEX)->has, 0);
    // In version 0 the template is a change of state, unless its padding is not.
    live();
    message(12, 32, 0, BOTH);
    put64(&pk, 16, PERP);
    put64(&pk, 24, 65000000000000);
    send();
    ck_assert(rig.kept.n == 0 && rig.n.bad_layouts == 1);
    live();
    message(12, 32, 0, BOTH);
    put64(&pk, 16, PERP);
    put8(&pk, 24, 5);
    send();
    ck_assert_uint_eq(only(FEED_STATUS)->state, INSTRUMENT_NOT_OPEN);
}
END_TEST

// The venue's sample capture says version 0 and has the layouts of version 1; version 0 had its own before.
START_TEST(test_version_0)
{
    for (unsigned old = 0; old < 2; old++) {
        live();
        if (old) {
            message(10, 320, 0, BOTH);
            put64(&pk, 16, PERP);
            memcpy(pk.bytes + pk.msg + 24, "SYMBOL", 6);
            memcpy(pk.bytes + pk.msg + 88, "ETH-29APR26-2425-C", 18);
            put64(&pk, 272, INT64_MIN);
            put64(&pk, 280, INT64_MIN);
            put8(&pk, 316, 1);
            put8(&pk, 318, -1);
        } else {
            define(PERP, -1);
            put16(&pk, 4, 0);
            pk.len = pk.msg + 320; // two large ticks: as long as the old one
            put16(&pk, 0, 320);
            put16(&pk, 278, 2);
            put32(&pk, 280, 0);
            put16(&pk, 280 + 32, 9);
        }
        send();
        ck_assert_str_eq(only(FEED_INSTRUMENT)->name, old ? "ETH-29APR26-2425-C" : "BTC-PERPETUAL");
        ck_assert_uint_eq(only(FEED_INSTRUMENT)->inst_kind, old);
        begin(SNAPSHOT, snap_seq);
        snapshot_mark(100, PERP, live_seq - 1);
        message(20, old ? 48 : 56, 0, 0);
        put64(&pk, 24, PERP);
        put64(&pk, 32, 5);
        put64(&pk, 40, 100);
        snapshot_mark(101, PERP, live_seq - 1);
        send();
        ck_quote(100, 5, 0, 0);
        rig_close(&rig);
        rig_open(&rig, &starbase_protocol);
    }
}
END_TEST

START_TEST(test_status)
{
    for (int s = -1; s < 8; s++) {
        live();
        message(16, s & 1 ? 32 : 25, 1, BOTH);
        put64(&pk, 16, PERP);
        put8(&pk, 24, s);
        send();
        const struct feed_msg *m = only(FEED_STATUS);
        ck_assert_uint_eq(m->state, s == 0 ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN);
        ck_assert_uint_eq(m->has, HAS_STATE);
    }
}
END_TEST

START_TEST(test_definition)
{
    live();
    define(PERP, -3);
    send();
    const struct feed_msg *m = only(FEED_INSTRUMENT);
    ck_assert_str_eq(m->name, "BTC-PERPETUAL");
    ck_assert(m->inst_kind == 0 && m->inst_type == 1 && m->index_id == 77 && m->state == INSTRUMENT_OPEN);
    ck_num(&m->tick, 500000000, -9);
    // Groups that overrun, or leave more than padding, or have short entries.
    static const struct {
        unsigned len, block1, n1, block2, n2;
        bool ok;
    } cases[] = {
        {284, 16, 0, 9, 0, true},     {288, 16, 0, 9, 0, true},         {286, 16, 0, 9, 0, false},
        {296, 16, 0, 9, 0, false},    {304, 16, 1, 9, 0, true},         {296, 16, 0, 9, 1, true},
        {293, 16, 0, 9, 1, true},     {304, 15, 1, 9, 0, false},        {296, 16, 0, 8, 1, false},
        {304, 0, 65535, 9, 0, false}, {304, 65535, 65535, 9, 0, false}, {284, 16, 0, 9, 65535, false},
        {284, 16, 0, 65535, 0, true}, {280, 16, 0, 9, 0, false},        {276, 0, 0, 0, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        live();
        define(PERP, 0);
        pk.len = pk.msg + cases[i].len;
        put16(&pk, 0, cases[i].len);
        put16(&pk, 276, cases[i].block1);
        put16(&pk, 278, cases[i].n1);
        size_t second = 280 + (size_t)cases[i].block1 * cases[i].n1;
        if (second + 4 <= cases[i].len) {
            put16(&pk, second, cases[i].block2);
            put16(&pk, second + 2, cases[i].n2);
        }
        ck_assert_int_eq(send(), DROP_NONE);
        ck_assert_msg(count(FEED_INSTRUMENT) == cases[i].ok, "case %zu", i);
    }
    uint64_t bad = rig.n.bad_layouts;
    live();
    define(PERP, 19); // no such quantity
    define(0, 1);
    define(PERP, 1);
    pk.bytes[pk.msg + 24] = ',';
    send();
    ck_assert(rig.kept.n == 0 && rig.n.bad_layouts == bad + 3);
}
END_TEST

START_TEST(test_trades)
{
    for (unsigned flags = 0; flags < 4; flags++) {
        live();
        define(PERP, -2);
        message(30, 72, 1, START);
        put64(&pk, 16, PERP);
        put64(&pk, 32, 40);
        put64(&pk, 40, 500);
        put64(&pk, 48, 501);
        put64(&pk, 56, 502);
        put32(&pk, 68, flags);
        message(31, 64, 1, END);
        put64(&pk, 24, PERP);
        put64(&pk, 32, INT64_MIN);
        put64(&pk, 40, 40);
        put64(&pk, 48, 499);
        put32(&pk, 56, flags ^ 2);
        message(33, 96, 1, BOTH);
        put64(&pk, 24, PERP);
        put64(&pk, 48, 8);
        put64(&pk, 56, 450);
        put64(&pk, 64, 501);
        put64(&pk, 72, INT64_MIN);
        put32(&pk, 88, flags);
        ck_assert_int_eq(send(), DROP_NONE);
        const uint32_t liquidation = flags & 2 ? HAS_LIQUIDATION : 0;
        const struct feed_msg *m = &rig.kept.msg[1];
        ck_assert_uint_eq(rig.kept.n, 4);
        ck_assert_uint_eq(m->has, HAS_LAST | HAS_MARK | HAS_INDEX | HAS_STATE | liquidation);
        ck_num(&m->last, 500, -9);
        ck_num(&m->mark, 501, -9);
        ck_num(&m->index, 502, -9);
        m++;
        ck_assert_uint_eq(m->has, HAS_LAST | HAS_AMOUNT | HAS_STATE | (liquidation ^ HAS_LIQUIDATION));
        ck_num(&m->last, 499, -9);
        ck_num(&m->amount, 40, -2);
        m++;
        ck_assert_uint_eq(m->has, HAS_MARK | HAS_AMOUNT | HAS_STATE | liquidation);
        ck_num(&m->amount, 8, -2);
    }
    // Lengths: version 0's summary, version 2's block trade, and neither in the other's version.
    static const struct {
        unsigned id, len, version, ok;
    } cases[] = {{30, 80, 0, 1}, {30, 76, 0, 1},  {30, 72, 0, 1}, {30, 80, 1, 0}, {33, 104, 2, 1},
                 {33, 96, 2, 0}, {33, 104, 1, 0}, {33, 94, 1, 1}, {31, 60, 1, 1}, {31, 68, 1, 0},
                 {31, 68, 2, 0}, {31, 68, 3, 1},  {31, 59, 3, 0}, {33, 96, 3, 0}, {33, 112, 3, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        live();
        message(cases[i].id, cases[i].len, cases[i].version, BOTH);
        put64(&pk, 16, PERP);
        put64(&pk, 24, PERP);
        send();
        ck_assert_msg(count(FEED_TRADE) == cases[i].ok, "case %zu", i);
    }
}
END_TEST

static void mixed(struct prng *g)
{
    static const struct {
        unsigned id, len;
    } known[] = {{11, 152}, {12, 32}, {14, 48}, {14, 56}, {15, 72},  {16, 32},  {20, 56},  {21, 56}, {22, 40},
                 {24, 32},  {30, 72}, {31, 64}, {33, 96}, {100, 40}, {101, 40}, {119, 24}, {250, 48}};
    begin(prng_below(g, 3) ? LIVE : SNAPSHOT, live_seq);
    define(1 + (int64_t)prng_below(g, 3), 0);
    for (unsigned i = 0; i < 12; i++) {
        unsigned k = (unsigned)prng_below(g, sizeof known / sizeof known[0]);
        message(known[k].id, known[k].len, prng_below(g, 8) != 0, (unsigned)prng_below(g, 4));
        for (size_t at = 16; at + 8 <= known[k].len; at += 8)
            put64(&pk, at, 1 + (int64_t)prng_below(g, 4));
    }
}

START_TEST(test_mutations)
{
    struct prng g;
    prng_seed(&g, test_seed(20261120));
    for (unsigned n = 0; n < 30; n++) {
        mixed(&g);
        damage_each_byte(&g);
        live_seq += 13;
    }
}
END_TEST

START_TEST(test_columns)
{
    check_columns(SB_FIELD_COLUMNS, starbase_layouts, SB_LAYOUTS);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("starbase");
    TCase *t = tcase_create("starbase");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_framing);
    tcase_add_test(t, test_lines);
    tcase_add_test(t, test_count_and_lengths);
    tcase_add_test(t, test_probe_ranges);
    tcase_add_test(t, test_random_bytes);
    tcase_add_test(t, test_info_layouts);
    tcase_add_test(t, test_index_and_names);
    tcase_add_test(t, test_version_0);
    tcase_add_test(t, test_status);
    tcase_add_test(t, test_definition);
    tcase_add_test(t, test_trades);
    tcase_add_test(t, test_mutations);
    tcase_add_test(t, test_columns);
    suite_add_tcase(s, t);
    return s;
}

static int tables(void)
{
    static const struct f24_names *const names[] = {
        &f24_bit_names,   &sb_flag_names,       &sb_type_names,  &sb_instrument_flag_names,
        &sb_status_names, &sb_trade_flag_names, &sb_reason_names};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        tool_names(names[i]);
    printf("H packet sendingTime %d 8\nH packet seqNum %d 8\nH packet channelId %d 4\nH packet type %d 2\n"
           "H packet messageCount %d 2\nH packet - %d 0\n",
           F24_SENDING, F24_SEQ, SB_CHANNEL, SB_TYPE, SB_COUNT, F24_HEADER);
    printf("H message messageLength %d 2\nH message templateId %d 2\nH message version %d 2\nH message flags "
           "%d 2\n"
           "H message transactTime %d 8\nH message - %d 0\n",
           F24_LENGTH, SB_TEMPLATE, SB_VERSION, SB_FLAGS, SB_TIME, SB_MSG_HEADER);
    printf("G %d %d %d %d %d\n", SB_GROUP_BLOCK, SB_GROUP_COUNT, SB_GROUP_HEADER, SB_LARGE_TICK, SB_LEG);
    tool_layouts(starbase_layouts, SB_LAYOUTS);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--tables") == 0)
        return tables();
    if (argc > 1)
        return tool_packets(&starbase_protocol, strcmp(argv[1], "--rows") == 0);
    return run_suite(suite());
}
