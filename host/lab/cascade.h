// SPDX-License-Identifier: Apache-2.0
// A cascade as a fixed point on exact accounts: the price from outside moves, accounts breach by their own
// rule, liquidations settle by that rule and sell into the depth, the price moves on, until nothing more
// breaches within the step; then the next step. What is lost goes to an insurance fund and down a waterfall.
// Each account has an explicit liquidation state (econ/staged.h). Everything that decides is an integer; the
// same scenario and seed give the same run. Money is 1e-8 units of account. Offline; one thread.
// The order of events within a step: docs/lab/scenarios.md, "One step".
#ifndef TRIPLINE_LAB_CASCADE_H
#define TRIPLINE_LAB_CASCADE_H

#include "accounts/account.h"
#include "accounts/progress.h"
#include "lab/result.h"
#include "lab/scenario.h"

struct cascade_step {
    int64_t outside[SCENARIO_COINS_MAX], mark[SCENARIO_COINS_MAX]; // factors, at the step's end
    i128 net[SCENARIO_COINS_MAX];                                  // sold into the depth, not yet refilled
    uint32_t breached;                                             // accounts asked for an order
    uint32_t burst;                                                // of these, in the step's first round
    uint32_t executed, recovered, refused, unpaid;
    uint32_t waiting; // asked for and not executed at the step's end
    uint32_t rounds;
    uint32_t reduced;     // accounts made smaller before they breach
    i128 value;           // liquidated, money
    i128 fund, deficit;   // at the step's end, money; deficit: booked so far
    i128 adl, socialised; // taken from others in this step, money
};

// Sums over a run, money. What makes `conserved` below true:
//   lost = from_fund + from_adl + socialised + booked; fund = start + fees in - from_fund;
//   and in every currency and token, flows of all parties sum to nothing and those of the accounts are what
//   their balances have changed by.
struct cascade_totals {
    uint64_t breached, executed, recovered, refused, unpaid, adl_fills, evaluations, skipped;
    i128 value, slippage, keeper, fees_in, unsold;
    i128 lost, from_fund, from_adl, socialised, booked;
    i128 fund;
    uint32_t most_at_once, most_step;
    uint64_t reduced; // beforehand (scenario key reduce): times an account was made smaller
    i128 reduced_value, reduced_slippage;
};

struct cascade; // of one run

// Takes the book over (its accounts change). start: prices of the market's assets, quanta, each > 0. The
// scenario must have its paths and outlive it. NULL with *e set.
struct cascade *cascade_open(const struct lab_scenario *s, struct book *b, const int64_t *start,
                             struct err *e);
// Runs all steps. 0, or -1 with *e set (interrupted; out of memory).
int cascade_run(struct cascade *c, const struct progress *p, struct err *e);
const struct cascade_step *cascade_steps(const struct cascade *c); // steps + 1 of them
const struct cascade_totals *cascade_sums(const struct cascade *c);
bool cascade_conserved(const struct cascade *c, struct err *e); // false with what is not
// Called for each executed liquidation and each gradual reduction; for tests.
struct cascade_event {
    uint32_t step, round, id;
    uint8_t state; // enum staged_at
    i128 value, keeper;
    uint32_t reduce_ppm; // of its positions, before a breach; 0: a liquidation
};
void cascade_watch(struct cascade *c, void (*each)(void *ctx, const struct cascade_event *e), void *ctx);
void cascade_close(struct cascade *c); // not the book

// A book for the scenario: its store, or generated, with the burst's accounts; and the start prices. 0, or
// -1 with *e set. The book is an array; book_free() it.
int cascade_book_make(const struct lab_scenario *s, struct book *b, int64_t start[MARKET_ASSETS_MAX],
                      struct err *e);
// Facts, charts and tables of a run, beside one without feedback (NULL: none).
void cascade_result(const struct cascade *c, const struct cascade *plain, struct lab_result *r);
// Facts of a run with gradual reduction, beside the same scenario without (NULL: none).
void reduce_result(const struct cascade *c, const struct cascade *without, struct lab_result *r);
// The falling auction of the scenario: its curve, and when a keeper's bid pays.
void auction_result(const struct lab_scenario *s, struct lab_result *r);

#endif
