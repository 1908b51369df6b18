// SPDX-License-Identifier: Apache-2.0
// Guards: the numbers of the protocols' own tests, edges, random cases against judge_guard.py (fractions).
#include "oracle/guard.h"
#include "oracle/judged.h"
#include "run_suite.h"

START_TEST(test_drift_validity_vectors)
{
    // drift-labs/protocol-v2 programs/drift/src/math/oracle/tests.rs, calculate_oracle_valid: price 34, twap
    // 32 - 0.001 and then 21 are valid with too_volatile_ratio 5 (PRICE_PRECISION 10^6).
    ck_assert(!guard_volatile(34000000, 31999000, 5));
    ck_assert(!guard_volatile(34000000, 21000000, 5));
    // The rule itself: max / max(min, 1) > ratio in integers.
    ck_assert(!guard_volatile(5999999, 1000000, 5));
    ck_assert(guard_volatile(6000000, 1000000, 5));
    ck_assert(guard_volatile(1000000, 6000000, 5));
    ck_assert(guard_volatile(6, 0, 5));
    ck_assert(guard_volatile(INT64_MAX, 1, UINT32_MAX));
    // TooUncertain: max(conf, 1) * 10^6 / price > max_conf, in integers; 2 % as on mainnet.
    ck_assert(!guard_uncertain(34000000, 680033, 20000)); // 20000.97 ppm: floored, that is the limit
    ck_assert(guard_uncertain(34000000, 680034, 20000));
    ck_assert(guard_uncertain(49, 0, 20000)); // 1 / 49
    ck_assert(!guard_uncertain(50, 0, 20000));
}
END_TEST

START_TEST(test_liquity_constants)
{
    // PriceFeed.sol: MAX_PRICE_DEVIATION_FROM_PREVIOUS_ROUND 50 % (of the greater),
    // _DIFFERENCE_BETWEEN_ORACLES 5 % (of the smaller); both allow equality.
    ck_assert(!guard_jump(200, 100, 500000));
    ck_assert(guard_jump(201, 100, 500000));
    ck_assert(!guard_jump(100, 200, 500000));
    ck_assert(guard_jump(99, 200, 500000));
    ck_assert(!guard_apart(105, 100, 50000));
    ck_assert(guard_apart(106, 100, 50000));
    ck_assert(!guard_apart(100, 105, 50000));
}
END_TEST

START_TEST(test_deviation_edge)
{
    ck_assert(!guard_off(10200, 10000, 20000)); // exactly 2 %
    ck_assert(guard_off(10201, 10000, 20000));
    ck_assert(guard_off(9799, 10000, 20000));
    ck_assert_int_eq(guard_off_clamp(10201, 10000, 20000), 10200);
    ck_assert_int_eq(guard_off_clamp(9799, 10000, 20000), 9800);
    ck_assert_int_eq(guard_off_clamp(1, 10000, 2000000), 1); // 200 %: no lower edge
    ck_assert_int_eq(guard_off_clamp(1, INT64_MAX, 999999),
                     INT64_C(9223372036855)); // the edge rounded towards ref
    ck_assert_int_eq(guard_off_clamp(INT64_MAX, INT64_MAX - 1, 1), INT64_MAX);
}
END_TEST

START_TEST(test_book)
{
    ck_assert_int_eq(book_mid(100, 103, 0), 101);
    ck_assert_int_eq(book_mid(100, 100, 1), 100); // locked
    ck_assert_int_eq(book_mid(101, 100, 0), 0);   // crossed
    ck_assert_int_eq(book_mid(0, 100, 0), 0);     // empty
    ck_assert_int_eq(book_mid(100, 0, 0), 0);
    ck_assert_int_eq(book_mid(1000, 1010, 10000), 1005); // exactly 1 %
    ck_assert_int_eq(book_mid(1000, 1011, 10000), 0);
    ck_assert_int_eq(book_mid(INT64_MAX - 1, INT64_MAX, 0), INT64_MAX - 1);
}
END_TEST

START_TEST(test_aave_cap)
{
    // PriceCapAdapterBase.sol: growth/s = ratio * yearly / 10^4 / 365 days, each floored; cap = ratio +
    // growth * seconds.
    struct price_cap c = {.snapshot = 1150000000000000000, .at_s = 1700000000};
    c.per_second = price_cap_growth(c.snapshot, 968); // 9.68 % a year
    ck_assert_int_eq(c.per_second, 3529934043);       // 111320000000000000 / 31536000
    ck_assert_int_eq(price_cap_at(&c, 1700000000), c.snapshot);
    ck_assert_int_eq(price_cap_at(&c, 1700000000 + 31536000), INT64_C(1261319999980048000));
    ck_assert_int_eq(price_cap_at(&c, 1699999999), 0);
    ck_assert_int_eq(price_cap_at(&c, UINT64_MAX), INT64_MAX);
}
END_TEST

// ---- Mango v4 state/stable_price.rs, its own tests with their tolerances; 1.0 is ONE quanta

#define ONE INT64_C(1000000000000)

static uint64_t run(struct stable_price *s, uint64_t start, uint64_t dt, unsigned steps, int64_t price)
{
    for (unsigned i = 1; i <= steps; i++)
        stable_update(s, start + dt * i, price);
    return start + dt * steps;
}

static void assert_near(int64_t got, int64_t want, int64_t within)
{
    ck_assert_msg(llabs(got - want) < within, "%" PRId64 ", expected %" PRId64, got, want);
}

