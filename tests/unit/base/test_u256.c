// SPDX-License-Identifier: Apache-2.0
// u256: the edges of limbs and of the word, identities on random operands, against i256 and the compiler's
// 128 bits where those reach. The comparison with Python's integers is tests/diff/u256_diff.py.
#include "base/prng.h"
#include "base/test_seed.h"
#include "base/u256.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

static const char MAX_TEXT[] =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";

static uint64_t rng_state;
static uint64_t rng(void)
{
    return splitmix64(&rng_state);
}

// Any bit length, with long runs of ones and zeros.
static u256 rnd(void)
{
    u256 v;
    for (int i = 0; i < 4; i++) {
        unsigned kind = rng() % 4;
        v.w[i] = kind == 0 ? 0 : kind == 1 ? UINT64_MAX : rng() >> rng() % 64;
    }
    return u256_shr(v, (unsigned)(rng() % 256));
}

static bool same(u256 a, u256 b)
{
    return u256_cmp(a, b) == 0;
}

START_TEST(texts)
{
    static const char *const good[] = {"0", "9", "18446744073709551616", MAX_TEXT};
    static const char *const bad[] = {
        "",    "-1", "+1",
        " 1",  "1 ", "1.0",
        "1e3", "0x", "0X1",
        "0xg", "1a", "115792089237316195423570985008687907853269984665640564039457584007913129639936"};
    char text[U256_DIGITS_MAX];
    u256 v;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert(u256_parse(good[i], &v));
        u256_format(v, text);
        ck_assert_str_eq(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!u256_parse(bad[i], &v) && u256_is_zero(v), "%s", bad[i]);
    ck_assert(u256_parse("0xfF00", &v) && v.w[0] == 0xff00);
    ck_assert(u256_parse("0007", &v) && v.w[0] == 7);
}
END_TEST

START_TEST(edges)
{
    u256 r, rest, one = u256_from_u64(1), top = u256_shl(one, 255);
    ck_assert(u256_add(U256_MAX, one, &r) && u256_is_zero(r));
    ck_assert(u256_sub(U256_ZERO, one, &r) && same(r, U256_MAX));
    ck_assert(!u256_sub(one, one, &r) && u256_is_zero(r));
    ck_assert(u256_mul(top, u256_from_u64(2), &r) && u256_is_zero(r));
    ck_assert(!u256_mul(u256_shr(top, 1), u256_from_u64(2), &r) && same(r, top));
    ck_assert(u256_mul(U256_MAX, U256_MAX, &r) && same(r, one));
    ck_assert(!u256_mul_div(U256_MAX, U256_MAX, U256_MAX, &r, &rest) && same(r, U256_MAX) &&
              u256_is_zero(rest));
    ck_assert(u256_mul_div(U256_MAX, U256_MAX, u256_shr(U256_MAX, 1), &r, NULL));
    ck_assert(u256_mul_div(one, one, U256_ZERO, &r, &rest) && u256_is_zero(r));
    ck_assert_uint_eq(u256_bits(U256_ZERO), 0);
    ck_assert_uint_eq(u256_bits(U256_MAX), 256);
    ck_assert(u256_is_zero(u256_shl(one, 256)) && u256_is_zero(u256_shr(top, 256)));
    ck_assert(same(u256_sqrt(U256_MAX), u256_from_u128(~(u128)0)));
    ck_assert(u256_is_zero(u256_sqrt(U256_ZERO)) && same(u256_sqrt(u256_from_u64(3)), one));
    ck_assert_uint_eq(u256_bits(u256_pow10(77)), 256);
    ck_assert(same(u256_pow10(0), one));
}
END_TEST

START_TEST(identities)
{
    for (int i = 0; i < 20000; i++) {
        u256 a = rnd(), b = rnd(), c = rnd(), r, s, rest;
        bool over = u256_add(a, b, &r);
        ck_assert(u256_sub(r, b, &s) == over && same(s, a));
        if (!u256_is_zero(b)) {
            u256 q = u256_div(a, b, &rest);
            ck_assert(u256_cmp(rest, b) < 0);
            ck_assert(!u256_mul(q, b, &r) && !u256_add(r, rest, &s) && same(s, a));
            ck_assert(!u256_mul_div(a, b, b, &r, &rest) && same(r, a) && u256_is_zero(rest));
        }
        if (!u256_is_zero(c) && !u256_mul(a, b, &r)) {
            u256 q;
            ck_assert(!u256_mul_div(a, b, c, &q, &rest));
            u256 want = u256_div(r, c, &s);
            ck_assert(same(q, want) && same(s, rest));
        }
        u256 root = u256_sqrt(a);
        ck_assert(!u256_mul(root, root, &r) && u256_cmp(r, a) <= 0);
        (void)u256_add(root, u256_from_u64(1), &s);
        ck_assert(u256_mul(s, s, &r) || u256_cmp(r, a) > 0);
    }
}
END_TEST

START_TEST(as_the_others)
{
    for (int i = 0; i < 20000; i++) {
        u256 a = u256_shr(rnd(), 1), b = u256_shr(rnd(), 1), r;
        i256 x, y;
        memcpy(x.w, a.w, sizeof x.w);
        memcpy(y.w, b.w, sizeof y.w);
        ck_assert_int_eq(u256_cmp(a, b), i256_cmp(x, y));
        ck_assert_uint_eq(u256_bits(a), i256_bits(x));
        (void)u256_mul(a, b, &r);
        i256 product = i256_mul(x, y);
        ck_assert(memcmp(r.w, product.w, sizeof r.w) == 0);
        if (u256_is_zero(b))
            continue;
        r = u256_div(a, b, NULL);
        i256 q = i256_div_floor(x, y);
        ck_assert(memcmp(r.w, q.w, sizeof r.w) == 0);
        u128 u = u256_to_u128(a), v = u256_to_u128(b);
        ck_assert(v == 0 || u256_to_u128(u256_div(u256_from_u128(u), u256_from_u128(v), NULL)) == u / v);
    }
}
END_TEST

int main(void)
{
    rng_state = test_seed(1);
    Suite *s = suite_create("base/u256");
    TCase *t = tcase_create("u256");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, texts);
    tcase_add_test(t, edges);
    tcase_add_test(t, identities);
    tcase_add_test(t, as_the_others);
    suite_add_tcase(s, t);
    return run_suite(s);
}
