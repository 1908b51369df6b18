// SPDX-License-Identifier: Apache-2.0
// Told prices: their encoding; what they do to told assets and to those that predict them, step by step and
// at random against a second reckoning.
#include "oracletest.h"

#include <stdio.h>

#include "accounts/pair.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "oracle/told.h"
#include "run_suite.h"

enum { N = 4, STALE_MS = 5000, X = 0, Y = 1, PX = N, PY = N + 1 };
static const uint64_t T0 = UINT64_C(1000) * 1000000000;

static struct prng rnd;

// ---- encoding

static void random_group(struct told_group *g)
{
    static const uint8_t holds[] = {HOLD_NONE, HOLD_ABSENT, HOLD_GAP, HOLD_GUARD};
    memset(g, 0, sizeof *g);
    g->kind = (uint8_t)prng_between(&rnd, TOLD_PRICES, TOLD_CANDIDATE);
    g->block = prng_u64(&rnd);
    g->time = prng_u64(&rnd) >> prng_below(&rnd, 64);
    g->at_ns = prng_u64(&rnd);
    uint16_t asset = (uint16_t)prng_below(&rnd, 4);
    while (g->kind != TOLD_BLOCK && asset < MARKET_ASSETS_MAX && (g->n == 0 || prng_chance(&rnd, 3, 4))) {
        struct told_price *c = &g->change[g->n++];
        c->asset = asset;
        asset = (uint16_t)(asset + prng_between(&rnd, 1, 60));
        c->hold = g->kind == TOLD_CANDIDATE ? HOLD_NONE : holds[prng_below(&rnd, 4)];
        c->price = (int64_t)(prng_u64(&rnd) >> prng_between(&rnd, 1, 63));
        if (c->price == 0 && g->kind == TOLD_PRICES && c->hold == HOLD_NONE)
            c->price = INT64_MAX;
    }
}

START_TEST(test_encoding)
{
    static struct told_group g, back;
    static uint8_t buf[TOLD_BYTES_MAX + 8], again[TOLD_BYTES_MAX];
    prng_seed(&rnd, test_seed(20261122));
    for (unsigned i = 0; i < test_rounds(20000); i++) {
        random_group(&g);
        size_t n = told_encode(&g, buf, TOLD_BYTES_MAX);
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_eq(told_encode(&g, again, n), n);
        ck_assert_uint_eq(told_encode(&g, again, n - 1), 0);
        memset(&back, 0, sizeof back);
        ck_assert_int_eq(told_decode(buf, n, &back), 0);
        ck_assert_int_eq(memcmp(&g, &back, sizeof g), 0);
        ck_assert_int_eq(told_decode(buf, n - 1, &back), -1);
        ck_assert_int_eq(told_decode(buf, n + 1, &back), -1);
        // Whatever decodes encodes to the same bytes.
        buf[prng_below(&rnd, n)] ^= (uint8_t)(1u << prng_below(&rnd, 8));
        if (told_decode(buf, n, &back) == 0) {
            ck_assert_uint_eq(told_encode(&back, again, sizeof again), n);
            ck_assert_int_eq(memcmp(buf, again, n), 0);
        }
    }
}
END_TEST

