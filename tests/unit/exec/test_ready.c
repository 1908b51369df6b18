// SPDX-License-Identifier: Apache-2.0
// Ready orders: sized at the breach, used when near enough, refreshed, retired, bounded; cold ones otherwise.
#include "run_suite.h"
#include "toy.h"

START_TEST(ready_is_used)
{
    struct desk_config c = config();
    open_desk(&c);
    // Dust of the whole position: every order is full, so beforehand and exact are equal.
    c.size.dust = 1000000000;
    desk_free(desk);
    open_desk(&c);
    px[0] = 10050;
    desk_prepare(desk, 0, px);
    ck_assert(wal.ready == 1 && desk_counters(desk)->ready_made == 1 && gw.n == 0);
    uint64_t lsn = wal.lsn;
    struct order_key k = wal.key[0];
    ck_assert_int_eq(fire(0, 9990, 1), DESK_SENT);
    ck_assert(order_key_cmp(&gw.last.key, &k) == 0 && gw.last.lsn == lsn && wal.ready == 1);
    ck_assert(gw.last.n_bytes == wal.n_bytes && memcmp(gw.last.bytes, wal.bytes, wal.n_bytes) == 0);
    ck_assert(wal.order.ready && wal.order.full);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->ready_used == 1 && n->cold == 0);
    // The marks are the newest prices, not those of the preparation.
    ck_assert_int_eq(gw.last.mark[0].price, 9990);
}
END_TEST

START_TEST(partial_ready_within_tolerance)
{
    struct desk_config c = config();
    c.ready_tolerance_ppm = 200000;
    book.account[0].cash = 1000;
    book.account[0].position[0].entry = 9000;
    // H = 1000 + 1000 (p - 9000) - 100 p = 900 p - 8999000: breach at p <= 9998
    open_desk(&c);
    px[0] = 10020;
    desk_prepare(desk, 0, px);
    struct order o;
    ck_assert_int_eq(order_decode(wal.bytes, wal.n_bytes, &o), 0);
    // at 9998: eq 999000, req 999800: 1000 * 800 / 999800 = 0.8 -> 1
    ck_assert(o.leg[0].qty == 1 && !o.full);
    ck_assert_int_eq(fire(0, 9998, 1), DESK_SENT);
    ck_assert(wal.order.ready && desk_counters(desk)->ready_used == 1);
    // another account whose exact size at the trigger is far from the ready one goes cold, under a new key
    book.account[1] = book.account[0];
    book.account[1].id = 12;
    px[0] = 10020;
    desk_prepare(desk, 1, px);
    ck_assert_uint_eq(wal.ready, 2);
    ck_assert_int_eq(fire(1, 9900, 1), DESK_SENT);
    ck_assert(!wal.order.ready && wal.ready == 3 && gw.last.key.revision == 2);
    ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &o), 0);
    ck_assert(o.leg[0].qty == 90); // 1000 * (990000 - 901000) / 990000 = 89.9
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->ready_unfit == 1 && n->cold == 1 && n->ready_retired == 1);
}
END_TEST

START_TEST(smaller_ready_goes_when_it_cures)
{
    struct desk_config c = config();
    struct order o;
    c.ready_tolerance_ppm = 1000;
    toy_size_factor = 10;
    for (unsigned i = 0; i < 2; i++) {
        book.account[i].cash = 1000;
        book.account[i].position[0].entry = 9000;
    }
    open_desk(&c);
    px[0] = 10020;
    desk_prepare(desk, 0, px);
    desk_prepare(desk, 1, px);
    ck_assert_int_eq(order_decode(wal.bytes, wal.n_bytes, &o), 0);
    ck_assert(o.leg[0].qty == 9 && !o.full); // at 9998: 1000 * 800 / 999800 * 10 = 8.002
    // At 9997 the exact size is 18, beyond the tolerance, and 1.7 would do: the 9 on disk go.
    ck_assert_int_eq(fire(0, 9997, 1), DESK_SENT);
    ck_assert(wal.order.ready && desk_counters(desk)->ready_used == 1 && desk_counters(desk)->cold == 0);
    ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &o), 0);
    ck_assert(o.leg[0].qty == 9);
    // At 9980 it takes 18 to cure: 9 are not enough, a cold order is made.
    ck_assert_int_eq(fire(1, 9980, 2), DESK_SENT);
    ck_assert(!wal.order.ready && desk_counters(desk)->cold == 1);
    toy_size_factor = 1;
}
END_TEST

