// SPDX-License-Identifier: Apache-2.0
// The bound that spares a tick most of the back end `vector`'s blocks (docs/vector.md has the proof).
//
// h of a block's rows is that of the prices S (`settled`) at which the block was visited last; at prices P a
// row's H is h + sum over assets of coef * (P - S). Where |P - S| <= far for each asset, with far chosen so
// that no sum can leave 63 bits, every armed row of the block has
//   H >= slack = least h then - sum over assets of loss(P - S),
//   loss(d) = neg * d for d > 0, pos * -d for d < 0: what the worst coefficient makes of it,
// and a block with slack >= 0 has no armed row below zero: nothing of it need be read. A tick of one asset
// changes one term of the sum, for eight blocks at a time.
#include "vector.h"

static int64_t greater(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void vector_bound_coef(struct vector_rows *v, uint32_t asset, uint32_t block, int32_t before, int32_t now)
{
    size_t at = (size_t)asset * v->stride + block;
    uint8_t *count = &v->count[(size_t)asset * v->blocks + block];
    uint64_t *used = &v->used[(size_t)asset * v->words + block / 64];
    uint64_t *has = &v->has[(size_t)block * v->asset_words + asset / 64];
    uint64_t bit = UINT64_C(1) << block % 64, mine = UINT64_C(1) << asset % 64;
    int64_t most = greater(v->pos[at], v->neg[at]);
    if (!*count)
        v->settled[at] = v->price[asset]; // no row has moved by it, whatever it was
    *count = (uint8_t)(*count + (now != 0) - (before != 0));
    if (!*count) {
        *used &= ~bit;
        *has &= ~mine;
        v->pos[at] = v->neg[at] = 0;
    } else {
        *used |= bit;
        *has |= mine;
        v->pos[at] = now > 0 && (uint32_t)now > v->pos[at] ? (uint32_t)now : v->pos[at];
        v->neg[at] = now < 0 && (uint32_t)-now > v->neg[at] ? (uint32_t)-now : v->neg[at];
    }
    v->sum[block] += (uint64_t)(greater(v->pos[at], v->neg[at]) - most);
}

void vector_bound_tighten(struct vector_rows *v, uint32_t block)
{
    v->sum[block] = 0;
    for (uint32_t w = 0; w < v->asset_words; w++)
        for (uint64_t left = v->has[(size_t)block * v->asset_words + w]; left; left &= left - 1) {
            uint32_t asset = w * 64 + (uint32_t)__builtin_ctzll(left);
            const int32_t *coef = v->coef + ((size_t)asset * v->blocks + block) * VECTOR_BLOCK;
            size_t at = (size_t)asset * v->stride + block;
            int32_t most = 0, least = 0;
            for (unsigned i = 0; i < VECTOR_BLOCK; i++) {
                most = coef[i] > most ? coef[i] : most;
                least = coef[i] < least ? coef[i] : least;
            }
            v->pos[at] = (uint32_t)most;
            v->neg[at] = (uint32_t)-least;
            v->sum[block] += (uint64_t)greater(v->pos[at], v->neg[at]);
        }
    v->loads[block] = 0;
}

void vector_bound_seen(struct vector_rows *v, uint32_t block, const struct vector_seen *seen)
{
    uint64_t sum = v->sum[block]; // below 2^(12 + 26)
    unsigned bits = sum ? 64 - (unsigned)__builtin_clzll(sum) : 0;
    int64_t far = (INT64_MAX - seen->most) >> bits; // so sum * far <= INT64_MAX - most, without a division
    v->slack[block] = seen->least;
    v->far[block] = far < INT32_MAX ? far : INT32_MAX;
}

uint64_t vector_bound_check(struct vector_rows *v, const struct vector_pass *p, uint32_t first, unsigned n)
{
    size_t at = (size_t)p->asset * v->stride + first;
    const struct vector_bounds b = {.settled = v->settled + at,
                                    .pos = v->pos + at,
                                    .neg = v->neg + at,
                                    .slack = v->slack + first,
                                    .far = v->far + first};
    return v->isa->bound(&b, n, p->old, p->new) << first % 64;
}
