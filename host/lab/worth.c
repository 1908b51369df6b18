// SPDX-License-Identifier: Apache-2.0
// Value and loss of an account as affine functions of prices. Estimates in dollars: the contract's roundings,
// a unit of a token at most, are left out.
#include <string.h>

#include "accounts/rules/aave/aave_common.h"
#include "lab/world.h"

static double pow10_of(unsigned n)
{
    return i256_to_double(i256_pow10(n));
}

static double whole(i128 v, unsigned decimals)
{
    return (double)v / pow10_of(decimals);
}

static void add(struct worth *w, uint16_t asset, double value, double owed)
{
    unsigned k = 0;
    while (k < w->n && w->asset[k] != asset)
        k++;
    if (k == w->n) {
        w->asset[w->n++] = asset;
        w->value[k] = w->owed[k] = 0;
    }
    w->value[k] += value;
    w->owed[k] += owed;
}

// What supply or debt alone comes to in token units, by the rule: shares, cTokens and normalised debts too.
static double tokens(const struct market *m, const struct account *a, const struct position *p, i128 supply,
                     i128 debt)
{
    struct position x = *p;
    x.supply = supply;
    x.debt = debt;
    double v = i256_to_double(a->rule->holding(m, &x));
    return v < 0 ? -v : v;
}

// Of protocols other than Aave: whatever is enabled counts, their rules know its threshold.
static void credit(const struct market *m, const struct account *a, const struct position *p, struct worth *w)
{
    const struct instrument *in = &m->instrument[p->instrument];
    double unit = 1 / pow10_of((unsigned)in->size_decimals + m->asset[in->asset].decimals);
    if (p->supply != 0 && p->collateral) {
        double c = tokens(m, a, p, p->supply, 0) * unit;
        add(w, in->asset, c, -c * BPS / (in->lb_bps > BPS ? in->lb_bps : BPS));
    }
    if (p->debt != 0)
        add(w, in->asset, 0, tokens(m, a, p, 0, p->debt) * unit);
}

static void reserve(const struct market *m, const struct account *a, const struct position *p,
                    struct worth *w)
{
    const struct instrument *in = &m->instrument[p->instrument];
    double unit = 1 / pow10_of((unsigned)in->size_decimals + m->asset[in->asset].decimals), index = 1e27;
    uint32_t lt = aave_lt(in, a), lb = aave_lb(in, a);
    if (p->supply != 0 && p->collateral && lt != 0) {
        double c = (double)p->supply * ((double)liquidity_index_now(in) / index) * unit;
        add(w, in->asset, c, -c * BPS / (lb > BPS ? lb : BPS));
    }
    if (p->debt != 0)
        add(w, in->asset, 0, (double)p->debt * ((double)borrow_index_now(in) / index) * unit);
}

static void perpetual(const struct market *m, const struct account *a, const struct position *p,
                      struct worth *w)
{
    const struct instrument *in = &m->instrument[p->instrument];
    const struct asset *as = &m->asset[in->asset];
    double s = whole(p->size, in->size_decimals), size = s < 0 ? -s : s, e = whole(p->entry, as->decimals);
    double cost = ((double)in->penalty_ppm + (double)in->fee_ppm) / MARKET_PPM,
           unit = 1 / pow10_of(as->decimals);
    double funding = s * whole(funding_now(in) - p->funding, FUNDING_DECIMALS);
    if ((a->rule->uses & USE_QUOTE) && a->rule->holding) // in place of an entry price
        w->owed0 -= i256_to_double(a->rule->holding(m, p)) / pow10_of(in->cash_decimals);
    if (in->kind == INST_LINEAR) {
        w->owed0 += s * e + funding;
        add(w, in->asset, size * unit, (size * cost - s) * unit);
    } else { // coins s / e - s / P, times P
        w->value0 += size;
        w->owed0 += s + size * cost;
        add(w, in->asset, 0, (funding - s / e) * unit);
    }
}

void account_worth(const struct market *m, const struct account *a, struct worth *out)
{
    out->n = 0;
    out->value0 = out->owed0 = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (m->instrument[p->instrument].kind != INST_RESERVE)
            perpetual(m, a, p, out);
        else if (a->rule->borrowing && !a->rule->borrowing->emodes)
            credit(m, a, p, out);
        else
            reserve(m, a, p, out);
    }
    if (a->n_positions == 0 || a->cash == 0)
        return;
    const struct instrument *in = &m->instrument[a->position[0].instrument];
    double cash = whole(a->cash, a->cash_decimals);
    if (in->kind == INST_INVERSE)
        add(out, in->asset, 0, -cash / pow10_of(m->asset[in->asset].decimals));
    else
        out->owed0 -= cash;
}
