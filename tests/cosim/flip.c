// SPDX-License-Identifier: Apache-2.0
// Fault injection: bits flipped in the memories of a device with parity, one at a time and everywhere. The
// model beside it, which has no faults, says what should have happened. Every event that a flipped bit kept
// away or brought about must be of a row that the device reports, before it is idle again; the row (or with
// memory that all share, everything) loaded anew, the two are alike again.
// usage: flip [--seed N]    prints TAP. Seed also from env SEED.
#include "../unit/base/test_seed.h"
#include "abi.h"
#include "base/prng.h"
#include "board.h"
#include "device.h"
#include "sim_api.h"
#include "tap.h"

#include <string.h>

enum {
    HOT = 8, // assets that have ticks
    EVENTS = 8192,
    BEATS = 8192,
    ROWS_MAX = 512,
    BAND = 1 << 20, // half-width
};

static struct {
    uint64_t seed, random;
} t;

static struct device *dut, *model;
static uint32_t lanes, slots, assets, rows;
static int32_t coef[ROWS_MAX][HOT];
static uint64_t price[HOT];
static uint32_t group;

struct events {
    size_t n;
    struct beat e[EVENTS];
};
static struct events seen, wanted;
static struct beat beats[BEATS];
static size_t n_beats;

// What the device has reported since forget().
static struct {
    bool all, row[ROWS_MAX];
    unsigned n;
    uint32_t asset; // of the newest
} told;

static uint64_t below(uint64_t n)
{
    return splitmix64(&t.random) % n;
}

static struct board *board(void)
{
    return sim_board(sim_of(dut));
}

// ---- commands
static struct beat *next_beat(void)
{
    if (n_beats == BEATS)
        abort();
    return &beats[n_beats++];
}

static void tick(uint16_t asset, uint64_t to, bool last)
{
    abi_pack_tick(next_beat(), &(struct abi_tick){.asset = asset, .price = to, .group = group, .last = last});
    price[asset] = to;
}

static void band(uint16_t asset)
{
    abi_pack_band(next_beat(), &(struct abi_band){.asset = asset,
                                                  .lo = price[asset] - BAND,
                                                  .hi = price[asset] + BAND,
                                                  .price = price[asset],
                                                  .set_price = true});
}

static void load(uint32_t row, int64_t h, bool armed, uint16_t also)
{
    unsigned n = also < HOT ? HOT : HOT + 1;
    struct abi_row head = {.row = row, .armed = armed, .n = (uint16_t)n, .h = h};
    for (uint16_t i = 0; i < ABI_ROW_PAIRS; i++) {
        head.asset[i] = i;
        head.coef[i] = coef[row][i];
    }
    abi_pack_row(next_beat(), &head);
    struct abi_coef c = {0};
    for (uint16_t i = ABI_ROW_PAIRS; i < n; i++) {
        c.asset[i - ABI_ROW_PAIRS] = i < HOT ? i : also;
        c.coef[i - ABI_ROW_PAIRS] = i < HOT ? coef[row][i] : 0;
    }
    abi_pack_coef(next_beat(), &c);
}

static void random_rows(void)
{
    for (uint32_t r = 0; r < rows; r++) {
        for (unsigned a = 0; a < HOT; a++)
            coef[r][a] = below(3) ? (int32_t)(below(2001)) - 1000 : 0;
        load(r, (int64_t)below(400000), below(5) != 0, 0);
    }
}

static void random_ticks(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint16_t a = (uint16_t)(i % HOT);
        bool last = i + 1 == n || below(4) != 0;
        tick(a, price[a] + below(401) - 200, last);
        group += last;
    }
}

// ---- both devices
static void take(struct device *d, struct events *x)
{
    size_t n;
    while ((n = device_poll(d, x->e + x->n, EVENTS - x->n)) > 0)
        x->n += n;
    if (x->n == EVENTS)
        abort();
}

