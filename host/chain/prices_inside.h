// SPDX-License-Identifier: Apache-2.0
// Inside prices.h: shared by its files only.
#ifndef TRIPLINE_CHAIN_PRICES_INSIDE_H
#define TRIPLINE_CHAIN_PRICES_INSIDE_H

#include "chain/prices.h"

enum {
    // each getter of each source once, each market question once, and one more round of questions about
    // assets
    READS_MAX = PRICES_SOURCES_MAX * N_GETTER + 4 * PRICES_ASSETS_MAX + 16,
    DEPTH_MAX = 6, // of adapters on adapters; deeper, or in a circle, gives no answer
};

enum read_what {
    READ_PRICE,     // oracle.getAssetPrice(asset)
    READ_AGAIN,     // the same at the parent's hash
    READ_SOURCE_OF, // oracle.getSourceOfAsset(asset)
    READ_GETTER,    // of a source
    READ_FALLBACK,  // oracle.getFallbackOracle()
    READ_ORACLE,    // provider.getPriceOracle()
    READ_SENTINEL,  // provider.getPriceOracleSentinel()
    READ_ALLOWED,   // sentinel.isLiquidationAllowed()
    N_READ_WHAT,
};
struct read {
    uint8_t what, getter;
    uint16_t index; // asset or source
};

// A difference at the last block. While a node makes the next block it may answer from that at the hash of
// this one, however often it is asked; once the next block is there it does not. So the oracle is asked once
// more then, and what was no difference is taken back.
struct difference {
    bool on, silent;
    struct answer model, oracle; // what the price should have been; what the oracle says a block later
    enum price_mode mode;        // of the asset before it
    bool differs;
    uint32_t good, faults;
};

struct asset {
    struct evm_address at, source_at;
    uint16_t source; // SOURCE_NONE: the oracle has none for it
    enum price_mode mode;
    enum price_hold hold;
    uint32_t good, bad, faults; // audits in a row; differences since its source was found
    bool differs;               // held for it
    bool suspect;               // differed at this block's first look
    bool oracle_reverts;
    bool from_fallback; // at the last audit its source answered nothing positive and the fallback was asked
    bool twice, first_reverts; // asked twice in this block; what was said first:
    i256 first_price;
    i256 oracle_price; // at the last block that was audited
    struct difference last;
    i256 told; // what consumers know
    enum price_hold told_hold;
    struct price_state n; // its counters
};

struct node {
    struct source s;
    uint32_t asked; // getters in flight or answered in this round
    bool asking, used;
    bool hidden;    // a feed below an adapter, whose cap can hide from the audit what happens to it
    bool undecided; // whether its ratio is a feed's
    bool doubted;   // in this block a read showed another answer, of which no log had told
    bool silent;    // ... and so did a second read
    bool unsteady;  // ... another ratio than the first read
    bool early;     // silent in the block before, and no log has told of that answer since
};

struct candidate {
    bool on;
    struct word hash;
    struct evm_address from;
    uint64_t nonce, order; // order: the oldest goes first
    uint16_t source;
    struct report report;
};

enum phase { PHASE_IDLE, PHASE_LOGS, PHASE_READS };

struct prices {
    struct prices_config cfg;
    struct word answer_updated, source_updated, fallback_updated; // topics
    struct evm_address watch_oracle, sentinel, fallback;
    bool has_sentinel;
    enum price_sentinel sentinel_is;
    struct asset asset[PRICES_ASSETS_MAX];
    struct node node[PRICES_SOURCES_MAX];
    size_t n_nodes;
    bool over; // PRICES_SOURCES_MAX were not enough: assets of those beyond are polled

    struct price_block block;
    bool has_block; // `block` was read to its end
    bool anew;      // everything is read from the beginning in this block
    enum phase phase;
    bool changed_oracle;
    bool audited; // the prices of this block were compared once already
    uint32_t since_refresh;
    struct word tx_hash; // of the logs at hand
    uint32_t tx_index;
    bool in_tx;

    struct read read[READS_MAX];
    size_t n_reads, next_read, unanswered;
    bool open[READS_MAX];

    struct candidate pending[PRICES_PENDING_MAX];
    uint64_t order, seq;
    struct price_told change[PRICES_ASSETS_MAX];
    struct prices_counters n;
};

// What an asset's source answers by its model, with one feed's answer replaced (SOURCE_NONE: none).
struct answer prices_model(const struct prices *p, const struct asset *a, uint16_t replaced, i256 with);
bool prices_has_fallback(const struct prices *p);
// Tells what is new as one group.
void prices_publish(struct prices *p, enum price_cause cause);
__attribute__((format(printf, 2, 3))) void prices_notice(struct prices *p, const char *fmt, ...);
// Asks for these getters of a source; what is in flight already is not asked twice.
void prices_ask(struct prices *p, uint16_t source, uint32_t getters);
void prices_ask_market(struct prices *p, enum read_what what, uint16_t index);
// Begins the reads of a block.
void prices_reads_begin(struct prices *p);
// A transaction's logs took effect on a feed: candidates that it settles are withdrawn.
void prices_settle(struct prices *p, uint16_t source, const struct word *tx_hash);
void prices_forget_pending(struct prices *p);
void prices_recheck_pending(struct prices *p); // against the aggregators that count now

#endif
