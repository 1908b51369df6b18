// SPDX-License-Identifier: Apache-2.0
// The whole way to the device and back: driver, PCIe model, window, core, ring. Same events as the model
// under every latency, order, stall and ring; faults are noticed and named; time is what the figures say.
// usage: pcie [--seed N] [--beats N]    prints TAP. Seed also from env SEED.
#include "../unit/base/test_seed.h"
#include "board.h"
#include "card.h"
#include "device.h"
#include "sim_api.h"
#include "stream.h"
#include "tap.h"

#include <getopt.h>
#include <string.h>

enum { POLL = 23 };

static struct {
    uint64_t seed, beats;
} t;

static struct sim *open_sim(const struct device_card *card, unsigned in, unsigned out, bool every_cycle)
{
    const char *why = "";
    struct sim_config c = {.seed = t.seed + (uint64_t)tap.n,
                           .stall_in_pct = in,
                           .stall_out_pct = out,
                           .card = card,
                           .every_cycle = every_cycle};
    struct sim *s = sim_open(&c, &why);
    if (!s)
        bail_out(why);
    return s;
}

static struct device_card at_once(void)
{
    struct device_card c = device_card_default;
    c.write_ns = c.event_ns = c.read_ns = 0;
    return c;
}

static uint64_t reg64(struct sim *s, uint32_t offset)
{
    return card_read64(sim_card(s), offset);
}

static struct beat sync_beat(uint64_t token)
{
    struct beat b;
    abi_pack_sync(&b, &(struct abi_sync){.token = token});
    return b;
}

static size_t drain(struct device *d)
{
    struct beat evt[POLL];
    size_t n, total = 0;
    while ((n = device_poll(d, evt, POLL)) > 0)
        total += n;
    return total;
}

// ---------------------------------------------------------------------------------------- random streams
struct combination {
    const char *name;
    unsigned write_ns, event_ns, read_ns, jitter_pct, ring_log2, in, out;
    bool whole, quiet;
};

static const struct combination combinations[] = {
    {"default latencies", 270, 270, 790, 0, 12, 0, 0, false, false},
    {"no latency, whole beats", 0, 0, 0, 0, 12, 0, 0, true, false},
    {"no latency, split", 0, 0, 0, 0, 5, 0, 0, false, false},
    {"a ring of 4", 270, 270, 790, 100, 2, 0, 0, false, false},
    {"a ring of 2, stalls", 40, 10, 100, 50, 1, 50, 50, false, false},
    {"far away, jitter", 2000, 1500, 4000, 300, 6, 20, 20, false, false},
    {"stalled ports", 100, 100, 200, 30, 12, 90, 90, false, false},
    {"quiet", 270, 270, 790, 20, 12, 0, 0, false, true},
    {"quiet, a ring of 4, stalls", 20, 20, 40, 100, 2, 60, 80, false, true},
};

static void random_stream(const struct combination *x, uint64_t seed)
{
    const struct device_card card = {.clock_mhz = 250,
                                     .write_ns = x->write_ns,
                                     .event_ns = x->event_ns,
                                     .read_ns = x->read_ns,
                                     .jitter_pct = x->jitter_pct,
                                     .ring_log2 = x->ring_log2,
                                     .whole = x->whole,
                                     .quiet = x->quiet};
    struct device_config c = {
        .backend = "sim+model", .seed = seed, .stall_in_pct = x->in, .stall_out_pct = x->out, .card = &card};
    struct device *d = NULL;
    struct err e;
    if (device_open(&c, &d, &e))
        bail_out(e.msg);
    struct stream s;
    stream_init(&s, seed, d->info.lanes, d->info.slots, d->info.assets);
    struct beat *b = calloc(8 * stream_room(&s), sizeof *b);
    uint64_t beats = 0, events = 0;
    while (beats < t.beats && !device_mismatch(d, NULL, 0)) {
        size_t n = 0, want = 1 + stream_random(&s) % 300, room = 7 * stream_room(&s);
        while (n < want && n < room)
            n += stream_next(&s, b + n);
        for (size_t i = 0; i < n;) {
            i += device_submit(d, b + i, n - i);
            events += drain(d);
        }
        beats += n;
    }
    char text[512] = "";
    bool bad = device_mismatch(d, text, sizeof text);
    struct device_counters count;
    device_counters(d, &count);
    ok(!bad && count.events == events && count.commands == beats && events > 100 && !d->info.fault[0],
       "%s: %" PRIu64 " beats, %" PRIu64 " events equal, seed %" PRIu64 " %s%s", x->name, beats, events, seed,
       text, d->info.fault);
    free(b);
    device_close(d);
}

