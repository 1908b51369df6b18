// SPDX-License-Identifier: Apache-2.0
// Device back end "sim": a card (drivers/card.c) on the simulated board in this process, in lockstep
// (docs/device.md). Beats wait in a queue of the back end's own until the card has credit for them.
#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "card.h"
#include "sim_api.h"

enum { QUEUE = 4096 };

struct sim {
    struct device dev;
    struct board *board;
    struct card card;
    struct card_config config;
    bool opened; // the card is to be closed
    struct beat queue[QUEUE];
    size_t head, used;
};

static struct err last_error; // of sim_open, whose *why points into it

// ---- the card's way to its hardware
static uint32_t io_read32(void *ctx, uint32_t offset)
{
    return board_read32(ctx, offset);
}
static void io_write32(void *ctx, uint32_t offset, uint32_t value)
{
    board_write32(ctx, offset, value);
}
static void io_write_beat(void *ctx, uint32_t offset, const struct beat *b)
{
    board_write_beat(ctx, offset, b);
}
static void io_fence(void *ctx)
{
    board_fence(ctx);
}

static int open_card(struct sim *s, unsigned ring_log2, struct err *e)
{
    struct card_io io = {.ctx = s->board,
                         .read32 = io_read32,
                         .write32 = io_write32,
                         .write_beat = io_write_beat,
                         .fence = io_fence,
                         .ring_log2 = ring_log2};
    io.ring = board_ring(s->board, &io.ring_bus);
    io.status = board_status(s->board, &io.status_bus);
    s->head = s->used = 0;
    s->opened = card_open(&s->card, &io, &s->config, e) == 0;
    if (!s->opened)
        return -1;
    if (s->card.info.build_hash != board_build_hash())
        return err_set(e, "RTL build %016llx, harness built for %016llx: rebuild with `make`",
                       (unsigned long long)s->card.info.build_hash, (unsigned long long)board_build_hash());
    return 0;
}

static struct sim *open_sim(const struct sim_config *c, struct err *e)
{
    const struct device_card *card = c->card ? c->card : &device_card_default;
    const struct board_config bc = {.trace = c->trace,
                                    .seed = c->seed,
                                    .stall_in_pct = c->stall_in_pct,
                                    .stall_out_pct = c->stall_out_pct,
                                    .card = card,
                                    .every_cycle = c->every_cycle};
    if (!card->clock_mhz || card->ring_log2 < 1 || card->ring_log2 > 24) {
        err_set(e, "a clock of %u MHz and a ring of 2^%u records; use at least 1, and 1 to 24",
                card->clock_mhz, card->ring_log2);
        return NULL;
    }
    struct sim *s = calloc(1, sizeof *s);
    const char *why = "out of memory";
    if (!s || !(s->board = board_open(&bc, &why))) {
        err_set(e, "%s%s%s", why, c->trace ? ": " : "", c->trace ? c->trace : "");
        free(s);
        return NULL;
    }
    s->config = (struct card_config){.quiet = card->quiet, .watchdog = card->watchdog};
    if (open_card(s, card->ring_log2, e)) {
        sim_close(s);
        return NULL;
    }
    return s;
}

struct sim *sim_open(const struct sim_config *c, const char **why)
{
    struct sim *s = open_sim(c, &last_error);
    if (!s)
        *why = last_error.msg;
    return s;
}

int sim_reset(struct sim *s, uint64_t cycles)
{
    struct err e;
    board_run(s->board, cycles);
    board_reset(s->board);
    return open_card(s, s->card.io.ring_log2, &e);
}

int sim_soft_reset(struct sim *s, uint64_t cycles)
{
    struct err e;
    board_run(s->board, cycles);
    s->head = s->used = 0;
    return card_reset(&s->card, &e);
}

// Hands the card what it has credit for; the number of beats.
static size_t pump(struct sim *s)
{
    size_t total = 0;
    while (s->used) {
        size_t run = QUEUE - s->head < s->used ? QUEUE - s->head : s->used;
        size_t n = card_submit(&s->card, &s->queue[s->head], run);
        if (n == 0)
            break;
        s->head = (s->head + n) % QUEUE;
        s->used -= n;
        total += n;
    }
    return total;
}

