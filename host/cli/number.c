// SPDX-License-Identifier: Apache-2.0
#include "cli/number.h"

#include <errno.h>
#include <stdlib.h>

int number_parse(const char *text, uint64_t lo, uint64_t hi, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || v < lo || v > hi)
        return -1;
    *out = v;
    return 0;
}
