// SPDX-License-Identifier: Apache-2.0
// Orders of the paper venue, look-ups of their outcomes, and the venue's clock, which orders bring.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accounts/moving.h"
#include "exec/paper/venue_books.h"
#include "exec/paper/venue_inside.h"

static const uint64_t NS_PER_SECOND = 1000000000;

void venue_send_reply(struct venue *v, struct client *c, const uint8_t *reply, size_t n)
{
    venue_send(v, c, wire_put_reply(reply, n, v->out, sizeof v->out));
}

// The same key is refused or taken whatever was before it and however often the venue is started.
bool venue_refuses(const struct venue *v, const struct order_key *k)
{
    uint64_t x = v->o->seed;
    x = splitmix64(&x) ^ ((uint64_t)k->account << 32 | k->epoch);
    x = splitmix64(&x) ^ ((uint64_t)k->desk << 32 | k->revision);
    return splitmix64(&x) % 100 < v->o->refuse_pct;
}

// The venue's time is the latest that a keeper has judged at. An order judged earlier (another keeper, a
// capture that begins anew) is judged here at that time all the same: the books never go back.
bool venue_take_second(struct venue *v, uint64_t second)
{
    if (second <= v->s.second)
        return false;
    v->s.second = second;
    market_now(&v->s.book.market, second * NS_PER_SECOND);
    return true;
}

static int post_flows(struct venue *v, const struct order_key *k, size_t account, const struct settlement *s,
                      struct err *e)
{
    for (unsigned i = 0; i < s->n; i++) {
        const struct flow *f = &s->flow[i];
        char name[LEDGER_NAME_LEN];
        if (f->instrument < 0)
            venue_cash_name(&v->s.book.account[account], name);
        else
            venue_token_name(&v->s.book.market, (uint16_t)f->instrument, name);
        if (venue_db_post(&v->db, k, name, f->party, f->amount, e))
            return -1;
    }
    return 0;
}

// What time and new parameters have made of the account's balances since its books were last brought up to
// date: into v->accrued.
static int accrue(struct venue *v, const struct account *a, const struct venue_as_of *as_of, struct err *e)
{
    v->accrued.n = 0;
    if (!books_accrue_at_all(&v->s.book.market, a) ||
        (as_of->market == v->s.market && as_of->second == v->s.second))
        return 0;
    const struct market *then = venue_market_of(v, as_of, e);
    if (!then)
        return -1;
    books_accrue(then, &v->s.book.market, a, &v->accrued);
    return 0;
}

// A filled order into the database: the account's balances first brought to its moment, then what it moved.
static int put_fill(struct venue *v, size_t i, struct err *e)
{
    const struct venue_as_of now = {v->s.market, v->s.second};
    const struct order_key *k = &v->order.key;
    if (accrue(v, &v->s.book.account[i], &v->s.as_of[i], e) ||
        venue_db_put_account(&v->db, &v->after, &now, e) || post_flows(v, k, i, &v->accrued, e) ||
        post_flows(v, k, i, &v->settlement, e))
        return -1;
    v->s.as_of[i] = now;
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
    r->n_note = 0;
    memset(r->reason, 0, sizeof r->reason);
    if (!a) {
        (void)err_set(&why, "no such account");
    } else if (v->o->refuse_pct && venue_refuses(v, &v->order.key)) {
        (void)err_set(&why, "refused at random (test aid)");
    } else {
        books_marks(&v->s.book.market, a, w, v->px);
        if (books_settle(&v->s.book.market, a, v->px, &v->order, &v->after, &v->settlement, &why) == 0 &&
            books_conserve(&v->s.book.market, a, &v->after, &v->settlement, &why) == 0) {
            r->status = ORDER_FILLED;
            r->has_account = true;
            r->account = v->after;
            (void)err_set(&why, "%s", v->order.full ? "full" : "partial");
            if (venue_kick(v, a))
                (void)err_set(&why, "%s, auction %u", v->order.full ? "full" : "partial",
                              v->auctions.kicked.a.id);
        } else if (strstr(why.msg, "does not conserve")) {
            fprintf(stderr, "venue: order of account %u refused: %s\n", a->id, why.msg);
        }
    }
    (void)snprintf(r->reason, sizeof r->reason, "%.*s", REASON_LEN - 1, why.msg);
}

