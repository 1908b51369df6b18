// SPDX-License-Identifier: Apache-2.0
#include "feed/arbiter.h"

#include "feed/arbiter_line.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOT_BITS = 12,
    SLOTS = 1 << SLOT_BITS, // of the table of streams
    NONE = 0xffff,          // no pool entry
    RECENT = 256,           // accepted datagrams whose receive times are remembered, power of two
};
static_assert((SLOTS & (SLOTS - 1)) == 0 && (int)ARBITER_STREAMS < (int)SLOTS, "probing must end");
static_assert((RECENT & (RECENT - 1)) == 0 && (int)ARBITER_POOL < (int)NONE, "indexes must fit");

// A datagram that waits. Its bytes are in arbiter.bytes at the same index.
struct kept {
    struct feed_packet p;
    uint64_t exchange_ns;
    uint64_t came_ns; // by the arbiter's clock
    uint8_t lines;    // bit l: line l has brought it
    uint16_t next;    // of its stream's list, ascending by number; or of the free list
};

struct stream {
    const struct feed_protocol *proto;
    uint16_t channel;
    bool snapshot, started, restarted, reset;
    uint16_t first, n_kept, open_at; // list of the kept; index in arbiter.open while there are any
    uint64_t half;                   // half of the numbers' range; mask = 2 * half - 1
    uint64_t next;
    uint64_t newest_ns;                    // newest exchange time accepted; 0 = none yet
    uint64_t heard_ns;                     // arbiter's clock at the newest datagram of any line
    uint64_t hole_ns;                      // arbiter's clock when the longest kept datagram came
    uint64_t lost_from, lost_to;           // the newest gap declared
    uint64_t restart_exchange, restart_ns; // of the newest restart: its exchange time, the arbiter's clock
    uint64_t reset_seq, reset_exchange;    // the newest reset of the venue that was followed
    uint64_t gaps, lost;
    uint64_t group[ARBITER_LINES]; // frame_info.line_by_group: destination + 1; 0 = none yet
    struct {
        uint64_t key, ts_ns; // first number + 1, or line_digest(); 0 = none
    } recent[RECENT];
    struct line line[ARBITER_LINES];
};

struct arbiter {
    arbiter_out *out;
    void *ctx;
    struct feed_counters *n;
    uint64_t now;
    struct stream *last;  // found last: packets come in runs of one channel
    uint16_t slot[SLOTS]; // index of a stream + 1; 0 = free
    uint16_t n_streams, n_open, free;
    uint16_t open[ARBITER_STREAMS]; // streams with kept datagrams
    struct stream stream[ARBITER_STREAMS];
    struct kept pool[ARBITER_POOL];
    uint8_t bytes[ARBITER_POOL][ARBITER_PAYLOAD];
};

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

// ---- streams

// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4): neighbouring channels spread over
// the table.
static size_t mix(uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOT_BITS));
}

static bool is_stream(const struct stream *s, const struct feed_protocol *proto, uint16_t channel,
                      bool snapshot)
{
    return s->channel == channel && s->snapshot == snapshot && s->proto == proto;
}

// Where the stream is, or the free slot where it belongs.
static uint16_t *slot_of(struct arbiter *a, const struct feed_protocol *proto, uint16_t channel,
                         bool snapshot)
{
    uint64_t key = (uint64_t)proto->venue << 17 | (uint64_t)snapshot << 16 | channel;
    for (size_t i = mix(key);; i++) {
        uint16_t *at = &a->slot[i & (SLOTS - 1)];
        if (!*at)
            return at;
        if (is_stream(&a->stream[*at - 1], proto, channel, snapshot))
            return at;
    }
}

static struct stream *stream_get(struct arbiter *a, const struct feed_protocol *proto,
                                 const struct frame_info *f)
{
    uint16_t *at = slot_of(a, proto, f->channel, f->snapshot);
    if (!*at) {
        if (a->n_streams == ARBITER_STREAMS)
            return NULL;
        a->stream[a->n_streams] = (struct stream){.proto = proto,
                                                  .channel = f->channel,
                                                  .snapshot = f->snapshot,
                                                  .first = NONE,
                                                  .half = UINT64_C(1) << (f->seq_bits == 64 ? 63 : 31)};
        *at = ++a->n_streams;
    }
    a->last = &a->stream[*at - 1];
    return a->last;
}

