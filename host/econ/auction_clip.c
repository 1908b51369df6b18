// SPDX-License-Identifier: Apache-2.0
#include "econ/auction_clip.h"

enum { FEED_DIGITS = 9 }; // a feed's wad to a ray

u256 clip_feed_price(struct checked *c, const struct clip_feed *f)
{
    if (!f->has)
        ck_fail(c, "Clipper/invalid-price");
    return auction_rdiv(c, ck_mul(c, f->val, u256_pow10(FEED_DIGITS)), f->par);
}

void clip_upchost(struct checked *c, struct clip *k, u256 dust, u256 chop)
{
    u256 chost = auction_wmul(c, dust, chop);
    if (ck_ok(c))
        k->chost = chost;
}

static void open_for(struct checked *c, const struct clip *k, unsigned level)
{
    if (k->locked)
        ck_fail(c, "Clipper/system-locked");
    if (k->stopped >= level)
        ck_fail(c, "Clipper/stopped-incorrect");
}

static u256 incentive(struct checked *c, const struct clip *k, u256 tab)
{
    return dog_incentive(c, k->tip, k->chip, tab);
}

static u256 start_price(struct checked *c, const struct clip *k, u256 feed_price)
{
    u256 top = auction_rmul(c, feed_price, k->buf);
    if (u256_is_zero(top))
        ck_fail(c, "Clipper/zero-top-price");
    return top;
}

u256 clip_kick(struct checked *c, struct clip *k, const struct clip_feed *f, uint64_t now, u256 tab, u256 lot,
               bool usr)
{
    open_for(c, k, 1);
    if (u256_is_zero(tab))
        ck_fail(c, "Clipper/zero-tab");
    if (u256_is_zero(lot))
        ck_fail(c, "Clipper/zero-lot");
    if (!usr)
        ck_fail(c, "Clipper/zero-usr");
    u256 top = start_price(c, k, clip_feed_price(c, f));
    u256 coin = incentive(c, k, tab);
    if (!ck_ok(c))
        return U256_ZERO;
    k->running = true;
    k->tab = tab;
    k->lot = lot;
    k->top = top;
    k->tic = now;
    return coin;
}

u256 clip_status(struct checked *c, const struct clip *k, uint64_t now, bool *done)
{
    *done = false;
    if (now < k->tic) {
        ck_fail(c, "now is before the auction's start");
        return U256_ZERO;
    }
    u256 price = curve_price(c, &k->calc, k->top, now - k->tic);
    *done = ck_ok(c) && (now - k->tic > k->tail || ck_lt(auction_rdiv(c, price, k->top), k->cusp));
    return price;
}

u256 clip_redo(struct checked *c, struct clip *k, const struct clip_feed *f, uint64_t now)
{
    bool done = false;
    open_for(c, k, 2);
    if (!k->running)
        ck_fail(c, "Clipper/not-running-auction");
    if (ck_ok(c))
        (void)clip_status(c, k, now, &done);
    if (!done)
        ck_fail(c, "Clipper/cannot-reset");
    u256 feed_price = clip_feed_price(c, f), top = start_price(c, k, feed_price), coin = U256_ZERO;
    if (!ck_ok(c))
        return U256_ZERO;
    bool pays =
        !u256_is_zero(k->tip) || !u256_is_zero(k->chip); // an overflow of lot times price reverts only then
    if (pays && u256_cmp(k->tab, k->chost) >= 0 && u256_cmp(ck_mul(c, k->lot, feed_price), k->chost) >= 0)
        coin = incentive(c, k, k->tab);
    if (!ck_ok(c))
        return U256_ZERO;
    k->tic = now;
    k->top = top;
    return coin;
}

uint64_t clip_redo_at(struct checked *c, const struct clip *k)
{
    if (!k->running)
        return UINT64_MAX;
    uint64_t after = k->tail < UINT64_MAX ? k->tail + 1 : k->tail; // seconds since the start
    // floor(price 1e27 / top) < cusp  <=>  price 1e27 < cusp top  <=>  price <= (cusp top - 1) / 1e27
    u256 bound = ck_mul(c, k->cusp, k->top);
    if (ck_ok(c) && !u256_is_zero(bound)) {
        u256 limit = u256_div(ck_sub(c, bound, ck_u64(1)), u256_pow10(RAY_DIGITS), NULL);
        struct curve_hit h = curve_first(c, &k->calc, k->top, limit, after);
        after = h.found && h.at < after ? h.at : after;
    }
    return ck_ok(c) && after <= UINT64_MAX - k->tic ? k->tic + after : UINT64_MAX;
}

