// SPDX-License-Identifier: Apache-2.0
// drift-v2-1: affine lower bounds of collateral less requirement (of the two with the buffer, once the
// account is being liquidated). Value quantum: 10^-(6 + z), z = 19 + (D - 6) + (d_q - 6), D the most decimals
// of its perpetuals' prices and d_q those of the quote's, so that nothing of a coefficient is cut off.
//
// Weights and ratios go by size, not by price, and are the program's own. Of what is left:
//   spot        tokens * weight * price: affine. With open orders the one of two such forms, all bids filled
//   or
//               all asks, that leaves less free collateral: both are a coefficient times the price, so that
//               prices do not choose between them. Rounding may: then the lesser coefficient.
//   perpetual   q (f(x) - k |worst| p): worst the greater of base and bids, base and asks; x = base p + quote
//   the profit, f its weight (w where it is one, 1 or 1
//               + buffer where it is a loss: f is concave), k ratio and buffer. In p a chord from below; the
//               sum T of these lines times the quote's price q goes to the plane q1 T + T1 (q - q1), with q1
//               and T1 the least of both: (q - q1)(T - T1) >= 0 is what it leaves away (McCormick).
//
// Slack, in 1e-6 dollars (docs/rules.md, "Drift"): prices are cut to 1e-6, values, products and quotients to
// whole ones, each by less than one. A deposit of t tokens: w (t + 1) + 1, t only where its price is cut. A
// borrow: w + buffer. A perpetual: q (g (long: base + 1) + 1) + 1, g what a unit of loss counts for, base
// only where its price is cut; of q cut, what T1 > 0 loses. Cuts of requirements are the account's gain. Open
// orders of a balance: the value after them is two values cut, and what they cost or bring is one more.
#include "accounts/rules/drift/drift_account.h"
#include "accounts/rules/units.h"

enum {
    TERM_DIGITS = DRIFT_BASE_DIGITS + 4, // of base times a weight
    COEF_BITS = 156,                     // as validate bounds them, before a level's factor
    LEVEL_BITS = 21,
    PPM = 1000000,
};

struct making {
    const struct market *m;
    const struct account *a;
    const struct band *band;
    struct drift_account *x;
    struct checked *c;
    int64_t buffer, eq, req; // buffer: 0 before the liquidation
    unsigned most, z;        // D, z
    struct affine *f;
};

static bool add(struct making *k, uint16_t asset, i256 coef)
{
    struct affine *f = k->f;
    for (unsigned i = 0; i < f->n; i++) {
        if (f->asset[i] == asset) {
            f->a[i] = i256_add(f->a[i], coef);
            return true;
        }
    }
    f->asset[f->n] = asset; // at most one for each of 16 positions
    f->a[f->n++] = coef;
    return i256_bits(coef) <= COEF_BITS + LEVEL_BITS;
}

static const struct instrument *instrument_of(const struct making *k, unsigned place)
{
    return &k->m->instrument[k->a->position[place].instrument];
}

static unsigned decimals_of(const struct making *k, const struct instrument *in)
{
    return k->m->asset[in->asset].decimals;
}

static i256 in_ones(const struct making *k, i256 v, unsigned digits) // v 10^-digits of 1e-6 dollars
{
    return i256_mul(v, unit10(k->z - digits));
}

static void add_order_margin(struct making *k, uint8_t orders)
{
    enum { ORDER_MARGIN = 10000 }; // $0.01 for every open order
    k->f->c = i256_sub(k->f->c, in_ones(k, i256_from_i64(ORDER_MARGIN * orders * k->req), 0));
}

// A balance with all orders of one side filled, a token unit at a price of one: what it counts, what of that
// is free collateral by the program's own choice between the sides (no buffer), and what their cuts can be.
struct filled {
    i256 coef, free;
    int64_t slack, cuts;
    bool refused; // all of a balance is sold: the program then finds no margin
};

