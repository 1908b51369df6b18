// SPDX-License-Identifier: Apache-2.0
#include "cli/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"

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

int geometry_parse(const char *text, struct device_config *out)
{
    char rest;
    int n =
        sscanf(text, "%" SCNu32 "x%" SCNu32 "x%" SCNu32 "%c", &out->lanes, &out->slots, &out->assets, &rest);
    return n == 3 && out->lanes && out->slots && out->assets ? 0 : -1;
}
