// SPDX-License-Identifier: Apache-2.0
// The ways out as told: the codec, which way is taken, that a venue is the pools' own, and that its version
// changes exactly when something it stands on does. The record of what was not worth it, and the kept
// answers.
#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/exit/exits.h"
#include "exec/exit/follow.h"
#include "exec/unworth.h"
#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { INSTRUMENTS = 12 };
static struct exits *exits;
static struct exits_told told;
static struct err error;
static struct prng rng;

static void setup(void)
{
    exits = exits_new();
    ck_assert_ptr_nonnull(exits);
    prng_seed(&rng, test_seed(71));
    told = (struct exits_told){.block = 7, .base_fee = 11, .native = 0};
}

static void teardown(void)
{
    exits_free(exits);
}

static unsigned below(unsigned n)
{
    return (unsigned)prng_below(&rng, n);
}

static u128 amount(void)
{
    u128 v = ((u128)prng_u64(&rng) << 64 | prng_u64(&rng)) >> (16 + below(90));
    return v ? v : 1;
}

static void add(uint16_t a, uint16_t b)
{
    told.pool[told.n++] = (struct exits_pool){a, b, amount(), amount(), 997, 1000, 90000 + below(1000)};
}

static bool has(uint16_t a, uint16_t b)
{
    for (unsigned i = 0; i < told.n; i++)
        if ((told.pool[i].a == a && told.pool[i].b == b) || (told.pool[i].a == b && told.pool[i].b == a))
            return true;
    return false;
}

static void random_told(void)
{
    told.n = 0;
    told.native = (uint16_t)below(INSTRUMENTS);
    told.base_fee = prng_u64(&rng) >> 1;
    for (unsigned i = 0; i < 40; i++) {
        uint16_t a = (uint16_t)below(INSTRUMENTS), b = (uint16_t)below(INSTRUMENTS);
        if (a != b && !has(a, b))
            add(a, b);
    }
}

static void take(void)
{
    ck_assert_msg(exits_take(exits, &told, INSTRUMENTS, &error) == 0, "%s", error.msg);
}

// What decodes encodes to the same bytes, whatever is done to them; nothing short or long decodes.
START_TEST(codec_is_canonical)
{
    static uint8_t buf[EXITS_BYTES_MAX], copy[EXITS_BYTES_MAX + 1], out[EXITS_BYTES_MAX];
    static struct exits_told back;
    unsigned refused = 0, taken = 0;
    for (unsigned round = 0; round < 200; round++) {
        random_told();
        size_t n = exits_encode(&told, buf, sizeof buf);
        ck_assert_uint_eq(n, 21 + told.n * 48u);
        ck_assert_int_eq(exits_decode(buf, n, &back), 0);
        ck_assert_uint_eq(exits_encode(&back, out, sizeof out), n);
        ck_assert_mem_eq(out, buf, n);
        ck_assert(back.native == told.native && back.base_fee == told.base_fee && back.block == told.block);
        ck_assert_uint_eq(exits_encode(&told, out, n - 1), 0);
        memcpy(copy, buf, n);
        copy[n] = 0;
        ck_assert_int_eq(exits_decode(copy, n + 1, &back), -1);
        ck_assert_int_eq(exits_decode(copy, below((unsigned)n), &back), -1);
        for (unsigned i = 0; i < 100; i++) {
            memcpy(copy, buf, n);
            for (unsigned k = 0; k <= below(3); k++)
                copy[below((unsigned)n)] ^= (uint8_t)(1 << below(8));
            if (exits_decode(copy, n, &back)) {
                refused++;
                continue;
            }
            taken++;
            ck_assert_uint_eq(exits_encode(&back, out, sizeof out), n);
            ck_assert_mem_eq(out, copy, n);
        }
    }
    ck_assert(refused > 100 && taken > 100);
    told.n = 0;
    for (uint16_t i = 0; i < EXITS_POOLS_MAX; i++)
        add((uint16_t)(i / 100), (uint16_t)(100 + i));
    ck_assert_uint_le(exits_encode(&told, buf, sizeof buf), sizeof buf);
    ck_assert_uint_gt(exits_encode(&told, buf, sizeof buf), 0);
}
END_TEST

