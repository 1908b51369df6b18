// SPDX-License-Identifier: Apache-2.0
// CRC-32C: the vectors of RFC 3720 B.4, a bit-by-bit definition, and the two implementations against each
// other.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "run_suite.h"

typedef uint32_t crc_fn(uint32_t crc, const void *data, size_t len);

static crc_fn *const IMPL[] = {crc32c, crc32c_portable, crc32c_sse42};
enum { IMPLS = 3 };

static bool usable(int i)
{
    return IMPL[i] != crc32c_sse42 || crc32c_has_sse42();
}

START_TEST(test_published)
{
    unsigned char zeros[32] = {0}, ones[32], up[32], down[32];
    memset(ones, 0xff, sizeof ones);
    for (unsigned i = 0; i < 32; i++) {
        up[i] = (unsigned char)i;
        down[i] = (unsigned char)(31 - i);
    }
    for (int i = 0; i < IMPLS; i++) {
        if (!usable(i))
            continue;
        ck_assert_uint_eq(IMPL[i](0, zeros, 32), 0x8a9136aau);
        ck_assert_uint_eq(IMPL[i](0, ones, 32), 0x62a8ab43u);
        ck_assert_uint_eq(IMPL[i](0, up, 32), 0x46dd794eu);
        ck_assert_uint_eq(IMPL[i](0, down, 32), 0x113fdb5cu);
        ck_assert_uint_eq(IMPL[i](0, "123456789", 9), 0xe3069283u);
        ck_assert_uint_eq(IMPL[i](0, "", 0), 0);
    }
}
END_TEST

static uint32_t by_definition(const unsigned char *p, size_t n)
{
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < n * 8; i++) {
        c ^= (uint32_t)(p[i / 8] >> (i % 8)) & 1u;
        c = (c >> 1) ^ ((c & 1u) ? UINT32_C(0x82f63b78) : 0);
    }
    return ~c;
}

START_TEST(test_random_lengths_alignments_splits)
{
    struct prng r;
    prng_seed(&r, test_seed(3));
    unsigned char buf[700];
    for (int round = 0; round < 3000; round++) {
        for (size_t i = 0; i < sizeof buf; i++)
            buf[i] = (unsigned char)prng_u64(&r);
        size_t at = prng_below(&r, 17), n = prng_below(&r, round % 2 ? 40 : sizeof buf - 17);
        size_t cut = prng_below(&r, n + 1);
        uint32_t expect = by_definition(buf + at, n);
        for (int i = 0; i < IMPLS; i++) {
            if (!usable(i))
                continue;
            ck_assert_uint_eq(IMPL[i](0, buf + at, n), expect);
            ck_assert_uint_eq(IMPL[i](IMPL[i](0, buf + at, cut), buf + at + cut, n - cut), expect);
        }
    }
}
END_TEST

int main(void)
{
    if (!crc32c_has_sse42())
        puts("# no SSE4.2 on this machine: the portable implementation is tested alone");
    Suite *s = suite_create("crc32c");
    TCase *t = tcase_create("crc32c");
    tcase_add_test(t, test_published);
    tcase_add_test(t, test_random_lengths_alignments_splits);
    suite_add_tcase(s, t);
    return run_suite(s);
}
