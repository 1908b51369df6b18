// SPDX-License-Identifier: Apache-2.0
// Logs of an Aave V3 market (1.19 to 3.7): which accounts and reserves a log concerns. What they are
// afterwards the contract is asked (read.h), so no amount is taken from a log and no version's rounding
// matters here. Decoding is strict: an event of ours with another number of topics or words, dirty upper
// bytes of an address, or a log that was taken back is refused. Pure functions over the caller's memory, any
// thread; chain_topics_init once before.
#ifndef TRIPLINE_CHAIN_EVENTS_H
#define TRIPLINE_CHAIN_EVENTS_H

#include "base/err.h"
#include "evm/abi.h"
#include "evm/rpc_json.h"

// Which contract of the market emitted it.
enum chain_emitter {
    EMITTER_OTHER,
    EMITTER_POOL,
    EMITTER_TOKEN,        // aToken or variable debt token
    EMITTER_CONFIGURATOR, // any log: parameters may have changed
    EMITTER_PROVIDER,     // any log: as above, and the oracle or configurator may be another
    EMITTER_ORACLE,       // price sources, handed on
};

enum { EVENT_USERS_MAX = 2, EVENT_RESERVES_MAX = 2 };

struct chain_event {
    bool borrow;   // the first user owes something now: the only way to become an account
    bool settings; // parameters of the market: read them anew
    bool sources;  // where prices come from may be another: for who follows them
    uint8_t n_users, n_reserves;
    struct evm_address user[EVENT_USERS_MAX];       // without the zero address
    struct evm_address reserve[EVENT_RESERVES_MAX]; // underlying tokens
};

// A log as a node tells it.
struct chain_log {
    struct abi_log log; // data points into the caller's buffer
    uint64_t block, index;
    struct word block_hash;
};

enum { CHAIN_LOG_DATA_MAX = 4096 }; // bytes of data kept; longer ones are no event of ours

void chain_topics_init(void);
const struct word *chain_topic_borrow(void);

// An entry of eth_getLogs' result. data: CHAIN_LOG_DATA_MAX bytes of the caller's. 0, or -1 with *e:
// malformed, pending or removed.
int chain_log_get(struct rpc_span v, struct chain_log *out, uint8_t *data, struct err *e);

// What log l of an emitter of this kind concerns. 0, or -1 with *e set: not as the contract emits it.
int chain_event_get(const struct abi_log *l, enum chain_emitter by, struct chain_event *out, struct err *e);

#endif
