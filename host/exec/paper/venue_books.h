// SPDX-License-Identifier: Apache-2.0
// Settlement of one order and the proof that it conserves. Pure functions over the caller's memory.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_BOOKS_H
#define TRIPLINE_EXEC_PAPER_VENUE_BOOKS_H

#include "exec/paper/wire.h"

// Prices of all assets from the marks of an order; 0 where there is none; reciprocal columns derived.
void books_marks(const struct market *m, const struct account *a, const struct wire_order *w,
                 int64_t px[MARKET_ASSETS_MAX]);
// Settles o on *after, a copy of *before with the epoch raised. 0, or -1 with the reason (no effect).
int books_settle(const struct market *m, const struct account *before, const int64_t *px,
                 const struct order *o, struct account *after, struct settlement *s, struct err *e);
// What the account itself owns of a currency: cash (instrument -1; account_cash), or token units supplied
// less owed, each as the protocol shows it (supply floored, debt ceiled).
i256 books_holding(const struct market *m, const struct account *a, int32_t instrument);
// Has the account balances that bear interest?
bool books_accrue_at_all(const struct market *m, const struct account *a);
// What the same balances are worth more `now` than `then` (one market at two moments, or by two versions of
// its parameters), in token units as books_holding counts them: a flow to the account from the pool for each
// reserve where there is any, negative where they are worth less.
void books_accrue(const struct market *then, const struct market *now, const struct account *a,
                  struct settlement *out);
// Sum of flows per currency is zero, and what each flow says of the account is what its balances did. 0, or
// -1 with the currency that does not add up.
int books_conserve(const struct market *m, const struct account *before, const struct account *after,
                   const struct settlement *s, struct err *e);

#endif
