// SPDX-License-Identifier: Apache-2.0
// The card driver against a card in plain C that holds it to the protocol: no beat without credit, the right
// generation, complete beats, no record over one that was not read, no register read where none belongs.
#include "base/prng.h"
#include "card.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16, RING_LOG2 = 3, RING = 1 << RING_LOG2, CONTROLS = 8, REGS = 0x200 / 4 };
#define RING_BUS   UINT64_C(0x123456780040)
#define STATUS_BUS UINT64_C(0x223456780080)

static struct mock {
    // what a test sets
    bool all_ones, clears_never, deaf; // deaf: register writes go nowhere
    uint32_t magic, version, depth, lanes, slots, assets;
    uint64_t hash;
    // state
    uint32_t reg[REGS];
    struct beat window[DEPTH];
    uint32_t written, taken, produced;
    unsigned clearing; // looks at STATUS until it is over
    uint32_t flags;
    uint64_t serial;
    // what a test asks
    unsigned reads, writes, fences, relaxed, unfenced;
    uint32_t control[CONTROLS]; // values written to CONTROL
    unsigned n_control;
    _Alignas(64) struct beat ring[RING];
    _Alignas(64) struct beat status[2];
} m;

static uint32_t mock_read(void *ctx, uint32_t offset)
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
        return (k->clearing ? ABI_STATUS_CLEARING : ABI_STATUS_IDLE) |
               (k->flags & ABI_FLAGS_HALT ? ABI_STATUS_HALTED : 0);
    case ABI_REG_ERROR_FLAGS:
        return k->flags;
    case ABI_REG_TAKEN:
        return k->taken;
    default:
        return k->reg[offset / 4];
    }
}

static void mock_write(void *ctx, uint32_t offset, uint32_t value)
{
    struct mock *k = ctx;
    k->writes++;
    ck_assert_uint_eq(k->unfenced, 0); // it might overtake them
    if (k->deaf)
        return;
    k->reg[offset / 4] = value;
    if (offset != ABI_REG_CONTROL)
        return;
    if (k->n_control < CONTROLS)
        k->control[k->n_control++] = value;
    if (value & ABI_CONTROL_RESET) {
        k->clearing = 5;
        k->written = k->taken = k->produced = k->flags = 0;
        k->serial = 0;
        k->reg[ABI_REG_RING_CONSUMED / 4] = 0;
    }
}

static void mock_beat(void *ctx, uint32_t offset, const struct beat *b)
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

static void mock_fence(void *ctx)
{
    struct mock *k = ctx;
    k->fences++;
    k->unfenced = 0;
}

static void mock_relax(void *ctx)
{
    ((struct mock *)ctx)->relaxed++;
}

static void put_status(void)
{
    if (m.reg[ABI_REG_CONTROL / 4] & ABI_CONTROL_QUIET)
        return;
    abi_pack_status(&m.status[0],
                    &(struct abi_status){
                        .taken = m.taken, .produced = m.produced, .flags = m.flags, .serial = ++m.serial});
}

static void take(uint32_t n)
{
    ck_assert_uint_le(n, m.written - m.taken);
    m.taken += n;
    put_status();
}

static bool ring_room(void)
{
    return m.produced - m.reg[ABI_REG_RING_CONSUMED / 4] < RING;
}

static struct beat record(uint64_t token)
{
    struct beat b;
    abi_pack_sync_done(&b, &(struct abi_sync_done){.token = token});
    b.w[3] |= (uint64_t)abi_phase(m.produced, RING_LOG2) << 56;
    return b;
}

static void produce(uint64_t token)
{
    ck_assert(ring_room());
    m.ring[m.produced % RING] = record(token);
    m.produced++;
}

static struct card card;
static struct err err;
static struct card_io io;

static void fresh(void)
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

static int try_open(bool quiet)
{
    return card_open(&card, &io, &(struct card_config){.quiet = quiet, .watchdog = 77}, &err);
}

static void opened(bool quiet)
{
    fresh();
    ck_assert_msg(try_open(quiet) == 0, "%s", err.msg);
    m.reads = m.writes = m.fences = 0;
}

