// SPDX-License-Identifier: Apache-2.0
// Gateway to the paper venue. The hot thread owns the outer ends of two rings; everything else belongs to the
// gateway's thread. Sends never wait (the venue may itself be waiting for us to read), receives are drained
// each round, so neither side can block the other.
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "accounts/store.h"
#include "base/spsc.h"
#include "exec/auction.h"
#include "exec/paper/client.h"
#include "exec/paper/market_parts.h"
#include "exec/paper/paper.h"
#include "exec/paper/socket.h"

enum {
    CONNECT_TIMEOUT_MS = 1000,
    BACKOFF_MIN_MS = 1,
    BACKOFF_MAX_MS = 200,
    WAIT_STEP_NS = 20000,
    POLL_DEFAULT_US = 50,
    STATES_WINDOW = 1024, // states without an order, and markets, on their way to the hot thread
    STATES_STEP = 64,     // room is told to the venue in steps
};

enum state {
    WAITING, // for its bytes to be durable, or for its turn
    SENT,
    TO_PEEK, // connection broke: the venue may or may not have it
    PEEKED,
    TO_FENCE, // the venue answered with an error: whatever it holds under the key is the outcome
    FENCED,
};

// An order and when it was handed over (CLOCK_MONOTONIC).
struct handed {
    struct gateway_order o;
    int64_t at_ns;
};

struct entry {
    struct gateway_order o;
    int64_t at_ns;
    uint64_t sent_after_ns; // 0 = not sent yet
    enum state state;
    bool looked, resend;
};

struct paper {
    struct gateway base;
    struct gateway_paper_config cfg;
    char socket[108]; // as long as a socket's address can be
    pthread_t thread;
    int stop; // atomic
    struct spsc in, out;
    // hot thread only
    uint64_t polled; // replies to orders
    bool lent;       // the market has been handed out
    // atomic, written by the hot thread
    uint64_t submitted, states_polled, markets_done;
    unsigned char gap[SPSC_GAP];
    // atomic, written by the gateway's thread
    uint64_t sent, resent, replies, reconnects, waited_durable, expired, errors;
    // gateway's thread only
    uint64_t told;                     // number of the last state received
    uint64_t states, granted;          // pushed, markets too; that the venue may have sent by now
    uint64_t markets, markets_granted; // pushed; granted, at most one more than the hot thread is done with
    struct market_parts parts;         // of the next
    struct market *market;             // the hot thread's from the push until it is done
    struct entry *entry;               // GATEWAY_OUTSTANDING_MAX of them
    uint16_t active[GATEWAY_OUTSTANDING_MAX]; // entries in use, oldest first
    uint16_t free_entry[GATEWAY_OUTSTANDING_MAX];
    unsigned n_active, n_free, n_unsure; // unsure: TO_PEEK, PEEKED, TO_FENCE, FENCED
    int fd;
    bool met, complained;
    uint64_t instance;
    int64_t next_try_ns;
    int backoff_ms;
    uint8_t buf[WIRE_MAX];
    struct wire_msg msg;
    struct order_reply reply;
    void *in_mem, *out_mem;
};
static_assert(offsetof(struct paper, polled) >= offsetof(struct paper, out) + sizeof(struct spsc),
              "behind the ring's own gap");
static_assert(offsetof(struct paper, sent) > offsetof(struct paper, markets_done) + SPSC_GAP,
              "the hot thread counts an order on lines that the gateway's thread does not write");

