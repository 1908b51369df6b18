// SPDX-License-Identifier: Apache-2.0
// Orders by stages: what an account's step looks at, the size of its order, and when a step counts.
#include "exec/desk_inside.h"

#include <assert.h>
#include <stdlib.h>

#include "base/pages.h"
#include "econ/policy.h"

enum { PPM = 1000000, E8_TO_E6 = 100 };

int desk_stages_init(struct desk *d, struct err *e)
{
    if (d->cfg.stages >= STAGES_COUNT)
        return err_set(e, "stages: there is no policy %u", d->cfg.stages);
    if (d->cfg.stages == STAGES_NONE)
        return 0;
    const struct stage_params *p = &d->cfg.stage;
    if (p->rest > REST_WITHIN || p->ramp_initial > POLICY_RAMP_ONE)
        return err_set(e, "stages_rest=%u stages_ramp_initial=%u: at most %d and %d", p->rest,
                       p->ramp_initial, REST_WITHIN, POLICY_RAMP_ONE);
    if (p->ramp_steps == 0 || p->ramp_steps > p->ramp_ms)
        return err_set(e, "stages_ramp_steps=%u: from 1 to stages_ramp_ms, which is %u", p->ramp_steps,
                       p->ramp_ms);
    if (d->cfg.stages == STAGES_SPLIT && d->cfg.worth.mode != DESK_WORTH_OFF)
        return err_set(e,
                       "stages=split sizes lending orders by the close factor, worth by their profit: give "
                       "one of the two");
    d->stage = pages_new(book_room(d->book), sizeof *d->stage);
    return d->stage ? 0 : err_set(e, "order desk: out of memory for the stages of its accounts");
}

// Sizes an order by `policy` into d->size.
static enum desk_answer size_by(struct desk *d, const struct account *a, const int64_t *px,
                                const struct size_policy *policy)
{
    if (a->rule->size(&d->book->market, a, px, policy, &d->size))
        return DESK_NO_SIZE;
    return desk_representable(&d->size) ? DESK_SENT : DESK_LIMIT_ORDER;
}

// Compares in the rule's own integers, nothing rounded. Sizes: everything, or for Drift what ends it.
static enum desk_answer view_of(struct desk *d, const struct account *a, const int64_t *px,
                                struct stage_view *v)
{
    const struct size_policy all = {.target_ppm = d->cfg.size.target_ppm, .dust = INT64_MAX};
    struct health h;
    a->rule->health(&d->book->market, a, px, &h);
    *v = (struct stage_view){.open = true, .breached = h.liquidatable};
    v->bankrupt = h.liquidatable && i256_sign(h.equity) < 0;
    v->backstop = i256_cmp(i256_mul_i64(h.equity, staged_hyperliquid.backstop_den),
                           i256_mul_i64(h.requirement, staged_hyperliquid.backstop_num)) < 0;
    v->ended =
        i256_cmp(i256_mul_i64(h.equity, PPM), i256_mul_i64(h.requirement, d->cfg.size.target_ppm)) >= 0;
    if (!v->breached)
        return DESK_SENT;
    enum desk_answer why = size_by(d, a, px, d->cfg.stages == STAGES_DRIFT ? &d->cfg.size : &all);
    if (why == DESK_SENT)
        v->notional_e6 = v->cure_e6 = i256_to_i64(d->size.value) / E8_TO_E6;
    return why;
}

// That share of the order in d->size; its quantities and its value rounded up, the reward down.
static void take_share(struct order_size *s, uint32_t share)
{
    enum { SHARE_DIGITS = 6 };
    if (share >= STAGE_SHARE_ONE)
        return;
    s->full = false;
    for (unsigned i = 0; i < s->n; i++)
        s->leg[i].qty = policy_part(s->leg[i].qty, share);
    s->value = i256_div10_ceil(i256_mul_i64(s->value, share), SHARE_DIGITS);
    s->reward = i256_div10_floor(i256_mul_i64(s->reward, share), SHARE_DIGITS);
}

enum desk_answer desk_stage_size(struct desk *d, size_t account, const struct account *a, const int64_t *px,
                                 uint64_t now_ns)
{
    struct stage_view v = {.open = false};
    enum desk_answer why = DESK_SENT;
    d->stage_next = d->stage[account].is;
    d->stage_move = (struct stage_move){.from = d->stage_next.s.at, .to = d->stage_next.s.at};
    if (now_ns > d->stage_ns)
        d->stage_ns = now_ns;
    if (a->n_positions != 0) {
        if (marks_of(&d->book->market, a, &d->assets))
            return DESK_NO_SIZE;
        if (!desk_priced(&d->assets, px))
            return DESK_PRICE_AGE;
        why = d->cfg.stages == STAGES_SPLIT ? desk_split_view(d, a, px, d->stage_next.s.at, &v)
                                            : view_of(d, a, px, &v);
    }
    if (why != DESK_SENT)
        return why;
    stage_step((enum stages_policy)d->cfg.stages, &d->cfg.stage, &d->stage_next, &v, now_ns, &d->stage_move);
    if (!d->stage_move.order)
        return DESK_STAGED;
    take_share(&d->size, d->stage_move.share);
    desk_kick(d, a, px);
    return DESK_SENT;
}

