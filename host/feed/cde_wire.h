// SPDX-License-Identifier: Apache-2.0
// Coinbase Derivatives (once FairX) multicast on the wire: schema 1201, versions 0 to 7 and the prefix of
// later ones, little-endian, packed. All facts of the schema are here: every template as a list of (symbol,
// offset, bytes, type, since, names, schema name), offsets from the start of the message, its header of 10
// bytes included. cde_table.c makes the tables of them.
//
// Fields are never removed or moved, new ones are appended: blockLength says which are there. A block must
// end where the fields of some version end, or behind those of the newest known. Sources: the
// venue's XML of versions 2 and 7; FundingRate (43), which they do not have yet: its documentation.
#ifndef TRIPLINE_FEED_CDE_WIRE_H
#define TRIPLINE_FEED_CDE_WIRE_H

#include "feed/frame24.h"

enum {
    CDE_CHANNEL = 16,       // u16
    CDE_BITS = 18,          // u8, enum f24_bits
    CDE_COUNT = 19,         // u8
    CDE_INSTRUMENT_ID = 20, // i32, of a snapshot

    CDE_BLOCK = 2,      // u16 each, of a message; the block begins behind the header
    CDE_TEMPLATE = 4,   //
    CDE_SCHEMA = 6,     //
    CDE_VERSION_AT = 8, //
    CDE_MSG_HEADER = 10,
    CDE_SCHEMA_ID = 1201,
    CDE_INSTRUMENT_END = 32, // of the instrument header that every live message begins with
    CDE_T_SNAPSHOTS = 100,   // templates from here on are not live: no instrument header
    CDE_T_RETRANSMIT_REQUEST = 200,
    CDE_T_RETRANSMIT_REJECT = 202,
};
#define CDE_QUIET_NS UINT64_C(15000000000) // three heartbeats

// CLEAR_OTHER: the documentation's value for CLEAR, "reserved"; the schema says bit 7.
enum cde_flags { CDE_START = 1, CDE_FINISH = 2, CDE_CLEAR_OTHER = 4, CDE_CLEAR = 128 };
enum cde_side { CDE_BUY = 1, CDE_SELL = -1 };
enum cde_status { CDE_STATUS_OPEN = 1 };

// clang-format off
#define CDE_INSTRUMENT(F) \
    F(CDE_FLAGS, 10, 1, F24_U8, 0, &cde_flag_names, flags) \
    F(CDE_SIDE, 11, 1, F24_I8, 0, &cde_side_names, side) \
    F(CDE_ID, 12, 4, F24_I32, 0, NULL, instrumentId) \
    F(CDE_OWN_SEQ, 16, 4, F24_U32, 0, NULL, instrSeqNum) \
    F(CDE_DAY, 20, 2, F24_U16, 0, NULL, tradingSessionDate) \
    F(CDE_RESERVED, 22, 2, F24_I16, 0, NULL, reserved) \
    F(CDE_TIME, 24, 8, F24_I64, 0, NULL, transactTime)

#define CDE_OUTRIGHT(F) \
    F(CDE_OUTRIGHT_SYMBOL, 32, 24, F24_TEXT, 0, NULL, symbol) \
    F(CDE_OUTRIGHT_PRODUCT_CODE, 56, 8, F24_TEXT, 0, NULL, productCode) \
    F(CDE_OUTRIGHT_DESCRIPTION, 64, 32, F24_TEXT, 0, NULL, description) \
    F(CDE_OUTRIGHT_TICK_SIZE, 96, 8, F24_PRICE, 0, NULL, tickSize) \
    F(CDE_OUTRIGHT_CFI_CODE, 104, 8, F24_TEXT, 0, NULL, cfiCode) \
    F(CDE_OUTRIGHT_CURRENCY, 112, 8, F24_TEXT, 0, NULL, currency) \
    F(CDE_OUTRIGHT_FIRST_TRADING_SESSION_DATE, 120, 2, F24_U16, 0, NULL, firstTradingSessionDate) \
    F(CDE_OUTRIGHT_LAST_TRADING_SESSION_DATE, 122, 2, F24_U16, 0, NULL, lastTradingSessionDate) \
    F(CDE_OUTRIGHT_OLD_CONTRACT_SIZE, 124, 4, F24_I32, 0, NULL, oldContractSize) \
    F(CDE_OUTRIGHT_PRIOR_SETTLEMENT_PRICE, 128, 8, F24_PRICE, 0, NULL, priorSettlementPrice) \
    F(CDE_OUTRIGHT_SETTLEMENT_PRICE, 136, 8, F24_PRICE, 0, NULL, settlementPrice) \
    F(CDE_OUTRIGHT_LIMIT_DOWN_PRICE, 144, 8, F24_PRICE, 0, NULL, limitDownPrice) \
    F(CDE_OUTRIGHT_LIMIT_UP_PRICE, 152, 8, F24_PRICE, 0, NULL, limitUpPrice) \
    F(CDE_OUTRIGHT_PRODUCT_ID, 160, 4, F24_I32, 0, NULL, productId) \
    F(CDE_OUTRIGHT_PRODUCT_GROUP, 164, 1, F24_I8, 0, &cde_group_names, productGroup) \
    F(CDE_OUTRIGHT_TRADING_STATUS, 165, 1, F24_I8, 0, &cde_status_names, tradingStatus) \
    F(CDE_OUTRIGHT_DEFINITION_FLAGS, 166, 2, F24_U16, 2, &cde_definition_flag_names, definitionFlags) \
    F(CDE_OUTRIGHT_CONTRACT_SIZE, 168, 8, F24_I64, 5, NULL, contractSize) \
    F(CDE_OUTRIGHT_LOGICAL_EXPIRY, 176, 8, F24_EXPIRY, 7, NULL, logicalExpiry)

