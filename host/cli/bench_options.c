// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_options.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/card_options.h"
#include "cli/number.h"
#include "cli/session_options.h"

enum {
    T0_RATE = 100000,
    T0_MESSAGES = 1000000,
    T0_ACCOUNTS = 1000000,
    T0_ROWS = 128, // lanes, and as many slots
    T0_ASSETS = 256,
    OTHER_ACCOUNTS = 100000,
    // A simulated device takes milliseconds a tick.
    SIM_MESSAGES = 5000,
    SIM_ACCOUNTS = 1000,
    // Some microseconds: some hundred orders, and rows that all fit the simulated device.
    TIMELINE_MESSAGES = 100000,
    TIMELINE_ACCOUNTS = 240,
    PASSES_MAX = 1000,
    MOST_FRAMES = 100000000,
    MOST_ACCOUNTS = 100000000,
    CPU_MOST = 4095,
    WORST_USUAL = 10
};
#define RATE_MOST 1e8

static const char help[] =
    "usage: tripline bench [OPTIONS]\n"
    "\n"
    "Plays a load through the production loop, from the frame in the ring to the order handed over, and says "
    "how long\n"
    "each stage took: percentiles, and the slowest frames one by one. docs/latency.md defines every figure.\n"
    "Without options: a load in the shape of STAC-T0, 100,000 messages a second for ten seconds, a million "
    "accounts,\n"
    "the device vector.\n"
    "\n"
    "load\n"
    "  --load t0[:A|:B]   messages with a random 64-bit id, of which one in 1,024 must lead to an order, "
    "matched by\n"
    "                     id; A: frames of 503 bytes, B (default): as short as the protocol allows\n"
    "  --load NAME        calm, trend, crash or gap: the synthetic venue of `tripline gen`\n"
    "  --capture FILE     a pcap or pcapng file of Ethernet frames, read into memory first\n"
    "  --packets N        t0: messages (default 1000000; 5000 with a simulated device); generated: packets; "
    "capture: at most\n"
    "  --seconds S        generated: length in seconds of market time (default 10)\n"
    "  --stamps PPS       t0, generated: packets a second by the frames' own stamps (default 100000, 500)\n"
    "  --seed N           of everything synthetic (default 1)\n"
    "  --dpdk             the capture through DPDK's net_pcap, which keeps its frames (some 7,000 at most) "
    "in\n"
    "                     buffers: what receiving costs is in the figures; with --max, one pass\n"
    "pace\n"
    "  --speed X          open loop: as the stamps say, X times as fast (default for captures and generated "
    "loads: 1)\n"
    "  --rate PPS         open loop: so many frames a second; repeatable, or --rates A,B,C: a run each\n"
    "                     (default for t0: 100000)\n"
    "  --poisson          with --rate: at random instead of evenly\n"
    "  --max              each frame when the one before is done: throughput, and service times without "
    "waiting\n"
    "                     (default with a simulated device)\n"
    "  --closed           closed loop: each frame after the one before and its orders; --think NS later\n"
    "  --warmup N         frames before anything is measured, as fast as they go (default a tenth, at least "
    "1000)\n"
    "  --passes N         the load N times, each with a new session; histograms together (default 1)\n";
