// SPDX-License-Identifier: Apache-2.0
// Toy rules for the tests of the nested boxes, in exact 128-bit integers: H = cash + a term for each
// position, which is affine (size * price) or concave, a minimum of up to three affine pieces. Concave ones
// are margin tiers and a weight that depends on the sign of a position's profit; in a row each is replaced by
// its chord over the band given. Instrument i is asset i.
//
// Fields of a position: size; entry (0: affine); collateral (true: weight by sign, `debt` per mille of a
// profit count, all of a loss; false: tiers around the notional at `entry`). An account's `emode` > 0 is a
// slack of |cash| >> emode. Of affine ones a gain with the price is multiplied with the instrument's lt_bps,
// a loss with its lb_bps (0: 1), the parameters that may change; `supply` is a size of the other sign.
#ifndef TRIPLINE_TEST_TOY_RULE_H
#define TRIPLINE_TEST_TOY_RULE_H

#include <string.h>

#include "accounts/rules/rule.h"

enum { TOY_PIECES = 3, TOY_SIZE_BITS = 46, TOY_WEIGHTED_BITS = 33, TOY_PRICE_BITS = 61, TOY_MILLE = 1000 };

struct toy_term {
    unsigned n; // pieces; 0: no position
    i128 a[TOY_PIECES], b[TOY_PIECES];
};

static inline void toy_piece(struct toy_term *t, i128 a, i128 b)
{
    t->a[t->n] = a;
    t->b[t->n++] = b;
}

static const struct market *toy_market; // whose parameters count; NULL: none do

static inline i128 toy_weight(unsigned instrument, bool gain)
{
    const struct instrument *in = toy_market ? &toy_market->instrument[instrument] : NULL;
    i128 w = in ? (gain ? in->lt_bps : in->lb_bps) : 0;
    return w ? w : 1;
}

static inline i128 toy_side(const struct position *p, bool gain)
{
    i128 size = (p->size > 0) == gain ? p->size : p->size > 0 ? -p->supply : p->supply;
    return size * toy_weight(p->instrument, gain);
}

static inline void toy_term(const struct position *p, struct toy_term *t)
{
    static const int rate[TOY_PIECES] = {5, 20, 60}; // per mille
    t->n = 0;
    if (p->entry == 0) {
        toy_piece(t, toy_side(p, true) + toy_side(p, false), 0);
    } else if (p->collateral) {
        toy_piece(t, p->size * p->debt, -p->size * p->debt * p->entry);
        toy_piece(t, p->size * TOY_MILLE, -p->size * TOY_MILLE * p->entry);
    } else {
        i128 size = p->size < 0 ? -p->size : p->size, cum = 0;
        for (int k = 0; k < TOY_PIECES; k++) {
            i128 floor =
                size * (p->entry + (k == 2 ? p->entry / 8 : 0)); // notional from which rate[k] counts
            cum += k ? floor * (rate[k] - rate[k - 1]) : 0;
            toy_piece(t, p->size * TOY_MILLE - size * rate[k], cum);
        }
    }
}

static inline i128 toy_value(const struct toy_term *t, int64_t px)
{
    i128 least = 0;
    for (unsigned k = 0; k < t->n; k++) {
        i128 v = t->a[k] * px + t->b[k];
        least = k == 0 || v < least ? v : least;
    }
    return least;
}

// The slope of the term at a price: whether it gains or loses when the price rises.
static inline i128 toy_slope(const struct toy_term *t, int64_t px)
{
    i128 least = toy_value(t, px), a = 0;
    for (unsigned k = 0; k < t->n; k++)
        if (t->a[k] * px + t->b[k] == least)
            a = t->a[k];
    return a;
}

static inline i128 toy_health(const struct account *a, const int64_t *px)
{
    i128 h = a->cash;
    for (uint16_t i = 0; i < a->n_positions; i++) {
        struct toy_term t;
        toy_term(&a->position[i], &t);
        h += toy_value(&t, px[a->position[i].instrument]);
    }
    return h;
}

// The piece that is the least at both edges, else a line through lower edge that is nowhere above the chord.
static inline void toy_chord(const struct toy_term *t, const struct band *band, i128 *a, i128 *b)
{
    i128 lo = toy_value(t, band->lo), hi = toy_value(t, band->hi);
    for (unsigned k = 0; k < t->n; k++)
        if (t->a[k] * band->lo + t->b[k] == lo && t->a[k] * band->hi + t->b[k] == hi) {
            *a = t->a[k];
            *b = t->b[k];
            return;
        }
    i128 rise = hi - lo, run = (i128)band->hi - band->lo;
    *a = rise / run - (rise % run < 0);
    *b = lo - *a * band->lo;
}

static inline i128 toy_spare(const struct position *p)
{
    if (toy_market->instrument[p->instrument].lt_bps == 0)
        return 0; // has no parameters to change
    return (toy_side(p, true) >> SHIFT_SPARE_BITS) + (-toy_side(p, false) >> SHIFT_SPARE_BITS) + 2;
}

