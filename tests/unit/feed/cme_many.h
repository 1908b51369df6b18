// SPDX-License-Identifier: Apache-2.0
// Part of test_cme.c: datagrams full of what concerns every instrument of the channel. Work is counted.
#ifndef TRIPLINE_TEST_CME_MANY_H
#define TRIPLINE_TEST_CME_MANY_H

#include "base/test_seed.h"
#include "feed/cme_rig.h"

enum { M_INST = 40, M_DEFINED = 30, M_GROUPS = 3 };

static void reset_message(struct dgram *g, uint8_t event)
{
    uint8_t *root = message(g, 4, 9, 9);
    root[8] = event;
    group(g, 2, 1);
}

static void many_defined(struct rig *r, int32_t n)
{
    for (int32_t id = 1; id <= n; id++) {
        defined(r, id, FACTOR_1, 10);
        started(r, id, 100, 110);
    }
}
static void assert_walks(const struct rig *r, uint64_t before, unsigned most)
{
    uint64_t walked = cme_stats(r->c.state)->walked - before;
    ck_assert_uint_gt(walked, 0);
    ck_assert_uint_le(walked, (uint64_t)most * r->c.state->used);
}

START_TEST(many_resets)
{
    struct rig *r = rig_new();
    many_defined(r, 1000);
    uint64_t before = cme_stats(r->c.state)->walked;
    struct dgram *g = next(r);
    for (unsigned i = 0; i < 60; i++) {
        reset_message(g, END);
        book1(g, END, (struct entry){50 + i, 1, 3, 1, 1, 0, '0'});
    }
    ck_assert_int_eq(run(r, g->b, g->len, 0, true), DROP_NONE);
    assert_walks(r, before, 2);
    // Each book is empty, and the third has what came behind the last reset.
    ck_assert_uint_le(r->msgs, 2 * 1000 + 2 * 60);
    for (int32_t id = 1; id <= 1000; id++) {
        const struct feed_msg *last = NULL;
        for (unsigned i = 0; i < r->msgs; i++)
            last = r->msg[i].instrument_id == (uint64_t)id ? &r->msg[i] : last;
        ck_assert_ptr_nonnull(last);
        assert_quote(last, id == 3 ? 109 : 0, 0);
        ck_assert(cme_find(r->c.state, cme_stream_get(r->c.state, 310), id)->book.whole);
    }
    started(r, 5, 100, 110);
    assert_quote(&r->msg[0], 100, 110);
    rig_free(r);
}
END_TEST

START_TEST(many_statuses)
{
    struct rig *r = rig_new();
    many_defined(r, 1000);
    uint64_t before = cme_stats(r->c.state)->walked;
    struct dgram *g = next(r);
    for (unsigned i = 0; i < 150; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "G%u", i);
        status(g, i % 2 ? "BTC" : name, INT32_MAX, i % 4 == 1 ? 17 : 2, END);
    }
    send(r, g);
    assert_walks(r, before, 2);
    ck_assert_uint_le(r->msgs, 3 * 1000);
    for (int32_t id = 1; id <= 1000; id++)
        ck_assert_uint_eq(cme_find(r->c.state, cme_stream_get(r->c.state, 310), id)->state, INSTRUMENT_OPEN);
    ck_assert_uint_eq(r->msg[r->msgs - 1].state, INSTRUMENT_OPEN);
    rig_free(r);
}
END_TEST

// A price behind the second status of its datagram knows it already.
START_TEST(many_at_once)
{
    struct rig *r = rig_new();
    many_defined(r, 3);
    struct dgram *g = next(r);
    status(g, "ETH", INT32_MAX, 2, END);
    status(g, "BTC", INT32_MAX, 2, END);
    book1(g, END, (struct entry){101, 1, 2, 3, 1, 0, '0'});
    reset_message(g, END);
    reset_message(g, END);
    book1(g, END, (struct entry){90, 1, 2, 1, 1, 0, '0'});
    send(r, g);
    unsigned quotes = 0;
    for (unsigned i = 0; i < r->msgs; i++) {
        if (r->msg[i].kind != FEED_QUOTE || r->msg[i].instrument_id != 2)
            continue;
        ck_assert_uint_eq(r->msg[i].state, INSTRUMENT_NOT_OPEN);
        if (quotes++ == 0)
            assert_quote(&r->msg[i], 101, 110);
    }
    ck_assert_uint_ge(quotes, 2);
    rig_free(r);
}
END_TEST

// Random datagrams of statuses, resets and updates against one instrument at a time, message by message.
struct m_inst {
    uint8_t state;
    int64_t bid;
    uint32_t rpt;
};
struct m_shown {
    uint8_t state;
    int64_t bid;
    bool quoted;
};

static void m_code(uint8_t *at, char kind, unsigned n)
{
    memset(at, 0, 6);
    at[0] = (uint8_t)kind;
    at[1] = (uint8_t)('0' + n);
}
static unsigned group_of(int32_t id)
{
    return (unsigned)id % M_GROUPS;
}
static unsigned asset_of(int32_t id)
{
    return (unsigned)id / M_GROUPS % 2;
}

