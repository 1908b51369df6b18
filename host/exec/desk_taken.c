// SPDX-License-Identifier: Apache-2.0
// What our orders take of a market before another one gets to it: those in flight, and those filled since its
// book has changed; a change shows what is there now. Orders of one moment would each see all of it else.
#include "exec/desk_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

enum { FINE = 18 };

// A side of an asset's market, in coins or in its quote (desk.h, books), amounts in 10^-18 of that.
struct part {
    uint16_t asset;
    bool bids, coins;
    i256 amount;
};
struct flight {
    size_t account;
    unsigned n;
    struct part part[ORDER_LEGS_MAX];
};
struct sold {
    i256 flight, fresh, gone; // in flight; filled since the last look; while the book was as it is
    uint64_t book;
};
struct desk_taken {
    uint32_t told; // how often pools were
    uint32_t n;    // in flight
    struct sold sold[MARKET_ASSETS_MAX][2][2];
    struct flight next;     // of the order at work
    struct flight flight[]; // outstanding_max
};

int desk_taken_init(struct desk *d, struct err *e)
{
    if (d->cfg.depth.by < DESK_DEPTH_BY_REST)
        return 0;
    d->taken = pages_new(1, sizeof *d->taken + d->cfg.outstanding_max * sizeof d->taken->flight[0]);
    return d->taken ? 0 : err_set(e, "order desk: out of memory for what orders take of books");
}

void desk_taken_free(struct desk *d)
{
    free(d->taken);
}

void desk_taken_pools(struct desk *d)
{
    d->taken->told++;
}

// Which book, or where there is none which pools.
static uint64_t stamp(const struct desk *d, uint16_t asset, bool bids, bool coins)
{
    const struct slip_side *s = d->books.side ? d->books.side(d->books.ctx, asset, bids, coins) : NULL;
    return s ? s->version : UINT64_C(1) << 32 | d->taken->told;
}

static bool none(const struct sold *x)
{
    return i256_sign(x->flight) == 0 && i256_sign(x->fresh) == 0 && i256_sign(x->gone) == 0;
}

static i256 sold_before(struct desk *d, uint16_t asset, bool bids, bool coins)
{
    struct sold *x = &d->taken->sold[asset][bids][coins];
    if (none(x))
        return I256_ZERO;
    uint64_t book = stamp(d, asset, bids, coins);
    if (book != x->book)
        x->gone = I256_ZERO;
    x->book = book;
    x->gone = i256_add(x->gone, x->fresh);
    x->fresh = I256_ZERO;
    return i256_add(x->gone, x->flight);
}

i256 desk_taken(struct desk *d, uint16_t asset, bool bids, bool coins, int64_t px)
{
    if (!d->taken)
        return I256_ZERO;
    i256 own = sold_before(d, asset, bids, coins), other = sold_before(d, asset, bids, !coins);
    if (i256_sign(other) == 0 || px <= 0)
        return own;
    const unsigned decimals = d->book->market.asset[asset].decimals;
    other = coins ? i256_div_ceil(i256_mul(other, i256_pow10(decimals)), i256_from_i64(px))
                  : i256_div10_ceil(i256_mul_i64(other, px), decimals);
    return i256_add(own, other);
}

void desk_takes_none(struct desk *d)
{
    if (d->taken)
        d->taken->next.n = 0;
}

void desk_takes(struct desk *d, uint16_t asset, bool bids, bool coins, i128 qty, unsigned decimals)
{
    if (!d->taken)
        return;
    struct flight *f = &d->taken->next;
    f->part[f->n++] =
        (struct part){asset, bids, coins, i256_mul(i256_from_i128(qty), i256_pow10(FINE - decimals))};
}

static struct sold *sold_of(struct desk *d, const struct part *p)
{
    return &d->taken->sold[p->asset][p->bids][p->coins];
}

static void copy(struct flight *to, const struct flight *from)
{
    to->account = from->account;
    to->n = from->n;
    memcpy(to->part, from->part, from->n * sizeof from->part[0]);
}

void desk_taken_leaves(struct desk *d, size_t account)
{
    struct desk_taken *t = d->taken;
    t->next.account = account;
    for (unsigned i = 0; i < t->next.n; i++) {
        struct sold *x = sold_of(d, &t->next.part[i]);
        x->flight = i256_add(x->flight, t->next.part[i].amount);
    }
    if (t->next.n)
        copy(&t->flight[t->n++], &t->next);
}

void desk_taken_settles(struct desk *d, size_t account, bool filled)
{
    struct desk_taken *t = d->taken;
    uint32_t k = 0;
    while (k < t->n && t->flight[k].account != account)
        k++;
    if (k == t->n)
        return;
    for (unsigned i = 0; i < t->flight[k].n; i++) {
        const struct part *p = &t->flight[k].part[i];
        struct sold *x = sold_of(d, p);
        x->flight = i256_sub(x->flight, p->amount);
        if (filled)
            x->fresh = i256_add(x->fresh, p->amount);
    }
    if (k != --t->n)
        copy(&t->flight[k], &t->flight[t->n]);
}
