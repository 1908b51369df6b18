// SPDX-License-Identifier: Apache-2.0
// Deribit legacy multicast: price messages out of a datagram. Layouts and hazards: docs/feeds.md.
#include "feed/deribit_walk.h"
#include "feed/deribit_wire.h"
#include "feed/protocol.h"
#include "feed/wire.h"

#include <math.h>
#include <string.h>

// Bounds of the probe only. The walk itself accepts whatever its lengths allow.
enum {
    PROBE_TEMPLATE_MIN = T_INSTRUMENT,
    PROBE_TEMPLATE_MAX = T_INSTRUMENT + 99, // room for templates of later schema versions
    PROBE_VERSION_MAX = 63,
    PROBE_GROUPS_MAX = 15,
    PROBE_VARS_MAX = 15,
};

enum layout { LAYOUT_OTHER, LAYOUT_TICKER, LAYOUT_QUOTE, LAYOUT_INDEX, LAYOUT_INSTRUMENT, LAYOUT_BAD };

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
static enum layout ticker_layout(const struct deribit_message *m)
{
    if (m->block_len == QUOTE_BLOCK)
        return LAYOUT_QUOTE;
    if (m->version >= 2)
        return m->block_len >= TICKER_BLOCK ? LAYOUT_TICKER : LAYOUT_BAD;
    return m->block_len > QUOTE_BLOCK && m->block_len < TICKER_BLOCK ? LAYOUT_QUOTE : LAYOUT_BAD;
}

static enum layout layout_of(const struct deribit_message *m)
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
    default:
        return LAYOUT_OTHER;
    }
}

// Exchange time of the messages that carry one in their root; 0 otherwise.
static uint64_t message_ms(const struct deribit_message *m)
{
    switch (m->template_id) {
    case T_BOOK:
        return m->block_len >= BOOK_BLOCK ? le64_load(m->block + BOOK_TS) : 0;
    case T_SNAPSHOT:
        return m->block_len >= SNAPSHOT_BLOCK ? le64_load(m->block + SNAPSHOT_TS) : 0;
    default:
        break;
    }
    switch (layout_of(m)) {
    case LAYOUT_TICKER:
        return le64_load(m->block + TICKER_TS);
    case LAYOUT_QUOTE:
        return le64_load(m->block + QUOTE_TS);
    case LAYOUT_INDEX:
        return le64_load(m->block + INDEX_TS);
    default:
        return 0;
    }
}

static uint32_t if_price(double v, enum feed_has bit)
{
    return isfinite(v) ? (uint32_t)bit : 0;
}
// An empty side of the book is sent as 0.0.
static uint32_t if_quote(double v, enum feed_has bit)
{
    return isfinite(v) && v != 0.0 ? (uint32_t)bit : 0;
}

static void read_ticker(const uint8_t *b, struct feed_msg *o)
{
    o->kind = FEED_TICKER;
    o->instrument_id = le32_load(b + TICKER_ID);
    o->state = b[TICKER_STATE];
    o->ts_ms = le64_load(b + TICKER_TS);
    o->last = le_double_load(b + TICKER_LAST);
    o->index = le_double_load(b + TICKER_INDEX);
    o->mark = le_double_load(b + TICKER_MARK);
    o->bid = le_double_load(b + TICKER_BID);
    o->bid_amount = le_double_load(b + TICKER_BID_AMOUNT);
    o->ask = le_double_load(b + TICKER_ASK);
    o->ask_amount = le_double_load(b + TICKER_ASK_AMOUNT);
    o->has = HAS_STATE | if_price(o->mark, HAS_MARK) | if_price(o->index, HAS_INDEX) |
             if_price(o->last, HAS_LAST) | if_quote(o->bid, HAS_BID) | if_quote(o->ask, HAS_ASK);
}

static void read_quote(const uint8_t *b, struct feed_msg *o)
{
    o->kind = FEED_TICKER;
    o->instrument_id = le32_load(b + QUOTE_ID);
    o->ts_ms = le64_load(b + QUOTE_TS);
    o->bid = le_double_load(b + QUOTE_BID);
    o->bid_amount = le_double_load(b + QUOTE_BID_AMOUNT);
    o->ask = le_double_load(b + QUOTE_ASK);
    o->ask_amount = le_double_load(b + QUOTE_ASK_AMOUNT);
    o->mark = o->index = o->last = (double)NAN;
    o->has = if_quote(o->bid, HAS_BID) | if_quote(o->ask, HAS_ASK);
}

