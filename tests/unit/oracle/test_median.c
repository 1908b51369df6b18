// SPDX-License-Identifier: Apache-2.0
// Medians: the references' own rules by eye, random cases against judge_median.py.
#include "oracle/judged.h"
#include "oracle/median.h"
#include "run_suite.h"

static size_t fill(struct quote *q, const int64_t *price, const uint32_t *weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        q[i] = (struct quote){.price = price[i], .time_ns = i, .weight = weight ? weight[i] : 1};
    return n;
}

START_TEST(test_index_is_half_of_the_number)
{
    // makerdao/median: val = val_[val_.length >> 1]; libocr OffchainAggregator:
    // observations[observations.length / 2].
    struct quote q[MEDIAN_MAX];
    const int64_t four[] = {40, 10, 30, 20}, five[] = {5, 1, 4, 2, 3};
    ck_assert_int_eq(median_of(q, fill(q, four, NULL, 1)), 40);
    ck_assert_int_eq(median_of(q, fill(q, four, NULL, 2)), 40); // the upper of two
    ck_assert_int_eq(median_of(q, fill(q, four, NULL, 4)), 30);
    ck_assert_int_eq(median_of(q, fill(q, five, NULL, 5)), 3);
}
END_TEST

START_TEST(test_hyperliquid_weights)
{
    // The published weights: Binance 3, OKX 2, Bybit 2, Gate 1, MEXC 1 (perpetuals).
    static const uint32_t weight[] = {3, 2, 2, 1, 1};
    struct quote q[MEDIAN_MAX];
    const int64_t apart[] = {100, 101, 102, 103, 104}, high[] = {500, 101, 102, 103, 104}, tie[] = {1, 9};
    const uint32_t even[] = {2, 2};
    ck_assert_int_eq(median_weighted(q, fill(q, apart, weight, 5)), 101); // 3 + 2 of 9 is more than half
    ck_assert_int_eq(median_weighted(q, fill(q, high, weight, 5)), 103);  // 2 + 2 + 1 below the heaviest
    ck_assert_int_eq(median_weighted(q, fill(q, tie, even, 2)), 9);
    ck_assert_int_eq(median_weighted(q, fill(q, tie, weight, 2)), 1);
    ck_assert_int_eq(median_weighted(q, fill(q, tie, weight, 1)), 1);
}
END_TEST

#define AT(px, ns)                                                                                           \
    {                                                                                                        \
        .price = (px), .time_ns = (ns), .weight = 1                                                          \
    }

START_TEST(test_maker_wants_strictly_newer_ages)
{
    struct poke p = {0};
    struct quote q[] = {AT(100, 10), AT(102, 10), AT(101, 11)};
    ck_assert(!poke_median(&p, q, 2, 3, 12)); // fewer than bar
    ck_assert(poke_median(&p, q, 3, 3, 12));
    ck_assert_int_eq(p.price, 101);
    ck_assert_uint_eq(p.time_ns, 12);
    ck_assert_uint_eq(p.since_ns, 10);                            // the oldest of the three
    struct quote old[] = {AT(200, 12), AT(200, 13), AT(200, 13)}; // one is as old as the poke
    ck_assert(!poke_median(&p, old, 3, 3, 14));
    ck_assert_int_eq(p.price, 101);
    struct quote more[] = {AT(9, 13), AT(7, 15), AT(8, 15), AT(1, 13), AT(6, 15)};
    ck_assert(poke_median(&p, more, 5, 3, 16)); // of the three newest
    ck_assert_int_eq(p.price, 7);
    ck_assert(!poke_median(&p, NULL, 0, 1, 20));
}
END_TEST

