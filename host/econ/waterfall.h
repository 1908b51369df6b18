// SPDX-License-Identifier: Apache-2.0
// The loss waterfall of one linear perpetual market: a bankrupt account's position goes to the market, the
// insurance fund, auto-deleveraging and the other accounts, each step switchable (docs/econ/losses.md).
// What is conserved, to the unit, by every function here:
//     sum of cash + fund.balance - deficit        and        sum of sizes
// No allocation except qsort's; one thread for each market. Reference model for planning and for tests, not
// on the hot path.
#ifndef TRIPLINE_ECON_WATERFALL_H
#define TRIPLINE_ECON_WATERFALL_H

#include "econ/adl.h"
#include "econ/fund.h"

struct perp_market {
    struct margin *account; // n of them, the caller's
    size_t n;
    struct adl_entry *scratch; // room for n
    i128 *share;               // room for 2 n
    i128 price, per;           // mark; see margin.h
    i128 prior;                // the mark before this one, for ADL_AT_PRIOR
    uint32_t maintenance_ppm;
    struct fund fund;
    i128 deficit; // >= 0: losses booked, owed by nobody yet
};

enum waterfall_step {
    TO_MARKET = 1,
    TO_FUND = 2,
    TO_ADL = 4,
    TO_SOCIAL = 8,
    TO_DEFICIT = 16, // what is left is booked; without it the account keeps its negative cash
};
enum adl_price { ADL_AT_BANKRUPTCY, ADL_AT_PRIOR };
enum social_way { SOCIAL_RATE, SOCIAL_EXACT };

struct waterfall {
    const char *name;
    unsigned steps;
    // true: the fund settles every fill against the bankruptcy price (dYdX), and a fill that it cannot pay
    // for is not made. false: the position is sold first, the fund pays for what is missing afterwards.
    bool each_fill;
    uint32_t fee_ppm; // with each_fill: what a fill above the bankruptcy price gives the fund at most
    enum adl_rank rank;
    enum adl_price at;
    bool adl_solvent;              // deleverage what the market left of a solvent account too
    bool solvent_only;             // dYdX: no counterparty that the fill would leave below 0
    uint32_t adl_looked, adl_most; // counterparties looked at, and matched, in one run; 0: no limit
    enum social_way social;
};
extern const struct waterfall waterfall_dydx, waterfall_drift, waterfall_mango, waterfall_bitmex,
    waterfall_hyperliquid;

struct offer { // of the order book, best first
    uint32_t account;
    i128 size;  // base units, > 0
    i128 price; // as market.price
};

struct loss {
    i128 sold, deleveraged, left; // base units, >= 0: in the market, by ADL, still open
    uint32_t adl_fills;           // counterparties deleveraged
    i128 fees;                    // into the fund, from fills above the bankruptcy price
    i128 from_fund;               // out of it
    i128 from_others;             // out of other accounts, by socialising
    i128 over;                    // of that into the fund: a rate rounds up
    i128 booked;                  // added to the deficit
};

// Takes account `who` through the steps; `start` is for ADL_DYDX. Whether it may be liquidated is the
// caller's question.
// 0, or -1 without any change: an amount is above ECON_MOST, an account number is none, an offer is empty, or
// the offers' values sum to more than ECON_MOST.
int waterfall_run(struct perp_market *m, const struct waterfall *w, uint32_t who, const struct offer *offer,
                  size_t offers, size_t start, struct loss *out);
i128 perp_market_money(const struct perp_market *m); // sum of cash + fund - deficit
// a buys (size > 0) from b at `price`: quote towards zero. False, without any change: out of range.
bool perp_market_trade(struct perp_market *m, uint32_t a, uint32_t b, i128 size, i128 price);
// Funding: every long pays `rate` quote units for `per` base units to the shorts (rate < 0: shorts to longs).
// Payers pay upwards, receivers get downwards; the units between go to the fund (sizes that sum to 0 are the
// caller's word). False, without any change: out of range.
bool perp_market_funding(struct perp_market *m, i128 rate);
i128 perp_market_cover(struct perp_market *m, i128 amount); // deficit paid off from outside: what was taken

#endif
