// SPDX-License-Identifier: Apache-2.0
// A desk over a lending book with pools to sell in, a gateway that remembers what it was offered, told to
// drop and given, and a log that hashes every record. A test program includes it once; setup() and
// teardown().
#ifndef TRIPLINE_TEST_EXEC_WORTHRIG_H
#define TRIPLINE_TEST_EXEC_WORTHRIG_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/desk.h"
#include "exec/exit/exits.h"

enum { WETH, USDC, WBTC, LINK, DAI, RESERVES, ACCOUNTS = 400 };
#define DOLLAR INT64_C(100000000)
#define GWEI   UINT64_C(1000000000)

static const uint8_t DECIMALS[RESERVES] = {18, 6, 8, 18, 18};
static const int64_t PRICE[RESERVES] = {2800, 1, 90000, 15, 1}; // dollars

static struct book book;
static struct desk *desk;
static struct desk_config cfg;
static struct exits_told told;
static int64_t px[MARKET_ASSETS_MAX];
static struct prng rng;
static struct err error;

// ---- gateway: what became of each key

enum { KEYS_MAX = 60000 };
enum fate { OFFERED = 1, DROPPED, SUBMITTED };
static struct {
    struct gateway base;
    struct gateway_order last, offered; // last of each
    struct order_key key[KEYS_MAX];     // offered
    uint8_t fate[KEYS_MAX];
    struct order_key sent[KEYS_MAX];
    unsigned n, submits, drops, again; // again: offered once more, worth more
    bool full;
} gw;

static inline unsigned gw_find(const struct order_key *k)
{
    for (unsigned i = gw.n; i-- > 0;)
        if (order_key_cmp(&gw.key[i], k) == 0)
            return i;
    return KEYS_MAX;
}

static inline void gw_offer(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    ck_assert_uint_lt(gw.n, KEYS_MAX);
    unsigned i = gw_find(&o->key);
    if (i != KEYS_MAX) { // the same order, wanted before others
        ck_assert_int_eq(gw.fate[i], OFFERED);
        gw.offered = *o;
        gw.again++;
        return;
    }
    ck_assert(o->lsn > 0);
    gw.key[gw.n] = o->key;
    gw.fate[gw.n++] = OFFERED;
    gw.offered = *o;
}

static inline void gw_end(const struct order_key *k, enum fate f)
{
    unsigned i = gw_find(k);
    if (i == KEYS_MAX) {
        ck_assert_int_eq(f, SUBMITTED); // a cold one
        return;
    }
    ck_assert_int_eq(gw.fate[i], OFFERED);
    gw.fate[i] = (uint8_t)f;
}

static inline void gw_drop(struct gateway *g, const struct order_key *k)
{
    (void)g;
    gw.drops++;
    gw_end(k, DROPPED);
}

static inline int gw_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    if (gw.full)
        return -1;
    gw_end(&o->key, SUBMITTED);
    gw.last = *o;
    gw.sent[gw.submits++] = o->key;
    return 0;
}
static const struct gateway_ops gw_ops = {.submit = gw_submit, .offer = gw_offer, .drop = gw_drop};

static inline unsigned gw_open(void) // offered, and neither dropped nor given
{
    unsigned n = 0;
    for (unsigned i = 0; i < gw.n; i++)
        n += gw.fate[i] == OFFERED;
    return n;
}

// ---- log

static struct {
    unsigned ready, orders, unworth;
    uint64_t lsn, hash;
    struct order_record order;
    struct unworth last;
    struct order made; // last J_READY
} wal;

static inline uint64_t log_put(void *ctx, enum journal_type type, const void *data, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++)
        wal.hash = (wal.hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
    wal.hash = (wal.hash ^ (unsigned)type) * UINT64_C(0x100000001b3);
    const uint8_t *bytes;
    size_t n;
    struct order_key k;
    switch ((int)type) {
    case J_READY:
        ck_assert_int_eq(ready_record_decode(data, len, &k, &bytes, &n), 0);
        ck_assert_int_eq(order_decode(bytes, n, &wal.made), 0);
        wal.ready++;
        break;
    case J_ORDER:
        ck_assert_int_eq(order_record_decode(data, len, &wal.order), 0);
        wal.orders++;
        break;
    default:
        ck_assert_int_eq(type, J_UNWORTH);
        ck_assert_int_eq(unworth_decode(data, len, &wal.last), 0);
        wal.unworth++;
    }
    return wal.lsn += len;
}

// ---- book, pools, desk

static inline uint64_t below(uint64_t n)
{
    return prng_below(&rng, n);
}

static inline u128 pow10_of(unsigned n)
{
    u128 v = 1;
    while (n--)
        v *= 10;
    return v;
}

// So many cents' worth of a reserve's token at PRICE.
static inline i128 units(unsigned reserve, int64_t cents)
{
    return (i128)((u128)cents * pow10_of(DECIMALS[reserve]) / 100 / (u128)PRICE[reserve]);
}

static inline void make_market(struct market *m)
{
    const u128 ray = (u128)1000000000 * UINT64_C(1000000000000000000);
    memset(m, 0, sizeof *m);
    m->n_assets = m->n_instruments = RESERVES;
    for (unsigned i = 0; i < RESERVES; i++) {
        m->asset[i] = (struct asset){.kind = ASSET_INDEX, .decimals = 8};
        (void)snprintf(m->asset[i].name, NAME_LEN, "R%u", i);
        (void)snprintf(m->asset[i].source, NAME_LEN, "R%u", i);
        m->instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                               .size_decimals = DECIMALS[i],
                                               .asset = (uint16_t)i,
                                               .lt_bps = 8250,
                                               .lb_bps = 10500,
                                               .fee_bps = 1000,
                                               .liquidity_index = ray + ray / 9,
                                               .borrow_index = ray + ray / 5};
        (void)snprintf(m->instrument[i].name, NAME_LEN, "R%u", i);
        px[i] = PRICE[i] * DOLLAR;
    }
}

