// SPDX-License-Identifier: Apache-2.0
// The reciprocal of a price as an asset of its own (ASSET_RECIPROCAL): inverse contracts are affine in 1/P.
// Used by the oracle, which publishes the column, and by the inverse rule, which counts its rounding as
// slack. Pure function; any thread.
#ifndef TRIPLINE_ACCOUNTS_RECIPROCAL_H
#define TRIPLINE_ACCOUNTS_RECIPROCAL_H

#include <stdint.h>

// R = 10^(dec_r + dec_p) / price, rounded to nearest, ties up: the number of quanta 10^-dec_r in 1 / (price *
// 10^-dec_p). |R - exact| <= 1/2 quantum. Returns 0 when there is no such price: price <= 0, decimals > 18, R
// rounds to 0, or R exceeds INT64_MAX; the caller treats 0 as "no price".
int64_t reciprocal_price(int64_t price, unsigned dec_p, unsigned dec_r);

#endif
