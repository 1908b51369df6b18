// SPDX-License-Identifier: Apache-2.0
// eth_getLogs: which accounts and reserves the logs of some blocks concern.
#include <stdlib.h>

#include "chain/follower_inside.h"
#include "evm/hex.h"

enum { RANGE_GROWTH = 2 };

// ---- what was touched

void touched_clear(struct touched *t)
{
    t->n = 0;
    t->sources = false;
    memset(&t->wanted, 0, sizeof t->wanted);
}

int touched_add(struct touched *t, const struct evm_address *user, bool borrow, struct err *e)
{
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 256;
        void *p = realloc(t->user, room * sizeof *t->user);
        if (!p)
            return err_set(e, "out of memory");
        t->user = p;
        t->room = room;
    }
    t->user[t->n++] = (struct touched_user){*user, borrow};
    return 0;
}

static int by_address(const void *a, const void *b)
{
    return memcmp(((const struct touched_user *)a)->user.b, ((const struct touched_user *)b)->user.b,
                  ADDRESS_BYTES);
}

void touched_sort(struct touched *t)
{
    size_t n = 0;
    if (t->n)
        qsort(t->user, t->n, sizeof *t->user, by_address);
    for (size_t i = 0; i < t->n; i++) {
        if (n && address_equal(&t->user[n - 1].user, &t->user[i].user))
            t->user[n - 1].borrow |= t->user[i].borrow;
        else
            t->user[n++] = t->user[i];
    }
    t->n = n;
}

// ---- the request

static size_t put_address(char *at, const struct evm_address *a, bool first)
{
    size_t n = (size_t)sprintf(at, "%s\"0x", first ? "" : ",");
    hex_put(a->b, ADDRESS_BYTES, at + n);
    n += 2 * (size_t)ADDRESS_BYTES;
    at[n++] = '"';
    return n;
}

static size_t put_addresses(char *at, const struct chain_pool *p, bool borrows)
{
    size_t n = put_address(at, &p->pool, true);
    if (borrows)
        return n;
    n += put_address(at + n, &p->configurator, false);
    n += put_address(at + n, &p->provider, false);
    n += put_address(at + n, &p->oracle, false);
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++) {
        if (p->reserve[i].instrument == UINT16_MAX)
            continue;
        n += put_address(at + n, &p->reserve[i].atoken, false);
        n += put_address(at + n, &p->reserve[i].vtoken, false);
    }
    return n;
}

enum { ADDRESS_JSON = 2 * ADDRESS_BYTES + 6, PARAMS_MAX = ADDRESS_JSON * (2 * CHAIN_RESERVES_MAX + 4) + 512 };

static void put_params(char *at, const struct chain_pool *p, uint64_t first, uint64_t last,
                       const struct word *hash, bool borrows)
{
    char text[2 * WORD_BYTES + 1] = "";
    at += sprintf(at, "[{");
    if (hash) {
        hex_put(hash->b, WORD_BYTES, text);
        at += sprintf(at, "\"blockHash\":\"0x%s\"", text);
    } else {
        at += sprintf(at, "\"fromBlock\":\"0x%llx\",\"toBlock\":\"0x%llx\"", (unsigned long long)first,
                      (unsigned long long)last);
    }
    if (borrows) {
        hex_put(chain_topic_borrow()->b, WORD_BYTES, text);
        at += sprintf(at, ",\"topics\":[[\"0x%s\"]]", text);
    }
    at += sprintf(at, ",\"address\":[");
    at += put_addresses(at, p, borrows);
    (void)sprintf(at, "]}]");
}

// ---- the answer

struct asked {
    const struct chain_pool *p;
    const struct word *hash;
    uint64_t first, last;
    struct touched *t;
    bool refused;
    char why[200];
    uint8_t data[CHAIN_LOG_DATA_MAX];
};

static enum chain_emitter emitter_of(const struct chain_pool *p, const struct evm_address *a)
{
    if (address_equal(a, &p->pool))
        return EMITTER_POOL;
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++)
        if (p->reserve[i].instrument != UINT16_MAX &&
            (address_equal(a, &p->reserve[i].atoken) || address_equal(a, &p->reserve[i].vtoken)))
            return EMITTER_TOKEN;
    return address_equal(a, &p->configurator) ? EMITTER_CONFIGURATOR
           : address_equal(a, &p->provider)   ? EMITTER_PROVIDER
           : address_equal(a, &p->oracle)     ? EMITTER_ORACLE
                                              : EMITTER_OTHER;
}

