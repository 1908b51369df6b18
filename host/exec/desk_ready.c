// SPDX-License-Identifier: Apache-2.0
// Ready orders: made near the breach, logged, offered to the gateway, used at the trigger or dropped.
#include "exec/desk_inside.h"

#include <assert.h>
#include <string.h>

#include "accounts/moving.h"
#include "exec/estimate.h"

enum { IMMINENT = 256 }; // weight of a ready order that the market already calls for

void desk_drop_ready(struct desk *d, struct account_state *st)
{
    if (st->ready == READY_NONE)
        return;
    gateway_drop(d->gw, &ready_at(&d->pool, st->ready)->order.key);
    ready_give(&d->pool, st->ready);
    st->ready = READY_NONE;
    d->n.ready_retired++;
}

bool desk_same_epoch(struct desk *d, struct account_state *st, const struct account *a)
{
    if (a->epoch < st->epoch)
        return false;
    if (a->epoch > st->epoch) {
        desk_drop_ready(d, st);
        desk_worth_forget(d, st);
        st->unworth = 0;
        st->epoch = a->epoch;
        st->revision = 0;
        st->refusals = 0;
        st->retry_ns = 0;
    }
    return st->revision != UINT32_MAX; // keys of this epoch are used up
}

bool desk_representable(const struct order_size *s)
{
    return i256_sign(s->value) >= 0 && i256_fits_i64(s->value);
}

bool desk_priced(const struct marks_assets *s, const int64_t *px)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (px[s->asset[i]] <= 0)
            return false;
    }
    return true;
}

static void order_from_size(struct desk *d, struct account_state *st, const struct account *a,
                            const struct order_size *s, struct order *o)
{
    o->key = (struct order_key){d->cfg.desk, a->id, st->epoch, ++st->revision};
    o->full = s->full;
    o->n = s->n;
    memcpy(o->leg, s->leg, s->n * sizeof s->leg[0]);
    o->value_e8 = desk_saturate(s->value);
    o->reward_e8 = desk_saturate(s->reward);
}

// Encodes o and logs its bytes. The LSN, or 0 when it is not on its way to disk.
static uint64_t log_order(struct desk *d, const struct order *o, uint8_t *bytes, uint16_t *n_bytes)
{
    size_t n = order_encode(o, bytes, ORDER_BYTES_MAX);
    assert(n > 0); // a rule's size always has 1..ORDER_LEGS_MAX legs
    *n_bytes = (uint16_t)n;
    size_t len = ready_record_encode(&o->key, bytes, n, d->record, sizeof d->record);
    assert(len > 0);
    return d->log.put(d->log.ctx, J_READY, d->record, len);
}

static void remember_prices(struct ready *r, const struct marks_assets *s, const int64_t *px)
{
    r->assets = *s;
    for (unsigned i = 0; i < s->n; i++)
        r->checked_px[i] = px[s->asset[i]];
}

void desk_fill_marks(struct desk *d, const struct marks_assets *s, const int64_t *px)
{
    d->out.second = d->book->market.now_s;
    d->out.n_marks = s->n;
    for (unsigned i = 0; i < s->n; i++)
        d->out.mark[i] = (struct gateway_mark){s->asset[i], px[s->asset[i]]};
}

void desk_fill_moment(struct desk *d, const struct marks_assets *s, const int64_t *px, uint64_t now_ns)
{
    enum { NS_PER_S = 1000000000 };
    desk_fill_marks(d, s, px);
    if (d->out.second == 0) // nothing moves with time yet: any moment is as good, and a venue may want it
        d->out.second = now_ns / NS_PER_S <= MOVING_TIME_MAX ? now_ns / NS_PER_S : 0;
}

void desk_out_of_ready(struct desk *d, const struct ready *r)
{
    d->out.key = r->order.key;
    d->out.lsn = r->lsn;
    d->out.n_bytes = r->n_bytes;
    memcpy(d->out.bytes, r->bytes, r->n_bytes);
    d->out.terms = r->terms;
}

// Sizes the account's order at d->px, where it would breach. *reason: why it is not worth it, 0 for all else.
static bool sized(struct desk *d, size_t account, const struct account *a, const int64_t *now, bool worth,
                  uint8_t *reason)
{
    *reason = 0;
    if (desk_staged_of(d, a)) {
        d->terms = (struct gateway_terms){0};
        return desk_stage_size(d, account, a, d->px, d->stage_ns) == DESK_SENT;
    }
    if (!worth) {
        d->terms = (struct gateway_terms){0};
        if (a->rule->size(&d->book->market, a, d->px, &d->cfg.size, &d->size))
            return false;
        desk_kick(d, a, d->px);
    } else if (!desk_worth_size(d, a, d->px, now, false, reason)) {
        return false;
    }
    return desk_representable(&d->size);
}

