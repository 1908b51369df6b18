// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const struct clock_cal SYSTEM_CLOCK = {.mult = UINT64_C(1) << 32, .hz = 1000000000};

struct clock_cal clock_cal = {.mult = UINT64_C(1) << 32, .hz = 1000000000};

enum { TRIES = 32 }; // brackets of which the narrowest is taken

#if defined(__x86_64__)

// A 50 ms window and readings known to about 50 ns give the rate to some 2 ppm.
enum { WINDOWS = 2, WINDOW_MS = 25 };
// Two windows that disagree more than this did not see a constant rate (or a badly emulated counter).
enum { MAX_DISAGREE_PPM = 500 };

static bool tsc_usable(void)
{
    unsigned a, b, c, d;
    enum { RDTSCP = 1 << 27, INVARIANT = 1 << 8 };
    if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(d & RDTSCP))
        return false;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & INVARIANT);
}

static struct clock_moment read_both(void)
{
    struct clock_moment best = {.width = UINT64_MAX};
    for (int i = 0; i < TRIES; i++) {
        unsigned cpu;
        uint64_t t0 = __rdtscp(&cpu);
        uint64_t ns = clock_system_ns();
        uint64_t t1 = __rdtscp(&cpu);
        if (t1 >= t0 && t1 - t0 < best.width)
            best = (struct clock_moment){t0, t1 - t0, ns};
    }
    return best;
}

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

static double ticks_per_ns(const struct clock_moment *a, const struct clock_moment *b)
{
    double ticks = (double)(b->ticks + b->width / 2 - a->ticks - a->width / 2);
    return ticks / (double)(b->ns - a->ns);
}

static bool calibrate(struct clock_cal *out)
{
    struct clock_moment r[WINDOWS + 1];
    r[0] = read_both();
    for (int i = 1; i <= WINDOWS; i++) {
        sleep_ms(WINDOW_MS);
        r[i] = read_both();
        if (r[i].width == UINT64_MAX || r[i].ticks <= r[i - 1].ticks || r[i].ns <= r[i - 1].ns)
            return false;
    }
    double first = ticks_per_ns(&r[0], &r[1]), second = ticks_per_ns(&r[1], &r[2]);
    double disagree = (first > second ? first - second : second - first) / second * 1e6;
    const struct clock_moment *a = &r[0], *b = &r[WINDOWS];
    double window = (double)(b->ticks - a->ticks), bound = (double)(a->width + b->width) / 2 / window * 1e6;
    if (disagree > MAX_DISAGREE_PPM)
        return false;
    uint64_t ns = b->ns - a->ns, ticks = b->ticks + b->width / 2 - a->ticks - a->width / 2;
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

static struct clock_moment read_both(void)
{
    uint64_t ns = clock_system_ns();
    return (struct clock_moment){.ticks = ns, .ns = ns};
}

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

double clock_read_ns(void)
{
    enum { ROWS = 256, ROW = 64 };
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < ROWS; i++) {
        uint64_t from = clock_ticks_begin(), last = from;
        for (int k = 0; k < ROW; k++)
            last = clock_ticks();
        if (last - from < least)
            least = last - from;
    }
    return (double)least * 1e9 / (double)clock_cal.hz / ROW;
}

// ---- drift

struct clock_moment clock_drift_begin(void)
{
    if (clock_cal.tsc)
        return read_both();
    uint64_t ns = clock_system_ns();
    return (struct clock_moment){.ticks = ns, .ns = ns};
}

// By how many ns more went by on the ticks' clock than on the other; the bound of what the readings add to
// it.
static int64_t gained(const struct clock_moment *a, const struct clock_moment *b, uint64_t *error_ns)
{
    int64_t ticks = (int64_t)(b->ticks + b->width / 2 - a->ticks - a->width / 2); // below 0: counters differ
    int64_t by_ticks = ticks < 0 ? -(int64_t)clock_ns((uint64_t)-ticks) : (int64_t)clock_ns((uint64_t)ticks);
    *error_ns = clock_ns((a->width + b->width + 1) / 2) + 2; // and 1 ns each that the system clock rounds by
    return by_ticks - (int64_t)(b->ns - a->ns);
}

struct clock_drift clock_drift_between(const struct clock_moment *a, const struct clock_moment *b)
{
    uint64_t error_ns;
    if (!clock_cal.tsc || b->ns <= a->ns)
        return (struct clock_drift){0};
    const uint64_t span = b->ns - a->ns;
    const int64_t more = gained(a, b, &error_ns);
    return (struct clock_drift){
        .known = true,
        .ppb = (int64_t)((i128)more * 1000000000 / (i128)span),
        .error_ppb = (uint64_t)(((u128)error_ns * 1000000000 + span - 1) / span),
        .span_ms = span / 1000000,
    };
}

struct clock_drift clock_drift_end(const struct clock_moment *begin)
{
    const struct clock_moment now = clock_drift_begin();
    return clock_drift_between(begin, &now);
}

const char *clock_drift_describe(const struct clock_drift *d, char *buf, size_t size)
{
    if (d->known)
        (void)snprintf(buf, size,
                       "TSC %+" PRId64 " ppb of its calibrated rate over %" PRIu64 " ms (within %" PRIu64
                       " ppb)",
                       d->ppb, d->span_ms, d->error_ppb);
    else
        (void)snprintf(buf, size, "not compared: %s",
                       clock_cal.tsc ? "no time went by" : "ticks are the system clock's own");
    return buf;
}

// ---- do the CPUs agree?

struct clock_spread clock_spread(void)
{
    struct clock_spread out = {0};
    struct clock_moment first = {0};
    cpu_set_t may, one;
    if (!clock_cal.tsc || sched_getaffinity(0, sizeof may, &may) != 0)
        return out;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (!CPU_ISSET(cpu, &may) || sched_setaffinity(0, sizeof one, &one) != 0)
            continue;
        const struct clock_moment here = read_both();
        if (out.cpus++ == 0)
            first = here;
        uint64_t error_ns;
        int64_t more = gained(&first, &here, &error_ns);
        uint64_t apart = (uint64_t)(more < 0 ? -more : more);
        error_ns += (here.ns - first.ns) / 1000000 * clock_cal.error_ppm + 1; // the calibration's own error
        if (apart > out.ns)
            out.ns = apart;
        if (error_ns > out.error_ns)
            out.error_ns = error_ns;
    }
    (void)sched_setaffinity(0, sizeof may, &may);
    return out;
}

const char *clock_spread_describe(const struct clock_spread *x, char *buf, size_t size)
{
    if (x->cpus == 0)
        (void)snprintf(buf, size, "not compared: ticks are the system clock's own");
    else if (x->ns <= x->error_ns)
        (void)snprintf(buf, size, "the time-stamp counters of %u CPUs agree (within %" PRIu64 " ns)", x->cpus,
                       x->error_ns);
    else
        (void)snprintf(buf, size,
                       "the time-stamp counters of %u CPUs differ by %" PRIu64 " ns (within %" PRIu64 " ns)",
                       x->cpus, x->ns, x->error_ns);
    return buf;
}