START_TEST(unsound_is_refused)
{
    static uint8_t buf[EXITS_BYTES_MAX];
    struct exits_pool good;
    add(0, 1);
    good = told.pool[0];
    const struct exits_pool bad[] = {
        {0, 0, 1, 1, 997, 1000, 1},
        {256, 1, 1, 1, 997, 1000, 1},
        {0, 256, 1, 1, 997, 1000, 1},
        {0, 1, 0, 1, 997, 1000, 1},
        {0, 1, 1, 0, 997, 1000, 1},
        {0, 1, EXIT_AMOUNT_MAX + 1, 1, 997, 1000, 1},
        {0, 1, 1, EXIT_AMOUNT_MAX + 1, 997, 1000, 1},
        {0, 1, 1, 1, 0, 1000, 1},
        {0, 1, 1, 1, 1001, 1000, 1},
        {0, 1, 1, 1, 499, 1000, 1},
        {0, 1, 1, 1, 997, 10001, 1},
        {0, 1, 1, 1, 997, 1000, (1u << 30) + 1},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        told.pool[0] = bad[i];
        ck_assert_msg(exits_encode(&told, buf, sizeof buf) == 0, "case %u", i);
        ck_assert_int_eq(exits_take(exits, &told, 300, &error), -1);
    }
    told.pool[0] = good;
    told.pool[1] = (struct exits_pool){1, 0, 1, 1, 997, 1000, 1}; // the same two
    told.n = 2;
    ck_assert_uint_eq(exits_encode(&told, buf, sizeof buf), 0);
    told.n = 1;
    told.base_fee = UINT64_C(1) << 63;
    ck_assert_uint_eq(exits_encode(&told, buf, sizeof buf), 0);
    told.base_fee = 1;
    told.native = 256;
    ck_assert_uint_eq(exits_encode(&told, buf, sizeof buf), 0);
    ck_assert(!exits_known(exits));
}
END_TEST

START_TEST(beyond_the_market)
{
    add(0, 5);
    ck_assert_int_eq(exits_take(exits, &told, 5, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.msg, "instrument 5"));
    ck_assert(!exits_known(exits));
    ck_assert_int_eq(exits_take(exits, &told, 6, &error), 0);
    told.native = 6;
    ck_assert_int_eq(exits_take(exits, &told, 6, &error), -1);
    ck_assert(exits_known(exits) && exits_native(exits) == 0); // the old ones are still there
    ck_assert_ptr_nonnull(exits_find(exits, 0, 5));
}
END_TEST

static const struct exits_pool *pool_of(uint16_t a, uint16_t b)
{
    for (unsigned i = 0; i < told.n; i++)
        if ((told.pool[i].a == a && told.pool[i].b == b) || (told.pool[i].a == b && told.pool[i].b == a))
            return &told.pool[i];
    return NULL;
}

static u128 sold(const struct exits_pool *p, uint16_t from, u128 q)
{
    struct cpmm_pool c = {p->a == from ? p->in_a : p->in_b, p->a == from ? p->in_b : p->in_a, p->keep, p->of};
    return q > EXIT_AMOUNT_MAX - c.in ? 0 : cpmm_out(&c, q);
}

