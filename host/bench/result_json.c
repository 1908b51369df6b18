// SPDX-License-Identifier: Apache-2.0
// docs/bench_format.md
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "bench/result.h"

enum { CURVE_STEPS = 10, CURVE_POINTS = 170, HEAD_BYTES = 96 };

// Text that is "" when unknown.
static void known(struct json_out *j, const char *name, const char *text)
{
    json_text(j, name, text[0] ? text : NULL);
}

static void tristate(struct json_out *j, const char *name, int v)
{
    if (v < 0)
        json_null(j, name);
    else
        json_bool(j, name, v);
}

static void put_machine(struct json_out *j, const struct bench_result *b)
{
    const struct machine *m = &b->machine;
    json_open(j, "machine", '{');
    known(j, "cpu", m->cpu);
    json_whole(j, "cpus", m->cpus);
    known(j, "hypervisor", m->hypervisor);
    known(j, "governor", m->governor);
    tristate(j, "smt", m->smt);
    tristate(j, "turbo", m->turbo);
    known(j, "kernel", m->kernel);
    known(j, "isolated", m->isolated);
    known(j, "tickless", m->tickless);
    known(j, "huge", m->huge);
    json_whole(j, "hugepages_2m", m->hugepages_2m);
    json_whole(j, "hugepages_2m_free", m->hugepages_2m_free);
    json_whole(j, "hugepages_1g", m->hugepages_1g);
    json_whole(j, "memory_mb", m->memory_mb);
    known(j, "mitigations", m->mitigations);
    known(j, "compiler", m->compiler);
    known(j, "commit", m->commit);
    json_open(j, "notes", '[');
    for (unsigned i = 0; i < m->n_notes; i++)
        json_text(j, NULL, m->note[i]);
    json_close(j, ']');
    json_signed(j, "hot_cpu", b->hot_cpu);
    json_open(j, "other_cpus", '[');
    for (unsigned i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &b->others))
            json_whole(j, NULL, i);
    json_close(j, ']');
    json_close(j, '}');
}

static void put_clock(struct json_out *j, const struct bench_result *b)
{
    json_open(j, "clock", '{');
    json_text(j, "name", clock_cal.tsc ? "TSC" : "CLOCK_MONOTONIC_RAW");
    json_whole(j, "hz", clock_cal.hz);
    json_whole(j, "error_ppm", clock_cal.error_ppm);
    json_whole(j, "window_ms", clock_cal.window_ms);
    if (b->drift.known) {
        json_signed(j, "drift_ppb", b->drift.ppb);
        json_whole(j, "drift_error_ppb", b->drift.error_ppb);
        json_whole(j, "drift_span_ms", b->drift.span_ms);
    } else {
        json_null(j, "drift_ppb");
        json_null(j, "drift_error_ppb");
        json_null(j, "drift_span_ms");
    }
    known(j, "kernel_source", b->machine.clocksource);
    if (b->spread.cpus) {
        json_whole(j, "cpus_apart_ns", b->spread.ns);
        json_whole(j, "cpus_apart_error_ns", b->spread.error_ns);
    } else {
        json_null(j, "cpus_apart_ns");
        json_null(j, "cpus_apart_error_ns");
    }
    json_real(j, "read_ns", b->read_ns);
    json_close(j, '}');
}

static void put_load(struct json_out *j, const struct load *l)
{
    static const char *const kind[] = {
        [LOAD_CAPTURE] = "capture", [LOAD_GENERATED] = "generated", [LOAD_T0] = "t0"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < l->n; i++)
        bytes += l->frame[i].wirelen;
    json_open(j, "load", '{');
    json_text(j, "kind", kind[l->kind]);
    json_text(j, "what", l->what);
    json_bool(j, "synthetic", l->synthetic);
    if (l->synthetic)
        json_whole(j, "seed", l->seed);
    else
        json_null(j, "seed");
    json_whole(j, "frames", l->n);
    json_whole(j, "bytes", bytes);
    json_whole(j, "span_ns", l->n ? l->frame[l->n - 1].ts_ns - l->frame[0].ts_ns : 0);
    json_close(j, '}');
}

