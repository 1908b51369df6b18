// SPDX-License-Identifier: Apache-2.0
// A book as the files that `tripline accounts import` reads: import of an export gives the same book (epochs
// begin at 0). Not for the hot path; one thread per export.
#ifndef TRIPLINE_ACCOUNTS_EXPORT_H
#define TRIPLINE_ACCOUNTS_EXPORT_H

#include <stdio.h>

#include "accounts/account.h"

enum export_form {
    EXPORT_JSON,   // everything
    EXPORT_MARKET, // assets and instruments as JSON
    EXPORT_CSV,    // accounts and their positions as CSV
};

// Account by account: export_begin, export_account (ids ascending), export_end. *m must live until the end.
struct exporter {
    FILE *f;
    enum export_form form;
    const struct market *market;
    bool some; // an account has been written
};
void export_begin(struct exporter *x, FILE *f, enum export_form form, const struct market *m);
void export_account(struct exporter *x, const struct account *a);
// 0, or -1 when the stream has failed, then or before (errno is the stream's).
int export_end(struct exporter *x);

// The whole of a book as JSON.
int book_export(const struct book *b, FILE *f);

#endif
