// SPDX-License-Identifier: Apache-2.0
// Model and Verilated RTL on the same command streams: events equal in every field but the stamps, under
// random back-pressure on both sides; and what only the RTL has: cycle counts (timing.c), counters,
// registers. usage: cosim [--seed N] [--beats N] [--record FILE] [--latency N] [--timing] [--bench TICKS]
// Prints TAP. Seed also from env SEED. --record writes the first stream with the model's events for judge.py;
// --latency is what TICK to TRIGGER must take in slot 0 (without it: what the geometry asks for, with the
// multiplier's second register); --timing: nothing but the cycle counts, for geometries too large for the
// rest.
#include "cosim.h"
#include "../unit/base/test_seed.h"
#include "device.h"
#include "sim_api.h"
#include "stream.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POLL = 37, KINDS = 256, CODES = 16 };

static struct {
    int n, failed;
    uint64_t seed, beats;
    // Events seen: nothing may be left out.
    uint64_t kind[KINDS], code[CODES], cause[CODES], coef_reads, bad_rows;
} t;

bool ok(bool good, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%s %d - ", good ? "ok" : "not ok", ++t.n);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    t.failed += !good;
    fflush(stdout);
    return good;
}

void bail_out(const char *why)
{
    printf("Bail out! %s\n", why);
    exit(1);
}

static struct device *open_device(const char *backend, unsigned in, unsigned out, uint64_t seed)
{
    struct device_config c = {.backend = backend, .seed = seed, .stall_in_pct = in, .stall_out_pct = out};
    struct device *d = NULL;
    struct err e;
    if (device_open(&c, &d, &e))
        bail_out(e.msg);
    return d;
}

static struct device *open_model(uint32_t lanes, uint32_t slots, uint32_t assets)
{
    struct device_config c = {.backend = "model", .lanes = lanes, .slots = slots, .assets = assets};
    struct device *d = NULL;
    struct err e;
    if (device_open(&c, &d, &e))
        bail_out(e.msg);
    return d;
}

static void record(FILE *f, char kind, struct beat b)
{
    if (kind == 'e')
        abi_event_mask(&b);
    if (f)
        fprintf(f, "%c %016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "\n", kind, b.w[3], b.w[2],
                b.w[1], b.w[0]);
}

static void seen(const struct beat *evt)
{
    struct abi_error x;
    abi_unpack_error(evt, &x); // a trigger's cause stands where an error's code does
    struct abi_read_data y;
    abi_unpack_read_data(evt, &y);
    t.kind[abi_opcode(evt)]++;
    t.coef_reads += abi_opcode(evt) == ABI_EVT_READ && y.coef && y.h;
    t.bad_rows += abi_opcode(evt) == ABI_EVT_ERROR && x.code >= ABI_ERR_COEF_ASSET && x.opcode == ABI_CMD_ROW;
    if (abi_opcode(evt) == ABI_EVT_ERROR)
        t.code[x.code]++;
    if (abi_opcode(evt) == ABI_EVT_TRIGGER)
        t.cause[x.code]++;
}

static size_t drain(struct device *d, FILE *rec)
{
    struct beat evt[POLL];
    size_t n, total = 0;
    while ((n = device_poll(d, evt, POLL)) > 0) {
        for (size_t i = 0; i < n; i++) {
            seen(&evt[i]);
            record(rec, 'e', evt[i]);
        }
        total += n;
    }
    return total;
}

// Everything submitted and every event taken; returns the number of events.
static size_t feed(struct device *d, const struct beat *b, size_t n, FILE *rec)
{
    size_t events = 0;
    for (size_t i = 0; i < n;) {
        size_t taken = device_submit(d, b + i, n - i);
        for (size_t k = i; k < i + taken; k++)
            record(rec, 'c', b[k]);
        i += taken;
        events += drain(d, rec);
    }
    return events;
}

