// SPDX-License-Identifier: Apache-2.0
#include "evm/rpc.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "evm/rpc_inside.h"

#define SECOND UINT64_C(1000000000)
enum {
    CONNECT_S = 3,
    CALL_S = 10,
    IN_FIRST = 1 << 16,
    IN_READ = 1 << 14, // room that a read should have
    TLS_STEP_MS = 5,   // a TLS connection that is being made has no descriptor to wait on
    WAIT_MAX = 64,
};

// ---- its life

static bool header_fits(const char *h)
{
    size_t n = h ? strlen(h) : 0;
    return n < RPC_HEADER_MAX && (n == 0 || (n > 2 && memcmp(h + n - 2, "\r\n", 2) == 0));
}

static void reset(struct rpc *c)
{
    c->in_n = 0;
    c->taken = (struct taken){0};
    c->n_free = 0;
    for (unsigned i = RPC_CALLS_MAX; i-- > 0;)
        slot_free(c, &c->slot[i]);
    c->next_deadline = UINT64_MAX;
    out_reset(c);
}

struct rpc *rpc_new(const struct rpc_config *cfg, struct err *e)
{
    struct rpc_url u;
    if (rpc_url_parse(cfg->url, &u, e))
        return NULL;
    struct rpc *c = header_fits(cfg->header) ? calloc(1, sizeof *c) : NULL;
    if (c) {
        c->url = u;
        c->link.fd = -1;
        c->in = malloc(IN_FIRST);
        c->in_cap = IN_FIRST;
        c->ca_file = cfg->ca_file ? strdup(cfg->ca_file) : NULL;
    }
    if (!c || !c->in || (cfg->ca_file && !c->ca_file)) {
        rpc_free(c);
        (void)err_set(e, "node %s: %s", u.shown,
                      header_fits(cfg->header) ? "out of memory"
                                               : "header lines are too long or do not end with CRLF");
        return NULL;
    }
    (void)snprintf(c->header, sizeof c->header, "%s", cfg->header ? cfg->header : "");
    c->connect_ns = cfg->connect_ns ? cfg->connect_ns : CONNECT_S * SECOND;
    c->call_ns = cfg->call_ns ? cfg->call_ns : CALL_S * SECOND;
    c->max_message = cfg->max_message ? cfg->max_message : RPC_MESSAGE_DEFAULT;
    c->generation = 1;
    reset(c);
    return c;
}

void rpc_free(struct rpc *c)
{
    if (!c)
        return;
    rpc_link_close(&c->link);
    free(c->in);
    free(c->out.p);
    free(c->body.p);
    free(c->made.p);
    free(c->ca_file);
    free(c);
}

enum rpc_state rpc_state(const struct rpc *c)
{
    return c->state;
}

const struct rpc_url *rpc_where(const struct rpc *c)
{
    return &c->url;
}

const struct rpc_counters *rpc_counters(const struct rpc *c)
{
    return &c->n;
}

int rpc_connect(struct rpc *c, uint64_t now_ns, struct err *e)
{
    if (c->state != RPC_DOWN || c->ending)
        return err_set(e, "node %s: it is not down", c->url.shown);
    reset(c);
    if (rpc_link_open(&c->link, &c->url, c->ca_file, e))
        return -1;
    c->linked = false;
    c->state = RPC_CONNECTING;
    c->connect_by = now_ns + c->connect_ns;
    return 0;
}

void rpc_drop(struct rpc *c, const char *text)
{
    if (c->state == RPC_DOWN)
        return;
    rpc_link_close(&c->link);
    c->state = RPC_DOWN;
    c->ending = true;
    c->taken.active = false;
    c->n.downs++;
    (void)err_set(&c->why, "%s", text);
}

static int fail(struct rpc *c, uint64_t id, uint64_t tag, enum rpc_failure why, struct rpc_event *ev)
{
    c->n.lost += why == RPC_LOST;
    c->n.timeouts += why == RPC_TIMEOUT;
    *ev = (struct rpc_event){.kind = RPC_EV_FAILED, .id = id, .tag = tag, .why = why, .text = c->why.msg};
    return 1;
}

// After the end: every open call, then the end itself.
static int end_next(struct rpc *c, struct rpc_event *ev)
{
    for (size_t i = 0; i < RPC_CALLS_MAX; i++) {
        struct slot *s = &c->slot[i];
        if (s->state == SLOT_FREE)
            continue;
        enum rpc_failure why = s->state == SLOT_SENT ? RPC_LOST : RPC_UNSENT;
        slot_free(c, s);
        return fail(c, s->id, s->tag, why, ev);
    }
    c->ending = false;
    *ev = (struct rpc_event){.kind = RPC_EV_DOWN, .text = c->why.msg};
    return 1;
}

