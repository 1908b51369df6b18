// SPDX-License-Identifier: Apache-2.0
// Parameters of a market that move with time alone: interest indexes, threshold ramps, funding. An instrument
// holds them as last told; here they are brought to a moment (what the exact rules read) or to the worst of a
// span of time (what rows are made of, so that a row stays right until its horizon). Pure functions over the
// caller's market; no allocation; the thread that owns the market. Times are nanoseconds of the Unix epoch.
#ifndef TRIPLINE_ACCOUNTS_MOVING_H
#define TRIPLINE_ACCOUNTS_MOVING_H

#include "accounts/account.h"

// Does anything in this market move with time? Does this account depend on something that does?
bool market_moves(const struct market *m);
bool account_moves(const struct market *m, const struct account *a);
// Brings what the exact rules read (health, size, settle) to now_ns. Times before what was last told count as
// that.
void market_now(struct market *m, uint64_t now_ns);
// Makes rule->rows give rows that hold at every moment of [from_ns, until_ns].
void market_window(struct market *m, uint64_t from_ns, uint64_t until_ns);

#endif
