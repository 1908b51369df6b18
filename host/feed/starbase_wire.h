// SPDX-License-Identifier: Apache-2.0
// Deribit Starbase on the wire: schema 2102, versions 0 to 2, little-endian, packed. All facts of the schema
// are here: every template as a list of (symbol, offset, bytes, type, since, names, schema name), offsets
// from the start of the message, its header of 16 bytes included. starbase_table.c makes the tables of them.
//
// A message says its length but not its layout: one template has had several layouts, twice under the same
// version, so a layout is chosen by template, version and length, and a length that fits none is refused. In
// versions above the newest known, SBE's rule for extensions is relied on: fields are appended, so a message
// longer than the newest layout begins with it (but for definitions, whose groups could not be found then).
// Sources: the venue's XML of 2026-05 and 2026-08-07 (version 1). Version 0 was on the test network until
// 2026-04; the venue's sample capture of then says version 0 too, but has the layouts of version 1. Version 2
// has only grown the block trade (its two new fields are not read).
#ifndef TRIPLINE_FEED_STARBASE_WIRE_H
#define TRIPLINE_FEED_STARBASE_WIRE_H

#include "feed/frame24.h"

enum {
    SB_CHANNEL = 16, // i32
    SB_TYPE = 20,    // u16, enum f24_bits
    SB_COUNT = 22,   // u16

    SB_TEMPLATE = 2, // u16 each, of a message
    SB_VERSION = 4,  //
    SB_FLAGS = 6,    // enum sb_flags
    SB_TIME = 8,     // i64 ns
    SB_MSG_HEADER = 16,
    SB_VERSION_KNOWN = 2, // newest known

    SB_GROUP_BLOCK = 0, // u16 each
    SB_GROUP_COUNT = 2, //
    SB_GROUP_HEADER = 4,
    SB_LARGE_TICK = 16, // block: i64 largeTickSize, i64 thresholdPrice
    SB_LEG = 9,         // block: i64 legInstrumentId, i8 ratio

    SB_GROUP_LINE_SHIFT = 4, // see SB_GROUPS
};
// Multicast groups 224.0.12.192 + (0..63): line A at 0..15, B at 16..31, the test network's at 32..47
// and 48..63.
#define SB_GROUPS      UINT32_C(0xe0000cc0)
#define SB_GROUPS_MASK UINT32_C(0xffffffc0)
#define SB_QUIET_NS    UINT64_C(15000000000) // three heartbeats

enum sb_flags { SB_START = 1, SB_END = 2 };
enum sb_trade_flags { SB_IS_SELL = 1, SB_IS_LIQUIDATION = 2 };
enum sb_instrument_flags { SB_REVERSED = 1 };
enum sb_status { SB_STATUS_OPEN = 0 };
enum sb_type { SB_PERPETUAL, SB_OPTION, SB_SPOT, SB_FUTURE_COMBO, SB_OPTION_COMBO, SB_DATED };
enum { SB_T_RETRANSMIT_REQUEST = 200, SB_T_RETRANSMIT_REJECT = 202 };

