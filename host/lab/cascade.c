// SPDX-License-Identifier: Apache-2.0
#include "lab/cascade.h"

#include <stdlib.h>
#include <string.h>

#include "lab/cascade_inside.h"

enum {
    COOLDOWN_S = 30,
    PART_ABOVE = 100000 /* units of account; as staged_hyperliquid */,
    ROUNDS_MAX = 10000
};

// ---- begin and end

static void begin_flows(struct cascade *c)
{
    const struct market *m = &c->b->market;
    for (size_t i = 0; i < c->b->n_accounts; i++) {
        const struct account *a = &c->b->account[i];
        int cur = currency_of(m, a->currency);
        if (cur >= 0)
            c->cash[cur].start = i256_add(c->cash[cur].start, account_cash(m, a));
        for (unsigned k = 0; a->rule->holding && k < a->n_positions; k++) {
            if (m->instrument[a->position[k].instrument].kind != INST_RESERVE)
                continue;
            i256 *start = &c->flows[a->position[k].instrument].start;
            *start = i256_add(*start, a->rule->holding(m, &a->position[k]));
        }
    }
}

static void begin_policy(struct cascade *c)
{
    if (c->s->policy == POLICY_STAGED)
        c->staged = (struct staged_rule){.part_ppm = c->s->close_ppm,
                                         .part_above = (i128)PART_ABOVE * SCENARIO_MONEY,
                                         .cooldown = COOLDOWN_S,
                                         .rest = REST_AFTER,
                                         .backstop_num = staged_hyperliquid.backstop_num,
                                         .backstop_den = staged_hyperliquid.backstop_den};
    c->fund = (struct fund){.balance = c->s->fund,
                            .floor = c->s->fund_floor,
                            .quota = FUND_NO_QUOTA,
                            .whole = c->s->waterfall->each_fill};
}

struct cascade *cascade_open(const struct lab_scenario *s, struct book *b, const int64_t *start,
                             struct err *e)
{
    struct cascade *c = calloc(1, sizeof *c);
    size_t n = b->n_accounts + 1;
    if (c) {
        c->s = s;
        c->b = b;
        c->state = calloc(n, sizeof *c->state);
        c->queue = calloc(n, sizeof *c->queue);
        c->was = calloc(n, sizeof *c->was);
        c->view = calloc(n, sizeof *c->view);
        c->holder = calloc(n, sizeof *c->holder);
        c->rank = calloc(n, sizeof *c->rank);
        c->share = calloc(2 * n, sizeof *c->share);
        c->steps = calloc((size_t)s->steps + 1, sizeof *c->steps);
    }
    if (!c || !c->state || !c->queue || !c->was || !c->view || !c->holder || !c->rank || !c->share ||
        !c->steps) {
        cascade_close(c);
        (void)err_set(e, "out of memory for %zu accounts", b->n_accounts);
        return NULL;
    }
    memcpy(c->start, start, b->market.n_assets * sizeof *start);
    memcpy(c->px, start, b->market.n_assets * sizeof *start);
    if (market_begin(c, e) != 0) {
        cascade_close(c);
        return NULL;
    }
    for (unsigned k = 0; k < s->n_coins; k++)
        c->outside[k] = s->coin[k].factor[0];
    c->burst_from = b->n_accounts - (s->burst_events < b->n_accounts ? s->burst_events : b->n_accounts);
    begin_policy(c);
    begin_flows(c);
    market_prices(c);
    boxes_begin(c);
    return c;
}

void cascade_close(struct cascade *c)
{
    if (!c)
        return;
    free(c->state);
    free(c->queue);
    free(c->was);
    free(c->view);
    free(c->holder);
    free(c->rank);
    free(c->share);
    free(c->steps);
    free(c->lot);
    free(c);
}

// ---- who breaches

static i128 notional(const struct cascade *c, const struct account *a)
{
    i128 sum = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &c->b->market.instrument[p->instrument];
        i256 size = i256_abs(i256_from_i128(p->size));
        if (in->kind == INST_LINEAR)
            sum += money_of_tokens(c, p->instrument, size, false);
        else if (in->kind == INST_INVERSE) // sized in the quote currency
            sum += i256_to_i128(i256_div10_floor(i256_mul_i64(size, SCENARIO_MONEY), in->size_decimals));
    }
    return sum;
}

