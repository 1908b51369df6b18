// SPDX-License-Identifier: Apache-2.0
#include "bench/sink.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "accounts/book.h"
#include "base/clock.h"
#include "base/spsc.h"
#include "bench/load_t0.h"
#include "exec/paper/venue_books.h"

enum { TEND_NS = 250000000, SLEEP_NS = 50000, WAIT_STEP_NS = 20000, LOOK_EVERY = 1024 };

struct handed {
    struct gateway_order o;
    uint64_t ticks; // when it was handed over
    bool measured;
};

struct hit {
    uint32_t id; // low bits
    uint32_t orders;
    size_t frame;
};

struct sink {
    struct gateway base;
    struct sink_config cfg;
    pthread_t thread;
    bool stopped;
    int stop; // atomic
    struct spsc in, out;
    void *in_mem, *out_mem;
    // hot thread
    uint64_t submitted, polled; // submitted: atomic, for counters on other threads
    bool measuring;
    uint64_t most;     // replies that can be polled
    bool taken, given; // giving back: an order waits for that; its reply can be polled
    struct order_key taken_key;
    struct account before, after; // scratch
    struct settlement settlement;
    int64_t px[MARKET_ASSETS_MAX];
    // gateway's thread
    uint64_t through; // atomic: orders seen and durable
    uint64_t waited, strays;
    struct handed *kept; // GATEWAY_OUTSTANDING_MAX, those that wait for the disk, oldest first
    uint64_t kept_head, kept_tail;
    struct hist handed;
    struct hit *hit; // by id, then by frame
    size_t n_hits;
};

static struct sink *of(struct gateway *g)
{
    return (struct sink *)g;
}

static void nap(long ns)
{
    struct timespec t = {0, ns};
    (void)nanosleep(&t, NULL);
}

// ---- hot thread

static int sink_submit(struct gateway *g, const struct gateway_order *o)
{
    struct sink *s = of(g);
    struct handed *h;
    if (s->submitted - s->polled >= GATEWAY_OUTSTANDING_MAX || !(h = spsc_reserve(&s->in)))
        return -1;
    gateway_order_copy(&h->o, o);
    h->measured = s->measuring;
    h->ticks = clock_ticks();
    spsc_commit(&s->in);
    __atomic_store_n(&s->submitted, s->submitted + 1, __ATOMIC_RELAXED); // a single writer
    if (s->cfg.give_back) {
        s->taken = true;
        s->taken_key = o->key;
    }
    return 0;
}

static void sink_warm(const struct gateway *g)
{
    const struct handed *h = spsc_next(&((const struct sink *)g)->in);
    gateway_order_warm(&h->o);
    __builtin_prefetch(&h->ticks, 1);
}

static void begin_reply(struct order_reply *r, const struct order_key *k, uint8_t status)
{
    memset(r, 0, offsetof(struct order_reply, account));
    r->key = *k;
    r->status = status;
    r->market = NULL;
    memset(&r->mined, 0, sizeof r->mined);
    memset(&r->input, 0, sizeof r->input);
    r->sent_after_ns = 0;
    r->waited = false;
}

static void fill(struct order_reply *r, const struct account *a, const char *how)
{
    r->status = ORDER_FILLED;
    r->has_account = true;
    account_copy(&r->account, a);
    (void)memcpy(r->reason, how, strlen(how));
}

// The account as it was, so that it can be hit again.
static void answer_given(struct sink *s, struct order_reply *r)
{
    size_t i = book_find(s->cfg.book, s->taken_key.account);
    begin_reply(r, &s->taken_key, ORDER_REFUSED);
    s->given = false;
    if (i == SIZE_MAX)
        return;
    account_copy(&s->after, book_account(s->cfg.book, i, &s->before));
    s->after.epoch = s->taken_key.epoch + 1;
    fill(r, &s->after, "given back");
}

static void answer_settled(struct sink *s, const struct gateway_order *o, struct order_reply *r)
{
    struct order order;
    struct err why;
    struct wire_order w = {
        .second = o->second, .n_marks = o->n_marks, .bytes = o->bytes, .n_bytes = o->n_bytes};
    const struct market *m = &s->cfg.book->market;
    size_t i = book_find(s->cfg.book, o->key.account);
    memcpy(w.mark, o->mark, sizeof w.mark);
    begin_reply(r, &o->key, ORDER_REFUSED);
    if (i == SIZE_MAX || order_decode(o->bytes, o->n_bytes, &order) != 0)
        return;
    const struct account *a = book_account(s->cfg.book, i, &s->before);
    books_marks(m, a, &w, s->px);
    if (books_settle(m, a, s->px, &order, &s->after, &s->settlement, &why) == 0)
        fill(r, &s->after, order.full ? "full" : "partial");
    else
        (void)snprintf(r->reason, sizeof r->reason, "%.*s", REASON_LEN - 1, why.msg);
}