// ------------------------------------------------------------------------------- what the registers count
static size_t phrases(struct stream *s, struct beat *b, size_t n)
{
    size_t len = 0;
    while (n--)
        len += stream_next(s, b + len);
    return len;
}

// Beats through a sim; events (with stamps) appended at out as far as there is room. Returns their number.
static size_t run_beats(struct sim *s, const struct beat *b, size_t n, struct beat *out, size_t max)
{
    struct beat evt[POLL];
    size_t total = 0, got;
    for (size_t i = 0; i < n;) {
        size_t want = 1 + i % 97; // pieces, so that idle times lie between
        size_t k = sim_submit(s, b + i, n - i < want ? n - i : want);
        i += k;
        bool any = k > 0;
        while ((got = sim_poll(s, evt, POLL)) > 0) {
            for (size_t j = 0; j < got; j++, total++)
                if (total < max)
                    out[total] = evt[j];
            any = true;
        }
        if (!any)
            break;
    }
    return total;
}

static const uint32_t counted[] = {
    ABI_REG_COMMANDS,     ABI_REG_EVENTS,    ABI_REG_TICKS,   ABI_REG_ROWS,          ABI_REG_TRIGGERS,
    ABI_REG_BAND_EXITS,   ABI_REG_ERRORS,    ABI_REG_CYCLES,  ABI_REG_STALL_IN,      ABI_REG_STALL_OUT,
    ABI_REG_STALL_EVENTS, ABI_REG_RING_FULL, ABI_REG_RECORDS, ABI_REG_STATUS_RECORDS};
enum { COUNTED = sizeof counted / sizeof *counted };

static uint32_t cycle_in(const struct beat *evt)
{
    struct abi_sync_done x;
    abi_unpack_sync_done(evt, &x);
    return x.cycle_in;
}

// Skipping idle cycles changes nothing that the device says, stamps and counters included.
static void skipping(const char *name, const struct device_card *card, unsigned in, unsigned out)
{
    enum { PHRASES = 400, EVENTS = 1 << 16 };
    struct beat *evt[2] = {calloc(EVENTS, sizeof **evt), calloc(EVENTS, sizeof **evt)}, *b = NULL;
    uint64_t reg[2][COUNTED], cycles[2], evaluated[2];
    size_t n[2], beats = 0;
    for (int k = 0; k < 2; k++) {
        struct sim *s = open_sim(card, in, out, k == 1);
        struct stream st;
        stream_init(&st, t.seed, sim_card(s)->info.lanes, sim_card(s)->info.slots, sim_card(s)->info.assets);
        b = realloc(b, PHRASES * stream_room(&st) * sizeof *b);
        beats = phrases(&st, b, PHRASES);
        n[k] = run_beats(s, b, beats, evt[k], EVENTS);
        cycles[k] = board_cycles(sim_board(s));
        evaluated[k] = board_evaluated(sim_board(s));
        for (size_t i = 0; i < COUNTED; i++)
            reg[k][i] = reg64(s, counted[i]);
        sim_close(s);
    }
    for (size_t i = 0; i < COUNTED; i++)
        if (reg[0][i] != reg[1][i])
            printf("# register %03x: %" PRIu64 " skipping, %" PRIu64 " not\n", counted[i], reg[0][i],
                   reg[1][i]);
    for (size_t i = 0; i < n[0] && i < n[1] && i < EVENTS; i++)
        if (memcmp(&evt[0][i], &evt[1][i], sizeof **evt) != 0) {
            printf("# event %zu taken in cycle %u skipping, %u not\n", i, cycle_in(&evt[0][i]),
                   cycle_in(&evt[1][i]));
            break;
        }
    bool same = n[0] == n[1] && n[0] > 100 && n[0] <= EVENTS && cycles[0] == cycles[1] &&
                memcmp(evt[0], evt[1], n[0] * sizeof **evt) == 0 &&
                memcmp(reg[0], reg[1], sizeof reg[0]) == 0;
    ok(same && evaluated[1] == cycles[1] && evaluated[0] <= evaluated[1],
       "%s: %zu beats, %zu events, stamps and %d counters the same when idle cycles are skipped (%" PRIu64
       " of %" PRIu64 " simulated)",
       name, beats, n[0], COUNTED, evaluated[0], cycles[0]);
    free(evt[0]);
    free(evt[1]);
    free(b);
}

