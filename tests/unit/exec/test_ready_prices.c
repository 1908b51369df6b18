// SPDX-License-Identifier: Apache-2.0
// Ready orders that go by their prices (READY_BY_PRICE): the size is not asked for while they stand, it would
// be close to theirs, what the limits count is no less than what they liquidate, and all else goes the other
// way.
#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/ready.h"
#include "run_suite.h"
#include "toy.h"

static unsigned sized, asked, unsized;
static bool refuses;

// What restores 5 % more than the requirement, so that an order at the breach is of some size.
static bool with_target;

static int target_size(const struct market *m, const struct account *a, const int64_t *at,
                       const struct size_policy *policy, struct order_size *out)
{
    struct health h;
    if (toy_size(m, a, at, policy, out) != 0)
        return -1;
    toy_health(m, a, at, &h);
    i128 eq = i256_to_i128(h.equity), req = i256_to_i128(h.requirement), size = a->position[0].size;
    size = size < 0 ? -size : size;
    i128 qty = size * (105 * req - 100 * eq) * toy_size_factor / (100 * req);
    out->full = qty >= size;
    out->leg[0].qty = out->full ? size : qty;
    out->value = i256_mul_i64(i256_from_i128(out->leg[0].qty * first_price(m, a, at)), 100000000);
    return 0;
}

static int counted_size(const struct market *m, const struct account *a, const int64_t *at,
                        const struct size_policy *policy, struct order_size *out)
{
    sized++;
    return with_target ? target_size(m, a, at, policy, out) : toy_size(m, a, at, policy, out);
}

static bool takes(const struct market *m, const struct account *a, const int64_t *at,
                  const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    (void)m;
    (void)at;
    asked++;
    unsized += exact == NULL;
    i128 size = a->position[0].size;
    return !refuses && n == 1 && leg[0].qty <= (size < 0 ? -size : size);
}

static struct rule rule;

static void begin(uint32_t tolerance_ppm, int64_t dust)
{
    struct desk_config c = config();
    c.ready_by = DESK_READY_BY_PRICE;
    c.ready_tolerance_ppm = tolerance_ppm;
    c.size.dust = dust;
    rule = toy;
    rule.size = counted_size;
    rule.takes = takes;
    refuses = false;
    for (size_t i = 0; i < ACCOUNTS; i++)
        book.account[i].rule = &rule;
    open_desk(&c);
}

static void prepare(size_t account, int64_t price)
{
    px[0] = price;
    desk_prepare(desk, account, px);
    sized = asked = unsized = 0;
}

enum { ALL = 1000000000 }; // dust of the whole position: every order is full

START_TEST(goes_without_a_size)
{
    begin(20000, ALL);
    prepare(0, 10050);
    struct order o;
    ck_assert_int_eq(order_decode(wal.bytes, wal.n_bytes, &o), 0);
    px[0] = 9990;
    ck_assert_int_eq(desk_stake(desk, 0, px, 1), o.value_e8);
    ck_assert_int_eq(fire(0, 9990, 1), DESK_SENT);
    ck_assert(sized == 0 && asked == 1 && unsized == 1 && wal.order.ready && wal.order.full);
    ck_assert_int_eq(order_key_cmp(&gw.last.key, &wal.key[0]), 0);
    ck_assert(gw.last.n_marks == 1 && gw.last.mark[0].price == 9990);
    ck_assert(desk_counters(desk)->ready_used == 1 && desk_counters(desk)->ready_unfit == 0);
    // Its prices are those of the breach, 1 % of which is nearer than 2 %, but 3 % is not: sized, and the
    // same goes.
    prepare(1, 10050);
    ck_assert_int_eq(fire(1, 9700, 1), DESK_SENT);
    ck_assert(sized == 1 && wal.order.ready && wal.order.value_e8 == o.value_e8);
}
END_TEST

START_TEST(a_prepared_breach_is_sized)
{
    begin(20000, ALL);
    prepare(0, 9990); // in breach already: which way it goes on is not known
    ck_assert_int_eq(fire(0, 9990, 1), DESK_SENT);
    ck_assert(sized == 1 && wal.order.ready);
}
END_TEST

