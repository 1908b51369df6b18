// SPDX-License-Identifier: Apache-2.0
// Which banks, perp markets and accounts mango-v4-1 takes, and what a generated bank is.
#include "accounts/rules/credit_common.h"
#include "accounts/rules/mango/mango_book.h"

static const enum term BANK[] = {
    TERM_MAINT_ASSET_WEIGHT, TERM_MAINT_LIAB_WEIGHT, TERM_INIT_ASSET_WEIGHT,
    TERM_INIT_LIAB_WEIGHT,   TERM_DEPOSIT_INDEX_FX,  TERM_BORROW_INDEX_FX,
    TERM_LIQUIDATION_FEE_FX, TERM_PLATFORM_FEE_FX,   TERM_NO_ASSET_LIQUIDATION,
};
static const enum term PERP[] = {
    TERM_LOT,
    TERM_MAINT_BASE_ASSET_FX,
    TERM_INIT_BASE_ASSET_FX,
    TERM_MAINT_BASE_LIAB_FX,
    TERM_INIT_BASE_LIAB_FX,
    TERM_MAINT_OVERALL_FX,
    TERM_INIT_OVERALL_FX,
    TERM_BASE_LIQUIDATION_FEE_FX,
    TERM_PERP_PLATFORM_FEE_FX,
    TERM_POSITIVE_PNL_FEE_FX,
};

static unsigned bits(i128 v)
{
    return i256_bits(i256_from_i128(v));
}

// Weights by sign: an asset's is not above the liability's, else health would not be concave.
static int check_pair(const struct account *a, const struct instrument *in, enum term asset, enum term liab,
                      struct err *e)
{
    u128 x = term_get(&in->terms, asset), y = term_get(&in->terms, liab);
    if (y == 0 || x > y || credit_bits(y) > MANGO_WEIGHT_BITS)
        return err_set(e, "account %u: %s: %s must be above 0, below 8, and not below %s", a->id, in->name,
                       term_name(liab), term_name(asset));
    return 0;
}

static int check_most(const struct account *a, const struct instrument *in, enum term key, u128 most,
                      struct err *e)
{
    return term_get(&in->terms, key) <= most ? 0
                                             : err_set(e, "account %u: %s: %s must be at most %llu", a->id,
                                                       in->name, term_name(key), (unsigned long long)most);
}

static int check_price(const struct market *m, const struct account *a, const struct instrument *in,
                       struct err *e)
{
    if (in->asset >= m->n_assets || m->asset[in->asset].kind == ASSET_RECIPROCAL)
        return err_set(e, "account %u: %s: no usable price asset", a->id, in->name);
    int x = mango_exponent(m, in);
    if (x < MANGO_EXPONENT_LEAST || x > MANGO_EXPONENT_MOST)
        return err_set(
            e,
            "account %u: %s: price and size have %d decimals together, Mango has %d to %d: give the"
            " price fewer",
            a->id, in->name, MANGO_QUOTE_DECIMALS - x, MANGO_QUOTE_DECIMALS - MANGO_EXPONENT_MOST,
            MANGO_QUOTE_DECIMALS - MANGO_EXPONENT_LEAST);
    return 0;
}

