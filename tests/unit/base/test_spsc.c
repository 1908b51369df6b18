// SPDX-License-Identifier: Apache-2.0
// Queue: full and empty edges, index wrap, odd element sizes, and two threads (also under ThreadSanitizer).
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/prng.h"
#include "base/spsc.h"
#include "base/test_seed.h"
#include "run_suite.h"

START_TEST(test_edges)
{
    struct spsc q;
    uint32_t mem[4], v = 0;
    spsc_init(&q, mem, sizeof *mem, 4);
    ck_assert(!spsc_pop(&q, &v));
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < 4; i++) {
            ck_assert_uint_eq(spsc_count(&q), i);
            v = round * 100 + i;
            ck_assert(spsc_push(&q, &v));
        }
        ck_assert(!spsc_push(&q, &v));
        ck_assert_uint_eq(spsc_count(&q), 4);
        for (uint32_t i = 0; i < 4; i++) {
            ck_assert(spsc_pop(&q, &v));
            ck_assert_uint_eq(v, round * 100 + i);
        }
        ck_assert(!spsc_pop(&q, &v));
    }
}
END_TEST

START_TEST(test_one_place_and_index_wrap)
{
    struct spsc q;
    uint64_t mem[1], v;
    spsc_init(&q, mem, sizeof *mem, 1);
    q.head = q.tail = q.head_seen = q.tail_seen = UINT64_MAX - 2; // the counters pass 2^64 below
    for (uint64_t i = 0; i < 10; i++) {
        ck_assert(spsc_push(&q, &i));
        ck_assert(!spsc_push(&q, &i));
        ck_assert_uint_eq(spsc_count(&q), 1);
        ck_assert(spsc_pop(&q, &v));
        ck_assert_uint_eq(v, i);
        ck_assert(!spsc_pop(&q, &v));
    }
}
END_TEST

START_TEST(test_in_place)
{
    struct spsc q;
    unsigned char mem[2 * 24 + 1], got[24];
    mem[sizeof mem - 1] = 0xaa;
    spsc_init(&q, mem, 24, 2);
    ck_assert_ptr_null(spsc_peek(&q));
    unsigned char *p = spsc_reserve(&q);
    memset(p, 7, 24);
    ck_assert_ptr_null(spsc_peek(&q)); // not yet committed
    spsc_commit(&q);
    memset(spsc_reserve(&q), 8, 24);
    spsc_commit(&q);
    ck_assert_ptr_null(spsc_reserve(&q));
    ck_assert_uint_eq(*(const unsigned char *)spsc_peek(&q), 7);
    ck_assert_uint_eq(*(const unsigned char *)spsc_peek(&q), 7); // looking takes nothing
    spsc_release(&q);
    ck_assert(spsc_pop(&q, got));
    ck_assert_uint_eq(got[23], 8);
    ck_assert_uint_eq(mem[sizeof mem - 1], 0xaa);
}
END_TEST

enum { ITEMS = 100000, WORDS = 5 };

struct run {
    struct spsc q;
    uint64_t seed;
    uint64_t bad;
};

static void *produce(void *arg)
{
    struct run *run = arg;
    for (uint64_t i = 0; i < test_rounds(ITEMS); i++) {
        uint64_t item[WORDS], x = run->seed + i;
        for (int k = 0; k < WORDS; k++)
            item[k] = splitmix64(&x);
        while (!spsc_push(&run->q, item))
            sched_yield();
    }
    return NULL;
}

static void *consume(void *arg)
{
    struct run *run = arg;
    for (uint64_t i = 0; i < test_rounds(ITEMS); i++) {
        uint64_t item[WORDS], x = run->seed + i;
        while (!spsc_pop(&run->q, item))
            sched_yield();
        for (int k = 0; k < WORDS; k++)
            run->bad += item[k] != splitmix64(&x);
    }
    return NULL;
}

START_TEST(test_two_threads)
{
    static struct run run;
    static uint64_t mem[64 * WORDS];
    run.seed = test_seed(6) + (uint64_t)_i;
    run.bad = 0;
    spsc_init(&run.q, mem, sizeof(uint64_t) * WORDS, (size_t)1 << (2 * _i)); // 1, 4, 16, 64 places
    pthread_t a, b;
    ck_assert_int_eq(pthread_create(&a, NULL, produce, &run), 0);
    ck_assert_int_eq(pthread_create(&b, NULL, consume, &run), 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    ck_assert_uint_eq(run.bad, 0);
    ck_assert_uint_eq(spsc_count(&run.q), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("spsc");
    TCase *t = tcase_create("spsc");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_edges);
    tcase_add_test(t, test_one_place_and_index_wrap);
    tcase_add_test(t, test_in_place);
    tcase_add_loop_test(t, test_two_threads, 0, 4);
    suite_add_tcase(s, t);
    return run_suite(s);
}
