// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "exec/gateway.h"

struct null_gateway {
    struct gateway base;
    struct gateway_counters n;
};

static int null_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)o;
    ((struct null_gateway *)g)->n.submitted++;
    return 0;
}

static int null_poll(struct gateway *g, struct order_reply *out)
{
    (void)g;
    (void)out;
    return 0;
}

static int null_wait(struct gateway *g, int timeout_ms)
{
    (void)g;
    (void)timeout_ms;
    return 0;
}

static void null_counters(const struct gateway *g, struct gateway_counters *out)
{
    *out = ((const struct null_gateway *)g)->n;
}

static void null_close(struct gateway *g)
{
    free(g);
}

struct gateway *gateway_null_open(void)
{
    static const struct gateway_ops ops = {.submit = null_submit,
                                           .poll = null_poll,
                                           .wait = null_wait,
                                           .counters = null_counters,
                                           .close = null_close};
    struct null_gateway *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->base.ops = &ops;
    return &n->base;
}
