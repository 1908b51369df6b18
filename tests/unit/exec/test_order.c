// SPDX-License-Identifier: Apache-2.0
// Codecs of keys, orders, replies, journal records and wire packets: round trips, every truncation, random
// damage. What decodes must encode to the same bytes.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/moving.h"
#include "accounts/store.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/order.h"
#include "exec/paper/market_parts.h"
#include "run_suite.h"

static struct order sample_order(struct prng *r, unsigned legs)
{
    struct order o = {.key = {1, 17, 3, 2}, .full = prng_chance(r, 1, 2), .n = (uint16_t)legs};
    o.value_e8 = (int64_t)(prng_u64(r) >> 1);
    o.reward_e8 = prng_between(r, INT64_MIN, INT64_MAX);
    for (unsigned i = 0; i < legs; i++) {
        o.leg[i].instrument = (uint16_t)prng_below(r, MARKET_INSTRUMENTS_MAX);
        o.leg[i].qty = (i128)((u128)prng_u64(r) << 63 | prng_u64(r) >> 1);
    }
    return o;
}

static struct order_reply sample_filled(void)
{
    struct order_reply r = {
        .key = {1, 17, 3, 2}, .status = ORDER_FILLED, .reason = "partial", .has_account = true};
    r.account = (struct account){
        .id = 17, .name = "somebody", .rule = &rule_perp_linear_1, .currency = "USDC", .cash_decimals = 6};
    r.account.epoch = 4;
    r.account.cash = -((i128)1 << 90);
    r.account.n_positions = 2;
    r.account.position[0] = (struct position){.instrument = 1, .size = -5, .entry = 7};
    r.account.position[1] = (struct position){.instrument = 2, .size = (i128)1 << 80, .entry = INT64_MAX};
    return r;
}

START_TEST(key_text_and_order)
{
    char text[ORDER_KEY_TEXT];
    struct order_key k = {1, 17, 3, 2}, big = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}, back;
    ck_assert_str_eq(order_key_format(&k, text, sizeof text), "d1-a17-e3-r2");
    ck_assert_uint_lt(strlen(order_key_format(&big, text, sizeof text)), ORDER_KEY_TEXT);
    ck_assert_str_eq(text, "d4294967295-a4294967295-e4294967295-r4294967295");
    uint8_t bytes[ORDER_KEY_BYTES];
    order_key_encode(&k, bytes);
    const uint8_t want[ORDER_KEY_BYTES] = {1, 0, 0, 0, 17, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0};
    ck_assert_mem_eq(bytes, want, sizeof want);
    order_key_decode(bytes, &back);
    ck_assert_int_eq(order_key_cmp(&k, &back), 0);
    // each field decides before those after it
    ck_assert_int_lt(order_key_cmp(&(struct order_key){1, 9, 9, 9}, &(struct order_key){2, 0, 0, 0}), 0);
    ck_assert_int_lt(order_key_cmp(&(struct order_key){1, 1, 9, 9}, &(struct order_key){1, 2, 0, 0}), 0);
    ck_assert_int_gt(order_key_cmp(&(struct order_key){1, 1, 2, 0}, &(struct order_key){1, 1, 1, 9}), 0);
    ck_assert_int_gt(order_key_cmp(&(struct order_key){1, 1, 1, 2}, &(struct order_key){1, 1, 1, 1}), 0);
}
END_TEST

START_TEST(order_round_trip)
{
    struct prng r;
    prng_seed(&r, test_seed(11));
    for (unsigned legs = 1; legs <= ORDER_LEGS_MAX; legs++) {
        struct order o = sample_order(&r, legs), back;
        uint8_t buf[ORDER_BYTES_MAX], again[ORDER_BYTES_MAX];
        size_t n = order_encode(&o, buf, sizeof buf);
        ck_assert_uint_gt(n, 0);
        ck_assert_int_eq(order_decode(buf, n, &back), 0);
        ck_assert_int_eq(order_key_cmp(&o.key, &back.key), 0);
        ck_assert(o.full == back.full && o.n == back.n && o.value_e8 == back.value_e8 &&
                  o.reward_e8 == back.reward_e8);
        for (unsigned i = 0; i < legs; i++)
            ck_assert(o.leg[i].instrument == back.leg[i].instrument && o.leg[i].qty == back.leg[i].qty);
        ck_assert_uint_eq(order_encode(&back, again, sizeof again), n);
        ck_assert_mem_eq(buf, again, n);
        for (size_t cut = 0; cut < n; cut++) {
            ck_assert_int_eq(order_decode(buf, cut, &back), -1);
            ck_assert_uint_eq(order_encode(&o, again, cut), 0);
        }
        buf[0]++; // another version
        ck_assert_int_eq(order_decode(buf, n, &back), -1);
    }
}
END_TEST

