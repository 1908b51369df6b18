// SPDX-License-Identifier: Apache-2.0
#include "card.h"

#include <assert.h>
#include <string.h>

enum {
    RING_LOG2_MAX = 24,
    ALIGN = 64,
    BEAT_BYTES = (int)sizeof(struct beat),
    DEPTH_MAX = (1 << ABI_WINDOW_ADDRESS_BITS) / BEAT_BYTES,
    DRAIN_CYCLES = 65536, // that a reset waits for the bus at most (docs/host-interface.md)
    WAIT_SPARE = 1000,
    RESETS = 3, // until writes of an earlier owner must have come to an end
};
static_assert(ALIGN % sizeof(struct beat) == 0 && sizeof(struct beat) == 32,
              "a record lies within one line, so that its last byte comes with the others");
static const uint32_t host_flags = UINT32_C(0xffff0000); // ERROR_FLAGS: the bits below are refused commands
static const uint32_t warnings = ABI_FLAG_WATCHDOG_COMMANDS | ABI_FLAG_WATCHDOG_EVENTS;
static const uint32_t gone = UINT32_MAX; // what a read returns when nobody answers it

static uint32_t rd(const struct card *c, uint32_t offset)
{
    return c->io.read32(c->io.ctx, offset);
}

static void wr(const struct card *c, uint32_t offset, uint32_t value)
{
    c->io.write32(c->io.ctx, offset, value);
}

static void wr64(const struct card *c, uint32_t offset, uint64_t value)
{
    wr(c, offset, (uint32_t)value);
    wr(c, offset + 4, (uint32_t)(value >> 32));
}

uint64_t card_read64(const struct card *c, uint32_t offset)
{
    uint64_t low = rd(c, offset); // latches the high word
    return low | (uint64_t)rd(c, offset + 4) << 32;
}

// ------------------------------------------------------------------------------------------------- faults
static const struct {
    uint32_t flag;
    const char *text;
} faults[] = {
    {ABI_FLAG_GENERATION,
     "a beat came with the wrong generation (written without credit, or by another program)"},
    {ABI_FLAG_PARTIAL, "a window write covered part of a 32-bit word (a bridge between that splits them)"},
    {ABI_FLAG_ADDRESS, "a write missed the window, or was a burst of another kind than INCR"},
    {ABI_FLAG_HOST_WRITE,
     "the host refused a record's write (ring not mapped for the device: check the IOMMU)"},
    {ABI_FLAG_UNDRAINED,
     "a reset did not wait for the end of a transaction on the bus: reset the whole card, or load the FPGA"},
    {ABI_FLAG_WATCHDOG_COMMANDS,
     "commands waited in the window for longer than the watchdog allows (a beat before them is missing, or "
     "events are polled too seldom)"},
    {ABI_FLAG_WATCHDOG_EVENTS,
     "an event waited for longer than the watchdog allows (events are polled too seldom)"},
};

static const char *flag_text(uint32_t flags)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (flags & faults[i].flag)
            return faults[i].text;
    return "a fault this program does not know";
}

// The first reason for having stopped stays.
static void note_flags(struct card *c, uint32_t flags)
{
    uint32_t fresh = flags & host_flags & ~c->flags, warned = fresh & warnings, fault = fresh & ~warnings;
    c->flags = flags & host_flags;
    if (warned) {
        c->warnings++;
        snprintf(c->warning, sizeof c->warning, "card: ERROR_FLAGS %08x after %u beats and %u events: %s",
                 flags, c->sent, c->next, flag_text(warned));
        wr(c, ABI_REG_ERROR_FLAGS, warned); // so that it is told when it happens again
    }
    if (fault && !c->stopped) {
        c->stopped = true;
        snprintf(
            c->fault, sizeof c->fault,
            "card: ERROR_FLAGS %08x after %u beats and %u events: %s; it takes no more commands until it "
            "is opened anew",
            flags, c->sent, c->next, flag_text(fault));
    }
}

static void note_text(struct card *c, const char *text)
{
    if (c->stopped)
        return;
    c->stopped = true;
    snprintf(c->fault, sizeof c->fault, "card: %s after %u beats and %u events", text, c->sent, c->next);
}

