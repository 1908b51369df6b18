// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/signed.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "exec/evm/fees.h"

enum { REQUEST_SPARE = 1024 }; // of a request beside the transaction's hexadecimal text
#define RANK_NS UINT64_C(1000000)

struct rank {
    uint64_t worth;
    uint32_t name;
};
struct signed_pool {
    struct signed_config c;
    struct wallet *wallet;
    struct signer *signer;
    struct txlog *log;
    struct evm_port port;
    struct signed_entry *entry;
    uint8_t *slab;
    struct rank *rank;
    int head[WALLET_MAX]; // name of each key's head, -1: none
    uint32_t *free_name;
    size_t n_free;
    uint32_t top; // names from here on have never been used
    bool dirty;   // ranks may have changed
    uint64_t ranked_ns, budget_ns, budget;
    struct signed_counters n;
};

// ---- memory: one slab, cut into what each transaction needs

static size_t tx_bytes(const struct signed_pool *p)
{
    return 2 * p->c.bytes_max + p->port.links * (2 * p->c.bytes_max + REQUEST_SPARE);
}

static void cut(struct signed_pool *p)
{
    uint8_t *at = p->slab;
    for (size_t i = 0; i < p->c.orders_max; i++) {
        struct signed_entry *en = &p->entry[i];
        en->mem = at;
        at += 3 * p->c.bytes_max; // data, access list, template
        en->sender = -1;
        for (size_t t = 0; t < SIGNED_TIPS; t++) {
            struct signed_tx *x = &en->tx[t];
            x->middle = at;
            x->raw = at + p->c.bytes_max;
            at += 2 * p->c.bytes_max;
            for (size_t l = 0; l < p->port.links; l++, at += 2 * p->c.bytes_max + REQUEST_SPARE)
                x->request[l] = at;
        }
        p->free_name[p->n_free++] = (uint32_t)(p->c.orders_max - 1 - i);
    }
    for (size_t i = 0; i < WALLET_MAX; i++)
        p->head[i] = -1;
}

static int check(const struct signed_config *c, const struct evm_port *port, struct err *e)
{
    if (c->orders_max == 0 || c->orders_max > 65536 || c->bytes_max < 256 || c->bytes_max > TX_BYTES_MAX / 4)
        return err_set(e, "signed transactions: %zu orders of %zu bytes are out of range", c->orders_max,
                       c->bytes_max);
    if (port->links == 0 || port->links > PORT_LINKS_MAX || c->burst == 0 || c->fee_max > FEE_MAX)
        return err_set(e, "signed transactions: links, burst or highest fee out of range");
    return 0;
}

struct signed_pool *signed_new(const struct signed_config *cfg, struct wallet *w, struct signer *s,
                               struct txlog *l, const struct evm_port *port, struct err *e)
{
    if (check(cfg, port, e))
        return NULL;
    struct signed_pool *p = calloc(1, sizeof *p);
    if (p) {
        p->c = *cfg;
        p->port = *port;
        p->wallet = w;
        p->signer = s;
        p->log = l;
        p->budget = cfg->burst;
        p->entry = calloc(cfg->orders_max, sizeof *p->entry);
        p->rank = calloc(cfg->orders_max, sizeof *p->rank);
        p->free_name = calloc(cfg->orders_max, sizeof *p->free_name);
        p->slab = calloc(cfg->orders_max, 3 * cfg->bytes_max + SIGNED_TIPS * tx_bytes(p));
    }
    if (!p || !p->entry || !p->rank || !p->free_name || !p->slab) {
        (void)err_set(e, "signed transactions: out of memory for %zu orders", cfg->orders_max);
        if (p) {
            p->c.orders_max = 0;
            signed_free(p);
        }
        return NULL;
    }
    cut(p);
    return p;
}

// ---- retiring

static void retire(struct signed_pool *p, struct signed_tx *x)
{
    if (x->state == SIGNED_MADE) {
        txlog_put_retired(p->log, x->serial);
        p->n.retired++;
        x->state = SIGNED_EMPTY;
    } else if (x->state == SIGNED_SIGNING) {
        x->stale = true; // never logged, so never sent
    }
}

static void unassign(struct signed_pool *p, struct signed_entry *en)
{
    for (size_t t = 0; t < SIGNED_TIPS; t++)
        retire(p, &en->tx[t]);
    if (en->sender >= 0)
        p->head[en->sender] = -1;
    en->sender = -1;
}

