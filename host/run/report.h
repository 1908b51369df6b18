// SPDX-License-Identifier: Apache-2.0
// What a journal says of its runs, read without replaying it. One at a time in a process.
#ifndef TRIPLINE_RUN_REPORT_H
#define TRIPLINE_RUN_REPORT_H

#include <stdio.h>

#include "base/err.h"

// Prints settings, record counts, the orders with their outcome, and the summary each run left. 0 or -1.
int report_journal(const char *path, FILE *out, struct err *e);

#endif
