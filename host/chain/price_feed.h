// SPDX-License-Identifier: Apache-2.0
// Brings prices.h what it asks for, from nodes: new blocks, their logs, calls at their hashes (EIP-1898), and
// transactions that wait in the pool. It never blocks; its owner calls price_feed_step. The node in use is
// the first that answers; when its connection ends or it cannot serve a block, the next one takes over and
// all prices are read anew. One thread at a time. Times are ns of a clock that does not step.
#ifndef TRIPLINE_CHAIN_PRICE_FEED_H
#define TRIPLINE_CHAIN_PRICE_FEED_H

#include "chain/prices.h"
#include "evm/rpc.h"

enum { PRICE_FEED_NODES_MAX = 8 };

struct price_feed_config {
    const struct rpc_config *node; // in the order of preference; copied
    size_t n;
    struct prices_config prices;
    bool pending;      // look at the pool (not over HTTP: it tells nothing by itself)
    uint64_t poll_ns;  // between looks at the head; 0: 1 s beside a subscription, 250 ms without one
    uint64_t retry_ns; // before the next try after something failed; 0: 500 ms
    uint32_t catch_up; // behind by more blocks than this: the ones between are left out; 0: 64
};
struct price_feed_counters {
    uint64_t downs, failures, blocks, skipped_pending; // failures: blocks that a node could not serve
};

struct price_feed;
struct price_feed *price_feed_new(const struct price_feed_config *cfg, struct err *e); // NULL with the reason
void price_feed_free(struct price_feed *f);
void price_feed_step(struct price_feed *f, uint64_t now_ns); // works through what has come
void price_feed_wait(struct price_feed *f, int timeout_ms);  // until something comes
struct prices *price_feed_prices(struct price_feed *f);
const struct price_feed_counters *price_feed_counters(const struct price_feed *f);
const char *price_feed_why(const struct price_feed *f); // what failed last; "" nothing

#endif
