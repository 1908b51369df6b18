// SPDX-License-Identifier: Apache-2.0
// What one source said last: which values are newer, and which are no price.
#include "oracle/policy.h"

static bool replayed(const struct observation *o, uint64_t ts_ns)
{
    return ts_ns != 0 && ts_ns < o->ts_ns;
}

bool observation_take(struct observation *o, int64_t price, uint64_t time_ns, uint64_t ts_ns)
{
    if (replayed(o, ts_ns))
        return false;
    o->price = price;
    o->conf = 0;
    o->flags &= (uint8_t)~OBS_BAD;
    if (ts_ns == 0 || ts_ns > o->ts_ns)
        o->time_ns = time_ns;
    if (ts_ns)
        o->ts_ns = ts_ns;
    return true;
}

bool observation_bad(struct observation *o, uint64_t ts_ns)
{
    if (replayed(o, ts_ns))
        return false;
    o->flags |= OBS_BAD;
    if (ts_ns)
        o->ts_ns = ts_ns;
    return true;
}

bool observation_mid(struct observation *o, int64_t bid, int64_t ask, uint32_t max_spread_ppm,
                     uint64_t time_ns, uint64_t ts_ns)
{
    int64_t mid = book_mid(bid, ask, max_spread_ppm);
    if (!mid)
        return observation_bad(o, ts_ns);
    if (!observation_take(o, mid, time_ns, ts_ns))
        return false;
    o->conf = ask - mid;
    return true;
}
