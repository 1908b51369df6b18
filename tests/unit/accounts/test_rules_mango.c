// SPDX-License-Identifier: Apache-2.0
// mango-v4-1 on literal cases: the example of docs/protocols/mango-v4.md through the account's side, the flag
// on both sides of -1, the settle token that stays while a perp needs it, and what new parameters may do to
// accounts. The broad comparison is tests/diff/mango_rule_diff.py.
#include <check.h>
#include <string.h>

#include "accounts/rules/mango/mango_book.h"
#include "run_suite.h"

enum { USD_PRICE, COIN_PRICE, PERP_PRICE };
enum { USDC, COIN, PERP };

static struct market market;
static int64_t px[MARKET_ASSETS_MAX];

static void put(unsigned instrument, enum term key, u128 value)
{
    ck_assert(term_set(&market.instrument[instrument].terms, key, value));
}

static void weights(unsigned i, int64_t maint_asset, int64_t maint_liab, int64_t init_asset,
                    int64_t init_liab)
{
    put(i, TERM_MAINT_ASSET_WEIGHT, (u128)maint_asset);
    put(i, TERM_MAINT_LIAB_WEIGHT, (u128)maint_liab);
    put(i, TERM_INIT_ASSET_WEIGHT, (u128)init_asset);
    put(i, TERM_INIT_LIAB_WEIGHT, (u128)init_liab);
}

// Prices of whole quote units for one native unit: power_of_ten(0), as both have the quote's six decimals.
static void setup(void)
{
    const u128 ray = (u128)1000000000 * 1000000000 * 1000000000;
    memset(&market, 0, sizeof market);
    memset(px, 0, sizeof px);
    market.n_assets = market.n_instruments = 3;
    for (uint16_t i = 0; i < 3; i++) {
        market.asset[i] = (struct asset){.kind = ASSET_INDEX};
        market.instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                                   .size_decimals = 6,
                                                   .asset = i,
                                                   .liquidity_index = ray,
                                                   .borrow_index = ray};
    }
    strcpy(market.instrument[USDC].name, "USDC");
    strcpy(market.instrument[COIN].name, "COIN");
    market.instrument[PERP] = (struct instrument){.kind = INST_LINEAR,
                                                  .name = "PERP",
                                                  .size_decimals = 6,
                                                  .cash_decimals = 6,
                                                  .currency = "USDC",
                                                  .asset = PERP_PRICE,
                                                  .n_tiers = 1,
                                                  .tier = {{.rate_ppm = 50000}}};
    weights(USDC, 253327479039590, 309622474381721, 225179981368524, 337769972052787);
    put(USDC, TERM_LIQUIDATION_FEE_FX, 2814749767106);
    weights(COIN, 197032483697459, 365917469723852, 140737488355328, 422212465065984);
    put(COIN, TERM_LIQUIDATION_FEE_FX, 14073748835532);
    put(COIN, TERM_PLATFORM_FEE_FX, 1407374883553);
    put(PERP, TERM_MAINT_BASE_ASSET_FX, (u128)FX_ONE * 95 / 100);
    put(PERP, TERM_INIT_BASE_ASSET_FX, (u128)FX_ONE * 90 / 100);
    put(PERP, TERM_MAINT_BASE_LIAB_FX, (u128)FX_ONE * 105 / 100);
    put(PERP, TERM_INIT_BASE_LIAB_FX, (u128)FX_ONE * 110 / 100);
    px[USD_PRICE] = 1;
    px[COIN_PRICE] = 5;
    px[PERP_PRICE] = 10;
}

// 4500 quote are owed against 1000 of a token at 5.
static struct account borrower(void)
{
    return (struct account){
        .id = 1,
        .rule = &rule_mango_v4_1,
        .n_positions = 2,
        .position = {{.instrument = USDC, .debt = (i128)4500 * FX_ONE},
                     {.instrument = COIN, .collateral = true, .supply = (i128)1000 * FX_ONE}}};
}

static i128 health_of(const struct account *a)
{
    struct health h;
    a->rule->health(&market, a, px, &h);
    i256 v = i256_sub(h.equity, h.requirement);
    ck_assert(i256_fits_i128(v));
    ck_assert_int_eq(h.liquidatable, i256_sign(v) < 0);
    return i256_to_i128(v);
}

