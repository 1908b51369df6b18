// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const struct clock_cal SYSTEM_CLOCK = {.mult = UINT64_C(1) << 32, .hz = 1000000000};

struct clock_cal clock_cal = {.mult = UINT64_C(1) << 32, .hz = 1000000000};

#if defined(__x86_64__)

// A 50 ms window and readings known to about 50 ns give the rate to some 2 ppm.
enum { WINDOWS = 2, WINDOW_MS = 25, TRIES = 32 };
// Two windows that disagree more than this did not see a constant rate (or a badly emulated counter).
enum { MAX_DISAGREE_PPM = 500 };

struct reading {
    uint64_t tsc; // some moment in [tsc, tsc + width] had system time ns
    uint64_t width;
    uint64_t ns;
};

static bool tsc_usable(void)
{
    unsigned a, b, c, d;
    enum { RDTSCP = 1 << 27, INVARIANT = 1 << 8 };
    if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(d & RDTSCP))
        return false;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & INVARIANT);
}

// The narrowest of several brackets: the others were interrupted.
static struct reading read_both(void)
{
    struct reading best = {.width = UINT64_MAX};
    for (int i = 0; i < TRIES; i++) {
        unsigned cpu;
        uint64_t t0 = __rdtscp(&cpu);
        uint64_t ns = clock_system_ns();
        uint64_t t1 = __rdtscp(&cpu);
        if (t1 >= t0 && t1 - t0 < best.width)
            best = (struct reading){t0, t1 - t0, ns};
    }
    return best;
}

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

static double ticks_per_ns(const struct reading *a, const struct reading *b)
{
    double ticks = (double)(b->tsc + b->width / 2 - a->tsc - a->width / 2);
    return ticks / (double)(b->ns - a->ns);
}

static bool calibrate(struct clock_cal *out)
{
    struct reading r[WINDOWS + 1];
    r[0] = read_both();
    for (int i = 1; i <= WINDOWS; i++) {
        sleep_ms(WINDOW_MS);
        r[i] = read_both();
        if (r[i].width == UINT64_MAX || r[i].tsc <= r[i - 1].tsc || r[i].ns <= r[i - 1].ns)
            return false;
    }
    double first = ticks_per_ns(&r[0], &r[1]), second = ticks_per_ns(&r[1], &r[2]);
    double disagree = (first > second ? first - second : second - first) / second * 1e6;
    const struct reading *a = &r[0], *b = &r[WINDOWS];
    double window = (double)(b->tsc - a->tsc), bound = (double)(a->width + b->width) / 2 / window * 1e6;
    if (disagree > MAX_DISAGREE_PPM)
        return false;
    uint64_t ns = b->ns - a->ns, ticks = b->tsc + b->width / 2 - a->tsc - a->width / 2;
    *out = (struct clock_cal){
        .tsc = true,
        .mult = (uint64_t)((((u128)ns << 32) + ticks / 2) / ticks),
        .hz = (uint64_t)(((u128)ticks * 1000000000u + ns / 2) / ns),
        .window_ms = (uint32_t)(ns / 1000000),
        .error_ppm = (uint32_t)bound + 1,
    };
    return out->mult > 0;
}

#else

static bool tsc_usable(void)
{
    return false;
}

static bool calibrate(struct clock_cal *out)
{
    (void)out;
    return false;
}

#endif

uint64_t clock_wall_offset;

static void note_wall_clock(void)
{
    struct timespec wall, mono;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_wall_offset =
        (uint64_t)(wall.tv_sec - mono.tv_sec) * 1000000000u + (uint64_t)wall.tv_nsec - (uint64_t)mono.tv_nsec;
}

void clock_init(void)
{
    note_wall_clock();
    struct clock_cal cal;
    clock_cal = tsc_usable() && calibrate(&cal) ? cal : SYSTEM_CLOCK;
}

const char *clock_describe(char *buf, size_t size)
{
    if (clock_cal.tsc)
        (void)snprintf(buf, size,
                       "TSC at %" PRIu64 ".%06" PRIu64 " MHz (CLOCK_MONOTONIC_RAW over %" PRIu32
                       " ms, within %" PRIu32 " ppm)",
                       clock_cal.hz / 1000000, clock_cal.hz % 1000000, clock_cal.window_ms,
                       clock_cal.error_ppm);
    else
        (void)snprintf(buf, size, "CLOCK_MONOTONIC_RAW (no constant-rate time-stamp counter)");
    return buf;
}
