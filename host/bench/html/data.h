// SPDX-License-Identifier: Apache-2.0
// What `tripline bench --json` wrote (docs/bench_format.md), as the page needs it. What a file does not say
// is NULL (texts, lists) or NAN (numbers), never zero; names that are not known are skipped. Texts are as
// written in the file: whoever prints them escapes them. Not for the hot path; one thread.
#ifndef TRIPLINE_BENCH_HTML_DATA_H
#define TRIPLINE_BENCH_HTML_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "accounts/json.h"
#include "base/err.h"
#include "page/kind.h"
#include "run/stamps.h"

enum { PCT_50, PCT_90, PCT_99, PCT_99_9, PCT_99_99, PCT_99_999, PCT_MAX, PCT_COUNT };

struct data_machine {
    const char *cpu, *hypervisor, *governor, *kernel, *isolated, *tickless, *huge, *mitigations, *compiler;
    const char *commit, *smt, *turbo; // the last two "true", "false"
    double cpus, hugepages_2m, hugepages_2m_free, hugepages_1g, memory_mb, hot_cpu;
    const struct json *notes, *other_cpus; // arrays of texts, of numbers
};
struct data_clock {
    const char *name, *kernel_source;
    double hz, error_ppm, window_ms, drift_ppb, drift_error_ppb, drift_span_ms, read_ns;
    double cpus_apart_ns, cpus_apart_error_ns;
};
struct data_load {
    const char *kind, *what, *synthetic, *seed; // synthetic "true", "false"
    double frames, bytes, span_ns;
};
struct data_book {
    const char *what, *boxed;
    double accounts, hot_rows, hot_accounts;
};
struct data_device {
    const char *backend, *isa, *cycles;
    double threads, lanes, slots, assets, clock_mhz;
};
struct data_stage {
    const char *name, *unit; // "ns", "cycles"
    enum kind kind;
    const struct json *kinds; // of a sum: array of texts; else NULL
    double count, min, mean, max;
    double p[PCT_COUNT]; // p[PCT_MAX] is only in what-if rows
    size_t n_curve;
    double (*curve)[2]; // percent, value; both ascend
};
struct data_worst {
    const char *way, *ts_ns, *what, *head; // ts_ns: a number as written
    double ns, frame, pass, behind, bytes, flags, orders, ready;
    double at[STAMP_COUNT]; // ns since it arrived; STAMP_ARRIVED is 0
};
struct data_run {
    const char *name, *mode, *open, *arrivals, *interrupted; // "true": cut short
    double times, rate_pps, passes, warmup_frames, frames, elapsed_ns, offered_pps, done_pps, backlog_max;
    const struct json *counts; // object of numbers
    double minor_faults, major_faults, switches_wanted, switches_forced;
    struct data_stage *stage;
    size_t n_stages;
    struct data_worst *worst;
    size_t n_worst;
};
struct data_whatif {
    const char *name;
    double clock_mhz, lanes, slots, write_ns, event_ns, jitter_pct;
    struct data_stage device, whole; // p alone
};
struct data_timeline {
    double clock_mhz, write_ns, event_ns, jitter_pct, lanes, slots;
    double frames, quiet, unmatched, not_fit, dropped;
    bool has_check;
    double events, triggers, differed, apart, commands, early; // of the check
    struct data_stage *part, whole;
    struct data_stage waited; // name NULL: none
    size_t n_parts;
    struct data_whatif *whatif;
    size_t n_whatif;
    bool has_slowest;
    double slow_frame, slow_ns, slow_waited;
    const struct json *slow_parts; // object: part -> ns
    double cycle0, cycles;
    const struct json *signals; // array of objects, each checked; NULL: no wave
};
struct bench_data {
    const char *path; // the caller's
    const char *title, *made, *command, *interrupted;
    struct data_machine machine;
    struct data_clock clock;
    struct data_load load;
    struct data_book book;
    struct data_device device;
    struct data_run *run;
    size_t n_runs; // at least one
    bool has_timeline;
    struct data_timeline timeline;
    struct json_doc doc;      // owns the texts
    struct data_block *block; // owns the arrays
};

// Reads and checks a document. path: for messages. 0, or -1 with *e set: file, line, what is wrong, remedy.
// The caller calls bench_data_free() in both cases, and keeps path until then.
int bench_data_parse(const char *path, const char *text, size_t len, struct bench_data *out, struct err *e);
// The same of a file of at most 256 MB.
int bench_data_read(const char *path, struct bench_data *out, struct err *e);
void bench_data_free(struct bench_data *d);

const char *pct_name(unsigned i);                                               // "50", "90", ..., "max"
const struct json *json_get(const struct json *object, const char *name);       // NULL: none, or null
const struct data_stage *run_stage(const struct data_run *r, const char *name); // NULL: none

#endif
