// SPDX-License-Identifier: Apache-2.0
// Orders from their hand-over until they are sent: offered, ready, cold, waiting for a disk or a key,
// refused.
#include <stdarg.h>
#include <stdio.h>

#include "accounts/pair.h"
#include "exec/evm/gateway_evm_inside.h"

enum { OFFERS_A_TURN = 16 };
#define COLD_WORTH (UINT64_C(1) << 62) // above all that is only ready
#define AMOUNT_ALL ((i128)1 << 112)    // named for more than any debt (exit/worth.h)

// ---- entries

struct entry *entry_new(struct evm_gateway *g)
{
    if (g->n_free == 0)
        return NULL;
    uint16_t i = g->free_entry[--g->n_free];
    g->active[g->n_active++] = i;
    g->entry[i] = (struct entry){.name = SIGNED_NONE, .work = NO_WORK, .batch = NO_BATCH};
    return &g->entry[i];
}

void entry_go(struct evm_gateway *g, struct entry *e, enum entry_state to)
{
    int bars = (int)entry_may_bar(to) - (int)entry_may_bar(e->state);
    if (e->has_user)
        g->seen[user_seen(&e->user)] = (uint16_t)(g->seen[user_seen(&e->user)] + bars);
    e->state = to;
    g->untold |= to == ENTRY_MINED || to == ENTRY_OVER || e->told_mining;
}

void entry_free(struct evm_gateway *g, size_t active)
{
    uint16_t i = g->active[active];
    entry_go(g, &g->entry[i], ENTRY_FREE);
    memmove(&g->active[active], &g->active[active + 1], (g->n_active - active - 1) * sizeof *g->active);
    g->n_active--;
    g->free_entry[g->n_free++] = i;
}

static void free_work(struct evm_gateway *g, struct entry *e)
{
    if (e->work != NO_WORK)
        g->free_work[g->n_free_work++] = (uint16_t)e->work;
    e->work = NO_WORK;
}

void order_unready(struct evm_gateway *g, struct entry *e)
{
    const struct signed_entry *en = signed_at(sender_orders(g->sender), e->name);
    if (en && order_key_cmp(&en->o.key, &e->key) == 0)
        signed_drop(sender_orders(g->sender), e->name);
    e->name = SIGNED_NONE;
    e->cold = false;
}

void entry_refuse(struct evm_gateway *g, struct entry *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(e->reason, sizeof e->reason, fmt, args);
    va_end(args);
    free_work(g, e);
    order_unready(g, e);
    e->batch = NO_BATCH;
    entry_go(g, e, ENTRY_OVER);
}

bool user_of(const struct evm_gateway *g, const struct order_key *k, struct evm_address *out)
{
    static const struct evm_address none;
    size_t id = pair_id(k->account);
    if (id >= g->c.users->n || address_equal(&g->c.users->at[id], &none))
        return false;
    *out = g->c.users->at[id];
    return true;
}

// On its way, or in a block whose states the session did not have when it asked (replies_tell): of an order
// of an earlier run it does not know, and asks for more on what was (P6).
static bool bars(const struct entry *e, uint64_t applied)
{
    bool news = e->mute ? applied < e->mined.block : e->told_mining != e->mining;
    return e->has_user && (e->state == ENTRY_WAITS || e->state == ENTRY_SENT ||
                           (e->state == ENTRY_MINED && e->mined.success && news));
}

static bool barred(const struct evm_gateway *g, const struct evm_address *user)
{
    if (g->seen[user_seen(user)] == 0)
        return false;
    uint64_t applied = __atomic_load_n(&g->applied, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < g->n_active; i++) {
        const struct entry *e = &g->entry[g->active[i]];
        if (bars(e, applied) && address_equal(&e->user, user))
            return true;
    }
    return false;
}

// ---- an order as a call of the contract

static int token_of(const struct evm_gateway *g, unsigned instrument, struct evm_address *out, struct err *e)
{
    if (instrument >= g->c.n_tokens)
        return err_set(e, "instrument %u has no token", instrument);
    *out = g->c.token[instrument];
    return 0;
}