static void look(const struct cascade *c, const struct account *a, struct staged_view *v)
{
    cascade_look(c, a, v);
    if (c->s->policy == POLICY_STAGED)
        v->notional = notional(c, a);
}

static uint64_t now(const struct cascade *c)
{
    return c->s->horizon_s * c->step / c->s->steps;
}

// Every account that no box keeps from it is looked at; those whose state asks for an order join the queue.
static uint32_t ask(struct cascade *c)
{
    uint32_t asked = 0;
    for (size_t i = 0; i < c->b->n_accounts; i++) {
        struct cascade_account *s = &c->state[i];
        struct staged_view v;
        struct staged_out out;
        if (s->tier != TIER_HOT) {
            c->sum.skipped++;
            continue;
        }
        if (i >= c->burst_from && c->step < c->s->burst_at)
            continue;
        if (s->asked || s->failed || s->orders >= ORDERS_A_STEP)
            continue;
        c->sum.evaluations++;
        look(c, &c->b->account[i], &v);
        staged_step(&s->staged, &c->staged, &v, now(c), &out);
        if (!out.order)
            continue;
        s->asked = true;
        s->due = c->step + c->s->keeper.latency;
        c->queue[c->n_queue++] = (uint32_t)i;
        asked++;
    }
    return asked;
}

// ---- execution

struct result {
    i128 keeper, value, slippage, unsold;
};

bool cascade_absent(const struct cascade *c)
{
    const struct scenario_keeper *k = &c->s->keeper;
    return k->absent_from <= c->step && c->step < k->absent_to;
}

i128 cascade_gas(const struct cascade *c)
{
    const struct scenario_keeper *k = &c->s->keeper;
    return k->spike_from <= c->step && c->step < k->spike_to ? k->spike_gas : k->gas;
}

// What the keeper has taken over goes into the depth, but for leg `held`, which is deleveraged.
static void sell_legs(struct cascade *c, const struct account *a, const struct order_size *o, unsigned held,
                      i128 net[SCENARIO_COINS_MAX], struct result *r)
{
    for (unsigned i = 0; i < o->n; i++) {
        i128 size = 0, fair = 0, unsold = 0;
        for (unsigned k = 0; k < a->n_positions; k++)
            if (a->position[k].instrument == o->leg[i].instrument)
                size = a->position[k].size;
        i256 qty = i256_from_i128(size < 0 ? -o->leg[i].qty : o->leg[i].qty);
        if (i == held)
            continue;
        i128 gain = market_trade(c, net, o->leg[i].instrument, qty, &fair, &unsold);
        r->slippage += fair - gain;
        r->keeper += gain - fair;
        r->unsold += unsold;
    }
}

static i128 leg_money(const struct cascade *c, const struct order_leg *l)
{
    const struct instrument *in = &c->b->market.instrument[l->instrument];
    i256 qty = i256_from_i128(l->qty);
    if (in->kind == INST_INVERSE)
        return i256_to_i128(i256_div10_floor(i256_mul_i64(qty, SCENARIO_MONEY), in->size_decimals));
    return money_of_tokens(c, l->instrument, qty, false);
}

// The keeper's money in a settlement: cash, and tokens sold or bought.
static void settle_keeper(struct cascade *c, const struct account *a, const struct settlement *t,
                          i128 net[SCENARIO_COINS_MAX], struct result *r)
{
    for (unsigned i = 0; i < t->n; i++) {
        const struct flow *f = &t->flow[i];
        i128 fair = 0, unsold = 0;
        if (f->party != PARTY_LIQUIDATOR)
            continue;
        if (f->instrument < 0) {
            r->keeper += money_of_cash(c, currency_of(&c->b->market, a->currency), f->amount, false);
            continue;
        }
        if (c->s->clip.cut_ppm && i256_sign(f->amount) > 0 && !c->b->market.instrument[f->instrument].n_tiers)
            continue; // for sale by auction
        i128 gain = market_trade(c, net, (unsigned)f->instrument, f->amount, &fair, &unsold);
        r->keeper += gain;
        r->slippage += fair - gain;
        r->unsold += unsold;
        if (i256_sign(f->amount) < 0)
            r->value += money_of_tokens(c, (unsigned)f->instrument, i256_neg(f->amount), false);
    }
}

