// SPDX-License-Identifier: Apache-2.0
// What comes out of the feed folder: frames are walked (packet.h), their UDP payload is decoded by a protocol
// (one file each), and every message that carries a price or an instrument becomes a feed_msg. The same code
// serves DPDK ports, capture files and journal replay. No allocation, no system call; one thread per context.
#ifndef TRIPLINE_FEED_FEED_H
#define TRIPLINE_FEED_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum feed_kind { FEED_TICKER = 1, FEED_INDEX = 2, FEED_INSTRUMENT = 3 };

// Bits of feed_msg.has: the field was present on the wire and is not that feed's "absent" value.
enum feed_has {
    HAS_MARK = 1 << 0,
    HAS_INDEX = 1 << 1,
    HAS_BID = 1 << 2,
    HAS_ASK = 1 << 3,
    HAS_LAST = 1 << 4,
    HAS_STATE = 1 << 5,
};

enum instrument_state { INSTRUMENT_OPEN = 1 }; // Deribit's numbering, feeds.md 3.1

// One price or definition. Doubles are the wire's own bits (raw, absent values included, so that a decoder
// can be compared with another); has[] says which may be used. They become integers once, in price.h.
struct feed_msg {
    uint8_t kind;  // enum feed_kind
    uint8_t state; // instrument state (HAS_STATE)
    uint16_t template_id;
    uint16_t version;
    uint16_t msg_idx; // position of the message in its packet
    uint32_t has;
    uint64_t instrument_id; // FEED_TICKER, FEED_INSTRUMENT
    uint64_t ts_ms;         // exchange time
    double mark, index, bid, bid_amount, ask, ask_amount, last;
    char name[64]; // FEED_INDEX: index name; FEED_INSTRUMENT: instrument name; else ""
    // FEED_INSTRUMENT only
    uint8_t inst_kind; // 0 future 1 option 2 future combo 3 option combo 4 spot
    uint8_t inst_type; // 0 n/a 1 reversed 2 linear
    double contract_size, tick;
};

// The datagram that carried it.
struct feed_packet {
    uint64_t ts_ns;  // capture or receive time, ns since the epoch
    uint32_t dst_ip; // host order
    uint16_t dst_port;
    uint16_t channel;
    // Channel of the live events that this one belongs to: its own, or what it is a snapshot of.
    uint16_t stream;
    bool snapshot; // a snapshot channel: what it says may be older than the live events heard already
    uint32_t seq;
    bool duplicate; // sequence not newer than the channel's last: messages are not delivered
    bool restart;   // the venue began its sequence anew (channel.h); gap is then what was lost at least
    uint32_t gap;   // sequence numbers missing before this packet (channel was broken by it)
    const uint8_t *payload;
    size_t len;
};

struct feed_sink {
    void *ctx;
    // Called for each message of a packet in wire order; last call of a packet is on_end.
    void (*on_msg)(void *ctx, const struct feed_packet *p, const struct feed_msg *m);
    // Called once for each decoded packet after its messages, also when it held none of interest.
    void (*on_end)(void *ctx, const struct feed_packet *p);
};

// Why a frame or payload was ignored. Each has a counter; names in feed_drop_name().
enum feed_drop {
    DROP_NONE = 0,
    DROP_SHORT_FRAME, // shorter than its headers
    DROP_NOT_IPV4,
    DROP_VLAN_DEPTH, // more than two tags
    DROP_IP_HEADER,  // version, ihl or total length wrong
    DROP_FRAGMENT,
    DROP_NOT_UDP,
    DROP_UDP_LENGTH,
    DROP_TRUNCATED,   // captured less than the packet's length
    DROP_UNKNOWN,     // no protocol recognises the payload
    DROP_BAD_LENGTH,  // protocol framing disagrees with the payload's length
    DROP_BAD_MESSAGE, // a message overruns its packet: the packet counts as lost, nothing of it is used
    DROP_CHANNELS,    // no room to follow the sequence of one more channel, so its data cannot be trusted
    DROP_COUNT
};
const char *feed_drop_name(enum feed_drop d);

struct feed_counters {
    uint64_t frames, packets, bytes, messages, tickers, indexes, instruments, other_messages;
    uint64_t bad_layouts; // messages of a known template whose block fits no known layout: not guessed at
    uint64_t gaps, missing, duplicates, restarts;
    uint64_t drop[DROP_COUNT];
};

// What a frame starts with. Captures on Linux's "any" device are cooked (SLL), tunnels often give bare IP.
enum feed_link { LINK_ETHERNET, LINK_RAW_IP, LINK_SLL, LINK_SLL2 };

// Decoding context: channel sequence state of all protocols and counters. Under 1 MiB; allocate once.
struct feed;
struct feed *feed_new(void); // NULL when out of memory
void feed_free(struct feed *f);
// Walks one Ethernet frame of `caplen` captured bytes (`wirelen` on the wire) and delivers its messages.
// Returns why nothing was delivered, or DROP_NONE (duplicates and packets without prices included).
enum feed_drop feed_frame(struct feed *f, uint64_t ts_ns, const uint8_t *frame, size_t caplen, size_t wirelen,
                          const struct feed_sink *sink);
// The same for another link layer.
enum feed_drop feed_link_frame(struct feed *f, enum feed_link link, uint64_t ts_ns, const uint8_t *frame,
                               size_t caplen, size_t wirelen, const struct feed_sink *sink);
const struct feed_counters *feed_counters(const struct feed *f);
// Name of the protocol of the newest packet that was recognised and whole, or NULL when there was none yet.
const char *feed_protocol(const struct feed *f);

#endif
