// SPDX-License-Identifier: Apache-2.0
#include "feed/gen_lines.h"

#include "feed/gen_impair.h"
#include "feed/packet.h"
#include "feed/protocol.h"
#include "feed/wire.h"

#include <stdlib.h>

enum { CHANNELS = 4096, ETH_TYPE_AT = 12, VLAN_TAG = 4, IP_MIN = 20, IP_DST_LOW = 18, PROTO_UDP = 17 };

struct gen_lines {
    unsigned n;
    struct {
        uint32_t key;   // venue, snapshot, channel
        uint64_t first; // destination of its line A
    } channel[CHANNELS];
};

struct gen_lines *gen_lines_new(void)
{
    return calloc(1, sizeof(struct gen_lines));
}

void gen_lines_free(struct gen_lines *l)
{
    free(l);
}

static unsigned by_group(struct gen_lines *l, const struct feed_protocol *p, const struct frame_info *f,
                         const struct packet_udp *u)
{
    uint32_t key = (uint32_t)p->venue << 17 | (uint32_t)f->snapshot << 16 | f->channel;
    uint64_t group = (uint64_t)u->dst_ip << 16 | u->dst_port;
    for (unsigned i = 0; i < l->n; i++)
        if (l->channel[i].key == key)
            return l->channel[i].first != group;
    if (l->n < CHANNELS) {
        l->channel[l->n].key = key;
        l->channel[l->n++].first = group;
    }
    return 0;
}

unsigned gen_line_of(struct gen_lines *l, enum feed_link link, const uint8_t *frame, size_t len, size_t wire,
                     enum feed_venue *venue)
{
    static const struct feed_protocol *const PROTOCOLS[] = {&deribit_protocol, &cme_protocol,
                                                            &starbase_protocol, &cde_protocol};
    struct packet_udp u;
    if (venue)
        *venue = VENUE_NONE;
    if (packet_walk(link, frame, len, wire, &u) != DROP_NONE)
        return IMPAIR_NO_LINE;
    for (size_t i = 0; i < sizeof PROTOCOLS / sizeof PROTOCOLS[0]; i++) {
        const struct feed_protocol *p = PROTOCOLS[i];
        struct frame_info f = {0};
        if (!p->probe(u.payload, u.len))
            continue;
        if (p->frame(u.payload, u.len, &u, &f) != DROP_NONE && !f.addressed)
            return IMPAIR_NO_LINE;
        if (venue)
            *venue = p->venue;
        return f.line_by_group ? by_group(l, p, &f, &u) : f.line;
    }
    return IMPAIR_NO_LINE;
}

// RFC 1624, equation 3: the checksum at `at` after one of its words went from `was` to `is`.
static void amend(uint8_t *at, uint16_t was, uint16_t is)
{
    uint32_t sum = (uint16_t)~be16_load(at) + (uint32_t)(uint16_t)~was + is;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    be16_store(at, (uint16_t)~sum);
}

bool gen_line_b(uint8_t *frame, size_t len)
{
    size_t at = ETH_TYPE_AT;
    while (at + 2 <= len && packet_vlan_type(be16_load(frame + at)))
        at += VLAN_TAG;
    uint8_t *ip = frame + at + 2;
    if (at + 2 + IP_MIN > len || be16_load(frame + at) != 0x0800)
        return false;
    size_t header = (size_t)(ip[0] & 15) * 4;
    uint16_t was = be16_load(ip + IP_DST_LOW), is = (uint16_t)(was + 0x100);
    be16_store(ip + IP_DST_LOW, is);
    amend(ip + 10, was, is);
    uint8_t *sum = ip + header + 6;
    bool first = (be16_load(ip + 6) & 0x1fff) == 0; // of the datagram's fragments
    if (ip[9] == PROTO_UDP && first && header >= IP_MIN && at + 2 + header + 8 <= len &&
        be16_load(sum) != 0) {
        amend(sum, was, is);
        if (be16_load(sum) == 0) // which would mean that there is none
            be16_store(sum, 0xffff);
    }
    if (frame[0] == 0x01 && frame[1] == 0 && frame[2] == 0x5e) // RFC 1112: low 23 bits of the group
        frame[4] = (uint8_t)(is >> 8);
    return true;
}
