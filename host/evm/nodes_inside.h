// SPDX-License-Identifier: Apache-2.0
// What nodes.c (connections, questions, answers) and nodes_health.c (judgement) share. Not for others.
#ifndef TRIPLINE_EVM_NODES_INSIDE_H
#define TRIPLINE_EVM_NODES_INSIDE_H

#include <stdatomic.h>

#include "base/prng.h"
#include "evm/nodes.h"

enum { NODES_SEEN = 64, NODES_SUB_MAX = 80 }; // lag_blocks is below NODES_SEEN

enum question { ASK_CHAIN, ASK_SYNCING, ASK_HEAD, ASK_SUBSCRIBE, N_QUESTIONS };

struct node {
    struct rpc *rpc;
    enum node_health health;
    // this connection
    bool chain_ok, sync_known, syncing, head_known;
    bool asked[N_QUESTIONS];
    uint64_t asked_at[N_QUESTIONS];
    char sub[NODES_SUB_MAX]; // of newHeads; empty: the head is asked for
    unsigned ahead, lower;   // looks in a row that saw more, or less, than the subscription told
    uint64_t head_due, check_due;
    // also beyond it
    bool has_head;
    struct nodes_head head;
    uint64_t head_at;
    uint64_t down_at; // when the connection that told the head ended
    bool was_ok;      // ever
    bool well;
    uint64_t well_at;
    bool wrong_chain;
    uint64_t retry_at, retry_ns;
    uint64_t rtt_ns;
    char why[200];
    struct node_counters n;
};

struct nodes {
    struct nodes_config cfg;
    size_t n;
    struct node node[NODES_MAX];
    struct prng random;
    size_t turn, work;         // the node being gone through, events of it so far
    size_t judged;             // nodes judged since the connections were last gone through
    uint64_t best;             // number of the best head
    uint64_t seen[NODES_SEEN]; // when the block number (modulo) was first seen; of (best - NODES_SEEN, best]
    int preferred;             // nodes_best as last judged
    uint64_t failovers;
    _Atomic uint64_t usable_until[NODES_MAX]; // 0: not usable
};

// A head that node i now has: its block numbers have been seen.
void health_saw(struct nodes *ns, uint64_t number, uint64_t now_ns);
// Judges node i; true with *ev when its health changed.
bool health_judge(struct nodes *ns, size_t i, uint64_t now_ns, struct nodes_event *ev);
void health_best(struct nodes *ns, uint64_t now_ns);   // before the nodes are judged
void health_chosen(struct nodes *ns, uint64_t now_ns); // after

#endif
