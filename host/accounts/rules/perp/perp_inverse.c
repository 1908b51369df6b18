// SPDX-License-Identifier: Apache-2.0
// perp-inverse-1: cross margin over inverse perpetuals of one base currency, with maintenance tiers on
// notional in the base currency. The rule, exact by definition, all amounts in 10^-18 of the base currency:
//   pnl_i = s > 0: floor(|s|/e) - ceil(|s|/P);   s < 0: floor(|s|/P) - ceil(|s|/e)
//   N_i   = ceil(|s|/P),   MM_i = max_k(rate_k N_i - cum_k)   (in 10^-24, not rounded)
//   H = cash + sum pnl_i - sum funding_i - sum MM_i;   liquidatable <=> H < 0 and the requirement is > 0.
// |s|/P stands for |s| 10^(18 + price decimals - size_decimals) / P.
//
// The row is affine in the reciprocal column R, |R - 10^(dec_R + dec_P)/P| <= 1/2. What separates it from H:
//   1. R's rounding: |a| / 2 for each coefficient, and the chord is taken one quantum wider than the band on
//      both sides, so that it also covers the unrounded reciprocal;
//   2. the rule's own rounding: each position's 1/P quotient costs less than one 10^-18 of pnl, and its
//   notional
//      less than one 10^-18 at the top rate. The entry quotient is a constant and taken as the rule takes it.
// Both are the row's slack.
#include "accounts/rules/perp/perp_common.h"

// 10^-l: fine enough for the rule and for every R * size product to be an integer.
static unsigned row_scale(const struct market *m, const struct account *a)
{
    unsigned l = PERP_INVERSE_DECIMALS;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        unsigned d = (unsigned)in->size_decimals + m->asset[in->inverse].decimals;
        if (d > l)
            l = d;
    }
    return l;
}

static int inverse_row(const struct market *m, const struct account *a, const struct band *band, int64_t eq,
                       int64_t req, struct affine *f, struct err *e)
{
    unsigned l = row_scale(m, a);
    i256 cash_unit = unit10(l - a->cash_decimals);
    i256 quantum = unit10(l - PERP_INVERSE_DECIMALS);      // the rule's 10^-18
    i256 c = i256_mul(i256_from_i128(a->cash), cash_unit); // 10^-l
    i256 margin0 = i256_from_i64(0);                       // 10^-(l+6)
    int64_t rounding = 0;                                  // in 10^-24
    f->n = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        const struct band *b = &band[in->inverse];
        if (b->lo <= 0 || b->hi < b->lo)
            return err_set(e, "account %u: no valid band for asset %s", a->id, m->asset[in->inverse].name);
        unsigned d = (unsigned)in->size_decimals + m->asset[in->inverse].decimals;
        i256 s = i256_mul(i256_from_i128(p->size), unit10(l - d)), slope, offset;
        perp_margin_chord(in, i256_abs(s), (uint64_t)b->lo - 1, (uint64_t)b->hi + 1, cash_unit, &slope,
                          &offset);
        i256 entry =
            perp_inverse_entry(in, m->asset[in->asset].decimals, p->size, p->entry, PERP_INVERSE_DECIMALS);
        i256 funding = perp_funding(in, p, p->size, funding_span(in, p->size > 0), PERP_INVERSE_DECIMALS);
        c = i256_add(c, i256_mul(i256_sub(entry, funding), quantum));
        margin0 = i256_add(margin0, offset);
        i256 coef = i256_neg(i256_add(i256_mul_i64(i256_mul_i64(s, PPM), eq), i256_mul_i64(slope, req)));
        if (perp_row_add(f, in->inverse, coef))
            return err_set(e, "account %u: more than %d assets in one row", a->id, ROW_ASSETS_MAX);
        rounding += eq * PPM + req * in->tier[in->n_tiers - 1].rate_ppm; // <= 64 * 2^54
    }
    f->c = i256_sub(i256_mul_i64(i256_mul_i64(c, PPM), eq), i256_mul_i64(margin0, req));
    i256 sum = i256_from_i64(0);
    for (unsigned i = 0; i < f->n; i++)
        sum = i256_add(sum, i256_abs(f->a[i]));
    i256 half = i256_sar(i256_add(sum, i256_from_i64(1)), 1); // ceil(sum |a| / 2)
    f->slack = i256_add(half, i256_mul_i64(quantum, rounding));
    return 0;
}

static int inverse_rows(const struct market *m, const struct account *a, const struct band *band,
                        uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    if (a->n_positions == 0)
        return 0; // no requirement: never liquidatable
    out[0].level = LEVEL_LIQUIDATE;
    if (inverse_row(m, a, band, 1, 1, &out[0], e))
        return -1;
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    return inverse_row(m, a, band, PPM, (int64_t)PPM + warn_ppm, &out[1], e) ? -1 : 2;
}

static void inverse_health(const struct market *m, const struct account *a, const int64_t *px,
                           struct health *out)
{
    perp_health(m, a, px, INST_INVERSE, false, out);
}

static int inverse_size(const struct market *m, const struct account *a, const int64_t *px,
                        const struct size_policy *policy, struct order_size *out)
{
    return perp_size(m, a, px, policy, INST_INVERSE, false, out);
}

static int inverse_settle(const struct market *m, struct account *a, const int64_t *px,
                          const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    return perp_settle(m, a, px, leg, n, INST_INVERSE, false, out, e);
}

static bool inverse_takes(const struct market *m, const struct account *a, const int64_t *px,
                          const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    (void)exact;
    return perp_takes(m, a, px, leg, n, INST_INVERSE);
}

static int inverse_validate(const struct market *m, const struct account *a, struct err *e)
{
    return perp_validate(m, a, INST_INVERSE, e);
}

static bool inverse_within(const struct market *next, unsigned i, const struct reach *r)
{
    return perp_within(next, i, r, INST_INVERSE);
}

const struct rule rule_perp_inverse_1 = {
    .name = "perp-inverse-1",
    .rows = inverse_rows,
    .health = inverse_health,
    .size = inverse_size,
    .settle = inverse_settle,
    .takes = inverse_takes,
    .bends = perp_bends,
    .shift = perp_inverse_shift,
    .within = inverse_within,
    .validate = inverse_validate,
};
