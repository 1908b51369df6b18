// SPDX-License-Identifier: Apache-2.0
// Cycle counts of the RTL. A beat's cycle is known from the stamps of an event it causes: trains of ticks are
// measured between ticks that leave their band.
#include "cosim.h"
#include "sim_api.h"
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 4096,
    DEPTH_DEEP = 64, // from here on a window holds a stuffing and what follows it
    PARTS_MAX = 4,
    BURST_FLAGS = 22558, // the events of one instant on 2025-10-10
    BURST_SLACK = 8,     // cycles that N flags may take beyond N
};
#define FAR_H       (INT64_C(1) << 60) // no price can bring a row with a coefficient of 1 from here below zero
#define IN_BAND_MAX (UINT64_C(1) << 33)

struct rig {
    struct sim *s;
    uint32_t lanes, slots, assets, rows, depth;
    uint32_t spare; // asset that no row here uses
    struct stream random;
};

// When the beat that caused an event was taken, and how long until the event was there.
struct stamp {
    uint32_t in, took, group;
};

static void rig_open(struct rig *r, uint64_t seed, unsigned in, unsigned out)
{
    const char *why = "";
    r->s = sim_open(&(struct sim_config){.seed = seed, .stall_in_pct = in, .stall_out_pct = out}, &why);
    if (!r->s)
        bail_out(why);
    r->lanes = sim_read(r->s, ABI_REG_LANES);
    r->slots = sim_read(r->s, ABI_REG_SLOTS);
    r->assets = sim_read(r->s, ABI_REG_ASSETS);
    r->rows = r->lanes * r->slots;
    r->spare = r->assets - 1;
    r->depth = sim_read(r->s, ABI_REG_WINDOW_DEPTH);
    if (r->depth < 8 || r->depth > DEPTH_MAX)
        bail_out("WINDOW_DEPTH is not in 8..4096");
    stream_init(&r->random, seed, r->lanes, r->slots, r->assets);
}

static struct stamp stamp(const struct beat *evt)
{
    struct abi_sync_done x; // stamps stand in the same place in every event
    abi_unpack_sync_done(evt, &x);
    return (struct stamp){.in = x.cycle_in, .took = x.cycle_out - x.cycle_in, .group = x.group};
}

// Submits all beats, in one piece if they fit, and takes every event; keeps the first `max`, returns their
// number.
static size_t run(struct rig *r, const struct beat *b, size_t n, struct beat *evt, size_t max)
{
    size_t sent = 0, events = 0;
    struct beat e;
    do {
        sent += sim_submit(r->s, b + sent, n - sent);
        while (sim_poll(r->s, &e, 1) == 1) {
            if (events < max)
                evt[events] = e;
            events++;
        }
    } while (sent < n);
    return events;
}

static struct beat tick(uint32_t asset, uint64_t price, uint32_t group, bool last)
{
    struct beat b;
    abi_pack_tick(&b,
                  &(struct abi_tick){.asset = (uint16_t)asset, .price = price, .group = group, .last = last});
    return b;
}

static struct beat band(uint32_t asset, uint64_t lo, uint64_t hi, uint64_t price)
{
    struct beat b;
    abi_pack_band(&b, &(struct abi_band){
                          .asset = (uint16_t)asset, .lo = lo, .hi = hi, .set_price = true, .price = price});
    return b;
}

// A row load: head with n set, every pair the same.
static size_t load(struct beat *b, struct abi_row head, uint32_t n, uint32_t asset, int32_t coef)
{
    size_t len = 1;
    struct abi_coef c;
    head.n = (uint16_t)n;
    for (int k = 0; k < ABI_ROW_PAIRS; k++) {
        head.asset[k] = (uint16_t)asset;
        head.coef[k] = coef;
    }
    for (int k = 0; k < ABI_COEF_PAIRS; k++) {
        c.asset[k] = (uint16_t)asset;
        c.coef[k] = coef;
    }
    abi_pack_row(b, &head);
    for (uint32_t had = ABI_ROW_PAIRS; had < n; had += ABI_COEF_PAIRS)
        abi_pack_coef(b + len++, &c);
    return len;
}

