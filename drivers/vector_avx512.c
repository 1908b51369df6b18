// SPDX-License-Identifier: Apache-2.0
// Kernels for AVX-512 F and DQ: a block in eight registers; products of 32 by 32 bits where delta fits, else
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

// With a row so far up that only its own h says how far prices may go.
AVX512 static __attribute__((noinline)) void look_closely(const uint64_t *h, uint64_t armed,
                                                          struct vector_seen *seen)
{
    __m512i least = _mm512_set1_epi64(INT64_MAX), most = _mm512_setzero_si512();
    for (unsigned i = 0; i < VECTOR_BLOCK; i += ROWS) {
        __m512i x = _mm512_load_si512(h + i);
        least = _mm512_mask_min_epi64(least, (__mmask8)(armed >> i), least, x);
        most = _mm512_mask_max_epi64(most, (__mmask8)(armed >> i), most, x);
    }
    *seen = (struct vector_seen){_mm512_reduce_min_epi64(least), _mm512_reduce_max_epi64(most)};
}

// Sixteen rows at a time: a vector of coefficients makes two of h (vector_at).
AVX512_INNER uint64_t visit(uint64_t *h, const struct vector_column *c, unsigned n, bool wide, uint64_t armed,
                            struct vector_seen *seen)
{
#define LOAD(i) __m512i h##i = _mm512_load_si512(h + ROWS * i);
    EIGHT(LOAD)
#undef LOAD
    for (unsigned k = 0; k < n; k++) {
        const int32_t *coef = c[k].coef;
        __m512i delta = _mm512_set1_epi64((long long)c[k].delta);
#define ADD(i, even, odd)                                                                                    \
    do {                                                                                                     \
        __m512i c16 = _mm512_load_si512(coef + (i));                                                         \
        even = _mm512_add_epi64(even, product(c16, delta, wide));                                            \
        odd = _mm512_add_epi64(odd, product(_mm512_srli_epi64(c16, 32), delta, wide));                       \
    } while (0)
        ADD(0, h0, h1);
        ADD(16, h2, h3);
        ADD(32, h4, h5);
        ADD(48, h6, h7);
#undef ADD
    }
    const __m512i usual = _mm512_set1_epi64(VECTOR_USUAL);
    __m512i least = usual, any = usual;
#define JUDGE(i)                                                                                             \
    do {                                                                                                     \
        __m512i x = _mm512_mask_blend_epi64((__mmask8)(armed >> ROWS * i), usual, h##i);                     \
        _mm512_store_si512(h + ROWS * i, h##i);                                                              \
        least =                                                                                              \
            _mm512_min_epi32(least, x); /* of the upper halves; 64 bits at a time take four times as long */ \
        any = _mm512_or_si512(any, x);                                                                       \
    } while (0);
    EIGHT(JUDGE)
#undef JUDGE
    if (_mm512_movepi64_mask(any)) { // a flag waits: what the bound can be is left to the next visit
        uint64_t below = 0;
#define BELOW(i) below |= (uint64_t)_mm512_movepi64_mask(h##i) << ROWS * i;
        EIGHT(BELOW)
#undef BELOW
        *seen = VECTOR_UNSEEN;
        return below & armed;
    }
    if (_mm512_test_epi64_mask(any, _mm512_set1_epi64(~VECTOR_USUAL))) {
        look_closely(h, armed, seen);
        return 0;
    }
    *seen = (struct vector_seen){_mm512_reduce_min_epi64(_mm512_slli_epi64(_mm512_srai_epi64(least, 32), 32)),
                                 VECTOR_USUAL};
    return 0;
}

AVX512 uint64_t vector_visit_avx512(uint64_t *h, const struct vector_column *c, unsigned n, bool wide,
                                    uint64_t armed, struct vector_seen *seen)
{
    return wide ? visit(h, c, n, true, armed, seen) : visit(h, c, n, false, armed, seen);
}

// The greater of what a fall costs and what a rise does: one of the two is no loss.
AVX512_INNER __m512i loss(__m512i moved, __m512i pos, __m512i neg)
{
    __m512i fall = _mm512_sub_epi64(_mm512_setzero_si512(), _mm512_mul_epi32(pos, moved));
    return _mm512_max_epi64(fall, _mm512_mul_epi32(neg, moved));
}

AVX512 uint64_t vector_bound_avx512(const struct vector_bounds *b, unsigned n, uint64_t old, uint64_t new)
{
    const __m512i before = _mm512_set1_epi64((long long)old), now = _mm512_set1_epi64((long long)new);
    uint64_t broken = 0;
    for (unsigned i = 0; i < n; i += VECTOR_EIGHT) {
        __m512i settled = _mm512_load_si512(b->settled + i), moved = _mm512_sub_epi64(now, settled);
        __m512i pos = _mm512_cvtepu32_epi64(_mm256_load_si256((const __m256i *)(b->pos + i)));
        __m512i neg = _mm512_cvtepu32_epi64(_mm256_load_si256((const __m256i *)(b->neg + i)));
        __m512i slack = _mm512_load_si512(b->slack + i);
        slack = _mm512_add_epi64(slack, loss(_mm512_sub_epi64(before, settled), pos, neg));
        slack = _mm512_sub_epi64(slack, loss(moved, pos, neg));
        _mm512_store_si512(b->slack + i, slack);
        __mmask8 away = _mm512_cmpgt_epu64_mask(_mm512_abs_epi64(moved), _mm512_load_si512(b->far + i));
        __m512i any = _mm512_or_si512(pos, neg);
        away = (__mmask8)(away | _mm512_movepi64_mask(slack)) & _mm512_test_epi64_mask(any, any);
        broken |= (uint64_t)away << i;
    }
    return broken;
}
#else
uint64_t vector_visit_avx512(uint64_t *h, const struct vector_column *c, unsigned n, bool wide,
                             uint64_t armed, struct vector_seen *seen)
{
    return vector_visit_scalar(h, c, n, wide, armed, seen);
}

uint64_t vector_bound_avx512(const struct vector_bounds *b, unsigned n, uint64_t old, uint64_t new)
{
    return vector_bound_scalar(b, n, old, new);
}
#endif
