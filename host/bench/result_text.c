// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "bench/result.h"

enum { NUMBER = 32 };

// "1,234,567"; buf of NUMBER bytes.
static const char *grouped(uint64_t v, char *buf)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
    char *p = buf;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = 0;
    return buf;
}

static const char *or_unknown(const char *text)
{
    return text[0] ? text : "unknown";
}

static void print_machine(const struct bench_result *b, FILE *f)
{
    static const char *const tri[] = {"unknown", "off", "on"};
    const struct machine *m = &b->machine;
    fprintf(f, "machine    %s, %u CPUs%s%s, SMT %s, turbo %s\n", or_unknown(m->cpu), m->cpus,
            m->hypervisor[0] ? ", hypervisor " : "", m->hypervisor, tri[m->smt + 1], tri[m->turbo + 1]);
    fprintf(f, "           kernel %s; governor %s; isolated %s; tickless %s\n", or_unknown(m->kernel),
            or_unknown(m->governor), or_unknown(m->isolated), or_unknown(m->tickless));
    fprintf(f, "           hugepages %s, %" PRIu64 " of 2 MiB (%" PRIu64 " free); %s; commit %s\n",
            or_unknown(m->huge), m->hugepages_2m, m->hugepages_2m_free, or_unknown(m->compiler),
            or_unknown(m->commit));
    fprintf(f, "           hot thread on CPU %d, others on", b->hot_cpu);
    for (unsigned i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &b->others))
            fprintf(f, " %u", i);
    fputs("\n", f);
    for (unsigned i = 0; i < m->n_notes; i++)
        fprintf(f, "           note: %s\n", m->note[i]);
}

static void print_clock(const struct bench_result *b, FILE *f)
{
    char text[160];
    fprintf(f, "clock      %s; a reading takes %.0f ns\n", clock_describe(text, sizeof text), b->read_ns);
    fprintf(f, "           %s; the kernel's own clock source: %s\n",
            clock_drift_describe(&b->drift, text, sizeof text), or_unknown(b->machine.clocksource));
    fprintf(f, "           %s\n", clock_spread_describe(&b->spread, text, sizeof text));
}

static void print_set_up(const struct bench_result *b, FILE *f)
{
    char n[NUMBER], rows[NUMBER];
    const struct load *l = b->load;
    fprintf(f, "load       %s%s\n", l->synthetic ? "synthetic: " : "", l->what);
    fprintf(f, "book       %s accounts: %s; ", grouped(b->book.accounts, n), b->book.what);
    if (b->book.boxed)
        fprintf(f, "%s rows on the device, the other accounts behind nested boxes\n",
                grouped(b->book.hot_rows, rows));
    else
        fprintf(f, "rows of all on the device\n");
    fprintf(f, "device     %s%s%s, %u thread%s, %u x %u rows, %u assets%s\n", b->device.backend,
            b->device.isa[0] ? ", " : "", b->device.isa, b->device.threads, b->device.threads == 1 ? "" : "s",
            b->device.lanes, b->device.slots, b->device.assets, b->device.simulated ? " (simulated)" : "");
    fprintf(f, "journal    %s\n", b->journal);
    fputs("orders     to a thread behind a ring, which holds them until they are durable; nothing is sent\n",
          f);
}

static void print_value(FILE *f, const struct hist *h, uint32_t share)
{
    if (bench_has(h, share))
        fprintf(f, " %10" PRIu64, hist_percentile(h, share));
    else
        fprintf(f, " %10s", "-");
}

static void print_stages(const struct bench_result *b, const struct bench_run *r, FILE *f)
{
    struct bench_stage s[BENCH_STAGES];
    size_t n = bench_stages(b, r, s);
    fprintf(f, "  %-18s %9s", "", "count");
    for (unsigned i = 0; i < BENCH_PERCENTILES; i++)
        fprintf(f, "%*sp%s", (int)(10 - strlen(bench_share_name[i])), "", bench_share_name[i]);
    fprintf(f, " %10s\n", "max");
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "  %-18s %9" PRIu64, s[i].name, s[i].h->count);
        for (unsigned k = 0; k < BENCH_PERCENTILES; k++)
            print_value(f, s[i].h, bench_share[k]);
        fprintf(f, " %10" PRIu64 "  %s, %s\n", s[i].h->max, s[i].unit, s[i].kind);
    }
    if (b->device.simulated)
        fputs("  left out: what holds the time that simulating the device took, which is no latency\n", f);
}

// Where the time went, in the order of the path: what each point is later than the last one that was reached.
static void print_one(const struct bench_result *b, const struct worst_frame *w, FILE *f)
{
    const uint64_t *at = w->stamps.at;
    uint64_t last = at[STAMP_ARRIVED];
    fprintf(f, "  %10" PRIu64, clock_ns(w->ticks));
    for (int i = STAMP_TAKEN; i < STAMP_COUNT; i++) {
        if (!at[i] || at[i] < last) {
            fprintf(f, " %9s", "-");
            continue;
        }
        fprintf(f, " %9" PRIu64, clock_ns(at[i] - last));
        last = at[i];
    }
    fprintf(f, " %6u %9" PRIu64, w->behind, w->frame);
    if (w->pass)
        fprintf(f, " (pass %" PRIu64 ")", w->pass + 1);
    fprintf(f, "  %.60s\n", packets_text(&b->packets, w->frame));
}

