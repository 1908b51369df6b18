// SPDX-License-Identifier: Apache-2.0
// Auctions in which bids rise, then lots shrink: Maker's flip (collateral), flap (surplus) and flop (debt).
// Source: makerdao/dss src/{flip,flap,flop}.sol. Units: flip bid and tab rad, lot wad; flap bid wad, lot rad;
// flop bid rad, lot wad. beg and pad are wads. Times are seconds of the epoch below 2^48. A call that the
// contract would revert changes nothing; c->why names the contract's error ("Flapper/bid-not-higher").
// Pure functions over caller's memory, no allocation; one thread for each auction.
#ifndef TRIPLINE_ECON_AUCTION_ENGLISH_H
#define TRIPLINE_ECON_AUCTION_ENGLISH_H

#include "base/checked.h"

enum english_kind { ENGLISH_FLIP, ENGLISH_FLAP, ENGLISH_FLOP, ENGLISH_KINDS };

struct english {
    enum english_kind kind;
    bool live;         // flap and flop: shut down when not
    u256 beg, pad;     // wad: least step of a bid, growth of a flop's lot at a tick
    uint64_t ttl, tau; // seconds: of a bid, of the auction
    u256 fill, lid;    // flap, rad: in auctions now, and at most
    // the auction
    uint64_t guy; // who bid last, or began it; 0: there is no auction
    u256 bid, lot, tab;
    uint64_t tic, end; // the last bid's end (0: nobody has bid), the auction's
};

// What a bid moves, besides the auction itself.
struct english_moves {
    u256 refund; // from the bidder to the one before: 0 when it is the same
    u256 income; // from the bidder to the one who gets the proceeds
    u256 back;   // flip's dent: collateral to the owner
};

// tab: flip's; guy: flip and flap whoever begins it, flop whoever gets the coin.
void english_kick(struct checked *c, struct english *a, uint64_t now, uint64_t guy, u256 tab, u256 lot,
                  u256 bid);
void english_tick(struct checked *c, struct english *a, uint64_t now); // nobody bid: begins anew
struct english_moves english_tend(struct checked *c, struct english *a, uint64_t now, uint64_t who, u256 lot,
                                  u256 bid);
struct english_moves english_dent(struct checked *c, struct english *a, uint64_t now, uint64_t who, u256 lot,
                                  u256 bid);
// The winner's; returns the lot. The auction is over.
u256 english_deal(struct checked *c, struct english *a, uint64_t now);

// The least bid that tend takes for the lot as it is; fails where none is left (a flip at its tab).
u256 english_least_bid(struct checked *c, const struct english *a);
// The most collateral that dent may ask for; fails where it takes none (flip below its tab, lot 0).
u256 english_most_lot(struct checked *c, const struct english *a);
// First second at which deal (somebody bid) or tick (nobody did) is allowed: for the timing wheel.
uint64_t english_due(const struct english *a);

#endif
