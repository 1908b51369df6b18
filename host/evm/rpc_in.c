// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "evm/rpc_inside.h"

void slot_free(struct rpc *c, struct slot *s)
{
    s->state = SLOT_FREE;
    c->free_slot[c->n_free++] = (uint16_t)(s - c->slot);
}

static struct slot *slot_of(struct rpc *c, uint64_t id)
{
    struct slot *s = &c->slot[id % RPC_CALLS_MAX];
    if (id < RPC_RAW_ID)
        return s->state == SLOT_SENT && s->id == id ? s : NULL;
    for (size_t i = 0; i < RPC_CALLS_MAX; i++)
        if (c->slot[i].state == SLOT_SENT && c->slot[i].id == id)
            return &c->slot[i];
    return NULL;
}

static struct slot *slot_of_post(struct rpc *c, uint32_t post)
{
    for (size_t i = 0; i < RPC_CALLS_MAX; i++)
        if (c->slot[i].state == SLOT_SENT && c->slot[i].post == post)
            return &c->slot[i];
    return NULL;
}

struct envelope {
    struct rpc_span id, result, error, method, params;
};

// 0, or -1 when it is no object or says one thing twice.
static int open_envelope(struct rpc_span v, struct envelope *m)
{
    struct rpc_json_iter it;
    struct rpc_span key, value;
    *m = (struct envelope){0};
    if (!v.p || v.p[0] != '{' || !rpc_json_begin(&it, v))
        return -1;
    int rc;
    while ((rc = rpc_json_next(&it, &key, &value)) == 1) {
        struct rpc_span *to = rpc_span_is(key, "id")       ? &m->id
                              : rpc_span_is(key, "result") ? &m->result
                              : rpc_span_is(key, "error")  ? &m->error
                              : rpc_span_is(key, "method") ? &m->method
                              : rpc_span_is(key, "params") ? &m->params
                                                           : NULL;
        if (to && to->p)
            return -1;
        if (to)
            *to = value;
    }
    if (rpc_json_null(m->error))
        m->error.p = NULL;
    return rc;
}

static void set_error(struct rpc_event *ev, struct rpc_span error)
{
    ev->kind = RPC_EV_ERROR;
    if (rpc_json_int(rpc_json_get(error, "code"), &ev->code))
        ev->code = 0;
    ev->message = rpc_json_get(error, "message");
    ev->data = rpc_json_get(error, "data");
}

static int notice(struct rpc *c, const struct envelope *m, struct rpc_event *ev)
{
    struct rpc_span sub = rpc_json_string(rpc_json_get(m->params, "subscription"));
    struct rpc_span result = rpc_json_get(m->params, "result");
    if (!rpc_span_is(rpc_json_string(m->method), "eth_subscription") || !sub.p || !result.p) {
        c->n.strays++;
        return 0;
    }
    c->n.notices++;
    *ev = (struct rpc_event){.kind = RPC_EV_NOTICE, .subscription = sub, .result = result};
    return 1;
}

// One object of an answer: 1 with an event, 0 nothing of interest, -1 not to be trusted.
static int one(struct rpc *c, struct rpc_span v, struct rpc_event *ev, const char **why)
{
    struct envelope m;
    uint64_t id;
    *why = "an answer that is not JSON-RPC 2.0";
    if (open_envelope(v, &m))
        return -1;
    bool http = c->url.transport == RPC_HTTP;
    if (m.method.p && !http)
        return notice(c, &m, ev);
    struct slot *s = rpc_json_uint(m.id, &id) ? NULL : slot_of(c, id);
    if (http && (!s || s->post != c->sent[c->sent_first])) {
        *why = "answers out of step with the requests";
        return -1;
    }
    if (!s) {
        c->n.strays++;
        return 0;
    }
    if ((m.result.p != NULL) == (m.error.p != NULL))
        return -1;
    *ev = (struct rpc_event){.kind = RPC_EV_REPLY, .id = id, .tag = s->tag, .result = m.result};
    if (m.error.p)
        set_error(ev, m.error);
    c->n.replies += !m.error.p;
    c->n.errors += m.error.p != NULL;
    slot_free(c, s);
    return 1;
}

int in_begin(struct rpc *c, const struct rpc_frame *f, const char **why)
{
    struct taken *t = &c->taken;
    bool http = c->url.transport == RPC_HTTP, fine = f->status == 0 || f->status / 100 == 2;
    struct rpc_span v = rpc_json_whole((const char *)f->p, f->n);
    *t = (struct taken){.active = true, .status = fine ? 0 : f->status, .close = f->close};
    *why = !v.p ? "a message that is not JSON" : "an answer to nothing";
    if ((http && c->n_sent == 0) || (!v.p && fine))
        return -1;
    struct rpc_span error = rpc_json_get(v, "error");
    // A whole batch refused has one error and no id; a refusal by HTTP may have anything.
    t->whole_refused = http && (!fine || (!rpc_json_null(error) && rpc_json_null(rpc_json_get(v, "id"))));
    if (t->whole_refused)
        t->error = error;
    else if (v.p[0] == '[')
        (void)rpc_json_begin(&t->items, v);
    else
        t->single = v;
    return 0;
}

// What the answer to a post of HTTP has left open: 1 with an event.
static int sweep(struct rpc *c, struct rpc_event *ev)
{
    struct taken *t = &c->taken;
    struct slot *s = slot_of_post(c, c->sent[c->sent_first]);
    if (!s)
        return 0;
    *ev = (struct rpc_event){.kind = RPC_EV_FAILED, .id = s->id, .tag = s->tag, .why = RPC_UNANSWERED};
    if (t->whole_refused) {
        set_error(ev, t->error);
        ev->status = t->status;
        ev->why = 0;
    }
    c->n.errors += t->whole_refused;
    c->n.lost += !t->whole_refused;
    slot_free(c, s);
    return 1;
}

int in_next(struct rpc *c, struct rpc_event *ev, const char **why)
{
    struct taken *t = &c->taken;
    struct rpc_span key, v;
    int rc = 0;
    while (rc == 0 && t->single.p) {
        v = t->single;
        t->single.p = NULL;
        rc = one(c, v, ev, why);
    }
    while (rc == 0 && rpc_json_next(&t->items, &key, &v) == 1)
        rc = one(c, v, ev, why);
    if (rc)
        return rc;
    if (c->url.transport == RPC_HTTP) {
        if (sweep(c, ev))
            return 1;
        c->sent_first = (c->sent_first + 1) % RPC_CALLS_MAX;
        c->n_sent--;
    }
    t->active = false;
    *why = "the node closes connections after an answer; it must keep them alive";
    return t->close ? -2 : 0;
}
