// SPDX-License-Identifier: Apache-2.0
// What a trigger costs in the desk, from desk_fire to its return, on a lending account with one debt and one
// collateral: ready orders with worth off, ready orders that worth_again lets go, ready orders whose pool has
// changed since (worth_value), and cold ones (worth_best). Nanoseconds, each call timed on its own; the
// prices change from call to call. Instructions: name one way and run it under
//   valgrind --tool=callgrind --toggle-collect=trigger build/bench/worth_desk again
#include "accounts/book.h"
#include "base/clock.h"
#include "base/hist.h"
#include "base/prng.h"
#include "exec/desk.h"
#include "exec/exit/exits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WETH, USDC, ACCOUNTS = 256, ROUNDS = 40, P50 = 50000, P99 = 99000 };
enum way { OFF, AGAIN, VALUED, COLD, WAYS };
static const char *const NAME[WAYS] = {"off", "again", "valued", "cold"};

static struct book book;
static int64_t px[MARKET_ASSETS_MAX];
static struct exits_told told = {.base_fee = UINT64_C(2000000000), .native = WETH, .n = 1};
static struct order_key sent;

static int take(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    sent = o->key;
    return 0;
}
static const struct gateway_ops ops = {.submit = take};
static struct gateway gateway = {&ops};

static uint64_t put(void *ctx, enum journal_type type, const void *data, size_t len)
{
    (void)ctx;
    (void)type;
    (void)data;
    return len;
}

static u128 ether(uint64_t n)
{
    return (u128)n * UINT64_C(1000000000000000000);
}

static void make(void)
{
    const u128 ray = (u128)1000000000 * UINT64_C(1000000000000000000);
    struct market *m = &book.market;
    m->n_assets = m->n_instruments = 2;
    for (unsigned i = 0; i < 2; i++) {
        m->asset[i].decimals = 8;
        m->instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                               .asset = (uint16_t)i,
                                               .size_decimals = i == WETH ? 18 : 6,
                                               .lt_bps = 8300,
                                               .lb_bps = 10500,
                                               .fee_bps = 1000,
                                               .liquidity_index = ray + ray / 7,
                                               .borrow_index = ray + ray / 5};
    }
    book.n_accounts = ACCOUNTS;
    book.account = calloc(ACCOUNTS, sizeof *book.account);
    if (!book.account)
        exit(1);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        struct account *a = &book.account[i];
        *a = (struct account){.id = 1 + i, .rule = &rule_aave_3_5, .n_positions = 2};
        a->position[0] = (struct position){.instrument = WETH, .collateral = true, .supply = (i128)ether(20)};
        a->position[1] = (struct position){.instrument = USDC, .debt = INT64_C(43000000000) + i};
    }
    px[USDC] = 100000000;
    told.pool[0] = (struct exits_pool){WETH, USDC, ether(3000), 8100000000000, 997, 1000, 90000};
}

static void tell(struct desk *d)
{
    static uint8_t buf[EXITS_BYTES_MAX];
    struct err e;
    if (desk_exits(d, buf, exits_encode(&told, buf, sizeof buf), &e)) {
        fprintf(stderr, "worth_desk: %s\n", e.msg);
        exit(1);
    }
}

__attribute__((noinline)) static enum desk_answer trigger(struct desk *d, size_t i)
{
    return desk_fire(d, i, px, 1, 0);
}

static void run(enum way way)
{
    static struct hist h;
    struct err e;
    const struct desk_log log = {NULL, put};
    struct desk_config c = {.desk = 1,
                            .size = {1100000, 100},
                            .ready_tolerance_ppm = 50000,
                            .min_profit_e8 = 500000000,
                            .worth = {.mode = way == OFF ? DESK_WORTH_OFF : DESK_WORTH_FLASH,
                                      .gas = 400000,
                                      .revert_gas = 115000,
                                      .premium_bps = 5,
                                      .level = {{0, 300000}, {500000, 600000}, {900000, 900000}},
                                      .tip_cap = UINT64_C(500000000000)}};
    struct desk *d = desk_new(&c, &book, &gateway, &log, &e);
    struct prng r;
    uint64_t out = 0;
    if (!d) {
        fprintf(stderr, "worth_desk: %s\n", e.msg);
        exit(1);
    }
    prng_seed(&r, 1);
    hist_init(&h);
    tell(d);
    for (unsigned round = 0; round < ROUNDS; round++) {
        px[WETH] = 273000000000; // breached below 2719
        for (size_t i = 0; i < ACCOUNTS && way != COLD; i++)
            desk_prepare(d, i, px);
        if (way == VALUED) {
            told.pool[0].in_a += 1000000;
            tell(d);
        }
        for (size_t i = 0; i < ACCOUNTS; i++) {
            px[WETH] = prng_between(&r, 270500000000, 271500000000);
            uint64_t t = clock_system_ns();
            bool went = trigger(d, i) == DESK_SENT;
            hist_record(&h, clock_system_ns() - t);
            out += went;
            struct order_reply back = {.key = sent, .status = ORDER_MINED, .mined = {.success = true}};
            if (went)
                (void)desk_reply(d, &back);
        }
    }
    const struct desk_counters *n = desk_counters(d);
    printf("%-7s p50 %7" PRIu64 "  p99 %7" PRIu64 " ns  %" PRIu64 " sent, %" PRIu64 " again, %" PRIu64
           " valued, %" PRIu64 " cold\n",
           NAME[way], hist_percentile(&h, P50), hist_percentile(&h, P99), out, n->ready_again,
           n->ready_valued, n->cold);
    desk_free(d);
}

int main(int argc, char **argv)
{
    make();
    for (int w = OFF; w < WAYS; w++)
        if (argc < 2 || strcmp(argv[1], NAME[w]) == 0)
            run((enum way)w);
    book_free(&book);
    return 0;
}
