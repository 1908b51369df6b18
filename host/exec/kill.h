// SPDX-License-Identifier: Apache-2.0
// The kill switch's outside: a file (there = on) and signals (SIGUSR1 on, SIGUSR2 off). It is on while the
// file is there or the signal's flag is set. A thread of its own watches the file; the run loop polls
// kill_on(), journals a change (J_CONTROL) and calls desk_kill(). Orders stop, checking goes on.
#ifndef TRIPLINE_EXEC_KILL_H
#define TRIPLINE_EXEC_KILL_H

#include <stdbool.h>

#include "base/err.h"

enum { KILL_POLL_MS = 20 }; // how often the file is looked for

struct kill_switch;
// One a process (it installs the signals' handlers). path NULL: signals only. The file's state is read before
// it returns, so a run that starts with the file there starts switched off. NULL with *e set.
struct kill_switch *kill_open(const char *path, struct err *e);
bool kill_on(const struct kill_switch *k); // two atomic loads: for the hot path
void kill_close(struct kill_switch *k);    // puts the former signal handlers back

#endif
