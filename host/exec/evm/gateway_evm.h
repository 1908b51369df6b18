// SPDX-License-Identifier: Apache-2.0
// Gateway to an Aave pool on an EVM chain: ready orders become calls of the liquidation contract (flash.h),
// signed before they are needed (signed.h), sent at the trigger and followed to their end (sender.h), on a
// thread of its own behind rings, as gateway.h says. What it does not do: follow accounts and prices
// (run/chain_line.h does, and tells states).
//
//   offer     item made, offered to the signed pool under the order's key
//   submit    the ready transaction is sent; an order that has none is made, signed, logged and sent (cold);
//             orders that come together and have no key of their own left go into one batch
//   replies   MINED when its block is applied to the accounts (gateway_evm_applied), UNDONE, REFUSED (nothing
//             was sent, or never will be)
//
// P6: an account whose earlier order, of this run or one before, is on its way gets no further one: REFUSED.
#ifndef TRIPLINE_EXEC_EVM_GATEWAY_EVM_H
#define TRIPLINE_EXEC_EVM_GATEWAY_EVM_H

#include "evm/nodes.h"
#include "exec/evm/relay.h"
#include "exec/evm/sender.h"
#include "exec/gateway.h"

// Whom an account's id stands for. Written by whoever follows the chain before it tells the account's state;
// read by the gateway's thread.
struct gateway_users {
    struct evm_address *at; // by id of the store (pair_id of an order's account)
    size_t n;               // ids below this; fixed
};

struct gateway_evm_config {
    uint64_t chain_id;
    const struct rpc_config *node; // in the order of preference
    size_t n_nodes;
    uint64_t stall_ns; // nodes_config.stall_ns
    const struct private_key *const *key;
    size_t n_keys;
    const char *txlog;               // path
    struct evm_address contract;     // Liquidator.sol
    struct evm_address router;       // Uniswap V2's
    const struct evm_address *token; // by instrument (of the store)
    size_t n_tokens;
    const struct gateway_users *users;
    uint8_t flags; // enum flash_flag of every order; a predicted one has CHECK_HEALTH besides
    unsigned n_tips;
    uint32_t tip_ppm[SIGNED_TIPS];    // tip levels, in parts of gateway_terms.tip, ascending
    unsigned level;                   // the one that is sent
    uint64_t expires_ns;              // a ready order is sent within so long of its last offer; 0: 600 s
    bool batch;                       // orders without a key of their own left go through the batch entry
    const struct relay_config *relay; // NULL: none
    bool private_only;
    bool spin;
    // Confirmations, times, fees, depth, room; 0: the sender's defaults (bytes_max: 2048, with batches
    // 24576). Chain, keys, gate, relay and what else is above are filled in.
    struct sender_config sender;
    uint64_t (*durable)(void *ctx); // the journal's, as the paper gateway's
    void *durable_ctx;
    bool (*killed)(void *ctx); // kill switch, asked at the last moment; any thread; NULL: never
    void *killed_ctx;
    uint32_t max_wait_ms; // handed over and not sent for longer: REFUSED (P5); 0: 1000
};

struct gateway_evm_counters {
    struct sender_counters sender;
    struct relay_counters relay;
    uint64_t offered, ready_sent, cold_sent, batched, busy; // busy: an earlier order was on its way
    uint64_t mined, reverted, undone, refused;
    u128 gas_wei; // of everything in a block
    size_t flights, nodes_usable;
};

// Opens the log of transactions: what it found open is followed to its end. NULL with *e set.
struct gateway *gateway_evm_open(const struct gateway_evm_config *c, struct err *e);
// Accounts' states up to this block have been taken by the session: MINED of it may be told. After a
// reorganisation the lower block comes first. Any one thread.
void gateway_evm_applied(struct gateway *g, uint64_t block);
// Transactions of earlier runs whose outcome is not known yet. Any thread.
size_t gateway_evm_open_flights(const struct gateway *g);
// Whether this order of an earlier run was, or may have been, on its way when the gateway was opened: what
// has become of it will be told. Any thread.
bool gateway_evm_earlier(const struct gateway *g, const struct order_key *k);
void gateway_evm_counters(const struct gateway *g, struct gateway_evm_counters *out); // any thread
// Its log can no longer be written (disk full, I/O error), and for good: nothing will be sent any more. Any
// thread; e may be NULL.
bool gateway_evm_failed(const struct gateway *g, struct err *e);

#endif
