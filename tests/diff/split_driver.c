// SPDX-License-Identifier: Apache-2.0
// Line-driven front of host/exec/split.c for tests/diff/split_diff.py: one command a line on stdin, decimal
// numbers; a malformed line ends the program with status 2. Commands marked -> answer one line on stdout.
//   reset                        market and account
//   reserve I SIZE_DEC PX LT LB FEE LIQUIDITY_INDEX BORROW_INDEX   asset I, 8 decimals
//   pos INSTRUMENT COLLATERAL SUPPLY DEBT
//   split                       -> 0 | 1 QTY DEBT COLL FULL VALUE REWARD of the one order, then of the search
//                                  FIRST DEBT2 QTY2, then two: 0 | 1 QTY FULL VALUE REWARD
#include "exec/split.h"

#include "reserves.h"

static struct account scratch;
static struct settlement settlement;

static void put_i(i128 v)
{
    say(i256_from_i128(v));
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
    say(all.value);
    say(all.reward);
    i128 qty = split_first(&market, &account, px, &all, &scratch, &settlement, &second);
    put_i(qty);
    printf("%d ", qty ? second.leg[0].instrument : -1);
    put_i(qty ? second.leg[0].qty : 0);
    for (int by = SPLIT_BY_SHARE; by <= SPLIT_BY_FLOWS; by++) {
        bool two = split_two(&market, &account, px, &all, (enum split_by)by, &scratch, &settlement, &first);
        printf("%d ", two);
        put_i(two ? first.leg[0].qty : 0);
        printf("%d ", two && first.full);
        say(two ? first.value : I256_ZERO);
        say(two ? first.reward : I256_ZERO);
    }
    putchar('\n');
}

static const struct command commands[] = {
    {"reset", do_reset},
    {"reserve", do_reserve},
    {"pos", do_pos},
    {"split", do_split},
};

int main(void)
{
    return talk(commands, sizeof commands / sizeof commands[0]);
}
