// SPDX-License-Identifier: Apache-2.0
// worth_best: the best size of each pair, then the best pair. The rule itself says what a size moves (settle
// on a copy), so nothing here knows a protocol. For an amount a of debt the rule seizes rho a collateral, but
// for rounding by at most WORTH_ROUNDING units; the profit before gas, F(rho a) - (1 + premium) a, is
// concave. Its top is where the venue's price falls to the cost of a unit of collateral (upto); the rule
// allows [.., edge] and perhaps `all` beyond a gap that would leave dust. docs/worth.md has the proofs.
#include "exec/exit/worth.h"

#include <stddef.h>
#include <string.h>

enum { BPS_DIGITS = 4 };
static const i128 ALL = INT64_MAX * (i128)INT64_MAX; // beyond any debt of EXIT_AMOUNT_BITS

struct call { // one pair
    const struct worth_params *p;
    enum worth_way way;
    const struct worth_gas *gas;
    const struct market *m;
    const struct account *a;
    const int64_t *px;
    const struct exit_venue *v;
    uint16_t debt, coll;
    struct worth_token debt_token, coll_token;
    struct worth_amounts all; // the largest legal call: gives the rate
    struct worth *best;       // of this pair so far
    i256 net;                 // its debt units: out - paid - premium
    bool found;
};

struct start { // where to look around
    i128 qty;
    u128 got;
    bool last; // nothing larger is legal next to it
};

bool worth_call(const struct market *m, const struct account *a, const int64_t *px, uint16_t debt,
                uint16_t coll, i128 qty, struct worth_amounts *x)
{
    struct account copy;
    struct settlement s;
    size_t used = offsetof(struct account, position) + a->n_positions * sizeof a->position[0];
    memcpy(&copy, a, used);
    struct order_leg leg[2] = {{.instrument = debt, .qty = qty}, {.instrument = coll, .qty = 0}};
    if (qty <= 0 || a->rule->settle(m, &copy, px, leg, 2, &s, NULL))
        return false;
    *x = (struct worth_amounts){0, 0, 0};
    for (unsigned i = 0; i < s.n; i++) {
        const struct flow *f = &s.flow[i];
        i256 v = i256_abs(f->amount);
        if (i256_bits(v) > EXIT_AMOUNT_BITS)
            return false;
        bool in = i256_sign(f->amount) > 0;
        if (f->party == PARTY_LIQUIDATOR && f->instrument == debt && !in)
            x->paid = i256_lo(v);
        else if (f->party == PARTY_LIQUIDATOR && f->instrument == coll && in)
            x->got = i256_lo(v);
        else if (f->party == PARTY_VENUE && f->instrument == coll)
            x->fee = i256_lo(v);
    }
    return x->paid != 0 && x->got != 0;
}

static bool ask(const struct call *c, i128 qty, struct worth_amounts *x)
{
    return worth_call(c->m, c->a, c->px, c->debt, c->coll, qty, x);
}

static u128 premium(const struct call *c, u128 paid)
{
    i256 x = i256_mul_i64(i256_from_u128(paid), c->p->way[c->way].premium_bps);
    return i256_lo(i256_div10_ceil(x, BPS_DIGITS));
}

static i256 minus(u128 a, u128 b)
{
    return i256_sub(i256_from_u128(a), i256_from_u128(b));
}

static void consider(struct call *c, i128 qty, const struct worth_amounts *x)
{
    i256 net = minus(c->v->out(c->v, x->got), x->paid + premium(c, x->paid));
    if (c->found && i256_cmp(net, c->net) <= 0)
        return;
    c->found = true;
    c->net = net;
    c->best->x = *x;
    c->best->qty = qty;
}

// No amount on the far side of this one, seen from the best, nets more than this.
static i256 bound(const struct call *c, const struct worth_amounts *x)
{
    u128 most = c->v->out(c->v, x->got + 2 * WORTH_ROUNDING) + c->v->slop;
    u128 pre = premium(c, x->paid);
    return minus(most, x->paid + pre - (pre > 0));
}

