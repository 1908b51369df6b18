// SPDX-License-Identifier: Apache-2.0
// tripline decode: prices in a capture file as CSV, through the decoder of the live path.
#include "base/err.h"
#include "cli/cli.h"
#include "feed/feed.h"
#include "feed/names.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_UNRECOGNISED = 3 };

static const char HELP[] =
    "usage: tripline decode [--stats] [-o FILE] CAPTURE\n"
    "\n"
    "Recognises the protocol in a pcap or pcapng file (- is standard input) and prints its prices as CSV, "
    "one row\n"
    "for each ticker and each index price, in the order of the wire:\n"
    "\n"
    "  cap_ts_ns,group,port,channel,seq,msg_idx,template,version,instrument_id,name,ts_ms,\n"
    "  mark,index,bid,bidamt,ask,askamt,last,state_or_price\n"
    "\n"
    "Numbers are the shortest text that reads back as the same double; nan is the wire's \"none\", an empty "
    "field is\n"
    "one that the message does not have. An instrument's name is known from its definition on. Packets whose "
    "sequence number was seen before are left out and "
    "counted.\n"
    "\n"
    "  -o, --output FILE  write the rows to FILE instead of standard output\n"
    "      --stats        counters, with the reason for everything that was ignored, on standard error\n"
    "  -h, --help         this text\n"
    "\n"
    "Protocols: deribit (legacy multicast, SBE schema 1). Link layers: Ethernet, raw IP, Linux cooked (SLL, "
    "SLL2).\n"
    "Exit status: 0 done; 1 the file is unreadable, cut off or damaged (rows up to there are printed) or the "
    "output\n"
    "cannot be written; 2 wrong usage; 3 the file was read but no protocol was recognised in it.\n";

struct options {
    const char *capture, *output;
    bool stats;
};

// Where the rows go, and the names of instruments defined so far.
struct table {
    FILE *out;
    struct names *names;
    bool nameless; // a definition could not be kept
};

// Shortest of the three precisions that survives the way there and back; 17 digits always do.
static void print_double(FILE *out, double v)
{
    char text[40];
    if (isnan(v)) {
        fputs("nan", out); // printf would show the sign bit of the wire's NaN
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    fputs(text, out);
}

static void print_ticker(FILE *out, const char *name, const struct feed_msg *m)
{
    // The first version of the ticker has neither state nor mark, index and last price.
    bool whole = m->has & HAS_STATE;
    const double fields[] = {m->mark, m->index, m->bid, m->bid_amount, m->ask, m->ask_amount, m->last};
    fprintf(out, "%" PRIu64 ",%s,%" PRIu64, m->instrument_id, name, m->ts_ms);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        fputc(',', out);
        if (whole || (i >= 2 && i <= 5))
            print_double(out, fields[i]);
    }
    fputc(',', out);
    if (whole)
        fprintf(out, "%u", m->state);
    fputc('\n', out);
}

static void print_row(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct table *t = ctx;
    FILE *out = t->out;
    if (m->kind == FEED_INSTRUMENT && names_put(t->names, m->instrument_id, m->name))
        t->nameless = true;
    if (m->kind != FEED_TICKER && m->kind != FEED_INDEX)
        return;
    fprintf(out, "%" PRIu64 ",%u.%u.%u.%u,%u,%u,%" PRIu32 ",%u,%u,%u,", p->ts_ns, p->dst_ip >> 24,
            p->dst_ip >> 16 & 255, p->dst_ip >> 8 & 255, p->dst_ip & 255, p->dst_port, p->channel, p->seq,
            m->msg_idx, m->template_id, m->version);
    if (m->kind == FEED_TICKER) {
        print_ticker(out, names_get(t->names, m->instrument_id), m);
        return;
    }
    fprintf(out, ",%s,%" PRIu64 ",,", m->name, m->ts_ms);
    print_double(out, m->index);
    fputs(",,,,,,\n", out);
}

static void ignore_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
}

