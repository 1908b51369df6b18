// SPDX-License-Identifier: Apache-2.0
#include "exec/limits.h"

#include <assert.h>
#include <stdlib.h>

#include "base/warm.h"

int limits_init(struct limits *l, int64_t max_order_e8, int64_t max_minute_e8, int64_t max_total_e8)
{
    *l = (struct limits){
        .max_order_e8 = max_order_e8, .max_minute_e8 = max_minute_e8, .max_total_e8 = max_total_e8};
    l->ring = calloc(LIMITS_RING, sizeof *l->ring);
    return l->ring ? 0 : -1;
}

void limits_free(struct limits *l)
{
    free(l->ring);
    l->ring = NULL;
}

static struct limits_entry *entry(struct limits *l, uint64_t i)
{
    return &l->ring[i & (LIMITS_RING - 1)];
}

static void expire(struct limits *l, uint64_t now_ns)
{
    if (now_ns > l->now)
        l->now = now_ns;
    while (l->tail != l->head && l->now - entry(l, l->tail)->ns >= LIMITS_WINDOW_NS) {
        l->minute_e8 -= entry(l, l->tail)->value_e8;
        l->tail++;
    }
    assert(l->minute_e8 >= 0);
}

enum limits_verdict limits_check(struct limits *l, uint64_t now_ns, int64_t value_e8)
{
    assert(value_e8 >= 0);
    expire(l, now_ns);
    if (l->max_order_e8 && value_e8 > l->max_order_e8)
        return LIMITS_ORDER;
    if (l->max_minute_e8 && l->minute_e8 + value_e8 > l->max_minute_e8)
        return LIMITS_MINUTE;
    if (l->max_total_e8 && l->total_e8 + value_e8 > l->max_total_e8)
        return LIMITS_TOTAL;
    return LIMITS_OK;
}

void limits_warm(const struct limits *l)
{
    warm(l->ring + (l->head & (LIMITS_RING - 1)), sizeof *l->ring);
}

void limits_take(struct limits *l, int64_t value_e8)
{
    assert(value_e8 >= 0);
    l->total_e8 += value_e8;
    l->minute_e8 += value_e8;
    struct limits_entry *last = l->head != l->tail ? entry(l, l->head - 1) : NULL;
    bool full = l->head - l->tail == LIMITS_RING;
    if (last && (last->ns == l->now || full)) {
        if (last->ns != l->now)
            l->merged++;
        last->ns = l->now;
        last->value_e8 += value_e8;
    } else {
        *entry(l, l->head++) = (struct limits_entry){l->now, value_e8};
    }
}

void limits_give_back(struct limits *l, int64_t value_e8)
{
    assert(value_e8 >= 0 && l->total_e8 >= value_e8);
    l->total_e8 -= value_e8;
}

void limits_take_again(struct limits *l, int64_t value_e8)
{
    assert(value_e8 >= 0);
    l->total_e8 += value_e8;
}

bool limits_predicted(const struct limits *l, int64_t value_e8)
{
    assert(value_e8 >= 0);
    return l->predicted_e8 + value_e8 <= l->max_predicted_e8;
}

void limits_predicted_take(struct limits *l, int64_t value_e8)
{
    assert(value_e8 >= 0);
    l->predicted_e8 += value_e8;
}

void limits_predicted_give_back(struct limits *l, int64_t value_e8)
{
    assert(value_e8 >= 0 && l->predicted_e8 >= value_e8);
    l->predicted_e8 -= value_e8;
}
