// SPDX-License-Identifier: Apache-2.0
// Random markets and accounts for tests: structurally valid (market_check, account_check), extremes included,
// but not made to please any rule's validation.
#ifndef TRIPLINE_TEST_BOOK_RANDOM_H
#define TRIPLINE_TEST_BOOK_RANDOM_H

#include <stdio.h>
#include <string.h>

#include "accounts/account.h"
#include "accounts/book.h"
#include "accounts/moving.h"
#include "accounts/rules/rule.h"
#include "base/prng.h"

// Values of every magnitude: a random number of random bits.
static inline u128 random_bits(struct prng *r, unsigned max_bits)
{
    unsigned bits = (unsigned)prng_below(r, max_bits + 1);
    u128 v = ((u128)prng_u64(r) << 64) | prng_u64(r);
    return bits == 0 ? 0 : v >> (128 - bits);
}

static inline i128 random_signed(struct prng *r)
{
    i128 v = (i128)random_bits(r, 127);
    return prng_chance(r, 1, 2) ? v : -v - 1; // the most negative value included
}

// Field by field: padding may differ.
static inline bool account_equal(const struct account *a, const struct account *b)
{
    if (a->id != b->id || strcmp(a->name, b->name) != 0 || a->rule != b->rule ||
        memcmp(a->currency, b->currency, CURRENCY_LEN) != 0 || a->cash_decimals != b->cash_decimals ||
        a->emode != b->emode || a->epoch != b->epoch || a->cash != b->cash ||
        a->n_positions != b->n_positions)
        return false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i], *q = &b->position[i];
        if (p->instrument != q->instrument || p->collateral != q->collateral || p->size != q->size ||
            p->entry != q->entry || p->supply != q->supply || p->debt != q->debt ||
            p->funding != q->funding || p->orders != q->orders || p->bids != q->bids || p->asks != q->asks)
            return false;
    }
    return true;
}

// A name of one to seven characters that only this number of decimals gives: one currency has one quantum.
static inline void random_currency(struct prng *r, unsigned decimals, char out[CURRENCY_LEN])
{
    memset(out, 0, CURRENCY_LEN);
    (void)snprintf(out, CURRENCY_LEN, "%c%.*s", (int)('A' + decimals), (int)prng_below(r, CURRENCY_LEN - 1),
                   "09ZAQ7");
}

static inline void random_account(struct prng *r, struct account *a)
{
    memset(a, 0, sizeof *a);
    a->id = 1 + (uint32_t)prng_below(r, UINT32_MAX);
    (void)snprintf(a->name, sizeof a->name, "%.*s", (int)prng_below(r, NAME_LEN),
                   "\"x\", \\y\xc3\xa9=;abcdefghijklmnopqrstu");
    a->rule = rule_at(prng_below(r, 3));
    a->cash_decimals = (uint8_t)prng_below(r, DECIMALS_MAX + 1);
    if (prng_chance(r, 2, 3))
        random_currency(r, a->cash_decimals, a->currency);
    a->emode = (uint8_t)prng_u64(r);
    a->epoch = (uint32_t)random_bits(r, 32);
    a->cash = random_signed(r);
    unsigned instrument = (unsigned)prng_below(r, 4);
    unsigned most = (unsigned)prng_below(r, ACCOUNT_POSITIONS_MAX + 1);
    bool funding = prng_chance(r, 1, 3), orders = prng_chance(r, 1, 12);
    a->rule = orders ? rule_find("drift-v2-1") : a->rule;
    while (a->n_positions < most && instrument < MARKET_INSTRUMENTS_MAX) {
        struct position *p = &a->position[a->n_positions++];
        p->instrument = (uint16_t)instrument;
        p->collateral = prng_chance(r, 1, 2);
        p->size = random_signed(r);
        p->entry = (int64_t)random_signed(r);
        p->supply = (i128)random_bits(r, 127);
        p->debt = (i128)random_bits(r, 127);
        if (funding && prng_chance(r, 1, 2))
            p->funding = (i128)random_bits(r, MOVING_FUNDING_BITS) * (prng_chance(r, 1, 2) ? 1 : -1);
        if (orders && prng_chance(r, 1, 2)) { // these have no entry price
            p->entry = 0;
            p->orders = (uint8_t)prng_between(r, 1, UINT8_MAX);
            p->bids = (int64_t)random_bits(r, 63);
            p->asks = (int64_t)random_bits(r, 63);
        }
        instrument += 1 + (unsigned)prng_below(r, 5);
    }
}

static inline void random_moving(struct prng *r, struct instrument *s)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    s->told_at = 1 + prng_below(r, MOVING_TIME_MAX);
    if (s->kind != INST_RESERVE) {
        s->funding_index = (i128)random_bits(r, MOVING_FUNDING_BITS) * (prng_chance(r, 1, 2) ? 1 : -1);
        s->funding_rate = (int64_t)prng_u64(r);
        return;
    }
    s->liquidity_rate = random_bits(r, 93);
    s->borrow_rate = random_bits(r, 93);
    s->borrow_index = ray + random_bits(r, 92); // what a century of these can still grow
    s->grace_until = prng_chance(r, 1, 2) ? prng_below(r, MOVING_TIME_MAX + 1) : 0;
    if (s->lt_bps >= MARKET_BPS || prng_chance(r, 1, 2))
        return;
    s->ramp_from_bps = (uint32_t)prng_between(r, s->lt_bps + 1, MARKET_BPS);
    s->emode_ramp_from_bps = s->emode && s->emode_lt_bps < MARKET_BPS
                                 ? (uint32_t)prng_between(r, s->emode_lt_bps + 1, MARKET_BPS)
                                 : 0;
    s->ramp_start = prng_below(r, MOVING_TIME_MAX);
    s->ramp_end = (uint64_t)prng_between(r, (int64_t)s->ramp_start + 1, (int64_t)MOVING_TIME_MAX);
}

