// SPDX-License-Identifier: Apache-2.0
// Kernel for any processor.
#include "vector.h"

static void move(const struct vector_column *c, size_t row, uint64_t *h)
{
    const int32_t *coef = c->coef + row;
    for (unsigned g = 0; g < VECTOR_BLOCK; g += 16)
        for (unsigned i = 0; i < 8; i++) {
            h[g + i] += (uint64_t)(int64_t)coef[g + 2 * i] * c->delta;
            h[g + 8 + i] += (uint64_t)(int64_t)coef[g + 2 * i + 1] * c->delta;
        }
}

uint64_t vector_scalar(const struct vector_pass *p, uint32_t word, uint64_t *pending, uint32_t *at)
{
    while (*pending) {
        unsigned bit = (unsigned)__builtin_ctzll(*pending);
        *pending &= *pending - 1;
        uint32_t block = word * VECTOR_BLOCK + bit;
        uint64_t *h = p->h + (size_t)block * VECTOR_BLOCK;
        for (unsigned k = 0; k < p->columns; k++)
            if (p->column[k].used[word] >> bit & 1)
                move(&p->column[k], (size_t)block * VECTOR_BLOCK, h);
        uint64_t any = 0, below = 0;
        for (unsigned i = 0; i < VECTOR_BLOCK; i++)
            any |= h[i];
        if (!(any >> 63))
            continue;
        for (unsigned i = 0; i < VECTOR_BLOCK; i++)
            below |= h[i] >> 63 << i;
        below = vector_by_row(below) & p->armed[block];
        if (below) {
            *at = block;
            return below;
        }
    }
    return 0;
}
