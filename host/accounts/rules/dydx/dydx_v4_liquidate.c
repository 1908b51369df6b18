// SPDX-License-Identifier: Apache-2.0
// The liquidation order of a position, what a match of it does, and deleveraging.
#include "accounts/rules/dydx/dydx_v4.h"

static i256 number(uint64_t v)
{
    return i256_from_u128(v);
}

static i256 million(void)
{
    return i256_from_i64(DYDX_PPM);
}

// A delta closes a part of the position, or all of it.
static bool closes(i256 position, i256 delta)
{
    return i256_sign(position) * i256_sign(delta) == -1 && i256_cmp(i256_abs(delta), i256_abs(position)) <= 0;
}

static const char *dydx_bankruptcy(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                                   const struct dydx_risk *r, unsigned i, i256 delta, i256 *quote)
{
    const struct dydx_perpetual *p = &perps[s->at[i].perpetual];
    struct dydx_risk before, after;
    if (!closes(s->at[i].quantums, delta))
        return "ErrInvalidPerpetualPositionSizeDelta";
    const char *why = dydx_position_risk(p, s->at[i].quantums, 0, &before);
    if (!why)
        why = dydx_position_risk(p, i256_add(s->at[i].quantums, delta), 0, &after);
    if (why)
        return why;
    if (i256_sign(r->mmr) == 0)
        return "panic: division by zero";
    // Notional and margin of the delta are differences of rounded figures, as they will be booked. The floor
    // makes the price high enough that the fund is never asked at it.
    i256 margin = i256_sub(before.mmr, after.mmr);
    i256 share = i256_div_floor(i256_mul(r->nc, margin), r->mmr);
    *quote = i256_sub(i256_sub(before.nc, after.nc), share);
    return NULL;
}

// Notional of position `i` (its magnitude in *size) that may be liquidated now.
static const char *limit_of(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                            const struct dydx_config *c, unsigned i, i256 *size, i256 *limit)
{
    const char *why = dydx_notional(&perps[s->at[i].perpetual], s->at[i].quantums, size);
    if (why)
        return why;
    *size = i256_abs(*size);
    i256 least = i256_min(number(c->min_position_notional), *size);
    i256 portion = i256_div_floor(i256_mul_i64(*size, c->max_portion_ppm), million());
    if (s->at[i].liquidated)
        return "ErrSubaccountHasLiquidatedPerpetual";
    if (i256_cmp(s->notional_liquidated, number(c->max_notional)) > 0)
        return "panic: ErrLiquidationExceedsSubaccountMaxNotionalLiquidated";
    i256 rest = i256_sub(number(c->max_notional), s->notional_liquidated);
    *limit = i256_min(i256_max(least, portion), rest);
    return NULL;
}

// Base quantums of a notional, towards zero.
static i256 to_base(const struct dydx_perpetual *p, i256 quote)
{
    if (p->exponent < 0)
        quote = i256_mul(quote, i256_pow10((unsigned)-p->exponent));
    else
        quote = i256_div_trunc(quote, i256_pow10((unsigned)p->exponent));
    return i256_div_trunc(quote, number(p->price));
}

static const char *size_of(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                           const struct dydx_config *c, unsigned i, struct dydx_order *out)
{
    const struct dydx_perpetual *p = &perps[s->at[i].perpetual];
    i256 size, all = i256_abs(s->at[i].quantums), step = number(p->step);
    if (i256_sign(all) == 0) // such a position does not exist on the chain
        return "ErrNoPerpetualPositionsToLiquidate";
    const char *why = limit_of(perps, s, c, i, &size, &out->limit);
    if (why)
        return why;
    i256 amount = all;
    if (i256_cmp(size, out->limit) > 0 && i256_cmp(all, step) > 0) {
        amount = to_base(p, out->limit);
        amount = i256_mul(i256_div_floor(amount, step), step);
        amount = i256_min(i256_max(amount, step), all);
    }
    out->delta = i256_sign(s->at[i].quantums) > 0 ? i256_neg(amount) : amount;
    return NULL;
}

static void reduce(i256 *num, i256 *den)
{
    i256 a = i256_abs(*num), b = *den;
    while (i256_sign(b) != 0) {
        i256 rest = i256_sub(a, i256_mul(i256_div_floor(a, b), b));
        a = b;
        b = rest;
    }
    *num = i256_div_trunc(*num, a);
    *den = i256_div_trunc(*den, a);
}

