// SPDX-License-Identifier: Apache-2.0
// tripline gen: a synthetic capture of a venue's feed along a seeded price path.
// Also takes an existing capture's lines and impairs them.
#include "base/err.h"
#include "cli/cli.h"
#include "cli/gen_write.h"
#include "cli/number.h"
#include "cli/same_file.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };
static const uint64_t NS_PER_S = 1000000000;

static const char HELP[] =
    "usage: tripline gen -o FILE [OPTIONS]\n"
    "       tripline gen -o FILE --from CAPTURE --impair SPEC\n"
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
    "      --books LEVELS      books that can be rebuilt, with so many levels a side (at most 8) around the\n"
    "                          mark; else there are changes of some levels alone\n"
    "      --drop PCT          leave out this share of the packets: gaps in the sequence\n"
    "      --dup PCT           send this share of the packets twice\n"
    "      --corrupt PCT       follow this share of the packets with a damaged copy: cut captures, runts, "
    "wrong\n"
    "                          lengths, fragments, other protocols (none of them may yield a price)\n"
    "      --lines 2           the traffic on two lines, A and B: same content, B's groups are "
    "239.111.112.N\n"
    "      --impair SPEC       what happens to each line: LINE:KEY=VALUE,...;LINE:... with LINE A, B or AB\n"
    "                          drop=P         share lost: 0.01 or 1%\n"
    "                          dup=P          share followed by a copy\n"
    "                          delay=T[..T]   later by 200us, or by something between 50us..2ms, in order\n"
    "                          reorder=P[/N]  share that comes N packets late (1 to 64, default 1)\n"
    "                          during=T..T    only in this stretch: 5s..20s\n"
    "                          for example \"A:drop=0.01,delay=200us,dup=0.001,reorder=0.01/3;B:drop=2%\"\n"
    "      --from CAPTURE      impair this capture instead; its lines are told apart as decode does it, by\n"
    "                          address. Frames of no known protocol stay as they are. With --lines 2 a line "
    "B "
    "is made\n"
    "                          of a capture of Deribit's with one line\n"
    "  -q, --quiet             no progress and no summary\n"
    "  -h, --help              this text\n"
    "\n"
    "Ctrl-C ends the file after the current packet; it stays a valid capture.\n"
    "Exit status: 0 done; 1 interrupted or cannot write; 2 wrong usage.\n";

struct options {
    struct gen_job job;
    uint64_t seconds, packets; // 0 = not given
    const char *venue_option;  // one that shapes the generator's venue was given
};

static volatile sig_atomic_t stop_requested;

static void on_signal(int sig)
{
    (void)sig;
    stop_requested = 1;
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

// Options that shape the generator's venue.
static int parse_venue(int c, const char *name, struct options *o, struct err *err)
{
    struct gen_config *g = &o->job.config;
    uint64_t rate;
    o->venue_option = name;
    switch (c) {
    case 'p':
        return gen_parse_path(optarg, &g->path, err);
    case 't':
        return parse_u64(name, optarg, 1, UINT32_MAX, &o->seconds, err);
    case 'n':
        return parse_u64(name, optarg, 1, GEN_PACKETS_MAX, &o->packets, err);
    case 'r':
        if (parse_u64(name, optarg, 1, GEN_RATE_MAX, &rate, err))
            return -1;
        g->rate_pps = (uint32_t)rate;
        return 0;
    case 'b':
        if (parse_u64(name, optarg, 1, GEN_BOOK_LEVELS_MAX, &rate, err))
            return -1;
        g->book_levels = (uint32_t)rate;
        return 0;
    case 'i':
        return gen_parse_instruments(optarg, &g->instruments, err);
    case 'd':
        return parse_percent(name, optarg, &g->drop_ppm, err);
    case 'D':
        return parse_percent(name, optarg, &g->dup_ppm, err);
    default:
        return parse_percent(name, optarg, &g->corrupt_ppm, err);
    }
}

static int parse_option(int c, const char *name, struct options *o, struct err *err)
{
    uint64_t lines;
    switch (c) {
    case 'o':
        o->job.output = optarg;
        return 0;
    case 'q':
        o->job.quiet = true;
        return 0;
    case 's':
        return parse_u64(name, optarg, 0, UINT64_MAX, &o->job.config.seed, err);
    case 'l':
        if (parse_u64(name, optarg, 1, IMPAIR_LINES, &lines, err))
            return -1;
        o->job.lines = (unsigned)lines;
        return 0;
    case 'I':
        o->job.impaired = true;
        return impair_parse(optarg, &o->job.impair, err);
    case 'f':
        o->job.from = optarg;
        return 0;
    default:
        return parse_venue(c, name, o, err);
    }
}

// Options that do not go together.
static int check_lines(const struct options *o, struct err *err)
{
    const struct gen_job *j = &o->job;
    if (!j->from && j->lines == 1 && j->impair.line[1].named)
        return err_set(err, "--impair: there is one line only, A; --lines 2 sends two");
    if (j->from && same_file(j->from, j->output))
        return err_set(err, "%s is the capture itself; write to another file", j->output);
    if (j->from && o->venue_option)
        return err_set(err, "--%s is for generated traffic, not with --from", o->venue_option);
    if (j->from && !j->impaired && j->lines == 1)
        return err_set(err, "--from without --impair or --lines 2 would only copy the file");
    return 0;
}

// Length of the run from --seconds or --packets.
static int settle_length(struct options *o, struct err *err)
{
    if (o->seconds && o->packets)
        return err_set(err, "give --seconds or --packets, not both");
    uint64_t rate = o->job.config.rate_pps;
    uint64_t seconds = o->seconds ? o->seconds : 10;
    o->job.config.packets = o->packets ? o->packets : seconds * rate; // both below 2^32
    if (o->job.config.packets > GEN_PACKETS_MAX)
        return err_set(err, "that is more than %" PRIu64 " packets: lower --seconds or --rate",
                       GEN_PACKETS_MAX);
    if (o->job.config.start_ns / NS_PER_S + o->job.config.packets / rate + 1 > UINT32_MAX)
        return err_set(err, "the run would end after 2106, where a pcap's clock does: shorten it");
    return 0;
}

static int run(const struct options *o)
{
    struct sigaction sa = {.sa_handler = on_signal}; // without SA_RESTART: a blocked write must return
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    return gen_write(&o->job);
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
                                         {"books", required_argument, NULL, 'b'},
                                         {"drop", required_argument, NULL, 'd'},
                                         {"dup", required_argument, NULL, 'D'},
                                         {"corrupt", required_argument, NULL, 'c'},
                                         {"lines", required_argument, NULL, 'l'},
                                         {"impair", required_argument, NULL, 'I'},
                                         {"from", required_argument, NULL, 'f'},
                                         {"quiet", no_argument, NULL, 'q'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    struct options o = {.job = {.lines = 1, .stop = &stop_requested}};
    struct err err = {""};
    int c, at = 0;
    gen_config_default(&o.job.config);
    impair_none(&o.job.impair);
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
    if (!o.job.output)
        return usage("no output file given (-o FILE)");
    if (settle_length(&o, &err) || check_lines(&o, &err))
        return usage(err.msg);
    return run(&o);
}
