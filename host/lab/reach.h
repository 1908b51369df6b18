// SPDX-License-Identifier: Apache-2.0
// Whom a price vector liquidates, and what that comes to: by the world's sorted thresholds and safe radii, so
// that only accounts which the prices reach are looked at; and the naive way beside it, every account by the
// exact rule. Both give the same set, account by account; sums of doubles agree but for rounding. Any number
// of threads, each with its own struct search.
#ifndef TRIPLINE_LAB_REACH_H
#define TRIPLINE_LAB_REACH_H

#include "lab/paths.h"
#include "lab/world.h"

enum { REACH_LANES = 8 };

struct outcome {
    uint64_t breached;  // accounts that may be liquidated
    double value, loss; // dollars, see world.h
};

struct search {
    const struct world *w;
    uint64_t looked, exact; // accounts whose forms were evaluated (one a path); decided by the exact rule
    struct account scratch;
};

// Paths path[0 .. n), n <= REACH_LANES, of p. seen: NULL, or for each path a map of the book's accounts (bit
// i of byte i / 8) in which the breached ones are set. The result of a path does not depend on which others
// are beside it.
void reach_paths(struct search *r, const struct paths *p, const size_t *path, unsigned n, struct outcome *out,
                 uint8_t *const *seen);
// The same of one path by rule->health of every account, and account_worth of the breached.
void naive_path(const struct world *w, const struct paths *p, size_t path, struct account *scratch,
                struct outcome *out, uint8_t *seen);

#endif
