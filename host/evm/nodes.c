// SPDX-License-Identifier: Apache-2.0
#include "evm/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evm/nodes_inside.h"

#define MS UINT64_C(1000000)
enum { AHEAD_MAX = 3, LOWER_MAX = 2, ROUND_MAX = 4096 };

static void set_default(uint64_t *field, uint64_t value)
{
    if (*field == 0)
        *field = value;
}

static void fill_in(struct nodes_config *c)
{
    set_default(&c->lag_blocks, 2);
    set_default(&c->lag_ns, 2000 * MS);
    set_default(&c->stall_ns, 60000 * MS);
    set_default(&c->poll_ns, 250 * MS);
    set_default(&c->check_ns, 1000 * MS);
    set_default(&c->answer_ns, 3000 * MS);
    set_default(&c->steady_ns, 2000 * MS);
    set_default(&c->forget_ns, 60000 * MS);
    set_default(&c->retry_min_ns, 100 * MS);
    set_default(&c->retry_max_ns, 10000 * MS);
    set_default(&c->lease_ns, 1000 * MS);
}

struct nodes *nodes_new(const struct nodes_config *cfg, struct err *e)
{
    if (cfg->n == 0 || cfg->n > NODES_MAX) {
        (void)err_set(e, "nodes: 1 to %d of them, not %zu", NODES_MAX, cfg->n);
        return NULL;
    }
    struct nodes *ns = calloc(1, sizeof *ns);
    if (!ns) {
        (void)err_set(e, "nodes: out of memory");
        return NULL;
    }
    ns->cfg = *cfg;
    ns->cfg.node = NULL; // the caller's
    fill_in(&ns->cfg);
    if (ns->cfg.lag_blocks >= NODES_SEEN)
        ns->cfg.lag_blocks = NODES_SEEN - 1;
    prng_seed(&ns->random, cfg->seed);
    ns->preferred = -1;
    for (; ns->n < cfg->n; ns->n++) {
        struct node *d = &ns->node[ns->n];
        d->rpc = rpc_new(&cfg->node[ns->n], e);
        d->retry_ns = ns->cfg.retry_min_ns;
        if (!d->rpc) {
            nodes_free(ns);
            return NULL;
        }
    }
    return ns;
}

void nodes_free(struct nodes *ns)
{
    for (size_t i = 0; ns && i < ns->n; i++)
        rpc_free(ns->node[i].rpc);
    free(ns);
}

size_t nodes_count(const struct nodes *ns)
{
    return ns->n;
}

struct rpc *nodes_rpc(struct nodes *ns, size_t i)
{
    return ns->node[i].rpc;
}

// ---- connecting

static void retry_later(struct nodes *ns, struct node *d, uint64_t now_ns)
{
    uint64_t wait = d->wrong_chain ? ns->cfg.retry_max_ns : d->retry_ns;
    d->retry_at = now_ns + wait - prng_below(&ns->random, wait / 4 + 1);
    d->retry_ns = d->retry_ns < ns->cfg.retry_max_ns / 2 ? 2 * d->retry_ns : ns->cfg.retry_max_ns;
}

static void try_connect(struct nodes *ns, struct node *d, uint64_t now_ns)
{
    struct err e;
    if (now_ns < d->retry_at)
        return;
    d->n.tries++;
    if (rpc_connect(d->rpc, now_ns, &e)) {
        (void)snprintf(d->why, sizeof d->why, "%.*s", (int)sizeof d->why - 1, e.msg);
        retry_later(ns, d, now_ns);
    }
}

static void went_down(struct nodes *ns, struct node *d, const char *why, uint64_t now_ns)
{
    (void)snprintf(d->why, sizeof d->why, "%.*s", (int)sizeof d->why - 1, why);
    if (d->head_known)
        d->down_at = now_ns;
    d->chain_ok = d->sync_known = d->head_known = false;
    memset(d->asked, 0, sizeof d->asked);
    d->sub[0] = 0;
    d->ahead = d->lower = 0;
    retry_later(ns, d, now_ns);
}

static void senseless(struct node *d, const char *why)
{
    d->n.senseless++;
    rpc_drop(d->rpc, why);
}

// ---- questions

static void ask(struct node *d, enum question q, uint64_t now_ns)
{
    static const char *const METHOD[N_QUESTIONS] = {"eth_chainId", "eth_syncing", "eth_getBlockByNumber",
                                                    "eth_subscribe"};
    static const char *const PARAMS[N_QUESTIONS] = {"[]", "[]", "[\"latest\",false]", "[\"newHeads\"]"};
    if (d->asked[q] || rpc_call(d->rpc, METHOD[q], PARAMS[q], NODES_TAG | q, now_ns) < 0)
        return; // no room: when it is due again
    d->asked[q] = true;
    d->asked_at[q] = now_ns;
}

