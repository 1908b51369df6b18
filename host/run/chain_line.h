// SPDX-License-Identifier: Apache-2.0
// The chain's side of a run: two threads that follow the pool's accounts (chain/follower.h) and its oracle's
// prices (chain/price_feed.h), and read the pools that collateral is sold in, and one gateway in front of
// them and the gateway to the chain (exec/evm/gateway_evm.h), so that the hot thread has one place to poll:
// replies first, then prices, then states. Ids, instruments and assets are those of a paired book
// (accounts/pair.h).
#ifndef TRIPLINE_RUN_CHAIN_LINE_H
#define TRIPLINE_RUN_CHAIN_LINE_H

#include <signal.h>

#include "accounts/pair.h"
#include "base/hist.h"
#include "evm/rpc.h"
#include "exec/evm/gateway_evm.h"

struct chain_pool_config { // a pool of the exchange
    struct evm_address pair;
    uint32_t keep, of; // cpmm.h; 0: 997 of 1000
    uint32_t gas;      // of one sale in it; 0: 90000
};
struct chain_line_config { // copied, but what pointers lead to must live until chain_line_close
    const char *db;        // the account store that `tripline chain index` has made; followed from here on
    uint64_t chain_id;
    struct evm_address lender; // the pool that lends; zero: what the store has
    struct evm_address native; // token of the native coin, wrapped: one of its reserves
    const struct rpc_config *node;
    size_t n_nodes;
    uint64_t stall_ns;
    unsigned audit;         // accounts compared with the contract after each block
    uint32_t verify_blocks; // prices.h; 0: its default
    bool pending;           // candidates from the pool of transactions
    const struct chain_pool_config *pool;
    size_t n_pools;
    uint32_t accounts_max; // ids of the store that there is room for; 0: those it has and 65536 more
    struct gateway_evm_config
        orders; // token, users, node, chain_id, stall_ns are filled in by chain_line_open
    void (*notice)(void *ctx, const char *text); // for people, any thread; NULL: none
    void *notice_ctx;
    const volatile sig_atomic_t *stop; // ends chain_line_open (then NULL); NULL: nothing does
};
struct chain_line_counters {
    struct gateway_evm_counters orders;
    uint64_t blocks, reorgs, audited, audit_differences, states, markets, holds; // follower
    uint64_t price_groups, price_audits, price_differences, candidates;          // prices
    uint64_t block;                                                              // of the accounts
    uint64_t accounts; // of the store, when it was opened
    uint16_t native;   // instrument whose token is the native coin's
    size_t earlier;    // transactions of earlier runs that were on their way then
};

struct chain_line;
// Brings the store to the head (progress by notice), loads it paired into *book, starts the threads. NULL
// with *e set.
struct chain_line *chain_line_open(const struct chain_line_config *c, struct book *book, struct err *e);
struct gateway *chain_line_gateway(struct chain_line *l); // closed by chain_line_close alone
// What has gone wrong for good (the follower cannot go on, the log of transactions cannot be written), or 0.
int chain_line_failed(const struct chain_line *l, struct err *e);
void chain_line_counters(struct chain_line *l, struct chain_line_counters *out);
// Whether the outcome of this order of an earlier run will be told (gateway_evm_earlier). Any thread.
bool chain_line_earlier(const struct chain_line *l, const struct order_key *k);
// From an order's hand-over to its MINED polled, ns by CLOCK_MONOTONIC. The polling thread.
const struct hist *chain_line_receipts(const struct chain_line *l);
void chain_line_close(struct chain_line *l);

#endif
