// SPDX-License-Identifier: Apache-2.0
// The time line: what a frame's parts are, that they add up, who waits for whom, and that nothing is left out
// in silence. Commands go through the tap to the model device; the host's times are made by hand.
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "bench/timeline.h"
#include "run_suite.h"

enum { LANES = 4, SLOTS = 4, ASSETS = 16, MHZ = 250, CYCLE_PS = 4000, NS = 1000, FRAMES = 64 };
// Ends of the card, docs/host-interface.md: window and ring.
enum { IN = 3, OUT = 1, LATENCY = 5 };

static struct device *under, *dev;
static struct timeline *tl;
static uint64_t now = 1000000; // ticks are ns here
static uint32_t group;
static struct timeline_config config;
static struct timeline_result result;
static struct timeline_frame seen[FRAMES];
static size_t n_seen;

static void open_line(bool open_loop, uint32_t frames, uint32_t beats)
{
    const struct timeline_options o = {.frames = frames, .open_loop = open_loop, .tap = {beats, 256, 256}};
    struct err e;
    clock_cal = (struct clock_cal){.mult = UINT64_C(1) << 32}; // a tick is a ns
    ck_assert_int_eq(
        device_open(
            &(struct device_config){.backend = "model", .lanes = LANES, .slots = SLOTS, .assets = ASSETS},
            &under, &e),
        0);
    tl = timeline_new(&o, &e);
    ck_assert_ptr_nonnull(tl);
    dev = timeline_tap(tl, under, &e);
    ck_assert_ptr_nonnull(dev);
    config = (struct timeline_config){
        .clock_mhz = MHZ, .lanes = LANES, .slots = SLOTS, .write_ns = 200, .event_ns = 300, .seed = 1};
}

static void close_line(void)
{
    timeline_free(tl);
    device_close(under);
}

static size_t go(const struct beat *b, size_t n)
{
    struct beat evt[64];
    size_t events = 0, k;
    ck_assert_uint_eq(device_submit(dev, b, n), n);
    while ((k = device_poll(dev, evt, 64)) > 0)
        events += k;
    return events;
}

// Row of asset 0, one step above its trigger.
static void load(uint32_t row)
{
    struct beat b;
    abi_pack_row(&b, &(struct abi_row){.row = row, .armed = true, .n = 1, .coef = {-1}});
    ck_assert_uint_eq(go(&b, 1), 0);
}

static struct beat tick(uint64_t price)
{
    struct beat b;
    abi_pack_tick(&b, &(struct abi_tick){.price = price, .group = ++group, .last = true});
    return b;
}

// A frame of both runs: stamps of the simulated one follow the clock, since the tap's do. before, after,
// rest: of the measured one, ns; it came `since` ns after the one before.
struct host {
    uint64_t since, before, after, rest;
    uint32_t flags, orders;
};

static void take(const struct host *h, uint64_t began, uint64_t ordered)
{
    static uint64_t arrived;
    struct frame_stamps sim = {.flags = h->flags, .orders = h->orders}, real = sim;
    sim.at[STAMP_TAKEN] = began;
    sim.at[STAMP_ORDER] = ordered;
    arrived += h->since;
    real.at[STAMP_ARRIVED] = real.at[STAMP_TAKEN] = now + arrived;
    real.at[STAMP_SUBMITTED] = real.at[STAMP_TAKEN] + h->before;
    real.at[STAMP_DONE] = real.at[STAMP_SUBMITTED] + h->rest;
    if (h->orders) {
        real.at[STAMP_FLAG] = real.at[STAMP_SUBMITTED] + 77; // the software device's time: in nothing
        real.at[STAMP_ORDER] = real.at[STAMP_FLAG] + h->after;
        real.at[STAMP_DONE] = real.at[STAMP_ORDER] + h->rest;
    }
    timeline_take(tl, TIMELINE_SIMULATED, &sim);
    timeline_take(tl, TIMELINE_MEASURED, &real);
}

// One tick that fires the rows loaded; its order comes behind it, if there is one.
static void frame(uint64_t price, const struct host *h)
{
    struct beat b = tick(price);
    uint64_t began = clock_ticks();
    ck_assert_uint_eq(go(&b, 1), h->flags);
    take(h, began, h->orders ? clock_ticks() + 1 : 0);
}

