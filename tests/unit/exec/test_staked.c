// SPDX-License-Identifier: Apache-2.0
// Value at stake: what the ranking asks for is the order that goes, sized once; what was kept is used at the
// same prices and for the same state of the account only, and nothing is sized that cannot leave.
#include "exec/ahead.h"
#include "exec/staked.h"
#include "run_suite.h"
#include "toy.h"

static unsigned sized;

static int counted_size(const struct market *m, const struct account *a, const int64_t *p,
                        const struct size_policy *policy, struct order_size *out)
{
    sized++;
    return toy_size(m, a, p, policy, out);
}

static struct rule counted;

static void open_counted(void)
{
    struct desk_config c = config();
    c.outstanding_max = 3;
    c.max_price_age_ns = 100;
    counted = toy;
    counted.size = counted_size;
    sized = 0;
    for (unsigned i = 0; i < ACCOUNTS; i++)
        book.account[i].rule = &counted;
    open_desk(&c);
}

static int64_t stake(size_t account, int64_t price, uint64_t now)
{
    px[0] = price;
    return desk_stake(desk, account, px, now);
}

START_TEST(sized_once)
{
    open_counted();
    ck_assert_int_eq(stake(0, 9900, 1), (int64_t)91 * 9900 * 100000000);
    ck_assert_int_eq(stake(1, 9900, 1), (int64_t)91 * 9900 * 100000000);
    ck_assert_uint_eq(sized, 2);
    ck_assert_int_eq(fire(1, 9900, 1), DESK_SENT);
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
    ck_assert_uint_eq(sized, 2);
    struct order o;
    ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &o), 0);
    ck_assert(o.n == 1 && o.leg[0].instrument == 0 && o.leg[0].qty == 91 && !o.full && o.key.account == 10);
    ck_assert_int_eq(o.value_e8, (int64_t)91 * 9900 * 100000000);
    ck_assert_int_eq(o.reward_e8, (int64_t)91 * 9900 * 1000000);
    ck_assert(gw.last.n_marks == 1 && gw.last.mark[0].asset == 0 && gw.last.mark[0].price == 9900);
    ck_assert_int_eq(fire(2, 9900, 1), DESK_SENT); // not asked before
    ck_assert_uint_eq(sized, 3);
}
END_TEST

// Whatever has changed since, the order is that of now.
START_TEST(sized_again_when_something_changed)
{
    struct order o;
    open_counted();
    (void)stake(0, 9900, 1);
    ck_assert_int_eq(fire(0, 9800, 1), DESK_SENT); // the price
    ck_assert_uint_eq(sized, 2);
    ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &o), 0);
    ck_assert(o.leg[0].qty == 184 && gw.last.mark[0].price == 9800);
    (void)stake(1, 9900, 1);
    book.account[1].epoch++; // the account
    book.account[1].position[0].size = 2000;
    ck_assert_int_eq(fire(1, 9900, 1), DESK_SENT);
    ck_assert_uint_eq(sized, 4);
    ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &o), 0);
    ck_assert_int_gt((int64_t)o.leg[0].qty, 184);
    (void)stake(2, 9900, 1);
    ck_assert_int_eq(desk_fire(desk, 2, px, 1, 101), DESK_PRICE_AGE); // no order: what was kept is gone
    ck_assert_int_eq(fire(2, 9900, 1), DESK_SENT);
    ck_assert_uint_eq(sized, 6);
}
END_TEST

START_TEST(nothing_is_sized_that_cannot_leave)
{
    open_counted();
    desk_kill(desk, true);
    ck_assert_int_eq(stake(0, 9900, 1), 0);
    desk_kill(desk, false);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(fire(i, 9900, 1), DESK_SENT);
    sized = 0;
    ck_assert_int_eq(stake(0, 9900, 1), 0); // in flight
    ck_assert_int_eq(stake(3, 9900, 1), 0); // no room
    ck_assert_int_eq(fire(3, 9900, 1), DESK_RING_FULL);
    ck_assert_uint_eq(sized, 0);
    struct order_reply back = reply_to_last(ORDER_REFUSED);
    ck_assert_uint_eq(desk_reply(desk, &back), 2);
    ck_assert_int_eq(stake(2, 9900, 1), 0); // has to wait after its refusal
    ck_assert_uint_eq(sized, 0);
    ck_assert_int_gt(stake(3, 9900, 1), 0);
    ck_assert_uint_eq(sized, 1);
}
END_TEST

