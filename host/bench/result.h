// SPDX-License-Identifier: Apache-2.0
// What a benchmark found, and how it is written: as text (result_text.c), as JSON (result_json.c,
// docs/bench_format.md) and as an HdrHistogram log. Not for the hot path.
#ifndef TRIPLINE_BENCH_RESULT_H
#define TRIPLINE_BENCH_RESULT_H

#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "bench/drive.h"
#include "bench/machine.h"
#include "bench/packets.h"
#include "bench/timeline.h"
#include "device.h"

enum { BENCH_RUNS_MAX = 16, BENCH_NAME = 128 };

// One run: a load at one pace, played `passes` times.
struct bench_run {
    char name[BENCH_NAME];
    struct pace_config pace;
    unsigned passes; // played, the last one perhaps in part
    size_t warmup;   // frames of each pass
    uint64_t elapsed_ns, offered_ns, backlog_max;
    uint64_t offered; // open loop: intervals between frames in offered_ns
    struct drive_counts counts;
    struct drive_quiet quiet;
    struct sink_hits hits;
    uint64_t waited; // orders that were not durable when the gateway saw them
    uint64_t waits;  // times the hot thread waited for room in the journal's ring
    bool interrupted;
    struct hist stage[STAGE_COUNT]; // session.h, ns
    struct hist handed;             // ns
    struct hist cycles;             // device
    struct worst worst[DRIVE_WAYS];
};
void bench_run_begin(struct bench_run *r, const struct pace_config *pace, size_t warmup, size_t worst);

struct bench_result {
    const char *title, *command;
    char made[32]; // ISO 8601, UTC
    bool interrupted;
    struct machine machine;
    int hot_cpu;
    cpu_set_t others;
    struct clock_drift drift; // over the whole benchmark
    struct clock_spread spread;
    double read_ns; // a reading of the clock
    const struct load *load;
    char journal[128]; // where it is, and on what
    struct {
        char what[160];
        uint64_t accounts;
        bool boxed;
        uint64_t hot_rows, hot_accounts; // at the end of the last pass; rows: boxed only
    } book;
    struct {
        char backend[64], isa[16];
        unsigned threads;
        uint32_t lanes, slots, assets;
        bool cycles, simulated;
        unsigned clock_mhz; // 0: none
    } device;
    size_t n_runs;
    struct bench_run *run;
    const struct timeline_report *timeline; // NULL: none
    struct packets packets;                 // those of the worst lists
};
// Once all runs are over: sorts the worst lists and reads their packets. 0, or -1 with *e set.
int bench_finish(struct bench_result *b, struct err *e);

// A line of the result: what `stages` of docs/bench_format.md lists, in its order.
struct bench_stage {
    const char *name, *kind, *unit;
    const struct hist *h;
};
enum { BENCH_STAGES = 12 };
// Those that have values and mean something: of a simulated device none that holds the time which simulating
// took. Returns how many.
size_t bench_stages(const struct bench_result *b, const struct bench_run *r,
                    struct bench_stage out[BENCH_STAGES]);
// Whether the worst list `way` (0..DRIVE_WAYS-1) means something, likewise.
bool bench_way(const struct bench_result *b, const struct bench_run *r, unsigned way);
const char *bench_way_name(unsigned way); // "tick-to-order", "tick-to-command", "done"

// Percentiles that are reported: share of HIST_WHOLE, and its text. Where fewer than one value lies above it,
// there is none.
enum { BENCH_PERCENTILES = 6 };
extern const uint32_t bench_share[BENCH_PERCENTILES];
extern const char *const bench_share_name[BENCH_PERCENTILES];
bool bench_has(const struct hist *h, uint32_t share);

// Whether each hit of a load t0 led to exactly one order.
bool bench_hits_hold(const struct bench_result *b);

int result_json(const struct bench_result *b, FILE *f, struct err *e);
void result_text(const struct bench_result *b, FILE *f);
int result_histograms(const struct bench_result *b, FILE *f, struct err *e);

#endif