static void keep(void *ctx, const struct timeline_frame *f)
{
    (void)ctx;
    uint64_t sum = f->waited;
    for (int i = 0; i < PART_COUNT; i++)
        sum += f->part[i];
    ck_assert_uint_eq(sum, f->whole);
    ck_assert_uint_lt(n_seen, FRAMES);
    seen[n_seen++] = *f;
}

static void reckon(void)
{
    struct err e;
    ck_assert_int_eq(timeline_match(tl, &e), 0);
    n_seen = 0;
    timeline_reckon(tl, &config, &result, keep, NULL);
    ck_assert_uint_eq(result.frames, n_seen);
    ck_assert_uint_eq(result.whole.count, n_seen);
}

// From the write's arrival to the record's departure, begun between two cycles at the worst.
static void assert_cycles(uint64_t ps, uint64_t cycles)
{
    ck_assert_uint_ge(ps, cycles * CYCLE_PS);
    ck_assert_uint_lt(ps, (cycles + 1) * CYCLE_PS);
}

START_TEST(test_parts_of_a_frame)
{
    open_line(false, FRAMES, 256);
    load(1); // slot 0
    frame(1, &(struct host){.before = 80, .after = 400, .rest = 50, .flags = 1, .orders = 1});
    load(14); // slot 3
    frame(2, &(struct host){.before = 90, .after = 500, .rest = 50, .flags = 1, .orders = 1});
    reckon();
    ck_assert_uint_eq(n_seen, 2);
    const struct timeline_frame *f = seen;
    ck_assert_uint_eq(f->waited, 0);
    ck_assert_uint_eq(f->part[PART_HOST_BEFORE], 80 * NS);
    ck_assert_uint_eq(f->part[PART_WRITE], 200 * NS);
    assert_cycles(f->part[PART_DEVICE], IN + LATENCY + OUT);
    ck_assert_uint_eq(f->part[PART_EVENT], 300 * NS);
    // The SYNC behind a tick is taken when the tick's slots have been walked.
    ck_assert_uint_eq(f->part[PART_GROUP_END], SLOTS * CYCLE_PS);
    ck_assert_uint_eq(f->part[PART_TRIPS], 0);
    ck_assert_uint_eq(f->part[PART_HOST_AFTER], 400 * NS);
    assert_cycles(seen[1].part[PART_DEVICE], IN + LATENCY + 3 + OUT);
    ck_assert_uint_eq(seen[1].part[PART_GROUP_END], (SLOTS - 3) * CYCLE_PS);
    // Both ways in the histograms, rounded to ns.
    ck_assert_uint_eq(result.part[PART_DEVICE].max, (seen[1].part[PART_DEVICE] + NS / 2) / NS);
    ck_assert_uint_eq(result.slowest.frame, 1);
    close_line();
}
END_TEST

START_TEST(test_other_geometry_and_clock)
{
    open_line(false, FRAMES, 256);
    load(13);
    frame(1, &(struct host){.before = 80, .after = 400, .flags = 1, .orders = 1});
    config.lanes = 8; // row 13: slot 1 of 2
    config.slots = 2;
    reckon();
    assert_cycles(seen[0].part[PART_DEVICE], IN + LATENCY + 1 + OUT);
    ck_assert_uint_eq(seen[0].part[PART_GROUP_END], (2 - 1) * CYCLE_PS);
    config.lanes = 64; // slot 0 of 1, two stages more
    config.slots = 1;
    reckon();
    assert_cycles(seen[0].part[PART_DEVICE], IN + LATENCY + 2 + OUT);
    config.clock_mhz = 2 * MHZ;
    reckon();
    ck_assert_uint_lt(seen[0].part[PART_DEVICE], (IN + LATENCY + 2 + OUT + 1) * CYCLE_PS / 2);
    config.lanes = config.slots = 2; // row 13 is beyond
    reckon();
    ck_assert_uint_eq(n_seen, 0);
    ck_assert_uint_eq(result.not_fit, 1);
    close_line();
}
END_TEST

