// SPDX-License-Identifier: Apache-2.0
// A session over a paired book of three reserves: prices told and prices from packets, a gateway in the
// test's hands, a journal that is replayed at the end. A test program includes it once and says what its
// gateway takes and what its log sees.
#ifndef TRIPLINE_TEST_RUN_PAIRTEST_H
#define TRIPLINE_TEST_RUN_PAIRTEST_H

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/pair.h"
#include "accounts/rules/rule.h"
#include "feed/deribit_encode.h"
#include "feed/gen_frame.h"
#include "oracle/told.h"
#include "run/replay.h"
#include "run/session.h"
#include "run_suite.h"

enum { RESERVES = 3, BTC = 0, ETH = 1, SOL = 2, FEED_STALE_MS = 5000, CHANNEL = 10 };
static const uint64_t SECOND = UINT64_C(1000000000);
static const double START[RESERVES] = {60000, 3000, 150};
static const char *const NAME[RESERVES] = {"BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL", "SOL_USDC-PERPETUAL"};

static int take_order(const struct gateway_order *o);                   // the test's
static void see(enum journal_type type, const uint8_t *data, size_t n); // the test's: before it is logged

static struct {
    struct book book;
    struct pairing pair;
    struct session_config cfg;
    struct device *dev;
    struct session *session;
    struct journal *journal;
    char dir[32], path[48];
    uint32_t seq;
    uint64_t now;
    struct told_group told;
} rig;

static int rig_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    return take_order(o);
}
static void rig_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}
static const struct gateway_ops rig_ops = {.submit = rig_submit, .counters = rig_counters};
static struct gateway rig_gateway = {.ops = &rig_ops};

static uint64_t rig_put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    (void)ctx;
    see(type, a, na);
    return journal_put2(rig.journal, type, a, na, b, nb);
}

static inline int64_t quanta(double price)
{
    return llround(price * 1e8);
}

static inline void rig_market(struct market *m)
{
    static const u128 ray = (u128)1000000000 * 1000000000 * 1000000000;
    m->n_assets = m->n_instruments = RESERVES;
    for (uint16_t i = 0; i < RESERVES; i++) {
        m->asset[i] =
            (struct asset){.kind = ASSET_MARK, .decimals = 8, .stale_ms = FEED_STALE_MS, .guard_ppm = 50000};
        memcpy(m->asset[i].name, NAME[i], strlen(NAME[i]));
        memcpy(m->asset[i].source, NAME[i], strlen(NAME[i]));
        m->instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                               .size_decimals = 6,
                                               .asset = i,
                                               .lt_bps = 8000,
                                               .lb_bps = 10500,
                                               .fee_bps = 1000,
                                               .liquidity_index = ray,
                                               .borrow_index = ray};
        memcpy(m->instrument[i].name, NAME[i], 3);
    }
}

// Worth 100,000 in coll, owed in debt so much that its health is health_ppm at the start prices. Id of the
// store.
static inline void borrower(struct account *a, uint32_t id, uint16_t coll, uint16_t debt, uint32_t health_ppm)
{
    memset(a, 0, sizeof *a);
    a->id = id;
    a->rule = &rule_aave_3_5;
    a->n_positions = 2;
    uint16_t lo = coll < debt ? coll : debt, hi = coll < debt ? debt : coll;
    a->position[0].instrument = lo;
    a->position[1].instrument = hi;
    struct position *c = &a->position[coll == hi], *d = &a->position[debt == hi];
    c->collateral = true;
    c->supply = (i128)(100000 / START[coll] * 1e6);
    d->debt = (i128)(80000 / START[debt] * 1e12 / health_ppm);
}

static inline void rig_book(void)
{
    struct err e;
    ck_assert_int_eq(book_packed(&rig.book, 0, &e), 0);
    rig_market(&rig.book.market);
}

static inline void rig_add(const struct account *a)
{
    struct err e;
    ck_assert_msg(book_append(&rig.book, a, &e) == 0, "%s", e.msg);
}

// After rig_book, rig_add and whatever rig.cfg is to be.
static inline void rig_start(const char *backend, uint32_t lanes, uint32_t slots)
{
    struct err e = {{0}};
    const struct device_config dc = {
        .backend = backend, .lanes = lanes, .slots = slots, .assets = 16, .arrival = true};
    const struct session_log log = {NULL, rig_put};
    memcpy(rig.dir, "/tmp/tl-pairs-XXXXXX", 21);
    ck_assert(mkdtemp(rig.dir) != NULL);
    (void)snprintf(rig.path, sizeof rig.path, "%s/journal", rig.dir);
    ck_assert_msg(book_pair(&rig.book, &e) == 0, "%s", e.msg);
    ck_assert(market_pairing(&rig.book.market, &rig.pair));
    ck_assert_msg(journal_open(rig.path, false, &rig.journal, &e) == 0, "%s", e.msg);
    ck_assert_msg(device_open(&dc, &rig.dev, &e) == 0, "%s", e.msg);
    rig.session = session_new(&rig.cfg, &rig.book, rig.dev, &rig_gateway, &log, true, &e);
    ck_assert_msg(rig.session != NULL, "%s", e.msg);
    ck_assert_int_eq(session_begin(rig.session, &e), 0);
    rig.now = 1000 * SECOND;
    rig.seq = 1;
}

