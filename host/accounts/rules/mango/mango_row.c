// SPDX-License-Identifier: Apache-2.0
// Rows of mango-v4-1. Health in ulps (2^-48 of native quote) is the sum over tokens of
//   floor(X floor(w K P / 2^48) / 2^48),   X = the balance with the weighted profit or loss of its perps,
// w the asset's weight where X >= 0, the liability's (not less) where X < 0, K P the price in I80F48. It is
// not affine in three ways, each replaced by something nowhere above it (docs/protocols/mango-v4.md, "Rows"):
//   1. a perp's profit, at the worse of its bids and its asks executed, counts with its overall weight <= 1,
//   its loss in full: concave in P, its chord;
//   2. min(w_asset X, w_liab X): concave in X, its chord over what X can be in the bands;
//   3. the product of that, Z, with the settle token's price: Z Q >= Zlo Q + Qlo Z - Zlo Qlo.
// Where a token has no perps it is Z Q with a constant Z. A coefficient is rounded down, prices being above
// 0. Rows are in 2^-32 ulps; slack has the program's own roundings: a token's two products cost less than 1 +
// X / 2^48 ulps (the second of a balance above 0 alone), a perp's two less than 2.
#include "accounts/rules/mango/mango_book.h"
#include "accounts/rules/perp/perp_common.h"
#include "base/u256.h"

enum {
    FRACTION = 32,        // of a row's quantum, in ulps
    PROFIT_FRACTION = 96, // of a perp's profit while it is worked out
    COEF_BITS = 150,
    CONST_BITS = 200,
    WARN_MOST = 1000000,
    TOKEN_ULPS = 4,
    PERP_ULPS = 2,
};

struct line { // in 2^-FRACTION ulps
    i256 at_0;
    i256 slope[MANGO_PERPS_MAX]; // by the perp's price
};

struct way {
    const struct mango_book *b;
    const struct market *m;
    const struct account *a;
    const struct band *band;
    bool end; // liquidation-end health, else maintenance
    uint32_t warn_ppm;
};

static const struct instrument *perp_in(const struct way *y, unsigned k)
{
    return &y->m->instrument[y->b->a.perp[k].market];
}

static i256 fx_profit(i256 u, fx overall)
{
    return i256_sign(u) > 0 ? i256_mul(u, i256_from_i128(overall)) : i256_shl(u, FX_FRACTION);
}

// floor(a b / 2^48), b >= 0; the product in 512 bits.
static i256 scaled(i256 a, i256 b)
{
    bool neg = i256_sign(a) < 0;
    i256 m = i256_abs(a), v;
    u256 q, rest;
    (void)u256_mul_div((u256){{m.w[0], m.w[1], m.w[2], m.w[3]}}, (u256){{b.w[0], b.w[1], b.w[2], b.w[3]}},
                       u256_from_u128((u128)FX_ONE), &q, &rest);
    v = (i256){{q.w[0], q.w[1], q.w[2], q.w[3]}};
    if (!neg)
        return v;
    return i256_sub(i256_neg(v), i256_from_i64(!u256_is_zero(rest)));
}

// What the base counts, in 2^-48 native base, with all bids or all asks executed at the oracle's price, the
// lesser: both are that times the price, so that it does not choose between them.
static i256 least_base(const struct way *y, const struct mango_perp *p)
{
    fx asset = y->end ? p->init_base_asset : p->maint_base_asset;
    fx liab = y->end ? p->init_base_liab : p->maint_base_liab;
    const int64_t orders[] = {p->bids, -p->asks};
    i256 counts[2];
    for (unsigned k = 0; k < 2; k++) {
        i128 net = (i128)p->base_lots + orders[k];
        i256 worth = i256_mul(i256_from_i128(net), i256_from_i128(net < 0 ? liab : asset));
        counts[k] = i256_sub(worth, i256_shl(i256_from_i64(orders[k]), FX_FRACTION));
    }
    return i256_mul_i64(i256_min(counts[0], counts[1]), p->base_lot_size);
}

