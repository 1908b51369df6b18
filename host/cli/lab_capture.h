// SPDX-License-Identifier: Apache-2.0
// What a scenario of the laboratory takes from captures: a coin's price from outside and its book
// (docs/lab/scenarios.md, "From a capture"). One thread; nothing outlives the call.
#ifndef TRIPLINE_CLI_LAB_CAPTURE_H
#define TRIPLINE_CLI_LAB_CAPTURE_H

#include "lab/scenario.h"

// After scenario_paths(): fills factors and levels of the coins that name captures. 0, or -1 with file and
// remedy in *e: no capture, no such instrument, a capture shorter than the horizon, no whole book then.
int lab_capture_fill(struct lab_scenario *s, struct err *e);

#endif
