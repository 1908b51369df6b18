// SPDX-License-Identifier: Apache-2.0
// A card in plain C that holds its driver to the protocol: no beat without credit, the right generation,
// complete beats, no record over one that was not read. One for each program; what it counts and records is
// for tests to ask.
#ifndef TRIPLINE_TESTS_UNIT_DRIVERS_CARD_MOCK_H
#define TRIPLINE_TESTS_UNIT_DRIVERS_CARD_MOCK_H

#include "card.h"

#include <check.h>
#include <string.h>

enum { DEPTH = 16, RING_LOG2 = 3, RING = 1 << RING_LOG2, CONTROLS = 8, REGS = 0x200 / 4 };
#define RING_BUS   UINT64_C(0x123456780040)
#define STATUS_BUS UINT64_C(0x223456780080)

static struct mock {
    // what a test sets
    bool all_ones, clears_never, deaf; // deaf: register writes go nowhere
    bool undrained;
    unsigned stragglers; // resets after which a beat of somebody else arrives
    uint32_t magic, version, depth, lanes, slots, assets;
    uint64_t hash;
    // state
    uint32_t reg[REGS];
    struct beat window[DEPTH];
    uint32_t written, taken, produced;
    unsigned clearing; // looks at STATUS until it is over
    uint32_t flags;
    bool busy;
    uint64_t serial;
    // what a test asks
    unsigned reads, writes, fences, relaxed, unfenced;
    uint32_t control[CONTROLS]; // values written to CONTROL
    unsigned n_control;
    _Alignas(64) struct beat ring[RING];
    _Alignas(64) struct beat status[2];
} m;

static inline uint32_t mock_read(void *ctx, uint32_t offset)
{
    struct mock *k = ctx;
    k->reads++;
    if (k->all_ones)
        return UINT32_MAX;
    switch (offset) {
    case ABI_REG_MAGIC:
        return k->magic;
    case ABI_REG_ABI_VERSION:
        return k->version;
    case ABI_REG_ABI_HASH:
        return (uint32_t)k->hash;
    case ABI_REG_ABI_HASH + 4:
        return (uint32_t)(k->hash >> 32);
    case ABI_REG_LANES:
        return k->lanes;
    case ABI_REG_SLOTS:
        return k->slots;
    case ABI_REG_ASSETS:
        return k->assets;
    case ABI_REG_WINDOW_DEPTH:
        return k->depth;
    case ABI_REG_LATENCY:
        return 5;
    case ABI_REG_STATUS:
        k->clearing -= k->clearing && !k->clears_never;
        return (k->clearing ? ABI_STATUS_CLEARING
                : k->busy   ? 0
                            : ABI_STATUS_IDLE) |
               (k->flags & ABI_FLAGS_HALT ? ABI_STATUS_HALTED : 0);
    case ABI_REG_ERROR_FLAGS:
        return k->flags;
    case ABI_REG_EVENTS:
        return k->produced;
    case ABI_REG_TAKEN:
        return k->taken;
    case ABI_REG_RING_LOG2: // read after the reset, before the last look
        k->taken += k->stragglers > 0;
        k->stragglers -= k->stragglers > 0;
        return k->reg[offset / 4];
    default:
        return k->reg[offset / 4];
    }
}

static inline void mock_write(void *ctx, uint32_t offset, uint32_t value)
{
    struct mock *k = ctx;
    k->writes++;
    ck_assert_uint_eq(k->unfenced, 0); // it might overtake them
    if (k->deaf)
        return;
    if (offset == ABI_REG_ERROR_FLAGS)
        k->flags &= ~value;
    k->reg[offset / 4] = value;
    if (offset != ABI_REG_CONTROL)
        return;
    if (k->n_control < CONTROLS)
        k->control[k->n_control++] = value;
    if (value & ABI_CONTROL_RESET) {
        k->clearing = 5;
        k->written = k->taken = k->produced = 0;
        k->flags = k->undrained ? ABI_FLAG_UNDRAINED : 0;
        k->serial = 0;
        k->reg[ABI_REG_RING_CONSUMED / 4] = 0;
    }
}