static int check_bank(const struct market *m, const struct account *a, const struct instrument *in,
                      struct err *e)
{
    const u128 ray = (u128)1000000000 * 1000000000 * 1000000000;
    if (check_price(m, a, in, e) ||
        terms_fit(&in->terms, BANK, sizeof BANK / sizeof *BANK, a->id, in->name, e))
        return -1;
    if (in->liquidity_rate || in->borrow_rate || in->ramp_from_bps || in->emode || in->grace_until ||
        in->liquidity_index != ray || in->borrow_index != ray)
        return err_set(e,
                       "account %u: reserve %s: eMode, rates, ramps, grace periods and indexes are for other"
                       " rules: tell deposit_index_fx and borrow_index_fx",
                       a->id, in->name);
    if (check_pair(a, in, TERM_MAINT_ASSET_WEIGHT, TERM_MAINT_LIAB_WEIGHT, e) ||
        check_pair(a, in, TERM_INIT_ASSET_WEIGHT, TERM_INIT_LIAB_WEIGHT, e) ||
        check_most(a, in, TERM_LIQUIDATION_FEE_FX, (u128)FX_ONE, e) ||
        check_most(a, in, TERM_PLATFORM_FEE_FX, (u128)FX_ONE, e) ||
        check_most(a, in, TERM_NO_ASSET_LIQUIDATION, 1, e))
        return -1;
    if (credit_bits(term_get(&in->terms, TERM_DEPOSIT_INDEX_FX)) > MANGO_INDEX_BITS ||
        credit_bits(term_get(&in->terms, TERM_BORROW_INDEX_FX)) > MANGO_INDEX_BITS)
        return err_set(e, "account %u: reserve %s: an index is out of range", a->id, in->name);
    return 0;
}

static int check_perp(const struct market *m, const struct account *a, const struct instrument *in,
                      struct err *e)
{
    if (in->kind != INST_LINEAR)
        return err_set(e, "account %u: %s is not a linear perpetual: choose the rule that fits it", a->id,
                       in->name);
    if (check_price(m, a, in, e) ||
        terms_fit(&in->terms, PERP, sizeof PERP / sizeof *PERP, a->id, in->name, e))
        return -1;
    if (in->n_tiers != 1 || in->fee_ppm || in->profit_weight_ppm || in->funding_rate || in->funding_index)
        return err_set(e,
                       "account %u: %s: one tier, which the rule does not read, and no fee_ppm, profit weight"
                       " or funding: quote balances are told with their funding settled",
                       a->id, in->name);
    if (check_pair(a, in, TERM_MAINT_BASE_ASSET_FX, TERM_MAINT_BASE_LIAB_FX, e) ||
        check_pair(a, in, TERM_INIT_BASE_ASSET_FX, TERM_INIT_BASE_LIAB_FX, e) ||
        check_most(a, in, TERM_MAINT_OVERALL_FX, (u128)FX_ONE, e) ||
        check_most(a, in, TERM_INIT_OVERALL_FX, (u128)FX_ONE, e) ||
        check_most(a, in, TERM_BASE_LIQUIDATION_FEE_FX, (u128)FX_ONE, e) ||
        check_most(a, in, TERM_PERP_PLATFORM_FEE_FX, (u128)FX_ONE, e) ||
        check_most(a, in, TERM_POSITIVE_PNL_FEE_FX, (u128)FX_ONE, e) ||
        check_most(a, in, TERM_LOT, INT64_MAX, e))
        return -1;
    return 0;
}

static bool bank_fits(const struct instrument *in, unsigned supply_bits, unsigned debt_bits)
{
    unsigned more = credit_bits(term_get(&in->terms, TERM_DEPOSIT_INDEX_FX));
    unsigned less = credit_bits(term_get(&in->terms, TERM_BORROW_INDEX_FX));
    more = more ? more : FX_FRACTION + 1;
    less = less ? less : FX_FRACTION + 1;
    return supply_bits <= MANGO_INDEXED_BITS && debt_bits <= MANGO_INDEXED_BITS &&
           supply_bits + more <= MANGO_NATIVE_BITS + FX_FRACTION &&
           debt_bits + less <= MANGO_NATIVE_BITS + FX_FRACTION;
}

static bool perp_fits(const struct market *m, const struct instrument *in, unsigned size_bits,
                      unsigned quote_bits)
{
    return quote_bits <= MANGO_NATIVE_BITS && size_bits <= MANGO_SIZE_BITS &&
           size_bits + bits(mango_price_unit(m, in)) <= MANGO_EXPOSURE_BITS;
}

