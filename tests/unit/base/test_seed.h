// SPDX-License-Identifier: Apache-2.0
// Seed of a randomised test: env SEED, or the default given; printed, so that a failure can be repeated.
// Include as "base/test_seed.h" (tests/unit is on the include path).
#ifndef TRIPLINE_TEST_SEED_H
#define TRIPLINE_TEST_SEED_H

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// What is no number of 64 bits ends the program: whatever it were taken for would not repeat what was asked
// for.
static inline uint64_t seed_or(uint64_t fallback)
{
    const char *s = getenv("SEED");
    char *end;
    if (!s || !*s)
        return fallback;
    errno = 0;
    uint64_t seed = strtoull(s, &end, 0);
    if (!isdigit((unsigned char)*s) || *end || errno) {
        fprintf(stderr, "SEED=%s: a whole number from 0 to 2^64 - 1 is wanted\n", s);
        exit(2);
    }
    return seed;
}

static inline uint64_t test_seed(uint64_t fallback)
{
    uint64_t seed = seed_or(fallback);
    printf("# SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

// Every n-th case of a long sweep under a sanitizer, every one without; as test_rounds.
static inline unsigned test_stride(unsigned n)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return n;
#else
    (void)n;
    return 1;
#endif
}

// Rounds of a long random test: an eighth under a sanitizer, which looks for memory and threads; what is
// reckoned is judged by the plain build.
static inline unsigned test_rounds(unsigned n)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return (n + 7) / 8;
#else
    return n;
#endif
}

#endif
