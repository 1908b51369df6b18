// SPDX-License-Identifier: Apache-2.0
// What the arbiter knows of one line of a stream: when it was heard, what it brought, what it never brought.
// Also the arithmetic of sequence numbers. Internal to the arbiter. Pure functions on the caller's state.
#ifndef TRIPLINE_FEED_ARBITER_LINE_H
#define TRIPLINE_FEED_ARBITER_LINE_H

#include "feed/arbiter.h"

struct line {
    bool heard;
    bool counted;         // next and seen hold something
    uint64_t came_ns;     // arbiter's clock at its newest datagram
    uint64_t live_ns;     // the same, or when the stream spoke again after a silence of all lines
    uint64_t run_next;    // the unbroken run behind the number expected: where it goes on,
    uint64_t run_ns;      // arbiter's clock when it began,
    uint64_t run;         // its datagrams (0 = none),
    uint64_t run_numbers; // and numbers;
    uint16_t run_first;   // of them kept, in order, the newest ones: pool entries,
    uint16_t run_last;
    uint16_t run_kept; // and how many
    uint64_t next;     // behind the newest number that it brought
    uint64_t seen;     // bit i: it brought next - 1 - i
    unsigned passed;   // datagrams among the kept ones that it brought
    uint64_t lag_ns;   // how far behind the first copies it has been lately
    struct line_counters n;
};

// How far `to` is ahead of `from` in numbers that wrap at 2 * half.
static inline uint64_t seq_distance(uint64_t half, uint64_t from, uint64_t to)
{
    return (to - from) & (half * 2 - 1);
}
// Whether a distance is ahead; 0 is not, nor is what is as far behind as ahead.
static inline bool seq_is_ahead(uint64_t half, uint64_t d)
{
    return d != 0 && d < half;
}

// A datagram came by this line. quiet_ns: 0 = no rule.
static inline void line_heard(struct line *l, uint64_t quiet_ns, uint64_t now_ns, uint64_t ts_ns)
{
    uint64_t silent = now_ns - l->came_ns;
    if (l->heard && quiet_ns && silent > quiet_ns)
        l->n.stale_ns += silent - quiet_ns;
    l->heard = true;
    l->came_ns = now_ns;
    l->n.last_ns = ts_ns;
    l->n.packets++;
}

// It brought [seq, seq + count), all of it at or behind the stream's next number by now. Mostly the one
// number that follows, without a hole.
void line_brought_odd(struct line *l, uint64_t half, uint64_t seq, uint32_t count);
static inline void line_brought(struct line *l, uint64_t half, uint64_t seq, uint32_t count)
{
    if (l->counted && count == 1 && seq_distance(half, l->next, seq) == 0) {
        l->seen = l->seen << 1 | 1;
        l->next++;
    } else {
        line_brought_odd(l, half, seq, count);
    }
}
// It was lag_ns behind the first copy; 0: it brought that. Falls slowly, so that one quick datagram of a slow
// line does not count.
static inline void line_lag(struct line *l, uint64_t lag_ns)
{
    uint64_t before = l->lag_ns - l->lag_ns / 8;
    l->lag_ns = lag_ns > before ? lag_ns : before;
}

// It brought a copy of what came first at first_ns. Before the copy is counted.
void line_lead(struct line *l, uint64_t first_ns, uint64_t ts_ns);
// Of a datagram, to tell copies by; never 0.
uint64_t line_digest(const uint8_t *payload, size_t len);

#endif
