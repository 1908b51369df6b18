// SPDX-License-Identifier: Apache-2.0
// Several devices as one against one model of the same rows: random command streams through members of any
// size and pace, partial submits and polls, events by arrival. usage: fan [--seed N] [--beats N] [--bench]
// Prints TAP. Seed also from env SEED. --bench: what a tick costs, beside its members alone.
#include "../unit/base/test_seed.h"
#include "device.h"
#include "fan_mocks.h"
#include "stream.h"
#include "tap.h"

#include <getopt.h>
#include <string.h>
#include <time.h>

enum { POLL = 61, MANY = 1 << 20, PATIENCE = 20000, KINDS = 256 };

static struct {
    uint64_t seed, beats;
    uint64_t kind[KINDS],
        substitutes; // events seen; of those, triggers with an asset that their row cannot have
} t;

static struct device *open_device(const struct device_config *c)
{
    struct device *d = NULL;
    struct err e;
    if (device_open(c, &d, &e))
        bail_out(e.msg);
    return d;
}

// ---- streams that keep to what each row's member has columns for
struct fitted {
    uint32_t columns, left;
    bool open, known;
};

static void fit_pairs(struct fitted *l, uint32_t assets, uint16_t *asset, uint32_t room)
{
    uint32_t n = l->left < room ? l->left : room;
    for (uint32_t i = 0; i < n; i++)
        if (asset[i] < assets && asset[i] >= l->columns)
            asset[i] = (uint16_t)(asset[i] % l->columns);
    l->left -= n;
    l->open = l->left > 0;
}

static void fit(const struct device *d, struct fitted *l, struct beat *b)
{
    const uint32_t rows = d->info.lanes * d->info.slots, assets = d->info.assets;
    uint8_t opcode = abi_opcode(b);
    if (l->open && opcode != ABI_CMD_COEF) {
        l->open = false;
        if (l->known)
            return; // it is refused
    }
    if (opcode == ABI_CMD_ROW) {
        struct abi_row x;
        abi_unpack_row(b, &x);
        *l = (struct fitted){.known = x.row < rows, .left = x.n, .columns = assets};
        if (l->known)
            l->columns = device_columns(d, x.row);
        fit_pairs(l, assets, x.asset, ABI_ROW_PAIRS);
        abi_pack_row(b, &x);
    } else if (opcode == ABI_CMD_COEF && l->open) {
        struct abi_coef x;
        abi_unpack_coef(b, &x);
        fit_pairs(l, assets, x.asset, ABI_COEF_PAIRS);
        abi_pack_coef(b, &x);
    } else if (opcode == ABI_CMD_READ) {
        struct abi_read x;
        abi_unpack_read(b, &x);
        if (x.coef && x.row < rows && x.asset < assets)
            x.asset = (uint16_t)(x.asset % device_columns(d, x.row));
        abi_pack_read(b, &x);
    }
}

// ---- one run
struct run {
    struct device *fan, *model;
    struct beat *want, *got, *arrived; // rings would hide what is missing: all of it is kept
    size_t wanted, gotten, n_arrived, checked;
    size_t moved; // events that came in elsewhere than in the merged order
    bool bad;
};

static void take_wanted(struct run *r)
{
    size_t n;
    while (r->wanted + POLL <= MANY && (n = device_poll(r->model, r->want + r->wanted, POLL)) > 0)
        r->wanted += n;
}

// Polls once, at most `max` events; returns how many there were.
static size_t take_some(struct run *r, size_t max)
{
    size_t n = 0, came = 0;
    if (r->fan->info.arrival) {
        came = device_poll(r->fan, r->arrived + r->n_arrived, max);
        r->n_arrived += came;
        n = device_merged(r->fan, r->got + r->gotten, 1 + mock_random(POLL));
    } else {
        n = device_poll(r->fan, r->got + r->gotten, max);
    }
    for (size_t i = r->gotten; i < r->gotten + n; i++) {
        struct abi_trigger x;
        abi_unpack_trigger(&r->got[i], &x);
        t.kind[abi_opcode(&r->got[i])]++;
        t.substitutes += abi_opcode(&r->got[i]) == ABI_EVT_TRIGGER && x.cause == ABI_CAUSE_TICK &&
                         x.asset >= device_columns(r->fan, x.row);
        r->bad |= i >= r->wanted || !abi_event_equal(&r->got[i], &r->want[i]);
    }
    r->gotten += n;
    return n + came;
}

static int by_content(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct beat));
}

// What came in since the device last was at rest: the same events in some order, each SYNC not before all
// that belong before it.
static void compare_arrival(struct run *r)
{
    size_t n = r->gotten - r->checked;
    struct beat *got = r->got + r->checked, *arrived = r->arrived + r->checked;
    if (r->n_arrived != r->gotten) {
        r->bad = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        abi_event_mask(&got[i]);
        abi_event_mask(&arrived[i]);
        r->moved += memcmp(&got[i], &arrived[i], sizeof *got) != 0;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i && abi_opcode(&got[i]) == ABI_EVT_SYNC; k++)
            r->bad |= memcmp(&got[i], &arrived[k], sizeof *got) == 0;
    qsort(got, n, sizeof *got, by_content);
    qsort(arrived, n, sizeof *got, by_content);
    r->bad |= n && memcmp(got, arrived, n * sizeof *got) != 0;
    r->checked = r->gotten;
}

