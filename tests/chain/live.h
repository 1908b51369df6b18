// SPDX-License-Identifier: Apache-2.0
// Lines of standard input, which does not block, for the programs that are driven line by line.
#ifndef TRIPLINE_TESTS_CHAIN_LIVE_H
#define TRIPLINE_TESTS_CHAIN_LIVE_H

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

// Every whole line that there is to line(). False: the end of the input, or "quit".
static inline bool read_lines(void (*line)(char *text))
{
    static char buf[1 << 16];
    static size_t n;
    ssize_t got = read(STDIN_FILENO, buf + n, sizeof buf - n - 1);
    if (got == 0)
        return false;
    n += got > 0 ? (size_t)got : 0;
    for (char *end; (end = memchr(buf, '\n', n));) {
        *end = 0;
        if (!strcmp(buf, "quit"))
            return false;
        line(buf);
        n -= (size_t)(end + 1 - buf);
        memmove(buf, end + 1, n);
    }
    return true;
}

#endif
