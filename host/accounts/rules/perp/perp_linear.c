// SPDX-License-Identifier: Apache-2.0
// perp-linear-1: cross margin over linear perpetuals with maintenance tiers.
//   H = cash + sum min(u_i, w_i u_i) - sum max_k(rate_k N_i - cum_k),
//   u_i = s_i (P_i - e_i) - funding_i the unrealised profit, w_i <= 1 its weight (1 where none is told), N_i
//   = |s_i| P_i; liquidatable <=> H < 0 and the requirement is > 0. Exact, nothing but funding is rounded
//   (perp_common.h).
#include "accounts/rules/perp/perp_common.h"

// A line nowhere above what the position's unrealised profit counts for within the band, in 10^-(k+6): that
// itself where it is a profit, or a loss, at all prices of the band; else the chord (docs/numerics.md,
// section 5).
static void profit_line(const struct instrument *in, i256 s, int64_t entry, i256 funding,
                        const struct band *b, i256 *slope, i256 *offset)
{
    i256 at_0 = i256_neg(i256_add(i256_mul_i64(s, entry), funding));
    i256 lo = i256_add(at_0, i256_mul_i64(s, b->lo)), hi = i256_add(at_0, i256_mul_i64(s, b->hi));
    i256 part = i256_from_i64(PPM);
    if ((i256_sign(lo) > 0) == (i256_sign(hi) > 0)) {
        if (i256_sign(lo) > 0)
            part = i256_sub(part, perp_uncounted(in, i256_from_i64(1)));
        *slope = i256_mul(s, part);
        *offset = i256_mul(at_0, part);
        return;
    }
    i256 g_lo = i256_sub(i256_mul(lo, part), perp_uncounted(in, lo));
    i256 g_hi = i256_sub(i256_mul(hi, part), perp_uncounted(in, hi));
    // Floor of the slope, then through the lower edge: below at hi by less than hi - lo units of 10^-(k+6).
    *slope = i256_div_floor(i256_sub(g_hi, g_lo), i256_sub(i256_from_i64(b->hi), i256_from_i64(b->lo)));
    *offset = i256_sub(g_lo, i256_mul_i64(*slope, b->lo));
}

int perp_linear_row(const struct market *m, const struct account *a, const struct band *band, int64_t eq,
                    int64_t req, const struct scenario *x, struct affine *f, struct err *e)
{
    unsigned k = perp_scale(m, a, INST_LINEAR);
    i256 cash_unit = unit10(k - a->cash_decimals);
    i256 c = i256_mul_i64(i256_mul(i256_from_i128(a->cash), cash_unit), PPM); // equity part, 10^-(k+6)
    i256 margin0 = i256_from_i64(0);
    f->n = 0;
    f->slack = i256_from_i64(0); // exact rule; the chord's gap is inside a and c
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        const struct band *b = &band[in->asset];
        if (b->lo <= 0 || b->hi < b->lo)
            return err_set(e, "account %u: no valid band for asset %s", a->id, m->asset[in->asset].name);
        unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
        i256 s = i256_mul(i256_from_i128(p->size), unit10(k - d));
        i256 slope, offset, gain, gain_0;
        perp_margin_chord(in, i256_abs(s), (uint64_t)b->lo, (uint64_t)b->hi, cash_unit, &slope, &offset);
        i256 funding = perp_funding(in, p, p->size, funding_span(in, p->size > 0), k); // at its worst
        profit_line(in, s, p->entry, funding, b, &gain, &gain_0);
        c = i256_add(c, gain_0);
        margin0 = i256_add(margin0, offset);
        if (x) // a loss of -s P shock
            slope = i256_sub(slope, i256_mul_i64(s, x->shock_ppm[p->instrument]));
        i256 coef = i256_sub(i256_mul_i64(gain, eq), i256_mul_i64(slope, req));
        if (perp_row_add(f, in->asset, coef))
            return err_set(e, "account %u: more than %d assets in one row", a->id, ROW_ASSETS_MAX);
    }
    f->c = i256_sub(i256_mul_i64(c, eq), i256_mul_i64(margin0, req));
    return 0;
}

int perp_linear_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    if (a->n_positions == 0)
        return 0; // no requirement: never liquidatable
    out[0].level = LEVEL_LIQUIDATE;
    if (perp_linear_row(m, a, band, 1, 1, NULL, &out[0], e))
        return -1;
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    return perp_linear_row(m, a, band, PPM, (int64_t)PPM + warn_ppm, NULL, &out[1], e) ? -1 : 2;
}

static void linear_health(const struct market *m, const struct account *a, const int64_t *px,
                          struct health *out)
{
    perp_health(m, a, px, INST_LINEAR, false, out);
}

static int linear_size(const struct market *m, const struct account *a, const int64_t *px,
                       const struct size_policy *policy, struct order_size *out)
{
    return perp_size(m, a, px, policy, INST_LINEAR, false, out);
}

static int linear_settle(const struct market *m, struct account *a, const int64_t *px,
                         const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    return perp_settle(m, a, px, leg, n, INST_LINEAR, false, out, e);
}

static bool linear_takes(const struct market *m, const struct account *a, const int64_t *px,
                         const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    (void)exact;
    return perp_takes(m, a, px, leg, n, INST_LINEAR);
}

static int linear_validate(const struct market *m, const struct account *a, struct err *e)
{
    return perp_validate(m, a, INST_LINEAR, e);
}

static bool linear_within(const struct market *next, unsigned i, const struct reach *r)
{
    return perp_within(next, i, r, INST_LINEAR);
}

const struct rule rule_perp_linear_1 = {
    .name = "perp-linear-1",
    .rows = perp_linear_rows,
    .health = linear_health,
    .size = linear_size,
    .settle = linear_settle,
    .takes = linear_takes,
    .bends = perp_bends,
    .shift = perp_linear_shift,
    .crossed = perp_crossed,
    .within = linear_within,
    .validate = linear_validate,
};
