// SPDX-License-Identifier: Apache-2.0
// board.h over the board of board.hpp.
#include "board.hpp"

#include <new>

#include "build_hash.h"
#ifdef SIM_FLIP // a -parity geometry
#include "flip.hpp"
#endif

const uint64_t board_patience = UINT64_C(1) << 17;

extern "C" {

struct board *board_open(const struct board_config *c, const char **why)
{
    try {
        auto b = std::make_unique<board>(*c);
        if (b->trace && !b->trace->isOpen()) {
            *why = "the waveform file cannot be written";
            return nullptr;
        }
        b->reset();
        return b.release();
    } catch (const std::bad_alloc &) {
        *why = "out of memory";
        return nullptr;
    }
}

void board_reset(struct board *b)
{
    b->reset();
}

void board_close(struct board *b)
{
    delete b;
}

uint32_t board_read32(struct board *b, uint32_t offset)
{
    b->room();
    b->down.read(b->now, offset);
    b->answered = false;
    while (!b->answered) {
        b->skip(pcie::kNever);
        b->cycle();
    }
    b->answered = false;
    return b->answer;
}

void board_write32(struct board *b, uint32_t offset, uint32_t value)
{
    b->room();
    b->down.write(b->now, offset, value);
}

void board_write_beat(struct board *b, uint32_t offset, const struct beat *beat)
{
    b->room();
    b->down.beat(b->now, offset, beat);
}

void board_fence(struct board *b)
{
    b->down.fence(b->now);
}

void board_write_raw(struct board *b, uint32_t offset, const void *bytes, unsigned size, unsigned burst)
{
    b->room();
    b->down.raw(b->now, offset, bytes, static_cast<uint8_t>(size), static_cast<uint8_t>(burst));
}

void board_narrow(struct board *b, unsigned pct)
{
    b->narrow_pct = pct;
}

void board_refuse(struct board *b, unsigned n)
{
    b->refusing = n;
}

void board_read_window(struct board *b, uint32_t offset, unsigned beats, unsigned id)
{
    for (b->window_read.start(offset, beats, static_cast<uint8_t>(id)); !b->window_read.done();)
        b->cycle();
}

bool board_advance(struct board *b, bool idle_is_enough)
{
    return b->advance(idle_is_enough);
}

void board_run(struct board *b, uint64_t cycles)
{
    for (uint64_t end = b->now + cycles; b->now < end;) {
        b->skip(end);
        b->cycle();
    }
}

uint64_t board_cycles(const struct board *b)
{
    return b->now;
}

uint64_t board_evaluated(const struct board *b)
{
    return b->evaluated;
}

uint64_t board_refused(const struct board *b)
{
    return b->refused;
}

bool board_flip(struct board *b, enum board_memory memory, unsigned lane, unsigned index, unsigned bit)
{
#ifdef SIM_FLIP
    return flip::bit(b->context, memory, lane, index, bit);
#else
    return (void)b, (void)memory, (void)lane, (void)index, (void)bit, false;
#endif
}

bool board_probe(struct board *b, struct probe *p)
{
#ifdef SIM_SKIP
    if (p)
        p->seen = 0;
    b->watching = p;
    return true;
#else
    return (void)b, (void)p, false;
#endif
}

struct beat *board_ring(struct board *b, uint64_t *bus)
{
    *bus = b->memory.ring_base;
    return b->memory.ring;
}

struct beat *board_status(struct board *b, uint64_t *bus)
{
    *bus = b->memory.status_base;
    return b->memory.status;
}

uint64_t board_build_hash(void)
{
    return SIM_BUILD_HASH;
}

} // extern "C"
