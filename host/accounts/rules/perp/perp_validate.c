// SPDX-License-Identifier: Apache-2.0
// Checks that a loaded account fits a perpetual rule. What passes here cannot overflow anywhere in the rules,
// at any positive int64 price (perp_common.h states the bounds).
#include "accounts/rules/perp/perp_common.h"

#include <string.h>

static unsigned bits_of(i128 v)
{
    return i256_bits(i256_from_i128(v));
}

static int check_tiers(const struct account *a, const struct instrument *in, unsigned unit_bits,
                       struct err *e)
{
    if (in->n_tiers == 0 || in->n_tiers > TIERS_MAX || in->tier[0].floor != 0)
        return err_set(e, "account %u: instrument %s: 1 to %d tiers are needed, the first from 0", a->id,
                       in->name, TIERS_MAX);
    for (unsigned t = 0; t < in->n_tiers; t++) {
        const struct tier *cur = &in->tier[t];
        if (cur->rate_ppm == 0 || cur->rate_ppm > PPM)
            return err_set(e, "account %u: instrument %s: tier %u: rate must be 1..1000000 ppm", a->id,
                           in->name, t);
        if (t > 0 && (cur->floor <= cur[-1].floor || cur->rate_ppm < cur[-1].rate_ppm))
            return err_set(e, "account %u: instrument %s: tier %u: floors and rates must ascend", a->id,
                           in->name, t);
        if (bits_of(cur->floor) > PERP_CASH_BITS || bits_of(cur->floor) + unit_bits + 20 > PERP_VALUE_BITS)
            return err_set(e, "account %u: instrument %s: tier %u: floor out of range", a->id, in->name, t);
    }
    if ((uint64_t)in->fee_ppm + in->penalty_ppm > PPM)
        return err_set(e, "account %u: instrument %s: fee and penalty exceed the notional", a->id, in->name);
    return 0;
}

// What a rule knows of instruments: their kind, and the terms that they may have.
struct known {
    uint8_t kind;
    const enum term *keys;
    unsigned n;
};

static int check_instrument(const struct market *m, const struct account *a, const struct instrument *in,
                            const struct known *known, struct err *e)
{
    uint8_t kind = known->kind;
    if (in->kind != kind)
        return err_set(e, "account %u: instrument %s is not %s: choose the rule that fits it", a->id,
                       in->name, kind == INST_LINEAR ? "a linear perpetual" : "an inverse perpetual");
    if (in->asset >= m->n_assets || m->asset[in->asset].kind == ASSET_RECIPROCAL ||
        m->asset[in->asset].decimals > 18 || in->size_decimals > 18)
        return err_set(e, "account %u: instrument %s: no usable price asset", a->id, in->name);
    if (!in->currency[0])
        return err_set(e, "account %u: instrument %s: no settlement currency", a->id, in->name);
    if (strncmp(in->currency, a->currency, CURRENCY_LEN) != 0)
        return err_set(e, "account %u: instrument %s settles in %s, the account's cash is in %s", a->id,
                       in->name, in->currency, a->currency[0] ? a->currency : "no currency");
    if (in->cash_decimals != a->cash_decimals)
        return err_set(e, "account %u: instrument %s settles in 10^-%u, the account's cash is in 10^-%u",
                       a->id, in->name, in->cash_decimals, a->cash_decimals);
    if (in->profit_weight_ppm > (kind == INST_LINEAR ? PPM : 0))
        return err_set(e,
                       "account %u: instrument %s: a profit's weight is 0..1000000 ppm, of linear perpetuals",
                       a->id, in->name);
    if (terms_fit(&in->terms, known->keys, known->n, a->id, in->name, e) || instrument_moving_check(in, e))
        return -1;
    if (kind != INST_INVERSE)
        return 0;
    if (in->inverse >= m->n_assets || m->asset[in->inverse].kind != ASSET_RECIPROCAL ||
        m->asset[in->inverse].base != in->asset || m->asset[in->inverse].decimals > 18)
        return err_set(e, "account %u: instrument %s: its inverse must be the reciprocal asset of its price",
                       a->id, in->name);
    return 0;
}

// Bits of the largest amount that this position can make, times 1e6, at any price: size * 10^x * P for linear
// contracts and for the rows of inverse ones (R instead of P), size * 10^x for the inverse rule itself.
static unsigned value_bits(const struct market *m, const struct position *p, uint8_t kind, unsigned k,
                           unsigned row_k)
{
    const struct instrument *in = &m->instrument[p->instrument];
    unsigned pd = m->asset[in->asset].decimals, own = bits_of(p->size) + 20 + PERP_SUM_BITS;
    if (kind == INST_LINEAR)
        return own + 64 + i256_bits(unit10(k - in->size_decimals - pd));
    unsigned rule = own + i256_bits(unit10(k + pd - in->size_decimals));
    unsigned rows = own + 64 + i256_bits(unit10(row_k - in->size_decimals - m->asset[in->inverse].decimals));
    return rule > rows ? rule : rows;
}

