// SPDX-License-Identifier: Apache-2.0
// Coinbase Derivatives multicast: prices, trades, definitions and best bids and asks out of a datagram.
// Layouts: cde_wire.h; meaning and hazards: docs/feeds-cde.md.
#include "feed/cde.h"

#include "feed/cde_seen.h"
#include "feed/cde_wire.h"
#include "feed/frame24_status.h"

#include <stdlib.h>
#include <string.h>

struct cde {
    struct f24_books *books;
    struct cde_seen *seen; // for cde_rows() only
};

static struct f24_books *books_of(const struct protocol_ctx *c)
{
    return ((struct cde *)(void *)c->state)->books;
}

static void cde_free(struct protocol_state *state)
{
    struct cde *s = (struct cde *)(void *)state;
    f24_books_free(s->books);
    cde_seen_free(s->seen);
    free(s);
}

static struct protocol_state *cde_new(void)
{
    struct cde *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->books = f24_books_new();
    s->seen = cde_seen_new();
    if (s->books && s->seen)
        return (struct protocol_state *)(void *)s;
    cde_free((struct protocol_state *)(void *)s);
    return NULL;
}

const struct f24_book_counts *cde_counts(const struct protocol_ctx *c)
{
    return f24_counts(books_of(c));
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

// A live price says whether it may be acted on: the instrument's status may have been lost since it was told.
static void emit_live(struct at_message *a)
{
    a->out.state = f24_status(a->chan, a->inst);
    a->out.has |= HAS_STATE;
    emit(a);
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

// The status that a definition tells, and the one that it has by what is known else. In a snapshot it is as
// of the snapshot's number.
static void define_status(struct at_message *a)
{
    if (!a->inst)
        return;
    if (a->p->snapshot)
        f24_status_snapshot(a->chan, a->inst, a->seq, a->out.state);
    else
        f24_status_live(a->inst, a->seq, a->out.state);
    a->out.state = f24_status(a->chan, a->inst);
}

// To those who were told that it is unknown.
static void status_found(struct at_message *a)
{
    if (!a->inst || !a->p->snapshot || !f24_status_found(a->chan, a->inst))
        return;
    a->out.kind = FEED_STATUS;
    a->out.name[0] = 0;
    emit(a);
}

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
    o->index_id = 0;
    if (d->size && d->size + 8u <= end)
        o->contract_size = f24_num(le_i64_load(a->m + d->size), -8);
    else
        o->contract_size = d->old_size ? contracts(a->m + d->old_size) : (struct feed_num){.form = NUM_NONE};
    if (o->instrument_id == 0 || !f24_name(o->name, a->m + d->symbol, SYMBOL_SIZE))
        return false;
    define_status(a);
    emit(a);
    status_found(a);
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
    a->out.bid.form = a->out.ask.form = a->out.last.form = NUM_NONE;
    a->out.has = f24_has(a->out.mark, HAS_MARK) | f24_has(a->out.index, HAS_INDEX);
    emit_live(a);
    return true;
}

static bool status(struct at_message *a)
{
    a->out.kind = FEED_STATUS;
    a->out.state = state_of(a->m[CDE_STATUS_TRADING_STATUS]);
    a->out.has = HAS_STATE;
    if (a->inst)
        f24_status_live(a->inst, a->seq, a->out.state);
    emit(a);
    return true;
}

// The trades follow, each with its amount: the summary says how far the price went.
static bool summary(struct at_message *a)
{
    a->out.kind = FEED_TRADE;
    a->out.last = f24_price(a->m + CDE_SUMMARY_DEEPEST_PRICE);
    a->out.has = f24_has(a->out.last, HAS_LAST);
    emit_live(a);
    return true;
}

static bool trade(struct at_message *a)
{
    a->out.kind = FEED_TRADE;
    a->out.last = f24_price(a->m + CDE_TRADE_PRICE);
    a->out.amount = contracts(a->m + CDE_TRADE_QUANTITY);
    a->out.has = f24_has(a->out.last, HAS_LAST) | f24_has(a->out.amount, HAS_AMOUNT);
    emit_live(a);
    return true;
}

// ---- books

static void quote(struct at_message *a, struct f24_inst *i)
{
    int64_t price, qty;
    struct feed_msg o;
    if (i->state == F24_WHOLE && a->p->snapshot && !f24_status_known(a->chan, i))
        return; // its next change tells it, and that its status is unknown
    feed_msg_begin(&o, VENUE_CDE, a->out.template_id, a->out.version, a->out.msg_idx);
    o.kind = FEED_QUOTE;
    o.ts_ns = a->out.ts_ns;
    o.instrument_id = (uint64_t)i->id;
    o.state = f24_status(a->chan, i);
    o.has = HAS_STATE;
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

// What the own sequence says of the status: it follows over a loss of the channel when nothing of this
// instrument was lost; else the status is in doubt unless a snapshot has told it since.
static void own_status(struct at_message *a, bool follows)
{
    if (follows)
        f24_status_vouch(a->inst, a->seq);
    else if (!f24_status_known(a->chan, a->inst))
        a->inst->status = 0;
}

// The instrument's own numbers, one up with each of its messages within a day: the second check for losses.
static void own_sequence(struct at_message *a)
{
    struct f24_inst *i = a->inst;
    uint32_t seq = le32_load(a->m + CDE_OWN_SEQ);
    uint16_t day = le16_load(a->m + CDE_DAY);
    bool same_day = i->own_known && i->own_day == day, follows = same_day && seq == i->own_seq + 1;
    bool since_break = i->own_epoch == a->chan->epoch;
    i->own_known = true;
    i->own_day = day;
    i->own_seq = seq;
    i->own_epoch = a->chan->epoch;
    if (!since_break)
        own_status(a, follows);
    if (!since_break || !same_day || follows)
        return;
    f24_counts(a->books)->own_gaps++;
    if (a->seq > i->status_seq + 1)
        f24_status_doubt(i, a->seq - 1);
    if (i->state != F24_WHOLE)
        f24_cover_from(a->books, i, a->seq);
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
    if (a->chan && id <= cde_layouts[CDE_L_STATUS].template_id) { // definitions tell it too
        if (!known)
            f24_status_unsure(a->chan, a->seq);
        else if (a->inst)
            f24_status_doubt(a->inst, a->seq);
    }
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
        a->out.ts_ns = cde_live_time(a->m);
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
    bool newer = i && (!f24_loading(a->books, i) || a->seq > i->anchor);
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
    struct at_message a;
    if (p->len <= F24_HEADER)
        return;
    a.books = books_of(c);
    a.n = c->counters;
    a.p = p;
    a.sink = sink;
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
        feed_msg_begin(&a.out, VENUE_CDE, le16_load(a.m + CDE_TEMPLATE), le16_load(a.m + CDE_VERSION_AT),
                       (uint16_t)idx);
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
    cde_print(out, p, skip, ((struct cde *)(void *)c->state)->seen);
}

static int book(const struct protocol_state *s, uint64_t id, bool bid, struct feed_level *out, unsigned max)
{
    const struct f24_books *b = ((const struct cde *)(const void *)s)->books;
    const struct f24_inst *i = f24_whole(b, (int64_t)id);
    unsigned n = 0;
    for (int64_t price = 0, qty; i && n < max; n++) {
        if (!f24_next(b, i, bid ? F24_BID : F24_ASK, n == 0, &price, &qty))
            break;
        out[n] = (struct feed_level){f24_num(price, -9), f24_num(qty, 0)};
    }
    return i ? (int)n : -1;
}

static size_t named_counts(const struct protocol_ctx *c, struct feed_count out[FEED_COUNTS])
{
    return f24_named_counts(cde_counts(c), out);
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
    .book = book,
    .counts = named_counts,
    .quiet_ns = CDE_QUIET_NS,
    .lines_lag = true,
};
