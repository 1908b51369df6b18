// SPDX-License-Identifier: Apache-2.0
// Inside of the generator: accounts of rules whose perpetuals keep their quote (USE_QUOTE) and whose cash
// stands in a reserve. They are drawn like others, with entry prices and cash; here they become what their
// rule reads. Only generate.c.
#ifndef TRIPLINE_ACCOUNTS_GEN_QUOTE_H
#define TRIPLINE_ACCOUNTS_GEN_QUOTE_H

#include "accounts/account.h"
#include "base/prng.h"

// The account itself, or for such rules *copy: with the quote for each entry price, and cash as the balance
// of the reserve `dollar`, below 0 as its debt.
const struct account *gen_quoted(const struct market *m, int dollar, const struct account *a,
                                 struct account *copy);
// A deposit of this value (quanta of scaled balance, > 0) in reserve i, beside what the account has.
void gen_deposit(struct account *a, uint16_t i, i128 supply);

#endif
