// SPDX-License-Identifier: Apache-2.0
// Lending orders by what they earn. At prepare time worth_best sizes the order and its figures stay beside
// it; at the trigger one settlement on a copy and worth_again's multiplications say whether it still earns
// enough.
#include "accounts/moving.h"
#include "exec/desk_inside.h"
#include "exec/exit/behind.h"
#include "exec/exit/follow.h"

#include <string.h>

#define MIX      UINT64_C(0x9e3779b97f4a7c15)
#define NS_PER_S UINT64_C(1000000000)
enum { PPM = 1000000 };

static int check(const struct desk_worth_config *c, struct worth_params *p, struct err *e)
{
    struct err why;
    if (c->mode > DESK_WORTH_FLASH || c->premium_bps > UINT16_MAX || c->scan > UINT16_MAX)
        return err_set(e, "worth: mode %u, premium %u bps, scan %u: out of range", c->mode, c->premium_bps,
                       c->scan);
    for (unsigned i = 0; i < WORTH_WAYS; i++)
        p->way[i] = (struct worth_cost){c->gas, c->revert_gas, (uint16_t)c->premium_bps};
    p->tip_floor = c->tip_floor;
    p->tip_cap = c->tip_cap;
    p->min_expected = c->min_expected_e8;
    p->scan = (uint16_t)c->scan;
    while (p->n_levels < DESK_LEVELS_MAX && c->level[p->n_levels].win_ppm != 0) {
        p->level[p->n_levels] =
            (struct worth_level){c->level[p->n_levels].share_ppm, c->level[p->n_levels].win_ppm};
        p->n_levels++;
    }
    if (worth_check(p, &why))
        return err_set(e, "worth settings (worth_..., min_profit_e8 with cost_e8): %s", why.msg);
    return 0;
}

int desk_worth_init(struct desk *d, uint32_t room, struct err *e)
{
    const struct desk_config *c = &d->cfg;
    if (c->worth.mode == DESK_WORTH_OFF)
        return 0;
    struct worth_params *p = &d->worth_params;
    if (__builtin_add_overflow(c->min_profit_e8, c->cost_e8, &p->min_profit))
        return err_set(e, "worth: min_profit_e8 and cost_e8 together do not fit");
    if (check(&c->worth, p, e))
        return -1;
    d->way = c->worth.mode == DESK_WORTH_DIRECT ? WORTH_DIRECT : WORTH_FLASH;
    uint32_t n = room < UNWORTHY_MAX / 2 ? 2 * room : UNWORTHY_MAX;
    d->exits = exits_new();
    if (!d->exits || unworthy_init(&d->unworthy, n))
        return err_set(e, "order desk: out of memory for ways out");
    return 0;
}

void desk_worth_free(struct desk *d)
{
    exits_free(d->exits);
    unworthy_free(&d->unworthy);
}

int desk_exits(struct desk *d, const uint8_t *data, size_t n, struct err *e)
{
    if (exits_decode(data, n, &d->told))
        return err_set(e, "ways out: a record of %zu bytes that does not decode", n);
    if (d->exits && exits_take(d->exits, &d->told, d->book->market.n_instruments, e))
        return -1;
    if (d->taken)
        desk_taken_pools(d);
    return 0;
}

// The price of the native coin at px; 0: not known.
static int64_t native_now(const struct desk *d, const int64_t *px)
{
    if (!exits_known(d->exits)) // books alone, and no chain: gas costs nothing
        return desk_wide(d) ? 1 : 0;
    int64_t p = px[d->book->market.instrument[exits_native(d->exits)].asset];
    return p > 0 ? p : 0;
}

static struct worth_gas gas_now(const struct desk *d, const int64_t *px)
{
    return (struct worth_gas){exits_base_fee(d->exits), native_now(d, px)};
}

static void fill_terms(struct desk *d, const struct worth *w, const int64_t *px)
{
    struct worth_token debt = worth_token_of(&d->book->market, w->debt, px);
    // The estimates are of gas after refunds, of accounts with few positions; what is not used costs nothing.
    uint64_t gas = (uint64_t)w->gas * 2;
    d->terms = (struct gateway_terms){.worth_e8 = desk_saturate(i256_from_i128(w->expected)),
                                      .least_profit = worth_units(d->worth_params.min_profit, &debt),
                                      .tip = w->tip,
                                      .gas = gas < UINT32_MAX ? (uint32_t)gas : UINT32_MAX};
    d->terms.n_via = exits_via(d->exits, w->coll, w->debt, d->terms.via);
}