// As much as asked for, but no more coin than the tab, and no part that leaves a tab below chost.
static void fit(struct checked *c, const struct clip *k, u256 amt, struct clip_taken *t)
{
    t->slice = ck_min(k->lot, amt);
    t->owe = ck_mul(c, t->slice, t->price);
    if (!ck_ok(c))
        return;
    int more = u256_cmp(t->owe, k->tab);
    if (more > 0) {
        t->owe = k->tab;
        t->slice = ck_div(c, t->owe, t->price);
    } else if (more < 0 && ck_lt(t->slice, k->lot) && ck_lt(ck_sub(c, k->tab, t->owe), k->chost)) {
        if (u256_cmp(k->tab, k->chost) <= 0) {
            ck_fail(c, "Clipper/no-partial-purchase");
            return;
        }
        t->owe = ck_sub(c, k->tab, k->chost);
        t->slice = ck_div(c, t->owe, t->price);
        t->adjusted = true;
    }
}

struct clip_taken clip_quote(struct checked *c, const struct clip *k, uint64_t now, u256 amt, u256 max)
{
    struct clip_taken t = {0};
    bool done = false;
    open_for(c, k, 3);
    if (!k->running)
        ck_fail(c, "Clipper/not-running-auction");
    if (ck_ok(c))
        t.price = clip_status(c, k, now, &done);
    if (done)
        ck_fail(c, "Clipper/needs-reset");
    if (ck_lt(max, t.price))
        ck_fail(c, "Clipper/too-expensive");
    if (ck_ok(c))
        fit(c, k, amt, &t);
    t.tab = ck_sub(c, k->tab, t.owe);
    t.lot = ck_sub(c, k->lot, t.slice);
    if (!ck_ok(c))
        return (struct clip_taken){0};
    bool empty = u256_is_zero(t.lot);
    t.over = empty || u256_is_zero(t.tab);
    t.dug = empty ? k->tab : t.owe; // without collateral the rest of the tab is nobody's any more
    t.back = t.over ? t.lot : U256_ZERO;
    return t;
}

struct clip_taken clip_take(struct checked *c, struct clip *k, struct dog_room *room, struct clip_buyer *b,
                            uint64_t now, u256 amt, u256 max)
{
    struct clip_taken t = clip_quote(c, k, now, amt, max);
    struct clip_buyer before = *b;
    if (!ck_ok(c))
        return t;
    k->locked = true;
    if (b->call && !b->call(b, t.owe, t.slice))
        ck_fail(c, "clipperCall");
    k->locked = false;
    if (ck_lt(b->coin, t.owe))
        ck_fail(c, "Vat/move");
    if (ck_ok(c))
        dog_digs(c, room, t.dug);
    if (!ck_ok(c)) {
        *b = before;
        return (struct clip_taken){0};
    }
    b->coin = ck_sub(c, b->coin, t.owe);
    k->running = !t.over;
    k->tab = t.over ? U256_ZERO : t.tab;
    k->lot = t.over ? U256_ZERO : t.lot;
    k->top = t.over ? U256_ZERO : k->top;
    k->tic = t.over ? 0 : k->tic;
    return t;
}

u256 clip_yank(struct checked *c, struct clip *k, struct dog_room *room)
{
    u256 lot = k->lot;
    if (k->locked)
        ck_fail(c, "Clipper/system-locked");
    if (!k->running)
        ck_fail(c, "Clipper/not-running-auction");
    if (ck_ok(c))
        dog_digs(c, room, k->tab);
    if (!ck_ok(c))
        return U256_ZERO;
    k->running = false;
    k->tab = k->lot = k->top = U256_ZERO;
    k->tic = 0;
    return lot;
}