int card_check(struct card *c)
{
    uint32_t flags = rd(c, ABI_REG_ERROR_FLAGS), status = rd(c, ABI_REG_STATUS);
    if (flags == gone && status == gone) {
        note_text(c, "registers read all ones, the card does not answer any more (power, link, driver)");
    } else {
        // Watchdogs come with the status record too; of the two ways one is enough. What the register says
        // now was cleared when it was seen, so each time counts.
        if (c->config.quiet)
            c->flags &= ~warnings;
        else
            flags = (flags & ~warnings) | (c->flags & warnings);
        note_flags(c, flags);
        if (status & ABI_STATUS_HALTED)
            note_text(c, "halted without saying why");
    }
    return c->stopped ? -1 : 0;
}

// Beats taken, from the register. gone is also a number of beats, once in 2^32; then card_check decides.
static int read_taken(struct card *c, uint32_t *taken)
{
    *taken = rd(c, ABI_REG_TAKEN);
    return *taken == gone ? card_check(c) : 0;
}

// 0 if that can be.
static int look_at_taken(struct card *c, uint32_t taken)
{
    if (taken - c->taken > c->sent - c->taken) {
        note_text(c, "it says it took beats that were never written, so it was reset or is being used by "
                     "another program,");
        return -1;
    }
    return 0;
}

int card_settled(struct card *c)
{
    uint32_t taken;
    if (c->stopped || read_taken(c, &taken) || look_at_taken(c, taken))
        return -1;
    if (c->config.quiet) // else a status record under way may still tell less
        c->taken = taken;
    if (taken == c->sent && rd(c, ABI_REG_STATUS) & ABI_STATUS_IDLE && rd(c, ABI_REG_EVENTS) == c->next)
        return 0;
    if (card_check(c) == 0)
        note_text(c, taken == c->sent ? "it stands still with a command or an event inside"
                                      : "it stands still and does not take what is in the window");
    return -1;
}

// -------------------------------------------------------------------------------------------------- open
static bool power_of_two(uint32_t x)
{
    return x && (x & (x - 1)) == 0;
}

static int identify(struct card *c, struct err *e)
{
    uint32_t magic = rd(c, ABI_REG_MAGIC);
    if (magic == gone)
        return err_set(
            e,
            "card: registers read all ones, nobody answers: is it powered, linked and its memory enabled?");
    if (magic != ABI_MAGIC)
        return err_set(
            e, "card: identity register reads %08x, not %08x: another device, or the FPGA is not configured",
            magic, ABI_MAGIC);
    struct card_info *i = &c->info;
    i->abi_version = rd(c, ABI_REG_ABI_VERSION);
    i->abi_hash = card_read64(c, ABI_REG_ABI_HASH);
    if (i->abi_version != ABI_VERSION || i->abi_hash != ABI_HASH)
        return err_set(e, "card: speaks ABI %u/%016llx, this program %u/%016llx: rebuild one of them",
                       i->abi_version, (unsigned long long)i->abi_hash, ABI_VERSION,
                       (unsigned long long)ABI_HASH);
    i->build_hash = card_read64(c, ABI_REG_BUILD_HASH);
    i->lanes = rd(c, ABI_REG_LANES);
    i->slots = rd(c, ABI_REG_SLOTS);
    i->assets = rd(c, ABI_REG_ASSETS);
    i->depth = rd(c, ABI_REG_WINDOW_DEPTH);
    i->latency = rd(c, ABI_REG_LATENCY);
    if (!i->lanes || !i->slots || (uint64_t)i->lanes * i->slots > 1u << ABI_ROW_BITS || !i->assets ||
        i->assets > 1u << ABI_ASSET_BITS)
        return err_set(e,
                       "card: says it has %u lanes x %u slots and %u assets, which no row address can mean",
                       i->lanes, i->slots, i->assets);
    if (!power_of_two(i->depth) || i->depth > DEPTH_MAX)
        return err_set(e, "card: says its window holds %u beats, which is no power of two up to %d", i->depth,
                       DEPTH_MAX);
    return 0;
}

// A read that follows the reset on its way sees clearing. Draining takes DRAIN_CYCLES at most and clearing a
// cycle for each slot and asset or each beat of the window. The device spends more than a cycle on answering
// a read, so as many looks as cycles are enough.
static int wait_cleared(struct card *c, struct err *e)
{
    uint64_t looks = (uint64_t)c->info.slots * c->info.assets + c->info.depth + DRAIN_CYCLES + WAIT_SPARE;
    uint32_t status = 0;
    for (uint64_t i = 0; i < looks; i++) {
        status = rd(c, ABI_REG_STATUS);
        if (status == gone)
            return err_set(e, "card: stopped answering while it was reset");
        if (!(status & ABI_STATUS_CLEARING))
            return rd(c, ABI_REG_ERROR_FLAGS) & ABI_FLAG_UNDRAINED
                       ? err_set(e,
                                 "card: a reset, now or since the hardware was reset, gave up waiting for a "
                                 "transaction on the bus, so writes to host memory may still be under way: "
                                 "reset the whole card (power, secondary bus reset) or load the FPGA anew")
                       : 0;
        if (c->io.relax)
            c->io.relax(c->io.ctx);
    }
    return err_set(
        e,
        "card: STATUS is still %08x after a reset and %llu looks (clearing never ended): is its clock "
        "running? reload the FPGA",
        status, (unsigned long long)looks);
}

