// SPDX-License-Identifier: Apache-2.0
// Ticks and time-weighted means: the vectors of Uniswap v3-core's TickMath.spec.ts and Oracle.spec.ts, every
// tick's edge, random cases against judge_tick.py and judge_twap.py.
#include "base/test_seed.h"
#include "oracle/judged.h"
#include "oracle/tick.h"
#include "oracle/twap.h"
#include "run_suite.h"

static void assert_decimal(i256 got, const char *want)
{
    char text[I256_DIGITS_MAX];
    (void)i256_format(got, text, sizeof text);
    ck_assert_str_eq(text, want);
}

static i256 from_text(const char *text)
{
    i256 v;
    ck_assert_int_eq(i256_parse(text, &v), 0);
    return v;
}

// ---- TickMath.spec.ts

static const struct {
    int tick;
    const char *ratio;
} PUBLISHED[] = {
    {-887272, "4295128739"},
    {-887271, "4295343490"},
    {887271, "1461373636630004318706518188784493106690254656249"},
    {887272, "1461446703485210103287273052203988822378723970342"},
    {-738203, "7409801140451"},
    {-500000, "1101692437043807371"},
    {-250000, "295440463448801648376846"},
    {-150000, "43836292794701720435367485"},
    {-50000, "6504256538020985011912221507"},
    {-5000, "61703726247759831737814779831"},
    {-4000, "64867181785621769311890333195"},
    {-3000, "68192822843687888778582228483"},
    {-2500, "69919044979842180277688105136"},
    {-1000, "75364347830767020784054125655"},
    {-500, "77272108795590369356373805297"},
    {-250, "78244023372248365697264290337"},
    {-100, "78833030112140176575862854579"},
    {-50, "79030349367926598376800521322"},
    {0, "79228162514264337593543950336"},
    {50, "79426470787362580746886972461"},
    {100, "79625275426524748796330556128"},
    {250, "80224679980005306637834519095"},
    {500, "81233731461783161732293370115"},
    {1000, "83290069058676223003182343270"},
    {2500, "89776708723587163891445672585"},
    {3000, "92049301871182272007977902845"},
    {4000, "96768528593268422080558758223"},
    {5000, "101729702841318637793976746270"},
    {50000, "965075977353221155028623082916"},
    {150000, "143194173941309278083010301478497"},
    {250000, "21246587762933397357449903968194344"},
    {500000, "5697689776495288729098254600827762987878"},
    {738203, "847134979253254120489401328389043031315994541"},
};

START_TEST(test_published_ratios)
{
    i256 r;
    int tick;
    for (size_t i = 0; i < sizeof PUBLISHED / sizeof PUBLISHED[0]; i++) {
        ck_assert_int_eq(tick_sqrt_ratio(PUBLISHED[i].tick, &r), 0);
        assert_decimal(r, PUBLISHED[i].ratio);
        if (PUBLISHED[i].tick < TICK_MAX) {
            ck_assert_int_eq(tick_at_sqrt_ratio(r, &tick), 0);
            ck_assert_int_eq(tick, PUBLISHED[i].tick);
        }
    }
    ck_assert_int_eq(tick_sqrt_ratio(TICK_MIN - 1, &r), -1);
    ck_assert_int_eq(tick_sqrt_ratio(TICK_MAX + 1, &r), -1);
    ck_assert_int_eq(tick_at_sqrt_ratio(from_text("4295128738"), &tick), -1);
    ck_assert_int_eq(
        tick_at_sqrt_ratio(from_text("1461446703485210103287273052203988822378723970342"), &tick), -1);
    ck_assert_int_eq(
        tick_at_sqrt_ratio(from_text("1461446703485210103287273052203988822378723970341"), &tick), 0);
    ck_assert_int_eq(tick, TICK_MAX - 1);
}
END_TEST

