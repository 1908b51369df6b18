// SPDX-License-Identifier: Apache-2.0
// Part of test_cme.c: a venue that keeps full books of its own, sends what its rules make of their changes,
// loses datagrams on the way, starts anew, and loops snapshots that arrive late. Whatever quote comes out
// with a price must be the venue's own best bid and offer at the end of the event that brought it.
#ifndef TRIPLINE_TEST_CME_VENUE_H
#define TRIPLINE_TEST_CME_VENUE_H

#include "base/test_seed.h"
#include "feed/cme_rig.h"

enum { V_INSTRUMENTS = 6, V_DEEP = 24, V_BATCH = 12, V_LATE = 8 };

struct v_side {
    int64_t px[V_DEEP];
    int32_t size[V_DEEP];
    unsigned n;
};
struct v_inst {
    struct v_side side[2]; // best first
    uint32_t rpt;
    unsigned depth;
};
struct venue {
    struct prng rng;
    struct v_inst inst[V_INSTRUMENTS];
    struct entry batch[V_BATCH]; // entries of the message being filled
    unsigned n;
    struct dgram late[V_LATE]; // snapshots on their way
    struct rig *r;
    uint64_t gap, quotes, ends, deep; // deep: levels behind the best that could be asked for
    bool restart;
    unsigned loss; // percent
};

static void v_say(struct venue *v, unsigned i, unsigned s, unsigned action, unsigned at)
{
    struct v_inst *n = &v->inst[i];
    struct v_side *b = &n->side[s];
    v->batch[v->n++] = (struct entry){at < b->n ? b->px[at] : 0,
                                      at < b->n ? b->size[at] : 0,
                                      (int32_t)(i + 1),
                                      ++n->rpt,
                                      (uint8_t)(at + 1),
                                      (uint8_t)action,
                                      s ? '1' : '0'};
}
static void v_remove(struct v_side *b, unsigned at)
{
    b->n--;
    memmove(b->px + at, b->px + at + 1, (b->n - at) * sizeof b->px[0]);
    memmove(b->size + at, b->size + at + 1, (b->n - at) * sizeof b->size[0]);
}
// One change of a side, and the entries that tell of it: at most two.
static void v_change(struct venue *v, unsigned i, unsigned s)
{
    struct v_inst *n = &v->inst[i];
    struct v_side *b = &n->side[s];
    uint64_t what = prng_below(&v->rng, 20);
    if (what < 10 && b->n < V_DEEP) {
        int64_t px = prng_between(&v->rng, -50, 50);
        unsigned at = 0;
        while (at < b->n && (s ? b->px[at] < px : b->px[at] > px))
            at++;
        if (at < b->n && b->px[at] == px) {
            b->size[at]++;
            if (at < n->depth)
                v_say(v, i, s, 1, at);
            return;
        }
        memmove(b->px + at + 1, b->px + at, (b->n - at) * sizeof b->px[0]);
        memmove(b->size + at + 1, b->size + at, (b->n - at) * sizeof b->size[0]);
        b->px[at] = px;
        b->size[at] = 1;
        b->n++;
        if (at < n->depth)
            v_say(v, i, s, 0, at);
    } else if (b->n > 0 && what < 19) {
        unsigned at = (unsigned)prng_below(&v->rng, b->n) / 2;
        if (at < n->depth)
            v_say(v, i, s, 2, at);
        v_remove(b, at);
        if (at < n->depth && b->n >= n->depth)
            v_say(v, i, s, 0, n->depth - 1);
    } else if (b->n > 1) {
        unsigned at = (unsigned)prng_below(&v->rng, b->n - 1);
        if (at >= n->depth)
            return;
        v_say(v, i, s, 4, at);
        b->n = at;
    }
}

// What feed_book() tells are the venue's own levels, from the best on.
static void v_levels(struct venue *v, uint64_t id)
{
    struct feed_level l[CME_LEVELS];
    for (unsigned s = 0; s < 2; s++) {
        const struct v_side *b = &v->inst[id - 1].side[s];
        int n = cme_protocol.book(v->r->c.state, id, s == 0, l, CME_LEVELS);
        ck_assert_int_le(n, (int)b->n);
        for (int i = 0; i < n; i++)
            ck_assert(l[i].price.v.m == b->px[i] && l[i].amount.v.m == b->size[i]);
        ck_assert(n > 0 || b->n == 0);
        v->deep += n > 1 ? (uint64_t)n - 1 : 0;
    }
}

static void v_check(struct venue *v)
{
    for (unsigned k = 0; k < v->r->msgs; k++) {
        const struct feed_msg *m = &v->r->msg[k];
        if (m->kind != FEED_QUOTE || !(m->has & (HAS_BID | HAS_ASK)))
            continue;
        const struct v_inst *n = &v->inst[m->instrument_id - 1];
        const struct v_side *b = &n->side[0], *a = &n->side[1];
        ck_assert_uint_eq(!!(m->has & HAS_BID), b->n > 0);
        ck_assert_uint_eq(!!(m->has & HAS_ASK), a->n > 0);
        ck_assert(b->n == 0 || (m->bid.v.m == b->px[0] && m->bid_amount.v.m == b->size[0]));
        ck_assert(a->n == 0 || (m->ask.v.m == a->px[0] && m->ask_amount.v.m == a->size[0]));
        v_levels(v, m->instrument_id);
        v->quotes++;
    }
}
static void v_send(struct venue *v, struct dgram *g, bool may_lose)
{
    if (may_lose && prng_chance(&v->rng, v->loss, 100)) {
        v->gap++;
        return;
    }
    ck_assert_int_eq(run(v->r, g->b, g->len, v->gap, v->restart), DROP_NONE);
    v->gap = 0;
    v->restart = false;
    v_check(v);
}

