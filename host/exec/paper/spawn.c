// SPDX-License-Identifier: Apache-2.0
// Keeper of the venue's process. Its thread does the forking, because the death signal follows the thread
// that forked, and it lives until venue_close.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "exec/paper/client.h"
#include "exec/paper/paper.h"

enum { STEP_MS = 5, BACKOFF_MIN_MS = 10, BACKOFF_MAX_MS = 200, LIVED_MS = 2000, TERM_MS = 5000 };

struct venue_process {
    char **argv;
    pthread_t thread;
    int stop;          // atomic
    long pid;          // atomic
    uint64_t restarts; // atomic
};

static void sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

// Until it becomes the venue, the child runs in this process's memory: only what is safe there. A fork would
// write-protect all of that memory, and the hot thread would fault on each page it next writes.
static pid_t start_child(char **argv)
{
    pid_t parent = getpid();
    pid_t pid = vfork();
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);      // the parent died before the death signal was set
    (void)setpgid(0, 0); // a terminal's interrupt ends the caller, which then ends the venue in order
    static const int handled[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++)
        (void)signal(handled[i], SIG_DFL); // the caller's handlers would write to its memory
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    _exit(127);
}

static bool stopping(const struct venue_process *p)
{
    return __atomic_load_n(&p->stop, __ATOMIC_ACQUIRE);
}

// Waits for the child's end; when asked to stop, ends it.
static void watch_child(struct venue_process *p, pid_t pid)
{
    int since_term = -1;
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (stopping(p)) {
            if (since_term < 0) {
                (void)kill(pid, SIGTERM);
                since_term = 0;
            } else if ((since_term += STEP_MS) > TERM_MS) {
                (void)kill(pid, SIGKILL);
            }
        }
        sleep_ms(STEP_MS);
    }
}

static void *keep(void *arg)
{
    struct venue_process *p = arg;
    int backoff = BACKOFF_MIN_MS;
    (void)prctl(PR_SET_NAME, "venue-keeper");
    for (bool first = true; !stopping(p); first = false) {
        struct timespec a, b;
        (void)clock_gettime(CLOCK_MONOTONIC, &a);
        pid_t pid = start_child(p->argv);
        if (pid > 0) {
            if (!first)
                (void)__atomic_fetch_add(&p->restarts, 1, __ATOMIC_RELAXED);
            __atomic_store_n(&p->pid, (long)pid, __ATOMIC_RELEASE);
            watch_child(p, pid);
            __atomic_store_n(&p->pid, 0L, __ATOMIC_RELEASE);
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &b);
        bool lived = (b.tv_sec - a.tv_sec) * 1000 > LIVED_MS;
        for (int left = lived ? 0 : backoff; left > 0 && !stopping(p); left -= STEP_MS)
            sleep_ms(STEP_MS);
        backoff = lived ? BACKOFF_MIN_MS : backoff * 2 < BACKOFF_MAX_MS ? backoff * 2 : BACKOFF_MAX_MS;
    }
    return NULL;
}

static void release(struct venue_process *p)
{
    for (char **a = p->argv; a && *a; a++)
        free(*a);
    free(p->argv);
    free(p);
}

static struct venue_process *copy_argv(char *const argv[])
{
    struct venue_process *p = calloc(1, sizeof *p);
    size_t n = 0;
    while (argv[n])
        n++;
    if (!p || !(p->argv = calloc(n + 1, sizeof *p->argv))) {
        free(p);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!(p->argv[i] = strdup(argv[i]))) {
            release(p);
            return NULL;
        }
    }
    return p;
}

static int start_keeper(struct venue_process *p)
{
    sigset_t all, was;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &was);
    int rc = pthread_create(&p->thread, NULL, keep, p);
    (void)pthread_sigmask(SIG_SETMASK, &was, NULL);
    return rc;
}

struct venue_process *venue_spawn(char *const argv[], const char *socket, int timeout_ms, struct err *e)
{
    struct venue_process *p = copy_argv(argv);
    if (!p || start_keeper(p)) {
        if (p)
            release(p);
        err_set(e, "venue: cannot start %s: out of memory or processes", argv[0]);
        return NULL;
    }
    struct wire_welcome w;
    int fd = client_connect_wait(socket, timeout_ms, &w, NULL);
    if (fd >= 0) {
        close(fd);
        return p;
    }
    venue_close(p);
    err_set(e, "venue: %s was not ready at %s within %d ms; its own message is above", argv[0], socket,
            timeout_ms);
    return NULL;
}

long venue_pid(const struct venue_process *p)
{
    return __atomic_load_n(&p->pid, __ATOMIC_ACQUIRE);
}

uint64_t venue_restarts(const struct venue_process *p)
{
    return __atomic_load_n(&p->restarts, __ATOMIC_RELAXED);
}

void venue_close(struct venue_process *p)
{
    if (!p)
        return;
    __atomic_store_n(&p->stop, 1, __ATOMIC_RELEASE);
    (void)pthread_join(p->thread, NULL);
    release(p);
}
