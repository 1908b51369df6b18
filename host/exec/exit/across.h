// SPDX-License-Identifier: Apache-2.0
// Two books as one way out: a token is sold into the bids of its book, and another is bought for what that
// brings out of the asks of its own. Both fall in price, so level meets level and the outcome is a book
// again (depth.h), best first: of each pair of levels as much as the smaller holds, at the quotient of the
// prices. Where one of the two tokens is what books are quoted in, it has a price in place of a book. Exact
// integers, rounded against us: the quotient down, what is left of an ask and is less than a lot not at all.
// Levels beyond DEPTH_LEVELS_MAX bring nothing. Pure function over caller's memory; no allocation; some
// microseconds; any thread.
#ifndef TRIPLINE_EXEC_EXIT_ACROSS_H
#define TRIPLINE_EXEC_EXIT_ACROSS_H

#include "exec/exit/depth.h"
#include "exec/exit/slip.h"

struct across_leg {
    const struct slip_side *side; // NULL: any amount at `price`
    int64_t price;                // quanta, > 0; not looked at with a side
    uint8_t price_decimals;       // 0..18
    uint8_t token_decimals;       // 0..18: the token's unit is 10^-token_decimals
};
// fee_ppm (< 1000000): a taker's, of each book. False: nothing that fits depth.h's figures, *d is not to be
// used; prices so far apart that their quotient would be off by 2^-19 or more are such. At least one leg has
// a side. The version of d goes up by one.
bool across_fill(struct depth *d, const struct across_leg *sold, const struct across_leg *bought,
                 uint32_t fee_ppm);

#endif
