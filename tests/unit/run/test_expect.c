// SPDX-License-Identifier: Apache-2.0
// What a session expects: without a fit it is breach.h with a minute's variance, as journals from before have
// it; forms and rows say the same; another asset's moves; settings that older journals do not have.
// tests/diff/outlook_diff.py judges what prices teach.
#include <check.h>
#include <string.h>

#include "run/expect.h"
#include "run_suite.h"

static const uint64_t SECOND = UINT64_C(1000000000);

static struct expect x;

static void setup(void)
{
    struct session_config c;
    config_default(&c);
    memset(&x, 0, sizeof x);
    x.cfg = c.expect;
    x.cfg.outlook = (struct outlook_fit){.odds_e6 = OUTLOOK_ONE};
    for (unsigned i = 0; i < 40; i++) {
        const int64_t px[] = {1000000 + (i % 3) * 1000, 2000000 - (int64_t)i * 4000, 0, 5000000};
        expect_sample(&x, px, 4, (1000 + i) * SECOND);
    }
}
static void teardown(void) {}

static struct row a_row(void)
{
    return (struct row){.n = 2, .asset = {0, 1}, .coef = {1 << 20, -(1 << 18)}};
}

START_TEST(test_without_a_fit)
{
    const struct row r = a_row();
    const uint64_t phat[] = {UINT64_C(1) << 32, UINT64_C(1) << 32};
    const int64_t e = INT64_C(1) << 52;
    struct breach_form f = {.health = e / 200, .n = 2, .exposure = {e, -(e >> 2)}};
    const struct breach_asset a[] = {{.vol_q48 = x.vol_q48[0]}, {.vol_q48 = x.vol_q48[1]}};
    const struct breach_view v = {.horizon_ns = 60 * SECOND, .rho_ppm = EXPECT_RHO_PPM, .fit = x.cfg.fit};
    const uint64_t p = expect_breach(&x, &r, f.health, phat);
    ck_assert_uint_gt(p, 0);
    ck_assert_uint_eq(p, breach_probability(&f, a, &v));
    const uint16_t asset[] = {0, 1};
    ck_assert_uint_eq(p, expect_form(&x, &f, asset, NULL));
}
END_TEST

START_TEST(test_with_a_fit)
{
    const struct row r = a_row();
    const uint64_t phat[] = {UINT64_C(1) << 32, UINT64_C(1) << 32};
    const int64_t h = INT64_C(1) << 44;
    const uint64_t plain = expect_breach(&x, &r, h, phat);
    x.cfg.outlook.const_e6 = -1000000;
    ck_assert_uint_lt(expect_breach(&x, &r, h, phat), plain);
    x.cfg.outlook.const_e6 = 1000000;
    ck_assert_uint_gt(expect_breach(&x, &r, h, phat), plain);
    ck_assert_uint_eq(expect_breach(&x, &r, 0, phat), BREACH_CERTAIN);
}
END_TEST

// Asset 1 falls by 0.2 % a second: who is short of it is not threatened by it, who is long is.
START_TEST(test_trend)
{
    struct breach_form f = {.health = INT64_C(1) << 46, .n = 1, .exposure = {INT64_C(1) << 52}};
    const uint16_t asset[] = {1};
    x.cfg.outlook.drift_ppm = 1000000;
    const uint64_t is_long = expect_form(&x, &f, asset, NULL);
    f.exposure[0] = -f.exposure[0];
    const uint64_t is_short = expect_form(&x, &f, asset, NULL);
    ck_assert_uint_gt(is_long, BREACH_CERTAIN / 2);
    ck_assert_uint_lt(is_short, BREACH_CERTAIN / 20);
}
END_TEST

START_TEST(test_of_another_asset)
{
    const struct breach_form f = {.health = INT64_C(1) << 46, .n = 1, .exposure = {INT64_C(1) << 52}};
    const uint16_t three[] = {3}, one[] = {1}, by[] = {0, 1, 2, 1};
    ck_assert_uint_eq(expect_form(&x, &f, three, by), expect_form(&x, &f, one, NULL));
    ck_assert_uint_ne(expect_form(&x, &f, three, NULL), expect_form(&x, &f, one, NULL));
    struct outlook_look a, b;
    expect_look(&x, &f, three, by, &a);
    expect_look(&x, &f, one, NULL, &b);
    ck_assert_int_eq(a.distance[OUTLOOK_FAST], b.distance[OUTLOOK_FAST]);
    ck_assert_int_eq(a.drift, b.drift);
}
END_TEST

START_TEST(test_samples)
{
    const int64_t px[] = {7, 7, 7, 7};
    const struct expect was = x;
    expect_sample(&x, px, 4, 1039 * SECOND + SECOND - 1); // too soon
    expect_sample(&x, px, 4, 1000 * SECOND);              // time that has been
    ck_assert_int_eq(memcmp(&was, &x, sizeof x), 0);
    ck_assert_uint_eq(x.vol_q48[2], 0); // never had a price
    ck_assert_uint_eq(x.changed_ns[3], 1000 * SECOND);
    ck_assert_uint_eq(x.changed_ns[1], 1039 * SECOND);
}
END_TEST

