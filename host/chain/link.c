// SPDX-License-Identifier: Apache-2.0
#include "chain/link.h"

#include <stdlib.h>

#include "base/clock.h"

enum { TICK_MS = 20 };

struct node_link {
    struct chain_link link; // first
    struct nodes *ns;
    size_t n;
    struct rpc *rpc[NODES_MAX];
    uint64_t answer_ns;
    const volatile int *stop;
    bool heads; // somebody has another head since it was looked at last
};

static struct node_link *of(struct chain_link *l)
{
    return (struct node_link *)l;
}

static void look_at_nodes(struct node_link *l, uint64_t now)
{
    struct nodes_event ev;
    while (nodes_poll(l->ns, now, &ev))
        l->heads |= ev.kind == NODES_HEAD;
}

static bool stopped(const struct node_link *l)
{
    return l->stop && *l->stop;
}

// One batch on one connection.
struct exchange {
    const struct chain_call *call;
    size_t n, open;
    bool done[CHAIN_CALLS_MAX];
    bool sent, again; // again: a connection that had ended while idle has been made anew
    chain_take *take;
    void *to;
};

static int send_batch(struct rpc *c, struct exchange *x, uint64_t now)
{
    rpc_batch_begin(c);
    bool bad = false;
    for (size_t i = 0; i < x->n; i++)
        bad |= rpc_call(c, x->call[i].method, x->call[i].params, i, now) < 0;
    return rpc_batch_end(c) || bad ? -1 : 0;
}

// 0: goes on; -1 with *e set.
static int take_event(struct exchange *x, const struct rpc_event *ev, struct err *e)
{
    char why[200];
    if (ev->kind == RPC_EV_DOWN && !x->sent && !x->again) {
        x->again = true;
        return 0;
    }
    if (ev->kind == RPC_EV_DOWN)
        return err_set(e, "the connection to the node ended: %.200s", ev->text);
    if (ev->kind != RPC_EV_REPLY && ev->kind != RPC_EV_ERROR && ev->kind != RPC_EV_FAILED)
        return 0;
    if (!x->sent || ev->tag >= x->n || x->done[ev->tag])
        return 0; // of a batch before this one
    x->done[ev->tag] = true;
    x->open--;
    if (ev->kind == RPC_EV_FAILED)
        return err_set(e, "the node does not answer %s", x->call[ev->tag].method);
    struct chain_answer a = {ev->kind == RPC_EV_REPLY, ev->result, ev->code, NULL};
    if (!a.ok && ev->status)
        return err_set(e, "the node answers with HTTP status %u", ev->status);
    if (!a.ok)
        a.why = rpc_json_print(ev->message, why, sizeof why);
    return x->take(x->to, ev->tag, &a, e);
}

static int run(struct node_link *l, struct rpc *c, struct exchange *x, struct err *e)
{
    uint64_t end = clock_system_ns() + l->answer_ns;
    struct rpc_event ev;
    while (x->open) {
        uint64_t now = clock_system_ns();
        if (stopped(l))
            return err_set(e, "interrupted");
        if (now > end)
            return err_set(e, "the node has not answered %s within %llu s", x->call[0].method,
                           (unsigned long long)(l->answer_ns / 1000000000));
        look_at_nodes(l, now);
        if (rpc_state(c) == RPC_DOWN && rpc_connect(c, now, e))
            return -1;
        while (rpc_poll(c, now, &ev))
            if (take_event(x, &ev, e))
                return -1;
        if (rpc_state(c) == RPC_UP && !x->sent) {
            if (send_batch(c, x, now))
                return err_set(e, "a request of %zu calls does not fit a message", x->n);
            x->sent = true;
            continue;
        }
        if (x->open)
            rpc_wait(&c, 1, TICK_MS);
    }
    return 0;
}

static int ask(struct chain_link *link, const struct chain_call *c, size_t n, chain_take *take, void *to,
               struct err *e)
{
    struct node_link *l = of(link);
    struct exchange x = {.call = c, .n = n, .open = n, .take = take, .to = to};
    uint64_t end = clock_system_ns() + l->answer_ns;
    int best;
    look_at_nodes(l, clock_system_ns());
    while ((best = nodes_best(l->ns, clock_system_ns())) < 0) {
        char line[300];
        if (stopped(l))
            return err_set(e, "interrupted");
        if (clock_system_ns() > end)
            return err_set(e, "no node can be used: %s",
                           nodes_print(l->ns, 0, clock_system_ns(), line, sizeof line));
        nodes_wait(l->ns, TICK_MS);
        look_at_nodes(l, clock_system_ns());
    }
    struct rpc *r = l->rpc[best];
    if (run(l, r, &x, e) == 0)
        return 0;
    // Answers that are still to come must not be taken for those of the next batch.
    struct rpc_event ev;
    rpc_drop(r, "a batch failed");
    while (rpc_poll(r, clock_system_ns(), &ev))
        ;
    return -1;
}

static void wait_for(struct chain_link *link, int timeout_ms)
{
    struct node_link *l = of(link);
    uint64_t end = clock_system_ns() + (uint64_t)timeout_ms * 1000000;
    look_at_nodes(l, clock_system_ns());
    while (!l->heads && !stopped(l) && clock_system_ns() < end) {
        nodes_wait(l->ns, TICK_MS);
        look_at_nodes(l, clock_system_ns());
    }
    l->heads = false;
}

static void close_link(struct chain_link *link)
{
    struct node_link *l = of(link);
    for (size_t i = 0; i < l->n; i++)
        rpc_free(l->rpc[i]);
    free(l);
}

struct chain_link *chain_link_open(struct nodes *ns, const struct rpc_config *urls, size_t n,
                                   uint64_t answer_ns, const volatile int *stop, struct err *e)
{
    struct node_link *l = n <= NODES_MAX ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        err_set(e, "out of memory");
        return NULL;
    }
    l->link = (struct chain_link){ask, wait_for, close_link};
    l->ns = ns;
    l->answer_ns = answer_ns;
    l->stop = stop;
    for (; l->n < n; l->n++) {
        struct rpc_config cfg = urls[l->n];
        cfg.call_ns = answer_ns;
        l->rpc[l->n] = rpc_new(&cfg, e);
        if (!l->rpc[l->n]) {
            close_link(&l->link);
            return NULL;
        }
    }
    return &l->link;
}
