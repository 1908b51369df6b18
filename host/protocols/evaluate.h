// SPDX-License-Identifier: Apache-2.0
// From a document to an answer: what `tripline rule eval` and the drivers of the tests have in common. One
// thread for each call; nothing is kept.
#ifndef TRIPLINE_PROTOCOLS_EVALUATE_H
#define TRIPLINE_PROTOCOLS_EVALUATE_H

#include <stdio.h>

#include "protocols/protocol.h"

// Judges one document, which begins in line `line` of `file` (for messages). 0, or -1 with *e set.
int evaluate_text(const struct protocol *p, const char *text, size_t len, const char *file, unsigned line,
                  struct outcome *out, struct err *e);
// One line: a JSON object.
void evaluate_json(const struct outcome *o, FILE *to);
// Aligned lines of name and value.
void evaluate_print(const struct outcome *o, FILE *to);
// Documents one behind the other, each of one line or several: one ends with its last bracket, and, so that a
// fault stops nothing, before an empty line and before a line that begins with { or [. Every answer is
// written out before the next line is read, so that somebody may ask and wait. With json, an error is a line
// of its own, {"error": "..."}; without, it goes to standard error behind `who`. The number of documents that
// failed, or -1 with *e set: `from` cannot be read or `to` not be written.
long evaluate_lines(const struct protocol *p, FILE *from, const char *file, bool json, FILE *to,
                    const char *who, struct err *e);

#endif