START_TEST(odd_values)
{
    open_counted();
    ck_assert_int_eq(stake(0, 10000, 1), 0); // healthy: no size
    ck_assert_int_eq(fire(0, 10000, 1), DESK_NO_SIZE);
    toy_value_factor = (i128)1 << 100;
    ck_assert_int_eq(stake(0, 9900, 1), INT64_MAX);
    ck_assert_int_eq(fire(0, 9900, 1), DESK_LIMIT_ORDER);
    px[0] = 0;
    ck_assert_int_eq(desk_stake(desk, 0, px, 1), 0); // no price
}
END_TEST

static void ahead(size_t account, int64_t price)
{
    px[0] = price;
    desk_ahead(desk, account, px);
}

// What was sized ahead is what desk_stake() says without sizing again, and nothing else shows of it.
START_TEST(sized_ahead)
{
    struct order o;
    open_counted();
    ahead(0, 9900);
    ahead(1, 9900);
    ck_assert_uint_eq(sized, 2);
    ck_assert_int_eq(stake(0, 9900, 1), (int64_t)91 * 9900 * 100000000);
    ck_assert_uint_eq(sized, 2);
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
    ck_assert_uint_eq(sized, 2);
    ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &o), 0);
    ck_assert(o.n == 1 && o.leg[0].instrument == 0 && o.leg[0].qty == 91 && !o.full && o.key.account == 10);
    ck_assert(o.key.revision == 1 && o.reward_e8 == (int64_t)91 * 9900 * 1000000);
    ck_assert(gw.last.n_marks == 1 && gw.last.mark[0].asset == 0 && gw.last.mark[0].price == 9900);
    ck_assert_int_eq(fire(1, 9900, 1), DESK_SENT); // what is ahead is desk_stake()'s alone
    ck_assert_uint_eq(sized, 3);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->answer[DESK_SENT] == 2 && n->staked_full == 0 && n->cold == 2 && n->ready_made == 0);
}
END_TEST

START_TEST(sized_ahead_for_something_else)
{
    open_counted();
    ahead(0, 9900);
    ck_assert_int_eq(stake(0, 9800, 1), (int64_t)184 * 9800 * 100000000); // another price
    ck_assert_uint_eq(sized, 2);
    ahead(1, 9900);
    book.account[1].epoch++; // another state
    (void)stake(1, 9900, 1);
    ck_assert_uint_eq(sized, 4);
    ahead(2, 9900);
    desk_ahead_forget(desk); // the market may be another
    (void)stake(2, 9900, 1);
    ck_assert_uint_eq(sized, 6);
    ahead(3, 9900);
    ahead(3 + AHEAD_SLOTS, 9900); // in its place
    ck_assert_uint_eq(sized, 8);
    (void)stake(3, 9900, 1);
    ck_assert_uint_eq(sized, 9);
    (void)stake(3 + AHEAD_SLOTS, 9900, 1);
    ck_assert_uint_eq(sized, 9);
    toy_value_factor = (i128)1 << 100;
    ahead(4, 9900);
    ck_assert_int_eq(stake(4, 9900, 1), INT64_MAX); // larger than what is kept
    ck_assert_uint_eq(sized, 11);
}
END_TEST

START_TEST(nothing_is_sized_ahead_that_cannot_leave)
{
    open_counted();
    desk_kill(desk, true);
    ahead(0, 9900);
    desk_kill(desk, false);
    ck_assert_uint_eq(sized, 0);
    ck_assert_int_eq(fire(0, 9900, 1), DESK_SENT);
    ahead(0, 9900); // in flight
    ck_assert_uint_eq(sized, 1);
    ahead(1, 9900);
    desk_kill(desk, true);
    ck_assert_int_eq(stake(1, 9900, 1), 0); // the answer is that of its turn
}
END_TEST

