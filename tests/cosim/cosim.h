// SPDX-License-Identifier: Apache-2.0
// What the parts of the co-simulation share: TAP output.
#ifndef TRIPLINE_TESTS_COSIM_H
#define TRIPLINE_TESTS_COSIM_H

#include <stdbool.h>
#include <stdint.h>

// Prints one TAP line and counts it; returns good.
__attribute__((format(printf, 2, 3))) bool ok(bool good, const char *fmt, ...);
// Ends the program: without a device there is nothing to test.
_Noreturn void bail_out(const char *why);

// What the RTL does in which cycle, from the events' stamps at the core's port: latencies, ticks and row
// loads without a gap, bursts. `latency`: cycles that TICK to TRIGGER must take in slot 0. Seeds from `seed`
// on.
void timing(uint32_t latency, uint64_t seed);

#endif