void signed_drop(struct signed_pool *p, uint32_t name)
{
    if (!signed_at(p, name))
        return;
    unassign(p, &p->entry[name]);
    p->entry[name].used = false;
    p->free_name[p->n_free++] = name;
    p->dirty = true;
    p->n.dropped++;
}

void signed_free(struct signed_pool *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->c.orders_max; i++) {
        signed_drop(p, i);
        for (size_t t = 0; t < SIGNED_TIPS; t++)
            while (job_state(&p->entry[i].tx[t].job) == JOB_BUSY)
                (void)sched_yield();
    }
    free(p->entry);
    free(p->rank);
    free(p->free_name);
    free(p->slab);
    free(p);
}

// ---- offers

const struct signed_entry *signed_at(const struct signed_pool *p, uint32_t name)
{
    return name < p->c.orders_max && p->entry[name].used ? &p->entry[name] : NULL;
}

static bool same_bytes(const struct signed_order *a, const struct signed_order *b)
{
    return order_key_cmp(&a->key, &b->key) == 0 && address_equal(&a->to, &b->to) && a->gas == b->gas &&
           word_equal(&a->value, &b->value) && a->n_data == b->n_data && a->n_access == b->n_access &&
           (a->n_data == 0 || !memcmp(a->data, b->data, a->n_data)) &&
           (a->n_access == 0 || !memcmp(a->access, b->access, a->n_access));
}

// Copies o into the entry and encodes its template.
static int encode(struct signed_pool *p, struct signed_entry *en, const struct signed_order *o, struct err *e)
{
    uint8_t *data = en->mem, *access = data + p->c.bytes_max, *middle = access + p->c.bytes_max;
    if (o->n_tips == 0 || o->n_tips > SIGNED_TIPS)
        return err_set(e, "order: %u tips, 1 to %d are possible", o->n_tips, SIGNED_TIPS);
    if (o->n_data > p->c.bytes_max || o->n_access > p->c.bytes_max ||
        TX_ROOM(o->n_data, o->n_access) > p->c.bytes_max)
        return err_set(e, "order: %zu bytes of data and %zu of access list: at most %zu in all", o->n_data,
                       o->n_access, p->c.bytes_max);
    struct tx t = {.type = TX_1559,
                   .chain_id = p->c.chain_id,
                   .gas = o->gas,
                   .to = o->to,
                   .value = o->value,
                   .data = o->data,
                   .n_data = o->n_data,
                   .access = o->access,
                   .n_access = o->n_access};
    struct tx_template made;
    if (tx_template_init(&made, &t, middle, p->c.bytes_max, e))
        return -1;
    en->template = made;
    if (o->n_data)
        memmove(data, o->data, o->n_data);
    if (o->n_access)
        memmove(access, o->access, o->n_access);
    en->o = *o;
    en->o.data = data;
    en->o.access = access;
    en->version++;
    return 0;
}

uint32_t signed_offer(struct signed_pool *p, uint32_t name, const struct signed_order *o, struct err *e)
{
    bool add = name == SIGNED_NONE;
    if (!add && !signed_at(p, name)) {
        (void)err_set(e, "order: no such name");
        return SIGNED_NONE;
    }
    if (!add && same_bytes(&p->entry[name].o, o) && o->n_tips > 0 && o->n_tips <= SIGNED_TIPS) {
        struct signed_order *mine = &p->entry[name].o;
        mine->worth = o->worth;
        mine->expires_ns = o->expires_ns;
        mine->n_tips = o->n_tips;
        memcpy(mine->tip, o->tip, sizeof mine->tip);
    } else {
        if (add && p->n_free == 0) {
            (void)err_set(e, "order: all %zu places are taken", p->c.orders_max);
            return SIGNED_NONE;
        }
        if (add)
            name = p->free_name[--p->n_free];
        if (name >= p->top)
            p->top = name + 1;
        p->entry[name].used = true;
        if (encode(p, &p->entry[name], o, e)) {
            signed_drop(p, name); // its old template may be overwritten
            return SIGNED_NONE;
        }
        // Under another key or with other bytes: what was signed says something else.
        for (size_t t = 0; t < SIGNED_TIPS; t++)
            retire(p, &p->entry[name].tx[t]);
    }
    p->n.offered++;
    p->dirty = true;
    return name;
}

// ---- ranking

