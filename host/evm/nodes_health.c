// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "evm/nodes_inside.h"

static const char *const NAMES[N_NODE_HEALTH] = {
    "down", "connecting", "checking", "wrong chain", "syncing", "lagging", "stalled", "recovering", "ok",
};

const char *node_health_name(enum node_health h)
{
    return NAMES[h];
}

// ---- the best head

void health_saw(struct nodes *ns, uint64_t number, uint64_t now_ns)
{
    uint64_t first = ns->best + 1;
    if (number >= first + NODES_SEEN)
        first = number - NODES_SEEN + 1;
    for (uint64_t k = first; k <= number; k++)
        ns->seen[k % NODES_SEEN] = now_ns;
    if (number > ns->best)
        ns->best = number;
}

// The head of a node that went down counts for a while: else the one that lags would be the best as soon as
// the good one is lost.
static bool counts(const struct nodes *ns, const struct node *d, uint64_t now_ns)
{
    if (!d->has_head || d->syncing)
        return false;
    return d->head_known || now_ns - d->down_at < ns->cfg.forget_ns;
}

void health_best(struct nodes *ns, uint64_t now_ns)
{
    uint64_t best = 0;
    for (size_t i = 0; i < ns->n; i++)
        if (counts(ns, &ns->node[i], now_ns) && ns->node[i].head.number > best)
            best = ns->node[i].head.number;
    if (best > ns->best) // of a node that counts again, as after syncing
        health_saw(ns, best, now_ns);
    ns->best = best; // lower after a reorganisation: numbers above it will be seen anew
}

// ---- judgement

static bool lags(const struct nodes *ns, const struct node *d, uint64_t now_ns)
{
    if (d->head.number >= ns->best)
        return false;
    return ns->best - d->head.number > ns->cfg.lag_blocks ||
           now_ns - ns->seen[(d->head.number + 1) % NODES_SEEN] > ns->cfg.lag_ns;
}

static enum node_health judge(const struct nodes *ns, struct node *d, uint64_t now_ns)
{
    enum rpc_state link = rpc_state(d->rpc);
    enum node_health h = NODE_OK;
    if (link == RPC_DOWN)
        h = d->wrong_chain ? NODE_WRONG_CHAIN : NODE_DOWN;
    else if (link == RPC_CONNECTING)
        h = NODE_CONNECTING;
    else if (!d->chain_ok || !d->sync_known || !d->head_known)
        h = NODE_CHECKING;
    else if (d->syncing)
        h = NODE_SYNCING;
    else if (now_ns - d->head_at >= ns->cfg.stall_ns)
        h = NODE_STALLED;
    else if (lags(ns, d, now_ns))
        h = NODE_LAGGING;
    if (h != NODE_OK) {
        d->well = false;
        return h;
    }
    if (!d->well) {
        d->well = true;
        d->well_at = now_ns;
    }
    return d->was_ok && now_ns - d->well_at < ns->cfg.steady_ns && d->health != NODE_OK ? NODE_RECOVERING
                                                                                        : NODE_OK;
}

bool health_judge(struct nodes *ns, size_t i, uint64_t now_ns, struct nodes_event *ev)
{
    struct node *d = &ns->node[i];
    enum node_health was = d->health, is = judge(ns, d, now_ns);
    uint64_t until = 0;
    if (is == NODE_OK) {
        uint64_t stall = ns->cfg.stall_ns - (now_ns - d->head_at);
        until = now_ns + (stall < ns->cfg.lease_ns ? stall : ns->cfg.lease_ns);
        d->was_ok = true;
        d->retry_ns = ns->cfg.retry_min_ns;
    }
    atomic_store_explicit(&ns->usable_until[i], until, memory_order_release);
    if (is == was)
        return false;
    d->health = is;
    d->n.entered[is]++;
    *ev = (struct nodes_event){.kind = NODES_HEALTH, .node = i, .from = was, .to = is};
    return true;
}

void health_chosen(struct nodes *ns, uint64_t now_ns)
{
    int best = nodes_best(ns, now_ns);
    ns->failovers += ns->preferred >= 0 && best != ns->preferred;
    ns->preferred = best;
}

bool nodes_usable(const struct nodes *ns, size_t i, uint64_t now_ns)
{
    return i < ns->n && now_ns < atomic_load_explicit(&ns->usable_until[i], memory_order_acquire);
}

int nodes_best(const struct nodes *ns, uint64_t now_ns)
{
    for (size_t i = 0; i < ns->n; i++)
        if (nodes_usable(ns, i, now_ns))
            return (int)i;
    return -1;
}

uint64_t nodes_failovers(const struct nodes *ns)
{
    return ns->failovers;
}

// ---- for people

void nodes_state(const struct nodes *ns, size_t i, uint64_t now_ns, struct node_state *out)
{
    const struct node *d = &ns->node[i];
    *out = (struct node_state){
        .health = d->health,
        .subscribed = d->sub[0] != 0,
        .has_head = d->has_head,
        .head = d->head,
        .behind = d->has_head && d->head.number < ns->best ? ns->best - d->head.number : 0,
        .head_age_ns = d->has_head ? now_ns - d->head_at : 0,
        .rtt_ns = d->rtt_ns,
        .n = d->n,
        .rpc = rpc_counters(d->rpc),
        .why = d->why,
    };
}

const char *nodes_print(const struct nodes *ns, size_t i, uint64_t now_ns, char *buf, size_t size)
{
    struct node_state s;
    nodes_state(ns, i, now_ns, &s);
    char head[96] = "no head";
    if (s.has_head)
        (void)snprintf(head, sizeof head, "head %llu (%llu behind, %.1f s old, by %s)",
                       (unsigned long long)s.head.number, (unsigned long long)s.behind,
                       (double)s.head_age_ns * 1e-9, s.subscribed ? "subscription" : "asking");
    (void)snprintf(buf, size, "%s %s, %s, round trip %.0f us, %llu heads, %llu reorgs, %llu connects%s%s",
                   rpc_where(ns->node[i].rpc)->shown, node_health_name(s.health), head,
                   (double)s.rtt_ns * 1e-3, (unsigned long long)s.n.heads, (unsigned long long)s.n.reorgs,
                   (unsigned long long)s.rpc->connects, s.why[0] ? ", last down: " : "", s.why);
    return buf;
}
