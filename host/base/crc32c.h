// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected, RFC 3720 appendix B.4): crc32c(0, "123456789", 9) is
// 0xe3069283. Uses the processor's instruction where there is one, chosen once at start. Pure; any thread.
#ifndef TRIPLINE_BASE_CRC32C_H
#define TRIPLINE_BASE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Goes on from crc (0 to begin), so that crc32c(crc32c(0, a, n), b, m) is the CRC of a followed by b.
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

// The two implementations behind it, for tests. crc32c_sse42 may be called only where crc32c_has_sse42() is
// true.
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);
uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t len);
bool crc32c_has_sse42(void);

#endif