#define CDE_SPREAD(F) \
    F(CDE_SPREAD_SYMBOL, 32, 24, F24_TEXT, 0, NULL, symbol) \
    F(CDE_SPREAD_PRODUCT_CODE, 56, 8, F24_TEXT, 0, NULL, productCode) \
    F(CDE_SPREAD_DESCRIPTION, 64, 32, F24_TEXT, 0, NULL, description) \
    F(CDE_SPREAD_TICK_SIZE, 96, 8, F24_PRICE, 0, NULL, tickSize) \
    F(CDE_SPREAD_CFI_CODE, 104, 8, F24_TEXT, 0, NULL, cfiCode) \
    F(CDE_SPREAD_CURRENCY, 112, 8, F24_TEXT, 0, NULL, currency) \
    F(CDE_SPREAD_FIRST_TRADING_SESSION_DATE, 120, 2, F24_U16, 0, NULL, firstTradingSessionDate) \
    F(CDE_SPREAD_LAST_TRADING_SESSION_DATE, 122, 2, F24_U16, 0, NULL, lastTradingSessionDate) \
    F(CDE_SPREAD_OLD_CONTRACT_SIZE, 124, 4, F24_I32, 0, NULL, oldContractSize) \
    F(CDE_SPREAD_PRIOR_SETTLEMENT_PRICE, 128, 8, F24_PRICE, 0, NULL, priorSettlementPrice) \
    F(CDE_SPREAD_SETTLEMENT_PRICE, 136, 8, F24_PRICE, 0, NULL, settlementPrice) \
    F(CDE_SPREAD_LIMIT_DOWN_PRICE, 144, 8, F24_PRICE, 0, NULL, limitDownPrice) \
    F(CDE_SPREAD_LIMIT_UP_PRICE, 152, 8, F24_PRICE, 0, NULL, limitUpPrice) \
    F(CDE_SPREAD_PRODUCT_ID, 160, 4, F24_I32, 0, NULL, productId) \
    F(CDE_SPREAD_PRODUCT_GROUP, 164, 1, F24_I8, 0, &cde_group_names, productGroup) \
    F(CDE_SPREAD_TRADING_STATUS, 165, 1, F24_I8, 0, &cde_status_names, tradingStatus) \
    F(CDE_SPREAD_LEG1_INSTRUMENT_ID, 166, 4, F24_I32, 0, NULL, leg1InstrumentId) \
    F(CDE_SPREAD_LEG2_INSTRUMENT_ID, 170, 4, F24_I32, 0, NULL, leg2InstrumentId) \
    F(CDE_SPREAD_SPREAD_BUY_CONVENTION, 174, 1, F24_I8, 0, &cde_spread_names, spreadBuyConvention) \
    F(CDE_SPREAD_DEFINITION_FLAGS, 175, 2, F24_U16, 2, &cde_definition_flag_names, definitionFlags) \
    F(CDE_SPREAD_LOGICAL_EXPIRY, 177, 8, F24_EXPIRY, 7, NULL, logicalExpiry)

