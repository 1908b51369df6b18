// SPDX-License-Identifier: Apache-2.0
// feed_book() (CME's: cme_venue.h): every level of a made-up venue with losses, against its true book; tops
// of the real capture, against the quotes and the venue's own tickers; orders of the 24-byte protocols
// against an array; damaged packets.
#include "base/prng.h"
#include "base/test_seed.h"
#include "feed/feedtest.h"
#include "feed/frame24_book.h"

#include <pcap/pcap.h>

// ---- Deribit, a venue whose book is known

enum { TICKS = 500, LIVE = 5, MINE = 77, STEPS = 6000 };

static struct {
    struct prng rnd;
    struct feed *feed;
    double amount[2][TICKS], was[STEPS + 1][2][TICKS]; // now; after each change
    uint64_t change, seen;                             // newest, and newest that came out of the feed
    uint32_t seq_live, seq_snap;
} v;

static double price_of(int tick)
{
    return 25000.0 + 0.5 * tick;
}

static void venue_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    (void)ctx;
    (void)p;
    (void)m;
}

static void venue_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    if (!p->snapshot && p->seq > v.seen) // sequence numbers are those of the changes
        v.seen = p->seq;
}

static void venue_send(struct builder *b, bool lost)
{
    size_t len = deribit_end(&b->e);
    ck_assert_uint_ne(len, 0);
    if (lost)
        return;
    struct gen_frame g = wrap(b->bytes, len, (struct frame_options){0});
    const struct feed_sink sink = {NULL, venue_msg, venue_end};
    test_ns += 1000000;
    ck_assert_int_eq(feed_frame(v.feed, test_ns, g.buf, g.len, g.wire, &sink), DROP_NONE);
}

static void venue_change(bool lost)
{
    struct builder b;
    struct deribit_level levels[4];
    uint16_t n = (uint16_t)(1 + prng_below(&v.rnd, 4));
    for (uint16_t i = 0; i < n; i++) {
        int s = (int)prng_below(&v.rnd, 2), tick = (int)prng_below(&v.rnd, TICKS);
        double was = v.amount[s][tick],
               now = prng_chance(&v.rnd, 1, 3) ? 0 : 1 + (double)prng_below(&v.rnd, 99);
        v.amount[s][tick] = now;
        levels[i] = (struct deribit_level){
            .bid = s, .change = now > 0 ? was > 0 : 2, .price = price_of(tick), .amount = now};
    }
    build_begin(&b, LIVE, v.seq_live++);
    v.change++;
    memcpy(v.was[v.change], v.amount, sizeof v.amount);
    deribit_put_book(&b.e, MINE, v.change, v.change - 1, v.change, levels, n);
    venue_send(&b, lost);
}

// In packets of up to 60 levels.
static void venue_snapshot(void)
{
    static struct deribit_level levels[2 * TICKS];
    unsigned n = 0, at = 0;
    for (int s = 0; s < 2; s++)
        for (int k = 0; k < TICKS; k++)
            if (v.amount[s][k] > 0)
                levels[n++] =
                    (struct deribit_level){.bid = s, .price = price_of(k), .amount = v.amount[s][k]};
    do {
        struct builder b;
        uint16_t some = (uint16_t)(n - at < 60 ? n - at : 60);
        build_begin(&b, 100 + LIVE, v.seq_snap++);
        deribit_put_snapshot(&b.e, MINE, v.change, v.change, levels + at, some);
        at += some;
        if (at < n) // is_last_in_book: the encoder sets it
            b.bytes[b.e.len - 8 - (size_t)some * 17 - 1] = 0;
        venue_send(&b, false);
    } while (at < n);
}

static bool as_was(uint64_t change, bool bid)
{
    static struct feed_level l[TICKS + 1];
    int n = feed_book(v.feed, VENUE_DERIBIT, MINE, bid, l, TICKS + 1), at = 0;
    for (int k = 0; k < TICKS; k++) {
        int tick = bid ? TICKS - 1 - k : k;
        double amount = v.was[change][bid][tick];
        if (amount == 0)
            continue;
        if (at >= n || !num_is(l[at].price, price_of(tick)) || !num_is(l[at].amount, amount))
            return false;
        at++;
    }
    return at == n;
}

