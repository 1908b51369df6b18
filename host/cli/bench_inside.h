// SPDX-License-Identifier: Apache-2.0
// Inside of `tripline bench`: what its files share. cmd_bench.c runs it; bench_inputs.c makes load and book,
// bench_port.c a port of DPDK's.
#ifndef TRIPLINE_CLI_BENCH_INSIDE_H
#define TRIPLINE_CLI_BENCH_INSIDE_H

#include <signal.h>

#include "bench/place.h"
#include "cli/bench_options.h"
#include "run/live.h"

enum { BENCH_PATH = 1024 };

struct bench {
    struct bench_options o;
    struct load load;
    struct book book;
    bool has_book;
    char *policy; // the file of --oracle
    bool bad_policy;
    uint64_t *due, *done; // load.n each
    size_t warmup;
    struct place place;
    struct clock_moment began;
    char dir[BENCH_PATH]; // of journals; "" none
    bool own_dir;         // made here, removed at the end
    FILE *json, *histograms;
    struct ports *ports;     // --dpdk, else NULL
    struct live_source port; // of it
    struct bench_result result;
    // of the run under way, for progress
    const char *running;
    uint64_t frames_before, frames_all; // of the passes before; of all passes
};

extern volatile sig_atomic_t bench_stop; // set by signals, and by a journal that failed

// Each gives 0, or -1 with *e set.
int bench_load(struct bench *b, struct err *e);
int bench_port_open(struct bench *b, struct err *e); // with --dpdk
void bench_port_close(struct bench *b);
// The accounts for the next pass: new ones, but for the load t0, which leaves them as they were.
int bench_book(struct bench *b, struct err *e);

#endif
