// SPDX-License-Identifier: Apache-2.0
#include "feed/arbiter_state.h"

#include <string.h>

// ---- a line's run: datagrams behind the number expected, each of which begins where the one before ended.
// Those that may be of a new sequence are kept until it is known whether they are.

// Dropped: a copy, or late.
static void count_old(struct arbiter *a, struct stream *s, struct line *l, uint64_t seq, uint32_t count)
{
    uint64_t gap = arbiter_distance(s, s->lost_from, s->lost_to);
    a->n->duplicates++;
    if (arbiter_distance(s, s->lost_from, seq) < gap)
        l->n.late++;
    else
        l->n.copies++;
    line_brought(l, s->half, seq, count);
}

// Takes the first datagram out of the line's run; its pool entry is the caller's.
static uint16_t unlink_run(struct arbiter *a, struct stream *s, struct line *l)
{
    uint16_t k = l->run_first;
    l->run_first = a->pool[k].next;
    l->run_kept--;
    s->n_run--;
    a->n_run--;
    return k;
}

static void drop_first(struct arbiter *a, struct stream *s, struct line *l)
{
    uint16_t k = unlink_run(a, s, l);
    count_old(a, s, l, a->pool[k].p.seq, a->pool[k].p.count);
    arbiter_give_back(a, k);
}

static void drop_run(struct arbiter *a, struct stream *s, struct line *l)
{
    while (l->run_kept)
        drop_first(a, s, l);
}

void arbiter_drop_runs(struct arbiter *a, struct stream *s)
{
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        drop_run(a, s, &s->line[l]);
}

static bool is_known(const struct stream *s, uint64_t seq)
{
    return s->recent[seq & (RECENT - 1)].key == seq + 1;
}

// Not a copy of anything: newer than all that the stream has carried, or without a time and not known. What
// the other line repeats, however late, has been carried.
static bool may_be_new(const struct stream *s, const struct frame_info *f)
{
    return f->exchange_ns ? f->exchange_ns > s->newest_ns : !is_known(s, f->seq);
}

// Keeps the newest of the run, in order and without a hole. False: this one is not kept, and none before it.
static bool keep_in_run(struct arbiter *a, struct stream *s, struct line *l, const struct frame_info *f,
                        const struct feed_packet *p)
{
    bool room = may_be_new(s, f) && (l->run_kept == ARBITER_RUN_KEPT || a->n_run < ARBITER_RUN_POOL);
    if (l->run_kept == ARBITER_RUN_KEPT)
        drop_first(a, s, l);
    uint16_t k = room ? arbiter_copy(a, f, p) : (uint16_t)NONE;
    if (k == NONE) {
        drop_run(a, s, l);
        return false;
    }
    if (l->run_kept)
        a->pool[l->run_last].next = k;
    else
        l->run_first = k;
    l->run_last = k;
    l->run_kept++;
    s->n_run++;
    a->n_run++;
    return true;
}

// Takes a datagram behind the next number into its line's run; whether the run is the venue's new sequence.
static bool run_restarts(struct arbiter *a, struct stream *s, struct line *l, const struct frame_info *f)
{
    bool goes_on = l->run != 0 && f->seq == l->run_next;
    if (!goes_on)
        drop_run(a, s, l);
    l->run_numbers = goes_on ? l->run_numbers + f->count : f->count;
    l->run_ns = goes_on ? l->run_ns : a->now;
    l->run = goes_on ? l->run + 1 : 1;
    l->run_next = (f->seq + f->count) & (s->half * 2 - 1);
    bool fresh = f->exchange_ns > s->newest_ns && l->run >= ARBITER_RESTART_RUN;
    bool lasting = f->exchange_ns == 0 || a->now - l->run_ns >= ARBITER_LINE_NS;
    return fresh || (lasting && l->run >= ARBITER_WEDGE_RUN);
}

// ---- the restart

// Takes all of a line's run out of it: the first of the list, or NONE.
static uint16_t detach(struct arbiter *a, struct stream *s, struct line *l)
{
    uint16_t first = l->run_kept ? l->run_first : (uint16_t)NONE;
    while (l->run_kept)
        (void)unlink_run(a, s, l);
    return first;
}