// The collateral of a loan goes on auction to raise what its debt has cost, by value where it is of several
// tokens; what no auction takes is sold at once. The auctions' house pays that cost.
static void auction_legs(struct cascade *c, size_t i, const struct settlement *t, struct result *r)
{
    i128 tab = -r->keeper, all = 0, upto = 0, given = 0;
    r->keeper = 0;
    for (int pass = 0; pass < 2; pass++)
        for (unsigned k = 0; k < t->n; k++) {
            const struct flow *f = &t->flow[k];
            i128 fair = 0, unsold = 0;
            if (f->party != PARTY_LIQUIDATOR || f->instrument < 0 || i256_sign(f->amount) <= 0)
                continue;
            i128 worth = money_of_tokens(c, (unsigned)f->instrument, f->amount, false);
            all += pass ? 0 : worth;
            if (pass == 0)
                continue;
            upto += worth;
            i128 part = (all > 0 ? econ_part_floor(tab, upto, all) : tab) - given;
            given += part;
            if (clip_begin(c, i, (unsigned)f->instrument, f->amount, part))
                continue;
            r->keeper += market_trade(c, c->net, (unsigned)f->instrument, f->amount, &fair, &unsold) - part;
            r->unsold += unsold;
        }
}

static i128 deficit_of(const struct settlement *t)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->flow[i].party == PARTY_DEFICIT && t->flow[i].instrument < 0)
            return -i256_to_i128(t->flow[i].amount);
    return 0;
}

// The deficit of a settlement, and of perpetuals the side that the market does not get.
static void take_losses(struct cascade *c, size_t who, const struct order_size *o, const struct settlement *t,
                        unsigned held)
{
    const struct account *a = &c->b->account[who];
    for (unsigned i = 0; i < t->n; i++) {
        const struct flow *f = &t->flow[i];
        int cur = currency_of(&c->b->market, a->currency);
        if (f->party != PARTY_DEFICIT || i256_sign(f->amount) >= 0)
            continue;
        i256 owed = i256_neg(f->amount);
        if (f->instrument >= 0) {
            loss_book(c, money_of_tokens(c, (unsigned)f->instrument, owed, true));
        } else if (c->b->market.instrument[cur].kind != INST_LINEAR) {
            loss_book(c, money_of_cash(c, cur, owed, true));
        } else {
            i128 left = 0;
            loss_take(c, (unsigned)cur, i256_to_i128(owed), &left);
            if (!loss_later(c, who, &o->leg[held], left))
                c->sum.booked += left * money_a_quantum(&c->b->market, (unsigned)cur);
        }
    }
}

static void commit(struct cascade *c, size_t i, const struct settlement *t, const struct result *r)
{
    struct cascade_account *s = &c->state[i];
    struct cascade_step *now_step = &c->steps[c->step];
    struct account *a = &c->b->account[i];
    (void)cascade_add_flows(c, a, t);
    for (unsigned k = 0; c->s->fund_fees && k < t->n; k++)
        if (t->flow[k].party == PARTY_VENUE && t->flow[k].instrument < 0) {
            i128 fee = money_of_cash(c, currency_of(&c->b->market, a->currency), t->flow[k].amount, false);
            fund_add(&c->fund, fee);
            c->sum.fees_in += fee;
        }
    c->sum.executed++;
    c->sum.value += r->value;
    c->sum.slippage += r->slippage;
    c->sum.keeper += r->keeper;
    c->sum.unsold += r->unsold;
    discount_note(c, a, t, r->value);
    now_step->executed++;
    now_step->value += r->value;
    if (c->each)
        c->each(c->ctx, &(struct cascade_event){c->step, c->round, a->id, (uint8_t)s->staged.at, r->value,
                                                r->keeper, 0});
}