static int sink_poll(struct gateway *g, struct order_reply *out)
{
    struct sink *s = of(g);
    if (s->cfg.give_back) {
        if (!s->given)
            return 0;
        answer_given(s, out);
    } else {
        const struct gateway_order *o = spsc_peek(&s->out);
        if (!o || s->polled >= s->most)
            return 0;
        answer_settled(s, o, out);
        spsc_release(&s->out);
    }
    s->polled++;
    return 1;
}

static int sink_wait(struct gateway *g, int timeout_ms)
{
    struct sink *s = of(g);
    uint64_t deadline = clock_stream_ns() + (uint64_t)timeout_ms * 1000000u;
    for (;;) {
        if (s->cfg.give_back ? s->given : spsc_peek(&s->out) != NULL)
            return 1;
        if (s->cfg.give_back || s->submitted == s->polled)
            return 0; // nothing more comes unless a message is played
        if (clock_stream_ns() >= deadline)
            return -1;
        nap(WAIT_STEP_NS);
    }
}

static void sink_counters(const struct gateway *g, struct gateway_counters *out)
{
    const struct sink *s = (const struct sink *)g;
    *out = (struct gateway_counters){.submitted = __atomic_load_n(&s->submitted, __ATOMIC_RELAXED),
                                     .replies = s->polled};
}

static void close_gateway(struct gateway *g)
{
    sink_close(of(g));
}

// ---- gateway's thread

