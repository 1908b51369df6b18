// SPDX-License-Identifier: Apache-2.0
// The prices of a falling auction over time, as Maker's contracts compute them, and the way back: the first
// second at which a price is at or below a limit. Source: makerdao/dss src/abaci.sol. Prices are rays (1e27)
// of the coin a unit of collateral, times are whole seconds since the auction began.
// Pure functions over caller's memory; no allocation; any thread.
#ifndef TRIPLINE_ECON_AUCTION_CURVE_H
#define TRIPLINE_ECON_AUCTION_CURVE_H

#include "base/checked.h"

enum { WAD_DIGITS = 18, RAY_DIGITS = 27, RAD_DIGITS = 45 };

enum curve_kind {
    CURVE_LINEAR,      // reaches 0 after tau seconds
    CURVE_STAIRSTEP,   // times cut every step seconds
    CURVE_EXPONENTIAL, // times cut every second
    CURVE_KINDS
};
extern const char *const CURVE_NAMES[CURVE_KINDS];

struct curve {
    enum curve_kind kind;
    uint64_t tau;  // linear, seconds
    uint64_t step; // stairstep, seconds; 0: the contract divides by it and reverts
    u256 cut;      // the other two: what is left, a ray. Above 1e27 no contract takes it
};

// floor(x y / 1e18) and floor(x y / 1e27), floor(x 1e27 / y): the product must fit 256 bits.
u256 auction_wmul(struct checked *c, u256 x, u256 y);
u256 auction_rmul(struct checked *c, u256 x, u256 y);
u256 auction_rdiv(struct checked *c, u256 x, u256 y);
// x to the n-th in units of base, by squaring, each product rounded half up; 0^0 is base.
u256 auction_rpow(struct checked *c, u256 x, u256 n, u256 base);

// The price dur seconds after the start at top.
u256 curve_price(struct checked *c, const struct curve *k, u256 top, uint64_t dur);

// Where the price first is at or below a limit.
struct curve_hit {
    bool found;
    bool first;  // of `at`: proved that no earlier second has such a price. See curve_first
    uint64_t at; // seconds since the start
};
enum { CURVE_SCAN_MAX = 4096 };
// The first second of 0..last at which the price is at or below limit. A linear price never rises, so that is
// a plain search. The power's roundings may put neighbouring seconds out of order by n units of 1e-27 (n: the
// exponent), so the crossing that the search finds is proved: seconds before it are looked at until the power
// is so far above that no rounding can bring an earlier one below. Only where a curve is so flat, or so close
// to 0, that this takes more than CURVE_SCAN_MAX steps, `first` is false: then `at` is at or below the limit,
// and the step before is not.
// Fails where the price at the start would overflow, step is 0 or cut is above 1e27.
struct curve_hit curve_first(struct checked *c, const struct curve *k, u256 top, u256 limit, uint64_t last);

#endif
