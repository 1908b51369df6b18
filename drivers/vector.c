// SPDX-License-Identifier: Apache-2.0
// Back end `vector`: the device in software as fast as the processor's vector units allow, with the model's
// events bit for bit (docs/device.md, docs/vector.md). A tick that ends a group is begun by submit and worked
// in poll, from the nearest rows on and only up to the first block with an event, so that its first flag does
// not wait for the rows behind it. What poll has not done is done before the next command, and events wait in
// a ring, which always has room for what a command may still cause: submit takes none before.
#include "vector.h"
#include "device.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS_MAX = 1 << ABI_ROW_BITS,
    ASSETS_MAX = 1 << ABI_ASSET_BITS,
    EVENTS_SPARE = 2 + ABI_COEF_PAIRS, // a command's events besides one trigger per row
    RING_COMMANDS = 2,                 // worst-case commands the event ring holds
    RING_FRONT = 1 << 21,              // bytes
};
#define COEFS_MAX (UINT64_C(1) << 28) // 1 GiB of coefficients, as the model

struct asset {
    uint64_t lo, hi; // band
};

// A row load between its ROW and the last of its COEF beats.
struct load {
    bool open, discard, bad, armed;
    uint32_t row, left;
};

struct vector {
    struct device dev;
    struct vector_rows rows;
    struct asset *asset;
    struct load load;
    uint32_t group;
    // The tick that is being judged while rows.walking.
    uint32_t tick_asset;
    uint64_t tick_price;
    struct device_counters count;
    struct beat *ring;
    size_t cap, head, used, worst; // cap is a power of two; worst: events one command may cause
    struct vector_memory ring_memory;
};

static void emit(struct vector *v, const struct beat *b)
{
    assert(v->used < v->cap);
    v->ring[(v->head + v->used++) & (v->cap - 1)] = *b;
    v->count.events++;
}

static void emit_error(struct vector *v, unsigned code, uint32_t asset, uint32_t row, uint8_t opcode)
{
    struct abi_error x = {
        .code = (uint8_t)code, .asset = (uint16_t)asset, .row = row, .opcode = opcode, .group = v->group};
    struct beat b;
    abi_pack_error(&b, &x);
    emit(v, &b);
    v->count.errors++;
}

static void fire(struct vector *v, uint32_t row, unsigned cause, uint32_t asset, uint64_t price)
{
    struct abi_trigger x = {.cause = (uint8_t)cause,
                            .asset = (uint16_t)asset,
                            .row = row,
                            .price = price,
                            .h = (int64_t)v->rows.h[vector_at(row)],
                            .group = v->group};
    struct beat b;
    abi_pack_trigger(&b, &x);
    emit(v, &b);
    v->count.triggers++;
}

// Works the open tick up to its next events, or its end.
static void work(struct vector *v)
{
    uint32_t block;
    uint64_t below = vector_rows_next(&v->rows, &block);
    if (!below)
        return;
    v->rows.armed[block] &= ~below;
    for (below = vector_by_row(below); below; below &= below - 1)
        fire(v, block * VECTOR_BLOCK + (uint32_t)__builtin_ctzll(below), ABI_CAUSE_TICK, v->tick_asset,
             v->tick_price);
}

static void finish(struct vector *v)
{
    while (v->rows.walking)
        work(v);
}

static void set_armed(struct vector *v, uint32_t row, bool armed, unsigned cause)
{
    bool fires = armed && v->rows.h[vector_at(row)] >> 63;
    vector_rows_arm(&v->rows, row, armed && !fires);
    if (fires)
        fire(v, row, cause, 0, 0);
}

static void do_tick(struct vector *v, const struct beat *b)
{
    struct abi_tick t;
    abi_unpack_tick(b, &t);
    if (t.asset >= v->rows.assets) {
        emit_error(v, ABI_ERR_ASSET, t.asset, 0, ABI_CMD_TICK);
        return;
    }
    if (t.price > ABI_PRICE_MAX) {
        emit_error(v, ABI_ERR_PRICE, t.asset, 0, ABI_CMD_TICK);
        return;
    }
    v->count.ticks++;
    v->group = t.group;
    struct asset *a = &v->asset[t.asset];
    if (t.price != v->rows.price[t.asset])
        vector_rows_tick(&v->rows, t.asset, t.price, t.last);
    if (t.price < a->lo || t.price > a->hi) {
        struct abi_band_exit x = {.asset = t.asset, .price = t.price, .group = v->group};
        struct beat exit;
        abi_pack_band_exit(&exit, &x);
        emit(v, &exit);
        v->count.band_exits++;
    }
    if (!t.last)
        return;
    v->tick_asset = t.asset;
    v->tick_price = t.price;
    vector_rows_judge(&v->rows);
}

