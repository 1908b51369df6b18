// SPDX-License-Identifier: Apache-2.0
#include "risk/climb.h"

#include <stddef.h>

#include "risk/vol.h"

static const uint64_t WHOLE = 1000000; // ppm
static const uint64_t MILLI = 1000;

const char *climb_check(const struct dynamic_rule *r)
{
    if (r->min_bps < CLIMB_ONE || r->min_bps > r->base_bps || r->base_bps > r->max_bps ||
        r->max_bps > CLIMB_MOST)
        return "the bounds of a perpetual are 10000 <= min_bps <= base_bps <= max_bps <= 1000000";
    if (r->sigma0_ppm >> 32 || r->k_bps >> 31)
        return "sigma0_ppm is below 2^32 and k_bps below 2^31";
    if (r->rate_mbps == 0)
        return "rate_mbps is above 0: a rate that cannot move follows nothing";
    if (r->dead_bps > CLIMB_ONE)
        return "dead_bps is at most 10000";
    return NULL;
}

static uint32_t inside(const struct dynamic_rule *r, i128 v)
{
    return v < (i128)r->min_bps ? r->min_bps : v > (i128)r->max_bps ? r->max_bps : (uint32_t)v;
}

uint32_t climb_target(const struct dynamic_rule *r, uint64_t sigma_ppm)
{
    i128 moved = ((i128)sigma_ppm - (i128)r->sigma0_ppm) * (i128)r->k_bps; // below 2^96
    i128 up = moved / (i128)WHOLE;
    if (moved > 0 && moved % (i128)WHOLE != 0)
        up++; // to the side that liquidates earlier
    return inside(r, (i128)r->base_bps + up);
}

uint32_t climb_open_interest(const struct dynamic_rule *r, u128 value, u128 lower, u128 upper)
{
    if (value <= lower)
        return r->base_bps;
    if (value >= upper)
        return r->max_bps;
    return r->base_bps + (uint32_t)((value - lower) * (r->max_bps - r->base_bps) / (upper - lower));
}

bool climb_step(const struct dynamic_rule *r, struct climb *c, uint32_t target, uint64_t now)
{
    bool up = target > c->at_bps;
    uint32_t left = up ? target - c->at_bps : c->at_bps - target;
    if (now < c->since)
        now = c->since;
    if (left <= r->dead_bps) {
        c->since = now;
        return false;
    }
    u128 may = (u128)r->rate_mbps * (now - c->since) / MILLI;
    uint32_t by = may < left ? (uint32_t)may : left;
    if (by == 0 || by < r->dead_bps) // what is left is more
        return false;
    c->at_bps = up ? c->at_bps + by : c->at_bps - by;
    c->since = now;
    return true;
}

static uint64_t root_of(u128 x) // floor; x <= 10^12
{
    uint64_t lo = 0, hi = CLIMB_ROOT;
    while (lo < hi) {
        uint64_t mid = (lo + hi + 1) / 2;
        if ((u128)mid * mid <= x)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

void climb_roots(const i128 *floor, unsigned n, uint32_t *root)
{
    const i256 most = i256_from_i128(floor[n - 1]);
    for (unsigned k = 0; k < n; k++) {
        i256 share = i256_mul_i64(i256_from_i128(floor[k]), (int64_t)(WHOLE * WHOLE));
        root[k] = (uint32_t)root_of((u128)i256_to_i128(i256_div_floor(share, most)));
    }
}

uint32_t climb_rate(uint32_t rate, uint32_t factor, const uint32_t *root)
{
    uint64_t share = root ? *root : CLIMB_ROOT, by = (uint64_t)CLIMB_ONE * CLIMB_ROOT;
    u128 rise = (u128)rate * (factor - CLIMB_ONE) * share;
    return rate + (uint32_t)((rise + by - 1) / by);
}

bool climb_fit(const uint32_t *rate, const uint32_t *root, unsigned n, const uint32_t *have, uint32_t lo,
               uint32_t hi, uint32_t *factor)
{
    const uint32_t *last = root ? &root[n - 1] : NULL;
    uint32_t top = hi;
    while (lo < hi) { // the last tier moves most
        uint32_t mid = lo + (hi - lo) / 2;
        if (climb_rate(rate[n - 1], mid, last) >= have[n - 1])
            hi = mid;
        else
            lo = mid + 1;
    }
    for (; lo <= top && climb_rate(rate[n - 1], lo, last) == have[n - 1]; lo++) {
        unsigned k = 0;
        while (k < n && climb_rate(rate[k], lo, root ? &root[k] : NULL) == have[k])
            k++;
        *factor = lo;
        if (k == n)
            return true;
    }
    return false;
}

uint32_t scaled_threshold(const struct dynamic_rule *r, u128 deposits, u128 quote)
{
    if (deposits <= quote)
        return inside(r, (i128)r->base_bps);
    return inside(r, (i128)(quote * r->base_bps / deposits));
}

uint32_t implied_threshold(const struct dynamic_rule *r, uint64_t iv_e12, uint32_t n_tenths)
{
    // vol_exp_neg takes units of 2^-48 and is within 32 units of 2^-64: no threshold is off by 1 bps for it.
    u128 x = ((u128)iv_e12 * n_tenths << 48) / (WHOLE * WHOLE * 10);
    u128 left = x >> 63 ? 0 : vol_exp_neg((uint64_t)x);
    return inside(r, (i128)(left * r->base_bps >> 64));
}
