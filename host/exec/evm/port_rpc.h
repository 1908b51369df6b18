// SPDX-License-Identifier: Apache-2.0
// The sender's port over real nodes: one connection a node, of its own (rpc.h), made again when it ends;
// which nodes may be sent to is the word of nodes.h, whose nodes are the same in the same order. Idle
// connections are kept awake by a small call. One thread.
#ifndef TRIPLINE_EXEC_EVM_PORT_RPC_H
#define TRIPLINE_EXEC_EVM_PORT_RPC_H

#include "evm/nodes.h"
#include "exec/evm/port.h"

struct port_rpc;
// nodes: the caller's, polled by whoever; NULL: a connection that is up is good enough. NULL with the reason.
struct port_rpc *port_rpc_new(const struct rpc_config *node, size_t n, const struct nodes *nodes,
                              struct err *e);
void port_rpc_free(struct port_rpc *p);
struct evm_port port_rpc_port(struct port_rpc *p);

#endif
