// SPDX-License-Identifier: Apache-2.0
// What the chain is asked through: batches of JSON-RPC calls to whichever node is well. Tests put a chain of
// their own behind it. One thread.
#ifndef TRIPLINE_CHAIN_LINK_H
#define TRIPLINE_CHAIN_LINK_H

#include "base/err.h"
#include "evm/nodes.h"
#include "evm/word.h"

enum { CHAIN_CALLS_MAX = 100 }; // of a batch; the usual limit of providers

struct chain_call {
    const char *method, *params; // JSON text
};
struct chain_answer {
    bool ok;                // else the node refuses: why
    struct rpc_span result; // until the function that it is given to returns
    int64_t code;
    const char *why; // printable
};
// Answer i of a batch. Not 0 (with *e set): the answer makes no sense; the rest is not looked at.
typedef int chain_take(void *to, size_t i, const struct chain_answer *a, struct err *e);

struct chain_link {
    // Asks n <= CHAIN_CALLS_MAX and waits. 0 when `take` has been given every answer, each once, in any
    // order; -1 with *e set: no node, no answer in time, or what `take` said. May be repeated: nothing asked
    // here changes the chain.
    int (*ask)(struct chain_link *l, const struct chain_call *c, size_t n, chain_take *take, void *to,
               struct err *e);
    // Until there may be something new, timeout_ms at most.
    void (*wait)(struct chain_link *l, int timeout_ms);
    void (*close)(struct chain_link *l);
};

static inline int chain_ask(struct chain_link *l, const struct chain_call *c, size_t n, chain_take *take,
                            void *to, struct err *e)
{
    return l->ask(l, c, n, take, to, e);
}

// Over nodes: the best usable one (nodes_best) is asked on a connection of this link's own, so that large
// answers hold up nobody's health. ns stays the caller's, must outlive the link and is polled by it while it
// waits; urls: those of ns, in their order. stop: ends a wait (then -1); may be NULL. NULL with *e set.
struct chain_link *chain_link_open(struct nodes *ns, const struct rpc_config *urls, size_t n,
                                   uint64_t answer_ns, const volatile int *stop, struct err *e);
static inline void chain_link_close(struct chain_link *l)
{
    if (l)
        l->close(l);
}

#endif
