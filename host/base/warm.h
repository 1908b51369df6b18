// SPDX-License-Identifier: Apache-2.0
// Asks the processor to have memory in its first cache soon: for what the next frame will need, while there
// is none. Decides nothing and reads nothing; costs three instructions a line. Any thread.
#ifndef TRIPLINE_BASE_WARM_H
#define TRIPLINE_BASE_WARM_H

#include <stddef.h>
#include <stdint.h>

enum { WARM_LINE = 64 };

// Every line of [at, at + n).
static inline void warm(const void *at, size_t n)
{
    uintptr_t first = (uintptr_t)at & ~(uintptr_t)(WARM_LINE - 1), end = (uintptr_t)at + n;
    for (uintptr_t line = first; line < end; line += WARM_LINE)
        __builtin_prefetch((const void *)line);
}

#endif