// Copies a name of at most n bytes, ended by NUL or n. False when it is empty, does not fit, or holds bytes
// that no symbol has: it ends up in files, logs and look-ups.
static bool read_name(char out[static 64], const uint8_t *p, size_t n)
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
    o->index = le_double_load(b + INDEX_PRICE);
    o->ts_ms = le64_load(b + INDEX_TS);
    o->has = if_price(o->index, HAS_INDEX);
    return read_name(o->name, b + INDEX_NAME, INDEX_NAME_SIZE);
}

static bool read_instrument(const struct deribit_message *m, struct feed_msg *o)
{
    const uint8_t *b = m->block;
    const uint8_t *tail = m->template_id == T_INSTRUMENT ? b : b - INSTRUMENT_V2_SHIFT;
    o->kind = FEED_INSTRUMENT;
    o->instrument_id = le32_load(b + INSTRUMENT_ID);
    o->state = b[INSTRUMENT_STATE];
    o->inst_kind = b[INSTRUMENT_KIND];
    o->inst_type = b[INSTRUMENT_TYPE];
    o->contract_size = le_double_load(tail + INSTRUMENT_CONTRACT);
    o->tick = le_double_load(tail + INSTRUMENT_TICK);
    o->has = HAS_STATE;
    return read_name(o->name, m->text + 1, m->text[0]);
}

static bool read_message(const struct deribit_message *m, enum layout l, struct feed_msg *o)
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

// All messages are known to be whole.
static void deliver(const struct protocol_ctx *c, const struct feed_packet *p, const struct feed_sink *sink)
{
    struct deribit_message m;
    uint16_t idx = 0;
    for (size_t at = FRAME_HEADER; at < p->len; at += m.len, idx++) {
        if (!deribit_walk(p->payload + at, p->len - at, &m))
            return;
        c->counters->messages++;
        enum layout l = layout_of(&m);
        if (l == LAYOUT_OTHER) {
            c->counters->other_messages++;
            continue;
        }
        struct feed_msg o = {.template_id = m.template_id, .version = m.version, .msg_idx = idx};
        if (!read_message(&m, l, &o)) {
            c->counters->bad_layouts++;
            continue;
        }
        count_message(c->counters, o.kind);
        sink->on_msg(sink->ctx, p, &o);
    }
}

// Walks every message. False when the packet does not end where its last message does.
static bool check_messages(const struct feed_packet *p, uint64_t *newest_ms)
{
    struct deribit_message m;
    *newest_ms = 0;
    for (size_t at = FRAME_HEADER; at < p->len; at += m.len) {
        if (!deribit_walk(p->payload + at, p->len - at, &m))
            return false;
        uint64_t ms = message_ms(&m);
        if (ms > *newest_ms)
            *newest_ms = ms;
    }
    return true;
}

static enum feed_drop deribit_decode(const struct protocol_ctx *c, struct feed_packet *p,
                                     const struct feed_sink *sink)
{
    uint64_t newest_ms;
    if (p->len < FRAME_HEADER || le16_load(p->payload + FRAME_LENGTH) != p->len - FRAME_HEADER)
        return DROP_BAD_LENGTH;
    if (!check_messages(p, &newest_ms))
        return DROP_BAD_MESSAGE;
    p->channel = le16_load(p->payload + FRAME_CHANNEL);
    p->snapshot = p->channel >= SNAPSHOT_CHANNELS;
    p->stream = (uint16_t)(p->channel - (p->snapshot ? SNAPSHOT_CHANNELS : 0));
    p->seq = le32_load(p->payload + FRAME_SEQ);
    struct channel *ch = channel_get(c->channels, p->dst_ip, p->dst_port, p->channel);
    if (!ch)
        return DROP_CHANNELS;
    enum channel_verdict v = channel_step(ch, p->seq, newest_ms, &p->gap);
    p->duplicate = v == CHANNEL_DUPLICATE;
    p->restart = v == CHANNEL_RESTART;
    c->counters->duplicates += p->duplicate;
    c->counters->restarts += p->restart;
    c->counters->gaps += p->gap != 0;
    c->counters->missing += p->gap;
    if (!p->duplicate)
        deliver(c, p, sink);
    sink->on_end(sink->ctx, p);
    return DROP_NONE;
}

const struct feed_protocol deribit_protocol = {"deribit", deribit_probe, deribit_decode};
