// SPDX-License-Identifier: Apache-2.0
#include "base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *pages_new(size_t n, size_t size)
{
    enum { PAGE = 1 << 12, HUGE = 1 << 21 };
    size_t bytes;
    if (__builtin_mul_overflow(n ? n : 1, size, &bytes) || bytes > SIZE_MAX - HUGE)
        return NULL;
    size_t unit = bytes >= HUGE ? HUGE : PAGE;
    bytes = (bytes + unit - 1) / unit * unit;
    void *p = aligned_alloc(unit, bytes);
    if (!p)
        return NULL;
    if (unit == HUGE)
        (void)madvise(p, bytes, MADV_HUGEPAGE); // a wish
    return memset(p, 0, bytes);                 // what a page that nobody has written does not do
}
