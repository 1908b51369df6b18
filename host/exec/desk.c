// SPDX-License-Identifier: Apache-2.0
#include "exec/desk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "exec/ahead.h"
#include "exec/limits.h"
#include "exec/marks.h"
#include "exec/ready.h"
#include "exec/staked.h"

#define BACKOFF_NS UINT64_C(100000000)
enum { BACKOFF_DOUBLINGS = 6, SOON = 4 };

// What the desk remembers of an account. Keys in use are always of `epoch`; `revision` is the last one given
// out. While an order is in flight the book's epoch may be newer: it is taken up with the next order.
struct account_state {
    uint32_t epoch, revision;
    uint32_t ready;  // name in the pool
    uint32_t staked; // name in the pool of sizes kept
    uint32_t flight_revision;
    bool in_flight;
    uint8_t refusals;     // in a row
    int64_t flight_value; // as the limits counted it
    uint64_t fired_ns, retry_ns;
};

struct desk {
    struct desk_config cfg;
    struct book *book;
    struct gateway *gw;
    struct desk_log log;
    struct limits limits;
    struct ready_pool pool;
    struct staked_pool staked;
    struct ahead ahead;
    struct account_state *state;
    struct desk_counters n;
    bool killed;
    size_t soon[SOON]; // the accounts that desk_soon() named last
    unsigned n_soon;
    // scratch of one call, here because it is too large for a hot stack
    int64_t px[MARKET_ASSETS_MAX];
    struct order_size size;
    struct marks_assets assets;
    struct order order;
    struct account account; // a settlement's
    struct account scratch; // unpacked from the book
    struct settlement settlement;
    struct gateway_order out;
    uint8_t record[READY_RECORD_MAX];
};

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
    d->state = calloc(room ? room : 1, sizeof *d->state);
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
    free(d->state);
    free(d);
}

static enum desk_answer answer(struct desk *d, enum desk_answer a)
{
    d->n.answer[a]++;
    return a;
}

static void drop_ready(struct desk *d, struct account_state *st)
{
    if (st->ready == READY_NONE)
        return;
    ready_give(&d->pool, st->ready);
    st->ready = READY_NONE;
    d->n.ready_retired++;
}

// Takes up the account's present epoch; false when its state is older than what was already acted on.
static bool same_epoch(struct desk *d, struct account_state *st, const struct account *a)
{
    if (a->epoch < st->epoch)
        return false;
    if (a->epoch > st->epoch) {
        drop_ready(d, st);
        st->epoch = a->epoch;
        st->revision = 0;
        st->refusals = 0;
        st->retry_ns = 0;
    }
    return st->revision != UINT32_MAX; // keys of this epoch are used up
}

static int64_t saturate(i256 v)
{
    if (i256_sign(v) < 0)
        return i256_fits_i64(v) ? i256_to_i64(v) : INT64_MIN;
    return i256_fits_i64(v) ? i256_to_i64(v) : INT64_MAX;
}

// A value that int64 cannot hold (9.2e10 units) exceeds every limit, set or not.
static bool value_representable(const struct order_size *s)
{
    return i256_sign(s->value) >= 0 && i256_fits_i64(s->value);
}

static void order_from_size(struct desk *d, struct account_state *st, const struct account *a,
                            const struct order_size *s, struct order *o)
{
    o->key = (struct order_key){d->cfg.desk, a->id, st->epoch, ++st->revision};
    o->full = s->full;
    o->n = s->n;
    memcpy(o->leg, s->leg, s->n * sizeof s->leg[0]);
    o->value_e8 = saturate(s->value);
    o->reward_e8 = saturate(s->reward);
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

static bool all_priced(const struct marks_assets *s, const int64_t *px)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (px[s->asset[i]] <= 0)
            return false;
    }
    return true;
}

static void remember_prices(struct ready *r, const struct marks_assets *s, const int64_t *px)
{
    r->assets = *s;
    for (unsigned i = 0; i < s->n; i++)
        r->checked_px[i] = px[s->asset[i]];
}

