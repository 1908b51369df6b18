// SPDX-License-Identifier: Apache-2.0
// Accounts' states that no order brought: from owners, or at random (a test aid); telling them to who
// watches.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "accounts/book.h"
#include "exec/paper/socket.h"
#include "exec/paper/venue_churn.h"
#include "exec/paper/venue_inside.h"

enum { CHURN_BATCH = 64 };

static int64_t monotonic_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void mark(struct venue *v, uint32_t i, uint64_t seq)
{
    for (unsigned k = 0; k < CLIENTS_MAX; k++)
        if (v->client[k].watching && v->client[k].next == i)
            v->client[k].next = told_node(&v->told, i)->after;
    told_mark(&v->told, i, seq);
    venue_wake(v, i);
}

void venue_wake(struct venue *v, uint32_t told)
{
    for (unsigned k = 0; k < CLIENTS_MAX; k++)
        if (v->client[k].watching && v->client[k].next == TOLD_NONE)
            v->client[k].next = told;
}

// 1 sent, 0 the socket is full or the client gone.
static int tell_account(struct venue *v, struct client *c, const struct account *a, uint64_t seq)
{
    struct order_reply *r = &v->reply;
    memset(r, 0, offsetof(struct order_reply, account));
    r->status = ORDER_STATE;
    r->has_account = true;
    r->account = *a;
    r->key.account = a->id;
    size_t n = reply_encode(r, v->reply_bytes, sizeof v->reply_bytes);
    int rc = socket_try_send(c->fd, v->out, wire_put_told(seq, v->reply_bytes, n, v->out, sizeof v->out));
    if (rc < 0)
        venue_drop(c);
    return rc > 0;
}

int venue_tell(struct venue *v, struct client *c, struct err *e)
{
    if (venue_tell_auctions(v, c))
        return 1;
    while (c->fd >= 0 && c->watching && c->room && c->next != TOLD_NONE) {
        const struct told_node *x = told_node(&v->told, c->next);
        bool market = c->next >= TOLD_MARKET;
        if (market && !c->market)
            return 0; // states made under it wait behind it
        int rc = market ? venue_tell_market(v, c, c->next - TOLD_MARKET, e)
                        : tell_account(v, c, &v->s.book.account[c->next], x->seq);
        if (rc <= 0)
            return rc < 0 ? -1 : c->fd >= 0;
        c->room--;
        c->market -= market;
        c->next = x->after;
    }
    return 0;
}

void venue_on_watch(struct venue *v, struct client *c, uint64_t after, uint32_t room, uint8_t market)
{
    if (!c->watching) {
        c->next = told_after(&v->told, after);
        venue_watch_auctions(v, c);
    }
    c->watching = true;
    c->market |= market;
    c->room = room > UINT32_MAX - c->room ? UINT32_MAX : c->room + room;
}

static int insert(struct venue *v, const struct account *a, struct err *e)
{
    size_t n = v->s.book.n_accounts;
    struct account *p = realloc(v->s.book.account, (n + 1) * sizeof *p);
    if (!p)
        return err_set(e, "venue: out of memory for %zu accounts", n + 1);
    v->s.book.account = p;
    struct venue_as_of *q = realloc(v->s.as_of, (n + 1) * sizeof *q);
    if (!q)
        return err_set(e, "venue: out of memory for %zu accounts", n + 1);
    v->s.as_of = q;
    if (told_room(&v->told, (uint32_t)n + 1, e))
        return -1;
    p[n] = *a;
    v->s.book.n_accounts++;
    return 0;
}

// v->after is an account's new state: under its next epoch into the books, which begin anew with it as of
// now, within the caller's transaction.
static int set_state(struct venue *v, struct err *e)
{
    size_t i;
    const struct venue_as_of now = {v->s.market, v->s.second};
    struct account *a = venue_account(v, v->after.id, &i);
    v->after.epoch = a ? a->epoch + 1 : 0;
    if (venue_db_set_account(&v->db, &v->after, &now, v->told.seq + 1, e) || (!a && insert(v, &v->after, e)))
        return -1;
    v->s.book.account[i] = v->after;
    v->s.as_of[i] = now;
    mark(v, (uint32_t)i, v->told.seq + 1);
    return 0;
}

static bool may_set(struct venue *v, struct err *why)
{
    size_t i;
    const struct account *a = venue_account(v, v->after.id, &i);
    if (account_validate(&v->s.book.market, &v->after, why))
        return false;
    if (a && a->epoch == UINT32_MAX)
        return err_set(why, "account %u: epochs are used up", a->id) == 0;
    if (!a && (i < v->s.book.n_accounts || i >= ARRAY_ACCOUNTS_MAX))
        return err_set(why, "account %u: a new account's id must be above all others", v->after.id) == 0;
    return true;
}

int venue_on_set(struct venue *v, struct client *c, const uint8_t *p, size_t n, struct err *e)
{
    struct err why;
    if (account_decode(p, n, &v->after) != n || !v->after.rule) {
        venue_send_refusal(v, c, WIRE_MALFORMED, "the account does not decode");
        return 0;
    }
    if (!may_set(v, &why)) {
        venue_send_refusal(v, c, WIRE_REFUSED, why.msg);
        return 0;
    }
    if (venue_db_begin(&v->db, e) || set_state(v, e) || venue_db_commit(&v->db, e))
        return -1;
    venue_send(v, c, wire_put_is_set(v->after.id, v->after.epoch, v->out, sizeof v->out));
    return 0;
}

// What is due of the churn, some at a time in one transaction.
int venue_churn(struct venue *v, struct err *e)
{
    if (!v->o->churn || v->s.book.n_accounts == 0)
        return 0;
    uint64_t due = (uint64_t)((monotonic_ns() - v->started_ns) / 1000000) * v->o->churn / 1000;
    uint64_t n = due > v->churned ? due - v->churned : 0;
    if (n == 0)
        return 0;
    if (n > CHURN_BATCH)
        n = CHURN_BATCH;
    if (venue_db_begin(&v->db, e))
        return -1;
    for (; n; n--, v->churned++) {
        const struct account *a = &v->s.book.account[prng_below(&v->churn, v->s.book.n_accounts)];
        struct err why;
        if (churn_change(&v->churn, &v->s.book.market, a, &v->after) && may_set(v, &why) && set_state(v, e))
            return -1;
    }
    return venue_db_commit(&v->db, e);
}

static void load_told(void *ctx, uint32_t id, uint32_t market, uint64_t seq)
{
    struct venue *v = ctx;
    size_t i;
    if (market)
        told_mark(&v->told, TOLD_MARKET + market, seq);
    else if (venue_account(v, id, &i))
        told_mark(&v->told, (uint32_t)i, seq);
}

int venue_load_told(struct venue *v, struct err *e)
{
    v->started_ns = monotonic_ns();
    if (told_room(&v->told, (uint32_t)v->s.book.n_accounts, e) || told_market(&v->told, v->s.market, e) ||
        venue_db_told(&v->db, load_told, v, e))
        return -1;
    prng_seed(&v->churn, v->o->seed + v->told.seq);
    return 0;
}