static void random_run(unsigned in, unsigned out, uint64_t seed, FILE *rec)
{
    struct device *d = open_device("sim+model", in, out, seed);
    struct stream s;
    stream_init(&s, seed, d->info.lanes, d->info.slots, d->info.assets);
    struct beat *b = calloc(8 * stream_room(&s), sizeof *b);
    uint64_t beats = 0, events = 0;
    if (rec)
        fprintf(rec, "g %u %u %u\n", s.lanes, s.slots, s.assets);
    while (beats < t.beats && !device_mismatch(d, NULL, 0)) {
        size_t n = 0, want = 1 + stream_random(&s) % 200, room = 7 * stream_room(&s);
        while (n < want && n < room) // in one piece, so that beats follow each other without a gap
            n += stream_next(&s, b + n);
        events += feed(d, b, n, rec);
        beats += n;
    }
    struct beat sync;
    abi_pack_sync(&sync, &(struct abi_sync){.token = seed});
    events += feed(d, &sync, 1, rec);
    char text[512] = "";
    bool bad = device_mismatch(d, text, sizeof text);
    ok(!bad,
       "%ux%ux%u random stream seed %" PRIu64 " stalls %u%%/%u%%: %" PRIu64 " beats, %" PRIu64
       " events equal%s%s",
       s.lanes, s.slots, s.assets, seed, in, out, beats, events, bad ? ": " : "", text);
    struct device_counters c;
    device_counters(d, &c);
    ok(c.events == events && c.commands == beats + 1, "counters: %" PRIu64 " commands, %" PRIu64 " events",
       c.commands, c.events);
    free(b);
    device_close(d);
}

// Nobody hurries to take the answers: they queue, no operation is issued, and the waiting is counted.
static void waiting(uint64_t seed)
{
    enum { ANSWERS = 1000 };
    struct device *d = open_device("sim", 0, 90, seed);
    struct beat b, evt;
    uint64_t got = 0;
    bool good = true;
    for (uint64_t sent = 0; sent < ANSWERS;) {
        abi_pack_sync(&b, &(struct abi_sync){.token = sent});
        sent += device_submit(d, &b, 1);
        if (sent % 250 == 0)
            while (device_poll(d, &evt, 1) == 1) {
                struct abi_sync_done x;
                abi_unpack_sync_done(&evt, &x);
                good = good && abi_opcode(&evt) == ABI_EVT_SYNC && x.token == got++;
            }
    }
    struct device_counters c;
    device_counters(d, &c);
    // A small window brings commands so slowly that the core hardly ever has to wait.
    bool waited = c.stall_event_cycles > 0 && c.stall_in_cycles > 0;
    ok(good && got == ANSWERS && c.stall_out_cycles > 0 && (waited || d->info.window_depth < 64),
       "%" PRIu64 " answers in order at 90%% stalls; the wait is counted: stall_events %" PRIu64
       ", stall_out %" PRIu64 ", stall_in %" PRIu64 " cycles",
       got, c.stall_event_cycles, c.stall_out_cycles, c.stall_in_cycles);
    device_close(d);
}

static void counters(uint64_t seed)
{
    struct device *a = open_device("sim", 20, 20, seed);
    struct device *m = open_model(a->info.lanes, a->info.slots, a->info.assets);
    struct stream s;
    stream_init(&s, seed, a->info.lanes, a->info.slots, a->info.assets);
    struct beat *b = calloc(400 * stream_room(&s), sizeof *b);
    size_t n = 0;
    for (int i = 0; i < 400; i++)
        n += stream_next(&s, b + n);
    feed(a, b, n, NULL); // in one piece, so that things that are counted coincide
    feed(m, b, n, NULL);
    struct device_counters x, y;
    device_counters(a, &x);
    device_counters(m, &y);
    ok(x.commands == y.commands && x.events == y.events && x.ticks == y.ticks && x.rows == y.rows &&
           x.triggers == y.triggers && x.band_exits == y.band_exits && x.errors == y.errors && x.ticks &&
           x.rows,
       "RTL and model count the same: %" PRIu64 " ticks, %" PRIu64 " rows, %" PRIu64 " triggers, %" PRIu64
       " exits, %" PRIu64 " errors",
       x.ticks, x.rows, x.triggers, x.band_exits, x.errors);
    ok(x.cycles > 0 && x.stall_in_cycles > 0 && x.stall_out_cycles > 0, "cycles and stalls are counted");
    free(b);
    device_close(m);
    device_close(a);
}

static size_t phrases(struct stream *s, struct beat *b, size_t n)
{
    size_t len = 0;
    while (n--)
        len += stream_next(s, b + len);
    return len;
}