void desk_prepare(struct desk *d, size_t account, const int64_t *px)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_account(d->book, account, &d->scratch);
    const struct market *m = &d->book->market;
    struct account_state *st = &d->state[account];
    if (st->in_flight || !same_epoch(d, st, a))
        return;
    if (st->ready && !ready_moved(ready_at(&d->pool, st->ready), px, d->cfg.ready_tolerance_ppm))
        return;
    struct marks_assets s;
    if (marks_of(m, a, &s) || !all_priced(&s, px))
        return;
    if (marks_breach(m, a, &s, px, d->px) < 0 || a->rule->size(m, a, d->px, &d->cfg.size, &d->size) ||
        !value_representable(&d->size)) {
        drop_ready(d, st); // what it was made for no longer exists
        return;
    }
    if (st->ready &&
        ready_close(&ready_at(&d->pool, st->ready)->order, &d->size, d->cfg.ready_tolerance_ppm)) {
        remember_prices(ready_at(&d->pool, st->ready), &s, px);
        return;
    }
    drop_ready(d, st);
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
    remember_prices(r, &s, px);
    st->ready = name;
    d->n.ready_made++;
}

void desk_retire(struct desk *d, size_t account)
{
    assert(account < d->book->n_accounts);
    drop_ready(d, &d->state[account]);
}

// May the ready order go in place of the exact one? Near enough, and the rule itself takes it at these
// prices: a quantity a little off can be illegal (dust left behind, close factor) where the exact one is not.
// A smaller one is also good when it cures the account: it is on disk, so it goes now, where the exact one
// would have to wait; the account is armed again and gets another order should the price go on.
static bool ready_usable(struct desk *d, const struct account *a, const struct order *o, const int64_t *px)
{
    bool close = ready_close(o, &d->size, d->cfg.ready_tolerance_ppm);
    if (!close && !ready_below(o, &d->size))
        return false;
    account_copy(&d->account, a);
    if (a->rule->settle(&d->book->market, &d->account, px, o->leg, o->n, &d->settlement, NULL) != 0)
        return false;
    if (close)
        return true;
    struct health h;
    a->rule->health(&d->book->market, &d->account, px, &h);
    return !h.liquidatable;
}

// What the limits count: the larger of what was sized beforehand and what it is worth now.
static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum desk_answer check_money(struct desk *d, int64_t value_e8, int64_t reward_e8, uint64_t now_ns)
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
    return DESK_SENT;
}

static void fill_out(struct desk *d, const int64_t *px)
{
    const struct marks_assets *s = &d->assets;
    d->out.second = d->book->market.now_s;
    d->out.n_marks = s->n;
    for (unsigned i = 0; i < s->n; i++)
        d->out.mark[i] = (struct gateway_mark){s->asset[i], px[s->asset[i]]};
}

// Puts the bytes of the order into d->out, ready or cold; false when they could not be logged.
static bool make_out(struct desk *d, struct account_state *st, const struct account *a, struct ready *r)
{
    if (r) {
        d->out.key = r->order.key;
        d->out.lsn = r->lsn;
        d->out.n_bytes = r->n_bytes;
        memcpy(d->out.bytes, r->bytes, r->n_bytes);
        ready_give(&d->pool, st->ready);
        st->ready = READY_NONE;
        d->n.ready_used++;
        return true;
    }
    drop_ready(d, st);
    order_from_size(d, st, a, &d->size, &d->order);
    d->out.key = d->order.key;
    d->out.lsn = log_order(d, &d->order, d->out.bytes, &d->out.n_bytes);
    if (d->out.lsn == 0)
        return false;
    d->n.cold++;
    return true;
}

static void count_handed_over(struct desk *d, int64_t value_e8, int64_t reward_e8)
{
    limits_take(&d->limits, value_e8);
    d->n.window_merged = d->limits.merged;
    d->n.outstanding++;
    d->n.value_e8 = saturate(i256_add(i256_from_i64(d->n.value_e8), i256_from_i64(value_e8)));
    d->n.reward_e8 = saturate(i256_add(i256_from_i64(d->n.reward_e8), i256_from_i64(reward_e8)));
}

