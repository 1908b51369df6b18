// SPDX-License-Identifier: Apache-2.0
// Several nodes of one chain: kept connected, their heads followed, their health judged, so that an order
// goes only to a node that does not lag. The nodes are the operator's and trusted as to what the head's
// number is; everything else about an answer is checked. Not for sending: who sends has connections of its
// own (rpc.h) to the same URLs and asks here which. One thread owns it; nodes_usable and nodes_best may be
// called by any. Times are ns of one clock that does not step.
#ifndef TRIPLINE_EVM_NODES_H
#define TRIPLINE_EVM_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evm/rpc.h"

enum { NODES_MAX = 16, NODES_HASH = 32 };
#define NODES_TAG (UINT64_C(1) << 63) // tags of rpc_call from here on are its own

enum node_health {
    NODE_DOWN,        // no connection; the next try waits for its time
    NODE_CONNECTING,  //
    NODE_CHECKING,    // connected; chain, head and syncing are asked for
    NODE_WRONG_CHAIN, // refused; asked again at the longest interval
    NODE_SYNCING,     // by its own word
    NODE_LAGGING,     // behind the best head by too many blocks or for too long
    NODE_STALLED,     // no new head for too long
    NODE_RECOVERING,  // well again, not yet for long enough
    NODE_OK,
    N_NODE_HEALTH,
};

// 0 in a field of time or lag_blocks: the default in brackets. What is to be off is UINT64_MAX.
struct nodes_config {
    const struct rpc_config *node; // in the order of preference; copied
    size_t n;                      // 1 to NODES_MAX
    uint64_t chain_id;
    uint64_t lag_blocks; // behind the best head by more than this: lagging [2]
    uint64_t lag_ns;    // the block after its own has been seen elsewhere for longer than this: lagging [2 s]
    uint64_t stall_ns;  // no new head for so long: stalled [60 s; UINT64_MAX for chains with blocks
                        // on demand]
    uint64_t poll_ns;   // between looks at the head without a subscription [250 ms]
    uint64_t check_ns;  // between looks at syncing, and at the head beside a subscription [1 s]
    uint64_t answer_ns; // a question of ours unanswered for longer: the connection is made anew [3 s]
    uint64_t steady_ns; // so long must a node have been well before it is used again [2 s]
    uint64_t forget_ns; // so long the head of a node that went down counts for the best head [60 s]
    uint64_t retry_min_ns, retry_max_ns; // between tries to connect, doubled each time [100 ms, 10 s]
    uint64_t lease_ns;                   // so long holds what nodes_poll found; call it more often [1 s]
    uint64_t seed;                       // spreads the tries to connect by up to a quarter
};

struct nodes_head {
    uint64_t number, timestamp; // timestamp: s, the block's
    uint64_t base_fee;          // wei
    bool has_base_fee;
    uint8_t hash[NODES_HASH], parent[NODES_HASH];
};

enum nodes_event_kind {
    NODES_HEAD = 1, // a node has another head (its first too): head
    NODES_HEALTH,   // from -> to. Subscriptions of the user's are to be made anew when a node has left
                    // NODE_CHECKING
    NODES_RPC,      // for the user's calls and subscriptions on nodes_rpc: rpc
};
struct nodes_event {
    enum nodes_event_kind kind;
    size_t node;
    enum node_health from, to;
    struct nodes_head head;
    struct rpc_event rpc; // spans until the next nodes_poll
};

struct node_counters {
    uint64_t heads, reorgs; // reorgs: heads that do not follow the one before
    uint64_t by_poll;       // heads that a look found before the subscription told them
    uint64_t silent;        // connections made anew because the subscription had fallen silent
    uint64_t unanswered;    // or because a question was not answered
    uint64_t senseless;     // or for an answer that makes no sense
    uint64_t wrong_chain, tries;
    uint64_t entered[N_NODE_HEALTH];
};
struct node_state {
    enum node_health health;
    bool subscribed, has_head;
    struct nodes_head head; // the last one known, also of a node that is down
    uint64_t behind;        // blocks behind the best
    uint64_t head_age_ns;   // since the head changed
    uint64_t rtt_ns;        // of looks at the head, smoothed over 8; 0 unknown
    struct node_counters n;
    const struct rpc_counters *rpc;
    const char *why; // the last connection ended; empty when none has
};

struct nodes;
struct nodes *nodes_new(const struct nodes_config *cfg, struct err *e); // NULL with the reason
void nodes_free(struct nodes *ns);

// Works through what has come. 1 with an event, 0 nothing more now. Health is judged whenever it returns 0.
int nodes_poll(struct nodes *ns, uint64_t now_ns, struct nodes_event *ev);
void nodes_wait(struct nodes *ns, int timeout_ms); // until a connection has something to do

// May an order go to node i now? False once the lease is over, so a follower that hangs makes no node look
// well. Any thread.
bool nodes_usable(const struct nodes *ns, size_t i, uint64_t now_ns);
// The first usable one in the order of preference, -1: none. Any thread.
int nodes_best(const struct nodes *ns, uint64_t now_ns);
// Times that the answer to nodes_best changed from one node to another or to none, as judged by nodes_poll.
uint64_t nodes_failovers(const struct nodes *ns);

size_t nodes_count(const struct nodes *ns);
struct rpc *nodes_rpc(struct nodes *ns, size_t i); // for small calls and subscriptions, while it is up
void nodes_state(const struct nodes *ns, size_t i, uint64_t now_ns, struct node_state *out);
const char *node_health_name(enum node_health h);
// One line for people: where, health, head, age, round trip, counters, why it was last down. Returns buf.
const char *nodes_print(const struct nodes *ns, size_t i, uint64_t now_ns, char *buf, size_t size);

#endif