// a num / den of amounts, rounded up.
static u128 times(u128 a, u128 num, u128 den)
{
    return i256_lo(i256_div_ceil(i256_mul_u128(a, num), i256_from_u128(den)));
}

// The least amount of debt for which the rule gives q or more, by the rate and then by asking: the rounding
// moves it by little. What is refused below the guess is too small, what is refused above it gives enough.
static i128 least_for(const struct call *c, u128 q, struct worth_amounts *x, bool *legal)
{
    u128 guess = times(q, c->all.paid, c->all.got), off = times(WORTH_ROUNDING, c->all.paid, c->all.got) + 1;
    u128 lo = guess > off ? guess - off : 0, hi = guess + off; // lo gives less, hi enough
    while (hi - lo > 1) {
        u128 mid = lo + (hi - lo) / 2;
        bool enough = ask(c, (i128)mid, x) ? x->got >= q : mid >= guess;
        *(enough ? &hi : &lo) = mid;
    }
    *legal = ask(c, (i128)hi, x);
    return (i128)hi;
}

// The largest legal amount below `refused`; false when there is none.
static bool edge(const struct call *c, i128 refused, i128 *qty, struct worth_amounts *x)
{
    i128 hi = refused, lo = refused / 2;
    while (lo > 0 && !ask(c, lo, x)) {
        hi = lo;
        lo /= 2;
    }
    if (lo == 0)
        return false;
    while (hi - lo > 1) {
        i128 mid = lo + (hi - lo) / 2;
        *(ask(c, mid, x) ? &lo : &hi) = mid;
    }
    *qty = lo;
    return ask(c, lo, x);
}

// The i-th amount beside `from` that gives something else: by units of debt where these are the finer, else
// by what gives a unit of collateral less or more, the least that gives as much included. False where that
// is refused; *next is 0 where there is nothing.
static bool neighbour(const struct call *c, const struct start *from, int i, i128 *next,
                      struct worth_amounts *x)
{
    bool legal = false;
    *next = 0;
    if (c->all.got >= c->all.paid) {
        i128 qty = from->qty + i;
        if (qty > 0 && qty < (i128)c->all.paid)
            *next = qty;
        return ask(c, *next, x);
    }
    i128 q = (i128)from->got + i + (i < 0);
    if (q > 0 && q <= (i128)c->all.got)
        *next = least_for(c, (u128)q, x, &legal);
    return legal;
}

// Tries what lies around until nothing beyond can be better. Returns whether that is so on both sides.
static bool look_around(struct call *c, const struct start *from)
{
    bool over[2] = {false, from->last};
    for (int i = 1; i <= c->p->scan && !(over[0] && over[1]); i++) {
        for (int side = 0; side < 2; side++) {
            struct worth_amounts x;
            i128 next = 0;
            if (over[side])
                continue;
            if (neighbour(c, from, side ? i : -i, &next, &x)) {
                consider(c, next, &x);
                over[side] = i256_cmp(bound(c, &x), c->net) <= 0;
            } else {
                over[side] = next == 0;
            }
        }
    }
    return over[0] && over[1];
}

static void value(const struct call *c, const struct worth_amounts *x, struct worth *w)
{
    worth_value(c->p, c->way, c->gas, &c->debt_token, &c->coll_token, c->v, x, w);
}

// Would it be worth it to sell q? As the rate has it: the rule refuses the size.
static bool dust_hides(const struct call *c, u128 q)
{
    struct worth_amounts x = {.paid = times(q, c->all.paid, c->all.got), .got = q};
    struct worth w;
    value(c, &x, &w);
    return w.reason == WORTH_YES;
}

// The largest legal call and, where the rule refuses to have everything repaid, what it refuses nearest
// above.
static bool largest(struct call *c, i128 debt, struct start *at, bool *all)
{
    *all = ask(c, ALL, &c->all);
    at->last = true;
    at->qty = ALL;
    if (!*all) {
        while (debt < ALL / 2 && ask(c, debt, &c->all))
            debt *= 2;
        if (!edge(c, debt, &at->qty, &c->all))
            return false;
    }
    consider(c, at->qty, &c->all);
    at->qty = (i128)c->all.paid;
    at->got = c->all.got;
    return true;
}