static int make_item(const struct evm_gateway *g, const struct handed *h, const struct evm_address *user,
                     uint8_t *buf, struct flash_item *item, struct err *e)
{
    struct order o;
    const struct gateway_terms *t = &h->terms;
    if (order_decode(h->bytes, h->n_bytes, &o) || order_key_cmp(&o.key, &h->key) != 0 || o.n != 2)
        return err_set(e, "its bytes are not a debt and a collateral");
    struct flash_order f = {.user = *user,
                            .amount = word_from_u128((u128)o.leg[0].qty),
                            .min_profit = word_from_u128(t->least_profit),
                            .flags = (uint8_t)(g->c.flags | (t->predicted ? FLASH_CHECK_HEALTH : 0))};
    // A loan of all that is owed, with the premium on it: named exactly, it costs less.
    if (o.full && o.leg[0].qty >= AMOUNT_ALL)
        f.amount = FLASH_ALL;
    if (token_of(g, o.leg[0].instrument, &f.debt, e) || token_of(g, o.leg[1].instrument, &f.collateral, e))
        return -1;
    if (!address_equal(&f.debt, &f.collateral)) {
        f.router = g->c.router;
        for (; f.n_via < t->n_via && f.n_via < GATEWAY_VIA_MAX; f.n_via++)
            if (token_of(g, t->via[f.n_via], &f.via[f.n_via], e))
                return -1;
    }
    return flash_item(&f, buf, FLASH_ITEM_MAX, item, e);
}

bool item_of(struct evm_gateway *g, struct entry *e)
{
    struct err why;
    struct work *w = &g->work[e->work];
    if (w->made)
        return true;
    if (make_item(g, &w->h, &e->user, w->bytes, &w->item, &why)) {
        entry_refuse(g, e, "not sent: %.80s", why.msg);
        return false;
    }
    return w->made = true;
}

struct signed_order order_of(const struct evm_gateway *g, uint64_t tip, uint64_t gas)
{
    struct signed_order o = {.to = g->c.contract,
                             .gas = gas,
                             .data = g->data,
                             .expires_ns = g->now + g->c.expires_ns,
                             .n_tips = g->c.n_tips};
    for (unsigned i = 0; i < g->c.n_tips; i++)
        o.tip[i] = (u128)tip * g->c.tip_ppm[i] / 1000000;
    return o;
}

// ---- offers

// The ready order of this key, or with `account_only` of its account.
static uint32_t offered_name(const struct evm_gateway *g, const struct order_key *k, bool account_only)
{
    for (uint32_t i = 0; i < g->orders_max; i++) {
        const struct order_key *o = &g->offered[i];
        if (o->account != k->account || (account_only ? o->desk != k->desk : order_key_cmp(o, k) != 0))
            continue;
        const struct signed_entry *en = signed_at(sender_orders(g->sender), i);
        if (en && order_key_cmp(&en->o.key, o) == 0) // it may have expired, and the name be another's
            return i;
    }
    return SIGNED_NONE;
}

static uint64_t worth_of(const struct gateway_terms *t)
{
    return t->worth_e8 < 0                          ? 0
           : (uint64_t)t->worth_e8 > COLD_WORTH / 2 ? COLD_WORTH / 2
                                                    : (uint64_t)t->worth_e8;
}

static void forget_offer(struct evm_gateway *g, uint32_t name)
{
    g->offered[name] = (struct order_key){0};
}

static void take_offer(struct evm_gateway *g, const struct handed *h)
{
    uint8_t buf[FLASH_ITEM_MAX];
    struct flash_item item;
    struct evm_address user;
    struct err why;
    if (!user_of(g, &h->key, &user) || make_item(g, h, &user, buf, &item, &why))
        return; // it is told when it is handed over
    struct signed_order o = order_of(g, h->terms.tip, h->terms.gas);
    o.key = h->key;
    o.worth = worth_of(&h->terms);
    o.n_data = flash_single(&item, g->data, g->bytes_max);
    uint32_t was = offered_name(g, &h->key, true);
    uint32_t name = signed_offer(sender_orders(g->sender), was, &o, &why);
    if (name == SIGNED_NONE && was != SIGNED_NONE)
        forget_offer(g, was);
    if (name == SIGNED_NONE)
        return;
    g->offered[name] = h->key;
    g->n.offered++;
}

static void take_drop(struct evm_gateway *g, const struct handed *h)
{
    uint32_t name = offered_name(g, &h->key, false);
    if (name == SIGNED_NONE)
        return;
    signed_drop(sender_orders(g->sender), name);
    forget_offer(g, name);
}

// ---- orders