static struct paper *of(struct gateway *g)
{
    return (struct paper *)g;
}
static bool of_order(uint8_t status)
{
    return status != ORDER_STATE && status != ORDER_MARKET && status != ORDER_INPUT;
}
static void add(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// ---- hot thread

static void paper_warm(const struct gateway *g)
{
    const struct handed *h = spsc_next(&((const struct paper *)g)->in);
    gateway_order_warm(&h->o);
}

static int paper_submit(struct gateway *g, const struct gateway_order *o)
{
    struct paper *p = of(g);
    struct handed *h;
    if (p->submitted - p->polled >= GATEWAY_OUTSTANDING_MAX || !(h = spsc_reserve(&p->in)))
        return -1;
    gateway_order_copy(&h->o, o);
    h->at_ns = now_ns(); // vDSO, no system call
    spsc_commit(&p->in);
    // A single writer: the store is atomic only for readers of the counters on other threads.
    __atomic_store_n(&p->submitted, p->submitted + 1, __ATOMIC_RELAXED);
    return 0;
}

static int paper_poll(struct gateway *g, struct order_reply *out)
{
    struct paper *p = of(g);
    if (p->lent) { // a single writer
        p->lent = false;
        __atomic_store_n(&p->markets_done, p->markets_done + 1, __ATOMIC_RELEASE);
    }
    if (!spsc_pop(&p->out, out))
        return 0;
    p->lent = out->status == ORDER_MARKET;
    out->input.data = out->note; // of an ORDER_INPUT
    if (!of_order(out->status))
        __atomic_store_n(&p->states_polled, p->states_polled + 1, __ATOMIC_RELEASE);
    else
        p->polled++;
    return 1;
}

static int paper_wait(struct gateway *g, int timeout_ms)
{
    struct paper *p = of(g);
    int64_t deadline = now_ns() + (int64_t)timeout_ms * 1000000;
    for (;;) {
        if (spsc_peek(&p->out))
            return 1;
        if (p->submitted == p->polled)
            return 0;
        if (now_ns() >= deadline)
            return -1;
        struct timespec t = {0, WAIT_STEP_NS};
        (void)nanosleep(&t, NULL);
    }
}

static void paper_counters(const struct gateway *g, struct gateway_counters *out)
{
    const struct paper *p = (const struct paper *)g;
    out->submitted = __atomic_load_n(&p->submitted, __ATOMIC_RELAXED);
    out->sent = __atomic_load_n(&p->sent, __ATOMIC_RELAXED);
    out->resent = __atomic_load_n(&p->resent, __ATOMIC_RELAXED);
    out->replies = __atomic_load_n(&p->replies, __ATOMIC_RELAXED);
    out->reconnects = __atomic_load_n(&p->reconnects, __ATOMIC_RELAXED);
    out->waited_durable = __atomic_load_n(&p->waited_durable, __ATOMIC_RELAXED);
    out->expired = __atomic_load_n(&p->expired, __ATOMIC_RELAXED);
    out->errors = __atomic_load_n(&p->errors, __ATOMIC_RELAXED);
}

// ---- gateway's thread: entries

static void set_state(struct paper *p, struct entry *e, enum state s)
{
    p->n_unsure -= e->state >= TO_PEEK;
    p->n_unsure += s >= TO_PEEK;
    e->state = s;
}

static bool pull(struct paper *p)
{
    bool any = false;
    const struct handed *h;
    while (p->n_free && (h = spsc_peek(&p->in))) {
        uint16_t i = p->free_entry[--p->n_free];
        struct entry *e = &p->entry[i];
        gateway_order_copy(&e->o, &h->o);
        e->at_ns = h->at_ns;
        e->sent_after_ns = 0;
        spsc_release(&p->in);
        e->state = WAITING;
        e->looked = e->resend = false;
        p->active[p->n_active++] = i;
        any = true;
    }
    return any;
}

static struct entry *find(struct paper *p, const struct order_key *k, unsigned *at)
{
    for (unsigned i = 0; i < p->n_active; i++) {
        struct entry *e = &p->entry[p->active[i]];
        if (order_key_cmp(&e->o.key, k) == 0) {
            *at = i;
            return e;
        }
    }
    return NULL;
}

static void finish(struct paper *p, unsigned at)
{
    uint16_t i = p->active[at];
    set_state(p, &p->entry[i], WAITING);
    memmove(&p->active[at], &p->active[at + 1], (p->n_active - at - 1) * sizeof p->active[0]);
    p->n_active--;
    p->free_entry[p->n_free++] = i;
}

// ---- gateway's thread: connection

static void disconnect(struct paper *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    p->next_try_ns = now_ns() + (int64_t)p->backoff_ms * 1000000;
    p->backoff_ms = p->backoff_ms * 2 < BACKOFF_MAX_MS ? p->backoff_ms * 2 : BACKOFF_MAX_MS;
    for (unsigned i = 0; i < p->n_active; i++) {
        struct entry *e = &p->entry[p->active[i]];
        if (e->state == SENT || e->state == PEEKED)
            set_state(p, e, TO_PEEK);
        else if (e->state == FENCED)
            set_state(p, e, TO_FENCE);
    }
}

static bool connect_now(struct paper *p)
{
    struct wire_welcome w;
    if (now_ns() < p->next_try_ns)
        return false;
    p->fd = client_connect(p->socket, CONNECT_TIMEOUT_MS, &w, NULL);
    if (p->fd < 0) {
        disconnect(p);
        return false;
    }
    if (p->met && w.instance != p->instance) {
        // Its books know nothing of our orders: sending them again there could make a second effect.
        add(&p->errors);
        if (!p->complained)
            fprintf(stderr, "gateway: the venue at %s has another state than before; nothing is sent to it\n",
                    p->socket);
        p->complained = true;
        p->backoff_ms = BACKOFF_MAX_MS;
        disconnect(p);
        return false;
    }
    if (p->met)
        add(&p->reconnects);
    p->met = true;
    p->instance = w.instance;
    p->granted = 0; // of the new connection nothing yet
    p->markets_granted = p->markets;
    return true;
}

// ---- gateway's thread: sending. Each returns false when the connection is gone.

static bool send_lookups(struct paper *p, enum state from, enum state to, uint8_t mode)
{
    struct order_key key[WIRE_KEYS_MAX];
    unsigned i = 0;
    for (;;) {
        unsigned n = 0, at[WIRE_KEYS_MAX];
        for (; i < p->n_active && n < WIRE_KEYS_MAX; i++) {
            struct entry *e = &p->entry[p->active[i]];
            if (e->state == from) {
                at[n] = p->active[i];
                key[n++] = e->o.key;
            }
        }
        if (n == 0)
            return true;
        int rc = socket_try_send(p->fd, p->buf, wire_put_lookup(mode, key, n, p->buf, sizeof p->buf));
        if (rc <= 0)
            return rc == 0;
        for (unsigned k = 0; k < n; k++)
            set_state(p, &p->entry[at[k]], to);
    }
}

// P5: what could not leave for too long (a slow disk, a venue that was away) rests on prices of then. An
// order that was never sent ends here; one that may have been is fenced, so that it has no effect any more.
static bool out_of_date(const struct paper *p, const struct entry *e)
{
    return p->cfg.max_wait_ms && now_ns() - e->at_ns > (int64_t)p->cfg.max_wait_ms * 1000000;
}

static void push_reply(struct paper *p)
{
    if (of_order(p->reply.status))
        add(&p->replies);
    // Never full: at most GATEWAY_OUTSTANDING_MAX are between submit and poll, and STATES_WINDOW states.
    bool pushed = spsc_push(&p->out, &p->reply);
    assert(pushed);
    (void)pushed;
}

static void drop_unsent(struct paper *p, unsigned at)
{
    memset(&p->reply, 0, sizeof p->reply);
    p->reply.key = p->entry[p->active[at]].o.key;
    p->reply.status = ORDER_REFUSED;
    (void)snprintf(p->reply.reason, sizeof p->reply.reason, "not sent: it waited for more than %u ms",
                   p->cfg.max_wait_ms);
    finish(p, at);
    add(&p->expired);
    push_reply(p);
}

static bool send_orders(struct paper *p)
{
    if (p->n_unsure)
        return true; // outcomes of a broken connection first
    uint64_t durable = p->cfg.durable ? p->cfg.durable(p->cfg.durable_ctx) : UINT64_MAX;
    for (unsigned i = 0; i < p->n_active; i++) {
        struct entry *e = &p->entry[p->active[i]];
        if (e->state != WAITING)
            continue;
        if (e->o.lsn > durable) {
            if (!e->looked)
                add(&p->waited_durable);
            e->looked = true;
            if (p->cfg.in_order)
                return true;
            continue;
        }
        if (out_of_date(p, e)) {
            if (e->resend)
                set_state(p, e, TO_FENCE);
            else
                drop_unsent(p, i--);
            continue;
        }
        int rc = socket_try_send(p->fd, p->buf, wire_put_order(&e->o, p->buf, sizeof p->buf));
        if (rc <= 0)
            return rc == 0;
        add(e->resend ? &p->resent : &p->sent);
        // In order, an order waits for those before it: that would be no measure of anything.
        if (!e->sent_after_ns && !p->cfg.in_order)
            e->sent_after_ns = (uint64_t)(now_ns() - e->at_ns);
        set_state(p, e, SENT);
    }
    return true;
}

// States without an order: the venue sends no more of them than the ring has room for, and no second market
// while the hot thread has one. False when the connection is gone.
static bool ask_for_states(struct paper *p)
{
    uint64_t polled = __atomic_load_n(&p->states_polled, __ATOMIC_ACQUIRE), target = polled + STATES_WINDOW;
    uint64_t granted = p->granted ? p->granted : p->states;
    bool market =
        p->markets_granted == p->markets && __atomic_load_n(&p->markets_done, __ATOMIC_ACQUIRE) == p->markets;
    if (p->granted && !market && target - granted < STATES_STEP && (target == granted || polled != p->states))
        return true;
    size_t n = wire_put_watch(p->told, (uint32_t)(target - granted), market, p->buf, sizeof p->buf);
    int rc = socket_try_send(p->fd, p->buf, n);
    if (rc > 0) {
        p->granted = target;
        p->markets_granted += market;
    }
    return rc >= 0;
}

// ---- gateway's thread: receiving

static void on_reply(struct paper *p)
{
    unsigned at;
    if (reply_decode(p->msg.u.reply.p, p->msg.u.reply.len, &p->reply) || p->reply.status == ORDER_STATE ||
        !find(p, &p->reply.key, &at)) {
        add(&p->errors);
        return;
    }
    p->reply.sent_after_ns = p->entry[p->active[at]].sent_after_ns;
    p->reply.waited = p->entry[p->active[at]].looked;
    finish(p, at);
    p->backoff_ms = BACKOFF_MIN_MS;
    push_reply(p);
}

static bool on_told(struct paper *p)
{
    bool auction = p->msg.type == WIRE_AUCTION, bad = p->states >= p->granted;
    if (auction)
        auction_input(p->msg.u.auction.p, p->msg.u.auction.len, &p->reply);
    else
        bad |= reply_decode(p->msg.u.told.p, p->msg.u.told.len, &p->reply) || p->reply.status != ORDER_STATE;
    if (bad) {
        add(&p->errors);
        return false;
    }
    p->told = auction ? p->told : p->msg.u.told.seq;
    p->states++;
    push_reply(p);
    return true;
}

// False when the venue did not keep to what it was granted, or sent nonsense.
static bool on_part(struct paper *p)
{
    int rc = p->markets < p->markets_granted && p->states < p->granted
                 ? market_parts_take(&p->parts, &p->msg.u.part)
                 : -1;
    if (rc == 0)
        return true;
    if (rc < 0 || market_decode(p->parts.bytes, p->parts.total, p->market) != p->parts.total) {
        add(&p->errors);
        return false;
    }
    memset(&p->reply, 0, offsetof(struct order_reply, account));
    p->reply.status = ORDER_MARKET;
    p->reply.market = p->market;
    p->reply.sent_after_ns = 0;
    p->told = p->parts.seq;
    p->states++;
    p->markets++;
    push_reply(p);
    return true;
}

// False when the connection is of no more use.
static bool on_packet(struct paper *p)
{
    unsigned at;
    struct entry *e;
    switch (p->msg.type) {
    case WIRE_REPLY:
        on_reply(p);
        return true;
    case WIRE_TOLD:
    case WIRE_AUCTION:
        return on_told(p);
    case WIRE_MARKET_PART:
        return on_part(p);
    case WIRE_ABSENT:
        e = find(p, &p->msg.u.absent, &at);
        if (!e || e->state != PEEKED) {
            add(&p->errors);
            return true;
        }
        e->resend = true;
        set_state(p, e, WAITING);
        return true;
    case WIRE_ERROR:
        add(&p->errors);
        e = find(p, &p->msg.u.error.key, &at);
        if (!e)
            return false;
        set_state(p, e, TO_FENCE);
        return true;
    default:
        add(&p->errors);
        return false;
    }
}

static bool receive_all(struct paper *p, bool *any)
{
    for (;;) {
        int rc = client_receive(p->fd, 0, p->buf, &p->msg);
        if (rc == 0)
            return true;
        if (rc < 0 || !on_packet(p))
            return false;
        *any = true;
    }
}

static void rest(struct paper *p)
{
    if (p->cfg.spin && p->fd >= 0)
        return;
    long ns = (long)(p->cfg.poll_us ? p->cfg.poll_us : POLL_DEFAULT_US) * 1000;
    struct timespec t = {ns / 1000000000L, ns % 1000000000L};
    struct pollfd f = {p->fd, POLLIN, 0};
    (void)ppoll(&f, p->fd >= 0 ? 1 : 0, &t, NULL); // a reply ends the rest at once
}

static void *run(void *arg)
{
    struct paper *p = arg;
    (void)prctl(PR_SET_NAME, "gateway");
    (void)prctl(PR_SET_TIMERSLACK, 1000);
    while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
        bool busy = pull(p);
        if (p->fd < 0)
            busy |= connect_now(p);
        if (p->fd >= 0 &&
            (!send_lookups(p, TO_PEEK, PEEKED, WIRE_PEEK) || !send_lookups(p, TO_FENCE, FENCED, WIRE_FENCE) ||
             !send_orders(p) || !ask_for_states(p) || !receive_all(p, &busy)))
            disconnect(p);
        if (!busy)
            rest(p);
    }
    if (p->fd >= 0)
        close(p->fd);
    return NULL;
}

