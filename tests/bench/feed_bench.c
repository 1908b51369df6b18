// SPDX-License-Identifier: Apache-2.0
// Benchmark of the feed decoders, for feed_bench.py (`make bench`). One line a case and subject, tab
// separated:
//   case, subject, packets, messages, delivered, batches, then ns of a packet: mean, p50, p90, p99, p99.9,
//   p99.99
// Subjects: feed (frame to feed_msg: link layers, recognition, checks, order, decoding, books), and two that
// do less: walk (libpcap reads the same frames from memory, one load a cache line of payload), schema (the
// same fields through tables, schema.h).
// messages: those of datagrams that were accepted, copies not; delivered: feed_msg that came out.
// A batch is BATCH packets between two readings of the clock, whose own cost is taken off. Each pass begins
// with a new context; its definitions and snapshots go in before the clock starts.
//   feed_bench [--captures DIR] [--case NAME] [--subject NAME] [--passes N] [--count] [--list]
// --count: with --passes 1, the pass's instructions by the processor's counter instead of times, or "-".
// --passes 1 is the fixed run whose instructions are counted: all of bench_pass(), nothing else.
#include "load.h"
#include "schema.h"

#include "feed/feed.h"
#include "feed/wire.h"

#include <linux/perf_event.h>
#include <malloc.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, PASSES = 200, CASES_MAX = 16, PATH = 512 };

struct bench_case {
    const char *name, *protocol;
    struct load load;
};

struct run {
    const struct bench_case *of;
    struct feed *feed;
    pcap_t *pcap;
    const struct schema *schema;
    uint64_t sum; // of what was read, so that nothing is read in vain
    uint64_t delivered;
    double *ns; // of a packet, one for each batch; NULL: not wanted
    size_t batches;
    double clock_ns;
    int counter; // of instructions, -1 = none
    uint64_t instructions;
};
typedef void step(struct run *r, size_t from, size_t to);

// ---- subjects

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct run *r = ctx;
    (void)p;
    r->delivered++;
    r->sum += (uint64_t)(m->has & HAS_MARK   ? m->mark.v.m
                         : m->has & HAS_BID  ? m->bid.v.m ^ m->bid_amount.v.m
                         : m->has & HAS_LAST ? m->last.v.m
                                             : 0);
}
static void on_end(void *ctx, const struct feed_packet *p)
{
    ((struct run *)ctx)->sum += p->seq;
}

static void step_feed(struct run *r, size_t from, size_t to)
{
    const struct feed_sink sink = {r, on_msg, on_end};
    for (size_t i = from; i < to; i++) {
        const struct frame *f = &r->of->load.frame[i];
        (void)feed_frame(r->feed, f->ts_ns, f->bytes, f->caplen, f->wirelen, &sink);
    }
}

static void step_walk(struct run *r, size_t from, size_t to)
{
    struct pcap_pkthdr *h;
    const u_char *data;
    for (size_t i = from; i < to && pcap_next_ex(r->pcap, &h, &data) == 1; i++) {
        struct frame f = {0, (uint8_t *)(uintptr_t)data, h->caplen, h->len};
        size_t len;
        uint16_t port;
        const uint8_t *p = load_payload(&f, &len, &port);
        for (size_t at = 0; p && at < len; at += 64)
            r->sum += p[at];
    }
}

static void on_record(void *ctx, const struct schema_record *s)
{
    struct run *r = ctx;
    r->delivered++;
    for (unsigned i = 0; i < s->n; i++)
        r->sum += s->value[i].type == S_CHARS ? *s->value[i].v.chars : s->value[i].v.u;
}
static void step_schema(struct run *r, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        size_t len;
        uint16_t port;
        const uint8_t *p = load_payload(&r->of->load.frame[i], &len, &port);
        if (p)
            schema_read(r->schema, p, len, on_record, r);
    }
}

static const struct {
    const char *name;
    step *step;
} SUBJECTS[] = {{"feed", step_feed}, {"walk", step_walk}, {"schema", step_schema}};
enum { SUBJECT_COUNT = sizeof SUBJECTS / sizeof SUBJECTS[0] };

// ---- running them

static double now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double clock_cost(void)
{
    double best = 1e9;
    for (unsigned i = 0; i < 10000; i++) {
        double a = now_ns(), b = now_ns();
        best = b - a < best ? b - a : best;
    }
    return best;
}

