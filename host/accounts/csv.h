// SPDX-License-Identifier: Apache-2.0
// Reader of CSV (RFC 4180) for imports: quoted fields with "" for a quote, LF or CRLF, a BOM in front, and
// besides it empty lines and lines that begin with # are skipped, and blanks around fields are dropped. A
// quoted field ends on its own line. Works in place in the caller's buffer; no allocation; one thread per
// reader.
#ifndef TRIPLINE_ACCOUNTS_CSV_H
#define TRIPLINE_ACCOUNTS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct csv {
    char *p, *end;
    unsigned line;      // 1-based, of the row returned last or of the error
    unsigned next_line; // internal
    const char *error;  // static text
    uint64_t at;        // where the row returned last begins: bytes from the start of the text or stream
    // Internal: of a stream
    char *buf;
    size_t size;
    uint64_t base; // where buf begins in the stream
    ssize_t (*read_at)(void *ctx, uint64_t at, char *to, size_t n);
    void *ctx;
};

// text[0..len) is modified and must be followed by one more byte that may be written.
void csv_init(struct csv *c, char *text, size_t len);
// A stream of any length, read through buf, which also bounds a line (size >= 64). read_at gives up to n
// bytes from `at` on, 0 at the end, -1 on failure.
void csv_stream(struct csv *c, char *buf, size_t size, ssize_t (*read_at)(void *, uint64_t, char *, size_t),
                void *ctx);
// Next row: number of fields (>= 1) with field[] pointing to terminated texts, valid until the next call; 0
// at the end, -1 with c->error set.
int csv_next(struct csv *c, char **field, unsigned max);

#endif
