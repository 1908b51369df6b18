// SPDX-License-Identifier: Apache-2.0
// Coinbase Derivatives multicast: prices, trades, definitions and best bids and asks out of a datagram.
// Layouts: cde_wire.h; meaning and hazards: docs/feeds-cde.md.
#include "feed/cde.h"

#include "feed/cde_wire.h"

#include <stdlib.h>
#include <string.h>

// Bounds of the probe only.
enum { PROBE_TEMPLATE_MAX = 999, PROBE_VERSION_MAX = 63 };

static struct f24_books *books_of(const struct protocol_ctx *c)
{
    return (struct f24_books *)(void *)c->state;
}

static struct protocol_state *cde_new(void)
{
    return (struct protocol_state *)(void *)f24_books_new();
}

static void cde_free(struct protocol_state *state)
{
    f24_books_free((struct f24_books *)(void *)state);
}

const struct f24_book_counts *cde_counts(const struct protocol_ctx *c)
{
    return f24_counts(books_of(c));
}

// ---- probe and frame

// False when the payload does not begin with a packet header whose every field is in its range.
static bool packet_header(const uint8_t *p, size_t len, struct f24_packet *h)
{
    if (len < F24_HEADER)
        return false;
    h->sending_ns = le64_load(p + F24_SENDING);
    h->seq = le64_load(p + F24_SEQ);
    h->channel = le16_load(p + CDE_CHANNEL);
    h->bits = p[CDE_BITS];
    h->count = p[CDE_COUNT];
    h->instrument = (int32_t)le32_load(p + CDE_INSTRUMENT_ID);
    return h->channel != 0 && f24_bits_known(h->bits) && h->seq < F24_SEQ_MAX && h->sending_ns <= INT64_MAX;
}

static bool cde_probe(const uint8_t *p, size_t len)
{
    struct f24_packet h;
    if (!packet_header(p, len, &h))
        return false;
    // A heartbeat has nothing but this header to be known by.
    if (h.count == 0 || len < F24_HEADER + CDE_MSG_HEADER)
        return h.count == 0 && len == F24_HEADER && (h.instrument == 0 || h.bits == F24_SNAPSHOT);
    const uint8_t *m = p + F24_HEADER;
    unsigned id = le16_load(m + CDE_TEMPLATE);
    // Requests and their rejects are between two hosts: their number is of no stream.
    return le16_load(m + CDE_SCHEMA) == CDE_SCHEMA_ID && le16_load(m + F24_LENGTH) >= CDE_MSG_HEADER &&
           id != 0 && id <= PROBE_TEMPLATE_MAX && id != CDE_T_RETRANSMIT_REQUEST &&
           id != CDE_T_RETRANSMIT_REJECT && le16_load(m + CDE_VERSION_AT) <= PROBE_VERSION_MAX;
}

// Exchange time of a live message; 0 where it is too short to have one.
static uint64_t live_time(const uint8_t *m)
{
    uint64_t t = 0;
    if (CDE_MSG_HEADER + (size_t)le16_load(m + CDE_BLOCK) >= CDE_INSTRUMENT_END)
        t = le64_load(m + CDE_TIME);
    return t <= INT64_MAX ? t : 0;
}

static enum feed_drop cde_frame(const uint8_t *p, size_t len, const struct packet_udp *u,
                                struct frame_info *out)
{
    struct f24_packet h;
    (void)u;
    if (!packet_header(p, len, &h))
        return DROP_BAD_LENGTH;
    out->channel = out->stream = h.channel;
    out->snapshot = out->unordered = h.bits == F24_SNAPSHOT;
    // Nobody says which groups are line A and which B. Retransmitted packets come to a host, not to a group.
    out->line_by_group = h.bits == F24_LIVE;
    out->addressed = true;
    unsigned count = 0;
    uint64_t newest = 0;
    for (size_t at = F24_HEADER, n; at < len; at += n, count++) {
        n = cde_message(p, len, at);
        if (n == 0)
            return DROP_BAD_MESSAGE;
        uint64_t t = out->snapshot ? 0 : live_time(p + at);
        newest = t > newest ? t : newest;
    }
    if (count != h.count)
        return DROP_BAD_LENGTH;
    out->heartbeat = count == 0;
    out->seq_bits = 64;
    out->seq = h.seq;
    out->count = count;
    out->exchange_ns = count == 0 ? 0 : out->snapshot ? h.sending_ns : newest;
    return DROP_NONE;
}