// The events of the same beats on both, stamps apart.
static bool same_events(struct sim *s, struct device *m, const struct beat *b, size_t n)
{
    struct beat x, y;
    size_t to_sim = 0, to_model = 0;
    bool more = true;
    while (to_sim < n || to_model < n || more) {
        to_sim += sim_submit(s, b + to_sim, n - to_sim);
        to_model += device_submit(m, b + to_model, n - to_model);
        more = device_poll(m, &y, 1) == 1;
        if (more && (sim_poll(s, &x, 1) != 1 || !abi_event_equal(&x, &y)))
            return false;
        if (!more && to_sim < n && sim_poll(s, &x, 1) != 0)
            return false;
    }
    return sim_poll(s, &x, 1) == 0;
}

// Reset in the middle of ticks, row loads, bursts and stalls: afterwards the core is a new device.
static void reset_anywhere(uint64_t seed)
{
    enum { ROUNDS = 40, PHRASES = 60 };
    const char *why = "";
    struct sim *s =
        sim_open(&(struct sim_config){.seed = seed, .stall_in_pct = 30, .stall_out_pct = 60}, &why);
    if (!s)
        bail_out(why);
    struct stream st;
    uint32_t lanes = sim_read(s, ABI_REG_LANES), slots = sim_read(s, ABI_REG_SLOTS),
             assets = sim_read(s, ABI_REG_ASSETS);
    stream_init(&st, seed, lanes, slots, assets);
    struct beat *b = calloc(PHRASES * stream_room(&st), sizeof *b);
    bool good = true;
    for (int k = 0; k < ROUNDS && good; k++) {
        struct device *m = open_model(lanes, slots, assets);
        sim_submit(s, b, phrases(&st, b, PHRASES));
        good = sim_reset(s, stream_random(&st) % 1500) == 0 && sim_read(s, ABI_REG_COMMANDS) == 0 &&
               sim_read(s, ABI_REG_EVENTS) == 0 && sim_read(s, ABI_REG_ERROR_FLAGS) == 0;
        good = good && same_events(s, m, b, phrases(&st, b, PHRASES));
        device_close(m);
    }
    ok(good, "after a reset in the middle of anything the core is as new, %d times", ROUNDS);
    free(b);
    sim_close(s);
}

static void run_one(struct sim *s, struct beat b)
{
    struct beat evt;
    sim_submit(s, &b, 1);
    while (sim_poll(s, &evt, 1))
        ;
}

static void registers(uint64_t seed)
{
    const char *why = "";
    struct sim *s = sim_open(&(struct sim_config){.seed = seed}, &why);
    if (!s)
        bail_out(why);
    struct beat b = {{0}};
    ok(sim_read(s, ABI_REG_MAGIC) == ABI_MAGIC && sim_read(s, ABI_REG_ABI_VERSION) == ABI_VERSION &&
           sim_read(s, ABI_REG_ABI_HASH) == (uint32_t)ABI_HASH &&
           sim_read(s, ABI_REG_ABI_HASH + 4) == ABI_HASH >> 32 && sim_read(s, 0xff8) == 0,
       "identity registers, and 0 where there is none");
    ok(sim_read(s, ABI_REG_STATUS) == ABI_STATUS_IDLE && sim_read(s, ABI_REG_ERROR_FLAGS) == 0,
       "idle, no error flag");
    run_one(s, b);
    abi_pack_read(&b, &(struct abi_read){.row = 0xffffff});
    run_one(s, b);
    uint32_t want = 1u << ABI_ERR_OPCODE | 1u << ABI_ERR_ROW;
    ok(sim_read(s, ABI_REG_ERROR_FLAGS) == want, "error flags show what was refused");
    sim_write(s, ABI_REG_ERROR_FLAGS, 1u << ABI_ERR_OPCODE);
    sim_write(s, ABI_REG_LANES, 7);
    ok(sim_read(s, ABI_REG_ERROR_FLAGS) == 1u << ABI_ERR_ROW && sim_read(s, ABI_REG_LANES) != 7,
       "writing 1 clears an error flag, and nothing else can be written");
    abi_pack_row(&b, &(struct abi_row){.row = 0, .n = 4});
    run_one(s, b);
    ok(sim_read(s, ABI_REG_STATUS) == (ABI_STATUS_IDLE | ABI_STATUS_LOADING),
       "an open row load shows in the status");
    sim_close(s);
}

