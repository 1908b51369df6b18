// SPDX-License-Identifier: Apache-2.0
// Writes one JSON document (RFC 8259), value after value. Commas, escapes and the nesting are seen to here:
// a value where a name is due, a name in an array, an end that does not fit its beginning and a document that
// is not closed are errors, kept until json_out_end(). Not for the hot path; one thread.
#ifndef TRIPLINE_BASE_JSON_OUT_H
#define TRIPLINE_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum { JSON_OUT_DEPTH = 16 };
struct json_out {
    FILE *f;
    unsigned depth;
    char open[JSON_OUT_DEPTH];  // '{' or '['
    bool begun[JSON_OUT_DEPTH]; // it has a value
    bool any;                   // the document has its value
    bool wrong;                 // a call that did not fit
};
void json_out_begin(struct json_out *j, FILE *f);
// `name` is the member's in an object, and NULL in an array and for the whole document.
void json_open(struct json_out *j, const char *name, char bracket);     // '{' or '['
void json_close(struct json_out *j, char bracket);                      // '}' or ']'
void json_text(struct json_out *j, const char *name, const char *text); // NULL text: null; UTF-8
void json_whole(struct json_out *j, const char *name, uint64_t v);      // 2^53 and more: as a string
void json_signed(struct json_out *j, const char *name, int64_t v);      // likewise
void json_real(struct json_out *j, const char *name, double v);         // what is not finite: null
void json_bool(struct json_out *j, const char *name, bool v);
// A member or value that the caller writes to the stream himself, whole, right behind this call.
void json_by_caller(struct json_out *j, const char *name);
void json_null(struct json_out *j, const char *name);
// 0, or -1 with *e set: a call that did not fit, a document that is not closed, a failed write.
int json_out_end(struct json_out *j, struct err *e);

#endif
