// SPDX-License-Identifier: Apache-2.0
// The queue of accounts against a plain list: what is taken is the greatest by stake, then depth, then order
// of putting, whatever was put, put anew and removed in between.
#include <check.h>
#include <stdlib.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "engine/rank.h"
#include "run_suite.h"

enum { IDS = 500 };

struct plain {
    bool in;
    int64_t stake;
    uint32_t depth;
    uint64_t put; // when
};
static struct plain list[IDS];

static bool ahead(const struct plain *a, const struct plain *b)
{
    if (a->stake != b->stake)
        return a->stake > b->stake;
    return a->depth != b->depth ? a->depth > b->depth : a->put < b->put;
}

static uint32_t first(void)
{
    uint32_t best = IDS;
    for (uint32_t i = 0; i < IDS; i++)
        if (list[i].in && (best == IDS || ahead(&list[i], &list[best])))
            best = i;
    return best;
}

static void take_first(struct rank *r)
{
    uint32_t id = IDS, expected = first();
    ck_assert(rank_take(r, &id) == (expected != IDS));
    ck_assert_uint_eq(id, expected);
    if (expected != IDS)
        list[expected].in = false;
}

// Few stakes and depths (many ties), or any.
static void put_random(struct rank *r, struct prng *p, bool ties, uint64_t now)
{
    uint32_t id = (uint32_t)prng_below(p, IDS);
    int64_t stake = ties ? (int64_t)prng_below(p, 3) - 1 : (int64_t)prng_u64(p);
    uint32_t depth = ties ? (uint32_t)prng_below(p, 3) : (uint32_t)prng_u64(p);
    list[id] = (struct plain){true, stake, depth, now};
    rank_put(r, id, stake, depth);
}

START_TEST(test_against_a_plain_list)
{
    struct prng p;
    struct rank r;
    prng_seed(&p, test_seed(20261121));
    ck_assert_int_eq(rank_init(&r, IDS), 0);
    for (unsigned i = 0; i < test_rounds(400000); i++) {
        bool growing = i / 5000 % 2 == 0;
        uint64_t what = prng_below(&p, 10);
        if (what < (growing ? 7u : 3u)) {
            put_random(&r, &p, i / 20000 % 2, i);
        } else if (what < 9) {
            take_first(&r);
        } else {
            uint32_t id = (uint32_t)prng_below(&p, IDS);
            list[id].in = false;
            rank_remove(&r, id);
        }
    }
    while (first() != IDS)
        take_first(&r);
    take_first(&r); // nothing is left
    rank_free(&r);
}
END_TEST

START_TEST(test_edges)
{
    struct rank r, none = {0};
    uint32_t id;
    ck_assert_int_eq(rank_init(&r, 4), 0);
    rank_remove(&r, 3); // not in
    rank_put(&r, 0, INT64_MIN, UINT32_MAX);
    rank_put(&r, 1, INT64_MAX, 0);
    rank_put(&r, 2, INT64_MAX, UINT32_MAX);
    rank_put(&r, 3, INT64_MIN, UINT32_MAX);
    for (uint32_t i = 0; i < 4; i++) {
        static const uint32_t order[4] = {2, 1, 0, 3};
        ck_assert(rank_take(&r, &id) && id == order[i]);
    }
    ck_assert(!rank_take(&r, &id));
    rank_put(&r, 0, 1, 1);
    rank_put(&r, 1, 1, 1);
    rank_put(&r, 0, 1, 1); // as if it had just come
    ck_assert(rank_take(&r, &id) && id == 1);
    rank_free(&r);
    rank_free(&none);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rank");
    TCase *t = tcase_create("rank");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_against_a_plain_list);
    tcase_add_test(t, test_edges);
    suite_add_tcase(s, t);
    return run_suite(s);
}
