// SPDX-License-Identifier: Apache-2.0
#include "feed/cme_source.h"

#include "feed/arbiter_line.h"
#include "feed/cme_wire.h"

// Ports say which channel it is: channel 310 is 14310 on line A and 15310 on line B for three feeds (live,
// snapshots, definitions), 23310 and 22310 for the snapshots of orders.
enum {
    PORT_A = 14000,
    PORT_B = 15000,
    PORT_ORDERS_A = 23000,
    PORT_ORDERS_B = 22000,
    PORT_CHANNELS = 1000,
    SEARCH = 64, // places looked at for one to give away
};

// CME's first channels, 310 to 330, have live groups 1 to 21, snapshots 21 above them, definitions 42 above
// them, in 224.0.31.0 and 224.0.32.0.
static enum cme_feed group_feed(uint32_t ip, unsigned channel)
{
    unsigned net = ip >> 8, host = (ip & 255) - (channel - 309);
    if ((net != 0xe0001f && net != 0xe00020) || channel < 310 || channel > 330)
        return CME_UNTOLD;
    return host == 0 ? CME_LIVE : host == 21 ? CME_BOOKS : host == 42 ? CME_DEFINITIONS : CME_UNTOLD;
}

void cme_source_address(const struct packet_udp *u, struct cme_source *out)
{
    static const struct {
        uint16_t port;
        uint8_t line;
        bool orders;
    } RANGES[] = {{PORT_A, 0, false}, {PORT_B, 1, false}, {PORT_ORDERS_A, 0, true}, {PORT_ORDERS_B, 1, true}};
    out->stream = u->dst_port;
    out->line = (u->dst_ip >> 8 & 255) == 32;
    out->told = CME_UNTOLD;
    out->by_port = false;
    for (unsigned i = 0; i < sizeof RANGES / sizeof RANGES[0]; i++) {
        unsigned channel = (unsigned)u->dst_port - RANGES[i].port;
        if (channel >= PORT_CHANNELS)
            continue;
        out->stream = (uint16_t)channel;
        out->line = RANGES[i].line;
        out->by_port = true;
        out->told = RANGES[i].orders ? CME_ORDERS_FEED : group_feed(u->dst_ip, channel);
        return;
    }
}

// ---- the table

static unsigned seek(const struct cme_sources *s, uint64_t to, uint32_t from)
{
    unsigned i = cme_source_slot(to, from);
    for (; s->slot[i] != 0; i = (i + 1) % CME_SOURCE_SLOTS) {
        const struct cme_source *c = &s->source[s->slot[i] - 1];
        if (c->to == to && c->from == from)
            break;
    }
    return i;
}

// Closes the hole in the probe sequence by moving back what would no longer be found.
static void unslot(struct cme_sources *s, unsigned hole)
{
    for (unsigned i = (hole + 1) % CME_SOURCE_SLOTS; s->slot[i] != 0; i = (i + 1) % CME_SOURCE_SLOTS) {
        const struct cme_source *c = &s->source[s->slot[i] - 1];
        unsigned home = cme_source_slot(c->to, c->from);
        if ((i - home) % CME_SOURCE_SLOTS >= (i - hole) % CME_SOURCE_SLOTS) {
            s->slot[hole] = s->slot[i];
            hole = i;
        }
    }
    s->slot[hole] = 0;
}

// A place for a new one: where there is none, that of one that was not heard while the search went round.
static struct cme_source *take(struct cme_sources *s)
{
    if (s->used < CME_SOURCES)
        return &s->source[s->used++];
    for (unsigned i = 0; i < SEARCH; i++) {
        struct cme_source *c = &s->source[s->hand];
        s->hand = (uint16_t)((s->hand + 1) % CME_SOURCES);
        if (!c->recent) {
            unslot(s, seek(s, c->to, c->from));
            s->room.evicted++;
            return c;
        }
        c->recent = false;
    }
    return NULL;
}