// Adds a line nowhere above the perp's weighted profit in the band to *l, and the most it can be to *most
// (ulps).
static void add_profit(const struct way *y, unsigned k, struct line *l, i256 *most)
{
    const struct mango_perp *p = &y->b->a.perp[k];
    const struct band *b = &y->band[perp_in(y, k)->asset];
    fx overall = y->end ? p->init_overall : p->maint_overall;
    i256 step =
        i256_mul(least_base(y, p), i256_from_i128(mango_price_unit(y->m, perp_in(y, k)))); // 2^-48 ulps
    i256 quote = i256_shl(i256_from_i128(p->quote), FX_FRACTION), slope, at_0;
    i256 lo = i256_add(quote, i256_mul_i64(step, b->lo)), hi = i256_add(quote, i256_mul_i64(step, b->hi));
    i256 g_lo = fx_profit(lo, overall), g_hi = fx_profit(hi, overall); // 2^-PROFIT_FRACTION ulps
    if ((i256_sign(lo) > 0) == (i256_sign(hi) > 0)) {
        i256 part = i256_from_i128(i256_sign(lo) > 0 ? overall : FX_ONE);
        slope = i256_mul(step, part);
        at_0 = i256_mul(quote, part);
    } else { // its slope floored and laid through the lower edge: nowhere above the chord
        slope = i256_div_floor(i256_sub(g_hi, g_lo), i256_from_i64(b->hi - b->lo));
        at_0 = i256_sub(g_lo, i256_mul_i64(slope, b->lo));
    }
    l->slope[k] = i256_sar(slope, PROFIT_FRACTION - FRACTION);
    at_0 = i256_sub(i256_sar(at_0, PROFIT_FRACTION - FRACTION), i256_shl(i256_from_i64(PERP_ULPS), FRACTION));
    l->at_0 = i256_add(l->at_0, at_0);
    *most = i256_add(*most, i256_add(i256_sar(i256_max(g_lo, g_hi), PROFIT_FRACTION), i256_from_i64(1)));
}

static void ends_of(const struct way *y, const struct line *l, i256 *lo, i256 *hi)
{
    *lo = *hi = l->at_0;
    for (unsigned k = 0; k < y->b->a.n_perps; k++) {
        const struct band *b = &y->band[perp_in(y, k)->asset];
        i256 x = i256_mul_i64(l->slope[k], b->lo), z = i256_mul_i64(l->slope[k], b->hi);
        *lo = i256_add(*lo, i256_min(x, z));
        *hi = i256_add(*hi, i256_max(x, z));
    }
}

// The balance's line weighted: nowhere above min(w_asset X, w_liab X).
static void weigh(const struct way *y, const struct mango_bank *bank, struct line *l)
{
    i256 asset = i256_from_i128(y->end ? bank->init_asset : bank->maint_asset);
    i256 liab = i256_from_i128(y->end ? bank->init_liab : bank->maint_liab), lo, hi, factor, rest = I256_ZERO;
    liab = i256_div_ceil(i256_mul_i64(liab, WARN_MOST + (int64_t)y->warn_ppm), i256_from_i64(WARN_MOST));
    ends_of(y, l, &lo, &hi);
    if (i256_sign(lo) >= 0) {
        factor = asset;
    } else if (i256_sign(hi) <= 0) {
        factor = liab;
    } else {
        factor = i256_div_floor(i256_sub(i256_mul(asset, hi), i256_mul(liab, lo)), i256_sub(hi, lo));
        rest = i256_mul(i256_sub(liab, factor), lo);
    }
    l->at_0 = i256_sar(i256_add(i256_mul(factor, l->at_0), rest), FX_FRACTION);
    for (unsigned k = 0; k < y->b->a.n_perps; k++)
        l->slope[k] = i256_sar(i256_mul(factor, l->slope[k]), FX_FRACTION);
}

static int add(struct affine *f, const struct way *y, uint16_t asset, i256 coef, struct err *e)
{
    if (i256_sign(coef) == 0 || perp_row_add(f, asset, coef) == 0)
        return 0;
    return err_set(e, "account %u: more than %d assets in one row", y->a->id, ROW_ASSETS_MAX);
}

