// SPDX-License-Identifier: Apache-2.0
// Coinbase Derivatives' schema as tables, the choice of a layout, and rows of all fields for `tripline
// decode`.
#include "feed/cde_wire.h"

#include "feed/cde_seen.h"

#include <inttypes.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NAMES(sym, text, is_set, ...)                                                                        \
    static const struct f24_value sym##_values[] = {__VA_ARGS__};                                            \
    const struct f24_names sym = {text, is_set, COUNT(sym##_values), sym##_values};

NAMES(cde_flag_names, "flags", true, {0, "startOfTransaction"}, {1, "endOfTransaction"}, {7, "clearBook"})
NAMES(cde_side_names, "side", false, {1, "BUY"}, {-1, "SELL"}, {0, "OPENING_FILL"})
NAMES(cde_group_names, "ProductGroup", false, {0, "CURRENCY"}, {1, "EQUITY"}, {2, "ENERGY"}, {3, "METALS"},
      {4, "INTEREST_RATE"}, {5, "AGRICULTURE"}, {6, "CRYPTO"})
NAMES(cde_status_names, "InstrumentTradingStatus", false, {0, "PRE_OPEN"}, {1, "OPEN"}, {2, "HALT"},
      {3, "PAUSE"}, {4, "CLOSE"}, {5, "PRE_OPEN_NO_CANCEL"}, {6, "EXPIRED"})
NAMES(cde_definition_flag_names, "InstrumentDefinitionFlags", true, {0, "isPriorSettlementTheoretical"},
      {1, "isAnnounced"}, {2, "isCall"}, {3, "isStrikeDelisted"})
NAMES(cde_spread_names, "SpreadBuyConvention", false, {1, "USE_FAR_BID"}, {-1, "USE_NEAR_BID"})
NAMES(cde_expiry_names, "OptionExpiryType", false, {0, "WEEKLY"}, {1, "MONTHLY"})
NAMES(cde_stat_names, "MarketStatType", false, {'4', "DAY_OPENING_PRICE"}, {'5', "CLOSING_PRICE"},
      {'6', "SETTLEMENT_PRICE"}, {'7', "TRADING_SESSION_HIGH_PRICE"}, {'8', "TRADING_SESSION_LOW_PRICE"},
      {'F', "REFERENCE_PRICE"}, {'I', "INDICATIVE_OPENING_PRICE"})
NAMES(cde_reason_names, "RetransmitRejectReason", false, {1, "SEQ_TOO_LOW"}, {2, "SEQ_TOO_HIGH"},
      {3, "RATE_LIMIT_EXCEEDED"}, {4, "OTHER_ERROR"})
NAMES(cde_funding_flag_names, "FundingRateFlags", true, {0, "isFinal"})

static const struct f24_field outright[] = {CDE_INSTRUMENT(F24_FIELD) CDE_OUTRIGHT(F24_FIELD)};
static const struct f24_field spread[] = {CDE_INSTRUMENT(F24_FIELD) CDE_SPREAD(F24_FIELD)};
static const struct f24_field option[] = {CDE_INSTRUMENT(F24_FIELD) CDE_OPTION(F24_FIELD)};
static const struct f24_field status[] = {CDE_INSTRUMENT(F24_FIELD) CDE_STATUS(F24_FIELD)};
static const struct f24_field put[] = {CDE_INSTRUMENT(F24_FIELD) CDE_PUT(F24_FIELD)};
static const struct f24_field delete[] = {CDE_INSTRUMENT(F24_FIELD) CDE_DELETE(F24_FIELD)};
static const struct f24_field implied[] = {CDE_INSTRUMENT(F24_FIELD) CDE_IMPLIED(F24_FIELD)};
static const struct f24_field summary[] = {CDE_INSTRUMENT(F24_FIELD) CDE_SUMMARY(F24_FIELD)};
static const struct f24_field trade[] = {CDE_INSTRUMENT(F24_FIELD) CDE_TRADE(F24_FIELD)};
static const struct f24_field amend[] = {CDE_INSTRUMENT(F24_FIELD) CDE_AMEND(F24_FIELD)};
static const struct f24_field spread_amend[] = {CDE_INSTRUMENT(F24_FIELD) CDE_SPREAD_AMEND(F24_FIELD)};
static const struct f24_field bust[] = {CDE_INSTRUMENT(F24_FIELD) CDE_BUST(F24_FIELD)};
static const struct f24_field stat[] = {CDE_INSTRUMENT(F24_FIELD) CDE_STAT(F24_FIELD)};
static const struct f24_field volume[] = {CDE_INSTRUMENT(F24_FIELD) CDE_VOLUME(F24_FIELD)};
static const struct f24_field interest[] = {CDE_INSTRUMENT(F24_FIELD) CDE_INTEREST(F24_FIELD)};
static const struct f24_field start_outright[] = {CDE_START_OUTRIGHT(F24_FIELD)};
static const struct f24_field start_spread[] = {CDE_START_SPREAD(F24_FIELD)};
static const struct f24_field start_option[] = {CDE_START_OPTION(F24_FIELD)};
static const struct f24_field order[] = {CDE_ORDER(F24_FIELD)};
static const struct f24_field end[] = {CDE_END(F24_FIELD)};
static const struct f24_field cycle[] = {CDE_CYCLE(F24_FIELD)};
static const struct f24_field request[] = {CDE_REQUEST(F24_FIELD)};
static const struct f24_field reject[] = {CDE_REJECT(F24_FIELD)};
static const struct f24_field funding[] = {CDE_INSTRUMENT(F24_FIELD) CDE_FUNDING(F24_FIELD)};

enum { ANY = UINT16_MAX };
#define L(name, id, from, used, fields)                                                                      \
    {                                                                                                        \
        name, id, from, ANY, used, 0, COUNT(fields), fields                                                  \
    }

const struct f24_layout cde_layouts[CDE_LAYOUTS] = {
    [CDE_L_OUTRIGHT] = L("OutrightInstrumentDefinition", 10, 0, 184, outright),
    [CDE_L_SPREAD] = L("SpreadInstrumentDefinition", 11, 0, 185, spread),
    [CDE_L_OPTION] = L("OptionInstrumentDefinition", 12, 3, 177, option),
    [CDE_L_STATUS] = L("TradingStatusUpdate", 17, 0, 49, status),
    [CDE_L_PUT] = L("OrderPut", 20, 0, 52, put),
    [CDE_L_DELETE] = L("OrderDelete", 21, 0, 40, delete),
    [CDE_L_IMPLIED] = L("ImpliedOrderUpdate", 22, 0, 56, implied),
    [CDE_L_TRADE] = L("Trade", 30, 0, 68, trade),
    [CDE_L_AMEND] = L("TradeAmend", 31, 0, 72, amend),
    [CDE_L_BUST] = L("TradeBust", 32, 0, 56, bust),
    [CDE_L_SUMMARY] = L("TradeSummary", 33, 0, 68, summary),
    [CDE_L_SPREAD_AMEND] = L("SpreadTradeAmend", 34, 0, 104, spread_amend),
    [CDE_L_STAT] = L("MarketStat", 40, 0, 41, stat),
    [CDE_L_VOLUME] = L("TradeSessionVolume", 41, 0, 44, volume),
    [CDE_L_INTEREST] = L("OpenInterest", 42, 0, 36, interest),
    [CDE_L_FUNDING] = L("FundingRate", 43, 0, 81, funding),
    [CDE_L_START_OUTRIGHT] = L("StartOfOutrightInstrumentSnapshot", 110, 0, 140, start_outright),
    [CDE_L_START_SPREAD] = L("StartOfSpreadInstrumentSnapshot", 111, 0, 141, start_spread),
    [CDE_L_START_OPTION] = L("StartOfOptionInstrumentSnapshot", 112, 3, 151, start_option),
    [CDE_L_ORDER] = L("OrderSnapshot", 120, 0, 40, order),
    [CDE_L_END] = L("EndOfSnapshot", 122, 0, 170, end),
    [CDE_L_CYCLE] = L("EndOfCycle", 124, 6, 14, cycle),
    [CDE_L_REQUEST] = L("RetransmitRequest", CDE_T_RETRANSMIT_REQUEST, 0, 19, request),
    [CDE_L_REJECT] = L("RetransmitReject", CDE_T_RETRANSMIT_REJECT, 0, 59, reject),
};

// Layout of a template, + 1.
static const uint8_t by_template[CDE_T_RETRANSMIT_REJECT + 1] = {
    [10] = CDE_L_OUTRIGHT + 1,
    [11] = CDE_L_SPREAD + 1,
    [12] = CDE_L_OPTION + 1,
    [17] = CDE_L_STATUS + 1,
    [20] = CDE_L_PUT + 1,
    [21] = CDE_L_DELETE + 1,
    [22] = CDE_L_IMPLIED + 1,
    [30] = CDE_L_TRADE + 1,
    [31] = CDE_L_AMEND + 1,
    [32] = CDE_L_BUST + 1,
    [33] = CDE_L_SUMMARY + 1,
    [34] = CDE_L_SPREAD_AMEND + 1,
    [40] = CDE_L_STAT + 1,
    [41] = CDE_L_VOLUME + 1,
    [42] = CDE_L_INTEREST + 1,
    [43] = CDE_L_FUNDING + 1,
    [110] = CDE_L_START_OUTRIGHT + 1,
    [111] = CDE_L_START_SPREAD + 1,
    [112] = CDE_L_START_OPTION + 1,
    [120] = CDE_L_ORDER + 1,
    [122] = CDE_L_END + 1,
    [124] = CDE_L_CYCLE + 1,
    [CDE_T_RETRANSMIT_REQUEST] = CDE_L_REQUEST + 1,
    [CDE_T_RETRANSMIT_REJECT] = CDE_L_REJECT + 1,
};

size_t cde_message(const uint8_t *p, size_t len, size_t at)
{
    size_t n = f24_message(p, len, at, CDE_MSG_HEADER);
    if (n == 0 || le16_load(p + at + CDE_SCHEMA) != CDE_SCHEMA_ID)
        return 0;
    return le16_load(p + at + CDE_BLOCK) <= n - CDE_MSG_HEADER ? n : 0;
}

// Whether the block ends where the fields of a version end, or behind those of the newest known.
static bool fits(const struct f24_layout *l, size_t used)
{
    if (used >= l->used)
        return true;
    for (unsigned k = l->fields; --k > 0;) {
        const struct f24_field *f = &l->field[k];
        if (f->since <= l->version_min || f->at < used)
            return false;
        if (f->at == used)
            return f[-1].since < f->since;
    }
    return false;
}

enum cde_layout cde_layout(const uint8_t *m)
{
    unsigned id = le16_load(m + CDE_TEMPLATE);
    unsigned k = id < COUNT(by_template) ? by_template[id] : 0;
    if (k == 0)
        return CDE_L_UNKNOWN;
    size_t used = CDE_MSG_HEADER + (size_t)le16_load(m + CDE_BLOCK);
    return fits(&cde_layouts[k - 1], used) ? (enum cde_layout)(k - 1) : CDE_L_BAD;
}

static void print_message(FILE *out, const struct feed_packet *p, const uint8_t *m)
{
    enum cde_layout k = cde_layout(m);
    const struct f24_layout *l = k < CDE_LAYOUTS ? &cde_layouts[k] : NULL;
    fputc(',', out);
    if (p->snapshot)
        fprintf(out, "%" PRId32, (int32_t)le32_load(p->payload + CDE_INSTRUMENT_ID));
    fprintf(out, ",%u,%s,%u", le16_load(m + CDE_TEMPLATE), l ? l->name : "", le16_load(m + CDE_VERSION_AT));
    f24_print(out, CDE_FIELD_COLUMNS, l, m, CDE_MSG_HEADER + (size_t)le16_load(m + CDE_BLOCK));
    fputc('\n', out);
}

// Messages of a snapshot all have the packet's number, and lines A and B cut it into packets as they like.
void cde_print(FILE *out, const struct feed_packet *p, uint32_t skip, struct cde_seen *seen)
{
    unsigned idx = 0;
    for (size_t at = F24_HEADER, n; at < p->len; at += n, idx++) {
        n = cde_message(p->payload, p->len, at);
        if (n == 0)
            return;
        if (idx < skip || (p->snapshot && !cde_seen_first(seen, p, p->payload + at, n)))
            continue;
        f24_print_head(out, p, p->payload[CDE_BITS], p->seq + (p->snapshot ? 0 : idx), idx);
        print_message(out, p, p->payload + at);
    }
}