static void give(struct device *d, struct events *x)
{
    for (size_t done = 0; done < n_beats;) {
        done += device_submit(d, beats + done, n_beats - done);
        if (done < n_beats)
            take(d, x);
    }
}

static void forget(void)
{
    memset(&told, 0, sizeof told);
}

// Takes reports out of what the device said, and the stamps out of all.
static void sift(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < seen.n; i++) {
        struct abi_error x;
        if (abi_opcode(&seen.e[i]) == ABI_EVT_ERROR) {
            abi_unpack_error(&seen.e[i], &x);
            if (x.code == ABI_ERR_PARITY) {
                told.n++;
                told.asset = x.asset;
                if (x.row < rows)
                    told.row[x.row] = true;
                else
                    told.all = true;
                continue;
            }
        }
        seen.e[kept] = seen.e[i];
        abi_event_mask(&seen.e[kept++]);
    }
    seen.n = kept;
    for (size_t i = 0; i < wanted.n; i++)
        abi_event_mask(&wanted.e[i]);
}

static void both(void)
{
    seen.n = wanted.n = 0;
    give(dut, &seen);
    take(dut, &seen);
    give(model, &wanted);
    take(model, &wanted);
    n_beats = 0;
    sift();
}

static bool same(void)
{
    return seen.n == wanted.n && memcmp(seen.e, wanted.e, seen.n * sizeof *seen.e) == 0;
}

static uint32_t row_of(const struct beat *e)
{
    struct abi_trigger x;
    if (abi_opcode(e) != ABI_EVT_TRIGGER)
        return UINT32_MAX;
    abi_unpack_trigger(e, &x);
    return x.row;
}

// Everything in a that b does not have, in order, is of a row that was reported.
static bool excused(const struct events *a, const struct events *b)
{
    for (size_t i = 0, k = 0; i < a->n; i++) {
        size_t at = k;
        while (at < b->n && memcmp(&a->e[i], &b->e[at], sizeof a->e[i]) != 0)
            at++;
        if (at < b->n) {
            k = at + 1;
            continue;
        }
        uint32_t row = row_of(&a->e[i]);
        if (!told.all && (row >= rows || !told.row[row]))
            return false;
    }
    return true;
}

// What the host does: it loads anew what was reported, from its own picture (here the model's).
static void mend(void)
{
    bool all = told.all, which[ROWS_MAX];
    uint16_t also = (uint16_t)told.asset;
    struct beat ask;
    memcpy(which, told.row, sizeof which);
    for (uint16_t a = 0; all && a < HOT; a++)
        band(a);
    for (uint32_t r = 0; r < rows; r++) {
        struct abi_read_data x;
        if (!all && !which[r])
            continue;
        abi_pack_read(&ask, &(struct abi_read){.row = r});
        device_submit(model, &ask, 1);
        wanted.n = 0;
        take(model, &wanted);
        abi_unpack_read_data(&wanted.e[0], &x);
        load(r, x.h, x.armed, all ? 0 : also);
    }
    both();
}

// Prices come back, so that no band is left in thousands of runs.
static void verify_beats(void)
{
    for (uint16_t a = 0; a < HOT; a++)
        tick(a, price[a] + below(3), a == HOT - 1);
    group++;
    for (uint32_t r = 0; r < rows; r++) {
        abi_pack_read(next_beat(), &(struct abi_read){.row = r});
        abi_pack_read(next_beat(), &(struct abi_read){.row = r, .coef = true, .asset = (uint16_t)below(HOT)});
    }
    abi_pack_sync(next_beat(), &(struct abi_sync){.token = group});
}

// Mends until nothing is reported any more; then both must be alike. False with *why.
static bool mended(const char **why)
{
    for (unsigned round = 0; told.n; round++) {
        if (round == 8) {
            *why = "it reports without end";
            return false;
        }
        mend();
        bool quiet = excused(&seen, &wanted) && excused(&wanted, &seen);
        if (!quiet) {
            *why = "an event of a row that was not reported, while mending";
            return false;
        }
        forget();
        verify_beats();
        both();
        if (told.n == 0 && !same()) {
            *why = "mended, it is not like the model";
            return false;
        }
    }
    return true;
}

