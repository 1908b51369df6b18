// SPDX-License-Identifier: Apache-2.0
#include "evm/rpc_frames.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <string.h>

#include "evm/rpc_http.h"

enum phase {
    PHASE_HEAD, // HTTP head; of the handshake with WebSocket
    PHASE_BODY, // HTTP, of known length
    PHASE_CHUNK,
    PHASE_TRAILER,
    PHASE_STREAM, // JSON values, WebSocket frames
};

void rpc_frames_init(struct rpc_frames *f, enum rpc_transport transport, size_t max, const char *key)
{
    *f = (struct rpc_frames){.transport = transport, .max = max};
    f->phase = transport == RPC_IPC ? PHASE_STREAM : PHASE_HEAD;
    if (transport == RPC_WS)
        rpc_ws_accept(key, f->accept);
}

// In the middle of a message of several parts: what came before `at` is either in [body, built) or done with.
static bool in_parts(const struct rpc_frames *f)
{
    return f->fragmented || (f->phase != PHASE_HEAD && f->phase != PHASE_STREAM);
}

size_t rpc_frames_compact(struct rpc_frames *f, uint8_t *buf, size_t n)
{
    size_t kept = 0, rest = f->from;
    if (in_parts(f)) {
        kept = f->built - f->body;
        rest = f->at;
        if (f->body)
            memmove(buf, buf + f->body, kept);
    }
    if (rest != kept)
        memmove(buf + kept, buf + rest, n - rest);
    f->at = f->at - rest + kept;
    f->from = f->body = 0;
    f->built = kept;
    return n - rest + kept;
}

bool rpc_frames_idle(const struct rpc_frames *f, size_t n)
{
    return f->from == n && !in_parts(f) && f->depth == 0;
}

static int bad(struct rpc_frames *f, const char *why)
{
    f->why = why;
    return -1;
}

static int message(struct rpc_frames *f, const uint8_t *p, size_t n, struct rpc_frame *out)
{
    *out = (struct rpc_frame){RPC_FRAME_MESSAGE, p, n, f->status, f->close};
    f->from = f->at;
    f->body = f->built = 0;
    return 1;
}

// ---- JSON values one after the other: where the outermost bracket closes. What is inside is judged by the
// parser.

static bool json_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void json_step(struct rpc_frames *f, uint8_t c)
{
    if (f->escaped)
        f->escaped = false;
    else if (f->in_string && c == '\\')
        f->escaped = true;
    else if (c == '"')
        f->in_string = !f->in_string;
    else if (!f->in_string && (c == '{' || c == '['))
        f->depth++;
    else if (!f->in_string && (c == '}' || c == ']'))
        f->depth--;
}

static int next_json(struct rpc_frames *f, uint8_t *buf, size_t n, struct rpc_frame *out)
{
    if (f->depth == 0) {
        while (f->at < n && json_blank(buf[f->at]))
            f->at++;
        f->from = f->at;
        if (f->at < n && buf[f->at] != '{' && buf[f->at] != '[')
            return bad(f, "IPC: something that is not JSON");
    }
    while (f->at < n) {
        json_step(f, buf[f->at++]);
        if (f->at - f->from > f->max)
            return bad(f, "a message larger than is allowed");
        if (f->depth == 0)
            return message(f, buf + f->from, f->at - f->from, out);
    }
    return 0;
}

// ---- HTTP

// At the start of a head, a size line or the trailers: the position behind `mark`, 0 when it is not there
// yet.
static int find_end(struct rpc_frames *f, const uint8_t *buf, size_t n, size_t begin, const char *mark,
                    size_t *end)
{
    size_t len = strlen(mark), scan = f->at > begin + len ? f->at - len : begin;
    const uint8_t *p = n > scan ? memmem(buf + scan, n - scan, mark, len) : NULL;
    *end = p ? (size_t)(p - buf) + len : 0;
    if ((p ? *end : n) - begin > RPC_HEAD_MAX)
        return bad(f, "HTTP: a head that is too long");
    if (!p)
        f->at = n;
    return p != NULL;
}

static int http_body_begins(struct rpc_frames *f, const struct rpc_http_head *h, size_t end)
{
    f->at = end;
    f->status = h->status;
    f->close = h->close;
    if (h->status == 101)
        return bad(f, "HTTP: a switch of protocols that was not asked for");
    if (h->status < 200) { // an interim response: the real one follows
        f->from = end;
        return 1;
    }
    if (!h->chunked && !h->has_length && h->status != 204 && h->status != 304)
        return bad(f, "HTTP: a response without a length; the node must keep connections alive");
    if (h->length > f->max)
        return bad(f, "a message larger than is allowed");
    f->left = h->length;
    f->phase = h->chunked ? PHASE_CHUNK : PHASE_BODY;
    f->body = f->built = end;
    return 1;
}