// The top of the concave profit, q units sold, where it lies below the largest call. Returns whether the rule
// lets it be; what is let below is considered too.
static bool inner(struct call *c, u128 q, bool all, struct start *at)
{
    struct worth_amounts x;
    bool legal;
    *at = (struct start){.got = q};
    at->qty = least_for(c, q, &x, &legal);
    if (legal) {
        consider(c, at->qty, &x);
        at->got = x.got;
    } else if (all && edge(c, at->qty, &at->qty, &x)) {
        consider(c, at->qty, &x);
        at->got = x.got;
        at->last = true;
    }
    return legal;
}

// The best size of a pair; false when the rule lets none. debt: of the position, scaled.
static bool best_size(struct call *c, i128 debt)
{
    struct start top, at;
    bool all;
    if (!largest(c, debt, &top, &all))
        return false;
    at = top;
    struct exit_rate cost = exit_rate_of(c->all.paid + premium(c, c->all.paid), c->all.got);
    u128 q = c->v->upto(c->v, cost), refused = 0;
    if (q >= c->all.got && !all) {
        u128 most = times((u128)debt, c->all.got, c->all.paid);
        refused = q < most ? q : most;
    } else if (q < c->all.got && !inner(c, q > 0 ? q : 1, all, &at)) {
        refused = q;
    }
    bool sure = look_around(c, &at);
    if (refused != 0 && all) // on the other side of what leaves dust
        sure = look_around(c, &top) && sure;
    struct worth w;
    value(c, &c->best->x, &w);
    i256 slack = i256_sub(bound(c, &c->best->x), c->net);
    if (q == 0 && w.reason != WORTH_YES) { // no amount gains by itself: show the largest, which says why
        value(c, &c->all, &w);
        c->best->qty = all ? ALL : (i128)c->all.paid;
    }
    w.debt = c->debt;
    w.coll = c->coll;
    w.qty = c->best->qty;
    w.full = w.qty == ALL;
    w.slack = sure ? 0 : i256_lo(slack);
    if (w.reason != WORTH_YES && refused != 0 && dust_hides(c, refused))
        w.reason = WORTH_DUST;
    *c->best = w;
    return true;
}

struct worth_token worth_token_of(const struct market *m, uint16_t i, const int64_t *px)
{
    const struct instrument *in = &m->instrument[i];
    return (struct worth_token){px[in->asset], in->size_decimals, m->asset[in->asset].decimals};
}

// Is y the better one to send, or to report?
static bool better(const struct worth *y, const struct worth *than)
{
    bool a = y->reason == WORTH_YES, b = than->reason == WORTH_YES;
    return a != b ? a : y->expected > than->expected;
}

int worth_best(const struct worth_params *p, enum worth_way way, const struct worth_gas *gas,
               const struct market *m, const struct account *a, const int64_t *px,
               const struct worth_exits *exits, struct worth *out)
{
    *out = (struct worth){.reason = WORTH_NO_PAIR};
    struct call c = {.p = p, .way = way, .gas = gas, .m = m, .a = a, .px = px};
    bool found = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        for (unsigned k = 0; a->position[i].debt != 0 && k < a->n_positions; k++) {
            if (a->position[k].supply == 0 || !a->position[k].collateral)
                continue;
            c.debt = a->position[i].instrument;
            c.coll = a->position[k].instrument;
            c.v = c.debt == c.coll ? &exit_same : exits->find(exits->ctx, c.coll, c.debt);
            if (!c.v) {
                if (!found)
                    out->reason = WORTH_NO_EXIT;
                continue;
            }
            struct worth w;
            c.best = &w;
            c.found = false;
            c.debt_token = worth_token_of(m, c.debt, px);
            c.coll_token = worth_token_of(m, c.coll, px);
            if (!best_size(&c, a->position[i].debt) || (found && !better(&w, out)))
                continue;
            *out = w;
            found = true;
        }
    }
    return out->reason == WORTH_YES ? 0 : -1;
}
