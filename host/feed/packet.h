// SPDX-License-Identifier: Apache-2.0
// From a link-layer frame to its UDP payload: Ethernet or Linux cooked with up to two VLAN tags (0x8100,
// 0x88a8, 0x9100), or bare IP; IPv4 with options, UDP. Pure functions; nothing outside `caplen` is read.
//
// Lengths: every length field must lie inside the one around it. Bytes after the IP datagram are padding and
// are ignored. UDP's length must be exactly the datagram's rest: feeds have no use for surplus bytes, so a
// difference is damage. The UDP checksum is not verified: ports check it in hardware (and drop), senders that
// offload it leave only a pseudo-header sum in captures taken on the sending host, and IP's own header sum is
// the NIC's business for the same reason.
#ifndef TRIPLINE_FEED_PACKET_H
#define TRIPLINE_FEED_PACKET_H

#include "feed/feed.h"

struct packet_udp {
    uint32_t src_ip, dst_ip; // host order
    uint16_t src_port, dst_port;
    const uint8_t *payload; // inside the frame
    size_t len;
};

// Types of VLAN tags: 802.1Q, 802.1ad, and the one that switches used for the outer of two tags before that.
static inline bool packet_vlan_type(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

// Captured length below the length on the wire is DROP_TRUNCATED only where the missing bytes are needed: a
// capture card that cuts off the frame check sequence loses nothing.
enum feed_drop packet_walk(enum feed_link link, const uint8_t *frame, size_t caplen, size_t wirelen,
                           struct packet_udp *out);

#endif
