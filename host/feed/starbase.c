// SPDX-License-Identifier: Apache-2.0
// Deribit Starbase multicast: prices, trades, definitions and best bids and asks out of a datagram. Layouts:
// starbase_wire.h; meaning and hazards: docs/feeds-starbase.md.
#include "feed/starbase.h"

#include "feed/frame24_status.h"
#include "feed/starbase_wire.h"

#include <stdlib.h>
#include <string.h>

enum { INDEXES = 512, QTY_EXP_MAX = 18 };

struct index_name {
    int64_t id;
    char name[64];
};

struct starbase {
    struct f24_books *books;
    unsigned indexes;
    struct index_name index[INDEXES];
};

static struct starbase *own(const struct protocol_ctx *c)
{
    return (struct starbase *)(void *)c->state;
}

static struct protocol_state *starbase_new(void)
{
    struct starbase *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->books = f24_books_new();
    if (!s->books) {
        free(s);
        return NULL;
    }
    return (struct protocol_state *)(void *)s;
}

static void starbase_free(struct protocol_state *state)
{
    struct starbase *s = (struct starbase *)(void *)state;
    if (s)
        f24_books_free(s->books);
    free(s);
}

const struct f24_book_counts *starbase_counts(const struct protocol_ctx *c)
{
    return f24_counts(own(c)->books);
}

// ---- messages

// What the handlers of one message need.
struct at_message {
    struct starbase *s;
    struct feed_counters *n;
    const struct feed_packet *p;
    const struct feed_sink *sink;
    struct f24_chan *chan; // NULL: no room for its books
    const uint8_t *m;
    enum sb_layout layout;
    uint64_t seq;
    struct feed_msg out; // kind, venue, template_id, version, msg_idx, ts_ns are set
};

static void emit(struct at_message *a)
{
    a->n->tickers += a->out.kind == FEED_TICKER;
    a->n->indexes += a->out.kind == FEED_INDEX;
    a->n->instruments += a->out.kind == FEED_INSTRUMENT;
    a->sink->on_msg(a->sink->ctx, a->p, &a->out);
}

static uint8_t state_of(uint8_t status)
{
    return status == SB_STATUS_OPEN ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN;
}

static struct f24_inst *instrument(struct at_message *a, size_t at)
{
    return a->chan ? f24_inst(a->s->books, a->chan, le_i64_load(a->m + at)) : NULL;
}

// A live price says whether it may be acted on: i's status may have been lost since it was told.
static void emit_live(struct at_message *a, struct f24_inst *i)
{
    if (!a->p->snapshot) {
        a->out.state = f24_status(a->chan, i);
        a->out.has |= HAS_STATE;
    }
    emit(a);
}

// Absent until the instrument's definition has told the exponent.
static struct feed_num quantity(const struct f24_inst *i, int64_t mantissa)
{
    return i && i->qty_exp_known ? f24_num(mantissa, i->qty_exp) : (struct feed_num){.form = NUM_NONE};
}

static struct index_name *index_find(struct starbase *s, int64_t id)
{
    for (unsigned k = 0; k < s->indexes; k++)
        if (s->index[k].id == id)
            return &s->index[k];
    return NULL;
}

static bool index_definition(struct at_message *a)
{
    char name[64];
    int64_t id = le_i64_load(a->m + SB_INDEX_DEFINITION_ID);
    if (!f24_name(name, a->m + SB_INDEX_DEFINITION_NAME, SB_INSTRUMENT_INDEX - SB_INSTRUMENT_NAME))
        return false;
    struct index_name *x = index_find(a->s, id);
    if (!x && a->s->indexes < INDEXES)
        x = &a->s->index[a->s->indexes++];
    if (x) {
        x->id = id;
        memcpy(x->name, name, sizeof name);
    }
    a->n->other_messages++;
    return true;
}

