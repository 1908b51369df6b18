// SPDX-License-Identifier: Apache-2.0
// CME MDP 3.0 on the wire: little-endian, packed, SBE schema 1, versions 2 to 13 (templates of 5 to 13 are
// held to the XMLs by tests/e2e/test_decode_cme.py). A datagram is a packet header and messages back to back.
// A message is its size (which counts itself), the SBE header, a root block of blockLength bytes, then
// groups; an entry has no inner groups. Layouts stand in one table (cme_table.c); offsets are into the root
// block or into an entry. Pure data and functions; no state. Source: the schema XMLs; docs/feeds-cme.md.
#ifndef TRIPLINE_FEED_CME_WIRE_H
#define TRIPLINE_FEED_CME_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed/wire.h"

enum { // packet header
    CME_SEQ = 0,
    CME_SENT = 4,
    CME_PACKET_HEADER = 12,
};

enum { // message header; offsets from the message's start
    CME_MSG_SIZE = 0,
    CME_MSG_BLOCK = 2,
    CME_MSG_TEMPLATE = 4,
    CME_MSG_SCHEMA = 6,
    CME_MSG_VERSION = 8,
    CME_MSG_HEADER = 10,
};

enum {
    CME_SCHEMA = 1,
    CME_GROUP3 = 3, // groupSize: u16 blockLength, u8 numInGroup
    CME_GROUP8 = 8, // groupSize8Byte: u16 blockLength, 5 bytes of nothing, u8 numInGroup
    CME_GROUP8_COUNT = 7,
    CME_TEMPLATES = 70, // ids 0..69
};

enum cme_template_id {
    CME_CHANNEL_RESET = 4,
    CME_HEARTBEAT = 12,
    CME_LOGIN = 15,
    CME_LOGOUT = 16,
    CME_DEF_FUTURE_7 = 27,
    CME_DEF_SPREAD_7 = 29,
    CME_STATUS = 30,
    CME_BOOK_7 = 32,
    CME_DAILY_7 = 33,
    CME_LIMITS_7 = 34,
    CME_SESSION_7 = 35,
    CME_TRADE_7 = 36,
    CME_VOLUME = 37,
    CME_SNAPSHOT_7 = 38,
    CME_QUOTE_REQUEST = 39,
    CME_DEF_OPTION_7 = 41,
    CME_SUMMARY_7 = 42,
    CME_ORDERS_7 = 43,
    CME_SNAPSHOT_ORDERS_7 = 44,
    CME_BOOK = 46,
    CME_ORDERS = 47,
    CME_SUMMARY = 48,
    CME_DAILY = 49,
    CME_LIMITS = 50,
    CME_SESSION = 51,
    CME_SNAPSHOT = 52,
    CME_SNAPSHOT_ORDERS = 53,
    CME_DEF_FUTURE = 54,
    CME_DEF_OPTION = 55,
    CME_DEF_SPREAD = 56,
    CME_DEF_FIXED = 57,
    CME_DEF_REPO = 58,
    CME_TOP_ORDERS = 59,
    CME_WORKUP = 60,
    CME_SNAPSHOT_TCP = 61,
    CME_COLLATERAL = 62,
    CME_DEF_FX = 63,
    CME_BOOK_LONG = 64,
    CME_SUMMARY_LONG = 65,
    CME_VOLUME_LONG = 66,
    CME_SESSION_LONG = 67,
    CME_SNAPSHOT_TCP_LONG = 68,
    CME_SNAPSHOT_LONG = 69,
};

// What a template is to the decoder.
enum cme_kind {
    CME_K_UNKNOWN = 0,
    CME_K_BOOK,            // price levels
    CME_K_TRADE,           // trades
    CME_K_COUNTED,         // entries that only carry an instrument's RptSeq: statistics, volume, limits
    CME_K_STATUS,          // trading status of an instrument or a group
    CME_K_DEFINITION,      // an instrument
    CME_K_SNAPSHOT,        // a whole book (recovery feed)
    CME_K_SNAPSHOT_ORDERS, // orders of a book (another recovery feed)
    CME_K_RESET,           // every book of the channel is empty now
    CME_K_OTHER,           // walked past
};

