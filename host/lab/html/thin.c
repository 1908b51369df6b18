// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lab/html/chart.h"

enum { FEW = 1200, CLOUD = 3000, CELL = 4 };

// Of the column's points at[from .. n): first, last, lowest and highest, in their order.
static size_t column_kept(const struct lab_series *s, size_t *at, size_t from, size_t n)
{
    if (n - from <= 4)
        return n;
    size_t low = from, high = from, keep[4];
    for (size_t i = from; i < n; i++) {
        low = s->y[at[i]] < s->y[at[low]] ? i : low;
        high = s->y[at[i]] > s->y[at[high]] ? i : high;
    }
    size_t first = low < high ? low : high, second = low < high ? high : low, k = 0;
    keep[k++] = at[from];
    if (first != from && first != n - 1)
        keep[k++] = at[first];
    if (second != first && second != from && second != n - 1)
        keep[k++] = at[second];
    keep[k++] = at[n - 1];
    memcpy(at + from, keep, k * sizeof *keep);
    return from + k;
}

static size_t thin_columns(const struct lab_frame *g, const struct lab_series *s, size_t *at)
{
    size_t n = 0, from = 0;
    double column = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (!lab_drawable(g->chart, s->x[i], s->y[i]))
            continue;
        double here = (double)(long)axis_at(&g->x, s->x[i]);
        if (n > from && here != column) {
            n = column_kept(s, at, from, n);
            from = n;
        }
        column = here;
        at[n++] = i;
    }
    return column_kept(s, at, from, n);
}

// The points that are farthest to each side: no cell's other point may stand for them.
static void ends_of(const struct lab_frame *g, const struct lab_series *s, size_t *end)
{
    bool any = false;
    for (size_t i = 0; i < s->n; i++) {
        if (!lab_drawable(g->chart, s->x[i], s->y[i]))
            continue;
        for (unsigned k = 0; k < 4; k++) {
            const double *v = k < 2 ? s->x : s->y;
            if (!any || (k & 1 ? v[i] > v[end[k]] : v[i] < v[end[k]]))
                end[k] = i;
        }
        any = true;
    }
}

static size_t thin_cloud(const struct lab_frame *g, const struct lab_series *s, size_t *at)
{
    enum { ACROSS = CHART_WIDTH / CELL + 1, CELLS = ACROSS * ACROSS };
    unsigned char *taken = calloc(CELLS, 1);
    size_t n = 0, end[4] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    if (!taken)
        return SIZE_MAX;
    ends_of(g, s, end);
    for (size_t i = 0; i < s->n; i++) {
        if (!lab_drawable(g->chart, s->x[i], s->y[i]))
            continue;
        size_t column = (size_t)axis_at(&g->x, s->x[i]) / CELL, row = (size_t)axis_at(&g->y, s->y[i]) / CELL;
        bool is_end = i == end[0] || i == end[1] || i == end[2] || i == end[3];
        if (taken[row * ACROSS + column] && !is_end)
            continue;
        taken[row * ACROSS + column] = 1;
        at[n++] = i;
    }
    free(taken);
    return n;
}

size_t lab_thin(const struct lab_frame *g, const struct lab_series *s, size_t *at)
{
    if (s->shape == LAB_POINTS && s->n > CLOUD)
        return thin_cloud(g, s, at);
    if (s->shape != LAB_POINTS && s->n > FEW)
        return thin_columns(g, s, at);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (lab_drawable(g->chart, s->x[i], s->y[i]))
            at[n++] = i;
    return n;
}
