// SPDX-License-Identifier: Apache-2.0
#include "exec/desk_inside.h"

#include <assert.h>
#include <stdlib.h>

#include "accounts/moving.h"
#include "base/pages.h"

#define NS_PER_S UINT64_C(1000000000)
// What each of two ways through the trigger does: a call more would be paid by both.
#define TRIGGER static inline __attribute__((always_inline))

static int check_config(const struct desk_config *c, struct err *e)
{
    if (c->max_order_e8 < 0 || c->max_minute_e8 < 0 || c->max_total_e8 < 0)
        return err_set(e, "order limits: a limit is negative; give 0 for no limit");
    if (c->cost_e8 < 0)
        return err_set(e, "order cost: %lld is negative; give the cost of one order in 1e-8 units",
                       (long long)c->cost_e8);
    if (c->ready_tolerance_ppm > 1000000)
        return err_set(e, "ready order tolerance: %u ppm is more than the order; give at most 1000000",
                       c->ready_tolerance_ppm);
    if (c->predicted_max_e8 < 0)
        return err_set(e, "orders on predicted prices: the limit is negative; give 0 for none at all");
    return 0;
}

struct desk *desk_new(const struct desk_config *c, struct book *book, struct gateway *gw,
                      const struct desk_log *log, struct err *e)
{
    if (check_config(c, e))
        return NULL;
    struct desk *d = calloc(1, sizeof *d);
    if (!d) {
        err_set(e, "order desk: out of memory");
        return NULL;
    }
    d->cfg = *c;
    d->book = book;
    d->gw = gw;
    d->log = *log;
    size_t room = book_room(book);
    d->state = pages_new(room, sizeof *d->state);
    uint32_t n_ready = c->ready_max ? c->ready_max : READY_MAX_DEFAULT;
    if (n_ready > room)
        n_ready = room ? (uint32_t)room : 1;
    if (!d->cfg.outstanding_max)
        d->cfg.outstanding_max = GATEWAY_OUTSTANDING_MAX;
    uint32_t n_staked = room < STAKED_MAX ? (uint32_t)room : STAKED_MAX;
    if (!d->state || ready_init(&d->pool, n_ready) || staked_init(&d->staked, n_staked) ||
        ahead_init(&d->ahead) ||
        limits_init(&d->limits, c->max_order_e8, c->max_minute_e8, c->max_total_e8)) {
        err_set(e, "order desk: out of memory for %zu accounts; free memory or load fewer", room);
        desk_free(d);
        return NULL;
    }
    d->limits.max_predicted_e8 = c->predicted_max_e8;
    if (desk_worth_init(d, n_staked, e) || desk_depth_init(d, e) || desk_stages_init(d, e)) {
        desk_free(d);
        return NULL;
    }
    return d;
}

void desk_free(struct desk *d)
{
    if (!d)
        return;
    limits_free(&d->limits);
    ready_free_all(&d->pool);
    staked_free(&d->staked);
    ahead_free(&d->ahead);
    desk_worth_free(d);
    desk_depth_free(d);
    free(d->state);
    free(d->stage);
    free(d);
}

static enum desk_answer answer(struct desk *d, enum desk_answer a)
{
    d->n.answer[a]++;
    return a;
}

TRIGGER enum desk_answer check_money(struct desk *d, int64_t value_e8, int64_t reward_e8, uint64_t now_ns,
                                     bool predicted)
{
    if ((i128)reward_e8 - d->cfg.cost_e8 < d->cfg.min_profit_e8)
        return DESK_NO_PROFIT;
    switch (limits_check(&d->limits, now_ns, value_e8)) {
    case LIMITS_ORDER:
        return DESK_LIMIT_ORDER;
    case LIMITS_MINUTE:
        return DESK_LIMIT_MINUTE;
    case LIMITS_TOTAL:
        return DESK_LIMIT_TOTAL;
    case LIMITS_OK:
        break;
    }
    return predicted && !limits_predicted(&d->limits, value_e8) ? DESK_LIMIT_PREDICTED : DESK_SENT;
}

TRIGGER void count_handed_over(struct desk *d, int64_t value_e8, int64_t reward_e8, bool predicted)
{
    limits_take(&d->limits, value_e8);
    if (predicted) {
        limits_predicted_take(&d->limits, value_e8);
        d->n.predicted++;
    }
    d->n.window_merged = d->limits.merged;
    d->n.outstanding++;
    d->n.value_e8 = desk_saturate(i256_add(i256_from_i64(d->n.value_e8), i256_from_i64(value_e8)));
    d->n.reward_e8 = desk_saturate(i256_add(i256_from_i64(d->n.reward_e8), i256_from_i64(reward_e8)));
}

