// SPDX-License-Identifier: Apache-2.0
// Random pairs of lines (loss, copies, delay, reordering, heartbeats, packets cut differently) against a
// model that holds everything in plain arrays and follows arbiter.h's text, and against what is true whatever
// the model says: no number twice, none out of order, gaps exactly where neither line brought it in time,
// counters that add up.
#include "base/prng.h"
#include "base/test_seed.h"
#include "feed/arbitertest.h"

enum { NUMBERS = 1500, EVENTS_MAX = 12000, OUTS_MAX = 8000 };

// A datagram on its way: numbers count from 0, whatever the venue's do.
struct event {
    uint64_t at, seq;
    uint32_t count;
    unsigned line, order;
};

struct result {
    uint64_t seq, gap;
    uint32_t count, skip;
};

static struct prng rnd;
static struct event ev[EVENTS_MAX];
static unsigned n_ev;
static struct result got[OUTS_MAX], want[OUTS_MAX];
static unsigned n_got, n_want;
static uint64_t base, mask; // first number on the wire

static uint64_t below(uint64_t n)
{
    return prng_below(&rnd, n);
}

// ---- the lines

struct plan {
    unsigned lines, loss_ppm, dup_ppm, heartbeat_ppm, packet_max;
    uint64_t step, skew[2], jitter; // ns between datagrams; delay of each line; spread of delays
};

