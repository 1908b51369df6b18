// SPDX-License-Identifier: Apache-2.0
// The end of every unit test's main(): runs one suite and gives the exit status.
#ifndef TRIPLINE_TEST_RUN_SUITE_H
#define TRIPLINE_TEST_RUN_SUITE_H

#include <check.h>
#include <stdlib.h>

static inline int run_suite(Suite *s)
{
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
