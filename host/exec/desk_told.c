// SPDX-License-Identifier: Apache-2.0
// What the desk is told: replies to its orders, accounts' states that no order of its brought, and what an
// earlier run has used up.
#include "exec/desk_inside.h"

#define BACKOFF_NS UINT64_C(100000000)

enum { BACKOFF_DOUBLINGS = 6, BACKOFF_PAID = 4, BACKOFF_PAID_MAX = 16 }; // paid: cost gas

static bool sound_account(const struct desk *d, const struct order_reply *r)
{
    return r->has_account && r->account.id == r->key.account && r->account.epoch > r->key.epoch &&
           r->account.rule && account_validate(&d->book->market, &r->account, NULL) == 0;
}

// Does the last order's value count against the whole run? Not where it came to nothing.
static void flight_counts(struct desk *d, struct account_state *st, bool counts)
{
    if (counts && st->flight_void)
        limits_take_again(&d->limits, st->flight_value);
    else if (!counts && !st->flight_void)
        limits_give_back(&d->limits, st->flight_value);
    st->flight_void = !counts;
}

// An order that came to nothing: its value is given back to the limit on the whole run (not to the minute's,
// which is there to slow things down), and the account waits 0.1 s of stream time before the next, doubling
// up to 6.4 s, and after one that has cost gas sixteen times as long as before, up to 1.8 hours; one on a
// prediction has only predictions wait, not what is decided. To the predicted ones' budget only what cost
// nothing: a transaction that failed has had its gas, and the prediction may stand for long, in each block
// anew.
static void came_to_nothing(struct desk *d, struct account_state *st, bool paid)
{
    flight_counts(d, st, false);
    if (st->flight_predicted && !paid)
        limits_predicted_give_back(&d->limits, st->flight_value);
    if (st->wait_predicted && !st->flight_predicted)
        st->refusals = 0; // those were predictions'
    st->wait_predicted = st->flight_predicted;
    st->retry_ns = st->fired_ns + (BACKOFF_NS << st->refusals);
    if (paid && st->refusals < BACKOFF_PAID_MAX)
        st->refusals += BACKOFF_PAID;
    else if (!paid && st->refusals < BACKOFF_DOUBLINGS)
        st->refusals++;
}

size_t desk_reply(struct desk *d, const struct order_reply *r)
{
    size_t i = book_find(d->book, r->key.account);
    struct account_state *st = i == SIZE_MAX ? NULL : &d->state[i];
    bool ours = st && st->in_flight && r->key.desk == d->cfg.desk && r->key.epoch == st->epoch &&
                r->key.revision == st->flight_revision;
    bool filled = r->status == ORDER_FILLED, mined = r->status == ORDER_MINED;
    if (r->status == ORDER_UNDONE || (mined && !ours)) {
        if (st && !st->in_flight && r->key.desk == d->cfg.desk && r->key.epoch == st->flight_epoch &&
            r->key.revision == st->flight_revision)
            flight_counts(d, st, !mined || r->mined.success);
        d->n.undone += !mined;
        d->n.again += mined;
        return SIZE_MAX;
    }
    // A fill whose account does not hold up, or finds no memory, is not applied: the order stays in flight,
    // so nothing more goes out for that account until a recovery asks again.
    bool newest = ours && filled && r->account.epoch >= book_account(d->book, i, &d->scratch)->epoch;
    if (!ours || (filled && !sound_account(d, r)) ||
        (newest && book_put(d->book, i, &r->account, NULL) != 0)) {
        if (d->stage && !ours && i != SIZE_MAX && !st->in_flight)
            desk_stage_reply(d, i, r); // looked up after a crash
        d->n.unknown++;
        return SIZE_MAX;
    }
    st->in_flight = false;
    d->n.outstanding--;
    if (d->stage)
        desk_stage_reply(d, i, r);
    const bool done = filled || (mined && r->mined.success);
    if (d->taken)
        desk_taken_settles(d, i, done);
    if (done) {
        d->n.filled++;
        if (newest)
            (void)desk_same_epoch(d, st, &r->account);
    } else if (r->status == ORDER_UNKNOWN) {
        d->n.fenced++;
        came_to_nothing(d, st, false);
    } else {
        d->n.refused++;
        came_to_nothing(d, st, mined);
    }
    return i;
}

static enum desk_told take_told(struct desk *d, const struct account *a, size_t accounts_max, size_t *account)
{
    if (!a->rule || account_validate(&d->book->market, a, NULL) != 0)
        return TOLD_BAD;
    size_t i = *account = book_find(d->book, a->id);
    if (i == SIZE_MAX) {
        *account = d->book->n_accounts;
        return *account < accounts_max && book_add(d->book, a, NULL) == 0 ? TOLD_ADDED : TOLD_NO_ROOM;
    }
    if (a->epoch < book_account(d->book, i, &d->scratch)->epoch)
        return TOLD_OLD;
    if (book_put(d->book, i, a, NULL) != 0)
        return TOLD_NO_ROOM;
    // Also within one epoch: what was sized for the old state is not this one's.
    desk_drop_ready(d, &d->state[i]);
    desk_drop_staked(d, &d->state[i]);
    desk_worth_forget(d, &d->state[i]);
    d->state[i].unworth = 0;
    return TOLD_TAKEN;
}

enum desk_told desk_told(struct desk *d, const struct account *a, size_t accounts_max, size_t *account)
{
    enum desk_told t = take_told(d, a, accounts_max, account);
    d->n.told[t]++;
    return t;
}

void desk_restore_spent(struct desk *d, int64_t value_e8)
{
    if (value_e8 > 0)
        d->limits.total_e8 += value_e8;
}

void desk_restore(struct desk *d, size_t account, uint32_t epoch, uint32_t last_revision)
{
    assert(account < d->book->n_accounts);
    struct account_state *st = &d->state[account];
    if (epoch > st->epoch) {
        desk_drop_ready(d, st);
        st->epoch = epoch;
        st->revision = last_revision;
    } else if (epoch == st->epoch && last_revision > st->revision) {
        st->revision = last_revision;
    }
}