static int by_worth(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->worth != y->worth)
        return x->worth < y->worth ? 1 : -1;
    return x->name < y->name ? -1 : x->name > y->name;
}

// A head counts an eighth more: two orders of nearly the same worth must not cost signatures in turn.
static size_t rank(struct signed_pool *p)
{
    size_t n = 0;
    for (uint32_t i = 0; i < p->top; i++) {
        const struct signed_entry *en = &p->entry[i];
        uint64_t more = en->sender >= 0 ? en->o.worth / 8 : 0;
        if (en->used)
            p->rank[n++] =
                (struct rank){en->o.worth > UINT64_MAX - more ? UINT64_MAX : en->o.worth + more, i};
    }
    qsort(p->rank, n, sizeof *p->rank, by_worth);
    return n;
}

size_t signed_ranked(struct signed_pool *p, uint32_t *name, size_t max)
{
    size_t n = rank(p);
    for (size_t i = 0; i < n && i < max; i++)
        name[i] = p->rank[i].name;
    return n < max ? n : max;
}

static bool may_hold_head(const struct signed_pool *p, size_t s)
{
    return p->wallet->s[s].open == 0 && p->wallet->s[s].unmined < p->wallet->depth;
}

static u128 highest_fee(const struct signed_pool *p, const struct signed_order *o, u128 base)
{
    u128 fee = fee_for(base, o->tip[o->n_tips - 1]);
    return fee < p->c.fee_max ? fee : p->c.fee_max;
}

static void assign_one(struct signed_pool *p, uint32_t name, u128 base)
{
    struct signed_entry *en = &p->entry[name];
    bool poor = false;
    for (size_t s = 0; s < p->wallet->n; s++) {
        if (p->head[s] >= 0 || !may_hold_head(p, s) || !p->wallet->s[s].known)
            continue;
        if (wallet_can_pay(p->wallet, s, en->o.gas, highest_fee(p, &en->o, base), &en->o.value)) {
            p->head[s] = (int)name;
            en->sender = (int)s;
            return;
        }
        poor = true;
    }
    p->n.no_money += poor;
}

static void assign(struct signed_pool *p, u128 base)
{
    size_t n = rank(p), heads = 0, keys = 0;
    for (size_t s = 0; s < p->wallet->n; s++) {
        keys += may_hold_head(p, s);
        if (p->head[s] >= 0 && !may_hold_head(p, s))
            unassign(p, &p->entry[p->head[s]]);
    }
    for (size_t i = keys; i < n; i++) {
        struct signed_entry *en = &p->entry[p->rank[i].name];
        if (en->sender < 0)
            continue;
        p->n.unassigned++;
        unassign(p, en);
    }
    for (size_t i = 0; i < n && heads < keys; i++, heads++)
        if (p->entry[p->rank[i].name].sender < 0)
            assign_one(p, p->rank[i].name, base);
}

// ---- signing

static bool fits(const struct signed_pool *p, const struct signed_entry *en, unsigned level, u128 base)
{
    const struct signed_tx *x = &en->tx[level];
    return x->nonce == p->wallet->s[en->sender].next && x->version == en->version &&
           x->tip == en->o.tip[level] && fee_has_room(x->base, base, p->c.room_blocks) && x->base <= 4 * base;
}

static void make(struct signed_pool *p, struct signed_entry *en, unsigned level, u128 base)
{
    struct signed_tx *x = &en->tx[level];
    const struct wallet_sender *s = &p->wallet->s[en->sender];
    u128 tip = en->o.tip[level], fee = fee_for(base, tip);
    if (fee > p->c.fee_max || tip > p->c.fee_max) {
        p->n.too_dear++;
        return;
    }
    if (!wallet_can_pay(p->wallet, (size_t)en->sender, en->o.gas, fee, &en->o.value)) {
        p->n.no_money++;
        return;
    }
    memcpy(x->middle, en->template.middle, en->template.n_middle);
    x->nonce = s->next;
    x->tip = tip;
    x->fee = fee;
    x->base = base;
    x->version = en->version;
    x->stale = false;
    x->job = (struct sign_job){.key = s->key,
                               .template = en->template,
                               .nonce = s->next,
                               .fee = fee,
                               .tip = tip,
                               .out = x->raw,
                               .size = p->c.bytes_max};
    x->job.template.middle = x->middle;
    if (signer_give(p->signer, &x->job) == 0) {
        x->state = SIGNED_SIGNING;
        p->budget--;
    }
}

