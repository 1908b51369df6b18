// SPDX-License-Identifier: Apache-2.0
// Transactions signed before they are needed. An order is offered as opaque bytes (target, calldata, gas);
// the most valuable ones, as many as there are free keys, become heads: signed for their key's next nonce at
// each of their tip levels, logged (P6), and encoded as complete requests for each link. The others are kept
// encoded, for a batch entry. Heads are made anew in the background when nonce, base fee or the order's bytes
// leave what they were made for, within a budget of signatures. What is not sent is retired in the log before
// anything else can be sent under its nonce. One thread (the sender's); a signer's thread works on jobs only.
// signed_ready is for the hot path: no allocation, no system call. Fees: wei a unit of gas.
#ifndef TRIPLINE_EXEC_EVM_SIGNED_H
#define TRIPLINE_EXEC_EVM_SIGNED_H

#include "exec/evm/port.h"
#include "exec/evm/signer.h"
#include "exec/evm/txlog.h"
#include "exec/evm/wallet.h"

enum { SIGNED_TIPS = 4 };
#define SIGNED_NONE UINT32_MAX

struct signed_order { // copied by signed_offer
    struct order_key key;
    struct evm_address to;
    uint64_t gas;
    struct word value;            // wei sent along
    const uint8_t *data, *access; // calldata; payload of an access list (tx_access_encode), n_access 0: none
    size_t n_data, n_access;
    uint64_t worth;        // expected value, 1e-8 units of account: ranks
    uint64_t expires_ns;   // not sent from then on (P5)
    u128 tip[SIGNED_TIPS]; // ascending
    unsigned n_tips;       // 1 to SIGNED_TIPS
};

struct signed_config {
    uint64_t chain_id;
    size_t orders_max;          // kept at once
    size_t bytes_max;           // of one signed transaction
    unsigned room_blocks;       // made anew when its fee would not hold this many more full blocks
    uint64_t per_second, burst; // budget of signatures
    u128 fee_max;               // no transaction is made with more
};

enum signed_state { SIGNED_EMPTY, SIGNED_SIGNING, SIGNED_MADE };
struct signed_tx {
    enum signed_state state;
    bool stale; // being signed for what holds no more
    uint64_t serial, lsn, nonce;
    u128 tip, fee, base; // base: base fee it was made for
    uint32_t version;    // of the order's bytes
    struct word hash;
    uint8_t *middle, *raw; // middle: the signer's copy of the template
    size_t n;
    uint8_t *request[PORT_LINKS_MAX];
    size_t n_request[PORT_LINKS_MAX]; // 0: the link has none
    struct sign_job job;
};
struct signed_entry {
    bool used;
    struct signed_order o; // data and access lead into mem
    uint8_t *mem;
    struct tx_template template;
    uint32_t version;
    int sender; // index in the wallet; -1: no head
    struct signed_tx tx[SIGNED_TIPS];
};

struct signed_counters {
    uint64_t offered, dropped, expired, made, retired, stale, no_budget, no_money, too_dear, not_logged;
    uint64_t unassigned; // heads that lost their key to a more valuable order
};

struct signed_pool;
// wallet, signer, log and port stay the caller's. NULL with the reason.
struct signed_pool *signed_new(const struct signed_config *cfg, struct wallet *w, struct signer *s,
                               struct txlog *l, const struct evm_port *p, struct err *e);
void signed_free(struct signed_pool *p); // waits for jobs under way; retires all

// Adds an order (name SIGNED_NONE) or changes one (its name): its name, SIGNED_NONE with e: no place or no
// transaction (one that was there is gone then). Changing worth or expiry alone costs no signature.
uint32_t signed_offer(struct signed_pool *p, uint32_t name, const struct signed_order *o, struct err *e);
void signed_drop(struct signed_pool *p, uint32_t name); // a name that is none: nothing
const struct signed_entry *signed_at(const struct signed_pool *p, uint32_t name); // NULL: none
// Names by worth, heads included, at most `max`; how many.
size_t signed_ranked(struct signed_pool *p, uint32_t *name, size_t max);

// One round in the background: takes what was signed, ranks, gives jobs.
void signed_step(struct signed_pool *p, u128 base_fee, uint64_t now_ns);

// The transaction that may be sent now, else NULL: no head, not signed or not on disk yet, its nonce or
// head-room gone, expired.
const struct signed_tx *signed_ready(const struct signed_pool *p, uint32_t name, unsigned level,
                                     u128 base_fee, uint64_t now_ns);
// It was handed over: retires the order's other levels and frees the name. The entry's content is there until
// the next offer.
void signed_sent(struct signed_pool *p, uint32_t name, unsigned level);
const struct signed_counters *signed_counters(const struct signed_pool *p);

#endif
