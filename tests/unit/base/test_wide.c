// SPDX-License-Identifier: Apache-2.0
// Wide integers: hand-picked values at the limbs' and the type's edges, and identities on random operands of
// every size. The comparison with Python's integers is tests/diff/rowc_diff.py --wide.
#include "base/prng.h"
#include "base/test_seed.h"
#include "base/wide.h"
#include "run_suite.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MAX_TEXT[] =
    "57896044618658097711785492504343953926634992332820282019728792003956564819967";
static const char MIN_TEXT[] =
    "-57896044618658097711785492504343953926634992332820282019728792003956564819968";

static i256 num(const char *s)
{
    i256 v;
    ck_assert_int_eq(i256_parse(s, &v), 0);
    return v;
}

static const char *text(i256 v)
{
    static char buf[8][I256_DIGITS_MAX];
    static unsigned at;
    char *b = buf[at++ % 8];
    ck_assert_uint_eq(i256_format(v, b, I256_DIGITS_MAX), strlen(b));
    return b;
}

#define ck_i256(v, s) ck_assert_str_eq(text(v), s)

static uint64_t rng_state;
static uint64_t rng(void)
{
    return splitmix64(&rng_state);
}

// Random sign and bit length, with long runs of ones and zeros (they trigger the rare branches of division).
static i256 rnd(void)
{
    i256 v;
    for (int i = 0; i < 4; i++) {
        unsigned kind = rng() % 4;
        v.w[i] = kind == 0 ? 0 : kind == 1 ? UINT64_MAX : rng() >> rng() % 64;
    }
    return i256_sar(v, (unsigned)(rng() % 256));
}

static void seed_rng(void)
{
    rng_state = test_seed(1);
}

START_TEST(parse_and_format)
{
    static const char *const same[] = {
        "0",
        "1",
        "-1",
        "9999999999999999999",
        "10000000000000000000",
        "18446744073709551615",
        "18446744073709551616",
        "-18446744073709551616",
        "340282366920938463463374607431768211456",
        MAX_TEXT,
        MIN_TEXT,
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        ck_i256(num(same[i]), same[i]);
    static const char *const bad[] = {
        "",
        "-",
        "+1",
        " 1",
        "1 ",
        "--1",
        "1-",
        "0x1",
        "1e3",
        "1.0",
        "57896044618658097711785492504343953926634992332820282019728792003956564819968",
        "-57896044618658097711785492504343953926634992332820282019728792003956564819969",
        "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        i256 v;
        ck_assert_msg(i256_parse(bad[i], &v) == -1, "accepted '%s'", bad[i]);
    }
    ck_i256(num("-0"), "0");
    ck_i256(num("000000000000000000000000000000000000000000000000000000000000000000000000000000000000000012"),
            "12");
    char small[4] = "xyz";
    ck_assert_uint_eq(i256_format(num("1234"), small, sizeof small), 0);
    ck_assert_str_eq(small, "");
    ck_assert_uint_eq(i256_format(num("-12"), small, sizeof small), 3);
    ck_assert_str_eq(small, "-12");
    ck_assert_uint_eq(i256_format(num("1"), small, 0), 0);
}
END_TEST

START_TEST(rounding_of_all_signs)
{
    static const struct {
        int64_t a, b, trunc, floor, ceil;
    } t[] = {
        {7, 2, 3, 3, 4},     {-7, 2, -3, -4, -3}, {7, -2, -3, -4, -3}, {-7, -2, 3, 3, 4}, {6, 2, 3, 3, 3},
        {-6, 2, -3, -3, -3}, {6, -2, -3, -3, -3}, {-6, -2, 3, 3, 3},   {0, 5, 0, 0, 0},   {0, -5, 0, 0, 0},
        {1, 3, 0, 0, 1},     {-1, 3, 0, -1, 0},   {1, -3, 0, -1, 0},   {-1, -3, 0, 0, 1},
    };
    // At three scales, so that each path of division sees every sign.
    static const char *const scale[] = {"1", "18446744073709551629",
                                        "340282366920938463463374607431768211507"};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
            i256 a = i256_mul_i64(num(scale[k]), t[i].a), b = i256_mul_i64(num(scale[k]), t[i].b);
            ck_assert_int_eq(i256_cmp(i256_div_trunc(a, b), i256_from_i64(t[i].trunc)), 0);
            ck_assert_int_eq(i256_cmp(i256_div_floor(a, b), i256_from_i64(t[i].floor)), 0);
            ck_assert_int_eq(i256_cmp(i256_div_ceil(a, b), i256_from_i64(t[i].ceil)), 0);
        }
}
END_TEST