START_TEST(test_known_venue)
{
    struct feed_level l[3], all[TICKS];
    unsigned whole = 0, broken = 0;
    bool was_whole = false;
    memset(&v, 0, sizeof v);
    prng_seed(&v.rnd, test_seed(20261201));
    v.feed = feed_new();
    v.seq_live = 1;
    ck_assert_int_eq(feed_book(v.feed, VENUE_DERIBIT, MINE, true, l, 3), -1); // nothing was heard yet
    while (v.change < STEPS) {
        if (prng_chance(&v.rnd, 1, 60) && v.seen == v.change)
            venue_snapshot();
        venue_change(prng_chance(&v.rnd, 1, 150));
        int n = feed_book(v.feed, VENUE_DERIBIT, MINE, true, all, TICKS);
        if (n < 0) {
            broken += was_whole;
            was_whole = false;
            ck_assert_int_eq(feed_book(v.feed, VENUE_DERIBIT, MINE, false, l, 3), -1);
            continue;
        }
        whole++;
        was_whole = true;
        ck_assert(as_was(v.seen, true) && as_was(v.seen, false));
        int few = feed_book(v.feed, VENUE_DERIBIT, MINE, true, l, 3);
        ck_assert_int_eq(few, n < 3 ? n : 3);
        for (int i = 0; i < few; i++)
            ck_assert(l[i].price.v.f == all[i].price.v.f && l[i].amount.v.f == all[i].amount.v.f);
    }
    ck_assert_uint_gt(whole, 1000);
    ck_assert_uint_gt(broken, 10);
    ck_assert_int_eq(feed_book(v.feed, VENUE_DERIBIT, MINE + 1, true, l, 3), -1);
    ck_assert_int_eq(feed_book(v.feed, VENUE_DERIBIT, MINE | UINT64_C(1) << 32, true, l, 3), -1);
    ck_assert_int_eq(feed_book(v.feed, VENUE_CME, MINE, true, l, 3), -1);
    ck_assert_int_eq(feed_book(v.feed, VENUE_NONE, MINE, true, l, 3), -1);
    feed_free(v.feed);
}
END_TEST

// A change in two messages: between them the book is nobody's.
START_TEST(test_amid_a_change)
{
    struct builder b;
    struct feed_level l[4];
    const struct deribit_level one = {.bid = true, .change = 0, .price = 100, .amount = 5};
    const struct deribit_level two = {.bid = true, .change = 0, .price = 101, .amount = 7};
    memset(&v, 0, sizeof v);
    v.feed = feed_new();
    build_begin(&b, 100 + LIVE, 1);
    deribit_put_snapshot(&b.e, MINE, 1, 10, &one, 1);
    venue_send(&b, false);
    build_begin(&b, 100 + LIVE, 2); // what comes first may be the rest of another
    deribit_put_snapshot(&b.e, MINE, 1, 10, &one, 1);
    venue_send(&b, false);
    ck_assert_int_eq(feed_book(v.feed, VENUE_DERIBIT, MINE, true, l, 4), 1);
    build_begin(&b, LIVE, 1);
    deribit_put_book(&b.e, MINE, 2, 10, 11, &two, 1);
    b.bytes[b.e.len - 8 - 18 - 1] = 0; // is_last
    venue_send(&b, false);
    ck_assert_int_eq(feed_book(v.feed, VENUE_DERIBIT, MINE, true, l, 4), -1);
    build_begin(&b, LIVE, 2);
    deribit_put_book(&b.e, MINE, 2, 10, 11, &one, 1);
    venue_send(&b, false);
    ck_assert_int_eq(feed_book(v.feed, VENUE_DERIBIT, MINE, true, l, 4), 2);
    ck_assert(num_is(l[0].price, 101) && num_is(l[1].price, 100) && num_is(l[0].amount, 7));
    feed_free(v.feed);
}
END_TEST

// ---- damaged packets: no more than a wrong number, never a book out of order