// makerdao/median, src/median.t.sol, test_Median: fifteen values and their ages, bar 15, in units of 2^15
// wei. The contract wants them sorted; the eighth is stored.
START_TEST(test_maker_published_poke)
{
    static const int64_t price[15] = {0x1b408ee781cfb9, 0x1b5b5ebf4559c7, 0x1b86f95f9fb60e, 0x1ba596a8ef9c91,
                                      0x1bb4a1cd315517, 0x1bdc3624150881, 0x1be3ed7322e79f, 0x1c0bc8d7eb7a8b,
                                      0x1c1b13ef14c906, 0x1c4b5f60a4b362, 0x1c5e146f80589c, 0x1c73d71731986c,
                                      0x1c995685e0bf87, 0x1ca936d3d11693, 0x1cd1e0474afe78};
    struct poke p = {0};
    struct quote q[15];
    for (size_t i = 0; i < 15; i++) // ages 0x5c4a3710 .. 17, 19 .. 1f; given here from the last to the first
        q[i] = (struct quote){.price = price[14 - i], .time_ns = 0x5c4a371e - i + (i < 7)};
    ck_assert(poke_median(&p, q, 15, 15, 0x5c4a3800));
    ck_assert_int_eq(p.price, price[7]);
    ck_assert_uint_eq(p.since_ns, 0x5c4a3710);
    ck_assert(!poke_median(&p, q, 15, 15, 0x5c4a3900)); // the same once more
}
END_TEST

// Pyth's own cases (pyth-client: test_data/aggregation/N.json and N.result, upd_aggregate tests): values and
// confidences; the aggregate and its confidence.
static const struct {
    const char *of;
    size_t n;
    int64_t v[10][2], price, conf;
} PYTH[] = {
    {"2", 3, {{-10000, 1000}, {-10000, 1000}, {-10000, 1000}}, -10000, 1000},
    {"3", 3, {{0, 1000}, {0, 1000}, {0, 1000}}, 0, 1000},
    {"8", 3, {{10000, 10}, {10020, 10}, {11000, 10}}, 10020, 970},
    {"12", 4, {{10010000, 10}, {10010020, 10}, {10011000, 10}, {10011020, 10}}, 10010510, 500},
    {"14", 5, {{10000, 10}, {10010, 10}, {11000, 10}, {11010, 10}, {11500, 100}}, 11000, 990},
    {"15",
     7,
     {{10000, 1000},
      {11000, 1000},
      {12000, 1000},
      {13000, 1000},
      {14000, 1000},
      {15000, 1000},
      {16000, 1000}},
     13000,
     2000},
    {"19", 4, {{10000, 1000}, {11000, 200}, {11100, 350}, {8000, 5000}}, 10900, 900},
    {"21",
     9,
     {{10000, 100},
      {10100, 200},
      {10110, 130},
      {11000, 100},
      {11100, 200},
      {11110, 130},
      {12000, 100},
      {12100, 200},
      {12110, 130}},
     11100,
     990},
    {"31",
     10,
     {{4329605500000, 1486500000},
      {4325720000000, 1290000000},
      {43254, 1},
      {4329150000000, 1500000000},
      {4329999999999, 3999999999},
      {4331609000000, 2422000000},
      {4329198852938, 3044669090},
      {0, 200000000},
      {4327900000000, 2000000000},
      {4332090000000, 1000000}},
     4328634500000,
     2914500000},
    {"32",
     9,
     {{4329605500000, 1486500000},
      {4325720000000, 1290000000},
      {4329150000000, 1500000000},
      {4329999999999, 3999999999},
      {4331609000000, 2422000000},
      {4329198852938, 3044669090},
      {0, 200000000},
      {4327900000000, 2000000000},
      {4332090000000, 1000000}},
     4329187000000,
     3187000000},
    {"35",
     7,
     {{4000000000000, 1000000000},
      {4000100000000, 1000000000},
      {4000200000000, 1000000000},
      {4000300000000, 1000000000},
      {4000400000000, 1000000000},
      {40000000000, 10000000},
      {40000000000, 10000000}},
     3999400000000,
     3959390000000},
    {"one publisher", 1, {{100, 10}}, 100, 10},
    {"two publishers", 2, {{100, 10}, {200, 20}}, 145, 55},
    {"three publishers", 3, {{100, 10}, {200, 20}, {300, 30}}, 200, 90},
    {"four publishers", 4, {{100, 10}, {200, 20}, {300, 30}, {400, 40}}, 245, 85},
    {"p5 and p6", 2, {{500, 50}, {600, 60}}, 545, 55},
};