static uint64_t distance(const struct stream *s, uint64_t from, uint64_t to)
{
    return seq_distance(s->half, from, to);
}
static bool is_ahead(const struct stream *s, uint64_t d)
{
    return seq_is_ahead(s->half, d);
}

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

static void move_behind(struct stream *s, const struct feed_packet *p, uint64_t exchange_ns)
{
    s->next = (p->seq + p->count) & (s->half * 2 - 1);
    if (exchange_ns > s->newest_ns)
        s->newest_ns = exchange_ns;
}

static void first_of(struct stream *s, const struct feed_packet *p)
{
    s->recent[p->seq & (RECENT - 1)].key = p->seq + 1;
    s->recent[p->seq & (RECENT - 1)].ts_ns = p->ts_ns;
    s->line[p->line].n.first++;
    line_lag(&s->line[p->line], 0);
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        s->line[l].run = 0;
}

// Nearly every datagram: the one expected, nothing waits, and nothing is said of a reset. What accept() does
// then.
static bool is_next(const struct stream *s, const struct frame_info *f)
{
    return f->seq == s->next && s->started && s->n_kept == 0 && f->count != 0 && !f->reset;
}
static void accept_next(struct arbiter *a, struct stream *s, const struct frame_info *f,
                        struct feed_packet *p, struct line *l)
{
    move_behind(s, p, f->exchange_ns);
    line_brought(l, s->half, p->seq, p->count);
    first_of(s, p);
    a->out(a->ctx, s->proto, p, 0);
}

// E moves to behind p, which is given out.
static void accept(struct arbiter *a, struct stream *s, struct feed_packet *p, uint64_t exchange_ns,
                   unsigned lines)
{
    uint32_t skip = (uint32_t)distance(s, p->seq, s->next);
    s->started = true;
    move_behind(s, p, exchange_ns);
    if (p->count) {
        brought_by(s, lines, p->seq, p->count);
        first_of(s, p);
    }
    if (p->gap != 0 || p->restart)
        count_lost(a, s, p);
    a->out(a->ctx, s->proto, p, p->count ? skip : 0);
}

// The hole before `seq` will not be filled any more.
static uint64_t declare(struct stream *s, uint64_t seq)
{
    uint64_t gap = distance(s, s->next, seq);
    s->lost_from = s->next;
    s->lost_to = seq;
    s->next = seq;
    return gap;
}

// ---- what is kept

static bool line_lives(const struct arbiter *a, const struct line *l)
{
    return l->heard && a->now - l->live_ns <= ARBITER_LINE_NS;
}

// The stream speaks again after none of its lines has spoken for long. That says nothing about any of them:
// those that lived before are waited for again.
static void wake(const struct arbiter *a, struct stream *s)
{
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        if (s->line[l].heard && s->heard_ns - s->line[l].live_ns <= ARBITER_LINE_NS)
            s->line[l].live_ns = a->now;
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
    if (l->counted && is_ahead(s, distance(s, l->next, s->next)))
        return ARBITER_LAG_NS;
    uint64_t ns = l->lag_ns < ARBITER_LAG_NS ? l->lag_ns + l->lag_ns / 2 : ARBITER_LAG_NS;
    return ns < ARBITER_LAG_NS ? ns : ARBITER_LAG_NS;
}

// How long the longest kept datagram may wait.
static uint64_t patience(const struct arbiter *a, const struct stream *s)
{
    uint64_t ns = ARBITER_HOLD_NS;
    for (unsigned l = 0; s->proto->lines_lag && l < ARBITER_LINES; l++)
        if (line_lives(a, &s->line[l]) && s->line[l].passed < ARBITER_REORDER && lag_of(s, &s->line[l]) > ns)
            ns = lag_of(s, &s->line[l]);
    return ns;
}

