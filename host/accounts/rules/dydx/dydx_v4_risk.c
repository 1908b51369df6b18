// SPDX-License-Identifier: Apache-2.0
// What every check of the chain starts from: net collateral and the two margin requirements.
#include "accounts/rules/dydx/dydx_v4.h"

static bool fits(i256 v, unsigned bits)
{
    return i256_bits(v) <= bits;
}

static i256 mul_ppm_up(i256 v, uint32_t ppm)
{
    return i256_div10_ceil(i256_mul_i64(v, ppm), 6);
}

// Towards zero, for a short as for a long: the chain divides by Quo here, not by Div.
i256 dydx_quote(const struct dydx_perpetual *p, i256 quantums)
{
    i256 v = i256_mul(quantums, i256_from_u128(p->price));
    if (p->exponent >= 0)
        return i256_mul(v, i256_pow10((unsigned)p->exponent));
    i256 size = i256_div10_floor(i256_abs(v), (unsigned)-p->exponent);
    return i256_sign(v) < 0 ? i256_neg(size) : size;
}

// On the base fraction, whatever the open interest or the user's leverage.
i256 dydx_maintenance(const struct dydx_perpetual *p, i256 notional)
{
    return mul_ppm_up(mul_ppm_up(notional, p->initial_ppm), p->maintenance_ppm);
}

const char *dydx_notional(const struct dydx_perpetual *p, i256 quantums, i256 *out)
{
    if (!fits(quantums, DYDX_BASE_BITS))
        return DYDX_RANGE;
    *out = dydx_quote(p, quantums);
    return fits(*out, DYDX_NOTIONAL_BITS) ? NULL : DYDX_RANGE;
}

// Initial margin fraction at the present open interest, ppm.
static const char *dydx_initial_ppm(const struct dydx_perpetual *p, uint32_t *out)
{
    if (!fits(p->open_interest, DYDX_BASE_BITS))
        return DYDX_RANGE;
    i256 oi = dydx_quote(p, p->open_interest);
    i256 lower = i256_from_u128(p->oi_lower), upper = i256_from_u128(p->oi_upper);
    *out = p->initial_ppm;
    if (p->oi_upper == 0 || i256_cmp(oi, lower) <= 0)
        return NULL;
    *out = DYDX_PPM;
    if (i256_cmp(oi, upper) >= 0)
        return NULL;
    // The increase is cut to whole ppm before the base is added; the margin itself is rounded up later.
    i256 rise = i256_mul_i64(i256_sub(oi, lower), (int64_t)(DYDX_PPM - p->initial_ppm));
    *out = p->initial_ppm + (uint32_t)i256_to_i64(i256_div_floor(rise, i256_sub(upper, lower)));
    return NULL;
}

const char *dydx_position_risk(const struct dydx_perpetual *p, i256 quantums, uint32_t custom_imf_ppm,
                               struct dydx_risk *out)
{
    uint32_t ppm;
    const char *why = dydx_notional(p, quantums, &out->nc);
    if (!why)
        why = dydx_initial_ppm(p, &ppm);
    if (why)
        return why;
    i256 size = i256_abs(out->nc);
    ppm = custom_imf_ppm > ppm ? custom_imf_ppm : ppm;
    out->imr = mul_ppm_up(size, ppm);
    out->mmr = dydx_maintenance(p, size);
    return NULL;
}

const char *dydx_settle(const struct dydx_perpetual *perps, struct dydx_subaccount *s)
{
    i256 ppm = I256_ZERO;
    for (unsigned i = 0; i < s->n; i++) {
        struct dydx_position *x = &s->at[i];
        i256 now = perps[x->perpetual].funding_index;
        ppm = i256_sub(ppm, i256_mul(i256_sub(now, x->funding_index), x->quantums));
        x->funding_index = now;
    }
    // All positions together are floored, once.
    s->usdc = i256_add(s->usdc, i256_div_floor(ppm, i256_from_i64(DYDX_PPM)));
    return fits(s->usdc, DYDX_QUOTE_BITS) ? NULL : DYDX_RANGE;
}

const char *dydx_risk(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                      struct dydx_risk *out)
{
    struct dydx_risk sum = {.nc = s->usdc, .imr = I256_ZERO, .mmr = I256_ZERO}, one;
    for (unsigned i = 0; i < s->n; i++) {
        const struct dydx_position *x = &s->at[i];
        const char *why = dydx_position_risk(&perps[x->perpetual], x->quantums, x->custom_imf_ppm, &one);
        if (why)
            return why;
        sum.nc = i256_add(sum.nc, i256_add(one.nc, x->quote_balance));
        sum.imr = i256_add(sum.imr, one.imr);
        sum.mmr = i256_add(sum.mmr, one.mmr);
    }
    *out = sum;
    return NULL;
}

bool dydx_liquidatable(const struct dydx_risk *r)
{
    return i256_sign(r->mmr) > 0 && i256_cmp(r->mmr, r->nc) > 0;
}

const char *dydx_transition(const struct dydx_risk *from, const struct dydx_risk *to)
{
    if (i256_cmp(to->nc, to->imr) >= 0)
        return NULL;
    const char *no =
        i256_cmp(from->imr, from->nc) <= 0 ? "NewlyUndercollateralized" : "StillUndercollateralized";
    if (i256_cmp(to->mmr, from->mmr) > 0)
        return no;
    if (i256_sign(to->mmr) == 0 || i256_sign(from->mmr) == 0) {
        bool neither = i256_sign(to->mmr) == 0 && i256_sign(from->mmr) == 0;
        return neither && i256_cmp(to->nc, from->nc) > 0 ? NULL : no;
    }
    // to.nc / to.mmr >= from.nc / from.mmr, without the division
    return i256_cmp(i256_mul(to->nc, from->mmr), i256_mul(from->nc, to->mmr)) < 0 ? no : NULL;
}
