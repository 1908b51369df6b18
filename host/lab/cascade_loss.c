// SPDX-License-Identifier: Apache-2.0
// Who bears what is missing: the fund at once, the rest at the round's end, a whole round at a time, by the
// scenario's waterfall (econ/waterfall.h): counterparties by rank, everybody in the instrument by size, or
// the books. What it makes of an account's one position is taken over into the account with all of them.
#include <string.h>

#include "base/prng.h"
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

// The account as econ/waterfall.h sees it: its equity at the mark, and its position; nothing where that is
// out of its range.
static struct margin view_of(const struct cascade *c, struct account *a, unsigned instrument, i128 per)
{
    const struct position *p = in_currency(c, a, instrument) ? find(a, instrument) : NULL;
    const unsigned asset = c->b->market.instrument[instrument].asset;
    if (!p || p->size > ECON_MOST || p->size < -ECON_MOST)
        return (struct margin){0};
    const bool ranked = c->s->waterfall->steps & TO_ADL; // else sizes are all that is asked for
    i128 equity = ranked ? a->cash : 0;
    for (unsigned k = 0; ranked && k < a->n_positions; k++)
        equity += profit(c, &a->position[k], a->position[k].size);
    struct margin v = {equity - margin_value(p->size, c->px[asset], per), p->size, p->size * p->entry / per};
    return margin_fits(&v, c->px[asset], per) && margin_fits(&v, c->prior[asset], per) ? v
                                                                                       : (struct margin){0};
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

bool loss_later(struct cascade *c, size_t i, const struct order_leg *leg, i128 quanta)
{
    const struct position *p = find(&c->b->account[i], leg->instrument);
    if (!p || p->size == 0 || c->b->market.instrument[leg->instrument].kind != INST_LINEAR)
        return false;
    bool was_long = p->size > 0;
    c->left[leg->instrument][was_long].size += leg->qty;
    c->left[leg->instrument][was_long].loss += quanta;
    c->state[i].left = was_long ? leg->qty : -leg->qty;
    c->state[i].left_in = leg->instrument;
    return true;
}

static void pay(struct cascade *c, size_t i, unsigned instrument, i128 pays)
{
    struct cascade_flows *f =
        &c->cash[currency_of(&c->b->market, c->b->market.instrument[instrument].currency)];
    c->b->account[i].cash -= pays;
    add(&f->party[PARTY_ACCOUNT], -pays);
    add(&f->party[PARTY_DEFICIT], pays);
}

// What the waterfall has made of an account: closed in part at a price other than the mark, or charged.
static void take_part(struct cascade *c, size_t k, unsigned instrument, i128 per, struct cascade_left *l)
{
    const struct market *m = &c->b->market;
    const size_t i = c->holder[k];
    const struct margin *was = &c->was[k], *is = &c->view[k];
    const i128 px = c->px[m->instrument[instrument].asset], unit = money_a_quantum(m, instrument);
    struct cascade_step *st = &c->steps[c->step];
    i128 has = margin_equity(was, px, per), pays = has - margin_equity(is, px, per), paid = pays;
    if (is->size != was->size) {
        // Nobody is made bankrupt by being deleveraged.
        cascade_close_part(c, i, instrument, econ_abs(was->size - is->size), econ_min(pays, econ_max(has, 0)),
                           PARTY_DEFICIT, &paid);
        c->sum.from_adl += paid * unit;
        st->adl += paid * unit;
    } else if (pays != 0) {
        pay(c, i, instrument, pays);
        c->state[i].tier = TIER_HOT; // until prices move: cheaper than its boxes after every round
        c->sum.socialised += pays * unit;
        st->socialised += pays * unit;
    }
    l->loss -= paid;
}

// Deleveraging at the mark before has brought more than was lost: the bankrupt accounts', by size.
static void give_over(struct cascade *c, unsigned instrument, bool was_long, struct cascade_left *l)
{
    const i128 over = -l->loss, unit = money_a_quantum(&c->b->market, instrument);
    i128 all = 0, upto = 0, given = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < c->b->n_accounts; i++) {
            const struct cascade_account *s = &c->state[i];
            if (s->left == 0 || s->left_in != instrument || (s->left > 0) != was_long)
                continue;
            all += pass ? 0 : econ_abs(s->left);
            upto += pass ? econ_abs(s->left) : 0;
            i128 part = pass ? econ_part_floor(over, upto, all) - given : 0;
            given += part;
            pay(c, i, instrument, -part);
        }
    l->loss = 0;
    c->sum.from_adl -= given * unit;
    c->steps[c->step].adl -= given * unit;
}

