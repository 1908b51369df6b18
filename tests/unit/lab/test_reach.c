// SPDX-License-Identifier: Apache-2.0
// Breach sets and losses of price vectors: account by account what the exact rule says, on books of every
// kind of rule; a bigger shock's set contains the smaller's; the order and number of paths and threads change
// nothing.
#include "lab/reach.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/store.h"
#include "base/test_seed.h"
#include "lab/map.h"
#include "lab/var.h"
#include "run_suite.h"

enum { ACCOUNTS = 3000, PATHS = 120 };

struct fixture {
    struct book book;
    struct coins coins;
    int64_t px[MARKET_ASSETS_MAX];
    bool still[MARKET_ASSETS_MAX];
    struct world w;
};

static void start_prices(const struct market *m, int64_t *px)
{
    size_t n;
    const struct gen_price *g = gen_default_prices(&n);
    for (unsigned i = 0; i < m->n_assets; i++)
        for (size_t k = 0; k < n; k++)
            if (strcmp(g[k].name, m->asset[i].source) == 0 || strcmp(g[k].name, m->asset[i].name) == 0) {
                double p = (double)g[k].price_e12 / 1e12;
                for (unsigned d = 0; d < m->asset[i].decimals; d++)
                    p *= 10;
                px[i] = (int64_t)(p + 0.5);
            }
    world_reciprocals(m, px);
}

static void set_up(struct fixture *f, const char *lending, uint64_t seed)
{
    struct gen_options o = {.seed = seed, .accounts = ACCOUNTS, .lending = lending, .near_ppm = GEN_NEAR_PPM};
    struct err e;
    memset(f, 0, sizeof *f);
    ck_assert_int_eq(accounts_generate(&o, &f->book, &e), 0);
    start_prices(&f->book.market, f->px);
    ck_assert_int_eq(coins_of(&f->book.market, &f->coins, &e), 0);
    for (unsigned i = 0; i < f->book.market.n_assets; i++)
        f->still[i] = f->coins.of[i] == COIN_NONE;
}

static void make(struct fixture *f)
{
    struct err e = {{0}};
    ck_assert_msg(world_make(&f->w, &f->book, f->px, f->still, NULL, &e) == 0, "%s", e.msg);
}

static void tear_down(struct fixture *f)
{
    world_free(&f->w);
    book_free(&f->book);
}

static void draw(struct fixture *f, double sigma, double rho, uint64_t seed, size_t n, struct paths *p)
{
    struct shocks s = {.df = 3, .days = 1, .jump_rate = 0.1, .jump_mean = -0.2, .jump_sd = 0.2};
    struct err e;
    shocks_alike(&s, f->coins.n, sigma, rho);
    ck_assert_int_eq(paths_draw(p, &f->book.market, &f->coins, f->px, &s, n, seed, &e), 0);
}

static void ck_same(const struct outcome *a, const struct outcome *b)
{
    ck_assert_uint_eq(a->breached, b->breached);
    ck_assert_msg(fabs(a->value - b->value) <= 1e-9 * (1 + fabs(b->value)), "value %.17g %.17g", a->value,
                  b->value);
    ck_assert_msg(fabs(a->loss - b->loss) <= 1e-9 * (1 + fabs(b->value)), "loss %.17g %.17g", a->loss,
                  b->loss);
}

// Every account at every path, by the exact rule.
static void against_brute_force(struct fixture *f, const struct paths *p, struct search *s)
{
    size_t bytes = f->book.n_accounts / 8 + 1;
    uint8_t *map[REACH_LANES], *slow = malloc(bytes);
    uint64_t breached = 0;
    for (unsigned i = 0; i < REACH_LANES; i++)
        map[i] = malloc(bytes);
    for (size_t at = 0; at < p->n; at += REACH_LANES) {
        struct outcome o[REACH_LANES], want;
        size_t path[REACH_LANES];
        unsigned n = p->n - at < REACH_LANES ? (unsigned)(p->n - at) : REACH_LANES;
        for (unsigned i = 0; i < n; i++) {
            path[i] = at + i;
            memset(map[i], 0, bytes);
        }
        reach_paths(s, p, path, n, o, map);
        for (unsigned i = 0; i < n; i++) {
            memset(slow, 0, bytes);
            naive_path(&f->w, p, at + i, &s->scratch, &want, slow);
            for (size_t k = 0; k < f->book.n_accounts; k++)
                ck_assert_msg(((map[i][k / 8] ^ slow[k / 8]) >> k % 8 & 1) == 0,
                              "account %zu (%s) on path %zu", k, f->book.account[k].rule->name, at + i);
            ck_same(&o[i], &want);
            breached += want.breached;
        }
    }
    ck_assert_uint_gt(breached, 0); // there was something to find
    for (unsigned i = 0; i < REACH_LANES; i++)
        free(map[i]);
    free(slow);
}

