// SPDX-License-Identifier: Apache-2.0
// Rebuilt books: the store against a plain array; the real capture, where the venue's own tickers are the
// judge; a made-up venue with losses on both channels, whose true book at every change is known.
#include "base/prng.h"
#include "base/test_seed.h"
#include "feed/book.h"
#include "feed/deribit_wire.h"
#include "feed/feedtest.h"

#include <math.h>
#include <pcap/pcap.h>

// ---- the store of levels

enum { KEYS = 600 };

static bool is_odd(const struct level *l, uint64_t arg)
{
    return (l->change & 1) == arg;
}

static void same_side(struct levels *s, struct side *side, const double *amount)
{
    int64_t best = 0;
    while (best < KEYS && amount[best] == 0)
        best++;
    const struct level *l = level_best(s, side);
    ck_assert_int_eq(l != NULL, best < KEYS);
    if (l)
        ck_assert(l->key == best && l->amount == amount[best]);
    for (int64_t k = 0; k < KEYS; k++) {
        const struct level *f = level_find(s, side, k);
        ck_assert_int_eq(f != NULL, amount[k] != 0);
        if (f)
            ck_assert(f->key == k && f->amount == amount[k]);
    }
}

START_TEST(test_levels)
{
    struct prng r;
    prng_seed(&r, test_seed(20261127));
    struct levels *s = levels_new();
    static double amount[2][KEYS];
    static uint64_t change[2][KEYS];
    struct side side[2] = {{0}};
    for (unsigned step = 0; step < test_rounds(60000); step++) {
        unsigned w = (unsigned)prng_below(&r, 2);
        size_t k = prng_chance(&r, 1, 2) ? prng_below(&r, KEYS) : prng_below(&r, 30);
        if (prng_chance(&r, step / 10000 % 2 ? 2 : 3, 5)) {
            amount[w][k] = 1 + (double)prng_below(&r, 1000);
            change[w][k] = step;
            ck_assert(level_put(s, &side[w], (int64_t)k, amount[w][k], step));
        } else {
            amount[w][k] = 0;
            level_remove(s, &side[w], (int64_t)k);
        }
        if (step % 9000 == 8999) {
            levels_sift(s, &side[w], is_odd, 1);
            for (k = 0; k < KEYS; k++)
                if (change[w][k] & 1)
                    amount[w][k] = 0;
        }
        if (step % 50 == 0)
            same_side(s, &side[w], amount[w]);
    }
    levels_clear(s, &side[0]);
    memset(amount[0], 0, sizeof amount[0]);
    same_side(s, &side[0], amount[0]);
    same_side(s, &side[1], amount[1]);
    levels_free(s);
}
END_TEST

START_TEST(test_levels_are_bounded)
{
    struct levels *s = levels_new();
    struct side a = {0};
    static struct side many[BOOK_CHUNKS + 1];
    int64_t k = 0;
    while (level_put(s, &a, k, 1, 1))
        k++;
    ck_assert_int_ge(k, 5000);
    ck_assert(level_put(s, &a, k / 2, 2, 2)); // what is there can still change
    levels_clear(s, &a);
    size_t n = 0;
    while (level_put(s, &many[n], 7, 1, 1))
        n++;
    ck_assert_uint_eq(n, BOOK_CHUNKS);
    ck_assert_ptr_null(level_best(s, &many[n]));
    levels_clear(s, &many[0]);
    ck_assert(level_put(s, &many[n], 7, 1, 1));
    levels_free(s);
}
END_TEST

START_TEST(test_keys_are_ordered)
{
    static const double prices[] = {-1e300,  -2.5, -1, -5e-324, 0, 5e-324, 1e-9, 1, 1.0000000000000002,
                                    64000.5, 1e300};
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        int64_t ask, bid, ask_before, bid_before;
        ck_assert(level_key(prices[i], false, &ask) && level_key(prices[i], true, &bid));
        ck_assert(level_price(ask, false) == prices[i] && level_price(bid, true) == prices[i]);
        if (i == 0)
            continue;
        ck_assert(level_key(prices[i - 1], false, &ask_before) &&
                  level_key(prices[i - 1], true, &bid_before));
        ck_assert_int_lt(ask_before, ask);
        ck_assert_int_gt(bid_before, bid);
    }
    int64_t a, b;
    ck_assert(level_key(-0.0, true, &a) && level_key(0.0, true, &b) && a == b);
    ck_assert(!level_key((double)NAN, true, &a) && !level_key(-(double)INFINITY, true, &a));
}
END_TEST