static void print_worst(const struct bench_result *b, const struct bench_run *r, FILE *f)
{
    for (unsigned way = 0; way < DRIVE_WAYS; way++) {
        const struct worst *w = &r->worst[way];
        if (!bench_way(b, r, way) || w->n == 0)
            continue;
        fprintf(f, "  slowest %zu by %s: ns in all, then ns from point to point, measured\n", w->n,
                bench_way_name(way));
        fprintf(f, "  %10s", "all");
        for (int i = STAMP_TAKEN; i < STAMP_COUNT; i++)
            fprintf(f, " %9s", i == STAMP_TAKEN ? "waited" : stamp_name((enum stamp)i));
        fprintf(f, " %6s %9s  packet\n", "behind", "frame");
        for (size_t i = 0; i < w->n; i++)
            print_one(b, &w->at[i], f);
    }
}

static void print_pace(const struct bench_run *r, FILE *f)
{
    char n[NUMBER];
    switch (r->pace.mode) {
    case PACE_RECORDED:
        fprintf(f, "open loop, as recorded, %g times as fast", r->pace.times);
        break;
    case PACE_RATE:
        fprintf(f, "open loop, %s frames a second, %s", grouped((uint64_t)r->pace.rate_pps, n),
                r->pace.poisson ? "at random (Poisson)" : "evenly");
        break;
    case PACE_MAX:
        fputs("as fast as it goes: service times, no waiting", f);
        break;
    case PACE_CLOSED:
        fprintf(f, "closed loop, each frame %" PRIu64 " ns after the one before and its orders",
                r->pace.think_ns);
        break;
    }
}

static void print_run(const struct bench_result *b, const struct bench_run *r, FILE *f)
{
    const struct drive_counts *c = &r->counts;
    char n[NUMBER], m[NUMBER];
    fprintf(f, "\n%s%s\n  ", r->name, r->interrupted ? " (interrupted: what was measured until then)" : "");
    print_pace(r, f);
    fprintf(f, "; %u pass%s, each after a warm-up of %s frames\n", r->passes, r->passes == 1 ? "" : "es",
            grouped(r->warmup, n));
    fprintf(f, "  %s frames in %.3f s", grouped(c->frames, n), (double)r->elapsed_ns / 1e9);
    if (r->elapsed_ns)
        fprintf(f, ", %s a second done",
                grouped((uint64_t)((double)c->frames * 1e9 / (double)r->elapsed_ns), m));
    if (pace_open_loop(r->pace.mode) && r->offered_ns)
        fprintf(f, ", %s due; backlog at most %" PRIu64,
                grouped((uint64_t)((double)r->offered * 1e9 / (double)r->offered_ns), m), r->backlog_max);
    fprintf(f,
            "\n  %" PRIu64 " groups, %" PRIu64 " ticks, %" PRIu64 " flags (%" PRIu64 " early), %" PRIu64
            " orders: %" PRIu64 " ready, %" PRIu64 " cold; %" PRIu64 " replies, %" PRIu64 " bands, %" PRIu64
            " boxes in the foreground\n",
            c->groups, c->ticks, c->flags, c->early, c->orders, c->ready, c->cold, c->replies, c->bands,
            c->boxes_foreground);
    if (b->load->kind == LOAD_T0)
        fprintf(f,
                "  hits %" PRIu64 ": %" PRIu64 " matched by id with exactly one order, %" PRIu64
                " missed, %" PRIu64 " orders too many\n",
                r->hits.hits, r->hits.matched, r->hits.missed, r->hits.extra);
    fprintf(f,
            "  hot thread: %" PRIu64 " page faults (%" PRIu64 " from disk), %" PRIu64
            " context switches forced, %" PRIu64 " of its own; %" PRIu64 " waits for the journal; %" PRIu64
            " orders not yet durable when seen\n",
            r->quiet.minor_faults + r->quiet.major_faults, r->quiet.major_faults, r->quiet.switches_forced,
            r->quiet.switches_wanted, r->waits, r->waited);
    print_stages(b, r, f);
    print_worst(b, r, f);
}

void result_text(const struct bench_result *b, FILE *f)
{
    fprintf(f, "%s, %s%s\n", b->title, b->made, b->interrupted ? " (interrupted)" : "");
    print_machine(b, f);
    print_clock(b, f);
    print_set_up(b, f);
    for (size_t i = 0; i < b->n_runs; i++)
        print_run(b, &b->run[i], f);
    if (b->timeline) {
        fputs("\n", f);
        timeline_print(f, b->timeline);
    }
}