// ---- messages

// What the handlers of one message need.
struct at_message {
    struct f24_books *books;
    struct feed_counters *n;
    const struct feed_packet *p;
    const struct feed_sink *sink;
    struct f24_chan *chan; // NULL: no room for its books
    struct f24_inst *inst; // NULL: no room for its book
    const uint8_t *m;
    enum cde_layout layout;
    uint64_t seq;        // live: of the message; snapshot: of the newest live message in it
    struct feed_msg out; // kind, venue, template_id, version, msg_idx, ts_ns, instrument_id are set
};

static void emit(struct at_message *a)
{
    a->n->tickers += a->out.kind == FEED_TICKER;
    a->n->instruments += a->out.kind == FEED_INSTRUMENT;
    a->sink->on_msg(a->sink->ctx, a->p, &a->out);
}

static uint8_t state_of(uint8_t status)
{
    return status == CDE_STATUS_OPEN ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN;
}

static struct feed_num contracts(const uint8_t *p)
{
    int32_t n = (int32_t)le32_load(p);
    return n == INT32_MIN ? (struct feed_num){.form = NUM_NONE} : f24_num(n, 0);
}

// Where the definitions and the snapshots' starts have what they share.
struct definition_at {
    uint16_t symbol, tick, old_size, size, status; // 0: not there
    uint8_t inst_kind;
};
enum { SYMBOL_SIZE = CDE_OUTRIGHT_PRODUCT_CODE - CDE_OUTRIGHT_SYMBOL };

static bool define(struct at_message *a, const struct definition_at *d)
{
    struct feed_msg *o = &a->out;
    size_t end = CDE_MSG_HEADER + (size_t)le16_load(a->m + CDE_BLOCK);
    o->kind = FEED_INSTRUMENT;
    o->inst_kind = d->inst_kind;
    o->inst_type = d->inst_kind == 1 ? 0 : 2;
    o->tick = f24_price(a->m + d->tick);
    o->state = state_of(a->m[d->status]);
    o->has = HAS_STATE;
    if (d->size && d->size + 8u <= end)
        o->contract_size = f24_num(le_i64_load(a->m + d->size), -8);
    else if (d->old_size)
        o->contract_size = contracts(a->m + d->old_size);
    if (o->instrument_id == 0 || !f24_name(o->name, a->m + d->symbol, SYMBOL_SIZE))
        return false;
    emit(a);
    return true;
}

static bool definition(struct at_message *a)
{
    static const struct definition_at outright = {
        CDE_OUTRIGHT_SYMBOL,        CDE_OUTRIGHT_TICK_SIZE,      CDE_OUTRIGHT_OLD_CONTRACT_SIZE,
        CDE_OUTRIGHT_CONTRACT_SIZE, CDE_OUTRIGHT_TRADING_STATUS, 0};
    static const struct definition_at spread = {CDE_SPREAD_SYMBOL,
                                                CDE_SPREAD_TICK_SIZE,
                                                CDE_SPREAD_OLD_CONTRACT_SIZE,
                                                0,
                                                CDE_SPREAD_TRADING_STATUS,
                                                2};
    static const struct definition_at option = {
        CDE_OPTION_SYMBOL, CDE_OPTION_SMALL_TICK, 0, 0, CDE_OPTION_TRADING_STATUS, 1};
    return define(a, a->layout == CDE_L_OUTRIGHT ? &outright : a->layout == CDE_L_SPREAD ? &spread : &option);
}

static bool funding(struct at_message *a)
{
    a->out.kind = FEED_TICKER;
    a->out.mark = f24_price(a->m + CDE_FUNDING_MARK);
    a->out.index = f24_price(a->m + CDE_FUNDING_SPOT);
    a->out.has = f24_has(a->out.mark, HAS_MARK) | f24_has(a->out.index, HAS_INDEX);
    emit(a);
    return true;
}

static bool status(struct at_message *a)
{
    a->out.kind = FEED_STATUS;
    a->out.state = state_of(a->m[CDE_STATUS_TRADING_STATUS]);
    a->out.has = HAS_STATE;
    emit(a);
    return true;
}

// The trades follow, each with its amount: the summary says how far the price went.
static bool summary(struct at_message *a)
{
    a->out.kind = FEED_TRADE;
    a->out.last = f24_price(a->m + CDE_SUMMARY_DEEPEST_PRICE);
    a->out.has = f24_has(a->out.last, HAS_LAST);
    emit(a);
    return true;
}