struct cme_source *cme_source_seek(struct cme_sources *s, const struct packet_udp *u)
{
    uint64_t to = cme_source_to(u);
    unsigned at = seek(s, to, u->src_ip);
    if (s->slot[at] != 0)
        return &s->source[s->slot[at] - 1];
    struct cme_source *c = take(s);
    if (!c) {
        s->room.refused++;
        return NULL;
    }
    s->orders++;
    *c = (struct cme_source){
        .to = to, .from = u->src_ip, .order = s->orders, .kin = s->orders, .recent = true};
    cme_source_address(u, c);
    s->slot[seek(s, to, u->src_ip)] = (uint16_t)(c - s->source + 1);
    return c;
}

// ---- channels

static bool has_line(const struct cme_sources *s, uint16_t stream, unsigned line,
                     const struct cme_source *but)
{
    for (unsigned i = 0; i < s->used; i++)
        if (&s->source[i] != but && s->source[i].live && s->source[i].stream == stream &&
            s->source[i].line == line)
            return true;
    return false;
}

// A number that is neither another source's channel nor its port.
static uint16_t own_key(struct cme_sources *s)
{
    bool taken = true;
    if (s->next_key < CME_KEY_FIRST)
        s->next_key = CME_KEY_FIRST;
    uint16_t key = s->next_key;
    for (unsigned tries = 0; taken && tries < 8; tries++) {
        key = s->next_key;
        s->next_key = key == UINT16_MAX ? CME_KEY_FIRST : (uint16_t)(key + 1);
        taken = false;
        for (unsigned i = 0; i < s->used; i++)
            taken |= s->source[i].stream == key || (uint16_t)s->source[i].to == key;
    }
    return key;
}

static void move(struct cme_sources *s, struct cme_source *c, uint16_t stream, bool by_port)
{
    c->stream = stream;
    c->by_port = by_port;
    c->conflicts = 0;
    c->peer = 0;
    if (has_line(s, stream, c->line, c) && !has_line(s, stream, !c->line, c))
        c->line = !c->line;
}

static void move_kin(struct cme_sources *s, uint32_t kin, uint16_t stream, bool by_port)
{
    for (unsigned i = 0; i < s->used; i++)
        if (s->source[i].live && s->source[i].kin == kin)
            move(s, &s->source[i], stream, by_port);
}

// Before anything proves it, a source is taken for a line of the channel that its port tells where another
// sends to the same group and port, or where CME's ports say that it is the other line.
static void first_live(struct cme_sources *s, struct cme_source *x)
{
    bool same = false, taken = false;
    for (unsigned i = 0; i < s->used; i++) {
        struct cme_source *c = &s->source[i];
        if (c == x || !c->live)
            continue;
        if (c->compare < CME_COMPARED)
            c->compare = CME_COMPARED;
        if (c->stream != x->stream)
            continue;
        if (!same) {
            x->peer = (uint16_t)(i + 1);
            x->peer_next = c->next;
        }
        same |= c->to == x->to;
        taken |= c->line == x->line || !x->by_port || !c->by_port;
    }
    x->live = true;
    x->compare = x->by_port ? CME_COMPARED : CME_COMPARE_ALWAYS;
    if (taken && !same) {
        move(s, x, own_key(s), false);
        x->line = 0;
        x->compare = CME_COMPARE_ALWAYS;
    } else if (!x->by_port || taken) {
        x->line = has_line(s, x->stream, 0, x);
    }
}

static void settle(struct cme_source *c)
{
    if (c->compare == CME_COMPARE_ALWAYS)
        c->compare = CME_COMPARED;
}

// Nobody else is in its channel but its kin.
static bool alone(const struct cme_sources *s, const struct cme_source *c)
{
    for (unsigned i = 0; i < s->used; i++)
        if (s->source[i].live && s->source[i].stream == c->stream && s->source[i].kin != c->kin)
            return false;
    return true;
}

