// SPDX-License-Identifier: Apache-2.0
// What became of transactions, as replies: the sender's events move entries, and what an entry has to say is
// told as soon as there is room for it. Nothing is told that was not so, and nothing is forgotten.
#include <stdio.h>

#include "evm/hex.h"
#include "exec/evm/gateway_evm_inside.h"

#include <stdlib.h>

#define REASON_NS UINT64_C(3000000000) // a failure is told without its reason after so long
enum { LOG_DATA_MAX = 512, REASON_DATA_MAX = 512 };

// ---- at the start

static int index_of(const struct evm_gateway *g, const struct evm_address *sender)
{
    for (size_t i = 0; i < g->c.n_keys; i++)
        if (address_equal(key_address(g->c.key[i]), sender))
            return (int)i;
    return -1;
}

static bool known_flight(const struct evm_gateway *g, size_t sender, uint64_t nonce)
{
    for (size_t i = 0; i < g->n_active; i++)
        if (g->entry[g->active[i]].sender == sender && g->entry[g->active[i]].nonce == nonce)
            return true;
    return false;
}

static int recover_one(struct evm_gateway *g, const struct txlog_signed *t, struct err *e)
{
    struct evm_address user[FLASH_BATCH_MAX];
    struct tx_decoded d;
    size_t n_keys;
    int sender = index_of(g, &t->sender);
    if (sender < 0 || t->kind != TX_ORDER || known_flight(g, (size_t)sender, t->nonce))
        return 0; // the sender refuses another's keys
    if (tx_decode(t->raw, t->n, &d, e))
        return -1;
    size_t n = flash_users(d.tx.data, d.tx.n_data, user, FLASH_BATCH_MAX);
    const struct order_key *key = txlog_orders(g->log, &t->key, &n_keys);
    for (size_t i = 0; i < n || i == 0; i++) {
        struct entry *x = entry_new(g);
        if (!x)
            return err_set(e, "gateway: the log has more unsettled orders than %d", ENTRIES_MAX);
        x->old = true;
        x->mute = i > 0 && i >= n_keys;
        x->key = i == 0 ? t->key : x->mute ? (struct order_key){0} : key[i];
        x->has_user = i < n;
        if (i < n)
            x->user = user[i];
        else
            x->has_user = user_of(g, &t->key, &x->user);
        x->sender = (size_t)sender;
        x->nonce = t->nonce;
        x->place = i;
        entry_go(g, x, ENTRY_SENT);
    }
    return 0;
}

static void count_open(struct evm_gateway *g)
{
    uint64_t n = 0;
    for (size_t i = 0; i < g->n_active; i++) {
        const struct entry *e = &g->entry[g->active[i]];
        n += e->old && e->place == 0 && e->state == ENTRY_SENT;
    }
    __atomic_store_n(&g->open_flights, n, __ATOMIC_RELEASE);
}

int replies_recover(struct evm_gateway *g, struct err *e)
{
    size_t n;
    const struct txlog_found *t = txlog_found(g->log, &n);
    for (size_t i = 0; i < n; i++)
        if (recover_one(g, &t[i].tx, e))
            return -1;
    count_open(g);
    g->earlier = calloc(g->n_active + 1, sizeof *g->earlier);
    if (!g->earlier)
        return err_set(e, "gateway: out of memory");
    for (size_t i = 0; i < g->n_active; i++) {
        const struct entry *x = &g->entry[g->active[i]];
        g->earlier_unknown |= x->mute;
        if (!x->mute)
            g->earlier[g->n_earlier++] = x->key;
    }
    return 0;
}

// ---- receipts

// 0 where the receipt does not say.
static u128 quantity(struct rpc_span receipt, const char *name)
{
    u128 v = 0;
    struct word w;
    struct rpc_span text = rpc_json_string(rpc_json_get(receipt, name));
    if (!text.p || hex_quantity_get(text.p, text.n, &w) || word_to_u128(&w, &v))
        return 0;
    return v;
}

// A log of the contract; its data in buf.
static bool read_log(struct rpc_span log, const struct evm_address *contract, uint8_t *buf,
                     struct abi_log *out)
{
    struct rpc_json_iter it;
    struct rpc_span key, v;
    *out = (struct abi_log){.data = buf};
    if (rpc_json_data(rpc_json_get(log, "address"), out->address.b, ADDRESS_BYTES) ||
        !address_equal(&out->address, contract) || !rpc_json_begin(&it, rpc_json_get(log, "topics")))
        return false;
    while (rpc_json_next(&it, &key, &v) == 1)
        if (out->n_topics == ABI_TOPICS_MAX || rpc_json_data(v, out->topic[out->n_topics++].b, WORD_BYTES))
            return false;
    struct rpc_span data = rpc_json_string(rpc_json_get(log, "data"));
    return data.p && hex_data_get(data.p, data.n, buf, LOG_DATA_MAX, &out->n_data) == 0;
}