static inline void rig_end(const char *replay_on)
{
    static struct replay_result out;
    struct err e = {{0}};
    ck_assert_uint_eq(session_audit(rig.session)->missed, 0);
    ck_assert_uint_eq(session_audit(rig.session)->unconfirmed_orders, 0);
    ck_assert_uint_eq(engine_counters(session_engine(rig.session))->device_errors, 0);
    journal_put(rig.journal, J_END, NULL, 0);
    session_free(rig.session);
    device_close(rig.dev);
    book_free(&rig.book);
    ck_assert_msg(journal_close(rig.journal, &e) == 0, "%s", e.msg);
    ck_assert_msg(replay_journal(rig.path, replay_on, true, NULL, NULL, &out, &e) == 0, "%s", e.msg);
    ck_assert_msg(out.mismatches == 0, "replay: %s", out.first);
    ck_assert(out.clean_end);
    ck_assert_uint_eq(out.audit.missed, 0);
    ck_assert_int_eq(unlink(rig.path), 0);
    ck_assert_int_eq(rmdir(rig.dir), 0);
    memset(&rig, 0, sizeof rig);
}

// ---- packets

static inline void send_payload(const uint8_t *payload, size_t len)
{
    static struct gen_frame f;
    struct err e = {{0}};
    const struct frame_options o = {0};
    memcpy(frame_payload(&f, &o), payload, len);
    frame_finish(&f, &o, CHANNEL, 6100, len);
    ck_assert_msg(session_frame(rig.session, rig.now, f.buf, f.len, f.wire, &e) == 0, "%s", e.msg);
}

static inline void define(void)
{
    uint8_t buf[512];
    for (uint32_t i = 0; i < RESERVES; i++) {
        struct deribit_encoder enc;
        const struct deribit_instrument d = {.id = i + 12,
                                             .name = NAME[i],
                                             .base = "X",
                                             .quote = "USDC",
                                             .settle = "USDC",
                                             .size = "X",
                                             .state = INSTRUMENT_OPEN,
                                             .type = 2};
        deribit_begin(&enc, buf, sizeof buf, CHANNEL, rig.seq++);
        deribit_put_instrument_v2(&enc, &d);
        send_payload(buf, deribit_end(&enc));
    }
}

static inline void market_says(uint32_t i, double mark, double index)
{
    uint8_t buf[512];
    struct deribit_encoder enc;
    const struct deribit_ticker d = {
        .id = i + 12, .state = INSTRUMENT_OPEN, .ts_ms = rig.now / 1000000, .mark = mark, .index = index};
    deribit_begin(&enc, buf, sizeof buf, CHANNEL, rig.seq++);
    deribit_put_ticker(&enc, &d);
    send_payload(buf, deribit_end(&enc));
}

// ---- a chain

static inline void chain_says(uint8_t kind)
{
    static uint8_t buf[TOLD_BYTES_MAX];
    struct err e = {{0}};
    rig.told.kind = kind;
    rig.told.at_ns = rig.now;
    size_t n = told_encode(&rig.told, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_msg(session_input(rig.session, J_TOLD, buf, n, &e) == 0, "%s", e.msg);
    rig.told.n = 0;
}

// To be told with the next chain_says(); ascending by asset.
static inline void add_told(uint16_t asset, enum hold h, double price)
{
    rig.told.change[rig.told.n++] = (struct told_price){asset, (uint8_t)h, quanta(price)};
}

static inline void block(void)
{
    rig.told.n = 0;
    chain_says(TOLD_BLOCK);
}

static inline void reply(const struct order_reply *r)
{
    struct err e = {{0}};
    ck_assert_msg(session_reply(rig.session, r, &e) == 0, "%s", e.msg);
}

// The new state of an account of a paired book.
static inline void tell_state(const struct account *a)
{
    static struct order_reply r;
    memset(&r, 0, sizeof r);
    r.status = ORDER_STATE;
    r.key.account = a->id;
    r.has_account = true;
    r.account = *a;
    reply(&r);
}

#endif
