// SPDX-License-Identifier: Apache-2.0
// The way to a node as a stream of bytes that never blocks: a Unix socket, TCP, or TLS and names to be looked
// up (libcurl). What is said over it is none of its business. One thread per link.
#ifndef TRIPLINE_EVM_RPC_LINK_H
#define TRIPLINE_EVM_RPC_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "evm/rpc_url.h"

struct rpc_tls;
struct rpc_link {
    int fd; // to wait on; -1 closed, or a TLS connection that is being made
    bool tcp;
    struct rpc_tls *tls; // libcurl carries it
};

// Begins to connect. 0, or -1. ca_file: certificates to trust instead of the system's, or NULL.
int rpc_link_open(struct rpc_link *l, const struct rpc_url *u, const char *ca_file, struct err *e);
int rpc_link_ready(struct rpc_link *l, struct err *e); // 1 connected, 0 not yet, -1 failed

// Bytes read (> 0), 0 none now, -1 ended by the node, -2 broken.
ssize_t rpc_link_recv(struct rpc_link *l, void *buf, size_t n);

// Bytes taken (0 to n), -1 broken. With TLS bytes may be taken and wait for rpc_link_flush.
ssize_t rpc_link_send(struct rpc_link *l, const void *buf, size_t n);
int rpc_link_flush(struct rpc_link *l);  // 1 everything is out, 0 not yet, -1 broken
void rpc_link_close(struct rpc_link *l); // idempotent

// ---- libcurl's part
struct rpc_tls *rpc_tls_open(const struct rpc_url *u, const char *ca_file, struct err *e);
int rpc_tls_ready(struct rpc_tls *t, int *fd, struct err *e);
ssize_t rpc_tls_recv(struct rpc_tls *t, void *buf, size_t n);
ssize_t rpc_tls_send(struct rpc_tls *t, const void *buf, size_t n);
int rpc_tls_flush(struct rpc_tls *t);
void rpc_tls_close(struct rpc_tls *t);

#endif