// ---- the real capture

struct real {
    struct feed_msg quote[1024]; // newest of each instrument, by id
    bool quoted[1024];
    struct feed_msg ticker[64]; // of this packet
    unsigned tickers;
    bool book[1024]; // in this packet
    uint64_t compared, equal, with_book, trades, liquidations;
};

static void real_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct real *r = ctx;
    if (m->kind == FEED_QUOTE) {
        ck_assert_uint_lt(m->instrument_id, 1024);
        r->quote[m->instrument_id] = *m;
        r->quoted[m->instrument_id] = true;
    } else if (m->kind == FEED_TICKER && !p->snapshot) {
        ck_assert_uint_lt(r->tickers, 64);
        r->ticker[r->tickers++] = *m;
    }
    r->trades += m->kind == FEED_TRADE;
    r->liquidations += m->kind == FEED_TRADE && (m->has & HAS_LIQUIDATION);
}

static bool same(uint32_t bit, const struct feed_msg *t, const struct feed_num *tp, const struct feed_num *ta,
                 const struct feed_msg *q, const struct feed_num *qp, const struct feed_num *qa)
{
    if (!(t->has & bit))
        return !(q->has & bit);
    return (q->has & bit) && tp->v.f == qp->v.f && ta->v.f == qa->v.f;
}

// Which instruments have a change of their book in the packet: read from the bytes, not through the decoder.
static void find_books(struct real *r, const struct feed_packet *p)
{
    memset(r->book, 0, sizeof r->book);
    for (size_t at = 8; at + 16 <= p->len;) {
        const uint8_t *h = p->payload + at;
        size_t next = at + 12 + (size_t)(h[0] | h[1] << 8);
        unsigned id = (unsigned)(h[2] | h[3] << 8), groups = h[8], texts = h[10];
        for (unsigned g = 0; g < groups; g++) // none is nested in this capture
            next += 8 + (size_t)(p->payload[next] | p->payload[next + 1] << 8) *
                            (size_t)(p->payload[next + 2] | p->payload[next + 3] << 8);
        for (unsigned t = 0; t < texts; t++)
            next += 1 + (size_t)p->payload[next];
        if (id == 1001)
            r->book[(h[12] | h[13] << 8) & 1023] = true;
        at = next;
    }
}

static void real_end(void *ctx, const struct feed_packet *p)
{
    struct real *r = ctx;
    find_books(r, p);
    for (unsigned i = 0; i < r->tickers; i++) {
        const struct feed_msg *t = &r->ticker[i];
        const struct feed_msg *q = &r->quote[t->instrument_id];
        if (!r->quoted[t->instrument_id])
            continue;
        bool ok = same(HAS_BID, t, &t->bid, &t->bid_amount, q, &q->bid, &q->bid_amount) &&
                  same(HAS_ASK, t, &t->ask, &t->ask_amount, q, &q->ask, &q->ask_amount);
        r->compared++;
        r->equal += ok;
        r->with_book += ok && r->book[t->instrument_id];
    }
    r->tickers = 0;
}

START_TEST(test_real_capture)
{
    static struct real r;
    char why[PCAP_ERRBUF_SIZE], path[512];
    const char *shared = getenv("SHARED");
    snprintf(path, sizeof path, "%s/captures/deribit_legacy_sample_v1_6.pcapng",
             shared ? shared : "../shared");
    pcap_t *cap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap) {
        printf("# SKIP the real capture: none beside the project\n");
        return;
    }
    struct feed *f = feed_new();
    const struct feed_sink sink = {&r, real_msg, real_end};
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    while (pcap_next_ex(cap, &h, &bytes) == 1)
        feed_frame(f, (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec, bytes, h->caplen,
                   h->len, &sink);
    const struct feed_counters *n = feed_counters(f);
    ck_assert_uint_eq(r.with_book, 695);
    ck_assert_uint_eq(r.compared, r.equal);
    ck_assert_uint_gt(r.compared, 3000);
    ck_assert_uint_eq(n->books_broken, 0);
    ck_assert_uint_eq(n->books_whole, 84); // every instrument
    ck_assert_uint_eq(r.trades, 421);
    ck_assert_uint_eq(n->trades, 421);
    ck_assert_uint_eq(r.liquidations, 0);
    pcap_close(cap);
    feed_free(f);
}
END_TEST

