// SPDX-License-Identifier: Apache-2.0
// Liquidation in stages, as the desk keeps it (docs/execution.md, "Stages"): one explicit state for each
// account of a margin rule, and one order for each transition. Here is what does not need a desk: the steps,
// what a reply makes of a state, and its journal record. Pure functions over caller's memory; any thread.
#ifndef TRIPLINE_EXEC_STAGES_H
#define TRIPLINE_EXEC_STAGES_H

#include "econ/staged.h"
#include "exec/order.h"

enum stages_policy {
    STAGES_NONE,        // sized by the rule, an order whenever it may be liquidated
    STAGES_HYPERLIQUID, // staged_hyperliquid: a fifth of what is above 100,000 first, 30 s, the rest;
                        // backstop
    STAGES_DRIFT,       // a share that grows with time until the liquidation ends, above where it began
    STAGES_SPLIT,       // lending rules: two orders where a close factor makes them earn more than one
    STAGES_COUNT
};
extern const char *const stages_name[STAGES_COUNT];
extern const char *const stages_rest_name[2]; // by enum staged_rest: "after", "within"

enum { STAGE_SHARE_ONE = 1000000 };
// What of a policy may be chosen. Drift's ramp, in time as this keeper has it: ramp_initial of
// POLICY_RAMP_ONE at once, everything after ramp_ms, an order at most with each of ramp_steps equal steps.
struct stage_params {
    uint32_t rest;         // enum staged_rest: of Hyperliquid
    uint32_t ramp_ms;      // > 0
    uint32_t ramp_initial; // <= POLICY_RAMP_ONE
    uint32_t ramp_steps;   // 1 to ramp_ms
};
#define STAGE_PARAMS_DEFAULT                                                                                 \
    {                                                                                                        \
        REST_WITHIN, 60000, 1000, 10                                                                         \
    }

// Where an account's liquidation is.
struct stage_at {
    struct staged_state s;
    uint32_t step;    // Drift: of the ramp, the one that the last order left with
    int64_t freed_e6; // Drift: value that this liquidation has ordered closed, 1e-6 units of account
};

struct staging {
    struct stage_at is;
    struct stage_at before;   // its last order left: where it is again when that comes to nothing
    uint32_t epoch, revision; // of that order's key
    uint8_t policy;           // enum stages_policy that it went by
    bool open;                // that order's outcome is not known yet
};

// What a step looks at. Who makes it has compared exactly; here is only what came of that.
struct stage_view {
    bool open;                    // holds a position
    bool bankrupt;                // equity < 0
    bool breached;                // the rule says liquidatable
    bool backstop;                // equity < 2/3 of the requirement
    bool ended;                   // at or above where a liquidation ends (Drift)
    bool split;                   // two orders earn more than one (split)
    int64_t notional_e6, cure_e6; // of all positions; of the order that would end it. Known when breached
};

struct stage_move {
    enum staged_at from, to;
    bool changed;   // another state
    bool order;     // an order is wanted for it
    uint32_t share; // of the order: 1 / STAGE_SHARE_ONE of all positions, or of what ends it (Drift)
};

// One look, at stream time now; one before the latest seen counts as that.
void stage_step(enum stages_policy policy, const struct stage_params *p, struct stage_at *at,
                const struct stage_view *v, uint64_t now_ns, struct stage_move *out);
// What became of its order. Not filled: as if it had never left. After an order for everything the
// liquidation is over: what is open then, by a deposit or a trade meanwhile, may be liquidated anew.
void stage_settled(struct staging *st, bool filled);

// Record J_STAGE (output) and J_STAGED (input, at the start): the state after each transition.
enum { STAGE_AT_BYTES = 2 + 4 * 8 + 4 + 8, STAGE_BYTES = 4 + 4 + 4 + 2 + 2 * STAGE_AT_BYTES };
void stage_encode(uint32_t account, const struct staging *st, uint8_t buf[STAGE_BYTES]);
int stage_decode(const uint8_t *buf, size_t len, uint32_t *account, struct staging *st); // 0 or -1

#endif
