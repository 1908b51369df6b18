// SPDX-License-Identifier: Apache-2.0
// dYdX v4: risk of a subaccount, its liquidation order, the insurance fund's part and deleveraging, with the
// chain's own rounding (docs/protocols/dydx-v4.md has the formulas and their source).
//
// Units: base quantums (signed, long > 0), quote quantums (1e-6 USDC), ppm, subticks. The chain's integers
// have no bound; here a figure beyond DYDX_*_BITS is refused ("out of range"), and within these bounds no
// step leaves 256 bits. Every function that can fail returns NULL when it did not, else static text: the
// chain's name of its error, "panic: ..." where the chain panics, or DYDX_RANGE. Pure functions over the
// caller's memory; any thread.
#ifndef TRIPLINE_PROTOCOLS_DYDX_V4_H
#define TRIPLINE_PROTOCOLS_DYDX_V4_H

#include "base/wide.h"

enum {
    DYDX_PERPETUALS_MAX = 32,
    DYDX_POSITIONS_MAX = 32,
    DYDX_BASE_BITS = 72,     // |base quantums| below 2^72
    DYDX_NOTIONAL_BITS = 76, // |notional of a position| in quote quantums
    DYDX_QUOTE_BITS = 80,    // |quote balances|, settled too
    DYDX_INDEX_BITS = 100,   // |funding index|
    DYDX_EXPONENT_MAX = 30,  // price exponent + atomic resolution - (-6), at most
    DYDX_EXPONENT_MIN = -60,
    DYDX_CONVERSION_MAX = 12, // |quantum conversion exponent|
    DYDX_PPM = 1000000,
};
#define DYDX_RANGE "out of range"

struct dydx_perpetual {
    uint64_t id;
    uint64_t price;              // of the oracle, > 0
    int exponent;                // notional = base * price * 10^exponent
    uint32_t initial_ppm;        // <= DYDX_PPM, as the next
    uint32_t maintenance_ppm;    // of the initial margin
    uint64_t oi_lower, oi_upper; // quote quantums; upper 0: the open interest scales nothing
    i256 open_interest;          // base quantums
    i256 funding_index;
    uint64_t step;              // base quantums, > 0
    uint32_t subticks_per_tick; // > 0
    int conversion;             // quote = base * subticks * 10^conversion
    bool final_settlement;
};

struct dydx_position {
    unsigned perpetual; // index into the perpetuals
    i256 quantums, quote_balance, funding_index;
    uint32_t custom_imf_ppm; // the user's own leverage; 0: none
    bool liquidated;         // in this block already
};

struct dydx_subaccount {
    i256 usdc;
    unsigned n;
    struct dydx_position at[DYDX_POSITIONS_MAX];
    i256 notional_liquidated, insurance_lost; // in this block
};

struct dydx_config { // as LiquidationsConfig.Validate() lets through
    uint32_t bankruptcy_adjustment_ppm, spread_ppm, max_fee_ppm, max_portion_ppm;
    uint64_t min_position_notional, max_notional, max_insurance_lost;
};

struct dydx_risk {
    i256 nc, imr, mmr; // net collateral, initial and maintenance margin requirement
};

struct dydx_order {
    i256 delta;    // base quantums to add to the position
    i256 num, den; // fillable price in quote quantums a base quantum, reduced, >= 0
    uint64_t subticks;
    i256 bankruptcy; // quote quantums received at which closing `delta` leaves the fund untouched
    i256 limit;      // notional that may be liquidated now
};

struct dydx_fill {
    i256 quote;      // received by the subaccount, before the fund
    i256 bankruptcy; // of this quantity
    i256 fund;       // > 0: the subaccount pays it to the fund, < 0: the fund pays
};

// Without a range: the caller bounds them. quantums * price * 10^max(exponent, 0) fits; notional >= 0.
i256 dydx_quote(const struct dydx_perpetual *p, i256 quantums); // signed, rounded towards zero
i256 dydx_maintenance(const struct dydx_perpetual *p, i256 notional);
// Notional, signed, rounded towards zero.
const char *dydx_notional(const struct dydx_perpetual *p, i256 quantums, i256 *out);
const char *dydx_position_risk(const struct dydx_perpetual *p, i256 quantums, uint32_t custom_imf_ppm,
                               struct dydx_risk *out);
// Funding up to now into usdc; positions carry the present index then.
const char *dydx_settle(const struct dydx_perpetual *perps, struct dydx_subaccount *s);
// Of a settled subaccount.
const char *dydx_risk(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                      struct dydx_risk *out);
bool dydx_liquidatable(const struct dydx_risk *r);
// Whether an update from one risk to the other is let through; the chain's name of the result.
const char *dydx_transition(const struct dydx_risk *from, const struct dydx_risk *to); // NULL: Success

// These take a settled subaccount, its risk and position `i` (dydx_order: s->n when it has none).
const char *dydx_order(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                       const struct dydx_config *c, const struct dydx_risk *r, unsigned i,
                       struct dydx_order *out);
// A match of `amount` base quantums at the maker's price. fund_balance: of the perpetual's insurance fund.
const char *dydx_match(const struct dydx_perpetual *perps, const struct dydx_subaccount *s,
                       const struct dydx_config *c, const struct dydx_risk *r, unsigned i, i256 amount,
                       uint64_t subticks, i256 fund_balance, struct dydx_fill *out);
// One offsetting subaccount against `left` (the rest of the liquidated position's delta, signed): the amount
// in *delta and what the liquidated subaccount receives in *quote. Both are changed, with the perpetual's
// open interest, when NULL is returned; nothing is when it is refused.
const char *dydx_deleverage(struct dydx_perpetual *perps, struct dydx_subaccount *s, unsigned i,
                            struct dydx_subaccount *other, i256 left, bool at_oracle, i256 *delta,
                            i256 *quote);

#endif