static void print_stats(const struct feed *f)
{
    const struct feed_counters *n = feed_counters(f);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"frames", n->frames},           {"bytes", n->bytes},
                {"packets", n->packets},         {"messages", n->messages},
                {"tickers", n->tickers},         {"indexes", n->indexes},
                {"instruments", n->instruments}, {"other messages", n->other_messages},
                {"bad layouts", n->bad_layouts}, {"gaps", n->gaps},
                {"missing", n->missing},         {"duplicates", n->duplicates},
                {"restarts", n->restarts}};
    const char *protocol = feed_protocol(f);
    fprintf(stderr, "%-26s %s\n", "protocol", protocol ? protocol : "none recognised");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fprintf(stderr, "%-26s %" PRIu64 "\n", rows[i].name, rows[i].value);
    for (unsigned d = DROP_NONE + 1; d < DROP_COUNT; d++)
        if (n->drop[d])
            fprintf(stderr, "ignored %-18s %" PRIu64 "\n", feed_drop_name((enum feed_drop)d), n->drop[d]);
}

static int link_of(pcap_t *cap, const char *file, enum feed_link *link, struct err *err)
{
    int type = pcap_datalink(cap);
    switch (type) {
    case DLT_EN10MB:
        *link = LINK_ETHERNET;
        return 0;
    case DLT_RAW:
#ifdef DLT_IPV4
    case DLT_IPV4:
#endif
        *link = LINK_RAW_IP;
        return 0;
    case DLT_LINUX_SLL:
        *link = LINK_SLL;
        return 0;
#ifdef DLT_LINUX_SLL2
    case DLT_LINUX_SLL2:
        *link = LINK_SLL2;
        return 0;
#endif
    default:
        break;
    }
    const char *name = pcap_datalink_val_to_name(type);
    return err_set(
        err, "%s: link type %s (%d) is not supported; capture on an Ethernet device, or on Linux's \"any\"",
        file, name ? name : "unknown", type);
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
    if (got == PCAP_ERROR_BREAK)
        return 0;
    return err_set(err,
                   "%s: %s; the %" PRIu64 " frames before that were decoded. Capture or copy the file again",
                   file, pcap_geterr(cap), feed_counters(f)->frames);
}

static int decode(const struct options *o, struct table *t, struct feed *f, struct err *err)
{
    static const char COLUMNS[] =
        "cap_ts_ns,group,port,channel,seq,msg_idx,template,version,instrument_id,name,ts_ms,"
        "mark,index,bid,bidamt,ask,askamt,last,state_or_price\n";
    char why[PCAP_ERRBUF_SIZE];
    enum feed_link link = LINK_ETHERNET;
    pcap_t *cap = pcap_open_offline_with_tstamp_precision(o->capture, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap) {
        // libpcap names the file itself when it cannot be opened, and not when it is no capture.
        bool named = strncmp(why, o->capture, strlen(o->capture)) == 0;
        return err_set(err, "%s%s%s (expected a pcap or pcapng file)", named ? "" : o->capture,
                       named ? "" : ": ", why);
    }
    struct feed_sink sink = {t, print_row, ignore_end};
    int rc = link_of(cap, o->capture, &link, err);
    if (rc == 0) {
        fputs(COLUMNS, t->out);
        rc = read_all(cap, link, f, &sink, o->capture, err);
    }
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
    if (rc) {
        fprintf(stderr, "tripline decode: %s\n", err->msg);
        return EXIT_FAILURE;
    }
    if (!feed_protocol(f)) {
        fprintf(stderr,
                "tripline decode: %s: no known protocol in %" PRIu64
                " frames (known: deribit); --stats shows why\n",
                o->capture, feed_counters(f)->frames);
        return EXIT_UNRECOGNISED;
    }
    return EXIT_SUCCESS;
}

static int decode_to(const struct options *o, FILE *out, struct feed *f, struct names *names)
{
    struct err err = {""};
    struct table t = {out, names, false};
    int rc = decode(o, &t, f, &err);
    if (flush(out, o->output ? o->output : "standard output", rc ? NULL : &err))
        rc = -1;
    if (t.nameless)
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
    struct names *names = names_new();
    if (f && names)
        status = decode_to(o, out, f, names);
    else
        fputs("tripline decode: out of memory\n", stderr);
    names_free(names);
    feed_free(f);
    return status;
}

int cmd_decode(int argc, char **argv)
{
    static const struct option LONG[] = {{"output", required_argument, NULL, 'o'},
                                         {"stats", no_argument, NULL, 's'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    struct options o = {NULL, NULL, false};
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
        case 'h':
            fputs(HELP, stdout);
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
    return run(&o);
}
