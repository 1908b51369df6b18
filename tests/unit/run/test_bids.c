// SPDX-License-Identifier: Apache-2.0
// Bids beyond what tests/diff/bids_diff.py sees of one auction: woken and not polled, many at once within
// what one call may cost, room, bids in flight, what is told twice, what the journal does not take.
#include "run/bids.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

enum { MANY = 300, START = 1000 };
static const uint64_t NS = 1000000000;

static struct market market;
static int64_t px[MARKET_ASSETS_MAX];
static unsigned n_sent, n_logged;
static bool log_full;
static struct gateway_order last;

static int submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    gateway_order_copy(&last, o);
    ck_assert_uint_gt(o->lsn, 0);
    n_sent++;
    return 0;
}
static const struct gateway_ops ops = {.submit = submit};
static struct gateway gw = {&ops};

static uint64_t put(void *ctx, enum journal_type type, const void *data, size_t n)
{
    (void)ctx;
    (void)data;
    ck_assert(type == J_BID && n == BID_BYTES);
    return log_full ? 0 : ++n_logged;
}
static bool no_asset(void *ctx, uint16_t asset)
{
    (void)ctx;
    (void)asset;
    return false;
}
static bool no(void *ctx)
{
    (void)ctx;
    return false;
}
// A book that pays `paid` a unit, for so many at most; 0: none is known.
static unsigned paid, most, books_asked;
static uint64_t book_version;
static u128 book_out(const struct exit_venue *v, u128 q)
{
    (void)v;
    return (q < most ? q : most) * paid;
}
static struct exit_rate book_best(const struct exit_venue *v)
{
    (void)v;
    return (struct exit_rate){paid, 1};
}
static const struct exit_venue *way_out(void *ctx, uint16_t coll, uint16_t debt, const int64_t *at)
{
    static const struct exit_venue v = {.out = book_out, .best = book_best, .slop = 1};
    (void)ctx;
    (void)coll;
    (void)debt;
    ck_assert_ptr_eq(at, px);
    return paid ? &v : NULL;
}
static uint64_t book(void *ctx, uint16_t asset)
{
    (void)ctx;
    ck_assert_uint_lt(asset, 2); // of no auction
    books_asked++;
    return book_version;
}

static int64_t once_e8;
static struct bids *open_bids(uint32_t max, int64_t total_e8)
{
    const struct bids_hooks h = {NULL, put, no_asset, no, way_out, book};
    const struct bids_config c = {.max = max, .total_e8 = total_e8, .once_e8 = once_e8, .by = BIDS_BY_REST};
    struct err e;
    market = (struct market){.n_assets = 3, .n_instruments = 2};
    paid = books_asked = 0;
    most = UINT32_MAX;
    market.instrument[0] = (struct instrument){.kind = INST_RESERVE, .asset = 0};
    market.instrument[1] = (struct instrument){.kind = INST_RESERVE, .asset = 1};
    px[0] = 100;
    px[1] = 1;
    n_sent = n_logged = 0;
    log_full = false;
    struct bids *b = bids_new(&c, 7, &market, &gw, &h, true, &e);
    ck_assert_ptr_nonnull(b);
    return b;
}

// Ten units, from 200 down to nothing within 100 s: pays from the 51st second on, when the price is 98.
static struct auction auction(uint32_t id)
{
    struct auction a = {.id = id, .version = 1, .coll = 0, .debt = 1, .second = START};
    const u256 ray = u256_pow10(RAY_DIGITS);
    a.k =
        (struct clip){.calc = {.kind = CURVE_LINEAR, .tau = 100}, .tail = 90, .running = true, .tic = START};
    a.k.buf = ray;
    a.k.lot = u256_from_u64(10);
    (void)u256_mul(u256_from_u64(200), ray, &a.k.top);
    (void)u256_mul(u256_from_u64(5000), ray, &a.k.tab);
    return a;
}

static void answer(struct bids *b, uint32_t id, uint32_t revision, uint8_t status, uint64_t now)
{
    static struct order_reply r;
    memset(&r, 0, sizeof r);
    r.key = (struct order_key){7, id, BID_EPOCH, revision};
    r.status = status;
    bids_reply(b, &r, now);
}

