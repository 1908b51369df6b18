// SPDX-License-Identifier: Apache-2.0
// Rings, thread and nodes of the gateway. The thread looks at the ring of orders between all pieces of its
// other work, each of a few microseconds, so that an order never waits for a round of questions to nodes.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "exec/evm/gateway_evm_inside.h"
#include "exec/evm/port_rpc.h"

enum {
    WAIT_STEP_NS = 20000,
    REST_NS = 50000,
    SINGLE_BYTES = 2048,
    BATCH_BYTES = 24576,
    ORDERS_DEFAULT = 256
};
#define ROUND_NS   UINT64_C(500000) // between rounds of a thread that sleeps
#define PUBLISH_NS UINT64_C(1000000)
#define EXPIRES_NS UINT64_C(600000000000)

static struct evm_gateway *of(struct gateway *g)
{
    return (struct evm_gateway *)g;
}

// ---- hot thread

static struct handed *hand_over(struct evm_gateway *g, enum handed_kind kind, const struct order_key *k)
{
    struct handed *h = spsc_reserve(&g->in);
    if (!h)
        return NULL;
    h->kind = kind;
    h->key = *k;
    h->n_bytes = 0;
    h->at_ns = g->ground.clock(); // vDSO, no system call
    return h;
}

static void fill(struct evm_gateway *g, struct handed *h, const struct gateway_order *o)
{
    h->lsn = o->lsn;
    h->terms = o->terms;
    h->n_bytes = o->n_bytes;
    memcpy(h->bytes, o->bytes, o->n_bytes);
    spsc_commit(&g->in);
}

static int evm_submit(struct gateway *base, const struct gateway_order *o)
{
    struct evm_gateway *g = of(base);
    struct handed *h = g->outstanding < GATEWAY_OUTSTANDING_MAX ? hand_over(g, HANDED_ORDER, &o->key) : NULL;
    if (!h)
        return -1;
    fill(g, h, o);
    g->outstanding++;
    // A single writer: the store is atomic only for readers of the counters on other threads.
    __atomic_store_n(&g->submitted, g->submitted + 1, __ATOMIC_RELAXED);
    return 0;
}

static void evm_offer(struct gateway *base, const struct gateway_order *o)
{
    struct evm_gateway *g = of(base);
    struct handed *h = spsc_count(&g->in) < OFFERS_ROOM ? hand_over(g, HANDED_OFFER, &o->key) : NULL;
    if (h)
        fill(g, h, o);
}

// One that finds no room costs a place until it expires.
static void evm_drop(struct gateway *base, const struct order_key *k)
{
    struct evm_gateway *g = of(base);
    if (spsc_count(&g->in) < OFFERS_ROOM && hand_over(g, HANDED_DROP, k))
        spsc_commit(&g->in);
}

static int evm_poll(struct gateway *base, struct order_reply *out)
{
    struct evm_gateway *g = of(base);
    const struct said *s = spsc_peek(&g->out);
    if (!s)
        return 0;
    out->key = s->key;
    out->status = s->status;
    memcpy(out->reason, s->reason, sizeof out->reason);
    out->has_account = false;
    out->market = NULL;
    out->mined = s->mined;
    out->input.type = 0;
    out->input.data = NULL;
    out->input.n = 0;
    out->sent_after_ns = s->sent_after_ns;
    out->waited = s->waited;
    g->outstanding = s->more < 0 ? g->outstanding - 1 : g->outstanding + (size_t)s->more;
    spsc_release(&g->out);
    return 1;
}

static int evm_wait(struct gateway *base, int timeout_ms)
{
    struct evm_gateway *g = of(base);
    uint64_t deadline = clock_system_ns() + (uint64_t)timeout_ms * 1000000;
    for (;;) {
        if (spsc_peek(&g->out))
            return 1;
        if (g->outstanding == 0)
            return 0;
        if (clock_system_ns() >= deadline)
            return -1;
        (void)nanosleep(&(struct timespec){0, WAIT_STEP_NS}, NULL);
    }
}

void gateway_evm_applied(struct gateway *g, uint64_t block)
{
    __atomic_store_n(&of(g)->applied, block, __ATOMIC_RELEASE);
}

size_t gateway_evm_open_flights(const struct gateway *g)
{
    return __atomic_load_n(&((const struct evm_gateway *)g)->open_flights, __ATOMIC_ACQUIRE);
}

