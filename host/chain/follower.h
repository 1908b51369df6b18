// SPDX-License-Identifier: Apache-2.0
// Follows the accounts of an Aave V3 pool: finds everybody who ever borrowed by the Borrow logs since a
// block, reads them and the market at one block, then goes block by block. Events say which accounts and
// reserves changed; the contract, asked at that block's hash, says what they are now. Each block is one
// transaction of the account store with the block's hash in it. A reorganisation goes back to the common
// ancestor, where everything that the lost blocks had changed is read again. One thread owns a follower and
// may block in it; hooks are called on that thread, after the transaction. docs/chain_state.md has the whole
// of it.
#ifndef TRIPLINE_CHAIN_FOLLOWER_H
#define TRIPLINE_CHAIN_FOLLOWER_H

#include "chain/tables.h"

// In the order of the chain: begin, then market, accounts, holds, sources as they apply, then end. seq rises
// by one with each begin, also over restarts: who has missed one loads the store anew.
struct chain_hooks {
    void *ctx;
    // The store is complete and of this block: load it. Once a run, before the first begin.
    void (*ready)(void *ctx, uint64_t seq, const struct chain_block *at);
    // The state becomes that of this block; undone: an earlier one than the last, the blocks in between are
    // no longer part of the chain.
    void (*begin)(void *ctx, uint64_t seq, const struct chain_block *at, bool undone);
    // Parameters, indexes or rates changed; grown: there are instruments that were not there before.
    void (*market)(void *ctx, const struct market *m, bool grown);
    // New state of an account; without positions when it owes nothing or cannot be held any more. The address
    // is who is to be liquidated.
    void (*account)(void *ctx, const struct account *a, const struct evm_address *user, bool added);
    // Nothing must be sent for this account until its next state: the audit found it to differ from the
    // chain.
    void (*hold)(void *ctx, uint32_t id, const char *why);
    // Oracle or provider have logs in this block: where prices come from may be another.
    void (*sources)(void *ctx, const struct chain_pool *p);
    void (*end)(void *ctx, uint64_t seq, const struct chain_block *at);
    // How far a long stretch is: "finding" (blocks), "reading" (accounts), "catching up" (blocks).
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
};

struct follower_config { // copied; hooks that are NULL are not called
    const char *db;
    struct evm_address pool; // zero: what the store has
    uint64_t chain_id;       // 0: whatever the node or the store says
    const char *rule;        // of new accounts; NULL: by the pool's revision, or what the store has
    uint64_t from;           // first block to search, for a new store
    bool again;              // search all blocks again, keep the ids
    uint64_t range_most;     // blocks an eth_getLogs; 0: 10000
    unsigned confirm;        // the first state is of a block so far below the head; 0: 8
    unsigned audit;          // accounts compared with the contract after each block
    uint64_t seed;
    struct chain_hooks hooks;
};

struct follower_counters {
    uint64_t blocks, reorgs, undone, accounts, reserves; // undone: blocks; accounts, reserves: read
    uint64_t added, held;          // held: accounts that cannot be (stable rate, out of range)
    uint64_t ranges, halved;       // of eth_getLogs
    uint64_t audited, differences; // must stay 0
    uint64_t anchors;              // beyond the first
};

struct follower;
// NULL with *e set. The link stays the caller's and must outlive it.
struct follower *follower_open(const struct follower_config *cfg, struct chain_link *link, struct err *e);
void follower_close(struct follower *f);

enum follower_result {
    FOLLOWER_FATAL = -2, // *e: what to do; it will not get better by itself
    FOLLOWER_RETRY = -1, // *e: the node or the disk; call again after a while. Nothing was applied
    FOLLOWER_IDLE = 0,   // at the head: wait (chain_link.wait)
    FOLLOWER_WORKED = 1, // call again
};
// One piece of work: a range of logs, some accounts, a block. Blocks for as long as the node takes.
enum follower_result follower_step(struct follower *f, struct err *e);

const struct chain_meta *follower_meta(const struct follower *f);
const struct chain_pool *follower_pool(const struct follower *f);
const struct market *follower_market(const struct follower *f);
const struct follower_counters *follower_counters(const struct follower *f);

// Compares accounts with the contract at the block of the state: `n` drawn at random, or all of them (n 0).
// states: balances, collateral flags, eMode; market: every reserve's parameters; health (with health true):
// the rule's debt and health factor against getUserAccountData, at the oracle's prices of that block.
struct chain_audit {
    uint64_t accounts, reserves, states, market, health;
    uint64_t unpriced; // left out of health: no price, or values beyond what the rule takes
    char first[200];   // the first difference, for people
};
int follower_audit(struct follower *f, uint64_t n, bool health, struct chain_audit *out, struct err *e);

#endif