static int broken(struct rpc *c, const char *text, struct rpc_event *ev)
{
    rpc_drop(c, text);
    return end_next(c, ev);
}

static int malformed(struct rpc *c, const char *text, struct rpc_event *ev)
{
    c->n.malformed++;
    return broken(c, text, ev);
}

// ---- connecting

static int is_up(struct rpc *c, struct rpc_event *ev)
{
    c->state = RPC_UP;
    c->n.connects++;
    *ev = (struct rpc_event){.kind = RPC_EV_UP};
    return 1;
}

static int shake_hands(struct rpc *c)
{
    uint8_t random[16];
    char key[RPC_WS_KEY_LEN + 1];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -1;
    rpc_ws_key(random, key);
    rpc_frames_init(&c->frames, RPC_WS, c->max_message, key);
    return out_handshake(c, key) || out_flush(c) ? -1 : 0;
}

// 1 with an event, 0 nothing yet, 2 go on reading.
static int connect_step(struct rpc *c, uint64_t now_ns, struct rpc_event *ev)
{
    struct err e;
    if (c->linked)
        return now_ns >= c->connect_by ? broken(c, "no answer to the WebSocket handshake in time", ev) : 2;
    int rc = rpc_link_ready(&c->link, &e);
    if (rc < 0)
        return broken(c, e.msg, ev);
    if (rc == 0)
        return now_ns >= c->connect_by ? broken(c, "no connection in time", ev) : 0;
    c->linked = true;
    if (c->url.transport != RPC_WS) {
        rpc_frames_init(&c->frames, c->url.transport, c->max_message, NULL);
        return is_up(c, ev);
    }
    return shake_hands(c) ? broken(c, "the connection broke", ev) : 2;
}

// ---- reading

// 1 something was read, 0 nothing now, -1 the end (*why).
static int receive(struct rpc *c, const char **why)
{
    if (c->in_cap - c->in_n < IN_READ || rpc_frames_idle(&c->frames, c->in_n))
        c->in_n = rpc_frames_compact(&c->frames, c->in, c->in_n);
    if (c->in_cap - c->in_n < IN_READ) {
        // Room for a message in parts and one part more; what wants more is not one message of ours.
        size_t most = c->max_message + 4 * RPC_HEAD_MAX + IN_FIRST;
        size_t cap = 2 * c->in_cap < most ? 2 * c->in_cap : most;
        uint8_t *p = cap > c->in_cap ? realloc(c->in, cap) : NULL;
        *why = "a message larger than is allowed, or no memory for it";
        if (!p && c->in_cap == c->in_n)
            return -1;
        if (p) {
            c->in = p;
            c->in_cap = cap;
        }
    }
    ssize_t n = rpc_link_recv(&c->link, c->in + c->in_n, c->in_cap - c->in_n);
    *why = n == -2                                ? "the connection broke"
           : rpc_frames_idle(&c->frames, c->in_n) ? "the node closed the connection"
                                                  : "the node closed the connection within a message";
    if (n <= 0)
        return n < 0 ? -1 : 0;
    c->in_n += (size_t)n;
    c->n.bytes_in += (uint64_t)n;
    return 1;
}

static int expire(struct rpc *c, uint64_t now_ns, struct rpc_event *ev)
{
    c->next_deadline = UINT64_MAX;
    for (size_t i = 0; i < RPC_CALLS_MAX; i++) {
        struct slot *s = &c->slot[i];
        if (s->state == SLOT_FREE)
            continue;
        if (now_ns < s->deadline) {
            c->next_deadline = s->deadline < c->next_deadline ? s->deadline : c->next_deadline;
            continue;
        }
        // Over HTTP everything behind an unanswered request waits for it; and what is not even sent shows a
        // node that does not read.
        if (s->state == SLOT_WAITS || c->url.transport == RPC_HTTP) {
            c->n.timeouts++;
            return broken(c, "no answer in time", ev);
        }
        (void)err_set(&c->why, "no answer in time");
        c->next_deadline = 0; // there may be more of them
        slot_free(c, s);
        return fail(c, s->id, s->tag, RPC_TIMEOUT, ev);
    }
    return 0;
}

