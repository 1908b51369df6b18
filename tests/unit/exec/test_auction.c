// SPDX-License-Identifier: Apache-2.0
// Auctions and bids as bytes: what decodes encodes to the same, nothing damaged gets through; as notes of
// replies and on the wire; prices and money against integers worked out by hand; the venue's SPEC.
#include "exec/auction.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/paper/auction_spec.h"
#include "exec/paper/wire.h"
#include "run_suite.h"

static struct auction sample(void)
{
    struct auction a = {.id = 9, .version = 3, .account = 17, .coll = 1, .debt = 2, .event = AUCTION_TAKEN};
    a.by = 7;
    a.second = 1700000000;
    a.slice = (u128)5 << 70;
    a.owe = u256_pow10(50);
    a.k = (struct clip){
        .calc = {CURVE_STAIRSTEP, 10, 20, u256_pow10(26)}, .tail = 600, .running = true, .tic = 1699999990};
    a.k.buf = u256_pow10(27);
    a.k.cusp = u256_pow10(26);
    a.k.tab = u256_pow10(40);
    a.k.lot = u256_pow10(20);
    a.k.top = u256_pow10(30);
    return a;
}

START_TEST(test_auction_bytes)
{
    struct auction a = sample(), b;
    uint8_t buf[AUCTION_BYTES + 1], back[AUCTION_BYTES];
    struct prng r;
    unsigned through = 0;
    prng_seed(&r, test_seed(20261121));
    ck_assert_uint_eq(auction_encode(&a, buf, AUCTION_BYTES - 1), 0);
    ck_assert_uint_eq(auction_encode(&a, buf, sizeof buf), AUCTION_BYTES);
    for (size_t n = 0; n < sizeof buf; n++)
        ck_assert_int_eq(auction_decode(buf, n, &b), n == AUCTION_BYTES ? 0 : -1);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t bad[AUCTION_BYTES];
        memcpy(bad, buf, sizeof bad);
        bad[prng_below(&r, sizeof bad)] = (uint8_t)prng_u64(&r);
        if (auction_decode(bad, sizeof bad, &b) != 0)
            continue;
        through++;
        ck_assert_uint_eq(auction_encode(&b, back, sizeof back), AUCTION_BYTES);
        ck_assert(memcmp(bad, back, sizeof bad) == 0);
    }
    ck_assert_uint_gt(through, 1000);
    a.k.running = false;
    ck_assert_uint_eq(auction_encode(&a, buf, sizeof buf), 0); // over, and something left
    a.k.tab = a.k.lot = a.k.top = U256_ZERO;
    a.k.tic = 0;
    ck_assert_uint_eq(auction_encode(&a, buf, sizeof buf), AUCTION_BYTES);
    a.event = AUCTION_RESET;
    ck_assert_uint_eq(auction_encode(&a, buf, sizeof buf), 0); // nothing ends by a reset
}
END_TEST

START_TEST(test_bid_bytes)
{
    struct bid b = {.key = {1, 9, BID_EPOCH, 4}, .what = BID_TAKE, .version = 3, .value_e8 = 7}, c;
    uint8_t buf[BID_BYTES];
    struct order o;
    b.amt = u256_pow10(18);
    b.max = U256_MAX;
    ck_assert_uint_eq(bid_encode(&b, buf, sizeof buf), BID_BYTES);
    ck_assert_int_eq(bid_decode(buf, sizeof buf, &c), 0);
    ck_assert_int_eq(order_key_cmp(&b.key, &c.key), 0);
    ck_assert(c.version == 3 && c.value_e8 == 7 && u256_cmp(c.amt, b.amt) == 0 &&
              u256_cmp(c.max, b.max) == 0);
    ck_assert_int_eq(order_decode(buf, sizeof buf, &o), -1); // neither is taken for the other
    for (size_t n = 0; n < sizeof buf; n++)
        ck_assert_int_eq(bid_decode(buf, n, &c), -1);
    b.key.epoch = 0;
    ck_assert_uint_eq(bid_encode(&b, buf, sizeof buf), 0);
    b.key.epoch = BID_EPOCH;
    b.what = BID_RESET; // which has no amount
    ck_assert_uint_eq(bid_encode(&b, buf, sizeof buf), 0);
    b.what = BID_TAKE;
    b.amt = U256_ZERO;
    ck_assert_uint_eq(bid_encode(&b, buf, sizeof buf), 0);
}
END_TEST

