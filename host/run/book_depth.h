// SPDX-License-Identifier: Apache-2.0
// The bids of a venue's real book, as the feed rebuilds it, as a way out (exec/exit/depth.h). Taken when
// somebody asks: the feed's own thread, between two of its calls; a few microseconds. No allocation.
#ifndef TRIPLINE_RUN_BOOK_DEPTH_H
#define TRIPLINE_RUN_BOOK_DEPTH_H

#include "base/err.h"
#include "exec/exit/depth.h"
#include "feed/feed.h"

// How the venue's numbers become ticks and lots. Price and amount are read with so many decimals (0..18); a
// tick and a lot are so many of these quanta, both > 0.
struct book_scale {
    uint8_t price_decimals, amount_decimals;
    int64_t tick, lot;
};

// Fills d, which depth_begin() has made ready, with the levels given, best first; depth_end() included. A
// price is rounded down to a tick, an amount to a lot. Levels whose numbers are no positive prices and
// amounts (a combination's negative price; an amount of unknown scale) are left out. 0, or -1 with the
// reason; d is then empty.
int book_depth_fill(struct depth *d, const struct feed_level *level, unsigned n, const struct book_scale *s,
                    struct err *e);
// The same of the instrument's bids as they are now, the best DEPTH_LEVELS_MAX of them. -1 also when the feed
// has no whole book of it: nothing can be sold there until a snapshot comes.
int book_depth_take(struct depth *d, const struct feed *f, enum feed_venue venue, uint64_t instrument_id,
                    const struct book_scale *s, struct err *e);

#endif
