// SPDX-License-Identifier: Apache-2.0
// The multicast groups that a port has joined: any-source, or source-specific (only datagrams of the named
// senders). Also the filter by destination address, which a NIC cannot replace: 32 groups share a MAC
// address, and a switch that floods, or a NIC in promiscuous mode, brings everybody's. Addresses in host
// order. No allocation; one thread, or several that only read.
#ifndef TRIPLINE_FEED_GROUPS_H
#define TRIPLINE_FEED_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    GROUPS_MAX = 128,
    GROUP_SOURCES = 16,
    GROUPS_HASH_BITS = 9, // at most a quarter full
};

struct group {
    uint32_t ip;
    unsigned n_sources; // 0: any source
    uint32_t source[GROUP_SOURCES];
};

// All zero: empty.
struct groups {
    size_t n;
    struct group group[GROUPS_MAX];
    uint8_t slot[1 << GROUPS_HASH_BITS]; // 1 + index into group[], 0 = free; linear probing
};

// "GROUP" or "SOURCE@GROUP", dotted. Of a group joined from any source, source-specific joins add nothing.
// -1 with *e: not a multicast address, one of the link's own (224.0.0.0/24), a source that cannot be one, or
// no room; the set is unchanged then.
int groups_join(struct groups *s, const char *text, struct err *e);

// NULL: not joined.
const struct group *groups_find(const struct groups *s, uint32_t ip);

// Whether datagrams from src to dst are wanted.
bool groups_want(const struct groups *s, uint32_t src, uint32_t dst);

// What a port that has joined groups does with an Ethernet frame. What cannot be read as IPv4 under at most
// two VLAN tags but says that it is goes to the feed, which counts why it is of no use.
enum groups_verdict { FRAME_WANTED, FRAME_IGMP, FRAME_OTHER };
enum groups_verdict groups_frame(const struct groups *s, const uint8_t *frame, size_t len);

// Ethernet address of an IPv4 group (RFC 1112, 6.4).
void groups_mac(uint32_t ip, uint8_t mac[6]);

#endif
