// SPDX-License-Identifier: Apache-2.0
#include "schema.h"

#include "feed/wire.h"

#include <string.h>

struct field {
    const char *name;
    enum schema_type type;
    uint16_t at;
};
// Root fields count from the root's start, which is the message's own where there is no root length.
struct layout {
    uint16_t template_id, root_min, entry_min; // entry_min 0: no group is read
    struct field root[SCHEMA_FIELDS], entry[SCHEMA_FIELDS];
};
struct schema {
    const char *protocol;
    uint8_t packet_header, message_header, root_from;
    int8_t size_at; // u16 length of the message; -1: from its groups
    int8_t block_at, template_at, groups_at, strings_at;
    uint8_t group_header, count_at, count_size;
    struct layout layout[20];
};

#define ORDER(t)                                                                                             \
    {                                                                                                        \
        t, 48, 0,                                                                                            \
            {{"orderId", S_I64, 16}, {"instrumentId", S_I64, 24}, {"qty", S_I64, 32}, {"price", S_I64, 40}}, \
        {                                                                                                    \
            {                                                                                                \
                0                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }
#define GONE(t)                                                                                              \
    {                                                                                                        \
        t, 32, 0, {{"orderId", S_I64, 16}, {"instrumentId", S_I64, 24}},                                     \
        {                                                                                                    \
            {                                                                                                \
                0                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }
#define CME_ENTRIES(t)                                                                                       \
    {                                                                                                        \
        t, 11, 27, {{"TransactTime", S_U64, 0}, {"MatchEventIndicator", S_U8, 8}},                           \
        {                                                                                                    \
            {"MDEntryPx", S_I64, 0}, {"MDEntrySize", S_I32, 8}, {"SecurityID", S_I32, 12},                   \
                {"RptSeq", S_U32, 16}, {"MDPriceLevel", S_U8, 24}, {"MDUpdateAction", S_U8, 25},             \
                {"MDEntryType", S_U8, 26},                                                                   \
        }                                                                                                    \
    }
#define CDE_HEAD                                                                                             \
    {"flags", S_U8, 10}, {"side", S_I8, 11}, {"instrumentId", S_I32, 12}, {"instrSeqNum", S_U32, 16},        \
        {"sessionDate", S_U16, 20},                                                                          \
    {                                                                                                        \
        "transactTime", S_I64, 24                                                                            \
    }

static const struct schema SCHEMAS[] = {
    {"deribit",
     8,
     12,
     12,
     -1,
     0,
     2,
     8,
     10,
     8,
     2,
     2,
     {{1003,
       133,
       0,
       {{"instrument_id", S_U32, 0},
        {"state", S_U8, 4},
        {"timestamp_ms", S_U64, 5},
        {"last_price", S_F64, 37},
        {"index_price", S_F64, 45},
        {"mark_price", S_F64, 53},
        {"best_bid_price", S_F64, 61},
        {"best_bid_amount", S_F64, 69},
        {"best_ask_price", S_F64, 77},
        {"best_ask_amount", S_F64, 85}},
       {{0}}},
      {1008, 32, 0, {{"index_name", S_CHARS, 0}, {"price", S_F64, 16}, {"timestamp_ms", S_U64, 24}}, {{0}}},
      {1001,
       29,
       18,
       {{"instrument_id", S_U32, 0},
        {"timestamp_ms", S_U64, 4},
        {"prev_change_id", S_U64, 12},
        {"change_id", S_U64, 20},
        {"is_last", S_U8, 28}},
       {{"side", S_U8, 0}, {"change", S_U8, 1}, {"price", S_F64, 2}, {"amount", S_F64, 10}}},
      {1002,
       4,
       59,
       {{"instrument_id", S_U32, 0}},
       {{"price", S_F64, 1}, {"amount", S_F64, 9}, {"timestamp_ms", S_U64, 17}, {"liquidation", S_U8, 58}}},
      {1004,
       22,
       17,
       {{"instrument_id", S_U32, 0},
        {"timestamp_ms", S_U64, 4},
        {"change_id", S_U64, 12},
        {"is_book_complete", S_U8, 20},
        {"is_last_in_book", S_U8, 21}},
       {{"side", S_U8, 0}, {"price", S_F64, 1}, {"amount", S_F64, 9}}},
      {1000,
       140,
       0,
       {{"instrument_id", S_U32, 0},
        {"instrument_state", S_U8, 4},
        {"kind", S_U8, 5},
        {"future_type", S_U8, 6},
        {"contract_size", S_F64, 76},
        {"tick_size", S_F64, 92}},
       {{0}}}}},
    {"cme",
     12,
     10,
     10,
     0,
     2,
     4,
     -1,
     -1,
     3,
     2,
     1,
     {CME_ENTRIES(32),
      CME_ENTRIES(42),
      CME_ENTRIES(46),
      CME_ENTRIES(48),
      {37,
       11,
       13,
       {{"TransactTime", S_U64, 0}, {"MatchEventIndicator", S_U8, 8}},
       {{"MDEntrySize", S_I32, 0}, {"SecurityID", S_I32, 4}, {"RptSeq", S_U32, 8}}},
      {33,
       11,
       25,
       {{"TransactTime", S_U64, 0}, {"MatchEventIndicator", S_U8, 8}},
       {{"SecurityID", S_I32, 12}, {"RptSeq", S_U32, 16}}},
      {35,
       11,
       19,
       {{"TransactTime", S_U64, 0}, {"MatchEventIndicator", S_U8, 8}},
       {{"SecurityID", S_I32, 8}, {"RptSeq", S_U32, 12}}}}},
    {"starbase",
     24,
     16,
     0,
     0,
     -1,
     2,
     -1,
     -1,
     0,
     0,
     0,
     {ORDER(20),
      ORDER(21),
      GONE(24),
      GONE(25),
      {12, 32, 0, {{"transactTime", S_I64, 8}, {"indexId", S_I64, 16}, {"indexPrice", S_I64, 24}}, {{0}}},
      {14,
       48,
       0,
       {{"transactTime", S_I64, 8}, {"instrumentId", S_I64, 16}, {"markPrice", S_I64, 40}},
       {{0}}}}},
    {"cde",
     24,
     10,
     0,
     0,
     -1,
     4,
     -1,
     -1,
     0,
     0,
     0,
     {{20, 52, 0, {CDE_HEAD, {"orderId", S_I64, 32}, {"price", S_I64, 40}, {"qty", S_I32, 48}}, {{0}}},
      {21, 40, 0, {CDE_HEAD, {"orderId", S_I64, 32}}, {{0}}},
      {43, 81, 0, {CDE_HEAD, {"futuresMarkPrice", S_I64, 40}, {"spotMarkPrice", S_I64, 48}}, {{0}}}}},
};
enum { LAYOUTS = sizeof SCHEMAS[0].layout / sizeof SCHEMAS[0].layout[0] };

const struct schema *schema_of(const char *protocol)
{
    for (size_t i = 0; i < sizeof SCHEMAS / sizeof SCHEMAS[0]; i++)
        if (!strcmp(SCHEMAS[i].protocol, protocol))
            return &SCHEMAS[i];
    return NULL;
}

static void read_field(const struct field *f, const uint8_t *p, struct schema_value *v)
{
    v->name = f->name;
    v->type = f->type;
    p += f->at;
    switch (f->type) {
    case S_U8:
        v->v.u = p[0];
        break;
    case S_U16:
        v->v.u = le16_load(p);
        break;
    case S_I8:
        v->v.i = (int8_t)p[0];
        break;
    case S_I32:
        v->v.i = (int32_t)le32_load(p);
        break;
    case S_U32:
        v->v.u = le32_load(p);
        break;
    case S_I64:
    case S_U64:
        v->v.u = le64_load(p);
        break;
    case S_F64:
        v->v.f = le_double_load(p);
        break;
    default:
        v->v.chars = p;
        break;
    }
}

static unsigned read_fields(const struct field *f, const uint8_t *p, struct schema_value *v)
{
    unsigned n = 0;
    for (; n < SCHEMA_FIELDS && f[n].type != S_END; n++)
        read_field(&f[n], p, &v[n]);
    return n;
}

static const struct layout *layout_of(const struct schema *s, uint16_t template_id)
{
    for (unsigned i = 0; i < LAYOUTS && s->layout[i].template_id; i++)
        if (s->layout[i].template_id == template_id)
            return &s->layout[i];
    return NULL;
}

struct cursor {
    const uint8_t *at;
    size_t left;
};

static size_t count_of(const struct schema *s, const uint8_t *p)
{
    return s->count_size == 2 ? le16_load(p + s->count_at) : p[s->count_at];
}

// A flat group; its entries are told where they have a layout.
static void read_group(const struct schema *s, struct cursor *c, const struct layout *l,
                       struct schema_record *r, schema_out *out, void *ctx)
{
    size_t block = c->left < s->group_header ? 0 : le16_load(c->at);
    size_t n = c->left < s->group_header ? 0 : count_of(s, c->at), whole = s->group_header + n * block;
    if (c->left < s->group_header || whole > c->left) {
        c->left = 0;
        return;
    }
    const uint8_t *e = c->at + s->group_header;
    unsigned root = r->n;
    for (size_t i = 0; l && l->entry_min && block >= l->entry_min && i < n; i++, e += block) {
        r->n = root + read_fields(l->entry, e, r->value + root);
        out(ctx, r);
    }
    r->n = root;
    c->at += whole;
    c->left -= whole;
}

// Length of the message, 0 when it does not fit.
static size_t read_message(const struct schema *s, const uint8_t *p, size_t len, schema_out *out, void *ctx)
{
    struct schema_record r;
    size_t size = s->size_at >= 0 ? le16_load(p + s->size_at) : len;
    if (size < s->message_header || size > len)
        return 0;
    size_t block = s->block_at >= 0 ? le16_load(p + s->block_at) : size;
    if (s->root_from + block > size)
        return 0;
    r.template_id = le16_load(p + s->template_at);
    const struct layout *l = layout_of(s, r.template_id);
    struct cursor c = {p + s->root_from + block, size - s->root_from - block};
    if (l && block < l->root_min)
        l = NULL;
    r.n = l ? read_fields(l->root, p + s->root_from, r.value) : 0;
    unsigned groups = s->groups_at >= 0 ? le16_load(p + s->groups_at) : l && l->entry_min;
    for (unsigned i = 0; i < groups; i++)
        read_group(s, &c, i == 0 ? l : NULL, &r, out, ctx);
    for (unsigned i = s->strings_at >= 0 ? le16_load(p + s->strings_at) : 0; i && c.left; i--) {
        size_t n = (size_t)1 + c.at[0] < c.left ? (size_t)1 + c.at[0] : c.left;
        c.at += n;
        c.left -= n;
    }
    if (l && !l->entry_min)
        out(ctx, &r);
    return s->size_at >= 0 ? size : len - c.left;
}

void schema_read(const struct schema *s, const uint8_t *payload, size_t len, schema_out *out, void *ctx)
{
    for (size_t at = s->packet_header; at + s->message_header <= len;) {
        size_t n = read_message(s, payload + at, len - at, out, ctx);
        if (n == 0)
            return;
        at += n;
    }
}