static const char help_more[] =
    "session\n"
    "  --accounts DB      account store (see `tripline accounts`), or\n"
    "  --generate N       synthetic accounts (default 1000000 for t0, else 100000; 1000 with a simulated "
    "device)\n"
    "  --device NAME      vector (default), model, sim, or A+B, A*N, A,B as for `tripline run`\n"
    "  --isa NAME         instruction set of vector: auto (default), avx512, avx2, scalar\n"
    "  --threads N        threads of vector, 1 to 64 (default 1); the others never sleep\n"
    "  --geometry LxSxA   lanes, slots, assets of model and vector (default 32x16x256; vector 64x64x256, "
    "with t0\n"
    "                     128x128x256, of whose rows 4,096 are then hot)\n" CARD_HELP
    "  --set KEY=VALUE    a setting as for `tripline run`, repeatable\n"
    "  --oracle FILE      policies, as for `tripline run`\n"
    "  --dir DIR          keeps each pass's journal there (default: below TMPDIR, removed)\n"
    "  --no-journal       a log that keeps nothing: nothing waits for a disk\n"
    "  --cpu N            of the hot thread (default: an isolated one, else the last); the others stay off "
    "it\n"
    "  --no-spin          the gateway's thread sleeps 50 us between looks, as `tripline run` has it without "
    "--spin\n"
    "time line\n"
    "  --timeline         the first run's load once more, on the simulated device: a tick's host, card and "
    "link on "
    "one\n"
    "                     line, the slowest tick's waveform, what-if. The measured device (vector or model) "
    "gets "
    "the\n"
    "                     simulated one's geometry. Usual load then: t0 with 100000 messages and 1000 "
    "accounts, "
    "others\n"
    "                     with 240 accounts; --clock, --pcie and the like are the card's\n"
    "result\n"
    "  --worst N          slowest frames that are listed, 0 to 64 (default 10)\n"
    "  --json FILE        everything, for `tripline report --html` (docs/bench_format.md); - is standard "
    "output\n"
    "  --histograms FILE  an HdrHistogram log, for existing plotters\n"
    "  --title TEXT       above the result\n"
    "  --quiet            no progress\n"
    "  --help             this text\n"
    "\n"
    "Ctrl-C ends it; what was measured until then is reported, and said to be interrupted.\n"
    "exit status: 0 done; 1 failed, interrupted, or a hit without exactly one order; 2 wrong usage\n";

enum {
    OPT_LOAD = 256,
    OPT_CAPTURE,
    OPT_DPDK,
    OPT_PACKETS,
    OPT_SECONDS,
    OPT_STAMPS,
    OPT_SEED,
    OPT_SPEED,
    OPT_RATE,
    OPT_POISSON,
    OPT_MAX,
    OPT_CLOSED,
    OPT_THINK,
    OPT_WARMUP,
    OPT_PASSES,
    OPT_ACCOUNTS,
    OPT_GENERATE,
    OPT_DEVICE,
    OPT_ISA,
    OPT_THREADS,
    OPT_GEOMETRY,
    OPT_SET,
    OPT_ORACLE,
    OPT_DIR,
    OPT_NO_JOURNAL,
    OPT_CPU,
    OPT_NO_SPIN,
    OPT_WORST,
    OPT_JSON,
    OPT_HISTOGRAMS,
    OPT_TITLE,
    OPT_TIMELINE,
    OPT_QUIET
};