#define CDE_OPTION(F) \
    F(CDE_OPTION_SYMBOL, 32, 24, F24_TEXT, 3, NULL, symbol) \
    F(CDE_OPTION_PRODUCT_CODE, 56, 8, F24_TEXT, 3, NULL, productCode) \
    F(CDE_OPTION_DESCRIPTION, 64, 32, F24_TEXT, 3, NULL, description) \
    F(CDE_OPTION_SMALL_TICK, 96, 8, F24_PRICE, 3, NULL, smallTick) \
    F(CDE_OPTION_CFI_CODE, 104, 8, F24_TEXT, 3, NULL, cfiCode) \
    F(CDE_OPTION_LARGE_TICK, 112, 8, F24_PRICE, 3, NULL, largeTick) \
    F(CDE_OPTION_LARGE_TICK_THRESHOLD, 120, 8, F24_PRICE, 3, NULL, largeTickThreshold) \
    F(CDE_OPTION_STRIKE_PRICE, 128, 8, F24_PRICE, 3, NULL, strikePrice) \
    F(CDE_OPTION_FIRST_TRADING_SESSION_DATE, 136, 2, F24_U16, 3, NULL, firstTradingSessionDate) \
    F(CDE_OPTION_LAST_TRADING_SESSION_DATE, 138, 2, F24_U16, 3, NULL, lastTradingSessionDate) \
    F(CDE_OPTION_PRIOR_SETTLEMENT_PRICE, 140, 8, F24_PRICE, 3, NULL, priorSettlementPrice) \
    F(CDE_OPTION_SETTLEMENT_PRICE, 148, 8, F24_PRICE, 3, NULL, settlementPrice) \
    F(CDE_OPTION_PRODUCT_ID, 156, 4, F24_I32, 3, NULL, productId) \
    F(CDE_OPTION_UNDERLYING_INSTRUMENT_ID, 160, 4, F24_I32, 3, NULL, underlyingInstrumentId) \
    F(CDE_OPTION_PRODUCT_GROUP, 164, 1, F24_I8, 3, &cde_group_names, productGroup) \
    F(CDE_OPTION_TRADING_STATUS, 165, 1, F24_I8, 3, &cde_status_names, tradingStatus) \
    F(CDE_OPTION_DEFINITION_FLAGS, 166, 2, F24_U16, 3, &cde_definition_flag_names, definitionFlags) \
    F(CDE_OPTION_OPTION_EXPIRY_TYPE, 168, 1, F24_I8, 5, &cde_expiry_names, optionExpiryType) \
    F(CDE_OPTION_LOGICAL_EXPIRY, 169, 8, F24_EXPIRY, 7, NULL, logicalExpiry)

#define CDE_STATUS(F) \
    F(CDE_STATUS_LIMIT_DOWN_PRICE, 32, 8, F24_PRICE, 0, NULL, limitDownPrice) \
    F(CDE_STATUS_LIMIT_UP_PRICE, 40, 8, F24_PRICE, 0, NULL, limitUpPrice) \
    F(CDE_STATUS_TRADING_STATUS, 48, 1, F24_I8, 0, &cde_status_names, tradingStatus)

#define CDE_PUT(F) \
    F(CDE_PUT_ORDER_ID, 32, 8, F24_I64, 0, NULL, orderId) \
    F(CDE_PUT_PRICE, 40, 8, F24_PRICE, 0, NULL, price) \
    F(CDE_PUT_QUANTITY, 48, 4, F24_I32, 0, NULL, quantity)

#define CDE_DELETE(F) \
    F(CDE_DELETE_ORDER_ID, 32, 8, F24_I64, 0, NULL, orderId)

#define CDE_IMPLIED(F) \
    F(CDE_IMPLIED_BEST_PRICE, 32, 8, F24_PRICE, 0, NULL, bestPrice) \
    F(CDE_IMPLIED_NEXT_PRICE, 40, 8, F24_PRICE, 0, NULL, nextPrice) \
    F(CDE_IMPLIED_BEST_QTY, 48, 4, F24_I32, 0, NULL, bestQty) \
    F(CDE_IMPLIED_NEXT_QTY, 52, 4, F24_I32, 0, NULL, nextQty)

#define CDE_SUMMARY(F) \
    F(CDE_SUMMARY_AGGRESSOR_ORDER_ID, 32, 8, F24_I64, 0, NULL, aggressorOrderId) \
    F(CDE_SUMMARY_AGGRESSOR_RECEIVE_TIME, 40, 8, F24_I64, 0, NULL, aggressorReceiveTime) \
    F(CDE_SUMMARY_VWAP_PRICE, 48, 8, F24_PRICE, 0, NULL, vwapPrice) \
    F(CDE_SUMMARY_DEEPEST_PRICE, 56, 8, F24_PRICE, 0, NULL, deepestPrice) \
    F(CDE_SUMMARY_QUANTITY, 64, 4, F24_I32, 0, NULL, quantity)

#define CDE_TRADE(F) \
    F(CDE_TRADE_MATCH_ID, 32, 8, F24_I64, 0, NULL, matchId) \
    F(CDE_TRADE_BUY_ORDER_ID, 40, 8, F24_I64, 0, NULL, buyOrderId) \
    F(CDE_TRADE_SELL_ORDER_ID, 48, 8, F24_I64, 0, NULL, sellOrderId) \
    F(CDE_TRADE_PRICE, 56, 8, F24_PRICE, 0, NULL, price) \
    F(CDE_TRADE_QUANTITY, 64, 4, F24_I32, 0, NULL, quantity)

