// SPDX-License-Identifier: Apache-2.0
// Where a node is: `ipc:/path` or a path that begins with '/' or '.', http://, https://, ws://, wss://. A URL
// may hold a secret (a provider's key in path or query, name and password before '@'), so that only `shown`
// may be printed or logged. Pure functions, any thread.
#ifndef TRIPLINE_EVM_RPC_URL_H
#define TRIPLINE_EVM_RPC_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { RPC_HOST_MAX = 254, RPC_PATH_MAX = 1024, RPC_SHOWN_MAX = 272 };

enum rpc_transport { RPC_IPC, RPC_HTTP, RPC_WS };

struct rpc_url {
    enum rpc_transport transport;
    bool tls;
    bool numeric;            // an address (or localhost, which is 127.0.0.1): needs no name look-up
    char host[RPC_HOST_MAX]; // IPv6 without brackets; empty with IPC
    uint16_t port;
    char path[RPC_PATH_MAX];   // of the request, with query; of the socket with IPC
    char shown[RPC_SHOWN_MAX]; // scheme://host:port, for people
};

// 0, or -1 with the reason, which never repeats the URL.
int rpc_url_parse(const char *text, struct rpc_url *u, struct err *e);

#endif