START_TEST(edges_of_the_type)
{
    i256 max = num(MAX_TEXT), min = num(MIN_TEXT), one = i256_from_i64(1), m1 = i256_from_i64(-1), r;
    ck_i256(i256_div_floor(min, one), MIN_TEXT);
    ck_i256(i256_div_floor(min, max), "-2");
    ck_i256(i256_div_trunc(min, max), "-1");
    ck_i256(i256_div_ceil(max, min), "0");
    ck_i256(i256_div_floor(max, min), "-1");
    ck_i256(i256_div_trunc(min, min), "1");
    ck_assert(i256_add_ovf(max, one, &r) && i256_cmp(r, min) == 0);
    ck_assert(!i256_add_ovf(max, min, &r) && i256_cmp(r, m1) == 0);
    ck_assert(i256_sub_ovf(min, one, &r) && i256_cmp(r, max) == 0);
    ck_assert(i256_sub_ovf(I256_ZERO, min, &r));
    ck_assert(!i256_sub_ovf(m1, min, &r) && i256_cmp(r, max) == 0);
    ck_assert(i256_mul_ovf(min, m1, &r) && i256_mul_ovf(m1, min, &r));
    ck_assert(!i256_mul_ovf(min, one, &r) && i256_cmp(r, min) == 0);
    ck_assert(!i256_mul_ovf(max, m1, &r) && i256_cmp(r, i256_add(min, one)) == 0);
    ck_assert(!i256_mul_ovf(min, I256_ZERO, &r) && i256_sign(r) == 0);
    i256 p127 = i256_shl(one, 127), p128 = i256_shl(one, 128);
    ck_assert(i256_mul_ovf(p127, p128, &r)); // 2^255
    ck_assert(!i256_mul_ovf(i256_neg(p127), p128, &r) && i256_cmp(r, min) == 0);
    ck_assert_uint_eq(i256_bits(min), 256);
    ck_assert_uint_eq(i256_bits(max), 255);
    ck_assert_uint_eq(i256_bits(m1), 1);
    ck_assert_uint_eq(i256_bits(I256_ZERO), 0);
    ck_i256(i256_sar(min, 255), "-1");
    ck_i256(i256_sar(m1, 1000), "-1");
    ck_i256(i256_sar(max, 1000), "0");
    ck_i256(i256_sar(num("-5"), 1), "-3");
    ck_i256(i256_shl(one, 64), "18446744073709551616");
    ck_assert_int_eq(i256_cmp(min, max), -1);
    ck_assert_int_eq(i256_cmp(m1, I256_ZERO), -1);
    ck_i256(i256_min(one, m1), "-1");
    ck_i256(i256_max(one, m1), "1");
}
END_TEST

START_TEST(conversions)
{
    ck_assert(i256_fits_i64(i256_from_i64(INT64_MIN)) && i256_fits_i64(i256_from_i64(INT64_MAX)));
    ck_assert(!i256_fits_i64(num("9223372036854775808")) && !i256_fits_i64(num("-9223372036854775809")));
    ck_assert(i256_fits_i128(num("-170141183460469231731687303715884105728")));
    ck_assert(!i256_fits_i128(num("170141183460469231731687303715884105728")));
    ck_assert_int_eq(i256_to_i64(i256_from_i64(INT64_MIN)), INT64_MIN);
    ck_assert(i256_to_i128(num("-170141183460469231731687303715884105728")) == (i128)((u128)1 << 127));
    ck_i256(i256_from_u128((u128)-1), "340282366920938463463374607431768211455");
    ck_assert(i256_to_double(num("-1000000000000000000000000")) == -1e24);
    ck_assert(i256_to_double(num(MIN_TEXT)) == -0x1p255);
    char z[I256_DIGITS_MAX] = "1";
    for (unsigned n = 0; n <= 76; n++, strcat(z, "0"))
        ck_i256(i256_pow10(n), z);
}
END_TEST

START_TEST(known_divisions)
{
    // q too large by one after the estimate: the add-back step (Hacker's Delight's cases, widened to 64-bit
    // limbs).
    i256 u = {{3, 0, 0x8000000000000000u, 0}}, v = {{1, 0, 0x2000000000000000u, 0}};
    ck_assert_int_eq(i256_cmp(i256_div_trunc(u, v), i256_from_i64(3)), 0);
    u = (i256){{0, 0, 0x8000000000000000u, 0x7fffffffffffffffu}};
    v = (i256){{1, 0, 0x8000000000000000u, 0}};
    ck_i256(i256_div_trunc(u, v), "18446744073709551614");
    u = (i256){{0, UINT64_MAX - 1, 0x8000000000000000u, 0}};
    v = (i256){{UINT64_MAX, 0x8000000000000000u, 0, 0}};
    ck_i256(i256_div_trunc(u, v), "18446744073709551615");
    ck_i256(i256_div_floor(num("-123456789012345678901234567890123456789012345678901234567890"),
                           num("987654321098765432109876543210")),
            "-124999998860937500014238281250");
}
END_TEST

