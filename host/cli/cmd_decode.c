// SPDX-License-Identifier: Apache-2.0
// tripline decode: what a capture file carries as CSV, through the decoders of the live path.
#include "base/err.h"
#include "cli/cli.h"
#include "cli/same_file.h"
#include "feed/arbiter.h"
#include "feed/capture.h"
#include "feed/feed.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_USAGE = 2, EXIT_UNRECOGNISED = 3 };

static const char HELP[] =
    "usage: tripline decode [--stats] [--protocol NAME] [-o FILE] CAPTURE\n"
    "\n"
    "Recognises the protocol in a pcap or pcapng file (- is standard input) and prints what it carries as "
    "CSV, in\n"
    "the protocol's own columns and in the order of its sequence: copies from a second line are left out, "
    "what came\n"
    "out of order is put back. deribit: one row for each ticker and each index price,\n"
    "\n"
    "  cap_ts_ns,group,port,channel,seq,msg_idx,template,version,instrument_id,name,ts_ms,\n"
    "  mark,index,bid,bidamt,ask,askamt,last,state_or_price\n"
    "\n"
    "Numbers are the shortest text that reads back as the same double; nan is the wire's \"none\", an empty "
    "field "
    "is\n"
    "one that the message does not have. An instrument's name is known from its definition on. The other "
    "protocols'\n"
    "columns: docs/feeds.md.\n"
    "\n"
    "  -o, --output FILE    write the rows to FILE instead of standard output\n"
    "      --protocol NAME  rows of this protocol; without it those of the first one recognised\n"
    "      --stats          counters, with the reason for everything that was ignored, on standard error\n"
    "  -h, --help           this text\n"
    "\n"
    "Link layers: Ethernet, raw IP, Linux cooked (SLL, SLL2). Protocols:";

static const char HELP_END[] =
    "\n"
    "Exit status: 0 done; 1 the file is unreadable, cut off or damaged (rows up to there are printed) or the "
    "output\n"
    "cannot be written; 2 wrong usage; 3 the file was read but no protocol, or not the one asked for,\nwas "
    "recognised in it.\n";

struct options {
    const char *capture, *output, *protocol;
    bool stats;
};

static void ignore_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    (void)ctx;
    (void)p;
    (void)m;
}

static void ignore_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
}

static void print_line(const struct arbiter_stream *s, unsigned line)
{
    const struct line_counters *n = &s->line[line];
    if (n->packets + n->bad == 0)
        return;
    fprintf(stderr,
            "line %s %u%s %c: %" PRIu64 " packets: %" PRIu64 " first, %" PRIu64 " copies, %" PRIu64
            " late, %" PRIu64 " heartbeats; %" PRIu64 " early, %" PRIu64 " gaps (%" PRIu64 " lost), %" PRIu64
            " bad, %" PRIu64 " unknown templates, %" PRIu64 " ns stale; copies %" PRId64 " to %" PRId64
            " ns behind\n",
            s->proto->name, s->channel, s->snapshot ? " snapshots" : "", 'A' + (int)line, n->packets,
            n->first, n->copies, n->late, n->heartbeats, n->early, n->gaps, n->lost, n->bad,
            n->unknown_templates, n->stale_ns, n->lead_ns_min, n->lead_ns_max);
}

static void print_lines(const struct feed *f)
{
    struct arbiter_stream s;
    for (size_t i = 0; arbiter_stream(feed_arbiter(f), i, &s); i++)
        for (unsigned line = 0; line < ARBITER_LINES; line++)
            print_line(&s, line);
}

// Each protocol's own, of its books.
static void print_counts(const struct feed *f)
{
    const char *name;
    for (size_t i = 0; (name = feed_protocol_name(f, i, NULL)); i++) {
        struct feed_count count[FEED_COUNTS];
        size_t n = feed_counts(f, i, count);
        for (size_t k = 0; k < n; k++)
            fprintf(stderr, "%s %-*s %" PRIu64 "\n", name, (int)(25 - strlen(name)), count[k].name,
                    count[k].value);
    }
}