static int http_head(struct rpc_frames *f, uint8_t *buf, size_t n)
{
    size_t end;
    struct rpc_http_head h;
    int rc = find_end(f, buf, n, f->from, "\r\n\r\n", &end);
    if (rc <= 0)
        return rc;
    if (rpc_http_head((const char *)buf + f->from, end - f->from, &h, &f->why))
        return -1;
    return http_body_begins(f, &h, end);
}

static int hex_size(const uint8_t *p, size_t n, uint64_t *out)
{
    size_t i = 0;
    uint64_t x = 0;
    for (; i < n && i < 13; i++) {
        uint8_t c = p[i], low = c | 0x20;
        if (c >= '0' && c <= '9')
            x = x << 4 | (uint64_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            x = x << 4 | (uint64_t)(low - 'a' + 10);
        else
            break;
    }
    *out = x;
    return i == 0 || (i < n && p[i] != ';' && p[i] != ' ' && p[i] != '\r') ? -1 : 0;
}

// One chunk, when all of it is there; until then the position stays at its start.
static int http_chunk(struct rpc_frames *f, uint8_t *buf, size_t n)
{
    size_t begin = f->at, end;
    struct rpc_frames look = *f;
    int rc = find_end(&look, buf, n, begin, "\r\n", &end);
    f->why = look.why;
    if (rc <= 0)
        return rc;
    uint64_t size;
    if (hex_size(buf + begin, end - begin, &size))
        return bad(f, "HTTP: a chunk without a size");
    if (size > f->max || f->built - f->body + size > f->max)
        return bad(f, "a message larger than is allowed");
    if (size == 0) {
        f->at = end - 2; // the size line's own end may be the one of empty trailers
        f->phase = PHASE_TRAILER;
        return 1;
    }
    if (n - end < size + 2)
        return 0;
    if (buf[end + size] != '\r' || buf[end + size + 1] != '\n')
        return bad(f, "HTTP: a chunk of another length than it says");
    memmove(buf + f->built, buf + end, (size_t)size);
    f->built += (size_t)size;
    f->at = end + (size_t)size + 2;
    return 1;
}

static int next_http(struct rpc_frames *f, uint8_t *buf, size_t n, struct rpc_frame *out)
{
    int rc = 1;
    while (rc == 1) {
        if (f->phase == PHASE_HEAD) {
            rc = http_head(f, buf, n);
        } else if (f->phase == PHASE_BODY) {
            if (n - f->body < f->left)
                return 0;
            f->at = f->body + (size_t)f->left;
            f->phase = PHASE_HEAD;
            return message(f, buf + f->body, (size_t)f->left, out);
        } else if (f->phase == PHASE_CHUNK) {
            rc = http_chunk(f, buf, n);
        } else {
            size_t end, begin = f->at;
            struct rpc_frames look = *f;
            rc = find_end(&look, buf, n, begin, "\r\n\r\n", &end);
            f->why = look.why;
            if (rc == 1) {
                f->at = end;
                f->phase = PHASE_HEAD;
                return message(f, buf + f->body, f->built - f->body, out);
            }
        }
    }
    return rc;
}

// ---- WebSocket

static int ws_open(struct rpc_frames *f, uint8_t *buf, size_t n, struct rpc_frame *out)
{
    size_t end;
    struct rpc_http_head h;
    int rc = find_end(f, buf, n, f->from, "\r\n\r\n", &end);
    if (rc <= 0)
        return rc;
    if (rpc_http_head((const char *)buf + f->from, end - f->from, &h, &f->why))
        return -1;
    if (h.status != 101)
        return bad(f, h.status == 429 ? "WebSocket: refused, too many requests (429)"
                                      : "WebSocket: the handshake was refused; is it a WebSocket endpoint?");
    if (!h.upgrade || !h.upgrade_websocket || h.extras || strcmp(h.accept, f->accept) != 0)
        return bad(f, "WebSocket: a wrong answer to the handshake");
    f->from = f->at = end;
    f->phase = PHASE_STREAM;
    *out = (struct rpc_frame){.kind = RPC_FRAME_OPEN};
    return 1;
}

struct ws_head {
    bool fin;
    unsigned op;
    size_t len; // of the head
    uint64_t payload;
};

// 1 with the head, 0 more bytes are wanted, -1 malformed.
static int ws_parse(struct rpc_frames *f, const uint8_t *p, size_t n, struct ws_head *h)
{
    if (n < 2)
        return 0;
    unsigned code = p[1] & 0x7f, more = code == 127 ? 8 : code == 126 ? 2 : 0;
    *h = (struct ws_head){(p[0] & 0x80) != 0, p[0] & 0x0f, 2 + more, code};
    if (p[0] & 0x70)
        return bad(f, "WebSocket: reserved bits");
    if (p[1] & 0x80)
        return bad(f, "WebSocket: a masked frame from the node");
    if (n < h->len)
        return 0;
    if (more) {
        h->payload = 0;
        for (unsigned i = 0; i < more; i++)
            h->payload = h->payload << 8 | p[2 + i];
        if (h->payload < (more == 2 ? 126u : 65536u))
            return bad(f, "WebSocket: a length not in its shortest form");
    }
    if (h->op > 2 && h->op != RPC_WS_CLOSE && h->op != RPC_WS_PING && h->op != RPC_WS_PONG)
        return bad(f, "WebSocket: an unknown kind of frame");
    if (h->op >= RPC_WS_CLOSE ? !h->fin || h->payload > RPC_CONTROL_MAX : (h->op == 0) != f->fragmented)
        return bad(f, "WebSocket: a fragment out of place");
    if (h->payload > f->max || f->built - f->body + h->payload > f->max)
        return bad(f, "a message larger than is allowed");
    return 1;
}

static int ws_control(struct rpc_frames *f, const uint8_t *p, const struct ws_head *h, struct rpc_frame *out)
{
    enum rpc_frame_kind kind = h->op == RPC_WS_PING   ? RPC_FRAME_PING
                               : h->op == RPC_WS_PONG ? RPC_FRAME_PONG
                                                      : RPC_FRAME_CLOSE;
    if (kind == RPC_FRAME_CLOSE && h->payload == 1)
        return bad(f, "WebSocket: a malformed close");
    *out = (struct rpc_frame){.kind = kind, .p = p, .n = (size_t)h->payload};
    if (!f->fragmented)
        f->from = f->at;
    return 1;
}

static int next_ws(struct rpc_frames *f, uint8_t *buf, size_t n, struct rpc_frame *out)
{
    if (f->phase == PHASE_HEAD)
        return ws_open(f, buf, n, out);
    for (;;) {
        struct ws_head h;
        int rc = ws_parse(f, buf + f->at, n - f->at, &h);
        if (rc <= 0 || n - f->at - h.len < h.payload)
            return rc < 0 ? -1 : 0;
        size_t begin = f->at + h.len, len = (size_t)h.payload;
        f->at = begin + len;
        if (h.op >= RPC_WS_CLOSE)
            return ws_control(f, buf + begin, &h, out);
        if (h.fin && !f->fragmented)
            return message(f, buf + begin, len, out);
        if (!f->fragmented)
            f->body = f->built = begin;
        memmove(buf + f->built, buf + begin, len);
        f->built += len;
        f->fragmented = !h.fin;
        if (h.fin)
            return message(f, buf + f->body, f->built - f->body, out);
    }
}

int rpc_frames_next(struct rpc_frames *f, uint8_t *buf, size_t n, struct rpc_frame *out)
{
    if (f->transport == RPC_IPC)
        return next_json(f, buf, n, out);
    return f->transport == RPC_HTTP ? next_http(f, buf, n, out) : next_ws(f, buf, n, out);
}

// ---- sending

size_t rpc_ws_head(uint8_t out[RPC_WS_HEAD_MAX], enum rpc_ws_opcode op, uint64_t n, const uint8_t mask[4])
{
    unsigned more = n > 65535 ? 8 : n > 125 ? 2 : 0;
    out[0] = (uint8_t)(0x80 | op);
    out[1] = (uint8_t)(0x80 | (more == 8 ? 127 : more == 2 ? 126 : n));
    for (unsigned i = 0; i < more; i++)
        out[2 + i] = (uint8_t)(n >> (8 * (more - 1 - i)));
    memcpy(out + 2 + more, mask, 4);
    return 6 + more;
}

void rpc_ws_mask(uint8_t *p, size_t n, const uint8_t mask[4])
{
    for (size_t i = 0; i < n; i++)
        p[i] ^= mask[i & 3];
}

void rpc_ws_key(const uint8_t random[16], char key[RPC_WS_KEY_LEN + 1])
{
    base64_encode_raw(key, 16, random);
    key[RPC_WS_KEY_LEN] = 0;
}

void rpc_ws_accept(const char *key, char accept[RPC_WS_ACCEPT_LEN + 1])
{
    static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
    struct sha1_ctx c;
    uint8_t digest[SHA1_DIGEST_SIZE];
    sha1_init(&c);
    sha1_update(&c, RPC_WS_KEY_LEN, (const uint8_t *)key);
    sha1_update(&c, sizeof GUID - 1, (const uint8_t *)GUID);
    sha1_digest(&c, sizeof digest, digest);
    base64_encode_raw(accept, sizeof digest, digest);
    accept[RPC_WS_ACCEPT_LEN] = 0;
}
