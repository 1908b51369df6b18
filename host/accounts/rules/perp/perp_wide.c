// SPDX-License-Identifier: Apache-2.0
// Valuation, health and size of perpetual accounts in 256 bits, which every valid account fits
// (perp_validate).
#include "accounts/rules/perp/perp_common.h"

#include <assert.h>

typedef i256 amt;
#define P(name) perp_##name
#define LINKAGE

static inline amt amt_of(i128 v)
{
    return i256_from_i128(v);
}
static inline i256 amt_wide(amt v)
{
    return v;
}
static inline amt amt_scale(amt v, unsigned pow)
{
    return pow == 0 ? v : i256_mul(v, unit10(pow));
}
#define amt_add        i256_add
#define amt_sub        i256_sub
#define amt_neg        i256_neg
#define amt_abs        i256_abs
#define amt_cmp        i256_cmp
#define amt_sign       i256_sign
#define amt_mul        i256_mul
#define amt_mul_i64    i256_mul_i64
#define amt_div10_ceil i256_div10_ceil

// Quotients of a non-negative value by a positive price; the usual case fits 128 bits.
static amt amt_div_floor_px(i256 v, int64_t px)
{
    if (i256_fits_i128(v))
        return i256_from_u128((u128)i256_to_i128(v) / (uint64_t)px);
    return i256_div_floor(v, i256_from_i64(px));
}

static amt amt_div_ceil_px(i256 v, int64_t px)
{
    if (i256_fits_i128(v)) {
        u128 u = (u128)i256_to_i128(v);
        return i256_from_u128(u / (uint64_t)px + (u % (uint64_t)px != 0));
    }
    return i256_div_ceil(v, i256_from_i64(px));
}

#include "accounts/rules/perp/perp_sums.h"

i256 perp_inverse_entry(const struct instrument *in, unsigned pd, i128 size, int64_t entry, unsigned k)
{
    return entry_side(inverse_numerator(in, pd, size, k), size, entry);
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
