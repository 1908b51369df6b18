// SPDX-License-Identifier: Apache-2.0
// The generator's books where they are asked for (gen_config.book_levels): so many levels a side around the
// mark, all of them anew at each event of the instrument, so that whoever rebuilds the book has exactly
// these. Sizes rise with the distance; they come from a stream of their own, so that all else is as without.
// One thread per venue.
#ifndef TRIPLINE_FEED_GEN_BOOKS_H
#define TRIPLINE_FEED_GEN_BOOKS_H

#include "base/prng.h"
#include "feed/deribit_encode.h"
#include "feed/gen.h"

enum { BOOK_LEVELS_ALL = 2 * GEN_BOOK_LEVELS_MAX };

// What the book held when it was told last: prices in the instrument's 10^-decimals. Zeroed: nothing yet.
struct gen_book {
    uint16_t n;
    int64_t price[BOOK_LEVELS_ALL];
    struct deribit_level level[BOOK_LEVELS_ALL];
};

// The book as a whole: as it was told last, before that at this mark; r: the sizes' stream. Returns how many
// levels, at most BOOK_LEVELS_ALL.
uint16_t gen_book_whole(struct gen_book *b, const struct gen_instrument *s, unsigned levels, int64_t mark,
                        struct prng *r, struct deribit_level *out);
// A book at this mark, as changes of what was told last: at most twice as many.
uint16_t gen_book_step(struct gen_book *b, const struct gen_instrument *s, unsigned levels, int64_t mark,
                       struct prng *r, struct deribit_level *out);

#endif
