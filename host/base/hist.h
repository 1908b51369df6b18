// SPDX-License-Identifier: Apache-2.0
// Histogram of unsigned 64-bit values (latencies in ticks or ns; the unit is the caller's) in fixed memory.
// Log-linear: values below 128 have a bucket each, every octave above is cut into 128 equal buckets. A
// percentile is reported as the upper end of its bucket, or the maximum where that is less, so it is never
// below the true one and above it by less than 1/128 (0.79 %); count, min, max and mean are exact. One thread
// per struct; merge afterwards. Caller owns it (about 58 KiB: not for the stack of a hot thread).
#ifndef TRIPLINE_BASE_HIST_H
#define TRIPLINE_BASE_HIST_H

#include <stdint.h>

#include "base/wide.h"

enum {
    HIST_SUB_BITS = 7,
    HIST_SUB = 1 << HIST_SUB_BITS,
    HIST_BUCKETS = (64 - HIST_SUB_BITS + 1) * HIST_SUB,
    HIST_WHOLE = 100000, // 100 % in the unit of hist_percentile
};

struct hist {
    uint64_t count;
    uint64_t min; // UINT64_MAX when empty
    uint64_t max; // 0 when empty
    u128 sum;
    uint64_t bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);

static inline unsigned hist_bucket(uint64_t v)
{
    unsigned shift = 63u - (unsigned)__builtin_clzll(v | HIST_SUB) - HIST_SUB_BITS;
    return shift * HIST_SUB + (unsigned)(v >> shift);
}

// O(1), no branch that depends on the value but the compiler's min and max.
static inline void hist_record(struct hist *h, uint64_t v)
{
    h->count++;
    h->sum += v;
    h->min = v < h->min ? v : h->min;
    h->max = v > h->max ? v : h->max;
    h->bucket[hist_bucket(v)]++;
}

// Adds all of from to h; the same as if h had recorded from's values.
void hist_merge(struct hist *h, const struct hist *from);

// Nearest rank: the least value that is not below share/100000 of all (50000 is the median, 99999 is p99.999,
// 0 the minimum, 100000 the maximum), within the error above. 0 when empty.
uint64_t hist_percentile(const struct hist *h, uint32_t share);

// Rounded to nearest; 0 when empty.
uint64_t hist_mean(const struct hist *h);

#endif