static void do_band(struct vector *v, const struct beat *b)
{
    struct abi_band x;
    abi_unpack_band(b, &x);
    if (x.asset >= v->rows.assets) {
        emit_error(v, ABI_ERR_ASSET, x.asset, 0, ABI_CMD_BAND);
        return;
    }
    if (x.lo > ABI_PRICE_MAX || x.hi > ABI_PRICE_MAX || (x.set_price && x.price > ABI_PRICE_MAX)) {
        emit_error(v, ABI_ERR_PRICE, x.asset, 0, ABI_CMD_BAND);
        return;
    }
    struct asset *a = &v->asset[x.asset];
    a->lo = x.lo;
    a->hi = x.hi;
    if (x.set_price)
        vector_rows_reprice(&v->rows, x.asset, x.price);
}

static void take_coef(struct vector *v, uint32_t asset, int32_t coef, uint8_t opcode)
{
    if (asset >= v->rows.assets) {
        v->load.bad = true;
        emit_error(v, ABI_ERR_COEF_ASSET, asset, v->load.row, opcode);
    } else if (coef < ABI_COEF_MIN || coef > ABI_COEF_MAX) {
        v->load.bad = true;
        emit_error(v, ABI_ERR_COEF_VALUE, asset, v->load.row, opcode);
    } else {
        vector_rows_set_coef(&v->rows, asset, v->load.row, coef);
    }
}

// The pairs of one beat, of which there is room for `room`; with the last one due the load is complete.
static void take_pairs(struct vector *v, const uint16_t *asset, const int32_t *coef, uint32_t room,
                       uint8_t opcode)
{
    uint32_t n = v->load.left < room ? v->load.left : room;
    for (uint32_t i = 0; i < n && !v->load.discard; i++)
        take_coef(v, asset[i], coef[i], opcode);
    v->load.left -= n;
    if (v->load.left)
        return;
    v->load.open = false;
    if (!v->load.discard && !v->load.bad)
        set_armed(v, v->load.row, v->load.armed, ABI_CAUSE_ROW);
}

static void do_row(struct vector *v, const struct beat *b)
{
    struct abi_row x;
    abi_unpack_row(b, &x);
    bool known = x.row < v->rows.rows;
    v->load = (struct load){.open = true, .discard = !known, .armed = x.armed, .row = x.row, .left = x.n};
    if (known) {
        vector_rows_touch(&v->rows, x.row); // no tick can come between here and the load's last COEF
        v->count.rows++;
        vector_rows_arm(&v->rows, x.row, false);
        v->rows.h[vector_at(x.row)] = (uint64_t)x.h;
    } else {
        emit_error(v, ABI_ERR_ROW, 0, x.row, ABI_CMD_ROW);
    }
    take_pairs(v, x.asset, x.coef, ABI_ROW_PAIRS, ABI_CMD_ROW);
}

static void do_coef(struct vector *v, const struct beat *b)
{
    struct abi_coef x;
    abi_unpack_coef(b, &x);
    if (!v->load.open) {
        emit_error(v, ABI_ERR_COEF_ORDER, 0, 0, ABI_CMD_COEF);
        return;
    }
    take_pairs(v, x.asset, x.coef, ABI_COEF_PAIRS, ABI_CMD_COEF);
}

static void do_arm(struct vector *v, const struct beat *b)
{
    struct abi_arm x;
    abi_unpack_arm(b, &x);
    if (x.row >= v->rows.rows) {
        emit_error(v, ABI_ERR_ROW, 0, x.row, ABI_CMD_ARM);
        return;
    }
    vector_rows_touch(&v->rows, x.row);
    set_armed(v, x.row, x.armed, ABI_CAUSE_ARM);
}

static void do_read(struct vector *v, const struct beat *b)
{
    struct abi_read x;
    abi_unpack_read(b, &x);
    if (x.row >= v->rows.rows) {
        emit_error(v, ABI_ERR_ROW, 0, x.row, ABI_CMD_READ);
        return;
    }
    if (x.coef && x.asset >= v->rows.assets) {
        emit_error(v, ABI_ERR_ASSET, x.asset, 0, ABI_CMD_READ);
        return;
    }
    vector_rows_settle(&v->rows, x.row);
    struct abi_read_data y = {.armed = vector_rows_armed(&v->rows, x.row),
                              .coef = x.coef,
                              .asset = x.coef ? x.asset : 0,
                              .row = x.row,
                              .h = x.coef ? vector_rows_coef(&v->rows, x.asset, x.row)
                                          : (int64_t)v->rows.h[vector_at(x.row)],
                              .group = v->group};
    struct beat evt;
    abi_pack_read_data(&evt, &y);
    emit(v, &evt);
}

static void do_sync(struct vector *v, const struct beat *b)
{
    struct abi_sync x;
    abi_unpack_sync(b, &x);
    struct abi_sync_done y = {.token = x.token, .group = v->group};
    struct beat evt;
    abi_pack_sync_done(&evt, &y);
    emit(v, &evt);
}

