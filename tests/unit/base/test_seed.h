// SPDX-License-Identifier: Apache-2.0
// Seed of a randomised test: env SEED, or the default given; printed, so that a failure can be repeated.
// Include as "base/test_seed.h" (tests/unit is on the include path).
#ifndef TRIPLINE_TEST_SEED_H
#define TRIPLINE_TEST_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline uint64_t test_seed(uint64_t fallback)
{
    const char *s = getenv("SEED");
    uint64_t seed = s && *s ? strtoull(s, NULL, 0) : fallback;
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