static int settle_new(struct venue *v, struct client *c, const struct wire_order *w, struct err *e)
{
    size_t i;
    struct account *a = venue_account(v, v->order.key.account, &i);
    bool later = venue_take_second(v, w->second);
    decide(v, w, a);
    size_t n = reply_encode(&v->reply, v->reply_bytes, sizeof v->reply_bytes);
    if (n == 0)
        return err_set(e, "venue: the reply for account %u cannot be encoded", v->order.key.account);
    bool filled = v->reply.status == ORDER_FILLED;
    if (venue_db_begin(&v->db, e) || (later && venue_db_set_second(&v->db, v->s.second, e)) ||
        venue_db_put_order(&v->db, &v->reply, w->bytes, w->n_bytes, v->reply_bytes, n, e) ||
        (filled && (put_fill(v, i, e) || venue_put_kick(v, e))) || venue_db_commit(&v->db, e))
        return -1;
    if (filled) {
        *a = v->after;
        venue_kicked(v);
        v->fills++;
        if (v->o->crash_after && v->fills >= v->o->crash_after)
            (void)kill(getpid(), SIGKILL);
    }
    venue_send_reply(v, c, v->reply_bytes, n);
    return venue_dynamic(v, w, e);
}

static int count_violation(struct venue *v, struct err *e)
{
    return venue_db_begin(&v->db, e) || venue_db_count(&v->db, "violations", e) || venue_db_commit(&v->db, e)
               ? -1
               : 0;
}

int venue_on_order(struct venue *v, struct client *c, const struct wire_order *w, struct err *e)
{
    bool bid = bid_decode(w->bytes, w->n_bytes, &v->bid) == 0;
    if (bid)
        v->order.key = v->bid.key;
    else if (order_decode(w->bytes, w->n_bytes, &v->order)) {
        venue_send_refusal(v, c, WIRE_MALFORMED, "the order does not decode");
        return 0;
    }
    if (v->o->delay_us) {
        struct timespec t = {v->o->delay_us / 1000000, (long)(v->o->delay_us % 1000000) * 1000};
        (void)nanosleep(&t, NULL);
    }
    struct venue_stored was;
    int known = venue_db_find(&v->db, &v->order.key, &was, e);
    if (known < 0 || (!known && venue_rival(v, w->second, e)))
        return -1;
    if (!known)
        return bid ? venue_on_bid(v, c, w, e) : settle_new(v, c, w, e);
    // A fenced key never had bytes; whatever comes under it now is refused by the stored reply.
    bool same = was.status == ORDER_UNKNOWN ||
                (was.n_bytes == w->n_bytes && memcmp(was.bytes, w->bytes, w->n_bytes) == 0);
    if (same)
        venue_send_reply(v, c, was.reply, was.n_reply);
    venue_db_done(&v->db);
    if (same)
        return 0;
    if (count_violation(v, e))
        return -1;
    venue_send_error(v, c, WIRE_VIOLATION, &v->order.key, "this key was used with other bytes");
    return 0;
}

// ---- look-ups

static int fence_key(struct venue *v, const struct order_key *k, size_t *n, struct err *e)
{
    struct order_reply *r = &v->reply;
    r->key = *k;
    r->status = ORDER_UNKNOWN;
    r->has_account = false;
    r->n_note = 0;
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
        venue_send_reply(v, c, was.reply, was.n_reply);
    else
        venue_send(v, c, wire_put_absent(k, v->out, sizeof v->out));
    venue_db_done(&v->db);
    return 0;
}

int venue_on_lookup(struct venue *v, struct client *c, const struct wire_lookup *l, struct err *e)
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