#define CDE_AMEND(F) \
    F(CDE_AMEND_MATCH_ID, 32, 8, F24_I64, 0, NULL, matchId) \
    F(CDE_AMEND_BUY_ORDER_ID, 40, 8, F24_I64, 0, NULL, buyOrderId) \
    F(CDE_AMEND_SELL_ORDER_ID, 48, 8, F24_I64, 0, NULL, sellOrderId) \
    F(CDE_AMEND_OLD_PRICE, 56, 8, F24_PRICE, 0, NULL, oldPrice) \
    F(CDE_AMEND_NEW_PRICE, 64, 8, F24_PRICE, 0, NULL, newPrice)

#define CDE_SPREAD_AMEND(F) \
    F(CDE_SPREAD_AMEND_MATCH_ID, 32, 8, F24_I64, 0, NULL, matchId) \
    F(CDE_SPREAD_AMEND_BUY_ORDER_ID, 40, 8, F24_I64, 0, NULL, buyOrderId) \
    F(CDE_SPREAD_AMEND_SELL_ORDER_ID, 48, 8, F24_I64, 0, NULL, sellOrderId) \
    F(CDE_SPREAD_AMEND_OLD_PRICE, 56, 8, F24_PRICE, 0, NULL, oldPrice) \
    F(CDE_SPREAD_AMEND_NEW_PRICE, 64, 8, F24_PRICE, 0, NULL, newPrice) \
    F(CDE_SPREAD_AMEND_OLD_LEG1_PRICE, 72, 8, F24_PRICE, 0, NULL, oldLeg1Price) \
    F(CDE_SPREAD_AMEND_NEW_LEG1_PRICE, 80, 8, F24_PRICE, 0, NULL, newLeg1Price) \
    F(CDE_SPREAD_AMEND_OLD_LEG2_PRICE, 88, 8, F24_PRICE, 0, NULL, oldLeg2Price) \
    F(CDE_SPREAD_AMEND_NEW_LEG2_PRICE, 96, 8, F24_PRICE, 0, NULL, newLeg2Price)

#define CDE_BUST(F) \
    F(CDE_BUST_MATCH_ID, 32, 8, F24_I64, 0, NULL, matchId) \
    F(CDE_BUST_BUY_ORDER_ID, 40, 8, F24_I64, 0, NULL, buyOrderId) \
    F(CDE_BUST_SELL_ORDER_ID, 48, 8, F24_I64, 0, NULL, sellOrderId)

#define CDE_STAT(F) \
    F(CDE_STAT_PRICE, 32, 8, F24_PRICE, 0, NULL, price) \
    F(CDE_STAT_STAT_TYPE, 40, 1, F24_CHAR, 0, &cde_stat_names, statType)

#define CDE_VOLUME(F) \
    F(CDE_VOLUME_VWAP_PRICE, 32, 8, F24_PRICE, 0, NULL, vwapPrice) \
    F(CDE_VOLUME_TRADE_VOLUME, 40, 4, F24_I32, 0, NULL, tradeVolume)

#define CDE_INTEREST(F) \
    F(CDE_INTEREST_QUANTITY, 32, 4, F24_I32, 0, NULL, quantity)

