// SPDX-License-Identifier: Apache-2.0
// The audit must not be blind: it sees a breach that the engine was not told of, and an order for a healthy
// account.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "engine/deaf.h"
#include "run/audit.h"
#include "run_suite.h"

static struct book book;
static struct account account[2];
static int64_t px[MARKET_ASSETS_MAX];
static struct device *dev;
static struct engine *engine;
static struct audit a;

static enum engine_verdict on_breach(void *ctx, size_t i)
{
    (void)ctx;
    (void)i;
    return VERDICT_KEEP;
}
static void setup(void)
{
    static bool registered;
    struct err e = {{0}};
    if (!registered)
        device_register(&device_ops_model);
    registered = true;
    memset(&book, 0, sizeof book);
    memset(px, 0, sizeof px);
    memset(&a, 0, sizeof a);
    book.market.n_assets = book.market.n_instruments = 2;
    for (uint16_t i = 0; i < 2; i++) {
        book.market.asset[i] = (struct asset){.kind = ASSET_INDEX, .decimals = 9};
        book.market.instrument[i] = (struct instrument){.kind = INST_LINEAR,
                                                        .asset = i,
                                                        .currency = "USDC",
                                                        .size_decimals = 3,
                                                        .cash_decimals = 6,
                                                        .n_tiers = 1};
        book.market.instrument[i].tier[0].rate_ppm = 10000;
        // Long 1 from 60,000 with 3,000: below maintenance under 57,575.75
        account[i] = (struct account){.id = i + 1u,
                                      .rule = &rule_perp_linear_1,
                                      .currency = "USDC",
                                      .cash_decimals = 6,
                                      .cash = INT64_C(3000000000),
                                      .n_positions = 1};
        account[i].position[0] =
            (struct position){.instrument = i, .size = 1000, .entry = INT64_C(60000000000000)};
    }
    book.n_accounts = 2;
    book.account = account;
    const struct device_config dc = {.backend = "model"};
    const struct engine_config ec = {.band_ppm = 20000};
    const struct engine_hooks hooks = {
        .commands = deaf_commands, .event = deaf_event, .breach = on_breach, .near = deaf_near};
    ck_assert_msg(device_open(&dc, &dev, &e) == 0, "%s", e.msg);
    engine = engine_new(&ec, &book, dev, &hooks, &e);
    ck_assert_msg(engine != NULL, "%s", e.msg);
}

static void teardown(void)
{
    engine_free(engine);
    device_close(dev);
}

static void tell(uint16_t asset, int64_t whole)
{
    struct err e = {{0}};
    px[asset] = whole * 1000000000;
    const struct engine_price p = {asset, px[asset]};
    ck_assert_msg(engine_group(engine, &p, 1, px, &e) == 0, "%s", e.msg);
}

START_TEST(test_breach_the_engine_knows)
{
    tell(0, 60000);
    audit_update(&a, &book, px, engine);
    tell(0, 57575);
    audit_update(&a, &book, px, engine);
    ck_assert(a.updates == 2 && a.evaluations == 2 && a.breaches == 1 && a.missed == 0);
}
END_TEST

START_TEST(test_breach_the_engine_was_not_told)
{
    tell(0, 60000);
    px[0] = INT64_C(57575000000000);
    audit_update(&a, &book, px, engine);
    ck_assert(a.missed == 1 && a.first_missed == 1);
    px[1] = INT64_C(57575000000000); // never placed by the engine, yet it has all its prices
    audit_update(&a, &book, px, engine);
    ck_assert(a.missed == 3 && a.first_missed == 1 && a.breaches == 3);
}
END_TEST

START_TEST(test_order_for_a_healthy_account)
{
    px[0] = INT64_C(57575000000000);
    audit_order(&a, &book, 0, px);
    ck_assert_uint_eq(a.unconfirmed_orders, 0);
    px[0] = INT64_C(57576000000000);
    audit_order(&a, &book, 0, px);
    ck_assert_uint_eq(a.unconfirmed_orders, 1);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("audit");
    TCase *t = tcase_create("audit");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_breach_the_engine_knows);
    tcase_add_test(t, test_breach_the_engine_was_not_told);
    tcase_add_test(t, test_order_for_a_healthy_account);
    suite_add_tcase(su, t);
    return run_suite(su);
}
