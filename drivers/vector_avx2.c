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

static const struct {
    _Alignas(32) int64_t row[ROWS];
} masks[1 << ROWS] = {
#define MASK(i)                                                                                              \
    {                                                                                                        \
        {                                                                                                    \
            -((i)&1), -((i) >> 1 & 1), -((i) >> 2 & 1), -((i) >> 3 & 1)                                      \
        }                                                                                                    \
    }
#define FOUR(i) MASK(i), MASK(i + 1), MASK(i + 2), MASK(i + 3)
    FOUR(0),
    FOUR(4),
    FOUR(8),
    FOUR(12),
#undef FOUR
#undef MASK
};

AVX2_INNER __m256i mask(uint64_t armed, unsigned from)
{
    return _mm256_load_si256((const __m256i *)masks[armed >> from & ((1 << ROWS) - 1)].row);
}

struct extremes {
    __m256i least, any;
};

// Moves half a block by all columns. Sixteen rows at a time: two vectors of coefficients make four of h
// (vector_at).
AVX2_INNER void visit_half(uint64_t *half, const struct vector_column *c, unsigned n, size_t row, bool wide,
                           uint64_t armed, struct extremes *x)
{
    const __m256i usual = _mm256_set1_epi64x(VECTOR_USUAL);
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
#define JUDGE(i)                                                                                             \
    do {                                                                                                     \
        __m256i y = _mm256_blendv_epi8(usual, h##i, mask(armed, ROWS * i));                                  \
        _mm256_store_si256(h + i, h##i);                                                                     \
        x->least = _mm256_min_epi32(x->least, y); /* as in vector_avx512.c, of the upper halves */           \
        x->any = _mm256_or_si256(x->any, y);                                                                 \
    } while (0);
    EIGHT(JUDGE)
#undef JUDGE
}

AVX2_INNER int64_t least_lane(__m256i x)
{
    __m128i two = _mm256_castsi256_si128(least_of(x, _mm256_permute4x64_epi64(x, 0x4e)));
    int64_t a = _mm_cvtsi128_si64(two), b = _mm_extract_epi64(two, 1);
    return a < b ? a : b;
}

// As in vector_avx512.c.
AVX2 static __attribute__((noinline)) void look_closely(const uint64_t *h, uint64_t armed,
                                                        struct vector_seen *seen)
{
    const __m256i zero = _mm256_setzero_si256(), highest = _mm256_set1_epi64x(INT64_MAX);
    __m256i least = highest, lowest = zero; // lowest: of -h
    for (unsigned i = 0; i < VECTOR_BLOCK; i += ROWS) {
        __m256i x = _mm256_load_si256((const __m256i *)(h + i)), mine = mask(armed, i);
        least = least_of(least, _mm256_blendv_epi8(highest, x, mine));
        lowest = least_of(lowest, _mm256_sub_epi64(zero, _mm256_and_si256(x, mine)));
    }
    *seen = (struct vector_seen){least_lane(least), -least_lane(lowest)};
}

AVX2_INNER uint64_t below_zero(const uint64_t *h)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < VECTOR_BLOCK; i += ROWS) {
        __m256d x = _mm256_castsi256_pd(_mm256_load_si256((const __m256i *)(h + i)));
        below |= (uint64_t)(unsigned)_mm256_movemask_pd(x) << i;
    }
    return below;
}

AVX2_INNER uint64_t visit(uint64_t *h, const struct vector_column *c, unsigned n, bool wide, uint64_t armed,
                          struct vector_seen *seen)
{
    const __m256i usual = _mm256_set1_epi64x(VECTOR_USUAL), upper = _mm256_set1_epi64x(~(int64_t)UINT32_MAX);
    struct extremes x = {usual, usual};
    visit_half(h, c, n, 0, wide, armed, &x);
    visit_half(h + HALF, c, n, HALF, wide, armed >> HALF, &x);
    if (_mm256_movemask_pd(_mm256_castsi256_pd(x.any))) {
        *seen = VECTOR_UNSEEN;
        return below_zero(h) & armed;
    }
    if (!_mm256_testz_si256(x.any, _mm256_set1_epi64x(~VECTOR_USUAL))) {
        look_closely(h, armed, seen);
        return 0;
    }
    *seen = (struct vector_seen){least_lane(_mm256_and_si256(x.least, upper)), VECTOR_USUAL};
    return 0;
}

AVX2 uint64_t vector_visit_avx2(uint64_t *h, const struct vector_column *c, unsigned n, bool wide,
                                uint64_t armed, struct vector_seen *seen)
{
    return wide ? visit(h, c, n, true, armed, seen) : visit(h, c, n, false, armed, seen);
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
