// SPDX-License-Identifier: Apache-2.0
// Inside of chain_line.h. Three threads: the one that polls the gateway, one that follows accounts and reads
// pools (chain_states.c, chain_exits.c), one that follows prices (chain_quotes.c). What the latter two have
// to say goes through a ring each; what people are told, counters and failures are behind a lock that the
// polling thread never takes between packets.
#ifndef TRIPLINE_RUN_CHAIN_LINE_INSIDE_H
#define TRIPLINE_RUN_CHAIN_LINE_INSIDE_H

#include <pthread.h>

#include "base/spsc.h"
#include "chain/exchange.h"
#include "chain/follower.h"
#include "chain/price_feed.h"
#include "exec/exit/exits.h"
#include "oracle/told.h"
#include "run/chain_line.h"

enum {
    TOLD_WINDOW = 1024,   // groups of prices on their way to the polling thread
    STATES_WINDOW = 1024, // states, markets, ways out
    MARKETS = 2,          // markets among them
};

// What the price thread has said.
struct told_entry {
    uint16_t n;
    uint8_t bytes[TOLD_BYTES_MAX];
};
// What the follower's thread has said. MARK: all of this block has been said.
enum tell { TELL_STATE = 1, TELL_MARKET, TELL_EXITS, TELL_MARK };
struct state_entry {
    uint8_t what;   // enum tell
    uint16_t n;     // EXITS: bytes; MARKET: which
    uint64_t block; // MARK
    union {
        struct account account;
        uint8_t bytes[EXITS_BYTES_MAX];
    } u;
};

// An oracle transaction that waits in the pool, with what tokens would be at.
struct waiting {
    bool on;
    struct word hash;
    uint64_t order;
    int64_t price[PRICES_ASSETS_MAX]; // by followed token; 0: not in it
};
// Prices, by followed token. Two reserves may share an asset (tokens of one symbol): both are followed, and
// the asset is free while both say the same.
struct quotes {
    struct price_feed *feed;
    size_t n;
    struct evm_address token[PRICES_ASSETS_MAX];
    uint16_t asset[PRICES_ASSETS_MAX]; // of the market, ascending
    struct told_price now[PRICES_ASSETS_MAX];
    struct told_price said[MARKET_ASSETS_MAX];
    int64_t expected[MARKET_ASSETS_MAX]; // said of waiting transactions
    bool refused;                        // the price sentinel lets nobody liquidate
    bool late;                           // a block was read to its end, and the accounts are behind
    struct price_block late_block;
    uint64_t late_ns;
    struct waiting waiting[PRICES_PENDING_MAX];
    uint64_t order;
    struct told_group group; // being made
};

struct pools {
    struct exchange_pair pair[EXITS_POOLS_MAX];
    struct exchange_reserves reserves[EXITS_POOLS_MAX];
    struct exits_told told; // instruments and fees are set once; the last one told
    struct exits_pool all[EXITS_POOLS_MAX];
    size_t n;
    struct word at; // block of the last look
};

enum lent { LENT_NONE, LENT_TOLD, LENT_STATE };
struct handed {
    struct order_key key;
    int64_t at_ns;
};

struct chain_line {
    struct gateway base; // first
    struct chain_line_config cfg;
    struct gateway *orders;
    struct spsc told, states;
    struct told_entry *told_mem;
    struct state_entry *states_mem;
    // polling thread
    enum lent lent;
    struct hist receipts;
    struct handed handed[GATEWAY_OUTSTANDING_MAX];
    size_t n_handed;
    // threads
    pthread_t states_thread, quotes_thread;
    bool states_run, quotes_run;
    volatile int stop; // as chain/link.h wants it; only ever set
    int failed;        // atomic
    uint64_t block;    // atomic: of the accounts that have been told
    pthread_mutex_t lock;
    struct err why;
    struct chain_line_counters n;
    // follower's thread, once it runs
    struct nodes *nodes;
    struct chain_link *link;
    struct follower *follower;
    const struct rule *rule;
    struct evm_address *user;
    struct gateway_users users;
    uint32_t *epoch; // by id of the store, as it was told last
    struct market *market[MARKETS];
    uint64_t markets, markets_done; // told; atomic, written by the polling thread: done with
    bool no_room;                   // said already
    char complained[sizeof((struct err *)0)->msg];
    uint64_t complained_ns;
    struct pools pools;
    // what the store says
    struct chain_pool *pool;
    struct evm_address token[MARKET_INSTRUMENTS_MAX]; // by instrument
    uint16_t n_tokens;
    // price thread, once it runs
    struct quotes quotes;
};

static inline bool line_stopping(const struct chain_line *l)
{
    return __atomic_load_n(&l->stop, __ATOMIC_ACQUIRE) != 0;
}
__attribute__((format(printf, 2, 3))) void line_notice(struct chain_line *l, const char *fmt, ...);
// The first failure is kept; its text ends the run.
__attribute__((format(printf, 2, 3))) void line_fail(struct chain_line *l, const char *fmt, ...);

// Room in a ring, waited for; NULL when the line is being closed. The ring's own thread.
struct state_entry *line_state(struct chain_line *l, enum tell what);
struct told_entry *line_told(struct chain_line *l);
// Rings and locks; the polling side's operations. Before anything else.
int line_init(struct chain_line *l, const struct chain_line_config *c, struct err *e);
// The store, not paired yet, as it is at its state seq, whose block is *at; and what stands beside the
// accounts.
int line_load(struct chain_line *l, uint64_t seq, struct book *book, struct chain_block *at, struct err *e);

// chain_states.c. Opens the follower on l->link as it goes on from the store's state seq.
int chain_states_open(struct chain_line *l, uint64_t seq, struct err *e);
// One step of the follower with what follows from it; IDLE: there is nothing to do now.
enum follower_result chain_states_step(struct chain_line *l);
// Tells new parameters, or, when reserves have come, ends the run.
void line_market(struct chain_line *l, const struct market *m, bool grown);
// Tells an account as one without positions: it is not what the chain has.
void line_hold(struct chain_line *l, uint32_t id, const char *why);
void *chain_states_run(void *line);
// Before any of that: brings the store to the head. *seq: of its state.
int chain_states_bring(struct chain_line *l, uint64_t *seq, struct err *e);

// chain_quotes.c
int chain_quotes_open(struct chain_line *l, const struct market *store, struct err *e);
void chain_quotes_hooks(struct price_hooks *h); // ctx: the line
void chain_quotes_block(struct chain_line *l, const struct price_block *b, enum price_sentinel sentinel);
// Tells a block that had to wait for the accounts.
void chain_quotes_late(struct chain_line *l);
void *chain_quotes_run(void *line);

// chain_exits.c. Finds the pools' tokens among the instruments.
int chain_exits_open(struct chain_line *l, const struct word *block, struct err *e);
// Asks the liquidation contract whether it is this pool's and takes our keys' orders.
int chain_exits_contract(struct chain_line *l, const struct word *block, struct err *e);
// Tells reserves and base fee of a block when they are new. -1: the node; *e.
int chain_exits_tell(struct chain_line *l, const struct chain_block *at, struct err *e);

#endif