// clang-format off
#define SB_INSTRUMENT_V0(F) \
    F(SB_INSTRUMENT_V0_ID, 16, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_INSTRUMENT_V0_SYMBOL, 24, 64, F24_TEXT, 0, NULL, symbol) \
    F(SB_INSTRUMENT_V0_NAME, 88, 128, F24_TEXT, 0, NULL, name) \
    F(SB_INSTRUMENT_V0_BASE, 216, 8, F24_TEXT, 0, NULL, baseCurrency) \
    F(SB_INSTRUMENT_V0_QUOTE, 224, 8, F24_TEXT, 0, NULL, quoteCurrency) \
    F(SB_INSTRUMENT_V0_INCREMENT, 232, 8, F24_PRICE, 0, NULL, baseIncrement) \
    F(SB_INSTRUMENT_V0_TICK, 240, 8, F24_PRICE, 0, NULL, tickSize) \
    F(SB_INSTRUMENT_V0_STRIKE, 248, 8, F24_PRICE, 0, NULL, strikePrice) \
    F(SB_INSTRUMENT_V0_LARGE0, 256, 8, F24_PRICE, 0, NULL, largeTickSize0) \
    F(SB_INSTRUMENT_V0_FROM0, 264, 8, F24_PRICE, 0, NULL, largeTickThreshold0) \
    F(SB_INSTRUMENT_V0_LARGE1, 272, 8, F24_PRICE, 0, NULL, largeTickSize1) \
    F(SB_INSTRUMENT_V0_FROM1, 280, 8, F24_PRICE, 0, NULL, largeTickThreshold1) \
    F(SB_INSTRUMENT_V0_CREATED, 288, 8, F24_I64, 0, NULL, creationTime) \
    F(SB_INSTRUMENT_V0_EXPIRY, 296, 8, F24_I64, 0, NULL, expiryTime) \
    F(SB_INSTRUMENT_V0_LOGICAL, 304, 8, F24_EXPIRY, 0, NULL, logicalExpiry) \
    F(SB_INSTRUMENT_V0_FLAGS, 312, 4, F24_U32, 0, &sb_instrument_flag_names, flags) \
    F(SB_INSTRUMENT_V0_TYPE, 316, 1, F24_I8, 0, &sb_type_names, type) \
    F(SB_INSTRUMENT_V0_STATUS, 317, 1, F24_I8, 0, &sb_status_names, status) \
    F(SB_INSTRUMENT_V0_EXPONENT, 318, 1, F24_I8, 0, NULL, quantityExponent)

#define SB_INSTRUMENT(F) \
    F(SB_INSTRUMENT_ID, 16, 8, F24_I64, 1, NULL, instrumentId) \
    F(SB_INSTRUMENT_NAME, 24, 128, F24_TEXT, 1, NULL, name) \
    F(SB_INSTRUMENT_INDEX, 152, 8, F24_I64, 1, NULL, indexId) \
    F(SB_INSTRUMENT_UNDERLYING, 160, 64, F24_TEXT, 1, NULL, underlying) \
    F(SB_INSTRUMENT_QTY_ASSET, 224, 8, F24_TEXT, 1, NULL, quantityAsset) \
    F(SB_INSTRUMENT_PRICE_ASSET, 232, 8, F24_TEXT, 1, NULL, priceAsset) \
    F(SB_INSTRUMENT_EXPIRY, 240, 8, F24_I64, 1, NULL, expiryTime) \
    F(SB_INSTRUMENT_STRIKE, 248, 8, F24_PRICE, 1, NULL, strikePrice) \
    F(SB_INSTRUMENT_MIN, 256, 8, F24_I64, 1, NULL, minOrderQuantity) \
    F(SB_INSTRUMENT_TICK, 264, 8, F24_PRICE, 1, NULL, tickSize) \
    F(SB_INSTRUMENT_EXPONENT, 272, 1, F24_I8, 1, NULL, quantityExponent) \
    F(SB_INSTRUMENT_TYPE, 273, 1, F24_I8, 1, &sb_type_names, type) \
    F(SB_INSTRUMENT_FLAGS, 274, 1, F24_U8, 1, &sb_instrument_flag_names, flags) \
    F(SB_INSTRUMENT_STATUS, 275, 1, F24_I8, 1, &sb_status_names, status)

#define SB_INDEX_DEFINITION(F) \
    F(SB_INDEX_DEFINITION_ID, 16, 8, F24_I64, 1, NULL, indexId) \
    F(SB_INDEX_DEFINITION_NAME, 24, 128, F24_TEXT, 1, NULL, name)

#define SB_INDEX_INFO(F) \
    F(SB_INDEX_INFO_ID, 16, 8, F24_I64, 1, NULL, indexId) \
    F(SB_INDEX_INFO_PRICE, 24, 8, F24_PRICE, 1, NULL, indexPrice)

#define SB_INFO(F) \
    F(SB_INFO_ID, 16, 8, F24_I64, 1, NULL, instrumentId) \
    F(SB_INFO_MIN_SELL, 24, 8, F24_PRICE, 1, NULL, minSellPrice) \
    F(SB_INFO_MAX_BUY, 32, 8, F24_PRICE, 1, NULL, maxBuyPrice) \
    F(SB_INFO_MARK, 40, 8, F24_PRICE, 1, NULL, markPrice)