static int check_memory(const struct card_io *io, struct err *e)
{
    if (io->ring_log2 < 1 || io->ring_log2 > RING_LOG2_MAX)
        return err_set(e, "card: a ring of 2^%u records; use 2^1 to 2^%d", io->ring_log2, RING_LOG2_MAX);
    if (io->ring_bus % ALIGN || io->status_bus % ALIGN || (uintptr_t)io->ring % ALIGN ||
        (uintptr_t)io->status % ALIGN)
        return err_set(e, "card: ring and status memory must be %d-byte aligned", ALIGN);
    if (!io->ring || !io->status || !io->status_bus)
        return err_set(e, "card: ring or status memory is missing");
    return 0;
}

static int hand_over_memory(struct card *c, struct err *e)
{
    const struct card_io *io = &c->io;
    wr(c, ABI_REG_RING_LOG2, io->ring_log2);
    wr64(c, ABI_REG_RING_BASE, io->ring_bus);
    wr64(c, ABI_REG_STATUS_BASE, io->status_bus);
    wr(c, ABI_REG_RING_CONSUMED, 0);
    wr(c, ABI_REG_WATCHDOG, c->config.watchdog);
    // A bridge that does not pass writes on would otherwise show as events that never come.
    if (card_read64(c, ABI_REG_RING_BASE) != io->ring_bus || rd(c, ABI_REG_RING_LOG2) != io->ring_log2)
        return err_set(e, "card: does not keep the ring's address: register writes do not reach it");
    return 0;
}

// After a reset nobody but this program writes, so nothing has been taken and nothing is wrong.
static bool untouched(const struct card *c)
{
    uint32_t status = rd(c, ABI_REG_STATUS), flags = rd(c, ABI_REG_ERROR_FLAGS), taken = rd(c, ABI_REG_TAKEN);
    return !(status & (ABI_STATUS_CLEARING | ABI_STATUS_HALTED)) && !flags && !taken;
}

static int reset_device(struct card *c, struct err *e)
{
    wr(c, ABI_REG_CONTROL, ABI_CONTROL_RESET);
    return wait_cleared(c, e);
}

static int start(struct card *c, struct err *e)
{
    struct card_io *io = &c->io;
    io->fence(io->ctx); // no window write may arrive after the reset
    if (reset_device(c, e))
        return -1;
    // Answers to reads push the device's writes before them: none can land in what is cleared now.
    memset(io->ring, 0, ((size_t)1 << io->ring_log2) * sizeof *io->ring);
    memset(io->status, 0, sizeof *io->status);
    for (int i = 1;; i++) {
        if (hand_over_memory(c, e))
            return -1;
        if (untouched(c))
            break;
        if (i == RESETS)
            return err_set(
                e,
                "card: writes of an earlier owner keep arriving after %d resets: is another program "
                "using this card?",
                RESETS);
        if (reset_device(c, e))
            return -1;
    }
    c->sent = c->taken = c->next = c->told = c->flags = 0;
    c->stopped = false;
    c->fault[0] = 0;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    wr(c, ABI_REG_CONTROL, ABI_CONTROL_ENABLE | (c->config.quiet ? ABI_CONTROL_QUIET : 0));
    return 0;
}

// Nothing may be sent to a card in an unknown state.
static void stop(struct card *c, const char *why)
{
    c->stopped = true;
    snprintf(c->fault, sizeof c->fault, "%.*s", (int)sizeof c->fault - 1, why);
}

int card_reset(struct card *c, struct err *e)
{
    struct err why;
    if (start(c, &why) == 0)
        return 0;
    stop(c, why.msg);
    return err_set(e, "%s", why.msg);
}

int card_close(struct card *c)
{
    struct err why;
    c->io.fence(c->io.ctx);
    if (reset_device(c, &why)) {
        stop(c, why.msg);
        return -1;
    }
    stop(c, "card: closed");
    return 0;
}

