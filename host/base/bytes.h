// SPDX-License-Identifier: Apache-2.0
// Little-endian loads and stores at any alignment, for wire and file formats. The caller has checked that the
// bytes are there. One machine move each on little-endian hosts. Pure functions, valid in C and C++.
#ifndef TRIPLINE_BASE_BYTES_H
#define TRIPLINE_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_LE16(v) (v)
#define BYTES_LE32(v) (v)
#define BYTES_LE64(v) (v)
#else
#define BYTES_LE16(v) __builtin_bswap16(v)
#define BYTES_LE32(v) __builtin_bswap32(v)
#define BYTES_LE64(v) __builtin_bswap64(v)
#endif

static inline uint16_t le16_load(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return BYTES_LE16(v);
}

static inline uint32_t le32_load(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return BYTES_LE32(v);
}

static inline uint64_t le64_load(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return BYTES_LE64(v);
}

static inline void le16_store(void *p, uint16_t v)
{
    v = BYTES_LE16(v);
    memcpy(p, &v, sizeof v);
}

static inline void le32_store(void *p, uint32_t v)
{
    v = BYTES_LE32(v);
    memcpy(p, &v, sizeof v);
}

static inline void le64_store(void *p, uint64_t v)
{
    v = BYTES_LE64(v);
    memcpy(p, &v, sizeof v);
}

#endif
