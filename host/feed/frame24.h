// SPDX-License-Identifier: Apache-2.0
// The framing that Deribit Starbase and Coinbase Derivatives share: a packet header of 24 bytes whose
// sequence number is that of its first message, then messages that begin with their own length. This file
// splits packets and holds the form of the schema tables; what the venues have of their own is in starbase*.c
// and cde*.c.
//
// Pure functions; nothing outside the bytes given is read. Errors are told by the return value.
// Source: the schemas' PacketHeader and message headers (docs/feeds-starbase.md, docs/feeds-cde.md).
#ifndef TRIPLINE_FEED_FRAME24_H
#define TRIPLINE_FEED_FRAME24_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "feed/feed.h"
#include "feed/wire.h"

enum {
    F24_SENDING = 0, // i64 ns since the epoch
    F24_SEQ = 8,     // i64 of the first message; of the next one to come where there is none
    F24_CHANNEL = 16,
    F24_HEADER = 24,
    F24_LENGTH = 0, // u16 of a message, its header included
};

// Of the packet header's flags. A retransmitted packet carries numbers of the live sequence.
enum f24_bits { F24_LIVE = 1, F24_SNAPSHOT = 2, F24_RETRANSMIT = 4 };

// Numbers of messages since the venue began: what is above cannot be one, and is a field of another protocol.
#define F24_SEQ_MAX (UINT64_C(1) << 48)
#define F24_NULL64  INT64_MIN

struct f24_packet {
    uint64_t sending_ns, seq;
    uint16_t channel, count;
    uint8_t bits;
    int32_t instrument; // Coinbase Derivatives, snapshots
};

static inline bool f24_bits_known(unsigned bits)
{
    return bits == F24_LIVE || bits == F24_SNAPSHOT || bits == F24_RETRANSMIT ||
           bits == (F24_LIVE | F24_RETRANSMIT);
}

// Length of the message at `at`, or 0 when there is no whole one with a header of `header` bytes.
static inline size_t f24_message(const uint8_t *p, size_t len, size_t at, size_t header)
{
    if (len - at < header)
        return 0;
    size_t n = le16_load(p + at + F24_LENGTH);
    return n >= header && n <= len - at ? n : 0;
}

static inline size_t f24_padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static inline int64_t le_i64_load(const uint8_t *p)
{
    return (int64_t)le64_load(p);
}

// ---- schema tables

enum f24_type {
    F24_I8,
    F24_U8,
    F24_I16,
    F24_U16,
    F24_I32,
    F24_U32,
    F24_I64,
    F24_U64,
    F24_PRICE, // i64, 10^-9
    F24_F64,
    F24_CHAR,   // one character that stands for an enumerator
    F24_TEXT,   // characters, padded with NUL
    F24_EXPIRY, // year, month, week of the month, day: i16 each, 0 = none
};

// Names of an enumeration's values, or of a set's bits.
struct f24_value {
    int value;
    const char *name;
};
struct f24_names {
    const char *type; // as in the schema
    bool set;
    uint8_t n;
    const struct f24_value *value;
};

struct f24_field {
    const char *name; // as in the schema
    uint16_t at;      // from the start of the message, its header included
    uint16_t size;
    uint8_t type;  // enum f24_type
    uint8_t since; // first schema version that has it
    const struct f24_names *names;
};

// One layout of one template. Fields stand in the order of the wire.
struct f24_layout {
    const char *name; // of the message, as in the schema
    uint16_t template_id;
    uint16_t version_min, version_max; // schema versions in which the template means this
    uint16_t used;                     // bytes up to the end of the last field
    uint8_t groups;                    // repeating groups behind them
    uint8_t fields;
    const struct f24_field *field;
};

// A row of a table from (symbol, offset, size, type, since, names, schema name), and the symbol's offset.
#define F24_FIELD(sym, off, bytes, kind, from, enums, text)  {#text, off, bytes, kind, from, enums},
#define F24_OFFSET(sym, off, bytes, kind, from, enums, text) sym = off,

// Writes the comma-separated fields of a message in the order of `columns` (names between commas), from the
// column that begins at `columns` on, each with a comma before it: nothing where the layout has no such
// field, where it lies outside `len` bytes, or where it is null. Enumerations by name, unknown values as
// numbers, sets joined by '|'.
void f24_print(FILE *out, const char *columns, const struct f24_layout *l, const uint8_t *msg, size_t len);
// Writes the columns that every row begins with, see F24_COLUMNS; bits: the packet's flags; seq: of the
// message.
void f24_print_head(FILE *out, const struct feed_packet *p, unsigned bits, uint64_t seq, unsigned idx);
#define F24_COLUMNS "cap_ts_ns,group,port,line,channel,packet_type,seq,msg_idx,sending_time"
extern const struct f24_names f24_bit_names;

// Copies a name of at most n bytes, ended by NUL or n. False when it is empty, does not fit, or holds bytes
// that no name has: it ends up in files, logs and look-ups.
bool f24_name(char out[static 64], const uint8_t *p, size_t n);

// mantissa * 10^exp10; absent for the null value.
static inline struct feed_num f24_num(int64_t mantissa, int8_t exp10)
{
    struct feed_num n = {.v.m = mantissa, .exp10 = exp10, .form = NUM_DECIMAL};
    if (mantissa == F24_NULL64)
        n = (struct feed_num){.form = NUM_NONE};
    return n;
}
static inline struct feed_num f24_price(const uint8_t *p)
{
    return f24_num(le_i64_load(p), -9);
}
static inline uint32_t f24_has(struct feed_num n, uint32_t bit)
{
    return n.form == NUM_NONE ? 0 : bit;
}

#endif