static int take_event(struct asked *x, const struct chain_event *ev, struct err *e)
{
    for (unsigned i = 0; i < ev->n_users; i++)
        if (touched_add(x->t, &ev->user[i], ev->borrow && i == 0, e))
            return -1;
    for (unsigned i = 0; i < ev->n_reserves; i++) {
        unsigned r = 0;
        while (r < CHAIN_RESERVES_MAX && !(x->p->reserve[r].instrument != UINT16_MAX &&
                                           address_equal(&x->p->reserve[r].asset, &ev->reserve[i])))
            r++;
        if (r < CHAIN_RESERVES_MAX)
            x->t->wanted.reserve[r] = true;
        else
            x->t->wanted.settings = true; // one that we do not know yet
    }
    x->t->wanted.settings |= ev->settings;
    x->t->sources |= ev->sources;
    return 0;
}

static int take_log(struct asked *x, struct rpc_span v, struct err *e)
{
    struct chain_log l;
    struct chain_event ev;
    if (chain_log_get(v, &l, x->data, e))
        return -1;
    enum chain_emitter by = emitter_of(x->p, &l.log.address);
    if (by == EMITTER_OTHER || l.block < x->first || l.block > x->last ||
        (x->hash && !word_equal(&l.block_hash, x->hash)))
        return err_set(e, "the node tells of logs that it was not asked for");
    return chain_event_get(&l.log, by, &ev, e) ? -1 : take_event(x, &ev, e);
}

static int take_logs(void *to, size_t i, const struct chain_answer *a, struct err *e)
{
    struct asked *x = to;
    struct rpc_json_iter it;
    struct rpc_span key, log;
    int rc;
    (void)i;
    if (!a->ok) {
        x->refused = true;
        (void)snprintf(x->why, sizeof x->why, "%s", a->why);
        return 0;
    }
    if (!a->result.p || a->result.p[0] != '[' || !rpc_json_begin(&it, a->result))
        return err_set(e, "the node answers eth_getLogs with something that is no list");
    while ((rc = rpc_json_next(&it, &key, &log)) == 1)
        if (take_log(x, log, e))
            return -1;
    return rc;
}

int follower_logs(struct follower *f, const struct chain_pool *p, uint64_t first, uint64_t last,
                  const struct word *hash, bool borrows, struct touched *t, struct err *e)
{
    struct asked x = {.p = p, .hash = hash, .first = first, .last = last, .t = t};
    char *params = malloc(PARAMS_MAX);
    if (!params)
        return err_set(e, "out of memory");
    put_params(params, p, first, last, hash, borrows);
    const struct chain_call c = {"eth_getLogs", params};
    int rc = chain_ask(f->link, &c, 1, take_logs, &x, e);
    free(params);
    f->n.ranges += !hash;
    if (rc == 0 && x.refused)
        err_set(e, "the node refuses the logs of blocks %llu to %llu: %s", (unsigned long long)first,
                (unsigned long long)last, x.why);
    return rc ? -1 : !x.refused;
}

int follower_log_ranges(struct follower *f, const struct chain_pool *p, uint64_t first, uint64_t last,
                        struct touched *t, struct err *e)
{
    for (uint64_t at = first; at <= last;) {
        uint64_t end = last - at < f->range ? last : at + f->range - 1;
        int rc = follower_logs(f, p, at, end, NULL, false, t, e);
        if (rc < 0 || (rc == 0 && f->range == 1))
            return -1;
        if (rc == 0) { // too many results, or too many blocks for this node
            f->range = (f->range + 1) / RANGE_GROWTH;
            f->n.halved++;
            continue;
        }
        at = end + 1;
        f->range = f->range * RANGE_GROWTH < f->cfg.range_most ? f->range * RANGE_GROWTH : f->cfg.range_most;
        if (f->cfg.hooks.progress)
            f->cfg.hooks.progress(f->cfg.hooks.ctx, "catching up", end - first + 1, last - first + 1);
    }
    return 0;
}
