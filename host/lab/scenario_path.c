// SPDX-License-Identifier: Apache-2.0
// Prices from outside, step by step, and the scenarios that are built in.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "lab/scenario.h"
#include "lab_scenarios.h" // generated from scenarios/*.yaml

enum { PPM_ONE = 1000000, CSV_LINE = 256 };

const char *scenario_builtin(size_t i, const char **text)
{
    if (i >= sizeof LAB_SCENARIOS / sizeof *LAB_SCENARIOS)
        return NULL;
    *text = LAB_SCENARIOS[i].text;
    return LAB_SCENARIOS[i].name;
}

const struct waterfall *scenario_waterfall(const char *name)
{
    static const struct {
        const char *name;
        const struct waterfall *w;
    } ALL[] = {{"dydx", &waterfall_dydx},
               {"drift", &waterfall_drift},
               {"mango", &waterfall_mango},
               {"bitmex", &waterfall_bitmex},
               {"hyperliquid", &waterfall_hyperliquid}};
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++)
        if (strcmp(ALL[i].name, name) == 0)
            return ALL[i].w;
    return NULL;
}

// done of `of` equal parts of `whole`, down.
static int64_t part(int64_t whole, uint32_t done, uint32_t of)
{
    return of == 0 ? whole : (int64_t)((i128)whole * done / of);
}

static int64_t shaped(const struct scenario_path *p, uint32_t step, uint32_t steps)
{
    int64_t fall = SCENARIO_FACTOR / PPM_ONE * p->fall_ppm, back = SCENARIO_FACTOR / PPM_ONE * p->rebound_ppm;
    uint32_t end = p->at + p->lasts;
    switch (p->shape) {
    case PATH_SLOW_FALL:
        return SCENARIO_FACTOR - part(fall, step, steps);
    case PATH_GAP:
        return step < p->at ? SCENARIO_FACTOR : SCENARIO_FACTOR - fall;
    case PATH_CRASH_REBOUND:
        if (step <= p->at)
            return SCENARIO_FACTOR;
        if (step <= end)
            return SCENARIO_FACTOR - part(fall, step - p->at, p->lasts);
        return SCENARIO_FACTOR - fall + part(back, step - end, steps - end);
    default:
        return SCENARIO_FACTOR;
    }
}

// Lines "step,price" (ppm of the start price), steps ascending; a price holds until the next.
static int read_csv(struct scenario_coin *c, uint32_t steps, struct err *e)
{
    FILE *f = fopen(c->path.file, "re");
    char line[CSV_LINE];
    unsigned n = 0;
    uint32_t from = 0;
    int rc = f ? 0 : err_set(e, "%s: %s", c->path.file, strerror(errno));
    while (rc == 0 && fgets(line, sizeof line, f)) {
        unsigned long long step, ppm;
        char rest;
        n++;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (line[0] < '0' || line[0] > '9' || sscanf(line, "%llu,%llu %c", &step, &ppm, &rest) != 2)
            rc = err_set(e, "%s:%u: STEP,PPM is wanted, two whole numbers", c->path.file, n);
        else if (step < from || step > SCENARIO_STEPS_MAX || (from == 0 && step != 0))
            rc = err_set(e, "%s:%u: steps ascend and begin with 0", c->path.file, n);
        else if (ppm < 1 || ppm > 100ULL * PPM_ONE)
            rc = err_set(e, "%s:%u: the price is from 1 to 100000000 ppm of the start's", c->path.file, n);
        else
            for (uint64_t k = from = (uint32_t)step; k <= steps; k++)
                c->factor[k] = SCENARIO_FACTOR / PPM_ONE * (int64_t)ppm;
        from++;
    }
    if (rc == 0 && ferror(f))
        rc = err_set(e, "%s: cannot be read: %s", c->path.file, strerror(errno));
    if (rc == 0 && from == 0)
        rc = err_set(e, "%s: no prices in it: lines STEP,PPM are wanted", c->path.file);
    if (f)
        (void)fclose(f);
    return rc;
}

int scenario_paths(struct lab_scenario *s, struct err *e)
{
    struct prng rng;
    prng_seed(&rng, s->seed);
    for (unsigned i = 0; i < s->n_coins; i++) {
        struct scenario_coin *c = &s->coin[i];
        free(c->factor);
        c->factor = calloc((size_t)s->steps + 1, sizeof *c->factor);
        if (!c->factor)
            return err_set(e, "out of memory for %u steps", s->steps);
        for (uint32_t k = 0; k <= s->steps; k++)
            c->factor[k] = shaped(&c->path, k, s->steps);
        if (c->path.shape == PATH_CSV && read_csv(c, s->steps, e) != 0)
            return -1;
        int64_t swing = SCENARIO_FACTOR / PPM_ONE * c->path.noise_ppm;
        for (uint32_t k = 1; swing && k <= s->steps; k++) {
            c->factor[k] += prng_between(&rng, -swing, swing);
            c->factor[k] =
                c->factor[k] < SCENARIO_FACTOR / PPM_ONE ? SCENARIO_FACTOR / PPM_ONE : c->factor[k];
        }
    }
    return 0;
}
