// SPDX-License-Identifier: Apache-2.0
// tripline run: puts the pipeline together and runs it. Opens everything before the first packet, in an order
// in which each part may rely on the ones before; closes in the opposite order.
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "base/resident.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/run_inside.h"
#include "cli/session_options.h"
#include "feed/capture.h"
#include "run/summary.h"

enum { SUMMARY_LEN = 16384 };

volatile sig_atomic_t run_stop;
static void on_stop(int sig)
{
    (void)sig;
    run_stop = 1;
}

static int make_paths(struct run *r, struct err *e)
{
    const char *d = r->o.dir;
    if (mkdir(d, 0777) != 0 && errno != EEXIST)
        return err_set(e, "%s: %s", d, strerror(errno));
    int longest = snprintf(r->journal_path, RUN_PATH_LEN, "%s/journal", d);
    longest += snprintf(r->venue_db, RUN_PATH_LEN, "%s/venue.db", d);
    if (r->o.venue)
        longest += snprintf(r->socket, RUN_PATH_LEN, "%s", r->o.venue);
    else
        longest += snprintf(r->socket, RUN_PATH_LEN, "%s/venue.sock", d);
    longest += snprintf(r->ready_path, RUN_PATH_LEN, "%s/ready", d);
    longest += snprintf(r->kill_path, RUN_PATH_LEN, "%s%s", r->o.kill_file ? r->o.kill_file : d,
                        r->o.kill_file ? "" : "/kill");
    if (longest >= RUN_PATH_LEN)
        return err_set(e, "%s: path too long", d);
    size_t room = sizeof((struct sockaddr_un *)0)->sun_path;
    return strlen(r->socket) < room
               ? 0
               : err_set(e, "%s: a socket's path has at most %zu characters: use a shorter --dir, or --venue",
                         r->socket, room - 1);
}

// The policies are tried at once, before a venue is started: what is wrong in them is the user's to mend.
static int read_policies(struct run *r, struct err *e)
{
    struct session_config *c = &r->o.config;
    if (!r->o.oracle)
        return 0;
    r->bad_file = true;
    if (session_policy(r->o.oracle, &r->book.market, c, &r->policy, e) != 0)
        return -1;
    r->bad_file = false;
    return 0;
}

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    struct run *r = ctx;
    uint64_t lsn = journal_put2(r->journal, type, a, na, b, nb);
    if (lsn == 0)
        run_stop = 1; // a journal that has failed ends the run: see finish()
    return lsn;
}

static int open_session(struct run *r, struct err *e)
{
    struct device_config dc = {.backend = r->o.device,
                               .lanes = r->o.geometry.lanes,
                               .slots = r->o.geometry.slots,
                               .assets = r->o.geometry.assets,
                               .arrival = true,
                               .isa = r->o.isa,
                               .threads = r->o.threads,
                               .trace = r->o.trace,
                               .seed = r->o.seed,
                               .card = &r->o.card};
    const struct session_log log = {r, put};
    session_geometry(&dc);
    r->o.config.polled = r->o.capture == NULL;
    if ((!r->line && run_venue_gateway(r, e) != 0) || device_open(&dc, &r->device, e) != 0)
        return -1;
    r->session = session_new(&r->o.config, &r->book, r->device, r->gateway, &log, r->o.audit, e);
    if (!r->session || session_begin(r->session, e) != 0)
        return -1;
    for (size_t i = 0; i < r->past.n_accounts; i++) {
        const struct recover_account *a = &r->past.account[i];
        session_restore(r->session, a->id, a->epoch, a->revision);
    }
    if (r->past.spent_e8)
        session_spent(r->session, r->past.spent_e8);
    if (r->past.paid_e8)
        session_budget(r->session, r->past.paid_e8);
    for (size_t i = 0; i < r->past.n_stages; i++)
        if (session_restage(r->session, r->past.stage[i], STAGE_BYTES, e) != 0)
            return -1;
    for (size_t i = 0; i < r->past.n_called; i++)
        if (session_recall(r->session, r->past.called[i], CALL_BYTES, e) != 0)
            return -1;
    if (r->line ? run_chain_resumed(r, e) != 0 : run_venue_outcomes(r, e) != 0)
        return -1;
    return journal_sync(r->journal, e);
}

