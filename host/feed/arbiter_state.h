// SPDX-License-Identifier: Apache-2.0
// What the arbiter's files share: its state, and what each does for the others. Internal to the arbiter.
//   arbiter.c         a datagram's way in, and the short way of the one expected next
//   arbiter_table.c   which streams there are, who goes when there are too many, reports
//   arbiter_kept.c    the long way out: what waits for a hole, when it stops waiting, time
//   arbiter_restart.c the sequence begins anew: the venue says so, or a run of datagrams does
#ifndef TRIPLINE_FEED_ARBITER_STATE_H
#define TRIPLINE_FEED_ARBITER_STATE_H

#include "feed/arbiter.h"
#include "feed/arbiter_line.h"

enum {
    SLOT_BITS = 12,
    SLOTS = 1 << SLOT_BITS, // of the table of streams
    NONE = 0xffff,          // no pool entry
    RECENT = 256,           // accepted datagrams whose receive times are remembered, power of two
    // Unordered datagrams that are remembered to know copies by, of all streams together: what the lines of a
    // few busy recovery feeds bring while one lags, so that hardly a set of places is full of them.
    SEEN_SET_BITS = 11,
    SEEN_WAYS = 8,
};

// A datagram that waits: for a hole, or in a run. Its bytes are in arbiter.bytes at the same index.
struct kept {
    struct feed_packet p;
    uint64_t exchange_ns;
    uint64_t came_ns; // by the arbiter's clock
    uint8_t lines;    // bit l: line l has brought it
    uint16_t next;    // of its stream's list, ascending by number; of its line's run; or of the free list
};

struct stream {
    const struct feed_protocol *proto;
    uint16_t channel, of; // of: channel of the live events that it belongs to
    bool snapshot, started, restarted, reset;
    bool again;                      // may have been here before and lost its place
    bool used;                       // never gives up its place
    uint16_t index;                  // in arbiter.stream
    uint16_t first, n_kept, open_at; // list of those waiting; index in arbiter.open while there are any
    uint16_t n_run;                  // datagrams kept of runs, of all lines
    uint64_t half;                   // half of the numbers' range; mask = 2 * half - 1
    uint64_t next;
    uint64_t newest_ns;                    // newest exchange time accepted; 0 = none yet
    uint64_t hole_ns;                      // arbiter's clock when the longest kept datagram came
    uint64_t lost_from, lost_to;           // the newest gap declared
    uint64_t restart_exchange, restart_ns; // of the newest restart: its exchange time, the arbiter's clock
    uint64_t reset_seq, reset_exchange;    // the newest reset of the venue that was followed
    uint64_t gaps, lost;
    uint64_t group[ARBITER_LINES]; // frame_info.line_by_group: destination + 1; 0 = none yet
    struct {
        uint64_t key, ts_ns; // first number + 1; 0 = none
    } recent[RECENT];
    struct line line[ARBITER_LINES];
};

struct seen {
    uint64_t key;     // of stream and content; 0 = none
    uint64_t came_ns; // by the arbiter's clock
};

struct arbiter {
    arbiter_out *out;
    void *ctx;
    struct feed_counters *n;
    uint64_t now;         // the newest stamp or time told
    uint64_t read_ns;     // everything that came before has been taken
    bool polled;          // stamps and times do not say that; arbiter_read() does
    struct stream *last;  // found last: packets come in runs of one channel
    uint16_t slot[SLOTS]; // index of a stream + 1; 0 = free
    uint16_t n_streams, n_open, free;
    uint16_t n_run;                     // pool entries that runs hold
    uint16_t open[ARBITER_STREAMS];     // streams with datagrams that wait for a hole
    uint64_t heard_ns[ARBITER_STREAMS]; // clock at the newest datagram of any line of each stream
    struct seen seen[1 << SEEN_SET_BITS][SEEN_WAYS]; // newest first
    struct stream stream[ARBITER_STREAMS];
    struct kept pool[ARBITER_POOL];
    uint8_t bytes[ARBITER_POOL][ARBITER_PAYLOAD];
};

static inline uint64_t arbiter_distance(const struct stream *s, uint64_t from, uint64_t to)
{
    return seq_distance(s->half, from, to);
}
static inline bool arbiter_ahead(const struct stream *s, uint64_t d)
{
    return seq_is_ahead(s->half, d);
}
// All of [seq, seq + count) is behind the next number; a heartbeat (count 0) when it names one before it.
static inline bool arbiter_is_old(const struct stream *s, uint64_t seq, uint32_t count)
{
    uint64_t behind = arbiter_distance(s, seq, s->next);
    return behind <= s->half && behind >= count && (count || behind);
}
static inline bool arbiter_is_stream(const struct stream *s, const struct feed_protocol *proto,
                                     uint16_t channel, bool snapshot)
{
    return s->channel == channel && s->snapshot == snapshot && s->proto == proto;
}

// Time moves on to now_ns, which is later.
static inline void arbiter_move_on(struct arbiter *a, uint64_t now_ns)
{
    a->now = now_ns;
    if (!a->polled)
        a->read_ns = now_ns;
}

// What accepting does to a stream, for the short and the long way.
static inline void arbiter_move_behind(struct stream *s, const struct feed_packet *p, uint64_t exchange_ns)
{
    s->next = (p->seq + p->count) & (s->half * 2 - 1);
    if (exchange_ns > s->newest_ns)
        s->newest_ns = exchange_ns;
}
static inline void arbiter_first_of(struct stream *s, const struct feed_packet *p)
{
    s->recent[p->seq & (RECENT - 1)].key = p->seq + 1;
    s->recent[p->seq & (RECENT - 1)].ts_ns = p->ts_ns;
    s->line[p->line].n.first++;
    line_lag(&s->line[p->line], 0);
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        s->line[l].run = 0;
}

// arbiter_table.c
// The stream of a datagram, made if need be; NULL: there is no room, and nobody who may go.
struct stream *arbiter_stream_get(struct arbiter *a, const struct feed_protocol *proto,
                                  const struct frame_info *f);

// arbiter_kept.c
// E moves to behind p, which is given out. lines: bits of those that brought it.
void arbiter_accept(struct arbiter *a, struct stream *s, struct feed_packet *p, uint64_t exchange_ns,
                    unsigned lines);
// A datagram ahead of E: waits, or stands for one that does.
void arbiter_take_early(struct arbiter *a, struct stream *s, const struct frame_info *f,
                        struct feed_packet *p);
// Lets go what follows the next number and what a hole that is lost keeps waiting.
void arbiter_release(struct arbiter *a, struct stream *s);
// Lets go all that waits.
void arbiter_release_all(struct arbiter *a, struct stream *s);
// A copy of the datagram in the pool. NONE: no room, or it is too long.
uint16_t arbiter_copy(struct arbiter *a, const struct frame_info *f, const struct feed_packet *p);
void arbiter_give_back(struct arbiter *a, uint16_t k);
// Puts a pool entry among those that wait for a hole.
void arbiter_wait(struct arbiter *a, struct stream *s, uint16_t k);

// arbiter_restart.c
// A datagram behind E, or a reset of the venue behind it.
void arbiter_take_old(struct arbiter *a, struct stream *s, const struct frame_info *f, struct feed_packet *p);
void arbiter_reset(struct arbiter *a, struct stream *s, const struct frame_info *f, struct feed_packet *p);
// Something of the sequence was accepted, or the input is over: what was kept of runs is old after all.
void arbiter_drop_runs(struct arbiter *a, struct stream *s);

#endif
