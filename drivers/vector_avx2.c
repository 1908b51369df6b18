// SPDX-License-Identifier: Apache-2.0
// Kernel for AVX2, which multiplies 32 by 32 bits: h += coef * low + (coef * high << 32), with low the signed
// lower half of delta; exact modulo 2^64 for every delta, and most need no high. Chosen at run time: nothing
// else in this file may run on a processor without AVX2.
#include "vector.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2       __attribute__((target("avx2")))
#define AVX2_INNER static inline __attribute__((always_inline, target("avx2")))
// Half a block in registers: eight vectors of four rows.
#define EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
enum { HALF = VECTOR_BLOCK / 2, ROWS = 4 };

AVX2_INNER __m256i low_half(uint64_t delta)
{
    return _mm256_set1_epi64x((int32_t)(uint32_t)delta);
}

AVX2_INNER __m256i high_half(uint64_t delta)
{
    return _mm256_set1_epi64x((int64_t)((delta - (uint64_t)(int64_t)(int32_t)(uint32_t)delta) >> 32));
}

// Of the even 32-bit words of c.
AVX2_INNER __m256i product(__m256i c, __m256i low, __m256i high, bool wide)
{
    __m256i x = _mm256_mul_epi32(c, low);
    return wide ? _mm256_add_epi64(x, _mm256_slli_epi64(_mm256_mul_epi32(c, high), 32)) : x;
}

// Moves a block by one column; the signs of all its rows, ored, are the result's. Sixteen rows at a time: two
// vectors of coefficients make four of h (vector_at).
AVX2_INNER __m256i move_one(const struct vector_column *c, uint64_t *h, size_t row, __m256i low, __m256i high,
                            bool wide)
{
    const int32_t *coef = c->coef + row;
    __m256i any = _mm256_setzero_si256();
#define MOVE(i, x)                                                                                           \
    do {                                                                                                     \
        __m256i *at = (__m256i *)(h + (i)), y = _mm256_add_epi64(_mm256_load_si256(at), x);                  \
        _mm256_store_si256(at, y);                                                                           \
        any = _mm256_or_si256(any, y);                                                                       \
    } while (0)
#define SIXTEEN(k)                                                                                           \
    do {                                                                                                     \
        __m256i c0 = _mm256_load_si256((const __m256i *)(coef + (k)));                                       \
        __m256i c1 = _mm256_load_si256((const __m256i *)(coef + (k) + 8));                                   \
        MOVE((k), product(c0, low, high, wide));                                                             \
        MOVE((k) + 4, product(c1, low, high, wide));                                                         \
        MOVE((k) + 8, product(_mm256_srli_epi64(c0, 32), low, high, wide));                                  \
        MOVE((k) + 12, product(_mm256_srli_epi64(c1, 32), low, high, wide));                                 \
    } while (0)
    SIXTEEN(0);
    SIXTEEN(16);
    SIXTEEN(32);
    SIXTEEN(48);
#undef SIXTEEN
#undef MOVE
    return any;
}

// Moves half a block by all columns.
AVX2_INNER __m256i move_half(const struct vector_pass *p, uint64_t *all, uint32_t word, unsigned bit,
                             size_t row, bool wide)
{
    __m256i *h = (__m256i *)(all + row);
#define LOAD(i) __m256i h##i = _mm256_load_si256(h + i);
    EIGHT(LOAD)
#undef LOAD
    for (unsigned k = 0; k < p->columns; k++) {
        const struct vector_column *c = &p->column[k];
        if (!(c->used[word] >> bit & 1))
            continue;
        const int32_t *coef = c->coef + row;
        __m256i low = low_half(c->delta), high = high_half(c->delta);
#define ADD(k, even0, even1, odd0, odd1)                                                                     \
    do {                                                                                                     \
        __m256i c0 = _mm256_load_si256((const __m256i *)(coef + (k)));                                       \
        __m256i c1 = _mm256_load_si256((const __m256i *)(coef + (k) + 8));                                   \
        even0 = _mm256_add_epi64(even0, product(c0, low, high, wide));                                       \
        even1 = _mm256_add_epi64(even1, product(c1, low, high, wide));                                       \
        odd0 = _mm256_add_epi64(odd0, product(_mm256_srli_epi64(c0, 32), low, high, wide));                  \
        odd1 = _mm256_add_epi64(odd1, product(_mm256_srli_epi64(c1, 32), low, high, wide));                  \
    } while (0)
        ADD(0, h0, h1, h2, h3);
        ADD(16, h4, h5, h6, h7);
#undef ADD
    }
    __m256i any = _mm256_setzero_si256();
#define STORE(i)                                                                                             \
    _mm256_store_si256(h + i, h##i);                                                                         \
    any = _mm256_or_si256(any, h##i);
    EIGHT(STORE)
#undef STORE
    return any;
}

AVX2 static uint64_t below_zero(const uint64_t *h)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < VECTOR_BLOCK; i += ROWS) {
        __m256d x = _mm256_castsi256_pd(_mm256_load_si256((const __m256i *)(h + i)));
        below |= (uint64_t)(unsigned)_mm256_movemask_pd(x) << i;
    }
    return vector_by_row(below);
}

AVX2_INNER uint64_t work(const struct vector_pass *p, uint32_t word, uint64_t *pending, uint32_t *at,
                         bool one, bool wide)
{
    // Copies, as in vector_avx512.c.
    const struct vector_column first = p->column[0];
    uint64_t *const all = p->h;
    __m256i low = low_half(first.delta), high = high_half(first.delta);
    for (uint64_t left = *pending; left;) {
        unsigned bit = (unsigned)__builtin_ctzll(left);
        left &= left - 1;
        uint32_t block = word * VECTOR_BLOCK + bit;
        size_t row = (size_t)block * VECTOR_BLOCK;
        __m256i any = one ? move_one(&first, all + row, row, low, high, wide)
                          : _mm256_or_si256(move_half(p, all, word, bit, row, wide),
                                            move_half(p, all, word, bit, row + HALF, wide));
        if (!_mm256_movemask_pd(_mm256_castsi256_pd(any)))
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

AVX2 uint64_t vector_avx2(const struct vector_pass *p, uint32_t word, uint64_t *pending, uint32_t *at)
{
    if (p->columns == 1)
        return p->wide ? work(p, word, pending, at, true, true) : work(p, word, pending, at, true, false);
    return p->wide ? work(p, word, pending, at, false, true) : work(p, word, pending, at, false, false);
}
#else
uint64_t vector_avx2(const struct vector_pass *p, uint32_t word, uint64_t *pending, uint32_t *at)
{
    return vector_scalar(p, word, pending, at);
}
#endif
