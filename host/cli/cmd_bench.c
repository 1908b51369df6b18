// SPDX-License-Identifier: Apache-2.0
// tripline bench: plays a load through the production loop and says how long what took. Loads, accounts and
// journals are made before anything is measured; what is measured is host/bench's.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "accounts/book.h"
#include "base/clock.h"
#include "cli/bench_inside.h"
#include "cli/cli.h"
#include "cli/same_file.h"

enum {
    WARMUP_LEAST = 1000,
    WARMUP_SHARE = 10,
    COMMAND = 1024,
    SUPER_TMPFS = 0x01021994,
    SUPER_RAMFS = (int)0x858458f6
};

volatile sig_atomic_t bench_stop;
static volatile sig_atomic_t asked; // by a signal

static struct bench *volatile preparing; // a load or accounts are being made: there is nothing to report yet

static void on_stop(int sig)
{
    (void)sig;
    if (preparing) {
        static const char said[] = "tripline bench: interrupted before anything was measured\n";
        if (preparing->own_dir)
            (void)rmdir(preparing->dir);
        ssize_t n = write(STDERR_FILENO, said, sizeof said - 1);
        (void)n;
        _exit(1);
    }
    asked = 1;
    bench_stop = 1;
}

// ---- where journals go

static void say_journal(struct bench *b)
{
    char *text = b->result.journal;
    const size_t room = sizeof b->result.journal;
    struct statfs fs;
    if (!b->dir[0]) {
        (void)snprintf(text, room, "none: a log that keeps nothing");
        machine_note(&b->result.machine,
                     "no journal: nothing is written, and orders count as durable at once");
        return;
    }
    bool memory =
        statfs(b->dir, &fs) == 0 && ((long)fs.f_type == SUPER_TMPFS || (int)fs.f_type == SUPER_RAMFS);
    (void)snprintf(text, room, "%s, %s", b->own_dir ? "a file, removed afterwards" : "a file",
                   memory ? "in memory (tmpfs): nothing reaches a disk" : "on a disk, as in a live run");
    if (memory)
        machine_note(&b->result.machine, "journal in memory (tmpfs): nothing reaches a disk");
}

static int make_dir(struct bench *b, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    if (b->o.no_journal)
        return 0;
    if (b->o.dir) {
        if (strlen(b->o.dir) >= sizeof b->dir)
            return err_set(e, "%s: path too long", b->o.dir);
        (void)snprintf(b->dir, sizeof b->dir, "%s", b->o.dir);
        return mkdir(b->dir, 0777) == 0 || errno == EEXIST ? 0
                                                           : err_set(e, "%s: %s", b->o.dir, strerror(errno));
    }
    tmp = tmp && tmp[0] ? tmp : "/tmp";
    int n = snprintf(b->dir, sizeof b->dir, "%s/tripline-bench-XXXXXX", tmp);
    if (n < 0 || (size_t)n >= sizeof b->dir) {
        b->dir[0] = 0;
        return err_set(e, "TMPDIR: path too long (%.40s...); name another folder with it or --dir", tmp);
    }
    if (!mkdtemp(b->dir)) {
        err_set(e, "%s: %s; name a folder with TMPDIR or --dir", b->dir, strerror(errno));
        b->dir[0] = 0;
        return -1;
    }
    b->own_dir = true;
    return 0;
}

// ---- before

// Before hours of work. What a file holds from before stays until there is something to take its place.
static int open_output(const char *path, FILE **f, struct err *e)
{
    if (!path)
        return 0;
    *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "ae");
    return *f ? 0 : err_set(e, "%s: %s", path, strerror(errno));
}

static int open_outputs(struct bench *b, struct err *e)
{
    const char *json = b->o.json, *log = b->o.histograms;
    if (open_output(json, &b->json, e) != 0 || open_output(log, &b->histograms, e) != 0)
        return -1;
    if (json && log && (b->json == b->histograms || same_file(json, log)))
        return err_set(e, "%s: both for --json and --histograms: name another file for one of them", json);
    return 0;
}

static int empty_output(FILE *f, const char *path, struct err *e)
{
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode) || f == stdout)
        return 0;
    return ftruncate(fileno(f), 0) == 0 ? 0 : err_set(e, "%s: %s", path, strerror(errno));
}

static int settle_warmup(struct bench *b, struct err *e)
{
    const struct load *l = &b->load;
    uint64_t n = b->o.warmup;
    if (n == UINT64_MAX) {
        n = l->n / WARMUP_SHARE > WARMUP_LEAST ? l->n / WARMUP_SHARE : WARMUP_LEAST;
        if (n > l->n / 2)
            n = l->n / 2; // a short load: half of it
    }
    if (n < l->prologue)
        n = l->prologue; // which sets the stage
    if (n >= l->n)
        return err_set(e,
                       "all %zu frames are warm-up: nothing is left to be measured; give --warmup less, or a "
                       "longer load",
                       l->n);
    b->warmup = n;
    return 0;
}

