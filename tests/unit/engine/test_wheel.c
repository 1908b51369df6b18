// SPDX-License-Identifier: Apache-2.0
// Timing wheel against a plain list that is searched from end to end: the same things, in the same order,
// never early, under millions of random puts, moves, removals and steps of the clock, from nothing to years.
#include <check.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "engine/wheel.h"
#include "run_suite.h"

enum { THINGS = 300 };
// ck_assert tells its place to the runner each time, which would be most of the work here.
#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x))                                                                                            \
            ck_abort_msg("line %d: %s", __LINE__, #x);                                                       \
    } while (0)

// What a thing is in the plain list: out, waiting for a tick, or due (with the place in the queue).
enum state { OUT, WAITING, DUE };
struct thing {
    enum state state;
    uint64_t due_ns, tick, place;
};
struct plain {
    uint64_t tick_ns, start_ns, now_ns, places;
    struct thing thing[THINGS];
};

static uint64_t plain_now(const struct plain *p)
{
    uint64_t t = (p->now_ns - p->start_ns) / p->tick_ns;
    return t < WHEEL_TICKS_MAX ? t : WHEEL_TICKS_MAX;
}

static void plain_put(struct plain *p, uint32_t id, uint64_t due_ns)
{
    struct thing *t = &p->thing[id];
    uint64_t past = due_ns > p->start_ns ? due_ns - p->start_ns : 0;
    t->due_ns = due_ns;
    t->tick = past / p->tick_ns + (past % p->tick_ns != 0);
    t->tick = t->tick < WHEEL_TICKS_MAX ? t->tick : WHEEL_TICKS_MAX;
    bool due = due_ns <= p->now_ns || t->tick <= plain_now(p);
    t->state = due ? DUE : WAITING;
    t->place = due ? p->places++ : 0;
}

static void plain_advance(struct plain *p, uint64_t now_ns)
{
    if (now_ns <= p->now_ns)
        return;
    p->now_ns = now_ns;
    for (;;) {
        uint32_t best = THINGS;
        for (uint32_t i = 0; i < THINGS; i++)
            if (p->thing[i].state == WAITING && p->thing[i].tick <= plain_now(p) &&
                (best == THINGS || p->thing[i].tick < p->thing[best].tick))
                best = i;
        if (best == THINGS)
            return;
        p->thing[best].state = DUE;
        p->thing[best].place = p->places++;
    }
}

static uint32_t plain_take(struct plain *p)
{
    uint32_t best = THINGS;
    for (uint32_t i = 0; i < THINGS; i++)
        if (p->thing[i].state == DUE && (best == THINGS || p->thing[i].place < p->thing[best].place))
            best = i;
    if (best < THINGS)
        p->thing[best].state = OUT;
    return best;
}

// A tick's start; the end of time where 64 bits do not hold it.
static uint64_t moment(const struct plain *p, uint64_t tick)
{
    uint64_t past;
    if (__builtin_mul_overflow(tick, p->tick_ns, &past) || past > UINT64_MAX - p->start_ns)
        return UINT64_MAX;
    return p->start_ns + past;
}

// Both agree about who is in; and nothing waits that wheel_next would let pass.
static void compare(const struct wheel *w, const struct plain *p)
{
    size_t in = 0;
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < THINGS; i++) {
        const struct thing *t = &p->thing[i];
        HOLDS(wheel_has(w, i) == (t->state != OUT));
        in += t->state != OUT;
        uint64_t at = t->state == DUE ? p->now_ns : moment(p, t->tick);
        if (t->state != OUT && at < first)
            first = at;
    }
    HOLDS(wheel_count(w) == in);
    HOLDS(in ? wheel_next(w) <= first : wheel_next(w) == UINT64_MAX);
    HOLDS(!in || wheel_next(w) >= p->now_ns - (p->now_ns - p->start_ns) % p->tick_ns);
}