START_TEST(test_mango_stable_price_10x)
{
    struct stable_price s;
    stable_init(&s);
    stable_update(&s, 0, ONE);
    uint64_t t = run(&s, 0, 60, 60, 10 * ONE);
    assert_near(s.price, 18 * ONE / 10, ONE / 10);
    for (int i = 1; i < STABLE_DELAYS; i++)
        ck_assert_int_eq(s.delay[i], ONE);
    assert_near(s.delay[0], 106 * ONE / 100, ONE / 100);
    ck_assert_uint_eq(s.index, 1);
    ck_assert(s.sum == 0 && s.sum_s == 0);

    t = run(&s, t, 10, 6 * 60, 10 * ONE);
    assert_near(s.price, 23 * ONE / 10, ONE / 10);
    for (int i = 2; i < STABLE_DELAYS; i++)
        ck_assert_int_eq(s.delay[i], ONE);
    assert_near(s.delay[0], 106 * ONE / 100, ONE / 100);
    assert_near(s.delay[1], 11236 * ONE / 10000, ONE / 100);
    ck_assert_uint_eq(s.index, 2);
    ck_assert(s.sum == 0 && s.sum_s == 0);

    (void)run(&s, t, 300, 12 * 23, 10 * ONE); // to 25 h since the start
    assert_near(s.price, 74 * ONE / 10, ONE / 10);
    ck_assert(s.delay[0] > s.delay[23] && s.delay[23] > s.delay[22]);
    ck_assert(s.delay[1] < s.delay[0] && s.delay[1] < s.delay[2]);
    ck_assert_uint_eq(s.index, 1);
}
END_TEST

START_TEST(test_mango_stable_price_average)
{
    struct stable_price s;
    stable_init(&s);
    s.delay_ppm = 10000000;
    stable_update(&s, 0, ONE);
    for (uint64_t t = 60; t <= 3600; t += 60)
        stable_update(&s, t, t > 1800 ? 2 * ONE : ONE);
    assert_near(s.delay[0], 15 * ONE / 10, ONE / 100);
}
END_TEST

START_TEST(test_stable_price_extremes)
{
    struct stable_price s;
    stable_init(&s);
    stable_update(&s, 0, 0);
    ck_assert_int_eq(s.price, 0);
    stable_update(&s, 0, INT64_MAX);
    (void)run(&s, 0, 4000, 100, INT64_MAX);
    ck_assert_int_eq(s.price, INT64_MAX);
    (void)run(&s, 400000, 600, 10000, 0);
    ck_assert_int_ge(s.price, 1);
    ck_assert_int_lt(s.price, INT64_MAX);
}
END_TEST

static struct stable_price stable;

static void check_line(char *text)
{
    char *save, *kind = strtok_r(text, " ", &save);
    if (*kind == 'g') {
        int64_t a = word_i64(&save), b = word_i64(&save);
        uint32_t ppm = (uint32_t)word_u64(&save), ratio = (uint32_t)word_u64(&save);
        ck_assert_int_eq(guard_off(a, b, ppm), word_i64(&save));
        ck_assert_int_eq(guard_jump(a, b, ppm), word_i64(&save));
        ck_assert_int_eq(guard_apart(a, b, ppm), word_i64(&save));
        ck_assert_int_eq(guard_volatile(a, b, ratio), word_i64(&save));
        ck_assert_int_eq(guard_uncertain(a, b, ppm), word_i64(&save));
        ck_assert_int_eq(guard_off_clamp(a, b, ppm), word_i64(&save));
        ck_assert_int_eq(guard_off(guard_off_clamp(a, b, ppm), b, ppm), 0);
        ck_assert_int_eq(book_mid(a, b, ppm), word_i64(&save));
    } else if (*kind == 'c') {
        struct price_cap c = {.snapshot = word_i64(&save), .at_s = word_u64(&save)};
        uint32_t yearly = (uint32_t)word_u64(&save);
        uint64_t now = word_u64(&save);
        c.per_second = price_cap_growth(c.snapshot, yearly);
        ck_assert_int_eq(c.per_second, word_i64(&save));
        ck_assert_int_eq(price_cap_at(&c, now), word_i64(&save));
    } else if (*kind == 'r') {
        stable_init(&stable);
    } else {
        uint64_t now = word_u64(&save);
        stable_update(&stable, now, word_i64(&save));
        ck_assert_int_eq(stable.price, word_i64(&save));
        i256 sum = I256_ZERO, want;
        for (int i = 0; i < STABLE_DELAYS; i++)
            sum = i256_add(sum, i256_from_i64(stable.delay[i]));
        ck_assert_int_eq(i256_parse(word(&save), &want), 0);
        ck_assert_int_eq(i256_cmp(sum, want), 0);
        ck_assert_uint_eq(stable.index, word_u64(&save));
    }
}

START_TEST(test_against_judge)
{
    ck_assert_uint_gt(judged("judge_guard.py", 20000, check_line), 27000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guard");
    TCase *t = tcase_create("guard");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_drift_validity_vectors);
    tcase_add_test(t, test_liquity_constants);
    tcase_add_test(t, test_deviation_edge);
    tcase_add_test(t, test_book);
    tcase_add_test(t, test_aave_cap);
    tcase_add_test(t, test_mango_stable_price_10x);
    tcase_add_test(t, test_mango_stable_price_average);
    tcase_add_test(t, test_stable_price_extremes);
    tcase_add_test(t, test_against_judge);
    suite_add_tcase(s, t);
    return run_suite(s);
}
