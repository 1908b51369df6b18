// SPDX-License-Identifier: Apache-2.0
// Who sends what: each sender, group and port that a CME datagram came from, the channel that it belongs to,
// and the line. Addresses say so where they are CME's own. Where they are not, content does: two sources that
// bring the same datagram (number, sending time, every byte) are lines of one channel, and two that give one
// number to different datagrams are not (docs/feeds-cme.md, "Channels, feeds, lines").
//
// Bounded, allocated once, one thread. What it decides depends on the datagrams alone, in their order, so
// that a replay decides alike.
#ifndef TRIPLINE_FEED_CME_SOURCE_H
#define TRIPLINE_FEED_CME_SOURCE_H

#include "feed/packet.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CME_SOURCES = 1024,
    CME_SOURCE_SLOTS = 2048, // a power of two, twice as many
    CME_SOURCE_BITS = 11,
    CME_SEEN = 4096,                 // datagrams remembered to compare others with; a power of two
    CME_COMPARED = 64,               // datagrams of a source compared after a new one was heard
    CME_COMPARE_ALWAYS = UINT16_MAX, // until it is known to be a line of some channel
    CME_CONFLICTS = 3,               // numbers given to other datagrams, until it is a channel of its own
    CME_FAR = 65536,                 // numbers that lines of one channel are never apart
    CME_KEY_FIRST = 60000,           // channel numbers for those whose port is another's channel
};

// The feeds of a channel number their packets each for itself, over and over; frame_info.channel tells them
// apart by these offsets.
enum cme_feed {
    CME_LIVE = 0,
    CME_BOOKS = 0x10000,
    CME_DEFINITIONS = 10000,
    CME_ORDERS_FEED = 20000,
    CME_UNTOLD = -1
};

struct cme_source {
    uint64_t to;        // group and port
    uint32_t from;      // sender
    uint32_t order;     // counts sources; 0 = a free entry
    uint32_t kin;       // the oldest source known to be a line of the same channel, by its order
    int32_t told;       // enum cme_feed that the address tells, CME_UNTOLD
    uint32_t next;      // number behind its newest live datagram
    uint32_t peer_next; // the same of its peer, when the two were compared last
    uint16_t stream;    // its channel
    uint16_t compare;   // live datagrams still to be compared
    uint16_t peer;      // the source whose line it is taken for, before anything proves it; index + 1
    uint8_t line, conflicts;
    bool by_port;        // the port is one of CME's: it says which channel
    bool live, recovery; // has brought such datagrams
    bool recent;         // was heard since the last search for a place
};

struct cme_sources {
    struct cme_source source[CME_SOURCES];
    uint16_t slot[CME_SOURCE_SLOTS]; // index + 1
    uint16_t used, hand, next_key;
    uint32_t orders;
    struct {
        uint64_t digest;
        uint32_t order;
        uint16_t source;
    } content[CME_SEEN];
    struct {
        uint64_t sent;
        uint32_t seq, order;
        uint16_t stream, source;
    } number[CME_SEEN];
    struct cme_room {
        uint64_t refused; // found a full table; of sources, the address alone decides then
        uint64_t evicted; // gave their place to others
    } room;               // not yet in feed_counters; of all the decoder's tables
};

// The address's own word, by CME's ports and groups: stream, line and by_port of *out, and what feed it is.
void cme_source_address(const struct packet_udp *u, struct cme_source *out);

struct cme_source *cme_source_seek(struct cme_sources *s, const struct packet_udp *u);
static inline uint64_t cme_source_to(const struct packet_udp *u)
{
    return (uint64_t)u->dst_ip << 16 | u->dst_port;
}
static inline unsigned cme_source_slot(uint64_t to, uint32_t from)
{
    return (unsigned)((to ^ (uint64_t)from << 32) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - CME_SOURCE_BITS));
}
// The datagram's source, a new one where it was never heard; NULL: no room.
static inline struct cme_source *cme_source_get(struct cme_sources *s, const struct packet_udp *u)
{
    uint64_t to = cme_source_to(u);
    uint16_t at = s->slot[cme_source_slot(to, u->src_ip)];
    struct cme_source *c = &s->source[at - (at != 0)];
    return at != 0 && c->to == to && c->from == u->src_ip ? c : cme_source_seek(s, u);
}

// What the comparison of a datagram has changed: the channel that a source has left, so that its books are
// doubtful (split), or the one that is no more, because it has turned out to be another (merged).
struct cme_source_news {
    bool split, merged;
    uint16_t doubtful, gone;
};
// A whole live datagram: moves its source to the channel that it belongs to. Only called when `compare` is
// not 0 or the source was not live before.
void cme_source_live(struct cme_sources *s, struct cme_source *c, const uint8_t *payload, size_t len,
                     struct cme_source_news *news);

#endif
