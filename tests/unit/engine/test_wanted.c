// SPDX-License-Identifier: Apache-2.0
// With engine_config.predict: whose order is made ready first follows what it is expected to bring; without,
// the list's order; nobody is forgotten either way.
#include <stdlib.h>
#include <string.h>

#include "engine/deaf.h"
#include "engine/engine.h"
#include "run_suite.h"

enum { ACCOUNTS = 40, START = 1000000, PER_ROUND = 4, EDGE = START / 2 };

static struct {
    struct book book;
    struct account account[ACCOUNTS];
    int64_t value[ACCOUNTS];
    struct device *dev;
    struct engine *engine;
    int64_t px[MARKET_ASSETS_MAX];
    uint32_t on[ACCOUNTS * 4], off[ACCOUNTS * 4];
    size_t n_on, n_off, asked;
} r;

static int rule_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    (void)m, (void)band, (void)e;
    memset(out, 0, 2 * sizeof *out);
    for (int i = 0; i < 2; i++) {
        out[i].level = (uint8_t)i;
        out[i].n = 1;
        out[i].a[0] = i256_from_i128(a->position[0].size);
        out[i].c = i256_from_i128(a->cash - (i ? a->position[0].size * EDGE * warn_ppm / 1000000 : 0));
    }
    return 2;
}

static void rule_health(const struct market *m, const struct account *a, const int64_t *px,
                        struct health *out)
{
    (void)m;
    out->equity = i256_from_i128(a->cash + a->position[0].size * px[0]);
    out->requirement = I256_ZERO;
    out->liquidatable = i256_sign(out->equity) < 0;
}

static const struct rule test_rule = {.name = "test", .rows = rule_rows, .health = rule_health};

static enum engine_verdict hook_breach(void *ctx, size_t account)
{
    (void)ctx, (void)account;
    return VERDICT_KEEP;
}
static void hook_near(void *ctx, size_t account, bool on)
{
    (void)ctx;
    ck_assert_uint_lt(r.n_on + r.n_off, ACCOUNTS * 4);
    if (on)
        r.on[r.n_on++] = (uint32_t)account;
    else
        r.off[r.n_off++] = (uint32_t)account;
}
static int64_t hook_expected(void *ctx, size_t account, const struct row *row, int64_t h,
                             const uint64_t *phat)
{
    (void)ctx;
    ck_assert_int_eq(row->level, LEVEL_LIQUIDATE);
    ck_assert_int_eq(row_eval(row, phat), h);
    r.asked++;
    return r.value[account];
}

static void start(uint32_t predict)
{
    struct err e;
    const struct device_config dc = {.backend = "model", .lanes = 32, .slots = 16, .assets = 4};
    const struct engine_config ec = {.band_ppm = 400000, .warn_ppm = 300000, .predict = predict};
    const struct engine_hooks hooks = {.commands = deaf_commands,
                                       .event = deaf_event,
                                       .breach = hook_breach,
                                       .near = hook_near,
                                       .expected = hook_expected};
    static bool registered;
    if (!registered)
        device_register(&device_ops_model);
    registered = true;
    memset(&r, 0, sizeof r);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        r.account[i] = (struct account){.id = i + 1, .rule = &test_rule, .n_positions = 1};
        r.account[i].position[0].size = 1000;
        r.account[i].cash = -(i128)1000 * EDGE;
        r.value[i] = (int64_t)(i * 17 % ACCOUNTS); // all different
    }
    r.book.account = r.account;
    r.book.n_accounts = ACCOUNTS;
    r.book.market.n_assets = r.book.market.n_instruments = 1;
    r.book.market.asset[0] = (struct asset){.kind = ASSET_INDEX, .decimals = 6};
    r.book.market.instrument[0] = (struct instrument){.kind = INST_LINEAR};
    ck_assert_msg(device_open(&dc, &r.dev, &e) == 0, "%s", e.msg);
    r.engine = engine_new(&ec, &r.book, r.dev, &hooks, &e);
    ck_assert_msg(r.engine != NULL, "%s", e.msg);
}

static void stop(void)
{
    engine_free(r.engine);
    device_close(r.dev);
}

static void set(int64_t price)
{
    struct err e;
    const struct engine_price p = {0, price};
    r.px[0] = price;
    ck_assert_msg(engine_group(r.engine, &p, 1, r.px, &e) == 0, "%s", e.msg);
}

// Prices near enough to each other that nobody is due anew, and all warned.
static void warned(size_t rounds)
{
    for (size_t i = 0; i < rounds; i++)
        set(EDGE * 11 / 10 + (int64_t)i % 2);
}

