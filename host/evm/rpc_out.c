// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "evm/rpc_inside.h"

// ---- growing texts

static int room(struct text *t, size_t more)
{
    if (more > RPC_OUT_MAX - t->n)
        return -1;
    if (t->cap - t->n >= more)
        return 0;
    size_t cap = t->cap ? t->cap : 4096;
    while (cap < t->n + more)
        cap *= 2;
    char *p = realloc(t->p, cap);
    if (!p)
        return -1;
    t->p = p;
    t->cap = cap;
    return 0;
}

static int append(struct text *t, const char *p, size_t n)
{
    if (room(t, n))
        return -1;
    memcpy(t->p + t->n, p, n);
    t->n += n;
    return 0;
}

static int append_text(struct text *t, const char *p)
{
    return append(t, p, strlen(p));
}

// Opens the request up to its params.
static int append_request(struct text *t, uint64_t id, const char *method)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)id);
    return append_text(t, "{\"jsonrpc\":\"2.0\",\"id\":") || append_text(t, digits) ||
                   append_text(t, ",\"method\":\"") || append_text(t, method) ||
                   append_text(t, "\",\"params\":")
               ? -1
               : 0;
}

static int append_hex(struct text *t, const uint8_t *p, size_t n)
{
    static const char HEX[] = "0123456789abcdef";
    if (n > RPC_OUT_MAX / 2 || room(t, 2 * n))
        return -1;
    for (size_t i = 0; i < n; i++) {
        t->p[t->n++] = HEX[p[i] >> 4];
        t->p[t->n++] = HEX[p[i] & 15];
    }
    return 0;
}

// ---- framing

static bool v6(const struct rpc_url *u)
{
    return strchr(u->host, ':') != NULL;
}

static int append_http(struct text *t, const struct rpc *c, const struct text *body, const char *header)
{
    char head[RPC_HOST_MAX + 160];
    const struct rpc_url *u = &c->url;
    (void)snprintf(
        head, sizeof head,
        " HTTP/1.1\r\nHost: %s%s%s:%u\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n",
        v6(u) ? "[" : "", u->host, v6(u) ? "]" : "", u->port, body->n);
    return append_text(t, "POST ") || append_text(t, u->path) || append_text(t, head) ||
                   append_text(t, c->header) || append_text(t, header ? header : "") ||
                   append_text(t, "\r\n") || append(t, body->p, body->n)
               ? -1
               : 0;
}

static int append_ws(struct text *t, enum rpc_ws_opcode op, const char *p, size_t n)
{
    uint8_t head[RPC_WS_HEAD_MAX], mask[4];
    if (getrandom(mask, sizeof mask, 0) != (ssize_t)sizeof mask)
        return -1;
    size_t len = rpc_ws_head(head, op, n, mask);
    if (append(t, (const char *)head, len) || append(t, p, n))
        return -1;
    rpc_ws_mask((uint8_t *)t->p + t->n - n, n, mask);
    return 0;
}

static int append_framed(struct text *t, const struct rpc *c, const struct text *body, const char *header)
{
    if (header && c->url.transport != RPC_HTTP)
        return -1;
    if (c->url.transport == RPC_HTTP)
        return append_http(t, c, body, header);
    if (c->url.transport == RPC_WS)
        return append_ws(t, RPC_WS_TEXT, body->p, body->n);
    return append(t, body->p, body->n) || append_text(t, "\n") ? -1 : 0;
}

// ---- the queue of ordinary posts

void out_reset(struct rpc *c)
{
    c->out.n = c->out_head = 0;
    c->post_first = c->n_posts = 0;
    c->post_begun = false;
    c->rest_head = c->rest_n = 0;
    c->sent_first = c->n_sent = 0;
    c->in_batch = false;
}

static void out_compact(struct rpc *c)
{
    if (c->out_head == 0)
        return;
    if (c->out.n > c->out_head)
        memmove(c->out.p, c->out.p + c->out_head, c->out.n - c->out_head);
    c->out.n -= c->out_head;
    for (unsigned i = 0; i < c->n_posts; i++)
        c->post[(c->post_first + i) % POSTS_MAX].end -= c->out_head;
    c->out_head = 0;
}

// What was appended to out since `was` becomes a post, or is taken back. 0 or -1.
static int out_push(struct rpc *c, size_t was, int failed, uint32_t number)
{
    if (failed || c->n_posts == POSTS_MAX) {
        c->out.n = was;
        return -1;
    }
    c->post[(c->post_first + c->n_posts++) % POSTS_MAX] = (struct post){c->out.n, number};
    return 0;
}

