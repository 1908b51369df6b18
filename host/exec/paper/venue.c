// SPDX-License-Identifier: Apache-2.0
// Loop and protocol of the paper venue. Errors of the database end the process: the client then sees a broken
// connection and looks its keys up again.
#include "exec/paper/venue.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "base/prng.h"
#include "exec/paper/socket.h"
#include "exec/paper/venue_books.h"
#include "exec/paper/venue_churn.h"
#include "exec/paper/venue_db.h"
#include "exec/paper/venue_told.h"

enum { CLIENTS_MAX = 16, SEND_TIMEOUT_MS = 2000, CHURN_STEP_MS = 1, CHURN_BATCH = 64 };

struct client {
    int fd; // -1: free
    bool greeted, watching;
    uint32_t room; // states that it has room for
    uint32_t next; // account whose state it is told next, TOLD_NONE
};

struct venue {
    const struct venue_options *o;
    struct venue_db db;
    struct book book;
    uint64_t instance;
    uint64_t fills; // of this process
    struct told_list told;
    struct prng churn;
    uint64_t churned; // states changed, or tried to
    int64_t started_ns;
    struct client client[CLIENTS_MAX];
    // scratch
    uint8_t in[WIRE_MAX], out[WIRE_MAX], reply_bytes[REPLY_BYTES_MAX];
    struct wire_msg msg;
    struct order order;
    struct order_reply reply;
    struct account after;
    struct settlement settlement;
    int64_t px[MARKET_ASSETS_MAX];
};