// A long load that changes no coefficient, of the row in `head`: while the core works on it, the beats behind
// it gather in the window, and so reach the core without a gap. It fills three eighths of the window, and
// what is to be measured must fit the other half.
static size_t stuffing(const struct rig *r, struct beat *b, struct abi_row head)
{
    uint32_t beats = r->depth * 3 / 8;
    return load(b, head, ABI_ROW_PAIRS + ABI_COEF_PAIRS * (beats - 1), r->spare, 0);
}

// ---- latency

static bool one_event(struct rig *r, const struct beat *b, size_t n, uint8_t kind, uint32_t want,
                      const char *what)
{
    struct beat evt = {{0}};
    size_t got = run(r, b, n, &evt, 1);
    bool good = got == 1 && abi_opcode(&evt) == kind && stamp(&evt).took == want;
    if (!good)
        printf("# %s: %zu events, kind %02x after %u cycles, not %02x after %u\n", what, got,
               abi_opcode(&evt), stamp(&evt).took, kind, want);
    return good;
}

// A row in every slot of the first, the middle and the last lane; the tick comes by itself or right behind
// the load.
static bool tick_latency(struct rig *r, uint32_t latency)
{
    const uint32_t lane[] = {0, r->lanes / 2, r->lanes - 1};
    bool good = true;
    for (uint32_t slot = 0; slot < r->slots; slot++)
        for (int i = 0; i < 3; i++) {
            struct abi_row head = {.row = slot * r->lanes + lane[i], .armed = true};
            struct beat b[3] = {band(0, 0, ABI_PRICE_MAX, 15)};
            size_t apart = (slot + (uint32_t)i) % 2 ? 2 : 0;
            load(b + 1, head, 1, 0, -1);
            b[2] = tick(0, 20, slot, true);
            good = run(r, b, apart, NULL, 0) == 0 && good;
            good = one_event(r, b + apart, 3 - apart, ABI_EVT_TRIGGER, latency + slot, "TICK") && good;
            head.armed = false;
            good = run(r, b, load(b, head, 1, 0, 0), NULL, 0) == 0 && good;
        }
    return good;
}

static bool other_latencies(struct rig *r, uint32_t latency)
{
    const uint32_t far = r->rows - 1;
    struct beat b[3];
    bool good = true;
    abi_pack_sync(b, &(struct abi_sync){.token = 1});
    good = one_event(r, b, 1, ABI_EVT_SYNC, latency, "SYNC") && good;
    abi_pack_read(b, &(struct abi_read){.row = 0});
    good = one_event(r, b, 1, ABI_EVT_READ, latency, "READ") && good;
    abi_pack_read(b, &(struct abi_read){.row = far, .coef = true, .asset = 1});
    good = one_event(r, b, 1, ABI_EVT_READ, latency, "READ of a coefficient in the last row") && good;
    load(b, (struct abi_row){.row = far, .h = -1}, 0, 0, 0);
    abi_pack_arm(b + 1, &(struct abi_arm){.row = far, .armed = true});
    good = one_event(r, b, 2, ABI_EVT_TRIGGER, latency, "ARM in the last row") && good;
    memset(b, 0, sizeof *b);
    good = one_event(r, b, 1, ABI_EVT_ERROR, latency, "opcode 0") && good;
    b[0] = band(r->spare, 100, 100, 100);
    b[1] = tick(r->spare, 101, 1, true);
    good = one_event(r, b, 2, ABI_EVT_BAND_EXIT, latency, "BAND_EXIT, unused asset") && good;
    load(b, (struct abi_row){.row = far, .h = FAR_H}, 1, 0, 1);
    b[1] = band(0, 100, 100, 100);
    b[2] = tick(0, 99, 1, true);
    good = one_event(r, b, 3, ABI_EVT_BAND_EXIT, latency, "BAND_EXIT, used asset") && good;
    good = run(r, b, load(b, (struct abi_row){.row = far}, 1, 0, 0), NULL, 0) == 0 && good;
    return good;
}

