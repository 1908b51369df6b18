// SPDX-License-Identifier: Apache-2.0
// The state of one account's liquidation (docs/econ/staged.md): what a comparison at every tick does not
// give. An order is asked for once, on entering a state that wants one; the next needs another transition.
// Pure state machine over the caller's memory: no clock, no allocation; one thread for each account.
#ifndef TRIPLINE_ECON_STAGED_H
#define TRIPLINE_ECON_STAGED_H

#include "econ/margin.h"

enum staged_at {
    STAGED_HEALTHY,
    STAGED_WARNED,   // above maintenance, below the warning level
    STAGED_PARTIAL,  // the first part is ordered, or a cooldown holds the rest back
    STAGED_FULL,     // all that is left is ordered
    STAGED_BACKSTOP, // handed to the backstop
    STAGED_BANKRUPT, // worth less than nothing: the waterfall
    STAGED_CLOSED,   // nothing open and nothing owed
    STAGED_COUNT
};
extern const char *const staged_name[STAGED_COUNT];

enum staged_rest {
    REST_AFTER,  // the rest when the cooldown has passed: not a second order within it
    REST_WITHIN, // within the cooldown every order is for the whole; after it the next is a part again
};

struct staged_rule {
    uint32_t warn_ppm;  // warned while value < need * warn_ppm / 1e6; 0: no such state
    uint32_t clear_ppm; // warned until value >= need * clear_ppm / 1e6; >= warn_ppm
    uint32_t part_ppm;  // what the first order closes; 0: always all
    i128 part_above;    // only of positions larger than this, quote units
    uint64_t cooldown;  // in the unit of `now`
    enum staged_rest rest;
    uint32_t backstop_num, backstop_den; // handed over while value < need * num / den; den 0: never
    bool at_equal;                       // liquidatable at value == need too
};
// The venue's announcement is REST_WITHIN. Now in nanoseconds, quote units of 1e-6.
extern const struct staged_rule staged_hyperliquid;

// What an account is worth now. Quote units, each |amount| < 2^90.
struct staged_view {
    i128 value, need; // liquidatable when value < need
    i128 end_value,
        end_need; // a liquidation has ended when end_value >= end_need (Mango: LiquidationEnd health)
    i128 notional;
    bool open; // holds a position or a debt
};
// The end where it began (no hysteresis), and Drift's: buffer_ppm of the notional more, rounded up.
struct staged_view staged_view_of(i128 value, i128 need, i128 notional, uint32_t buffer_ppm);

struct staged_state {
    enum staged_at at;
    uint64_t since; // when it came there
    uint64_t until; // end of the cooldown; it outlives the state
    uint64_t now;   // the latest seen
    uint64_t orders;
    bool ran; // a cooldown has been started
};

struct staged_out {
    enum staged_at from, to;
    bool changed;
    bool order; // an order is wanted now
    i128 size;  // of it: part_ppm rounded up, or all; in the notional's units
};

// One look at the account. A `now` before the latest seen counts as the latest seen.
void staged_step(struct staged_state *s, const struct staged_rule *r, const struct staged_view *v,
                 uint64_t now, struct staged_out *out);

#endif
