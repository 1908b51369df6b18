// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/1.1 response, strictly: CRLF line ends, one clear length. Pure function, any thread.
#ifndef TRIPLINE_EVM_RPC_HTTP_H
#define TRIPLINE_EVM_RPC_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evm/rpc_frames.h"

struct rpc_http_head {
    unsigned status; // 100 to 599
    bool close;      // the node will close: asked for, or HTTP/1.0 without keep-alive
    bool chunked;    // else has_length, or neither
    bool has_length;
    uint64_t length;
    bool upgrade, upgrade_websocket;    // "Connection: Upgrade", "Upgrade: websocket"
    bool extras;                        // a WebSocket extension or subprotocol, which we never ask for
    char accept[RPC_WS_ACCEPT_LEN + 1]; // Sec-WebSocket-Accept, empty when absent or of another length
};

// p[0, n) ends with the empty line. 0, or -1 with *why.
int rpc_http_head(const char *p, size_t n, struct rpc_http_head *h, const char **why);

#endif