START_TEST(order_refuses)
{
    struct prng r;
    prng_seed(&r, 1);
    struct order o = sample_order(&r, 1), back;
    uint8_t buf[ORDER_BYTES_MAX];
    o.n = 0;
    ck_assert_uint_eq(order_encode(&o, buf, sizeof buf), 0);
    o.n = ORDER_LEGS_MAX + 1;
    ck_assert_uint_eq(order_encode(&o, buf, sizeof buf), 0);
    o.n = 1;
    o.leg[0].qty = -1;
    size_t n = order_encode(&o, buf, sizeof buf);
    ck_assert_int_eq(order_decode(buf, n, &back), -1);
    o.leg[0] = (struct order_leg){MARKET_INSTRUMENTS_MAX, 1};
    n = order_encode(&o, buf, sizeof buf);
    ck_assert_int_eq(order_decode(buf, n, &back), -1);
}
END_TEST

START_TEST(reply_round_trip)
{
    struct order_reply r = sample_filled(), back;
    static uint8_t buf[REPLY_BYTES_MAX], again[REPLY_BYTES_MAX];
    size_t n = reply_encode(&r, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_int_eq(reply_decode(buf, n, &back), 0);
    ck_assert_ptr_eq(back.account.rule, &rule_perp_linear_1);
    ck_assert(back.account.cash == r.account.cash && back.account.position[1].size == (i128)1 << 80);
    ck_assert_str_eq(back.reason, "partial");
    ck_assert_uint_eq(reply_encode(&back, again, sizeof again), n);
    ck_assert_mem_eq(buf, again, n);
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_int_eq(reply_decode(buf, cut, &back), -1);
    // FILLED <=> account, of the key's id; and a reason that is a string
    r.has_account = false;
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    r = sample_filled();
    r.account.id = 18;
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    r = sample_filled();
    memset(r.reason, 'x', sizeof r.reason);
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    r = (struct order_reply){.key = {1, 2, 3, 4}, .status = ORDER_UNKNOWN};
    n = reply_encode(&r, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_int_eq(reply_decode(buf, n, &back), 0);
    ck_assert_int_eq(back.status, ORDER_UNKNOWN);
    buf[1] = 9; // no such status
    ck_assert_int_eq(reply_decode(buf, n, &back), -1);
    static struct order_reply
        dirty; // what the gateway measures is no part of the bytes: never taken from the heap
    uint8_t raw[REPLY_BYTES_MAX];
    memset(&dirty, 0xA5, sizeof dirty);
    struct order_reply plain = {.key = {1, 2, 3, 4}, .status = ORDER_REFUSED};
    size_t len = reply_encode(&plain, raw, sizeof raw);
    ck_assert_int_eq(reply_decode(raw, len, &dirty), 0);
    ck_assert(dirty.sent_after_ns == 0 && !dirty.waited);
}
END_TEST

// A state is no order's: of its key the account alone is set, and it has a version of its own.
START_TEST(state_round_trip)
{
    static uint8_t buf[REPLY_BYTES_MAX], again[REPLY_BYTES_MAX];
    static struct order_reply back;
    struct order_reply r = sample_filled();
    r.status = ORDER_STATE;
    memset(r.reason, 0, sizeof r.reason);
    const struct order_key wrong[] = {{1, 17, 0, 0}, {0, 17, 3, 0}, {0, 17, 0, 2}, {0, 18, 0, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        r.key = wrong[i];
        ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    }
    r.key = (struct order_key){.account = 17};
    r.has_account = false;
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    r.has_account = true;
    r.reason[0] = 'x';
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    r.reason[0] = 0;
    size_t n = reply_encode(&r, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_int_eq(reply_decode(buf, n, &back), 0);
    ck_assert(back.status == ORDER_STATE && back.has_account && back.account.epoch == 4);
    ck_assert_uint_eq(reply_encode(&back, again, sizeof again), n);
    ck_assert_mem_eq(buf, again, n);
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_int_eq(reply_decode(buf, cut, &back), -1);
    buf[0] = 1; // the version of replies to orders
    ck_assert_int_eq(reply_decode(buf, n, &back), -1);
    r = sample_filled();
    n = reply_encode(&r, buf, sizeof buf);
    ck_assert_uint_eq(buf[0], 1);
    buf[0] = 2;
    ck_assert_int_eq(reply_decode(buf, n, &back), -1);
}
END_TEST

static struct order_reply sample_mined(uint8_t status, bool success)
{
    struct order_reply r = {.key = {1, 17, 3, 2}, .status = status, .reason = "why"};
    r.mined = (struct order_mined){.success = success,
                                   .instrument = success ? 3 : 0,
                                   .block = (uint64_t)1 << 63,
                                   .hash = {0xff, [31] = 1},
                                   .profit = success ? ~(u128)0 : 0,
                                   .gas_wei = (u128)5 << 100,
                                   .paid_wei = 7};
    return r;
}

// What a chain says has a version of its own, and carries no account.
START_TEST(mined_round_trip)
{
    static uint8_t buf[REPLY_BYTES_MAX], again[REPLY_BYTES_MAX];
    static struct order_reply back;
    for (int k = 0; k < 4; k++) {
        struct order_reply r = sample_mined(k & 1 ? ORDER_MINED : ORDER_UNDONE, k & 2);
        size_t n = reply_encode(&r, buf, sizeof buf);
        memset(&back, 0xA5, sizeof back);
        ck_assert_uint_eq(n, 19 + 3 + 1 + 2 + 8 + 32 + 3 * 16);
        ck_assert_uint_eq(buf[0], 3);
        ck_assert_int_eq(reply_decode(buf, n, &back), 0);
        ck_assert(back.status == r.status && !back.has_account && !strcmp(back.reason, "why"));
        ck_assert(back.mined.success == r.mined.success && back.mined.instrument == r.mined.instrument &&
                  back.mined.block == r.mined.block && !memcmp(back.mined.hash, r.mined.hash, 32) &&
                  back.mined.profit == r.mined.profit && back.mined.gas_wei == r.mined.gas_wei &&
                  back.mined.paid_wei == r.mined.paid_wei);
        ck_assert(!back.market && !back.input.data && back.input.n == 0);
        ck_assert_uint_eq(reply_encode(&back, again, sizeof again), n);
        ck_assert_mem_eq(buf, again, n);
        for (size_t cut = 0; cut < n; cut++) {
            ck_assert_int_eq(reply_decode(buf, cut, &back), -1);
            ck_assert_uint_eq(reply_encode(&r, again, cut), 0);
        }
        buf[19 + 3] = 2; // success is 0 or 1
        ck_assert_int_eq(reply_decode(buf, n, &back), -1);
        buf[19 + 3] = r.mined.success;
        buf[0] = 1; // the version of replies to orders
        ck_assert_int_eq(reply_decode(buf, n, &back), -1);
    }
    struct order_reply r = sample_mined(ORDER_MINED, false);
    r.key = (struct order_key){0}; // a nonce that was filled
    ck_assert_uint_gt(reply_encode(&r, buf, sizeof buf), 0);
    r.mined.profit = 1; // of what failed
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    r = sample_mined(ORDER_MINED, true);
    r.key = (struct order_key){0};
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    r = sample_mined(ORDER_MINED, true);
    r.mined.instrument = MARKET_INSTRUMENTS_MAX;
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    r = sample_mined(ORDER_MINED, true);
    r.has_account = true;
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0);
    for (uint8_t status = 0; status < 12; status++) { // markets and inputs have no encoding
        bool none = status == 0 || status == ORDER_MARKET || status >= ORDER_INPUT;
        r = sample_filled();
        r.status = status;
        r.has_account = status == ORDER_FILLED || status == ORDER_STATE;
        if (status == ORDER_STATE)
            r.key = (struct order_key){.account = 17}, r.reason[0] = 0;
        ck_assert_int_eq(reply_encode(&r, buf, sizeof buf) == 0, none);
    }
    ck_assert_str_eq(order_status_name(ORDER_MINED), "mined");
    ck_assert_str_eq(order_status_name(ORDER_UNDONE), "undone");
    ck_assert_str_eq(order_status_name(ORDER_TAKEN + 1), "?");
}
END_TEST

START_TEST(records_round_trip)
{
    struct prng r;
    prng_seed(&r, 3);
    struct order o = sample_order(&r, 2);
    uint8_t bytes[ORDER_BYTES_MAX], rec[READY_RECORD_MAX];
    size_t n = order_encode(&o, bytes, sizeof bytes), n_bytes;
    size_t len = ready_record_encode(&o.key, bytes, n, rec, sizeof rec);
    const uint8_t *p;
    struct order_key k;
    ck_assert_int_eq(ready_record_decode(rec, len, &k, &p, &n_bytes), 0);
    ck_assert(n_bytes == n && memcmp(p, bytes, n) == 0 && order_key_cmp(&k, &o.key) == 0);
    ck_assert_int_eq(ready_record_decode(rec, len - 1, &k, &p, &n_bytes), -1);
    rec[0]++; // key beside the bytes differs from the key in them
    ck_assert_int_eq(ready_record_decode(rec, len, &k, &p, &n_bytes), -1);

    struct order_record b, a = {.key = {1, 2, 3, 4}, .full = true, .answer = 9};
    a.value_e8 = INT64_MIN;
    a.reward_e8 = INT64_MAX;
    uint8_t buf[ORDER_RECORD_BYTES];
    const size_t short_n = ORDER_RECORD_SHORT; // without a slippage, as in older journals
    for (unsigned i = 0; i < 4; i++) { // the byte behind `full`: bit 0 made beforehand, bit 1 predicted
        a.ready = i & 1;
        a.predicted = i >> 1;
        ck_assert_uint_eq(order_record_encode(&a, buf), short_n);
        ck_assert_uint_eq(buf[ORDER_KEY_BYTES + 1], i);
        ck_assert_int_eq(order_record_decode(buf, short_n, &b), 0);
        ck_assert(b.ready == a.ready && b.predicted == a.predicted);
    }
    buf[ORDER_KEY_BYTES + 1] = 4; // a slippage that is not there
    ck_assert_int_eq(order_record_decode(buf, short_n, &b), -1);
    a.ready = a.predicted = false;
    order_record_encode(&a, buf);
    ck_assert_int_eq(order_record_decode(buf, short_n, &b), 0);
    ck_assert(b.full && !b.ready && b.answer == 9 && b.value_e8 == INT64_MIN);
    ck_assert_int_eq(order_record_decode(buf, short_n - 1, &b), -1);
    buf[ORDER_KEY_BYTES] = 2; // a flag is 0 or 1
    ck_assert_int_eq(order_record_decode(buf, short_n, &b), -1);
    for (unsigned i = 0; i < 2; i++) { // with one, by a known book or not
        a.has_slip = true;
        a.slip_known = i;
        a.slip_e8 = i ? INT64_MAX : -7;
        ck_assert_uint_eq(order_record_encode(&a, buf), sizeof buf);
        ck_assert_int_eq(order_record_decode(buf, sizeof buf, &b), 0);
        ck_assert(b.has_slip && b.slip_known == a.slip_known && b.slip_e8 == a.slip_e8);
        ck_assert_int_eq(order_record_decode(buf, short_n, &b), -1);
    }
    buf[ORDER_KEY_BYTES + 1] = 8; // known, and there is none
    ck_assert_int_eq(order_record_decode(buf, short_n, &b), -1);
    buf[ORDER_KEY_BYTES + 1] = 16;
    ck_assert_int_eq(order_record_decode(buf, short_n, &b), -1);
}
END_TEST

static size_t wire_sample(unsigned which, struct prng *r, uint8_t *buf)
{
    static struct gateway_order g;
    static struct wire_balances b;
    struct order o = sample_order(r, 1 + (unsigned)prng_below(r, ORDER_LEGS_MAX));
    struct order_key keys[3] = {{1, 2, 3, 4}, {5, 6, 7, 8}, o.key};
    struct order_reply rep = sample_filled();
    uint8_t bytes[REPLY_BYTES_MAX];
    uint32_t sent;
    size_t n;
    memset(bytes, 'm', sizeof bytes);
    switch (which) {
    case 0:
        return wire_put_hello(buf, WIRE_MAX);
    case 1:
        return wire_put_welcome(
            &(struct wire_welcome){1, UINT64_MAX, 7, 9, 3, {10000, 20, UINT32_MAX, INT64_MAX}}, buf,
            WIRE_MAX);
    case 2:
        g.key = o.key;
        g.n_bytes = (uint16_t)order_encode(&o, g.bytes, sizeof g.bytes);
        g.second = prng_below(r, 2) ? 0 : MOVING_TIME_MAX;
        g.n_marks = (uint16_t)prng_below(r, ROW_ASSETS_MAX + 1);
        for (unsigned i = 0; i < g.n_marks; i++)
            g.mark[i] = (struct gateway_mark){(uint16_t)i, (int64_t)(1 + (prng_u64(r) >> 2))};
        return wire_put_order(&g, buf, WIRE_MAX);
    case 3:
        return wire_put_lookup(WIRE_FENCE, keys, 3, buf, WIRE_MAX);
    case 4:
        return wire_put_state(9, buf, WIRE_MAX);
    case 5:
        return wire_put_ledger(9, buf, WIRE_MAX);
    case 6:
        n = reply_encode(&rep, bytes, sizeof bytes);
        return wire_put_reply(bytes, n, buf, WIRE_MAX);
    case 7:
        return wire_put_absent(&keys[0], buf, WIRE_MAX);
    case 8:
        b = (struct wire_balances){.last = true, .orders = 5, .n = 2};
        b.row[0] = (struct wire_balance){"cash/USDC", PARTY_POOL, i256_neg(i256_pow10(60))};
        b.row[1] = (struct wire_balance){"token/WETH", PARTY_ACCOUNT, i256_pow10(60)};
        return wire_put_balances(&b, buf, WIRE_MAX);
    case 9:
        n = wire_begin_states(buf, WIRE_MAX);
        n = wire_add_state(&rep.account, buf, WIRE_MAX, n);
        n = wire_add_state(&rep.account, buf, WIRE_MAX, n);
        wire_end_states(true, 2, buf);
        return n;
    case 10:
        return wire_put_watch(UINT64_MAX, 7, 1, buf, WIRE_MAX);
    case 11:
        return wire_put_set(&rep.account, buf, WIRE_MAX);
    case 12:
        n = reply_encode(&rep, bytes, sizeof bytes);
        return wire_put_told(5, bytes, n, buf, WIRE_MAX);
    case 13:
        return wire_put_is_set(UINT32_MAX, 3, buf, WIRE_MAX);
    case 14:
        return wire_put_market(buf, WIRE_MAX);
    case 15:
        return wire_put_part(WIRE_SET_MARKET, &(struct wire_part){3, 0, 9000, 100, 8900, bytes}, buf, 500,
                             &sent);
    case 16:
        return wire_put_part(WIRE_MARKET_PART, &(struct wire_part){3, 7, 9000, 8600, 400, bytes}, buf,
                             WIRE_MAX, &sent);
    default:
        return wire_put_error(WIRE_VIOLATION, &keys[0], "other bytes", buf, WIRE_MAX);
    }
}
enum { WIRE_SAMPLES = 18 };

START_TEST(wire_round_trip)
{
    static struct wire_msg m;
    static uint8_t buf[WIRE_MAX];
    struct prng r;
    prng_seed(&r, test_seed(5));
    for (unsigned w = 0; w < WIRE_SAMPLES; w++) {
        size_t n = wire_sample(w, &r, buf);
        ck_assert_uint_gt(n, 0);
        ck_assert_msg(wire_decode(buf, n, &m) == 0, "sample %u", w);
        // These carry a rest whose own decoders see to its length
        bool open_ended = m.type == WIRE_REPLY || m.type == WIRE_STATES || m.type == WIRE_SET ||
                          m.type == WIRE_TOLD || m.type == WIRE_SET_MARKET || m.type == WIRE_MARKET_PART;
        for (size_t cut = 0; cut < n && !open_ended; cut++)
            ck_assert_msg(wire_decode(buf, cut, &m) == -1, "sample %u cut to %zu", w, cut);
        buf[n] = 0;
        ck_assert_msg(open_ended || wire_decode(buf, n + 1, &m) == -1, "sample %u with a byte more", w);
    }
    size_t n = wire_sample(9, &r, buf);
    struct account a;
    ck_assert_int_eq(wire_decode(buf, n, &m), 0);
    ck_assert_int_eq(wire_next_state(&m.u.states, &a), 1);
    ck_assert_int_eq(wire_next_state(&m.u.states, &a), 1);
    ck_assert(a.id == 17 && a.cash == -((i128)1 << 90));
    ck_assert_int_eq(wire_next_state(&m.u.states, &a), 0);
    n = wire_sample(12, &r, buf);
    ck_assert_int_eq(wire_decode(buf, n, &m), 0);
    ck_assert(m.u.told.seq == 5 && m.u.told.p == buf + 9 && m.u.told.len == n - 9);
    n = wire_sample(10, &r, buf);
    ck_assert_int_eq(wire_decode(buf, n, &m), 0);
    ck_assert(m.u.watch.after == UINT64_MAX && m.u.watch.room == 7 && m.u.watch.market == 1);
    buf[n - 1] = 2;
    ck_assert_int_eq(wire_decode(buf, n, &m), -1);
    n = wire_sample(8, &r, buf);
    ck_assert_int_eq(wire_decode(buf, n, &m), 0);
    ck_assert_int_eq(i256_cmp(m.u.balances.row[0].amount, i256_neg(i256_pow10(60))), 0);
}
END_TEST

// A part lies inside of its whole, and a packet takes as much as it has room for.
START_TEST(wire_parts)
{
    static struct wire_msg m;
    static uint8_t buf[WIRE_MAX], bytes[WIRE_MAX];
    struct wire_part p = {3, 7, MARKET_BYTES_MAX, 1000, 20000, bytes};
    uint32_t sent;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    size_t n = wire_put_part(WIRE_MARKET_PART, &p, buf, 400, &sent);
    ck_assert(n == 400 && sent == 379 && wire_decode(buf, n, &m) == 0);
    ck_assert(m.u.part.version == 3 && m.u.part.seq == 7 && m.u.part.total == MARKET_BYTES_MAX &&
              m.u.part.offset == 1000 && m.u.part.len == sent && memcmp(m.u.part.p, bytes, sent) == 0);
    ck_assert_uint_eq(wire_put_part(WIRE_MARKET_PART, &p, buf, 21, &sent), 0); // no room for a byte of it
    n = wire_put_part(WIRE_SET_MARKET, &p, buf, 400, &sent);
    ck_assert_int_eq(wire_decode(buf, n, &m), -1); // nobody numbers what it sets
    const struct wire_part wrong[] = {
        {0, 7, 500, 0, 400, bytes},         {3, 7, 500, 101, 400, bytes},
        {3, 7, 500, 500, 1, bytes},         {3, 7, 0, 0, 1, bytes},
        {3, 7, 399, 0, 400, bytes},         {3, 7, MARKET_BYTES_MAX + 1, 0, 400, bytes},
        {3, 7, 500, UINT32_MAX, 400, bytes}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        n = wire_put_part(WIRE_MARKET_PART, &wrong[i], buf, WIRE_MAX, &sent);
        ck_assert_uint_gt(n, 0);
        ck_assert_msg(wire_decode(buf, n, &m) == -1, "part %zu", i);
    }
    const struct wire_part edge = {3, 7, 500, 100, 400, bytes};
    n = wire_put_part(WIRE_MARKET_PART, &edge, buf, WIRE_MAX, &sent);
    ck_assert_int_eq(wire_decode(buf, n, &m), 0);
}
END_TEST

// An order's second stays where a multiple of 10^9 fits.
START_TEST(wire_second)
{
    static struct wire_msg m;
    static uint8_t buf[WIRE_MAX];
    static struct gateway_order g = {.second = MOVING_TIME_MAX, .n_marks = 1, .mark = {{3, 5}}, .n_bytes = 1};
    size_t n = wire_put_order(&g, buf, sizeof buf);
    ck_assert(wire_decode(buf, n, &m) == 0 && m.u.order.second == MOVING_TIME_MAX &&
              m.u.order.mark[0].price == 5);
    g.second++;
    n = wire_put_order(&g, buf, sizeof buf);
    ck_assert_int_eq(wire_decode(buf, n, &m), -1);
}
END_TEST

// A copy says the same on the wire, whatever was there before.
START_TEST(orders_copied)
{
    static struct gateway_order from, to;
    static uint8_t sent[WIRE_MAX], copied[WIRE_MAX];
    struct prng r;
    prng_seed(&r, test_seed(7));
    for (unsigned round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof from; i++)
            ((uint8_t *)&from)[i] = (uint8_t)prng_u64(&r);
        memset(&to, (int)prng_below(&r, 256), sizeof to);
        from.second = round;
        from.n_marks = (uint16_t)prng_below(&r, ROW_ASSETS_MAX + 1);
        from.n_bytes = (uint16_t)(1 + prng_below(&r, ORDER_BYTES_MAX));
        gateway_order_copy(&to, &from);
        size_t n = wire_put_order(&from, sent, sizeof sent);
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_eq(wire_put_order(&to, copied, sizeof copied), n);
        ck_assert_int_eq(memcmp(sent, copied, n), 0);
        ck_assert_int_eq(order_key_cmp(&to.key, &from.key), 0);
        ck_assert(to.lsn == from.lsn && memcmp(&to.terms, &from.terms, sizeof to.terms) == 0);
    }
}
END_TEST

// Parts that do not follow each other are no market; the next that begins is.
START_TEST(parts_of_a_market)
{
    static uint8_t bytes[1000];
    struct market_parts m = {0};
    const struct wire_part first = {3, 7, 1000, 0, 600, bytes}, last = {3, 7, 1000, 600, 400, bytes + 600};
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13);
    ck_assert_int_eq(market_parts_take(&m, &last), -1);
    const struct wire_part other[] = {{4, 7, 1000, 600, 400, bytes},
                                      {3, 8, 1000, 600, 400, bytes},
                                      {3, 7, 1001, 600, 400, bytes},
                                      {3, 7, 1000, 599, 400, bytes},
                                      {3, 7, 1000, 601, 399, bytes}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        ck_assert_int_eq(market_parts_take(&m, &first), 0);
        ck_assert_int_eq(market_parts_take(&m, &other[i]), -1);
        ck_assert_int_eq(market_parts_take(&m, &last), -1); // what was there is gone
    }
    ck_assert_int_eq(market_parts_take(&m, &first), 0);
    ck_assert_int_eq(market_parts_take(&m, &first), 0); // begins anew
    ck_assert_int_eq(market_parts_take(&m, &last), 1);
    ck_assert(m.version == 3 && m.seq == 7 && m.total == 1000 && memcmp(m.bytes, bytes, 1000) == 0);
    market_parts_free(&m);
}
END_TEST

// Damaged packets decode to something or not at all, but never read outside (the sanitizer build sees to
// that): each is decoded from an allocation of exactly its length.
START_TEST(wire_random_damage)
{
    static struct wire_msg m;
    static struct account a;
    static struct order_reply rep;
    static struct order o;
    static uint8_t buf[WIRE_MAX];
    struct prng r;
    prng_seed(&r, test_seed(6));
    unsigned decoded = 0;
    for (unsigned i = 0; i < 20000; i++) {
        size_t n = wire_sample(i % WIRE_SAMPLES, &r, buf);
        for (unsigned k = 1 + (unsigned)prng_below(&r, 4); k; k--)
            buf[prng_below(&r, n)] = (uint8_t)prng_u64(&r);
        if (prng_chance(&r, 1, 4))
            n = prng_below(&r, n + 1);
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, buf, n);
        if (wire_decode(exact, n, &m) == 0) {
            decoded++;
            if (m.type == WIRE_STATES)
                while (wire_next_state(&m.u.states, &a) == 1)
                    ;
            if (m.type == WIRE_REPLY)
                (void)reply_decode(m.u.reply.p, m.u.reply.len, &rep);
            if (m.type == WIRE_ORDER)
                (void)order_decode(m.u.order.bytes, m.u.order.n_bytes, &o);
        }
        free(exact);
    }
    ck_assert_uint_gt(decoded, 100);
    ck_assert_uint_lt(decoded, 19900);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("order");
    TCase *t = tcase_create("codecs");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, key_text_and_order);
    tcase_add_test(t, order_round_trip);
    tcase_add_test(t, state_round_trip);
    tcase_add_test(t, mined_round_trip);
    tcase_add_test(t, order_refuses);
    tcase_add_test(t, reply_round_trip);
    tcase_add_test(t, records_round_trip);
    tcase_add_test(t, wire_round_trip);
    tcase_add_test(t, wire_parts);
    tcase_add_test(t, wire_second);
    tcase_add_test(t, orders_copied);
    tcase_add_test(t, parts_of_a_market);
    tcase_add_test(t, wire_random_damage);
    suite_add_tcase(s, t);
    return run_suite(s);
}
