// SPDX-License-Identifier: Apache-2.0
#include "feed/gen_frame.h"

#include "feed/deribit_wire.h"
#include "feed/wire.h"

#include <assert.h>
#include <string.h>

enum {
    ETH_HEADER = 14,
    TAG = 4,
    IP_MIN = 20,
    UDP = 8,
    SRC_PORT = 46100,
    ROUTER_ALERT = 0x9404, // RFC 2113, followed by two zero bytes
};

static const uint32_t SRC_IP = 0xc000020a;   // 192.0.2.10, documentation range
static const uint32_t GROUP_IP = 0xef6f6f00; // 239.111.111.0
static const uint8_t SRC_MAC[6] = {0x02, 0, 0, 0, 0, 0x0a};

uint8_t *frame_payload(struct gen_frame *f, const struct frame_options *o)
{
    f->ip_at = ETH_HEADER + TAG * (size_t)o->vlans;
    f->udp_at = f->ip_at + IP_MIN + (o->router_alert ? 4 : 0);
    f->data_at = f->udp_at + UDP;
    return f->buf + f->data_at;
}

static uint32_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
    for (; n > 1; p += 2, n -= 2)
        sum += be16_load(p);
    return n ? sum + ((uint32_t)p[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_ethernet(struct gen_frame *f, const struct frame_options *o, uint8_t group)
{
    // RFC 1112: the group's low 23 bits behind 01:00:5e.
    const uint8_t dst[6] = {0x01, 0x00, 0x5e, 0x6f, 0x6f, group};
    memcpy(f->buf, dst, 6);
    memcpy(f->buf + 6, SRC_MAC, 6);
    uint8_t *at = f->buf + 12;
    for (unsigned i = 0; i < o->vlans; i++, at += TAG) {
        be16_store(at, o->vlans == 2 && i == 0 ? 0x88a8 : 0x8100);
        be16_store(at + 2, (uint16_t)(905 + i));
    }
    be16_store(at, 0x0800);
}

static void put_ip(struct gen_frame *f, const struct frame_options *o, uint8_t group)
{
    uint8_t *ip = f->buf + f->ip_at;
    size_t header = f->udp_at - f->ip_at;
    memset(ip, 0, header);
    ip[0] = (uint8_t)(0x40 | header / 4);
    be16_store(ip + 2, (uint16_t)(header + UDP + f->data_len));
    be16_store(ip + 4, o->ip_id);
    be16_store(ip + 6, 0x4000); // don't fragment
    ip[8] = 16;
    ip[9] = 17;
    be32_store(ip + 12, SRC_IP);
    be32_store(ip + 16, GROUP_IP | (uint32_t)group);
    if (o->router_alert)
        be16_store(ip + 20, ROUTER_ALERT);
    be16_store(ip + 10, fold(sum16(ip, header, 0)));
}

static void put_udp(struct gen_frame *f, uint16_t port)
{
    uint8_t *u = f->buf + f->udp_at;
    uint16_t len = (uint16_t)(UDP + f->data_len);
    be16_store(u, SRC_PORT);
    be16_store(u + 2, port);
    be16_store(u + 4, len);
    be16_store(u + 6, 0);
    uint16_t sum = fold(sum16(u, len, sum16(f->buf + f->ip_at + 12, 8, 17u + len)));
    be16_store(u + 6, sum ? sum : 0xffff);
}

void frame_finish(struct gen_frame *f, const struct frame_options *o, uint8_t group, uint16_t port,
                  size_t len)
{
    assert(len <= FRAME_PAYLOAD_MAX);
    f->data_len = len;
    put_ethernet(f, o, group);
    put_ip(f, o, group);
    put_udp(f, port);
    f->len = f->data_at + len;
    if (f->len < FRAME_MIN) {
        memset(f->buf + f->len, 0, FRAME_MIN - f->len);
        f->len = FRAME_MIN;
    }
    f->wire = f->len;
}

// ---- damage: each returns what a decoder must say

static enum feed_drop cut_capture(struct gen_frame *f, struct prng *rng)
{
    f->len = 1 + prng_below(rng, f->data_at + f->data_len - 1);
    return DROP_TRUNCATED;
}

static enum feed_drop runt(struct gen_frame *f, struct prng *rng)
{
    f->len = f->wire = 1 + prng_below(rng, ETH_HEADER - 2);
    return DROP_SHORT_FRAME;
}

static enum feed_drop break_ip(struct gen_frame *f, struct prng *rng)
{
    uint8_t *ip = f->buf + f->ip_at;
    switch (prng_below(rng, 4)) {
    case 0:
        ip[0] = 0x44; // header of 16 bytes
        break;
    case 1:
        ip[0] = 0x65; // version 6 under IPv4's type
        break;
    case 2:
        be16_store(ip + 2, (uint16_t)(f->wire - f->ip_at + 1 + prng_below(rng, 1000)));
        break;
    default:
        be16_store(ip + 2, (uint16_t)prng_below(rng, IP_MIN));
        break;
    }
    return DROP_IP_HEADER;
}

static enum feed_drop fragment(struct gen_frame *f, struct prng *rng)
{
    be16_store(f->buf + f->ip_at + 6, (uint16_t)(prng_below(rng, 2) ? 0x2000 : 1 + prng_below(rng, 0x1fff)));
    return DROP_FRAGMENT;
}

static enum feed_drop other_transport(struct gen_frame *f, struct prng *rng)
{
    static const uint8_t PROTO[] = {2, 6, 103};
    f->buf[f->ip_at + 9] = PROTO[prng_below(rng, sizeof PROTO)];
    return DROP_NOT_UDP;
}

static enum feed_drop other_network(struct gen_frame *f, struct prng *rng)
{
    static const uint16_t TYPE[] = {0x0806, 0x86dd, 0x88f7, 0x0026};
    be16_store(f->buf + f->ip_at - 2, TYPE[prng_below(rng, sizeof TYPE / sizeof TYPE[0])]);
    return DROP_NOT_IPV4;
}

static enum feed_drop tag_thrice(struct gen_frame *f, struct prng *rng)
{
    (void)rng;
    while (f->ip_at < ETH_HEADER + 3 * TAG) {
        memmove(f->buf + 12 + TAG, f->buf + 12, f->len - 12);
        be16_store(f->buf + 12, 0x8100);
        be16_store(f->buf + 14, 7);
        f->ip_at += TAG;
        f->len += TAG;
        f->wire += TAG;
    }
    return DROP_VLAN_DEPTH;
}

static enum feed_drop break_udp(struct gen_frame *f, struct prng *rng)
{
    uint8_t *len = f->buf + f->udp_at + 4;
    int change = prng_below(rng, 2) ? 1 : -1;
    be16_store(len, (uint16_t)(be16_load(len) + change * (int)(1 + prng_below(rng, f->data_len))));
    return DROP_UDP_LENGTH;
}

static enum feed_drop other_protocol(struct gen_frame *f, struct prng *rng)
{
    for (size_t i = 0; i < f->data_len; i++)
        f->buf[f->data_at + i] = (uint8_t)prng_u64(rng);
    le16_store(f->buf + f->data_at + FRAME_HEADER + MSG_SCHEMA, (uint16_t)(2 + prng_below(rng, 60000)));
    return DROP_UNKNOWN;
}

static enum feed_drop break_framing(struct gen_frame *f, struct prng *rng)
{
    uint8_t *len = f->buf + f->data_at + FRAME_LENGTH;
    le16_store(len, (uint16_t)(le16_load(len) + 1 + prng_below(rng, UINT16_MAX)));
    return DROP_BAD_LENGTH;
}

static enum feed_drop break_message(struct gen_frame *f, struct prng *rng)
{
    size_t beyond =
        f->data_len - FRAME_HEADER - MSG_HEADER + 1 + (prng_below(rng, 2) ? 0 : prng_below(rng, 60000));
    le16_store(f->buf + f->data_at + FRAME_HEADER + MSG_BLOCK, (uint16_t)beyond);
    return DROP_BAD_MESSAGE;
}

enum feed_drop frame_damage(struct gen_frame *f, struct prng *rng)
{
    static enum feed_drop (*const WAYS[])(struct gen_frame *, struct prng *) = {
        cut_capture, runt,      break_ip,       fragment,      other_transport, other_network,
        tag_thrice,  break_udp, other_protocol, break_framing, break_message,
    };
    return WAYS[prng_below(rng, sizeof WAYS / sizeof WAYS[0])](f, rng);
}