static void fresh_start(void)
{
    for (uint16_t a = 0; a < HOT; a++) {
        price[a] = 1 << 24;
        band(a);
    }
    random_rows();
    both();
    forget();
}

// ---- one flip at a time, between commands
struct expect {
    bool none, all;
    bool spared; // kept twice: nothing is missed even before it is mended
    uint32_t row;
};

static bool one_flip(enum board_memory m, unsigned lane, unsigned index, unsigned bit, const struct expect *x,
                     const char **why)
{
    random_rows();
    both();
    if (told.n) {
        *why = "a report without a flip";
        return false;
    }
    if (!board_flip(board(), m, lane, index, bit)) {
        *why = "there is no such bit";
        return false;
    }
    random_ticks(HOT + (unsigned)below(HOT));
    both();
    *why = "an event of a row that was not reported";
    if (!excused(&seen, &wanted) || !excused(&wanted, &seen))
        return false;
    *why = "an event is missing, though the bit is kept twice";
    for (size_t i = 0, k = 0; x->spared && i < wanted.n; i++) {
        while (k < seen.n && memcmp(&wanted.e[i], &seen.e[k], sizeof seen.e[k]) != 0)
            k++;
        if (k++ == seen.n)
            return false;
    }
    *why = "not the report that it should be";
    if (x->none ? told.n != 0 : told.n == 0 || told.all != x->all)
        return false;
    for (uint32_t r = 0; r < rows && !x->none && !x->all; r++)
        if (told.row[r] != (r == x->row))
            return false;
    if (!mended(why))
        return false;
    forget();
    return true;
}

static void sweep(const char *name, enum board_memory m, unsigned n_lanes, unsigned n_words, unsigned n_bits,
                  void (*expectation)(unsigned lane, unsigned index, unsigned bit, struct expect *x))
{
    const char *why = "";
    unsigned done = 0;
    // All of a small device; of a larger one as many, at random.
    unsigned long total = (unsigned long)n_lanes * n_words * n_bits;
    unsigned long most = rows > 64 ? 300 : 6000, runs = total < most ? total : most;
    fresh_start();
    for (unsigned long i = 0; i < runs; i++) {
        unsigned long k = runs == total ? i : below(total);
        unsigned lane = (unsigned)(k % n_lanes), index = (unsigned)(k / n_lanes % n_words),
                 bit = (unsigned)(k / n_lanes / n_words);
        struct expect x = {0};
        expectation(lane, index, bit, &x);
        if (!one_flip(m, lane, index, bit, &x, &why)) {
            ok(false, "%s, lane %u, word %u, bit %u: %s", name, lane, index, bit, why);
            return;
        }
        done++;
    }
    ok(done > 0, "%s: %u flips of %lu bits, each reported, mended, and nothing missed", name, done, total);
}

static void coef_row(unsigned lane, unsigned index, unsigned bit, struct expect *x)
{
    (void)bit;
    x->row = index % slots * lanes + lane;
    x->none = index / slots >= HOT; // no tick reads it
}
static void lane_row(unsigned lane, unsigned index, unsigned bit, struct expect *x)
{
    (void)bit;
    x->row = index * lanes + lane;
}
static void bit_row(unsigned lane, unsigned index, unsigned bit, struct expect *x)
{
    (void)lane;
    x->row = index * lanes + bit;
    x->spared = true;
}
static void parity_row(unsigned lane, unsigned index, unsigned bit, struct expect *x)
{
    (void)lane;
    x->row = index * lanes + bit;
}
static void shared(unsigned lane, unsigned index, unsigned bit, struct expect *x)
{
    (void)lane, (void)index, (void)bit;
    x->all = true;
}