// Does the ready order stand in for the one just sized?
static bool as_good(struct desk *d, const struct account *a, struct ready *r, const int64_t *now, bool worth)
{
    return ready_close(&r->order, &d->size, d->cfg.ready_tolerance_ppm) &&
           (!worth || desk_worth_renew(d, a, r, d->px, now));
}

// How far a price may be from those in d->px, at which the order was found right, so that it still is: the
// largest radius of a few at whose far end, every price moved on against the account, the rule's size is
// close to it. d->px and d->size are no longer what they were.
static void anchor(struct desk *d, const struct account *a, struct ready *r, const int64_t *px)
{
    enum { LEAST_PPM = 8, STEP_BITS = 3, MOST_PPM = 500000, PPM = 1000000 };
    const struct market *m = &d->book->market;
    const struct marks_assets *s = &r->assets;
    uint32_t ppm = d->cfg.ready_tolerance_ppm < MOST_PPM ? d->cfg.ready_tolerance_ppm : MOST_PPM;
    for (unsigned i = 0; i < s->n; i++)
        r->sized_px[i] = d->px[s->asset[i]];
    r->radius_ppm = 0;
    for (; a->rule->takes && ppm >= LEAST_PPM && r->radius_ppm == 0; ppm >>= STEP_BITS) {
        bool somewhere = false;
        for (unsigned i = 0; i < s->n; i++) {
            int64_t at = r->sized_px[i], now = px[s->asset[i]];
            int64_t by = (int64_t)((i128)at * ppm / PPM);
            somewhere |= at != now;
            d->px[s->asset[i]] = at < now ? at - by : at > now && at <= INT64_MAX - by ? at + by : at;
        }
        marks_derive(m, a, d->px);
        if (!somewhere || a->rule->size(m, a, d->px, &d->cfg.size, &d->size))
            return; // liquidatable already: which way it goes on is not known
        if (ready_close(&r->order, &d->size, d->cfg.ready_tolerance_ppm))
            r->radius_ppm = ppm;
    }
}

static bool by_price(const struct desk *d, bool worth)
{
    return d->cfg.ready_by == DESK_READY_BY_PRICE && !worth;
}

static void make_ready(struct desk *d, struct account_state *st, const struct account *a,
                       const struct marks_assets *s, const int64_t *px, bool worth)
{
    uint32_t name = ready_take(&d->pool);
    if (name == READY_NONE) {
        d->n.ready_full++;
        return;
    }
    struct ready *r = ready_at(&d->pool, name);
    order_from_size(d, st, a, &d->size, &r->order);
    r->lsn = log_order(d, &r->order, r->bytes, &r->n_bytes);
    if (r->lsn == 0) {
        ready_give(&d->pool, name);
        return;
    }
    remember_prices(r, s, px);
    r->terms = d->terms;
    r->imminent = false;
    r->radius_ppm = 0;
    if (worth) {
        r->worth = d->worth;
        desk_worth_forget(d, st);
    }
    st->ready = name;
    d->n.ready_made++;
    desk_out_of_ready(d, r);
    desk_fill_marks(d, s, px);
    gateway_offer(d->gw, &d->out);
    if (by_price(d, worth))
        anchor(d, a, r, px);
}

// Is there one made for prices near px, whose way out is as it was?
static bool fresh(struct desk *d, const struct ready *r, const int64_t *px, bool worth)
{
    return r && !ready_moved(r, px, d->cfg.ready_tolerance_ppm) && !(worth && desk_worth_stale(d, r, px));
}

bool desk_prepared(struct desk *d, size_t account, const int64_t *px)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_account(d->book, account, &d->scratch);
    const struct account_state *st = &d->state[account];
    return st->ready && a->epoch == st->epoch &&
           fresh(d, ready_at(&d->pool, st->ready), px, desk_worth_of(d, a));
}

