// SPDX-License-Identifier: Apache-2.0
// Back end `vector` against the model: the same commands, every event and counter, on every instruction set
// that this processor has, in odd geometries, with calls cut anyhow: several commands at once, polls of one
// event or many, or none until no more commands are taken. Prints TAP. env SEED; usage: vector [--beats N]
#include "../unit/base/test_seed.h"
#include "device.h"
#include "stream.h"
#include "tap.h"

#include <getopt.h>
#include <string.h>

enum { POLL_MAX = 80, READ_ALL = 5000, READ_STEP = 32, NEAR_MAX = 16 };

static struct {
    uint64_t commands, events;
} t;

// ---- what the commands are
// Rows that live for long: prices walk, groups hold up to a dozen assets, few rows fire and are armed again.
// What stream.c makes reaches every corner of one command, but leaves hardly a row armed.
struct walk {
    struct stream *s;
    uint32_t near; // assets that are ticked
    uint64_t price[NEAR_MAX];
};

static uint32_t below(struct stream *s, uint64_t n)
{
    return (uint32_t)(stream_random(s) % n);
}

static uint32_t walk_asset(const struct walk *w, uint32_t i)
{
    return i + 1 == w->near ? w->s->assets - 1 : i; // the last column is among them
}

// Often where threads and words of blocks meet.
static uint32_t walk_any_row(struct walk *w)
{
    const uint32_t word = 64 * 64;
    uint32_t row = below(w->s, w->s->rows);
    return below(w->s, 8) ? row : row / word * word;
}

static size_t walk_row(struct walk *w, struct beat *out, uint32_t row)
{
    struct stream *s = w->s;
    uint32_t n = below(s, 4);
    struct abi_row x = {.row = row, .armed = below(s, 8) != 0, .n = (uint16_t)n};
    x.h = below(s, 20) ? (int64_t)(stream_random(s) >> (25 + below(s, 16)))
                       : INT64_MAX - (int64_t)below(s, 1000000); // or about to wrap
    for (uint32_t i = 0; i < n; i++) {
        x.asset[i] = (uint16_t)walk_asset(w, below(s, 1 + below(s, w->near)));
        x.coef[i] = below(s, 3) ? (int32_t)below(s, 1u << 20) - (1 << 19)
                                : (below(s, 2) ? (below(s, 2) ? ABI_COEF_MIN : ABI_COEF_MAX) : 0);
    }
    abi_pack_row(out, &x);
    return 1;
}

static size_t walk_group(struct walk *w, struct beat *out)
{
    struct stream *s = w->s;
    size_t n = 1 + (below(s, 3) ? 0 : below(s, 14)), len = 0;
    bool closed = below(s, 10) != 0;
    s->group++;
    for (size_t i = 0; i < n; i++) {
        uint32_t k = below(s, w->near);
        uint64_t step = below(s, 50) ? below(s, 20001) - 10000 : stream_random(s);
        w->price[k] = (w->price[k] + step) & ABI_PRICE_MAX;
        struct abi_tick x = {.asset = (uint16_t)walk_asset(w, k), .price = w->price[k], .group = s->group};
        x.last = closed && i + 1 == n;
        abi_pack_tick(out + len++, &x);
        if (below(s, 25) == 0 && !x.last) { // a new unit in the middle: no row moves by it
            w->price[k] = stream_random(s) & ABI_PRICE_MAX;
            abi_pack_band(out + len++, &(struct abi_band){.asset = x.asset,
                                                          .hi = ABI_PRICE_MAX,
                                                          .set_price = true,
                                                          .price = w->price[k]});
        }
    }
    return len;
}

static size_t walk_next(struct walk *w, struct beat *out)
{
    struct stream *s = w->s;
    uint32_t pick = below(s, 100);
    if (pick < 60)
        return walk_group(w, out);
    if (pick < 75)
        return walk_row(w, out, walk_any_row(w));
    if (pick < 85)
        abi_pack_arm(out, &(struct abi_arm){.row = walk_any_row(w), .armed = below(s, 8) != 0});
    else if (pick < 97)
        abi_pack_read(out, &(struct abi_read){.row = walk_any_row(w),
                                              .coef = below(s, 2),
                                              .asset = (uint16_t)walk_asset(w, below(s, w->near))});
    else
        abi_pack_sync(out, &(struct abi_sync){.token = stream_random(s)});
    return 1;
}