static bool trade(struct at_message *a)
{
    a->out.kind = FEED_TRADE;
    a->out.last = f24_price(a->m + CDE_TRADE_PRICE);
    a->out.amount = contracts(a->m + CDE_TRADE_QUANTITY);
    a->out.has = f24_has(a->out.last, HAS_LAST) | f24_has(a->out.amount, HAS_AMOUNT);
    emit(a);
    return true;
}

// ---- books

static void quote(struct at_message *a, struct f24_inst *i)
{
    int64_t price, qty;
    struct feed_msg o = {.kind = FEED_QUOTE,
                         .venue = VENUE_CDE,
                         .template_id = a->out.template_id,
                         .version = a->out.version,
                         .msg_idx = a->out.msg_idx,
                         .ts_ns = a->out.ts_ns,
                         .instrument_id = (uint64_t)i->id};
    if (f24_best(a->books, i, F24_BID, &price, &qty)) {
        o.has |= HAS_BID;
        o.bid = f24_num(price, -9);
        o.bid_amount = f24_num(qty, 0);
    }
    if (f24_best(a->books, i, F24_ASK, &price, &qty)) {
        o.has |= HAS_ASK;
        o.ask = f24_num(price, -9);
        o.ask_amount = f24_num(qty, 0);
    }
    // A book that is not whole says so once.
    if (i->state == F24_WHOLE || i->shown)
        a->sink->on_msg(a->sink->ctx, a->p, &o);
    i->shown = i->state == F24_WHOLE;
}

static void quotes(struct at_message *a)
{
    for (struct f24_inst *i; (i = f24_touched(a->books, a->chan));)
        quote(a, i);
}

static bool book_change(struct at_message *a, enum f24_op op)
{
    _Static_assert((int)CDE_DELETE_ORDER_ID == (int)CDE_PUT_ORDER_ID, "fields of book changes");
    int side = (int8_t)a->m[CDE_SIDE];
    struct f24_event e = {.seq = a->seq, .op = (uint8_t)op, .order = le_i64_load(a->m + CDE_PUT_ORDER_ID)};
    // A delete need not know the side.
    e.side = side == CDE_BUY ? F24_BID : side == CDE_SELL ? F24_ASK : F24_ASK + 1;
    if (op == F24_PUT) {
        if (e.side > F24_ASK)
            return false;
        e.price = le_i64_load(a->m + CDE_PUT_PRICE);
        e.qty = (int32_t)le32_load(a->m + CDE_PUT_QUANTITY);
    }
    if (a->inst)
        f24_change(a->books, a->inst, &e);
    return true;
}

// The instrument's own numbers, one up with each of its messages within a day: the second check for losses.
static void own_sequence(struct at_message *a)
{
    struct f24_inst *i = a->inst;
    uint32_t seq = le32_load(a->m + CDE_OWN_SEQ);
    uint16_t day = le16_load(a->m + CDE_DAY);
    bool gap = i->own_known && i->own_day == day && seq != i->own_seq + 1;
    i->own_known = true;
    i->own_day = day;
    i->own_seq = seq;
    if (!gap)
        return;
    f24_counts(a->books)->own_gaps++;
    if (i->state != F24_WHOLE)
        i->cover_from = a->seq;
    else if (a->seq > i->anchor + 1)
        f24_break(a->books, i, a->seq - 1);
}

static void clear_flags(struct at_message *a)
{
    if (a->m[CDE_FLAGS] & CDE_CLEAR)
        f24_change(a->books, a->inst, &(struct f24_event){.seq = a->seq, .op = F24_CLEAR});
    else if (a->m[CDE_FLAGS] & CDE_CLEAR_OTHER)
        f24_break(a->books, a->inst, a->seq);
}

// False when the message cannot mean what its template says.
static bool handle_live(struct at_message *a)
{
    switch (a->layout) {
    case CDE_L_OUTRIGHT:
    case CDE_L_SPREAD:
    case CDE_L_OPTION:
        return definition(a);
    case CDE_L_STATUS:
        return status(a);
    case CDE_L_PUT:
        return book_change(a, F24_PUT);
    case CDE_L_DELETE:
        return book_change(a, F24_DELETE);
    case CDE_L_SUMMARY:
        return summary(a);
    case CDE_L_TRADE:
        return trade(a);
    case CDE_L_FUNDING:
        return funding(a);
    case CDE_L_BAD:
        return false;
    default:
        a->n->unknown_templates += a->layout == CDE_L_UNKNOWN;
        a->n->other_messages++;
        return true;
    }
}