// Everything that is due so far. A lockstep device that has no more events has done everything.
static void take_all(struct run *r)
{
    int idle = 0;
    while (!r->bad && idle < (r->fan->info.lockstep ? 1 : PATIENCE)) {
        if (take_some(r, mock_random(4) ? 1 + mock_random(POLL) : 1))
            idle = 0;
        else if (r->gotten == r->wanted && !r->fan->info.lockstep)
            break;
        else
            idle++;
    }
    r->bad |= r->gotten != r->wanted;
    if (r->fan->info.arrival && !r->bad)
        compare_arrival(r);
}

static void feed(struct run *r, const struct beat *b, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t taken = device_submit(r->model, b + i, 1);
        take_wanted(r);
        i += taken;
    }
    for (size_t i = 0, none = 0; i < n && !r->bad && none < PATIENCE;) {
        size_t want = mock_random(3) ? n - i : 1 + mock_random(5);
        size_t taken = device_submit(r->fan, b + i, want < n - i ? want : n - i);
        size_t got = taken == 0 || mock_random(3) == 0 ? take_some(r, 1 + mock_random(POLL)) : 0;
        none = taken || got ? 0 : none + 1;
        i += taken;
    }
}

static bool same_counts(struct device *a, struct device *b)
{
    struct device_counters x, y;
    device_counters(a, &x);
    device_counters(b, &y);
    return x.commands == y.commands && x.events == y.events && x.ticks == y.ticks && x.rows == y.rows &&
           x.triggers == y.triggers && x.band_exits == y.band_exits && x.errors == y.errors;
}

static void random_run(const struct device_config *c, uint64_t seed)
{
    struct run r = {.fan = open_device(c)};
    const struct device_info *i = &r.fan->info;
    r.model = open_device(&(struct device_config){
        .backend = "model", .lanes = i->lanes, .slots = i->slots, .assets = i->assets});
    struct stream s;
    struct fitted l = {0};
    stream_init(&s, seed, i->lanes, i->slots, i->assets);
    mock_random_state = seed;
    struct beat *b = calloc(8 * stream_room(&s), sizeof *b);
    r.want = calloc(3 * (size_t)MANY, sizeof *b);
    r.got = r.want + MANY;
    r.arrived = r.got + MANY;
    uint64_t beats = 0;
    while (beats < t.beats && !r.bad && r.wanted < MANY / 2) {
        size_t n = 0, want = 1 + stream_random(&s) % 200, room = 7 * stream_room(&s);
        while (n < want && n < room)
            n += stream_next(&s, b + n);
        for (size_t k = 0; k < n; k++)
            fit(r.fan, &l, &b[k]);
        feed(&r, b, n);
        take_all(&r);
        beats += n;
    }
    bool good = !r.bad && same_counts(r.fan, r.model) && !i->fault[0] && (!i->arrival || r.moved);
    ok(good, "%s%s, %ux%ux%u, seed %" PRIu64 ": %" PRIu64 " beats, %zu of %zu events equal%s%s%s", i->backend,
       i->arrival ? " by arrival" : "", i->lanes, i->slots, i->assets, seed, beats, r.gotten, r.wanted,
       i->arrival && r.moved ? ", out of order on the way" : "", i->fault[0] ? ": " : "", i->fault);
    free(b);
    free(r.want);
    device_close(r.model);
    device_close(r.fan);
}

// "A+B" compares what looks like one device.
static void compared_run(const char *name, const struct device_config *c, uint64_t seed)
{
    struct device_config own = *c;
    own.backend = name;
    struct device *d = open_device(&own);
    struct stream s;
    struct fitted l = {0};
    stream_init(&s, seed, d->info.lanes, d->info.slots, d->info.assets);
    struct beat *b = calloc(stream_room(&s), sizeof *b), evt[POLL];
    uint64_t beats = 0, events = 0;
    char text[512] = "";
    while (beats < t.beats && !device_mismatch(d, text, sizeof text)) {
        size_t n = stream_next(&s, b), got, idle = 0;
        for (size_t k = 0; k < n; k++)
            fit(d, &l, &b[k]);
        for (size_t k = 0; k < n && idle < 2;) {
            size_t taken = device_submit(d, b + k, n - k);
            idle = taken ? 0 : idle + 1;
            k += taken;
            while ((got = device_poll(d, evt, POLL)) > 0)
                events += got;
        }
        if (idle)
            break;
        beats += n;
    }
    ok(beats >= t.beats && events && !device_mismatch(d, text, sizeof text),
       "%s, %ux%ux%u: %" PRIu64 " beats, %" PRIu64 " events equal %s", name, d->info.lanes, d->info.slots,
       d->info.assets, beats, events, text);
    free(b);
    device_close(d);
}

