// SPDX-License-Identifier: Apache-2.0
// What `tripline accounts show` prints on standard output: a market, the accounts of a book, one of them.
// Rates, ramps and funding are as of the market's moment (market_now). One thread.
#ifndef TRIPLINE_CLI_PRINT_ACCOUNTS_H
#define TRIPLINE_CLI_PRINT_ACCOUNTS_H

#include "accounts/book.h"

void print_market(const struct market *m);
// px[] is by asset, in the asset's units, 0 where there is none; NULL: health is left out.
void print_accounts(const struct book *b, const int64_t *px);
// With its positions. 0, or -1 when the book has no such account; then nothing is printed.
int print_account(const struct book *b, uint32_t id, const int64_t *px);

#endif
