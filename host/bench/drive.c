// SPDX-License-Identifier: Apache-2.0
#include "bench/drive.h"

#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"

// Between the end of the warm-up and the first frame that is due: the loop comes to rest.
enum { LEAD_MS = 2 };

static struct drive_quiet quiet_now(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_THREAD, &u) != 0)
        return (struct drive_quiet){0};
    return (struct drive_quiet){.minor_faults = (uint64_t)u.ru_minflt,
                                .major_faults = (uint64_t)u.ru_majflt,
                                .switches_wanted = (uint64_t)u.ru_nvcsw,
                                .switches_forced = (uint64_t)u.ru_nivcsw};
}

static struct drive_counts counts_now(const struct drive *d)
{
    const struct engine_counters *g = engine_counters(session_engine(d->c.session));
    const struct desk_counters *k = desk_counters(session_desk(d->c.session));
    return (struct drive_counts){.frames = d->next,
                                 .groups = g->groups,
                                 .ticks = g->ticks,
                                 .flags = g->flags[LEVEL_LIQUIDATE],
                                 .early = g->early,
                                 .orders = k->answer[DESK_SENT],
                                 .ready = k->ready_used,
                                 .cold = k->cold,
                                 .replies = sink_replies(d->c.sink),
                                 .bands = g->recentred,
                                 .boxes_foreground = g->boxes_foreground};
}

void drive_begin(struct drive *d, const struct drive_config *c)
{
    *d = (struct drive){.c = *c, .first = SIZE_MAX, .settled = true};
}

static void begin_measuring(struct drive *d)
{
    d->first = d->unfinished = d->next;
    session_measure_anew(d->c.session);
    sink_measure(d->c.sink);
    d->at_start = counts_now(d);
    d->quiet_start = quiet_now();
    d->start = d->ended = clock_ticks() + clock_cal.hz / 1000 * LEAD_MS;
}

// When the next frame begins to count, or UINT64_MAX: not yet.
static uint64_t due_at(struct drive *d, uint64_t now)
{
    if (d->first == SIZE_MAX)
        return now;
    if (d->c.due) {
        uint64_t at = d->start + (d->c.due[d->next] - d->c.due[d->first]);
        return at <= now ? at : UINT64_MAX;
    }
    if (d->c.pace->mode == PACE_CLOSED) {
        if (!d->settled) {
            if (sink_outstanding(d->c.sink))
                return UINT64_MAX;
            d->settled = true;
            d->not_before = now + clock_cal.hz / 1000 * d->c.pace->think_ns / 1000000;
        }
        if (now < d->not_before)
            return UINT64_MAX;
    }
    return now >= d->start ? now : UINT64_MAX;
}

// How many frames before this one were not done when it was due.
static uint32_t behind(struct drive *d, uint64_t due)
{
    if (!d->c.due)
        return 0;
    while (d->unfinished < d->next && d->c.done[d->unfinished] <= due)
        d->unfinished++;
    uint64_t n = d->next - d->unfinished;
    if (n > d->behind_max)
        d->behind_max = n;
    return (uint32_t)n;
}

static void after(struct drive *d, uint64_t due)
{
    const struct frame_stamps *s = session_stamps(d->c.session);
    if (d->first != SIZE_MAX) {
        uint32_t n = behind(d, due);
        for (unsigned i = 0; i < DRIVE_WAYS; i++)
            worst_take(&d->c.worst[i], s, d->next, d->c.pass, n);
        d->ended = s->at[STAMP_DONE];
        if (d->c.done)
            d->c.done[d->next] = s->at[STAMP_DONE];
        d->settled = false;
    }
    d->idle = 0;
    if (d->c.each)
        d->c.each(d->c.each_ctx, s);
    __atomic_store_n(&d->next, d->next + 1, __ATOMIC_RELAXED);
}

static void on_port_frame(void *drive, uint64_t ts_ns, const uint8_t *data, size_t caplen, size_t wirelen)
{
    struct drive *d = drive;
    if (d->next == d->c.load->n || *d->c.stop)
        return; // the rest of a burst
    if (d->next == d->c.warmup && d->first == SIZE_MAX) {
        begin_measuring(d);
        d->start = d->polled = clock_ticks(); // no schedule to wait for
    }
    session_arrived(d->c.session, d->polled);
    d->port_cb(d->port_ctx, ts_ns, data, caplen, wirelen);
    after(d, d->polled);
}