static int open_counter(void)
{
    struct perf_event_attr a = {.type = PERF_TYPE_HARDWARE,
                                .size = sizeof a,
                                .config = PERF_COUNT_HW_INSTRUCTIONS,
                                .disabled = 1,
                                .exclude_kernel = 1,
                                .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

// Exported and never inlined: callgrind counts what happens between its begin and end.
void bench_pass(struct run *r, step *s);
__attribute__((noinline)) void bench_pass(struct run *r, step *s)
{
    const struct load *l = &r->of->load;
    if (!r->ns) {
        s(r, l->prelude, l->n);
        return;
    }
    for (size_t i = l->prelude; i < l->n; i += BATCH) {
        size_t to = i + BATCH < l->n ? i + BATCH : l->n;
        double a = now_ns();
        s(r, i, to);
        double ns = now_ns() - a - r->clock_ns;
        r->ns[r->batches++] = (ns > 0 ? ns : 0) / (double)(to - i);
    }
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "feed bench: %s\n", what);
    exit(2);
}

static pcap_t *open_memory(FILE *file)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *p = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!p)
        fail(why);
    return p;
}

// The frames as a capture file in memory, headers first; the prelude is left out.
static uint8_t *capture_image(const struct load *l, size_t *len)
{
    uint8_t *image = calloc(1, 24), *p;
    size_t at = 24;
    if (!image)
        fail("out of memory");
    le32_store(image, 0xa1b23c4d);
    le32_store(image + 4, 2 | 4 << 16);
    le32_store(image + 16, 65535);
    le32_store(image + 20, 1);
    for (size_t i = l->prelude; i < l->n; i++) {
        const struct frame *f = &l->frame[i];
        p = realloc(image, at + 16 + f->caplen);
        if (!p)
            fail("out of memory");
        image = p;
        le32_store(image + at, (uint32_t)(f->ts_ns / 1000000000u));
        le32_store(image + at + 4, (uint32_t)(f->ts_ns % 1000000000u));
        le32_store(image + at + 8, f->caplen);
        le32_store(image + at + 12, f->wirelen);
        memcpy(image + at + 16, f->bytes, f->caplen);
        at += 16 + f->caplen;
    }
    *len = at;
    return image;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const struct run *r, const char *subject, uint64_t messages, uint64_t delivered)
{
    static const unsigned PPM[] = {500000, 900000, 990000, 999000, 999900};
    const struct load *l = &r->of->load;
    double sum = 0;
    printf("%s\t%s\t%zu\t%llu\t%llu\t%zu", r->of->name, subject, l->n - l->prelude,
           (unsigned long long)messages, (unsigned long long)delivered, r->batches);
    if (r->ns) {
        for (size_t i = 0; i < r->batches; i++)
            sum += r->ns[i];
        qsort(r->ns, r->batches, sizeof *r->ns, by_value);
        printf("\t%.2f", sum / (double)r->batches);
        for (size_t i = 0; i < sizeof PPM / sizeof PPM[0]; i++)
            printf("\t%.2f", r->ns[(size_t)((uint64_t)(r->batches - 1) * PPM[i] / 1000000u)]);
    }
    if (!r->ns && r->instructions)
        printf("\t%llu", (unsigned long long)r->instructions);
    else if (!r->ns)
        printf("\t-");
    printf("\n");
    (void)fflush(stdout);
}

// Making a context clears tens of megabytes. The frames are read once after that, so that every subject finds
// them where a NIC leaves them: in the cache, not in memory.
static uint64_t read_once(const struct load *l)
{
    uint64_t sum = 0;
    for (size_t i = l->prelude; i < l->n; i++)
        for (size_t at = 0; at < l->frame[i].caplen; at += 64)
            sum += l->frame[i].bytes[at];
    return sum;
}

struct tally {
    uint64_t messages, delivered;
};

static void one_pass(struct run *r, unsigned subject, const uint8_t *image, size_t image_len, struct tally *t)
{
    const struct load *l = &r->of->load;
    FILE *file = NULL;
    if (subject == 0 && !(r->feed = feed_new()))
        fail("out of memory");
    if (subject == 0)
        step_feed(r, 0, l->prelude);
    if (subject == 1) {
        file = fmemopen((void *)(uintptr_t)image, image_len, "rb");
        if (!file)
            fail("out of memory");
        r->pcap = open_memory(file);
    }
    r->sum += read_once(l);
    uint64_t before = subject == 0 ? feed_counters(r->feed)->messages : 0;
    r->delivered = 0;
    if (r->counter >= 0)
        (void)ioctl(r->counter, PERF_EVENT_IOC_ENABLE, 0);
    bench_pass(r, SUBJECTS[subject].step);
    if (r->counter >= 0) {
        (void)ioctl(r->counter, PERF_EVENT_IOC_DISABLE, 0);
        if (read(r->counter, &r->instructions, sizeof r->instructions) != sizeof r->instructions)
            r->instructions = 0;
    }
    if (subject == 0)
        *t = (struct tally){feed_counters(r->feed)->messages - before, r->delivered};
    else
        t->delivered = r->delivered;
    if (subject == 0)
        feed_free(r->feed);
    if (subject == 1)
        pcap_close(r->pcap);
}

