// SPDX-License-Identifier: Apache-2.0
// Gradual reduction in a cascade: nothing without the key or without a threat, no step knows of a later one,
// money is conserved, and whom it has made smaller is no likelier to breach than the scenario allows.
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "accounts/book.h"
#include "lab/cascade_inside.h"
#include "lab/edge.h"
#include "risk/breach.h"
#include "run_suite.h"

enum { STEPS = 40, AT = 20 };
static const char TEXT[] =
    "name: r\nseed: 9\naccounts: {generate: 1500, near_ppm: 500000}\nhorizon_s: 3600\nsteps: 40\n"
    "coins:\n  - name: ETH\n    assets: [eth_usd, ETH_USDC-PERPETUAL, ETH-PERPETUAL]\n"
    "    path: {shape: crash_rebound, at: 20, lasts: 8, fall_ppm: %u, noise_ppm: %u}\n%s"
    "  - name: BTC\n    assets: [btc_usd, BTC_USDC-PERPETUAL, BTC-PERPETUAL]\n"
    "    path: {shape: crash_rebound, at: 20, lasts: 8, fall_ppm: %u, noise_ppm: %u}\n%s"
    "policy: {kind: full}\nfund: {balance: 10000}\nwaterfall: mango\n%s";
static const char DEEP[] = "", BOOK[] = "    pool: 30000000\n    half_life: 4\n";

struct world {
    struct lab_scenario s;
    struct book b;
    struct cascade *c;
};

static void open_world(struct world *w, unsigned fall_ppm, unsigned noise_ppm, const char *depth,
                       const char *reduce)
{
    char text[2048];
    int64_t start[MARKET_ASSETS_MAX];
    struct err e = {{0}};
    memset(w, 0, sizeof *w);
    int n = snprintf(text, sizeof text, TEXT, fall_ppm, noise_ppm, depth, fall_ppm, noise_ppm, depth, reduce);
    ck_assert_msg(scenario_parse("test", text, (size_t)n, &w->s, &e) == 0, "%s", e.msg);
    ck_assert_msg(scenario_paths(&w->s, &e) == 0, "%s", e.msg);
    ck_assert_msg(cascade_book_make(&w->s, &w->b, start, &e) == 0, "%s", e.msg);
    w->c = cascade_open(&w->s, &w->b, start, &e);
    ck_assert_msg(w->c != NULL, "%s", e.msg);
}

static void run_world(struct world *w)
{
    struct err e = {{0}};
    ck_assert_msg(cascade_run(w->c, NULL, &e) == 0, "%s", e.msg);
    ck_assert_msg(cascade_conserved(w->c, &e), "%s", e.msg);
}

static void close_world(struct world *w)
{
    cascade_close(w->c);
    book_free(&w->b);
    scenario_free(&w->s);
}

static struct world a, b;

START_TEST(test_off)
{
    open_world(&a, 300000, 3000, BOOK, "");
    open_world(&b, 300000, 3000, BOOK, "reduce: {steps: 3, chance_ppm: 999999}\n");
    run_world(&a);
    run_world(&b);
    ck_assert_uint_eq(cascade_sums(a.c)->reduced, 0);
    ck_assert_uint_eq(cascade_sums(b.c)->reduced, 0); // whoever is that likely has breached
    ck_assert_int_eq(memcmp(cascade_sums(a.c), cascade_sums(b.c), sizeof *cascade_sums(a.c)), 0);
    close_world(&a);
    close_world(&b);
    open_world(&a, 0, 0, BOOK, "reduce: {steps: 10, chance_ppm: 1}\n"); // nothing ever moves
    run_world(&a);
    ck_assert_uint_eq(cascade_sums(a.c)->reduced, 0);
    close_world(&a);
}
END_TEST

