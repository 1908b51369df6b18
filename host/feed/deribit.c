// SPDX-License-Identifier: Apache-2.0
// Deribit legacy multicast: price messages out of a datagram. Layouts and hazards: docs/feeds.md.
#include "feed/deribit.h"

#include "base/warm.h"
#include "feed/deribit_wire.h"
#include "feed/wire.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

// Bounds of the probe only. The walk itself accepts whatever its lengths allow.
enum {
    PROBE_TEMPLATE_MIN = T_INSTRUMENT,
    PROBE_TEMPLATE_MAX = T_INSTRUMENT + 99, // room for templates of later schema versions
    PROBE_VERSION_MAX = 63,
    PROBE_GROUPS_MAX = 15,
    PROBE_VARS_MAX = 15,
};

static bool deribit_probe(const uint8_t *p, size_t len)
{
    if (len < FRAME_HEADER + MSG_HEADER)
        return false;
    const uint8_t *m = p + FRAME_HEADER;
    uint16_t template_id = le16_load(m + MSG_TEMPLATE);
    uint16_t version = le16_load(m + MSG_VERSION);
    return le16_load(m + MSG_SCHEMA) == DERIBIT_SCHEMA && template_id >= PROBE_TEMPLATE_MIN &&
           template_id <= PROBE_TEMPLATE_MAX && version >= 1 && version <= PROBE_VERSION_MAX &&
           le16_load(m + MSG_GROUPS) <= PROBE_GROUPS_MAX && le16_load(m + MSG_VARS) <= PROBE_VARS_MAX;
}

// Template 1003 has two layouts. 44 bytes can only be the quote and 133 or more of version 2 only the ticker;
// a version 1 that has grown keeps its prefix. Anything else fits neither and is not guessed at.
static enum deribit_layout ticker_layout(const struct deribit_message *m)
{
    if (m->block_len == QUOTE_BLOCK)
        return LAYOUT_QUOTE;
    if (m->version >= 2)
        return m->block_len >= TICKER_BLOCK ? LAYOUT_TICKER : LAYOUT_BAD;
    return m->block_len > QUOTE_BLOCK && m->block_len < TICKER_BLOCK ? LAYOUT_QUOTE : LAYOUT_BAD;
}

// Whether the message has a root of that length and one flat group with entries of that length.
static bool has_group(const struct deribit_message *m, unsigned block, unsigned entry)
{
    const uint8_t *g = m->block + m->block_len; // whole, by the walk
    return m->block_len >= block && m->groups >= 1 && le16_load(g + GROUP_BLOCK) >= entry &&
           le16_load(g + GROUP_GROUPS) == 0 && le16_load(g + GROUP_VARS) == 0;
}

enum deribit_layout deribit_layout(const struct deribit_message *m)
{
    switch (m->template_id) {
    case T_TICKER:
        return ticker_layout(m);
    case T_PRICE_INDEX:
        return m->block_len >= INDEX_BLOCK ? LAYOUT_INDEX : LAYOUT_BAD;
    case T_INSTRUMENT:
        return m->block_len >= INSTRUMENT_BLOCK && m->vars >= 1 ? LAYOUT_INSTRUMENT : LAYOUT_BAD;
    case T_INSTRUMENT_V2:
        return m->block_len >= INSTRUMENT_V2_BLOCK && m->vars >= 1 ? LAYOUT_INSTRUMENT : LAYOUT_BAD;
    case T_BOOK:
        return has_group(m, BOOK_BLOCK, BOOK_ENTRY) ? LAYOUT_BOOK : LAYOUT_BAD;
    case T_SNAPSHOT:
        return has_group(m, SNAPSHOT_BLOCK, SNAPSHOT_ENTRY) ? LAYOUT_SNAPSHOT : LAYOUT_BAD;
    case T_TRADES:
        return has_group(m, TRADES_BLOCK, TRADES_ENTRY_MIN) ? LAYOUT_TRADES : LAYOUT_BAD;
    default:
        return LAYOUT_OTHER;
    }
}

