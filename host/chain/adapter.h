// SPDX-License-Identifier: Apache-2.0
// What the price adapters of Aave markets compute, in the contracts' own integers (signed 256 bits). A price
// or ratio that is not positive makes them answer 0, which the oracle takes for "no answer"; a calculation
// that overflows reverts. Pure functions, no allocation, any thread.
#ifndef TRIPLINE_CHAIN_ADAPTER_H
#define TRIPLINE_CHAIN_ADAPTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"

enum { ADAPTER_DECIMALS_MAX = 36 }; // beyond: no adapter that we know

// An answer of latestAnswer(). reverts: the contract gives none, value is 0.
struct answer {
    i256 value;
    bool reverts;
};

// Ratio of a growing token to its base, capped (CAPO): the cap grows linearly from a snapshot.
struct ratio_cap {
    i256 snapshot;     // ratio at the snapshot, >= 0
    uint64_t since;    // s, the snapshot's time
    i256 growth;       // a second, times `scale`, >= 0
    uint64_t scale;    // 1: adapters of the first generation, 1,000,000: later ones
    uint32_t decimals; // of the ratio
};
// base * min(ratio, cap) / 10^decimals
struct answer adapter_capped_ratio(const struct ratio_cap *c, i256 base, i256 ratio, uint64_t time);
// min(price, cap)
struct answer adapter_capped_stable(i256 price, i256 cap);
// asset * peg * 10^decimals / 10^(those of both feeds)
struct answer adapter_product(i256 asset, i256 peg, uint32_t decimals, uint32_t feed_decimals);

#endif
