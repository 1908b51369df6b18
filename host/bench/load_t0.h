// SPDX-License-Identifier: Apache-2.0
// What load_t0() and load_t0_book() have in common: instruments, their prices, and where the watched one's
// price is. Constants only.
#ifndef TRIPLINE_BENCH_LOAD_T0_H
#define TRIPLINE_BENCH_LOAD_T0_H

#include <stdint.h>

#include "bench/load.h"

// Prices in quanta of 10^-T0_PRICE_DECIMALS. T0_WATCHED is the instrument of the messages; the others are
// told once, before them.
enum { T0_WATCHED = 0, T0_INSTRUMENTS = 3, T0_PRICE_DECIMALS = 5 };
struct t0_instrument {
    const char *name, *base;
    uint32_t id;
    int64_t price;
    double tick, contract_size;
};
extern const struct t0_instrument t0_instrument[T0_INSTRUMENTS];

// A watched price is a step of 2^T0_ID_BITS quanta (some 10.5 dollars, 0.016 %) and the id's low bits above
// it: T0_STEP for most messages, some 64,004 dollars, and T0_STEP - T0_FALL, 0.2 % less, for a hit. Account
// T0_ACCOUNT ends between the two, with several steps to either side.
enum { T0_STEP = 6104, T0_FALL = 12, T0_BREACH = T0_STEP - 6 };
static inline int64_t t0_price(int64_t step, uint64_t id)
{
    return (step << T0_ID_BITS) | (int64_t)(id & ((UINT64_C(1) << T0_ID_BITS) - 1));
}

#endif
