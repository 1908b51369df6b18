// SPDX-License-Identifier: Apache-2.0
// The telemetry socket of a running `tripline run`.
#ifndef TRIPLINE_CLI_TOP_SOCKET_H
#define TRIPLINE_CLI_TOP_SOCKET_H

#include <stdbool.h>

#include "accounts/json.h"
#include "base/err.h"

// Connects to the run whose --dir this is; a descriptor, or -1 with *e.
int top_connect(const char *dir, struct err *e);
// Asks for "/tripline/NAME" from row `first`; what it answers with in doc, to be freed by json_free; *rows is
// its first row. *next: row to go on with, 0: that was all. 0; 1: the run has ended; -1 with *e.
int top_ask(int fd, const char *cmd, unsigned long first, struct json_doc *doc, struct json **rows,
            unsigned long *next, struct err *e);

#endif
