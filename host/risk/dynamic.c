// SPDX-License-Identifier: Apache-2.0
#include "risk/dynamic.h"

#include <stddef.h>

#include "base/wide.h"

static const uint64_t WHOLE = 1000000; // ppm
static const uint64_t MILLI = 1000;
enum { BPS = 10000 };

const char *dynamic_check(const struct dynamic_rule *r)
{
    if (r->min_bps < 1 || r->min_bps > r->base_bps || r->base_bps > r->max_bps || r->max_bps > BPS)
        return "the bounds are 1 <= min_bps <= base_bps <= max_bps <= 10000";
    if (r->sigma0_ppm >> 32 || r->k_bps >> 31)
        return "sigma0_ppm is below 2^32 and k_bps below 2^31";
    if (r->rate_mbps == 0)
        return "rate_mbps is above 0: a threshold that cannot move follows nothing";
    if (r->dead_bps > BPS)
        return "dead_bps is at most 10000";
    return NULL;
}

void dynamic_start(struct dynamic_state *s, uint32_t lt_bps, uint64_t now)
{
    *s = (struct dynamic_state){.from_bps = lt_bps, .to_bps = lt_bps, .start = now, .end = now, .since = now};
}

uint32_t dynamic_target(const struct dynamic_rule *r, uint64_t sigma_ppm)
{
    i128 over = (i128)sigma_ppm - (i128)r->sigma0_ppm;
    i128 moved = over * (i128)r->k_bps; // below 2^96
    i128 down = moved / (i128)WHOLE;
    if (moved > 0 && moved % (i128)WHOLE != 0)
        down++; // the threshold is rounded down: to the side that liquidates earlier
    i128 t = (i128)r->base_bps - down;
    return t < (i128)r->min_bps ? r->min_bps : t > (i128)r->max_bps ? r->max_bps : (uint32_t)t;
}

uint32_t dynamic_at(const struct dynamic_state *s, uint64_t at)
{
    if (at >= s->end)
        return s->to_bps;
    if (at <= s->start)
        return s->from_bps;
    return s->to_bps + (uint32_t)((u128)(s->from_bps - s->to_bps) * (s->end - at) / (s->end - s->start));
}

static uint32_t apart(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

static uint64_t seconds_of(const struct dynamic_rule *r, uint32_t bps)
{
    return (bps * MILLI + r->rate_mbps - 1) / r->rate_mbps;
}

// When it may go on falling from where it is. A ramp rounds down, so it is up to 1 bps ahead of its rate:
// begun anew at once, again and again, it would fall by 1 bps each time.
static uint64_t earned(const struct dynamic_rule *r, const struct dynamic_state *s, uint64_t now)
{
    uint64_t then = now >= s->end || s->from_bps == s->to_bps
                        ? s->end
                        : s->start + seconds_of(r, s->from_bps - dynamic_at(s, now));
    return then > now ? then : now;
}

static bool fall(const struct dynamic_rule *r, struct dynamic_state *s, uint32_t to, uint64_t now)
{
    uint32_t from = dynamic_at(s, now);
    uint64_t start = earned(r, s, now);
    *s = (struct dynamic_state){from, to, start, start + seconds_of(r, from - to), now};
    return true;
}

// By what the rate allows since it last moved, or was content. A ramp in the way stops where it is: going up
// in the same second would give back at once what it took over time.
static bool rise(const struct dynamic_rule *r, struct dynamic_state *s, uint32_t target, uint64_t now)
{
    uint32_t at = dynamic_at(s, now);
    if (at != s->to_bps) {
        uint64_t then = earned(r, s, now);
        *s = (struct dynamic_state){at, at, then, then, now};
        return true;
    }
    uint64_t since = s->since > s->end ? s->since : s->end;
    u128 may = now > since ? (u128)r->rate_mbps * (now - since) / MILLI : 0;
    uint32_t to = may < target - at ? at + (uint32_t)may : target;
    if (to == at || (to != target && to - at < r->dead_bps))
        return false;
    dynamic_start(s, to, now);
    return true;
}

bool dynamic_step_to(const struct dynamic_rule *r, struct dynamic_state *s, uint32_t target, uint64_t now)
{
    if (now < s->since)
        now = s->since;
    if (target == s->to_bps || apart(target, s->to_bps) <= r->dead_bps) {
        s->since = now;
        return false;
    }
    if (target < dynamic_at(s, now))
        return fall(r, s, target, now);
    return rise(r, s, target, now);
}
