// SPDX-License-Identifier: Apache-2.0
// Map, losses and calibration of a scenario's page.
#ifndef TRIPLINE_CLI_LAB_RUN_RISK_H
#define TRIPLINE_CLI_LAB_RUN_RISK_H

#include "accounts/progress.h"
#include "lab/cascade.h"
#include "lab/result.h"

// Adds to the result, from the scenario's accounts at its start prices, a burst's among them: liquidation
// maps (all coins jointly, then each coin of the scenario), the distribution of bad debt, and forecasts of
// breaches judged on the marks of `steps` (of its run). Makes its own book; offline, not reentrant. 0, or -1
// with *e set (interrupted, no memory, a store that cannot be read).
int lab_run_risk(const struct lab_scenario *s, const struct cascade_step *steps, const struct progress *p,
                 struct lab_result *r, struct err *e);

#endif
