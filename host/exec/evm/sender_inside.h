// SPDX-License-Identifier: Apache-2.0
// The sender's own structures; private to its files: sender.c (life, trigger), sender_look.c (asking nodes),
// sender_judge.c (what answers mean), sender_make.c (replacements, cancellations, sending again).
#ifndef TRIPLINE_EXEC_EVM_SENDER_INSIDE_H
#define TRIPLINE_EXEC_EVM_SENDER_INSIDE_H

#include "exec/evm/sender.h"

enum {
    FLIGHT_VERSIONS = 16,
    ORDER_VERSIONS = 11, // the rest is for cancellations
    SENDER_EVENTS = 256, // a power of two
    REASON_TEXT = 512,
    TAKEN_ROUNDS = 3,
    GAP_LOOKS = 3,
};

struct version {
    uint8_t kind; // enum tx_kind
    bool sent;    // surely; false: recovered, may have been
    uint64_t serial;
    u128 tip, fee;
    struct word hash;
    uint8_t *raw;
    size_t n;
    bool has_receipt, known; // this round's
};
// What is being signed or waits for the disk: becomes a version when it is sent.
enum making { MAKING_NOTHING, MAKING_SIGNING, MAKING_LOGGED };

struct flight {
    bool used;
    size_t sender;
    uint64_t nonce;
    struct order_key key;
    uint64_t expires_ns, deadline_ns, last_sent_ns;
    uint64_t again_ns; // the same bytes were sent once more; 0: never
    enum flight_state state;
    struct version v[FLIGHT_VERSIONS];
    unsigned n_v;
    bool recovered, looked, stuck_told, was_public;
    uint64_t target, targets_left; // the relay's: block aimed at last, blocks after it

    enum making making;
    uint8_t making_kind;
    uint64_t making_lsn, making_serial;
    struct sign_job job;
    uint8_t *middle;

    // A round: count, then each version's receipt and whether it is known, all asked of one node.
    uint32_t round;
    unsigned waits;
    bool asked, bad, due; // due: asked about at once
    uint64_t asked_ns, asked_head, count;

    // Where a version is mined; while `taken`: since when.
    unsigned mined;
    uint64_t block;
    struct word block_hash;
    bool success, reason_asked;
    uint64_t taken_head;
    unsigned taken_rounds;
    char *receipt; // text of this round's
    size_t n_receipt, receipt_room;
    char reason[REASON_TEXT];
    size_t n_reason;
};

struct wallet_look {
    bool asked;
    uint32_t round;
    unsigned waits;
    bool bad;
    unsigned gaps; // looks in a row that found one
    uint64_t asked_ns, count;
    struct word balance;
};

struct sender {
    struct sender_config c;
    struct evm_port port;
    struct wallet wallet;
    struct wallet_look look[WALLET_MAX];
    struct signer *signer;
    struct txlog *log;
    struct signed_pool *pool;
    struct flight *flight;
    uint8_t *slab;
    size_t n_open;
    uint64_t head;
    u128 base_fee;
    uint32_t round;
    struct sender_event event[SENDER_EVENTS];
    size_t event_head, event_tail;
    struct sender_counters n;
    unsigned phase; // of sender_piece, and how far it has come
    size_t cursor;
};

// ---- sender.c
struct sender_event *sender_tell(struct sender *s, const struct flight *f, enum sender_event_kind kind);
void sender_go(struct sender *s, struct flight *f, enum flight_state to);
// A flight of a cancellation alone.
void sender_fill(struct sender *s, size_t sender, uint64_t nonce);
void sender_end(struct sender *s, struct flight *f, enum flight_outcome how);
bool sender_allows(struct sender *s, const struct flight *f, uint64_t now);
size_t sender_index(const struct sender *s, const struct flight *f);

// ---- sender_look.c
// Asks what is due about flight i, or, from flights_max on, about key i - flights_max.
void sender_look(struct sender *s, size_t i, uint64_t now);
bool sender_answer(struct sender *s, uint64_t now); // takes what came next; false: nothing has
void sender_ask_reason(struct sender *s, struct flight *f, uint64_t now);

// ---- sender_judge.c
void sender_judge(struct sender *s, struct flight *f, uint64_t now);
void sender_told_reason(struct sender *s, struct flight *f, const struct rpc_event *ev);

// ---- sender_make.c
void sender_make(struct sender *s, struct flight *f, uint8_t kind, uint64_t now);
void sender_made(struct sender *s, struct flight *f, uint64_t now); // one step of what is being made
// An order of an earlier run that no node knows is not sent again: too late, or only builders may have it.
static inline bool sender_over(const struct sender *s, const struct flight *f, uint64_t now)
{
    return f->recovered && (s->c.private_only || now >= f->expires_ns);
}
void sender_again(struct sender *s, struct flight *f, uint64_t now);
void sender_next_block(struct sender *s, struct flight *f, uint64_t now); // the relay's next target

#endif