static bool index_info(struct at_message *a)
{
    int64_t id = le_i64_load(a->m + SB_INDEX_INFO_ID);
    const struct index_name *x = index_find(a->s, id);
    a->out.kind = FEED_INDEX;
    a->out.instrument_id = (uint64_t)id;
    a->out.index = f24_price(a->m + SB_INDEX_INFO_PRICE);
    a->out.has = f24_has(a->out.index, HAS_INDEX);
    if (x)
        memcpy(a->out.name, x->name, sizeof x->name);
    emit(a);
    return true;
}

// Whether the id at this offset can name an instrument; it becomes the message's.
static bool take_id(struct at_message *a, size_t at)
{
    int64_t id = le_i64_load(a->m + at);
    a->out.instrument_id = (uint64_t)id;
    return id > 0;
}

static bool info(struct at_message *a)
{
    bool old = a->layout != SB_L_INFO;
    a->out.kind = FEED_TICKER;
    a->out.mark = f24_price(a->m + (old ? SB_INFO_OLD_MARK : SB_INFO_MARK));
    a->out.index = old ? f24_price(a->m + SB_INFO_OLD_INDEX) : (struct feed_num){.form = NUM_NONE};
    a->out.bid.form = a->out.ask.form = a->out.last.form = NUM_NONE;
    a->out.has = f24_has(a->out.mark, HAS_MARK) | f24_has(a->out.index, HAS_INDEX);
    if (!take_id(a, SB_INFO_ID))
        return false;
    emit_live(a, instrument(a, SB_INFO_ID));
    return true;
}

static bool status(struct at_message *a)
{
    a->out.kind = FEED_STATUS;
    a->out.state = state_of(a->m[SB_STATUS_STATUS]);
    a->out.has = HAS_STATE;
    if (!take_id(a, SB_STATUS_ID))
        return false;
    struct f24_inst *i = instrument(a, SB_STATUS_ID);
    if (i && !a->p->snapshot)
        f24_status_live(i, a->seq, a->out.state);
    emit(a);
    return true;
}

static uint8_t kind_of(uint8_t type)
{
    static const uint8_t kinds[] = {[SB_PERPETUAL] = 0,    [SB_OPTION] = 1,       [SB_SPOT] = 4,
                                    [SB_FUTURE_COMBO] = 2, [SB_OPTION_COMBO] = 3, [SB_DATED] = 0};
    return kinds[type];
}

// The status that a definition tells, and the one that it has by what is known else. In a snapshot it is as
// of the anchor.
static void define_status(struct at_message *a, struct f24_inst *i)
{
    if (!i)
        return;
    if (!a->p->snapshot)
        f24_status_live(i, a->seq, a->out.state);
    else
        f24_status_snapshot(a->chan, i, a->chan->snap_id == i->id ? a->chan->snap_anchor : 0, a->out.state);
    a->out.state = f24_status(a->chan, i);
}

// To those who were told that it is unknown, as of now: the definition's own time is that of its making.
static void status_found(struct at_message *a, struct f24_inst *i)
{
    if (!i || !a->p->snapshot || !f24_status_found(a->chan, i))
        return;
    a->out.kind = FEED_STATUS;
    a->out.name[0] = 0;
    a->out.ts_ns = le64_load(a->p->payload + F24_SENDING);
    emit(a);
}

