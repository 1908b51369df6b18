// SPDX-License-Identifier: Apache-2.0
#include "bench/timeline_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/prng.h"

enum {
    // docs/host-interface.md, Cycles: a write that arrives at an idle window is accepted a cycle later, and
    // the
    // command is offered two after that; the record leaves a cycle after the event was at the core's port.
    WINDOW_CYCLES = 3,
    RING_CYCLES = 1,
    PS_PER_NS = 1000,
    PERCENT = 100,
};
#define PS_PER_US UINT64_C(1000000)

const char *timeline_part_name(enum timeline_part p)
{
    static const char *const name[PART_COUNT] = {
        "frame to command",         "to the card",         "card",          "from the card",
        "card, to the group's end", "further trips, link", "flag to order",
    };
    return (unsigned)p < PART_COUNT ? name[p] : "?";
}

enum timeline_kind timeline_part_kind(enum timeline_part p)
{
    static const enum timeline_kind kind[PART_COUNT] = {KIND_MEASURED, KIND_MODELLED,  KIND_SIMULATED,
                                                        KIND_MODELLED, KIND_SIMULATED, KIND_MODELLED,
                                                        KIND_MEASURED};
    return kind[p];
}

const char *timeline_kind_name(enum timeline_kind k)
{
    static const char *const name[] = {"measured", "simulated", "modelled"};
    return name[k];
}

// ---- taking

struct timeline *timeline_new(const struct timeline_options *o, struct err *e)
{
    struct timeline *tl = calloc(1, sizeof *tl);
    size_t n = o->frames ? o->frames : 1;
    if (tl) {
        tl->o = *o;
        tl->simulated = malloc(n * sizeof *tl->simulated);
        tl->measured = malloc(n * sizeof *tl->measured);
    }
    if (!tl || !tl->simulated || !tl->measured) {
        timeline_free(tl);
        err_set(e, "out of memory for %u frames", o->frames);
        return NULL;
    }
    memset(tl->simulated, 0, n * sizeof *tl->simulated); // no page faults later
    memset(tl->measured, 0, n * sizeof *tl->measured);
    return tl;
}

void timeline_free(struct timeline *tl)
{
    if (!tl)
        return;
    commands_free(&tl->commands);
    tap_free(tl->tap);
    free(tl->simulated);
    free(tl->measured);
    free(tl);
}

struct device *timeline_tap(struct timeline *tl, struct device *under, struct err *e)
{
    tl->tap = tap_new(under, &tl->o.tap, e);
    return tl->tap ? &tl->tap->dev : NULL;
}

void timeline_take(struct timeline *tl, enum timeline_run run, const struct frame_stamps *s)
{
    if (run == TIMELINE_MEASURED) {
        if (tl->n_measured < tl->o.frames)
            tl->measured[tl->n_measured++] = *s;
        else
            tl->no_room++;
        return;
    }
    if (tl->tap->full || tl->n_simulated == tl->o.frames) {
        tl->no_room++;
        return;
    }
    tl->simulated[tl->n_simulated++] = (struct simulated_frame){
        tl->tap->n_batches, tl->tap->n_events, s->at[STAMP_TAKEN], s->at[STAMP_ORDER], s->flags, s->orders};
}

uint32_t timeline_batch_end(const struct timeline *tl, uint32_t batch)
{
    const struct tap *t = tl->tap;
    return batch + 1 < t->n_batches ? t->batch[batch + 1].beat : t->n_beats;
}

uint32_t timeline_batch_events(const struct timeline *tl, uint32_t batch)
{
    const struct tap *t = tl->tap;
    return batch + 1 < t->n_batches ? t->batch[batch + 1].events : t->n_events;
}

int timeline_match(struct timeline *tl, struct err *e)
{
    if (!tl->tap)
        return err_set(e, "no device was tapped");
    commands_free(&tl->commands);
    if (commands_read(tl->tap, &tl->commands, e))
        return -1;
    uint32_t n = tl->n_simulated < tl->n_measured ? tl->n_simulated : tl->n_measured;
    while (n && tl->simulated[n - 1].batches > tl->commands.n_batches)
        n--; // a command was refused
    tl->matched = n;
    return 0;
}

void timeline_check(const struct timeline *tl, struct commands_check *out)
{
    const struct device_info *i = &tl->tap->dev.info;
    memset(out, 0, sizeof *out);
    if (i->cycles)
        commands_check(&tl->commands, i->lanes, i->slots, i->latency, i->card.quiet, out);
}

void timeline_config_own(const struct timeline *tl, uint64_t seed, struct timeline_config *out)
{
    const struct device_info *i = &tl->tap->dev.info;
    const struct device_card *card = i->card.clock_mhz ? &i->card : &device_card_default;
    *out = (struct timeline_config){.clock_mhz = card->clock_mhz,
                                    .lanes = i->lanes,
                                    .slots = i->slots,
                                    .write_ns = card->write_ns,
                                    .event_ns = card->event_ns,
                                    .jitter_pct = card->jitter_pct,
                                    .seed = seed};
    (void)snprintf(out->name, sizeof out->name, "%ux%u at %u MHz", out->lanes, out->slots, out->clock_mhz);
}