bool gateway_evm_earlier(const struct gateway *base, const struct order_key *k)
{
    const struct evm_gateway *g = (const struct evm_gateway *)base;
    for (size_t i = 0; i < g->n_earlier; i++)
        if (order_key_cmp(&g->earlier[i], k) == 0)
            return true;
    return g->earlier_unknown;
}

bool gateway_evm_failed(const struct gateway *g, struct err *e)
{
    return txlog_failed(((const struct evm_gateway *)g)->log, e);
}

// ---- counters

static void evm_counters(const struct gateway *base, struct gateway_counters *out)
{
    struct evm_gateway *g = (struct evm_gateway *)(uintptr_t)base; // for its lock
    (void)pthread_mutex_lock(&g->copying);
    *out = g->g_copy;
    (void)pthread_mutex_unlock(&g->copying);
    out->submitted = __atomic_load_n(&g->submitted, __ATOMIC_RELAXED);
}

void gateway_evm_counters(const struct gateway *base, struct gateway_evm_counters *out)
{
    struct evm_gateway *g = (struct evm_gateway *)(uintptr_t)base;
    (void)pthread_mutex_lock(&g->copying);
    *out = g->copy;
    (void)pthread_mutex_unlock(&g->copying);
}

// The gateway's thread never waits for a reader: the next time will do.
static void publish(struct evm_gateway *g)
{
    if (pthread_mutex_trylock(&g->copying))
        return;
    g->published_ns = g->now;
    g->n.sender = *sender_counters(g->sender);
    if (g->relay)
        g->n.relay = *relay_counters(g->relay);
    g->n.flights = sender_flights(g->sender);
    g->n.nodes_usable = g->ground.usable(g->ground.ctx, g->now);
    g->g.resent = g->n.sender.resent;
    g->copy = g->n;
    g->g_copy = g->g;
    (void)pthread_mutex_unlock(&g->copying);
}

// ---- the thread

static bool allow(void *ctx, const struct order_key *key, bool again, uint64_t now_ns)
{
    const struct evm_gateway *g = ctx;
    (void)key, (void)again, (void)now_ns;
    return !g->c.killed || !g->c.killed(g->c.killed_ctx);
}

static void look_at_head(struct evm_gateway *g)
{
    uint64_t number;
    u128 base;
    if (!g->ground.head(g->ground.ctx, g->now, &number, &base) || (number == g->head && base == g->base_fee))
        return;
    g->head = number;
    g->base_fee = base;
    sender_head(g->sender, number, base, g->now);
}

// Whether a round of the background is done.
static bool piece(struct evm_gateway *g)
{
    look_at_head(g);
    bool done = sender_piece(g->sender, g->now);
    replies_take(g);
    if (!done)
        return false;
    if (g->relay)
        relay_step(g->relay, g->now);
    replies_tell(g);
    if (g->now - g->published_ns >= PUBLISH_NS)
        publish(g);
    return true;
}

static bool orders(struct evm_gateway *g)
{
    g->now = g->ground.clock();
    bool any = orders_take(g);
    orders_send(g);
    return any;
}

void gateway_evm_turn(struct gateway *base)
{
    struct evm_gateway *g = of(base);
    (void)orders(g);
    while (!piece(g)) {
    }
    publish(g);
}

static void *run(void *arg)
{
    struct evm_gateway *g = arg;
    bool under_way = false; // a round
    (void)prctl(PR_SET_NAME, "gateway");
    (void)prctl(PR_SET_TIMERSLACK, 1000);
    while (!__atomic_load_n(&g->stop, __ATOMIC_ACQUIRE)) {
        bool any = orders(g);
        if (under_way || g->c.spin || any || g->n_waiting || g->now - g->round_ns >= ROUND_NS) {
            under_way = !piece(g);
            g->round_ns = g->now;
        } else {
            (void)nanosleep(&(struct timespec){0, REST_NS}, NULL);
        }
    }
    return NULL;
}

// ---- the ground of real nodes

struct real {
    struct nodes *nodes;
    struct port_rpc *port;
    bool changed;
};

