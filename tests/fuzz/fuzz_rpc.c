// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: what a node sends. The first byte chooses JSON text (judged by jansson) or a stream by
// IPC, HTTP or WebSocket, the second how it is cut: the frames and their text must be the same in one piece,
// cut, and cut with the buffer compacted meanwhile.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evm/rpc_frames.h"
#include "evm/rpc_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A property that no input may break.
#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

enum { MESSAGE_MAX = 2000, LOG_MAX = 1 << 20, SIZE_MAX_FUZZED = 1 << 16 };
static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char OPENED[] = "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void walk(struct rpc_span v)
{
    struct rpc_json_iter it;
    struct rpc_span key, item;
    uint64_t u;
    char text[40];
    (void)rpc_json_uint(v, &u);
    (void)rpc_json_quantity(v, &u);
    (void)rpc_json_print(v, text, sizeof text);
    if (!rpc_json_begin(&it, v))
        return;
    int rc;
    while ((rc = rpc_json_next(&it, &key, &item)) == 1) {
        HOLDS(item.p >= v.p && item.p + item.n <= v.p + v.n);
        HOLDS(rpc_json_value(item.p, item.n) == item.n);
        walk(item);
    }
    HOLDS(rc == 0); // the whole was judged sound
}

static void fuzz_json(const char *p, size_t n)
{
    json_error_t e;
    struct rpc_span v = rpc_json_whole(p, n);
    json_t *j = json_loadb(p, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    size_t deep = 0; // beyond our depth there may be a difference
    for (size_t i = 0; i < n; i++)
        deep += p[i] == '[' || p[i] == '{';
    if (deep <= RPC_JSON_DEPTH &&
        (n == 0 || !memchr(p, 0, n))) // jansson passes over NULs, which are no blanks
        HOLDS((j != NULL) == (v.p != NULL) || (v.p && json_error_code(&e) == json_error_numeric_overflow));
    json_decref(j);
    if (v.p)
        walk(v);
}

struct log {
    size_t n;
    uint8_t p[LOG_MAX];
};

static void put(struct log *l, const void *p, size_t n)
{
    HOLDS(n <= LOG_MAX - l->n);
    if (n)
        memcpy(l->p + l->n, p, n);
    l->n += n;
}

static void run(enum rpc_transport t, const uint8_t *p, size_t n, size_t piece, bool compact, struct log *l)
{
    uint8_t *buf = malloc(n + 1); // so that ASan sees what is read behind it
    struct rpc_frames f;
    struct rpc_frame m;
    HOLDS(buf);
    rpc_frames_init(&f, t, MESSAGE_MAX, KEY);
    l->n = 0;
    for (size_t have = 0, used = 0;;) {
        int rc = rpc_frames_next(&f, buf, have, &m);
        if (rc == 1) {
            uint8_t head[] = {(uint8_t)m.kind, m.close, (uint8_t)m.status};
            HOLDS(m.n <= MESSAGE_MAX);
            put(l, head, sizeof head);
            put(l, m.p, m.n);
            continue;
        }
        if (rc < 0)
            put(l, f.why, strlen(f.why));
        if (rc < 0 || used == n)
            break;
        if (compact)
            have = rpc_frames_compact(&f, buf, have);
        size_t more = n - used < piece ? n - used : piece;
        memcpy(buf + have, p + used, more);
        have += more;
        used += more;
    }
    free(buf);
}

static void fuzz_stream(enum rpc_transport t, size_t piece, const uint8_t *p, size_t n)
{
    static struct log whole, cut;
    run(t, p, n, n ? n : 1, false, &whole);
    for (int compact = 0; compact < 2; compact++) {
        run(t, p, n, piece, compact, &cut);
        HOLDS(cut.n == whole.n && memcmp(cut.p, whole.p, cut.n) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t stream[sizeof OPENED + SIZE_MAX_FUZZED];
    if (size < 2 || size > SIZE_MAX_FUZZED)
        return 0;
    size_t piece = data[1] ? data[1] : 256, n = size - 2;
    switch (data[0] & 7) {
    case 0:
        fuzz_json((const char *)data + 2, n);
        break;
    case 1:
        fuzz_stream(RPC_IPC, piece, data + 2, n);
        break;
    case 2:
        fuzz_stream(RPC_HTTP, piece, data + 2, n);
        break;
    case 3:
        fuzz_stream(RPC_WS, piece, data + 2, n);
        break;
    default: // behind a handshake
        memcpy(stream, OPENED, sizeof OPENED - 1);
        memcpy(stream + sizeof OPENED - 1, data + 2, n);
        fuzz_stream(RPC_WS, piece, stream, sizeof OPENED - 1 + n);
    }
    return 0;
}