// Where an estimate could be off by one it would be here: each tick begins exactly at its ratio.
START_TEST(test_every_tick_begins_at_its_ratio)
{
    for (int t = TICK_MIN; t < TICK_MAX; t += (int)test_stride(127)) {
        i256 r;
        int at = 0, below = 0;
        ck_assert(tick_sqrt_ratio(t, &r) == 0 && tick_at_sqrt_ratio(r, &at) == 0);
        ck_assert_msg(at == t, "tick %d: %d", t, at);
        if (t > TICK_MIN) {
            ck_assert_int_eq(tick_at_sqrt_ratio(i256_sub(r, i256_from_i64(1)), &below), 0);
            ck_assert_msg(below == t - 1, "just below tick %d: %d", t, below);
        }
    }
}
END_TEST

START_TEST(test_every_price_tick_there_and_back)
{
    for (int t = 0; t <= 436704; t += (int)test_stride(61)) {
        int64_t p = tick_price(t);
        // floor(1.0001^t) may lie below its tick; the next integer does not.
        ck_assert_msg(tick_at_price(p) <= t && (p == INT64_MAX || tick_at_price(p + 1) >= t), "tick %d", t);
    }
    ck_assert_int_eq(tick_at_price(1), 0);
    ck_assert_int_eq(tick_at_price(INT64_MAX), 436704);
    ck_assert_int_eq(tick_price(436705), INT64_MAX);
    ck_assert_int_eq(tick_price(-1), 0);
}
END_TEST

static bool all_ticks;

// All ratios from the lowest tick up to `to`, going on from call to call.
static uint64_t digest_to(int to)
{
    static int next = TICK_MIN;
    static uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (; next <= to; next++) {
        i256 r;
        ck_assert_int_eq(tick_sqrt_ratio(next, &r), 0);
        for (int i = 0; i < 4; i++)
            if (r.w[0] || r.w[1] || r.w[2] || r.w[3]) { // limbs up to the highest that is not 0
                digest = (digest ^ (uint64_t)r.w[0]) * UINT64_C(0x100000001b3);
                r = i256_sar(r, 64);
            }
    }
    return digest;
}

static void check_tick(char *text)
{
    char *save, *kind = strtok_r(text, " ", &save), *arg = word(&save), *want = word(&save);
    i256 r;
    int tick;
    switch (*kind) {
    case 'r':
        ck_assert_int_eq(tick_sqrt_ratio(atoi(arg), &r), 0);
        assert_decimal(r, want);
        break;
    case 'd':
        ck_assert_msg(test_stride(2) > 1 || digest_to(atoi(arg)) == strtoull(want, NULL, 10),
                      "some tick up to %s", arg);
        all_ticks = atoi(arg) == TICK_MAX;
        break;
    case 's':
        if (tick_at_sqrt_ratio(from_text(arg), &tick) != 0)
            ck_assert_str_eq(want, "-");
        else
            ck_assert_int_eq(tick, atoi(want));
        break;
    case 'p':
        ck_assert_msg(tick_at_price(strtoll(arg, NULL, 10)) == atoi(want), "price %s: tick %s", arg, want);
        break;
    default:
        ck_assert_int_eq(tick_price(atoi(arg)), strtoll(want, NULL, 10));
    }
}

START_TEST(test_ticks_against_judge)
{
    ck_assert_uint_gt(judged("judge_tick.py", test_rounds(2000), check_tick), 9 * test_rounds(2000));
    ck_assert(all_ticks);
}
END_TEST

// ---- Oracle.spec.ts, #observe: initialize, grow and update are writes; the ring stores each (spacing 0)

static struct twap ring;
static uint32_t clock_now;

static void initialize(uint32_t time, int tick, unsigned grow)
{
    twap_init(&ring, 0, grow);
    clock_now = time;
    twap_write(&ring, clock_now, tick);
}

static void update(uint32_t advance, int tick)
{
    clock_now += advance;
    twap_write(&ring, clock_now, tick);
}

