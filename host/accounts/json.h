// SPDX-License-Identifier: Apache-2.0
// Reader of JSON (RFC 8259) for imports. It keeps what a general library drops and an import needs: the line
// of every value, for its error messages, and the text of every number, so that amounts never pass through a
// double. Not for the hot path; one thread per document.
#ifndef TRIPLINE_ACCOUNTS_JSON_H
#define TRIPLINE_ACCOUNTS_JSON_H

#include <stddef.h>

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    unsigned line;   // 1-based, where the value begins
    const char *key; // in an object: its name; else NULL
    const char
        *text; // JSON_NUMBER as written; JSON_STRING decoded to UTF-8; JSON_BOOL "true" or "false"; else NULL
    struct json *child; // first element of an array or object
    struct json *next;  // next sibling
};

struct json_chunk;
struct json_doc {
    struct json *root;
    struct json_chunk *chunks; // owns every node and text
    unsigned error_line;       // when json_parse failed
    const char *error;         // static text
};

// Parses a whole document (a BOM in front is skipped). 0, or -1 with doc->error and doc->error_line set.
// Strings with a NUL in them, names used twice in one object, more than 64 names in one and nesting deeper
// than 16 are errors. Call json_free in both cases.
int json_parse(const char *text, size_t len, struct json_doc *doc);
void json_free(struct json_doc *doc);

#endif