static bool definition(struct at_message *a)
{
    bool v0 = a->layout == SB_L_INSTRUMENT_V0;
    const uint8_t *m = a->m;
    uint8_t type = m[v0 ? SB_INSTRUMENT_V0_TYPE : SB_INSTRUMENT_TYPE];
    uint32_t flags = v0 ? le32_load(m + SB_INSTRUMENT_V0_FLAGS) : m[SB_INSTRUMENT_FLAGS];
    int8_t exponent = (int8_t)m[v0 ? SB_INSTRUMENT_V0_EXPONENT : SB_INSTRUMENT_EXPONENT];
    const uint8_t *name = m + (v0 ? SB_INSTRUMENT_V0_NAME : SB_INSTRUMENT_NAME);
    const size_t name_size = SB_INSTRUMENT_INDEX - SB_INSTRUMENT_NAME;
    if (!take_id(a, SB_INSTRUMENT_ID) || type > SB_DATED || exponent < -QTY_EXP_MAX || exponent > QTY_EXP_MAX)
        return false;
    struct f24_inst *i = instrument(a, SB_INSTRUMENT_ID);
    if (i) {
        i->qty_exp = exponent;
        i->qty_exp_known = true;
    }
    struct feed_msg *o = &a->out;
    o->kind = FEED_INSTRUMENT;
    o->inst_kind = kind_of(type);
    o->inst_type = flags & SB_REVERSED ? 1 : type == SB_OPTION || type == SB_OPTION_COMBO ? 0 : 2;
    o->index_id = v0 ? 0 : le64_load(m + SB_INSTRUMENT_INDEX);
    o->tick = f24_price(m + (v0 ? SB_INSTRUMENT_V0_TICK : SB_INSTRUMENT_TICK));
    o->state = state_of(m[v0 ? SB_INSTRUMENT_V0_STATUS : SB_INSTRUMENT_STATUS]);
    o->has = HAS_STATE;
    o->contract_size.form = NUM_NONE;
    if (!f24_name(o->name, name, name_size))
        return false;
    define_status(a, i);
    emit(a);
    status_found(a, i);
    return true;
}

// The fills follow, each with its amount: the summary says how far the price went, and who it was.
static bool summary(struct at_message *a)
{
    bool v0 = a->layout == SB_L_SUMMARY_V0;
    struct feed_msg *o = &a->out;
    o->kind = FEED_TRADE;
    o->last = f24_price(a->m + SB_SUMMARY_DEEPEST);
    o->mark = f24_price(a->m + SB_SUMMARY_MARK);
    o->index = f24_price(a->m + SB_SUMMARY_INDEX);
    o->has = f24_has(o->last, HAS_LAST) | f24_has(o->mark, HAS_MARK) | f24_has(o->index, HAS_INDEX);
    if (le32_load(a->m + (v0 ? SB_SUMMARY_V0_FLAGS : SB_SUMMARY_FLAGS)) & SB_IS_LIQUIDATION)
        o->has |= HAS_LIQUIDATION;
    if (!take_id(a, SB_SUMMARY_ID))
        return false;
    emit_live(a, instrument(a, SB_SUMMARY_ID));
    return true;
}

static bool trade(struct at_message *a)
{
    struct feed_msg *o = &a->out;
    if (!take_id(a, SB_TRADE_ID))
        return false;
    struct f24_inst *i = instrument(a, SB_TRADE_ID);
    o->kind = FEED_TRADE;
    o->last = f24_price(a->m + SB_TRADE_PRICE);
    o->amount = quantity(i, le_i64_load(a->m + SB_TRADE_QTY));
    o->has = f24_has(o->last, HAS_LAST) | f24_has(o->amount, HAS_AMOUNT);
    if (le32_load(a->m + SB_TRADE_FLAGS) & SB_IS_LIQUIDATION)
        o->has |= HAS_LIQUIDATION;
    emit_live(a, i);
    return true;
}

// Agreed off the book: its price is no last price.
static bool block_trade(struct at_message *a)
{
    struct feed_msg *o = &a->out;
    if (!take_id(a, SB_BLOCK_ID))
        return false;
    o->kind = FEED_TRADE;
    o->last = f24_price(a->m + SB_BLOCK_PRICE);
    o->mark = f24_price(a->m + SB_BLOCK_MARK);
    o->index = f24_price(a->m + SB_BLOCK_INDEX);
    struct f24_inst *i = instrument(a, SB_BLOCK_ID);
    o->amount = quantity(i, le_i64_load(a->m + SB_BLOCK_QTY));
    o->has = f24_has(o->mark, HAS_MARK) | f24_has(o->index, HAS_INDEX) | f24_has(o->amount, HAS_AMOUNT);
    if (le32_load(a->m + SB_BLOCK_FLAGS) & SB_IS_LIQUIDATION)
        o->has |= HAS_LIQUIDATION;
    emit_live(a, i);
    return true;
}

