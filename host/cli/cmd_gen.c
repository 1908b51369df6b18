// SPDX-License-Identifier: Apache-2.0
// tripline gen: a synthetic capture of a venue's feed along a seeded price path.
#include "base/bytes.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/number.h"
#include "feed/gen.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    PCAP_HEADER = 24,
    PCAP_RECORD = 16,
    PCAP_SNAPLEN = 262144,
    PCAP_ETHERNET = 1,
    OUTPUT_BUFFER = 1 << 20,
    PROGRESS_EVERY = 4096, // frames between looks at the clock
};
static const uint32_t PCAP_MAGIC_NS = 0xa1b23c4d;
static const uint64_t NS_PER_S = 1000000000;

static const char HELP[] =
    "usage: tripline gen -o FILE [OPTIONS]\n"
    "\n"
    "Writes a synthetic capture (classic pcap, nanoseconds) in Deribit's legacy multicast format: "
    "instrument\n"
    "definitions, price indexes and tickers along a price path, with books, trades and templates that a "
    "decoder\n"
    "has to walk past. The same options give the same bytes on every machine. It is a test tool: what it "
    "writes is\n"
    "synthetic load, not market data.\n"
    "\n"
    "  -o, --output FILE       the capture to write; - is standard output\n"
    "      --seed N            seed of prices and traffic (default 1)\n"
    "      --path NAME         calm    small moves only (default)\n"
    "                          trend   a steady decline by 12 %\n"
    "                          crash   -25 % within three seconds in the middle, then 40 % of it comes back\n"
    "                          gap     -12 % between two packets in the middle, calm otherwise\n"
    "                          (moves of the market; BTC follows it, others by 1.15 to 1.6 times as much)\n"
    "      --seconds S         length in seconds of market time (default 10), or\n"
    "      --packets N         length in packets\n"
    "      --rate PPS          packets a second (default 500, at most 10000000)\n"
    "      --instruments LIST  of these, comma separated (default all):\n"
    "                          BTC-PERPETUAL,ETH-PERPETUAL (inverse), "
    "BTC_USDC-PERPETUAL,ETH_USDC-PERPETUAL,\n"
    "                          "
    "SOL_USDC-PERPETUAL,XRP_USDC-PERPETUAL,DOGE_USDC-PERPETUAL,PEPE_USDC-PERPETUAL\n"
    "      --drop PCT          leave out this share of the packets: gaps in the sequence\n"
    "      --dup PCT           send this share of the packets twice\n"
    "      --corrupt PCT       follow this share of the packets with a damaged copy: cut captures, runts, "
    "wrong\n"
    "                          lengths, fragments, other protocols (none of them may yield a price)\n"
    "  -q, --quiet             no progress and no summary\n"
    "  -h, --help              this text\n"
    "\n"
    "Ctrl-C ends the file after the current packet; it stays a valid capture.\n"
    "Exit status: 0 done; 1 interrupted or cannot write; 2 wrong usage.\n";

struct options {
    struct gen_config config;
    const char *output;
    uint64_t seconds, packets; // 0 = not given
    bool quiet;
};

static volatile sig_atomic_t stop_requested;

static void on_signal(int sig)
{
    (void)sig;
    stop_requested = 1;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

// ---- options

static int parse_u64(const char *name, const char *text, uint64_t low, uint64_t high, uint64_t *out,
                     struct err *err)
{
    if (number_parse(text, low, high, out) != 0)
        return err_set(err, "--%s %s: expected a whole number from %" PRIu64 " to %" PRIu64, name, text, low,
                       high);
    return 0;
}

static int parse_percent(const char *name, const char *text, uint32_t *ppm, struct err *err)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !(v >= 0 && v <= 100))
        return err_set(err, "--%s %s: expected a percentage from 0 to 100", name, text);
    *ppm = (uint32_t)lround(v * 10000);
    return 0;
}