START_TEST(test_the_most_valuable_first_and_everyone_once)
{
    start(1);
    set(START);
    warned(ACCOUNTS / PER_ROUND + 5);
    ck_assert_uint_eq(r.n_on, ACCOUNTS);
    for (size_t i = 0; i < ACCOUNTS; i++)
        ck_assert_int_eq(r.value[r.on[i]], (int64_t)(ACCOUNTS - 1 - i));
    stop();
}
END_TEST

START_TEST(test_no_more_than_four_a_round)
{
    start(1);
    set(START);
    warned(1);
    ck_assert_uint_eq(r.n_on, PER_ROUND);
    warned(1);
    ck_assert_uint_eq(r.n_on, 2 * PER_ROUND);
    stop();
}
END_TEST

START_TEST(test_values_are_those_of_the_last_look)
{
    start(1);
    set(START);
    warned(1);
    for (uint32_t i = 0; i < ACCOUNTS; i++) // the other way round
        r.value[i] = -r.value[i];
    warned(1);
    for (size_t i = PER_ROUND + 1; i < r.n_on; i++)
        ck_assert_int_gt(r.value[r.on[i - 1]], r.value[r.on[i]]);
    ck_assert_int_eq(r.value[r.on[PER_ROUND]], 0);
    stop();
}
END_TEST

// Who has nothing to gain takes no turn of those who have, and waits no more.
START_TEST(test_who_gains_nothing_takes_no_turn)
{
    start(1);
    for (uint32_t i = 0; i < ACCOUNTS; i += 2)
        r.value[i] = INT64_MIN;
    set(START);
    warned(1);
    ck_assert_uint_eq(engine_turns(r.engine), 1 + (ACCOUNTS / 2 - PER_ROUND) / PER_ROUND);
    warned(ACCOUNTS / 2 / PER_ROUND - 1);
    ck_assert_uint_eq(r.n_on, ACCOUNTS / 2);
    ck_assert_uint_eq(engine_turns(r.engine), 1);
    for (size_t i = 0; i < r.n_on; i++)
        ck_assert_uint_eq(r.on[i] % 2, 1);
    const size_t asked = r.asked;
    warned(ACCOUNTS);
    ck_assert_uint_eq(r.asked, asked); // until prices have moved
    ck_assert_uint_eq(r.n_on, ACCOUNTS / 2);
    stop();
}
END_TEST

// An account that waits, and by now has nothing to gain, leaves the queue.
START_TEST(test_who_gains_nothing_any_more_leaves)
{
    start(1);
    set(START);
    warned(1);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        r.value[i] = INT64_MIN;
    warned(2);
    ck_assert_uint_eq(r.n_on, PER_ROUND);
    ck_assert_uint_eq(engine_turns(r.engine), 1);
    stop();
}
END_TEST

START_TEST(test_without_predict_the_lists_order)
{
    start(0);
    set(START);
    warned(ACCOUNTS / PER_ROUND + 5);
    ck_assert_uint_eq(r.n_on, ACCOUNTS);
    ck_assert_uint_eq(r.asked, 0);
    size_t falls = 0;
    for (size_t i = 1; i < ACCOUNTS; i++)
        falls += r.value[r.on[i]] < r.value[r.on[i - 1]];
    ck_assert_uint_lt(falls, ACCOUNTS - 1);
    stop();
}
END_TEST

START_TEST(test_who_leaves_waits_no_more)
{
    start(1);
    set(START);
    warned(1);
    set(START); // all far again
    set(START + 1);
    ck_assert_uint_eq(r.n_off, ACCOUNTS);
    size_t made = r.n_on;
    set(START);
    ck_assert_uint_eq(r.n_on, made);
    stop();
}
END_TEST

int main(void)
{
    Suite *su = suite_create("wanted");
    TCase *t = tcase_create("wanted");
    tcase_add_test(t, test_the_most_valuable_first_and_everyone_once);
    tcase_add_test(t, test_no_more_than_four_a_round);
    tcase_add_test(t, test_values_are_those_of_the_last_look);
    tcase_add_test(t, test_who_gains_nothing_takes_no_turn);
    tcase_add_test(t, test_who_gains_nothing_any_more_leaves);
    tcase_add_test(t, test_without_predict_the_lists_order);
    tcase_add_test(t, test_who_leaves_waits_no_more);
    suite_add_tcase(su, t);
    return run_suite(su);
}
