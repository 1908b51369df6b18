// SPDX-License-Identifier: Apache-2.0
// What base/bytes.h does not have: network byte order, and doubles. The caller has checked that the bytes are
// there. Pure functions.
#ifndef TRIPLINE_FEED_WIRE_H
#define TRIPLINE_FEED_WIRE_H

#include "base/bytes.h"

static inline uint16_t be16_load(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t be32_load(const uint8_t *p)
{
    return (uint32_t)be16_load(p) << 16 | be16_load(p + 2);
}

static inline void be16_store(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void be32_store(uint8_t *p, uint32_t v)
{
    be16_store(p, (uint16_t)(v >> 16));
    be16_store(p + 2, (uint16_t)v);
}

// The bits as they are: any NaN stays the one it was, so decoders can be compared bit for bit.
static inline double le_double_load(const uint8_t *p)
{
    uint64_t bits = le64_load(p);
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static inline void le_double_store(uint8_t *p, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    le64_store(p, bits);
}

#endif