static void records(void)
{
    struct device_card card = at_once();
    card.ring_log2 = 2;
    for (int quiet = 0; quiet < 2; quiet++) {
        card.quiet = quiet;
        struct sim *s = open_sim(&card, 0, 0, false);
        struct beat b[200], evt[200];
        for (uint64_t i = 0; i < 200; i++)
            b[i] = sync_beat(i);
        size_t n = run_beats(s, b, 200, evt, 200);
        bool good = n == 200 && reg64(s, ABI_REG_RECORDS) == 200 && sim_read(s, ABI_REG_TAKEN) == 200 &&
                    sim_read(s, ABI_REG_PRODUCED) == 200;
        uint64_t status = reg64(s, ABI_REG_STATUS_RECORDS);
        ok(good && (quiet ? status == 0 : status > 0),
           "%squiet: %zu of 200 records, %" PRIu64 " status records", quiet ? "" : "not ", n, status);
        sim_close(s);
    }
}

// ---------------------------------------------------------------------------------------------- latencies
// Cycles from a submit to the device's taking it, and from there to its event being polled.
static bool one_way(const struct device_card *card, uint64_t *in, uint64_t *out)
{
    struct sim *s = open_sim(card, 0, 0, false);
    struct beat b = sync_beat(1), evt;
    bool good = true;
    for (int i = 0; i < 50; i++) {
        uint64_t start = board_cycles(sim_board(s));
        good = good && sim_submit(s, &b, 1) == 1 && sim_poll(s, &evt, 1) == 1;
        uint64_t a = cycle_in(&evt) - start, z = board_cycles(sim_board(s)) - cycle_in(&evt);
        good = good && (i < 2 || (a == *in && z == *out)); // the first may meet the opening's last writes
        *in = a;
        *out = z;
        good = good && sim_poll(s, &evt, 1) == 0;
    }
    sim_close(s);
    return good;
}

static void latencies(void)
{
    struct device_card none = at_once(), some = at_once();
    none.whole = some.whole = true; // split in pieces, a beat takes longer to hand over
    some.write_ns = 400;
    some.event_ns = 200;
    uint64_t in[2], out[2];
    bool good = one_way(&none, &in[0], &out[0]) && one_way(&some, &in[1], &out[1]);
    ok(good && in[1] - in[0] == 100 && out[1] - out[0] == 50,
       "400 ns there and 200 ns back are 100 and 50 cycles at 250 MHz more than none (%" PRIu64
       " and %" PRIu64 ")",
       in[0], out[0]);
    struct device_card slow = at_once();
    uint64_t took[2];
    for (int k = 0; k < 2; k++) {
        slow.read_ns = k ? 800 : 0;
        struct sim *s = open_sim(&slow, 0, 0, false);
        sim_read(s, ABI_REG_MAGIC); // behind the opening's last writes
        uint64_t start = board_cycles(sim_board(s));
        sim_read(s, ABI_REG_MAGIC);
        took[k] = board_cycles(sim_board(s)) - start;
        sim_close(s);
    }
    ok(took[1] - took[0] == 200,
       "a register read of 800 ns takes 200 cycles more than one of 0 (%" PRIu64 ")", took[0]);
}

