// SPDX-License-Identifier: Apache-2.0
// Inside of the follower. Only follower*.c.
#ifndef TRIPLINE_CHAIN_FOLLOWER_INSIDE_H
#define TRIPLINE_CHAIN_FOLLOWER_INSIDE_H

#include "base/prng.h"
#include "chain/events.h"
#include "chain/follower.h"

struct touched_user {
    struct evm_address user;
    bool borrow; // may be new
};

// What logs say has changed.
struct touched {
    struct touched_user *user;
    size_t n, room;
    struct chain_wanted wanted;
    bool sources;
};

struct changed {
    uint32_t id;
    bool added, held;
};

struct follower {
    struct follower_config cfg;
    const struct rule *rule;
    struct chain_link *link;
    struct chain_tables t;
    struct chain_meta meta;
    struct chain_pool pool, next_pool; // next_: of the step in hand
    struct market *market, *next_market;
    struct touched touched;
    struct changed *changed;
    size_t n_changed, changed_room;
    struct account *account[CHAIN_READ_ACCOUNTS], *before;
    struct chain_block anchor; // PHASE_READING
    bool has_anchor, checked, told_ready, fatal;
    uint64_t range; // blocks an eth_getLogs
    struct prng rng;
    uint32_t doubtful[CHAIN_READ_ACCOUNTS]; // ids that differed in the last audit, for the next one
    size_t n_doubtful;
    struct follower_counters n;
};

// follower_logs.c. Logs of blocks first..last (of the one block `hash` when it is not NULL) added to *t; only
// Borrow with borrows. 1 done, 0 the node refuses so many (*e says what it said), -1.
void touched_clear(struct touched *t);
int touched_add(struct touched *t, const struct evm_address *user, bool borrow, struct err *e);
void touched_sort(struct touched *t); // and each user once
int follower_logs(struct follower *f, const struct chain_pool *p, uint64_t first, uint64_t last,
                  const struct word *hash, bool borrows, struct touched *t, struct err *e);
// Of first..last in ranges of f->range, which follows what the node takes.
int follower_log_ranges(struct follower *f, const struct chain_pool *p, uint64_t first, uint64_t last,
                        struct touched *t, struct err *e);

// follower_apply.c. Reads what f->touched says at block b into f->next_* and the store, in one transaction;
// undone: b is one that was applied before. 0, or -1 and all as before.
int follower_apply(struct follower *f, const struct chain_block *b, bool undone, struct err *e);
// Reads n users found by their logs at block hash; those that owe something become accounts. Inside a
// transaction.
int follower_read(struct follower *f, const struct word *hash, const struct touched_user *u, size_t n,
                  struct err *e);

bool follower_same(const struct account *a, const struct account *b); // in what the chain says

// follower_audit.c. A sample after a block; what differs is held, counted and read again. A node that does
// not answer now is no difference.
void follower_audit_block(struct follower *f);

#endif
