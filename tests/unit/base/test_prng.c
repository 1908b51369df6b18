// SPDX-License-Identifier: Apache-2.0
// prng.h and bytes.h: the published sequences, ranges and their edges.
#include <check.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "run_suite.h"

START_TEST(test_splitmix64_published)
{
    static const uint64_t expect[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                      UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                      UINT64_C(16408922859458223821)};
    uint64_t x = 1234567;
    for (size_t i = 0; i < sizeof expect / sizeof *expect; i++)
        ck_assert_uint_eq(splitmix64(&x), expect[i]);
}
END_TEST

START_TEST(test_xoshiro_published)
{
    static const uint64_t expect[] = {11520,
                                      0,
                                      1509978240,
                                      UINT64_C(1215971899390074240),
                                      UINT64_C(1216172134540287360),
                                      UINT64_C(607988272756665600),
                                      UINT64_C(16172922978634559625),
                                      UINT64_C(8476171486693032832),
                                      UINT64_C(10595114339597558777),
                                      UINT64_C(2904607092377533576)};
    struct prng r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expect / sizeof *expect; i++)
        ck_assert_uint_eq(prng_u64(&r), expect[i]);
}
END_TEST

START_TEST(test_seeds_differ_and_repeat)
{
    struct prng a, b, c;
    prng_seed(&a, 0);
    prng_seed(&b, 0);
    prng_seed(&c, 1);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t v = prng_u64(&a);
        ck_assert_uint_eq(v, prng_u64(&b));
        same += v == prng_u64(&c);
    }
    ck_assert_int_eq(same, 0);
}
END_TEST

START_TEST(test_ranges)
{
    struct prng r;
    prng_seed(&r, test_seed(1));
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(prng_below(&r, 1), 0);
        ck_assert_int_eq(prng_between(&r, -7, -7), -7);
        int64_t v = prng_between(&r, INT64_MIN, INT64_MIN + 1);
        ck_assert(v == INT64_MIN || v == INT64_MIN + 1);
        double u = prng_unit(&r);
        ck_assert(u >= 0 && u < 1);
        ck_assert(!prng_chance(&r, 0, 3) && prng_chance(&r, 3, 3));
    }
    // The whole span of int64_t has both signs.
    bool neg = false, pos = false;
    for (int i = 0; i < 200; i++)
        *(prng_between(&r, INT64_MIN, INT64_MAX) < 0 ? &neg : &pos) = true;
    ck_assert(neg && pos);
}
END_TEST

START_TEST(test_below_is_even)
{
    // chi-square with 9 degrees of freedom: above 40 once in 100 thousand seeds.
    struct prng r;
    prng_seed(&r, test_seed(2));
    enum { N = 10, DRAWS = 100000 };
    int count[N] = {0};
    for (int i = 0; i < DRAWS; i++)
        count[prng_below(&r, N)]++;
    double chi = 0;
    for (int i = 0; i < N; i++)
        chi += (double)(count[i] - DRAWS / N) * (count[i] - DRAWS / N) / (DRAWS / N);
    ck_assert_msg(chi < 40, "chi-square %g", chi);
    // A bound just above 2^63: taking v % n without rejection would give the low half twice as often.
    uint64_t n = (UINT64_C(1) << 63) + (UINT64_C(1) << 62);
    int low = 0;
    for (int i = 0; i < 10000; i++)
        low += prng_below(&r, n) < (UINT64_C(1) << 62);
    ck_assert_msg(low > 3000 && low < 3667, "%d of 10000 in the low third", low);
}
END_TEST

START_TEST(test_bytes)
{
    unsigned char b[16] = {0};
    for (size_t at = 0; at < 8; at++) {
        le64_store(b + at, UINT64_C(0x8877665544332211));
        for (unsigned i = 0; i < 8; i++)
            ck_assert_uint_eq(b[at + i], 0x11u * (i + 1));
        ck_assert_uint_eq(le64_load(b + at), UINT64_C(0x8877665544332211));
        ck_assert_uint_eq(le32_load(b + at), 0x44332211u);
        ck_assert_uint_eq(le16_load(b + at), 0x2211u);
        le32_store(b + at, 0xdeadbeefu);
        le16_store(b + at + 4, 0xcafeu);
        static const unsigned char expect[] = {0xef, 0xbe, 0xad, 0xde, 0xfe, 0xca, 0x77, 0x88};
        ck_assert_mem_eq(b + at, expect, sizeof expect);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prng");
    TCase *t = tcase_create("prng");
    tcase_add_test(t, test_splitmix64_published);
    tcase_add_test(t, test_xoshiro_published);
    tcase_add_test(t, test_seeds_differ_and_repeat);
    tcase_add_test(t, test_ranges);
    tcase_add_test(t, test_below_is_even);
    tcase_add_test(t, test_bytes);
    suite_add_tcase(s, t);
    return run_suite(s);
}
