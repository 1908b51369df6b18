// SPDX-License-Identifier: Apache-2.0
// The bids of an order book as a way out: whole lots sold into levels from the best down, each level's
// notional rounded down and the taker's fee on it rounded up, so what is told is never too much. Levels are
// handed in as a snapshot; keeping them current is the caller's. depth_begin, depth_add, depth_end are for
// prepare time; a quote is a search in at most DEPTH_LEVELS_MAX levels and two short divisions by constants.
// Pure functions over caller's memory; no allocation; any thread.
#ifndef TRIPLINE_EXEC_EXIT_DEPTH_H
#define TRIPLINE_EXEC_EXIT_DEPTH_H

#include "base/err.h"
#include "exec/exit/exit.h"

enum { DEPTH_LEVELS_MAX = 64 };

struct depth_level {
    int64_t ticks;  // price
    uint64_t lots;  // here
    u128 lots_upto; // here and above
    u128 out_upto;  // proceeds of these, fee taken
};

struct depth {
    struct exit_venue venue; // first; what to hand on as the way out
    u128 lot;                // units of the token sold in a lot, 1..2^64-1
    uint64_t unit;           // one lot at a price of one tick is unit / 10^unit_decimals units of the other
    uint8_t unit_decimals;   // 0..18
    uint32_t fee_ppm;        // taker's fee on the proceeds, < 1000000
    uint16_t n;
    struct depth_level level[DEPTH_LEVELS_MAX];
};

// Empties it. 0, or -1 with the reason. The gas of the sale is 0 unless the caller sets venue.gas.
int depth_begin(struct depth *d, u128 lot, uint64_t unit, uint8_t unit_decimals, uint32_t fee_ppm,
                struct err *e);
// Takes a level, best first. price and size in the book's own quanta, one tick and one lot in the same: the
// price is rounded down to a tick, the size to a lot; what becomes nothing or does not fit is left out, as
// is what comes after DEPTH_LEVELS_MAX. -1 when the price is better than the one before.
int depth_add(struct depth *d, int64_t price, int64_t tick, int64_t size, int64_t size_lot, struct err *e);
// Makes the quotes; the version goes up by one.
void depth_end(struct depth *d);
// After depth_end, i < d->n. Units of the token sold that levels 0..i take together, at most 2^112 - 1.
u128 depth_units(const struct depth *d, unsigned i);
// Units out for a unit sold into level i, fee taken and before rounding (exit_rate_near).
struct exit_rate depth_rate(const struct depth *d, unsigned i);
// Of all levels at once, 60 bits of each as good; nanoseconds a level.
void depth_rates(const struct depth *d, struct exit_rate rate[DEPTH_LEVELS_MAX]);
// The least quantity for which the quote is at least `out`, whole lots; false when all of it brings less.
bool depth_least(const struct depth *d, u128 out, u128 *q);

#endif