// One or two collaterals, one or two debts, a dollar to ten million, health 0.86 to 1.06 at PRICE.
static inline void random_account(struct account *a, uint32_t id)
{
    static const struct rule *const RULES[] = {&rule_aave_3_3, &rule_aave_3_5, &rule_aave_3_6,
                                               &rule_aave_3_7};
    int64_t cents = (int64_t)(100 + below(900));
    for (unsigned i = (unsigned)below(7); i > 0; i--)
        cents *= 10;
    unsigned c = (unsigned)below(RESERVES), t = (c + 1 + (unsigned)below(RESERVES - 1)) % RESERVES;
    i128 supply[RESERVES] = {0}, debt[RESERVES] = {0};
    supply[c] = units(c, cents);
    if (below(3) == 0)
        supply[t] += units(t, cents / 3);
    int64_t owed = (int64_t)((i128)cents * 825 * 1000 / (860000 + (int64_t)below(200000)) * 1111 / 1200);
    debt[t] = units(t, owed);
    if (below(3) == 0)
        debt[c] = units(c, owed / 5);
    *a = (struct account){.id = id, .rule = RULES[below(4)]};
    for (uint16_t i = 0; i < RESERVES; i++)
        if (supply[i] || debt[i])
            a->position[a->n_positions++] = (struct position){
                .instrument = i, .collateral = supply[i] != 0, .supply = supply[i], .debt = debt[i]};
    ck_assert_msg(a->rule->validate(&book.market, a, &error) == 0, "%s", error.msg);
}

// A pool of so many dollars a side, priced at px but for some parts of a thousand.
static inline void add_pool(uint16_t a, uint16_t b, uint64_t dollars, unsigned off)
{
    struct exits_pool *p = &told.pool[told.n++];
    *p = (struct exits_pool){.a = a, .b = b, .keep = 997, .of = 1000, .gas = 90000};
    p->in_a = (u128)dollars * pow10_of(DECIMALS[a]) * DOLLAR / (u128)px[a];
    p->in_b = (u128)dollars * pow10_of(DECIMALS[b]) * DOLLAR / (u128)px[b] * (1000 - off) / 1000;
}

// LINK has only the way by WETH; WBTC and DAI none between them but by WETH.
static inline void tell_pools(uint64_t dollars, unsigned off)
{
    told.n = 0;
    told.native = WETH;
    add_pool(WETH, USDC, dollars, off);
    add_pool(WBTC, WETH, dollars / 2, off);
    add_pool(LINK, WETH, dollars / 8, off);
    add_pool(DAI, USDC, dollars / 3, off);
    add_pool(WETH, DAI, dollars / 5, off);
}

static inline int tell(void)
{
    static uint8_t buf[EXITS_BYTES_MAX];
    size_t n = exits_encode(&told, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    told.block++;
    return desk_exits(desk, buf, n, &error);
}

static inline void open_desk(void)
{
    const struct desk_log log = {NULL, log_put};
    desk_free(desk);
    desk = desk_new(&cfg, &book, &gw.base, &log, &error);
    ck_assert_msg(desk != NULL, "%s", error.msg);
}

static inline void setup(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    memset(&gw, 0, sizeof gw);
    memset(&wal, 0, sizeof wal);
    memset(&told, 0, sizeof told);
    prng_seed(&rng, test_seed(97));
    gw.base.ops = &gw_ops;
    make_market(&book.market);
    book.n_accounts = ACCOUNTS;
    book.account = calloc(ACCOUNTS, sizeof *book.account);
    ck_assert_ptr_nonnull(book.account);
    for (unsigned i = 0; i < ACCOUNTS; i++)
        random_account(&book.account[i], 10 + 2 * i);
    cfg = (struct desk_config){.desk = 1,
                               .size = {1050000, 0},
                               .ready_tolerance_ppm = 40000,
                               .min_profit_e8 = 2 * DOLLAR,
                               .worth = {.mode = DESK_WORTH_FLASH,
                                         .gas = 400000,
                                         .revert_gas = 115000,
                                         .premium_bps = 5,
                                         .level = {{0, 300000}, {500000, 600000}, {900000, 900000}},
                                         .tip_cap = 500 * GWEI}};
    told.base_fee = 2 * GWEI;
    tell_pools(50000000, 2);
    desk = NULL;
    open_desk();
    ck_assert_int_eq(tell(), 0);
}

static inline void teardown(void)
{
    desk_free(desk);
    desk = NULL;
    book_free(&book);
}

// One account by hand: 10 WETH (28,000) against so many dollars of USDC. Breaches below 23,100 of debt's px.
static inline void plain_account(unsigned i, int64_t dollars)
{
    struct account *a = &book.account[i];
    const struct market *m = &book.market;
    const u128 ray = (u128)1000000000 * UINT64_C(1000000000000000000);
    *a = (struct account){.id = 10 + 2 * i, .rule = &rule_aave_3_5, .n_positions = 2};
    a->position[0] = (struct position){.instrument = WETH, .collateral = true};
    a->position[0].supply =
        (i128)(10 * pow10_of(18) / 1000000000 * ray / m->instrument[WETH].liquidity_index) * 1000000000;
    a->position[1] = (struct position){.instrument = USDC};
    a->position[1].debt = (i128)((u128)dollars * 1000000 * (ray / 1000000000) /
                                 (m->instrument[USDC].borrow_index / 1000000000));
}

#endif