static bool load_latency(struct rig *r, uint32_t latency)
{
    static const uint32_t lengths[] = {0, 1, 2, 3, 4, 5, 8, 9, 10, 15, 16};
    struct beat b[8];
    bool good = true;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint32_t n = lengths[i], last = n <= ABI_ROW_PAIRS ? n : (n - ABI_ROW_PAIRS - 1) % ABI_COEF_PAIRS + 1;
        char what[64];
        snprintf(what, sizeof what, "row load with %u coefficients", n);
        size_t len = load(b, (struct abi_row){.row = r->rows - 1, .h = -1, .armed = true}, n, 0, 0);
        good = one_event(r, b, len, ABI_EVT_TRIGGER, latency + (last ? last - 1 : 0), what) && good;
    }
    return good;
}

static void latencies(uint32_t latency, uint64_t seed)
{
    struct rig r;
    rig_open(&r, seed, 0, 0);
    uint32_t told = sim_read(r.s, ABI_REG_LATENCY);
    ok(told == latency, "register LATENCY reads %u, should be %u", told, latency);
    ok(tick_latency(&r, latency),
       "TICK to TRIGGER: %u cycles in slot 0 of first, middle and last lane, one more a slot", latency);
    ok(other_latencies(&r, latency), "SYNC, READ, ARM, ERROR and BAND_EXIT: %u cycles", latency);
    ok(load_latency(&r, latency),
       "ROW, COEF to TRIGGER: %u cycles and one for each coefficient but the first of the last beat",
       latency);
    sim_close(r.s);
}

// ---- throughput

struct train {
    struct beat b[DEPTH_MAX];
    uint32_t cost[DEPTH_MAX]; // cycles until the next
    size_t n;
    bool due; // H moved since a group ended
};

// Adds a tick, outside its band if it is to be seen.
static void train_tick(const struct rig *r, struct train *t, bool used, bool last, bool seen)
{
    uint64_t price = seen ? ABI_PRICE_MAX : 1000 + t->n;
    bool walk = used || (last && t->due);
    t->cost[t->n] = walk ? r->slots : 1;
    t->due = !last && (t->due || used);
    t->b[t->n] = tick(used ? 0 : r->spare, price, (uint32_t)t->n, last);
    t->n++;
}

// Asset 0 is used by the last row, the spare one by none; both have a band to leave.
static void train_start(struct rig *r, struct train *t)
{
    struct beat b[3] = {band(0, 0, IN_BAND_MAX, 1000), band(r->spare, 0, IN_BAND_MAX, 1000)};
    load(b + 2, (struct abi_row){.row = r->rows - 1, .h = FAR_H, .armed = true}, 1, 0, 1);
    run(r, b, 3, NULL, 0);
    t->n = 0;
    t->due = false;
}

// Runs the train behind a stuffing: distances of the ticks seen must be the sums of the costs between them.
static bool train_exact(struct rig *r, const struct train *t, const char *what)
{
    static struct beat b[DEPTH_MAX], evt[DEPTH_MAX];
    enum { WARM = 6 }; // what the loads changed has settled before the first that counts
    size_t len = stuffing(r, b, (struct abi_row){.row = 0, .h = FAR_H}), at = 0;
    for (int i = 0; i < WARM; i++)
        b[len++] = tick(r->spare, 1000, 0, true);
    memcpy(b + len, t->b, t->n * sizeof *b);
    size_t n = run(r, b, len + t->n, evt, DEPTH_MAX);
    bool good = n >= 2 && n <= DEPTH_MAX;
    for (size_t i = 1; i < n && good; i++) {
        struct stamp from = stamp(&evt[i - 1]), to = stamp(&evt[i]);
        uint32_t want = 0;
        for (at = from.group; at < to.group; at++)
            want += t->cost[at];
        good = abi_opcode(&evt[i]) == ABI_EVT_BAND_EXIT && to.in - from.in == want;
        if (!good)
            printf("# %s: from tick %u to %u in %u cycles, not %u\n", what, from.group, to.group,
                   to.in - from.in, want);
    }
    return ok(good, "%zu ticks without a gap, %s", t->n, what);
}

