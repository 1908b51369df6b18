// SPDX-License-Identifier: Apache-2.0
// Sends ready transactions and follows each until its nonce is settled for good. What is on its way under one
// (sender, nonce) is a flight: the order's transaction, replacements of it with higher fees, and at last a
// cancellation (of a nonce that was left out, a cancellation alone, under a key of zeros); the chain takes
// one of them, or one that is none of ours. P6: bytes are on disk before they are sent; only identical bytes
// are sent again; after a restart each nonce that may have been used is looked up before anything leaves its
// key, and one that nobody knows is fenced by a cancellation. docs/transactions.md.
//
// One thread owns it; a signer of its own works beside it. sender_fire is the hot path: no allocation; one
// system call for each node. Times: ns of stream time (clock_stream_ns), passed in. Fees: wei a unit of gas.
#ifndef TRIPLINE_EXEC_EVM_SENDER_H
#define TRIPLINE_EXEC_EVM_SENDER_H

#include "exec/evm/signed.h"

// Asked at the last moment before an order's bytes leave, also when they are sent again or replaced: kill
// switch and limits. Cancellations are not asked about.
struct sender_gate {
    void *ctx;
    bool (*allow)(void *ctx, const struct order_key *key, bool again, uint64_t now_ns);
};
// A private relay (relay.h). submit: hot path; 0 when at least one builder was handed the bundle.
struct sender_private {
    void *ctx;
    void (*prepare)(void *ctx, uint64_t serial, const uint8_t *raw, size_t n, uint64_t block);
    int (*submit)(void *ctx, uint64_t serial, const uint8_t *raw, size_t n, uint64_t block, uint64_t now_ns);
    void (*cancel)(void *ctx, uint64_t serial, uint64_t now_ns);
};

// 0: the default in brackets.
struct sender_config {
    uint64_t chain_id;
    const struct private_key *const *key; // the caller's, must outlive the sender
    size_t n_keys;
    unsigned depth;                              // transactions of one key in no block yet [1]
    size_t orders_max;                           // [256]
    size_t bytes_max;                            // of one signed transaction [4096]
    size_t flights_max;                          // not settled for good [128]
    unsigned room_blocks;                        // full blocks that a ready transaction's fee must last [3]
    uint64_t signatures_per_s, signatures_burst; // [2000, 256]
    unsigned bump_percent;                       // the pool's rule [10]
    uint64_t bump_after_ns;                      // in a pool for so long: replaced with higher fees [30 s]
    uint64_t give_up_ns;                         // after the first send: cancelled [120 s]
    uint64_t look_ns;                            // between looks beside those at each head [1 s]
    uint64_t wallet_ns;                          // between readings of nonce and balance [10 s]
    unsigned confirmations;  // blocks, the receipt's own included, until nothing is expected to change [12]
    u128 fee_max;            // of an order [1000 gwei]
    u128 cancel_tip;         // the least tip of a cancellation [1 gwei]
    u128 cancel_fee_max;     // of a cancellation [twice fee_max]
    unsigned private_blocks; // blocks aimed at by the relay before the public pool is used [3]
    bool private_only;       // never the public pool: docs/transactions.md
    bool one_thread;         // sign in the caller's thread (tests)
    struct sender_gate gate; // allow NULL: always
    // Asked before a nonce that is in a block deep enough is logged as settled for good: false while the
    // caller has not handed on yet what became of it, so that a crash forgets nothing. NULL: always.
    bool (*may_end)(void *ctx, size_t sender, uint64_t nonce);
    void *may_end_ctx;
    struct sender_private relay; // submit NULL: none
};

