// SPDX-License-Identifier: Apache-2.0
// A lending account and its market, told by lines: the commands reset, reserve and pos of the drivers.
#ifndef TRIPLINE_TESTS_DIFF_RESERVES_H
#define TRIPLINE_TESTS_DIFF_RESERVES_H

#include "accounts/rules/rule.h"
#include "talk.h"

static struct market market;
static struct account account = {.id = 1, .rule = &rule_aave_3_5};
static int64_t px[MARKET_ASSETS_MAX];

static inline u128 big(void)
{
    return i256_lo(wide());
}

static inline uint64_t num(void)
{
    return (uint64_t)big();
}

static inline void do_reset(void)
{
    memset(&market, 0, sizeof market);
    account.n_positions = 0;
}

static inline void do_reserve(void)
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

static inline void do_pos(void)
{
    struct position *p = &account.position[account.n_positions++ % ACCOUNT_POSITIONS_MAX];
    *p = (struct position){.instrument = (uint16_t)num()};
    p->collateral = num() != 0;
    p->supply = (i128)big();
    p->debt = (i128)big();
}

#endif
