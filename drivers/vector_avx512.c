// SPDX-License-Identifier: Apache-2.0
// Kernel for AVX-512 F and DQ: a block in eight registers; products of 32 by 32 bits where delta fits, else
// of 64 by 64. Chosen at run time: nothing else in this file may run on a processor without them.
#include "vector.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512       __attribute__((target("avx512f,avx512dq")))
#define AVX512_INNER static inline __attribute__((always_inline, target("avx512f,avx512dq")))
#define EIGHT(X)     X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
enum { ROWS = 8 };

// Of the even 32-bit words of c.
AVX512_INNER __m512i product(__m512i c, __m512i delta, bool wide)
{
    return wide ? _mm512_mullo_epi64(_mm512_srai_epi64(_mm512_slli_epi64(c, 32), 32), delta)
                : _mm512_mul_epi32(c, delta);
}

// Moves a block by one column; whether any of its rows is below zero, armed or not. Sixteen rows at a time: a
// vector of coefficients makes two of h (vector_at).
AVX512_INNER bool move_one(const struct vector_column *c, uint64_t *h, size_t row, bool wide)
{
    const int32_t *coef = c->coef + row;
    __m512i delta = _mm512_set1_epi64((long long)c->delta), any = _mm512_setzero_si512();
#define MOVE(k)                                                                                              \
    do {                                                                                                     \
        __m512i c16 = _mm512_load_si512(coef + (k));                                                         \
        __m512i even = _mm512_add_epi64(_mm512_load_si512(h + (k)), product(c16, delta, wide));              \
        __m512i odd = _mm512_add_epi64(_mm512_load_si512(h + (k) + 8),                                       \
                                       product(_mm512_srli_epi64(c16, 32), delta, wide));                    \
        _mm512_store_si512(h + (k), even);                                                                   \
        _mm512_store_si512(h + (k) + 8, odd);                                                                \
        any = _mm512_or_si512(any, _mm512_or_si512(even, odd));                                              \
    } while (0)
    MOVE(0);
    MOVE(16);
    MOVE(32);
    MOVE(48);
#undef MOVE
    return _mm512_movepi64_mask(any) != 0;
}

// Moves a block by all columns; likewise.
AVX512_INNER bool move(const struct vector_pass *p, uint64_t *h, uint32_t word, unsigned bit, size_t row,
                       bool wide)
{
#define LOAD(i) __m512i h##i = _mm512_load_si512(h + ROWS * i);
    EIGHT(LOAD)
#undef LOAD
    for (unsigned k = 0; k < p->columns; k++) {
        const struct vector_column *c = &p->column[k];
        if (!(c->used[word] >> bit & 1))
            continue;
        const int32_t *coef = c->coef + row;
        __m512i delta = _mm512_set1_epi64((long long)c->delta);
#define ADD(k, even, odd)                                                                                    \
    do {                                                                                                     \
        __m512i c16 = _mm512_load_si512(coef + (k));                                                         \
        even = _mm512_add_epi64(even, product(c16, delta, wide));                                            \
        odd = _mm512_add_epi64(odd, product(_mm512_srli_epi64(c16, 32), delta, wide));                       \
    } while (0)
        ADD(0, h0, h1);
        ADD(16, h2, h3);
        ADD(32, h4, h5);
        ADD(48, h6, h7);
#undef ADD
    }
#define STORE(i) _mm512_store_si512(h + ROWS * i, h##i);
    EIGHT(STORE)
#undef STORE
    __m512i any = _mm512_or_si512(_mm512_or_si512(_mm512_or_si512(h0, h1), _mm512_or_si512(h2, h3)),
                                  _mm512_or_si512(_mm512_or_si512(h4, h5), _mm512_or_si512(h6, h7)));
    return _mm512_movepi64_mask(any) != 0;
}

AVX512 static uint64_t below_zero(const uint64_t *h)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < VECTOR_BLOCK; i += ROWS)
        below |= (uint64_t)_mm512_movepi64_mask(_mm512_load_si512(h + i)) << i;
    return vector_by_row(below);
}

AVX512_INNER uint64_t work(const struct vector_pass *p, uint32_t word, uint64_t *pending, uint32_t *at,
                           bool one, bool wide)
{
    // Copies: read through *p in the loop, they made a dense AVX-512 tick half as long again (measured).
    const struct vector_column first = p->column[0];
    uint64_t *const all = p->h;
    for (uint64_t left = *pending; left;) {
        unsigned bit = (unsigned)__builtin_ctzll(left);
        left &= left - 1;
        uint32_t block = word * VECTOR_BLOCK + bit;
        size_t row = (size_t)block * VECTOR_BLOCK;
        if (!(one ? move_one(&first, all + row, row, wide) : move(p, all + row, word, bit, row, wide)))
            continue;
        uint64_t below = below_zero(all + row) & p->armed[block];
        if (below) {
            *pending = left;
            *at = block;
            return below;
        }
    }
    *pending = 0;
    return 0;
}

AVX512 uint64_t vector_avx512(const struct vector_pass *p, uint32_t word, uint64_t *pending, uint32_t *at)
{
    if (p->columns == 1)
        return p->wide ? work(p, word, pending, at, true, true) : work(p, word, pending, at, true, false);
    return p->wide ? work(p, word, pending, at, false, true) : work(p, word, pending, at, false, false);
}
#else
uint64_t vector_avx512(const struct vector_pass *p, uint32_t word, uint64_t *pending, uint32_t *at)
{
    return vector_scalar(p, word, pending, at);
}
#endif