// One pool where there is one, the two of the native coin's token where there is none; else nothing. What the
// venue brings and costs is what the pools do.
START_TEST(ways_are_the_pools)
{
    unsigned direct = 0, by_native = 0, none = 0;
    for (unsigned round = 0; round < 300; round++) {
        random_told();
        take();
        ck_assert(exits_known(exits) && exits_base_fee(exits) == told.base_fee);
        for (unsigned i = 0; i < 60; i++) {
            uint16_t coll = (uint16_t)below(INSTRUMENTS), debt = (uint16_t)below(INSTRUMENTS);
            uint16_t n = told.native, via[EXITS_VIA_MAX] = {999};
            const struct exit_venue *v = exits_find(exits, coll, debt);
            uint8_t hops = exits_via(exits, coll, debt, via);
            const struct exits_pool *p = pool_of(coll, debt), *first = pool_of(coll, n),
                                    *then = pool_of(n, debt);
            u128 q = amount() >> 8;
            if (coll == debt) {
                ck_assert(v == &exit_same && hops == 0 && exits_version(exits, coll, debt) == 0);
            } else if (p) {
                ck_assert(v && hops == 0 && v->gas == p->gas);
                ck_assert(v->out(v, q) == sold(p, coll, q) || q > EXIT_AMOUNT_MAX - p->in_a);
                direct++;
            } else if (coll != n && debt != n && first && then) {
                ck_assert(hops == 1 && via[0] == n);
                if (v) {
                    ck_assert(v->gas == first->gas + then->gas);
                    ck_assert(v->out(v, q) == sold(then, n, sold(first, coll, q)));
                    by_native++;
                }
            } else {
                ck_assert(!v && hops == 0);
                none++;
            }
            if (v)
                ck_assert_uint_eq(v->version, exits_version(exits, coll, debt));
        }
    }
    ck_assert(direct > 500 && by_native > 500 && none > 100);
    ck_assert_ptr_null(exits_find(exits, MARKET_INSTRUMENTS_MAX, 0));
}
END_TEST

// A model beside it: of every pair what its way stands on, and the version then.
struct stands {
    uint8_t hops; // 0: no way
    struct exits_pool pool[2];
    uint32_t version;
};

static bool alike(const struct stands *a, const struct stands *b)
{
    bool same = a->hops == b->hops;
    for (unsigned k = 0; same && k < a->hops; k++) {
        const struct exits_pool *p = &a->pool[k], *q = &b->pool[k];
        same = p->a == q->a && p->b == q->b && p->in_a == q->in_a && p->in_b == q->in_b && p->gas == q->gas;
    }
    return same;
}

static struct stands stands_now(uint16_t c, uint16_t d)
{
    uint16_t via[EXITS_VIA_MAX];
    struct stands now = {.version = exits_version(exits, c, d)};
    if (now.version == 0)
        return now;
    now.hops = (uint8_t)(1 + exits_via(exits, c, d, via));
    now.pool[0] = *pool_of(c, now.hops == 1 ? d : told.native);
    if (now.hops == 2)
        now.pool[1] = *pool_of(told.native, d);
    const struct exit_venue *v = exits_find(exits, c, d);
    ck_assert(!v || v->version == now.version);
    return now;
}

static void change_something(unsigned round)
{
    unsigned i = below(told.n);
    struct exits_pool p = told.pool[0];
    switch (below(6)) {
    case 0:
        told.pool[i].in_a = amount();
        break;
    case 1:
        told.pool[i].gas++;
        break;
    case 2: // gone
        told.pool[i] = told.pool[--told.n];
        break;
    case 3:
        if (!has(1, 2))
            add(1, 2);
        break;
    case 4:
        told.native = round % 50 ? 3 : 4;
        break;
    default: // only the order they are told in, and the block
        told.block++;
        told.pool[0] = told.pool[i];
        told.pool[i] = p;
    }
    if (told.n < 12)
        random_told();
}

START_TEST(version_changes_with_what_it_stands_on)
{
    static struct stands was[INSTRUMENTS][INSTRUMENTS];
    unsigned same = 0, other = 0;
    random_told();
    for (unsigned round = 0; round < 2000; round++) {
        change_something(round);
        take();
        for (uint16_t c = 0; c < INSTRUMENTS; c++) {
            for (uint16_t d = 0; d < INSTRUMENTS; d++) {
                struct stands now = stands_now(c, d);
                if (now.hops == 0)
                    continue;
                if (alike(&was[c][d], &now)) {
                    same += was[c][d].version == now.version;
                } else {
                    other++;
                    ck_assert_uint_ne(was[c][d].version, now.version);
                }
                was[c][d] = now;
            }
        }
    }
    ck_assert(same > 10000 && other > 1000);
}
END_TEST