// Both sides as after `at` beats and records.
static void go_on_from(uint32_t at)
{
    card.sent = card.taken = card.next = card.told = at;
    m.written = m.taken = m.produced = m.reg[ABI_REG_RING_CONSUMED / 4] = at;
    for (uint32_t i = at - RING; i != at; i++)
        m.ring[i % RING].w[3] = (uint64_t)abi_phase(i, RING_LOG2) << 56;
    put_status();
}

static size_t submit(size_t n)
{
    struct beat b[3 * DEPTH];
    for (size_t i = 0; i < n; i++)
        abi_pack_sync(&b[i], &(struct abi_sync){.token = i});
    return card_submit(&card, b, n);
}

static size_t poll(uint64_t first, size_t max)
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

START_TEST(open_hands_over)
{
    fresh();
    ck_assert_msg(try_open(false) == 0, "%s", err.msg);
    ck_assert_uint_eq(card.info.lanes, 4);
    ck_assert_uint_eq(card.info.assets, 16);
    ck_assert_uint_eq(card.info.depth, DEPTH);
    ck_assert_uint_eq(card.info.latency, 5);
    ck_assert_uint_eq(m.n_control, 2);
    ck_assert_uint_eq(m.control[0], ABI_CONTROL_RESET);
    ck_assert_uint_eq(m.control[1], ABI_CONTROL_ENABLE);
    ck_assert_uint_eq(m.reg[ABI_REG_RING_LOG2 / 4], RING_LOG2);
    ck_assert_uint_eq(m.reg[ABI_REG_RING_BASE / 4], (uint32_t)RING_BUS);
    ck_assert_uint_eq(m.reg[ABI_REG_RING_BASE / 4 + 1], RING_BUS >> 32);
    ck_assert_uint_eq(m.reg[ABI_REG_STATUS_BASE / 4], (uint32_t)STATUS_BUS);
    ck_assert_uint_eq(m.reg[ABI_REG_STATUS_BASE / 4 + 1], STATUS_BUS >> 32);
    ck_assert_uint_eq(m.reg[ABI_REG_WATCHDOG / 4], 77);
    ck_assert_uint_gt(m.relaxed, 0);
    ck_assert_uint_eq(poll(0, RING), 0); // whatever stood in the ring is not an event
    card_close(&card);
    ck_assert_uint_eq(m.control[2], 0);
}
END_TEST

static void refused(const char *why)
{
    ck_assert_int_eq(try_open(false), -1);
    ck_assert_msg(strstr(err.msg, why) != NULL, "'%s' is not in: %s", why, err.msg);
    for (unsigned i = 0; i < m.n_control; i++)
        ck_assert_uint_eq(m.control[i] & ABI_CONTROL_ENABLE, 0);
}

START_TEST(refusals)
{
    fresh();
    m.all_ones = true;
    refused("all ones");
    fresh();
    m.magic ^= 1;
    refused("identity");
    fresh();
    m.version++;
    refused("ABI");
    fresh();
    m.hash ^= UINT64_C(1) << 63;
    refused("rebuild");
    fresh();
    m.depth = 12;
    refused("window");
    fresh();
    m.depth = 4096;
    refused("window");
    fresh();
    m.lanes = 0;
    refused("lanes");
    fresh();
    m.assets = 8192;
    refused("assets");
    fresh();
    m.deaf = true;
    refused("do not reach");
    fresh();
    io.ring_log2 = 25;
    refused("ring");
    fresh();
    io.ring_log2 = 0;
    refused("ring");
    fresh();
    io.ring_bus += 32;
    refused("aligned");
    fresh();
    io.status = NULL;
    refused("missing");
}
END_TEST

START_TEST(clearing_never_ends)
{
    fresh();
    m.clears_never = true;
    refused("clearing never ended");
    ck_assert_uint_lt(m.reads, 3000);
    ck_assert_uint_gt(m.relaxed, 4 * 16); // but as long as clearing may take
}
END_TEST

