// SPDX-License-Identifier: Apache-2.0
#include "bench/card_time.h"

// A coefficient passes m, p and u before it is counted (hc_lane_array); wide cores register it once more.
enum { WRITE_STAGES = 3, LATENCY = 5, WIDE_LANES = 32, WIDE_STAGES = 2 };

void card_time_init(struct card_time *t, uint32_t lanes, uint32_t slots, uint32_t latency)
{
    *t = (struct card_time){.lanes = lanes, .slots = slots, .latency = latency};
}

uint32_t card_time_latency(uint32_t lanes)
{
    return LATENCY + (lanes > WIDE_LANES ? WIDE_STAGES : 0);
}

uint64_t card_time_take(struct card_time *t, const struct card_step *s, uint64_t offered)
{
    uint64_t in = offered > t->free ? offered : t->free;
    uint32_t cost = 1;
    if (s->kind == STEP_TICK) {
        bool whole = t->slots == 1 || s->used || in < t->busy || (s->last && t->dirty);
        if (whole) {
            cost = t->slots;
            t->dirty = !s->last;
        }
    } else if (s->kind == STEP_LOAD && s->pairs) {
        cost = s->pairs;
        t->busy = in + s->pairs + WRITE_STAGES + (t->lanes > WIDE_LANES);
    }
    t->free = in + cost;
    return in;
}

uint64_t card_time_event(struct card_time *t, uint64_t issued)
{
    uint64_t out = issued + t->latency;
    if (out < t->port)
        out = t->port;
    t->port = out + 1;
    return out;
}