// How a field stands on the wire.
enum cme_form {
    CME_NONE = 0, // the template has no such field
    CME_I8,
    CME_U8,
    CME_I32,
    CME_U32,
    CME_I64,
    CME_U64,
    CME_ACTION,        // u8, enum MDUpdateAction
    CME_TYPE_BOOK,     // char, enum MDEntryTypeBook
    CME_TYPE_DAILY,    // char, enum MDEntryTypeDailyStatistics
    CME_TYPE_STATS,    // char, enum MDEntryTypeStatistics
    CME_TYPE_ANY,      // char, enum MDEntryType
    CME_CONST_INT,     // not on the wire: `at` is the number
    CME_CONST_CHAR,    // not on the wire: `at` is the character
    CME_NULLABLE = 32, // flag: the type's greatest value means absent
};

struct cme_field {
    uint8_t form; // enum cme_form
    uint8_t at;
    uint8_t since; // schema version that brought it; what stands there in older messages is not it
};

// Fields that entries (or the root, where a message has no entries) may have; the columns of tripline decode.
enum cme_field_id {
    CME_F_TRANSACT, // TransactTime
    CME_F_EVENT,    // MatchEventIndicator
    CME_F_ID,       // SecurityID
    CME_F_RPT,      // RptSeq
    CME_F_ACTION,   // MDUpdateAction
    CME_F_TYPE,     // MDEntryType
    CME_F_LEVEL,    // MDPriceLevel
    CME_F_PX,       // MDEntryPx, mantissa
    CME_F_SIZE,     // MDEntrySize or MDDisplayQty
    CME_F_COUNT,    // NumberOfOrders
    CME_F_ORDER,    // OrderID
    CME_FIELDS
};

struct cme_template {
    uint8_t kind;   // enum cme_kind
    int8_t exp;     // of its prices
    uint16_t block; // root block in the first version that had it; later ones only append
    uint8_t
        entry; // block of the group NoMDEntries, 0 = it has none. It is the first group where there is one
    uint8_t groups;     // with a three-byte header, NoMDEntries included
    bool group8;        // and one with an eight-byte header behind them
    uint8_t last_since; // version that brought the last of these groups; what stands there before is not it
    struct cme_field root[CME_FIELDS], in[CME_FIELDS];
};

extern const struct cme_template cme_templates[CME_TEMPLATES];

static inline const struct cme_template *cme_template(unsigned id)
{
    return &cme_templates[id < CME_TEMPLATES ? id : 0]; // 0 is no template: CME_K_UNKNOWN
}

// Definitions: their first 59 bytes are alike in all templates; these lie elsewhere in each.
enum {
    CME_DEF_EVENT = 0,
    CME_DEF_REPORTS = 1, // u32, null on the incremental feed: tells the replay feed
    CME_DEF_UPDATE = 5,  // char: A D M
    CME_DEF_STATUS = 14,
    CME_DEF_GROUP = 23, // char[6]
    CME_DEF_ASSET = 29, // char[6]
    CME_DEF_SYMBOL = 35,
    CME_DEF_SYMBOL_SIZE = 20,
    CME_DEF_ID = 55,
    CME_DEF_TYPE = 59,        // char[6]
    CME_DEF_CFI = 65,         // char[6]
    CME_DEF_GROUPS_FEEDS = 1, // NoMDFeedTypes is the second group
    CME_FEED_ENTRY = 4,       // char[3] MDFeedType, i8 MarketDepth
    CME_FEED_DEPTH = 3,
};
struct cme_definition {
    uint16_t id;
    uint8_t tick, factor,
        unit_qty; // offsets of MinPriceIncrement, DisplayFactor, UnitOfMeasureQty; unit_qty 0 = none
    uint8_t kind; // feed_msg.inst_kind
    uint8_t type; // feed_msg.inst_type
};
const struct cme_definition *cme_definition(unsigned template_id); // NULL when it is none

enum { // SecurityStatus (30)
    CME_STATUS_GROUP = 8,
    CME_STATUS_ASSET = 14,
    CME_STATUS_STATUS = 27,
};

enum { // snapshot root (38, 52, 69)
    CME_SNAP_LAST_SEQ = 0,
    CME_SNAP_STATUS = 34,
};