// Whole beats one after the other: the window gives the core one a cycle and credit comes back in time.
static void throughput(void)
{
    enum { N = 1000 };
    struct device_card card = at_once();
    card.whole = true;
    struct sim *s = open_sim(&card, 0, 0, false);
    struct beat b[N], evt[N];
    for (uint32_t i = 0; i < N; i++)
        abi_pack_nop(&b[i], &(struct abi_nop){0});
    b[0] = sync_beat(0);
    b[N - 1] = sync_beat(1);
    size_t n = run_beats(s, b, 1, evt, N);
    size_t i = 0;
    while (i < N - 1) {
        i += sim_submit(s, b + i, N - 1 - i);
        while (sim_poll(s, evt, 1) > 0)
            ;
    }
    uint64_t start = board_cycles(sim_board(s));
    (void)sim_submit(s, b + 1, N - 1);
    n += sim_poll(s, evt, 1);
    uint64_t took = board_cycles(sim_board(s)) - start;
    ok(n == 2 && took < 2 * N,
       "%d commands that take a cycle each pass in %" PRIu64 " cycles without latency", N, took);
    sim_close(s);
}

// ------------------------------------------------------------------------------------------------ resets
static bool same_events(struct sim *s, struct device *m, const struct beat *b, size_t n)
{
    struct beat x, y;
    for (size_t i = 0; i < n; i++) {
        if (sim_submit(s, &b[i], 1) != 1)
            return false;
        device_submit(m, &b[i], 1);
        while (device_poll(m, &y, 1) == 1)
            if (sim_poll(s, &x, 1) != 1 || !abi_event_equal(&x, &y))
                return false;
    }
    return sim_poll(s, &x, 1) == 0;
}

static void soft_reset(void)
{
    enum { ROUNDS = 25, PHRASES = 40 };
    struct device_card card = device_card_default;
    card.jitter_pct = 50;
    card.ring_log2 = 4;
    struct sim *s = open_sim(&card, 30, 30, false);
    const struct card_info *i = &sim_card(s)->info;
    struct stream st;
    stream_init(&st, t.seed, i->lanes, i->slots, i->assets);
    struct beat *b = calloc(PHRASES * stream_room(&st), sizeof *b);
    bool good = true;
    int k = 0;
    for (; k < ROUNDS && good; k++) {
        struct device_config c = {
            .backend = "model", .lanes = i->lanes, .slots = i->slots, .assets = i->assets};
        struct device *m = NULL;
        if (device_open(&c, &m, NULL))
            bail_out("no model");
        sim_submit(s, b, phrases(&st, b, PHRASES));
        good = sim_soft_reset(s, stream_random(&st) % 800) == 0 && sim_read(s, ABI_REG_COMMANDS) == 0 &&
               sim_read(s, ABI_REG_TAKEN) == 0 && sim_read(s, ABI_REG_PRODUCED) == 0 &&
               sim_read(s, ABI_REG_ERROR_FLAGS) == 0;
        good = good && same_events(s, m, b, phrases(&st, b, PHRASES));
        device_close(m);
    }
    ok(good, "after a reset by register in the middle of anything the card is as new, %d times", k);
    free(b);
    sim_close(s);
}

// ------------------------------------------------------------------------------------------------- faults
// The card stopped for this reason, says so, and works again after a reset.
static bool stopped_by(struct sim *s, uint32_t flag, const char *word)
{
    struct beat evt, b = sync_beat(77);
    board_run(sim_board(s), 2000); // until its status record is here
    while (sim_poll(s, &evt, 1) > 0)
        ;
    struct card *c = sim_card(s);
    uint32_t flags = sim_read(s, ABI_REG_ERROR_FLAGS), status = sim_read(s, ABI_REG_STATUS);
    bool good = flags == flag && (status & ABI_STATUS_HALTED) && c->stopped && strstr(c->fault, word) &&
                sim_submit(s, &b, 1) == 0;
    if (!good)
        printf("# flags %08x status %x stopped %d: %s\n", flags, status, c->stopped, c->fault);
    uint32_t commands = sim_read(s, ABI_REG_COMMANDS);
    board_run(sim_board(s), 1000);
    good = good && commands == sim_read(s, ABI_REG_COMMANDS); // halted it stays
    good = good && sim_soft_reset(s, 0) == 0 && !c->stopped && !c->fault[0] && sim_submit(s, &b, 1) == 1 &&
           sim_poll(s, &evt, 1) == 1 && abi_opcode(&evt) == ABI_EVT_SYNC && sim_poll(s, &evt, 1) == 0;
    return good;
}

