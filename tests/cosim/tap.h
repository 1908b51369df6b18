// SPDX-License-Identifier: Apache-2.0
// TAP of the programs that are one file: lines, their number, how many were bad.
#ifndef TRIPLINE_TESTS_COSIM_TAP_H
#define TRIPLINE_TESTS_COSIM_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    int n, failed;
    const uint64_t *seed; // is named with each line; NULL: it is not
} tap;

// Prints one line and counts it; returns good.
__attribute__((format(printf, 2, 3))) static inline bool ok(bool good, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%s %d - ", good ? "ok" : "not ok", ++tap.n);
    vprintf(fmt, ap);
    if (tap.seed)
        printf(", seed %" PRIu64, *tap.seed);
    printf("\n");
    va_end(ap);
    tap.failed += !good;
    fflush(stdout);
    return good;
}

// Ends the program: without a device there is nothing to test.
_Noreturn static inline void bail_out(const char *why)
{
    printf("Bail out! %s\n", why);
    exit(1);
}

// The plan; the program's exit status.
static inline int tap_end(void)
{
    printf("1..%d\n", tap.n);
    return tap.failed != 0;
}

#endif