static bool real_head(void *ctx, uint64_t now, uint64_t *number, u128 *base_fee)
{
    struct real *r = ctx;
    struct nodes_event ev;
    struct node_state st;
    if (nodes_poll(r->nodes, now, &ev)) {
        r->changed = true;
        return false;
    }
    int best = r->changed ? nodes_best(r->nodes, now) : -1;
    if (best < 0)
        return false;
    r->changed = false;
    nodes_state(r->nodes, (size_t)best, now, &st);
    *number = st.head.number;
    *base_fee = st.head.base_fee;
    return st.has_head;
}

static size_t real_usable(void *ctx, uint64_t now)
{
    const struct real *r = ctx;
    size_t n = 0;
    for (size_t i = 0; i < nodes_count(r->nodes); i++)
        n += nodes_usable(r->nodes, i, now);
    return n;
}

static void real_close(void *ctx)
{
    struct real *r = ctx;
    port_rpc_free(r->port);
    nodes_free(r->nodes);
    free(r);
}

static int real_open(const struct gateway_evm_config *c, struct evm_ground *out, struct err *e)
{
    struct real *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, "gateway: out of memory");
    const struct nodes_config n = {
        .node = c->node, .n = c->n_nodes, .chain_id = c->chain_id, .stall_ns = c->stall_ns};
    if (!(r->nodes = nodes_new(&n, e)) || !(r->port = port_rpc_new(c->node, c->n_nodes, r->nodes, e))) {
        real_close(r);
        return -1;
    }
    *out = (struct evm_ground){.port = port_rpc_port(r->port),
                               .ctx = r,
                               .head = real_head,
                               .usable = real_usable,
                               .close = real_close,
                               .clock = clock_stream_ns};
    return 0;
}

// ---- open, close

static void fill_in(struct evm_gateway *g, const struct gateway_evm_config *c)
{
    struct gateway_evm_config *d = &g->c;
    *d = *c;
    d->expires_ns = c->expires_ns ? c->expires_ns : EXPIRES_NS;
    d->max_wait_ms = c->max_wait_ms ? c->max_wait_ms : 1000;
    if (c->n_tips == 0) {
        d->n_tips = 1;
        d->tip_ppm[0] = 1000000;
    }
    g->orders_max = c->sender.orders_max ? c->sender.orders_max : ORDERS_DEFAULT;
    g->bytes_max = c->sender.bytes_max ? c->sender.bytes_max : c->batch ? BATCH_BYTES : SINGLE_BYTES;
}

static int check(const struct gateway_evm_config *c, struct err *e)
{
    if (c->n_tips > SIGNED_TIPS || c->level >= (c->n_tips ? c->n_tips : 1))
        return err_set(e, "gateway: %u tip levels and level %u: at most %d, and one of them", c->n_tips,
                       c->level, SIGNED_TIPS);
    for (unsigned i = 1; i < c->n_tips; i++)
        if (c->tip_ppm[i] < c->tip_ppm[i - 1])
            return err_set(e, "gateway: tip levels must ascend");
    if (c->flags & ~(FLASH_LOAN | FLASH_CHECK_HEALTH | FLASH_PAY_OUT))
        return err_set(e, "gateway: unknown flags %#x of orders", (unsigned)c->flags);
    if (!c->users || !c->token)
        return err_set(e, "gateway: no users or no tokens");
    if (c->private_only && !c->relay)
        return err_set(e, "gateway: private only, but no relay");
    return 0;
}

static int room(struct evm_gateway *g, struct err *e)
{
    g->in_mem = calloc(RING_MAX, sizeof(struct handed));
    g->out_mem = calloc(RING_MAX, sizeof(struct said));
    g->entry = calloc(ENTRIES_MAX, sizeof *g->entry);
    g->active = calloc(ENTRIES_MAX, sizeof *g->active);
    g->free_entry = calloc(ENTRIES_MAX, sizeof *g->free_entry);
    g->waiting = calloc(GATEWAY_OUTSTANDING_MAX, sizeof *g->waiting);
    g->going = calloc(GATEWAY_OUTSTANDING_MAX, sizeof *g->going);
    g->work = calloc(GATEWAY_OUTSTANDING_MAX, sizeof *g->work);
    g->free_work = calloc(GATEWAY_OUTSTANDING_MAX, sizeof *g->free_work);
    g->offered = calloc(g->orders_max, sizeof *g->offered);
    g->names = calloc(g->orders_max, sizeof *g->names);
    g->data = malloc(g->bytes_max);
    if (!g->in_mem || !g->out_mem || !g->entry || !g->active || !g->free_entry || !g->waiting || !g->going ||
        !g->work || !g->free_work || !g->offered || !g->names || !g->data)
        return err_set(e, "gateway: out of memory");
    spsc_init(&g->in, g->in_mem, sizeof(struct handed), RING_MAX);
    spsc_init(&g->out, g->out_mem, sizeof(struct said), RING_MAX);
    for (unsigned i = 0; i < ENTRIES_MAX; i++)
        g->free_entry[g->n_free++] = (uint16_t)(ENTRIES_MAX - 1 - i);
    for (unsigned i = 0; i < GATEWAY_OUTSTANDING_MAX; i++)
        g->free_work[g->n_free_work++] = (uint16_t)i;
    return 0;
}

