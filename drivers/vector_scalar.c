// SPDX-License-Identifier: Apache-2.0
// Kernels for any processor.
#include "vector.h"

static void move(uint64_t *h, const struct vector_column *c)
{
    for (unsigned g = 0; g < VECTOR_BLOCK; g += 16)
        for (unsigned i = 0; i < 8; i++) {
            h[g + i] += (uint64_t)(int64_t)c->coef[g + 2 * i] * c->delta;
            h[g + 8 + i] += (uint64_t)(int64_t)c->coef[g + 2 * i + 1] * c->delta;
        }
}

uint64_t vector_visit_scalar(uint64_t *h, const struct vector_column *c, unsigned n, bool wide,
                             uint64_t armed, struct vector_seen *seen)
{
    (void)wide;
    for (unsigned k = 0; k < n; k++)
        move(h, &c[k]);
    uint64_t below = 0;
    *seen = (struct vector_seen){INT64_MAX, 0};
    for (uint64_t left = armed; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        int64_t x = (int64_t)h[i];
        if (x < 0) {
            below |= UINT64_C(1) << i;
            continue;
        }
        seen->least = x < seen->least ? x : seen->least;
        seen->most = x > seen->most ? x : seen->most;
    }
    return below;
}

// Of the low 32 bits of how far the price has moved: all that counts while it is not beyond `far`.
static uint64_t loss(uint64_t moved, uint32_t pos, uint32_t neg)
{
    int64_t d = (int32_t)(uint32_t)moved;
    return (uint64_t)(d < 0 ? -d * pos : d * neg);
}

uint64_t vector_bound_scalar(const struct vector_bounds *b, unsigned n, uint64_t old, uint64_t new)
{
    uint64_t broken = 0;
    for (unsigned i = 0; i < n; i++) {
        uint32_t pos = b->pos[i], neg = b->neg[i];
        if (!(pos | neg))
            continue;
        uint64_t before = old - b->settled[i], now = new - b->settled[i];
        uint64_t slack = (uint64_t)b->slack[i] + loss(before, pos, neg) - loss(now, pos, neg);
        uint64_t distance = now >> 63 ? -now : now;
        b->slack[i] = (int64_t)slack;
        broken |= (uint64_t)(slack >> 63 || distance > (uint64_t)b->far[i]) << i;
    }
    return broken;
}