START_TEST(test_triggers_of_one_tick_leave_in_turn)
{
    open_line(false, FRAMES, 256);
    for (uint32_t row = 0; row < LANES * SLOTS; row++)
        load(row);
    frame(1, &(struct host){.before = 80, .after = 400, .flags = LANES * SLOTS, .orders = 1});
    reckon();
    assert_cycles(seen[0].part[PART_DEVICE], IN + LATENCY + OUT);
    // 16 triggers, one a cycle, and the SYNC: the last leaves 16 cycles behind the first.
    ck_assert_uint_eq(seen[0].part[PART_GROUP_END], LANES * SLOTS * CYCLE_PS);
    close_line();
}
END_TEST

// Two frames are due at once: the second waits for the whole way of the first, with what the host does behind
// its order.
START_TEST(test_waiting_counts)
{
    open_line(true, FRAMES, 256);
    load(0);
    frame(1, &(struct host){.before = 80, .after = 400, .rest = 60, .flags = 1, .orders = 1});
    load(0);
    frame(2, &(struct host){.before = 90, .after = 500, .rest = 60, .flags = 1, .orders = 1});
    load(0);
    frame(3, &(struct host){.since = 1000000, .before = 90, .after = 500, .flags = 1, .orders = 1});
    reckon();
    ck_assert_uint_eq(n_seen, 3);
    ck_assert_uint_eq(seen[0].waited, 0);
    // The row loaded anew in between is a trip of its own.
    ck_assert_uint_gt(seen[1].waited, seen[0].whole + 60 * NS + 500 * NS);
    ck_assert_uint_lt(seen[1].waited, seen[0].whole + 60 * NS + 500 * NS + 20 * CYCLE_PS);
    ck_assert_uint_eq(seen[2].waited, 0);
    config.fabric = true; // no host to wait for
    reckon();
    for (size_t i = 0; i < n_seen; i++)
        ck_assert_uint_lt(seen[i].whole, 1000 * NS);
    close_line();
}
END_TEST

// What is submitted again before the order goes out is there and back once more.
START_TEST(test_further_trips)
{
    open_line(false, FRAMES, 256);
    load(2);
    struct beat b = tick(1), other;
    abi_pack_row(&other, &(struct abi_row){.row = 9, .n = 3, .h = 5});
    uint64_t began = clock_ticks();
    ck_assert_uint_eq(go(&b, 1), 1);
    go(&other, 1);
    uint64_t order = clock_ticks() + 1;
    while (clock_ticks() <= order)
        ;
    go(&other, 1); // behind the order
    take(&(struct host){.before = 80, .after = 400, .flags = 1, .orders = 1}, began, order);
    reckon();
    ck_assert_uint_eq(seen[0].part[PART_TRIPS], (200 + 300) * NS);
    // To the group's end, and the load of three coefficients with the SYNC behind it.
    uint64_t more = seen[0].part[PART_GROUP_END] - SLOTS * CYCLE_PS;
    assert_cycles(more, IN + 3 + LATENCY + OUT);
    close_line();
}
END_TEST

START_TEST(test_jitter)
{
    open_line(false, FRAMES, 512);
    for (uint64_t i = 0; i < FRAMES; i++) {
        load(3);
        frame(1 + i, &(struct host){.before = 80, .after = 400, .flags = 1, .orders = 1});
    }
    static struct timeline_frame first[FRAMES];
    uint64_t sum = 0, others = 0;
    config.jitter_pct = 50;
    reckon();
    memcpy(first, seen, sizeof first);
    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert_uint_ge(seen[i].part[PART_WRITE], 200 * NS);
        ck_assert_uint_le(seen[i].part[PART_WRITE], 300 * NS);
        ck_assert_uint_ge(seen[i].part[PART_EVENT], 300 * NS);
        ck_assert_uint_le(seen[i].part[PART_EVENT], 450 * NS);
        sum += seen[i].part[PART_WRITE];
    }
    ck_assert_uint_gt(sum, FRAMES * UINT64_C(220) * NS); // evenly: 250 in the middle
    ck_assert_uint_lt(sum, FRAMES * UINT64_C(280) * NS);
    reckon();
    ck_assert_mem_eq(first, seen, sizeof first); // the same seed
    config.seed = 2;
    reckon();
    for (size_t i = 0; i < FRAMES; i++)
        others += first[i].part[PART_WRITE] != seen[i].part[PART_WRITE];
    ck_assert_uint_gt(others, FRAMES / 2);
    close_line();
}
END_TEST

