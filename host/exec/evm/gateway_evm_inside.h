// SPDX-License-Identifier: Apache-2.0
// The gateway's own structures; private to its files and its tests: gateway_evm.c (rings, thread, nodes),
// gateway_evm_orders.c (what is handed over until it is sent), gateway_evm_batch.c (many in one transaction),
// gateway_evm_replies.c (what became of it). An order is an entry from its hand-over until nothing about it
// can change any more. All but the rings' outer ends belongs to the gateway's thread.
#ifndef TRIPLINE_EXEC_EVM_GATEWAY_EVM_INSIDE_H
#define TRIPLINE_EXEC_EVM_GATEWAY_EVM_INSIDE_H

#include <assert.h>
#include <pthread.h>
#include <stddef.h>

#include "base/spsc.h"
#include "exec/evm/flash.h"
#include "exec/evm/gateway_evm.h"

enum {
    ENTRIES_MAX = 4 * GATEWAY_OUTSTANDING_MAX, // also those in a block that may be reorganised away
    OFFERS_ROOM = GATEWAY_OUTSTANDING_MAX,     // of the ring, so that orders find theirs
    RING_MAX = 2 * GATEWAY_OUTSTANDING_MAX,
    USERS_SEEN = 4096,          // counters of users that may be barred, by a part of the address
    GATEWAY_GAS_MAX = 16777216, // of a transaction (EIP-7825)
};
#define NO_BATCH SIZE_MAX
#define NO_WORK  SIZE_MAX

// ---- what the gateway stands on: nodes.h and port_rpc.h, or a test's script
struct evm_ground {
    struct evm_port port;
    void *ctx;
    // A piece of following the nodes. True: there is a best node, and this is its head.
    bool (*head)(void *ctx, uint64_t now_ns, uint64_t *number, u128 *base_fee);
    size_t (*usable)(void *ctx, uint64_t now_ns); // nodes
    void (*close)(void *ctx);
    uint64_t (*clock)(void); // stream time; any thread
    bool by_hand;            // no thread: the test calls gateway_evm_turn
};

// ---- rings
enum handed_kind { HANDED_OFFER, HANDED_DROP, HANDED_ORDER };
struct handed {
    enum handed_kind kind;
    uint64_t at_ns, lsn;
    struct order_key key;
    struct gateway_terms terms;
    uint16_t n_bytes;
    uint8_t bytes[ORDER_BYTES_MAX];
};
struct said {
    struct order_key key;
    uint8_t status;
    int8_t more; // outstanding: -1 an answer, 1 an answer taken back
    bool waited;
    char reason[REASON_LEN];
    struct order_mined mined;
    uint64_t sent_after_ns;
};

// ---- orders
enum entry_state {
    ENTRY_FREE,
    ENTRY_WAITS, // nothing has left
    ENTRY_SENT,  // on its way, or may be
    ENTRY_MINED,
    ENTRY_OVER, // will never be: refused
};
struct entry {
    enum entry_state state;
    bool own;  // handed over in this run
    bool old;  // of an earlier run
    bool mute; // its key is not known: it bars its account, no more
    bool looked, cold, has_user;
    struct order_key key;
    struct evm_address user;
    uint64_t at_ns, lsn, sent_after_ns;
    const char *why; // it waits
    size_t work, batch;
    uint32_t name; // in the signed pool, when one was made for it
    // its flight
    size_t sender, place; // which of the transaction's items
    uint64_t nonce;
    bool ended; // its flight
    // what is so, and what was told
    uint32_t mining, told_mining; // counts; 0: none was told
    uint64_t reason_by_ns;        // until then a reason may come
    struct order_mined mined, told;
    char reason[REASON_LEN];
};
// Of an order that waits.
struct work {
    struct handed h;
    bool made;
    struct flash_item item;
    uint8_t bytes[FLASH_ITEM_MAX];
};
struct batch {
    bool used;
    uint32_t name;
    size_t n;
    uint16_t entry[FLASH_BATCH_MAX];
};