// For supervisors and tests: DIR/ready holds the process number while packets are being taken.
static int say_ready(const struct run *r, struct err *e)
{
    FILE *f = fopen(r->ready_path, "we");
    if (!f || fprintf(f, "%ld\n", (long)getpid()) < 0 || fclose(f) != 0)
        return err_set(e, "%s: %s", r->ready_path, strerror(errno));
    return 0;
}

static int load_accounts(struct run *r, struct err *e)
{
    struct cli_progress progress;
    cli_progress_begin(&progress, "accounts", false, &run_stop);
    int loaded = store_load_with(r->o.accounts, &r->book, r->o.quiet ? NULL : &progress.to, e);
    cli_progress_end(&progress);
    return loaded;
}

static int open_journal(struct run *r, struct err *e)
{
    r->resumed = access(r->journal_path, F_OK) == 0;
    // Opened before it is read: two runs cannot share it, its torn tail is cut, and what is read is durable.
    if (journal_open(r->journal_path, r->resumed, &r->journal, e) != 0)
        return -1;
    (void)unlink(r->ready_path); // of a run that was killed
    return r->resumed ? recover_scan(r->journal_path, &r->past, e) : 0;
}

// Accounts, journal, and where orders go. On a chain the journal comes first: what is on its way there goes
// on at once.
static int open_accounts(struct run *r, struct err *e)
{
    const bool chain = r->o.chain != NULL;
    if (chain ? open_journal(r, e) != 0 || run_chain_open(r, e) != 0 : load_accounts(r, e) != 0)
        return -1;
    if (r->book.n_accounts == 0)
        return err_set(e, "%s holds no accounts: see `tripline accounts import` or `gen`", r->o.accounts);
    if (read_policies(r, e) != 0)
        return -1;
    return chain ? 0 : open_journal(r, e) != 0 || run_venue_open(r, e) != 0 ? -1 : 0;
}

// From here on the hot thread faults no more. A run goes on without: it is only slower now and then.
static void settle_memory(const struct run *r)
{
    enum resident is = resident_now();
    if (r->o.quiet || is == RESIDENT_LOCKED)
        return;
    fputs(is == RESIDENT_TOUCHED ? "memory      not locked: the system may take pages back; allow it with "
                                   "`ulimit -l unlimited` or "
                                   "CAP_IPC_LOCK\n"
                                 : "memory      neither locked nor brought in: expect page faults while "
                                   "packets are taken; use Linux "
                                   "5.14 or later\n",
          stderr);
}

static int open_all(struct run *r, struct err *e)
{
    if (r->o.chain && run_chain_read(r, e) != 0)
        return -1;
    if (r->o.capture && capture_count(r->o.capture, &r->capture_frames, e) != 0)
        return -1;
    if (r->o.capture && r->capture_frames == 0)
        return err_set(e, "%s: no packets in it", r->o.capture);
    if (make_paths(r, e) != 0 || run_histograms_open(r, e) != 0)
        return -1;
    r->kill = kill_open(r->kill_path, e); // early: until then its signals would end the process
    if (!r->kill)
        return -1;
    if (open_accounts(r, e) != 0 || open_session(r, e) != 0)
        return -1;
    if (run_ports_open(&r->o.ports, r->o.capture, r->o.eal, r->o.seed, &r->book.market, r->session, &r->ports,
                       e) != 0)
        return -1;
    if (!r->o.quiet && run_progress_open(&r->progress, r->capture_frames, e) != 0)
        return -1;
    settle_memory(r);
    return say_ready(r, e);
}

static size_t poll_ports(void *ctx, live_frame *cb, void *cb_ctx)
{
    return ports_poll(ctx, cb, cb_ctx);
}

static uint64_t ports_read(void *ctx)
{
    return ports_read_until(ctx);
}

static bool kill_wanted(void *ctx)
{
    return kill_on(ctx);
}

static void tend(void *ctx)
{
    struct run *r = ctx;
    run_ports_tend(r->ports);
    if (r->line)
        run_chain_tend(r);
}