START_TEST(test_nothing_is_left_out_in_silence)
{
    struct err e;
    open_line(false, 5, 256);
    frame(1, &(struct host){.before = 80, .rest = 10}); // no flag
    load(1);
    frame(2, &(struct host){.before = 80, .after = 400, .flags = 1, .orders = 1});
    load(1);
    frame(3, &(struct host){.before = 80, .rest = 10, .flags = 1}); // no order
    load(1);
    struct frame_stamps s = {.flags = 1, .orders = 1}, other = {.flags = 2, .orders = 1};
    struct beat b = tick(4);
    s.at[STAMP_TAKEN] = clock_ticks();
    go(&b, 1);
    s.at[STAMP_ORDER] = clock_ticks() + 1;
    for (int i = STAMP_ARRIVED; i < STAMP_COUNT; i++)
        other.at[i] = now + (uint64_t)i;
    timeline_take(tl, TIMELINE_SIMULATED, &s);
    timeline_take(tl, TIMELINE_MEASURED, &other);
    abi_pack_tick(&b, &(struct abi_tick){.asset = ASSETS}); // refused
    s.at[STAMP_TAKEN] = clock_ticks();
    go(&b, 1);
    timeline_take(tl, TIMELINE_SIMULATED, &s);
    timeline_take(tl, TIMELINE_MEASURED, &other);
    reckon();
    ck_assert_uint_eq(result.frames, 1);
    ck_assert_uint_eq(result.quiet, 2);
    ck_assert_uint_eq(result.unmatched, 1);
    ck_assert_uint_eq(result.dropped, 1);
    timeline_take(tl, TIMELINE_SIMULATED, &s); // no room
    ck_assert_int_eq(timeline_match(tl, &e), 0);
    timeline_reckon(tl, &config, &result, NULL, NULL);
    ck_assert_uint_eq(result.dropped, 2);
    close_line();
}
END_TEST

// More commands than there is room for: what was kept is a beginning, and later frames are counted.
START_TEST(test_a_full_tap)
{
    open_line(false, FRAMES, 6);
    for (uint64_t i = 0; i < 5; i++) {
        load(1);
        frame(1 + i, &(struct host){.before = 80, .after = 400, .flags = 1, .orders = 1});
    }
    reckon();
    ck_assert_uint_eq(result.frames, 3);
    ck_assert_uint_eq(result.dropped,
                      2 + 2); // of the simulated run there was no room, the measured has no partner
    close_line();
}
END_TEST

static struct beat evt_of(uint32_t n)
{
    struct beat b;
    abi_pack_arm(&b, &(struct abi_arm){.row = n});
    return b;
}

START_TEST(test_tap_changes_nothing)
{
    open_line(false, FRAMES, 256);
    ck_assert_str_eq(dev->info.backend, under->info.backend);
    ck_assert_uint_eq(dev->info.lanes, LANES);
    ck_assert_uint_eq(device_columns(dev, 3), device_columns(under, 3));
    struct beat b = evt_of(1);
    go(&b, 1);
    struct device_counters c, d;
    device_counters(dev, &c);
    device_counters(under, &d);
    ck_assert_mem_eq(&c, &d, sizeof c);
    ck_assert_uint_eq(c.commands, 1);
    ck_assert_int_eq(device_mismatch(dev, (char[8]){0}, 8), 0);
    close_line();
    struct err e;
    struct device wild = {.info = {.backend = "wild", .lockstep = false}};
    ck_assert_ptr_null(tap_new(&wild, &(struct tap_room){1, 1, 1}, &e));
}
END_TEST

START_TEST(test_kinds)
{
    static const char *const kind[PART_COUNT] = {"measured",  "modelled", "simulated", "modelled",
                                                 "simulated", "modelled", "measured"};
    for (enum timeline_part p = 0; p < PART_COUNT; p++)
        ck_assert_str_eq(timeline_kind_name(timeline_part_kind(p)), kind[p]);
}
END_TEST

