// SPDX-License-Identifier: Apache-2.0
// Where a rule has a short way beside its long one, both say the same: perpetuals in 128 and in 256 bits,
// over markets and accounts of every magnitude that the rule takes; and what `takes` says of legs against
// what settle does with them.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/rules/perp/perp_common.h"
#include "accounts/store.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "run_suite.h"

enum { ROUNDS = 60000, INSTRUMENTS = 4, GENERATED = 1500 };

static struct market market;
static struct account account;
static int64_t px[MARKET_ASSETS_MAX];
static struct prng rng;

static void seed(void)
{
    prng_seed(&rng, test_seed(20));
}

static i128 of_bits(unsigned most) // of any magnitude up to `most` bits
{
    unsigned bits = (unsigned)prng_below(&rng, most + 1);
    u128 v = (u128)prng_u64(&rng) << 64 | prng_u64(&rng);
    return bits ? (i128)(v >> (128 - bits)) : 0;
}

static bool chance(unsigned percent)
{
    return prng_chance(&rng, percent, 100);
}

// ---- perpetuals in 128 bits

static void random_instrument(struct instrument *in, uint16_t i, uint8_t kind, unsigned size_bits)
{
    *in = (struct instrument){.kind = kind, .asset = i, .inverse = INSTRUMENTS, .currency = "X"};
    in->size_decimals = (uint8_t)prng_below(&rng, chance(20) ? 19 : 7);
    in->n_tiers = (uint16_t)(1 + prng_below(&rng, chance(50) ? 1 : 4));
    uint32_t rate = 0;
    i128 floor = 0;
    for (unsigned t = 0; t < in->n_tiers; t++) {
        rate += 1 + (uint32_t)prng_below(&rng, 200000);
        in->tier[t] = (struct tier){.floor = floor, .rate_ppm = rate};
        floor += 1 + of_bits(size_bits);
    }
    in->penalty_ppm = (uint32_t)prng_below(&rng, chance(80) ? 50000 : 500001);
    in->fee_ppm = (uint32_t)prng_below(&rng, 10000);
    if (kind == INST_LINEAR && chance(40))
        in->profit_weight_ppm = 1 + (uint32_t)prng_below(&rng, PPM);
    if (chance(50))
        in->funding_index = of_bits(70) - of_bits(70);
}

// Small accounts half of the time, which fit 128 bits; else any that the rule takes.
static void random_perp(bool shocked)
{
    uint8_t kind = !shocked && chance(40) ? INST_INVERSE : INST_LINEAR;
    unsigned size_bits = chance(60) ? 50 : 97, price_bits = chance(60) ? 40 : 63, at = 0;
    unsigned cash_decimals = (unsigned)prng_below(&rng, chance(80) ? 9 : 19);
    memset(&market, 0, sizeof market);
    market.n_instruments = INSTRUMENTS;
    market.n_assets = INSTRUMENTS + 1;
    market.asset[INSTRUMENTS] = (struct asset){.kind = ASSET_RECIPROCAL, .decimals = 10};
    px[INSTRUMENTS] = 1;
    account = (struct account){.id = 1, .currency = "X", .cash_decimals = (uint8_t)cash_decimals};
    account.rule = shocked                ? &rule_perp_portfolio_1
                   : kind == INST_INVERSE ? &rule_perp_inverse_1
                                          : &rule_perp_linear_1;
    account.cash = of_bits(size_bits) - of_bits(size_bits);
    for (uint16_t i = 0; i < INSTRUMENTS; i++) {
        random_instrument(&market.instrument[i], i, kind, size_bits);
        market.instrument[i].cash_decimals = (uint8_t)cash_decimals;
        market.asset[i] = (struct asset){.kind = ASSET_MARK, .decimals = (uint8_t)prng_below(&rng, 10)};
        px[i] = 1 + (int64_t)of_bits(price_bits - 1);
        if (chance(40))
            continue;
        int64_t entry = chance(50) ? px[i] - (int64_t)prng_below(&rng, (uint64_t)px[i] / 8 + 1)
                                   : 1 + (int64_t)of_bits(price_bits - 1);
        account.position[at++] =
            (struct position){.instrument = i,
                              .size = (1 + of_bits(size_bits - 1)) * (chance(50) ? 1 : -1),
                              .entry = entry,
                              .funding = chance(50) ? 0 : of_bits(70)};
    }
    account.n_positions = (uint16_t)at;
    market.n_scenarios = shocked ? (uint16_t)(1 + prng_below(&rng, 3)) : 0;
    for (unsigned x = 0; x < market.n_scenarios; x++)
        for (unsigned i = 0; i < INSTRUMENTS; i++)
            market.scenario[x].shock_ppm[i] = (int32_t)prng_below(&rng, 2000001) - PPM;
}

