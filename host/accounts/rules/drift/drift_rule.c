// SPDX-License-Identifier: Apache-2.0
// drift-v2-1: accounts of Drift v2, cross margin. Spot balances are reserves, perpetuals hold their quote
// beside their size (drift_account.h); health, size and settlement are the program's own (drift_v2.h), rows
// drift_rows.c. Liquidatable: collateral < requirement, and from the first liquidation on until collateral
// and its buffer reach the requirement with the buffer; the flag falls at the liquidation after that
// (settlement without a flow), as in the program. Open orders count as the program's worst case and go with
// the first liquidation. Not here, and not to be imported: isolated positions, markets in settlement,
// prediction markets.
#include <string.h>

#include "accounts/moving.h"
#include "accounts/rules/drift/drift_account.h"
#include "accounts/rules/units.h"

enum {
    SIZE_BITS = 62,  // base, scaled balances, quote
    COEF_BITS = 156, // of a row's coefficient
    PRICE_BITS = 63,
    WEIGHT_MORE = 30000, // a weight, and buffers beside it
    SUM_BITS = 3,        // of eight positions
    PPM = 1000000,
    RATIO_OF_PPM = 100,
    BALANCE_DIGITS = 9,
    SIZE_DIGITS_MORE = 6, // an index of a million at most
};
static const u128 INTEREST_UNIT = (u128)100000000 * 1000000000;
static const i128 FUNDING_UNIT = 1000000000;

static void health(const struct market *m, const struct account *a, const int64_t *px, struct health *out)
{
    struct drift_account x;
    struct drift_margin g;
    struct checked c = {NULL};
    drift_fill(m, a, px, &x);
    struct drift_context of = {.type = DRIFT_MAINTENANCE, .buffer = x.rules.buffer};
    drift_margin_of(&c, &x.user, &of, &g);
    *out = (struct health){.liquidatable = false, .equity = I256_ZERO, .requirement = I256_ZERO};
    if (!ck_ok(&c)) // the program's instruction fails
        return;
    i128 have = g.cross.collateral;
    u128 need = g.cross.requirement;
    if (x.user.being_liquidated) {
        have = ci_sat_add(have, g.cross.collateral_buffer);
        need = g.cross.requirement_buffered;
    }
    out->equity = i256_from_i128(have);
    out->requirement = i256_from_u128(need);
    out->liquidatable = !x.user.bankrupt && i256_cmp(out->equity, out->requirement) < 0;
}

// ---- what fits

static unsigned bits(u128 v)
{
    return i256_bits(i256_from_u128(v));
}

static unsigned bits10(unsigned n)
{
    return i256_bits(unit10(n));
}

static int wrong(uint32_t account, const struct instrument *in, const char *what, struct err *e)
{
    return err_set(e, "account %u: %s: drift-v2-1: %s", account, in->name, what);
}

static int check_common(const struct market *m, const struct instrument *in, const enum term *terms,
                        unsigned n, uint32_t id, struct err *e)
{
    if (in->asset >= m->n_assets || m->asset[in->asset].kind == ASSET_RECIPROCAL ||
        m->asset[in->asset].decimals < DRIFT_PRICE_DIGITS ||
        m->asset[in->asset].decimals > DRIFT_PRICE_DECIMALS)
        return wrong(id, in, "its price must have 6 to 12 decimals", e);
    return terms_fit(&in->terms, terms, n, id, in->name, e);
}