// The summary, for the terminal and the journal, and whether all is well.
static bool finish(struct run *r, enum live_end end, struct err *e)
{
    static char text[SUMMARY_LEN];
    char source[512], clock[128];
    struct err why;
    (void)snprintf(source, sizeof source, "%s%s%s", ports_describe(run_ports_ports(r->ports)),
                   r->o.capture ? ", " : "", r->o.capture ? r->o.capture : "");
    struct ports_stats lost;
    ports_stats(run_ports_ports(r->ports), &lost);
    const struct summary_input in = {.port_missed = lost.missed,
                                     .port_errors = lost.errors,
                                     .port_no_buffer = lost.no_mbuf,
                                     .port_bad_sums = lost.bad_sums,
                                     .session = r->session,
                                     .desk = session_desk(r->session),
                                     .device = r->device,
                                     .gateway = r->gateway,
                                     .chain = r->line,
                                     .market = &r->book.market,
                                     .source = source,
                                     .clock = clock_describe(clock, sizeof clock),
                                     .interrupted = end == LIVE_STOPPED};
    size_t n = summary_text(&in, text, sizeof text);
    if (!r->o.quiet && isatty(STDERR_FILENO))
        fputs("\n", stderr);
    fputs(text, stdout);
    (void)put(r, J_NOTE, text, n, NULL, 0);
    if (end != LIVE_FAILED)
        (void)put(r, J_END, NULL, 0, NULL, 0);
    if (journal_failed(r->journal, &why)) {
        err_set(e, "journal: %.400s", why.msg);
        return false;
    }
    if (r->line && !run_chain_end(r, e))
        return false;
    if (end != LIVE_FAILED && !summary_holds(&in))
        err_set(e, "the audit does not hold%s", summary_judged(&in) ? "" : ": nothing was evaluated");
    return end != LIVE_FAILED && summary_holds(&in);
}

static bool close_all(struct run *r, struct err *e)
{
    bool ok = true;
    run_progress_close(&r->progress);
    if (r->journal)
        (void)unlink(r->ready_path); // without the journal the directory is somebody else's
    run_ports_close(r->ports);
    ok = run_histograms_close(r, e) == 0;
    session_free(r->session); // may still take ready orders back from the gateway
    device_close(r->device);
    if (r->o.chain)
        run_chain_close(r);
    else
        gateway_close(r->gateway);
    if (r->journal)
        ok &= journal_close(r->journal, e) == 0;
    run_venue_close(r);
    recover_free(&r->past);
    book_free(&r->book);
    free(r->policy);
    kill_close(r->kill);
    return ok;
}

int cmd_run(int argc, char **argv)
{
    static struct run r;
    struct err e = {{0}};
    int rc = run_options_parse(argc, argv, &r.o);
    if (rc)
        return rc == 1 ? 0 : rc;
    struct sigaction sa = {.sa_handler = on_stop};
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    clock_init();
    bool ok = open_all(&r, &e) == 0;
    if (ok) {
        const struct live_source src = {.ctx = run_ports_ports(r.ports),
                                        .poll = poll_ports,
                                        .read_until = ports_read,
                                        .frames = r.capture_frames};
        const struct live_config lc = {.lockstep = r.o.lockstep,
                                       .max_frames = r.o.max_frames,
                                       .max_ns = r.o.max_seconds * 1000000000u,
                                       .idle_ns = 100000000,
                                       .stop = &run_stop,
                                       .kill_wanted = kill_wanted,
                                       .kill_ctx = r.kill,
                                       .tend = tend,
                                       .tend_ctx = &r,
                                       .progress = run_progress,
                                       .progress_ctx = &r};
        enum live_end end = live_run(&lc, &src, r.session, r.gateway, &e);
        run_progress_close(&r.progress);
        ok = finish(&r, end, &e);
    }
    struct err close_err = {{0}};
    if (!close_all(&r, &close_err) && ok) {
        e = close_err;
        ok = false;
    }
    if (!ok)
        fprintf(stderr, "tripline run: %s\n", e.msg);
    return ok ? 0 : r.bad_file ? 2 : 1;
}
