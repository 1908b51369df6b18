// SPDX-License-Identifier: Apache-2.0
// How long a burst takes: one price update puts N accounts below maintenance at once (synthetic: a generated
// book, every account of which the same fall liquidates). The whole line is run, from the frame to the
// gateway: feed, oracle, engine, model device, confirm, size, rank, encode, log. The gateway takes every
// order and carries none; the log is a ring in memory with the journal's checksum over each record. What the
// device itself takes is told apart.
//   burst [--flags N] [--runs R] [--outstanding M]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "feed/deribit_encode.h"
#include "feed/gen_frame.h"
#include "run/session.h"

enum {
    FLAGS = 22558,
    RUNS = 40,
    LANES = 1024,
    SLOTS = 32, // 32,768 rows
    ASSETS = 16,
    FALL_PPM = 40000,
    LOG_BYTES = 1 << 26,
    AIM_US = 25000,
    SHARE_P50 = 50000,
    SHARE_P99 = 99000,
};
#define E12(units) ((int64_t)((units)*1000000000000))
#define START_NS   UINT64_C(1000000000000)

static const struct gen_price PRICES[] = {
    {"BTC_USDC-PERPETUAL", GEN_LINEAR, E12(60000)},
    {"ETH_USDC-PERPETUAL", GEN_LINEAR, E12(3000)},
    {"SOL_USDC-PERPETUAL", GEN_LINEAR, E12(150)},
    {"BTC-PERPETUAL", GEN_INVERSE, E12(60000)},
    {"ETH-PERPETUAL", GEN_INVERSE, E12(3000)},
    {"btc_usd", GEN_INDEX, E12(60000)},
    {"eth_usd", GEN_INDEX, E12(3000)},
    {"sol_usd", GEN_INDEX, E12(150)},
    {"usdc_usd", GEN_INDEX, E12(1)},
};
enum { N_PRICES = sizeof PRICES / sizeof *PRICES, STABLE = N_PRICES - 1 };

static struct {
    struct book book;
    struct session_config cfg;
    uint8_t *log;
    size_t log_at;
    uint64_t lsn;
    uint32_t crc;
    // one run
    uint64_t in_device, first_flag, first_order, last_order;
    size_t flags, flags_at_first, orders;
    const struct device_ops *under;
} b;

static void die(const char *what, const struct err *e)
{
    (void)fprintf(stderr, "burst: %s%s%s\n", what, e ? ": " : "", e ? e->msg : "");
    exit(EXIT_FAILURE);
}

// ---- device, gateway, log

static size_t timed_submit(struct device *d, const struct beat *cmd, size_t n)
{
    uint64_t t = clock_ticks();
    size_t done = b.under->submit(d, cmd, n);
    b.in_device += clock_ticks() - t;
    return done;
}

static size_t timed_poll(struct device *d, struct beat *evt, size_t max)
{
    uint64_t t = clock_ticks();
    size_t n = b.under->poll(d, evt, max);
    uint64_t now = clock_ticks();
    b.in_device += now - t;
    if (n && !b.first_flag)
        b.first_flag = now;
    b.flags += n;
    return n;
}

static int take_order(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    b.last_order = clock_ticks();
    if (b.orders++ == 0) {
        b.first_order = b.last_order;
        b.flags_at_first = b.flags;
    }
    return 0;
}
static const struct gateway_ops gateway_ops = {.submit = take_order};
static struct gateway gateway = {.ops = &gateway_ops};

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *c, size_t nc)
{
    (void)ctx;
    (void)type;
    if (b.log_at + na + nc > LOG_BYTES)
        b.log_at = 0;
    uint8_t *at = b.log + b.log_at;
    memcpy(at, a, na);
    if (nc)
        memcpy(at + na, c, nc);
    b.crc = crc32c(b.crc, at, na + nc);
    b.log_at += na + nc;
    return b.lsn += na + nc;
}

// ---- frames

static uint32_t sequence;

static void send(struct session *s, uint64_t ns, struct deribit_encoder *enc, uint8_t *payload)
{
    static struct gen_frame f;
    const struct frame_options o = {.vlans = 1};
    struct err e;
    size_t len = deribit_end(enc);
    if (!len)
        die("a packet does not fit", NULL);
    memcpy(frame_payload(&f, &o), payload, len);
    frame_finish(&f, &o, 10, 6100, len);
    if (session_frame(s, ns, f.buf, f.len, f.wire, &e) != 0)
        die("session", &e);
}

static void define(struct session *s)
{
    uint8_t payload[FRAME_PAYLOAD_MAX];
    for (uint32_t i = 0; i < N_PRICES; i++) {
        if (PRICES[i].kind == GEN_INDEX)
            continue;
        struct deribit_encoder enc;
        const struct deribit_instrument d = {.id = i + 1,
                                             .name = PRICES[i].name,
                                             .base = "X",
                                             .quote = "USD",
                                             .settle = "USD",
                                             .size = "X",
                                             .state = INSTRUMENT_OPEN};
        deribit_begin(&enc, payload, sizeof payload, 10, sequence++);
        deribit_put_instrument_v2(&enc, &d);
        send(s, START_NS, &enc, payload);
    }
}