static int check_reserve(const struct market *m, const struct instrument *in, uint32_t id, struct err *e)
{
    static const enum term KNOWN[] = {TERM_LIQUIDATION_BUFFER, TERM_INITIAL_PCT,      TERM_LIQUIDATION_SLOTS,
                                      TERM_TOKEN_DECIMALS,     TERM_LIABILITY_WEIGHT, TERM_SPOT_IMF,
                                      TERM_ASSET_TIER};
    const struct terms *t = &in->terms;
    if (check_common(m, in, KNOWN, sizeof KNOWN / sizeof KNOWN[0], id, e))
        return -1;
    if (in->size_decimals != BALANCE_DIGITS || term_get(t, TERM_TOKEN_DECIMALS) > BALANCE_DIGITS)
        return wrong(id, in, "size_decimals must be 9 (scaled balances), token_decimals at most that", e);
    if (in->liquidity_rate || in->borrow_rate || in->ramp_from_bps || in->grace_until || in->emode ||
        in->n_emodes)
        return wrong(id, in, "eMode, rates, ramps and grace periods do not apply", e);
    if (in->liquidity_index % INTEREST_UNIT || in->borrow_index % INTEREST_UNIT)
        return wrong(id, in, "cumulative interest has at most 10 decimals", e);
    u128 liability = term_get(t, TERM_LIABILITY_WEIGHT);
    if (in->lt_bps > DRIFT_BPS || liability < DRIFT_BPS || liability > 10 * DRIFT_BPS ||
        term_get(t, TERM_SPOT_IMF) > PPM || term_get(t, TERM_ASSET_TIER) > DRIFT_UNLISTED)
        return wrong(
            id, in, "lt_bps is at most 10000, liability_weight 1 to 10, spot_imf at most 1, asset_tier 4", e);
    if (!drift_is_quote(in))
        return term_get(t, TERM_INITIAL_PCT) || term_get(t, TERM_LIQUIDATION_SLOTS)
                   ? wrong(id, in,
                           "initial_pct and liquidation_slots are the quote's, which has liquidation_buffer",
                           e)
                   : 0;
    if (in->lt_bps != DRIFT_BPS || liability != DRIFT_BPS || term_get(t, TERM_SPOT_IMF))
        return wrong(id, in, "the quote (it has liquidation_buffer) weighs 1 whatever its size", e);
    return term_get(t, TERM_LIQUIDATION_BUFFER) > DRIFT_BPS || term_get(t, TERM_INITIAL_PCT) > DRIFT_BPS ||
                   term_get(t, TERM_LIQUIDATION_SLOTS) > UINT8_MAX
               ? wrong(id, in, "liquidation_buffer and initial_pct are at most 1, liquidation_slots 255", e)
               : 0;
}

static int check_perp(const struct market *m, const struct instrument *in, uint32_t id, struct err *e)
{
    static const enum term KNOWN[] = {TERM_PERP_IMF, TERM_HIGH_LEVERAGE_RATIO, TERM_CONTRACT_TIER,
                                      TERM_SHORT_FUNDING_ABOVE, TERM_SHORT_FUNDING_BELOW};
    const struct terms *t = &in->terms;
    if (check_common(m, in, KNOWN, sizeof KNOWN / sizeof KNOWN[0], id, e))
        return -1;
    if (in->size_decimals > DRIFT_BASE_DIGITS || in->cash_decimals != DRIFT_PRICE_DIGITS)
        return wrong(id, in, "size_decimals is at most 9, cash_decimals 6", e);
    if (in->n_tiers != 1 || in->tier[0].rate_ppm % RATIO_OF_PPM)
        return wrong(id, in, "one tier: margin_ratio_maintenance, in whole basis points", e);
    if (in->profit_weight_ppm > 1 && in->profit_weight_ppm % RATIO_OF_PPM)
        return wrong(id, in, "profit_weight_ppm: whole basis points, or 1 for none", e);
    i128 above = (i128)term_get(t, TERM_SHORT_FUNDING_ABOVE),
         below = (i128)term_get(t, TERM_SHORT_FUNDING_BELOW);
    if (in->funding_rate || in->funding_index % FUNDING_UNIT || above % FUNDING_UNIT ||
        below % FUNDING_UNIT || bits((u128)above) > MOVING_FUNDING_BITS ||
        bits((u128)below) > MOVING_FUNDING_BITS)
        return wrong(id, in, "funding: no rate, indexes with at most 9 decimals and below 10^9", e);
    return term_get(t, TERM_PERP_IMF) > PPM || term_get(t, TERM_HIGH_LEVERAGE_RATIO) > DRIFT_BPS ||
                   term_get(t, TERM_CONTRACT_TIER) > DRIFT_TIER_ISOLATED
               ? wrong(id, in, "perp_imf and high_leverage_ratio are at most 1, contract_tier 5", e)
               : 0;
}

