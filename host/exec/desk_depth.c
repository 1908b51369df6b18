// SPDX-License-Identifier: Apache-2.0
// What an order loses in the market. A perpetual account's position is traded into its instrument's own book.
// A lending account's collateral, where the desk pays with its own money and sells itself, goes over
// everything that is known at once: the collateral's book, where the debt has one through that, and both ways
// by pools; so does what is bought in an auction. By flash loan the
// liquidation contract sells, along one way (exits.h).
#include "exec/desk_inside.h"

#include <stdlib.h>

#include "base/pages.h"
#include "exec/exit/across.h"
#include "exec/exit/route.h"

enum { PPM = 1000000, PPM_DIGITS = 6, WAYS = 128, UNIT_BITS = 62 };

const char *const desk_depth_name[DESK_DEPTH_COUNT] = {"none", "feed", "required"};

// A pair's way out, and what it was made of.
struct made {
    uint16_t coll, debt;
    bool is;             // anything at all
    uint32_t bids, asks; // versions, of the collateral's and the debt's; 0: without
    int64_t flat;        // price of the one that has no book, where the other has
    unsigned n_pools;
    uint32_t pools[EXITS_WAYS_MAX];
};
struct way {
    struct made of;
    bool sold; // there is a way
    struct depth depth;
    struct route route;
};
struct desk_ways {
    uint32_t version;    // the last one given
    uint32_t n, next;    // in use; to be given up next when all are
    uint32_t pair[WAYS]; // whose each is
    struct way way[WAYS];
};

int desk_depth_init(struct desk *d, struct err *e)
{
    const struct desk_depth_config *c = &d->cfg.depth;
    if (c->mode >= DESK_DEPTH_COUNT || c->fee_ppm >= PPM || c->unknown_ppm > PPM ||
        c->by > DESK_DEPTH_BY_REST)
        return err_set(e, "depth %u, depth_fee_ppm %u, depth_unknown_ppm %u: out of range", c->mode,
                       c->fee_ppm, c->unknown_ppm);
    if (c->mode == DESK_DEPTH_NONE)
        return 0;
    d->ways = pages_new(1, sizeof *d->ways);
    return d->ways ? desk_taken_init(d, e) : err_set(e, "order desk: out of memory for ways out");
}

void desk_depth_free(struct desk *d)
{
    free(d->ways);
    desk_taken_free(d);
}

void desk_set_books(struct desk *d, const struct desk_books *b)
{
    d->books = *b;
}

static const struct slip_side *side_in(const struct desk *d, uint16_t asset, bool bids, bool coins)
{
    return d->books.side ? d->books.side(d->books.ctx, asset, bids, coins) : NULL;
}

static const struct slip_side *side_of(const struct desk *d, uint16_t asset, bool bids)
{
    return side_in(d, asset, bids, true);
}

// ---- perpetuals

static bool sells(const struct account *a, const struct order_leg *leg)
{
    const struct position *p = account_position(a, leg->instrument);
    return p && p->size > 0;
}

// One leg's; false: its book does not hold it, or has to be known and is not.
static bool leg_slip(struct desk *d, const struct account *a, const int64_t *px, const struct order_leg *leg,
                     bool rest, i256 *e8)
{
    const struct market *m = &d->book->market;
    const struct instrument *in = &m->instrument[leg->instrument];
    int64_t mark = px[in->asset];
    bool sell = sells(a, leg), coins = in->kind != INST_INVERSE;
    const struct slip_side *s = side_in(d, in->asset, sell, coins);
    // A look, without a book too.
    const i256 gone = rest ? desk_taken(d, in->asset, sell, coins, mark) : I256_ZERO;
    if (s)
        return slip_cost(s, m, in, mark, leg->qty, gone, sell, d->cfg.depth.fee_ppm, e8);
    i256 value = slip_value(m, in, mark, leg->qty);
    *e8 = i256_div10_ceil(i256_mul_i64(value, d->cfg.depth.unknown_ppm), PPM_DIGITS);
    d->slip_known = false;
    return d->cfg.depth.mode != DESK_DEPTH_REQUIRED;
}