// Template 14 until 2026-08-07, and 13 in version 0.
#define SB_INFO_OLD(F) \
    F(SB_INFO_OLD_ID, 16, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_INFO_OLD_MIN_SELL, 24, 8, F24_PRICE, 0, NULL, minSellPrice) \
    F(SB_INFO_OLD_MAX_BUY, 32, 8, F24_PRICE, 0, NULL, maxBuyPrice) \
    F(SB_INFO_OLD_INDEX, 40, 8, F24_PRICE, 0, NULL, indexPrice) \
    F(SB_INFO_OLD_MARK, 48, 8, F24_PRICE, 0, NULL, markPrice)

// Template 15 until 2026-08-07, and 14 in version 0.
#define SB_REF_OLD(F) \
    F(SB_REF_ID, 16, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_REF_FUNDING, 24, 8, F24_F64, 0, NULL, currentFunding) \
    F(SB_REF_FUNDING_8H, 32, 8, F24_F64, 0, NULL, funding8h) \
    F(SB_REF_ESTIMATED, 40, 8, F24_PRICE, 0, NULL, estimatedDeliveryPrice) \
    F(SB_REF_DELIVERY, 48, 8, F24_PRICE, 0, NULL, deliveryPrice) \
    F(SB_REF_SETTLEMENT, 56, 8, F24_PRICE, 0, NULL, settlementPrice)
#define SB_REF_NEW(F) \
    F(SB_REF_OPEN_INTEREST, 64, 8, F24_F64, 1, NULL, openInterest)

// Template 16; in version 0 TradingStatusUpdate, template 12.
#define SB_STATUS_UPDATE(F) \
    F(SB_STATUS_ID, 16, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_STATUS_STATUS, 24, 1, F24_I8, 0, &sb_status_names, tradingStatus)

#define SB_PUT_OLD(F) \
    F(SB_PUT_ORDER, 16, 8, F24_I64, 0, NULL, orderId) \
    F(SB_PUT_ID, 24, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_PUT_QTY, 32, 8, F24_I64, 0, NULL, quantityMantissa) \
    F(SB_PUT_PRICE, 40, 8, F24_PRICE, 0, NULL, price)
#define SB_PUT_NEW(F) \
    F(SB_PUT_SORT, 48, 8, F24_I64, 1, NULL, sortOrderId)

#define SB_REDUCED(F) \
    F(SB_REDUCED_ORDER, 16, 8, F24_I64, 0, NULL, orderId) \
    F(SB_REDUCED_ID, 24, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_REDUCED_QTY, 32, 8, F24_I64, 0, NULL, quantityMantissa)

#define SB_DELETE(F) \
    F(SB_DELETE_ORDER, 16, 8, F24_I64, 0, NULL, orderId) \
    F(SB_DELETE_ID, 24, 8, F24_I64, 0, NULL, instrumentId)

// What both layouts of the trade summary begin with.
#define SB_SUMMARY(F) \
    F(SB_SUMMARY_ID, 16, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_SUMMARY_TAKER, 24, 8, F24_I64, 0, NULL, takerOrderId) \
    F(SB_SUMMARY_FILLED, 32, 8, F24_I64, 0, NULL, totalFilledMantissa) \
    F(SB_SUMMARY_DEEPEST, 40, 8, F24_PRICE, 0, NULL, deepestPrice) \
    F(SB_SUMMARY_MARK, 48, 8, F24_PRICE, 0, NULL, markPrice) \
    F(SB_SUMMARY_INDEX, 56, 8, F24_PRICE, 0, NULL, indexPrice)
#define SB_SUMMARY_V0(F) \
    F(SB_SUMMARY_V0_IV, 64, 8, F24_F64, 0, NULL, impliedVolatility) \
    F(SB_SUMMARY_V0_FLAGS, 72, 4, F24_U32, 0, &sb_trade_flag_names, takerFlags)
#define SB_SUMMARY_V1(F) \
    F(SB_SUMMARY_COUNT, 64, 4, F24_I32, 1, NULL, tradeCount) \
    F(SB_SUMMARY_FLAGS, 68, 4, F24_U32, 1, &sb_trade_flag_names, takerFlags)

