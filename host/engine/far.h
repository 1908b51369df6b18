// SPDX-License-Identifier: Apache-2.0
// Rows of all accounts in host memory, one line of 64 bytes for an account of up to four assets, and for each
// asset and tier the list of the accounts in it. Lines are compiled for the whole range of P̂ (or, where a
// rule's form depends on the band, for one box), so they serve to place an account, and to evaluate it where
// it has no row on the device. Memory: docs/scale.md. All of it is reserved in far_open and taken as it is
// touched. One thread.
#ifndef TRIPLINE_ENGINE_FAR_H
#define TRIPLINE_ENGINE_FAR_H

#include "engine/box.h"

enum {
    FAR_ASSETS = 4,    // assets in a line; more of them, or several rows: a block of its own
    FAR_ROWS_MAX = 32, // liquidation rows of one account (scenarios)
    // Tiers. TIER_HOT: a row on the device. Tier k >= 1: nothing can happen inside box k - 1.
    TIER_HOT = 0,
    TIER_FARTHEST = BOX_LEVELS,
    TIER_HOST,  // evaluated on the host at every update: no room or no column on the device
    TIER_LISTS, // the tiers up to here have lists
    TIER_FLAGGED =
        TIER_LISTS, // flagged, and no row on the device: on the watch list or with an order under way
    TIER_NONE,      // not placed, or nothing that could ever be liquidated
};
#define FAR_NONE UINT32_MAX

struct far_line {
    _Alignas(64) int64_t chat;
    int32_t coef[FAR_ASSETS];
    uint32_t slot[FAR_ASSETS]; // place in the list of (asset, tier)
    uint8_t asset[FAR_ASSETS];
    uint32_t wide; // block instead of the four above; FAR_NONE
    uint8_t n;     // assets
    uint8_t tier;
    uint8_t bent; // compiled for a box only: whenever that moves, compile anew
    bool waits;   // the engine's: waits for the price of `awaits`, in a chain
    uint32_t next;
    uint16_t awaits;
    // The engine's, of the line as it is: for what it was made.
    uint8_t made;    // tier whose span of time it has; TIER_HOT: of parameters as they were, else lasting
    uint8_t crossed; // FAR_CROSSED: see struct rule; FAR_UNCROSSED: not any more, still among them
    uint32_t stamp;  // changes of parameters before it was made
};
enum { FAR_UNCROSSED = 1, FAR_CROSSED = 2 };

struct far_list {
    uint32_t n;
    uint32_t tail; // block, FAR_NONE
    uint32_t left; // entries of a walk still to come, from the front; 0: no walk
    uint32_t at;   // block of the next one
};

struct far {
    uint32_t accounts;
    struct far_line *line;
    struct far_list list[MARKET_ASSETS_MAX][TIER_LISTS];
    uint32_t (*block)[64]; // [0] next free or previous block, [1] unused, then 62 accounts
    uint32_t n_blocks, blocks_max, free_block;
    uint64_t *wide; // arena in units of 64 bytes
    uint32_t wide_used, wide_max, wide_free[17];
    uint64_t in_tier[TIER_NONE + 1];
};

// Memory for so many accounts. 0, or -1 with *e set.
int far_open(struct far *f, uint32_t accounts, struct err *e);
void far_close(struct far *f);
size_t far_bytes(const struct far *f); // touched so far, at most

// Sets the liquidation rows of an account (all over one set of assets after merging); it must be in no list.
// 0, or -1 when memory reserved for wide accounts is used up.
int far_set(struct far *f, uint32_t account, const struct row *rows, unsigned n_rows, bool bent);
// Puts the account into the lists of a tier; takes it out of those it is in.
void far_put(struct far *f, uint32_t account, unsigned tier);
void far_take(struct far *f, uint32_t account);
unsigned far_rows(const struct far *f, uint32_t account);
unsigned far_assets(const struct far *f, uint32_t account, const uint8_t **asset);
// Least Ĥ of its rows at the prices, and inside a box of every asset.
int64_t far_eval(const struct far *f, uint32_t account, const uint64_t *phat);
int64_t far_least(const struct far *f, uint32_t account, const struct boxes *b, unsigned level);
// Farthest tier by its line: the largest k with far_least(.., k - 1) >= 0, TIER_HOT when there is none.
unsigned far_tier(const struct far *f, uint32_t account, const struct boxes *b);
// Distance to zero as a fraction of exposure, each asset's part weighted with its spread. Orders and counts
// only.
double far_radius(const struct far *f, uint32_t account, const uint64_t *phat, const double *spread);

// Walks over a list, last entry first, in as many steps as wanted; accounts may be put and taken meanwhile,
// also by others. Each account that was in the list at the start and has not left it is given at least once.
void far_walk(struct far *f, uint16_t asset, unsigned tier);
bool far_walking(const struct far *f, uint16_t asset, unsigned tier);
bool far_next(struct far *f, uint16_t asset, unsigned tier, uint32_t *account);

#endif
