// SPDX-License-Identifier: Apache-2.0
#include "bench/result.h"

#include <string.h>

#include "base/clock.h"
#include "base/hist_log.h"

const uint32_t bench_share[BENCH_PERCENTILES] = {50000, 90000, 99000, 99900, 99990, 99999};
const char *const bench_share_name[BENCH_PERCENTILES] = {"50", "90", "99", "99.9", "99.99", "99.999"};

static const enum stamp way_to[DRIVE_WAYS] = {STAMP_LAST, STAMP_SUBMITTED, STAMP_DONE};

bool bench_has(const struct hist *h, uint32_t share)
{
    return (u128)h->count * (HIST_WHOLE - share) >= HIST_WHOLE;
}

const char *bench_way_name(unsigned way)
{
    static const char *const name[DRIVE_WAYS] = {"tick-to-order", "tick-to-command", "done"};
    return name[way];
}

void bench_run_begin(struct bench_run *r, const struct pace_config *pace, size_t warmup, size_t worst)
{
    memset(r, 0, sizeof *r);
    r->pace = *pace;
    r->warmup = warmup;
    for (int i = 0; i < STAGE_COUNT; i++)
        hist_init(&r->stage[i]);
    hist_init(&r->handed);
    hist_init(&r->cycles);
    for (unsigned i = 0; i < DRIVE_WAYS; i++)
        worst_init(&r->worst[i], way_to[i], worst);
}

// Simulating a device takes what it takes: a stage that holds it is no latency of anything. In an open loop
// each frame also waits behind those simulated before it.
static bool means_something(const struct bench_result *b, const struct bench_run *r, enum stage s)
{
    if (!b->device.simulated || s < STAGE_TO_COMMAND)
        return true;
    return s == STAGE_TO_COMMAND && !pace_open_loop(r->pace.mode);
}

bool bench_way(const struct bench_result *b, const struct bench_run *r, unsigned way)
{
    return means_something(b, r, way_to[way] == STAMP_SUBMITTED ? STAGE_TO_COMMAND : STAGE_TO_ORDER);
}

size_t bench_stages(const struct bench_result *b, const struct bench_run *r,
                    struct bench_stage out[BENCH_STAGES])
{
    static const enum stage order[] = {STAGE_DECODE,  STAGE_SUBMIT,     STAGE_CONFIRM, STAGE_SIZE,
                                       STAGE_ORDER,   STAGE_TO_COMMAND, STAGE_TO_FLAG, STAGE_TO_ORDER,
                                       STAGE_TO_COLD, STAGE_TO_DONE};
    size_t n = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (r->stage[order[i]].count && means_something(b, r, order[i]))
            out[n++] = (struct bench_stage){stage_name(order[i]), "measured", "ns", &r->stage[order[i]]};
    if (r->handed.count)
        out[n++] = (struct bench_stage){"hand-over", "measured", "ns", &r->handed};
    if (r->cycles.count)
        out[n++] = (struct bench_stage){"device", "simulated", "cycles", &r->cycles};
    return n;
}

int bench_finish(struct bench_result *b, struct err *e)
{
    static uint64_t frame[BENCH_RUNS_MAX * DRIVE_WAYS * WORST_MAX];
    size_t n = 0;
    for (size_t i = 0; i < b->n_runs; i++)
        for (unsigned way = 0; way < DRIVE_WAYS; way++) {
            struct worst *w = &b->run[i].worst[way];
            worst_sort(w);
            for (size_t k = 0; k < w->n; k++)
                frame[n++] = w->at[k].frame;
        }
    return packets_read(b->load, frame, n, &b->packets, e);
}

bool bench_hits_hold(const struct bench_result *b)
{
    for (size_t i = 0; i < b->n_runs; i++)
        if (b->run[i].hits.missed || b->run[i].hits.extra)
            return false;
    return true;
}

int result_histograms(const struct bench_result *b, FILE *f, struct err *e)
{
    struct bench_stage s[BENCH_STAGES];
    char tag[64];
    uint64_t at = 0;
    if (hist_log_begin(f, clock_stream_ns(), "tripline bench: nanoseconds, measured", e) != 0)
        return -1;
    for (size_t i = 0; i < b->n_runs; i++) {
        const struct bench_run *r = &b->run[i];
        size_t n = bench_stages(b, r, s);
        for (size_t k = 0; k < n; k++) {
            if (strcmp(s[k].unit, "ns") != 0)
                continue; // the format holds one unit
            (void)snprintf(tag, sizeof tag, "run%zu-%s", i + 1, s[k].name);
            if (hist_log_line(f, tag, at, r->elapsed_ns, s[k].h, e) != 0)
                return -1;
        }
        at += r->elapsed_ns;
    }
    return fflush(f) == 0 && !ferror(f) ? 0 : err_set(e, "histograms: writing failed");
}
