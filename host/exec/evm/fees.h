// SPDX-License-Identifier: Apache-2.0
// Fees in wei a unit of gas. A pool takes a replacement only when both fees are higher by a percentage (10 in
// geth and its relatives); it compares products, so rounding goes up. Pure functions, any thread.
#ifndef TRIPLINE_EXEC_EVM_FEES_H
#define TRIPLINE_EXEC_EVM_FEES_H

#include <stdbool.h>

#include "base/wide.h"

enum { FEE_BUMP_PERCENT = 10 };
#define FEE_MAX ((u128)1 << 100) // far above all the ether there is; keeps products within 128 bits

// The least fee by which one of `v` (at most FEE_MAX) may be replaced; at least one more.
static inline u128 fee_bumped(u128 v, unsigned percent)
{
    u128 more = v * percent, up = v + more / 100 + (more % 100 != 0);
    return up > v ? up : v + 1;
}

// Most in all: the base fee grows by an eighth a block at most, so this one holds for five full blocks.
static inline u128 fee_for(u128 base, u128 tip)
{
    return 2 * base + tip;
}

// Would a transaction made at base fee `made` still be taken after `blocks` full blocks from `now` on?
static inline bool fee_has_room(u128 made, u128 now, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++)
        now += now / 8 + (now % 8 != 0);
    return now <= 2 * made;
}

#endif