START_TEST(old_way_asks_for_the_size)
{
    begin(20000, ALL);
    desk_free(desk);
    struct desk_config c = config();
    c.size.dust = ALL;
    open_desk(&c);
    prepare(0, 10050);
    ck_assert_int_eq(fire(0, 9990, 1), DESK_SENT);
    ck_assert(sized == 1 && wal.order.ready);
}
END_TEST

START_TEST(refused_by_the_rule_is_sized)
{
    begin(20000, ALL);
    prepare(0, 10050);
    refuses = true;
    ck_assert_int_eq(fire(0, 9990, 1), DESK_SENT);
    ck_assert(sized == 1 && asked == 2 && !wal.order.ready && desk_counters(desk)->ready_unfit == 1);
}
END_TEST

START_TEST(a_prediction_is_sized)
{
    begin(20000, ALL);
    desk_free(desk);
    struct desk_config c = config();
    c.ready_by = DESK_READY_BY_PRICE;
    c.size.dust = ALL;
    c.predicted_max_e8 = INT64_MAX;
    open_desk(&c);
    prepare(0, 10050);
    px[0] = 10001; // healthy: nobody has confirmed it
    ck_assert_int_eq(desk_predict(desk, 0, px, 1, 0), DESK_NO_SIZE);
    ck_assert(gw.n == 0 && sized == 1);
}
END_TEST

// A short is worth more the farther its price has gone.
START_TEST(limits_count_no_less_than_it_liquidates)
{
    begin(20000, ALL);
    for (size_t i = 0; i < 2; i++) {
        book.account[i].position[0].size = -1000;
        book.account[i].cash = 1200000; // breach above 10181.8
    }
    prepare(0, 10000);
    const int64_t now = 10300, worth = now * 1000 * 100000000;
    ck_assert_int_eq(fire(0, now, 1), DESK_SENT);
    ck_assert(sized == 0 && wal.order.ready);
    ck_assert_int_ge(wal.order.value_e8, worth);
    ck_assert_int_le(wal.order.value_e8, worth / 100 * 104); // at most four times the move
    ck_assert_int_le(wal.order.reward_e8, (int64_t)10182 * 10 * 100000000);
    desk_free(desk);
    struct desk_config c = config();
    c.ready_by = DESK_READY_BY_PRICE;
    c.size.dust = ALL;
    c.max_order_e8 = worth - 1;
    open_desk(&c);
    prepare(1, 10000);
    ck_assert_int_eq(fire(1, now, 1), DESK_LIMIT_ORDER);
}
END_TEST

START_TEST(value_and_reward_bounds)
{
    struct order o = {.n = 1, .value_e8 = 1 << 20, .reward_e8 = 1 << 20};
    ck_assert_int_eq(ready_value(&o, 10), (1 << 20) + (1 << 10) + 2);
    ck_assert_int_eq(ready_reward(&o, 10), (1 << 20) - (1 << 10) - 2);
    o.reward_e8 = -(1 << 20) - 1;
    ck_assert_int_eq(ready_reward(&o, 10), -(1 << 20) - 1 - (1 << 10) - 2);
    o.reward_e8 = 0; // no rounding makes a loss of what brings nothing
    ck_assert_int_eq(ready_reward(&o, 10), 0);
    o.value_e8 = INT64_MAX;
    o.reward_e8 = INT64_MIN;
    ck_assert_int_eq(ready_value(&o, 16), INT64_MAX);
    ck_assert_int_eq(ready_reward(&o, 16), INT64_MIN);
}
END_TEST

START_TEST(prices_that_stand)
{
    static struct ready r = {
        .radius_ppm = 1000, .assets = {.n = 2, .asset = {1, 0}}, .sized_px = {3000000, 8}};
    int64_t at[2] = {8, 3003000};
    unsigned near;
    ck_assert(ready_stands(&r, at, &near) && near == 9); // 3000 of 3000000: 12 bits of 22
    at[1] = 3003001;
    ck_assert(!ready_stands(&r, at, &near));
    at[1] = 2997000;
    ck_assert(ready_stands(&r, at, &near));
    at[1] = 2996999;
    ck_assert(!ready_stands(&r, at, &near));
    at[1] = 3000000;
    ck_assert(ready_stands(&r, at, &near) && near == 16);
    at[0] = 9;
    ck_assert(!ready_stands(&r, at, &near));
    at[0] = 0;
    ck_assert(!ready_stands(&r, at, &near));
    at[0] = 8;
    r.radius_ppm = 0;
    ck_assert(!ready_stands(&r, at, &near));
}
END_TEST