static uint64_t step(struct prng *r, uint64_t tick_ns)
{
    switch (prng_below(r, 8)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
    case 3:
        return prng_below(r, 3 * tick_ns);
    case 4:
    case 5:
        return prng_below(r, 400 * tick_ns);
    case 6:
        return prng_below(r, 70000 * tick_ns);
    default:
        return prng_u64(r) >> prng_between(r, 8, 63); // to 2 years at once
    }
}

static uint64_t due(struct prng *r, const struct plain *p)
{
    switch (prng_below(r, 10)) {
    case 0:
        return prng_u64(r) >> prng_below(r, 64); // anything, the past included
    case 1:
        return p->now_ns - prng_below(r, 3) + 1;
    case 2:
        return UINT64_MAX - prng_below(r, 2);
    case 3: // a border between levels, or beside it
        return moment(p, ((plain_now(p) >> 8 * prng_below(r, 4)) + 1) << 8 * prng_below(r, 4)) -
               prng_below(r, 2);
    default:
        return p->now_ns + step(r, p->tick_ns);
    }
}

static void walk(struct prng *r, uint64_t tick_ns, uint64_t start_ns, unsigned ops)
{
    static struct plain p;
    memset(&p, 0, sizeof p);
    p.tick_ns = tick_ns;
    p.start_ns = p.now_ns = start_ns;
    struct wheel *w = wheel_new(THINGS, tick_ns, start_ns);
    HOLDS(w);
    unsigned crowd = 1 + (unsigned)prng_below(r, THINGS); // few things meet often
    for (unsigned k = 0; k < ops; k++) {
        uint32_t id = (uint32_t)prng_below(r, crowd), got;
        uint64_t op = prng_below(r, 10);
        if (op < 5) {
            uint64_t at = due(r, &p);
            wheel_put(w, id, at);
            plain_put(&p, id, at);
        } else if (op == 5) {
            wheel_remove(w, id);
            p.thing[id].state = OUT;
        } else if (op < 8) {
            uint64_t to = p.now_ns + step(r, tick_ns);
            to = to < p.now_ns ? UINT64_MAX : to;
            to = prng_chance(r, 1, 20) ? p.now_ns / 2 : to; // backwards
            wheel_advance(w, to);
            plain_advance(&p, to);
        } else {
            for (uint64_t n = prng_below(r, 6); n > 0; n--) {
                uint32_t want = plain_take(&p);
                HOLDS(wheel_take(w, &got) == (want < THINGS));
                HOLDS(want == THINGS || (got == want && (p.thing[got].due_ns <= p.now_ns ||
                                                         p.thing[got].tick == WHEEL_TICKS_MAX)));
            }
        }
        if (k % 64 == 0)
            compare(w, &p);
    }
    wheel_advance(w, UINT64_MAX);
    plain_advance(&p, UINT64_MAX);
    compare(w, &p);
    for (uint32_t got, want = plain_take(&p); wheel_take(w, &got); want = plain_take(&p))
        HOLDS(got == want);
    compare(w, &p);
    wheel_free(w);
}

START_TEST(test_against_a_plain_list)
{
    struct prng r;
    uint64_t ticks[] = {1, 1000, 1000000, 1000000000, UINT64_C(86400000000000)};
    prng_seed(&r, test_seed(501));
    for (unsigned k = 0; k < test_rounds(2500); k++) {
        uint64_t start = prng_chance(&r, 1, 4) ? 0 : prng_u64(&r) >> prng_between(&r, 2, 40);
        walk(&r, ticks[k % 5], start, 2000);
    }
}
END_TEST

static void expect(struct wheel *w, const uint32_t *ids, unsigned n)
{
    uint32_t got;
    for (unsigned i = 0; i < n; i++) {
        ck_assert(wheel_take(w, &got));
        ck_assert_uint_eq(got, ids[i]);
    }
    ck_assert(!wheel_take(w, &got));
}