// The same told again, in whatever order: every version stays.
START_TEST(unchanged_keeps_its_version)
{
    uint32_t version[INSTRUMENTS][INSTRUMENTS];
    random_told();
    take();
    for (unsigned round = 0; round < 3; round++) {
        for (uint16_t c = 0; c < INSTRUMENTS; c++)
            for (uint16_t d = 0; d < INSTRUMENTS; d++) {
                if (round > 0)
                    ck_assert_uint_eq(version[c][d], exits_version(exits, c, d));
                version[c][d] = exits_version(exits, c, d);
            }
        struct exits_pool p = told.pool[0];
        memmove(&told.pool[0], &told.pool[1], (told.n - 1u) * sizeof p);
        told.pool[told.n - 1] = p;
        told.block++;
        told.base_fee /= 2;
        take();
    }
}
END_TEST

// A pool that has followed: what it brings is that of the pool by the change of price, never more; where a
// further unit stops to bring the rate is where all of them, one by one, say so.
START_TEST(ways_follow_prices)
{
    struct follow f;
    for (unsigned round = 0; round < 300; round++) {
        struct cpmm c = {.path[0].n = 1};
        c.path[0].pool[0] = (struct cpmm_pool){1000 + below(100000), 1000 + below(100000), 997, 1000};
        ck_assert_int_eq(cpmm_set(&c, 1, 90000, &error), 0);
        int64_t cn = 1 + below(1000000), dn = 1 + below(1000000), ct = cn, dt = dn;
        ct = ct * (900 + below(150)) / 1000 + 1;
        dt = dt * (950 + below(150)) / 1000 + 1;
        const struct exit_venue *v = follow_of(&f, &c.venue, cn, dn, ct, dt);
        i128 then = (i128)ct * dn, now = (i128)cn * dt;
        if (then >= now) { // no cheaper: as it is
            ck_assert_ptr_eq(v, &c.venue);
            continue;
        }
        ck_assert(v == &f.venue && v->gas == c.venue.gas && v->version == c.venue.version);
        struct exit_rate rate = {1 + below(1000), 1 + below(1000)};
        i128 best = 0, real = 0;
        u128 at = v->upto(v, rate);
        for (u128 q = 0; q < 3000; q++) {
            i128 of = (i128)c.venue.out(&c.venue, q), out = (i128)v->out(v, q);
            ck_assert(out == of * then / now);
            i128 net = out * rate.in - (i128)q * rate.out;
            best = net > best ? net : best;
            real = q == at ? net : real;
        }
        if (at < 3000) // within the units that floors cost
            ck_assert(real + (i128)(v->slop + 1) * rate.in >= best);
    }
}
END_TEST

START_TEST(unworth_record)
{
    struct unworth u, b;
    uint8_t buf[UNWORTH_BYTES], out[UNWORTH_BYTES];
    struct worth w = {.debt = 3, .coll = 255, .bonus = 1, .fee = 2, .premium_value = 3, .slippage = 4};
    w.gas_cost = (i128)INT64_MAX + 1;
    w.profit = (i128)INT64_MIN - 1;
    w.expected = -5;
    unworth_of(77, 8, WORTH_GAS, &w, &u);
    unworth_encode(&u, buf);
    ck_assert_int_eq(unworth_decode(buf, sizeof buf, &b), 0);
    ck_assert(b.account == 77 && b.epoch == 8 && b.reason == WORTH_GAS && b.debt == 3 && b.coll == 255);
    ck_assert(b.bonus == 1 && b.fee == 2 && b.premium == 3 && b.slippage == 4 && b.expected == -5);
    ck_assert(b.gas == INT64_MAX && b.profit == INT64_MIN);
    ck_assert_int_eq(unworth_decode(buf, sizeof buf - 1, &b), -1);
    for (unsigned i = 0; i < 256 * UNWORTH_BYTES; i++) { // each byte, each value
        memcpy(out, buf, sizeof out);
        out[i / 256] = (uint8_t)i;
        if (unworth_decode(out, sizeof out, &b))
            continue;
        ck_assert(out[0] == 1 && b.reason > 0 && b.reason < UNWORTH_REASONS);
        uint8_t again[UNWORTH_BYTES];
        unworth_encode(&b, again);
        ck_assert_mem_eq(again, out, sizeof out);
    }
    for (int r = 0; r <= UNWORTH_REASONS; r++)
        for (int q = 0; q < r; q++)
            ck_assert_str_ne(unworth_reason_name((uint8_t)r), unworth_reason_name((uint8_t)q));
    ck_assert_str_eq(unworth_reason_name(UNWORTH_REASONS), "?");
}
END_TEST