static struct entry *at_place(struct evm_gateway *g, const struct sender_event *ev, size_t place)
{
    for (size_t i = 0; i < g->n_active; i++) {
        struct entry *e = &g->entry[g->active[i]];
        if (e->state == ENTRY_MINED && e->sender == ev->sender && e->nonce == ev->nonce && e->place == place)
            return e;
    }
    return NULL;
}

static void say_why(struct entry *e, const struct revert *why)
{
    const char *more = why->text[0] ? why->text : why->name;
    (void)snprintf(e->reason, sizeof e->reason, more[0] ? "reverted: %s: %.70s" : "reverted: %s%s",
                   revert_reason_name(why->reason), more);
}

static void take_result(struct evm_gateway *g, struct entry *e, enum flash_outcome what,
                        const struct flash_result *r)
{
    u128 profit, paid;
    uint16_t token = 0;
    while (token < g->c.n_tokens && !address_equal(&g->c.token[token], &r->debt))
        token++;
    if (what == FLASH_FAILED) {
        say_why(e, &r->why);
    } else if (token == g->c.n_tokens || word_to_u128(&r->profit, &profit) || word_to_u128(&r->paid, &paid)) {
        g->g.errors++; // it stays a failure that does not say why
    } else {
        e->mined.success = true;
        e->mined.instrument = token;
        e->mined.profit = profit;
        e->mined.paid_wei = paid;
        e->reason[0] = 0;
    }
}

// The contract's events, one for each item in their order.
static void take_results(struct evm_gateway *g, const struct sender_event *ev)
{
    uint8_t data[LOG_DATA_MAX];
    struct rpc_json_iter it;
    struct rpc_span key, v;
    struct abi_log log;
    struct flash_result r;
    if (!rpc_json_begin(&it, rpc_json_get(ev->receipt, "logs")))
        return;
    for (size_t place = 0; rpc_json_next(&it, &key, &v) == 1;) {
        if (!read_log(v, &g->c.contract, data, &log))
            continue;
        enum flash_outcome what = flash_result(&log, &g->c.contract, &r);
        if (what == FLASH_OTHER)
            continue;
        struct entry *e = at_place(g, ev, place++);
        if (e && (!e->has_user || address_equal(&e->user, &r.user)))
            take_result(g, e, what, &r);
    }
}

// ---- events

typedef void (*entry_fn)(struct evm_gateway *g, struct entry *e, const struct sender_event *ev);
static size_t each(struct evm_gateway *g, const struct sender_event *ev, entry_fn fn)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_active; i++) {
        struct entry *e = &g->entry[g->active[i]];
        if (e->state == ENTRY_WAITS || e->state == ENTRY_OVER || e->sender != ev->sender ||
            e->nonce != ev->nonce)
            continue;
        fn(g, e, ev);
        n++;
    }
    return n;
}

static void is_mined(struct evm_gateway *g, struct entry *e, const struct sender_event *ev)
{
    e->mined = (struct order_mined){.block = ev->block};
    memcpy(e->mined.hash, ev->hash.b, WORD_BYTES);
    if (e->place == 0) // of a batch, the first item has it all
        e->mined.gas_wei = quantity(ev->receipt, "gasUsed") * quantity(ev->receipt, "effectiveGasPrice");
    e->reason_by_ns = ev->outcome == OUTCOME_REVERTED ? g->now + REASON_NS : 0;
    (void)snprintf(e->reason, sizeof e->reason, "%s",
                   ev->outcome == OUTCOME_CANCELLED  ? "cancelled"
                   : ev->outcome == OUTCOME_REVERTED ? "reverted"
                                                     : "the contract does not say what it did");
    e->mining = ++g->minings;
    entry_go(g, e, ENTRY_MINED);
}

static void is_open(struct evm_gateway *g, struct entry *e, const struct sender_event *ev)
{
    (void)ev;
    if (e->state == ENTRY_MINED)
        entry_go(g, e, ENTRY_SENT);
}

static void has_reason(struct evm_gateway *g, struct entry *e, const struct sender_event *ev)
{
    uint8_t data[REASON_DATA_MAX];
    size_t n;
    struct revert why;
    if (e->state != ENTRY_MINED || e->reason_by_ns == 0)
        return;
    e->reason_by_ns = 0;
    g->untold = true;
    if (ev->data.p && hex_data_get(ev->data.p, ev->data.n, data, sizeof data, &n) == 0) {
        revert_decode(data, n, &why);
        say_why(e, &why);
    } else {
        (void)snprintf(e->reason, sizeof e->reason, "reverted: %.80s", ev->text);
    }
}

static void is_ended(struct evm_gateway *g, struct entry *e, const struct sender_event *ev)
{
    e->ended = true;
    g->untold = true;
    if (ev->outcome == OUTCOME_TAKEN)
        entry_refuse(g, e, "its nonce was used by another transaction");
    else if (ev->outcome == OUTCOME_NOT_INCLUDED)
        entry_refuse(g, e, "no builder included it");
}