START_TEST(test_full)
{
    static struct told_group g, back;
    static uint8_t buf[TOLD_BYTES_MAX];
    g = (struct told_group){.kind = TOLD_PRICES, .n = MARKET_ASSETS_MAX};
    for (uint16_t i = 0; i < MARKET_ASSETS_MAX; i++)
        g.change[i] = (struct told_price){.asset = i, .price = INT64_MAX - i};
    size_t n = told_encode(&g, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_int_eq(told_decode(buf, n, &back), 0);
    ck_assert_int_eq(memcmp(&g, &back, sizeof g), 0);
}
END_TEST

START_TEST(test_unsound)
{
    static uint8_t buf[TOLD_BYTES_MAX];
    static struct told_group back;
    const struct told_group good = {
        .kind = TOLD_PRICES, .n = 2, .change = {{3, HOLD_NONE, 5}, {7, HOLD_ABSENT, 0}}};
    const size_t change = 28;
    struct told_group g;
    uint64_t n;
#define UNSOUND(what)                                                                                        \
    do {                                                                                                     \
        g = good;                                                                                            \
        what;                                                                                                \
        ck_assert_msg(told_encode(&g, buf, sizeof buf) == 0, "%s", #what);                                   \
    } while (0)
    ck_assert_uint_eq(told_encode(&good, buf, sizeof buf), change + 22);
    UNSOUND(g.kind = 0);
    UNSOUND(g.kind = 4);
    UNSOUND(g.kind = TOLD_BLOCK);
    UNSOUND(g.n = 0);
    UNSOUND(g.n = MARKET_ASSETS_MAX + 1);
    UNSOUND(g.change[1].asset = 3);
    UNSOUND(g.change[1].asset = MARKET_ASSETS_MAX);
    UNSOUND(g.change[0].price = 0);
    UNSOUND(g.change[1].price = -1);
    UNSOUND(g.change[1].hold = HOLD_STALE);
    UNSOUND(g.change[1].hold = HOLD_COUNT);
    UNSOUND(g.kind = TOLD_CANDIDATE); // it has a hold
#undef UNSOUND
    n = told_encode(&good, buf, sizeof buf);
    buf[change + 2] = HOLD_HALTED;
    ck_assert_int_eq(told_decode(buf, n, &back), -1);
    buf[change + 2] = HOLD_NONE;
    ck_assert_int_eq(told_decode(buf, n, &back), 0);
    buf[0]++;
    ck_assert_int_eq(told_decode(buf, n, &back), -1);
}
END_TEST

// ---- the oracle

static void open_paired(void)
{
    struct err e;
    memset(&m, 0, sizeof m);
    m.n_assets = m.n_instruments = N;
    for (uint16_t i = 0; i < N; i++) {
        m.asset[i] =
            (struct asset){.kind = ASSET_MARK, .decimals = 2, .stale_ms = STALE_MS, .guard_ppm = 50000};
        (void)snprintf(m.asset[i].name, NAME_LEN, "P%u", i);
        (void)snprintf(m.asset[i].source, NAME_LEN, "P%u", i);
        m.instrument[i] = (struct instrument){.kind = INST_RESERVE, .asset = i};
        (void)snprintf(m.instrument[i].name, NAME_LEN, "I%u", i);
    }
    ck_assert_msg(market_pair(&m, &e) == 0, "%s", e.msg);
    open_oracle(NULL);
    p.ts_ns = T0;
    for (uint16_t i = 0; i < N; i++)
        define(i + 1u, m.asset[N + i].source, INSTRUMENT_OPEN);
    end();
}

static struct told_group told;

static size_t tell(uint8_t kind, uint16_t n)
{
    told.kind = kind;
    told.n = n;
    told.at_ns = p.ts_ns;
    ck_assert(oracle_knows(o, &told));
    return n_changed = oracle_tell(o, &told, p.ts_ns, changed, &touched);
}

static size_t tell_one(uint8_t kind, uint16_t asset, enum hold h, int64_t price)
{
    told.change[0] = (struct told_price){asset, (uint8_t)h, price};
    return tell(kind, 1);
}

static int64_t price(uint16_t asset)
{
    return oracle_prices(o)[asset];
}

START_TEST(test_told_decides)
{
    open_paired();
    ck_assert_int_eq(hold(X), HOLD_ABSENT);
    ck_assert_int_eq(hold(PX), HOLD_ABSENT);
    ck_assert_int_eq(oracle_basis(o, PX), BASIS_NONE);
    ck_assert_uint_eq(tell_one(TOLD_PRICES, X, HOLD_NONE, 500), 2); // both, in one group
    ck_assert(changed[0].asset == X && changed[0].price == 500 && changed[1].asset == PX &&
              changed[1].price == 500);
    ck_assert_int_eq(hold(X), HOLD_STALE); // nothing has been compared with the oracle yet
    ck_assert_int_eq(hold(PX), HOLD_NONE); // the told price, and no reason to hold
    ck_assert_int_eq(oracle_basis(o, PX), BASIS_TOLD);
    ck_assert_uint_eq(tell(TOLD_BLOCK, 0), 0);
    ck_assert(touched);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    pass(PAIR_STALE_MS);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_uint_eq(oracle_price_time(o, X), p.ts_ns - PAIR_STALE_MS * MS);
    pass(1);
    ck_assert_int_eq(hold(X), HOLD_STALE);
    tell_one(TOLD_PRICES, X, HOLD_NONE, 501); // prices without an audited block do not help
    ck_assert_int_eq(hold(X), HOLD_STALE);
    tell(TOLD_BLOCK, 0);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    ck_assert_int_eq(hold(Y), HOLD_ABSENT);
    // A block heard earlier than the newest does not make anything older.
    told.at_ns = 1;
    told.kind = TOLD_BLOCK;
    (void)oracle_tell(o, &told, p.ts_ns, changed, &touched);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    close_oracle();
}
END_TEST

START_TEST(test_told_holds)
{
    open_paired();
    tell_one(TOLD_PRICES, X, HOLD_NONE, 500);
    tell(TOLD_BLOCK, 0);
    ck_assert_uint_eq(tell_one(TOLD_PRICES, X, HOLD_GUARD, 490), 2); // the oracle's own answer: it decides
    ck_assert_int_eq(hold(X), HOLD_GUARD);
    ck_assert_int_eq(price(X), 490);
    ck_assert_int_eq(hold(PX), HOLD_NONE);
    ck_assert_uint_eq(held(HOLD_GUARD), 1);
    ck_assert_uint_eq(tell_one(TOLD_PRICES, X, HOLD_GAP, 0), 0); // the last one stands
    ck_assert(touched);
    ck_assert_int_eq(price(X), 490);
    ck_assert_int_eq(hold(X), HOLD_GAP);
    ck_assert_int_eq(oracle_result(o, X)->reason, REASON_GAP);
    tell_one(TOLD_PRICES, X, HOLD_GAP, 0);
    ck_assert(!touched);
    ck_assert_uint_eq(held(HOLD_GAP), 1);
    tell_one(TOLD_PRICES, X, HOLD_NONE, 490);
    ck_assert(touched);
    ck_assert_int_eq(hold(X), HOLD_NONE);
    close_oracle();
}
END_TEST

// Candidate, else the feed's while it is not held, else the told price.
START_TEST(test_preference)
{
    open_paired();
    ticker(1, 6.0, 6.0, INSTRUMENT_OPEN);
    ck_assert_uint_eq(end(), 1);
    ck_assert_int_eq(price(PX), 600);
    ck_assert_int_eq(price(X), 0);
    tell_one(TOLD_PRICES, X, HOLD_NONE, 500);
    tell(TOLD_BLOCK, 0);
    ck_assert_int_eq(price(PX), 600);
    ck_assert_int_eq(oracle_basis(o, PX), BASIS_FEED);
    ck_assert_uint_eq(tell_one(TOLD_CANDIDATE, X, HOLD_NONE, 550), 1);
    ck_assert_int_eq(changed[0].asset, PX);
    ck_assert_int_eq(price(PX), 550);
    ck_assert_int_eq(price(X), 500);
    ck_assert_int_eq(oracle_basis(o, PX), BASIS_CANDIDATE);
    ticker(1, 6.1, 6.1, INSTRUMENT_OPEN);
    ck_assert_uint_eq(end(), 0);
    ck_assert_uint_eq(tell_one(TOLD_CANDIDATE, X, HOLD_NONE, 0), 1); // mined or gone
    ck_assert_int_eq(price(PX), 610);
    ck_assert_int_eq(oracle_basis(o, PX), BASIS_FEED);
    ticker(1, 6.2, 6.9, INSTRUMENT_OPEN); // the guard holds it: the told price
    ck_assert_uint_eq(end(), 1);
    ck_assert_int_eq(price(PX), 500);
    ck_assert_int_eq(hold(PX), HOLD_NONE);
    ck_assert_int_eq(oracle_basis(o, PX), BASIS_TOLD);
    tell_one(TOLD_PRICES, X, HOLD_NONE, 510);
    ck_assert_int_eq(price(PX), 510);
    ticker(1, 6.2, 6.2, INSTRUMENT_OPEN);
    end();
    ck_assert_int_eq(price(PX), 620);
    ck_assert_uint_eq(oracle_price_time(o, PX), p.ts_ns);
    close_oracle();
}
END_TEST

// By time alone: the feed's price becomes too old, whatever else waits.
START_TEST(test_feed_goes_stale)
{
    open_paired();
    tell_one(TOLD_PRICES, X, HOLD_NONE, 500);
    tell(TOLD_BLOCK, 0);
    ticker(1, 6.0, 6.0, INSTRUMENT_OPEN);
    end();
    pass(STALE_MS);
    ck_assert_uint_eq(oracle_time(o, p.ts_ns, changed, &touched), 0);
    ck_assert_int_eq(hold(PX), HOLD_NONE);
    pass(1);
    ck_assert_int_eq(hold(PX), HOLD_STALE); // not looked at yet
    ck_assert_uint_eq(oracle_time(o, p.ts_ns, changed, &touched), 1);
    ck_assert_int_eq(price(PX), 500);
    ck_assert_int_eq(hold(PX), HOLD_NONE);
    ck_assert_int_eq(oracle_basis(o, PX), BASIS_TOLD);
    tell_one(TOLD_CANDIDATE, X, HOLD_NONE, 470);
    ck_assert_int_eq(price(PX), 470);
    pass(2000);
    ck_assert_uint_eq(oracle_price_time(o, PX), p.ts_ns - 2000 * MS); // as old as the candidate
    tell(TOLD_BLOCK, 0);
    ck_assert_uint_eq(oracle_price_time(o, PX), p.ts_ns); // it waits still
    tell_one(TOLD_CANDIDATE, X, HOLD_NONE, 0);
    ck_assert_int_eq(price(PX), 500); // not the feed's of long ago
    close_oracle();
}
END_TEST

START_TEST(test_unknown)
{
    open_paired();
    told.n = 1;
    told.kind = TOLD_PRICES;
    told.change[0] = (struct told_price){PX, HOLD_NONE, 5};
    ck_assert(!oracle_knows(o, &told));
    told.change[0].asset = 2 * N;
    ck_assert(!oracle_knows(o, &told));
    told.change[0].asset = Y;
    ck_assert(oracle_knows(o, &told));
    struct err e;
    const char *policy = "asset P0\nsource deribit:P0 mark\n";
    const struct oracle_config c = {.file = "p.conf", .text = policy, .len = strlen(policy)};
    ck_assert(oracle_new(&m, &c, &e) == NULL);
    ck_assert_msg(strstr(e.msg, "P0~") != NULL, "%s", e.msg);
    close_oracle();
}
END_TEST

// ---- at random, against a second reckoning

static struct {
    int64_t told, candidate, feed;
    enum hold hold;
    uint64_t candidate_ns, feed_ns;
    bool off_guard, open;
} w[N];
static uint64_t block_ns;

static bool feed_good(unsigned i)
{
    return w[i].feed && !w[i].off_guard && w[i].open && p.ts_ns - w[i].feed_ns <= STALE_MS * MS;
}

static void look(unsigned i)
{
    const uint16_t predicting = (uint16_t)(N + i);
    int64_t want = w[i].candidate ? w[i].candidate : feed_good(i) ? w[i].feed : w[i].told;
    enum oracle_basis b = !want            ? BASIS_NONE
                          : w[i].candidate ? BASIS_CANDIDATE
                          : feed_good(i)   ? BASIS_FEED
                                           : BASIS_TOLD;
    enum hold h = w[i].hold ? w[i].hold : p.ts_ns - block_ns > PAIR_STALE_MS * MS ? HOLD_STALE : HOLD_NONE;
    ck_assert_int_eq(price((uint16_t)i), w[i].told);
    ck_assert_int_eq(hold((uint16_t)i), h);
    if (want)
        ck_assert_int_eq(price(predicting), want);
    ck_assert_int_eq(oracle_basis(o, predicting), b);
    ck_assert_int_eq(hold(predicting), b == BASIS_NONE ? HOLD_ABSENT : HOLD_NONE);
    uint64_t at = b == BASIS_FEED ? w[i].feed_ns : block_ns;
    if (b == BASIS_CANDIDATE && w[i].candidate_ns > at)
        at = w[i].candidate_ns;
    if (b != BASIS_NONE)
        ck_assert_uint_eq(oracle_price_time(o, predicting), at);
}

// The told group says no more and no less than what has changed.
static void compare_changes(const int64_t *before)
{
    size_t n = 0;
    for (uint16_t i = 0; i < 2 * N; i++)
        if (price(i) != before[i]) {
            ck_assert_uint_lt(n, n_changed);
            ck_assert_int_eq(changed[n].asset, i);
            ck_assert_int_eq(changed[n++].price, price(i));
        }
    ck_assert_uint_eq(n, n_changed);
}

static void random_told(void)
{
    static const enum hold holds[] = {HOLD_NONE, HOLD_NONE, HOLD_NONE, HOLD_ABSENT, HOLD_GAP, HOLD_GUARD};
    uint8_t kind = (uint8_t)prng_between(&rnd, TOLD_PRICES, TOLD_CANDIDATE);
    uint16_t n = 0;
    for (uint16_t i = 0; i < N && kind != TOLD_BLOCK; i++) {
        if (prng_chance(&rnd, 1, 2) && (n || i < N - 1))
            continue;
        enum hold h = kind == TOLD_PRICES ? holds[prng_below(&rnd, 6)] : HOLD_NONE;
        int64_t x =
            (h || kind == TOLD_CANDIDATE) && prng_chance(&rnd, 1, 2) ? 0 : prng_between(&rnd, 400, 420);
        told.change[n++] = (struct told_price){i, (uint8_t)h, x};
        if (kind == TOLD_CANDIDATE) {
            w[i].candidate = x;
            w[i].candidate_ns = p.ts_ns;
        } else {
            w[i].hold = h;
            w[i].told = x ? x : w[i].told;
        }
    }
    if (kind == TOLD_BLOCK)
        block_ns = p.ts_ns;
    tell(kind, n);
}

static void random_ticker(void)
{
    unsigned i = (unsigned)prng_below(&rnd, N);
    w[i].feed = prng_between(&rnd, 400, 420);
    w[i].feed_ns = p.ts_ns;
    w[i].off_guard = prng_chance(&rnd, 1, 4);
    w[i].open = prng_chance(&rnd, 7, 8);
    double mark = (double)w[i].feed / 100;
    ticker(i + 1, mark, w[i].off_guard ? 2 * mark : mark, w[i].open ? INSTRUMENT_OPEN : 2);
    end();
}

START_TEST(test_random)
{
    uint64_t seed = test_seed(20261123);
    for (unsigned round = 0; round < test_rounds(20); round++) {
        prng_seed(&rnd, seed + round);
        memset(w, 0, sizeof w);
        for (unsigned i = 0; i < N; i++)
            w[i].hold = HOLD_ABSENT;
        block_ns = 0;
        open_paired();
        for (unsigned i = 0; i < 3000; i++) {
            int64_t before[2 * N];
            memcpy(before, oracle_prices(o), sizeof before);
            pass(prng_chance(&rnd, 1, 50) ? (unsigned)prng_between(&rnd, 1, 70000)
                                          : (unsigned)prng_between(&rnd, 1, 900));
            switch (prng_below(&rnd, 3)) {
            case 0:
                n_changed = oracle_time(o, p.ts_ns, changed, &touched);
                break;
            case 1:
                random_ticker();
                break;
            default:
                random_told();
            }
            compare_changes(before);
            for (unsigned k = 0; k < N; k++)
                look(k);
        }
        close_oracle();
    }
}
END_TEST

int main(void)
{
    Suite *su = suite_create("told");
    TCase *tc = tcase_create("told");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_encoding);
    tcase_add_test(tc, test_full);
    tcase_add_test(tc, test_unsound);
    tcase_add_test(tc, test_told_decides);
    tcase_add_test(tc, test_told_holds);
    tcase_add_test(tc, test_preference);
    tcase_add_test(tc, test_feed_goes_stale);
    tcase_add_test(tc, test_unknown);
    tcase_add_test(tc, test_random);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