// A chance is of the time until its turn, at the pace of the rounds; of the horizon where that is less or no
// pace is known.
START_TEST(test_until_its_turn)
{
    const uint64_t horizon = expect_horizon_ns(&x);
    struct expect y = x;
    expect_turn(&y, 5, 1000);
    ck_assert_uint_eq(expect_horizon_ns(&y), horizon); // no pace yet
    y.at_ns += 2 * SECOND;
    expect_turn(&y, 5, 1100); // a hundred in two seconds
    ck_assert_uint_eq(expect_horizon_ns(&y), SECOND / 10);
    expect_turn(&y, 3, 1150); // no sample since
    ck_assert_uint_eq(expect_horizon_ns(&y), 3 * SECOND / 50);
    expect_turn(&y, horizon, 1150);
    ck_assert_uint_eq(expect_horizon_ns(&y), horizon);
    expect_turn(&y, 0, 1150);
    ck_assert_uint_eq(expect_horizon_ns(&y), horizon);
}
END_TEST

START_TEST(test_value)
{
    static uint64_t phat[MARKET_ASSETS_MAX];
    const struct row r = {.n = 2, .asset = {0, 1}, .coef = {1000, -3000}};
    const int64_t e = INT64_C(1) << 40;
    phat[0] = phat[1] = (uint64_t)1 << 28;
    x.cfg.by = EXPECT_BY_TURN;
    ck_assert_int_eq(expect_value(&x, &r, e, phat, BREACH_CERTAIN / 2, 100, 7), 43);
    ck_assert_int_eq(expect_value(&x, &r, e, phat, BREACH_CERTAIN, INT64_MIN, 7), INT64_MIN + 1);
    const int64_t near = expect_value(&x, &r, e / 128, phat, 0, 1000000, 0);
    ck_assert_int_lt(near, expect_value(&x, &r, e, phat, 1, INT64_MIN / 2, 0)); // after any chance
    ck_assert_int_gt(near, expect_value(&x, &r, e / 64, phat, 0, 1000000, 0));
    ck_assert_int_lt(near, expect_value(&x, &r, e / 256, phat, 0, 300000, 0)); // half as far counts for four
    ck_assert_int_gt(near, expect_value(&x, &r, e / 256, phat, 0, 200000, 0));
    ck_assert_int_gt(expect_value(&x, &r, 0, phat, 0, INT64_MAX, 0), near);
    ck_assert_int_lt(expect_value(&x, &r, e / 256, phat, 0, -5, 0), near);
    ck_assert_int_lt(expect_value(&x, &r, INT64_MAX, phat, 0, 1, 0), near);
    x.cfg.by = EXPECT_BY_HORIZON;
    ck_assert_int_eq(expect_value(&x, &r, e, phat, 0, 1000, 7), -7);
}
END_TEST

// What a journal from before says of predictions is what was done then.
START_TEST(test_older_journals)
{
    static const char text[] = "predict=1\npredict_horizon_ms=60000\n";
    struct session_config c, now;
    struct err e;
    ck_assert_int_eq(config_parse(text, sizeof text - 1, &c, &e), 0);
    ck_assert(outlook_plain(&c.expect.outlook));
    ck_assert_uint_eq(c.expect.keep_ppm, 0);
    ck_assert_uint_eq(c.expect.deviation_ppm, 0);
    config_default(&now);
    ck_assert(outlook_plain(&now.expect.outlook)); // fits are the user's to take
    ck_assert_uint_gt(now.expect.keep_ppm, 0);
    char all[4096];
    size_t n = config_format(&now, all, sizeof all);
    ck_assert_uint_gt(n, 0);
    ck_assert_int_eq(config_parse(all, n, &c, &e), 0);
    ck_assert_int_eq(memcmp(&c.expect, &now.expect, sizeof c.expect), 0);
    ck_assert_int_eq(config_set(&c, "predict_far_e6", "1", &e), -1); // less health is never less likely
    ck_assert_int_eq(config_set(&c, "predict_odds_e6", "-1", &e), -1);
    ck_assert_int_eq(config_set(&c, "predict_far_e6", "-5", &e), 0);
    ck_assert_int_eq(c.expect.outlook.far_e6, -5);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("expect");
    TCase *tc = tcase_create("expect");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_without_a_fit);
    tcase_add_test(tc, test_with_a_fit);
    tcase_add_test(tc, test_trend);
    tcase_add_test(tc, test_of_another_asset);
    tcase_add_test(tc, test_samples);
    tcase_add_test(tc, test_until_its_turn);
    tcase_add_test(tc, test_value);
    tcase_add_test(tc, test_older_journals);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
