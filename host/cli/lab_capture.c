// SPDX-License-Identifier: Apache-2.0
#include "cli/lab_capture.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "feed/capture.h"
#include "feed/feed.h"
#include "feed/price.h"

enum { DECIMALS = 9, MONEY_DECIMALS = 8, LEVELS = 64, REVERSED = 1 };
static const uint64_t NS_PER_S = 1000000000;
static const i128 PPM_WHOLE = 1000000;

struct reading {
    const char *file, *instrument;
    uint64_t until; // ns after the first frame; UINT64_MAX: the end
    enum feed_venue venue;
    uint64_t id, first, now;
    bool reversed;
    // marks at steps; NULL: none wanted
    struct lab_scenario *s;
    struct scenario_coin *coin;
    uint32_t step;         // the next to be filled
    int64_t opening, mark; // the first mark and the last
};

// The last mark at or before each step's moment; before the first mark there is nothing to compare with.
static void fill_upto(struct reading *r, uint64_t now)
{
    while (r->mark && r->step <= r->s->steps &&
           now > r->first + (uint64_t)((u128)r->s->horizon_s * NS_PER_S * r->step / r->s->steps)) {
        i128 f = (i128)SCENARIO_FACTOR * r->mark / r->opening;
        r->coin->factor[r->step++] = f < 1 ? 1 : (int64_t)f;
    }
}

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct reading *r = ctx;
    int64_t price;
    if (m->kind == FEED_INSTRUMENT && r->venue == VENUE_NONE && m->instrument_id &&
        strncmp(m->name, r->instrument, sizeof m->name) == 0) {
        r->venue = (enum feed_venue)m->venue;
        r->id = m->instrument_id;
        r->reversed = m->inst_type == REVERSED;
    }
    if (!r->coin || r->venue == VENUE_NONE || m->venue != r->venue || m->instrument_id != r->id ||
        !(m->has & HAS_MARK) || (p->snapshot && r->mark) || price_from_num(&m->mark, DECIMALS, &price) != 0)
        return;
    fill_upto(r, p->ts_ns); // when it was sent on, also where others had to be waited for
    r->mark = price;
    r->opening = r->opening ? r->opening : price;
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
}

static int read_frames(struct reading *r, struct feed *f, pcap_t *cap, struct err *e)
{
    const struct feed_sink sink = {r, on_msg, on_end};
    struct pcap_pkthdr *h;
    const u_char *frame;
    enum feed_link link;
    int rc;
    if (!capture_link(pcap_datalink(cap), &link))
        return err_set(e, "%s: frames of this link type are not read here", r->file);
    while ((rc = pcap_next_ex(cap, &h, &frame)) == 1) {
        r->now = (uint64_t)h->ts.tv_sec * NS_PER_S + (uint64_t)h->ts.tv_usec;
        r->first = r->first ? r->first : r->now;
        if (r->now > r->first && r->now - r->first > r->until)
            break;
        (void)feed_link_frame(f, link, r->now, frame, h->caplen, h->len, &sink);
    }
    if (rc == PCAP_ERROR)
        return err_set(e, "%s: %s", r->file, pcap_geterr(cap));
    feed_time(f, UINT64_MAX, &sink); // what waits for others that are missing
    if (r->venue == VENUE_NONE)
        return err_set(e, "%.200s: nothing of an instrument %.60s; `tripline decode` shows what there is",
                       r->file, r->instrument);
    return 0;
}

// ---- levels

static i128 price_of(const struct feed_level *l)
{
    int64_t v;
    return price_from_num(&l->price, DECIMALS, &v) == 0 ? v : 0;
}

// Money of what stands there: coins at its price, or contracts sized in it.
static i128 money_of(const struct reading *r, const struct feed_level *l)
{
    int64_t amount;
    if (price_from_num(&l->amount, MONEY_DECIMALS, &amount) != 0)
        return 0;
    i128 price = price_of(l), whole = 1;
    for (unsigned k = 0; k < DECIMALS; k++)
        whole *= 10;
    return r->reversed ? amount : (i128)amount * price / whole;
}

