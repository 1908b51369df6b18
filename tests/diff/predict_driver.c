// SPDX-License-Identifier: Apache-2.0
// Line-driven front of host/risk/breach*.c for tests/diff/predict_diff.py: one command a line on stdin, its
// numbers decimal, one line of numbers as the answer. A malformed line ends the program with status 2.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "risk/breach.h"
#include "risk/breach_math.h"

enum { LINE = 1 << 17 };

static const char *word(void)
{
    const char *t = strtok(NULL, " \n");
    if (t)
        return t;
    fputs("predict_driver: a number is missing\n", stderr);
    exit(2);
}
static int64_t get(void)
{
    return strtoll(word(), NULL, 10);
}
static uint64_t getu(void)
{
    return strtoull(word(), NULL, 10);
}

static struct breach_form form;
static struct breach_asset asset[BREACH_ASSETS_MAX];
static struct breach_view view;
static int32_t rho[BREACH_ASSETS_MAX * BREACH_ASSETS_MAX];

// horizon step rho scale weight ratio health n (exposure vol drift impact) * n, full, n * n where full is 1
static void read_form(void)
{
    view = (struct breach_view){.horizon_ns = getu(), .step_ns = getu(), .rho_ppm = (uint32_t)getu()};
    view.fit.scale_ppm = (uint32_t)getu();
    view.fit.weight_ppm = (uint32_t)getu();
    view.fit.ratio_ppm = (uint32_t)getu();
    form = (struct breach_form){.health = get(), .n = (uint32_t)getu()};
    for (unsigned i = 0; i < form.n && i < BREACH_ASSETS_MAX; i++) {
        form.exposure[i] = get();
        asset[i].vol_q48 = getu();
        asset[i].drift_q64 = get();
        asset[i].impact_ppm = (uint32_t)getu();
    }
    if (getu() != 1)
        return;
    for (unsigned i = 0; i < form.n * form.n; i++)
        rho[i] = (int32_t)get();
    view.rho_q30 = rho;
}

static struct breach_feed read_feed(void)
{
    struct breach_feed f = {.told = get(), .market = get()};
    f.vol_q48 = getu();
    f.deviation_ppm = (uint32_t)getu();
    f.due_in_ns = getu();
    f.visible = get();
    f.visible_q32 = getu();
    return f;
}

static void candidates(bool with)
{
    struct breach_candidate c[BREACH_CANDIDATES_MAX];
    const struct breach_feed f = read_feed();
    read_form();
    unsigned n = breach_candidates(&f, &view, c);
    for (unsigned i = 0; i < n && !with; i++)
        printf("%" PRId64 " %" PRIu64 " %" PRId64 " %d ", c[i].price, c[i].probability, c[i].distance,
               (int)c[i].cause);
    if (with)
        printf("%" PRIu64, breach_with_candidates(&form, asset, &view, 0, f.told, c, n));
}

static void answer(const char *what)
{
    if (strcmp(what, "tail") == 0) {
        printf("%" PRIu64, breach_tail(get()));
    } else if (strcmp(what, "pass") == 0) {
        int64_t d = get();
        printf("%" PRIu64, breach_first_passage(d, get()));
    } else if (strcmp(what, "vol") == 0) {
        printf("%" PRIu64, breach_vol_q48(getu()));
    } else if (strcmp(what, "value") == 0) {
        uint64_t p = getu();
        int64_t reward = get();
        printf("%" PRId64, breach_value(p, reward, get()));
    } else if (strcmp(what, "prob") == 0) {
        int64_t drift;
        read_form();
        int64_t d = breach_distance(&form, asset, &view, &drift);
        printf("%" PRIu64 " %" PRId64 " %" PRId64, breach_probability(&form, asset, &view), d, drift);
    } else if (strcmp(what, "reduce") == 0) {
        uint64_t most = getu();
        read_form();
        printf("%" PRIu32, breach_reduction_ppm(&form, asset, &view, most));
    } else if (strcmp(what, "next") == 0 || strcmp(what, "with") == 0) {
        candidates(strcmp(what, "with") == 0);
    } else {
        exit(2);
    }
}

int main(void)
{
    static char line[LINE];
    while (fgets(line, sizeof line, stdin)) {
        const char *what = strtok(line, " \n");
        if (!what)
            return 2;
        answer(what);
        putchar('\n');
        (void)fflush(stdout);
    }
    return 0;
}