static void assert_stage(const json_t *s)
{
    ck_assert(json_is_string(json_object_get(s, "name")));
    ck_assert(json_is_integer(json_object_get(s, "count")));
    ck_assert_uint_eq(json_object_size(json_object_get(s, "p")), 6);
    ck_assert_uint_gt(json_array_size(json_object_get(s, "curve")), 0);
}

START_TEST(test_json_and_whatif)
{
    static const char *const kinds[] = {"measured", "simulated", "modelled"};
    struct err e;
    open_line(false, FRAMES, 512);
    for (uint64_t i = 0; i < 40; i++) {
        load((uint32_t)i % 16);
        frame(1 + i, &(struct host){.before = 80 + i, .after = 400, .flags = 1, .orders = 1});
    }
    reckon();
    struct timeline_config set[WHATIF_MAX];
    struct timeline_whatif *w;
    struct timeline_wave wave = {
        .n = 2, .at = {{.cycle = 7}, {.cycle = 8, .evt_valid = true, .evt = ABI_EVT_TRIGGER, .row = 3}}};
    struct timeline_report r = {.own = config, .result = &result, .wave = &wave};
    r.n_whatif = timeline_whatif_set(&config, set);
    ck_assert_int_eq(timeline_whatif(tl, set, r.n_whatif, &w, &e), 0);
    r.whatif = w;
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    timeline_json(f, &r);
    (void)fclose(f);
    json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(j);
    const json_t *parts = json_object_get(j, "parts");
    ck_assert_uint_eq(json_array_size(parts), PART_COUNT);
    for (size_t i = 0; i < PART_COUNT; i++) {
        assert_stage(json_array_get(parts, i));
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(parts, i), "kind")),
                         timeline_kind_name(timeline_part_kind((enum timeline_part)i)));
    }
    assert_stage(json_object_get(j, "whole"));
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(
            json_string_value(json_array_get(json_object_get(json_object_get(j, "whole"), "kinds"), i)),
            kinds[i]);
    ck_assert_uint_eq(json_array_size(json_object_get(j, "whatif")), r.n_whatif);
    const json_t *slow = json_object_get(json_object_get(j, "slowest"), "wave");
    ck_assert_int_eq(json_integer_value(json_object_get(slow, "cycle0")), 7);
    const json_t *last = json_array_get(json_object_get(slow, "signals"), 12);
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(last, "values"), 1)), "TRIGGER row 3");
    json_decref(j);
    free(text);
    // As it is, first; last the one without host and link, of which the card's part is all.
    ck_assert_mem_eq(&w[0].whole, &result.whole, sizeof result.whole);
    const struct timeline_whatif *fabric = &w[r.n_whatif - 1];
    ck_assert(fabric->config.fabric);
    ck_assert_mem_eq(&fabric->whole, &fabric->device, sizeof fabric->whole);
    for (size_t i = 0; i < r.n_whatif; i++) {
        ck_assert_uint_eq(w[i].frames, 40);
        ck_assert_uint_ge(w[i].whole.min, w[i].device.min + (w[i].config.fabric ? 0 : 480));
    }
    free(w);
    close_line();
}
END_TEST

int main(void)
{
    device_register(&device_ops_model);
    Suite *s = suite_create("timeline");
    TCase *t = tcase_create("timeline");
    tcase_add_test(t, test_parts_of_a_frame);
    tcase_add_test(t, test_other_geometry_and_clock);
    tcase_add_test(t, test_triggers_of_one_tick_leave_in_turn);
    tcase_add_test(t, test_waiting_counts);
    tcase_add_test(t, test_further_trips);
    tcase_add_test(t, test_jitter);
    tcase_add_test(t, test_nothing_is_left_out_in_silence);
    tcase_add_test(t, test_a_full_tap);
    tcase_add_test(t, test_tap_changes_nothing);
    tcase_add_test(t, test_kinds);
    tcase_add_test(t, test_json_and_whatif);
    suite_add_tcase(s, t);
    return run_suite(s);
}
