// SPDX-License-Identifier: Apache-2.0
// The device in plain C: the definition of what commands do (docs/device.md says it in words).
// Every command is carried out at submit; events wait in a ring until polled. submit stops taking when the
// ring could not hold everything one command may cause, so no event is ever dropped.
#include "device.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS_MAX = 1 << ABI_ROW_BITS,
    ASSETS_MAX = 1 << ABI_ASSET_BITS,
    EVENTS_SPARE = 2 + ABI_COEF_PAIRS, // a command's events besides one trigger per row
    RING_COMMANDS = 4,                 // worst-case commands the event ring holds
};
#define COEFS_MAX (UINT64_C(1) << 28) // 1 GiB of coefficients

struct asset {
    uint64_t price, lo, hi;
};

// A row load between its ROW and the last of its COEF beats.
struct load {
    bool open, discard, bad, armed;
    uint32_t row, left;
};

struct model {
    struct device dev;
    uint32_t rows, assets;
    struct asset *asset;
    int32_t *coef;  // [asset * rows + row]
    uint64_t *h;    // [row], modulo 2^64
    uint8_t *armed; // [row]
    struct load load;
    uint32_t group;
    struct device_counters count;
    struct beat *ring;
    size_t cap, head, used;
};

static void emit(struct model *m, const struct beat *b)
{
    assert(m->used < m->cap);
    m->ring[(m->head + m->used++) % m->cap] = *b;
    m->count.events++;
}

static void emit_error(struct model *m, unsigned code, uint32_t asset, uint32_t row, uint8_t opcode)
{
    struct abi_error x = {
        .code = (uint8_t)code, .asset = (uint16_t)asset, .row = row, .opcode = opcode, .group = m->group};
    struct beat b;
    abi_pack_error(&b, &x);
    emit(m, &b);
    m->count.errors++;
}

static void fire(struct model *m, uint32_t row, unsigned cause, uint32_t asset, uint64_t price)
{
    struct abi_trigger x = {.cause = (uint8_t)cause,
                            .asset = (uint16_t)asset,
                            .row = row,
                            .price = price,
                            .h = (int64_t)m->h[row],
                            .group = m->group};
    struct beat b;
    abi_pack_trigger(&b, &x);
    m->armed[row] = 0;
    emit(m, &b);
    m->count.triggers++;
}

static bool negative(uint64_t h)
{
    return h >> 63;
}

static void set_armed(struct model *m, uint32_t row, bool armed, unsigned cause)
{
    m->armed[row] = armed;
    if (armed && negative(m->h[row]))
        fire(m, row, cause, 0, 0);
}

static void do_tick(struct model *m, const struct beat *b)
{
    struct abi_tick t;
    abi_unpack_tick(b, &t);
    if (t.asset >= m->assets) {
        emit_error(m, ABI_ERR_ASSET, t.asset, 0, ABI_CMD_TICK);
        return;
    }
    if (t.price > ABI_PRICE_MAX) {
        emit_error(m, ABI_ERR_PRICE, t.asset, 0, ABI_CMD_TICK);
        return;
    }
    m->count.ticks++;
    m->group = t.group;
    struct asset *a = &m->asset[t.asset];
    uint64_t change = t.price - a->price;
    a->price = t.price;
    if (t.price < a->lo || t.price > a->hi) {
        struct abi_band_exit x = {.asset = t.asset, .price = t.price, .group = m->group};
        struct beat exit;
        abi_pack_band_exit(&exit, &x);
        emit(m, &exit);
        m->count.band_exits++;
    }
    const int32_t *coef = m->coef + (size_t)t.asset * m->rows;
    for (uint32_t r = 0; r < m->rows; r++)
        m->h[r] += (uint64_t)(int64_t)coef[r] * change;
    if (!t.last)
        return;
    for (uint32_t r = 0; r < m->rows; r++)
        if (m->armed[r] && negative(m->h[r]))
            fire(m, r, ABI_CAUSE_TICK, t.asset, t.price);
}

static void do_band(struct model *m, const struct beat *b)
{
    struct abi_band x;
    abi_unpack_band(b, &x);
    if (x.asset >= m->assets) {
        emit_error(m, ABI_ERR_ASSET, x.asset, 0, ABI_CMD_BAND);
        return;
    }
    if (x.lo > ABI_PRICE_MAX || x.hi > ABI_PRICE_MAX || (x.set_price && x.price > ABI_PRICE_MAX)) {
        emit_error(m, ABI_ERR_PRICE, x.asset, 0, ABI_CMD_BAND);
        return;
    }
    struct asset *a = &m->asset[x.asset];
    a->lo = x.lo;
    a->hi = x.hi;
    if (x.set_price)
        a->price = x.price;
}

