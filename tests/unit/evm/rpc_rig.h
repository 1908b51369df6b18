// SPDX-License-Identifier: Apache-2.0
// A connection and the scripted node at its other end, for tests of rpc.h. Times are made up; the sockets are
// real.
#ifndef TRIPLINE_TEST_EVM_RPC_RIG_H
#define TRIPLINE_TEST_EVM_RPC_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evm/mock_node.h"
#include "evm/rpc.h"

enum { PATIENCE = 20000 }; // ms without anything happening: only a hang reaches it
#define S UINT64_C(1000000000)

static struct mock m;
static struct rpc *c;
static uint64_t now;

// ---- scripts

static inline void echo_one(json_t *r, char *out, size_t size)
{
    (void)snprintf(out, size, "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":\"%s\"}",
                   json_integer_value(json_object_get(r, "id")),
                   json_string_value(json_array_get(json_object_get(r, "params"), 0)));
}

// Answers with the first parameter; to batches in the opposite order.
static inline void echo(struct mock *node, json_t *r)
{
    static char text[1 << 17];
    size_t n = 0;
    if (!json_is_array(r)) {
        echo_one(r, text, sizeof text);
    } else {
        for (size_t i = json_array_size(r); i-- > 0;) {
            text[n] = n ? ',' : '[';
            n++;
            echo_one(json_array_get(r, i), text + n, sizeof text - n);
            n += strlen(text + n);
        }
        memcpy(text + n, "]", 2);
    }
    mock_say(node, text);
}

static inline void silent(struct mock *node, json_t *r)
{
    (void)node;
    (void)r;
}

static json_int_t last_id;

// Says what ctx says, with the request's id for "#".
static inline void script(struct mock *node, json_t *r)
{
    const char *t = node->ctx, *hash = strchr(t, '#');
    char text[4096];
    last_id = json_integer_value(json_object_get(r, "id"));
    if (hash)
        (void)snprintf(text, sizeof text, "%.*s%lld%s", (int)(hash - t), t, last_id, hash + 1);
    else
        (void)snprintf(text, sizeof text, "%s", t);
    mock_say(node, text);
}

// ---- the rig

static inline void start(enum rpc_transport t, void (*on)(struct mock *, json_t *),
                         const struct rpc_config *base)
{
    struct err e;
    struct rpc_config cfg = base ? *base : (struct rpc_config){0};
    mock_open(&m, t, on);
    cfg.url = m.url;
    now = 100 * S;
    c = rpc_new(&cfg, &e);
    ck_assert_msg(c != NULL, "%s", e.msg);
    ck_assert_int_eq(rpc_connect(c, now, &e), 0);
}

static inline void stop(void)
{
    rpc_free(c);
    mock_close(&m);
}

// The next event; fails when none comes.
static inline struct rpc_event next(void)
{
    struct rpc_event ev;
    for (int i = 0; i < PATIENCE; i++) {
        for (int k = 0; k < 50; k++) {
            if (rpc_poll(c, now, &ev))
                return ev;
            mock_step(&m);
        }
        rpc_wait(&c, 1, 1);
    }
    ck_abort_msg("no event");
    return ev;
}

static inline void quiet(void) // nothing happens
{
    struct rpc_event ev;
    for (int i = 0; i < 30; i++) {
        ck_assert_msg(!rpc_poll(c, now, &ev), "an event of kind %d", ev.kind);
        mock_step(&m);
        rpc_wait(&c, 1, 1);
    }
}

static inline void up(void)
{
    struct rpc_event ev = next();
    ck_assert_msg(ev.kind == RPC_EV_UP, "kind %d, %s", ev.kind, ev.text ? ev.text : "");
}

static inline void down(const char *why)
{
    struct rpc_event ev = next();
    ck_assert_int_eq(ev.kind, RPC_EV_DOWN);
    ck_assert_msg(strstr(ev.text, why) != NULL, "down: %s, not %s", ev.text, why);
    ck_assert_int_eq(rpc_state(c), RPC_DOWN);
}

static inline int64_t call(const char *word, uint64_t tag)
{
    char params[64];
    (void)snprintf(params, sizeof params, "[\"%s\"]", word);
    return rpc_call(c, "test_echo", params, tag, now);
}

static inline void failed(uint64_t tag, enum rpc_failure why)
{
    struct rpc_event ev = next();
    ck_assert_int_eq(ev.kind, RPC_EV_FAILED);
    ck_assert_uint_eq(ev.tag, tag);
    ck_assert_int_eq(ev.why, why);
}

static inline bool result_is(const struct rpc_event *ev, const char *word)
{
    return ev->kind == RPC_EV_REPLY && rpc_span_is(rpc_json_string(ev->result), word);
}

static const enum rpc_transport ALL[] = {RPC_IPC, RPC_HTTP, RPC_WS};

#endif
