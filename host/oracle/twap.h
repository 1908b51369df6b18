// SPDX-License-Identifier: Apache-2.0
// A value that changes over time, and its mean over a window of the past: Uniswap v3's observation ring
// (Oracle.sol), for ticks (a geometric mean of prices) or for prices themselves (an arithmetic mean).
//
// cumulative(t) is the integral of the value from the first write to t: an exact integer, because the value
// is constant between writes. The ring keeps it at stored points, at most one in `spacing`; the end of the
// last stored stretch is kept exactly beside it. A window's edge between two stored points is interpolated on
// the straight line between them, rounded down: exact when the value did not change there. With spacing 0
// every write at a new time is stored, as in Uniswap.
//
// Time is a uint32 of the caller's unit (tripline: milliseconds of stream time) and wraps; nothing may be
// asked further back than 2^31 units, and a write that is 2^31 or more behind counts as no time passed. A
// second write at the same time replaces the first: that one held for no time. No allocation; one thread.
#ifndef TRIPLINE_ORACLE_TWAP_H
#define TRIPLINE_ORACLE_TWAP_H

#include "base/wide.h"

enum { TWAP_RING = 128 };

struct twap {
    uint32_t spacing;
    uint16_t capacity;  // 1..TWAP_RING points
    uint16_t n, newest; // stored points; index of the newest
    // The value since the newest write, the integral up to there.
    uint32_t last_time;
    int64_t last_value;
    i128 last_sum;
    struct twap_point {
        uint32_t time;
        i128 sum;
    } point[TWAP_RING];
};

// Empty. capacity 1..TWAP_RING (asserted).
void twap_init(struct twap *t, uint32_t spacing, unsigned capacity);
// Spacing with which `capacity` >= 2 points always reach back `window` units once so much time has passed.
uint32_t twap_spacing(uint32_t window, unsigned capacity);
// From now on the value is v.
void twap_write(struct twap *t, uint32_t now, int64_t v);
// Units of time since the oldest stored point; 0 when empty.
uint32_t twap_span(const struct twap *t, uint32_t now);
// cumulative(now - ago). 0, or -1 when that is before the oldest stored point (Uniswap's "OLD") or t is
// empty.
int twap_sum(const struct twap *t, uint32_t now, uint32_t ago, i128 *out);
// floor((cumulative(now - to) - cumulative(now - from)) / (from - to)), from > to: rounded towards minus
// infinity as OracleLibrary.consult does. 0 or -1 as above.
int twap_mean(const struct twap *t, uint32_t now, uint32_t from, uint32_t to, int64_t *out);

#endif
