// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/port_rpc.h"

#include <stdlib.h>

#define RETRY_MIN_NS UINT64_C(50000000)
#define RETRY_MAX_NS UINT64_C(5000000000)
#define KEEP_NS      UINT64_C(5000000000) // nodes close HTTP connections that are idle
#define KEEP_TAG     (UINT64_C(1) << 62)  // above the sender's tags

struct link {
    struct rpc *rpc;
    uint64_t retry_at, retry_ns, kept_ns;
};
struct port_rpc {
    struct link link[PORT_LINKS_MAX];
    size_t n, turn;
    const struct nodes *nodes;
};

static size_t put(void *ctx, size_t link, uint64_t serial, const uint8_t *tx, size_t n, uint8_t *out,
                  size_t size)
{
    struct port_rpc *p = ctx;
    return rpc_put_transaction(p->link[link].rpc, RPC_RAW_ID + serial, tx, n, out, size);
}

static int send_bytes(void *ctx, size_t link, uint64_t serial, const uint8_t *bytes, size_t n, uint64_t now)
{
    struct port_rpc *p = ctx;
    return rpc_send_raw(p->link[link].rpc, RPC_RAW_ID + serial, bytes, n, now);
}

static bool usable(void *ctx, size_t link, uint64_t now)
{
    const struct port_rpc *p = ctx;
    return rpc_state(p->link[link].rpc) == RPC_UP && (!p->nodes || nodes_usable(p->nodes, link, now));
}

static int call(void *ctx, size_t link, const char *method, const char *params, uint64_t tag, uint64_t now)
{
    struct port_rpc *p = ctx;
    return rpc_call(p->link[link].rpc, method, params, tag, now) < 0 ? -1 : 0;
}

// Connects again, spaced; keeps awake what is up.
static void tend(struct link *l, uint64_t now)
{
    struct err ignored;
    if (rpc_state(l->rpc) == RPC_DOWN && now >= l->retry_at) {
        l->retry_ns = l->retry_ns ? l->retry_ns : RETRY_MIN_NS;
        l->retry_at = now + l->retry_ns;
        l->retry_ns = 2 * l->retry_ns < RETRY_MAX_NS ? 2 * l->retry_ns : RETRY_MAX_NS;
        (void)rpc_connect(l->rpc, now, &ignored);
    } else if (rpc_state(l->rpc) == RPC_UP && now - l->kept_ns >= KEEP_NS) {
        l->kept_ns = now;
        (void)rpc_call(l->rpc, "eth_chainId", "[]", KEEP_TAG, now);
    }
}

static int poll_links(void *ctx, uint64_t now, struct port_event *ev)
{
    struct port_rpc *p = ctx;
    for (size_t quiet = 0; quiet < p->n;) {
        size_t i = p->turn;
        struct link *l = &p->link[i];
        if (!rpc_poll(l->rpc, now, &ev->rpc)) {
            tend(l, now);
            p->turn = (p->turn + 1) % p->n;
            quiet++;
            continue;
        }
        if (ev->rpc.kind == RPC_EV_UP) {
            l->retry_ns = 0;
            l->kept_ns = now;
        }
        if (ev->rpc.tag == KEEP_TAG)
            continue;
        ev->link = i;
        return 1;
    }
    return 0;
}

static const struct evm_port_ops OPS = {put, send_bytes, usable, call, poll_links};

struct port_rpc *port_rpc_new(const struct rpc_config *node, size_t n, const struct nodes *nodes,
                              struct err *e)
{
    if (n == 0 || n > PORT_LINKS_MAX) {
        (void)err_set(e, "sender: %zu nodes, 1 to %d are possible", n, PORT_LINKS_MAX);
        return NULL;
    }
    struct port_rpc *p = calloc(1, sizeof *p);
    if (!p) {
        (void)err_set(e, "sender: out of memory");
        return NULL;
    }
    p->nodes = nodes;
    for (; p->n < n; p->n++) {
        struct rpc *c = rpc_new(&node[p->n], e);
        if (!c) {
            port_rpc_free(p);
            return NULL;
        }
        p->link[p->n].rpc = c;
    }
    return p;
}

void port_rpc_free(struct port_rpc *p)
{
    for (size_t i = 0; p && i < p->n; i++)
        rpc_free(p->link[i].rpc);
    free(p);
}

struct evm_port port_rpc_port(struct port_rpc *p)
{
    return (struct evm_port){&OPS, p, p->n};
}
