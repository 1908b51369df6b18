// SPDX-License-Identifier: Apache-2.0
#include "feed/gen_venue.h"

#include "base/wide.h"
#include "feed/deribit_wire.h"
#include "feed/wire.h"

#include <assert.h>

enum {
    PORT_EVENTS = 6100,
    PORT_SNAPSHOTS = 6101,
    SNAPSHOT_CHANNEL = 100, // snapshot channel of channel N: 100 + N
    SNAPSHOT_DELAY_MS = 200,
    PER_PACKET = 2, // instruments in one packet of definitions, where they have no whole books
    BASIS_MAX_PPM = 500,
    KIND_FUTURE = 0,
    TYPE_REVERSED = 1,
    TYPE_LINEAR = 2,
};
static const uint64_t NO_EXPIRY_MS = UINT64_C(32503708800000); // what the venue sends for perpetuals
static const uint64_t CREATED_MS = UINT64_C(1534167754000);
static const uint64_t SEED_VENUE = 0x76656e7565, SEED_SIZES = 0x73697a6573;
static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};

static const struct gen_instrument INSTRUMENTS[GEN_INSTRUMENT_MAX] = {
    {"BTC-PERPETUAL", "btc_usd", 101, 1, ASSET_BTC, 0, 2, 6400000, 50, 10.0, "BTC", "BTC"},
    {"ETH-PERPETUAL", "eth_usd", 102, 4, ASSET_ETH, 0, 2, 320000, 5, 1.0, "ETH", "ETH"},
    {"BTC_USDC-PERPETUAL", "btc_usdc", 201, 10, ASSET_BTC, 1, 2, 6400000, 100, 0.001, "BTC", "USDC"},
    {"ETH_USDC-PERPETUAL", "eth_usdc", 202, 10, ASSET_ETH, 1, 4, 32000000, 500, 0.01, "ETH", "USDC"},
    {"SOL_USDC-PERPETUAL", "sol_usdc", 203, 10, ASSET_SOL, 1, 4, 1500000, 10, 0.1, "SOL", "USDC"},
    {"XRP_USDC-PERPETUAL", "xrp_usdc", 204, 10, ASSET_XRP, 1, 6, 520000, 10, 1.0, "XRP", "USDC"},
    {"DOGE_USDC-PERPETUAL", "doge_usdc", 205, 10, ASSET_DOGE, 1, 6, 120000, 10, 10.0, "DOGE", "USDC"},
    {"PEPE_USDC-PERPETUAL", "pepe_usdc", 206, 10, ASSET_PEPE, 1, 10, 110000, 10, 100000.0, "PEPE", "USDC"},
};
static const struct gen_instrument USDC_INDEX = {
    .index = "usdc_usd", .asset = ASSET_USDC, .decimals = 6, .start = 1000000};
// Quoted by version 1 of template 1003 alone, so it never has a mark.
static const struct gen_instrument DATED = {
    "BTC-25DEC26", "btc_usd", GEN_QUOTE_ONLY_ID, VENUE_QUOTE_CHANNEL, ASSET_BTC, 0, 2, 6500000, 250, 10.0,
    "BTC",         "BTC"};

const struct gen_instrument *gen_instruments(size_t *count)
{
    *count = GEN_INSTRUMENT_MAX;
    return INSTRUMENTS;
}

// The nearest double to n * 10^-decimals: one correctly rounded division of two exact numbers.
static double price_double(const struct gen_instrument *s, int64_t n)
{
    return (double)n / POWERS[s->decimals];
}

static uint64_t below(struct venue *v, uint64_t n)
{
    return prng_below(&v->rng, n);
}

static bool one_in(struct venue *v, uint64_t n)
{
    return below(v, n) == 0;
}

// ---- prices

static int64_t index_price(const struct venue *v, const struct gen_instrument *s)
{
    return path_price(&v->path, s->asset, s->start, s->linear);
}

static double some_amount(struct venue *v, const struct gen_instrument *s)
{
    return s->contract_size * (double)(1 + below(v, 1000));
}