// A nonce that was left out and filled: nobody's order.
static void adopt(struct evm_gateway *g, const struct sender_event *ev)
{
    struct entry *e = entry_new(g);
    if (!e) {
        g->g.errors++;
        return;
    }
    e->key = ev->key;
    e->sender = ev->sender;
    e->nonce = ev->nonce;
    entry_go(g, e, ENTRY_SENT);
    is_mined(g, e, ev);
}

static void on_state(struct evm_gateway *g, const struct sender_event *ev)
{
    if (ev->to == FLIGHT_ENDED) {
        (void)each(g, ev, is_ended);
    } else if (ev->to != FLIGHT_MINED) {
        (void)each(g, ev, is_open);
    } else {
        if (each(g, ev, is_mined) == 0)
            adopt(g, ev);
        if (ev->outcome == OUTCOME_SUCCESS)
            take_results(g, ev);
    }
}

void replies_take(struct evm_gateway *g)
{
    struct sender_event ev;
    bool any = false;
    while (sender_poll(g->sender, &ev)) {
        any = true;
        if (ev.kind == SENDER_STATE)
            on_state(g, &ev);
        else if (ev.kind == SENDER_REORGED)
            (void)each(g, &ev, is_open);
        else if (ev.kind == SENDER_REASON)
            (void)each(g, &ev, has_reason);
    }
    if (any)
        count_open(g);
}

// ---- telling

static bool say(struct evm_gateway *g, const struct entry *e, uint8_t status, const struct order_mined *m)
{
    struct said *s = spsc_reserve(&g->out);
    if (!s)
        return false;
    *s = (struct said){.key = e->key,
                       .status = status,
                       .more = e->own ? status == ORDER_UNDONE ? 1 : -1 : 0,
                       .waited = e->looked,
                       .sent_after_ns = e->sent_after_ns};
    if (m)
        s->mined = *m;
    if (status == ORDER_UNDONE)
        (void)snprintf(s->reason, sizeof s->reason, "its block is not of the chain any more");
    else
        memcpy(s->reason, e->reason, sizeof s->reason);
    spsc_commit(&g->out);
    g->g.replies++;
    return true;
}

static bool tell_undone(struct evm_gateway *g, struct entry *e)
{
    if (!say(g, e, ORDER_UNDONE, &e->told))
        return false;
    g->n.undone++;
    g->n.gas_wei -= e->told.gas_wei;
    e->told_mining = 0;
    return true;
}

static bool tell_mined(struct evm_gateway *g, struct entry *e, uint64_t applied)
{
    bool held = e->mined.success ? applied < e->mined.block : g->now < e->reason_by_ns;
    if (held || !say(g, e, ORDER_MINED, &e->mined))
        return false;
    *(e->mined.success ? &g->n.mined : &g->n.reverted) += 1;
    g->n.gas_wei += e->mined.gas_wei;
    e->told = e->mined;
    e->told_mining = e->mining;
    return true;
}

// False: there is more to tell, later.
static bool tell(struct evm_gateway *g, struct entry *e, uint64_t applied)
{
    if (e->told_mining && (e->state != ENTRY_MINED || e->told_mining != e->mining) && !tell_undone(g, e))
        return false;
    if (e->state == ENTRY_MINED && !e->told_mining && !e->mute && !tell_mined(g, e, applied))
        return false;
    if (e->state != ENTRY_OVER || e->mute)
        return true;
    const struct order_key none = {0};
    if (order_key_cmp(&e->key, &none) == 0)
        return true;
    bool told = say(g, e, ORDER_REFUSED, NULL);
    g->n.refused += told;
    return told;
}

void replies_tell(struct evm_gateway *g)
{
    uint64_t applied = __atomic_load_n(&g->applied, __ATOMIC_ACQUIRE);
    bool left = false;
    // Orders that were handed over before the session had these states are taken, and barred, first.
    if (!g->untold || spsc_peek(&g->in))
        return;
    for (size_t i = 0; i < g->n_active;) {
        struct entry *e = &g->entry[g->active[i]];
        bool all = tell(g, e, applied);
        left |= !all;
        if (all && (e->state == ENTRY_OVER || (e->state == ENTRY_MINED && e->ended)))
            entry_free(g, i);
        else
            i++;
    }
    g->untold = left;
}

bool replies_told(void *ctx, size_t sender, uint64_t nonce)
{
    const struct evm_gateway *g = ctx;
    for (size_t i = 0; i < g->n_active; i++) {
        const struct entry *e = &g->entry[g->active[i]];
        bool ours = (e->state == ENTRY_SENT || e->state == ENTRY_MINED) && !e->mute && e->sender == sender &&
                    e->nonce == nonce;
        if (ours && (e->state != ENTRY_MINED || e->told_mining != e->mining))
            return false;
    }
    return true;
}
