// SPDX-License-Identifier: Apache-2.0
// Assets that few rows have: their rows as a list, in the order of their h. A coefficient costs a search and
// at most a move of the list's tail; a list that is built anew was half full at most, so that happens rarely.
#include "vector.h"

#include <string.h>

uint32_t vector_list_find(const struct vector_list *l, uint32_t at)
{
    uint32_t lo = 0, hi = l->n;
    if (hi && l->entry[hi - 1].at < at) // rows are mostly loaded in ascending order
        return hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (l->entry[mid].at < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void set(struct vector_list *l, uint32_t room, uint32_t place, int32_t coef)
{
    uint32_t at = vector_list_find(l, place);
    struct vector_entry *e = l->entry + at;
    size_t behind = (l->n - at) * sizeof *e;
    bool there = at < l->n && e->at == place;
    if (there && coef) {
        e->coef = coef;
    } else if (there) {
        memmove(e, e + 1, behind - sizeof *e);
        l->n--;
    } else if (coef && l->n == room) {
        l->whole = false;
    } else if (coef) {
        memmove(e + 1, e, behind);
        *e = (struct vector_entry){.at = place, .coef = coef};
        l->n++;
    }
}

static void build(struct vector_rows *v, uint32_t asset)
{
    struct vector_list *l = &v->list[asset];
    l->n = 0;
    l->whole = true;
    for (uint32_t w = 0; w < v->reach; w++)
        for (uint64_t left = v->used[(size_t)asset * v->words + w]; left; left &= left - 1) {
            uint32_t first = (w * 64 + (uint32_t)__builtin_ctzll(left)) * VECTOR_BLOCK;
            for (uint32_t at = first; at < first + VECTOR_BLOCK; at++) {
                int32_t coef = vector_rows_coef(v, asset, vector_row_at(at));
                if (coef)
                    l->entry[l->n++] = (struct vector_entry){.at = at, .coef = coef};
            }
        }
}

void vector_list_change(struct vector_rows *v, uint32_t asset, uint32_t row, int32_t before)
{
    struct vector_list *l = &v->list[asset];
    int32_t coef = vector_rows_coef(v, asset, row);
    l->nonzero += (uint32_t)(coef != 0) - (uint32_t)(before != 0);
    if (l->whole)
        set(l, v->list_max, vector_at(row), coef);
    else if (before && !coef && l->nonzero <= v->list_max / 2)
        build(v, asset);
}

void vector_list_move(struct vector_rows *v, const struct vector_moves *m, uint32_t *next, uint32_t end)
{
    const struct vector_entry *e = m->list->entry;
    uint64_t *all = v->h, delta = m->delta;
    uint32_t i = *next, n = m->list->n;
    for (; i < n && e[i].at < end; i++) {
        uint32_t at = e[i].at;
        uint64_t h = all[at] + (uint64_t)(int64_t)e[i].coef * delta;
        all[at] = h;
        if (h >> 63 && vector_rows_armed(v, vector_row_at(at)))
            v->dirty[at / VECTOR_BLOCK / 64] |= UINT64_C(1) << at / VECTOR_BLOCK % 64;
    }
    *next = i;
}
