// SPDX-License-Identifier: Apache-2.0
// What the parts of the time line share.
#ifndef TRIPLINE_BENCH_TIMELINE_INSIDE_H
#define TRIPLINE_BENCH_TIMELINE_INSIDE_H

#include "bench/timeline.h"

struct simulated_frame {
    uint32_t batches, events; // of the tap's, up to the end of this frame
    uint64_t taken, order;    // ticks: it was handed over, its first order; 0: none
    uint32_t flags, orders;
};
struct timeline {
    struct timeline_options o;
    struct tap *tap;
    struct commands commands;
    struct simulated_frame *simulated;
    struct frame_stamps *measured;
    uint32_t n_simulated, n_measured;
    uint64_t no_room; // frames of either run
    uint32_t matched; // frames of both runs that are understood
};

// Of the tap: first beat behind a batch, first event behind it.
uint32_t timeline_batch_end(const struct timeline *tl, uint32_t batch);
uint32_t timeline_batch_events(const struct timeline *tl, uint32_t batch);

#endif
