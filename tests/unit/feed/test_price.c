// SPDX-License-Identifier: Apache-2.0
// price_from_double and price_from_decimal against exact rational arithmetic in Python (price_vectors.py),
// and the cases that a reader can check by eye. Runs from the project's root.
#include "base/test_seed.h"
#include "feed/feedtest.h"
#include "feed/price.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

START_TEST(test_by_eye)
{
    static const struct {
        double v;
        unsigned decimals;
        int64_t want; // 0 = refused
    } cases[] = {
        {25448.57, 9, INT64_C(25448570000000)},
        {25448.57, 2, 2544857},
        {1.1e-5, 10, 110000},
        {0.5, 0, 0}, // to even: 0, which is no price
        {1.5, 0, 2}, // to even
        {2.5, 0, 2}, // to even
        {0.125, 2, 12},
        {0.375, 2, 38},
        {9223372036.0, 9, INT64_C(9223372036000000000)},
        {9223372037.0, 9, 0},
        {1e300, 0, 0},
        {4503599627370497.5, 0, INT64_C(4503599627370498)},
        {9007199254740993e3, 0, INT64_C(9007199254740993024)}, // what the double really is
        {0.0, 9, 0},
        {-0.0, 9, 0},
        {-1.0, 9, 0},
        {1.0, 18, INT64_C(1000000000000000000)},
        {1.0, 19, 0}, // more decimals than the contract has
        {5e-324, 18, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t got = 0;
        int rc = price_from_double(cases[i].v, cases[i].decimals, &got);
        ck_assert_msg(rc == (cases[i].want ? 0 : -1) && got == cases[i].want, "case %zu: %d %" PRId64, i, rc,
                      got);
    }
    int64_t out = 42;
    ck_assert_int_eq(price_from_double((double)NAN, 2, &out), -1);
    ck_assert_int_eq(price_from_double((double)INFINITY, 2, &out), -1);
    ck_assert_int_eq(out, 42);
}
END_TEST

START_TEST(test_against_rationals)
{
    char command[128], want[32];
    uint64_t bits;
    unsigned decimals;
    size_t lines = 0, results = 0;
    snprintf(command, sizeof command, "python3 tests/unit/feed/price_vectors.py %" PRIu64 " 40000",
             test_seed(20261120));
    FILE *in = popen(command, "r");
    ck_assert_ptr_nonnull(in);
    while (fscanf(in, "%" SCNx64 " %u %31s", &bits, &decimals, want) == 3) {
        double v;
        int64_t got = 0;
        char text[32] = "-";
        memcpy(&v, &bits, sizeof v);
        if (price_from_double(v, decimals, &got) == 0) {
            snprintf(text, sizeof text, "%" PRId64, got);
            results++;
        }
        ck_assert_msg(!strcmp(text, want), "%016" PRIx64 " (%.17g) decimals %u: %s, expected %s", bits, v,
                      decimals, text, want);
        lines++;
    }
    ck_assert_int_eq(pclose(in), 0);
    ck_assert_uint_gt(lines, 45000);
    ck_assert_uint_gt(results, 10000);
}
END_TEST

START_TEST(test_decimals_against_rationals)
{
    char command[128], want[32];
    int64_t mantissa;
    int exp10;
    unsigned decimals;
    size_t lines = 0, results = 0;
    snprintf(command, sizeof command, "python3 tests/unit/feed/price_vectors.py %" PRIu64 " 40000 decimal",
             test_seed(20261121));
    FILE *in = popen(command, "r");
    ck_assert_ptr_nonnull(in);
    while (fscanf(in, "%" SCNd64 " %d %u %31s", &mantissa, &exp10, &decimals, want) == 4) {
        int64_t got = 0, again = 0;
        char text[32] = "-";
        struct feed_num n = {.v.m = mantissa, .exp10 = (int8_t)exp10, .form = NUM_DECIMAL};
        if (price_from_decimal(mantissa, exp10, decimals, &got) == 0) {
            snprintf(text, sizeof text, "%" PRId64, got);
            results++;
        }
        ck_assert_msg(!strcmp(text, want), "%" PRId64 "e%d decimals %u: %s, expected %s", mantissa, exp10,
                      decimals, text, want);
        ck_assert_int_eq(price_from_num(&n, decimals, &again) == 0, text[0] != '-');
        ck_assert_int_eq(got, again);
        lines++;
    }
    ck_assert_int_eq(pclose(in), 0);
    ck_assert_uint_gt(lines, 45000);
    ck_assert_uint_gt(results, 10000);
    struct feed_num none = {0};
    int64_t out = 42;
    ck_assert_int_eq(price_from_num(&none, 2, &out), -1);
    ck_assert_int_eq(out, 42);
}
END_TEST

RUN_SUITE("price", test_by_eye, test_against_rationals, test_decimals_against_rationals)
