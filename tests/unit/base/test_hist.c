// SPDX-License-Identifier: Apache-2.0
// Histogram: buckets without gap or overlap, percentiles against a sorted array within the stated bound,
// merging.
#include <check.h>
#include <stdlib.h>

#include "base/hist.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "run_suite.h"

static struct hist h, g;

START_TEST(test_empty)
{
    hist_init(&h);
    ck_assert_uint_eq(h.count, 0);
    ck_assert_uint_eq(hist_percentile(&h, 0), 0);
    ck_assert_uint_eq(hist_percentile(&h, HIST_WHOLE), 0);
    ck_assert_uint_eq(hist_mean(&h), 0);
}
END_TEST

START_TEST(test_buckets_are_a_partition)
{
    ck_assert_uint_eq(hist_bucket(0), 0);
    ck_assert_uint_eq(hist_bucket(UINT64_MAX), HIST_BUCKETS - 1);
    for (uint64_t v = 0; v < 5000; v++) {
        unsigned b = hist_bucket(v), next = hist_bucket(v + 1);
        ck_assert(next == b || next == b + 1);
    }
    for (unsigned k = 1; k < 64; k++) {
        uint64_t edge = UINT64_C(1) << k;
        ck_assert_uint_eq(hist_bucket(edge), hist_bucket(edge - 1) + 1);
    }
}
END_TEST

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

// One of several shapes: narrow, wide, log-uniform over all 64 bits, with a far tail, all equal.
static uint64_t draw(struct prng *r, int shape, uint64_t base)
{
    switch (shape) {
    case 0:
        return base % 1000 + prng_below(r, 50);
    case 1:
        return prng_below(r, 1000000);
    case 2:
        return prng_u64(r) >> prng_below(r, 64);
    case 3:
        return prng_chance(r, 1, 1000) ? prng_below(r, UINT64_C(1) << 40) : 300 + prng_below(r, 400);
    default:
        return base;
    }
}

static void check_percentiles(const uint64_t *v, size_t n)
{
    static const uint32_t shares[] = {0, 1, 1000, 25000, 50000, 90000, 99000, 99900, 99990, 99999, 100000};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        size_t rank = (n * shares[i] + HIST_WHOLE - 1) / HIST_WHOLE;
        uint64_t exact = v[rank ? rank - 1 : 0], got = hist_percentile(&h, shares[i]);
        ck_assert_msg(got >= exact && got - exact <= exact / HIST_SUB,
                      "share %u of %zu: exact %llu, got %llu", shares[i], n, (unsigned long long)exact,
                      (unsigned long long)got);
    }
    ck_assert_uint_eq(h.min, v[0]);
    ck_assert_uint_eq(h.max, v[n - 1]);
    ck_assert_uint_eq(hist_percentile(&h, 0), v[0]);
    ck_assert_uint_eq(hist_percentile(&h, HIST_WHOLE), v[n - 1]);
}

START_TEST(test_against_sorted_array)
{
    enum { MAX = 20000, ROUNDS = 60 };
    struct prng r;
    prng_seed(&r, test_seed(4));
    uint64_t *v = malloc(MAX * sizeof *v);
    ck_assert_ptr_nonnull(v);
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = 1 + prng_below(&r, round % 3 ? 100 : MAX);
        uint64_t base = prng_u64(&r) >> prng_below(&r, 64);
        u128 sum = 0;
        hist_init(&h);
        for (size_t i = 0; i < n; i++) {
            v[i] = draw(&r, round % 5, base);
            sum += v[i];
            hist_record(&h, v[i]);
        }
        qsort(v, n, sizeof *v, by_value);
        ck_assert_uint_eq(h.count, n);
        ck_assert_uint_eq(hist_mean(&h), (uint64_t)((sum + n / 2) / n));
        check_percentiles(v, n);
    }
    free(v);
}
END_TEST

START_TEST(test_rank_is_rounded_up)
{
    // 99999 values, share 99999 of 100000: rank 99998.00001, so the last value and not the one before.
    hist_init(&h);
    for (int i = 0; i < 99998; i++)
        hist_record(&h, 1);
    hist_record(&h, 2);
    ck_assert_uint_eq(hist_percentile(&h, 99999), 2);
    ck_assert_uint_eq(hist_percentile(&h, 99998), 1);
    // More values than a product of 64 bits could hold.
    h.count = h.bucket[1] = UINT64_MAX / 2;
    h.bucket[2] = 0;
    ck_assert_uint_eq(hist_percentile(&h, 99999), 1);
}
END_TEST

START_TEST(test_merge_is_recording_both)
{
    static struct hist both;
    struct prng r;
    prng_seed(&r, test_seed(5));
    hist_init(&h);
    hist_init(&g);
    hist_init(&both);
    hist_merge(&h, &g);
    ck_assert_mem_eq(&h, &both, sizeof h);
    for (int i = 0; i < 10000; i++) {
        uint64_t v = draw(&r, 2, 0);
        hist_record(i % 3 ? &h : &g, v);
        hist_record(&both, v);
    }
    hist_merge(&h, &g);
    ck_assert_uint_eq(h.count, both.count);
    ck_assert_uint_eq(h.min, both.min);
    ck_assert_uint_eq(h.max, both.max);
    ck_assert(h.sum == both.sum);
    ck_assert_mem_eq(h.bucket, both.bucket, sizeof h.bucket);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hist");
    TCase *t = tcase_create("hist");
    tcase_add_test(t, test_empty);
    tcase_add_test(t, test_buckets_are_a_partition);
    tcase_add_test(t, test_against_sorted_array);
    tcase_add_test(t, test_rank_is_rounded_up);
    tcase_add_test(t, test_merge_is_recording_both);
    suite_add_tcase(s, t);
    return run_suite(s);
}
