// SPDX-License-Identifier: Apache-2.0
// A node for tests, in the test's own thread: it listens on a socket of its own, takes requests apart (JSON
// by jansson), and says what its script says, in pieces of any size. It serves one connection at a time; a
// new one replaces the old.
#ifndef TRIPLINE_TEST_EVM_MOCK_NODE_H
#define TRIPLINE_TEST_EVM_MOCK_NODE_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "evm/rpc_frames.h"

enum { MOCK_IN = 1 << 20 };

struct mock {
    enum rpc_transport transport;
    int listener, fd;
    char url[160], path[108];
    char *in;
    size_t in_n;
    bool shaken, deaf; // deaf: does not read
    char *out;
    size_t out_n, out_cap, out_at;
    size_t chop;  // bytes a step; 0: all
    bool hang_up; // close when all is out
    unsigned accepts, requests;
    void (*on)(struct mock *m, json_t *request); // an object, or an array
    void *ctx;
};

static inline void mock_listen(struct mock *m)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool ipc = m->transport == RPC_IPC;
    m->listener = socket(ipc ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(m->listener, 0);
    if (ipc) {
        memcpy(un.sun_path, m->path, strlen(m->path) + 1);
        ck_assert_int_eq(bind(m->listener, (struct sockaddr *)&un, sizeof un), 0);
        (void)snprintf(m->url, sizeof m->url, "ipc:%s", m->path);
    } else {
        socklen_t n = sizeof in;
        ck_assert_int_eq(bind(m->listener, (struct sockaddr *)&in, sizeof in), 0);
        ck_assert_int_eq(getsockname(m->listener, (struct sockaddr *)&in, &n), 0);
        (void)snprintf(m->url, sizeof m->url, "%s://127.0.0.1:%u/node",
                       m->transport == RPC_WS ? "ws" : "http", ntohs(in.sin_port));
    }
    ck_assert_int_eq(listen(m->listener, 4), 0);
}

static inline void mock_open(struct mock *m, enum rpc_transport transport,
                             void (*on)(struct mock *, json_t *))
{
    static unsigned number;
    *m = (struct mock){.transport = transport, .fd = -1, .on = on, .in = malloc(MOCK_IN)};
    ck_assert_ptr_nonnull(m->in);
    (void)snprintf(m->path, sizeof m->path, "/tmp/tripline-mock-%d-%u", (int)getpid(), number++);
    mock_listen(m);
}

static inline void mock_hang_up(struct mock *m)
{
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
    m->in_n = m->out_n = m->out_at = 0;
    m->shaken = m->hang_up = false;
}

static inline void mock_stop(struct mock *m) // nobody listens any more
{
    mock_hang_up(m);
    if (m->listener >= 0)
        close(m->listener);
    m->listener = -1;
    if (m->transport == RPC_IPC)
        (void)unlink(m->path);
}

static inline void mock_close(struct mock *m)
{
    mock_stop(m);
    free(m->in);
    free(m->out);
}

static inline void mock_bytes(struct mock *m, const void *p, size_t n)
{
    if (m->out_cap - m->out_n < n) {
        m->out_cap = (m->out_n + n) * 2;
        m->out = realloc(m->out, m->out_cap);
        ck_assert_ptr_nonnull(m->out);
    }
    if (n)
        memcpy(m->out + m->out_n, p, n);
    m->out_n += n;
}

static inline void mock_text(struct mock *m, const char *text)
{
    mock_bytes(m, text, strlen(text));
}

// A frame as RFC 6455 has it from a server.
static inline void mock_frame(struct mock *m, unsigned first, const char *p, size_t n)
{
    uint8_t h[10] = {(uint8_t)first, (uint8_t)(n > 65535 ? 127 : n > 125 ? 126 : n)};
    unsigned more = n > 65535 ? 8 : n > 125 ? 2 : 0;
    for (unsigned i = 0; i < more; i++)
        h[2 + i] = (uint8_t)((uint64_t)n >> (8 * (more - 1 - i)));
    mock_bytes(m, h, 2 + more);
    mock_bytes(m, p, n);
}

