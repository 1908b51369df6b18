// SPDX-License-Identifier: Apache-2.0
#include "run/bids_plan.h"

#include "accounts/book.h"

u256 bids_sold_before(struct bids_sold *x, uint64_t book, int64_t px, uint8_t decimals)
{
    struct checked c = {0};
    if (book != x->book || (!book && px != x->px))
        x->gone = U256_ZERO;
    x->book = book;
    x->px = px;
    x->gone = ck_add(&c, x->gone, x->fresh);
    x->fresh = U256_ZERO;
    u256 up = ck_sub(&c, u256_pow10(DECIMALS_MAX - decimals), ck_u64(1));
    u256 all = ck_add(&c, ck_add(&c, x->gone, x->flight), up);
    return u256_div(all, u256_pow10(DECIMALS_MAX - decimals), NULL);
}

// A slice has at most 128 bits and 64 bids are in flight: no sum here overflows.
u256 bids_sold_leaves(struct bids_sold *x, uint8_t decimals, u256 units)
{
    struct checked c = {0};
    u256 fine = ck_mul(&c, units, u256_pow10(DECIMALS_MAX - decimals));
    x->flight = ck_add(&c, x->flight, fine);
    return fine;
}

void bids_sold_settles(struct bids_sold *x, u256 left, bool taken)
{
    (void)u256_sub(x->flight, left, &x->flight);
    if (taken)
        (void)u256_add(x->fresh, left, &x->fresh);
}

static u256 linear_out(const struct bidder_sale *sale, u256 q)
{
    u256 out;
    return u256_mul(q, ((const struct bids_sale *)sale)->rate, &out) ? U256_ZERO : out;
}

static u256 whole_out(const struct bids_sale *s, u256 q)
{
    const struct exit_venue *v = s->exit;
    u256 out;
    if (!v)
        return s->pool.sale.out(&s->pool.sale, q);
    bool over = !u256_fits_u128(q) ||
                u256_mul(u256_from_u128(v->out(v, u256_to_u128(q))), u256_pow10(RAY_DIGITS), &out);
    return over ? U256_ZERO : out;
}

// A book or a pool, behind what is sold there already.
static u256 rest_out(const struct bidder_sale *sale, u256 q)
{
    const struct bids_sale *s = (const struct bids_sale *)sale;
    u256 all, out;
    return u256_add(s->gone, q, &all) || u256_sub(whole_out(s, all), s->brought, &out) ? U256_ZERO : out;
}

// Units of collateral that are worth depth_e8: the pool's, and as much of the debt's token at that price.
static void open_pool(const struct bids_config *c, const struct market *m, const struct auction *a,
                      const int64_t *px, u256 price, struct checked *ck, struct bids_sale *s)
{
    u256 rad;
    if (!auction_rad(m, a->coll, px, c->depth_e8, false, &rad))
        ck_fail(ck, "no price for the depth");
    u256 units = u256_div(rad, u256_pow10(RAY_DIGITS), NULL);
    s->pool = bidder_pool(units, ck_mul(ck, units, price), c->slippage_ppm);
}

// What no unit of the collateral brings more than; false: the way does not say.
static bool best_rate(const struct exit_venue *way, struct checked *ck, u256 *rate)
{
    enum { ROUNDED = 50 }; // exit.h
    struct exit_rate r = way->best ? way->best(way) : (struct exit_rate){UINT64_MAX, 1};
    if (r.out == UINT64_MAX)
        return false;
    u256 floor = ck_mul_div(ck, u256_pow10(RAY_DIGITS), ck_u64(r.out), ck_u64(r.in));
    *rate = ck_add(ck, ck_add(ck, floor, u256_shr(floor, ROUNDED)), ck_u64(1));
    return true;
}

static void open_sale(const struct bids_config *c, const struct market *m, const struct auction *a,
                      const struct exit_venue *way, u256 gone, const int64_t *px, struct checked *ck,
                      struct bids_terms *out)
{
    struct bids_sale *s = &out->sale;
    u256 price = clip_feed_price(ck, &out->feed);
    s->exit = way;
    s->rate = ck_mul_div(ck, price, ck_u64(BIDDER_PPM - c->slippage_ppm), ck_u64(BIDDER_PPM));
    s->bounded = way ? best_rate(way, ck, &s->rate) : true;
    out->t.sale = &s->sale;
    s->any = !way && c->depth_e8 <= 0;
    s->sale.out = s->any ? linear_out : rest_out;
    if (way) {
        s->sale.slop = ck_mul(ck, u256_from_u128(way->slop), u256_pow10(RAY_DIGITS));
    } else if (c->depth_e8 > 0) {
        open_pool(c, m, a, px, price, ck, s);
        s->sale.slop = s->pool.sale.slop;
        s->rate = ck_add(ck, s->rate, ck_u64(1)); // a bound, so rounded up
    }
    if (s->any || u256_is_zero(gone))
        return;
    s->gone = gone;
    s->brought = whole_out(s, gone);
    s->sale.slop = ck_add(ck, s->sale.slop, s->sale.slop); // of a difference
}

bool bids_terms(const struct bids_config *c, const struct market *m, const struct auction *a,
                const struct exit_venue *way, u256 gone, const int64_t *px, int64_t left_e8,
                struct bids_terms *out)
{
    struct checked ck = {0};
    *out = (struct bids_terms){.feed = auction_feed(m, a->coll, a->debt, px)};
    if (!out->feed.has)
        return false;
    open_sale(c, m, a, way, gone, px, &ck, out);
    out->room = (struct bidder_budget){.once = U256_MAX, .total = U256_MAX};
    bool good = auction_rad(m, a->debt, px, c->gas_e8, true, &out->t.gas) &&
                auction_rad(m, a->debt, px, c->profit_e8, true, &out->t.profit);
    if (c->once_e8)
        good &= auction_rad(m, a->debt, px, c->once_e8, false, &out->room.once);
    if (left_e8 != INT64_MAX)
        good &= auction_rad(m, a->debt, px, left_e8, false, &out->room.total);
    return good && ck_ok(&ck);
}

// A purchase of q at a price p pays only where q p < out(q) <= q rate: not before the price is at or below
// rate.
uint64_t bids_not_before(const struct bids_terms *x, const struct auction *a, uint64_t now)
{
    struct checked c = {0};
    if (!x->sale.bounded)
        return now;
    struct curve_hit h = curve_first(&c, &a->k.calc, a->k.top, x->sale.rate, a->k.tail);
    if (!ck_ok(&c) || (h.found && !h.first))
        return now;
    if (!h.found)
        return UINT64_MAX;
    return a->k.tic + h.at > now ? a->k.tic + h.at : now;
}

struct bidder_plan bids_first(const struct bids_terms *x, const struct auction *a, uint64_t now)
{
    uint64_t from = bids_not_before(x, a, now);
    struct checked c = {0};
    uint64_t due = clip_redo_at(&c, &a->k);
    if (from >= due && due > now)
        return (struct bidder_plan){.at = due, .why = "price"};
    return bidder_first(&a->k, &x->t, &x->room, from < due ? from : now);
}
