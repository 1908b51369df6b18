// SPDX-License-Identifier: Apache-2.0
// Bounded little-endian writer and reader for codecs of fixed fields. A cursor that ran over its end stays
// failed and touches no memory, so a codec checks once, at its end. Pure functions over the caller's memory.
#ifndef TRIPLINE_BASE_CURSOR_H
#define TRIPLINE_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/wide.h"

struct wcur {
    uint8_t *p;
    size_t left, done;
    bool bad;
};
struct rcur {
    const uint8_t *p;
    size_t left;
    bool bad;
};

static inline struct wcur wcur_of(uint8_t *buf, size_t size)
{
    return (struct wcur){buf, size, 0, false};
}
static inline struct rcur rcur_of(const uint8_t *buf, size_t len)
{
    return (struct rcur){buf, len, false};
}

// Reserves n bytes; NULL when they do not fit.
static inline uint8_t *wcur_take(struct wcur *c, size_t n)
{
    if (c->bad || n > c->left) {
        c->bad = true;
        return NULL;
    }
    uint8_t *at = c->p;
    c->p += n;
    c->left -= n;
    c->done += n;
    return at;
}
static inline void put_u8(struct wcur *c, uint8_t v)
{
    uint8_t *at = wcur_take(c, 1);
    if (at)
        *at = v;
}
static inline void put_u16(struct wcur *c, uint16_t v)
{
    uint8_t *at = wcur_take(c, 2);
    if (at)
        le16_store(at, v);
}
static inline void put_u32(struct wcur *c, uint32_t v)
{
    uint8_t *at = wcur_take(c, 4);
    if (at)
        le32_store(at, v);
}
static inline void put_u64(struct wcur *c, uint64_t v)
{
    uint8_t *at = wcur_take(c, 8);
    if (at)
        le64_store(at, v);
}
static inline void put_i64(struct wcur *c, int64_t v)
{
    put_u64(c, (uint64_t)v);
}
static inline void put_i128(struct wcur *c, i128 v)
{
    put_u64(c, (uint64_t)(u128)v);
    put_u64(c, (uint64_t)((u128)v >> 64));
}
static inline void put_bytes(struct wcur *c, const void *data, size_t n)
{
    uint8_t *at = wcur_take(c, n);
    if (at && n)
        memcpy(at, data, n);
}
// Bytes written, 0 when something did not fit.
static inline size_t wcur_done(const struct wcur *c)
{
    return c->bad ? 0 : c->done;
}

static inline const uint8_t *rcur_take(struct rcur *c, size_t n)
{
    if (c->bad || n > c->left) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *at = c->p;
    c->p += n;
    c->left -= n;
    return at;
}
static inline uint64_t get_le(struct rcur *c, size_t n)
{
    const uint8_t *at = rcur_take(c, n);
    uint64_t v = 0;
    for (size_t i = 0; at && i < n; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}
static inline uint8_t get_u8(struct rcur *c)
{
    return (uint8_t)get_le(c, 1);
}
static inline uint16_t get_u16(struct rcur *c)
{
    return (uint16_t)get_le(c, 2);
}
static inline uint32_t get_u32(struct rcur *c)
{
    return (uint32_t)get_le(c, 4);
}
static inline uint64_t get_u64(struct rcur *c)
{
    return get_le(c, 8);
}
static inline int64_t get_i64(struct rcur *c)
{
    return (int64_t)get_le(c, 8);
}
static inline i128 get_i128(struct rcur *c)
{
    u128 lo = get_le(c, 8);
    u128 hi = get_le(c, 8);
    return (i128)(lo | hi << 64);
}
// True when everything was read and nothing is left.
static inline bool rcur_end(const struct rcur *c)
{
    return !c->bad && c->left == 0;
}

#endif
