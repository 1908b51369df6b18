// SPDX-License-Identifier: Apache-2.0
// An account of one linear perpetual market, as a ledger of whole units. What was paid for a position is
// taken out of cash when it is opened, so a trade only moves cash between two accounts: the sum over a market
// never depends on a price or on a rounding. Units: cash, cost, values: the quote's smallest unit. size: the
// base's smallest unit, > 0 long. A price is quote units for `per` base units. Pure functions, no allocation;
// any thread on its own memory.
#ifndef TRIPLINE_ECON_MARGIN_H
#define TRIPLINE_ECON_MARGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"

#define ECON_MOST ((i128)1 << 61) // no |cash|, |size|, |cost|, price or value may be above it
enum { ECON_PPM = 1000000 };

struct margin {
    i128 cash; // what is realised, the price of the open position already taken out
    i128 size;
    i128 cost; // paid for the open size, < 0 for a short: cost / size is the entry price. For rankings only
};

static inline i128 econ_abs(i128 v)
{
    return v < 0 ? -v : v;
}
static inline i128 econ_min(i128 a, i128 b)
{
    return a < b ? a : b;
}
static inline i128 econ_max(i128 a, i128 b)
{
    return a > b ? a : b;
}
static inline int econ_sign(i128 v)
{
    return (v > 0) - (v < 0);
}
// a * b / c in 256 bits, b >= 0, c > 0; the result must fit i128, which every caller's bounds give.
i128 econ_part_floor(i128 a, i128 b, i128 c);
i128 econ_part_ceil(i128 a, i128 b, i128 c);

// size * price / per towards zero (dYdX: perpetuals lib, net notional). |size|, price <= ECON_MOST, per > 0.
static inline i128 margin_value(i128 size, i128 price, i128 per)
{
    return size * price / per;
}
// |value| * ppm / 1e6 upwards (dYdX: the requirement rounds up).
i128 margin_need(i128 value, uint32_t ppm);
static inline i128 margin_equity(const struct margin *a, i128 price, i128 per)
{
    return a->cash + margin_value(a->size, price, per);
}
// One side of a trade: size changes by d, cash by q. The part that closes takes its share of cost out
// (towards zero), the part that opens adds its share of -q (towards zero).
void margin_trade(struct margin *a, i128 d, i128 q);
// All fields within ECON_MOST and the value at this price too.
bool margin_fits(const struct margin *a, i128 price, i128 per);

#endif
