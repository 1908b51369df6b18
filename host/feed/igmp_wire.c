// SPDX-License-Identifier: Apache-2.0
#include "feed/igmp_wire.h"

#include <string.h>

#include "feed/wire.h"

enum {
    ETHERNET = 14,
    VLAN_TAG = 4,
    TYPE_IPV4 = 0x0800,
    TYPE_VLAN = 0x8100,
    VLAN_ID = 0xfff,
    IP_HEADER = 20,
    IP_PROTO_IGMP = 2,
    ROUTER_ALERT = 4, // the option's length
    IGMP_SHORT = 8,
    V3_QUERY = 12,
    V3_RECORD = 8,
    ETHERNET_MIN = 60, // without the frame check sequence
    MTU = 1500,
};
static const uint32_t ROUTER_ALERT_OPTION = 0x94040000;
static const uint64_t TENTH_NS = 100000000, SECOND_NS = 1000000000;

// RFC 1071. The words' sum, not yet inverted; 0xffff over bytes that contain their right checksum.
static uint16_t sum16(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += be16_load(p + i);
    if (len & 1)
        sum += (uint32_t)p[len - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

// RFC 3376, 4.1.1 and 4.1.7: above 127 a floating-point number.
static uint32_t code_value(uint8_t code)
{
    return code < 128 ? code : ((uint32_t)(code & 0xf) | 0x10) << ((code >> 4 & 7) + 3);
}

static bool has_router_alert(const uint8_t *options, size_t len)
{
    for (size_t at = 0; at < len && options[at] != 0;) { // 0: end of options
        if (options[at] == 1) {                          // padding
            at++;
            continue;
        }
        size_t n = at + 1 < len ? options[at + 1] : 0;
        if (n < 2 || n > len - at)
            return false;
        if (options[at] == ROUTER_ALERT_OPTION >> 24 && n == ROUTER_ALERT)
            return true;
        at += n;
    }
    return false;
}

static enum igmp_heard_kind read_query(const uint8_t *p, size_t len, uint32_t dst, bool alert,
                                       struct igmp_heard *out)
{
    out->group = be32_load(p + 4);
    out->version = len >= V3_QUERY ? 3 : p[1] ? 2 : 1;
    if (len != IGMP_SHORT && len < V3_QUERY)
        return HEARD_BAD;
    if (out->version > 1 && !alert)
        return HEARD_BAD;
    if (out->group == 0 ? dst != IGMP_ALL_HOSTS : out->group >> 28 != 0xe)
        return HEARD_BAD;
    if (out->version < 3) {
        out->max_response_ns = (out->version == 1 ? 100 : p[1]) * TENTH_NS;
        return HEARD_QUERY;
    }
    out->max_response_ns = code_value(p[1]) * TENTH_NS;
    out->robustness = p[8] & 7;
    out->query_ns = code_value(p[9]) * SECOND_NS;
    out->n_sources = be16_load(p + 10);
    out->sources = p + V3_QUERY;
    if (out->n_sources > (len - V3_QUERY) / 4 || (out->group == 0 && out->n_sources))
        return HEARD_BAD;
    return HEARD_QUERY;
}

static enum igmp_heard_kind read_igmp(const uint8_t *ip, size_t len, struct igmp_heard *out)
{
    size_t header = (ip[0] & 0xfu) * 4, total = be16_load(ip + 2);
    if (header < IP_HEADER || total > len || total < header + IGMP_SHORT ||
        (be16_load(ip + 6) & 0x3fff) != 0 || sum16(ip, header) != 0xffff)
        return HEARD_BAD;
    const uint8_t *p = ip + header;
    len = total - header;
    if (sum16(p, len) != 0xffff)
        return HEARD_BAD;
    switch (p[0]) {
    case IGMP_QUERY:
        return read_query(p, len, be32_load(ip + 16), has_router_alert(ip + IP_HEADER, header - IP_HEADER),
                          out);
    case IGMP_V1_REPORT:
    case IGMP_V2_REPORT:
        out->group = be32_load(p + 4);
        return HEARD_REPORT;
    default:
        return HEARD_NOTHING;
    }
}

void igmp_read(const uint8_t *frame, size_t len, uint16_t vlan, struct igmp_heard *out)
{
    size_t at = ETHERNET - 2;
    *out = (struct igmp_heard){.kind = HEARD_OTHER};
    if (len < ETHERNET + VLAN_TAG + IP_HEADER)
        return; // even padding would be missing
    uint16_t tag = 0;
    if (be16_load(frame + at) == TYPE_VLAN) {
        tag = be16_load(frame + at + 2) & VLAN_ID;
        at += VLAN_TAG;
    }
    const uint8_t *ip = frame + at + 2;
    if (be16_load(frame + at) != TYPE_IPV4 || ip[0] >> 4 != 4 || ip[9] != IP_PROTO_IGMP)
        return;
    out->kind = tag == vlan ? read_igmp(ip, len - (at + 2), out) : HEARD_NOTHING;
}

// Ethernet and IP header up to where IGMP begins; lengths and checksums come at the end.
static void begin(struct igmp_frame *f, const struct igmp_config *c, uint32_t dst)
{
    memset(f, 0, sizeof *f);
    groups_mac(dst, f->buf);
    memcpy(f->buf + 6, c->mac, 6);
    size_t at = 12;
    if (c->vlan) {
        be16_store(f->buf + at, TYPE_VLAN);
        be16_store(f->buf + at + 2, (uint16_t)(6u << 13 | c->vlan)); // priority of network control
        at += VLAN_TAG;
    }
    be16_store(f->buf + at, TYPE_IPV4);
    uint8_t *ip = f->buf + at + 2;
    ip[0] = 0x40 | (IP_HEADER + ROUTER_ALERT) / 4;
    ip[1] = 0xc0;
    be16_store(ip + 6, 0x4000); // never fragmented, so no identification is needed (RFC 6864)
    ip[8] = 1;
    ip[9] = IP_PROTO_IGMP;
    be32_store(ip + 12, c->ip);
    be32_store(ip + 16, dst);
    be32_store(ip + 20, ROUTER_ALERT_OPTION);
    f->ip = at + 2;
    f->len = f->ip + IP_HEADER + ROUTER_ALERT;
}

static void end(struct igmp_frame *f)
{
    uint8_t *ip = f->buf + f->ip, *p = ip + IP_HEADER + ROUTER_ALERT;
    be16_store(ip + 2, (uint16_t)(f->len - f->ip));
    be16_store(ip + 10, (uint16_t)~sum16(ip, IP_HEADER + ROUTER_ALERT));
    be16_store(p + 2, (uint16_t)~sum16(p, (size_t)(f->buf + f->len - p)));
    if (f->len < ETHERNET_MIN)
        f->len = ETHERNET_MIN; // zeros
}

void igmp_report_begin(struct igmp_frame *f, const struct igmp_config *c)
{
    begin(f, c, IGMP_V3_ROUTERS);
    f->buf[f->len] = IGMP_V3_REPORT;
    f->len += IGMP_SHORT;
}

bool igmp_report_add(struct igmp_frame *f, enum igmp_record type, uint32_t group, const uint32_t *source,
                     unsigned n)
{
    if (f->len - f->ip + V3_RECORD + (size_t)n * 4 > MTU)
        return false;
    uint8_t *p = f->buf + f->len;
    p[0] = (uint8_t)type;
    be16_store(p + 2, (uint16_t)n);
    be32_store(p + 4, group);
    for (unsigned i = 0; i < n; i++)
        be32_store(p + V3_RECORD + i * 4, source[i]);
    f->len += V3_RECORD + (size_t)n * 4;
    f->records++;
    return true;
}

void igmp_report_end(struct igmp_frame *f)
{
    be16_store(f->buf + f->ip + IP_HEADER + ROUTER_ALERT + 6, (uint16_t)f->records);
    end(f);
}

void igmp_short_frame(struct igmp_frame *f, const struct igmp_config *c, enum igmp_type type, uint32_t group)
{
    begin(f, c, type == IGMP_V2_LEAVE ? IGMP_ALL_ROUTERS : group);
    f->buf[f->len] = (uint8_t)type;
    be32_store(f->buf + f->len + 4, group);
    f->len += IGMP_SHORT;
    end(f);
}
