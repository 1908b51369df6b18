// SPDX-License-Identifier: Apache-2.0
#include "exec/kill.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct kill_switch {
    char *path;
    int file, stop; // atomic
    bool watching;
    pthread_t thread;
    struct sigaction was_on, was_off;
};

static int by_signal; // atomic; a handler can only reach what is static
static int in_use;    // atomic

static void on_signal(int s)
{
    __atomic_store_n(&by_signal, s == SIGUSR1, __ATOMIC_RELEASE);
}

// Anything but a clear "not there" counts as there: a switch that cannot be read is on.
static int file_there(const char *path)
{
    struct stat st;
    return !(stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR));
}

static void *watch(void *arg)
{
    struct kill_switch *k = arg;
    while (!__atomic_load_n(&k->stop, __ATOMIC_ACQUIRE)) {
        int there = file_there(k->path);
        if (there != k->file) // the hot thread reads it at each frame: its line is left alone
            __atomic_store_n(&k->file, there, __ATOMIC_RELEASE);
        struct timespec t = {0, KILL_POLL_MS * 1000000L};
        (void)nanosleep(&t, NULL);
    }
    return NULL;
}

static int start_watch(struct kill_switch *k)
{
    sigset_t all, was;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &was);
    int rc = pthread_create(&k->thread, NULL, watch, k);
    (void)pthread_sigmask(SIG_SETMASK, &was, NULL);
    k->watching = rc == 0;
    return rc;
}

static void handle_signals(struct kill_switch *k)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    __atomic_store_n(&by_signal, 0, __ATOMIC_RELEASE);
    (void)sigaction(SIGUSR1, &a, &k->was_on);
    (void)sigaction(SIGUSR2, &a, &k->was_off);
}

struct kill_switch *kill_open(const char *path, struct err *e)
{
    if (__atomic_exchange_n(&in_use, 1, __ATOMIC_ACQ_REL)) {
        err_set(e, "kill switch: there is one already in this process");
        return NULL;
    }
    struct kill_switch *k = calloc(1, sizeof *k);
    if (k && path) {
        k->path = strdup(path);
        k->file = k->path ? file_there(k->path) : 1;
    }
    if (!k || (path && (!k->path || start_watch(k)))) {
        err_set(e, "kill switch: out of memory or threads");
        if (k)
            free(k->path);
        free(k);
        __atomic_store_n(&in_use, 0, __ATOMIC_RELEASE);
        return NULL;
    }
    handle_signals(k);
    return k;
}

bool kill_on(const struct kill_switch *k)
{
    return __atomic_load_n(&by_signal, __ATOMIC_ACQUIRE) || __atomic_load_n(&k->file, __ATOMIC_ACQUIRE);
}

void kill_close(struct kill_switch *k)
{
    if (!k)
        return;
    (void)sigaction(SIGUSR1, &k->was_on, NULL);
    (void)sigaction(SIGUSR2, &k->was_off, NULL);
    if (k->watching) {
        __atomic_store_n(&k->stop, 1, __ATOMIC_RELEASE);
        (void)pthread_join(k->thread, NULL);
    }
    free(k->path);
    free(k);
    __atomic_store_n(&in_use, 0, __ATOMIC_RELEASE);
}
