// SPDX-License-Identifier: Apache-2.0
// An auction that time drives: after a warning and a grace of five minutes, a liquidator receives a share of
// the debt's value that grows by the second, without a price. Aloe II. Source: aloelabs/aloe-ii core/src/
// libraries/BalanceSheet.sol and constants/Constants.sol. Shares are 1e12, close factors are 1e4, prices are
// token 1 per token 0 in units of 2^-128, times are seconds.
// Pure functions, no state; any thread.
#ifndef TRIPLINE_ECON_AUCTION_TIME_H
#define TRIPLINE_ECON_AUCTION_TIME_H

#include "base/checked.h"

enum {
    TIME_GRACE = 300,                         // between the warning and the auction
    TIME_ALL = 7 * 24 * 60 * 60 - TIME_GRACE, // then everything is given
    TIME_CLOSE = 10000,                       // a close factor of all
    TIME_ENDS_ABOVE = 6837,                   // one above ends the auction if the account is healthy then
};

struct time_amounts {
    u256 out0, out1;     // to the liquidator
    u256 repay0, repay1; // from it
};

// The share of the debt's value that is given t seconds into the auction, t < TIME_ALL: 0 at 0, 1e12 at 169.
u256 time_curve(struct checked *c, uint64_t t);
// Seconds into the auction; fails with "Aloe: grace" before it begins.
uint64_t time_elapsed(struct checked *c, uint64_t warned, uint64_t now);
// What a liquidation of close/10000 of the debt gives and takes t seconds into the auction. price: at the
// time-weighted mean. Fails for a close factor of 0 or above 10000 ("Aloe: close"), and where 256 bits are
// not enough: the contract multiplies unchecked there, at amounts no token has.
struct time_amounts time_amounts(struct checked *c, u256 price_x128, u256 assets0, u256 assets1, u256 debt0,
                                 u256 debt1, uint64_t t, uint32_t close);
// The way back: the first second of the auction at which the share is at least `share`. It never falls, so
// this is a search; TIME_ALL where no second before gives as much.
uint64_t time_first(u256 share);

#endif