static void book_of(const char *lending, uint64_t seed, double sigma, double rho)
{
    static struct fixture f;
    static struct search s;
    struct paths p;
    set_up(&f, lending, seed);
    make(&f);
    ck_assert_uint_gt(f.w.n_single, 0);
    ck_assert_uint_gt(f.w.n_grouped, 0);
    ck_assert_uint_eq(f.w.n_single + f.w.n_grouped + f.w.n_never, ACCOUNTS);
    draw(&f, sigma, rho, seed, test_rounds(PATHS), &p);
    s = (struct search){.w = &f.w};
    against_brute_force(&f, &p, &s);
    ck_assert_uint_lt(s.looked, (uint64_t)ACCOUNTS * test_rounds(PATHS));
    paths_free(&p);
    tear_down(&f);
}

START_TEST(test_brute_force)
{
    static const char *const LENDING[] = {"aave-3.5", "aave-3.7", "aave-3.3", "aave-1.19"};
    static const double SIGMA[] = {0.01, 0.05, 0.3};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned k = i % test_stride(3); k < 3; k += test_stride(3))
            book_of(LENDING[i], 10 * i + k, SIGMA[k], k == 0 ? 0 : 0.8);
}
END_TEST

// Linear accounts judged by the worst scenario: several forms each.
START_TEST(test_portfolio)
{
    static struct fixture f;
    static struct search s;
    struct paths p;
    unsigned n = 0;
    set_up(&f, NULL, 5);
    struct market *m = &f.book.market;
    m->n_scenarios = 3;
    for (unsigned x = 0; x < 3; x++) {
        (void)snprintf(m->scenario[x].name, sizeof m->scenario[x].name, "s%u", x);
        for (unsigned i = 0; i < m->n_instruments; i++)
            m->scenario[x].shock_ppm[i] = (int32_t)((x == 0   ? -30000
                                                     : x == 1 ? 30000
                                                              : 20000) *
                                                    (i % 2 && x == 2 ? -1 : 1));
    }
    for (size_t i = 0; i < f.book.n_accounts; i++)
        if (f.book.account[i].rule == &rule_perp_linear_1) {
            f.book.account[i].rule = &rule_perp_portfolio_1;
            n++;
        }
    ck_assert_uint_gt(n, 100);
    make(&f);
    draw(&f, 0.05, 0.5, 9, test_rounds(PATHS), &p);
    s = (struct search){.w = &f.w};
    against_brute_force(&f, &p, &s);
    paths_free(&p);
    tear_down(&f);
}
END_TEST

// Prices at thresholds and one quantum to either side of them.
START_TEST(test_at_thresholds)
{
    static struct fixture f;
    static struct search s;
    struct paths p;
    struct err e;
    const size_t each = test_rounds(16);
    unsigned hit = 0;
    set_up(&f, "aave-3.5", 31);
    make(&f);
    for (unsigned k = 0; k < f.w.assets; k++)
        for (int side = 0; side < 2; side++) {
            const struct side *t = side ? &f.w.above[k] : &f.w.below[k];
            size_t n = t->n < each ? t->n : each;
            if (n == 0)
                continue;
            ck_assert_int_eq(paths_alloc(&p, &f.book.market, f.px, 3 * n, &e), 0);
            for (size_t i = 0; i < 3 * n; i++) {
                int64_t *px = &p.px[i * p.assets];
                memcpy(px, f.px, p.assets * sizeof *px);
                px[k] = t->at[i / 3 * (t->n / n)] + (int64_t)(i % 3) - 1;
                world_reciprocals(&f.book.market, px);
                for (unsigned a = 0; a < p.assets; a++)
                    p.x[i * p.assets + a] = (double)px[a] / (double)f.px[a];
            }
            s = (struct search){.w = &f.w};
            against_brute_force(&f, &p, &s);
            hit += (unsigned)n;
            paths_free(&p);
        }
    ck_assert_uint_gt(hit, test_rounds(100));
    tear_down(&f);
}
END_TEST