// A rate is rounded up: what it brings above the loss is the fund's.
static void round_up(struct cascade *c, i128 over, i128 unit, struct cascade_left *l)
{
    fund_add(&c->fund, over * unit);
    c->sum.fees_in += over * unit;
    c->sum.socialised -= over * unit;
    c->steps[c->step].socialised -= over * unit;
    l->loss += over;
}

// The bankrupt sides of a round as one account beside the others, down the preset's steps: their size, where
// the preset deleverages, and their loss. Fund and market have had their turn.
static void rest(struct cascade *c, unsigned instrument, bool was_long, struct cascade_left *l)
{
    const struct market *m = &c->b->market;
    const struct instrument *in = &m->instrument[instrument];
    size_t n = 0;
    unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
    if (d < in->cash_decimals || d - in->cash_decimals > 18) // a price for less than one quantum of size
        return;
    const i128 per = i256_to_i128(i256_pow10(d - in->cash_decimals)), px = c->px[in->asset];
    for (size_t i = 0; i < c->b->n_accounts; i++) {
        c->was[n] = view_of(c, &c->b->account[i], instrument, per);
        c->holder[n] = (uint32_t)i;
        n += c->was[n].size != 0;
    }
    memcpy(c->view, c->was, n * sizeof *c->view);
    struct perp_market p = {.account = c->view,
                            .n = n + 1,
                            .scratch = c->rank,
                            .share = c->share,
                            .price = px,
                            .per = per,
                            .prior = c->prior[in->asset]};
    const i128 size = c->s->waterfall->steps & TO_ADL ? (was_long ? l->size : -l->size) : 0;
    struct loss out;
    uint64_t x = c->s->seed + c->adl_start++;
    c->view[n] = (struct margin){-l->loss - margin_value(size, px, per), size, 0};
    if (waterfall_run(&p, c->s->waterfall, (uint32_t)n, NULL, 0, (size_t)(splitmix64(&x) >> 1), &out) != 0)
        return;
    for (size_t k = 0; k < n; k++)
        take_part(c, k, instrument, per, l);
    l->size -= out.deleveraged;
    c->sum.adl_fills += out.adl_fills;
    round_up(c, out.over, money_a_quantum(m, instrument), l);
    if (l->loss < 0)
        give_over(c, instrument, was_long, l);
}

void loss_round_end(struct cascade *c)
{
    const struct market *m = &c->b->market;
    bool any = false;
    for (unsigned i = 0; i < m->n_instruments; i++)
        for (int was_long = 0; was_long < 2; was_long++) {
            struct cascade_left *l = &c->left[i][was_long];
            i128 fair = 0, unsold = 0;
            any = any || l->size > 0;
            if (l->loss > 0)
                rest(c, i, was_long, l);
            if (l->loss > 0)
                c->sum.booked += l->loss * money_a_quantum(m, i);
            if (l->size > 0) { // nobody to deleverage: into the market after all
                i128 gain = market_trade(c, c->net, i, wide(was_long ? l->size : -l->size), &fair, &unsold);
                c->sum.slippage += fair - gain;
                c->sum.unsold += unsold;
            }
            *l = (struct cascade_left){0};
        }
    for (size_t i = 0; any && i < c->b->n_accounts; i++)
        c->state[i].left = 0;
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
