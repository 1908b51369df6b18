// SPDX-License-Identifier: Apache-2.0
// Timing wheel: things (numbered 0..n-1) that come due by the clock alone. Hierarchical, O(1) to put, move
// and remove; advancing costs the occupied slots passed and the things that came due, whatever the step is.
// 12 bytes a thing, all taken in wheel_new; nothing else allocates. One thread. Order: things come due by
// tick, within a tick by id. What is put when it is due already follows those that came due before, in the
// order put. So the order depends on the calls alone.
#ifndef TRIPLINE_ENGINE_WHEEL_H
#define TRIPLINE_ENGINE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Most things of a wheel, and its last tick counted from the start: 34 years at a millisecond, 34 thousand at
// a second. What is due later than the last tick comes due there.
#define WHEEL_IDS_MAX   ((uint32_t)1 << 28)
#define WHEEL_TICKS_MAX (((uint64_t)1 << 40) - 3)

struct wheel;
// n: at most WHEEL_IDS_MAX - 1. tick_ns: the resolution, > 0. Time starts at start_ns. NULL when out of
// memory or n or tick_ns is out of range.
struct wheel *wheel_new(uint32_t n, uint64_t tick_ns, uint64_t start_ns);
void wheel_free(struct wheel *w);
// `id` comes due at due_ns (put again: moved). Never early; late by less than tick_ns. In the past: due at
// once.
void wheel_put(struct wheel *w, uint32_t id, uint64_t due_ns);
void wheel_remove(struct wheel *w, uint32_t id); // nothing when it is not in
// Is it in: waiting, or due and not yet taken?
bool wheel_has(const struct wheel *w, uint32_t id);
size_t wheel_count(const struct wheel *w); // how many are in
// Moves the clock on (backwards: nothing happens). Then wheel_take gives what is due, oldest first, and takes
// it out.
void wheel_advance(struct wheel *w, uint64_t now_ns);
bool wheel_take(struct wheel *w, uint32_t *id);
// Earliest moment at which something may come due, never later than the first that does; the wheel's time
// when something is due already; UINT64_MAX when the wheel is empty.
uint64_t wheel_next(const struct wheel *w);
size_t wheel_bytes(const struct wheel *w); // memory in use

#endif