// Rows of these stay within COEF_BITS at all prices: base or tokens, decimals that others have more, weights.
static bool perp_fits(const struct market *m, const struct instrument *in, unsigned size_bits)
{
    struct checked c = {NULL};
    unsigned base = size_bits + bits10(DRIFT_BASE_DIGITS - in->size_decimals) - 1;
    if (base > SIZE_BITS)
        return false;
    uint32_t most = in->tier[0].rate_ppm / RATIO_OF_PPM;
    uint32_t high = (uint32_t)term_get(&in->terms, TERM_HIGH_LEVERAGE_RATIO);
    most = drift_size_premium(&c, (u128)1 << base, (uint32_t)term_get(&in->terms, TERM_PERP_IMF),
                              most > high ? most : high);
    unsigned more = bits10(DRIFT_PRICE_DECIMALS - m->asset[in->asset].decimals);
    return base + more + bits((u128)most + WEIGHT_MORE) + PRICE_BITS + SUM_BITS <= COEF_BITS;
}

static bool reserve_fits(const struct market *m, const struct instrument *in, unsigned balance_bits)
{
    struct checked c = {NULL};
    u128 most = drift_size_premium(&c, (u128)1 << (balance_bits + bits10(SIZE_DIGITS_MORE)),
                                   (uint32_t)term_get(&in->terms, TERM_SPOT_IMF),
                                   (uint32_t)term_get(&in->terms, TERM_LIABILITY_WEIGHT));
    unsigned more = bits10(30u - m->asset[in->asset].decimals);
    return balance_bits <= SIZE_BITS &&
           balance_bits + more + bits(most + WEIGHT_MORE) + SUM_BITS <= COEF_BITS;
}

static bool one_quote(const struct market *m)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->n_instruments; i++)
        n += drift_is_quote(&m->instrument[i]);
    return n == 1;
}

static bool within(const struct market *next, unsigned i, const struct reach *r)
{
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (!one_quote(next) || !r->held)
        return one_quote(next);
    if (in->kind == INST_RESERVE)
        return check_reserve(next, in, 0, &e) == 0 &&
               reserve_fits(next, in, r->supply_bits > r->debt_bits ? r->supply_bits : r->debt_bits);
    return in->kind != INST_LINEAR || (check_perp(next, in, 0, &e) == 0 && perp_fits(next, in, r->size_bits));
}

static unsigned token_digits(const struct instrument *in)
{
    return (unsigned)term_get(&in->terms, TERM_TOKEN_DECIMALS);
}

static int check_position(const struct market *m, const struct account *a, const struct position *p,
                          struct err *e)
{
    const struct instrument *in = &m->instrument[p->instrument];
    if (in->kind == INST_INVERSE)
        return wrong(a->id, in, "linear perpetuals and reserves only", e);
    if (in->kind == INST_RESERVE ? check_reserve(m, in, a->id, e) : check_perp(m, in, a->id, e))
        return -1;
    if (p->supply < 0 || p->debt < 0 || (p->supply != 0 && p->debt != 0) ||
        bits((u128)p->supply) > SIZE_BITS || bits((u128)p->debt) > SIZE_BITS)
        return wrong(a->id, in, "a deposit or a borrow, a quote owed or owing: not both, and below 2^62", e);
    if (in->kind == INST_RESERVE) {
        if (p->collateral != (p->supply != 0))
            return wrong(a->id, in, "every deposit counts: collateral must be true, and is no borrow's", e);
        if (p->size != 0 || p->funding != 0)
            return wrong(a->id, in, "a reserve has no size and no funding", e);
        if (position_orders(p) % drift_unit_of(BALANCE_DIGITS - token_digits(in)) ||
            p->bids % drift_unit_of(BALANCE_DIGITS - token_digits(in)) || (p->orders && drift_is_quote(in)))
            return wrong(a->id, in, "open orders are of whole token units, and none of the quote's", e);
        return reserve_fits(m, in, bits((u128)(p->supply + p->debt + 2 * position_orders(p))))
                   ? 0
                   : wrong(a->id, in, "balance out of range", e);
    }
    if (p->entry != 0 || p->funding % FUNDING_UNIT)
        return wrong(a->id, in, "a position has its quote as supply or debt, no entry; funding 9 decimals",
                     e);
    unsigned size = bits(ci_abs(p->size) + 2 * (u128)position_orders(p));
    return size <= SIZE_BITS && perp_fits(m, in, size)
               ? 0
               : wrong(a->id, in, "size out of range; fewer decimals help", e);
}