// ---- both devices
struct pair {
    struct device *model, *vector;
    struct stream *s;
    struct beat *expected; // the model's events; those from head to tail are not matched yet
    size_t room, head, tail;
    uint64_t commands, events;
    bool same, greedy; // greedy: no event is taken before a command is refused
    char why[256];
};

static void differ(struct pair *p, const char *what, const struct beat *got, const struct beat *want)
{
    static const struct beat none;
    if (!p->same)
        return;
    p->same = false;
    got = got ? got : &none;
    want = want ? want : &none;
    snprintf(p->why, sizeof p->why,
             ": %s at event %" PRIu64 ", command %" PRIu64 ": %016" PRIx64 " %016" PRIx64 " %016" PRIx64
             " for %016" PRIx64 " %016" PRIx64 " %016" PRIx64,
             what, p->events, p->commands, got->w[2], got->w[1], got->w[0], want->w[2], want->w[1],
             want->w[0]);
}

static size_t take_events(struct pair *p, size_t max)
{
    struct beat evt[POLL_MAX];
    size_t n = device_poll(p->vector, evt, max);
    for (size_t i = 0; i < n; i++) {
        bool more = p->head < p->tail;
        if (!more || memcmp(&evt[i], &p->expected[p->head], sizeof evt[i]) != 0)
            differ(p, "not the model's event", &evt[i], more ? &p->expected[p->head] : NULL);
        p->head += more;
        p->events++;
    }
    return n;
}

static size_t poll_size(struct pair *p)
{
    switch (below(p->s, 4)) {
    case 0:
        return 1;
    case 1:
        return 1 + below(p->s, 3);
    default:
        return 1 + below(p->s, POLL_MAX);
    }
}

static void take_all(struct pair *p)
{
    while (take_events(p, poll_size(p)) > 0)
        ;
    if (p->head < p->tail)
        differ(p, "an event is missing", NULL, &p->expected[p->head]);
    p->head = p->tail = 0;
}

static void same_counters(struct pair *p)
{
    struct device_counters a, b;
    device_counters(p->model, &a);
    device_counters(p->vector, &b);
    if (memcmp(&a, &b, sizeof a) != 0)
        differ(p, "counters", &(struct beat){{b.events, b.triggers, b.ticks}},
               &(struct beat){{a.events, a.triggers, a.ticks}});
}

static void model_takes(struct pair *p, const struct beat *b)
{
    if (device_submit(p->model, b, 1) != 1)
        differ(p, "the model takes no command", NULL, NULL);
    size_t got;
    do {
        if (p->room - p->tail < POLL_MAX) {
            p->room = 2 * p->room + POLL_MAX;
            p->expected = realloc(p->expected, p->room * sizeof *p->expected);
            if (!p->expected)
                exit(1);
        }
        got = device_poll(p->model, p->expected + p->tail, POLL_MAX);
        p->tail += got;
    } while (got);
}

// The model says what is to be expected of a few commands; only then they go to the other.
static void both(struct pair *p, const struct beat *b, size_t n)
{
    for (size_t i = 0; i < n && p->same;) {
        size_t piece = 1 + below(p->s, 12), most = n - i < piece ? n - i : piece;
        for (size_t k = 0; k < most; k++)
            model_takes(p, b + i + k);
        for (size_t done = 0; done < most;) {
            size_t k = device_submit(p->vector, b + i + done, most - done);
            done += k;
            if (p->greedy ? k == 0 : below(p->s, 3) != 0)
                (void)take_events(p, poll_size(p));
        }
        i += most;
        p->commands += most;
        if (below(p->s, 200) == 0)
            same_counters(p);
        if (!p->greedy && below(p->s, 4))
            take_all(p);
    }
}

static void read_all(struct pair *p)
{
    uint32_t rows = p->s->rows, step = rows > READ_ALL ? READ_STEP : 1;
    for (uint32_t r = 0; r < rows && p->same; r += step) {
        struct beat b;
        abi_pack_read(&b, &(struct abi_read){.row = r});
        both(p, &b, 1);
    }
}

struct geometry {
    uint32_t lanes, slots, assets;
    uint64_t beats; // in percent of those asked for: the model is slow where rows are many
};
struct subject {
    const char *isa;
    unsigned threads;
};

