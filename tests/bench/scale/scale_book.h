// SPDX-License-Identifier: Apache-2.0
// Synthetic lending accounts and price paths for the benchmarks of scale: many accounts, quickly, the same on
// every run; and what those share.
#ifndef TRIPLINE_BENCH_SCALE_BOOK_H
#define TRIPLINE_BENCH_SCALE_BOOK_H

#include "accounts/book.h"
#include "base/prng.h"
#include "engine/engine.h"

enum { SCALE_ASSETS = 12 };

// aave-3.5 accounts of one or two collaterals and one debt. Distance to liquidation: a tenth uniform within
// 20 % of it, the rest from 20 % to 400 % off. px gets the start prices. 0, or -1 with *e set.
int scale_book(struct book *b, uint32_t accounts, uint64_t seed, int64_t px[MARKET_ASSETS_MAX],
               struct err *e);

// Ends the program with *e when it is not good.
void scale_must(bool good, const struct err *e);
// Every breach is taken, its account is not heard of again; nothing else is kept.
extern const struct engine_hooks scale_hooks;
// The first group: every asset at its start price, which goes into px.
void scale_start(struct engine *g, int64_t px[MARKET_ASSETS_MAX], const int64_t *start);
// Times of services; those that the kernel gave to another process are counted and left out.
struct scale_clock {
    long switches; // involuntary, of this thread
    uint64_t disturbed;
};
// Of what began at t0 (clock_ticks), ns; UINT64_MAX: disturbed.
uint64_t scale_service(struct scale_clock *c, uint64_t t0);

enum scale_path { PATH_CALM, PATH_TREND, PATH_CRASH, PATH_COUNT };
const char *scale_path_name(enum scale_path p);
// The next price: one asset an update; the large ones move together in a crash.
struct scale_walk {
    struct prng rng;
    enum scale_path path;
    uint64_t tick, ticks;
    double at[SCALE_ASSETS], start[SCALE_ASSETS];
};
void scale_walk_begin(struct scale_walk *w, enum scale_path path, uint64_t ticks, uint64_t seed,
                      const int64_t *px);
struct engine_price scale_walk_next(struct scale_walk *w);

#endif
