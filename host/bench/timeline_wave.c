// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "bench/timeline_inside.h"

enum { AROUND = 2, RING = 1 << 14, EVENTS = 64 };

// The batch to its end; false: the device takes no more.
static bool submit_batch(struct device *d, const struct timeline *tl, uint32_t batch)
{
    struct beat evt[EVENTS];
    bool rest = false;
    for (uint32_t at = tl->tap->batch[batch].beat, to = timeline_batch_end(tl, batch); at < to;) {
        size_t n = device_submit(d, &tl->tap->beat[at], to - at);
        if (n == 0 && rest)
            return false;
        at += (uint32_t)n;
        while (device_poll(d, evt, EVENTS) > 0)
            ;
        rest = true;
    }
    return true;
}

// The frame's first batch with a trigger; false: it has none.
static bool find_batch(const struct timeline *tl, uint32_t frame, uint32_t *batch)
{
    uint32_t from = frame ? tl->simulated[frame - 1].batches : 0;
    for (*batch = from; *batch < tl->simulated[frame].batches; ++*batch)
        for (uint32_t i = tl->tap->batch[*batch].events; i < timeline_batch_events(tl, *batch); i++)
            if (tl->commands.event[i].trigger && tl->commands.event[i].slot)
                return true;
    return false;
}

// From shortly before the first command of the batch is taken to shortly after its first trigger; of a longer
// way its end. Cycles that were left out are not looked for across.
static void cut(const struct probe *p, struct timeline_wave *out)
{
    uint64_t kept = p->seen < p->size ? p->seen : p->size, first = p->seen - kept, trigger = p->seen, start;
    for (uint64_t i = first; i < p->seen && trigger == p->seen; i++) {
        const struct probe_cycle *c = &p->ring[i % p->size];
        if (c->evt_valid && c->evt == ABI_EVT_TRIGGER)
            trigger = i;
    }
    if (trigger == p->seen)
        return;
    for (start = first; start < trigger && !p->ring[start % p->size].cmd_valid; start++)
        ;
    start = start > first + AROUND ? start - AROUND : first;
    uint64_t end = trigger + AROUND + 1 < p->seen ? trigger + AROUND + 1 : p->seen;
    if (end - start > WAVE_MAX)
        start = end - WAVE_MAX;
    for (uint64_t i = start; i < end; i++) {
        const struct probe_cycle *c = &p->ring[i % p->size];
        if (out->n && c->cycle != out->at[out->n - 1].cycle + 1) {
            if (i > trigger)
                return;
            out->n = 0;
        }
        out->at[out->n++] = *c;
    }
}

static int play(const struct timeline *tl, struct device *d, uint32_t batch, struct probe *p, struct err *e)
{
    for (uint32_t i = 0; i <= batch; i++) {
        if (i == batch && device_probe(d, p))
            return 0;
        if (!submit_batch(d, tl, i))
            return err_set(e, "device %s takes no more commands in the second run", d->info.backend);
    }
    return device_probe(d, NULL);
}

int timeline_wave(const struct timeline *tl, const struct device_config *c, uint32_t frame,
                  struct timeline_wave *out, struct err *e)
{
    struct device *d;
    struct probe p = {.size = RING};
    uint32_t batch;
    memset(out, 0, sizeof *out);
    if (frame >= tl->matched || !find_batch(tl, frame, &batch))
        return 0;
    p.ring = calloc(p.size, sizeof *p.ring);
    if (!p.ring)
        return err_set(e, "out of memory");
    int rc = device_open(c, &d, e);
    if (rc == 0) {
        rc = play(tl, d, batch, &p, e);
        if (rc == 0 && p.seen)
            cut(&p, out);
        device_close(d);
    }
    free(p.ring);
    return rc;
}