// Checks before anything is calculated.
static enum desk_answer check_first(struct desk *d, struct account_state *st, const struct account *a,
                                    uint64_t now_ns, bool predicted)
{
    if (st->in_flight)
        return DESK_BUSY;
    if (d->killed)
        return DESK_KILLED;
    if (!desk_same_epoch(d, st, a))
        return DESK_EPOCH;
    if (now_ns < st->retry_ns && (predicted || !st->wait_predicted))
        return DESK_BACKOFF;
    if (d->n.outstanding >= d->cfg.outstanding_max)
        return DESK_RING_FULL;
    return DESK_SENT;
}

// Sizes the account's order into d->size and d->assets.
static enum desk_answer size_now(struct desk *d, const struct account *a, const int64_t *px)
{
    if (marks_of(&d->book->market, a, &d->assets))
        return DESK_NO_SIZE;
    if (!desk_priced(&d->assets, px))
        return DESK_PRICE_AGE; // no price at all is infinitely old
    if (a->rule->size(&d->book->market, a, px, &d->cfg.size, &d->size))
        return DESK_NO_SIZE;
    desk_kick(d, a, px);
    return desk_representable(&d->size) ? DESK_SENT : DESK_LIMIT_ORDER;
}

void desk_ahead(struct desk *d, size_t account, const int64_t *px)
{
    assert(account < d->book->n_accounts);
    if (d->killed || d->state[account].in_flight)
        return; // desk_stake() will not size it
    const struct account *a = book_view(d->book, account);
    if (d->state[account].ready && desk_worth_of(d, a))
        return; // what it is worth is known
    unsigned near;
    if (desk_ready_stands(d, &d->state[account], a, px, &near))
        return;
    if (size_now(d, a, px) == DESK_SENT)
        ahead_keep(&d->ahead, account, a->epoch, &d->size, &d->assets, px);
}

void desk_ahead_forget(struct desk *d)
{
    ahead_forget(&d->ahead);
}

int64_t desk_stake(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_view(d->book, account);
    struct account_state *st = &d->state[account];
    ready_fetch(&d->pool, st->ready); // sizing takes longer than the memory
    desk_drop_staked(d, st);
    if (check_first(d, st, a, now_ns, false) != DESK_SENT)
        return 0;
    bool worth = desk_worth_of(d, a);
    if (worth && desk_worth_kept(d, st, a, px, now_ns, false))
        return 0;
    if (worth && st->ready)
        return desk_saturate(i256_from_i128(ready_at(&d->pool, st->ready)->worth.expected));
    unsigned near;
    const struct ready *r = desk_ready_stands(d, st, a, px, &near);
    if (r)
        return desk_ranked(d, a, px, r->order.leg, r->order.n, r->order.value_e8, r->order.reward_e8);
    bool sized = ahead_read(&d->ahead, account, a->epoch, px, &d->size, &d->assets);
    switch (sized ? DESK_SENT : size_now(d, a, px)) {
    case DESK_SENT:
        break;
    case DESK_LIMIT_ORDER:
        return INT64_MAX;
    default:
        return 0;
    }
    if (worth) // what leaves is sized anew: by what it earns
        return desk_larger(desk_saturate(d->size.reward), 0);
    st->staked = staked_keep(&d->staked, a->epoch, &d->size, &d->assets, px);
    d->n.staked_full += st->staked == STAKED_NONE;
    return desk_ranked(d, a, px, d->size.leg, d->size.n, i256_to_i64(d->size.value),
                       desk_saturate(d->size.reward));
}

void desk_soon(struct desk *d, size_t account)
{
    __builtin_prefetch(&d->state[account], 1);
    // By now the state of the one named DESK_SOON calls ago is here, and tells where its size is kept.
    size_t *before = &d->soon[d->n_soon++ % DESK_SOON];
    const char *kept = staked_at(&d->staked, d->state[*before].staked);
    __builtin_prefetch(kept);
    __builtin_prefetch(kept + 64);
    __builtin_prefetch(kept + 128);
    *before = account;
}

void desk_next(const struct desk *d, size_t account)
{
    ready_fetch(&d->pool, d->state[account].ready);
}

// The size at px, the one kept if it was made for the same.
static enum desk_answer size_kept(struct desk *d, struct account_state *st, const struct account *a,
                                  const int64_t *px)
{
    bool kept =
        st->staked != STAKED_NONE && staked_read(&d->staked, st->staked, a->epoch, px, &d->size, &d->assets);
    desk_drop_staked(d, st);
    return kept ? DESK_SENT : size_now(d, a, px);
}

