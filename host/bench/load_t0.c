// SPDX-License-Identifier: Apache-2.0
#include "bench/load_t0.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "bench/load_inside.h"
#include "feed/deribit_encode.h"
#include "feed/deribit_wire.h"
#include "feed/gen_frame.h"
#include "feed/wire.h"

enum {
    CHANNEL = 10,
    GROUP = 10,
    PORT = 6100,
    QUANTA = 100000, // 10^T0_PRICE_DECIMALS
    // Size A: of seven index prices that nobody uses, 44 bytes each, two come before the ticker, so that the
    // frame has the 503 bytes of STAC-T0 and the id is where it is there, 233 bytes into the payload.
    FILL = 7,
    FILL_BEFORE = 2,
    FRAME_A = 503,
    FRAME_B = 195, // headers 14 + 20 + 8, the feed's 8, the message's 12, its 133
    // After a hit so many messages are none: the account that it took is put back after the next one.
    APART = 8,
};

const struct t0_instrument t0_instrument[T0_INSTRUMENTS] = {
    {"BTC_USDC-PERPETUAL", "BTC", 201, (int64_t)T0_STEP << T0_ID_BITS, 1.0, 0.001},
    {"ETH_USDC-PERPETUAL", "ETH", 202, INT64_C(3200) * QUANTA, 0.05, 0.01},
    {"SOL_USDC-PERPETUAL", "SOL", 203, INT64_C(150) * QUANTA, 0.001, 0.1},
};

struct maker {
    const struct t0_config *c;
    struct load *l;
    struct load_room room;
    struct prng rng;
    struct deribit_encoder enc;
    struct gen_frame frame;
    uint8_t payload[FRAME_PAYLOAD_MAX];
    uint64_t packets;
    uint64_t quiet; // messages that must not be hits yet
};

static uint64_t now_ns(const struct maker *k)
{
    return GEN_START_NS + (uint64_t)((u128)k->packets * 1000000000u / k->c->rate_pps);
}

static void begin(struct maker *k)
{
    deribit_begin(&k->enc, k->payload, sizeof k->payload, CHANNEL, (uint32_t)(k->packets + 1));
}

static int end(struct maker *k, uint64_t id, bool hit, struct err *e)
{
    const struct frame_options o = {.ip_id = (uint16_t)k->packets};
    size_t len = deribit_end(&k->enc); // what is made here always fits
    memcpy(frame_payload(&k->frame, &o), k->payload, len);
    frame_finish(&k->frame, &o, GROUP, PORT, len);
    const struct load_frame f = {.ts_ns = now_ns(k),
                                 .id = id,
                                 .hit = hit,
                                 .caplen = (uint32_t)k->frame.len,
                                 .wirelen = (uint32_t)k->frame.wire};
    k->packets++;
    return load_add(k->l, &k->room, "load in the shape of STAC-T0", &f, k->frame.buf, e);
}

static void put_definition(struct maker *k, const struct t0_instrument *i)
{
    const struct deribit_instrument d = {.id = i->id,
                                         .name = i->name,
                                         .base = i->base,
                                         .quote = "USDC",
                                         .settle = "USDC",
                                         .size = i->base,
                                         .state = STATE_OPEN,
                                         .type = 2, // linear
                                         .contract_size = i->contract_size,
                                         .min_trade = i->contract_size,
                                         .tick = i->tick,
                                         .taker_fee = 0.0005,
                                         .max_leverage = 50.0};
    deribit_put_instrument_v2(&k->enc, &d);
}

