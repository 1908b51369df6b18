// SPDX-License-Identifier: Apache-2.0
// Progress of work on large books, on standard error, and its end by Ctrl-C. Nothing is shown in the first
// second, and nothing at all where standard error is no terminal unless it is asked for (then a line every
// few seconds). One at a time; one thread.
#ifndef TRIPLINE_CLI_PROGRESS_H
#define TRIPLINE_CLI_PROGRESS_H

#include <signal.h>
#include <stdbool.h>

#include "accounts/progress.h"

struct cli_progress {
    struct progress to; // what the work is given
    const char *label;
    const volatile sig_atomic_t *stop;
    const char *what; // of the phase that began at phase_ns, with phase_accounts through
    uint64_t phase_ns, phase_accounts, shown_ns;
    bool wanted, terminal, shown;
    struct sigaction on_int, on_term; // as they were
    bool handles;
};

// label is in front of each line ("accounts import"). stop: the caller's own mark that the work is to end;
// NULL: SIGINT and SIGTERM end it while it lasts (a second one ends the process).
void cli_progress_begin(struct cli_progress *p, const char *label, bool always,
                        const volatile sig_atomic_t *stop);
// Clears the line and gives the signals back.
void cli_progress_end(struct cli_progress *p);

#endif