static void take_order(struct evm_gateway *g, struct entry *e, const struct handed *h)
{
    e->own = true;
    e->key = h->key;
    e->at_ns = h->at_ns;
    e->lsn = h->lsn;
    e->why = "it is not signed";
    e->name = offered_name(g, &h->key, false);
    if (e->name != SIGNED_NONE)
        forget_offer(g, e->name);
    // Nobody knew when it was offered that it would leave on a prediction: without the check it must not.
    if (e->name != SIGNED_NONE && h->terms.predicted && !(g->c.flags & FLASH_CHECK_HEALTH)) {
        signed_drop(sender_orders(g->sender), e->name);
        e->name = SIGNED_NONE;
    }
    struct evm_address user;
    if (!user_of(g, &h->key, &user)) {
        entry_refuse(g, e, "not sent: the account's address is not known");
        return;
    }
    if (barred(g, &user)) {
        g->n.busy++;
        entry_refuse(g, e, "an earlier order of this account is on its way");
        return;
    }
    e->user = user;
    e->has_user = true;
    e->work = g->free_work[--g->n_free_work]; // there are as many as may be outstanding
    struct work *w = &g->work[e->work];
    w->made = false;
    memcpy(&w->h, h, offsetof(struct handed, bytes) + h->n_bytes);
    entry_go(g, e, ENTRY_WAITS);
    g->waiting[g->n_waiting++] = (uint16_t)(e - g->entry);
}

bool orders_take(struct evm_gateway *g)
{
    const struct handed *h;
    unsigned offers = 0, orders = 0;
    while (offers < OFFERS_A_TURN && (h = spsc_peek(&g->in))) {
        if (h->kind == HANDED_ORDER) {
            struct entry *e = entry_new(g);
            if (!e)
                break;
            take_order(g, e, h);
            orders++;
        } else if (orders) {
            break; // what was taken is sent first
        } else {
            offers++;
            if (h->kind == HANDED_OFFER)
                take_offer(g, h);
            else
                take_drop(g, h);
        }
        spsc_release(&g->in);
    }
    return offers + orders > 0;
}

// Room for one more, at the cost of the ready order of least worth.
static bool make_room(struct evm_gateway *g)
{
    struct signed_pool *p = sender_orders(g->sender);
    size_t n = signed_ranked(p, g->names, g->orders_max);
    if (n < g->orders_max)
        return true;
    uint32_t last = g->names[n - 1];
    if (signed_at(p, last)->o.worth >= COLD_WORTH)
        return false;
    signed_drop(p, last);
    forget_offer(g, last);
    return true;
}

uint32_t order_offer(struct evm_gateway *g, uint32_t name, struct signed_order *o, uint64_t worth,
                     struct err *e)
{
    (void)err_set(e, "no room");
    o->worth = COLD_WORTH + worth;
    o->expires_ns = g->now + g->c.expires_ns;
    if (name == SIGNED_NONE && !make_room(g))
        return SIGNED_NONE;
    return signed_offer(sender_orders(g->sender), name, o, e);
}

// Before all others that are only ready: as it is in the pool, or made now.
static void make_cold(struct evm_gateway *g, struct entry *e)
{
    struct err why;
    struct work *w = &g->work[e->work];
    const struct signed_entry *en = signed_at(sender_orders(g->sender), e->name);
    struct signed_order o;
    if (en && order_key_cmp(&en->o.key, &e->key) == 0) {
        if (e->cold)
            return;
        o = en->o;
    } else {
        e->name = SIGNED_NONE;
        if (!item_of(g, e))
            return;
        o = order_of(g, w->h.terms.tip, w->h.terms.gas);
        o.key = e->key;
        o.n_data = flash_single(&w->item, g->data, g->bytes_max);
    }
    e->name = order_offer(g, e->name, &o, worth_of(&w->h.terms), &why);
    e->cold = e->name != SIGNED_NONE;
    e->why = e->cold ? "no key could sign it in time" : "no room among what is signed";
}

enum fire_answer order_fire(struct evm_gateway *g, uint32_t name, size_t *sender, uint64_t *nonce)
{
    struct signed_pool *p = sender_orders(g->sender);
    const struct signed_tx *x = signed_ready(p, name, g->c.level, g->base_fee, g->now);
    if (!x)
        return FIRE_NOT_READY;
    *sender = (size_t)signed_at(p, name)->sender;
    *nonce = x->nonce;
    enum fire_answer a = sender_fire(g->sender, name, g->c.level, g->relay != NULL, g->now);
    if (a == FIRE_NO_NODE && g->relay && !g->c.private_only)
        a = sender_fire(g->sender, name, g->c.level, false, g->now);
    return a;
}