static struct filled fill_side(struct making *k, const struct drift_spot *s, i128 tokens, int64_t side)
{
    i128 after = tokens + side;
    int64_t w_asset = drift_asset_weight(k->c, s, ci_abs(after), DRIFT_MAINTENANCE);
    int64_t w_debt = drift_liability_weight(k->c, s, ci_abs(after), DRIFT_MAINTENANCE);
    i256 t = i256_from_i128(after), o = i256_from_i64(side);
    int64_t one = side > 0 ? (DRIFT_BPS + k->buffer) * k->req : DRIFT_BPS * k->eq;
    int64_t counts = after > 0 ? w_asset * k->eq : (w_debt + k->buffer) * k->req;
    struct filled f = {.coef = i256_sub(i256_mul_i64(t, counts), i256_mul_i64(o, one))};
    f.free = i256_sub(i256_mul_i64(t, after > 0 ? w_asset : w_debt), i256_mul_i64(o, DRIFT_BPS));
    f.slack = (w_asset + 2 * DRIFT_BPS) * k->eq + (w_debt + k->buffer) * k->req + one;
    f.cuts = w_asset + w_debt + 2 * DRIFT_BPS;
    f.refused = after == 0 && s->balance != 0;
    return f;
}

static bool add_spot_orders(struct making *k, const struct drift_spot *s, const struct instrument *in)
{
    i128 tokens = cu_to_i128(k->c, drift_tokens(k->c, s, s->balance, s->borrow));
    tokens = s->borrow ? -tokens : tokens;
    struct filled bid = fill_side(k, s, tokens, s->bids), ask = fill_side(k, s, tokens, s->asks);
    unsigned cut = decimals_of(k, in) - DRIFT_PRICE_DIGITS;
    int64_t least = k->band[in->asset].lo / drift_unit_of(cut);
    i256 apart = i256_mul_i64(i256_sub(bid.free, ask.free), least);
    bool clear =
        i256_cmp(i256_abs(apart), i256_mul(i256_from_i64(bid.cuts + ask.cuts), unit10(s->decimals))) > 0;
    bool by_ask = clear ? i256_sign(apart) > 0 : i256_cmp(ask.coef, bid.coef) <= 0;
    const struct filled *f = by_ask ? &ask : &bid;
    if (clear && f->refused) // unclear: no margin, or this one
        ck_fail(k->c, "InvalidMarginRatio");
    int64_t slack = clear || bid.slack < ask.slack ? f->slack : bid.slack;
    k->f->slack = i256_add(k->f->slack, in_ones(k, i256_from_i64(slack), 4));
    if (cut > 0 && i256_sign(f->coef) > 0)
        k->f->slack = i256_add(k->f->slack, in_ones(k, f->coef, 4u + s->decimals));
    add_order_margin(k, s->orders);
    return add(k, in->asset, in_ones(k, f->coef, 4u + s->decimals + cut));
}

static bool add_spot(struct making *k, unsigned i)
{
    const struct drift_spot *s = &k->x->user.spot[i];
    if (drift_spot_empty(s))
        return true;
    if (s->orders)
        return add_spot_orders(k, s, instrument_of(k, k->x->spot_at[i]));
    const struct instrument *in = instrument_of(k, k->x->spot_at[i]);
    u128 tokens = drift_tokens(k->c, s, s->balance, s->borrow);
    unsigned cut = decimals_of(k, in) - DRIFT_PRICE_DIGITS;
    int64_t weight = DRIFT_BPS;
    if (tokens == 0)
        ck_fail(k->c, "InvalidMarginRatio"); // no margin at all: nobody can liquidate it
    if (s->index != 0)
        weight = s->borrow ? drift_liability_weight(k->c, s, tokens, DRIFT_MAINTENANCE)
                           : drift_asset_weight(k->c, s, tokens, DRIFT_MAINTENANCE);
    weight = s->borrow ? (weight + k->buffer) * k->req : weight * k->eq;
    i256 worth = i256_mul_i64(i256_from_u128(tokens), weight);
    i256 slack = in_ones(k, i256_from_i64(weight), 4);
    if (!s->borrow) {
        slack = i256_add(slack, in_ones(k, i256_from_i64(k->eq), 0));
        if (cut > 0)
            slack = i256_add(slack, in_ones(k, worth, 4u + s->decimals));
    }
    k->f->slack = i256_add(k->f->slack, slack);
    i256 coef = in_ones(k, worth, 4u + s->decimals + cut);
    return add(k, in->asset, s->borrow ? i256_neg(coef) : coef);
}

// What profits and margins of the perpetuals come to before the quote's price, in 10^-(TERM_DIGITS + D) of a
// dollar: a line for each, the least of their sum, and what their cuts can take away.
struct lines {
    i256 slope[DRIFT_PERP_MAX], at_0, least, cuts;
};

