// SPDX-License-Identifier: Apache-2.0
// The line that says how far a run is, on standard error: written by a thread of its own, as a terminal may
// take any time over it. The hot thread leaves numbers here, four times a second.
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "cli/run_inside.h"

enum { STEP_MS = 250, LINE_STEPS = 20 };

static void show(const struct run_progress *p, const struct timespec *since, bool terminal)
{
    struct timespec now;
    uint64_t frames = atomic_load_explicit(&p->frames, memory_order_relaxed);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    double s = (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) * 1e-9;
    fprintf(stderr, "%s%6.1f s  %" PRIu64 " packets", terminal ? "\r" : "", s, frames);
    if (p->frames_in_all)
        fprintf(stderr, " (%.0f %%)", 100.0 * (double)frames / (double)p->frames_in_all);
    fprintf(stderr, "  %" PRIu64 " ticks  %" PRIu64 " flags  %" PRIu64 " orders%s",
            atomic_load_explicit(&p->ticks, memory_order_relaxed),
            atomic_load_explicit(&p->flags, memory_order_relaxed),
            atomic_load_explicit(&p->orders, memory_order_relaxed), terminal ? "  " : "\n");
}

// A line each step on a terminal, elsewhere now and then.
static void *show_all(void *arg)
{
    struct run_progress *p = arg;
    struct timespec since, until;
    bool terminal = isatty(STDERR_FILENO) == 1, ended = false;
    (void)clock_gettime(CLOCK_MONOTONIC, &since);
    for (unsigned step = 1; !ended; step++) {
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += STEP_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        ended = sem_timedwait(&p->end, &until) == 0;
        if (terminal || (step % LINE_STEPS == 0 && !ended))
            show(p, &since, terminal);
    }
    return NULL;
}

int run_progress_open(struct run_progress *p, uint64_t frames_in_all, struct err *e)
{
    sigset_t all, was;
    p->frames_in_all = frames_in_all;
    (void)sem_init(&p->end, 0, 0);
    sigfillset(&all); // signals are the main thread's business
    (void)pthread_sigmask(SIG_SETMASK, &all, &was);
    int rc = pthread_create(&p->thread, NULL, show_all, p);
    (void)pthread_sigmask(SIG_SETMASK, &was, NULL);
    p->open = rc == 0;
    return p->open ? 0
                   : err_set(e, "cannot start the thread that shows progress; check the limit on processes");
}

void run_progress(void *run, uint64_t frames)
{
    struct run *r = run;
    const struct engine_counters *g = engine_counters(session_engine(r->session));
    const struct desk_counters *d = desk_counters(session_desk(r->session));
    struct run_progress *p = &r->progress;
    atomic_store_explicit(&p->frames, frames, memory_order_relaxed);
    atomic_store_explicit(&p->ticks, g->ticks, memory_order_relaxed);
    atomic_store_explicit(&p->flags, g->flags[LEVEL_LIQUIDATE], memory_order_relaxed);
    atomic_store_explicit(&p->orders, d->answer[DESK_SENT], memory_order_relaxed);
}

void run_progress_close(struct run_progress *p)
{
    if (!p->open)
        return;
    (void)sem_post(&p->end);
    (void)pthread_join(p->thread, NULL);
    (void)sem_destroy(&p->end);
    p->open = false;
}
