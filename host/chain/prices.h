// SPDX-License-Identifier: Apache-2.0
// The prices that an Aave market's own oracle gives, followed from block to block without waiting for it:
// each asset's source is taken apart (source.h), its answer computed from feeds, ratios and time as the
// contracts compute it, and compared with oracle.getAssetPrice at every block's hash. A model counts only
// after it has been equal for some blocks; when it differs, the oracle's own answer takes its place, no order
// may rest on the asset (P5), and that is told.
//
// This is a state machine without input or output: its owner (price_feed.h, or a test) brings blocks, logs,
// results of calls and pending transactions, and gets groups of prices by hooks. Answers are integers in the
// oracle's base currency unit (Aave V3: 1e-8 USD). One thread at a time; it allocates in prices_new only.
//
// A block goes: prices_block; prices_log for each log of the addresses of prices_watch, in order; then
// prices_read and prices_answer until prices_read returns false with nothing unanswered. prices_lost ends a
// block that cannot be read to its end.
#ifndef TRIPLINE_CHAIN_PRICES_H
#define TRIPLINE_CHAIN_PRICES_H

#include "base/err.h"
#include "chain/report.h"
#include "chain/source.h"

enum {
    PRICES_ASSETS_MAX = 128,
    PRICES_SOURCES_MAX = 512,
    PRICES_WATCH_MAX = 2 * PRICES_SOURCES_MAX + 2,
    PRICES_PENDING_MAX = 64,
    PRICES_CALL_MAX = 36, // bytes of a read's calldata
    PRICES_TOPICS_MAX = 4,
};
#define PRICES_NO_TX UINT32_MAX

struct price_block {
    uint64_t number, time; // s, the block's timestamp
    struct word hash, parent;
};

enum price_cause {
    PRICE_TX = 1, // logs of one transaction: one group
    PRICE_TIME,   // the block's time moved a cap
    PRICE_READ,   // calls at the block's hash: ratios, parameters, what is polled, the audit
    PRICE_UNSURE, // blocks are missing or were undone: all assets are held until the next PRICE_READ
};
enum price_hold {
    PRICE_FREE,
    PRICE_HELD_UNREAD,  // not read yet, or blocks are missing, undone, or could not be read
    PRICE_HELD_ABSENT,  // the oracle itself gives no price: the contracts refuse everything that needs it
    PRICE_HELD_DIFFERS, // the model has differed from the oracle and is not believed again yet
};
struct price_told {
    uint16_t asset; // place in prices_config.asset
    enum price_hold hold;
    i256 price; // > 0, or 0 when no price was ever known or the oracle gives none
};
struct price_group {
    uint64_t seq; // 1, 2, 3, ...
    enum price_cause cause;
    struct price_block block;
    uint32_t tx_index;               // PRICE_TX; else PRICES_NO_TX
    struct word tx_hash;             // PRICE_TX
    uint16_t n;                      // at least 1
    const struct price_told *change; // ascending asset; only what is new
};

enum price_withdrawn {
    PENDING_MINED = 1, // its logs were in a block, or it is in one
    PENDING_REPLACED,  // by another transaction of its sender with its nonce
    PENDING_DROPPED,   // the node knows it no longer
    PENDING_OVERTAKEN, // the aggregator took another report: it would refuse this one, or say something else
    PENDING_PUSHED,    // forgotten: more than PRICES_PENDING_MAX
};
struct pending_tx {
    struct word hash;
    struct evm_address from, to;
    uint64_t nonce;
    const uint8_t *data;
    size_t n_data;
};
struct price_candidate {
    struct word tx_hash;
    struct evm_address from;
    struct report report;
    uint64_t time; // s: the time that caps were taken at, the last block's
    uint16_t n;    // assets whose price would change; 0 when all are held, polled or capped
    const struct price_told *change;
};

enum price_mode { PRICE_VERIFYING = 1, PRICE_MODELLED, PRICE_POLLED };