static inline void mock_beat(void *ctx, uint32_t offset, const struct beat *b)
{
    struct mock *k = ctx;
    uint32_t i = k->written % DEPTH;
    ck_assert_uint_eq(offset, i * sizeof *b);
    ck_assert_msg(k->written - k->taken < DEPTH, "beat %u written, %u taken", k->written, k->taken);
    ck_assert_uint_eq(b->w[3] >> 56, (k->written / DEPTH + 1) & 0xff);
    k->window[i] = *b;
    k->written++;
    k->unfenced++;
}

static inline void mock_fence(void *ctx)
{
    struct mock *k = ctx;
    k->fences++;
    k->unfenced = 0;
}

static inline void mock_relax(void *ctx)
{
    ((struct mock *)ctx)->relaxed++;
}

static inline void put_status(void)
{
    if (m.reg[ABI_REG_CONTROL / 4] & ABI_CONTROL_QUIET)
        return;
    abi_pack_status(&m.status[0],
                    &(struct abi_status){
                        .taken = m.taken, .produced = m.produced, .flags = m.flags, .serial = ++m.serial});
}

static inline void take(uint32_t n)
{
    ck_assert_uint_le(n, m.written - m.taken);
    m.taken += n;
    put_status();
}

static inline bool ring_room(void)
{
    return m.produced - m.reg[ABI_REG_RING_CONSUMED / 4] < RING;
}

static inline struct beat record(uint64_t token)
{
    struct beat b;
    abi_pack_sync_done(&b, &(struct abi_sync_done){.token = token});
    b.w[3] |= (uint64_t)abi_phase(m.produced, RING_LOG2) << 56;
    return b;
}

static inline void produce(uint64_t token)
{
    ck_assert(ring_room());
    m.ring[m.produced % RING] = record(token);
    m.produced++;
}

static struct card card;
static struct err err;
static struct card_io io;

static inline void fresh(void)
{
    memset(&m, 0, sizeof m);
    memset(m.ring, 0xff, sizeof m.ring); // phase 1 everywhere: must be cleared
    m.magic = ABI_MAGIC;
    m.version = ABI_VERSION;
    m.hash = ABI_HASH;
    m.depth = DEPTH;
    m.lanes = m.slots = 4;
    m.assets = 16;
    io = (struct card_io){.ctx = &m,
                          .read32 = mock_read,
                          .write32 = mock_write,
                          .write_beat = mock_beat,
                          .fence = mock_fence,
                          .relax = mock_relax,
                          .ring = m.ring,
                          .status = m.status,
                          .ring_bus = RING_BUS,
                          .status_bus = STATUS_BUS,
                          .ring_log2 = RING_LOG2};
    err.msg[0] = 0;
}

static inline int try_open(bool quiet)
{
    return card_open(&card, &io, &(struct card_config){.quiet = quiet, .watchdog = 77}, &err);
}

static inline void opened(bool quiet)
{
    fresh();
    ck_assert_msg(try_open(quiet) == 0, "%s", err.msg);
    m.reads = m.writes = m.fences = 0;
}

// Both sides as after `at` beats and records.
static inline void go_on_from(uint32_t at)
{
    card.sent = card.taken = card.next = card.told = at;
    m.written = m.taken = m.produced = m.reg[ABI_REG_RING_CONSUMED / 4] = at;
    for (uint32_t i = at - RING; i != at; i++)
        m.ring[i % RING].w[3] = (uint64_t)abi_phase(i, RING_LOG2) << 56;
    put_status();
}

static inline size_t submit(size_t n)
{
    struct beat b[3 * DEPTH];
    for (size_t i = 0; i < n; i++)
        abi_pack_sync(&b[i], &(struct abi_sync){.token = i});
    return card_submit(&card, b, n);
}

static inline size_t poll(uint64_t first, size_t max)
{
    struct beat evt[2 * RING];
    size_t n = card_poll(&card, evt, max);
    for (size_t i = 0; i < n; i++) {
        struct abi_sync_done x;
        abi_unpack_sync_done(&evt[i], &x);
        ck_assert_uint_eq(x.token, first + i);
        ck_assert_uint_eq(evt[i].w[3] >> 56, 0);
    }
    return n;
}

#endif