static int open_device(const char *backend, const struct subject *x, const struct geometry *g,
                       struct device **d, struct err *e)
{
    struct device_config c = {.backend = backend,
                              .isa = x->isa,
                              .threads = x->threads,
                              .lanes = g->lanes,
                              .slots = g->slots,
                              .assets = g->assets};
    return device_open(&c, d, e);
}

static void run(const struct subject *x, const struct geometry *g, bool walking, bool greedy, uint64_t beats,
                uint64_t seed)
{
    struct stream s;
    stream_init(&s, seed, g->lanes, g->slots, g->assets);
    struct pair p = {.s = &s, .same = true, .greedy = greedy};
    struct err e;
    if (open_device("model", x, g, &p.model, &e) || open_device("vector", x, g, &p.vector, &e))
        bail_out(e.msg);
    struct walk w = {.s = &s, .near = g->assets < NEAR_MAX ? g->assets : NEAR_MAX};
    struct beat *b = calloc(stream_room(&s), sizeof *b);
    for (uint32_t r = 0; walking && r < s.rows && p.same; r++)
        both(&p, b, walk_row(&w, b, r));
    for (uint64_t due = p.commands + beats * g->beats / 100; p.commands < due && p.same;)
        both(&p, b, walking ? walk_next(&w, b) : stream_next(&s, b));
    read_all(&p);
    take_all(&p);
    same_counters(&p);
    struct device_counters c;
    device_counters(p.vector, &c);
    ok(p.same && c.triggers > 0,
       "%s, %u threads, %ux%ux%u %s%s seed %" PRIu64 ": %" PRIu64 " commands, %" PRIu64 " events, %" PRIu64
       " triggers equal%s",
       x->isa, x->threads, g->lanes, g->slots, g->assets, walking ? "walk" : "stream",
       greedy ? ", polled when full" : "", seed, p.commands, p.events, c.triggers, p.why);
    t.commands += p.commands;
    t.events += p.events;
    device_close(p.model);
    device_close(p.vector);
    free(p.expected);
    free(b);
}

static bool here(const struct subject *x)
{
    struct device *d = NULL;
    struct err e;
    if (open_device("vector", &(struct subject){.isa = x->isa}, &(struct geometry){1, 1, 1, 0}, &d, &e) ==
        0) {
        device_close(d);
        return true;
    }
    printf("ok %d - %s # SKIP %s\n", ++tap.n, x->isa, e.msg);
    return false;
}

static void run_all(const struct subject *x, uint64_t beats, uint64_t seed)
{
    static const struct geometry at[] = {
        {1, 1, 1, 100},     {1, 1, 4095, 100}, {63, 1, 7, 300},    {65, 1, 16, 300},    {5, 13, 1, 100},
        {64, 2, 9, 300},    {7, 11, 12, 300},  {32, 16, 256, 200}, {4096, 1, 12, 40},   {4097, 1, 64, 40},
        {64, 64, 4096, 40}, {256, 128, 16, 4}, {256, 512, 16, 1},  {4099, 31, 2048, 1},
    };
    const uint32_t large = 32768; // rows from which on two threads work
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        if (x->threads > 1 && at[i].lanes * at[i].slots < large)
            continue;
        if (at[i].assets < 4096) // stream.c speaks of assets that do not exist
            run(x, &at[i], false, i % 2, beats, seed + 2 * i);
        run(x, &at[i], true, i % 3 == 0, beats, seed + 2 * i + 1);
    }
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"beats", required_argument, NULL, 'b'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"isa", required_argument, NULL, 'i'},
                                          {0}};
    const char *only = NULL;
    static const char *const isas[] = {"scalar", "avx2", "avx512"};
    uint64_t seed = seed_or(20261120), beats = 40000;
    struct subject x = {.threads = 1};
    for (int opt; (opt = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (opt == 'b')
            beats = strtoull(optarg, NULL, 0);
        else if (opt == 'i')
            only = optarg;
        else if (opt == 't')
            x.threads = (unsigned)strtoul(optarg, NULL, 0);
        else
            return 2;
    }
    device_register(&device_ops_model);
    device_register(&device_ops_vector);
    printf("# SEED=%" PRIu64 "\n", seed);
    for (size_t k = 0; k < sizeof isas / sizeof *isas; k++) {
        x.isa = isas[k];
        if ((!only || strcmp(only, x.isa) == 0) && here(&x))
            run_all(&x, beats, seed);
    }
    printf("# %" PRIu64 " commands, %" PRIu64 " events\n", t.commands, t.events);
    return tap_end();
}
