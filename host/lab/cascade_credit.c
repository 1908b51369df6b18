// SPDX-License-Identifier: Apache-2.0
// Loans in a cascade beside their own rule: tokens given to an account, and liquidation at a discount that
// the price drives (scenario key `liquidation`, kind discount; econ/auction_discount.h). What an amount of
// tokens is in an account's own units is asked of its rule's `holding`, so that any lending rule will do;
// what its rounding leaves is PARTY_POOL's. docs/lab/scenarios.md, "At a discount".
#include <string.h>

#include "lab/cascade_inside.h"

enum { GIVE_BITS = 100 };

static u256 as_u256(i256 v) // >= 0
{
    return (u256){{v.w[0], v.w[1], v.w[2], v.w[3]}};
}

static i256 as_i256(u256 v) // below 2^255
{
    return (i256){{v.w[0], v.w[1], v.w[2], v.w[3]}};
}

static i256 holding(const struct cascade *c, const struct account *a, const struct position *p)
{
    return a->rule->holding(&c->b->market, p);
}

enum change { SUPPLY_UP, SUPPLY_DOWN, DEBT_DOWN };

static struct position changed(const struct position *p, enum change how, i128 by)
{
    struct position q = *p;
    if (how == DEBT_DOWN)
        q.debt -= by;
    else
        q.supply += how == SUPPLY_UP ? by : -by;
    return q;
}

static bool within(const struct cascade *c, const struct account *a, const struct position *p,
                   enum change how, i128 by, i256 units)
{
    struct position q = changed(p, how, by);
    return i256_cmp(i256_abs(i256_sub(holding(c, a, &q), holding(c, a, p))), units) <= 0;
}

// The most of the position's own units, up to `most`, whose change is worth at most so many token units.
static i128 worth_at_most(const struct cascade *c, const struct account *a, const struct position *p,
                          enum change how, i128 most, i256 units)
{
    i128 low = 0, high = 1; // low is within, high is not or is past the most
    while (high <= most && within(c, a, p, how, high, units)) {
        low = high;
        high *= 2;
    }
    high = econ_min(high, most + 1);
    while (high - low > 1) {
        i128 mid = low + (high - low) / 2;
        if (within(c, a, p, how, mid, units))
            low = mid;
        else
            high = mid;
    }
    return low;
}

static void flow(struct settlement *t, enum party party, unsigned instrument, i256 amount)
{
    if (i256_sign(amount) != 0)
        t->flow[t->n++] = (struct flow){(uint8_t)party, (int32_t)instrument, amount};
}

// The position changes by that; *by comes from, or goes to, a party, and the rule's rounding to the pool.
static void apply(const struct cascade *c, const struct account *a, struct position *p, enum change how,
                  i128 by, enum party party, i256 tokens, struct settlement *t)
{
    i256 was = holding(c, a, p);
    *p = changed(p, how, by);
    i256 gains = i256_sub(holding(c, a, p), was);
    flow(t, PARTY_ACCOUNT, p->instrument, gains);
    flow(t, party, p->instrument, tokens);
    flow(t, PARTY_POOL, p->instrument, i256_neg(i256_add(gains, tokens)));
}

static void drop_empty(struct account *a)
{
    unsigned n = 0;
    for (unsigned k = 0; k < a->n_positions; k++)
        if (a->position[k].supply != 0 || a->position[k].debt != 0 || a->position[k].size != 0)
            a->position[n++] = a->position[k];
    memset(&a->position[n], 0, (size_t)(a->n_positions - n) * sizeof a->position[0]);
    a->n_positions = (uint16_t)n;
}

// Its position in an instrument, or a new one in its place by instrument; NULL: no room.
static struct position *held(struct account *a, unsigned instrument)
{
    unsigned k = 0;
    while (k < a->n_positions && a->position[k].instrument < instrument)
        k++;
    if (k < a->n_positions && a->position[k].instrument == instrument)
        return &a->position[k];
    if (a->n_positions == ACCOUNT_POSITIONS_MAX)
        return NULL;
    memmove(&a->position[k + 1], &a->position[k], (a->n_positions - k) * sizeof a->position[0]);
    a->n_positions++;
    a->position[k] = (struct position){.instrument = (uint16_t)instrument, .collateral = true};
    return &a->position[k];
}

bool credit_give(struct cascade *c, size_t i, unsigned instrument, i256 units)
{
    struct account after;
    struct settlement t = {0};
    struct err e;
    struct account *a = &c->b->account[i];
    account_copy(&after, a);
    struct position *p = held(&after, instrument);
    if (!p)
        return false;
    i128 by = worth_at_most(c, a, p, SUPPLY_UP, (i128)1 << GIVE_BITS, units);
    apply(c, a, p, SUPPLY_UP, by, PARTY_LIQUIDATOR, i256_neg(units), &t);
    drop_empty(&after);
    if (account_validate(&c->b->market, &after, &e) != 0 || !cascade_add_flows(c, a, &t))
        return false;
    account_copy(a, &after);
    boxes_place(c, i);
    return true;
}

bool discounted(const struct cascade *c, const struct account *a)
{
    const struct borrowing *b = a->rule->borrowing;
    return c->s->discount_bps && a->rule->holding && b && !b->perps && !b->paid;
}

