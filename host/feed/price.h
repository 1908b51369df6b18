// SPDX-License-Identifier: Apache-2.0
// The one place where a price as a venue writes it, a double or a decimal mantissa, becomes an exact integer.
// Pure functions; any thread.
#ifndef TRIPLINE_FEED_PRICE_H
#define TRIPLINE_FEED_PRICE_H

#include <stdint.h>

#include "feed/feed.h"

// Nearest integer to v * 10^decimals, ties to even, exactly (no intermediate rounding). decimals 0..18.
// 0 with *out set, or -1 when v is NaN, infinite, not positive, rounds to 0, or does not fit int64.
int price_from_double(double v, unsigned decimals, int64_t *out);

// The same for mantissa * 10^exp10 (exp10 -18..18), ties to even.
int price_from_decimal(int64_t mantissa, int exp10, unsigned decimals, int64_t *out);
// Either, by its form; -1 for NUM_NONE.
int price_from_num(const struct feed_num *n, unsigned decimals, int64_t *out);

#endif