static void print_stats(const struct feed *f)
{
    const struct feed_counters *n = feed_counters(f);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"frames", n->frames},
                {"bytes", n->bytes},
                {"packets", n->packets},
                {"messages", n->messages},
                {"tickers", n->tickers},
                {"indexes", n->indexes},
                {"instruments", n->instruments},
                {"quotes", n->quotes},
                {"trades", n->trades},
                {"other messages", n->other_messages},
                {"unknown templates", n->unknown_templates},
                {"bad layouts", n->bad_layouts},
                {"unknown ids", n->unknown_ids},
                {"books whole", n->books_whole},
                {"books broken", n->books_broken},
                {"gaps", n->gaps},
                {"missing", n->missing},
                {"duplicates", n->duplicates},
                {"early", n->early},
                {"restarts", n->restarts},
                {"streams evicted", n->streams_evicted},
                {"lines moved", n->lines_moved},
                {"no room", n->no_room},
                {"evicted", n->evicted}};
    const char *protocol = feed_protocol(f);
    fprintf(stderr, "%-26s %s\n", "protocol", protocol ? protocol : "none recognised");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fprintf(stderr, "%-26s %" PRIu64 "\n", rows[i].name, rows[i].value);
    for (unsigned d = DROP_NONE + 1; d < DROP_COUNT; d++)
        if (n->drop[d])
            fprintf(stderr, "ignored %-18s %" PRIu64 "\n", feed_drop_name((enum feed_drop)d), n->drop[d]);
    print_counts(f);
    print_lines(f);
}

static int link_of(pcap_t *cap, const char *file, enum feed_link *link, struct err *err)
{
    int type = pcap_datalink(cap);
    if (capture_link(type, link))
        return 0;
    const char *name = pcap_datalink_val_to_name(type);
    return err_set(
        err, "%s: link type %s (%d) is not supported; capture on an Ethernet device, or on Linux's \"any\"",
        file, name ? name : "unknown", type);
}