// Bids from the middle down, as parts of it; several in one where the curve has room for fewer, at the price
// of the last.
static int fill_book(struct reading *r, const struct feed *f, struct scenario_coin *c, struct err *e)
{
    struct feed_level bid[LEVELS], ask;
    struct depth_curve *d = &c->depth;
    int n = feed_book(f, r->venue, r->id, true, bid, LEVELS), asks;
    if (n <= 0)
        return err_set(e, "%.200s: no whole book of %.60s at that moment: name another (at_s)", r->file,
                       r->instrument);
    asks = feed_book(f, r->venue, r->id, false, &ask, 1);
    i128 best = price_of(&bid[0]), top = asks > 0 ? price_of(&ask) : best;
    i128 middle = (best + top) / 2;
    int each = (n + CURVE_LEVELS_MAX - 1) / CURVE_LEVELS_MAX;
    for (int i = 0; i < n && middle > 0; i++) {
        i128 money = money_of(r, &bid[i]), price = price_of(&bid[i]);
        i128 away = ((middle - price) * PPM_WHOLE + middle - 1) / middle;
        struct curve_level *l = &d->level[d->n ? d->n - 1 : 0];
        if (money <= 0 || away < 0 || away >= 990000 || price <= 0)
            continue;
        bool in_one =
            d->n > 0 && (i % each != 0 || l->away_ppm == (uint32_t)away || d->n == CURVE_LEVELS_MAX);
        if (!in_one)
            l = &d->level[d->n++];
        l->size = in_one ? l->size + money : money;
        l->away_ppm = (uint32_t)away;
    }
    return d->n ? 0 : err_set(e, "%.200s: the book of %.60s has no amounts in money", r->file, r->instrument);
}

static int read_one(struct reading *r, struct scenario_coin *book, struct err *e)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *cap = pcap_open_offline_with_tstamp_precision(r->file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap)
        return err_set(e, strncmp(why, r->file, strlen(r->file)) ? "%.200s: %.250s" : "%.0s%.250s", r->file,
                       why);
    struct feed *f = feed_new();
    int rc = f ? read_frames(r, f, cap, e) : err_set(e, "out of memory");
    pcap_close(cap);
    if (rc == 0 && book && r->until != UINT64_MAX && r->now - r->first < r->until)
        rc = err_set(e, "%.200s: ends after %llu s: make at_s smaller", r->file,
                     (unsigned long long)((r->now - r->first) / NS_PER_S));
    if (rc == 0 && book)
        rc = fill_book(r, f, book, e);
    feed_free(f);
    return rc;
}

static int fill_prices(struct lab_scenario *s, struct scenario_coin *c, struct err *e)
{
    struct reading r = {
        .file = c->path.file, .instrument = c->path.instrument, .until = UINT64_MAX, .s = s, .coin = c};
    struct reading name =
        r; // definitions may come after the first marks: once for the number, once for these
    name.coin = NULL;
    if (read_one(&name, NULL, e) != 0)
        return -1;
    r.venue = name.venue;
    r.id = name.id;
    if (read_one(&r, NULL, e) != 0)
        return -1;
    if (!r.mark)
        return err_set(e, "%.200s: no mark of %.60s in it", r.file, r.instrument);
    fill_upto(&r, r.now);
    uint64_t seconds = (r.now - r.first) / NS_PER_S;
    if (r.step < s->steps) // the last step may be the capture's end
        return err_set(e, "%.200s: lasts %llu s: make horizon_s of the scenario %llu or less", r.file,
                       (unsigned long long)seconds, (unsigned long long)seconds);
    fill_upto(&r, UINT64_MAX);
    return 0;
}

int lab_capture_fill(struct lab_scenario *s, struct err *e)
{
    for (unsigned i = 0; i < s->n_coins; i++) {
        struct scenario_coin *c = &s->coin[i];
        if (c->path.shape == PATH_CAPTURE && fill_prices(s, c, e) != 0)
            return -1;
        if (!c->book_file[0])
            continue;
        struct reading r = {.file = c->book_file,
                            .instrument = c->book_instrument,
                            .until = c->book_at_s ? c->book_at_s * NS_PER_S : UINT64_MAX};
        if (read_one(&r, c, e) != 0)
            return -1;
    }
    return 0;
}