static void same_i256(i256 a, i256 b)
{
    ck_assert_int_eq(i256_cmp(a, b), 0);
}

static void same_size(const struct order_size *a, const struct order_size *b)
{
    ck_assert(a->full == b->full && a->n == b->n);
    for (unsigned i = 0; i < a->n; i++)
        ck_assert(a->leg[i].instrument == b->leg[i].instrument && a->leg[i].qty == b->leg[i].qty);
    same_i256(a->value, b->value);
    same_i256(a->reward, b->reward);
}

static struct size_policy random_policy(void)
{
    return (struct size_policy){.target_ppm = chance(20) ? UINT32_MAX - (uint32_t)prng_below(&rng, 9)
                                                         : PPM + (uint32_t)prng_below(&rng, PPM),
                                .dust = chance(60) ? (int64_t)prng_below(&rng, 1000) : (int64_t)of_bits(62)};
}

static struct {
    unsigned accounts, health, size, liquidatable, partial;
} narrow;

static void compare_bits(uint8_t kind, bool shocked)
{
    struct health wide, thin;
    static struct order_size size, other;
    struct size_policy policy = random_policy();
    narrow.accounts++;
    perp_health_of(&market, &account, px, kind, shocked, &wide);
    if (perp_narrow_fits(&market, &account, px, NULL, kind)) {
        perp_narrow_health_of(&market, &account, px, kind, shocked, &thin);
        same_i256(wide.equity, thin.equity);
        same_i256(wide.requirement, thin.requirement);
        ck_assert(wide.liquidatable == thin.liquidatable);
        narrow.health++;
    }
    account.rule->health(&market, &account, px, &thin); // whichever it takes
    same_i256(wide.equity, thin.equity);
    ck_assert(wide.liquidatable == thin.liquidatable);
    if (!perp_narrow_fits(&market, &account, px, &policy, kind))
        return;
    narrow.size++;
    int rc = perp_size_of(&market, &account, px, &policy, kind, shocked, &size);
    ck_assert_int_eq(perp_narrow_size_of(&market, &account, px, &policy, kind, shocked, &other), rc);
    ck_assert(wide.liquidatable == (rc == 0));
    if (rc != 0)
        return;
    narrow.liquidatable++;
    narrow.partial += !size.full;
    same_size(&size, &other);
}

// Legs near those of a size, and some that no rule takes.
static unsigned random_legs(const struct order_size *size, struct order_leg leg[ORDER_LEGS_MAX])
{
    memcpy(leg, size->leg, size->n * sizeof *leg);
    if (chance(30))
        return size->n;
    for (unsigned i = 0; i < size->n; i++) {
        if (leg[i].qty == 0 && chance(95))
            continue; // the collateral's
        i128 by = 1 + leg[i].qty / (i128)(1 + prng_below(&rng, 400));
        leg[i].qty += chance(50) ? by : -by;
    }
    if (chance(5))
        leg[0].qty = chance(50) ? 0 : -leg[0].qty;
    if (chance(5))
        leg[0].instrument = (uint16_t)prng_below(&rng, market.n_instruments);
    if (chance(5) && size->n > 1)
        leg[1] = leg[0];
    return chance(95) ? size->n : size->n - 1u;
}

static struct {
    unsigned taken, refused;
} takes;