static size_t poll_port(struct drive *d, live_frame *cb, void *cb_ctx)
{
    d->port_cb = cb;
    d->port_ctx = cb_ctx;
    d->polled = clock_ticks();
    size_t n = d->c.port->poll(d->c.port->ctx, on_port_frame, d);
    if (d->next == d->c.load->n)
        d->quiet_end = quiet_now();
    return n;
}

// Before the next frame. False: it has to wait for what the session had been told in the run that is
// repeated; not for replies to orders that there are none of, since the two runs have parted.
static bool moment(struct drive *d)
{
    struct drive_moment *m = d->c.moment ? &d->c.moment[d->next] : NULL;
    uint64_t replies = m ? sink_replies(d->c.sink) : 0;
    if (!m)
        return true;
    if (!d->c.repeat) {
        *m = (struct drive_moment){(uint32_t)replies, d->idle};
        return true;
    }
    sink_let(d->c.sink, m->replies);
    return (replies >= m->replies || !sink_outstanding(d->c.sink)) && d->idle >= m->idle;
}

size_t drive_poll(void *drive, live_frame *cb, void *cb_ctx)
{
    struct drive *d = drive;
    const struct load *l = d->c.load;
    size_t n = 0;
    if (d->c.port)
        return poll_port(d, cb, cb_ctx);
    if (d->next == d->c.warmup && d->first == SIZE_MAX)
        begin_measuring(d);
    while (n < DRIVE_BURST && d->next < l->n && !*d->c.stop) {
        const struct load_frame *f = &l->frame[d->next];
        uint64_t was = session_stamps(d->c.session)->at[STAMP_DONE], due = due_at(d, clock_ticks());
        if (due == UINT64_MAX || !moment(d))
            break;
        session_arrived(d->c.session, due);
        cb(cb_ctx, f->ts_ns, l->bytes + f->at, f->caplen, f->wirelen);
        if (session_stamps(d->c.session)->at[STAMP_DONE] == was)
            break; // the loop has not taken it: it ends
        n++;
        after(d, due);
        if (d->next == d->c.warmup || (!f->hit && sink_give_back(d->c.sink)))
            break; // the reply comes before the next message
        if (d->c.pace->mode == PACE_CLOSED)
            break;
    }
    d->idle += n == 0 && d->idle < DRIVE_IDLE_MOST;
    if (d->next == l->n) {
        sink_let(d->c.sink, UINT64_MAX);
        d->quiet_end = quiet_now(); // what follows waits for replies, asleep
    }
    return n;
}

void drive_end(const struct drive *d, struct drive_result *out)
{
    memset(out, 0, sizeof *out);
    if (d->first == SIZE_MAX || d->next == d->first)
        return;
    const struct drive_counts now = counts_now(d), *was = &d->at_start;
    const struct drive_quiet q = d->next == d->c.load->n ? d->quiet_end : quiet_now();
    out->counts = (struct drive_counts){.frames = now.frames - was->frames,
                                        .groups = now.groups - was->groups,
                                        .ticks = now.ticks - was->ticks,
                                        .flags = now.flags - was->flags,
                                        .early = now.early - was->early,
                                        .orders = now.orders - was->orders,
                                        .ready = now.ready - was->ready,
                                        .cold = now.cold - was->cold,
                                        .replies = now.replies - was->replies,
                                        .bands = now.bands - was->bands,
                                        .boxes_foreground = now.boxes_foreground - was->boxes_foreground};
    out->quiet = (struct drive_quiet){.minor_faults = q.minor_faults - d->quiet_start.minor_faults,
                                      .major_faults = q.major_faults - d->quiet_start.major_faults,
                                      .switches_wanted = q.switches_wanted - d->quiet_start.switches_wanted,
                                      .switches_forced = q.switches_forced - d->quiet_start.switches_forced};
    out->elapsed_ns = d->ended > d->start ? clock_ns(d->ended - d->start) : 0;
    if (d->c.due) {
        out->offered_ns = clock_ns(d->c.due[d->next - 1] - d->c.due[d->first]);
        out->backlog_max = d->behind_max + 1;
    }
}
