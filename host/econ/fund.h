// SPDX-License-Identifier: Apache-2.0
// An insurance fund that never goes below its floor (docs/econ/losses.md). Units: the quote's smallest unit.
//   dYdX  x/clob keeper IsValidInsuranceFundDelta: balance + delta >= 0, or nothing is paid: floor 0, whole.
//   Drift controller/insurance, controller/liquidation: min(loss, vault - 1, the market's own maximum):
//   floor 1. Mango token_liq_bankruptcy: min(loss, vault): floor 0.
// Amounts >= 0 and <= 2^100; no allocation; one thread for each fund.
#ifndef TRIPLINE_ECON_FUND_H
#define TRIPLINE_ECON_FUND_H

#include "econ/margin.h"

#define FUND_NO_QUOTA ((i128)1 << 100)

struct fund {
    i128 balance;
    i128 floor; // what a draw or a withdrawal leaves in it
    i128 quota; // what may still be drawn for this market; FUND_NO_QUOTA: no limit
    bool whole; // all of a need or nothing of it
};

i128 fund_room(const struct fund *f);            // what a draw could give now, >= 0
i128 fund_pays(const struct fund *f, i128 need); // what fund_draw() would give
i128 fund_draw(struct fund *f, i128 need);       // takes it out; need <= 0: nothing
void fund_add(struct fund *f, i128 amount);      // amount >= 0
// The owners take out: up to `want`, never below the floor, the quota untouched. Returns what they got.
i128 fund_withdraw(struct fund *f, i128 want);

#endif
