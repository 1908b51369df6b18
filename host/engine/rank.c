// SPDX-License-Identifier: Apache-2.0
#include "engine/rank.h"

#include <assert.h>
#include <stdlib.h>

#include "base/pages.h"

enum { CHILDREN = 4, TOUCHED = 32768 };

int rank_init(struct rank *r, uint32_t ids)
{
    *r = (struct rank){.ids = ids};
    r->heap = calloc(ids ? ids : 1, sizeof *r->heap);
    r->at = pages_new(ids, sizeof *r->at);
    if (!r->heap || !r->at) {
        rank_free(r);
        return -1;
    }
    for (uint32_t i = 0; i < ids && i < TOUCHED; i++)
        r->heap[i].id = 1; // a burst is no time for page faults
    return 0;
}

void rank_free(struct rank *r)
{
    free(r->heap);
    free(r->at);
    *r = (struct rank){0};
}

static bool before(const struct rank_item *a, const struct rank_item *b)
{
    return a->stake != b->stake ? a->stake > b->stake : a->rest > b->rest;
}

static void set(struct rank *r, uint32_t place, struct rank_item x)
{
    r->heap[place] = x;
    r->at[x.id] = place + 1;
}

static void sift_up(struct rank *r, uint32_t place, struct rank_item x)
{
    while (place > 0) {
        uint32_t parent = (place - 1) / CHILDREN;
        if (!before(&x, &r->heap[parent]))
            break;
        set(r, place, r->heap[parent]);
        place = parent;
    }
    set(r, place, x);
}

static void sift_down(struct rank *r, uint32_t place, struct rank_item x)
{
    for (;;) {
        uint32_t first = place * CHILDREN + 1, best = first; // ids are below 2^30: no wrap
        if (first >= r->n)
            break;
        for (uint32_t c = first + 1; c < first + CHILDREN && c < r->n; c++)
            if (before(&r->heap[c], &r->heap[best]))
                best = c;
        if (!before(&r->heap[best], &x))
            break;
        set(r, place, r->heap[best]);
        place = best;
    }
    set(r, place, x);
}

void rank_put(struct rank *r, uint32_t id, int64_t stake, uint32_t depth)
{
    assert(id < r->ids);
    rank_remove(r, id);
    if (r->n == 0)
        r->puts = 0;
    const struct rank_item x = {stake, (uint64_t)depth << 32 | (UINT32_MAX - r->puts++), id};
    sift_up(r, r->n++, x);
}

void rank_remove(struct rank *r, uint32_t id)
{
    assert(id < r->ids);
    if (r->at[id] == 0)
        return;
    uint32_t place = r->at[id] - 1;
    r->at[id] = 0;
    const struct rank_item last = r->heap[--r->n];
    if (place == r->n)
        return;
    if (place > 0 && before(&last, &r->heap[(place - 1) / CHILDREN]))
        sift_up(r, place, last);
    else
        sift_down(r, place, last);
}

bool rank_take(struct rank *r, uint32_t *id)
{
    if (r->n == 0)
        return false;
    *id = r->heap[0].id;
    rank_remove(r, *id);
    return true;
}