static struct account *find_account(struct venue *v, uint32_t id, size_t *index)
{
    size_t lo = 0, hi = v->book.n_accounts;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v->book.account[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    *index = lo;
    return lo < v->book.n_accounts && v->book.account[lo].id == id ? &v->book.account[lo] : NULL;
}

static void drop_client(struct client *c)
{
    close(c->fd);
    *c = (struct client){.fd = -1};
}

// A client that does not take its replies is dropped: it will look them up when it is back.
static void send_out(struct venue *v, struct client *c, size_t n)
{
    if (c->fd >= 0 && (n == 0 || socket_send(c->fd, v->out, n)))
        drop_client(c);
}

static void send_error(struct venue *v, struct client *c, uint8_t code, const struct order_key *key,
                       const char *text)
{
    send_out(v, c, wire_put_error(code, key, text, v->out, sizeof v->out));
}

static void send_reply(struct venue *v, struct client *c, const uint8_t *reply, size_t n)
{
    send_out(v, c, wire_put_reply(reply, n, v->out, sizeof v->out));
}

// ---- orders

// The same key is refused or taken whatever was before it and however often the venue is started.
static bool refuse_at_random(const struct venue *v, const struct order_key *k)
{
    uint64_t x = v->o->seed;
    x = splitmix64(&x) ^ ((uint64_t)k->account << 32 | k->epoch);
    x = splitmix64(&x) ^ ((uint64_t)k->desk << 32 | k->revision);
    return splitmix64(&x) % 100 < v->o->refuse_pct;
}

static int post_flows(struct venue *v, const struct order_key *k, size_t account, struct err *e)
{
    for (unsigned i = 0; i < v->settlement.n; i++) {
        const struct flow *f = &v->settlement.flow[i];
        char name[LEDGER_NAME_LEN];
        if (f->instrument < 0)
            venue_cash_name(&v->book.account[account], name);
        else
            venue_token_name(&v->book.market, (uint16_t)f->instrument, name);
        if (venue_db_post(&v->db, k, name, f->party, f->amount, e))
            return -1;
    }
    return 0;
}

// Fills v->reply and, on FILLED, v->after and v->settlement; nothing is written yet.
static void decide(struct venue *v, const struct wire_order *w, const struct account *a)
{
    struct order_reply *r = &v->reply;
    struct err why = {""};
    r->key = v->order.key;
    r->status = ORDER_REFUSED;
    r->has_account = false;
    memset(r->reason, 0, sizeof r->reason);
    if (!a) {
        (void)err_set(&why, "no such account");
    } else if (v->o->refuse_pct && refuse_at_random(v, &v->order.key)) {
        (void)err_set(&why, "refused at random (test aid)");
    } else {
        books_marks(&v->book.market, a, w, v->px);
        if (books_settle(&v->book.market, a, v->px, &v->order, &v->after, &v->settlement, &why) == 0 &&
            books_conserve(&v->book.market, a, &v->after, &v->settlement, &why) == 0) {
            r->status = ORDER_FILLED;
            r->has_account = true;
            r->account = v->after;
            (void)err_set(&why, "%s", v->order.full ? "full" : "partial");
        } else if (strstr(why.msg, "does not conserve")) {
            fprintf(stderr, "venue: order of account %u refused: %s\n", a->id, why.msg);
        }
    }
    (void)snprintf(r->reason, sizeof r->reason, "%.*s", REASON_LEN - 1, why.msg);
}

static int settle_new(struct venue *v, struct client *c, const struct wire_order *w, struct err *e)
{
    size_t i;
    struct account *a = find_account(v, v->order.key.account, &i);
    decide(v, w, a);
    size_t n = reply_encode(&v->reply, v->reply_bytes, sizeof v->reply_bytes);
    if (n == 0)
        return err_set(e, "venue: the reply for account %u cannot be encoded", v->order.key.account);
    bool filled = v->reply.status == ORDER_FILLED;
    if (venue_db_begin(&v->db, e) ||
        venue_db_put_order(&v->db, &v->reply, w->bytes, w->n_bytes, v->reply_bytes, n, e) ||
        (filled && (venue_db_put_account(&v->db, &v->after, e) || post_flows(v, &v->order.key, i, e))) ||
        venue_db_commit(&v->db, e))
        return -1;
    if (filled) {
        *a = v->after;
        v->fills++;
        if (v->o->crash_after && v->fills >= v->o->crash_after)
            (void)kill(getpid(), SIGKILL);
    }
    send_reply(v, c, v->reply_bytes, n);
    return 0;
}

static int count_violation(struct venue *v, struct err *e)
{
    return venue_db_begin(&v->db, e) || venue_db_count(&v->db, "violations", e) || venue_db_commit(&v->db, e)
               ? -1
               : 0;
}

static int on_order(struct venue *v, struct client *c, const struct wire_order *w, struct err *e)
{
    const struct order_key none = {0};
    if (order_decode(w->bytes, w->n_bytes, &v->order)) {
        send_error(v, c, WIRE_MALFORMED, &none, "the order does not decode");
        return 0;
    }
    if (v->o->delay_us) {
        struct timespec t = {v->o->delay_us / 1000000, (long)(v->o->delay_us % 1000000) * 1000};
        (void)nanosleep(&t, NULL);
    }
    struct venue_stored was;
    int known = venue_db_find(&v->db, &v->order.key, &was, e);
    if (known <= 0)
        return known ? -1 : settle_new(v, c, w, e);
    // A fenced key never had bytes; whatever comes under it now is refused by the stored reply.
    bool same = was.status == ORDER_UNKNOWN ||
                (was.n_bytes == w->n_bytes && memcmp(was.bytes, w->bytes, w->n_bytes) == 0);
    if (same)
        send_reply(v, c, was.reply, was.n_reply);
    venue_db_done(&v->db);
    if (same)
        return 0;
    if (count_violation(v, e))
        return -1;
    send_error(v, c, WIRE_VIOLATION, &v->order.key, "this key was used with other bytes");
    return 0;
}

// ---- look-ups

static int fence_key(struct venue *v, const struct order_key *k, size_t *n, struct err *e)
{
    struct order_reply *r = &v->reply;
    r->key = *k;
    r->status = ORDER_UNKNOWN;
    r->has_account = false;
    (void)snprintf(r->reason, sizeof r->reason, "never seen; closed by a look-up");
    *n = reply_encode(r, v->reply_bytes, sizeof v->reply_bytes);
    return venue_db_put_order(&v->db, r, NULL, 0, v->reply_bytes, *n, e);
}

static int answer_key(struct venue *v, struct client *c, const struct order_key *k, struct err *e)
{
    struct venue_stored was;
    int known = venue_db_find(&v->db, k, &was, e);
    if (known < 0)
        return -1;
    if (known)
        send_reply(v, c, was.reply, was.n_reply);
    else
        send_out(v, c, wire_put_absent(k, v->out, sizeof v->out));
    venue_db_done(&v->db);
    return 0;
}

static int on_lookup(struct venue *v, struct client *c, const struct wire_lookup *l, struct err *e)
{
    // All fences of a packet are one transaction, on disk before the first answer leaves.
    if (l->mode == WIRE_FENCE) {
        if (venue_db_begin(&v->db, e))
            return -1;
        for (unsigned i = 0; i < l->n; i++) {
            struct venue_stored was;
            size_t n;
            int known = venue_db_find(&v->db, &l->key[i], &was, e);
            venue_db_done(&v->db);
            if (known < 0 || (!known && fence_key(v, &l->key[i], &n, e)))
                return -1;
        }
        if (venue_db_commit(&v->db, e))
            return -1;
    }
    for (unsigned i = 0; i < l->n && c->fd >= 0; i++) {
        if (answer_key(v, c, &l->key[i], e))
            return -1;
    }
    return 0;
}

static void on_state(struct venue *v, struct client *c, uint32_t first_id)
{
    size_t i;
    (void)find_account(v, first_id, &i);
    size_t used = wire_begin_states(v->out, sizeof v->out);
    uint16_t n = 0;
    for (; i < v->book.n_accounts && n < UINT16_MAX; i++, n++) {
        size_t more = wire_add_state(&v->book.account[i], v->out, sizeof v->out, used);
        if (more == 0)
            break;
        used = more;
    }
    wire_end_states(i == v->book.n_accounts, n, v->out);
    send_out(v, c, used);
}

static int on_ledger(struct venue *v, struct client *c, uint32_t first_row, struct err *e)
{
    static struct wire_balances b; // too large for the stack
    if (venue_db_balances(&v->db, first_row, &b, e))
        return -1;
    send_out(v, c, wire_put_balances(&b, v->out, sizeof v->out));
    return 0;
}

// ---- states without an order

static void mark(struct venue *v, uint32_t i, uint64_t seq)
{
    for (unsigned k = 0; k < CLIENTS_MAX; k++)
        if (v->client[k].watching && v->client[k].next == i)
            v->client[k].next = v->told.node[i].after;
    told_mark(&v->told, i, seq);
    for (unsigned k = 0; k < CLIENTS_MAX; k++)
        if (v->client[k].watching && v->client[k].next == TOLD_NONE)
            v->client[k].next = i;
}

// As much as the client has room for and its socket takes: the venue waits for nobody. True when only the
// socket is full.
static bool tell(struct venue *v, struct client *c)
{
    while (c->fd >= 0 && c->watching && c->room && c->next != TOLD_NONE) {
        struct order_reply *r = &v->reply;
        const struct told_node *x = &v->told.node[c->next];
        memset(r, 0, offsetof(struct order_reply, account));
        r->status = ORDER_STATE;
        r->has_account = true;
        r->account = v->book.account[c->next];
        r->key.account = r->account.id;
        size_t n = reply_encode(r, v->reply_bytes, sizeof v->reply_bytes);
        int rc =
            socket_try_send(c->fd, v->out, wire_put_told(x->seq, v->reply_bytes, n, v->out, sizeof v->out));
        if (rc < 0)
            drop_client(c);
        if (rc <= 0)
            return rc == 0;
        c->room--;
        c->next = x->after;
    }
    return false;
}

static void on_watch(struct venue *v, struct client *c, uint64_t after, uint32_t room)
{
    if (!c->watching)
        c->next = told_after(&v->told, after);
    c->watching = true;
    c->room = room > UINT32_MAX - c->room ? UINT32_MAX : c->room + room;
}

static int insert(struct venue *v, const struct account *a, struct err *e)
{
    size_t n = v->book.n_accounts;
    struct account *p = realloc(v->book.account, (n + 1) * sizeof *p);
    if (!p)
        return err_set(e, "venue: out of memory for %zu accounts", n + 1);
    v->book.account = p;
    if (told_room(&v->told, (uint32_t)n + 1, e))
        return -1;
    p[n] = *a;
    v->book.n_accounts++;
    return 0;
}

// v->after is an account's new state: under its next epoch into the books, within the caller's transaction.
static int set_state(struct venue *v, struct err *e)
{
    size_t i;
    struct account *a = find_account(v, v->after.id, &i);
    v->after.epoch = a ? a->epoch + 1 : 0;
    if (venue_db_set_account(&v->db, &v->after, v->told.seq + 1, e) || (!a && insert(v, &v->after, e)))
        return -1;
    v->book.account[i] = v->after;
    mark(v, (uint32_t)i, v->told.seq + 1);
    return 0;
}

static bool may_set(struct venue *v, struct err *why)
{
    size_t i;
    const struct account *a = find_account(v, v->after.id, &i);
    if (account_validate(&v->book.market, &v->after, why))
        return false;
    if (a && a->epoch == UINT32_MAX)
        return err_set(why, "account %u: epochs are used up", a->id) == 0;
    if (!a && (i < v->book.n_accounts || i >= ARRAY_ACCOUNTS_MAX))
        return err_set(why, "account %u: a new account's id must be above all others", v->after.id) == 0;
    return true;
}

static int on_set(struct venue *v, struct client *c, const uint8_t *p, size_t n, struct err *e)
{
    const struct order_key none = {0};
    struct err why;
    if (account_decode(p, n, &v->after) != n || !v->after.rule) {
        send_error(v, c, WIRE_MALFORMED, &none, "the account does not decode");
        return 0;
    }
    if (!may_set(v, &why)) {
        send_error(v, c, WIRE_REFUSED, &none, why.msg);
        return 0;
    }
    if (venue_db_begin(&v->db, e) || set_state(v, e) || venue_db_commit(&v->db, e))
        return -1;
    send_out(v, c, wire_put_is_set(v->after.id, v->after.epoch, v->out, sizeof v->out));
    return 0;
}

static int64_t clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// What is due of the churn, some at a time in one transaction.
static int churn(struct venue *v, struct err *e)
{
    if (!v->o->churn || v->book.n_accounts == 0)
        return 0;
    uint64_t due = (uint64_t)((clock_ns() - v->started_ns) / 1000000) * v->o->churn / 1000;
    uint64_t n = due > v->churned ? due - v->churned : 0;
    if (n == 0)
        return 0;
    if (n > CHURN_BATCH)
        n = CHURN_BATCH;
    if (venue_db_begin(&v->db, e))
        return -1;
    for (; n; n--, v->churned++) {
        const struct account *a = &v->book.account[prng_below(&v->churn, v->book.n_accounts)];
        struct err why;
        if (churn_change(&v->churn, &v->book.market, a, &v->after) && may_set(v, &why) && set_state(v, e))
            return -1;
    }
    return venue_db_commit(&v->db, e);
}

static void load_told(void *ctx, uint32_t id, uint64_t seq)
{
    struct venue *v = ctx;
    size_t i;
    if (find_account(v, id, &i))
        told_mark(&v->told, (uint32_t)i, seq);
}

// ---- packets

static int on_packet(struct venue *v, struct client *c, size_t len, struct err *e)
{
    const struct order_key none = {0};
    struct wire_msg *m = &v->msg;
    if (wire_decode(v->in, len, m)) {
        send_error(v, c, WIRE_MALFORMED, &none, "the packet does not decode");
        return 0;
    }
    if (m->type == WIRE_HELLO && m->u.version == WIRE_VERSION) {
        struct wire_welcome w = {WIRE_VERSION, v->instance, (uint32_t)v->book.n_accounts, v->told.seq};
        c->greeted = true;
        send_out(v, c, wire_put_welcome(&w, v->out, sizeof v->out));
        return 0;
    }
    if (!c->greeted) {
        send_error(v, c, WIRE_UNGREETED, &none, "HELLO comes first, of this version");
        return 0;
    }
    switch (m->type) {
    case WIRE_ORDER:
        return on_order(v, c, &m->u.order, e);
    case WIRE_LOOKUP:
        return on_lookup(v, c, &m->u.lookup, e);
    case WIRE_STATE:
        on_state(v, c, m->u.first_id);
        return 0;
    case WIRE_WATCH:
        on_watch(v, c, m->u.watch.after, m->u.watch.room);
        return 0;
    case WIRE_SET:
        return on_set(v, c, m->u.set.p, m->u.set.len, e);
    case WIRE_LEDGER:
        return on_ledger(v, c, m->u.first_row, e);
    default:
        send_error(v, c, WIRE_MALFORMED, &none, "not a request");
        return 0;
    }
}

// ---- process

static void take_client(struct venue *v, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    socket_send_timeout(fd, SEND_TIMEOUT_MS);
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        if (v->client[i].fd < 0) {
            v->client[i] = (struct client){.fd = fd};
            return;
        }
    }
    close(fd);
}