static int64_t observe(uint32_t ago)
{
    i128 sum = 0;
    ck_assert_int_eq(twap_sum(&ring, clock_now, ago, &sum), 0);
    return (int64_t)sum;
}

static bool old(uint32_t ago)
{
    i128 sum;
    return twap_sum(&ring, clock_now, ago, &sum) != 0;
}

START_TEST(test_oracle_spec_one_observation)
{
    twap_init(&ring, 0, 1);
    ck_assert(old(0));
    initialize(5, 2, 1);
    ck_assert_int_eq(observe(0), 0);
    clock_now += 3;
    ck_assert(old(4));
    ck_assert_int_eq(observe(3), 0);
    ck_assert_int_eq(observe(1), 4);
    ck_assert_int_eq(observe(0), 6);
}
END_TEST

START_TEST(test_oracle_spec_two_observations)
{
    initialize(5, -5, 2);
    update(4, 1);
    ck_assert_int_eq(observe(0), -20);
    clock_now += 7;
    ck_assert_int_eq(observe(0), -13);
    ck_assert_int_eq(observe(11), 0);
    ck_assert_int_eq(observe(9), -10);

    initialize(5, -5, 2); // in reverse order: the second has taken the first's place
    update(4, 1);
    update(3, -5);
    ck_assert_int_eq(observe(0), -17);
    clock_now += 7;
    ck_assert_int_eq(observe(0), -52);
    ck_assert_int_eq(observe(10), -20);
    ck_assert_int_eq(observe(9), -19);
}
END_TEST

START_TEST(test_oracle_spec_many)
{
    static const uint32_t ago[] = {0, 3, 8, 13, 15, 18};
    static const int64_t want[] = {56, 38, 20, 10, 6, 0};
    initialize(5, 2, 4);
    update(13, 6);
    clock_now += 5;
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(observe(ago[i]), want[i]);
}
END_TEST

START_TEST(test_oracle_spec_five_observations)
{
    static const uint32_t start[] = {5, UINT32_MAX - 4}; // 2^32 - 5: time wraps
    for (int i = 0; i < 2; i++) {
        initialize(start[i], -5, 5);
        update(3, 1);
        update(2, -6);
        update(4, -2);
        update(1, -2);
        update(3, 4);
        update(6, 6);
        ck_assert_uint_eq(ring.newest, 1);
        ck_assert_uint_eq(ring.n, 5);
        ck_assert_int_eq(observe(0), -21);
        ck_assert_int_eq(observe(3), -33);
        ck_assert_int_eq(observe(14), -13);
        ck_assert(old(15));
        clock_now += 5;
        ck_assert_int_eq(observe(5), -21);
        ck_assert_int_eq(observe(0), 9);
        ck_assert_int_eq(observe(8), -33);
        ck_assert(old(20));
        clock_now += 1;
        ck_assert_int_eq(observe(20), -13);
    }
}
END_TEST

// ---- ours

START_TEST(test_mean_is_floored)
{
    int64_t m;
    initialize(100, -5, 8);
    update(3, -6);
    clock_now += 1; // -21 over 4
    ck_assert_int_eq(twap_mean(&ring, clock_now, 4, 0, &m), 0);
    ck_assert_int_eq(m, -6);
    ck_assert_int_eq(twap_mean(&ring, clock_now, 3, 1, &m), 0);
    ck_assert_int_eq(m, -5);
    ck_assert_int_eq(twap_mean(&ring, clock_now, 5, 0, &m), -1);
    ck_assert_int_eq(twap_mean(&ring, clock_now, 2, 2, &m), -1);
}
END_TEST

START_TEST(test_time_does_not_run_backwards)
{
    initialize(100, 7, 4);
    update(10, 9);
    twap_write(&ring, 50, 11); // late: takes effect now
    ck_assert_int_eq(observe(0), 70);
    clock_now += 2;
    ck_assert_int_eq(observe(0), 92);
}
END_TEST