// Along a ray of shocks from a healthy state sets only grow.
START_TEST(test_grows)
{
    static struct fixture f;
    static struct search s;
    enum { STEPS = 24 };
    set_up(&f, "aave-3.6", 3);
    make(&f);
    size_t bytes = f.book.n_accounts / 8 + 1;
    uint8_t *map = malloc(2 * bytes);
    struct prng rng;
    uint64_t grew = 0;
    prng_seed(&rng, 4);
    s = (struct search){.w = &f.w};
    for (unsigned ray = 0; ray < 12; ray++) {
        double direction[COINS_MAX];
        uint64_t last = 0;
        for (unsigned k = 0; k < f.coins.n; k++)
            direction[k] = lab_normal(&rng);
        memset(map, 0, bytes);
        for (unsigned i = 0; i <= STEPS; i++) {
            struct paths p;
            struct outcome o;
            struct err e;
            double r[COINS_MAX] = {0};
            size_t path = 0;
            uint8_t *now = map + bytes;
            // A straight line in prices; inverse perpetuals are affine in 1/P, along which the ray is one
            // too.
            for (unsigned k = 0; k < f.coins.n; k++) {
                double x = 1 + direction[k] * 0.25 * i / STEPS;
                r[k] = i ? lab_log(x < 0.06 ? 0.06 : x) : 0;
            }
            ck_assert_int_eq(paths_alloc(&p, &f.book.market, f.px, 1, &e), 0);
            paths_set(&p, &f.book.market, &f.coins, f.px, 0, r);
            memset(now, 0, bytes);
            reach_paths(&s, &p, &path, 1, &o, &now);
            for (size_t k = 0; k < bytes; k++)
                ck_assert_msg((map[k] & ~now[k]) == 0, "ray %u step %u: accounts from %zu healthy again", ray,
                              i, k * 8);
            memcpy(map, now, bytes);
            ck_assert_uint_ge(o.breached, last);
            grew += o.breached > last;
            last = o.breached;
            paths_free(&p);
        }
    }
    ck_assert_uint_gt(grew, 100);
    free(map);
    tear_down(&f);
}
END_TEST

START_TEST(test_threads_and_check)
{
    static struct fixture f;
    struct paths p, longer;
    struct var_run one, four;
    struct var_check check;
    struct err e;
    set_up(&f, NULL, 8);
    make(&f);
    draw(&f, 0.06, 0.7, 2, 203, &p);
    draw(&f, 0.06, 0.7, 2, 300, &longer);
    ck_assert_mem_eq(p.px, longer.px, 203 * p.assets * sizeof *p.px);
    ck_assert_int_eq(var_run(&f.w, &p, 1, NULL, &one, &e), 0);
    ck_assert_int_eq(var_run(&f.w, &p, 4, NULL, &four, &e), 0);
    for (size_t i = 0; i < p.n; i++) { // to the last bit
        ck_assert(one.outcome[i].breached == four.outcome[i].breached);
        ck_assert(
            !(one.outcome[i].value < four.outcome[i].value || one.outcome[i].value > four.outcome[i].value));
        ck_assert(
            !(one.outcome[i].loss < four.outcome[i].loss || one.outcome[i].loss > four.outcome[i].loss));
    }
    ck_assert_int_eq(var_check(&f.w, &p, &one, 20, NULL, &check, &e), 0);
    ck_assert_uint_eq(check.differ, 0);
    ck_assert(check.worst < 1e-9);
    ck_assert_uint_eq(check.accounts, 20 * ACCOUNTS);
    one.outcome[0].value += one.outcome[0].value * 1e-6 + 1; // a wrong run is found
    one.outcome[0].breached++;
    ck_assert_int_eq(var_check(&f.w, &p, &one, 1, NULL, &check, &e), 0);
    ck_assert(check.worst > 1e-9 && check.differ > 0);
    var_run_free(&one);
    var_run_free(&four);
    paths_free(&p);
    paths_free(&longer);
    tear_down(&f);
}
END_TEST

static int stop_at_once(void *ctx, const char *what, uint64_t accounts, uint64_t done, uint64_t total)
{
    (void)ctx, (void)what, (void)accounts, (void)done, (void)total;
    return 1;
}