static int add_token(const struct way *y, unsigned t, struct affine *f, struct err *e)
{
    const struct mango_token *x = &y->b->a.token[t];
    const struct instrument *in = &y->m->instrument[x->index];
    struct checked c = {0};
    fx native = mango_native(&x->bank, &x->liqee, &c);
    i256 unit = i256_from_i128(mango_price_unit(y->m, in)), most = i256_from_i128(native), lo, hi;
    struct line l = {.at_0 = i256_shl(i256_from_i128(native), FRACTION)};
    bool perps = false;
    for (unsigned k = 0; k < y->b->a.n_perps; k++)
        if (y->b->a.perp[k].settle == t) {
            add_profit(y, k, &l, &most);
            perps = true;
        }
    weigh(y, &x->bank, &l);
    i256 ulps = i256_add(i256_sar(i256_max(most, I256_ZERO), FX_FRACTION), i256_from_i64(TOKEN_ULPS));
    f->slack = i256_add(f->slack, i256_shl(ulps, FRACTION));
    if (!perps)
        return add(f, y, in->asset, scaled(l.at_0, unit), e);
    i256 least = i256_mul_i64(unit, y->band[in->asset].lo); // the least price
    ends_of(y, &l, &lo, &hi);
    f->c = i256_add(f->c, i256_sub(scaled(l.at_0, least), i256_neg(scaled(i256_neg(lo), least))));
    if (add(f, y, in->asset, scaled(lo, unit), e))
        return -1;
    for (unsigned k = 0; k < y->b->a.n_perps; k++)
        if (add(f, y, perp_in(y, k)->asset, scaled(l.slope[k], least), e))
            return -1;
    return 0;
}

// A coarser quantum where a row of extreme amounts needs one: rounded down, prices being above 0.
static void fit(struct affine *f)
{
    unsigned down = 0, bits = i256_bits(f->c);
    down = bits > CONST_BITS ? bits - CONST_BITS : 0;
    bits = i256_bits(f->slack);
    down = bits > CONST_BITS + down ? bits - CONST_BITS : down;
    for (unsigned i = 0; i < f->n; i++) {
        bits = i256_bits(f->a[i]);
        down = bits > COEF_BITS + down ? bits - COEF_BITS : down;
    }
    if (down == 0)
        return;
    for (unsigned i = 0; i < f->n; i++)
        f->a[i] = i256_sar(f->a[i], down);
    f->c = i256_sar(f->c, down);
    f->slack = i256_add(i256_sar(f->slack, down), i256_from_i64(1));
}

static int row_of(const struct way *y, uint8_t level, struct affine *f, struct err *e)
{
    f->level = level;
    f->n = 0;
    f->slack = I256_ZERO;
    // Flagged: liquidatable up to -1 of native quote, that is where health + 1 - one ulp is below 0.
    f->c = y->end ? i256_shl(i256_from_i128(FX_ONE - 1), FRACTION) : I256_ZERO;
    for (unsigned t = 0; t < y->b->a.n_tokens; t++)
        if (add_token(y, t, f, e))
            return -1;
    fit(f);
    return 0;
}

int mango_rows(const struct market *m, const struct account *a, const struct band *band, uint32_t warn_ppm,
               struct affine out[RULE_ROWS_MAX], struct err *e)
{
    struct mango_book b;
    for (unsigned i = 0; i < a->n_positions; i++) {
        uint16_t asset = m->instrument[a->position[i].instrument].asset;
        if (band[asset].lo <= 0 || band[asset].hi < band[asset].lo)
            return err_set(e, "account %u: no valid band for asset %s", a->id, m->asset[asset].name);
    }
    mango_book_set(&b, m, a, NULL);
    if (!b.owes)
        return 0;
    struct way y = {.b = &b, .m = m, .a = a, .band = band, .end = b.a.being_liquidated};
    if (row_of(&y, LEVEL_LIQUIDATE, &out[0], e))
        return -1;
    if (warn_ppm == 0)
        return 1;
    y.warn_ppm = warn_ppm < WARN_MOST ? warn_ppm : WARN_MOST;
    return row_of(&y, LEVEL_WARN, &out[1], e) ? -1 : 2;
}