#define SB_TRADE(F) \
    F(SB_TRADE_MATCH, 16, 8, F24_I64, 0, NULL, matchId) \
    F(SB_TRADE_ID, 24, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_TRADE_MAKER, 32, 8, F24_I64, 0, NULL, makerOrderId) \
    F(SB_TRADE_QTY, 40, 8, F24_I64, 0, NULL, fillQtyMantissa) \
    F(SB_TRADE_PRICE, 48, 8, F24_PRICE, 0, NULL, fillPrice) \
    F(SB_TRADE_FLAGS, 56, 4, F24_U32, 0, &sb_trade_flag_names, makerFlags)

#define SB_BLOCK(F) \
    F(SB_BLOCK_MATCH, 16, 8, F24_I64, 0, NULL, matchId) \
    F(SB_BLOCK_ID, 24, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_BLOCK_TRADE, 32, 8, F24_I64, 0, NULL, blockTradeId) \
    F(SB_BLOCK_RFQ, 40, 8, F24_I64, 0, NULL, blockRfqId) \
    F(SB_BLOCK_QTY, 48, 8, F24_I64, 0, NULL, fillQtyMantissa) \
    F(SB_BLOCK_PRICE, 56, 8, F24_PRICE, 0, NULL, fillPrice) \
    F(SB_BLOCK_MARK, 64, 8, F24_PRICE, 0, NULL, markPrice) \
    F(SB_BLOCK_INDEX, 72, 8, F24_PRICE, 0, NULL, indexPrice) \
    F(SB_BLOCK_IV, 80, 8, F24_F64, 0, NULL, impliedVolatility) \
    F(SB_BLOCK_FLAGS, 88, 4, F24_U32, 0, &sb_trade_flag_names, takerFlags) \
    F(SB_BLOCK_LEGS, 92, 2, F24_U16, 0, NULL, numberOfLegs)

#define SB_SNAPSHOT_HEADER(F) \
    F(SB_HEADER_ID, 16, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_HEADER_TIME, 24, 8, F24_I64, 0, NULL, incrementalTimestamp) \
    F(SB_HEADER_ANCHOR, 32, 8, F24_I64, 0, NULL, incrementalSeqNum)

#define SB_SNAPSHOT_TRAILER(F) \
    F(SB_TRAILER_ID, 16, 8, F24_I64, 0, NULL, instrumentId) \
    F(SB_TRAILER_TIME, 24, 8, F24_I64, 0, NULL, timestamp) \
    F(SB_TRAILER_ANCHOR, 32, 8, F24_I64, 0, NULL, incrementSeqNum)

#define SB_END_OF_CYCLE(F) \
    F(SB_CYCLE_COUNT, 16, 4, F24_I32, 0, NULL, activeInstrumentCount)

#define SB_RETRANSMIT_REQUEST(F) \
    F(SB_REQUEST_BEGIN, 16, 8, F24_I64, 0, NULL, beginSeqNum) \
    F(SB_REQUEST_COUNT, 24, 1, F24_U8, 0, NULL, messageCount)

#define SB_RETRANSMIT_REJECT(F) \
    F(SB_REJECT_DELAY, 16, 8, F24_I64, 0, NULL, retryDelayNanos) \
    F(SB_REJECT_DETAILS, 24, 40, F24_TEXT, 0, NULL, details) \
    F(SB_REJECT_REASON, 64, 1, F24_I8, 0, &sb_reason_names, reason)

// Columns of `tripline decode` behind the common ones and those of the message header: every field of the schema.
#define SB_FIELD_COLUMNS \
    "instrumentId,indexId,name,symbol,underlying,quantityAsset,priceAsset,baseCurrency,quoteCurrency,"           \
    "creationTime,expiryTime,logicalExpiry,strikePrice,baseIncrement,minOrderQuantity,tickSize,largeTickSize0,"  \
    "largeTickThreshold0,largeTickSize1,largeTickThreshold1,quantityExponent,type,flags,status,tradingStatus,"   \
    "indexPrice,minSellPrice,maxBuyPrice,markPrice,currentFunding,funding8h,estimatedDeliveryPrice,"             \
    "deliveryPrice,settlementPrice,openInterest,orderId,quantityMantissa,price,sortOrderId,takerOrderId,"        \
    "totalFilledMantissa,deepestPrice,tradeCount,takerFlags,matchId,makerOrderId,fillQtyMantissa,fillPrice,"     \
    "makerFlags,blockTradeId,blockRfqId,impliedVolatility,numberOfLegs,incrementalTimestamp,incrementalSeqNum,"  \
    "timestamp,incrementSeqNum,activeInstrumentCount,beginSeqNum,messageCount,retryDelayNanos,details,reason"
