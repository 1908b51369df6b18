// SPDX-License-Identifier: Apache-2.0
#include "lab/map.h"

#include <stdlib.h>
#include <string.h>

static void vector_of(const struct coins *c, int coin, const double *beta, double move, double *log_return)
{
    for (unsigned k = 0; k < c->n; k++) {
        double b = coin >= 0 ? (int)k == coin : beta ? beta[k] : 1, x = 1 + b * move;
        x = x < 1.0 / WORLD_FACTOR ? 1.0 / WORLD_FACTOR : x;
        log_return[k] = b != 0 && move != 0 ? lab_log(x) : 0;
    }
}

static void name_it(const struct world *w, const struct coins *c, int coin, struct liq_map *out)
{
    memcpy(out->what, coin >= 0 ? c->name[coin] : "all", coin >= 0 ? sizeof out->what : sizeof "all");
    for (unsigned k = 0; coin >= 0 && k < w->assets; k++)
        if (c->of[k] == coin) {
            out->start_px = w->px0[k];
            out->decimals = w->book->market.asset[k].decimals;
            return;
        }
}

int map_make(const struct world *w, const struct coins *c, int coin, const double *beta, double from,
             double to, size_t points, struct liq_map *out, struct err *e)
{
    struct paths p;
    *out = (struct liq_map){.n = points, .point = calloc(points, sizeof *out->point)};
    struct search *s = calloc(1, sizeof *s);
    int rc = paths_alloc(&p, &w->book->market, w->px0, points, e);
    if (rc == 0 && (!out->point || !s))
        rc = err_set(e, "out of memory");
    for (size_t i = 0; rc == 0 && i < points; i++) {
        double r[COINS_MAX], part = (double)i / (double)(points - 1), move = from + (to - from) * part;
        move = move < 1e-9 && move > -1e-9 ? 0 : move;
        out->point[i].move = move;
        vector_of(c, coin, beta, move, r);
        paths_set(&p, &w->book->market, c, w->px0, i, r);
    }
    for (size_t at = 0; rc == 0 && at < points; at += REACH_LANES) {
        struct outcome o[REACH_LANES];
        size_t path[REACH_LANES];
        unsigned n = points - at < REACH_LANES ? (unsigned)(points - at) : REACH_LANES;
        for (unsigned i = 0; i < n; i++)
            path[i] = at + i;
        s->w = w;
        reach_paths(s, &p, path, n, o, NULL);
        for (unsigned i = 0; i < n; i++)
            out->point[at + i].all = o[i];
    }
    if (rc == 0)
        name_it(w, c, coin, out);
    paths_free(&p);
    free(s);
    return rc;
}

void map_free(struct liq_map *m)
{
    free(m->point);
    *m = (struct liq_map){0};
}