// Quotes around the mark on the tick grid; now and then a side of the book is empty, which the wire shows as
// 0.
static void fill_quotes(struct venue *v, const struct gen_instrument *s, int64_t mark,
                        struct deribit_ticker *t)
{
    int64_t bid = mark / s->tick * s->tick;
    int64_t ask = bid + s->tick * (int64_t)(1 + below(v, 3));
    if (bid > 0 && !one_in(v, 50)) {
        t->bid = price_double(s, bid);
        t->bid_amount = some_amount(v, s);
    }
    if (!one_in(v, 50)) {
        t->ask = price_double(s, ask);
        t->ask_amount = some_amount(v, s);
    }
}

static int64_t mark_at(const struct venue_instrument *i, int64_t index)
{
    int64_t mark = index + (int64_t)((i128)index * i->basis_ppm / 1000000);
    return mark < 1 ? 1 : mark;
}

static int64_t next_mark(struct venue *v, struct venue_instrument *i, int64_t index)
{
    i->basis_ppm += (int64_t)below(v, 41) - 20 - i->basis_ppm / 32;
    if (i->basis_ppm > BASIS_MAX_PPM)
        i->basis_ppm = BASIS_MAX_PPM;
    if (i->basis_ppm < -BASIS_MAX_PPM)
        i->basis_ppm = -BASIS_MAX_PPM;
    return mark_at(i, index);
}

static struct deribit_ticker make_ticker(struct venue *v, struct venue_instrument *i, uint64_t ts_ms)
{
    const struct gen_instrument *s = i->spec;
    int64_t index = index_price(v, s);
    int64_t mark = next_mark(v, i, index);
    struct deribit_ticker t = {.id = s->id,
                               .state = STATE_OPEN,
                               .ts_ms = ts_ms,
                               .open_interest = some_amount(v, s),
                               .min_sell = price_double(s, mark - mark / 64),
                               .max_buy = price_double(s, mark + mark / 64),
                               .index = price_double(s, index),
                               .mark = price_double(s, mark),
                               .funding = (double)i->basis_ppm / 1e8,
                               .has_last = i->last != 0,
                               .last = price_double(s, i->last)};
    fill_quotes(v, s, mark, &t);
    return t;
}

// ---- messages

static void put_ticker(struct deribit_encoder *e, const struct deribit_ticker *t, struct venue_content *c)
{
    deribit_put_ticker(e, t);
    c->tickers++;
}

static uint16_t fill_levels(struct venue *v, const struct gen_instrument *s, const struct deribit_ticker *t,
                            struct deribit_level out[4])
{
    uint16_t n = (uint16_t)below(v, 5);
    for (uint16_t k = 0; k < n; k++) {
        uint8_t change = (uint8_t)below(v, 3);
        out[k] = (struct deribit_level){.bid = k & 1,
                                        .change = change,
                                        .price = k & 1 ? t->bid : t->ask,
                                        .amount = change == 2 ? 0.0 : some_amount(v, s)};
    }
    return n;
}

static void put_book(struct venue *v, struct deribit_encoder *e, struct venue_instrument *i,
                     const struct deribit_ticker *t)
{
    struct deribit_level levels[2 * BOOK_LEVELS_ALL];
    uint16_t n = v->config.book_levels ? gen_book_step(&i->book, i->spec, v->config.book_levels,
                                                       mark_at(i, index_price(v, i->spec)), &v->sizes, levels)
                                       : fill_levels(v, i->spec, t, levels);
    deribit_put_book(e, i->spec->id, t->ts_ms, i->change_id, i->change_id + 1, levels, n);
    i->change_id++;
}

static void put_trades(struct venue *v, struct deribit_encoder *e, struct venue_instrument *i, uint64_t ts_ms)
{
    const struct gen_instrument *s = i->spec;
    struct deribit_trade trades[3];
    uint16_t n = (uint16_t)(1 + below(v, 3));
    int64_t index = index_price(v, s);
    for (uint16_t k = 0; k < n; k++) {
        int64_t price = (index / s->tick + (int64_t)below(v, 3)) * s->tick;
        i->last = price ? price : s->tick;
        // One draw a statement: C leaves the order inside an initialiser open, and the bytes must not depend
        // on it.
        bool sell = one_in(v, 2);
        double amount = some_amount(v, s);
        trades[k] = (struct deribit_trade){.sell = sell,
                                           .price = price_double(s, i->last),
                                           .amount = amount,
                                           .mark = price_double(s, index),
                                           .index = price_double(s, index),
                                           .ts_ms = ts_ms,
                                           .seq = ++i->trade_seq,
                                           .id = v->slot * 4 + k};
    }
    deribit_put_trades(e, s->id, trades, n);
}