// ---- books

// A price without a quantity exponent is still a price.
static void quote(struct at_message *a, struct f24_inst *i)
{
    int64_t price, qty;
    struct feed_msg o;
    if (i->state == F24_WHOLE && a->p->snapshot && !f24_status_known(a->chan, i))
        return; // its next change tells it, and that its status is unknown
    feed_msg_begin(&o, VENUE_STARBASE, a->out.template_id, a->out.version, a->out.msg_idx);
    o.kind = FEED_QUOTE;
    o.ts_ns = a->out.ts_ns;
    o.instrument_id = (uint64_t)i->id;
    o.state = f24_status(a->chan, i);
    o.has = HAS_STATE;
    if (f24_best(a->s->books, i, F24_BID, &price, &qty)) {
        o.has |= HAS_BID;
        o.bid = f24_num(price, -9);
        o.bid_amount = quantity(i, qty);
    }
    if (f24_best(a->s->books, i, F24_ASK, &price, &qty)) {
        o.has |= HAS_ASK;
        o.ask = f24_num(price, -9);
        o.ask_amount = quantity(i, qty);
    }
    // A book that is not whole says so once.
    if (i->state == F24_WHOLE || i->shown)
        a->sink->on_msg(a->sink->ctx, a->p, &o);
    i->shown = i->state == F24_WHOLE;
}

static void quotes(struct at_message *a)
{
    for (struct f24_inst *i; (i = f24_touched(a->s->books, a->chan));)
        quote(a, i);
}

static void snapshot_abandon(struct starbase *s, struct f24_chan *c)
{
    if (c->loading)
        f24_load_abandon(s->books, c->loading);
    c->loading = NULL;
    c->snap_id = 0;
}

static bool snapshot_header(struct at_message *a)
{
    int64_t anchor = le_i64_load(a->m + SB_HEADER_ANCHOR);
    if (!take_id(a, SB_HEADER_ID) || anchor < 0)
        return false;
    if (!a->p->snapshot || !a->chan)
        return true;
    snapshot_abandon(a->s, a->chan);
    struct f24_inst *i = instrument(a, SB_HEADER_ID);
    if (i && f24_load_begin(a->s->books, i, (uint64_t)anchor))
        a->chan->loading = i;
    a->chan->snap_id = (int64_t)a->out.instrument_id;
    a->chan->snap_anchor = (uint64_t)anchor;
    return true;
}

static bool snapshot_trailer(struct at_message *a)
{
    if (!take_id(a, SB_TRAILER_ID))
        return false;
    struct f24_inst *i = a->chan ? a->chan->loading : NULL;
    if (!a->chan || !a->p->snapshot)
        return true;
    a->chan->snap_id = 0;
    if (!i)
        return true;
    if (i->id != le_i64_load(a->m + SB_TRAILER_ID) || i->anchor != le64_load(a->m + SB_TRAILER_ANCHOR))
        snapshot_abandon(a->s, a->chan);
    a->chan->loading = NULL;
    if (f24_load_end(a->s->books, i) && !a->chan->open)
        quotes(a);
    return true;
}

