// SPDX-License-Identifier: Apache-2.0
#include "feed/arbiter_state.h"

#include <string.h>

// ---- accepting

static void brought_by(struct stream *s, unsigned lines, uint64_t seq, uint32_t count)
{
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        if (lines >> l & 1)
            line_brought(&s->line[l], s->half, seq, count);
}

static void count_lost(struct arbiter *a, struct stream *s, const struct feed_packet *p)
{
    a->n->gaps += p->gap != 0;
    a->n->missing += p->gap;
    a->n->restarts += p->restart;
    s->gaps += p->gap != 0;
    s->lost += p->gap;
}

void arbiter_accept(struct arbiter *a, struct stream *s, struct feed_packet *p, uint64_t exchange_ns,
                    unsigned lines)
{
    if (s->n_run && p->count)
        arbiter_drop_runs(a, s);
    uint32_t skip = (uint32_t)arbiter_distance(s, p->seq, s->next);
    s->started = true;
    arbiter_move_behind(s, p, exchange_ns);
    if (p->count) {
        brought_by(s, lines, p->seq, p->count);
        arbiter_first_of(s, p);
    }
    if (p->gap != 0 || p->restart)
        count_lost(a, s, p);
    a->out(a->ctx, s->proto, p, p->count ? skip : 0);
}

// The hole before `seq` will not be filled any more.
static uint64_t declare(struct stream *s, uint64_t seq)
{
    uint64_t gap = arbiter_distance(s, s->next, seq);
    s->lost_from = s->next;
    s->lost_to = seq;
    s->next = seq;
    return gap;
}

// ---- how long a hole is waited for

// Whether so much time lies between that a silence of it counts. Stamps may be ahead of what was read.
static bool is_over(uint64_t from_ns, uint64_t to_ns, uint64_t ns)
{
    return to_ns > from_ns && to_ns - from_ns >= ns;
}

static bool line_lives(const struct line *l, uint64_t read_ns)
{
    return l->heard && !is_over(l->live_ns, read_ns, ARBITER_LINE_NS + 1);
}

static uint64_t longest_kept(const struct arbiter *a, const struct stream *s)
{
    uint64_t ns = UINT64_MAX;
    for (uint16_t k = s->first; k != NONE; k = a->pool[k].next)
        if (a->pool[k].came_ns < ns)
            ns = a->pool[k].came_ns;
    return ns;
}

// How far a line is behind that has not passed the hole: it has yet to bring what precedes it, or brings what
// fills it as late as it brought the datagrams before (half as much again is for the spread).
static uint64_t lag_of(const struct stream *s, const struct line *l)
{
    if (l->counted && arbiter_ahead(s, arbiter_distance(s, l->next, s->next)))
        return ARBITER_LAG_NS;
    uint64_t ns = l->lag_ns < ARBITER_LAG_NS ? l->lag_ns + l->lag_ns / 2 : ARBITER_LAG_NS;
    return ns < ARBITER_LAG_NS ? ns : ARBITER_LAG_NS;
}

// How long the longest kept datagram may wait.
static uint64_t patience(const struct stream *s, uint64_t read_ns)
{
    uint64_t ns = ARBITER_HOLD_NS;
    for (unsigned l = 0; s->proto->lines_lag && l < ARBITER_LINES; l++)
        if (line_lives(&s->line[l], read_ns) && s->line[l].passed < ARBITER_REORDER &&
            lag_of(s, &s->line[l]) > ns)
            ns = lag_of(s, &s->line[l]);
    return ns;
}

// Everything that came before read_ns has been taken; the longest kept datagram came at longest_ns.
static bool hole_lost(const struct stream *s, uint64_t read_ns, uint64_t longest_ns)
{
    bool any = false, all = true;
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        if (line_lives(&s->line[l], read_ns)) {
            any = true;
            all = all && s->line[l].passed >= ARBITER_REORDER;
        }
    return (any && all) || s->n_kept >= ARBITER_KEPT || is_over(longest_ns, read_ns, patience(s, read_ns));
}