static inline void mock_say(struct mock *m, const char *json) // a whole message
{
    char head[128];
    size_t n = strlen(json);
    if (m->transport == RPC_HTTP) {
        (void)snprintf(head, sizeof head,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", n);
        mock_text(m, head);
    }
    if (m->transport == RPC_WS)
        mock_frame(m, 0x81, json, n);
    else
        mock_bytes(m, json, n);
}

static inline void mock_take(struct mock *m, const char *text, size_t n)
{
    json_error_t e;
    json_t *j = json_loadb(text, n, 0, &e);
    ck_assert_msg(j != NULL, "a request that is not JSON: %s", e.text);
    m->requests++;
    if (m->on)
        m->on(m, j);
    json_decref(j);
}

static inline size_t mock_http(struct mock *m)
{
    char *end = memmem(m->in, m->in_n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - m->in) + 4;
    if (m->transport == RPC_WS) {
        char *key = memmem(m->in, head, "Sec-WebSocket-Key: ", 19), k[RPC_WS_KEY_LEN + 1] = "",
             accept[RPC_WS_ACCEPT_LEN + 1], answer[256];
        ck_assert_ptr_nonnull(key);
        memcpy(k, key + 19, RPC_WS_KEY_LEN);
        rpc_ws_accept(k, accept); // judged by RFC 6455's own example and by another program's handshake
        (void)snprintf(answer, sizeof answer,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n\r\n",
                       accept);
        m->shaken = true;
        mock_text(m, answer);
        return head;
    }
    char *len = memmem(m->in, head, "Content-Length: ", 16);
    ck_assert_ptr_nonnull(len);
    size_t body = strtoul(len + 16, NULL, 10);
    if (m->in_n < head + body)
        return 0;
    mock_take(m, m->in + head, body);
    return head + body;
}

static inline size_t mock_ws(struct mock *m)
{
    uint8_t *p = (uint8_t *)m->in;
    if (m->in_n < 6)
        return 0;
    ck_assert_msg(p[1] & 0x80, "an unmasked frame from the client");
    size_t n = p[1] & 0x7f, more = n == 127 ? 8 : n == 126 ? 2 : 0;
    if (m->in_n < 6 + more)
        return 0;
    for (size_t i = 0, k = more; k; k--, i++)
        n = (i ? n << 8 : 0) | p[2 + i];
    if (m->in_n < 6 + more + n)
        return 0;
    uint8_t *mask = p + 2 + more, *text = mask + 4;
    for (size_t i = 0; i < n; i++)
        text[i] ^= mask[i & 3];
    if ((p[0] & 15) == 1)
        mock_take(m, (char *)text, n);
    return 6 + more + n;
}

static inline size_t mock_ipc(struct mock *m)
{
    char *end = memchr(m->in, '\n', m->in_n);
    if (!end)
        return 0;
    mock_take(m, m->in, (size_t)(end - m->in));
    return (size_t)(end - m->in) + 1;
}

static inline void mock_step(struct mock *m)
{
    int fd = m->listener < 0 ? -1 : accept4(m->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        mock_hang_up(m);
        m->fd = fd;
        m->accepts++;
    }
    if (m->fd < 0)
        return;
    ssize_t n = m->deaf ? 0 : recv(m->fd, m->in + m->in_n, MOCK_IN - m->in_n, 0);
    if (n > 0)
        m->in_n += (size_t)n;
    for (size_t used = 1; used && m->in_n;) {
        used = m->transport == RPC_IPC ? mock_ipc(m) : m->shaken ? mock_ws(m) : mock_http(m);
        m->in_n -= used;
        memmove(m->in, m->in + used, m->in_n);
    }
    size_t left = m->out_n - m->out_at, k = m->chop && m->chop < left ? m->chop : left;
    n = k ? send(m->fd, m->out + m->out_at, k, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
    m->out_at += n > 0 ? (size_t)n : 0;
    if (m->out_at == m->out_n) {
        m->out_n = m->out_at = 0;
        if (m->hang_up)
            mock_hang_up(m);
    }
}

#endif