// A hundred calls a second for 51 seconds: it is looked at when it is told, at its bound (the price is 100),
// and when it pays.
START_TEST(test_woken)
{
    struct bids *b = open_bids(8, 0);
    const struct auction a = auction(1);
    const struct bids_counters *n = bids_counters(b);
    bids_told(b, &a);
    for (uint64_t ms = 0; ms <= 51000; ms += 10) {
        ck_assert_uint_eq(n_sent, 0);
        bids_run(b, px, START * NS + ms * 1000000);
    }
    ck_assert_uint_eq(n_sent, 1);
    ck_assert_uint_eq(last.second, START + 51);
    ck_assert(n->replans == 1 && n->wakes == 2 && n->plans == 2 && n->missed == 0 && n->judged > 400);
    bids_free(b);
}
END_TEST

// Books are asked for once in 10 ms, of assets in auctions, and what does not pay at a book's best rate costs
// no plan. One that moves stirs its auctions without a price: here one that pays at last.
START_TEST(test_books)
{
    struct bids *b = open_bids(8, 0);
    const struct auction a = auction(1);
    const struct bids_counters *n = bids_counters(b);
    bids_run(b, px, START * NS);
    ck_assert_uint_eq(books_asked, 0);
    paid = 20; // the price comes to that in the 90th second, but a reset is due by then
    bids_told(b, &a);
    for (uint64_t ms = 10; ms <= 30000; ms++)
        bids_run(b, px, START * NS + ms * 1000000);
    ck_assert_uint_eq(books_asked, 2 * 3000);
    ck_assert(n->replans == 1 && n->plans == 0 && n_sent == 0);
    for (unsigned i = 0; i < 100; i++) { // moves, and pays no more
        book_version++;
        bids_run(b, px, (START + 30) * NS + (i + 1) * UINT64_C(10000000));
    }
    ck_assert(n->replans == 101 && n->plans == 0);
    paid = 150;
    bids_run(b, px, (START + 32) * NS);
    ck_assert_uint_eq(n_sent, 0); // that is no news of a book
    book_version++;
    bids_run(b, px, (START + 32) * NS + 5000000);
    ck_assert_uint_eq(n_sent, 0); // not yet
    bids_run(b, px, (START + 32) * NS + 10000000);
    ck_assert(n_sent == 1 && n->plans == 1);
    bids_free(b);
}
END_TEST

static u256 bid_amount(void)
{
    struct bid b;
    ck_assert_int_eq(bid_decode(last.bytes, last.n_bytes, &b), 0);
    return b.amt;
}

// Two auctions over one collateral at one moment, and a book of twelve for ten each: the second gets what the
// first leaves. A refusal gives its part back, a purchase keeps it until the book has moved.
START_TEST(test_one_book)
{
    struct bids *b = open_bids(8, 0);
    const struct auction one = auction(1), two = auction(2);
    uint64_t now = (START + 60) * NS;
    book_version++;
    paid = 150;
    most = 12;
    bids_told(b, &one);
    bids_told(b, &two);
    bids_run(b, px, now);
    ck_assert(n_sent == 2 && last.key.account == 2);
    ck_assert_uint_eq(bid_amount().w[0], 2);
    answer(b, 1, 1, ORDER_REFUSED, now);
    now += 100000000;
    bids_run(b, px, now);
    ck_assert(n_sent == 3 && last.key.account == 1 && bid_amount().w[0] == 10);
    answer(b, 2, 1, ORDER_TAKEN, now); // two, as if eight more were still for sale
    answer(b, 1, 2, ORDER_TAKEN, now);
    bids_run(b, px, now + NS);
    ck_assert_uint_eq(n_sent, 3); // all twelve are sold
    px[0]++;
    bids_price(b, 0);
    bids_run(b, px, now + 2 * NS);
    ck_assert_uint_eq(n_sent, 3);
    book_version++;
    bids_run(b, px, now + 3 * NS);
    ck_assert(n_sent == 5 && bid_amount().w[0] == 2);
    ck_assert_uint_eq(bids_counters(b)->missed, 0);
    bids_free(b);
}
END_TEST