int64_t desk_slip(struct desk *d, const struct account *a, const int64_t *px, const struct order_leg *leg,
                  unsigned n, bool rest)
{
    i256 sum = I256_ZERO, one;
    d->slip_known = true;
    d->slip_e8 = INT64_MAX;
    for (unsigned i = 0; i < n; i++) {
        if (!leg_slip(d, a, px, &leg[i], rest, &one))
            return d->slip_e8;
        sum = i256_add(sum, one);
    }
    d->slip_e8 = desk_saturate(sum);
    return d->slip_e8;
}

int64_t desk_ranked(struct desk *d, const struct account *a, const int64_t *px, const struct order_leg *leg,
                    unsigned n, int64_t value_e8, int64_t reward_e8)
{
    if (d->cfg.depth.mode == DESK_DEPTH_NONE || a->rule->holding)
        return value_e8;
    int64_t left = desk_less(desk_less(reward_e8, desk_slip(d, a, px, leg, n, true)), d->cfg.cost_e8);
    return left > 0 ? left : 0;
}

void desk_takes_legs(struct desk *d, const struct account *a, const struct order_leg *leg, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct instrument *in = &d->book->market.instrument[leg[i].instrument];
        desk_takes(d, in->asset, sells(a, &leg[i]), in->kind != INST_INVERSE, leg[i].qty, in->size_decimals);
    }
}

// ---- collateral

// What a quantum of price on a lot of 10^-lot_decimals coins is in units of the debt, as unit / 10^decimals
// rounded down; false where it would be too coarse.
static bool unit_of(const struct market *m, const struct instrument *coll, unsigned lot_decimals,
                    const struct instrument *debt, int64_t debt_px, uint64_t *unit, uint8_t *decimals)
{
    enum { LEAST_BITS = 20 }; // what is cut off is below a hundredth of a basis point
    int up = debt->size_decimals + m->asset[debt->asset].decimals - (int)lot_decimals -
             m->asset[coll->asset].decimals;
    for (int more = 18; more >= 0; more--) {
        if (up + more < 0)
            return false;
        i256 u = i256_div_floor(i256_pow10((unsigned)(up + more)), i256_from_i64(debt_px));
        if (i256_bits(u) > UNIT_BITS)
            continue;
        *unit = (uint64_t)i256_lo(u);
        *decimals = (uint8_t)more;
        return i256_bits(u) >= LEAST_BITS;
    }
    return false;
}

// The collateral's bids as a way into the debt, whose token is taken for what the book quotes, at its price.
static bool fill(const struct desk *d, const struct slip_side *s, uint16_t coll, uint16_t debt, int64_t px,
                 struct depth *out)
{
    const struct market *m = &d->book->market;
    const struct instrument *c = &m->instrument[coll];
    unsigned digits = c->size_decimals < SLIP_AMOUNT_DECIMALS ? c->size_decimals : SLIP_AMOUNT_DECIMALS;
    uint64_t unit;
    uint8_t decimals;
    struct err e;
    i256 lot = i256_pow10(c->size_decimals - digits), size = i256_pow10(SLIP_AMOUNT_DECIMALS - digits);
    if (!unit_of(m, c, digits, &m->instrument[debt], px, &unit, &decimals) ||
        depth_begin(out, i256_lo(lot), unit, decimals, d->cfg.depth.fee_ppm, &e))
        return false;
    for (unsigned i = 0; i < s->n; i++)
        if (depth_add(out, s->level[i].price, 1, s->level[i].amount, i256_to_i64(size), &e))
            return false;
    depth_end(out);
    return true;
}

static bool same(const struct made *a, const struct made *b)
{
    bool pools = a->n_pools == b->n_pools;
    for (unsigned i = 0; pools && i < a->n_pools; i++)
        pools = a->pools[i] == b->pools[i];
    return a->is && a->coll == b->coll && a->debt == b->debt && a->bids == b->bids && a->asks == b->asks &&
           a->flat == b->flat && pools;
}

