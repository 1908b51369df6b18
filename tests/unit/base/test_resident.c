// SPDX-License-Identifier: Apache-2.0
// Memory that is brought in does not fault any more, with and without the right to lock it, also in a child
// that a fork has left with write-protected pages; reservations are left alone unless they are small enough
// to be taken, and so are other threads' stacks.
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/resident.h"
#include "run_suite.h"

// Sanitizers touch memory of their own with each access: there no fault can be counted, the calls only run.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTING 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTING 0
#endif
#endif
#ifndef COUNTING
#define COUNTING 1
#endif

enum { PAGE = 4096, PAGES = 300, BYTES = PAGES * PAGE };
static unsigned char global[BYTES];

static long faults(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_THREAD, &u);
    return u.ru_minflt + u.ru_majflt;
}

static long touch(volatile unsigned char *p)
{
    long before = faults();
    for (size_t i = 0; i < BYTES; i += PAGE)
        p[i] = 1;
    return faults() - before;
}

static unsigned char *map(int flags)
{
    void *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    ck_assert(p != MAP_FAILED);
    (void)madvise(p, BYTES, MADV_NOHUGEPAGE);
    return p;
}

__attribute__((noinline)) static long use_stack(void)
{
    volatile unsigned char deep[RESIDENT_STACK - 8 * PAGE];
    long before = faults();
    for (size_t i = 0; i < sizeof deep; i += PAGE)
        deep[i] = 1;
    return faults() - before;
}

START_TEST(test_what_is_there_does_not_fault)
{
    unsigned char *mapped = map(0), *heap = malloc(BYTES), *reserved = map(MAP_NORESERVE);
    memset(global, 1, sizeof global); // a fork, which the test runner makes, shares it until it is written
    pid_t pid = fork();
    if (pid == 0) {
        enum resident is = resident_now();
        if (is == RESIDENT_NOT)
            _exit(77);
        long n = touch(mapped) + touch(heap) + touch(global) + use_stack();
        if (!COUNTING)
            _exit(0);
        _exit(n != 0 ? 1 : touch(reserved) != PAGES ? 2 : 0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WEXITSTATUS(status) == 77)
        printf("# this kernel cannot be asked: not shown\n");
    else
        ck_assert_int_eq(status, 0);
    free(heap);
}
END_TEST

// The same for somebody who may lock nothing.
START_TEST(test_without_the_right_to_lock)
{
    unsigned char *mapped = map(0);
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
            _exit(1);
        enum resident is = resident_now();
        _exit(is == RESIDENT_NOT || !COUNTING ? 77 : is != RESIDENT_TOUCHED ? 2 : touch(mapped) != 0 ? 3 : 0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WEXITSTATUS(status) != 77)
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(test_small_reservations_are_taken)
{
    unsigned char *taken = map(MAP_NORESERVE), *left = map(MAP_NORESERVE);
    resident_take(taken, BYTES, BYTES);
    resident_take(left, BYTES, BYTES - 1);
    if (resident_now() == RESIDENT_NOT || !COUNTING)
        return;
    ck_assert_int_eq(touch(taken), 0);
    ck_assert_int_eq(touch(left), PAGES);
}
END_TEST

static int deep_pages; // of the waiting thread's stack, far below where it is
static pthread_barrier_t meet;

static void *wait_twice(void *arg)
{
    (void)arg;
    pthread_attr_t a;
    void *low;
    size_t size;
    ck_assert_int_eq(pthread_getattr_np(pthread_self(), &a), 0);
    ck_assert_int_eq(pthread_attr_getstack(&a, &low, &size), 0);
    (void)pthread_attr_destroy(&a);
    (void)pthread_barrier_wait(&meet);
    (void)pthread_barrier_wait(&meet);
    unsigned char there[PAGES];
    ck_assert_uint_gt(size, 2 * (size_t)BYTES);
    ck_assert_int_eq(mincore((char *)low + 16 * PAGE, BYTES, there), 0);
    for (int i = 0; i < PAGES; i++)
        deep_pages += there[i] & 1;
    return NULL;
}

// Of a large limit (`ulimit -s`) each thread would take all.
START_TEST(test_other_threads_stacks_are_left)
{
    pthread_t t;
    deep_pages = 0;
    ck_assert_int_eq(pthread_barrier_init(&meet, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&t, NULL, wait_twice, NULL), 0);
    (void)pthread_barrier_wait(&meet);
    (void)resident_now();
    (void)pthread_barrier_wait(&meet);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    (void)pthread_barrier_destroy(&meet);
    ck_assert_int_eq(deep_pages, 0);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("resident");
    TCase *t = tcase_create("resident");
    tcase_add_test(t, test_what_is_there_does_not_fault);
    tcase_add_test(t, test_without_the_right_to_lock);
    tcase_add_test(t, test_small_reservations_are_taken);
    tcase_add_test(t, test_other_threads_stacks_are_left);
    suite_add_tcase(su, t);
    return run_suite(su);
}