// A settlement is a transition too: whoever is still below the line asks anew. A part of a staged liquidation
// waits for its cooldown instead.
static void settled(struct cascade *c, size_t i)
{
    struct cascade_account *s = &c->state[i];
    struct staged_view v;
    struct staged_out out;
    s->asked = false;
    s->orders++;
    if (s->staged.at != STAGED_PARTIAL)
        s->staged.at = STAGED_WARNED;
    if (c->b->account[i].n_positions == 0) {
        look(c, &c->b->account[i], &v);
        staged_step(&s->staged, &c->staged, &v, now(c), &out);
    }
    boxes_place(c, i);
}

enum executed { EXECUTED, UNPAID, REFUSED };

// An order as it would be executed now.
struct trial {
    struct account after;
    struct settlement t;
    struct order_size o; // none of a discount
    struct result r;
    i128 net[SCENARIO_COINS_MAX];
    unsigned held; // the leg that is deleveraged; o.n: none
    bool auction;  // the collateral is for sale by auction, whose start pays for itself
};

// halvings: of a discount's order, what part of the most. 0, or -1: the rule refuses it.
static int try_order(struct cascade *c, size_t i, unsigned halvings, struct trial *x)
{
    const struct account *a = &c->b->account[i];
    const enum staged_at at = c->state[i].staged.at;
    memcpy(x->net, c->net, sizeof x->net);
    account_copy(&x->after, a);
    x->r = (struct result){0};
    x->o.n = 0;
    x->held = 0;
    x->auction = false;
    if (discounted(c, a)) {
        if (discount_settle(c, &x->after, halvings, &x->t) != 0)
            return -1;
        settle_keeper(c, a, &x->t, x->net, &x->r);
        return 0;
    }
    if (cascade_size(c, a, at, &x->o) != 0 ||
        a->rule->settle(&c->b->market, &x->after, c->px, x->o.leg, x->o.n, &x->t, NULL) != 0)
        return -1;
    const struct order_size *o = &x->o;
    bool perp = cascade_of_perps(c, a, o);
    unsigned largest = 0;
    for (unsigned k = 1; perp && k < o->n; k++)
        if (leg_money(c, &o->leg[k]) > leg_money(c, &o->leg[largest]))
            largest = k;
    bool hold = perp && deficit_of(&x->t) > 0 &&
                c->b->market.instrument[o->leg[largest].instrument].kind == INST_LINEAR;
    x->held = hold ? largest : o->n;
    settle_keeper(c, a, &x->t, x->net, &x->r);
    for (unsigned k = 0; perp && k < o->n; k++)
        x->r.value += leg_money(c, &o->leg[k]);
    if (perp && at != STAGED_BACKSTOP) // which keeps what it takes over
        sell_legs(c, a, o, x->held, x->net, &x->r);
    x->auction = !perp && c->s->clip.cut_ppm;
    return 0;
}

// All at once; at a discount as much as pays, by halving.
static enum executed execute(struct cascade *c, size_t i)
{
    static struct trial x;
    struct account *a = &c->b->account[i];
    const bool discount = discounted(c, a), must = c->s->keeper.must_pay || discount;
    for (unsigned k = 0; k < (discount ? HALVINGS : 1); k++) {
        if (try_order(c, i, k, &x) != 0)
            return k ? UNPAID : REFUSED;
        if (must && !x.auction && x.r.keeper <= cascade_gas(c))
            continue;
        memcpy(c->net, x.net, sizeof x.net);
        if (x.auction)
            auction_legs(c, i, &x.t, &x.r);
        x.r.keeper -= cascade_gas(c);
        commit(c, i, &x.t, &x.r);
        take_losses(c, i, &x.o, &x.t, x.held < x.o.n ? x.held : 0);
        account_copy(a, &x.after);
        memset(&a->position[a->n_positions], 0,
               (ACCOUNT_POSITIONS_MAX - a->n_positions) * sizeof *a->position);
        settled(c, i);
        return EXECUTED;
    }
    return UNPAID;
}

