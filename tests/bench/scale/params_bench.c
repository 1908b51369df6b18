// SPDX-License-Identifier: Apache-2.0
// make bench-parameters: does a price wait for a change of an instrument's parameters? First what one change
// takes, by the rules' bounds and, as before there were any, with all rows over the asset made anew; then
// prices, 10,000 a second, with no change and with one a second of a reserve's indexes and rates. Service
// times are measured, arrivals and waiting calculated from them.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "accounts/moving.h"
#include "base/clock.h"
#include "base/hist.h"
#include "scale_book.h"

#define START_S UINT64_C(1790000000)
enum { PRICES_PER_SECOND = 10000, IDLE_ACCOUNTS = 32, SECOND_NS = 1000000000, ETH = 0, USDC = 10 };

struct rig {
    struct book book;
    struct device *dev;
    struct engine *engine;
    int64_t px[MARKET_ASSETS_MAX];
    struct prng rnd;
    struct market was, next;
    struct account scratch;
    double now; // ns since the start
    struct scale_clock clock;
};

static uint64_t now_ns(const struct rig *r)
{
    return START_S * SECOND_NS + (uint64_t)r->now;
}

static void open_all(struct rig *r, uint32_t accounts, const char *backend, int64_t *start)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    struct err e;
    scale_must(scale_book(&r->book, accounts, 1, start, &e) == 0, &e);
    for (unsigned i = 0; i < SCALE_ASSETS; i++) {
        struct instrument *in = &r->book.market.instrument[i];
        in->liquidity_rate = ray / 50;
        in->borrow_rate = ray / 20;
        in->told_at = START_S;
    }
    const struct device_config dc = {.backend = backend, .lanes = 64, .slots = 64, .assets = 16};
    scale_must(device_open(&dc, &r->dev, &e) == 0, &e);
    const struct engine_config ec = {.band_ppm = 20000, .slice = 32};
    r->engine = engine_new(&ec, &r->book, r->dev, &scale_hooks, &e);
    scale_must(r->engine != NULL, &e);
    scale_must(engine_time(r->engine, now_ns(r), &e) >= 0, &e);
    scale_start(r->engine, r->px, start);
}

// Of this thread: a change takes long enough to be interrupted, and what others did then is not its time.
static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

// ---- one change

// As a block tells it: the indexes as they have become, rates up to 2 % of themselves away.
static void new_rates(struct rig *r, struct instrument *in)
{
    uint64_t at = now_ns(r) / SECOND_NS;
    in->liquidity_index = liquidity_index_at(in, at);
    in->borrow_index = borrow_index_at(in, at);
    in->liquidity_rate += in->liquidity_rate / 1000 * (uint64_t)prng_between(&r->rnd, 0, 40) / 20;
    in->liquidity_rate -= in->liquidity_rate / 1000;
    in->borrow_rate += in->borrow_rate / 1000 * (uint64_t)prng_between(&r->rnd, 0, 40);
    in->borrow_rate -= in->borrow_rate / 1000 * (uint64_t)prng_between(&r->rnd, 0, 40);
    in->told_at = at;
}

// Every holder asked, as when market_within says no.
static bool ask_all(struct rig *r, unsigned i)
{
    struct err e;
    for (size_t k = 0; k < r->book.n_accounts; k++) {
        const struct account *a = book_account(&r->book, k, &r->scratch);
        bool holds = false;
        for (unsigned p = 0; p < a->n_positions && !holds; p++)
            holds = a->position[p].instrument == i;
        if (holds && account_validate(&r->next, a, &e) != 0)
            return false;
    }
    return true;
}

// r->next differs from the market in instrument i. Processor time that it takes: to judge it, in *judged, and
// in all.
static uint64_t change(struct rig *r, unsigned i, bool as_before, uint64_t *judged)
{
    struct err e;
    bool changed[MARKET_INSTRUMENTS_MAX] = {false};
    uint16_t asset = r->next.instrument[i].asset;
    changed[i] = true;
    uint64_t t0 = cpu_ns();
    scale_must(market_follows(&r->book.market, &r->next, &e) == 0, &e);
    bool good = as_before ? ask_all(r, i) : market_within(&r->book, &r->next, changed);
    uint64_t t1 = cpu_ns();
    err_set(&e, "not within what accounts hold");
    scale_must(good, &e);
    r->was.instrument[i] = r->book.market.instrument[i];
    r->book.market.instrument[i] = r->next.instrument[i];
    market_told(&r->book.market, i);
    scale_must(engine_market_changed(r->engine, as_before ? NULL : &r->was, &asset, 1, &e) == 0, &e);
    *judged = t1 - t0;
    return cpu_ns() - t0;
}

static void settle(struct rig *r)
{
    struct err e;
    while (engine_moving(r->engine))
        scale_must(engine_idle(r->engine, 100000, &e) >= 0, &e);
}

