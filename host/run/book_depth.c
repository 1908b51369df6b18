// SPDX-License-Identifier: Apache-2.0
#include "run/book_depth.h"

#include "feed/price.h"

#include <inttypes.h>

static int fill(struct depth *d, const struct feed_level *level, unsigned n, const struct book_scale *s,
                struct err *e)
{
    int64_t price, amount;
    for (unsigned i = 0; i < n; i++) {
        if (price_from_num(&level[i].price, s->price_decimals, &price) != 0 ||
            price_from_num(&level[i].amount, s->amount_decimals, &amount) != 0)
            continue;
        if (depth_add(d, price, s->tick, amount, s->lot, e) != 0)
            return -1;
    }
    return 0;
}

int book_depth_fill(struct depth *d, const struct feed_level *level, unsigned n, const struct book_scale *s,
                    struct err *e)
{
    int rc = s->price_decimals <= 18 && s->amount_decimals <= 18 && s->tick > 0 && s->lot > 0
                 ? 0
                 : err_set(e, "decimals must be 0 to 18, tick and lot positive");
    d->n = 0;
    if (rc == 0)
        rc = fill(d, level, n, s, e);
    if (rc != 0)
        d->n = 0;
    depth_end(d);
    return rc;
}

int book_depth_take(struct depth *d, const struct feed *f, enum feed_venue venue, uint64_t instrument_id,
                    const struct book_scale *s, struct err *e)
{
    struct feed_level level[DEPTH_LEVELS_MAX];
    int n = feed_book(f, venue, instrument_id, true, level, DEPTH_LEVELS_MAX);
    if (book_depth_fill(d, level, n > 0 ? (unsigned)n : 0, s, e) != 0)
        return -1;
    return n >= 0
               ? 0
               : err_set(e, "%s has no whole book of instrument %" PRIu64 ": it comes with the next snapshot",
                         feed_venue_name(venue), instrument_id);
}