// Fields that no rule reads are as plain as the venue allows. Quanta below 2^52 come back from the double as
// they were.
static void put_ticker(struct maker *k, const struct t0_instrument *i, int64_t price)
{
    const struct deribit_ticker t = {.id = i->id,
                                     .state = STATE_OPEN,
                                     .ts_ms = now_ns(k) / 1000000,
                                     .open_interest = 1000 * i->contract_size,
                                     .min_sell = (double)(price - price / 64) / QUANTA,
                                     .max_buy = (double)(price + price / 64) / QUANTA,
                                     .index = (double)i->price / QUANTA,
                                     .mark = (double)price / QUANTA,
                                     .bid = (double)i->price / QUANTA,
                                     .bid_amount = 10 * i->contract_size,
                                     .ask = (double)i->price / QUANTA + i->tick,
                                     .ask_amount = 10 * i->contract_size};
    deribit_put_ticker(&k->enc, &t);
}

static void put_fill(struct maker *k, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        deribit_put_index(&k->enc, "steth_usdc", 3190.0, now_ns(k) / 1000000);
}

// Definitions, then a price of each instrument, all in one packet: accounts are placed once, all together.
static int make_prologue(struct maker *k, struct err *e)
{
    for (unsigned i = 0; i < T0_INSTRUMENTS; i++) {
        begin(k);
        put_definition(k, &t0_instrument[i]);
        if (end(k, 0, false, e) != 0)
            return -1;
    }
    begin(k);
    for (unsigned i = 0; i < T0_INSTRUMENTS; i++)
        put_ticker(k, &t0_instrument[i], t0_instrument[i].price);
    if (end(k, 0, false, e) != 0)
        return -1;
    k->l->prologue = k->l->n;
    return 0;
}

static bool is_hit(uint64_t id)
{
    return id >> T0_HIT_SHIFT == 0;
}

static uint64_t draw_id(struct maker *k)
{
    uint64_t id;
    do
        id = prng_u64(&k->rng);
    while (k->quiet && is_hit(id));
    k->quiet = is_hit(id) ? APART : k->quiet - (k->quiet > 0);
    return id;
}

static int make_message(struct maker *k, struct err *e)
{
    const uint64_t id = draw_id(k);
    begin(k);
    if (k->c->large)
        put_fill(k, FILL_BEFORE);
    size_t at = k->enc.len + MSG_HEADER + TICKER_SETTLEMENT;
    put_ticker(k, &t0_instrument[T0_WATCHED], t0_price(is_hit(id) ? T0_STEP - T0_FALL : T0_STEP, id));
    be32_store(k->payload + at, (uint32_t)(id >> 32)); // as STAC-T0: big endian
    be32_store(k->payload + at + 4, (uint32_t)id);
    if (k->c->large)
        put_fill(k, FILL - FILL_BEFORE);
    return end(k, id, is_hit(id), e);
}

int load_t0(const struct t0_config *c, struct load *out, struct err *e)
{
    *out = (struct load){.kind = LOAD_T0, .synthetic = true, .seed = c->seed};
    if (c->rate_pps == 0 || c->rate_pps > GEN_RATE_MAX)
        return err_set(e, "load in the shape of STAC-T0: rate %" PRIu32 ": give 1 to %u messages a second",
                       c->rate_pps, GEN_RATE_MAX);
    if (c->messages == 0)
        return err_set(e, "load in the shape of STAC-T0: no messages: give at least 1");
    struct maker *k = calloc(1, sizeof *k);
    if (!k)
        return err_set(e, "out of memory");
    k->c = c;
    k->l = out;
    prng_seed(&k->rng, c->seed);
    int rc = make_prologue(k, e);
    for (uint64_t i = 0; rc == 0 && i < c->messages; i++)
        rc = make_message(k, e);
    if (rc == 0)
        load_done(out, &k->room);
    else
        load_free(out);
    free(k);
    if (rc == 0)
        (void)snprintf(out->what, sizeof out->what,
                       "in the shape of STAC-T0, size %s (%d bytes), seed %" PRIu64 ", %" PRIu64
                       " messages, %" PRIu64 " hits",
                       c->large ? "A" : "B", c->large ? FRAME_A : FRAME_B, c->seed, c->messages, out->hits);
    return rc;
}

uint32_t t0_id_of(int64_t price)
{
    return (uint32_t)price & ((1u << T0_ID_BITS) - 1);
}
