// SPDX-License-Identifier: Apache-2.0
// Nasty random books for test_rules_walk.c: prices from a few quanta to 2^60, tier floors inside the bands,
// accounts of up to ACCOUNT_POSITIONS_MAX positions, and accounts put exactly on the threshold or one quantum
// beside it. Everything passes the rules' own validation.
#ifndef TRIPLINE_TEST_WALK_BOOK_H
#define TRIPLINE_TEST_WALK_BOOK_H

#include <stdio.h>
#include <string.h>

#include "accounts/assets.h"
#include "accounts/book.h"
#include "accounts/reciprocal.h"
#include "accounts/rules/rule.h"
#include "base/prng.h"

enum { WALK_LINEAR = 40, WALK_INVERSE = 3, WALK_RESERVES = 12, WALK_EMODE = 1 };

// A value of `bits` bits at most, every magnitude alike.
static inline uint64_t walk_magnitude(struct prng *r, unsigned least, unsigned most)
{
    unsigned bits = (unsigned)prng_between(r, least, most);
    return (UINT64_C(1) << (bits - 1)) | (prng_u64(r) & ((UINT64_C(1) << (bits - 1)) - 1));
}

static inline bool walk_liquidatable(const struct market *m, const struct account *a, const int64_t *px)
{
    struct health h;
    a->rule->health(m, a, px, &h);
    return h.liquidatable;
}

// Floors close together, so that several fall into one band; `notional` is what positions are made for.
static inline void walk_tiers(struct prng *r, struct instrument *s, i128 notional)
{
    s->n_tiers = (uint16_t)prng_between(r, 1, 6);
    i128 floor = notional - notional / 100;
    for (unsigned k = 0; k < s->n_tiers; k++) {
        s->tier[k].floor = k ? floor : 0;
        s->tier[k].rate_ppm = (k ? s->tier[k - 1].rate_ppm : 5000) + (uint32_t)prng_below(r, 30000);
        floor += 1 + notional / (i128)prng_between(r, 2, 400);
    }
}

static inline uint16_t walk_asset(struct market *m, struct asset a, unsigned tag)
{
    (void)snprintf(a.name, sizeof a.name, "a%u", (unsigned)m->n_assets);
    if (a.kind != ASSET_RECIPROCAL)
        (void)snprintf(a.source, sizeof a.source, "s%u", tag);
    m->asset[m->n_assets] = a;
    return m->n_assets++;
}

static inline i128 walk_pow10(unsigned n)
{
    i128 v = 1;
    while (n--)
        v *= 10;
    return v;
}

// Scenarios that pull one way, the other, or every price its own.
static inline void walk_scenarios(struct prng *r, struct market *m)
{
    m->n_scenarios = (uint16_t)prng_below(r, prng_chance(r, 1, 2) ? 4 : SCENARIOS_MAX + 1);
    for (unsigned x = 0; x < m->n_scenarios; x++) {
        unsigned how = (unsigned)prng_below(r, 3);
        (void)snprintf(m->scenario[x].name, NAME_LEN, "s%u", x);
        for (unsigned i = 0; i < WALK_LINEAR; i++)
            m->scenario[x].shock_ppm[i] = (int32_t)(how == 0   ? -(int64_t)prng_between(r, 1, 300000)
                                                    : how == 1 ? prng_between(r, 1, 300000)
                                                               : prng_between(r, -MARKET_PPM, MARKET_PPM));
        m->scenario[x].shock_ppm[0] |= 1;
    }
}

