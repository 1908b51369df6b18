// SPDX-License-Identifier: Apache-2.0
#include "bench/pass.h"

#include <string.h>

#include "base/resident.h"
#include "exec/kill.h"

struct pass {
    const struct pass_config *c;
    struct journal *journal;
    struct sink *sink;
    struct device *device; // its own, to be closed; NULL: the caller's is used
    struct device *used;
    struct session *session;
    struct kill_switch *kill;
    struct drive drive;
};

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    struct pass *p = ctx;
    if (!p->journal)
        return 1;
    uint64_t lsn = journal_put2(p->journal, type, a, na, b, nb);
    if (lsn == 0)
        *p->c->stop = 1; // reported when it is closed
    return lsn;
}

static uint64_t durable(void *ctx)
{
    return journal_durable(ctx);
}

static void tend(void *ctx)
{
    struct pass *p = ctx;
    p->c->progress(p->c->progress_ctx, __atomic_load_n(&p->drive.next, __ATOMIC_RELAXED));
}

static bool kill_wanted(void *ctx)
{
    return kill_on(ctx);
}

static int open_all(struct pass *p, struct err *e)
{
    const struct pass_config *c = p->c;
    const struct session_log log = {p, put};
    if (c->journal && journal_open(c->journal, false, &p->journal, e) != 0)
        return -1;
    const struct sink_config sc = {.book = c->book,
                                   .give_back = c->load->kind == LOAD_T0,
                                   .load = c->load->kind == LOAD_T0 ? c->load : NULL,
                                   .durable = c->journal ? durable : NULL,
                                   .durable_ctx = p->journal,
                                   .spin = c->spin,
                                   .tend = c->progress ? tend : NULL,
                                   .tend_ctx = p};
    p->sink = sink_open(&sc, e);
    if (!p->sink || (!c->opened && device_open(c->device, &p->device, e) != 0))
        return -1;
    p->used = c->opened ? c->opened : p->device;
    p->session = session_new(c->session, c->book, p->used, sink_gateway(p->sink), &log, false, e);
    p->kill =
        p->session ? kill_open(NULL, e) : NULL; // by signals; looked at before each frame as in a live run
    if (!p->kill || session_begin(p->session, e) != 0 || (p->journal && journal_sync(p->journal, e) != 0))
        return -1;
    return 0;
}

// From here on the hot thread faults no more.
static void settle_memory(const struct pass *p)
{
    switch (resident_now()) {
    case RESIDENT_LOCKED:
        break;
    case RESIDENT_TOUCHED:
        machine_note(p->c->place->m, "memory is not locked (limit): the system may take pages back");
        break;
    case RESIDENT_NOT:
        machine_note(p->c->place->m, "memory is neither locked nor brought in (kernel): expect page faults");
        break;
    }
}

static void describe(const struct pass *p, struct bench_result *b)
{
    const struct device_info *i = &p->used->info;
    struct engine_tiers t;
    (void)snprintf(b->device.backend, sizeof b->device.backend, "%s", p->c->device->backend);
    (void)snprintf(b->device.isa, sizeof b->device.isa, "%s", i->isa ? i->isa : "");
    b->device.threads = p->c->device->threads ? p->c->device->threads : 1;
    b->device.lanes = i->lanes;
    b->device.slots = i->slots;
    b->device.assets = i->assets;
    b->device.cycles = i->cycles;
    b->device.clock_mhz = i->cycles ? i->card.clock_mhz : 0;
    engine_tiers(session_engine(p->session), &t);
    b->book.accounts = p->c->book->n_accounts;
    b->book.boxed = t.boxed;
    b->book.hot_rows = t.rows_used;
    b->book.hot_accounts =
        t.boxed ? t.device : p->c->book->n_accounts - engine_unplaced(session_engine(p->session));
}