// ---- a venue whose book is known

enum { TICKS = 40, HISTORY = 4096, LIVE = 5, MINE = 7 };

static struct {
    struct prng rnd;
    struct feed *feed;
    double amount[2][TICKS];
    uint64_t change;
    uint32_t seq_live, seq_snap;
    struct {
        double price[2], amount[2]; // best ask and bid after this change; amount 0: none
    } best[HISTORY];
    // what the decoder said last
    bool whole;
    uint64_t quotes, wrong;
    struct feed_msg newest;
    double loss;
} v;

static double price_of(int tick)
{
    return 100.0 + 0.5 * tick;
}

static void note_best(void)
{
    for (int s = 0; s < 2; s++) {
        v.best[v.change].amount[s] = 0;
        for (int k = 0; k < TICKS; k++) {
            int tick = s ? TICKS - 1 - k : k;
            if (v.amount[s][tick] > 0) {
                v.best[v.change].price[s] = price_of(tick);
                v.best[v.change].amount[s] = v.amount[s][tick];
                break;
            }
        }
    }
}

static bool is_best(const struct feed_msg *m, uint64_t change)
{
    for (int s = 0; s < 2; s++) {
        const struct feed_num *px = s ? &m->bid : &m->ask, *am = s ? &m->bid_amount : &m->ask_amount;
        bool has = m->has & (s ? HAS_BID : HAS_ASK);
        if (has != (v.best[change].amount[s] > 0) ||
            (has && (px->v.f != v.best[change].price[s] || am->v.f != v.best[change].amount[s])))
            return false;
    }
    return true;
}

static void venue_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    (void)ctx;
    if (m->kind != FEED_QUOTE)
        return;
    ck_assert_uint_eq(m->instrument_id, MINE);
    v.quotes++;
    v.whole = m->has != 0;
    if (!m->has)
        return;
    // Changes are stamped with their number, so that a quote can be told apart by its time.
    if (!p->snapshot)
        v.wrong += !is_best(m, m->ts_ns / 1000000);
    v.newest = *m;
}

static void venue_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
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

static bool lose(void)
{
    return prng_unit(&v.rnd) < v.loss;
}

static void venue_change(void)
{
    struct builder b;
    struct deribit_level levels[4];
    uint16_t n = (uint16_t)(1 + prng_below(&v.rnd, 4));
    for (uint16_t i = 0; i < n; i++) {
        int s = (int)prng_below(&v.rnd, 2), tick = (int)prng_below(&v.rnd, TICKS);
        double was = v.amount[s][tick],
               now = prng_chance(&v.rnd, 1, 2) ? 0 : 1 + (double)prng_below(&v.rnd, 99);
        v.amount[s][tick] = now;
        levels[i] = (struct deribit_level){
            .bid = s, .change = now > 0 ? was > 0 : 2, .price = price_of(tick), .amount = now};
    }
    build_begin(&b, LIVE, v.seq_live++);
    v.change++;
    note_best();
    deribit_put_book(&b.e, MINE, v.change, v.change - 1, v.change, levels, n);
    venue_send(&b, lose());
}

// A snapshot in two packets; the venue goes on while they are under way. As it was `lag` changes ago cannot
// be known here, so lag is made by sending the packets later: they are kept.
static struct builder parts[2];
static unsigned n_parts;

static void venue_snapshot(void)
{
    struct deribit_level levels[2 * TICKS];
    uint16_t n = 0, first;
    for (int s = 0; s < 2; s++)
        for (int k = 0; k < TICKS; k++)
            if (v.amount[s][k] > 0)
                levels[n++] =
                    (struct deribit_level){.bid = s, .price = price_of(k), .amount = v.amount[s][k]};
    n_parts = prng_chance(&v.rnd, 1, 2) ? 2 : 1;
    first = n_parts == 2 ? n / 2 : n;
    build_begin(&parts[0], 100 + LIVE, v.seq_snap++);
    if (prng_chance(&v.rnd, 1, 2))
        deribit_put_snapshot_start(&parts[0].e, 200);
    deribit_put_snapshot(&parts[0].e, MINE, v.change, v.change, levels, first);
    if (n_parts == 2) {
        // is_last_in_book of the first part: the encoder sets it
        parts[0].bytes[parts[0].e.len - 8 - (size_t)first * 17 - 1] = 0;
        build_begin(&parts[1], 100 + LIVE, v.seq_snap++);
        deribit_put_snapshot(&parts[1].e, MINE, v.change, v.change, levels + first, (uint16_t)(n - first));
    }
}

