// SPDX-License-Identifier: Apache-2.0
// Inside of route.c only: a sale over books that have no token in between, and pools. Levels stand in one
// order by price, so that where a sale ends is a search among them, not among prices.
#ifndef TRIPLINE_EXEC_EXIT_ROUTE_MERGE_H
#define TRIPLINE_EXEC_EXIT_ROUTE_MERGE_H

#include "exec/exit/route.h"

// Makes merged, n_ranks, rank, before and units of r, whose paths, lots and rates are made. merged stays
// false where there is no book, or one with a token in between.
void route_merge(struct route *r);
// Shares q (<= EXIT_AMOUNT_MAX) of a merged route: part[k] goes into path lots[k], *pools into the pools.
// Returns what comes out of all; the parts and the pools' together are at most q.
u128 route_merge_split(const struct route *r, u128 q, u128 part[ROUTE_PATHS_MAX], u128 *pools);

#endif