int out_control(struct rpc *c, enum rpc_ws_opcode op, const uint8_t *p, size_t n)
{
    out_compact(c);
    size_t was = c->out.n;
    return out_push(c, was, append_ws(&c->out, op, (const char *)p, n), 0);
}

int out_handshake(struct rpc *c, const char *key)
{
    char head[RPC_HOST_MAX + 200];
    const struct rpc_url *u = &c->url;
    (void)snprintf(head, sizeof head,
                   " HTTP/1.1\r\nHost: %s%s%s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
                   v6(u) ? "[" : "", u->host, v6(u) ? "]" : "", u->port, key);
    int failed = append_text(&c->out, "GET ") || append_text(&c->out, u->path) ||
                 append_text(&c->out, head) || append_text(&c->out, c->header) ||
                 append_text(&c->out, "\r\n");
    return out_push(c, 0, failed, 0);
}

static void begin_post(struct rpc *c, uint32_t number)
{
    c->post_begun = true;
    if (number == 0)
        return;
    for (size_t i = 0; i < RPC_CALLS_MAX; i++)
        if (c->slot[i].post == number && c->slot[i].state == SLOT_WAITS)
            c->slot[i].state = SLOT_SENT;
    if (c->url.transport == RPC_HTTP)
        c->sent[(c->sent_first + c->n_sent++) % RPC_CALLS_MAX] = number;
}

// HTTP answers in order and one at a time: an ordinary request waits until the line is free, so that it never
// stands before a request made beforehand.
static bool may_begin(const struct rpc *c)
{
    return c->n_posts > 0 && (c->url.transport != RPC_HTTP || c->n_sent == 0);
}

bool out_wants(const struct rpc *c)
{
    return c->post_begun || c->rest_n > c->rest_head || may_begin(c);
}

// 1 done, 0 the kernel takes no more, -1 broken.
static int push_bytes(struct rpc *c, const void *p, size_t n, size_t *taken)
{
    ssize_t rc = rpc_link_send(&c->link, p, n);
    *taken = rc > 0 ? (size_t)rc : 0;
    c->n.bytes_out += *taken;
    return rc < 0 ? -1 : *taken == n;
}

static int flush_post(struct rpc *c)
{
    struct post *p = &c->post[c->post_first];
    size_t k;
    int rc = push_bytes(c, c->out.p + c->out_head, p->end - c->out_head, &k);
    if (k && !c->post_begun)
        begin_post(c, p->number);
    c->out_head += k;
    if (rc == 1) {
        c->post_begun = false;
        c->post_first = (c->post_first + 1) % POSTS_MAX;
        c->n_posts--;
        if (c->n_posts == 0)
            c->out.n = c->out_head = 0;
    }
    return rc;
}

int out_flush(struct rpc *c)
{
    int rc = rpc_link_flush(&c->link);
    while (rc == 1 && out_wants(c)) {
        if (c->post_begun || c->rest_n == c->rest_head) {
            rc = flush_post(c);
        } else {
            size_t k;
            rc = push_bytes(c, c->rest + c->rest_head, c->rest_n - c->rest_head, &k);
            c->rest_head += k;
            if (rc == 1)
                c->rest_head = c->rest_n = 0;
        }
    }
    return rc < 0 ? -1 : 0;
}

// ---- calls

static struct slot *take_slot(struct rpc *c, uint64_t tag, uint32_t post, uint64_t now_ns)
{
    unsigned i = c->free_slot[--c->n_free];
    struct slot *s = &c->slot[i];
    uint64_t id = (c->generation++ << SLOT_BITS | i) % RPC_RAW_ID;
    *s = (struct slot){id, tag, now_ns + c->call_ns, post, SLOT_WAITS};
    if (s->deadline < c->next_deadline)
        c->next_deadline = s->deadline;
    return s;
}

static uint32_t next_post(struct rpc *c)
{
    if (++c->posts == 0)
        c->posts = 1;
    return c->posts;
}

static void void_post(struct rpc *c, uint32_t post)
{
    for (size_t i = 0; i < RPC_CALLS_MAX; i++)
        if (c->slot[i].state != SLOT_FREE && c->slot[i].post == post)
            slot_free(c, &c->slot[i]);
}

static int send_body(struct rpc *c, const char *header, uint32_t post)
{
    out_compact(c);
    size_t was = c->out.n;
    if (out_push(c, was, append_framed(&c->out, c, &c->body, header), post)) {
        void_post(c, post);
        return -1;
    }
    (void)out_flush(c); // a broken link shows at the next rpc_poll
    return 0;
}

