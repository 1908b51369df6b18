// SPDX-License-Identifier: Apache-2.0
#include "bench/pace.h"

#include <math.h>

#include "base/clock.h"
#include "base/prng.h"

// Beyond this a double would not fit; no run lasts so long (at 4 GHz, 36 years).
#define TICKS_MAX 0x1p62

const char *pace_name(enum pace_mode m)
{
    static const char *const name[] = {
        [PACE_RECORDED] = "recorded", [PACE_RATE] = "rate", [PACE_MAX] = "max", [PACE_CLOSED] = "closed"};
    return (unsigned)m < sizeof name / sizeof *name ? name[m] : "?";
}

bool pace_open_loop(enum pace_mode m)
{
    return m == PACE_RECORDED || m == PACE_RATE;
}

// Multiplying by a positive constant and rounding down keep the order, so that what follows never falls.
static uint64_t ticks_of(double count, double ticks_each)
{
    double t = count * ticks_each;
    return (uint64_t)(t < TICKS_MAX ? t : TICKS_MAX);
}

static void plan_recorded(const struct pace_config *c, const struct load *l, uint64_t *due)
{
    double each = (double)clock_cal.hz / 1e9 / c->times;
    for (size_t i = 0; i < l->n; i++)
        due[i] = ticks_of((double)(l->frame[i].ts_ns - l->frame[0].ts_ns), each);
}

static void plan_rate(const struct pace_config *c, const struct load *l, uint64_t *due)
{
    double each = (double)clock_cal.hz / c->rate_pps, at = 0;
    struct prng rng;
    prng_seed(&rng, c->seed);
    for (size_t i = 0; i < l->n; i++) {
        due[i] = ticks_of(c->poisson ? at : (double)i, each);
        at -= log(1 - prng_unit(&rng)); // (0, 1]: an exponential of mean 1
    }
}

void pace_plan(const struct pace_config *c, const struct load *l, uint64_t *due)
{
    if (c->mode == PACE_RECORDED)
        plan_recorded(c, l, due);
    else if (c->mode == PACE_RATE)
        plan_rate(c, l, due);
}