static int check_token_position(const struct market *m, const struct account *a, const struct position *p,
                                struct err *e)
{
    const struct instrument *in = &m->instrument[p->instrument];
    if (check_bank(m, a, in, e))
        return -1;
    if (p->orders)
        return err_set(e,
                       "account %u: %s: open orders are told of perps only; of spot markets there are none",
                       a->id, in->name);
    if (p->supply != 0 && (p->debt != 0 || !p->collateral))
        return err_set(e, "account %u: reserve %s: a position is a supply, enabled, or a debt, not both",
                       a->id, in->name);
    if (!bank_fits(in, bits(p->supply), bits(p->debt)))
        return err_set(e, "account %u: reserve %s: supply or debt out of range", a->id, in->name);
    return 0;
}

static int check_perp_position(const struct market *m, const struct account *a, const struct position *p,
                               struct err *e)
{
    const struct instrument *in = &m->instrument[p->instrument];
    if (check_perp(m, a, in, e))
        return -1;
    u128 lot = term_get(&in->terms, TERM_LOT);
    i128 unit = (i128)(lot ? lot : 1);
    if (p->size % unit != 0 || p->bids % unit != 0 || p->asks % unit != 0)
        return err_set(e, "account %u: %s: the size or an open order is not a multiple of its lot", a->id,
                       in->name);
    if (p->orders && !position_orders(p))
        return err_set(e, "account %u: %s: open_orders that neither buy nor sell", a->id, in->name);
    if ((p->supply != 0 && p->debt != 0) || p->funding != 0)
        return err_set(
            e, "account %u: %s: a quote balance is supply or debt, not both, with its funding settled", a->id,
            in->name);
    i128 reach = (p->size < 0 ? -p->size : p->size) + 2 * position_orders(p);
    if (!perp_fits(m, in, bits(reach), bits(p->supply - p->debt) + (p->orders != 0)))
        return err_set(e, "account %u: %s: size or quote balance out of range", a->id, in->name);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *r = &m->instrument[a->position[i].instrument];
        if (mango_settles_in(in, r))
            return r->size_decimals == in->cash_decimals
                       ? 0
                       : err_set(e, "account %u: %s: cash_decimals must be those of the reserve %s", a->id,
                                 in->name, r->name);
    }
    return err_set(
        e, "account %u: %s settles in %s: a position in the reserve of that name is needed, be it of 0",
        a->id, in->name, in->currency);
}

int mango_validate(const struct market *m, const struct account *a, struct err *e)
{
    unsigned tokens = 0, perps = 0;
    if (a->cash != 0 || a->emode != 0)
        return err_set(e, "account %u: no cash and no eMode: what Mango has are reserves and perpetuals",
                       a->id);
    if (a->rule_state[0] > 1 || a->rule_state[1] != 0)
        return err_set(e, "account %u: rule_state must be 0, or 1 while it is being liquidated", a->id);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (p->instrument >= m->n_instruments)
            return err_set(e, "account %u: unknown instrument %u", a->id, p->instrument);
        if (i > 0 && p->instrument <= p[-1].instrument)
            return err_set(e, "account %u: positions must be sorted, one an instrument", a->id);
        bool reserve = m->instrument[p->instrument].kind == INST_RESERVE;
        tokens += reserve;
        perps += !reserve;
        if (p->supply < 0 || p->debt < 0 || p->entry != 0 || (reserve && p->size != 0))
            return err_set(e, "account %u: %s: supply and debt are not below 0, and a reserve has no size",
                           a->id, m->instrument[p->instrument].name);
        if (reserve ? check_token_position(m, a, p, e) : check_perp_position(m, a, p, e))
            return -1;
    }
    if (tokens > MANGO_TOKENS_MAX || perps > MANGO_PERPS_MAX)
        return err_set(e, "account %u: Mango has at most %d tokens and %d perps an account", a->id,
                       MANGO_TOKENS_MAX, MANGO_PERPS_MAX);
    return 0;
}