START_TEST(answers_kept)
{
    struct unworthy_pool p;
    struct marks_assets s = {.n = 2, .asset = {4, 1}};
    int64_t px[8] = {0, 1000000, 0, 0, 2000000};
    struct unworthy_now at = {.stands_on = 9, .gas_wei = 1000000, .native = 3000000, .ns = 5}, now = at;
    ck_assert_int_eq(unworthy_init(&p, 2), 0);
    uint32_t name = unworthy_keep(&p, 3, WORTH_GAS, &s, px, &at);
    ck_assert_uint_ne(name, UNWORTHY_NONE);
    // A quarter of 4 % is 1 %: up to there it stands, one beyond it does not.
#define KEPT() (unworthy_read(&p, name, 3, px, &now, 40000) == WORTH_GAS)
    ck_assert(KEPT());
    ck_assert_uint_eq(unworthy_read(&p, name, 4, px, &now, 40000), 0);
    px[4] = 2020000;
    ck_assert(KEPT());
    px[4] = 2020001;
    ck_assert(!KEPT());
    px[4] = 1980000;
    ck_assert(KEPT());
    px[4] = 1979999;
    ck_assert(!KEPT());
    px[4] = 2000000;
    px[0] = 5; // no asset of the account
    ck_assert(KEPT());
    px[1] = 0;
    ck_assert(!KEPT());
    px[1] = 1000000;
    now.gas_wei = 990000;
    ck_assert(KEPT());
    now.gas_wei = 989999;
    ck_assert(!KEPT());
    now.gas_wei = 5000000; // dearer: still not worth it
    now.native = 9000000;
    ck_assert(KEPT());
    now.native = 2969999;
    ck_assert(!KEPT());
    now = at;
    now.native = 0;
    ck_assert(!KEPT());
    now = at;
    now.stands_on++;
    ck_assert(!KEPT());
    now = at;
    now.ns = at.ns + UNWORTHY_NS;
    ck_assert(KEPT());
    now.ns++;
    ck_assert(!KEPT());
    ck_assert_uint_ne(unworthy_keep(&p, 1, WORTH_DUST, &s, px, &at), UNWORTHY_NONE);
    ck_assert_uint_eq(unworthy_keep(&p, 1, WORTH_DUST, &s, px, &at), UNWORTHY_NONE); // full
    unworthy_give(&p, name);
    s.n = UNWORTHY_ASSETS + 1;
    ck_assert_uint_eq(unworthy_keep(&p, 1, WORTH_DUST, &s, px, &at), UNWORTHY_NONE);
    unworthy_free(&p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("exits");
    TCase *t = tcase_create("exits");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, codec_is_canonical);
    tcase_add_test(t, unsound_is_refused);
    tcase_add_test(t, beyond_the_market);
    tcase_add_test(t, ways_are_the_pools);
    tcase_add_test(t, version_changes_with_what_it_stands_on);
    tcase_add_test(t, unchanged_keeps_its_version);
    tcase_add_test(t, ways_follow_prices);
    tcase_add_test(t, unworth_record);
    tcase_add_test(t, answers_kept);
    suite_add_tcase(s, t);
    return run_suite(s);
}
