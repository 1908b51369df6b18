// SPDX-License-Identifier: Apache-2.0
#include "feed/deribit_encode.h"

#include "feed/deribit_wire.h"
#include "feed/wire.h"

#include <assert.h>
#include <string.h>

static const uint64_t NONE = UINT64_MAX; // a double that is not there: NaN with all bits set

uint8_t *deribit_put_bytes(struct deribit_encoder *e, size_t n)
{
    assert(n <= sizeof e->scrap);
    uint8_t *at = e->scrap;
    if (n > e->cap - e->len) {
        e->overflow = true;
    } else {
        at = e->buf + e->len;
        e->len += n;
    }
    memset(at, 0, n);
    return at;
}

void deribit_begin(struct deribit_encoder *e, uint8_t *buf, size_t cap, uint16_t channel, uint32_t seq)
{
    e->buf = buf;
    e->cap = cap;
    e->len = 0;
    e->messages = 0;
    e->overflow = false;
    uint8_t *h = deribit_put_bytes(e, FRAME_HEADER);
    le16_store(h + FRAME_CHANNEL, channel);
    le32_store(h + FRAME_SEQ, seq);
}

size_t deribit_end(struct deribit_encoder *e)
{
    if (e->overflow || e->len - FRAME_HEADER > UINT16_MAX)
        return 0;
    le16_store(e->buf + FRAME_LENGTH, (uint16_t)(e->len - FRAME_HEADER));
    return e->len;
}

uint8_t *deribit_put_message(struct deribit_encoder *e, uint16_t template_id, uint16_t version,
                             uint16_t block, uint16_t groups, uint16_t vars)
{
    uint8_t *h = deribit_put_bytes(e, MSG_HEADER);
    le16_store(h + MSG_BLOCK, block);
    le16_store(h + MSG_TEMPLATE, template_id);
    le16_store(h + MSG_SCHEMA, DERIBIT_SCHEMA);
    le16_store(h + MSG_VERSION, version);
    le16_store(h + MSG_GROUPS, groups);
    le16_store(h + MSG_VARS, vars);
    e->messages++;
    return deribit_put_bytes(e, block);
}

void deribit_put_group(struct deribit_encoder *e, uint16_t block, uint16_t count, uint16_t groups,
                       uint16_t vars)
{
    uint8_t *h = deribit_put_bytes(e, GROUP_HEADER);
    le16_store(h + GROUP_BLOCK, block);
    le16_store(h + GROUP_COUNT, count);
    le16_store(h + GROUP_GROUPS, groups);
    le16_store(h + GROUP_VARS, vars);
}

void deribit_put_string(struct deribit_encoder *e, const char *s)
{
    size_t n = strlen(s);
    assert(n <= UINT8_MAX);
    *deribit_put_bytes(e, 1) = (uint8_t)n;
    memcpy(deribit_put_bytes(e, n), s, n);
}

void deribit_put_ticker(struct deribit_encoder *e, const struct deribit_ticker *t)
{
    uint8_t *b = deribit_put_message(e, T_TICKER, 2, TICKER_BLOCK, 0, 0);
    le32_store(b + TICKER_ID, t->id);
    b[TICKER_STATE] = t->state;
    le64_store(b + TICKER_TS, t->ts_ms);
    le_double_store(b + TICKER_OPEN_INTEREST, t->open_interest);
    le_double_store(b + TICKER_MIN_SELL, t->min_sell);
    le_double_store(b + TICKER_MAX_BUY, t->max_buy);
    if (t->has_last)
        le_double_store(b + TICKER_LAST, t->last);
    else
        le64_store(b + TICKER_LAST, NONE);
    le_double_store(b + TICKER_INDEX, t->index);
    le_double_store(b + TICKER_MARK, t->mark);
    le_double_store(b + TICKER_BID, t->bid);
    le_double_store(b + TICKER_BID_AMOUNT, t->bid_amount);
    le_double_store(b + TICKER_ASK, t->ask);
    le_double_store(b + TICKER_ASK_AMOUNT, t->ask_amount);
    le_double_store(b + TICKER_FUNDING, t->funding);
    le_double_store(b + TICKER_FUNDING_8H, t->funding);
    le64_store(b + TICKER_EST_DELIVERY, NONE);
    le64_store(b + TICKER_DELIVERY, NONE);
    le_double_store(b + TICKER_SETTLEMENT, t->mark);
}