// (notional - ABR * spread * margin) / size with ABR = clamp(adjustment * (1 - nc / mmr), 0, 1), exact. With
// notional and margins below 2^81, ABR's numerator below 2^101 and two factors of 10^6 all stay below 2^255.
static const char *fillable(const struct dydx_perpetual *p, const struct dydx_position *x,
                            const struct dydx_config *c, const struct dydx_risk *r, struct dydx_order *out)
{
    struct dydx_risk own;
    const char *why = dydx_position_risk(p, x->quantums, 0, &own);
    if (why)
        return why;
    i256 full = i256_mul_i64(r->mmr, DYDX_PPM);
    i256 rating = i256_mul_i64(i256_sub(r->mmr, r->nc), c->bankruptcy_adjustment_ppm);
    rating = i256_min(i256_max(rating, I256_ZERO), full);
    i256 spread = i256_mul(rating, i256_mul_i64(own.mmr, c->spread_ppm));
    i256 unit = i256_mul_i64(full, DYDX_PPM);
    i256 num = i256_sub(i256_mul(own.nc, unit), spread), den = i256_mul(unit, i256_abs(x->quantums));
    if (i256_sign(x->quantums) < 0)
        num = i256_neg(num);
    if (i256_sign(num) < 0)
        return "panic: Calculated fillable price is negative";
    reduce(&num, &den);
    out->num = num;
    out->den = den;
    return NULL;
}

// Up for the sale that closes a long, down for the purchase that closes a short: the order never asks for
// less than the fillable price.
static uint64_t to_subticks(const struct dydx_perpetual *p, const struct dydx_order *o)
{
    bool up = i256_sign(o->delta) < 0;
    i256 num = o->num, den = o->den, tick = number(p->subticks_per_tick);
    if (p->conversion < 0)
        num = i256_mul(num, i256_pow10((unsigned)-p->conversion));
    else
        den = i256_mul(den, i256_pow10((unsigned)p->conversion));
    i256 v = up ? i256_div_ceil(num, den) : i256_div_floor(num, den);
    v = i256_mul(up ? i256_div_ceil(v, tick) : i256_div_floor(v, tick), tick);
    i256 most = number(UINT64_MAX - UINT64_MAX % p->subticks_per_tick);
    return (uint64_t)i256_lo(i256_min(i256_max(v, tick), most));
}

const char *dydx_order(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                       const struct dydx_config *c, const struct dydx_risk *r, unsigned i,
                       struct dydx_order *out)
{
    if (!dydx_liquidatable(r))
        return "ErrSubaccountNotLiquidatable";
    if (i >= s->n)
        return "ErrNoPerpetualPositionsToLiquidate";
    const struct dydx_perpetual *p = &perps[s->at[i].perpetual];
    const char *why = size_of(perps, s, c, i, out);
    if (!why)
        why = fillable(p, &s->at[i], c, r, out);
    if (why)
        return why;
    out->subticks = to_subticks(p, out);
    if (p->final_settlement)
        return "ErrLiquidationConflictsWithClobPairStatus";
    return dydx_bankruptcy(perps, s, r, i, out->delta, &out->bankruptcy);
}

static i256 quote_of(const struct dydx_perpetual *p, i256 amount, uint64_t subticks)
{
    i256 v = i256_mul(amount, number(subticks));
    if (p->conversion < 0)
        return i256_div_floor(v, i256_pow10((unsigned)-p->conversion));
    return i256_mul(v, i256_pow10((unsigned)p->conversion));
}

static const char *within_block(const struct dydx_perpetual *p, const struct dydx_subaccount *s,
                                const struct dydx_config *c, bool liquidated, i256 amount, i256 fund)
{
    i256 notional, most = number(c->max_insurance_lost);
    if (liquidated)
        return "ErrSubaccountHasLiquidatedPerpetual";
    if (i256_cmp(s->notional_liquidated, number(c->max_notional)) > 0)
        return "panic: ErrLiquidationExceedsSubaccountMaxNotionalLiquidated";
    const char *why = dydx_notional(p, amount, &notional);
    if (why)
        return why;
    if (i256_cmp(notional, i256_sub(number(c->max_notional), s->notional_liquidated)) > 0)
        return "ErrLiquidationExceedsSubaccountMaxNotionalLiquidated";
    if (i256_sign(fund) >= 0)
        return NULL;
    if (i256_cmp(s->insurance_lost, most) > 0)
        return "panic: ErrLiquidationExceedsSubaccountMaxInsuranceLost";
    if (i256_cmp(i256_neg(fund), i256_sub(most, s->insurance_lost)) > 0)
        return "ErrLiquidationExceedsSubaccountMaxInsuranceLost";
    return NULL;
}

