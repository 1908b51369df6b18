// SPDX-License-Identifier: Apache-2.0
// Reader of CSV (RFC 4180) for imports: quoted fields with "" for a quote, LF or CRLF, a BOM in front, and
// besides it empty lines and lines that begin with # are skipped, and blanks around fields are dropped. A
// quoted field ends on its own line. Works in place in the caller's buffer; no allocation; one thread per
// reader.
#ifndef TRIPLINE_ACCOUNTS_CSV_H
#define TRIPLINE_ACCOUNTS_CSV_H

#include <stddef.h>

struct csv {
    char *p, *end;
    unsigned line;      // 1-based, of the row returned last or of the error
    unsigned next_line; // internal
    const char *error;  // static text
};

// text[0..len) is modified and must be followed by one more byte that may be written.
void csv_init(struct csv *c, char *text, size_t len);
// Next row: number of fields (>= 1) with field[] pointing to terminated texts, 0 at the end, -1 with c->error
// set.
int csv_next(struct csv *c, char **field, unsigned max);

#endif
