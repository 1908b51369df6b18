// SPDX-License-Identifier: Apache-2.0
// How far accounts are from the edge, on generated books of every kind: health below zero is what the exact
// rule says, exposures are what health does when a price moves, and what has no prices has no edge.
#include "lab/edge.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/assets.h"
#include "accounts/book.h"
#include "accounts/reciprocal.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "run_suite.h"

enum { ACCOUNTS = 600 };

static struct book book;
static int64_t px[MARKET_ASSETS_MAX];

static void setup(void)
{
    struct gen_options o = {.seed = 5, .accounts = ACCOUNTS, .near_ppm = 500000};
    struct err e;
    size_t n;
    const struct gen_price *g = gen_default_prices(&n);
    memset(&book, 0, sizeof book);
    memset(px, 0, sizeof px);
    ck_assert_int_eq(accounts_generate(&o, &book, &e), 0);
    const struct market *m = &book.market;
    for (unsigned i = 0; i < m->n_assets; i++)
        for (size_t k = 0; k < n; k++)
            if (strcmp(g[k].name, m->asset[i].source) == 0 || strcmp(g[k].name, m->asset[i].name) == 0) {
                double p = (double)g[k].price_e12 / 1e12;
                for (unsigned d = 0; d < m->asset[i].decimals; d++)
                    p *= 10;
                px[i] = (int64_t)(p + 0.5);
            }
}
static void teardown(void)
{
    book_free(&book);
}

static void reciprocals(int64_t *at)
{
    const struct market *m = &book.market;
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].kind == ASSET_RECIPROCAL)
            at[i] = reciprocal_price(at[m->asset[i].base], m->asset[m->asset[i].base].decimals,
                                     m->asset[i].decimals);
}

// Every price moved by so many ppm.
static void moved(int64_t *at, int64_t ppm)
{
    memcpy(at, px, sizeof px);
    for (unsigned i = 0; i < book.market.n_assets; i++)
        at[i] += (int64_t)((i128)at[i] * ppm / 1000000);
    reciprocals(at);
}

START_TEST(test_against_the_rule)
{
    size_t breached = 0, healthy = 0;
    for (int64_t ppm = -200000; ppm <= 200000; ppm += 50000) {
        int64_t at[MARKET_ASSETS_MAX];
        moved(at, ppm);
        for (size_t i = 0; i < book.n_accounts; i++) {
            static struct account a;
            static struct edge g;
            struct health h;
            const struct account *it = book_account(&book, i, &a);
            ck_assert(edge_of(&book.market, it, at, &g));
            it->rule->health(&book.market, it, at, &h);
            if (h.liquidatable) // the row never overstates health
                ck_assert_int_le(g.form.health, 0);
            else if (g.ppm > 10) // a rule's slack is less
                healthy++;
            breached += h.liquidatable;
            ck_assert((g.ppm == 0) == (g.form.health <= 0 || g.ppm == 0));
        }
    }
    ck_assert_uint_gt(breached, 300);
    ck_assert_uint_gt(healthy, 1000);
}
END_TEST

// Portfolio margin has a row a scenario: the worst one counts, be it for longs or for shorts.
START_TEST(test_worst_row)
{
    struct market *m = &book.market;
    size_t breached = 0, seen = 0;
    reciprocals(px);
    m->n_scenarios = 2;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        m->scenario[0].shock_ppm[i] = 150000;
        m->scenario[1].shock_ppm[i] = -150000;
    }
    for (size_t i = 0; i < book.n_accounts; i++) {
        static struct account a, it;
        static struct edge g;
        struct health h;
        it = *book_account(&book, i, &a);
        if (it.rule != &rule_perp_linear_1)
            continue;
        it.rule = &rule_perp_portfolio_1;
        ck_assert(edge_of(m, &it, px, &g));
        it.rule->health(m, &it, px, &h);
        if (h.liquidatable)
            ck_assert_int_le(g.form.health, 0);
        else
            ck_assert_int_gt(g.form.health, 0);
        breached += h.liquidatable;
        seen++;
    }
    ck_assert_uint_gt(breached, 50);
    ck_assert_uint_gt(seen - breached, 5);
}
END_TEST

// A price a hundredth of a percent higher: health gains a ten thousandth of the exposure.
START_TEST(test_exposures)
{
    size_t seen = 0;
    reciprocals(px);
    for (size_t i = 0; i < book.n_accounts; i++) {
        static struct account a;
        static struct edge g, after;
        const struct account *it = book_account(&book, i, &a);
        if (it->rule != &rule_perp_linear_1 || it->n_positions != 1)
            continue;
        ck_assert(edge_of(&book.market, it, px, &g));
        ck_assert_uint_eq(g.form.n, 1);
        int64_t at[MARKET_ASSETS_MAX];
        memcpy(at, px, sizeof at);
        const unsigned which = g.asset[0];
        at[which] += at[which] / 10000;
        ck_assert(edge_of(&book.market, it, at, &after));
        // Scales may differ by a power of two: compare parts of the exposure.
        double was = (double)g.form.health / (double)llabs(g.form.exposure[0]);
        double now = (double)after.form.health / (double)llabs(after.form.exposure[0]) * (double)at[which] /
                     (double)px[which];
        double by = (double)(at[which] - px[which]) / (double)px[which];
        ck_assert_double_eq_tol(now - was, g.form.exposure[0] > 0 ? by : -by, 1e-7);
        ck_assert((g.form.exposure[0] > 0) == (it->position[0].size > 0));
        seen++;
    }
    ck_assert_uint_gt(seen, 50);
}
END_TEST

START_TEST(test_no_edge)
{
    static struct account a, none;
    static struct edge g;
    const struct account *it = book_account(&book, 0, &a);
    uint16_t asset[ACCOUNT_ASSETS_MAX];
    ck_assert_uint_gt(account_assets(&book.market, it, asset), 0);
    reciprocals(px);
    ck_assert(edge_of(&book.market, it, px, &g));
    const int64_t was = px[asset[0]];
    px[asset[0]] = 0;
    ck_assert(!edge_of(&book.market, it, px, &g));
    px[asset[0]] = was;
    none = *it;
    none.n_positions = 0;
    ck_assert(!edge_of(&book.market, &none, px, &g));
}
END_TEST

int main(void)
{
    Suite *su = suite_create("edge");
    TCase *tc = tcase_create("edge");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_against_the_rule);
    tcase_add_test(tc, test_worst_row);
    tcase_add_test(tc, test_exposures);
    tcase_add_test(tc, test_no_edge);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