// Lines of one channel that stand in two. Who shares its channel with others is only taken for a line of
// that, and leaves it. Else the channel whose number its port tells stays, or the older one.
static void merge(struct cme_sources *s, struct cme_source *x, struct cme_source *y,
                  struct cme_source_news *news)
{
    bool lone_x = alone(s, x), lone_y = alone(s, y);
    bool keep_y = lone_x != lone_y ? lone_y : x->by_port != y->by_port ? y->by_port : y->kin < x->kin;
    const struct cme_source *keep = keep_y ? y : x, *goes = keep_y ? x : y;
    news->merged = keep_y ? lone_x : lone_y;
    news->split = !news->merged;
    news->doubtful = news->gone = goes->stream;
    move_kin(s, goes->kin, keep->stream, keep->by_port);
}

// Two sources have brought the same datagram.
static void agree(struct cme_sources *s, struct cme_source *x, struct cme_source *y,
                  struct cme_source_news *news)
{
    if (x->kin == y->kin)
        return;
    struct cme_source *later = x->order > y->order ? x : y;
    if (x->stream != y->stream)
        merge(s, x, y, news);
    else
        move(s, later, later->stream, later->by_port);
    uint32_t old = x->kin < y->kin ? y->kin : x->kin, kin = x->kin < y->kin ? x->kin : y->kin;
    for (unsigned i = 0; i < s->used; i++)
        if (s->source[i].kin == old)
            s->source[i].kin = kin;
    settle(x);
    settle(y);
}

// Numbers say that they are not lines of one channel: the later kin leaves.
static void conflict(struct cme_sources *s, struct cme_source *x, struct cme_source *y,
                     struct cme_source_news *news)
{
    struct cme_source *odd = x->kin > y->kin ? x : y;
    if (x->kin == y->kin || ++odd->conflicts < CME_CONFLICTS)
        return;
    news->split = true;
    news->doubtful = odd->stream;
    odd->compare = CME_COMPARE_ALWAYS;
    move_kin(s, odd->kin, own_key(s), false);
}

// What x is taken for a line of sends numbers far from its own. One that has not spoken since says nothing: x
// may have taken over from it.
static bool is_far(const struct cme_sources *s, struct cme_source *x, uint32_t seq)
{
    if (x->peer == 0)
        return false;
    const struct cme_source *y = &s->source[x->peer - 1];
    if (!y->live || y->stream != x->stream || y->kin == x->kin || y->next == x->peer_next)
        return false;
    x->peer_next = y->next;
    uint32_t ahead = seq - y->next;
    return ahead > CME_FAR && ahead < UINT32_MAX - CME_FAR;
}

static struct cme_source *of(struct cme_sources *s, uint16_t source, uint32_t order)
{
    struct cme_source *c = &s->source[source];
    return order != 0 && c->order == order ? c : NULL;
}

void cme_source_live(struct cme_sources *s, struct cme_source *x, const uint8_t *payload, size_t len,
                     struct cme_source_news *news)
{
    *news = (struct cme_source_news){0};
    if (!x->live)
        first_live(s, x);
    if (x->compare == 0)
        return;
    if (x->compare != CME_COMPARE_ALWAYS)
        x->compare--;
    uint16_t me = (uint16_t)(x - s->source);
    uint64_t digest = line_digest(payload, len), sent = le64_load(payload + CME_SENT);
    uint32_t seq = le32_load(payload + CME_SEQ);
    size_t at = digest >> 1 & (CME_SEEN - 1);
    struct cme_source *y = of(s, s->content[at].source, s->content[at].order);
    if (y && y != x && s->content[at].digest == digest)
        agree(s, x, y, news);
    s->content[at].digest = digest;
    s->content[at].order = x->order;
    s->content[at].source = me;
    if (is_far(s, x, seq))
        conflict(s, x, &s->source[x->peer - 1], news);
    at = (size_t)(((uint64_t)x->stream << 32 | seq) * UINT64_C(0x9e3779b97f4a7c15) >> 52);
    y = of(s, s->number[at].source, s->number[at].order);
    if (y && y != x && s->number[at].seq == seq && s->number[at].stream == x->stream &&
        y->stream == x->stream && s->number[at].sent != sent)
        conflict(s, x, y, news);
    s->number[at].sent = sent;
    s->number[at].seq = seq;
    s->number[at].stream = x->stream;
    s->number[at].order = x->order;
    s->number[at].source = me;
}
