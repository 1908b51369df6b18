// SPDX-License-Identifier: Apache-2.0
// Instruments' parameters of the paper venue: their versions, new ones, telling them.
#include <stdio.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/moving.h"
#include "exec/paper/socket.h"
#include "exec/paper/venue_inside.h"

static const uint64_t NS_PER_SECOND = 1000000000;

// The encoding of a version into v->coded.
static int code_market(struct venue *v, uint32_t version, struct err *e)
{
    if (v->coded.version == version)
        return 0;
    v->coded.version = 0;
    if (venue_db_market(v->db.db, v->db.path, version, v->coded.bytes, &v->coded.n, &v->coded.seq, e))
        return -1;
    v->coded.version = version;
    return 0;
}

static struct wire_part part_of(const struct venue *v, uint32_t offset)
{
    return (struct wire_part){.version = v->coded.version,
                              .seq = v->coded.seq,
                              .total = (uint32_t)v->coded.n,
                              .offset = offset,
                              .len = (uint32_t)v->coded.n - offset,
                              .p = v->coded.bytes + offset};
}

const struct market *venue_market_of(struct venue *v, const struct venue_as_of *as_of, struct err *e)
{
    struct past_market *p = &v->past;
    if (p->version != as_of->market) {
        p->version = 0;
        if (code_market(v, as_of->market, e))
            return NULL;
        if (market_decode(v->coded.bytes, v->coded.n, &p->market) != v->coded.n) {
            (void)err_set(e, "venue state %s: version %u of the market is damaged; restore it from a copy",
                          v->db.path, as_of->market);
            return NULL;
        }
        p->version = as_of->market;
    }
    market_now(&p->market, as_of->second * NS_PER_SECOND);
    return &p->market;
}

int venue_on_market(struct venue *v, struct client *c, struct err *e)
{
    uint32_t sent;
    if (code_market(v, v->s.market, e))
        return -1;
    for (uint32_t at = 0; at < v->coded.n && c->fd >= 0; at += sent) {
        struct wire_part p = part_of(v, at);
        venue_send(v, c, wire_put_part(WIRE_MARKET_PART, &p, v->out, sizeof v->out, &sent));
    }
    return 0;
}

int venue_tell_market(struct venue *v, struct client *c, uint32_t market, struct err *e)
{
    if (code_market(v, market, e))
        return -1;
    while (c->sent < v->coded.n) {
        uint32_t sent;
        struct wire_part p = part_of(v, c->sent);
        size_t n = wire_put_part(WIRE_MARKET_PART, &p, v->out, sizeof v->out, &sent);
        int rc = socket_try_send(c->fd, v->out, n);
        if (rc < 0)
            venue_drop(c);
        if (rc <= 0)
            return 0;
        c->sent += sent;
    }
    c->sent = 0;
    return 1;
}

// ---- new parameters

static bool same_scenarios(const struct market *a, const struct market *b)
{
    return a->n_scenarios == b->n_scenarios &&
           memcmp(a->scenario, b->scenario, a->n_scenarios * sizeof a->scenario[0]) == 0;
}

// Every account that holds a changed instrument, or may read it, has to be valid with its new parameters.
static int check_accounts(const struct venue *v, const bool *changed, struct err *why)
{
    for (size_t i = 0; i < v->s.book.n_accounts; i++) {
        const struct account *a = &v->s.book.account[i];
        bool holds = a->rule->uses & USE_MARKET;
        for (unsigned k = 0; k < a->n_positions && !holds; k++)
            holds = changed[a->position[k].instrument];
        if (holds && account_validate(&v->next, a, why))
            return -1;
    }
    return 0;
}

// v->next, made from version `from`: 1 can be taken, 0 says what there is already, -1 refused.
static int judge(const struct venue *v, uint32_t from, struct err *why)
{
    const struct market *m = &v->s.book.market;
    bool changed[MARKET_INSTRUMENTS_MAX], any = false;
    if (from != v->s.market)
        return err_set(why, "the parameters have changed meanwhile: push again");
    if (market_follows(m, &v->next, why))
        return -1;
    if (!same_scenarios(m, &v->next))
        return err_set(why, "scenarios cannot change");
    if (v->s.market == TOLD_MARKET - 1)
        return err_set(why, "versions are used up");
    for (unsigned i = 0; i < m->n_instruments; i++)
        any |= changed[i] = instrument_differs(&m->instrument[i], &v->next.instrument[i]);
    return !any ? 0 : check_accounts(v, changed, why) ? -1 : 1;
}

