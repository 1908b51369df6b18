// SPDX-License-Identifier: Apache-2.0
// A way out behind what is sold there already: what a sale brings on top of that one, which took the best of
// it. Of concave proceeds that is concave again. Pure functions over caller's memory; no allocation; a quote
// is one of the way's own, behind_of another; any thread.
#ifndef TRIPLINE_EXEC_EXIT_BEHIND_H
#define TRIPLINE_EXEC_EXIT_BEHIND_H

#include "exec/exit/exit.h"

struct behind {
    struct exit_venue venue;     // first; what to hand on as the way out
    const struct exit_venue *of; // must outlive it
    u128 gone, brought;          // units sold before, and what they bring at most
};

// The way out `of` behind `gone` units: b's, or where gone is 0 `of` itself. Its version is that of `of`.
const struct exit_venue *behind_of(struct behind *b, const struct exit_venue *of, u128 gone);

#endif
