// SPDX-License-Identifier: Apache-2.0
// make bench-scale: time of an update and of a flag, and what moving the boxes costs, for one number of
// accounts on one path; prints one JSON object. tests/bench/scale/scale.py runs them all and prints the
// table.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/hist.h"
#include "scale_book.h"
#include "scale_scan.h"

enum { SCANS = 5, IDLE_ACCOUNTS = 32, IDLE_SLICES = 16 };

struct rig {
    struct book book;
    struct device *dev;
    struct engine *engine;
    int64_t px[MARKET_ASSETS_MAX];
    uint64_t breaches;
};

static struct hist quiet, busy,
    slices; // updates without a flag; time a flag of the others; slices between updates

// The order is out; the account is not heard of again.
static enum engine_verdict on_breach(void *ctx, size_t account)
{
    (void)account;
    ((struct rig *)ctx)->breaches++;
    return VERDICT_TAKEN;
}

static double seconds_since(uint64_t t0)
{
    return 1e-9 * (double)clock_ns(clock_ticks() - t0);
}

static void open_all(struct rig *r, uint32_t accounts, const char *backend, uint32_t rows, int64_t *start)
{
    struct err e;
    uint64_t t0 = clock_ticks();
    scale_must(scale_book(&r->book, accounts, 1, start, &e) == 0, &e);
    printf("{\"accounts\":%" PRIu32 ",\"book_s\":%.3f,\"book_bytes\":%.1f", accounts, seconds_since(t0),
           (double)book_bytes(&r->book) / accounts);
    const struct device_config dc = {.backend = backend, .lanes = 64, .slots = rows / 64, .assets = 16};
    scale_must(device_open(&dc, &r->dev, &e) == 0, &e);
    const struct engine_config ec = {.band_ppm = 20000};
    struct engine_hooks hooks = scale_hooks;
    hooks.ctx = r;
    hooks.breach = on_breach;
    t0 = clock_ticks();
    r->engine = engine_new(&ec, &r->book, r->dev, &hooks, &e);
    scale_must(r->engine != NULL, &e);
    scale_start(r->engine, r->px, start);
    struct engine_tiers t;
    engine_tiers(r->engine, &t);
    printf(",\"place_s\":%.3f,\"row_bytes\":%.1f,\"box_ppm\":%" PRIu32 ",\"on_device\":%" PRIu64,
           seconds_since(t0), (double)t.bytes / accounts, t.box_ppm, t.boxed ? t.device : accounts);
}

// Updates come with time between them, in which boxes are moved as in a live run; that time is told apart.
static void run_path(struct rig *r, enum scale_path path, uint64_t updates, const int64_t *start)
{
    struct scale_walk w;
    struct err e;
    uint64_t all = clock_ticks();
    scale_walk_begin(&w, path, updates, 7, start);
    for (uint64_t i = 0; i < updates; i++) {
        struct engine_price p = scale_walk_next(&w);
        uint64_t before = r->breaches, t0 = clock_ticks();
        r->px[p.asset] = p.price;
        scale_must(engine_group(r->engine, &p, 1, r->px, &e) == 0, &e);
        uint64_t ns = clock_ns(clock_ticks() - t0), n = r->breaches - before;
        if (n)
            hist_record(&busy, ns / n);
        else
            hist_record(&quiet, ns);
        for (unsigned k = 0; k < IDLE_SLICES && engine_moving(r->engine); k++) {
            t0 = clock_ticks();
            scale_must(engine_idle(r->engine, IDLE_ACCOUNTS, &e) >= 0, &e);
            hist_record(&slices, clock_ns(clock_ticks() - t0));
        }
    }
    printf(",\"path\":\"%s\",\"updates\":%" PRIu64 ",\"total_s\":%.3f", scale_path_name(path), updates,
           seconds_since(all));
}

static void print_hist(const char *name, const struct hist *h)
{
    printf(",\"%s\":{\"n\":%" PRIu64 ",\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64
           ",\"p99.9\":%" PRIu64 ",\"p99.99\":%" PRIu64 ",\"max\":%" PRIu64 ",\"sum\":%.0f}",
           name, h->count, hist_percentile(h, 50000), hist_percentile(h, 90000), hist_percentile(h, 99000),
           hist_percentile(h, 99900), hist_percentile(h, 99990), h->max, (double)h->sum);
}

static void print_counts(const struct rig *r)
{
    const struct engine_counters *c = engine_counters(r->engine);
    struct engine_tiers t;
    engine_tiers(r->engine, &t);
    printf(",\"flags\":%" PRIu64 ",\"early\":%" PRIu64 ",\"boxes_background\":%" PRIu64
           ",\"boxes_foreground\":%" PRIu64 ",\"looked_background\":%" PRIu64
           ",\"looked_foreground\":%" PRIu64 ",\"changes\":%" PRIu64 ",\"updates_foreground\":%" PRIu64
           ",\"host_evaluations\":%" PRIu64 ",\"host_flags\":%" PRIu64 ",\"rows_loaded\":%" PRIu64
           ",\"end_bytes\":%.1f",
           r->breaches, c->early, c->boxes_background, c->boxes_foreground, c->looked_background,
           c->looked_foreground, c->tier_changes, c->updates_foreground, c->host_evaluations, c->host_flags,
           c->rows_loaded, (double)t.bytes / (double)r->book.n_accounts);
}

// Full scans of the same book at the last prices: accounts a second, and whether it finds those that were
// flagged.
static void run_scan(const struct rig *r, const int64_t *start)
{
    struct scan *s = scan_new(&r->book);
    if (!s) {
        fprintf(stderr, "scale_bench: the book does not fit the scan\n");
        exit(1);
    }
    int64_t px[MARKET_ASSETS_MAX];
    memcpy(px, r->px, sizeof px);
    size_t found = scan_all(s, px);
    uint64_t t0 = clock_ticks();
    for (int i = 0; i < SCANS; i++) {
        px[0] = start[0] + i;
        found += scan_all(s, px) * 0;
    }
    double each = seconds_since(t0) / SCANS;
    printf(",\"scan_s\":%.6f,\"scan_found\":%zu", each, found);
    scan_free(s);
}

int main(int argc, char **argv)
{
    static struct rig r;
    int64_t start[MARKET_ASSETS_MAX];
    if (argc != 6) {
        fprintf(stderr, "usage: scale_bench ACCOUNTS PATH(0 calm, 1 trend, 2 crash) UPDATES BACKEND ROWS\n");
        return 2;
    }
    device_register(&device_ops_model);
    device_register(&device_ops_vector);
    clock_init();
    hist_init(&quiet);
    hist_init(&busy);
    hist_init(&slices);
    open_all(&r, (uint32_t)atof(argv[1]), argv[4], (uint32_t)atoi(argv[5]), start);
    run_path(&r, (enum scale_path)atoi(argv[2]), (uint64_t)atof(argv[3]), start);
    print_hist("quiet", &quiet);
    print_hist("flag", &busy);
    print_hist("slice", &slices);
    print_counts(&r);
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    printf(",\"rss_kb\":%ld", used.ru_maxrss); // before the scan's own copy of the accounts
    run_scan(&r, start);
    printf("}\n");
    engine_free(r.engine);
    device_close(r.dev);
    book_free(&r.book);
    return 0;
}