// Exchange time of the messages that carry one in their root; 0 otherwise.
static uint64_t message_ms(const struct deribit_message *m)
{
    enum deribit_layout l;
    switch (m->template_id) {
    case T_TICKER:
        l = ticker_layout(m);
        return l == LAYOUT_BAD ? 0 : le64_load(m->block + (l == LAYOUT_TICKER ? TICKER_TS : QUOTE_TS));
    case T_PRICE_INDEX:
        return m->block_len >= INDEX_BLOCK ? le64_load(m->block + INDEX_TS) : 0;
    case T_BOOK:
        return m->block_len >= BOOK_BLOCK ? le64_load(m->block + BOOK_TS) : 0;
    case T_SNAPSHOT:
        return m->block_len >= SNAPSHOT_BLOCK ? le64_load(m->block + SNAPSHOT_TS) : 0;
    default:
        return 0;
    }
}

// As deribit_walk(). Most messages have neither groups nor strings, and end with their root.
static inline bool walk(const uint8_t *p, size_t len, struct deribit_message *m)
{
    static_assert(MSG_VARS == MSG_GROUPS + 2, "both counts in one load");
    if (len < MSG_HEADER || le16_load(p + MSG_SCHEMA) != DERIBIT_SCHEMA || le32_load(p + MSG_GROUPS) != 0)
        return deribit_walk(p, len, m);
    m->block_len = le16_load(p + MSG_BLOCK);
    m->template_id = le16_load(p + MSG_TEMPLATE);
    m->version = le16_load(p + MSG_VERSION);
    m->groups = m->vars = 0;
    m->block = p + MSG_HEADER;
    m->text = m->block + m->block_len;
    m->len = (size_t)MSG_HEADER + m->block_len;
    return m->len <= len;
}

static struct feed_num number(const uint8_t *at)
{
    return (struct feed_num){.v.f = le_double_load(at), .form = NUM_DOUBLE};
}
static uint32_t if_price(struct feed_num n, enum feed_has bit)
{
    return isfinite(n.v.f) ? (uint32_t)bit : 0;
}
// An empty side of the book is sent as 0.0.
static uint32_t if_quote(struct feed_num n, enum feed_has bit)
{
    return isfinite(n.v.f) && n.v.f != 0.0 ? (uint32_t)bit : 0;
}

// A time that does not fit is a lie: it becomes the latest that there is.
static uint64_t ns_of(uint64_t ms)
{
    return ms <= UINT64_MAX / 1000000u ? ms * 1000000u : UINT64_MAX;
}

static uint8_t state_of(uint8_t code)
{
    return code == STATE_OPEN ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN;
}

static void read_ticker(const uint8_t *b, struct feed_msg *o)
{
    o->kind = FEED_TICKER;
    o->instrument_id = le32_load(b + TICKER_ID);
    o->state = state_of(b[TICKER_STATE]);
    o->ts_ns = ns_of(le64_load(b + TICKER_TS));
    o->last = number(b + TICKER_LAST);
    o->index = number(b + TICKER_INDEX);
    o->mark = number(b + TICKER_MARK);
    o->bid = number(b + TICKER_BID);
    o->bid_amount = number(b + TICKER_BID_AMOUNT);
    o->ask = number(b + TICKER_ASK);
    o->ask_amount = number(b + TICKER_ASK_AMOUNT);
    o->has = HAS_STATE | if_price(o->mark, HAS_MARK) | if_price(o->index, HAS_INDEX) |
             if_price(o->last, HAS_LAST) | if_quote(o->bid, HAS_BID) | if_quote(o->ask, HAS_ASK);
}

static void read_quote(const uint8_t *b, struct feed_msg *o)
{
    o->kind = FEED_TICKER;
    o->instrument_id = le32_load(b + QUOTE_ID);
    o->ts_ns = ns_of(le64_load(b + QUOTE_TS));
    o->bid = number(b + QUOTE_BID);
    o->bid_amount = number(b + QUOTE_BID_AMOUNT);
    o->ask = number(b + QUOTE_ASK);
    o->ask_amount = number(b + QUOTE_ASK_AMOUNT);
    o->mark.form = o->index.form = o->last.form = NUM_NONE;
    o->has = if_quote(o->bid, HAS_BID) | if_quote(o->ask, HAS_ASK);
}

bool deribit_name(char out[static 64], const uint8_t *p, size_t n)
{
    size_t len = 0;
    for (; len < n && p[len] != 0; len++) {
        if (len + 1 >= 64 || p[len] <= ' ' || p[len] > '~' || p[len] == ',' || p[len] == '"')
            return false;
        out[len] = (char)p[len];
    }
    out[len] = 0;
    return len != 0;
}

