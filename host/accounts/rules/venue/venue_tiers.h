// SPDX-License-Identifier: Apache-2.0
// Margin of linear perpetuals with tiers, exactly, for venues whose rules are documented but not published as
// code (Hyperliquid, Binance USD-M): maintenance as the greatest of affine pieces, and the prices at which an
// account stays above it.
//
// Units. Sizes, prices and money are integers of 1e-8, products of two of them of 1e-16. A rate is a fraction
// rate / scale, `scale` the caller's (one for the whole account), so maintenance is an integer of
// 1e-16 / scale and nothing is rounded. Bounds: |size| and prices below 2^63, |money| below 2^63, scale below
// 2^33, at most 64 positions: then every figure stays below 2^180. Pure functions; any thread.
#ifndef TRIPLINE_PROTOCOLS_VENUE_TIERS_H
#define TRIPLINE_PROTOCOLS_VENUE_TIERS_H

#include "base/wide.h"

enum { VENUE_TIERS_MAX = 16, VENUE_SIZE_BITS = 63, VENUE_MONEY = 100000000, VENUE_PRICE_TEXT = 120 };

struct venue_tiers {
    unsigned n; // >= 1; rates rise, the pieces meet at the edges: maintenance is continuous and convex
    struct {
        i256 rate; // of `scale`
        i256 cut;  // deduction, 1e-16 / scale
    } tier[VENUE_TIERS_MAX];
};

struct venue_position {
    i256 size;  // signed
    i256 entry; // >= 0
    i256 mark;  // > 0
    struct venue_tiers tiers;
};

// max over the tiers of notional * rate - cut, in 1e-16 / scale; *tier (may be NULL) the last that gives it:
// the one a notional belongs to, an edge to the upper. notional >= 0 in 1e-16.
i256 venue_maintenance(const struct venue_tiers *t, i256 notional, unsigned *tier);
i256 venue_notional(const struct venue_position *p);   // |size| * mark, 1e-16
i256 venue_unrealised(const struct venue_position *p); // size * (mark - entry), 1e-16

// The prices >= 0 at which health is not negative: an interval, since health is concave in a price. Bounds
// are fractions num / den in 1e-8, den > 0, reduced.
struct venue_range {
    bool empty, has_low, has_high; // without has_low: down to 0
    i256 low_num, low_den, high_num, high_den;
};
void venue_range_all(struct venue_range *r);
// Keeps the prices p (1e-8) with c + a * p >= 0; c in 1e-16 / scale, a in 1e-8 / scale.
void venue_range_cut(struct venue_range *r, i256 c, i256 a);
int venue_fraction_cmp(i256 an, i256 ad, i256 bn, i256 bd); // an/ad against bn/bd; ad, bd > 0
void venue_reduce(i256 *num, i256 *den);                    // den > 0
// "num/den".
void venue_fraction_text(char out[VENUE_PRICE_TEXT], i256 num, i256 den);

#endif
