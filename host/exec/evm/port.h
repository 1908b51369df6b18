// SPDX-License-Identifier: Apache-2.0
// How the sender reaches nodes: a few links (one node each), named by number in the order of preference. The
// real one is port_rpc.h; tests script theirs. All calls by one thread; none blocks. Times are
// ns of one clock that does not step.
#ifndef TRIPLINE_EXEC_EVM_PORT_H
#define TRIPLINE_EXEC_EVM_PORT_H

#include "evm/rpc.h"

enum { PORT_LINKS_MAX = 8 };

struct port_event {
    size_t link;
    struct rpc_event rpc; // its spans: until the next poll
};

struct evm_port_ops {
    // Request bytes of a signed transaction for this link, under RPC_RAW_ID + serial. 0: does not fit.
    size_t (*put)(void *ctx, size_t link, uint64_t serial, const uint8_t *tx, size_t n, uint8_t *out,
                  size_t size);
    // Hot path. RPC_SENT, RPC_QUEUED or RPC_REFUSED (nothing left, no event will come).
    int (*send)(void *ctx, size_t link, uint64_t serial, const uint8_t *bytes, size_t n, uint64_t now_ns);
    // Connected, and its node neither lags nor stalls: may an order go there?
    bool (*usable)(void *ctx, size_t link, uint64_t now_ns);
    int (*call)(void *ctx, size_t link, const char *method, const char *params, uint64_t tag,
                uint64_t now_ns); // 0, or -1: nothing was sent
    // Each call ends in one event with its tag, each send that was taken in one with its id.
    int (*poll)(void *ctx, uint64_t now_ns, struct port_event *ev);
};
struct evm_port {
    const struct evm_port_ops *ops;
    void *ctx;
    size_t links; // 1 to PORT_LINKS_MAX
};

#endif