static int serve_client(struct venue *v, struct client *c, struct err *e)
{
    ssize_t n = recv(c->fd, v->in, sizeof v->in, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0 || (size_t)n > sizeof v->in) {
        drop_client(c);
        return 0;
    }
    return on_packet(v, c, (size_t)n, e);
}

static int loop(struct venue *v, int listener, int signals, struct err *e)
{
    for (;;) {
        struct pollfd p[CLIENTS_MAX + 2] = {{signals, POLLIN, 0}, {listener, POLLIN, 0}};
        if (churn(v, e))
            return -1;
        for (unsigned i = 0; i < CLIENTS_MAX; i++) {
            short out = tell(v, &v->client[i]) ? POLLOUT : 0;
            p[2 + i] = (struct pollfd){v->client[i].fd, POLLIN | out, 0}; // fd -1 is skipped by poll
        }
        if (poll(p, CLIENTS_MAX + 2, v->o->churn ? CHURN_STEP_MS : -1) < 0) {
            if (errno == EINTR)
                continue;
            return err_set(e, "venue: poll: %s", strerror(errno));
        }
        if (p[0].revents)
            return 0;
        for (unsigned i = 0; i < CLIENTS_MAX; i++) {
            if ((p[2 + i].revents & ~POLLOUT) && serve_client(v, &v->client[i], e))
                return -1;
        }
        if (p[1].revents)
            take_client(v, listener);
    }
}