enum cme_action {
    CME_NEW = 0,
    CME_CHANGE = 1,
    CME_DELETE = 2,
    CME_DELETE_THRU = 3,
    CME_DELETE_FROM = 4,
    CME_OVERLAY = 5
};

enum { // values
    CME_END_OF_EVENT = 0x80,
    CME_STATUS_READY = 17, // SecurityTradingStatus ReadyToTrade: the only one in which orders match
    CME_STATUS_NO_CHANGE = 103,
    CME_STATUS_NULL = 255,
    CME_TYPE_BID = '0',
    CME_TYPE_OFFER = '1',
    CME_TYPE_RESET = 'J',
};
#define CME_PRICE_NULL INT64_MAX
#define CME_UINT_NULL  UINT32_MAX

// A message that cme_walk has found whole: everything below lies inside it.
struct cme_message {
    const struct cme_template *t;
    const uint8_t *root, *entries; // entries: of NoMDEntries; NULL when the message has none
    size_t len;                    // of the message, its header included
    uint16_t template_id, version, block, entry_block;
    unsigned count; // of entries
};

// A group's header at p: entries, their block, how many. False when any of it lies outside.
static inline bool cme_group_header(const uint8_t *p, size_t left, size_t header, size_t count_at,
                                    uint16_t *block, unsigned *count)
{
    if (left < header)
        return false;
    *block = le16_load(p);
    *count = p[count_at];
    return (size_t)*block * *count <= left - header;
}

// One message of at most len bytes, but for the groups behind NoMDEntries: enough where they have been found
// inside before. False when any length or count in it points outside.
static inline bool cme_read(const uint8_t *p, size_t len, struct cme_message *m)
{
    if (len < CME_MSG_HEADER)
        return false;
    size_t size = le16_load(p + CME_MSG_SIZE), block = le16_load(p + CME_MSG_BLOCK);
    uint16_t template_id = le16_load(p + CME_MSG_TEMPLATE);
    const struct cme_template *t = cme_template(template_id);
    if (size > len || size < CME_MSG_HEADER + block || le16_load(p + CME_MSG_SCHEMA) != CME_SCHEMA)
        return false;
    m->len = size;
    m->block = (uint16_t)block;
    m->template_id = template_id;
    m->version = le16_load(p + CME_MSG_VERSION);
    m->t = t;
    m->root = p + CME_MSG_HEADER;
    m->entries = NULL;
    m->entry_block = 0;
    m->count = 0;
    if (t->entry == 0)
        return true;
    const uint8_t *at = p + CME_MSG_HEADER + block;
    m->entries = at + CME_GROUP3;
    return cme_group_header(at, size - CME_MSG_HEADER - block, CME_GROUP3, 2, &m->entry_block, &m->count);
}

// The groups behind NoMDEntries, or all where a message has none: `left` bytes at p.
bool cme_check_rest(const struct cme_message *m, const uint8_t *p, size_t left);
// The same, and the other groups.
static inline bool cme_walk(const uint8_t *p, size_t len, struct cme_message *m)
{
    if (!cme_read(p, len, m))
        return false;
    const uint8_t *at = m->entries ? m->entries + (size_t)m->entry_block * m->count : m->root + m->block;
    size_t left = (size_t)(p + m->len - at);
    return left == 0 || cme_check_rest(m, at, left);
}
// The nth group with a three-byte header; false when there is none.
bool cme_group(const struct cme_message *m, unsigned n, const uint8_t **entries, uint16_t *block,
               unsigned *count);
// True when blocks are as long as the template needs: its fields may be read.
static inline bool cme_layout_known(const struct cme_message *m)
{
    return m->block >= m->t->block && (m->count == 0 || m->entry_block >= m->t->entry);
}

// One field as a number (characters and enums by their code). False when absent: not in the template or in
// this version, outside its block, or null.
bool cme_field_get(const struct cme_field *f, const uint8_t *block, size_t block_len, unsigned version,
                   int64_t *out);
// Name in the schema XML of an enum's value in that version; NULL when it has none.
const char *cme_enum_name(uint8_t form, int64_t value, unsigned version);
extern const char *const cme_event_names[8]; // bits of MatchEventIndicator

#endif