START_TEST(credit)
{
    opened(false);
    ck_assert_uint_eq(submit(3), 3);
    ck_assert_uint_eq(submit(2 * DEPTH), DEPTH - 3);
    ck_assert_uint_eq(m.fences, 2); // one for each submit that wrote
    ck_assert_uint_eq(m.unfenced, 0);
    ck_assert_uint_eq(submit(1), 0);
    m.taken += 5; // not told yet
    ck_assert_uint_eq(submit(1), 0);
    put_status();
    ck_assert_uint_eq(submit(2 * DEPTH), 5);
    take(DEPTH);
    ck_assert_uint_eq(submit(0), 0);
    ck_assert_uint_eq(submit(2 * DEPTH), DEPTH);
    ck_assert_uint_eq(m.reads, 0);
    ck_assert_uint_eq(m.writes, 0);
}
END_TEST

START_TEST(indexes_wrap)
{
    opened(false);
    go_on_from(UINT32_MAX - DEPTH - 2);
    uint64_t token = 0;
    for (int i = 0; i < 5 * DEPTH; i++) {
        ck_assert_uint_eq(submit(1), 1);
        if (i % DEPTH == DEPTH - 1)
            take(DEPTH);
        produce(token);
        ck_assert_uint_eq(poll(token++, RING), 1);
        if (i % 3 == 0)
            ck_assert_uint_eq(poll(token, RING), 0);
    }
    ck_assert_uint_lt(card.sent, 5 * DEPTH);
    ck_assert_uint_lt(card.next, 5 * DEPTH);
    ck_assert_str_eq(card.fault, "");
}
END_TEST

START_TEST(credit_at_the_wrap)
{
    opened(false);
    go_on_from(UINT32_MAX - 3);
    ck_assert_uint_eq(submit(3 * DEPTH), DEPTH);
    ck_assert_uint_eq(submit(1), 0);
    take(6);
    ck_assert_uint_eq(m.taken, 2);
    ck_assert_uint_eq(submit(3 * DEPTH), 6);
    ck_assert_str_eq(card.fault, "");
}
END_TEST

START_TEST(ring_is_read_in_order_and_given_back)
{
    opened(false);
    uint64_t in = 0, out = 0;
    while (ring_room())
        produce(in++);
    ck_assert_uint_eq(in, RING);
    out += poll(out, 1);
    ck_assert_uint_eq(out, 1);
    ck_assert(!ring_room()); // one is less than a quarter of the ring
    out += poll(out, 1);
    ck_assert(ring_room());
    produce(in++);
    produce(in++);
    ck_assert(!ring_room());
    out += poll(out, RING);
    ck_assert_uint_eq(out, RING + 2);
    produce(in++);
    out += poll(out, 2 * RING);
    unsigned writes = m.writes;
    ck_assert_uint_eq(poll(out, 1), 0);
    ck_assert_uint_eq(m.writes, writes + 1); // idle: the one record is given back
    ck_assert_uint_eq(m.reg[ABI_REG_RING_CONSUMED / 4], out);
    ck_assert_uint_eq(poll(out, 1), 0);
    ck_assert_uint_eq(m.writes, writes + 1);
    ck_assert_uint_eq(m.reads, 0);
}
END_TEST

START_TEST(half_a_record_is_none)
{
    opened(false);
    for (uint64_t pass = 0; pass < 3 * RING; pass++) {
        struct beat b = record(pass);
        struct beat *at = &m.ring[m.produced % RING];
        for (int w = 0; w < 4; w++) {
            ck_assert_uint_eq(poll(pass, RING), 0);
            at->w[w] = b.w[w];
        }
        m.produced++;
        ck_assert_uint_eq(poll(pass, RING), 1);
    }
}
END_TEST

START_TEST(quiet_mode)
{
    opened(true);
    ck_assert_uint_eq(m.control[1], ABI_CONTROL_ENABLE | ABI_CONTROL_QUIET);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    ck_assert_uint_eq(m.reads, 0); // as long as there is credit
    take(4);
    ck_assert_uint_eq(submit(DEPTH), 4);
    ck_assert_uint_eq(m.reads, 1);
    produce(0);
    ck_assert_uint_eq(poll(0, RING), 1);
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_uint_eq(m.reads, 1);
    m.flags = ABI_FLAG_PARTIAL;
    ck_assert_uint_eq(submit(1), 0); // nothing moves: it asks why
    ck_assert_msg(strstr(card.fault, "32-bit word") != NULL, "%s", card.fault);
    ck_assert(card.stopped);
}
END_TEST