static void print_change(struct rig *r, const char *what, unsigned i, bool lt, bool as_before, unsigned times)
{
    struct hist all, judge;
    struct err e;
    hist_init(&all);
    hist_init(&judge);
    const struct engine_counters *c = engine_counters(r->engine);
    uint64_t looked = c->looked_foreground, behind = 0, flags = c->watched;
    for (unsigned k = 0; k < times; k++) {
        uint64_t judged;
        r->now += 12e9;
        scale_must(engine_time(r->engine, now_ns(r), &e) >= 0, &e);
        r->next = r->book.market;
        if (lt)
            r->next.instrument[i].lt_bps -= r->next.instrument[i].lt_bps / 100;
        else
            new_rates(r, &r->next.instrument[i]);
        uint64_t ns = change(r, i, as_before, &judged);
        hist_record(&all, ns);
        hist_record(&judge, judged);
        uint64_t before = c->looked_background;
        settle(r);
        behind += c->looked_background - before;
    }
    printf("%-22s %-5s %-9s | %4u | %12" PRIu64 " %12" PRIu64 " | %12" PRIu64 " | %10" PRIu64 " %10" PRIu64
           " | %7" PRIu64 "\n",
           what, r->book.market.instrument[i].name, as_before ? "all anew" : "bound", times,
           hist_percentile(&all, 50000), all.max, hist_percentile(&judge, 50000),
           (c->looked_foreground - looked) / times, behind / times, (c->watched - flags) / times);
}

// ---- prices with changes between them

static double pause_ns(struct rig *r, double per_second)
{
    return per_second > 0 ? -log(1.0 - prng_unit(&r->rnd)) * 1e9 / per_second : INFINITY;
}

static bool take(struct rig *r, uint64_t ns, struct hist *h)
{
    if (ns == UINT64_MAX)
        return false;
    r->now += (double)ns;
    hist_record(h, ns);
    return true;
}

static void run(struct rig *r, uint64_t prices, double changes, const int64_t *start)
{
    struct scale_walk w;
    struct hist latency, served, told, idle;
    struct err e;
    hist_init(&latency);
    hist_init(&served);
    hist_init(&idle);
    hist_init(&told);
    prng_seed(&r->rnd, 7);
    scale_walk_begin(&w, PATH_CALM, prices, 7, start);
    double price = r->now + pause_ns(r, PRICES_PER_SECOND), next = r->now + pause_ns(r, changes);
    for (uint64_t n = 0; n < prices;) {
        uint64_t t0 = clock_ticks(), judged;
        if (price <= r->now) {
            struct engine_price p = scale_walk_next(&w);
            r->px[p.asset] = p.price;
            scale_must(engine_time(r->engine, now_ns(r), &e) >= 0, &e);
            scale_must(engine_group(r->engine, &p, 1, r->px, &e) == 0, &e);
            if (take(r, scale_service(&r->clock, t0), &served))
                hist_record(&latency, (uint64_t)(r->now - price));
            price += pause_ns(r, PRICES_PER_SECOND);
            n++;
        } else if (next <= r->now) {
            unsigned i = (unsigned)prng_below(&r->rnd, SCALE_ASSETS);
            scale_must(engine_time(r->engine, now_ns(r), &e) >= 0, &e);
            r->next = r->book.market;
            new_rates(r, &r->next.instrument[i]);
            (void)take(r, change(r, i, false, &judged), &told);
            next += pause_ns(r, changes);
        } else if (engine_moving(r->engine)) {
            scale_must(engine_idle(r->engine, IDLE_ACCOUNTS, &e) >= 0, &e);
            (void)take(r, scale_service(&r->clock, t0), &idle);
        } else {
            r->now = price < next ? price : next;
        }
    }
    printf("%9.0f |", changes);
    for (int i = 0; i < 3; i++)
        printf(" %9" PRIu64, hist_percentile(&latency, (uint32_t[]){50000, 99000, 99900}[i]));
    printf(" |");
    for (int i = 0; i < 3; i++)
        printf(" %9" PRIu64, hist_percentile(&served, (uint32_t[]){50000, 99000, 99900}[i]));
    if (told.count)
        printf(" | %9" PRIu64 " %9" PRIu64, hist_percentile(&told, 50000), told.max);
    printf("\n");
}

int main(int argc, char **argv)
{
    static struct rig r;
    static int64_t start[MARKET_ASSETS_MAX];
    if (argc != 4) {
        fprintf(stderr, "usage: params_bench ACCOUNTS PRICES BACKEND\n");
        return 2;
    }
    device_register(&device_ops_model);
    device_register(&device_ops_vector);
    clock_init();
    prng_seed(&r.rnd, 1);
    open_all(&r, (uint32_t)atof(argv[1]), argv[3], start);
    settle(&r);
    uint64_t prices = (uint64_t)atof(argv[2]);
    printf("%zu accounts, %" PRIu64 " prices at %d a second (measured service times, ns)\n",
           r.book.n_accounts, prices, PRICES_PER_SECOND);
    printf(
        "changes/s | latency p50       p99     p99.9 | service p50     p99     p99.9 | a change p50, max\n");
    static const double rate[] = {0, 0, 1, 10};
    for (unsigned i = 0; i < sizeof rate / sizeof *rate; i++)
        run(&r, prices, rate[i], start);
    printf("one change, ns of processor time: in all p50, max; to judge it; accounts looked at by it and "
           "later; flags\n");
    print_change(&r, "indexes and rates", USDC, false, false, 100);
    print_change(&r, "indexes and rates", ETH, false, false, 100);
    print_change(&r, "threshold less 1 %", ETH, true, false, 1);
    print_change(&r, "indexes and rates", USDC, false, true, 1);
    print_change(&r, "indexes and rates", ETH, false, true, 1);
    print_change(&r, "threshold less 1 %", ETH, true, true, 1);
    printf("%" PRIu64 " services left out: another process had the core meanwhile\n", r.clock.disturbed);
    engine_free(r.engine);
    device_close(r.dev);
    book_free(&r.book);
    return 0;
}