static int open_sender(struct evm_gateway *g, struct err *e)
{
    struct sender_config s = g->c.sender;
    s.chain_id = g->c.chain_id;
    s.key = g->c.key;
    s.n_keys = g->c.n_keys;
    s.orders_max = g->orders_max;
    s.bytes_max = g->bytes_max;
    s.private_only = g->c.private_only;
    s.gate = (struct sender_gate){g, allow};
    s.may_end = replies_told;
    s.may_end_ctx = g;
    if (g->c.relay) {
        struct relay_config r = *g->c.relay;
        r.bytes_max = r.bytes_max > g->bytes_max ? r.bytes_max : g->bytes_max;
        if (!(g->relay = relay_new(&r, e)))
            return -1;
        s.relay = relay_for_sender(g->relay);
    }
    if (txlog_open(g->c.txlog, g->c.chain_id, &g->log, e) || replies_recover(g, e))
        return -1;
    g->sender = sender_new(&s, &g->ground.port, g->log, e);
    return g->sender ? 0 : -1;
}

static void evm_close(struct gateway *base)
{
    struct evm_gateway *g = of(base);
    struct err e;
    __atomic_store_n(&g->stop, 1, __ATOMIC_RELEASE);
    if (g->started)
        (void)pthread_join(g->thread, NULL);
    sender_free(g->sender); // retires what is ready
    if (txlog_close(g->log, &e))
        fprintf(stderr, "gateway: %s\n", e.msg);
    relay_free(g->relay);
    if (g->ground.close)
        g->ground.close(g->ground.ctx);
    (void)pthread_mutex_destroy(&g->copying);
    free(g->in_mem);
    free(g->out_mem);
    free(g->earlier);
    free(g->entry);
    free(g->active);
    free(g->free_entry);
    free(g->waiting);
    free(g->going);
    free(g->work);
    free(g->free_work);
    free(g->offered);
    free(g->names);
    free(g->data);
    free(g);
}

static int start_thread(struct evm_gateway *g, struct err *e)
{
    // Signals are the main thread's business.
    sigset_t all, was;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &was);
    g->started = pthread_create(&g->thread, NULL, run, g) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (g->started)
        return 0;
    return err_set(e, "gateway: cannot start its thread; check the limit on processes");
}

struct gateway *gateway_evm_open_on(const struct gateway_evm_config *c, const struct evm_ground *ground,
                                    struct err *e)
{
    static const struct gateway_ops ops = {.submit = evm_submit,
                                           .poll = evm_poll,
                                           .wait = evm_wait,
                                           .counters = evm_counters,
                                           .close = evm_close,
                                           .offer = evm_offer,
                                           .drop = evm_drop};
    if (check(c, e))
        return NULL;
    struct evm_gateway *g = calloc(1, sizeof *g);
    if (!g) {
        (void)err_set(e, "gateway: out of memory");
        return NULL;
    }
    g->base.ops = &ops;
    (void)pthread_mutex_init(&g->copying, NULL);
    fill_in(g, c);
    g->ground = *ground;
    g->ground.close = NULL; // the caller's still
    g->now = ground->clock();
    if (room(g, e) || open_sender(g, e) || (!ground->by_hand && start_thread(g, e))) {
        evm_close(&g->base);
        return NULL;
    }
    g->ground.close = ground->close;
    return &g->base;
}

struct gateway *gateway_evm_open(const struct gateway_evm_config *c, struct err *e)
{
    struct evm_ground ground;
    if (real_open(c, &ground, e))
        return NULL;
    struct gateway *g = gateway_evm_open_on(c, &ground, e);
    if (!g)
        ground.close(ground.ctx);
    return g;
}