// ---- reckoning. Times are picoseconds on one line.

struct reckoner {
    const struct timeline *tl;
    const struct timeline_config *c;
    struct timeline_result *r;
    struct card_time card;
    struct prng jitter;
    uint64_t start;     // of the first frame
    uint64_t host_free; // when the host has done all that came before
    uint32_t batch;     // next
    uint32_t event;     // next
};

static uint64_t ps_of(const struct reckoner *k, uint64_t cycle)
{
    return (uint64_t)((u128)cycle * PS_PER_US / k->c->clock_mhz);
}

// The first cycle that begins then or later.
static uint64_t cycle_at(const struct reckoner *k, uint64_t ps)
{
    return (uint64_t)(((u128)ps * k->c->clock_mhz + PS_PER_US - 1) / PS_PER_US);
}

static uint64_t link(struct reckoner *k, unsigned ns)
{
    uint64_t ps = (uint64_t)ns * PS_PER_NS, spread = ps * k->c->jitter_pct / PERCENT;
    return ps + (spread ? prng_below(&k->jitter, spread + 1) : 0);
}

// A submit, there and back: when it is at the card, when its first trigger and when the answer to the SYNC
// behind it leave the card, how long records take.
struct trip {
    uint64_t write, at_card, flag, end, event;
    bool flagged, not_fit;
};

static void play_batch(struct reckoner *k, uint64_t submitted, struct trip *p)
{
    const struct commands *c = &k->tl->commands;
    uint32_t rows = k->c->lanes * k->c->slots, to = timeline_batch_end(k->tl, k->batch);
    *p = (struct trip){.write = link(k, k->c->write_ns)};
    p->at_card = submitted + p->write;
    uint64_t offered = cycle_at(k, p->at_card) + WINDOW_CYCLES;
    for (uint32_t i = k->tl->tap->batch[k->batch].beat; i < to; i++, offered++) {
        uint64_t in = card_time_take(&k->card, &c->step[i], offered);
        for (; k->event < c->n_events && c->event[k->event].beat == i; k->event++) {
            const struct card_event *v = &c->event[k->event];
            uint64_t slot = v->slot ? v->row / k->c->lanes : 0;
            uint64_t out = card_time_event(&k->card, in + v->offset + slot);
            p->not_fit = p->not_fit || (v->trigger && v->row >= rows);
            if (v->trigger && !p->flagged)
                p->flag = ps_of(k, out + RING_CYCLES);
            p->flagged = p->flagged || v->trigger;
        }
    }
    const struct card_step sync = {.kind = STEP_PLAIN};
    uint64_t in = card_time_take(&k->card, &sync, offered);
    p->end = ps_of(k, card_time_event(&k->card, in) + RING_CYCLES);
    p->event = link(k, k->c->event_ns);
    k->batch++;
}

static uint64_t host_ps(const struct reckoner *k, const struct frame_stamps *s, enum stamp from,
                        enum stamp to)
{
    return !k->c->fabric && s->at[from] && s->at[to] > s->at[from]
               ? clock_ns(s->at[to] - s->at[from]) * PS_PER_NS
               : 0;
}

// Of a frame that had to wait for the host in the measured run, the waiting is not the host's work; here it
// waits anew.
static enum stamp work_from(const struct timeline *tl, uint32_t frame)
{
    const struct frame_stamps *s = &tl->measured[frame];
    bool waited = frame && tl->measured[frame - 1].at[STAMP_DONE] > s->at[STAMP_ARRIVED];
    return waited || !tl->o.open_loop ? STAMP_TAKEN : STAMP_ARRIVED;
}

// The batches up to the frame's order, one after the other. Returns when the host has the last answer.
static uint64_t play_way(struct reckoner *k, const struct simulated_frame *f, uint64_t t, uint64_t *part,
                         bool *flagged, bool *not_fit)
{
    while (k->batch < f->batches && (!f->order || k->tl->tap->batch[k->batch].ticks < f->order)) {
        struct trip p;
        play_batch(k, t, &p);
        *not_fit = *not_fit || p.not_fit;
        if (p.flagged && !*flagged) {
            part[PART_WRITE] = p.write;
            part[PART_DEVICE] = p.flag - p.at_card;
            part[PART_EVENT] = p.event;
            part[PART_GROUP_END] += p.end - p.flag;
            *flagged = true;
        } else {
            part[PART_TRIPS] += p.write + p.event;
            part[PART_GROUP_END] += p.end - p.at_card;
        }
        t = p.end + p.event;
    }
    return t;
}