static bool hole_lost(const struct arbiter *a, const struct stream *s)
{
    bool any = false, all = true;
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        if (line_lives(a, &s->line[l])) {
            any = true;
            all = all && s->line[l].passed >= ARBITER_REORDER;
        }
    return (any && all) || s->n_kept >= ARBITER_KEPT || a->now - longest_kept(a, s) >= patience(a, s);
}

static void count_passed(struct stream *s, unsigned lines, int by)
{
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        if (lines >> l & 1)
            s->line[l].passed += (unsigned)by;
}

// Takes the first of the list out of it; its pool entry stays the caller's until give_back().
static uint16_t unlink_first(struct arbiter *a, struct stream *s)
{
    uint16_t k = s->first;
    s->first = a->pool[k].next;
    s->n_kept--;
    count_passed(s, a->pool[k].lines, -1);
    return k;
}

static void give_back(struct arbiter *a, uint16_t k)
{
    a->pool[k].next = a->free;
    a->free = k;
}

// All of [seq, seq + count) is behind the next number; a heartbeat (count 0) when it names one before it.
static bool is_old(const struct stream *s, uint64_t seq, uint32_t count)
{
    uint64_t behind = distance(s, seq, s->next);
    return behind <= s->half && behind >= count && (count || behind);
}

static void let_go(struct arbiter *a, struct stream *s)
{
    uint16_t k = unlink_first(a, s);
    struct kept *e = &a->pool[k];
    if (is_ahead(s, distance(s, s->next, e->p.seq)))
        e->p.gap = declare(s, e->p.seq);
    if (is_old(s, e->p.seq, e->p.count)) { // others, cut otherwise, have brought all of it
        brought_by(s, e->lines, e->p.seq, e->p.count);
        s->line[e->p.line].n.copies += e->p.count != 0;
        a->n->duplicates += e->p.count != 0;
    } else {
        accept(a, s, &e->p, e->exchange_ns, e->lines);
    }
    give_back(a, k);
}

static void close_hole(struct arbiter *a, struct stream *s)
{
    uint16_t last = a->open[--a->n_open];
    a->open[s->open_at] = last;
    a->stream[last].open_at = s->open_at;
}

// Lets go what follows the next number and what a hole that is lost keeps waiting.
static void release(struct arbiter *a, struct stream *s)
{
    if (s->n_kept == 0)
        return;
    while (s->n_kept && (!is_ahead(s, distance(s, s->next, a->pool[s->first].p.seq)) || hole_lost(a, s)))
        let_go(a, s);
    if (s->n_kept)
        s->hole_ns = longest_kept(a, s);
    else
        close_hole(a, s);
}

// The same without patience: what begins before or at `seq`, or all.
static void release_before(struct arbiter *a, struct stream *s, bool all, uint64_t seq)
{
    if (s->n_kept == 0)
        return;
    while (s->n_kept && (all || !is_ahead(s, distance(s, seq, a->pool[s->first].p.seq))))
        let_go(a, s);
    if (s->n_kept)
        s->hole_ns = longest_kept(a, s);
    else
        close_hole(a, s);
}