void deribit_put_quote(struct deribit_encoder *e, const struct deribit_ticker *t)
{
    uint8_t *b = deribit_put_message(e, T_TICKER, 1, QUOTE_BLOCK, 0, 0);
    le32_store(b + QUOTE_ID, t->id);
    le64_store(b + QUOTE_TS, t->ts_ms);
    le_double_store(b + QUOTE_BID, t->bid);
    le_double_store(b + QUOTE_BID_AMOUNT, t->bid_amount);
    le_double_store(b + QUOTE_ASK, t->ask);
    le_double_store(b + QUOTE_ASK_AMOUNT, t->ask_amount);
}

// NUL-padded text; what is longer than its field is cut.
static void put_text(uint8_t *at, const char *s, size_t size)
{
    memcpy(at, s, strnlen(s, size));
}

void deribit_put_index(struct deribit_encoder *e, const char *name, double price, uint64_t ts_ms)
{
    uint8_t *b = deribit_put_message(e, T_PRICE_INDEX, 2, INDEX_BLOCK, 0, 0);
    put_text(b + INDEX_NAME, name, INDEX_NAME_SIZE);
    le_double_store(b + INDEX_PRICE, price);
    le64_store(b + INDEX_TS, ts_ms);
}

// Fields of both instrument templates; `tail` is the block, less the byte that 1010 does not have.
static void fill_instrument(uint8_t *b, uint8_t *tail, const struct deribit_instrument *i)
{
    le32_store(b + INSTRUMENT_ID, i->id);
    b[INSTRUMENT_STATE] = i->state;
    b[INSTRUMENT_KIND] = i->kind;
    b[INSTRUMENT_TYPE] = i->type;
    tail[INSTRUMENT_PERIOD] = 4;
    le16_store(tail + INSTRUMENT_COUNT, 1);
    put_text(tail + INSTRUMENT_BASE, i->base, CURRENCY_SIZE);
    put_text(tail + INSTRUMENT_QUOTE, i->quote, CURRENCY_SIZE);
    put_text(tail + INSTRUMENT_COUNTER, i->quote, CURRENCY_SIZE);
    put_text(tail + INSTRUMENT_SETTLE, i->settle, CURRENCY_SIZE);
    put_text(tail + INSTRUMENT_SIZE, i->size, CURRENCY_SIZE);
    le64_store(tail + INSTRUMENT_CREATED, i->created_ms);
    le64_store(tail + INSTRUMENT_EXPIRES, i->expires_ms);
    le64_store(tail + INSTRUMENT_STRIKE, NONE);
    le_double_store(tail + INSTRUMENT_CONTRACT, i->contract_size);
    le_double_store(tail + INSTRUMENT_MIN_TRADE, i->min_trade);
    le_double_store(tail + INSTRUMENT_TICK, i->tick);
    le_double_store(tail + INSTRUMENT_MAKER, i->maker_fee);
    le_double_store(tail + INSTRUMENT_TAKER, i->taker_fee);
    le_double_store(tail + INSTRUMENT_BLOCK_FEE, i->taker_fee);
    le64_store(tail + INSTRUMENT_MAX_LIQ, NONE);
    le_double_store(tail + INSTRUMENT_MAX_LEVERAGE, i->max_leverage);
}

void deribit_put_instrument(struct deribit_encoder *e, const struct deribit_instrument *i)
{
    uint8_t *b = deribit_put_message(e, T_INSTRUMENT, 2, INSTRUMENT_BLOCK, 0, 1);
    fill_instrument(b, b, i);
    deribit_put_string(e, i->name);
}

