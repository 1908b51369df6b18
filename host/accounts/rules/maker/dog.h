// SPDX-License-Identifier: Apache-2.0
// Maker's dog (Liquidations 2.0): which vaults, how much of them, how much all auctions may owe, and what
// starting one pays. Sources: makerdao/dss src/dog.sol, src/spot.sol, and of src/clip.sol the incentive of
// kick. Wad 1e18, ray 1e27, rad 1e45; collateral and normalised debt are wad, rates and prices are rays, the
// coin (Dai) is rad. What the contract would revert fails *c with its words. Pure functions over caller's
// memory, no allocation; any thread.
#ifndef TRIPLINE_ACCOUNTS_RULES_MAKER_DOG_H
#define TRIPLINE_ACCOUNTS_RULES_MAKER_DOG_H

#include "base/checked.h"

enum { DOG_WAD_DIGITS = 18, DOG_RAY_DIGITS = 27 };

// What open auctions may owe, in all and of one collateral type, and what they do owe. rad
struct dog_room {
    u256 total_hole, total_dirt; // Hole, Dirt
    u256 hole, dirt;
};
void dog_digs(struct checked *c, struct dog_room *d, u256 rad); // an auction owes less

struct dog_vault {
    u256 ink, art;         // wad: collateral, normalised debt
    u256 rate, spot, dust; // ray, ray, rad
    u256 chop;             // wad: 1.13e18 is a penalty of 13 %
    bool live;             // the dog's
};
// The price that counts, as Spotter.poke has it of a feed's val (wad), par and mat (rays). ray
u256 dog_spot(struct checked *c, u256 val, u256 par, u256 mat);
// Is collateral at the spot price worth less than the debt? ink spot < art rate, and spot is not 0.
bool dog_unsafe(struct checked *c, const struct dog_vault *v);

struct dog_bark {
    u256 dart, dink; // wad: debt and collateral taken
    u256 due, tab;   // rad: dart rate, and with the penalty
    bool partial;    // some debt stays
    bool dusty;      // the room was for less, but too little would have stayed: taken whole
};
// The liquidation of a vault, without the auction's kick: c fails as Dog.bark and Vat.grab would. Updates
// the room. dust 0 and a room of 0 wad of debt end as "Dog/null-auction".
struct dog_bark dog_bark(struct checked *c, const struct dog_vault *v, struct dog_room *room);
// What who starts an auction of that tab gets: tip (rad) and chip (wad) of it. rad
u256 dog_incentive(struct checked *c, u256 tip, u256 chip, u256 tab);

#endif
