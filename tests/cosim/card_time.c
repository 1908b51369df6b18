// SPDX-License-Identifier: Apache-2.0
// The formula for a card's cycles (host/bench/card_time.h) against the stamps of the RTL of the geometry this
// is linked with: random commands, ticks and row loads mixed, through cards that are told of and cards that
// are quiet. usage: card_time [--seed N] [--batches N]. Prints TAP. Seed also from env SEED.
#include "../unit/base/test_seed.h"
#include "base/prng.h"
#include "bench/timeline.h"
#include "card.h"
#include "sim_api.h"
#include "tap.h"

#include <getopt.h>
#include <string.h>

enum {
    PHRASE_MAX = 16, // beats
    BATCH_MAX = 40,
    STUFFING = 13, // beats of a load that keeps the core busy while the window fills
    HOT = 6,       // assets that most commands name
    ROOM = 1 << 18,
    ROWS_MAX = 1024,
};

static struct {
    struct prng random;
    struct device *dev;
    struct tap *tap;
    uint32_t group, rows, assets;
    uint32_t batch, armed[ROWS_MAX]; // the batch in which a row was armed last
} t;

static uint32_t below(uint32_t n)
{
    return (uint32_t)prng_below(&t.random, n);
}

// ---- commands that no device refuses

static uint16_t asset(void)
{
    uint32_t hot = t.assets < HOT ? t.assets : HOT;
    return (uint16_t)(below(5) ? below(hot) : below(t.assets));
}

static size_t ticks(struct beat *b)
{
    size_t n = 1 + below(4);
    bool closed = below(6) != 0;
    t.group++;
    for (size_t i = 0; i < n; i++)
        abi_pack_tick(b + i, &(struct abi_tick){.asset = asset(),
                                                .price = 1000 + below(400),
                                                .group = t.group,
                                                .last = closed && i + 1 == n});
    return n;
}

static size_t load(struct beat *b, uint32_t row, uint32_t n, int64_t h)
{
    struct abi_row head = {.row = row, .n = (uint16_t)n, .h = h, .armed = below(8) != 0};
    size_t len = 1;
    for (int k = 0; k < ABI_ROW_PAIRS; k++) {
        head.asset[k] = asset();
        head.coef[k] = below(3) ? (int32_t)below(21) - 10 : 0;
    }
    abi_pack_row(b, &head);
    for (uint32_t had = ABI_ROW_PAIRS; had < n; had += ABI_COEF_PAIRS) {
        struct abi_coef c;
        for (int k = 0; k < ABI_COEF_PAIRS; k++) {
            c.asset[k] = asset();
            c.coef[k] = below(3) ? (int32_t)below(21) - 10 : 0;
        }
        abi_pack_coef(b + len++, &c);
    }
    return len;
}

// Once in a batch: an ARM that fires its row is not told from one of the same row and group that does not.
static size_t arm(struct beat *b)
{
    uint32_t row = below(t.rows);
    if (t.armed[row] == t.batch)
        return 0;
    t.armed[row] = t.batch;
    abi_pack_arm(b, &(struct abi_arm){.row = row, .armed = below(8) != 0});
    return 1;
}

static size_t one(struct beat *b)
{
    uint16_t a = asset();
    switch (below(5)) {
    case 0:
        abi_pack_band(b, &(struct abi_band){.asset = a, .lo = 1000 + below(100), .hi = 1200 + below(300)});
        break;
    case 1:
        return arm(b);
    case 2:
        abi_pack_read(b, &(struct abi_read){.row = below(t.rows), .coef = below(2), .asset = a});
        break;
    case 3:
        abi_pack_sync(b, &(struct abi_sync){.token = t.group});
        break;
    default:
        abi_pack_nop(b, &(struct abi_nop){0});
    }
    return 1;
}

