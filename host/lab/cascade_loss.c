// SPDX-License-Identifier: Apache-2.0
// Who bears what is missing: the fund at once, the rest at the round's end, a whole round at a time, by the
// scenario's waterfall: counterparties by rank, who are closed at the mark and pay the bankrupt side's loss
// by size (which is closing them at its bankruptcy price), everybody in the instrument by size, or the books.
#include <string.h>

#include "base/prng.h"
#include "econ/adl.h"
#include "econ/socialise.h"
#include "lab/cascade_inside.h"

static i256 wide(i128 v)
{
    return i256_from_i128(v);
}

static void add(i256 *to, i128 v)
{
    *to = i256_add(*to, wide(v));
}

bool cascade_add_flows(struct cascade *c, const struct account *a, const struct settlement *t)
{
    int cur = currency_of(&c->b->market, a->currency);
    for (unsigned i = 0; i < t->n; i++) {
        const struct flow *f = &t->flow[i];
        if (f->instrument < 0 && cur < 0)
            return false;
        struct cascade_flows *to = f->instrument < 0 ? &c->cash[cur] : &c->flows[f->instrument];
        to->party[f->party] = i256_add(to->party[f->party], f->amount);
    }
    return true;
}

void loss_take(struct cascade *c, unsigned currency, i128 quanta, i128 *left)
{
    i128 unit = money_a_quantum(&c->b->market, currency), paid = 0;
    if (c->s->waterfall->steps & TO_FUND) {
        i128 room = fund_room(&c->fund) / unit;
        i128 want = c->fund.whole && room < quanta ? 0 : econ_min(quanta, room);
        paid = fund_draw(&c->fund, want * unit) / unit;
    }
    c->sum.lost += quanta * unit;
    c->sum.from_fund += paid * unit;
    *left = quanta - paid;
}

void loss_book(struct cascade *c, i128 money)
{
    i128 paid = c->s->waterfall->steps & TO_FUND ? fund_draw(&c->fund, money) : 0;
    c->sum.lost += money;
    c->sum.from_fund += paid;
    c->sum.booked += money - paid;
}

static struct position *find(struct account *a, unsigned instrument)
{
    for (unsigned k = 0; k < a->n_positions; k++)
        if (a->position[k].instrument == instrument)
            return &a->position[k];
    return NULL;
}

// Profit of `size` of a linear position at the mark, cash quanta, down.
static i128 profit(const struct cascade *c, const struct position *p, i128 size)
{
    const struct instrument *in = &c->b->market.instrument[p->instrument];
    unsigned d = (unsigned)in->size_decimals + c->b->market.asset[in->asset].decimals;
    i256 v = i256_mul(wide(size), wide((i128)c->px[in->asset] - p->entry));
    i256 whole = i256_mul(v, i256_pow10(in->cash_decimals > d ? in->cash_decimals - d : 0u));
    return i256_to_i128(i256_div10_floor(whole, d > in->cash_decimals ? d - in->cash_decimals : 0u));
}

static bool in_currency(const struct cascade *c, const struct account *a, unsigned instrument)
{
    const struct instrument *in = &c->b->market.instrument[instrument];
    return strcmp(a->currency, in->currency) == 0 && a->rule == &rule_perp_linear_1;
}

// The account as the rankings see it; size 0: not to be ranked.
static struct margin view_of(const struct cascade *c, struct account *a, unsigned instrument, i128 per)
{
    struct margin v = {0};
    const struct position *p = in_currency(c, a, instrument) ? find(a, instrument) : NULL;
    const struct instrument *in = &c->b->market.instrument[instrument];
    int64_t px = c->px[in->asset];
    if (!p || p->size > ECON_MOST || p->size < -ECON_MOST)
        return v;
    i128 equity = a->cash;
    for (unsigned k = 0; k < a->n_positions; k++)
        equity += profit(c, &a->position[k], a->position[k].size);
    v = (struct margin){equity - margin_value(p->size, px, per), p->size, p->size * p->entry / per};
    return equity > 0 && margin_fits(&v, px, per) ? v : (struct margin){0};
}

void cascade_close_part(struct cascade *c, size_t i, unsigned instrument, i128 qty, i128 pays, enum party to,
                        i128 *paid)
{
    struct account *a = &c->b->account[i];
    struct position *p = find(a, instrument);
    i128 sign = p->size > 0 ? 1 : -1, gain = profit(c, p, sign * qty);
    p->size -= sign * qty;
    if (p->size == 0) {
        memmove(p, p + 1, (size_t)(&a->position[a->n_positions] - (p + 1)) * sizeof *p);
        a->n_positions--;
        memset(&a->position[a->n_positions], 0, sizeof *p);
    }
    if (a->n_positions == 0) // nobody owes by being deleveraged
        pays = econ_min(pays, econ_max(a->cash + gain, 0));
    a->cash += gain - pays;
    struct cascade_flows *f = &c->cash[currency_of(&c->b->market, a->currency)];
    add(&f->party[PARTY_ACCOUNT], gain - pays);
    add(&f->party[PARTY_POOL], -gain);
    add(&f->party[to], pays);
    *paid = pays;
    boxes_place(c, i);
}