static int make_plans(struct bench *b, struct err *e)
{
    b->due = calloc(b->load.n, sizeof *b->due);
    b->done = calloc(b->load.n, sizeof *b->done);
    if (!b->due || !b->done)
        return err_set(e, "out of memory for the times of %zu frames", b->load.n);
    memset(b->done, 1, b->load.n * sizeof *b->done); // touched, so that no page is missing later
    return 0;
}

static int prepare(struct bench *b, struct err *e)
{
    struct bench_result *r = &b->result;
    if (open_outputs(b, e) != 0)
        return -1;
    clock_init();
    b->began = clock_drift_begin();
    machine_read(cli_version, &r->machine);
    r->spread = clock_spread();
    r->read_ns = clock_read_ns();
    if (place_choose(&b->place, &r->machine, b->o.cpu, e) != 0 || place_others(&b->place, e) != 0)
        return -1;
    r->hot_cpu = b->place.hot;
    r->others = b->place.others;
    r->title = b->o.title;
    r->load = &b->load;
    r->device.simulated = strstr(b->o.device.backend, "sim") != NULL;
    r->run = calloc(b->o.n_runs, sizeof *r->run);
    if (!r->run)
        return err_set(e, "out of memory for %zu runs", b->o.n_runs);
    if (make_dir(b, e) != 0)
        return -1;
    say_journal(b);
    if (bench_load(b, e) != 0 || settle_warmup(b, e) != 0 || make_plans(b, e) != 0 ||
        (b->o.kind == LOAD_T0 && bench_book(b, e) != 0))
        return -1;
    preparing = NULL; // from here on a signal is looked at
    if (bench_port_open(b, e) != 0)
        return -1;
    return b->o.timeline ? bench_timeline_open(b, e) : 0;
}

// ---- the runs

static const char *grouped(double v, char *buf, size_t size)
{
    uint64_t n = (uint64_t)v;
    if (n >= 1000000)
        (void)snprintf(buf, size, "%" PRIu64 ",%03" PRIu64 ",%03" PRIu64, n / 1000000, n / 1000 % 1000,
                       n % 1000);
    else if (n >= 1000)
        (void)snprintf(buf, size, "%" PRIu64 ",%03" PRIu64, n / 1000, n % 1000);
    else
        (void)snprintf(buf, size, "%" PRIu64, n);
    return buf;
}

static void name_run(const struct bench *b, struct bench_run *r)
{
    char n[32];
    const struct pace_config *p = &r->pace;
    const char *d = b->o.device.backend;
    switch (p->mode) {
    case PACE_RATE:
        (void)snprintf(r->name, sizeof r->name, "%.40s, %s frames a second%s", d,
                       grouped(p->rate_pps, n, sizeof n), p->poisson ? ", Poisson" : "");
        break;
    case PACE_RECORDED:
        (void)snprintf(r->name, sizeof r->name, "%.40s, as recorded, x %g", d, p->times);
        break;
    case PACE_MAX:
        (void)snprintf(r->name, sizeof r->name, "%.40s, as fast as it goes", d);
        break;
    case PACE_CLOSED:
        (void)snprintf(r->name, sizeof r->name, "%.40s, closed loop", d);
        break;
    }
}

static bool shown(const struct bench *b)
{
    return !b->o.quiet && isatty(STDERR_FILENO);
}

static void progress(void *ctx, uint64_t frames)
{
    const struct bench *b = ctx;
    uint64_t all = b->frames_before + frames;
    fprintf(stderr, "\rbench: %s  %" PRIu64 " of %" PRIu64 " frames (%.0f %%)  ", b->running, all,
            b->frames_all, 100.0 * (double)all / (double)b->frames_all);
}

bool bench_asked(void)
{
    return asked != 0;
}

int bench_pass(struct bench *b, struct bench_run *r, struct pass_config *c, const char *name,
               uint64_t frames_before, struct err *e)
{
    char path[BENCH_PATH + 64];
    if (bench_book(b, e) != 0) {
        r->interrupted = asked; // what was measured before is reported
        return asked ? 0 : -1;
    }
    (void)snprintf(path, sizeof path, "%s/journal-%s", b->dir, name);
    c->load = &b->load;
    c->due = pace_open_loop(r->pace.mode) ? b->due : NULL;
    c->done = b->done;
    c->book = &b->book;
    c->session = &b->o.config;
    c->device = &b->o.device;
    c->journal = b->dir[0] ? path : NULL;
    c->place = &b->place;
    c->spin = !b->o.no_spin && b->place.alone;
    c->port = b->ports ? &b->port : NULL;
    c->stop = &bench_stop;
    c->progress = shown(b) ? progress : NULL;
    c->progress_ctx = b;
    b->frames_before = frames_before;
    b->running = r->name;
    // What is said of device and book is the measured one's.
    int rc = pass_run(c, c->opened ? NULL : &b->result, r, e);
    if (b->own_dir)
        (void)unlink(path);
    if (shown(b))
        fputs("\r\033[K", stderr);
    return rc;
}

