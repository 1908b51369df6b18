// SPDX-License-Identifier: Apache-2.0
// Gateway: carries orders to a venue and replies back, on a thread of its own behind two rings. The hot path
// only pushes and pops. An order is sent once journal_durable() >= its lsn and never before (P6); on a broken
// connection the gateway reconnects, looks outstanding keys up, and sends identical bytes again only for keys
// the venue does not know. One thread submits and polls.
#ifndef TRIPLINE_EXEC_GATEWAY_H
#define TRIPLINE_EXEC_GATEWAY_H

#include <stddef.h>
#include <string.h>

#include "exec/order.h"
#include "journal/journal.h"

// Orders handed over and not yet answered that the paper gateway holds, and the desk's default. The desk
// keeps to its limit by its own count, so that "no room" depends on the orders and replies alone, not on
// threads' timing, and replays the same.
enum { GATEWAY_OUTSTANDING_MAX = 1024 }; // a power of two

struct gateway_mark {
    uint16_t asset;
    int64_t price;
};
// What a transaction is made with, where orders are transactions (exec/evm); zero elsewhere.
enum { GATEWAY_VIA_MAX = 4 };
struct gateway_terms {
    int64_t worth_e8;  // expected value, 1e-8 units of account: ranks ready orders
    u128 least_profit; // units of the debt's token that must be left after loan and sale, or it undoes itself
    uint64_t tip;      // wei a unit of gas
    uint32_t gas;      // limit
    bool predicted;    // rests on a predicted price: only through a contract that checks health itself
    uint8_t n_via;
    uint16_t via[GATEWAY_VIA_MAX]; // instruments between collateral and debt on the way of the sale
};
// What is handed over at a trigger.
struct gateway_order {
    struct order_key key;
    uint64_t lsn; // of the record that made the bytes durable, never 0
    struct gateway_terms terms;
    // Paper venue only: what it is to settle against. The moment, in seconds of the Unix epoch, at which the
    // market stood when the order was judged (market_now; stream time where that was never called; 0:
    // neither), and the prices.
    uint64_t second;
    uint16_t n_marks, n_bytes;
    struct gateway_mark mark[ROW_ASSETS_MAX];
    uint8_t bytes[ORDER_BYTES_MAX];
};
// *to = *from without what is not used of marks and bytes, which is most of it.
static inline void gateway_order_copy(struct gateway_order *to, const struct gateway_order *from)
{
    memcpy(to, from, offsetof(struct gateway_order, mark) + from->n_marks * sizeof from->mark[0]);
    memcpy(to->bytes, from->bytes, from->n_bytes);
}

// The lines that gateway_order_copy() writes of an order with few marks and legs, to be written soon.
static inline void gateway_order_warm(const struct gateway_order *o)
{
    enum { LINE_BYTES = 64, HEAD = 4, BYTES = 2 };
    for (int i = 0; i < HEAD; i++)
        __builtin_prefetch((const char *)o + i * LINE_BYTES, 1);
    for (int i = 0; i < BYTES; i++)
        __builtin_prefetch(o->bytes + i * LINE_BYTES, 1);
}

struct gateway_counters {
    uint64_t submitted, sent, resent, replies, reconnects, waited_durable;
    uint64_t expired; // not sent: they had waited for too long
    uint64_t errors;  // messages from the venue that were malformed or reported a violation
};

struct gateway;
struct gateway_ops {
    int (*submit)(struct gateway *g, const struct gateway_order *o); // 0, or -1 when its ring is full
    int (*poll)(struct gateway *g,
                struct order_reply *out); // 1 with a reply or whatever else there is, 0 none
    // For lockstep runs: blocks until a reply can be polled (1), nothing is outstanding (0), or timeout_ms
    // went by
    // (-1). Not for the hot path of a live run: it sleeps.
    int (*wait)(struct gateway *g, int timeout_ms);
    void (*counters)(const struct gateway *g, struct gateway_counters *out);
    void (*close)(struct gateway *g);
    // A ready order, journalled: the gateway may make whatever it will need to send it (sign it). NULL: not
    // wanted. Nobody waits for it; one that finds no room is made when it is handed over.
    void (*offer)(struct gateway *g, const struct gateway_order *o);
    // The ready order of this key will not be handed over. NULL where offer is.
    void (*drop)(struct gateway *g, const struct order_key *k);
    // Has what submit will touch next fetched into the cache (base/warm.h). May be NULL.
    void (*warm)(const struct gateway *g);
};
struct gateway {
    const struct gateway_ops *ops;
};

static inline int gateway_submit(struct gateway *g, const struct gateway_order *o)
{
    return g->ops->submit(g, o);
}
static inline void gateway_offer(struct gateway *g, const struct gateway_order *o)
{
    if (g->ops->offer)
        g->ops->offer(g, o);
}
static inline void gateway_drop(struct gateway *g, const struct order_key *k)
{
    if (g->ops->drop)
        g->ops->drop(g, k);
}
static inline int gateway_poll(struct gateway *g, struct order_reply *out)
{
    return g->ops->poll(g, out);
}
static inline int gateway_wait(struct gateway *g, int timeout_ms)
{
    return g->ops->wait(g, timeout_ms);
}
static inline void gateway_counters(const struct gateway *g, struct gateway_counters *out)
{
    g->ops->counters(g, out);
}
static inline void gateway_close(struct gateway *g)
{
    if (g)
        g->ops->close(g);
}

// For replay and tests: takes every order, carries none; replies come from the journal. NULL when out of
// memory.
struct gateway *gateway_null_open(void);

#endif
