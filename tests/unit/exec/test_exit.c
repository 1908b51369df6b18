// SPDX-License-Identifier: Apache-2.0
// Ways out of a token on cases computed by hand. The broad comparison with an independent judge is
// tests/diff/worth_diff.py.
#include "exec/exit/cpmm.h"
#include "exec/exit/depth.h"
#include "run_suite.h"

#include <check.h>

static struct err error;

static const struct cpmm_pool EVEN = {1000, 1000, 997, 1000};

START_TEST(pool)
{
    // 100 * 997 * 1000 / (1000 * 1000 + 99700) = 90.66; 1000 * 90 * 1000 / (910 * 997) = 99.2
    ck_assert(cpmm_out(&EVEN, 100) == 90);
    ck_assert(cpmm_in(&EVEN, 90) == 100);
    ck_assert(cpmm_out(&EVEN, 0) == 0);
    ck_assert(cpmm_out(&EVEN, EXIT_AMOUNT_MAX) == 999);
}
END_TEST

START_TEST(path_takes_no_more_than_112_bits_hold)
{
    struct cpmm c = {.path = {{.n = 1, .pool = {{EXIT_AMOUNT_MAX - 5, 1000000, 1, 1}}}}};
    ck_assert_int_eq(cpmm_set(&c, 1, 7, &error), 0);
    ck_assert(c.venue.gas == 7 && c.venue.version == 1);
    ck_assert(c.path[0].most == 5);
    ck_assert(c.venue.out(&c.venue, 5) == c.venue.out(&c.venue, EXIT_AMOUNT_MAX));
    ck_assert(c.venue.out(&c.venue, ~(u128)0) == 0);
    ck_assert_int_eq(cpmm_set(&c, 1, 7, &error), 0);
    ck_assert(c.venue.version == 2);
}
END_TEST

START_TEST(price_of_a_pool_falls_to_a_rate)
{
    // Without a fee the price after q is 1000 * 1000 / (1000 + q)^2: a half at q = 414.2, one at 0.
    struct cpmm c = {.path = {{.n = 1, .pool = {{1000, 1000, 1, 1}}}}};
    ck_assert_int_eq(cpmm_set(&c, 1, 0, &error), 0);
    ck_assert(c.venue.upto(&c.venue, (struct exit_rate){1, 2}) == 414);
    ck_assert(c.venue.upto(&c.venue, (struct exit_rate){1, 1}) == 0);
    ck_assert(c.venue.upto(&c.venue, (struct exit_rate){1001, 1000}) == 0);
    ck_assert(c.venue.upto(&c.venue, (struct exit_rate){1, UINT64_MAX}) == (UINT64_C(1000) << 32) - 1000 - 1);
}
END_TEST

START_TEST(two_in_a_row)
{
    struct cpmm c = {.path = {{.n = 2, .pool = {EVEN, {1000, 2000, 997, 1000}}}}};
    ck_assert_int_eq(cpmm_set(&c, 1, 0, &error), 0);
    // 90 of the middle token, then 90 * 997 * 2000 / (1000000 + 89730) = 164.68
    ck_assert(c.venue.out(&c.venue, 100) == 164);
}
END_TEST

START_TEST(equal_pools_share_equally)
{
    struct cpmm c = {.path = {{.n = 1, .pool = {EVEN}}, {.n = 1, .pool = {EVEN}}}};
    u128 part[CPMM_PATHS_MAX];
    ck_assert_int_eq(cpmm_set(&c, 2, 0, &error), 0);
    ck_assert(cpmm_split(&c, 200, part) == 180);
    // What a pool cannot turn into another unit stays out: 100 gives 90, and so does 99.19 rounded up.
    ck_assert(part[0] == 100 && part[1] == 100);
    ck_assert(cpmm_split(&c, 0, part) == 0 && part[0] == 0 && part[1] == 0);
}
END_TEST

// The limit that the reason names is the one that is checked.
START_TEST(fees_beyond_the_limit)
{
    char limit[16];
    struct cpmm c = {.path = {{.n = 1, .pool = {{1000, 1000, CPMM_PARTS_MAX, CPMM_PARTS_MAX}}}}};
    ck_assert_int_eq(cpmm_set(&c, 1, 0, &error), 0);
    c.path[0].pool[0].keep = c.path[0].pool[0].of = CPMM_PARTS_MAX + 1;
    ck_assert_int_eq(cpmm_set(&c, 1, 0, &error), -1);
    (void)snprintf(limit, sizeof limit, "most %d", CPMM_PARTS_MAX);
    const char *at = strstr(error.msg, limit);
    ck_assert_msg(at != NULL && at[strlen(limit)] == '\0', "%s", error.msg);
}
END_TEST

START_TEST(a_dear_pool_gets_nothing_small)
{
    struct cpmm c = {.path = {{.n = 1, .pool = {{100000, 50000, 997, 1000}}},
                              {.n = 1, .pool = {{100000, 100000, 997, 1000}}}}};
    u128 part[CPMM_PATHS_MAX];
    ck_assert_int_eq(cpmm_set(&c, 2, 0, &error), 0);
    ck_assert(c.path[0].pool[0].out == 100000); // the better price first
    cpmm_split(&c, 1000, part);
    ck_assert(part[0] > 990 && part[1] == 0);
    cpmm_split(&c, 100000, part);
    ck_assert(part[1] > 1000 && part[0] > part[1]);
}
END_TEST