static void streams(void)
{
    static const struct device_config plan[] = {
        {.backend = "model*3", .lanes = 7, .slots = 3, .assets = 16},
        {.backend = "model*2", .lanes = 4, .slots = 4, .assets = 16},
        {.backend = "small,narrow"},
        {.backend = "narrow,model", .lanes = 7, .slots = 3, .assets = 64},
        {.backend = "narrow*2,small,single*3"},
        {.backend = "choosy,narrow,small"},
        {.backend = "late*2"},
        {.backend = "late,thin,small"},
        {.backend = "thin*2,choosy,late"},
        {.backend = "late*3", .arrival = true},
        {.backend = "thin,late,small,narrow", .arrival = true},
        {.backend = "small,narrow", .arrival = true},
        {.backend = "sim*2", .stall_in_pct = 30, .stall_out_pct = 60},
        {.backend = "sim,narrow,late"},
        {.backend = "sim,small*2", .arrival = true},
    };
    for (size_t i = 0; i < sizeof plan / sizeof *plan; i++) {
        struct device_config c = plan[i];
        c.seed = t.seed + i;
        random_run(&c, t.seed + i);
    }
    static const char *const pairs[] = {"sim*2+model", "sim*2+model*3", "model*3+model", "sim,model+model*2"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct device_config c = {.lanes = 12, .slots = 3, .assets = 16, .seed = t.seed};
        compared_run(pairs[i], &c, t.seed + 100 + i);
    }
    ok(t.kind[ABI_EVT_BAND_EXIT] && t.kind[ABI_EVT_TRIGGER] && t.kind[ABI_EVT_READ] && t.kind[ABI_EVT_SYNC] &&
           t.kind[ABI_EVT_ERROR] && t.substitutes,
       "events of every kind, %" PRIu64 " triggers by ticks that their member has no column for",
       t.substitutes);
}

// ---- what a tick costs
static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

// ns a tick through n devices, each given the same beats, one tick at a time. Best of five.
static double ticks_ns(struct device **d, size_t n)
{
    enum { TICKS = 100000 };
    double best = 1e9;
    struct beat b, evt[16];
    for (int k = 0; k < 5; k++) {
        double start = now_s();
        for (uint32_t i = 0; i < TICKS; i++) {
            abi_pack_tick(
                &b, &(struct abi_tick){.asset = (uint16_t)(i % 8), .price = i, .group = i, .last = true});
            for (size_t m = 0; m < n; m++) {
                (void)device_submit(d[m], &b, 1);
                while (device_poll(d[m], evt, 16))
                    ;
            }
        }
        double took = (now_s() - start) * 1e9 / TICKS;
        best = took < best ? took : best;
    }
    return best;
}

static void bench(void)
{
    static const uint32_t rows[] = {1, 512, 4096}, members[] = {1, 2, 4, 8};
    printf("# a tick without events (measured, CPU time); rows of each member, members: ns through the fan, "
           "ns of "
           "its members alone, ratio\n");
    for (size_t r = 0; r < 3; r++)
        for (size_t k = 0; k < 4; k++) {
            struct device *alone[8], *fan;
            char name[16];
            uint32_t n = members[k];
            (void)snprintf(name, sizeof name, "model*%u", n);
            for (uint32_t i = 0; i < n; i++)
                alone[i] = open_device(
                    &(struct device_config){.backend = "model", .lanes = rows[r], .slots = 1, .assets = 8});
            fan = open_device(
                &(struct device_config){.backend = name, .lanes = rows[r] * n, .slots = 1, .assets = 8});
            double whole = ticks_ns(&fan, 1), parts = ticks_ns(alone, n);
            printf("%5u rows %u members %8.1f %8.1f %6.2f\n", rows[r], n, whole, parts, whole / parts);
            device_close(fan);
            for (uint32_t i = 0; i < n; i++)
                device_close(alone[i]);
        }
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"seed", required_argument, NULL, 's'},
                                          {"beats", required_argument, NULL, 'b'},
                                          {"bench", no_argument, NULL, 'p'},
                                          {0}};
    t.seed = seed_or(20261120);
    t.beats = 20000;
    device_register(&device_ops_model);
    device_register(&device_ops_sim);
    device_register(&device_ops_compare);
    device_register(&device_ops_fan);
    mocks_register();
    for (int opt; (opt = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (opt == 's')
            t.seed = strtoull(optarg, NULL, 0);
        else if (opt == 'b')
            t.beats = strtoull(optarg, NULL, 0);
        else if (opt == 'p')
            return bench(), 0;
        else
            return 2;
    }
    printf("# SEED=%" PRIu64 "\n", t.seed);
    streams();
    return tap_end();
}