// A tick that fires many rows: all of some are put just above zero, a step away.
static size_t phrase(struct beat *b)
{
    size_t len = 0;
    switch (below(8)) {
    case 0:
    case 1:
        return load(b, below(t.rows), below(2) ? below(4) : below(16), (int64_t)below(4000) - 100);
    case 2:
        return one(b);
    case 3: // arm rows that are below zero, and such that are not
        for (uint32_t n = 1 + below(8); n; n--)
            len += arm(b + len);
        return len;
    default:
        return ticks(b);
    }
}

static size_t many_fire(struct beat *b, uint32_t n)
{
    size_t len = 0;
    uint32_t from = below(t.rows);
    for (uint32_t i = 0; i < n; i++)
        abi_pack_row(b + len++, &(struct abi_row){.row = (from + i * 3) % t.rows,
                                                  .armed = true,
                                                  .n = 1,
                                                  .h = below(3) ? 0 : 100000,
                                                  .coef = {-1}});
    abi_pack_tick(b + len++, &(struct abi_tick){.price = 900, .group = ++t.group});
    abi_pack_tick(b + len++, &(struct abi_tick){.price = 1500 + below(9), .group = t.group, .last = true});
    return len;
}

// ---- runs

static void go(const struct beat *b, size_t n)
{
    t.batch++;
    struct beat evt[64];
    for (size_t done = 0; done < n;) {
        done += device_submit(&t.tap->dev, b + done, n - done);
        while (device_poll(&t.tap->dev, evt, 64) > 0)
            ;
    }
}

static void begin(const struct device_card *card, uint64_t seed)
{
    const struct tap_room room = {.beats = ROOM, .events = ROOM, .batches = ROOM};
    struct err e;
    if (device_open(&(struct device_config){.backend = "sim", .seed = seed, .card = card}, &t.dev, &e) ||
        !(t.tap = tap_new(t.dev, &room, &e)))
        bail_out(e.msg);
    t.rows = t.dev->info.lanes * t.dev->info.slots;
    t.assets = t.dev->info.assets;
    t.group = 0;
    if (t.rows > ROWS_MAX)
        bail_out("too many rows for this test");
}

static void end(void)
{
    tap_free(t.tap);
    device_close(t.dev);
}

static void read_all(struct commands *c)
{
    struct err e;
    if (commands_read(t.tap, c, &e))
        bail_out(e.msg);
    if (t.tap->full || c->n_batches != t.tap->n_batches)
        bail_out("a command or event was not understood");
}

// Batches of any length, each when the one before has been done.
static void stream(const char *what, const struct device_card *card, uint64_t seed, uint32_t batches)
{
    static struct beat b[BATCH_MAX + 2 * PHRASE_MAX];
    struct commands c;
    struct commands_check r;
    begin(card, seed);
    for (uint32_t i = 0; i < batches; i++) {
        size_t n = 0, most = 1 + below(BATCH_MAX);
        while (n < most)
            n += below(24) ? phrase(b + n) : many_fire(b + n, 1 + below(12));
        go(b, n);
    }
    read_all(&c);
    const struct device_info *info = &t.dev->info;
    commands_check(&c, info->lanes, info->slots, info->latency, card->quiet, &r);
    ok(r.differed == 0 && r.triggers > batches / 2 && r.apart * 10 < r.events,
       "%s: %" PRIu64 " events, of them %" PRIu64 " triggers, %" PRIu64
       " elsewhere than the formula says, %" PRIu64 " not compared",
       what, r.events, r.triggers, r.differed, r.apart);
    ok(r.early == 0 && r.taken > batches / 2, "%s: %" PRIu64 " commands, %" PRIu64 " taken too early", what,
       r.taken, r.early);
    commands_free(&c);
    end();
}

// What comes behind a load that takes longer than the window needs to fill is taken without a gap: then the
// cycle of every command and every event follows from that of the first.
struct dense {
    uint64_t events, out, in; // events compared; stamps that differ
};

