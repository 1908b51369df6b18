// SPDX-License-Identifier: Apache-2.0
// A whole session on the model device, with packets made by hand and a gateway in the test's hands. A test
// program includes it once; the fixture is setup() and teardown(), which ends with the audit's verdict.
#ifndef TRIPLINE_TEST_RUN_SESSIONTEST_H
#define TRIPLINE_TEST_RUN_SESSIONTEST_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/rules/rule.h"
#include "feed/deribit_encode.h"
#include "feed/gen_frame.h"
#include "run/session.h"
#include "run_suite.h" // before the globals below

enum { ID = 12, CHANNEL = 10 };
static const uint64_t SECOND = UINT64_C(1000000000);

// ---- a gateway that only remembers

struct test_gateway {
    struct gateway base;
    size_t orders;
    uint32_t of[64]; // accounts, by order
    struct gateway_order last;
};
static inline int tg_submit(struct gateway *g, const struct gateway_order *o)
{
    struct test_gateway *t = (struct test_gateway *)g;
    t->of[t->orders++] = o->key.account;
    t->last = *o;
    return 0;
}
static inline int tg_poll(struct gateway *g, struct order_reply *out)
{
    (void)g;
    (void)out;
    return 0;
}
static inline int tg_wait(struct gateway *g, int ms)
{
    (void)g;
    (void)ms;
    return 0;
}
static inline void tg_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}
static inline void tg_close(struct gateway *g)
{
    (void)g;
}
static const struct gateway_ops tg_ops = {
    .submit = tg_submit, .poll = tg_poll, .wait = tg_wait, .counters = tg_counters, .close = tg_close};

// ---- the rig

static struct test_gateway gw;
static struct book book;
enum { MANY = 6 };
static struct account account[MANY];
static struct device *dev;
static struct session *s;
static struct session_config cfg;
static uint32_t seq;
static uint64_t now;
static uint64_t records;
static enum journal_type logged[4096]; // the first of them

static inline uint64_t log_put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b,
                               size_t nb)
{
    (void)ctx;
    (void)a;
    (void)b;
    (void)na;
    (void)nb;
    if (records < sizeof logged / sizeof *logged)
        logged[records] = type;
    return ++records;
}

static inline void fill_market(void)
{
    memset(&book, 0, sizeof book);
    struct market *m = &book.market;
    m->n_assets = 1;
    m->n_instruments = 1;
    m->asset[0] = (struct asset){.name = "BTC_USDC-PERPETUAL",
                                 .source = "BTC_USDC-PERPETUAL",
                                 .kind = ASSET_MARK,
                                 .decimals = 9,
                                 .stale_ms = 5000,
                                 .guard_ppm = 50000};
    m->instrument[0] = (struct instrument){.name = "BTC_USDC-PERPETUAL",
                                           .kind = INST_LINEAR,
                                           .size_decimals = 3,
                                           .currency = "USDC",
                                           .cash_decimals = 6,
                                           .n_tiers = 1,
                                           .fee_ppm = 500,
                                           .penalty_ppm = 5000};
    m->instrument[0].tier[0] = (struct tier){.floor = 0, .rate_ppm = 10000};
    // Long 1 BTC from 60,000 with 3,000: below maintenance (1 %) when 3000 + P - 60000 < P / 100, P <
    // 57575.75...
    account[0] = (struct account){.id = 5,
                                  .rule = &rule_perp_linear_1,
                                  .currency = "USDC",
                                  .cash_decimals = 6,
                                  .cash = INT64_C(3000000000),
                                  .n_positions = 1};
    account[0].position[0] = (struct position){.size = 1000, .entry = INT64_C(60000000000000)};
    book.n_accounts = 1;
    book.account = account;
}

// With the book as it is.
static inline void start_filled(const char *policy)
{
    struct err e = {{0}};
    static bool registered;
    if (!registered)
        device_register(&device_ops_model);
    registered = true;
    config_default(&cfg);
    cfg.policy = policy;
    cfg.policy_len = policy ? strlen(policy) : 0;
    cfg.policy_file = "p.conf";
    const struct device_config dc = {.backend = "model"};
    const struct session_log log = {NULL, log_put};
    memset(&gw, 0, sizeof gw);
    gw.base.ops = &tg_ops;
    ck_assert_msg(device_open(&dc, &dev, &e) == 0, "%s", e.msg);
    s = session_new(&cfg, &book, dev, &gw.base, &log, true, &e);
    ck_assert_msg(s != NULL, "%s", e.msg);
    ck_assert_int_eq(session_begin(s, &e), 0);
    seq = 100;
    now = 1000 * SECOND;
}

static inline void start(const char *policy)
{
    fill_market();
    start_filled(policy);
}

static inline void setup(void)
{
    start(NULL);
}

static inline void teardown(void)
{
    ck_assert_uint_eq(session_audit(s)->missed, 0);
    ck_assert_uint_eq(session_audit(s)->unconfirmed_orders, 0);
    session_free(s);
    device_close(dev);
}

static inline void send_payload(const uint8_t *payload, size_t len)
{
    static struct gen_frame f;
    struct err e = {{0}};
    const struct frame_options o = {.vlans = 1};
    memcpy(frame_payload(&f, &o), payload, len);
    frame_finish(&f, &o, CHANNEL, 6100, len);
    ck_assert_msg(session_frame(s, now, f.buf, f.len, f.wire, &e) == 0, "%s", e.msg);
}

static inline void put_definition(struct deribit_encoder *enc)
{
    const struct deribit_instrument i = {.id = ID,
                                         .name = "BTC_USDC-PERPETUAL",
                                         .base = "BTC",
                                         .quote = "USDC",
                                         .settle = "USDC",
                                         .size = "BTC",
                                         .state = INSTRUMENT_OPEN,
                                         .type = 2};
    deribit_put_instrument_v2(enc, &i);
}

static inline void send_definition(void)
{
    uint8_t buf[512];
    struct deribit_encoder enc;
    deribit_begin(&enc, buf, sizeof buf, CHANNEL, seq++);
    put_definition(&enc);
    send_payload(buf, deribit_end(&enc));
}

static inline void send_ticker_state(double mark, double index, uint8_t state)
{
    uint8_t buf[512];
    struct deribit_encoder enc;
    const struct deribit_ticker t = {
        .id = ID, .state = state, .ts_ms = now / 1000000, .mark = mark, .index = index};
    deribit_begin(&enc, buf, sizeof buf, CHANNEL, seq++);
    deribit_put_ticker(&enc, &t);
    send_payload(buf, deribit_end(&enc));
    now += SECOND / 10;
}

static inline void send_ticker(double mark)
{
    send_ticker_state(mark, mark, INSTRUMENT_OPEN);
}

static inline void send_nothing_of_interest(void)
{
    uint8_t buf[64];
    struct deribit_encoder enc;
    deribit_begin(&enc, buf, sizeof buf, CHANNEL, seq++);
    deribit_put_snapshot_end(&enc);
    send_payload(buf, deribit_end(&enc));
}

#endif
