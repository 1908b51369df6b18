// SPDX-License-Identifier: Apache-2.0
#include "feed/feed.h"

#include "base/warm.h"
#include "feed/arbiter.h"
#include "feed/packet.h"
#include "feed/protocol.h"

#include <stdlib.h>
#include <string.h>

// Probes are strict enough that the order does not matter; the last one to match goes first.
static const struct feed_protocol *const PROTOCOLS[] = {
    &deribit_protocol,
    &cme_protocol,
    &starbase_protocol,
    &cde_protocol,
};
enum { PROTOCOL_COUNT = sizeof PROTOCOLS / sizeof PROTOCOLS[0] };

struct feed {
    struct feed_counters counters;
    struct arbiter *arbiter;
    const struct feed_protocol *recognised; // of the newest whole datagram
    struct protocol_state *state[VENUE_COUNT];
    uint64_t packets[VENUE_COUNT];
    const struct feed_sink *sink;        // of the call at work
    FILE *rows;                          // NULL: none wanted
    const struct feed_protocol *rows_of; // NULL: of the first one recognised
    bool rows_begun;
};

static const char *const DROP_NAMES[DROP_COUNT] = {
    [DROP_NONE] = "none",
    [DROP_SHORT_FRAME] = "short-frame",
    [DROP_NOT_IPV4] = "not-ipv4",
    [DROP_VLAN_DEPTH] = "vlan-depth",
    [DROP_IP_HEADER] = "ip-header",
    [DROP_FRAGMENT] = "fragment",
    [DROP_NOT_UDP] = "not-udp",
    [DROP_UDP_LENGTH] = "udp-length",
    [DROP_TRUNCATED] = "truncated",
    [DROP_UNKNOWN] = "unknown-protocol",
    [DROP_BAD_LENGTH] = "bad-length",
    [DROP_BAD_MESSAGE] = "bad-message",
    [DROP_CHANNELS] = "too-many-channels",
};

const char *feed_drop_name(enum feed_drop d)
{
    return (unsigned)d < DROP_COUNT ? DROP_NAMES[d] : "invalid";
}

const char *feed_venue_name(enum feed_venue v)
{
    static const char *const names[VENUE_COUNT] = {[VENUE_NONE] = "none",
                                                   [VENUE_DERIBIT] = "deribit",
                                                   [VENUE_CME] = "cme",
                                                   [VENUE_STARBASE] = "starbase",
                                                   [VENUE_CDE] = "cde"};
    return (unsigned)v < VENUE_COUNT ? names[v] : "invalid";
}

// ---- accepted datagrams, in order

static void print_rows(struct feed *f, const struct feed_protocol *proto, const struct protocol_ctx *c,
                       const struct feed_packet *p, uint32_t skip)
{
    if (!f->rows_of)
        f->rows_of = proto;
    if (f->rows_of != proto)
        return;
    if (!f->rows_begun)
        fprintf(f->rows, "%s\n", proto->columns);
    f->rows_begun = true;
    if (!p->heartbeat)
        proto->rows(c, p, skip, f->rows);
}

static void accepted(void *ctx, const struct feed_protocol *proto, struct feed_packet *p, uint32_t skip)
{
    struct feed *f = ctx;
    const struct protocol_ctx c = {f->state[proto->venue], &f->counters};
    if ((p->gap || p->restart) && !p->snapshot && proto->broken)
        proto->broken(&c, p->stream);
    if (f->rows)
        print_rows(f, proto, &c, p, skip);
    if (!p->heartbeat) {
        uint64_t unknown = f->counters.unknown_templates;
        proto->deliver(&c, p, skip, f->sink);
        if (f->counters.unknown_templates != unknown)
            arbiter_unknown(f->arbiter, proto, p, f->counters.unknown_templates - unknown);
    }
    f->sink->on_end(f->sink->ctx, p);
}

// ---- life

struct feed *feed_new(void)
{
    struct feed *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->arbiter = arbiter_new(&f->counters, accepted, f);
    bool whole = f->arbiter != NULL;
    for (size_t i = 0; i < PROTOCOL_COUNT && whole; i++) {
        if (!PROTOCOLS[i]->state_new)
            continue;
        struct protocol_state *s = PROTOCOLS[i]->state_new();
        f->state[PROTOCOLS[i]->venue] = s;
        whole = s != NULL;
    }
    if (whole)
        return f;
    feed_free(f);
    return NULL;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < PROTOCOL_COUNT; i++)
        if (f->state[PROTOCOLS[i]->venue])
            PROTOCOLS[i]->state_free(f->state[PROTOCOLS[i]->venue]);
    arbiter_free(f->arbiter);
    free(f);
}

// ---- input

__attribute__((noinline)) static const struct feed_protocol *recognise_other(const uint8_t *payload,
                                                                             size_t len)
{
    for (size_t i = 0; i < PROTOCOL_COUNT; i++)
        if (PROTOCOLS[i]->probe(payload, len))
            return PROTOCOLS[i];
    return NULL;
}

static inline const struct feed_protocol *recognise(const struct feed *f, const uint8_t *payload, size_t len)
{
    if (f->recognised && f->recognised->probe(payload, len))
        return f->recognised;
    return recognise_other(payload, len);
}

static inline enum feed_drop frame_of(struct feed *f, const struct feed_protocol *proto,
                                      const struct packet_udp *u, struct frame_info *out)
{
    if (proto->place)
        return proto->place(f->state[proto->venue], u->payload, u->len, u, out);
    return proto->frame(u->payload, u->len, u, out);
}