static void next_part(void)
{
    parts[0] = parts[1];
    parts[0].e.buf = parts[0].bytes;
    n_parts--;
}

static void run_venue(uint64_t seed, double loss)
{
    memset(&v, 0, sizeof v);
    prng_seed(&v.rnd, seed);
    v.feed = feed_new();
    v.loss = loss;
    v.change = 0;
    n_parts = 0;
    for (unsigned step = 0; v.change < HISTORY - 60; step++) {
        if (prng_chance(&v.rnd, 1, 40) && n_parts == 0)
            venue_snapshot();
        if (n_parts && prng_chance(&v.rnd, 1, 3)) {
            venue_send(&parts[0], lose());
            next_part();
        }
        venue_change();
    }
    // Without further loss the book becomes whole again, with the second snapshot at the latest: the first
    // may look like the rest of one that was lost.
    v.loss = 0;
    for (int cycle = 0; cycle < 3; cycle++) {
        while (n_parts) {
            venue_send(&parts[0], false);
            next_part();
        }
        for (int k = 0; k < 10; k++)
            venue_change();
        if (cycle < 2)
            venue_snapshot();
        venue_change();
    }
    ck_assert_msg(v.wrong == 0, "seed %llu: %llu of %llu quotes are wrong", (unsigned long long)seed,
                  (unsigned long long)v.wrong, (unsigned long long)v.quotes);
    ck_assert(v.whole);
    ck_assert(is_best(&v.newest, v.change));
    const struct feed_counters *n = feed_counters(v.feed);
    ck_assert_uint_eq(n->quotes, v.quotes);
    ck_assert(loss > 0 ? n->books_broken > 3 && n->books_whole == n->books_broken + 1
                       : n->books_broken == 0 && n->books_whole == 1);
    feed_free(v.feed);
}

START_TEST(test_known_venue)
{
    uint64_t seed = test_seed(20261128);
    for (uint64_t i = 0; i < test_rounds(40); i++)
        run_venue(seed + i, i % 4 == 0 ? 0.0 : 0.002 * (double)i);
}
END_TEST

// ---- numbers that cannot be

static struct feed *lie;
static struct kept told;
static uint32_t lie_seq[2];

static void lie_send(struct builder *b)
{
    ck_assert_int_eq(build_feed(b, lie, &told), DROP_NONE);
}

static void lie_change(uint64_t ms, uint64_t prev, uint64_t id, double bid)
{
    struct builder b;
    struct deribit_level l = {.bid = true, .price = bid, .amount = 1};
    build_begin(&b, LIVE, ++lie_seq[0]);
    deribit_put_book(&b.e, MINE, ms, prev, id, &l, 1);
    lie_send(&b);
}

static void lie_snapshot(uint64_t ms, uint64_t change, double bid)
{
    struct builder b;
    struct deribit_level l = {.bid = true, .price = bid, .amount = 1};
    build_begin(&b, 100 + LIVE, ++lie_seq[1]);
    deribit_put_snapshot_start(&b.e, 200);
    deribit_put_snapshot(&b.e, MINE, ms, change, &l, 1);
    lie_send(&b);
}

static void lie_begin(void)
{
    feed_free(lie);
    lie = feed_new();
    lie_seq[0] = lie_seq[1] = 0;
}

static void told_bid(double bid)
{
    ck_assert_uint_eq(told.msgs, 1);
    ck_assert_uint_eq(told.msg[0].has, bid > 0 ? HAS_BID : 0u);
    ck_assert(bid == 0 || told.msg[0].bid.v.f == bid);
}