#define CDE_START_OUTRIGHT(F) \
    F(CDE_START_OUTRIGHT_SNAPSHOT_SEQ_NUM, 10, 2, F24_U16, 0, NULL, snapshotSeqNum) \
    F(CDE_START_OUTRIGHT_LAST_INSTR_SEQ_NUM, 12, 4, F24_U32, 0, NULL, lastInstrSeqNum) \
    F(CDE_START_OUTRIGHT_SYMBOL, 16, 24, F24_TEXT, 0, NULL, symbol) \
    F(CDE_START_OUTRIGHT_PRODUCT_CODE, 40, 8, F24_TEXT, 0, NULL, productCode) \
    F(CDE_START_OUTRIGHT_DESCRIPTION, 48, 32, F24_TEXT, 0, NULL, description) \
    F(CDE_START_OUTRIGHT_TICK_SIZE, 80, 8, F24_PRICE, 0, NULL, tickSize) \
    F(CDE_START_OUTRIGHT_CFI_CODE, 88, 8, F24_TEXT, 0, NULL, cfiCode) \
    F(CDE_START_OUTRIGHT_CURRENCY, 96, 8, F24_TEXT, 0, NULL, currency) \
    F(CDE_START_OUTRIGHT_PRODUCT_ID, 104, 4, F24_I32, 0, NULL, productId) \
    F(CDE_START_OUTRIGHT_OLD_CONTRACT_SIZE, 108, 4, F24_I32, 0, NULL, oldContractSize) \
    F(CDE_START_OUTRIGHT_ORDER_COUNT, 112, 4, F24_I32, 0, NULL, orderCount) \
    F(CDE_START_OUTRIGHT_FIRST_TRADING_SESSION_DATE, 116, 2, F24_U16, 0, NULL, firstTradingSessionDate) \
    F(CDE_START_OUTRIGHT_LAST_TRADING_SESSION_DATE, 118, 2, F24_U16, 0, NULL, lastTradingSessionDate) \
    F(CDE_START_OUTRIGHT_TRADING_SESSION_DATE, 120, 2, F24_U16, 0, NULL, tradingSessionDate) \
    F(CDE_START_OUTRIGHT_PRODUCT_GROUP, 122, 1, F24_I8, 0, &cde_group_names, productGroup) \
    F(CDE_START_OUTRIGHT_TRADING_STATUS, 123, 1, F24_I8, 0, &cde_status_names, tradingStatus) \
    F(CDE_START_OUTRIGHT_CONTRACT_SIZE, 124, 8, F24_I64, 5, NULL, contractSize) \
    F(CDE_START_OUTRIGHT_LOGICAL_EXPIRY, 132, 8, F24_EXPIRY, 7, NULL, logicalExpiry)

#define CDE_START_SPREAD(F) \
    F(CDE_START_SPREAD_SNAPSHOT_SEQ_NUM, 10, 2, F24_U16, 0, NULL, snapshotSeqNum) \
    F(CDE_START_SPREAD_LAST_INSTR_SEQ_NUM, 12, 4, F24_U32, 0, NULL, lastInstrSeqNum) \
    F(CDE_START_SPREAD_SYMBOL, 16, 24, F24_TEXT, 0, NULL, symbol) \
    F(CDE_START_SPREAD_PRODUCT_CODE, 40, 8, F24_TEXT, 0, NULL, productCode) \
    F(CDE_START_SPREAD_DESCRIPTION, 48, 32, F24_TEXT, 0, NULL, description) \
    F(CDE_START_SPREAD_TICK_SIZE, 80, 8, F24_PRICE, 0, NULL, tickSize) \
    F(CDE_START_SPREAD_CFI_CODE, 88, 8, F24_TEXT, 0, NULL, cfiCode) \
    F(CDE_START_SPREAD_CURRENCY, 96, 8, F24_TEXT, 0, NULL, currency) \
    F(CDE_START_SPREAD_PRODUCT_ID, 104, 4, F24_I32, 0, NULL, productId) \
    F(CDE_START_SPREAD_OLD_CONTRACT_SIZE, 108, 4, F24_I32, 0, NULL, oldContractSize) \
    F(CDE_START_SPREAD_ORDER_COUNT, 112, 4, F24_I32, 0, NULL, orderCount) \
    F(CDE_START_SPREAD_FIRST_TRADING_SESSION_DATE, 116, 2, F24_U16, 0, NULL, firstTradingSessionDate) \
    F(CDE_START_SPREAD_LAST_TRADING_SESSION_DATE, 118, 2, F24_U16, 0, NULL, lastTradingSessionDate) \
    F(CDE_START_SPREAD_TRADING_SESSION_DATE, 120, 2, F24_U16, 0, NULL, tradingSessionDate) \
    F(CDE_START_SPREAD_PRODUCT_GROUP, 122, 1, F24_I8, 0, &cde_group_names, productGroup) \
    F(CDE_START_SPREAD_TRADING_STATUS, 123, 1, F24_I8, 0, &cde_status_names, tradingStatus) \
    F(CDE_START_SPREAD_LEG1_INSTRUMENT_ID, 124, 4, F24_I32, 0, NULL, leg1InstrumentId) \
    F(CDE_START_SPREAD_LEG2_INSTRUMENT_ID, 128, 4, F24_I32, 0, NULL, leg2InstrumentId) \
    F(CDE_START_SPREAD_SPREAD_BUY_CONVENTION, 132, 1, F24_I8, 0, &cde_spread_names, spreadBuyConvention) \
    F(CDE_START_SPREAD_LOGICAL_EXPIRY, 133, 8, F24_EXPIRY, 7, NULL, logicalExpiry)