// Checks before anything is calculated.
static enum desk_answer check_first(struct desk *d, struct account_state *st, const struct account *a,
                                    uint64_t now_ns)
{
    if (st->in_flight)
        return DESK_BUSY;
    if (d->killed)
        return DESK_KILLED;
    if (!same_epoch(d, st, a))
        return DESK_EPOCH;
    if (now_ns < st->retry_ns)
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
    if (!all_priced(&d->assets, px))
        return DESK_PRICE_AGE; // no price at all is infinitely old
    if (a->rule->size(&d->book->market, a, px, &d->cfg.size, &d->size))
        return DESK_NO_SIZE;
    return value_representable(&d->size) ? DESK_SENT : DESK_LIMIT_ORDER;
}

static void drop_staked(struct desk *d, struct account_state *st)
{
    if (st->staked != STAKED_NONE)
        staked_give(&d->staked, st->staked);
    st->staked = STAKED_NONE;
}

void desk_ahead(struct desk *d, size_t account, const int64_t *px)
{
    assert(account < d->book->n_accounts);
    if (d->killed || d->state[account].in_flight)
        return; // desk_stake() will not size it
    const struct account *a = book_account(d->book, account, &d->scratch);
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
    const struct account *a = book_account(d->book, account, &d->scratch);
    struct account_state *st = &d->state[account];
    drop_staked(d, st);
    if (check_first(d, st, a, now_ns) != DESK_SENT)
        return 0;
    bool sized = ahead_read(&d->ahead, account, a->epoch, px, &d->size, &d->assets);
    switch (sized ? DESK_SENT : size_now(d, a, px)) {
    case DESK_SENT:
        break;
    case DESK_LIMIT_ORDER:
        return INT64_MAX;
    default:
        return 0;
    }
    st->staked = staked_keep(&d->staked, a->epoch, &d->size, &d->assets, px);
    d->n.staked_full += st->staked == STAKED_NONE;
    return i256_to_i64(d->size.value);
}

void desk_soon(struct desk *d, size_t account)
{
    __builtin_prefetch(&d->state[account], 1);
    // By now the state of the one named SOON calls ago is here, and tells where its size is kept.
    size_t *before = &d->soon[d->n_soon++ % SOON];
    const char *kept = staked_at(&d->staked, d->state[*before].staked);
    __builtin_prefetch(kept);
    __builtin_prefetch(kept + 64);
    __builtin_prefetch(kept + 128);
    *before = account;
}

// The size at px, the one kept if it was made for the same.
static enum desk_answer size_kept(struct desk *d, struct account_state *st, const struct account *a,
                                  const int64_t *px)
{
    bool kept =
        st->staked != STAKED_NONE && staked_read(&d->staked, st->staked, a->epoch, px, &d->size, &d->assets);
    drop_staked(d, st);
    return kept ? DESK_SENT : size_now(d, a, px);
}

enum desk_answer desk_fire(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns,
                           uint64_t oldest_price_age_ns)
{
    assert(account < d->book->n_accounts);
    const struct account *a = book_account(d->book, account, &d->scratch);
    struct account_state *st = &d->state[account];
    enum desk_answer why = check_first(d, st, a, now_ns);
    if (why == DESK_SENT && d->cfg.max_price_age_ns && oldest_price_age_ns > d->cfg.max_price_age_ns)
        why = DESK_PRICE_AGE;
    if (why == DESK_SENT)
        why = size_kept(d, st, a, px);
    else
        drop_staked(d, st);
    if (why != DESK_SENT)
        return answer(d, why);

    struct ready *r = st->ready ? ready_at(&d->pool, st->ready) : NULL;
    if (r && !ready_usable(d, a, &r->order, px)) {
        d->n.ready_unfit++;
        r = NULL;
    }
    int64_t value = saturate(d->size.value), reward = saturate(d->size.reward);
    if (r) {
        value = larger(value, r->order.value_e8);
        reward = smaller(reward, r->order.reward_e8);
    }
    why = check_money(d, value, reward, now_ns);
    if (why != DESK_SENT)
        return answer(d, why);

    bool full = d->size.full; // a ready order that fits is of the same kind
    bool from_ready = r != NULL;
    if (!make_out(d, st, a, r))
        return answer(d, DESK_NOT_LOGGED);
    fill_out(d, px);
    if (d->gw->ops->submit(d->gw, &d->out))
        why = DESK_RING_FULL;
    struct order_record rec = {d->out.key, full, from_ready, (uint8_t)why, value, reward};
    uint8_t buf[ORDER_RECORD_BYTES];
    order_record_encode(&rec, buf);
    // Not needed for P6 (the bytes are in J_READY), so its own LSN matters to nobody.
    (void)d->log.put(d->log.ctx, J_ORDER, buf, sizeof buf);
    if (why == DESK_SENT) {
        st->in_flight = true;
        st->flight_revision = d->out.key.revision;
        st->flight_value = value;
        st->fired_ns = now_ns;
        count_handed_over(d, value, reward);
    }
    return answer(d, why);
}