// ---- what is kept

static void count_passed(struct stream *s, unsigned lines, int by)
{
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        if (lines >> l & 1)
            s->line[l].passed += (unsigned)by;
}

// Takes the first of the list out of it; its pool entry stays the caller's until arbiter_give_back().
static uint16_t unlink_first(struct arbiter *a, struct stream *s)
{
    uint16_t k = s->first;
    s->first = a->pool[k].next;
    s->n_kept--;
    count_passed(s, a->pool[k].lines, -1);
    return k;
}

void arbiter_give_back(struct arbiter *a, uint16_t k)
{
    a->pool[k].next = a->free;
    a->free = k;
}

static void let_go(struct arbiter *a, struct stream *s)
{
    uint16_t k = unlink_first(a, s);
    struct kept *e = &a->pool[k];
    if (arbiter_ahead(s, arbiter_distance(s, s->next, e->p.seq)))
        e->p.gap = declare(s, e->p.seq);
    if (arbiter_is_old(s, e->p.seq, e->p.count)) { // others, cut otherwise, have brought all of it
        brought_by(s, e->lines, e->p.seq, e->p.count);
        s->line[e->p.line].n.copies += e->p.count != 0;
        a->n->duplicates += e->p.count != 0;
    } else {
        arbiter_accept(a, s, &e->p, e->exchange_ns, e->lines);
    }
    arbiter_give_back(a, k);
}

// After some were let go: what is left, and since when.
static void look_at_hole(struct arbiter *a, struct stream *s)
{
    if (s->n_kept) {
        s->hole_ns = longest_kept(a, s);
        return;
    }
    uint16_t last = a->open[--a->n_open];
    a->open[s->open_at] = last;
    a->stream[last].open_at = s->open_at;
}

void arbiter_release(struct arbiter *a, struct stream *s)
{
    if (s->n_kept == 0)
        return;
    while (s->n_kept && (!arbiter_ahead(s, arbiter_distance(s, s->next, a->pool[s->first].p.seq)) ||
                         hole_lost(s, a->read_ns, longest_kept(a, s))))
        let_go(a, s);
    look_at_hole(a, s);
}

// The same without patience: what begins before or at `seq`.
static void release_before(struct arbiter *a, struct stream *s, uint64_t seq)
{
    if (s->n_kept == 0)
        return;
    while (s->n_kept && !arbiter_ahead(s, arbiter_distance(s, seq, a->pool[s->first].p.seq)))
        let_go(a, s);
    look_at_hole(a, s);
}

void arbiter_release_all(struct arbiter *a, struct stream *s)
{
    if (s->n_kept == 0)
        return;
    while (s->n_kept)
        let_go(a, s);
    look_at_hole(a, s);
}

// The line has brought what is kept already, or what is a part of it.
static bool copy_of_kept(struct arbiter *a, struct stream *s, const struct frame_info *f,
                         const struct feed_packet *p)
{
    for (uint16_t k = s->first; k != NONE; k = a->pool[k].next) {
        struct kept *e = &a->pool[k];
        uint64_t into = arbiter_distance(s, e->p.seq, f->seq);
        if (into >= s->half)
            return false; // the list goes on behind it
        if (f->count == 0 ? (e->p.count || into) : (into >= e->p.count || f->count > e->p.count - into))
            continue;
        struct line *l = &s->line[p->line];
        unsigned bit = 1u << p->line;
        if (!(e->lines & bit))
            count_passed(s, bit, 1);
        e->lines |= (uint8_t)bit;
        if (f->count != 0) {
            if (into == 0 && f->count == e->p.count)
                line_lead(l, e->p.ts_ns, p->ts_ns);
            l->n.copies++;
            a->n->duplicates++;
        }
        return true;
    }
    return false;
}