static void trains(uint64_t seed)
{
    enum { USED, UNUSED, MIXED, KINDS };
    static struct train t;
    static const char *const what[KINDS] = {"of a used asset: one every SLOTS cycles",
                                            "of an asset no row uses: one a cycle",
                                            "of both, groups of any length ended by either"};
    struct rig r;
    rig_open(&r, seed, 0, 0);
    for (int kind = 0; kind < KINDS; kind++) {
        train_start(&r, &t);
        for (uint32_t n = r.depth / 2; t.n < n;) {
            bool end = t.n == 0 || t.n + 1 == n;
            bool used = kind == MIXED ? stream_random(&r.random) % 2 : kind == USED;
            train_tick(&r, &t, used, end || kind != MIXED || stream_random(&r.random) % 2,
                       end || t.n % 5 == 0);
        }
        train_exact(&r, &t, what[kind]);
    }
    sim_close(r.s);
}

// A load of n coefficients between each two ticks of a used asset; the coefficients are those of that asset,
// or of another one. Longest distance of two ticks.
static uint32_t longest(struct rig *r, uint32_t n, bool same, bool *good)
{
    static struct beat b[DEPTH_MAX], evt[DEPTH_MAX];
    static struct train t;
    train_start(r, &t);
    struct abi_row row = {.row = 0, .h = FAR_H};
    size_t len = stuffing(r, b, row), end = len + r->depth / 2, ticks = 0, one = load(t.b, row, n, 0, 0);
    for (; len + one + 1 <= end; ticks++) {
        b[len++] = tick(0, ABI_PRICE_MAX - ticks % 2, (uint32_t)ticks, true);
        len += load(b + len, row, n, same ? 0 : r->spare, same && ticks % 2 ? 1 : 0);
    }
    b[len++] = tick(0, ABI_PRICE_MAX, (uint32_t)ticks++, true);
    *good = run(r, b, len, evt, DEPTH_MAX) == ticks && ticks > 2 && *good;
    uint32_t most = 0;
    for (size_t i = 1; i < ticks && *good; i++) {
        uint32_t gap = stamp(&evt[i]).in - stamp(&evt[i - 1]).in;
        most = gap > most ? gap : most;
        *good = gap > r->slots && *good;
    }
    load(b, row, 1, 0, 0);
    *good = run(r, b, 1, NULL, 0) == 0 && *good;
    return most;
}

static void loads_between_ticks(uint64_t seed)
{
    static const uint32_t lengths[] = {0, 1, 2, 3, 4, 9, 15};
    struct rig r;
    rig_open(&r, seed, 0, 0);
    bool good = true;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int same = 0; same < 2; same++) {
            uint32_t n = lengths[i], most = longest(&r, n, same, &good);
            bool fits = most <= r.slots + (n ? n : 1);
            if (!fits)
                printf("# %u coefficients of %s asset: %u cycles from tick to tick\n", n,
                       same ? "the same" : "another", most);
            good = fits && good;
        }
    ok(good, "a load of n coefficients delays the ticks behind it by at most n cycles (n = 0: 1)");
    sim_close(r.s);
}

// ---- bursts

// Rows moved by part k of the ticks: one price each, and so one group each.
enum pattern { WHOLE, LANES_IN_TURN, HALVES, RANDOM, PATTERNS };

