// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/venue/hyperliquid.h"

static i256 money(i256 v) // 1e-8 -> 1e-16
{
    return i256_mul_i64(v, VENUE_MONEY);
}

static i256 scaled(const struct hl_account *a, i256 v)
{
    return i256_mul_i64(v, (int64_t)a->scale);
}

void hl_tiers_from(struct venue_tiers *t, uint64_t scale, unsigned n, const i256 *from,
                   const uint64_t *leverage)
{
    i256 cut = I256_ZERO, last = I256_ZERO;
    t->n = n;
    for (unsigned k = 0; k < n; k++) {
        i256 rate = i256_from_i64((int64_t)(scale / (2 * leverage[k])));
        cut = i256_add(cut, i256_mul(from[k], i256_sub(rate, last)));
        t->tier[k].rate = rate;
        t->tier[k].cut = cut;
        last = rate;
    }
}

void hl_tiers(struct venue_tiers *t, uint64_t scale, unsigned n, const i256 *from, const uint64_t *leverage)
{
    i256 bound[VENUE_TIERS_MAX];
    for (unsigned k = 0; k < n; k++)
        bound[k] = money(from[k]);
    hl_tiers_from(t, scale, n, bound, leverage);
}

// Below zero: the venue's loss, ADL. Below two thirds of maintenance: the liquidator vault. Below
// maintenance: the book.
enum hl_action hl_stage(i256 equity, i256 maintenance)
{
    if (i256_sign(equity) < 0)
        return HL_ADL;
    if (i256_cmp(i256_mul_i64(equity, 3), i256_mul_i64(maintenance, 2)) < 0)
        return HL_BACKSTOP;
    return i256_cmp(equity, maintenance) < 0 ? HL_BOOK : HL_NONE;
}

static enum hl_action judge(const struct hl_account *a, const struct hl_margin *m)
{
    enum hl_action stage = hl_stage(scaled(a, m->equity), m->maintenance);
    bool cooling = a->had_partial && a->now - a->partial_at < a->cooldown;
    return stage == HL_BOOK && cooling && a->cooldown_waits ? HL_WAIT : stage;
}

static void add(struct hl_margin *m, const struct venue_position *p)
{
    m->equity = i256_add(m->equity, venue_unrealised(p));
    m->maintenance = i256_add(m->maintenance, venue_maintenance(&p->tiers, venue_notional(p), NULL));
}

struct hl_margin hl_cross(const struct hl_account *a)
{
    struct hl_margin m = {.equity = money(a->usdc), .maintenance = I256_ZERO, .action = HL_NONE};
    unsigned positions = 0;
    for (unsigned i = 0; i < a->n; i++)
        if (!a->at[i].isolated) {
            add(&m, &a->at[i].p);
            positions++;
        }
    if (positions > 0)
        m.action = judge(a, &m);
    return m;
}

struct hl_margin hl_isolated(const struct hl_account *a, unsigned i)
{
    struct hl_margin m = {.equity = money(a->at[i].margin), .maintenance = I256_ZERO, .action = HL_NONE};
    add(&m, &a->at[i].p);
    m.action = judge(a, &m);
    return m;
}

i256 hl_part(i256 all, uint64_t ppm, i256 lot)
{
    i256 part = i256_div_floor(i256_mul_i64(all, (int64_t)ppm), i256_from_i64(1000000));
    part = i256_mul(i256_div_floor(part, lot), lot);
    return i256_min(i256_max(part, lot), all);
}

i256 hl_order(const struct hl_account *a, unsigned i, enum hl_action action)
{
    const struct hl_position *x = &a->at[i];
    i256 all = i256_abs(x->p.size);
    bool large = i256_cmp(venue_notional(&x->p), money(a->partial_above)) > 0;
    if (action != HL_BOOK)
        return I256_ZERO;
    // While the cooldown runs the whole position goes; by the other reading, whoever had a partial
    // liquidation and is past its cooldown.
    bool whole = a->had_partial && (a->cooldown_waits || a->now - a->partial_at < a->cooldown);
    return !large || whole ? all : hl_part(all, a->partial_ppm, x->lot);
}

void hl_range(const struct hl_account *a, unsigned i, struct venue_range *out)
{
    const struct venue_position *p = &a->at[i].p;
    struct hl_margin m = a->at[i].isolated ? hl_isolated(a, i) : hl_cross(a);
    i256 own = venue_maintenance(&p->tiers, venue_notional(p), NULL);
    // Everything but this position's value and maintenance, which move with the price.
    i256 rest =
        i256_sub(scaled(a, i256_sub(m.equity, i256_mul(p->size, p->mark))), i256_sub(m.maintenance, own));
    venue_range_all(out);
    for (unsigned k = 0; k < p->tiers.n; k++) {
        i256 slope = i256_sub(scaled(a, p->size), i256_mul(i256_abs(p->size), p->tiers.tier[k].rate));
        venue_range_cut(out, i256_add(rest, p->tiers.tier[k].cut), slope);
    }
}

bool hl_adl_index(const struct hl_candidate *c, i256 *num, i256 *den)
{
    if (i256_sign(c->value) <= 0)
        return false;
    *num = i256_mul(i256_mul(i256_abs(c->size), c->mark), c->mark);
    *den = i256_mul(c->entry, money(c->value));
    venue_reduce(num, den);
    return true;
}