// At whatever price it goes without one, the exact size is within the tolerance of its own, and what is
// counted is neither less than it liquidates now nor far from it.
START_TEST(what_goes_is_close)
{
    struct prng rng;
    uint64_t seed = test_seed(8);
    unsigned gone[2] = {0, 0};
    const struct size_policy policy = {1050000, 0};
    prng_seed(&rng, seed);
    begin(50000, 0);
    with_target = true;
    for (size_t i = 0; i < 1000; i++) {
        struct account *a = &book.account[i];
        struct order_size exact;
        struct order o;
        bool is_long = prng_chance(&rng, 1, 2);
        a->position[0].size = is_long ? 10000 : -10000;
        a->position[0].entry = 1000000;
        a->cash = 10000 * prng_between(&rng, 100000, 140000);
        toy_size_factor = prng_between(&rng, 1, 40);
        prepare(i, 1000000);
        if (order_decode(wal.bytes, wal.n_bytes, &o) != 0 || o.key.account != a->id)
            continue;
        int64_t breach = o.value_e8 / 100000000 / (int64_t)o.leg[0].qty;
        int64_t by = breach * prng_between(&rng, 0, 1 << prng_below(&rng, 17)) / 1000000;
        px[0] = is_long ? breach - by : breach + by;
        if (target_size(&book.market, a, px, &policy, &exact) != 0)
            continue;
        ck_assert_int_eq(fire(i, px[0], 1), DESK_SENT);
        gone[sized == 0]++;
        struct order_reply r = reply_to_last(ORDER_REFUSED);
        ck_assert_uint_eq(desk_reply(desk, &r), i);
        if (sized != 0)
            continue;
        ck_assert(wal.order.ready);
        ck_assert_msg(ready_close(&o, &exact, 50000), "seed %llu: account %zu", (unsigned long long)seed, i);
        ck_assert_int_ge(wal.order.value_e8, (int64_t)o.leg[0].qty * px[0] * 100000000);
    }
    toy_size_factor = 1;
    with_target = false;
    ck_assert_msg(gone[0] > 100 && gone[1] > 100, "seed %llu: %u sized, %u not", (unsigned long long)seed,
                  gone[0], gone[1]);
}
END_TEST

START_TEST(rehearsing_changes_nothing)
{
    begin(20000, ALL);
    prepare(0, 10050);
    const struct desk_counters before = *desk_counters(desk);
    for (int64_t p = 9000; p < 11000; p += 100) {
        px[0] = p;
        desk_rehearse(desk, 0, px);
        desk_rehearse(desk, 1, px); // has none ready
    }
    ck_assert(sized == 0 && asked == 20 && gw.n == 0 && wal.ready == 1 && wal.orders == 0);
    ck_assert_int_eq(memcmp(&before, desk_counters(desk), sizeof before), 0);
    ck_assert_int_eq(fire(0, 9990, 1), DESK_SENT);
    ck_assert(wal.order.ready && order_key_cmp(&gw.last.key, &wal.key[0]) == 0);
    desk_rehearse(desk, 0, px); // in flight
    ck_assert_int_eq(fire(0, 9990, 1), DESK_BUSY);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ready by prices");
    TCase *t = tcase_create("ready by prices");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, goes_without_a_size);
    tcase_add_test(t, a_prepared_breach_is_sized);
    tcase_add_test(t, old_way_asks_for_the_size);
    tcase_add_test(t, refused_by_the_rule_is_sized);
    tcase_add_test(t, a_prediction_is_sized);
    tcase_add_test(t, limits_count_no_less_than_it_liquidates);
    tcase_add_test(t, value_and_reward_bounds);
    tcase_add_test(t, prices_that_stand);
    tcase_add_test(t, what_goes_is_close);
    tcase_add_test(t, rehearsing_changes_nothing);
    suite_add_tcase(s, t);
    return run_suite(s);
}
