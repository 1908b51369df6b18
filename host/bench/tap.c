// SPDX-License-Identifier: Apache-2.0
#include "bench/tap.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static void keep_beats(struct tap *t, const struct beat *cmd, size_t n, uint64_t now)
{
    bool fresh = !t->cut;
    if (t->full || n > t->room.beats - t->n_beats || (fresh && t->n_batches == t->room.batches)) {
        t->full = true;
        return;
    }
    if (fresh)
        t->batch[t->n_batches++] = (struct tap_batch){now, t->n_beats, t->n_events};
    memcpy(t->beat + t->n_beats, cmd, n * sizeof *cmd);
    t->n_beats += (uint32_t)n;
}

static size_t tap_submit(struct device *d, const struct beat *cmd, size_t n)
{
    struct tap *t = (struct tap *)d;
    uint64_t now = clock_ticks();
    size_t taken = t->under->ops->submit(t->under, cmd, n);
    if (taken)
        keep_beats(t, cmd, taken, now);
    t->cut = taken < n && (taken || t->cut);
    return taken;
}

static size_t tap_poll(struct device *d, struct beat *evt, size_t max)
{
    struct tap *t = (struct tap *)d;
    size_t n = t->under->ops->poll(t->under, evt, max);
    if (t->full || n > t->room.events - t->n_events) {
        t->full = t->full || n;
        return n;
    }
    memcpy(t->event + t->n_events, evt, n * sizeof *evt);
    t->n_events += (uint32_t)n;
    return n;
}

static void tap_counters(struct device *d, struct device_counters *out)
{
    device_counters(((struct tap *)d)->under, out);
}

static int tap_mismatch(struct device *d, char *text, size_t size)
{
    return device_mismatch(((struct tap *)d)->under, text, size);
}

static uint32_t tap_columns(const struct device *d, uint32_t row)
{
    return device_columns(((const struct tap *)d)->under, row);
}

static void tap_close(struct device *d)
{
    (void)d; // tap_free()
}

struct tap *tap_new(struct device *under, const struct tap_room *room, struct err *e)
{
    if (!under->info.lockstep || under->info.arrival) {
        err_set(e, "device %s answers when it likes: its commands and events cannot be matched",
                under->info.backend);
        return NULL;
    }
    struct tap *t = calloc(1, sizeof *t);
    if (!t) {
        err_set(e, "out of memory");
        return NULL;
    }
    t->beat = malloc(room->beats * sizeof *t->beat);
    t->event = malloc(room->events * sizeof *t->event);
    t->batch = malloc(room->batches * sizeof *t->batch);
    if (!t->beat || !t->event || !t->batch) {
        err_set(e, "out of memory for %u commands and %u events", room->beats, room->events);
        tap_free(t);
        return NULL;
    }
    // No page faults later.
    memset(t->beat, 0, room->beats * sizeof *t->beat);
    memset(t->event, 0, room->events * sizeof *t->event);
    memset(t->batch, 0, room->batches * sizeof *t->batch);
    t->room = *room;
    t->under = under;
    t->ops = (struct device_ops){.name = under->ops->name,
                                 .submit = tap_submit,
                                 .poll = tap_poll,
                                 .counters = tap_counters,
                                 .mismatch = under->ops->mismatch ? tap_mismatch : NULL,
                                 .close = tap_close,
                                 .columns = under->ops->columns ? tap_columns : NULL};
    t->dev = (struct device){.ops = &t->ops, .info = under->info};
    return t;
}

void tap_free(struct tap *t)
{
    if (!t)
        return;
    free(t->beat);
    free(t->event);
    free(t->batch);
    free(t);
}
