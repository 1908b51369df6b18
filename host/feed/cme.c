// SPDX-License-Identifier: Apache-2.0
// CME MDP 3.0: takes datagrams in order and publishes what a market event has changed when the event is over.
// Recognition, feeds and lines: cme_frame.c; layouts: cme_table.c; books and recovery: cme_book.c,
// cme_recover.c; rules and hazards: docs/feeds-cme.md.
#include "feed/cme_frame.h"
#include "feed/cme_rows.h"
#include "feed/cme_state.h"
#include "feed/protocol.h"

// ---- publishing

struct delivery {
    struct protocol_state *s;
    struct feed_counters *counters;
    struct cme_stream *st;
    const struct feed_packet *p;
    const struct feed_sink *sink;
    uint32_t seq;
    uint16_t idx; // of the message
    const struct cme_message *m;
};

static void begin_msg(const struct delivery *d, struct feed_msg *o, enum feed_kind kind)
{
    feed_msg_begin(o, VENUE_CME, d->m->template_id, d->m->version, d->idx);
    o->kind = (uint8_t)kind;
}

static void send_status(const struct delivery *d, const struct cme_instrument *n)
{
    struct feed_msg o;
    begin_msg(d, &o, FEED_STATUS);
    o.instrument_id = (uint32_t)n->id;
    o.ts_ns = n->ts_ns;
    o.state = n->state;
    o.has = HAS_STATE;
    d->sink->on_msg(d->sink->ctx, d->p, &o);
}

static bool side_of(const struct cme_instrument *n, enum cme_side side, struct feed_num *px,
                    struct feed_num *amount, uint32_t *has, uint32_t bit)
{
    const struct cme_level *l = &n->book.level[side][0];
    if (l->px == CME_EMPTY)
        return true;
    if (!cme_human(n, l->px, n->exp, px))
        return false;
    *amount = (struct feed_num){.v.m = l->size, .form = NUM_DECIMAL};
    *has |= bit;
    return true;
}

static int book(const struct protocol_state *s, uint64_t id, bool bid, struct feed_level *out, unsigned max)
{
    for (unsigned k = 0; k < s->used; k++) {
        const struct cme_instrument *n = &s->inst[k];
        const struct cme_stream *st = n->stream ? &s->stream[n->stream - 1] : NULL;
        if (!st || (uint32_t)n->id != id || !n->defined || n->dead || !cme_current(st, n) || st->open ||
            !cme_book_usable(&n->book))
            continue;
        const struct cme_level *l = n->book.level[bid ? CME_BID : CME_ASK];
        unsigned i = 0; // the first unknown level ends what can be told
        for (; i < CME_LEVELS && i < max && l[i].px != CME_EMPTY && l[i].px != CME_UNKNOWN; i++) {
            out[i].amount = (struct feed_num){.v.m = l[i].size, .form = NUM_DECIMAL};
            if (!cme_human(n, l[i].px, n->exp, &out[i].price))
                return -1;
        }
        return (int)i;
    }
    return -1;
}

// A book that can no longer be relied upon says so once, by a quote without prices.
static void send_quote(const struct delivery *d, struct cme_instrument *n)
{
    struct feed_msg *o = &d->s->quote;
    uint32_t has = 0;
    begin_msg(d, o, FEED_QUOTE);
    bool usable = n->defined && !n->dead && cme_current(d->st, n) && cme_book_usable(&n->book) &&
                  side_of(n, CME_BID, &o->bid, &o->bid_amount, &has, HAS_BID) &&
                  side_of(n, CME_ASK, &o->ask, &o->ask_amount, &has, HAS_ASK);
    if (!usable) {
        d->s->stats.unknown_ids += !n->defined;
        if (!n->published)
            return;
        has = 0;
    }
    n->published = usable;
    o->state = n->state;
    o->has = has | (n->state ? (uint32_t)HAS_STATE : 0);
    o->instrument_id = (uint32_t)n->id;
    o->ts_ns = n->ts_ns;
    d->sink->on_msg(d->sink->ctx, d->p, o);
}

static void send_trades(const struct delivery *d)
{
    struct cme_stream *st = d->st;
    while (st->trade != 0) {
        struct cme_trade *t = &d->s->trade[st->trade - 1];
        struct cme_instrument *n = cme_find(d->s, st, t->id);
        struct feed_msg o;
        begin_msg(d, &o, FEED_TRADE);
        o.template_id = t->template_id;
        o.version = t->version;
        o.instrument_id = (uint32_t)t->id;
        o.ts_ns = t->ts_ns;
        o.amount = (struct feed_num){.v.m = t->size, .form = NUM_DECIMAL};
        o.has = HAS_LAST | HAS_AMOUNT;
        if (n && n->defined && !n->dead && cme_human(n, t->px, t->exp, &o.last))
            d->sink->on_msg(d->sink->ctx, d->p, &o);
        else
            d->s->stats.unknown_ids++;
        uint16_t next = t->next;
        t->next = d->s->free_trade;
        d->s->free_trade = st->trade;
        st->trade = next;
    }
    st->last = 0;
}

