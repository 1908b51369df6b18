// SPDX-License-Identifier: Apache-2.0
// Nested boxes (docs/scale.md): for each asset and level an interval of P̂ around a frozen centre, twice as
// wide from level to level. A row may be kept beyond level k only while it cannot fall below zero inside
// level k's box, so as long as prices stay inside, nothing beyond has to be looked at. Levels move one by
// one; while a level is moved in the background, rows are placed by its new box and the price must stay
// inside of both (the guard). The last "level", BOX_UNIT, is the band for which rows on the device are
// compiled. P̂ units throughout. One thread.
#ifndef TRIPLINE_ENGINE_BOX_H
#define TRIPLINE_ENGINE_BOX_H

#include "accounts/rowc.h"

enum {
    BOX_LEVELS = 12,       // widths eps, 2 eps, ... 2048 eps
    BOX_UNIT = BOX_LEVELS, // the compiled band
    BOX_ALL = BOX_UNIT + 1,
};

struct box_asset {
    uint64_t lo[BOX_ALL], hi[BOX_ALL];   // by which rows are placed; inclusive
    uint64_t mid[BOX_ALL];               // the frozen centre
    uint64_t glo[BOX_ALL], ghi[BOX_ALL]; // what the price must not leave
    uint64_t blo[BOX_ALL], bhi[BOX_ALL]; // what the guard becomes once the rows behind have been looked at
    uint64_t in_lo, in_hi;               // inside of every guard
    uint64_t at_lo, at_hi;               // inside: no level is near its edge
};

struct boxes {
    uint32_t
        eps_ppm; // half-width of level 1 is twice this, of level 2 four times ..., for an asset of spread 1
    uint32_t inner_ppm; // of level 0: eps_ppm, or less while the device is short of room
    struct box_asset asset[MARKET_ASSETS_MAX];
};

// Centres a level at phat; before its rows are placed anew (background): the guard is what old and new box
// share.
void box_centre(struct boxes *b, uint16_t asset, unsigned level, uint64_t phat, uint32_t spread_ppm,
                bool background);
// The same for the compiled band, whose edges are given.
void box_unit(struct boxes *b, uint16_t asset, uint64_t phat, uint64_t lo, uint64_t hi, bool background);
// Rows behind the level may promise too much by so much since parameters have changed (struct shift): the
// guard gets as much narrower, rounded inwards.
void box_shift(struct boxes *b, uint16_t asset, unsigned level, uint64_t down, uint64_t up);
// All rows that depend on any level are about to be made anew, and placed by the boxes as they are.
void box_renew(struct boxes *b, uint16_t asset);
// All rows that depend on the level have been placed by its new box.
void box_done(struct boxes *b, uint16_t asset, unsigned level);

// Has the price left the guard of this level? Is it near the edge, so that the level should be moved?
static inline bool box_left(const struct box_asset *a, unsigned level, uint64_t phat)
{
    return phat < a->glo[level] || phat > a->ghi[level];
}
bool box_near_edge(const struct box_asset *a, unsigned level, uint64_t phat);

#endif
