// SPDX-License-Identifier: Apache-2.0
// Valuation, tiers and exact health of perpetual accounts.
#include "accounts/rules/perp_common.h"

#include <assert.h>

unsigned perp_scale(const struct market *m, const struct account *a, uint8_t kind)
{
    if (kind == INST_INVERSE)
        return PERP_INVERSE_DECIMALS;
    unsigned k = a->cash_decimals;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
        if (d > k)
            k = d;
    }
    return k;
}

static i256 scale_up(i256 v, unsigned pow)
{
    return pow == 0 ? v : i256_mul(v, unit10(pow));
}

// Quotients of a non-negative value by a positive price; the usual case fits 128 bits.
static i256 div_floor_px(i256 v, int64_t px)
{
    if (i256_fits_i128(v))
        return i256_from_u128((u128)i256_to_i128(v) / (uint64_t)px);
    return i256_div_floor(v, i256_from_i64(px));
}

static i256 div_ceil_px(i256 v, int64_t px)
{
    if (i256_fits_i128(v)) {
        u128 u = (u128)i256_to_i128(v);
        return i256_from_u128(u / (uint64_t)px + (u % (uint64_t)px != 0));
    }
    return i256_div_ceil(v, i256_from_i64(px));
}

static i256 inverse_numerator(const struct instrument *in, unsigned pd, i128 size, unsigned k)
{
    return scale_up(i256_from_i128(perp_abs(size)), k + pd - in->size_decimals);
}

static i256 entry_side(i256 num, i128 size, int64_t entry)
{
    return size >= 0 ? div_floor_px(num, entry) : i256_neg(div_ceil_px(num, entry));
}

i256 perp_inverse_entry(const struct instrument *in, unsigned pd, i128 size, int64_t entry, unsigned k)
{
    return entry_side(inverse_numerator(in, pd, size, k), size, entry);
}

void perp_value(const struct instrument *in, unsigned pd, i128 size, int64_t entry, int64_t px, unsigned k,
                struct perp_value *out)
{
    assert(px > 0 && entry > 0);
    if (in->kind == INST_LINEAR) {
        i256 s = scale_up(i256_from_i128(size), k - in->size_decimals - pd);
        out->pnl = i256_mul_i64(s, px - entry); // both positive: the difference fits
        out->notional = i256_abs(i256_mul_i64(s, px));
        return;
    }
    i256 num = inverse_numerator(in, pd, size, k);
    i256 at_px = div_ceil_px(num, px);
    out->notional = at_px;
    i256 at_entry = entry_side(num, size, entry);
    // A short owes nothing at 1/P: it is owed |s|/P, an asset, hence the floor.
    out->pnl = size >= 0 ? i256_sub(at_entry, at_px) : i256_add(at_entry, div_floor_px(num, px));
}

i256 perp_funding(const struct instrument *in, const struct position *p, i128 size, i128 index, unsigned k)
{
    if (index == p->funding)
        return i256_from_i64(0);
    i256 owed = i256_mul(i256_from_i128(size), i256_from_i128(index - p->funding));
    unsigned d = (unsigned)in->size_decimals + FUNDING_DECIMALS;
    return d <= k ? scale_up(owed, k - d) : i256_div_ceil(owed, unit10(d - k));
}

i256 perp_notional(const struct instrument *in, unsigned pd, i128 size, int64_t px, unsigned k)
{
    if (in->kind == INST_LINEAR)
        return i256_mul_i64(scale_up(i256_from_i128(perp_abs(size)), k - in->size_decimals - pd), px);
    return div_ceil_px(inverse_numerator(in, pd, size, k), px);
}

// The tier that holds N is the one that attains the maximum: MM is continuous and convex. Returns its index
// and its cum, in 10^-(k+6).
static unsigned tier_of(const struct instrument *in, i256 notional, i256 cash_unit, i256 *cum)
{
    *cum = i256_from_i64(0);
    unsigned t = 0;
    while (t + 1u < in->n_tiers) {
        const struct tier *next = &in->tier[t + 1];
        i256 floor = i256_mul(i256_from_i128(next->floor), cash_unit);
        if (i256_cmp(notional, floor) < 0)
            break;
        *cum = i256_add(*cum, i256_mul_i64(floor, (int64_t)next->rate_ppm - in->tier[t].rate_ppm));
        t++;
    }
    return t;
}