static i256 weighed(const struct making *k, const struct drift_perp *p, i256 profit)
{
    int64_t w = i256_sign(profit) > 0 ? p->pnl_weight[DRIFT_MAINTENANCE] : DRIFT_BPS + k->buffer;
    return i256_mul_i64(profit, w * k->eq);
}

// A line nowhere above the weighed profit in the band: itself where the sign stays, else its chord.
static void profit_line(const struct making *k, const struct drift_perp *p, i256 base, i256 profit_0,
                        const struct band *b, i256 *slope, i256 *at_0)
{
    i256 lo = i256_add(profit_0, i256_mul_i64(base, b->lo)),
         hi = i256_add(profit_0, i256_mul_i64(base, b->hi));
    i256 g_lo = weighed(k, p, lo);
    if ((i256_sign(lo) > 0) == (i256_sign(hi) > 0)) {
        bool gain = i256_sign(lo) > 0;
        int64_t w = (gain ? (int64_t)p->pnl_weight[DRIFT_MAINTENANCE] : DRIFT_BPS + k->buffer) * k->eq;
        *slope = i256_mul_i64(base, w);
    } else {
        i256 rise = i256_sub(weighed(k, p, hi), g_lo);
        *slope = i256_div_floor(rise, i256_from_i64(b->hi - b->lo));
    }
    *at_0 = i256_sub(g_lo, i256_mul_i64(*slope, b->lo));
}

static void add_line(struct making *k, unsigned i, struct lines *l)
{
    const struct drift_perp *p = &k->x->user.perp[i];
    const struct instrument *in = instrument_of(k, k->x->perp_at[i]);
    const struct band *b = &k->band[in->asset];
    unsigned d = decimals_of(k, in);
    i256 base = i256_mul(i256_from_i64(p->base), unit10(k->most - d)), at_0;
    i128 quote = (i128)p->quote + drift_funding(k->c, p);
    i256 profit_0 = i256_mul(i256_from_i128(quote), unit10(DRIFT_BASE_DIGITS + k->most - DRIFT_PRICE_DIGITS));
    u128 bids = ci_abs((i128)p->base + p->bids), asks = ci_abs((i128)p->base + p->asks);
    u128 worst = bids > asks ? bids : asks;
    int64_t ratio = drift_margin_ratio(k->c, p, worst, DRIFT_MAINTENANCE, k->x->user.leverage);
    profit_line(k, p, base, profit_0, b, &l->slope[i], &at_0);
    i256 margin = i256_mul(i256_from_u128(worst), unit10(k->most - d));
    l->slope[i] = i256_sub(l->slope[i], i256_mul_i64(margin, (ratio + k->buffer) * k->req));
    add_order_margin(k, p->orders);
    l->at_0 = i256_add(l->at_0, at_0);
    int64_t worse = i256_sign(l->slope[i]) < 0 ? b->hi : b->lo;
    l->least = i256_add(l->least, i256_add(at_0, i256_mul_i64(l->slope[i], worse)));
    i256 one = i256_mul_i64(unit10(DRIFT_BASE_DIGITS + k->most - DRIFT_PRICE_DIGITS), k->eq), cut = I256_ZERO;
    if (p->base > 0) {
        cut = one;
        if (d > DRIFT_PRICE_DIGITS)
            cut = i256_add(
                cut,
                i256_mul_i64(i256_mul(i256_from_i64(p->base), unit10(k->most - DRIFT_PRICE_DIGITS)), k->eq));
    }
    cut = i256_mul_i64(cut, DRIFT_BPS + k->buffer);
    l->cuts = i256_add(l->cuts, i256_add(cut, i256_mul_i64(one, DRIFT_BPS)));
}