// The line has brought what is kept already, or what is a part of it.
static bool copy_of_kept(struct arbiter *a, struct stream *s, const struct frame_info *f,
                         const struct feed_packet *p)
{
    for (uint16_t k = s->first; k != NONE; k = a->pool[k].next) {
        struct kept *e = &a->pool[k];
        uint64_t into = distance(s, e->p.seq, f->seq);
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

static void keep(struct arbiter *a, struct stream *s, const struct frame_info *f, const struct feed_packet *p)
{
    uint16_t k = a->free, *at = &s->first;
    struct kept *e = &a->pool[k];
    a->free = e->next;
    while (*at != NONE && !is_ahead(s, distance(s, f->seq, a->pool[*at].p.seq)))
        at = &a->pool[*at].next;
    *e = (struct kept){.p = *p,
                       .exchange_ns = f->exchange_ns,
                       .came_ns = a->now,
                       .lines = (uint8_t)(1u << p->line),
                       .next = *at};
    e->p.payload = memcpy(a->bytes[k], p->payload, p->len);
    *at = k;
    if (s->n_kept++ == 0) {
        s->open_at = a->n_open;
        s->hole_ns = a->now;
        a->open[a->n_open++] = (uint16_t)(s - a->stream);
    }
    count_passed(s, e->lines, 1);
}

// ---- the three cases

static void take_early(struct arbiter *a, struct stream *s, const struct frame_info *f, struct feed_packet *p)
{
    struct line *l = &s->line[p->line];
    if (s->restarted && a->now - s->restart_ns < ARBITER_LINE_NS && f->exchange_ns != 0 &&
        f->exchange_ns < s->restart_exchange) {
        l->n.late += f->count != 0;
        a->n->duplicates += f->count != 0;
        return;
    }
    if (copy_of_kept(a, s, f, p)) {
        release(a, s);
        return;
    }
    l->n.early += f->count != 0;
    a->n->early += f->count != 0;
    if (a->free == NONE || p->len > ARBITER_PAYLOAD) {
        release_before(a, s, false, f->seq);
        if (is_ahead(s, distance(s, s->next, f->seq)))
            p->gap = declare(s, f->seq);
        if (is_old(s, f->seq, f->count)) { // cannot be: nothing kept reaches past it unseen
            l->n.copies += f->count != 0;
            a->n->duplicates += f->count != 0;
        } else {
            accept(a, s, p, f->exchange_ns, 1u << p->line);
        }
    } else {
        keep(a, s, f, p);
    }
    release(a, s);
}

static void restart(struct arbiter *a, struct stream *s, const struct frame_info *f, struct feed_packet *p,
                    uint64_t lost)
{
    release_before(a, s, true, 0);
    p->restart = true;
    p->gap = lost;
    s->next = f->seq;
    s->newest_ns = 0; // accept() sets it: what was there before may have been a lie
    s->lost_from = s->lost_to = f->seq;
    s->restarted = true;
    s->restart_exchange = f->exchange_ns;
    s->restart_ns = a->now;
    memset(s->recent, 0, sizeof s->recent);
    for (unsigned l = 0; l < ARBITER_LINES; l++)
        s->line[l].counted = false;
    accept(a, s, p, f->exchange_ns, 1u << p->line);
}

// Takes a datagram behind the next number into its line's run; whether the run is the venue's new sequence.
static bool run_restarts(const struct stream *s, struct line *l, const struct frame_info *f)
{
    bool goes_on = l->run != 0 && f->seq == l->run_next;
    l->run_numbers = goes_on ? l->run_numbers + f->count : f->count;
    l->run = goes_on ? l->run + 1 : 1;
    l->run_next = (f->seq + f->count) & (s->half * 2 - 1);
    bool fresh = f->exchange_ns > s->newest_ns && l->run >= ARBITER_RESTART_RUN;
    return fresh || l->run >= ARBITER_WEDGE_RUN;
}

static void take_old(struct arbiter *a, struct stream *s, const struct frame_info *f, struct feed_packet *p)
{
    struct line *l = &s->line[p->line];
    if (f->count == 0)
        return;
    if (run_restarts(s, l, f)) {
        restart(a, s, f, p, l->run_numbers - f->count);
        return;
    }
    a->n->duplicates++;
    uint64_t gap = distance(s, s->lost_from, s->lost_to);
    if (distance(s, s->lost_from, f->seq) < gap) {
        l->n.late++;
    } else {
        uint64_t first_ns = s->recent[f->seq & (RECENT - 1)].ts_ns;
        if (s->recent[f->seq & (RECENT - 1)].key == f->seq + 1) {
            line_lead(l, first_ns, p->ts_ns);
            line_lag(l, p->ts_ns > first_ns ? p->ts_ns - first_ns : 0);
        }
        l->n.copies++;
    }
    line_brought(l, s->half, f->seq, f->count);
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
    if (!s->started)
        s->next = f->seq;
    if (is_ahead(s, distance(s, s->next, f->seq))) {
        p->restart = reset;
        take_early(a, s, f, p);
    } else if (!is_old(s, f->seq, f->count)) {
        p->restart = reset;
        accept(a, s, p, f->exchange_ns, 1u << p->line);
        release(a, s);
    } else if (reset && (f->exchange_ns == 0 || f->exchange_ns > s->newest_ns)) {
        restart(a, s, f, p, 0);
    } else {
        take_old(a, s, f, p);
    }
}

// Datagrams without a place in the sequence are copies when they are equal: their headers say when each was
// sent.
static void take_unordered(struct arbiter *a, struct stream *s, struct feed_packet *p)
{
    struct line *l = &s->line[p->line];
    uint64_t key = line_digest(p->payload, p->len), ago;
    size_t at = (size_t)(key >> 1) & (RECENT - 1);
    ago = a->now - s->recent[at].ts_ns;
    if (s->recent[at].key == key && ago <= ARBITER_LINE_NS) {
        l->n.copies++;
        a->n->duplicates++;
        return;
    }
    s->recent[at].key = key;
    s->recent[at].ts_ns = a->now;
    l->n.first++;
    a->out(a->ctx, s->proto, p, 0);
}

static uint8_t line_by_group(struct stream *s, const struct feed_packet *p)
{
    uint64_t group = ((uint64_t)p->dst_ip << 16 | p->dst_port) + 1;
    for (uint8_t l = 0; l < ARBITER_LINES; l++) {
        if (!s->group[l])
            s->group[l] = group;
        if (s->group[l] == group)
            return l;
    }
    return 0;
}

enum feed_drop arbiter_take(struct arbiter *a, const struct feed_protocol *proto, const struct frame_info *f,
                            struct feed_packet *p)
{
    struct stream *s = a->last;
    if (!s || !is_stream(s, proto, f->channel, f->snapshot))
        s = stream_get(a, proto, f);
    if (!s)
        return DROP_CHANNELS;
    if (a->n_open != 0)
        arbiter_time(a, p->ts_ns);
    else if (p->ts_ns > a->now)
        a->now = p->ts_ns;
    p->venue = (uint8_t)proto->venue;
    p->channel = f->channel;
    p->stream = f->stream;
    p->snapshot = f->snapshot;
    p->line = f->line_by_group ? line_by_group(s, p) : f->line < ARBITER_LINES ? f->line : 0;
    p->seq = f->seq;
    p->count = f->count;
    p->heartbeat = f->count == 0;
    p->restart = false;
    p->gap = 0;
    struct line *l = &s->line[p->line];
    if (a->now - s->heard_ns > ARBITER_LINE_NS)
        wake(a, s);
    s->heard_ns = l->live_ns = a->now;
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

// ---- time and reports

void arbiter_time(struct arbiter *a, uint64_t now_ns)
{
    bool over = now_ns == UINT64_MAX; // that is no time: nothing was silent until then
    if (now_ns > a->now && !over)
        a->now = now_ns;
    for (size_t i = a->n_open;
         i-- > 0;) { // from the end: a stream that is done leaves its place to the last one
        struct stream *s = &a->stream[a->open[i]];
        if (over)
            release_before(a, s, true, 0);
        else if (a->now - s->hole_ns >= patience(a, s))
            release(a, s);
    }
}

bool arbiter_due(const struct arbiter *a, uint64_t now_ns)
{
    for (size_t i = 0; i < a->n_open; i++) {
        const struct stream *s = &a->stream[a->open[i]];
        if (now_ns > s->hole_ns && now_ns - s->hole_ns >= patience(a, s))
            return true;
    }
    return false;
}

void arbiter_bad(struct arbiter *a, const struct feed_protocol *proto, const struct frame_info *f)
{
    const uint16_t *at = slot_of(a, proto, f->channel, f->snapshot);
    if (*at)
        a->stream[*at - 1].line[f->line < ARBITER_LINES ? f->line : 0].n.bad++;
}

void arbiter_unknown(struct arbiter *a, const struct feed_protocol *proto, const struct feed_packet *p,
                     uint64_t n)
{
    const uint16_t *at = slot_of(a, proto, p->channel, p->snapshot);
    if (*at)
        a->stream[*at - 1].line[p->line].n.unknown_templates += n;
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
                                   .next = s->next,
                                   .gaps = s->gaps,
                                   .lost = s->lost,
                                   .kept = s->n_kept};
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