START_TEST(test_notes)
{
    static struct order_reply r, s;
    static uint8_t buf[REPLY_BYTES_MAX];
    static struct wire_msg m;
    uint8_t packet[1024];
    struct auction a = sample();
    memset(&r, 0, sizeof r);
    r.key = (struct order_key){1, 9, BID_EPOCH, 4};
    r.status = ORDER_TAKEN;
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0); // without a note
    r.n_note = (uint16_t)auction_encode(&a, r.note, sizeof r.note);
    size_t n = reply_encode(&r, buf, sizeof buf);
    ck_assert_uint_gt(n, AUCTION_BYTES);
    ck_assert_int_eq(reply_decode(buf, n, &s), 0);
    ck_assert(s.n_note == r.n_note && memcmp(s.note, r.note, r.n_note) == 0);
    r.status = ORDER_UNKNOWN;
    ck_assert_uint_eq(reply_encode(&r, buf, sizeof buf), 0); // may have none
    r.n_note = 0;
    n = reply_encode(&r, buf, sizeof buf);
    ck_assert_uint_eq(buf[0], 1); // without a note a reply is what it was before there were any
    buf[0] = 4;
    ck_assert_int_eq(reply_decode(buf, n, &s), -1);
    uint8_t bytes[AUCTION_BYTES];
    n = wire_put_auction(bytes, auction_encode(&a, bytes, sizeof bytes), packet, sizeof packet);
    ck_assert_int_eq(wire_decode(packet, n, &m), 0);
    ck_assert(m.type == WIRE_AUCTION && m.u.auction.len == AUCTION_BYTES);
    ck_assert_int_eq(wire_decode(packet, n - 1, &m), -1);
}
END_TEST

// 20 decimals of the two sides differ: WETH (18) against USDC (6), prices in 1e-8.
START_TEST(test_money)
{
    static struct market m = {.n_assets = 2, .n_instruments = 2};
    static int64_t px[MARKET_ASSETS_MAX] = {INT64_C(200000000000), INT64_C(100000000)};
    struct checked c = {0};
    u256 rad;
    m.asset[0].decimals = m.asset[1].decimals = 8;
    m.instrument[0] = (struct instrument){.asset = 0, .size_decimals = 18};
    m.instrument[1] = (struct instrument){.asset = 1, .size_decimals = 6};
    struct clip_feed f = auction_feed(&m, 0, 1, px);
    // 2000 USDC for a WETH: 2000e6 / 1e18 units for a unit, as a ray 2e18
    ck_assert(f.has && u256_cmp(clip_feed_price(&c, &f), u256_from_u64(UINT64_C(2000000000000000000))) == 0);
    f = auction_feed(&m, 1, 0, px); // and back: 5e8 units for a unit
    u256 back = clip_feed_price(&c, &f), want;
    (void)u256_mul(u256_from_u64(500000000), u256_pow10(27), &want);
    ck_assert(u256_cmp(back, want) == 0);
    ck_assert(auction_rad(&m, 1, px, 100000000, true, &rad)); // one dollar: 1e6 units
    ck_assert(u256_cmp(rad, u256_pow10(33)) == 0);
    ck_assert_int_eq(auction_e8(&m, 1, px, rad), 100000000);
    (void)u256_add(rad, u256_from_u64(1), &rad);
    ck_assert_int_eq(auction_e8(&m, 1, px, rad), 100000001);
    ck_assert(auction_units_up(rad) == 1000001);
    ck_assert_int_eq(auction_e8(&m, 1, px, U256_MAX), INT64_MAX);
    u256 down, up, one;
    px[1] = 300000000; // three dollars: costs are rounded up, budgets down
    ck_assert(auction_rad(&m, 1, px, 100000000, false, &down) &&
              auction_rad(&m, 1, px, 100000000, true, &up));
    ck_assert(!u256_sub(up, down, &one) && u256_cmp(one, u256_from_u64(1)) == 0);
    px[1] = 0;
    ck_assert(!auction_feed(&m, 0, 1, px).has && !auction_rad(&m, 1, px, 1, true, &rad));
    px[1] = 100000000;
}
END_TEST

START_TEST(test_spec)
{
    struct auction_spec s;
    struct err e;
    ck_assert_int_eq(auction_spec_parse("", &s, &e), 0);
    ck_assert(s.calc.kind == CURVE_EXPONENTIAL && s.tail == 3600 && s.buf_bps == 12000 && !s.rival_pct);
    ck_assert_int_eq(auction_spec_parse(
                         "curve=stairstep,step=30,cut_ppm=900000,tail=60,rival_pct=5,rule=aave-3.5", &s, &e),
                     0);
    ck_assert(s.calc.kind == CURVE_STAIRSTEP && s.calc.step == 30 && s.rival_pct == 5 &&
              strcmp(s.rule, "aave-3.5") == 0);
    static const char *const wrong[] = {"tail",      "tail=0",
                                        "tail=-1",   "tail=1x",
                                        "tail=",     "cut_ppm=1000001",
                                        "x=1",       "curve=flat",
                                        "rule=none", "rival_from_bps=2,rival_to_bps=1",
                                        "wall=2",    "tip_e8=9999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(auction_spec_parse(wrong[i], &s, &e) == -1 && e.msg[0], "%s", wrong[i]);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("auction");
    tcase_add_test(t, test_auction_bytes);
    tcase_add_test(t, test_bid_bytes);
    tcase_add_test(t, test_notes);
    tcase_add_test(t, test_money);
    tcase_add_test(t, test_spec);
    Suite *s = suite_create("auction");
    suite_add_tcase(s, t);
    return run_suite(s);
}