// The ready order that the account's prices still allow and its rule takes, which of a confirmed account is
// all there is to ask; NULL: by its size. A prediction's account is not confirmed.
static struct ready *stands(struct desk *d, const struct account_state *st, const struct account *a,
                            const int64_t *px, bool predicted, struct order_record *rec)
{
    unsigned near;
    struct ready *r = predicted ? NULL : desk_ready_stands(d, st, a, px, &near);
    if (!r || !a->rule->takes(&d->book->market, a, px, r->order.leg, r->order.n, NULL))
        return NULL;
    rec->full = r->order.full;
    rec->value_e8 = ready_value(&r->order, near);
    rec->reward_e8 = ready_reward(&r->order, near);
    return r;
}

// What leaves for the account at px: the ready order *r, or where that is NULL one of d->size.
static enum desk_answer choose(struct desk *d, struct account_state *st, const struct account *a,
                               const int64_t *px, uint64_t now_ns, bool predicted, struct ready **r)
{
    if (desk_worth_of(d, a)) {
        desk_drop_staked(d, st);
        return desk_worth_choose(d, st, a, px, now_ns, predicted, r);
    }
    *r = NULL;
    d->terms = (struct gateway_terms){0};
    enum desk_answer why = size_kept(d, st, a, px);
    if (why != DESK_SENT || st->ready == READY_NONE)
        return why;
    *r = ready_at(&d->pool, st->ready);
    if (!desk_ready_usable(d, a, &(*r)->order, px)) {
        d->n.ready_unfit++;
        *r = NULL;
    }
    return DESK_SENT;
}

// The same by its size, and what the limits count of it: of a ready order and the exact one the larger value
// and the smaller reward. A ready order that fits is of the same kind as what is in d->size.
static enum desk_answer choose_sized(struct desk *d, struct account_state *st, const struct account *a,
                                     const int64_t *px, uint64_t now_ns, bool predicted,
                                     struct order_record *rec, struct ready **r)
{
    enum desk_answer why = choose(d, st, a, px, now_ns, predicted, r);
    rec->full = d->size.full;
    rec->value_e8 = desk_saturate(d->size.value);
    rec->reward_e8 = desk_saturate(d->size.reward);
    if (*r) {
        rec->value_e8 = desk_larger(rec->value_e8, (*r)->order.value_e8);
        rec->reward_e8 = desk_smaller(rec->reward_e8, (*r)->order.reward_e8);
    }
    return why;
}

// Hands d->out over and writes that down.
TRIGGER enum desk_answer submit(struct desk *d, struct order_record *rec)
{
    rec->key = d->out.key;
    d->out.terms.predicted = rec->predicted;
    if (d->gw->ops->submit(d->gw, &d->out)) {
        rec->answer = DESK_RING_FULL;
        if (rec->ready)
            gateway_drop(d->gw, &d->out.key); // its key is used up
    }
    uint8_t buf[ORDER_RECORD_BYTES];
    size_t n = order_record_encode(rec, buf);
    // Not needed for P6 (the bytes are in J_READY), so its own LSN matters to nobody.
    (void)d->log.put(d->log.ctx, J_ORDER, buf, n);
    return (enum desk_answer)rec->answer;
}

TRIGGER void handed_over(struct desk *d, struct account_state *st, const struct order_record *rec,
                         uint64_t now_ns)
{
    st->in_flight = true;
    st->flight_predicted = rec->predicted;
    st->flight_void = false;
    st->flight_epoch = d->out.key.epoch;
    st->flight_revision = d->out.key.revision;
    st->flight_value = rec->value_e8;
    st->fired_ns = now_ns;
    st->unworth = 0;
    if (d->exits)
        desk_worth_forget(d, st);
    if (d->taken)
        desk_taken_leaves(d, (size_t)(st - d->state));
    count_handed_over(d, rec->value_e8, rec->reward_e8, rec->predicted);
}

// With depth: what the order loses in the market, off its reward. Of a lending order it is off already.
TRIGGER void take_slip(struct desk *d, const struct account *a, const int64_t *px, const struct ready *r,
                       struct order_record *rec)
{
    if (d->cfg.depth.mode == DESK_DEPTH_NONE)
        return;
    const struct order_leg *leg = r ? r->order.leg : d->size.leg;
    const unsigned n = r ? r->order.n : d->size.n;
    desk_takes_none(d);
    if (desk_worth_of(d, a)) {
        desk_takes_sale(d, px);
    } else if (a->rule->holding) {
        return;
    } else {
        rec->reward_e8 = desk_less(rec->reward_e8, desk_slip(d, a, px, leg, n, true));
        desk_takes_legs(d, a, leg, n);
    }
    rec->has_slip = true;
    rec->slip_known = d->slip_known;
    rec->slip_e8 = d->slip_e8;
}

