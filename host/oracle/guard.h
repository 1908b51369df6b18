// SPDX-License-Identifier: Apache-2.0
// Tests of one price against limits, a reference, the past. Each is the rule of a protocol or venue, in exact
// integers: prices are int64 quanta > 0, shares are parts per million (1 bp = 100 ppm), a test asks by
// products and never divides. Where a rule also says what to put in a price's place, *_clamp does. Pure
// functions but for struct stable_price, which its owner keeps; any thread.
//
//   guard_off        Chainlink's deviation threshold, the venues' mark bands: |p - ref| > ppm of ref
//   guard_jump       Liquity's round-to-round change (50 %): (max - min) > ppm of the greater
//   guard_apart      Liquity's similarity of two oracles (5 %), to be met before it returns to the
//                    first: (max - min) > ppm of the smaller
//   guard_volatile   Drift's TooVolatile: floor(max / max(min, 1)) > ratio
//   guard_uncertain  Drift's TooUncertain: floor(confidence / price), in ppm, > limit
//   guard_cap        Aave's CAPO: price <= snapshot + growth per second * seconds since
//   struct stable_price   Mango v4's stable price: follows the oracle at a limited rate
#ifndef TRIPLINE_ORACLE_GUARD_H
#define TRIPLINE_ORACLE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wide.h"

bool guard_off(int64_t price, int64_t ref, uint64_t ppm); // ppm < 2^60
bool guard_jump(int64_t a, int64_t b, uint32_t ppm);
bool guard_apart(int64_t a, int64_t b, uint32_t ppm);
bool guard_volatile(int64_t price, int64_t twap, uint32_t ratio);
bool guard_uncertain(int64_t price, int64_t conf, uint32_t ppm); // conf >= 0
// price moved to the nearest edge of ref (1 - ppm) .. ref (1 + ppm), the edges rounded towards ref;
// within 1..INT64_MAX.
int64_t guard_off_clamp(int64_t price, int64_t ref, uint64_t ppm);

// The middle of a book, floor((bid + ask) / 2). 0 when the book is crossed (bid > ask: one of the two is old,
// and nobody knows which), when a side is empty (0), or when the spread exceeds max_spread_ppm of the bid (0:
// any).
int64_t book_mid(int64_t bid, int64_t ask, uint32_t max_spread_ppm);

// CAPO: the growth per second is floored once, when the parameters are set, as the contract does:
// floor(floor(snapshot * yearly / 10^4) / 365 days), yearly in basis points.
struct price_cap {
    int64_t snapshot;   // > 0
    uint64_t at_s;      // time of the snapshot, s since the epoch
    int64_t per_second; // from price_cap_growth()
};
int64_t price_cap_growth(int64_t snapshot, uint32_t yearly_bps);
// The cap at now_s, at most INT64_MAX; 0 before the snapshot (the contract would revert).
int64_t price_cap_at(const struct price_cap *c, uint64_t now_s);

// Mango's model with its doubles replaced by quanta rounded down (limits of growth, averages). 24 delay
// prices, each the mean of one interval (1 h), limited against the one before; the stable price follows the
// oracle by at most stable_ppm per second, less the further it is from the oldest delay price (the square of
// their ratio).
enum { STABLE_DELAYS = 24, STABLE_MIN_S = 10, STABLE_MAX_S = 600 };
struct stable_price {
    int64_t price; // 0 before the first
    uint64_t last_s;
    int64_t delay[STABLE_DELAYS];
    i128 sum;       // price * seconds in this interval
    uint64_t sum_s; // seconds in this interval
    uint32_t interval_s, delay_ppm, stable_ppm;
    uint8_t index; // interval of the last update
};
// Mango's defaults: 3600 s, 6 % per interval, 0.03 % per second.
void stable_init(struct stable_price *s);
// Takes the oracle's price (>= 0) at now_s. Within STABLE_MIN_S of the last update nothing happens; the first
// price > 0 is taken as it is.
void stable_update(struct stable_price *s, uint64_t now_s, int64_t price);

#endif