int64_t rpc_call_header(struct rpc *c, const char *method, const char *params, const char *header,
                        uint64_t tag, uint64_t now_ns)
{
    if (c->state != RPC_UP || c->n_free == 0 || (c->in_batch && header))
        return -1;
    uint32_t post = c->in_batch ? c->batch_post : next_post(c);
    size_t was = c->in_batch ? c->body.n : 0;
    struct slot *s = take_slot(c, tag, post, now_ns);
    int64_t id = (int64_t)s->id;
    c->body.n = was;
    if ((was > 1 && append_text(&c->body, ",")) || append_request(&c->body, s->id, method) ||
        append_text(&c->body, params) || append_text(&c->body, "}")) {
        c->body.n = was;
        slot_free(c, s);
        return -1;
    }
    if (!c->in_batch && send_body(c, header, post))
        return -1;
    c->n.calls++;
    return id;
}

int64_t rpc_call(struct rpc *c, const char *method, const char *params, uint64_t tag, uint64_t now_ns)
{
    return rpc_call_header(c, method, params, NULL, tag, now_ns);
}

void rpc_batch_begin(struct rpc *c)
{
    c->batch_post = next_post(c);
    c->body.n = 0;
    c->in_batch = append_text(&c->body, "[") == 0;
}

int rpc_batch_end(struct rpc *c)
{
    bool open = c->in_batch;
    c->in_batch = false;
    if (!open || c->state != RPC_UP || c->body.n < 2 || append_text(&c->body, "]")) {
        void_post(c, c->batch_post);
        return -1;
    }
    return send_body(c, NULL, c->batch_post);
}

// ---- requests made beforehand

static size_t put_made(struct rpc *c, const char *header, uint8_t *out, size_t size)
{
    size_t body = c->made.n;
    struct text t = {c->made.p, body, c->made.cap}, framed = {NULL, 0, 0};
    size_t n = append_framed(&framed, c, &t, header) ? 0 : framed.n;
    if (n > size || n > RPC_RAW_MAX)
        n = 0;
    if (n)
        memcpy(out, framed.p, n);
    free(framed.p);
    return n;
}

size_t rpc_put_request(struct rpc *c, uint64_t id, const char *method, const char *params, const char *header,
                       uint8_t *out, size_t size)
{
    c->made.n = 0;
    if (append_request(&c->made, id, method) || append_text(&c->made, params) || append_text(&c->made, "}"))
        return 0;
    return put_made(c, header, out, size);
}

size_t rpc_put_transaction(struct rpc *c, uint64_t id, const uint8_t *tx, size_t n, uint8_t *out, size_t size)
{
    c->made.n = 0;
    if (append_request(&c->made, id, "eth_sendRawTransaction") || append_text(&c->made, "[\"0x") ||
        append_hex(&c->made, tx, n) || append_text(&c->made, "\"]}"))
        return 0;
    return put_made(c, NULL, out, size);
}

// Behind what is being sent: 0, or -1 when it does not fit.
static int keep_rest(struct rpc *c, const uint8_t *p, size_t n)
{
    if (n > RPC_REST_MAX - c->rest_n) {
        memmove(c->rest, c->rest + c->rest_head, c->rest_n - c->rest_head);
        c->rest_n -= c->rest_head;
        c->rest_head = 0;
    }
    if (n > RPC_REST_MAX - c->rest_n)
        return -1;
    memcpy(c->rest + c->rest_n, p, n);
    c->rest_n += n;
    return 0;
}

int rpc_send_raw(struct rpc *c, uint64_t id, const void *bytes, size_t n, uint64_t now_ns)
{
    size_t k = 0;
    int sent = 1;
    if (c->state != RPC_UP || c->n_free == 0 || n > RPC_RAW_MAX || n == 0)
        sent = -1;
    else if (!c->post_begun && c->rest_n == c->rest_head)
        sent = push_bytes(c, bytes, n, &k);
    // A request of which a part is out must follow in full; the buffer is empty then, so it fits.
    if (sent < 0 || (k < n && keep_rest(c, (const uint8_t *)bytes + k, n - k))) {
        c->n.raw_refused++;
        return RPC_REFUSED;
    }
    uint32_t post = next_post(c);
    struct slot *s = take_slot(c, 0, post, now_ns);
    s->id = id;
    s->state = SLOT_SENT;
    if (c->url.transport == RPC_HTTP)
        c->sent[(c->sent_first + c->n_sent++) % RPC_CALLS_MAX] = post;
    c->n.raw++;
    if (k == n && (!c->link.tls || rpc_link_flush(&c->link) == 1))
        return RPC_SENT;
    c->n.raw_queued++;
    return RPC_QUEUED;
}
