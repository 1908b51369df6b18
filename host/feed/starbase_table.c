// SPDX-License-Identifier: Apache-2.0
// Starbase's schema as tables, the choice of a layout, and rows of all fields for `tripline decode`.
#include "feed/starbase_wire.h"

#include <inttypes.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NAMES(sym, text, is_set, ...)                                                                        \
    static const struct f24_value sym##_values[] = {__VA_ARGS__};                                            \
    const struct f24_names sym = {text, is_set, COUNT(sym##_values), sym##_values};

NAMES(sb_flag_names, "flags", true, {0, "startOfTransaction"}, {1, "endOfTransaction"})
NAMES(sb_type_names, "InstrumentType", false, {0, "PERP_FUTURE"}, {1, "OPTION"}, {2, "SPOT"},
      {3, "FUTURE_COMBO"}, {4, "OPTION_COMBO"}, {5, "DATED_FUTURE"})
NAMES(sb_instrument_flag_names, "InstrumentFlags", true, {0, "isReversed"}, {1, "isPutOption"},
      {2, "isPerpetual"})
NAMES(sb_status_names, "InstrumentStatus", false, {0, "OPEN"}, {1, "INACTIVE"}, {2, "SETTLEMENT"},
      {3, "DELIVERED"}, {4, "LOCKED"}, {5, "HALTED"})
NAMES(sb_trade_flag_names, "TradeFlags", true, {0, "isSell"}, {1, "isLiquidation"})
NAMES(sb_reason_names, "RetransmitRejectReason", false, {1, "SEQ_TOO_LOW"}, {2, "SEQ_TOO_HIGH"},
      {3, "RATE_LIMIT_EXCEEDED"}, {4, "OTHER_ERROR"})

static const struct f24_field instrument_v0[] = {SB_INSTRUMENT_V0(F24_FIELD)};
static const struct f24_field instrument[] = {SB_INSTRUMENT(F24_FIELD)};
static const struct f24_field index_definition[] = {SB_INDEX_DEFINITION(F24_FIELD)};
static const struct f24_field index_info[] = {SB_INDEX_INFO(F24_FIELD)};
static const struct f24_field info[] = {SB_INFO(F24_FIELD)};
static const struct f24_field info_old[] = {SB_INFO_OLD(F24_FIELD)};
static const struct f24_field ref[] = {SB_REF_OLD(F24_FIELD) SB_REF_NEW(F24_FIELD)};
static const struct f24_field ref_old[] = {SB_REF_OLD(F24_FIELD)};
static const struct f24_field status_update[] = {SB_STATUS_UPDATE(F24_FIELD)};
static const struct f24_field put[] = {SB_PUT_OLD(F24_FIELD) SB_PUT_NEW(F24_FIELD)};
static const struct f24_field put_old[] = {SB_PUT_OLD(F24_FIELD)};
static const struct f24_field reduced[] = {SB_REDUCED(F24_FIELD)};
static const struct f24_field delete[] = {SB_DELETE(F24_FIELD)};
static const struct f24_field summary_v0[] = {SB_SUMMARY(F24_FIELD) SB_SUMMARY_V0(F24_FIELD)};
static const struct f24_field summary[] = {SB_SUMMARY(F24_FIELD) SB_SUMMARY_V1(F24_FIELD)};
static const struct f24_field trade[] = {SB_TRADE(F24_FIELD)};
static const struct f24_field block[] = {SB_BLOCK(F24_FIELD)};
static const struct f24_field header[] = {SB_SNAPSHOT_HEADER(F24_FIELD)};
static const struct f24_field trailer[] = {SB_SNAPSHOT_TRAILER(F24_FIELD)};
static const struct f24_field cycle[] = {SB_END_OF_CYCLE(F24_FIELD)};
static const struct f24_field request[] = {SB_RETRANSMIT_REQUEST(F24_FIELD)};
static const struct f24_field reject[] = {SB_RETRANSMIT_REJECT(F24_FIELD)};

// Version 0 has its own layouts and those of version 1: some senders of version 1's said 0.
enum { ANY = UINT16_MAX };
#define L(name, id, from, to, used, groups, fields)                                                          \
    {                                                                                                        \
        name, id, from, to, used, groups, COUNT(fields), fields                                              \
    }

const struct f24_layout starbase_layouts[SB_LAYOUTS] = {
    [SB_L_INSTRUMENT] = L("InstrumentDefinition", 10, 0, ANY, 276, 2, instrument),
    [SB_L_INSTRUMENT_V0] = L("Instrument", 10, 0, 0, 319, 0, instrument_v0),
    [SB_L_INDEX_DEFINITION] = L("IndexDefinition", 11, 0, ANY, 152, 0, index_definition),
    [SB_L_STATUS_V0] = L("TradingStatusUpdate", 12, 0, 0, 25, 0, status_update),
    [SB_L_INDEX_INFO] = L("IndexInfo", 12, 1, ANY, 32, 0, index_info),
    [SB_L_INFO_V0] = L("InstrumentInfo", 13, 0, 0, 56, 0, info_old),
    [SB_L_REF_V0] = L("InstrumentRef", 14, 0, 0, 64, 0, ref_old),
    [SB_L_INFO] = L("InstrumentInfo", 14, 0, ANY, 48, 0, info),
    [SB_L_INFO_MAY] = L("InstrumentInfo", 14, 0, 1, 56, 0, info_old),
    [SB_L_REF] = L("InstrumentRef", 15, 0, ANY, 72, 0, ref),
    [SB_L_REF_MAY] = L("InstrumentRef", 15, 0, 1, 64, 0, ref_old),
    [SB_L_STATUS] = L("InstrumentStatusUpdate", 16, 0, ANY, 25, 0, status_update),
    [SB_L_BID_PUT_V0] = L("BidPut", 20, 0, 0, 48, 0, put_old),
    [SB_L_BID_PUT] = L("BidPut", 20, 0, ANY, 56, 0, put),
    [SB_L_ASK_PUT_V0] = L("AskPut", 21, 0, 0, 48, 0, put_old),
    [SB_L_ASK_PUT] = L("AskPut", 21, 0, ANY, 56, 0, put),
    [SB_L_BID_REDUCED] = L("BidQtyReduced", 22, 0, ANY, 40, 0, reduced),
    [SB_L_ASK_REDUCED] = L("AskQtyReduced", 23, 0, ANY, 40, 0, reduced),
    [SB_L_BID_DELETE] = L("BidDelete", 24, 0, ANY, 32, 0, delete),
    [SB_L_ASK_DELETE] = L("AskDelete", 25, 0, ANY, 32, 0, delete),
    [SB_L_SUMMARY_V0] = L("TradeSummary", 30, 0, 0, 76, 0, summary_v0),
    [SB_L_SUMMARY] = L("TradeSummary", 30, 0, ANY, 72, 0, summary),
    [SB_L_TRADE] = L("Trade", 31, 0, ANY, 60, 0, trade),
    [SB_L_BLOCK] = L("BlockTrade", 33, 0, 1, 94, 0, block),
    [SB_L_BLOCK_V2] = L("BlockTrade", 33, 2, ANY, 104, 0, block),
    [SB_L_SNAPSHOT_HEADER] = L("SnapshotHeader", 100, 0, ANY, 40, 0, header),
    [SB_L_SNAPSHOT_TRAILER] = L("SnapshotTrailer", 101, 0, ANY, 40, 0, trailer),
    [SB_L_END_OF_CYCLE] = L("EndOfCycle", 119, 0, ANY, 20, 0, cycle),
    [SB_L_REQUEST] = L("RetransmitRequest", SB_T_RETRANSMIT_REQUEST, 0, ANY, 25, 0, request),
    [SB_L_REJECT] = L("RetransmitReject", SB_T_RETRANSMIT_REJECT, 0, ANY, 65, 0, reject),
};

// First layout of a template, + 1.
static const uint8_t by_template[SB_T_RETRANSMIT_REJECT + 1] = {
    [10] = SB_L_INSTRUMENT + 1,
    [11] = SB_L_INDEX_DEFINITION + 1,
    [12] = SB_L_STATUS_V0 + 1,
    [13] = SB_L_INFO_V0 + 1,
    [14] = SB_L_REF_V0 + 1,
    [15] = SB_L_REF + 1,
    [16] = SB_L_STATUS + 1,
    [20] = SB_L_BID_PUT_V0 + 1,
    [21] = SB_L_ASK_PUT_V0 + 1,
    [22] = SB_L_BID_REDUCED + 1,
    [23] = SB_L_ASK_REDUCED + 1,
    [24] = SB_L_BID_DELETE + 1,
    [25] = SB_L_ASK_DELETE + 1,
    [30] = SB_L_SUMMARY_V0 + 1,
    [31] = SB_L_TRADE + 1,
    [33] = SB_L_BLOCK + 1,
    [100] = SB_L_SNAPSHOT_HEADER + 1,
    [101] = SB_L_SNAPSHOT_TRAILER + 1,
    [119] = SB_L_END_OF_CYCLE + 1,
    [SB_T_RETRANSMIT_REQUEST] = SB_L_REQUEST + 1,
    [SB_T_RETRANSMIT_REJECT] = SB_L_REJECT + 1,
};

// End of a group that begins at `at`, or 0 when it does not lie inside len bytes or its entries are shorter
// than those of the schema.
static size_t group_end(const uint8_t *m, size_t len, size_t at, size_t entry)
{
    if (at == 0 || len - at < SB_GROUP_HEADER)
        return 0;
    size_t size = le16_load(m + at + SB_GROUP_BLOCK);
    size_t count = le16_load(m + at + SB_GROUP_COUNT);
    at += SB_GROUP_HEADER;
    if (count && (size < entry || count * size > len - at))
        return 0;
    return at + count * size;
}

static bool fits(const struct f24_layout *l, const uint8_t *m, size_t len)
{
    size_t used = l->used;
    if (l->groups) {
        if (len < used)
            return false;
        used = group_end(m, len, group_end(m, len, used, SB_LARGE_TICK), SB_LEG);
    }
    bool grown = le16_load(m + SB_VERSION) > SB_VERSION_KNOWN && !l->groups && len > used;
    if (used == 0 || (len != used && len != f24_padded(used) && !grown))
        return false;
    // Padded, version 0's status has the length of an index price, whose bytes there would not all be 0.
    return l != &starbase_layouts[SB_L_STATUS_V0] || len == used ||
           le64_load(m + SB_STATUS_STATUS) <= UINT8_MAX;
}

enum sb_layout starbase_layout(const uint8_t *m, size_t len)
{
    unsigned id = le16_load(m + SB_TEMPLATE), version = le16_load(m + SB_VERSION);
    enum sb_layout none = SB_L_UNKNOWN;
    unsigned k = id < COUNT(by_template) ? by_template[id] : 0;
    if (k == 0)
        return none;
    for (k--; k < SB_LAYOUTS && starbase_layouts[k].template_id == id; k++) {
        const struct f24_layout *l = &starbase_layouts[k];
        if (version < l->version_min || version > l->version_max)
            continue;
        if (fits(l, m, len))
            return (enum sb_layout)k;
        none = SB_L_BAD;
    }
    return none;
}

// Where the n-th group (0, 1) of an instrument definition begins: its header, inside len.
static const uint8_t *starbase_group(const uint8_t *m, unsigned n)
{
    const uint8_t *g = m + starbase_layouts[SB_L_INSTRUMENT].used;
    if (n)
        g += SB_GROUP_HEADER + (size_t)le16_load(g + SB_GROUP_BLOCK) * le16_load(g + SB_GROUP_COUNT);
    return g;
}

// Entries of a group as first:second, joined by '|'.
static void print_group(FILE *out, const uint8_t *g, bool legs)
{
    size_t size = le16_load(g + SB_GROUP_BLOCK), count = le16_load(g + SB_GROUP_COUNT);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *e = g + SB_GROUP_HEADER + i * size;
        fprintf(out, "%s%" PRId64 ":%" PRId64, i ? "|" : "", le_i64_load(e),
                legs ? (int8_t)e[8] : le_i64_load(e + 8));
    }
}

static void print_message(FILE *out, const uint8_t *m, size_t len)
{
    static const struct f24_field head[] = {
        {"msg_flags", SB_FLAGS, 2, F24_U16, 0, &sb_flag_names},
        {"transact_time", SB_TIME, 8, F24_I64, 0, NULL},
    };
    static const struct f24_layout head_layout = {"", 0, 0, ANY, SB_MSG_HEADER, 0, COUNT(head), head};
    enum sb_layout k = starbase_layout(m, len);
    const struct f24_layout *l = k < SB_LAYOUTS ? &starbase_layouts[k] : NULL;
    fprintf(out, ",%u,%s,%u", le16_load(m + SB_TEMPLATE), l ? l->name : "", le16_load(m + SB_VERSION));
    f24_print(out, "msg_flags,transact_time", &head_layout, m, len);
    f24_print(out, SB_FIELD_COLUMNS, l, m, len);
    for (unsigned n = 0; n < 2; n++) {
        fputc(',', out);
        if (k == SB_L_INSTRUMENT)
            print_group(out, starbase_group(m, n), n == 1);
    }
    fputc('\n', out);
}

void starbase_print(FILE *out, const struct feed_packet *p, uint32_t skip)
{
    unsigned idx = 0;
    for (size_t at = F24_HEADER, n; at < p->len; at += n, idx++) {
        n = f24_message(p->payload, p->len, at, SB_MSG_HEADER);
        if (n == 0)
            return;
        if (idx < skip)
            continue;
        f24_print_head(out, p, le16_load(p->payload + SB_TYPE), p->seq + idx, idx);
        print_message(out, p->payload + at, n);
    }
}