i256 perp_margin(const struct instrument *in, i256 notional, i256 cash_unit)
{
    i256 cum;
    unsigned t = tier_of(in, notional, cash_unit, &cum);
    return i256_sub(i256_mul_i64(notional, in->tier[t].rate_ppm), cum);
}

void perp_margin_chord(const struct instrument *in, i256 w, uint64_t lo, uint64_t hi, i256 cash_unit,
                       i256 *slope, i256 *offset)
{
    i256 x_lo = i256_from_u128(lo), x_hi = i256_from_u128(hi);
    i256 n_lo = i256_mul(w, x_lo), n_hi = i256_mul(w, x_hi), cum;
    unsigned t_lo = tier_of(in, n_lo, cash_unit, &cum);
    if (tier_of(in, n_hi, cash_unit, &cum) == t_lo) { // one tier over the whole band: MM is this line
        *slope = i256_mul_i64(w, in->tier[t_lo].rate_ppm);
        *offset = i256_neg(cum);
        return;
    }
    i256 m_lo = perp_margin(in, n_lo, cash_unit), m_hi = perp_margin(in, n_hi, cash_unit);
    // Floor of the slope, then through the upper edge: above MM at lo by less than hi - lo units of
    // 10^-(k+6).
    *slope = i256_div_floor(i256_sub(m_hi, m_lo), i256_sub(x_hi, x_lo));
    *offset = i256_sub(m_hi, i256_mul(*slope, x_hi));
}

static uint32_t profit_weight(const struct instrument *in)
{
    return in->profit_weight_ppm ? in->profit_weight_ppm : PPM;
}

i256 perp_uncounted(const struct instrument *in, i256 profit)
{
    uint32_t w = profit_weight(in);
    if (w == PPM || i256_sign(profit) <= 0)
        return i256_from_i64(0);
    return i256_mul_i64(profit, PPM - (int64_t)w);
}

bool perp_bends(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        if (in->n_tiers > 1 || profit_weight(in) < PPM)
            return true;
    }
    return false;
}

int perp_row_add(struct affine *f, uint16_t asset, i256 coef)
{
    for (unsigned i = 0; i < f->n; i++) {
        if (f->asset[i] == asset) {
            f->a[i] = i256_add(f->a[i], coef);
            return 0;
        }
    }
    if (f->n == ROW_ASSETS_MAX)
        return -1;
    f->asset[f->n] = asset;
    f->a[f->n++] = coef;
    return 0;
}

void perp_health(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind,
                 bool shocked, struct health *out)
{
    unsigned k = perp_scale(m, a, kind);
    i256 cash_unit = unit10(k - a->cash_decimals);
    i256 equity = i256_mul(i256_from_i128(a->cash), cash_unit);
    i256 margin = i256_from_i64(0), uncounted = margin, loss[SCENARIOS_MAX] = {I256_ZERO};
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        struct perp_value v;
        perp_value(in, m->asset[in->asset].decimals, p->size, p->entry, px[in->asset], k, &v);
        i256 profit = i256_sub(v.pnl, perp_funding(in, p, p->size, funding_now(in), k));
        equity = i256_add(equity, profit);
        uncounted = i256_add(uncounted, perp_uncounted(in, profit));
        margin = i256_add(margin, perp_margin(in, v.notional, cash_unit));
        if (shocked)
            perp_losses(m, p, v.notional, loss);
    }
    margin = i256_add(margin, perp_worst(m, loss));
    out->equity = i256_sub(i256_mul_i64(equity, PPM), uncounted);
    out->requirement = margin;
    out->liquidatable = i256_sign(margin) > 0 && i256_cmp(out->equity, margin) < 0;
}