START_TEST(the_programs_example)
{
    struct account a = borrower();
    struct order_size o;
    struct settlement s;
    struct err e;
    const struct size_policy policy = {.target_ppm = 1050000};
    setup();
    ck_assert_msg(a.rule->validate(&market, &a, &e) == 0, "%s", e.msg);
    ck_assert(health_of(&a) == (i128)-408138716230449500);
    ck_assert_int_eq(a.rule->size(&market, &a, px, &policy, &o), 0);
    ck_assert_uint_eq(o.n, 2);
    ck_assert(o.full && o.leg[0].instrument == USDC && o.leg[0].qty == 4500 && o.leg[1].instrument == COIN);
    ck_assert_int_eq(a.rule->settle(&market, &a, px, o.leg, o.n, &s, &e), 0);
    ck_assert(a.position[0].debt == (i128)43245836936653696 &&
              a.position[1].supply == (i128)20758001729592894);
    ck_assert_uint_eq(a.rule_state[0], 0); // -2170 units are above -1
    ck_assert_int_lt(a.rule->settle(&market, &a, px, o.leg, o.n, &s, &e), 0);
}
END_TEST

// A debt of d alone: liquidation-end health is -floor or so of d 1.2; the edge is at -1 exactly.
START_TEST(a_flag_ends_above_minus_one)
{
    setup();
    put(USDC, TERM_INIT_LIAB_WEIGHT, (u128)FX_ONE * 2);
    struct account a = borrower();
    a.n_positions = 1;
    a.position[0].debt = FX_ONE / 2; // -1: may still be liquidated
    a.rule_state[0] = 1;
    ck_assert(health_of(&a) == -1);
    a.position[0].debt -= 1; // -1 and two units
    ck_assert(health_of(&a) == 1);
    a.rule_state[0] = 0; // without the flag it is below 0
    ck_assert(health_of(&a) < 0);
}
END_TEST

START_TEST(the_settle_token_stays_while_a_perp_needs_it)
{
    struct mango_book b;
    struct err e;
    setup();
    struct account a = borrower();
    a.n_positions = 3;
    memcpy(a.currency, "USDC", 5);
    a.cash_decimals = 6;
    a.position[2] = (struct position){.instrument = PERP, .size = 7, .debt = FX_ONE};
    ck_assert_msg(a.rule->validate(&market, &a, &e) == 0, "%s", e.msg);
    ck_assert(a.rule->bends(&market, &a));
    mango_book_set(&b, &market, &a, px);
    ck_assert(b.a.token[b.a.perp[0].settle].index == USDC);
    b.a.token[0].liqee.indexed = b.a.token[1].liqee.indexed = 0;
    mango_book_back(&b, &market, &a);
    ck_assert_uint_eq(a.n_positions, 2);
    ck_assert(a.position[0].instrument == USDC && a.position[1].instrument == PERP);
    ck_assert_msg(a.rule->validate(&market, &a, &e) == 0, "%s", e.msg);
    b.a.perp[0].base_lots = 0;
    b.a.perp[0].quote = 0;
    a = borrower();
    a.n_positions = 3;
    a.position[2] = (struct position){.instrument = PERP, .size = 7};
    mango_book_back(&b, &market, &a);
    ck_assert_uint_eq(a.n_positions, 0);
}
END_TEST

START_TEST(parameters_that_no_account_can_break)
{
    setup();
    struct reach r = {.held = true, .supply_bits = 70, .debt_bits = 70, .size_bits = 20};
    for (unsigned i = 0; i < 3; i++)
        ck_assert(rule_mango_v4_1.within(&market, i, &r));
    ck_assert(!rule_mango_v4_1.bends(&market, &(struct account){.n_positions = 0}));
    put(PERP, TERM_LOT, 10); // sizes may be no multiples of it
    ck_assert(!rule_mango_v4_1.within(&market, PERP, &r));
    put(PERP, TERM_LOT, 0);
    r.size_bits = 30; // with a price unit of 49 bits
    ck_assert(!rule_mango_v4_1.within(&market, PERP, &r));
    put(USDC, TERM_DEPOSIT_INDEX_FX, (u128)1 << 79);
    r.supply_bits = 79;
    ck_assert(rule_mango_v4_1.within(&market, USDC, &r));
    r.supply_bits = 80;
    ck_assert(!rule_mango_v4_1.within(&market, USDC, &r));
    put(COIN, TERM_MAINT_LIAB_WEIGHT, (u128)FX_ONE / 2);
    ck_assert(!rule_mango_v4_1.within(&market, COIN, &r));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rules_mango");
    TCase *t = tcase_create("rules_mango");
    tcase_add_test(t, the_programs_example);
    tcase_add_test(t, a_flag_ends_above_minus_one);
    tcase_add_test(t, the_settle_token_stays_while_a_perp_needs_it);
    tcase_add_test(t, parameters_that_no_account_can_break);
    suite_add_tcase(s, t);
    return run_suite(s);
}
