// SPDX-License-Identifier: Apache-2.0
#include "exec/staked.h"

#include <assert.h>
#include <stdlib.h>

int staked_init(struct staked_pool *p, uint32_t n)
{
    p->slot = calloc(n ? n : 1, sizeof *p->slot);
    p->free_slot = calloc(n ? n : 1, sizeof *p->free_slot);
    p->n = p->n_free = n;
    if (!p->slot || !p->free_slot)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        p->free_slot[i] = n - i; // lowest name on top
        p->slot[i].full = true;  // touched now: a burst is no time for page faults
    }
    return 0;
}

void staked_free(struct staked_pool *p)
{
    free(p->slot);
    free(p->free_slot);
    *p = (struct staked_pool){0};
}

bool staked_fill(struct staked *s, uint32_t epoch, const struct order_size *size,
                 const struct marks_assets *assets, const int64_t *px)
{
    if (size->n > STAKED_LEGS || assets->n > STAKED_LEGS || !i256_fits_i64(size->value) ||
        !i256_fits_i64(size->reward))
        return false;
    s->epoch = epoch;
    s->full = size->full;
    s->value = i256_to_i64(size->value);
    s->reward = i256_to_i64(size->reward);
    s->n_legs = (uint8_t)size->n;
    s->n_assets = (uint8_t)assets->n;
    for (unsigned i = 0; i < size->n; i++) {
        s->instrument[i] = size->leg[i].instrument;
        s->qty[i] = size->leg[i].qty;
    }
    for (unsigned i = 0; i < assets->n; i++) {
        s->asset[i] = assets->asset[i];
        s->px[i] = px[assets->asset[i]];
    }
    return true;
}

bool staked_copy(const struct staked *s, uint32_t epoch, const int64_t *px, struct order_size *size,
                 struct marks_assets *assets)
{
    if (s->epoch != epoch)
        return false;
    assets->n = s->n_assets;
    for (unsigned i = 0; i < s->n_assets; i++) {
        if (px[s->asset[i]] != s->px[i])
            return false;
        assets->asset[i] = s->asset[i];
    }
    size->full = s->full;
    size->value = i256_from_i64(s->value);
    size->reward = i256_from_i64(s->reward);
    size->n = s->n_legs;
    for (unsigned i = 0; i < s->n_legs; i++)
        size->leg[i] = (struct order_leg){.instrument = s->instrument[i], .qty = s->qty[i]};
    return true;
}

uint32_t staked_keep(struct staked_pool *p, uint32_t epoch, const struct order_size *size,
                     const struct marks_assets *assets, const int64_t *px)
{
    if (p->n_free == 0 || !staked_fill(&p->slot[p->free_slot[p->n_free - 1] - 1], epoch, size, assets, px))
        return STAKED_NONE;
    return p->free_slot[--p->n_free];
}

bool staked_read(const struct staked_pool *p, uint32_t name, uint32_t epoch, const int64_t *px,
                 struct order_size *size, struct marks_assets *assets)
{
    assert(name != STAKED_NONE && name <= p->n);
    return staked_copy(&p->slot[name - 1], epoch, px, size, assets);
}

void staked_give(struct staked_pool *p, uint32_t name)
{
    assert(name != STAKED_NONE && name <= p->n && p->n_free < p->n);
    p->free_slot[p->n_free++] = name;
}
