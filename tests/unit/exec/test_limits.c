// SPDX-License-Identifier: Apache-2.0
// The sliding window against a list of everything that was ever handed over, its edges, and a full ring.
#include <check.h>
#include <stdlib.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/limits.h"
#include "run_suite.h"

static const uint64_t S = 1000000000;

START_TEST(single_and_total)
{
    struct limits l;
    ck_assert_int_eq(limits_init(&l, 100, 0, 250), 0);
    ck_assert_int_eq(limits_check(&l, 1, 100), LIMITS_OK);
    ck_assert_int_eq(limits_check(&l, 1, 101), LIMITS_ORDER);
    limits_take(&l, 100);
    ck_assert_int_eq(limits_check(&l, 90 * S, 100), LIMITS_OK);
    limits_take(&l, 100);
    ck_assert_int_eq(limits_check(&l, 900 * S, 50), LIMITS_OK);
    ck_assert_int_eq(limits_check(&l, 900 * S, 51), LIMITS_TOTAL);
    limits_free(&l);
    ck_assert_int_eq(limits_init(&l, 0, 0, 0), 0); // no limits
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(limits_check(&l, i, INT64_MAX), LIMITS_OK);
        limits_take(&l, INT64_MAX); // and sums beyond int64
    }
    limits_free(&l);
}
END_TEST

START_TEST(window_edges)
{
    struct limits l;
    ck_assert_int_eq(limits_init(&l, 0, 100, 0), 0);
    ck_assert_int_eq(limits_check(&l, 10 * S, 60), LIMITS_OK);
    limits_take(&l, 60);
    ck_assert_int_eq(limits_check(&l, 20 * S, 40), LIMITS_OK);
    limits_take(&l, 40);
    ck_assert_int_eq(limits_check(&l, 20 * S, 1), LIMITS_MINUTE);
    ck_assert_int_eq(limits_check(&l, 70 * S - 1, 1), LIMITS_MINUTE); // the last nanosecond of the first
    ck_assert_int_eq(limits_check(&l, 70 * S, 60), LIMITS_OK);        // 60 s later it no longer counts
    ck_assert_int_eq(limits_check(&l, 70 * S, 61), LIMITS_MINUTE);
    ck_assert_int_eq(limits_check(&l, 80 * S, 100), LIMITS_OK);
    // time that steps back stands still: nothing becomes younger or older by it
    ck_assert_int_eq(limits_check(&l, 5 * S, 100), LIMITS_OK);
    limits_take(&l, 100);
    ck_assert_int_eq(limits_check(&l, 66 * S, 1), LIMITS_MINUTE);
    ck_assert_int_eq(limits_check(&l, 140 * S - 1, 1), LIMITS_MINUTE);
    ck_assert_int_eq(limits_check(&l, 140 * S, 100), LIMITS_OK);
    limits_free(&l);
}
END_TEST

START_TEST(window_against_list)
{
    enum { N = 20000 };
    struct limits l;
    struct prng r;
    uint64_t *at = calloc(N, sizeof *at), now = 0;
    int64_t *value = calloc(N, sizeof *value);
    unsigned n = 0, refused = 0, first = 0;
    prng_seed(&r, test_seed(21));
    ck_assert_int_eq(limits_init(&l, 0, 100000, 0), 0);
    for (unsigned i = 0; i < N; i++) {
        now += prng_chance(&r, 1, 50) ? prng_below(&r, 40 * S) : prng_below(&r, S / 20);
        int64_t v = (int64_t)prng_below(&r, 2000), sum = v;
        while (first < n && now - at[first] >= LIMITS_WINDOW_NS)
            first++;
        for (unsigned k = first; k < n; k++)
            sum += value[k];
        enum limits_verdict got = limits_check(&l, now, v);
        ck_assert_msg(got == (sum > 100000 ? LIMITS_MINUTE : LIMITS_OK), "step %u", i);
        if (got == LIMITS_OK) {
            limits_take(&l, v);
            at[n] = now;
            value[n++] = v;
        } else {
            refused++;
        }
    }
    ck_assert_uint_gt(refused, 50);
    ck_assert_uint_gt(n, 1000);
    ck_assert_uint_eq(l.merged, 0);
    limits_free(&l);
    free(at);
    free(value);
}
END_TEST

// More distinct times than the ring holds: the sum may be too high for a while, never too low.
START_TEST(full_ring_overstates)
{
    enum { N = LIMITS_RING + 1000 };
    struct limits l;
    ck_assert_int_eq(limits_init(&l, 0, N, 0), 0);
    for (uint64_t i = 1; i <= N; i++) {
        ck_assert_int_eq(limits_check(&l, i, 1), LIMITS_OK);
        limits_take(&l, 1);
    }
    ck_assert_uint_eq(l.merged, 1000);
    ck_assert_int_eq(limits_check(&l, N, 1), LIMITS_MINUTE); // nothing was forgotten
    // All but the merged last entry leave at their own times; the merged one at its latest time.
    uint64_t t = (uint64_t)LIMITS_RING - 1 + LIMITS_WINDOW_NS;
    ck_assert_int_eq(limits_check(&l, t, N - 1001), LIMITS_OK);
    ck_assert_int_eq(limits_check(&l, t, N - 1000), LIMITS_MINUTE);
    ck_assert_int_eq(limits_check(&l, N - 1 + LIMITS_WINDOW_NS, N - 1000), LIMITS_MINUTE);
    ck_assert_int_eq(limits_check(&l, N + LIMITS_WINDOW_NS, N), LIMITS_OK);
    limits_free(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("limits");
    TCase *t = tcase_create("limits");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, single_and_total);
    tcase_add_test(t, window_edges);
    tcase_add_test(t, window_against_list);
    tcase_add_test(t, full_ring_overstates);
    suite_add_tcase(s, t);
    return run_suite(s);
}