static inline int toy_rows(const struct market *m, const struct account *x, const struct band *band,
                           uint32_t warn_ppm, struct affine out[ROW_LEVELS], struct err *e)
{
    (void)e;
    int levels = warn_ppm ? 2 : 1;
    i128 cash = x->cash < 0 ? -x->cash : x->cash;
    if (x->n_positions == 0)
        return 0;
    memset(out, 0, (size_t)levels * sizeof *out);
    for (int l = 0; l < levels; l++) {
        struct affine *f = &out[l];
        f->level = (uint8_t)l;
        f->c = i256_from_i128(x->cash - (l ? cash / 1000000 * warn_ppm : 0));
        f->slack = i256_from_i128(x->emode ? cash >> x->emode : 0);
        for (uint16_t i = 0; i < x->n_positions; i++) {
            struct toy_term t;
            i128 a, b;
            uint16_t asset = x->position[i].instrument;
            toy_term(&x->position[i], &t);
            toy_chord(&t, &band[asset], &a, &b);
            if (m->lasting && x->position[i].entry == 0)
                a -= toy_spare(&x->position[i]);
            f->c = i256_add(f->c, i256_from_i128(b));
            if (a == 0)
                continue; // as rules do: what has no weight is not named
            f->asset[f->n] = asset;
            f->a[f->n++] = i256_from_i128(a);
        }
    }
    return levels;
}

static inline void toy_judge(const struct market *m, const struct account *a, const int64_t *px,
                             struct health *out)
{
    (void)m;
    i128 h = toy_health(a, px);
    out->liquidatable = a->n_positions && h < 0;
    out->equity = i256_from_i128(h);
    out->requirement = I256_ZERO;
}

static inline bool toy_bends(const struct market *m, const struct account *a)
{
    (void)m;
    for (uint16_t i = 0; i < a->n_positions; i++)
        if (a->position[i].entry)
            return true;
    return false;
}

// `fee_bps` of the instrument: 1: rows have no spare for it, 2: no bound is known.
static inline bool toy_shift(const struct market *m, const struct instrument *was,
                             const struct instrument *is, const uint64_t *until_s, unsigned n,
                             struct shift *out, bool *spared)
{
    const uint64_t one = UINT64_C(1) << SHIFT_BITS;
    struct shift s = {0, 0};
    (void)m;
    (void)until_s;
    *spared = is->fee_bps != 1;
    if (is->lt_bps < was->lt_bps)
        s.down = (uint64_t)((u128)one * (was->lt_bps - is->lt_bps) / was->lt_bps) + 1;
    if (is->lb_bps > was->lb_bps)
        s.up = (uint64_t)((u128)one * (is->lb_bps - was->lb_bps) / was->lb_bps) + 1;
    for (unsigned k = 0; k < n; k++)
        out[k] = s;
    return is->fee_bps != 2 && s.down <= one / 2 && s.up <= one / 2;
}

static inline bool toy_crossed(const struct market *m, const struct account *a)
{
    (void)m;
    for (uint16_t i = 0; i < a->n_positions; i++)
        if (a->position[i].entry == 0 && a->position[i].supply)
            return true;
    return false;
}

enum { TOY_SIBLINGS = 3 };
static inline unsigned toy_most_rows(const struct market *m)
{
    (void)m;
    return TOY_SIBLINGS;
}

// Siblings: the row that counts stands between two that are above it, by much and by hardly anything.
static inline int toy_sibling_rows(const struct market *m, const struct account *x, const struct band *band,
                                   uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    struct affine f[ROW_LEVELS];
    int levels = toy_rows(m, x, band, warn_ppm, f, e), n = 0;
    i128 cash = x->cash < 0 ? -x->cash : x->cash;
    for (; levels && n < TOY_SIBLINGS; n++) {
        out[n] = f[LEVEL_LIQUIDATE];
        out[n].c = i256_add(out[n].c, i256_from_i128(n == 0 ? cash / 3 : n == 1 ? 0 : cash >> 20));
    }
    if (levels == ROW_LEVELS)
        out[n++] = f[LEVEL_WARN];
    return n;
}

// One that says whether it bends, one whose rows have to be compared, one with several rows.
static const struct rule toy_rule[3] = {
    {.name = "toy-1",
     .rows = toy_rows,
     .health = toy_judge,
     .bends = toy_bends,
     .shift = toy_shift,
     .crossed = toy_crossed},
    {.name = "toy-2", .rows = toy_rows, .health = toy_judge, .shift = toy_shift, .crossed = toy_crossed},
    {.name = "toy-3",
     .rows = toy_sibling_rows,
     .health = toy_judge,
     .bends = toy_bends,
     .most_rows = toy_most_rows,
     .shift = toy_shift,
     .crossed = toy_crossed},
};

#endif
