// SPDX-License-Identifier: Apache-2.0
// Coinbase Derivatives: whose datagram it is, whether it is whole, and which numbers it carries.
#include "feed/cde.h"
#include "feed/cde_wire.h"

// Bounds of the probe only.
enum { PROBE_TEMPLATE_MAX = 999, PROBE_VERSION_MAX = 63 };

// False when the payload does not begin with a packet header whose every field is in its range.
static bool packet_header(const uint8_t *p, size_t len, struct f24_packet *h)
{
    if (len < F24_HEADER)
        return false;
    h->sending_ns = le64_load(p + F24_SENDING);
    h->seq = le64_load(p + F24_SEQ);
    h->channel = le16_load(p + CDE_CHANNEL);
    h->bits = p[CDE_BITS];
    h->count = p[CDE_COUNT];
    h->instrument = (int32_t)le32_load(p + CDE_INSTRUMENT_ID);
    return h->channel != 0 && f24_bits_known(h->bits) && h->seq < F24_SEQ_MAX && h->sending_ns <= INT64_MAX;
}

bool cde_probe(const uint8_t *p, size_t len)
{
    struct f24_packet h;
    if (!packet_header(p, len, &h))
        return false;
    // A heartbeat has nothing but this header to be known by.
    if (h.count == 0 || len < F24_HEADER + CDE_MSG_HEADER)
        return h.count == 0 && len == F24_HEADER && (h.instrument == 0 || h.bits == F24_SNAPSHOT);
    const uint8_t *m = p + F24_HEADER;
    unsigned id = le16_load(m + CDE_TEMPLATE);
    // Requests and their rejects are between two hosts: their number is of no stream.
    return le16_load(m + CDE_SCHEMA) == CDE_SCHEMA_ID && le16_load(m + F24_LENGTH) >= CDE_MSG_HEADER &&
           id != 0 && id <= PROBE_TEMPLATE_MAX && id != CDE_T_RETRANSMIT_REQUEST &&
           id != CDE_T_RETRANSMIT_REJECT && le16_load(m + CDE_VERSION_AT) <= PROBE_VERSION_MAX;
}

uint64_t cde_live_time(const uint8_t *m)
{
    uint64_t t = 0;
    if (CDE_MSG_HEADER + (size_t)le16_load(m + CDE_BLOCK) >= CDE_INSTRUMENT_END)
        t = le64_load(m + CDE_TIME);
    return t <= INT64_MAX ? t : 0;
}

enum feed_drop cde_frame(const uint8_t *p, size_t len, const struct packet_udp *u, struct frame_info *out)
{
    struct f24_packet h;
    (void)u;
    if (!packet_header(p, len, &h))
        return DROP_BAD_LENGTH;
    out->channel = out->stream = h.channel;
    out->snapshot = out->unordered = h.bits == F24_SNAPSHOT;
    // Nobody says which groups are line A and which B. Retransmitted packets come to a host, not to a group.
    out->line_by_group = h.bits != F24_RETRANSMIT;
    out->addressed = true;
    unsigned count = 0;
    uint64_t newest = 0;
    for (size_t at = F24_HEADER, n; at < len; at += n, count++) {
        n = cde_message(p, len, at);
        if (n == 0)
            return DROP_BAD_MESSAGE;
        uint64_t t = out->snapshot ? 0 : cde_live_time(p + at);
        newest = t > newest ? t : newest;
    }
    if (count != h.count)
        return DROP_BAD_LENGTH;
    out->heartbeat = count == 0;
    out->seq_bits = 64;
    out->seq = h.seq;
    out->count = count;
    out->exchange_ns = count == 0 ? 0 : out->snapshot ? h.sending_ns : newest;
    return DROP_NONE;
}
