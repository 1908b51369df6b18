// SPDX-License-Identifier: Apache-2.0
// How long work on a large book tells how far it is, and is asked to stop. The work calls step() on its own
// thread, every few thousand accounts; nothing but the caller's function decides what is shown.
#ifndef TRIPLINE_ACCOUNTS_PROGRESS_H
#define TRIPLINE_ACCOUNTS_PROGRESS_H

#include <stdint.h>

#include "base/err.h"

enum { PROGRESS_EVERY = 4096 }; // accounts between two calls

struct progress {
    // `what` is being done (static text), `accounts` are through; done of total says how far that is
    // (accounts or bytes; total 0: not known). Not 0: stop; the work then ends with an error and leaves
    // everything as it was.
    int (*step)(void *ctx, const char *what, uint64_t accounts, uint64_t done, uint64_t total);
    void *ctx;
};

// p may be NULL. 0, or -1 with *e set when the work is to stop.
static inline int progress_step(const struct progress *p, const char *what, uint64_t accounts, uint64_t done,
                                uint64_t total, struct err *e)
{
    return p && p->step(p->ctx, what, accounts, done, total) ? err_set(e, "interrupted") : 0;
}

// Every PROGRESS_EVERY accounts.
static inline int progress_at(const struct progress *p, const char *what, uint64_t accounts, uint64_t total,
                              struct err *e)
{
    return accounts % PROGRESS_EVERY ? 0 : progress_step(p, what, accounts, accounts, total, e);
}

#endif
