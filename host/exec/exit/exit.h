// SPDX-License-Identifier: Apache-2.0
// What a quantity of collateral brings when it is sold now: one interface for every way out of a token.
// Amounts are token units below 2^112. The real proceeds F(q) behind a venue are concave and do not fall
// with q, F(0) = 0; what the integers give is at most F(q) and above F(q) - slop. What a venue cannot take
// brings nothing, so every quantity has an answer. Pure functions over caller's memory; no allocation; any
// thread while nobody changes the venue.
#ifndef TRIPLINE_EXEC_EXIT_EXIT_H
#define TRIPLINE_EXEC_EXIT_EXIT_H

#include "base/wide.h"

enum { EXIT_AMOUNT_BITS = 112 };
#define EXIT_AMOUNT_MAX (((u128)1 << EXIT_AMOUNT_BITS) - 1)

// A price: units out for units in, as a fraction. Both > 0.
struct exit_rate {
    uint64_t out, in;
};

struct exit_venue {
    // Exact proceeds of selling q.
    u128 (*out)(const struct exit_venue *v, u128 q);
    // The greatest quantity up to which a further unit sold brings at least `rate`: where proceeds less
    // rate * q are greatest. 0 when not even the first does. Exact for
    // one pool and for a book; of several pools as near as their virtual reserves are (cpmm.h).
    u128 (*upto)(const struct exit_venue *v, struct exit_rate rate);
    // A rate that no unit sold from the first on passes (but for 2^-50 of it), {0, 1} where nothing sells;
    // NULL: not known.
    struct exit_rate (*best)(const struct exit_venue *v);
    uint32_t gas;     // units of gas that the sale adds to a transaction
    uint32_t version; // changes with every change of what it stands on
    u128 slop;        // see above; > 0
};

// Debt and collateral are the same token: nothing to sell.
extern const struct exit_venue exit_same;

// The fraction out / in in 64 bits each: exact where both are below 2^64, otherwise the bits below those of
// the larger are cut off. Both > 0; a side that vanishes is taken as 1.
struct exit_rate exit_rate_of(u128 out, u128 in);
// out / in with 60 significant bits and more, rounded, however far apart the two are: one side is a power of
// two. Both > 0, below 2^254; beyond 2^-63..2^63 the nearest that there is.
struct exit_rate exit_rate_near(i256 out, i256 in);
// a / b, as exit_rate_near rounds.
struct exit_rate exit_rate_div(struct exit_rate a, struct exit_rate b);
// floor(a * rate.in / rate.out), 2^255 - 1 when that is more; a >= 0.
i256 exit_div_rate(i256 a, struct exit_rate rate);
// floor(sqrt(a)), a >= 0.
u128 exit_root(i256 a);

#endif
