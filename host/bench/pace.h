// SPDX-License-Identifier: Apache-2.0
// When each frame of a load is due. In an open loop that is fixed beforehand, whatever the system under test
// does: a frame that has to wait behind a slow one has waited from the moment it was due, so that its waiting
// counts (no coordinated omission). Hot thread reads only.
#ifndef TRIPLINE_BENCH_PACE_H
#define TRIPLINE_BENCH_PACE_H

#include "bench/load.h"

enum pace_mode {
    PACE_RECORDED, // open loop: as the frames' stamps say, `times` as fast
    PACE_RATE,     // open loop: rate_pps, evenly or at random (Poisson)
    PACE_MAX,      // each when the one before is done: service time and throughput, no waiting at all
    PACE_CLOSED,   // closed loop: likewise, but after every order has been answered and think_ns more
};
struct pace_config {
    enum pace_mode mode;
    double times; // PACE_RECORDED; 1 = original speed
    double rate_pps;
    bool poisson;
    uint64_t seed;
    uint64_t think_ns;
};
const char *pace_name(enum pace_mode m); // "recorded", "rate", "max", "closed"
bool pace_open_loop(enum pace_mode m);

// due[i], ticks after the first frame (base/clock.h): written for PACE_RECORDED and PACE_RATE. Never falls.
void pace_plan(const struct pace_config *c, const struct load *l, uint64_t *due);

#endif
