// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/venue/binance_usdm.h"

static i256 money(i256 v) // 1e-8 -> 1e-16
{
    return i256_mul_i64(v, VENUE_MONEY);
}

static i256 scaled(i256 v)
{
    return i256_mul_i64(v, BN_PPM);
}

void bn_brackets(struct venue_tiers *t, unsigned n, const i256 *floor, const uint64_t *rate, i256 cum)
{
    i256 cut = scaled(money(cum));
    t->n = n;
    for (unsigned k = 0; k < n; k++) {
        if (k > 0)
            cut = i256_add(cut, i256_mul_i64(money(floor[k]), (int64_t)(rate[k] - rate[k - 1])));
        t->tier[k].rate = i256_from_i64((int64_t)rate[k]);
        t->tier[k].cut = cut;
    }
}

// Orders are cancelled first, then one immediate-or-cancel order for all of it, then the fund takes over at
// the bankruptcy price; a fund that cannot leaves auto-deleveraging. At the bankruptcy price the account
// ends with nothing: the fund gains the margin balance at the mark, or pays it.
static enum bn_action judge(const struct bn_account *a, const struct bn_margin *m)
{
    if (i256_cmp(scaled(m->balance), m->maintenance) >= 0)
        return BN_NONE;
    if (a->step == BN_START)
        return BN_CANCEL;
    if (a->step == BN_CANCELLED)
        return BN_IOC;
    bool pays = a->has_fund && i256_sign(i256_add(money(a->fund), m->balance)) < 0;
    return pays ? BN_ADL : BN_TAKE_OVER;
}

static void add(struct bn_margin *m, const struct venue_position *p)
{
    m->balance = i256_add(m->balance, venue_unrealised(p));
    m->maintenance = i256_add(m->maintenance, venue_maintenance(&p->tiers, venue_notional(p), NULL));
}

struct bn_margin bn_cross(const struct bn_account *a)
{
    struct bn_margin m = {.balance = money(a->wallet), .maintenance = I256_ZERO, .action = BN_NONE};
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

struct bn_margin bn_isolated(const struct bn_account *a, unsigned i)
{
    struct bn_margin m = {.balance = money(a->at[i].wallet), .maintenance = I256_ZERO, .action = BN_NONE};
    add(&m, &a->at[i].p);
    m.action = judge(a, &m);
    return m;
}

// The other side of a hedge under the same margin (both sides of a symbol have one kind); n: there is none.
static unsigned partner(const struct bn_account *a, unsigned i)
{
    for (unsigned j = 0; j < a->n; j++)
        if (j != i && !a->at[j].isolated && a->at[j].symbol == a->at[i].symbol)
            return j;
    return a->n;
}

static struct bn_margin margin_of(const struct bn_account *a, unsigned i)
{
    return a->at[i].isolated ? bn_isolated(a, i) : bn_cross(a);
}

// What stays of the balance when the price of the symbol is 0: 1e-16. *size: what moves with it.
static i256 at_zero(const struct bn_account *a, unsigned i, i256 *size)
{
    unsigned j = partner(a, i);
    *size = a->at[i].p.size;
    if (j < a->n)
        *size = i256_add(*size, a->at[j].p.size);
    return i256_sub(margin_of(a, i).balance, i256_mul(*size, a->at[i].p.mark));
}

static i256 own_maintenance(const struct venue_position *p)
{
    return venue_maintenance(&p->tiers, venue_notional(p), NULL);
}

void bn_range(const struct bn_account *a, unsigned i, struct venue_range *out)
{
    const struct venue_position *p = &a->at[i].p, *q;
    struct venue_position nothing = {.size = I256_ZERO, .tiers.n = 1};
    unsigned j = partner(a, i);
    i256 size, rest = scaled(at_zero(a, i, &size));
    q = j < a->n ? &a->at[j].p : &nothing;
    rest = i256_sub(rest, margin_of(a, i).maintenance);
    rest = i256_add(rest, i256_add(own_maintenance(p), own_maintenance(q)));
    venue_range_all(out);
    for (unsigned k = 0; k < p->tiers.n; k++)
        for (unsigned l = 0; l < q->tiers.n; l++) {
            i256 rate = i256_add(i256_mul(i256_abs(p->size), p->tiers.tier[k].rate),
                                 i256_mul(i256_abs(q->size), q->tiers.tier[l].rate));
            i256 cut = i256_add(p->tiers.tier[k].cut, q->tiers.tier[l].cut);
            venue_range_cut(out, i256_add(rest, cut), i256_sub(scaled(size), rate));
        }
}

bool bn_bankruptcy(const struct bn_account *a, unsigned i, i256 *num, i256 *den)
{
    i256 size, rest = at_zero(a, i, &size);
    if (i256_sign(size) == 0)
        return false;
    *num = i256_sign(size) > 0 ? i256_neg(rest) : rest;
    *den = i256_abs(size);
    venue_reduce(num, den);
    return true;
}