struct burst {
    uint32_t parts;
    uint8_t *part; // [row]
};

static const char *burst_plan(struct rig *r, enum pattern p, uint32_t parts, struct burst *b)
{
    static const char *const name[PATTERNS] = {"all lanes", "lanes in turn", "halves", "lanes at random"};
    b->parts = parts;
    for (uint32_t row = 0; row < r->rows; row++) {
        uint32_t lane = row % r->lanes;
        uint32_t part = p == LANES_IN_TURN ? lane % parts
                        : p == HALVES      ? lane * parts / r->lanes
                                           : (uint32_t)(stream_random(&r->random) % parts);
        b->part[row] = (uint8_t)(p == WHOLE ? 0 : part);
    }
    return name[p];
}

// Rows at 0, one step from firing; ticks behind a stuffing that is the load of row 0 once more.
static size_t burst_fire(struct rig *r, const struct burst *b, struct beat *cmd, struct beat *evt)
{
    size_t len = 0;
    for (uint32_t k = 0; k < b->parts; k++)
        cmd[len++] = band(k, 0, ABI_PRICE_MAX, 1000);
    for (uint32_t row = 0; row < r->rows; row++)
        len += load(cmd + len, (struct abi_row){.row = row, .armed = true}, 1, b->part[row], -1);
    if (run(r, cmd, len, NULL, 0))
        return 0;
    len = stuffing(r, cmd, (struct abi_row){.row = 0, .armed = true});
    for (uint32_t k = 0; k < b->parts; k++)
        cmd[len++] = tick(k, 1001, k, true);
    return run(r, cmd, len, evt, r->rows);
}

static bool burst_order(const struct rig *r, const struct burst *b, const struct beat *evt)
{
    size_t at = 0;
    for (uint32_t k = 0; k < b->parts; k++)
        for (uint32_t row = 0; row < r->rows; row++) {
            struct abi_trigger x;
            if (b->part[row] != k)
                continue;
            abi_unpack_trigger(&evt[at], &x);
            if (abi_opcode(&evt[at++]) != ABI_EVT_TRIGGER || x.row != row || x.group != k || x.h != -1)
                return false;
        }
    return true;
}

static void bursts(uint32_t latency, uint64_t seed)
{
    static const struct {
        enum pattern p;
        uint32_t parts;
    } plan[] = {{WHOLE, 1}, {LANES_IN_TURN, 2}, {HALVES, 2}, {RANDOM, 2}, {LANES_IN_TURN, 3}, {RANDOM, 3}};
    struct rig r;
    rig_open(&r, seed, 0, 0);
    struct burst b = {.part = calloc(r.rows, 1)};
    struct beat *cmd = calloc(r.rows + r.depth + PARTS_MAX, sizeof *cmd), *evt = calloc(r.rows, sizeof *evt);
    for (size_t i = 0; i < sizeof plan / sizeof *plan; i++) {
        if (plan[i].parts > r.lanes)
            continue;
        const char *name = burst_plan(&r, plan[i].p, plan[i].parts, &b);
        bool good =
            sim_reset(r.s, 0) == 0 && burst_fire(&r, &b, cmd, evt) == r.rows && burst_order(&r, &b, evt);
        struct abi_trigger first, last;
        abi_unpack_trigger(&evt[0], &first);
        abi_unpack_trigger(&evt[r.rows - 1], &last);
        uint32_t walked = first.row / r.lanes, took = last.cycle_out - first.cycle_in;
        good = good && first.cycle_out - first.cycle_in == latency + walked;
        ok(good && took <= r.rows + BURST_SLACK + walked, "%u flags of %u ticks, %s: %u cycles", r.rows,
           b.parts, name, took);
    }
    free(b.part);
    free(cmd);
    free(evt);
    sim_close(r.s);
}