// A price stirs all of them; a call does no more than it may, and in the end all have been looked at.
START_TEST(test_bounded)
{
    struct bids *b = open_bids(MANY, 0);
    const struct bids_counters *n = bids_counters(b);
    for (uint32_t i = 1; i <= MANY; i++) {
        const struct auction a = auction(i);
        bids_told(b, &a);
    }
    for (unsigned i = 0; i < MANY / BIDS_LOOKS_A_CALL + 1; i++) {
        uint64_t looks = n->replans;
        bids_run(b, px, START * NS);
        ck_assert_uint_le(n->replans - looks, BIDS_LOOKS_A_CALL);
    }
    ck_assert(n->replans == MANY && n->plans == 0);
    px[0] = 199; // pays from the second second on
    for (unsigned i = 0; i < 3; i++)
        bids_price(b, 0); // thrice the same
    unsigned calls = 0;
    for (uint64_t t = (START + 2) * NS; n_sent < BIDS_OUTSTANDING_MAX; t += 1000000, calls++) {
        unsigned before = n_sent;
        bids_run(b, px, t);
        ck_assert_uint_le(n_sent - before, BIDS_PLANS_A_CALL);
        ck_assert_uint_lt(calls, MANY);
    }
    ck_assert_uint_eq(bids_outstanding(b), BIDS_OUTSTANDING_MAX);
    for (unsigned i = 0; i < MANY; i++)
        bids_run(b, px, (START + 2) * NS + 400000000);
    ck_assert_uint_eq(n_sent, BIDS_OUTSTANDING_MAX); // the others are parked, not polled
    uint64_t looks = n->wakes + n->replans;
    bids_run(b, px, (START + 2) * NS + 500000000);
    ck_assert_uint_eq(n->wakes + n->replans, looks);
    answer(b, last.key.account, last.key.revision, ORDER_REFUSED, (START + 2) * NS + 500000000);
    bids_run(b, px, (START + 2) * NS + 500000000);
    ck_assert_uint_eq(n_sent, BIDS_OUTSTANDING_MAX + 1); // its place is another's now
    ck_assert_uint_eq(n->missed, 0);
    bids_free(b);
}
END_TEST

START_TEST(test_told)
{
    struct bids *b = open_bids(2, 0);
    struct auction a = auction(5), over = a;
    const struct bids_counters *n = bids_counters(b);
    over.version = 2;
    over.event = AUCTION_TAKEN;
    over.slice = 10;
    over.k.running = false;
    ck_assert(!bids_wants(b, &over)); // unknown, and over
    ck_assert(bids_wants(b, &a));
    bids_told(b, &a);
    ck_assert(!bids_wants(b, &a) && bids_wants(b, &over));
    bids_told(b, &a);
    ck_assert_uint_eq(n->old, 1);
    a.id = 3;
    bids_told(b, &a);
    a.id = 4;
    bids_told(b, &a);
    ck_assert(n->full == 1 && bids_followed(b) == 2);
    bids_told(b, &over);
    ck_assert_uint_eq(bids_followed(b), 1);
    a.coll = 9;
    bids_told(b, &a);
    ck_assert(n->strange == 1 && bids_followed(b) == 1);
    answer(b, 5, 1, ORDER_TAKEN, START * NS);
    answer(b, 3, 1, ORDER_TAKEN, START * NS);
    ck_assert_uint_eq(n->stray, 2);
    bids_free(b);
}
END_TEST

START_TEST(test_over_while_in_flight)
{
    struct bids *b = open_bids(2, 0);
    struct auction a = auction(1);
    bids_told(b, &a);
    bids_run(b, px, (START + 60) * NS);
    ck_assert_uint_eq(n_sent, 1);
    a.version = 2;
    a.event = AUCTION_TAKEN;
    a.slice = 10;
    a.k.running = false;
    bids_told(b, &a);
    ck_assert_uint_eq(bids_followed(b), 1); // its reply is awaited
    answer(b, 1, 1, ORDER_REFUSED, (START + 60) * NS);
    ck_assert(bids_followed(b) == 0 && bids_outstanding(b) == 0);
    bids_run(b, px, (START + 80) * NS);
    ck_assert_uint_eq(n_sent, 1);
    bids_free(b);
}
END_TEST

