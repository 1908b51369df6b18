// SPDX-License-Identifier: Apache-2.0
// What machine_read() takes from files, for tests that bring their own. One thread.
#ifndef TRIPLINE_BENCH_MACHINE_INSIDE_H
#define TRIPLINE_BENCH_MACHINE_INSIDE_H

#include "bench/machine.h"

// Everything that is read from below <root>/proc and <root>/sys; root "" is this machine.
void machine_read_files(const char *root, struct machine *m);
// Is a CPU in a list as the kernel writes them ("0-3,8")?
bool machine_in_list(const char *list, unsigned cpu);

#endif