static void add_counts(struct drive_counts *to, const struct drive_counts *from)
{
    to->frames += from->frames;
    to->groups += from->groups;
    to->ticks += from->ticks;
    to->flags += from->flags;
    to->early += from->early;
    to->orders += from->orders;
    to->ready += from->ready;
    to->cold += from->cold;
    to->replies += from->replies;
    to->bands += from->bands;
    to->boxes_foreground += from->boxes_foreground;
}

static void add_quiet(struct drive_quiet *to, const struct drive_quiet *from)
{
    to->minor_faults += from->minor_faults;
    to->major_faults += from->major_faults;
    to->switches_wanted += from->switches_wanted;
    to->switches_forced += from->switches_forced;
}

static void add(const struct pass *p, struct bench_run *r)
{
    struct drive_result d;
    struct sink_hits h = {0};
    drive_end(&p->drive, &d);
    add_counts(&r->counts, &d.counts);
    add_quiet(&r->quiet, &d.quiet);
    r->passes++;
    r->elapsed_ns += d.elapsed_ns;
    r->offered_ns += d.offered_ns;
    r->offered += d.counts.frames ? d.counts.frames - 1 : 0;
    if (d.backlog_max > r->backlog_max)
        r->backlog_max = d.backlog_max;
    r->waited += sink_waited(p->sink);
    if (p->journal)
        r->waits += journal_full_waits(p->journal);
    if (p->drive.first == SIZE_MAX)
        return; // nothing but warm-up
    sink_hits(p->sink, p->drive.first, p->drive.next, &h);
    r->hits.hits += h.hits;
    r->hits.matched += h.matched;
    r->hits.missed += h.missed;
    r->hits.extra += h.extra;
    for (int i = 0; i < STAGE_COUNT; i++)
        hist_merge(&r->stage[i], session_stage(p->session, (enum stage)i));
    hist_merge(&r->handed, sink_handed(p->sink));
    hist_merge(&r->cycles, session_cycles(p->session));
}

static int play(struct pass *p, struct bench_result *b, struct bench_run *r, struct err *e)
{
    const struct pass_config *c = p->c;
    const struct drive_config dc = {.load = c->load,
                                    .pace = &r->pace,
                                    .due = c->due,
                                    .done = c->due ? c->done : NULL,
                                    .warmup = r->warmup,
                                    .pass = c->pass,
                                    .worst = r->worst,
                                    .session = p->session,
                                    .sink = p->sink,
                                    .moment = c->moment,
                                    .repeat = c->repeat,
                                    .each = c->each,
                                    .each_ctx = c->each_ctx,
                                    .stop = c->stop,
                                    .port = c->port};
    const struct live_config lc = {.stop = c->stop, .kill_wanted = kill_wanted, .kill_ctx = p->kill};
    const struct live_source src = {
        .ctx = &p->drive, .poll = drive_poll, .frames = c->load->n, .paced = true};
    drive_begin(&p->drive, &dc);
    if (place_hot(c->place, e) != 0)
        return -1;
    settle_memory(p);
    enum live_end end = live_run(&lc, &src, p->session, sink_gateway(p->sink), e);
    r->interrupted |= end == LIVE_STOPPED;
    if (place_others(c->place, e) != 0 || end == LIVE_FAILED)
        return -1;
    (void)put(p, J_END, NULL, 0, NULL, 0);
    if (p->journal && journal_sync(p->journal, e) != 0) // what the gateway still waits for
        return -1;
    sink_stop(p->sink);
    if (b)
        describe(p, b);
    add(p, r);
    return 0;
}

int pass_run(const struct pass_config *c, struct bench_result *b, struct bench_run *r, struct err *e)
{
    static struct pass p;
    memset(&p, 0, sizeof p);
    p.c = c;
    struct err why;
    int rc = place_others(c->place, e);
    if (rc == 0)
        rc = open_all(&p, e);
    if (rc == 0)
        rc = play(&p, b, r, e);
    kill_close(p.kill);
    session_free(p.session);
    device_close(p.device);
    sink_close(p.sink);
    if (journal_close(p.journal, &why) != 0 && rc == 0)
        rc = err_set(e, "%s", why.msg);
    return rc;
}