// All prices in one packet, hence one group: the start prices less `fall_ppm`.
static void prices(struct session *s, uint64_t ns, unsigned fall_ppm)
{
    uint8_t payload[FRAME_PAYLOAD_MAX];
    struct deribit_encoder enc;
    deribit_begin(&enc, payload, sizeof payload, 10, sequence++);
    for (uint32_t i = 0; i < N_PRICES; i++) {
        double p = (double)PRICES[i].price_e12 / 1e12 * (i == STABLE ? 1 : 1 - fall_ppm / 1e6);
        const struct deribit_ticker t = {
            .id = i + 1, .state = INSTRUMENT_OPEN, .ts_ms = ns / 1000000, .mark = p, .index = p};
        if (PRICES[i].kind == GEN_INDEX)
            deribit_put_index(&enc, PRICES[i].name, p, ns / 1000000);
        else
            deribit_put_ticker(&enc, &t);
    }
    send(s, ns, &enc, payload);
}

// ---- the book: generated accounts that the fall puts below maintenance

static struct session *open_session(struct device **dev)
{
    static struct device_ops timed;
    struct err e;
    const struct device_config dc = {.backend = "model", .lanes = LANES, .slots = SLOTS, .assets = ASSETS};
    const struct session_log log = {NULL, put};
    if (device_open(&dc, dev, &e) != 0)
        die("device", &e);
    b.under = (*dev)->ops;
    timed = *b.under;
    timed.submit = timed_submit;
    timed.poll = timed_poll;
    (*dev)->ops = &timed;
    struct session *s = session_new(&b.cfg, &b.book, *dev, &gateway, &log, false, &e);
    if (!s || session_begin(s, &e) != 0)
        die("session", &e);
    define(s);
    return s;
}

// Prices after the fall, as the session itself makes them.
static void fallen(int64_t px[MARKET_ASSETS_MAX])
{
    struct device *dev;
    size_t n = b.book.n_accounts;
    b.book.n_accounts = 0;
    struct session *s = open_session(&dev);
    prices(s, START_NS, FALL_PPM);
    memcpy(px, oracle_prices(session_oracle(s)), MARKET_ASSETS_MAX * sizeof *px);
    session_free(s);
    device_close(dev);
    b.book.n_accounts = n;
}

static void make_book(size_t flags, int64_t px[MARKET_ASSETS_MAX])
{
    struct err e;
    size_t kept = 0;
    const struct gen_options o = {.seed = 7,
                                  .accounts = (uint32_t)flags * 2 + 1000,
                                  .prices = PRICES,
                                  .n_prices = N_PRICES,
                                  .near_ppm = 1000000,
                                  .guard_ppm = GEN_GUARD_PPM};
    if (accounts_generate(&o, &b.book, &e) != 0)
        die("book", &e);
    fallen(px);
    for (size_t i = 0; i < b.book.n_accounts && kept < flags; i++) {
        struct health h;
        struct account *a = &b.book.account[i];
        a->rule->health(&b.book.market, a, px, &h);
        if (h.liquidatable)
            b.book.account[kept++] = *a;
    }
    if (kept < flags)
        die("too few accounts fall with the market", NULL);
    b.book.n_accounts = kept;
    if (book_pack(&b.book, &e) != 0) // as a store is loaded
        die("book", &e);
}

// ---- what is measured

struct result {
    uint64_t total, cpu, device, first; // ns
    size_t flags_at_first;
};

static struct hist stage[STAGE_COUNT], total, rest, own, first;

// Time that this thread had a processor: on a machine that others use too, what a core of its own would have
// taken.
static uint64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Under this name callgrind finds it.
static __attribute__((noinline)) void burst_update(struct session *s)
{
    prices(s, START_NS + 1000000, FALL_PPM);
}

static struct result run_once(void)
{
    struct device *dev;
    struct session *s = open_session(&dev);
    prices(s, START_NS, 0);
    b.in_device = b.first_flag = b.flags = b.orders = 0;
    uint64_t cpu = cpu_ns(), from = clock_ticks();
    burst_update(s);
    uint64_t took = clock_ticks() - from;
    cpu = cpu_ns() - cpu;
    // All at once but for the few whose early flag came before; with room for all, all get their orders.
    if (b.flags < b.book.n_accounts - b.book.n_accounts / 100 || b.orders == 0)
        die("the burst did not come", NULL);
    for (int i = 0; i < STAGE_COUNT; i++)
        hist_merge(&stage[i], session_stage(s, (enum stage)i));
    session_free(s);
    device_close(dev);
    return (struct result){clock_ns(took), cpu, clock_ns(b.in_device), clock_ns(b.first_order - b.first_flag),
                           b.flags_at_first};
}

