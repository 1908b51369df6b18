// SPDX-License-Identifier: Apache-2.0
// The one place where a venue's floating-point price becomes an exact integer.
#ifndef TRIPLINE_FEED_PRICE_H
#define TRIPLINE_FEED_PRICE_H

#include <stdint.h>

// Nearest integer to v * 10^decimals, ties to even, exactly (no intermediate rounding). decimals 0..18.
// 0 with *out set, or -1 when v is NaN, infinite, not positive, rounds to 0, or does not fit int64.
int price_from_double(double v, unsigned decimals, int64_t *out);

#endif