START_TEST(test_order_and_edges)
{
    const uint64_t s = 1000000000, t0 = 1790000000 * s;
    struct wheel *w = wheel_new(10, s, t0);
    uint32_t none;
    ck_assert_uint_eq(wheel_next(w), UINT64_MAX);
    ck_assert(!wheel_take(w, &none) && !wheel_has(w, 3) && !wheel_has(w, 10));
    wheel_remove(w, 3);
    ck_assert_uint_eq(wheel_count(w), 0);
    // Within a tick by id, whatever the order of the puts and the distance they were put from.
    wheel_put(w, 7, t0 + 300 * s);
    wheel_advance(w, t0 + 250 * s);
    wheel_put(w, 2, t0 + 300 * s);
    wheel_put(w, 9, t0 + 299 * s + 1); // late by less than a tick
    wheel_put(w, 1, t0 + 299 * s);
    ck_assert_uint_eq(wheel_next(w), t0 + 256 * s);
    wheel_advance(w, t0 + 299 * s - 1);
    ck_assert(!wheel_take(w, &none));
    ck_assert_uint_eq(wheel_next(w), t0 + 299 * s);
    wheel_advance(w, t0 + 300 * s);
    wheel_put(w, 0, t0); // the past: behind what was due before
    ck_assert_uint_eq(wheel_next(w), t0 + 300 * s);
    expect(w, (uint32_t[]){1, 2, 7, 9, 0}, 5);
    // A jump over everything keeps the order of time; a thing that is due can still be taken out or moved.
    wheel_put(w, 4, t0 + 1000 * s);
    wheel_put(w, 3, t0 + 100000 * s);
    wheel_put(w, 5, t0 + 301 * s);
    wheel_put(w, 6, t0 + 302 * s);
    wheel_put(w, 8, t0 + 303 * s);
    wheel_advance(w, t0 + 200000 * s);
    wheel_remove(w, 6);
    wheel_put(w, 8, t0 + 200001 * s);
    expect(w, (uint32_t[]){5, 4, 3}, 3);
    wheel_advance(w, t0 + 200001 * s);
    expect(w, (uint32_t[]){8}, 1);
    // The start of a slot of every level: the last 16 M seconds at once.
    for (uint32_t i = 0; i < 4; i++)
        wheel_put(w, 3 - i, t0 + ((uint64_t)1 << 24) * s);
    wheel_advance(w, t0 + ((uint64_t)1 << 24) * s - 1);
    ck_assert(!wheel_take(w, &none));
    wheel_advance(w, t0 + ((uint64_t)1 << 24) * s);
    expect(w, (uint32_t[]){0, 1, 2, 3}, 4);
    wheel_free(w);
    ck_assert_ptr_null(wheel_new(10, 0, 0));
    ck_assert_ptr_null(wheel_new(WHEEL_IDS_MAX, 1, 0));
}
END_TEST

// A day of a hundred thousand things that come back every minute: each on its second, all of them, 12 bytes
// each.
START_TEST(test_many)
{
    enum { N = 100000, SECONDS = 600 };
    const uint64_t s = 1000000000;
    struct prng r;
    uint64_t got = 0;
    uint32_t id;
    prng_seed(&r, test_seed(502));
    struct wheel *w = wheel_new(N, s, 0);
    ck_assert_uint_le(wheel_bytes(w), 12 * (size_t)N + 8192);
    for (uint32_t i = 0; i < N; i++)
        wheel_put(w, i, (1 + i % 60) * s);
    for (uint64_t t = 1; t <= SECONDS; t++) {
        uint32_t last = 0;
        wheel_advance(w, t * s + prng_below(&r, s));
        for (bool first = true; wheel_take(w, &id); first = false, got++) {
            HOLDS(first || id > last);
            HOLDS(id % 60 == (t - 1) % 60);
            last = id;
            wheel_put(w, id, (t + 60) * s);
        }
    }
    ck_assert_uint_eq(got, (uint64_t)N * SECONDS / 60);
    wheel_free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine/wheel");
    TCase *c = tcase_create("wheel");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, test_against_a_plain_list);
    tcase_add_test(c, test_order_and_edges);
    tcase_add_test(c, test_many);
    suite_add_tcase(s, c);
    return run_suite(s);
}
