// SPDX-License-Identifier: Apache-2.0
// What a protocol is to the feed: one file that recognises its datagrams by content, says which sequence
// numbers they carry, and turns their messages into feed_msg. A new one is added to the list in feed.c and
// needs nothing else (docs/feeds.md, "Adding a protocol").
//
// A datagram goes through three steps, so that no protocol has to know about lines, gaps or order:
//   probe   is it mine?
//   frame   is it whole (every length, count and offset inside it), and which numbers of which stream is it?
//   deliver (after feed/arbiter.h has put the stream's datagrams in order, copies dropped) its messages
// Steps probe and frame must not keep anything (place: of who sends what); deliver may change the protocol's
// state, and is called for each accepted datagram of a stream exactly once and in sequence order.
#ifndef TRIPLINE_FEED_PROTOCOL_H
#define TRIPLINE_FEED_PROTOCOL_H

#include <stdio.h>

#include "feed/feed.h"
#include "feed/packet.h"

// What a datagram says about itself.
struct frame_info {
    uint16_t channel;  // the venue's number of the channel; CME: from the port
    uint16_t stream;   // channel of the live events it belongs to: its own, or what it is a snapshot of
    uint8_t line;      // 0 = A (or the only one), 1 = B: same numbers, same content
    bool snapshot;     // a snapshot or recovery channel: what it says may be older than what was heard live
    bool reset;        // the venue says that its sequence begins anew with this datagram
    bool heartbeat;    // carries no number (count 0); `seq` is the next one to come
    unsigned seq_bits; // width of the venue's numbers, 32 or 64: they wrap there
    uint64_t seq;      // first number it carries
    uint32_t count;    // how many: 1 where packets are numbered, the message count where messages are
    uint64_t exchange_ns; // newest exchange time in it, 0 = none
    bool line_by_group; // nothing says which line it is: the stream's first destination is A, the next one B
    bool unordered;     // has no place in the sequence: delivered at once but for equal copies; gaps are the
                        // protocol's
    bool addressed;     // channel, snapshot and line above are filled in; for the count of refused datagrams
};

// State of one feed context's protocol, made by state_new: definitions, books. Bounded; no allocation after.
struct protocol_state;

struct protocol_ctx {
    struct protocol_state *state;
    struct feed_counters *counters; // messages, tickers, ... ; not frames, packets, drop[], gaps: feed.c's
};

struct feed_protocol {
    const char *name;
    enum feed_venue venue;
    // Both 0 where the protocol keeps nothing. NULL when out of memory.
    struct protocol_state *(*state_new)(void);
    void (*state_free)(struct protocol_state *s);
    // True when the payload can only be this protocol's. Cheap, and so strict that random bytes and the other
    // protocols' datagrams do not pass; damage behind the first headers is left to frame.
    bool (*probe)(const uint8_t *payload, size_t len);
    // Fills *out, which comes zeroed. A datagram is used whole or not at all: on any return but DROP_NONE
    // nothing of it is used and its numbers count as lost. u: addresses, from which some venues' channel and
    // line follow.
    enum feed_drop (*frame)(const uint8_t *payload, size_t len, const struct packet_udp *u,
                            struct frame_info *out);
    // The same, called in its place, where channel or line follow from what their sources have sent: it may
    // keep that, and nothing else. NULL: frame says all.
    enum feed_drop (*place)(struct protocol_state *s, const uint8_t *payload, size_t len,
                            const struct packet_udp *u, struct frame_info *out);
    // Calls the sink's on_msg for each message of interest. `skip`: that many of its first messages were
    // delivered before (message-numbered protocols whose datagrams overlap). The gap before it, if any,
    // stands in p; `broken` was called for it before. Not called for heartbeats.
    void (*deliver)(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip,
                    const struct feed_sink *sink);
    // The live stream has lost datagrams, or begun anew (a snapshot's loss stands in p->gap of its next
    // deliver): state that needs each one (books) is no longer whole. NULL: none.
    void (*broken)(const struct protocol_ctx *c, uint16_t stream);
    // For `tripline decode`: the header line of its table, and the rows of one accepted datagram (columns and
    // values raw as in the schema). Not for the hot path.
    const char *columns;
    void (*rows)(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip, FILE *out);
    // What it counts of its books beside feed_counters, for reports: fills at most FEED_COUNTS, returns how
    // many. NULL: nothing.
    size_t (*counts)(const struct protocol_ctx *c, struct feed_count out[FEED_COUNTS]);
    // feed_book(). NULL: it keeps no books.
    int (*book)(const struct protocol_state *s, uint64_t id, bool bid, struct feed_level *out, unsigned max);
    // feed_warm() for its state. NULL: nothing.
    void (*warm)(const struct protocol_state *s);
    uint64_t
        quiet_ns; // longest silence of a line in order: some heartbeats' time; 0 = the venue has no such rule
    bool lines_lag; // a hole waits for a live line that is behind, up to ARBITER_LAG_NS (feed/arbiter.h)
};

extern const struct feed_protocol deribit_protocol;  // deribit.c
extern const struct feed_protocol cme_protocol;      // cme.c
extern const struct feed_protocol starbase_protocol; // starbase.c
extern const struct feed_protocol cde_protocol;      // cde.c

#endif
