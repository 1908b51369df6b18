// SPDX-License-Identifier: Apache-2.0
#include "cli/gen_write.h"

#include "base/bytes.h"
#include "feed/capture.h"
#include "feed/gen_frame.h"
#include "feed/gen_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PCAP_HEADER = 24,
    PCAP_RECORD = 16,
    PCAP_SNAPLEN = 262144,
    OUTPUT_BUFFER = 1 << 20,
    PROGRESS_EVERY = 4096, // frames between looks at the clock
};
static const uint32_t PCAP_MAGIC_NS = 0xa1b23c4d;
static const uint64_t NS_PER_S = 1000000000;

struct progress {
    uint64_t shown_ns;
    bool tty, shown;
};

struct writer {
    const struct gen_job *job;
    FILE *out;
    struct impair *impair;   // NULL: frames go out as they are
    struct gen_lines *lines; // --from
    struct progress progress;
    uint64_t read, written, unknown; // frames; unknown: of no line
    bool two;                        // a packet of line B was seen
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

// ---- the file

static int cannot_write(const struct writer *w, struct err *e)
{
    return err_set(e, "%s: cannot write: %s", w->job->output, strerror(errno));
}

static int put_header(struct writer *w, int datalink, struct err *e)
{
    uint8_t h[PCAP_HEADER] = {0};
    le32_store(h, PCAP_MAGIC_NS);
    le16_store(h + 4, 2);
    le16_store(h + 6, 4);
    le32_store(h + 16, PCAP_SNAPLEN);
    le32_store(h + 20, (uint32_t)datalink);
    return fwrite(h, sizeof h, 1, w->out) == 1 ? 0 : cannot_write(w, e);
}

static int put_frame(struct writer *w, uint64_t ts_ns, const uint8_t *frame, size_t len, size_t wire,
                     struct err *e)
{
    uint8_t h[PCAP_RECORD];
    le32_store(h, (uint32_t)(ts_ns / NS_PER_S));
    le32_store(h + 4, (uint32_t)(ts_ns % NS_PER_S));
    le32_store(h + 8, (uint32_t)len);
    le32_store(h + 12, (uint32_t)wire);
    w->written++;
    bool good = fwrite(h, sizeof h, 1, w->out) == 1 && (len == 0 || fwrite(frame, len, 1, w->out) == 1);
    return good ? 0 : cannot_write(w, e);
}

// Writes what has arrived.
static int put_arrived(struct writer *w, bool over, struct err *e)
{
    struct impair_frame f;
    while (impair_next(w->impair, over, &f))
        if (put_frame(w, f.ts_ns, f.bytes, f.len, f.wire, e) != 0)
            return -1;
    return 0;
}

static int send_on(struct writer *w, unsigned line, uint64_t ts_ns, const uint8_t *frame, size_t len,
                   size_t wire, struct err *e)
{
    if (!w->impair)
        return put_frame(w, ts_ns, frame, len, wire, e);
    if (impair_take(w->impair, line, ts_ns, frame, len, wire, e) != 0)
        return -1;
    return put_arrived(w, false, e);
}

// The same packet as the second line carries it.
static int send_b(struct writer *w, uint64_t ts_ns, const uint8_t *frame, size_t len, size_t wire,
                  struct err *e)
{
    uint8_t *b = malloc(len ? len : 1);
    if (!b)
        return err_set(e, "out of memory");
    memcpy(b, frame, len);
    (void)gen_line_b(b, len); // a frame damaged beyond its addresses is the same on both
    int rc = send_on(w, 1, ts_ns, b, len, wire, e);
    free(b);
    return rc;
}

// ---- the generator's venue

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

static int write_venue(struct writer *w, struct gen *g, struct err *e)
{
    uint64_t ts_ns;
    const uint8_t *frame;
    size_t len;
    if (put_header(w, DLT_EN10MB, e) != 0)
        return -1;
    for (uint64_t n = 1; !*w->job->stop && gen_next(g, &ts_ns, &frame, &len); n++) {
        if (send_on(w, 0, ts_ns, frame, len, gen_wire_len(g), e) != 0)
            return -1;
        if (w->job->lines == 2 && send_b(w, ts_ns, frame, len, gen_wire_len(g), e) != 0)
            return -1;
        if (n % PROGRESS_EVERY == 0 && !w->job->quiet)
            show_progress(&w->progress, gen_stats(g), w->job->config.packets);
    }
    if (w->progress.tty && w->progress.shown)
        fputc('\n', stderr);
    return w->impair ? put_arrived(w, true, e) : 0;
}

static void venue_summary(const struct writer *w, const struct gen_stats *s)
{
    uint64_t damaged = 0;
    for (unsigned d = 0; d < DROP_COUNT; d++)
        damaged += s->damaged[d];
    fprintf(stderr,
            "gen: %s: %" PRIu64 " frames (synthetic): %" PRIu64 " packets with %" PRIu64 " tickers, %" PRIu64
            " index prices, %" PRIu64 " definitions",
            w->job->output, w->written, s->packets, s->tickers, s->indexes, s->instruments);
    if (s->dropped || s->duplicates || damaged)
        fprintf(stderr, "; %" PRIu64 " left out, %" PRIu64 " sent twice, %" PRIu64 " damaged frames",
                s->dropped, s->duplicates, damaged);
    fputc('\n', stderr);
}

// ---- an existing capture

static int take_captured(struct writer *w, enum feed_link link, uint64_t ts_ns, const uint8_t *frame,
                         size_t len, size_t wire, struct err *e)
{
    enum feed_venue venue;
    unsigned line = gen_line_of(w->lines, link, frame, len, wire, &venue);
    w->unknown += line == IMPAIR_NO_LINE;
    w->two = w->two || line == 1;
    if (w->job->lines == 2 && line == 1)
        return err_set(e, "%s has a line B already: leave out --lines", w->job->from);
    if (w->job->lines == 2 && line == 0 && (venue != VENUE_DERIBIT || link != LINK_ETHERNET))
        return err_set(e, "%s: a second line can be made of Deribit's Ethernet captures only", w->job->from);
    if (send_on(w, line, ts_ns, frame, len, wire, e) != 0)
        return -1;
    return w->job->lines == 2 && line == 0 ? send_b(w, ts_ns, frame, len, wire, e) : 0;
}

static int read_captured(struct writer *w, pcap_t *cap, struct err *e)
{
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    enum feed_link link;
    int got = 1;
    if (!capture_link(pcap_datalink(cap), &link))
        return err_set(e, "%s: link type %d is not supported", w->job->from, pcap_datalink(cap));
    if (put_header(w, pcap_datalink(cap), e) != 0)
        return -1;
    while (!*w->job->stop && (got = pcap_next_ex(cap, &h, &bytes)) == 1) {
        // With nanosecond precision asked for, libpcap puts nanoseconds into tv_usec.
        uint64_t ts_ns = (uint64_t)h->ts.tv_sec * NS_PER_S + (uint64_t)h->ts.tv_usec;
        w->read++;
        if (take_captured(w, link, ts_ns, bytes, h->caplen, h->len, e) != 0)
            return -1;
    }
    if (got != 1 && got != PCAP_ERROR_BREAK)
        return err_set(e, "%s: breaks off after frame %" PRIu64 ": %s", w->job->from, w->read,
                       pcap_geterr(cap));
    if (w->read == w->unknown)
        return err_set(e, "%s: no known protocol in %" PRIu64 " frames, so no line to impair", w->job->from,
                       w->read);
    if (w->job->impair.line[1].named && !w->two && w->job->lines == 1)
        return err_set(e, "%s has no line B to impair (--lines 2 makes one of line A)", w->job->from);
    return put_arrived(w, true, e);
}

static int write_captured(struct writer *w, struct err *e)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *cap = pcap_open_offline_with_tstamp_precision(w->job->from, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap)
        return err_set(e, "%s: not readable as a capture: %s", w->job->from, why);
    w->lines = gen_lines_new();
    int rc = w->lines ? read_captured(w, cap, e) : err_set(e, "out of memory");
    gen_lines_free(w->lines);
    pcap_close(cap);
    return rc;
}