static int too_large(const struct venue *v, size_t n, struct err *e)
{
    return err_set(
        e, "venue: %s holds %zu accounts; the paper venue keeps each as 5 kB of memory and takes at most %d",
        v->o->accounts, n, ARRAY_ACCOUNTS_MAX);
}

static int prepare_state(struct venue *v, struct err *e)
{
    if (venue_db_open(&v->db, v->o->state, v->o->sync, e))
        return -1;
    int filled = venue_db_filled(&v->db, e);
    if (filled < 0)
        return -1;
    if (!filled) {
        if (!v->o->accounts)
            return err_set(e, "venue: %s is new; name the store to start from with --accounts", v->o->state);
        struct book b;
        if (store_load(v->o->accounts, &b, e))
            return -1;
        int bad =
            b.n_accounts <= ARRAY_ACCOUNTS_MAX ? venue_db_fill(&v->db, &b, e) : too_large(v, b.n_accounts, e);
        book_free(&b);
        if (bad)
            return -1;
    }
    if (venue_db_load(v->db.db, v->o->state, &v->book, &v->instance, e) ||
        told_room(&v->told, (uint32_t)v->book.n_accounts, e))
        return -1;
    prng_seed(&v->churn, v->o->seed + v->told.seq);
    v->started_ns = clock_ns();
    return venue_db_told(&v->db, load_told, v, e);
}

static int open_signals(void)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGTERM);
    sigaddset(&s, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &s, NULL);
    return signalfd(-1, &s, SFD_CLOEXEC);
}

int venue_serve(const struct venue_options *o, struct err *e)
{
    struct venue *v = calloc(1, sizeof *v);
    if (!v)
        return err_set(e, "venue: out of memory");
    v->o = o;
    v->db.lock = -1;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        v->client[i].fd = -1;
    int signals = open_signals(), listener = -1, rc = -1;
    if (signals < 0)
        (void)err_set(e, "venue: signalfd: %s", strerror(errno));
    else if (prepare_state(v, e) == 0 && (listener = socket_listen(o->socket, e)) >= 0)
        rc = loop(v, listener, signals, e);
    if (listener >= 0) {
        (void)unlink(o->socket);
        close(listener);
    }
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        if (v->client[i].fd >= 0)
            close(v->client[i].fd);
    }
    if (signals >= 0)
        close(signals);
    venue_db_close(&v->db);
    told_free(&v->told);
    book_free(&v->book);
    free(v);
    return rc;
}