// 1 with an event, 0 go on.
static int frame(struct rpc *c, const struct rpc_frame *f, struct rpc_event *ev)
{
    const char *why;
    switch (f->kind) {
    case RPC_FRAME_OPEN:
        return is_up(c, ev);
    case RPC_FRAME_PING:
        (void)out_control(c, RPC_WS_PONG, f->p, f->n); // no room: the node has more pings than sense
        return 0;
    case RPC_FRAME_PONG:
        return 0;
    case RPC_FRAME_CLOSE:
        (void)out_control(c, RPC_WS_CLOSE, f->p, f->n < 2 ? 0 : 2);
        (void)out_flush(c);
        return broken(c, "the node closed the WebSocket", ev);
    default:
        return in_begin(c, f, &why) ? malformed(c, why, ev) : 0;
    }
}

int rpc_poll(struct rpc *c, uint64_t now_ns, struct rpc_event *ev)
{
    if (c->ending)
        return end_next(c, ev);
    int rc = c->state == RPC_CONNECTING ? connect_step(c, now_ns, ev) : 2;
    if (c->state == RPC_DOWN || rc != 2)
        return rc == 2 ? 0 : rc;
    for (;;) {
        const char *why;
        rc = c->taken.active ? in_next(c, ev, &why) : 0;
        if (rc)
            return rc == 1 ? 1 : rc == -1 ? malformed(c, why, ev) : broken(c, why, ev);
        if (now_ns >= c->next_deadline && expire(c, now_ns, ev))
            return 1;
        struct rpc_frame f;
        rc = rpc_frames_next(&c->frames, c->in, c->in_n, &f);
        if (rc < 0)
            return malformed(c, c->frames.why, ev);
        if (rc == 1) {
            if (frame(c, &f, ev))
                return 1;
            continue;
        }
        if (out_flush(c))
            return broken(c, "the connection broke", ev);
        rc = receive(c, &why);
        if (rc <= 0)
            return rc == 0 ? 0 : broken(c, why, ev);
    }
}

// ---- waiting

void rpc_wait(struct rpc *const *c, size_t n, int timeout_ms)
{
    struct pollfd p[WAIT_MAX];
    nfds_t k = 0;
    for (size_t i = 0; i < n && k < WAIT_MAX; i++) {
        if (!c[i] || (c[i]->state == RPC_DOWN && !c[i]->ending))
            continue;
        if (c[i]->ending)
            return;
        bool making = c[i]->state == RPC_CONNECTING && !c[i]->linked;
        if (c[i]->link.fd < 0 && timeout_ms > TLS_STEP_MS)
            timeout_ms = TLS_STEP_MS;
        bool out = making || out_wants(c[i]) || rpc_link_flush(&c[i]->link) == 0;
        if (c[i]->link.fd >= 0)
            p[k++] = (struct pollfd){c[i]->link.fd,
                                     (short)(making ? POLLOUT
                                             : out  ? POLLIN | POLLOUT
                                                    : POLLIN),
                                     0};
    }
    (void)poll(p, k, timeout_ms);
}

static int wait_step(struct rpc *c, int64_t id, struct rpc_event *ev, struct err *e)
{
    char text[160];
    if (ev->kind == RPC_EV_DOWN)
        return err_set(e, "node %s: %s", c->url.shown, ev->text);
    if (id < 0 || ev->id != (uint64_t)id || ev->kind == RPC_EV_NOTICE || ev->kind == RPC_EV_UP)
        return 0;
    if (ev->kind == RPC_EV_REPLY)
        return 1;
    if (ev->kind == RPC_EV_FAILED)
        return err_set(e, "node %s: %s", c->url.shown, ev->text ? ev->text : "no answer");
    if (ev->status)
        return err_set(e, "node %s: HTTP status %u", c->url.shown, ev->status);
    return err_set(e, "node %s: error %lld, %s", c->url.shown, (long long)ev->code,
                   rpc_json_print(ev->message, text, sizeof text));
}

int rpc_call_wait(struct rpc *c, const char *method, const char *params, int timeout_ms, struct rpc_event *ev,
                  struct err *e)
{
    uint64_t now = clock_stream_ns(), end = now + (uint64_t)timeout_ms * 1000000;
    int64_t id = -1;
    while (c->ending)
        (void)rpc_poll(c, now, ev);
    if (c->state == RPC_DOWN && rpc_connect(c, now, e))
        return -1;
    for (; now < end; now = clock_stream_ns()) {
        if (c->state == RPC_UP && id < 0 && (id = rpc_call(c, method, params, 0, now)) < 0)
            return err_set(e, "node %s: no room for the call %s", c->url.shown, method);
        int rc = rpc_poll(c, now, ev) ? wait_step(c, id, ev, e) : 2;
        if (rc == 1 || rc < 0)
            return rc == 1 ? 0 : -1;
        if (rc == 2)
            rpc_wait(&c, 1, (int)((end - now) / 1000000) + 1);
    }
    return err_set(e, "node %s: no answer to %s in time", c->url.shown, method);
}
