// SPDX-License-Identifier: Apache-2.0
// Puts a stream's datagrams in order: the first copy of each number wins, whichever line brought it; copies
// are dropped; what comes early is kept for a while; a gap is declared only when waiting cannot help. Streams
// are found by (venue, channel, snapshot), so lines of one channel need not be configured. Time is stream
// time (the receive stamps of frames, session clock), so that a replay decides the same; it never runs
// backwards. One thread; no allocation after arbiter_new(). A stream without loss costs O(1) a datagram and
// copies none.
//
// With E the next number expected (modulo 2^32 or 2^64), a datagram carrying [s, s + n):
//   s + n <= E                    a copy, or late after its gap was declared: dropped, counted
//   s <= E < s + n                accepted; E - s of its messages are passed over (messages numbered)
//   s > E                         early: kept (a copy of the frame's payload) until the hole is filled or
//                                 declared lost
// The hole before the earliest kept datagram is declared lost when
//   every live line has passed E by at least ARBITER_REORDER datagrams (a line is live when it was heard
//   within the last ARBITER_LINE_NS, not counting time in which no line said anything; with one live line
//   that line alone decides), or the longest kept
//   datagram has waited ARBITER_HOLD_NS (protocols with lines_lag: ARBITER_LAG_NS while a live line that has
//   not passed has yet to bring what precedes the hole; half as long again as it was behind lately where that
//   is more than ARBITER_HOLD_NS and less), or ARBITER_KEPT datagrams are kept, or the next one does not fit
//   (the pool is full, or it is over ARBITER_PAYLOAD long: then everything up to it is let go).
// Both times end where the input has been read to: what may lie unread on a line was not waited for.
//   Of a capture that is its newest stamp: what is due by the clock goes before a datagram that comes later
//   than that, also one that would fill the hole.
//   A port hands over what came while nobody looked with one stamp, so there (arbiter_polled()) neither
//   stamps nor arbiter_time() let anything go; arbiter_read() does, told after every line was read to its
//   end.
// A heartbeat with s > E shows a hole as a datagram would. Snapshot streams are ordered the same way.
//
// A restart of the stream (reported as restart, with the gap that is known of) is
//   the venue's own reset (frame_info.reset), once, whichever line brings it first; one behind E only when
//   its exchange time, if it has one, is new: else it is late, or a run of datagrams behind E on one line:
//   unbroken (each begins where the one before ended, nothing accepted between), at least ARBITER_RESTART_RUN
//   long, its newest exchange time after everything that the stream has carried: old data, however late, is
//   not taken for a restart. Where times do not help, ARBITER_WEDGE_RUN datagrams decide, so that no stream
//   stays dead for ever: alone where there are no times; else, as a wrong one may have been accepted before,
//   when they took ARBITER_LINE_NS: a recording of what was delivered, read on behind it, takes none.
// The newest ARBITER_RUN_KEPT of a run are kept as far as they may be new (a newer exchange time, or none and
// a number not known) and come out at the restart, in order, each once, whichever lines brought them; what
// the run had before them is reported as gap. A run that is none was copies. Other lines' newer datagrams
// are kept over the restart, too. What waited for a hole is let go before it. For ARBITER_LINE_NS after it,
// early datagrams with an exchange time before the restart's are the old sequence on a slower line: dropped
// as late.
//
// There is room for ARBITER_STREAMS. When one more is heard, the one silent longest goes, of those that hold
// nothing back and that nobody uses (arbiter_use()); where there is none, the new one is refused. Nobody
// knows what a stream missed that comes again, so from the first to go on new streams begin with a restart.
#ifndef TRIPLINE_FEED_ARBITER_H
#define TRIPLINE_FEED_ARBITER_H

#include "feed/feed.h"
#include "feed/protocol.h"

enum {
    ARBITER_STREAMS = 3072,
    ARBITER_KEPT = 1024,    // early datagrams of one stream: twice CME's busiest 100 ms in our capture
    ARBITER_POOL = 4096,    // of all streams together
    ARBITER_PAYLOAD = 2048, // bytes of one that can be kept
    ARBITER_REORDER = 4,    // datagrams a line may be out of order
    ARBITER_LINES = 2,
    ARBITER_RESTART_RUN = 3,
    ARBITER_RUN_KEPT = 8,   // newest datagrams of one line's run
    ARBITER_RUN_POOL = 512, // of all runs together, of ARBITER_POOL
    ARBITER_WEDGE_RUN = 4096,
    ARBITER_SEEN = 64, // numbers behind a line's newest of which it is known whether the line brought them
};
#define ARBITER_HOLD_NS UINT64_C(2000000)    // 2 ms
#define ARBITER_LAG_NS  UINT64_C(100000000)  // 100 ms: CME's lines were seen 48 ms apart
#define ARBITER_LINE_NS UINT64_C(5000000000) // 5 s: longest idle heartbeat of a venue whose lines both send