// ---- open, close

static void release(struct paper *p)
{
    free(p->entry);
    free(p->market);
    market_parts_free(&p->parts);
    free(p->in_mem);
    free(p->out_mem);
    free(p);
}

static void paper_close(struct gateway *g)
{
    struct paper *p = of(g);
    __atomic_store_n(&p->stop, 1, __ATOMIC_RELEASE);
    (void)pthread_join(p->thread, NULL);
    release(p);
}

static int start_thread(struct paper *p)
{
    // Signals are the main thread's business.
    sigset_t all, was;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &was);
    int rc = pthread_create(&p->thread, NULL, run, p);
    (void)pthread_sigmask(SIG_SETMASK, &was, NULL);
    return rc;
}

struct gateway *gateway_paper_open(const struct gateway_paper_config *c, struct err *e)
{
    static const struct gateway_ops ops = {.submit = paper_submit,
                                           .warm = paper_warm,
                                           .poll = paper_poll,
                                           .wait = paper_wait,
                                           .counters = paper_counters,
                                           .close = paper_close};
    struct paper *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(e, "gateway: out of memory");
        return NULL;
    }
    p->base.ops = &ops;
    p->cfg = *c;
    p->fd = -1;
    p->told = c->told_from;
    p->backoff_ms = BACKOFF_MIN_MS;
    p->entry = calloc(GATEWAY_OUTSTANDING_MAX, sizeof *p->entry);
    p->market = calloc(1, sizeof *p->market);
    p->in_mem = calloc(GATEWAY_OUTSTANDING_MAX, sizeof(struct handed));
    p->out_mem = calloc(GATEWAY_OUTSTANDING_MAX + STATES_WINDOW, sizeof(struct order_reply));
    if (!p->entry || !p->market || !p->in_mem || !p->out_mem || strlen(c->socket) >= sizeof p->socket) {
        err_set(e, "gateway: socket path %s too long (107 characters) or out of memory", c->socket);
        release(p);
        return NULL;
    }
    memcpy(p->socket, c->socket, strlen(c->socket) + 1);
    spsc_init(&p->in, p->in_mem, sizeof(struct handed), GATEWAY_OUTSTANDING_MAX);
    static_assert(
        ((GATEWAY_OUTSTANDING_MAX + STATES_WINDOW) & (GATEWAY_OUTSTANDING_MAX + STATES_WINDOW - 1)) == 0,
        "a ring's size");
    spsc_init(&p->out, p->out_mem, sizeof(struct order_reply), GATEWAY_OUTSTANDING_MAX + STATES_WINDOW);
    for (unsigned i = 0; i < GATEWAY_OUTSTANDING_MAX; i++)
        p->free_entry[p->n_free++] = (uint16_t)(GATEWAY_OUTSTANDING_MAX - 1 - i);
    if (start_thread(p)) {
        err_set(e, "gateway: cannot start its thread; check the limit on processes");
        release(p);
        return NULL;
    }
    return &p->base;
}