static void take_made(struct signed_pool *p, struct signed_entry *en, unsigned level)
{
    struct signed_tx *x = &en->tx[level];
    x->state = SIGNED_EMPTY;
    if (x->stale || x->job.rc || en->sender < 0 || x->nonce != p->wallet->s[en->sender].next) {
        p->n.stale++;
        return;
    }
    x->serial = txlog_next_serial(p->log);
    x->n = x->job.made.n;
    x->hash = x->job.made.hash;
    const struct txlog_signed t = {.serial = x->serial,
                                   .kind = TX_ORDER,
                                   .key = en->o.key,
                                   .sender = p->wallet->s[en->sender].address,
                                   .nonce = x->nonce,
                                   .hash = x->hash,
                                   .expires_ns = en->o.expires_ns,
                                   .raw = x->raw,
                                   .n = x->n};
    x->lsn = txlog_put_signed(p->log, &t);
    if (x->lsn == 0) {
        p->n.not_logged++;
        return;
    }
    for (size_t l = 0; l < p->port.links; l++)
        x->n_request[l] = p->port.ops->put(p->port.ctx, l, x->serial, x->raw, x->n, x->request[l],
                                           2 * p->c.bytes_max + REQUEST_SPARE);
    x->state = SIGNED_MADE;
    p->n.made++;
}

static void refill(struct signed_pool *p, uint64_t now)
{
    if (p->budget_ns == 0 || now < p->budget_ns)
        p->budget_ns = now;
    if (p->c.per_second == 0)
        return;
    uint64_t each = UINT64_C(1000000000) / p->c.per_second;
    uint64_t more = each ? (now - p->budget_ns) / each : p->c.burst;
    p->budget_ns += more * each;
    p->budget = more > p->c.burst - p->budget ? p->c.burst : p->budget + more;
}

static void step_entry(struct signed_pool *p, struct signed_entry *en, u128 base, uint64_t now)
{
    for (unsigned t = 0; t < SIGNED_TIPS; t++) {
        struct signed_tx *x = &en->tx[t];
        if (x->state == SIGNED_SIGNING && job_state(&x->job) == JOB_DONE)
            take_made(p, en, t);
        bool wanted = en->used && en->sender >= 0 && t < en->o.n_tips && base > 0;
        if (x->state == SIGNED_MADE && (!wanted || !fits(p, en, t, base)))
            retire(p, x);
        if (x->state == SIGNED_EMPTY && wanted && en->o.expires_ns > now) {
            if (p->budget > 0)
                make(p, en, t, base);
            else
                p->n.no_budget++;
        }
    }
}

void signed_step(struct signed_pool *p, u128 base_fee, uint64_t now_ns)
{
    refill(p, now_ns);
    for (uint32_t i = 0; i < p->top; i++) {
        if (p->entry[i].used && p->entry[i].o.expires_ns <= now_ns) {
            p->n.expired++;
            signed_drop(p, i);
        }
    }
    if (p->dirty || now_ns - p->ranked_ns >= RANK_NS) {
        p->dirty = false;
        p->ranked_ns = now_ns;
        assign(p, base_fee);
    }
    for (uint32_t i = 0; i < p->top; i++)
        step_entry(p, &p->entry[i], base_fee, now_ns);
}

// ---- at the trigger

const struct signed_tx *signed_ready(const struct signed_pool *p, uint32_t name, unsigned level,
                                     u128 base_fee, uint64_t now_ns)
{
    if (!signed_at(p, name) || level >= SIGNED_TIPS)
        return NULL;
    const struct signed_entry *en = &p->entry[name];
    const struct signed_tx *x = &en->tx[level];
    bool ok = x->state == SIGNED_MADE && en->sender >= 0 && en->o.expires_ns > now_ns &&
              x->version == en->version && x->nonce == p->wallet->s[en->sender].next &&
              wallet_free_to_send(p->wallet, (size_t)en->sender) && base_fee <= 2 * x->base &&
              txlog_durable(p->log, x->lsn);
    return ok ? x : NULL;
}

void signed_sent(struct signed_pool *p, uint32_t name, unsigned level)
{
    p->entry[name].tx[level].state = SIGNED_EMPTY; // it is the flight's now
    signed_drop(p, name);
    p->n.dropped--;
}

const struct signed_counters *signed_counters(const struct signed_pool *p)
{
    return &p->n;
}