// What was refused may have changed a book: this one, or, where the message does not say whose, any.
static void refuse(struct at_message *a, bool known)
{
    a->n->bad_layouts++;
    unsigned id = a->out.template_id;
    if (!a->chan || (id != cde_layouts[CDE_L_PUT].template_id && id != cde_layouts[CDE_L_DELETE].template_id))
        return;
    if (!known)
        f24_unsure(a->books, a->chan, a->seq);
    else if (a->inst)
        f24_break(a->books, a->inst, a->seq);
}

static void live_message(struct at_message *a)
{
    // Every live message begins with the instrument header, those of later versions too.
    bool known = a->out.template_id < CDE_T_SNAPSHOTS &&
                 CDE_MSG_HEADER + (size_t)le16_load(a->m + CDE_BLOCK) >= CDE_INSTRUMENT_END &&
                 le32_load(a->m + CDE_ID) != 0;
    a->inst = NULL;
    if (known) {
        int32_t id = (int32_t)le32_load(a->m + CDE_ID);
        a->out.instrument_id = (uint32_t)id;
        a->out.ts_ns = live_time(a->m);
        a->inst = a->chan ? f24_inst(a->books, a->chan, (uint32_t)id) : NULL;
    }
    if (a->inst) {
        own_sequence(a);
        clear_flags(a);
    }
    bool expected = known || a->layout >= CDE_LAYOUTS || a->out.template_id >= CDE_T_SNAPSHOTS;
    if (!expected || !handle_live(a))
        refuse(a, known);
    if (!known || !a->chan)
        return;
    // Quotes are given at the end of a transaction: no half of one is used.
    if (a->m[CDE_FLAGS] & CDE_START)
        a->chan->open = true;
    if (a->m[CDE_FLAGS] & CDE_FINISH) {
        a->chan->open = false;
        quotes(a);
    }
}

// ---- snapshots

static bool snapshot_start(struct at_message *a)
{
    static const struct definition_at outright = {CDE_START_OUTRIGHT_SYMBOL,
                                                  CDE_START_OUTRIGHT_TICK_SIZE,
                                                  CDE_START_OUTRIGHT_OLD_CONTRACT_SIZE,
                                                  CDE_START_OUTRIGHT_CONTRACT_SIZE,
                                                  CDE_START_OUTRIGHT_TRADING_STATUS,
                                                  0};
    static const struct definition_at spread = {CDE_START_SPREAD_SYMBOL,
                                                CDE_START_SPREAD_TICK_SIZE,
                                                CDE_START_SPREAD_OLD_CONTRACT_SIZE,
                                                0,
                                                CDE_START_SPREAD_TRADING_STATUS,
                                                2};
    static const struct definition_at option = {
        CDE_START_OPTION_SYMBOL, CDE_START_OPTION_SMALL_TICK, 0, 0, CDE_START_OPTION_TRADING_STATUS, 1};
    bool is_outright = a->layout == CDE_L_START_OUTRIGHT, is_spread = a->layout == CDE_L_START_SPREAD;
    size_t count_at = is_outright ? CDE_START_OUTRIGHT_ORDER_COUNT
                      : is_spread ? CDE_START_SPREAD_ORDER_COUNT
                                  : CDE_START_OPTION_ORDER_COUNT;
    struct f24_inst *i = a->inst;
    // What is under way goes on when this is the other line's copy, or an older one that lags.
    bool newer = i && (i->state != F24_LOADING || a->seq > i->anchor);
    if (newer && f24_load_begin(a->books, i, a->seq)) {
        i->load_next = 1;
        i->load_want = (int32_t)le32_load(a->m + count_at);
    }
    return define(a, is_outright ? &outright : is_spread ? &spread : &option);
}

// Whether the message is the next one of the snapshot under way; copies and what follows a hole are not. The
// other line, or the next cycle where nothing has changed since, may fill the hole.
static bool snapshot_next(struct at_message *a)
{
    struct f24_inst *i = a->inst;
    if (!i || i->state != F24_LOADING || i->anchor != a->seq ||
        le16_load(a->m + CDE_ORDER_SNAPSHOT_SEQ_NUM) != i->load_next)
        return false;
    i->load_next++;
    return true;
}

