// SPDX-License-Identifier: Apache-2.0
#include "exec/ready.h"

#include <assert.h>
#include <stdlib.h>

#include "base/pages.h"

enum { PPM = 1000000, READY_NEAR_MAX = 16 };

int ready_init(struct ready_pool *p, uint32_t n)
{
    p->slot = pages_new(n, sizeof *p->slot);
    p->free_slot = calloc(n, sizeof *p->free_slot);
    p->n = p->n_free = n;
    if (!p->slot || !p->free_slot)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        p->free_slot[i] = n - i; // lowest name on top
    return 0;
}

void ready_free_all(struct ready_pool *p)
{
    free(p->slot);
    free(p->free_slot);
    *p = (struct ready_pool){0};
}

uint32_t ready_take(struct ready_pool *p)
{
    return p->n_free ? p->free_slot[--p->n_free] : READY_NONE;
}

void ready_give(struct ready_pool *p, uint32_t name)
{
    assert(name != READY_NONE && name <= p->n && p->n_free < p->n);
    p->free_slot[p->n_free++] = name;
}

bool ready_moved(const struct ready *r, const int64_t *px, uint32_t tolerance_ppm)
{
    for (unsigned i = 0; i < r->assets.n; i++) {
        int64_t was = r->checked_px[i], now = px[r->assets.asset[i]];
        i128 d = (i128)now - was;
        if ((d < 0 ? -d : d) * 2 * PPM > (i128)was * tolerance_ppm)
            return true;
    }
    return false;
}

bool ready_stands(const struct ready *r, const int64_t *px, unsigned *near)
{
    unsigned least = READY_NEAR_MAX;
    for (unsigned i = 0; i < r->assets.n; i++) {
        int64_t was = r->sized_px[i], now = px[r->assets.asset[i]];
        uint64_t d = now < was ? (uint64_t)was - (uint64_t)now : (uint64_t)now - (uint64_t)was;
        if ((u128)d * PPM > (u128)(uint64_t)was * r->radius_ppm)
            return false;
        if (d == 0)
            continue;
        // d < 2^(its bits), was >= 2^(its bits - 1); a radius is at most a half, so was has more.
        unsigned bits = 64 - (unsigned)__builtin_clzll(d);
        unsigned less = 63 - (unsigned)__builtin_clzll((uint64_t)was) - bits;
        least = less < least ? less : least;
    }
    *near = least;
    return r->radius_ppm != 0;
}

static bool within(i128 qty, i128 exact, uint32_t ppm)
{
    if (qty == (int64_t)qty && exact == (int64_t)exact) { // the usual
        i128 d = qty - exact, e = exact;
        return (d < 0 ? -d : d) * PPM <= (e < 0 ? -e : e) * ppm;
    }
    i256 d = i256_abs(i256_sub(i256_from_i128(qty), i256_from_i128(exact)));
    return i256_cmp(i256_mul_i64(d, PPM), i256_mul_i64(i256_abs(i256_from_i128(exact)), ppm)) <= 0;
}

bool ready_close(const struct order *o, const struct order_size *exact, uint32_t tolerance_ppm)
{
    if (o->full != exact->full || o->n != exact->n)
        return false;
    uint32_t ppm = exact->full ? 0 : tolerance_ppm;
    for (unsigned i = 0; i < o->n; i++) {
        if (o->leg[i].instrument != exact->leg[i].instrument ||
            !within(o->leg[i].qty, exact->leg[i].qty, ppm))
            return false;
    }
    return true;
}

bool ready_below(const struct order *o, const struct order_size *exact)
{
    if (o->full || exact->full || o->n != exact->n)
        return false;
    for (unsigned i = 0; i < o->n; i++) {
        if (o->leg[i].instrument != exact->leg[i].instrument || o->leg[i].qty > exact->leg[i].qty)
            return false;
    }
    return true;
}
