// SPDX-License-Identifier: Apache-2.0
// Coinbase Derivatives: recognition, framing, layouts told by block length, every kind of message, damage.
#include "base/prng.h"
#include "feed/cde_wire.h"
#include "feed/cdetest.h"
#include "run_suite.h"

START_TEST(test_framing)
{
    live();
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert(rig.info.heartbeat && rig.info.seq == 1000 && rig.info.count == 0 && !rig.info.unordered);
    live();
    delete_order(BOTH, 1, 5);
    delete_order(BOTH, 1, 6);
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert(rig.info.seq == 1000 && rig.info.count == 2 && rig.info.channel == 44849 && !rig.info.snapshot);
    ck_assert_uint_eq(rig.info.exchange_ns, (uint64_t)T0);
    for (unsigned bits = 0; bits < 256; bits++) {
        begin(bits, 9, 0);
        delete_order(BOTH, 1, 5);
        bool known = bits == 1 || bits == 2 || bits == 4 || bits == 5;
        ck_assert(cde_protocol.probe(pk.bytes, pk.len) == known);
        if (!known)
            continue;
        ck_assert_int_eq(rig_send(&rig, &pk), DROP_NONE);
        ck_assert(rig.info.snapshot == (bits == 2) && rig.info.unordered == (bits == 2));
    }
    begin(SNAPSHOT, 9, NANO);
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert(rig.info.heartbeat && rig.info.unordered);
    begin(LIVE, 9, NANO); // nothing else to know a heartbeat by
    ck_assert(!cde_protocol.probe(pk.bytes, pk.len));
}
END_TEST

START_TEST(test_count_and_lengths)
{
    for (int wrong = -1; wrong <= 1; wrong += 2) {
        live();
        delete_order(BOTH, 1, 5);
        delete_order(BOTH, 1, 6);
        pk.bytes[19] = (uint8_t)(2 + wrong);
        ck_assert_int_eq(rig_send(&rig, &pk), DROP_BAD_LENGTH);
        ck_assert(rig.info.addressed);
    }
    for (unsigned len = 0; len < 128; len++) {
        live();
        delete_order(BOTH, 1, 5);
        delete_order(BOTH, 1, 6);
        put16(&pk, 0, len);
        enum feed_drop why = rig_send(&rig, &pk);
        ck_assert(len == 40 ? why == DROP_NONE : why == DROP_BAD_MESSAGE);
    }
    // A block that overruns its message, another schema behind the first message.
    live();
    delete_order(BOTH, 1, 5);
    put16(&pk, 2, 31);
    ck_assert_int_eq(rig_send(&rig, &pk), DROP_BAD_MESSAGE);
    live();
    delete_order(BOTH, 1, 5);
    delete_order(BOTH, 1, 5);
    put16(&pk, 6, 1202);
    ck_assert_int_eq(rig_send(&rig, &pk), DROP_BAD_MESSAGE);
    live();
    put_order(BOTH, 1, 5, 6, 7);
    delete_order(BOTH, 1, 5);
    for (size_t len = 0; len < pk.len; len++) {
        rig_take(&rig, pk.bytes, len, &(struct taking){0});
        ck_assert_int_ne(rig.why, DROP_NONE);
        ck_assert_uint_eq(rig.kept.n, 0);
    }
}
END_TEST

START_TEST(test_probe_ranges)
{
    static const struct {
        size_t at, size;
        uint64_t bad;
    } cases[] = {{16, 2, 0}, {18, 1, 0},    {18, 1, 3},         {30, 2, 1200},      {30, 2, 1},
                 {28, 2, 0}, {28, 2, 1000}, {28, 2, 200},       {28, 2, 202},       {32, 2, 64},
                 {24, 2, 9}, {19, 1, 0},    {8, 8, 1ull << 48}, {8, 8, 1ull << 63}, {0, 8, 1ull << 63}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        live();
        delete_order(BOTH, 1, 5);
        memcpy(pk.bytes + cases[i].at, &cases[i].bad, cases[i].size);
        ck_assert_msg(!cde_protocol.probe(pk.bytes, pk.len), "case %zu", i);
        ck_assert(!starbase_protocol.probe(pk.bytes, pk.len));
    }
}
END_TEST

