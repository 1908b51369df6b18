// SPDX-License-Identifier: Apache-2.0
// A keeper's side of an auction with a falling price: at which second a purchase pays after gas and slippage,
// how much to buy (parts obey the dust rule), and no more than the limits of bidding allow. The second goes
// into the engine's timing wheel: an auction is looked at when its price crosses, not polled. A plan holds
// for the sale, the market and the gas price it was made with; make it anew when one of them changes. Pure
// functions over caller's memory, no allocation; a budget belongs to one thread. Money is rad (1e45),
// collateral wad, times are seconds of the epoch.
#ifndef TRIPLINE_ECON_BIDDER_H
#define TRIPLINE_ECON_BIDDER_H

#include "econ/auction_clip.h"
#include "econ/auction_english.h"

// Where collateral is turned into coin, slippage and fees inside. out never falls with the amount, and is at
// most `slop` below a concave function (what a pool's or a book's rounding takes): then the plan's profit is
// at most 2 slop below the best there is, and with slop 0 it is the best.
struct bidder_sale {
    u256 (*out)(const struct bidder_sale *s, u256 collateral); // rad for wad
    u256 slop;                                                 // rad
};

enum { BIDDER_PPM = 1000000 };
// A constant-product pool as such a sale: coin * q keep / (collateral 1e6 + q keep), floored once.
struct bidder_pool {
    struct bidder_sale sale; // first
    u256 collateral, coin;   // wad, rad; an empty one pays nothing
    uint32_t keep_ppm;       // what the fee leaves
};
// collateral below 2^200, fee_ppm at most 1000000; q at most 2^200, what is above counts as that.
struct bidder_pool bidder_pool(u256 collateral, u256 coin, uint32_t fee_ppm);

struct bidder_budget {
    u256 once;  // most to pay in one purchase or bid
    u256 total; // most to have paid or bid in all
    u256 spent; // so far; what a bid holds counts until it is released
};
u256 bidder_room(const struct bidder_budget *b); // the most that the next may pay

struct bidder_terms {
    const struct bidder_sale *sale;
    u256 gas;    // rad: of the purchase and its sale
    u256 profit; // rad: least to buy for, after gas. At least 1 is asked
};

struct bidder_plan {
    bool pays;
    uint64_t at;             // the second it was made for
    u256 amt, max;           // to hand to take: wad, and the price then, ray
    struct clip_taken taken; // what that gives
    u256 out, net;           // rad: proceeds, proceeds less price and gas
    const char *why;         // not: "reset", "limit", "price"; of the contract; NULL: pays
};
// The best purchase at one second.
struct bidder_plan bidder_now(const struct clip *k, const struct bidder_terms *t,
                              const struct bidder_budget *b, uint64_t now);
// The first second from now on at which a purchase pays, if nobody else buys and nothing else changes: `at`,
// with the purchase. Not paying: `at` is when a reset is due (after that it is another auction; UINT64_MAX:
// never). A price that falls never makes a purchase that paid stop paying, so this is a search over the
// seconds left.
struct bidder_plan bidder_first(const struct clip *k, const struct bidder_terms *t,
                                const struct bidder_budget *b, uint64_t now);
// When to wake up for it: nanoseconds of the epoch, `lead_ns` (to build, sign and deliver) before the second
// begins. For wheel_put, which takes UINT64_MAX as far away.
uint64_t bidder_wake_ns(const struct bidder_plan *p, uint64_t lead_ns);
// A reset pays its incentive: when it is due, and whether that is more than gas and least profit.
struct bidder_redo {
    bool pays;
    uint64_t at;
    u256 coin;
};
struct bidder_redo bidder_redo(const struct clip *k, const struct clip_feed *f, const struct bidder_terms *t,
                               uint64_t now);

// English: the least bid (tend) or the most collateral to ask for (dent) that is allowed, if that pays. Flip
// only: of flap and flop, the sale would be of another coin. `at` is when deal is allowed after it.
struct bidder_bid {
    bool pays, dent;
    u256 bid, lot;
    u256 net;
    uint64_t at;
    const char *why;
};
struct bidder_bid bidder_english(const struct english *a, const struct bidder_terms *t,
                                 const struct bidder_budget *b, uint64_t now, uint64_t who);

#endif