static void begin_anew(struct arbiter *a, struct stream *s, uint64_t seq, uint64_t exchange_ns)
{
    s->next = seq;
    s->newest_ns = 0; // accepting sets it: what was there before may have been a lie
    s->lost_from = s->lost_to = seq;
    s->restarted = true;
    s->restart_exchange = exchange_ns;
    s->restart_ns = a->now;
    memset(s->recent, 0, sizeof s->recent);
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        s->line[l].counted = false;
}

// What a run held that did not bring about the restart itself: of the new sequence as far as its time says
// so, else of the old one.
static void offer(struct arbiter *a, struct stream *s, uint16_t k)
{
    struct kept *e = &a->pool[k];
    struct line *l = &s->line[e->p.line];
    bool is_new = e->exchange_ns != 0 && e->exchange_ns >= s->restart_exchange;
    if (is_new && arbiter_ahead(s, arbiter_distance(s, s->next, e->p.seq))) {
        arbiter_wait(a, s, k);
        return;
    }
    if (arbiter_is_old(s, e->p.seq, e->p.count)) {
        count_old(a, s, l, e->p.seq, e->p.count);
    } else if (is_new) {
        arbiter_accept(a, s, &e->p, e->exchange_ns, e->lines);
    } else {
        l->n.late++;
        a->n->duplicates++;
    }
    arbiter_give_back(a, k);
}

static void offer_all(struct arbiter *a, struct stream *s, uint16_t k)
{
    while (k != NONE) {
        uint16_t next = a->pool[k].next;
        offer(a, s, k);
        k = next;
    }
}

// The run of line `by` is the new sequence; its kept ones come before p, what it had before them is lost.
static void restart(struct arbiter *a, struct stream *s, const struct frame_info *f, struct feed_packet *p,
                    const struct line *by)
{
    uint16_t run[ARBITER_LINES], own = NONE;
    uint64_t exchange_ns = f->exchange_ns, lost = by ? by->run_numbers - f->count : 0;
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        run[l] = detach(a, s, &s->line[l]);
    if (by) {
        own = run[p->line];
        run[p->line] = NONE;
    }
    arbiter_release_all(a, s);
    for (uint16_t k = own; k != NONE; k = a->pool[k].next) {
        lost -= a->pool[k].p.count;
        if (a->pool[k].exchange_ns && a->pool[k].exchange_ns < exchange_ns)
            exchange_ns = a->pool[k].exchange_ns;
    }
    begin_anew(a, s, own != NONE ? a->pool[own].p.seq : f->seq, exchange_ns);
    struct feed_packet *first = own != NONE ? &a->pool[own].p : p;
    first->restart = true;
    first->gap = lost;
    while (own != NONE) {
        uint16_t k = own;
        own = a->pool[k].next;
        arbiter_accept(a, s, &a->pool[k].p, a->pool[k].exchange_ns, a->pool[k].lines);
        arbiter_give_back(a, k);
    }
    arbiter_accept(a, s, p, f->exchange_ns, 1u << p->line);
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        offer_all(a, s, run[l]);
    arbiter_release(a, s);
}

void arbiter_reset(struct arbiter *a, struct stream *s, const struct frame_info *f, struct feed_packet *p)
{
    restart(a, s, f, p, NULL);
}

void arbiter_take_old(struct arbiter *a, struct stream *s, const struct frame_info *f, struct feed_packet *p)
{
    struct line *l = &s->line[p->line];
    if (f->count == 0)
        return;
    if (run_restarts(a, s, l, f)) {
        restart(a, s, f, p, l);
        return;
    }
    if (keep_in_run(a, s, l, f, p))
        return;
    if (is_known(s, f->seq)) {
        uint64_t first_ns = s->recent[f->seq & (RECENT - 1)].ts_ns;
        if (arbiter_distance(s, s->lost_from, f->seq) >= arbiter_distance(s, s->lost_from, s->lost_to)) {
            line_lead(l, first_ns, p->ts_ns);
            line_lag(l, p->ts_ns > first_ns ? p->ts_ns - first_ns : 0);
        }
    }
    count_old(a, s, l, f->seq, f->count);
}
