// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include "base/bytes.h"

enum { SLICES = 8 };

// table[0] advances the CRC by one byte; table[k] by a byte followed by k zero bytes, so that eight lookups
// that do not wait for each other advance it by eight bytes (Kounavis and Berry, "slicing-by-8", 2005).
static uint32_t table[SLICES][256];

typedef uint32_t crc_fn(uint32_t crc, const void *data, size_t len);
static crc_fn *chosen = crc32c_portable;

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
    const unsigned char *p = data;
    uint32_t c = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t v = le64_load(p) ^ c;
        c = 0;
        for (unsigned i = 0; i < SLICES; i++)
            c ^= table[SLICES - 1 - i][(v >> (8 * i)) & 0xff];
    }
    for (; len > 0; len--, p++)
        c = (c >> 8) ^ table[0][(c ^ *p) & 0xff];
    return ~c;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t c = (uint32_t)~crc;
    for (; len >= 8; len -= 8, p += 8)
        c = _mm_crc32_u64(c, le64_load(p));
    uint32_t d = (uint32_t)c;
    if (len & 4) {
        d = _mm_crc32_u32(d, le32_load(p));
        p += 4;
    }
    if (len & 2) {
        d = _mm_crc32_u16(d, le16_load(p));
        p += 2;
    }
    if (len & 1)
        d = _mm_crc32_u8(d, *p);
    return ~d;
}

bool crc32c_has_sse42(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") != 0;
}
#else
uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t len)
{
    return crc32c_portable(crc, data, len);
}

bool crc32c_has_sse42(void)
{
    return false;
}
#endif

// Before main, hence before any second thread, so that neither the tables nor the choice need
// synchronisation.
__attribute__((constructor)) static void crc32c_init(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int i = 0; i < 8; i++)
            c = (c >> 1) ^ (UINT32_C(0x82f63b78) & (0u - (c & 1u)));
        table[0][b] = c;
    }
    for (uint32_t b = 0; b < 256; b++)
        for (int k = 1; k < SLICES; k++)
            table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 0xff];
    if (crc32c_has_sse42())
        chosen = crc32c_sse42;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
    return chosen(crc, data, len);
}