static int parse_option(int c, const char *name, struct options *o, struct err *err)
{
    uint64_t rate;
    switch (c) {
    case 'o':
        o->output = optarg;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case 's':
        return parse_u64(name, optarg, 0, UINT64_MAX, &o->config.seed, err);
    case 'p':
        return gen_parse_path(optarg, &o->config.path, err);
    case 't':
        return parse_u64(name, optarg, 1, UINT32_MAX, &o->seconds, err);
    case 'n':
        return parse_u64(name, optarg, 1, GEN_PACKETS_MAX, &o->packets, err);
    case 'r':
        if (parse_u64(name, optarg, 1, GEN_RATE_MAX, &rate, err))
            return -1;
        o->config.rate_pps = (uint32_t)rate;
        return 0;
    case 'i':
        return gen_parse_instruments(optarg, &o->config.instruments, err);
    case 'd':
        return parse_percent(name, optarg, &o->config.drop_ppm, err);
    case 'D':
        return parse_percent(name, optarg, &o->config.dup_ppm, err);
    default:
        return parse_percent(name, optarg, &o->config.corrupt_ppm, err);
    }
}

// Length of the run from --seconds or --packets.
static int settle_length(struct options *o, struct err *err)
{
    if (o->seconds && o->packets)
        return err_set(err, "give --seconds or --packets, not both");
    uint64_t rate = o->config.rate_pps;
    uint64_t seconds = o->seconds ? o->seconds : 10;
    o->config.packets = o->packets ? o->packets : seconds * rate; // both below 2^32
    if (o->config.packets > GEN_PACKETS_MAX)
        return err_set(err, "that is more than %" PRIu64 " packets: lower --seconds or --rate",
                       GEN_PACKETS_MAX);
    if (o->config.start_ns / NS_PER_S + o->config.packets / rate + 1 > UINT32_MAX)
        return err_set(err, "the run would end after 2106, where a pcap's clock does: shorten it");
    return 0;
}

// ---- the file

static bool put_header(FILE *out)
{
    uint8_t h[PCAP_HEADER] = {0};
    le32_store(h, PCAP_MAGIC_NS);
    le16_store(h + 4, 2);
    le16_store(h + 6, 4);
    le32_store(h + 16, PCAP_SNAPLEN);
    le32_store(h + 20, PCAP_ETHERNET);
    return fwrite(h, sizeof h, 1, out) == 1;
}

static bool put_frame(FILE *out, uint64_t ts_ns, const uint8_t *frame, size_t len, size_t wire)
{
    uint8_t h[PCAP_RECORD];
    le32_store(h, (uint32_t)(ts_ns / NS_PER_S));
    le32_store(h + 4, (uint32_t)(ts_ns % NS_PER_S));
    le32_store(h + 8, (uint32_t)len);
    le32_store(h + 12, (uint32_t)wire);
    return fwrite(h, sizeof h, 1, out) == 1 && fwrite(frame, len, 1, out) == 1;
}

struct progress {
    uint64_t begun_ns, shown_ns;
    bool tty, shown;
};

// On a terminal a line that is rewritten; elsewhere a line every ten seconds, from the second on.
static void show_progress(struct progress *p, const struct gen_stats *s, uint64_t total)
{
    uint64_t now = now_ns();
    uint64_t pause = p->tty ? NS_PER_S / 5 : p->shown ? 10 * NS_PER_S : NS_PER_S;
    if (now - p->shown_ns < pause)
        return;
    p->shown_ns = now;
    p->shown = true;
    uint64_t done = s->packets - s->duplicates + s->dropped;
    fprintf(stderr, "%sgen: %" PRIu64 " of %" PRIu64 " packets (%" PRIu64 " %%)%s", p->tty ? "\r" : "", done,
            total, done * 100 / total, p->tty ? "" : "\n");
}

static int write_all(struct gen *g, const struct options *o, FILE *out)
{
    uint64_t ts_ns;
    const uint8_t *frame;
    size_t len;
    struct progress p = {.tty = isatty(STDERR_FILENO) == 1, .begun_ns = now_ns()};
    p.shown_ns = p.begun_ns;
    if (!put_header(out))
        return -1;
    for (uint64_t n = 1; !stop_requested && gen_next(g, &ts_ns, &frame, &len); n++) {
        if (!put_frame(out, ts_ns, frame, len, gen_wire_len(g)))
            return -1;
        if (n % PROGRESS_EVERY == 0 && !o->quiet)
            show_progress(&p, gen_stats(g), o->config.packets);
    }
    if (p.tty && p.shown)
        fputc('\n', stderr);
    return 0;
}

