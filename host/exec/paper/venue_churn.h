// SPDX-License-Identifier: Apache-2.0
// Test aid of the paper venue: what owners do. Pure functions of the generator's state.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_CHURN_H
#define TRIPLINE_EXEC_PAPER_VENUE_CHURN_H

#include "accounts/account.h"
#include "base/prng.h"

// A deposit, withdrawal or trade of up to some percent. True with the account's new state in *after, its
// epoch as before; false when there is nothing to move or the rule would not take it.
bool churn_change(struct prng *rnd, const struct market *m, const struct account *before,
                  struct account *after);

#endif