static void m_status(struct dgram *g, struct prng *rng, struct m_inst *m, uint8_t event)
{
    bool open = prng_chance(rng, 1, 2);
    int32_t one = prng_chance(rng, 1, 4) ? (int32_t)prng_between(rng, 1, M_INST) : INT32_MAX;
    unsigned grp = (unsigned)prng_below(rng, M_GROUPS + 1), asset = (unsigned)prng_below(rng, 3);
    status(g, "", one, open ? 17 : 2, event);
    uint8_t *root = g->b + g->len - 30;
    m_code(root + 8, 'G', grp);
    if (asset < 2)
        m_code(root + 14, 'A', asset);
    for (int32_t id = 1; id <= M_INST; id++) {
        bool mine =
            one == INT32_MAX
                ? id <= M_DEFINED ? group_of(id) == grp && (asset == 2 || asset_of(id) == asset) : !open
                : id == one;
        if (mine)
            m[id].state = open ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN;
    }
}
static void m_update(struct dgram *g, struct prng *rng, struct m_inst *m, uint8_t event)
{
    int32_t id = (int32_t)prng_between(rng, 1, M_INST);
    bool fresh = m[id].bid == 0;
    m[id].bid = prng_between(rng, 1, 1000);
    book1(g, event, (struct entry){m[id].bid, 1, id, ++m[id].rpt, 1, fresh ? 0 : 5, '0'});
}

static void m_check(const struct rig *r, const struct m_inst *m, struct m_shown *shown)
{
    for (unsigned i = 0; i < r->msgs; i++) {
        const struct feed_msg *q = &r->msg[i];
        ck_assert_uint_le(q->instrument_id, M_DEFINED);
        struct m_shown *s = &shown[q->instrument_id];
        if (q->has & HAS_STATE)
            s->state = q->state;
        if (q->kind != FEED_QUOTE)
            continue;
        s->bid = q->has & HAS_BID ? q->bid.v.m : 0;
        s->quoted = true;
    }
    for (int32_t id = 1; id <= M_DEFINED; id++) {
        ck_assert_msg(shown[id].state == m[id].state, "state of %d", id);
        ck_assert_msg(shown[id].bid == m[id].bid, "bid of %d", id);
    }
    for (int32_t id = M_DEFINED + 1; id <= M_INST; id++)
        ck_assert_uint_eq(cme_find(r->c.state, cme_stream_get(r->c.state, 310), id)->state, m[id].state);
}

static void m_setup(struct rig *r, struct m_inst *m, struct m_shown *shown)
{
    for (int32_t id = 1; id <= M_INST; id++) {
        struct dgram *g = next(r);
        uint8_t *root = define(g, id, "X", FACTOR_1, 10, 'A');
        m_code(root + 23, 'G', group_of(id));
        m_code(root + 29, 'A', asset_of(id));
        if (id <= M_DEFINED)
            send(r, g);
        g = next(r);
        status(g, "", id, 17, END);
        book1(g, END, (struct entry){100, 1, id, 1, 1, 0, '0'});
        send(r, g);
        m[id] = (struct m_inst){INSTRUMENT_OPEN, 100, 1};
        shown[id] = (struct m_shown){INSTRUMENT_OPEN, 100, true};
    }
}

static void m_run(uint64_t seed)
{
    struct prng rng;
    struct m_inst m[M_INST + 1];
    struct m_shown shown[M_INST + 1];
    struct rig *r = rig_new();
    prng_seed(&rng, seed);
    m_setup(r, m, shown);
    for (unsigned k = 0; k < test_rounds(1500); k++) {
        struct dgram *g = next(r);
        unsigned n = 1 + (unsigned)prng_below(&rng, 12), resets = prng_chance(&rng, 1, 3) ? 5 : 0;
        uint64_t before = cme_stats(r->c.state)->walked;
        bool restart = false;
        for (unsigned i = 0; i < n; i++) {
            uint8_t event = i + 1 == n || prng_chance(&rng, 1, 2) ? END : 0;
            uint64_t what = prng_below(&rng, 20);
            if (what < resets) {
                reset_message(g, event);
                restart = true;
                for (int32_t id = 1; id <= M_INST; id++)
                    m[id].bid = m[id].rpt = 0;
            } else if (what < 12) {
                m_status(g, &rng, m, event);
            } else {
                m_update(g, &rng, m, event);
            }
        }
        ck_assert_int_eq(run(r, g->b, g->len, 0, restart && prng_chance(&rng, 1, 2)), DROP_NONE);
        m_check(r, m, shown);
        ck_assert_uint_le(cme_stats(r->c.state)->walked - before, 2 * M_INST);
    }
    rig_free(r);
}

START_TEST(many_random)
{
    uint64_t seed = test_seed(20261120);
    for (unsigned i = 0; i < 10; i++)
        m_run(seed + i);
}
END_TEST

// Snapshots of one instrument, again and again in one datagram, each of which would go through all that was
// kept.
START_TEST(many_snapshots)
{
    struct rig *r = rig_new();
    struct dgram g, one;
    struct entry e[200];
    defined(r, 7, FACTOR_1, 10);
    beat(r, 1);
    for (uint32_t rpt = 10; rpt < 8010; rpt += 200) {
        for (uint32_t i = 0; i < 200; i++)
            e[i] = (struct entry){100, 1, 7, rpt + i, 1, 5, '0'};
        begin(&g, r->next++);
        book(&g, 46, END, e, 200);
        send(r, &g);
    }
    begin(&g, 1);
    for (unsigned i = 0; i < 40; i++) { // 8008 is not the last one: what follows contradicts it
        snapshot(&one, 7, r->next - 1, 8008, 99, 109);
        one.b[12 + 10 + 59 + 3 + 21] = 'C'; // no bid: what is overlaid then is not there
        memcpy(g.b + g.len, one.b + 12, one.len - 12);
        g.len += one.len - 12;
    }
    send(r, &g);
    uint64_t replayed = cme_stats(r->c.state)->replayed;
    ck_assert_uint_ge(replayed, 8000);
    ck_assert_uint_le(replayed, CME_RECORDS);
    snapshot(&g, 7, r->next - 1, 8009, 99, 109); // the next datagram's is taken
    send(r, &g);
    beat(r, 0);
    assert_quote(&r->msg[0], 99, 109);
    rig_free(r);
}
END_TEST

#endif