// What TICK to TRIGGER takes on the geometry at hand when nothing else is said.
static uint32_t usual_latency(void)
{
    enum { BASE = 4, MUL_REG = 1, GROUP_LANES = 32, JOIN = 2 };
    struct device *d = open_device("sim", 0, 0, 1);
    uint32_t cycles = BASE + MUL_REG + (d->info.lanes > GROUP_LANES ? JOIN : 0);
    device_close(d);
    return cycles;
}

static void coverage(void)
{
    bool good = t.coef_reads && t.bad_rows;
    for (int k = ABI_EVT_BAND_EXIT; k <= ABI_EVT_ERROR; k++)
        good = good && t.kind[k];
    for (int c = ABI_ERR_OPCODE; c <= ABI_ERR_COEF_VALUE; c++)
        good = good && t.code[c];
    for (int c = ABI_CAUSE_TICK; c <= ABI_CAUSE_ARM; c++)
        good = good && t.cause[c];
    ok(good,
       "the streams reached every event, error code and cause (%" PRIu64 " triggers: %" PRIu64 " %" PRIu64
       " %" PRIu64 ")",
       t.kind[ABI_EVT_TRIGGER], t.cause[ABI_CAUSE_TICK], t.cause[ABI_CAUSE_ROW], t.cause[ABI_CAUSE_ARM]);
}

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void bench(uint64_t ticks)
{
    static const char *const backends[] = {"sim", "model", "sim+model"};
    for (int k = 0; k < 3; k++) {
        struct device *d = open_device(backends[k], 0, 0, 1);
        double start = now_s();
        for (uint64_t i = 0; i < ticks; i++) {
            struct beat b;
            abi_pack_tick(&b,
                          &(struct abi_tick){.asset = (uint16_t)(i % 8), .price = i % 1000, .last = true});
            feed(d, &b, 1, NULL);
        }
        double took = now_s() - start;
        struct device_counters c;
        device_counters(d, &c);
        printf("# %s: %.0f ticks/s one by one, %" PRIu64 " RTL cycles\n", backends[k], (double)ticks / took,
               c.cycles);
        device_close(d);
    }
}

static void everything_else(FILE *rec)
{
    static const unsigned stalls[][2] = {{0, 0}, {40, 40}, {80, 0}, {0, 90}, {95, 95}, {0, 0}};
    const size_t runs = sizeof stalls / sizeof *stalls;
    for (size_t i = 0; i < runs; i++) {
        random_run(stalls[i][0], stalls[i][1], t.seed + i, i == 0 ? rec : NULL);
        if (i == 0 && rec)
            fclose(rec);
    }
    coverage();
    counters(t.seed + runs);
    registers(t.seed);
    reset_anywhere(t.seed + runs + 1);
    waiting(t.seed + runs + 2);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"seed", required_argument, NULL, 's'},
                                          {"beats", required_argument, NULL, 'b'},
                                          {"record", required_argument, NULL, 'r'},
                                          {"bench", required_argument, NULL, 'p'},
                                          {"latency", required_argument, NULL, 'l'},
                                          {"timing", no_argument, NULL, 't'},
                                          {0}};
    FILE *rec = NULL;
    uint32_t latency = 0;
    bool only_timing = false;
    t.seed = seed_or(20261120);
    t.beats = 20000;
    device_register(&device_ops_model);
    device_register(&device_ops_sim);
    device_register(&device_ops_compare);
    for (int opt; (opt = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (opt == 's')
            t.seed = strtoull(optarg, NULL, 0);
        else if (opt == 'b')
            t.beats = strtoull(optarg, NULL, 0);
        else if (opt == 'p')
            return bench(strtoull(optarg, NULL, 0)), 0;
        else if (opt == 'r')
            rec = fopen(optarg, "w");
        else if (opt == 'l')
            latency = (uint32_t)strtoul(optarg, NULL, 0);
        else if (opt == 't')
            only_timing = true;
        else
            return 2;
    }
    printf("# SEED=%" PRIu64 "\n", t.seed);
    if (!only_timing)
        everything_else(rec);
    timing(latency ? latency : usual_latency(), t.seed + 100);
    printf("1..%d\n", t.n);
    return t.failed != 0;
}