START_TEST(test_damaged)
{
    struct prng r;
    prng_seed(&r, test_seed(20261202));
    memset(&v, 0, sizeof v);
    prng_seed(&v.rnd, 3);
    v.feed = feed_new();
    v.seq_live = 1;
    unsigned asked = 0;
    for (unsigned step = 0; step < 4000; step++) {
        struct builder b;
        struct deribit_level levels[6];
        for (unsigned i = 0; i < 6; i++)
            levels[i] =
                (struct deribit_level){prng_chance(&r, 1, 2), (uint8_t)prng_below(&r, 3),
                                       price_of((int)prng_below(&r, TICKS)), (double)prng_below(&r, 9)};
        bool snap = prng_chance(&r, 1, 6);
        build_begin(&b, snap ? 100 + LIVE : LIVE, snap ? v.seq_snap++ : v.seq_live++);
        if (snap)
            deribit_put_snapshot(&b.e, MINE, v.change, v.change, levels, 6);
        else
            deribit_put_book(&b.e, MINE, v.change, v.change, v.change + 1, levels, 6);
        v.change += !snap;
        size_t len = deribit_end(&b.e);
        for (unsigned k = (unsigned)prng_below(&r, 3); k > 0; k--)
            b.bytes[8 + prng_below(&r, len - 8)] = (uint8_t)prng_below(&r, 256);
        struct gen_frame g = wrap(b.bytes, len, (struct frame_options){0});
        const struct feed_sink sink = {NULL, venue_msg, venue_end};
        test_ns += 1000000;
        (void)feed_frame(v.feed, test_ns, g.buf, g.len, g.wire, &sink);
        for (int s = 0; s < 2; s++) {
            struct feed_level l[64];
            int n = feed_book(v.feed, VENUE_DERIBIT, MINE, s, l, 64);
            ck_assert_int_le(n, 64);
            for (int i = 0; i < n; i++)
                ck_assert(l[i].amount.v.f > 0 && (i == 0 || (s ? l[i].price.v.f < l[i - 1].price.v.f
                                                               : l[i].price.v.f > l[i - 1].price.v.f)));
            asked += n > 0;
        }
    }
    ck_assert_uint_gt(asked, 100);
    feed_free(v.feed);
}
END_TEST

// ---- the real capture: the top of each book is what the newest quote said

struct real {
    struct feed *feed;
    enum feed_venue venue;
    uint64_t id[64];
    struct feed_msg quote[64]; // of this packet, the newest of each instrument
    unsigned n;
    uint64_t equal, none, levels, tickers;
};

static void real_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct real *r = ctx;
    (void)p;
    if (m->kind != FEED_QUOTE && !(m->kind == FEED_TICKER && r->venue == VENUE_DERIBIT && !p->snapshot))
        return;
    unsigned i = 0;
    while (i < r->n && !(r->quote[i].instrument_id == m->instrument_id && r->quote[i].kind == m->kind))
        i++;
    ck_assert_uint_lt(i, 64);
    r->quote[i] = *m;
    r->n = i == r->n ? i + 1 : r->n;
}

static bool same_num(struct feed_num a, struct feed_num b)
{
    return a.form == b.form && a.v.m == b.v.m && (a.form != NUM_DECIMAL || a.exp10 == b.exp10);
}

static void real_end(void *ctx, const struct feed_packet *p)
{
    struct real *r = ctx;
    struct feed_level l[64];
    (void)p;
    for (unsigned i = 0; i < r->n; i++) {
        const struct feed_msg *q = &r->quote[i];
        int n[2];
        for (int s = 0; s < 2; s++) {
            n[s] = feed_book(r->feed, r->venue, q->instrument_id, s, l, 64);
            if (n[s] > 0 && (q->has & (s ? HAS_BID : HAS_ASK))) {
                ck_assert(same_num(l[0].price, s ? q->bid : q->ask));
                ck_assert(same_num(l[0].amount, s ? q->bid_amount : q->ask_amount));
                r->equal++;
                r->tickers += q->kind == FEED_TICKER;
                r->levels += (uint64_t)n[s];
            }
            if (n[s] >= 0)
                ck_assert_int_eq(n[s] > 0, (q->has & (s ? HAS_BID : HAS_ASK)) != 0);
        }
        ck_assert_int_eq(n[0] < 0, n[1] < 0);
        r->none += n[0] < 0;
    }
    r->n = 0;
}