bool mango_within(const struct market *next, unsigned i, const struct reach *r)
{
    static const struct account any = {.id = 0}; // its number is all that the check of an instrument reads
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (in->kind == INST_RESERVE)
        return check_bank(next, &any, in, &e) == 0 && bank_fits(in, r->supply_bits, r->debt_bits);
    unsigned quote = r->supply_bits > r->debt_bits ? r->supply_bits : r->debt_bits;
    // Whether sizes are multiples of another lot their bits do not say.
    return check_perp(next, &any, in, &e) == 0 && term_get(&in->terms, TERM_LOT) <= 1 &&
           perp_fits(next, in, r->size_bits, quote);
}

// Twenty times leverage at most, profits counted as other tokens are.
static void perp_terms(struct instrument *in)
{
    enum { MAINT = 250, INIT = 500, PROFIT = 9000, PROFIT_INIT = 8000, LIQUIDATOR = 125, PLATFORM = 50 };
    static const struct {
        enum term key;
        unsigned bps;
    } terms[] = {{TERM_MAINT_BASE_ASSET_FX, CREDIT_BPS - MAINT},
                 {TERM_INIT_BASE_ASSET_FX, CREDIT_BPS - INIT},
                 {TERM_MAINT_BASE_LIAB_FX, CREDIT_BPS + MAINT},
                 {TERM_INIT_BASE_LIAB_FX, CREDIT_BPS + INIT},
                 {TERM_MAINT_OVERALL_FX, PROFIT},
                 {TERM_INIT_OVERALL_FX, PROFIT_INIT},
                 {TERM_BASE_LIQUIDATION_FEE_FX, LIQUIDATOR},
                 {TERM_PERP_PLATFORM_FEE_FX, PLATFORM},
                 {TERM_POSITIVE_PNL_FEE_FX, LIQUIDATOR}};
    for (unsigned i = 0; i < sizeof terms / sizeof *terms; i++)
        (void)term_set(&in->terms, terms[i].key, (u128)FX_ONE * terms[i].bps / CREDIT_BPS);
    in->n_tiers = 1;
    in->fee_ppm = 0;
    in->funding_rate = 0;
    in->told_at = 0;
}

// Weights and fees of the size that Mango's own markets have; the names of the program's test fixtures.
void mango_terms(struct instrument *in)
{
    enum { WORMHOLE_DECIMALS = 8, LESS_BPS = 500, PLATFORM_BPS = 50 };
    const u128 one = (u128)FX_ONE, bps = CREDIT_BPS, ray_unit = (u128)1000000000000000; // of 1e27, 12 digits
    u128 maint = one * in->lt_bps / bps, init = one * (in->lt_bps - LESS_BPS) / bps;
    u128 deposits = in->liquidity_index / ray_unit * one / 1000000000000;
    u128 borrows = in->borrow_index / ray_unit * one / 1000000000000;
    if (in->kind != INST_RESERVE) {
        perp_terms(in);
        return;
    }
    credit_plain(in);
    if (in->size_decimals > WORMHOLE_DECIMALS)
        in->size_decimals = WORMHOLE_DECIMALS;
    (void)term_set(&in->terms, TERM_MAINT_ASSET_WEIGHT, maint);
    (void)term_set(&in->terms, TERM_INIT_ASSET_WEIGHT, init);
    (void)term_set(&in->terms, TERM_MAINT_LIAB_WEIGHT, 2 * one - maint);
    (void)term_set(&in->terms, TERM_INIT_LIAB_WEIGHT, 2 * one - init);
    (void)term_set(&in->terms, TERM_DEPOSIT_INDEX_FX, deposits);
    (void)term_set(&in->terms, TERM_BORROW_INDEX_FX, borrows);
    (void)term_set(&in->terms, TERM_LIQUIDATION_FEE_FX, one * (in->lb_bps - CREDIT_BPS) / bps);
    (void)term_set(&in->terms, TERM_PLATFORM_FEE_FX, one * PLATFORM_BPS / bps);
}
