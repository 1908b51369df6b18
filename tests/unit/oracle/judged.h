// SPDX-License-Identifier: Apache-2.0
// Runs a judge in Python (tests/unit/oracle/judge_*.py SEED COUNT) and hands its lines to a function.
// Tests run from the project's root.
#ifndef TRIPLINE_TEST_JUDGED_H
#define TRIPLINE_TEST_JUDGED_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test_seed.h"

// Calls line() for each line without its end; returns how many there were.
static inline size_t judged(const char *judge, unsigned count, void (*line)(char *text))
{
    static char text[4096];
    char command[160];
    size_t n = 0;
    (void)snprintf(command, sizeof command, "python3 tests/unit/oracle/%s %" PRIu64 " %u", judge,
                   test_seed(20261120), count);
    FILE *in = popen(command, "r");
    ck_assert_ptr_nonnull(in);
    for (; fgets(text, sizeof text, in); n++) {
        text[strcspn(text, "\n")] = '\0';
        line(text);
    }
    ck_assert_int_eq(pclose(in), 0);
    return n;
}

static inline char *word(char **save)
{
    char *w = strtok_r(NULL, " ", save);
    ck_assert_ptr_nonnull(w);
    return w;
}
static inline int64_t word_i64(char **save)
{
    return strtoll(word(save), NULL, 10);
}
static inline uint64_t word_u64(char **save)
{
    return strtoull(word(save), NULL, 10);
}

#endif
