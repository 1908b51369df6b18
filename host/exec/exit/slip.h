// SPDX-License-Identifier: Apache-2.0
// What it costs to trade the position that a liquidation of a perpetual hands over: a long is sold into the
// bids of its instrument's book, a short is bought back from the asks, and the mark is what the venue settles
// at. Pure functions over caller's memory; exact integers, rounded against us; no allocation; any thread.
#ifndef TRIPLINE_EXEC_EXIT_SLIP_H
#define TRIPLINE_EXEC_EXIT_SLIP_H

#include "accounts/account.h"

enum { SLIP_LEVELS_MAX = 64, SLIP_AMOUNT_DECIMALS = 8, SLIP_GONE_DECIMALS = 18 };

// One side of a book, best first: bids fall, asks rise.
struct slip_level {
    int64_t price;  // quanta of the instrument's asset, > 0
    int64_t amount; // 10^-SLIP_AMOUNT_DECIMALS of coins or, for inverse contracts, of the quote, > 0
};
struct slip_side {
    uint32_t version; // changes with every change of a level
    uint16_t n;
    struct slip_level level[SLIP_LEVELS_MAX];
};

// The cost against the mark (quanta, > 0) of trading qty > 0 (size quanta of `in`) into that side, taker's
// fee (ppm of the notional) included, 1e-8 units of account, rounded up, at least 0. False: the levels do not
// hold so much. `gone` (10^-18 coins or quote, >= 0) of the side, the best of it, is taken before and not
// there. A linear contract loses qty (mark - price) where it is sold; an inverse one, sized in quote
// and settled in coin, qty (1 / price - 1 / mark) coins, at the mark qty (mark / price - 1).
bool slip_cost(const struct slip_side *s, const struct market *m, const struct instrument *in, int64_t mark,
               i128 qty, i256 gone, bool sell, uint32_t fee_ppm, i256 *e8);
// A level's amount in coins for one in the quote, or the other way round, at its price of so many decimals;
// rounded down, saturating: 0 where it is less than one.
int64_t slip_other_unit(const struct slip_level *l, unsigned decimals, bool coins);
// The notional of qty at the mark, 1e-8 units of account, rounded up.
i256 slip_value(const struct market *m, const struct instrument *in, int64_t mark, i128 qty);

#endif