static bool snapshot_order(struct at_message *a)
{
    a->n->other_messages++;
    if (!snapshot_next(a))
        return true;
    int64_t qty = (int32_t)le32_load(a->m + CDE_ORDER_QUANTITY);
    f24_load_order(a->books, a->inst, qty < 0 ? F24_ASK : F24_BID, le_i64_load(a->m + CDE_ORDER_ORDER_ID),
                   le_i64_load(a->m + CDE_ORDER_PRICE), qty < 0 ? -qty : qty);
    return true;
}

static bool snapshot_end(struct at_message *a)
{
    a->n->other_messages++;
    if (!snapshot_next(a))
        return true;
    // The count also tells a snapshot that was put together of two.
    if (a->inst->orders != a->inst->load_want)
        f24_load_abandon(a->books, a->inst);
    else if (f24_load_end(a->books, a->inst) && !a->chan->open)
        quotes(a);
    return true;
}

static bool handle_snapshot(struct at_message *a)
{
    switch (a->layout) {
    case CDE_L_START_OUTRIGHT:
    case CDE_L_START_SPREAD:
    case CDE_L_START_OPTION:
        return snapshot_start(a);
    case CDE_L_ORDER:
        return snapshot_order(a);
    case CDE_L_END:
        return snapshot_end(a);
    case CDE_L_BAD:
        return false;
    default:
        a->n->unknown_templates += a->layout == CDE_L_UNKNOWN;
        a->n->other_messages++;
        return true;
    }
}

// A message of the snapshot that cannot be read is one that is missing: no later one is its successor.
static void snapshot_message(struct at_message *a)
{
    uint32_t id = le32_load(a->p->payload + CDE_INSTRUMENT_ID);
    a->out.instrument_id = id;
    a->out.ts_ns = le64_load(a->p->payload + F24_SENDING);
    a->inst = a->chan && id ? f24_inst(a->books, a->chan, id) : NULL;
    if (!handle_snapshot(a))
        a->n->bad_layouts++;
}

// ---- packets

// Snapshots are not in the live order; see frame().
static void begin(struct at_message *a, uint32_t skip)
{
    const struct feed_packet *p = a->p;
    if (!a->chan || p->snapshot)
        return;
    if (p->restart)
        f24_restart(a->books, a->chan);
    else if (p->gap)
        f24_break_channel(a->books, a->chan);
    f24_live(a->books, a->chan, p->seq + skip, p->seq + p->payload[CDE_COUNT]);
}

// The packet is known to be whole.
static void cde_deliver(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip,
                        const struct feed_sink *sink)
{
    struct at_message a = {.books = books_of(c), .n = c->counters, .p = p, .sink = sink};
    if (p->len <= F24_HEADER)
        return;
    a.chan = f24_chan(a.books, p->stream);
    begin(&a, skip);
    unsigned idx = 0;
    for (size_t at = F24_HEADER, n; at < p->len; at += n, idx++) {
        n = cde_message(p->payload, p->len, at);
        if (n == 0)
            return;
        if (idx < skip)
            continue;
        a.m = p->payload + at;
        a.seq = p->seq + (p->snapshot ? 0 : idx);
        a.layout = cde_layout(a.m);
        a.n->messages++;
        memset(&a.out, 0, sizeof a.out); // a compound literal would be made elsewhere and copied
        a.out.venue = VENUE_CDE;
        a.out.template_id = le16_load(a.m + CDE_TEMPLATE);
        a.out.version = le16_load(a.m + CDE_VERSION_AT);
        a.out.msg_idx = (uint16_t)idx;
        if (p->snapshot)
            snapshot_message(&a);
        else
            live_message(&a);
    }
}

static void cde_broken(const struct protocol_ctx *c, uint16_t stream)
{
    struct f24_chan *chan = f24_chan(books_of(c), stream);
    if (chan)
        f24_break_channel(books_of(c), chan);
}

static void cde_rows(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip, FILE *out)
{
    (void)c;
    cde_print(out, p, skip);
}

const struct feed_protocol cde_protocol = {
    .name = "cde",
    .venue = VENUE_CDE,
    .state_new = cde_new,
    .state_free = cde_free,
    .probe = cde_probe,
    .frame = cde_frame,
    .deliver = cde_deliver,
    .broken = cde_broken,
    .columns = CDE_COLUMNS,
    .rows = cde_rows,
    .quiet_ns = CDE_QUIET_NS,
    .lines_lag = true,
};