#define CDE_START_OPTION(F) \
    F(CDE_START_OPTION_SNAPSHOT_SEQ_NUM, 10, 2, F24_U16, 3, NULL, snapshotSeqNum) \
    F(CDE_START_OPTION_LAST_INSTR_SEQ_NUM, 12, 4, F24_U32, 3, NULL, lastInstrSeqNum) \
    F(CDE_START_OPTION_SYMBOL, 16, 24, F24_TEXT, 3, NULL, symbol) \
    F(CDE_START_OPTION_PRODUCT_CODE, 40, 8, F24_TEXT, 3, NULL, productCode) \
    F(CDE_START_OPTION_DESCRIPTION, 48, 32, F24_TEXT, 3, NULL, description) \
    F(CDE_START_OPTION_SMALL_TICK, 80, 8, F24_PRICE, 3, NULL, smallTick) \
    F(CDE_START_OPTION_CFI_CODE, 88, 8, F24_TEXT, 3, NULL, cfiCode) \
    F(CDE_START_OPTION_LARGE_TICK, 96, 8, F24_PRICE, 3, NULL, largeTick) \
    F(CDE_START_OPTION_LARGE_TICK_THRESHOLD, 104, 8, F24_PRICE, 3, NULL, largeTickThreshold) \
    F(CDE_START_OPTION_STRIKE_PRICE, 112, 8, F24_PRICE, 3, NULL, strikePrice) \
    F(CDE_START_OPTION_PRODUCT_ID, 120, 4, F24_I32, 3, NULL, productId) \
    F(CDE_START_OPTION_UNDERLYING_INSTRUMENT_ID, 124, 4, F24_I32, 3, NULL, underlyingInstrumentId) \
    F(CDE_START_OPTION_ORDER_COUNT, 128, 4, F24_I32, 3, NULL, orderCount) \
    F(CDE_START_OPTION_FIRST_TRADING_SESSION_DATE, 132, 2, F24_U16, 3, NULL, firstTradingSessionDate) \
    F(CDE_START_OPTION_LAST_TRADING_SESSION_DATE, 134, 2, F24_U16, 3, NULL, lastTradingSessionDate) \
    F(CDE_START_OPTION_TRADING_SESSION_DATE, 136, 2, F24_U16, 3, NULL, tradingSessionDate) \
    F(CDE_START_OPTION_PRODUCT_GROUP, 138, 1, F24_I8, 3, &cde_group_names, productGroup) \
    F(CDE_START_OPTION_TRADING_STATUS, 139, 1, F24_I8, 3, &cde_status_names, tradingStatus) \
    F(CDE_START_OPTION_DEFINITION_FLAGS, 140, 2, F24_U16, 3, &cde_definition_flag_names, definitionFlags) \
    F(CDE_START_OPTION_OPTION_EXPIRY_TYPE, 142, 1, F24_I8, 5, &cde_expiry_names, optionExpiryType) \
    F(CDE_START_OPTION_LOGICAL_EXPIRY, 143, 8, F24_EXPIRY, 7, NULL, logicalExpiry)

#define CDE_ORDER(F) \
    F(CDE_ORDER_SNAPSHOT_SEQ_NUM, 10, 2, F24_U16, 0, NULL, snapshotSeqNum) \
    F(CDE_ORDER_QUANTITY, 12, 4, F24_I32, 0, NULL, quantity) \
    F(CDE_ORDER_TRANSACT_TIME, 16, 8, F24_I64, 0, NULL, transactTime) \
    F(CDE_ORDER_ORDER_ID, 24, 8, F24_I64, 0, NULL, orderId) \
    F(CDE_ORDER_PRICE, 32, 8, F24_PRICE, 0, NULL, price)