void deribit_put_instrument_v2(struct deribit_encoder *e, const struct deribit_instrument *i)
{
    uint8_t *b = deribit_put_message(e, T_INSTRUMENT_V2, 3, INSTRUMENT_V2_BLOCK, 1, 1);
    fill_instrument(b, b - INSTRUMENT_V2_SHIFT, i);
    deribit_put_group(e, TICK_STEP_ENTRY, 1, 0, 0);
    uint8_t *step = deribit_put_bytes(e, TICK_STEP_ENTRY);
    le_double_store(step, 0.0);
    le_double_store(step + 8, i->tick);
    deribit_put_string(e, i->name);
}

void deribit_put_book(struct deribit_encoder *e, uint32_t id, uint64_t ts_ms, uint64_t prev, uint64_t change,
                      const struct deribit_level *levels, uint16_t n)
{
    uint8_t *b = deribit_put_message(e, T_BOOK, 2, BOOK_BLOCK, 1, 0);
    le32_store(b + BOOK_ID, id);
    le64_store(b + BOOK_TS, ts_ms);
    le64_store(b + BOOK_PREV_CHANGE, prev);
    le64_store(b + BOOK_CHANGE, change);
    b[BOOK_LAST] = 1;
    deribit_put_group(e, BOOK_ENTRY, n, 0, 0);
    for (uint16_t i = 0; i < n; i++) {
        uint8_t *l = deribit_put_bytes(e, BOOK_ENTRY);
        l[0] = levels[i].bid;
        l[1] = levels[i].change;
        le_double_store(l + 2, levels[i].price);
        le_double_store(l + 10, levels[i].amount);
    }
}

void deribit_put_snapshot(struct deribit_encoder *e, uint32_t id, uint64_t ts_ms, uint64_t change,
                          const struct deribit_level *levels, uint16_t n)
{
    uint8_t *b = deribit_put_message(e, T_SNAPSHOT, 2, SNAPSHOT_BLOCK, 1, 0);
    le32_store(b, id);
    le64_store(b + SNAPSHOT_TS, ts_ms);
    le64_store(b + SNAPSHOT_CHANGE, change);
    b[SNAPSHOT_COMPLETE] = 1;
    b[SNAPSHOT_LAST] = 1;
    deribit_put_group(e, SNAPSHOT_ENTRY, n, 0, 0);
    for (uint16_t i = 0; i < n; i++) {
        uint8_t *l = deribit_put_bytes(e, SNAPSHOT_ENTRY);
        l[0] = levels[i].bid;
        le_double_store(l + 1, levels[i].price);
        le_double_store(l + 9, levels[i].amount);
    }
}

void deribit_put_trades(struct deribit_encoder *e, uint32_t id, const struct deribit_trade *trades,
                        uint16_t n)
{
    le32_store(deribit_put_message(e, T_TRADES, 2, TRADES_BLOCK, 1, 0), id);
    deribit_put_group(e, TRADES_ENTRY, n, 0, 0);
    for (uint16_t i = 0; i < n; i++) {
        const struct deribit_trade *t = &trades[i];
        uint8_t *l = deribit_put_bytes(e, TRADES_ENTRY);
        l[0] = t->sell;
        le_double_store(l + 1, t->price);
        le_double_store(l + 9, t->amount);
        le64_store(l + 17, t->ts_ms);
        le_double_store(l + 25, t->mark);
        le_double_store(l + 33, t->index);
        le64_store(l + 41, t->seq);
        le64_store(l + 49, t->id);
        l[58] = t->liquidation;
        le64_store(l + 59, NONE);
    }
}

void deribit_put_snapshot_start(struct deribit_encoder *e, uint32_t delay_ms)
{
    le32_store(deribit_put_message(e, T_SNAPSHOT_START, 2, 4, 0, 0), delay_ms);
}

void deribit_put_snapshot_end(struct deribit_encoder *e)
{
    deribit_put_message(e, T_SNAPSHOT_END, 2, 0, 0, 0);
}
