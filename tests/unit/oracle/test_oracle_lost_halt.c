// SPDX-License-Identifier: Apache-2.0
// Starbase's decoder and the oracle together: a halt that a loss has taken with it is not ended by the next
// mark price, a halt's end is believed from a snapshot behind the loss, and a loss without a halt holds no
// longer.
#include "feed/starbasetest.h"
#include "oracle/oracle.h"
#include "run_suite.h"

enum { HALTED = 5, NONE_LOST = 0 };

static struct market market;
static struct oracle *oracle;
static uint64_t now;

static void take(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct feed_packet at = *p;
    (void)ctx;
    at.ts_ns = now;
    oracle_msg(oracle, &at, m);
}

static void open_oracle(const char *field)
{
    char text[128];
    struct err e = {{0}};
    setup();
    rig.sink = (struct feed_sink){NULL, take, NULL};
    market = (struct market){.n_assets = 1};
    market.asset[0] = (struct asset){.name = "X", .kind = ASSET_MARK, .decimals = 9, .stale_ms = 60000};
    snprintf(text, sizeof text, "asset X\nsource starbase BTC-PERPETUAL %s max_age_ms=60000\n", field);
    const struct oracle_config c = {.file = "p.conf", .text = text, .len = strlen(text)};
    oracle = oracle_new(&market, &c, &e);
    ck_assert_msg(oracle != NULL, "%s", e.msg);
    now = (uint64_t)T0;
}

static void close_oracle(void)
{
    oracle_free(oracle);
    teardown();
}

// Delivers the datagram under construction; what the asset's price is worth then.
static enum hold after(unsigned lost)
{
    struct price_change changed[MARKET_ASSETS_MAX];
    bool touched;
    struct feed_packet p = {.venue = VENUE_STARBASE,
                            .stream = 44849,
                            .channel = 44849,
                            .snapshot = le16_load(pk.bytes + 20) == SNAPSHOT,
                            .gap = lost};
    now += 1000000;
    p.ts_ns = now;
    unsigned n = le16_load(pk.bytes + 22);
    if (p.snapshot)
        snap_seq += n;
    else
        live_seq += n;
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = lost});
    oracle_end(oracle, &p, now, changed, &touched);
    return oracle_hold(oracle, 0, now);
}

static void mark(int64_t price)
{
    live();
    message(14, 48, 1, BOTH);
    put64(&pk, 8, (int64_t)now);
    put64(&pk, 16, PERP);
    put64(&pk, 40, price);
}

static void snapshot(int code)
{
    begin(SNAPSHOT, snap_seq);
    le64_store(pk.bytes, now); // sending time
    snapshot_mark(100, PERP, live_seq - 1);
    define(PERP, -1);
    put8(&pk, 275, code);
    order(20, 0, 1, PERP, 5, 100000);
    order(21, 0, 2, PERP, 7, 100001);
    snapshot_mark(101, PERP, live_seq - 1);
}

START_TEST(test_mark)
{
    for (int code = 0; code <= HALTED; code += HALTED) {
        open_oracle("mark");
        snapshot(0);
        after(NONE_LOST);
        mark(100000);
        ck_assert_int_eq(after(NONE_LOST), HOLD_NONE);
        live_seq += 2;
        mark(100001);
        ck_assert_int_ne(after(2), HOLD_NONE);
        mark(100002);
        ck_assert_int_ne(after(NONE_LOST), HOLD_NONE);
        snapshot(code);
        ck_assert_int_eq(after(NONE_LOST), code ? HOLD_HALTED : HOLD_NONE); // told at once
        mark(100003);
        ck_assert_int_eq(after(NONE_LOST), code ? HOLD_HALTED : HOLD_NONE);
        close_oracle();
    }
}
END_TEST

START_TEST(test_book)
{
    for (int code = 0; code <= HALTED; code += HALTED) {
        open_oracle("mid");
        snapshot(0);
        ck_assert_int_eq(after(NONE_LOST), HOLD_NONE);
        live_seq += 2;
        live();
        order(20, BOTH, 3, PERP, 5, 100000);
        ck_assert_int_ne(after(2), HOLD_NONE);
        snapshot(code);
        ck_assert_int_eq(after(NONE_LOST), code ? HOLD_HALTED : HOLD_NONE);
        live();
        order(20, BOTH, 4, PERP, 5, 100000);
        ck_assert_int_eq(after(NONE_LOST), code ? HOLD_HALTED : HOLD_NONE);
        close_oracle();
    }
}
END_TEST

// The end of a halt was lost.
START_TEST(test_end_of_halt)
{
    open_oracle("mark");
    snapshot(0);
    after(NONE_LOST);
    mark(100000);
    after(NONE_LOST);
    live();
    message(16, 32, 1, BOTH);
    put64(&pk, 8, (int64_t)now);
    put64(&pk, 16, PERP);
    put8(&pk, 24, HALTED);
    ck_assert_int_eq(after(NONE_LOST), HOLD_HALTED);
    live_seq += 1;
    mark(100001);
    ck_assert_int_ne(after(1), HOLD_NONE);
    snapshot(0);
    ck_assert_int_eq(after(NONE_LOST), HOLD_NONE);
    mark(100002);
    ck_assert_int_eq(after(NONE_LOST), HOLD_NONE);
    close_oracle();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("oracle_lost_halt");
    TCase *t = tcase_create("oracle_lost_halt");
    tcase_add_test(t, test_mark);
    tcase_add_test(t, test_book);
    tcase_add_test(t, test_end_of_halt);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