size_t sim_submit(struct sim *s, const struct beat *cmd, size_t n)
{
    if (s->card.stopped)
        return 0;
    if (n > QUEUE - s->used)
        n = QUEUE - s->used;
    for (size_t i = 0; i < n; i++)
        s->queue[(s->head + s->used++) % QUEUE] = cmd[i];
    pump(s);
    return n;
}

size_t sim_poll(struct sim *s, struct beat *evt, size_t max)
{
    uint64_t since;
    for (;;) {
        size_t n = card_poll(&s->card, evt, max);
        if (n || !max)
            return n;
        bool sent = pump(s) > 0;
        since = board_cycles(s->board);
        if (!board_advance(s->board, s->used == 0) && !sent && pump(s) == 0)
            break;
    }
    // Nothing is left to do: so everything has been done, or the card is at fault and says so now. In quiet
    // mode it tells nothing of itself; otherwise it is asked if it took the board suspiciously long.
    bool quiet = s->config.quiet && s->card.taken != s->card.sent;
    if (s->used || quiet || board_cycles(s->board) - since > board_patience)
        (void)card_settled(&s->card);
    return 0;
}

uint32_t sim_read(struct sim *s, uint32_t offset)
{
    return board_read32(s->board, offset);
}

void sim_write(struct sim *s, uint32_t offset, uint32_t value)
{
    board_fence(s->board);
    board_write32(s->board, offset, value);
}

struct sim *sim_of(struct device *d)
{
    return d->ops == &device_ops_sim ? (struct sim *)d : NULL;
}

struct board *sim_board(struct sim *s)
{
    return s->board;
}

struct card *sim_card(struct sim *s)
{
    return &s->card;
}

void sim_close(struct sim *s)
{
    if (s->opened)
        (void)card_close(&s->card);
    board_close(s->board);
    free(s);
}

// ---- the back end
static int dev_open(const struct device_config *c, struct device **out, struct err *e)
{
    struct err why;
    const struct sim_config conf = {.trace = c->trace,
                                    .seed = c->seed,
                                    .stall_in_pct = c->stall_in_pct,
                                    .stall_out_pct = c->stall_out_pct,
                                    .card = c->card};
    struct sim *s = open_sim(&conf, &why);
    if (!s)
        return err_set(e, "device sim: %.480s", why.msg);
    const struct card_info *i = &s->card.info;
    s->dev.ops = &device_ops_sim;
    s->dev.info = (struct device_info){.backend = "sim",
                                       .abi_version = i->abi_version,
                                       .abi_hash = i->abi_hash,
                                       .build_hash = i->build_hash,
                                       .lanes = i->lanes,
                                       .slots = i->slots,
                                       .assets = i->assets,
                                       .lockstep = true,
                                       .cycles = true,
                                       .window_depth = i->depth,
                                       .latency = i->latency,
                                       .card = c->card ? *c->card : device_card_default,
                                       .fault = s->card.fault,
                                       .warning = s->card.warning};
    *out = &s->dev;
    return 0;
}

static size_t dev_submit(struct device *d, const struct beat *cmd, size_t n)
{
    return sim_submit((struct sim *)d, cmd, n);
}

static size_t dev_poll(struct device *d, struct beat *evt, size_t max)
{
    return sim_poll((struct sim *)d, evt, max);
}

static void dev_counters(struct device *d, struct device_counters *out)
{
    card_counters(&((struct sim *)d)->card, out);
}

static int dev_probe(struct device *d, struct probe *p)
{
    return board_probe(((struct sim *)d)->board, p) ? 0 : -1;
}

static void dev_close(struct device *d)
{
    sim_close((struct sim *)d);
}

const struct device_ops device_ops_sim = {
    .name = "sim",
    .open = dev_open,
    .submit = dev_submit,
    .poll = dev_poll,
    .counters = dev_counters,
    .close = dev_close,
    .probe = dev_probe,
};