// ---- counts of use: a device that has doubted them once believes none until reset, so each flip begins anew
static bool reset_both(void)
{
    struct err e;
    struct device_config c = {.backend = "model", .lanes = lanes, .slots = slots, .assets = assets};
    device_close(model);
    return sim_reset(sim_of(dut), 0) == 0 && device_open(&c, &model, &e) == 0;
}

static bool use_flip(enum board_memory m, unsigned asset, unsigned bit, const char **why)
{
    *why = "no reset";
    if (!reset_both())
        return false;
    group = 0;
    fresh_start();
    *why = "there is no such bit";
    if (!board_flip(board(), m, 0, asset, bit))
        return false;
    for (unsigned i = 0; i < 3; i++) { // ticks meet the one copy, loads the other
        random_ticks(2 * HOT);
        both();
        *why = "an event is missing or too many, though the bit is kept twice";
        if (!same())
            return false;
        random_rows();
        both();
        if (!same())
            return false;
    }
    *why = "not reported, or not as what all share";
    if (!told.all)
        return false;
    for (uint32_t r = 0; r < rows; r++)
        if (told.row[r])
            return false;
    return mended(why);
}

static void use_sweep(const char *name, enum board_memory m, unsigned n_bits)
{
    const char *why = "";
    unsigned n = 0;
    for (unsigned a = 0; a < HOT; a++)
        for (unsigned b = 0; b < n_bits; b++, n++)
            if (!use_flip(m, a, b, &why)) {
                ok(false, "%s, asset %u, bit %u: %s", name, a, b, why);
                return;
            }
    ok(n > 0, "%s: %u flips, each reported, mended, and nothing missed", name, n);
}

// ---- at any time: in the middle of ticks and loads, under back-pressure
struct spot {
    enum board_memory code; // whose words: a value and its parity, or its copy, are one
    unsigned lane, index, bit;
};

// Parity tells of one flipped bit in a word, not of two.
static bool struck(const struct spot *at, size_t n, const struct spot *x)
{
    while (n--)
        if (at[n].code == x->code && at[n].lane == x->lane && at[n].index == x->index &&
            (x->code != BOARD_ARMED || at[n].bit == x->bit))
            return true;
    return false;
}

static bool flip_anywhere(struct spot *at, size_t n)
{
    const struct {
        enum board_memory m, code;
        unsigned lanes, words, bits;
    } which[] = {{BOARD_COEF, BOARD_COEF, lanes, HOT * slots, ABI_COEF_BITS + 1},
                 {BOARD_COEF, BOARD_COEF, lanes, HOT * slots, ABI_COEF_BITS + 1},
                 {BOARD_H, BOARD_H, lanes, slots, ABI_H_BITS},
                 {BOARD_H, BOARD_H, lanes, slots, ABI_H_BITS},
                 {BOARD_H_PARITY, BOARD_H, 1, slots, lanes},
                 {BOARD_ARMED, BOARD_ARMED, 1, slots, lanes},
                 {BOARD_ARMED_AGAIN, BOARD_ARMED, 1, slots, lanes},
                 {BOARD_PRICE, BOARD_PRICE, 1, HOT, ABI_PRICE_BITS + 1},
                 {BOARD_BAND_LO, BOARD_BAND_LO, 1, HOT, ABI_PRICE_BITS + 1},
                 {BOARD_BAND_HI, BOARD_BAND_HI, 1, HOT, ABI_PRICE_BITS + 1},
                 {BOARD_USED, BOARD_USED, 1, HOT, 1},
                 {BOARD_COUNT, BOARD_USED, 1, HOT, 2}};
    size_t i = below(sizeof which / sizeof *which);
    unsigned lane = (unsigned)below(which[i].lanes), index = (unsigned)below(which[i].words),
             bit = (unsigned)below(which[i].bits);
    at[n] = (struct spot){which[i].code, which[i].m == BOARD_H_PARITY ? bit : lane, index, bit};
    return !struck(at, n, &at[n]) && board_flip(board(), which[i].m, lane, index, bit);
}