static int validate(const struct market *m, const struct account *a, struct err *e)
{
    unsigned spots = 1, perps = 0;
    bool quote = false;
    if (!one_quote(m))
        return err_set(e, "account %u: drift-v2-1 needs one reserve with liquidation_buffer: the quote's",
                       a->id);
    if (a->cash != 0 || a->emode != 0)
        return err_set(e, "account %u: no cash and no eMode under drift-v2-1: the quote's reserve holds it",
                       a->id);
    if ((a->rule_state[0] & DRIFT_BEING_LIQUIDATED) && (a->rule_state[0] & DRIFT_BANKRUPT))
        return err_set(e, "account %u: rule_state: being liquidated or bankrupt, not both", a->id);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (p->instrument >= m->n_instruments)
            return err_set(e, "account %u: unknown instrument %u", a->id, p->instrument);
        if (i > 0 && p->instrument <= p[-1].instrument)
            return err_set(e, "account %u: positions must be sorted, one an instrument", a->id);
        if (check_position(m, a, p, e))
            return -1;
        const struct instrument *in = &m->instrument[p->instrument];
        quote |= drift_is_quote(in);
        spots += in->kind == INST_RESERVE && !drift_is_quote(in);
        perps += in->kind == INST_LINEAR;
    }
    if (spots > DRIFT_SPOT_MAX || perps > DRIFT_PERP_MAX)
        return err_set(e, "account %u: at most %d spot markets with the quote's, and %d perpetuals", a->id,
                       DRIFT_SPOT_MAX, DRIFT_PERP_MAX);
    return perps == 0 || quote
               ? 0
               : err_set(e, "account %u: perpetuals need a position in the quote's reserve, if of 0", a->id);
}

// ---- generated markets

static void perp_terms(struct instrument *in)
{
    enum { TIMES = 3, LIQUIDATOR_PPM = 10000, FUND_PPM = 5000, PROFIT_PPM = 980000, IMF = 450 };
    in->n_tiers = 1;
    in->tier[0].rate_ppm *= TIMES;
    in->penalty_ppm = LIQUIDATOR_PPM;
    in->fee_ppm = FUND_PPM;
    in->profit_weight_ppm = PROFIT_PPM;
    in->funding_rate = 0;
    in->told_at = 0;
    (void)term_set(&in->terms, TERM_PERP_IMF, IMF);
}

static void drift_terms(struct instrument *in)
{
    enum { BONUS = 10100, FUND = 50, IMF = 3000, BUFFER = 200, PCT = 2000, SLOTS = 150 };
    if (in->kind != INST_RESERVE) {
        perp_terms(in);
        return;
    }
    bool quote = strcmp(in->name, "USDC") == 0;
    u128 decimals = in->size_decimals <= BALANCE_DIGITS ? in->size_decimals : BALANCE_DIGITS - 1;
    in->size_decimals = BALANCE_DIGITS;
    in->emode = 0;
    in->emode_lt_bps = in->emode_lb_bps = 0;
    in->liquidity_index -= in->liquidity_index % INTEREST_UNIT;
    in->borrow_index -= in->borrow_index % INTEREST_UNIT;
    in->lt_bps = quote ? DRIFT_BPS : in->lt_bps;
    in->lb_bps = BONUS;
    in->fee_bps = FUND;
    (void)term_set(&in->terms, TERM_TOKEN_DECIMALS, decimals);
    (void)term_set(&in->terms, TERM_LIABILITY_WEIGHT, 2 * DRIFT_BPS - in->lt_bps);
    (void)term_set(&in->terms, TERM_SPOT_IMF, quote ? 0 : IMF);
    (void)term_set(&in->terms, TERM_LIQUIDATION_BUFFER, quote ? BUFFER : 0);
    (void)term_set(&in->terms, TERM_INITIAL_PCT, quote ? PCT : 0);
    (void)term_set(&in->terms, TERM_LIQUIDATION_SLOTS, quote ? SLOTS : 0);
}

static const struct borrowing BORROWING = {.perps = true, .terms = drift_terms};

const struct rule rule_drift_v2_1 = {
    .name = "drift-v2-1",
    .uses = USE_QUOTE | USE_STATE | USE_ORDERS | USE_MARKET, // the buffer is the quote market's
    .borrowing = &BORROWING,
    .rows = drift_rows,
    .health = health,
    .size = drift_size,
    .settle = drift_settle,
    .holding = drift_holding,
    .bends = drift_bends,
    .within = within,
    .validate = validate,
};
