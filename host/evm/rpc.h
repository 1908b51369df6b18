// SPDX-License-Identifier: Apache-2.0
// One JSON-RPC 2.0 connection to a node, by IPC, HTTP/1.1 or WebSocket, with or without TLS. It never blocks,
// but for rpc_call_wait; its owner calls rpc_poll, which returns what happened one by one. Nothing that a
// node sends is trusted: a message that is malformed, too large or out of step ends the connection, with
// every call of it accounted for; an answer to nothing is counted and dropped. A connection that went down is
// made again by rpc_connect; when is the owner's business. One thread at a time per connection. Times are ns
// of any clock that does not step, the caller's.
#ifndef TRIPLINE_EVM_RPC_H
#define TRIPLINE_EVM_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "evm/rpc_json.h"
#include "evm/rpc_url.h"

enum {
    RPC_CALLS_MAX = 256,            // in flight or waiting, on one connection
    RPC_RAW_MAX = 1 << 17,          // bytes of one request made beforehand
    RPC_REST_MAX = 1 << 18,         // of those that the kernel has not taken yet
    RPC_MESSAGE_DEFAULT = 64 << 20, // bytes of a message from the node
    RPC_OUT_MAX = 16 << 20,         // bytes of ordinary requests that wait
    RPC_HEADER_MAX = 1024,          // of extra header lines
};
// Ids of requests made beforehand are the caller's: RPC_RAW_ID + anything below it (exact in a double, as
// some nodes read them). All others are the connection's own.
#define RPC_RAW_ID (UINT64_C(1) << 52)

struct rpc_config { // copied
    const char *url;
    const char *header;  // HTTP header lines for each request or the handshake, each with CRLF
                         // ("Authorization: …\r\n"), or NULL
    const char *ca_file; // TLS: trusted instead of the system's certificates, or NULL
    uint64_t connect_ns; // time to connect and shake hands; 0: 3 s
    uint64_t call_ns;    // time to answer; 0: 10 s
    size_t max_message;  // 0: RPC_MESSAGE_DEFAULT
};

enum rpc_state { RPC_DOWN, RPC_CONNECTING, RPC_UP };

enum rpc_event_kind {
    RPC_EV_UP = 1,
    RPC_EV_DOWN,   // text: why. Comes after the RPC_EV_FAILED of every open call
    RPC_EV_REPLY,  // result
    RPC_EV_ERROR,  // the node refuses: code, message, data; or status, an HTTP status that is not 2xx
    RPC_EV_FAILED, // no answer: why
    RPC_EV_NOTICE, // of a subscription: subscription, result
};
enum rpc_failure {
    RPC_UNSENT = 1, // not a byte of it has left: may be sent elsewhere
    RPC_LOST,       // sent, at least in part: whether it took effect is unknown (P6: look it up)
    RPC_TIMEOUT,    // likewise; a later answer is dropped
    RPC_UNANSWERED, // the node answered the batch or request, but not this call: unknown as well
};
struct rpc_event {
    enum rpc_event_kind kind;
    uint64_t id, tag;
    enum rpc_failure why;
    unsigned status;
    int64_t code;
    // Spans and text are valid until the next rpc_poll or rpc_connect of this connection.
    struct rpc_span result, subscription, message, data;
    const char *text;
};

struct rpc_counters {
    uint64_t calls, raw, raw_queued,
        raw_refused; // raw_queued: taken, but the kernel did not take all at once
    uint64_t replies, errors, notices, timeouts, lost;
    uint64_t strays;    // answers to nothing
    uint64_t malformed; // connections ended for what the node sent
    uint64_t connects, downs;
    uint64_t bytes_in, bytes_out;
};

struct rpc;
// NULL with the reason. Does not connect.
struct rpc *rpc_new(const struct rpc_config *cfg, struct err *e);
void rpc_free(struct rpc *c); // closes; calls in flight are forgotten

// Begins to connect, from RPC_DOWN with all events taken. 0, or -1.
int rpc_connect(struct rpc *c, uint64_t now_ns, struct err *e);
// Ends the connection; the calls' RPC_EV_FAILED and RPC_EV_DOWN follow from rpc_poll. text: static.
void rpc_drop(struct rpc *c, const char *text);
enum rpc_state rpc_state(const struct rpc *c);
const struct rpc_url *rpc_where(const struct rpc *c);
const struct rpc_counters *rpc_counters(const struct rpc *c);

// Reads, writes, watches the time. 1 with an event, 0 when nothing is left to do now.
int rpc_poll(struct rpc *c, uint64_t now_ns, struct rpc_event *ev);

// Blocks until one of the connections (NULL: none) has something to do, or for timeout_ms.
void rpc_wait(struct rpc *const *c, size_t n, int timeout_ms);

// Ordinary call; params is JSON text ("[]"), of our own making. Its id, or -1: not up, or too many or too
// large. May allocate.
int64_t rpc_call(struct rpc *c, const char *method, const char *params, uint64_t tag, uint64_t now_ns);
// Calls between begin and end go as one batch. end: 0, or -1 when nothing could be sent; then its calls are
// void.
void rpc_batch_begin(struct rpc *c);
int rpc_batch_end(struct rpc *c);
// With extra HTTP header lines for this request alone, each with CRLF (HTTP only).
int64_t rpc_call_header(struct rpc *c, const char *method, const char *params, const char *header,
                        uint64_t tag, uint64_t now_ns);

// For start-up: calls and waits, connecting first when need be. Reads the clock itself; drops whatever else
// happens meanwhile. 0 with *ev, a RPC_EV_REPLY; -1 with the reason.
int rpc_call_wait(struct rpc *c, const char *method, const char *params, int timeout_ms, struct rpc_event *ev,
                  struct err *e);

// ---- requests made beforehand

// Bytes of a whole request as this connection's transport has them, for rpc_send_raw of this connection, now
// or after a reconnect. header as rpc_call_header's, or NULL. Bytes written, 0: they do not fit. Not for the
// hot path.
size_t rpc_put_request(struct rpc *c, uint64_t id, const char *method, const char *params, const char *header,
                       uint8_t *out, size_t size);
// The same for eth_sendRawTransaction of n bytes.
size_t rpc_put_transaction(struct rpc *c, uint64_t id, const uint8_t *tx, size_t n, uint8_t *out,
                           size_t size);

enum { RPC_SENT = 0, RPC_QUEUED = 1, RPC_REFUSED = -1 };
// Hot path: one system call, no allocation. RPC_SENT: the kernel has all bytes. RPC_QUEUED: it has not yet;
// rpc_poll sends the rest. RPC_REFUSED: nothing was sent and no event will come; send elsewhere. The answer
// comes as RPC_EV_REPLY, _ERROR or _FAILED with that id. The transport's requests in flight do not delay it.
int rpc_send_raw(struct rpc *c, uint64_t id, const void *bytes, size_t n, uint64_t now_ns);

#endif
