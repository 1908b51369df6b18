// SPDX-License-Identifier: Apache-2.0
// A small lending book for tests of the venue: reserve 0 is supplied, reserve 1 owed, both bear interest from
// LB_TOLD on; prices have 8 decimals.
#ifndef TRIPLINE_TEST_EXEC_LENDBOOK_H
#define TRIPLINE_TEST_EXEC_LENDBOOK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/moving.h"
#include "accounts/store.h"
#include "exec/gateway.h"

enum { LB_TOLD = 1700000000, LB_YEAR = 31536000 };
#define LB_RAY ((u128)1000000000000000000ull * 1000000000ull)

// 3 % a year to suppliers, 10 % from borrowers; threshold 80 %, bonus 5 %.
static inline void lendmarket(struct market *m)
{
    static const char *const name[2] = {"AAA", "BBB"};
    memset(m, 0, sizeof *m);
    m->n_assets = m->n_instruments = 2;
    for (uint16_t i = 0; i < 2; i++) {
        struct asset *a = &m->asset[i];
        struct instrument *s = &m->instrument[i];
        *a = (struct asset){.kind = ASSET_INDEX, .decimals = 8};
        *s = (struct instrument){.kind = INST_RESERVE,
                                 .size_decimals = 6,
                                 .asset = i,
                                 .lt_bps = 8000,
                                 .lb_bps = 10500,
                                 .fee_bps = 1000,
                                 .liquidity_index = LB_RAY * 21 / 20,
                                 .borrow_index = LB_RAY * 11 / 10,
                                 .liquidity_rate = LB_RAY * 3 / 100,
                                 .borrow_rate = LB_RAY / 10,
                                 .told_at = LB_TOLD};
        (void)snprintf(a->name, sizeof a->name, "%s", name[i]);
        (void)snprintf(a->source, sizeof a->source, "%s", name[i]);
        (void)snprintf(s->name, sizeof s->name, "%s", name[i]);
    }
}

// Account k (id 100 + k) has supplied a million AAA (and k odd amounts) and owes so many BBB that at equal
// prices and as told its health is 1.01 to 1.30.
static inline void lendbook(struct book *b, size_t n)
{
    memset(b, 0, sizeof *b);
    b->n_accounts = n;
    b->account = calloc(n, sizeof *b->account);
    lendmarket(&b->market);
    for (size_t k = 0; k < n; k++) {
        struct account *a = &b->account[k];
        *a = (struct account){.id = (uint32_t)(100 + k), .rule = &rule_aave_3_5, .n_positions = 2};
        i128 supply = 1000000000000 + 7919 * (i128)k, health_ppm = 1010000 + 290000 * (i128)k / (i128)n;
        a->position[0] = (struct position){.instrument = 0, .collateral = true, .supply = supply};
        a->position[1] =
            (struct position){.instrument = 1, .debt = supply * 21 * 10 * 800 * 1000 / 20 / 11 / health_ppm};
    }
}

// What the rule itself would order for the account in market m at these prices; -1 when nothing.
static inline int lendbook_order(const struct market *m, const struct account *a, const int64_t px[2],
                                 uint32_t revision, struct gateway_order *g)
{
    static struct order_size s;
    int64_t all[MARKET_ASSETS_MAX] = {px[0], px[1]};
    const struct size_policy policy = {1050000, 0};
    if (a->rule->size(m, a, all, &policy, &s))
        return -1;
    struct order o = {.key = {1, a->id, a->epoch, revision}, .full = s.full, .n = s.n};
    memcpy(o.leg, s.leg, s.n * sizeof s.leg[0]);
    *g = (struct gateway_order){
        .key = o.key, .lsn = 1, .second = m->now_s, .n_marks = 2, .mark = {{0, px[0]}, {1, px[1]}}};
    g->n_bytes = (uint16_t)order_encode(&o, g->bytes, sizeof g->bytes);
    return g->n_bytes ? 0 : -1;
}

#endif
