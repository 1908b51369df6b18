// SPDX-License-Identifier: Apache-2.0
// Group membership for a port that the kernel does not own: the host's side of IGMP version 3 (RFC 3376),
// which falls back to version 2 (RFC 2236) or 1 (RFC 1112) while a querier of that version is heard (RFC
// 3376, 7.2). A state machine without clock or I/O: frames and times go in, frames to send come out.
//
//   join       state-change report at once, again `robustness` - 1 times, each after a random part of the
//              unsolicited report interval (v3: 1 s, v2: 10 s)
//   query      answered after a random part of its maximum response time: general, group-specific, group-and-
//              source-specific (the five rules of RFC 3376, 5.2); v2: a report heard from another host
//              answers for this one too
//   leave      v3: TO_IN or BLOCK, v2: Leave to 224.0.0.2; repeated like joins
// Every frame: TTL 1, TOS 0xc0, Router Alert (RFC 2113), checksums, padded to Ethernet's 60 bytes.
//
// Ignored and counted, as the RFCs ask: bad lengths or checksums, v2 and v3 queries without Router Alert,
// general queries to another address than 224.0.0.1. Source lists of queries about more than IGMP_ASKED
// sources are answered for the whole group.
//
// Times: nanoseconds of one clock that does not run backwards. Randomness: one seed, so that a run repeats.
// No allocation after igmp_new(); one thread.
#ifndef TRIPLINE_FEED_IGMP_H
#define TRIPLINE_FEED_IGMP_H

#include "feed/groups.h"

enum {
    IGMP_FRAME = 1518, // longest frame sent
    IGMP_ASKED = 32,
};

struct igmp_config {
    uint8_t mac[6];
    uint32_t ip;      // of the port; 0 where it has none (allowed, but some v2 switches ignore it)
    uint16_t vlan;    // 1..4094: frames carry this tag and only such are heard; 0: untagged
    unsigned version; // 2 or 3: the newest to speak
    uint64_t seed;
};

struct igmp_counters {
    uint64_t queries, reports, leaves; // heard; sent; sent
    uint64_t heard;                    // reports of other hosts
    uint64_t bad;                      // refused: length, checksum, no Router Alert, address
};

struct igmp;
typedef void igmp_send(void *ctx, const uint8_t *frame, size_t len);

// groups stays the caller's and must not change. Nothing is sent before igmp_join(). NULL: out of memory.
struct igmp *igmp_new(const struct igmp_config *c, const struct groups *groups, igmp_send *send, void *ctx);
void igmp_free(struct igmp *m);

// Reports all groups; again when the link came back.
void igmp_join(struct igmp *m, uint64_t now_ns);
// Leaves all groups, at once and again until igmp_due() says that nothing is left to do. Queries are no
// longer answered.
void igmp_leave(struct igmp *m, uint64_t now_ns);

// Whether the frame is IGMP (then it is of no use to anybody else); takes what it says.
bool igmp_receive(struct igmp *m, uint64_t now_ns, const uint8_t *frame, size_t len);
// Sends what is due.
void igmp_time(struct igmp *m, uint64_t now_ns);
// When igmp_time() has something to do; UINT64_MAX: not before something happens.
uint64_t igmp_due(const struct igmp *m);

unsigned igmp_version(const struct igmp *m); // spoken now
const struct igmp_counters *igmp_counters(const struct igmp *m);

#endif
