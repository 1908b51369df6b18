// SPDX-License-Identifier: Apache-2.0
// The card driver's promises about beginning and end, and about cards that misbehave: nothing lands after
// card_close, a straggler of an earlier owner spoils nothing, a card that takes nothing more is never taken
// for one that has done everything, watchdogs warn and work goes on, a reset that gave up on the bus is
// known. usage: card_life [--seed N]    prints TAP. Seed also from env SEED.
#include "../unit/base/test_seed.h"
#include "board.h"
#include "card.h"
#include "device.h"
#include "sim_api.h"
#include "tap.h"

#include <string.h>

static struct {
    uint64_t seed;
} t;

static struct sim *open_sim(const struct device_card *card, unsigned stall_out, uint64_t seed)
{
    const char *why = "";
    struct sim_config c = {.seed = t.seed + seed, .stall_out_pct = stall_out, .card = card};
    struct sim *s = sim_open(&c, &why);
    if (!s)
        bail_out(why);
    return s;
}

static void syncs(struct beat *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        abi_pack_sync(&b[i], &(struct abi_sync){.token = i + 1});
}

// ------------------------------------------------------------------------------------------------ the end
static bool written_after_close(struct sim *s, uint64_t cycles)
{
    struct card *c = sim_card(s);
    struct beat b[48];
    size_t n = sizeof b / sizeof *b < c->info.depth ? sizeof b / sizeof *b : c->info.depth;
    syncs(b, n);
    card_submit(c, b, n);
    board_run(sim_board(s), cycles); // into the middle of the events
    if (card_close(c))
        return true;
    size_t bytes = ((size_t)1 << c->io.ring_log2) * sizeof *b;
    void *ring = malloc(bytes);
    if (!ring)
        abort();
    struct beat status = *c->io.status;
    memcpy(ring, c->io.ring, bytes);
    board_run(sim_board(s), 20000);
    bool late = memcmp(ring, c->io.ring, bytes) != 0 || memcmp(&status, c->io.status, sizeof status) != 0;
    free(ring);
    return late;
}

static void nothing_lands_after_close(void)
{
    static const unsigned stall[] = {0, 38, 57, 76, 95};
    unsigned late = 0, runs = 0;
    for (size_t i = 0; i < sizeof stall / sizeof *stall; i++)
        for (uint64_t k = 0; k < 20; k++) {
            struct sim *s = open_sim(NULL, stall[i], k);
            late += written_after_close(s, 70 + 2 * k);
            runs++;
            sim_close(s);
        }
    ok(late == 0, "nothing is written to ring or status memory after card_close (%u of %u runs)", late, runs);
}

// ---------------------------------------------------------------------------------------------- the start
// A second driver on the same board, behind which somebody else writes a beat after each of some resets.
static struct {
    struct board *board;
    unsigned left;      // resets that a straggler will follow
    uint8_t generation; // of the straggler
    uint32_t before;    // it arrives before this register is accessed
    bool armed;
} other;

static void straggle(uint32_t offset)
{
    if (!other.armed || offset != other.before)
        return;
    other.armed = false;
    board_run(other.board, 1000); // the reset is over
    struct beat b;
    syncs(&b, 1);
    abi_set_generation(&b, other.generation);
    board_write_raw(other.board, 0, &b, sizeof b, 1);
}