static void summary(const struct options *o, const struct gen_stats *s)
{
    uint64_t damaged = 0;
    for (unsigned d = 0; d < DROP_COUNT; d++)
        damaged += s->damaged[d];
    fprintf(stderr,
            "gen: %s: %" PRIu64 " frames (synthetic): %" PRIu64 " packets with %" PRIu64 " tickers, %" PRIu64
            " index prices, %" PRIu64 " definitions",
            o->output, s->frames, s->packets, s->tickers, s->indexes, s->instruments);
    if (s->dropped || s->duplicates || damaged)
        fprintf(stderr, "; %" PRIu64 " left out, %" PRIu64 " sent twice, %" PRIu64 " damaged frames",
                s->dropped, s->duplicates, damaged);
    fputc('\n', stderr);
}

static int write_file(struct gen *g, const struct options *o)
{
    bool to_stdout = strcmp(o->output, "-") == 0;
    FILE *out = to_stdout ? stdout : fopen(o->output, "wb");
    if (!out) {
        fprintf(stderr, "tripline gen: %s: cannot write: %s\n", o->output, strerror(errno));
        return EXIT_FAILURE;
    }
    setvbuf(out, NULL, _IOFBF, OUTPUT_BUFFER);
    errno = 0;
    int rc = write_all(g, o, out);
    int code = errno;
    if ((to_stdout ? fflush(out) : fclose(out)) != 0 && rc == 0) {
        rc = -1;
        code = errno;
    }
    if (rc) {
        fprintf(stderr, "tripline gen: %s: cannot write: %s\n", o->output, strerror(code));
        return EXIT_FAILURE;
    }
    if (!o->quiet)
        summary(o, gen_stats(g));
    if (stop_requested) {
        fputs("tripline gen: interrupted; the capture is valid up to here\n", stderr);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int run(const struct options *o)
{
    struct err err = {""};
    struct gen *g = gen_open(&o->config, &err);
    if (!g) {
        fprintf(stderr, "tripline gen: %s\n", err.msg);
        return EXIT_FAILURE;
    }
    struct sigaction sa = {.sa_handler = on_signal}; // without SA_RESTART: a blocked write must return
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    int status = write_file(g, o);
    gen_close(g);
    return status;
}

static int usage(const char *why)
{
    fprintf(stderr, "tripline gen: %s; try `tripline gen --help`\n", why);
    return EXIT_USAGE;
}

int cmd_gen(int argc, char **argv)
{
    static const struct option LONG[] = {{"output", required_argument, NULL, 'o'},
                                         {"seed", required_argument, NULL, 's'},
                                         {"path", required_argument, NULL, 'p'},
                                         {"seconds", required_argument, NULL, 't'},
                                         {"packets", required_argument, NULL, 'n'},
                                         {"rate", required_argument, NULL, 'r'},
                                         {"instruments", required_argument, NULL, 'i'},
                                         {"drop", required_argument, NULL, 'd'},
                                         {"dup", required_argument, NULL, 'D'},
                                         {"corrupt", required_argument, NULL, 'c'},
                                         {"quiet", no_argument, NULL, 'q'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    struct options o = {.output = NULL};
    struct err err = {""};
    int c, at = 0;
    gen_config_default(&o.config);
    optind = 1;
    while ((c = getopt_long(argc, argv, "o:qh", LONG, &at)) != -1) {
        if (c == 'h') {
            fputs(HELP, stdout);
            return EXIT_SUCCESS;
        }
        if (c == '?') {
            fputs("try `tripline gen --help`\n", stderr);
            return EXIT_USAGE;
        }
        if (parse_option(c, LONG[at].name, &o, &err))
            return usage(err.msg);
    }
    if (optind != argc)
        return usage("unexpected argument");
    if (!o.output)
        return usage("no output file given (-o FILE)");
    if (settle_length(&o, &err))
        return usage(err.msg);
    return run(&o);
}