START_TEST(test_extremes_do_not_overflow)
{
    int64_t m;
    twap_init(&ring, 1 << 30, 2);
    twap_write(&ring, 0, INT64_MAX);
    twap_write(&ring, INT32_MAX, INT64_MIN);
    twap_write(&ring, 1u << 31, INT64_MAX);
    ck_assert_int_eq(twap_mean(&ring, 1u << 31, (1u << 31) - 2, 1, &m), -1); // the ring holds two
    twap_init(&ring, UINT32_MAX, 2);
    twap_write(&ring, 0, INT64_MAX);
    twap_write(&ring, 1 << 30, INT64_MIN);
    ck_assert_int_eq(twap_mean(&ring, 1 << 30, (1 << 30) - 1, 1, &m),
                     0); // interpolated: the product is largest
    ck_assert_int_eq(m, INT64_MAX);
    ck_assert_int_eq(twap_mean(&ring, (1u << 31) - 1, (1u << 31) - 1, 0, &m), 0);
    ck_assert_int_eq(m, 4294967297); // (2^30 (2^63 - 1) - (2^30 - 1) 2^63) / (2^31 - 1)
}
END_TEST

START_TEST(test_spacing_reaches_back_the_window)
{
    uint32_t window = 30000;
    twap_init(&ring, twap_spacing(window, TWAP_RING), TWAP_RING);
    for (uint32_t t = 0; t < test_rounds(200000); t += 3) {
        i128 sum;
        twap_write(&ring, t, t);
        ck_assert_msg(t < window || twap_sum(&ring, t, window, &sum) == 0, "at %u", t);
    }
}
END_TEST

static void check_twap(char *text)
{
    char *save, *kind = strtok_r(text, " ", &save);
    uint32_t first = (uint32_t)word_u64(&save), from, to;
    int64_t mean;
    i128 sum;
    char *want;
    switch (*kind) {
    case 'i':
        twap_init(&ring, first, (unsigned)word_u64(&save));
        break;
    case 'w':
        twap_write(&ring, first, word_i64(&save));
        break;
    case 's':
        from = (uint32_t)word_u64(&save);
        want = word(&save);
        if (twap_sum(&ring, first, from, &sum) != 0)
            ck_assert_str_eq(want, "-");
        else
            assert_decimal(i256_from_i128(sum), want);
        break;
    default:
        from = (uint32_t)word_u64(&save);
        to = (uint32_t)word_u64(&save);
        want = word(&save);
        if (twap_mean(&ring, first, from, to, &mean) != 0)
            ck_assert_str_eq(want, "-");
        else
            ck_assert_int_eq(mean, strtoll(want, NULL, 10));
    }
}

START_TEST(test_twap_against_judge)
{
    ck_assert_uint_gt(judged("judge_twap.py", test_rounds(200), check_twap), 100 * test_rounds(200));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("twap");
    TCase *t = tcase_create("twap");
    tcase_set_timeout(t, 250);
    tcase_add_test(t, test_published_ratios);
    tcase_add_test(t, test_every_tick_begins_at_its_ratio);
    tcase_add_test(t, test_every_price_tick_there_and_back);
    tcase_add_test(t, test_ticks_against_judge);
    tcase_add_test(t, test_oracle_spec_one_observation);
    tcase_add_test(t, test_oracle_spec_two_observations);
    tcase_add_test(t, test_oracle_spec_many);
    tcase_add_test(t, test_oracle_spec_five_observations);
    tcase_add_test(t, test_mean_is_floored);
    tcase_add_test(t, test_time_does_not_run_backwards);
    tcase_add_test(t, test_extremes_do_not_overflow);
    tcase_add_test(t, test_spacing_reaches_back_the_window);
    tcase_add_test(t, test_twap_against_judge);
    suite_add_tcase(s, t);
    return run_suite(s);
}