// What the order at work loses in its sale: the worth's own figure, for the order's record.
static void note_slip(struct desk *d, const struct worth *w, u128 got)
{
    d->sale.coll = w->coll;
    d->sale.debt = w->debt;
    d->sale.got = got;
    d->slip_e8 = desk_saturate(i256_from_i128(w->slippage));
    d->slip_known = true;
}

// Ways out that stand at the prices `now` and are asked for at px.
struct ways {
    struct desk *d;
    const int64_t *px, *now;
    bool leaves;
    struct behind behind;
    struct follow follow;
};

static const struct exit_venue *find_way(void *ctx, uint16_t coll, uint16_t debt)
{
    struct ways *w = ctx;
    const struct instrument *in = w->d->book->market.instrument;
    const struct exit_venue *v = desk_way(w->d, coll, debt, w->now);
    uint16_t c = in[coll].asset, b = in[debt].asset;
    if (!v)
        return NULL;
    if (w->leaves)
        v = behind_of(&w->behind, v, desk_way_gone(w->d, coll, debt, w->now));
    return follow_of(&w->follow, v, w->now[c], w->now[b], w->px[c], w->px[b]);
}

// "All" is told as what it comes to and a 16th more, so that a price that moves meanwhile does not make it a
// part: a loan of all that is owed would pay its premium on what the pool then does not take.
static i128 told_qty(const struct worth *w)
{
    return w->full ? (i128)(w->x.paid + (w->x.paid >> 4) + 1) : w->qty;
}

bool desk_worth_size(struct desk *d, const struct account *a, const int64_t *px, const int64_t *now,
                     bool leaves, uint8_t *reason)
{
    const struct market *m = &d->book->market;
    struct worth_gas gas = gas_now(d, px);
    struct worth *w = &d->worth;
    *w = (struct worth){.reason = WORTH_NO_EXIT};
    *reason = exits_known(d->exits) ? UNWORTH_NO_GAS_PRICE : WORTH_NO_EXIT;
    if (gas.native == 0)
        return false;
    struct ways ways = {.d = d, .px = px, .now = now, .leaves = leaves};
    const struct worth_exits exits = {find_way, &ways};
    int rc = worth_best(&d->worth_params, d->way, &gas, m, a, px, &exits, w);
    *reason = (uint8_t)w->reason;
    if (rc)
        return false;
    struct worth_token debt = worth_token_of(m, w->debt, px);
    d->size.full = w->full;
    d->size.n = 2;
    d->size.leg[0] = (struct order_leg){.instrument = w->debt, .qty = told_qty(w)};
    d->size.leg[1] = (struct order_leg){.instrument = w->coll, .qty = 0};
    d->size.value = worth_money(w->x.paid, &debt);
    d->size.reward = i256_from_i128(w->profit);
    note_slip(d, w, w->x.got);
    fill_terms(d, w, px);
    return true;
}

static bool same_way(const struct desk *d, const struct ready *r)
{
    uint16_t via[EXITS_VIA_MAX];
    uint8_t n = exits_via(d->exits, r->worth.coll, r->worth.debt, via);
    return n == r->terms.n_via && memcmp(via, r->terms.via, n * sizeof *via) == 0;
}

bool desk_worth_stale(struct desk *d, const struct ready *r, const int64_t *px)
{
    return r->worth.version != desk_way_version(d, r->worth.coll, r->worth.debt, px) || !same_way(d, r);
}

// The money of a ready order with these amounts by the tip that it has and that tip's chance.
static bool own_value(const struct desk *d, const struct ready *r, const struct worth_gas *gas,
                      const int64_t *px, const struct exit_venue *v, const struct worth_amounts *x,
                      struct worth *out)
{
    struct worth_params p = d->worth_params;
    const struct market *m = &d->book->market;
    struct worth_token debt = worth_token_of(m, r->worth.debt, px);
    struct worth_token coll = worth_token_of(m, r->worth.coll, px);
    p.n_levels = 1;
    p.level[0] = p.level[r->worth.level];
    p.tip_floor = p.tip_cap = r->worth.tip;
    worth_value(&p, d->way, gas, &debt, &coll, v, x, out);
    out->debt = r->worth.debt;
    out->coll = r->worth.coll;
    out->full = r->worth.full;
    out->qty = r->worth.qty;
    out->level = r->worth.level;
    return out->reason == WORTH_YES;
}