#define CDE_END(F) \
    F(CDE_END_SNAPSHOT_SEQ_NUM, 10, 2, F24_U16, 0, NULL, snapshotSeqNum) \
    F(CDE_END_TRADE_VOLUME, 12, 4, F24_I32, 0, NULL, tradeVolume) \
    F(CDE_END_INDICATIVE_OPEN_PRICE, 16, 8, F24_PRICE, 0, NULL, indicativeOpenPrice) \
    F(CDE_END_DAY_OPEN_PRICE, 24, 8, F24_PRICE, 0, NULL, dayOpenPrice) \
    F(CDE_END_CLOSE_PRICE, 32, 8, F24_PRICE, 0, NULL, closePrice) \
    F(CDE_END_LOW_PRICE, 40, 8, F24_PRICE, 0, NULL, lowPrice) \
    F(CDE_END_HIGH_PRICE, 48, 8, F24_PRICE, 0, NULL, highPrice) \
    F(CDE_END_VWAP_PRICE, 56, 8, F24_PRICE, 0, NULL, vwapPrice) \
    F(CDE_END_SETTLEMENT_PRICE, 64, 8, F24_PRICE, 0, NULL, settlementPrice) \
    F(CDE_END_LAST_TRADE_PRICE, 72, 8, F24_PRICE, 0, NULL, lastTradePrice) \
    F(CDE_END_LAST_TRADE_TIME, 80, 8, F24_I64, 0, NULL, lastTradeTime) \
    F(CDE_END_BEST_BID_IMPLIED_PRICE, 88, 8, F24_PRICE, 0, NULL, bestBidImpliedPrice) \
    F(CDE_END_BEST_ASK_IMPLIED_PRICE, 96, 8, F24_PRICE, 0, NULL, bestAskImpliedPrice) \
    F(CDE_END_NEXT_BID_IMPLIED_PRICE, 104, 8, F24_PRICE, 0, NULL, nextBidImpliedPrice) \
    F(CDE_END_NEXT_ASK_IMPLIED_PRICE, 112, 8, F24_PRICE, 0, NULL, nextAskImpliedPrice) \
    F(CDE_END_LIMIT_DOWN_PRICE, 120, 8, F24_PRICE, 0, NULL, limitDownPrice) \
    F(CDE_END_LIMIT_UP_PRICE, 128, 8, F24_PRICE, 0, NULL, limitUpPrice) \
    F(CDE_END_LAST_TRADE_QTY, 136, 4, F24_I32, 0, NULL, lastTradeQty) \
    F(CDE_END_OPEN_INTEREST, 140, 4, F24_I32, 0, NULL, openInterest) \
    F(CDE_END_BEST_BID_IMPLIED_QTY, 144, 4, F24_I32, 0, NULL, bestBidImpliedQty) \
    F(CDE_END_BEST_ASK_IMPLIED_QTY, 148, 4, F24_I32, 0, NULL, bestAskImpliedQty) \
    F(CDE_END_NEXT_BID_IMPLIED_QTY, 152, 4, F24_I32, 0, NULL, nextBidImpliedQty) \
    F(CDE_END_NEXT_ASK_IMPLIED_QTY, 156, 4, F24_I32, 0, NULL, nextAskImpliedQty) \
    F(CDE_END_PRIOR_SETTLEMENT_PRICE, 160, 8, F24_PRICE, 1, NULL, priorSettlementPrice) \
    F(CDE_END_DEFINITION_FLAGS, 168, 2, F24_U16, 2, &cde_definition_flag_names, definitionFlags)

#define CDE_CYCLE(F) \
    F(CDE_CYCLE_ACTIVE_INSTRUMENT_COUNT, 10, 4, F24_I32, 6, NULL, activeInstrumentCount)

#define CDE_REQUEST(F) \
    F(CDE_REQUEST_BEGIN_SEQ_NUM, 10, 8, F24_I64, 0, NULL, beginSeqNum) \
    F(CDE_REQUEST_MESSAGE_COUNT, 18, 1, F24_U8, 0, NULL, messageCount)

#define CDE_REJECT(F) \
    F(CDE_REJECT_RETRY_DELAY_NANOS, 10, 8, F24_I64, 0, NULL, retryDelayNanos) \
    F(CDE_REJECT_DETAILS, 18, 40, F24_TEXT, 0, NULL, details) \
    F(CDE_REJECT_REASON, 58, 1, F24_I8, 0, &cde_reason_names, reason)

#define CDE_FUNDING(F) \
    F(CDE_FUNDING_RATE, 32, 8, F24_I64, 0, NULL, fundingRate) \
    F(CDE_FUNDING_MARK, 40, 8, F24_PRICE, 0, NULL, futuresMarkPrice) \
    F(CDE_FUNDING_SPOT, 48, 8, F24_PRICE, 0, NULL, spotMarkPrice) \
    F(CDE_FUNDING_FAIR, 56, 8, F24_PRICE, 0, NULL, fairValue) \
    F(CDE_FUNDING_FINAL, 64, 8, F24_I64, 0, NULL, finalFundingRateTimestamp) \
    F(CDE_FUNDING_CORRELATION, 72, 8, F24_I64, 0, NULL, correlationId) \
    F(CDE_FUNDING_FLAGS, 80, 1, F24_U8, 0, &cde_funding_flag_names, fundingFlags)

