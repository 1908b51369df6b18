// SPDX-License-Identifier: Apache-2.0
// Powers of ten by table: health() needs several a position and runs on the hot path. Internal to the rules.
#ifndef TRIPLINE_ACCOUNTS_RULES_UNITS_H
#define TRIPLINE_ACCOUNTS_RULES_UNITS_H

#include "base/wide.h"

static inline i256 unit10(unsigned n) // 10^n, n <= 76
{
    static const int64_t POW10[19] = {1,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000,
                                      10000000000000000,
                                      100000000000000000,
                                      1000000000000000000};
    if (n <= 18)
        return i256_from_i64(POW10[n]);
    if (n <= 36)
        return i256_from_i128((i128)POW10[18] * POW10[n - 18]);
    return i256_pow10(n);
}

#endif