// The event is over.
static void publish(const struct delivery *d)
{
    struct cme_stream *st = d->st;
    if (st->trade != 0)
        send_trades(d);
    for (struct cme_instrument *n = st->head, *next; n; n = next) {
        next = n->next;
        if (d->s->pending.due)
            cme_carry(d->s, st, n);
        if (n->touched & CME_NEW_STATUS && n->defined)
            send_status(d, n);
        if (n->touched & CME_NEW_QUOTE)
            send_quote(d, n);
        n->touched = 0;
        if (n->dead)
            cme_release(d->s, n);
    }
    st->head = st->tail = NULL;
}

// ---- messages

static void read_books(const struct delivery *d)
{
    const struct cme_message *m = d->m;
    const struct cme_field *f = m->t->in;
    uint64_t ts = le64_load(m->root + m->t->root[CME_F_TRANSACT].at);
    bool wide = (f[CME_F_SIZE].form & (CME_NULLABLE - 1)) == CME_U64;
    const uint8_t *e = m->entries;
    for (unsigned i = 0; i < m->count; i++, e += m->entry_block) {
        struct cme_instrument *n =
            cme_get(d->s, d->st, (int32_t)le32_load(e + f[CME_F_ID].at), CME_BY_UPDATE);
        uint32_t rpt = le32_load(e + f[CME_F_RPT].at);
        if (!n) {
            d->s->stats.unknown_ids++;
            continue;
        }
        if (!cme_rpt(d->s, d->st, n, rpt, d->seq))
            continue;
        uint8_t type = e[f[CME_F_TYPE].at];
        const uint8_t *size = e + f[CME_F_SIZE].at;
        struct cme_record u = {.px = (int64_t)le64_load(e + f[CME_F_PX].at),
                               .size = wide ? (int64_t)le64_load(size) : (int32_t)le32_load(size),
                               .rpt = rpt,
                               .action = e[f[CME_F_ACTION].at],
                               .level = e[f[CME_F_LEVEL].at],
                               .type = type == CME_TYPE_BID || type == CME_TYPE_OFFER ? type : 0};
        if (type == CME_TYPE_RESET) {
            cme_drop_records(d->s, n);
            cme_book_clear(&n->book);
        } else {
            cme_update(d->s, n, &u, m->t->exp);
            if (u.type == 0)
                continue;
        }
        n->ts_ns = ts;
        cme_touch(d->st, n, CME_NEW_QUOTE);
    }
}

static void keep_trade(const struct delivery *d, const uint8_t *e, int32_t id)
{
    const struct cme_field *f = d->m->t->in;
    bool wide = f[CME_F_SIZE].form == CME_U64;
    const uint8_t *size = e + f[CME_F_SIZE].at;
    struct cme_trade t = {.px = (int64_t)le64_load(e + f[CME_F_PX].at),
                          .size = wide ? (int64_t)le64_load(size) : (int32_t)le32_load(size),
                          .ts_ns = le64_load(d->m->root + d->m->t->root[CME_F_TRANSACT].at),
                          .id = id,
                          .exp = d->m->t->exp,
                          .template_id = d->m->template_id,
                          .version = d->m->version};
    // A correction or a cancelled trade is no price.
    if (e[f[CME_F_ACTION].at] == CME_NEW && t.px != CME_EMPTY && t.px != CME_UNKNOWN)
        cme_keep_trade(d->s, d->st, &t);
}

// Trades, and entries of which only the number counts.
static void read_counted(const struct delivery *d)
{
    const struct cme_message *m = d->m;
    const struct cme_field *f = m->t->in;
    const uint8_t *e = m->entries;
    for (unsigned i = 0; i < m->count; i++, e += m->entry_block) {
        int32_t id = (int32_t)le32_load(e + f[CME_F_ID].at);
        struct cme_record u = {.rpt = le32_load(e + f[CME_F_RPT].at)};
        struct cme_instrument *n = cme_get(d->s, d->st, id, CME_BY_UPDATE);
        if (!n) {
            d->s->stats.unknown_ids++;
            continue;
        }
        if (!cme_rpt(d->s, d->st, n, u.rpt, d->seq))
            continue;
        if (!n->book.whole)
            cme_update(d->s, n, &u, n->exp);
        if (m->t->kind == CME_K_TRADE)
            keep_trade(d, e, id);
    }
}

static void read_definition(const struct delivery *d)
{
    struct feed_msg o = {0};
    begin_msg(d, &o, FEED_INSTRUMENT);
    struct cme_stream *st = d->st;
    if (d->p->snapshot)
        st = cme_home(d->s, st, (int32_t)le32_load(d->m->root + CME_DEF_ID));
    if (!cme_define(d->s, st, d->m, !d->p->snapshot, &o)) {
        d->counters->bad_layouts += d->m->block > CME_DEF_UPDATE && d->m->root[CME_DEF_UPDATE] != 'D';
        return;
    }
    d->counters->instruments++;
    d->sink->on_msg(d->sink->ctx, d->p, &o);
}

