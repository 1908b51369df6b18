// SPDX-License-Identifier: Apache-2.0
// An instrument's bids out of a capture, as they were at a moment.
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/decimal.h"
#include "cli/number.h"
#include "cli/sell_file.h"
#include "feed/capture.h"
#include "run/book_depth.h"

enum { PRICE_DECIMALS = 9, AMOUNT_DECIMALS = 8 };
#define NS_PER_S UINT64_C(1000000000)

struct scan {
    const struct sell_capture *c;
    enum feed_venue venue; // NONE: not seen yet
    uint64_t id;
};

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct scan *s = ctx;
    uint64_t id;
    bool number = number_parse(s->c->instrument, 1, UINT64_MAX, &id) == 0;
    (void)p;
    if (s->venue != VENUE_NONE || m->instrument_id == 0)
        return;
    if (number ? m->instrument_id == id
               : m->kind == FEED_INSTRUMENT && strncmp(m->name, s->c->instrument, sizeof m->name) == 0) {
        s->venue = (enum feed_venue)m->venue;
        s->id = m->instrument_id;
    }
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
}

static int read_frames(struct scan *s, struct feed *f, pcap_t *cap, struct err *e)
{
    const struct feed_sink sink = {s, on_msg, on_end};
    struct pcap_pkthdr *h;
    const u_char *frame;
    enum feed_link link;
    uint64_t first = 0, now = 0;
    int rc;
    if (!capture_link(pcap_datalink(cap), &link))
        return err_set(e, "%s: frames of this link type are not read here", s->c->path);
    while ((rc = pcap_next_ex(cap, &h, &frame)) == 1) {
        now = (uint64_t)h->ts.tv_sec * NS_PER_S + (uint64_t)h->ts.tv_usec;
        first = first ? first : now;
        if (s->c->at_s >= 0 && now > first && (double)(now - first) > s->c->at_s * 1e9)
            break;
        (void)feed_link_frame(f, link, now, frame, h->caplen, h->len, &sink);
    }
    if (rc == PCAP_ERROR)
        return err_set(e, "%s: %s", s->c->path, pcap_geterr(cap));
    feed_time(f, UINT64_MAX, &sink); // what waits for others that are missing
    return 0;
}

// The way's book of 10^-8 tokens a quantum, filled with what the feed has.
static int add(struct sell *s, const struct scan *x, const struct feed *f, i128 lot, struct err *e)
{
    struct depth *d = &s->book[s->n][0];
    int up = (int)s->into_decimals - AMOUNT_DECIMALS - PRICE_DECIMALS;
    i256 token = i256_pow10(s->from_decimals > AMOUNT_DECIMALS ? s->from_decimals - AMOUNT_DECIMALS : 0);
    i256 units = i256_mul_i64(token, (int64_t)lot);
    const struct book_scale scale = {PRICE_DECIMALS, AMOUNT_DECIMALS, 1, (int64_t)lot};
    u128 unit = (u128)lot;
    for (; up > 0; up--)
        unit *= 10;
    if (s->from_decimals < AMOUNT_DECIMALS || i256_bits(units) > 63 || unit > INT64_MAX)
        return err_set(e, "the lot does not go with tokens of %u and %u decimals: give another (--lot)",
                       s->from_decimals, s->into_decimals);
    if (depth_begin(d, i256_lo(units), (uint64_t)unit, (uint8_t)-up, x->c->fee_ppm, e) ||
        book_depth_take(d, f, x->venue, x->id, &scale, e))
        return -1;
    s->route.path[s->n] = (struct route_path){.n = 1, .hop = {{.book = d}}};
    (void)snprintf(s->name[s->n], SELL_NAME, "%s %.30s", feed_venue_name(x->venue), x->c->instrument);
    s->n++;
    return 0;
}

static int take(struct sell *s, const struct sell_capture *c, struct feed *f, i128 lot, struct err *e)
{
    char why[PCAP_ERRBUF_SIZE];
    struct scan x = {.c = c};
    pcap_t *cap = pcap_open_offline_with_tstamp_precision(c->path, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap)
        return err_set(e, "%.200s: %.250s", c->path, why);
    int rc = read_frames(&x, f, cap, e);
    pcap_close(cap);
    if (rc == 0 && x.venue == VENUE_NONE)
        rc = err_set(e,
                     "%.100s: nothing of an instrument %.60s by then; `tripline decode` shows what there is",
                     c->path, c->instrument);
    return rc ? rc : add(s, &x, f, lot, e);
}

int sell_capture(struct sell *s, const struct sell_capture *c, struct err *e)
{
    i128 lot = 1;
    if (s->n == ROUTE_PATHS_MAX)
        return err_set(e, "a capture's book would be way %d: leave one out", ROUTE_PATHS_MAX + 1);
    if (c->lot && (dec_parse(c->lot, AMOUNT_DECIMALS, &lot, e) || lot <= 0 || lot > INT64_MAX))
        return err_set(e, "--lot %.40s: a decimal above 0 with at most 8 decimals is wanted", c->lot);
    struct feed *f = feed_new();
    if (!f)
        return err_set(e, "out of memory");
    int rc = take(s, c, f, lot, e);
    feed_free(f);
    return rc;
}
