// SPDX-License-Identifier: Apache-2.0
// A book as the JSON that `tripline accounts import` reads: import of an export gives the same book (epochs
// begin at 0).
#ifndef TRIPLINE_ACCOUNTS_EXPORT_H
#define TRIPLINE_ACCOUNTS_EXPORT_H

#include <stdio.h>

#include "accounts/account.h"

// 0, or -1 when the stream has failed (errno is the stream's).
int book_export(const struct book *b, FILE *f);

#endif