bool desk_worth_renew(struct desk *d, const struct account *a, struct ready *r, const int64_t *px,
                      const int64_t *now)
{
    struct ways ways = {.d = d, .px = px, .now = now};
    struct worth_gas gas = gas_now(d, px);
    struct worth_amounts x;
    struct worth w;
    const struct exit_venue *v = find_way(&ways, r->worth.coll, r->worth.debt);
    if (gas.native == 0 || !v || !same_way(d, r) ||
        !worth_call(&d->book->market, a, px, r->worth.debt, r->worth.coll, r->worth.qty, &x) ||
        !own_value(d, r, &gas, px, v, &x, &w) ||
        w.expected * PPM < d->worth.expected * (PPM - (i128)d->cfg.ready_tolerance_ppm))
        return false;
    r->worth = w;
    return true;
}

// The ready order at the trigger. True: it goes, and d->size has its kind, value and reward.
static bool again(struct desk *d, const struct account *a, const struct ready *r, const int64_t *px)
{
    struct worth_gas gas = gas_now(d, px);
    struct worth_amounts x;
    if (gas.native == 0 || !desk_priced(&r->assets, px) || !same_way(d, r) ||
        !worth_call(&d->book->market, a, px, r->worth.debt, r->worth.coll, r->worth.qty, &x))
        return false;
    const struct exit_venue *v = desk_way(d, r->worth.coll, r->worth.debt, px);
    struct worth_token debt = worth_token_of(&d->book->market, r->worth.debt, px);
    note_slip(d, &r->worth, x.got);
    i256 reward = i256_from_i64(r->order.reward_e8);
    const u128 gone = desk_way_gone(d, r->worth.coll, r->worth.debt, px);
    struct behind behind;
    if (v && gone == 0 && worth_again(&r->worth, &d->worth_params, d->way, &gas, &debt, v, x.paid, x.got)) {
        d->n.ready_again++;
    } else {
        struct worth w;
        if (!v || !own_value(d, r, &gas, px, behind_of(&behind, v, gone), &x, &w))
            return false;
        d->n.ready_valued++;
        note_slip(d, &w, x.got);
        reward = i256_from_i128(w.profit);
    }
    d->assets = r->assets;
    d->size.full = r->order.full;
    d->size.value = worth_money(x.paid, &debt);
    d->size.reward = reward;
    return desk_representable(&d->size);
}

static uint64_t mixed(uint64_t h, uint64_t v)
{
    h = (h ^ v) * MIX;
    return h ^ h >> 29;
}

// What decides besides prices, gas and the account's state: the rule's parameters, the ways out.
static uint64_t stands_on(struct desk *d, const struct account *a, const int64_t *px)
{
    uint64_t h = MIX;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &d->book->market.instrument[p->instrument];
        h = mixed(h, (uint64_t)in->lt_bps << 32 | in->lb_bps);
        h = mixed(h, (uint64_t)in->emode_lt_bps << 32 | in->emode_lb_bps);
        h = mixed(h, (uint64_t)in->fee_bps << 8 | in->emode);
        h = mixed(h, in->grace_until << 1 | grace_now(in)); // it ends by time alone
        for (unsigned k = 0; k < in->n_emodes; k++)
            if (in->emodes[k].id == a->emode)
                h = mixed(h, (uint64_t)in->emodes[k].lt_bps << 16 | in->emodes[k].lb_bps);
        for (unsigned k = 0; p->debt != 0 && k < a->n_positions; k++)
            if (a->position[k].supply != 0 && a->position[k].collateral)
                h = mixed(mixed(h, desk_way_version(d, a->position[k].instrument, p->instrument, px)),
                          (uint64_t)desk_way_gone(d, a->position[k].instrument, p->instrument, px));
    }
    return h;
}

static struct unworthy_now moment(struct desk *d, const struct account *a, const int64_t *px, uint64_t now_ns)
{
    return (struct unworthy_now){.stands_on = stands_on(d, a, px),
                                 .gas_wei = exits_base_fee(d->exits),
                                 .native = native_now(d, px),
                                 .ns = now_ns};
}