// Columns of `tripline decode` behind the common ones: every field of the schema but `reserved`.
#define CDE_FIELD_COLUMNS \
    "flags,side,instrumentId,instrSeqNum,tradingSessionDate,transactTime,symbol,productCode,description," \
    "tickSize,cfiCode,currency,firstTradingSessionDate,lastTradingSessionDate,oldContractSize," \
    "priorSettlementPrice,settlementPrice,limitDownPrice,limitUpPrice,productId,productGroup," \
    "tradingStatus,definitionFlags,contractSize,logicalExpiry,leg1InstrumentId,leg2InstrumentId," \
    "spreadBuyConvention,smallTick,largeTick,largeTickThreshold,strikePrice,underlyingInstrumentId," \
    "optionExpiryType,orderId,price,quantity,bestPrice,nextPrice,bestQty,nextQty,aggressorOrderId," \
    "aggressorReceiveTime,vwapPrice,deepestPrice,matchId,buyOrderId,sellOrderId,oldPrice,newPrice," \
    "oldLeg1Price,newLeg1Price,oldLeg2Price,newLeg2Price,statType,tradeVolume,snapshotSeqNum," \
    "lastInstrSeqNum,orderCount,indicativeOpenPrice,dayOpenPrice,closePrice,lowPrice,highPrice," \
    "lastTradePrice,lastTradeTime,bestBidImpliedPrice,bestAskImpliedPrice,nextBidImpliedPrice," \
    "nextAskImpliedPrice,lastTradeQty,openInterest,bestBidImpliedQty,bestAskImpliedQty,nextBidImpliedQty," \
    "nextAskImpliedQty,activeInstrumentCount,beginSeqNum,messageCount,retryDelayNanos,details,reason," \
    "fundingRate,futuresMarkPrice,spotMarkPrice,fairValue,finalFundingRateTimestamp,correlationId," \
    "fundingFlags"
#define CDE_COLUMNS F24_COLUMNS ",snapshotInstrumentId,template,message,version," CDE_FIELD_COLUMNS
// clang-format on

enum { CDE_INSTRUMENT(F24_OFFSET) };
enum { CDE_OUTRIGHT(F24_OFFSET) };
enum { CDE_SPREAD(F24_OFFSET) };
enum { CDE_OPTION(F24_OFFSET) };
enum { CDE_STATUS(F24_OFFSET) };
enum { CDE_PUT(F24_OFFSET) };
enum { CDE_DELETE(F24_OFFSET) };
enum { CDE_IMPLIED(F24_OFFSET) };
enum { CDE_SUMMARY(F24_OFFSET) };
enum { CDE_TRADE(F24_OFFSET) };
enum { CDE_AMEND(F24_OFFSET) };
enum { CDE_SPREAD_AMEND(F24_OFFSET) };
enum { CDE_BUST(F24_OFFSET) };
enum { CDE_STAT(F24_OFFSET) };
enum { CDE_VOLUME(F24_OFFSET) };
enum { CDE_INTEREST(F24_OFFSET) };
enum { CDE_START_OUTRIGHT(F24_OFFSET) };
enum { CDE_START_SPREAD(F24_OFFSET) };
enum { CDE_START_OPTION(F24_OFFSET) };
enum { CDE_ORDER(F24_OFFSET) };
enum { CDE_END(F24_OFFSET) };
enum { CDE_CYCLE(F24_OFFSET) };
enum { CDE_REQUEST(F24_OFFSET) };
enum { CDE_REJECT(F24_OFFSET) };
enum { CDE_FUNDING(F24_OFFSET) };

// Layouts, in the order of cde_layouts[].
enum cde_layout {
    CDE_L_OUTRIGHT,
    CDE_L_SPREAD,
    CDE_L_OPTION,
    CDE_L_STATUS,
    CDE_L_PUT,
    CDE_L_DELETE,
    CDE_L_IMPLIED,
    CDE_L_TRADE,
    CDE_L_AMEND,
    CDE_L_BUST,
    CDE_L_SUMMARY,
    CDE_L_SPREAD_AMEND,
    CDE_L_STAT,
    CDE_L_VOLUME,
    CDE_L_INTEREST,
    CDE_L_FUNDING,
    CDE_L_START_OUTRIGHT,
    CDE_L_START_SPREAD,
    CDE_L_START_OPTION,
    CDE_L_ORDER,
    CDE_L_END,
    CDE_L_CYCLE,
    CDE_L_REQUEST,
    CDE_L_REJECT,
    CDE_LAYOUTS,
    CDE_L_UNKNOWN = CDE_LAYOUTS, // a template that the schema does not have
    CDE_L_BAD,                   // one that it has, but the block ends where none of its versions does
};

extern const struct f24_layout cde_layouts[CDE_LAYOUTS];
extern const struct f24_names cde_flag_names, cde_side_names, cde_group_names, cde_status_names,
    cde_definition_flag_names, cde_spread_names, cde_expiry_names, cde_stat_names, cde_reason_names,
    cde_funding_flag_names;

// Length of the message at `at` with its block inside it and of this schema, or 0.
size_t cde_message(const uint8_t *p, size_t len, size_t at);
// The layout of such a message.
enum cde_layout cde_layout(const uint8_t *m);
// seen: what the lines have brought of snapshots; each message of them is printed once.
struct cde_seen;
void cde_print(FILE *out, const struct feed_packet *p, uint32_t skip, struct cde_seen *seen);

#endif
