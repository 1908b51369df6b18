// SPDX-License-Identifier: Apache-2.0
// make bench-updates: does a price wait for accounts' states? Prices come 10,000 times a second, states 0,
// 1,000 or 5,000 times, both at random moments; one thread serves them, prices first, one state at a time.
// Service times are measured, arrivals and waiting are calculated from them: what a price's latency adds to
// its own service is the rest of the state, or of the prices, that it met at work. Services in which the
// kernel gave the core to another process count as none, and their number is told: this is about the program.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/hist.h"
#include "scale_book.h"

enum { PRICES_PER_SECOND = 10000, RATES = 3, IDLE_ACCOUNTS = 32 };

struct rig {
    struct book book;
    struct device *dev;
    struct engine *engine;
    int64_t px[MARKET_ASSETS_MAX];
    struct prng rnd;
    struct account account, scratch;
    struct scale_clock clock;
};

static void open_all(struct rig *r, uint32_t accounts, const char *backend, int64_t *start)
{
    struct err e;
    scale_must(scale_book(&r->book, accounts, 1, start, &e) == 0, &e);
    scale_must(book_reserve(&r->book, accounts, (size_t)accounts * 16, &e) == 0, &e);
    const struct device_config dc = {.backend = backend, .lanes = 64, .slots = 64, .assets = 16};
    scale_must(device_open(&dc, &r->dev, &e) == 0, &e);
    const struct engine_config ec = {.band_ppm = 20000, .slice = 32};
    r->engine = engine_new(&ec, &r->book, r->dev, &scale_hooks, &e);
    scale_must(r->engine != NULL, &e);
    scale_start(r->engine, r->px, start);
}

static uint64_t serve_price(struct rig *r, struct scale_walk *w)
{
    struct err e;
    struct engine_price p = scale_walk_next(w);
    uint64_t t0 = clock_ticks();
    r->px[p.asset] = p.price;
    scale_must(engine_group(r->engine, &p, 1, r->px, &e) == 0, &e);
    return scale_service(&r->clock, t0);
}

// A deposit or withdrawal of up to 5 % of each side of some account, as the desk takes it: validated, put
// into the book, placed anew.
static uint64_t serve_state(struct rig *r)
{
    struct err e;
    size_t i = prng_below(&r->rnd, r->book.n_accounts);
    account_copy(&r->account, book_account(&r->book, i, &r->scratch));
    for (unsigned k = 0; k < r->account.n_positions; k++) {
        struct position *p = &r->account.position[k];
        p->supply += p->supply / 1000000 * prng_between(&r->rnd, -50000, 50000);
        p->debt += p->debt / 1000000 * prng_between(&r->rnd, -50000, 50000);
    }
    r->account.epoch++;
    uint64_t t0 = clock_ticks();
    scale_must(book_find(&r->book, r->account.id) == i, &e);
    scale_must(account_validate(&r->book.market, &r->account, &e) == 0, &e);
    scale_must(book_put(&r->book, i, &r->account, &e) == 0, &e);
    scale_must(engine_account_changed(r->engine, i, &e) == 0, &e);
    return scale_service(&r->clock, t0);
}

static uint64_t serve_idle(struct rig *r)
{
    struct err e;
    uint64_t t0 = clock_ticks();
    scale_must(engine_idle(r->engine, IDLE_ACCOUNTS, &e) >= 0, &e);
    return scale_service(&r->clock, t0);
}

static double pause_ns(struct rig *r, unsigned per_second)
{
    return per_second ? -log(1.0 - prng_unit(&r->rnd)) * 1e9 / per_second : INFINITY;
}

struct result {
    struct hist latency, service, state, idle;
};

static uint64_t take(double *now, uint64_t ns, struct hist *h)
{
    if (ns != UINT64_MAX) {
        *now += (double)ns;
        hist_record(h, ns);
    }
    return ns;
}

static void run(struct rig *r, uint64_t prices, unsigned states_per_second, const int64_t *start,
                struct result *out)
{
    struct scale_walk w;
    hist_init(&out->latency);
    hist_init(&out->service);
    hist_init(&out->state);
    hist_init(&out->idle);
    prng_seed(&r->rnd, 7);
    scale_walk_begin(&w, PATH_CALM, prices, 7, start);
    double now = 0, price = pause_ns(r, PRICES_PER_SECOND), state = pause_ns(r, states_per_second);
    for (uint64_t n = 0; n < prices;) {
        if (price <= now) {
            uint64_t ns = take(&now, serve_price(r, &w), &out->service);
            if (ns != UINT64_MAX)
                hist_record(&out->latency, (uint64_t)(now - price));
            price += pause_ns(r, PRICES_PER_SECOND);
            n++;
        } else if (state <= now) {
            (void)take(&now, serve_state(r), &out->state);
            state += pause_ns(r, states_per_second);
        } else if (engine_moving(r->engine)) {
            (void)take(&now, serve_idle(r), &out->idle);
        } else {
            now = price < state ? price : state;
        }
    }
}

static void print(unsigned rate, const struct result *x, const struct result *base)
{
    static const uint32_t share[] = {50000, 99000, 99900};
    printf("%8u |", rate);
    for (int i = 0; i < 3; i++)
        printf(" %7" PRIu64, hist_percentile(&x->latency, share[i]));
    printf(" |");
    for (int i = 0; i < 3; i++)
        printf(" %5.2f", (double)hist_percentile(&x->latency, share[i]) /
                             (double)hist_percentile(&base->latency, share[i]));
    printf(" |");
    for (int i = 0; i < 3; i++)
        printf(" %7" PRIu64, hist_percentile(&x->service, share[i]));
    if (x->state.count)
        printf(" | %7" PRIu64 " %7" PRIu64 " %8" PRIu64, hist_percentile(&x->state, 50000),
               hist_percentile(&x->state, 99000), x->state.max);
    printf("\n");
}

int main(int argc, char **argv)
{
    static const unsigned rate[RATES] = {0, 1000, 5000};
    static struct rig r;
    static struct result warm, result[RATES];
    int64_t start[MARKET_ASSETS_MAX];
    if (argc != 4) {
        fprintf(stderr, "usage: updates_bench ACCOUNTS PRICES BACKEND\n");
        return 2;
    }
    device_register(&device_ops_model);
    device_register(&device_ops_vector);
    clock_init();
    open_all(&r, (uint32_t)atof(argv[1]), argv[3], start);
    uint64_t prices = (uint64_t)atof(argv[2]);
    run(&r, prices, 0, start, &warm);
    printf("%zu accounts, %" PRIu64 " prices at %d a second (measured service times, ns)\n",
           r.book.n_accounts, prices, PRICES_PER_SECOND);
    printf(
        "states/s | latency p50     p99   p99.9 | ratio p50 p99 p99.9 | service p50 p99 p99.9 | state p50, "
        "p99, max\n");
    for (int i = 0; i < RATES; i++) {
        run(&r, prices, rate[i], start, &result[i]);
        print(rate[i], &result[i], &result[0]);
    }
    printf("%" PRIu64 " services left out: another process had the core meanwhile\n", r.clock.disturbed);
    engine_free(r.engine);
    device_close(r.dev);
    book_free(&r.book);
    return 0;
}