int card_open(struct card *c, const struct card_io *io, const struct card_config *config, struct err *e)
{
    *c = (struct card){.io = *io, .config = *config, .stopped = true};
    if (check_memory(io, e) || identify(c, e))
        return -1;
    uint32_t quarter = (1u << io->ring_log2) / 4;
    c->batch = quarter ? quarter : 1;
    return card_reset(c, e);
}

// ----------------------------------------------------------------------------------------------- hot path
// Beats that may be written now. Looks for more credit only when `want` is beyond what is known, and by a
// register only when there is none at all.
static uint32_t credit(struct card *c, size_t want)
{
    uint32_t room = c->info.depth - (c->sent - c->taken), taken;
    if (want <= room || (c->config.quiet && room))
        return room;
    if (!c->config.quiet)
        taken = (uint32_t)__atomic_load_n(&c->io.status->w[0], __ATOMIC_ACQUIRE);
    else if (read_taken(c, &taken) || (taken == c->taken && card_check(c)))
        return 0;
    if (look_at_taken(c, taken))
        return 0;
    c->taken = taken;
    return c->info.depth - (c->sent - taken);
}

size_t card_submit(struct card *c, const struct beat *cmd, size_t n)
{
    if (c->stopped || n == 0)
        return 0;
    uint32_t room = credit(c, n), mask = c->info.depth - 1;
    if (n > room)
        n = room;
    for (size_t i = 0; i < n; i++) {
        struct beat b = cmd[i];
        abi_set_generation(&b, abi_generation(c->sent, c->info.depth));
        c->io.write_beat(c->io.ctx, (c->sent & mask) * BEAT_BYTES, &b);
        c->sent++;
    }
    if (n)
        c->io.fence(c->io.ctx); // a combining buffer would otherwise keep the last beats
    return n;
}

static void tell_consumed(struct card *c)
{
    __atomic_thread_fence(
        __ATOMIC_RELEASE); // the records have been copied before the device may overwrite them
    wr(c, ABI_REG_RING_CONSUMED, c->next);
    c->told = c->next;
}

static void when_idle(struct card *c)
{
    if (c->next != c->told)
        tell_consumed(c); // a burst then finds the whole ring free
    if (!c->config.quiet)
        note_flags(c, (uint32_t)__atomic_load_n(&c->io.status->w[2], __ATOMIC_ACQUIRE));
}

size_t card_poll(struct card *c, struct beat *evt, size_t max)
{
    const uint32_t mask = (1u << c->io.ring_log2) - 1;
    size_t n = 0;
    for (; n < max; n++, c->next++) {
        const struct beat *r = &c->io.ring[c->next & mask];
        uint64_t last = __atomic_load_n(&r->w[3], __ATOMIC_ACQUIRE); // arrives last, so read first
        if ((last >> 56 & 1) != abi_phase(c->next, c->io.ring_log2))
            break;
        for (int i = 0; i < 3; i++)
            evt[n].w[i] = __atomic_load_n(&r->w[i], __ATOMIC_RELAXED);
        evt[n].w[3] = last & ~(UINT64_C(0xff) << 56);
    }
    if (c->next - c->told >= c->batch)
        tell_consumed(c);
    if (n == 0 && max)
        when_idle(c);
    return n;
}

// ------------------------------------------------------------------------------------------------- the rest
void card_counters(const struct card *c, struct device_counters *out)
{
    *out = (struct device_counters){.commands = card_read64(c, ABI_REG_COMMANDS),
                                    .events = card_read64(c, ABI_REG_EVENTS),
                                    .ticks = card_read64(c, ABI_REG_TICKS),
                                    .rows = card_read64(c, ABI_REG_ROWS),
                                    .triggers = card_read64(c, ABI_REG_TRIGGERS),
                                    .band_exits = card_read64(c, ABI_REG_BAND_EXITS),
                                    .errors = card_read64(c, ABI_REG_ERRORS),
                                    .cycles = card_read64(c, ABI_REG_CYCLES),
                                    .stall_in_cycles = card_read64(c, ABI_REG_STALL_IN),
                                    .stall_out_cycles = card_read64(c, ABI_REG_STALL_OUT),
                                    .stall_event_cycles = card_read64(c, ABI_REG_STALL_EVENTS),
                                    .ring_full_cycles = card_read64(c, ABI_REG_RING_FULL)};
}