static void say(const char *what, const struct hist *h, uint64_t unit, const char *unit_name)
{
    double per = 1 / (double)unit;
    printf("%-40s min %8.2f  p50 %8.2f  p99 %8.2f  max %8.2f %s\n", what, (double)h->min * per,
           (double)hist_percentile(h, SHARE_P50) * per, (double)hist_percentile(h, SHARE_P99) * per,
           (double)h->max * per, unit_name);
}

// The rules alone, over all accounts in the order of their flags.
static void rules_alone(const int64_t px[MARKET_ASSETS_MAX])
{
    for (size_t r = 0; rule_at(r); r++) {
        static struct order_size size;
        uint64_t health = 0, sizing = 0;
        size_t n = 0;
        for (size_t i = 0; i < b.book.n_accounts; i++) {
            static struct account scratch;
            const struct account *a = book_account(&b.book, i, &scratch);
            struct health h;
            if (a->rule != rule_at(r))
                continue;
            uint64_t t0 = clock_ticks();
            a->rule->health(&b.book.market, a, px, &h);
            uint64_t t1 = clock_ticks();
            (void)a->rule->size(&b.book.market, a, px, &b.cfg.desk.size, &size);
            sizing += clock_ticks() - t1;
            health += t1 - t0;
            n++;
        }
        if (n)
            printf("  %-16s %6zu accounts: health %5llu ns, size %5llu ns (mean)\n", rule_at(r)->name, n,
                   (unsigned long long)clock_ns(health / n), (unsigned long long)clock_ns(sizing / n));
    }
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);
    if (*end || v == 0 || v > LANES * SLOTS)
        die("a number from 1 to 32768 is needed", NULL);
    return (unsigned)v;
}

int main(int argc, char **argv)
{
    unsigned flags = FLAGS, runs = RUNS;
    char clock[200];
    int64_t px[MARKET_ASSETS_MAX];
    config_default(&b.cfg);
    b.cfg.engine.band_ppm = 100000; // the burst is judged, not the re-centring after it
    b.cfg.engine.warn_ppm = 0;
    b.cfg.desk.outstanding_max = LANES * SLOTS;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--flags") == 0)
            flags = number(argv[i + 1]);
        else if (strcmp(argv[i], "--runs") == 0)
            runs = number(argv[i + 1]);
        else if (strcmp(argv[i], "--outstanding") == 0)
            b.cfg.desk.outstanding_max = number(argv[i + 1]);
        else
            die("usage: burst [--flags N] [--runs R] [--outstanding M]", NULL);
    }
    clock_init();
    device_register(&device_ops_model);
    b.log = malloc(LOG_BYTES);
    if (!b.log)
        die("out of memory", NULL);
    memset(b.log, 1, LOG_BYTES); // as the journal's ring: no page faults later
    make_book(flags, px);
    for (int i = 0; i < STAGE_COUNT; i++)
        hist_init(&stage[i]);
    hist_init(&total);
    hist_init(&rest);
    hist_init(&own);
    hist_init(&first);
    struct result r = {0};
    for (unsigned i = 0; i < runs; i++) {
        r = run_once();
        hist_record(&total, r.total);
        hist_record(&rest, r.total - r.device);
        hist_record(&own, r.cpu);
        hist_record(&first, r.first);
    }
    printf("Burst, measured on a synthetic load: %u flags of one price update, %u runs\n", flags, runs);
    printf("clock: %s\n", clock_describe(clock, sizeof clock));
    printf("orders handed over: %zu; the first after %zu of %zu events were read\n\n", b.orders,
           r.flags_at_first, b.flags);
    say("frame to last order, device included", &total, 1000000, "ms");
    say("confirmed, sized, ranked, logged, queued", &rest, 1000000, "ms");
    say("frame to last order, time on a processor", &own, 1000000, "ms");
    say("first flag read to first order out", &first, 1000, "us");
    printf("per flag: %.0f ns (median run, time on a processor)\n",
           (double)hist_percentile(&own, SHARE_P50) / (double)flags);
    say("  one flag: confirm", &stage[STAGE_CONFIRM], 1, "ns");
    say("  one flag: size", &stage[STAGE_SIZE], 1, "ns");
    say("  one flag: hand over", &stage[STAGE_ORDER], 1, "ns");
    rules_alone(px);
    printf("aim: %u flags in %u us: %s (median), %s (slowest run)\n", flags, AIM_US,
           hist_percentile(&rest, SHARE_P50) <= AIM_US * UINT64_C(1000) ? "met" : "missed",
           rest.max <= AIM_US * UINT64_C(1000) ? "met" : "missed");
    printf("by time on a processor: %s (median), %s (slowest run)\n",
           hist_percentile(&own, SHARE_P50) <= AIM_US * UINT64_C(1000) ? "met" : "missed",
           own.max <= AIM_US * UINT64_C(1000) ? "met" : "missed");
    return 0;
}