enum flight_state {
    FLIGHT_SENT,    // handed over, or recovered; no node is known to have it
    FLIGHT_PENDING, // a node has it
    FLIGHT_MINED,   // in a block that may still be reorganised away
    FLIGHT_TAKEN,   // the nonce is used, by none of ours as far as is known
    FLIGHT_ENDED,
};
enum flight_outcome {
    OUTCOME_NONE,
    OUTCOME_SUCCESS,      // the order took effect
    OUTCOME_REVERTED,     // it is in a block and had none
    OUTCOME_CANCELLED,    // our cancellation took the nonce: it never will
    OUTCOME_TAKEN,        // another transaction from our key took the nonce: it never will
    OUTCOME_NOT_INCLUDED, // private_only: no builder took it
    N_OUTCOMES,
};
const char *flight_state_name(enum flight_state s);
const char *flight_outcome_name(enum flight_outcome o);

enum fire_answer {
    FIRE_SENT,
    FIRE_NO_ORDER,  // no such name
    FIRE_NOT_READY, // no head, not signed, not on disk, fee or nonce gone, expired
    FIRE_REFUSED,   // the gate said no
    FIRE_FULL,      // flights_max
    FIRE_NO_NODE,   // no usable node or builder took a byte: it may be fired again
    N_FIRE_ANSWERS,
};
const char *fire_answer_name(enum fire_answer a);

enum sender_event_kind {
    SENDER_STATE = 1, // to: FLIGHT_ENDED with its outcome
    SENDER_REORGED,   // the receipt's block is gone, or is another one now
    SENDER_REPLACED,  // a replacement was sent: hash
    SENDER_CANCELS,   // a cancellation was sent: hash
    SENDER_REASON,    // why it reverted: text, data
    SENDER_STUCK,     // can neither be raised nor cancelled within the fees allowed: text
    SENDER_NODE_SAYS, // a node refused bytes: text
};
struct sender_event {
    enum sender_event_kind kind;
    struct order_key key;
    size_t sender;
    uint64_t nonce;
    enum flight_state to;
    enum flight_outcome outcome;
    struct word hash;        // of the version that the event is about
    uint64_t block;          // FLIGHT_MINED and what follows
    struct rpc_span receipt; // likewise: JSON, valid until the next sender_step or sender_fire
    struct rpc_span data;    // SENDER_REASON: revert data as "0x...", may be absent; likewise valid
    char text[128];          // printable ASCII
};

struct sender_counters {
    uint64_t answer[N_FIRE_ANSWERS], outcome[N_OUTCOMES];
    uint64_t sends, refused_sends; // requests handed to nodes; not taken by the connection
    uint64_t resent, replaced, cancels, reorgs, rounds, bad_rounds, node_errors, lost, nonce_too_low, stuck;
    uint64_t recovered, fenced, gate_closed, private_sends, fell_back, events_lost, filled;
};

struct sender;
// The log has been opened; what it found becomes flights, and is then forgotten by it. NULL with the reason,
// also when it holds what is open of a key that is not given.
struct sender *sender_new(const struct sender_config *cfg, const struct evm_port *port, struct txlog *log,
                          struct err *e);
// Retires what is ready: after this and txlog_close nothing of it needs a look.
void sender_free(struct sender *s);

// A new head, of the best node. base_fee in wei.
void sender_head(struct sender *s, uint64_t number, u128 base_fee, uint64_t now_ns);
// One round of everything in the background; call it often.
void sender_step(struct sender *s, uint64_t now_ns);
// The same in pieces, for a thread that must look at something else in between: an answer, a flight, a key,
// the ready orders. True when a round is done.
bool sender_piece(struct sender *s, uint64_t now_ns);
int sender_poll(struct sender *s, struct sender_event *ev); // 1 with an event, 0 none

struct signed_pool *sender_orders(struct sender *s); // to offer, drop and rank
const struct wallet *sender_wallet(const struct sender *s);
// Hot path. How an order goes, by the relay or the public pool, is fixed here.
enum fire_answer sender_fire(struct sender *s, uint32_t name, unsigned level, bool by_relay, uint64_t now_ns);
// A new connection, or an answer that never came: nonces are read again before anything leaves.
void sender_doubt(struct sender *s);
size_t sender_flights(const struct sender *s);
const struct sender_counters *sender_counters(const struct sender *s);

#endif