static bool add_perps(struct making *k)
{
    const struct instrument *quote = instrument_of(k, k->x->spot_at[0]);
    const struct band *q = &k->band[quote->asset];
    unsigned cut = decimals_of(k, quote) - DRIFT_PRICE_DIGITS;
    struct lines l = {.at_0 = I256_ZERO, .least = I256_ZERO, .cuts = I256_ZERO};
    struct affine *f = k->f;
    bool fits = true;
    for (unsigned i = 0; i < k->x->user.perps; i++)
        add_line(k, i, &l);
    int64_t q1 = q->lo - q->lo % drift_unit_of(cut); // the quote's price as cut, in quanta: at most that
    for (unsigned i = 0; i < k->x->user.perps; i++)
        fits &= add(k, instrument_of(k, k->x->perp_at[i])->asset, i256_mul_i64(l.slope[i], q1));
    fits &= add(k, quote->asset, l.least);
    f->c = i256_add(f->c, i256_mul_i64(i256_sub(l.at_0, l.least), q1));
    f->slack = i256_add(f->slack, i256_mul_i64(l.cuts, q->hi));
    f->slack = i256_add(f->slack, in_ones(k, i256_from_i64(k->eq * k->x->user.perps), 0));
    if (cut > 0 && i256_sign(l.least) > 0)
        f->slack = i256_add(f->slack, i256_mul_i64(l.least, drift_unit_of(cut)));
    return fits;
}

// False: a coefficient does not fit.
static bool make(struct making *k, uint8_t level, struct affine *f)
{
    bool fits = true;
    f->level = level;
    f->n = 0;
    f->c = f->slack = I256_ZERO;
    k->f = f;
    for (unsigned i = 0; i < k->x->user.spots; i++)
        fits &= add_spot(k, i);
    return k->x->user.perps == 0 ? fits : add_perps(k) && fits;
}

static int check_bands(const struct market *m, const struct account *a, const struct band *band,
                       struct err *e)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        uint16_t asset = m->instrument[a->position[i].instrument].asset;
        if (band[asset].lo <= 0 || band[asset].hi < band[asset].lo)
            return err_set(e, "account %u: no valid band for asset %s", a->id, m->asset[asset].name);
    }
    return 0;
}

static void scale(struct making *k)
{
    k->most = DRIFT_PRICE_DIGITS;
    for (unsigned i = 0; i < k->x->user.perps; i++) {
        unsigned d = decimals_of(k, instrument_of(k, k->x->perp_at[i]));
        k->most = d > k->most ? d : k->most;
    }
    k->z = TERM_DIGITS + k->most;
    if (k->x->user.perps != 0)
        k->z += decimals_of(k, instrument_of(k, k->x->spot_at[0])) - DRIFT_PRICE_DIGITS;
}

static bool owes(const struct drift_user *u)
{
    bool any = u->perps != 0;
    for (unsigned i = 0; i < u->spots; i++)
        any |= u->spot[i].borrow || u->spot[i].orders != 0;
    return any && !u->bankrupt;
}

// Below 0 at every price: judged exactly at every update.
static void never_above(const struct market *m, const struct account *a, struct affine *f)
{
    f->level = LEVEL_LIQUIDATE;
    f->n = 1;
    f->asset[0] = m->instrument[a->position[0].instrument].asset;
    f->a[0] = i256_from_i64(-1);
    f->c = f->slack = I256_ZERO;
}

int drift_rows(const struct market *m, const struct account *a, const struct band *band, uint32_t warn_ppm,
               struct affine out[RULE_ROWS_MAX], struct err *e)
{
    struct drift_account x;
    struct checked c = {NULL};
    if (check_bands(m, a, band, e))
        return -1;
    drift_fill(m, a, NULL, &x);
    if (!owes(&x.user))
        return 0;
    struct making k = {.m = m, .a = a, .band = band, .x = &x, .c = &c, .eq = 1, .req = 1};
    k.buffer = x.user.being_liquidated ? x.rules.buffer : 0;
    scale(&k);
    bool fits = make(&k, LEVEL_LIQUIDATE, &out[0]);
    k.eq = PPM;
    k.req = PPM + (int64_t)warn_ppm;
    if (warn_ppm != 0)
        fits = make(&k, LEVEL_WARN, &out[1]) && fits;
    if (!ck_ok(&c)) { // as things are the program's own calculation fails; with other parameters it may not
        never_above(m, a, &out[0]);
        never_above(m, a, &out[1]);
        out[1].level = LEVEL_WARN;
        return warn_ppm != 0 ? 2 : 1;
    }
    if (!fits)
        return err_set(e, "account %u: prices out of range for drift-v2-1", a->id);
    return warn_ppm != 0 ? 2 : 1;
}

bool drift_bends(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        if (m->instrument[a->position[i].instrument].kind == INST_LINEAR)
            return true;
    return false;
}