static void compare_takes(const struct market *m, const struct account *a, const int64_t *at)
{
    static struct order_size size;
    static struct order_leg leg[ORDER_LEGS_MAX];
    static struct settlement s;
    static struct account copy;
    struct size_policy policy = {.target_ppm = 1100000, .dust = 10};
    if (a->rule->size(m, a, at, &policy, &size) != 0)
        return;
    for (unsigned k = 0; k < 8; k++) {
        unsigned n = random_legs(&size, leg);
        copy = *a;
        bool settles = a->rule->settle(m, &copy, at, leg, n, &s, NULL) == 0;
        ck_assert_msg(a->rule->takes(m, a, at, leg, n, &size) == settles, "%s: settle %s", a->rule->name,
                      settles ? "takes them" : "refuses");
        ck_assert_msg(a->rule->takes(m, a, at, leg, n, NULL) == settles, "%s: unsized, settle %s",
                      a->rule->name, settles ? "takes them" : "refuses");
        takes.taken += settles;
        takes.refused += !settles;
    }
}

START_TEST(perps_in_both_widths)
{
    seed();
    for (unsigned r = 0; r < test_rounds(ROUNDS); r++) {
        random_perp(r % 4 == 0);
        if (account_validate(&market, &account, NULL) != 0)
            continue;
        compare_bits(market.instrument[0].kind, r % 4 == 0);
        if (account.n_positions)
            compare_takes(&market, &account, px);
    }
    printf("# %u accounts: %u in 128 bits to judge, %u to size, %u of them liquidatable, %u in part\n",
           narrow.accounts, narrow.health, narrow.size, narrow.liquidatable, narrow.partial);
    ck_assert(narrow.health > narrow.accounts / 5 && narrow.health < narrow.accounts * 4 / 5);
    ck_assert(narrow.size > 1000 && narrow.liquidatable > 500 && narrow.partial > 50);
    printf("# %u orders taken, %u refused\n", takes.taken, takes.refused);
    ck_assert(takes.taken > 1000 && takes.refused > 1000);
}
END_TEST

// What is usual fits: else the short way is there for nothing.
START_TEST(usual_accounts_are_narrow)
{
    const struct gen_options o = {.seed = 5, .accounts = GENERATED, .near_ppm = 500000, .rates_at = 1000};
    struct size_policy policy = {.target_ppm = 1100000, .dust = 10};
    struct err e;
    struct book_gen *g = book_gen_open(&o, &e);
    unsigned perps = 0, fit = 0;
    for (unsigned i = 0; i < MARKET_ASSETS_MAX; i++)
        px[i] = INT64_C(1) << 40;
    for (unsigned i = 0; i < test_rounds(GENERATED); i++) {
        ck_assert_int_eq(book_gen_next(g, &account, &e), 0);
        if (account.rule->holding)
            continue;
        perps++;
        fit += perp_narrow_fits(book_gen_market(g), &account, px, &policy,
                                book_gen_market(g)->instrument[account.position[0].instrument].kind);
    }
    book_gen_close(g);
    printf("# %u of %u generated perpetual accounts\n", fit, perps);
    ck_assert(fit > perps * 9 / 10);
}
END_TEST

START_TEST(taken_as_settled)
{
    static const char *const LENDING[] = {"aave-1.19", "aave-3.3", "aave-3.4",
                                          "aave-3.5",  "aave-3.6", "aave-3.7"};
    seed();
    for (unsigned v = 0; v < sizeof LENDING / sizeof *LENDING; v++) {
        const struct gen_options o = {
            .seed = 3 + v, .accounts = GENERATED, .near_ppm = 700000, .lending = LENDING[v]};
        struct err e;
        struct book_gen *g = book_gen_open(&o, &e);
        ck_assert_msg(g != NULL, "%s", e.msg);
        takes.taken = takes.refused = 0;
        for (unsigned i = 0; i < test_rounds(GENERATED); i++) {
            ck_assert_int_eq(book_gen_next(g, &account, &e), 0);
            market = *book_gen_market(g);
            for (unsigned k = 0; k < market.n_assets; k++)
                px[k] = 1 + (int64_t)prng_below(&rng, INT64_C(1) << (20 + prng_below(&rng, 30)));
            compare_takes(&market, &account, px);
        }
        book_gen_close(g);
        printf("# %s and perpetuals: %u orders taken, %u refused\n", LENDING[v], takes.taken, takes.refused);
        ck_assert(takes.taken > 200 && takes.refused > 200);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accounts/rules/ways");
    TCase *tc = tcase_create("ways");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, perps_in_both_widths);
    tcase_add_test(tc, usual_accounts_are_narrow);
    tcase_add_test(tc, taken_as_settled);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
