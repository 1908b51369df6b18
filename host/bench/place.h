// SPDX-License-Identifier: Apache-2.0
// Which CPU the hot thread has to itself, as far as this process goes: every other thread of it (the
// journal's, the gateway's, a device's) is started while the caller may not run there, and inherits that.
// Main thread only.
#ifndef TRIPLINE_BENCH_PLACE_H
#define TRIPLINE_BENCH_PLACE_H

#include <sched.h>

#include "bench/machine.h"

struct place {
    int hot;
    bool alone;        // there are others
    cpu_set_t others;  // where the other threads run; with one CPU only that one
    struct machine *m; // notes go there
};
// Chooses a CPU as machine_pin() does, or `cpu` where that is not below 0. 0, or -1 with *e set.
int place_choose(struct place *p, struct machine *m, int cpu, struct err *e);
// The calling thread, and those that it starts from now on, stay off the hot CPU and have no priority.
int place_others(const struct place *p, struct err *e);
// The calling thread is the hot one.
int place_hot(const struct place *p, struct err *e);

#endif