static enum desk_answer fire(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns,
                             uint64_t oldest_price_age_ns, bool predicted)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_view(d->book, account);
    struct account_state *st = &d->state[account];
    struct ready *r = NULL;
    enum desk_answer why = check_first(d, st, a, now_ns, predicted);
    if (why == DESK_SENT && d->cfg.max_price_age_ns && oldest_price_age_ns > d->cfg.max_price_age_ns)
        why = DESK_PRICE_AGE;
    if (why != DESK_SENT) {
        desk_drop_staked(d, st);
        return answer(d, why);
    }
    struct order_record rec = {.predicted = predicted, .answer = DESK_SENT};
    const struct marks_assets *assets = &d->assets;
    r = stands(d, st, a, px, predicted, &rec);
    if (r) {
        desk_drop_staked(d, st);
        assets = &r->assets;
    } else {
        why = choose_sized(d, st, a, px, now_ns, predicted, &rec, &r);
        if (why != DESK_SENT)
            return answer(d, why);
    }
    rec.ready = r != NULL;
    take_slip(d, a, px, r, &rec);
    why = check_money(d, rec.value_e8, rec.reward_e8, now_ns, predicted);
    if (why != DESK_SENT)
        return answer(d, why);
    if (!desk_make_out(d, st, a, r))
        return answer(d, DESK_NOT_LOGGED);
    desk_fill_moment(d, assets, px, now_ns);
    why = submit(d, &rec);
    if (why == DESK_SENT)
        handed_over(d, st, &rec, now_ns);
    return answer(d, why);
}

enum desk_answer desk_fire_staged(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns,
                                  uint64_t oldest_price_age_ns)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_view(d->book, account);
    struct account_state *st = &d->state[account];
    if (!desk_staged_of(d, a))
        return desk_fire(d, account, px, now_ns, oldest_price_age_ns);
    enum desk_answer why = check_first(d, st, a, now_ns, false);
    if (why == DESK_SENT && d->cfg.max_price_age_ns && oldest_price_age_ns > d->cfg.max_price_age_ns)
        why = DESK_PRICE_AGE;
    if (why == DESK_SENT)
        why = desk_stage_size(d, account, a, px, now_ns);
    if (why == DESK_STAGED)
        desk_stage_take(d, account);
    if (why != DESK_SENT)
        return answer(d, why);
    struct order_record rec = {.answer = DESK_SENT};
    struct ready *r = desk_stage_ready(d, st, a, px, &rec);
    rec.ready = r != NULL;
    take_slip(d, a, px, r, &rec);
    why = check_money(d, rec.value_e8, rec.reward_e8, now_ns, false);
    if (why != DESK_SENT)
        return answer(d, why);
    if (!desk_make_out(d, st, a, r) || !desk_stage_out(d, account))
        return answer(d, DESK_NOT_LOGGED);
    desk_fill_moment(d, &d->assets, px, now_ns);
    why = submit(d, &rec);
    if (why == DESK_SENT)
        handed_over(d, st, &rec, now_ns);
    desk_stage_sent(d, account, why == DESK_SENT);
    return answer(d, why);
}

void desk_rehearse(struct desk *d, size_t account, const int64_t *px)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_view(d->book, account);
    const struct account_state *st = &d->state[account];
    uint8_t buf[ORDER_RECORD_BYTES];
    unsigned near = 0;
    limits_warm(&d->limits);
    if (d->gw->ops->warm)
        d->gw->ops->warm(d->gw);
    if (st->ready == READY_NONE || st->in_flight || !a->rule->takes)
        return;
    const struct ready *r = ready_at(&d->pool, st->ready);
    bool goes = ready_stands(r, px, &near);
    goes &= a->rule->takes(&d->book->market, a, px, r->order.leg, r->order.n, NULL);
    desk_out_of_ready(d, r);
    desk_fill_marks(d, &r->assets, px);
    const struct order_record rec = {
        .key = d->out.key, .ready = goes, .value_e8 = ready_value(&r->order, near)};
    order_record_encode(&rec, buf);
    d->rehearsed = buf[0]; // so that it is done
}

enum desk_answer desk_fire(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns,
                           uint64_t oldest_price_age_ns)
{
    return fire(d, account, px, now_ns, oldest_price_age_ns, false);
}

enum desk_answer desk_predict(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns,
                              uint64_t oldest_price_age_ns)
{
    if (d->cfg.predicted_max_e8 == 0)
        return answer(d, DESK_PREDICTED_OFF);
    if (desk_staged_of(d, book_view(d->book, account)))
        return answer(d, DESK_STAGED); // a stage is entered on what is decided only
    return fire(d, account, px, now_ns, oldest_price_age_ns, true);
}

bool desk_in_flight(const struct desk *d, size_t account)
{
    assert(account < d->book->n_accounts);
    return d->state[account].in_flight;
}

void desk_kill(struct desk *d, bool on)
{
    d->killed = on;
}
bool desk_killed(const struct desk *d)
{
    return d->killed;
}
const struct desk_counters *desk_counters(const struct desk *d)
{
    return &d->n;
}
