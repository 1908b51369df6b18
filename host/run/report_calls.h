// SPDX-License-Identifier: Apache-2.0
// Inside of the report: a journal's margin calls, by level and by account. One thread.
#ifndef TRIPLINE_RUN_REPORT_CALLS_H
#define TRIPLINE_RUN_REPORT_CALLS_H

#include <stdio.h>

#include "journal/journal.h"
#include "run/calls.h"

struct report_calls {
    struct call_record *rec; // as they come
    size_t n, room;
};
// Takes a J_MARGIN_CALL. 0, or -1 with *e set: it does not decode, or there is no memory.
int report_calls_add(struct report_calls *c, const struct journal_record *rec, struct err *e);
void report_calls_print(const struct report_calls *c, FILE *out); // nothing where there are none
void report_calls_free(struct report_calls *c);

#endif