// The pool: full, too many legs, given back, and no mixing of what it keeps.
START_TEST(pool)
{
    struct staked_pool p;
    struct order_size size = {
        .n = STAKED_LEGS, .full = true, .value = i256_from_i64(77), .reward = i256_from_i64(-5)};
    struct order_size back;
    struct marks_assets assets = {.n = 2, .asset = {1, 0}}, of;
    const int64_t at[2] = {10, 20}, other[2] = {10, 21};
    for (uint16_t i = 0; i < STAKED_LEGS; i++)
        size.leg[i] = (struct order_leg){.instrument = (uint16_t)(i + 7), .qty = ((i128)1 << 100) + i};
    ck_assert_int_eq(staked_init(&p, 2), 0);
    uint32_t a = staked_keep(&p, 3, &size, &assets, at);
    size.n = 1;
    size.full = false;
    uint32_t b = staked_keep(&p, 4, &size, &assets, at);
    ck_assert(a != STAKED_NONE && b != STAKED_NONE && a != b);
    ck_assert_uint_eq(staked_keep(&p, 4, &size, &assets, at), STAKED_NONE); // full
    ck_assert(!staked_read(&p, a, 4, at, &back, &of) && !staked_read(&p, a, 3, other, &back, &of));
    ck_assert(staked_read(&p, a, 3, at, &back, &of));
    ck_assert(back.n == STAKED_LEGS && back.full && i256_to_i64(back.value) == 77 &&
              i256_to_i64(back.reward) == -5);
    for (unsigned i = 0; i < STAKED_LEGS; i++)
        ck_assert(back.leg[i].instrument == i + 7 && back.leg[i].qty == ((i128)1 << 100) + i);
    ck_assert(of.n == 2 && of.asset[0] == 1 && of.asset[1] == 0);
    ck_assert(staked_read(&p, b, 4, at, &back, &of) && back.n == 1 && !back.full);
    staked_give(&p, b);
    size.n = STAKED_LEGS + 1;
    ck_assert_uint_eq(staked_keep(&p, 4, &size, &assets, at), STAKED_NONE);
    size.n = 1;
    assets.n = STAKED_LEGS + 1;
    ck_assert_uint_eq(staked_keep(&p, 4, &size, &assets, at), STAKED_NONE);
    assets.n = 1;
    size.reward = i256_shl(i256_from_i64(1), 63);
    ck_assert_uint_eq(staked_keep(&p, 4, &size, &assets, at), STAKED_NONE);
    size.reward = i256_from_i64(INT64_MAX);
    ck_assert_uint_eq(staked_keep(&p, 4, &size, &assets, at), b);
    staked_free(&p);
}
END_TEST

// Too large to be kept: what stood there is gone as well.
START_TEST(ahead_too_large)
{
    struct ahead p;
    struct order_size size = {.n = 1, .value = i256_from_i64(77)}, back;
    struct marks_assets assets = {.n = 1}, of;
    const int64_t at[1] = {10};
    ck_assert_int_eq(ahead_init(&p), 0);
    ck_assert(!ahead_read(&p, 0, 0, at, &back, &of));
    ahead_keep(&p, 7, 3, &size, &assets, at);
    ck_assert(ahead_read(&p, 7, 3, at, &back, &of) && i256_to_i64(back.value) == 77);
    size.n = STAKED_LEGS + 1;
    ahead_keep(&p, 7, 3, &size, &assets, at);
    ck_assert(!ahead_read(&p, 7, 3, at, &back, &of));
    ahead_free(&p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("staked");
    TCase *t = tcase_create("staked");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, sized_once);
    tcase_add_test(t, sized_again_when_something_changed);
    tcase_add_test(t, nothing_is_sized_that_cannot_leave);
    tcase_add_test(t, odd_values);
    tcase_add_test(t, sized_ahead);
    tcase_add_test(t, sized_ahead_for_something_else);
    tcase_add_test(t, nothing_is_sized_ahead_that_cannot_leave);
    suite_add_tcase(s, t);
    TCase *alone = tcase_create("pool");
    tcase_add_test(alone, pool);
    tcase_add_test(alone, ahead_too_large);
    suite_add_tcase(s, alone);
    return run_suite(s);
}
