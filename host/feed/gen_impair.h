// SPDX-License-Identifier: Apache-2.0
// Two lines' impairments, seeded: packets of a line are lost, come late, twice, or out of order. Frames go in
// in the order of their capture, and come out in the order in which they arrive. A test tool: each frame is
// copied, and memory grows with what is on its way (at most IMPAIR_WAITING_MAX frames). Lines draw from
// streams of their own, so that one line's impairments do not change the other's. One thread per object.
//
// A specification is LINE:KEY=VALUE,...;LINE:... with LINE A, B or AB (both, each drawn on its own) and
//   drop=P           share of the packets that is lost
//   dup=P            share that is followed by a copy
//   delay=T[..T]     each packet is later by T, or by something drawn evenly between the two; in order
//   reorder=P[/N]    share that comes N packets of its line late, 1..IMPAIR_REORDER_MAX (default 1)
//   during=T..T      only in this stretch of the capture; else all of it
// P is a share from 0 to 1 or a percentage (1%); T a number with its unit: ns, us, ms, s.
#ifndef TRIPLINE_FEED_GEN_IMPAIR_H
#define TRIPLINE_FEED_GEN_IMPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    IMPAIR_LINES = 2,
    IMPAIR_NO_LINE = IMPAIR_LINES, // a frame of no line: it passes as it is
    IMPAIR_REORDER_MAX = 64,
    IMPAIR_WAITING_MAX = 1 << 20,
};
#define IMPAIR_DELAY_MAX_NS UINT64_C(60000000000) // 60 s

struct impair_line {
    bool named;                              // the specification says something about it
    uint32_t drop_ppm, dup_ppm, reorder_ppm; // 0..10^6
    uint32_t reorder_by;                     // packets, 1..IMPAIR_REORDER_MAX
    uint64_t delay_low_ns, delay_high_ns;    // low <= high <= IMPAIR_DELAY_MAX_NS
    uint64_t from_ns, to_ns;                 // since the first frame; to: not included
};

struct impair_spec {
    struct impair_line line[IMPAIR_LINES];
};

struct impair_counters {
    uint64_t packets; // of the line that went in
    uint64_t dropped, duplicates, reordered;
};

struct impair_frame {
    uint64_t ts_ns;
    const uint8_t *bytes; // valid until the next call
    size_t len, wire;
};

// Both lines as they are.
void impair_none(struct impair_spec *s);
// 0, or -1 with the piece that is wrong in *e.
int impair_parse(const char *text, struct impair_spec *s, struct err *e);

struct impair;
struct impair *impair_new(const struct impair_spec *s, uint64_t seed); // NULL when out of memory
void impair_free(struct impair *i);
// Takes a copy of one frame of `line` (IMPAIR_NO_LINE: none). 0, or -1 with *e set when too much waits.
int impair_take(struct impair *i, unsigned line, uint64_t ts_ns, const uint8_t *frame, size_t len,
                size_t wire, struct err *e);
// The next frame that has arrived by the newest frame's time; `over`: no frame will follow, all of them
// arrive.
bool impair_next(struct impair *i, bool over, struct impair_frame *out);
const struct impair_counters *impair_counters(const struct impair *i, unsigned line);

#endif
