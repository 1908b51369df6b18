// SPDX-License-Identifier: Apache-2.0
// What the parts of a connection share: rpc.c (its life), rpc_out.c (requests), rpc_in.c (answers). Not for
// others.
#ifndef TRIPLINE_EVM_RPC_INSIDE_H
#define TRIPLINE_EVM_RPC_INSIDE_H

#include "evm/rpc.h"
#include "evm/rpc_frames.h"
#include "evm/rpc_link.h"

enum { SLOT_BITS = 8, POSTS_MAX = 2 * RPC_CALLS_MAX };

// One transmission is a post: a request, a batch, a control frame (number 0).
enum slot_state { SLOT_FREE, SLOT_WAITS, SLOT_SENT };
struct slot {
    uint64_t id, tag, deadline;
    uint32_t post;
    enum slot_state state;
};

struct post {
    size_t end; // in out
    uint32_t number;
};

struct text {
    char *p;
    size_t n, cap;
};

// The message that is being taken apart.
struct taken {
    bool active;
    bool whole_refused; // every call of the post gets `error` and `status`
    unsigned status;
    bool close;
    struct rpc_json_iter items; // of a batch
    struct rpc_span single;
    struct rpc_span error;
};

struct rpc {
    struct rpc_url url;
    char header[RPC_HEADER_MAX];
    char *ca_file; // owned
    uint64_t connect_ns, call_ns;
    size_t max_message;

    enum rpc_state state;
    bool linked;    // the link is there; a handshake may still be going on
    bool ending;    // down, with events still to be taken
    struct err why; // of the end
    uint64_t connect_by;
    struct rpc_link link;

    struct rpc_frames frames;
    uint8_t *in; // owned
    size_t in_n, in_cap;
    struct taken taken;

    struct slot slot[RPC_CALLS_MAX];
    uint16_t free_slot[RPC_CALLS_MAX];
    unsigned n_free;
    uint64_t generation;    // makes ids differ that share a slot
    uint64_t next_deadline; // not above any open slot's
    uint32_t posts;         // numbers given

    struct text out; // ordinary posts, one after the other; [out_head, out.n) is to be sent
    size_t out_head;
    struct post post[POSTS_MAX]; // ring, oldest first
    unsigned post_first, n_posts;
    bool post_begun; // the oldest is sent in part
    uint8_t rest[RPC_REST_MAX];
    size_t rest_head, rest_n;     // [rest_head, rest_n) of requests made beforehand
    uint32_t sent[RPC_CALLS_MAX]; // HTTP: numbers of posts sent and not answered, ring
    unsigned sent_first, n_sent;

    struct text body, made; // scratch
    bool in_batch;
    uint32_t batch_post;
    struct rpc_counters n;
};

// ---- rpc_out.c
void out_reset(struct rpc *c);
// Sends what may be sent. 0, -1 when the link is broken.
int out_flush(struct rpc *c);
bool out_wants(const struct rpc *c); // something could go out if the kernel took it
int out_control(struct rpc *c, enum rpc_ws_opcode op, const uint8_t *p, size_t n);
int out_handshake(struct rpc *c, const char *key); // 0 or -1

// ---- rpc_in.c
void slot_free(struct rpc *c, struct slot *s);
// Begins with a message; then next until it gives 0. -1: not to be trusted any more, *why is set.
int in_begin(struct rpc *c, const struct rpc_frame *f, const char **why);
int in_next(struct rpc *c, struct rpc_event *ev, const char **why);

#endif