static void came_up(struct node *d, uint64_t now_ns)
{
    ask(d, ASK_CHAIN, now_ns);
    d->head_due = d->check_due = now_ns;
}

static void ask_what_is_due(struct nodes *ns, struct node *d, uint64_t now_ns)
{
    for (enum question q = 0; q < N_QUESTIONS; q++)
        if (d->asked[q] && now_ns - d->asked_at[q] > ns->cfg.answer_ns) {
            d->n.unanswered++;
            rpc_drop(d->rpc, "no answer to a question about its health");
            return;
        }
    if (!d->chain_ok) { // nothing else of it matters
        ask(d, ASK_CHAIN, now_ns);
        return;
    }
    if (now_ns >= d->check_due) {
        d->check_due = now_ns + ns->cfg.check_ns;
        ask(d, ASK_SYNCING, now_ns);
        d->head_due = now_ns;
    }
    if (now_ns >= d->head_due) {
        d->head_due = now_ns + (d->sub[0] ? ns->cfg.check_ns : ns->cfg.poll_ns);
        ask(d, ASK_HEAD, now_ns);
    }
}

// ---- answers

static int parse_head(struct rpc_span v, struct nodes_head *h)
{
    *h = (struct nodes_head){0};
    struct rpc_span fee = rpc_json_get(v, "baseFeePerGas");
    h->has_base_fee = !rpc_json_null(fee);
    if (h->has_base_fee && rpc_json_quantity(fee, &h->base_fee))
        return -1;
    return rpc_json_quantity(rpc_json_get(v, "number"), &h->number) ||
                   rpc_json_quantity(rpc_json_get(v, "timestamp"), &h->timestamp) ||
                   rpc_json_data(rpc_json_get(v, "hash"), h->hash, NODES_HASH) ||
                   rpc_json_data(rpc_json_get(v, "parentHash"), h->parent, NODES_HASH) ||
                   h->number >= UINT64_MAX / 2
               ? -1
               : 0;
}

static bool follows(const struct nodes_head *was, const struct nodes_head *is)
{
    if (is->number != was->number + 1) // some in between were not told: cannot be said
        return is->number > was->number;
    return memcmp(is->parent, was->hash, NODES_HASH) == 0;
}

// Beside a subscription a look may be answered late, from before a notice: a lower number counts when it is
// seen again.
static bool stale_look(struct node *d, const struct nodes_head *h)
{
    if (!d->sub[0] || !d->head_known || h->number >= d->head.number) {
        d->lower = 0;
        return false;
    }
    return ++d->lower < LOWER_MAX;
}

// True: it is another head than before.
static bool has_head(struct nodes *ns, struct node *d, const struct nodes_head *h, bool looked,
                     uint64_t now_ns)
{
    if (looked && stale_look(d, h))
        return false;
    bool same = d->has_head && memcmp(d->head.hash, h->hash, NODES_HASH) == 0, first = !d->head_known;
    if (!looked)
        d->ahead = 0;
    else if (d->sub[0] && !first && !same && ++d->ahead >= AHEAD_MAX) {
        d->n.silent++;
        rpc_drop(d->rpc, "the subscription has fallen silent");
        return false;
    }
    d->n.by_poll += looked && d->sub[0] && !first && !same;
    if (first || !same)
        d->head_at = now_ns;
    d->head_known = true;
    if (same)
        return false;
    d->n.reorgs += d->has_head && !follows(&d->head, h);
    d->n.heads++;
    d->has_head = true;
    d->head = *h;
    if (!d->syncing)
        health_saw(ns, h->number, now_ns);
    return true;
}

static void told_chain(struct nodes *ns, struct node *d, struct rpc_span v, uint64_t now_ns)
{
    uint64_t id;
    if (rpc_json_quantity(v, &id)) {
        senseless(d, "a chain id that is none");
        return;
    }
    d->wrong_chain = id != ns->cfg.chain_id;
    d->chain_ok = !d->wrong_chain;
    if (d->wrong_chain) {
        struct err e;
        d->n.wrong_chain++;
        (void)err_set(&e, "it is on chain %llu, not %llu", (unsigned long long)id,
                      (unsigned long long)ns->cfg.chain_id);
        rpc_drop(d->rpc, e.msg);
        return;
    }
    if (rpc_where(d->rpc)->transport != RPC_HTTP)
        ask(d, ASK_SUBSCRIBE, now_ns);
}