#define SB_COLUMNS F24_COLUMNS ",template,message,version,msg_flags,transact_time," SB_FIELD_COLUMNS ",largeTickSizes,legs"
// clang-format on

enum { SB_INSTRUMENT_V0(F24_OFFSET) };
enum { SB_INSTRUMENT(F24_OFFSET) };
enum { SB_INDEX_DEFINITION(F24_OFFSET) };
enum { SB_INDEX_INFO(F24_OFFSET) };
enum { SB_INFO(F24_OFFSET) };
enum { SB_INFO_OLD(F24_OFFSET) };
enum { SB_REF_OLD(F24_OFFSET) SB_REF_NEW(F24_OFFSET) };
enum { SB_STATUS_UPDATE(F24_OFFSET) };
enum { SB_PUT_OLD(F24_OFFSET) SB_PUT_NEW(F24_OFFSET) };
enum { SB_REDUCED(F24_OFFSET) };
enum { SB_DELETE(F24_OFFSET) };
enum { SB_SUMMARY(F24_OFFSET) SB_SUMMARY_V0(F24_OFFSET) SB_SUMMARY_V1(F24_OFFSET) };
enum { SB_TRADE(F24_OFFSET) };
enum { SB_BLOCK(F24_OFFSET) };
enum { SB_SNAPSHOT_HEADER(F24_OFFSET) };
enum { SB_SNAPSHOT_TRAILER(F24_OFFSET) };
enum { SB_END_OF_CYCLE(F24_OFFSET) };
enum { SB_RETRANSMIT_REQUEST(F24_OFFSET) };
enum { SB_RETRANSMIT_REJECT(F24_OFFSET) };

// Layouts, in the order of starbase_layouts[]: by template.
enum sb_layout {
    SB_L_INSTRUMENT,
    SB_L_INSTRUMENT_V0,
    SB_L_INDEX_DEFINITION,
    SB_L_STATUS_V0,
    SB_L_INDEX_INFO,
    SB_L_INFO_V0,
    SB_L_REF_V0,
    SB_L_INFO,
    SB_L_INFO_MAY,
    SB_L_REF,
    SB_L_REF_MAY,
    SB_L_STATUS,
    SB_L_BID_PUT_V0,
    SB_L_BID_PUT,
    SB_L_ASK_PUT_V0,
    SB_L_ASK_PUT,
    SB_L_BID_REDUCED,
    SB_L_ASK_REDUCED,
    SB_L_BID_DELETE,
    SB_L_ASK_DELETE,
    SB_L_SUMMARY_V0,
    SB_L_SUMMARY,
    SB_L_TRADE,
    SB_L_BLOCK,
    SB_L_BLOCK_V2,
    SB_L_SNAPSHOT_HEADER,
    SB_L_SNAPSHOT_TRAILER,
    SB_L_END_OF_CYCLE,
    SB_L_REQUEST,
    SB_L_REJECT,
    SB_LAYOUTS,
    SB_L_UNKNOWN = SB_LAYOUTS, // a template that its version does not have
    SB_L_BAD,                  // one that it has, but the length fits none of its layouts
};

extern const struct f24_layout starbase_layouts[SB_LAYOUTS];
extern const struct f24_names sb_flag_names, sb_type_names, sb_instrument_flag_names, sb_status_names,
    sb_trade_flag_names, sb_reason_names;

// The layout of the whole message at m, of len bytes, its header included.
enum sb_layout starbase_layout(const uint8_t *m, size_t len);
void starbase_print(FILE *out, const struct feed_packet *p, uint32_t skip);

#endif