START_TEST(halted)
{
    opened(false);
    ck_assert_uint_eq(submit(4), 4);
    produce(0);
    m.flags = ABI_FLAG_GENERATION | 1u << ABI_ERR_OPCODE;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 1); // what has arrived counts
    ck_assert_str_eq(card.fault, "");
    ck_assert_uint_eq(poll(1, RING), 0);
    ck_assert_msg(strstr(card.fault, "generation") != NULL, "%s", card.fault);
    ck_assert_uint_eq(submit(1), 0);
    ck_assert_uint_eq(m.reads, 0);
    ck_assert_int_eq(card_check(&card), -1);
    ck_assert_int_eq(card_reset(&card, &err), 0);
    ck_assert_str_eq(card.fault, "");
    ck_assert_uint_eq(submit(3 * DEPTH), DEPTH);
}
END_TEST

START_TEST(refused_commands_are_no_fault)
{
    opened(false);
    m.flags = 0x1fe;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_str_eq(card.fault, "");
    ck_assert_int_eq(card_check(&card), 0);
}
END_TEST

START_TEST(watchdog_is_told_and_work_goes_on)
{
    opened(false);
    m.flags = ABI_FLAG_WATCHDOG_EVENTS;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_msg(strstr(card.fault, "watchdog") != NULL, "%s", card.fault);
    ck_assert_uint_eq(submit(1), 1);
    m.flags |= ABI_FLAG_HOST_WRITE;
    put_status();
    ck_assert_uint_eq(poll(0, RING), 0);
    ck_assert_msg(strstr(card.fault, "IOMMU") != NULL, "%s", card.fault);
    ck_assert_uint_eq(submit(1), 0);
}
END_TEST

START_TEST(impossible_answers)
{
    opened(false);
    ck_assert_uint_eq(submit(DEPTH), DEPTH);
    m.taken = DEPTH + 1;
    put_status();
    ck_assert_uint_eq(submit(1), 0);
    ck_assert_msg(strstr(card.fault, "never written") != NULL, "%s", card.fault);
    opened(false);
    m.all_ones = true;
    ck_assert_int_eq(card_check(&card), -1);
    ck_assert_msg(strstr(card.fault, "does not answer") != NULL, "%s", card.fault);
    ck_assert_uint_eq(submit(1), 0);
}
END_TEST

// Whatever order things happen in; the mock asserts the rest.
START_TEST(at_random)
{
    uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : 20261120;
    printf("# seed %llu\n", (unsigned long long)seed);
    struct prng r;
    prng_seed(&r, seed);
    opened(_i == 1);
    go_on_from(UINT32_MAX - 20000);
    uint64_t in = 0, out = 0;
    for (int i = 0; i < 200000; i++) {
        switch (prng_below(&r, 5)) {
        case 0:
            submit((size_t)prng_below(&r, 3 * DEPTH));
            break;
        case 1:
            take((uint32_t)prng_below(&r, m.written - m.taken + 1));
            break;
        case 2:
            for (uint64_t n = prng_below(&r, RING + 2); n && ring_room(); n--)
                produce(in++);
            break;
        default:
            out += poll(out, (size_t)prng_below(&r, RING + 1));
        }
    }
    out += poll(out, 2 * RING);
    ck_assert_uint_eq(in, out);
    ck_assert_uint_gt(out, 20000);
    ck_assert_uint_lt(card.sent, UINT32_C(1) << 31); // both have wrapped
    ck_assert_uint_lt(card.next, UINT32_C(1) << 31);
    ck_assert_str_eq(card.fault, "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("card");
    TCase *t = tcase_create("card");
    tcase_add_test(t, open_hands_over);
    tcase_add_test(t, refusals);
    tcase_add_test(t, clearing_never_ends);
    tcase_add_test(t, credit);
    tcase_add_test(t, indexes_wrap);
    tcase_add_test(t, credit_at_the_wrap);
    tcase_add_test(t, ring_is_read_in_order_and_given_back);
    tcase_add_test(t, half_a_record_is_none);
    tcase_add_test(t, quiet_mode);
    tcase_add_test(t, halted);
    tcase_add_test(t, refused_commands_are_no_fault);
    tcase_add_test(t, watchdog_is_told_and_work_goes_on);
    tcase_add_test(t, impossible_answers);
    tcase_add_loop_test(t, at_random, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s);
}
