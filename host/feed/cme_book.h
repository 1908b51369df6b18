// SPDX-License-Identifier: Apache-2.0
// One instrument's market-by-price book, rebuilt from positional updates: New inserts at a level and shifts
// what is below down, Delete takes one out and shifts up, Change and Overlay restate one (docs/feeds-cme.md).
//
// Levels may be unknown: after a loss, or when the book was not heard from its beginning. Positions stay
// right whatever is unknown, so a level that the venue restates is known again (natural refresh), and the top
// of the book may be used as soon as it is known. A statement that contradicts what is known (a Delete of
// another price than stands there, a New below an empty level) shows that the book is wrong: everything but
// that statement is unknown then.
//
// Prices and sizes are wire mantissas. No allocation, no failure; one thread. Bound: CME_LEVELS a side;
// deeper levels than that never matter for those above and are passed over.
#ifndef TRIPLINE_FEED_CME_BOOK_H
#define TRIPLINE_FEED_CME_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "feed/cme_wire.h"

enum { CME_LEVELS = 10 };
enum cme_side { CME_BID = 0, CME_ASK = 1 };

// Stand in for a price. The first is also the wire's null, the second no price either: both are refused as
// prices.
#define CME_EMPTY   INT64_MAX
#define CME_UNKNOWN INT64_MIN

struct cme_level {
    int64_t px, size;
};

struct cme_book {
    uint8_t depth;    // of the venue's book when known, else the deepest level that it has named
    bool depth_known; // by the definition
    bool whole;       // known from top to bottom: what is not there is empty
    struct cme_level level[2][CME_LEVELS];
};

// Nothing is known (after a loss) or known to be empty (after a reset).
void cme_book_forget(struct cme_book *b);
void cme_book_clear(struct cme_book *b);
// By the definition; depth 1..CME_LEVELS.
void cme_book_depth(struct cme_book *b, unsigned depth);
// One update; level counts from 1, action is enum cme_action. False when it contradicts the book.
bool cme_book_apply_any(struct cme_book *b, enum cme_side side, unsigned action, unsigned level, int64_t px,
                        int64_t size);
// Here what needs no more than one store: a Change of the size at the price that stands there. What stands
// for a price there is refused as one.
static inline bool cme_book_apply(struct cme_book *b, enum cme_side side, unsigned action, unsigned level,
                                  int64_t px, int64_t size)
{
    if (action == CME_CHANGE && level - 1 < b->depth) {
        struct cme_level *l = &b->level[side][level - 1];
        if (l->px == px && px != CME_EMPTY && px != CME_UNKNOWN) {
            l->size = size;
            return true;
        }
    }
    return cme_book_apply_any(b, side, action, level, px, size);
}
// Sets a level while a snapshot is read into a cleared book. False when it cannot be one.
bool cme_book_set(struct cme_book *b, enum cme_side side, unsigned level, int64_t px, int64_t size);
// The levels of each side stand in order of price, and none behind an empty one.
bool cme_book_sorted(const struct cme_book *b);
// Both tops are known, and the second levels do not contradict them.
bool cme_book_usable(const struct cme_book *b);

#endif
