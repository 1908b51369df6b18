// SPDX-License-Identifier: Apache-2.0
// A coin's depth in the laboratory is one curve of levels and a pool. That a sale along it is the best
// routing over the books and pools it stands for: shared among several of them, exec/exit/route.h brings the
// same, but for the units that each book's and pool's own rounding takes.
#include <check.h>
#include <string.h>

#include "base/prng.h"
#include "exec/exit/route.h"
#include "lab/depth_curve.h"
#include "run_suite.h"

enum { BOOKS = 3, POOLS = 3, CASES = 3000, PRICE_DIGITS = 9 };

struct venues {
    struct depth_curve curve;
    struct depth book[BOOKS];
    struct route route;
    unsigned books, pools;
};

// Every level and the pool cut into parts, the rest of each to the last.
static void draw(struct prng *r, struct venues *v)
{
    struct err e;
    unsigned path = 0;
    uint32_t away = 0;
    memset(v, 0, sizeof *v);
    v->books = (unsigned)prng_between(r, 0, BOOKS);
    v->pools = (unsigned)prng_between(r, v->books ? 0 : 1, POOLS);
    v->curve.n = v->books ? (unsigned)prng_between(r, 1, CURVE_LEVELS_MAX) : 0;
    for (unsigned b = 0; b < v->books; b++)
        ck_assert_int_eq(depth_begin(&v->book[b], 1, 1, PRICE_DIGITS, 0, &e), 0);
    for (unsigned k = 0; k < v->curve.n; k++) {
        away += (uint32_t)prng_between(r, 1, 40000);
        v->curve.level[k] = (struct curve_level){away, 0};
        for (unsigned b = 0; b < v->books; b++) {
            const int64_t size = (int64_t)prng_between(r, 1, INT64_C(1) << prng_between(r, 4, 44));
            v->curve.level[k].size += size;
            ck_assert_int_eq(depth_add(&v->book[b], CURVE_ONE - (int64_t)away * 1000, 1, size, 1, &e), 0);
        }
    }
    for (unsigned b = 0; b < v->books; b++) {
        depth_end(&v->book[b]);
        v->route.path[path++] = (struct route_path){.n = 1, .hop = {{.book = &v->book[b]}}};
    }
    for (unsigned p = 0; p < v->pools; p++) {
        const u128 reserve = (u128)prng_between(r, 1000, INT64_C(1) << prng_between(r, 12, 46));
        v->curve.pool += (i128)reserve;
        v->route.path[path++] = (struct route_path){
            .n = 1, .hop = {{.pool = {.in = reserve, .out = reserve, .keep = 1, .of = 1}}}};
    }
    ck_assert_msg(route_set(&v->route, path, 0, &e) == 0, "%s", e.msg);
}

START_TEST(test_routed)
{
    static struct venues v;
    struct prng r;
    unsigned both = 0;
    prng_seed(&r, 10);
    for (unsigned n = 0; n < CASES; n++) {
        draw(&r, &v);
        const i128 room = curve_room(&v.curve, true);
        const u128 q = (u128)prng_between(&r, 1, room < INT64_MAX ? (int64_t)room : INT64_MAX);
        const i128 along = curve_value(&v.curve, (i128)q);
        const i128 routed = (i128)v.route.venue.out(&v.route.venue, q);
        const i128 off = along > routed ? along - routed : routed - along;
        // A unit for each level and pool, and what the route's own search may miss.
        const i128 may = (i128)(v.curve.n * (v.books + 1) + 2 * v.pools) + (i128)v.route.venue.slop;
        ck_assert_msg(off <= may, "case %u: %lld along the curve, %lld routed, of %lld", n, (long long)along,
                      (long long)routed, (long long)q);
        both += v.books > 1 && v.pools > 1;
    }
    ck_assert_uint_gt(both, CASES / 10);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("depth_curve");
    TCase *tc = tcase_create("depth_curve");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_routed);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
