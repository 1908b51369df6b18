// SPDX-License-Identifier: Apache-2.0
// Messages out of a stream of bytes: JSON values one after the other (IPC), HTTP/1.1 responses, WebSocket
// frames (RFC 6455, client's side, with the handshake's answer before them). The stream may be cut anywhere;
// what is malformed or larger than allowed ends it. Fragments and chunks are put together in the caller's
// buffer, in place. Pure functions over the caller's memory; one thread per struct.
#ifndef TRIPLINE_EVM_RPC_FRAMES_H
#define TRIPLINE_EVM_RPC_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evm/rpc_url.h"

enum {
    RPC_HEAD_MAX = 16384,   // bytes of an HTTP head, or of a chunk's size line or trailers
    RPC_WS_KEY_LEN = 24,    // characters of a Sec-WebSocket-Key
    RPC_WS_ACCEPT_LEN = 28, // and of its answer
    RPC_CONTROL_MAX = 125,  // payload of a WebSocket control frame
    RPC_WS_HEAD_MAX = 14,   // of a frame we send
};

enum rpc_frame_kind {
    RPC_FRAME_MESSAGE, // text of a message, to be parsed
    RPC_FRAME_OPEN,    // WebSocket: the handshake is done
    RPC_FRAME_PING,    // to be answered with the same payload
    RPC_FRAME_PONG,
    RPC_FRAME_CLOSE,
};

struct rpc_frame {
    enum rpc_frame_kind kind;
    const uint8_t *p; // into the buffer, until the next call
    size_t n;
    unsigned status; // HTTP: of the response, else 0
    bool close;      // HTTP: the node will close the connection after this response
};

// All positions count from the start of the caller's buffer.
struct rpc_frames {
    enum rpc_transport transport;
    unsigned phase;
    size_t max;  // bytes of a message
    size_t from; // everything before is done with
    size_t at;   // looked at so far
    size_t body; // a message put together from parts: [body, built)
    size_t built;
    uint64_t left; // HTTP: bytes of the body still to come
    unsigned status;
    bool close;
    // JSON stream
    unsigned depth;
    bool in_string, escaped;
    // WebSocket
    bool fragmented;
    char accept[RPC_WS_ACCEPT_LEN + 1]; // the only right answer to our key
    const char *why;                    // after -1: static text
};

// key: WebSocket only, the RPC_WS_KEY_LEN characters sent as Sec-WebSocket-Key.
void rpc_frames_init(struct rpc_frames *f, enum rpc_transport transport, size_t max, const char *key);

// The next message of buf[0, n): 1 with it, 0 more bytes are wanted, -1 malformed (f->why). Rewrites the
// buffer. Bytes once seen must come again at their place in the next call, unless rpc_frames_compact moved
// them.
int rpc_frames_next(struct rpc_frames *f, uint8_t *buf, size_t n, struct rpc_frame *out);

// Moves what is still needed of buf[0, n) to its front, before more is read behind it: the new n. Ends the
// last frame.
size_t rpc_frames_compact(struct rpc_frames *f, uint8_t *buf, size_t n);

// True between messages: the stream may end here without harm.
bool rpc_frames_idle(const struct rpc_frames *f, size_t n);

// ---- what a WebSocket client sends

enum rpc_ws_opcode { RPC_WS_TEXT = 1, RPC_WS_CLOSE = 8, RPC_WS_PING = 9, RPC_WS_PONG = 10 };

// Head of a final frame with n bytes of payload, 2 + (0, 2 or 8) + 4 bytes: bytes written.
size_t rpc_ws_head(uint8_t out[RPC_WS_HEAD_MAX], enum rpc_ws_opcode op, uint64_t n, const uint8_t mask[4]);
void rpc_ws_mask(uint8_t *p, size_t n, const uint8_t mask[4]);
void rpc_ws_key(const uint8_t random[16], char key[RPC_WS_KEY_LEN + 1]);
void rpc_ws_accept(const char *key, char accept[RPC_WS_ACCEPT_LEN + 1]);

#endif