static inline void walk_market(struct prng *r, struct market *m, int64_t *px)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    memset(m, 0, sizeof *m);
    for (unsigned i = 0; i < WALK_LINEAR + WALK_INVERSE + WALK_RESERVES; i++) {
        struct instrument s = {.fee_ppm = 500, .penalty_ppm = 1000};
        struct asset a = {.kind = ASSET_MARK};
        (void)snprintf(s.name, sizeof s.name, "i%u", i);
        if (i < WALK_LINEAR) {
            s.kind = INST_LINEAR;
            a.decimals = (uint8_t)prng_below(r, 13);
            s.size_decimals = (uint8_t)prng_below(r, 9);
            s.cash_decimals = 6;
            (void)snprintf(s.currency, sizeof s.currency, "USDC");
            px[m->n_assets] = (int64_t)walk_magnitude(r, prng_chance(r, 1, 5) ? 1 : 17, 60);
            s.asset = walk_asset(m, a, i);
            walk_tiers(r, &s, (i128)walk_magnitude(r, 20, 60));
            s.profit_weight_ppm = prng_chance(r, 1, 3) ? (uint32_t)prng_between(r, 1, MARKET_PPM) : 0;
        } else if (i < WALK_LINEAR + WALK_INVERSE) {
            s.kind = INST_INVERSE;
            a.decimals = (uint8_t)prng_between(r, 2, 9);
            s.cash_decimals = 8;
            (void)snprintf(s.currency, sizeof s.currency, "BTC");
            int64_t p = (int64_t)walk_pow10(a.decimals) * prng_between(r, 20, 90000);
            px[m->n_assets] = p;
            s.asset = walk_asset(m, a, i);
            struct asset rec = {
                .kind = ASSET_RECIPROCAL, .base = s.asset, .decimals = (uint8_t)prng_between(r, 9, 18)};
            px[m->n_assets] = reciprocal_price(p, a.decimals, rec.decimals);
            s.inverse = walk_asset(m, rec, i);
            walk_tiers(r, &s, (i128)walk_magnitude(r, 20, 44));
        } else {
            s.kind = INST_RESERVE;
            a.kind = ASSET_INDEX;
            a.decimals = 8;
            s.size_decimals = (uint8_t)(prng_chance(r, 1, 2) ? 18 : prng_between(r, 2, 18));
            px[m->n_assets] = (int64_t)walk_magnitude(r, 8, 46);
            s.asset = walk_asset(m, a, i);
            s.lt_bps = prng_chance(r, 1, 6) ? 0 : (uint32_t)prng_between(r, 1000, 9500);
            s.lb_bps = 10500;
            s.emode = prng_chance(r, 1, 2) ? WALK_EMODE : 0;
            s.emode_lt_bps = s.emode ? 9500 : 0;
            s.emode_lb_bps = s.emode ? 10100 : 0;
            s.n_emodes = s.emode ? (uint8_t)prng_below(r, 2) : 0;
            s.emodes[0] = (struct emode){.id = WALK_EMODE + 1, .lt_bps = 9100, .lb_bps = 10200};
            s.liquidity_index = ray + (prng_u64(r) | (u128)prng_below(r, 1 << 24) << 64);
            s.borrow_index = ray + (prng_u64(r) | (u128)prng_below(r, 1 << 24) << 64);
        }
        m->instrument[m->n_instruments++] = s;
    }
    walk_scenarios(r, m);
}

// Cash with which a perpetual account has 0 <= H < 1 cash quantum at px: one quantum less is a breach.
static inline void walk_cash_edge(const struct market *m, struct account *a, const int64_t *px)
{
    i128 lo = -((i128)1 << 98), hi = (i128)1 << 98; // lo liquidatable, hi not
    while (hi - lo > 1) {
        a->cash = lo + (hi - lo) / 2;
        if (walk_liquidatable(m, a, px))
            lo = a->cash;
        else
            hi = a->cash;
    }
    a->cash = hi;
}

// The same for a borrower: the largest scaled debt in its first debt position that is not liquidatable.
static inline void walk_debt_edge(const struct market *m, struct account *a, const int64_t *px)
{
    unsigned k = 0;
    while (k < a->n_positions && a->position[k].debt == 0)
        k++;
    if (k == a->n_positions)
        return;
    i128 lo = 0, hi = (i128)1 << 90;
    while (hi - lo > 1) {
        a->position[k].debt = lo + (hi - lo) / 2;
        if (walk_liquidatable(m, a, px))
            hi = a->position[k].debt;
        else
            lo = a->position[k].debt;
    }
    a->position[k].debt = lo > 0 ? lo : 1;
}

// On the threshold, one quantum to either side, or somewhere near it.
static inline void walk_place(struct prng *r, const struct market *m, struct account *a, const int64_t *px)
{
    unsigned how = (unsigned)prng_below(r, 6);
    if (a->rule->holding) {
        walk_debt_edge(m, a, px);
        for (unsigned k = 0; k < a->n_positions; k++) {
            struct position *p = &a->position[k];
            if (p->debt && how < 2)
                p->debt += how;
            else if (p->debt && how > 2)
                p->debt -= p->debt / (i128)prng_between(r, 5, 100000);
        }
        return;
    }
    walk_cash_edge(m, a, px);
    i128 scale = a->cash < 0 ? -a->cash : a->cash;
    if (how < 3)
        a->cash += (i128)how - 1;
    else
        a->cash += scale / (i128)prng_between(r, 5, 100000);
}