// One order of the queue: true when it leaves it.
static bool serve(struct cascade *c, size_t i)
{
    struct cascade_account *s = &c->state[i];
    struct cascade_step *st = &c->steps[c->step];
    struct staged_view v;
    struct staged_out out;
    look(c, &c->b->account[i], &v);
    if (v.value >= v.need) {
        staged_step(&s->staged, &c->staged, &v, now(c), &out);
        s->asked = false;
        st->recovered++;
        c->sum.recovered++;
        return true;
    }
    // What has become worse in the queue is liquidated as what it is now.
    staged_step(&s->staged, &c->staged, &v, now(c), &out);
    s->tried = c->step + 1;
    enum executed x = execute(c, i);
    st->unpaid += x == UNPAID;
    c->sum.unpaid += x == UNPAID;
    if (x == REFUSED) {
        s->failed = true;
        s->asked = false;
        st->refused++;
        c->sum.refused++;
    }
    return x != UNPAID;
}

static uint32_t serve_queue(struct cascade *c, uint64_t *budget)
{
    uint32_t before = c->steps[c->step].executed;
    size_t kept = 0, n = c->n_queue;
    for (size_t k = 0; k < n; k++) {
        uint32_t i = c->queue[k];
        const struct cascade_account *s = &c->state[i];
        bool try = *budget > 0 && !cascade_absent(c) && s->due <= c->step && s->tried != c->step + 1;
        uint32_t had = c->steps[c->step].executed;
        bool gone = try && serve(c, i);
        *budget -= c->steps[c->step].executed - had;
        if (!gone)
            c->queue[kept++] = i;
    }
    c->n_queue = kept;
    return c->steps[c->step].executed - before;
}

// ---- steps

static void run_step(struct cascade *c)
{
    struct cascade_step *st = &c->steps[c->step];
    memcpy(c->prior, c->px, sizeof c->prior);
    uint64_t budget = c->s->keeper.orders ? c->s->keeper.orders : UINT64_MAX;
    for (unsigned k = 0; k < c->s->n_coins; k++) {
        c->net[k] = c->step ? curve_decay(&c->s->coin[k].depth, c->net[k]) : 0;
        c->outside[k] = c->s->coin[k].factor[c->step];
    }
    for (size_t i = 0; i < c->b->n_accounts; i++)
        c->state[i].orders = 0;
    if (c->n_lots) {
        market_prices(c);
        clip_step(c);
    }
    for (c->round = 0; c->round < ROUNDS_MAX; c->round++) {
        market_prices(c);
        boxes_follow(c);
        uint32_t asked = ask(c);
        st->breached += asked;
        st->burst += c->round == 0 ? asked : 0;
        st->rounds++;
        uint32_t done = serve_queue(c, &budget);
        loss_round_end(c);
        if (done == 0 && asked == 0)
            break;
    }
    reduce_step(c);
    market_prices(c);
    boxes_follow(c);
    memcpy(st->outside, c->outside, sizeof st->outside);
    memcpy(st->mark, c->mark, sizeof st->mark);
    memcpy(st->net, c->net, sizeof st->net);
    st->waiting = (uint32_t)c->n_queue;
    st->fund = c->fund.balance;
    st->deficit = c->sum.booked;
    c->sum.fund = c->fund.balance;
    c->sum.breached += st->breached;
    if (st->burst > c->sum.most_at_once) {
        c->sum.most_at_once = st->burst;
        c->sum.most_step = c->step;
    }
}

int cascade_run(struct cascade *c, const struct progress *p, struct err *e)
{
    for (c->step = 0; c->step <= c->s->steps; c->step++) {
        if (progress_step(p, "steps", c->step, c->step, c->s->steps, e) != 0)
            return -1;
        run_step(c);
    }
    return 0;
}

const struct cascade_step *cascade_steps(const struct cascade *c)
{
    return c->steps;
}

const struct cascade_totals *cascade_sums(const struct cascade *c)
{
    return &c->sum;
}

void cascade_watch(struct cascade *c, void (*each)(void *ctx, const struct cascade_event *e), void *ctx)
{
    c->each = each;
    c->ctx = ctx;
}