// The layouts of all book changes have the order at the same place, and so on.
static bool book_change(struct at_message *a, enum f24_op op, enum f24_side side)
{
    enum { ORDER = SB_PUT_ORDER, ID = SB_PUT_ID, QTY = SB_PUT_QTY };
    _Static_assert((int)SB_REDUCED_ORDER == ORDER && (int)SB_DELETE_ORDER == ORDER &&
                       (int)SB_REDUCED_ID == ID && (int)SB_DELETE_ID == ID && (int)SB_REDUCED_QTY == QTY,
                   "fields of book changes");
    if (!take_id(a, ID))
        return false;
    if (!a->chan)
        return true;
    struct f24_event e = {
        .seq = a->seq, .op = (uint8_t)op, .side = (uint8_t)side, .order = le_i64_load(a->m + ORDER)};
    if (op != F24_DELETE)
        e.qty = le_i64_load(a->m + QTY);
    if (op == F24_PUT)
        e.price = le_i64_load(a->m + SB_PUT_PRICE);
    struct f24_inst *i = a->chan->loading;
    if (!a->p->snapshot) {
        i = instrument(a, ID);
        if (i)
            f24_change(a->s->books, i, &e);
    } else if (i && i->id == (int64_t)a->out.instrument_id && op == F24_PUT) {
        f24_load_order(a->s->books, i, side, e.order, e.price, e.qty);
    } else {
        snapshot_abandon(a->s, a->chan);
    }
    return true;
}

// False when the message cannot mean what its template says.
static bool handle(struct at_message *a)
{
    switch (a->layout) {
    case SB_L_INSTRUMENT_V0:
    case SB_L_INSTRUMENT:
        return definition(a);
    case SB_L_INDEX_DEFINITION:
        return index_definition(a);
    case SB_L_INDEX_INFO:
        return index_info(a);
    case SB_L_INFO_V0:
    case SB_L_INFO:
    case SB_L_INFO_MAY:
        return info(a);
    case SB_L_STATUS_V0:
    case SB_L_STATUS:
        return status(a);
    case SB_L_BID_PUT_V0:
    case SB_L_BID_PUT:
        return book_change(a, F24_PUT, F24_BID);
    case SB_L_ASK_PUT_V0:
    case SB_L_ASK_PUT:
        return book_change(a, F24_PUT, F24_ASK);
    case SB_L_BID_REDUCED:
        return book_change(a, F24_REDUCE, F24_BID);
    case SB_L_ASK_REDUCED:
        return book_change(a, F24_REDUCE, F24_ASK);
    case SB_L_BID_DELETE:
        return book_change(a, F24_DELETE, F24_BID);
    case SB_L_ASK_DELETE:
        return book_change(a, F24_DELETE, F24_ASK);
    case SB_L_SUMMARY_V0:
    case SB_L_SUMMARY:
        return summary(a);
    case SB_L_TRADE:
        return trade(a);
    case SB_L_BLOCK:
    case SB_L_BLOCK_V2:
        return block_trade(a);
    case SB_L_SNAPSHOT_HEADER:
        return snapshot_header(a);
    case SB_L_SNAPSHOT_TRAILER:
        return snapshot_trailer(a);
    case SB_L_BAD:
        return false;
    default:
        a->n->unknown_templates += a->layout == SB_L_UNKNOWN;
        a->n->other_messages++;
        return true;
    }
}

// A change that cannot be read leaves a hole in a book, or in what is known of a status; whose it was cannot
// be trusted either.
static void refuse(struct at_message *a)
{
    unsigned id = le16_load(a->m + SB_TEMPLATE);
    a->n->bad_layouts++;
    bool status = id == starbase_layouts[SB_L_STATUS].template_id ||
                  (id == starbase_layouts[SB_L_STATUS_V0].template_id && a->out.version == 0);
    if (a->chan && !a->p->snapshot && status)
        f24_status_unsure(a->chan, a->seq);
    if (!a->chan || id < starbase_layouts[SB_L_BID_PUT].template_id ||
        id > starbase_layouts[SB_L_ASK_DELETE].template_id)
        return;
    if (a->p->snapshot)
        snapshot_abandon(a->s, a->chan);
    else
        f24_unsure(a->s->books, a->chan, a->seq);
}

