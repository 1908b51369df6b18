// SPDX-License-Identifier: Apache-2.0
// Deribit Starbase: whose datagram it is, whether it is whole, and which numbers it carries.
#include "feed/starbase.h"
#include "feed/starbase_wire.h"

// Bounds of the probe only.
enum { PROBE_TEMPLATE_MAX = 999, PROBE_VERSION_MAX = 63, PROBE_FLAGS_MAX = 255 };

// False when the payload does not begin with a packet header whose every field is in its range.
static bool packet_header(const uint8_t *p, size_t len, struct f24_packet *h)
{
    if (len < F24_HEADER)
        return false;
    uint32_t channel = le32_load(p + SB_CHANNEL);
    h->sending_ns = le64_load(p + F24_SENDING);
    h->seq = le64_load(p + F24_SEQ);
    h->channel = (uint16_t)channel;
    h->count = le16_load(p + SB_COUNT);
    unsigned type = le16_load(p + SB_TYPE);
    h->bits = (uint8_t)type;
    return channel != 0 && channel <= UINT16_MAX && f24_bits_known(type) && h->seq < F24_SEQ_MAX &&
           h->sending_ns <= INT64_MAX;
}

bool starbase_probe(const uint8_t *p, size_t len)
{
    struct f24_packet h;
    if (!packet_header(p, len, &h))
        return false;
    if (h.count == 0 || len < F24_HEADER + SB_MSG_HEADER)
        return h.count == 0 && len == F24_HEADER;
    const uint8_t *m = p + F24_HEADER;
    unsigned id = le16_load(m + SB_TEMPLATE);
    // Requests and their rejects are between two hosts: their number is of no stream.
    return le16_load(m + F24_LENGTH) >= SB_MSG_HEADER && id != 0 && id <= PROBE_TEMPLATE_MAX &&
           id != SB_T_RETRANSMIT_REQUEST && id != SB_T_RETRANSMIT_REJECT &&
           le16_load(m + SB_VERSION) <= PROBE_VERSION_MAX && le16_load(m + SB_FLAGS) <= PROBE_FLAGS_MAX;
}

enum feed_drop starbase_frame(const uint8_t *p, size_t len, const struct packet_udp *u,
                              struct frame_info *out)
{
    struct f24_packet h;
    if (!packet_header(p, len, &h))
        return DROP_BAD_LENGTH;
    out->channel = out->stream = h.channel;
    out->snapshot = h.bits == F24_SNAPSHOT;
    if ((u->dst_ip & SB_GROUPS_MASK) == SB_GROUPS)
        out->line = u->dst_ip >> SB_GROUP_LINE_SHIFT & 1;
    out->addressed = true;
    unsigned count = 0;
    uint64_t newest = 0;
    for (size_t at = F24_HEADER, n; at < len; at += n, count++) {
        n = f24_message(p, len, at, SB_MSG_HEADER);
        if (n == 0)
            return DROP_BAD_MESSAGE;
        uint64_t t = le64_load(p + at + SB_TIME);
        newest = t > newest && t <= INT64_MAX ? t : newest;
    }
    if (count != h.count)
        return DROP_BAD_LENGTH;
    out->heartbeat = count == 0;
    out->seq_bits = 64;
    out->seq = h.seq;
    out->count = count;
    // A message of a snapshot carries the time of the event that it tells of, however old.
    out->exchange_ns = count == 0 ? 0 : out->snapshot ? h.sending_ns : newest;
    return DROP_NONE;
}
