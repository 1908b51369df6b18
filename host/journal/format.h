// SPDX-License-Identifier: Apache-2.0
// Bytes of a journal file; private to this module. All little endian. docs/journal.md has the reasons.
//
//   file    0  magic "TRIPJNL\n"        record   0  u32 type << 24 | length
//           8  u32 version                       4  u32 back: bytes from the start of the batch to this
//           record
//          12  u32 size of this header           8  u32 CRC32C of the payload
//          16  u64 nonce                        12  u32 CRC32C of nonce, u64 file offset, bytes 0..11
//          24  u32 0                            16  payload
//          28  u32 CRC32C of bytes 0..27
//
// A batch is what one fdatasync made durable, and it begins only after the one before it is durable. So a
// whole record header at offset o proves that everything before o - back had reached the disk.
#ifndef TRIPLINE_JOURNAL_FORMAT_H
#define TRIPLINE_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "journal/journal.h"

#define JF_MAGIC "TRIPJNL\n"

enum {
    JF_VERSION = 1,
    JF_FILE_HEAD = 32,
    JF_MAGIC_LEN = 8,
    JF_RECORD_HEAD = 16,
    JF_LEN_BITS = 24,
    JF_MARK = 255, // type of the writer's own mark: no payload, never shown to a reader
};

struct jf_head {
    uint8_t type;
    uint32_t len;
    uint32_t back;
    uint32_t payload_crc;
};

static inline uint32_t jf_seed(uint64_t nonce)
{
    unsigned char b[8];
    le64_store(b, nonce);
    return crc32c(0, b, sizeof b);
}

// Bound to file and place, so that journal bytes that a payload happens to carry (or is made to carry by
// whoever sends us packets) are not taken for a record.
static inline uint32_t jf_head_crc(uint32_t seed, uint64_t offset, const unsigned char *head)
{
    unsigned char b[8 + 12];
    le64_store(b, offset);
    memcpy(b + 8, head, 12);
    return crc32c(seed, b, sizeof b);
}

static inline void jf_head_store(unsigned char *p, uint32_t seed, uint64_t offset, const struct jf_head *h)
{
    le32_store(p, (uint32_t)h->type << JF_LEN_BITS | h->len);
    le32_store(p + 4, h->back);
    le32_store(p + 8, h->payload_crc);
    le32_store(p + 12, jf_head_crc(seed, offset, p));
}

// Takes the header apart; false when it is none that a writer could have put at this offset.
static inline bool jf_head_load(const unsigned char *p, uint32_t seed, uint64_t offset, struct jf_head *h)
{
    uint32_t w = le32_load(p);
    h->type = (uint8_t)(w >> JF_LEN_BITS);
    h->len = w & ((UINT32_C(1) << JF_LEN_BITS) - 1);
    h->back = le32_load(p + 4);
    h->payload_crc = le32_load(p + 8);
    return h->type != 0 && h->len <= JOURNAL_RECORD_MAX && offset >= JF_FILE_HEAD &&
           h->back <= offset - JF_FILE_HEAD && le32_load(p + 12) == jf_head_crc(seed, offset, p);
}

static inline void jf_file_head_store(unsigned char *p, uint64_t nonce)
{
    memset(p, 0, JF_FILE_HEAD);
    memcpy(p, JF_MAGIC, JF_MAGIC_LEN);
    le32_store(p + 8, JF_VERSION);
    le32_store(p + 12, JF_FILE_HEAD);
    le64_store(p + 16, nonce);
    le32_store(p + 28, crc32c(0, p, 28));
}

#endif
