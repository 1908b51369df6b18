// SPDX-License-Identifier: Apache-2.0
#include "feed/arbiter.h"

#include "base/warm.h"
#include "feed/arbiter_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)ARBITER_POOL < (int)NONE, "indexes must fit");
static_assert((RECENT & (RECENT - 1)) == 0, "numbers are masked");

struct arbiter *arbiter_new(struct feed_counters *n, arbiter_out *out, void *ctx)
{
    struct arbiter *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->n = n;
    a->out = out;
    a->ctx = ctx;
    for (uint16_t i = 0; i < ARBITER_POOL; i++)
        a->pool[i].next = i + 1 < ARBITER_POOL ? (uint16_t)(i + 1) : NONE;
    return a;
}

void arbiter_free(struct arbiter *a)
{
    free(a);
}

void arbiter_polled(struct arbiter *a)
{
    a->polled = true;
}

// Nearly every datagram: the one expected, nothing waits, and nothing is said of a reset. What
// arbiter_accept() does then.
static bool is_next(const struct stream *s, const struct frame_info *f)
{
    return f->seq == s->next && s->started && (s->n_kept | s->n_run) == 0 && f->count != 0 && !f->reset;
}
static void accept_next(struct arbiter *a, struct stream *s, const struct frame_info *f,
                        struct feed_packet *p, struct line *l)
{
    arbiter_move_behind(s, p, f->exchange_ns);
    line_brought(l, s->half, p->seq, p->count);
    arbiter_first_of(s, p);
    a->out(a->ctx, s->proto, p, 0);
}

// The venue's reset, when this is not another copy of the one that was followed last.
static bool is_reset(struct stream *s, const struct frame_info *f)
{
    if (!f->reset || (s->reset && s->reset_seq == f->seq && s->reset_exchange == f->exchange_ns))
        return false;
    s->reset = true;
    s->reset_seq = f->seq;
    s->reset_exchange = f->exchange_ns;
    return true;
}

// Not inlined: its registers are not the usual datagram's to save.
__attribute__((noinline)) static void take_ordered(struct arbiter *a, struct stream *s,
                                                   const struct frame_info *f, struct feed_packet *p)
{
    bool reset = is_reset(s, f) && s->started;
    if (!s->started) {
        s->next = f->seq;
        reset = s->again;
    }
    if (arbiter_ahead(s, arbiter_distance(s, s->next, f->seq))) {
        p->restart = reset;
        arbiter_take_early(a, s, f, p);
    } else if (!arbiter_is_old(s, f->seq, f->count)) {
        p->restart = reset;
        arbiter_accept(a, s, p, f->exchange_ns, 1u << p->line);
        arbiter_release(a, s);
    } else if (reset && (f->exchange_ns == 0 || f->exchange_ns > s->newest_ns)) {
        arbiter_reset(a, s, f, p);
    } else {
        arbiter_take_old(a, s, f, p);
    }
}

// Datagrams without a place in the sequence are copies when they are equal: their headers say when each was
// sent. What is none is remembered, and the oldest of its set forgotten.
static bool is_copy(struct arbiter *a, const struct stream *s, const struct feed_packet *p)
{
    uint64_t key = line_digest(p->payload, p->len) ^ (uint64_t)s->index << 1; // odd
    struct seen *set = a->seen[key >> (64 - SEEN_SET_BITS)];
    size_t k = 0;
    while (k < SEEN_WAYS - 1 && set[k].key != key)
        k++;
    if (set[k].key == key && a->now - set[k].came_ns <= ARBITER_LINE_NS)
        return true;
    memmove(set + 1, set, k * sizeof *set);
    set[0] = (struct seen){key, a->now};
    return false;
}

static void take_unordered(struct arbiter *a, struct stream *s, struct feed_packet *p)
{
    struct line *l = &s->line[p->line];
    if (is_copy(a, s, p)) {
        l->n.copies++;
        a->n->duplicates++;
        return;
    }
    l->n.first++;
    p->restart = s->again && !s->started;
    a->n->restarts += p->restart;
    s->started = true;
    a->out(a->ctx, s->proto, p, 0);
}

// A line that has been silent for long, while the other one spoke, has no claim on its place: venues move,
// and a stray datagram must not keep a real line out for ever.
static uint8_t line_by_group(struct arbiter *a, struct stream *s, const struct feed_packet *p)
{
    uint64_t group = ((uint64_t)p->dst_ip << 16 | p->dst_port) + 1;
    for (uint8_t l = 0; l < ARBITER_LINES; l++) {
        if (!s->group[l])
            s->group[l] = group;
        if (s->group[l] == group)
            return l;
    }
    for (uint8_t l = 0; l < ARBITER_LINES; l++)
        if (a->heard_ns[s->index] - s->line[l].live_ns > ARBITER_LINE_NS) {
            s->group[l] = group;
            s->line[l].counted = false;
            a->n->lines_moved++;
            return l;
        }
    return 0;
}

// The stream speaks again after none of its lines has spoken for long. That says nothing about any of them:
// those that lived before are waited for again.
static void wake(const struct arbiter *a, struct stream *s)
{
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        if (s->line[l].heard && a->heard_ns[s->index] - s->line[l].live_ns <= ARBITER_LINE_NS)
            s->line[l].live_ns = a->now;
}

// Streams are found in the order in which they were first heard: the live ones are among the first.
void arbiter_warm(const struct arbiter *a)
{
    enum { STREAMS = 8 };
    warm(a, offsetof(struct arbiter, slot));
    warm(&a->n_streams, offsetof(struct arbiter, open) - offsetof(struct arbiter, n_streams));
    for (uint16_t i = 0; i < a->n_streams && i < STREAMS; i++) {
        const struct stream *s = &a->stream[i];
        warm(&a->heard_ns[i], sizeof *a->heard_ns);
        warm(s, offsetof(struct stream, recent));
        warm(&s->recent[s->next & (RECENT - 1)], sizeof *s->recent);
        warm(s->line, sizeof s->line);
    }
}

enum feed_drop arbiter_take(struct arbiter *a, const struct feed_protocol *proto, const struct frame_info *f,
                            struct feed_packet *p)
{
    struct stream *s = a->last;
    if (!s || !arbiter_is_stream(s, proto, f->channel, f->snapshot))
        s = arbiter_stream_get(a, proto, f);
    if (!s)
        return DROP_CHANNELS;
    if (a->n_open != 0)
        arbiter_time(a, p->ts_ns);
    else if (p->ts_ns > a->now)
        arbiter_move_on(a, p->ts_ns);
    p->venue = (uint8_t)proto->venue;
    p->channel = f->channel;
    p->stream = f->stream;
    p->snapshot = f->snapshot;
    p->used = s->used;
    p->line = f->line_by_group ? line_by_group(a, s, p) : f->line < ARBITER_LINES ? f->line : 0;
    p->seq = f->seq;
    p->count = f->count;
    p->heartbeat = f->count == 0;
    p->restart = false;
    p->gap = 0;
    struct line *l = &s->line[p->line];
    if (a->now - a->heard_ns[s->index] > ARBITER_LINE_NS)
        wake(a, s);
    a->heard_ns[s->index] = l->live_ns = a->now;
    line_heard(l, proto->quiet_ns, a->now, p->ts_ns);
    l->n.heartbeats += p->heartbeat;
    if (f->unordered) {
        take_unordered(a, s, p);
    } else if (is_next(s, f)) {
        accept_next(a, s, f, p, l);
    } else {
        take_ordered(a, s, f, p);
    }
    return DROP_NONE;
}