// The collateral, and the debt, worth most: what the call names.
struct pair {
    struct position *debt, *coll; // coll NULL: none
    i256 owed, has, debt_worth, coll_worth;
};

static bool pair_of(const struct cascade *c, struct account *a, struct pair *x)
{
    *x = (struct pair){0};
    for (unsigned k = 0; k < a->n_positions; k++) {
        struct position *p = &a->position[k], only = *p;
        only.debt = 0;
        i256 has = holding(c, a, &only), owed = i256_sub(has, holding(c, a, p));
        i256 coll = i256_from_i128(money_of_tokens(c, p->instrument, has, false));
        i256 debt = i256_from_i128(money_of_tokens(c, p->instrument, owed, true));
        if (p->debt && (!x->debt || i256_cmp(debt, x->debt_worth) > 0)) {
            x->debt = p;
            x->owed = owed;
            x->debt_worth = debt;
        }
        if (p->supply && p->collateral && (!x->coll || i256_cmp(coll, x->coll_worth) > 0)) {
            x->coll = p;
            x->has = has;
            x->coll_worth = coll;
        }
    }
    return x->debt != NULL;
}

static struct discount_out quote(const struct cascade *c, const struct account *a, const struct pair *x,
                                 unsigned halvings, struct checked *ck)
{
    struct health h;
    a->rule->health(&c->b->market, a, c->px, &h);
    u256 worth = as_u256(x->debt_worth);
    const struct discount d = {// Health is the whole account's; the contract's accounts have one debt.
                               .adjusted = ck_full_div(ck, as_u256(h.equity), worth, as_u256(h.requirement)),
                               .liability_value = worth,
                               .liability = as_u256(x->owed),
                               .collateral_value = as_u256(x->coll_worth),
                               .balance = as_u256(x->has),
                               .most = c->s->discount_bps};
    struct discount_out all = discount_most(ck, &d);
    return halvings ? discount_part(ck, &d, u256_shr(all.repay, halvings)) : all;
}

// Of the debts of an account that nothing stands for any more, whose is the loss.
static void write_off(const struct cascade *c, struct account *a, struct settlement *t)
{
    for (unsigned k = 0; k < a->n_positions; k++)
        if (a->position[k].supply && a->position[k].collateral)
            return;
    for (unsigned k = 0; k < a->n_positions; k++) {
        struct position *p = &a->position[k], only = *p;
        only.debt = 0;
        i256 owed = i256_sub(holding(c, a, &only), holding(c, a, p));
        apply(c, a, p, DEBT_DOWN, p->debt, PARTY_DEFICIT, i256_neg(owed), t);
    }
}

int discount_settle(const struct cascade *c, struct account *a, unsigned halvings, struct settlement *t)
{
    struct checked ck = {NULL};
    struct pair x;
    t->n = 0;
    if (!pair_of(c, a, &x))
        return -1;
    struct discount_out o = quote(c, a, &x, halvings, &ck);
    i256 repay = as_i256(o.repay), yield = as_i256(o.yield);
    if (!ck_ok(&ck) || !o.violation || (halvings && i256_sign(repay) == 0))
        return -1;
    i128 debt = x.debt->debt;
    if (i256_cmp(repay, x.owed) < 0)
        debt = worth_at_most(c, a, x.debt, DEBT_DOWN, debt, repay);
    apply(c, a, x.debt, DEBT_DOWN, debt, PARTY_LIQUIDATOR, i256_neg(repay), t);
    if (i256_sign(yield) > 0) {
        i128 all = x.coll->supply, by = all;
        if (i256_cmp(yield, x.has) < 0) // upwards: no unit of it is the account's any more
            by = econ_min(
                all, 1 + worth_at_most(c, a, x.coll, SUPPLY_DOWN, all, i256_sub(yield, i256_from_i64(1))));
        apply(c, a, x.coll, SUPPLY_DOWN, by, PARTY_LIQUIDATOR, yield, t);
    }
    write_off(c, a, t);
    drop_empty(a);
    return 0;
}

void discount_note(struct cascade *c, const struct account *a, const struct settlement *t, i128 repaid)
{
    if (!discounted(c, a))
        return;
    c->discounts.takes++;
    c->discounts.repaid += repaid;
    for (unsigned k = 0; k < t->n; k++)
        if (t->flow[k].party == PARTY_LIQUIDATOR && i256_sign(t->flow[k].amount) > 0)
            c->discounts.received +=
                money_of_tokens(c, (unsigned)t->flow[k].instrument, t->flow[k].amount, false);
}

void discount_result(const struct cascade *c, struct lab_result *r)
{
    const struct cascade_discounts *d = &c->discounts;
    if (c->s->discount_bps == 0)
        return;
    lab_fact(r, LAB_AUCTIONS, "Taken at a discount", "loans or parts, each when it paid", "%u", d->takes);
    lab_fact(r, LAB_AUCTIONS, "Repaid at a discount", "units of account", "%.2f",
             (double)d->repaid / (double)SCENARIO_MONEY);
    lab_fact(r, LAB_AUCTIONS, "Discount given", "of what was received, at the marks", "%.2f %%",
             d->received > 0 ? 100.0 * (double)(d->received - d->repaid) / (double)d->received : 0.0);
}