// The same days up to the crash, which is another: up to it the same is done.
START_TEST(test_knows_nothing_of_what_comes)
{
    static const char reduce[] = "reduce: {steps: 3, chance_ppm: 100000}\n";
    open_world(&a, 300000, 3000, BOOK, reduce);
    open_world(&b, 50000, 3000, BOOK, reduce);
    run_world(&a);
    run_world(&b);
    uint32_t before = 0;
    for (unsigned i = 0; i <= AT; i++) {
        const struct cascade_step *x = &cascade_steps(a.c)[i], *y = &cascade_steps(b.c)[i];
        ck_assert_int_eq(x->outside[0], y->outside[0]);
        ck_assert_int_eq(memcmp(x, y, sizeof *x), 0);
        before += x->reduced;
    }
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_ne(cascade_sums(a.c)->reduced, cascade_sums(b.c)->reduced);
    close_world(&a);
    close_world(&b);
}
END_TEST

// At the end of a step nobody who may be reduced is likelier to breach than is allowed, but for the cents by
// which sizes are whole and health less what the sale cost.
START_TEST(test_nobody_is_left)
{
    const struct breach_view v = {.horizon_ns = UINT64_C(3000000000), .rho_ppm = 700000};
    open_world(&a, 300000, 3000, DEEP, "reduce: {steps: 3, chance_ppm: 100000}\n");
    run_world(&a);
    size_t looked = 0;
    ck_assert_uint_gt(cascade_sums(a.c)->reduced, 50);
    ck_assert(cascade_sums(a.c)->reduced_value > 0);
    const i128 slip = cascade_sums(a.c)->reduced_slippage; // endless depth: roundings
    ck_assert(slip * 1000000 < cascade_sums(a.c)->reduced_value);
    ck_assert(-slip * 1000000 < cascade_sums(a.c)->reduced_value);
    for (size_t i = 0; i < a.b.n_accounts; i++) {
        const struct account *x = &a.b.account[i];
        struct breach_asset as[BREACH_ASSETS_MAX] = {{0}};
        static struct edge g;
        if (x->rule != &rule_perp_linear_1 || a.c->state[i].asked || !edge_of(&a.b.market, x, a.c->px, &g) ||
            g.form.health <= 0)
            continue;
        for (unsigned k = 0; k < g.form.n; k++)
            as[k].vol_q48 = a.c->coin[g.asset[k]] == NO_COIN ? 0 : a.c->reduce.vol_q48[a.c->coin[g.asset[k]]];
        ck_assert_uint_le(breach_probability(&g.form, as, &v), BREACH_CERTAIN / 10 + BREACH_CERTAIN / 1000);
        looked++;
    }
    ck_assert_uint_gt(looked, 200);
    close_world(&a);
}
END_TEST

// With endless depth it costs nothing: less is lost by those who were made smaller in time.
START_TEST(test_less_is_lost)
{
    open_world(&a, 300000, 3000, DEEP, "");
    open_world(&b, 300000, 3000, DEEP, "reduce: {steps: 3, chance_ppm: 100000}\n");
    run_world(&a);
    run_world(&b);
    ck_assert(cascade_sums(a.c)->lost > 0);
    ck_assert(cascade_sums(b.c)->lost < cascade_sums(a.c)->lost);
    ck_assert(cascade_sums(b.c)->value < cascade_sums(a.c)->value);
    close_world(&a);
    close_world(&b);
}
END_TEST

START_TEST(test_refused)
{
    static const char *const wrong[] = {"reduce: {steps: 3}\n", "reduce: {steps: 0, chance_ppm: 5}\n",
                                        "reduce: {steps: 3, chance_ppm: 1000000}\n",
                                        "reduce: {steps: 3, chance_ppm: 5, when: 1}\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[2048];
        struct lab_scenario s;
        struct err e = {{0}};
        int n = snprintf(text, sizeof text, TEXT, 1u, 0u, DEEP, 1u, 0u, DEEP, wrong[i]);
        ck_assert_int_eq(scenario_parse("test", text, (size_t)n, &s, &e), -1);
        ck_assert_msg(strncmp(e.msg, "test:", 5) == 0, "%s", e.msg);
        scenario_free(&s);
    }
}
END_TEST

int main(void)
{
    Suite *su = suite_create("reduce");
    TCase *tc = tcase_create("reduce");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_off);
    tcase_add_test(tc, test_knows_nothing_of_what_comes);
    tcase_add_test(tc, test_nobody_is_left);
    tcase_add_test(tc, test_less_is_lost);
    tcase_add_test(tc, test_refused);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