// Bits of what the position can come to owe in funding, times 1e6, in the rule's quanta and in its rows'.
static unsigned funding_bits(const struct market *m, const struct position *p, unsigned row_k)
{
    const struct instrument *in = &m->instrument[p->instrument];
    unsigned d = (unsigned)in->size_decimals + FUNDING_DECIMALS;
    unsigned owed = bits_of(p->size) + i256_bits(i256_from_u128(funding_spread_last(in, p->funding)));
    return owed + 20 + PERP_SUM_BITS + (d < row_k ? i256_bits(unit10(row_k - d)) : 0);
}

static int check_ranges(const struct market *m, const struct account *a, uint8_t kind, struct err *e)
{
    unsigned k = perp_scale(m, a, kind), row_k = k;
    for (unsigned i = 0; kind == INST_INVERSE && i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        unsigned d = (unsigned)in->size_decimals + m->asset[in->inverse].decimals;
        row_k = d > row_k ? d : row_k;
    }
    unsigned unit_bits = i256_bits(unit10(row_k - a->cash_decimals));
    if (bits_of(a->cash) > PERP_CASH_BITS ||
        bits_of(a->cash) + unit_bits + 20 + PERP_SUM_BITS > PERP_VALUE_BITS)
        return err_set(e, "account %u: cash out of range", a->id);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_tiers(a, in, unit_bits, e))
            return -1;
        if (bits_of(p->size) > PERP_SIZE_BITS || value_bits(m, p, kind, k, row_k) > PERP_VALUE_BITS)
            return err_set(e, "account %u: instrument %s: size out of range; fewer decimals help", a->id,
                           in->name);
        if (funding_bits(m, p, row_k) > PERP_VALUE_BITS)
            return err_set(e, "account %u: instrument %s: funding out of range", a->id, in->name);
    }
    return 0;
}

int perp_validate(const struct market *m, const struct account *a, uint8_t kind, struct err *e)
{
    return perp_validate_terms(m, a, kind, NULL, 0, e);
}

int perp_validate_terms(const struct market *m, const struct account *a, uint8_t kind, const enum term *keys,
                        unsigned n, struct err *e)
{
    const struct known known = {kind, keys, n};
    if (a->n_positions > ACCOUNT_POSITIONS_MAX)
        return err_set(e, "account %u: more than %d positions", a->id, ACCOUNT_POSITIONS_MAX);
    if (a->cash_decimals > 18)
        return err_set(e, "account %u: cash decimals must be 0..18", a->id);
    if (a->cash != 0 && !a->currency[0])
        return err_set(e, "account %u: cash without a settlement currency", a->id);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (p->instrument >= m->n_instruments)
            return err_set(e, "account %u: unknown instrument %u", a->id, p->instrument);
        if (i > 0 && p->instrument <= p[-1].instrument)
            return err_set(e, "account %u: positions must be sorted, one an instrument", a->id);
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_instrument(m, a, in, &known, e))
            return -1;
        if (p->size == 0 || p->entry <= 0)
            return err_set(
                e, "account %u: instrument %s: size must not be 0 and the entry price must be positive",
                a->id, in->name);
        if (bits_of(p->funding) > MOVING_FUNDING_BITS)
            return err_set(e, "account %u: instrument %s: funding index out of range", a->id, in->name);
        if (p->supply != 0 || p->debt != 0 || p->collateral)
            return err_set(e, "account %u: instrument %s: a perpetual has no supply and no debt", a->id,
                           in->name);
    }
    return check_ranges(m, a, kind, e);
}

// The finest quantum that any account of the kind can have rows in.
static unsigned finest(const struct market *m, uint8_t kind)
{
    unsigned k = kind == INST_INVERSE ? PERP_INVERSE_DECIMALS : 0;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        const struct instrument *in = &m->instrument[i];
        if (in->kind != kind)
            continue;
        uint16_t asset = kind == INST_INVERSE ? in->inverse : in->asset;
        unsigned d = (unsigned)in->size_decimals + m->asset[asset].decimals;
        d = d > in->cash_decimals ? d : in->cash_decimals;
        k = d > k ? d : k;
    }
    return k;
}

// Tiers and funding alone meet what an account has; what else can change is the instrument's own.
bool perp_within(const struct market *next, unsigned i, const struct reach *r, uint8_t kind)
{
    return perp_within_terms(next, i, r, kind, NULL, 0);
}

bool perp_within_terms(const struct market *next, unsigned i, const struct reach *r, uint8_t kind,
                       const enum term *keys, unsigned n)
{
    const struct known known = {kind, keys, n};
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (in->kind != kind)
        return true;
    static _Thread_local struct account any; // holds its currency, and nothing
    memcpy(any.currency, in->currency, CURRENCY_LEN);
    any.cash_decimals = in->cash_decimals;
    unsigned row_k = finest(next, kind);
    if (check_instrument(next, &any, in, &known, &e) ||
        check_tiers(&any, in, i256_bits(unit10(row_k - in->cash_decimals)), &e) ||
        r->size_bits > PERP_SIZE_BITS)
        return false;
    i128 size = r->size_bits ? (((i128)1 << (r->size_bits - 1)) - 1) * 2 + 1 : 0;
    struct position least = {.instrument = (uint16_t)i, .size = size, .funding = r->funding_least};
    struct position most = {.instrument = (uint16_t)i, .size = size, .funding = r->funding_most};
    return funding_bits(next, &least, row_k) <= PERP_VALUE_BITS &&
           funding_bits(next, &most, row_k) <= PERP_VALUE_BITS;
}