// A driver that does not count: one lap further than it may.
static void without_credit(void)
{
    struct device_card card = device_card_default;
    card.ring_log2 = 1; // so that the window fills
    struct sim *s = open_sim(&card, 0, 0, false);
    uint32_t depth = sim_card(s)->info.depth;
    for (uint32_t k = 0; k < depth + 200; k++) { // the core takes some, until its queues are full
        struct beat b = sync_beat(k);
        abi_set_generation(&b, abi_generation(k, depth));
        board_write_beat(sim_board(s), k % depth * 32, &b);
        board_fence(sim_board(s));
    }
    board_run(sim_board(s), 20000);
    ok(stopped_by(s, ABI_FLAG_GENERATION, "generation"),
       "writing without credit halts the card, flag generation");
    struct beat b = sync_beat(0);
    abi_set_generation(&b, 9);
    board_write_beat(sim_board(s), 32, &b); // the reset test has used beat 0
    board_fence(sim_board(s));
    ok(stopped_by(s, ABI_FLAG_GENERATION, "generation"),
       "a beat of another lap halts the card, flag generation");
    sim_close(s);
}

static void bad_writes(void)
{
    struct sim *s = open_sim(NULL, 0, 0, false);
    struct board *board = sim_board(s);
    uint32_t end = sim_card(s)->info.depth * 32;
    static const uint8_t bytes[64] = {1};
    struct {
        const char *name, *word;
        uint32_t offset, flag;
        unsigned size, burst;
    } const tries[] = {
        {"half a word", "32-bit", 4, ABI_FLAG_PARTIAL, 2, 1},
        {"a word that is not aligned", "32-bit", 2, ABI_FLAG_PARTIAL, 4, 1},
        {"a single byte", "32-bit", 31, ABI_FLAG_PARTIAL, 1, 1},
        {"a write behind the window", "window", end, ABI_FLAG_ADDRESS, 32, 1},
        {"a write farther behind the window", "window", 0x5040, ABI_FLAG_ADDRESS, 64, 1},
        {"a write far behind the window", "window", 0xa040, ABI_FLAG_ADDRESS, 64, 1},
        {"a write at the end of the addresses", "window", 0xffe0, ABI_FLAG_ADDRESS, 4, 1},
        {"a burst over the end of the addresses", "window", 0xffe0, ABI_FLAG_ADDRESS, 64, 1},
        {"a FIXED burst", "burst", 0, ABI_FLAG_ADDRESS, 64, 0},
        {"a WRAP burst", "burst", 0, ABI_FLAG_ADDRESS, 64, 2},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        uint64_t refused = board_refused(board);
        board_write_raw(board, tries[i].offset, bytes, tries[i].size, tries[i].burst);
        if (tries[i].flag == ABI_FLAG_PARTIAL) // and what comes behind it: parts of other words
            for (uint32_t word = 1; word < 8; word++)
                board_write_raw(board, word * 4, bytes, 1 + word % 3, 1);
        board_run(board, 1000);
        bool answer = (board_refused(board) > refused) == (tries[i].flag == ABI_FLAG_ADDRESS);
        bool good = stopped_by(s, tries[i].flag, tries[i].word);
        ok(good && answer, "%s halts the card, %s", tries[i].name,
           tries[i].flag == ABI_FLAG_PARTIAL ? "flag partial" : "flag address, answered with an error");
    }
    sim_close(s);
}

