// SPDX-License-Identifier: Apache-2.0
// The yardstick of the scale benchmark: what keepers do, a full scan of all accounts after a price change,
// here in C and with everything prepared for it: positions in one array, balances and units worked out
// beforehand.
#ifndef TRIPLINE_BENCH_SCALE_SCAN_H
#define TRIPLINE_BENCH_SCALE_SCAN_H

#include "accounts/account.h"

struct scan;
// Balances of the book's aave-3.5 accounts at the indexes of its market. NULL when out of memory or when a
// balance times a price would not fit 128 bits.
struct scan *scan_new(const struct book *b);
void scan_free(struct scan *s);
size_t scan_count(const struct scan *s);
// aave-3.5's health of every account in the contract's integers at these prices; returns how many may be
// liquidated.
size_t scan_all(const struct scan *s, const int64_t *px);

#endif