static bool read_index(const uint8_t *b, struct feed_msg *o)
{
    o->kind = FEED_INDEX;
    o->index = number(b + INDEX_PRICE);
    o->ts_ns = ns_of(le64_load(b + INDEX_TS));
    o->has = if_price(o->index, HAS_INDEX);
    return deribit_name(o->name, b + INDEX_NAME, INDEX_NAME_SIZE);
}

static bool read_instrument(const struct deribit_message *m, struct feed_msg *o)
{
    const uint8_t *b = m->block;
    const uint8_t *tail = m->template_id == T_INSTRUMENT ? b : b - INSTRUMENT_V2_SHIFT;
    o->kind = FEED_INSTRUMENT;
    o->instrument_id = le32_load(b + INSTRUMENT_ID);
    o->state = state_of(b[INSTRUMENT_STATE]);
    o->inst_kind = b[INSTRUMENT_KIND];
    o->inst_type = b[INSTRUMENT_TYPE];
    o->contract_size = number(tail + INSTRUMENT_CONTRACT);
    o->tick = number(tail + INSTRUMENT_TICK);
    o->index_id = 0;
    o->has = HAS_STATE;
    return deribit_name(o->name, m->text + 1, m->text[0]);
}

static bool read_message(const struct deribit_message *m, enum deribit_layout l, struct feed_msg *o)
{
    switch (l) {
    case LAYOUT_TICKER:
        read_ticker(m->block, o);
        return true;
    case LAYOUT_QUOTE:
        read_quote(m->block, o);
        return true;
    case LAYOUT_INDEX:
        return read_index(m->block, o);
    case LAYOUT_INSTRUMENT:
        return read_instrument(m, o);
    default:
        return false;
    }
}

static void count_message(struct feed_counters *n, uint8_t kind)
{
    n->tickers += kind == FEED_TICKER;
    n->indexes += kind == FEED_INDEX;
    n->instruments += kind == FEED_INSTRUMENT;
}

static void deliver_trades(const struct deribit_at *at, const struct deribit_message *m)
{
    const uint8_t *group = m->block + m->block_len;
    unsigned block = le16_load(group + GROUP_BLOCK), n = le16_load(group + GROUP_COUNT);
    const uint8_t *e = group + GROUP_HEADER;
    for (unsigned i = 0; i < n; i++, e += block) {
        struct feed_msg o;
        feed_msg_begin(&o, VENUE_DERIBIT, m->template_id, m->version, at->head->msg_idx);
        o.kind = FEED_TRADE;
        o.instrument_id = le32_load(m->block + TRADES_ID);
        o.ts_ns = ns_of(le64_load(e + TRADE_TS));
        o.last = number(e + TRADE_PRICE);
        o.amount = number(e + TRADE_AMOUNT);
        o.has = if_price(o.last, HAS_LAST) | if_price(o.amount, HAS_AMOUNT) |
                (e[TRADE_LIQUIDATION] ? (uint32_t)HAS_LIQUIDATION : 0);
        at->c->counters->trades++;
        at->sink->on_msg(at->sink->ctx, at->p, &o);
    }
}

// Messages that are no price themselves, or are walked past.
static void deliver_other(const struct deribit_at *at, const struct deribit_message *m, enum deribit_layout l)
{
    struct deribit_books *books = at->c->state->books;
    at->c->counters->other_messages++;
    if (l == LAYOUT_TRADES)
        deliver_trades(at, m);
    else if (l == LAYOUT_BOOK)
        deribit_book_change(books, at, m);
    else if (l == LAYOUT_SNAPSHOT)
        deribit_book_snapshot(books, at, m);
}

static bool is_known(uint16_t template_id)
{
    return template_id >= T_INSTRUMENT && template_id <= T_INSTRUMENT_V2;
}

static bool is_gone(uint8_t state)
{
    return state == STATE_CLOSED || state == STATE_SETTLED || state == STATE_DEACTIVATED;
}

