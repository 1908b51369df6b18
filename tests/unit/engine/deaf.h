// SPDX-License-Identifier: Apache-2.0
// Hooks of an engine under test whose calls the test does not look at.
#ifndef TRIPLINE_TEST_ENGINE_DEAF_H
#define TRIPLINE_TEST_ENGINE_DEAF_H

#include "engine/engine.h"

static inline void deaf_commands(void *ctx, const struct beat *b, size_t n)
{
    (void)ctx, (void)b, (void)n;
}
static inline void deaf_event(void *ctx, const struct beat *b)
{
    (void)ctx, (void)b;
}
static inline void deaf_near(void *ctx, size_t account, bool on)
{
    (void)ctx, (void)account, (void)on;
}

#endif