// One flag a tick, in slot 0: none waits for another.
static void single_flags(uint32_t latency, uint64_t seed)
{
    enum { MOST = 16 };
    struct rig r;
    rig_open(&r, seed, 0, 0);
    static struct beat cmd[DEPTH_MAX];
    struct beat evt[MOST];
    uint32_t n = r.lanes < r.spare ? r.lanes : r.spare;
    n = n < MOST ? n : MOST;
    bool good = true;
    for (uint32_t k = 0; k < n; k++) // from the last lane down, so that all groups of lanes take part
        load(cmd + k, (struct abi_row){.row = r.lanes - 1 - k * (r.lanes / n), .armed = true}, 1, k, -1);
    good = run(&r, cmd, n, NULL, 0) == 0;
    size_t len = stuffing(&r, cmd, (struct abi_row){.row = r.lanes - 1, .armed = true});
    for (uint32_t k = 0; k < n; k++)
        cmd[len++] = tick(k, 1, k, true);
    good = run(&r, cmd, len, evt, MOST) == n && good;
    for (uint32_t k = 0; k < n && good; k++) {
        struct stamp s = stamp(&evt[k]);
        good = s.group == k && s.took == latency && s.in - stamp(&evt[0]).in == k * r.slots;
    }
    ok(good, "%u ticks in a row, each fires one row: each after %u cycles", n, latency);
    sim_close(r.s);
}

// Flags of one instant: as many rows at a time as there are, all in one group at one price; a flag is known
// by its H.
static void flood(unsigned in, unsigned out, uint64_t seed)
{
    enum { STEP = 100000 };
    struct rig r;
    rig_open(&r, seed, in, out);
    uint32_t loads = (BURST_FLAGS + r.rows - 1) / r.rows;
    struct beat *cmd = calloc(BURST_FLAGS + 2 * (size_t)loads, sizeof *cmd),
                *evt = calloc(BURST_FLAGS, sizeof *evt);
    uint8_t *times = calloc(BURST_FLAGS, 1);
    size_t len = 0;
    for (uint32_t flag = 0; flag < BURST_FLAGS;) {
        cmd[len++] = band(0, 0, ABI_PRICE_MAX, 1000);
        for (uint32_t row = 0; row < r.rows && flag < BURST_FLAGS; row++, flag++)
            len += load(cmd + len, (struct abi_row){.row = row, .h = flag, .armed = true}, 1, 0, -STEP);
        cmd[len++] = tick(0, 1001, 1010, true);
    }
    bool good = run(&r, cmd, len, evt, BURST_FLAGS) == BURST_FLAGS;
    for (size_t i = 0; i < BURST_FLAGS && good; i++) {
        struct abi_trigger x;
        abi_unpack_trigger(&evt[i], &x);
        int64_t flag = x.h + STEP;
        good = abi_opcode(&evt[i]) == ABI_EVT_TRIGGER && flag >= 0 && flag < BURST_FLAGS && x.group == 1010 &&
               x.row == (uint64_t)flag % r.rows && !times[flag]++;
    }
    ok(good, "%d flags of one group in %u loads at %u%%/%u%% stalls, seed %" PRIu64 ": each exactly once",
       BURST_FLAGS, loads, in, out, seed);
    free(cmd);
    free(evt);
    free(times);
    sim_close(r.s);
}

static bool deep_window(uint64_t seed)
{
    struct rig r;
    rig_open(&r, seed, 0, 0);
    sim_close(r.s);
    return r.depth >= DEPTH_DEEP;
}

void timing(uint32_t latency, uint64_t seed)
{
    latencies(latency, seed);
    if (deep_window(seed)) {
        trains(seed + 1);
        loads_between_ticks(seed + 2);
        bursts(latency, seed + 3);
        single_flags(latency, seed + 4);
    } else {
        printf("# the window is too small for ticks that follow each other without a gap\n");
    }
    flood(0, 0, seed + 5);
    flood(20, 60, seed + 6);
}