// All messages are known to be whole.
static void deribit_deliver(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip,
                            const struct feed_sink *sink)
{
    struct deribit_message m;
    static const struct feed_msg nothing = {.venue = VENUE_DERIBIT};
    struct feed_msg *o = &c->state->msg;
    const struct deribit_at before = {c, p, &nothing, sink}, here = {c, p, o, sink};
    uint16_t idx = 0;
    (void)skip; // packets are numbered: none overlap
    deribit_books_packet(c->state->books, &before);
    for (size_t at = FRAME_HEADER; at < p->len; at += m.len, idx++) {
        if (!walk(p->payload + at, p->len - at, &m))
            return;
        c->counters->messages++;
        enum deribit_layout l = deribit_layout(&m);
        feed_msg_begin(o, VENUE_DERIBIT, m.template_id, m.version, idx);
        if (l == LAYOUT_OTHER || l == LAYOUT_TRADES || l == LAYOUT_BOOK || l == LAYOUT_SNAPSHOT) {
            o->ts_ns = ns_of(message_ms(&m));
            c->counters->unknown_templates += !is_known(m.template_id);
            deliver_other(&here, &m, l);
            continue;
        }
        if (!read_message(&m, l, o)) {
            c->counters->bad_layouts++;
            continue;
        }
        count_message(c->counters, o->kind);
        if (o->kind == FEED_INSTRUMENT && is_gone(m.block[INSTRUMENT_STATE]))
            deribit_book_forget(c->state->books, (uint32_t)o->instrument_id);
        sink->on_msg(sink->ctx, p, o);
    }
}

// Walks every message. False when the packet does not end where its last message does.
static bool check_messages(const uint8_t *payload, size_t len, uint64_t *newest_ms)
{
    struct deribit_message m;
    *newest_ms = 0;
    for (size_t at = FRAME_HEADER; at < len; at += m.len) {
        if (!walk(payload + at, len - at, &m))
            return false;
        uint64_t ms = message_ms(&m);
        if (ms > *newest_ms)
            *newest_ms = ms;
    }
    return true;
}

// Channels from 100 on are the snapshots', by the venue's numbering; but one that has a group of its own
// number on the events' port is an events channel, should the venue ever come to have so many. (The snapshots
// of channel N are in N's group.) Never by a packet's messages: most kinds come on both, and a stream must
// not be torn.
static bool is_snapshots(uint16_t channel, const struct packet_udp *u)
{
    bool own_group = (u->dst_ip & 0xff) == channel;
    bool events = u->dst_port == EVENTS_PORT || u->dst_port == EVENTS_PORT_TEST;
    return channel >= SNAPSHOT_CHANNELS && !(own_group && events);
}

static enum feed_drop deribit_frame(const uint8_t *payload, size_t len, const struct packet_udp *u,
                                    struct frame_info *out)
{
    uint64_t newest_ms;
    if (len < FRAME_HEADER)
        return DROP_BAD_LENGTH;
    out->channel = le16_load(payload + FRAME_CHANNEL);
    out->snapshot = is_snapshots(out->channel, u);
    out->stream = (uint16_t)(out->channel - (out->snapshot ? SNAPSHOT_CHANNELS : 0));
    out->line_by_group = true; // a relay's second group carries the same numbers
    out->addressed = true;
    if (le16_load(payload + FRAME_LENGTH) != len - FRAME_HEADER)
        return DROP_BAD_LENGTH;
    if (!check_messages(payload, len, &newest_ms))
        return DROP_BAD_MESSAGE;
    out->seq_bits = 32;
    out->seq = le32_load(payload + FRAME_SEQ);
    out->count = 1;
    out->exchange_ns = ns_of(newest_ms);
    return DROP_NONE;
}

static void deribit_broken(const struct protocol_ctx *c, uint16_t stream)
{
    deribit_books_broken(c->state->books, stream);
}

static int deribit_book(const struct protocol_state *s, uint64_t id, bool bid, struct feed_level *out,
                        unsigned max)
{
    return deribit_book_levels(s->books, id, bid, out, max);
}

static void deribit_warm(const struct protocol_state *s)
{
    warm(s, sizeof *s);
}

static void state_free(struct protocol_state *s)
{
    deribit_books_free(s->books);
    names_free(s->names);
    free(s);
}

static struct protocol_state *state_new(void)
{
    struct protocol_state *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->books = deribit_books_new();
    s->names = names_new();
    if (s->books && s->names)
        return s;
    state_free(s);
    return NULL;
}

const struct feed_protocol deribit_protocol = {.name = "deribit",
                                               .venue = VENUE_DERIBIT,
                                               .state_new = state_new,
                                               .state_free = state_free,
                                               .probe = deribit_probe,
                                               .frame = deribit_frame,
                                               .deliver = deribit_deliver,
                                               .broken = deribit_broken,
                                               .columns = DERIBIT_COLUMNS,
                                               .rows = deribit_rows,
                                               .book = deribit_book,
                                               .warm = deribit_warm};
