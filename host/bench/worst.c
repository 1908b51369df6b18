// SPDX-License-Identifier: Apache-2.0
#include "bench/worst.h"

#include <assert.h>
#include <stdlib.h>

void worst_init(struct worst *w, enum stamp to, size_t most)
{
    assert(most <= WORST_MAX);
    w->to = to;
    w->n = 0;
    w->most = most;
}

static void swap(struct worst_frame *a, struct worst_frame *b)
{
    struct worst_frame t = *a;
    *a = *b;
    *b = t;
}

static void up(struct worst *w, size_t i)
{
    for (; i && w->at[i].ticks < w->at[(i - 1) / 2].ticks; i = (i - 1) / 2)
        swap(&w->at[i], &w->at[(i - 1) / 2]);
}

static void down(struct worst *w)
{
    for (size_t i = 0, least; (least = 2 * i + 1) < w->n; i = least) {
        if (least + 1 < w->n && w->at[least + 1].ticks < w->at[least].ticks)
            least++;
        if (w->at[i].ticks <= w->at[least].ticks)
            return;
        swap(&w->at[i], &w->at[least]);
    }
}

void worst_take(struct worst *w, const struct frame_stamps *s, uint64_t frame, uint64_t pass, uint32_t behind)
{
    uint64_t to = s->at[w->to], from = s->at[STAMP_ARRIVED];
    if (to <= from || w->most == 0 || (w->n == w->most && to - from <= w->at[0].ticks))
        return;
    size_t i = w->n < w->most ? w->n++ : 0;
    w->at[i] = (struct worst_frame){
        .ticks = to - from, .frame = frame, .pass = pass, .behind = behind, .stamps = *s};
    if (i)
        up(w, i);
    else
        down(w);
}

static int slower(const void *a, const void *b)
{
    const struct worst_frame *x = a, *y = b;
    if (x->ticks != y->ticks)
        return x->ticks < y->ticks ? 1 : -1;
    if (x->pass != y->pass)
        return x->pass < y->pass ? -1 : 1;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

void worst_sort(struct worst *w)
{
    qsort(w->at, w->n, sizeof w->at[0], slower);
}
