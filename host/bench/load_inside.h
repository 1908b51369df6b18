// SPDX-License-Identifier: Apache-2.0
// How a load is put together: frames one after the other into memory that grows. Not for the hot path. One
// thread.
#ifndef TRIPLINE_BENCH_LOAD_INSIDE_H
#define TRIPLINE_BENCH_LOAD_INSIDE_H

#include "bench/load.h"

// What is allocated for load.frame (frames) and load.bytes (bytes).
struct load_room {
    size_t frames, bytes;
};
// Appends a frame; every frame begins a cache line. A stamp below the one before it is held at that. 0, or -1
// with *e set when it does not fit into the memory that the system has left; `from` is the file or generator
// that the message names. Whatever happens, load_free() frees the load.
int load_add(struct load *l, struct load_room *r, const char *from, const struct load_frame *f,
             const uint8_t *data, struct err *e);
// Gives back what was allocated and is not used.
void load_done(struct load *l, struct load_room *r);

#endif
