// SPDX-License-Identifier: Apache-2.0
// Health of a book's account by the chain's arithmetic.
#include "accounts/rules/dydx/dydx_account.h"

#include "accounts/moving.h"
#include "accounts/rules/units.h"

void dydx_market(const struct market *m, const struct instrument *in, int64_t px, struct dydx_perpetual *out)
{
    *out = (struct dydx_perpetual){
        .price = (uint64_t)px,
        .exponent = DYDX_CASH_DECIMALS - in->size_decimals - m->asset[in->asset].decimals,
        .initial_ppm = (uint32_t)term_get(&in->terms, TERM_INITIAL_PPM),
        .maintenance_ppm = (uint32_t)term_get(&in->terms, TERM_MAINTENANCE_PPM),
        .step = 1,
        .subticks_per_tick = 1,
    };
}

i256 dydx_cost(const struct market *m, const struct position *p, i128 size)
{
    struct dydx_perpetual at_entry;
    dydx_market(m, &m->instrument[p->instrument], p->entry, &at_entry);
    return dydx_quote(&at_entry, i256_from_i128(size));
}

// A position owes size * (index - settled) of 10^-(size_decimals + FUNDING_DECIMALS); the finest of them is
// the quantum of the sum. Of |size| < 2^72 and a spread below 2^104 (moving.h) 32 make less than 2^242.
i256 dydx_funding(const struct market *m, const struct account *a, bool span)
{
    unsigned finest = 0;
    i256 sum = I256_ZERO;
    for (unsigned i = 0; i < a->n_positions; i++)
        if (m->instrument[a->position[i].instrument].size_decimals > finest)
            finest = m->instrument[a->position[i].instrument].size_decimals;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        i128 index = span ? funding_span(in, p->size > 0) : funding_now(in);
        if (index == p->funding)
            continue;
        i256 owed = i256_mul(i256_from_i128(p->size), i256_from_i128(index - p->funding));
        sum = i256_add(sum, i256_mul(owed, unit10(finest - in->size_decimals)));
    }
    return i256_div10_ceil(sum, finest + FUNDING_DECIMALS - DYDX_CASH_DECIMALS);
}

// Of the block at the market's present second the account has had its liquidation.
static bool dydx_had_block(const struct market *m, const struct account *a)
{
    return m->now_s != 0 && a->rule_state[DYDX_BLOCK] == m->now_s;
}

void dydx_v4_health(const struct market *m, const struct account *a, const int64_t *px, struct health *out)
{
    i256 nc = i256_sub(i256_from_i128(a->cash), dydx_funding(m, a, false)), mmr = I256_ZERO;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        struct dydx_perpetual now;
        dydx_market(m, in, px[in->asset], &now);
        i256 worth = dydx_quote(&now, i256_from_i128(p->size));
        nc = i256_add(nc, i256_sub(worth, dydx_cost(m, p, p->size)));
        mmr = i256_add(mmr, dydx_maintenance(&now, i256_abs(worth)));
    }
    const struct dydx_risk risk = {.nc = nc, .imr = I256_ZERO, .mmr = mmr};
    out->equity = nc;
    out->requirement = mmr;
    out->liquidatable = dydx_liquidatable(&risk) && !dydx_had_block(m, a);
}
