// SPDX-License-Identifier: Apache-2.0
// What comes out of the feed folder: frames are walked (packet.h), their UDP payload is decoded by a protocol
// (one file each), and every message that carries a price or an instrument becomes a feed_msg. The same code
// serves DPDK ports, capture files and journal replay. No allocation, no system call; one thread per context.
#ifndef TRIPLINE_FEED_FEED_H
#define TRIPLINE_FEED_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum feed_venue { VENUE_NONE = 0, VENUE_DERIBIT, VENUE_CME, VENUE_STARBASE, VENUE_CDE, VENUE_COUNT };
const char *feed_venue_name(enum feed_venue v); // "deribit", "cme", "starbase", "cde"

enum feed_kind {
    FEED_TICKER = 1,     // mark, index, best bid and ask, last of an instrument, each whole in this message
    FEED_INDEX = 2,      // a price index, by name (Deribit) or by id (Starbase)
    FEED_INSTRUMENT = 3, // a definition
    FEED_QUOTE = 4,      // best bid and ask of a rebuilt book; HAS_BID/HAS_ASK clear: that side is empty
    FEED_TRADE = 5,      // last = its price, amount
    FEED_STATUS = 6,     // state changed; instrument_id 0: every instrument of its channel
};

// Bits of feed_msg.has: the field was present on the wire and is not that feed's "absent" value.
enum feed_has {
    HAS_MARK = 1 << 0,
    HAS_INDEX = 1 << 1,
    HAS_BID = 1 << 2,
    HAS_ASK = 1 << 3,
    HAS_LAST = 1 << 4,
    HAS_STATE = 1 << 5,
    HAS_AMOUNT = 1 << 6,
    HAS_LIQUIDATION = 1 << 7, // a trade by which the venue liquidated somebody
};

// Whether the venue trades the instrument. Each protocol maps its own codes: anything but open trading is not
// OPEN.
enum instrument_state { INSTRUMENT_OPEN = 1, INSTRUMENT_NOT_OPEN = 2 };

// A number as it stands on the wire: a double's bits, or mantissa * 10^exp10. Becomes an integer of an
// asset's quanta once, in price.h.
struct feed_num {
    union {
        double f;
        int64_t m;
    } v;
    int8_t exp10;
    uint8_t form; // enum num_form
};
enum num_form { NUM_NONE = 0, NUM_DOUBLE, NUM_DECIMAL };

// One price or definition. Defined are only
//   always              kind, venue, template_id, version, msg_idx, has, instrument_id, ts_ns, name up to NUL
//   by its bit of has   state, mark, index, bid and bid_amount, ask and ask_amount, last, amount
//   FEED_TICKER         mark, index, bid, ask, last: at least their form, whatever has says
//   FEED_INSTRUMENT     inst_kind, inst_type, index_id, contract_size, tick
// and the amounts, contract_size and tick among them have form NUM_NONE where the venue does not say. The
// rest holds whatever an earlier message left: clearing all of it each time costs more than decoding a
// ticker.
struct feed_msg {
    uint8_t kind;  // enum feed_kind
    uint8_t venue; // enum feed_venue
    uint8_t state; // enum instrument_state (HAS_STATE)
    uint16_t template_id;
    uint16_t msg_idx; // position of the message in its packet
    uint16_t version;
    uint32_t has;
    uint64_t
        instrument_id; // unique within the venue; never 0 but for FEED_INDEX by name and FEED_STATUS of all
    uint64_t ts_ns;    // exchange time, 0 = none
    struct feed_num mark, index, bid, bid_amount, ask, ask_amount, last, amount;
    char name[64]; // FEED_INDEX: index name or ""; FEED_INSTRUMENT: instrument name; else ""
    // FEED_INSTRUMENT only
    uint8_t inst_kind; // 0 future 1 option 2 future combo 3 option combo 4 spot
    uint8_t inst_type; // 0 n/a 1 reversed 2 linear
    uint64_t index_id; // Starbase: of its index; 0 = none
    struct feed_num contract_size, tick;
};

// What is defined always, but for the kind: name, has and the numbers of the instrument are set later.
static inline void feed_msg_begin(struct feed_msg *m, enum feed_venue venue, uint16_t template_id,
                                  uint16_t version, uint16_t msg_idx)
{
    m->kind = 0;
    m->venue = (uint8_t)venue;
    m->template_id = template_id;
    m->version = version;
    m->msg_idx = msg_idx;
    m->has = 0;
    m->instrument_id = 0;
    m->ts_ns = 0;
    m->name[0] = 0;
}

// The datagram that carried it.
struct feed_packet {
    uint64_t ts_ns;  // capture or receive time, ns since the epoch
    uint32_t dst_ip; // host order
    uint16_t dst_port;
    uint16_t channel;
    bool snapshot; // a snapshot channel: what it says may be older than the live events heard already
    uint8_t venue; // enum feed_venue
    // Channel of the live events that this one belongs to: its own, or what it is a snapshot of.
    uint16_t stream;
    uint8_t line; // that brought this copy: 0 = A
    uint64_t seq; // first number it carries
    uint32_t count;
    bool heartbeat;
    bool restart; // the venue began its sequence anew; gap is then what was lost at least
    bool used;    // feed_use() has been told of its stream, when it came
    uint64_t gap; // numbers lost before this packet (its stream was broken by that)
    const uint8_t *payload;
    size_t len;
};

