// SPDX-License-Identifier: Apache-2.0
// Memory that is there from the start: zero, resident to the last page before anyone has touched it.
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/pages.h"
#include "run_suite.h"

START_TEST(resident_and_zero)
{
    static const size_t COUNT[] = {0, 1, 4095, 4097, 1000000, 2621440};
    enum { SIZE = 4, MAP = 4096 };
    static unsigned char there[MAP];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < sizeof COUNT / sizeof *COUNT; i++) {
        size_t bytes = (COUNT[i] ? COUNT[i] : 1) * SIZE, pages = (bytes + page - 1) / page;
        char *p = pages_new(COUNT[i], SIZE);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % page, 0);
        ck_assert_uint_le(pages, MAP);
        ck_assert_int_eq(mincore(p, bytes, there), 0);
        for (size_t k = 0; k < pages; k++)
            ck_assert_msg(there[k] & 1, "page %zu of %zu is not there", k, pages);
        ck_assert(p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
        memset(p, 1, bytes); // the next one may get the same memory
        free(p);
    }
}
END_TEST

START_TEST(too_much)
{
    ck_assert_ptr_null(pages_new(SIZE_MAX / 2, 4));
    ck_assert_ptr_null(pages_new(SIZE_MAX, 1));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pages");
    TCase *t = tcase_create("pages");
    tcase_add_test(t, resident_and_zero);
    tcase_add_test(t, too_much);
    suite_add_tcase(s, t);
    return run_suite(s);
}