static void take_coef(struct model *m, uint32_t asset, int32_t coef, uint8_t opcode)
{
    if (asset >= m->assets) {
        m->load.bad = true;
        emit_error(m, ABI_ERR_COEF_ASSET, asset, m->load.row, opcode);
    } else if (coef < ABI_COEF_MIN || coef > ABI_COEF_MAX) {
        m->load.bad = true;
        emit_error(m, ABI_ERR_COEF_VALUE, asset, m->load.row, opcode);
    } else {
        m->coef[(size_t)asset * m->rows + m->load.row] = coef;
    }
}

// The pairs of one beat, of which there is room for `room`; with the last one due the load is complete.
static void take_pairs(struct model *m, const uint16_t *asset, const int32_t *coef, uint32_t room,
                       uint8_t opcode)
{
    uint32_t n = m->load.left < room ? m->load.left : room;
    for (uint32_t i = 0; i < n && !m->load.discard; i++)
        take_coef(m, asset[i], coef[i], opcode);
    m->load.left -= n;
    if (m->load.left)
        return;
    m->load.open = false;
    if (!m->load.discard && !m->load.bad)
        set_armed(m, m->load.row, m->load.armed, ABI_CAUSE_ROW);
}

static void do_row(struct model *m, const struct beat *b)
{
    struct abi_row x;
    abi_unpack_row(b, &x);
    bool known = x.row < m->rows;
    m->load = (struct load){.open = true, .discard = !known, .armed = x.armed, .row = x.row, .left = x.n};
    if (known) {
        m->count.rows++;
        m->armed[x.row] = 0;
        m->h[x.row] = (uint64_t)x.h;
    } else {
        emit_error(m, ABI_ERR_ROW, 0, x.row, ABI_CMD_ROW);
    }
    take_pairs(m, x.asset, x.coef, ABI_ROW_PAIRS, ABI_CMD_ROW);
}

static void do_coef(struct model *m, const struct beat *b)
{
    struct abi_coef x;
    abi_unpack_coef(b, &x);
    if (!m->load.open) {
        emit_error(m, ABI_ERR_COEF_ORDER, 0, 0, ABI_CMD_COEF);
        return;
    }
    take_pairs(m, x.asset, x.coef, ABI_COEF_PAIRS, ABI_CMD_COEF);
}

static void do_arm(struct model *m, const struct beat *b)
{
    struct abi_arm x;
    abi_unpack_arm(b, &x);
    if (x.row >= m->rows)
        emit_error(m, ABI_ERR_ROW, 0, x.row, ABI_CMD_ARM);
    else
        set_armed(m, x.row, x.armed, ABI_CAUSE_ARM);
}

static void do_read(struct model *m, const struct beat *b)
{
    struct abi_read x;
    abi_unpack_read(b, &x);
    if (x.row >= m->rows) {
        emit_error(m, ABI_ERR_ROW, 0, x.row, ABI_CMD_READ);
        return;
    }
    if (x.coef && x.asset >= m->assets) {
        emit_error(m, ABI_ERR_ASSET, x.asset, 0, ABI_CMD_READ);
        return;
    }
    struct abi_read_data y = {.armed = m->armed[x.row] != 0,
                              .coef = x.coef,
                              .asset = x.coef ? x.asset : 0,
                              .row = x.row,
                              .h = x.coef ? m->coef[(size_t)x.asset * m->rows + x.row] : (int64_t)m->h[x.row],
                              .group = m->group};
    struct beat evt;
    abi_pack_read_data(&evt, &y);
    emit(m, &evt);
}

static void do_sync(struct model *m, const struct beat *b)
{
    struct abi_sync x;
    abi_unpack_sync(b, &x);
    struct abi_sync_done y = {.token = x.token, .group = m->group};
    struct beat evt;
    abi_pack_sync_done(&evt, &y);
    emit(m, &evt);
}