static void put_definition(struct deribit_encoder *e, const struct gen_instrument *s, unsigned which,
                           struct venue_content *c)
{
    struct deribit_instrument d = {.id = s->id,
                                   .name = s->name,
                                   .base = s->base,
                                   .quote = s->linear ? "USDC" : "USD",
                                   .settle = s->settle,
                                   .size = s->linear ? s->base : "USD",
                                   .state = STATE_OPEN,
                                   .kind = KIND_FUTURE,
                                   .type = s->linear ? TYPE_LINEAR : TYPE_REVERSED,
                                   .created_ms = CREATED_MS,
                                   .expires_ms = s == &DATED ? UINT64_C(1798185600000) : NO_EXPIRY_MS,
                                   .contract_size = s->contract_size,
                                   .min_trade = s->contract_size,
                                   .tick = price_double(s, s->tick),
                                   .maker_fee = 0.0,
                                   .taker_fee = 0.0005,
                                   .max_leverage = 50.0};
    // The venue sends both templates; a receiver must do with either.
    if (which != 1) {
        deribit_put_instrument(e, &d);
        c->instruments++;
    }
    if (which != 2) {
        deribit_put_instrument_v2(e, &d);
        c->instruments++;
    }
}

// ---- packets: each returns the channel to send on

static uint16_t send_indexes(struct venue *v, struct deribit_encoder *e, uint64_t ts_ms,
                             struct venue_content *c)
{
    unsigned n = one_in(v, 6) ? 2 + (unsigned)below(v, 2) : 1;
    for (unsigned k = 0; k < n; k++) {
        const struct gen_instrument *s = one_in(v, 16) ? &USDC_INDEX : v->inst[below(v, v->count)].spec;
        deribit_put_index(e, s->index, price_double(s, index_price(v, s)), ts_ms);
        c->indexes++;
    }
    return 0;
}

static uint16_t send_tickers(struct venue *v, struct deribit_encoder *e, uint64_t ts_ms,
                             struct venue_content *c)
{
    size_t first = below(v, v->count);
    uint16_t channel = v->inst[first].spec->channel;
    for (size_t k = 0, sent = 0; k < v->count && sent < 5; k++) {
        struct venue_instrument *i = &v->inst[(first + k) % v->count];
        if (i->spec->channel != channel)
            continue;
        struct deribit_ticker t = make_ticker(v, i, ts_ms);
        put_ticker(e, &t, c);
        sent++;
    }
    return channel;
}

// What a change of the book makes the venue send: trades, ticker, book, in this order.
static uint16_t send_event(struct venue *v, struct deribit_encoder *e, uint64_t ts_ms,
                           struct venue_content *c)
{
    struct venue_instrument *i = &v->inst[below(v, v->count)];
    uint64_t kind = below(v, 20);
    if (kind < 4)
        put_trades(v, e, i, ts_ms);
    struct deribit_ticker t = make_ticker(v, i, ts_ms);
    if (kind != 19)
        put_ticker(e, &t, c);
    if (kind < 8 || kind == 19 || v->config.book_levels)
        put_book(v, e, i, &t);
    return i->spec->channel;
}

// A template from a later schema, with everything nested that the format allows.
static void put_unknown(struct venue *v, struct deribit_encoder *e)
{
    deribit_put_message(e, 1042, 4, (uint16_t)below(v, 40), 2, 2);
    deribit_put_group(e, 24, 2, 0, 0);
    deribit_put_bytes(e, 48);
    uint16_t entries = (uint16_t)below(v, 3);
    deribit_put_group(e, 3, entries, 1, 1);
    for (uint16_t k = 0; k < entries; k++) {
        deribit_put_bytes(e, 3);
        deribit_put_group(e, 5, k, 0, 0);
        deribit_put_bytes(e, 5 * (size_t)k);
        deribit_put_string(e, "leg");
    }
    deribit_put_string(e, "");
    deribit_put_string(e, "unknown template");
}

