// SPDX-License-Identifier: Apache-2.0
// Co-simulated time: one time line of a tick on which three kinds of time stand beside each other and are
// never mixed up (P7). The host's parts are measured (ns of the TSC), the device's are simulated (cycles of
// the RTL at a stated clock), the link's are modelled (a stated distribution). A sum says which kinds are in
// it. What-if: the same ticks with another clock, other lanes and slots, another link.
//
// Of a tick are kept: what the host took before it (frame -> command) and after it (flag -> order), the rows
// it fired in their order, and when it was due. From these the device's cycles at any geometry follow
// (docs/device.md: latency in slot 0, one cycle for each further slot, one for each trigger before it in the
// stream; SLOTS cycles from tick to tick), which is checked against the RTL's own stamps.
// Not for the hot path but timeline_take(), which appends to fixed memory.
#ifndef TRIPLINE_BENCH_TIMELINE_H
#define TRIPLINE_BENCH_TIMELINE_H

#include <stdio.h>

#include "base/hist.h"
#include "device.h"

struct timeline;
// The link and the device that a time line is reckoned for.
struct timeline_config {
    char name[64];
    unsigned clock_mhz;
    uint32_t lanes, slots;
    unsigned write_ns, event_ns, jitter_pct; // one way each; each up to jitter_pct longer, evenly distributed
    uint64_t seed;                           // of the jitter
};
enum timeline_part { PART_HOST_BEFORE, PART_WRITE, PART_DEVICE, PART_EVENT, PART_HOST_AFTER, PART_COUNT };
const char *timeline_part_name(enum timeline_part p);
const char *timeline_part_kind(enum timeline_part p); // "measured", "modelled", "simulated"

struct timeline_result {
    struct hist part[PART_COUNT]; // ns
    struct hist whole;            // ns; holds all three kinds
    uint64_t checked, differed;   // triggers whose cycles by the formula were compared with the RTL's stamps
};

#endif