static bool sound_account(const struct desk *d, const struct order_reply *r)
{
    return r->has_account && r->account.id == r->key.account && r->account.epoch > r->key.epoch &&
           r->account.rule && account_validate(&d->book->market, &r->account, NULL) == 0;
}

// An order that came to nothing: its value is given back to the limit on the whole run (not to the minute's,
// which is there to slow things down), and the account waits 0.1 s of stream time before the next, doubling
// up to 6.4 s.
static void came_to_nothing(struct desk *d, struct account_state *st)
{
    limits_give_back(&d->limits, st->flight_value);
    st->retry_ns = st->fired_ns + (BACKOFF_NS << st->refusals);
    if (st->refusals < BACKOFF_DOUBLINGS)
        st->refusals++;
}

size_t desk_reply(struct desk *d, const struct order_reply *r)
{
    size_t i = book_find(d->book, r->key.account);
    struct account_state *st = i == SIZE_MAX ? NULL : &d->state[i];
    bool ours = st && st->in_flight && r->key.desk == d->cfg.desk && r->key.epoch == st->epoch &&
                r->key.revision == st->flight_revision;
    bool filled = r->status == ORDER_FILLED;
    // A fill whose account does not hold up, or finds no memory, is not applied: the order stays in flight,
    // so nothing more goes out for that account until a recovery asks again.
    bool newest = ours && filled && r->account.epoch >= book_account(d->book, i, &d->scratch)->epoch;
    if (!ours || (filled && !sound_account(d, r)) ||
        (newest && book_put(d->book, i, &r->account, NULL) != 0)) {
        d->n.unknown++;
        return SIZE_MAX;
    }
    st->in_flight = false;
    d->n.outstanding--;
    if (filled) {
        d->n.filled++;
        if (newest)
            (void)same_epoch(d, st, &r->account);
    } else if (r->status == ORDER_UNKNOWN) {
        d->n.fenced++;
        came_to_nothing(d, st);
    } else {
        d->n.refused++;
        came_to_nothing(d, st);
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
    drop_ready(d, &d->state[i]);
    drop_staked(d, &d->state[i]);
    return TOLD_TAKEN;
}

enum desk_told desk_told(struct desk *d, const struct account *a, size_t accounts_max, size_t *account)
{
    enum desk_told t = take_told(d, a, accounts_max, account);
    d->n.told[t]++;
    return t;
}

bool desk_in_flight(const struct desk *d, size_t account)
{
    assert(account < d->book->n_accounts);
    return d->state[account].in_flight;
}

void desk_restore_spent(struct desk *d, int64_t value_e8)
{
    if (value_e8 > 0)
        d->limits.total_e8 += value_e8;
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

void desk_restore(struct desk *d, size_t account, uint32_t epoch, uint32_t last_revision)
{
    assert(account < d->book->n_accounts);
    struct account_state *st = &d->state[account];
    if (epoch > st->epoch) {
        drop_ready(d, st);
        st->epoch = epoch;
        st->revision = last_revision;
    } else if (epoch == st->epoch && last_revision > st->revision) {
        st->revision = last_revision;
    }
}
