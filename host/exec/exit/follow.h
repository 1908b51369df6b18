// SPDX-License-Identifier: Apache-2.0
// A way out at other prices than those of now. An order that is made before its account breaches is sized at
// the prices of the breach; the pools will have followed the market by then. Taken as they are they would
// seem to pay the old price for collateral that has become cheaper, and the order would bid what is not
// there. So proceeds are scaled by what becomes of the collateral's price in the debt's, down only. Pure
// functions over caller's memory; no allocation; divides: for prepare time.
#ifndef TRIPLINE_EXEC_EXIT_FOLLOW_H
#define TRIPLINE_EXEC_EXIT_FOLLOW_H

#include "exec/exit/exit.h"

struct follow {
    struct exit_venue venue;     // first; what to hand on as the way out
    const struct exit_venue *of; // must outlive it
    struct exit_rate by;         // out / in <= 1
};

// The way out `of` when collateral and debt, which are at coll_now and debt_now, come to coll_then and
// debt_then (all > 0): f's, which brings no more than `of` does, or `of` itself where the collateral becomes
// no cheaper. Its version is that of `of`: what it brings, `of` brings too while that stands.
const struct exit_venue *follow_of(struct follow *f, const struct exit_venue *of, int64_t coll_now,
                                   int64_t debt_now, int64_t coll_then, int64_t debt_then);

#endif