static void put_book_and_device(struct json_out *j, const struct bench_result *b)
{
    json_open(j, "book", '{');
    json_whole(j, "accounts", b->book.accounts);
    json_text(j, "what", b->book.what);
    json_bool(j, "boxed", b->book.boxed);
    if (b->book.boxed)
        json_whole(j, "hot_rows", b->book.hot_rows);
    else
        json_null(j, "hot_rows"); // all there are: not counted
    json_whole(j, "hot_accounts", b->book.hot_accounts);
    json_close(j, '}');
    json_open(j, "device", '{');
    json_text(j, "backend", b->device.backend);
    known(j, "isa", b->device.isa);
    json_whole(j, "threads", b->device.threads);
    json_whole(j, "lanes", b->device.lanes);
    json_whole(j, "slots", b->device.slots);
    json_whole(j, "assets", b->device.assets);
    json_bool(j, "cycles", b->device.cycles);
    if (b->device.clock_mhz)
        json_whole(j, "clock_mhz", b->device.clock_mhz);
    else
        json_null(j, "clock_mhz");
    json_close(j, '}');
}

static void put_pace(struct json_out *j, const struct pace_config *p)
{
    const bool rate = p->mode == PACE_RATE;
    json_open(j, "pace", '{');
    json_text(j, "mode", pace_name(p->mode));
    json_bool(j, "open", pace_open_loop(p->mode));
    json_real(j, "times", p->mode == PACE_RECORDED ? p->times : (double)NAN);
    json_real(j, "rate_pps", rate ? p->rate_pps : (double)NAN);
    json_text(j, "arrivals",
              rate                       ? p->poisson ? "poisson" : "even"
              : p->mode == PACE_RECORDED ? "recorded"
                                         : NULL);
    json_close(j, '}');
}

static void put_counts(struct json_out *j, const struct bench_result *b, const struct bench_run *r)
{
    const struct drive_counts *c = &r->counts;
    json_open(j, "counts", '{');
    json_whole(j, "frames", c->frames);
    json_whole(j, "groups", c->groups);
    json_whole(j, "ticks", c->ticks);
    json_whole(j, "flags", c->flags);
    json_whole(j, "early", c->early);
    json_whole(j, "orders", c->orders);
    json_whole(j, "ready", c->ready);
    json_whole(j, "cold", c->cold);
    json_whole(j, "replies", c->replies);
    json_whole(j, "bands", c->bands);
    json_whole(j, "boxes_foreground", c->boxes_foreground);
    if (b->load->kind == LOAD_T0) {
        json_whole(j, "hits", r->hits.hits);
        json_whole(j, "hits_matched", r->hits.matched);
        json_whole(j, "hits_missed", r->hits.missed);
        json_whole(j, "hits_extra", r->hits.extra);
    }
    json_close(j, '}');
    json_open(j, "quiet", '{');
    json_whole(j, "minor_faults", r->quiet.minor_faults);
    json_whole(j, "major_faults", r->quiet.major_faults);
    json_whole(j, "switches_wanted", r->quiet.switches_wanted);
    json_whole(j, "switches_forced", r->quiet.switches_forced);
    json_close(j, '}');
}

static void point(struct json_out *j, double percent, uint64_t v)
{
    json_open(j, NULL, '[');
    json_real(j, NULL, percent);
    json_whole(j, NULL, v);
    json_close(j, ']');
}

// Denser towards the end, as an HdrHistogram's: ten points each time that what is left halves, until a point
// would stand for less than one value.
static void put_curve(struct json_out *j, const struct hist *h)
{
    uint32_t last = 0;
    json_open(j, "curve", '[');
    point(j, 0, h->min);
    for (int i = 1; i <= CURVE_POINTS; i++) {
        uint32_t share = (uint32_t)lround(HIST_WHOLE * (1 - exp2(-(double)i / CURVE_STEPS)));
        if (share == last || share >= HIST_WHOLE || !bench_has(h, share))
            continue;
        last = share;
        point(j, (double)share * 100 / HIST_WHOLE, hist_percentile(h, share));
    }
    point(j, 100, h->max);
    json_close(j, ']');
}

static void put_stage(struct json_out *j, const struct bench_stage *s)
{
    json_open(j, NULL, '{');
    json_text(j, "name", s->name);
    json_text(j, "kind", s->kind);
    json_text(j, "unit", s->unit);
    json_whole(j, "count", s->h->count);
    json_whole(j, "min", s->h->min);
    json_whole(j, "mean", hist_mean(s->h));
    json_whole(j, "max", s->h->max);
    json_open(j, "p", '{');
    for (unsigned i = 0; i < BENCH_PERCENTILES; i++) {
        if (bench_has(s->h, bench_share[i]))
            json_whole(j, bench_share_name[i], hist_percentile(s->h, bench_share[i]));
        else
            json_null(j, bench_share_name[i]);
    }
    json_close(j, '}');
    put_curve(j, s->h);
    json_close(j, '}');
}