// Counters of one line of one stream, feeds.md 6.14; `tripline decode --stats`, telemetry and `tripline top`
// show them. packets = first + copies + late + heartbeats + those kept at the moment.
struct line_counters {
    uint64_t packets;    // whole datagrams of the stream since it was heard, or let go of and heard again
    uint64_t first;      // accepted from this line
    uint64_t copies;     // dropped: all of it was delivered before
    uint64_t late;       // dropped: after its gap was declared, or the old sequence after a restart
    uint64_t heartbeats; // carry no number
    uint64_t early;      // came before a number below it (on its own or the other line)
    uint64_t gaps, lost; // numbers that this line never brought, whether or not the other one did; late ones
                         // are taken off again within ARBITER_SEEN
    uint64_t bad;        // refused by the protocol's frame()
    uint64_t unknown_templates;       // messages
    uint64_t last_ns;                 // receive time of the newest datagram
    uint64_t stale_ns;                // time spent silent beyond the protocol's quiet_ns
    int64_t lead_ns_min, lead_ns_max; // of copies: receive time after the first copy's; both 0 before any
};

struct arbiter;
// An accepted datagram, in order; payload valid during the call only. skip: see protocol.h. May not call back
// into the arbiter.
typedef void arbiter_out(void *ctx, const struct feed_protocol *proto, struct feed_packet *p, uint32_t skip);

// n: gaps, missing, duplicates, restarts, early, streams_evicted and lines_moved are counted there. NULL when
// out of memory.
struct arbiter *arbiter_new(struct feed_counters *n, arbiter_out *out, void *ctx);
void arbiter_free(struct arbiter *a);
// Before the first datagram: stamps and times do not say that all that came before has been taken, only
// arbiter_read() does.
void arbiter_polled(struct arbiter *a);
// One datagram that frame() found whole. Calls out for it and for kept ones that follow, or keeps it. p has
// receive time, addresses and payload; the rest is filled in here. DROP_NONE, or DROP_CHANNELS (nothing has
// changed then).
enum feed_drop arbiter_take(struct arbiter *a, const struct feed_protocol *proto, const struct frame_info *f,
                            struct feed_packet *p);
// Between two datagrams: has the streams' states fetched into the cache, of some of them.
void arbiter_warm(const struct arbiter *a);
// Stream time has moved on: kept datagrams may be due, unless arbiter_polled(). UINT64_MAX: the input is
// over, all of them are.
void arbiter_time(struct arbiter *a, uint64_t now_ns);
// All that had come before until_ns on any line has been taken: kept datagrams may be due.
void arbiter_read(struct arbiter *a, uint64_t until_ns);
// Whether arbiter_time(), or arbiter_read() after arbiter_polled(), would let something go.
bool arbiter_due(const struct arbiter *a, uint64_t until_ns);
// Something of this datagram's stream is used: it, and all that belongs to the same channel of live events,
// never gives up its place. May be called from out.
void arbiter_use(struct arbiter *a, const struct feed_protocol *proto, const struct feed_packet *p);
// A datagram that frame() refused: counted for its line where the stream is known.
void arbiter_bad(struct arbiter *a, const struct feed_protocol *proto, const struct frame_info *f);
// Messages of unknown templates found in an accepted datagram, for its line's counter.
void arbiter_unknown(struct arbiter *a, const struct feed_protocol *proto, const struct feed_packet *p,
                     uint64_t n);

// Streams that have a place, for reports: false when i is past the last.
struct arbiter_stream {
    const struct feed_protocol *proto;
    uint16_t channel;
    bool snapshot;
    bool broken;         // a hole is open: the newest datagrams wait for it
    bool stale;          // every line is silent for longer than the protocol's quiet_ns
    bool used;           // arbiter_use()
    uint64_t next;       // number expected
    uint64_t gaps, lost; // declared: lost on every line
    uint32_t kept;       // datagrams that wait for a hole, or in a run
    struct line_counters line[ARBITER_LINES];
};
bool arbiter_stream(const struct arbiter *a, size_t i, struct arbiter_stream *out);

#endif