struct feed_sink {
    void *ctx;
    // Called for each message of a packet in wire order; last call of a packet is on_end.
    void (*on_msg)(void *ctx, const struct feed_packet *p, const struct feed_msg *m);
    // Called once for each accepted packet after its messages, also when it held none of interest and for
    // heartbeats; never for copies.
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
    uint64_t quotes, trades;            // delivered: of rebuilt books; of other_messages' entries
    uint64_t books_whole, books_broken; // books that became whole, and that stopped being it (Deribit)
    uint64_t bad_layouts; // messages of a known template whose block fits no known layout: not guessed at
    uint64_t unknown_templates; // of other_messages: templates that the schema does not have
    uint64_t unknown_ids; // entries of instruments that were not defined, or for which there was no room
    uint64_t nameless;    // definitions whose name `decode` could not keep
    uint64_t gaps, missing, restarts;
    uint64_t duplicates;      // copies of what was delivered, and what came after its gap was declared
    uint64_t early;           // kept until the numbers before them came or were declared lost
    uint64_t streams_evicted; // let go of for newly heard ones when there was no room (feed/arbiter.h)
    uint64_t lines_moved;     // lines long silent whose place a new destination took
    uint64_t no_room;         // CME: entries and datagrams that found a full table: not used
    uint64_t evicted;         // CME: sources, channels and instruments that gave their place in one to others
    uint64_t drop[DROP_COUNT];
};

// A counter of one protocol's own, with its name: letters and _.
struct feed_count {
    const char *name;
    uint64_t value;
};
enum { FEED_COUNTS = 8 };

// What a frame starts with. Captures on Linux's "any" device are cooked (SLL), tunnels often give bare IP.
enum feed_link { LINK_ETHERNET, LINK_RAW_IP, LINK_SLL, LINK_SLL2 };

// Decoding context: streams' order, state of all protocols, counters. Some MiB; allocate once.
struct feed;
struct feed *feed_new(void); // NULL when out of memory
void feed_free(struct feed *f);
// Walks one Ethernet frame of `caplen` captured bytes (`wirelen` on the wire). Delivers its messages, or
// keeps it until its turn (feed/arbiter.h), and delivers what was kept and is due or follows. So a call may
// deliver several datagrams, or none. Anything but DROP_NONE: the frame has changed nothing but a counter,
// and nothing was delivered.
enum feed_drop feed_frame(struct feed *f, uint64_t ts_ns, const uint8_t *frame, size_t caplen, size_t wirelen,
                          const struct feed_sink *sink);
// The same for another link layer.
enum feed_drop feed_link_frame(struct feed *f, enum feed_link link, uint64_t ts_ns, const uint8_t *frame,
                               size_t caplen, size_t wirelen, const struct feed_sink *sink);
// Learns from a frame which sources are lines of one channel, and uses nothing else of it: a file read once
// in this way before feed_link_frame() is decoded as if that had always been known. Not for the hot path.
void feed_learn(struct feed *f, enum feed_link link, const uint8_t *frame, size_t caplen, size_t wirelen);
// Before the first frame: it comes from ports that are polled. What came while nobody looked has one stamp
// then, and may still lie unread on another line: only feed_read() says how far the input has been read.
void feed_polled(struct feed *f);
// Between two frames: has what the next one will need fetched into the cache (base/warm.h).
void feed_warm(const struct feed *f);
// Stream time has moved on without a frame: delivers what was kept and falls due (not after feed_polled()).
// UINT64_MAX: the input is over.
void feed_time(struct feed *f, uint64_t now_ns, const struct feed_sink *sink);
// Every frame that came before until_ns has been taken: delivers what was kept and falls due.
void feed_read(struct feed *f, uint64_t until_ns, const struct feed_sink *sink);
// Whether feed_time(), or feed_read() after feed_polled(), would deliver something.
bool feed_due(const struct feed *f, uint64_t until_ns);
// The packet's stream carries something that is used: it is never let go of (feed/arbiter.h). May be called
// from the sink.
void feed_use(struct feed *f, const struct feed_packet *p);
const struct feed_counters *feed_counters(const struct feed *f);
// Name of the protocol of the newest packet that was recognised and whole, or NULL when there was none yet.
const char *feed_protocol(const struct feed *f);
// Protocols known, for lists: NULL when i is past the last. *packets (may be NULL): its whole datagrams so
// far.
const char *feed_protocol_name(const struct feed *f, size_t i, uint64_t *packets);
// What that protocol counts of its books beside feed_counters, once it has had a packet: returns how many.
size_t feed_counts(const struct feed *f, size_t i, struct feed_count out[FEED_COUNTS]);
// A price level of a rebuilt book: all that is bid or asked there.
struct feed_level {
    struct feed_num price, amount; // amount NUM_NONE where the venue has not said its scale
};
// One side of the instrument's book as of the newest datagram, best first: fills at most `max` levels of out
// and returns how many. -1: there is no whole book to be had (never heard, a gap and no snapshot since, in
// the middle of a change, or the venue does not exist). Whoever does not ask pays nothing: decoders keep
// their books anyway. Not for the hot path; the feed's thread, between two of its calls.
int feed_book(const struct feed *f, enum feed_venue venue, uint64_t instrument_id, bool bid,
              struct feed_level *out, unsigned max);
// For `tripline decode`: the rows of each datagram accepted from now on, in the columns of the protocol
// called `only`, or, where that is NULL, of the first one recognised; its header line comes first. Other
// protocols' datagrams are delivered all the same. False when there is no protocol of that name. Not for the
// hot path.
bool feed_print(struct feed *f, FILE *out, const char *only);
// The protocol whose rows have begun; NULL: none yet.
const char *feed_printed(const struct feed *f);
// Streams heard so far and their lines, for reports (feed/arbiter.h).
struct arbiter;
const struct arbiter *feed_arbiter(const struct feed *f);

#endif
