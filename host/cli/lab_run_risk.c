// SPDX-License-Identifier: Apache-2.0
// The scenario's accounts before anything has happened: what a move would make liquidatable, and what drawn
// moves over the scenario's horizon would cost. The same world as `tripline lab map` and `var`.
#include "cli/lab_run_risk.h"

#include <string.h>
#include <unistd.h>

#include "lab/foresight.h"
#include "lab/map.h"
#include "lab/var.h"

enum { POINTS = 41, PATHS = 10000, DF = 4 };
static const double DAY_S = 86400, MOST = 0.5, VOL = 0.04, CORRELATION = 0.8; // as `lab var` without options

struct risk {
    const struct lab_scenario *s;
    struct book book;
    struct coins coins;
    struct world world;
    int64_t px[MARKET_ASSETS_MAX];
};

static bool belongs(const struct scenario_coin *c, const struct asset *a)
{
    for (unsigned j = 0; j < c->n; j++)
        if (strcmp(c->asset[j], a->name) == 0 || strcmp(c->asset[j], a->source) == 0)
            return true;
    return false;
}

// All coins jointly (of NULL), or those of one coin of the scenario.
static int map_of(const struct risk *k, const struct scenario_coin *of, struct lab_result *r, struct err *e)
{
    const struct market *m = &k->book.market;
    struct liq_map map = {0};
    double beta[COINS_MAX] = {0};
    int64_t first = 0;
    for (unsigned i = 0; of && i < m->n_assets; i++)
        if (k->coins.of[i] != COIN_NONE && belongs(of, &m->asset[i])) {
            beta[k->coins.of[i]] = 1;
            first = first ? first : k->px[i];
        }
    if (of && first == 0)
        return 0;
    int rc = map_make(&k->world, &k->coins, -1, of ? beta : NULL, -MOST, MOST, POINTS, &map, e);
    if (rc == 0 && of) {
        (void)snprintf(map.what, sizeof map.what, "%s", of->name);
        map.start_px = first;
    }
    if (rc == 0)
        map_result(&map, r);
    map_free(&map);
    return rc;
}

static int losses(const struct risk *k, const struct progress *p, struct lab_result *r, struct err *e)
{
    static struct shocks shocks;
    struct paths paths;
    struct var_run run = {0};
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = cpus < 1 ? 1 : cpus > VAR_THREADS_MAX ? VAR_THREADS_MAX : (unsigned)cpus;
    shocks = (struct shocks){.df = DF, .days = (double)k->s->horizon_s / DAY_S};
    shocks_alike(&shocks, k->coins.n, VOL, CORRELATION);
    int rc = paths_draw(&paths, &k->book.market, &k->coins, k->px, &shocks, PATHS, k->s->seed, e);
    if (rc == 0)
        rc = var_run(&k->world, &paths, threads, p, &run, e);
    if (rc == 0) {
        lab_fact(r, LAB_LOSSES, "Drawn moves", "of every coin; not the scenario's own path",
                 "Student's t, %d degrees, %.0f %% a day, correlation %.1f, over %.4g days", DF, VOL * 100,
                 CORRELATION, shocks.days);
        var_result(&run, r);
    }
    var_run_free(&run);
    paths_free(&paths);
    return rc;
}

int lab_run_risk(const struct lab_scenario *s, const struct cascade_step *steps, const struct progress *p,
                 struct lab_result *r, struct err *e)
{
    static struct risk k;
    static struct foresight f;
    bool still[MARKET_ASSETS_MAX];
    k = (struct risk){.s = s};
    if (cascade_book_make(s, &k.book, k.px, e) != 0)
        return -1;
    int rc = coins_of(&k.book.market, &k.coins, e);
    for (unsigned i = 0; rc == 0 && i < k.book.market.n_assets; i++)
        still[i] = k.coins.of[i] == COIN_NONE;
    if (rc == 0)
        rc = world_make(&k.world, &k.book, k.px, still, p, e);
    if (rc == 0)
        rc = map_of(&k, NULL, r, e);
    for (unsigned c = 0; rc == 0 && c < s->n_coins; c++)
        rc = map_of(&k, &s->coin[c], r, e);
    if (rc == 0)
        rc = losses(&k, p, r, e);
    if (rc == 0)
        rc = foresight_make(s, &k.book, k.px, steps, p, &f, e);
    if (rc == 0)
        foresight_result(&f, r);
    world_free(&k.world);
    book_free(&k.book);
    return rc;
}