struct evm_gateway {
    struct gateway base;
    struct gateway_evm_config c;
    struct evm_ground ground;
    struct spsc in, out;
    void *in_mem, *out_mem;
    pthread_t thread;
    bool started;
    int stop;                  // atomic
    struct order_key *earlier; // on their way when it was opened; fixed from then on
    size_t n_earlier;
    bool earlier_unknown; // and others, whose keys the log does not name
    unsigned char gap0[SPSC_GAP];
    size_t outstanding; // hot thread's
    uint64_t submitted; // atomic, the hot thread's
    unsigned char gap1[SPSC_GAP];
    uint64_t applied, open_flights; // atomic, others'
    // the gateway's thread's
    struct txlog *log;
    struct sender *sender;
    struct relay *relay;
    size_t orders_max, bytes_max; // the sender's
    struct entry *entry;
    uint16_t *active, *free_entry, *waiting; // waiting: oldest first
    size_t n_active, n_free, n_waiting;
    struct work *work;
    uint16_t *free_work;
    size_t n_free_work;
    uint16_t seen[USERS_SEEN];
    struct order_key *offered; // by name in the signed pool: ready, and not handed over
    uint32_t *names;           // room for all of them
    uint16_t *going;           // of those that wait, what may leave now
    struct batch batch[WALLET_MAX];
    size_t n_batches;
    uint8_t *data; // a call being made
    bool untold;
    uint32_t minings;
    uint64_t now, head, round_ns, published_ns;
    u128 base_fee;
    // counters; the copy is for other threads
    struct gateway_evm_counters n, copy;
    struct gateway_counters g, g_copy;
    pthread_mutex_t copying;
};
static_assert(offsetof(struct evm_gateway, outstanding) >
                      offsetof(struct evm_gateway, n_earlier) + SPSC_GAP &&
                  offsetof(struct evm_gateway, applied) > offsetof(struct evm_gateway, submitted) + SPSC_GAP,
              "the hot thread counts an order on lines that no other thread writes");

// ---- gateway_evm.c
struct gateway *gateway_evm_open_on(const struct gateway_evm_config *c, const struct evm_ground *ground,
                                    struct err *e); // takes the ground over when it succeeds
void gateway_evm_turn(struct gateway *g);           // by hand: one round of everything

// ---- gateway_evm_orders.c
bool orders_take(struct evm_gateway *g); // from the ring; whether something came
void orders_send(struct evm_gateway *g);
struct entry *entry_new(struct evm_gateway *g); // NULL: no room
void entry_go(struct evm_gateway *g, struct entry *e, enum entry_state to);
void entry_free(struct evm_gateway *g, size_t active); // by its place among the active
void entry_refuse(struct evm_gateway *g, struct entry *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool user_of(const struct evm_gateway *g, const struct order_key *k, struct evm_address *out);
bool item_of(struct evm_gateway *g, struct entry *e); // makes its work's item; else it is refused
bool too_old(const struct evm_gateway *g, const struct entry *e);
// What is common to all orders; not its key, worth and calldata.
struct signed_order order_of(const struct evm_gateway *g, uint64_t tip, uint64_t gas);
// Offers before all that is only ready. SIGNED_NONE: there is no room, or no such transaction can be.
uint32_t order_offer(struct evm_gateway *g, uint32_t name, struct signed_order *o, uint64_t worth,
                     struct err *e);
enum fire_answer order_fire(struct evm_gateway *g, uint32_t name, size_t *sender, uint64_t *nonce);
void order_gone(struct evm_gateway *g, struct entry *e, size_t place, size_t sender, uint64_t nonce);
void order_unready(struct evm_gateway *g, struct entry *e); // what the pool has of it

// ---- gateway_evm_batch.c
// Of g->going, more than there are keys: how many go by themselves, and into how many batches the rest goes.
void batch_plan(const struct evm_gateway *g, size_t keys, size_t n, size_t *singles, size_t *batches);
size_t batch_make(struct evm_gateway *g, const uint16_t *entry, size_t n); // how many of them it takes
void batch_step(struct evm_gateway *g);                                    // sends what is ready

// ---- gateway_evm_replies.c
int replies_recover(struct evm_gateway *g, struct err *e); // entries for what the log has open
void replies_take(struct evm_gateway *g);                  // the sender's events
void replies_tell(struct evm_gateway *g);
bool replies_told(void *ctx, size_t sender, uint64_t nonce); // for sender_config.may_end

static inline bool entry_may_bar(enum entry_state s)
{
    return s == ENTRY_WAITS || s == ENTRY_SENT || s == ENTRY_MINED;
}
static inline size_t user_seen(const struct evm_address *a)
{
    return ((size_t)a->b[ADDRESS_BYTES - 2] << 8 | a->b[ADDRESS_BYTES - 1]) & (USERS_SEEN - 1);
}

#endif
