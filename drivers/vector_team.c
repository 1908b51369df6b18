// SPDX-License-Identifier: Apache-2.0
// More than one thread for the back end `vector`. The caller works the nearest rows, each helper a range of
// words behind them, with what vector_walk.c does. A range's h, bounds and words of dirty are
// touched by its thread alone while a pass is open, and by the caller between passes: `go` hands them over
// (release, acquire), `done` back. No locks; helpers wait by looking at `go` all the time.
#include "vector.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64,
    THREADS_MAX = 64,
    WORDS_MIN = 4, // of a thread, 16,384 rows: with half of that sharing did not always pay (docs/vector.md)
    VISITS_MIN = 256,   // of the judgement before: less is done sooner than told
    PATIENCE = 1 << 14, // looks in vain, after which a thread lets others run once
};

struct hit {
    uint64_t below;
    uint32_t block;
};

struct helper {
    _Alignas(LINE) _Atomic uint32_t done; // the newest pass it has done
    uint32_t hits;                        // that it found in it, from hit[64 * index * share] on
    uint32_t visits;
    struct vector_team *team;
    unsigned index; // from 1: 0 is the caller
    bool running;
    pthread_t thread;
};

struct vector_team {
    _Alignas(LINE) _Atomic uint32_t go; // the newest pass
    atomic_bool stop;
    _Alignas(LINE) struct vector_rows *rows;
    unsigned threads;
    uint32_t reach, share; // words in all as of the newest pass, words of each thread
    struct hit *hit;       // [block]
    struct vector_memory hit_memory;
    // The caller's place in what they found: moves while they read the line above.
    _Alignas(LINE) unsigned taking;
    uint32_t taken;
    struct helper helper[];
};
static_assert(offsetof(struct vector_team, rows) >= LINE,
              "helpers look at go all the time: alone on its line");
static_assert(offsetof(struct vector_team, taking) / LINE > offsetof(struct vector_team, hit_memory) / LINE,
              "the caller's place is on no line that helpers read");
static_assert(sizeof(struct helper) % LINE == 0 && offsetof(struct vector_team, helper) % LINE == 0,
              "a helper's answer is on a line of its own");

static void wait_until(const _Atomic uint32_t *x, uint32_t last, bool equal)
{
    for (unsigned looks = 1; (atomic_load_explicit(x, memory_order_acquire) == last) != equal; looks++) {
        if (looks % PATIENCE == 0)
            sched_yield();
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
}

static void work(struct helper *p)
{
    struct vector_team *t = p->team;
    uint32_t end = (p->index + 1) * t->share;
    struct hit x, *hit = t->hit + (size_t)p->index * t->share * 64;
    struct vector_walk w;
    p->hits = 0;
    vector_walk_begin(&w, p->index * t->share, end < t->reach ? end : t->reach);
    while ((x.below = vector_walk_next(t->rows, &w, &x.block)) != 0)
        hit[p->hits++] = x;
    p->visits = w.visits;
}

static void *helper_main(void *arg)
{
    struct helper *p = arg;
    for (uint32_t pass = 0;;) {
        wait_until(&p->team->go, pass, false);
        if (atomic_load_explicit(&p->team->stop, memory_order_relaxed))
            return NULL;
        work(p);
        atomic_store_explicit(&p->done, ++pass, memory_order_release);
    }
}

// A processor of its own: the highest that this process may use and the caller is not on. Too few are no
// fault.
static void choose(cpu_set_t *left, pthread_attr_t *attr)
{
    for (size_t cpu = CPU_SETSIZE; cpu-- > 0;)
        if (CPU_ISSET(cpu, left)) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            CPU_CLR(cpu, left);
            (void)pthread_attr_setaffinity_np(attr, sizeof one, &one);
            return;
        }
}

static bool start(struct helper *p, cpu_set_t *left)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return false;
    choose(left, &attr);
    p->running = pthread_create(&p->thread, &attr, helper_main, p) == 0;
    pthread_attr_destroy(&attr);
    return p->running;
}

struct vector_team *vector_team_open(struct vector_rows *v, unsigned threads, struct err *e)
{
    if (threads > THREADS_MAX) {
        err_set(e, "device vector: %u threads, at most %d", threads, THREADS_MAX);
        return NULL;
    }
    struct vector_team *t = NULL;
    size_t size = sizeof *t + (threads - 1) * sizeof t->helper[0];
    void *at = NULL;
    if (posix_memalign(&at, LINE, size) != 0) {
        err_set(e, "device vector: out of memory for %u threads", threads);
        return NULL;
    }
    t = memset(at, 0, size);
    t->rows = v;
    t->threads = threads;
    t->hit = vector_memory_zeros(&t->hit_memory, (size_t)(v->words + threads) * 64 * sizeof *t->hit);
    cpu_set_t left;
    if (sched_getaffinity(0, sizeof left, &left) != 0)
        CPU_ZERO(&left);
    int here = sched_getcpu();
    if (here >= 0)
        CPU_CLR((size_t)here, &left);
    for (unsigned i = 0; i + 1 < threads; i++) {
        t->helper[i].team = t;
        t->helper[i].index = i + 1;
        if (!t->hit || !start(&t->helper[i], &left)) {
            err_set(e, "device vector: cannot start %u threads", threads - 1);
            vector_team_close(t);
            return NULL;
        }
    }
    return t;
}

void vector_team_close(struct vector_team *t)
{
    if (!t)
        return;
    atomic_store_explicit(&t->stop, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->go, 1, memory_order_release);
    for (unsigned i = 0; i + 1 < t->threads; i++)
        if (t->helper[i].running)
            pthread_join(t->helper[i].thread, NULL);
    vector_memory_free(&t->hit_memory);
    free(t);
}

uint32_t vector_team_go(struct vector_team *t)
{
    if (t->rows->reach != t->reach) { // grows when rows are loaded
        t->reach = t->rows->reach;
        t->share = (t->reach + t->threads - 1) / t->threads;
    }
    if (t->share < WORDS_MIN || t->rows->visits < VISITS_MIN)
        return 0;
    t->taking = 0; // taken is 0: all of the last pass has been
    atomic_store_explicit(&t->go, atomic_load_explicit(&t->go, memory_order_relaxed) + 1,
                          memory_order_release);
    return t->share;
}

uint64_t vector_team_next(struct vector_team *t, uint32_t *block)
{
    uint32_t pass = atomic_load_explicit(&t->go, memory_order_relaxed);
    for (; t->taking + 1 < t->threads; t->taking++, t->taken = 0) {
        const struct helper *p = &t->helper[t->taking];
        wait_until(&p->done, pass, true);
        if (t->taken < p->hits) {
            const struct hit *x = &t->hit[(size_t)p->index * t->share * 64 + t->taken++];
            *block = x->block;
            return x->below;
        }
        t->rows->walk.visits += p->visits;
    }
    return 0;
}
