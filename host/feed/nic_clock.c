// SPDX-License-Identifier: Apache-2.0
#include "feed/nic_clock.h"

#include "base/wide.h"

static const uint64_t READ_NS = 100000;

bool nic_clock_wants(const struct nic_clock *c, uint64_t now_ns)
{
    // The second sample soon, so that stamps are of use; it is the long distance later that makes the rate
    // good.
    uint64_t apart = c->samples < 2 ? NIC_CLOCK_SAMPLE_NS / 20 : NIC_CLOCK_SAMPLE_NS;
    return c->samples == 0 || now_ns - c->ns >= apart;
}

void nic_clock_sample(struct nic_clock *c, uint64_t tick, uint64_t before_ns, uint64_t after_ns)
{
    if (after_ns < before_ns || after_ns - before_ns > READ_NS)
        return;
    uint64_t ns = before_ns + (after_ns - before_ns) / 2, was = c->rate;
    bool usable = c->samples != 0 && tick > c->tick && ns > c->ns;
    u128 rate = usable ? ((u128)(ns - c->ns) << 32) / (tick - c->tick) : 0;
    if (rate == 0 || rate >> 63)
        c->samples = 0;
    else if (c->samples == 2 && (rate > was ? rate - was : was - rate) > was / 1000)
        c->samples = 0; // one of the clocks was set
    c->rate = (uint64_t)rate;
    c->tick = tick;
    c->ns = ns;
    c->samples = c->samples == 0 ? 1 : 2;
}

uint64_t nic_clock_ns(struct nic_clock *c, uint64_t tick, uint64_t polled_ns)
{
    if (c->samples < 2)
        return polled_ns;
    bool before = tick < c->tick;
    u128 away = (u128)(before ? c->tick - tick : tick - c->tick) * c->rate >> 32;
    if (away > UINT64_MAX / 4 || (before && away > c->ns)) {
        c->wrong++;
        return polled_ns;
    }
    uint64_t ns = before ? c->ns - (uint64_t)away : c->ns + (uint64_t)away;
    if (ns + NIC_CLOCK_LONGEST < polled_ns || ns > polled_ns + READ_NS) {
        c->wrong++;
        return polled_ns;
    }
    c->used++;
    return ns < polled_ns ? ns : polled_ns;
}