static uint16_t send_other(struct venue *v, struct deribit_encoder *e, uint64_t ts_ms,
                           struct venue_content *c)
{
    if (one_in(v, 4)) {
        put_unknown(v, e);
    } else if (one_in(v, 4)) {
        uint8_t *b = deribit_put_message(e, T_RFQ, 1, 22, 0, 0);
        le32_store(b, DATED.id);
        le64_store(b + 14, ts_ms);
    }
    struct deribit_ticker t = {.id = DATED.id, .ts_ms = ts_ms};
    fill_quotes(v, &DATED, index_price(v, &DATED), &t);
    deribit_put_quote(e, &t);
    c->tickers++;
    return VENUE_QUOTE_CHANNEL;
}

// ---- rounds of definitions

// Channels in the order in which they are defined.
static const uint16_t ROUND_CHANNELS[] = {1, 4, 10, VENUE_QUOTE_CHANNEL};
enum { ROUND_COUNT = sizeof ROUND_CHANNELS / sizeof ROUND_CHANNELS[0] };

static unsigned on_channel(struct venue *v, uint16_t channel,
                           struct venue_instrument *out[GEN_INSTRUMENT_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < v->count; i++)
        if (v->inst[i].spec->channel == channel)
            out[n++] = &v->inst[i];
    return n;
}

static unsigned per_packet(const struct venue *v)
{
    return v->config.book_levels ? 1 : PER_PACKET;
}

static void put_definitions(struct venue *v, struct deribit_encoder *e, struct venue_instrument *i,
                            uint64_t ts_ms, struct venue_content *c)
{
    put_definition(e, i->spec, i->spec->id % 3, c);
    struct deribit_ticker t = make_ticker(v, i, ts_ms);
    put_ticker(e, &t, c);
    struct deribit_level levels[BOOK_LEVELS_ALL];
    uint16_t n = v->config.book_levels
                     ? gen_book_whole(&i->book, i->spec, v->config.book_levels,
                                      mark_at(i, index_price(v, i->spec)), &v->sizes, levels)
                     : fill_levels(v, i->spec, &t, levels);
    deribit_put_snapshot(e, i->spec->id, ts_ms, i->change_id, levels, n);
}

// Packets of one channel's part: start, definitions, end. False when `k` is past them.
static bool round_packet(struct venue *v, uint16_t channel, unsigned k, struct deribit_encoder *e,
                         uint64_t ts_ms, struct venue_content *c)
{
    struct venue_instrument *members[GEN_INSTRUMENT_MAX];
    unsigned n = on_channel(v, channel, members);
    bool dated = channel == VENUE_QUOTE_CHANNEL;
    unsigned parts = dated ? 1 : (n + per_packet(v) - 1) / per_packet(v);
    if (parts == 0 || k > parts + 1)
        return false;
    if (k == 0) {
        deribit_put_snapshot_start(e, SNAPSHOT_DELAY_MS);
    } else if (k == parts + 1) {
        deribit_put_snapshot_end(e);
    } else if (dated) {
        put_definition(e, &DATED, 0, c);
    } else {
        for (unsigned i = (k - 1) * per_packet(v); i < n && i < k * per_packet(v); i++)
            put_definitions(v, e, members[i], ts_ms, c);
    }
    return true;
}

// Next packet of the round; false when the round is over.
static bool send_round(struct venue *v, struct deribit_encoder *e, uint64_t ts_ms, struct venue_content *c,
                       uint16_t *channel)
{
    for (; v->round_channel < ROUND_COUNT; v->round_channel++, v->round_packet = 0) {
        *channel = ROUND_CHANNELS[v->round_channel];
        if (round_packet(v, *channel, v->round_packet, e, ts_ms, c)) {
            v->round_packet++;
            return true;
        }
    }
    v->in_round = false;
    return false;
}