void order_gone(struct evm_gateway *g, struct entry *e, size_t place, size_t sender, uint64_t nonce)
{
    uint64_t now = g->ground.clock();
    e->sent_after_ns = now > e->at_ns ? now - e->at_ns : 1;
    e->place = place;
    e->sender = sender;
    e->nonce = nonce;
    e->looked |= e->cold || e->batch != NO_BATCH; // it had to be signed, and waited for that to be on disk
    e->name = SIGNED_NONE;
    e->batch = NO_BATCH;
    free_work(g, e);
    entry_go(g, e, ENTRY_SENT);
    g->g.sent++;
}

// Whether it needs no key any more.
static bool try_fire(struct evm_gateway *g, struct entry *e)
{
    size_t sender;
    uint64_t nonce;
    const struct signed_entry *en = signed_at(sender_orders(g->sender), e->name);
    if (!en || order_key_cmp(&en->o.key, &e->key) != 0)
        return false;
    switch (order_fire(g, e->name, &sender, &nonce)) {
    case FIRE_SENT:
        *(e->cold ? &g->n.cold_sent : &g->n.ready_sent) += 1;
        order_gone(g, e, 0, sender, nonce);
        return true;
    case FIRE_REFUSED:
        entry_refuse(g, e, "not sent: the kill switch is on");
        return true;
    case FIRE_NO_NODE:
        e->why = "no node takes it";
        return false;
    case FIRE_FULL:
        e->why = "too many transactions are on their way";
        return false;
    default:
        return false;
    }
}

bool too_old(const struct evm_gateway *g, const struct entry *e)
{
    return g->now > e->at_ns && g->now - e->at_ns > (uint64_t)g->c.max_wait_ms * 1000000;
}

// What waits and may leave now, in the order of hand-over; the rest is refused or waits on.
static size_t choose(struct evm_gateway *g)
{
    size_t n = 0, left = 0;
    uint64_t durable = g->c.durable ? g->c.durable(g->c.durable_ctx) : UINT64_MAX;
    bool killed = g->c.killed && g->c.killed(g->c.killed_ctx);
    for (size_t i = 0; i < g->n_waiting; i++) {
        struct entry *e = &g->entry[g->waiting[i]];
        if (e->state != ENTRY_WAITS)
            continue; // it left with its batch
        if (killed && e->batch == NO_BATCH) {
            entry_refuse(g, e, "not sent: the kill switch is on");
            continue;
        }
        if (too_old(g, e) && e->batch == NO_BATCH) {
            g->g.expired++;
            entry_refuse(g, e, "not sent: it waited for more than %u ms: %s", g->c.max_wait_ms,
                         e->lsn > durable ? "its record is not on disk" : e->why);
            continue;
        }
        g->waiting[left++] = g->waiting[i];
        g->g.waited_durable += e->lsn > durable && !e->looked;
        e->looked |= e->lsn > durable;
        if (e->lsn <= durable && e->batch == NO_BATCH)
            g->going[n++] = g->waiting[i];
    }
    g->n_waiting = left;
    return n;
}

static size_t keys_free(const struct evm_gateway *g)
{
    const struct wallet *w = sender_wallet(g->sender);
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += wallet_free_to_send(w, i);
    return n > g->n_batches ? n - g->n_batches : 0;
}

void orders_send(struct evm_gateway *g)
{
    if (g->n_waiting == 0)
        return;
    batch_step(g);
    size_t n = choose(g), keys = keys_free(g), singles = keys, batches = 0, rest = 0;
    if (n > keys)
        batch_plan(g, keys, n, &singles, &batches);
    for (size_t i = 0; i < n; i++) { // what is ready leaves first
        struct entry *e = &g->entry[g->going[i]];
        if (singles && try_fire(g, e))
            singles -= e->state == ENTRY_SENT;
        else
            g->going[rest++] = g->going[i];
    }
    size_t at = 0;
    for (; at < rest && singles; at++, singles--)
        make_cold(g, &g->entry[g->going[at]]);
    while (at < rest && batches--)
        at += batch_make(g, g->going + at, rest - at);
    for (; at < rest; at++)
        g->entry[g->going[at]].why = "no key was free";
    size_t left = 0; // an entry may be another order's by the next time
    for (size_t i = 0; i < g->n_waiting; i++)
        if (g->entry[g->waiting[i]].state == ENTRY_WAITS)
            g->waiting[left++] = g->waiting[i];
    g->n_waiting = left;
}