static void compare_dense(const struct commands *c, uint32_t batch, struct dense *d)
{
    struct card_time f;
    uint32_t from = t.tap->batch[batch].beat + STUFFING, k = t.tap->batch[batch].events;
    uint32_t to = batch + 1 < t.tap->n_batches ? t.tap->batch[batch + 1].beat : t.tap->n_beats;
    uint64_t in = 0;
    uint32_t base = c->event[k].in; // the SYNC behind the load
    card_time_init(&f, t.dev->info.lanes, t.dev->info.slots, t.dev->info.latency);
    for (uint32_t i = from - STUFFING; i < from; i++) // for what they leave behind
        (void)card_time_take(&f, &c->step[i], 0);
    uint64_t start = f.free;
    for (uint32_t i = from; i < to; i++) {
        in = card_time_take(&f, &c->step[i], 0);
        for (; k < c->n_events && c->event[k].beat == i; k++, d->events++) {
            const struct card_event *v = &c->event[k];
            uint64_t out = card_time_event(&f, in + v->offset + (v->slot ? v->row / f.lanes : 0));
            d->out += v->out - base != (uint32_t)(out - start);
            d->in += v->in - base != (uint32_t)(in - start);
        }
    }
}

static const struct device_card near_card = {.clock_mhz = 250,
                                             .write_ns = 40,
                                             .event_ns = 40,
                                             .read_ns = 40,
                                             .ring_log2 = 12,
                                             .whole = true,
                                             .quiet = true};
enum { STUFFING_COEFS = ABI_ROW_PAIRS + (STUFFING - 1) * ABI_COEF_PAIRS };

static void settle(void) // credit for a whole window
{
    if (card_settled(sim_card(sim_of(t.dev))))
        bail_out("the card has stopped");
}

// Every row fires, by a handful of ticks one behind the other: operations with events wait until no more are
// issued. That changes when ticks are taken, and no event.
static void crowd(uint64_t seed)
{
    enum { PARTS = 6 };
    static struct beat b[ROWS_MAX + STUFFING];
    struct commands c;
    struct dense d = {0};
    size_t n = 0;
    begin(&near_card, seed);
    for (uint32_t row = 0; row < t.rows; row++)
        abi_pack_row(b + n++,
                     &(struct abi_row){
                         .row = row, .armed = true, .n = 1, .asset = {(uint16_t)below(PARTS)}, .coef = {-1}});
    go(b, n);
    settle();
    n = load(b, 0, STUFFING_COEFS, INT64_C(1) << 60);
    abi_pack_sync(b + n++, &(struct abi_sync){0});
    for (uint16_t k = 0; k < PARTS; k++)
        abi_pack_tick(b + n++, &(struct abi_tick){.asset = k, .price = 1, .group = k, .last = true});
    go(b, n);
    read_all(&c);
    compare_dense(&c, t.tap->n_batches - 1, &d);
    ok(d.out == 0 && d.events == t.rows,
       "a crowd: %" PRIu64 " events, %" PRIu64 " in other cycles than the formula says; %" PRIu64
       " say of a tick that waited that it was taken later",
       d.events, d.out, d.in);
    commands_free(&c);
    end();
}

static void dense(uint64_t seed, uint32_t batches)
{
    enum { BEATS = 64 - STUFFING - 1 };
    static struct beat b[BATCH_MAX + 2 * PHRASE_MAX];
    struct commands c;
    struct dense d = {0};
    begin(&near_card, seed);
    // Groups left open are closed, so that every batch begins alike.
    for (uint32_t i = 0; i < batches; i++) {
        size_t n = load(b, 0, STUFFING_COEFS, INT64_C(1) << 60);
        abi_pack_sync(b + n++, &(struct abi_sync){.token = i});
        while (n < BEATS - PHRASE_MAX)
            n += below(8) ? phrase(b + n) : many_fire(b + n, 1 + below(12));
        abi_pack_tick(b + n++,
                      &(struct abi_tick){.asset = 0, .price = 1000, .group = ++t.group, .last = true});
        go(b, n);
        settle();
    }
    read_all(&c);
    for (uint32_t i = 0; i < batches; i++)
        compare_dense(&c, i, &d);
    ok(d.out == 0 && d.in == 0 && d.events > batches * 4,
       "without a gap: %" PRIu64 " events in the very cycles that the formula says, %" PRIu64
       " stamps differ",
       d.events, d.out + d.in);
    commands_free(&c);
    end();
}