struct ready *desk_stage_ready(struct desk *d, const struct account_state *st, const struct account *a,
                               const int64_t *px, struct order_record *rec)
{
    rec->full = d->size.full;
    rec->value_e8 = desk_saturate(d->size.value);
    rec->reward_e8 = desk_saturate(d->size.reward);
    d->terms = (struct gateway_terms){0};
    if (st->ready == READY_NONE)
        return NULL;
    struct ready *r = ready_at(&d->pool, st->ready);
    // One that repays more than the first of two would heal the account: there would be no second.
    bool too_much = d->cfg.stages == STAGES_SPLIT && d->stage_move.to == STAGED_PARTIAL &&
                    r->order.leg[0].qty > d->size.leg[0].qty;
    if (too_much || !ready_close(&r->order, &d->size, d->cfg.ready_tolerance_ppm) ||
        !desk_ready_usable(d, a, &r->order, px)) {
        d->n.ready_unfit++;
        return NULL;
    }
    rec->value_e8 = desk_larger(rec->value_e8, r->order.value_e8);
    rec->reward_e8 = desk_smaller(rec->reward_e8, r->order.reward_e8);
    return r;
}

static uint64_t write_down(struct desk *d, uint32_t id, const struct staging *st)
{
    uint8_t buf[STAGE_BYTES];
    stage_encode(id, st, buf);
    return d->log.put(d->log.ctx, J_STAGE, buf, sizeof buf);
}

void desk_stage_take(struct desk *d, size_t account)
{
    struct staging *st = &d->stage[account];
    enum staged_at to = d->stage_move.to;
    if (!d->stage_move.changed || d->stage_move.order)
        return;
    st->is = d->stage_next;
    st->policy = (uint8_t)d->cfg.stages;
    d->n.stages_ended += to == STAGED_HEALTHY || to == STAGED_WARNED || to == STAGED_CLOSED;
    // Lost with a crash, it is found again at the first look.
    (void)write_down(d, book_id(d->book, account), st);
}

bool desk_stage_out(struct desk *d, size_t account)
{
    const struct staging next = {.is = d->stage_next,
                                 .before = d->stage[account].is,
                                 .epoch = d->out.key.epoch,
                                 .revision = d->out.key.revision,
                                 .policy = (uint8_t)d->cfg.stages,
                                 .open = true};
    uint64_t lsn = write_down(d, d->out.key.account, &next);
    // After a crash nobody else knows that a part has left: also a ready order, whose bytes are on disk,
    // waits.
    if (lsn > d->out.lsn)
        d->out.lsn = lsn;
    return lsn != 0;
}

void desk_stage_sent(struct desk *d, size_t account, bool sent)
{
    struct staging *st = &d->stage[account];
    if (!sent) { // what desk_stage_out() has written down did not come to pass
        (void)write_down(d, d->out.key.account, st);
        return;
    }
    st->before = st->is;
    st->is = d->stage_next;
    st->epoch = d->out.key.epoch;
    st->revision = d->out.key.revision;
    st->policy = (uint8_t)d->cfg.stages;
    st->open = true;
    d->n.stage[d->stage_move.to]++;
}

void desk_stage_reply(struct desk *d, size_t account, const struct order_reply *r)
{
    struct staging *st = &d->stage[account];
    bool known = r->status == ORDER_FILLED || r->status == ORDER_REFUSED || r->status == ORDER_UNKNOWN;
    if (!known || !st->open || r->key.desk != d->cfg.desk || r->key.epoch != st->epoch ||
        r->key.revision != st->revision)
        return;
    d->n.stages_undone += r->status != ORDER_FILLED;
    stage_settled(st, r->status == ORDER_FILLED);
}

void desk_look(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_view(d->book, account);
    if (!desk_staged_of(d, a) || d->state[account].in_flight)
        return; // what the order does comes with its reply
    if (desk_stage_size(d, account, a, px, now_ns) == DESK_STAGED)
        desk_stage_take(d, account);
}

int64_t desk_stake_staged(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_view(d->book, account);
    if (!desk_staged_of(d, a))
        return desk_stake(d, account, px, now_ns);
    if (d->state[account].in_flight || d->killed)
        return 0;
    enum desk_answer why = desk_stage_size(d, account, a, px, now_ns);
    return why == DESK_SENT ? desk_ranked(d, a, px, d->size.leg, d->size.n, i256_to_i64(d->size.value),
                                          desk_saturate(d->size.reward))
           : why == DESK_LIMIT_ORDER ? INT64_MAX
                                     : 0;
}

void desk_restore_stage(struct desk *d, size_t account, const struct staging *st)
{
    assert(account < d->book->n_accounts);
    if (d->stage && st->policy == d->cfg.stages)
        d->stage[account] = *st;
}

const struct staging *desk_stage(const struct desk *d, size_t account)
{
    assert(account < d->book->n_accounts);
    return d->stage ? &d->stage[account] : NULL;
}