uint16_t arbiter_copy(struct arbiter *a, const struct frame_info *f, const struct feed_packet *p)
{
    uint16_t k = a->free;
    if (k == NONE || p->len > ARBITER_PAYLOAD)
        return NONE;
    struct kept *e = &a->pool[k];
    a->free = e->next;
    *e = (struct kept){.p = *p,
                       .exchange_ns = f->exchange_ns,
                       .came_ns = a->now,
                       .lines = (uint8_t)(1u << p->line),
                       .next = NONE};
    e->p.payload = memcpy(a->bytes[k], p->payload, p->len);
    return k;
}

void arbiter_wait(struct arbiter *a, struct stream *s, uint16_t k)
{
    struct kept *e = &a->pool[k];
    uint16_t *at = &s->first;
    while (*at != NONE && !arbiter_ahead(s, arbiter_distance(s, e->p.seq, a->pool[*at].p.seq)))
        at = &a->pool[*at].next;
    e->came_ns = a->now;
    e->next = *at;
    *at = k;
    if (s->n_kept++ == 0) {
        s->open_at = a->n_open;
        s->hole_ns = a->now;
        a->open[a->n_open++] = s->index;
    }
    count_passed(s, e->lines, 1);
    s->line[e->p.line].n.early += e->p.count != 0;
    a->n->early += e->p.count != 0;
}

// There is no room for it to wait: everything up to it is let go, and then it is next.
static void take_at_once(struct arbiter *a, struct stream *s, const struct frame_info *f,
                         struct feed_packet *p)
{
    struct line *l = &s->line[p->line];
    l->n.early += f->count != 0;
    a->n->early += f->count != 0;
    release_before(a, s, f->seq);
    if (arbiter_ahead(s, arbiter_distance(s, s->next, f->seq)))
        p->gap = declare(s, f->seq);
    if (!arbiter_is_old(s, f->seq, f->count)) // a heartbeat may be: those have brought what it names
        arbiter_accept(a, s, p, f->exchange_ns, 1u << p->line);
}

void arbiter_take_early(struct arbiter *a, struct stream *s, const struct frame_info *f,
                        struct feed_packet *p)
{
    if (s->restarted && a->now - s->restart_ns < ARBITER_LINE_NS && f->exchange_ns != 0 &&
        f->exchange_ns < s->restart_exchange) {
        s->line[p->line].n.late += f->count != 0;
        a->n->duplicates += f->count != 0;
        return;
    }
    if (!copy_of_kept(a, s, f, p)) {
        uint16_t k = arbiter_copy(a, f, p);
        if (k != NONE)
            arbiter_wait(a, s, k);
        else
            take_at_once(a, s, f, p);
    }
    arbiter_release(a, s);
}

// ---- time

// Lets go what is due. From the end: a stream that is done leaves its place to the last one.
static void let_go_due(struct arbiter *a)
{
    for (size_t i = a->n_open; i-- > 0;) {
        struct stream *s = &a->stream[a->open[i]];
        if (hole_lost(s, a->read_ns, s->hole_ns))
            arbiter_release(a, s);
    }
}

// The input is over. That is no time: nothing was silent until then.
static void let_go_all(struct arbiter *a)
{
    for (size_t i = a->n_open; i-- > 0;)
        arbiter_release_all(a, &a->stream[a->open[i]]);
    for (size_t i = 0; i < a->n_streams; i++)
        arbiter_drop_runs(a, &a->stream[i]);
}

void arbiter_time(struct arbiter *a, uint64_t now_ns)
{
    if (now_ns == UINT64_MAX) {
        let_go_all(a);
        return;
    }
    if (now_ns > a->now)
        arbiter_move_on(a, now_ns);
    if (!a->polled)
        let_go_due(a);
}

void arbiter_read(struct arbiter *a, uint64_t until_ns)
{
    if (until_ns > a->now)
        a->now = until_ns;
    if (until_ns > a->read_ns)
        a->read_ns = until_ns;
    let_go_due(a);
}

bool arbiter_due(const struct arbiter *a, uint64_t until_ns)
{
    for (size_t i = 0; i < a->n_open; i++) {
        const struct stream *s = &a->stream[a->open[i]];
        if (until_ns > a->read_ns && hole_lost(s, until_ns, s->hole_ns))
            return true;
    }
    return false;
}