// P6: what the journal did not take does not leave; revisions go on from where an earlier session was.
START_TEST(test_journal)
{
    struct bids *b = open_bids(2, 0);
    const struct auction a = auction(1);
    bids_restore(b, 41);
    bids_restore(b, 5);
    bids_told(b, &a);
    log_full = true;
    bids_run(b, px, (START + 60) * NS);
    ck_assert(n_sent == 0 && bids_counters(b)->not_logged == 1 && bids_outstanding(b) == 0);
    log_full = false;
    bids_run(b, px, (START + 61) * NS);
    ck_assert_uint_eq(n_sent, 1);
    ck_assert_uint_eq(last.key.revision, 43);
    bids_free(b);
}
END_TEST

// What the limit of a purchase makes many of ends while stream time stands still: else a run in lockstep, or
// at its end, waits for ever. In the next second it goes on.
START_TEST(test_paced)
{
    once_e8 = 100 * INT64_C(100000000); // one unit
    struct bids *b = open_bids(2, 0);
    once_e8 = 0;
    struct auction a = auction(1);
    const struct bids_counters *n = bids_counters(b);
    bids_told(b, &a);
    for (unsigned second = 60; second < 62; second++) {
        const uint64_t now = (START + second) * NS, before = n->taken;
        for (unsigned i = 0; i < 100; i++) {
            bids_run(b, px, now + NS / 10);
            if (bids_outstanding(b))
                answer(b, 1, n_sent, ORDER_TAKEN, now + NS / 10);
        }
        ck_assert_uint_eq(n->taken - before, BIDS_A_SECOND);
        ck_assert_uint_eq(last.second, START + second);
    }
    ck_assert(n->missed == 0 && n->waits > 0);
    bids_free(b);
}
END_TEST

// Purchases beyond what 1e-8 units of account can tell.
START_TEST(test_more_than_can_be_told)
{
    struct bids *b = open_bids(2, 0);
    const struct bids_counters *n = bids_counters(b);
    for (uint32_t id = 1; id <= 2; id++) {
        struct auction a = auction(id);
        a.k.lot = u256_from_u64(UINT64_C(10000000000));
        (void)u256_mul(u256_pow10(14), u256_pow10(RAY_DIGITS), &a.k.tab);
        bids_told(b, &a);
        bids_run(b, px, (START + 60) * NS);
        answer(b, id, 1, ORDER_TAKEN, (START + 60) * NS);
    }
    ck_assert_uint_eq(n->taken, 2);
    ck_assert_int_eq(n->paid_e8, INT64_MAX);
    bids_spent(b, 1);
    bids_free(b);
}
END_TEST

START_TEST(test_spent)
{
    const int64_t unit = 100000000;
    struct bids *b = open_bids(2, 700 * unit);
    const struct auction a = auction(1);
    bids_spent(b, 400 * unit);
    bids_told(b, &a);
    bids_run(b, px, (START + 60) * NS); // 80 each, 300 left: three
    struct bid x;
    ck_assert_uint_eq(n_sent, 1);
    ck_assert_int_eq(bid_decode(last.bytes, last.n_bytes, &x), 0);
    ck_assert(u256_cmp(x.amt, u256_from_u64(3)) == 0 && x.value_e8 == 240 * unit);
    bids_free(b);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("bids");
    tcase_add_test(t, test_woken);
    tcase_add_test(t, test_books);
    tcase_add_test(t, test_one_book);
    tcase_add_test(t, test_bounded);
    tcase_add_test(t, test_told);
    tcase_add_test(t, test_over_while_in_flight);
    tcase_add_test(t, test_journal);
    tcase_add_test(t, test_paced);
    tcase_add_test(t, test_more_than_can_be_told);
    tcase_add_test(t, test_spent);
    Suite *s = suite_create("bids");
    suite_add_tcase(s, t);
    return run_suite(s);
}