static uint64_t run_subject(const struct bench_case *of, unsigned subject, unsigned passes, uint64_t messages,
                            bool count)
{
    struct run r = {.of = of,
                    .schema = schema_of(of->protocol),
                    .clock_ns = clock_cost(),
                    .counter = count ? open_counter() : -1};
    size_t len = 0, per_pass = (of->load.n - of->load.prelude + BATCH - 1) / BATCH;
    uint8_t *image = subject == 1 ? capture_image(&of->load, &len) : NULL;
    struct tally t = {messages, 0};
    double *ns = passes > 1 ? calloc(per_pass * passes, sizeof *ns) : NULL;
    if (passes > 1 && !ns)
        fail("out of memory");
    for (unsigned i = 0; i < passes + (passes > 1); i++) { // the first one warms up
        r.ns = ns;
        r.batches = i > 1 ? r.batches : 0;
        one_pass(&r, subject, image, len, &t);
    }
    report(&r, SUBJECTS[subject].name, t.messages, t.delivered);
    free(image);
    free(ns);
    if (r.counter >= 0)
        (void)close(r.counter);
    if (r.sum == 42)
        (void)fputc('\n', stderr);
    return t.messages;
}

// ---- cases

static size_t find_cases(struct bench_case *c, const char *dir)
{
    char path[PATH];
    struct load all;
    size_t n = 0;
    (void)snprintf(path, sizeof path, "%s/deribit_legacy_sample_v1_6.pcapng", dir);
    if (!load_capture(&all, path)) {
        load_gen(&all);
        c[n++] = (struct bench_case){"deribit (made)", "deribit", {0}};
        c[n++] = (struct bench_case){"deribit tickers (made)", "deribit", {0}};
    } else {
        c[n++] = (struct bench_case){"deribit", "deribit", {0}};
        c[n++] = (struct bench_case){"deribit tickers", "deribit", {0}};
    }
    load_tickers(&c[n - 1].load, &all);
    c[n - 2].load = all;
    (void)snprintf(path, sizeof path, "%s/cme_mdp3_v8_fx_20160927_AB.pcapng", dir);
    if (load_capture(&all, path)) {
        c[n] = (struct bench_case){"cme, line A", "cme", {0}};
        load_cme(&c[n++].load, &all, false);
        c[n] = (struct bench_case){"cme, lines A and B", "cme", {0}};
        load_cme(&c[n++].load, &all, true);
        load_free(&all);
    } else {
        c[n] = (struct bench_case){"cme (made)", "cme", {0}};
        load_made_cme(&c[n++].load);
    }
    c[n] = (struct bench_case){"starbase (made)", "starbase", {0}};
    load_made_starbase(&c[n++].load);
    c[n] = (struct bench_case){"cde (made)", "cde", {0}};
    load_made_cde(&c[n++].load);
    return n;
}

int main(int argc, char **argv)
{
    const char *dir = "../shared/captures", *only = NULL, *subject = NULL;
    unsigned passes = PASSES;
    bool list = false, count = false;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--list"))
            list = true;
        else if (!strcmp(argv[i], "--count"))
            count = true;
        else if (!strcmp(argv[i], "--captures") && ++i)
            dir = value;
        else if (!strcmp(argv[i], "--case") && ++i)
            only = value;
        else if (!strcmp(argv[i], "--subject") && ++i)
            subject = value;
        else if (!strcmp(argv[i], "--passes") && ++i)
            passes = (unsigned)strtoul(value, NULL, 10);
        else
            fail("usage: feed_bench [--captures DIR] [--case NAME] [--subject NAME] [--passes N] [--count] "
                 "[--list]");
    }
    if (passes < 1 || passes > 100000)
        fail("--passes: 1..100000");
    // A new context reuses the old one's memory: page faults are the start's, not the decoder's.
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    static struct bench_case c[CASES_MAX];
    size_t n = find_cases(c, dir);
    for (size_t i = 0; i < n; i++) {
        uint64_t messages = 0;
        if (only && strcmp(c[i].name, only))
            continue;
        if (list)
            printf("%s\n", c[i].name);
        for (unsigned s = 0; s < SUBJECT_COUNT && !list; s++)
            if (!subject || !strcmp(subject, SUBJECTS[s].name))
                messages = run_subject(&c[i], s, passes, messages, count && passes == 1);
    }
    return 0;
}
