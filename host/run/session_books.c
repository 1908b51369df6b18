// SPDX-License-Identifier: Apache-2.0
// The real books of the feed as the desk asks for them (exec/desk.h, depth). A side is read when it is asked
// for, once for each call of the engine, from the books that the decoders have rebuilt out of the packets so
// far. All of these are in the journal, so a replay reads the same levels. A market of inverse contracts
// counts in its quote: each level is converted at its own price for who counts in coins, and a linear one's
// for who does not.
#include "run/inside.h"

#include <stdlib.h>

#include "base/pages.h"
#include "feed/price.h"

struct session_side {
    uint64_t asked; // session.asked when it was read; 0: never
    bool whole;
    struct slip_side side;
};
struct session_books {
    struct feed_level level[SLIP_LEVELS_MAX];
    struct slip_side next;                             // scratch
    uint32_t version;                                  // the last one given
    struct session_side side[MARKET_ASSETS_MAX][2][2]; // of its bids; in coins
};

// Levels that are no positive numbers are left out; false when the others are not in order.
static bool convert(const struct feed_level *l, unsigned n, unsigned decimals, bool bids,
                    struct slip_side *out)
{
    out->n = 0;
    for (unsigned i = 0; i < n; i++) {
        struct slip_level x;
        if (price_from_num(&l[i].price, decimals, &x.price) != 0 ||
            price_from_num(&l[i].amount, SLIP_AMOUNT_DECIMALS, &x.amount) != 0)
            continue;
        const struct slip_level *before = out->n ? &out->level[out->n - 1] : NULL;
        if (before && (bids ? x.price > before->price : x.price < before->price))
            return false;
        out->level[out->n++] = x;
    }
    return true;
}

static bool same(const struct slip_side *a, const struct slip_side *b)
{
    bool is = a->n == b->n;
    for (unsigned i = 0; is && i < a->n; i++)
        is = a->level[i].price == b->level[i].price && a->level[i].amount == b->level[i].amount;
    return is;
}

// A book whose best bid is not below its best ask is no market: nobody can say what selling there brings.
static bool crossed(const struct session *s, const struct oracle_instrument *in, unsigned decimals, bool bids,
                    const struct slip_side *side)
{
    struct feed_level best;
    int64_t other;
    if (side->n == 0 || feed_book(s->feed, in->venue, in->id, !bids, &best, 1) != 1 ||
        price_from_num(&best.price, decimals, &other) != 0)
        return false;
    return bids ? side->level[0].price >= other : side->level[0].price <= other;
}

// A level that comes to less than one in the other unit is left out.
static void other_unit(struct slip_side *side, unsigned decimals, bool coins)
{
    unsigned n = 0;
    for (unsigned i = 0; i < side->n; i++) {
        struct slip_level l = side->level[i];
        l.amount = slip_other_unit(&l, decimals, coins);
        if (l.amount > 0)
            side->level[n++] = l;
    }
    side->n = (uint16_t)n;
}

// The first of the asset's instruments that has a whole book.
static bool read_book(const struct session *s, uint16_t asset, bool bids, bool coins, struct slip_side *out)
{
    struct oracle_instrument in;
    const unsigned decimals = s->book->market.asset[asset].decimals;
    for (unsigned i = 0; oracle_instrument(s->oracle, asset, i, &in); i++) {
        int n = in.id ? feed_book(s->feed, in.venue, in.id, bids, s->books->level, SLIP_LEVELS_MAX) : -1;
        if (n < 0)
            continue;
        bool is = convert(s->books->level, (unsigned)n, decimals, bids, out) &&
                  !crossed(s, &in, decimals, bids, out);
        if (s->cfg.desk.depth.by >= DESK_DEPTH_BY_UNIT && in.inverse == coins)
            other_unit(out, decimals, coins);
        return is;
    }
    return false;
}

static const struct slip_side *side(void *ctx, uint16_t asset, bool bids, bool coins)
{
    struct session *s = ctx;
    struct session_side *x = &s->books->side[asset][bids][coins];
    if (x->asked == s->asked)
        return x->whole ? &x->side : NULL;
    bool first = x->side.version == 0;
    x->asked = s->asked;
    x->whole = read_book(s, asset, bids, coins, &s->books->next);
    if (x->whole && (first || !same(&x->side, &s->books->next))) {
        x->side = s->books->next;
        x->side.version = ++s->books->version;
    }
    return x->whole ? &x->side : NULL;
}

int session_books_open(struct session *s, struct err *e)
{
    if (s->cfg.desk.depth.mode == DESK_DEPTH_NONE)
        return 0;
    s->books = pages_new(1, sizeof *s->books);
    if (!s->books)
        return err_set(e, "out of memory for the depth of books");
    desk_set_books(s->desk, &(struct desk_books){s, side});
    return 0;
}

void session_books_free(struct session *s)
{
    free(s->books);
}