// Which sources are lines of one channel may show only later in the file (CME on ports that are not its own):
// so a file is read once for that. What can be read only once, or not at all, is left to the reading that
// counts.
static void learn(const char *file, struct feed *f)
{
    char why[PCAP_ERRBUF_SIZE];
    struct stat st;
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    enum feed_link link;
    if (stat(file, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    pcap_t *cap = pcap_open_offline(file, why);
    if (!cap)
        return;
    while (capture_link(pcap_datalink(cap), &link) && pcap_next_ex(cap, &h, &bytes) == 1)
        feed_learn(f, link, bytes, h->caplen, h->len);
    pcap_close(cap);
}

// Reads every record. -1 when the file ends in the middle of one or cannot be read on.
static int read_all(pcap_t *cap, enum feed_link link, struct feed *f, const struct feed_sink *sink,
                    const char *file, struct err *err)
{
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    int got;
    while ((got = pcap_next_ex(cap, &h, &bytes)) == 1) {
        // With nanosecond precision asked for, libpcap puts nanoseconds into tv_usec.
        uint64_t ts_ns = (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec;
        feed_link_frame(f, link, ts_ns, bytes, h->caplen, h->len, sink);
    }
    feed_time(f, UINT64_MAX, sink);
    if (got == PCAP_ERROR_BREAK)
        return 0;
    return err_set(err,
                   "%s: %s; the %" PRIu64 " frames before that were decoded. Capture or copy the file again",
                   file, pcap_geterr(cap), feed_counters(f)->frames);
}

static int decode(const struct options *o, struct feed *f, struct err *err)
{
    char why[PCAP_ERRBUF_SIZE];
    enum feed_link link = LINK_ETHERNET;
    pcap_t *cap = pcap_open_offline_with_tstamp_precision(o->capture, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap) {
        // libpcap names the file itself when it cannot be opened, and not when it is no capture.
        bool named = strncmp(why, o->capture, strlen(o->capture)) == 0;
        return err_set(err, "%s%s%s (expected a pcap or pcapng file)", named ? "" : o->capture,
                       named ? "" : ": ", why);
    }
    const struct feed_sink sink = {NULL, ignore_msg, ignore_end};
    learn(o->capture, f);
    int rc = link_of(cap, o->capture, &link, err);
    if (rc == 0)
        rc = read_all(cap, link, f, &sink, o->capture, err);
    pcap_close(cap);
    return rc;
}

static int flush(FILE *out, const char *name, struct err *err)
{
    errno = 0;
    bool failed = fflush(out) != 0 || ferror(out);
    int code = errno;
    if (out != stdout && fclose(out) != 0 && !failed) {
        failed = true;
        code = errno;
    }
    return failed ? err_set(err, "%s: cannot write: %s", name, code ? strerror(code) : "output error") : 0;
}

// Names of all protocols, each behind a blank.
static void print_protocols(FILE *out)
{
    struct feed *f = feed_new();
    const char *name;
    for (size_t i = 0; f && (name = feed_protocol_name(f, i, NULL)); i++)
        fprintf(out, " %s", name);
    feed_free(f);
}

// More than one protocol in a file is worth a word: only one's rows are printed.
static void print_others(const struct feed *f, const struct options *o)
{
    const char *name, *printed = o->protocol ? o->protocol : feed_printed(f);
    uint64_t packets;
    for (size_t i = 0; (name = feed_protocol_name(f, i, &packets)); i++)
        if (packets && (!printed || strcmp(name, printed) != 0))
            fprintf(stderr, "tripline decode: %" PRIu64 " packets of %s are not printed (--protocol %s)\n",
                    packets, name, name);
}

static int finish(const struct options *o, const struct feed *f, int rc, const struct err *err)
{
    if (o->stats && feed_counters(f)->frames)
        print_stats(f);
    if (feed_counters(f)->bad_layouts)
        fprintf(stderr,
                "tripline decode: %" PRIu64
                " messages of a known template have a layout that fits no known version "
                "and were not decoded\n",
                feed_counters(f)->bad_layouts);
    print_others(f, o);
    if (rc) {
        fprintf(stderr, "tripline decode: %s\n", err->msg);
        return EXIT_FAILURE;
    }
    if (!feed_printed(f) && o->protocol && feed_protocol(f)) {
        fprintf(stderr, "tripline decode: %s: nothing of %s in %" PRIu64 " frames\n", o->capture, o->protocol,
                feed_counters(f)->frames);
        return EXIT_UNRECOGNISED;
    }
    if (!feed_printed(f)) {
        fprintf(stderr, "tripline decode: %s: no known protocol in %" PRIu64 " frames (known:", o->capture,
                feed_counters(f)->frames);
        print_protocols(stderr);
        fputs("); --stats shows why\n", stderr);
        return EXIT_UNRECOGNISED;
    }
    return EXIT_SUCCESS;
}

static int decode_to(const struct options *o, FILE *out, struct feed *f)
{
    struct err err = {""};
    int rc = decode(o, f, &err);
    if (flush(out, o->output ? o->output : "standard output", rc ? NULL : &err))
        rc = -1;
    if (feed_counters(f)->nameless)
        fputs("tripline decode: too many instruments: some names are left out\n", stderr);
    return finish(o, f, rc, &err);
}

static int run(const struct options *o)
{
    FILE *out = o->output ? fopen(o->output, "w") : stdout;
    if (!out) {
        fprintf(stderr, "tripline decode: %s: cannot write: %s\n", o->output, strerror(errno));
        return EXIT_FAILURE;
    }
    int status = EXIT_FAILURE;
    struct feed *f = feed_new();
    if (!f) {
        fputs("tripline decode: out of memory\n", stderr);
    } else if (!feed_print(f, out, o->protocol)) {
        fprintf(stderr, "tripline decode: unknown protocol '%s' (known:", o->protocol);
        print_protocols(stderr);
        fputs(")\n", stderr);
        status = EXIT_USAGE;
    } else {
        status = decode_to(o, out, f);
    }
    feed_free(f);
    return status;
}

int cmd_decode(int argc, char **argv)
{
    static const struct option LONG[] = {{"output", required_argument, NULL, 'o'},
                                         {"stats", no_argument, NULL, 's'},
                                         {"protocol", required_argument, NULL, 'p'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    struct options o = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "o:h", LONG, NULL)) != -1) {
        switch (c) {
        case 'o':
            o.output = optarg;
            break;
        case 's':
            o.stats = true;
            break;
        case 'p':
            o.protocol = optarg;
            break;
        case 'h':
            fputs(HELP, stdout);
            print_protocols(stdout);
            fputs(HELP_END, stdout);
            return EXIT_SUCCESS;
        default:
            fputs("try `tripline decode --help`\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (argc - optind != 1) {
        fprintf(stderr, "tripline decode: %s; try `tripline decode --help`\n",
                optind == argc ? "no capture file given" : "one capture file at a time");
        return EXIT_USAGE;
    }
    o.capture = argv[optind];
    if (o.output && same_file(o.output, o.capture)) {
        fprintf(stderr, "tripline decode: %s is the capture itself; write the rows to another file\n",
                o.output);
        return EXIT_USAGE;
    }
    return run(&o);
}