static void add(uint64_t at, unsigned line, uint64_t seq, uint32_t count)
{
    ck_assert_uint_lt(n_ev, EVENTS_MAX);
    ev[n_ev] = (struct event){at, seq, count, line, n_ev};
    n_ev++;
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void make_lines(const struct plan *p)
{
    static uint64_t sent[NUMBERS]; // by the venue, on both lines
    sent[0] = 1000000000;
    for (unsigned s = 1; s < NUMBERS; s++) {
        sent[s] = sent[s - 1] + p->step + below(p->step + 1);
        if (prng_chance(&rnd, 1, 100))
            sent[s] += below(10 * p->step + 1) * below(100); // a pause
    }
    n_ev = 0;
    for (unsigned l = 0; l < p->lines; l++) {
        for (uint64_t s = 0; s < NUMBERS;) {
            uint32_t n = 1 + (uint32_t)below(p->packet_max);
            if (n > NUMBERS - s)
                n = (uint32_t)(NUMBERS - s);
            uint64_t at = sent[s + n - 1];
            if (prng_chance(&rnd, p->heartbeat_ppm, 1000000))
                add(at + p->skew[l], l, s, 0);
            for (unsigned copies = prng_chance(&rnd, p->dup_ppm, 1000000) ? 2 : 1; copies; copies--)
                if (s == 0 || !prng_chance(&rnd, p->loss_ppm, 1000000))
                    add(at + p->skew[l] + below(p->jitter + 1), l, s, n);
            s += n;
        }
    }
    qsort(ev, n_ev, sizeof *ev, by_time);
}

// ---- the model

struct waiting {
    struct event e;
    uint64_t came;
    bool by[2];
};

static struct {
    uint64_t next, now, heard[2];
    bool started, is_heard[2];
    struct waiting w[ARBITER_KEPT + 1];
    unsigned n;
    uint64_t gaps, lost;
} m;

static void model_out(const struct event *e, uint64_t gap)
{
    ck_assert_uint_lt(n_want, OUTS_MAX);
    uint64_t skip = e->count ? m.next - e->seq : 0;
    want[n_want++] = (struct result){e->seq, gap, e->count, (uint32_t)skip};
    m.next = e->seq + e->count;
    m.gaps += gap != 0;
    m.lost += gap;
}

static bool model_lost(void)
{
    uint64_t oldest = UINT64_MAX;
    bool any = false, all = true;
    for (unsigned l = 0; l < 2; l++) {
        unsigned passed = 0;
        for (unsigned i = 0; i < m.n; i++)
            passed += m.w[i].by[l];
        if (m.is_heard[l] && m.now - m.heard[l] <= ARBITER_LINE_NS) {
            any = true;
            all &= passed >= ARBITER_REORDER;
        }
    }
    for (unsigned i = 0; i < m.n; i++)
        oldest = m.w[i].came < oldest ? m.w[i].came : oldest;
    return (any && all) || m.n >= ARBITER_KEPT || m.now - oldest >= HOLD;
}

static void model_release(void)
{
    while (m.n) {
        unsigned k = 0;
        for (unsigned i = 1; i < m.n; i++) // the lowest; of equal ones the first to come
            if (m.w[i].e.seq < m.w[k].e.seq)
                k = i;
        struct event e = m.w[k].e;
        uint64_t gap = e.seq > m.next ? e.seq - m.next : 0;
        if (gap && !model_lost())
            return;
        memmove(&m.w[k], &m.w[k + 1], (m.n - k - 1) * sizeof m.w[0]);
        m.n--;
        m.next += gap;
        if (e.seq + e.count > m.next || (e.count == 0 && e.seq == m.next))
            model_out(&e, gap);
    }
}

static void model_time(uint64_t now)
{
    m.now = now > m.now ? now : m.now;
    model_release();
}

static void model_take(const struct event *e)
{
    model_time(e->at);
    uint64_t newest = m.heard[0] > m.heard[1] ? m.heard[0] : m.heard[1];
    for (unsigned l = 0; l < 2; l++) // a silence of both says nothing about either
        if (m.is_heard[l] && m.now - newest > ARBITER_LINE_NS && newest - m.heard[l] <= ARBITER_LINE_NS)
            m.heard[l] = m.now;
    m.is_heard[e->line] = true;
    m.heard[e->line] = m.now;
    if (!m.started)
        m.next = e->seq;
    m.started = true;
    if (e->seq > m.next) {
        for (unsigned i = 0; i < m.n; i++) {
            const struct event *k = &m.w[i].e;
            bool same = e->count == 0 ? k->count == 0 && k->seq == e->seq
                                      : k->seq <= e->seq && e->seq + e->count <= k->seq + k->count;
            if (!same)
                continue;
            // Where several cover it, the lowest and first is the one that counts.
            unsigned best = i;
            for (unsigned j = i + 1; j < m.n; j++) {
                const struct event *o = &m.w[j].e;
                if (e->count && o->seq <= e->seq && e->seq + e->count <= o->seq + o->count &&
                    o->seq < m.w[best].e.seq)
                    best = j;
            }
            m.w[best].by[e->line] = true;
            model_release();
            return;
        }
        m.w[m.n] = (struct waiting){*e, m.now, {false, false}};
        m.w[m.n++].by[e->line] = true;
        model_release();
    } else if (e->seq + e->count > m.next || (e->count == 0 && e->seq == m.next)) {
        model_out(e, 0);
        model_release();
    }
}

// ---- the arbiter

static void keep_result(void *ctx, const struct feed_protocol *proto, struct feed_packet *p, uint32_t skip)
{
    (void)ctx;
    ck_assert_ptr_eq(proto, &PROTO);
    ck_assert_uint_lt(n_got, OUTS_MAX);
    ck_assert_uint_eq(le64_load(p->payload), p->seq);
    ck_assert(!p->restart);
    got[n_got++] = (struct result){(p->seq - base) & mask, p->gap, p->count, skip};
}

static void feed_event(const struct event *e, unsigned bits)
{
    struct frame_info f = info(e->line, (base + e->seq) & mask, e->count, 1 + e->seq + e->count);
    f.seq_bits = bits;
    now_ns = e->at;
    ck_assert_int_eq(take_info(&f, 16), DROP_NONE);
}

// hasty: the clock runs ahead of the datagrams now and then.
static void run_both(bool hasty)
{
    static const uint64_t starts[] = {0, 1, UINT32_MAX - 700, 0x80000000u - 300};
    unsigned bits = prng_chance(&rnd, 1, 2) ? 64 : 32;
    mask = bits == 64 ? UINT64_MAX : UINT32_MAX;
    base = bits == 64 && prng_chance(&rnd, 1, 2) ? UINT64_MAX - below(1000) : starts[below(4)];
    memset(&counted, 0, sizeof counted);
    memset(&m, 0, sizeof m);
    n_got = n_want = 0;
    arbiter_free(arb);
    arb = arbiter_new(&counted, keep_result, NULL);
    for (unsigned i = 0; i < n_ev; i++) {
        model_take(&ev[i]);
        feed_event(&ev[i], bits);
        ck_assert_uint_eq(n_got, n_want);
        if (hasty && prng_chance(&rnd, 1, 20)) {
            uint64_t t = ev[i].at + below(2 * HOLD);
            bool due = arbiter_due(arb, t);
            unsigned before = n_got;
            model_time(t);
            arbiter_time(arb, t);
            ck_assert_uint_eq(due, n_got != before);
        }
    }
    model_time(UINT64_MAX);
    arbiter_time(arb, UINT64_MAX);
    ck_assert_uint_eq(n_got, n_want);
    for (unsigned i = 0; i < n_got; i++)
        ck_assert_msg(memcmp(&got[i], &want[i], sizeof got[i]) == 0,
                      "out %u: %" PRIu64 "x%u-%u gap %" PRIu64 ", the model says %" PRIu64
                      "x%u-%u gap %" PRIu64,
                      i, got[i].seq, got[i].count, got[i].skip, got[i].gap, want[i].seq, want[i].count,
                      want[i].skip, want[i].gap);
}

// ---- what holds in any case

// state of each number: delivered, declared lost, or (before the first and behind the last) neither
static uint8_t fate[NUMBERS];
enum { NEITHER, DELIVERED, LOST };

static void check_order(void)
{
    uint64_t at = n_got ? got[0].seq : 0;
    memset(fate, NEITHER, sizeof fate);
    for (unsigned i = 0; i < n_got; i++) {
        for (uint64_t k = 0; k < got[i].gap; k++)
            fate[at++] = LOST;
        ck_assert_uint_eq(got[i].seq + got[i].skip, at);
        for (uint64_t k = got[i].skip; k < got[i].count; k++)
            fate[at++] = DELIVERED;
    }
}

static void check_counters(unsigned lines)
{
    struct arbiter_stream s = stream_at(0);
    uint64_t delivered = 0, lost = 0, dropped = 0, accepted = 0, packets = 0;
    for (unsigned i = 0; i < NUMBERS; i++) {
        delivered += fate[i] == DELIVERED;
        lost += fate[i] == LOST;
    }
    ck_assert_uint_eq(s.lost, lost);
    ck_assert_uint_eq(counted.missing, lost);
    ck_assert_uint_eq(counted.gaps, m.gaps);
    ck_assert_uint_eq(s.gaps, m.gaps);
    ck_assert_uint_eq(s.kept, 0);
    for (unsigned l = 0; l < 2; l++) {
        const struct line_counters *n = &s.line[l];
        ck_assert_uint_eq(n->packets, n->first + n->copies + n->late + n->heartbeats);
        ck_assert(l < lines || n->packets == 0);
        dropped += n->copies + n->late;
        accepted += n->first;
        packets += n->packets;
    }
    ck_assert_uint_eq(packets, n_ev);
    ck_assert_uint_eq(dropped, counted.duplicates);
    ck_assert_uint_le(accepted, delivered);
    ck_assert_uint_eq(counted.restarts, 0);
}

// Delays inside the window: then a number is lost exactly when no line brought it, and each line's losses are
// its own.
static void check_exactly(unsigned lines)
{
    static bool brought[2][NUMBERS];
    uint64_t newest[2] = {0, 0}, lost[2] = {0, 0};
    memset(brought, 0, sizeof brought);
    for (unsigned i = 0; i < n_ev; i++)
        for (uint64_t s = ev[i].seq; s < ev[i].seq + ev[i].count; s++) {
            brought[ev[i].line][s] = true;
            newest[ev[i].line] = s > newest[ev[i].line] ? s : newest[ev[i].line];
        }
    for (unsigned s = 0; s < NUMBERS; s++) {
        bool any = brought[0][s] || brought[1][s];
        if (s >= got[0].seq) // what the first to come had overtaken is before the stream
            ck_assert_msg(fate[s] == (any                  ? DELIVERED
                                      : fate[s] == NEITHER ? NEITHER
                                                           : LOST),
                          "number %u: %u", s, fate[s]);
        for (unsigned l = 0; l < lines; l++)
            lost[l] += !brought[l][s] && s < newest[l];
    }
    struct arbiter_stream st = stream_at(0);
    for (unsigned l = 0; l < lines; l++) {
        ck_assert_uint_eq(st.line[l].lost, lost[l]);
        ck_assert_uint_eq(st.line[l].late, 0);
    }
}

START_TEST(test_anything)
{
    prng_seed(&rnd, test_seed(20261125));
    for (unsigned round = 0; round < test_rounds(300); round++) {
        struct plan p = {.lines = 1 + (unsigned)below(2),
                         .loss_ppm = (unsigned)(below(3) * below(200000)),
                         .dup_ppm = (unsigned)(below(2) * below(300000)),
                         .heartbeat_ppm = (unsigned)(below(2) * below(200000)),
                         .packet_max = prng_chance(&rnd, 1, 2) ? 1 : 1 + (unsigned)below(8),
                         .step = 1 + below(HOLD / (1 + below(100))),
                         .skew = {0, below(2) * below(3 * HOLD)}};
        p.jitter = below(2) * below(10 * p.step);
        make_lines(&p);
        run_both(true);
        check_order();
        check_counters(p.lines);
    }
}
END_TEST

START_TEST(test_inside_the_window_nothing_is_lost_that_came)
{
    prng_seed(&rnd, test_seed(20261126));
    for (unsigned round = 0; round < test_rounds(300); round++) {
        struct plan p = {.lines = 1 + (unsigned)below(2),
                         .loss_ppm = (unsigned)(below(3) * below(100000)),
                         .dup_ppm = (unsigned)(below(2) * below(300000)),
                         .packet_max = 1,
                         .step = HOLD / 60};
        p.skew[1] = below(2) * below(HOLD / 8);
        p.jitter = below(2) * below(2 * p.step); // at most two datagrams out of order on a line
        p.heartbeat_ppm = p.jitter ? 0 : (unsigned)below(200000);
        make_lines(&p);
        run_both(false);
        check_order();
        check_counters(p.lines);
        check_exactly(p.lines);
    }
}
END_TEST

RUN_SUITE("arbiter_random", test_anything, test_inside_the_window_nothing_is_lost_that_came)