// The waveform of a frame's first trigger: from its command to its event in the cycles that the event's own
// stamps name, operation by operation between them.
static void wave(uint64_t seed)
{
    const struct timeline_options o = {.frames = 1, .tap = {ROOM, ROOM, ROOM}};
    const struct device_config dc = {.backend = "sim", .seed = seed};
    struct frame_stamps stamps = {.flags = 1, .orders = 1};
    struct timeline_wave w;
    struct beat b[4], evt;
    struct abi_trigger x;
    struct err e;
    struct device *under, *d = NULL;
    struct timeline *tl = timeline_new(&o, &e);
    if (!tl || device_open(&dc, &under, &e) || !(d = timeline_tap(tl, under, &e)))
        bail_out(e.msg);
    uint32_t row = d->info.lanes * d->info.slots - 1, latency = d->info.latency;
    abi_pack_row(b, &(struct abi_row){.row = row, .armed = true, .n = 1, .coef = {-1}});
    abi_pack_tick(b + 1, &(struct abi_tick){.price = 5, .group = 1, .last = true});
    ok(device_submit(d, b, 1) == 1 && device_poll(d, &evt, 1) == 0 && device_submit(d, b + 1, 1) == 1 &&
           device_poll(d, &evt, 1) == 1 && device_poll(d, &evt, 1) == 0,
       "a frame of one tick");
    abi_unpack_trigger(&evt, &x);
    timeline_take(tl, TIMELINE_SIMULATED, &stamps);
    timeline_take(tl, TIMELINE_MEASURED, &stamps);
    bool good = timeline_match(tl, &e) == 0 && timeline_wave(tl, &dc, 0, &w, &e) == 0 && w.n > latency;
    uint32_t took = 0, came = 0, ops = 0, hits = 0;
    for (uint32_t i = 0; i < w.n && good; i++) {
        const struct probe_cycle *c = &w.at[i];
        if (c->cmd_valid && c->cmd_ready && c->cmd == ABI_CMD_TICK)
            took = (uint32_t)c->cycle;
        if (c->evt_valid && c->evt == ABI_EVT_TRIGGER && c->row == row && !came)
            came = (uint32_t)c->cycle;
        hits += c->hits;
        ops += c->h && c->h_slot == ops;
        good = i == 0 || c->cycle == w.at[i - 1].cycle + 1;
    }
    ok(good && took == x.cycle_in && came == x.cycle_out && hits == 1 && ops == d->info.slots,
       "its waveform: taken in cycle %u, trigger in cycle %u, %u slots in h, %u hit", took, came, ops, hits);
    timeline_free(tl);
    device_close(under);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'}, {"batches", required_argument, NULL, 'b'}, {0}};
    uint64_t seed = seed_or(7);
    uint32_t batches = 400;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 's')
            seed = strtoull(optarg, NULL, 0);
        else if (c == 'b')
            batches = (uint32_t)strtoul(optarg, NULL, 0);
        else
            return 2;
    }
    printf("# seed %" PRIu64 "\n", seed);
    prng_seed(&t.random, seed);
    device_register(&device_ops_sim);
    struct device_card card = device_card_default;
    stream("a card as it is", &card, seed, batches);
    card.quiet = true;
    stream("a quiet card", &card, seed + 1, batches);
    card.write_ns = card.event_ns = 0;
    card.whole = true;
    stream("without a link", &card, seed + 2, batches);
    dense(seed + 3, batches);
    crowd(seed + 4);
    wave(seed + 5);
    return tap_end();
}