static struct depth d;

// A lot of 1000 units; a lot at one tick is 5 units of the other. 2 lots at 10, 3 at 9.
static void book(uint32_t fee_ppm)
{
    ck_assert_int_eq(depth_begin(&d, 1000, 50, 1, fee_ppm, &error), 0);
    ck_assert_int_eq(depth_add(&d, 1009, 100, 27, 10, &error), 0); // 10 ticks, 2 lots
    ck_assert_int_eq(depth_add(&d, 950, 100, 10, 10, &error), 0);  // 9 ticks, 1 lot
    ck_assert_int_eq(depth_add(&d, 900, 100, 29, 10, &error), 0);  // the same level, 2 more
    ck_assert_int_eq(depth_add(&d, 890, 100, 9, 10, &error), 0);   // less than a lot
    ck_assert_int_eq(depth_add(&d, 99, 100, 90, 10, &error), 0);   // less than a tick
    depth_end(&d);
}

START_TEST(book_by_levels)
{
    book(0);
    ck_assert(d.n == 2 && d.level[1].lots == 3);
    static const u128 WANT[][2] = {{0, 0},      {999, 0},    {1000, 50},  {2999, 100},
                                   {3000, 145}, {5000, 235}, {90000, 235}};
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++)
        ck_assert(d.venue.out(&d.venue, WANT[i][0]) == WANT[i][1]);
    book(1000); // 0.1 % of 100 and of 135 is not a unit, and one each is taken
    ck_assert(d.venue.out(&d.venue, 5000) == 233);
}
END_TEST

START_TEST(book_up_to_a_price)
{
    book(0);
    ck_assert(d.venue.upto(&d.venue, (struct exit_rate){50, 1000}) == 2000); // 10 ticks are 50 for 1000
    ck_assert(d.venue.upto(&d.venue, (struct exit_rate){51, 1000}) == 0);
    ck_assert(d.venue.upto(&d.venue, (struct exit_rate){45, 1000}) == 5000);
    book(1000);
    ck_assert(d.venue.upto(&d.venue, (struct exit_rate){50, 1000}) == 0);
}
END_TEST

START_TEST(book_beyond_its_room)
{
    ck_assert_int_eq(depth_begin(&d, 1, 1, 0, 0, &error), 0);
    for (int i = 0; i < DEPTH_LEVELS_MAX + 9; i++)
        ck_assert_int_eq(depth_add(&d, 1000 - i, 1, 1, 1, &error), 0);
    depth_end(&d);
    ck_assert(d.n == DEPTH_LEVELS_MAX);
    ck_assert_int_eq(depth_begin(&d, 1, 1, 0, 0, &error), 0);
    depth_end(&d);
    ck_assert(d.venue.out(&d.venue, 5) == 0 && d.venue.upto(&d.venue, (struct exit_rate){1, 1}) == 0);
}
END_TEST

START_TEST(same_token)
{
    ck_assert(exit_same.out(&exit_same, 77) == 77);
    ck_assert(exit_same.upto(&exit_same, (struct exit_rate){20, 21}) == EXIT_AMOUNT_MAX);
    ck_assert(exit_same.upto(&exit_same, (struct exit_rate){21, 20}) == 0);
}
END_TEST

START_TEST(rates)
{
    struct exit_rate r = exit_rate_of((u128)3 << 80, (u128)5 << 90);
    // 3 * 2^80 / (5 * 2^90): cut to 64 bits of the larger, which has 93
    ck_assert(r.in == UINT64_C(5) << 61 && r.out == UINT64_C(3) << 51);
    r = exit_rate_of(1, (u128)1 << 100);
    ck_assert(r.out == 1 && r.in == UINT64_C(1) << 63);
    i256 most = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX >> 1}};
    ck_assert(i256_cmp(exit_div_rate(most, (struct exit_rate){1, 2}), most) == 0);
    ck_assert(i256_cmp(exit_div_rate(most, (struct exit_rate){1, UINT64_MAX}), most) == 0);
    ck_assert(i256_cmp(exit_div_rate(most, (struct exit_rate){UINT64_MAX, UINT64_MAX}), most) == 0);
    ck_assert(i256_cmp(exit_div_rate(i256_from_i64(7), (struct exit_rate){3, 2}), i256_from_i64(4)) == 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("exit");
    TCase *t = tcase_create("exit");
    tcase_add_test(t, fees_beyond_the_limit);
    tcase_add_test(t, pool);
    tcase_add_test(t, path_takes_no_more_than_112_bits_hold);
    tcase_add_test(t, price_of_a_pool_falls_to_a_rate);
    tcase_add_test(t, two_in_a_row);
    tcase_add_test(t, equal_pools_share_equally);
    tcase_add_test(t, a_dear_pool_gets_nothing_small);
    tcase_add_test(t, book_by_levels);
    tcase_add_test(t, book_up_to_a_price);
    tcase_add_test(t, book_beyond_its_room);
    tcase_add_test(t, same_token);
    tcase_add_test(t, rates);
    suite_add_tcase(s, t);
    return run_suite(s);
}
