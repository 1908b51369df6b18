// SPDX-License-Identifier: Apache-2.0
// Before everything else in a unit test (the Makefile includes it): assertions of check that are cheap in
// loops. check puts every assertion that holds into a file, for a crash to name the last one before it. In a
// loop that is most of a test's time; a process's first thousand and each 4096th after them name it nearly
// enough.
#ifndef TRIPLINE_TEST_CHECK_MARKS_H
#define TRIPLINE_TEST_CHECK_MARKS_H

#include <check.h>

static inline void mark_some(const char *file, int line)
{
    static _Thread_local unsigned n;
    if (n < 1000 || n % 4096 == 0)
        _mark_point(file, line);
    n++;
}
#define _mark_point(file, line) mark_some(file, line)

#endif
