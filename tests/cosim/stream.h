// SPDX-License-Identifier: Apache-2.0
// Random command streams that reach every command, error and corner of docs/device.md. The same seed and
// geometry give the same stream.
#ifndef TRIPLINE_TESTS_COSIM_STREAM_H
#define TRIPLINE_TESTS_COSIM_STREAM_H

#include "abi.h"

#include <stddef.h>

enum { STREAM_HOT = 8 }; // assets that most commands use, so that rows and ticks meet

struct stream {
    uint64_t random;
    uint32_t lanes, slots, assets, rows;
    uint32_t group;
    uint64_t price[STREAM_HOT]; // newest price sent for the first assets
};

void stream_init(struct stream *s, uint64_t seed, uint32_t lanes, uint32_t slots, uint32_t assets);
uint64_t stream_random(struct stream *s);
// One phrase (a group of ticks, a row with its coefficients, a fault, ...) appended at out; returns its
// length. room must be at least stream_room().
size_t stream_next(struct stream *s, struct beat *out);
size_t stream_room(const struct stream *s);
// Loads every row armed just above zero, then one tick that makes all of them fire. Returns the length.
size_t stream_all_fire(struct stream *s, struct beat *out);

#endif