static void storm(unsigned rounds)
{
    const char *why = "";
    unsigned flips = 0, reports = 0, differ = 0;
    fresh_start();
    for (unsigned i = 0; i < rounds; i++) {
        if (below(3) == 0)
            random_rows();
        random_ticks(3 * HOT);
        seen.n = wanted.n = 0;
        give(dut, &seen);
        unsigned n = 1 + (unsigned)below(3);
        struct spot at[3];
        for (unsigned k = 0, hit = 0; k < n; k++) {
            board_run(board(), below(300));
            bool flipped = flip_anywhere(at, hit);
            hit += flipped;
            flips += flipped;
        }
        take(dut, &seen);
        give(model, &wanted);
        take(model, &wanted);
        n_beats = 0;
        sift();
        differ += !same();
        reports += told.n > 0;
        if (!excused(&seen, &wanted) || !excused(&wanted, &seen)) {
            ok(false, "round %u of the storm: an event of a row that was not reported", i);
            return;
        }
        // A flip whose word no command has read yet waits; what was met is mended.
        verify_beats();
        seen.n = wanted.n = 0;
        give(dut, &seen);
        take(dut, &seen);
        give(model, &wanted);
        take(model, &wanted);
        n_beats = 0;
        sift();
        if (!mended(&why)) {
            ok(false, "round %u of the storm: %s", i, why);
            return;
        }
        forget();
    }
    ok(flips > rounds / 2 && reports && differ,
       "%u flips at any time in %u rounds: %u rounds with reports, in %u of them the events differed, each "
       "of a row that was reported",
       flips, rounds, reports, differ);
}

static void open_devices(void)
{
    struct err e;
    struct device_config c = {.backend = "sim", .seed = t.seed, .stall_in_pct = 20, .stall_out_pct = 30};
    device_register(&device_ops_sim);
    device_register(&device_ops_model);
    if (device_open(&c, &dut, &e) != 0)
        bail_out(e.msg);
    lanes = dut->info.lanes;
    slots = dut->info.slots;
    assets = dut->info.assets;
    rows = lanes * slots;
    c = (struct device_config){.backend = "model", .lanes = lanes, .slots = slots, .assets = assets};
    if (rows > ROWS_MAX || assets < HOT || device_open(&c, &model, &e) != 0)
        bail_out("no model of this geometry");
}

int main(int argc, char **argv)
{
    t.seed = argc == 3 && strcmp(argv[1], "--seed") == 0 ? strtoull(argv[2], NULL, 0) : seed_or(20261120);
    tap.seed = &t.seed;
    t.random = t.seed;
    open_devices();
    ok(sim_read(sim_of(dut), ABI_REG_FEATURES) == 1, "FEATURES says parity");
    sweep("coefficients", BOARD_COEF, lanes, assets * slots, ABI_COEF_BITS + 1, coef_row);
    sweep("H", BOARD_H, lanes, slots, ABI_H_BITS, lane_row);
    sweep("parity of H", BOARD_H_PARITY, 1, slots, lanes, parity_row);
    sweep("armed bits", BOARD_ARMED, 1, slots, lanes, bit_row);
    sweep("their copy", BOARD_ARMED_AGAIN, 1, slots, lanes, bit_row);
    sweep("prices", BOARD_PRICE, 1, HOT, ABI_PRICE_BITS + 1, shared);
    sweep("lower edges of bands", BOARD_BAND_LO, 1, HOT, ABI_PRICE_BITS + 1, shared);
    sweep("upper edges of bands", BOARD_BAND_HI, 1, HOT, ABI_PRICE_BITS + 1, shared);
    if (slots > 1) {
        use_sweep("use of an asset", BOARD_USED, 1);
        use_sweep("counts of use", BOARD_COUNT, 2);
        use_sweep("their copy", BOARD_USE_AGAIN, 3);
    }
    storm(rows > 64 ? 300 : 3000);
    device_close(dut);
    device_close(model);
    return tap_end();
}
