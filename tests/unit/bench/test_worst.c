// SPDX-License-Identifier: Apache-2.0
// The worst list against all frames sorted: the same ones, slowest first, whatever their order and number.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "bench/worst.h"
#include "run_suite.h"

enum { FRAMES = 3000, LOOSE_FRAMES = 400 };

static struct worst w;
static uint64_t took[FRAMES];
static struct prng rng;

static int downwards(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

// n frames that take `spread` different times; every `skip`-th does not reach the point.
static void fill(size_t n, uint64_t spread, size_t skip, size_t most)
{
    size_t reached = 0;
    worst_init(&w, STAMP_ORDER, most);
    for (size_t i = 0; i < n; i++) {
        uint64_t arrived = 1 + prng_u64(&rng) % (UINT64_C(1) << 50), ticks = 1 + prng_below(&rng, spread);
        struct frame_stamps s = {.at = {[STAMP_ARRIVED] = arrived}, .flags = (uint32_t)i};
        if (skip == 0 || i % skip) {
            s.at[STAMP_ORDER] = arrived + ticks;
            took[reached++] = ticks;
        }
        worst_take(&w, &s, i, i % 7, (uint32_t)(2 * i));
    }
    qsort(took, reached, sizeof took[0], downwards);
    worst_sort(&w);
    ck_assert_uint_eq(w.n, reached < most ? reached : most);
    for (size_t i = 0; i < w.n; i++) {
        const struct worst_frame *f = &w.at[i];
        ck_assert_uint_eq(f->ticks, took[i]);
        ck_assert_uint_eq(f->stamps.at[STAMP_ORDER] - f->stamps.at[STAMP_ARRIVED], f->ticks);
        // What came with it is its own.
        ck_assert(f->stamps.flags == f->frame && f->pass == f->frame % 7 && f->behind == 2 * f->frame);
    }
}

START_TEST(test_against_sorting)
{
    fill(0, 1, 0, 10);
    fill(1, 5, 0, 10);
    fill(10, 5, 0, 10);
    fill(11, 1000, 0, 10);
    fill(FRAMES, 50, 3, 10);
    fill(FRAMES, UINT64_C(1) << 40, 0, WORST_MAX);
    fill(FRAMES, UINT64_C(1) << 40, 2, 1);
    fill(FRAMES, 100, 0, 0);
    for (unsigned i = 0; i < 50; i++)
        fill(prng_below(&rng, LOOSE_FRAMES), 1 + prng_below(&rng, 1000), prng_below(&rng, 4),
             prng_below(&rng, WORST_MAX + 1));
}
END_TEST

// Among equals the first frame of the first pass comes first, so that a list reads the same every time.
START_TEST(test_equals_in_order)
{
    worst_init(&w, STAMP_DONE, 4);
    for (unsigned i = 4; i-- > 0;) {
        const struct frame_stamps s = {.at = {[STAMP_ARRIVED] = 10, [STAMP_DONE] = 20}};
        worst_take(&w, &s, i % 2, i / 2, 0);
    }
    worst_sort(&w);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(w.at[i].frame == i % 2 && w.at[i].pass == i / 2);
    worst_init(&w, STAMP_DONE, 2); // and the first are kept
    for (unsigned i = 0; i < 6; i++) {
        const struct frame_stamps s = {.at = {[STAMP_ARRIVED] = 10, [STAMP_DONE] = 20}};
        worst_take(&w, &s, i, 0, 0);
    }
    worst_sort(&w);
    ck_assert(w.n == 2 && w.at[0].frame == 0 && w.at[1].frame == 1);
}
END_TEST

int main(void)
{
    prng_seed(&rng, test_seed(20261121));
    Suite *s = suite_create("worst");
    TCase *t = tcase_create("worst");
    tcase_add_test(t, test_against_sorting);
    tcase_add_test(t, test_equals_in_order);
    suite_add_tcase(s, t);
    return run_suite(s);
}
