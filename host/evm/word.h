// SPDX-License-Identifier: Apache-2.0
// The EVM's two elementary types. A word is 256 bits, big endian as on the chain: an unsigned integer up to
// 2^256 - 1, a signed one in two's complement, a hash or a storage key, by what the reader makes of it. i256
// (base/wide.h) is what rules calculate in; it holds unsigned values below 2^255 only, so each conversion
// that can lose something refuses: 0, or -1 with *out left alone. (Aave's health factor without a debt is
// 2^256 - 1, which a word holds and i256 does not.) Pure functions, any thread.
#ifndef TRIPLINE_EVM_WORD_H
#define TRIPLINE_EVM_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/wide.h"

enum { WORD_BYTES = 32, ADDRESS_BYTES = 20 };

struct word {
    uint8_t b[WORD_BYTES];
};
struct evm_address {
    uint8_t b[ADDRESS_BYTES];
};

static inline uint64_t be64_load(const uint8_t *p)
{
    return __builtin_bswap64(le64_load(p));
}
static inline void be64_store(uint8_t *p, uint64_t v)
{
    le64_store(p, __builtin_bswap64(v));
}

static inline struct word word_from_u128(u128 v)
{
    struct word w = {{0}};
    be64_store(w.b + 16, (uint64_t)(v >> 64));
    be64_store(w.b + 24, (uint64_t)v);
    return w;
}
static inline struct word word_from_u64(uint64_t v)
{
    return word_from_u128(v);
}
// Two's complement, as int256 has it.
static inline struct word word_from_signed(i256 v)
{
    struct word w;
    for (size_t i = 0; i < 4; i++)
        be64_store(w.b + 8 * i, v.w[3 - i]);
    return w;
}
static inline i256 word_to_signed(const struct word *w)
{
    i256 v;
    for (size_t i = 0; i < 4; i++)
        v.w[3 - i] = be64_load(w->b + 8 * i);
    return v;
}
// As uint256: -1 when v is negative.
static inline int word_from_unsigned(i256 v, struct word *out)
{
    if (i256_sign(v) < 0)
        return -1;
    *out = word_from_signed(v);
    return 0;
}
// Of uint256: -1 from 2^255 on.
static inline int word_to_unsigned(const struct word *w, i256 *out)
{
    if (w->b[0] >> 7)
        return -1;
    *out = word_to_signed(w);
    return 0;
}
static inline int word_to_u128(const struct word *w, u128 *out)
{
    if (be64_load(w->b) | be64_load(w->b + 8))
        return -1;
    *out = (u128)be64_load(w->b + 16) << 64 | be64_load(w->b + 24);
    return 0;
}
static inline int word_to_u64(const struct word *w, uint64_t *out)
{
    u128 v;
    if (word_to_u128(w, &v) || v >> 64)
        return -1;
    *out = (uint64_t)v;
    return 0;
}
static inline struct word word_from_address(const struct evm_address *a)
{
    struct word w = {{0}};
    memcpy(w.b + WORD_BYTES - ADDRESS_BYTES, a->b, ADDRESS_BYTES);
    return w;
}
// -1 when the upper 12 bytes are not zero.
static inline int word_to_address(const struct word *w, struct evm_address *out)
{
    if (be64_load(w->b) | be64_load(w->b + 4))
        return -1;
    memcpy(out->b, w->b + WORD_BYTES - ADDRESS_BYTES, ADDRESS_BYTES);
    return 0;
}
// Bytes without leading zeros: 0 for 0, at most 32.
static inline size_t word_length(const struct word *w)
{
    size_t i = 0;
    while (i < WORD_BYTES && w->b[i] == 0)
        i++;
    return WORD_BYTES - i;
}
static inline bool word_is_zero(const struct word *w)
{
    return (be64_load(w->b) | be64_load(w->b + 8) | be64_load(w->b + 16) | be64_load(w->b + 24)) == 0;
}
// As unsigned integers: <0, 0, >0. Also the order of hashes.
static inline int word_compare(const struct word *a, const struct word *b)
{
    return memcmp(a->b, b->b, WORD_BYTES);
}
static inline bool word_equal(const struct word *a, const struct word *b)
{
    return word_compare(a, b) == 0;
}
static inline bool address_equal(const struct evm_address *a, const struct evm_address *b)
{
    return memcmp(a->b, b->b, ADDRESS_BYTES) == 0;
}

#endif
