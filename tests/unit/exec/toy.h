// SPDX-License-Identifier: Apache-2.0
// A desk by itself for its tests: a rule of four lines, a gateway and a log that remember what they were
// given. A test program includes it once; the fixture is setup() and teardown().
#ifndef TRIPLINE_TEST_EXEC_TOY_H
#define TRIPLINE_TEST_EXEC_TOY_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "exec/desk.h"

// ---- the rule: one linear position, 10 % maintenance. Prices and cash in whole units, value = units * 1e8.
//   liquidatable <=> cash + size (p - entry) < |size| p / 10;  size: |size| * (shortage / requirement),
//   rounded up.

static inline int64_t first_price(const struct market *m, const struct account *a, const int64_t *px)
{
    return px[m->instrument[a->position[0].instrument].asset];
}

static inline void toy_health(const struct market *m, const struct account *a, const int64_t *px,
                              struct health *out)
{
    i128 eq = a->cash, req = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        int64_t price = px[m->instrument[p->instrument].asset];
        eq += p->size * (price - p->entry);
        req += (p->size < 0 ? -p->size : p->size) * price / 10;
    }
    out->equity = i256_from_i128(eq);
    out->requirement = i256_from_i128(req);
    out->liquidatable = eq < req;
}

static bool toy_no_size;
static i128 toy_size_factor = 1; // times the least size that restores health
static i128 toy_value_factor = 100000000;

static inline int toy_size(const struct market *m, const struct account *a, const int64_t *px,
                           const struct size_policy *policy, struct order_size *out)
{
    struct health h;
    toy_health(m, a, px, &h);
    if (!h.liquidatable || toy_no_size)
        return -1;
    i128 eq = i256_to_i128(h.equity), req = i256_to_i128(h.requirement);
    i128 abs = a->position[0].size < 0 ? -a->position[0].size : a->position[0].size;
    i128 qty = (abs * (req - eq) * toy_size_factor + req - 1) / req;
    int64_t price = first_price(m, a, px);
    out->full = qty >= abs || (abs - qty) * price < policy->dust;
    out->n = 1;
    out->leg[0] = (struct order_leg){a->position[0].instrument, out->full ? abs : qty};
    out->value = i256_mul(i256_from_i128(out->leg[0].qty * price), i256_from_i128(toy_value_factor));
    out->reward = i256_div_floor(out->value, i256_from_i64(100));
    return 0;
}

static bool toy_settle_refuses;

static inline int toy_settle(const struct market *m, struct account *a, const int64_t *px,
                             const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct health h;
    toy_health(m, a, px, &h);
    i128 abs = a->position[0].size < 0 ? -a->position[0].size : a->position[0].size;
    if (!h.liquidatable || n != 1 || leg[0].qty > abs || toy_settle_refuses)
        return err_set(e, "refused");
    i128 closed = a->position[0].size < 0 ? -leg[0].qty : leg[0].qty;
    a->cash += closed * (first_price(m, a, px) - a->position[0].entry);
    a->position[0].size -= closed;
    out->n = 0;
    return 0;
}

static inline int toy_validate(const struct market *m, const struct account *a, struct err *e)
{
    (void)m;
    return a->cash_decimals == 0 ? 0 : err_set(e, "cash decimals");
}

static const struct rule toy = {
    .name = "toy", .health = toy_health, .size = toy_size, .settle = toy_settle, .validate = toy_validate};

// ---- gateway and log

enum { SEEN_MAX = 70000 };
struct fake_gateway {
    struct gateway base;
    struct gateway_order last;
    struct order_key key[SEEN_MAX];
    unsigned n;
    bool full;
};
static struct fake_gateway gw;

static inline int fake_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    if (gw.full)
        return -1;
    gw.last = *o;
    gw.key[gw.n++] = o->key;
    return 0;
}
static const struct gateway_ops fake_ops = {.submit = fake_submit};

static struct {
    unsigned ready, orders;
    uint64_t lsn, ready_lsn; // of the last record, of the last J_READY
    bool failed;
    struct order_key key[SEEN_MAX]; // of every J_READY
    struct order_record order;      // last J_ORDER
    uint8_t bytes[ORDER_BYTES_MAX]; // last J_READY
    size_t n_bytes;
} wal;

static inline uint64_t log_put(void *ctx, enum journal_type type, const void *data, size_t len)
{
    (void)ctx;
    if (wal.failed)
        return 0;
    if (type == J_READY) {
        const uint8_t *bytes;
        ck_assert_int_eq(ready_record_decode(data, len, &wal.key[wal.ready++], &bytes, &wal.n_bytes), 0);
        memcpy(wal.bytes, bytes, wal.n_bytes);
        wal.ready_lsn = wal.lsn + len;
    } else {
        ck_assert_int_eq(type, J_ORDER);
        ck_assert_int_eq(order_record_decode(data, len, &wal.order), 0);
        wal.orders++;
    }
    return wal.lsn += len;
}

// ---- one desk a test

enum { ACCOUNTS = 1500 };
static struct book book;
static int64_t px[MARKET_ASSETS_MAX];
static struct desk *desk;

static inline void open_desk(const struct desk_config *c)
{
    struct err e;
    struct desk_log log = {NULL, log_put};
    desk = desk_new(c, &book, &gw.base, &log, &e);
    ck_assert_msg(desk != NULL, "%s", e.msg);
}

static inline void setup(void)
{
    memset(&gw, 0, sizeof gw);
    memset(&wal, 0, sizeof wal);
    gw.base.ops = &fake_ops;
    toy_no_size = toy_settle_refuses = false;
    toy_value_factor = 100000000;
    book = (struct book){.n_accounts = ACCOUNTS};
    book.account = calloc(ACCOUNTS, sizeof *book.account);
    struct market *m = &book.market;
    m->n_assets = m->n_instruments = 2;
    for (unsigned i = 0; i < 2; i++) {
        m->asset[i] = (struct asset){.kind = ASSET_MARK};
        snprintf(m->asset[i].name, NAME_LEN, "X%u", i);
        snprintf(m->asset[i].source, NAME_LEN, "X%u", i);
        m->instrument[i] =
            (struct instrument){.kind = INST_LINEAR, .currency = "USDC", .asset = (uint16_t)i, .n_tiers = 1};
        m->instrument[i].tier[0].rate_ppm = 100000;
        snprintf(m->instrument[i].name, NAME_LEN, "X%u-PERP", i);
        px[i] = 10000;
    }
    // breach: cash + size (p - entry) = size p / 10  =>  at 1000 long, entry 10000, cash 1e6: p = 10000
    // exactly
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        struct account *a = &book.account[i];
        *a = (struct account){
            .id = 10 + 2 * i, .rule = &toy, .currency = "USDC", .cash = 1000000, .n_positions = 1};
        a->position[0] = (struct position){.instrument = 0, .size = 1000, .entry = 10000};
    }
}

static inline void teardown(void)
{
    desk_free(desk);
    desk = NULL;
    book_free(&book);
}

static inline struct desk_config config(void)
{
    return (struct desk_config){.desk = 1, .size = {1050000, 0}, .ready_tolerance_ppm = 20000};
}

static inline enum desk_answer fire(size_t account, int64_t price, uint64_t now)
{
    px[0] = price;
    return desk_fire(desk, account, px, now, 0);
}

static inline struct order_reply reply_to_last(uint8_t status)
{
    struct order_reply r = {.key = gw.last.key, .status = status, .has_account = status == ORDER_FILLED};
    if (r.has_account) {
        r.account = book.account[(gw.last.key.account - 10) / 2];
        r.account.epoch++;
    }
    return r;
}

#endif