static int play_pass(struct bench *b, size_t run, unsigned pass, struct err *e)
{
    char name[64];
    struct pass_config c = {.pass = pass};
    if (b->timeline && run == 0 && pass == 0)
        bench_timeline_measured(b, &c);
    (void)snprintf(name, sizeof name, "%zu-%u", run + 1, pass + 1);
    return bench_pass(b, &b->result.run[run], &c, name, (uint64_t)pass * b->load.n, e);
}

static int play_run(struct bench *b, size_t i, struct err *e)
{
    struct bench_run *r = &b->result.run[i];
    bench_run_begin(r, &b->o.pace[i], b->warmup, (size_t)b->o.worst);
    name_run(b, r);
    pace_plan(&r->pace, &b->load, b->due);
    b->frames_all = (uint64_t)b->load.n * b->o.passes;
    b->result.n_runs = i + 1;
    int rc = 0;
    for (unsigned pass = 0; rc == 0 && !bench_stop && pass < b->o.passes; pass++)
        rc = play_pass(b, i, pass, e);
    return rc;
}

// ---- after

// The options as they were given; of paths the last part only.
static void tell_command(int argc, char **argv, char *out, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < argc && n < size; i++) {
        const char *equals = strncmp(argv[i], "--", 2) == 0 ? strchr(argv[i], '=') : NULL;
        const char *value = equals ? equals + 1 : argv[i], *slash = strrchr(value, '/');
        int k = snprintf(out + n, size - n, "%s%.*s%s", i ? " " : "", (int)(value - argv[i]), argv[i],
                         slash ? slash + 1 : value);
        n += k > 0 ? (size_t)k : 0;
    }
}

static int close_output(FILE *f, const char *path, struct err *e)
{
    if (!f || f == stdout)
        return 0;
    return fclose(f) == 0 ? 0 : err_set(e, "%s: %s", path, strerror(errno));
}

static int write_results(struct bench *b, struct err *e)
{
    struct bench_result *r = &b->result;
    time_t now = time(NULL);
    struct tm t;
    (void)strftime(r->made, sizeof r->made, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &t));
    r->interrupted = asked;
    r->drift = clock_drift_end(&b->began);
    if (bench_finish(r, e) != 0)
        return -1;
    if (empty_output(b->json, b->o.json, e) != 0 || empty_output(b->histograms, b->o.histograms, e) != 0)
        return -1;
    if (b->json != stdout && b->histograms != stdout) {
        result_text(r, stdout);
        if (fflush(stdout) != 0 || ferror(stdout))
            return err_set(e, "standard output: writing failed: %s", strerror(errno));
    }
    if (b->json && result_json(r, b->json, e) != 0)
        return -1;
    return b->histograms ? result_histograms(r, b->histograms, e) : 0;
}

static int close_all(struct bench *b, struct err *e)
{
    int rc = close_output(b->json, b->o.json, e);
    bench_port_close(b);
    if (close_output(b->histograms, b->o.histograms, e) != 0)
        rc = -1;
    if (b->own_dir)
        (void)rmdir(b->dir);
    bench_timeline_close(b);
    packets_free(&b->result.packets);
    free(b->result.run);
    free(b->due);
    free(b->done);
    free(b->policy);
    if (b->has_book)
        book_free(&b->book);
    load_free(&b->load);
    return rc;
}

int cmd_bench(int argc, char **argv)
{
    static struct bench b;
    static char command[COMMAND];
    struct err e = {{0}};
    tell_command(argc, argv, command, sizeof command); // parsing cuts arguments up
    int rc = bench_options_parse(argc, argv, &b.o);
    if (rc)
        return rc == 1 ? 0 : rc;
    struct sigaction sa = {.sa_handler = on_stop};
    preparing = &b;
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    b.result.command = command;
    bool ok = prepare(&b, &e) == 0;
    for (size_t i = 0; ok && !bench_stop && i < b.o.n_runs; i++)
        ok = play_run(&b, i, &e) == 0;
    if (ok && b.timeline && !bench_stop)
        ok = bench_timeline_play(&b, &e) == 0;
    if (ok && !b.result.n_runs)
        ok = err_set(&e, "interrupted before anything was measured") == 0;
    else if (ok)
        ok = write_results(&b, &e) == 0;
    if (ok && asked)
        ok = err_set(&e, "interrupted: what was measured until then is above") == 0;
    else if (ok && !bench_hits_hold(&b.result))
        ok = err_set(&e, "a hit without exactly one order") == 0;
    else if (ok && b.timeline)
        ok = bench_timeline_holds(&b, &e) == 0;
    struct err why = {{0}};
    if (close_all(&b, &why) != 0 && ok) {
        ok = false;
        e = why;
    }
    if (!ok)
        fprintf(stderr, "tripline bench: %s\n", e.msg);
    return ok ? 0 : b.bad_policy ? 2 : 1;
}