// A message of a known template whose blocks are too short for it: what it said is lost.
static void bad_layout(const struct delivery *d)
{
    d->counters->bad_layouts++;
    if (!d->p->snapshot)
        cme_stream_lost(d->st);
}

static void live_message(const struct delivery *d)
{
    switch (d->m->t->kind) {
    case CME_K_BOOK:
        read_books(d);
        return;
    case CME_K_TRADE:
    case CME_K_COUNTED:
        read_counted(d);
        return;
    case CME_K_STATUS:
        cme_status(d->s, d->st, d->m);
        return;
    case CME_K_RESET:
        cme_reset_books(d->s, d->st);
        return;
    default:
        d->counters->other_messages++;
        return;
    }
}

static void one_message(const struct delivery *d)
{
    const struct cme_message *m = d->m;
    d->counters->messages++;
    if (m->t->kind == CME_K_UNKNOWN) {
        d->counters->other_messages++;
        d->counters->unknown_templates++;
        return;
    }
    if (!cme_layout_known(m)) {
        bad_layout(d);
        return;
    }
    if (m->t->kind == CME_K_DEFINITION)
        read_definition(d);
    else if (!d->p->snapshot)
        live_message(d);
    else if (m->t->kind == CME_K_SNAPSHOT)
        cme_join(d->s, cme_home(d->s, d->st, (int32_t)le32_load(m->root + m->t->root[CME_F_ID].at)), m);
    else
        d->counters->other_messages++;
    const struct cme_field *event = &m->t->root[CME_F_EVENT];
    if (d->p->snapshot || event->form == CME_NONE)
        return;
    d->st->open = !(m->root[event->at] & CME_END_OF_EVENT);
    if (!d->st->open)
        publish(d);
}

static void cme_broken(const struct protocol_ctx *c, uint16_t stream)
{
    struct cme_stream *st = cme_stream_get(c->state, stream);
    if (st)
        cme_stream_lost(st);
}

static void live_packet(struct cme_stream *st, const struct feed_packet *p)
{
    if (p->gap != 0 || p->restart)
        cme_stream_lost(st);
    st->life += p->restart;
    if (st->fresh || !st->heard)
        st->since = (uint32_t)p->seq;
    st->newest = (uint32_t)p->seq;
    st->heard = true;
    st->fresh = false;
}

static void read_packet(struct delivery *d)
{
    struct cme_parsed *parsed = &d->s->parsed;
    struct cme_message *m = &parsed->m;
    bool read = parsed->payload == d->p->payload;
    parsed->payload = NULL;
    d->m = m;
    for (size_t at = CME_PACKET_HEADER; at < d->p->len; at += m->len, d->idx++) {
        if (!read && !cme_read(d->p->payload + at, d->p->len - at, m))
            break;
        read = false;
        one_message(d);
    }
    if (d->s->pending.due)
        cme_walk_due(d->s, d->st);
    // What a snapshot has made whole goes out with the next live datagram, in the stream's order, and not
    // into an event.
    if (!d->p->snapshot && !d->st->open && d->st->head && d->idx != 0) {
        d->idx--;
        publish(d);
    }
}

static void count_room(struct protocol_state *s, struct feed_counters *n)
{
    struct cme_room *r = &s->sources.room;
    if ((r->refused | r->evicted) == 0)
        return;
    n->no_room += r->refused;
    n->evicted += r->evicted;
    *r = (struct cme_room){0};
}

static void cme_deliver(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip,
                        const struct feed_sink *sink)
{
    (void)skip; // packets are numbered
    struct protocol_state *s = c->state;
    const struct cme_stats *n = &s->stats;
    if (p->ts_ns > s->now_ns)
        s->now_ns = p->ts_ns;
    uint64_t unknown = n->unknown_ids;
    struct cme_stream *st = cme_stream_get(s, p->stream);
    if (st) {
        st->heard_ns = s->now_ns;
        s->budget = CME_RECORDS;
        cme_pending_begin(s);
        if (!p->snapshot)
            live_packet(st, p);
        read_packet(&(struct delivery){
            .s = s, .counters = c->counters, .st = st, .p = p, .sink = sink, .seq = (uint32_t)p->seq});
    }
    c->counters->unknown_ids += n->unknown_ids - unknown;
    count_room(s, c->counters);
}

const struct feed_protocol cme_protocol = {
    .name = "cme",
    .venue = VENUE_CME,
    .state_new = cme_state_new,
    .state_free = cme_state_free,
    .probe = cme_probe,
    .frame = cme_frame,
    .place = cme_place,
    .deliver = cme_deliver,
    .broken = cme_broken,
    .columns = CME_COLUMNS,
    .rows = cme_rows,
    .book = book,
    .counts = cme_named_counts,
    .quiet_ns = UINT64_C(90000000000), // three heartbeats of 30 s
    .lines_lag = true,
};
