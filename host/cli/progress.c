// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { PERCENT = 100 };
static const uint64_t SECOND = 1000000000, FIRST_NS = SECOND, TERMINAL_NS = SECOND / 4, LINE_NS = 5 * SECOND;

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

static void show(struct cli_progress *p, uint64_t now, uint64_t accounts, uint64_t done, uint64_t total)
{
    uint64_t ms = (now - p->phase_ns) / 1000000;
    uint64_t rate = ms ? (accounts - p->phase_accounts) * 1000 / ms : 0;
    fprintf(stderr, "%s%s: %s, %" PRIu64 " accounts", p->terminal ? "\r" : "", p->label, p->what, accounts);
    if (total)
        fprintf(stderr, ", %" PRIu64 " %%",
                done >= total ? PERCENT : (uint64_t)((double)done * PERCENT / (double)total));
    fprintf(stderr, ", %" PRIu64 " a second%s", rate, p->terminal ? "   " : "\n");
    (void)fflush(stderr);
    p->shown = true;
    p->shown_ns = now;
}

static int step(void *ctx, const char *what, uint64_t accounts, uint64_t done, uint64_t total)
{
    struct cli_progress *p = ctx;
    uint64_t now = clock_system_ns();
    if (!p->what || what != p->what) {
        p->what = what;
        p->phase_ns = now;
        p->phase_accounts = accounts;
    }
    uint64_t wait = !p->shown ? FIRST_NS : p->terminal ? TERMINAL_NS : LINE_NS;
    if (p->wanted && now - p->shown_ns >= wait)
        show(p, now, accounts, done, total);
    return *p->stop ? -1 : 0;
}

void cli_progress_begin(struct cli_progress *p, const char *label, bool always,
                        const volatile sig_atomic_t *stop)
{
    uint64_t now = clock_system_ns();
    bool terminal = isatty(STDERR_FILENO) == 1;
    *p = (struct cli_progress){.to = {step, p},
                               .label = label,
                               .stop = stop ? stop : &interrupted,
                               .shown_ns = now,
                               .wanted = always || terminal,
                               .terminal = terminal,
                               .handles = !stop};
    if (!p->handles)
        return;
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    interrupted = 0;
    (void)sigaction(SIGINT, &sa, &p->on_int);
    (void)sigaction(SIGTERM, &sa, &p->on_term);
}

void cli_progress_end(struct cli_progress *p)
{
    if (p->shown && p->terminal)
        fputs("\r\033[K", stderr);
    if (!p->handles)
        return;
    (void)sigaction(SIGINT, &p->on_int, NULL);
    (void)sigaction(SIGTERM, &p->on_term, NULL);
}