// Whose books, and at which price where there is only one.
struct books {
    const struct slip_side *bids, *asks;
    int64_t flat;
};

// The debt bought for what the collateral brings, each in its own book or at its price.
static bool fill_across(const struct desk *d, const struct way *w, const struct books *b, struct depth *out)
{
    const struct market *m = &d->book->market;
    const struct instrument *c = &m->instrument[w->of.coll], *in = &m->instrument[w->of.debt];
    const struct across_leg sold = {b->bids, b->flat, m->asset[c->asset].decimals, c->size_decimals};
    const struct across_leg bought = {b->asks, b->flat, m->asset[in->asset].decimals, in->size_decimals};
    return across_fill(out, &sold, &bought, d->cfg.depth.fee_ppm);
}

static bool fill_books(const struct desk *d, struct way *w, const struct books *b)
{
    if (b->asks)
        return fill_across(d, w, b, &w->depth);
    return b->bids && fill(d, b->bids, w->of.coll, w->of.debt, b->flat, &w->depth);
}

// Makes the route of books and pools.
static void make(struct desk *d, struct way *w, const struct books *b,
                 const struct cpmm_path pools[EXITS_WAYS_MAX], uint64_t gas)
{
    struct err e;
    unsigned n = 0;
    if (fill_books(d, w, b))
        w->route.path[n++] = (struct route_path){.n = 1, .hop = {{.book = &w->depth}}};
    bool enough = n > 0 || d->cfg.depth.mode != DESK_DEPTH_REQUIRED;
    for (unsigned i = 0; i < w->of.n_pools; i++, n++) {
        struct route_path *p = &w->route.path[n];
        p->n = pools[i].n;
        for (unsigned k = 0; k < p->n; k++)
            p->hop[k] = (struct route_hop){.pool = pools[i].pool[k]};
    }
    w->sold = enough && n > 0 && gas <= UINT32_MAX && route_set(&w->route, n, (uint32_t)gas, &e) == 0;
    w->route.venue.version = ++d->ways->version;
}

// Pairs do not push each other out while there is room: every way that is made anew has a version of its own,
// so what was found with the one before would count as stale.
static struct way *way_of(struct desk_ways *x, uint16_t coll, uint16_t debt)
{
    const uint32_t pair = (uint32_t)coll << 16 | debt;
    for (uint32_t i = 0; i < x->n; i++)
        if (x->pair[i] == pair)
            return &x->way[i];
    uint32_t i = x->n < WAYS ? x->n++ : x->next++ % WAYS;
    x->pair[i] = pair;
    return &x->way[i];
}

// Is the asset what the books are quoted in, near enough for its price to say the rest?
static bool is_quote(const struct desk *d, uint16_t asset, int64_t px)
{
    enum { PART = 20 };
    i128 one = (i128)i256_lo(i256_pow10(d->book->market.asset[asset].decimals)), off = px - one;
    return (off < 0 ? -off : off) * PART <= one;
}

static struct books books_of(const struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px)
{
    const struct instrument *in = d->book->market.instrument;
    uint16_t c = in[coll].asset, b = in[debt].asset;
    struct books x = {.bids = side_of(d, c, true)};
    if (d->cfg.depth.by == DESK_DEPTH_BY_SALE) { // what has a book is not what books quote
        bool quoted = px[b] > 0 && !side_of(d, b, true);
        return quoted && x.bids ? (struct books){.bids = x.bids, .flat = px[b]}
                                : (struct books){.bids = NULL};
    }
    x.asks = side_of(d, b, false);
    x.flat = x.bids && x.asks ? 0 : x.bids ? px[b] : px[c];
    bool known = (x.bids || is_quote(d, c, px[c])) && (x.asks || is_quote(d, b, px[b]));
    return known && (x.bids || x.asks) ? x : (struct books){.bids = NULL};
}

