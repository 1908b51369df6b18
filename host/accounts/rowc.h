// SPDX-License-Identifier: Apache-2.0
// Row compiler: an exact affine health condition -> the quantised row that a device evaluates.
// Widths, the inequality it keeps and the proofs are in docs/numerics.md: inside the bands Ĥ <= σ·(H - slack)
// (P1), and |Ĥ| < 2^63 for every 34-bit price, in the band or out of it.
// Pure functions over the caller's memory, no allocation, no floating point (row_margin apart); any thread.
#ifndef TRIPLINE_ACCOUNTS_ROWC_H
#define TRIPLINE_ACCOUNTS_ROWC_H

#include "accounts/rules/rule.h"

enum {
    PHAT_BITS = 34, // P̂ unsigned
    COEF_BITS = 27, // â signed, |â| <= 2^26 - 1
    CHAT_BITS = 62, // |Ĉ| < 2^62
    SUM_BITS = 28,  // sum |â| <= 2^28
    // What row_compile accepts; beyond these it returns an error.
    AFFINE_COEF_BITS = 160,  // |a| < 2^160
    AFFINE_CONST_BITS = 230, // |c| and slack < 2^230
};

// How an asset's price is represented on the device, and where its rows are valid.
// P̂ = round(price / 2^shift), half up (shift <= 0: exact). Band and P̂ edges say the same thing twice: for
// every price >= 1, band.lo <= price <= band.hi exactly when phat_lo <= P̂(price) <= phat_hi. So the device,
// which sees P̂ only, and the rules, which see prices only, agree about what is inside.
struct grid {
    int8_t shift;              // -31..32
    struct band band;          // price quanta
    uint64_t phat_lo, phat_hi; // P̂ of the band's edges
};

// Chooses shift so that P̂(ref) is in [2^31, 2^32) and the band ref*(1 -+ half_ppm/1e6), widened to whole
// steps of P̂ and clipped to prices >= 1 and to what 34 bits hold. ref > 0. 0, or -1 when ref cannot be
// represented (ref <= 0).
int grid_centre(int64_t ref, uint32_t half_ppm, struct grid *g);
// Gives g another band at the same shift, e.g. the union of an old band and a new one; widened and clipped in
// the same way. 0, or -1 (g unchanged) when lo > hi, hi < 1 or nothing of it fits 34 bits.
int grid_set_band(struct grid *g, int64_t lo, int64_t hi);
// Likewise by edges in P̂: the band becomes all prices >= 1 whose P̂ is in [lo, hi]. -1 (g unchanged) when
// there is none.
int grid_set_phat(struct grid *g, uint64_t lo, uint64_t hi);
// P̂ of a price; *fits (may be NULL) false when it is negative or needs more than 34 bits (then the result is
// clipped).
uint64_t grid_phat(const struct grid *g, int64_t price, bool *fits);

struct row {
    uint8_t level;
    uint16_t n; // coefficients, none zero
    uint16_t asset[ROW_ASSETS_MAX];
    int32_t coef[ROW_ASSETS_MAX];
    int64_t chat;  // Ĉ
    int16_t scale; // σ = 2^scale per value quantum of the affine form (mostly negative)
};

// Compiles one affine row against grids[asset] (at most MARKET_ASSETS_MAX of them; only those of non-zero
// coefficients are read). 0, or -1 with *e set when it cannot be represented: out of the ranges above, an
// asset twice or without a grid. *out is then undefined.
int row_compile(const struct affine *f, const struct grid *grids, struct row *out, struct err *e);
// Ĥ at the given P̂[asset]; exact modulo 2^64 for all inputs, and exact for P̂ of 34 bits.
int64_t row_eval(const struct row *r, const uint64_t *phat);
// Early-flag margin at prices px (1 <= px), as a fraction of gross exposure |c| + sum |a*p|: (σH - Ĥ) / (σ
// gross), split in quantisation (without slack) and slack. For measurement and tests only.
void row_margin(const struct affine *f, const struct row *r, const struct grid *grids, const int64_t *px,
                double *quantisation, double *slack);

#endif
