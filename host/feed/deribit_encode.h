// SPDX-License-Identifier: Apache-2.0
// Writes Deribit legacy multicast datagrams (deribit_wire.h) for the generator, tests and benches. Messages
// are appended between deribit_begin and deribit_end. What does not fit makes deribit_end return 0; nothing
// is ever written outside the buffer. One thread an encoder.
#ifndef TRIPLINE_FEED_DERIBIT_ENCODE_H
#define TRIPLINE_FEED_DERIBIT_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deribit_encoder {
    uint8_t *buf;
    size_t cap, len;
    unsigned messages;
    bool overflow;
    uint8_t scrap[256]; // takes the bytes of whatever did not fit
};

struct deribit_ticker {
    uint32_t id;
    uint8_t state;
    uint64_t ts_ms;
    double open_interest, min_sell, max_buy, index, mark, bid, bid_amount, ask, ask_amount, funding;
    double last;
    bool has_last; // false: the wire's "none"
};

struct deribit_instrument {
    uint32_t id;
    const char *name;                         // up to 255 characters
    const char *base, *quote, *settle, *size; // up to 8
    uint8_t state, kind, type;
    uint64_t created_ms, expires_ms;
    double contract_size, min_trade, tick, maker_fee, taker_fee, max_leverage;
};

struct deribit_level {
    bool bid;
    uint8_t change; // 0 created 1 changed 2 deleted; unused in snapshots
    double price, amount;
};

struct deribit_trade {
    bool sell;
    uint8_t liquidation;
    double price, amount, mark, index;
    uint64_t ts_ms, seq, id;
};

// The buffer stays the caller's.
void deribit_begin(struct deribit_encoder *e, uint8_t *buf, size_t cap, uint16_t channel, uint32_t seq);
// Length of the datagram, 0 when something did not fit.
size_t deribit_end(struct deribit_encoder *e);

void deribit_put_ticker(struct deribit_encoder *e, const struct deribit_ticker *t);
void deribit_put_quote(struct deribit_encoder *e, const struct deribit_ticker *t); // 1003 version 1
void deribit_put_index(struct deribit_encoder *e, const char *name, double price, uint64_t ts_ms);
void deribit_put_instrument(struct deribit_encoder *e, const struct deribit_instrument *i);    // 1000
void deribit_put_instrument_v2(struct deribit_encoder *e, const struct deribit_instrument *i); // 1010
void deribit_put_book(struct deribit_encoder *e, uint32_t id, uint64_t ts_ms, uint64_t prev, uint64_t change,
                      const struct deribit_level *levels, uint16_t n);
void deribit_put_snapshot(struct deribit_encoder *e, uint32_t id, uint64_t ts_ms, uint64_t change,
                          const struct deribit_level *levels, uint16_t n);
void deribit_put_trades(struct deribit_encoder *e, uint32_t id, const struct deribit_trade *trades,
                        uint16_t n);
void deribit_put_snapshot_start(struct deribit_encoder *e, uint32_t delay_ms);
void deribit_put_snapshot_end(struct deribit_encoder *e);

// Parts, for messages that have no function of their own. The pointers are good until the next call and
// zeroed.
uint8_t *deribit_put_message(struct deribit_encoder *e, uint16_t template_id, uint16_t version,
                             uint16_t block, uint16_t groups, uint16_t vars);
// Header only; each entry is then appended with deribit_put_bytes and, where groups or vars say so, its own
// groups and strings.
void deribit_put_group(struct deribit_encoder *e, uint16_t block, uint16_t count, uint16_t groups,
                       uint16_t vars);
uint8_t *deribit_put_bytes(struct deribit_encoder *e, size_t n); // n <= 256
void deribit_put_string(struct deribit_encoder *e, const char *s);

#endif