// ---- the stream

void venue_init(struct venue *v, const struct gen_config *c)
{
    *v = (struct venue){.config = *c, .snapshot_at = c->start_ns};
    prng_seed(&v->rng, c->seed ^ SEED_VENUE);
    prng_seed(&v->sizes, c->seed ^ SEED_SIZES);
    path_init(&v->path, c->seed, c->path, (int64_t)c->packets, 1000000000u / c->rate_pps);
    for (unsigned i = 0; i < GEN_INSTRUMENT_MAX; i++)
        if (c->instruments >> i & 1)
            v->inst[v->count++] = (struct venue_instrument){.spec = &INSTRUMENTS[i], .change_id = 1000};
    // A receiver joins in the middle of every sequence.
    for (unsigned i = 0; i < VENUE_CHANNELS; i++) {
        v->seq_events[i] = 1 + (uint32_t)below(v, 1000000);
        v->seq_snapshots[i] = 1 + (uint32_t)below(v, 1000000);
    }
}

static uint64_t slot_time(struct venue *v)
{
    uint64_t interval = 1000000000u / v->config.rate_pps;
    u128 due = (u128)v->slot * 1000000000u / v->config.rate_pps;
    return v->config.start_ns + (uint64_t)due + below(v, interval / 2 + 1);
}

// Whether this packet belongs to the round of definitions. The first round comes before everything; later
// ones share the line with prices, every other packet.
static bool round_turn(struct venue *v, uint64_t ts_ns)
{
    if (!v->in_round && ts_ns >= v->snapshot_at) {
        v->in_round = true;
        v->round_channel = v->round_packet = 0;
        v->snapshot_at = ts_ns + GEN_SNAPSHOT_NS;
        v->rounds++;
    }
    return v->in_round && (v->rounds == 1 || v->slot % 2 == 0);
}

static uint16_t send_prices(struct venue *v, struct deribit_encoder *e, uint64_t ts_ms,
                            struct venue_content *c)
{
    uint64_t kind = below(v, 100);
    if (kind < 30)
        return send_indexes(v, e, ts_ms, c);
    if (kind < 40)
        return send_tickers(v, e, ts_ms, c);
    if (kind < 42)
        return send_other(v, e, ts_ms, c);
    return send_event(v, e, ts_ms, c);
}

static struct frame_options some_options(struct venue *v)
{
    struct frame_options o = {.ip_id = v->ip_id++};
    uint64_t kind = below(v, 32);
    o.vlans = kind == 0 ? 2 : kind < 5 ? 1 : 0;
    o.router_alert = one_in(v, 32);
    return o;
}

bool venue_next(struct venue *v, uint64_t *ts_ns, struct gen_frame *f, struct venue_content *content)
{
    if (v->slot == v->config.packets)
        return false;
    path_step(&v->path);
    *ts_ns = slot_time(v);
    uint64_t ts_ms = (*ts_ns - 40000 - below(v, 60000)) / 1000000;
    struct frame_options o = some_options(v);
    struct deribit_encoder e;
    uint8_t *payload = frame_payload(f, &o);
    deribit_begin(&e, payload, FRAME_PAYLOAD_MAX, 0, 0);
    *content = (struct venue_content){0};
    uint16_t channel;
    bool round = round_turn(v, *ts_ns) && send_round(v, &e, ts_ms, content, &channel);
    if (!round)
        channel = send_prices(v, &e, ts_ms, content);
    content->messages = e.messages;
    uint32_t *seq = round ? &v->seq_snapshots[channel] : &v->seq_events[channel];
    le16_store(payload + FRAME_CHANNEL, (uint16_t)(channel + (round ? SNAPSHOT_CHANNEL : 0)));
    le32_store(payload + FRAME_SEQ, (*seq)++);
    size_t len = deribit_end(&e);
    assert(len != 0); // the largest packet above is below 1 KB
    frame_finish(f, &o, (uint8_t)channel, round ? PORT_SNAPSHOTS : PORT_EVENTS, len);
    v->slot++;
    return true;
}