uint8_t desk_worth_kept(struct desk *d, const struct account_state *st, const struct account *a,
                        const int64_t *px, uint64_t now_ns, bool predicted)
{
    if (st->unworthy[predicted] == UNWORTHY_NONE)
        return 0;
    struct unworthy_now now = moment(d, a, px, now_ns);
    return unworthy_read(&d->unworthy, st->unworthy[predicted], a->epoch, px, &now,
                         d->cfg.ready_tolerance_ppm);
}

void desk_worth_forget(struct desk *d, struct account_state *st)
{
    for (unsigned i = 0; i < 2; i++) {
        if (st->unworthy[i] != UNWORTHY_NONE)
            unworthy_give(&d->unworthy, st->unworthy[i]);
        st->unworthy[i] = UNWORTHY_NONE;
    }
}

static void tell(struct desk *d, struct account_state *st, const struct account *a, uint8_t reason)
{
    struct unworth u;
    uint8_t buf[UNWORTH_BYTES];
    if (st->unworth == reason && st->unworth_debt == d->worth.debt && st->unworth_coll == d->worth.coll)
        return;
    st->unworth = reason;
    st->unworth_debt = d->worth.debt;
    st->unworth_coll = d->worth.coll;
    unworth_of(a->id, a->epoch, reason, &d->worth, &u);
    unworth_encode(&u, buf);
    // What is lost is why nothing left: its LSN matters to nobody.
    (void)d->log.put(d->log.ctx, J_UNWORTH, buf, sizeof buf);
}

static void keep(struct desk *d, struct account_state *st, const struct account *a,
                 const struct marks_assets *assets, const int64_t *px, uint64_t now_ns, bool predicted,
                 uint8_t reason)
{
    if (st->unworthy[predicted] != UNWORTHY_NONE)
        unworthy_give(&d->unworthy, st->unworthy[predicted]);
    struct unworthy_now now = moment(d, a, px, now_ns);
    st->unworthy[predicted] = unworthy_keep(&d->unworthy, a->epoch, reason, assets, px, &now);
    d->n.unworth_full += st->unworthy[predicted] == UNWORTHY_NONE;
}

// No order for want of worth: counted, told, kept.
static enum desk_answer no_worth(struct desk *d, struct account_state *st, const struct account *a,
                                 const int64_t *px, uint64_t now_ns, bool predicted, uint8_t reason)
{
    d->n.unworth[reason]++;
    if (!predicted)
        tell(d, st, a, reason);
    keep(d, st, a, &d->assets, px, now_ns, predicted, reason);
    return DESK_NO_PROFIT;
}

// Stream time as far as the market's second tells it, but not before the answer that is kept.
static uint64_t prepare_ns(const struct desk *d, const struct account_state *st)
{
    uint64_t now = d->book->market.now_s * NS_PER_S, at = 0;
    if (st->unworthy[true] != UNWORTHY_NONE)
        at = d->unworthy.slot[st->unworthy[true] - 1].at.ns;
    return now > at ? now : at;
}

bool desk_worth_in_vain(struct desk *d, const struct account_state *st, const struct account *a,
                        const int64_t *px)
{
    return desk_worth_kept(d, st, a, px, prepare_ns(d, st), true) != 0;
}

void desk_worth_was_in_vain(struct desk *d, struct account_state *st, const struct account *a,
                            const struct marks_assets *assets, const int64_t *px, uint8_t reason)
{
    keep(d, st, a, assets, px, prepare_ns(d, st), true, reason);
}

enum desk_answer desk_worth_choose(struct desk *d, struct account_state *st, const struct account *a,
                                   const int64_t *px, uint64_t now_ns, bool predicted, struct ready **r)
{
    uint8_t reason = desk_worth_kept(d, st, a, px, now_ns, predicted);
    *r = NULL;
    if (reason) {
        d->n.unworth_kept++;
        d->n.unworth[reason]++;
        return DESK_NO_PROFIT;
    }
    if (st->ready != READY_NONE) {
        *r = ready_at(&d->pool, st->ready);
        if (again(d, a, *r, px))
            return DESK_SENT;
        d->n.ready_unfit++;
        *r = NULL;
    }
    if (marks_of(&d->book->market, a, &d->assets))
        return DESK_NO_SIZE;
    if (!desk_priced(&d->assets, px))
        return DESK_PRICE_AGE;
    if (desk_worth_size(d, a, px, px, true, &reason))
        return desk_representable(&d->size) ? DESK_SENT : DESK_LIMIT_ORDER;
    return no_worth(d, st, a, px, now_ns, predicted, reason);
}