static void told_syncing(struct node *d, struct rpc_span v)
{
    if (rpc_span_is(v, "false"))
        d->syncing = false;
    else if (rpc_span_is(v, "true") || v.p[0] == '{')
        d->syncing = true;
    else
        senseless(d, "an answer to eth_syncing that is none");
    d->sync_known = true;
}

static bool told_head(struct nodes *ns, struct node *d, struct rpc_span v, bool looked, uint64_t now_ns,
                      struct nodes_event *ev)
{
    struct nodes_head h;
    if (parse_head(v, &h)) {
        senseless(d, "a head that is none");
        return false;
    }
    if (!has_head(ns, d, &h, looked, now_ns))
        return false;
    *ev = (struct nodes_event){.kind = NODES_HEAD, .node = (size_t)(d - ns->node), .head = h};
    return true;
}

static bool answered(struct nodes *ns, struct node *d, const struct rpc_event *r, uint64_t now_ns,
                     struct nodes_event *ev)
{
    enum question q = (enum question)(r->tag & ~NODES_TAG);
    d->asked[q] = false;
    if (r->kind != RPC_EV_REPLY) {
        // Without subscriptions its head is asked for; without the rest there is no judging it.
        if (q != ASK_SUBSCRIBE && rpc_state(d->rpc) == RPC_UP)
            senseless(d, "an error in answer to a question about its health");
        return false;
    }
    switch (q) {
    case ASK_CHAIN:
        told_chain(ns, d, r->result, now_ns);
        return false;
    case ASK_SYNCING:
        told_syncing(d, r->result);
        return false;
    case ASK_HEAD:
        d->rtt_ns =
            d->rtt_ns ? d->rtt_ns - d->rtt_ns / 8 + (now_ns - d->asked_at[q]) / 8 : now_ns - d->asked_at[q];
        return told_head(ns, d, r->result, true, now_ns, ev);
    default:
        if (rpc_json_string(r->result).n == 0 || rpc_json_string(r->result).n >= NODES_SUB_MAX)
            senseless(d, "a subscription that is none");
        else
            (void)rpc_json_print(r->result, d->sub, sizeof d->sub);
        return false;
    }
}

static bool handle(struct nodes *ns, struct node *d, const struct rpc_event *r, uint64_t now_ns,
                   struct nodes_event *ev)
{
    if (r->kind == RPC_EV_UP) {
        came_up(d, now_ns);
        return false;
    }
    if (r->kind == RPC_EV_DOWN) {
        went_down(ns, d, r->text, now_ns);
        return false;
    }
    if (r->kind == RPC_EV_NOTICE && d->sub[0] && rpc_span_is(r->subscription, d->sub))
        return told_head(ns, d, r->result, false, now_ns, ev);
    if (r->kind != RPC_EV_NOTICE && r->id < RPC_RAW_ID && r->tag >= NODES_TAG)
        return answered(ns, d, r, now_ns, ev);
    *ev = (struct nodes_event){.kind = NODES_RPC, .node = (size_t)(d - ns->node), .rpc = *r};
    return true;
}

// ---- the loop

static bool step(struct nodes *ns, struct node *d, uint64_t now_ns, struct nodes_event *ev)
{
    struct rpc_event r;
    while (ns->work < ROUND_MAX && rpc_poll(d->rpc, now_ns, &r)) {
        ns->work++; // one node's flood must not keep the others from being judged
        if (handle(ns, d, &r, now_ns, ev))
            return true;
    }
    if (rpc_state(d->rpc) == RPC_DOWN)
        try_connect(ns, d, now_ns);
    else if (rpc_state(d->rpc) == RPC_UP)
        ask_what_is_due(ns, d, now_ns);
    return false;
}

int nodes_poll(struct nodes *ns, uint64_t now_ns, struct nodes_event *ev)
{
    for (; ns->turn < ns->n; ns->turn++, ns->work = 0)
        if (step(ns, &ns->node[ns->turn], now_ns, ev))
            return 1;
    if (ns->judged == 0)
        health_best(ns, now_ns);
    while (ns->judged < ns->n)
        if (health_judge(ns, ns->judged++, now_ns, ev))
            return 1;
    health_chosen(ns, now_ns);
    ns->turn = ns->judged = 0;
    return 0;
}

void nodes_wait(struct nodes *ns, int timeout_ms)
{
    struct rpc *c[NODES_MAX];
    for (size_t i = 0; i < ns->n; i++)
        c[i] = ns->node[i].rpc;
    rpc_wait(c, ns->n, timeout_ms);
}