static void watchdogs(void)
{
    struct device_card card = device_card_default;
    card.watchdog = 3000;
    card.ring_log2 = 1;
    struct sim *s = open_sim(&card, 0, 0, false);
    struct card *c = sim_card(s);
    struct board *board = sim_board(s);
    struct beat b[4], evt[4];
    for (uint64_t i = 0; i < 4; i++)
        b[i] = sync_beat(i);
    card_submit(c, b, 4); // two more than the ring holds, and nobody polls
    board_run(board, 2800);
    bool early = sim_read(s, ABI_REG_ERROR_FLAGS) == 0;
    board_run(board, 600);
    uint32_t flags = sim_read(s, ABI_REG_ERROR_FLAGS);
    size_t n = 0;
    for (int i = 0; i < 10; i++)
        n += sim_poll(s, evt, 4);
    ok(early && flags == ABI_FLAG_WATCHDOG_EVENTS && n == 4 && !c->stopped && c->warnings == 1 &&
           strstr(c->warning, "watchdog") && sim_read(s, ABI_REG_ERROR_FLAGS) == 0 && card_check(c) == 0,
       "events that nobody fetches raise a watchdog flag and are all there afterwards (%zu)", n);
    sim_soft_reset(s, 0);
    uint32_t word = 0;
    board_write_raw(board, 0, &word, 4, 1); // the first word of beat 0
    board_run(board, 2800);
    early = sim_read(s, ABI_REG_ERROR_FLAGS) == 0;
    board_run(board, 600);
    flags = sim_read(s, ABI_REG_ERROR_FLAGS);
    ok(early && flags == ABI_FLAG_WATCHDOG_COMMANDS,
       "a beat that stays incomplete raises a watchdog flag (%08x)", flags);
    sim_soft_reset(s, 0);
    uint32_t limit = 100000 + (uint32_t)(t.seed % 30000);
    sim_write(s, ABI_REG_WATCHDOG, limit);
    board_write_raw(board, 0, &word, 4, 1);
    board_run(board, limit - 200);
    early = sim_read(s, ABI_REG_ERROR_FLAGS) == 0;
    board_run(board, 600);
    ok(early && sim_read(s, ABI_REG_ERROR_FLAGS) == ABI_FLAG_WATCHDOG_COMMANDS,
       "and not before its time, %" PRIu32 " cycles", limit);
    sim_close(s);
}

static void unfenced(void)
{
    struct sim *s = open_sim(NULL, 0, 0, false);
    struct beat b = sync_beat(5), evt;
    abi_set_generation(&b, 1);
    board_write_beat(sim_board(s), 0, &b);
    board_run(sim_board(s), 5000);
    bool kept = sim_read(s, ABI_REG_TAKEN) == 0;
    board_fence(sim_board(s));
    while (board_advance(sim_board(s), false))
        ;
    ok(kept && card_poll(sim_card(s), &evt, 1) == 1,
       "what is not fenced stays in the write-combining buffers");
    sim_close(s);
}

#include "pcie_rare.h"

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"seed", required_argument, NULL, 's'}, {"beats", required_argument, NULL, 'b'}, {0}};
    t.seed = seed_or(20261120);
    t.beats = 4000;
    device_register(&device_ops_model);
    device_register(&device_ops_sim);
    device_register(&device_ops_compare);
    for (int opt; (opt = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (opt == 's')
            t.seed = strtoull(optarg, NULL, 0);
        else if (opt == 'b')
            t.beats = strtoull(optarg, NULL, 0);
        else
            return 2;
    }
    printf("# seed %" PRIu64 "\n", t.seed);
    const size_t n = sizeof combinations / sizeof *combinations;
    for (size_t i = 0; i < n; i++)
        random_stream(&combinations[i], t.seed + i);
    struct device_card card = device_card_default;
    card.jitter_pct = 40;
    card.ring_log2 = 3;
    skipping("default latencies", &device_card_default, 0, 0);
    skipping("jitter, stalls, a ring of 8", &card, 20, 20);
    records();
    latencies();
    throughput();
    soft_reset();
    without_credit();
    bad_writes();
    watchdogs();
    unfenced();
    rare();
    return tap_end();
}
