// SPDX-License-Identifier: Apache-2.0
// Medians: the references' own rules by eye, random cases against judge_median.py.
#include "oracle/judged.h"
#include "oracle/median.h"
#include "run_suite.h"

static size_t fill(struct quote *q, const int64_t *price, const uint32_t *weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        q[i] = (struct quote){price[i], i, weight ? weight[i] : 1};
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

START_TEST(test_maker_wants_strictly_newer_ages)
{
    struct poke p = {0};
    struct quote q[] = {{100, 10, 1}, {102, 10, 1}, {101, 11, 1}};
    ck_assert(!poke_median(&p, q, 2, 3, 12)); // fewer than bar
    ck_assert(poke_median(&p, q, 3, 3, 12));
    ck_assert_int_eq(p.price, 101);
    ck_assert_uint_eq(p.time_ns, 12);
    struct quote old[] = {{200, 12, 1}, {200, 13, 1}, {200, 13, 1}}; // one is as old as the poke
    ck_assert(!poke_median(&p, old, 3, 3, 14));
    ck_assert_int_eq(p.price, 101);
    struct quote more[] = {{9, 13, 1}, {7, 15, 1}, {8, 15, 1}, {1, 13, 1}, {6, 15, 1}};
    ck_assert(poke_median(&p, more, 5, 3, 16)); // of the three newest
    ck_assert_int_eq(p.price, 7);
    ck_assert(!poke_median(&p, NULL, 0, 1, 20));
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
    }
    if (*kind == 'k') {
        bool poked = poke_median(&maker, q, n, quorum, now);
        ck_assert_int_eq(poked, word_i64(&save));
        ck_assert_int_eq(maker.price, word_i64(&save));
        return;
    }
    memcpy(again, q, sizeof q);
    ck_assert_int_eq(median_of(q, n), word_i64(&save));
    ck_assert_int_eq(median_weighted(again, n), word_i64(&save));
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
    tcase_add_test(t, test_against_judge);
    suite_add_tcase(s, t);
    return run_suite(s);
}