static void record(struct timeline_result *r, const struct timeline_frame *f)
{
    for (int i = 0; i < PART_COUNT; i++)
        hist_record(&r->part[i], (f->part[i] + PS_PER_NS / 2) / PS_PER_NS);
    hist_record(&r->waited, (f->waited + PS_PER_NS / 2) / PS_PER_NS);
    hist_record(&r->whole, (f->whole + PS_PER_NS / 2) / PS_PER_NS);
    if (r->frames++ == 0 || f->whole > r->slowest.whole)
        r->slowest = *f;
}

// Of the way in a card that does all: what its own part takes.
static void only_device(struct timeline_frame *f)
{
    for (int i = 0; i < PART_COUNT; i++)
        f->part[i] = i == PART_DEVICE ? f->part[i] : 0;
    f->waited = 0;
    f->whole = f->part[PART_DEVICE];
}

// What was submitted between two frames: by replies, by work in idle time.
static void play_between(struct reckoner *k, uint32_t frame)
{
    const struct simulated_frame *f = &k->tl->simulated[frame];
    struct trip p;
    while (k->batch < f->batches && k->tl->tap->batch[k->batch].ticks < f->taken) {
        play_batch(k, k->host_free, &p);
        k->host_free = p.end + p.event;
    }
}

static void play_frame(struct reckoner *k, uint32_t i, void (*each)(void *, const struct timeline_frame *),
                       void *ctx)
{
    const struct timeline *tl = k->tl;
    const struct frame_stamps *s = &tl->measured[i];
    const struct simulated_frame *f = &tl->simulated[i];
    play_between(k, i);
    uint64_t since = clock_ns(s->at[STAMP_ARRIVED] - tl->measured[0].at[STAMP_ARRIVED]) * PS_PER_NS;
    uint64_t arrived = tl->o.open_loop ? k->start + since : k->host_free;
    uint64_t begun = arrived > k->host_free || k->c->fabric ? arrived : k->host_free;
    struct timeline_frame t = {.frame = i, .waited = begun - arrived};
    bool flagged = false, not_fit = false;
    if (k->batch == f->batches) { // nothing for the card
        k->host_free = begun + host_ps(k, s, work_from(tl, i), STAMP_DONE);
        k->r->quiet += i >= tl->o.warmup;
        return;
    }
    t.part[PART_HOST_BEFORE] = host_ps(k, s, work_from(tl, i), STAMP_SUBMITTED);
    uint64_t at = begun + t.part[PART_HOST_BEFORE];
    at = play_way(k, f, at, t.part, &flagged, &not_fit);
    bool ordered = flagged && f->order && s->at[STAMP_ORDER] && s->at[STAMP_FLAG];
    if (ordered) {
        t.part[PART_HOST_AFTER] = host_ps(k, s, STAMP_FLAG, STAMP_ORDER);
        at += t.part[PART_HOST_AFTER];
        t.whole = at - arrived;
        at += host_ps(k, s, STAMP_ORDER, STAMP_DONE);
    } else {
        at +=
            host_ps(k, s, STAMP_SUBMITTED, STAMP_DONE); // the software device's time in it: never too little
    }
    for (struct trip p; k->batch < f->batches; at = p.end + p.event) // behind the order
        play_batch(k, at, &p);
    k->host_free = at;
    if (k->c->fabric)
        only_device(&t);
    if (i < tl->o.warmup)
        return;
    if (f->flags != s->flags || f->orders != s->orders) {
        k->r->unmatched++;
    } else if (!ordered) {
        k->r->quiet++;
    } else if (not_fit) {
        k->r->not_fit++;
    } else {
        record(k->r, &t);
        if (each)
            each(ctx, &t);
    }
}

// Of the same multiplier in another number of lanes.
static uint32_t latency_of(const struct timeline *tl, uint32_t lanes)
{
    const struct device_info *own = &tl->tap->dev.info;
    uint32_t latency = card_time_latency(lanes);
    return own->latency ? latency + own->latency - card_time_latency(own->lanes) : latency;
}

void timeline_reckon(const struct timeline *tl, const struct timeline_config *c, struct timeline_result *r,
                     void (*each)(void *ctx, const struct timeline_frame *f), void *ctx)
{
    enum { LEAD = 1000 }; // cycles between what was loaded beforehand and the first frame
    struct reckoner k = {.tl = tl, .c = c, .r = r};
    memset(r, 0, sizeof *r);
    for (int i = 0; i < PART_COUNT; i++)
        hist_init(&r->part[i]);
    hist_init(&r->waited);
    hist_init(&r->whole);
    prng_seed(&k.jitter, c->seed);
    card_time_init(&k.card, c->lanes, c->slots, latency_of(tl, c->lanes));
    if (tl->matched)
        play_between(&k, 0);
    k.start = k.host_free = ps_of(&k, k.card.free + LEAD);
    for (uint32_t i = 0; i < tl->matched; i++)
        play_frame(&k, i, each, ctx);
    uint32_t most = tl->n_simulated > tl->n_measured ? tl->n_simulated : tl->n_measured;
    r->dropped = tl->no_room + (most - tl->matched);
}