// Counterparties in order, each for its part of the loss by size, none for more than it has.
static void deleverage(struct cascade *c, unsigned instrument, int side, struct cascade_left *l)
{
    const struct market *m = &c->b->market;
    const struct instrument *in = &m->instrument[instrument];
    unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
    if (d < in->cash_decimals || d - in->cash_decimals > 18) // a price for less than one quantum of size
        return;
    i128 per = i256_to_i128(i256_pow10(d - in->cash_decimals)), all = l->size, loss = l->loss, done = 0;
    for (size_t i = 0; i < c->b->n_accounts; i++)
        c->view[i] = view_of(c, &c->b->account[i], instrument, per);
    uint64_t x = c->s->seed + c->adl_start++;
    size_t start = (size_t)(splitmix64(&x) >> 1);
    size_t n = adl_order(c->view, c->b->n_accounts, c->px[in->asset], per, side, c->s->waterfall->rank, start,
                         c->rank);
    for (size_t k = 0; k < n && done < all; k++) {
        uint32_t i = c->rank[k].account;
        i128 qty = econ_min(all - done, econ_abs(c->view[i].size)), paid = 0;
        i128 upto = econ_part_floor(loss, done + qty, all), before = econ_part_floor(loss, done, all);
        i128 equity = margin_equity(&c->view[i], c->px[in->asset], per);
        cascade_close_part(c, i, instrument, qty, econ_min(upto - before, econ_max(equity, 0)), PARTY_DEFICIT,
                           &paid);
        done += qty;
        l->loss -= paid;
        c->sum.from_adl += paid * money_a_quantum(m, instrument);
        c->steps[c->step].adl += paid * money_a_quantum(m, instrument);
        c->sum.adl_fills++;
    }
    l->size -= done;
}

static void socialise(struct cascade *c, unsigned instrument, struct cascade_left *l)
{
    size_t n = c->b->n_accounts;
    for (size_t i = 0; i < n; i++) {
        struct account *a = &c->b->account[i];
        const struct position *p = in_currency(c, a, instrument) ? find(a, instrument) : NULL;
        c->share[i] = p ? econ_abs(p->size) : 0;
    }
    if (!socialise_exact(l->loss, c->share, n, c->share + n))
        return;
    i128 unit = money_a_quantum(&c->b->market, instrument);
    struct cascade_flows *f =
        &c->cash[currency_of(&c->b->market, c->b->market.instrument[instrument].currency)];
    for (size_t i = 0; i < n; i++) {
        i128 pays = c->share[n + i];
        if (pays == 0)
            continue;
        c->b->account[i].cash -= pays;
        add(&f->party[PARTY_ACCOUNT], -pays);
        add(&f->party[PARTY_DEFICIT], pays);
        c->state[i].tier = TIER_HOT; // until prices move: cheaper than its boxes after every round
    }
    c->sum.socialised += l->loss * unit;
    c->steps[c->step].socialised += l->loss * unit;
    l->loss = 0;
}

void loss_round_end(struct cascade *c)
{
    const struct market *m = &c->b->market;
    for (unsigned i = 0; i < m->n_instruments; i++)
        for (int was_long = 0; was_long < 2; was_long++) {
            struct cascade_left *l = &c->left[i][was_long];
            i128 fair = 0, unsold = 0;
            if (l->loss > 0 && (c->s->waterfall->steps & TO_ADL))
                deleverage(c, i, was_long ? -1 : 1, l);
            if (l->loss > 0 && (c->s->waterfall->steps & TO_SOCIAL))
                socialise(c, i, l);
            if (l->loss > 0)
                c->sum.booked += l->loss * money_a_quantum(m, i);
            if (l->size > 0) { // nobody to deleverage: into the market after all
                i128 gain = market_trade(c, c->net, i, wide(was_long ? l->size : -l->size), &fair, &unsold);
                c->sum.slippage += fair - gain;
                c->sum.unsold += unsold;
            }
            *l = (struct cascade_left){0};
        }
}

bool cascade_conserved(const struct cascade *c, struct err *e)
{
    const struct market *m = &c->b->market;
    const struct cascade_totals *t = &c->sum;
    struct cascade_flows cash[MARKET_INSTRUMENTS_MAX] = {0}, token[MARKET_INSTRUMENTS_MAX] = {0};
    for (size_t i = 0; i < c->b->n_accounts; i++) {
        const struct account *a = &c->b->account[i];
        int cur = currency_of(m, a->currency);
        if (cur >= 0)
            cash[cur].start = i256_add(cash[cur].start, account_cash(m, a));
        for (unsigned k = 0; a->rule->holding && k < a->n_positions; k++) {
            if (m->instrument[a->position[k].instrument].kind != INST_RESERVE)
                continue;
            i256 *sum = &token[a->position[k].instrument].start;
            *sum = i256_add(*sum, a->rule->holding(m, &a->position[k]));
        }
    }
    for (unsigned i = 0; i < m->n_instruments; i++) {
        i256 of_cash = I256_ZERO, of_token = I256_ZERO;
        for (unsigned p = 0; p < PARTY_COUNT; p++) {
            of_cash = i256_add(of_cash, c->cash[i].party[p]);
            of_token = i256_add(of_token, c->flows[i].party[p]);
        }
        i256 cash_change = i256_sub(cash[i].start, c->cash[i].start);
        i256 token_change = i256_sub(token[i].start, c->flows[i].start);
        if (i256_sign(of_cash) != 0 || i256_sign(of_token) != 0 ||
            i256_cmp(cash_change, c->cash[i].party[PARTY_ACCOUNT]) != 0 ||
            i256_cmp(token_change, c->flows[i].party[PARTY_ACCOUNT]) != 0)
            return err_set(e, "money of %s is not conserved", m->instrument[i].name) == 0;
    }
    if (!clip_conserved(c))
        return err_set(e, "auctions do not add up") == 0;
    if (t->lost != t->from_fund + t->from_adl + t->socialised + t->booked)
        return err_set(e, "losses do not add up") == 0;
    if (c->fund.balance != c->s->fund + t->fees_in - t->from_fund || c->fund.balance < c->s->fund_floor)
        return err_set(e, "the fund does not add up, or is below its floor") == 0;
    return true;
}