START_TEST(test_stopped)
{
    static struct fixture f;
    const struct progress p = {.step = stop_at_once};
    struct paths paths;
    struct var_run run;
    struct err e;
    set_up(&f, NULL, 8);
    ck_assert_int_eq(world_make(&f.w, &f.book, f.px, f.still, &p, &e), -1);
    ck_assert_str_eq(e.msg, "interrupted");
    world_free(&f.w);
    make(&f);
    draw(&f, 0.05, 0.5, 1, 100, &paths);
    ck_assert_int_eq(var_run(&f.w, &paths, 2, &p, &run, &e), -1);
    var_run_free(&run);
    paths_free(&paths);
    world_free(&f.w);
    f.px[0] = 0;
    ck_assert_int_eq(world_make(&f.w, &f.book, f.px, f.still, NULL, &e), -1);
    ck_assert(strstr(e.msg, "has no start price"));
    tear_down(&f);
}
END_TEST

// What an account is said to lose is the deficit that the rule itself books when all of it is closed there.
START_TEST(test_loss_is_the_rules_deficit)
{
    static struct fixture f;
    static struct account scratch;
    static struct settlement flows;
    unsigned seen = 0;
    set_up(&f, NULL, 12);
    struct paths p;
    draw(&f, 0.3, 0.8, 3, 60, &p);
    for (size_t path = 0; path < p.n; path++)
        for (size_t i = path % 3; i < f.book.n_accounts; i += 3) {
            const struct account *a = &f.book.account[i];
            const int64_t *px = &p.px[path * p.assets];
            const struct market *m = &f.book.market;
            struct order_leg leg[ORDER_LEGS_MAX];
            struct health h;
            struct worth v;
            struct err e;
            a->rule->health(m, a, px, &h);
            if (!h.liquidatable || a->rule != &rule_perp_linear_1)
                continue;
            for (unsigned k = 0; k < a->n_positions; k++)
                leg[k] = (struct order_leg){.instrument = a->position[k].instrument,
                                            .qty = a->position[k].size < 0 ? -a->position[k].size
                                                                           : a->position[k].size};
            scratch = *a;
            ck_assert_int_eq(a->rule->settle(m, &scratch, px, leg, a->n_positions, &flows, &e), 0);
            double deficit = 0, owed;
            for (unsigned k = 0; k < flows.n; k++)
                if (flows.flow[k].party == PARTY_DEFICIT)
                    deficit -= i256_to_double(flows.flow[k].amount);
            for (unsigned k = 0; k < a->cash_decimals; k++)
                deficit /= 10;
            account_worth(m, a, &v);
            owed = v.owed0;
            for (unsigned k = 0; k < v.n; k++)
                owed += v.owed[k] * (double)px[v.asset[k]];
            owed = owed > 0 ? owed : 0;
            ck_assert_msg(fabs(owed - deficit) < 1e-3 + 1e-9 * owed, "account %u: %.9g, the rule books %.9g",
                          a->id, owed, deficit);
            seen += deficit > 0;
        }
    ck_assert_uint_gt(seen, 100);
    paths_free(&p);
    tear_down(&f);
}
END_TEST

START_TEST(test_map)
{
    static struct fixture f;
    struct liq_map all, btc;
    struct err e;
    set_up(&f, NULL, 21);
    make(&f);
    ck_assert_int_eq(map_make(&f.w, &f.coins, -1, NULL, -0.5, 0.5, 101, &all, &e), 0);
    ck_assert_int_eq(map_make(&f.w, &f.coins, 0, NULL, -0.5, 0.5, 101, &btc, &e), 0);
    ck_assert_str_eq(all.what, "all");
    ck_assert_str_eq(btc.what, "BTC");
    ck_assert_uint_eq(all.point[50].all.breached, 0);
    for (unsigned i = 0; i < 50; i++) {
        ck_assert_uint_ge(all.point[i].all.breached, all.point[i + 1].all.breached);
        ck_assert_uint_ge(all.point[100 - i].all.breached, all.point[99 - i].all.breached);
        ck_assert_uint_ge(btc.point[i].all.breached, btc.point[i + 1].all.breached);
    }
    ck_assert_uint_gt(all.point[0].all.breached, 1000);
    map_free(&all);
    map_free(&btc);
    tear_down(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("reach");
    TCase *t = tcase_create("reach");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_brute_force);
    tcase_add_test(t, test_portfolio);
    tcase_add_test(t, test_at_thresholds);
    tcase_add_test(t, test_grows);
    tcase_add_test(t, test_threads_and_check);
    tcase_add_test(t, test_stopped);
    tcase_add_test(t, test_loss_is_the_rules_deficit);
    tcase_add_test(t, test_map);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