static inline void random_emodes(struct prng *r, struct instrument *s)
{
    unsigned id = s->emode;
    s->n_emodes = s->emode ? (uint8_t)prng_below(r, EMODES_MAX + 1) : 0;
    for (unsigned k = 0; k < s->n_emodes; k++) {
        id += 1 + (unsigned)prng_below(r, (255 - id) / (EMODES_MAX - k));
        s->emodes[k] = (struct emode){.id = (uint8_t)id,
                                      .lt_bps = (uint16_t)prng_below(r, MARKET_BPS + 1),
                                      .lb_bps = (uint16_t)prng_between(r, MARKET_BPS, LB_BPS_MAX)};
    }
}

static inline void random_scenarios(struct prng *r, struct market *m)
{
    unsigned n = (unsigned)prng_below(r, SCENARIOS_MAX + 1);
    for (unsigned x = 0; x < n; x++) {
        struct scenario *s = &m->scenario[m->n_scenarios];
        bool any = false;
        (void)snprintf(s->name, sizeof s->name, "scenario-%u", x);
        for (unsigned i = 0; i < m->n_instruments; i++)
            if (m->instrument[i].kind == INST_LINEAR && prng_chance(r, 1, 2)) {
                s->shock_ppm[i] =
                    prng_chance(r, 1, 2) ? (int32_t)prng_between(r, 1, MARKET_PPM) : -MARKET_PPM;
                any = true;
            }
        m->n_scenarios += any;
        if (!any)
            *s = (struct scenario){0};
    }
}

static inline void random_market(struct prng *r, struct market *m, unsigned assets, unsigned instruments)
{
    memset(m, 0, sizeof *m);
    m->n_assets = (uint16_t)assets;
    m->n_instruments = (uint16_t)instruments;
    bool moving = prng_chance(r, 1, 2), spread = prng_chance(r, 1, 2);
    for (unsigned i = 0; i < assets; i++) {
        struct asset *a = &m->asset[i];
        a->kind = (uint8_t)(i % 2 ? ASSET_RECIPROCAL : 1 + prng_below(r, 2));
        a->decimals = (uint8_t)prng_below(r, DECIMALS_MAX + 1);
        a->stale_ms = (uint32_t)prng_below(r, STALE_MS_MAX + 1);
        a->guard_ppm = (uint32_t)prng_below(r, MARKET_PPM);
        a->spread_ppm = spread ? (uint32_t)prng_below(r, SPREAD_PPM_MAX + 1) : 0;
        (void)snprintf(a->name, sizeof a->name, "asset-with-a-rather-long-nm-%u", i % 256);
        if (i % 2)
            a->base = (uint16_t)(i - 1);
        else
            (void)snprintf(a->source, sizeof a->source, "source-%u", i);
    }
    for (unsigned i = 0; i < instruments; i++) {
        struct instrument *s = &m->instrument[i];
        (void)snprintf(s->name, sizeof s->name, "instrument-%u", i);
        s->kind = (uint8_t)(INST_LINEAR + prng_below(r, 3));
        s->size_decimals = (uint8_t)prng_below(r, DECIMALS_MAX + 1);
        s->asset = (uint16_t)(2 * prng_below(r, assets / 2));
        if (s->kind == INST_RESERVE) {
            const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
            s->lt_bps = (uint32_t)prng_below(r, MARKET_BPS + 1);
            s->lb_bps = (uint32_t)prng_between(r, MARKET_BPS, LB_BPS_MAX);
            s->fee_bps = (uint32_t)prng_below(r, MARKET_BPS + 1);
            s->emode = (uint8_t)prng_below(r, 3);
            s->emode_lt_bps = s->emode ? (uint32_t)prng_below(r, MARKET_BPS + 1) : 0;
            s->emode_lb_bps = s->emode ? (uint32_t)prng_between(r, MARKET_BPS, LB_BPS_MAX) : 0;
            if (prng_chance(r, 1, 4))
                random_emodes(r, s);
            s->liquidity_index = ray + random_bits(r, 100);
            s->borrow_index = ray * 1000000 - random_bits(r, 100);
            if (moving && prng_chance(r, 1, 2))
                random_moving(r, s);
            continue;
        }
        if (moving && prng_chance(r, 1, 2))
            random_moving(r, s);
        s->inverse = s->kind == INST_INVERSE ? (uint16_t)(s->asset + 1) : 0;
        s->cash_decimals = (uint8_t)prng_below(r, DECIMALS_MAX + 1);
        random_currency(r, s->cash_decimals, s->currency);
        s->fee_ppm = (uint32_t)prng_below(r, MARKET_PPM);
        s->penalty_ppm = (uint32_t)prng_below(r, MARKET_PPM);
        if (s->kind == INST_LINEAR && prng_chance(r, 1, 4))
            s->profit_weight_ppm = (uint32_t)prng_between(r, 1, MARKET_PPM);
        s->n_tiers = (uint16_t)prng_between(r, 1, TIERS_MAX);
        for (unsigned k = 0; k < s->n_tiers; k++) {
            s->tier[k].floor = k ? s->tier[k - 1].floor + 1 + (i128)random_bits(r, 120) : 0;
            s->tier[k].rate_ppm =
                (k ? s->tier[k - 1].rate_ppm : 0) + 1 + (uint32_t)prng_below(r, MARKET_PPM / 17);
        }
    }
    if (prng_chance(r, 1, 3))
        random_scenarios(r, m);
}

#endif
