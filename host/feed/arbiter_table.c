// SPDX-License-Identifier: Apache-2.0
#include "feed/arbiter_state.h"

#include <assert.h>

static_assert((SLOTS & (SLOTS - 1)) == 0 && (int)ARBITER_STREAMS < (int)SLOTS, "probing must end");

// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4): neighbouring channels spread over
// the table.
static size_t home_of(const struct feed_protocol *proto, uint16_t channel, bool snapshot)
{
    uint64_t key = (uint64_t)proto->venue << 17 | (uint64_t)snapshot << 16 | channel;
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOT_BITS));
}

// Where the stream is, or the free slot where it belongs.
static size_t slot_of(const struct arbiter *a, const struct feed_protocol *proto, uint16_t channel,
                      bool snapshot)
{
    for (size_t i = home_of(proto, channel, snapshot);; i++) {
        uint16_t at = a->slot[i & (SLOTS - 1)];
        if (!at || arbiter_is_stream(&a->stream[at - 1], proto, channel, snapshot))
            return i & (SLOTS - 1);
    }
}

static struct stream *find(struct arbiter *a, const struct feed_protocol *proto, uint16_t channel,
                           bool snapshot)
{
    uint16_t at = a->slot[slot_of(a, proto, channel, snapshot)];
    return at ? &a->stream[at - 1] : NULL;
}

// Frees a slot; those behind it that it had pushed on move up, so that they are still found.
static void slot_free(struct arbiter *a, size_t hole)
{
    for (size_t i = hole;;) {
        i = (i + 1) & (SLOTS - 1);
        if (!a->slot[i])
            break;
        const struct stream *s = &a->stream[a->slot[i] - 1];
        size_t home = home_of(s->proto, s->channel, s->snapshot);
        if (((i - home) & (SLOTS - 1)) < ((i - hole) & (SLOTS - 1)))
            continue; // its home is behind the hole
        a->slot[hole] = a->slot[i];
        hole = i;
    }
    a->slot[hole] = 0;
}

// The stream silent longest, of those that nobody uses and that hold nothing back. NULL: none.
static struct stream *longest_idle(struct arbiter *a)
{
    struct stream *idle = NULL;
    uint64_t since = UINT64_MAX;
    for (uint16_t i = 0; i < ARBITER_STREAMS; i++) {
        struct stream *s = &a->stream[i];
        if (a->heard_ns[i] >= since || s->used || s->n_kept || s->n_run)
            continue;
        since = a->heard_ns[i];
        idle = s;
    }
    return idle;
}

// Index of a place; ARBITER_STREAMS: there is none.
static uint16_t place(struct arbiter *a)
{
    if (a->n_streams < ARBITER_STREAMS)
        return a->n_streams++;
    struct stream *s = longest_idle(a);
    if (!s)
        return ARBITER_STREAMS;
    slot_free(a, slot_of(a, s->proto, s->channel, s->snapshot));
    a->n->streams_evicted++;
    return s->index;
}

struct stream *arbiter_stream_get(struct arbiter *a, const struct feed_protocol *proto,
                                  const struct frame_info *f)
{
    struct stream *s = find(a, proto, f->channel, f->snapshot);
    if (!s) {
        uint16_t i = place(a);
        if (i == ARBITER_STREAMS)
            return NULL;
        const struct stream *live = find(a, proto, f->stream, false);
        s = &a->stream[i];
        *s = (struct stream){.proto = proto,
                             .channel = f->channel,
                             .of = f->stream,
                             .snapshot = f->snapshot,
                             .again = a->n->streams_evicted != 0,
                             .used = live && live->used,
                             .index = i,
                             .first = NONE,
                             .half = UINT64_C(1) << (f->seq_bits == 64 ? 63 : 31)};
        for (unsigned l = 0; l < ARBITER_LINES; l++)
            s->line[l].run_first = NONE;
        a->slot[slot_of(a, proto, f->channel, f->snapshot)] = (uint16_t)(i + 1);
    }
    a->last = s;
    return s;
}

void arbiter_use(struct arbiter *a, const struct feed_protocol *proto, const struct feed_packet *p)
{
    struct stream *s = a->last;
    if (!s || !arbiter_is_stream(s, proto, p->channel, p->snapshot))
        s = find(a, proto, p->channel, p->snapshot);
    if (!s || s->used)
        return;
    for (uint16_t i = 0; i < a->n_streams; i++)
        if (a->stream[i].proto == proto && a->stream[i].of == p->stream)
            a->stream[i].used = true;
}

// ---- reports

void arbiter_bad(struct arbiter *a, const struct feed_protocol *proto, const struct frame_info *f)
{
    struct stream *s = find(a, proto, f->channel, f->snapshot);
    if (s)
        s->line[f->line < ARBITER_LINES ? f->line : 0].n.bad++;
}

void arbiter_unknown(struct arbiter *a, const struct feed_protocol *proto, const struct feed_packet *p,
                     uint64_t n)
{
    struct stream *s = find(a, proto, p->channel, p->snapshot);
    if (s)
        s->line[p->line].n.unknown_templates += n;
}

bool arbiter_stream(const struct arbiter *a, size_t i, struct arbiter_stream *out)
{
    if (i >= a->n_streams)
        return false;
    const struct stream *s = &a->stream[i];
    *out = (struct arbiter_stream){.proto = s->proto,
                                   .channel = s->channel,
                                   .snapshot = s->snapshot,
                                   .broken = s->n_kept != 0,
                                   .stale = s->proto->quiet_ns != 0,
                                   .used = s->used,
                                   .next = s->next,
                                   .gaps = s->gaps,
                                   .lost = s->lost,
                                   .kept = (uint32_t)s->n_kept + s->n_run};
    for (unsigned l = 0; l < ARBITER_LINES; l++) {
        uint64_t silent = a->now - s->line[l].came_ns, quiet = s->proto->quiet_ns;
        out->line[l] = s->line[l].n;
        if (!s->line[l].heard)
            continue;
        out->stale = out->stale && silent > quiet;
        if (quiet && silent > quiet)
            out->line[l].stale_ns += silent - quiet;
    }
    return true;
}