START_TEST(ready_that_the_rule_refuses_goes_cold)
{
    struct desk_config c = config();
    c.size.dust = 1000000000;
    open_desk(&c);
    px[0] = 10050;
    desk_prepare(desk, 0, px);
    toy_settle_refuses = true;
    ck_assert_int_eq(fire(0, 9990, 1), DESK_SENT);
    ck_assert(!wal.order.ready && gw.last.key.revision == 2 && desk_counters(desk)->ready_unfit == 1);
    ck_assert(book.account[0].position[0].size == 1000); // asked on a copy
}
END_TEST

START_TEST(ready_is_refreshed_and_retired)
{
    struct desk_config c = config();
    c.ready_tolerance_ppm = 1000;
    // two assets: the breach point of the first depends on the price of the second
    struct account *a = &book.account[0];
    a->n_positions = 2;
    a->position[0] = (struct position){.instrument = 0, .size = 100000, .entry = 10000};
    a->position[1] = (struct position){.instrument = 1, .size = -50000, .entry = 10000};
    a->cash = 160000000;
    open_desk(&c);
    px[0] = px[1] = 10000;
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(wal.ready, 1);
    desk_prepare(desk, 0, px); // nothing moved
    px[0] = 10004;             // nor by half the tolerance
    desk_prepare(desk, 0, px);
    ck_assert(wal.ready == 1 && desk_counters(desk)->ready_made == 1);
    px[1] = 10300;
    desk_prepare(desk, 0, px);
    ck_assert(wal.ready == 2 && wal.key[1].revision == 2 && wal.key[1].epoch == 0);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->ready_made == 2 && n->ready_retired == 1);
    desk_retire(desk, 0);
    desk_retire(desk, 0);
    ck_assert_uint_eq(n->ready_retired, 2);
    desk_prepare(desk, 0, px);
    ck_assert(wal.ready == 3 && wal.key[2].revision == 3);
}
END_TEST

START_TEST(ready_sized_at_the_breach)
{
    struct desk_config c = config();
    open_desk(&c);
    // a short breaches upward: 1000 (12000 - p) + 1e6 ... size -1000, entry 10000, cash 1.2e6:
    // 1.2e6 - 1000 (p - 10000) < 100 p  <=>  11.2e6 < 1100 p  <=>  p > 10181.8
    book.account[0].position[0].size = -1000;
    book.account[0].cash = 1200000;
    px[0] = 10000;
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(wal.ready, 1);
    struct order o;
    ck_assert_int_eq(order_decode(wal.bytes, wal.n_bytes, &o), 0);
    ck_assert(o.leg[0].qty == 1); // just beyond it
    int64_t price = o.value_e8 / 100000000;
    ck_assert_msg(price >= 10182 && price <= 10183, "sized at %lld", (long long)price);
    // far away: no ready order
    book.account[1].cash = 9000000;
    desk_prepare(desk, 1, px);
    ck_assert_uint_eq(wal.ready, 1);
}
END_TEST

START_TEST(pool_is_bounded)
{
    struct desk_config c = config();
    c.ready_max = 2;
    c.size.dust = 1000000000;
    open_desk(&c);
    px[0] = 10050;
    for (size_t i = 0; i < 4; i++)
        desk_prepare(desk, i, px);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->ready_made == 2 && n->ready_full == 2);
    ck_assert_int_eq(fire(3, 9990, 1), DESK_SENT); // cold
    ck_assert_int_eq(fire(0, 9990, 1), DESK_SENT); // ready, gives its place back
    px[0] = 10050;
    desk_prepare(desk, 2, px);
    ck_assert(n->ready_made == 3 && n->cold == 1 && n->ready_used == 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ready");
    TCase *t = tcase_create("ready");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, ready_is_used);
    tcase_add_test(t, partial_ready_within_tolerance);
    tcase_add_test(t, smaller_ready_goes_when_it_cures);
    tcase_add_test(t, ready_that_the_rule_refuses_goes_cold);
    tcase_add_test(t, ready_is_refreshed_and_retired);
    tcase_add_test(t, ready_sized_at_the_breach);
    tcase_add_test(t, pool_is_bounded);
    suite_add_tcase(s, t);
    return run_suite(s);
}
