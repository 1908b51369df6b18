// SPDX-License-Identifier: Apache-2.0
// A small book of perp-linear accounts whose numbers are easy to follow, for venue and gateway tests.
#ifndef TRIPLINE_TEST_EXEC_BOOK_H
#define TRIPLINE_TEST_EXEC_BOOK_H

#include <stdio.h>
#include <stdlib.h>

#include "accounts/store.h"
#include "exec/gateway.h"

enum { TB_PRICE = 10000 }; // entry of every position: 100.00

// Account k (id 100 + k) is long k + 1 units from 100.00 with 10 % of that in cash; maintenance 5 %, so it
// breaches below 94.74. Fee 0.05 %, penalty 1 %.
static inline void testbook(struct book *b, size_t n)
{
    *b = (struct book){.n_accounts = n};
    b->account = calloc(n, sizeof *b->account);
    struct market *m = &b->market;
    m->n_assets = m->n_instruments = 1;
    m->asset[0] = (struct asset){.name = "X", .source = "X-PERP", .kind = ASSET_MARK, .decimals = 2};
    m->instrument[0] = (struct instrument){.name = "X-PERP",
                                           .kind = INST_LINEAR,
                                           .size_decimals = 3,
                                           .currency = "USDC",
                                           .cash_decimals = 6,
                                           .n_tiers = 1,
                                           .fee_ppm = 500,
                                           .penalty_ppm = 10000};
    m->instrument[0].tier[0].rate_ppm = 50000;
    for (size_t k = 0; k < n; k++) {
        struct account *a = &b->account[k];
        *a = (struct account){.id = (uint32_t)(100 + k),
                              .rule = &rule_perp_linear_1,
                              .currency = "USDC",
                              .cash_decimals = 6,
                              .cash = (i128)(k + 1) * 10000000,
                              .n_positions = 1};
        a->position[0] = (struct position){.instrument = 0, .size = (i128)(k + 1) * 1000, .entry = TB_PRICE};
    }
}

// The order that the rule itself would size for the account at this price.
static inline int testbook_order(const struct book *b, size_t i, int64_t price, uint32_t revision,
                                 struct gateway_order *g)
{
    static struct order_size s;
    const struct account *a = &b->account[i];
    int64_t px[MARKET_ASSETS_MAX] = {price};
    struct size_policy policy = {1100000, 0};
    if (a->rule->size(&b->market, a, px, &policy, &s))
        return -1;
    struct order o = {.key = {1, a->id, a->epoch, revision}, .full = s.full, .n = s.n};
    for (unsigned k = 0; k < s.n; k++)
        o.leg[k] = s.leg[k];
    *g = (struct gateway_order){.key = o.key, .lsn = 1, .n_marks = 1, .mark = {{0, price}}};
    g->n_bytes = (uint16_t)order_encode(&o, g->bytes, sizeof g->bytes);
    return g->n_bytes ? 0 : -1;
}

#endif
