// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "accounts/store.h"
#include "exec/paper/market_parts.h"
#include "exec/paper/paper.h"
#include "exec/paper/socket.h"

enum { SEND_TIMEOUT_MS = 2000, ANSWER_TIMEOUT_MS = 10000, RETRY_MS = 5, RECOVER_TRIES = 10 };

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int client_receive(int fd, int timeout_ms, uint8_t buf[WIRE_MAX], struct wire_msg *m)
{
    struct pollfd p = {fd, POLLIN, 0};
    int rc = poll(&p, 1, timeout_ms);
    if (rc == 0 || (rc < 0 && errno == EINTR))
        return 0;
    if (rc < 0)
        return -1;
    ssize_t n = recv(fd, buf, WIRE_MAX, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0 || n > WIRE_MAX || wire_decode(buf, (size_t)n, m))
        return -1;
    return 1;
}

// Like client_receive, but a signal does not end the wait.
static int receive_until(int fd, int64_t deadline, uint8_t buf[WIRE_MAX], struct wire_msg *m)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        int rc = client_receive(fd, left > 0 ? (int)left : 0, buf, m);
        if (rc != 0 || left <= 0)
            return rc;
    }
}

static int greet(int fd, int64_t deadline, uint8_t *buf, struct wire_msg *m, struct wire_welcome *w)
{
    size_t n = wire_put_hello(buf, WIRE_MAX);
    if (socket_send(fd, buf, n) || receive_until(fd, deadline, buf, m) != 1 || m->type != WIRE_WELCOME ||
        m->u.welcome.version != WIRE_VERSION)
        return -1;
    *w = m->u.welcome;
    return 0;
}

struct scratch {
    uint8_t buf[WIRE_MAX];
    struct wire_msg msg;
    struct order_reply reply;
    struct account account;
    struct market market;
    struct market_parts parts;
};

int client_connect(const char *socket, int timeout_ms, struct wire_welcome *w, struct err *e)
{
    int64_t deadline = now_ms() + timeout_ms;
    int fd = socket_connect(socket, e);
    if (fd < 0)
        return -1;
    socket_send_timeout(fd, SEND_TIMEOUT_MS);
    struct scratch *s = malloc(sizeof *s);
    int bad = s ? greet(fd, deadline, s->buf, &s->msg, w) : -1;
    free(s);
    if (bad) {
        close(fd);
        return err_set(e, "socket %s: no welcome from a paper venue of version %d; is it one?", socket,
                       WIRE_VERSION);
    }
    return fd;
}

int client_connect_wait(const char *socket, int timeout_ms, struct wire_welcome *w, struct err *e)
{
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        int64_t left = deadline - now_ms();
        int fd = client_connect(socket, left > 1 ? (int)left : 1, w, e);
        if (fd >= 0 || now_ms() >= deadline)
            return fd;
        struct timespec t = {0, RETRY_MS * 1000000L};
        (void)nanosleep(&t, NULL);
    }
}

// ---- recovery

// Asks about keys[*done..], at most a packet full, and reports each answer. 0, -1 broken, -2 stopped by fn.
static int recover_batch(int fd, struct scratch *s, const struct order_key *keys, size_t n, size_t *done,
                         gateway_recover_fn fn, void *ctx)
{
    size_t end = n - *done < WIRE_KEYS_MAX ? n : *done + WIRE_KEYS_MAX;
    size_t len = wire_put_lookup(WIRE_FENCE, keys + *done, end - *done, s->buf, sizeof s->buf);
    if (socket_send(fd, s->buf, len))
        return -1;
    for (; *done < end; (*done)++) {
        if (receive_until(fd, now_ms() + ANSWER_TIMEOUT_MS, s->buf, &s->msg) != 1 ||
            s->msg.type != WIRE_REPLY || reply_decode(s->msg.u.reply.p, s->msg.u.reply.len, &s->reply) ||
            order_key_cmp(&s->reply.key, &keys[*done]) != 0)
            return -1;
        if (fn(ctx, &s->reply))
            return -2;
    }
    return 0;
}