static void put_packet(struct json_out *j, const struct bench_result *b, uint64_t frame)
{
    static const char digit[] = "0123456789abcdef";
    const struct load_frame *f = &b->load->frame[frame];
    char head[2 * HEAD_BYTES + 1];
    size_t n = f->caplen < HEAD_BYTES ? f->caplen : HEAD_BYTES;
    for (size_t i = 0; i < n; i++) {
        head[2 * i] = digit[b->load->bytes[f->at + i] >> 4];
        head[2 * i + 1] = digit[b->load->bytes[f->at + i] & 15];
    }
    head[2 * n] = 0;
    json_open(j, "packet", '{');
    json_whole(j, "bytes", f->wirelen);
    json_text(j, "what", packets_text(&b->packets, frame));
    json_text(j, "head", head);
    json_close(j, '}');
}

static void put_worst(struct json_out *j, const struct bench_result *b, const struct worst_frame *w,
                      unsigned way)
{
    const uint64_t *at = w->stamps.at;
    char ts[24];
    (void)snprintf(ts, sizeof ts, "%llu", (unsigned long long)b->load->frame[w->frame].ts_ns);
    json_open(j, NULL, '{');
    json_text(j, "way", bench_way_name(way));
    json_whole(j, "ns", clock_ns(w->ticks));
    json_whole(j, "frame", w->frame);
    json_whole(j, "pass", w->pass);
    json_text(j, "ts_ns", ts);
    json_whole(j, "behind", w->behind);
    json_open(j, "stamps", '{');
    for (int i = STAMP_TAKEN; i < STAMP_COUNT; i++)
        if (at[i] >= at[STAMP_ARRIVED] && at[i])
            json_whole(j, stamp_name((enum stamp)i), clock_ns(at[i] - at[STAMP_ARRIVED]));
    json_close(j, '}');
    json_whole(j, "flags", w->stamps.flags);
    json_whole(j, "orders", w->stamps.orders);
    json_whole(j, "ready", w->stamps.ready);
    put_packet(j, b, w->frame);
    json_close(j, '}');
}

static double per_second(uint64_t n, uint64_t ns)
{
    return ns ? (double)n * 1e9 / (double)ns : (double)NAN;
}

static void put_run(struct json_out *j, const struct bench_result *b, const struct bench_run *r)
{
    struct bench_stage s[BENCH_STAGES];
    size_t n = bench_stages(b, r, s);
    const bool open = pace_open_loop(r->pace.mode);
    json_open(j, NULL, '{');
    json_text(j, "name", r->name);
    put_pace(j, &r->pace);
    json_bool(j, "interrupted", r->interrupted);
    json_whole(j, "passes", r->passes);
    json_whole(j, "warmup_frames", r->warmup);
    json_whole(j, "frames", r->counts.frames);
    json_whole(j, "elapsed_ns", r->elapsed_ns);
    json_real(j, "offered_pps", open ? per_second(r->offered, r->offered_ns) : (double)NAN);
    json_real(j, "done_pps", per_second(r->counts.frames, r->elapsed_ns));
    if (open)
        json_whole(j, "backlog_max", r->backlog_max);
    else
        json_null(j, "backlog_max");
    put_counts(j, b, r);
    json_open(j, "stages", '[');
    for (size_t i = 0; i < n; i++)
        put_stage(j, &s[i]);
    json_close(j, ']');
    json_open(j, "worst", '[');
    for (unsigned way = 0; way < DRIVE_WAYS; way++)
        for (size_t i = 0; bench_way(b, r, way) && i < r->worst[way].n; i++)
            put_worst(j, b, &r->worst[way].at[i], way);
    json_close(j, ']');
    json_close(j, '}');
}

int result_json(const struct bench_result *b, FILE *f, struct err *e)
{
    struct json_out j;
    json_out_begin(&j, f);
    json_open(&j, NULL, '{');
    json_text(&j, "format", "tripline-bench-1");
    json_text(&j, "title", b->title);
    json_text(&j, "made", b->made);
    json_text(&j, "command", b->command);
    json_bool(&j, "interrupted", b->interrupted);
    put_machine(&j, b);
    put_clock(&j, b);
    put_load(&j, b->load);
    put_book_and_device(&j, b);
    json_open(&j, "runs", '[');
    for (size_t i = 0; i < b->n_runs; i++)
        put_run(&j, b, &b->run[i]);
    json_close(&j, ']');
    if (b->timeline) {
        json_by_caller(&j, "timeline");
        timeline_json(f, b->timeline);
    } else {
        json_null(&j, "timeline");
    }
    json_close(&j, '}');
    return json_out_end(&j, e);
}
