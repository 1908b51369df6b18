// SPDX-License-Identifier: Apache-2.0
// Line-driven front of host/exec/split.c for tests/diff/split_diff.py: one command a line on stdin, decimal
// numbers; a malformed line ends the program with status 2. Commands marked -> answer one line on stdout.
//   reset                        market and account
//   reserve I SIZE_DEC PX LT LB FEE LIQUIDITY_INDEX BORROW_INDEX   asset I, 8 decimals
//   pos INSTRUMENT COLLATERAL SUPPLY DEBT
//   split                       -> 0 | 1 QTY DEBT COLL FULL VALUE REWARD of the one order, then of the search
//                                  FIRST DEBT2 QTY2, then two: 0 | 1 QTY FULL VALUE REWARD
#include "exec/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct market market;
static struct account account = {.id = 1, .rule = &rule_aave_3_5};
static struct account scratch;
static struct settlement settlement;
static int64_t px[MARKET_ASSETS_MAX];

static u128 big(void)
{
    i256 v;
    const char *w = strtok(NULL, " \n");
    if (!w || i256_parse(w, &v) != 0) {
        fprintf(stderr, "split_driver: malformed number\n");
        exit(2);
    }
    return i256_lo(v);
}

static uint64_t num(void)
{
    return (uint64_t)big();
}

static void put(i256 v)
{
    char buf[I256_DIGITS_MAX];
    i256_format(v, buf, sizeof buf);
    printf("%s ", buf);
}

static void put_i(i128 v)
{
    put(i256_from_i128(v));
}

static void do_reserve(void)
{
    unsigned i = (unsigned)num() % MARKET_INSTRUMENTS_MAX;
    struct instrument *in = &market.instrument[i];
    in->kind = INST_RESERVE;
    in->asset = (uint16_t)i;
    market.asset[i].decimals = 8;
    in->size_decimals = (uint8_t)num();
    px[i] = (int64_t)num();
    in->lt_bps = (uint32_t)num();
    in->lb_bps = (uint32_t)num();
    in->fee_bps = (uint32_t)num();
    in->liquidity_index = big();
    in->borrow_index = big();
    market.n_assets = market.n_instruments = (uint16_t)(i + 1);
}

static void do_pos(void)
{
    struct position *p = &account.position[account.n_positions++ % ACCOUNT_POSITIONS_MAX];
    *p = (struct position){.instrument = (uint16_t)num()};
    p->collateral = num() != 0;
    p->supply = (i128)big();
    p->debt = (i128)big();
}

static void do_split(void)
{
    const struct size_policy most = {.target_ppm = 1000001, .dust = INT64_MAX};
    struct order_size all, second = {.n = 0}, first = {.n = 0};
    if (account.rule->size(&market, &account, px, &most, &all) != 0) {
        puts("0");
        return;
    }
    printf("1 ");
    put_i(all.leg[0].qty);
    printf("%u %u %d ", all.leg[0].instrument, all.leg[1].instrument, all.full);
    put(all.value);
    put(all.reward);
    i128 qty = split_first(&market, &account, px, &all, &scratch, &settlement, &second);
    put_i(qty);
    printf("%d ", qty ? second.leg[0].instrument : -1);
    put_i(qty ? second.leg[0].qty : 0);
    if (!split_two(&market, &account, px, &all, &scratch, &settlement, &first)) {
        puts("0");
        return;
    }
    printf("1 ");
    put_i(first.leg[0].qty);
    printf("%d ", first.full);
    put(first.value);
    put(first.reward);
    putchar('\n');
}

int main(void)
{
    static char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        const char *name = strtok(line, " \n");
        if (name && strcmp(name, "reset") == 0) {
            memset(&market, 0, sizeof market);
            account.n_positions = 0;
        } else if (name && strcmp(name, "reserve") == 0) {
            do_reserve();
        } else if (name && strcmp(name, "pos") == 0) {
            do_pos();
        } else if (name && strcmp(name, "split") == 0) {
            do_split();
        } else {
            fprintf(stderr, "split_driver: malformed command\n");
            return 2;
        }
        fflush(stdout);
    }
    return 0;
}
