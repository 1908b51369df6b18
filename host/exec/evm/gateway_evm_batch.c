// SPDX-License-Identifier: Apache-2.0
// Many orders in one transaction, where more come together than keys are free. A batch is signed under the
// key of its first order; which orders it carries out is in the log before it is (P6).
#include "exec/evm/gateway_evm_inside.h"

enum { TX_SPARE = 512 }; // of a transaction beside its calldata

static uint64_t gas_of(const struct evm_gateway *g, const uint16_t *entry, size_t n)
{
    uint64_t most = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t gas = g->work[g->entry[entry[i]].work].h.terms.gas;
        most = gas > most ? gas : most;
    }
    return most;
}

// How many items of this gas each are possible at most.
static size_t items_max(const struct evm_gateway *g, uint64_t gas_each)
{
    size_t n = 0;
    while (n < FLASH_BATCH_MAX && FLASH_BATCH_ROOM(n + 1) + TX_SPARE <= g->bytes_max &&
           flash_batch_gas(n + 1, gas_each, FLASH_BATCH_ROOM(n + 1)) <= GATEWAY_GAS_MAX)
        n++;
    return n;
}

void batch_plan(const struct evm_gateway *g, size_t keys, size_t n, size_t *singles, size_t *batches)
{
    *singles = keys;
    *batches = 0;
    size_t most = g->c.batch && keys ? items_max(g, gas_of(g, g->going, n)) : 0;
    if (most < 2)
        return;
    for (*batches = 1; *batches < keys && n - (keys - *batches) > *batches * most;)
        ++*batches;
    *singles = keys - *batches;
}

static struct batch *new_batch(struct evm_gateway *g)
{
    for (size_t i = 0; i < WALLET_MAX; i++)
        if (!g->batch[i].used)
            return &g->batch[i];
    return NULL;
}

size_t batch_make(struct evm_gateway *g, const uint16_t *entry, size_t n)
{
    struct flash_item item[FLASH_BATCH_MAX];
    struct order_key key[FLASH_BATCH_MAX];
    struct batch *b = new_batch(g);
    struct err why;
    size_t most = items_max(g, gas_of(g, entry, n)), taken = 0;
    uint64_t tip = 0, gas_each = 1;
    if (!b)
        return n;
    b->n = 0;
    for (; taken < n && b->n < most; taken++) {
        struct entry *e = &g->entry[entry[taken]];
        if (!item_of(g, e))
            continue;
        const struct work *w = &g->work[e->work];
        tip = w->h.terms.tip > tip ? w->h.terms.tip : tip;
        gas_each = w->h.terms.gas > gas_each ? w->h.terms.gas : gas_each;
        item[b->n] = w->item;
        key[b->n] = e->key;
        b->entry[b->n++] = entry[taken];
        order_unready(g, e); // never both
    }
    if (b->n == 0)
        return taken;
    size_t n_data = flash_batch(item, b->n, 1, gas_each, g->data, g->bytes_max);
    struct signed_order o = order_of(g, tip, flash_batch_gas(b->n, gas_each, n_data));
    o.key = key[0];
    o.n_data = n_data;
    txlog_put_orders(g->log, key, b->n);
    b->name = order_offer(g, SIGNED_NONE, &o, UINT64_C(1) << 61, &why);
    b->used = b->name != SIGNED_NONE;
    g->n_batches += b->used;
    for (size_t i = 0; i < b->n; i++) {
        struct entry *e = &g->entry[b->entry[i]];
        e->batch = b->used ? (size_t)(b - g->batch) : NO_BATCH;
        e->why = b->used ? "no key could sign its batch in time" : "no room among what is signed";
    }
    return taken;
}

// Its transaction may have expired, and the name be another order's, which nobody may have handed over.
static bool offered(const struct evm_gateway *g, const struct batch *b)
{
    const struct signed_entry *en = signed_at(sender_orders(g->sender), b->name);
    return en && order_key_cmp(&en->o.key, &g->entry[b->entry[0]].key) == 0;
}

// Its orders wait again, each for itself.
static void dissolve(struct evm_gateway *g, struct batch *b)
{
    if (offered(g, b))
        signed_drop(sender_orders(g->sender), b->name);
    for (size_t i = 0; i < b->n; i++)
        g->entry[b->entry[i]].batch = NO_BATCH;
    b->used = false;
    g->n_batches--;
}

static void batch_gone(struct evm_gateway *g, struct batch *b, size_t sender, uint64_t nonce)
{
    for (size_t i = 0; i < b->n; i++)
        order_gone(g, &g->entry[b->entry[i]], i, sender, nonce);
    g->n.batched += b->n;
    b->used = false;
    g->n_batches--;
}

void batch_step(struct evm_gateway *g)
{
    bool killed = g->n_batches && g->c.killed && g->c.killed(g->c.killed_ctx);
    for (size_t i = 0; g->n_batches && i < WALLET_MAX; i++) {
        struct batch *b = &g->batch[i];
        size_t sender;
        uint64_t nonce;
        if (!b->used)
            continue;
        bool never = killed || !offered(g, b);
        for (size_t k = 0; k < b->n; k++)
            never |= too_old(g, &g->entry[b->entry[k]]);
        enum fire_answer a = never ? FIRE_NO_ORDER : order_fire(g, b->name, &sender, &nonce);
        if (a == FIRE_SENT)
            batch_gone(g, b, sender, nonce);
        else if (never || a == FIRE_REFUSED)
            dissolve(g, b);
        for (size_t k = 0; b->used && k < b->n && a == FIRE_NO_NODE; k++)
            g->entry[b->entry[k]].why = "no node takes it";
    }
}
