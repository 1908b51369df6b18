// SPDX-License-Identifier: Apache-2.0
// Deribit's legacy multicast format on the wire: little-endian, packed. A datagram is a frame header and SBE
// messages (schema 1) back to back. A message is a header, a root block of blockLength bytes, numGroups
// groups, then numVarDataFields strings; a group is a header and its entries, each a block, groups and
// strings in turn; a string is a length byte and its bytes. Offsets are into the root block (docs/feeds.md
// has the full table).
#ifndef TRIPLINE_FEED_DERIBIT_WIRE_H
#define TRIPLINE_FEED_DERIBIT_WIRE_H

enum {
    FRAME_LENGTH = 0,        // u16 bytes after the frame header
    FRAME_CHANNEL = 2,       // u16
    FRAME_SEQ = 4,           // u32, per channel, +1 a packet
    SNAPSHOT_CHANNELS = 100, // channel 100 + N carries the snapshots of channel N
    EVENTS_PORT = 6100,      // UDP; snapshots one higher
    EVENTS_PORT_TEST = 6200,
    FRAME_HEADER = 8,

    MSG_BLOCK = 0,    // u16 each
    MSG_TEMPLATE = 2, //
    MSG_SCHEMA = 4,   //
    MSG_VERSION = 6,  //
    MSG_GROUPS = 8,   //
    MSG_VARS = 10,    //
    MSG_HEADER = 12,
    DERIBIT_SCHEMA = 1,

    GROUP_BLOCK = 0,  // u16 each
    GROUP_COUNT = 2,  //
    GROUP_GROUPS = 4, //
    GROUP_VARS = 6,   //
    GROUP_HEADER = 8,
};

enum deribit_template {
    T_INSTRUMENT = 1000,
    T_BOOK = 1001,
    T_TRADES = 1002,
    T_TICKER = 1003,
    T_SNAPSHOT = 1004,
    T_SNAPSHOT_START = 1005,
    T_SNAPSHOT_END = 1006,
    T_COMBO_LEGS = 1007,
    T_PRICE_INDEX = 1008,
    T_RFQ = 1009,
    T_INSTRUMENT_V2 = 1010,
};

// Codes of an instrument's state.
enum deribit_state {
    STATE_CREATED = 0,
    STATE_OPEN = 1,
    STATE_CLOSED = 2,
    STATE_SETTLED = 3,
    STATE_DEACTIVATED = 4,
    STATE_INACTIVE = 5,
    STATE_STARTED = 6,
};

enum { // 1003 version 2
    TICKER_ID = 0,
    TICKER_STATE = 4,
    TICKER_TS = 5,
    TICKER_OPEN_INTEREST = 13,
    TICKER_MIN_SELL = 21,
    TICKER_MAX_BUY = 29,
    TICKER_LAST = 37,
    TICKER_INDEX = 45,
    TICKER_MARK = 53,
    TICKER_BID = 61,
    TICKER_BID_AMOUNT = 69,
    TICKER_ASK = 77,
    TICKER_ASK_AMOUNT = 85,
    TICKER_FUNDING = 93,
    TICKER_FUNDING_8H = 101,
    TICKER_EST_DELIVERY = 109,
    TICKER_DELIVERY = 117,
    TICKER_SETTLEMENT = 125,
    TICKER_BLOCK = 133,
};

enum { // 1003 version 1: the quote
    QUOTE_ID = 0,
    QUOTE_TS = 4,
    QUOTE_BID = 12,
    QUOTE_BID_AMOUNT = 20,
    QUOTE_ASK = 28,
    QUOTE_ASK_AMOUNT = 36,
    QUOTE_BLOCK = 44,
};

enum { // 1008
    INDEX_NAME = 0,
    INDEX_NAME_SIZE = 16,
    INDEX_PRICE = 16,
    INDEX_TS = 24,
    INDEX_BLOCK = 32,
};

enum { // 1001, 1002, 1004
    BOOK_ID = 0,
    BOOK_TS = 4,
    BOOK_PREV_CHANGE = 12,
    BOOK_CHANGE = 20,
    BOOK_LAST = 28,
    BOOK_BLOCK = 29,
    BOOK_ENTRY_SIDE = 0, // 0 ask, 1 bid
    BOOK_ENTRY_CHANGE = 1,
    BOOK_ENTRY_PRICE = 2,
    BOOK_ENTRY_AMOUNT = 10, // of the level afterwards
    BOOK_ENTRY = 18,
    BOOK_DELETED = 2, // of BOOK_ENTRY_CHANGE; 0 created, 1 changed
    TRADES_ID = 0,
    TRADES_BLOCK = 4,
    TRADE_DIRECTION = 0,
    TRADE_PRICE = 1,
    TRADE_AMOUNT = 9,
    TRADE_TS = 17,
    TRADE_LIQUIDATION = 58, // 0 none, else whose order it was
    TRADES_ENTRY = 83,
    TRADES_ENTRY_MIN = 59, // what is needed here
    SNAPSHOT_TS = 4,
    SNAPSHOT_CHANGE = 12,
    SNAPSHOT_COMPLETE = 20,
    SNAPSHOT_LAST = 21,
    SNAPSHOT_BLOCK = 22,
    SNAPSHOT_ENTRY_SIDE = 0,
    SNAPSHOT_ENTRY_PRICE = 1,
    SNAPSHOT_ENTRY_AMOUNT = 9,
    SNAPSHOT_ENTRY = 17,
};

// 1000 (140 bytes); 1010 (139) has no rfq byte at 8, so everything behind it lies one lower. The name is the
// first string of both.
enum {
    INSTRUMENT_ID = 0,
    INSTRUMENT_STATE = 4,
    INSTRUMENT_KIND = 5,
    INSTRUMENT_TYPE = 6,
    INSTRUMENT_OPTION = 7,
    INSTRUMENT_RFQ = 8,
    INSTRUMENT_PERIOD = 9,
    INSTRUMENT_COUNT = 10,
    INSTRUMENT_BASE = 12,
    INSTRUMENT_QUOTE = 20,
    INSTRUMENT_COUNTER = 28,
    INSTRUMENT_SETTLE = 36,
    INSTRUMENT_SIZE = 44,
    INSTRUMENT_CREATED = 52,
    INSTRUMENT_EXPIRES = 60,
    INSTRUMENT_STRIKE = 68,
    INSTRUMENT_CONTRACT = 76,
    INSTRUMENT_MIN_TRADE = 84,
    INSTRUMENT_TICK = 92,
    INSTRUMENT_MAKER = 100,
    INSTRUMENT_TAKER = 108,
    INSTRUMENT_BLOCK_FEE = 116,
    INSTRUMENT_MAX_LIQ = 124,
    INSTRUMENT_MAX_LEVERAGE = 132,
    INSTRUMENT_BLOCK = 140,
    INSTRUMENT_V2_SHIFT = 1,
    INSTRUMENT_V2_BLOCK = 139,
    TICK_STEP_ENTRY = 16,
    CURRENCY_SIZE = 8,
};

#endif