static void step(struct vector *v, const struct beat *b)
{
    uint8_t opcode = abi_opcode(b);
    v->count.commands++;
    if (v->load.open && opcode != ABI_CMD_COEF) {
        v->load.open = false;
        if (!v->load.discard) { // the cutting command itself is refused
            emit_error(v, ABI_ERR_ROW_CUT, 0, v->load.row, opcode);
            return;
        }
    }
    switch (opcode) {
    case ABI_CMD_NOP:
        break;
    case ABI_CMD_TICK:
        do_tick(v, b);
        break;
    case ABI_CMD_BAND:
        do_band(v, b);
        break;
    case ABI_CMD_ROW:
        do_row(v, b);
        break;
    case ABI_CMD_COEF:
        do_coef(v, b);
        break;
    case ABI_CMD_ARM:
        do_arm(v, b);
        break;
    case ABI_CMD_READ:
        do_read(v, b);
        break;
    case ABI_CMD_SYNC:
        do_sync(v, b);
        break;
    default:
        emit_error(v, ABI_ERR_OPCODE, 0, 0, opcode);
    }
}

static size_t vector_submit(struct device *d, const struct beat *cmd, size_t n)
{
    struct vector *v = (struct vector *)d;
    size_t i = 0;
    for (; i < n; i++) {
        finish(v);
        if (v->cap - v->used < v->worst)
            break;
        step(v, &cmd[i]);
    }
    return i;
}

static size_t vector_poll(struct device *d, struct beat *evt, size_t max)
{
    struct vector *v = (struct vector *)d;
    while (!v->used && v->rows.walking && max)
        work(v);
    size_t n = v->used < max ? v->used : max;
    for (size_t i = 0; i < n; i++)
        evt[i] = v->ring[(v->head + i) & (v->cap - 1)];
    v->used -= n;
    v->head = v->used ? (v->head + n) & (v->cap - 1) : 0; // empty: its first lines are in the cache
    return n;
}

static void vector_counters(struct device *d, struct device_counters *out)
{
    struct vector *v = (struct vector *)d;
    finish(v);
    *out = v->count;
}

static void vector_close(struct device *d)
{
    struct vector *v = (struct vector *)d;
    vector_rows_close(&v->rows);
    vector_memory_free(&v->ring_memory);
    free(v->asset);
    free(v);
}

static int allocate(struct vector *v, uint32_t rows, uint32_t assets, unsigned threads,
                    const struct vector_isa *isa, struct err *e)
{
    if (vector_rows_open(&v->rows, rows, assets, threads, isa, e))
        return -1;
    v->worst = (size_t)rows + EVENTS_SPARE;
    for (v->cap = 1; v->cap < RING_COMMANDS * v->worst;)
        v->cap *= 2;
    v->ring = vector_memory_zeros(&v->ring_memory, v->cap * sizeof *v->ring);
    v->asset = calloc(assets, sizeof *v->asset);
    if (!v->ring || !v->asset)
        return err_set(e, "device vector: out of memory for %u rows x %u assets", rows, assets);
    // The ring's front, which is nearly all that is used, is there before the first burst.
    size_t front = v->cap * sizeof *v->ring;
    memset(v->ring, 0, front < RING_FRONT ? front : RING_FRONT);
    for (uint32_t a = 0; a < assets; a++)
        v->asset[a].hi = ABI_PRICE_MAX;
    return 0;
}

static int vector_open(const struct device_config *c, struct device **out, struct err *e)
{
    uint64_t lanes = c->lanes ? c->lanes : ABI_DEFAULT_LANES;
    uint64_t slots = c->slots ? c->slots : ABI_DEFAULT_SLOTS;
    uint64_t assets = c->assets ? c->assets : ABI_DEFAULT_ASSETS;
    const struct vector_isa *isa = vector_isa_find(c->isa, e);
    if (!isa)
        return -1;
    if (lanes > ROWS_MAX || slots > ROWS_MAX || lanes * slots > ROWS_MAX || assets > ASSETS_MAX ||
        lanes * slots * assets > COEFS_MAX)
        return err_set(
            e,
            "device vector: %llu lanes x %llu slots x %llu assets is too large; at most %d rows, %d assets",
            (unsigned long long)lanes, (unsigned long long)slots, (unsigned long long)assets, ROWS_MAX,
            ASSETS_MAX);
    struct vector *v = calloc(1, sizeof *v);
    if (!v)
        return err_set(e, "device vector: out of memory");
    v->dev.ops = &device_ops_vector;
    v->dev.info = (struct device_info){.backend = "vector",
                                       .isa = isa->name,
                                       .abi_version = ABI_VERSION,
                                       .abi_hash = ABI_HASH,
                                       .build_hash = ABI_HASH,
                                       .lanes = (uint32_t)lanes,
                                       .slots = (uint32_t)slots,
                                       .assets = (uint32_t)assets,
                                       .lockstep = true};
    if (allocate(v, (uint32_t)(lanes * slots), (uint32_t)assets, c->threads, isa, e)) {
        vector_close(&v->dev);
        return -1;
    }
    *out = &v->dev;
    return 0;
}

const struct device_ops device_ops_vector = {
    .name = "vector",
    .open = vector_open,
    .submit = vector_submit,
    .poll = vector_poll,
    .counters = vector_counters,
    .follows = true,
    .close = vector_close,
};
