// SPDX-License-Identifier: Apache-2.0
// A device that passes everything on to another one and keeps what went through: every command, in the cuts
// in which it was submitted, and every event. The session sees the device's own name and properties and does
// not change. Keeping is a copy into fixed memory, for the hot thread; what it means is worked out later
// (bench/timeline.h). When the memory is full nothing more is kept, so that what is kept is a beginning
// without gaps.
// Only in front of lockstep devices, whose events have all been polled before the next submit.
#ifndef TRIPLINE_BENCH_TAP_H
#define TRIPLINE_BENCH_TAP_H

#include "device.h"

struct tap_batch {   // beats that were handed over at once
    uint64_t ticks;  // when, base/clock.h
    uint32_t beat;   // index of its first
    uint32_t events; // number of events that came before
};
struct tap_room {
    uint32_t beats, events, batches;
};
struct tap {
    struct device dev; // hand &tap->dev to the session
    struct device_ops ops;
    struct device *under;
    struct tap_room room;
    struct beat *beat, *event;
    struct tap_batch *batch;
    uint32_t n_beats, n_events, n_batches;
    bool cut;  // the last submit was taken in part: the next one belongs to the same batch
    bool full; // something was not kept
};

// NULL with *e set: not a lockstep device, out of memory. The caller keeps `under` and closes it, after the
// tap.
struct tap *tap_new(struct device *under, const struct tap_room *room, struct err *e);
void tap_free(struct tap *t);

#endif
