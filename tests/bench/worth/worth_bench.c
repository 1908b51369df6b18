// SPDX-License-Identifier: Apache-2.0
// What it costs to ask whether a liquidation is worth it: worth_best of one pair on a pool, on a path of two,
// on three pools side by side and on a book of 50 levels; worth_value and worth_again. Nanoseconds, each call
// timed on its own, the clock's own reading included; the prices change from call to call.
#include "base/clock.h"
#include "base/hist.h"
#include "base/prng.h"
#include "exec/exit/cpmm.h"
#include "exec/exit/depth.h"
#include "exec/exit/worth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WETH, USDC, RUNS = 20000, P50 = 50000, P99 = 99000 };

static struct market market;
static struct account account;
static int64_t px[MARKET_ASSETS_MAX];
static struct cpmm one, two, three;
static struct depth book;
static struct worth_params params = {
    .way = {{308000, 142000, 0}, {458000, 113000, 5}, {300000, 0, 5}},
    .n_levels = 3,
    .level = {{0, 300000}, {500000, 600000}, {900000, 900000}},
    .tip_floor = 1000000000,
    .tip_cap = UINT64_C(2000000000000),
    .min_profit = 500000000,
};
static const struct worth_gas gas = {UINT64_C(20000000000), INT64_C(300000000000)};

static u128 ether(uint64_t n)
{
    return (u128)n * UINT64_C(1000000000000000000);
}

static void make(void)
{
    const u128 ray = (u128)1000000000 * UINT64_C(1000000000000000000);
    market.n_assets = market.n_instruments = 2;
    for (unsigned i = 0; i < 2; i++) {
        market.asset[i].decimals = 8;
        market.instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                                   .asset = (uint16_t)i,
                                                   .size_decimals = i == WETH ? 18 : 6,
                                                   .lt_bps = 8300,
                                                   .lb_bps = 10500,
                                                   .fee_bps = 1000,
                                                   .liquidity_index = ray + ray / 7,
                                                   .borrow_index = ray + ray / 5};
    }
    account = (struct account){.id = 1, .rule = &rule_aave_3_5, .n_positions = 2};
    account.position[0] =
        (struct position){.instrument = WETH, .collateral = true, .supply = (i128)ether(200)};
    account.position[1] = (struct position){.instrument = USDC, .debt = 500000000000};
    px[USDC] = 100000000;
    struct cpmm_pool direct = {ether(3000), 8100000000000, 997, 1000};
    struct cpmm_pool half = {ether(3000), ether(4050000), 997, 1000},
                     rest = {ether(4050000), 8100000000000, 997, 1000};
    one.path[0] = (struct cpmm_path){.n = 1, .pool = {direct}};
    two.path[0] = (struct cpmm_path){.n = 2, .pool = {half, rest}};
    for (unsigned i = 0; i < 3; i++) {
        three.path[i] = one.path[0];
        three.path[i].pool[0].in += ether(10 * i);
    }
    struct err e = {""};
    int bad = cpmm_set(&one, 1, 0, &e) || cpmm_set(&two, 1, 0, &e) || cpmm_set(&three, 3, 0, &e) ||
              depth_begin(&book, ether(1) / 1000, 10, 0, 500, &e);
    for (int64_t i = 0; i < 50 && !bad; i++)
        bad = depth_add(&book, 270000 - 20 * i, 1, 4000, 1, &e);
    depth_end(&book);
    if (bad || worth_check(&params, &e)) {
        fprintf(stderr, "worth_bench: %s\n", e.msg);
        exit(1);
    }
}

static const struct exit_venue *find_exit(void *ctx, uint16_t coll, uint16_t debt)
{
    (void)coll;
    (void)debt;
    return (const struct exit_venue *)ctx;
}

static void tell(const char *what, const struct hist *h)
{
    printf("%-44s p50 %7" PRIu64 "  p99 %7" PRIu64 " ns\n", what, hist_percentile(h, P50),
           hist_percentile(h, P99));
}

static void best(const char *what, struct exit_venue *v, uint16_t scan)
{
    static struct hist h;
    struct prng r;
    struct worth w;
    struct worth_exits exits = {find_exit, v};
    uint64_t sent = 0;
    prng_seed(&r, 1);
    hist_init(&h);
    params.scan = scan;
    for (unsigned i = 0; i < RUNS; i++) {
        px[WETH] = prng_between(&r, 269000000000, 275000000000);
        uint64_t t = clock_system_ns();
        sent += worth_best(&params, WORTH_FLASH, &gas, &market, &account, px, &exits, &w) == 0;
        hist_record(&h, clock_system_ns() - t);
    }
    char name[80];
    snprintf(name, sizeof name, "best size, %s, scan %u (%" PRIu64 " %% sent)", what, scan,
             sent * 100 / RUNS);
    tell(name, &h);
}

static void given(const char *what, struct exit_venue *v)
{
    static struct hist value, again;
    struct prng r;
    struct worth w, best;
    struct worth_exits exits = {find_exit, v};
    uint64_t yes = 0;
    px[WETH] = 272000000000;
    worth_best(&params, WORTH_FLASH, &gas, &market, &account, px, &exits, &best);
    struct worth_token debt = {px[USDC], 6, 8}, coll = {px[WETH], 18, 8};
    prng_seed(&r, 1);
    hist_init(&value);
    hist_init(&again);
    for (unsigned i = 0; i < RUNS; i++) {
        struct worth_amounts x = best.x;
        x.got -= prng_below(&r, 1000000000000);
        uint64_t t = clock_system_ns();
        worth_value(&params, WORTH_FLASH, &gas, &debt, &coll, v, &x, &w);
        uint64_t u = clock_system_ns();
        yes += worth_again(&best, &params, WORTH_FLASH, &gas, &debt, v, x.paid, x.got);
        hist_record(&again, clock_system_ns() - u);
        hist_record(&value, u - t);
    }
    char name[80];
    snprintf(name, sizeof name, "given amounts, %s", what);
    tell(name, &value);
    snprintf(name, sizeof name, "at the trigger, %s (%" PRIu64 " %% sure)", what, yes * 100 / RUNS);
    tell(name, &again);
}

int main(void)
{
    make();
    for (uint16_t scan = 0; scan <= 8; scan += 8) {
        best("a pool", &one.venue, scan);
        best("two in a row", &two.venue, scan);
        best("three pools", &three.venue, scan);
        best("a book", &book.venue, scan);
    }
    given("a pool", &one.venue);
    given("three pools", &three.venue);
    return 0;
}
