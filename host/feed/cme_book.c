// SPDX-License-Identifier: Apache-2.0
#include "feed/cme_book.h"

#include <string.h>

static void fill(struct cme_book *b, unsigned levels, int64_t px)
{
    for (unsigned s = 0; s < 2; s++)
        for (unsigned i = 0; i < CME_LEVELS; i++)
            b->level[s][i] = (struct cme_level){i < levels ? px : CME_EMPTY, 0};
}

void cme_book_forget(struct cme_book *b)
{
    fill(b, b->depth_known ? b->depth : CME_LEVELS, CME_UNKNOWN);
    b->whole = false;
}

void cme_book_clear(struct cme_book *b)
{
    fill(b, 0, CME_EMPTY);
    b->whole = true;
}

void cme_book_depth(struct cme_book *b, unsigned depth)
{
    b->depth = (uint8_t)depth;
    b->depth_known = true;
    for (unsigned s = 0; s < 2; s++)
        for (unsigned i = depth; i < CME_LEVELS; i++)
            b->level[s][i] = (struct cme_level){CME_EMPTY, 0};
}

static bool is_price(int64_t px)
{
    return px != CME_EMPTY && px != CME_UNKNOWN;
}

// What comes in from below is empty: the venue sends a New for a level that its depth had hidden.
static void shift_up(struct cme_level *l, unsigned at, unsigned n)
{
    memmove(l + at, l + at + n, (CME_LEVELS - at - n) * sizeof *l);
    for (unsigned i = CME_LEVELS - n; i < CME_LEVELS; i++)
        l[i] = (struct cme_level){CME_EMPTY, 0};
}

// What a New pushes past the venue's depth is gone there. With the depth unknown it may be, so that it is not
// trusted any longer: such a leftover would climb to the top as the levels above it go.
static bool insert(struct cme_book *b, struct cme_level *l, unsigned at, int64_t px, int64_t size)
{
    bool fits = at == 0 || l[at - 1].px != CME_EMPTY;
    memmove(l + at + 1, l + at, (CME_LEVELS - at - 1) * sizeof *l);
    l[at] = (struct cme_level){px, size};
    if (b->depth < CME_LEVELS && l[b->depth].px != CME_EMPTY)
        l[b->depth].px = b->depth_known ? CME_EMPTY : CME_UNKNOWN;
    return fits;
}

static bool same(int64_t have, int64_t said)
{
    return have == CME_UNKNOWN || have == said;
}

bool cme_book_apply_any(struct cme_book *b, enum cme_side side, unsigned action, unsigned level, int64_t px,
                        int64_t size)
{
    struct cme_level *l = b->level[side];
    if (level == 0)
        return false;
    if (level > CME_LEVELS) {
        if (action == CME_DELETE_THRU)
            shift_up(l, 0, CME_LEVELS);
        return true;
    }
    unsigned at = level - 1;
    if (level > b->depth) {
        if (b->depth_known)
            return false;
        b->depth = (uint8_t)level;
    }
    bool good = true;
    switch (action) {
    case CME_NEW:
        return is_price(px) && insert(b, l, at, px, size);
    case CME_CHANGE:
        good = same(l[at].px, px);
        // fall through
    case CME_OVERLAY:
        if (!is_price(px) || l[at].px == CME_EMPTY)
            return false;
        l[at] = (struct cme_level){px, size};
        return good;
    case CME_DELETE:
        good = l[at].px != CME_EMPTY && (!is_price(px) || same(l[at].px, px));
        shift_up(l, at, 1);
        return good;
    case CME_DELETE_THRU:
        shift_up(l, 0, level);
        return true;
    case CME_DELETE_FROM:
        for (unsigned i = at; i < CME_LEVELS; i++)
            l[i] = (struct cme_level){CME_EMPTY, 0};
        return true;
    default:
        return false;
    }
}

bool cme_book_set(struct cme_book *b, enum cme_side side, unsigned level, int64_t px, int64_t size)
{
    if (level == 0 || !is_price(px))
        return false;
    if (level > CME_LEVELS)
        return true;
    if (b->level[side][level - 1].px != CME_EMPTY || (b->depth_known && level > b->depth))
        return false;
    b->level[side][level - 1] = (struct cme_level){px, size};
    if (level > b->depth)
        b->depth = (uint8_t)level;
    return true;
}

static bool before(enum cme_side side, int64_t a, int64_t b)
{
    return side == CME_BID ? a > b : a < b;
}

// b may follow a from the top down.
static bool in_order(enum cme_side side, int64_t a, int64_t b)
{
    if (a == CME_UNKNOWN || b == CME_UNKNOWN || b == CME_EMPTY)
        return true;
    return a != CME_EMPTY && before(side, a, b);
}

bool cme_book_sorted(const struct cme_book *b)
{
    for (unsigned s = 0; s < 2; s++)
        for (unsigned i = 1; i < CME_LEVELS; i++)
            if (!in_order((enum cme_side)s, b->level[s][i - 1].px, b->level[s][i].px))
                return false;
    return true;
}

bool cme_book_usable(const struct cme_book *b)
{
    for (unsigned s = 0; s < 2; s++) {
        const struct cme_level *l = b->level[s];
        if (l[0].px == CME_UNKNOWN || !in_order((enum cme_side)s, l[0].px, l[1].px))
            return false;
    }
    return true;
}
