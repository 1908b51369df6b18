// SPDX-License-Identifier: Apache-2.0
// Prices and ticks in exact integers: tick t stands for the price 1.0001^t. The integers are those of Uniswap
// v3 (TickMath), so a time-weighted mean of ticks here is bit for bit the one a pool would give; tick_price()
// is OracleLibrary's quote of one quantum. Square-root ratios are sqrt(price) * 2^96, at most 160 bits.
// Nothing here is floating point. Pure functions; any thread.
//
// A price of the project is an int64 >= 1 in quanta, taken as a ratio to one quantum: its tick is 0..436704.
// Division: tick_sqrt_ratio() of a positive tick makes one (256 by 128 bits); tick_at_price() makes one only
// when the price lies within 1/30 of a tick of a tick's edge.
#ifndef TRIPLINE_ORACLE_TICK_H
#define TRIPLINE_ORACLE_TICK_H

#include "base/wide.h"

enum { TICK_MIN = -887272, TICK_MAX = 887272 };

// sqrt(1.0001^tick) * 2^96, rounded as TickMath.getSqrtRatioAtTick rounds. 0, or -1 when the tick is out of
// range.
int tick_sqrt_ratio(int tick, i256 *out);
// Greatest tick whose square-root ratio is at most s (TickMath.getTickAtSqrtRatio). 0, or -1 when s is below
// that of TICK_MIN, or not below that of TICK_MAX.
int tick_at_sqrt_ratio(i256 s, int *out);
// Greatest tick t with tick_sqrt_ratio(t)^2 <= price * 2^192; the same as tick_at_sqrt_ratio() of the square
// root, without taking it. price >= 1.
int tick_at_price(int64_t price);
// floor(tick_sqrt_ratio(tick)^2 / 2^192): 1.0001^tick in quanta, 0 for a negative tick, INT64_MAX when it
// does not fit.
int64_t tick_price(int tick);

#endif