static int take_market(struct venue *v, const uint8_t *bytes, size_t n, struct err *e)
{
    uint32_t version = v->s.market + 1;
    uint64_t seq = v->told.seq + 1;
    if (told_market(&v->told, version, e) || venue_db_begin(&v->db, e) ||
        venue_db_put_market(&v->db, version, seq, bytes, n, e) || venue_db_commit(&v->db, e))
        return -1;
    v->s.book.market = v->next;
    market_now(&v->s.book.market, v->s.second * NS_PER_SECOND);
    v->s.market = version;
    v->s.market_seq = seq;
    told_mark(&v->told, TOLD_MARKET + version, seq);
    venue_wake(v, TOLD_MARKET + version);
    return 0;
}

int venue_on_set_market(struct venue *v, struct client *c, const struct wire_part *p, struct err *e)
{
    struct err why;
    int rc = market_parts_take(&c->parts, p);
    if (rc == 0)
        return 0;
    if (rc < 0 || market_decode(c->parts.bytes, c->parts.total, &v->next) != c->parts.total) {
        venue_send_refusal(v, c, WIRE_MALFORMED, "the parameters do not decode");
    } else if ((rc = judge(v, c->parts.version, &why)) < 0) {
        venue_send_refusal(v, c, WIRE_REFUSED, why.msg);
    } else {
        if (rc > 0 && take_market(v, c->parts.bytes, c->parts.total, e))
            return -1;
        venue_send(v, c, wire_put_is_set(0, v->s.market, v->out, sizeof v->out));
    }
    market_parts_free(&c->parts);
    return 0;
}

// ---- parameters that follow its marks

int venue_dynamic_start(struct venue *v, struct err *e)
{
    static const uint32_t FIRST = 1;
    const struct market *first = NULL;
    if (v->o->n_dynamic) {
        if (code_market(v, FIRST, e))
            return -1;
        first = market_decode(v->coded.bytes, v->coded.n, &v->next) == v->coded.n ? &v->next : NULL;
    }
    for (unsigned i = 0; i < v->o->n_dynamic; i++)
        if (dynamic_follow(&v->dynamic[i], &v->o->dynamic[i], &v->s.book.market, first, e) != 0)
            return -1;
    return 0;
}

// Of an instrument: what its longs hold, size quanta, or what is deposited, token units rounded down.
static i256 held(const struct venue *v, uint16_t instrument)
{
    const struct instrument *in = &v->s.book.market.instrument[instrument];
    i256 sum = I256_ZERO;
    for (size_t i = 0; i < v->s.book.n_accounts; i++) {
        const struct account *a = &v->s.book.account[i];
        for (unsigned k = 0; k < a->n_positions; k++) {
            const struct position *p = &a->position[k];
            i128 part = p->instrument != instrument ? 0 : in->kind == INST_RESERVE ? p->supply : p->size;
            if (part > 0)
                sum = i256_add(sum, i256_from_i128(part));
        }
    }
    if (in->kind == INST_RESERVE)
        sum = i256_div10_floor(i256_mul(sum, i256_from_u128(liquidity_index_now(in))), RAY_DIGITS);
    return sum;
}

static int64_t mark_of(const struct wire_order *w, uint16_t asset)
{
    for (unsigned i = 0; i < w->n_marks; i++)
        if (w->mark[i].asset == asset)
            return w->mark[i].price;
    return 0;
}

// v->next is this market with one instrument's new threshold: into the database and to everybody. What some
// account cannot bear is refused as it would be to an owner; the threshold then stays, and is tried again.
static int take_next(struct venue *v, struct dynamic_follow *f, struct err *e)
{
    struct err why;
    int rc = judge(v, v->s.market, &why);
    if (rc < 0 && !f->refused)
        fprintf(stderr, "venue: --dynamic: %s stays as it is: %s\n", f->spec->instrument, why.msg);
    f->refused = rc < 0;
    if (rc <= 0)
        return 0;
    v->coded.version = 0;
    size_t n = market_encode(&v->next, v->coded.bytes, sizeof v->coded.bytes);
    return n ? take_market(v, v->coded.bytes, n, e) : err_set(e, "venue: a market cannot be encoded");
}

int venue_dynamic(struct venue *v, const struct wire_order *w, struct err *e)
{
    for (unsigned i = 0; i < v->o->n_dynamic; i++) {
        struct dynamic_follow *f = &v->dynamic[i];
        const struct market *m = &v->s.book.market;
        struct instrument in = m->instrument[f->instrument];
        struct dynamic_seen seen = {.price = mark_of(w, in.asset),
                                    .second = w->second,
                                    .now = v->s.second,
                                    .price_decimals = m->asset[in.asset].decimals};
        if (seen.price > 0 && dynamic_wants_held(f, w->second))
            seen.held = held(v, f->instrument);
        if (!dynamic_mark(f, &seen, &in))
            continue;
        v->next = *m;
        v->next.instrument[f->instrument] = in;
        market_told(&v->next, f->instrument);
        if (take_next(v, f, e) != 0)
            return -1;
    }
    return 0;
}