static int by_id(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static size_t first_of(const struct sink *s, uint32_t id)
{
    size_t lo = 0, hi = s->n_hits;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->hit[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

// Hits may share their low bits: their orders come in the hits' order.
static void match(struct sink *s, const struct gateway_order *o)
{
    if (!s->cfg.load)
        return;
    const int64_t price = o->n_marks ? o->mark[0].price : 0;
    const uint32_t id = t0_id_of(price);
    size_t i = first_of(s, id);
    // Another account's, or at a price that no hit has, though its low digits may be a hit's.
    if (o->key.account != T0_ACCOUNT || price != t0_price(T0_STEP - T0_FALL, id) || i == s->n_hits ||
        s->hit[i].id != id) {
        s->strays++;
        return;
    }
    while (s->hit[i].orders && i + 1 < s->n_hits && s->hit[i + 1].id == id)
        i++;
    s->hit[i].orders++;
}

static uint64_t durable(const struct sink *s)
{
    return s->cfg.durable ? s->cfg.durable(s->cfg.durable_ctx) : UINT64_MAX;
}

// Where a venue's gateway would send it.
static void let_go(struct sink *s, const struct gateway_order *o)
{
    match(s, o);
    if (!s->cfg.give_back) {
        bool pushed = spsc_push(&s->out, o); // never full: at most as many as are submitted and not polled
        (void)pushed;
    }
    __atomic_store_n(&s->through, s->through + 1, __ATOMIC_RELEASE);
}

// Every order seen passes here, so that they leave in the order of their hand-over.
static void let_go_durable(struct sink *s)
{
    uint64_t upto = s->kept_head != s->kept_tail ? durable(s) : 0;
    for (; s->kept_tail != s->kept_head; s->kept_tail++) {
        const struct handed *h = &s->kept[s->kept_tail % GATEWAY_OUTSTANDING_MAX];
        if (h->o.lsn > upto)
            return;
        let_go(s, &h->o);
    }
}

static bool see(struct sink *s)
{
    const struct handed *h = spsc_peek(&s->in);
    uint64_t now = clock_ticks();
    if (!h || s->kept_head - s->kept_tail == GATEWAY_OUTSTANDING_MAX)
        return false;
    if (h->measured)
        hist_record(&s->handed, now > h->ticks ? clock_ns(now - h->ticks) : 0);
    s->waited += h->measured && h->o.lsn > durable(s);
    s->kept[s->kept_head++ % GATEWAY_OUTSTANDING_MAX] = *h;
    spsc_release(&s->in);
    return true;
}

static void *work(void *arg)
{
    struct sink *s = arg;
    uint64_t tended = clock_stream_ns();
    for (unsigned looks = 0;; looks++) {
        bool last = __atomic_load_n(&s->stop, __ATOMIC_ACQUIRE); // before the ring is looked at
        bool seen = see(s);
        let_go_durable(s);
        if (seen)
            continue;
        if (last)
            break;
        if (s->cfg.tend && (!s->cfg.spin || looks % LOOK_EVERY == 0) &&
            clock_stream_ns() - tended >= TEND_NS) {
            tended = clock_stream_ns();
            s->cfg.tend(s->cfg.tend_ctx);
        }
        if (s->cfg.spin)
            __builtin_ia32_pause();
        else
            nap(SLEEP_NS);
    }
    return NULL;
}

// ---- life

static int list_hits(struct sink *s, struct err *e)
{
    const struct load *l = s->cfg.load;
    if (!l)
        return 0;
    s->hit = calloc(l->hits + 1, sizeof *s->hit);
    if (!s->hit)
        return err_set(e, "out of memory for the load's hits");
    for (size_t i = 0; i < l->n; i++)
        if (l->frame[i].hit)
            s->hit[s->n_hits++] =
                (struct hit){.id = (uint32_t)l->frame[i].id & ((1u << T0_ID_BITS) - 1), .frame = i};
    qsort(s->hit, s->n_hits, sizeof *s->hit, by_id);
    return 0;
}

static void release(struct sink *s)
{
    free(s->in_mem);
    free(s->out_mem);
    free(s->kept);
    free(s->hit);
    free(s);
}

// Memory for a ring, its pages there before anything is measured.
static void *touched(size_t each)
{
    void *p = malloc(GATEWAY_OUTSTANDING_MAX * each);
    if (p)
        memset(p, 0xff, GATEWAY_OUTSTANDING_MAX * each); // a zero would be left to the kernel again
    return p;
}

struct sink *sink_open(const struct sink_config *c, struct err *e)
{
    static const struct gateway_ops ops = {.submit = sink_submit,
                                           .warm = sink_warm,
                                           .poll = sink_poll,
                                           .wait = sink_wait,
                                           .counters = sink_counters,
                                           .close = close_gateway};
    struct sink *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, "out of memory for a gateway");
        return NULL;
    }
    s->base.ops = &ops;
    s->cfg = *c;
    s->most = UINT64_MAX;
    s->in_mem = touched(sizeof(struct handed));
    s->out_mem = touched(sizeof(struct gateway_order));
    s->kept = touched(sizeof *s->kept);
    hist_init(&s->handed);
    if (!s->in_mem || !s->out_mem || !s->kept) {
        err_set(e, "out of memory for a gateway");
        release(s);
        return NULL;
    }
    spsc_init(&s->in, s->in_mem, sizeof(struct handed), GATEWAY_OUTSTANDING_MAX);
    spsc_init(&s->out, s->out_mem, sizeof(struct gateway_order), GATEWAY_OUTSTANDING_MAX);
    if (list_hits(s, e) != 0) {
        release(s);
        return NULL;
    }
    int rc = pthread_create(&s->thread, NULL, work, s);
    if (rc != 0) {
        err_set(e, "cannot start the gateway's thread: %s", strerror(rc));
        release(s);
        return NULL;
    }
    return s;
}

struct gateway *sink_gateway(struct sink *s)
{
    return &s->base;
}
void sink_measure(struct sink *s)
{
    s->measuring = true;
}

bool sink_give_back(struct sink *s)
{
    s->given |= s->taken;
    s->taken = false;
    return s->given;
}

uint64_t sink_outstanding(const struct sink *s)
{
    uint64_t done = s->cfg.give_back ? __atomic_load_n(&s->through, __ATOMIC_ACQUIRE) : s->polled;
    return s->submitted - done;
}
void sink_let(struct sink *s, uint64_t replies)
{
    s->most = replies;
}

uint64_t sink_replies(const struct sink *s)
{
    return s->polled;
}

void sink_stop(struct sink *s)
{
    if (s->stopped)
        return;
    __atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
    (void)pthread_join(s->thread, NULL);
    s->stopped = true;
}

const struct hist *sink_handed(const struct sink *s)
{
    return &s->handed;
}
uint64_t sink_waited(const struct sink *s)
{
    return s->waited;
}

void sink_hits(const struct sink *s, size_t from, size_t to, struct sink_hits *out)
{
    *out = (struct sink_hits){.extra = s->strays};
    for (size_t i = 0; i < s->n_hits; i++) {
        const struct hit *h = &s->hit[i];
        if (h->frame < from || h->frame >= to)
            continue;
        out->hits++;
        out->matched += h->orders == 1;
        out->missed += h->orders == 0;
        out->extra += h->orders > 1 ? h->orders - 1 : 0;
    }
}

void sink_close(struct sink *s)
{
    if (!s)
        return;
    sink_stop(s);
    release(s);
}