static bool run_capture(const char *name, enum feed_venue venue, struct real *r)
{
    char why[PCAP_ERRBUF_SIZE], path[512];
    const char *shared = getenv("SHARED");
    snprintf(path, sizeof path, "%s/captures/%s", shared ? shared : "../shared", name);
    pcap_t *cap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap) {
        printf("# SKIP %s: not beside the project\n", name);
        return false;
    }
    memset(r, 0, sizeof *r);
    r->feed = feed_new();
    r->venue = venue;
    const struct feed_sink sink = {r, real_msg, real_end};
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    while (pcap_next_ex(cap, &h, &bytes) == 1)
        feed_frame(r->feed, (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec, bytes, h->caplen,
                   h->len, &sink);
    pcap_close(cap);
    feed_free(r->feed);
    printf("# %s: %llu sides equal, %llu of them by tickers, %llu levels, %llu without a book\n", name,
           (unsigned long long)r->equal, (unsigned long long)r->tickers, (unsigned long long)r->levels,
           (unsigned long long)r->none);
    return true;
}

START_TEST(test_real_capture)
{
    static struct real r;
    if (run_capture("deribit_legacy_sample_v1_6.pcapng", VENUE_DERIBIT, &r)) {
        ck_assert_uint_gt(r.tickers, 100);
        ck_assert_uint_gt(r.levels, r.equal);
    }
}
END_TEST

// ---- orders of the 24-byte protocols

START_TEST(test_orders)
{
    struct prng r;
    prng_seed(&r, test_seed(20261203));
    struct f24_books *b = f24_books_new();
    struct f24_chan *c = f24_chan(b, 3);
    struct f24_inst *i = f24_inst(b, c, 9);
    static int64_t qty[2][TICKS], order[2][TICKS];
    int64_t id = 0, price, got;
    uint64_t seq = 1;
    ck_assert_ptr_null(f24_whole(b, 9));
    f24_live(b, c, seq, seq + 1);
    ck_assert(f24_load_begin(b, i, seq));
    ck_assert(f24_load_end(b, i));
    for (unsigned step = 0; step < 4000; step++) {
        int s = (int)prng_below(&r, 2);
        size_t k = prng_below(&r, prng_chance(&r, 1, 2) ? 20 : TICKS);
        seq++;
        f24_live(b, c, seq, seq + 1);
        struct f24_event e = {.seq = seq, .op = F24_DELETE, .side = (uint8_t)s, .order = order[s][k]};
        if (qty[s][k] == 0) {
            order[s][k] = ++id;
            qty[s][k] = 1 + (int64_t)prng_below(&r, 50);
            e = (struct f24_event){seq, F24_PUT, (uint8_t)s, id, (int64_t)k - 100, qty[s][k]};
        } else {
            qty[s][k] = 0;
        }
        f24_change(b, i, &e);
        ck_assert_ptr_eq(f24_whole(b, 9), i);
        for (int side = 0; step % 20 == 0 && side < 2; side++) {
            bool first = true;
            for (int n = 0; n < TICKS; n++) {
                int at = side == F24_BID ? TICKS - 1 - n : n;
                if (qty[side][at] == 0)
                    continue;
                ck_assert(f24_next(b, i, (enum f24_side)side, first, &price, &got));
                ck_assert(price == at - 100 && got == qty[side][at]);
                first = false;
            }
            ck_assert(!f24_next(b, i, (enum f24_side)side, first, &price, &got));
        }
    }
    c->open = true; // amid a transaction
    ck_assert_ptr_null(f24_whole(b, 9));
    c->open = false;
    f24_break_channel(b, c);
    ck_assert_ptr_null(f24_whole(b, 9));
    f24_books_free(b);
}
END_TEST

RUN_SUITE("feed_book", test_known_venue, test_amid_a_change, test_damaged, test_real_capture, test_orders)