static void step(struct model *m, const struct beat *b)
{
    uint8_t opcode = abi_opcode(b);
    m->count.commands++;
    if (m->load.open && opcode != ABI_CMD_COEF) {
        m->load.open = false;
        if (!m->load.discard) { // the cutting command itself is refused
            emit_error(m, ABI_ERR_ROW_CUT, 0, m->load.row, opcode);
            return;
        }
    }
    switch (opcode) {
    case ABI_CMD_NOP:
        break;
    case ABI_CMD_TICK:
        do_tick(m, b);
        break;
    case ABI_CMD_BAND:
        do_band(m, b);
        break;
    case ABI_CMD_ROW:
        do_row(m, b);
        break;
    case ABI_CMD_COEF:
        do_coef(m, b);
        break;
    case ABI_CMD_ARM:
        do_arm(m, b);
        break;
    case ABI_CMD_READ:
        do_read(m, b);
        break;
    case ABI_CMD_SYNC:
        do_sync(m, b);
        break;
    default:
        emit_error(m, ABI_ERR_OPCODE, 0, 0, opcode);
    }
}

static size_t model_submit(struct device *d, const struct beat *cmd, size_t n)
{
    struct model *m = (struct model *)d;
    size_t worst = (size_t)m->rows + EVENTS_SPARE, i = 0;
    for (; i < n && m->cap - m->used >= worst; i++)
        step(m, &cmd[i]);
    return i;
}

static size_t model_poll(struct device *d, struct beat *evt, size_t max)
{
    struct model *m = (struct model *)d;
    size_t n = m->used < max ? m->used : max;
    for (size_t i = 0; i < n; i++)
        evt[i] = m->ring[(m->head + i) % m->cap];
    m->head = (m->head + n) % m->cap;
    m->used -= n;
    return n;
}

static void model_counters(struct device *d, struct device_counters *out)
{
    *out = ((struct model *)d)->count;
}

static void model_close(struct device *d)
{
    struct model *m = (struct model *)d;
    free(m->asset);
    free(m->coef);
    free(m->h);
    free(m->armed);
    free(m->ring);
    free(m);
}

static int model_open(const struct device_config *c, struct device **out, struct err *e)
{
    uint64_t lanes = c->lanes ? c->lanes : ABI_DEFAULT_LANES;
    uint64_t slots = c->slots ? c->slots : ABI_DEFAULT_SLOTS;
    uint64_t assets = c->assets ? c->assets : ABI_DEFAULT_ASSETS;
    if (lanes > ROWS_MAX || slots > ROWS_MAX || lanes * slots > ROWS_MAX || assets > ASSETS_MAX ||
        lanes * slots * assets > COEFS_MAX)
        return err_set(
            e, "device model: %llu lanes x %llu slots x %llu assets is too large; at most %d rows, %d assets",
            (unsigned long long)lanes, (unsigned long long)slots, (unsigned long long)assets, ROWS_MAX,
            ASSETS_MAX);
    size_t rows = (size_t)(lanes * slots);
    struct model *m = calloc(1, sizeof *m);
    if (!m)
        return err_set(e, "device model: out of memory");
    m->dev.ops = &device_ops_model;
    m->dev.info = (struct device_info){.backend = "model",
                                       .abi_version = ABI_VERSION,
                                       .abi_hash = ABI_HASH,
                                       .build_hash = ABI_HASH,
                                       .lanes = (uint32_t)lanes,
                                       .slots = (uint32_t)slots,
                                       .assets = (uint32_t)assets,
                                       .lockstep = true};
    m->rows = (uint32_t)rows;
    m->assets = (uint32_t)assets;
    m->cap = RING_COMMANDS * (rows + EVENTS_SPARE);
    m->asset = calloc(assets, sizeof *m->asset);
    m->coef = calloc(rows * assets, sizeof *m->coef);
    m->h = calloc(rows, sizeof *m->h);
    m->armed = calloc(rows, sizeof *m->armed);
    m->ring = calloc(m->cap, sizeof *m->ring);
    if (!m->asset || !m->coef || !m->h || !m->armed || !m->ring) {
        model_close(&m->dev);
        return err_set(e, "device model: out of memory for %zu rows x %llu assets", rows,
                       (unsigned long long)assets);
    }
    for (uint32_t a = 0; a < m->assets; a++)
        m->asset[a].hi = ABI_PRICE_MAX;
    *out = &m->dev;
    return 0;
}

const struct device_ops device_ops_model = {
    .name = "model",
    .follows = true,
    .open = model_open,
    .submit = model_submit,
    .poll = model_poll,
    .counters = model_counters,
    .close = model_close,
};
