// SPDX-License-Identifier: Apache-2.0
#include "oracle/twap.h"

#include <assert.h>

// Time from a to b; 0 when b is not after a.
static uint32_t elapsed(uint32_t a, uint32_t b)
{
    uint32_t d = b - a;
    return d < UINT32_C(1) << 31 ? d : 0;
}

static i128 floor_div(i128 a, i128 b) // b > 0
{
    i128 q = a / b;
    return q - (a % b < 0);
}

void twap_init(struct twap *t, uint32_t spacing, unsigned capacity)
{
    assert(capacity >= 1 && capacity <= TWAP_RING);
    *t = (struct twap){.spacing = spacing, .capacity = (uint16_t)capacity};
}

uint32_t twap_spacing(uint32_t window, unsigned capacity)
{
    uint32_t gaps = capacity - 1;
    return window / gaps + (window % gaps != 0);
}

static void store(struct twap *t)
{
    t->newest = (uint16_t)(t->n == 0 || t->newest + 1 == t->capacity ? 0 : t->newest + 1);
    t->n = (uint16_t)(t->n < t->capacity ? t->n + 1 : t->n);
    t->point[t->newest] = (struct twap_point){t->last_time, t->last_sum};
}

void twap_write(struct twap *t, uint32_t now, int64_t v)
{
    if (t->n == 0) {
        t->last_time = now;
        t->last_sum = 0;
        store(t);
    }
    uint32_t dt = elapsed(t->last_time, now);
    if (dt > 0) {
        // |sum| < 2^63 * 2^64: what 584 million years of milliseconds could add.
        t->last_sum += (i128)t->last_value * dt;
        t->last_time = now;
        if (elapsed(t->point[t->newest].time, now) >= t->spacing)
            store(t);
    }
    t->last_value = v;
}

// The i-th stored point, 0 the oldest.
static const struct twap_point *nth(const struct twap *t, unsigned i)
{
    unsigned at = t->newest + 1u + t->capacity - t->n + i; // below twice the capacity
    return &t->point[at >= t->capacity ? at - t->capacity : at];
}

uint32_t twap_span(const struct twap *t, uint32_t now)
{
    return t->n == 0 ? 0 : elapsed(nth(t, 0)->time, now);
}

int twap_sum(const struct twap *t, uint32_t now, uint32_t ago, i128 *out)
{
    if (t->n == 0)
        return -1;
    uint32_t since = elapsed(t->last_time, now);
    if (ago <= since) {
        *out = t->last_sum + (i128)t->last_value * (since - ago);
        return 0;
    }
    // Times as distances back from the last write, which no wrap can reorder.
    uint32_t back = ago - since;
    if (back > elapsed(nth(t, 0)->time, t->last_time))
        return -1;
    unsigned lo = 0,
             hi = t->n; // point lo is at or before the time asked for; point hi, if there is one, after it
    while (hi - lo > 1) {
        unsigned mid = (lo + hi) / 2;
        if (t->last_time - nth(t, mid)->time >= back)
            lo = mid;
        else
            hi = mid;
    }
    const struct twap_point *a = nth(t, lo);
    struct twap_point b = {t->last_time, t->last_sum};
    if (hi < t->n)
        b = *nth(t, hi);
    uint32_t dt = b.time - a->time, part = t->last_time - back - a->time;
    // |b.sum - a.sum| <= 2^63 * dt, and part < dt < 2^31: the product stays below 2^125.
    *out = part == 0 ? a->sum : a->sum + floor_div((b.sum - a->sum) * part, dt);
    return 0;
}

int twap_mean(const struct twap *t, uint32_t now, uint32_t from, uint32_t to, int64_t *out)
{
    i128 a, b;
    if (from <= to || twap_sum(t, now, from, &a) != 0 || twap_sum(t, now, to, &b) != 0)
        return -1;
    *out = (int64_t)floor_div(b - a, from - to); // a mean of int64s
    return 0;
}