static const struct option options[] = {{"load", required_argument, NULL, OPT_LOAD},
                                        {"capture", required_argument, NULL, OPT_CAPTURE},
                                        {"dpdk", no_argument, NULL, OPT_DPDK},
                                        {"packets", required_argument, NULL, OPT_PACKETS},
                                        {"seconds", required_argument, NULL, OPT_SECONDS},
                                        {"stamps", required_argument, NULL, OPT_STAMPS},
                                        {"seed", required_argument, NULL, OPT_SEED},
                                        {"speed", required_argument, NULL, OPT_SPEED},
                                        {"rate", required_argument, NULL, OPT_RATE},
                                        {"rates", required_argument, NULL, OPT_RATE},
                                        {"poisson", no_argument, NULL, OPT_POISSON},
                                        {"max", no_argument, NULL, OPT_MAX},
                                        {"closed", no_argument, NULL, OPT_CLOSED},
                                        {"think", required_argument, NULL, OPT_THINK},
                                        {"warmup", required_argument, NULL, OPT_WARMUP},
                                        {"passes", required_argument, NULL, OPT_PASSES},
                                        {"accounts", required_argument, NULL, OPT_ACCOUNTS},
                                        {"generate", required_argument, NULL, OPT_GENERATE},
                                        {"device", required_argument, NULL, OPT_DEVICE},
                                        {"isa", required_argument, NULL, OPT_ISA},
                                        {"threads", required_argument, NULL, OPT_THREADS},
                                        {"geometry", required_argument, NULL, OPT_GEOMETRY},
                                        CARD_OPTIONS,
                                        {"set", required_argument, NULL, OPT_SET},
                                        {"oracle", required_argument, NULL, OPT_ORACLE},
                                        {"dir", required_argument, NULL, OPT_DIR},
                                        {"no-journal", no_argument, NULL, OPT_NO_JOURNAL},
                                        {"cpu", required_argument, NULL, OPT_CPU},
                                        {"no-spin", no_argument, NULL, OPT_NO_SPIN},
                                        {"worst", required_argument, NULL, OPT_WORST},
                                        {"json", required_argument, NULL, OPT_JSON},
                                        {"histograms", required_argument, NULL, OPT_HISTOGRAMS},
                                        {"title", required_argument, NULL, OPT_TITLE},
                                        {"timeline", no_argument, NULL, OPT_TIMELINE},
                                        {"quiet", no_argument, NULL, OPT_QUIET},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

// What was given, where that is not seen from the options themselves.
struct given {
    bool load, speed, max, closed, poisson, think, card;
    double times;
    uint64_t think_ns, seconds, stamps;
    double rate[BENCH_RUNS_MAX];
    size_t n_rates;
};

static int bad(const char *what, const char *arg)
{
    fprintf(stderr, "tripline bench: %s%s%s\ntry `tripline bench --help`\n", what, arg ? ": " : "",
            arg ? arg : "");
    return 2;
}

static int whole(uint64_t lo, uint64_t hi, uint64_t *out, const char *what)
{
    return number_parse(optarg, lo, hi, out) == 0 ? 0 : bad(what, optarg);
}

static int real(const char *text, char **end, double least, double most, double *out)
{
    *out = strtod(text, end);
    return *end != text && *out >= least && *out <= most ? 0 : -1;
}

static int take_load(struct bench_options *o)
{
    struct err e;
    o->kind = LOAD_T0;
    o->t0_large = strcmp(optarg, "t0:A") == 0;
    if (o->t0_large || strcmp(optarg, "t0") == 0 || strcmp(optarg, "t0:B") == 0)
        return 0;
    o->kind = LOAD_GENERATED;
    return gen_parse_path(optarg, &o->gen.path, &e) == 0
               ? 0
               : bad("--load wants t0, t0:A, t0:B, calm, trend, crash or gap", optarg);
}

static int take_rates(struct given *g)
{
    char *at = optarg;
    do {
        at += at != optarg; // the comma
        if (g->n_rates == BENCH_RUNS_MAX)
            return bad("at most 16 rates in one benchmark; make two of it", optarg);
        if (real(at, &at, 1, RATE_MOST, &g->rate[g->n_rates++]) != 0 || (*at && *at != ','))
            return bad("--rate and --rates want frames a second, 1 to 100000000, with commas between",
                       optarg);
    } while (*at);
    return 0;
}

static int take_pace(struct bench_options *o, struct given *g, int c)
{
    char *end;
    uint64_t n;
    switch (c) {
    case OPT_SPEED:
        g->speed = true;
        return real(optarg, &end, 1e-6, 1e9, &g->times) == 0 && !*end ? 0
                                                                      : bad("--speed wants a factor", optarg);
    case OPT_RATE:
        return take_rates(g);
    case OPT_POISSON:
        g->poisson = true;
        return 0;
    case OPT_MAX:
        g->max = true;
        return 0;
    case OPT_CLOSED:
        g->closed = true;
        return 0;
    case OPT_THINK:
        g->think = true;
        return whole(0, 1000000000, &g->think_ns, "--think wants nanoseconds, at most 1000000000");
    case OPT_WARMUP:
        return whole(0, MOST_FRAMES, &o->warmup, "--warmup wants a number of frames");
    default:
        if (whole(1, PASSES_MAX, &n, "--passes wants 1 to 1000"))
            return 2;
        o->passes = (unsigned)n;
        return 0;
    }
}

static int take_load_size(struct bench_options *o, struct given *g, int c)
{
    switch (c) {
    case OPT_LOAD:
        g->load = true;
        return take_load(o);
    case OPT_CAPTURE:
        o->capture = optarg;
        o->kind = LOAD_CAPTURE;
        return 0;
    case OPT_DPDK:
        o->dpdk = true;
        return 0;
    case OPT_PACKETS:
        return whole(1, MOST_FRAMES, &o->packets, "--packets wants 1 to 100000000");
    case OPT_SECONDS:
        return whole(1, UINT32_MAX, &g->seconds, "--seconds wants a number of seconds");
    case OPT_STAMPS:
        return whole(1, GEN_RATE_MAX, &g->stamps, "--stamps wants 1 to 10000000 packets a second");
    default:
        return whole(0, UINT64_MAX, &o->seed, "--seed wants a whole number");
    }
}

static int take_device(struct bench_options *o, int c)
{
    uint64_t n;
    switch (c) {
    case OPT_DEVICE:
        o->device.backend = optarg;
        return 0;
    case OPT_ISA:
        o->device.isa = optarg;
        return 0;
    case OPT_THREADS:
        if (whole(1, 64, &n, "--threads wants 1 to 64"))
            return 2;
        o->device.threads = (unsigned)n;
        return 0;
    default:
        return geometry_parse(optarg, &o->device) == 0
                   ? 0
                   : bad("--geometry wants LxSxA, e.g. 64x64x256", optarg);
    }
}

static int take_session(struct bench_options *o, int c)
{
    struct err e;
    uint64_t n;
    switch (c) {
    case OPT_ACCOUNTS:
        o->accounts = optarg;
        return 0;
    case OPT_GENERATE:
        return whole(1, MOST_ACCOUNTS, &o->generate, "--generate wants 1 to 100000000 accounts");
    case OPT_SET:
        return session_set(&o->config, optarg, &e) == 0 ? 0 : bad(e.msg, NULL);
    case OPT_ORACLE:
        o->oracle = optarg;
        return 0;
    case OPT_DIR:
        o->dir = optarg;
        return 0;
    case OPT_NO_JOURNAL:
        o->no_journal = true;
        return 0;
    case OPT_CPU:
        if (whole(0, CPU_MOST, &n, "--cpu wants the number of a CPU"))
            return 2;
        o->cpu = (int)n;
        return 0;
    default:
        o->no_spin = true;
        return 0;
    }
}

static int take_result(struct bench_options *o, int c)
{
    switch (c) {
    case OPT_WORST:
        return whole(0, WORST_MAX, &o->worst, "--worst wants 0 to 64");
    case OPT_JSON:
        o->json = optarg;
        return 0;
    case OPT_HISTOGRAMS:
        o->histograms = optarg;
        return 0;
    case OPT_TITLE:
        o->title = optarg;
        return 0;
    case OPT_TIMELINE:
        o->timeline = true;
        return 0;
    default:
        o->quiet = true;
        return 0;
    }
}

static int take(struct bench_options *o, struct given *g, int c)
{
    if (c >= CARD_OPT_CLOCK) {
        g->card = true;
        return card_option(c, optarg, &o->card)
                   ? 0
                   : bad("bad value for an option of the simulated device", optarg);
    }
    if (c <= OPT_SEED)
        return take_load_size(o, g, c);
    if (c <= OPT_PASSES)
        return take_pace(o, g, c);
    if (c >= OPT_DEVICE && c <= OPT_GEOMETRY)
        return take_device(o, c);
    return c <= OPT_NO_SPIN ? take_session(o, c) : take_result(o, c);
}

// ---- what goes together, and what is usual

static bool simulated(const struct bench_options *o)
{
    return strstr(o->device.backend, "sim") != NULL;
}

static int check_pace(const struct given *g)
{
    int ways = g->speed + (g->n_rates != 0) + g->max + g->closed;
    if (ways > 1)
        return bad("one of --speed, --rate, --max and --closed", NULL);
    if (g->poisson && !g->n_rates)
        return bad("--poisson goes with --rate PPS", NULL);
    if (g->think && !g->closed)
        return bad("--think goes with --closed", NULL);
    return 0;
}

static int check(const struct bench_options *o, const struct given *g)
{
    if (o->capture && g->load)
        return bad("either --capture or --load", NULL);
    if (g->seconds && (o->kind != LOAD_GENERATED || o->packets))
        return bad("--seconds is a generated load's length, without --packets", NULL);
    if (g->stamps && o->kind == LOAD_CAPTURE)
        return bad("a capture has its stamps: no --stamps", NULL);
    if (o->dpdk && o->timeline)
        return bad("either --dpdk or --timeline, which plays the load twice", NULL);
    if (o->dpdk && (!o->capture || !g->max || o->passes > 1))
        return bad(
            "--dpdk goes with --capture FILE and --max, one pass: the port gives frames as they are taken",
            NULL);
    if (o->kind == LOAD_T0 && o->accounts)
        return bad("the load t0 has accounts of its own: --generate N instead of --accounts", NULL);
    if (o->accounts && o->generate)
        return bad("either --accounts or --generate", NULL);
    if (o->dir && o->no_journal)
        return bad("either --dir or --no-journal", NULL);
    if ((o->device.isa || o->device.threads) && !strstr(o->device.backend, "vector"))
        return bad("--isa and --threads need the device vector", o->device.backend);
    if (o->timeline && strcmp(o->device.backend, "vector") != 0 && strcmp(o->device.backend, "model") != 0)
        return bad("--timeline measures on --device vector or model, and simulates beside it",
                   o->device.backend);
    if (g->card && !simulated(o) && !o->timeline)
        return bad(
            "--clock, --pcie, --jitter, --ring, --watchdog and --quiet-card need the simulated device, "
            "or --timeline",
            o->device.backend);
    return check_pace(g);
}

// With nested boxes a quarter of the device's rows is filled: 4,096 of these. For a time line the simulated
// device says it (bench_timeline_open()).
static void settle_geometry(struct bench_options *o)
{
    if (o->timeline)
        return;
    if (!o->device.lanes && o->kind == LOAD_T0 && strcmp(o->device.backend, "vector") == 0) {
        o->device.lanes = o->device.slots = T0_ROWS;
        o->device.assets = T0_ASSETS;
    }
    session_geometry(&o->device);
}

static void settle_pace(struct bench_options *o, const struct given *g)
{
    struct pace_config p = {.mode = PACE_RECORDED, .times = g->speed ? g->times : 1, .seed = o->seed};
    o->n_runs = 1;
    if (g->max || (simulated(o) && !g->speed && !g->n_rates && !g->closed))
        p.mode = PACE_MAX;
    else if (g->closed)
        p.mode = PACE_CLOSED;
    else if (g->n_rates || (o->kind == LOAD_T0 && !g->speed))
        p.mode = PACE_RATE;
    p.think_ns = g->think_ns;
    p.poisson = g->poisson;
    p.rate_pps = T0_RATE;
    o->pace[0] = p;
    for (size_t i = 0; i < g->n_rates; i++) {
        o->pace[i] = p;
        o->pace[i].rate_pps = g->rate[i];
        o->n_runs = i + 1;
    }
}

static void settle_load(struct bench_options *o, const struct given *g)
{
    const bool sim = simulated(o), t0 = o->kind == LOAD_T0;
    o->gen.seed = o->seed;
    o->gen.rate_pps = g->stamps ? (uint32_t)g->stamps : t0 ? T0_RATE : o->gen.rate_pps;
    if (t0 && !o->packets)
        o->packets = sim ? SIM_MESSAGES : o->timeline ? TIMELINE_MESSAGES : T0_MESSAGES;
    o->gen.packets = o->packets ? o->packets : (g->seconds ? g->seconds : 10) * o->gen.rate_pps;
    if (!o->generate)
        o->generate = o->timeline && !t0   ? TIMELINE_ACCOUNTS
                      : sim || o->timeline ? SIM_ACCOUNTS
                      : t0                 ? T0_ACCOUNTS
                                           : OTHER_ACCOUNTS;
}

int bench_options_parse(int argc, char **argv, struct bench_options *o)
{
    struct given g = {0};
    memset(o, 0, sizeof *o);
    o->kind = LOAD_T0;
    o->seed = 1;
    o->warmup = UINT64_MAX;
    o->passes = 1;
    o->cpu = -1;
    o->worst = WORST_USUAL;
    o->title = "tripline bench";
    o->device.backend = "vector";
    o->device.arrival = true;
    o->card = device_card_default;
    config_default(&o->config);
    gen_config_default(&o->gen);
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(help, stdout);
            fputs(help_more, stdout);
            return 1;
        }
        int rc = c == '?' ? bad("bad option", NULL) : take(o, &g, c);
        if (rc)
            return rc;
    }
    if (optind < argc)
        return bad("unexpected argument", argv[optind]);
    int rc = check(o, &g);
    if (rc)
        return rc;
    o->device.card = &o->card;
    o->device.seed = o->seed;
    settle_geometry(o);
    settle_load(o, &g);
    settle_pace(o, &g);
    return 0;
}
