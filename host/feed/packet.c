// SPDX-License-Identifier: Apache-2.0
#include "feed/packet.h"

#include "feed/wire.h"

enum {
    ETH_TYPE_AT = 12,
    ETH_HEADER = 14,
    VLAN_TAG = 4,
    VLAN_TYPE_AT = 2, // in the tag: its own type stands before it, where the network's would
    VLAN_MAX = 2,
    SLL_HEADER = 16,
    SLL_TYPE_AT = 14,
    SLL2_HEADER = 20,
    SLL2_TYPE_AT = 0,
    IPV4_MIN = 20,
    UDP_HEADER = 8,
    TYPE_IPV4 = 0x0800,
    PROTO_UDP = 17,
    FRAGMENT_BITS = 0x3fff, // more-fragments flag and offset; reserved and don't-fragment left out
};

struct span {
    const uint8_t *at;
    size_t have; // bytes captured from `at`
    size_t wire; // bytes there were on the wire from `at`
};

static void skip(struct span *s, size_t n)
{
    s->at += n;
    s->have -= n;
    s->wire -= n;
}

// A header that is not there: cut off by the capture, or never sent.
static enum feed_drop missing(const struct span *s, size_t need)
{
    return s->wire >= need ? DROP_TRUNCATED : DROP_SHORT_FRAME;
}

// The network's type, behind any VLAN tags. Linux's cooked headers hold a tag's type like Ethernet's do, with
// the rest of the tag behind the header.
static enum feed_drop walk_tags(struct span *s, size_t type_at, size_t header)
{
    if (s->have < header)
        return missing(s, header);
    uint16_t type = be16_load(s->at + type_at);
    for (unsigned tags = 0; packet_vlan_type(type); tags++, header += VLAN_TAG) {
        if (tags == VLAN_MAX)
            return DROP_VLAN_DEPTH;
        if (s->have < header + VLAN_TAG)
            return missing(s, header + VLAN_TAG);
        type = be16_load(s->at + header + VLAN_TYPE_AT);
    }
    if (type != TYPE_IPV4)
        return DROP_NOT_IPV4;
    skip(s, header);
    return DROP_NONE;
}

static enum feed_drop walk_link(enum feed_link link, struct span *s)
{
    switch (link) {
    case LINK_ETHERNET:
        return walk_tags(s, ETH_TYPE_AT, ETH_HEADER);
    case LINK_SLL:
        return walk_tags(s, SLL_TYPE_AT, SLL_HEADER);
    case LINK_SLL2:
        return walk_tags(s, SLL2_TYPE_AT, SLL2_HEADER);
    case LINK_RAW_IP:
        // Nothing but the version tells IPv4 from IPv6 here.
        if (s->have > 0 && s->at[0] >> 4 == 6)
            return DROP_NOT_IPV4;
        return DROP_NONE;
    }
    return DROP_NOT_IPV4;
}

// Leaves the span on the IP payload, exactly as long as the header says.
static enum feed_drop walk_ipv4(struct span *s, struct packet_udp *out)
{
    if (s->have < IPV4_MIN)
        return missing(s, IPV4_MIN);
    size_t header = (size_t)(s->at[0] & 15) * 4;
    size_t total = be16_load(s->at + 2);
    if (s->at[0] >> 4 != 4 || header < IPV4_MIN || total < header || total > s->wire)
        return DROP_IP_HEADER;
    if (s->at[9] != PROTO_UDP)
        return DROP_NOT_UDP;
    if (be16_load(s->at + 6) & FRAGMENT_BITS)
        return DROP_FRAGMENT;
    if (s->have < total)
        return DROP_TRUNCATED;
    out->src_ip = be32_load(s->at + 12);
    out->dst_ip = be32_load(s->at + 16);
    s->have = s->wire = total;
    skip(s, header);
    return DROP_NONE;
}

static enum feed_drop walk_udp(const struct span *s, struct packet_udp *out)
{
    if (s->have < UDP_HEADER)
        return DROP_UDP_LENGTH;
    if (be16_load(s->at + 4) != s->have)
        return DROP_UDP_LENGTH;
    out->src_port = be16_load(s->at);
    out->dst_port = be16_load(s->at + 2);
    out->payload = s->at + UDP_HEADER;
    out->len = s->have - UDP_HEADER;
    return DROP_NONE;
}

// Nearly every frame: no tag, no IP option, nothing wrong, nothing missing. False says nothing.
static bool walk_plain(const uint8_t *frame, size_t caplen, size_t wirelen, struct packet_udp *out)
{
    enum { IP = ETH_HEADER, UDP = IP + IPV4_MIN, PAYLOAD = UDP + UDP_HEADER };
    if (caplen < PAYLOAD || caplen > wirelen || be16_load(frame + ETH_TYPE_AT) != TYPE_IPV4 ||
        frame[IP] != 0x45 || frame[IP + 9] != PROTO_UDP || be16_load(frame + IP + 6) & FRAGMENT_BITS)
        return false;
    size_t total = be16_load(frame + IP + 2), udp = be16_load(frame + UDP + 4);
    if (udp < UDP_HEADER || total != IPV4_MIN + udp || total > caplen - IP)
        return false;
    out->src_ip = be32_load(frame + IP + 12);
    out->dst_ip = be32_load(frame + IP + 16);
    out->src_port = be16_load(frame + UDP);
    out->dst_port = be16_load(frame + UDP + 2);
    out->payload = frame + PAYLOAD;
    out->len = udp - UDP_HEADER;
    return true;
}

enum feed_drop packet_walk(enum feed_link link, const uint8_t *frame, size_t caplen, size_t wirelen,
                           struct packet_udp *out)
{
    if (link == LINK_ETHERNET && walk_plain(frame, caplen, wirelen, out))
        return DROP_NONE;
    // A record that claims to hold more than was sent is damaged; trust the smaller figure.
    struct span s = {frame, caplen < wirelen ? caplen : wirelen, wirelen};
    enum feed_drop why = walk_link(link, &s);
    if (why == DROP_NONE)
        why = walk_ipv4(&s, out);
    if (why == DROP_NONE)
        why = walk_udp(&s, out);
    return why;
}