static enum feed_drop take_udp(struct feed *f, uint64_t ts_ns, const struct packet_udp *u)
{
    const struct feed_protocol *proto = recognise(f, u->payload, u->len);
    if (!proto)
        return DROP_UNKNOWN;
    struct frame_info info = {0};
    enum feed_drop why = frame_of(f, proto, u, &info);
    if (why != DROP_NONE) {
        if (info.addressed)
            arbiter_bad(f->arbiter, proto, &info);
        return why;
    }
    struct feed_packet p; // the arbiter fills in the rest
    p.ts_ns = ts_ns;
    p.dst_ip = u->dst_ip;
    p.dst_port = u->dst_port;
    p.payload = u->payload;
    p.len = u->len;
    why = arbiter_take(f->arbiter, proto, &info, &p);
    if (why != DROP_NONE)
        return why;
    f->recognised = proto;
    f->packets[proto->venue]++;
    f->counters.packets++;
    return DROP_NONE;
}

static inline enum feed_drop take_frame(struct feed *f, enum feed_link link, uint64_t ts_ns,
                                        const uint8_t *frame, size_t caplen, size_t wirelen,
                                        const struct feed_sink *sink)
{
    struct packet_udp u;
    f->counters.frames++;
    f->counters.bytes += wirelen;
    f->sink = sink;
    enum feed_drop why = packet_walk(link, frame, caplen, wirelen, &u);
    if (why == DROP_NONE)
        why = take_udp(f, ts_ns, &u);
    if (why != DROP_NONE)
        f->counters.drop[why]++;
    return why;
}

enum feed_drop feed_link_frame(struct feed *f, enum feed_link link, uint64_t ts_ns, const uint8_t *frame,
                               size_t caplen, size_t wirelen, const struct feed_sink *sink)
{
    return take_frame(f, link, ts_ns, frame, caplen, wirelen, sink);
}

enum feed_drop feed_frame(struct feed *f, uint64_t ts_ns, const uint8_t *frame, size_t caplen, size_t wirelen,
                          const struct feed_sink *sink)
{
    return take_frame(f, LINK_ETHERNET, ts_ns, frame, caplen, wirelen, sink);
}

void feed_learn(struct feed *f, enum feed_link link, const uint8_t *frame, size_t caplen, size_t wirelen)
{
    struct packet_udp u;
    struct frame_info info = {0};
    if (packet_walk(link, frame, caplen, wirelen, &u) != DROP_NONE)
        return;
    const struct feed_protocol *proto = recognise(f, u.payload, u.len);
    if (proto && proto->place)
        (void)proto->place(f->state[proto->venue], u.payload, u.len, &u, &info);
}

void feed_warm(const struct feed *f)
{
    warm(f, sizeof *f);
    arbiter_warm(f->arbiter);
    if (f->recognised && f->recognised->warm)
        f->recognised->warm(f->state[f->recognised->venue]);
}

void feed_time(struct feed *f, uint64_t now_ns, const struct feed_sink *sink)
{
    f->sink = sink;
    arbiter_time(f->arbiter, now_ns);
}

void feed_polled(struct feed *f)
{
    arbiter_polled(f->arbiter);
}

void feed_read(struct feed *f, uint64_t until_ns, const struct feed_sink *sink)
{
    f->sink = sink;
    arbiter_read(f->arbiter, until_ns);
}

bool feed_due(const struct feed *f, uint64_t until_ns)
{
    return arbiter_due(f->arbiter, until_ns);
}

void feed_use(struct feed *f, const struct feed_packet *p)
{
    for (size_t i = 0; i < PROTOCOL_COUNT; i++)
        if (PROTOCOLS[i]->venue == p->venue)
            arbiter_use(f->arbiter, PROTOCOLS[i], p);
}

// ---- what it tells

const struct feed_counters *feed_counters(const struct feed *f)
{
    return &f->counters;
}

const struct arbiter *feed_arbiter(const struct feed *f)
{
    return f->arbiter;
}

const char *feed_protocol(const struct feed *f)
{
    return f->recognised ? f->recognised->name : NULL;
}

const char *feed_protocol_name(const struct feed *f, size_t i, uint64_t *packets)
{
    if (i >= PROTOCOL_COUNT)
        return NULL;
    if (packets)
        *packets = f->packets[PROTOCOLS[i]->venue];
    return PROTOCOLS[i]->name;
}

size_t feed_counts(const struct feed *f, size_t i, struct feed_count out[FEED_COUNTS])
{
    if (i >= PROTOCOL_COUNT || !PROTOCOLS[i]->counts || f->packets[PROTOCOLS[i]->venue] == 0)
        return 0;
    const struct protocol_ctx c = {.state = f->state[PROTOCOLS[i]->venue]};
    return PROTOCOLS[i]->counts(&c, out);
}

int feed_book(const struct feed *f, enum feed_venue venue, uint64_t instrument_id, bool bid,
              struct feed_level *out, unsigned max)
{
    for (size_t i = 0; i < PROTOCOL_COUNT; i++)
        if (PROTOCOLS[i]->venue == venue && PROTOCOLS[i]->book && f->packets[venue] != 0)
            return PROTOCOLS[i]->book(f->state[venue], instrument_id, bid, out, max);
    return -1;
}

bool feed_print(struct feed *f, FILE *out, const char *only)
{
    f->rows = out;
    f->rows_of = NULL;
    f->rows_begun = false;
    for (size_t i = 0; only && i < PROTOCOL_COUNT; i++)
        if (!strcmp(PROTOCOLS[i]->name, only))
            f->rows_of = PROTOCOLS[i];
    return !only || f->rows_of;
}

const char *feed_printed(const struct feed *f)
{
    return f->rows_begun ? f->rows_of->name : NULL;
}
