// SPDX-License-Identifier: Apache-2.0
// Error text for the user. Functions that can fail return 0 (or a count) on success and -1 on failure, and
// then leave one line here that names the file, the line and the remedy. Never used on the hot path.
// Thread-safe as long as each thread has its own struct err.
#ifndef TRIPLINE_BASE_ERR_H
#define TRIPLINE_BASE_ERR_H

#include <stdarg.h>
#include <stdio.h>

struct err {
    char msg[512];
};

// Formats the message and returns -1, so that callers write `return err_set(e, "...", ...)`. e may be NULL.
__attribute__((format(printf, 2, 3))) static inline int err_set(struct err *e, const char *fmt, ...)
{
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        (void)vsnprintf(e->msg, sizeof e->msg, fmt, ap);
        va_end(ap);
    }
    return -1;
}

#endif