// Quotes are given at the end of a transaction: no half of one is used.
static void transaction(struct at_message *a)
{
    unsigned flags = le16_load(a->m + SB_FLAGS);
    if (a->p->snapshot || !a->chan)
        return;
    if (flags & SB_START)
        a->chan->open = true;
    if (flags & SB_END) {
        a->chan->open = false;
        quotes(a);
    }
}

static void message(struct at_message *a, size_t len, unsigned idx)
{
    uint64_t time = le64_load(a->m + SB_TIME);
    a->n->messages++;
    a->layout = starbase_layout(a->m, len);
    feed_msg_begin(&a->out, VENUE_STARBASE, le16_load(a->m + SB_TEMPLATE), le16_load(a->m + SB_VERSION),
                   (uint16_t)idx);
    a->out.ts_ns = time <= INT64_MAX ? time : 0;
    if (!handle(a))
        refuse(a);
    transaction(a);
}

// Puts the datagram into its channel's order; a loss on the snapshots' own sequence leaves the live books
// alone.
static void begin(struct at_message *a, uint32_t skip)
{
    const struct feed_packet *p = a->p;
    bool lost = p->gap != 0 || p->restart;
    if (!a->chan)
        return;
    if (p->snapshot) {
        if (lost)
            snapshot_abandon(a->s, a->chan);
        return;
    }
    if (p->restart)
        f24_restart(a->s->books, a->chan);
    else if (lost)
        f24_break_channel(a->s->books, a->chan);
    f24_live(a->s->books, a->chan, p->seq + skip, p->seq + le16_load(p->payload + SB_COUNT));
}

// The packet is known to be whole.
static void starbase_deliver(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip,
                             const struct feed_sink *sink)
{
    struct at_message a;
    if (p->len <= F24_HEADER)
        return;
    a.s = own(c);
    a.n = c->counters;
    a.p = p;
    a.sink = sink;
    a.chan = f24_chan(a.s->books, p->stream);
    begin(&a, skip);
    unsigned idx = 0;
    for (size_t at = F24_HEADER, n; at < p->len; at += n, idx++) {
        n = f24_message(p->payload, p->len, at, SB_MSG_HEADER);
        if (n == 0)
            return;
        a.m = p->payload + at;
        a.seq = p->seq + idx;
        if (idx >= skip)
            message(&a, n, idx);
    }
}

static void starbase_broken(const struct protocol_ctx *c, uint16_t stream)
{
    struct starbase *s = own(c);
    struct f24_chan *chan = f24_chan(s->books, stream);
    if (chan)
        f24_break_channel(s->books, chan);
}

static void starbase_rows(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip, FILE *out)
{
    (void)c;
    starbase_print(out, p, skip);
}

static int book(const struct protocol_state *s, uint64_t id, bool bid, struct feed_level *out, unsigned max)
{
    const struct f24_books *b = ((const struct starbase *)(const void *)s)->books;
    const struct f24_inst *i = f24_whole(b, (int64_t)id);
    unsigned n = 0;
    for (int64_t price = 0, qty; i && n < max; n++) {
        if (!f24_next(b, i, bid ? F24_BID : F24_ASK, n == 0, &price, &qty))
            break;
        out[n] = (struct feed_level){f24_num(price, -9), quantity(i, qty)};
    }
    return i ? (int)n : -1;
}

static size_t named_counts(const struct protocol_ctx *c, struct feed_count out[FEED_COUNTS])
{
    return f24_named_counts(starbase_counts(c), out);
}

const struct feed_protocol starbase_protocol = {
    .name = "starbase",
    .venue = VENUE_STARBASE,
    .state_new = starbase_new,
    .state_free = starbase_free,
    .probe = starbase_probe,
    .frame = starbase_frame,
    .deliver = starbase_deliver,
    .broken = starbase_broken,
    .columns = SB_COLUMNS,
    .rows = starbase_rows,
    .book = book,
    .counts = named_counts,
    .quiet_ns = SB_QUIET_NS,
};