START_TEST(test_pyth_published_aggregates)
{
    for (size_t i = 0; i < sizeof PYTH / sizeof PYTH[0]; i++) {
        struct quote q[10];
        int64_t px = 0, conf = 0;
        for (size_t k = 0; k < PYTH[i].n; k++)
            q[k] = (struct quote){.price = PYTH[i].v[k][0], .conf = PYTH[i].v[k][1]};
        ck_assert(median_pyth(q, PYTH[i].n, PYTH[i].n, &px, &conf));
        ck_assert_msg(px == PYTH[i].price && conf == PYTH[i].conf, "%s: %" PRId64 " +- %" PRId64, PYTH[i].of,
                      px, conf);
        ck_assert(!median_pyth(q, PYTH[i].n, PYTH[i].n + 1, &px, &conf)); // fewer than min_pub
    }
}
END_TEST

// A publisher's price counts only with 0 < conf and both p - conf and p + conf inside 64 bits.
START_TEST(test_pyth_invalid_quotes)
{
    struct quote q[] = {{.price = 5, .conf = 0},
                        {.price = 6, .conf = -1},
                        {.price = INT64_MAX - 1, .conf = 2},
                        {.price = INT64_MIN + 1, .conf = 2}};
    int64_t px = 7, conf = 7;
    ck_assert(!median_pyth(q, 4, 1, &px, &conf));
    ck_assert(!median_pyth(q, 0, 1, &px, &conf));
    ck_assert(px == 7 && conf == 7);
    q[0].conf = 1;
    ck_assert(median_pyth(q, 4, 1, &px, &conf));
    ck_assert(px == 5 && conf == 1);
    ck_assert(!median_pyth(q, 4, 2, &px, &conf));
    q[2].conf = q[3].conf = 1; // exactly at the edges
    ck_assert(median_pyth(q + 2, 2, 2, &px, &conf));
    ck_assert_int_eq(px, -1); // (INT64_MIN + 2 + INT64_MAX - 2) / 2, rounded down
    ck_assert_int_eq(conf, INT64_MAX);
}
END_TEST

static struct poke maker;

static void check_line(char *text)
{
    char *save, *kind = strtok_r(text, " ", &save);
    struct quote q[MEDIAN_MAX], again[MEDIAN_MAX];
    uint64_t now = 0, quorum = 0;
    if (*kind == 'k') {
        now = word_u64(&save);
        quorum = word_u64(&save);
    }
    size_t n = word_u64(&save);
    for (size_t i = 0; i < n; i++) {
        q[i].price = word_i64(&save);
        q[i].weight = (uint32_t)word_u64(&save);
        q[i].time_ns = word_u64(&save);
        q[i].conf = word_i64(&save);
    }
    if (*kind == 'k') {
        bool poked = poke_median(&maker, q, n, quorum, now);
        ck_assert_int_eq(poked, word_i64(&save));
        ck_assert_int_eq(maker.price, word_i64(&save));
        ck_assert_uint_eq(maker.since_ns, word_u64(&save));
        return;
    }
    memcpy(again, q, sizeof q);
    ck_assert_int_eq(median_of(q, n), word_i64(&save));
    ck_assert_int_eq(median_weighted(again, n), word_i64(&save));
    int64_t px = 0, conf = 0;
    bool known = median_pyth(again, n, 3, &px, &conf);
    ck_assert_int_eq(known, word_i64(&save));
    ck_assert_int_eq(px, word_i64(&save));
    ck_assert_int_eq(conf, word_i64(&save));
}

START_TEST(test_against_judge)
{
    maker = (struct poke){0};
    ck_assert_uint_eq(judged("judge_median.py", 5000, check_line), 10000);
    ck_assert_int_gt(maker.price, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("median");
    TCase *t = tcase_create("median");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, test_index_is_half_of_the_number);
    tcase_add_test(t, test_hyperliquid_weights);
    tcase_add_test(t, test_maker_wants_strictly_newer_ages);
    tcase_add_test(t, test_maker_published_poke);
    tcase_add_test(t, test_pyth_published_aggregates);
    tcase_add_test(t, test_pyth_invalid_quotes);
    tcase_add_test(t, test_against_judge);
    suite_add_tcase(s, t);
    return run_suite(s);
}