static uint32_t io_read32(void *ctx, uint32_t offset)
{
    straggle(offset);
    return board_read32(ctx, offset);
}
static void io_write32(void *ctx, uint32_t offset, uint32_t value)
{
    straggle(offset);
    if (offset == ABI_REG_CONTROL && value & ABI_CONTROL_RESET && other.left) {
        other.left--;
        other.armed = true;
    }
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

static int open_second(struct sim *s, struct card *c, unsigned resets, uint8_t generation, uint32_t before,
                       struct err *e)
{
    struct card_io io = sim_card(s)->io;
    io.read32 = io_read32;
    io.write32 = io_write32;
    io.write_beat = io_write_beat;
    io.fence = io_fence;
    other.board = sim_board(s);
    other.left = resets;
    other.generation = generation;
    other.before = before;
    other.armed = false;
    return card_open(c, &io, &(struct card_config){.quiet = false}, e);
}

static bool works(struct card *c, struct board *board)
{
    enum { N = 6 };
    struct beat b[N], evt[N];
    syncs(b, N);
    size_t sent = card_submit(c, b, N), n = 0;
    for (int i = 0; i < 20 && n < N; i++) {
        board_run(board, 500);
        n += card_poll(c, evt + n, N - n);
    }
    for (size_t i = 0; i < n; i++) {
        struct abi_sync_done x;
        abi_unpack_sync_done(&evt[i], &x);
        if (x.token != i + 1)
            return false;
    }
    return sent == N && n == N && card_poll(c, evt, N) == 0 && card_check(c) == 0;
}

static void stragglers(void)
{
    // During the wait for the memories, before and after the ring is handed over; with the generation that a
    // new session begins with, and with that of an old one.
    static const uint32_t before[] = {ABI_REG_STATUS, ABI_REG_RING_LOG2, ABI_REG_RING_BASE + 4};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        for (uint8_t generation = 1; generation <= 3; generation += 2) {
            struct sim *s = open_sim(NULL, 0, i);
            struct card c;
            struct err e = {.msg = ""};
            int rc = open_second(s, &c, 2, generation, before[i], &e);
            ok(rc == 0 && works(&c, sim_board(s)),
               "a beat of generation %u that arrives after the reset, before register %03x: reset again (%s)",
               generation, before[i], rc ? e.msg : c.fault);
            sim_close(s);
        }
    struct sim *s = open_sim(NULL, 0, 9);
    struct card c;
    struct err e = {.msg = ""};
    int rc = open_second(s, &c, 1000, 1, ABI_REG_RING_BASE, &e);
    ok(rc == -1 && strstr(e.msg, "earlier owner"), "somebody who goes on writing is named: %s", e.msg);
    sim_close(s);
}

// ------------------------------------------------------------------------------- a card that does not go on
static void halted(bool quiet)
{
    struct device_card card = device_card_default;
    card.quiet = quiet;
    struct sim *s = open_sim(&card, 0, 0);
    static const uint8_t half[2] = {0};
    board_write_raw(sim_board(s), 7 * 32, half, sizeof half, 1);
    board_run(sim_board(s), 2000); // so that a status record, if any, is here
    struct beat b[5], evt[5];
    syncs(b, 5);
    (void)sim_submit(s, b, 5);
    size_t n = sim_poll(s, evt, 5);
    const struct card *c = sim_card(s);
    ok(n == 0 && c->stopped && strstr(c->fault, "32-bit"),
       "%s: poll does not answer 'all done' for commands that a halted card dropped: %s",
       quiet ? "quiet" : "with status records", c->fault);
    sim_close(s);
}

static void all_done_is_true(void)
{
    struct device_card card = device_card_default;
    card.quiet = true;
    struct sim *s = open_sim(&card, 30, 3);
    bool good = true;
    for (size_t k = 1; k < 40; k++) {
        struct beat b[40], evt[40];
        syncs(b, k);
        size_t n = 0, got;
        good = good && sim_submit(s, b, k) == k;
        while ((got = sim_poll(s, evt, 40)) > 0)
            n += got;
        good = good && n == k && sim_read(s, ABI_REG_TAKEN) == sim_card(s)->sent && !sim_card(s)->fault[0];
    }
    ok(good, "quiet: poll answers 0 only when every beat has been taken");
    sim_close(s);
}

static void missing_beat(void)
{
    struct device_card card = device_card_default;
    card.watchdog = 2000;
    struct sim *s = open_sim(&card, 0, 0);
    struct board *board = sim_board(s);
    struct beat b, evt;
    syncs(&b, 1);
    abi_set_generation(&b, 1);
    for (uint32_t i = 1; i < 4; i++) // all but beat 0
        board_write_raw(board, i * 32, &b, sizeof b, 1);
    board_run(board, 3000);
    size_t n = card_poll(sim_card(s), &evt, 1);
    const struct card *c = sim_card(s);
    ok(n == 0 && c->warnings == 1 && strstr(c->warning, "commands waited") && !c->stopped,
       "a beat of which nothing came, with others behind it, raises a watchdog flag: %s", c->warning);
    board_write_raw(board, 0, &b, sizeof b, 1);
    board_run(board, 3000);
    while (card_poll(sim_card(s), &evt, 1) == 1)
        n++;
    board_run(board, 6000);
    (void)card_poll(sim_card(s), &evt, 1);
    ok(n == 4 && c->warnings == 1 && sim_read(s, ABI_REG_ERROR_FLAGS) == 0,
       "when it comes all go on, and an empty window raises none");
    sim_close(s);
}

// A command that never becomes whole: the caller learns that nothing goes on.
static void stands_still(void)
{
    struct sim *s = open_sim(NULL, 0, 0);
    struct card *c = sim_card(s);
    struct beat b, evt;
    syncs(&b, 1);
    c->sent++; // as if beat 0 had been lost on its way
    (void)sim_submit(s, &b, 1);
    size_t n = sim_poll(s, &evt, 1);
    ok(n == 0 && c->stopped && strstr(c->fault, "stands still"),
       "a beat that got lost ends in a fault, not in silence: %s", c->fault);
    sim_close(s);
}

static void warns_each_time(void)
{
    struct device_card card = device_card_default;
    card.watchdog = 500;
    card.ring_log2 = 1;
    for (int quiet = 0; quiet < 2; quiet++) {
        card.quiet = quiet;
        struct sim *s = open_sim(&card, 0, 0);
        struct card *c = sim_card(s);
        size_t n = 0;
        bool good = true;
        for (unsigned round = 1; round < 4; round++) {
            struct beat b[4], evt[4];
            syncs(b, 4);
            card_submit(c, b, 4); // two more than the ring holds, and nobody polls
            board_run(sim_board(s), 1200);
            for (int i = 0; i < 6; i++) {
                n += card_poll(c, evt, 4);
                board_run(sim_board(s), 300);
            }
            good = good && card_check(c) == 0 && c->warnings == round;
        }
        ok(good && n == 12 && !c->fault[0],
           "%s: a watchdog warns each time, is no fault, and work goes on (%" PRIu64 ")",
           quiet ? "quiet" : "with status records", c->warnings);
        sim_close(s);
    }
}

// ---------------------------------------------------------------------------------------- a bus that is
// stuck
static void undrained(void)
{
    struct sim *s = open_sim(NULL, 100, 0);
    struct card *c = sim_card(s);
    struct beat b, evt;
    syncs(&b, 1);
    (void)sim_submit(s, &b, 1);
    bool good = sim_poll(s, &evt, 1) == 0 && c->stopped && strstr(c->fault, "stands still");
    ok(good, "an event that the bus does not take is missed: %s", c->fault);
    good = card_close(c) == -1 && strstr(c->fault, "under way");
    sim_write(s, ABI_REG_ERROR_FLAGS, UINT32_MAX);
    good = good && sim_read(s, ABI_REG_ERROR_FLAGS) == ABI_FLAG_UNDRAINED;
    sim_write(s, ABI_REG_CONTROL, ABI_CONTROL_RESET);
    while (sim_read(s, ABI_REG_STATUS) & ABI_STATUS_CLEARING)
        ;
    ok(good && sim_read(s, ABI_REG_ERROR_FLAGS) == ABI_FLAG_UNDRAINED,
       "a reset that gave up on the bus is known until the hardware is reset, and card_close says so");
    struct card again;
    struct err e = {.msg = ""};
    int rc = card_open(&again, &c->io, &c->config, &e);
    ok(rc == -1 && strstr(e.msg, "reset the whole card"), "the driver refuses such a card: %s", e.msg);
    ok(sim_reset(s, 0) == 0 && sim_read(s, ABI_REG_ERROR_FLAGS) == 0, "the hardware reset helps");
    sim_close(s);
}

int main(int argc, char **argv)
{
    t.seed = seed_or(20261120);
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        t.seed = strtoull(argv[2], NULL, 0);
    else if (argc != 1)
        return 2;
    printf("# seed %" PRIu64 "\n", t.seed);
    nothing_lands_after_close();
    stragglers();
    halted(false);
    halted(true);
    all_done_is_true();
    missing_beat();
    stands_still();
    warns_each_time();
    undrained();
    return tap_end();
}
