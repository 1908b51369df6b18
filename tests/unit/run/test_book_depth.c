// SPDX-License-Identifier: Apache-2.0
// A book of the feed as a way out: made-up levels against sums in integers, a snapshot and changes through
// the decoder, a gap, and a route over the book and a pool.
#include "run/book_depth.h"

#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/exit/route.h"
#include "feed/feedtest.h"

static struct feed_num dec(int64_t m, int exp)
{
    return (struct feed_num){.v.m = m, .exp10 = (int8_t)exp, .form = NUM_DECIMAL};
}

// Prices to 0.01, amounts to 0.0001 of a token with 18 decimals, proceeds in units of 6 decimals.
static const struct book_scale scale = {.price_decimals = 4, .amount_decimals = 8, .tick = 100, .lot = 10000};
#define LOT ((u128)100000000000000u)
enum { UNIT = 1 }; // a lot at a tick: 0.0001 * 0.01 = 1e-6

START_TEST(test_levels)
{
    struct prng r;
    struct err e;
    static struct depth d;
    prng_seed(&r, test_seed(20261204));
    for (unsigned round = 0; round < 2000; round++) {
        struct feed_level l[70];
        unsigned n = (unsigned)prng_below(&r, 70);
        int64_t price = 300000000 + (int64_t)prng_below(&r, 1000000);
        uint64_t want = 0, lots = 0;
        ck_assert_int_eq(depth_begin(&d, LOT, UNIT, 0, 0, &e), 0);
        for (unsigned i = 0; i < n; i++) {
            int64_t amount = (int64_t)prng_below(&r, 5000000);
            bool real = prng_chance(&r, 1, 2);
            l[i].price = real ? num((double)price / 1e4) : dec(price, -4);
            l[i].amount = prng_chance(&r, 1, 20) ? (struct feed_num){.form = NUM_NONE}
                          : real                 ? num((double)amount / 1e8)
                                                 : dec(amount, -8);
            if (l[i].amount.form != NUM_NONE && i < DEPTH_LEVELS_MAX) {
                lots += (uint64_t)(amount / 10000);
                want += (uint64_t)(amount / 10000 * (price / 100));
            }
            price -= 100 + (int64_t)prng_below(&r, 10000); // a tick at least
        }
        if (n > DEPTH_LEVELS_MAX) // those that are left out make room for others: not asked here
            n = DEPTH_LEVELS_MAX;
        ck_assert_int_eq(book_depth_fill(&d, l, n, &scale, &e), 0);
        ck_assert(d.venue.out(&d.venue, EXIT_AMOUNT_MAX) == want);
        ck_assert(d.n == 0 || depth_units(&d, d.n - 1u) == lots * LOT);
    }
}
END_TEST

START_TEST(test_refused)
{
    static struct depth d;
    struct err e;
    struct feed_level l[2] = {{num(5), num(1)}, {num(6), num(1)}};
    ck_assert_int_eq(depth_begin(&d, LOT, UNIT, 0, 0, &e), 0);
    ck_assert_int_eq(book_depth_fill(&d, l, 2, &scale, &e), -1); // the second is better
    ck_assert(d.n == 0 && d.venue.out(&d.venue, EXIT_AMOUNT_MAX) == 0);
    l[0].price = num(-5);
    ck_assert_int_eq(book_depth_fill(&d, l, 2, &scale, &e), 0);
    ck_assert_uint_eq(d.n, 1);
    struct book_scale bad[4] = {scale, scale, scale, scale};
    bad[0].tick = 0;
    bad[1].lot = -1;
    bad[2].price_decimals = 19;
    bad[3].amount_decimals = 19;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(book_depth_fill(&d, l, 2, &bad[i], &e), -1);
}
END_TEST

static struct feed *feed;
static struct kept kept;

static void say(uint16_t channel, uint32_t seq, bool snapshot, uint64_t change, const struct deribit_level *l,
                uint16_t n)
{
    struct builder b;
    build_begin(&b, channel, seq);
    if (snapshot)
        deribit_put_snapshot(&b.e, 9, change, change, l, n);
    else
        deribit_put_book(&b.e, 9, change, change - 1, change, l, n);
    ck_assert_int_eq(build_feed(&b, feed, &kept), DROP_NONE);
}

START_TEST(test_from_the_feed)
{
    static struct depth d;
    static struct route r;
    struct err e;
    const struct deribit_level book[] = {
        {true, 0, 3000.0, 2.0}, {true, 0, 2999.5, 1.0}, {false, 0, 3001.0, 9.0}};
    const struct deribit_level more[] = {{true, 0, 3000.5, 0.5}};
    feed = feed_new();
    ck_assert_int_eq(depth_begin(&d, LOT, UNIT, 0, 0, &e), 0);
    ck_assert_int_eq(book_depth_take(&d, feed, VENUE_DERIBIT, 9, &scale, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "deribit has no whole book of instrument 9"));
    say(105, 1, true, 50, book, 3); // the first may be the rest of another
    say(105, 2, true, 50, book, 3);
    ck_assert_int_eq(book_depth_take(&d, feed, VENUE_DERIBIT, 9, &scale, &e), 0);
    ck_assert(d.n == 2 && d.venue.out(&d.venue, EXIT_AMOUNT_MAX) == 8999500000u);
    say(5, 1, false, 51, more, 1);
    ck_assert_int_eq(book_depth_take(&d, feed, VENUE_DERIBIT, 9, &scale, &e), 0);
    ck_assert(d.n == 3 && d.venue.out(&d.venue, 2 * LOT) == 600100);

    // 5 tokens: 3.5 into the book at 2999.5 and above, the rest into a pool that is at 3000.
    const u128 token = 10000 * LOT;
    r.path[0] = (struct route_path){.n = 1, .hop = {{.book = &d}}};
    r.path[1] =
        (struct route_path){.n = 1, .hop = {{.pool = {1000 * token, (u128)3000000 * 1000000, 9995, 10000}}}};
    ck_assert_int_eq(route_set(&r, 2, 0, &e), 0);
    u128 part[ROUTE_PATHS_MAX], out = route_split(&r, 5 * token, part);
    ck_assert(out == route_path_out(&r, 0, part[0]) + route_path_out(&r, 1, part[1]));
    ck_assert(part[0] == 35 * token / 10 && part[1] <= 15 * token / 10 && part[1] > 149 * token / 100);

    say(5, 3, false, 53, more, 1); // a change is missing
    feed_wait(feed, &kept);
    ck_assert_int_eq(book_depth_take(&d, feed, VENUE_DERIBIT, 9, &scale, &e), -1);
    ck_assert(d.n == 0 && d.venue.out(&d.venue, token) == 0);
    say(105, 3, true, 53, book, 3);
    ck_assert_int_eq(book_depth_take(&d, feed, VENUE_DERIBIT, 9, &scale, &e), 0);
    feed_free(feed);
}
END_TEST

RUN_SUITE("book_depth", test_levels, test_refused, test_from_the_feed)