// Division by powers of ten: against the general one, on random values and at every edge of a multiple.
START_TEST(powers_of_ten)
{
    seed_rng();
    const i256 one = i256_from_i64(1);
    for (unsigned round = 0; round < test_rounds(400000); round++) {
        unsigned n = (unsigned)(rng() % 77);
        i256 ten = i256_pow10(n), a = rnd();
        if (round % 2) { // a multiple, or beside one
            a = i256_mul(i256_div_trunc(a, ten), ten);
            a = round % 4 == 1 ? a : round % 8 == 3 ? i256_add(a, one) : i256_sub(a, one);
        }
        ck_assert_str_eq(text(i256_div10_floor(a, n)), text(i256_div_floor(a, ten)));
        ck_assert_str_eq(text(i256_div10_ceil(a, n)), text(i256_div_ceil(a, ten)));
    }
    for (unsigned n = 0; n <= 76; n++) {
        i256 ten = i256_pow10(n), least = num(MIN_TEXT), most = num(MAX_TEXT);
        ck_assert_str_eq(text(i256_div10_floor(least, n)), text(i256_div_floor(least, ten)));
        ck_assert_str_eq(text(i256_div10_ceil(least, n)), text(i256_div_ceil(least, ten)));
        ck_assert_str_eq(text(i256_div10_floor(most, n)), text(i256_div_floor(most, ten)));
        ck_assert_str_eq(text(i256_div10_ceil(most, n)), text(i256_div_ceil(most, ten)));
        ck_i256(i256_div10_ceil(one, n), "1");
        ck_i256(i256_div10_floor(one, n), n ? "0" : "1");
    }
}
END_TEST

// The short way of a product against the sum of partial products.
START_TEST(product_of_halves)
{
    seed_rng();
    for (unsigned round = 0; round < test_rounds(200000); round++) {
        u128 a = i256_lo(rnd()), b = i256_lo(rnd());
        i256 sum = I256_ZERO;
        for (unsigned i = 0; i < 128; i += 32)
            for (unsigned j = 0; j < 128; j += 32) {
                u128 part = (u128)(uint32_t)(a >> i) * (uint32_t)(b >> j);
                sum = i256_add(sum, i256_shl(i256_from_u128(part), i + j));
            }
        ck_assert(i256_cmp(i256_mul_u128(a, b), sum) == 0);
        ck_assert(i256_cmp(i256_mul(i256_from_u128(a), i256_from_u128(b)), sum) == 0);
    }
}
END_TEST

START_TEST(identities)
{
    seed_rng();
    for (unsigned k = 0; k < test_rounds(50000); k++) {
        i256 a = rnd(), b = rnd(), c = rnd(), one = i256_from_i64(1);
        unsigned n = (unsigned)(rng() % 256);
        ck_assert_int_eq(i256_cmp(i256_sub(i256_add(a, b), b), a), 0);
        ck_assert_int_eq(i256_cmp(i256_mul(a, i256_add(b, c)), i256_add(i256_mul(a, b), i256_mul(a, c))), 0);
        ck_assert_int_eq(i256_cmp(i256_mul(a, b), i256_mul(b, a)), 0);
        ck_assert_int_eq(
            i256_cmp(i256_mul_i64(a, (int64_t)b.w[0]), i256_mul(a, i256_from_i64((int64_t)b.w[0]))), 0);
        ck_assert_int_eq(i256_cmp(i256_shl(a, n), i256_mul(a, i256_shl(one, n))), 0);
        ck_assert_int_eq(i256_cmp(num(text(a)), a), 0);
        if (n < 255)
            ck_assert_int_eq(i256_cmp(i256_sar(a, n), i256_div_floor(a, i256_shl(one, n))), 0);
        if (i256_sign(b) == 0)
            continue;
        i256 q = i256_div_trunc(a, b), r = i256_sub(a, i256_mul(q, b));
        ck_assert(i256_sign(r) == 0 || i256_sign(r) == i256_sign(a));
        i256 ar = i256_abs(r), ab = i256_abs(b); // |b| = 2^255 is negative as i256: compare as unsigned
        ck_assert(ab.w[3] >> 63 ? ar.w[3] >> 63 == 0 : i256_cmp(ar, ab) < 0);
        bool exact = i256_sign(r) == 0, neg = i256_sign(a) * i256_sign(b) < 0;
        ck_assert_int_eq(i256_cmp(i256_div_floor(a, b), i256_sub(q, i256_from_i64(!exact && neg))), 0);
        ck_assert_int_eq(i256_cmp(i256_div_ceil(a, b), i256_add(q, i256_from_i64(!exact && !neg))), 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base/wide");
    TCase *t = tcase_create("wide");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, parse_and_format);
    tcase_add_test(t, rounding_of_all_signs);
    tcase_add_test(t, edges_of_the_type);
    tcase_add_test(t, conversions);
    tcase_add_test(t, known_divisions);
    tcase_add_test(t, powers_of_ten);
    tcase_add_test(t, product_of_halves);
    tcase_add_test(t, identities);
    suite_add_tcase(s, t);
    return run_suite(s);
}