struct price_hooks { // any may be NULL; what pointers lead to is valid during the call
    void (*group)(void *ctx, const struct price_group *g);
    // Blocks after this one are not in the chain any more, or were not seen. A PRICE_UNSURE group follows.
    void (*undone)(void *ctx, uint64_t number);
    void (*block_end)(void *ctx, const struct price_block *b); // all of it is read and audited
    void (*candidate)(void *ctx, const struct price_candidate *c);
    void (*withdrawn)(void *ctx, const struct word *tx_hash, enum price_withdrawn why);
    // For people, and to be loud about: a source found, changed, wrong, believed again.
    void (*notice)(void *ctx, const char *text);
};

struct prices_config { // copied, but what ctx leads to
    struct evm_address oracle;
    struct evm_address
        provider; // PoolAddressesProvider, for another oracle and the sentinel; 0: not looked at
    const struct evm_address *asset;
    size_t n_assets;         // 1 to PRICES_ASSETS_MAX
    uint32_t verify_blocks;  // equal for so many blocks in a row before a model counts; 0: 3
    uint32_t refresh_blocks; // aggregators and parameters are read again every so many blocks; 0: 16
    uint32_t faults_max;     // differences after which an asset stays polled until its source changes; 0: 3
    struct price_hooks hooks;
    void *ctx;
};

struct price_state {
    enum price_mode mode;
    enum price_hold hold;
    enum source_kind kind;
    struct evm_address source, aggregator; // aggregator: of a feed
    i256 price;
    uint64_t audits, differences, explained; // explained: by what a read of the source showed to have changed
};
struct prices_counters {
    uint64_t blocks, lost, undone, gaps; // lost: not read to their end; gaps: blocks missing before one
    uint64_t groups, audits, differences, explained, refreshed;
    uint64_t unsteady; // the node answered the same question at the same block's hash in two ways
    // differences and `differences` above do not count what turned out to be unsteady a block later
    uint64_t candidates, withdrawn, bad_reports, bad_logs;
};
// PriceOracleSentinel (Aave up to 3.6): while it refuses, only accounts with a health factor below 0.95 may
// be liquidated.
enum price_sentinel { SENTINEL_UNKNOWN, SENTINEL_NONE, SENTINEL_ALLOWS, SENTINEL_REFUSES };

struct prices;
struct prices *prices_new(const struct prices_config *cfg, struct err *e); // NULL with the reason
void prices_free(struct prices *p);

// ---- a block
void prices_block(struct prices *p, const struct price_block *b);
struct price_log {
    struct evm_address address; // who emitted it
    uint8_t n_topics;
    struct word topic[PRICES_TOPICS_MAX];
    uint32_t tx_index;
    struct word tx_hash;
};
void prices_log(struct prices *p, const struct price_log *l);
// All logs were told.
void prices_logs_end(struct prices *p);

struct price_read {
    uint32_t id;
    struct word at; // the hash of the block to ask at: the one at hand, or its parent
    struct evm_address to;
    uint8_t data[PRICES_CALL_MAX];
    uint8_t n; // 4 or 36
};
// The next call to make; false: none now. All may be made at once.
bool prices_read(struct prices *p, struct price_read *out);
// Its result; less than a word: the contract refused, or there is none (a call that could not be made is
// prices_lost's). After the last one the block ends, or more is to be read.
void prices_answer(struct prices *p, uint32_t id, const uint8_t *data, size_t n);
bool prices_busy(const struct prices *p); // a block is not at its end
// The node has lost the block or does not answer, or, between blocks, cannot be heard any more: all assets
// are held, and in the next block everything is read anew.
void prices_lost(struct prices *p);

// ---- pending transactions, at any time
void prices_pending(struct prices *p, const struct pending_tx *t);
// Pending ones to ask the node about after each block: the i-th, false: no more.
bool prices_candidate(const struct prices *p, size_t i, struct word *tx_hash);
void prices_withdraw(struct prices *p, const struct word *tx_hash, enum price_withdrawn why);

// ---- looking
// Whose logs are wanted, up to PRICES_WATCH_MAX; changes with the answers to reads.
size_t prices_watch(const struct prices *p, struct evm_address *out, size_t max);
void prices_state(const struct prices *p, size_t asset, struct price_state *out);
const struct prices_counters *prices_counters(const struct prices *p);
enum price_sentinel prices_sentinel(const struct prices *p);

#endif
