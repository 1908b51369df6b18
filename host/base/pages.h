// SPDX-License-Identifier: Apache-2.0
// Memory of the hot path that is met at random: all of it is there from the start, so that no first touch has
// to wait for the kernel, and in large pages where the system has them. Any thread.
#ifndef TRIPLINE_BASE_PAGES_H
#define TRIPLINE_BASE_PAGES_H

#include <stddef.h>

// n elements of `size` bytes (size > 0; n 0 is taken as 1), zero. NULL when out of memory. To be given back
// with free().
void *pages_new(size_t n, size_t size);

#endif