START_TEST(test_block_lengths)
{
    // {template, block, version, whether it is a layout}
    static const struct {
        unsigned id, block, version;
        bool ok;
    } cases[] = {{10, 156, 0, true},  {10, 158, 2, true},  {10, 166, 5, true},  {10, 174, 7, true},
                 {10, 157, 2, false}, {10, 155, 0, false}, {10, 160, 7, false}, {10, 175, 7, true},
                 {10, 180, 9, true},  {11, 165, 0, true},  {11, 167, 2, true},  {11, 175, 7, true},
                 {11, 166, 7, false}, {12, 158, 3, true},  {12, 159, 5, true},  {12, 167, 7, true},
                 {12, 150, 3, false}, {17, 39, 7, true},   {17, 40, 7, true},   {17, 40, 8, true},
                 {17, 38, 8, false},  {43, 71, 9, true},   {43, 71, 7, true},   {43, 70, 9, false},
                 {43, 72, 9, true},   {30, 58, 7, true},   {30, 57, 7, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bad = rig.n.bad_layouts;
        live();
        live_message(cases[i].id, cases[i].block, BOTH, NONE, NANO);
        put16(&pk, 8, cases[i].version);
        memcpy(pk.bytes + pk.msg + 32, "BITZ26", 6);
        ck_assert_int_eq(send(), DROP_NONE);
        ck_assert_msg(rig.kept.n == cases[i].ok && rig.n.bad_layouts - bad == !cases[i].ok, "case %zu", i);
    }
    live();
    live_message(77, 60, BOTH, NONE, NANO);
    uint64_t bad = rig.n.bad_layouts;
    send();
    ck_assert(rig.kept.n == 0 && rig.n.unknown_templates == 1 && rig.n.bad_layouts == bad);
}
END_TEST

START_TEST(test_prices)
{
    live();
    live_message(43, 71, BOTH, NONE, NANO);
    put64(&pk, 40, 111);
    put64(&pk, 48, 222);
    put64(&pk, 64, INT64_MIN);
    send();
    const struct feed_msg *m = only(FEED_TICKER);
    ck_assert_uint_eq(m->has, HAS_MARK | HAS_INDEX | HAS_STATE);
    ck_assert_uint_eq(m->instrument_id, NANO);
    ck_assert_uint_eq(m->ts_ns, (uint64_t)T0);
    ck_num(&m->mark, 111, -9);
    ck_num(&m->index, 222, -9);
    live();
    live_message(43, 71, BOTH, NONE, NANO);
    put64(&pk, 40, INT64_MIN);
    put64(&pk, 48, INT64_MIN);
    send();
    ck_assert_uint_eq(only(FEED_TICKER)->has, HAS_STATE);
    for (int s = -1; s < 9; s++) {
        live();
        live_message(17, 39, BOTH, NONE, NANO);
        put8(&pk, 48, s);
        send();
        ck_assert_uint_eq(only(FEED_STATUS)->state, s == 1 ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN);
    }
    live();
    live_message(33, 58, START, 1, NANO);
    put64(&pk, 48, 1);
    put64(&pk, 56, 333);
    put32(&pk, 64, 9);
    live_message(30, 58, END, 1, NANO);
    put64(&pk, 56, 332);
    put32(&pk, 64, 9);
    send();
    ck_assert_uint_eq(rig.kept.n, 2);
    ck_assert_uint_eq(rig.kept.msg[0].has, HAS_LAST | HAS_STATE);
    ck_num(&rig.kept.msg[0].last, 333, -9);
    ck_assert_uint_eq(rig.kept.msg[1].has, HAS_LAST | HAS_AMOUNT | HAS_STATE);
    ck_num(&rig.kept.msg[1].last, 332, -9);
    ck_num(&rig.kept.msg[1].amount, 9, 0);
}
END_TEST

START_TEST(test_definitions)
{
    static const struct {
        unsigned id, block, tick_at, kind, type;
    } cases[] = {{10, 158, 96, 0, 2}, {10, 174, 96, 0, 2}, {11, 167, 96, 2, 2}, {12, 158, 96, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        live();
        live_message(cases[i].id, cases[i].block, BOTH, NONE, NANO);
        memcpy(pk.bytes + pk.msg + 32, "BITZ26", 6);
        put64(&pk, cases[i].tick_at, 5);
        if (cases[i].id == 10)
            put32(&pk, 124, 100);
        if (cases[i].block == 174)
            put64(&pk, 168, 1000000);
        put8(&pk, 165, i == 0);
        send();
        const struct feed_msg *m = only(FEED_INSTRUMENT);
        ck_assert_str_eq(m->name, "BITZ26");
        ck_assert(m->inst_kind == cases[i].kind && m->inst_type == cases[i].type);
        ck_assert_uint_eq(m->state, i == 0 ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN);
        ck_num(&m->tick, 5, -9);
        if (i < 2)
            ck_num(&m->contract_size, i ? 1000000 : 100, i ? -8 : 0);
    }
    whole_book();
    ck_assert_str_eq(only(FEED_INSTRUMENT)->name, "BITZ26");
    ck_num(&only(FEED_INSTRUMENT)->contract_size, 1000000, -8);
}
END_TEST

START_TEST(test_mutations)
{
    static const struct {
        unsigned id, block;
    } known[] = {{10, 174}, {11, 167}, {12, 167}, {17, 39}, {20, 42},   {21, 30},  {22, 46},   {30, 58},
                 {33, 58},  {40, 31},  {43, 71},  {77, 40}, {110, 130}, {120, 30}, {122, 160}, {124, 4}};
    struct prng g;
    prng_seed(&g, test_seed(20261120));
    for (unsigned n = 0; n < 30; n++) {
        begin(prng_below(&g, 3) ? LIVE : SNAPSHOT, live_seq, 1 + (int64_t)prng_below(&g, 3));
        for (unsigned i = 0; i < 10; i++) {
            unsigned k = (unsigned)prng_below(&g, sizeof known / sizeof known[0]);
            message(known[k].id, known[k].block, (unsigned)prng_below(&g, 9));
            for (size_t at = 10; at < 10 + known[k].block; at++)
                put8(&pk, at, prng_below(&g, 3) ? 0 : (int64_t)prng_below(&g, 4));
        }
        damage_each_byte(&g);
        live_seq += 10;
    }
}
END_TEST

START_TEST(test_columns)
{
    check_columns(CDE_FIELD_COLUMNS, cde_layouts, CDE_LAYOUTS);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cde");
    TCase *t = tcase_create("cde");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_framing);
    tcase_add_test(t, test_count_and_lengths);
    tcase_add_test(t, test_probe_ranges);
    tcase_add_test(t, test_block_lengths);
    tcase_add_test(t, test_prices);
    tcase_add_test(t, test_definitions);
    tcase_add_test(t, test_mutations);
    tcase_add_test(t, test_columns);
    suite_add_tcase(s, t);
    return s;
}

static int tables(void)
{
    static const struct f24_names *const names[] = {
        &f24_bit_names,    &cde_flag_names,        &cde_side_names,
        &cde_group_names,  &cde_status_names,      &cde_definition_flag_names,
        &cde_spread_names, &cde_expiry_names,      &cde_stat_names,
        &cde_reason_names, &cde_funding_flag_names};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        tool_names(names[i]);
    printf("H packet sendingTime %d 8\nH packet seqNum %d 8\nH packet channelId %d 2\nH packet flags %d 1\n"
           "H packet messageCount %d 1\nH packet snapshotInstrumentId %d 4\nH packet - %d 0\n",
           F24_SENDING, F24_SEQ, CDE_CHANNEL, CDE_BITS, CDE_COUNT, CDE_INSTRUMENT_ID, F24_HEADER);
    printf("H message frameLength %d 2\nH message blockLength %d 2\nH message templateId %d 2\n"
           "H message schemaId %d 2\nH message version %d 2\nH message - %d 0\n",
           F24_LENGTH, CDE_BLOCK, CDE_TEMPLATE, CDE_SCHEMA, CDE_VERSION_AT, CDE_MSG_HEADER);
    printf("S %d\n", CDE_SCHEMA_ID);
    tool_layouts(cde_layouts, CDE_LAYOUTS);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--tables") == 0)
        return tables();
    if (argc > 1)
        return tool_packets(&cde_protocol, strcmp(argv[1], "--rows") == 0);
    return run_suite(suite());
}
