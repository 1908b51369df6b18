// SPDX-License-Identifier: Apache-2.0
#include "engine/box.h"

#include "accounts/rules/rule.h"

// A level is moved once the price has gone this share of the way from the middle to the edge: early enough
// for the background, late enough that most rows looked at really change their tier (docs/scale.md).
enum { NEAR_NUM = 3, NEAR_DEN = 4 };
static const uint64_t PHAT_MAX = (UINT64_C(1) << PHAT_BITS) - 1;

// Of each side on its own: a box may be cut off at zero or at the largest price. Measured from where the
// guard is going to end: it may be narrower than the box.
static void inner(const struct box_asset *a, unsigned level, uint64_t *lo, uint64_t *hi)
{
    uint64_t below = a->mid[level] - a->lo[level], above = a->hi[level] - a->mid[level];
    uint64_t margin = above - above * NEAR_NUM / NEAR_DEN;
    *lo = a->blo[level] + (below - below * NEAR_NUM / NEAR_DEN);
    *hi = a->bhi[level] > margin ? a->bhi[level] - margin : 0;
}

// The two intervals that a tick compares its price with.
static void summarise(struct box_asset *a)
{
    a->in_lo = a->at_lo = 0;
    a->in_hi = a->at_hi = PHAT_MAX;
    for (unsigned k = 0; k < BOX_ALL; k++) {
        uint64_t lo, hi;
        if (a->glo[k] > a->in_lo)
            a->in_lo = a->glo[k];
        if (a->ghi[k] < a->in_hi)
            a->in_hi = a->ghi[k];
        inner(a, k, &lo, &hi);
        if (lo > a->at_lo)
            a->at_lo = lo;
        if (hi < a->at_hi)
            a->at_hi = hi;
    }
    if (a->in_lo > a->at_lo)
        a->at_lo = a->in_lo;
    if (a->in_hi < a->at_hi)
        a->at_hi = a->in_hi;
}

static void move(struct box_asset *a, unsigned level, uint64_t mid, uint64_t lo, uint64_t hi, bool background)
{
    uint64_t glo = lo, ghi = hi;
    if (background) {
        glo = lo > a->glo[level] ? lo : a->glo[level];
        ghi = hi < a->ghi[level] ? hi : a->ghi[level];
    }
    a->mid[level] = mid;
    a->lo[level] = lo;
    a->hi[level] = hi;
    a->glo[level] = glo;
    a->ghi[level] = ghi;
    a->blo[level] = lo;
    a->bhi[level] = hi;
    summarise(a);
}

void box_centre(struct boxes *b, uint16_t asset, unsigned level, uint64_t phat, uint32_t spread_ppm,
                bool background)
{
    u128 width =
        (u128)(level ? (uint64_t)b->eps_ppm << level : b->inner_ppm) * (spread_ppm ? spread_ppm : 1000000);
    u128 half = (u128)phat * width / 1000000 / 1000000;
    uint64_t lo = half < phat ? phat - (uint64_t)half : 0;
    uint64_t hi = half < PHAT_MAX - phat ? phat + (uint64_t)half : PHAT_MAX;
    move(&b->asset[asset], level, phat, lo, hi, background);
}

void box_unit(struct boxes *b, uint16_t asset, uint64_t phat, uint64_t lo, uint64_t hi, bool background)
{
    move(&b->asset[asset], BOX_UNIT, phat, lo, hi, background);
}

void box_done(struct boxes *b, uint16_t asset, unsigned level)
{
    struct box_asset *a = &b->asset[asset];
    a->glo[level] = a->blo[level];
    a->ghi[level] = a->bhi[level];
    summarise(a);
}

// One step more than the quotient: P̂ is the price rounded to half a step.
static uint64_t above(uint64_t lo, uint64_t down)
{
    const u128 one = (u128)1 << SHIFT_BITS;
    u128 x = lo && down ? ((u128)lo * one + (one - down) - 1) / (one - down) + 1 : lo;
    return x <= PHAT_MAX ? (uint64_t)x : PHAT_MAX + 1; // then nothing is left of the guard
}

static uint64_t below(uint64_t hi, uint64_t up)
{
    const u128 one = (u128)1 << SHIFT_BITS;
    uint64_t x = up ? (uint64_t)((u128)hi * one / (one + up)) : hi;
    return up && x ? x - 1 : x;
}

void box_shift(struct boxes *b, uint16_t asset, unsigned level, uint64_t down, uint64_t up)
{
    struct box_asset *a = &b->asset[asset];
    a->glo[level] = above(a->glo[level], down);
    a->ghi[level] = below(a->ghi[level], up);
    a->blo[level] = above(a->blo[level], down);
    a->bhi[level] = below(a->bhi[level], up);
    summarise(a);
}

void box_renew(struct boxes *b, uint16_t asset)
{
    struct box_asset *a = &b->asset[asset];
    for (unsigned k = 0; k < BOX_ALL; k++) {
        a->blo[k] = a->lo[k];
        a->bhi[k] = a->hi[k];
    }
    summarise(a);
}

bool box_near_edge(const struct box_asset *a, unsigned level, uint64_t phat)
{
    uint64_t lo, hi;
    inner(a, level, &lo, &hi);
    return phat < lo || phat > hi;
}
