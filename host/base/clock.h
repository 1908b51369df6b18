// SPDX-License-Identifier: Apache-2.0
// Time for latency measurement (P7: clock_describe says which clock it is). Ticks are the processor's
// time-stamp counter where it runs at a constant rate in all power states, calibrated against
// CLOCK_MONOTONIC_RAW; elsewhere ticks are nanoseconds of CLOCK_MONOTONIC_RAW itself. Only differences mean
// anything. Never decides anything: the time that prices and orders depend on is an input and goes through
// the journal.
#ifndef TRIPLINE_BASE_CLOCK_H
#define TRIPLINE_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "base/wide.h"

struct clock_cal {
    bool tsc;
    uint64_t mult;      // ns per tick in units of 2^-32
    uint64_t hz;        // ticks a second
    uint32_t window_ms; // how long was measured; 0 for the system clock
    uint32_t error_ppm; // bound of the rate's error that the measurement itself allows, rounded up
};

// Set by clock_init; before that the system clock, which needs no calibration.
extern struct clock_cal clock_cal;

// Calibrates, which takes some 50 ms of sleep. Once, before other threads use the clock.
void clock_init(void);

// One line for reports: the clock, its rate, and how well the rate is known. Returns buf.
const char *clock_describe(char *buf, size_t size);

static inline uint64_t clock_system_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

extern uint64_t clock_wall_offset; // set by clock_init

// Time for live streams, ns since the epoch: the wall clock as it stood at clock_init, and CLOCK_MONOTONIC
// since. It never steps, so that ages of prices mean what they say when somebody sets the clock.
static inline uint64_t clock_stream_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + clock_wall_offset;
}

// Cheapest: may be read a few instructions early or late. For stage stamps some 100 ns apart.
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(clock_cal.tsc, 1))
        return __rdtsc();
#endif
    return clock_system_ns();
}

// Before a short measured stretch: all earlier instructions are done, and no later one has begun.
static inline uint64_t clock_ticks_begin(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(clock_cal.tsc, 1)) {
        _mm_lfence();
        uint64_t t = __rdtsc();
        _mm_lfence();
        return t;
    }
#endif
    return clock_system_ns();
}

// After it: the stretch is done (rdtscp waits for it), and no later instruction has begun.
static inline uint64_t clock_ticks_end(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(clock_cal.tsc, 1)) {
        unsigned cpu;
        uint64_t t = __rdtscp(&cpu);
        _mm_lfence();
        return t;
    }
#endif
    return clock_system_ns();
}

// What one clock_ticks() costs, ns: the least mean of many short rows of it. Takes some 100 us.
double clock_read_ns(void);

// ---- is the rate still what clock_init() found? Not for the hot path.

// A moment by both clocks: system time ns was at some tick in [ticks, ticks + width].
struct clock_moment {
    uint64_t ticks, width, ns;
};
// What became of the rate over a run, by CLOCK_MONOTONIC_RAW. Where the kernel's own clock source is the TSC
// this shows what the calibration missed, not a TSC that runs wrong: for that the kernel keeps its watchdog.
struct clock_drift {
    bool known;  // false: ticks are the system clock's, so there is nothing to compare; or no time went by
    int64_t ppb; // figures by ticks are so much too large; below 0: too small
    uint64_t error_ppb; // bound of what the readings themselves may have done to that, rounded up
    uint64_t span_ms;
};
// The tightest of several readings: the others were interrupted.
struct clock_moment clock_drift_begin(void);
struct clock_drift clock_drift_end(const struct clock_moment *begin);
// The same for any two moments.
struct clock_drift clock_drift_between(const struct clock_moment *a, const struct clock_moment *b);
// One line for reports. Returns buf.
const char *clock_drift_describe(const struct clock_drift *d, char *buf, size_t size);

// Do the time-stamp counters of the CPUs that this thread may use tell the same time? Goes to each of them in
// turn and back, some microseconds each. A difference within error_ns is none.
struct clock_spread {
    unsigned cpus; // compared; 0: not known (ticks are the system clock's, or the thread could not be moved)
    uint64_t ns;   // largest difference from the first
    uint64_t error_ns;
};
struct clock_spread clock_spread(void);
// One line for reports. Returns buf.
const char *clock_spread_describe(const struct clock_spread *x, char *buf, size_t size);

// A difference of ticks in ns, rounded down. The conversion adds at most 1 ns and 2^-32 of the value to the
// rate's own error. Results up to 2^64 ns.
static inline uint64_t clock_ns(uint64_t ticks)
{
    return (uint64_t)(((u128)ticks * clock_cal.mult) >> 32);
}

#endif