const char *dydx_match(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                       const struct dydx_config *c, const struct dydx_risk *r, unsigned i, i256 amount,
                       uint64_t subticks, i256 fund_balance, struct dydx_fill *out)
{
    const struct dydx_perpetual *p = &perps[s->at[i].perpetual];
    bool buy = i256_sign(s->at[i].quantums) < 0;
    if (i256_sign(amount) == 0)
        return "ErrInvalidQuantumsForInsuranceFundDeltaCalculation";
    i256 paid = quote_of(p, amount, subticks);
    if (i256_bits(paid) > DYDX_QUOTE_BITS)
        return DYDX_RANGE;
    const char *why = dydx_bankruptcy(perps, s, r, i, buy ? amount : i256_neg(amount), &out->bankruptcy);
    if (why)
        return why;
    out->quote = buy ? i256_neg(paid) : paid;
    out->fund = i256_sub(out->quote, out->bankruptcy);
    if (i256_sign(out->fund) > 0)
        out->fund = i256_min(out->fund, i256_div_floor(i256_mul_i64(paid, c->max_fee_ppm), million()));
    if (i256_sign(out->fund) < 0 && i256_sign(i256_add(fund_balance, out->fund)) < 0)
        return "ErrInsuranceFundHasInsufficientFunds";
    return within_block(p, s, c, s->at[i].liquidated, amount, out->fund);
}

static unsigned holds(const struct dydx_subaccount *s, unsigned perpetual)
{
    unsigned i = 0;
    while (i < s->n && s->at[i].perpetual != perpetual)
        i++;
    return i;
}

static void apply(struct dydx_subaccount *s, unsigned i, i256 delta, i256 quote)
{
    s->usdc = i256_add(s->usdc, quote);
    s->at[i].quantums = i256_add(s->at[i].quantums, delta);
}

// Whether the chain lets `to` follow `from`. Open interest is that of after the match on both sides.
static const char *step(const struct dydx_perpetual *perps, const struct dydx_subaccount *from,
                        const struct dydx_subaccount *to)
{
    struct dydx_risk before, after;
    const char *why = dydx_risk(perps, from, &before);
    if (!why)
        why = dydx_risk(perps, to, &after);
    if (!why && i256_bits(to->usdc) > DYDX_QUOTE_BITS)
        why = DYDX_RANGE;
    return why ? why : dydx_transition(&before, &after);
}

const char *dydx_deleverage(struct dydx_perpetual *perps, struct dydx_subaccount *s, unsigned i,
                            struct dydx_subaccount *other, i256 left, bool at_oracle, i256 *delta,
                            i256 *quote)
{
    struct dydx_perpetual *p = &perps[s->at[i].perpetual];
    struct dydx_subaccount mine = *s, theirs = *other;
    struct dydx_risk r;
    unsigned j = holds(other, s->at[i].perpetual);
    if (j == other->n || i256_sign(other->at[j].quantums) != i256_sign(left) || i256_sign(left) == 0)
        return "no position on the opposite side";
    *delta = i256_cmp(i256_abs(left), i256_abs(other->at[j].quantums)) > 0 ? other->at[j].quantums : left;
    const char *why = dydx_risk(perps, s, &r);
    if (!why)
        why = at_oracle ? dydx_notional(p, i256_neg(*delta), quote)
                        : dydx_bankruptcy(perps, s, &r, i, *delta, quote);
    if (why)
        return why;
    i256 interest = p->open_interest;
    p->open_interest = i256_sub(interest, i256_abs(*delta));
    apply(&mine, i, *delta, *quote);
    apply(&theirs, j, i256_neg(*delta), i256_neg(*quote));
    why = step(perps, s, &mine);
    if (!why)
        why = step(perps, other, &theirs);
    if (why) {
        p->open_interest = interest;
        return why;
    }
    *s = mine;
    *other = theirs;
    return NULL;
}
