// SPDX-License-Identifier: Apache-2.0
// The prices that an account's settlement depends on, and prices moved against an account. Pure functions
// over the caller's memory, any thread.
#ifndef TRIPLINE_EXEC_MARKS_H
#define TRIPLINE_EXEC_MARKS_H

#include "exec/gateway.h"

// Assets whose prices settle the account's positions, distinct, ascending by first use; columns that are the
// reciprocal of one of them are derived (marks_derive) and not listed.
struct marks_assets {
    uint16_t n;
    uint16_t asset[ROW_ASSETS_MAX];
};
// 0, or -1 when the account uses more than ROW_ASSETS_MAX assets or names an instrument outside the market.
int marks_of(const struct market *m, const struct account *a, struct marks_assets *out);
// Sets px of every reciprocal column that an inverse instrument of the account uses from px of its base.
void marks_derive(const struct market *m, const struct account *a, int64_t *px);

// The nearest breach: px moved along one line, each asset against the account's present exposure to it, by
// the same factor, until the rule says liquidatable. out[] holds at least n_assets prices, written for all
// assets. Returns the factor in ppm (0: liquidatable already), or -1 when no move up to 52 % breaches.
int32_t marks_breach(const struct market *m, const struct account *a, const struct marks_assets *s,
                     const int64_t *px, int64_t *out);

#endif
