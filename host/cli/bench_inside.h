// SPDX-License-Identifier: Apache-2.0
// Inside of `tripline bench`: what its files share. cmd_bench.c runs it; bench_inputs.c makes load and book,
// bench_port.c a port of DPDK's.
#ifndef TRIPLINE_CLI_BENCH_INSIDE_H
#define TRIPLINE_CLI_BENCH_INSIDE_H

#include <signal.h>

#include "bench/pass.h"
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
    struct ports *ports;             // --dpdk, else NULL
    struct live_source port;         // of it
    struct bench_timeline *timeline; // with --timeline
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
// One pass with new accounts: c holds what is its own, the rest is filled in. `name`: of its journal.
// `frames_before`: for progress, in passes that belong together. Interrupted before it began: r->interrupted.
int bench_pass(struct bench *b, struct bench_run *r, struct pass_config *c, const char *name,
               uint64_t frames_before, struct err *e);
bool bench_asked(void); // to end, by a signal

// bench_timeline.c, with --timeline alone. Once the load is known: memory, the simulated device, the geometry
// of the measured one.
int bench_timeline_open(struct bench *b, struct err *e);
// For the pass that is measured: c tells the time line of its frames.
void bench_timeline_measured(struct bench *b, struct pass_config *c);
// Behind the measured runs: the same load simulated, and what follows from both into b->result. Nothing when
// interrupted.
int bench_timeline_play(struct bench *b, struct err *e);
// 0, or -1 with *e set: the RTL's stamps are not what the time line was reckoned with.
int bench_timeline_holds(const struct bench *b, struct err *e);
void bench_timeline_close(struct bench *b);

#endif