// The live changes say nothing of such a number, whether by exchange or by receive time: the book is not kept
// still.
START_TEST(test_snapshot_from_the_future)
{
    const uint64_t far = UINT64_C(1) << 60;
    for (int clock = 0; clock < 2; clock++) {
        lie_begin();
        lie_change(1000, 10, 11, 99);
        lie_snapshot(clock ? 1002 : far, far, 100);
        told_bid(100);
        lie_change(1001, 11, 12, 101); // it may lag behind the snapshot
        ck_assert_uint_eq(told.msgs, 0);
        lie_change(1002, 12, 13, 101);
        ck_assert_uint_eq(told.msgs, 0);
        test_ns += clock ? 0 : UINT64_C(1000000000);
        lie_change(1002, 13, 14, 102); // a whole second is not too long yet
        ck_assert_uint_eq(told.msgs, 0);
        test_ns += clock ? 0 : 1;
        lie_change(1003, 14, 15, 103);
        told_bid(0);
        ck_assert_uint_eq(feed_counters(lie)->books_broken, 1);
        lie_snapshot(1004, 15, 104); // the changes collected since then meet the next one
        told_bid(104);
        lie_change(1005, 15, 16, 105);
        told_bid(105);
    }
}
END_TEST

// A snapshot that is truly ahead: changes up to it are passed over, the next one follows, however late.
START_TEST(test_snapshot_ahead)
{
    for (uint64_t later = 0; later < 2; later++) {
        lie_begin();
        lie_change(1000, 10, 11, 99);
        lie_snapshot(1002, 13, 100);
        told_bid(100);
        lie_change(1001, 11, 12, 98);
        lie_change(1002, 12, 13, 100);
        ck_assert_uint_eq(told.msgs, 0);
        test_ns += later * UINT64_C(50000000000);
        lie_change(1003, 13, 14, 101);
        told_bid(101);
        lie_change(1001, 12, 13, 103); // caught up: live changes do not go back
        told_bid(0);
    }
}
END_TEST

// A live change that leads to such a number, one that leads back, one that leads nowhere.
START_TEST(test_change_to_the_future)
{
    static const uint64_t to[] = {UINT64_C(1) << 60, 5, 11};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        lie_begin();
        lie_snapshot(1000, 11, 100);
        lie_change(1001, 11, to[i], 101);
        told_bid(to[i] > 11 ? 101 : 0);
        lie_change(1002, 12, 13, 102);
        ck_assert_uint_eq(feed_counters(lie)->books_broken, 1);
        lie_change(1003, 13, 14, 103);
        lie_snapshot(1004, 14, 104);
        told_bid(104);
    }
}
END_TEST

// Which snapshots meet the changes collected: from the state that the first one started from on, but not
// while a change has more messages to come. Without changes any does, also one of a lower number than before.
START_TEST(test_snapshot_meets_changes)
{
    struct builder b;
    struct deribit_level l = {.bid = true, .price = 98, .amount = 1};
    lie_begin();
    lie_change(1000, 10, 11, 99);
    lie_snapshot(1000, 9, 90);
    ck_assert_uint_eq(told.msgs, 0);
    lie_snapshot(1000, 10, 90);
    told_bid(99);
    lie_change(1001, 11, 12, 100);
    told_bid(100);
    lie_seq[0]++; // lost
    lie_change(1002, 30, 31, 100);
    feed_wait(lie, &told);
    told_bid(0);
    build_begin(&b, LIVE, ++lie_seq[0]);
    deribit_put_book(&b.e, MINE, 1003, 31, 32, &l, 1);
    b.bytes[FRAME_HEADER + MSG_HEADER + BOOK_LAST] = 0;
    lie_send(&b);
    lie_snapshot(1003, 31, 97);
    ck_assert_uint_eq(told.msgs, 0);
    lie_change(1003, 31, 32, 101); // the rest of it
    lie_snapshot(1003, 31, 97);
    told_bid(101);
    lie_seq[0]++;
    build_begin(&b, LIVE, ++lie_seq[0]);
    deribit_put_snapshot_start(&b.e, 200); // says nothing of the book
    lie_send(&b);
    feed_wait(lie, &told);
    told_bid(0);
    lie_snapshot(1004, 5, 102);
    told_bid(102);
    lie_change(1005, 5, 6, 103);
    told_bid(103);
}
END_TEST

RUN_SUITE("deribit_book", test_levels, test_levels_are_bounded, test_keys_are_ordered, test_real_capture,
          test_known_venue, test_snapshot_from_the_future, test_snapshot_ahead, test_change_to_the_future,
          test_snapshot_meets_changes)
