// SPDX-License-Identifier: Apache-2.0
// tripline bench --timeline: the first run's load once more on the simulated device, and the two put on one
// line (bench/timeline.h).
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_inside.h"

enum {
    // Room of the tap: what is loaded beforehand and, of each frame, more than any load of ours needs.
    BEATS_FIRST = 1 << 16,
    BEATS_FRAME = 24,
    EVENTS_FRAME = 16,
    BATCHES_FRAME = 12,
    FRAMES_MOST = 200000 // some 400 MB
};

struct bench_timeline {
    struct timeline *tl;
    struct device_config config; // of the simulated device
    struct device *sim;
    struct drive_moment *moment;
    struct bench_run run; // of the simulation: none of its figures is shown
    struct timeline_result result;
    struct commands_check check;
    struct timeline_whatif *whatif;
    struct timeline_wave wave;
    struct timeline_report report;
};

static int settle_geometry(struct bench *b, const struct device_info *i, struct err *e)
{
    struct device_config *d = &b->o.device;
    if (!d->lanes) {
        d->lanes = i->lanes;
        d->slots = i->slots;
        d->assets = i->assets;
    }
    if (d->lanes != i->lanes || d->slots != i->slots || d->assets != i->assets)
        return err_set(e,
                       "--timeline needs the same rows measured as simulated: the simulated device has "
                       "%ux%ux%u; leave --geometry out",
                       i->lanes, i->slots, i->assets);
    return 0;
}

int bench_timeline_open(struct bench *b, struct err *e)
{
    uint32_t n = (uint32_t)b->load.n;
    if (b->load.n > FRAMES_MOST)
        return err_set(
            e,
            "--timeline keeps every command of at most %d frames, this load has %zu: give --packets "
            "%zu or less",
            FRAMES_MOST, b->load.n, FRAMES_MOST - b->load.prologue);
    struct bench_timeline *t = b->timeline = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, "out of memory for the time line");
    t->config = (struct device_config){.backend = "sim", .seed = b->o.seed, .card = &b->o.card};
    const struct timeline_options o = {.frames = n,
                                       .warmup = (uint32_t)b->warmup,
                                       .open_loop = pace_open_loop(b->o.pace[0].mode),
                                       .tap = {BEATS_FIRST + n * BEATS_FRAME, BEATS_FIRST + n * EVENTS_FRAME,
                                               BEATS_FIRST + n * BATCHES_FRAME}};
    t->moment = malloc(n * sizeof *t->moment);
    if (!t->moment)
        return err_set(e, "out of memory for the time line of %u frames", n);
    memset(t->moment, 1, n * sizeof *t->moment); // touched, so that no page is missing later
    t->tl = timeline_new(&o, e);
    if (!t->tl || device_open(&t->config, &t->sim, e) != 0)
        return -1;
    return settle_geometry(b, &t->sim->info, e);
}

static void measured(void *ctx, const struct frame_stamps *s)
{
    timeline_take(ctx, TIMELINE_MEASURED, s);
}

static void simulated(void *ctx, const struct frame_stamps *s)
{
    timeline_take(ctx, TIMELINE_SIMULATED, s);
}

void bench_timeline_measured(struct bench *b, struct pass_config *c)
{
    c->each = measured;
    c->each_ctx = b->timeline->tl;
    c->moment = b->timeline->moment;
}

// As fast as it goes; but replies come between the same frames as in the measured run, or the accounts would
// be others.
static int simulate(struct bench *b, struct err *e)
{
    struct bench_timeline *t = b->timeline;
    struct pass_config c = {.each = simulated, .each_ctx = t->tl, .moment = t->moment, .repeat = true};
    struct pace_config pace = {.mode = PACE_MAX, .seed = b->o.seed};
    if (!(c.opened = timeline_tap(t->tl, t->sim, e)))
        return -1;
    bench_run_begin(&t->run, &pace, b->warmup, 0);
    (void)snprintf(t->run.name, sizeof t->run.name, "sim, for the time line");
    b->frames_all = b->load.n;
    return bench_pass(b, &t->run, &c, "simulated", 0, e);
}

int bench_timeline_play(struct bench *b, struct err *e)
{
    struct bench_timeline *t = b->timeline;
    struct timeline_config set[WHATIF_MAX], own;
    if (simulate(b, e) != 0)
        return -1;
    if (bench_asked())
        return 0;
    if (timeline_match(t->tl, e) != 0)
        return -1;
    timeline_config_own(t->tl, b->o.seed, &own);
    timeline_reckon(t->tl, &own, &t->result, NULL, NULL);
    timeline_check(t->tl, &t->check);
    size_t n = timeline_whatif_set(&own, set);
    if (timeline_whatif(t->tl, set, n, &t->whatif, e) != 0)
        return -1;
    if (t->result.frames && timeline_wave(t->tl, &t->config, t->result.slowest.frame, &t->wave, e) != 0)
        return -1;
    t->report = (struct timeline_report){.own = own,
                                         .result = &t->result,
                                         .check = &t->check,
                                         .whatif = t->whatif,
                                         .n_whatif = n,
                                         .wave = t->wave.n ? &t->wave : NULL};
    b->result.timeline = &t->report;
    return 0;
}

int bench_timeline_holds(const struct bench *b, struct err *e)
{
    const struct commands_check *c = &b->timeline->check;
    if (!c->differed && !c->early)
        return 0;
    return err_set(e,
                   "the RTL's stamps are not what the time line was reckoned with: %" PRIu64
                   " events differ, %" PRIu64 " commands were taken too early",
                   c->differed, c->early);
}

void bench_timeline_close(struct bench *b)
{
    struct bench_timeline *t = b->timeline;
    if (!t)
        return;
    timeline_free(t->tl);
    device_close(t->sim);
    free(t->whatif);
    free(t->moment);
    free(t);
    b->timeline = NULL;
}