int gateway_recover(const char *socket, const struct order_key *keys, size_t n, int timeout_ms,
                    gateway_recover_fn fn, void *ctx, struct err *e)
{
    struct wire_welcome w;
    struct scratch *s = malloc(sizeof *s);
    if (!s)
        return err_set(e, "recovery: out of memory");
    int rc = 0;
    size_t done = 0;
    // A look-up can be repeated, so a venue that dies meanwhile is asked again about what is left.
    for (unsigned tries = 0; rc == 0 && done < n && tries < RECOVER_TRIES; tries++) {
        size_t was = done;
        int fd = client_connect_wait(socket, timeout_ms, &w, e);
        rc = fd < 0 ? -2 : 0;
        while (rc == 0 && done < n)
            rc = recover_batch(fd, s, keys, n, &done, fn, ctx);
        if (fd >= 0)
            close(fd);
        if (rc == -1)
            rc = 0;
        else if (rc == -2 && fd >= 0)
            (void)err_set(e, "recovery: stopped by its caller");
        if (done > was)
            tries = 0;
    }
    free(s);
    if (rc == 0 && done < n)
        rc = err_set(e, "recovery: the venue at %s gives no sound answers about orders; check its log",
                     socket);
    return rc ? -1 : 0;
}

// The market in s->parts.
static int fetch_market(int fd, struct scratch *s, struct market *m, struct err *e)
{
    size_t len = wire_put_market(s->buf, sizeof s->buf);
    int rc = socket_send(fd, s->buf, len) ? -1 : 0;
    while (rc == 0) {
        bool part = receive_until(fd, now_ms() + ANSWER_TIMEOUT_MS, s->buf, &s->msg) == 1 &&
                    s->msg.type == WIRE_MARKET_PART;
        rc = part ? market_parts_take(&s->parts, &s->msg.u.part) : -1;
    }
    if (rc < 0 || market_decode(s->parts.bytes, s->parts.total, m) != s->parts.total)
        return err_set(e, "the venue gave no sound market; check its log");
    return 0;
}

static int states_page(int fd, struct scratch *s, uint32_t *first, bool *last,
                       const struct gateway_states_to *to, struct err *e)
{
    size_t len = wire_put_state(*first, s->buf, sizeof s->buf);
    if (socket_send(fd, s->buf, len) ||
        receive_until(fd, now_ms() + ANSWER_TIMEOUT_MS, s->buf, &s->msg) != 1 || s->msg.type != WIRE_STATES)
        return err_set(e, "recovery: the venue gave no account states; start tripline again");
    struct wire_states *st = &s->msg.u.states;
    *last = st->last;
    int rc;
    bool any = false;
    while ((rc = wire_next_state(st, &s->account)) == 1) {
        if (s->account.id < *first)
            return err_set(e, "recovery: account states out of order");
        if (to->state(to->ctx, &s->account))
            return err_set(e, "recovery: stopped by its caller");
        any = true;
        if (s->account.id == UINT32_MAX)
            *last = true;
        else
            *first = s->account.id + 1;
    }
    if (rc < 0 || (!any && !*last))
        return err_set(e, "recovery: an account state from the venue does not decode");
    return 0;
}

// All accounts under one version of the market: 1 when it has changed meanwhile.
static int states_once(int fd, struct scratch *s, const struct gateway_states_to *to, uint64_t *told,
                       struct err *e)
{
    uint32_t first = 0, version;
    bool last = false;
    if (fetch_market(fd, s, &s->market, e))
        return -1;
    version = s->parts.version;
    // All that came before this change is in what follows.
    if (told && s->parts.seq > *told)
        *told = s->parts.seq;
    if (to->market(to->ctx, &s->market))
        return err_set(e, "recovery: stopped by its caller");
    while (!last)
        if (states_page(fd, s, &first, &last, to, e))
            return -1;
    return fetch_market(fd, s, &s->market, e) ? -1 : s->parts.version != version;
}