static void v_flush(struct venue *v, uint8_t event)
{
    struct dgram *g = next(v->r);
    book(g, 46, event, v->batch, (uint8_t)v->n);
    v->n = 0;
    v_send(v, g, true);
}
static void v_event(struct venue *v)
{
    unsigned packets = 1 + (unsigned)prng_below(&v->rng, 3);
    for (unsigned p = 0; p < packets; p++) {
        unsigned changes = (unsigned)prng_below(&v->rng, 4);
        for (unsigned c = 0; c < changes; c++)
            v_change(v, (unsigned)prng_below(&v->rng, V_INSTRUMENTS), (unsigned)prng_below(&v->rng, 2));
        v->ends += p + 1 == packets;
        v_flush(v, p + 1 == packets ? END : 0);
    }
}

// A snapshot of now, which will be delivered some events later.
static void v_snapshot(struct venue *v, unsigned i)
{
    const struct v_inst *n = &v->inst[i];
    struct dgram *g = &v->late[prng_below(&v->rng, V_LATE)];
    if (g->len)
        v_send(v, g, false);
    begin(g, 1);
    uint8_t *root = message(g, 52, 9, 59);
    le32_store(root, v->r->next - 1);
    le32_store(root + 8, i + 1);
    le32_store(root + 12, n->rpt);
    root[34] = 255;
    unsigned bids = n->side[0].n < n->depth ? n->side[0].n : n->depth;
    unsigned asks = n->side[1].n < n->depth ? n->side[1].n : n->depth;
    uint8_t *p = group(g, 22, (uint8_t)(bids + asks));
    for (unsigned k = 0; k < bids + asks; k++, p += 22) {
        const struct v_side *b = &n->side[k >= bids];
        unsigned at = k >= bids ? k - bids : k;
        le64_store(p, (uint64_t)b->px[at]);
        le32_store(p + 8, (uint32_t)b->size[at]);
        p[16] = (uint8_t)(at + 1);
        p[21] = k >= bids ? '1' : '0';
    }
}
static void v_empty(struct venue *v)
{
    for (unsigned i = 0; i < V_INSTRUMENTS; i++) {
        v->inst[i].side[0].n = v->inst[i].side[1].n = 0;
        v->inst[i].rpt = 0;
    }
    for (unsigned i = 0; i < V_LATE; i++) // the recovery feed is emptied too
        v->late[i].len = 0;
}
static void v_begin_anew(struct venue *v, bool channel_reset)
{
    v_empty(v);
    if (!channel_reset) {
        v->r->next = 1;
        v->restart = true;
        return;
    }
    struct dgram *g = next(v->r);
    uint8_t *root = message(g, 4, 9, 9);
    root[8] = END;
    group(g, 2, 1);
    v->restart = true;
    v_send(v, g, false);
}

static void v_run(uint64_t seed, bool depth_known)
{
    struct venue *v = calloc(1, sizeof *v);
    prng_seed(&v->rng, seed);
    v->r = rig_new();
    v->loss = (unsigned)prng_below(&v->rng, 8);
    for (unsigned i = 0; i < V_INSTRUMENTS; i++) {
        v->inst[i].depth = (unsigned[]){10, 5, 2, 1, 10, 3}[i];
        v->inst[i].rpt = (uint32_t)prng_below(&v->rng, 1000000) + 100000;
        defined(v->r, (int32_t)i + 1, FACTOR_1, depth_known ? (uint8_t)v->inst[i].depth : 0);
    }
    for (unsigned k = 0; k < 4000; k++) {
        v_event(v);
        if (prng_chance(&v->rng, 1, 3))
            v_snapshot(v, (unsigned)prng_below(&v->rng, V_INSTRUMENTS));
        if (prng_chance(&v->rng, 1, 700))
            v_begin_anew(v, prng_chance(&v->rng, 1, 2));
    }
    // Losses over: all books are whole within a few loops of snapshots.
    v->loss = 0;
    for (unsigned k = 0; k < 400; k++) {
        v_event(v);
        v_snapshot(v, k % V_INSTRUMENTS);
    }
    for (unsigned i = 0; i < V_INSTRUMENTS; i++) {
        struct cme_stream *st = cme_stream_get(v->r->c.state, 310);
        const struct cme_instrument *n = cme_find(v->r->c.state, st, (int32_t)i + 1);
        ck_assert(cme_current(st, n) && n->book.whole && n->rpt == v->inst[i].rpt);
    }
    ck_assert_msg(v->quotes > v->ends / 2, "seed %llu: %llu quotes of %llu events", (unsigned long long)seed,
                  (unsigned long long)v->quotes, (unsigned long long)v->ends);
    ck_assert_uint_gt(v->deep, v->quotes);
    ck_assert_uint_eq(cme_stats(v->r->c.state)->contradictions, 0);
    rig_free(v->r);
    free(v);
}

START_TEST(random_venue)
{
    uint64_t seed = test_seed(20261120);
    for (unsigned i = 0; i < test_rounds(24); i++)
        v_run(seed + i, i % 2 == 0);
}
END_TEST

#endif