static inline void walk_positions(struct prng *r, const struct market *m, const int64_t *px,
                                  struct account *a, unsigned from, unsigned to, unsigned most)
{
    for (unsigned i = from; i < to && a->n_positions < most; i++) {
        if (!prng_chance(r, most, to - from))
            continue;
        const struct instrument *s = &m->instrument[i];
        struct position *p = &a->position[a->n_positions++];
        *p = (struct position){.instrument = (uint16_t)i};
        if (s->kind == INST_RESERVE) {
            p->collateral = prng_chance(r, 5, 6);
            if (prng_chance(r, 2, 3))
                p->supply = (i128)walk_magnitude(r, 10, 62) << prng_below(r, 16);
            if (!p->supply || prng_chance(r, 1, 2))
                p->debt = (i128)walk_magnitude(r, 8, 50);
            continue;
        }
        // Half of the positions have the notional for which the tiers were made.
        i128 size = (i128)walk_magnitude(r, 1, 48);
        if (prng_chance(r, 1, 2) && s->n_tiers > 1) {
            i128 n = s->tier[1].floor;
            unsigned d = s->size_decimals + m->asset[s->asset].decimals, c = s->cash_decimals;
            if (s->kind == INST_LINEAR && d >= c)
                size = n / px[s->asset] * walk_pow10(d - c) + 1;
            else if (s->kind == INST_INVERSE && d >= c) // |s| 10^(c + pd - sd) / P = n
                size = n * (px[s->asset] / walk_pow10(m->asset[s->asset].decimals)) / walk_pow10(c) + 1;
        }
        p->size = prng_chance(r, 1, 2) ? size : -size;
        int64_t e = px[s->asset];
        p->entry = prng_chance(r, 1, 4) ? 1 + e / 3 : e / 8 + e / 8 * 7 + 1;
    }
}

// One valid account near its threshold at px.
static inline void walk_account(struct prng *r, const struct market *m, const int64_t *px, uint32_t id,
                                struct account *a)
{
    static const struct rule *const lending[] = {&rule_aave_1_19, &rule_aave_3_3, &rule_aave_3_4,
                                                 &rule_aave_3_5,  &rule_aave_3_6, &rule_aave_3_7};
    struct err e;
    for (;;) {
        memset(a, 0, sizeof *a);
        a->id = id;
        unsigned kind = (unsigned)prng_below(r, 10);
        unsigned most = prng_chance(r, 1, 4) ? 40 : (unsigned)prng_between(r, 1, 6);
        if (kind < 5) {
            a->rule = prng_chance(r, 1, 2) ? &rule_perp_portfolio_1 : &rule_perp_linear_1;
            (void)snprintf(a->currency, sizeof a->currency, "USDC");
            a->cash_decimals = 6;
            walk_positions(r, m, px, a, 0, WALK_LINEAR, most);
        } else if (kind < 7) {
            a->rule = &rule_perp_inverse_1;
            (void)snprintf(a->currency, sizeof a->currency, "BTC");
            a->cash_decimals = 8;
            walk_positions(r, m, px, a, WALK_LINEAR, WALK_LINEAR + WALK_INVERSE, WALK_INVERSE);
        } else {
            // Every other book has no rule that says nothing of what new parameters can do.
            size_t from = px[0] % 2 ? 3 : 0;
            a->rule = lending[from + prng_below(r, sizeof lending / sizeof *lending - from)];
            a->emode = prng_chance(r, 1, 2) ? (uint8_t)(WALK_EMODE + prng_below(r, 2)) : 0;
            walk_positions(r, m, px, a, WALK_LINEAR + WALK_INVERSE,
                           WALK_LINEAR + WALK_INVERSE + WALK_RESERVES, most);
        }
        if (a->n_positions == 0 || a->rule->validate(m, a, &e) != 0)
            continue;
        walk_place(r, m, a, px);
        if (account_validate(m, a, &e) == 0)
            return;
    }
}

#endif