void desk_prepare(struct desk *d, size_t account, const int64_t *px)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_account(d->book, account, &d->scratch);
    const struct market *m = &d->book->market;
    struct account_state *st = &d->state[account];
    bool worth = desk_worth_of(d, a);
    if (st->in_flight || !desk_same_epoch(d, st, a))
        return;
    struct ready *r = st->ready ? ready_at(&d->pool, st->ready) : NULL;
    if (fresh(d, r, px, worth))
        return;
    struct marks_assets s;
    if (marks_of(m, a, &s) || !desk_priced(&s, px))
        return;
    uint8_t reason = 0;
    int32_t far = marks_breach(m, a, &s, px, d->px);
    bool here = worth && far == 0;
    if (here && !r && desk_worth_in_vain(d, st, a, px))
        return;
    if (far < 0 || !sized(d, account, a, px, worth, &reason)) {
        if (here && reason)
            desk_worth_was_in_vain(d, st, a, &s, px, reason);
        desk_drop_ready(d, st); // what it was made for no longer exists
        return;
    }
    if (r && as_good(d, a, r, px, worth)) {
        remember_prices(r, &s, px);
        if (by_price(d, worth))
            anchor(d, a, r, px);
        return;
    }
    desk_drop_ready(d, st);
    make_ready(d, st, a, &s, px, worth);
}

void desk_imminent(struct desk *d, size_t account)
{
    assert(account < d->book->n_accounts);
    const struct account_state *st = &d->state[account];
    struct ready *r = st->ready ? ready_at(&d->pool, st->ready) : NULL;
    if (!r || r->imminent)
        return;
    r->imminent = true;
    desk_out_of_ready(d, r);
    d->out.terms.worth_e8 =
        r->terms.worth_e8 > INT64_MAX / IMMINENT ? INT64_MAX : r->terms.worth_e8 * IMMINENT;
    d->out.n_marks = 0;
    gateway_offer(d->gw, &d->out);
}

void desk_retire(struct desk *d, size_t account)
{
    assert(account < d->book->n_accounts);
    desk_drop_ready(d, &d->state[account]);
}

void desk_reward(struct desk *d, size_t account, const int64_t *px, int64_t *reward_e8, int64_t *cost_e8)
{
    assert(account < d->book->n_accounts);
    const struct account_state *st = &d->state[account];
    *cost_e8 = d->cfg.cost_e8;
    const struct account *a = book_view(d->book, account);
    const struct order *o = st->ready ? &ready_at(&d->pool, st->ready)->order : NULL;
    *reward_e8 = o ? o->reward_e8 : estimate_reward_e8(&d->book->market, a, px, &d->cfg.kick);
    if (o && d->cfg.depth.mode && !a->rule->holding)
        *reward_e8 = desk_less(*reward_e8, desk_slip(d, a, px, o->leg, o->n, false));
}

// May the ready order go in place of the exact one? Near enough, and the rule itself takes it at these
// prices: a quantity a little off can be illegal (dust left behind, close factor) where the exact one is not.
// A smaller one is also good when it cures the account: it is on disk, so it goes now, where the exact one
// would have to wait; the account is armed again and gets another order should the price go on.
bool desk_ready_usable(struct desk *d, const struct account *a, const struct order *o, const int64_t *px)
{
    bool close = ready_close(o, &d->size, d->cfg.ready_tolerance_ppm);
    if (!close && !ready_below(o, &d->size))
        return false;
    if (close && a->rule->takes)
        return a->rule->takes(&d->book->market, a, px, o->leg, o->n, &d->size);
    account_copy(&d->account, a);
    if (a->rule->settle(&d->book->market, &d->account, px, o->leg, o->n, &d->settlement, NULL) != 0)
        return false;
    if (close)
        return true;
    struct health h;
    a->rule->health(&d->book->market, &d->account, px, &h);
    return !h.liquidatable;
}

struct ready *desk_ready_stands(struct desk *d, const struct account_state *st, const struct account *a,
                                const int64_t *px, unsigned *near)
{
    if (st->ready == READY_NONE || !by_price(d, desk_worth_of(d, a)))
        return NULL;
    struct ready *r = ready_at(&d->pool, st->ready);
    return ready_stands(r, px, near) ? r : NULL;
}

bool desk_make_out(struct desk *d, struct account_state *st, const struct account *a, struct ready *r)
{
    if (r) {
        desk_out_of_ready(d, r);
        ready_give(&d->pool, st->ready);
        st->ready = READY_NONE;
        d->n.ready_used++;
        return true;
    }
    desk_drop_ready(d, st);
    order_from_size(d, st, a, &d->size, &d->order);
    d->out.key = d->order.key;
    d->out.terms = d->terms;
    d->out.lsn = log_order(d, &d->order, d->out.bytes, &d->out.n_bytes);
    if (d->out.lsn == 0)
        return false;
    d->n.cold++;
    return true;
}
