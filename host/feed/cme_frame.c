// SPDX-License-Identifier: Apache-2.0
#include "feed/cme_frame.h"

#include "feed/cme_source.h"
#include "feed/cme_state.h"

// Bounds of the probe only. Messages behind the first may have any template.
enum {
    PROBE_TEMPLATE_MAX = 127,
    PROBE_VERSION_MAX = 63,
};

bool cme_probe(const uint8_t *p, size_t len)
{
    if (len < CME_PACKET_HEADER + CME_MSG_HEADER)
        return false;
    const uint8_t *m = p + CME_PACKET_HEADER;
    unsigned size = le16_load(m + CME_MSG_SIZE), block = le16_load(m + CME_MSG_BLOCK);
    unsigned template_id = le16_load(m + CME_MSG_TEMPLATE), version = le16_load(m + CME_MSG_VERSION);
    return le16_load(m + CME_MSG_SCHEMA) == CME_SCHEMA && template_id >= CME_CHANNEL_RESET &&
           template_id <= PROBE_TEMPLATE_MAX && version >= 1 && version <= PROBE_VERSION_MAX &&
           size >= CME_MSG_HEADER + block && size <= len - CME_PACKET_HEADER &&
           block >= cme_template(template_id)->block;
}

// What a datagram's messages say of the feed that brought it.
struct content {
    int feed;        // enum cme_feed; CME_UNTOLD: only heartbeats
    bool definition; // CME_LIVE or CME_DEFINITIONS by a definition: the group's word is better
    bool reset;
};

// Nearly every message is of the live feed by its template alone.
static inline bool is_live(const struct cme_message *m)
{
    return m->t->kind >= CME_K_BOOK && m->t->kind <= CME_K_STATUS;
}

static void message_feed(const struct cme_message *m, struct content *c)
{
    uint32_t reports = CME_UINT_NULL;
    switch (m->t->kind) {
    case CME_K_SNAPSHOT:
        c->feed = CME_BOOKS;
        return;
    case CME_K_SNAPSHOT_ORDERS:
        c->feed = CME_ORDERS_FEED;
        return;
    case CME_K_DEFINITION:
        // Only the replay says how many there are.
        if (m->block >= CME_DEF_UPDATE)
            reports = le32_load(m->root + CME_DEF_REPORTS);
        c->feed = reports != CME_UINT_NULL && reports != 0 ? CME_DEFINITIONS : CME_LIVE;
        c->definition = true;
        return;
    default:
        c->feed = m->template_id == CME_HEARTBEAT ? CME_UNTOLD : CME_LIVE;
    }
}

__attribute__((always_inline)) static inline enum feed_drop
read_content(const uint8_t *p, size_t len, struct content *c, struct cme_parsed *parsed)
{
    struct cme_message later, *m = &parsed->m;
    *c = (struct content){CME_UNTOLD, false, false};
    parsed->payload = NULL;
    if (len < CME_PACKET_HEADER + CME_MSG_HEADER)
        return DROP_BAD_LENGTH;
    for (size_t at = CME_PACKET_HEADER; at < len; at += m->len) {
        if (at != CME_PACKET_HEADER)
            m = &later;
        if (!cme_walk(p + at, len - at, m))
            return DROP_BAD_MESSAGE;
        if (c->feed == CME_UNTOLD && is_live(m))
            c->feed = CME_LIVE;
        else if (c->feed == CME_UNTOLD)
            message_feed(m, c);
        c->reset |= m->t->kind == CME_K_RESET;
    }
    parsed->payload = p;
    return DROP_NONE;
}

// Address and content together; CME_UNTOLD: neither knows (heartbeats).
static int feed_of(int told, const struct content *c)
{
    return c->feed == CME_UNTOLD || (c->definition && told != CME_UNTOLD) ? told : c->feed;
}

// feed: CME_UNTOLD is taken for live. What of the number the datagram itself says is filled in by
// set_number().
static inline void set_address(struct frame_info *out, uint16_t stream, uint8_t line, int feed)
{
    out->stream = stream;
    out->line = line;
    out->snapshot = feed != CME_LIVE && feed != CME_UNTOLD;
    out->channel = (uint16_t)(out->snapshot ? stream + feed : stream);
    // Recovery feeds are loops whose numbers begin anew with each round, and a round may be one packet long.
    // All that they say is whole in its message, so that neither order nor copies matter.
    out->unordered = out->snapshot;
    out->addressed = true;
}

static inline void set_number(struct frame_info *out, const uint8_t *p, bool reset)
{
    out->reset = reset && !out->snapshot;
    out->seq_bits = 32;
    out->seq = le32_load(p + CME_SEQ);
    out->count = 1;
    out->exchange_ns = le64_load(p + CME_SENT);
}

enum feed_drop cme_frame(const uint8_t *p, size_t len, const struct packet_udp *u, struct frame_info *out)
{
    struct cme_source by;
    struct cme_parsed parsed;
    struct content c;
    cme_source_address(u, &by);
    enum feed_drop why = read_content(p, len, &c, &parsed);
    set_address(out, by.stream, by.line, why == DROP_NONE ? feed_of(by.told, &c) : by.told);
    if (why == DROP_NONE)
        set_number(out, p, c.reset);
    return why;
}

// A heartbeat has a number of the feed that it is of, and says no more. What its source has sent tells: of a
// source of several feeds the live one's number follows. One that nobody can tell is nobody's: its number
// must not be taken for a loss of live datagrams.
static int heartbeat_feed(const struct cme_source *c, uint32_t seq)
{
    bool live = c->live && (!c->recovery || seq == c->next);
    return live ? CME_LIVE : CME_BOOKS;
}

__attribute__((noinline)) static void compare(struct protocol_state *s, struct cme_source *c,
                                              const uint8_t *p, size_t len)
{
    struct cme_source_news news;
    cme_source_live(&s->sources, c, p, len, &news);
    if (news.split)
        cme_stream_doubt(s, news.doubtful);
    if (news.merged)
        cme_stream_forget(s, news.gone);
}

enum feed_drop cme_place(struct protocol_state *s, const uint8_t *p, size_t len, const struct packet_udp *u,
                         struct frame_info *out)
{
    struct content content;
    struct cme_source *c = cme_source_get(&s->sources, u);
    if (!c) {
        s->parsed.payload = NULL;
        return cme_frame(p, len, u, out);
    }
    enum feed_drop why = read_content(p, len, &content, &s->parsed);
    if (why != DROP_NONE) {
        set_address(out, c->stream, c->line, c->told);
        return why;
    }
    c->recent = true;
    int feed = feed_of(c->told, &content);
    if (feed == CME_UNTOLD)
        feed = heartbeat_feed(c, le32_load(p + CME_SEQ));
    if (feed == CME_LIVE) {
        if (content.feed != CME_UNTOLD && (c->compare != 0 || !c->live))
            compare(s, c, p, len);
        c->next = le32_load(p + CME_SEQ) + 1;
    } else {
        c->recovery |= content.feed != CME_UNTOLD;
    }
    set_address(out, c->stream, c->line, feed);
    set_number(out, p, content.reset);
    return DROP_NONE;
}
