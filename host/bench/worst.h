// SPDX-License-Identifier: Apache-2.0
// The worst N frames of a run by one way through the host, with the stamps of each, so that an outlier can be
// explained. Fixed memory, kept on the hot thread: one comparison a frame that is not among them.
#ifndef TRIPLINE_BENCH_WORST_H
#define TRIPLINE_BENCH_WORST_H

#include <stddef.h>

#include "run/stamps.h"

enum { WORST_MAX = 64 };
struct worst_frame {
    uint64_t ticks;  // of the way
    uint64_t frame;  // its number in the load
    uint64_t pass;   // which time the load was played
    uint32_t behind; // frames that were due before it and not yet done when it was due
    struct frame_stamps stamps;
};
struct worst {
    enum stamp to;                    // from STAMP_ARRIVED to this one
    size_t n, most;                   // most <= WORST_MAX
    struct worst_frame at[WORST_MAX]; // a heap: at[0] is the least of them
};
void worst_init(struct worst *w, enum stamp to, size_t most);
void worst_take(struct worst *w, const struct frame_stamps *s, uint64_t frame, uint64_t pass,
                uint32_t behind);
// Slowest first.
void worst_sort(struct worst *w);

#endif