// ---- all of it

static void lines_summary(const struct writer *w)
{
    if (w->job->from)
        fprintf(stderr, "gen: %s: %" PRIu64 " frames of %" PRIu64 " in %s, %" PRIu64 " of no line\n",
                w->job->output, w->written, w->read, w->job->from, w->unknown);
    for (unsigned l = 0; w->impair && l < IMPAIR_LINES; l++) {
        const struct impair_counters *n = impair_counters(w->impair, l);
        if (n->packets)
            fprintf(stderr,
                    "gen: line %c: %" PRIu64 " packets, %" PRIu64 " lost, %" PRIu64 " twice, %" PRIu64
                    " out of order\n",
                    'A' + (int)l, n->packets, n->dropped, n->duplicates, n->reordered);
    }
}

static int write_all(struct writer *w, struct err *e)
{
    if (w->job->from)
        return write_captured(w, e);
    struct gen *g = gen_open(&w->job->config, e);
    int rc = g ? write_venue(w, g, e) : -1;
    if (rc == 0 && !w->job->quiet)
        venue_summary(w, gen_stats(g));
    gen_close(g);
    return rc;
}

static int fail(const struct err *e)
{
    fprintf(stderr, "tripline gen: %s\n", e->msg);
    return EXIT_FAILURE;
}

// Opens, writes, closes: a full disk may show only when the last buffer goes out.
static int write_to(struct writer *w, struct err *e)
{
    bool to_stdout = strcmp(w->job->output, "-") == 0;
    w->out = to_stdout ? stdout : fopen(w->job->output, "wb");
    if (!w->out)
        return cannot_write(w, e);
    setvbuf(w->out, NULL, _IOFBF, OUTPUT_BUFFER);
    int rc = write_all(w, e);
    if ((to_stdout ? fflush(w->out) : fclose(w->out)) != 0 && rc == 0)
        rc = cannot_write(w, e);
    return rc;
}

int gen_write(const struct gen_job *j)
{
    struct err e = {""};
    struct writer w = {.job = j, .progress = {.tty = isatty(STDERR_FILENO) == 1, .shown_ns = now_ns()}};
    if (j->impaired || j->lines == 2 || j->from) {
        w.impair = impair_new(&j->impair, j->config.seed);
        if (!w.impair)
            return fail(&(struct err){"out of memory"});
    }
    int rc = write_to(&w, &e);
    if (rc == 0 && !j->quiet)
        lines_summary(&w);
    impair_free(w.impair);
    if (rc != 0)
        return fail(&e);
    if (*j->stop) {
        fputs("tripline gen: interrupted; the capture is valid up to here\n", stderr);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
