// SPDX-License-Identifier: Apache-2.0
// Process, loop and clients of the paper venue. Errors of the database end the process: the client then sees
// a broken connection and looks its keys up again.
#include "exec/paper/venue.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/moving.h"
#include "exec/paper/paper.h"
#include "exec/paper/socket.h"
#include "exec/paper/venue_inside.h"

enum { SEND_TIMEOUT_MS = 2000, CHURN_STEP_MS = 1, WALL_STEP_MS = 50 };
static const uint64_t NS_PER_SECOND = 1000000000;

struct account *venue_account(struct venue *v, uint32_t id, size_t *index)
{
    size_t lo = 0, hi = v->s.book.n_accounts;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v->s.book.account[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    *index = lo;
    return lo < v->s.book.n_accounts && v->s.book.account[lo].id == id ? &v->s.book.account[lo] : NULL;
}

void venue_drop(struct client *c)
{
    close(c->fd);
    market_parts_free(&c->parts);
    *c = (struct client){.fd = -1};
}

// A client that does not take its replies is dropped: it will look them up when it is back.
void venue_send(struct venue *v, struct client *c, size_t n)
{
    if (c->fd >= 0 && (n == 0 || socket_send(c->fd, v->out, n)))
        venue_drop(c);
}

void venue_send_error(struct venue *v, struct client *c, uint8_t code, const struct order_key *key,
                      const char *text)
{
    venue_send(v, c, wire_put_error(code, key, text, v->out, sizeof v->out));
}

void venue_send_refusal(struct venue *v, struct client *c, uint8_t code, const char *text)
{
    const struct order_key none = {0};
    venue_send_error(v, c, code, &none, text);
}

static void on_state(struct venue *v, struct client *c, uint32_t first_id)
{
    size_t i;
    (void)venue_account(v, first_id, &i);
    size_t used = wire_begin_states(v->out, sizeof v->out);
    uint16_t n = 0;
    for (; i < v->s.book.n_accounts && n < UINT16_MAX; i++, n++) {
        size_t more = wire_add_state(&v->s.book.account[i], v->out, sizeof v->out, used);
        if (more == 0)
            break;
        used = more;
    }
    wire_end_states(i == v->s.book.n_accounts, n, v->out);
    venue_send(v, c, used);
}

static int on_ledger(struct venue *v, struct client *c, uint32_t first_row, struct err *e)
{
    static struct wire_balances b; // too large for the stack
    if (venue_db_balances(&v->db, first_row, &b, e))
        return -1;
    venue_send(v, c, wire_put_balances(&b, v->out, sizeof v->out));
    return 0;
}

// ---- packets

static uint8_t does(const struct venue *v)
{
    const struct auction_spec *a = v->o->auctions;
    bool sells = a || v->auctions.n,
         beside = v->o->churn || v->o->n_dynamic || (a && (a->rival_pct || a->wall));
    return (uint8_t)((sells ? VENUE_AUCTIONS : 0) | (beside ? VENUE_BESIDE : 0));
}

static struct kick_terms kick_terms(const struct venue *v)
{
    const struct auction_spec *a = v->o->auctions;
    if (!a)
        return (struct kick_terms){.chop_bps = 0};
    return (struct kick_terms){a->chop_bps, a->chip_bps, kick_rule(a->rule), a->tip_e8};
}

static int on_packet(struct venue *v, struct client *c, size_t len, struct err *e)
{
    struct wire_msg *m = &v->msg;
    if (wire_decode(v->in, len, m)) {
        venue_send_refusal(v, c, WIRE_MALFORMED, "the packet does not decode");
        return 0;
    }
    if (m->type == WIRE_HELLO && m->u.version == WIRE_VERSION) {
        struct wire_welcome w = {WIRE_VERSION, v->s.instance, (uint32_t)v->s.book.n_accounts,
                                 v->told.seq,  does(v),       kick_terms(v)};
        c->greeted = true;
        venue_send(v, c, wire_put_welcome(&w, v->out, sizeof v->out));
        return 0;
    }
    if (!c->greeted) {
        venue_send_refusal(v, c, WIRE_UNGREETED, "HELLO comes first, of this version");
        return 0;
    }
    switch (m->type) {
    case WIRE_ORDER:
        return venue_on_order(v, c, &m->u.order, e);
    case WIRE_LOOKUP:
        return venue_on_lookup(v, c, &m->u.lookup, e);
    case WIRE_STATE:
        on_state(v, c, m->u.first_id);
        return 0;
    case WIRE_WATCH:
        venue_on_watch(v, c, m->u.watch.after, m->u.watch.room, m->u.watch.market);
        return 0;
    case WIRE_SET:
        return venue_on_set(v, c, m->u.set.p, m->u.set.len, e);
    case WIRE_MARKET:
        return venue_on_market(v, c, e);
    case WIRE_SET_MARKET:
        return venue_on_set_market(v, c, &m->u.part, e);
    case WIRE_LEDGER:
        return on_ledger(v, c, m->u.first_row, e);
    default:
        venue_send_refusal(v, c, WIRE_MALFORMED, "not a request");
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
        venue_drop(c);
        return 0;
    }
    return on_packet(v, c, (size_t)n, e);
}

static int loop(struct venue *v, int listener, int signals, struct err *e)
{
    for (;;) {
        struct pollfd p[CLIENTS_MAX + 2] = {{signals, POLLIN, 0}, {listener, POLLIN, 0}};
        if (venue_churn(v, e) || venue_wall(v, e))
            return -1;
        for (unsigned i = 0; i < CLIENTS_MAX; i++) {
            int full = venue_tell(v, &v->client[i], e);
            if (full < 0)
                return -1;
            short out = full ? POLLOUT : 0;
            p[2 + i] = (struct pollfd){v->client[i].fd, POLLIN | out, 0}; // fd -1 is skipped by poll
        }
        if (poll(p, CLIENTS_MAX + 2,
                 v->o->churn        ? CHURN_STEP_MS
                 : venue_by_wall(v) ? WALL_STEP_MS
                                    : -1) < 0) {
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
    if (venue_db_load(v->db.db, v->o->state, &v->s, e))
        return -1;
    market_now(&v->s.book.market, v->s.second * NS_PER_SECOND);
    return venue_load_told(v, e) || venue_auctions_start(v, e) ? -1 : venue_dynamic_start(v, e);
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
            venue_drop(&v->client[i]);
    }
    if (signals >= 0)
        close(signals);
    venue_db_close(&v->db);
    told_free(&v->told);
    venue_auctions_free(&v->auctions);
    venue_state_free(&v->s);
    free(v);
    return rc;
}
