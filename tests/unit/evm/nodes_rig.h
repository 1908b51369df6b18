// SPDX-License-Identifier: Apache-2.0
// Scripted chain nodes and the nodes.h that follows them, with a clock that is made up.
#ifndef TRIPLINE_TEST_EVM_NODES_RIG_H
#define TRIPLINE_TEST_EVM_NODES_RIG_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "evm/mock_node.h"
#include "evm/nodes.h"

enum { N = 3, CHAIN = 31337 };
#define MS       UINT64_C(1000000)
#define START_NS (1000000 * MS)

// A chain node: what it says is in its fields.
struct chain_node {
    struct mock m;
    uint64_t chain, number;
    unsigned fork; // part of the hash
    bool syncing, no_subscriptions, mute, quiet_subscription, nonsense;
    char sub[16];
};
static struct chain_node node[N];
static struct nodes *ns;
static uint64_t now;
static unsigned heads[N];
static struct nodes_head last[N];

static void head_json(const struct chain_node *x, char *out, size_t size)
{
    unsigned parent = x->fork >> 16 == x->number ? x->fork & 0xff : x->fork & 0xffff;
    (void)snprintf(out, size,
                   "{\"number\":\"0x%llx\",\"hash\":\"0x%056llx%08x\",\"parentHash\":\"0x%056llx%08x\","
                   "\"timestamp\":\"0x%llx\",\"baseFeePerGas\":\"0x3b9aca00\"}",
                   (unsigned long long)x->number, (unsigned long long)x->number, x->fork & 0xffff,
                   (unsigned long long)x->number - 1, parent, (unsigned long long)x->number * 12);
}

static void answer(struct mock *m, json_t *r)
{
    struct chain_node *x = m->ctx;
    const char *method = json_string_value(json_object_get(r, "method"));
    char result[512], text[640];
    if (x->mute)
        return;
    if (strcmp(method, "eth_chainId") == 0) {
        (void)snprintf(result, sizeof result, "\"0x%llx\"", (unsigned long long)x->chain);
    } else if (strcmp(method, "eth_syncing") == 0) {
        (void)snprintf(result, sizeof result, "%s", x->syncing ? "{\"currentBlock\":\"0x1\"}" : "false");
    } else if (strcmp(method, "eth_subscribe") == 0) {
        (void)snprintf(x->sub, sizeof x->sub, "0x%x", m->accepts);
        (void)snprintf(result, sizeof result, "\"%s\"", x->sub);
    } else if (strcmp(method, "eth_getBlockByNumber") == 0) {
        head_json(x, result, sizeof result);
    } else {
        (void)snprintf(result, sizeof result, "\"mine\"");
    }
    const char *id = json_dumps(json_object_get(r, "id"), JSON_ENCODE_ANY);
    if (x->no_subscriptions && strcmp(method, "eth_subscribe") == 0)
        (void)snprintf(text, sizeof text, "{\"id\":%s,\"error\":{\"code\":-32601,\"message\":\"no\"}}", id);
    else
        (void)snprintf(text, sizeof text, "{\"id\":%s,\"result\":%s}", id, x->nonsense ? "17" : result);
    free((void *)(uintptr_t)id);
    mock_say(m, text);
}

static void set_head(size_t i, uint64_t number, unsigned fork)
{
    struct chain_node *x = &node[i];
    char head[400], text[512];
    x->number = number;
    x->fork = fork;
    if (!x->sub[0] || x->quiet_subscription || x->m.fd < 0)
        return;
    head_json(x, head, sizeof head);
    (void)snprintf(text, sizeof text,
                   "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"%s\","
                   "\"result\":%s}}",
                   x->sub, head);
    mock_say(&x->m, text);
}

static struct rpc_event other; // the last NODES_RPC

// Lets everything that is under way arrive; no time passes.
static void settle(void)
{
    struct nodes_event ev;
    for (int idle = 0; idle < 3;) {
        bool busy = false;
        for (size_t i = 0; i < nodes_count(ns); i++)
            mock_step(&node[i].m);
        while (nodes_poll(ns, now, &ev)) {
            busy = true;
            if (ev.kind == NODES_HEAD) {
                heads[ev.node]++;
                last[ev.node] = ev.head;
            }
            if (ev.kind == NODES_RPC)
                other = ev.rpc;
        }
        idle = busy ? 0 : idle + 1;
        nodes_wait(ns, 1);
    }
}

static void pass(uint64_t ms) // in steps below every interval that matters to the test
{
    uint64_t step = ms < 4000 ? 50 : 250;
    for (uint64_t k = 0; k < ms; k += step) {
        now += step * MS;
        settle();
    }
}

static enum node_health health(size_t i)
{
    struct node_state s;
    nodes_state(ns, i, now, &s);
    return s.health;
}

static struct node_counters counters(size_t i)
{
    struct node_state s;
    nodes_state(ns, i, now, &s);
    return s.n;
}

static void is(size_t i, enum node_health h)
{
    char line[400];
    ck_assert_msg(health(i) == h, "node %zu: %s, not %s", i, nodes_print(ns, i, now, line, sizeof line),
                  node_health_name(h));
    ck_assert_int_eq(nodes_usable(ns, i, now), h == NODE_OK);
}

static void start(size_t n, const enum rpc_transport *t, const struct nodes_config *base)
{
    struct rpc_config c[N] = {0};
    struct nodes_config cfg = base ? *base : (struct nodes_config){0};
    struct err e;
    for (size_t i = 0; i < n; i++) {
        node[i] = (struct chain_node){.chain = CHAIN, .number = 1000};
        mock_open(&node[i].m, t[i], answer);
        node[i].m.ctx = &node[i];
        c[i].url = node[i].m.url;
    }
    cfg.node = c;
    cfg.n = n;
    cfg.chain_id = CHAIN;
    now = START_NS;
    memset(heads, 0, sizeof heads);
    memset(last, 0, sizeof last);
    ns = nodes_new(&cfg, &e);
    ck_assert_msg(ns != NULL, "%s", e.msg);
    ck_assert_int_eq(nodes_best(ns, now), -1);
}

static void stop(void)
{
    size_t n = nodes_count(ns);
    nodes_free(ns);
    for (size_t i = 0; i < n; i++)
        mock_close(&node[i].m);
}

#endif