// Ways may be asked for while an order is being valued that is there already: nothing of it is in `ways`.
static const struct exit_venue *wide_way(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px)
{
    if (coll == debt)
        return &exit_same;
    struct cpmm_path pools[EXITS_WAYS_MAX];
    uint64_t gas = 0;
    const struct books b = books_of(d, coll, debt, px);
    struct made is = {.coll = coll, .debt = debt, .is = true, .flat = b.flat};
    is.bids = b.bids ? b.bids->version : 0;
    is.asks = b.asks ? b.asks->version : 0;
    is.n_pools = d->exits ? exits_ways(d->exits, coll, debt, pools, is.pools, &gas) : 0;
    struct way *w = way_of(d->ways, coll, debt);
    if (!same(&w->of, &is)) {
        w->of = is;
        make(d, w, &b, pools, gas);
    }
    return w->sold ? &w->route.venue : NULL;
}

const struct exit_venue *desk_way(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px)
{
    return desk_wide(d) ? wide_way(d, coll, debt, px) : exits_find(d->exits, coll, debt);
}

// Which side of a market a sale uses up, in coins: the collateral's bids or, of what has a price in place of
// a book, of the debt's asks that many units of the quote.
static bool into_bids(const struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px)
{
    const struct books b = books_of(d, coll, debt, px);
    return b.bids || !b.asks;
}

void desk_takes_sale(struct desk *d, const int64_t *px)
{
    uint16_t coll = d->sale.coll, debt = d->sale.debt;
    const struct instrument *in = d->book->market.instrument;
    if (!desk_wide(d) || coll == debt)
        return;
    bool bids = into_bids(d, coll, debt, px);
    desk_takes(d, in[bids ? coll : debt].asset, bids, bids, (i128)d->sale.got, in[coll].size_decimals);
}

u128 desk_way_gone(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px)
{
    const struct instrument *in = d->book->market.instrument;
    if (!d->taken || !desk_wide(d) || coll == debt)
        return 0;
    bool bids = into_bids(d, coll, debt, px);
    uint16_t asset = in[bids ? coll : debt].asset;
    i256 gone = desk_taken(d, asset, bids, bids, px[asset]);
    gone = i256_div10_ceil(gone, SLIP_GONE_DECIMALS - in[coll].size_decimals);
    return i256_lo(i256_min(gone, i256_from_u128(EXIT_AMOUNT_MAX)));
}

uint32_t desk_way_version(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px)
{
    if (!desk_wide(d))
        return exits_version(d->exits, coll, debt);
    const struct exit_venue *v = coll == debt ? NULL : desk_way(d, coll, debt, px);
    return v ? v->version : 0;
}

// ---- bids on auctions

static u128 nothing_out(const struct exit_venue *v, u128 q)
{
    (void)v;
    (void)q;
    return 0;
}
static u128 nothing_upto(const struct exit_venue *v, struct exit_rate rate)
{
    (void)v;
    (void)rate;
    return 0;
}
static struct exit_rate nothing_best(const struct exit_venue *v)
{
    (void)v;
    return (struct exit_rate){0, 1};
}

const struct exit_venue *desk_way_out(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px)
{
    static const struct exit_venue nothing = {
        .out = nothing_out, .upto = nothing_upto, .best = nothing_best, .slop = 1};
    if (!d->ways || d->cfg.depth.by == DESK_DEPTH_BY_SALE)
        return d->exits && exits_known(d->exits) ? exits_find(d->exits, coll, debt) : NULL;
    const struct exit_venue *v = wide_way(d, coll, debt, px);
    return v || d->cfg.depth.mode != DESK_DEPTH_REQUIRED ? v : &nothing;
}

uint64_t desk_book_version(const struct desk *d, uint16_t asset)
{
    if (!d->ways || d->cfg.depth.by == DESK_DEPTH_BY_SALE)
        return 0;
    const struct slip_side *bids = side_of(d, asset, true), *asks = side_of(d, asset, false);
    return (uint64_t)(bids ? bids->version : 0) << 32 | (asks ? asks->version : 0);
}
