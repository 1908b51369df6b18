// SPDX-License-Identifier: Apache-2.0
// Answers risk_diff.py line by line: the laboratory's functions, numbers as hexadecimal floats both ways.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/paths.h"
#include "lab/var.h"

// var.c's runs over a book are not asked here: without the book's modules these stand in.
__attribute__((weak)) void reach_paths(struct search *r, const struct paths *p, const size_t *path,
                                       unsigned n, struct outcome *out, uint8_t *const *seen)
{
    (void)r, (void)p, (void)path, (void)n, (void)out, (void)seen;
}
__attribute__((weak)) void naive_path(const struct world *w, const struct paths *p, size_t path,
                                      struct account *scratch, struct outcome *out, uint8_t *seen)
{
    (void)w, (void)p, (void)path, (void)scratch, (void)out, (void)seen;
}

static struct market m;
static struct coins c;
static int64_t px0[MARKET_ASSETS_MAX];

static double number(void)
{
    char t[64];
    return scanf("%63s", t) == 1 ? strtod(t, NULL) : 0;
}

static void make_market(unsigned coins)
{
    struct err e;
    memset(&m, 0, sizeof m);
    m.n_assets = (uint16_t)(coins * 2 + 1);
    for (unsigned i = 0; i < coins; i++) { // a coin's mark and its reciprocal
        (void)snprintf(m.asset[i].name, NAME_LEN, "C%u-PERPETUAL", i);
        (void)snprintf(m.asset[i].source, NAME_LEN, "C%u-PERPETUAL", i);
        m.asset[i].kind = ASSET_MARK;
        m.asset[i].decimals = 8;
        px0[i] = INT64_C(100000000) * (1 + (int64_t)i * 37);
        m.asset[coins + i] = m.asset[i];
        m.asset[coins + i].kind = ASSET_RECIPROCAL;
        m.asset[coins + i].base = (uint16_t)i;
        m.asset[coins + i].decimals = 14;
        px0[coins + i] = INT64_C(100000000000000) / (1 + (int64_t)i * 37);
    }
    (void)snprintf(m.asset[2 * coins].name, NAME_LEN, "usdc_usd");
    (void)snprintf(m.asset[2 * coins].source, NAME_LEN, "usdc_usd");
    m.asset[2 * coins].kind = ASSET_INDEX;
    px0[2 * coins] = 100000000;
    if (coins_of(&m, &c, &e))
        exit(1);
}

static void print_paths(const struct paths *p)
{
    for (size_t i = 0; i < p->n * p->assets; i++)
        printf("%lld ", (long long)p->px[i]);
    puts("");
}

static void draw(void)
{
    static struct shocks s;
    struct paths p;
    struct err e;
    unsigned coins = (unsigned)number();
    size_t n = (size_t)number();
    uint64_t seed = (uint64_t)number();
    double sigma = number(), rho = number();
    s.df = (unsigned)number();
    s.days = number();
    s.jump_rate = number();
    s.jump_mean = number();
    s.jump_sd = number();
    make_market(coins);
    shocks_alike(&s, coins, sigma, rho);
    if (paths_draw(&p, &m, &c, px0, &s, n, seed, &e))
        exit(1);
    print_paths(&p);
    paths_free(&p);
}

static void of_history(void)
{
    static struct shocks s;
    char path[400];
    struct history h;
    struct paths p;
    struct err e;
    unsigned coins = (unsigned)number();
    double lambda = number();
    if (scanf("%399s", path) != 1)
        exit(1);
    make_market(coins);
    if (history_read(path, &m, &c, &h, &e)) {
        printf("error %s\n", e.msg);
        return;
    }
    if (shocks_from_history(&s, &h, lambda, &e) || paths_of_history(&p, &m, &c, px0, &h, &e))
        exit(1);
    for (unsigned i = 0; i < coins; i++)
        printf("%a ", s.sigma[i]);
    for (unsigned i = 0; i < coins; i++)
        for (unsigned k = 0; k <= i; k++)
            printf("%a ", s.lower[i][k]);
    print_paths(&p);
    history_free(&h);
    paths_free(&p);
}

static void tail(void)
{
    size_t n = (size_t)number();
    double q = number(), *v = malloc((n + 1) * sizeof *v), error;
    struct tail t;
    for (size_t i = 0; i < n; i++)
        v[i] = number();
    double mean = losses_mean(v, n, &error);
    losses_sort(v, n);
    tail_of(v, n, q, &t);
    printf("%a %a %a %a %a %a %a\n", t.var, t.lo, t.hi, t.es, t.es_error, mean, error);
    free(v);
}

static void normals(void)
{
    struct prng r;
    prng_seed(&r, (uint64_t)number());
    for (long n = (long)number(); n > 0; n--)
        printf("%a ", lab_normal(&r));
    puts("");
}

static void cholesky(void)
{
    static double a[COINS_MAX][COINS_MAX], l[COINS_MAX][COINS_MAX];
    unsigned n = (unsigned)number();
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < n; k++)
            a[i][k] = number();
    if (lab_cholesky(n, a, l)) {
        puts("none");
        return;
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < n; k++)
            printf("%a ", l[i][k]);
    puts("");
}

int main(void)
{
    char what[16];
    while (scanf("%15s", what) == 1) {
        if (strcmp(what, "log") == 0)
            printf("%a\n", lab_log(number()));
        else if (strcmp(what, "exp") == 0)
            printf("%a\n", lab_exp(number()));
        else if (strcmp(what, "kupiec") == 0) {
            double x = number(), t = number();
            printf("%a\n", kupiec_pof((size_t)x, (size_t)t, number()));
        } else if (strcmp(what, "tail") == 0)
            tail();
        else if (strcmp(what, "normals") == 0)
            normals();
        else if (strcmp(what, "cholesky") == 0)
            cholesky();
        else if (strcmp(what, "draw") == 0)
            draw();
        else if (strcmp(what, "history") == 0)
            of_history();
        else
            return 1;
        fflush(stdout);
    }
    return 0;
}
