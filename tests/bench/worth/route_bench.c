// SPDX-License-Identifier: Apache-2.0
// What a routed sale costs: four books of 50 levels, alone and with pools, of one lot and of several; the
// levels merged by price beside the bisection that serves ways with a token between (route.h). Nanoseconds,
// each call timed on its own, the clock's own reading included; the sizes change from call to call, and both
// ways sell the same. An argument, merged or bisected, runs that one alone, untimed, for callgrind
// (--toggle-collect=sell).
#include "base/clock.h"
#include "base/hist.h"
#include "base/prng.h"
#include "exec/exit/route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOOKS = 4, LEVELS = 50, RUNS = 4000, P50 = 50000, P99 = 99000 };
#define MILLI UINT64_C(1000000000000000) // of a token of 18 decimals

static struct route route;
static struct depth book[BOOKS];
static volatile uint64_t sink;

// A routed sale, by itself for callgrind.
__attribute__((noinline)) static u128 sell(u128 q)
{
    u128 part[ROUTE_PATHS_MAX];
    return route_split(&route, q, part);
}

static void make(unsigned pools, bool several_lots)
{
    static const uint64_t lots[BOOKS] = {1, 10, 100, 5};
    struct prng r;
    struct err e;
    prng_seed(&r, 7);
    for (unsigned b = 0; b < BOOKS; b++) {
        uint64_t lot = several_lots ? lots[b] : 1;
        int64_t price = 300000000 - 3700 * (int64_t)b;
        if (depth_begin(&book[b], (u128)lot * MILLI, lot * 10, 6, 500, &e))
            exit(1);
        for (unsigned i = 0; i < LEVELS; i++) {
            (void)depth_add(&book[b], price, 1, 100 + (int64_t)prng_below(&r, 5000), 1, &e);
            price -= 100 + (int64_t)prng_below(&r, 6000);
        }
        depth_end(&book[b]);
        route.path[b] = (struct route_path){.n = 1, .hop = {{.book = &book[b]}}};
    }
    for (unsigned i = 0; i < pools; i++) {
        struct cpmm_pool p = {4000000 * (u128)MILLI * (i + 1), UINT64_C(12000000000000) * (i + 1), 997, 1000};
        route.path[BOOKS + i] = (struct route_path){.n = 1, .hop = {{.pool = p}}};
    }
    if (route_set(&route, BOOKS + pools, 0, &e)) {
        fprintf(stderr, "route_bench: %s\n", e.msg);
        exit(1);
    }
}

static u128 some(struct prng *r)
{
    return (u128)(1 + prng_below(r, 600000)) * MILLI + prng_below(r, MILLI);
}

static void measure(const char *what, bool merged)
{
    static struct hist h;
    struct prng r;
    prng_seed(&r, 11);
    memset(&h, 0, sizeof h);
    route.merged = merged;
    for (unsigned i = 0; i < RUNS / (merged ? 1 : 10); i++) {
        u128 q = some(&r);
        uint64_t from = clock_ticks();
        sink = (uint64_t)sell(q);
        hist_record(&h, clock_ns(clock_ticks() - from));
    }
    printf("  %-44s p50 %8" PRIu64 "  p99 %8" PRIu64 "\n", what, hist_percentile(&h, P50),
           hist_percentile(&h, P99));
}

static void measure_set(void)
{
    static struct hist h;
    struct err e;
    memset(&h, 0, sizeof h);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t from = clock_ticks();
        if (route_set(&route, BOOKS, 0, &e))
            exit(1);
        hist_record(&h, clock_ns(clock_ticks() - from));
    }
    printf("  %-44s p50 %8" PRIu64 "  p99 %8" PRIu64 "\n", "route_set, four books", hist_percentile(&h, P50),
           hist_percentile(&h, P99));
}

int main(int argc, char **argv)
{
    static const struct {
        unsigned pools;
        bool several;
        const char *what;
    } kind[] = {{0, false, "four books of 50 levels"},
                {0, true, "the same of several lots"},
                {1, false, "four books and a pool"},
                {1, true, "the same of several lots and a pool"},
                {3, false, "four books and three pools"}};
    clock_init();
    if (argc > 1) {
        struct prng r;
        prng_seed(&r, 11);
        make(0, false);
        route.merged = strcmp(argv[1], "merged") == 0;
        for (unsigned i = 0; i < 100; i++)
            sink = (uint64_t)sell(some(&r));
        return 0;
    }
    puts("a routed sale, ns");
    make(0, false);
    measure_set();
    for (unsigned i = 0; i < sizeof kind / sizeof *kind; i++) {
        char text[64];
        make(kind[i].pools, kind[i].several);
        (void)snprintf(text, sizeof text, "%s, bisected", kind[i].what);
        measure(text, false);
        measure(kind[i].what, true);
    }
    return 0;
}