int gateway_states(const char *socket, int timeout_ms, const struct gateway_states_to *to, uint64_t *told,
                   struct err *e)
{
    struct wire_welcome w;
    struct scratch *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, "recovery: out of memory");
    int fd = client_connect_wait(socket, timeout_ms, &w, e), rc = fd < 0 ? -1 : 1;
    if (fd >= 0 && told)
        *told = w.told;
    for (unsigned tries = 0; rc == 1 && tries < RECOVER_TRIES; tries++)
        rc = states_once(fd, s, to, told, e);
    if (rc == 1)
        err_set(e, "recovery: the venue's parameters change all the time; start tripline again");
    if (fd >= 0)
        close(fd);
    market_parts_free(&s->parts);
    free(s);
    return rc == 0 ? 0 : -1;
}

int gateway_greeting(const char *socket, int timeout_ms, uint8_t *does, struct kick_terms *kick,
                     struct err *e)
{
    struct wire_welcome w;
    int fd = client_connect_wait(socket, timeout_ms, &w, e);
    if (fd < 0)
        return -1;
    close(fd);
    *does = w.does;
    *kick = w.kick;
    return 0;
}

// ---- owners

int owner_open(const char *socket, int timeout_ms, struct err *e)
{
    struct wire_welcome w;
    return client_connect_wait(socket, timeout_ms, &w, e);
}

int owner_market(int fd, struct market *m, uint32_t *version, struct err *e)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, "out of memory");
    int rc = fetch_market(fd, s, m, e);
    *version = s->parts.version;
    market_parts_free(&s->parts);
    free(s);
    return rc;
}

static int send_market(int fd, struct scratch *s, uint32_t version, uint32_t total)
{
    uint32_t sent;
    for (uint32_t at = 0; at < total; at += sent) {
        const struct wire_part p = {version, 0, total, at, total - at, s->parts.bytes + at};
        if (socket_send(fd, s->buf, wire_put_part(WIRE_SET_MARKET, &p, s->buf, sizeof s->buf, &sent)))
            return -1;
    }
    return 0;
}

int owner_set_market(int fd, const struct market *m, uint32_t *version, struct err *e)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (!s || !(s->parts.bytes = malloc(MARKET_BYTES_MAX))) {
        free(s);
        return err_set(e, "out of memory");
    }
    size_t n = market_encode(m, s->parts.bytes, MARKET_BYTES_MAX);
    int rc = 0;
    if (n == 0)
        rc = err_set(e, "the market cannot be encoded");
    else if (send_market(fd, s, *version, (uint32_t)n) ||
             receive_until(fd, now_ms() + ANSWER_TIMEOUT_MS, s->buf, &s->msg) != 1)
        rc = err_set(e, "the venue does not answer");
    else if (s->msg.type == WIRE_ERROR)
        rc = err_set(e, "%s", s->msg.u.error.text);
    else if (s->msg.type != WIRE_IS_SET || s->msg.u.is_set.id != 0)
        rc = err_set(e, "the venue gives no sound answer");
    else
        *version = s->msg.u.is_set.epoch;
    market_parts_free(&s->parts);
    free(s);
    return rc;
}

int owner_set(int fd, const struct account *a, uint32_t *epoch, struct err *e)
{
    struct scratch *s = malloc(sizeof *s);
    if (!s)
        return err_set(e, "out of memory");
    size_t n = wire_put_set(a, s->buf, sizeof s->buf);
    int rc = 0;
    if (n == 0)
        rc = err_set(e, "it cannot be encoded");
    else if (socket_send(fd, s->buf, n) ||
             receive_until(fd, now_ms() + ANSWER_TIMEOUT_MS, s->buf, &s->msg) != 1)
        rc = err_set(e, "the venue does not answer");
    else if (s->msg.type == WIRE_ERROR)
        rc = err_set(e, "%s", s->msg.u.error.text);
    else if (s->msg.type != WIRE_IS_SET || s->msg.u.is_set.id != a->id)
        rc = err_set(e, "the venue gives no sound answer");
    else
        *epoch = s->msg.u.is_set.epoch;
    free(s);
    return rc;
}
