// SPDX-License-Identifier: Apache-2.0
// Maker's collateral auction (Liquidations 2.0): a price that falls by a curve, bought in parts. Source:
// makerdao/dss src/clip.sol; what comes before is accounts/rules/maker/dog.h. Wad 1e18, ray 1e27, rad 1e45;
// collateral is wad, prices are rays, the coin (Dai) is rad, times are seconds of the epoch. A call that the
// contract would revert leaves everything as it was, and c->why names the contract's error
// ("Clipper/too-expensive"). Pure functions over caller's memory, no allocation; one thread for each auction.
#ifndef TRIPLINE_ECON_AUCTION_CLIP_H
#define TRIPLINE_ECON_AUCTION_CLIP_H

#include "accounts/rules/maker/dog.h"
#include "econ/auction_curve.h"

struct clip_feed { // the oracle, as Clipper.getFeedPrice reads it
    u256 val;      // wad
    bool has;
    u256 par; // ray
};

struct clip {
    struct curve calc;
    u256 buf;         // ray: top is the feed's price times this
    u256 cusp;        // ray: below this part of top a reset is due
    u256 chip, tip;   // wad of the tab, rad: who starts or resets gets both
    u256 chost;       // rad: least tab that a part may leave; clip_upchost
    uint64_t tail;    // seconds: after these a reset is due
    unsigned stopped; // 1: no kick, 2: nor redo, 3: nor take
    bool locked;      // a take's callback is running
    // the sale
    bool running;
    u256 tab, lot, top; // rad, wad, ray
    uint64_t tic;       // began, or was reset
};

u256 clip_feed_price(struct checked *c, const struct clip_feed *f); // ray
void clip_upchost(struct checked *c, struct clip *k, u256 dust, u256 chop);
// Begins the sale; returns the incentive (rad). usr: is there an owner to get what is left over?
u256 clip_kick(struct checked *c, struct clip *k, const struct clip_feed *f, uint64_t now, u256 tab, u256 lot,
               bool usr);
// Price now; *done: a reset is due (then nobody can take).
u256 clip_status(struct checked *c, const struct clip *k, uint64_t now, bool *done);
u256 clip_redo(struct checked *c, struct clip *k, const struct clip_feed *f, uint64_t now);
// The first second (of the epoch) at which a reset is due while nothing happens before, or at which the price
// cannot be computed: for the timing wheel. UINT64_MAX when not running or c fails.
uint64_t clip_redo_at(struct checked *c, const struct clip *k);

struct clip_taken {
    u256 price;      // ray
    u256 owe, slice; // rad, wad: paid, received
    u256 tab, lot;   // left
    u256 back;       // wad: to the owner
    u256 dug;        // rad: what the auction owes less; above owe where collateral ran out
    bool over;       // the sale ended
    bool adjusted;   // less than asked for, so that chost stays
};
// What take(amt, max) would do now: nothing changes.
struct clip_taken clip_quote(struct checked *c, const struct clip *k, uint64_t now, u256 amt, u256 max);
// Who takes. call (may be NULL) runs when the collateral is out and before the coin is drawn, as clipperCall:
// it may raise *coin, and returns false to revert. Of the same auction it gets "Clipper/system-locked".
struct clip_buyer {
    u256 coin; // rad
    bool (*call)(struct clip_buyer *b, u256 owe, u256 slice);
};
struct clip_taken clip_take(struct checked *c, struct clip *k, struct dog_room *room, struct clip_buyer *b,
                            uint64_t now, u256 amt, u256 max);
// Ends the sale without one; returns the collateral.
u256 clip_yank(struct checked *c, struct clip *k, struct dog_room *room);

#endif
