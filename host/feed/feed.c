// SPDX-License-Identifier: Apache-2.0
#include "feed/feed.h"

#include "feed/packet.h"
#include "feed/protocol.h"

#include <stdlib.h>

// Tried in turn. Probes are strict enough that the order does not matter; the last one to match goes first.
static const struct feed_protocol *const PROTOCOLS[] = {&deribit_protocol};
enum { PROTOCOL_COUNT = sizeof PROTOCOLS / sizeof PROTOCOLS[0] };

struct feed {
    struct feed_counters counters;
    const struct feed_protocol *recognised;
    struct channel_table channels;
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

struct feed *feed_new(void)
{
    return calloc(1, sizeof(struct feed));
}

void feed_free(struct feed *f)
{
    free(f);
}

const struct feed_counters *feed_counters(const struct feed *f)
{
    return &f->counters;
}

const char *feed_protocol(const struct feed *f)
{
    return f->recognised ? f->recognised->name : NULL;
}

static const struct feed_protocol *recognise(const struct feed *f, const uint8_t *payload, size_t len)
{
    if (f->recognised && f->recognised->probe(payload, len))
        return f->recognised;
    for (unsigned i = 0; i < PROTOCOL_COUNT; i++)
        if (PROTOCOLS[i]->probe(payload, len))
            return PROTOCOLS[i];
    return NULL;
}

static enum feed_drop decode_udp(struct feed *f, uint64_t ts_ns, const struct packet_udp *u,
                                 const struct feed_sink *sink)
{
    const struct feed_protocol *proto = recognise(f, u->payload, u->len);
    if (!proto)
        return DROP_UNKNOWN;
    struct protocol_ctx c = {&f->channels, &f->counters};
    struct feed_packet p = {
        .ts_ns = ts_ns, .dst_ip = u->dst_ip, .dst_port = u->dst_port, .payload = u->payload, .len = u->len};
    enum feed_drop why = proto->decode(&c, &p, sink);
    if (why != DROP_NONE)
        return why;
    f->recognised = proto;
    f->counters.packets++;
    return DROP_NONE;
}

enum feed_drop feed_link_frame(struct feed *f, enum feed_link link, uint64_t ts_ns, const uint8_t *frame,
                               size_t caplen, size_t wirelen, const struct feed_sink *sink)
{
    struct packet_udp u;
    f->counters.frames++;
    f->counters.bytes += wirelen;
    enum feed_drop why = packet_walk(link, frame, caplen, wirelen, &u);
    if (why == DROP_NONE)
        why = decode_udp(f, ts_ns, &u, sink);
    if (why != DROP_NONE)
        f->counters.drop[why]++;
    return why;
}

enum feed_drop feed_frame(struct feed *f, uint64_t ts_ns, const uint8_t *frame, size_t caplen, size_t wirelen,
                          const struct feed_sink *sink)
{
    return feed_link_frame(f, LINK_ETHERNET, ts_ns, frame, caplen, wirelen, sink);
}
