// SPDX-License-Identifier: Apache-2.0
// Who is deleveraged first. With N the value of a position at mark, C its entry value (both signed), E the
// account's equity (what is left to its bankruptcy):
//   BitMEX       PnL% = (N - C) / |C|, leverage = |N| / E; PnL% * leverage if PnL% > 0, else PnL% / leverage
//   Hyperliquid  (mark / entry) * (notional / account value) = N / C * |N| / E, the documented text. It does
//                not say how shorts are meant: read as it stands, a short in profit comes last among shorts
//   ..._SIDED    the same with entry / mark for shorts, so that profit ranks first on both sides
//   dYdX         no rank: in turn from a start that the protocol draws from a seeded generator
// Scores are compared by cross-multiplication in 256 bits, never divided. |C| and |N| of 0 count as 1 unit.
// Accounts with E <= 0 are bankrupt themselves and never ranked. Equal scores: lower number first.
// Sources: BitMEX and Hyperliquid documentation on auto-deleveraging; dYdX x/clob/keeper/deleveraging.go.
// Pure; any thread.
#ifndef TRIPLINE_ECON_ADL_H
#define TRIPLINE_ECON_ADL_H

#include <stddef.h>

#include "econ/margin.h"

enum adl_rank { ADL_BITMEX, ADL_HYPERLIQUID, ADL_HYPERLIQUID_SIDED, ADL_DYDX };

struct adl_entry {
    i256 num, den; // the score, den > 0; not set for ADL_DYDX
    uint32_t account;
};

// Writes those accounts whose size has `side`'s sign in the order in which they are deleveraged; `out` has
// room for n. `start` (only for ADL_DYDX) is the place among that side's accounts to begin with, taken modulo
// their number; ADL_DYDX leaves no one out for its equity. Fields within ECON_MOST. Returns how many.
size_t adl_order(const struct margin *a, size_t n, i128 price, i128 per, int side, enum adl_rank rank,
                 size_t start, struct adl_entry *out);

#endif
