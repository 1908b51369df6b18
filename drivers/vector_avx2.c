// SPDX-License-Identifier: Apache-2.0
// Kernels for AVX2, which multiplies 32 by 32 bits: h += coef * low + (coef * high << 32), with low the
// signed lower half of delta; exact modulo 2^64 for every delta, and most need no high. Chosen at run time:
// nothing else in this file may run on a processor without AVX2.
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

AVX2_INNER __m256i least_of(__m256i a, __m256i b)
{
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

AVX2_INNER __m256i most_of(__m256i a, __m256i b)
{
    return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
}

struct extremes {
    __m256i least, most;
};

// Moves half a block by all columns. Sixteen rows at a time: two vectors of coefficients make four of h
// (vector_at). Bits of the rows below zero by place of h; place: those that are armed.
AVX2_INNER uint32_t visit_half(uint64_t *half, const struct vector_column *c, unsigned n, size_t row,
                               bool wide, uint32_t place, struct extremes *x)
{
    const __m256i bit = _mm256_set_epi64x(8, 4, 2, 1), zero = _mm256_setzero_si256();
    __m256i *h = (__m256i *)half;
#define LOAD(i) __m256i h##i = _mm256_load_si256(h + i);
    EIGHT(LOAD)
#undef LOAD
    for (unsigned k = 0; k < n; k++) {
        const int32_t *coef = c[k].coef + row;
        __m256i low = low_half(c[k].delta), high = high_half(c[k].delta);
#define ADD(i, even0, even1, odd0, odd1)                                                                     \
    do {                                                                                                     \
        __m256i c0 = _mm256_load_si256((const __m256i *)(coef + (i)));                                       \
        __m256i c1 = _mm256_load_si256((const __m256i *)(coef + (i) + 8));                                   \
        even0 = _mm256_add_epi64(even0, product(c0, low, high, wide));                                       \
        even1 = _mm256_add_epi64(even1, product(c1, low, high, wide));                                       \
        odd0 = _mm256_add_epi64(odd0, product(_mm256_srli_epi64(c0, 32), low, high, wide));                  \
        odd1 = _mm256_add_epi64(odd1, product(_mm256_srli_epi64(c1, 32), low, high, wide));                  \
    } while (0)
        ADD(0, h0, h1, h2, h3);
        ADD(16, h4, h5, h6, h7);
#undef ADD
    }
    uint32_t below = 0;
#define JUDGE(i)                                                                                             \
    do {                                                                                                     \
        __m256i armed = _mm256_and_si256(_mm256_set1_epi64x(place >> ROWS * i & 15), bit);                   \
        __m256i sound = _mm256_andnot_si256(_mm256_cmpgt_epi64(zero, h##i), _mm256_cmpeq_epi64(armed, bit)); \
        _mm256_store_si256(h + i, h##i);                                                                     \
        below |= (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(h##i)) << ROWS * i;                        \
        x->least = least_of(x->least, _mm256_blendv_epi8(x->least, h##i, sound));                            \
        x->most = most_of(x->most, _mm256_and_si256(h##i, sound));                                           \
    } while (0);
    EIGHT(JUDGE)
#undef JUDGE
    return below & place;
}

AVX2_INNER uint64_t visit(uint64_t *h, const struct vector_column *c, unsigned n, bool wide, uint64_t place,
                          struct vector_seen *seen)
{
    struct extremes x = {_mm256_set1_epi64x(INT64_MAX), _mm256_setzero_si256()};
    uint64_t below = visit_half(h, c, n, 0, wide, (uint32_t)place, &x);
    below |= (uint64_t)visit_half(h + HALF, c, n, HALF, wide, (uint32_t)(place >> HALF), &x) << HALF;
    int64_t least[ROWS], most[ROWS];
    _mm256_storeu_si256((__m256i *)least, x.least);
    _mm256_storeu_si256((__m256i *)most, x.most);
    *seen = (struct vector_seen){least[0], most[0]};
    for (unsigned i = 1; i < ROWS; i++) {
        seen->least = least[i] < seen->least ? least[i] : seen->least;
        seen->most = most[i] > seen->most ? most[i] : seen->most;
    }
    return vector_by_row(below);
}

AVX2 uint64_t vector_visit_avx2(uint64_t *h, const struct vector_column *c, unsigned n, bool wide,
                                uint64_t armed, struct vector_seen *seen)
{
    uint64_t place = vector_by_place(armed);
    return wide ? visit(h, c, n, true, place, seen) : visit(h, c, n, false, place, seen);
}

// As in vector_avx512.c.
AVX2_INNER __m256i loss(__m256i moved, __m256i pos, __m256i neg)
{
    __m256i fall = _mm256_sub_epi64(_mm256_setzero_si256(), _mm256_mul_epi32(pos, moved));
    return most_of(fall, _mm256_mul_epi32(neg, moved));
}

AVX2 uint64_t vector_bound_avx2(const struct vector_bounds *b, unsigned n, uint64_t old, uint64_t new)
{
    const __m256i before = _mm256_set1_epi64x((long long)old), now = _mm256_set1_epi64x((long long)new);
    const __m256i zero = _mm256_setzero_si256();
    uint64_t broken = 0;
    for (unsigned i = 0; i < n; i += ROWS) {
        __m256i settled = _mm256_load_si256((const __m256i *)(b->settled + i));
        __m256i pos = _mm256_cvtepu32_epi64(_mm_load_si128((const __m128i *)(b->pos + i)));
        __m256i neg = _mm256_cvtepu32_epi64(_mm_load_si128((const __m128i *)(b->neg + i)));
        __m256i moved = _mm256_sub_epi64(now, settled), down = _mm256_cmpgt_epi64(zero, moved);
        __m256i slack = _mm256_load_si256((const __m256i *)(b->slack + i));
        slack = _mm256_add_epi64(slack, loss(_mm256_sub_epi64(before, settled), pos, neg));
        slack = _mm256_sub_epi64(slack, loss(moved, pos, neg));
        _mm256_store_si256((__m256i *)(b->slack + i), slack);
        // What counts of all these is the sign; -2^63 has no absolute value, and keeps it.
        __m256i distance = _mm256_sub_epi64(_mm256_xor_si256(moved, down), down);
        __m256i far = _mm256_load_si256((const __m256i *)(b->far + i));
        __m256i away = _mm256_or_si256(_mm256_cmpgt_epi64(distance, far), distance);
        __m256i none = _mm256_cmpeq_epi64(_mm256_or_si256(pos, neg), zero);
        away = _mm256_andnot_si256(none, _mm256_or_si256(away, slack));
        broken |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(away)) << i;
    }
    return broken;
}
#else
uint64_t vector_visit_avx2(uint64_t *h, const struct vector_column *c, unsigned n, bool wide, uint64_t armed,
                           struct vector_seen *seen)
{
    return vector_visit_scalar(h, c, n, wide, armed, seen);
}

uint64_t vector_bound_avx2(const struct vector_bounds *b, unsigned n, uint64_t old, uint64_t new)
{
    return vector_bound_scalar(b, n, old, new);
}
#endif
